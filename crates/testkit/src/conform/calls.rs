//! SC-17 to SC-29: set events and barrier.

use super::{Caller, Drops, Log, Parent, Probe, Seen, World, attach};
use crate::gate::Gate;
use crate::script::{Did, Flag, Step};
use crate::sim::Place;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utrace_core::{
    Action, BarrierError, ControlError, Detached, EngineRef, Event, EventSet, Match, Progress,
    SetEventsError, Task,
};

const EXIT: Seen = Seen::Event(Event::SyscallExit);

/// A task with an engine that stands in its first syscall exit callback.
struct Inside {
    task: Task,
    engine: EngineRef,
    gate: Gate,
    log: Log,
    /// The callback is about to return.
    ended: Arc<AtomicBool>,
}

impl Inside {
    fn new(world: &impl World, answer: Action, drops: &Drops) -> Inside {
        let script = vec![Step::Call(1), Step::Call(2), Step::Mark(3)];
        let (task, log, gate) = (world.launch(script, Parent::Waits), Log::new(), Gate::new("inside"));
        let (inside, ended) = (gate.clone(), Arc::new(AtomicBool::new(false)));
        let end = Arc::clone(&ended);
        let probe = Probe::new("A", &log).counted(drops).answers(move |_, report| {
            if !report.is(Event::SyscallExit) {
                return Action::Resume;
            }
            inside.pass();
            end.store(true, Ordering::SeqCst);
            answer
        });
        let engine = attach(&task, probe, Event::SyscallExit | Event::Exec);
        world.begin(&task);
        gate.until_reached();
        Inside { task, engine, gate, log, ended }
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }
}

/// Its callback runs / events are only added, or nothing is changed / done.
pub fn sc_017_adding_is_never_in_progress(world: &impl World) {
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    let more = Event::SyscallExit | Event::Exec | Event::Exit;
    assert_eq!(inside.engine.set_events(more), Ok(Progress::Done));
    assert_eq!(inside.engine.set_events(more), Ok(Progress::Done));
    assert!(!inside.has_ended());
    inside.gate.open();
    world.until_over(&inside.task);
    assert_eq!(inside.log.count("A", Seen::Event(Event::Exit)), 1);
}

/// Its callback runs / an event is taken away / in progress, and in force; later again / done.
pub fn sc_018_clearing_during_the_own_callback(world: &impl World) {
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    assert_eq!(inside.engine.set_events(Event::Exec), Ok(Progress::InProgress));
    assert_eq!(inside.engine.interest().events, EventSet::from(Event::Exec));
    assert_eq!(inside.engine.set_events(Event::Exec), Ok(Progress::InProgress), "asked again: not over yet");
    assert_eq!(inside.engine.set_events(Event::Exec | Event::Exit), Ok(Progress::Done), "only adds");
    assert_eq!(
        inside.engine.set_events(Event::Exec | Event::Exit),
        Ok(Progress::InProgress),
        "still not over"
    );
    assert_eq!(inside.engine.set_events(EventSet::NONE), Ok(Progress::InProgress));
    assert_eq!(inside.engine.set_events(EventSet::NONE), Ok(Progress::InProgress));
    inside.gate.open();
    world.until_over(&inside.task);
    assert_eq!(inside.engine.set_events(EventSet::NONE), Ok(Progress::Done));
    assert_eq!(inside.log.count("A", EXIT), 1, "the second syscall is not reported");
}

/// The callback of another engine runs / an event is taken away / done.
pub fn sc_019_clearing_during_anothers_callback(world: &impl World) {
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    let b = attach(&inside.task, Probe::new("B", &inside.log), Event::SyscallExit | Event::Exec);
    assert_eq!(b.set_events(Event::Exec), Ok(Progress::Done));
    inside.gate.open();
    world.until_over(&inside.task);
    assert!(inside.log.of("B").is_empty());
}

/// From the own callback / the own event is taken away / done.
pub fn sc_020_clearing_from_the_own_callback(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1), Step::Call(2)], Parent::Waits), Log::new());
    let answers = Arc::new(std::sync::Mutex::new(Vec::new()));
    let found = Arc::clone(&answers);
    let probe = Probe::new("A", &log).answers(move |cx, _| {
        crate::gate::lock(&found).push(cx.engine().set_events(EventSet::NONE));
        Action::Resume
    });
    attach(&task, probe, Event::SyscallExit);
    world.run(&task);
    assert_eq!(*crate::gate::lock(&answers), [Ok(Progress::Done)]);
    assert_eq!(log.of("A"), [EXIT]);
}

/// Held by this engine / everything is taken away, resume / done, no callback any more.
pub fn sc_021_clearing_while_held(world: &impl World) {
    let script = vec![Step::Call(1), Step::Call(2)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    // Without quiesce, whose own answer would end the stop again.
    let wanted = EventSet::ALL - EventSet::from(Event::Quiesce);
    let a = attach(&task, Probe::new("A", &log).once(EXIT, Action::Stop), wanted);
    world.begin(&task);
    world.until(&task, Place::Held);
    let before = log.all().len();
    assert_eq!(a.set_events(EventSet::NONE), Ok(Progress::Done));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    world.reap(&task);
    assert_eq!(log.all().len(), before);
    assert_eq!(world.did(&task), [Did::Call(1), Did::Call(2)]);
}

/// A callback sleeps / barrier from another thread / it waits, then ok, with what was returned applied.
pub fn sc_022_barrier_waits_for_the_callback(world: &impl World) {
    let inside = Inside::new(world, Action::Stop, &Drops::new());
    let engine = inside.engine.clone();
    let ended = Arc::clone(&inside.ended);
    let caller = Caller::start(move || (engine.barrier(), ended.load(Ordering::SeqCst)));
    caller.until_waiting(world);
    inside.gate.open();
    assert_eq!(caller.answer(), (Ok(()), true));
    world.until(&inside.task, Place::Held);
    assert_eq!(inside.engine.control(Action::Resume), Ok(Progress::Done));
}

/// Barrier waits / a signal to the caller / interrupted; called again / ok.
pub fn sc_023_barrier_is_interrupted(world: &impl World) {
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    let barrier = || {
        let engine = inside.engine.clone();
        let caller = Caller::start(move || engine.barrier());
        caller.until_waiting(world);
        caller
    };
    let first = barrier();
    world.interrupt(&first.thread());
    assert_eq!(first.answer(), Err(BarrierError::Interrupted));
    assert!(!inside.has_ended());
    let second = barrier();
    inside.gate.open();
    assert_eq!(second.answer(), Ok(()));
    assert!(inside.has_ended());
}

/// In the own callback / barrier / ok at once.
pub fn sc_024_barrier_on_oneself(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    let answer = Arc::new(std::sync::Mutex::new(None));
    let found = Arc::clone(&answer);
    let probe = Probe::new("A", &log).answers(move |cx, _| {
        *crate::gate::lock(&found) = Some(cx.engine().barrier());
        Action::Resume
    });
    attach(&task, probe, Event::SyscallExit);
    world.run(&task);
    assert_eq!(*crate::gate::lock(&answer), Some(Ok(())));
}

/// Asleep in a syscall, detach answered done / barrier / gone at once; the engine goes while the task sleeps on.
pub fn sc_025_barrier_after_detach_of_a_sleeper(world: &impl World) {
    let (never, drops) = (Flag(1), Drops::new());
    let script = vec![Step::Call(1), Step::Sleep(never)];
    let (task, log) = (world.launch(script, Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log).counted(&drops), Event::SyscallEntry);
    world.begin(&task);
    world.until(&task, Place::Asleep);
    assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
    let engine = a.clone();
    assert_eq!(Caller::start(move || engine.barrier()).answer(), Err(BarrierError::Gone));
    drop(a);
    drops.until(1);
    assert_eq!(world.place(&task), Place::Asleep);
}

/// Detach in progress / barrier / gone after the callback; the stop that it returned is ignored.
pub fn sc_026_barrier_after_detach_in_progress(world: &impl World) {
    let inside = Inside::new(world, Action::Stop, &Drops::new());
    assert_eq!(inside.engine.control(Action::Detach), Ok(Progress::InProgress));
    let (engine, ended) = (inside.engine.clone(), Arc::clone(&inside.ended));
    let caller = Caller::start(move || (engine.barrier(), ended.load(Ordering::SeqCst)));
    caller.until_waiting(world);
    inside.gate.open();
    assert_eq!(caller.answer(), (Err(BarrierError::Gone), true));
    assert_eq!(inside.engine.control(Action::Resume), Err(ControlError::Gone));
    assert_eq!(world.until_over(&inside.task), 0);
    assert_eq!(inside.log.of("A"), [EXIT]);
}

/// The task is gone / every call on an old handle / gone.
pub fn sc_027_calls_on_a_gone_task(world: &impl World) {
    let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Death | Event::Quiesce);
    world.run(&task);
    world.reap(&task);
    drop(task);
    assert_eq!(a.barrier(), Err(BarrierError::Gone));
    assert_eq!(a.set_events(Event::Exec), Err(SetEventsError::Gone));
    assert_eq!(a.set_events(EventSet::NONE), Err(SetEventsError::Gone));
    assert_eq!(a.control(Action::Stop), Err(ControlError::Gone));
    assert_eq!(a.control(Action::Detach), Err(ControlError::Gone));
    assert_eq!(a.control(Action::Report), Err(ControlError::NeedsQuiesce), "arguments are checked first");
    assert_eq!(a.detach_sync(), Ok(Detached::ReapRuns));

    // Detached before: the reap that came later was not for it.
    let (task, log) = (world.launch(vec![], Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Reap);
    attach(&task, Probe::new("B", &log), Event::Reap);
    assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
    world.run(&task);
    world.reap(&task);
    assert_eq!(a.detach_sync(), Ok(Detached::Over));
    assert!(log.of("A").is_empty());
}

/// A callback waits for a lock whose holder waits in barrier / - / an onlooker can name the engine, and break it.
pub fn sc_028_deadlock_is_diagnosable(world: &impl World) {
    // The gate is the lock: held by the controller, which goes to sleep in barrier.
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    let engine = inside.engine.clone();
    let controller = Caller::start(move || engine.barrier());
    controller.until_waiting(world);
    let culprit = inside.task.reporting();
    assert_eq!(culprit, Some(inside.engine.clone()));
    assert_eq!(culprit.as_ref().map(EngineRef::name), Some("A"));
    world.interrupt(&controller.thread());
    assert_eq!(controller.answer(), Err(BarrierError::Interrupted));
    inside.gate.open();
    world.until_over(&inside.task);
    assert_eq!(inside.task.reporting(), None);
}

/// A callback runs / the sync calls / they answer exactly after its end, and never ambiguously.
pub fn sc_029_sync_calls(world: &impl World) {
    let inside = Inside::new(world, Action::Resume, &Drops::new());
    let (engine, ended) = (inside.engine.clone(), Arc::clone(&inside.ended));
    let caller = Caller::start(move || (engine.set_events_sync(Event::Exec), ended.load(Ordering::SeqCst)));
    caller.until_waiting(world);
    inside.gate.open();
    assert_eq!(caller.answer(), (Ok(()), true));

    let drops = Drops::new();
    let inside = Inside::new(world, Action::Resume, &drops);
    let (engine, ended) = (inside.engine.clone(), Arc::clone(&inside.ended));
    let caller = Caller::start(move || (engine.detach_sync(), ended.load(Ordering::SeqCst)));
    caller.until_waiting(world);
    inside.gate.open();
    assert_eq!(caller.answer(), (Ok(Detached::Over), true));
    assert_eq!(inside.task.find(Match::ANY), None);

    // Behind a death pass: waits for its end, then over.
    let (task, log, gate) = (world.launch(vec![], Parent::Waits), Log::new(), Gate::new("death"));
    let at_death = gate.clone();
    let probe = Probe::new("D", &log).answers(move |_, report| {
        if report.is(Event::Death) {
            at_death.pass();
        }
        Action::Resume
    });
    let dying = attach(&task, probe, Event::Death | Event::Reap);
    world.begin(&task);
    gate.until_reached();
    let engine = dying.clone();
    let caller = Caller::start(move || engine.detach_sync());
    caller.until_waiting(world);
    gate.open();
    assert_eq!(caller.answer(), Ok(Detached::Over));
    world.until_over(&task);
    world.reap(&task);
    assert_eq!(log.of("D"), [Seen::Event(Event::Death)]);
}
