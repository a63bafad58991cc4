//! Who is on the log: the members by task id.
//!
//! Key types: [`Roll`], [`Member`]. Needed because a task's id can pass to another thread object: a thread that
//! execs takes over its leader's id, and with it the leader's file, while the leader vanishes (INV-36).
//!
//! Writes nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use utrace_core::TaskId;

use super::page::PageRef;

/// One task on the log.
#[derive(Debug)]
pub(crate) struct Member {
    /// Tells this engine's open line from others'. Never used twice.
    pub(crate) line: LineId,
    /// Where it writes.
    pub(crate) page: PageRef,
    /// Another thread has taken its id: its end is no longer its own to tell.
    superseded: AtomicBool,
    /// Off the roll: each member leaves once.
    left: AtomicBool,
}

/// Whose line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineId(u64);

impl Member {
    /// Whether another thread has taken its id.
    pub(crate) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Relaxed)
    }
}

/// The members, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    next: AtomicU64,
    members: Mutex<HashMap<TaskId, Arc<Member>>>,
}

impl Roll {
    /// Makes a member for a task that is about to be attached. It counts at once, and is found by id after
    /// [`Roll::begin`].
    pub(crate) fn enter(&self, page: PageRef) -> Arc<Member> {
        let line = LineId(self.next.fetch_add(1, Ordering::Relaxed));
        page.lock().tasks += 1;
        Arc::new(Member { line, page, superseded: AtomicBool::new(false), left: AtomicBool::new(false) })
    }

    /// The member is attached. It may have left again already.
    pub(crate) fn begin(&self, id: TaskId, member: &Arc<Member>) {
        let mut members = self.lock();
        if !member.left.load(Ordering::Relaxed) {
            members.insert(id, Arc::clone(member));
        }
    }

    /// The member has left, by whatever way.
    pub(crate) fn leave(&self, id: TaskId, member: &Arc<Member>) {
        if member.left.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut members = self.lock();
        if members.get(&id).is_some_and(|found| Arc::ptr_eq(found, member)) {
            members.remove(&id);
        }
        drop(members);
        let mut page = member.page.lock();
        page.tasks = page.tasks.saturating_sub(1);
    }

    /// `member`, which was `former`, is `id` now. Answers who was that before, who is off the roll by that.
    pub(crate) fn take_over(&self, former: TaskId, id: TaskId, member: &Arc<Member>) -> Option<Arc<Member>> {
        let mut members = self.lock();
        if members.get(&former).is_some_and(|found| Arc::ptr_eq(found, member)) {
            members.remove(&former);
        }
        let before = members.insert(id, Arc::clone(member)).filter(|found| !Arc::ptr_eq(found, member));
        drop(members);
        if let Some(before) = &before {
            before.superseded.store(true, Ordering::Relaxed);
            if !before.left.swap(true, Ordering::Relaxed) {
                let mut page = before.page.lock();
                page.tasks = page.tasks.saturating_sub(1);
            }
        }
        before
    }

    /// `member`, which is `id` now, goes on writing to `page`.
    pub(crate) fn succeed(&self, id: TaskId, member: &Arc<Member>, page: PageRef) -> Arc<Member> {
        member.left.store(true, Ordering::Relaxed);
        let (superseded, left) = (AtomicBool::new(false), AtomicBool::new(false));
        let successor = Arc::new(Member { line: member.line, page, superseded, left });
        self.lock().insert(id, Arc::clone(&successor));
        successor
    }

    /// Who has this id.
    pub(crate) fn get(&self, id: TaskId) -> Option<Arc<Member>> {
        self.lock().get(&id).cloned()
    }

    /// Everybody.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
