//! What C holds: addresses as keys of a table, and how many references of C there are.
//!
//! Key types: [`Table`], [`References`]. An object is alive while somebody in the library or a reference of C
//! keeps it; its address is in the table for exactly that long. An address that comes from C is looked up, so
//! one that is stale, foreign or NULL is found out. One that was freed may be given out again by the allocator:
//! that cannot be told.

use core::ffi::c_void;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// A lock that a panic elsewhere does not close: what it protects is whole between any two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The objects of one kind, by address.
pub(crate) struct Table<T>(Mutex<BTreeMap<usize, Weak<T>>>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Table<T> {
        Table(Mutex::new(BTreeMap::new()))
    }

    /// A new object, known from now on.
    pub(crate) fn add(&self, object: T) -> Arc<T> {
        let object = Arc::new(object);
        lock(&self.0).insert(Arc::as_ptr(&object).addr(), Arc::downgrade(&object));
        object
    }

    /// To be called by the object's `Drop`. Its memory, and so its address, is in use until here: the table's
    /// own [`Weak`] sees to that.
    pub(crate) fn forget(&self, object: &T) {
        let forgotten = lock(&self.0).remove(&core::ptr::from_ref(object).addr());
        drop(forgotten);
    }

    /// The object at this address.
    pub(crate) fn get(&self, address: *const c_void) -> Option<Arc<T>> {
        lock(&self.0).get(&address.addr())?.upgrade()
    }

    /// The object with this address as a number.
    pub(crate) fn get_at(&self, address: usize) -> Option<Arc<T>> {
        lock(&self.0).get(&address)?.upgrade()
    }
}

/// The address of an object, as C gets it.
pub(crate) fn address<T>(object: &Arc<T>) -> *mut c_void {
    Arc::as_ptr(object).cast_mut().cast()
}

/// The references that C holds on one object, and what they keep alive together.
pub(crate) struct References<K>(Mutex<Held<K>>);

struct Held<K> {
    count: usize,
    /// There while `count` is not 0.
    kept: Option<K>,
}

impl<K: Clone> References<K> {
    pub(crate) const fn none() -> References<K> {
        References(Mutex::new(Held { count: 0, kept: None }))
    }

    /// One more. `keep` is kept if it is the first.
    pub(crate) fn take(&self, keep: K) {
        let mut held = lock(&self.0);
        held.count += 1;
        let unused = if held.kept.is_none() { held.kept.replace(keep) } else { Some(keep) };
        drop(held);
        drop(unused);
    }

    /// One less; with the last goes what was kept, here, after the lock. One that was never taken is no less.
    pub(crate) fn put(&self) {
        let mut held = lock(&self.0);
        held.count = held.count.saturating_sub(1);
        let kept = if held.count == 0 { held.kept.take() } else { None };
        drop(held);
        drop(kept);
    }

    /// What is kept, if there is a reference.
    pub(crate) fn kept(&self) -> Option<K> {
        lock(&self.0).kept.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{References, Table, address};
    use std::sync::Arc;

    struct Thing;
    static THINGS: Table<Thing> = Table::new();
    impl Drop for Thing {
        fn drop(&mut self) {
            THINGS.forget(self);
        }
    }

    #[test]
    fn an_address_is_known_as_long_as_its_object() {
        let thing = THINGS.add(Thing);
        let at = address(&thing);
        assert!(THINGS.get(at).is_some_and(|found| Arc::ptr_eq(&found, &thing)));
        assert!(THINGS.get(core::ptr::null()).is_none());
        drop(thing);
        assert!(THINGS.get(at).is_none());
    }

    #[test]
    fn the_last_reference_lets_go_and_one_too_many_does_nothing() {
        let (kept, references) = (Arc::new(()), References::none());
        references.take(Arc::clone(&kept));
        references.take(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 2);
        references.put();
        assert!(references.kept().is_some());
        references.put();
        references.put();
        assert_eq!(Arc::strong_count(&kept), 1);
        references.take(Arc::clone(&kept));
        assert_eq!(Arc::strong_count(&kept), 2);
    }
}
