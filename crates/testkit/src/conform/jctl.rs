//! SC-44 to SC-46: job control stops and stops by engines.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::lock;
use crate::script::{Did, Flag, Step, signals};
use crate::sim::Place;
use std::sync::{Arc, Mutex};
use utrace_core::{Action, CloneKind, EngineRef, Event, EventSet, Progress, Task};

const GO: Flag = Flag(0);
const QUIESCED: Seen = Seen::Quiesce(None);

/// A task that is stopped by job control before its mark, with an engine on it.
fn stopped(world: &impl World, log: &Log, go: Flag, events: impl Into<EventSet>) -> (Task, EngineRef) {
    let task = world.launch(vec![Step::Spin(go), Step::Mark(1)], Parent::Waits);
    let a = attach(&task, Probe::new("A", log), events.into());
    world.begin(&task);
    world.kill(&task, signals::SIGSTOP);
    world.until(&task, Place::Stopped);
    world.raise(go);
    (task, a)
}

/// Group stop, then a stop by an engine / SIGCONT / held; resume / runs. The other way round both are needed too.
pub fn sc_044_group_stop_and_held(world: &impl World) {
    let log = Log::new();
    let (task, a) = stopped(world, &log, GO, Event::Jctl);
    assert_eq!(log.of("A"), [Seen::Event(Event::Jctl)]);
    assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
    world.kill(&task, signals::SIGCONT);
    world.until(&task, Place::Held);
    assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
    assert!(task.is_stopped() && world.did(&task).is_empty());
    assert_eq!(log.of("A").len(), 1, "a held task makes no report");
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
    assert_eq!(log.of("A").len(), 2, "the continue is reported once it runs");

    let (task, a) = stopped(world, &log, Flag(1), Event::Exec);
    assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!((world.place(&task), world.did(&task)), (Place::Stopped, vec![]));
    assert!(!task.is_stopped());
    world.kill(&task, signals::SIGCONT);
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
}

/// One thread held, then SIGSTOP / the others stop, the parent is told once; released / it joins them untold.
pub fn sc_045_held_thread_joins_a_group_stop<W: World>(world: &W) {
    let (threads, log) = (Arc::new(Mutex::new(Vec::new())), Log::new());
    let script = vec![Step::Spawn(CloneKind::Thread, vec![Step::Spin(GO)]), Step::Call(1), Step::Mark(2)];
    let (task, found) = (world.launch(script, Parent::Waits), Arc::clone(&threads));
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            lock(&found).push(clone.child.clone());
            Action::Resume
        }
        Report::SyscallExit(exit) if exit.value() == 1 => Action::Stop,
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Clone | Event::SyscallExit);
    world.begin(&task);
    world.until(&task, Place::Held);
    let other = lock(&threads).pop();
    assert!(other.is_some());
    let Some(other) = other else { return };
    world.kill(&task, signals::SIGSTOP);
    world.until(&other, Place::Stopped);
    let stops = usize::from(!W::DIFFERS.held_is_not_stopped);
    assert_eq!(world.told_parent(&task), (stops, 0), "a held thread counts as stopped");
    assert_eq!(world.place(&task), Place::Held);
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    world.until(&task, Place::Stopped);
    assert_eq!(world.told_parent(&task), (1, 0), "told once");
    assert_eq!(world.did(&task), [Did::Call(1)]);
    world.raise(GO);
    world.kill(&task, signals::SIGCONT);
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(world.told_parent(&task), (1, 1));
}

/// In a group stop / stop by an engine / done at once, and nothing of it is seen by the parent.
pub fn sc_046_stop_in_a_group_stop(world: &impl World) {
    let log = Log::new();
    let (task, a) = stopped(world, &log, GO, Event::Exec);
    let told = world.told_parent(&task);
    assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
    let examine = a.prepare_examine();
    assert!(examine.is_ok());
    assert_eq!(a.control(Action::Stop), Ok(Progress::Done));
    // Not even a blip: it was off the processor all the time.
    assert_eq!(examine.map(utrace_core::Examine::finish), Ok(Ok(())));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!((world.told_parent(&task), world.place(&task)), (told, Place::Stopped));
    assert_eq!(log.count("A", QUIESCED), 0);
    world.kill(&task, signals::SIGCONT);
    assert_eq!(world.until_over(&task), 0);
}
