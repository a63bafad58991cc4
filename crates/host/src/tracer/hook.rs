//! What the core can ask of us for one task: [`Hook`]. Called from any thread; everything turns into a message.

use core::sync::atomic::{AtomicI32, Ordering};
use std::fs;
use std::sync::Arc;

use utrace_core::{Target, TargetError, Task, TaskHost};

use super::message::Message;
use super::table::Key;
use super::view::Afar;
use crate::current;
use crate::shared::Shared;
use crate::types::Tid;

/// The host's side of one task.
pub(crate) struct Hook {
    shared: Arc<Shared>,
    key: Key,
    /// Changes at an exec by a thread that was not the leader.
    tid: Arc<AtomicI32>,
}

impl Hook {
    pub(crate) fn new(shared: Arc<Shared>, key: Key, tid: Arc<AtomicI32>) -> Self {
        Self { shared, key, tid }
    }

    fn tid(&self) -> Option<Tid> {
        Tid::new(self.tid.load(Ordering::Relaxed))
    }

    fn post(&self, message: Message) {
        // A host that has ended has let go of every task: there is nothing left to ask.
        let _ = self.shared.mailbox.post(message);
    }
}

impl TaskHost for Hook {
    fn request_report(&self, _task: &Task) {
        self.post(Message::Report(self.key));
    }

    fn request_interrupt(&self, _task: &Task) {
        self.post(Message::Interrupt(self.key));
    }

    fn wake(&self, _task: &Task) {
        self.post(Message::Wake(self.key));
    }

    fn tidy(&self, _task: &Task) {
        self.post(Message::Tidy(self.key));
    }

    fn interest_changed(&self, _task: &Task) {
        self.post(Message::Interest(self.key));
    }

    fn is_current(&self) -> bool {
        self.shared.mailbox.is_owner()
            && self.shared.current.load(Ordering::Relaxed) == self.tid.load(Ordering::Relaxed)
    }

    fn unwound(&self, engine: &str) {
        self.shared.set_unwound(engine);
    }

    fn off_cpu(&self) -> Option<u64> {
        let tid = self.tid()?;
        let off =
            || fs::read(format!("/proc/{tid}/syscall")).ok().filter(|line| !line.starts_with(b"running"));
        off()?;
        // One time slice more, and it ran.
        let slices = current::slices(tid).ok()?;
        off().map(|_| slices)
    }

    fn with_target(&self, examine: &mut (dyn FnMut(&mut dyn Target) + Send)) -> Result<(), TargetError> {
        let tid = self.tid().ok_or(TargetError::Died)?;
        let mut afar = Afar { shared: Arc::clone(&self.shared), key: self.key, tid };
        examine(&mut afar);
        Ok(())
    }
}
