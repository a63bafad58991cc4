//! An engine that does nothing but stand on tasks, so that somebody knows how many are left.
//!
//! Key types: [`Roll`]. It goes on every task that a session's or a client's engines go on, after them, and follows
//! children as they do. When the last one is gone, [`Roll::wait_empty`] comes back.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use utrace_core::{Action, Attach, AttachError, CloneReport, Cx, DeathReport, Engine, Event, Match, Task};

/// The tasks of one session or client tree.
#[derive(Debug)]
pub(super) struct Roll {
    /// When it began.
    pub(super) since: SystemTime,
    /// How many tasks there are; `None` once nobody waits any more.
    count: Mutex<Option<usize>>,
    changed: Condvar,
    /// The processes that were asked for.
    asked: Mutex<BTreeSet<i32>>,
}

impl Roll {
    pub(super) fn new() -> Arc<Roll> {
        Arc::new(Roll {
            since: SystemTime::now(),
            count: Mutex::new(Some(0)),
            changed: Condvar::new(),
            asked: Mutex::default(),
        })
    }

    /// What its engines are attached with.
    pub(super) fn tag(self: &Arc<Roll>) -> usize {
        Arc::as_ptr(self).addr()
    }

    /// Puts it on a task; one that has it already is left as it is.
    pub(super) fn enter(self: &Arc<Roll>, task: &Task) -> Result<(), AttachError> {
        let tag = self.tag();
        let how = Attach { exclusive: Some(Match::tag(tag)), tag, ..Attach::default() };
        match task.attach_with(Box::new(Member::new(Arc::clone(self))), how) {
            Ok(engine) => {
                engine.set_events(Event::Clone | Event::Death).map(drop).map_err(|_| AttachError::Gone)
            }
            Err(AttachError::Exists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether it is on a task.
    pub(super) fn is_on(self: &Arc<Roll>, task: &Task) -> bool {
        task.find(Match::tag(self.tag())).is_some()
    }

    /// Notes that a process was asked for; false if it was before.
    pub(super) fn ask(&self, pid: i32) -> bool {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(pid)
    }

    /// Blocks until no task is left, or nobody wants to know.
    pub(super) fn wait_empty(&self) {
        let mut count = self.lock();
        while count.is_some_and(|count| count > 0) {
            count = self.changed.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether it is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_none()
    }

    /// Nobody wants to know any more: who waits comes back.
    pub(super) fn close(&self) {
        *self.lock() = None;
        self.changed.notify_all();
    }

    fn add(&self, more: isize) {
        if let Some(count) = &mut *self.lock() {
            *count = count.saturating_add_signed(more);
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<usize>> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine.
struct Member(Arc<Roll>);

impl Member {
    fn new(roll: Arc<Roll>) -> Member {
        roll.add(1);
        Member(roll)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

impl Engine for Member {
    fn name(&self) -> &str {
        NAME
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        // A child that is gone already is none to count.
        let _ = self.0.enter(&clone.child);
        Action::Resume
    }

    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        Action::Detach
    }
}

/// The engine's name: it is bookkeeping, and no tracer.
pub(super) const NAME: &str = "roll";
