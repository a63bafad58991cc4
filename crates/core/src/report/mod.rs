//! Reports: what a host calls when something happened to a task (spec section 4).
//!
//! Key types: [`Reporter`], the one right to report for a task; [`Reaper`], the one right to release it;
//! [`Verdict`], what the host does next. `pass` walks the engines, `stop` holds and lets go, and there is one file
//! for each family of events: `syscall`, `signal`, `life`.
//!
//! The life of one stop, on a host:
//!
//! 1. the task stops for an event; if [`crate::Task::wants`] says no, it is resumed at once;
//! 2. the report of the event walks the engines and answers [`Verdict::Go`] or [`Verdict::Park`];
//! 3. `Park`: the host leaves the task where it is, serves others, and after [`crate::TaskHost::wake`] asks
//!    [`Reporter::woken`] what is next: the same report again, or go;
//! 4. just before user mode, and only if something is owed, [`Reporter::to_user`] makes the last report;
//! 5. `Go(action)`: the host resumes the task, with a step or with another report to come as `action` says.

mod life;
pub(crate) mod pass;
mod signal;
mod stop;
mod syscall;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::payload::SyscallAction;
use crate::record::{Ledger, Life, splice};
use crate::reset::{Leavers, reset};
use crate::sync::list::Walker;
use crate::sync::lock::Guard;
use crate::task::Task;
use core::cell::Cell;
use core::fmt;

pub use life::Reaper;

/// What the host does with the task after a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a parked task must not be resumed"]
pub enum Verdict {
    /// Resume it. `Resume` means no more than that; the steps mean one step; `Report` and `Interrupt` mean that it
    /// must come to [`Reporter::to_user`] (at once, if this is the last point before user mode already).
    Go(Action),
    /// Leave it stopped until [`crate::TaskHost::wake`], then ask [`Reporter::woken`].
    Park,
}

/// What the host does with a task that was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the task is waiting"]
pub enum Woken {
    /// Make the report that it was parked in once more, with its state read anew: somebody asked for it.
    Repeat,
    /// Resume it, as with [`Verdict::Go`].
    Go(Action),
    /// Engines hold it again, or still: leave it.
    Parked,
}

/// What the host does with a task that is in a group stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the task is waiting"]
pub enum InGroupStop {
    /// Engines hold it there: leave it where it can be examined.
    Hold,
    /// Nobody does: leave it there until the process goes on.
    Listen,
    /// It is out of it: resume it, as with [`Verdict::Go`].
    Leave(Action),
}

/// Where a parked task was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Not parked.
    Nowhere,
    /// Before a syscall: a requested report repeats the entry report.
    SyscallEntry(SyscallAction),
    /// In the last report before user mode, which a requested report repeats.
    ToUser,
    /// Continued by job control while engines hold it: the continue is still to be reported.
    Continued,
    /// At a point that is not reported twice.
    Once,
}

/// The right to report for one task. Not Clone: reports of a task are serial (INV-41).
///
/// A callback that panics unwinds through the report, with its engine marked for detach. A host that catches the
/// panic makes the same report again, and the engines after that one get their callbacks.
///
/// Dropping it says that the host no longer reports for the task: engines leave without a death or reap callback.
pub struct Reporter {
    pub(crate) task: Task,
    /// Ours while the task may report; in the ledger while it is stopped or dead.
    pub(crate) walker: Option<Walker>,
    pub(crate) at: At,
    /// The platform's kind of fence, kept here because every callback asks.
    pub(crate) symmetric: bool,
    /// A pass that a panic cut short.
    pub(crate) broken: Cell<Option<pass::Broken>>,
}

impl Reporter {
    pub(crate) fn new(task: Task) -> Reporter {
        let symmetric = task.inner.symmetric;
        Reporter { task, walker: None, at: At::Nowhere, symmetric, broken: Cell::new(None) }
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Gets the walker, splices, and takes over what is owed: step BEGIN when it needs the lock.
    ///
    /// Answers what was owed. A pending `Interrupt` is left for the signal path (spec section 4, step 1).
    #[cold]
    pub(crate) fn begin_locked(&mut self) {
        let mut ledger = self.task.lock();
        reclaim(&mut self.walker, &mut ledger);
        let Some(walker) = &mut self.walker else { return };
        splice(&mut ledger, walker);
        if walker.record().pending().action() != Action::Interrupt {
            walker.record().set_pending_action(&ledger, Action::Resume);
        }
    }

    /// Resets under the lock, and drops who left after it.
    #[cold]
    pub(crate) fn reset(&mut self) {
        let mut ledger = self.task.lock();
        reclaim(&mut self.walker, &mut ledger);
        let Some(walker) = &mut self.walker else { return };
        let leavers: Leavers = reset(&self.task, &mut ledger, walker);
        drop(ledger);
        leavers.drop_unlocked();
    }

    /// Drops engines that are marked for detach and splices new ones, between reports: see
    /// [`crate::TaskHost::tidy`].
    pub fn tidy(&mut self) {
        let mut ledger = self.task.lock();
        // A task that was parked since it was asked stays quiescent: its walker stays where it is.
        let parked = ledger.walker.take();
        let quiescent = parked.is_some();
        let Some(mut walker) = parked.or_else(|| self.walker.take()) else { return };
        let leavers = reset(&self.task, &mut ledger, &mut walker);
        if quiescent {
            ledger.walker = Some(walker);
        } else {
            self.walker = Some(walker);
        }
        drop(ledger);
        leavers.drop_unlocked();
    }

    /// The thread has a new id: a thread that was not the leader made an exec (INV-36).
    pub fn set_id(&mut self, id: crate::TaskId) {
        self.task.set_id(id);
    }
}

/// Takes the walker out of the ledger if it is there.
pub(crate) fn reclaim(walker: &mut Option<Walker>, ledger: &mut Guard<'_, Ledger>) {
    if walker.is_none() {
        *walker = ledger.walker.take();
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        let mut ledger = self.task.lock();
        if ledger.life >= Life::Zombie {
            // A zombie's engines wait for its reaper, with the walker already in the ledger.
            if ledger.walker.is_none() {
                ledger.walker = self.walker.take();
            }
            return;
        }
        reclaim(&mut self.walker, &mut ledger);
        ledger.life = Life::Gone;
        ledger.hold = crate::record::Hold::None;
        let Some(walker) = &mut self.walker else { return };
        splice(&mut ledger, walker);
        for engine in walker.engines() {
            engine.mark(&ledger);
        }
        let leavers = reset(&self.task, &mut ledger, walker);
        // Who waits for the end of a death pass that nobody goes on with.
        walker.record().settled(&ledger, self.task.inner.platform);
        drop(ledger);
        leavers.drop_unlocked();
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter")
            .field("task", &self.task.id())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
