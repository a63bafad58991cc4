//! wait4(2) and waitid(2) as the tracer thread uses them.

use core::cell::Cell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::Arc;

use super::Errno;
use crate::types::Tid;

/// The 16-bit word that wait4(2) stores, not yet understood; [`crate::stop::decode`] does that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct WaitStatus(pub(crate) i32);

/// `struct rusage`: two times of seconds and microseconds, and fourteen counts.
pub(crate) type Used = [i64; 18];

/// Whether and how the resource use of a process is wanted along with its news.
#[derive(Debug)]
pub(crate) struct Usage {
    /// False until somebody asked: wait4 is spared the work.
    wanted: Arc<AtomicBool>,
    last: Cell<Option<(Tid, Used)>>,
}

impl Usage {
    pub(crate) fn new(wanted: Arc<AtomicBool>) -> Self {
        Self { wanted, last: Cell::new(None) }
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// That of the last news, if they were this thread's and it is wanted.
    #[inline]
    pub(crate) fn of(&self, tid: Tid) -> Option<Used> {
        if !self.is_wanted() {
            return None;
        }
        self.last.get().filter(|(whose, _)| *whose == tid).map(|(_, used)| used)
    }

    /// System time of the process (all its threads and the children it waited for, as getrusage(2) adds them up)
    /// at its last news. The first to ask gets `None`, and from the next news on there is an answer.
    pub(crate) fn system_time(&self) -> Option<Duration> {
        self.wanted.store(true, Ordering::Relaxed);
        let (_, used) = self.last.get()?;
        Some(Duration::from_micros(used[2].unsigned_abs() * 1_000_000 + used[3].unsigned_abs()))
    }
}

/// Blocks until some tracee or child of the calling thread has news. `ECHILD`: it has none left.
///
/// `__WALL` takes threads and children of every exit signal; `__WNOTHREAD` leaves the children of our
/// process's other threads to their owners.
pub(crate) fn wait_any(usage: &Usage) -> Result<(Tid, WaitStatus), Errno> {
    loop {
        match wait4_with(-1, libc::__WALL | libc::__WNOTHREAD, usage) {
            Err(Errno::EINTR) | Ok(None) => {}
            Ok(Some(found)) => return Ok(found),
            Err(other) => return Err(other),
        }
    }
}

/// Takes news of any tracee or child if there is some, and returns at once.
pub(crate) fn look(usage: &Usage) -> Result<Option<(Tid, WaitStatus)>, Errno> {
    match wait4_with(-1, libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG, usage) {
        Err(Errno::EINTR) => Ok(None),
        other => other,
    }
}

/// Looks for news of any tracee this many times, then blocks until there is some.
pub(crate) fn spin_any(usage: &Usage, looks: u32) -> Result<(Tid, WaitStatus), Errno> {
    for _ in 0..looks {
        match look(usage)? {
            None => core::hint::spin_loop(),
            Some(news) => return Ok(news),
        }
    }
    wait_any(usage)
}

/// Takes news of any tracee if there is some, and returns at once.
pub(crate) fn poll_any() -> Result<Option<(Tid, WaitStatus)>, Errno> {
    wait4(-1, libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG)
}

/// Takes news of this tracee if there is some, and returns at once.
pub(crate) fn look_for(tid: Tid) -> Result<Option<WaitStatus>, Errno> {
    let found = wait4(tid.raw(), libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG)?;
    Ok(found.map(|(_, status)| status))
}

/// Blocks until this tracee or child has news.
pub(crate) fn wait_for(tid: Tid) -> Result<WaitStatus, Errno> {
    loop {
        match wait4(tid.raw(), libc::__WALL | libc::__WNOTHREAD) {
            Err(Errno::EINTR) | Ok(None) => {}
            Ok(Some((_, status))) => return Ok(status),
            Err(other) => return Err(other),
        }
    }
}

/// Whether this is a tracee or a child of the calling thread.
pub(crate) fn is_ours(tid: Tid) -> bool {
    let which = libc::WSTOPPED | libc::WEXITED | libc::__WALL | libc::__WNOTHREAD;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let flags = which | libc::WNOWAIT | libc::WNOHANG;
    // SAFETY: writes a siginfo, ours and live.
    let found = unsafe { libc::waitid(libc::P_PID, tid.raw().unsigned_abs(), info.as_mut_ptr(), flags) };
    Errno::check(libc::c_long::from(found)) != Err(Errno::ECHILD)
}

/// Blocks until this tracee has news, and leaves them to be taken.
pub(crate) fn await_news(tid: Tid) -> Result<(), Errno> {
    let flags = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: writes a siginfo, ours and live.
        let found = unsafe { libc::waitid(libc::P_PID, tid.raw().unsigned_abs(), info.as_mut_ptr(), flags) };
        match Errno::check(libc::c_long::from(found)) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

fn wait4_with(pid: i32, flags: i32, usage: &Usage) -> Result<Option<(Tid, WaitStatus)>, Errno> {
    if !usage.is_wanted() {
        return wait4(pid, flags);
    }
    let mut status = 0;
    let mut rusage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: writes an int and a struct rusage, both ours and live.
    let found = unsafe { libc::wait4(pid, &raw mut status, flags, rusage.as_mut_ptr()) };
    let found = Errno::check(libc::c_long::from(found))?;
    // SAFETY: integers only; zeroed, then filled by the kernel.
    let used = words(&unsafe { rusage.assume_init() });
    let tid = i32::try_from(found).ok().and_then(Tid::new);
    if let Some(tid) = tid {
        usage.last.set(Some((tid, used)));
    }
    Ok(tid.map(|tid| (tid, WaitStatus(status))))
}

fn words(usage: &libc::rusage) -> Used {
    let [user, system] = [usage.ru_utime, usage.ru_stime];
    [
        user.tv_sec,
        user.tv_usec,
        system.tv_sec,
        system.tv_usec,
        usage.ru_maxrss,
        usage.ru_ixrss,
        usage.ru_idrss,
        usage.ru_isrss,
        usage.ru_minflt,
        usage.ru_majflt,
        usage.ru_nswap,
        usage.ru_inblock,
        usage.ru_oublock,
        usage.ru_msgsnd,
        usage.ru_msgrcv,
        usage.ru_nsignals,
        usage.ru_nvcsw,
        usage.ru_nivcsw,
    ]
}

fn wait4(pid: i32, flags: i32) -> Result<Option<(Tid, WaitStatus)>, Errno> {
    let mut status = 0;
    // SAFETY: status is a live int of ours and a null rusage is allowed.
    let found = unsafe { libc::wait4(pid, &raw mut status, flags, core::ptr::null_mut()) };
    let found = Errno::check(libc::c_long::from(found))?;
    let tid = i32::try_from(found).ok().and_then(Tid::new);
    Ok(tid.map(|tid| (tid, WaitStatus(status))))
}
