//! The dead whose parents have not waited for them: REAP comes when they do.
//!
//! [`Mourner`] holds the reapers of dead processes that have a parent other than us, and a thread of its own that
//! hears of their release: a pidfd hangs up when its process is no more (since Linux 6.9, `pidfd_poll()`). The
//! reap callbacks are made on that thread, or by the tracer thread if death callbacks are still running then
//! (spec section 4, "Death and reap"). Where the kernel cannot tell, a process is taken for released when it is dead.
//! Neighbours: [`crate::tracer`], which decides who is to be mourned; [`crate::sys::pidfd`].

use std::collections::HashMap;
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use utrace_core::Reaper;

use crate::notice::Notice;
use crate::shared::Shared;
use crate::sys::Errno;
use crate::sys::pidfd::{self, HangUps};
use crate::types::Tid;

/// What [`HangUps::next`] says when the thread is to end; processes are numbered from 1.
const END: u64 = 0;

/// The thread and what it waits for. Dropping it ends both; who is still waited for is reported then.
pub(crate) struct Mourner {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
    /// Closing it hangs up the other end, which is in the set as [`END`].
    end: Option<PipeWriter>,
    count: u64,
}

struct Inner {
    shared: Arc<Shared>,
    set: HangUps,
    dead: Mutex<HashMap<u64, Dead>>,
}

/// A dead process that somebody has still to wait for.
struct Dead {
    tid: Tid,
    reaper: Reaper,
    _pidfd: OwnedFd,
}

impl Mourner {
    /// Starts the thread.
    pub(crate) fn start(shared: Arc<Shared>) -> Result<Self, Errno> {
        let set = HangUps::new()?;
        let (heard, end) = io::pipe().map_err(|error| Errno::from_io(&error))?;
        let heard = OwnedFd::from(heard);
        set.add(&heard, END)?;
        let inner = Arc::new(Inner { shared, set, dead: Mutex::default() });
        let for_thread = Arc::clone(&inner);
        let thread = thread::Builder::new()
            .name("utrace-mourner".into())
            .spawn(move || {
                for_thread.run();
                drop(heard);
            })
            .map_err(|error| Errno::from_io(&error))?;
        Ok(Self { inner, thread: Some(thread), end: Some(end), count: 0 })
    }

    /// Has the reap reported when the parent has waited for this dead process.
    ///
    /// # Errors
    /// Gives the reaper back where that cannot be known: the process is released already, or too many are open.
    pub(crate) fn mourn(&mut self, tid: Tid, reaper: Reaper) -> Result<(), Reaper> {
        let Ok(pidfd) = pidfd::open(tid) else { return Err(reaper) };
        self.count += 1;
        let mut dead = self.inner.lock();
        // Under the lock, so that it is in the map before its hang-up is served.
        if self.inner.set.add(&pidfd, self.count).is_err() {
            return Err(reaper);
        }
        dead.insert(self.count, Dead { tid, reaper, _pidfd: pidfd });
        Ok(())
    }
}

impl Drop for Mourner {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn run(&self) {
        loop {
            match self.set.next() {
                Ok(END) => break,
                Ok(name) => {
                    let released = self.lock().remove(&name);
                    if let Some(released) = released {
                        self.report(released);
                    }
                }
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        // Nobody will hear of the others any more, and their engines wait: dead they are.
        let left = core::mem::take(&mut *self.lock());
        for dead in left.into_values() {
            self.report(dead);
        }
    }

    /// Again after each engine that panics, so that those after it are told too.
    fn report(&self, mut dead: Dead) {
        while let Err(payload) = catch_unwind(AssertUnwindSafe(|| dead.reaper.reap())) {
            self.shared.notify(Notice::panicked(self.shared.take_unwound(), dead.tid, payload.as_ref()));
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(dead.reaper))) {
            self.shared.notify(Notice::panicked(self.shared.take_unwound(), dead.tid, payload.as_ref()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Dead>> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the kernel says when a dead process is released.
pub(crate) fn kernel_tells() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    is_new_enough(&release)
}

fn is_new_enough(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|word| word.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(9))
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn a_kernel_is_asked_only_for_what_it_knows() {
        assert!(is_new_enough("6.9.0") && is_new_enough("6.18.44-fc") && is_new_enough("7.0"));
        assert!(!is_new_enough("6.8.12") && !is_new_enough("5.19") && !is_new_enough(""));
    }
}
