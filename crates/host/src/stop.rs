//! What a wait status means: one pure function from the kernel's number to a [`Stop`].
//!
//! Every status that the tracer thread ever sees passes through [`decode`]; a status that it does not know
//! becomes an error that names itself, and the tracee is resumed. Nothing here asks the kernel anything: the
//! few stops that carry a number (`PTRACE_GETEVENTMSG`) say so through [`needs_message`], and the caller
//! fetches it. What to do about a stop is [`crate::tracer`]'s business.

use core::fmt;

use crate::sys::wait::WaitStatus;
use crate::types::Tid;

/// How a child came to be (ptrace(2): the three events differ by clone flags only).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Birth {
    /// `PTRACE_EVENT_FORK`: a new process, exit signal `SIGCHLD`.
    Fork,
    /// `PTRACE_EVENT_VFORK`: its parent waits until it execs or ends.
    Vfork,
    /// `PTRACE_EVENT_CLONE`: anything else, threads above all.
    Clone,
}

/// A tracee's news, understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// It is gone and reaped: exit code of its `_exit`.
    Exited(u8),
    /// It is gone and reaped: the signal that ended it, and whether it dumped core.
    Killed(i32, CoreDump),
    /// Entry or exit of a system call (`PTRACE_SYSCALL`); which of both, `PTRACE_GET_SYSCALL_INFO` says.
    Syscall,
    /// Entry of a system call that a seccomp filter answered with `RET_TRACE`.
    Seccomp,
    /// A child was made and is our tracee; `None` if the kernel gave no usable tid (other pid namespace).
    Born(Birth, Option<Tid>),
    /// The vfork child let go of its parent.
    VforkDone,
    /// A successful exec; the tid that the exec-ing thread had before.
    Exec(Option<Tid>),
    /// The thread is about to end with this wait(2) status; everything of it is still there.
    Exiting(i32),
    /// A signal is about to be delivered.
    Signal(i32),
    /// The whole thread group is stopped by this signal.
    JobControl(i32),
    /// What PTRACE_INTERRUPT asked for, the first stop of a new child, or the end of a group stop.
    Interrupted,
}

/// Whether a fatal signal left a core file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CoreDump {
    /// None was written.
    No,
    /// It was.
    Yes,
}

/// A status that no rule of ptrace(2) explains.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct UnknownStop(pub(crate) i32);

impl fmt::Display for UnknownStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wait status {:#x} (signal {}, event {})", self.0, stop_signal(self.0), event(self.0))
    }
}

/// Mark that `PTRACE_O_TRACESYSGOOD` adds to a system-call stop's `SIGTRAP`.
const SYSCALL_TRAP: i32 = libc::SIGTRAP | 0x80;

const fn is_stopped(status: i32) -> bool {
    status & 0xff == 0x7f
}

const fn stop_signal(status: i32) -> i32 {
    (status >> 8) & 0xff
}

const fn event(status: i32) -> i32 {
    status >> 16
}

/// Whether [`decode`] wants the number of `PTRACE_GETEVENTMSG` for this status.
pub(crate) const fn needs_message(status: WaitStatus) -> bool {
    is_stopped(status.0)
        && matches!(
            event(status.0),
            libc::PTRACE_EVENT_FORK
                | libc::PTRACE_EVENT_VFORK
                | libc::PTRACE_EVENT_CLONE
                | libc::PTRACE_EVENT_EXEC
                | libc::PTRACE_EVENT_EXIT
        )
}

/// Says what happened. `message` is the event's number, 0 where [`needs_message`] says no.
///
/// # Errors
/// [`UnknownStop`] for a status that follows no rule of ptrace(2).
pub(crate) fn decode(status: WaitStatus, message: u64) -> Result<Stop, UnknownStop> {
    let raw = status.0;
    if !is_stopped(raw) {
        return decode_end(raw);
    }
    let signal = stop_signal(raw);
    match (event(raw), signal) {
        (0, SYSCALL_TRAP) => Ok(Stop::Syscall),
        (0, 1..=64) => Ok(Stop::Signal(signal)),
        (libc::PTRACE_EVENT_FORK, libc::SIGTRAP) => Ok(Stop::Born(Birth::Fork, tid(message))),
        (libc::PTRACE_EVENT_VFORK, libc::SIGTRAP) => Ok(Stop::Born(Birth::Vfork, tid(message))),
        (libc::PTRACE_EVENT_CLONE, libc::SIGTRAP) => Ok(Stop::Born(Birth::Clone, tid(message))),
        (libc::PTRACE_EVENT_VFORK_DONE, libc::SIGTRAP) => Ok(Stop::VforkDone),
        (libc::PTRACE_EVENT_EXEC, libc::SIGTRAP) => Ok(Stop::Exec(tid(message))),
        (libc::PTRACE_EVENT_EXIT, libc::SIGTRAP) => Ok(Stop::Exiting(exit_status(message))),
        (libc::PTRACE_EVENT_SECCOMP, libc::SIGTRAP) => Ok(Stop::Seccomp),
        (libc::PTRACE_EVENT_STOP, libc::SIGTRAP) => Ok(Stop::Interrupted),
        (libc::PTRACE_EVENT_STOP, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => {
            Ok(Stop::JobControl(signal))
        }
        _ => Err(UnknownStop(raw)),
    }
}

const fn decode_end(raw: i32) -> Result<Stop, UnknownStop> {
    let signal = raw & 0x7f;
    // An end uses the low 16 bits only, and an exit nothing of the low 8.
    if raw >> 16 != 0 || (signal == 0 && raw & 0x80 != 0) {
        return Err(UnknownStop(raw));
    }
    if signal == 0 {
        return Ok(Stop::Exited(((raw >> 8) & 0xff) as u8));
    }
    // 0xffff is "continued", which we never ask for; it shows as signal 0x7f with bits above.
    if signal > 64 || raw >> 8 != 0 {
        return Err(UnknownStop(raw));
    }
    Ok(Stop::Killed(signal, if raw & 0x80 == 0 { CoreDump::No } else { CoreDump::Yes }))
}

/// The low half of the event's number is the status in wait(2)'s form.
const fn exit_status(message: u64) -> i32 {
    (message & 0xffff) as i32
}

fn tid(message: u64) -> Option<Tid> {
    i32::try_from(message).ok().and_then(Tid::new)
}

#[cfg(test)]
mod tests {
    use super::{Birth, CoreDump, Stop, UnknownStop, decode, needs_message};
    use crate::sys::wait::WaitStatus;
    use crate::types::Tid;

    const fn stopped(signal: i32, event: i32) -> i32 {
        event << 16 | signal << 8 | 0x7f
    }

    #[test]
    fn every_known_status_has_its_meaning() {
        let child = Tid::new(77);
        let table = [
            (0, 0, Stop::Exited(0)),
            (0x2a00, 0, Stop::Exited(42)),
            (0xff00, 0, Stop::Exited(255)),
            (9, 0, Stop::Killed(9, CoreDump::No)),
            (64, 0, Stop::Killed(64, CoreDump::No)),
            (0x80 | 11, 0, Stop::Killed(11, CoreDump::Yes)),
            (stopped(libc::SIGTRAP | 0x80, 0), 0, Stop::Syscall),
            (stopped(libc::SIGTRAP, 0), 0, Stop::Signal(libc::SIGTRAP)),
            (stopped(libc::SIGSTOP, 0), 0, Stop::Signal(libc::SIGSTOP)),
            (stopped(64, 0), 0, Stop::Signal(64)),
            (stopped(libc::SIGTRAP, 1), 77, Stop::Born(Birth::Fork, child)),
            (stopped(libc::SIGTRAP, 2), 77, Stop::Born(Birth::Vfork, child)),
            (stopped(libc::SIGTRAP, 3), 77, Stop::Born(Birth::Clone, child)),
            (stopped(libc::SIGTRAP, 3), 0, Stop::Born(Birth::Clone, None)),
            (stopped(libc::SIGTRAP, 4), 77, Stop::Exec(child)),
            (stopped(libc::SIGTRAP, 5), 0, Stop::VforkDone),
            (stopped(libc::SIGTRAP, 6), 0x2a00, Stop::Exiting(0x2a00)),
            (stopped(libc::SIGTRAP, 7), 0, Stop::Seccomp),
            (stopped(libc::SIGTRAP, 128), 0, Stop::Interrupted),
            (stopped(libc::SIGTSTP, 128), 0, Stop::JobControl(libc::SIGTSTP)),
            (stopped(libc::SIGTTIN, 128), 0, Stop::JobControl(libc::SIGTTIN)),
        ];
        for (raw, message, stop) in table {
            assert_eq!(decode(WaitStatus(raw), message), Ok(stop), "status {raw:#x}");
        }
    }

    #[test]
    fn an_unknown_status_is_an_error_that_names_it() {
        let continued = 0xffff;
        for raw in
            [continued, 0x80, stopped(0, 0), stopped(65, 0), stopped(5, 9), stopped(10, 128), 0x7f00_0000]
        {
            assert_eq!(decode(WaitStatus(raw), 0), Err(UnknownStop(raw)), "status {raw:#x}");
        }
        assert_eq!(UnknownStop(stopped(5, 9)).to_string(), "wait status 0x9057f (signal 5, event 9)");
    }

    #[test]
    fn a_stop_is_never_read_as_an_end_nor_an_end_as_a_stop() {
        for raw in 0..0x90_0000 {
            let stopped = raw & 0xff == 0x7f;
            match decode(WaitStatus(raw), 0) {
                Ok(Stop::Exited(_) | Stop::Killed(..)) => assert!(!stopped, "status {raw:#x}"),
                Ok(_) => assert!(stopped, "status {raw:#x}"),
                Err(UnknownStop(named)) => assert_eq!(named, raw),
            }
        }
    }

    #[test]
    fn only_events_with_a_number_ask_for_it() {
        assert!(needs_message(WaitStatus(stopped(5, 1))));
        assert!(needs_message(WaitStatus(stopped(5, 6))));
        assert!(!needs_message(WaitStatus(stopped(5 | 0x80, 0))));
        assert!(!needs_message(WaitStatus(stopped(5, 7))));
        assert!(!needs_message(WaitStatus(stopped(5, 128))));
        assert!(!needs_message(WaitStatus(0x100)));
    }
}
