//! futex(2) and membarrier(2): what the core needs in order to wait and to fence.

use core::sync::atomic::AtomicU32;

use super::Errno;

/// Sleeps while `word` holds `expected`; `EAGAIN` and `EINTR` come back as errors.
pub(crate) fn wait(word: &AtomicU32, expected: u32) -> Result<(), Errno> {
    let no_timeout = core::ptr::null::<libc::timespec>();
    let op = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: word is a live aligned u32 for the whole call; a null timeout waits without end.
    Errno::check(unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), op, expected, no_timeout) }).map(drop)
}

/// Wakes every waiter of `word`.
pub(crate) fn wake_all(word: &AtomicU32) {
    let op = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the kernel uses the address as a key only.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), op, i32::MAX) };
}

/// `MEMBARRIER_CMD_PRIVATE_EXPEDITED` and its registration, from `linux/membarrier.h`.
const EXPEDITED: i32 = 1 << 3;
const REGISTER_EXPEDITED: i32 = 1 << 4;

/// Registers the process for [`barrier`]; an error means that the kernel has no such command.
pub(crate) fn register_barrier() -> Result<(), Errno> {
    membarrier(REGISTER_EXPEDITED)
}

/// Makes every running thread of our process pass a full memory barrier.
pub(crate) fn barrier() -> Result<(), Errno> {
    membarrier(EXPEDITED)
}

fn membarrier(command: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    Errno::check(unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) }).map(drop)
}
