//! One attachment: an engine on a task, and the handle to it.
//!
//! Key types: [`Attached`] (what the lists hold), [`EngineRef`] (what callers hold), [`Place`], [`Match`].
//! [`Word`] is the one word that says what an attachment wants and whether it still counts; its changes are in
//! this file. The calls on a handle are in `events`, `control`, `barrier` and `examine`.

use crate::engine::{Engine, Kind};
use crate::event::{Event, EventSet};
use crate::interest::{Interest, SYSCALL_WORDS, SignalSet, SyscallSet};
use crate::record::Ledger;
use crate::sync::list::Data;
use crate::sync::lock::Guard;
use crate::sync::{AtomicU32, AtomicU64, LoadOwn, order};
use crate::task::Task;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use core::fmt;

/// This engine holds its task stopped.
const STOP: u32 = 1 << 29;
/// To be detached, still on the list (DETACH-MARKED).
const MARKED: u32 = 1 << 30;
/// A callback may still run that the interest forbids.
const UNSETTLED: u32 = 1 << 27;
/// Taken off by the reap, not by a detach.
const REAPED: u32 = 1 << 28;
/// On no list (DETACHED).
const DETACHED: u32 = 1 << 31;

/// An attachment's events, sticky stop and standing, as read at one instant.
///
/// One word, so that marking an engine for detach and taking its events away is one write: the mixtures of
/// old mask and new operations that INV-6 speaks of cannot be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u32);

impl Word {
    /// What a pass for `event` must look at closely.
    #[inline(always)]
    pub(crate) const fn look_for(event: Event) -> Word {
        Word(event.bit() | Event::Quiesce.bit() | STOP | MARKED)
    }

    #[inline(always)]
    pub(crate) const fn any(self, of: Word) -> bool {
        self.0 & of.0 != 0
    }

    #[inline(always)]
    pub(crate) const fn wants(self, event: Event) -> bool {
        self.0 & event.bit() != 0
    }

    /// Nothing but the event itself: no quiesce call, no stop, no detach to look after.
    #[inline(always)]
    pub(crate) const fn is_plain(self) -> bool {
        self.0 & (Event::Quiesce.bit() | STOP | MARKED) == 0
    }

    /// It counts and holds nothing.
    #[inline(always)]
    pub(crate) const fn has_standing(self) -> bool {
        self.0 & (STOP | MARKED | DETACHED) == 0
    }

    #[inline(always)]
    pub(crate) const fn stops(self) -> bool {
        self.0 & STOP != 0
    }

    /// Attached, and not marked for detach.
    #[inline(always)]
    pub(crate) const fn counts(self) -> bool {
        self.0 & (MARKED | DETACHED) == 0
    }

    /// A callback may still run that the interest forbids.
    pub(crate) const fn is_unsettled(self) -> bool {
        self.0 & UNSETTLED != 0
    }

    /// The reap came for it while it was attached.
    pub(crate) const fn is_reaped(self) -> bool {
        self.0 & REAPED != 0
    }

    pub(crate) const fn is_detached(self) -> bool {
        self.0 & DETACHED != 0
    }

    pub(crate) const fn events(self) -> EventSet {
        EventSet::from_bits_truncate(self.0)
    }
}

/// An engine attached to one task: what the lists hold.
pub(crate) struct Attached {
    word: AtomicU32,
    syscalls: [AtomicU64; SYSCALL_WORDS],
    signals: AtomicU64,
    pub(crate) data: Data,
    pub(crate) kind: Kind,
    pub(crate) tag: usize,
    pub(crate) name: String,
}

impl Attached {
    pub(crate) fn new(engine: Box<dyn Engine>, tag: usize) -> Attached {
        Attached {
            word: AtomicU32::new(0),
            syscalls: Default::default(),
            signals: AtomicU64::new(0),
            kind: engine.kind(),
            tag,
            name: String::from(engine.name()),
            data: Data::new(engine),
        }
    }

    #[inline(always)]
    pub(crate) fn word(&self) -> Word {
        // Acquire pairs with the Release of `set_interest`: who sees the events sees the sets they go with.
        Word(self.word.load(order::word_read()))
    }

    /// Whether the syscall is in the declared set. Read before the word, see [`Attached::set_interest`].
    #[inline(always)]
    pub(crate) fn has_syscall(&self, (word, bit): (usize, u64)) -> bool {
        self.syscalls[word].load(order::set_read()) & bit != 0
    }

    /// Whether the signal is in the declared set. Read before the word.
    #[inline]
    pub(crate) fn has_signal(&self, number: u32) -> bool {
        SignalSet::from_bits(self.signals.load(order::set_read())).contains(number)
    }

    pub(crate) fn interest(&self, lock: &Guard<'_, Ledger>) -> Interest {
        let events = self.own_word(lock).events();
        let mut interest = Interest { events, ..Interest::NONE };
        if events.intersects(EventSet::SYSCALL) {
            interest.syscalls =
                SyscallSet::from_words(core::array::from_fn(|word| self.syscalls[word].load_own()));
        }
        if events.intersects(EventSet::SIGNAL) {
            interest.signals = SignalSet::from_bits(self.signals.load_own());
        }
        interest
    }

    /// Installs an interest.
    ///
    /// Events that go are taken away first and events that come are added last, with the sets changed in
    /// between; a reader reads set, then word. So nobody can combine an event of the old interest with a set of
    /// the new one. As long as there is no event that a set goes with, the set is empty: or a reader that
    /// read it before such an event came would combine the event of the new interest with the set of the old one.
    /// From one such event to another that mixture is possible, and the call is answered as being in progress.
    pub(crate) fn set_interest(&self, lock: &Guard<'_, Ledger>, interest: &Interest) {
        let events = interest.events;
        let syscalls =
            if events.intersects(EventSet::SYSCALL) { interest.syscalls } else { SyscallSet::NONE };
        let signals = if events.intersects(EventSet::SIGNAL) { interest.signals } else { SignalSet::NONE };
        let now = self.own_word(lock).0;
        let keep = now & !EventSet::ALL.bits();
        self.write(lock, keep | (now & events.bits()));
        for (word, bits) in self.syscalls.iter().zip(syscalls.words()) {
            word.store(*bits, order::set_write());
        }
        self.signals.store(signals.bits(), order::set_write());
        self.write(lock, keep | events.bits());
    }

    pub(crate) fn set_stop(&self, lock: &Guard<'_, Ledger>) {
        self.write(lock, self.own_word(lock).0 | STOP);
    }

    pub(crate) fn clear_stop(&self, lock: &Guard<'_, Ledger>) {
        self.write(lock, self.own_word(lock).0 & !STOP);
    }

    /// Notes whether a callback may still run that the interest forbids.
    pub(crate) fn set_unsettled(&self, lock: &Guard<'_, Ledger>, unsettled: bool) {
        let now = self.own_word(lock).0;
        let next = if unsettled { now | UNSETTLED } else { now & !UNSETTLED };
        if next != now {
            self.write(lock, next);
        }
    }

    /// No callback may start any more; the engine is still on a list.
    pub(crate) fn mark(&self, lock: &Guard<'_, Ledger>) {
        self.write(lock, MARKED);
    }

    /// The reap has had its turn with this engine.
    pub(crate) fn mark_reaped(&self, lock: &Guard<'_, Ledger>) {
        let reaped = if self.own_word(lock).counts() { REAPED } else { 0 };
        self.write(lock, MARKED | reaped);
    }

    /// The engine is on no list any more.
    pub(crate) fn set_detached(&self, lock: &Guard<'_, Ledger>) {
        self.write(lock, MARKED | DETACHED | (self.own_word(lock).0 & REAPED));
    }

    /// The word, for who alone may change it.
    pub(crate) fn own_word(&self, _lock: &Guard<'_, Ledger>) -> Word {
        Word(self.word.load_own())
    }

    fn write(&self, _lock: &Guard<'_, Ledger>, word: u32) {
        self.word.store(word, order::word_write());
    }
}

/// Where in the call order a new engine goes.
///
/// The list is called from first to last, but for syscall entry from last to first: the first engine is the
/// nearest to the kernel and decides last what the kernel is asked, the last is the nearest to the program.
#[derive(Debug, Clone, Default)]
pub enum Place {
    /// After all that are there: attach order, as it always was.
    #[default]
    Last,
    /// Before all that are there.
    First,
    /// Just before this engine; at the end if it is gone.
    Before(EngineRef),
    /// Just after this engine; at the end if it is gone.
    After(EngineRef),
}

/// A [`Place`] as it waits in the ledger. It keeps no engine alive: what is dropped when it is used up is dropped
/// under the lock, where no engine may be (INV-29).
pub(crate) enum Placed {
    Last,
    First,
    Before(Weak<Attached>),
    After(Weak<Attached>),
}

impl From<Place> for Placed {
    fn from(place: Place) -> Placed {
        match place {
            Place::Last => Placed::Last,
            Place::First => Placed::First,
            Place::Before(other) => Placed::Before(Arc::downgrade(&other.attached)),
            Place::After(other) => Placed::After(Arc::downgrade(&other.attached)),
        }
    }
}

impl Placed {
    pub(crate) fn position_in(&self, list: &[Arc<Attached>]) -> usize {
        let find = |other: &Weak<Attached>| {
            list.iter().position(|engine| core::ptr::eq(Arc::as_ptr(engine), other.as_ptr()))
        };
        match self {
            Placed::Last => list.len(),
            Placed::First => 0,
            Placed::Before(other) => find(other).unwrap_or(list.len()),
            Placed::After(other) => find(other).map_or(list.len(), |position| position + 1),
        }
    }
}

/// Which engines a lookup or an exclusive attach means (historic `MATCH_OPS`, `MATCH_DATA`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Match {
    /// Only this kind; `None` means any.
    pub kind: Option<Kind>,
    /// Only this identity; `None` means any.
    pub tag: Option<usize>,
}

impl Match {
    /// Any engine at all.
    pub const ANY: Match = Match { kind: None, tag: None };

    /// Engines of this type.
    pub fn kind_of<E: Engine>() -> Match {
        Match { kind: Some(Kind::of::<E>()), tag: None }
    }

    /// Engines with this identity.
    pub fn tag(tag: usize) -> Match {
        Match { kind: None, tag: Some(tag) }
    }

    pub(crate) fn fits(&self, engine: &Attached, lock: &Guard<'_, Ledger>) -> bool {
        engine.own_word(lock).counts()
            && self.kind.is_none_or(|kind| kind == engine.kind)
            && self.tag.is_none_or(|tag| tag == engine.tag)
    }
}

/// A handle to an attachment (historic `struct utrace_attached_engine *` with a reference held).
///
/// It may be kept for as long as one likes: after the engine is detached or its task is gone, every call says
/// so. The engine itself is dropped when the last handle is gone and no list holds it (INV-29).
#[derive(Clone)]
pub struct EngineRef {
    pub(crate) task: Task,
    pub(crate) attached: Arc<Attached>,
}

impl EngineRef {
    pub(crate) fn new(task: Task, attached: Arc<Attached>) -> EngineRef {
        EngineRef { task, attached }
    }

    /// The task it is, or was, attached to.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.attached.name
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.attached.kind
    }

    /// The identity it was attached with.
    pub fn tag(&self) -> usize {
        self.attached.tag
    }

    /// Whether it still counts: neither detached nor marked to be.
    pub fn is_attached(&self) -> bool {
        self.attached.word().counts()
    }

    /// What it asks for now.
    pub fn interest(&self) -> Interest {
        let ledger = self.task.lock();
        self.attached.interest(&ledger)
    }
}

impl PartialEq for EngineRef {
    /// The same attachment.
    fn eq(&self, other: &EngineRef) -> bool {
        Arc::ptr_eq(&self.attached, &other.attached)
    }
}

impl Eq for EngineRef {}

impl fmt::Debug for EngineRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineRef")
            .field("name", &self.name())
            .field("task", &self.task.id())
            .finish_non_exhaustive()
    }
}
