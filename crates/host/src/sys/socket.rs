//! Looking at another process's sockets: pidfd_getfd(2) and getsockopt(2).

use core::mem::{MaybeUninit, size_of};
use core::time::Duration;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use super::Errno;
use super::pidfd;
use crate::types::Tid;

/// One socket of a process, as long as this lives one more reference to it. Nothing is done to it here but to ask.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// The one behind a descriptor of a process that we may trace.
    ///
    /// # Errors
    /// `EBADF`: it has no such descriptor. `EPERM`: not for us. `ENOSYS`: before Linux 5.6.
    pub(crate) fn of(pid: Tid, fd: u64) -> Result<Self, Errno> {
        let process = pidfd::open(pid)?;
        let fd = RawFd::try_from(fd).map_err(|_| Errno::EINVAL)?;
        // SAFETY: numbers only.
        let got = unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) };
        let got = RawFd::try_from(Errno::check(got)?).map_err(|_| Errno::EINVAL)?;
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(got) }))
    }

    /// A time-out (`SO_RCVTIMEO` or `SO_SNDTIMEO`); `None` for none.
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub(crate) fn timeout(&self, option: libc::c_int) -> Result<Option<Duration>, Errno> {
        let time: libc::timeval = self.option(option)?;
        let micros = u32::try_from(time.tv_usec).map_err(|_| Errno::EINVAL)?;
        let seconds = u64::try_from(time.tv_sec).map_err(|_| Errno::EINVAL)?;
        let lasts = Duration::new(seconds, micros.saturating_mul(1000));
        Ok((!lasts.is_zero()).then_some(lasts))
    }

    /// Its domain (`AF_UNIX`, ...).
    ///
    /// # Errors
    /// `ENOTSOCK`.
    pub(crate) fn domain(&self) -> Result<libc::c_int, Errno> {
        self.option(libc::SO_DOMAIN)
    }

    /// `T` is one of the two above: plain integers.
    fn option<T: Copy>(&self, option: libc::c_int) -> Result<T, Errno> {
        let mut value = MaybeUninit::<T>::zeroed();
        let mut len = libc::socklen_t::try_from(size_of::<T>()).map_err(|_| Errno::EINVAL)?;
        let fd = self.0.as_raw_fd();
        // SAFETY: writes at most `len` bytes, the size of T, to `value`.
        let result = unsafe {
            libc::getsockopt(fd, libc::SOL_SOCKET, option, value.as_mut_ptr().cast(), &raw mut len)
        };
        Errno::check(libc::c_long::from(result))?;
        // SAFETY: T is a struct of integers or an int (private, two callers): zeroed, then filled by the kernel.
        Ok(unsafe { value.assume_init() })
    }
}
