//! Examine: look at a task that this engine holds, and know that it stayed put (historic
//! `utrace_prepare_examine`, `utrace_finish_examine`; spec section 2).

use crate::action::ExamineError;
use crate::attached::EngineRef;
use crate::record::{Ledger, Life};
use crate::sync::lock::Guard;
use crate::target::{Target, TargetError};
use crate::task::Task;

/// The right to look at a task that was off the processor when it was given.
///
/// What was read is good only if [`Examine::finish`] says so.
#[derive(Debug)]
#[must_use = "data is trusted only after `finish`"]
pub struct Examine<'a> {
    engine: &'a EngineRef,
    stamp: u64,
}

impl EngineRef {
    fn check_examine(&self, ledger: &Guard<'_, Ledger>) -> Result<(), ExamineError> {
        let word = self.attached.own_word(ledger);
        if !word.stops() || !word.counts() {
            return Err(ExamineError::NotHeld);
        }
        if ledger.life != Life::Alive { Err(ExamineError::Dead) } else { Ok(()) }
    }

    /// Begins an examination. Call it after a stop was answered with [`crate::Progress::Done`], or from any thread
    /// after a callback returned [`crate::Action::Stop`].
    ///
    /// # Errors
    /// [`ExamineError::NotHeld`] (`-EINVAL`) unless this engine holds the task; [`ExamineError::Dead`] (`-ESRCH`);
    /// [`ExamineError::Ran`] (`-EAGAIN`) while it still runs.
    pub fn prepare_examine(&self) -> Result<Examine<'_>, ExamineError> {
        self.check_examine(&self.task.lock())?;
        let stamp = self.task.inner.host.off_cpu().ok_or(ExamineError::Ran)?;
        Ok(Examine { engine: self, stamp })
    }

    /// The examination that began when [`Examine::stamp`] was this: for a caller that cannot keep the [`Examine`]
    /// itself. A stamp of another time makes [`Examine::finish`] answer [`ExamineError::Ran`].
    pub fn examine_since(&self, stamp: u64) -> Examine<'_> {
        Examine { engine: self, stamp }
    }

    /// Examines in one go: what `look` found is answered only if the task stayed put (INV-37).
    ///
    /// # Errors
    /// As [`EngineRef::prepare_examine`]; [`ExamineError::Ran`] also if the task ran meanwhile.
    pub fn examine<T: Send>(
        &self,
        look: impl FnOnce(&mut dyn Target) -> T + Send,
    ) -> Result<T, ExamineError> {
        let examine = self.prepare_examine()?;
        let found = examine.with_target(look).map_err(|error| match error {
            TargetError::Died => ExamineError::Dead,
            _ => ExamineError::Ran,
        })?;
        examine.finish()?;
        Ok(found)
    }
}

impl Task {
    /// Looks at a living task, whether anybody holds it or not (historic `access_process_vm`).
    ///
    /// Memory can be had at any time and registers only while it is held; neither is known to be of one instant unless an
    /// engine holds the task and examines it ([`EngineRef::examine`]).
    ///
    /// # Errors
    /// [`TargetError::Died`], also for a task that its host has left; [`TargetError::Unsupported`].
    pub fn with_target<T: Send>(
        &self,
        look: impl FnOnce(&mut dyn Target) -> T + Send,
    ) -> Result<T, TargetError> {
        if self.lock().life != Life::Alive {
            return Err(TargetError::Died);
        }
        let (mut look, mut found) = (Some(look), None);
        self.inner.host.with_target(&mut |target| {
            if let Some(look) = look.take() {
                found = Some(look(target));
            }
        })?;
        found.ok_or(TargetError::Died)
    }
}

impl Examine<'_> {
    /// When this examination began, as [`EngineRef::examine_since`] takes it.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Looks at the task. May be called several times.
    ///
    /// # Errors
    /// [`TargetError::Died`], [`TargetError::Unsupported`].
    pub fn with_target<T: Send>(
        &self,
        look: impl FnOnce(&mut dyn Target) -> T + Send,
    ) -> Result<T, TargetError> {
        let (mut look, mut found) = (Some(look), None);
        self.engine.task.inner.host.with_target(&mut |target| {
            if let Some(look) = look.take() {
                found = Some(look(target));
            }
        })?;
        found.ok_or(TargetError::Died)
    }

    /// Ends the examination. `Ok` means that the task was off the processor all the time (INV-37).
    ///
    /// # Errors
    /// [`ExamineError::NotHeld`] if this engine let go meanwhile; [`ExamineError::Ran`]: discard what was read.
    pub fn finish(self) -> Result<(), ExamineError> {
        match self.engine.check_examine(&self.engine.task.lock()) {
            Ok(()) => {}
            // A death is seen as a change of state (spec section 2).
            Err(ExamineError::Dead) => return Err(ExamineError::Ran),
            Err(error) => return Err(error),
        }
        if self.engine.task.inner.host.off_cpu() == Some(self.stamp) {
            Ok(())
        } else {
            Err(ExamineError::Ran)
        }
    }
}
