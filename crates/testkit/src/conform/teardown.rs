//! SC-83 and SC-84: tear-down under load. Bounded rounds of real races: what must hold holds in each.

use super::{Drops, Log, Parent, Probe, World, attach};
use crate::script::{Flag, Step, signals};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use utrace_core::{Action, ControlError, Detached, Event, EventSet, Progress};

/// A client without a standing reference (model 1) disables while the task is killed / many rounds / its data is
/// freed exactly once, by the one that the answers name.
pub fn sc_083_kill_against_disable(world: &impl World) {
    for round in 0..1000 {
        let (task, log, frees) = (
            world.launch(vec![Step::Spin(Flag(9))], Parent::Waits),
            Log::new(),
            Arc::new(AtomicUsize::new(0)),
        );
        let in_death = Arc::clone(&frees);
        let drops = Drops::new();
        let probe = Probe::new("A", &log).counted(&drops).answers(move |_, report| {
            if report.is(Event::Death) {
                in_death.fetch_add(1, Ordering::SeqCst);
                return Action::Detach;
            }
            Action::Resume
        });
        let engine = attach(&task, probe, Event::Death | Event::SyscallExit);
        world.begin(&task);
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                world.kill(&task, signals::SIGKILL);
                if round % 2 == 0 {
                    world.until_over(&task);
                    world.reap(&task);
                }
            });
            start.wait();
            // Ours to free if no callback runs or will run; else the death callback frees.
            let ours = match engine.control(Action::Detach) {
                Ok(Progress::Done) => true,
                Ok(Progress::InProgress) => engine.barrier().is_err(),
                Err(ControlError::AlreadyDying | ControlError::Gone) => false,
                Err(error) => unreachable!("{error}"),
            };
            frees.fetch_add(usize::from(ours), Ordering::SeqCst);
        });
        world.until_over(&task);
        assert_eq!(frees.load(Ordering::SeqCst), 1, "round {round}");
        world.reap(&task);
        drop(engine);
        drops.until(1);
        assert_eq!(drops.count(), 1, "round {round}");
    }
}

/// Engines on many tasks that report all the time / flag, detach all, wait / no callback after the return.
pub fn sc_084_unloading(world: &impl World) {
    let stop = Flag(3);
    let unloaded = Arc::new(AtomicBool::new(false));
    let late = Arc::new(AtomicUsize::new(0));
    let calls = Arc::new(AtomicUsize::new(0));
    let drops = Drops::new();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let mut script: Vec<Step> = (0..2000).map(|call| Step::Call(1 + call % 60)).collect();
            script.push(Step::Sleep(stop));
            world.launch(script, Parent::Waits)
        })
        .collect();
    let engines: Vec<_> = tasks
        .iter()
        .map(|task| {
            let (unloaded, late, calls) = (Arc::clone(&unloaded), Arc::clone(&late), Arc::clone(&calls));
            // No log: it would serialise what is to race.
            let probe = Probe::silent("A").counted(&drops).answers(move |_, _| {
                calls.fetch_add(1, Ordering::SeqCst);
                late.fetch_add(usize::from(unloaded.load(Ordering::SeqCst)), Ordering::SeqCst);
                Action::Resume
            });
            attach(task, probe, EventSet::SYSCALL | Event::Death | Event::Reap)
        })
        .collect();
    for task in &tasks {
        world.begin(task);
    }
    while calls.load(Ordering::SeqCst) < 50 {
        std::thread::yield_now();
    }
    for engine in &engines {
        assert_eq!(engine.detach_sync(), Ok(Detached::Over));
    }
    unloaded.store(true, Ordering::SeqCst);
    world.raise(stop);
    for task in &tasks {
        assert_eq!(world.until_over(task), 0);
        world.reap(task);
    }
    assert_eq!(late.load(Ordering::SeqCst), 0, "a callback after unloading");
    drop(engines);
    drops.until(8);
    assert_eq!(drops.count(), 8);
}
