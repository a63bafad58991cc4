//! Death and reap against attach, set_events, detach and each other (INV-16, INV-25, INV-30, INV-33).

use crate::probe::{attach, try_attach};
use crate::world::{World, die, model, model_reaching, model_within, sleeper};
use utrace_core::{Action, ControlError, Detached, Event, EventSet, Match, Progress, SetEventsError};

#[test]
fn inv_16_declining_death_is_never_ambiguous() {
    model_reaching(&["done", "already dying"], || {
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
        if outcome.is_ok() { "done" } else { "already dying" }
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

#[test]
fn inv_16_detaching_from_a_dying_task_is_never_ambiguous() {
    model_reaching(&["done", "in progress", "already dying"], || {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Death | Event::Reap);
        let dies = world.spawn(die);
        let outcome = engine.control(Action::Detach);
        let told_before = seen.deaths();
        if outcome == Ok(Progress::Done) {
            seen.claim();
        }
        world.join(dies);
        world.reaper().reap();
        match outcome {
            Ok(Progress::Done) => assert_eq!((seen.deaths(), seen.reaps()), (told_before, 0)),
            // The death pass has met it, and finds it marked.
            Ok(Progress::InProgress) => assert_eq!((seen.deaths(), seen.reaps()), (0, 0)),
            Err(ControlError::AlreadyDying) => assert_eq!((seen.deaths(), seen.reaps()), (1, 1)),
            Err(error) => panic!("{error}"),
        }
        world.end([(engine, seen)]);
        match outcome {
            Ok(Progress::Done) => "done",
            Ok(Progress::InProgress) => "in progress",
            Err(_) => "already dying",
        }
    });
}

/// INV-17: the answer to asking for a death says whether it will be told.
#[test]
fn inv_17_asking_for_death_is_answered_for_good() {
    model_reaching(&["promised", "refused"], || {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Reap);
        let dies = world.spawn(die);
        let outcome = engine.set_events(Event::Death | Event::Reap);
        world.join(dies);
        match outcome {
            Ok(Progress::Done) => assert_eq!(seen.deaths(), 1, "promised and not told"),
            Err(SetEventsError::AlreadyDying) => assert_eq!(seen.deaths(), 0, "told of what was refused"),
            other => panic!("{other:?}"),
        }
        world.end([(engine, seen)]);
        if outcome.is_ok() { "promised" } else { "refused" }
    });
}

/// An engine that comes while the task dies is told of the death exactly if it was promised.
#[test]
fn inv_17_an_attach_during_death_is_answered_for_good() {
    model(|| {
        let mut world = World::new();
        let first = world.engine(Action::Resume, Event::Death);
        let dies = world.spawn(die);
        let late = attach(&world.task, Action::Resume);
        let outcome = late.0.set_events(Event::Death);
        world.join(dies);
        assert_eq!(late.1.deaths(), usize::from(outcome == Ok(Progress::Done)));
        world.end([first, late]);
    });
}

/// INV-30, INV-33, SC-78: whoever comes first, death is told before reap and each once.
#[test]
fn inv_30_a_reap_during_a_death_comes_after_it() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Death | Event::Reap);
        let dies = world.spawn(die);
        world.reaper().reap();
        world.join(dies);
        assert_eq!((seen.deaths(), seen.reaps()), (1, 1));
        world.end([(engine, seen)]);
    });
}

/// SC-11: an attach to a dying task that is being released is refused, reaped, or released in silence, and the answers
/// say which.
#[test]
fn inv_32_an_attach_during_death_and_reap() {
    model_within(2, || {
        let mut world = World::on(sleeper());
        let first = world.engine(Action::Resume, Event::Death | Event::Reap);
        let dies = world.spawn(die);
        let reaps = world.spawn_reap();
        let attached = try_attach(&world.task, Action::Resume);
        let asked = attached.as_ref().is_ok_and(|(engine, _)| engine.set_events(Event::Reap).is_ok());
        world.join(dies);
        reaps.join().unwrap();
        if let Ok((_, seen)) = &attached {
            assert_eq!(seen.reaps(), usize::from(asked));
        }
        assert_eq!((first.1.deaths(), first.1.reaps()), (1, 1));
        world.end(attached.into_iter().chain([first]));
    });
}

/// INV-32: what a lookup finds while the reap runs is whole; after it nothing is found.
#[test]
fn inv_32_a_lookup_during_reap() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Reap);
        drop(engine);
        die(world.reporter());
        let reaps = world.spawn_reap();
        let found = world.task.find(Match::ANY);
        if let Some(engine) = &found {
            assert_eq!(engine.name(), "probe");
            // Found before the reap began; by now it may have.
            assert!(matches!(
                engine.set_events(EventSet::NONE),
                Ok(Progress::Done) | Err(SetEventsError::Gone)
            ));
        }
        reaps.join().unwrap();
        assert_eq!(world.task.find(Match::ANY), None);
        assert_eq!(seen.drops(), usize::from(found.is_none()));
        drop(found);
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

/// SC-29: the two answers of `detach_sync` are the whole truth, whatever dies and is reaped meanwhile. On a platform on
/// which a wake-up that is missed is missed for good.
#[test]
fn inv_16_detach_sync_against_death_and_reap() {
    model_within(2, || {
        let mut world = World::on(sleeper());
        let (engine, seen) = world.engine(Action::Resume, Event::Death | Event::Reap);
        let dies = world.spawn(die);
        let reaps = world.spawn_reap();
        let outcome = engine.detach_sync().unwrap();
        let told_before = (seen.deaths(), seen.reaps());
        if outcome == Detached::Over {
            seen.claim();
        }
        world.join(dies);
        reaps.join().unwrap();
        match outcome {
            Detached::Over => assert_eq!((seen.deaths(), seen.reaps()), told_before),
            Detached::ReapRuns => assert_eq!(seen.reaps(), 1),
        }
        world.end([(engine, seen)]);
    });
}
