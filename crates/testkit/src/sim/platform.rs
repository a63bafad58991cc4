//! Wait and wake for the core, on a mutex and a condition variable.
//!
//! Key types: [`SimPlatform`]. It knows who waits, so that a test can be sure that a call waits before it lets it
//! go on, and it can interrupt a wait as a signal would.

use crate::gate::{lock, wait_for};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, LazyLock, Mutex};
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
    waiting: HashMap<ThreadId, Wait>,
}

/// What a thread waits for.
struct Wait {
    /// The address of the word, as a key only.
    word: usize,
    /// Somebody woke who waits on it. Nothing else ends the wait, so that a wake-up that is forgotten is seen.
    woken: bool,
}

fn key(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word).addr()
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
        lock(&self.threads).waiting.contains_key(&thread)
    }
}

impl Platform for SimPlatform {
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup {
        let me = std::thread::current().id();
        let mut threads = lock(&self.threads);
        // The waker changes the word and then takes our lock, so that it cannot slip in between here.
        if !threads.interrupted.contains(&me) && word.load(Ordering::SeqCst) != expected {
            return Wakeup::Look;
        }
        threads.waiting.insert(me, Wait { word: key(word), woken: false });
        let (mut threads, interrupted) =
            wait_for(&self.changed, threads, "a wake-up inside the core", |threads| {
                let interrupted = threads.interrupted.remove(&me);
                let woken = threads.waiting.get(&me).is_some_and(|wait| wait.woken);
                (interrupted || woken).then_some(interrupted)
            });
        threads.waiting.remove(&me);
        if interrupted { Wakeup::Interrupted } else { Wakeup::Look }
    }

    fn wake_all(&self, word: &AtomicU32) {
        let mut threads = lock(&self.threads);
        for wait in threads.waiting.values_mut().filter(|wait| wait.word == key(word)) {
            wait.woken = true;
        }
        drop(threads);
        self.changed.notify_all();
    }
}
