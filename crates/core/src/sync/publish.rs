//! A slot that is filled at most once and read without a lock: where a task keeps its record (INV-9, INV-12).

#![expect(unsafe_code, reason = "reads through a pointer that was published once")]

use super::{AtomicPtr, Ordering};
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
        // Acquire pairs with the Release in `fill`: who sees the pointer sees an initialised record.
        let pointer = self.pointer.load(Ordering::Acquire);
        // SAFETY: by the invariant it is null or points into an Arc that lives as long as self.
        unsafe { pointer.as_ref() }
    }

    /// Fills the slot; if somebody was first, `value` is dropped and theirs stays.
    pub(crate) fn fill(&self, value: Arc<T>) -> &T {
        let raw = Arc::into_raw(value).cast_mut();
        // INVARIANT: the exchange changes null only, so a published pointer stays.
        match self.pointer.compare_exchange(ptr::null_mut(), raw, Ordering::Release, Ordering::Acquire) {
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
        let pointer = self.pointer.load(Ordering::Acquire);
        if !pointer.is_null() {
            // SAFETY: by the invariant it came from `into_raw`, and `&mut self` says that no reader is left.
            drop(unsafe { Arc::from_raw(pointer) });
        }
    }
}
