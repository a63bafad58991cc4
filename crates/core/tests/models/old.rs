//! INV-24 and INV-25 as the original did it, and the same with the one difference that ours makes.
//!
//! The models of the original must fail: they hang, or tell a reap before a death. What is modelled is the way of
//! working. That the core works in the other way is shown on the core itself: `inv_24` in `stop`, `inv_25` in `death`.
//! INV-26 and INV-27 are no races: they are tried on the core in every combination of engines by `tests/defects.rs`.

use crate::world::{model, model_within};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::sync::Arc;

#[derive(Clone, Copy)]
enum Way {
    Old,
    Ours,
}

/// INV-24: what the stop of one engine on one task is made of.
#[derive(Default)]
struct Stop {
    engine_holds: bool,
    /// The second copy: "somebody holds it", for the task.
    task_is_to_stop: bool,
    asleep: bool,
}

struct Task {
    stop: Mutex<Stop>,
    woken: Condvar,
    in_callback: AtomicBool,
}

impl Task {
    /// The callback returned a stop: it is applied, the callback is over, and the task goes to sleep.
    fn report(&self, way: Way) {
        let mut stop = self.stop.lock().unwrap();
        (stop.engine_holds, stop.task_is_to_stop) = (true, true);
        drop(stop);
        self.in_callback.store(false, Ordering::Release);
        let mut stop = self.stop.lock().unwrap();
        stop.asleep = match way {
            Way::Old => stop.task_is_to_stop,
            // Asked of the engines, under the lock that a release takes.
            Way::Ours => stop.engine_holds,
        };
        while stop.asleep {
            stop = self.woken.wait(stop).unwrap();
        }
    }

    fn resume(&self) {
        let mut stop = self.stop.lock().unwrap();
        stop.engine_holds = false;
        if stop.asleep {
            (stop.task_is_to_stop, stop.asleep) = (false, false);
            self.woken.notify_all();
        }
    }
}

fn resume_after_barrier(way: Way) {
    model(move || {
        let task = Arc::new(Task {
            stop: Mutex::new(Stop::default()),
            woken: Condvar::new(),
            in_callback: AtomicBool::new(true),
        });
        let reports = thread::spawn({
            let task = Arc::clone(&task);
            move || task.report(way)
        });
        // The barrier, which answers 0: the stop is applied. Then the one holder lets go.
        while task.in_callback.load(Ordering::Acquire) {
            thread::yield_now();
        }
        task.resume();
        reports.join().unwrap();
    });
}

#[test]
#[should_panic = "deadlock"]
fn inv_24_old_sleeps_with_no_owner() {
    resume_after_barrier(Way::Old);
}

#[test]
fn inv_24_ours_is_ended_by_its_holder() {
    resume_after_barrier(Way::Ours);
}

/// INV-25: a dead task that B wants to be told of.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "the state of a model: one bit for each fact")]
struct Dead {
    mask_has_death: bool,
    pass_begun: bool,
    pass_over: bool,
    reap_is_due: bool,
    reaped: bool,
}

fn die(dead: &Mutex<Dead>) {
    // One look at the mask decides whether there is a death pass.
    let is_told = dead.lock().unwrap().mask_has_death;
    assert!(is_told, "B lost its death");
    dead.lock().unwrap().pass_begun = true;
    // B's death callback.
    let is_reaped = dead.lock().unwrap().reaped;
    assert!(!is_reaped, "B was reaped before its death");
    let mut dead = dead.lock().unwrap();
    dead.pass_over = true;
    dead.reaped |= dead.reap_is_due;
}

fn detach_a(dead: &Mutex<Dead>, way: Way) {
    let mut dead = dead.lock().unwrap();
    if !dead.pass_begun || dead.pass_over {
        // A leaves, and the mask is made anew for a dead task.
        dead.mask_has_death = match way {
            Way::Old => false,
            Way::Ours => !dead.pass_over,
        };
    }
}

fn reap(dead: &Mutex<Dead>) {
    let mut dead = dead.lock().unwrap();
    if dead.mask_has_death && !dead.pass_over {
        dead.reap_is_due = true;
    } else {
        dead.reaped = true;
    }
}

/// A is detached, and the task released, while it dies.
fn detach_before_the_death_pass(way: Way) {
    model_within(2, move || {
        let dead = Arc::new(Mutex::new(Dead { mask_has_death: true, ..Dead::default() }));
        let dies = thread::spawn({
            let dead = Arc::clone(&dead);
            move || die(&dead)
        });
        let reaps = thread::spawn({
            let dead = Arc::clone(&dead);
            move || reap(&dead)
        });
        detach_a(&dead, way);
        dies.join().unwrap();
        reaps.join().unwrap();
        assert!(dead.lock().unwrap().reaped, "B lost its reap");
    });
}

/// Whichever is found first: the death that is lost, or the reap that comes before it.
#[test]
#[should_panic = "B "]
fn inv_25_old_loses_the_death_of_another_or_reaps_before_it() {
    detach_before_the_death_pass(Way::Old);
}

#[test]
fn inv_25_ours_tells_death_and_then_reap() {
    detach_before_the_death_pass(Way::Ours);
}
