//! A host, a platform and a target that do nothing: for the tests and benches that make the reports themselves.
//!
//! Shared by path: the unit tests, `tests/` and `benches/` are crates of their own.

use utrace_core::{
    Addr, AtomicU32, Fences, Platform, Reaper, Regset, Reporter, Target, TargetError, Task, TaskHost, TaskId,
    Wakeup,
};

/// The thread that uses it acts for every task: it is the one that reports.
pub(crate) struct Stub;

impl Stub {
    /// A task, and the two rights to it.
    pub(crate) fn task() -> (Task, Reporter, Reaper) {
        Task::new(TaskId(1), TaskId(1), std::boxed::Box::new(Stub), &Stub)
    }
}

impl TaskHost for Stub {
    fn request_report(&self, _task: &Task) {}
    fn request_interrupt(&self, _task: &Task) {}
    fn wake(&self, _task: &Task) {}
    fn tidy(&self, _task: &Task) {}
    fn interest_changed(&self, _task: &Task) {}
    fn is_current(&self) -> bool {
        true
    }
}

impl Platform for Stub {
    fn wait(&self, _word: &AtomicU32, _expected: u32) -> Wakeup {
        std::thread::yield_now();
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {}
    /// As on a host with membarrier(2), which is where speed is measured. Nothing here has a second thread that
    /// could see the difference.
    fn fences(&self) -> Fences {
        Fences::Asymmetric
    }
}

impl Target for Stub {
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
