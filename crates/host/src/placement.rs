//! Where the tracer thread runs: beside the tracee that stops most, when that is worth it.
//!
//! On an idle machine the kernel wakes a blocked tracer on another, idle processor, and each stop pays for that
//! processor's way out of its sleep: 85 us a system call here, against 12 on the tracee's own. On a busy machine
//! the kernel's choice is the better one. So [`Placement`] measures: it takes the time every [`WINDOW`] stops (one
//! clock reading for all of them), tries the tracee's processor when stops are slow, keeps it if that helped and
//! otherwise lets go for a while. Only the tracer thread's own affinity is ever changed, never the tracee's.

use std::time::{Duration, Instant};

use crate::procfs::StatFile;
use crate::sys::sched::{self, CpuSet};
use crate::types::Tid;

/// Stops between two looks at the clock.
const WINDOW: u32 = 64;
/// More changes of tracee than this in a window mean that several are active: no place is beside them all.
const CHANGES: u32 = 8;
/// A stop that takes less is as good as it gets on one processor (7 us measured, 13 with noise).
const FAST: Duration = Duration::from_micros(13);
/// A stop that takes more is spent by the tracee computing or sleeping; where we are does not matter.
const IDLE: Duration = Duration::from_micros(500);
/// Most windows to wait before another try.
const LONGEST: u32 = 1024;

/// The tracer thread's place, and what it knows of the last windows.
pub(crate) struct Placement {
    /// Where we may run when we are not placed; `None` where that cannot be known, or is one processor only.
    home: Option<CpuSet>,
    at: Place,
    stops: u32,
    changes: u32,
    tid: Option<Tid>,
    since: Instant,
    stat: Option<(Tid, StatFile)>,
    /// Windows to sit out before the next try, and how many it will be after the next failure.
    rest: u32,
    next_rest: u32,
}

/// Where we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Where the kernel puts us.
    Free,
    /// On this processor, to see whether it beats this time for a stop.
    Trial(usize, Duration),
    /// On this processor, because that helped.
    Kept(usize),
}

impl Placement {
    pub(crate) fn new() -> Self {
        Self {
            home: sched::affinity().ok().filter(|set| set.count() > 1),
            at: Place::Free,
            stops: 0,
            changes: 0,
            tid: None,
            since: Instant::now(),
            stat: None,
            rest: 0,
            next_rest: 1,
        }
    }

    /// One stop of this thread was served.
    #[inline]
    pub(crate) fn served(&mut self, tid: Tid) {
        if self.tid != Some(tid) {
            self.tid = Some(tid);
            self.changes += 1;
        }
        self.stops += 1;
        if self.stops == WINDOW {
            self.review(tid);
        }
    }

    #[cold]
    fn review(&mut self, tid: Tid) {
        let now = Instant::now();
        let each = (now - self.since) / WINDOW;
        let changes = core::mem::take(&mut self.changes);
        self.since = now;
        self.stops = 0;
        if let (Some(decision), Some(home)) = (self.decide(each, changes), self.home) {
            self.go(tid, decision, &home);
        }
    }

    /// What to do after a window in which stops took this long each.
    fn decide(&mut self, each: Duration, changes: u32) -> Option<Decision> {
        if changes > CHANGES {
            return (self.at != Place::Free).then_some(Decision::Leave);
        }
        match self.at {
            Place::Free if self.rest > 0 => {
                self.rest -= 1;
                None
            }
            Place::Free => (FAST..IDLE).contains(&each).then_some(Decision::Try(each)),
            // A fifth is more than noise.
            Place::Trial(cpu, before) if each < before * 4 / 5 => {
                self.at = Place::Kept(cpu);
                self.next_rest = 1;
                None
            }
            Place::Trial(..) => Some(Decision::Leave),
            Place::Kept(_) => (FAST * 2..IDLE).contains(&each).then_some(Decision::Follow(each)),
        }
    }

    fn go(&mut self, tid: Tid, decision: Decision, home: &CpuSet) {
        let here = sched::current_cpu();
        match decision {
            Decision::Leave => self.leave(home),
            Decision::Try(each) | Decision::Follow(each) => match self.cpu_of(tid) {
                // Only where we may be, and where we are not.
                Some(cpu) if Some(cpu) != here && home.has(cpu) => {
                    if let Some(set) = CpuSet::only(cpu)
                        && sched::set_affinity(&set).is_ok()
                    {
                        self.at = Place::Trial(cpu, each);
                    }
                }
                // Together already, and slow: the machine is busy, and the kernel knows best.
                _ => self.leave(home),
            },
        }
    }

    fn leave(&mut self, home: &CpuSet) {
        if self.at != Place::Free {
            // It was ours to run there before, so it is now.
            let _ = sched::set_affinity(home);
            self.at = Place::Free;
        }
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST);
    }

    fn cpu_of(&mut self, tid: Tid) -> Option<usize> {
        match &self.stat {
            Some((kept, _)) if *kept == tid => {}
            _ => self.stat = StatFile::open(tid).ok().map(|file| (tid, file)),
        }
        self.stat.as_ref().and_then(|(_, file)| file.cpu())
    }
}

/// What a review comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Decision {
    /// Go back to where the kernel puts us.
    Leave,
    /// Go where the tracee is and see whether that beats this time.
    Try(Duration),
    /// Go after it.
    Follow(Duration),
}

#[cfg(test)]
mod tests {
    use super::{Decision, FAST, LONGEST, Place, Placement};
    use crate::sys::sched;
    use std::time::Duration;

    const SLOW: Duration = Duration::from_micros(40);

    #[test]
    fn slow_stops_are_tried_and_kept_only_if_that_helps() {
        let mut placement = Placement::new();
        assert_eq!(placement.decide(FAST / 2, 1), None);
        assert_eq!(placement.decide(SLOW, 1), Some(Decision::Try(SLOW)));
        placement.at = Place::Trial(1, SLOW);
        assert_eq!(placement.decide(FAST / 2, 1), None);
        assert_eq!(placement.at, Place::Kept(1));
        assert_eq!(placement.decide(FAST, 1), None);
        placement.at = Place::Trial(1, SLOW);
        assert_eq!(placement.decide(SLOW, 1), Some(Decision::Leave));
    }

    #[test]
    fn failed_tries_get_rarer() {
        let mut placement = Placement::new();
        let home = sched::affinity().unwrap();
        for expected in [1, 2, 4, 8] {
            placement.leave(&home);
            assert_eq!(placement.rest, expected);
        }
        for _ in 0..20 {
            placement.leave(&home);
        }
        assert_eq!(placement.rest, LONGEST);
        assert_eq!(placement.decide(SLOW, 1), None, "it rests");
    }

    #[test]
    fn many_active_tracees_set_us_free() {
        let mut placement = Placement::new();
        placement.at = Place::Kept(0);
        assert_eq!(placement.decide(FAST / 2, 30), Some(Decision::Leave));
        placement.at = Place::Free;
        assert_eq!(placement.decide(SLOW, 30), None);
    }
}
