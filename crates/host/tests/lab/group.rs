//! Group stops that engines take part in, and exits that they hold although others are the reason.

use std::sync::{Arc, Mutex};

use utrace_core::{Action, EngineRef, Event, Progress, Regset, SignalKind, Task};
use utrace_host::{Ending, Process};
use utrace_testkit::conform::{Log, Probe, Report, Seen};

use crate::bench::{Lab, send, state, until, until_held, until_up};

const JCTL: Seen = Seen::Event(Event::Jctl);
const STOP: i32 = 19;
const CONT: i32 = 18;
const KILL: i32 = 9;
/// `NT_PRSTATUS`, and its size.
const GENERAL: Regset = Regset(1);
const SIZE: usize = 27 * 8;

/// A lab whose program is in a group stop, in which each of so many engines holds its first thread.
fn stopped(log: &Log, script: &str, engines: usize) -> (Lab, Process, Task, Vec<EngineRef>) {
    let lab = Lab::new();
    let probes: Vec<Probe> = (0..engines).map(|_| Probe::new("A", log).once(JCTL, Action::Stop)).collect();
    let process = lab.launch(script, move |task| {
        for probe in probes {
            task.attach_for(Event::Jctl | Event::Quiesce, probe).unwrap();
        }
    });
    let pid = process.pid().raw();
    until_up(pid);
    // Its threads are there.
    if script.starts_with('T') {
        until(|| threads(pid).len() == 2);
    }
    send(pid, STOP);
    let task = process.tasks()[0].clone();
    until_held(&task);
    let engines = task.engines();
    (lab, process, task, engines)
}

/// Waits until a thread is in pause(2).
fn until_paused(tid: i32) {
    let call = format!("/proc/{tid}/syscall");
    until(|| std::fs::read_to_string(&call).is_ok_and(|call| call.starts_with("34 ")));
}

fn threads(pid: i32) -> Vec<i32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().ok()).collect()
}

#[test]
fn a_task_that_is_held_in_a_group_stop_shows_its_registers() {
    let log = Log::new();
    let (lab, process, _, engines) = stopped(&log, "W m1", 1);
    for _ in 0..2 {
        let mut regs = [0; SIZE];
        let read = engines[0].examine(|target| target.regset(GENERAL, &mut regs));
        assert_eq!(read, Ok(Ok(SIZE)));
        assert_ne!(regs, [0; SIZE]);
        assert_eq!(engines[0].examine(|target| target.set_regset(GENERAL, &regs)), Ok(Ok(())));
    }
    lab.go();
    assert_eq!(engines[0].control(Action::Resume), Ok(Progress::Done));
    let pid = process.pid().raw();
    assert_eq!((state(pid).as_str(), lab.wrote().as_str()), ("t", ""), "its process is still stopped");
    send(pid, CONT);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!((lab.wrote().as_str(), log.count("A", JCTL)), ("m1", 2));
}

#[test]
fn a_task_that_leaves_a_group_stop_runs_alone() {
    let log = Log::new();
    let (lab, process, task, engines) = stopped(&log, "T W m1 P", 1);
    let pid = process.pid().raw();
    let other = threads(pid).into_iter().find(|tid| *tid != pid).unwrap();
    lab.go();
    assert_eq!(engines[0].leave_group_stop(Action::Resume), Ok(Progress::Done));
    until(|| lab.wrote() == "m1" && state(pid) == "S");
    until(|| state(other) == "t");
    assert_eq!((task.is_job_stopped(), log.count("A", JCTL)), (false, 1));
    // A stop that we ask for does not take it back into the group stop.
    assert_eq!(engines[0].control(Action::Interrupt), Ok(Progress::Done));
    log.until("A", Seen::Path(SignalKind::Report));
    until(|| state(pid) == "S");
    // Another one does.
    send(pid, STOP);
    until(|| log.count("A", JCTL) == 2);
    send(pid, CONT);
    until(|| log.count("A", JCTL) == 3);
    send(pid, KILL);
    assert!(process.wait().is_ok());
}

#[test]
fn who_wants_a_task_to_stay_in_its_group_stop_has_the_last_word() {
    let log = Log::new();
    let (lab, process, task, engines) = stopped(&log, "W m1", 2);
    lab.go();
    assert_eq!(engines[1].control(Action::Resume), Ok(Progress::Done));
    assert_eq!(engines[0].leave_group_stop(Action::Resume), Ok(Progress::Done));
    assert!(task.is_job_stopped() && !task.is_stopped());
    // Held once more, and let go by that one alone: what was said before is past.
    assert_eq!(engines[0].control(Action::Stop), Ok(Progress::Done));
    assert_eq!(lab.wrote(), "");
    assert_eq!(engines[0].leave_group_stop(Action::Resume), Ok(Progress::Done));
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(lab.wrote(), "m1");
}

/// Runs a script whose first thread ends the process, and answers how, after the other one was held at its exit.
fn held_at_exit(script: &str) -> Ending {
    let lab = Lab::new();
    let log = Log::new();
    let child: Arc<Mutex<Option<Task>>> = Arc::default();
    let found = Arc::clone(&child);
    let probe = Probe::silent("A").answers(move |_, report| {
        if let Report::Clone(clone) = report {
            let holder = Probe::new("B", &log).once(Seen::Event(Event::Exit), Action::Stop);
            clone.child.attach_for(Event::Exit, holder).unwrap();
            *found.lock().unwrap() = Some(clone.child.clone());
        }
        Action::Resume
    });
    let process = lab.launch(script, move |task| {
        task.attach_for(Event::Clone, probe).unwrap();
    });
    until(|| child.lock().unwrap().is_some());
    let task = child.lock().unwrap().clone().unwrap();
    // One that is ended before it has begun reports nothing.
    until_paused(task.id().0.cast_signed());
    lab.go();
    until_held(&task);
    assert_eq!(state(task.id().0.cast_signed()), "t", "it is dying, and still there");
    assert_eq!(task.engines()[0].control(Action::Resume), Ok(Progress::Done));
    process.wait().unwrap()
}

#[test]
fn a_thread_that_its_sibling_ends_can_be_held_at_its_exit() {
    assert_eq!(held_at_exit("T W e3"), Ending::Exited(3));
}

#[test]
fn a_thread_that_dies_of_a_signal_of_its_process_can_be_held_at_its_exit() {
    assert_eq!(held_at_exit("T W r15"), Ending::Killed(15, utrace_host::CoreDump::No));
}

#[test]
fn a_thread_that_a_siblings_exec_ends_can_be_held_at_its_exit() {
    // The first thread computes while the other one makes the exec.
    let lab = Lab::new();
    let log = Log::new();
    let probe = Probe::new("A", &log).once(Seen::Event(Event::Exit), Action::Stop);
    let process = lab.launch("W X", move |task| {
        task.attach_for(Event::Exit, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    let engine = task.engines()[0].clone();
    lab.go();
    until_held(&task);
    assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
}

#[test]
fn nothing_holds_a_thread_that_dies_of_sigkill() {
    let lab = Lab::new();
    let log = Log::new();
    let probe = Probe::new("A", &log).once(Seen::Event(Event::Exit), Action::Stop);
    let process = lab.launch("P", move |task| {
        task.attach_for(Event::Exit, probe).unwrap();
    });
    // A launch that is not over yet reports no exit.
    until_paused(process.pid().raw());
    send(process.pid().raw(), KILL);
    assert_eq!(process.wait(), Ok(Ending::Killed(KILL, utrace_host::CoreDump::No)));
    assert_eq!(log.count("A", Seen::Event(Event::Exit)), 1);
}
