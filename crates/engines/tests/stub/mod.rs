//! A task without a host, for the allocation test and the bench: only syscalls, nothing to read.

use utrace_core::{
    Addr, AtomicU32, Platform, Regset, Reporter, Syscall, SyscallEntry, SyscallExit, Target, TargetError,
    Task, TaskHost, TaskId, Wakeup,
};
use utrace_engines::registry;
use utrace_engines::tool::{Origin, Tool};

/// `getppid` on x86-64.
const GETPPID: u64 = 110;
/// `AUDIT_ARCH_X86_64`.
const ARCH: u32 = 0xc000_003e;

struct Stub;

impl Platform for Stub {
    fn wait(&self, _word: &AtomicU32, _expected: u32) -> Wakeup {
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {}
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

/// A task that makes the same syscall again and again, and a tool on it.
pub(crate) struct Loop {
    tool: Box<dyn Tool>,
    reporter: Reporter,
}

impl Loop {
    /// With the engine of this name and value.
    pub(crate) fn new(engine: &str, value: &str) -> Option<Loop> {
        let tool = registry::find(engine)?.parse(value).ok()?.open().ok()?;
        let (task, reporter, _) = Task::new(TaskId(100), TaskId(100), Box::new(Stub), &Stub);
        tool.attach(&task, Origin::Launched).ok()?;
        Some(Loop { tool, reporter })
    }

    /// `count` calls of getppid.
    pub(crate) fn turn(&mut self, count: u32) {
        for _ in 0..count {
            let call = Syscall { number: GETPPID, index: GETPPID, arch: ARCH, ..Syscall::default() };
            let _ = self.reporter.syscall_entry(&mut Stub, &mut SyscallEntry::new(call));
            let mut exit = SyscallExit::new(Some(call), GETPPID, 4711, false);
            let _ = self.reporter.syscall_exit(&mut Stub, &mut exit);
        }
    }

    /// Whether all that was to be written could be.
    pub(crate) fn finish(&self) -> bool {
        self.tool.finish().is_ok()
    }
}
