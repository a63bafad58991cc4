//! What the process's action for SIGCHLD says about stops.

use super::Errno;

/// No SIGCHLD for stops from now on (`SA_NOCLDSTOP`), if nothing was decided about that signal before.
///
/// Answers whether that is so. An action other than the default, which nobody reset, is somebody's: it is left alone.
/// exec resets the flag with the action (`flush_signal_handlers()` in kernel/signal.c), so a child does not inherit it.
pub(crate) fn spare_stops() -> Result<bool, Errno> {
    let mut action = core::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: reads no action and writes one to `action`.
    let asked = unsafe { libc::sigaction(libc::SIGCHLD, core::ptr::null(), action.as_mut_ptr()) };
    Errno::check(libc::c_long::from(asked))?;
    // SAFETY: the call above succeeded and filled it in; before that it was zeroed, which is a valid action.
    let mut action = unsafe { action.assume_init() };
    if action.sa_sigaction != libc::SIG_DFL {
        return Ok(false);
    }
    action.sa_flags |= libc::SA_NOCLDSTOP;
    // SAFETY: `action` lives through the call, and the default action runs no code of ours.
    let set = unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, core::ptr::null_mut()) };
    Errno::check(libc::c_long::from(set))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_default_action_is_told_to_spare_stops() {
        // Each test is a process of its own under nextest; under `cargo test` nothing else here looks at SIGCHLD.
        assert_eq!(super::spare_stops(), Ok(true));
        let mut action = core::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: reads no action and writes one.
        unsafe { libc::sigaction(libc::SIGCHLD, core::ptr::null(), action.as_mut_ptr()) };
        // SAFETY: zeroed or filled in.
        let action = unsafe { action.assume_init() };
        assert_eq!(action.sa_sigaction, libc::SIG_DFL);
        assert_ne!(action.sa_flags & libc::SA_NOCLDSTOP, 0);
    }
}
