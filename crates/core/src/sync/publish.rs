//! A slot that is filled at most once and read without a lock: where a task keeps its record (INV-9, INV-12).

#![expect(unsafe_code, reason = "reads through a pointer that was published once")]

use super::{AtomicPtr, Ordering, order};
use alloc::sync::Arc;
use core::marker::PhantomData;
use core::ptr;

/// Empty, or an `Arc` that stays for the life of the slot.
///
/// # Invariants
/// `pointer` is null, or came from `Arc::into_raw` and is never changed again.
pub(crate) struct Publish<T> {
    pointer: AtomicPtr<T>,
    owns: PhantomData<Arc<T>>,
}

impl<T> Publish<T> {
    pub(crate) fn empty() -> Publish<T> {
        Publish { pointer: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
    }

    /// What was published, if anything. A reader that saw something written after the publication sees it.
    #[inline]
    pub(crate) fn get(&self) -> Option<&T> {
        // Pairs with the Release in `fill`: who sees the pointer sees an initialised record.
        let pointer = self.pointer.load(order::record_get());
        // SAFETY: by the invariant it is null or points into an Arc that lives as long as self.
        unsafe { pointer.as_ref() }
    }

    /// Fills the slot; if somebody was first, `value` is dropped and theirs stays.
    pub(crate) fn fill(&self, value: Arc<T>) -> &T {
        let raw = Arc::into_raw(value).cast_mut();
        // INVARIANT: the exchange changes null only, so a published pointer stays.
        match self.pointer.compare_exchange(ptr::null_mut(), raw, order::record_fill(), order::record_lost())
        {
            // SAFETY: `raw` is published now and lives as long as self.
            Ok(_) => unsafe { &*raw },
            Err(first) => {
                // SAFETY: `raw` came from `into_raw` above and was not published, so this Arc is ours to drop.
                drop(unsafe { Arc::from_raw(raw) });
                // SAFETY: by the invariant a non-null pointer lives as long as self; Acquire saw it filled.
                unsafe { &*first }
            }
        }
    }
}

impl<T> Drop for Publish<T> {
    fn drop(&mut self) {
        // Relaxed: `&mut self` is in order with everything that was done through a shared reference.
        let pointer = self.pointer.load(Ordering::Relaxed);
        if !pointer.is_null() {
            // SAFETY: by the invariant it came from `into_raw`, and `&mut self` says that no reader is left.
            drop(unsafe { Arc::from_raw(pointer) });
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::Publish;
    use crate::sync::{AtomicU64, Ordering};
    use alloc::sync::Arc;
    use loom::thread;

    /// Who gets a value gets it as it was when it was published, also the loser of a race to publish.
    #[test]
    fn who_finds_a_value_finds_it_whole() {
        loom::model(|| {
            let slot = Arc::new(Publish::empty());
            let made = |by| {
                let value = Arc::new(AtomicU64::new(0));
                value.store(by, Ordering::Relaxed);
                value
            };
            let fills = thread::spawn({
                let slot = Arc::clone(&slot);
                move || slot.fill(made(1)).load(Ordering::Relaxed)
            });
            let seen = slot.get().map(|value| value.load(Ordering::Relaxed));
            assert!(matches!(seen, None | Some(1)), "{seen:?}");
            let (mine, theirs) = (slot.fill(made(2)).load(Ordering::Relaxed), fills.join().unwrap());
            assert!(mine == theirs && (mine == 1 || mine == 2), "{mine} and {theirs}");
        });
    }
}
