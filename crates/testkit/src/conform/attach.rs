//! SC-1 to SC-16: attach, lookup and order.

use super::{Drops, Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::Gate;
use crate::script::{Did, Flag, Step};
use crate::sim::Place;
use std::sync::Barrier;
use utrace_core::{
    Action, Attach, AttachError, Event, EventSet, Kind, Match, Progress, SetEventsError, Task,
};

const ENTRY: Seen = Seen::Event(Event::SyscallEntry);
const EXIT: Seen = Seen::Event(Event::SyscallExit);

fn of_kind(kind: usize) -> Match {
    Match { kind: Some(Kind::token(kind)), tag: None }
}

fn exclusive(which: Match) -> Attach {
    Attach { exclusive: Some(which), ..Attach::default() }
}

fn try_attach(task: &Task, probe: Probe, how: Attach) -> Result<utrace_core::EngineRef, AttachError> {
    task.attach_with(Box::new(probe), how)
}

/// No engines / lookup / nothing found, and the task stays untouched.
pub fn sc_001_lookup_without_engines(world: &impl World) {
    let task = world.launch(vec![], Parent::Waits);
    assert_eq!(task.find(Match::ANY), None);
    assert!(task.engines().is_empty());
    assert!(Event::ALL.into_iter().all(|event| !task.wants(event)), "no report is due to anybody");
}

/// A attached / lookup by kind / the same attachment, and a handle that keeps it.
pub fn sc_002_lookup_answers_an_owned_handle(world: &impl World) {
    let (task, log, drops) = (world.launch(vec![], Parent::Waits), Log::new(), Drops::new());
    let other = attach(&task, Probe::new("other", &log).of_kind(2), Event::Exec);
    let a = attach(&task, Probe::new("A", &log).of_kind(1).counted(&drops), Event::Exec);
    let found = task.find(of_kind(1));
    assert_eq!(found, Some(a.clone()));
    assert_ne!(found, Some(other));
    assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
    drop(a);
    assert_eq!(drops.count(), 0, "the handle of the lookup counts");
    drop(found);
    assert_eq!(drops.count(), 1);
}

/// A marked for detach and still on the list / lookup / not found.
pub fn sc_003_marked_engines_are_not_found(world: &impl World) {
    let (task, log, gate) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new(), Gate::new("A"));
    let inside = gate.clone();
    let a = Probe::new("A", &log).of_kind(1).answers(move |_, _| {
        inside.pass();
        Action::Resume
    });
    let a = attach(&task, a, Event::SyscallExit);
    world.begin(&task);
    gate.until_reached();
    assert_eq!(task.find(of_kind(1)), Some(a.clone()));
    assert_eq!(a.control(Action::Detach), Ok(Progress::InProgress));
    assert_eq!(task.find(of_kind(1)), None);
    assert_eq!(task.find(Match::ANY), None);
    assert!(task.engines().is_empty());
    gate.open();
    world.until_over(&task);
}

/// Any engine / exclusive attach without a match / exists.
pub fn sc_004_exclusive_against_any(world: &impl World) {
    let (task, log, drops) = (world.launch(vec![], Parent::Waits), Log::new(), Drops::new());
    attach(&task, Probe::new("A", &log).of_kind(1), Event::Exec);
    let refused = try_attach(&task, Probe::new("B", &log).of_kind(2).counted(&drops), exclusive(Match::ANY));
    assert_eq!(refused, Err(AttachError::Exists));
    assert_eq!(drops.count(), 1, "a refused engine is dropped in the caller");
    assert_eq!(task.engines().len(), 1);
}

/// A of one kind / exclusive attach against another kind / success.
pub fn sc_005_exclusive_against_another_kind(world: &impl World) {
    let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
    attach(&task, Probe::new("A", &log).of_kind(1), Event::Exec);
    let b = try_attach(&task, Probe::new("B", &log).of_kind(2), exclusive(of_kind(2)));
    assert!(b.is_ok());
    let again = try_attach(&task, Probe::new("C", &log).of_kind(2), exclusive(of_kind(2)));
    assert_eq!(again, Err(AttachError::Exists));
}

fn both<T: Send>(one: impl FnOnce() -> T + Send, two: impl FnOnce() -> T + Send) -> (T, T) {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            start.wait();
            one()
        });
        start.wait();
        let second = two();
        let first = first.join();
        assert!(first.is_ok());
        (first.unwrap_or_else(|_| unreachable!()), second)
    })
}

/// Two threads attach first at the same time / both are listed in one record, and both are called.
pub fn sc_006_two_first_attaches(world: &impl World) {
    for _ in 0..100 {
        let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
        let (a, b) = both(
            || attach(&task, Probe::new("A", &log), Event::SyscallExit),
            || attach(&task, Probe::new("B", &log), Event::SyscallExit),
        );
        let engines = task.engines();
        assert!(engines.len() == 2 && engines.contains(&a) && engines.contains(&b), "{engines:?}");
        world.run(&task);
        assert_eq!((log.count("A", EXIT), log.count("B", EXIT)), (1, 1));
    }
}

/// Exclusive attach with a match from two threads / exactly one wins.
pub fn sc_007_exclusive_from_two_threads(world: &impl World) {
    for _ in 0..100 {
        let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
        let contend = |name| try_attach(&task, Probe::new(name, &log).of_kind(1), exclusive(of_kind(1)));
        let (a, b) = both(|| contend("A"), || contend("B"));
        assert_ne!(a.is_ok(), b.is_ok(), "{a:?} {b:?}");
        assert_eq!(a.and(b), Err(AttachError::Exists));
        assert_eq!(task.engines().len(), 1);
        world.run(&task);
    }
}

/// A kernel thread / attach / not permitted. (Null operations cannot be written in Rust.)
pub fn sc_008_kernel_threads_are_refused(world: &impl World) {
    assert!(world.refuses_kernel_threads());
}

/// A zombie / attach, ask for death, ask for reap / success, too late, success and reported.
pub fn sc_009_attach_to_a_zombie(world: &impl World) {
    let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
    world.run(&task);
    let attached = task.attach(Probe::new("A", &log));
    assert!(attached.is_ok());
    let Ok(a) = attached else { return };
    assert_eq!(a.set_events(Event::Death), Err(SetEventsError::AlreadyDying));
    assert_eq!(a.set_events(Event::Quiesce | Event::Reap), Err(SetEventsError::AlreadyDying));
    assert!(a.interest().events.is_empty(), "nothing was changed");
    assert_eq!(a.set_events(Event::Reap), Ok(Progress::Done));
    world.reap(&task);
    assert_eq!(log.of("A"), [Seen::Event(Event::Reap)]);
}

/// The reap is done / attach / gone, whether or not there ever was an engine.
pub fn sc_010_attach_after_reap(world: &impl World) {
    for before in [None, Some(Event::Exec), Some(Event::Reap)] {
        let (task, log, drops) = (world.launch(vec![], Parent::Waits), Log::new(), Drops::new());
        if let Some(event) = before {
            attach(&task, Probe::new("before", &log), event);
        }
        world.run(&task);
        world.reap(&task);
        assert_eq!(task.attach(Probe::new("A", &log).counted(&drops)), Err(AttachError::Gone));
        assert_eq!(drops.count(), 1);
    }
}

/// The reap waits for the end of a death pass / attach, then set events / attached, then gone; it goes silently.
pub fn sc_011_attach_behind_a_death_pass(world: &impl World) {
    let (task, log, gate) = (world.launch(vec![], Parent::Waits), Log::new(), Gate::new("death"));
    let (inside, drops) = (gate.clone(), Drops::new());
    let dying = Probe::new("D", &log).answers(move |_, report| {
        if report.is(Event::Death) {
            inside.pass();
        }
        Action::Resume
    });
    attach(&task, dying, Event::Death | Event::Reap);
    world.begin(&task);
    gate.until_reached();
    world.reap(&task);
    let late = task.attach(Probe::new("N", &log).counted(&drops));
    assert!(late.is_ok(), "{late:?}");
    if let Ok(late) = late {
        assert_eq!(late.set_events(Event::Reap), Err(SetEventsError::Gone));
    }
    gate.open();
    drops.until(1);
    log.until("D", Seen::Event(Event::Reap));
    assert!(log.of("N").is_empty());
}

/// A, B, C / a syscall / exit in attach order, entry reversed, including the quiesce calls.
pub fn sc_012_call_order(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    let wanted = EventSet::SYSCALL | Event::Quiesce;
    for name in ["A", "B", "C"] {
        attach(&task, Probe::new(name, &log), wanted);
    }
    world.run(&task);
    let quiesce = |event| Seen::Quiesce(Some(event));
    let (before_entry, before_exit) = (quiesce(Event::SyscallEntry), quiesce(Event::SyscallExit));
    // With quiesce they are told of the entries and exits of other syscalls too: the first entry and the last exit
    // are those of the script.
    assert_eq!(
        log.order(|seen| seen == ENTRY || seen == before_entry)[..6],
        [
            ("C", before_entry),
            ("C", ENTRY),
            ("B", before_entry),
            ("B", ENTRY),
            ("A", before_entry),
            ("A", ENTRY)
        ]
    );
    let exits = log.order(|seen| seen == EXIT || seen == before_exit);
    assert_eq!(
        exits[exits.len() - 6..],
        [("A", before_exit), ("A", EXIT), ("B", before_exit), ("B", EXIT), ("C", before_exit), ("C", EXIT)]
    );
}

/// A callback of A attaches N for the same event / N is not called in that pass, but in the next.
pub fn sc_013_attach_from_a_callback(world: &impl World) {
    let script = vec![Step::Call(1), Step::Call(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let mut new = Some(Probe::new("N", &log));
    let a = Probe::new("A", &log).answers(move |cx, _| {
        if let Some(new) = new.take() {
            attach(cx.task(), new, Event::SyscallExit);
        }
        Action::Resume
    });
    attach(&task, a, Event::SyscallExit);
    world.run(&task);
    let values =
        |name| log.calls(name, Event::SyscallExit).iter().map(|call| call.detail).collect::<Vec<_>>();
    assert_eq!(values("A"), [1, 2]);
    assert_eq!(values("N"), [2]);
}

/// Another thread attaches N during a pass / N is first called in a later pass, after those that were there.
pub fn sc_014_attach_during_a_pass(world: &impl World) {
    let script = vec![Step::Call(1), Step::Call(2)];
    let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("A"));
    let inside = gate.clone();
    attach(
        &task,
        Probe::new("A", &log).answers(move |_, _| {
            inside.pass();
            Action::Resume
        }),
        Event::SyscallExit,
    );
    attach(&task, Probe::new("B", &log), Event::SyscallExit);
    world.begin(&task);
    gate.until_reached();
    let new = attach(&task, Probe::new("N", &log), Event::SyscallExit);
    assert_eq!(task.engines().last(), Some(&new));
    gate.open();
    world.until_over(&task);
    let order: Vec<_> = log.all().iter().map(|call| (call.engine, call.detail)).collect();
    assert_eq!(order, [("A", 1), ("B", 1), ("A", 2), ("B", 2), ("N", 2)]);
}

/// The quiesce callback enables the event it is called for / the event's callback follows in the same pass.
pub fn sc_015_quiesce_enables_the_event(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    let a = Probe::new("A", &log).answers(|cx, report| {
        if let Report::Quiesce(Some(Event::SyscallExit)) = report {
            let added = cx.engine().set_events(Event::Quiesce | Event::SyscallExit);
            assert_eq!(added, Ok(Progress::Done));
        }
        Action::Resume
    });
    attach(&task, a, Event::Quiesce);
    // Somebody must ask for the event, or a host makes no report of it.
    attach(&task, Probe::new("B", &log), Event::SyscallExit);
    world.run(&task);
    let seen = log.of("A");
    let quiesced = seen.iter().position(|seen| *seen == Seen::Quiesce(Some(Event::SyscallExit)));
    assert_eq!(quiesced.and_then(|at| seen.get(at + 1)), Some(&EXIT), "{seen:?}");
    assert!(log.count("A", EXIT) >= 1, "{seen:?}");
}

/// Attach and stop on a task that never enters the kernel / it stops at its next chance; reported with quiesce.
pub fn sc_016_stop_a_busy_task(world: &impl World) {
    for quiesce in [false, true] {
        let go = Flag(u32::from(quiesce));
        let script = vec![Step::Mark(1), Step::Spin(go), Step::Mark(2)];
        let (task, log) = (world.launch(script, Parent::Waits), Log::new());
        world.begin(&task);
        world.until_did(&task, Did::Mark(1));
        let probe = Probe::new("A", &log).once(Seen::Quiesce(None), Action::Stop);
        let a = attach(&task, probe, if quiesce { EventSet::from(Event::Quiesce) } else { EventSet::NONE });
        assert_eq!(a.control(Action::Stop), Ok(Progress::InProgress));
        world.until(&task, Place::Held);
        world.raise(go);
        assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
        assert_eq!(log.of("A").contains(&Seen::Quiesce(None)), quiesce);
        assert_eq!(world.did(&task), [Did::Mark(1)]);
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
        assert_eq!(world.until_over(&task), 0);
        assert_eq!(world.did(&task), [Did::Mark(1), Did::Mark(2)]);
    }
}
