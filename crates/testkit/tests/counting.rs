//! What a report costs in allocations: none, unless an engine attaches, stops or leaves. (That it takes no lock is
//! counted in the core's own tests.)

use utrace_core::{
    Action, Cx, Engine, Event, EventSet, Interest, Match, Reporter, Syscall, SyscallEntry, SyscallExit,
    SyscallSet, Task, Verdict,
};
use utrace_testkit::bare::Bare;

/// An engine whose callbacks do nothing.
struct Idle;

impl Engine for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut SyscallExit) -> Action {
        Action::Resume
    }
}

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

/// How often a thousand syscalls allocate, after some that take over what was attached.
fn allocations_of_reports(reporter: &mut Reporter) -> u64 {
    let mut target = Bare::default();
    let call = Syscall::default();
    let mut report = |times| {
        for _ in 0..times {
            let entered = reporter.syscall_entry(&mut target, &mut SyscallEntry::new(call));
            let mut exit = SyscallExit::new(Some(call), 0, 0, false);
            let exited = reporter.syscall_exit(&mut target, &mut exit);
            assert_eq!([entered, exited], [Verdict::Go(Action::Resume); 2]);
        }
    };
    report(2);
    allocations(|| report(1000))
}

fn with_engines(count: usize, interest: impl Into<Interest>) -> (Task, Reporter) {
    let (task, reporter, _reaper, host) = Bare::task();
    host.report_here();
    let interest = interest.into();
    for _ in 0..count {
        assert!(task.attach_for(interest, Idle).is_ok());
    }
    (task, reporter)
}

#[test]
fn eight_engines_that_want_something_else_cost_no_allocation() {
    let (task, mut reporter) = with_engines(8, Event::Exec | Event::Death);
    assert_eq!(task.engines().len(), 8);
    assert_eq!(allocations_of_reports(&mut reporter), 0);
}

#[test]
fn eight_engines_that_want_another_syscall_cost_no_allocation() {
    let others: SyscallSet = [7].into_iter().collect();
    let (task, mut reporter) = with_engines(8, Interest::in_syscalls(others));
    // One that wants this one, so that the walk takes place.
    drop(task.attach_for(Interest::in_syscalls([0].into_iter().collect()), Idle).unwrap());
    assert_eq!(allocations_of_reports(&mut reporter), 0);
}

#[test]
fn an_engine_with_an_empty_callback_costs_no_allocation() {
    let (_task, mut reporter) = with_engines(1, EventSet::SYSCALL);
    assert_eq!(allocations_of_reports(&mut reporter), 0);
    let (_task, mut reporter) = with_engines(8, EventSet::SYSCALL | Event::Quiesce);
    assert_eq!(allocations_of_reports(&mut reporter), 0);
}

/// The counter counts: an attach allocates.
#[test]
fn an_attach_is_counted() {
    let (task, _reporter) = with_engines(1, EventSet::SYSCALL);
    assert!(allocations(|| drop(task.attach(Idle))) > 0);
}

/// SC-1: a lookup on a task without engines makes no record, nor anything else.
#[test]
fn sc_001_lookup_allocates_nothing() {
    let (task, _reporter, _reaper, _host) = Bare::task();
    let mut found = false;
    assert_eq!(allocations(|| found = task.find(Match::ANY).is_some()), 0);
    assert!(!found);
    assert_eq!(allocations(|| found = !task.engines().is_empty()), 0);
    assert!(!found);
}
