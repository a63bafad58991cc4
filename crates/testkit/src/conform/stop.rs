//! SC-30 to SC-38: holding, letting go, and what is left to do then.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::Gate;
use crate::script::{Did, Flag, Handling, Step, signals};
use crate::sim::{Place, To};
use utrace_core::{Action, EngineRef, Event, Progress, SigInfo, SignalAction, SignalKind, Task};

const EXIT: Seen = Seen::Event(Event::SyscallExit);

fn stop(engine: &EngineRef) -> Progress {
    let answer = engine.control(Action::Stop);
    assert!(answer.is_ok(), "{answer:?}");
    answer.unwrap_or(Progress::InProgress)
}

fn resume(engine: &EngineRef) {
    assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
}

/// Runs to the end and did nothing but these marks.
fn ends_with_marks(world: &impl World, task: &Task, marks: &[u32]) {
    assert_eq!(world.until_over(task), 0);
    let did: Vec<Did> = world.did(task).into_iter().filter(|did| matches!(did, Did::Mark(_))).collect();
    assert_eq!(did, marks.iter().map(|mark| Did::Mark(*mark)).collect::<Vec<_>>());
}

/// Running / stop / in progress; once quiesce answered stop / stop / done.
pub fn sc_030_stop_a_running_task(world: &impl World) {
    let go = Flag(0);
    let script = vec![Step::Mark(1), Step::Spin(go), Step::Mark(2)];
    let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("quiesce"));
    world.begin(&task);
    world.until_did(&task, Did::Mark(1));
    let inside = gate.clone();
    let mut first = true;
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Quiesce(None) if core::mem::take(&mut first) => {
            inside.pass();
            Action::Stop
        }
        _ => Action::Resume,
    });
    // The attach alone may bring a quiesce report; the stop is asked for while the callback stands at the gate or
    // before it comes, so it is in progress either way.
    let a = attach(&task, probe, Event::Quiesce);
    assert_eq!(stop(&a), Progress::InProgress);
    gate.until_reached();
    assert_eq!(stop(&a), Progress::InProgress);
    gate.open();
    world.until(&task, Place::Held);
    assert_eq!(stop(&a), Progress::Done);
    world.raise(go);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
    resume(&a);
    ends_with_marks(world, &task, &[1, 2]);
}

/// Asleep / stop / in progress, the sleep undisturbed; interrupt / the sleep ends as by a stop signal, reported.
pub fn sc_031_stop_and_interrupt_a_sleeper(world: &impl World) {
    let go = Flag(0);
    let script = vec![Step::Mark(1), Step::Sleep(go), Step::Mark(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Quiesce | Event::SyscallExit);
    world.begin(&task);
    world.until(&task, Place::Asleep);
    let before = log.all().len();
    assert_eq!(stop(&a), Progress::InProgress);
    // The examination proves that it stayed off the processor from here to there.
    let examine = a.prepare_examine();
    assert!(examine.is_ok());
    assert_eq!(stop(&a), Progress::InProgress);
    assert_eq!(examine.map(utrace_core::Examine::finish), Ok(Ok(())));
    assert_eq!(log.all().len(), before);
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    log.until("A", Seen::Path(SignalKind::Report));
    // As after a stop signal, the syscall is made again: the program does not see EINTR.
    world.until(&task, Place::Asleep);
    world.raise(go);
    ends_with_marks(world, &task, &[1, 2]);
    let results: Vec<_> = log.calls("A", Event::SyscallExit).iter().map(|call| call.detail).collect();
    assert_eq!((results.len(), results.last()), (2, Some(&0)), "{results:?}");
}

/// Asleep, stop asked for and taken back, then a signal / - / it gets on, and is not asked to stop for ever.
pub fn sc_031_stop_taken_back(world: &impl World) {
    let (go, usr1) = (Flag(0), signals::SIGUSR1);
    let script = vec![
        Step::Handle(usr1, Handling::Handler(vec![Step::Mark(9)])),
        Step::Sleep(go),
        Step::Call(1),
        Step::Mark(2),
    ];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Quiesce);
    world.begin(&task);
    world.until(&task, Place::Asleep);
    assert_eq!(stop(&a), Progress::InProgress);
    resume(&a);
    world.signal(&task, To::Thread, SigInfo { number: usr1, ..SigInfo::NONE });
    ends_with_marks(world, &task, &[9, 2]);
    // At most one report for the stop that was asked for; none before user mode after the later syscall.
    let alone = |seen: &Seen| matches!(seen, Seen::Quiesce(None) | Seen::Path(SignalKind::Report));
    let seen = log.of("A");
    assert!(seen.iter().filter(|seen| alone(seen)).count() <= 1, "{seen:?}");

    // The same where the first thing that the task comes to is the signal path.
    let (task, log) = (world.launch(vec![Step::Mark(2)], Parent::Waits), Log::new());
    let probe = Probe::new("A", &log).answers(|_, report| {
        if let Report::Signal(signal) = report {
            signal.action = SignalAction::Ignore;
        }
        Action::Resume
    });
    let a = attach(&task, probe, Event::SignalTerm);
    assert_eq!(stop(&a), Progress::InProgress);
    resume(&a);
    world.signal(&task, To::Thread, SigInfo { number: usr1, ..SigInfo::NONE });
    world.begin(&task);
    ends_with_marks(world, &task, &[2]);
    assert_eq!(log.of("A"), [Seen::Event(Event::SignalTerm)]);
}

/// A and B hold / A lets go / it stays; B lets go / it runs, once.
pub fn sc_032_last_holder_lets_go(world: &impl World) {
    let script = vec![Step::Call(1), Step::Mark(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log).once(EXIT, Action::Stop), Event::SyscallExit);
    let b = attach(&task, Probe::new("B", &log).once(EXIT, Action::Stop), Event::SyscallExit);
    world.begin(&task);
    world.until(&task, Place::Held);
    resume(&a);
    assert!(task.is_stopped(), "B holds it");
    assert_eq!(stop(&b), Progress::Done);
    assert_eq!(world.place(&task), Place::Held);
    for action in [Action::Interrupt, Action::Resume] {
        assert_eq!(a.control(action), Ok(Progress::Done));
        assert!(task.is_stopped(), "a release by A does not end B's stop");
    }
    assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
    assert!(task.is_stopped());
    assert_eq!(world.did(&task), [Did::Call(1)]);
    resume(&b);
    assert!(!task.is_stopped());
    ends_with_marks(world, &task, &[2]);
}

/// A answers stop, lets go after barrier and before the sleep / - / it does not hang (INV-24).
pub fn sc_033_resume_between_stop_and_sleep(world: &impl World) {
    for event in [Event::SyscallExit, Event::SyscallEntry] {
        let script = vec![Step::Call(1), Step::Mark(2)];
        let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("B"));
        let inside = gate.clone();
        let a = Probe::new("A", &log).once(Seen::Event(event), Action::Stop);
        let b = Probe::new("B", &log).answers(move |_, _| {
            inside.pass();
            Action::Resume
        });
        // A is called first in either order, so A's stop is applied while B stands at the gate.
        let a = if event == Event::SyscallExit {
            let a = attach(&task, a, event);
            attach(&task, b, event);
            a
        } else {
            attach(&task, b, event);
            attach(&task, a, event)
        };
        world.begin(&task);
        gate.until_reached();
        assert_eq!(log.count("A", Seen::Event(event)), 1);
        assert_eq!(a.barrier(), Ok(()));
        resume(&a);
        gate.open();
        ends_with_marks(world, &task, &[2]);
    }
}

/// Resume is issued while the callback that answers stop runs / - / it stays held (INV-21).
pub fn sc_034_resume_during_the_callback(world: &impl World) {
    for event in [Event::SyscallExit, Event::SyscallEntry] {
        let script = vec![Step::Call(1), Step::Mark(2)];
        let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("A"));
        let inside = gate.clone();
        let probe = Probe::new("A", &log).answers(move |_, _| {
            inside.pass();
            Action::Stop
        });
        let a = attach(&task, probe, event);
        world.begin(&task);
        gate.until_reached();
        resume(&a);
        gate.open();
        world.until(&task, Place::Held);
        assert_eq!(stop(&a), Progress::Done);
        assert!(!world.did(&task).contains(&Did::Mark(2)));
        resume(&a);
        ends_with_marks(world, &task, &[2]);
    }
}

/// Stop is issued while a callback that answers resume runs / - / it is not held (INV-21).
pub fn sc_034_stop_during_the_callback(world: &impl World) {
    let script = vec![Step::Call(1), Step::Mark(2)];
    let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("A"));
    let inside = gate.clone();
    let probe = Probe::new("A", &log).answers(move |_, _| {
        inside.pass();
        Action::Resume
    });
    let a = attach(&task, probe, Event::SyscallExit);
    world.begin(&task);
    gate.until_reached();
    assert_eq!(stop(&a), Progress::InProgress);
    gate.open();
    ends_with_marks(world, &task, &[2]);
}

/// An engine without quiesce answers stop at syscall exit, nobody has quiesce / - / it stops (INV-26).
pub fn sc_035_stop_without_quiesce(world: &impl World) {
    let script = vec![Step::Call(1), Step::Mark(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log).once(EXIT, Action::Stop), Event::SyscallExit);
    world.begin(&task);
    world.until(&task, Place::Held);
    assert_eq!(world.did(&task), [Did::Call(1)]);
    assert_eq!(stop(&a), Progress::Done);
    assert_eq!(log.of("A"), [EXIT], "it never asked for quiesce");
    resume(&a);
    ends_with_marks(world, &task, &[2]);
}

/// An engine that stops at the exit of the call with value 1.
fn stops_after_call(log: &Log) -> Probe {
    Probe::new("H", log).answers(|_, report| match report {
        Report::SyscallExit(exit) if exit.value() == 1 => Action::Stop,
        _ => Action::Resume,
    })
}

/// The same in a signal pass, with another engine that has quiesce / - / it stops (INV-26).
pub fn sc_036_stop_without_quiesce_in_a_signal_pass(world: &impl World) {
    let (usr1, usr2) = (signals::SIGUSR1, signals::SIGUSR2);
    let script = vec![
        Step::Handle(usr1, Handling::Handler(vec![Step::Mark(9)])),
        Step::Handle(usr2, Handling::Handler(vec![Step::Mark(10)])),
        Step::Call(1),
        Step::Mark(2),
    ];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let taken = Seen::Event(Event::Signal);
    let a = attach(&task, Probe::new("A", &log).once(taken, Action::Stop), Event::Signal);
    attach(&task, Probe::new("Q", &log), Event::Quiesce);
    let h = attach(&task, stops_after_call(&log), Event::SyscallExit);
    world.begin(&task);
    world.until(&task, Place::Held);
    // Two signals wait, so that the stop must be honoured on the signal path itself: before the second is taken.
    for number in [usr1, usr2] {
        world.signal(&task, To::Thread, SigInfo { number, ..SigInfo::NONE });
    }
    resume(&h);
    log.until("A", taken);
    world.until(&task, Place::Held);
    assert_eq!(log.of("A"), [taken]);
    assert_eq!(stop(&a), Progress::Done);
    assert!(!world.did(&task).iter().any(|did| matches!(did, Did::Mark(_))));
    resume(&a);
    ends_with_marks(world, &task, &[10, 9, 2]);
    assert_eq!(log.of("A"), [taken, taken]);
}

/// What an engine does that steps once in the first report before user mode, and stops at the trap.
fn stepper(name: &'static str, log: &Log, step: Action) -> Probe {
    let mut first = true;
    Probe::new(name, log).answers(move |_, report| match report {
        Report::Quiesce(None) if core::mem::take(&mut first) => step,
        Report::Signal(signal) if signal.kind == SignalKind::Taken(Event::SignalCore) => {
            signal.action = SignalAction::Ignore;
            Action::Stop
        }
        _ => Action::Resume,
    })
}

const TRAP: Seen = Seen::Event(Event::SignalCore);

/// A stops and B steps in one pass / A lets go / the step still happens.
pub fn sc_037_step_survives_anothers_stop(world: &impl World) {
    for action in [Action::SingleStep, Action::BlockStep] {
        let script = vec![Step::Branch(1), Step::Mark(2), Step::Mark(3)];
        let (task, log) = (world.launch(script, Parent::Waits), Log::new());
        let a = attach(&task, Probe::new("A", &log).once(Seen::Quiesce(None), Action::Stop), Event::Quiesce);
        let b = attach(&task, stepper("B", &log, action), Event::Quiesce | Event::SignalCore);
        assert_eq!(b.control(Action::Report), Ok(Progress::Done));
        world.begin(&task);
        world.until(&task, Place::Held);
        assert!(world.did(&task).is_empty() && log.count("B", TRAP) == 0);
        assert_eq!(stop(&a), Progress::Done);
        resume(&a);
        log.until("B", TRAP);
        world.until(&task, Place::Held);
        assert_eq!(world.did(&task), [Did::Mark(1)]);
        resume(&b);
        ends_with_marks(world, &task, &[1, 2, 3]);
        assert_eq!(log.count("B", TRAP), 1, "one step");
    }
}

/// A stops and B asks for an interrupt in one pass / A lets go / B still gets its report on the signal path.
pub fn sc_037_interrupt_survives_anothers_stop(world: &impl World) {
    let script = vec![Step::Call(1), Step::Mark(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log).once(EXIT, Action::Stop), Event::SyscallExit);
    let b = Probe::new("B", &log).once(EXIT, Action::Interrupt);
    attach(&task, b, Event::SyscallExit | Event::Quiesce);
    world.begin(&task);
    world.until(&task, Place::Held);
    resume(&a);
    ends_with_marks(world, &task, &[2]);
    assert_eq!(log.count("B", Seen::Path(SignalKind::Report)), 1);
}

/// One engine block-steps, another single-steps / - / a single step.
pub fn sc_038_single_step_beats_block_step(world: &impl World) {
    for (a, b) in [(Action::BlockStep, Action::SingleStep), (Action::SingleStep, Action::BlockStep)] {
        let script = vec![Step::Mark(1), Step::Branch(2), Step::Mark(3)];
        let (task, log) = (world.launch(script, Parent::Waits), Log::new());
        attach(&task, Probe::new("A", &log).once(Seen::Quiesce(None), a), Event::Quiesce);
        let b = attach(&task, stepper("B", &log, b), Event::Quiesce | Event::SignalCore);
        assert_eq!(b.control(Action::Report), Ok(Progress::Done));
        world.begin(&task);
        log.until("B", TRAP);
        world.until(&task, Place::Held);
        assert_eq!(world.did(&task), [Did::Mark(1)]);
        resume(&b);
        ends_with_marks(world, &task, &[1, 2, 3]);
    }
}
