//! The traps that make a thread stop by itself: [`Trap`].
//!
//! A trap is a perf event of one thread whose hits send that thread a signal ([`super::carrier`]). Closing it, by drop
//! or by the end of our process, leaves nothing behind. One shot: it is taken down at the first stop, whatever that is.

use std::sync::Arc;

use super::carrier;
use super::place::{Call, Place, Sight};
use crate::sys::Errno;
use crate::sys::perf::Event;
use crate::sys::roll::{Enrolled, Roll};
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
    carrier: Carrier,
}

/// The signal that a hit sends, and what makes sure that it does no harm without us.
#[derive(Debug)]
pub(crate) struct Carrier {
    signal: i32,
    /// For `SIGSTOP`: who lets the thread go if we are killed.
    _enrolled: Option<Enrolled>,
}

impl Carrier {
    fn of(signal: i32, tid: Tid, roll: &Arc<Roll>) -> Self {
        let enrolled = if signal == libc::SIGSTOP { roll.enroll(tid) } else { None };
        Self { signal, _enrolled: enrolled }
    }

    /// One that nobody need look after: any but `SIGSTOP`.
    pub(crate) fn harmless(signal: i32) -> Self {
        Self { signal, _enrolled: None }
    }

    /// Its number.
    pub(crate) fn signal(&self) -> i32 {
        self.signal
    }
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
    pub(crate) fn at_return(sight: &mut Sight, call: &Call, roll: &Arc<Roll>) -> Result<Armed, Errno> {
        let tid = sight.tid;
        let signal = carrier::choose_by(tid, Some(call), sight.stat_line());
        let carrier = Carrier::of(signal, tid, roll);
        let event = Event::breakpoint(tid, call.pc)?;
        event.send_to(tid, carrier.signal)?;
        let mut trap = Self { event, kind: Kind::Return(*call), carrier };
        match sight.look_anew()? {
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
    pub(crate) fn at_tick(tid: Tid, roll: &Arc<Roll>) -> Result<Self, Errno> {
        let carrier = Carrier::of(carrier::choose(tid, None), tid, roll);
        let event = Event::user_clock(tid, TICK)?;
        event.send_to(tid, carrier.signal)?;
        Ok(Self { event, kind: Kind::Tick, carrier })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Takes it down; answers what it waited for, and the signal that is on its way if it was hit. A clock may not
    /// have ticked although it counted, but without a count it has not.
    pub(crate) fn end(self) -> (Kind, Option<Carrier>) {
        let count = self.event.end();
        (self.kind, (count > 0).then_some(self.carrier))
    }
}
