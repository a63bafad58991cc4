//! A task's record: what its reports read without a lock, and the ledger that the lock protects.
//!
//! Key types: [`Record`], [`Ledger`], [`Pending`]. The record is made at the first attach and stays for the
//! life of the task (INV-9, INV-12). Nothing here decides; `control`, `events`, `report` do.
//!
//! | field | written by | read by | orders |
//! |---|---|---|---|
//! | `TaskInner::mask` | lock holders | anyone | B: Release after the record is published / Acquire before it is read (INV-9) |
//! | `TaskInner::mask`, `exit` | first attach / reaper | the other | C: full fence on both sides between own write and other's read (INV-10) |
//! | `Record::reporting` | the walker | anyone | A: written, fence, word read / word written, fence, `reporting` read (INV-7) |
//! | `Attached::word` | lock holders | the walker | A; Release / Acquire with the syscall and signal sets |
//! | `Record::waiters`, `reporting` | barrier / the walker | the other | D: waiters written, fence, `reporting` read / `reporting` cleared, fence, waiters read |
//! | `Record::epoch` | whoever ends a callback that is waited for | barrier | futex word: read before `reporting` is looked at |
//! | `Record::pending` | lock holders | the task | Relaxed, a hint: who finds something owed takes the lock (INV-4) |
//! | `Record::syscalls`, `signals` | lock holders | anyone | Relaxed; superset of the engines' sets (as INV-11) |
//! | `Record::list` | walker and lock | walker or lock | see `sync::list` |
//!
//! Each ordering and fence has a name in [`order`], and there the model that fails without it.

use crate::action::Action;
use crate::attached::{Attached, Placed};
use crate::event::EventSet;
use crate::host::Platform;
use crate::interest::{Interest, SYSCALL_WORDS, SignalSet, SyscallSet};
use crate::sync::list::{List, Walker, read_locked};
use crate::sync::lock::Guard;
use crate::sync::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, LoadOwn, Ordering, order};
use crate::task::Task;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ptr;

/// What reports read without a lock.
pub(crate) struct Record {
    pub(crate) list: List,
    /// The engine whose callback runs, or null.
    reporting: AtomicPtr<Attached>,
    /// How many threads wait for a callback to end.
    waiters: AtomicUsize,
    /// Counts ends of callbacks that somebody waited for.
    epoch: AtomicU32,
    pending: AtomicU32,
    syscalls: [AtomicU64; SYSCALL_WORDS],
    signals: AtomicU64,
}

/// What is owed to the task: the strongest resume action, and whether engines wait to be spliced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending(u32);

const ATTACH: u32 = 1 << 3;

impl Pending {
    pub(crate) const NOTHING: Pending = Pending(Action::Resume as u32);

    pub(crate) fn action(self) -> Action {
        Action::from_bits(self.0 & !ATTACH)
    }

    pub(crate) fn attach(self) -> bool {
        self.0 & ATTACH != 0
    }
}

impl Record {
    pub(crate) fn new() -> Record {
        Record {
            list: List::new(),
            reporting: AtomicPtr::new(ptr::null_mut()),
            waiters: AtomicUsize::new(0),
            epoch: AtomicU32::new(0),
            pending: AtomicU32::new(Pending::NOTHING.0),
            syscalls: Default::default(),
            signals: AtomicU64::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn pending(&self) -> Pending {
        // Relaxed: who finds something owed takes the lock before acting on it.
        Pending(self.pending.load(Ordering::Relaxed))
    }

    /// What is owed, for who alone may change it.
    fn own_pending(&self) -> Pending {
        Pending(self.pending.load_own())
    }

    /// Owes the task `action` too.
    pub(crate) fn owe(&self, _lock: &Guard<'_, Ledger>, action: Action) {
        let now = self.own_pending();
        let action = now.action().merge(action);
        self.pending.store(action as u32 | (now.0 & ATTACH), Ordering::Relaxed);
    }

    /// Owes the task a splice.
    pub(crate) fn owe_splice(&self, _lock: &Guard<'_, Ledger>) {
        self.pending.store(self.own_pending().0 | ATTACH, Ordering::Relaxed);
    }

    pub(crate) fn set_pending_action(&self, _lock: &Guard<'_, Ledger>, action: Action) {
        self.pending.store(action as u32 | (self.own_pending().0 & ATTACH), Ordering::Relaxed);
    }

    fn spliced(&self, _lock: &Guard<'_, Ledger>) {
        self.pending.store(self.own_pending().0 & !ATTACH, Ordering::Relaxed);
    }

    /// Says that `engine`'s callback is about to be looked for and made: fence pair A, INV-7.
    #[inline(always)]
    pub(crate) fn publish(&self, engine: &Arc<Attached>, symmetric: bool) {
        self.reporting.store(Arc::as_ptr(engine).cast_mut(), Ordering::Release);
        // Pair A: the store above is before the reads of the engine's word and sets that follow.
        order::publish_fence(symmetric);
    }

    /// Says that the callback is over and what it returned is applied; wakes who waits for that.
    #[inline(always)]
    pub(crate) fn unpublish(&self, task: &Task, symmetric: bool) {
        // Release: who sees null (or another engine) sees what the callback returned applied (INV-8).
        self.reporting.store(ptr::null_mut(), order::reporting_clear());
        // Pair D: the store above is before the read of `waiters`.
        order::unpublish_fence(symmetric);
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.bump(task.inner.platform);
        }
    }

    /// Wakes everybody who waits for something about this task to end.
    #[cold]
    pub(crate) fn bump(&self, platform: &dyn Platform) {
        self.epoch.fetch_add(1, Ordering::Release);
        platform.wake_all(&self.epoch);
    }

    /// Wakes who waits for the death pass to be over; in the section of the lock that ended it.
    ///
    /// No fence: who waits for state under the lock counted itself in before it looked at it there.
    pub(crate) fn settled(&self, _lock: &Guard<'_, Ledger>, platform: &dyn Platform) {
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.bump(platform);
        }
    }

    /// Whether `engine`'s callback runs. Exact only after a heavy fence (pair A).
    pub(crate) fn is_reporting(&self, engine: &Attached) -> bool {
        ptr::eq(self.reporting.load(order::reporting_read()), engine)
    }

    /// Whether any callback runs, and whose, as an address to compare.
    pub(crate) fn reporting(&self) -> *const Attached {
        self.reporting.load(order::reporting_read())
    }

    /// Waits until `over` says so. `over` is asked again after each end of a callback or change of state.
    ///
    /// Answers false if a signal to the caller interrupted the wait.
    pub(crate) fn wait_until(&self, platform: &dyn Platform, mut over: impl FnMut() -> bool) -> bool {
        self.waiters.fetch_add(1, Ordering::Relaxed);
        let outcome = loop {
            let epoch = self.epoch.load(Ordering::Acquire);
            // Pair D: `waiters` was written before `over` reads `reporting`.
            platform.heavy_fence();
            if over() {
                break true;
            }
            if platform.wait(&self.epoch, epoch) == crate::host::Wakeup::Interrupted {
                break over();
            }
        };
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        outcome
    }

    /// Whether any engine may want the syscall with this index.
    #[inline]
    pub(crate) fn wants_syscall(&self, index: u64) -> bool {
        let (word, bit) = SyscallSet::place(index);
        self.syscalls[word].load(Ordering::Relaxed) & bit != 0
    }

    pub(crate) fn wanted_syscalls(&self) -> SyscallSet {
        SyscallSet::from_words(core::array::from_fn(|word| self.syscalls[word].load(Ordering::Relaxed)))
    }

    pub(crate) fn wanted_signals(&self) -> SignalSet {
        SignalSet::from_bits(self.signals.load(Ordering::Relaxed))
    }

    /// Adds to what is wanted. Answers whether that made it larger.
    pub(crate) fn grow(&self, _lock: &Guard<'_, Ledger>, interest: &Interest) -> bool {
        let mut grew = false;
        if interest.events.intersects(EventSet::SYSCALL) {
            for (word, more) in self.syscalls.iter().zip(interest.syscalls.words()) {
                let before = word.load_own();
                grew |= more & !before != 0;
                word.store(before | more, Ordering::Relaxed);
            }
        }
        if interest.events.intersects(EventSet::SIGNAL) {
            let before = self.signals.load_own();
            grew |= interest.signals.bits() & !before != 0;
            self.signals.store(before | interest.signals.bits(), Ordering::Relaxed);
        }
        grew
    }

    /// Makes what is wanted exactly this.
    pub(crate) fn want_only(&self, _lock: &Guard<'_, Ledger>, syscalls: &SyscallSet, signals: SignalSet) {
        for (word, only) in self.syscalls.iter().zip(syscalls.words()) {
            word.store(*only, Ordering::Relaxed);
        }
        self.signals.store(signals.bits(), Ordering::Relaxed);
    }
}

/// How far a task's life has gone, as its engines are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    /// It runs, sleeps or is stopped.
    Alive,
    /// Its exit state is set, its death pass has not begun (spec: DEAD0).
    Dead,
    /// Its death callbacks run (DYING-REPORT).
    Dying,
    /// The death pass is over (ZOMBIE).
    Zombie,
    /// Its reap callbacks run (REAPING).
    Reaping,
    /// Nothing more will be reported (GONE).
    Gone,
}

/// Why a task does not run. Each reason has its own owner; the task runs when none is left (INV-23).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// None: it runs or sleeps.
    None,
    /// Job control stopped it.
    Jctl,
    /// Engines hold it (UTRACED).
    Traced,
    /// Both.
    TracedAndJctl,
}

impl Hold {
    pub(crate) fn traced(self) -> bool {
        matches!(self, Hold::Traced | Hold::TracedAndJctl)
    }

    pub(crate) fn jctl(self) -> bool {
        matches!(self, Hold::Jctl | Hold::TracedAndJctl)
    }

    pub(crate) fn with_traced(self, traced: bool) -> Hold {
        Hold::from(traced, self.jctl())
    }

    pub(crate) fn with_jctl(self, jctl: bool) -> Hold {
        Hold::from(self.traced(), jctl)
    }

    fn from(traced: bool, jctl: bool) -> Hold {
        match (traced, jctl) {
            (false, false) => Hold::None,
            (false, true) => Hold::Jctl,
            (true, false) => Hold::Traced,
            (true, true) => Hold::TracedAndJctl,
        }
    }
}

/// What engines that let go of a task in a group stop said of it. Who wants it to stay has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Nothing: it stays.
    None,
    /// It is to run, although its process is stopped.
    Leave,
    /// It is to stay.
    Stay,
}

/// An engine that waits to be spliced.
pub(crate) struct Waiting {
    pub(crate) engine: Arc<Attached>,
    pub(crate) place: Placed,
}

/// What the lock protects.
pub(crate) struct Ledger {
    /// The record, once there is one.
    pub(crate) record: Option<Arc<Record>>,
    /// New engines, until the task splices them (INV-2).
    pub(crate) attaching: Vec<Waiting>,
    /// The walker, exactly while nobody can be walking: not yet reported, stopped, or dead.
    pub(crate) walker: Option<Walker>,
    pub(crate) hold: Hold,
    /// What becomes of it in a group stop once nobody holds it there.
    pub(crate) wish: Wish,
    pub(crate) life: Life,
    /// The reaper came while the death pass ran or was due; the dying task reaps (spec section 4).
    pub(crate) reap_due: bool,
}

impl Ledger {
    pub(crate) fn new() -> Ledger {
        Ledger {
            record: None,
            attaching: Vec::new(),
            walker: None,
            hold: Hold::None,
            wish: Wish::None,
            life: Life::Alive,
            reap_due: false,
        }
    }

    /// Whether this ledger belongs with `record`.
    pub(crate) fn names(&self, record: &Record) -> bool {
        self.record.as_deref().is_some_and(|own| ptr::eq(own, record))
    }

    /// Whether the reap flag is set: nothing can be attached, found or changed (INV-32).
    pub(crate) fn reap_begun(&self) -> bool {
        self.life >= Life::Reaping || self.reap_due
    }
}

/// Moves what waits to its place in the attached list. Only with walker and lock in hand.
pub(crate) fn splice(ledger: &mut Guard<'_, Ledger>, walker: &mut Walker) {
    let waiting = core::mem::take(&mut ledger.attaching);
    let list = walker.edit(ledger);
    for Waiting { engine, place } in waiting {
        let position = place.position_in(list);
        list.insert(position, engine);
    }
    walker.record().spliced(ledger);
}

/// Every engine, attached first, then attaching (the order in which lookups go).
pub(crate) fn for_each_locked<'a>(
    record: &'a Record,
    ledger: &'a Guard<'_, Ledger>,
) -> impl Iterator<Item = &'a Arc<Attached>> {
    read_locked(record, ledger).iter().chain(ledger.attaching.iter().map(|waiting| &waiting.engine))
}
