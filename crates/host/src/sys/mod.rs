//! The kernel boundary: thin, typed wrappers, one file per family of calls.
//!
//! This folder is the only place of the crate where `unsafe` may stand. A wrapper takes and gives values
//! (no raw pointer crosses the fence), answers `Result<_, Errno>` and decides nothing: whether `ESRCH` means
//! "died" or "never was" is the caller's knowledge. Parsing of `/proc` needs no unsafe and lives in
//! [`crate::procfs`].
#![expect(unsafe_code, reason = "system calls; each block argues its own safety")]

pub(crate) mod ahead;
pub(crate) mod daemon;
pub(crate) mod errno;
pub(crate) mod forward;
pub(crate) mod futex;
pub(crate) mod guard;
pub(crate) mod lend;
pub(crate) mod mem;
pub(crate) mod namespace;
pub(crate) mod notify;
pub(crate) mod perf;
pub(crate) mod pidfd;
pub(crate) mod process;
pub(crate) mod ptrace;
pub(crate) mod roll;
pub(crate) mod sched;
pub(crate) mod seize;
pub(crate) mod sigchld;
pub(crate) mod sigmask;
pub(crate) mod socket;
pub(crate) mod spawn;
pub(crate) mod wait;
mod waker;

pub use errno::Errno;
