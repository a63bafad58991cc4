//! Keeps the processors of a small machine awake while stops are served, so that a tracee stays beside its tracer.
//!
//! [`Warmers`] are threads under `SCHED_IDLE`, one bound to each processor, that compute nothing for as long as stops
//! come in. They give way to everybody at once, and nobody has to come back from `SCHED_IDLE`, so any user may have them
//! (sched(7)). With them the machine's processors count as used, and the kernel no longer looks for an idle one when
//! it resumes a tracee (`SIS_UTIL`: `update_idle_cpu_scan()` in kernel/sched/fair.c): it stays where the tracer is.
//! Nothing here decides when to do that ([`super`] does).

use core::hint;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::beats::{Beats, PATIENCE};
use crate::sys::process;
use crate::sys::sched::{self, CpuSet, Policy};

/// Most processors to be kept awake: on more it takes too much of the machine.
const MOST: usize = 4;
/// Pauses between two looks at the order, some microseconds.
const PAUSES: u32 = 64;

/// What the warmers are to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    Sleep,
    Warm,
    End,
}

struct Shared {
    served: Beats,
    /// Counts the changes of the order, so that it can be looked at without the lock.
    version: AtomicU64,
    order: Mutex<Order>,
    changed: Condvar,
}

/// The warmer threads, seen from the tracer thread.
pub(super) struct Warmers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Warmers {
    /// Starts one sleeping thread for each of these processors; `None` if those are too many, or if it cannot be done.
    pub(super) fn start(home: &CpuSet) -> Option<Self> {
        if home.count() > MOST {
            return None;
        }
        let shared = Arc::new(Shared {
            served: Beats::default(),
            version: AtomicU64::new(0),
            order: Mutex::new(Order::Sleep),
            changed: Condvar::new(),
        });
        let mut warmers = Self { shared, threads: Vec::new() };
        for cpu in home.iter() {
            let for_thread = Arc::clone(&warmers.shared);
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let spawned = thread::Builder::new().name("utrace-warmer".into()).spawn(move || {
                let ready = settle(cpu);
                let _ = tell.send(ready);
                if ready {
                    serve(&for_thread);
                }
            });
            warmers.threads.push(spawned.ok()?);
            if !told.recv().unwrap_or(false) {
                return None;
            }
        }
        Some(warmers)
    }

    /// The tracer served a stop.
    #[inline]
    pub(super) fn beat(&self) {
        self.shared.served.beat();
    }

    /// Warms from now on, for as long as stops are served.
    pub(super) fn warm(&self) {
        self.shared.give(Order::Warm);
    }

    /// Ends that.
    pub(super) fn cool(&self) {
        self.shared.give(Order::Sleep);
    }

    /// Whether the warmers went to sleep by themselves, as too little was served.
    pub(super) fn are_asleep(&self) -> bool {
        *self.shared.lock() == Order::Sleep
    }
}

impl Drop for Warmers {
    fn drop(&mut self) {
        self.shared.give(Order::End);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(&self, order: Order) {
        *self.lock() = order;
        self.version.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_all();
    }
}

/// Takes the calling thread to its place, for good.
fn settle(cpu: usize) -> bool {
    let bound = CpuSet::only(cpu).is_some_and(|set| sched::set_affinity(&set).is_ok());
    bound && process::gettid().is_some_and(|me| sched::set_policy(me, Policy::Idle).is_ok())
}

fn serve(shared: &Shared) {
    let mut order = shared.lock();
    loop {
        match *order {
            Order::End => return,
            Order::Sleep => order = shared.changed.wait(order).unwrap_or_else(PoisonError::into_inner),
            Order::Warm => {
                let version = shared.version.load(Ordering::Relaxed);
                drop(order);
                let quiet = !warm(shared, version);
                order = shared.lock();
                if quiet && *order == Order::Warm {
                    *order = Order::Sleep;
                }
            }
        }
    }
}

/// Keeps the processor awake until the order changes (`true`) or too little is served (`false`).
fn warm(shared: &Shared, version: u64) -> bool {
    let mut since = Instant::now();
    let mut before = shared.served.count();
    while shared.version.load(Ordering::Relaxed) == version {
        for _ in 0..PAUSES {
            hint::spin_loop();
        }
        if since.elapsed() >= PATIENCE {
            if !shared.served.are_enough_since(before) {
                return false;
            }
            (since, before) = (Instant::now(), shared.served.count());
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::Warmers;
    use crate::sys::sched;

    #[test]
    fn warmers_that_see_no_stop_go_to_sleep_by_themselves() {
        let home = sched::affinity().unwrap();
        let Some(warmers) = Warmers::start(&home) else {
            assert!(home.count() > super::MOST, "any user may have a thread under SCHED_IDLE");
            return;
        };
        assert!(warmers.are_asleep());
        warmers.warm();
        while !warmers.are_asleep() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn warmers_end_while_they_warm() {
        let home = sched::affinity().unwrap();
        if let Some(warmers) = Warmers::start(&home) {
            warmers.warm();
            warmers.beat();
            drop(warmers);
        }
    }
}
