//! Who drops an engine, and when: exactly once, after the last callback, never under a lock of the core, whichever
//! way it goes. Thousands of rounds of real races between a task, its reaper and a controller.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use utrace_core::{
    Action, Attach, Cx, DeathReport, Engine, EngineRef, Event, EventSet, Match, Place, Progress, Reaper,
    Reporter, Syscall, SyscallEntry, SyscallExit, Task, Verdict,
};
use utrace_testkit::bare::Bare;

/// How often each race is run. A round under miri takes a second.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 3000 };

/// What is counted over a test.
#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
    /// Callbacks after the drop: must stay 0.
    late: AtomicUsize,
}

/// An engine that detaches itself now and then, and whose drop calls the core: with a lock of the task held it would
/// wait for itself, which the platform turns into a panic.
struct Client {
    counts: Arc<Counts>,
    task: Task,
    dropped: Arc<AtomicBool>,
    leaves_at: Option<Event>,
}

impl Client {
    fn new(counts: &Arc<Counts>, task: &Task, leaves_at: Option<Event>) -> Client {
        counts.made.fetch_add(1, Ordering::SeqCst);
        Client { counts: Arc::clone(counts), task: task.clone(), dropped: Arc::default(), leaves_at }
    }

    fn called(&self, event: Event) -> Action {
        self.counts.late.fetch_add(usize::from(self.dropped.load(Ordering::SeqCst)), Ordering::SeqCst);
        if self.leaves_at == Some(event) { Action::Detach } else { Action::Resume }
    }
}

impl Engine for Client {
    fn name(&self) -> &str {
        "client"
    }

    fn quiesce(&mut self, _cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        self.called(event.unwrap_or(Event::Quiesce));
        Action::Resume
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.called(Event::SyscallEntry)
    }

    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut SyscallExit) -> Action {
        self.called(Event::SyscallExit)
    }

    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        self.called(Event::Death)
    }

    fn reap(&mut self, _task: &Task) {
        self.called(Event::Reap);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.task.engines();
        let _ = self.task.find(Match::ANY);
        assert!(!self.dropped.swap(true, Ordering::SeqCst), "dropped twice");
        self.counts.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// What a task does: some syscalls, then it dies, or its host leaves it.
fn live_and_die(mut reporter: Reporter, host: &Bare, dies: bool) {
    host.report_here();
    for _ in 0..3 {
        let call = Syscall::default();
        let _ = reporter.syscall_entry(&mut host.clone(), &mut SyscallEntry::new(call));
        reporter.tidy();
        let _ = reporter.syscall_exit(&mut host.clone(), &mut SyscallExit::new(Some(call), 0, 0, false));
    }
    if dies {
        reporter.dead();
        reporter.death(&mut host.clone(), &mut DeathReport { group_dead: true, signal: None, code: 0 });
    }
}

fn wanted(round: usize) -> EventSet {
    let sets = [
        EventSet::ALL,
        EventSet::SYSCALL | Event::Death,
        Event::Death | Event::Reap,
        EventSet::from(Event::Reap),
        EventSet::NONE,
    ];
    sets[round % sets.len()]
}

/// A controller that does one thing or another with its handle.
fn control(engine: EngineRef, round: usize) {
    match round % 6 {
        0 => drop(engine),
        1 => {
            let _ = engine.control(Action::Detach);
        }
        2 => assert!(engine.detach_sync().is_ok(), "nobody interrupts"),
        3 => {
            let _ = engine.set_events(EventSet::NONE);
            let _ = engine.barrier();
        }
        4 => {
            let more =
                Attach { place: Place::After(engine.clone()), exclusive: Some(Match::ANY), tag: round };
            let _ = engine.task().clone().attach_with(Box::new(Idle), more);
        }
        _ => {
            if engine.control(Action::Detach) == Ok(Progress::InProgress) {
                assert!(engine.barrier().is_err(), "marked for detach is never Ok (INV-8)");
            }
        }
    }
}

struct Idle;

impl Engine for Idle {
    fn name(&self) -> &str {
        "idle"
    }
}

fn reap(mut reaper: Reaper) {
    reaper.reap();
}

fn race(dies: bool) {
    let counts = Arc::new(Counts::default());
    let events = [None, Some(Event::SyscallEntry), Some(Event::SyscallExit), Some(Event::Death)];
    for round in 0..ROUNDS {
        let (task, reporter, reaper, host) = Bare::task();
        let handles: Vec<EngineRef> = (0..3)
            .map(|engine| {
                let leaves_at = events[(round / 5 + engine) % events.len()];
                let client = Client::new(&counts, &task, leaves_at);
                let Ok(engine) = task.attach_for(wanted(round), client) else { unreachable!("it is alive") };
                engine
            })
            .collect();
        let start = Barrier::new(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                live_and_die(reporter, &host, dies);
            });
            scope.spawn(|| {
                start.wait();
                if dies {
                    reap(reaper);
                }
            });
            start.wait();
            for (at, engine) in handles.into_iter().enumerate() {
                control(engine, round + at);
            }
            // One that comes late, and may be refused.
            let _ = task.attach_for(wanted(round + 1), Client::new(&counts, &task, None));
        });
        let (made, dropped) = (counts.made.load(Ordering::SeqCst), counts.dropped.load(Ordering::SeqCst));
        assert_eq!(made, dropped, "round {round}: an engine was kept, or dropped twice");
    }
    assert_eq!(counts.made.load(Ordering::SeqCst), ROUNDS * 4);
    assert_eq!(counts.late.load(Ordering::SeqCst), 0, "a callback after the drop");
}

/// The task dies and is reaped, while controllers let go, detach, wait or attach.
#[test]
fn engines_of_a_dying_task_are_dropped_once() {
    race(true);
}

/// The host gives the task up.
#[test]
fn engines_of_a_task_that_is_given_up_are_dropped_once() {
    race(false);
}

/// What nobody ever reported for, and what is refused, goes too.
#[test]
fn engines_that_were_never_called_are_dropped_once() {
    let counts = Arc::new(Counts::default());
    for round in 0..100 {
        let (task, reporter, mut reaper, _host) = Bare::task();
        let engine = task.attach(Client::new(&counts, &task, None)).unwrap();
        let refused = Attach { exclusive: Some(Match::ANY), ..Attach::default() };
        assert!(task.attach_with(Box::new(Client::new(&counts, &task, None)), refused).is_err());
        match round % 3 {
            0 => drop(reporter),
            1 => reaper.reap(),
            _ => {
                let _ = engine.control(Action::Detach);
            }
        }
        drop(engine);
    }
    assert_eq!(counts.made.load(Ordering::SeqCst), 200);
    assert_eq!(counts.dropped.load(Ordering::SeqCst), 200);
}

/// A host that gives a task up when its reaper had left the reap to the death pass: nobody would come any more.
#[test]
fn engines_of_a_reaped_task_that_is_given_up_are_dropped() {
    let counts = Arc::new(Counts::default());
    let (task, mut reporter, mut reaper, host) = Bare::task();
    let call = Syscall::default();
    let engine =
        task.attach_for(Event::Death | Event::SyscallExit, Client::new(&counts, &task, None)).unwrap();
    let _ = reporter.syscall_exit(&mut host.clone(), &mut SyscallExit::new(Some(call), 0, 0, false));
    reporter.dead();
    reaper.reap();
    assert_eq!(counts.dropped.load(Ordering::SeqCst), 0);
    drop(reporter);
    assert!(!task.is_stopped());
    drop(engine);
    assert_eq!(counts.dropped.load(Ordering::SeqCst), 1);
}

/// A task that reports, an engine that is kept and one that nobody but the list keeps.
struct Stage {
    counts: Arc<Counts>,
    reporter: Option<Reporter>,
    reaper: Reaper,
    host: Bare,
    kept: EngineRef,
    leaver: Option<EngineRef>,
}

impl Stage {
    fn new() -> Stage {
        let counts = Arc::new(Counts::default());
        let (task, reporter, reaper, host) = Bare::task();
        let kept = task.attach_for(EventSet::SYSCALL | Event::Death, Idle).unwrap();
        let wanted = EventSet::SYSCALL | Event::Death | Event::Reap;
        let leaver = task.attach_for(wanted, Client::new(&counts, &task, None)).unwrap();
        let mut stage = Stage { counts, reporter: Some(reporter), reaper, host, kept, leaver: Some(leaver) };
        // Both are spliced, and the walker is the reporter's from here on.
        stage.report();
        stage
    }

    fn report(&mut self) {
        let host = &mut self.host.clone();
        let _ = self.reporter().syscall_entry(host, &mut SyscallEntry::new(Syscall::default()));
    }

    fn reporter(&mut self) -> &mut Reporter {
        self.reporter.as_mut().unwrap()
    }

    fn die(&mut self) {
        let host = &mut self.host.clone();
        let mut death = DeathReport { group_dead: true, signal: None, code: 0 };
        self.reporter().death(host, &mut death);
    }

    /// Marks the leaver for detach; the list alone keeps it then.
    fn mark(&mut self) {
        assert_eq!(self.leaver.take().unwrap().control(Action::Detach), Ok(Progress::Done));
        assert_eq!(self.dropped(), 0);
    }

    fn dropped(&self) -> usize {
        self.counts.dropped.load(Ordering::SeqCst)
    }
}

/// Does something at a syscall's entry, and answers what that answers.
struct AtEntry<F>(F);

impl<F: FnMut() -> Action + Send + 'static> Engine for AtEntry<F> {
    fn name(&self) -> &str {
        "at entry"
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        (self.0)()
    }
}

/// Attaches it nearer to the kernel than all others, so that it is asked after them.
fn asked_last(stage: &Stage, does: impl FnMut() -> Action + Send + 'static) -> EngineRef {
    let first = Attach { place: Place::First, ..Attach::default() };
    let engine = stage.kept.task().attach_with(Box::new(AtEntry(does)), first).unwrap();
    assert!(engine.set_events(Event::SyscallEntry).is_ok());
    engine
}

fn entered(stage: &mut Stage) -> Verdict {
    let host = &mut stage.host.clone();
    stage.reporter().syscall_entry(host, &mut SyscallEntry::new(Syscall::default()))
}

/// INV-29: on every way off a list, an engine that nothing but the list keeps is dropped once, and with no lock held: its
/// drop asks its task, and with the task's lock in hand that would be a wait for oneself.
#[test]
fn inv_29_every_way_off_a_list_drops_without_the_lock() {
    type Way = fn(&mut Stage);
    let ways: [(&str, Way); 11] = [
        ("the reset at a report's end", |stage| {
            stage.mark();
            stage.report();
        }),
        ("tidying", |stage| {
            stage.mark();
            stage.reporter().tidy();
        }),
        ("a stop, of one that is marked while others are asked", |stage| {
            let mut leaver = stage.leaver.take();
            asked_last(stage, move || {
                assert_eq!(leaver.take().unwrap().control(Action::Detach), Ok(Progress::Done));
                Action::Stop
            });
            assert_eq!(entered(stage), Verdict::Park);
        }),
        ("a stop that is over before it is made, of one that is marked then", |stage| {
            let stops = asked_last(stage, || Action::Stop);
            let mut leaver = stage.leaver.take();
            asked_last(stage, move || {
                assert_eq!(leaver.take().unwrap().control(Action::Detach), Ok(Progress::Done));
                assert_eq!(stops.control(Action::Resume), Ok(Progress::Done));
                Action::Resume
            });
            assert_eq!(entered(stage), Verdict::Go(Action::Resume));
        }),
        ("the detach of one that no report has seen", |stage| {
            let task = stage.kept.task();
            let late = task.attach(Client::new(&stage.counts, task, None)).unwrap();
            assert_eq!(late.control(Action::Detach), Ok(Progress::Done));
        }),
        ("the detach of another when dead", |stage| {
            stage.mark();
            stage.reporter().dead();
            assert_eq!(stage.kept.control(Action::Detach), Ok(Progress::Done));
        }),
        ("the set_events of another when dead", |stage| {
            stage.mark();
            stage.reporter().dead();
            assert_eq!(stage.kept.set_events(EventSet::NONE), Ok(Progress::Done));
        }),
        ("the end of the death pass", |stage| {
            stage.mark();
            stage.die();
        }),
        ("the end of the reap", |stage| {
            drop(stage.leaver.take());
            stage.die();
            stage.reaper.reap();
        }),
        ("the end of a reap that came before the death", |stage| {
            drop(stage.leaver.take());
            stage.reporter().dead();
            stage.reaper.reap();
            stage.die();
        }),
        ("a host that gives the task up", |stage| {
            drop(stage.leaver.take());
            drop(stage.reporter.take());
        }),
    ];
    for (name, way) in ways {
        let mut stage = Stage::new();
        way(&mut stage);
        assert_eq!(stage.dropped(), 1, "{name}");
    }
}
