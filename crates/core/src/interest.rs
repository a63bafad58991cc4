//! What an engine asks to see. Declared, so that a host can push it down to its cheapest mechanism.
//!
//! Key types: [`Interest`], [`SyscallSet`], [`SignalSet`]. The numbers in the sets are the host's business: the
//! core compares them and knows no meaning (DESIGN section 1).

use crate::event::{Event, EventSet};
use core::fmt;

/// How many 64-bit words a [`SyscallSet`] has.
pub(crate) const SYSCALL_WORDS: usize = 8;

/// A set of syscalls, by the index that the host gives each (on x86-64: the syscall number).
///
/// Indices from 511 up, and numbers that are no syscall, share the last member: whoever wants one of them gets
/// them all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyscallSet([u64; SYSCALL_WORDS]);

impl SyscallSet {
    /// No syscall.
    pub const NONE: SyscallSet = SyscallSet([0; SYSCALL_WORDS]);
    /// Every syscall, known or not.
    pub const ALL: SyscallSet = SyscallSet([u64::MAX; SYSCALL_WORDS]);
    /// The member that stands for every index from here up.
    pub const OTHER: u64 = (SYSCALL_WORDS * 64 - 1) as u64;

    /// Word and bit of an index.
    pub(crate) const fn place(index: u64) -> (usize, u64) {
        let index = if index > SyscallSet::OTHER { SyscallSet::OTHER } else { index };
        ((index / 64) as usize, 1 << (index % 64))
    }

    /// Whether the syscall with this index is a member.
    pub const fn contains(&self, index: u64) -> bool {
        let (word, bit) = SyscallSet::place(index);
        self.0[word] & bit != 0
    }

    /// Makes the syscall with this index a member.
    pub fn insert(&mut self, index: u64) {
        let (word, bit) = SyscallSet::place(index);
        self.0[word] |= bit;
    }

    /// Takes the syscall with this index out.
    pub fn remove(&mut self, index: u64) {
        let (word, bit) = SyscallSet::place(index);
        self.0[word] &= !bit;
    }

    /// Everything that is in either set.
    #[must_use]
    pub fn union(mut self, other: &SyscallSet) -> SyscallSet {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    /// Everything that is not in the set.
    #[must_use]
    pub fn complement(mut self) -> SyscallSet {
        for word in &mut self.0 {
            *word = !*word;
        }
        self
    }

    /// Whether nothing is a member.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether everything is a member.
    pub fn is_all(&self) -> bool {
        self.0.iter().all(|word| *word == u64::MAX)
    }

    /// The members' indices, ascending; [`SyscallSet::OTHER`] stands for itself and everything above.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..=SyscallSet::OTHER).filter(|index| self.contains(*index))
    }

    pub(crate) const fn words(&self) -> &[u64; SYSCALL_WORDS] {
        &self.0
    }

    pub(crate) const fn from_words(words: [u64; SYSCALL_WORDS]) -> SyscallSet {
        SyscallSet(words)
    }
}

impl FromIterator<u64> for SyscallSet {
    fn from_iter<T: IntoIterator<Item = u64>>(indices: T) -> SyscallSet {
        let mut set = SyscallSet::NONE;
        for index in indices {
            set.insert(index);
        }
        set
    }
}

impl fmt::Debug for SyscallSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("ALL");
        }
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set of signals, by number from 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalSet(u64);

impl SignalSet {
    /// No signal.
    pub const NONE: SignalSet = SignalSet(0);
    /// Every signal.
    pub const ALL: SignalSet = SignalSet(u64::MAX);

    const fn bit(number: u32) -> u64 {
        if number >= 1 && number <= 64 { 1 << (number - 1) } else { 0 }
    }

    /// Whether signal `number` is a member. A number outside 1 to 64 never is.
    pub const fn contains(self, number: u32) -> bool {
        self.0 & SignalSet::bit(number) != 0
    }

    /// Makes signal `number` a member. A number outside 1 to 64 changes nothing.
    pub fn insert(&mut self, number: u32) {
        self.0 |= SignalSet::bit(number);
    }

    /// Takes signal `number` out.
    pub fn remove(&mut self, number: u32) {
        self.0 &= !SignalSet::bit(number);
    }

    /// Everything that is in either set.
    #[must_use]
    pub const fn union(self, other: SignalSet) -> SignalSet {
        SignalSet(self.0 | other.0)
    }

    /// Everything that is not in the set.
    #[must_use]
    pub const fn complement(self) -> SignalSet {
        SignalSet(!self.0)
    }

    /// Whether nothing is a member.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as the 64-bit word that Linux uses: bit `n - 1` is signal `n`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set that a 64-bit word of Linux stands for.
    pub const fn from_bits(bits: u64) -> SignalSet {
        SignalSet(bits)
    }
}

impl FromIterator<u32> for SignalSet {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> SignalSet {
        let mut set = SignalSet::NONE;
        for number in numbers {
            set.insert(number);
        }
        set
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((1..=64).filter(|number| self.contains(*number))).finish()
    }
}

/// What an engine wants to be told: events, and for syscalls and signals which of them.
///
/// An engine never gets what it did not ask for, and a host may skip every stop that nobody asked for.
///
/// ```
/// use utrace_core::{Event, Interest, SyscallSet};
/// let opens = Interest::in_syscalls([2, 257].into_iter().collect::<SyscallSet>()) | Event::Exec;
/// assert!(opens.wants_syscall(257) && !opens.wants_syscall(0));
/// assert!(opens.events.contains(Event::SyscallExit) && opens.events.contains(Event::Exec));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// The events.
    pub events: EventSet,
    /// Of [`Event::SyscallEntry`] and [`Event::SyscallExit`]: only these syscalls.
    pub syscalls: SyscallSet,
    /// Of the five signal events: only these signals.
    pub signals: SignalSet,
}

impl Interest {
    /// Nothing: what a new engine has.
    pub const NONE: Interest =
        Interest { events: EventSet::NONE, syscalls: SyscallSet::ALL, signals: SignalSet::ALL };

    /// These events, with every syscall and every signal.
    pub fn in_events(events: impl Into<EventSet>) -> Interest {
        Interest { events: events.into(), ..Interest::NONE }
    }

    /// Entry and exit of these syscalls.
    pub fn in_syscalls(syscalls: SyscallSet) -> Interest {
        Interest { events: EventSet::SYSCALL, syscalls, ..Interest::NONE }
    }

    /// The same events, narrowed to these syscalls.
    #[must_use]
    pub fn with_syscalls(self, syscalls: SyscallSet) -> Interest {
        Interest { syscalls, ..self }
    }

    /// The same events, narrowed to these signals.
    #[must_use]
    pub fn with_signals(self, signals: SignalSet) -> Interest {
        Interest { signals, ..self }
    }

    /// Whether entry or exit of the syscall with this index is wanted.
    pub fn wants_syscall(&self, index: u64) -> bool {
        self.events.intersects(EventSet::SYSCALL) && self.syscalls.contains(index)
    }
}

impl<T: Into<EventSet>> core::ops::BitOr<T> for Interest {
    type Output = Interest;
    fn bitor(self, events: T) -> Interest {
        Interest { events: self.events | events, ..self }
    }
}

impl From<Event> for Interest {
    fn from(event: Event) -> Interest {
        Interest::in_events(event)
    }
}

impl From<EventSet> for Interest {
    fn from(events: EventSet) -> Interest {
        Interest::in_events(events)
    }
}

#[cfg(test)]
mod tests {
    use super::{SignalSet, SyscallSet};

    #[test]
    fn unknown_numbers_share_the_last_member() {
        let mut set = SyscallSet::NONE;
        set.insert(u64::MAX);
        assert!(set.contains(511) && set.contains(4096) && !set.contains(510));
        assert_eq!(set.iter().collect::<alloc::vec::Vec<_>>(), [511]);
    }

    #[test]
    fn complement_and_union_are_exact() {
        let set: SyscallSet = [0, 63, 64].into_iter().collect();
        assert!(set.union(&set.complement()).is_all());
        assert!(!set.complement().contains(63) && set.complement().contains(65));
    }

    #[test]
    fn signal_numbers_outside_the_range_are_never_members() {
        assert!(!SignalSet::ALL.contains(0) && !SignalSet::ALL.contains(65));
        let mut set = SignalSet::NONE;
        set.insert(64);
        assert_eq!(set.bits(), 1 << 63);
    }
}
