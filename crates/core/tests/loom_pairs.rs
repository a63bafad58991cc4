//! The fence pairs of `record.rs` and the races of spec section 5, in every interleaving that loom explores.
//!
//! Each test is named after the pair or the invariant. `ci/mutate.sh` weakens one fence at a time (`--cfg
//! weaken_…`) and demands that a test here fails.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a model that cannot go on has failed")]

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;
use std::sync::Arc;
use utrace_core::{
    Action, Addr, AtomicU32, BarrierError, ControlError, Cx, DeathReport, Engine, EngineRef, Event, EventSet,
    Interest, Platform, Progress, Reaper, Regset, Reporter, SetEventsError, Syscall, SyscallEntry, Target,
    TargetError, Task, TaskHost, TaskId, Verdict, Wakeup, Woken,
};

struct Loom;

impl Platform for Loom {
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup {
        // A wait is a chance for the others; loom runs somebody else first.
        if word.load(Ordering::Relaxed) == expected {
            thread::yield_now();
        }
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {}
}

static PLATFORM: Loom = Loom;

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

fn sleeper() -> &'static Sleeper {
    Box::leak(Box::new(Sleeper { lock: loom::sync::Mutex::new(()), woken: loom::sync::Condvar::new() }))
}

/// A host that only counts.
#[derive(Clone)]
struct Host(Arc<HostState>);

struct HostState {
    wakes: AtomicUsize,
    /// The thread that reports is inside a callback that it makes for itself.
    current: AtomicBool,
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
        self.0.current.load(Ordering::Relaxed)
    }
}

fn host() -> Host {
    Host(Arc::new(HostState { wakes: AtomicUsize::new(0), current: AtomicBool::new(false) }))
}

fn task() -> (Task, Reporter, Reaper, Host) {
    task_on(&PLATFORM)
}

fn task_on(platform: &'static dyn Platform) -> (Task, Reporter, Reaper, Host) {
    let host = host();
    let (task, reporter, reaper) = Task::new(TaskId(1), TaskId(1), Box::new(host.clone()), platform);
    (task, reporter, reaper, host)
}

struct Nobody;

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

/// What a test can see of an engine.
struct Seen {
    /// No callback may run any more.
    forbidden: AtomicBool,
    calls: AtomicUsize,
    deaths: AtomicUsize,
    reaps: AtomicUsize,
    dropped: AtomicUsize,
}

fn seen() -> Arc<Seen> {
    Arc::new(Seen {
        forbidden: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        deaths: AtomicUsize::new(0),
        reaps: AtomicUsize::new(0),
        dropped: AtomicUsize::new(0),
    })
}

struct Probe {
    seen: Arc<Seen>,
    answer: Action,
}

impl Probe {
    fn new(seen: &Arc<Seen>, answer: Action) -> Probe {
        Probe { seen: Arc::clone(seen), answer }
    }
}

impl Engine for Probe {
    fn name(&self) -> &str {
        "probe"
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        assert!(!self.seen.forbidden.load(Ordering::Acquire), "a callback began after it was forbidden");
        self.seen.calls.fetch_add(1, Ordering::AcqRel);
        thread::yield_now();
        assert!(!self.seen.forbidden.load(Ordering::Acquire), "a callback ran on after it was forbidden");
        self.answer
    }
    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        assert_eq!(self.seen.reaps.load(Ordering::Acquire), 0, "death after reap");
        self.seen.deaths.fetch_add(1, Ordering::AcqRel);
        self.answer
    }
    fn reap(&mut self, _task: &Task) {
        self.seen.reaps.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.seen.dropped.fetch_add(1, Ordering::AcqRel);
    }
}

fn enter(reporter: &mut Reporter) -> Verdict {
    let mut entry = SyscallEntry::new(Syscall { number: 39, index: 39, ..Syscall::default() });
    reporter.syscall_entry(&mut Nobody, &mut entry)
}

fn death() -> DeathReport {
    DeathReport { group_dead: true, signal: Some(17), code: 0 }
}

/// Up to three preemptions: enough for every pair here, and bounded.
fn model(test: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    if builder.preemption_bound.is_none() {
        builder.preemption_bound = Some(3);
    }
    builder.check(test);
}

fn spliced(reporter: &mut Reporter, engine: &EngineRef, interest: impl Into<Interest>) {
    assert_eq!(engine.set_events(interest), Ok(Progress::Done));
    // The reporter takes the walker, so that what follows is a race with a task that runs.
    reporter.tidy();
}

#[test]
fn pair_a_nothing_runs_after_set_events_said_done() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || {
            let _ = enter(&mut reporter);
            reporter
        });
        if engine.set_events(Interest::NONE) == Ok(Progress::Done) {
            seen.forbidden.store(true, Ordering::Release);
        }
        drop(reports.join().unwrap());
    });
}

#[test]
fn pair_a_nothing_runs_after_detach_said_done() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || {
            let _ = enter(&mut reporter);
            reporter
        });
        if engine.control(Action::Detach) == Ok(Progress::Done) {
            seen.forbidden.store(true, Ordering::Release);
        }
        let reporter = reports.join().unwrap();
        drop((engine, reporter));
        assert_eq!(seen.dropped.load(Ordering::Acquire), 1);
    });
}

#[test]
fn pair_d_barrier_sees_the_callback_end_and_is_woken() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task_on(sleeper());
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || {
            let _ = enter(&mut reporter);
            reporter
        });
        engine.set_events_sync(Interest::NONE).unwrap();
        seen.forbidden.store(true, Ordering::Release);
        drop(reports.join().unwrap());
    });
}

#[test]
fn inv_8_barrier_never_says_ok_after_a_callback_that_detached() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Detach)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || {
            let _ = enter(&mut reporter);
            reporter
        });
        let called = seen.calls.load(Ordering::Acquire) == 1;
        let outcome = engine.barrier();
        if called {
            assert_eq!(outcome, Err(BarrierError::Gone));
        }
        drop(reports.join().unwrap());
        assert!(!engine.is_attached());
    });
}

#[test]
fn pair_b_who_sees_a_wish_sees_the_record() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let other = task.clone();
        let attaches = thread::spawn({
            let seen = Arc::clone(&seen);
            move || other.attach_for(Event::SyscallEntry, Probe::new(&seen, Action::Resume)).unwrap()
        });
        if task.wants(Event::SyscallEntry) {
            assert!(task.wanted().events.contains(Event::SyscallEntry));
            let _ = enter(&mut reporter);
            assert_eq!(seen.calls.load(Ordering::Acquire), 1, "a pass sees what was attached before it");
        }
        drop(attaches.join().unwrap());
    });
}

#[test]
fn pair_c_an_attach_fails_or_is_reaped() {
    model(|| {
        let (task, mut reporter, mut reaper, _) = task();
        reporter.dead();
        reporter.death(&mut Nobody, &mut death());
        let seen = seen();
        let reaps = thread::spawn(move || reaper.reap());
        let attached = task.attach_for(Event::Reap, Probe::new(&seen, Action::Resume));
        reaps.join().unwrap();
        match attached {
            Ok(engine) => {
                assert_eq!(
                    seen.reaps.load(Ordering::Acquire),
                    1,
                    "attached to a dead task, and never reaped"
                );
                drop(engine);
            }
            Err(_) => assert!(seen.reaps.load(Ordering::Acquire) <= 1),
        }
        drop((reporter, task));
        assert_eq!(seen.dropped.load(Ordering::Acquire), 1);
    });
}

#[test]
fn inv_12_two_first_attaches_make_one_record() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let (other, also) = (task.clone(), Arc::clone(&seen));
        let attaches = thread::spawn(move || {
            drop(other.attach_for(Event::SyscallEntry, Probe::new(&also, Action::Resume)).unwrap());
        });
        drop(task.attach_for(Event::SyscallEntry, Probe::new(&seen, Action::Resume)).unwrap());
        attaches.join().unwrap();
        let _ = enter(&mut reporter);
        assert_eq!(seen.calls.load(Ordering::Acquire), 2);
    });
}

#[test]
fn inv_3_an_attach_during_a_pass_is_seen_by_the_next() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let (first, second) = (seen(), seen());
        let engine = task.attach(Probe::new(&first, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || {
            let _ = enter(&mut reporter);
            reporter
        });
        let late = task.attach_for(Event::SyscallEntry, Probe::new(&second, Action::Resume)).unwrap();
        let mut reporter = reports.join().unwrap();
        let before = second.calls.load(Ordering::Acquire);
        let _ = enter(&mut reporter);
        assert_eq!(second.calls.load(Ordering::Acquire), before + 1, "INV-4: an attach is never forgotten");
        drop(late);
    });
}

#[test]
fn inv_24_a_resume_after_the_stop_was_applied_ends_it() {
    model(|| {
        let (task, mut reporter, _reaper, host) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Stop)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let reports = thread::spawn(move || (enter(&mut reporter), reporter));
        let stop_was_applied = seen.calls.load(Ordering::Acquire) == 1 && engine.barrier() == Ok(());
        if stop_was_applied {
            assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
        }
        let (verdict, mut reporter) = reports.join().unwrap();
        if stop_was_applied && verdict == Verdict::Park {
            assert_eq!(host.0.wakes.load(Ordering::Acquire), 1, "parked, released, and never woken");
            assert!(matches!(reporter.woken(), Woken::Go(_)));
        }
        if !stop_was_applied {
            // INV-21: what was asked before the callback returned does not undo its stop.
            assert_eq!(verdict, Verdict::Park);
        }
    });
}

#[test]
fn inv_23_the_last_of_two_holders_wakes_once() {
    model(|| {
        let (task, mut reporter, _reaper, host) = task();
        let (first, second) = (seen(), seen());
        let one = task.attach(Probe::new(&first, Action::Stop)).unwrap();
        let two = task.attach(Probe::new(&second, Action::Stop)).unwrap();
        spliced(&mut reporter, &one, Event::SyscallEntry);
        spliced(&mut reporter, &two, Event::SyscallEntry);
        assert_eq!(enter(&mut reporter), Verdict::Park);
        let lets_go = thread::spawn(move || one.control(Action::Resume));
        assert_eq!(two.control(Action::Detach), Ok(Progress::Done));
        assert_eq!(lets_go.join().unwrap(), Ok(Progress::Done));
        assert_eq!(host.0.wakes.load(Ordering::Acquire), 1);
        assert!(matches!(reporter.woken(), Woken::Go(_)));
    });
}

#[test]
fn inv_16_declining_death_is_never_ambiguous() {
    model(|| {
        let (task, mut reporter, mut reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::Death | Event::Reap);
        let dies = thread::spawn(move || {
            reporter.dead();
            reporter.death(&mut Nobody, &mut death());
            reporter
        });
        let outcome = engine.set_events(Event::Reap);
        drop(dies.join().unwrap());
        let deaths = seen.deaths.load(Ordering::Acquire);
        match outcome {
            Ok(Progress::Done) => {}
            Ok(Progress::InProgress) => panic!("the death pass answers AlreadyDying, not InProgress"),
            Err(SetEventsError::AlreadyDying) => assert_eq!(deaths, 1),
            Err(SetEventsError::Gone) => panic!("nobody reaped it"),
        }
        reaper.reap();
        assert_eq!(seen.reaps.load(Ordering::Acquire), 1);
    });
}

#[test]
fn inv_16_done_before_death_means_no_death_callback() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::Death);
        reporter.dead();
        let dies = thread::spawn(move || reporter.death(&mut Nobody, &mut death()));
        let declined = engine.set_events(EventSet::NONE);
        dies.join().unwrap();
        let deaths = seen.deaths.load(Ordering::Acquire);
        match declined {
            // Done can also come after the pass: then it had run, and the answer is about the future.
            Ok(Progress::Done) => assert!(deaths <= 1),
            Err(SetEventsError::AlreadyDying) => assert_eq!(deaths, 1),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn inv_25_detaching_one_engine_leaves_the_other_its_death() {
    model(|| {
        let (task, mut reporter, mut reaper, _) = task();
        let (first, second) = (seen(), seen());
        let one = task.attach(Probe::new(&first, Action::Resume)).unwrap();
        let two = task.attach(Probe::new(&second, Action::Resume)).unwrap();
        spliced(&mut reporter, &one, Event::Death | Event::Reap);
        spliced(&mut reporter, &two, Event::Death | Event::Reap);
        reporter.dead();
        let detaches_and_reaps = thread::spawn(move || {
            let _ = one.control(Action::Detach);
            reaper.reap();
        });
        reporter.death(&mut Nobody, &mut death());
        detaches_and_reaps.join().unwrap();
        assert_eq!(second.deaths.load(Ordering::Acquire), 1, "lost its death");
        assert_eq!(second.reaps.load(Ordering::Acquire), 1, "lost its reap");
        drop((two, reporter, task));
        assert_eq!(first.dropped.load(Ordering::Acquire) + second.dropped.load(Ordering::Acquire), 2);
    });
}

#[test]
fn inv_19_detach_is_accepted_once() {
    model(|| {
        let (task, mut reporter, _reaper, _) = task();
        let seen = seen();
        let engine = task.attach(Probe::new(&seen, Action::Resume)).unwrap();
        spliced(&mut reporter, &engine, Event::SyscallEntry);
        let other = engine.clone();
        let detaches = thread::spawn(move || other.control(Action::Detach).is_ok());
        let mine = engine.control(Action::Detach);
        let theirs = detaches.join().unwrap();
        assert!(mine.is_ok() ^ theirs);
        if mine.is_err() {
            assert_eq!(mine, Err(ControlError::Gone));
        }
        drop((engine, reporter));
        assert_eq!(seen.dropped.load(Ordering::Acquire), 1);
    });
}
