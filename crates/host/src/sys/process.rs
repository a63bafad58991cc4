//! Signals, process identities and small facts about ourselves.

use core::sync::atomic::{AtomicU64, Ordering};
use std::os::fd::{AsRawFd as _, OwnedFd};

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

/// The same where the process is not known: the thread is traced by us, so its number is not another's.
pub(crate) fn tkill(tid: Tid, signal: i32) -> Result<(), Errno> {
    // SAFETY: tkill takes two numbers.
    Errno::check(unsafe { libc::syscall(libc::SYS_tkill, tid.raw(), signal) }).map(drop)
}

/// Lowers the limit on a process's core file (prlimit(2)); never above what it may raise it to itself.
pub(crate) fn limit_core(pid: Tid, bytes: u64) -> Result<(), Errno> {
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a null new limit only reads the present one into `limit`.
    let got = unsafe { libc::prlimit64(pid.raw(), libc::RLIMIT_CORE, core::ptr::null(), &raw mut limit) };
    Errno::check(libc::c_long::from(got))?;
    limit.rlim_cur = bytes.min(limit.rlim_max);
    // SAFETY: reads `limit`; a null old limit is allowed.
    let set =
        unsafe { libc::prlimit64(pid.raw(), libc::RLIMIT_CORE, &raw const limit, core::ptr::null_mut()) };
    Errno::check(libc::c_long::from(set)).map(drop)
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

/// The soft limit of open descriptors that we were started with, if [`raise_descriptor_limit`] has changed it; 0 if not.
static FORMER_LIMIT: AtomicU64 = AtomicU64::new(0);

/// Takes as many descriptors as we are allowed (getrlimit(2)): each trap is one, and a process may have thousands of
/// threads. What we launch gets the former limit back ([`restore_descriptor_limit`]).
///
/// # Errors
/// `EMFILE` if there are no more to have.
pub(crate) fn raise_descriptor_limit() -> Result<(), Errno> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes one rlimit.
    Errno::check(libc::c_long::from(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }))?;
    if limit.rlim_cur >= limit.rlim_max {
        return Err(Errno::EMFILE);
    }
    FORMER_LIMIT.store(limit.rlim_cur, Ordering::SeqCst);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: reads one rlimit.
    Errno::check(libc::c_long::from(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }))
        .map(drop)
}

/// Whether this descriptor is one of the last so many that the limit allows.
pub(crate) fn is_among_last(fd: &OwnedFd, many: u64) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes one rlimit.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0;
    let number = u64::try_from(fd.as_raw_fd()).unwrap_or(0);
    known && number >= limit.rlim_cur.saturating_sub(many)
}

/// In a forked child: the limit that a program of ours would have without us. Allocates nothing.
pub(crate) fn restore_descriptor_limit() {
    let former = FORMER_LIMIT.load(Ordering::SeqCst);
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes one rlimit.
    if former != 0 && unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = former;
        // SAFETY: reads one rlimit.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}
