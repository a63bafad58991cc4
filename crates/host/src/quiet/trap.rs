//! The traps that make a thread stop by itself: [`Trap`].
//!
//! A trap is a perf event of one thread whose hits send that thread a signal ([`super::carrier`]). Closing it, by drop
//! or by the end of our process, leaves nothing behind. One shot: it is taken down at the first stop, whatever that is.

use super::carrier;
use super::place::{Call, Place, PlaceFile};
use crate::sys::Errno;
use crate::sys::perf::Event;
use crate::types::Tid;

/// How long a thread may run in user mode before the clock stops it, in nanoseconds. Much shorter ticks would hold
/// up long work in the kernel, which they interrupt for nothing (facts/quiesce.md section 2).
const TICK: u64 = 200_000;

/// What a trap waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The thread's return from this call.
    Return(Call),
    /// A tick in user mode.
    Tick,
}

/// A set trap.
#[derive(Debug)]
pub(crate) struct Trap {
    event: Event,
    kind: Kind,
    signal: i32,
}

/// What came of an attempt to set a trap at a return.
#[derive(Debug)]
pub(crate) enum Armed {
    /// It is set: the thread cannot reach user mode unseen.
    Set(Trap),
    /// The thread left while it was being set; if it was hit, the trap tells when it is ended.
    Missed(Trap),
}

impl Trap {
    /// Sets one at the return of a call in which the thread was seen blocked.
    ///
    /// The thread may have left between that look and the setting, so a second look decides: if it is blocked and
    /// would return to the same place, it cannot have passed the trap since it was set.
    ///
    /// # Errors
    /// As [`Event::breakpoint`].
    pub(crate) fn at_return(tid: Tid, file: &PlaceFile, call: &Call) -> Result<Armed, Errno> {
        let signal = carrier::choose(tid, Some(call));
        let event = Event::breakpoint(tid, call.pc)?;
        event.send_to(tid, signal)?;
        let mut trap = Self { event, kind: Kind::Return(*call), signal };
        match file.read()? {
            Place::Blocked(now) if now.pc == call.pc => {
                // Perhaps another call from the same place: it is this one that will return.
                trap.kind = Kind::Return(now);
                Ok(Armed::Set(trap))
            }
            _ => Ok(Armed::Missed(trap)),
        }
    }

    /// Sets one at the next tick in user mode.
    ///
    /// # Errors
    /// As [`Event::user_clock`].
    pub(crate) fn at_tick(tid: Tid) -> Result<Self, Errno> {
        let signal = carrier::choose(tid, None);
        let event = Event::user_clock(tid, TICK)?;
        event.send_to(tid, signal)?;
        Ok(Self { event, kind: Kind::Tick, signal })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The signal that a hit sends.
    pub(crate) fn signal(&self) -> i32 {
        self.signal
    }

    /// Whether it was hit.
    pub(crate) fn is_hit(&self) -> bool {
        self.event.hits() > 0
    }

    /// Takes it down; answers what it waited for and how often that happened.
    pub(crate) fn end(self) -> (Kind, u64) {
        (self.kind, self.event.end())
    }
}
