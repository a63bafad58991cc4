//! The error number of a failed system call.

use core::fmt;

/// How a call that was interrupted looks to a tracer, as a raw result (`include/linux/errno.h`): it begins again unless a
/// handler without `SA_RESTART` runs.
pub(crate) const ERESTARTSYS: i64 = -512;
/// It begins again, whatever runs.
pub(crate) const ERESTARTNOINTR: i64 = -513;
/// It begins again unless a handler runs.
pub(crate) const ERESTARTNOHAND: i64 = -514;
/// It begins again by restart_syscall(2), for the rest of its time, unless a handler runs.
pub(crate) const ERESTART_RESTARTBLOCK: i64 = -516;

/// An `errno` value, as errno(3) numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// No such process: for a tracee, "it is not stopped, not ours, or gone" (ptrace(2)).
    pub const ESRCH: Self = Self(libc::ESRCH);
    /// Interrupted by a signal handler.
    pub const EINTR: Self = Self(libc::EINTR);
    /// Operation not permitted.
    pub const EPERM: Self = Self(libc::EPERM);
    /// Permission denied.
    pub const EACCES: Self = Self(libc::EACCES);
    /// Bad address.
    pub const EFAULT: Self = Self(libc::EFAULT);
    /// Input/output error; ptrace(2) answers it for a bad address or an impossible request.
    pub const EIO: Self = Self(libc::EIO);
    /// The kernel does not know this call.
    pub const ENOSYS: Self = Self(libc::ENOSYS);
    /// Not a child of ours, or no child left.
    pub const ECHILD: Self = Self(libc::ECHILD);
    /// There is one already.
    pub const EBUSY: Self = Self(libc::EBUSY);
    /// No such file or directory.
    pub const ENOENT: Self = Self(libc::ENOENT);
    /// Out of memory; for another process's memory: no such page.
    pub const ENOMEM: Self = Self(libc::ENOMEM);
    /// No such device; for a register set: the processor has none.
    pub const ENODEV: Self = Self(libc::ENODEV);
    /// Broken pipe: nobody reads any more.
    pub const EPIPE: Self = Self(libc::EPIPE);
    /// Too many open files in this process.
    pub const EMFILE: Self = Self(libc::EMFILE);
    /// No space left; for debug registers: all are in use.
    pub const ENOSPC: Self = Self(libc::ENOSPC);
    /// Invalid argument.
    pub const EINVAL: Self = Self(libc::EINVAL);

    /// The error with this number.
    #[must_use]
    pub const fn new(raw: i32) -> Self {
        Self(raw)
    }

    /// The number, as errno(3) has it.
    #[must_use]
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// What the calling thread's last failed libc call left.
    pub(crate) fn last() -> Self {
        Self::from_io(&std::io::Error::last_os_error())
    }

    /// The number inside a std error; `EIO` for the few that std makes up itself.
    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }

    /// The usual convention: -1 is an error and `errno` says which.
    pub(crate) fn check(result: libc::c_long) -> Result<libc::c_long, Self> {
        if result == -1 { Err(Self::last()) } else { Ok(result) }
    }

    /// The result of a call that was made without libc: its error is negative.
    pub(crate) fn check_raw(result: libc::c_long) -> Result<libc::c_long, Self> {
        match i32::try_from(result) {
            Ok(error @ -4095..0) => Err(Self(-error)),
            _ => Ok(result),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&std::io::Error::from_raw_os_error(self.0), f)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl core::error::Error for Errno {}
