//! Error numbers: what each answer of the core and the host is in C (spec section 2).
//!
//! Key type: [`Errno`]. Nothing is decided here that a caller could see otherwise: the tables of the spec, as
//! conversions.

use core::ffi::c_int;

use utrace_core::{
    AttachError, BarrierError, ControlError, ExamineError, Progress, SetEventsError, SyncError, TargetError,
};
use utrace_host::HostError;

/// A positive error number. C gets it negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Errno(c_int);

/// The kernel's own number, which no libc has.
const ERESTARTSYS: c_int = 512;

impl Errno {
    pub(crate) const AGAIN: Errno = Errno(libc::EAGAIN);
    pub(crate) const ALREADY: Errno = Errno(libc::EALREADY);
    pub(crate) const CHILD: Errno = Errno(libc::ECHILD);
    pub(crate) const DEADLOCK: Errno = Errno(libc::EDEADLK);
    pub(crate) const EXISTS: Errno = Errno(libc::EEXIST);
    pub(crate) const FAULT: Errno = Errno(libc::EFAULT);
    pub(crate) const IN_PROGRESS: Errno = Errno(libc::EINPROGRESS);
    pub(crate) const INVALID: Errno = Errno(libc::EINVAL);
    pub(crate) const IO: Errno = Errno(libc::EIO);
    pub(crate) const NO_ENTRY: Errno = Errno(libc::ENOENT);
    pub(crate) const NO_SUCH: Errno = Errno(libc::ESRCH);
    pub(crate) const NOT_PERMITTED: Errno = Errno(libc::EPERM);
    pub(crate) const NOT_SUPPORTED: Errno = Errno(libc::EOPNOTSUPP);
    pub(crate) const RESTART: Errno = Errno(ERESTARTSYS);

    /// As C gets it.
    pub(crate) const fn negative(self) -> c_int {
        -self.0
    }
}

/// 0, or `-EINPROGRESS`.
pub(crate) fn progress(progress: Progress) -> Result<(), Errno> {
    match progress {
        Progress::Done => Ok(()),
        Progress::InProgress => Err(Errno::IN_PROGRESS),
    }
}

impl From<AttachError> for Errno {
    fn from(error: AttachError) -> Errno {
        match error {
            AttachError::Gone => Errno::NO_SUCH,
            AttachError::Exists => Errno::EXISTS,
            AttachError::NotPermitted => Errno::NOT_PERMITTED,
        }
    }
}

impl From<SetEventsError> for Errno {
    fn from(error: SetEventsError) -> Errno {
        match error {
            SetEventsError::Gone => Errno::NO_SUCH,
            SetEventsError::AlreadyDying => Errno::ALREADY,
        }
    }
}

impl From<ControlError> for Errno {
    fn from(error: ControlError) -> Errno {
        match error {
            ControlError::Gone => Errno::NO_SUCH,
            ControlError::AlreadyDying => Errno::ALREADY,
            ControlError::NeedsQuiesce => Errno::INVALID,
            ControlError::NoHardware => Errno::NOT_SUPPORTED,
        }
    }
}

impl From<BarrierError> for Errno {
    fn from(error: BarrierError) -> Errno {
        match error {
            BarrierError::Gone => Errno::NO_SUCH,
            BarrierError::Interrupted => Errno::RESTART,
        }
    }
}

impl From<SyncError> for Errno {
    fn from(error: SyncError) -> Errno {
        match error {
            SyncError::Gone => Errno::NO_SUCH,
            SyncError::AlreadyDying => Errno::ALREADY,
            SyncError::Interrupted => Errno::RESTART,
        }
    }
}

impl From<ExamineError> for Errno {
    fn from(error: ExamineError) -> Errno {
        match error {
            ExamineError::NotHeld => Errno::INVALID,
            ExamineError::Dead => Errno::NO_SUCH,
            ExamineError::Ran => Errno::AGAIN,
        }
    }
}

impl From<TargetError> for Errno {
    fn from(error: TargetError) -> Errno {
        match error {
            TargetError::Died => Errno::NO_SUCH,
            TargetError::Fault(_) => Errno::FAULT,
            TargetError::Unsupported => Errno::NOT_SUPPORTED,
            TargetError::Refused(errno) => Errno(errno),
        }
    }
}

impl From<&HostError> for Errno {
    fn from(error: &HostError) -> Errno {
        match error {
            HostError::Start(_, errno)
            | HostError::Fork(errno)
            | HostError::Launch(_, _, errno)
            | HostError::Ptrace(_, _, errno) => Errno(errno.raw()),
            HostError::Ended => Errno(libc::ESHUTDOWN),
            HostError::NoProgram(_) => Errno::NO_ENTRY,
            HostError::NotExecutable(_) => Errno(libc::EACCES),
            HostError::NulByte(_) => Errno::INVALID,
            HostError::NoSuchProcess(_)
            | HostError::NotTraced(_)
            | HostError::Zombie(_)
            | HostError::PidReused(_)
            | HostError::Died(_) => Errno::NO_SUCH,
            HostError::NotPermitted(..) | HostError::KernelThread(_) | HostError::SelfAttach => {
                Errno::NOT_PERMITTED
            }
            HostError::AlreadyTraced { .. } => Errno(libc::EBUSY),
            HostError::AlreadyOurs(_) => Errno::EXISTS,
            HostError::Filtered(_) => Errno::NOT_SUPPORTED,
            _ => Errno::IO,
        }
    }
}

impl From<HostError> for Errno {
    fn from(error: HostError) -> Errno {
        Errno::from(&error)
    }
}
