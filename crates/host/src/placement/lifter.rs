//! Watches over a tracer thread that runs when nobody else wants the processor, and lifts it out of that when it
//! gets too few turns.
//!
//! [`Lifter`] is a thread that sleeps unless the tracer yields ([`super`]); then it looks every
//! [`PATIENCE`] whether enough stops are served. Nothing here decides when to yield.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::beats::{Beats, PATIENCE};
use crate::procfs::{self, State};
use crate::sys::sched::{self, Policy};
use crate::types::Tid;

/// What the tracer and the lifter have between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Watch {
    /// The tracer runs as everybody.
    Off,
    /// It yields.
    On,
    /// The lifter ended it, because too little was served.
    Lifted(Lifted),
    /// The lifter is to end.
    Ended,
}

/// Why the lifter ended a yielding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lifted {
    /// The tracer wanted to run and got no turn.
    Starved,
    /// Little stopped, so there was nothing to serve.
    Quiet,
}

struct Shared {
    served: Beats,
    watch: Mutex<Watch>,
    changed: Condvar,
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
        let shared = Arc::new(Shared {
            served: Beats::default(),
            watch: Mutex::new(Watch::Off),
            changed: Condvar::new(),
        });
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
        *self.shared.lock() = Watch::On;
        self.shared.changed.notify_one();
        sched::set_policy(self.tid, Policy::Idle).is_ok()
    }

    /// Whether the lifter ended the yielding.
    pub(super) fn has_lifted(&self) -> bool {
        matches!(*self.shared.lock(), Watch::Lifted(_))
    }

    /// The tracer runs as everybody again. Answers what the lifter did meanwhile.
    pub(super) fn raise(&self) -> Option<Lifted> {
        let before = core::mem::replace(&mut *self.shared.lock(), Watch::Off);
        self.shared.changed.notify_one();
        // It was allowed once to try; if it is refused now, the lifter has done it or nobody can.
        let _ = sched::set_policy(self.tid, Policy::Normal);
        if let Watch::Lifted(why) = before { Some(why) } else { None }
    }
}

impl Drop for Lifter {
    fn drop(&mut self) {
        *self.shared.lock() = Watch::Ended;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn may_come_back() -> bool {
    let Some(me) = crate::sys::process::gettid() else { return false };
    sched::set_policy(me, Policy::Idle).is_ok() && sched::set_policy(me, Policy::Normal).is_ok()
}

fn watch(shared: &Shared, tid: Tid) {
    let mut watch = shared.lock();
    loop {
        match *watch {
            Watch::Ended => return,
            Watch::On => {}
            Watch::Off | Watch::Lifted(_) => {
                watch = shared.changed.wait(watch).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
        }
        let before = shared.served.count();
        let waited = shared.changed.wait_timeout_while(watch, PATIENCE, |now| *now == Watch::On);
        watch = waited.unwrap_or_else(PoisonError::into_inner).0;
        if *watch == Watch::On && !shared.served.are_enough_since(before) {
            let runnable = procfs::stat(tid).is_ok_and(|stat| stat.state == State::Running);
            let _ = sched::set_policy(tid, Policy::Normal);
            *watch = Watch::Lifted(if runnable { Lifted::Starved } else { Lifted::Quiet });
        }
    }
}
