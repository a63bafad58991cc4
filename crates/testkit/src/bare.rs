//! A task without a world: for tests that make the reports themselves.
//!
//! Key types: [`Bare`]. It does nothing of what the core asks for, but notes that it was asked.

use crate::gate::lock;
use crate::sim::SimPlatform;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use utrace_core::{Addr, Reaper, Regset, Reporter, Target, TargetError, Task, TaskHost, TaskId};

/// Host and target of a bare task. Clones are the same.
#[derive(Clone, Default)]
pub struct Bare {
    current: Arc<Mutex<Option<ThreadId>>>,
    unwound: Arc<AtomicUsize>,
    told: Arc<AtomicUsize>,
}

impl Bare {
    /// A task, its two rights, and the host behind it.
    pub fn task() -> (Task, Reporter, Reaper, Bare) {
        let host = Bare::default();
        let (task, reporter, reaper) =
            Task::new(TaskId(1), TaskId(1), Box::new(host.clone()), SimPlatform::get());
        (task, reporter, reaper, host)
    }

    /// The calling thread is the one that reports.
    pub fn report_here(&self) {
        *lock(&self.current) = Some(std::thread::current().id());
    }

    /// How often the core said that more is wanted.
    pub fn told(&self) -> usize {
        self.told.load(Ordering::SeqCst)
    }

    /// How many callbacks panicked.
    pub fn unwound(&self) -> usize {
        self.unwound.load(Ordering::SeqCst)
    }
}

impl TaskHost for Bare {
    fn request_report(&self, _task: &Task) {}

    fn request_interrupt(&self, _task: &Task) {}

    fn wake(&self, _task: &Task) {}

    fn tidy(&self, _task: &Task) {}

    fn interest_changed(&self, _task: &Task) {
        self.told.fetch_add(1, Ordering::SeqCst);
    }

    fn is_current(&self) -> bool {
        *lock(&self.current) == Some(std::thread::current().id())
    }

    fn unwound(&self, _engine: &str) {
        self.unwound.fetch_add(1, Ordering::SeqCst);
    }
}

impl Target for Bare {
    fn read(&mut self, at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }

    fn write(&mut self, at: Addr, _bytes: &[u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }

    fn regset(&mut self, _set: Regset, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Unsupported)
    }

    fn set_regset(&mut self, _set: Regset, _bytes: &[u8]) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}
