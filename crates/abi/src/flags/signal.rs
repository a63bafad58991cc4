//! Signals: `sigaction` flags, mask operations, alternative stack.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// Argument of `rt_sigprocmask`.
#[rustfmt::skip]
pub static SIGHOW: NameSet = NameSet { zero: None, unknown: Some("SIG_???"), entries: &[
    (0, "SIG_BLOCK"), (1, "SIG_UNBLOCK"), (2, "SIG_SETMASK"),
] };

/// `struct sigaction` flags.
#[rustfmt::skip]
pub static SA: NameSet = NameSet { zero: None, unknown: Some("SA_???"), entries: &[
    (0x4000000, "SA_RESTORER"), (0x8000000, "SA_ONSTACK"), (0x10000000, "SA_RESTART"),
    (0x20000000, "SA_INTERRUPT"), (0x40000000, "SA_NODEFER"), (0x80000000, "SA_RESETHAND"),
    (4, "SA_SIGINFO"), (1, "SA_NOCLDSTOP"), (2, "SA_NOCLDWAIT"),
] };

/// `stack_t` flags.
#[rustfmt::skip]
pub static SS: NameSet = NameSet { zero: None, unknown: Some("SS_???"), entries: &[
    (1, "SS_ONSTACK"), (2, "SS_DISABLE"), (0x80000000, "SS_AUTODISARM"),
] };

/// Argument of `signalfd4`.
#[rustfmt::skip]
pub static SFD: NameSet = NameSet { zero: None, unknown: Some("SFD_???"), entries: &[
    (0x80000, "SFD_CLOEXEC"), (0x800, "SFD_NONBLOCK"),
] };

/// `struct sigevent` notification.
#[rustfmt::skip]
pub static SIGEV: NameSet = NameSet { zero: None, unknown: Some("SIGEV_???"), entries: &[
    (0, "SIGEV_SIGNAL"), (1, "SIGEV_NONE"), (2, "SIGEV_THREAD"), (4, "SIGEV_THREAD_ID"),
] };
