//! Watches over a tracer thread that runs when nobody else wants the processor, and lifts it out of that when it
//! gets too few turns.
//!
//! [`Lifter`] is a thread that sleeps unless the tracer yields ([`super`]); then it looks every
//! [`PATIENCE`] whether enough stops are served. Nothing here decides when to yield.

use core::sync::atomic::{AtomicU8, Ordering};
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::beats::{Beats, PATIENCE};
use crate::procfs::{self, State};
use crate::sys::sched::{self, Policy};
use crate::types::Tid;

/// The tracer runs as everybody.
const OFF: u8 = 0;
/// It yields.
const ON: u8 = 1;
/// The lifter ended that: the tracer wanted to run and got no turn.
const STARVED: u8 = 2;
/// The lifter ended that: little stopped, so there was nothing to serve.
const QUIET: u8 = 3;
/// The lifter is to end.
const ENDED: u8 = 4;

/// Why the lifter ended a yielding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lifted {
    /// The tracer wanted to run and got no turn.
    Starved,
    /// Little stopped, so there was nothing to serve.
    Quiet,
}

impl Lifted {
    fn from_watch(watch: u8) -> Option<Self> {
        match watch {
            STARVED => Some(Lifted::Starved),
            QUIET => Some(Lifted::Quiet),
            _ => None,
        }
    }
}

/// What the tracer and the lifter have between them: no lock, as the lifter must never wait for a thread that runs
/// when nobody else wants to.
struct Shared {
    served: Beats,
    watch: AtomicU8,
}

/// The lifter thread, seen from the tracer thread.
pub(super) struct Lifter {
    shared: Arc<Shared>,
    tid: Tid,
    thread: Option<JoinHandle<()>>,
}

impl Lifter {
    /// Starts the thread for the calling tracer thread, if we may come back from `SCHED_IDLE`: without
    /// `CAP_SYS_NICE` or a `RLIMIT_NICE` that allows nice 0 that is a one-way street (sched(7)).
    ///
    /// The lifter itself tries it first, so that the tracer is never the one that is stuck.
    pub(super) fn start(tid: Tid) -> io::Result<Option<Lifter>> {
        let shared = Arc::new(Shared { served: Beats::default(), watch: AtomicU8::new(OFF) });
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("utrace-lifter".into()).spawn(move || {
            let may = may_come_back();
            let _ = tell.send(may);
            if may {
                watch(&for_thread, tid);
            }
        })?;
        let may = told.recv().unwrap_or(false);
        Ok(may.then_some(Lifter { shared, tid, thread: Some(thread) }))
    }

    /// The tracer served a stop.
    #[inline]
    pub(super) fn beat(&self) {
        self.shared.served.beat();
    }

    /// The tracer yields from now on, watched.
    pub(super) fn lower(&self) -> bool {
        self.tell(ON);
        let lowered = sched::set_policy(self.tid, Policy::Idle).is_ok();
        // Between those two it may have been lifted already: then nobody watches any more.
        if self.has_lifted() {
            let _ = sched::set_policy(self.tid, Policy::Normal);
        }
        lowered
    }

    /// Whether the lifter ended the yielding.
    pub(super) fn has_lifted(&self) -> bool {
        Lifted::from_watch(self.shared.watch.load(Ordering::Acquire)).is_some()
    }

    /// The tracer runs as everybody again. Answers what the lifter did meanwhile.
    pub(super) fn raise(&self) -> Option<Lifted> {
        let before = self.tell(OFF);
        // It was allowed once to try; if it is refused now, the lifter has done it or nobody can.
        let _ = sched::set_policy(self.tid, Policy::Normal);
        Lifted::from_watch(before)
    }

    fn tell(&self, watch: u8) -> u8 {
        let before = self.shared.watch.swap(watch, Ordering::AcqRel);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        before
    }
}

impl Drop for Lifter {
    fn drop(&mut self) {
        self.raise();
        self.tell(ENDED);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn may_come_back() -> bool {
    let Some(me) = crate::sys::process::gettid() else { return false };
    sched::set_policy(me, Policy::Idle).is_ok() && sched::set_policy(me, Policy::Normal).is_ok()
}

fn watch(shared: &Shared, tid: Tid) {
    loop {
        match shared.watch.load(Ordering::Acquire) {
            ENDED => return,
            ON => {}
            _ => {
                thread::park();
                continue;
            }
        }
        let before = shared.served.count();
        if is_on_for_long(shared) && !shared.served.are_enough_since(before) {
            let runnable = procfs::stat(tid).is_ok_and(|stat| stat.state == State::Running);
            let _ = sched::set_policy(tid, Policy::Normal);
            let why = if runnable { STARVED } else { QUIET };
            // Refused if the tracer ended it first, which is as good.
            let _ = shared.watch.compare_exchange(ON, why, Ordering::AcqRel, Ordering::Acquire);
        }
    }
}

/// Whether the tracer yields for all of [`PATIENCE`] from now; `false` as soon as it does not.
fn is_on_for_long(shared: &Shared) -> bool {
    let since = Instant::now();
    while shared.watch.load(Ordering::Acquire) == ON {
        let Some(left) = PATIENCE.checked_sub(since.elapsed()) else { return true };
        thread::park_timeout(left);
    }
    false
}
