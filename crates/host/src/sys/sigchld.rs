//! What the process's action for SIGCHLD says about stops, and the one thread that hears of them by it.
//!
//! [`spare_stops`] has none sent. [`hear_stops`] has them wake a thread out of a sleep that is not wait4.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::Errno;
use super::sigmask::SigMask;

/// Whether the process does nothing but trace, as [`spare_stops`] was told.
static SPARED: AtomicBool = AtomicBool::new(false);
/// Whether a thread of ours was made to block SIGCHLD ([`pass_on`]).
static CLOSED: AtomicBool = AtomicBool::new(false);
/// The thread that hears of stops; 0 for none.
static HEARER: AtomicI32 = AtomicI32::new(0);

thread_local! {
    /// Whether this is that thread: the handler need not ask the kernel. Made without code and without a destructor, it is
    /// there in a handler too.
    static HEARS: Cell<bool> = const { Cell::new(false) };
}

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
    SPARED.store(true, Ordering::SeqCst);
    Ok(true)
}

/// Makes the calling thread the one that hears of stops by SIGCHLD: one in a process, for it takes a handler.
///
/// # Errors
/// `EBUSY` if another thread does, or the program has a handler of its own.
pub(crate) fn hear_stops() -> Result<(), Errno> {
    // SAFETY: no argument.
    let me = unsafe { libc::gettid() };
    HEARER.compare_exchange(0, me, Ordering::SeqCst, Ordering::SeqCst).map_err(|_| Errno::EBUSY)?;
    HEARS.set(true);
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::ucontext_t) = pass_on;
    let mut action = core::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only reads the present one.
    unsafe { libc::sigaction(libc::SIGCHLD, core::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroed or kernel-written; integers and an optional function pointer.
    let mut action = unsafe { action.assume_init() };
    let ours = handler as libc::sighandler_t;
    if ![libc::SIG_DFL, libc::SIG_IGN, ours].contains(&action.sa_sigaction) {
        HEARS.set(false);
        HEARER.store(0, Ordering::SeqCst);
        return Err(Errno::EBUSY);
    }
    action.sa_sigaction = ours;
    action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO;
    // SAFETY: the handler makes a system call and touches nothing else but what it is given.
    let set = unsafe { libc::sigaction(libc::SIGCHLD, &raw const action, core::ptr::null_mut()) };
    Errno::check(libc::c_long::from(set)).map(drop)
}

/// The handler. The kernel prefers a process's first thread for its signals (`complete_signal()` in kernel/signal.c), which
/// would wake that one at each stop, only to wake the hearer: in a process that does nothing but trace, a thread blocks
/// the signal from its first one on.
extern "C" fn pass_on(signal: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    if HEARS.get() {
        return;
    }
    let hearer = HEARER.load(Ordering::SeqCst);
    if hearer == 0 {
        return;
    }
    if SPARED.load(Ordering::SeqCst) {
        CLOSED.store(true, Ordering::SeqCst);
        // SAFETY: the kernel's own for this call of the handler (SA_SIGINFO, sigaction(2)), and the handler's alone.
        let mask = unsafe { &raw mut (*context).uc_sigmask };
        // SAFETY: the mask from the handler's end on; sigaddset is safe in handlers (signal-safety(7)).
        unsafe { libc::sigaddset(mask, signal) };
    }
    // SAFETY: a number of ours, restored below: who is interrupted must not find it changed.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: valid for this thread for ever.
    let before = unsafe { *errno };
    // SAFETY: two numbers; a thread of ours.
    unsafe { libc::syscall(libc::SYS_tkill, hearer, signal) };
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// The calling thread hears no more.
pub(crate) fn stop_hearing() {
    // SAFETY: sets a default action: the kernel drops the signal from now on, which is cheaper than a handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    HEARS.set(false);
    HEARER.store(0, Ordering::SeqCst);
    if SPARED.load(Ordering::SeqCst) {
        let _ = spare_stops();
    }
}

/// The mask that a program gets which a thread with this one launches: without what is ours.
pub(crate) fn handed_on(mask: SigMask) -> SigMask {
    if CLOSED.load(Ordering::SeqCst) { mask.without(libc::SIGCHLD) } else { mask }
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
