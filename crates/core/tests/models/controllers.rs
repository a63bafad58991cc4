//! Two controllers at once, with and without a report between them.

use crate::probe::{attach, attach_alone};
use crate::world::{World, enter, model, model_within, sleeper, to_user};
use utrace_core::{Action, ControlError, Event, EventSet, ExamineError, Progress, Verdict, Woken};

/// INV-2: the attaching list is changed under the lock only, whether the lock was free or waited for.
#[test]
fn inv_2_two_attach_at_once() {
    model(|| {
        let mut world = World::new();
        let other = world.task.clone();
        let attaches = world.beside(move || attach(&other, Action::Resume));
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
        let detaches = world.beside({
            let engine = engine.clone();
            move || engine.control(Action::Detach)
        });
        let (mine, theirs) = (engine.control(Action::Detach), detaches.join().unwrap());
        assert!(mine.is_ok() ^ theirs.is_ok());
        assert_eq!(mine.and(theirs), Err(ControlError::Gone));
        world.end([(engine, seen)]);
    });
}

/// SC-7.
#[test]
fn sc_7_of_two_exclusive_attaches_one_wins() {
    model(|| {
        let world = World::new();
        let other = world.task.clone();
        let attaches = world.beside(move || attach_alone(&other));
        let mine = attach_alone(&world.task);
        let theirs = attaches.join().unwrap();
        assert!(mine.is_some() ^ theirs.is_some());
        world.end(mine.into_iter().chain(theirs));
    });
}

/// The last word holds, and what the task may report is at least what its engine wants (INV-11).
#[test]
fn inv_11_two_set_events_at_once() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, EventSet::NONE);
        let other = engine.clone();
        let asks = world.beside(move || other.set_events(Event::Exec));
        let mine = engine.set_events(Event::Exit);
        assert!(mine.is_ok() && asks.join().unwrap().is_ok());
        let events = engine.interest().events;
        assert!(events == Event::Exec.into() || events == Event::Exit.into(), "{events:?}");
        assert!((events - world.task.wanted().events).is_empty());
        world.end([(engine, seen)]);
    });
}

/// Whoever of the two is last has the say: the stop bit and what the task does agree.
#[test]
fn inv_22_stop_and_resume_at_once() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Exec);
        let other = engine.clone();
        let stops = world.beside(move || other.control(Action::Stop));
        assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        assert_eq!(stops.join().unwrap(), Ok(Progress::InProgress));
        let holds = engine.prepare_examine().err() != Some(ExamineError::NotHeld);
        let parks = world.reporter().owes_report() && to_user(world.reporter()) == Verdict::Park;
        assert_eq!(holds, parks);
        world.end([(engine, seen)]);
    });
}

/// INV-23: a new holder comes as the last one lets go.
#[test]
fn inv_23_a_stop_as_the_last_holder_lets_go() {
    model(|| {
        let mut world = World::new();
        let one = world.engine(Action::Stop, Event::SyscallEntry);
        let two = world.engine(Action::Resume, Event::Exec);
        assert_eq!(enter(world.reporter()), Verdict::Park);
        let first = one.0.clone();
        let lets_go = world.beside(move || first.control(Action::Resume));
        let stop = two.0.control(Action::Stop);
        assert_eq!(lets_go.join().unwrap(), Ok(Progress::Done));
        match stop {
            // In time: the task never woke.
            Ok(Progress::Done) => assert_eq!((world.host.wakes(), world.task.is_stopped()), (0, true)),
            Ok(Progress::InProgress) => {
                assert_eq!(world.host.wakes(), 1);
                assert!(!matches!(world.reporter().woken(), Woken::Parked));
                assert!(world.reporter().owes_report() && to_user(world.reporter()) == Verdict::Park);
            }
            Err(error) => panic!("{error}"),
        }
        world.end([one, two]);
    });
}

/// A detach and a change of interest while a report runs: three threads on one engine.
#[test]
fn inv_19_detach_and_set_events_during_a_report() {
    model_within(2, || {
        let mut world = World::on(sleeper());
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let other = engine.clone();
        let detaches = world.beside(move || other.control(Action::Detach));
        let asked = engine.set_events(EventSet::NONE);
        if asked == Ok(Progress::Done) {
            seen.claim();
        }
        assert!(detaches.join().unwrap().is_ok());
        let _ = world.join(reports);
        assert!(!engine.is_attached());
        world.end([(engine, seen)]);
    });
}

/// Two engines of one list are detached while it is walked (INV-1, INV-28).
#[test]
fn inv_28_two_engines_leave_during_a_report() {
    model_within(2, || {
        let mut world = World::on(sleeper());
        let one = world.engine(Action::Resume, Event::SyscallEntry);
        let two = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(|reporter| {
            let _ = enter(reporter);
            reporter.tidy();
        });
        let first = one.0.clone();
        let detaches = world.beside(move || first.control(Action::Detach));
        assert!(two.0.control(Action::Detach).is_ok());
        assert!(detaches.join().unwrap().is_ok());
        world.join(reports);
        world.reporter().tidy();
        assert_eq!(world.task.engines().len(), 0);
        world.end([one, two]);
    });
}
