//! What the core can ask of us for one task: [`Hook`]. Called from any thread; everything turns into a message.

use core::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::fs;
use std::sync::Arc;

use utrace_core::{Target, TargetError, Task, TaskHost};

use super::message::Message;
use super::table::Key;
use super::view::Afar;
use crate::current;
use crate::shared::Shared;
use crate::sys::{ptrace, wait};
use crate::types::Tid;

/// What the tracer thread tells hooks of a tracee, which itself is that thread's alone.
///
/// Both fields are written by the tracer thread; `tid` is read by any. Relaxed: each stands for itself.
pub(crate) struct Sign {
    /// Changes at an exec by a thread that was not the leader.
    tid: AtomicI32,
    /// Whether it is left in a group stop, where the kernel shows no registers (ptrace(2), `PTRACE_LISTEN`).
    listening: AtomicU8,
}

/// Values of [`Sign::listening`].
const NOT: u8 = 0;
const LISTENS: u8 = 1;
const ROUSED: u8 = 2;

impl Sign {
    pub(crate) fn new(tid: Tid) -> Self {
        Self { tid: AtomicI32::new(tid.raw()), listening: AtomicU8::new(NOT) }
    }

    pub(crate) fn rename(&self, tid: Tid) {
        self.tid.store(tid.raw(), Ordering::Relaxed);
    }

    /// It is left in a group stop.
    pub(crate) fn listens(&self) {
        self.listening.store(LISTENS, Ordering::Relaxed);
    }

    /// It is at its next stop. Answers whether that was made by [`Sign::rouse`].
    pub(crate) fn stopped(&self) -> bool {
        self.listening.swap(NOT, Ordering::Relaxed) == ROUSED
    }

    /// Has a tracee that is left in a group stop show its registers: it stops anew where it is, or at the end of the group
    /// stop, and the main loop finds that stop later. Tracer thread only.
    pub(crate) fn rouse(&self) {
        let listens = self.listening.load(Ordering::Relaxed) == LISTENS;
        if let (true, Some(tid)) = (listens, Tid::new(self.tid.load(Ordering::Relaxed)))
            && ptrace::interrupt(tid).is_ok()
            && wait::await_news(tid).is_ok()
        {
            self.listening.store(ROUSED, Ordering::Relaxed);
        }
    }
}

/// The host's side of one task.
pub(crate) struct Hook {
    shared: Arc<Shared>,
    key: Key,
    sign: Arc<Sign>,
}

impl Hook {
    pub(crate) fn new(shared: Arc<Shared>, key: Key, sign: Arc<Sign>) -> Self {
        Self { shared, key, sign }
    }

    fn tid(&self) -> Option<Tid> {
        Tid::new(self.sign.tid.load(Ordering::Relaxed))
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
            && self.shared.current.load(Ordering::Relaxed) == self.sign.tid.load(Ordering::Relaxed)
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
        let mut afar = Afar { shared: &self.shared, sign: &self.sign, key: self.key, tid };
        examine(&mut afar);
        Ok(())
    }
}
