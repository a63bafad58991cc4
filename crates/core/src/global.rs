//! The global flag: one switch that every task carries a copy of, present tasks and future ones (spec section 7).
//!
//! Key types: [`GlobalFlag`], the counted switch; [`TaskFlag`], what a task carries; [`TaskList`], which tasks there are. A
//! path that nobody traces must cost a task no more than a look at its own flag, so the flag is in each task and not
//! behind one address that all share. [`crate::Task`] carries one, a kernel thread's too (KTF-8). What is done with a
//! task whose flag is set is not decided here, and no task is stopped, woken or waited for.
//!
//! # How a fork and a sweep agree
//!
//! Setting the flag of all tasks is a walk, and while it walks tasks are made. What a child copied of its parent early
//! in the fork is old by the time it becomes visible, if a sweep began and ended in between: nobody would ever mend it
//! (KTF-6). So whoever makes a task visible gives it its flag once more at that moment, while the list is closed to
//! sweeps ([`GlobalFlag::admit`]). A fork then comes either before a sweep, which visits the child, or after it, and
//! sees what it said (KTF-5). The historic code copied the parent a second time; we ask the switch. Both agree as long as
//! the parent is still in the list, and the switch is right also for a task that has no parent there: one that was
//! attached to, or whose parent was released before its child was made known.
//!
//! | field | written by | read by | orders |
//! |---|---|---|---|
//! | `GlobalFlag::holders` | who holds its lock | who holds its lock | sweeps are serial (KTF-2) |
//! | `GlobalFlag::now` | holder of the `holders` lock, before its sweep | `admit`, with the list closed | Release / Acquire as `TaskFlag`; that `admit` reads the newest follows from the list's own lock, which the sweep takes after the write |
//! | `TaskFlag::word` | sweeps and `admit` | anyone | E: Release / Acquire: who finds its flag on sees all that was done before `set_all` |
//!
//! The models are in `tests/loom_global.rs`: the walk without the second copy leaks, and so do a sweep that does not
//! close the list (KTF-7) and a second copy from a parent that has left it.

use crate::host::Platform;
use crate::sync::lock::Lock;
use crate::sync::{AtomicU32, order};
use crate::task::Task;
use core::fmt;

/// What a flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Switch {
    /// Nobody asked.
    #[default]
    Off,
    /// Somebody asked, and has not taken it back.
    On,
}

/// The flag that one task carries.
///
/// It changes while the task runs and tells it nothing: what a set flag leads to begins when the task next looks
/// (KTF-3).
#[derive(Default)]
pub struct TaskFlag {
    word: AtomicU32,
}

impl TaskFlag {
    /// A flag that says this.
    pub fn new(says: Switch) -> TaskFlag {
        TaskFlag { word: AtomicU32::new(says as u32) }
    }

    /// What it says now.
    #[inline]
    pub fn get(&self) -> Switch {
        // Pair E: who sees `On` sees what was done before it was asked for.
        if self.word.load(order::flag_read()) == Switch::On as u32 { Switch::On } else { Switch::Off }
    }

    fn set(&self, to: Switch) {
        self.word.store(to as u32, order::flag_write());
    }
}

impl fmt::Debug for TaskFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskFlag").field(&self.get()).finish()
    }
}

/// Something that carries a [`TaskFlag`]: a task of a host, whatever the host keeps of it.
pub trait CarriesFlag {
    /// Its flag.
    fn flag(&self) -> &TaskFlag;
}

impl CarriesFlag for TaskFlag {
    fn flag(&self) -> &TaskFlag {
        self
    }
}

impl CarriesFlag for Task {
    fn flag(&self) -> &TaskFlag {
        &self.inner.flag
    }
}

/// The tasks of a host.
///
/// A list is open to sweeps or closed to them, never both: a lock that readers share is all it takes.
pub trait TaskList {
    /// What is in the list.
    type Task: CarriesFlag + ?Sized;

    /// The list, closed to sweeps: the right to make a task visible.
    type Closed<'a>
    where
        Self: 'a;

    /// Shows every task in the list to `visit`. Until it returns no task may become visible (KTF-3); one that leaves
    /// meanwhile may be left out.
    fn sweep(&self, visit: &mut dyn FnMut(&Self::Task));
}

/// What setting or clearing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// The first or the last holder: every task's flag was written.
    All,
    /// Others hold it too: nothing was written (KTF-1).
    Nothing,
}

/// Nobody holds the flag, so nobody can let go of it: a caller's bug (KTF-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSet;

impl fmt::Display for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the global flag was cleared more often than it was set; nothing was changed")
    }
}

impl core::error::Error for NotSet {}

/// A counted switch for all tasks of a list.
///
/// ```
/// use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
/// use utrace_core::{AtomicU32, CarriesFlag, GlobalFlag, Platform, Switch, TaskFlag, TaskList, Wakeup};
///
/// /// A host's list: its lock is what closes it.
/// struct Tasks(RwLock<Vec<TaskFlag>>);
///
/// impl Tasks {
///     fn closed(&self) -> RwLockWriteGuard<'_, Vec<TaskFlag>> {
///         self.0.write().unwrap_or_else(PoisonError::into_inner)
///     }
/// }
///
/// impl TaskList for Tasks {
///     type Task = TaskFlag;
///     type Closed<'a> = RwLockWriteGuard<'a, Vec<TaskFlag>>;
///     fn sweep(&self, visit: &mut dyn FnMut(&TaskFlag)) {
///         self.0.read().unwrap_or_else(PoisonError::into_inner).iter().for_each(visit);
///     }
/// }
/// # struct Alone;
/// # impl Platform for Alone {
/// #     fn wait(&self, _word: &AtomicU32, _expected: u32) -> Wakeup { Wakeup::Look }
/// #     fn wake_all(&self, _word: &AtomicU32) {}
/// # }
/// # static PLATFORM: Alone = Alone;
///
/// let global = GlobalFlag::new(Tasks(RwLock::default()), &PLATFORM);
/// let held = global.hold();
///
/// // A task is made: its flag is right before anybody can find it.
/// let mut closed = global.list().closed();
/// let child = TaskFlag::default();
/// global.admit(&mut closed, &child);
/// closed.push(child);
/// assert_eq!(closed[0].get(), Switch::On);
/// drop(closed);
///
/// drop(held);
/// assert_eq!(global.list().closed()[0].get(), Switch::Off);
/// ```
pub struct GlobalFlag<L> {
    list: L,
    /// How many asked for it. Its lock is held through the sweep.
    holders: Lock<usize>,
    /// What the last sweep wrote, or the present one is writing.
    now: TaskFlag,
    platform: &'static dyn Platform,
}

impl<L: TaskList> GlobalFlag<L> {
    /// A switch over the tasks of `list`, off. Their flags must be off too.
    pub fn new(list: L, platform: &'static dyn Platform) -> GlobalFlag<L> {
        GlobalFlag { list, holders: Lock::new(0), now: TaskFlag::default(), platform }
    }

    /// The tasks.
    pub fn list(&self) -> &L {
        &self.list
    }

    /// Sets the flag of all tasks, those to come included, until it is cleared as often as it was set (historic
    /// `set_kernel_trace_flag_all_tasks`).
    ///
    /// When it returns, every task in the list carries what the count says (KTF-5). Waits for a sweep that is under
    /// way, and for the list. Must not be called with the list's lock held.
    #[doc(alias = "set_kernel_trace_flag_all_tasks")]
    pub fn set_all(&self) -> Swept {
        let mut holders = self.holders.lock(self.platform);
        *holders += 1;
        if *holders > 1 {
            return Swept::Nothing;
        }
        self.write_all(Switch::On)
    }

    /// Takes one [`GlobalFlag::set_all`] back (historic `clear_kernel_trace_flag_all_tasks`). Waits as that does.
    ///
    /// # Errors
    /// [`NotSet`] if every one was taken back already.
    #[doc(alias = "clear_kernel_trace_flag_all_tasks")]
    pub fn clear_all(&self) -> Result<Swept, NotSet> {
        let mut holders = self.holders.lock(self.platform);
        *holders = holders.checked_sub(1).ok_or(NotSet)?;
        Ok(if *holders > 0 { Swept::Nothing } else { self.write_all(Switch::Off) })
    }

    /// Sets the flag of all tasks for as long as the answer lives: it cannot be cleared too often (KTF-8).
    #[must_use = "the flag is cleared when this is dropped"]
    pub fn hold(&self) -> FlagHold<'_, L> {
        self.set_all();
        FlagHold { flag: self }
    }

    /// Gives a new task its flag. For who makes tasks visible: with the list closed, just before the task is in it
    /// (KTF-4).
    pub fn admit(&self, _closed: &mut L::Closed<'_>, task: &L::Task) {
        task.flag().set(self.now.get());
    }

    /// Writes the switch and then every task. The caller holds the lock of `holders`.
    fn write_all(&self, to: Switch) -> Swept {
        // Before the sweep: a task that is admitted after the sweep must see it, and one that sees it earlier is swept.
        self.now.set(to);
        self.list.sweep(&mut |task| task.flag().set(to));
        Swept::All
    }
}

impl<L> fmt::Debug for GlobalFlag<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GlobalFlag").field("now", &self.now).finish_non_exhaustive()
    }
}

/// A [`GlobalFlag`] that is set as long as this lives.
pub struct FlagHold<'a, L: TaskList> {
    flag: &'a GlobalFlag<L>,
}

impl<L: TaskList> Drop for FlagHold<'_, L> {
    fn drop(&mut self) {
        // Refused only if somebody cleared what they had not set, and then it is clear already.
        let _ = self.flag.clear_all();
    }
}

impl<L: TaskList> fmt::Debug for FlagHold<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FlagHold").field(&self.flag).finish()
    }
}

#[cfg(test)]
mod tests;
