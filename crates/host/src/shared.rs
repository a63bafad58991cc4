//! What the tracer thread shares with everybody else: mailbox, list of tasks, notices, and the pulse that the
//! watchdog feels.
//!
//! | field | written by | read by | orders |
//! |---|---|---|---|
//! | `pulse` | tracer thread: odd while a report runs | watchdog | Relaxed; only compared with itself seconds later |
//! | `current` | tracer thread: tid of the running report | tracer thread, watchdog | Relaxed |
//! | `dozing` | watchdog | tracer thread, at each report | a heavy fence in the watchdog after writing it |
//! | `usage_wanted` | who asks what a task has used | tracer thread, at each wait | Relaxed; the news after count |
//! | `tasks` | tracer thread, under its lock | anyone, under its lock | - |

use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use utrace_core::Task;

use crate::mailbox::Mailbox;
use crate::notice::{Listener, Notice};
use crate::quiet::Manners;
use crate::types::Tid;

/// Shared between the tracer thread, the watchdog, hosts' handles and tasks' hooks.
pub(crate) struct Shared {
    pub(crate) mailbox: Mailbox,
    listener: Listener,
    /// How much care is taken, and told, when running threads are to be stopped.
    pub(crate) manners: Manners,
    tasks: Mutex<HashMap<Tid, Task>>,
    idle: Condvar,
    /// Name of the engine whose callback is unwinding.
    unwound: Mutex<Option<String>>,
    pub(crate) pulse: AtomicU64,
    pub(crate) current: AtomicI32,
    pub(crate) dozing: AtomicBool,
    pub(crate) usage_wanted: Arc<AtomicBool>,
    pub(crate) watchdog: Mutex<Watch>,
    pub(crate) wake_watchdog: Condvar,
}

/// Whether the watchdog is still wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// It is.
    On,
    /// The host is going down.
    Ended,
}

impl Shared {
    pub(crate) fn new(listener: Listener, manners: Manners) -> Self {
        Self {
            mailbox: Mailbox::new(),
            listener,
            manners,
            tasks: Mutex::new(HashMap::new()),
            idle: Condvar::new(),
            unwound: Mutex::new(None),
            pulse: AtomicU64::new(0),
            current: AtomicI32::new(0),
            dozing: AtomicBool::new(false),
            usage_wanted: Arc::default(),
            watchdog: Mutex::new(Watch::On),
            wake_watchdog: Condvar::new(),
        }
    }

    /// Tells whoever listens.
    pub(crate) fn notify(&self, notice: Notice) {
        (self.listener)(notice);
    }

    /// A callback of this engine panics; who catches it will want the name.
    pub(crate) fn set_unwound(&self, engine: &str) {
        *self.unwound.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine.to_owned());
    }

    /// The name that [`Shared::set_unwound`] left.
    pub(crate) fn take_unwound(&self) -> Option<String> {
        self.unwound.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Somebody asks what a task has used: from now on it is counted.
    pub(crate) fn want_usage(&self) {
        self.usage_wanted.store(true, Ordering::Relaxed);
    }

    /// A report for this thread begins (tracer thread only).
    #[inline]
    pub(crate) fn begin_report(&self, tid: Tid) {
        self.current.store(tid.raw(), Ordering::Relaxed);
        self.beat();
        if self.dozing.load(Ordering::Relaxed) {
            self.rouse_watchdog();
        }
    }

    /// The report is over.
    #[inline]
    pub(crate) fn end_report(&self) {
        self.beat();
        self.current.store(0, Ordering::Relaxed);
    }

    #[inline]
    fn beat(&self) {
        // One writer, so a load and a store do; a locked add would cost more than the rest of an empty report.
        self.pulse.store(self.pulse.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    #[cold]
    fn rouse_watchdog(&self) {
        let _on = self.lock_watchdog();
        self.dozing.store(false, Ordering::Relaxed);
        self.wake_watchdog.notify_all();
    }

    pub(crate) fn lock_watchdog(&self) -> MutexGuard<'_, Watch> {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn end_watchdog(&self) {
        *self.lock_watchdog() = Watch::Ended;
        self.wake_watchdog.notify_all();
    }

    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.lock_tasks().values().cloned().collect()
    }

    pub(crate) fn task(&self, tid: Tid) -> Option<Task> {
        self.lock_tasks().get(&tid).cloned()
    }

    pub(crate) fn add_task(&self, tid: Tid, task: Task) {
        self.lock_tasks().insert(tid, task);
    }

    pub(crate) fn remove_task(&self, tid: Tid) {
        let mut tasks = self.lock_tasks();
        let removed = tasks.remove(&tid);
        let empty = tasks.is_empty();
        drop(tasks);
        // The task's last handle may go here, and with it engines: not under our lock.
        drop(removed);
        if empty {
            self.idle.notify_all();
        }
    }

    /// Blocks until no task is left.
    pub(crate) fn wait_idle(&self) {
        let mut tasks = self.lock_tasks();
        while !tasks.is_empty() {
            tasks = self.idle.wait(tasks).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock_tasks(&self) -> MutexGuard<'_, HashMap<Tid, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
