//! A task: one thread, from alive to reaped, and the engines on it.
//!
//! Key types: [`Task`], [`TaskId`], [`Attach`]. Attach and lookup are here; what a handle can do is in `events`,
//! `control`, `barrier`, `examine`; what the host does with a task is in `report`.

use crate::action::AttachError;
use crate::attached::{Attached, EngineRef, Match, Place, Placed};
use crate::engine::Engine;
use crate::event::{Event, EventSet};
use crate::global::TaskFlag;
use crate::host::{Fences, Platform, TaskHost};
use crate::interest::{Interest, SignalSet, SyscallSet};
use crate::record::{Ledger, Life, Record, Waiting, for_each_locked};
use crate::report::{Reaper, Reporter};
use crate::sync::list::Walker;
use crate::sync::lock::{Guard, Lock};
use crate::sync::publish::Publish;
use crate::sync::{AtomicU32, LoadOwn, Ordering, order};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};

/// A thread's id, as the system that runs it counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u32);

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The bit of the task's mask that says that some engine holds, or wants to hold, it stopped.
pub(crate) const MASK_STOP: u32 = 1 << 29;

/// Released: the system is done with the dead thread (spec: EXIT_DEAD).
pub(crate) const RELEASED: u32 = 1;

/// A task's mask: what its engines may want, read without a lock before anything else is.
#[derive(Default)]
pub(crate) struct Mask(AtomicU32);

impl Mask {
    /// Pair B: who reads something sees the record that it speaks of.
    #[inline(always)]
    pub(crate) fn read(&self) -> u32 {
        self.0.load(order::mask_read())
    }

    /// The mask, for who alone may change it.
    pub(crate) fn own(&self, _lock: &Guard<'_, Ledger>) -> u32 {
        self.0.load_own()
    }

    /// Pair B: after the record was published.
    pub(crate) fn write(&self, _lock: &Guard<'_, Ledger>, mask: u32) {
        self.0.store(mask, order::mask_write());
    }
}

pub(crate) struct TaskInner {
    /// Superset of what the engines want (INV-11), plus [`MASK_STOP`]. Nonzero means that there is a record.
    pub(crate) mask: Mask,
    /// [`RELEASED`] or 0: fence pair C.
    pub(crate) exit: AtomicU32,
    pub(crate) record: Publish<Record>,
    pub(crate) ledger: Lock<Ledger>,
    /// What the global flag says for this task.
    pub(crate) flag: TaskFlag,
    id: AtomicU32,
    process: AtomicU32,
    pub(crate) platform: &'static dyn Platform,
    pub(crate) symmetric: bool,
    pub(crate) host: Box<dyn TaskHost>,
}

/// One thread that engines can be attached to. A handle: clones mean the same thread.
///
/// It follows the thread *object*: across an exec by a thread that was not the leader, the task keeps its
/// engines and its id becomes the leader's (INV-36).
#[derive(Clone)]
pub struct Task {
    pub(crate) inner: Arc<TaskInner>,
}

/// How [`Task::attach_with`] attaches.
#[derive(Debug, Clone, Default)]
pub struct Attach {
    /// Refuse if an engine that matches is attached (`UTRACE_ATTACH_EXCLUSIVE`).
    pub exclusive: Option<Match>,
    /// Where in the call order.
    pub place: Place,
    /// An identity that lookups can match: what the `data` pointer was.
    pub tag: usize,
}

impl Task {
    /// A task that a host is going to report for: the handle, the one right to report, and the one right to
    /// release it.
    ///
    /// `process` is the id of the thread group. `host` gets the core's requests for this task.
    pub fn new(
        id: TaskId,
        process: TaskId,
        host: Box<dyn TaskHost>,
        platform: &'static dyn Platform,
    ) -> (Task, Reporter, Reaper) {
        let inner = TaskInner {
            mask: Mask::default(),
            exit: AtomicU32::new(0),
            record: Publish::empty(),
            ledger: Lock::new(Ledger::new()),
            flag: TaskFlag::default(),
            id: AtomicU32::new(id.0),
            process: AtomicU32::new(process.0),
            platform,
            symmetric: platform.fences() == Fences::Symmetric,
            host,
        };
        let task = Task { inner: Arc::new(inner) };
        (task.clone(), Reporter::new(task.clone()), Reaper::new(task))
    }

    /// The thread's id. Changes when the thread execs without being the leader.
    pub fn id(&self) -> TaskId {
        TaskId(self.inner.id.load(Ordering::Relaxed))
    }

    /// The id of its thread group, which is its process.
    pub fn process(&self) -> TaskId {
        TaskId(self.inner.process.load(Ordering::Relaxed))
    }

    pub(crate) fn set_id(&self, id: TaskId) {
        self.inner.id.store(id.0, Ordering::Relaxed);
    }

    /// Attaches an engine, after those that are there. It has no effect until [`EngineRef::set_events`] or
    /// [`EngineRef::control`] gives it one.
    ///
    /// # Errors
    /// [`AttachError::Gone`] (`-ESRCH`), [`AttachError::NotPermitted`] (`-EPERM`).
    pub fn attach(&self, engine: impl Engine) -> Result<EngineRef, AttachError> {
        self.attach_with(Box::new(engine), Attach::default())
    }

    /// Attaches an engine and declares its interest in one go.
    ///
    /// # Errors
    /// As [`Task::attach`]; [`AttachError::Gone`] also if the task died before the interest was installed, or if
    /// it is dead and the interest asks for more than [`Event::Reap`].
    pub fn attach_for(
        &self,
        interest: impl Into<Interest>,
        engine: impl Engine,
    ) -> Result<EngineRef, AttachError> {
        let engine = self.attach(engine)?;
        match engine.set_events(interest) {
            Ok(_) => Ok(engine),
            Err(_) => {
                // Nothing was asked for, so nothing can be missed: the engine goes with the handle or the reap.
                let _ = engine.control(crate::Action::Detach);
                Err(AttachError::Gone)
            }
        }
    }

    /// Attaches an engine at a place of its own, or only if no other matches.
    ///
    /// # Errors
    /// As [`Task::attach`]; [`AttachError::Exists`] (`-EEXIST`) for an exclusive attach. A failed attach drops the
    /// engine in the caller, after the lock is free.
    pub fn attach_with(&self, engine: Box<dyn Engine>, how: Attach) -> Result<EngineRef, AttachError> {
        if !self.inner.host.traceable() {
            return Err(AttachError::NotPermitted);
        }
        let Attach { exclusive, place, tag } = how;
        let place = Placed::from(place);
        let engine = Arc::new(Attached::new(engine, tag));
        let mut ledger = self.lock();
        let record = self.record_for_attach(&mut ledger)?;
        if let Some(other) = exclusive
            && for_each_locked(record, &ledger).any(|attached| other.fits(attached, &ledger))
        {
            return Err(AttachError::Exists);
        }
        // INV-2: every new engine enters the attaching list, under the lock.
        ledger.attaching.push(Waiting { engine: Arc::clone(&engine), place });
        // INV-4: from here on some BEGIN, death or reset splices it.
        record.owe_splice(&ledger);
        drop(ledger);
        Ok(EngineRef::new(self.clone(), engine))
    }

    /// Makes sure that there is a record and that the reaper will know of engines, or finds that it is too late.
    fn record_for_attach<'a>(&'a self, ledger: &mut Guard<'_, Ledger>) -> Result<&'a Record, AttachError> {
        if ledger.life >= Life::Reaping {
            return Err(AttachError::Gone);
        }
        let record = match self.inner.record.get() {
            Some(record) => record,
            None => {
                let (record, walker) = Walker::with_record();
                ledger.record = Some(Arc::clone(&record));
                ledger.walker = Some(walker);
                // Pair B: published before the mask below becomes nonzero (INV-9); under the lock, so one (INV-12).
                self.inner.record.fill(record)
            }
        };
        if self.inner.mask.own(ledger) == 0 {
            self.inner.mask.write(ledger, Event::Reap.bit());
            // Pair C (INV-10): mask written, fence, exit read; the reaper writes exit, fences, reads mask. So the
            // reaper comes for our engine, or we see that it will not.
            order::attach_fence();
            if self.inner.exit.load(Ordering::Relaxed) == RELEASED {
                self.inner.mask.write(ledger, 0);
                return Err(AttachError::Gone);
            }
        }
        Ok(record)
    }

    /// The first engine that matches: attached ones in call order, then those that wait to be spliced. One that
    /// is marked for detach never matches. `None` is the historic `-ENOENT`.
    pub fn find(&self, which: Match) -> Option<EngineRef> {
        let record = self.inner.record.get()?;
        let ledger = self.lock();
        if ledger.reap_begun() {
            return None;
        }
        let found =
            for_each_locked(record, &ledger).find(|engine| which.fits(engine, &ledger)).map(Arc::clone);
        drop(ledger);
        found.map(|engine| EngineRef::new(self.clone(), engine))
    }

    /// Every engine that counts, in call order.
    pub fn engines(&self) -> Vec<EngineRef> {
        let Some(record) = self.inner.record.get() else { return Vec::new() };
        let ledger = self.lock();
        if ledger.reap_begun() {
            return Vec::new();
        }
        for_each_locked(record, &ledger)
            .filter(|engine| engine.own_word(&ledger).counts())
            .map(|engine| EngineRef::new(self.clone(), Arc::clone(engine)))
            .collect()
    }

    /// Whether some engine may want `event`, or any call at all for it. A host skips what nobody wants.
    #[inline]
    pub fn wants(&self, event: Event) -> bool {
        self.inner.mask.read() & (event.bit() | Event::Quiesce.bit() | MASK_STOP) != 0
    }

    /// Whether some engine asked for `event` itself.
    #[inline]
    pub fn asked_for(&self, event: Event) -> bool {
        self.inner.mask.read() & event.bit() != 0
    }

    /// Everything that the engines together want: what a host pushes down.
    ///
    /// It may be more than is wanted by now, until the task next reports (INV-11), and never less.
    pub fn wanted(&self) -> Interest {
        let mask = self.inner.mask.read();
        match self.inner.record.get() {
            None => Interest { events: EventSet::NONE, syscalls: SyscallSet::NONE, signals: SignalSet::NONE },
            Some(record) => Interest {
                events: EventSet::from_bits_truncate(mask),
                syscalls: record.wanted_syscalls(),
                signals: record.wanted_signals(),
            },
        }
    }

    /// Whether some engine may want entry or exit of the syscall with this index, or a call at any event.
    #[inline]
    pub fn wants_syscall(&self, index: u64) -> bool {
        let mask = self.inner.mask.read();
        if mask & (Event::Quiesce.bit() | MASK_STOP) != 0 {
            return true;
        }
        mask & EventSet::SYSCALL.bits() != 0
            && self.inner.record.get().is_some_and(|record| record.wants_syscall(index))
    }

    /// The name of the engine whose callback runs now, if one does. For a watchdog: it may be over by the time
    /// that the answer is read.
    pub fn reporting(&self) -> Option<EngineRef> {
        let record = self.inner.record.get()?;
        let ledger = self.lock();
        let address = record.reporting();
        let found = for_each_locked(record, &ledger)
            .find(|engine| core::ptr::eq(Arc::as_ptr(engine), address))
            .map(Arc::clone);
        drop(ledger);
        found.map(|engine| EngineRef::new(self.clone(), engine))
    }

    /// Whether engines hold it stopped.
    pub fn is_stopped(&self) -> bool {
        self.lock().hold.traced()
    }

    /// Whether its release is over: no callback will come any more, but for the reap callbacks that the death callbacks
    /// which run now are followed by (SC-78).
    pub fn is_released(&self) -> bool {
        let released = self.inner.exit.load(Ordering::Relaxed) == RELEASED;
        let ledger = self.lock();
        released && (ledger.life == Life::Gone || ledger.reap_due || self.inner.mask.own(&ledger) == 0)
    }

    /// Whether it takes part in a job control stop of its process, as far as its host has said.
    pub fn is_job_stopped(&self) -> bool {
        self.lock().hold.jctl()
    }

    /// Whether it is to leave the group stop that it is in: see [`crate::EngineRef::leave_group_stop`].
    pub fn leaves_group_stop(&self) -> bool {
        let ledger = self.lock();
        ledger.hold.jctl() && !ledger.hold.traced() && ledger.wish == crate::record::Wish::Leave
    }

    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, Ledger> {
        self.inner.ledger.lock(self.inner.platform)
    }

    /// The record of a task that an engine was attached to.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.inner.record.get()
    }
}

impl PartialEq for Task {
    /// The same thread object.
    fn eq(&self, other: &Task) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for Task {}

impl Hash for Task {
    /// By the thread object, which an exec does not change.
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.inner).hash(state);
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Task").field(&self.id()).finish()
    }
}
