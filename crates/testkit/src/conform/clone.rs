//! SC-66 to SC-69: children.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::{Gate, lock};
use crate::script::{Did, Flag, Script, Step, signals};
use crate::sim::Place;
use std::sync::{Arc, Barrier, Mutex};
use utrace_core::{
    Action, CarriesFlag as _, CloneKind, EngineRef, Event, Progress, SignalKind, Switch, Task,
};

const GO: Flag = Flag(0);
const REPORT: Seen = Seen::Path(SignalKind::Report);

/// A parent of one child, with an engine that does something to the child in the clone callback.
fn parent(
    world: &impl World,
    log: &Log,
    child: Script,
    mut does: impl FnMut(&Task) + Send + 'static,
) -> (Task, Arc<Mutex<Option<Task>>>) {
    let task = world.launch(vec![Step::Spawn(CloneKind::Fork, child), Step::Mark(1)], Parent::Waits);
    let children = Arc::new(Mutex::new(None));
    let found = Arc::clone(&children);
    let probe = Probe::new("P", log).answers(move |_, report| {
        if let Report::Clone(clone) = report {
            *lock(&found) = Some(clone.child.clone());
            does(&clone.child);
        }
        Action::Resume
    });
    attach(&task, probe, Event::Clone);
    (task, children)
}

/// The clone callback attaches to the child with stop / - / it never runs before it is let go; SIGKILL ends it.
pub fn sc_066_child_is_held_from_the_start(world: &impl World) {
    for kill in [false, true] {
        let (log, engine) = (Log::new(), Arc::new(Mutex::new(None::<EngineRef>)));
        let (kept, inner) = (Arc::clone(&engine), log.clone());
        let (task, children) = parent(world, &log, vec![Step::Mark(7)], move |child| {
            let c = attach(child, Probe::new("C", &inner), Event::Death);
            assert_eq!(c.control(Action::Stop), Ok(Progress::InProgress));
            *lock(&kept) = Some(c);
        });
        assert_eq!(world.run(&task), 0, "the parent is not held");
        let child = lock(&children).take();
        let c = lock(&engine).take();
        assert!(child.is_some() && c.is_some());
        let (Some(child), Some(c)) = (child, c) else { return };
        world.until(&child, Place::Held);
        assert!(world.did(&child).is_empty());
        assert_eq!(c.control(Action::Stop), Ok(Progress::Done));
        if kill {
            world.kill(&child, signals::SIGKILL);
            assert_eq!(world.until_over(&child), signals::SIGKILL);
            assert!(world.did(&child).is_empty());
        } else {
            assert_eq!(c.control(Action::Resume), Ok(Progress::Done));
            assert_eq!(world.until_over(&child), 0);
            assert_eq!(world.did(&child), [Did::Mark(7)]);
        }
        assert_eq!(log.count("C", Seen::Event(Event::Death)), 1);
    }
    // REPORT and INTERRUPT asked for there are honoured before its first instruction too (INV-40).
    for action in [Action::Report, Action::Interrupt] {
        let (log, engine) = (Log::new(), Arc::new(Mutex::new(None::<EngineRef>)));
        let (kept, inner) = (Arc::clone(&engine), log.clone());
        let (task, children) = parent(world, &log, vec![Step::Mark(7)], move |child| {
            let probe = Probe::new("C", &inner).answers(|_, report| match report {
                Report::Quiesce(None) | Report::Signal(_) => Action::Stop,
                _ => Action::Resume,
            });
            let c = attach(child, probe, Event::Quiesce);
            assert_eq!(c.control(action), Ok(Progress::Done));
            *lock(&kept) = Some(c);
        });
        world.run(&task);
        let child = lock(&children).take();
        assert!(child.is_some());
        let Some(child) = child else { return };
        world.until(&child, Place::Held);
        assert!(world.did(&child).is_empty());
    }
}

/// The clone callback blocks / SIGKILL to the child / it cannot even die; when the callback ends, it does.
pub fn sc_067_child_cannot_die_during_the_callback(world: &impl World) {
    let (log, gate) = (Log::new(), Gate::new("clone"));
    let inside = gate.clone();
    let (task, children) = parent(world, &log, vec![Step::Mark(7)], move |_| inside.pass());
    world.begin(&task);
    gate.until_reached();
    let child = lock(&children).clone();
    assert!(child.is_some());
    let Some(child) = child else { return };
    world.kill(&child, signals::SIGKILL);
    assert_eq!((world.place(&child), world.status(&child)), (Place::New, None));
    gate.open();
    assert_eq!(world.until_over(&child), signals::SIGKILL);
    assert!(world.did(&child).is_empty());
    assert_eq!(world.until_over(&task), 0);
}

/// vfork with stop, another engine wants a report / - / the parent is held before it waits, the child runs, and
/// the report is still made.
pub fn sc_068_vfork_with_stop(world: &impl World) {
    let (children, log) = (Arc::new(Mutex::new(None)), Log::new());
    let found = Arc::clone(&children);
    let script = vec![Step::Spawn(CloneKind::Vfork, vec![Step::Mark(7), Step::Sleep(GO)]), Step::Mark(1)];
    let task = world.launch(script, Parent::Waits);
    let a = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            *lock(&found) = Some(clone.child.clone());
            Action::Stop
        }
        _ => Action::Resume,
    });
    let a = attach(&task, a, Event::Clone);
    let b = Probe::new("B", &log).once(Seen::Event(Event::Clone), Action::Interrupt);
    attach(&task, b, Event::Clone | Event::Quiesce);
    world.begin(&task);
    world.until(&task, Place::Held);
    let child = lock(&children).take();
    assert!(child.is_some());
    let Some(child) = child else { return };
    world.until_did(&child, Did::Mark(7));
    assert_eq!((world.place(&task), task.is_stopped()), (Place::Held, true));
    assert_eq!(log.count("B", REPORT), 0);
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    // Now it waits for the child.
    world.until(&task, Place::Asleep);
    assert!(world.did(&task).is_empty());
    world.raise(GO);
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(log.count("B", REPORT), 1);
}

/// Forks while a sweep sets, or clears, the global flag / - / every child agrees with the count, as everybody does
/// (KTF-4 to KTF-6).
pub fn sc_069_fork_during_a_sweep(world: &impl World) {
    let agree = |on: Switch| {
        let all = world.everybody();
        assert!(all.iter().all(|task| task.flag().get() == on), "{on:?}: {all:?}");
        all.len()
    };
    for round in 0..100 {
        // A family of eight, which comes to be while the flag is set, or cleared.
        let child = vec![Step::Spawn(CloneKind::Fork, vec![]), Step::Spawn(CloneKind::Thread, vec![])];
        let script = vec![Step::Spawn(CloneKind::Fork, child.clone()), Step::Spawn(CloneKind::Vfork, child)];
        let task = world.launch(script, Parent::Waits);
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            let sweeper = scope.spawn(|| {
                start.wait();
                if round % 2 == 0 { world.set_everybody() } else { world.clear_everybody() }
            });
            start.wait();
            assert_eq!(world.run(&task), 0);
            assert!(sweeper.join().is_ok());
        });
        let on = if round % 2 == 0 { Switch::On } else { Switch::Off };
        assert!(agree(on) >= 3 * (round + 1));
        // One holder more, one less: nothing changes (KTF-1).
        if on == Switch::On {
            world.set_everybody();
            world.clear_everybody();
            agree(on);
        }
    }
}
