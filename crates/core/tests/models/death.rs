//! Death and reap against attach, set_events, detach and each other (INV-16, INV-25, INV-30, INV-33).

use crate::world::{World, die, model};
use utrace_core::{Action, Event, EventSet, Progress, SetEventsError};

#[test]
fn inv_16_declining_death_is_never_ambiguous() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Death | Event::Reap);
        let dies = world.spawn(die);
        let outcome = engine.set_events(Event::Reap);
        world.join(dies);
        match outcome {
            Ok(Progress::Done) => {}
            Ok(Progress::InProgress) => panic!("the death pass answers AlreadyDying, not InProgress"),
            Err(SetEventsError::AlreadyDying) => assert_eq!(seen.deaths(), 1),
            Err(SetEventsError::Gone) => panic!("nobody reaped it"),
        }
        world.reaper().reap();
        assert_eq!(seen.reaps(), 1);
        world.end([(engine, seen)]);
    });
}

#[test]
fn inv_16_done_before_death_means_no_death_callback() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Death);
        let dies = world.spawn(die);
        let declined = engine.set_events(EventSet::NONE);
        let told_before = seen.deaths();
        match declined {
            // Done can also come after the pass: then it had run, and the answer is about the future.
            Ok(Progress::Done) => seen.claim(),
            Err(SetEventsError::AlreadyDying) => {}
            other => panic!("{other:?}"),
        }
        world.join(dies);
        if declined == Ok(Progress::Done) {
            assert_eq!(seen.deaths(), told_before, "called after it was declined");
        } else {
            assert_eq!(seen.deaths(), 1);
        }
        world.end([(engine, seen)]);
    });
}

#[test]
fn inv_25_detaching_one_engine_leaves_the_other_its_death() {
    model(|| {
        let mut world = World::new();
        let one = world.engine(Action::Resume, Event::Death | Event::Reap);
        let two = world.engine(Action::Resume, Event::Death | Event::Reap);
        world.reporter().dead();
        let dies = world.spawn(die);
        let _ = one.0.control(Action::Detach);
        world.reaper().reap();
        world.join(dies);
        assert_eq!(two.1.deaths(), 1, "lost its death");
        assert_eq!(two.1.reaps(), 1, "lost its reap");
        world.end([one, two]);
    });
}
