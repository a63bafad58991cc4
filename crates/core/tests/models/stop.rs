//! Stops: between the decision and the sleep, several holders, and waking.

use crate::world::{World, enter, model, model_reaching};
use utrace_core::{Action, Event, Progress, Verdict, Woken};

#[test]
fn inv_24_a_resume_after_the_stop_was_applied_ends_it() {
    model_reaching(&["parked and woken", "never parked", "too early"], || {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Stop, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let stop_was_applied = seen.entries() == 1 && engine.barrier() == Ok(());
        if stop_was_applied {
            assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        }
        let verdict = world.join(reports);
        if stop_was_applied && verdict == Verdict::Park {
            assert_eq!(world.host.wakes(), 1, "parked, released, and never woken");
            assert!(matches!(world.reporter().woken(), Woken::Go(_)));
        }
        if !stop_was_applied {
            // INV-21: what was asked before the callback returned does not undo its stop.
            assert_eq!(verdict, Verdict::Park);
        }
        world.end([(engine, seen)]);
        match (stop_was_applied, verdict) {
            (true, Verdict::Park) => "parked and woken",
            (true, Verdict::Go(_)) => "never parked",
            (false, _) => "too early",
        }
    });
}

/// INV-21: a resume that comes while the callback runs is before what it returns.
#[test]
fn inv_21_a_resume_during_the_callback_does_not_undo_its_stop() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Stop, Event::SyscallEntry);
        let reports = world.spawn(enter);
        assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        let over_before = world.host.wakes() == 1;
        let verdict = world.join(reports);
        // Either it was before the stop, which then stands; or after it, and ended it.
        match verdict {
            Verdict::Park => assert_eq!(world.task.is_stopped(), !over_before && world.host.wakes() == 0),
            Verdict::Go(_) => assert!(!world.task.is_stopped()),
        }
        assert_eq!(seen.entries(), 1);
        world.end([(engine, seen)]);
    });
}

#[test]
fn inv_23_the_last_of_two_holders_wakes_once() {
    model(|| {
        let mut world = World::new();
        let one = world.engine(Action::Stop, Event::SyscallEntry);
        let two = world.engine(Action::Stop, Event::SyscallEntry);
        assert_eq!(enter(world.reporter()), Verdict::Park);
        let lets_go = world.beside({
            let one = one.0.clone();
            move || one.control(Action::Resume)
        });
        assert_eq!(two.0.control(Action::Detach), Ok(Progress::Done));
        assert_eq!(lets_go.join().unwrap(), Ok(Progress::Done));
        assert_eq!(world.host.wakes(), 1);
        assert!(matches!(world.reporter().woken(), Woken::Go(_)));
        world.end([one, two]);
    });
}

/// A stop that is asked for while the task is on its way out of the last one is met at once.
#[test]
fn inv_22_a_stop_between_the_wake_and_the_waking() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Stop, Event::SyscallEntry);
        assert_eq!(enter(world.reporter()), Verdict::Park);
        assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        let wakes = world.spawn(|reporter| match reporter.woken() {
            Woken::Repeat => enter(reporter),
            Woken::Parked => Verdict::Park,
            Woken::Go(action) => Verdict::Go(action),
        });
        let stop = engine.control(Action::Stop).unwrap();
        let verdict = world.join(wakes);
        let held = verdict == Verdict::Park || world.reporter().owes_report();
        assert!(held, "{stop:?} was answered and the stop forgotten");
        world.end([(engine, seen)]);
    });
}
