//! The release of an engine against everything that may let go of it at the same time: once, and with no lock held.
//!
//! Each probe takes its task's lock as it is dropped (INV-29), which would never end under that lock.

use crate::world::{World, die, enter, model};
use utrace_core::{Action, Event, EventSet, Match};

/// SC-82: the last handle goes while a callback detaches.
#[test]
fn inv_29_the_last_handle_goes_while_a_callback_detaches() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Detach, Event::SyscallEntry);
        let reports = world.spawn(enter);
        drop(engine);
        let _ = world.join(reports);
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

#[test]
fn inv_29_the_last_handle_goes_after_a_detach_during_a_report() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(|reporter| {
            let _ = enter(reporter);
            reporter.tidy();
        });
        assert!(engine.control(Action::Detach).is_ok());
        drop(engine);
        world.join(reports);
        world.reporter().tidy();
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

/// SC-82, in reap.
#[test]
fn inv_29_the_last_handle_goes_during_reap() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Reap);
        die(world.reporter());
        let reaps = world.spawn_reap();
        drop(engine);
        reaps.join().unwrap();
        assert_eq!((seen.reaps(), seen.drops()), (1, 1));
        world.end([]);
    });
}

/// SC-83, model 1: who disables and who is killed: one of the two frees, whatever the answers are.
#[test]
fn inv_29_a_detach_without_a_standing_handle_against_death_and_reap() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Death | Event::Reap);
        drop(engine);
        let dies = world.spawn(die);
        if let Some(found) = world.task.find(Match::ANY) {
            let _ = found.control(Action::Detach);
        }
        world.join(dies);
        world.reaper().reap();
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

#[test]
fn inv_29_the_last_handle_goes_while_others_look_and_ask() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Exec);
        let task = world.task.clone();
        let looks = world.beside(move || {
            if let Some(found) = task.find(Match::ANY) {
                let _ = found.set_events(EventSet::NONE);
            }
        });
        assert!(engine.control(Action::Detach).is_ok());
        drop(engine);
        looks.join().unwrap();
        world.reporter().tidy();
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

/// The host gives the task up while a handle goes.
#[test]
fn inv_29_the_last_handle_goes_as_the_reporter_does() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let lets_go = world.beside(move || {
            let _ = engine.control(Action::Detach);
            drop(engine);
        });
        world.end([]);
        lets_go.join().unwrap();
        assert_eq!(seen.drops(), 1);
    });
}
