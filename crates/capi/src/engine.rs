//! An engine as C holds it: `struct utrace_engine`.
//!
//! Key type: [`EngineObject`]. The core owns a [`crate::bridge::Bridge`] for as long as the engine is attached
//! or C has a reference, and the bridge keeps this object. A reference of C keeps the core's handle, so that
//! the core's rule for who drops an engine (INV-29) is the rule for `release`.

use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::Arc;

use utrace_core::{EngineRef, EventSet, Kind};

use crate::action;
use crate::bridge::Bridge;
use crate::errno::Errno;
use crate::handles::{References, Table, address};
use crate::task::TaskObject;

/// `struct utrace_engine`: the three members of the header, and then what C does not see.
#[repr(C)]
pub(crate) struct EngineObject {
    /// The table's address, as C compares it. Its content was copied.
    ops: AtomicPtr<c_void>,
    /// C's own word, which it may change at any time.
    data: AtomicPtr<c_void>,
    /// The mask, for C to read.
    flags: AtomicU64,
    pub(crate) task: Arc<TaskObject>,
    /// What keeps the core's engine alive on behalf of C.
    references: References<EngineRef>,
    /// Whether `release` is owed: not if the attach failed.
    attached: AtomicBool,
}

static ENGINES: Table<EngineObject> = Table::new();

impl EngineObject {
    pub(crate) fn new(ops: *const c_void, data: *mut c_void, task: Arc<TaskObject>) -> Arc<EngineObject> {
        ENGINES.add(EngineObject {
            ops: AtomicPtr::new(ops.cast_mut()),
            data: AtomicPtr::new(data),
            flags: AtomicU64::new(0),
            task,
            references: References::none(),
            attached: AtomicBool::new(false),
        })
    }

    /// The engine that C means.
    pub(crate) fn at(address: *const c_void) -> Result<Arc<EngineObject>, Errno> {
        ENGINES.get(address).ok_or(Errno::INVALID)
    }

    /// The engine of C behind a handle of the core, if it is one of C's.
    pub(crate) fn behind(engine: &EngineRef) -> Option<Arc<EngineObject>> {
        if engine.kind() == Kind::of::<Bridge>() { ENGINES.get_at(engine.tag()) } else { None }
    }

    /// The number that the core keeps for us, by which [`EngineObject::behind`] finds it again.
    pub(crate) fn tag(object: &Arc<EngineObject>) -> usize {
        address(object).addr()
    }

    pub(crate) fn has_ops(&self, ops: *const c_void) -> bool {
        core::ptr::eq(self.ops.load(Ordering::Relaxed), ops)
    }

    pub(crate) fn data(&self) -> *mut c_void {
        self.data.load(Ordering::Acquire)
    }

    /// C reads it without a lock, as it always did.
    pub(crate) fn set_flags(&self, events: EventSet) {
        self.flags.store(action::mask(events), Ordering::Release);
    }

    pub(crate) fn set_attached(&self) {
        self.attached.store(true, Ordering::Release);
    }

    pub(crate) fn was_attached(&self) -> bool {
        self.attached.load(Ordering::Acquire)
    }

    /// A reference for C.
    pub(crate) fn take_reference(&self, engine: EngineRef) {
        self.references.take(engine);
    }

    /// C gives one back. May call `release`.
    pub(crate) fn put_reference(&self) {
        self.references.put();
    }

    /// The core's handle: what C's references keep, or what the task's list has if there is none.
    pub(crate) fn engine(self: &Arc<Self>) -> Result<EngineRef, Errno> {
        if let Some(engine) = self.references.kept() {
            return Ok(engine);
        }
        let ours = |engine: &EngineRef| {
            engine.kind() == Kind::of::<Bridge>() && engine.tag() == EngineObject::tag(self)
        };
        self.task.task.engines().into_iter().find(ours).ok_or(Errno::NO_SUCH)
    }
}

impl Drop for EngineObject {
    fn drop(&mut self) {
        ENGINES.forget(self);
    }
}

#[cfg(test)]
mod tests {
    use super::EngineObject;
    use core::mem::offset_of;

    #[test]
    fn the_members_are_where_the_header_says() {
        assert_eq!(offset_of!(EngineObject, ops), 0);
        assert_eq!(offset_of!(EngineObject, data), 8);
        assert_eq!(offset_of!(EngineObject, flags), 16);
    }
}
