//! seccomp_unotify(2): calls that threads sleep in until we answer, and hearing of them together with stops.
//!
//! [`Listener`] is one filter's end. What was received and not yet answered is written on a page that the guardian
//! ([`super::guard`]) shares, so that nobody sleeps for ever when we are killed. [`Listeners::wait`] lets one
//! thread sleep for both: a stop sends `SIGCHLD` ([`super::sigchld`]), which is open only while that thread sleeps.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use core::time::Duration;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use super::Errno;
use super::sigmask::SigMask;
use crate::filter::ARCH_X86_64;
use crate::types::Tid;

/// Words of `struct seccomp_notif`.
const WORDS: usize = size_of::<libc::seccomp_notif>() / 8;
/// How many questions can be open at once and still be answered by the guardian: what is left of the page.
const PLACES: usize = 512 - WORDS;

/// The page shared with the guardian.
#[repr(C)]
pub(super) struct Page {
    /// Where the kernel writes the next question; its first word is the number of the last one received.
    received: [AtomicU64; WORDS],
    /// Questions that are answered later; 0 for none.
    held: [AtomicU64; PLACES],
    /// Threads that are to make a call again, and may sleep in another meanwhile.
    sleepers: [Sleeper; SLEEPERS],
}

/// How many of those the guardian can wake: a page.
pub(super) const SLEEPERS: usize = 64;

/// A thread that is to make a call again.
#[repr(C)]
pub(super) struct Sleeper {
    /// 0 for none. Written last.
    tid: AtomicI32,
    /// Negative for one of the 32-bit table.
    number: AtomicI32,
    /// The instruction behind the call.
    ip: AtomicU64,
    args: [AtomicU64; 6],
}

impl Sleeper {
    /// Who it is, its call, the instruction behind that, and the arguments; `None` for nobody.
    pub(super) fn read(&self) -> Option<(i32, i32, [u64; 7])> {
        let tid = self.tid.load(Ordering::SeqCst);
        let [a, b, c, d, e, f] = [0, 1, 2, 3, 4, 5].map(|n: usize| self.args[n].load(Ordering::SeqCst));
        let place = [self.ip.load(Ordering::SeqCst), a, b, c, d, e, f];
        (tid > 0).then(|| (tid, self.number.load(Ordering::SeqCst), place))
    }

    /// Nobody any more.
    pub(super) fn clear(&self) {
        self.tid.store(0, Ordering::SeqCst);
    }
}

/// A question as the kernel tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Received {
    pub(crate) id: u64,
    /// Who asks; `None` for one outside our namespace of processes.
    pub(crate) tid: Option<Tid>,
    pub(crate) number: u32,
    pub(crate) arch: u32,
    pub(crate) ip: u64,
    pub(crate) args: [u64; 6],
}

/// The listening end of a filter.
#[derive(Debug)]
pub(crate) struct Listener {
    fd: OwnedFd,
    page: &'static Page,
}

impl core::fmt::Debug for Page {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

impl Listener {
    /// Takes over a descriptor that a filter's installation made. `ENOTTY` and other errors if it is none.
    pub(crate) fn new(fd: OwnedFd) -> Result<Self, Errno> {
        // No question has this number: who asked it would have to be known first.
        let (raw, none) = (fd.as_raw_fd(), 0_u64);
        // SAFETY: the kernel reads a number.
        let known = unsafe { libc::ioctl(raw, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const none) };
        match Errno::check(libc::c_long::from(known)) {
            Ok(_) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping where the kernel likes; nothing of ours is there.
        let at = unsafe { libc::mmap(core::ptr::null_mut(), size_of::<Page>(), rights, kind, -1, 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: 1. page aligned, long enough, zeroed, and a page is atomics only; 2. unmapped only when the listener,
        // which never lends this reference out of this folder, goes.
        Ok(Self { fd, page: unsafe { &*at.cast() } })
    }

    pub(super) fn page(&self) -> &Page {
        self.page
    }

    /// To be polled.
    pub(crate) fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// The next question; `None` if who asked does not any more. Blocks if there was none.
    pub(crate) fn receive(&self) -> Result<Option<Received>, Errno> {
        match self.page.receive(self.fd()) {
            // Interrupted meanwhile, or we were.
            Err(Errno::ENOENT | Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno),
            Ok(words) => Ok(Some(question(words))),
        }
    }

    /// Answers a question with a value, or leaves the call to the kernel.
    pub(crate) fn send(&self, id: u64, value: Option<i64>) -> Result<(), Errno> {
        send(self.fd(), id, value)
    }

    /// Notes a question that is answered later, so that the guardian can if we cannot.
    pub(crate) fn note(&self, id: u64) {
        replace(&self.page.held, 0, id);
    }

    /// Whether no thread is left under the filter.
    pub(crate) fn has_ended(&self) -> bool {
        let mut end = libc::pollfd { fd: self.fd(), events: 0, revents: 0 };
        // SAFETY: one entry; does not wait.
        let polled = unsafe { libc::poll(&raw mut end, 1, 0) };
        polled == 1 && end.revents & libc::POLLHUP != 0
    }

    /// Leaves every noted question to the kernel.
    pub(crate) fn release(&self) {
        for id in self.page.held.iter().map(|place| place.swap(0, Ordering::SeqCst)).filter(|id| *id != 0) {
            let _ = self.send(id, None);
        }
    }

    /// Notes a thread that is to make this call again; its place, if there is one.
    pub(crate) fn lay_down(&self, tid: Tid, call: &Received) -> Option<usize> {
        let sleepers = &self.page.sleepers;
        let place = sleepers.iter().position(|place| place.tid.load(Ordering::SeqCst) == 0)?;
        let sleeper = &sleepers[place];
        let number = call.number.cast_signed();
        let narrow = call.arch != ARCH_X86_64;
        sleeper.number.store(if narrow { -number } else { number }, Ordering::SeqCst);
        sleeper.ip.store(call.ip, Ordering::SeqCst);
        for (to, from) in sleeper.args.iter().zip(call.args) {
            to.store(from, Ordering::SeqCst);
        }
        sleeper.tid.store(tid.raw(), Ordering::SeqCst);
        Some(place)
    }

    /// It has.
    pub(crate) fn awake(&self, place: usize) {
        self.page.sleepers[place].clear();
    }

    /// It is answered.
    pub(crate) fn strike(&self, id: u64) {
        replace(&self.page.held, id, 0);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let at = core::ptr::from_ref(self.page).cast_mut().cast();
        // SAFETY: our own mapping, of this length; the one reference to it goes with this value.
        unsafe { libc::munmap(at, size_of::<Page>()) };
    }
}

impl Page {
    pub(super) fn receive(&self, fd: RawFd) -> Result<[u64; WORDS], Errno> {
        // The kernel refuses room that is not empty.
        for word in &self.received {
            word.store(0, Ordering::SeqCst);
        }
        let room = self.received.as_ptr().cast_mut();
        // SAFETY: the kernel writes one `seccomp_notif` to `room`, which has its size and is made of atomics.
        let got = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_RECV, room) };
        Errno::check(libc::c_long::from(got))?;
        Ok(core::array::from_fn(|n| self.received[n].load(Ordering::SeqCst)))
    }

    /// Those who are to make a call again.
    pub(super) fn sleepers(&self) -> &[Sleeper] {
        &self.sleepers
    }

    /// Every question that may be open.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        let all = self.received.iter().take(1).chain(&self.held);
        all.map(|place| place.load(Ordering::SeqCst)).filter(|id| *id != 0)
    }
}

fn replace(places: &[AtomicU64], old: u64, new: u64) {
    if let Some(place) = places.iter().find(|place| place.load(Ordering::SeqCst) == old) {
        place.store(new, Ordering::SeqCst);
    }
}

/// `struct seccomp_notif` taken apart.
fn question(words: [u64; WORDS]) -> Received {
    let [id, pid_flags, nr_arch, ip, args @ ..] = words;
    let low = |word: u64| (word & 0xffff_ffff) as u32;
    Received {
        id,
        tid: Tid::new(low(pid_flags).cast_signed()),
        number: low(nr_arch),
        arch: low(nr_arch >> 32),
        ip,
        args,
    }
}

pub(super) fn send(fd: RawFd, id: u64, value: Option<i64>) -> Result<(), Errno> {
    let flags = if value.is_none() { libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE } else { 0 };
    let flags = u32::try_from(flags).unwrap_or(0);
    // The kernel puts `error` into the register, or `val` if that is 0: a negative value is an error number as it is.
    let mut answer = libc::seccomp_notif_resp { id, val: value.unwrap_or(0), error: 0, flags };
    // SAFETY: the kernel reads one response.
    let sent = unsafe { libc::ioctl(fd, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    Errno::check(libc::c_long::from(sent)).map(drop)
}

/// What [`Listeners::wait`] was ended by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// Perhaps a stop; or nothing for so long.
    Stop,
    /// A question for, or the end of, the listener at this place.
    Question(usize),
    /// Every thread under the filter at this place is gone.
    End(usize),
}

/// The descriptors of several listeners.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    fds: Vec<libc::pollfd>,
    /// Who is looked at first: those behind one filter that ask all the time must not keep others waiting.
    first: usize,
}

impl Listeners {
    /// Another one, at the next place.
    pub(crate) fn add(&mut self, fd: RawFd) {
        self.fds.push(libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    }

    /// The one at this place is gone; the last one takes it.
    pub(crate) fn remove(&mut self, place: usize) {
        self.fds.swap_remove(place);
    }

    /// Sleeps until there is something to hear, or for this long. The caller blocks `SIGCHLD`, which is open meanwhile.
    pub(crate) fn wait(&mut self, at_most: Option<Duration>) -> Heard {
        let time = at_most.map(|time| libc::timespec {
            tv_sec: time.as_secs().cast_signed(),
            tv_nsec: time.subsec_nanos().into(),
        });
        let time = time.as_ref().map_or(core::ptr::null(), core::ptr::from_ref);
        let mask = SigMask::ALL.without(libc::SIGCHLD).0;
        let count = self.fds.len();
        // SAFETY: reads and writes `count` entries and reads a mask of 8 bytes and, if there is one, a time.
        let got = unsafe {
            libc::syscall(
                libc::SYS_ppoll,
                self.fds.as_mut_ptr(),
                count,
                time,
                &raw const mask,
                size_of::<u64>(),
            )
        };
        if got <= 0 {
            return Heard::Stop;
        }
        let heard = |place: usize| what(self.fds.get(place)?.revents, place);
        let Some(heard) = (self.first..count).chain(0..self.first).find_map(heard) else {
            return Heard::Stop;
        };
        if let Heard::Question(place) | Heard::End(place) = heard {
            self.first = place + 1;
        }
        heard
    }
}

/// What this says of the listener at this place. `POLLERR` is nothing: the kernel says so when a signal comes while a thread
/// is just asking (`seccomp_notify_poll()` waits for a lock interruptibly, Linux 6.18).
fn what(revents: libc::c_short, place: usize) -> Option<Heard> {
    if revents & libc::POLLIN != 0 {
        return Some(Heard::Question(place));
    }
    (revents & libc::POLLHUP != 0).then_some(Heard::End(place))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    use std::time::Duration;

    use super::{Heard, Listeners, what};

    /// It was taken for the end, and nobody behind that filter was answered any more.
    #[test]
    fn a_look_that_a_signal_cut_short_is_no_end() {
        assert_eq!(what(libc::POLLERR, 3), None);
        assert_eq!(what(libc::POLLHUP, 3), Some(Heard::End(3)));
        assert_eq!(what(libc::POLLHUP | libc::POLLIN, 3), Some(Heard::Question(3)));
    }

    /// A client that never stopped asking kept those behind every later filter from an answer, for ever.
    #[test]
    fn who_asks_all_the_time_does_not_keep_others_waiting() {
        let pipes = [(); 3].map(|()| std::io::pipe().unwrap());
        let mut listeners = Listeners::default();
        for (reader, writer) in &pipes {
            listeners.add(reader.as_raw_fd());
            (&*writer).write_all(b"?").unwrap();
        }
        let turns = [(); 4].map(|()| listeners.wait(Some(Duration::from_secs(20))));
        assert_eq!(turns, [0, 1, 2, 0].map(Heard::Question));
        listeners.remove(2);
        assert_eq!(listeners.wait(Some(Duration::from_secs(20))), Heard::Question(1));
    }
}
