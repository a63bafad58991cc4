//! wait4(2) and waitid(2) as the tracer thread uses them.

use core::mem::MaybeUninit;

use super::Errno;
use crate::types::Tid;

/// The 16-bit word that wait4(2) stores, not yet understood; [`crate::stop::decode`] does that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WaitStatus(pub(crate) i32);

/// Blocks until some tracee or child of the calling thread has news. `ECHILD`: it has none left.
///
/// `__WALL` takes threads and children of every exit signal; `__WNOTHREAD` leaves the children of our
/// process's other threads to their owners.
pub(crate) fn wait_any() -> Result<(Tid, WaitStatus), Errno> {
    loop {
        match wait4(-1, libc::__WALL | libc::__WNOTHREAD) {
            Err(Errno::EINTR) | Ok(None) => {}
            Ok(Some(found)) => return Ok(found),
            Err(other) => return Err(other),
        }
    }
}

/// Takes news of any tracee if there is some, and returns at once.
pub(crate) fn poll_any() -> Result<Option<(Tid, WaitStatus)>, Errno> {
    wait4(-1, libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG)
}

/// Blocks until this tracee or child has news.
pub(crate) fn wait_for(tid: Tid) -> Result<WaitStatus, Errno> {
    loop {
        match wait4(tid.raw(), libc::__WALL | libc::__WNOTHREAD) {
            Err(Errno::EINTR) | Ok(None) => {}
            Ok(Some((_, status))) => return Ok(status),
            Err(other) => return Err(other),
        }
    }
}

/// Takes news of this tracee if there is some, and returns at once.
pub(crate) fn poll_for(tid: Tid) -> Result<Option<WaitStatus>, Errno> {
    Ok(wait4(tid.raw(), libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG)?.map(|(_, status)| status))
}

fn wait4(pid: i32, flags: i32) -> Result<Option<(Tid, WaitStatus)>, Errno> {
    let mut status = 0;
    // SAFETY: status is a live int of ours and a null rusage is allowed.
    let found = unsafe { libc::wait4(pid, &raw mut status, flags, core::ptr::null_mut()) };
    let found = Errno::check(libc::c_long::from(found))?;
    let tid = i32::try_from(found).ok().and_then(Tid::new);
    Ok(tid.map(|tid| (tid, WaitStatus(status))))
}

/// Whether a wait on the child would have something, without taking it.
pub(crate) fn has_news(tid: Tid) -> Result<bool, Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags =
        libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: waitid writes one siginfo_t to info.
    let result = unsafe { libc::waitid(libc::P_PID, tid.raw().unsigned_abs(), info.as_mut_ptr(), flags) };
    Errno::check(libc::c_long::from(result))?;
    // SAFETY: siginfo_t is plain integers; zeroed or kernel-written, every bit pattern is valid.
    let info = unsafe { info.assume_init() };
    Ok(info.si_signo != 0)
}
