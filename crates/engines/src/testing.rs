//! A task without a host, for the tests of this crate: events are reported by hand.
//!
//! Key types: [`Rig`]. Models nothing: a test says what happens.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32 as Count, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use utrace_core::{
    Addr, AtomicU32, CloneKind, CloneReport, DeathReport, Disposition, Event, ExecReport, ExitReport,
    JctlKind, JctlReport, Platform, Regset, Reporter, SigInfo, SignalReport, Syscall, SyscallEntry,
    SyscallExit, Target, TargetError, Task, TaskHost, TaskId, Verdict, Wakeup,
};

/// A task and the right to report for it.
pub(crate) struct Rig {
    pub(crate) task: Task,
    pub(crate) reporter: Reporter,
    pub(crate) target: FakeTarget,
    /// How often the last holder let the task go.
    pub(crate) wakes: Arc<Count>,
    call: Option<Syscall>,
}

impl Rig {
    pub(crate) fn new(id: u32) -> Rig {
        Rig::of(id, id)
    }

    pub(crate) fn of(id: u32, process: u32) -> Rig {
        let wakes = Arc::new(Count::new(0));
        let host = FakeHost { wakes: Arc::clone(&wakes) };
        let (task, reporter, _) = Task::new(TaskId(id), TaskId(process), Box::new(host), &FakePlatform);
        Rig { task, reporter, target: FakeTarget::default(), wakes, call: None }
    }

    /// Enters a syscall; the report as the engines left it.
    pub(crate) fn enter(&mut self, number: u64, args: &[u64]) -> (Verdict, SyscallEntry) {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        let call = Syscall {
            number,
            index: number,
            args: all,
            arch: utrace_abi::ptrace::AUDIT_ARCH_X86_64,
            ..Syscall::default()
        };
        self.call = Some(call);
        let mut entry = SyscallEntry::new(call);
        let verdict = self.reporter.syscall_entry(&mut self.target, &mut entry);
        (verdict, entry)
    }

    /// Leaves it with a raw value; the report as the engines left it.
    pub(crate) fn leave(&mut self, value: i64) -> SyscallExit {
        let call = self.call.take();
        let index = call.map_or(0, |call| call.index);
        let error = (-4095..0).contains(&value);
        let mut exit = SyscallExit::new(call, index, value, error);
        let _ = self.reporter.syscall_exit(&mut self.target, &mut exit);
        exit
    }

    /// Enters a syscall and leaves it.
    pub(crate) fn call(&mut self, number: u64, args: &[u64], value: i64) {
        let _ = self.enter(number, args);
        let _ = self.leave(value);
    }

    /// The exit of a syscall that was entered unseen.
    pub(crate) fn leave_unseen(&mut self, index: u64, value: i64) {
        let mut exit = SyscallExit::new(None, index, value, false);
        let _ = self.reporter.syscall_exit(&mut self.target, &mut exit);
    }

    /// A signal that somebody sent with kill(2).
    pub(crate) fn signal(&mut self, number: u8, pid: i32) {
        let signal = utrace_abi::Signal::new(number.into()).unwrap();
        let raw = *utrace_abi::SigInfo::kill(signal, pid, 0).as_bytes();
        let info = SigInfo { number: number.into(), raw };
        let mut report = SignalReport::taken(Event::SignalIgn, info, Disposition::Ignored);
        let _ = self.reporter.signal(&mut self.target, &mut report);
    }

    pub(crate) fn group_stop(&mut self, signal: u32) {
        let mut report = JctlReport { kind: JctlKind::Stopped, signal, notify: true };
        let _ = self.reporter.jctl(&mut self.target, &mut report);
    }

    /// Makes a child and answers it.
    pub(crate) fn fork(&mut self, id: u32) -> Rig {
        self.make(CloneKind::Fork, Rig::new(id))
    }

    /// Makes a thread of the same process and answers it.
    pub(crate) fn thread(&mut self, id: u32) -> Rig {
        let process = self.task.process().0;
        self.make(CloneKind::Thread, Rig::of(id, process))
    }

    fn make(&mut self, kind: CloneKind, child: Rig) -> Rig {
        let mut report = CloneReport::new(kind, child.task.clone());
        let _ = self.reporter.clone(&mut self.target, &mut report);
        child
    }

    /// Execs, perhaps as a thread that takes its leader's id.
    pub(crate) fn exec_as(&mut self, leader: u32) {
        let former = self.task.id();
        self.reporter.set_id(TaskId(leader));
        let _ = self.reporter.exec(&mut self.target, &mut ExecReport { former });
    }

    /// Begins to exit.
    pub(crate) fn exit(&mut self) {
        let _ = self.reporter.exit(&mut self.target, &mut ExitReport::new(0));
    }

    /// Is dead, with this wait status.
    pub(crate) fn die(&mut self, code: u32) {
        self.reporter.dead();
        let mut report = DeathReport { group_dead: true, signal: Some(17), code };
        self.reporter.death(&mut self.target, &mut report);
    }

    pub(crate) fn wakes(&self) -> u32 {
        self.wakes.load(Ordering::Acquire)
    }
}

/// A file of the test's own, removed at its end.
pub(crate) struct TempFile(PathBuf);

impl TempFile {
    pub(crate) fn new() -> TempFile {
        static NEXT: Count = Count::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("utrace-engines-{}-{number}", std::process::id());
        TempFile(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Memory at a few addresses, and what was asked of the task.
pub(crate) struct FakeTarget {
    pub(crate) memory: HashMap<u64, Vec<u8>>,
    pub(crate) signals: Vec<u32>,
    pub(crate) system_time: Option<Duration>,
    pub(crate) program: &'static str,
}

impl Default for FakeTarget {
    fn default() -> FakeTarget {
        FakeTarget { memory: HashMap::new(), signals: Vec::new(), system_time: None, program: "old" }
    }
}

impl Target for FakeTarget {
    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        let bytes = self.memory.get(&at.0).ok_or(TargetError::Fault(at))?;
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
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

    fn fd_path(&mut self, fd: i32) -> Option<Vec<u8>> {
        (fd == 3).then(|| b"/etc/passwd".to_vec())
    }

    fn program(&mut self) -> Option<Vec<u8>> {
        Some(self.program.into())
    }

    fn system_time(&mut self) -> Option<Duration> {
        self.system_time
    }

    fn send_signal(&mut self, number: u32) -> Result<(), TargetError> {
        self.signals.push(number);
        Ok(())
    }
}

struct FakeHost {
    wakes: Arc<Count>,
}

impl TaskHost for FakeHost {
    fn request_report(&self, _task: &Task) {}
    fn request_interrupt(&self, _task: &Task) {}
    fn wake(&self, _task: &Task) {
        self.wakes.fetch_add(1, Ordering::Release);
    }
    fn tidy(&self, _task: &Task) {}
    fn interest_changed(&self, _task: &Task) {}
    fn is_current(&self) -> bool {
        // The tests report on the thread that runs them; other threads act from outside.
        std::thread::current().name() != Some("utrace-delay")
    }
}

struct FakePlatform;

/// Waits are for the end of a callback, which is never long.
static WAITING: Mutex<()> = Mutex::new(());

impl Platform for FakePlatform {
    fn wait(&self, _word: &AtomicU32, _expected: u32) -> Wakeup {
        drop(WAITING.lock());
        std::thread::yield_now();
        Wakeup::Look
    }

    fn wake_all(&self, _word: &AtomicU32) {}
}
