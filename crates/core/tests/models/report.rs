//! A report against everything that another thread may ask meanwhile: attach, lookup, control, detach.
//! `set_events` and `barrier` against a report are in `pairs`.

use crate::probe::attach;
use crate::world::{World, enter, model, to_user};
use utrace_core::{Action, Event, Match, Progress, Verdict, Woken};

/// INV-3, INV-4.
#[test]
fn inv_3_an_attach_during_a_pass_is_seen_by_the_next() {
    model(|| {
        let mut world = World::new();
        let first = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let late = attach(&world.task, Action::Resume);
        assert_eq!(late.0.set_events(Event::SyscallEntry), Ok(Progress::Done));
        let _ = world.join(reports);
        let before = late.1.entries();
        let _ = enter(world.reporter());
        assert_eq!(late.1.entries(), before + 1, "an attach was forgotten");
        world.end([first, late]);
    });
}

/// Whoever is found may leave at that moment; what is found is whole, and says so.
#[test]
fn inv_29_a_lookup_during_a_callback_that_detaches() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Detach, Event::SyscallEntry);
        drop(engine);
        let reports = world.spawn(enter);
        let found = world.task.find(Match::ANY);
        if let Some(found) = &found {
            assert_eq!(found.name(), "probe");
            let _ = found.control(Action::Detach);
        }
        let _ = world.join(reports);
        assert_eq!(world.task.find(Match::ANY), None, "it left");
        assert_eq!(seen.drops(), usize::from(found.is_none()), "kept by who found it, and by nobody else");
        drop(found);
        assert_eq!(seen.drops(), 1);
        world.end([]);
    });
}

/// INV-22, SC-30: a stop that another thread asks for is met on the way to user mode, whatever the report does.
#[test]
fn inv_22_a_stop_asked_for_during_a_report_is_met_before_user_mode() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(|reporter| match enter(reporter) {
            Verdict::Park => Verdict::Park,
            Verdict::Go(_) if reporter.owes_report() => to_user(reporter),
            go => go,
        });
        let stop = engine.control(Action::Stop);
        let verdict = world.join(reports);
        let calls = seen.entries();
        assert!(calls <= 1);
        match stop {
            Ok(Progress::Done) => assert_eq!(verdict, Verdict::Park),
            Ok(Progress::InProgress) if verdict != Verdict::Park => {
                // Asked for after the report looked, or before a callback answered otherwise (INV-21).
                let stops =
                    engine.control(Action::Stop).is_ok() && to_user(world.reporter()) == Verdict::Park;
                assert!(stops, "a stop was lost");
            }
            Ok(Progress::InProgress) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        assert!(matches!(world.reporter().woken(), Woken::Go(_) | Woken::Repeat));
        world.end([(engine, seen)]);
    });
}

/// A stop by an engine that takes no part in the report cannot be answered away: nobody but its holder ends it.
#[test]
fn inv_23_a_stop_by_another_engine_during_a_report_holds() {
    model(|| {
        let mut world = World::new();
        let caller = world.engine(Action::Resume, Event::SyscallEntry);
        let (engine, seen) = world.engine(Action::Resume, Event::Exec);
        let reports = world.spawn(|reporter| match enter(reporter) {
            Verdict::Go(_) if reporter.owes_report() => to_user(reporter),
            verdict => verdict,
        });
        assert_eq!(engine.control(Action::Stop), Ok(Progress::InProgress));
        let verdict = world.join(reports);
        // Whoever came too late for this report finds it owed.
        let parked = verdict == Verdict::Park
            || (world.reporter().owes_report() && { to_user(world.reporter()) == Verdict::Park });
        assert!(parked, "a stop was lost");
        assert_eq!(engine.control(Action::Stop), Ok(Progress::Done));
        world.end([caller, (engine, seen)]);
    });
}

/// A report that is asked for while one runs comes, or had come after the asking.
#[test]
fn a_report_asked_for_during_a_report_is_owed_or_made() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::Quiesce);
        let reports = world.spawn(enter);
        let before = seen.quiesces();
        assert_eq!(engine.control(Action::Report), Ok(Progress::Done));
        let _ = world.join(reports);
        if world.reporter().owes_report() {
            let _ = to_user(world.reporter());
        }
        assert!(seen.quiesces() > before, "no report came");
        assert!(!world.reporter().owes_report(), "one for each asking");
        world.end([(engine, seen)]);
    });
}

/// An engine that leaves during a pass takes none of the others with it (INV-28).
#[test]
fn inv_28_a_detach_during_a_pass_leaves_the_others_their_callbacks() {
    model(|| {
        let mut world = World::new();
        let first = world.engine(Action::Resume, Event::SyscallEntry);
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let last = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(|reporter| {
            let _ = enter(reporter);
            reporter.tidy();
        });
        let progress = engine.control(Action::Detach);
        assert!(progress.is_ok());
        drop(engine);
        world.join(reports);
        let _ = enter(world.reporter());
        assert_eq!((first.1.entries(), last.1.entries()), (2, 2));
        assert!(seen.entries() <= 1);
        assert_eq!(seen.drops(), 1);
        world.end([first, last]);
    });
}
