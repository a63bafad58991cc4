//! What the models share: platforms and a host under loom, and a task that reports in a thread of its own. Its engines
//! are in `probe`.

use crate::probe::{Seen, attach};
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use loom::thread::{self, JoinHandle, ThreadId};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, Addr, AtomicU32, DeathReport, EngineRef, Interest, Platform, Progress, Reaper, Regset, Reporter,
    Syscall, SyscallEntry, Target, TargetError, Task, TaskHost, TaskId, Verdict, Wakeup,
};

/// Explores `test` with up to this many preemptions, or as many as `LOOM_MAX_PREEMPTIONS` says (`just loom-full`).
pub(crate) fn model_within(preemptions: usize, test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(preemptions);
    }
    builder.check(test);
}

/// Up to three preemptions: enough for every pair here, and bounded.
pub(crate) fn model(test: impl Fn() + Send + Sync + 'static) {
    model_within(3, test);
}

/// As [`model`], and each of these outcomes must come up: a model that never gets to what it is about proves
/// nothing. `test` says which it came to.
pub(crate) fn model_reaching(
    outcomes: &'static [&'static str],
    test: impl Fn() -> &'static str + Send + Sync + 'static,
) {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let here = Arc::clone(&reached);
    model(move || {
        let outcome = test();
        here.lock().unwrap().insert(outcome);
    });
    assert_eq!(*reached.lock().unwrap(), outcomes.iter().copied().collect(), "the outcomes that came up");
}

/// A platform on which a wait is a chance for the others: loom runs somebody else first.
pub(crate) struct Yields;

impl Platform for Yields {
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup {
        if word.load(Ordering::Relaxed) == expected {
            thread::yield_now();
        }
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {}
}

pub(crate) static YIELDS: Yields = Yields;

/// A platform on which a wake-up that is missed is missed for good: loom then reports a deadlock.
struct Sleeper {
    lock: loom::sync::Mutex<()>,
    woken: loom::sync::Condvar,
}

impl Platform for Sleeper {
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup {
        let asleep = self.lock.lock().unwrap();
        if word.load(Ordering::Relaxed) == expected {
            drop(self.woken.wait(asleep).unwrap());
        }
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {
        drop(self.lock.lock().unwrap());
        self.woken.notify_all();
    }
}

pub(crate) fn sleeper() -> &'static dyn Platform {
    Box::leak(Box::new(Sleeper { lock: loom::sync::Mutex::new(()), woken: loom::sync::Condvar::new() }))
}

/// A host that counts, and knows which of loom's threads reports.
#[derive(Clone)]
pub(crate) struct Host(Arc<HostState>);

struct HostState {
    wakes: AtomicUsize,
    /// The thread that reports now.
    reports: Mutex<Option<ThreadId>>,
    /// See [`Host::turn`].
    turns: AtomicUsize,
    /// What `off_cpu` answers, and 0 while the task runs. Each run makes it larger.
    stamp: AtomicU64,
}

impl Host {
    fn new() -> Host {
        let (wakes, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Host(Arc::new(HostState { wakes, reports: Mutex::new(None), turns, stamp: AtomicU64::new(1) }))
    }

    /// A point at which every order of the threads is to be explored.
    ///
    /// Loom tries another order only of two accesses that it sees to depend on each other, and remembers of each
    /// atomic the last access alone: a thread that reads before it writes hides that another had read earlier,
    /// and that the write might have come before that. Here every thread changes the same atomic.
    pub(crate) fn turn(&self) {
        self.0.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the last holder let go.
    pub(crate) fn wakes(&self) -> usize {
        self.0.wakes.load(Ordering::Acquire)
    }

    /// The task goes on a processor, does `work` there and is off it again.
    pub(crate) fn run(&self, work: impl FnOnce()) {
        let before = self.0.stamp.swap(0, Ordering::AcqRel);
        work();
        self.0.stamp.store(before + 1, Ordering::Release);
    }
}

impl TaskHost for Host {
    fn request_report(&self, _task: &Task) {}
    fn request_interrupt(&self, _task: &Task) {}
    fn wake(&self, _task: &Task) {
        self.0.wakes.fetch_add(1, Ordering::AcqRel);
    }
    fn tidy(&self, _task: &Task) {}
    fn interest_changed(&self, _task: &Task) {}
    fn is_current(&self) -> bool {
        *self.0.reports.lock().unwrap() == Some(thread::current().id())
    }
    fn off_cpu(&self) -> Option<u64> {
        match self.0.stamp.load(Ordering::Acquire) {
            0 => None,
            stamp => Some(stamp),
        }
    }
    fn with_target(&self, examine: &mut (dyn FnMut(&mut dyn Target) + Send)) -> Result<(), TargetError> {
        examine(&mut Nobody);
        Ok(())
    }
}

/// A target that nothing is known of.
pub(crate) struct Nobody;

impl Target for Nobody {
    fn read(&mut self, at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }
    fn write(&mut self, at: Addr, _bytes: &[u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }
    fn regset(&mut self, _set: Regset, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Unsupported)
    }
    fn set_regset(&mut self, _set: Regset, _bytes: &[u8]) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}

/// A task, its two rights, and the host behind it.
pub(crate) struct World {
    pub(crate) task: Task,
    pub(crate) host: Host,
    reporter: Option<Reporter>,
    reaper: Option<Reaper>,
}

impl World {
    pub(crate) fn new() -> World {
        World::on(&YIELDS)
    }

    pub(crate) fn on(platform: &'static dyn Platform) -> World {
        let host = Host::new();
        let (task, reporter, reaper) = Task::new(TaskId(1), TaskId(1), Box::new(host.clone()), platform);
        World { task, host, reporter: Some(reporter), reaper: Some(reaper) }
    }

    /// Attaches an engine that answers so, with no interest and not yet spliced.
    pub(crate) fn attach(&self, answer: Action) -> (EngineRef, Arc<Seen>) {
        attach(&self.task, answer)
    }

    /// Attaches an engine with this interest to a task that runs: the reporter has the walker, so that what follows
    /// is a race with a task that may report at any moment.
    pub(crate) fn engine(&mut self, answer: Action, interest: impl Into<Interest>) -> (EngineRef, Arc<Seen>) {
        let (engine, seen) = self.attach(answer);
        assert_eq!(engine.set_events(interest), Ok(Progress::Done));
        let _ = to_user(self.reporter());
        (engine, seen)
    }

    pub(crate) fn reporter(&mut self) -> &mut Reporter {
        self.reporter.as_mut().unwrap()
    }

    pub(crate) fn reaper(&mut self) -> &mut Reaper {
        self.reaper.as_mut().unwrap()
    }

    /// Reports in a thread of its own.
    pub(crate) fn spawn<T: 'static>(
        &mut self,
        report: impl FnOnce(&mut Reporter) -> T + 'static,
    ) -> JoinHandle<(Reporter, T)> {
        let (mut reporter, host) = (self.reporter.take().unwrap(), self.host.clone());
        let reports = thread::spawn(move || {
            host.turn();
            *host.0.reports.lock().unwrap() = Some(thread::current().id());
            let answer = report(&mut reporter);
            *host.0.reports.lock().unwrap() = None;
            (reporter, answer)
        });
        self.host.turn();
        reports
    }

    /// Waits for what was spawned and takes the reporter back.
    pub(crate) fn join<T>(&mut self, reports: JoinHandle<(Reporter, T)>) -> T {
        let (reporter, answer) = reports.join().unwrap();
        self.reporter = Some(reporter);
        answer
    }

    /// Reaps in a thread of its own.
    pub(crate) fn spawn_reap(&mut self) -> JoinHandle<()> {
        let mut reaper = self.reaper.take().unwrap();
        self.beside(move || reaper.reap())
    }

    /// Another controller, in a thread of its own.
    pub(crate) fn beside<T: 'static>(&self, work: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
        let host = self.host.clone();
        let works = thread::spawn(move || {
            host.turn();
            work()
        });
        self.host.turn();
        works
    }

    /// The host gives the task up, or reaps it if it is dead: every engine leaves, and is dropped once when no handle
    /// is left.
    pub(crate) fn end(self, engines: impl IntoIterator<Item = (EngineRef, Arc<Seen>)>) {
        drop(self.reporter);
        if let Some(mut reaper) = self.reaper {
            reaper.reap();
        }
        for (engine, seen) in engines {
            drop(engine);
            assert_eq!(seen.drops(), 1, "an engine must be dropped exactly once");
        }
    }
}

pub(crate) fn enter(reporter: &mut Reporter) -> Verdict {
    let mut entry = SyscallEntry::new(Syscall { number: 39, index: 39, ..Syscall::default() });
    reporter.syscall_entry(&mut Nobody, &mut entry)
}

/// The thread dies, and its death callbacks are made.
pub(crate) fn die(reporter: &mut Reporter) {
    reporter.dead();
    reporter.death(&mut Nobody, &mut DeathReport { group_dead: true, signal: Some(17), code: 0 });
}

/// The last report before user mode.
pub(crate) fn to_user(reporter: &mut Reporter) -> Verdict {
    reporter.to_user(&mut Nobody)
}
