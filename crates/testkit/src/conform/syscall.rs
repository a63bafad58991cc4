//! SC-48 to SC-55: syscalls.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::{Gate, lock};
use crate::script::{Did, Flag, Step, signals};
use crate::sim::{ENOSYS, Place};
use std::sync::{Arc, Mutex};
use utrace_core::{Action, EngineRef, Event, EventSet, Progress, Task};

const ENTRY: Seen = Seen::Event(Event::SyscallEntry);
const EXIT: Seen = Seen::Event(Event::SyscallExit);

/// A task that an engine holds at the entry of its call with value 1.
fn at_entry(world: &impl World, log: &Log, events: impl Into<EventSet>) -> (Task, EngineRef) {
    let task = world.launch(vec![Step::Call(1), Step::Mark(2)], Parent::Waits);
    let probe = Probe::new("A", log).once(ENTRY, Action::Stop);
    let a = attach(&task, probe, events.into() | Event::SyscallEntry);
    world.begin(&task);
    world.until(&task, Place::Held);
    (task, a)
}

fn change_value(world: &impl World, engine: &EngineRef, value: u64) {
    assert_eq!(engine.examine(|target| world.set_call_value(target, value)), Ok(()));
}

fn views(log: &Log, engine: &str) -> Vec<(i64, bool)> {
    log.calls(engine, Event::SyscallEntry).iter().map(|call| (call.detail, call.resumed)).collect()
}

/// Held at entry, arguments changed / report asked for / reported again as resumed, and what is there now runs.
pub fn sc_048_report_at_entry_repeats(world: &impl World) {
    for action in [Action::Report, Action::Interrupt] {
        let log = Log::new();
        let (task, a) = at_entry(world, &log, Event::Quiesce);
        change_value(world, &a, 77);
        assert_eq!(a.control(action), Ok(Progress::Done));
        assert_eq!(world.until_over(&task), 0);
        assert_eq!(views(&log, "A"), [(1, false), (77, true)]);
        assert_eq!(world.did(&task), [Did::Call(77), Did::Mark(2)]);
    }
}

/// Stop is answered at entry, and before the task sleeps its engine asks for a report / - / reported again as resumed.
pub fn sc_048_report_between_stop_and_sleep(world: &impl World) {
    for action in [Action::Report, Action::Interrupt] {
        let (log, gate) = (Log::new(), Gate::new("B"));
        let task = world.launch(vec![Step::Call(1), Step::Mark(2)], Parent::Waits);
        let inside = gate.clone();
        let b = Probe::new("B", &log).answers(move |_, _| {
            inside.pass();
            Action::Resume
        });
        // A is called first, so its stop is applied while B stands at the gate.
        attach(&task, b, Event::SyscallEntry);
        let probe = Probe::new("A", &log).once(ENTRY, Action::Stop);
        let a = attach(&task, probe, Event::SyscallEntry | Event::Quiesce);
        world.begin(&task);
        gate.until_reached();
        assert_eq!(a.barrier(), Ok(()));
        assert_eq!(a.control(action), Ok(Progress::Done));
        gate.open();
        assert_eq!(world.until_over(&task), 0);
        assert_eq!(views(&log, "A"), [(1, false), (1, true)]);
        assert_eq!(world.did(&task), [Did::Call(1), Did::Mark(2)]);
    }
}

/// Held at entry, arguments changed / resume / not reported again; what is there now runs.
pub fn sc_049_resume_at_entry_does_not_repeat(world: &impl World) {
    let log = Log::new();
    let (task, a) = at_entry(world, &log, EventSet::NONE);
    assert!(world.did(&task).is_empty());
    change_value(world, &a, 78);
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(views(&log, "A"), [(1, false)]);
    assert_eq!(world.did(&task), [Did::Call(78), Did::Mark(2)]);
}

/// What an engine says about the fate of the syscall.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Abort,
    Run,
    Nothing,
}

fn says(name: &'static str, log: &Log, word: Word) -> Probe {
    Probe::new(name, log).answers(move |_, report| {
        if let Report::SyscallEntry(entry) = report {
            match word {
                Word::Abort => entry.abort(),
                Word::Run => entry.run(),
                Word::Nothing => {}
            }
        }
        Action::Resume
    })
}

/// A aborts, B, called later, says run; abort; nothing / - / it runs; skipped; skipped. The exit is seen each time.
pub fn sc_050_last_word_on_abort(world: &impl World) {
    for (word, runs) in [(Word::Run, true), (Word::Abort, false), (Word::Nothing, false)] {
        let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
        // Entry is reversed: the one that is attached first speaks last.
        attach(&task, says("B", &log, word), EventSet::SYSCALL);
        attach(&task, says("A", &log, Word::Abort), EventSet::SYSCALL);
        assert_eq!(world.run(&task), 0);
        assert_eq!(world.did(&task).contains(&Did::Call(1)), runs);
        let results: Vec<_> = log.calls("A", Event::SyscallExit).iter().map(|call| call.detail).collect();
        assert_eq!(results, [if runs { 1 } else { ENOSYS }]);
        assert_eq!(log.calls("B", Event::SyscallExit).len(), 1);
    }
    // The result is carried over a stop and a repeated report in which nobody says anything (spec section 4).
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    let mut first = true;
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::SyscallEntry(entry) if core::mem::take(&mut first) => {
            entry.abort();
            Action::Stop
        }
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::SyscallEntry | Event::Quiesce);
    world.begin(&task);
    world.until(&task, Place::Held);
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(views(&log, "A"), [(1, false), (1, true)]);
    assert!(world.did(&task).is_empty(), "still aborted");
}

/// A aborts; Q, called later, has only quiesce / - / still aborted (INV-27).
pub fn sc_051_quiesce_does_not_undo_an_abort(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    attach(&task, Probe::new("Q", &log), Event::Quiesce);
    let leaver = attach(&task, Probe::new("L", &log), Event::SyscallEntry);
    let a = says("A", &log, Word::Abort);
    attach(&task, a, Event::SyscallEntry);
    let mut leaver = Some(leaver);
    let detacher = Probe::new("D", &log).answers(move |_, _| {
        // L is marked for detach in the middle of this very pass, before its turn.
        if let Some(leaver) = leaver.take() {
            assert_eq!(leaver.control(Action::Detach), Ok(Progress::Done));
        }
        Action::Resume
    });
    attach(&task, detacher, Event::SyscallEntry);
    assert_eq!(world.run(&task), 0);
    assert!(log.count("Q", Seen::Quiesce(Some(Event::SyscallEntry))) >= 1);
    assert_eq!(log.count("L", ENTRY), 0);
    assert!(world.did(&task).is_empty());
}

/// Held at entry / SIGKILL / the syscall never runs.
pub fn sc_052_killed_at_entry(world: &impl World) {
    let log = Log::new();
    let (task, _a) = at_entry(world, &log, EventSet::NONE);
    world.kill(&task, signals::SIGKILL);
    assert_eq!(world.until_over(&task), signals::SIGKILL);
    assert!(world.did(&task).is_empty());
}

/// A virtualiser near the program, a tracer near the kernel / the call is rewritten under a stop / inner and outer
/// views: the tracer sees first what the program asked, then, resumed, what the kernel is asked.
pub fn sc_053_nested_virtualiser_and_tracer(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    attach(&task, Probe::new("tracer", &log), EventSet::SYSCALL);
    let virtualiser = Probe::new("virtualiser", &log).once(ENTRY, Action::Stop);
    let virtualiser = attach(&task, virtualiser, EventSet::SYSCALL | Event::Quiesce);
    world.begin(&task);
    world.until(&task, Place::Held);
    change_value(world, &virtualiser, 2);
    assert_eq!(virtualiser.control(Action::Report), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    let entries = log.order(|seen| seen == ENTRY);
    assert_eq!(entries, ["virtualiser", "tracer", "virtualiser", "tracer"].map(|name| (name, ENTRY)));
    assert_eq!(views(&log, "tracer"), [(1, false), (2, true)]);
    let earlier: Vec<_> = log.calls("tracer", Event::SyscallEntry).iter().map(|call| call.earlier).collect();
    assert_eq!(earlier, [Action::Stop, Action::Resume], "it can tell that the first view is not the last");
    let exits = log.order(|seen| seen == Seen::Event(Event::SyscallExit));
    assert_eq!(exits.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["tracer", "virtualiser"]);
    assert_eq!(world.did(&task), [Did::Call(2)]);
}

/// Inside a syscall already / syscall events are asked for / an exit may come without an entry, and says so. (A host
/// that must interrupt the sleep to see more of it may show it beginning again.)
pub fn sc_054_exit_without_entry(world: &impl World) {
    let go = Flag(0);
    let (task, log) = (world.launch(vec![Step::Sleep(go), Step::Call(1)], Parent::Waits), Log::new());
    world.begin(&task);
    world.until(&task, Place::Asleep);
    let entered = Arc::new(Mutex::new(Vec::new()));
    let found = Arc::clone(&entered);
    let probe = Probe::new("A", &log).answers(move |_, report| {
        if let Report::SyscallExit(exit) = report {
            lock(&found).push(exit.call().is_some());
        }
        Action::Resume
    });
    attach(&task, probe, EventSet::SYSCALL);
    world.raise(go);
    assert_eq!(world.until_over(&task), 0);
    let (seen, entered) = (log.of("A"), lock(&entered).clone());
    let sleep = &seen[..seen.len().saturating_sub(2)];
    assert_eq!(seen[sleep.len()..], [ENTRY, EXIT], "the call after it");
    assert_eq!(entered.last(), Some(&true));
    match sleep {
        [] => {}
        // The call is only known if a host could find out from outside which one it is.
        [EXIT] => assert_eq!(entered.len(), 2),
        [ENTRY, EXIT] => assert_eq!(entered, [true, true]),
        other => assert_eq!(*other, []),
    }
}

/// The last engine that wants syscalls detaches / - / the slow path is disarmed.
pub fn sc_055_slow_path_is_disarmed(world: &impl World) {
    let script = vec![Step::Call(1), Step::Call(2), Step::Call(3), Step::Sleep(Flag(0))];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    attach(&task, Probe::new("other", &log), Event::Exec);
    let mut calls = 0;
    let a = Probe::new("A", &log).answers(move |_, _| {
        calls += 1;
        if calls == 2 { Action::Detach } else { Action::Resume }
    });
    attach(&task, a, Event::SyscallExit);
    assert!(task.wants(Event::SyscallExit) && task.wants_syscall(call_index(world)));
    world.begin(&task);
    world.until(&task, Place::Asleep);
    assert_eq!(log.of("A").len(), 2);
    assert!(!task.wants(Event::SyscallEntry) && !task.wants(Event::SyscallExit));
    assert!(!task.wants_syscall(call_index(world)));
    assert!(task.wanted().syscalls.is_empty());
    assert!(task.wants(Event::Exec));
}

fn call_index<W: World>(_world: &W) -> u64 {
    W::CALL
}
