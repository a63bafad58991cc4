//! perf_event_open(2) for two events on a thread that is not ours to slow down: a breakpoint at one address, and
//! a clock that ticks only in user mode. Neither needs a privilege beyond the right to trace the thread
//! (`perf_event_paranoid` 2), because both leave the kernel out (`exclude_kernel`).
//!
//! An [`Event`] is a descriptor: closing it ends it, also when the process that opened it is killed. What a hit
//! does is a signal to the watched thread itself (`F_SETSIG`); which one, and what the resulting stop means, is
//! decided in [`crate::quiet`].

use core::mem::size_of;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use super::{Errno, process};
use crate::types::Tid;

const TYPE_SOFTWARE: u32 = 1;
const TYPE_BREAKPOINT: u32 = 5;
const SW_TASK_CLOCK: u64 = 1;
const SW_DUMMY: u64 = 9;
/// `HW_BREAKPOINT_X`, and the only length that x86 takes for it (`linux/hw_breakpoint.h`).
const EXECUTE: u32 = 4;
const EXECUTE_LEN: u64 = 8;
/// Bits of the flag word behind `read_format` (`linux/perf_event.h`, from the lowest): disabled is 0,
/// exclude_kernel 5, exclude_hv 6.
const DISABLED: u64 = 1;
const USER_ONLY: u64 = 1 << 5 | 1 << 6;
/// `PERF_FLAG_FD_CLOEXEC`.
const CLOEXEC: libc::c_ulong = 1 << 3;
/// `F_SETSIG` of `asm-generic/fcntl.h`.
const F_SETSIG: libc::c_int = 10;
/// `F_SETOWN_EX` of the same.
const F_SETOWN_EX: libc::c_int = 15;
/// `F_OWNER_TID`.
const OWNER_TID: libc::c_int = 0;

/// The first 64 bytes of `struct perf_event_attr`, which every kernel since 2.6.31 takes (`PERF_ATTR_SIZE_VER0`),
/// and the next 8, which breakpoints need (VER1).
#[derive(Default)]
#[repr(C)]
struct Attr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
    bp_len: u64,
}

const _: () = assert!(size_of::<Attr>() == 72);

/// Descriptors that events leave to others.
const SPARED: u64 = 16;

/// `struct f_owner_ex`.
#[repr(C)]
struct Owner {
    kind: libc::c_int,
    tid: libc::c_int,
}

/// An event on one thread, on until it is dropped.
#[derive(Debug)]
pub(crate) struct Event(File);

impl Event {
    /// Counts each time that `tid` is about to execute the instruction at `at` in user mode. From the return of
    /// this call on the thread cannot pass unseen, also if it runs on another processor.
    ///
    /// # Errors
    /// `ENOSPC`: its four debug registers are taken. `EACCES`, `EPERM`, `ENOSYS`, `ENOENT`: not allowed, or not
    /// there. `EMFILE`, `ENFILE`: no descriptor left. `ESRCH`: it is gone.
    pub(crate) fn breakpoint(tid: Tid, at: u64) -> Result<Self, Errno> {
        open(
            tid,
            &Attr {
                kind: TYPE_BREAKPOINT,
                sample_period: 1,
                bp_type: EXECUTE,
                bp_addr: at,
                bp_len: EXECUTE_LEN,
                ..user_only(0)
            },
        )
    }

    /// Ticks after each `period` nanoseconds of processor time of `tid` that end in user mode.
    ///
    /// # Errors
    /// As [`Event::breakpoint`].
    pub(crate) fn user_clock(tid: Tid, period: u64) -> Result<Self, Errno> {
        open(tid, &Attr { kind: TYPE_SOFTWARE, config: SW_TASK_CLOCK, sample_period: period, ..user_only(0) })
    }

    /// An event that never happens, on a process of ours: while it is there, others are made in microseconds. (The
    /// first one in the system switches code paths on, at 6 to 12 ms.)
    ///
    /// # Errors
    /// As [`Event::breakpoint`].
    pub(crate) fn dummy(tid: Tid) -> Result<Self, Errno> {
        open(tid, &Attr { kind: TYPE_SOFTWARE, config: SW_DUMMY, ..user_only(DISABLED) })
    }

    /// From now on each hit sends `signal` to the thread itself, with `POLL_IN` as its code. A hit from before
    /// has sent nothing.
    pub(crate) fn send_to(&self, tid: Tid, signal: i32) -> Result<(), Errno> {
        let fd = self.0.as_raw_fd();
        let owner = Owner { kind: OWNER_TID, tid: tid.raw() };
        // SAFETY: F_SETOWN_EX reads one struct f_owner_ex, which `owner` is.
        Errno::check(libc::c_long::from(unsafe { libc::fcntl(fd, F_SETOWN_EX, &raw const owner) }))?;
        // SAFETY: F_SETSIG takes a number.
        Errno::check(libc::c_long::from(unsafe { libc::fcntl(fd, F_SETSIG, signal) }))?;
        // The last step: before it, nothing is sent, and a signal other than `signal` never is.
        // SAFETY: F_SETFL takes a number.
        Errno::check(libc::c_long::from(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_ASYNC) }))?;
        Ok(())
    }

    /// What it counted: how often a breakpoint was hit; of a clock, the nanoseconds that the thread ran, in user mode
    /// or not, which says nothing about ticks (task_clock_event_update() in kernel/events/core.c). 0 if that cannot be
    /// read.
    fn count(&self) -> u64 {
        let mut count = [0; 8];
        match (&self.0).read_exact(&mut count) {
            Ok(()) => u64::from_ne_bytes(count),
            Err(_) => 0,
        }
    }

    /// Ends it and answers what it counted in all. No hit comes after this.
    pub(crate) fn end(self) -> u64 {
        /// `PERF_EVENT_IOC_DISABLE`.
        const DISABLE: libc::c_ulong = 0x2401;
        // SAFETY: the request takes a number. If it fails, the thread is gone and nothing is hit any more.
        let _ = unsafe { libc::ioctl(self.0.as_raw_fd(), DISABLE, 0) };
        self.count()
    }
}

fn user_only(flags: u64) -> Attr {
    Attr { size: 72, flags: USER_ONLY | flags, wakeup_events: 1, ..Attr::default() }
}

fn open(tid: Tid, attr: &Attr) -> Result<Event, Errno> {
    // SAFETY: reads `size` bytes of `attr`; the other arguments are numbers (any processor, no group).
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, core::ptr::from_ref(attr), tid.raw(), -1, -1, CLOEXEC)
    };
    let fd = i32::try_from(Errno::check(fd)?).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // What is left is for looking at threads: blindly, a stop would be noticed.
    if process::is_among_last(&fd, SPARED) { Err(Errno::EMFILE) } else { Ok(Event(File::from(fd))) }
}
