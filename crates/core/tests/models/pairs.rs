//! The fence pairs A to D, and the pairs of Release and Acquire, of the table in `record.rs`.

use crate::probe::{attach, try_attach};
use crate::world::{World, die, enter, model, model_reaching, sleeper};
use std::sync::Arc;
use utrace_core::{Action, BarrierError, Event, Interest, Progress, SyscallSet, Task};

#[test]
fn pair_a_nothing_runs_after_set_events_said_done() {
    model_reaching(&["done", "in progress"], || {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Resume, Event::SyscallEntry);
        let reports = world.spawn(enter);
        let done = engine.set_events(Interest::NONE) == Ok(Progress::Done);
        if done {
            seen.claim();
        }
        let _ = world.join(reports);
        world.end([(engine, seen)]);
        if done { "done" } else { "in progress" }
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
        let waits = world.beside({
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
    model_reaching(&["called", "not yet"], || {
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
        if called { "called" } else { "not yet" }
    });
}

/// Gone is said without another look at `reporting`: the word alone must bring the callback's end with it.
#[test]
fn pair_a_who_is_told_gone_sees_the_last_callback_over() {
    model(|| {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Detach, Event::SyscallEntry);
        let reports = world.spawn(enter);
        if !engine.is_attached() && engine.barrier() == Err(BarrierError::Gone) {
            seen.claim();
        }
        let _ = world.join(reports);
        world.end([(engine, seen)]);
    });
}

/// The same, when the word was written by another thread than the one that called back.
#[test]
fn pair_a_who_is_told_gone_after_a_detach_sees_the_last_callback_over() {
    model(|| {
        let mut world = World::on(sleeper());
        let (engine, seen) = world.engine(Action::Stop, Event::SyscallEntry);
        let waits = world.beside({
            let (engine, seen) = (engine.clone(), Arc::clone(&seen));
            move || {
                if engine.barrier() == Err(BarrierError::Gone) {
                    seen.claim();
                }
            }
        });
        let reports = world.spawn(enter);
        assert!(engine.control(Action::Detach).is_ok());
        let _ = world.join(reports);
        waits.join().unwrap();
        world.end([(engine, seen)]);
    });
}

/// A look for a record without the lock, as a host takes it before each return to user mode.
#[test]
fn pair_b_who_finds_a_record_finds_it_whole() {
    model(|| {
        let mut world = World::new();
        let other = world.task.clone();
        let attaches = world.beside(move || attach(&other, Action::Resume));
        let owes = world.reporter().owes_report();
        let attached = attaches.join().unwrap();
        // The attach waits to be spliced: whoever looked early will be told by a look that comes after it.
        assert!(owes || world.reporter().owes_report());
        world.end([attached]);
    });
}

/// INV-9, on what an attach alone leaves in the mask: later writes of it come after a fence anyway.
#[test]
fn pair_b_who_sees_a_wish_sees_the_record() {
    model(|| {
        let world = World::new();
        let other = world.task.clone();
        let attaches = world.beside(move || attach(&other, Action::Resume));
        if world.task.asked_for(Event::Reap) {
            assert_eq!(world.task.engines().len(), 1, "a mask without a record");
        }
        world.end([attaches.join().unwrap()]);
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

/// The quiesce call makes the engine one to look at closely, whatever else it wants, with no fence between set and word.
#[test]
fn pair_a_an_old_event_never_goes_with_a_new_set_after_a_quiesce_call() {
    never_called_for_39(entry_of_7() | Event::Quiesce, (Event::SyscallExit | Event::Quiesce).into());
}

#[test]
fn pair_a_a_new_event_never_goes_with_an_old_set() {
    never_called_for_39(Event::Exec.into(), entry_of_7());
}

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
        let attaches = world.beside(move || watch(&other));
        let first = watch(&world.task);
        let second = attaches.join().unwrap();
        let _ = enter(world.reporter());
        assert_eq!((first.1.entries(), second.1.entries()), (1, 1));
        world.end([first, second]);
    });
}
