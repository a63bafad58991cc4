//! The fence pairs A to D, and the pairs of Release and Acquire, of the table in `record.rs`.

use crate::world::{World, attach, die, enter, model, sleeper, try_attach};
use loom::thread;
use utrace_core::{Action, BarrierError, Event, Interest, Progress, SyscallSet, Task};

#[test]
fn pair_a_nothing_runs_after_set_events_said_done() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        if engine.set_events(Interest::NONE) == Ok(Progress::Done) {
            seen.claim();
        }
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

#[test]
fn pair_a_nothing_runs_after_detach_said_done() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        if engine.control(Action::Detach) == Ok(Progress::Done) {
            seen.claim();
        }
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

/// A syscall that leaves the set is as forbidden as an event that leaves the interest.
#[test]
fn pair_a_nothing_runs_after_a_syscall_left_the_set() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let others: SyscallSet = [7].into_iter().collect();
        if engine.set_events(Interest::from(Event::SyscallEntry).with_syscalls(others)) == Ok(Progress::Done)
        {
            seen.claim();
        }
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

/// INV-8: and what the callback did is seen by who waited.
#[test]
fn pair_a_barrier_orders_the_callback_before_its_answer() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        assert!(matches!(engine.set_events(Interest::NONE), Ok(Progress::Done | Progress::InProgress)));
        assert_eq!(engine.barrier(), Ok(()));
        seen.claim();
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

#[test]
fn pair_d_barrier_sees_the_callback_end_and_is_woken() {
    model(|| {
        let mut world = World::on(sleeper());
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        engine.set_events_sync(Interest::NONE).unwrap();
        seen.claim();
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

/// Two who wait for one callback: the one bump of `epoch` wakes both.
#[test]
fn pair_d_two_barriers_are_both_woken() {
    model(|| {
        let mut world = World::on(sleeper());
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let waits = thread::spawn({
            let engine = engine.clone();
            move || engine.barrier()
        });
        assert_eq!(engine.barrier(), Ok(()));
        assert_eq!(waits.join().unwrap(), Ok(()));
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

#[test]
fn inv_8_barrier_never_says_ok_after_a_callback_that_detached() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Detach, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let called = seen.entries() == 1;
        let outcome = engine.barrier();
        if called {
            assert_eq!(outcome, Err(BarrierError::Gone));
            seen.claim();
        }
        let _ = world.join(reports);
        assert!(!engine.is_attached());
        world.end([(engine, seen)]);
    });
}

#[test]
fn pair_b_who_sees_a_wish_sees_the_record() {
    model(|| {
        let mut world = World::new();
        let other = world.task.clone();
        let attaches = thread::spawn(move || {
            let (engine, seen) = attach(&other, Action::Resume);
            assert_eq!(engine.set_events(Event::SyscallEntry), Ok(Progress::Done));
            (engine, seen)
        });
        let wanted = world.task.wants(Event::SyscallEntry);
        if wanted {
            assert!(world.task.wanted().events.contains(Event::SyscallEntry));
            let _ = enter(world.reporter());
        }
        let (engine, seen) = attaches.join().unwrap();
        if wanted {
            assert_eq!(seen.entries(), 1, "a pass sees what was attached before it");
        }
        world.end([(engine, seen)]);
    });
}

/// A report of syscall 39 while an engine goes from `old` to `new`, neither of which has it.
fn never_called_for_39(old: Interest, new: Interest) {
    let called = move || {
        let mut world = World::new();
        let other = world.engine(Action::Resume, Event::SyscallEntry);
        let (engine, seen) = world.engine(Action::Resume, old);
        let reports = world.spawn(enter);
        let _ = engine.set_events(new).unwrap();
        let _ = world.join(reports);
        assert_eq!(seen.entries(), 0, "called for what it never asked for");
        world.end([other, (engine, seen)]);
    };
    model(called);
}

fn entry_of_7() -> Interest {
    Interest::from(Event::SyscallEntry).with_syscalls([7].into_iter().collect())
}

/// No reader combines an event of one interest with a set of another: the sets that the word's Release and Acquire go
/// with.
#[test]
fn pair_a_an_old_event_never_goes_with_a_new_set() {
    never_called_for_39(entry_of_7(), Event::SyscallExit.into());
}

#[test]
fn pair_a_a_new_event_never_goes_with_an_old_set() {
    never_called_for_39(Event::Exec.into(), entry_of_7());
}

/// The quiesce call makes the engine one to look at closely, whatever else it wants: its set was read with the word of
/// before.
#[test]
fn pair_a_a_new_event_never_goes_with_an_old_set_after_a_quiesce_call() {
    never_called_for_39((Event::Exec | Event::Quiesce).into(), entry_of_7() | Event::Quiesce);
}

#[test]
fn pair_c_an_attach_fails_or_is_reaped() {
    model(|| {
        let mut world = World::new();
        die(world.reporter());
        let reaps = world.spawn_reap();
        let attached = try_attach(&world.task, Action::Resume);
        let asked = attached.as_ref().is_ok_and(|(engine, _)| engine.set_events(Event::Reap).is_ok());
        reaps.join().unwrap();
        if let Ok((_, seen)) = &attached {
            assert_eq!(seen.reaps(), usize::from(asked), "attached to a dead task, and never reaped");
        }
        world.end(attached);
    });
}

#[test]
fn inv_12_two_first_attaches_make_one_record() {
    model(|| {
        let mut world = World::new();
        let other = world.task.clone();
        let watch = |task: &Task| {
            let (engine, seen) = attach(task, Action::Resume);
            assert_eq!(engine.set_events(Event::SyscallEntry), Ok(Progress::Done));
            (engine, seen)
        };
        let attaches = thread::spawn(move || watch(&other));
        let first = watch(&world.task);
        let second = attaches.join().unwrap();
        let _ = enter(world.reporter());
        assert_eq!((first.1.entries(), second.1.entries()), (1, 1));
        world.end([first, second]);
    });
}
