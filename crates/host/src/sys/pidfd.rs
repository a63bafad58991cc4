//! pidfd_open(2) and epoll(7): hearing of the release of dead processes that others are the parents of.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use super::Errno;
use crate::types::Tid;

/// A descriptor for this process, alive or not yet waited for.
pub(crate) fn open(pid: Tid) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let fd = Errno::check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.raw(), 0) })?;
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
