//! Brings who takes part in each stop to the tracer's processor, when processors are kept awake and they are apart.
//!
//! [`Herd`] knows whether that is due. A tracee, the client that is told of its stops and the tracer wake one another in turn,
//! and where processors are virtual each wake of another one costs more than all the work (40 us here, against 3 on one
//! processor). The kernel leaves a thread that it wakes on the processor where it was, unless that is the busier one
//! (`wake_affine_weight()` in kernel/sched/fair.c); nobody idle is looked for while the [`super::warmer`]s run. So a thread
//! of ours, as urgent as any, computes on the other processors for a moment, and who was there is woken here from then
//! on. It is a new thread each time: one that slept counts as light for the next 30 ms. Nothing of the threads
//! themselves is changed.

use core::hint;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::sched::{self, CpuSet};

/// How long the others may be kept busy at most.
const MOMENT: Duration = Duration::from_millis(3);
/// How many on each processor: it must weigh more than where we are, whose tasks share their group's weight with it (sched(7), autogroup).
const WEIGHT: usize = 4;
/// Pauses between two looks at the clock, about a microsecond.
const PAUSES: u32 = 16;
/// Most windows between two tries: one try is a hundredth of that time, or less.
const LONGEST: u32 = 1024;

/// Whether it is time to bring the parties together.
#[derive(Default)]
pub(super) struct Herd {
    dogs: Option<Dogs>,
    /// Windows to sit out before the next try, and how many after the next that was in vain.
    rest: u32,
    next_rest: u32,
    together: bool,
}

impl Herd {
    /// After a window: all parties are on `cpu`, where the tracer is, or they are not.
    pub(super) fn review(&mut self, home: &CpuSet, cpu: usize, together: bool) {
        self.together = together;
        match &self.dogs {
            _ if together => *self = Herd { together, ..Herd::default() },
            Some(dogs) if dogs.have_ended() => {
                self.dogs = None;
                self.next_rest = (self.next_rest * 2).clamp(1, LONGEST);
                self.rest = self.next_rest;
            }
            Some(_) => {}
            None if self.rest > 0 => self.rest -= 1,
            None => self.dogs = Some(Dogs::send(home, cpu)),
        }
    }

    /// Whether they were, after the last window.
    pub(super) fn is_together(&self) -> bool {
        self.together
    }

    /// Nobody need be here any more.
    pub(super) fn end(&mut self) {
        *self = Herd::default();
    }
}

/// Threads that keep processors busy; they end when this goes.
struct Dogs {
    /// Each holds one, for as long as it runs.
    end: Arc<AtomicBool>,
}

impl Dogs {
    /// To all of these processors but one.
    fn send(home: &CpuSet, but: usize) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        for cpu in home.iter().filter(|cpu| *cpu != but).flat_map(|cpu| [cpu; WEIGHT]) {
            let told = Arc::clone(&end);
            // Without it the parties stay where they are.
            let _ = thread::Builder::new().name("utrace-herd".into()).spawn(move || {
                if CpuSet::only(cpu).is_some_and(|set| sched::set_affinity(&set).is_ok()) {
                    compute(&told);
                }
            });
        }
        Self { end }
    }

    fn have_ended(&self) -> bool {
        Arc::strong_count(&self.end) == 1
    }
}

impl Drop for Dogs {
    fn drop(&mut self) {
        // Relaxed: nothing is reached through it.
        self.end.store(true, Ordering::Relaxed);
    }
}

fn compute(told: &AtomicBool) {
    let since = Instant::now();
    while !told.load(Ordering::Relaxed) && since.elapsed() < MOMENT {
        for _ in 0..PAUSES {
            hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dogs, Herd};
    use crate::sys::sched;
    use std::thread;

    fn all_ended(dogs: &Dogs) {
        while !dogs.have_ended() {
            thread::yield_now();
        }
    }

    #[test]
    fn nobody_is_kept_busy_for_longer_than_a_moment() {
        let home = sched::affinity().unwrap();
        all_ended(&Dogs::send(&home, 0));
    }

    #[test]
    fn a_try_in_vain_is_followed_by_longer_and_longer_rests() {
        let home = sched::affinity().unwrap();
        let cpu = home.iter().next().unwrap();
        let mut herd = Herd::default();
        let mut rests = Vec::new();
        for _ in 0..4 {
            herd.review(&home, cpu, false);
            all_ended(herd.dogs.as_ref().unwrap());
            herd.review(&home, cpu, false);
            rests.push(herd.rest);
            (0..herd.rest).for_each(|_| herd.review(&home, cpu, false));
        }
        assert_eq!(rests, [1, 2, 4, 8]);
        assert!(!herd.is_together());
        herd.review(&home, cpu, true);
        assert!(herd.is_together() && herd.next_rest == 0);
    }

    #[test]
    fn they_are_sent_for_no_longer_than_it_takes() {
        let home = sched::affinity().unwrap();
        let mut herd = Herd::default();
        herd.review(&home, usize::MAX, false);
        assert!(herd.dogs.is_some());
        herd.review(&home, usize::MAX, true);
        assert!(herd.dogs.is_none());
    }
}
