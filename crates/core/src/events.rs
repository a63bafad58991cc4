//! Declaring interest: [`EngineRef::set_events`] and its `_sync` form (spec section 2).

use crate::action::{Progress, SetEventsError, SyncError};
use crate::attached::EngineRef;
use crate::event::{Event, EventSet};
use crate::interest::Interest;
use crate::record::{Ledger, Life};
use crate::reset::reset;
use crate::sync::lock::Guard;

/// The events that a dying task has already used.
fn deathly() -> EventSet {
    Event::Death | Event::Quiesce
}

/// Whether going from `old` to `new` forbids something that was allowed.
fn takes_away(old: &Interest, new: &Interest) -> bool {
    let gone = old.events - new.events;
    let fewer_syscalls =
        old.events.intersects(EventSet::SYSCALL) && old.syscalls.union(&new.syscalls) != new.syscalls;
    let fewer_signals =
        old.events.intersects(EventSet::SIGNAL) && old.signals.union(new.signals) != new.signals;
    !gone.is_empty() || fewer_syscalls || fewer_signals
}

impl EngineRef {
    /// Declares what the engine wants from now on (historic `utrace_set_events`).
    ///
    /// What is added holds for events that begin after the call. What is taken away is certain only with
    /// [`Progress::Done`]: no callback outside the new interest is running or will start (INV-14).
    /// [`Progress::InProgress`] (`-EINPROGRESS`) says that at most the callback that runs now may still be one; the
    /// same call again answers `Done` once it is over.
    /// It is never answered to the task itself, nor for a stopped or dead task (INV-15). Never blocks.
    ///
    /// # Errors
    /// [`SetEventsError::Gone`] (`-ESRCH`); [`SetEventsError::AlreadyDying`] (`-EALREADY`) when death or quiesce is
    /// asked for after death, or declined while the death callbacks run. Nothing is changed then.
    pub fn set_events(&self, interest: impl Into<Interest>) -> Result<Progress, SetEventsError> {
        let new = interest.into();
        // Asked before the lock is taken: a host may have locks of its own.
        let by_the_task = self.task.inner.host.is_current();
        let mut ledger = self.task.lock();
        let old = self.check_set_events(&ledger, &new)?;
        let Some(record) = self.task.record() else { return Err(SetEventsError::Gone) };
        // INV-11: what the task may report grows before the engine's own word, and at once.
        let mask = self.task.inner.mask.own(&ledger);
        let grown = mask | new.events.bits();
        self.task.inner.mask.write(&ledger, grown);
        let grew = record.grow(&ledger, &new) | (grown != mask);
        self.attached.set_interest(&ledger, &new);
        // Quiescent: nobody is inside a callback, and what is wanted can shrink at once.
        if let Some(mut walker) = ledger.walker.take() {
            self.attached.set_unsettled(&ledger, false);
            let leavers = reset(&self.task, &mut ledger, &mut walker);
            ledger.walker = Some(walker);
            drop(ledger);
            leavers.drop_unlocked();
            self.tell_host(grew);
            return Ok(Progress::Done);
        }
        // A call that forbids nothing new answers for the one before, if nothing was allowed since: asked again after
        // InProgress, Done means that the old callback is over (spec section 2).
        let (takes_away, adds) = (takes_away(&old, &new), takes_away(&new, &old));
        let was_unsettled = self.attached.own_word(&ledger).is_unsettled();
        let disables = takes_away || (was_unsettled && !adds);
        // What runs in a death pass cannot be taken away any more, so nothing that was is running (INV-15, SC-75).
        let dying = ledger.life == Life::Dying;
        let in_progress = disables && !dying && !by_the_task && self.is_reported();
        self.attached.set_unsettled(&ledger, in_progress || (was_unsettled && !disables));
        drop(ledger);
        self.tell_host(grew);
        if in_progress { Ok(Progress::InProgress) } else { Ok(Progress::Done) }
    }

    fn check_set_events(
        &self,
        ledger: &Guard<'_, Ledger>,
        new: &Interest,
    ) -> Result<Interest, SetEventsError> {
        if !self.attached.own_word(ledger).counts() || ledger.reap_begun() {
            return Err(SetEventsError::Gone);
        }
        let old = self.attached.interest(ledger);
        let cleared = (old.events - new.events) & deathly();
        let asked = (new.events - old.events) & deathly();
        // INV-16, INV-17: the lock serialises this with the task's own steps into death.
        if (ledger.life == Life::Dying && !cleared.is_empty())
            || (ledger.life >= Life::Dead && !asked.is_empty())
        {
            return Err(SetEventsError::AlreadyDying);
        }
        Ok(old)
    }

    fn tell_host(&self, grew: bool) {
        if grew {
            self.task.inner.host.interest_changed(&self.task);
        }
    }

    /// Whether another thread is inside a callback of this engine. Call after what must not be missed is written.
    pub(crate) fn is_in_callback(&self) -> bool {
        !self.task.inner.host.is_current() && self.is_reported()
    }

    /// Whether a callback of this engine runs.
    fn is_reported(&self) -> bool {
        let Some(record) = self.task.record() else { return false };
        // Pair A: our write to the word is before this read of `reporting`.
        self.task.inner.platform.heavy_fence();
        record.is_reporting(&self.attached)
    }

    /// [`EngineRef::set_events`], and waits for a forbidden callback to end. Must not be called with a lock held
    /// that the engine's callbacks take.
    ///
    /// It waits for callbacks only, never for the task: a target that sleeps for a week does not matter.
    ///
    /// # Errors
    /// As [`EngineRef::set_events`], or [`SyncError::Interrupted`].
    pub fn set_events_sync(&self, interest: impl Into<Interest>) -> Result<(), SyncError> {
        let interest = interest.into();
        match self.set_events(interest)? {
            Progress::Done => Ok(()),
            Progress::InProgress => match self.barrier() {
                // Gone: detached meanwhile by the callback or another thread, and the callback is over.
                Ok(()) | Err(crate::BarrierError::Gone) => Ok(()),
                Err(crate::BarrierError::Interrupted) => Err(SyncError::Interrupted),
            },
        }
    }
}
