//! Two controllers at once, with and without a report between them.

use crate::world::{World, model};
use loom::thread;
use utrace_core::{Action, ControlError, Event};

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
