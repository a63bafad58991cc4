//! The events that a task can report, and sets of them (spec section 3).
//!
//! Key types: [`Event`], [`EventSet`]. What an event carries is in [`crate::payload`]; who wants it is in
//! [`crate::Interest`]. This file gives no event a meaning beyond its name.

use core::fmt;
use core::ops::{BitAnd, BitOr, BitOrAssign, Not, Sub};

/// One of the 14 events of the contract. There are no others without a row in the spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Event {
    /// Before any other callback of a pass, or alone just before user mode (`UTRACE_EVENT(QUIESCE)`).
    Quiesce = 0,
    /// The dead task is released. The last callback of all.
    Reap = 1,
    /// In the parent: a child was built and has not run yet.
    Clone = 2,
    /// An exec succeeded; the new program has not run yet.
    Exec = 3,
    /// The thread begins to exit, with everything still alive.
    Exit = 4,
    /// The thread is dead.
    Death = 5,
    /// The thread entered the kernel for a syscall that has not run yet.
    SyscallEntry = 6,
    /// The thread leaves the kernel after the attempt.
    SyscallExit = 7,
    /// A signal whose handler will run.
    Signal = 8,
    /// A signal that is ignored, by choice or by default.
    SignalIgn = 9,
    /// A signal whose default action stops.
    SignalStop = 10,
    /// A signal whose default action terminates.
    SignalTerm = 11,
    /// A signal whose default action dumps core.
    SignalCore = 12,
    /// A job control stop or continue completed.
    Jctl = 13,
}

impl Event {
    /// Every event, in the order of the spec.
    pub const ALL: [Event; 14] = [
        Event::Quiesce,
        Event::Reap,
        Event::Clone,
        Event::Exec,
        Event::Exit,
        Event::Death,
        Event::SyscallEntry,
        Event::SyscallExit,
        Event::Signal,
        Event::SignalIgn,
        Event::SignalStop,
        Event::SignalTerm,
        Event::SignalCore,
        Event::Jctl,
    ];

    /// The bit that stands for this event in a mask.
    pub(crate) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// A set of events.
///
/// ```
/// use utrace_core::{Event, EventSet};
/// let set = Event::Exec | Event::Exit;
/// assert!(set.contains(Event::Exec) && !set.contains(Event::Death));
/// assert_eq!(EventSet::SYSCALL.iter().count(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EventSet(u32);

impl EventSet {
    /// No event.
    pub const NONE: EventSet = EventSet(0);
    /// Every event.
    pub const ALL: EventSet = EventSet((1 << Event::ALL.len()) - 1);
    /// Syscall entry and exit.
    pub const SYSCALL: EventSet = EventSet(Event::SyscallEntry.bit() | Event::SyscallExit.bit());
    /// The five kinds of signal.
    pub const SIGNAL: EventSet = EventSet(
        Event::Signal.bit()
            | Event::SignalIgn.bit()
            | Event::SignalStop.bit()
            | Event::SignalTerm.bit()
            | Event::SignalCore.bit(),
    );

    /// Whether `event` is a member.
    pub const fn contains(self, event: Event) -> bool {
        self.0 & event.bit() != 0
    }

    /// Whether the two sets share a member.
    pub const fn intersects(self, other: EventSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the set has no member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`Event::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Event> {
        Event::ALL.into_iter().filter(move |event| self.contains(*event))
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits_truncate(bits: u32) -> EventSet {
        EventSet(bits & EventSet::ALL.0)
    }
}

impl From<Event> for EventSet {
    fn from(event: Event) -> EventSet {
        EventSet(event.bit())
    }
}

impl<T: Into<EventSet>> BitOr<T> for EventSet {
    type Output = EventSet;
    fn bitor(self, other: T) -> EventSet {
        EventSet(self.0 | other.into().0)
    }
}

impl<T: Into<EventSet>> BitOr<T> for Event {
    type Output = EventSet;
    fn bitor(self, other: T) -> EventSet {
        EventSet(self.bit() | other.into().0)
    }
}

impl<T: Into<EventSet>> BitOrAssign<T> for EventSet {
    fn bitor_assign(&mut self, other: T) {
        self.0 |= other.into().0;
    }
}

impl BitAnd for EventSet {
    type Output = EventSet;
    fn bitand(self, other: EventSet) -> EventSet {
        EventSet(self.0 & other.0)
    }
}

impl<T: Into<EventSet>> Sub<T> for EventSet {
    type Output = EventSet;
    fn sub(self, other: T) -> EventSet {
        EventSet(self.0 & !other.into().0)
    }
}

impl Not for EventSet {
    type Output = EventSet;
    fn not(self) -> EventSet {
        EventSet(!self.0 & EventSet::ALL.0)
    }
}

impl fmt::Debug for EventSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
