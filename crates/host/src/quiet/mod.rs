//! Quiescing without disturbing (DESIGN section 5): how a thread is brought to a stop that its program cannot see.
//!
//! | part | holds |
//! |---|---|
//! | [`place`] | what a thread does now, from `/proc/TID/syscall`: blocked in a call, in a page fault, running |
//! | [`trap`] | the two traps: at the instruction after its call, and at the next tick in user mode |
//! | [`carrier`] | which signal carries a trap's news, so that nothing is left behind if we are killed |
//! | [`snare`] | a breakpoint that shows an `EINTR` which no stop shows |
//! | [`class`] | what a call does if it is interrupted after all: whether it may be |
//! | [`recheck`] | looks again at threads that were running, and at calls whose time is over |
//! | [`limit`] | how long a call may last, and what it answers then |
//! | [`asleep`] | since when a thread sleeps |
//!
//! A blocked thread is left alone: a hardware breakpoint at the return of its call (perf_event_open(2), per thread,
//! no privilege) makes it stop before its first instruction in user mode. A thread that runs gets a clock that
//! ticks only in user mode, where a stop harms nobody, and is looked at again in case it goes to sleep.
//! Neighbours: [`crate::tracer`] decides when; [`crate::sys::perf`] makes the events; [`crate::quiesce`] mends what
//! an interrupt did where there was no other way.

pub(crate) mod asleep;
pub(crate) mod carrier;
pub(crate) mod class;
pub(crate) mod limit;
pub(crate) mod place;
pub(crate) mod recheck;
pub(crate) mod snare;
pub(crate) mod trap;

use std::time::{Duration, Instant};

use place::Call;
use snare::{Snare, Vain};
use trap::{Carrier, Kind, Trap};

/// How a host goes about stopping what runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Manners {
    pub(crate) care: Care,
    pub(crate) telling: Telling,
}

/// What is done where a thread cannot be stopped unnoticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Care {
    /// An interrupt, if as good as nobody will notice.
    #[default]
    Usual,
    /// Nothing: the stop waits, and an attach is refused.
    Strict,
}

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Telling {
    /// Troubles.
    #[default]
    Troubles,
    /// Each thing that is done to a thread.
    All,
}

/// Whether a stop of a thread is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Sought {
    /// Or one has come since.
    #[default]
    No,
    Yes,
    /// It waits since then: when it was last looked at, it was in a call that must not be interrupted.
    InCall(Instant),
    /// The same, but it ran.
    Ran(Instant),
}

/// Whether a thread shall have another snare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Forever {
    No,
    Yes,
}

/// What is set for one thread.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    /// A stop is wanted, and none has come since.
    sought: Sought,
    trap: Option<Trap>,
    /// A trap that was taken down may have been hit: this signal of it may still come as a stop of its own. That is
    /// no promise: a clock that ran need not have ticked (`perf::Event::count`), a breakpoint's hit is counted a moment
    /// before its signal is sent, and a trap that is taken down in between sends none.
    echo: Option<Carrier>,
    snare: Snared,
    /// Hits of its snares that were for nothing.
    pub(crate) vain: Vain,
}

/// Whether a thread has a snare.
#[derive(Debug, Default)]
enum Snared {
    /// It has none.
    #[default]
    No,
    /// It has none, and is looked at so many times more for a chance.
    Soon(u8),
    Yes(Box<Snare>),
    /// It had one that did more harm than good.
    Never,
}

impl Quiet {
    /// Whether nothing is wanted, set or still to come.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.sought == Sought::No
            && self.trap.is_none()
            && self.echo.is_none()
            && !matches!(self.snare, Snared::Yes(_))
    }

    /// The snare that is set.
    #[inline]
    pub(crate) fn snare(&mut self) -> Option<&mut Snare> {
        match &mut self.snare {
            Snared::Yes(snare) => Some(snare),
            Snared::No | Snared::Soon(_) | Snared::Never => None,
        }
    }

    /// Whether it could have one, and has none.
    pub(crate) fn lacks_snare(&self) -> bool {
        matches!(self.snare, Snared::No | Snared::Soon(_))
    }

    /// It was awake when it might have had one: there will be so many looks more.
    pub(crate) fn look_for_snare(&mut self, times: u8) {
        if self.lacks_snare() {
            self.snare = Snared::Soon(times);
        }
    }

    /// Whether this is one of them.
    pub(crate) fn is_looked_at_for_snare(&mut self) -> bool {
        let Snared::Soon(left) = self.snare else { return false };
        self.snare = left.checked_sub(1).map_or(Snared::No, Snared::Soon);
        true
    }

    /// One is set.
    pub(crate) fn ensnare(&mut self, snare: Snare) {
        self.snare = Snared::Yes(Box::new(snare));
    }

    /// The snare was taken down, and had been hit so often. `forever`: there shall be no other.
    pub(crate) fn lose_snare(&mut self, count: u64, forever: Forever) {
        let next = if forever == Forever::Yes { Snared::Never } else { Snared::No };
        if let Snared::Yes(snare) = core::mem::replace(&mut self.snare, next)
            && let Some(carrier) = snare.end(count)
        {
            self.echo = Some(carrier);
        }
    }

    /// A stop is wanted.
    pub(crate) fn seek(&mut self) {
        if self.sought == Sought::No {
            self.sought = Sought::Yes;
        }
    }

    /// Whether one is still wanted.
    pub(crate) fn is_sought(&self) -> bool {
        self.sought != Sought::No
    }

    /// A stop has come. Answers the call at whose return it sprang, if it did.
    pub(crate) fn found(&mut self) -> Option<Call> {
        self.sought = Sought::No;
        self.take_down()
    }

    /// Its stop has to wait, for the call that it is in. Answers since when it has, `None` the first time.
    pub(crate) fn wait_for_call(&mut self) -> Option<Instant> {
        let since = self.since();
        self.sought = Sought::InCall(since.unwrap_or_else(Instant::now));
        since
    }

    /// How long its stop has waited for calls.
    pub(crate) fn waited(&self) -> Duration {
        self.since().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// It runs, and nothing can catch it. Answers whether it was in a call a moment ago, which it may still be in.
    pub(crate) fn may_be_in_call(&mut self) -> bool {
        let before = self.sought;
        if let Some(since) = self.since() {
            self.sought = Sought::Ran(since);
        }
        matches!(before, Sought::InCall(_))
    }

    fn since(&self) -> Option<Instant> {
        match self.sought {
            Sought::InCall(since) | Sought::Ran(since) => Some(since),
            Sought::No | Sought::Yes => None,
        }
    }

    /// Whether a trap is set.
    pub(crate) fn is_set(&self) -> bool {
        self.trap.is_some()
    }

    /// Whether a trap waits for the return of a call.
    pub(crate) fn waits_for_return(&self) -> bool {
        self.trap.as_ref().is_some_and(|trap| matches!(trap.kind(), Kind::Return(_)))
    }

    /// Sets a trap in place of the one there was.
    pub(crate) fn set(&mut self, trap: Trap) {
        self.take_down();
        self.trap = Some(trap);
    }

    /// Takes the trap down. Answers the call at whose return it sprang, if it did.
    pub(crate) fn take_down(&mut self) -> Option<Call> {
        let (kind, carrier) = self.trap.take()?.end();
        self.echo = Some(carrier?);
        if let Kind::Return(call) = kind { Some(call) } else { None }
    }

    /// A trap was set too late: the thread had left, perhaps through it.
    pub(crate) fn missed(&mut self, trap: Trap) {
        self.set(trap);
        self.take_down();
    }

    /// The signal whose stop may still come.
    pub(crate) fn echo(&self) -> Option<i32> {
        self.echo.as_ref().map(Carrier::signal)
    }

    /// That stop has come.
    pub(crate) fn heard(&mut self) {
        self.echo = None;
    }
}
