//! Who is on the log: the members by task id.
//!
//! Key types: [`Roll`], [`Member`]. Needed because a task's id can pass to another thread object: a thread that
//! execs takes over its leader's id, and with it the leader's file, while the leader vanishes (INV-36). The core
//! reports that as the death of the leader, then as the exec of a task with a former id.
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
    /// The process that it is a thread of.
    process: TaskId,
    /// Where it writes.
    pub(crate) page: PageRef,
    /// Off the roll: each member leaves once.
    left: AtomicBool,
}

/// Whose line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineId(u64);

/// The members, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    next: AtomicU64,
    members: Mutex<HashMap<TaskId, Arc<Member>>>,
}

impl Roll {
    /// Makes a member for a task that is about to be attached. It counts at once, and is found by id after
    /// [`Roll::begin`].
    pub(crate) fn enter(&self, process: TaskId, page: PageRef) -> Arc<Member> {
        let line = LineId(self.next.fetch_add(1, Ordering::Relaxed));
        page.lock().tasks += 1;
        Arc::new(Member { line, process, page, left: AtomicBool::new(false) })
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

    /// Whether the thread that is `id` ends because another one takes its id in an exec.
    ///
    /// A leader's own end is told when all other threads of its process are gone (wait(2)). Only in an exec is it
    /// gone before another.
    pub(crate) fn is_superseded(&self, id: TaskId, member: &Member) -> bool {
        id == member.process
            && self.lock().iter().any(|(other, found)| *other != id && found.process == member.process)
    }

    /// `member`, which was `former`, is `id` now.
    pub(crate) fn rename(&self, former: TaskId, id: TaskId, member: &Arc<Member>) {
        let mut members = self.lock();
        if members.get(&former).is_some_and(|found| Arc::ptr_eq(found, member)) {
            members.remove(&former);
        }
        members.insert(id, Arc::clone(member));
    }

    /// `member`, which is `id` now, goes on writing to another page.
    pub(crate) fn succeed(&self, id: TaskId, member: &Arc<Member>, page: PageRef) -> Arc<Member> {
        let successor =
            Member { line: member.line, process: member.process, page, left: AtomicBool::new(false) };
        let successor = Arc::new(successor);
        member.left.store(true, Ordering::Relaxed);
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
