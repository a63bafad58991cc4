//! SC-73 to SC-82: exit, death, reap, and who drops an engine.

use super::{Drops, Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::{Gate, lock};
use crate::script::{Did, Handling, Script, Step, signals};
use crate::sim::{Place, Point};
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, BarrierError, CloneKind, ControlError, EngineRef, Event, EventSet, Match, Progress,
    SetEventsError, Task,
};

const DEATH: Seen = Seen::Event(Event::Death);
const REAP: Seen = Seen::Event(Event::Reap);

/// EXIT changes the code, two engines / - / the last value counts, the original stays; held there, all is alive.
pub fn sc_073_exit_code_and_stop<W: World>(world: &W) {
    let (task, log) = (world.launch(vec![Step::Exit(3)], Parent::Waits), Log::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let changes = |name, code: u32, action| {
        let seen = Arc::clone(&seen);
        Probe::new(name, &log).answers(move |_, report| {
            let Report::Exit(exit) = report else { return Action::Resume };
            lock(&seen).push((exit.original(), exit.code()));
            exit.set_code(code << 8);
            action
        })
    };
    let a = attach(&task, changes("A", 4, Action::Stop), Event::Exit);
    attach(&task, changes("B", 5, Action::Resume), Event::Exit);
    world.begin(&task);
    world.until(&task, Place::Held);
    assert_eq!(world.status(&task), None, "it is not dead yet");
    let address = world.memory();
    let read = a.examine(|target| {
        let wrote = target.write(address, b"alive");
        let mut bytes = [0; 5];
        (wrote, target.read(address, &mut bytes), bytes)
    });
    assert_eq!(read, Ok((Ok(5), Ok(5), *b"alive")));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), if W::DIFFERS.exit_code_is_fixed { 3 << 8 } else { 5 << 8 });
    assert_eq!(*lock(&seen), [(3 << 8, 3 << 8), (3 << 8, 4 << 8)]);

    // Held there it can still be killed, and a second engine cannot veto.
    let task = world.launch(vec![Step::Exit(3)], Parent::Waits);
    let a = attach(&task, Probe::new("A", &log).once(Seen::Event(Event::Exit), Action::Stop), Event::Exit);
    world.begin(&task);
    world.until(&task, Place::Held);
    world.kill(&task, signals::SIGKILL);
    if W::DIFFERS.exiting_is_not_killed {
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    }
    world.until_over(&task);
}

/// A task that comes by every event.
fn eventful() -> Script {
    let handler = Handling::Handler(vec![]);
    vec![
        Step::Handle(signals::SIGUSR1, handler),
        Step::Raise(signals::SIGUSR1),
        Step::Spawn(CloneKind::Fork, vec![]),
        Step::Raise(signals::SIGSTOP),
        Step::Exec(vec![Step::Call(1), Step::Exit(0)]),
    ]
}

/// An engine detaches itself in each callback / - / none later, not even reap, and it is dropped once.
pub fn sc_074_detach_from_each_callback(world: &impl World) {
    let cases = [
        Seen::Quiesce(Some(Event::SyscallEntry)),
        Seen::Quiesce(None),
        Seen::Event(Event::Signal),
        Seen::Event(Event::Clone),
        Seen::Event(Event::Jctl),
        Seen::Event(Event::Exec),
        Seen::Event(Event::SyscallEntry),
        Seen::Event(Event::SyscallExit),
        Seen::Event(Event::Exit),
        DEATH,
    ];
    for case in cases {
        let (task, log, drops) = (world.launch(eventful(), Parent::Waits), Log::new(), Drops::new());
        let probe = Probe::new("A", &log).counted(&drops).once(case, Action::Detach);
        let a = attach(&task, probe, EventSet::ALL);
        // Another one sees to it that a report without an event is made.
        let asks = Probe::new("B", &log).once(Seen::Event(Event::SyscallExit), Action::Report);
        attach(&task, asks, Event::SyscallExit);
        drop(a);
        world.begin(&task);
        // It stops by itself on the way, if it gets there with the stop unanswered.
        world.until(&task, Place::Stopped);
        world.kill(&task, signals::SIGCONT);
        assert_eq!(world.until_over(&task), 0, "{case:?}");
        let seen = log.of("A");
        assert!(seen.contains(&case), "{case:?}: {seen:?}");
        drops.until(1);
        assert_eq!(seen.iter().position(|seen| *seen == case), Some(seen.len() - 1), "{case:?}: {seen:?}");
        world.reap(&task);
        assert_eq!((log.of("A").len(), drops.count()), (seen.len(), 1), "{case:?}");
    }
}

/// A task whose engine stands in its death callback.
fn dying(world: &impl World, log: &Log, answer: Action) -> (Task, EngineRef, Gate) {
    let (task, gate) = (world.launch(vec![], Parent::Waits), Gate::new("death"));
    let inside = gate.clone();
    let probe = Probe::new("A", log).answers(move |_, report| {
        if report.is(Event::Death) {
            inside.pass();
            return answer;
        }
        Action::Resume
    });
    let a = attach(&task, probe, Event::Death | Event::Reap | Event::Exec);
    world.begin(&task);
    gate.until_reached();
    (task, a, gate)
}

/// The death callback runs / detach; clear death; clear another / too late; too late; done. Then it is reaped.
pub fn sc_075_calls_during_the_death_pass(world: &impl World) {
    let log = Log::new();
    let (task, a, gate) = dying(world, &log, Action::Resume);
    assert_eq!(a.control(Action::Detach), Err(ControlError::AlreadyDying));
    assert_eq!(a.control(Action::Stop), Err(ControlError::Gone));
    assert_eq!(a.set_events(Event::Reap), Err(SetEventsError::AlreadyDying));
    let kept = Event::Death | Event::Reap | Event::Exec;
    assert_eq!(a.interest().events, kept, "nothing was changed");
    assert_eq!(a.set_events(kept | Event::Quiesce), Err(SetEventsError::AlreadyDying));
    assert_eq!(a.set_events(Event::Death | Event::Reap), Ok(Progress::Done));
    gate.open();
    world.until_over(&task);
    world.reap(&task);
    assert_eq!(log.of("A"), [DEATH, REAP], "it stays attached until it is reaped (INV-18)");
}

/// Dead, the death pass not begun / death is cleared / done, and never called.
pub fn sc_076_declined_death(world: &impl World) {
    let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Death | Event::Reap);
    world.hold_at(&task, Point::Dead0);
    world.begin(&task);
    world.until_at(&task, Point::Dead0);
    assert_eq!(
        a.set_events(Event::Death | Event::Quiesce),
        Err(SetEventsError::AlreadyDying),
        "too late to ask"
    );
    assert_eq!(a.control(Action::Stop), Err(ControlError::Gone));
    assert_eq!(a.set_events(Event::Reap), Ok(Progress::Done));
    world.let_go(&task, Point::Dead0);
    world.until_over(&task);
    world.reap(&task);
    assert_eq!(log.of("A"), [REAP]);
}

/// Dead, the death pass not begun / A is detached, the parent reaps / B is still told of both, in order (INV-25).
pub fn sc_077_detach_spares_anothers_death(world: &impl World) {
    for reaped_early in [false, true] {
        let (task, log, drops) = (world.launch(vec![], Parent::Waits), Log::new(), Drops::new());
        let a = attach(&task, Probe::new("A", &log).counted(&drops), Event::Death | Event::Reap);
        attach(&task, Probe::new("B", &log), Event::Death | Event::Reap);
        world.hold_at(&task, Point::Dead0);
        world.begin(&task);
        world.until_at(&task, Point::Dead0);
        assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
        drop(a);
        assert_eq!(drops.count(), 1);
        if reaped_early {
            world.reap(&task);
            assert!(log.all().is_empty(), "the death comes first");
        }
        world.let_go(&task, Point::Dead0);
        log.until("B", DEATH);
        world.until_over(&task);
        world.reap(&task);
        log.until("B", REAP);
        assert_eq!(log.of("B"), [DEATH, REAP]);
        assert!(log.of("A").is_empty());
    }
}

/// The parent reaps during the death pass / - / reap comes after death returned, from the dying task.
pub fn sc_078_reap_during_the_death_pass(world: &impl World) {
    let log = Log::new();
    let (task, a, gate) = dying(world, &log, Action::Resume);
    world.reap(&task);
    assert_eq!(log.of("A"), [DEATH]);
    assert_eq!(a.control(Action::Detach), Err(ControlError::Gone));
    assert_eq!(task.find(Match::ANY), None);
    gate.open();
    let reap = log.until("A", REAP);
    assert_eq!(log.of("A"), [DEATH, REAP]);
    assert_eq!(reap.thread, log.until("A", DEATH).thread);
}

/// The death callback detaches, reap was asked for too / - / no reap.
pub fn sc_079_death_detaches(world: &impl World) {
    for reaped_early in [false, true] {
        let log = Log::new();
        let (task, a, gate) = dying(world, &log, Action::Detach);
        if reaped_early {
            world.reap(&task);
        }
        gate.open();
        world.until_over(&task);
        world.reap(&task);
        // Whoever reaped, it is over when the engine is on no list any more.
        super::patiently("the end of the task", || (a.barrier() == Err(BarrierError::Gone)).then_some(()));
        assert_eq!(log.of("A"), [DEATH]);
    }
}

/// The reap callback runs / every call / gone, not found.
pub fn sc_080_calls_during_reap(world: &impl World) {
    let (task, log, gate) = (world.launch(vec![], Parent::Waits), Log::new(), Gate::new("reap"));
    let inside = gate.clone();
    let probe = Probe::new("A", &log).of_kind(1).reaped(move |_| inside.pass());
    let a = attach(&task, probe, Event::Reap | Event::Quiesce);
    let b = attach(&task, Probe::new("B", &log), Event::Reap);
    world.run(&task);
    std::thread::scope(|scope| {
        let parent = scope.spawn(|| world.reap(&task));
        gate.until_reached();
        for engine in [&a, &b] {
            assert_eq!(engine.set_events(EventSet::NONE), Err(SetEventsError::Gone));
            assert_eq!(engine.control(Action::Detach), Err(ControlError::Gone));
            assert_eq!(engine.barrier(), Err(BarrierError::Gone));
        }
        assert_eq!(task.find(Match::ANY), None);
        assert!(task.engines().is_empty());
        assert!(task.attach(Probe::new("N", &log)).is_err());
        gate.open();
        assert!(parent.join().is_ok());
    });
    // The other one is told all the same: no call could change that (INV-16).
    assert_eq!((log.of("A").last(), log.of("B").last()), (Some(&REAP), Some(&REAP)));
}

/// A task that reaps itself / - / death, then reap, on the same thread.
pub fn sc_081_self_reaping(world: &impl World) {
    let (task, log) = (world.launch(vec![], Parent::Ignores), Log::new());
    let signal = Arc::new(Mutex::new(None));
    let found = Arc::clone(&signal);
    let probe = Probe::new("A", &log).answers(move |_, report| {
        if let Report::Death(death) = report {
            *lock(&found) = Some((death.signal, death.group_dead));
        }
        Action::Resume
    });
    attach(&task, probe, Event::Death | Event::Reap);
    world.begin(&task);
    world.until(&task, Place::Gone);
    assert_eq!(log.of("A"), [DEATH, REAP]);
    assert_eq!(log.until("A", DEATH).thread, log.until("A", REAP).thread);
    assert_eq!(*lock(&signal), Some((None, true)));
}

/// The last handle goes inside reap; inside a callback; in a controller / - / dropped once, with no lock held.
pub fn sc_082_last_handle(world: &impl World) {
    // What is dropped calls back into the core: with a lock held it would wait for itself for ever.
    let careful = |name, log: &Log, drops: &Drops, task: &Task| {
        let (counted, task) = (drops.clone(), task.clone());
        Probe::new(name, log).dropped(move || {
            let _ = task.engines();
            let _ = task.find(Match::ANY);
            counted.add();
        })
    };
    // Inside reap: the list holds the last one.
    let (task, log, drops) = (world.launch(vec![], Parent::Waits), Log::new(), Drops::new());
    drop(attach(&task, careful("A", &log, &drops, &task), Event::Reap));
    world.run(&task);
    assert_eq!(drops.count(), 0);
    world.reap(&task);
    drops.until(1);
    assert_eq!(drops.count(), 1);
    // Inside a callback of another engine, which detaches it and drops its handle.
    let (task, drops) = (world.launch(vec![Step::Call(1), Step::Call(2)], Parent::Waits), Drops::new());
    let mut victim = Some(attach(&task, careful("A", &log, &drops, &task), Event::Exec));
    let killer = Probe::new("K", &log).answers(move |_, _| {
        if let Some(victim) = victim.take() {
            assert_eq!(victim.control(Action::Detach), Ok(Progress::Done));
        }
        Action::Resume
    });
    attach(&task, killer, Event::SyscallExit);
    assert_eq!(world.run(&task), 0);
    drops.until(1);
    // By a controller, after the task is done with it.
    let (task, drops) = (world.launch(vec![Step::Call(1)], Parent::Waits), Drops::new());
    let a = attach(&task, careful("A", &log, &drops, &task), Event::SyscallExit);
    world.run(&task);
    world.reap(&task);
    assert_eq!(drops.count(), 0);
    drop(a);
    drops.until(1);
    assert_eq!(drops.count(), 1);
    // By a controller that detaches it while it waits for a place beside one that is gone.
    let (task, drops) = (world.launch(vec![Step::Call(1)], Parent::Waits), Drops::new());
    let gone = attach(&task, careful("A", &log, &drops, &task), Event::Exec);
    assert_eq!(gone.control(Action::Detach), Ok(Progress::Done));
    let place = utrace_core::Attach { place: utrace_core::Place::After(gone), ..Default::default() };
    super::attach_with(&task, Probe::new("B", &log), place, Event::SyscallExit);
    world.run(&task);
    drops.until(1);
    assert_eq!(world.did(&task), [Did::Call(1)]);
}
