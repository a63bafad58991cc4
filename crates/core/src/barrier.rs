//! Barrier: wait for the callback that runs now (historic `utrace_barrier`, spec section 2).

use crate::action::BarrierError;
use crate::attached::EngineRef;
use crate::record::Record;

impl EngineRef {
    /// Waits until no callback of this engine runs. `Ok` means that what the last one returned is applied
    /// (INV-8). For the task itself it answers at once.
    ///
    /// It waits for a callback, never for the task to wake: unlike the historic call it is bounded for an engine
    /// that is marked for detach on a sleeping task (SC-25). Must not be called with a lock held that the
    /// callback takes.
    ///
    /// # Errors
    /// [`BarrierError::Gone`] (`-ESRCH`) for an engine that is detached, or marked for detach with no callback
    /// running, or whose task is being reaped; [`BarrierError::Interrupted`] (`-ERESTARTSYS`).
    pub fn barrier(&self) -> Result<(), BarrierError> {
        if self.task.inner.host.is_current() {
            return Ok(());
        }
        let Some(record) = self.task.record() else { return Err(BarrierError::Gone) };
        if self.attached.word().is_detached() || self.task.lock().reap_begun() {
            return Err(BarrierError::Gone);
        }
        self.wait_for_callback(record)?;
        // Read after `reporting`, whose Acquire makes what the callback returned visible. A detach that it
        // returned is Gone, never Ok (INV-8).
        if self.attached.word().counts() {
            return Ok(());
        }
        // It may have been marked after that look, in a callback that began after it. Whoever looks at the word from
        // now on finds the mark, so this wait is for the last one.
        self.wait_for_callback(record)?;
        Err(BarrierError::Gone)
    }

    /// Waits for the callback that was seen to begin before this call (pair A).
    fn wait_for_callback(&self, record: &Record) -> Result<(), BarrierError> {
        let platform = self.task.inner.platform;
        platform.heavy_fence();
        let over = || !record.is_reporting(&self.attached);
        if over() || record.wait_until(platform, over) { Ok(()) } else { Err(BarrierError::Interrupted) }
    }
}
