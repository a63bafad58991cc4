//! The calling thread's blocked-signal mask, as the kernel's 64 bits (bit 0 is signal 1).

use super::Errno;

/// A blocked-signal mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SigMask(pub(crate) u64);

impl SigMask {
    /// Every signal that can be blocked.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The mask and this signal.
    pub(crate) const fn with(self, signal: i32) -> Self {
        Self(self.0 | 1 << (signal.unsigned_abs() - 1))
    }

    /// The mask without this signal.
    pub(crate) const fn without(self, signal: i32) -> Self {
        Self(self.0 & !(1 << (signal.unsigned_abs() - 1)))
    }
}

/// Puts a mask in force for the calling thread and answers the old one.
///
/// Goes to the kernel directly: libc's wrapper keeps two real-time signals of its own open, which a child
/// between fork and exec must not inherit differently from us.
pub(crate) fn replace(mask: SigMask) -> Result<SigMask, Errno> {
    let mut old = 0_u64;
    // SAFETY: reads 8 bytes from mask and writes 8 to old; both live through the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask.0,
            &raw mut old,
            size_of::<u64>(),
        )
    };
    Errno::check(result)?;
    Ok(SigMask(old))
}

/// Sleeps, under this mask, until a handler has run: of a signal that comes, or that was waiting for the mask to open.
pub(crate) fn suspend(mask: SigMask) {
    // It always ends with EINTR (sigsuspend(2)).
    // SAFETY: reads 8 bytes from mask, which lives through the call.
    unsafe { libc::syscall(libc::SYS_rt_sigsuspend, &raw const mask.0, size_of::<u64>()) };
}

#[cfg(test)]
mod tests {
    use super::{SigMask, replace, suspend};

    /// pause(2) slept for good when the signal had come before it.
    #[test]
    fn a_signal_that_came_before_the_sleep_ends_it() {
        extern "C" fn heard(_signal: libc::c_int) {}
        let handler: extern "C" fn(libc::c_int) = heard;
        let old = replace(SigMask::ALL).unwrap();
        // SAFETY: the handler does nothing, so it may run at any time.
        unsafe { libc::signal(libc::SIGUSR2, handler as libc::sighandler_t) };
        // SAFETY: sends a signal to the calling thread, where it is blocked.
        unsafe { libc::raise(libc::SIGUSR2) };
        suspend(SigMask::ALL.without(libc::SIGUSR2));
        assert_eq!(replace(old), Ok(SigMask(SigMask::ALL.0 & !(1 << 8 | 1 << 18))), "and the mask is back");
    }
}
