//! `utrace attach`: every thread of a process that runs, and nothing of it changed afterwards.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use std::fs;

use common::{Live, Place, everybody, is_gone, status_field, wait_blocked_in, wait_until, words};
use rustix::process::Signal;

/// Starts a fixture untraced and waits until it is ready.
fn target(place: &Place, who: common::Who, fixture: &str, args: &str) -> Live {
    let mut live = place.other(place.fixture(fixture), words(args)).who(who).start();
    live.wait_ready();
    live
}

/// Attaches to `pids` and waits until every thread of them is traced: by the supervisor, in which its engines are.
fn attach(place: &Place, who: common::Who, pids: &[u32], flags: &str) -> Live {
    let list = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let tracer = place.run(words(&format!("attach -p {list} {flags}"))).who(who).start();
    for pid in pids {
        wait_until("all threads are traced", || threads(*pid).iter().all(|t| tracer_of(*pid, *t) != 0));
    }
    tracer
}

fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    entries.map(|e| e.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

fn tracer_of(pid: u32, tid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("TracerPid:"));
    let tid = line.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    // The tracer is a thread of ours.
    if tid == 0 { 0 } else { status_field(tid, "Tgid").parse().unwrap_or(0) }
}

/// What of a process a tracer could leave changed.
fn state_of(pid: u32) -> String {
    let keep =
        ["TracerPid", "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Threads", "Seccomp", "NoNewPrivs"];
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let status = status.lines().filter(|l| keep.iter().any(|k| l.starts_with(k)));
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    // Stack pointer and program counter. Not the number: a call with a time limit that was met by a stop goes on as
    // restart_syscall(2), number 219, of which the program knows nothing.
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
    let call = call.split(' ').skip(7).collect::<Vec<_>>().join(" ");
    format!("{}\n{maps}\n{call}", status.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_blocked_process_is_not_disturbed() {
    for who in everybody() {
        for (kind, number) in [("epoll_stdin", 232), ("read", 0), ("poll", 7)] {
            let place = Place::new();
            let mut target = target(&place, who, "blocked", kind);
            wait_blocked_in(target.pid(), number);
            let before = state_of(target.pid());
            let tracer = attach(&place, who, &[target.pid()], "--log=f --stats=/dev/null");
            tracer.signal(Signal::INT);
            tracer.finish().expect(0);
            // It may have to make its call again first.
            wait_until(kind, || state_of(target.pid()) == before || is_gone(target.pid()));
            assert_eq!(before, state_of(target.pid()), "{kind}");
            drop(target.stdin.take());
            let said = target.line();
            assert!(said.ends_with("errno=0"), "{kind}: {said}");
            target.finish().expect(0);
        }
    }
}

#[test]
fn a_busy_process_is_logged_and_let_go() {
    for who in everybody() {
        let place = Place::new();
        let target = target(&place, who, "spin", "");
        let tracer = attach(&place, who, &[target.pid()], "--log=f");
        wait_until("it logs", || place.read("f").matches("getppid()").count() > 100);
        tracer.signal(Signal::INT);
        tracer.finish().expect(0);
        assert_eq!(status_field(target.pid(), "TracerPid"), "0");
        assert!(!is_gone(target.pid()));
        target.signal(Signal::TERM);
        assert_eq!(target.finish().code(), 1015);
    }
}

#[test]
fn a_process_in_user_mode_is_let_go() {
    let place = Place::new();
    let target = target(&place, common::Who::Me, "spin", "compute");
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=f");
    tracer.signal(Signal::INT);
    tracer.finish().expect(0);
    assert_eq!(status_field(target.pid(), "TracerPid"), "0");
    target.signal(Signal::TERM);
    assert_eq!(target.finish().code(), 1015);
}

#[test]
fn every_thread_and_new_children_are_traced() {
    let place = Place::new();
    let mut target = target(&place, common::Who::Me, "threads_parked", "200");
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=f");
    drop(target.stdin.take());
    target.finish().expect(0);
    tracer.finish().expect(0);
    let log = place.read("f");
    assert_eq!(log.matches("+++ exited with 0 +++").count(), 201, "{log}");
}

#[test]
fn several_processes_at_once() {
    let place = Place::new();
    let mut all: Vec<_> = (0..3).map(|_| target(&place, common::Who::Me, "blocked", "epoll_stdin")).collect();
    let pids: Vec<_> = all.iter().map(Live::pid).collect();
    let tracer = attach(&place, common::Who::Me, &pids, "--log=f,trace=epoll_wait,exit_group");
    for target in &mut all {
        drop(target.stdin.take());
        assert_eq!(target.line(), "epoll_stdin=1 errno=0");
    }
    for target in all {
        target.finish().expect(0);
    }
    tracer.finish().expect(0);
    let log = place.read("f");
    for pid in pids {
        let end =
            log.lines().any(|l| l.starts_with(&format!("{pid} ")) && l.ends_with("+++ exited with 0 +++"));
        assert!(end, "{pid}: {log}");
    }
}

/// SIGKILL to the tracer: an attached process lives on, not even woken.
#[test]
fn an_attached_process_outlives_utrace() {
    let place = Place::new();
    let mut target = target(&place, common::Who::Me, "blocked", "epoll_stdin");
    wait_blocked_in(target.pid(), 232);
    let before = state_of(target.pid());
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=f");
    tracer.signal(Signal::KILL);
    assert_eq!(tracer.finish().code(), 1009);
    wait_until("it is untraced", || status_field(target.pid(), "TracerPid") == "0");
    wait_until("it is as before", || state_of(target.pid()) == before);
    drop(target.stdin.take());
    assert_eq!(target.line(), "epoll_stdin=1 errno=0");
    target.finish().expect(0);
}

/// timeout(1) sends its signal to the child and to its group: two at once are one request, and outputs are written.
#[test]
fn a_signal_sent_twice_at_once_loses_no_output() {
    let place = Place::new();
    let mut target = place.other(place.fixture("spin"), [""; 0]).start();
    target.wait_ready();
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=log --stats=stats");
    // A call that was only seen to begin is in the log, and in no sum.
    wait_until("it logs a whole call", || place.read("log").contains(" = "));
    tracer.signal(Signal::INT);
    let me = rustix::process::Pid::from_raw(tracer.pid().cast_signed()).unwrap();
    let _ = rustix::process::kill_process(me, Signal::INT);
    assert_eq!(tracer.finish().code(), 0);
    assert!(place.read("stats").contains("total"));
    target.signal(Signal::TERM);
    assert_eq!(target.finish().code(), 1015);
}

#[test]
fn sigterm_detaches_too() {
    let place = Place::new();
    let target = target(&place, common::Who::Me, "spin", "");
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=f --stats=s");
    wait_until("it counts", || place.read("f").contains("getppid()"));
    tracer.signal(Signal::TERM);
    tracer.finish().expect(0);
    assert_eq!(status_field(target.pid(), "TracerPid"), "0");
    assert!(place.read("s").contains("getppid"), "the table is written at the end");
    target.signal(Signal::TERM);
    target.finish();
}

#[test]
fn a_program_whose_file_is_gone() {
    let place = Place::new();
    let mut target = target(&place, common::Who::Me, "deleted_exe", "");
    let tracer = attach(&place, common::Who::Me, &[target.pid()], "--log=f,y");
    drop(target.stdin.take());
    target.finish().expect(0);
    tracer.finish().expect(0);
    assert!(place.read("f").ends_with("+++ exited with 0 +++\n"));
}

/// A number that is used again belongs to somebody else: it is not traced.
#[test]
fn a_reused_pid_is_another_process() {
    if !common::is_root() {
        return common::skip("only root can choose a pid");
    }
    let place = Place::new();
    let mut first = target(&place, common::Who::Me, "blocked", "read");
    let mut other = target(&place, common::Who::Me, "blocked", "epoll_stdin");
    let pids = [first.pid(), other.pid()];
    let tracer = attach(&place, common::Who::Me, &pids, "--log=f");
    drop(first.stdin.take());
    first.finish().expect(0);
    let again = target(&place, common::Who::Me, "pid_twice", &pids[0].to_string());
    assert!(fs::exists(format!("/proc/{}", pids[0])).unwrap());
    assert_eq!(status_field(pids[0], "TracerPid"), "0");
    again.finish().expect(0);
    drop(other.stdin.take());
    other.finish().expect(0);
    tracer.finish().expect(0);
}

/// Another thread of the target runs a new program just then: the thread that showed our right is gone, and so is every other.
#[test]
fn a_process_that_runs_itself_anew_is_attached_to() {
    for who in everybody() {
        let place = Place::new();
        let mut target = target(&place, who, "exec_again", "2");
        for _ in 0..8 {
            let tracer = place
                .run(words(&format!("attach -p {} --log=log,trace=execve", target.pid())))
                .who(who)
                .start();
            wait_until("it logs", || place.read("log").contains("execve(") || is_gone(tracer.pid()));
            tracer.signal(Signal::INT);
            tracer.finish().expect(0);
            fs::remove_file(place.path("log")).unwrap();
        }
        drop(target.stdin.take());
        target.finish().expect(6);
    }
}

/// Many attaches and detaches while threads come and go: nobody is lost, nothing is left.
#[test]
fn attach_and_detach_again_and_again() {
    let place = Place::new();
    let line = format!("while :; do {} 40; done; echo ready", place.fixture("thread_storm").display());
    let shell = place.other("sh", ["-c", &format!("echo ready; {line}")]).start();
    let mut shell = shell;
    shell.wait_ready();
    for _ in 0..15 {
        let list = shell.pid().to_string();
        let tracer = place.run(["attach", "-p", &list, "--log=f"]).start();
        wait_until("it logs", || !place.read("f").is_empty());
        tracer.signal(Signal::INT);
        tracer.finish().expect(0);
        fs::remove_file(place.path("f")).unwrap();
        assert_eq!(status_field(shell.pid(), "TracerPid"), "0");
    }
    shell.signal(Signal::KILL);
    shell.finish();
}
