//! The one folder of this crate that may use `unsafe`: atomics and fences (real or loom's), the lock, the cell
//! that publishes a record, and the list that one walker reads without a lock.
//!
//! Everything outside takes atomics and cells from here, so that loom sees every access (`--cfg loom`). What
//! each ordering pairs with is written where the field is declared: [`crate::record`]. The orderings have names and
//! stand in [`order`], each with the model that fails without it.

pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod order;
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

/// Reads an atomic that only holders of a lock write, holding that lock.
///
/// Under loom, the read is no access of its own but a check that all writes are in order before it.
pub(crate) trait LoadOwn {
    type Value;
    fn load_own(&self) -> Self::Value;
}

macro_rules! load_own {
    ($($atomic:ident: $value:ty),*) => {
        $(
            impl LoadOwn for $atomic {
                type Value = $value;
                #[cfg(not(loom))]
                fn load_own(&self) -> $value {
                    self.load(Ordering::Relaxed)
                }
                #[cfg(loom)]
                #[expect(unsafe_code, reason = "loom calls its checked read unsafe")]
                fn load_own(&self) -> $value {
                    // SAFETY: loom stops the run if a write is not in order before this read.
                    unsafe { self.unsync_load() }
                }
            }
        )*
    };
}

load_own!(AtomicU32: u32, AtomicU64: u64);

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
