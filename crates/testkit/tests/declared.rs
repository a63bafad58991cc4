//! What this project adds to the historic contract: interest declared by syscall and signal, and engines that ask
//! for a place. On the sim host.

use utrace_core::{
    Action, Attach, Event, EventSet, Interest, Place, Progress, SigInfo, SignalAction, SignalSet, SyscallSet,
};
use utrace_testkit::bare::Bare;
use utrace_testkit::conform::{Log, Parent, Probe, Report, Seen, World, attach, attach_with};
use utrace_testkit::gate::Gate;
use utrace_testkit::script::{Did, Step, signals};
use utrace_testkit::sim::{CALL, OTHER, SimWorld, To};

fn set(indices: &[u64]) -> SyscallSet {
    indices.iter().copied().collect()
}

fn ignores(name: &'static str, log: &Log) -> Probe {
    Probe::new(name, log).answers(|_, report| {
        if let Report::Signal(signal) = report {
            signal.action = SignalAction::Ignore;
        }
        Action::Resume
    })
}

#[test]
fn an_engine_is_told_only_of_its_syscalls() {
    let (world, log) = (SimWorld::new(), Log::new());
    let task = world.launch(vec![Step::Call(1), Step::Block(signals::SIGUSR1), Step::Call(2)], Parent::Waits);
    attach(&task, Probe::new("calls", &log), Interest::in_syscalls(set(&[CALL])));
    attach(&task, Probe::new("others", &log), Interest::in_syscalls(set(&[OTHER])));
    assert!(task.wants_syscall(CALL) && task.wants_syscall(OTHER) && !task.wants_syscall(300));
    assert_eq!(world.run(&task), 0);
    let entries = |name| log.calls(name, Event::SyscallEntry).len();
    assert_eq!((entries("calls"), entries("others")), (2, 1));
    assert_eq!(log.calls("others", Event::SyscallExit).len(), 1);
}

#[test]
fn an_engine_is_told_only_of_its_signals() {
    let (world, log) = (SimWorld::new(), Log::new());
    let task = world.launch(vec![Step::Mark(1)], Parent::Waits);
    let only =
        |number| Interest::from(Event::SignalTerm).with_signals([number].into_iter().collect::<SignalSet>());
    attach(&task, ignores("one", &log), only(signals::SIGUSR1));
    attach(&task, ignores("two", &log), only(signals::SIGUSR2));
    for number in [signals::SIGUSR1, signals::SIGUSR2, signals::SIGUSR2] {
        world.signal(&task, To::Thread, SigInfo { number, ..SigInfo::NONE });
    }
    assert_eq!(world.run(&task), 0);
    let numbers =
        |name| log.calls(name, Event::SignalTerm).iter().map(|call| call.detail).collect::<Vec<_>>();
    assert_eq!(numbers("one"), [10]);
    assert_eq!(numbers("two"), [12, 12]);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
}

/// Fewer syscalls of the same events is taking away, as clearing an event is (INV-14).
#[test]
fn a_narrower_set_is_in_progress_during_the_callback() {
    let (world, log, gate) = (SimWorld::new(), Log::new(), Gate::new("A"));
    let task = world.launch(vec![Step::Call(1), Step::Call(2)], Parent::Waits);
    let inside = gate.clone();
    let probe = Probe::new("A", &log).answers(move |_, _| {
        inside.pass();
        Action::Resume
    });
    let a = attach(&task, probe, Interest::in_syscalls(set(&[CALL, OTHER])));
    world.begin(&task);
    gate.until_reached();
    assert_eq!(a.set_events(Interest::in_syscalls(set(&[CALL, OTHER, 9]))), Ok(Progress::Done));
    assert_eq!(a.set_events(Interest::in_syscalls(set(&[OTHER]))), Ok(Progress::InProgress));
    gate.open();
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(log.of("A"), [Seen::Event(Event::SyscallEntry)], "not even the exit of the same call");
}

#[test]
fn the_union_is_declared_and_the_host_told_when_it_grows() {
    let (task, _reporter, _reaper, host) = Bare::task();
    let log = Log::new();
    let a = attach(&task, Probe::new("A", &log), Interest::in_syscalls(set(&[1])));
    let told = host.told();
    assert!(told > 0);
    // The same events, one more syscall: only the set grows.
    let b = attach(&task, Probe::new("B", &log), Interest::in_syscalls(set(&[2])));
    assert!(host.told() > told);
    assert_eq!(task.wanted().syscalls, set(&[1, 2]));
    let told = host.told();
    assert_eq!(b.set_events(Interest::in_syscalls(set(&[1]))), Ok(Progress::Done));
    assert_eq!(task.wanted().syscalls, set(&[1]), "nothing runs, so it shrinks at once");
    assert_eq!(host.told(), told, "nothing new is wanted");
    let signal = Interest::from(Event::SignalTerm).with_signals([10].into_iter().collect());
    assert_eq!(b.set_events(signal), Ok(Progress::Done));
    assert!(host.told() > told);
    assert_eq!(a.set_events(EventSet::NONE), Ok(Progress::Done));
    assert!(task.wanted().syscalls.is_empty() && task.wanted().signals.contains(10));
}

#[test]
fn engines_stand_where_they_asked_to() {
    let (world, log) = (SimWorld::new(), Log::new());
    let task = world.launch(vec![Step::Call(1)], Parent::Waits);
    let place = |name, place| {
        let how = Attach { place, ..Attach::default() };
        attach_with(&task, Probe::new(name, &log), how, EventSet::SYSCALL)
    };
    let b = place("B", Place::Last);
    let d = place("D", Place::Last);
    place("C", Place::Before(d.clone()));
    place("A", Place::First);
    place("E", Place::After(d));
    assert_eq!(b.control(Action::Detach), Ok(Progress::Done));
    place("F", Place::Before(b));
    assert_eq!(world.run(&task), 0);
    let names = |event| {
        log.order(|seen| seen == Seen::Event(event)).iter().map(|(name, _)| *name).collect::<Vec<_>>()
    };
    assert_eq!(names(Event::SyscallExit), ["A", "C", "D", "E", "F"]);
    assert_eq!(names(Event::SyscallEntry), ["F", "E", "D", "C", "A"]);
}

#[test]
fn what_a_callback_changes_is_what_runs_and_what_is_seen() {
    let (world, log) = (SimWorld::new(), Log::new());
    let task = world.launch(vec![Step::Call(1)], Parent::Waits);
    let inner = Probe::new("inner", &log).answers(|_, report| {
        match report {
            Report::SyscallEntry(entry) => entry.set_arg(0, 9),
            Report::SyscallExit(exit) => exit.set_value(33, false),
            _ => {}
        }
        Action::Resume
    });
    attach(&task, inner, EventSet::SYSCALL);
    attach(&task, Probe::new("outer", &log), EventSet::SYSCALL);
    assert_eq!(world.run(&task), 0);
    assert_eq!(world.did(&task), [Did::Call(9)]);
    let details = |event| log.calls("outer", event).iter().map(|call| call.detail).collect::<Vec<_>>();
    // The outer one is nearer to the program: it sees what that asked, and what it gets.
    assert_eq!((details(Event::SyscallEntry), details(Event::SyscallExit)), (vec![1], vec![33]));
}
