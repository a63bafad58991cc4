//! Two controllers at once, with and without a report between them.

use crate::world::{World, attach, model};
use loom::thread;
use utrace_core::{Action, ControlError, Event};

/// INV-2: the attaching list is changed under the lock only, whether the lock was free or waited for.
#[test]
fn inv_2_two_attach_at_once() {
    model(|| {
        let mut world = World::new();
        let other = world.task.clone();
        let attaches = thread::spawn(move || attach(&other, Action::Resume));
        let one = attach(&world.task, Action::Resume);
        let two = attaches.join().unwrap();
        assert_eq!(world.task.engines().len(), 2);
        world.reporter().tidy();
        assert_eq!(world.task.engines().len(), 2);
        world.end([one, two]);
    });
}

#[test]
fn inv_19_detach_is_accepted_once() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let detaches = thread::spawn({
            let engine = engine.clone();
            move || engine.control(Action::Detach)
        });
        let (mine, theirs) = (engine.control(Action::Detach), detaches.join().unwrap());
        assert!(mine.is_ok() ^ theirs.is_ok());
        assert_eq!(mine.and(theirs), Err(ControlError::Gone));
        world.end([(engine, seen)]);
    });
}
