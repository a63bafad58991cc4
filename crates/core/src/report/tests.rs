//! That reports take no lock on their hot path, and the order of a task's end.
#![cfg(not(loom))]

use crate::stub::Stub;
use crate::sync::lock::taken;
use crate::{
    Action, Cx, DeathReport, Engine, Event, EventSet, Interest, Reporter, Syscall, SyscallEntry, SyscallExit,
    SyscallSet, Task,
};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::Mutex;

/// Answers each callback with the same action.
struct Says(Action);

impl Engine for Says {
    fn name(&self) -> &str {
        "says"
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.0
    }
    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut SyscallExit) -> Action {
        self.0
    }
}

fn task(engines: usize, interest: impl Into<Interest>) -> (Task, Reporter) {
    let (task, reporter, _reaper) = Stub::task();
    let interest = interest.into();
    for _ in 0..engines {
        drop(task.attach_for(interest, Says(Action::Resume)).unwrap());
    }
    (task, reporter)
}

/// How often a hundred syscalls take a lock, and look whether a last report is owed, as a host does.
fn locks(reporter: &mut Reporter) -> usize {
    let mut report = |times| {
        for _ in 0..times {
            let call = Syscall::default();
            let _ = reporter.syscall_entry(&mut Stub, &mut SyscallEntry::new(call));
            let _ = reporter.syscall_exit(&mut Stub, &mut SyscallExit::new(Some(call), 0, 0, false));
            assert!(!reporter.owes_report());
        }
    };
    // The first takes over what was attached and sheds what nobody wants.
    report(2);
    taken::during(|| report(100))
}

#[test]
fn uninterested_engines_cost_no_lock() {
    assert_eq!(locks(&mut task(8, Event::Exec | Event::Death).1), 0);
    let others: SyscallSet = [7].into_iter().collect();
    let (task, mut reporter) = task(8, Interest::in_syscalls(others));
    drop(task.attach_for(EventSet::SYSCALL, Says(Action::Resume)).unwrap());
    assert_eq!(locks(&mut reporter), 0);
}

#[test]
fn an_engine_without_demands_costs_no_lock() {
    assert_eq!(locks(&mut task(1, EventSet::SYSCALL).1), 0);
    assert_eq!(locks(&mut task(8, EventSet::SYSCALL | Event::Quiesce).1), 0);
}

/// The counter counts: a step that is asked for must be written down.
#[test]
fn a_demand_costs_a_lock() {
    let (task, mut reporter) = task(0, EventSet::NONE);
    drop(task.attach_for(EventSet::SYSCALL, Says(Action::SingleStep)).unwrap());
    assert!(locks(&mut reporter) >= 200);
}

/// An interest that was given up leaves a mask that asks for too much: one report mends that, not each.
#[test]
fn a_mask_that_asks_for_too_much_is_mended_once() {
    let (task, mut reporter) = task(1, EventSet::SYSCALL);
    let other = task.attach_for(EventSet::SYSCALL, Says(Action::Resume)).unwrap();
    assert_eq!(locks(&mut reporter), 0);
    for engine in task.engines() {
        let _ = engine.set_events(Event::Exec);
    }
    assert!(task.wants(Event::SyscallEntry), "only a report of the task makes it smaller (INV-11)");
    assert_eq!(locks(&mut reporter), 0);
    assert!(!task.wants(Event::SyscallEntry));
    assert!(other.is_attached());
}

/// Notes the order in which death and reap come.
struct Ends(Arc<Mutex<Vec<Event>>>);

impl Engine for Ends {
    fn name(&self) -> &str {
        "ends"
    }
    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        self.0.lock().unwrap().push(Event::Death);
        Action::Resume
    }
    fn reap(&mut self, _task: &Task) {
        self.0.lock().unwrap().push(Event::Reap);
    }
}

/// INV-30, on a task that never reported: its walker lies where the reaper could take it.
#[test]
fn a_reap_before_the_host_said_dead_waits_for_the_death() {
    let (task, mut reporter, mut reaper) = Stub::task();
    let told = Arc::default();
    drop(task.attach_for(Event::Death | Event::Reap, Ends(Arc::clone(&told))).unwrap());
    reaper.reap();
    assert_eq!(*told.lock().unwrap(), []);
    reporter.death(&mut Stub, &mut DeathReport { group_dead: true, signal: Some(17), code: 0 });
    assert_eq!(*told.lock().unwrap(), [Event::Death, Event::Reap]);
}
