//! What survives us for a moment: a page that the doorbell process shares, with the threads that our death could
//! leave stopped.
//!
//! A trap whose signal is `SIGSTOP` ([`crate::quiet`]) stops its process for good if we are killed after the hit and
//! before our wait. The doorbell outlives the tracer thread for this: it looks at the threads on the roll and lets
//! those go that are stopped and traced by nobody. Everything in the child is plain system calls, no allocation.

use core::sync::atomic::{AtomicI32, Ordering};
use std::sync::Arc;

use super::Errno;
use crate::types::Tid;

/// How many threads can be on it: one page. More than that go without.
const PLACES: usize = 1024;
/// How long the doorbell looks after the threads, in naps of a millisecond: until our descriptors are closed.
const NAPS: u32 = 500;

/// The page.
#[derive(Debug)]
pub(crate) struct Roll(&'static [AtomicI32; PLACES]);

/// A thread on the roll, as long as this lives.
#[derive(Debug)]
pub(crate) struct Enrolled {
    roll: Arc<Roll>,
    place: usize,
}

impl Roll {
    /// An empty one.
    pub(crate) fn new() -> Result<Arc<Self>, Errno> {
        let (len, rights) = (size_of::<[AtomicI32; PLACES]>(), libc::PROT_READ | libc::PROT_WRITE);
        let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping where the kernel likes; nothing of ours is there.
        let at = unsafe { libc::mmap(core::ptr::null_mut(), len, rights, kind, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: 1. page aligned, `len` bytes, zeroed; 2. unmapped only when the last handle, which this value is,
        // goes; 3. shared with another process, which uses atomics only.
        Ok(Arc::new(Self(unsafe { &*at.cast() })))
    }

    /// Puts a thread on it; `None` if it is full.
    pub(crate) fn enroll(self: &Arc<Self>, tid: Tid) -> Option<Enrolled> {
        let place = self.0.iter().position(|place| {
            place.compare_exchange(0, tid.raw(), Ordering::SeqCst, Ordering::Relaxed).is_ok()
        })?;
        Some(Enrolled { roll: Arc::clone(self), place })
    }

    /// Runs in the doorbell once the tracer is gone: lets everybody go that it left stopped.
    pub(super) fn release_all(&self) {
        for _ in 0..NAPS {
            let mut any = false;
            for place in self.0 {
                let tid = place.load(Ordering::SeqCst);
                if tid > 0 {
                    any = true;
                    if is_stopped(tid) {
                        // SAFETY: a signal to a process.
                        unsafe { libc::kill(tid, libc::SIGCONT) };
                    }
                }
            }
            if !any {
                return;
            }
            let nap = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            // SAFETY: reads `nap`.
            unsafe { libc::nanosleep(&raw const nap, core::ptr::null_mut()) };
        }
    }
}

impl Drop for Roll {
    fn drop(&mut self) {
        let at = core::ptr::from_ref(self.0).cast_mut().cast();
        // SAFETY: our own mapping, of this length; the one reference to it goes with this value.
        unsafe { libc::munmap(at, size_of::<[AtomicI32; PLACES]>()) };
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        self.roll.0[self.place].store(0, Ordering::SeqCst);
    }
}

/// Whether a thread is in state `T`: stopped, and not by a tracer.
fn is_stopped(tid: i32) -> bool {
    let mut path = *b"/proc/0000000000/stat\0";
    let mut rest = tid;
    for digit in path[6..16].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    // The kernel takes no leading zeros: the path begins where the number does.
    let zeros = path[6..15].iter().take_while(|digit| **digit == b'0').count();
    path.copy_within(0..6, zeros);
    // SAFETY: a C string inside `path`.
    let fd = unsafe { libc::open(path[zeros..].as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return false;
    }
    let mut line = [0_u8; 256];
    // SAFETY: writes at most its length into `line`.
    let len = unsafe { libc::read(fd, line.as_mut_ptr().cast(), line.len()) };
    // SAFETY: our own descriptor.
    unsafe { libc::close(fd) };
    let line = &line[..usize::try_from(len).unwrap_or(0)];
    // The state is the letter behind the name, which stands in parentheses.
    line.iter().rposition(|&byte| byte == b')').and_then(|at| line.get(at + 2)) == Some(&b'T')
}

#[cfg(test)]
mod tests {
    use super::{Roll, is_stopped};
    use crate::types::Tid;

    #[test]
    fn a_stopped_process_on_the_roll_is_let_go_and_no_other() {
        let start = || {
            let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
            let pid = child.id().cast_signed();
            let kill = std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
            assert!(kill.success());
            while !is_stopped(pid) {
                std::thread::yield_now();
            }
            (child, pid)
        };
        let ((mut one, first), (mut other, second)) = (start(), start());
        let roll = Roll::new().unwrap();
        let enrolled = roll.enroll(Tid::new(first).unwrap()).unwrap();
        roll.release_all();
        assert!(!is_stopped(first));
        assert!(is_stopped(second));
        drop(enrolled);
        assert!(roll.0.iter().all(|place| place.load(std::sync::atomic::Ordering::SeqCst) == 0));
        for child in [&mut one, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
