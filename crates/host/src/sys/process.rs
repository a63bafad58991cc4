//! Signals, process identities and small facts about ourselves.

use super::Errno;
use crate::types::Tid;

/// Sends a signal to a whole process.
pub(crate) fn kill(pid: Tid, signal: i32) -> Result<(), Errno> {
    // SAFETY: kill takes two numbers.
    Errno::check(libc::c_long::from(unsafe { libc::kill(pid.raw(), signal) })).map(drop)
}

/// Sends a signal to one thread of a process.
pub(crate) fn tgkill(pid: Tid, tid: Tid, signal: i32) -> Result<(), Errno> {
    // SAFETY: tgkill takes three numbers.
    Errno::check(unsafe { libc::syscall(libc::SYS_tgkill, pid.raw(), tid.raw(), signal) }).map(drop)
}

/// The id of the calling thread.
pub(crate) fn gettid() -> Option<Tid> {
    // SAFETY: no argument, cannot fail.
    Tid::new(unsafe { libc::gettid() })
}

/// Our effective user id.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: no argument, cannot fail.
    unsafe { libc::geteuid() }
}
