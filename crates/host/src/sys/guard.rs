//! The guardian: a tiny process that answers for us once we are gone.
//!
//! A filter that asks outlives whoever listens, and a question that nobody listens to fails with `ENOSYS`
//! (seccomp_unotify(2)). The guardian holds the listening end too and sleeps; when our end of a pipe closes, it leaves every
//! question to the kernel, those first that we had received, until no thread is left under the filter. Threads that were to
//! be woken by us it wakes itself ([`super::waker`]).

use core::ffi::CStr;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use super::Errno;
use super::notify::{Listener, Page, send};
use super::sigmask::{self, SigMask};
use super::spawn::{exit_now, fork};
use super::waker::{Round, Waker};
use crate::types::Tid;

/// The longest time between two looks at threads that are to be woken, in milliseconds.
const LONGEST_NAP: libc::c_int = 16;

/// As long as this lives, and we do, the guardian sleeps.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// Its process, a child of ours.
    pub(crate) pid: Tid,
    _ours: OwnedFd,
}

/// Sets a guardian for this listener.
pub(crate) fn set(name: &CStr, listener: &Listener) -> Result<Guarded, Errno> {
    let mut ends = [-1; 2];
    // SAFETY: writes two descriptors.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    Errno::check(libc::c_long::from(made))?;
    let [theirs, ours] = ends;
    // SAFETY: a fresh descriptor that nobody else owns.
    let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
    // SAFETY: likewise.
    let ours = unsafe { OwnedFd::from_raw_fd(ours) };
    let old = sigmask::replace(SigMask::ALL)?;
    let forked = fork();
    if let Ok(None) = forked {
        guard(name, theirs.as_raw_fd(), listener.fd(), listener.page());
    }
    sigmask::replace(old)?;
    let pid = forked?.ok_or(Errno::EINVAL)?;
    Ok(Guarded { pid, _ours: ours })
}

fn guard(name: &CStr, pipe: RawFd, listener: RawFd, page: &Page) -> ! {
    // SAFETY: a prctl that reads a C string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    // SAFETY: no argument.
    unsafe { libc::setsid() };
    // SAFETY: reads a C string. It must not keep a file system busy.
    unsafe { libc::chdir(c"/".as_ptr()) };
    close_all_but(pipe, listener);
    let mut ends = [(pipe, 0), (listener, 0)].map(|(fd, events)| libc::pollfd { fd, events, revents: 0 });
    // POLLERR of a listener says nothing (`super::notify`).
    while ends[0].revents == 0 && ends[1].revents & libc::POLLHUP == 0 {
        poll(&mut ends, -1);
    }
    for id in page.open() {
        // It may have been answered after all.
        let _ = send(listener, id, None);
    }
    let mut last = [libc::pollfd { fd: listener, events: libc::POLLIN, revents: 0 }];
    let mut waker = Waker::new();
    let mut nap = 1;
    loop {
        // Who is woken asks us, and nobody tells when it can be.
        match waker.go_round(page.sleepers()) {
            Round::Again => nap = (nap * 2).min(LONGEST_NAP),
            Round::Last => nap = -1,
        }
        poll(&mut last, nap);
        if last[0].revents & libc::POLLIN != 0 {
            if let Ok(words) = page.receive(listener) {
                let _ = send(listener, words[0], None);
            }
        } else if last[0].revents & libc::POLLHUP != 0 {
            exit_now(0);
        }
    }
}

fn poll(ends: &mut [libc::pollfd], millis: libc::c_int) {
    let count = ends.len() as libc::nfds_t;
    // SAFETY: reads and writes `count` entries.
    unsafe { libc::poll(ends.as_mut_ptr(), count, millis) };
}

fn close_all_but(one: RawFd, other: RawFd) {
    let [low, high] = [one.min(other), one.max(other)].map(i32::unsigned_abs);
    let close = |first: u32, last: u32| {
        if first <= last {
            // SAFETY: this child uses two descriptors, which are in none of the ranges.
            unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
        }
    };
    if low > 0 {
        close(0, low - 1);
    }
    close(low + 1, high.saturating_sub(1));
    close(high + 1, u32::MAX);
}
