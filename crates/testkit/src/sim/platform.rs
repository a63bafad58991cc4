//! Wait and wake for the core, on a mutex and a condition variable.
//!
//! Key types: [`SimPlatform`]. It knows who waits, so that a test can be sure that a call waits before it lets it
//! go on, and it can interrupt a wait as a signal would.

use crate::gate::{PATIENCE, lock};
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, LazyLock, Mutex, PoisonError};
use std::thread::ThreadId;
use utrace_core::{AtomicU32, Platform, Wakeup};

/// The platform of every sim host in the process.
#[derive(Default)]
pub struct SimPlatform {
    threads: Mutex<Threads>,
    changed: Condvar,
}

#[derive(Default)]
struct Threads {
    interrupted: HashSet<ThreadId>,
    waiting: HashSet<ThreadId>,
}

static PLATFORM: LazyLock<SimPlatform> = LazyLock::new(SimPlatform::default);

impl SimPlatform {
    /// The one instance.
    pub fn get() -> &'static SimPlatform {
        &PLATFORM
    }

    /// Ends the present or next wait of a thread, as a signal to it would.
    pub fn interrupt(&self, thread: ThreadId) {
        lock(&self.threads).interrupted.insert(thread);
        self.changed.notify_all();
    }

    /// Whether a thread waits in the core.
    pub fn is_waiting(&self, thread: ThreadId) -> bool {
        lock(&self.threads).waiting.contains(&thread)
    }
}

impl Platform for SimPlatform {
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup {
        let me = std::thread::current().id();
        let mut threads = lock(&self.threads);
        if threads.interrupted.remove(&me) {
            return Wakeup::Interrupted;
        }
        // The waker changes the word and then takes our lock, so that it cannot slip in between here.
        if word.load(Ordering::SeqCst) != expected {
            return Wakeup::Look;
        }
        threads.waiting.insert(me);
        let (woken, timeout) =
            self.changed.wait_timeout(threads, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        threads = woken;
        threads.waiting.remove(&me);
        // A lock that is never freed, or a callback that never ends.
        assert!(!timeout.timed_out(), "waited {PATIENCE:?} inside the core");
        if threads.interrupted.remove(&me) { Wakeup::Interrupted } else { Wakeup::Look }
    }

    fn wake_all(&self, _word: &AtomicU32) {
        drop(lock(&self.threads));
        self.changed.notify_all();
    }
}
