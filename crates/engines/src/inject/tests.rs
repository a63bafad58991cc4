//! The injection on tasks whose events are reported by hand.

use std::time::{Duration, Instant};

use utrace_core::{SyscallAction, Verdict, Woken};

use super::{Inject, InjectSpec};
use crate::testing::Rig;
use crate::tool::{Origin, Tool};

const CLOSE: u64 = 3;
const EXECVE: u64 = 59;
const GETUID: u64 = 102;
const ENOSYS: i64 = -38;

fn rig(specs: &[&str]) -> (Rig, Vec<Inject>) {
    let rig = Rig::new(100);
    let tools: Vec<Inject> = specs.iter().map(|spec| Inject::new(InjectSpec::parse(spec).unwrap())).collect();
    for tool in &tools {
        tool.attach(&rig.task, Origin::Launched).unwrap();
    }
    (rig, tools)
}

/// Whether the call was aborted, and what the program gets.
fn one(rig: &mut Rig, number: u64) -> (bool, i64) {
    let (_, entry) = rig.enter(number, &[]);
    let aborted = entry.action() == SyscallAction::Abort;
    (aborted, rig.leave(if aborted { ENOSYS } else { 0 }).value())
}

#[test]
fn an_error_takes_the_place_of_the_call() {
    let (mut rig, _tools) = rig(&["getuid:error=EIO"]);
    assert_eq!(one(&mut rig, GETUID), (true, -5));
    assert_eq!(one(&mut rig, CLOSE), (false, 0));
}

#[test]
fn calls_are_counted_for_each_syscall_of_each_task() {
    let (mut rig, _tools) = rig(&["getuid,close:retval=7:when=2"]);
    assert_eq!(one(&mut rig, GETUID).1, 0);
    assert_eq!(one(&mut rig, CLOSE).1, 0);
    assert_eq!(one(&mut rig, GETUID).1, 7);
    let mut child = rig.fork(101);
    assert_eq!(one(&mut child, GETUID).1, 0, "a child counts anew");
    assert_eq!(one(&mut child, GETUID).1, 7);
    assert_eq!(one(&mut rig, CLOSE).1, 7);
    assert_eq!(one(&mut rig, CLOSE).1, 0);
}

#[test]
fn the_last_of_several_wins_in_the_parent_and_in_every_generation() {
    let (mut rig, _tools) = rig(&["getuid:retval=1", "getuid:retval=2"]);
    assert_eq!(one(&mut rig, GETUID).1, 2);
    let mut child = rig.fork(101);
    assert_eq!(one(&mut child, GETUID).1, 2);
    assert_eq!(one(&mut child.fork(102), GETUID).1, 2);
}

#[test]
fn a_signal_is_sent_at_entry() {
    let (mut rig, _tools) = rig(&["getuid:signal=USR1:when=1"]);
    assert_eq!(one(&mut rig, GETUID), (false, 0));
    assert_eq!(rig.target.signals, [10]);
    assert_eq!(one(&mut rig, GETUID), (false, 0));
    assert_eq!(rig.target.signals, [10]);
}

/// Otherwise `--inject=execve:error=…` would keep the program itself from starting, which strace does not.
#[test]
fn the_exec_that_starts_the_program_is_neither_counted_nor_touched() {
    let (mut rig, _tools) = rig(&["execve:error=EPERM:when=1"]);
    assert_eq!(one(&mut rig, EXECVE), (false, 0));
    assert_eq!(one(&mut rig, EXECVE), (true, -1));
    let (mut rig, _tools) = self::rig(&["%all:error=EPERM:when=1"]);
    assert_eq!(one(&mut rig, GETUID), (true, -1), "no exec: launched by other means");
    let mut child = rig.fork(101);
    assert_eq!(one(&mut child, EXECVE), (true, -1));
}

/// The task is held, the callback is not; and the hold ends by itself.
#[test]
fn a_delay_holds_the_task_and_not_the_callback() {
    let (mut rig, _tools) = rig(&["getuid:delay_enter=50ms:error=EIO"]);
    let start = Instant::now();
    let (verdict, entry) = rig.enter(GETUID, &[]);
    assert_eq!(verdict, Verdict::Park);
    assert!(entry.is_aborted());
    wait_for_wake(&rig, 1);
    assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
    assert!(matches!(rig.reporter.woken(), Woken::Go(_)));
    let exit = rig.leave(ENOSYS);
    assert_eq!(exit.value(), -5);
    assert!(exit.delayed());
}

/// A timer that fires before the stop is in force would leave the task held for ever.
#[test]
fn a_delay_of_nothing_never_leaves_the_task_held() {
    let (mut rig, _tools) = rig(&["getuid:delay_enter=0"]);
    for round in 0..2000 {
        let (verdict, _) = rig.enter(GETUID, &[]);
        if verdict == Verdict::Park {
            while matches!(rig.reporter.woken(), Woken::Parked) {
                std::thread::yield_now();
            }
        }
        assert_eq!(rig.leave(0).value(), 0, "round {round}");
    }
}

/// Waits for the host to be told, for a minute at most.
fn wait_for_wake(rig: &Rig, count: u32) {
    let start = Instant::now();
    while rig.wakes() < count {
        assert!(start.elapsed() < Duration::from_secs(60), "the task is still held");
        std::thread::yield_now();
    }
}
