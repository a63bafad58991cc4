//! Keeps the processors of a small machine awake while stops are served, so that a tracee stays beside its tracer.
//!
//! [`Warmers`] are threads under `SCHED_IDLE`, one bound to each processor, that compute nothing for as long as stops
//! come in. They give way to everybody at once, and nobody has to come back from `SCHED_IDLE`, so any user may have them
//! (sched(7)). With them the machine's processors count as used, and the kernel no longer looks for an idle one when
//! it resumes a tracee (`SIS_UTIL`: `update_idle_cpu_scan()` in kernel/sched/fair.c): it stays where the tracer is.
//! Nothing here decides when to do that ([`super`] does).

use core::hint;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::{self, Thread};
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
#[repr(u64)]
enum Order {
    Sleep,
    Warm,
    End,
}

/// An order, and how many came before it: so one that was given again is not taken for the old one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Numbered(u64);

impl Numbered {
    const BITS: u64 = 0b11;

    fn order(self) -> Order {
        match self.0 & Self::BITS {
            0 => Order::Sleep,
            1 => Order::Warm,
            _ => Order::End,
        }
    }

    fn next(self, order: Order) -> Self {
        Self((self.0 | Self::BITS) + 1 + order as u64)
    }
}

/// What the tracer and its warmers have between them. No lock: a thread under `SCHED_IDLE` that held one would keep the
/// tracer waiting until nobody else wants the processor.
struct Shared {
    served: Beats,
    order: AtomicU64,
}

/// The warmer threads, seen from the tracer thread.
pub(super) struct Warmers {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
}

impl Warmers {
    /// Starts one sleeping thread for each of these processors; `None` if those are too many, or if it cannot be done.
    pub(super) fn start(home: &CpuSet) -> Option<Self> {
        if home.count() > MOST {
            return None;
        }
        let shared = Arc::new(Shared { served: Beats::default(), order: AtomicU64::new(0) });
        let mut warmers = Self { shared, threads: Vec::new() };
        for cpu in home.iter() {
            let for_thread = Arc::clone(&warmers.shared);
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let spawned = thread::Builder::new().name("utrace-warmer".into()).spawn(move || {
                let bound = CpuSet::only(cpu).is_some_and(|set| sched::set_affinity(&set).is_ok());
                let _ = tell.send(process::gettid().filter(|_| bound));
                if bound {
                    serve(&for_thread);
                }
            });
            warmers.threads.push(spawned.ok()?.thread().clone());
            // It tells us while it runs as everybody, and we make it idle: nobody waits for a thread that is.
            let tid = told.recv().ok().flatten()?;
            sched::set_policy(tid, Policy::Idle).ok()?;
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
        self.give(Order::Warm);
    }

    /// Ends that.
    pub(super) fn cool(&self) {
        self.give(Order::Sleep);
    }

    /// Whether the warmers went to sleep by themselves, as too little was served.
    pub(super) fn are_asleep(&self) -> bool {
        self.shared.order().order() == Order::Sleep
    }

    fn give(&self, order: Order) {
        let mut before = self.shared.order();
        // A warmer may be putting itself to sleep.
        while let Err(now) = self.shared.replace(before, before.next(order)) {
            before = now;
        }
        for thread in &self.threads {
            thread.unpark();
        }
    }
}

impl Drop for Warmers {
    /// They end by themselves. Not joined: on a machine that is never idle that may take minutes.
    fn drop(&mut self) {
        self.give(Order::End);
    }
}

impl Shared {
    fn order(&self) -> Numbered {
        Numbered(self.order.load(Ordering::Relaxed))
    }

    fn replace(&self, before: Numbered, after: Numbered) -> Result<(), Numbered> {
        // Relaxed: nothing is reached through an order.
        let replaced = self.order.compare_exchange(before.0, after.0, Ordering::Relaxed, Ordering::Relaxed);
        replaced.map(drop).map_err(Numbered)
    }
}

fn serve(shared: &Shared) {
    loop {
        let given = shared.order();
        match given.order() {
            Order::End => return,
            // Given anew before we sleep, it has left a token that ends the sleep.
            Order::Sleep => thread::park(),
            Order::Warm if warm(shared, given) => {}
            // Given anew meanwhile, it is looked at again.
            Order::Warm => drop(shared.replace(given, given.next(Order::Sleep))),
        }
    }
}

/// Keeps the processor awake until another order comes (`true`) or too little is served (`false`).
fn warm(shared: &Shared, given: Numbered) -> bool {
    let mut since = Instant::now();
    let mut before = shared.served.count();
    while shared.order() == given {
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
    use super::{Numbered, Order, Shared, Warmers, serve};
    use crate::placement::beats::Beats;
    use crate::sys::sched;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::thread::{self, JoinHandle};

    /// A warmer that is not idle, so that a test need not wait for its turn on a busy machine.
    fn one_as_everybody() -> (Warmers, JoinHandle<()>) {
        let shared = Arc::new(Shared { served: Beats::default(), order: AtomicU64::new(0) });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || serve(&shared)
        });
        (Warmers { shared, threads: vec![thread.thread().clone()] }, thread)
    }

    #[test]
    fn any_user_may_have_warmers() {
        let home = sched::affinity().unwrap();
        let warmers = Warmers::start(&home);
        assert_eq!(warmers.is_some(), home.count() <= super::MOST);
        assert!(warmers.is_none_or(|warmers| warmers.are_asleep()));
    }

    #[test]
    fn warmers_that_see_no_stop_go_to_sleep_by_themselves() {
        let (warmers, thread) = one_as_everybody();
        assert!(warmers.are_asleep());
        warmers.warm();
        while !warmers.are_asleep() {
            thread::yield_now();
        }
        drop(warmers);
        thread.join().unwrap();
    }

    #[test]
    fn warmers_end_while_they_warm() {
        let (warmers, thread) = one_as_everybody();
        warmers.warm();
        warmers.beat();
        drop(warmers);
        thread.join().unwrap();
    }

    /// A host that joined its idle threads took as long to end as the machine was busy.
    #[test]
    fn nobody_waits_for_a_warmer_to_end() {
        let (gate, pass) = std::sync::mpsc::channel::<()>();
        let stuck = thread::spawn(move || pass.recv());
        let shared = Arc::new(Shared { served: Beats::default(), order: AtomicU64::new(0) });
        let warmers = Warmers { shared: Arc::clone(&shared), threads: vec![stuck.thread().clone()] };
        warmers.warm();
        warmers.cool();
        drop(warmers);
        assert_eq!(shared.order().order(), Order::End);
        gate.send(()).unwrap();
        stuck.join().unwrap().unwrap();
    }

    #[test]
    fn an_order_given_again_is_another_one() {
        let first = Numbered(0).next(Order::Warm);
        let second = first.next(Order::Warm);
        assert!(first != second && second.order() == Order::Warm);
        assert_eq!(second.next(Order::Sleep).order(), Order::Sleep);
        assert_eq!(second.next(Order::End).order(), Order::End);
    }
}
