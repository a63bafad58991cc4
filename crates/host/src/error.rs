//! Everything that can go wrong in this crate, as one enum: which step, on which process or thread, and what to do.
//!
//! A tracee's death is [`HostError::Died`], never a bare errno. Engines' own errors do not pass through here.

use core::fmt;
use std::path::PathBuf;

use crate::sys::Errno;
pub use crate::sys::spawn::Step;
use crate::types::Tid;

/// Why a call on a host did not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostError {
    /// The host could not be started: this step failed. Nothing was traced.
    Start(&'static str, Errno),
    /// The host was shut down, or its tracer thread is gone.
    Ended,
    /// No such program along `PATH`, or no such file.
    NoProgram(PathBuf),
    /// The file is there but is a directory or may not be executed.
    NotExecutable(PathBuf),
    /// A program name, argument or environment string holds a NUL byte, which execve(2) cannot pass.
    NulByte(String),
    /// The child could not be made.
    Fork(Errno),
    /// The child was made, and this step before its first instruction failed.
    Launch(PathBuf, Step, Errno),
    /// No process (or thread) has this id.
    NoSuchProcess(Tid),
    /// The process may not be traced by us; why as far as the system lets us know.
    NotPermitted(Tid, Refusal),
    /// A kernel thread has no user space to trace.
    KernelThread(Tid),
    /// The process is dead and waits for its parent to notice.
    Zombie(Tid),
    /// Somebody else traces it already.
    AlreadyTraced {
        /// The process that was asked for.
        pid: Tid,
        /// The tracer's process id.
        tracer: Tid,
        /// The tracer's short name.
        name: String,
    },
    /// This host traces it already.
    AlreadyOurs(Tid),
    /// This host does not trace it, or has left it already.
    NotTraced(Tid),
    /// It was launched behind a seccomp filter of ours, which it cannot live without us. Launch it with
    /// [`crate::AfterTracer::LivesOn`] to be able to leave it.
    Filtered(Tid),
    /// It was to be left if nobody uses it, and somebody does.
    InUse(Tid),
    /// It is our own process; a tracer cannot stop itself.
    SelfAttach,
    /// The number belongs to another process by now.
    PidReused(Tid),
    /// The tracee died in the middle of it.
    Died(Tid),
    /// This ptrace(2) step failed on this tracee with an error that says neither "gone" nor "not allowed".
    Ptrace(&'static str, Tid, Errno),
}

/// Why tracing was refused (ptrace(2), "Ptrace access mode checking").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It belongs to another user.
    OtherUser(u32),
    /// The Yama security module is at this `ptrace_scope` level.
    Yama(u32),
    /// It is not dumpable (setuid, or by prctl(2)), runs with more capabilities, or a security module refuses.
    Privileged,
    /// It could be traced, but not without its noticing, and that was ruled out: perf_event_open(2) failed so.
    Disturbs(Errno),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(step, errno) => write!(f, "cannot start tracing here: {step}: {errno}"),
            Self::Ended => f.write_str("the tracer has ended"),
            Self::NoProgram(path) => write!(f, "{}: command not found", path.display()),
            Self::NotExecutable(path) => {
                write!(f, "{}: permission denied: not an executable file", path.display())
            }
            Self::NulByte(what) => write!(f, "{what} holds a NUL byte"),
            Self::Fork(errno) => write!(f, "cannot make a child process: {errno}"),
            Self::Launch(path, Step::Exec, errno) => write!(f, "{}: {errno}", path.display()),
            Self::Launch(path, step, errno) => write!(f, "{}: {step}: {errno}", path.display()),
            Self::NoSuchProcess(pid) => write!(f, "process {pid}: no such process"),
            Self::NotPermitted(pid, refusal) => write!(f, "process {pid}: may not be traced: {refusal}"),
            Self::KernelThread(pid) => {
                write!(f, "process {pid} is a kernel thread: it has no user code to trace")
            }
            Self::Zombie(pid) => {
                write!(f, "process {pid} is dead already (a zombie that its parent has not collected)")
            }
            Self::AlreadyTraced { pid, tracer, name } => {
                write!(f, "process {pid} is already traced by {name} (process {tracer})")
            }
            Self::AlreadyOurs(pid) => write!(f, "process {pid} is already traced here"),
            Self::NotTraced(tid) => write!(f, "{tid} is not traced here"),
            Self::Filtered(pid) => {
                write!(
                    f,
                    "process {pid} runs behind a filter of its tracer's and cannot be left; launch it to live on"
                )
            }
            Self::InUse(pid) => write!(f, "process {pid} is in use"),
            Self::SelfAttach => f.write_str("a tracer cannot trace its own process"),
            Self::PidReused(pid) => {
                write!(f, "process {pid} ended, and its number belongs to another process now")
            }
            Self::Died(tid) => write!(f, "thread {tid} died"),
            Self::Ptrace(step, tid, errno) => write!(f, "thread {tid}: {step}: {errno}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherUser(uid) => write!(f, "it belongs to user {uid}; run as that user or as root"),
            Self::Yama(1) => f.write_str(
                "kernel.yama.ptrace_scope is 1: only descendants may be traced; launch it from here, run as root, or set it to 0",
            ),
            Self::Yama(2) => f.write_str("kernel.yama.ptrace_scope is 2: only root may trace"),
            Self::Yama(level) => write!(f, "kernel.yama.ptrace_scope is {level}: nobody may trace until reboot"),
            Self::Disturbs(errno) => write!(
                f,
                "not unnoticed: no breakpoint can be set on its threads (perf_event_open: {errno}); do without --strict, or allow it",
            ),
            Self::Privileged => f.write_str(
                "it has privileges that we lack (setuid, capabilities, not dumpable), or a security module refuses",
            ),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ChangeDirectory => "cannot enter the working directory",
            Self::ChangeUser => "cannot change to the asked user",
            Self::Filter => "cannot install the seccomp filter",
            Self::Exec => "cannot execute",
        })
    }
}

impl core::error::Error for HostError {}
