//! The lock around a task's ledger: three states, waiting through [`Platform`].
//!
//! Held for a few list operations, never during a callback (INV-39) and never while engine data is dropped
//! (INV-29). It does not know which task it belongs to.

#![expect(unsafe_code, reason = "a lock hands out exclusive access to a cell")]

use super::{AtomicU32, Ordering, UnsafeCell, order};
use crate::host::Platform;
use core::ops::{Deref, DerefMut};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may be waiting.
const WAITED_FOR: u32 = 2;

/// A value that one thread at a time may touch.
///
/// # Invariants
/// `value` is touched only by the thread whose `word` transition left [`FREE`] and that has not stored it back.
pub(crate) struct Lock<T> {
    word: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the invariant gives `value` to one thread at a time, and T may move between threads.
unsafe impl<T: Send> Sync for Lock<T> {}
// SAFETY: the lock owns its value, which may move between threads.
unsafe impl<T: Send> Send for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Lock<T> {
        Lock { word: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// Waits until the value is free, then holds it until the guard is dropped.
    pub(crate) fn lock<'a>(&'a self, platform: &'a dyn Platform) -> Guard<'a, T> {
        if self.word.compare_exchange(FREE, HELD, order::lock_take(), Ordering::Relaxed).is_err() {
            self.wait(platform);
        }
        #[cfg(test)]
        taken::TIMES.with(|times| times.set(times.get() + 1));
        Guard { lock: self, platform }
    }

    #[cold]
    fn wait(&self, platform: &dyn Platform) {
        // Taking it as WAITED_FOR may cause one wake-up too many, never one too few.
        while self.word.swap(WAITED_FOR, order::lock_wait()) != FREE {
            // An interrupted wait is a wait all the same: the lock is held for a bounded time.
            let _ = platform.wait(&self.word, WAITED_FOR);
        }
    }
}

/// The right to touch the value.
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
    platform: &'a dyn Platform,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: a guard exists only between taking and freeing the word, so the value is ours.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: a guard exists only between taking and freeing the word, and `&mut self` is the only way in.
        unsafe { &mut *self.lock.value.get_mut() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if self.lock.word.swap(FREE, order::lock_free()) == WAITED_FOR {
            self.platform.wake_all(&self.lock.word);
        }
    }
}

/// How often this thread took a lock: what the tests of the hot path count.
#[cfg(test)]
pub(crate) mod taken {
    std::thread_local! {
        pub(crate) static TIMES: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
    }

    /// How often `work` takes a lock.
    pub(crate) fn during(work: impl FnOnce()) -> usize {
        let before = TIMES.with(core::cell::Cell::get);
        work();
        TIMES.with(core::cell::Cell::get) - before
    }
}
