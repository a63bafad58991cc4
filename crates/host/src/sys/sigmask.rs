//! The calling thread's blocked-signal mask, as the kernel's 64 bits (bit 0 is signal 1).

use super::Errno;

/// A blocked-signal mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SigMask(pub(crate) u64);

impl SigMask {
    /// Every signal that can be blocked.
    pub(crate) const ALL: Self = Self(u64::MAX);

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
