//! `utrace attach --strict`, `-v`, and where the machine refuses something: what is done to which thread, and what is not.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use std::fs;

use common::{
    Live, Place, Ran, Who, everybody, is_root, skip, status_field, wait_blocked_in, wait_until, words,
};
use rustix::process::Signal;

/// `epoll_wait` of x86-64.
const EPOLL_WAIT: u32 = 232;
/// Exit code of "may not be traced" (`utrace --help`).
const NOT_PERMITTED: i32 = 4;

/// A fixture asleep in a call of this number.
fn asleep(place: &Place, who: Who, args: &str, number: u32) -> Live {
    let mut live = place.other(place.fixture("blocked"), words(args)).who(who).start();
    live.wait_ready();
    wait_blocked_in(live.pid(), number);
    live
}

/// What changes when a thread is woken, and where it is.
fn rest(pid: u32) -> (String, String, String) {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    let slices = read("schedstat").split_whitespace().nth(2).unwrap().to_owned();
    (status_field(pid, "voluntary_ctxt_switches"), slices, read("syscall"))
}

/// Behind a filter that refuses perf_event_open(2), as a container has one.
fn without_perf(place: &Place, who: Who, line: &str) -> common::Run {
    let mut all = vec![place.utrace().into_os_string()];
    all.extend(words(line));
    place.other(place.fixture("noperf"), all).who(who)
}

fn until_traced(pid: u32) {
    wait_until("it is traced", || status_field(pid, "TracerPid") != "0");
}

fn leave(tracer: Live) -> Ran {
    tracer.signal(Signal::INT);
    tracer.finish().expect(0)
}

#[test]
fn strict_refuses_where_no_breakpoint_can_be_had_and_touches_nothing() {
    for who in everybody() {
        let place = Place::new();
        let target = asleep(&place, who, "epoll_stdin", EPOLL_WAIT);
        let before = rest(target.pid());
        let ran = without_perf(&place, who, &format!("attach --strict -p {}", target.pid())).go();
        let ran = ran.expect(NOT_PERMITTED);
        for part in ["utrace: ", "not unnoticed", "perf_event_open", "--strict"] {
            assert!(ran.err.contains(part), "no {part:?} in: {}", ran.err);
        }
        assert_eq!(rest(target.pid()), before);
        target.finish().expect(0);
    }
}

#[test]
fn strict_is_no_hindrance_where_breakpoints_can_be_had() {
    for who in everybody() {
        let place = Place::new();
        let mut target = asleep(&place, who, "epoll_stdin", EPOLL_WAIT);
        let before = rest(target.pid());
        let tracer =
            place.run(words(&format!("attach --strict --log=f -p {}", target.pid()))).who(who).start();
        until_traced(target.pid());
        leave(tracer);
        assert_eq!(rest(target.pid()), before, "not even woken");
        drop(target.stdin.take());
        assert_eq!(target.line(), "epoll_stdin=1 errno=0");
        target.finish().expect(0);
    }
}

#[test]
fn verbose_says_what_is_done_to_which_thread() {
    for who in everybody() {
        let place = Place::new();
        let mut target = asleep(&place, who, "epoll_stdin", EPOLL_WAIT);
        let tid = target.pid();
        let tracer = place.run(words(&format!("attach -v --log=f -p {tid}"))).who(who).start();
        until_traced(tid);
        // What was asked for at the attach is served before the wish to leave.
        let ran = leave(tracer);
        let told = format!("thread {tid}: asleep in epoll_wait: left so, to be met at its return");
        assert!(ran.err.contains(&told), "{}", ran.err);
        drop(target.stdin.take());
        target.finish().expect(0);
    }
}

#[test]
fn without_perf_the_ladder_is_walked_down_as_documented() {
    for who in everybody() {
        // A call that begins again by itself is interrupted, one whose time would begin again is waited for.
        for (args, number, told) in [
            (
                "epoll_stdin",
                EPOLL_WAIT,
                "asleep in epoll_wait: interrupted, goes on by itself (no breakpoint:",
            ),
            ("epoll 604800000", EPOLL_WAIT, "left alone until it can be stopped unnoticed (no breakpoint:"),
        ] {
            let place = Place::new();
            let mut target = asleep(&place, who, args, number);
            let line = format!("attach -v --log=f -p {}", target.pid());
            let tracer = without_perf(&place, who, &line).start();
            until_traced(target.pid());
            let ran = leave(tracer);
            assert!(ran.err.contains(told), "{}", ran.err);
            if args == "epoll_stdin" {
                drop(target.stdin.take());
                assert_eq!(target.line(), "epoll_stdin=1 errno=0");
                target.finish().expect(0);
            } else {
                target.signal(Signal::TERM);
                assert_eq!(target.finish().code(), 1015);
            }
        }
    }
}

/// ^C does not wait for whoever sleeps, and does not wake it.
#[test]
fn ctrl_c_leaves_a_sleeper_for_a_week_asleep() {
    for who in everybody() {
        let place = Place::new();
        let mut target = place.other(place.fixture("blocked"), words("nanosleep 604800000")).who(who).start();
        target.wait_ready();
        wait_until("it sleeps", || {
            fs::read_to_string(format!("/proc/{}/syscall", target.pid()))
                .is_ok_and(|call| call.starts_with("230 "))
        });
        let before = rest(target.pid());
        let tracer = place.run(words(&format!("attach --log=f -p {}", target.pid()))).who(who).start();
        until_traced(target.pid());
        leave(tracer);
        assert_eq!(status_field(target.pid(), "TracerPid"), "0");
        assert_eq!(rest(target.pid()), before, "it sleeps the sleep that it slept, to the same moment");
        target.signal(Signal::TERM);
        assert_eq!(target.finish().code(), 1015);
    }
}

#[test]
fn without_proc_the_reason_is_told() {
    if !is_root() {
        return skip("only root can hide /proc");
    }
    let place = Place::new();
    let mut target = asleep(&place, Who::Me, "epoll_stdin", EPOLL_WAIT);
    let before = rest(target.pid());
    let mut line = vec!["none".into(), place.utrace().into_os_string()];
    line.extend(words(&format!("attach -p {}", target.pid())));
    let ran = place.other(place.fixture("noproc"), line).go();
    assert_ne!(ran.code(), 0);
    assert!(ran.err.contains("/proc"), "{}", ran.err);
    assert_eq!(rest(target.pid()), before);
    drop(target.stdin.take());
    target.finish().expect(0);
}

/// hidepid=2 shows an ordinary user own processes only: that is enough for these.
#[test]
fn a_hidden_proc_is_enough_for_own_processes() {
    if !is_root() {
        return skip("only root can hide /proc");
    }
    let place = Place::new();
    let mut target = asleep(&place, Who::Nobody, "epoll_stdin", EPOLL_WAIT);
    let before = rest(target.pid());
    let mut line = words("hidden 65534");
    line.push(place.utrace().into_os_string());
    line.extend(words(&format!("attach --strict --log=f -p {}", target.pid())));
    let tracer = place.other(place.fixture("noproc"), line).start();
    until_traced(target.pid());
    leave(tracer);
    assert_eq!(rest(target.pid()), before);
    drop(target.stdin.take());
    assert_eq!(target.line(), "epoll_stdin=1 errno=0");
    target.finish().expect(0);
}
