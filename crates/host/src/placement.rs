//! Where and how the tracer thread runs, so that a stop costs least: beside the tracee that stops most.
//!
//! On a machine with an idle processor the kernel keeps tracer and tracee apart: whoever is woken goes to the
//! idle one, and each stop pays for that processor's way out of its sleep (70 us a stop here, against 5 on one
//! processor). Moving the tracer after its tracee does not help, because the tracee moves on when it is resumed. What
//! helps is one of the [`Way`]s. On a busy machine the kernel's choice is the best one. So [`Placement`] measures: it
//! takes the time every [`WINDOW`] stops (one clock reading for all of them), tries the next way when stops are slow,
//! keeps it if that helped and otherwise lets go for a while. Only the tracer thread's own affinity and policy are
//! ever changed, never the tracee's.

use std::time::{Duration, Instant};

use crate::lifter::{Lifted, Lifter};
use crate::procfs::StatFile;
use crate::sys::process;
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
/// How often a spinning tracer looks before it blocks: some 60 us, a little more than waking it would take.
const LOOKS: u32 = 150;

/// A way to pay less for a stop while processors are idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Stay on the tracee's processor and run under `SCHED_IDLE`. A processor that runs nothing else counts as
    /// idle (`sched_idle_cpu()` in kernel/sched/fair.c), so the tracee is resumed right there, in our place, and we go
    /// on when it stops, without a wake-up. Watched by the [`Lifter`], as it must not last when others want to run.
    Yielding,
    /// Look for the next stop for a while before sleeping, which saves half of the wake-ups.
    Spinning,
    /// Stay on the tracee's processor.
    Beside,
}

const WAYS: [Way; 3] = [Way::Yielding, Way::Spinning, Way::Beside];

/// The tracer thread's place, and what it knows of the last windows.
pub(crate) struct Placement {
    /// Where we may run when we are not placed; `None` where that cannot be known, or is one processor only.
    home: Option<CpuSet>,
    at: Place,
    /// The way to try next, as an index into [`WAYS`].
    next_way: usize,
    lifter: Rise,
    stops: u32,
    changes: u32,
    tid: Option<Tid>,
    since: Instant,
    stat: Option<(Tid, StatFile)>,
    /// Windows to sit out before the next try, and how many it will be after the next failure.
    rest: u32,
    next_rest: u32,
}

/// Whether we may yield.
enum Rise {
    /// Not asked yet.
    Unknown,
    /// We could not come back from it.
    Refused,
    /// We may, under this watch.
    Watched(Lifter),
}

/// Where we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Where the kernel puts us.
    Free,
    /// Going this way, to see whether it beats this time for a stop.
    Trial(Way, Duration),
    /// Going this way, because it beat this time.
    Kept(Way, Duration),
}

impl Placement {
    pub(crate) fn new() -> Self {
        Self {
            home: sched::affinity().ok().filter(|set| set.count() > 1 && sched::is_normal()),
            at: Place::Free,
            next_way: 0,
            lifter: Rise::Unknown,
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
        if let Rise::Watched(lifter) = &self.lifter {
            lifter.beat();
        }
        self.stops += 1;
        if self.stops == WINDOW {
            self.review(tid);
        }
    }

    /// How often to look for news before blocking.
    #[inline]
    pub(crate) fn looks(&self) -> u32 {
        match self.at {
            Place::Trial(Way::Spinning, _) | Place::Kept(Way::Spinning, _) => LOOKS,
            _ => 0,
        }
    }

    /// Goes back to where the kernel puts us, as before a fork: a child inherits place and policy.
    pub(crate) fn go_home(&mut self) {
        if self.at != Place::Free {
            self.release();
        }
    }

    #[cold]
    fn review(&mut self, tid: Tid) {
        let now = Instant::now();
        let each = (now - self.since) / WINDOW;
        let changes = core::mem::take(&mut self.changes);
        self.since = now;
        self.stops = 0;
        match self.decide(each, changes) {
            Some(Decision::Leave) => self.fail(),
            Some(Decision::Try(each)) => self.go(tid, each),
            None => {}
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
            Place::Trial(way, before) if each < before * 4 / 5 => {
                self.at = Place::Kept(way, before);
                self.next_rest = 1;
                None
            }
            Place::Trial(..) => Some(Decision::Leave),
            Place::Kept(_, before) => (each > before * 4 / 5).then_some(Decision::Leave),
        }
    }

    /// Begins a trial of the next way that is open to us.
    fn go(&mut self, tid: Tid, each: Duration) {
        for _ in 0..WAYS.len() {
            let Some(way) = WAYS.get(self.next_way).copied() else { break };
            if self.take(way, tid) {
                self.at = Place::Trial(way, each);
                return;
            }
            self.next_way = (self.next_way + 1) % WAYS.len();
        }
        self.fail();
    }

    fn take(&mut self, way: Way, tid: Tid) -> bool {
        match way {
            Way::Spinning => self.home.is_some(),
            Way::Beside => self.pin_beside(tid),
            Way::Yielding => {
                if matches!(self.lifter, Rise::Unknown) {
                    let lifter = process::gettid().and_then(|me| Lifter::start(me).ok().flatten());
                    self.lifter = lifter.map_or(Rise::Refused, Rise::Watched);
                }
                matches!(self.lifter, Rise::Watched(_)) && self.pin_beside(tid) && self.lower()
            }
        }
    }

    fn lower(&self) -> bool {
        if let Rise::Watched(lifter) = &self.lifter { lifter.lower() } else { false }
    }

    /// Moves to the tracee's processor, if we may be there.
    fn pin_beside(&mut self, tid: Tid) -> bool {
        let (Some(cpu), Some(home)) = (self.cpu_of(tid), self.home) else { return false };
        home.has(cpu) && CpuSet::only(cpu).is_some_and(|set| sched::set_affinity(&set).is_ok())
    }

    /// The way that we go does not pay: go home, and rest for longer each time.
    fn fail(&mut self) {
        let quiet = self.release() == Some(Lifted::Quiet);
        if !quiet {
            self.next_way = (self.next_way + 1) % WAYS.len();
            self.rest = self.next_rest;
            self.next_rest = (self.next_rest * 2).min(LONGEST);
        }
    }

    fn release(&mut self) -> Option<Lifted> {
        self.at = Place::Free;
        if let Some(home) = &self.home {
            // It was ours to run there before, so it is now.
            let _ = sched::set_affinity(home);
        }
        if let Rise::Watched(lifter) = &self.lifter { lifter.raise() } else { None }
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
    /// See whether the next way beats this time.
    Try(Duration),
}

#[cfg(test)]
mod tests {
    use super::{Decision, FAST, LONGEST, Place, Placement, Way};
    use crate::lifter::Lifter;
    use crate::sys::{process, sched};
    use std::time::Duration;

    const SLOW: Duration = Duration::from_micros(40);

    #[test]
    fn slow_stops_are_tried_and_kept_only_if_that_helps() {
        let mut placement = Placement::new();
        assert_eq!(placement.decide(FAST / 2, 1), None);
        assert_eq!(placement.decide(SLOW, 1), Some(Decision::Try(SLOW)));
        placement.at = Place::Trial(Way::Beside, SLOW);
        assert_eq!(placement.decide(FAST / 2, 1), None);
        assert_eq!(placement.at, Place::Kept(Way::Beside, SLOW));
        assert_eq!(placement.decide(FAST, 1), None);
        assert_eq!(placement.decide(SLOW, 1), Some(Decision::Leave), "what was kept must go on paying");
        placement.at = Place::Trial(Way::Beside, SLOW);
        assert_eq!(placement.decide(SLOW, 1), Some(Decision::Leave));
    }

    #[test]
    fn failed_tries_get_rarer_and_go_another_way() {
        let mut placement = Placement::new();
        for expected in [1, 2, 4, 8] {
            let way = placement.next_way;
            placement.fail();
            assert_eq!(placement.rest, expected);
            assert_ne!(placement.next_way, way);
        }
        for _ in 0..20 {
            placement.fail();
        }
        assert_eq!(placement.rest, LONGEST);
        assert_eq!(placement.decide(SLOW, 1), None, "it rests");
    }

    #[test]
    fn many_active_tracees_set_us_free() {
        let mut placement = Placement::new();
        placement.at = Place::Kept(Way::Beside, SLOW);
        assert_eq!(placement.decide(FAST / 2, 30), Some(Decision::Leave));
        placement.at = Place::Free;
        assert_eq!(placement.decide(SLOW, 30), None);
    }

    #[test]
    fn home_is_where_it_began() {
        let before = sched::affinity().unwrap();
        let mut placement = Placement::new();
        placement.go(process::gettid().unwrap(), SLOW);
        placement.go_home();
        assert_eq!(placement.at, Place::Free);
        assert!(sched::is_normal());
        assert_eq!(sched::affinity().unwrap().count(), before.count());
    }

    /// A yielding tracer that serves nothing is lifted by the lifter alone.
    #[test]
    fn a_yielding_tracer_that_serves_nothing_is_lifted() {
        let me = process::gettid().unwrap();
        let Some(lifter) = Lifter::start(me).unwrap() else {
            eprintln!("skipped: SCHED_IDLE is a one-way street for this user");
            return;
        };
        assert!(lifter.lower());
        while !sched::is_normal() {
            std::thread::yield_now();
        }
        assert!(lifter.raise().is_some());
    }
}
