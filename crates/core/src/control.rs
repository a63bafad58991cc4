//! Control: hold, let go, ask for a report, step, detach (historic `utrace_control`, spec section 2).

use crate::action::{Action, ControlError, Detached, Progress, SetEventsError, SyncError};
use crate::attached::EngineRef;
use crate::event::Event;
use crate::host::Steps;
use crate::record::{Ledger, Life, Wish};
use crate::reset::{is_held, reset};
use crate::sync::lock::Guard;
use crate::task::MASK_STOP;

/// What the host must be asked once the lock is free.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    Nothing,
    Report,
    Interrupt,
    Wake,
    Tidy,
}

impl EngineRef {
    /// Asks the task to do something on this engine's behalf. Never blocks.
    ///
    /// | action | after success |
    /// |---|---|
    /// | `Stop` | held until this engine lets go. `InProgress`: not yet stopped, a report was asked for |
    /// | `Interrupt` | this engine's hold dropped; a signal-path report comes, ending an interruptible sleep |
    /// | `Report` | this engine's hold dropped; some report comes before user mode; sleepers sleep on |
    /// | `SingleStep`, `BlockStep` | this engine's hold dropped; one step, if nobody chooses a stronger action |
    /// | `Resume` | this engine's hold dropped, no more |
    /// | `Detach` | no callback any more. `InProgress`: but for the one that runs now |
    ///
    /// A control issued while a callback of this engine runs is ordered before what that callback returns
    /// (INV-21).
    ///
    /// # Errors
    /// [`ControlError`]; arguments are checked before states. A dead task answers `Gone` to all but `Detach`.
    pub fn control(&self, action: Action) -> Result<Progress, ControlError> {
        self.control_with(action, Wish::Stay)
    }

    /// As [`EngineRef::control`], and a task that is in a group stop leaves it: only this thread runs, while its process
    /// stays stopped (`PTRACE_CONT` out of a group stop, ptrace(2)). It stays if another engine that held it there let go
    /// with [`EngineRef::control`]. The next group stop stops it anew.
    ///
    /// # Errors
    /// As [`EngineRef::control`].
    pub fn leave_group_stop(&self, action: Action) -> Result<Progress, ControlError> {
        self.control_with(action, Wish::Leave)
    }

    fn control_with(&self, action: Action, wish: Wish) -> Result<Progress, ControlError> {
        let action = self.check_arguments(action)?;
        let mut ledger = self.task.lock();
        self.check_state(&ledger, action)?;
        match action {
            Action::Stop => Ok(self.stop(ledger)),
            Action::Detach => Ok(self.detach(ledger)),
            _ => {
                let held = self.attached.own_word(&ledger).stops();
                self.attached.clear_stop(&ledger);
                if let Some(record) = self.task.record() {
                    record.owe(&ledger, action);
                }
                if held && ledger.hold.jctl() {
                    ledger.wish = ledger.wish.max(wish);
                }
                let ask = match (ledger.hold.traced(), ledger.hold.jctl(), action) {
                    (true, _, _) => self.release_hold(&mut ledger),
                    (false, true, _) | (false, false, Action::Resume) => Ask::Nothing,
                    (false, false, Action::Interrupt) => Ask::Interrupt,
                    (false, false, _) => Ask::Report,
                };
                drop(ledger);
                self.ask(ask);
                Ok(Progress::Done)
            }
        }
    }

    fn check_arguments(&self, action: Action) -> Result<Action, ControlError> {
        let needs_quiesce = matches!(action, Action::Report | Action::SingleStep | Action::BlockStep);
        if needs_quiesce && !self.attached.word().wants(Event::Quiesce) {
            return Err(ControlError::NeedsQuiesce);
        }
        match (action, self.task.inner.host.steps()) {
            (Action::SingleStep | Action::BlockStep, Steps::None) => Err(ControlError::NoHardware),
            (Action::BlockStep, Steps::Single) => Ok(Action::SingleStep),
            _ => Ok(action),
        }
    }

    fn check_state(&self, ledger: &Guard<'_, Ledger>, action: Action) -> Result<(), ControlError> {
        if !self.attached.own_word(ledger).counts() || ledger.reap_begun() {
            return Err(ControlError::Gone);
        }
        match (ledger.life, action) {
            (Life::Alive, _) | (Life::Dead | Life::Zombie, Action::Detach) => Ok(()),
            (Life::Dying, Action::Detach) => Err(ControlError::AlreadyDying),
            _ => Err(ControlError::Gone),
        }
    }

    fn stop(&self, mut ledger: Guard<'_, Ledger>) -> Progress {
        self.attached.set_stop(&ledger);
        let mask = &self.task.inner.mask;
        mask.write(&ledger, mask.own(&ledger) | MASK_STOP);
        if ledger.hold.traced() || ledger.hold.jctl() {
            if !ledger.hold.traced() {
                ledger.wish = Wish::None;
            }
            ledger.hold = ledger.hold.with_traced(true);
            return Progress::Done;
        }
        if let Some(record) = self.task.record() {
            record.owe(&ledger, Action::Report);
        }
        drop(ledger);
        self.ask(Ask::Report);
        Progress::InProgress
    }

    fn detach(&self, mut ledger: Guard<'_, Ledger>) -> Progress {
        self.attached.mark(&ledger);
        let waiting = ledger
            .attaching
            .iter()
            .position(|waiting| alloc::sync::Arc::ptr_eq(&waiting.engine, &self.attached));
        if let Some(position) = waiting {
            // Never spliced: no pass has seen it, so it leaves at once.
            let leaver = ledger.attaching.remove(position);
            self.attached.set_detached(&ledger);
            let ask = self.release_hold(&mut ledger);
            drop(ledger);
            drop(leaver);
            self.ask(ask);
            return Progress::Done;
        }
        if let Some(mut walker) = ledger.walker.take() {
            // Quiescent: leave the list now (spec: synchronous).
            let leavers = reset(&self.task, &mut ledger, &mut walker);
            ledger.walker = Some(walker);
            let ask = self.release_hold(&mut ledger);
            drop(ledger);
            leavers.drop_unlocked();
            self.ask(ask);
            return Progress::Done;
        }
        drop(ledger);
        self.ask(Ask::Tidy);
        if self.is_in_callback() { Progress::InProgress } else { Progress::Done }
    }

    /// Lets a stopped task go if nobody holds it any more: the one place that ends a stop (INV-23).
    fn release_hold(&self, ledger: &mut Guard<'_, Ledger>) -> Ask {
        if !ledger.hold.traced() || is_held(ledger) {
            return Ask::Nothing;
        }
        ledger.hold = ledger.hold.with_traced(false);
        // Nobody holds it, so nobody wants a stop: or each return to user mode would look for one.
        let mask = &self.task.inner.mask;
        mask.write(ledger, mask.own(ledger) & !MASK_STOP);
        if ledger.life == Life::Alive { Ask::Wake } else { Ask::Nothing }
    }

    fn ask(&self, ask: Ask) {
        let host = &self.task.inner.host;
        match ask {
            Ask::Nothing => {}
            Ask::Report => host.request_report(&self.task),
            Ask::Interrupt => host.request_interrupt(&self.task),
            Ask::Wake => host.wake(&self.task),
            Ask::Tidy => host.tidy(&self.task),
        }
    }

    /// Detaches and makes sure that every callback is over, waiting for the one that runs if there is one.
    ///
    /// The answer is never ambiguous: all is over, or the reap callback certainly runs, ran or will run. It waits
    /// for callbacks only, never for the task.
    ///
    /// # Errors
    /// [`SyncError::Interrupted`].
    pub fn detach_sync(&self) -> Result<Detached, SyncError> {
        loop {
            match self.set_events_sync(Event::Reap) {
                Ok(()) => {}
                Err(SyncError::Gone) => return self.already_gone(),
                Err(SyncError::Interrupted) => return Err(SyncError::Interrupted),
                Err(SyncError::AlreadyDying) => {
                    self.wait_for_death_pass()?;
                    continue;
                }
            }
            match self.control(Action::Detach) {
                Ok(Progress::Done) => return Ok(Detached::Over),
                Ok(Progress::InProgress) => {
                    return match self.barrier() {
                        Err(crate::BarrierError::Interrupted) => Err(SyncError::Interrupted),
                        Ok(()) | Err(crate::BarrierError::Gone) => Ok(Detached::Over),
                    };
                }
                Err(ControlError::AlreadyDying) => self.wait_for_death_pass()?,
                Err(_) => return self.already_gone(),
            }
        }
    }

    /// Detached already by somebody else, or being reaped: which of the two.
    fn already_gone(&self) -> Result<Detached, SyncError> {
        let ledger = self.task.lock();
        let word = self.attached.own_word(&ledger);
        drop(ledger);
        // Still counting and yet refused: the reap has begun and comes to it. Reaped: it has.
        if word.counts() || word.is_reaped() {
            return Ok(Detached::ReapRuns);
        }
        match self.barrier() {
            Err(crate::BarrierError::Interrupted) => Err(SyncError::Interrupted),
            _ => Ok(Detached::Over),
        }
    }

    /// Waits until the death callbacks are over: the answer to a change that came too late for them.
    fn wait_for_death_pass(&self) -> Result<(), SyncError> {
        let Some(record) = self.task.record() else { return Ok(()) };
        if self.task.inner.host.is_current() {
            // Inside the death pass itself: its own callback cannot wait for its own end.
            return Err(SyncError::AlreadyDying);
        }
        let over = || self.task.lock().life != Life::Dying;
        if record.wait_until(self.task.inner.platform, over) { Ok(()) } else { Err(SyncError::Interrupted) }
    }
}

impl From<SetEventsError> for SyncError {
    fn from(error: SetEventsError) -> SyncError {
        match error {
            SetEventsError::Gone => SyncError::Gone,
            SetEventsError::AlreadyDying => SyncError::AlreadyDying,
        }
    }
}
