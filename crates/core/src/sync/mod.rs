//! The one folder of this crate that may use `unsafe`: atomics and fences (real or loom's), the lock, the cell
//! that publishes a record, and the list that one walker reads without a lock.
//!
//! Everything outside takes atomics and cells from here, so that loom sees every access (`--cfg loom`). What
//! each ordering pairs with is written where the field is declared: [`crate::record`].
//!
//! `--cfg weaken_…` takes one fence or ordering away: `ci/mutate.sh` shows that a loom test then fails.

pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod publish;

#[cfg(not(loom))]
mod real {
    pub use core::sync::atomic::AtomicU32;
    pub(crate) use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, compiler_fence, fence};
}

#[cfg(loom)]
mod real {
    pub use loom::sync::atomic::AtomicU32;
    pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
}

pub use real::AtomicU32;
pub(crate) use real::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// A full fence: both sides of a store-buffering pair pass one.
pub(crate) fn fence_full() {
    #[cfg(not(weaken_full))]
    real::fence(Ordering::SeqCst);
}

/// The reporting side of fence pairs A and D.
///
/// With an asymmetric platform the other side's heavy fence (membarrier(2)) makes this thread pass a full
/// fence, so that only the compiler must keep the order here; loom models that as a full fence on both sides.
#[inline(always)]
pub(crate) fn fence_light(symmetric: bool) {
    #[cfg(not(loom))]
    if symmetric {
        real::fence(Ordering::SeqCst);
    } else {
        real::compiler_fence(Ordering::SeqCst);
    }
    #[cfg(loom)]
    {
        let _ = symmetric;
        #[cfg(not(weaken_light))]
        real::fence(Ordering::SeqCst);
    }
}

/// A cell whose accesses loom checks: `with` to look, `with_mut` to change.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T: ?Sized> {
    #[cfg(loom)]
    watch: loom::cell::UnsafeCell<()>,
    value: core::cell::UnsafeCell<T>,
}

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell {
            #[cfg(loom)]
            watch: loom::cell::UnsafeCell::new(()),
            value: core::cell::UnsafeCell::new(value),
        }
    }
}

impl<T: ?Sized> UnsafeCell<T> {
    /// A pointer to look through. Under loom, reports the access.
    #[inline(always)]
    pub(crate) fn get(&self) -> *const T {
        #[cfg(loom)]
        self.watch.with(|_| ());
        self.value.get()
    }

    /// A pointer to change through. Under loom, reports the access.
    #[inline(always)]
    pub(crate) fn get_mut(&self) -> *mut T {
        #[cfg(loom)]
        self.watch.with_mut(|_| ());
        self.value.get()
    }
}
