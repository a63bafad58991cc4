//! Where and how the tracer thread runs, so that a stop costs least: beside the tracee that stops most.
//!
//! On a machine with an idle processor the kernel keeps tracer and tracee apart: whoever is woken goes to the
//! idle one, and each stop pays for that processor's way out of its sleep (70 us a stop here, against 5 on one
//! processor). Moving the tracer after its tracee does not help, because the tracee moves on when it is resumed. What
//! helps is one of the [`Way`]s. On a busy machine the kernel's choice is the best one. So [`Placement`] measures: it
//! takes the time every [`WINDOW`] stops (one clock reading for all of them), tries the next way when stops are slow,
//! keeps it if that helped and otherwise lets go for a while. A process that is born begins on another processor than its maker's,
//! and goes to another one when it executes a program: where processes fork we go with them ([`Placement::came`]). Only the tracer thread's own affinity and policy are
//! ever changed, never the tracee's. While calls are answered without a stop there is a third party beside tracer and
//! tracee: then we stay beside that one, and have the tracee come there ([`herd`]).

mod beats;
mod herd;
mod lifter;
mod means;
mod warmer;

use std::time::{Duration, Instant};

use self::herd::Herd;
use self::lifter::Lifted;
use self::means::Means;
use crate::procfs::StatFile;
use crate::sys::sched::{self, CpuSet};
use crate::types::Tid;

/// Stops between two looks at the clock.
const WINDOW: u32 = 64;
/// The same while we stay beside the tracee: one that slipped away to another processor is to be followed soon.
const BESIDE_WINDOW: u32 = 16;
/// Windows in a row that need not be good while we stay beside the tracee: the kernel takes some 30 ms to notice that
/// processors are kept awake, and a tracee slips away now and then.
const BAD_WINDOWS: u32 = 32;
/// Windows after which a way that is not the best one has to make room for another try of the best one, at first.
const TERM: u32 = 64;
/// More changes of tracee than this in a window mean that several are active: no place is beside them all.
const CHANGES: u32 = 8;
/// A process that was born is worth so many changes more: it and its maker take turns, and seldom at once.
const CHANGES_OF_BIRTH: u32 = 8;
/// Stops in a row of another thread, after which we look where it is: to go there takes as long as two stops.
const ROW: u32 = 3;
/// More calls answered than this in a window mean that their callers are a part of each stop.
const ANSWERS: u32 = 8;
/// A stop that takes less is as good as it gets on one processor (7 us measured, 13 with noise).
const FAST: Duration = Duration::from_micros(13);
/// A stop that takes more is spent by the tracee computing or sleeping; where we are does not matter.
const IDLE: Duration = Duration::from_micros(500);
/// Windows to wait at least after somebody else took the processor from us: each such try costs [`beats::PATIENCE`],
/// and so many stops take 50 times as long.
const CROWDED: u32 = 256;
/// Most windows to wait before another try.
const LONGEST: u32 = 1024;
/// How often a spinning tracer looks before it blocks: some 60 us, a little more than waking it would take.
const LOOKS: u32 = 150;

/// A way to pay less for a stop while processors are idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Stay on the tracee's processor and run under `SCHED_IDLE`. A processor that runs nothing else counts as
    /// idle (`sched_idle_cpu()` in kernel/sched/fair.c), so the tracee is resumed right there, in our place, and we go
    /// on when it stops, without a wake-up. If somebody else runs there at that moment, the tracee slips away, and
    /// would stay away: then we go after it. Watched by the [`lifter`], as it must not last when others want to run.
    Yielding,
    /// Stay on the tracee's processor and keep them all awake ([`warmer`]), so that the kernel does not look for an idle
    /// one when it resumes the tracee. For small machines.
    Warming,
    /// Look for the next stop for a while before sleeping, which saves half of the wake-ups.
    Spinning,
    /// Where there is one processor for all of us: run under `SCHED_IDLE`. A tracee that is resumed takes the
    /// processor at once, before we go to sleep, and we go on when it stops, without a wake-up: a tenth of a stop.
    /// Watched by the [`lifter`] too.
    Deferring,
    /// Stay on the processor of the thread whose calls are answered without a stop: it and we wake each other four times
    /// as often as either does the tracee. Not under `SCHED_IDLE`, where each answer would wait until neither tracee nor
    /// caller wants the processor.
    Joining,
}

const WAYS: [Way; 3] = [Way::Warming, Way::Yielding, Way::Spinning];

impl Way {
    /// Whether it keeps us beside the tracee, at a fraction of the price of any other.
    fn is_beside(self) -> bool {
        matches!(self, Way::Yielding | Way::Warming)
    }
}

/// What room there is to move.
enum Room {
    /// None: nothing can be known or changed, or somebody chose our policy.
    Unknown,
    /// One processor, which everything of ours has to share.
    One,
    /// These.
    Many(CpuSet),
}

impl Room {
    fn found() -> Self {
        match sched::affinity() {
            Ok(set) if sched::is_normal() => {
                if set.count() > 1 {
                    Room::Many(set)
                } else {
                    Room::One
                }
            }
            _ => Room::Unknown,
        }
    }

    fn is_one(&self) -> bool {
        matches!(self, Room::One)
    }

    fn home(&self) -> Option<&CpuSet> {
        if let Room::Many(home) = self { Some(home) } else { None }
    }
}

/// The tracer thread's place, and what it knows of the last windows.
pub(crate) struct Placement {
    /// Where we may run when we are not placed.
    room: Room,
    at: Place,
    /// The processor that we bound ourselves to.
    bound: Option<usize>,
    /// Windows beside the tracee since the last good one.
    bad: u32,
    /// Windows that the way we go may still last, and how many the next one may.
    term: u32,
    next_term: u32,
    /// The way to try next, as an index into [`WAYS`].
    next_way: usize,
    means: Means,
    herd: Herd,
    stops: u32,
    changes: u32,
    /// Stops in a row of the same thread.
    row: u32,
    /// Processes born in this window, and whether there ever were any.
    births: u32,
    forks: bool,
    /// Calls answered in this window, and who made the last one.
    answers: u32,
    asker: Option<Tid>,
    tid: Option<Tid>,
    since: Instant,
    /// Of the two that were asked for last.
    stats: Vec<(Tid, StatFile)>,
    /// Windows to sit out before the next try, and how many it will be after the next failure.
    rest: u32,
    next_rest: u32,
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
            room: Room::found(),
            at: Place::Free,
            bound: None,
            bad: 0,
            term: 0,
            next_term: TERM,
            next_way: 0,
            means: Means::default(),
            herd: Herd::default(),
            stops: 0,
            changes: 0,
            row: 0,
            births: 0,
            forks: false,
            answers: 0,
            asker: None,
            tid: None,
            since: Instant::now(),
            stats: Vec::new(),
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
            self.row = 0;
        }
        self.row += 1;
        if self.row == ROW {
            self.came(tid);
        }
        self.means.beat();
        self.stops += 1;
        if self.stops >= self.window() {
            self.review(tid);
        }
    }

    /// A process is at its first stop. It begins where the kernel sees least to do, which is never where we are.
    pub(crate) fn born(&mut self, tid: Tid) {
        self.births += 1;
        if !self.forks {
            self.forks = true;
            self.go_home();
        }
        self.came(tid);
    }

    /// This thread may have come to another processor, as a new one and one that executes another program do: if we are to
    /// stay beside it, we go there before it is resumed.
    pub(crate) fn came(&mut self, tid: Tid) {
        if let Place::Trial(way, _) | Place::Kept(way, _) = self.at
            && way == Way::Yielding
            && self.cpu_of(tid) != self.bound
        {
            self.pin_beside(tid);
        }
    }

    /// A call of this thread was answered without a stop: a switch to us and back all the same.
    #[inline]
    pub(crate) fn answered(&mut self, asker: Tid) {
        self.means.beat();
        self.stops += 1;
        self.answers += 1;
        self.asker = Some(asker);
        if self.answers > ANSWERS && !matches!(self.at, Place::Kept(Way::Joining, _)) {
            self.go_home();
        }
        if self.stops >= self.window() {
            self.review(asker);
        }
    }

    #[inline]
    fn window(&self) -> u32 {
        match self.at {
            Place::Trial(way, _) | Place::Kept(way, _) if way.is_beside() => BESIDE_WINDOW,
            Place::Kept(Way::Joining, _) if self.herd.is_together() => WINDOW,
            _ if self.answers > 0 => BESIDE_WINDOW,
            _ => WINDOW,
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
        let each = (now - self.since) / self.stops.max(1);
        let changes = core::mem::take(&mut self.changes)
            .saturating_sub(core::mem::take(&mut self.births) * CHANGES_OF_BIRTH);
        let answers = core::mem::take(&mut self.answers);
        self.since = now;
        self.stops = 0;
        match (answers > ANSWERS, self.asker, self.at) {
            (true, Some(asker), _) => return self.join(asker, each),
            (_, _, Place::Kept(Way::Joining, _)) => {
                self.release();
                return;
            }
            _ => {}
        }
        match self.decide(each, changes) {
            Some(Decision::Leave) => self.leave(),
            Some(Decision::Follow) => self.follow(tid),
            Some(Decision::Try(each)) => self.go(tid, each),
            None => {}
        }
    }

    /// Stays on the processor of who asks, once an answer takes long enough to have come from another one, and has the tracee
    /// come there.
    fn join(&mut self, asker: Tid, each: Duration) {
        if !(FAST..IDLE).contains(&each) || self.room.home().is_none() {
            return self.herd.end();
        }
        if self.cpu_of(asker) != self.bound && self.pin_beside(asker) {
            self.at = Place::Kept(Way::Joining, each);
        }
        if !matches!(self.at, Place::Kept(Way::Joining, _))
            || !matches!(self.means.found(&self.room), Means::Warm(_))
        {
            return;
        }
        if self.means.have_ended() {
            let _ = self.means.begin();
        }
        let tracee = self.tid;
        let together = tracee.is_none_or(|tid| self.cpu_of(tid) == self.bound);
        if let (Some(home), Some(cpu)) = (self.room.home(), self.bound) {
            self.herd.review(home, cpu, together);
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
            Place::Free if self.room.is_one() => (each < IDLE).then_some(Decision::Try(each)),
            Place::Free => (FAST..IDLE).contains(&each).then_some(Decision::Try(each)),
            Place::Trial(Way::Deferring, _) | Place::Kept(Way::Deferring, _) => {
                self.means.have_ended().then_some(Decision::Leave)
            }
            Place::Trial(way, _) | Place::Kept(way, _)
                if way.is_beside() && each > FAST && self.bad < BAD_WINDOWS =>
            {
                self.bad += 1;
                Some(Decision::Follow)
            }
            Place::Trial(way, before) | Place::Kept(way, before) if pays(each, before) => {
                self.bad = 0;
                if let Place::Trial(..) = self.at {
                    self.at = Place::Kept(way, before);
                    self.term = self.next_term;
                    self.next_rest = 1;
                }
                if way.is_beside() || matches!(self.means, Means::Nothing) {
                    return None;
                }
                self.term = self.term.saturating_sub(1);
                (self.term == 0).then_some(Decision::Leave)
            }
            Place::Trial(..) | Place::Kept(..) => Some(Decision::Leave),
        }
    }

    /// Goes after a tracee that slipped away, unless what we do has been ended for us.
    fn follow(&mut self, tid: Tid) {
        if self.means.have_ended() || (self.cpu_of(tid) != self.bound && !self.pin_beside(tid)) {
            self.leave();
        }
    }

    /// Begins a trial of the next way that is open to us.
    fn go(&mut self, tid: Tid, each: Duration) {
        if self.room.is_one() && self.take(Way::Deferring, tid) {
            self.at = Place::Trial(Way::Deferring, each);
            return;
        }
        if self.forks {
            self.means.prefer_yielding();
        }
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
        let open = match way {
            Way::Spinning => return self.room.home().is_some(),
            Way::Deferring => {
                return matches!(self.means.found(&self.room), Means::Watched(_)) && self.means.begin();
            }
            Way::Joining => false,
            Way::Yielding => matches!(self.means.found(&self.room), Means::Watched(_)),
            Way::Warming => matches!(self.means.found(&self.room), Means::Warm(_)),
        };
        open && self.pin_beside(tid) && self.means.begin()
    }

    /// Moves to the tracee's processor, if we may be there.
    fn pin_beside(&mut self, tid: Tid) -> bool {
        let (Some(cpu), Some(home)) = (self.cpu_of(tid), self.room.home().copied()) else { return false };
        let bound = home.has(cpu) && CpuSet::only(cpu).is_some_and(|set| sched::set_affinity(&set).is_ok());
        if bound {
            self.bound = Some(cpu);
        }
        bound
    }

    /// Ends the way that we go, and says when to try again and what.
    fn leave(&mut self) {
        let was = self.at;
        let quiet = match self.release() {
            Some(Lifted::Starved) => {
                self.next_rest = self.next_rest.max(CROWDED);
                false
            }
            lifted => lifted == Some(Lifted::Quiet),
        };
        match was {
            // It paid for a while, or nothing came that it could have paid for: that is worth another try.
            Place::Kept(way, _) if way.is_beside() => {}
            Place::Kept(..) => {
                self.next_way = 0;
                self.next_term = (self.next_term * 2).min(LONGEST);
            }
            _ if quiet => {}
            _ => self.fail(),
        }
    }

    /// A way did not pay, or none is open: rest, for longer each time, then try the next.
    fn fail(&mut self) {
        self.release();
        self.next_way = (self.next_way + 1) % WAYS.len();
        self.rest = self.next_rest;
        self.next_rest = (self.next_rest * 2).min(LONGEST);
    }

    fn release(&mut self) -> Option<Lifted> {
        self.at = Place::Free;
        self.bound = None;
        self.bad = 0;
        self.herd.end();
        if let Some(home) = self.room.home() {
            // It was ours to run there before, so it is now.
            let _ = sched::set_affinity(home);
        }
        self.means.end()
    }

    fn cpu_of(&mut self, tid: Tid) -> Option<usize> {
        if !self.stats.iter().any(|(kept, _)| *kept == tid) {
            self.stats.truncate(1);
            self.stats.insert(0, (tid, StatFile::open(tid).ok()?));
        }
        let (_, file) = self.stats.iter().find(|(kept, _)| *kept == tid)?;
        file.cpu()
    }
}

/// Whether stops that take this long each are worth it, if they took that long before: a fifth is more than noise.
fn pays(each: Duration, before: Duration) -> bool {
    each < before * 4 / 5
}

/// What a review comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Decision {
    /// Go back to where the kernel puts us.
    Leave,
    /// Go after the tracee.
    Follow,
    /// See whether the next way beats this time.
    Try(Duration),
}

#[cfg(test)]
mod tests;
