//! Every tracee, by slot and by tid.
//!
//! Slots are reused, so who keeps a reference across threads keeps a [`Key`]: a slot and the serial number of its
//! tenant. A tracee is taken out of its slot while it is being handled, so that handling it may add others.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::tracee::Tracee;
use crate::types::Tid;

/// Names one tracee for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    slot: usize,
    serial: u64,
}

#[derive(Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    free: Vec<usize>,
    by_tid: HashMap<Tid, usize, BuildHasherDefault<TidHasher>>,
    /// The tracee found last: the next stop is most often its.
    last: Option<(Tid, usize)>,
    serial: u64,
}

struct Slot {
    serial: u64,
    tracee: Option<Box<Tracee>>,
}

impl Table {
    /// A key for a tracee that is going to be inserted with it.
    pub(crate) fn reserve(&mut self) -> Key {
        self.serial += 1;
        let serial = self.serial;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { serial, tracee: None });
            self.slots.len() - 1
        });
        self.slots[slot].serial = serial;
        Key { slot, serial }
    }

    pub(crate) fn insert(&mut self, tracee: Box<Tracee>) {
        self.enter(&tracee);
        self.put(tracee);
    }

    /// As [`Table::insert`] followed by [`Table::take`].
    pub(crate) fn enter(&mut self, tracee: &Tracee) {
        self.by_tid.insert(tracee.tid, tracee.key.slot);
    }

    /// Takes a tracee out for handling; [`Table::put`] brings it back, [`Table::release`] ends it.
    #[inline]
    pub(crate) fn take(&mut self, tid: Tid) -> Option<Box<Tracee>> {
        let slot = match self.last {
            Some((last, slot)) if last == tid => slot,
            _ => {
                let slot = *self.by_tid.get(&tid)?;
                self.last = Some((tid, slot));
                slot
            }
        };
        self.slots[slot].tracee.take()
    }

    /// Looks at a tracee that is in its slot.
    pub(crate) fn peek(&self, tid: Tid) -> Option<&Tracee> {
        self.slots[*self.by_tid.get(&tid)?].tracee.as_deref()
    }

    /// As [`Table::take`], by key.
    pub(crate) fn take_key(&mut self, key: Key) -> Option<Box<Tracee>> {
        let slot = self.slots.get_mut(key.slot)?;
        if slot.serial == key.serial { slot.tracee.take() } else { None }
    }

    #[inline]
    pub(crate) fn put(&mut self, tracee: Box<Tracee>) {
        let slot = tracee.key.slot;
        self.slots[slot].tracee = Some(tracee);
    }

    /// The tracee, which is out of its slot, is gone for good.
    pub(crate) fn release(&mut self, tracee: &Tracee) {
        self.last = None;
        if self.by_tid.get(&tracee.tid) == Some(&tracee.key.slot) {
            self.by_tid.remove(&tracee.tid);
        }
        self.slots[tracee.key.slot].serial = 0;
        self.free.push(tracee.key.slot);
    }

    /// The tracee, which is out of its slot, has a new tid.
    pub(crate) fn rename(&mut self, tracee: &mut Tracee, tid: Tid) {
        self.last = None;
        self.by_tid.remove(&tracee.tid);
        tracee.tid = tid;
        self.by_tid.insert(tid, tracee.key.slot);
    }

    pub(crate) fn contains(&self, tid: Tid) -> bool {
        self.by_tid.contains_key(&tid)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_tid.len()
    }

    /// The tids there are now.
    pub(crate) fn tids(&self) -> Vec<Tid> {
        self.by_tid.keys().copied().collect()
    }
}

/// Tids are small, dense and not chosen by an adversary: one multiplication spreads them well enough.
#[derive(Default)]
pub(crate) struct TidHasher(u64);

impl Hasher for TidHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i32(i32::from(*byte));
        }
    }

    fn write_i32(&mut self, value: i32) {
        // The golden ratio in 64 bits (Knuth, multiplicative hashing).
        self.0 = (self.0 ^ u64::from(value.cast_unsigned())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
