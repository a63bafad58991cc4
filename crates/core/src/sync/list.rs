//! The *attached* list, and the token that says who may walk it.
//!
//! There is exactly one [`Walker`] per record. Whoever has it may read the list without a lock and call into the
//! engines on it; who has it *and* the ledger's lock may change the list; who has only the lock may read it.
//! A task that reports keeps its walker; one that stops or dies puts it into its ledger, and that is what
//! being quiescent means to the other threads (INV-1, INV-28).

#![expect(unsafe_code, reason = "a list read without a lock by the one that holds its walker")]

use super::UnsafeCell;
use super::lock::Guard;
use crate::attached::Attached;
use crate::engine::Engine;
use crate::record::{Ledger, Record};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The engines of a task, in call order.
///
/// # Invariants
/// 1. It is changed only by a holder of both the record's walker and the lock of the ledger that names the record.
/// 2. It is read only by a holder of one of the two.
pub(crate) struct List {
    items: UnsafeCell<Vec<Arc<Attached>>>,
}

// SAFETY: by the invariants a change excludes every other access, and Attached is Send and Sync.
unsafe impl Sync for List {}
// SAFETY: a Vec of Arcs of Send and Sync values may move between threads.
unsafe impl Send for List {}

impl List {
    pub(crate) fn new() -> List {
        List { items: UnsafeCell::new(Vec::new()) }
    }
}

/// An engine's own state, which only the walker of its task touches while it is attached.
///
/// # Invariants
/// The value is touched only through the walker of the record on whose list the engine is (INV-41), or by the
/// drop of the last `Arc`.
pub(crate) struct Data {
    engine: UnsafeCell<Box<dyn Engine>>,
}

// SAFETY: by the invariant one thread at a time touches the engine, and `Engine: Send`.
unsafe impl Sync for Data {}

impl Data {
    pub(crate) fn new(engine: Box<dyn Engine>) -> Data {
        Data { engine: UnsafeCell::new(engine) }
    }
}

/// The right to walk one record's list. Not Clone: there is one per record.
pub(crate) struct Walker {
    record: Arc<Record>,
}

impl Walker {
    /// A new record and its one walker.
    pub(crate) fn with_record() -> (Arc<Record>, Walker) {
        let record = Arc::new(Record::new());
        let walker = Walker { record: Arc::clone(&record) };
        (record, walker)
    }

    #[inline(always)]
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// The record, to keep.
    pub(crate) fn shared(&self) -> &Arc<Record> {
        &self.record
    }

    /// The engines, in call order.
    #[inline(always)]
    pub(crate) fn engines(&self) -> &[Arc<Attached>] {
        // SAFETY: we are the record's walker, so nobody changes the list while `self` is borrowed (invariant 1).
        unsafe { &*self.record.list.items.get() }
    }

    /// Engine number `position` and its state, to call into.
    #[inline(always)]
    pub(crate) fn visit(&mut self, position: usize) -> Option<(&Record, &Arc<Attached>, &mut dyn Engine)> {
        // SAFETY: as in `engines`.
        let items = unsafe { &*self.record.list.items.get() };
        let attached = items.get(position)?;
        // SAFETY: the engine is on our record's list and `&mut self` is the record's only walker, so this is
        // the only access to its state (invariant of Data).
        let engine = unsafe { &mut *attached.data.engine.get_mut() };
        Some((&self.record, attached, &mut **engine))
    }

    /// The list, to change it.
    ///
    /// # Panics
    /// If the guard is not of the ledger that names this record: a bug in this crate.
    pub(crate) fn edit<'a>(&'a mut self, guard: &'a mut Guard<'_, Ledger>) -> &'a mut Vec<Arc<Attached>> {
        assert!(guard.names(&self.record), "the guard of another task");
        // SAFETY: 1. the walker and 2. the lock of the ledger that names the record are both borrowed mutably.
        unsafe { &mut *self.record.list.items.get_mut() }
    }
}

/// Reads a record's list under the lock, while its walker may be walking elsewhere.
///
/// # Panics
/// If the guard is not of the ledger that names this record: a bug in this crate.
pub(crate) fn read_locked<'a>(record: &'a Record, guard: &'a Guard<'_, Ledger>) -> &'a [Arc<Attached>] {
    assert!(guard.names(record), "the guard of another task");
    // SAFETY: changing needs the lock that the guard holds (invariant 1).
    unsafe { &*record.list.items.get() }
}
