//! The engine of the models, which writes down what happens to it, and the ways to attach it.

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, Attach, AttachError, Cx, DeathReport, Engine, EngineRef, Event, Match, SyscallEntry, Task,
};

/// What a test can see of an engine.
pub(crate) struct Seen {
    /// A callback runs. Read and written `Relaxed`: who has no other reason to see the newest may see any.
    inside: AtomicBool,
    /// No callback may run any more.
    claimed: AtomicBool,
    quiesces: AtomicUsize,
    entries: AtomicUsize,
    deaths: AtomicUsize,
    reaps: AtomicUsize,
    drops: AtomicUsize,
    /// Looked at as the engine is dropped: with a lock of the core held, that would never end.
    task: Mutex<Option<Task>>,
}

impl Seen {
    fn new(task: &Task) -> Arc<Seen> {
        let zero = || AtomicUsize::new(0);
        Arc::new(Seen {
            inside: AtomicBool::new(false),
            claimed: AtomicBool::new(false),
            quiesces: zero(),
            entries: zero(),
            deaths: zero(),
            reaps: zero(),
            drops: zero(),
            task: Mutex::new(Some(task.clone())),
        })
    }

    /// For who was told that no callback runs and none will: those that ran must be over and be seen to be, and one
    /// that comes is found out.
    pub(crate) fn claim(&self) {
        assert!(!self.inside.load(Ordering::Relaxed), "a callback runs that was said to be over");
        self.claimed.store(true, Ordering::Release);
    }

    pub(crate) fn quiesces(&self) -> usize {
        self.quiesces.load(Ordering::Acquire)
    }

    pub(crate) fn entries(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    pub(crate) fn deaths(&self) -> usize {
        self.deaths.load(Ordering::Acquire)
    }

    pub(crate) fn reaps(&self) -> usize {
        self.reaps.load(Ordering::Acquire)
    }

    pub(crate) fn drops(&self) -> usize {
        self.drops.load(Ordering::Acquire)
    }
}

/// An engine that answers every callback alike.
struct Probe {
    seen: Arc<Seen>,
    answer: Action,
}

impl Probe {
    fn called(&self, count: &AtomicUsize) -> Action {
        assert!(!self.seen.claimed.load(Ordering::Acquire), "a callback began that was said not to");
        self.seen.inside.store(true, Ordering::Relaxed);
        count.fetch_add(1, Ordering::AcqRel);
        assert!(!self.seen.claimed.load(Ordering::Acquire), "a callback ran on that was said to be over");
        self.seen.inside.store(false, Ordering::Relaxed);
        self.answer
    }
}

impl Engine for Probe {
    fn name(&self) -> &str {
        "probe"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _before: Option<Event>) -> Action {
        self.called(&self.seen.quiesces)
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.called(&self.seen.entries)
    }
    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        assert_eq!(self.seen.reaps(), 0, "death after reap");
        self.called(&self.seen.deaths)
    }
    fn reap(&mut self, _task: &Task) {
        self.called(&self.seen.reaps);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // INV-29: this takes the lock, and would never end if it were held here.
        if let Some(task) = self.seen.task.lock().unwrap().take() {
            let _ = task.is_stopped();
        }
        self.seen.drops.fetch_add(1, Ordering::AcqRel);
    }
}

/// Attaches an engine that answers so, unless the task is gone.
pub(crate) fn try_attach(task: &Task, answer: Action) -> Result<(EngineRef, Arc<Seen>), AttachError> {
    let seen = Seen::new(task);
    let engine = task.attach(Probe { seen: Arc::clone(&seen), answer })?;
    Ok((engine, seen))
}

/// Attaches an engine unless there is one.
pub(crate) fn attach_alone(task: &Task) -> Option<(EngineRef, Arc<Seen>)> {
    let seen = Seen::new(task);
    let probe = Probe { seen: Arc::clone(&seen), answer: Action::Resume };
    let how = Attach { exclusive: Some(Match::ANY), ..Attach::default() };
    match task.attach_with(Box::new(probe), how) {
        Ok(engine) => Some((engine, seen)),
        Err(error) => {
            assert_eq!((error, seen.drops()), (AttachError::Exists, 1));
            None
        }
    }
}

/// Attaches an engine that answers so to a task that is there.
pub(crate) fn attach(task: &Task, answer: Action) -> (EngineRef, Arc<Seen>) {
    try_attach(task, answer).unwrap()
}
