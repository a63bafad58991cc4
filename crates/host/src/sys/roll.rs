//! What survives us for a moment: a page that the doorbell process shares, with the threads that our death could
//! leave stopped.
//!
//! A trap whose signal is `SIGSTOP` ([`crate::quiet`]) stops its process for good if we are killed after the hit and
//! before our wait. The doorbell outlives the tracer thread for this: it looks at the threads on the roll and lets
//! those go that are stopped and traced by nobody. Everything in the child is plain system calls, no allocation.

use core::sync::atomic::{AtomicI32, Ordering};
use std::os::fd::RawFd;
use std::sync::Arc;

use super::Errno;
use crate::types::Tid;

/// How many threads can be on it: one page. More than that go without.
const PLACES: usize = 1024;
/// The longest nap of the doorbell between two looks, in milliseconds.
const LONGEST: libc::c_int = 16;
/// How often it looks where it cannot be told that our descriptors are closed (before Linux 5.3).
const LOOKS: u32 = 200;
/// How many more looks, with naps of [`LONGEST`] at most, a thread gets that runs after the last trap is gone: a minute of
/// them, and few where its processor time cannot be known.
const MORE: u32 = 4000;
const FEW: u32 = 6;
/// With so many nanoseconds of processor time it is past the stop that it may have been on its way to: that takes some
/// thousand instructions.
const PAST: u64 = 2_000_000;

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

    /// Runs in the doorbell once the tracer thread is gone: lets everybody go that it left stopped, until no trap is left
    /// that could be hit.
    ///
    /// A trap lives until its descriptor is closed, which is when the last thread of the tracer's process is gone: that
    /// may be long after the first one, for some of them run when nobody else wants a processor. `tracer` is a
    /// pidfd of that process, which says when. What is sent by then is pending or has stopped its thread, and one more
    /// look takes back either. The naps before that stand in for nothing that the kernel would tell: a stop is news for
    /// parent and tracer only.
    pub(super) fn release_all(&self, tracer: RawFd) {
        let mut nap = 1;
        for look in 0_u32.. {
            let over = match wait_for_end(tracer, nap) {
                End::Yes => true,
                End::NotYet => false,
                End::Unknown => look > LOOKS,
            };
            if self.release_once() == Looked::Nobody {
                return;
            }
            if over {
                break;
            }
            nap = (nap * 2).min(LONGEST);
        }
        self.release_runners();
    }

    /// The last looks. A thread that has taken a SIGSTOP already and is not stopped yet (between `get_signal()` and
    /// `do_signal_stop()` in kernel/signal.c) has nothing pending and shows as running: only one that sleeps is
    /// certain, and one that has run for a while since. On a crowded machine that may be long after.
    fn release_runners(&self) {
        let (mut nap, mut runners) = (1, [Runner::default(); PLACES]);
        for look in 0..MORE {
            let mut all_past = true;
            for (place, runner) in self.0.iter().zip(&mut runners) {
                let tid = place.load(Ordering::SeqCst);
                if tid > 0 {
                    let seen = let_go(tid);
                    all_past &= runner.is_past(seen, processor_time(tid), look);
                }
            }
            if all_past {
                return;
            }
            // SAFETY: no descriptor: a nap.
            unsafe { libc::poll(core::ptr::null_mut(), 0, nap) };
            nap = (nap * 2).min(LONGEST);
        }
    }

    fn release_once(&self) -> Looked {
        let mut looked = Looked::Nobody;
        for place in self.0 {
            let tid = place.load(Ordering::SeqCst);
            if tid <= 0 {
                continue;
            }
            let_go(tid);
            looked = Looked::Somebody;
        }
        looked
    }
}

/// A thread that ran at the last looks.
#[derive(Clone, Copy, Default, Debug)]
struct Runner {
    /// Its processor time when it was first seen since it was last stopped.
    since: Option<u64>,
    /// Nothing can stop it any more: no trap is left that could send another signal.
    past: bool,
}

impl Runner {
    /// Whether it cannot be on its way to a stop any more.
    fn is_past(&mut self, seen: Seen, time: u64, look: u32) -> bool {
        let past = match seen {
            Seen::Asleep => true,
            Seen::Stopped => {
                *self = Self::default();
                false
            }
            Seen::Running if time == 0 => look >= FEW,
            Seen::Running => time.saturating_sub(*self.since.get_or_insert(time)) > PAST,
        };
        self.past |= past;
        self.past
    }
}

/// Looks at a thread, and lets it go if it is stopped.
fn let_go(tid: i32) -> Seen {
    let seen = look_at(tid);
    if seen == Seen::Stopped {
        // Takes back those that are only pending too (signal(7)).
        // SAFETY: a signal to a process.
        unsafe { libc::kill(tid, libc::SIGCONT) };
    }
    seen
}

/// The nanoseconds that a thread has had a processor (the first number of `schedstat`), 0 if the kernel does not say.
fn processor_time(tid: i32) -> u64 {
    let mut line = [0; 128];
    number(read_file(tid, b"/schedstat\0", &mut line).split(|byte| *byte == b' ').next().unwrap_or_default())
}

fn number(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit.wrapping_sub(b'0'))))
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

/// Whom a look found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Looked {
    /// Nobody is on the roll.
    Nobody,
    /// Somebody is.
    Somebody,
}

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// It is in state `T`, stopped, and not by a tracer; or about to be, by a SIGSTOP that waits for it.
    Stopped,
    /// It wants to run, or runs.
    Running,
    /// Neither; it may be gone.
    Asleep,
}

/// Whether a process is gone, with all its threads.
enum End {
    Yes,
    NotYet,
    /// There is no such descriptor.
    Unknown,
}

/// Waits so many milliseconds for that. A pidfd is readable when it has happened (pidfd_open(2)).
fn wait_for_end(process: RawFd, millis: libc::c_int) -> End {
    let mut fd = libc::pollfd { fd: process, events: libc::POLLIN, revents: 0 };
    // A descriptor below zero is left out, and the call is a nap.
    // SAFETY: one pollfd, ours.
    unsafe { libc::poll(&raw mut fd, 1, millis) };
    match fd.revents {
        _ if process < 0 => End::Unknown,
        0 => End::NotYet,
        _ => End::Yes,
    }
}

/// Whether a thread is in a stop of a tracer's.
pub(super) fn is_traced(tid: i32) -> bool {
    let mut line = [0; 512];
    fields_of(read_file(tid, b"/stat\0", &mut line)).and_then(<[u8]>::first) == Some(&b't')
}

/// Reads a file of a thread's in `/proc`, whose name ends in 0, as far as there is room; empty if it cannot be read.
pub(super) fn read_file<'a>(tid: i32, name: &[u8], room: &'a mut [u8]) -> &'a [u8] {
    let mut path = *b"/proc/0000000000\0\0\0\0\0\0\0\0\0\0\0\0";
    let mut rest = tid;
    for digit in path[6..16].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    for (to, from) in path[16..].iter_mut().zip(name) {
        *to = *from;
    }
    // The kernel takes no leading zeros: the path begins where the number does.
    let zeros = path[6..15].iter().take_while(|digit| **digit == b'0').count();
    path.copy_within(0..6, zeros);
    // SAFETY: a C string inside `path`.
    let fd = unsafe { libc::open(path[zeros..].as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return &[];
    }
    // SAFETY: writes at most its length into `room`.
    let len = unsafe { libc::read(fd, room.as_mut_ptr().cast(), room.len()) };
    // SAFETY: our own descriptor.
    unsafe { libc::close(fd) };
    room.get(..usize::try_from(len).unwrap_or(0)).unwrap_or_default()
}

/// What stands in a `stat` line behind the name, which is in parentheses: the letter of the state first.
fn fields_of(line: &[u8]) -> Option<&[u8]> {
    line.iter().rposition(|&byte| byte == b')').and_then(|at| line.get(at + 2..))
}

fn look_at(tid: i32) -> Seen {
    /// Field 31 of the line, the twenty-eighth behind the state: signals that wait for the thread.
    const PENDING: usize = 28;
    let mut line = [0; 512];
    let Some(rest) = fields_of(read_file(tid, b"/stat\0", &mut line)) else { return Seen::Asleep };
    let mut fields = rest.split(|&byte| byte == b' ');
    let pending = fields.clone().nth(PENDING).unwrap_or_default();
    match fields.next() {
        _ if number(pending) & (1 << (libc::SIGSTOP - 1)) != 0 => Seen::Stopped,
        Some(b"T") => Seen::Stopped,
        Some(b"R") => Seen::Running,
        _ => Seen::Asleep,
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, PAST, Roll, Runner, Seen, look_at, processor_time};
    use crate::sys::{pidfd, process};
    use crate::types::Tid;
    use std::os::fd::{AsRawFd as _, OwnedFd};
    use std::process::Stdio;

    fn is_stopped(tid: i32) -> bool {
        look_at(tid) == Seen::Stopped
    }

    /// A descriptor of a process that is gone.
    fn gone() -> OwnedFd {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let end = pidfd::open(Tid::new(child.id().cast_signed()).unwrap()).unwrap();
        child.wait().unwrap();
        end
    }

    /// A trap may be hit as long as one thread of the tracer is left: the doorbell must not go before.
    #[test]
    fn whoever_stops_before_the_tracer_is_wholly_gone_is_let_go() {
        let mut tracer = std::process::Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let end = pidfd::open(Tid::new(tracer.id().cast_signed()).unwrap()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let tid = Tid::new(child.id().cast_signed()).unwrap();
        let roll = Roll::new().unwrap();
        let _enrolled = roll.enroll(tid).unwrap();
        std::thread::scope(|scope| {
            let bell = scope.spawn(|| roll.release_all(end.as_raw_fd()));
            for _ in 0..3 {
                process::kill(tid, libc::SIGSTOP).unwrap();
                while is_stopped(tid.raw()) {
                    std::thread::yield_now();
                }
                assert!(!bell.is_finished(), "the tracer is still there");
            }
            drop(tracer.stdin.take());
            tracer.wait().unwrap();
            bell.join().unwrap();
        });
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// It had taken its SIGSTOP and got no processor for 47 ms on a crowded machine: nobody looked any more when it stopped.
    #[test]
    fn who_waits_for_a_processor_is_looked_at_until_he_has_had_one() {
        let mut runner = Runner::default();
        assert!((0..1000).all(|look| !runner.is_past(Seen::Running, 7_000, look)));
        assert!(!runner.is_past(Seen::Stopped, 9_000, 1000), "it is let go");
        assert!(!runner.is_past(Seen::Running, 9_000 + PAST, 1001), "that counts from when it was let go");
        assert!(runner.is_past(Seen::Running, 9_001 + 2 * PAST, 1002));
        let mut sleeper = Runner::default();
        assert!(sleeper.is_past(Seen::Asleep, 0, 0));
        assert!(
            sleeper.is_past(Seen::Running, 1, 1),
            "nothing wakes it for a stop: many that sleep by turns are past"
        );
        let mut unknown = Runner::default();
        assert!(!unknown.is_past(Seen::Running, 0, 0) && unknown.is_past(Seen::Running, 0, FEW));
        assert!(processor_time(std::process::id().cast_signed()) > 0);
    }

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
        let end = gone();
        roll.release_all(end.as_raw_fd());
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
