//! SC-56 to SC-65: signals.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::lock;
use crate::script::{Did, Flag, Handling, Script, Step, signals};
use crate::sim::{Place, To};
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, CloneKind, Disposition, Event, EventSet, Progress, SigInfo, SignalAction, SignalKind,
    SignalReport, Task,
};

const GO: Flag = Flag(0);
const TERM: Seen = Seen::Event(Event::SignalTerm);
const REPORT: Seen = Seen::Path(SignalKind::Report);

/// An engine that does something with each signal taken from the queue.
fn on_signal(
    name: &'static str,
    log: &Log,
    mut does: impl FnMut(&mut SignalReport) -> Action + Send + 'static,
) -> Probe {
    Probe::new(name, log).answers(move |_, report| match report {
        Report::Signal(signal) if matches!(signal.kind, SignalKind::Taken(_)) => does(signal),
        _ => Action::Resume,
    })
}

fn ignores(signal: &mut SignalReport) -> Action {
    signal.action = SignalAction::Ignore;
    Action::Resume
}

fn numbers(log: &Log, engine: &str, event: Event) -> Vec<u32> {
    log.calls(engine, event).iter().filter_map(|call| u32::try_from(call.detail).ok()).collect()
}

fn raised(numbers: &[u32]) -> Script {
    numbers.iter().map(|number| Step::Raise(*number)).chain([Step::Mark(1)]).collect()
}

/// A signal is rewritten to one with a handler, disposition with it / deliver / that handler runs, and it is its
/// one-shot disposition that is used up.
pub fn sc_056_rewrite_to_a_handled_signal(world: &impl World) {
    let (usr1, usr2) = (signals::SIGUSR1, signals::SIGUSR2);
    let script = vec![
        Step::Handle(usr2, Handling::Once(vec![Step::Mark(2)])),
        Step::Raise(usr1),
        Step::Mark(1),
        Step::Raise(usr2),
    ];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let probe = on_signal("A", &log, move |signal| {
        if signal.info.number == usr1 {
            assert_eq!(
                (signal.disposition, signal.action),
                (Some(Disposition::Default), SignalAction::Deliver)
            );
            signal.info.number = usr2;
            signal.disposition = Some(Disposition::Caught);
        }
        Action::Resume
    });
    attach(&task, probe, Event::SignalTerm);
    assert_eq!(world.run(&task), usr2, "the handler is gone: the second one kills");
    assert_eq!(world.did(&task), [Did::Mark(2), Did::Mark(1)]);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [usr1, usr2]);
}

/// Ignored / the next is reported. Held back / reported again, ahead of others; a later engine can omit that.
pub fn sc_057_ignore_and_hold(world: &impl World) {
    let (usr1, usr2) = (signals::SIGUSR1, signals::SIGUSR2);
    let both = |world: &dyn Fn(&Task, u32), task: &Task| {
        world(task, usr1);
        world(task, usr2);
    };
    let send = |task: &Task, number| world.kill(task, number);

    let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
    attach(&task, on_signal("A", &log, ignores), Event::SignalTerm);
    both(&send, &task);
    assert_eq!(world.run(&task), 0);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [usr1, usr2]);

    // Held back once; from the shared queue it comes to the front of the thread's own.
    let hold_once = |name, log: &Log| {
        let mut held = false;
        on_signal(name, log, move |signal| {
            signal.action = SignalAction::Ignore;
            signal.hold = !core::mem::replace(&mut held, true);
            Action::Resume
        })
    };
    for to in [To::Process, To::Thread] {
        let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
        attach(&task, hold_once("A", &log), Event::SignalTerm);
        both(&|task, number| world.signal(task, to, SigInfo { number, ..SigInfo::NONE }), &task);
        assert_eq!(world.run(&task), 0);
        assert_eq!(numbers(&log, "A", Event::SignalTerm), [usr1, usr1, usr2]);
    }

    let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
    attach(&task, hold_once("A", &log), Event::SignalTerm);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&seen);
    let later = on_signal("B", &log, move |signal| {
        lock(&found).push((signal.hold, signal.action));
        Action::Resume
    });
    attach(&task, later, Event::SignalTerm);
    both(&send, &task);
    assert_eq!(world.run(&task), 0);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [usr1, usr2], "B did not repeat it");
    assert_eq!(*lock(&seen), [(false, SignalAction::Ignore); 2], "but sees the action");
}

/// Stop and ignore, details intact, then interrupt / - / the report finds them.
pub fn sc_058_stop_on_a_signal_and_find_it_again(world: &impl World) {
    let mut info = SigInfo { number: signals::SIGUSR1, ..SigInfo::NONE };
    // As sigqueue(3) sends it: SI_QUEUE, whose details are the sender's.
    info.raw[8..12].copy_from_slice(&(-1_i32).to_le_bytes());
    info.raw[24..28].copy_from_slice(&[1, 2, 3, 4]);
    let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
    let found = Arc::new(Mutex::new(Vec::new()));
    let infos = Arc::clone(&found);
    let probe = Probe::new("A", &log).answers(move |_, report| {
        let Report::Signal(signal) = report else { return Action::Resume };
        lock(&infos).push((signal.kind, signal.info));
        match signal.kind {
            SignalKind::Taken(_) => {
                signal.action = SignalAction::Ignore;
                Action::Stop
            }
            _ => {
                // Now it is wanted after all: a number with an action is delivered.
                signal.action = SignalAction::Terminate;
                Action::Resume
            }
        }
    });
    let a = attach(&task, probe, Event::Quiesce | Event::SignalTerm);
    world.signal(&task, To::Thread, info);
    world.begin(&task);
    world.until(&task, Place::Held);
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), signals::SIGUSR1);
    let found = lock(&found).clone();
    let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [SignalKind::Taken(Event::SignalTerm), SignalKind::Report]);
    for (_, seen) in found {
        assert_eq!((seen.number, &seen.raw[24..28]), (info.number, &info.raw[24..28]));
    }
    assert!(world.did(&task).is_empty());
}

/// Interrupt is answered to every signal report / - / the task gets on.
pub fn sc_059_interrupt_forever_is_no_livelock(world: &impl World) {
    let script = raised(&[signals::SIGUSR1, signals::SIGUSR2]);
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let probe = Probe::new("A", &log).answers(|_, report| match report {
        Report::Signal(signal) => {
            signal.action = SignalAction::Ignore;
            Action::Interrupt
        }
        Report::Quiesce(None) => Action::Report,
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::SignalTerm);
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    assert_eq!(world.run(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [signals::SIGUSR1, signals::SIGUSR2]);

    // With quiesce it is also called in the reports without a signal; asking again there is no demand either.
    let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
    let probe = Probe::new("A", &log).answers(|_, report| match report {
        Report::Signal(_) => Action::Interrupt,
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Quiesce);
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    assert_eq!(world.run(&task), 0);
    assert_eq!(log.count("A", REPORT), 1);
}

/// Deliver and single-step / a handler / the handler report comes before its first instruction.
pub fn sc_060_step_into_a_handler(world: &impl World) {
    let handler = Handling::Handler(vec![Step::Mark(9), Step::Mark(10)]);
    let script = vec![Step::Handle(signals::SIGUSR1, handler), Step::Raise(signals::SIGUSR1), Step::Mark(1)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let probe = Probe::new("A", &log).answers(|_, report| match report {
        Report::Signal(signal) => match signal.kind {
            SignalKind::Taken(Event::Signal) => Action::SingleStep,
            SignalKind::Taken(_) => {
                signal.action = SignalAction::Ignore;
                Action::Resume
            }
            SignalKind::Handler => Action::Stop,
            SignalKind::Report => Action::Resume,
        },
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Quiesce | Event::Signal | Event::SignalCore);
    world.begin(&task);
    world.until(&task, Place::Held);
    assert_eq!(log.count("A", Seen::Path(SignalKind::Handler)), 1);
    assert!(world.did(&task).is_empty());
    assert_eq!(a.control(Action::SingleStep), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(9), Did::Mark(10), Did::Mark(1)]);
    assert_eq!(numbers(&log, "A", Event::SignalCore), [signals::SIGTRAP], "and the step was made, once");
}

/// An ignored signal with SIGNAL_IGN asked for; without / - / reported; never even queued.
pub fn sc_061_ignored_signals<W: World>(world: &W) {
    let ignored = [signals::SIGWINCH, signals::SIGUSR1];
    for asked in [true, false] {
        let go = Flag(u32::from(asked));
        let script =
            vec![Step::Handle(signals::SIGUSR1, Handling::Ignore), Step::DeepSleep(go), Step::Call(1)];
        let (task, log) = (world.launch(script, Parent::Waits), Log::new());
        let wanted = Event::SignalIgn | Event::Exec;
        let a =
            attach(&task, Probe::new("A", &log), if asked { wanted } else { EventSet::from(Event::Exec) });
        world.begin(&task);
        world.until(&task, Place::Asleep);
        // They arrive where nothing takes them, so that one which was queued would be reported afterwards.
        for number in ignored {
            world.signal(&task, To::Thread, SigInfo { number, ..SigInfo::NONE });
        }
        // Asked for late. Where they are queued all the same, what nobody asks for is at least not reported.
        if !W::DIFFERS.ignored_are_queued {
            assert_eq!(a.set_events(wanted), Ok(Progress::Done));
        }
        world.raise(go);
        assert_eq!(world.until_over(&task), 0);
        let expected: &[u32] = if asked { &ignored } else { &[] };
        // Which of two waiting signals is taken first is the kernel's affair (Linux: the lower number).
        let mut found = numbers(&log, "A", Event::SignalIgn);
        found.sort_unstable_by_key(|number| ignored.iter().position(|other| other == number));
        assert_eq!(found, expected);
    }
    // A blocked one is queued, and reported when it is unblocked.
    let usr1 = signals::SIGUSR1;
    let script =
        vec![Step::Block(usr1), Step::Raise(usr1), Step::Mark(1), Step::Unblock(usr1), Step::Mark(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let probe = on_signal("A", &log, ignores);
    attach(&task, probe, Event::SignalTerm);
    assert_eq!(world.run(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1), Did::Mark(2)]);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [usr1]);
}

/// SIGTERM to a process, TERM asked for / - / no fast kill; the engine can make it ignored. Not asked for / killed.
pub fn sc_062_fast_kill(world: &impl World) {
    for asked in [true, false] {
        let (log, go) = (Log::new(), Flag(u32::from(asked)));
        let thread = vec![Step::Sleep(go)];
        let script = vec![Step::Spawn(CloneKind::Thread, thread), Step::Sleep(go), Step::Mark(1)];
        let task = world.launch(script, Parent::Waits);
        let wanted = EventSet::from(if asked { Event::SignalTerm } else { Event::Exec });
        let inner = log.clone();
        let probe = Probe::new("A", &log).answers(move |_, report| match report {
            Report::Signal(signal) => ignores(signal),
            Report::Clone(clone) => {
                attach(&clone.child, on_signal("A", &inner, ignores), wanted);
                Action::Resume
            }
            _ => Action::Resume,
        });
        attach(&task, probe, wanted | Event::Clone);
        world.begin(&task);
        world.until(&task, Place::Asleep);
        world.kill(&task, signals::SIGTERM);
        if asked {
            log.until("A", TERM);
            world.raise(go);
            assert_eq!(world.until_over(&task), 0);
            assert_eq!(world.did(&task), [Did::Mark(1)]);
        } else {
            assert_eq!(world.until_over(&task), signals::SIGTERM);
        }
        assert_eq!(numbers(&log, "A", Event::SignalTerm).len(), usize::from(asked));
    }
}

/// A signal number with bit 0x80 set by an engine, terminate / - / died of SIGTRAP, with a warning.
pub fn sc_063_bogus_number(world: &impl World) {
    let (task, log) = (world.launch(raised(&[signals::SIGUSR1]), Parent::Waits), Log::new());
    let probe = on_signal("A", &log, |signal| {
        signal.info.number = 0x80 | signals::SIGUSR1;
        signal.action = SignalAction::Terminate;
        Action::Resume
    });
    attach(&task, probe, Event::SignalTerm);
    let before = world.warnings().len();
    assert_eq!(world.run(&task), signals::SIGTRAP);
    assert_eq!(world.warnings().len(), before + 1);
}

/// SIGKILL and others wait when a stop ends / - / it dies of SIGKILL, and no other is taken.
pub fn sc_064_kill_goes_first(world: &impl World) {
    let (task, log) = (world.launch(raised(&[signals::SIGUSR1]), Parent::Waits), Log::new());
    let mut first = true;
    let probe = on_signal("A", &log, move |signal| {
        signal.action = SignalAction::Ignore;
        if core::mem::take(&mut first) { Action::Stop } else { Action::Resume }
    });
    let a = attach(&task, probe, Event::SignalTerm);
    world.begin(&task);
    world.until(&task, Place::Held);
    world.kill(&task, signals::SIGUSR2);
    world.kill(&task, signals::SIGTERM);
    world.kill(&task, signals::SIGKILL);
    let _ = a.control(Action::Resume);
    assert_eq!(world.until_over(&task), signals::SIGKILL);
    assert_eq!(numbers(&log, "A", Event::SignalTerm), [signals::SIGUSR1]);
}

/// A group stop waits on the signal path, with a signal and a report due / - / it takes part before any report.
pub fn sc_065_group_stop_goes_first(world: &impl World) {
    let threads = Arc::new(Mutex::new(Vec::new()));
    let (found, log) = (Arc::clone(&threads), Log::new());
    let script = vec![Step::Spawn(CloneKind::Thread, vec![Step::Spin(GO)]), Step::Call(1), Step::Mark(2)];
    let task = world.launch(script, Parent::Waits);
    let mut first = true;
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            lock(&found).push(clone.child.clone());
            Action::Resume
        }
        Report::SyscallExit(exit) if exit.value() == 1 && core::mem::take(&mut first) => Action::Stop,
        Report::Signal(signal) => ignores(signal),
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Clone | Event::SyscallExit | Event::SignalTerm | Event::Jctl);
    world.begin(&task);
    world.until(&task, Place::Held);
    let other = lock(&threads).pop();
    assert!(other.is_some());
    let Some(other) = other else { return };
    let stop = SigInfo { number: signals::SIGSTOP, ..SigInfo::NONE };
    world.signal(&other, To::Thread, stop);
    world.until(&other, Place::Stopped);
    world.signal(&task, To::Thread, SigInfo { number: signals::SIGUSR1, ..SigInfo::NONE });
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    world.until(&task, Place::Stopped);
    assert_eq!(log.count("A", TERM), 0);
    assert_eq!(log.of("A").last(), Some(&Seen::Event(Event::Jctl)));
    world.raise(GO);
    world.kill(&task, signals::SIGCONT);
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(log.count("A", TERM), 1);
}
