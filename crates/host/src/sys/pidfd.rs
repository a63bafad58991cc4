//! pidfd_open(2) and epoll(7): hearing of the release of dead processes that others are the parents of, and of the end
//! of a thread.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use super::Errno;
use crate::types::Tid;

/// A descriptor for this process, alive or not yet waited for.
pub(crate) fn open(pid: Tid) -> Result<OwnedFd, Errno> {
    open_with(pid, 0)
}

/// A descriptor for this thread. `EINVAL`: this kernel has them for processes only (before 6.9).
pub(crate) fn open_thread(tid: Tid) -> Result<OwnedFd, Errno> {
    /// `PIDFD_THREAD` of `linux/pidfd.h`.
    const THREAD: libc::c_int = libc::O_EXCL;
    open_with(tid, THREAD)
}

/// Blocks until what this descriptor is of has ended, or for that long.
pub(crate) fn await_end(fd: &OwnedFd, most: Duration) {
    let mut fds = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let until = Instant::now() + most;
    loop {
        let left = until.saturating_duration_since(Instant::now()).as_millis();
        let left = libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX);
        // SAFETY: one pollfd, ours and live.
        let found = unsafe { libc::poll(&raw mut fds, 1, left) };
        if Errno::check(libc::c_long::from(found)) != Err(Errno::EINTR) {
            return;
        }
    }
}

fn open_with(pid: Tid, flags: libc::c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let fd = Errno::check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.raw(), flags) })?;
    let fd = RawFd::try_from(fd).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A set of descriptors whose hang-up is waited for.
#[derive(Debug)]
pub(crate) struct HangUps(OwnedFd);

impl HangUps {
    /// An empty set.
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: a flag only.
        let fd = Errno::check(libc::c_long::from(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }))?;
        let fd = RawFd::try_from(fd).map_err(|_| Errno::EINVAL)?;
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Waits for this one too, also if somebody waits already; `name` is what [`HangUps::next`] says then. It
    /// leaves the set when it is closed.
    pub(crate) fn add(&self, fd: &OwnedFd, name: u64) -> Result<(), Errno> {
        // EPOLLHUP is reported without being asked for (epoll_ctl(2)).
        let mut event = libc::epoll_event { events: 0, u64: name };
        // SAFETY: both descriptors are open, and the event is read during the call only.
        let result = unsafe {
            libc::epoll_ctl(self.0.as_raw_fd(), libc::EPOLL_CTL_ADD, fd.as_raw_fd(), &raw mut event)
        };
        Errno::check(libc::c_long::from(result)).map(drop)
    }

    /// Blocks until one hangs up; answers its name.
    pub(crate) fn next(&self) -> Result<u64, Errno> {
        let mut event = libc::epoll_event { events: 0, u64: 0 };
        // SAFETY: room for one event.
        let result = unsafe { libc::epoll_wait(self.0.as_raw_fd(), &raw mut event, 1, -1) };
        Errno::check(libc::c_long::from(result))?;
        Ok(event.u64)
    }
}
