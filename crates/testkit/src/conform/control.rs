//! SC-39 to SC-43 and SC-47: what control refuses, kills, examinations.

use super::{Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::{Gate, lock};
use crate::script::{Did, Step, signals};
use crate::sim::{Place, Point};
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, ControlError, EngineRef, Event, EventSet, ExamineError, Progress, SignalAction, SignalKind,
    Steps, Task,
};

const QUIESCED: Seen = Seen::Quiesce(None);

/// A task that an engine with these events holds before its first instruction.
fn held(world: &impl World, script: Vec<Step>, log: &Log, events: impl Into<EventSet>) -> (Task, EngineRef) {
    let task = world.launch(script, Parent::Waits);
    let a = attach(&task, Probe::new("A", log).once(QUIESCED, Action::Stop), events.into() | Event::Quiesce);
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    world.begin(&task);
    world.until(&task, Place::Held);
    (task, a)
}

/// Without quiesce / report, steps; interrupt / refused, allowed. Steps need hardware.
pub fn sc_039_report_needs_quiesce(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new());
    let a = attach(&task, Probe::new("A", &log), Event::Exec);
    for action in [Action::Report, Action::SingleStep, Action::BlockStep] {
        assert_eq!(a.control(action), Err(ControlError::NeedsQuiesce));
    }
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    assert_eq!(a.set_events(Event::Quiesce), Ok(Progress::Done));
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    assert_eq!(world.run(&task), 0);
}

/// No steps; single ones only / a step is asked for / refused; a block step is a single one.
pub fn sc_039_steps_need_hardware(world: &impl World) {
    let log = Log::new();
    let task = world.launch_stepless(vec![], Steps::None);
    let a = attach(&task, Probe::new("A", &log), Event::Quiesce);
    assert_eq!(a.control(Action::SingleStep), Err(ControlError::NoHardware));
    assert_eq!(a.control(Action::BlockStep), Err(ControlError::NoHardware));

    // Without block steps one gets a single step: the trap comes though nothing branches.
    for with_another in [false, true] {
        let log = Log::new();
        let task = world.launch_stepless(vec![Step::Mark(1), Step::Mark(2)], Steps::Single);
        let a = attach(&task, ignores_traps(&log), Event::Quiesce | Event::SignalCore);
        assert_eq!(a.control(Action::BlockStep), Ok(Progress::Done));
        // One that has just come and asks for nothing makes a report due, which must not cost the step.
        assert!(!with_another || task.attach(Probe::new("N", &log)).is_ok());
        assert_eq!(world.run(&task), 0);
        assert_eq!(log.count("A", Seen::Event(Event::SignalCore)), 1);
    }
}

fn ignores_traps(log: &Log) -> Probe {
    Probe::new("A", log).answers(|_, report| {
        if let Report::Signal(signal) = report {
            signal.action = SignalAction::Ignore;
        }
        Action::Resume
    })
}

/// Held / SIGKILL / it wakes without a user instruction, exit and death are reported, control says gone.
pub fn sc_040_kill_while_held(world: &impl World) {
    let log = Log::new();
    let task = world.launch(vec![Step::Mark(1)], Parent::Waits);
    let held_at_exit = Arc::new(Mutex::new(None));
    let held = Arc::clone(&held_at_exit);
    let probe = Probe::new("A", &log).answers(move |cx, report| match report {
        Report::Quiesce(None) => Action::Stop,
        Report::Exit(_) => {
            *lock(&held) = Some(cx.task().is_stopped());
            Action::Resume
        }
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Exit | Event::Death | Event::Quiesce);
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    world.begin(&task);
    world.until(&task, Place::Held);
    assert!(task.is_stopped());
    world.kill(&task, signals::SIGKILL);
    assert_eq!(world.until_over(&task), signals::SIGKILL);
    assert!(world.did(&task).is_empty());
    assert_eq!(log.calls("A", Event::Exit).len(), 1);
    assert_eq!(log.calls("A", Event::Death).len(), 1);
    for action in [Action::Stop, Action::Resume, Action::Interrupt] {
        assert_eq!(a.control(action), Err(ControlError::Gone));
    }
    assert_eq!(*lock(&held_at_exit), Some(false), "the kill ended the stop");
}

/// SIGKILL between the decision to stop and the sleep / - / no sleep.
pub fn sc_041_kill_before_the_sleep(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new());
    let probe = Probe::new("A", &log).answers(|_, report| match report {
        Report::Quiesce(None) => Action::Stop,
        // A killed task does not stop here either, whatever is answered (INV-34).
        Report::Exit(_) => Action::Stop,
        _ => Action::Resume,
    });
    let a = attach(&task, probe, Event::Quiesce | Event::Exit);
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    world.hold_at(&task, Point::BeforeSleep);
    world.begin(&task);
    world.until_at(&task, Point::BeforeSleep);
    world.kill(&task, signals::SIGKILL);
    world.let_go(&task, Point::BeforeSleep);
    assert_eq!(world.until_over(&task), signals::SIGKILL);
    assert!(world.did(&task).is_empty());
}

/// SIGKILL after an engine decided to stop the task, while a later one is asked / - / no sleep.
pub fn sc_041_kill_after_the_decision(world: &impl World) {
    let (task, log, gate) = (world.launch(vec![Step::Mark(1)], Parent::Waits), Log::new(), Gate::new("B"));
    let inside = gate.clone();
    let a = attach(&task, Probe::new("A", &log).once(QUIESCED, Action::Stop), Event::Quiesce);
    let mut first = true;
    let b = Probe::new("B", &log).answers(move |_, report| {
        if report.seen() == QUIESCED && core::mem::take(&mut first) {
            inside.pass();
        }
        Action::Resume
    });
    attach(&task, b, Event::Quiesce);
    assert_eq!(a.control(Action::Report), Ok(Progress::Done));
    world.begin(&task);
    gate.until_reached();
    assert_eq!(log.count("A", QUIESCED), 1, "it has decided");
    world.kill(&task, signals::SIGKILL);
    gate.open();
    assert_eq!(world.until_over(&task), signals::SIGKILL);
    assert!(world.did(&task).is_empty());
}

/// SIGKILL while an examiner writes registers / - / it never runs with half of them; the examination fails.
pub fn sc_042_kill_during_an_examination<W: World>(world: &W) {
    let (log, found) = (Log::new(), Arc::new(Mutex::new(None)));
    let task = world.launch(vec![], Parent::Waits);
    // Without quiesce, whose answer on the way to its death would end the stop and with it the examination.
    let a = attach(&task, Probe::new("A", &log), Event::Exec);
    assert_eq!(a.control(Action::Stop), Ok(Progress::InProgress));
    world.begin(&task);
    world.until(&task, Place::Held);
    std::thread::scope(|scope| {
        let gate = Gate::new("examiner");
        let (inside, seen, a) = (gate.clone(), Arc::clone(&found), &a);
        scope.spawn(move || {
            let outcome = a.examine(|target| {
                world.set_scratch(target, 0, 7);
                inside.pass();
                world.set_scratch(target, 1, 7);
            });
            *lock(&seen) = Some(outcome);
        });
        gate.until_reached();
        world.kill(&task, signals::SIGKILL);
        if W::DIFFERS.kill_outruns_examiner {
            world.until_over(&task);
        } else {
            // It has been woken by the kill, and stands before its registers.
            world.until(&task, Place::Running);
            assert_eq!(world.status(&task), None, "it waits for the examiner");
        }
        gate.open();
    });
    assert_eq!(*lock(&found), Some(Err(ExamineError::Ran)));
    assert_eq!(world.until_over(&task), signals::SIGKILL);
}

/// Without a stop; on a runner; on a dead task / prepare / not held; ran; dead.
pub fn sc_043_prepare_examine_refuses<W: World>(world: &W) {
    let (task, log, gate) = (world.launch(vec![Step::Call(1)], Parent::Waits), Log::new(), Gate::new("B"));
    let inside = gate.clone();
    attach(
        &task,
        Probe::new("B", &log).answers(move |_, _| {
            inside.pass();
            Action::Resume
        }),
        Event::SyscallExit,
    );
    let a = attach(&task, Probe::new("A", &log), Event::Exec);
    assert_eq!(a.prepare_examine().map(drop), Err(ExamineError::NotHeld));
    world.begin(&task);
    gate.until_reached();
    assert_eq!(a.prepare_examine().map(drop), Err(ExamineError::NotHeld));
    assert_eq!(a.control(Action::Stop), Ok(Progress::InProgress));
    let runs = if W::DIFFERS.callbacks_elsewhere { Ok(()) } else { Err(ExamineError::Ran) };
    assert_eq!(a.prepare_examine().map(drop), runs);
    gate.open();
    world.until(&task, Place::Held);
    let address = world.memory();
    let read = a.examine(|target| target.read(address, &mut [0; 8]));
    assert_eq!(read, Ok(Ok(8)));
    // Prepared, then it runs: what was read in between is not to be trusted.
    let prepared = a.prepare_examine();
    world.kill(&task, signals::SIGKILL);
    world.until_over(&task);
    assert_eq!(prepared.map(utrace_core::Examine::finish), Ok(Err(ExamineError::Ran)));
    assert_eq!(a.prepare_examine().map(drop), Err(ExamineError::Dead));
}

/// Held / interrupt / the report that follows is one on the signal path.
pub fn sc_040_interrupt_while_held(world: &impl World) {
    let log = Log::new();
    let (task, a) = held(world, vec![Step::Mark(1)], &log, EventSet::NONE);
    assert_eq!(log.of("A"), [QUIESCED]);
    assert_eq!(a.control(Action::Interrupt), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(log.of("A").get(1), Some(&Seen::Path(SignalKind::Report)));
}

/// Held, the last engine detaches / - / it runs, and does not step.
pub fn sc_047_last_engine_detaches_while_it_holds(world: &impl World) {
    let log = Log::new();
    let (task, a) = held(world, vec![Step::Mark(1), Step::Mark(2)], &log, Event::Exec);
    let b = attach(&task, Probe::new("B", &log), Event::Quiesce);
    // A step is owed when the stop ends; with its engines it goes, or the trap would kill the program.
    assert_eq!(b.control(Action::SingleStep), Ok(Progress::Done));
    assert_eq!(b.control(Action::Detach), Ok(Progress::Done));
    assert!(task.is_stopped());
    assert_eq!(a.control(Action::Detach), Ok(Progress::Done));
    assert_eq!(world.until_over(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1), Did::Mark(2)]);
    assert!(Event::ALL.into_iter().all(|event| !task.wants(event)), "nothing is reported to nobody");
}
