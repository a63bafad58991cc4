//! Attaching to what runs already, and leaving it as it was.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

mod common;
#[path = "common/guest.rs"]
mod guest;

use std::io::Write as _;
use std::process::Command as Std;
use std::time::{Duration, Instant};

use common::Log;
use guest::Guest;
use std::sync::mpsc::{Sender, channel};
use utrace_core::{Action, CloneReport, Cx, Engine, Event, EventSet, ExecReport, Interest, SyscallSet, Task};
use utrace_host::{Command, Ending, Host, HostError, Tid};

fn tracer_of(pid: Tid) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find(|line| line.starts_with("TracerPid")).unwrap().to_owned()
}

#[test]
fn a_blocked_read_goes_on_when_we_come_and_when_we_go() {
    let guest = Guest::new("blocked", &["read"]);
    let log = Log::default();
    let host = Host::start().unwrap();
    let process = host.attach(guest.pid, log.adopter(Interest::in_events(EventSet::SYSCALL))).unwrap();
    assert_eq!(host.attach(guest.pid, |_| ()).unwrap_err(), HostError::AlreadyOurs(guest.pid));
    host.shutdown();
    assert_eq!(process.wait(), Ok(Ending::Left));
    assert_eq!(guest.finish(), ("read=0 errno=0\n".into(), "status 0".into()));
}

#[test]
fn every_blocking_call_survives_a_visit() {
    for (kind, slow) in [("epoll_stdin", false), ("poll", false), ("epoll", true)] {
        let args: &[&str] = if slow { &["epoll", "300"] } else { &[kind] };
        let native = Guest::new("blocked", args).finish();
        let guest = Guest::new("blocked", args);
        let host = Host::start().unwrap();
        let everything = Interest::in_events(EventSet::ALL);
        host.attach(guest.pid, Log::default().adopter(everything)).unwrap();
        host.shutdown();
        assert_eq!(guest.finish(), native, "{kind}");
    }
}

#[test]
fn a_thousand_threads_are_attached_and_left() {
    let mut guest = Guest::new("threads_parked", &["1000"]);
    let log = Log::default();
    let host = Host::start().unwrap();
    let before = Instant::now();
    let process = host.attach(guest.pid, log.adopter(Interest::from(Event::Exit))).unwrap();
    println!("attached to {} threads in {:?}", process.tasks().len(), before.elapsed());
    assert!(process.tasks().len() >= 1001, "{}", process.tasks().len());
    drop(guest.shell.stdin.take());
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert!(log.lines().iter().filter(|line| line.starts_with("exiting")).count() >= 1001);
    // The status was ours to see first, and its parent's all the same.
    assert_eq!(guest.finish().1, "status 0");
}

#[test]
fn threads_made_during_the_attach_are_not_missed() {
    for _ in 0..5 {
        let guest = Guest::new("thread_storm", &["3000"]);
        let log = Log::default();
        let host = Host::start().unwrap();
        let interest = Interest::from(Event::Clone | Event::Death);
        match host.attach(guest.pid, log.adopter(interest)) {
            Ok(process) => {
                let came = process.tasks().len();
                assert_eq!(process.wait(), Ok(Ending::Exited(0)));
                host.wait_idle();
                assert_eq!(log.count("death 0"), came + log.count("clone Thread"));
            }
            // It was over before we came.
            Err(error) => {
                assert!(matches!(error, HostError::NoSuchProcess(_) | HostError::Zombie(_)), "{error}");
            }
        }
        assert_eq!(guest.finish().1, "status 0");
    }
}

#[test]
fn each_refusal_says_why() {
    let host = Host::start().unwrap();
    let attach = |pid: i32| host.attach(Tid::new(pid).unwrap(), |_| ()).map(|process| process.pid());
    assert_eq!(attach(i32::MAX), Err(HostError::NoSuchProcess(Tid::new(i32::MAX).unwrap())));
    assert_eq!(attach(std::process::id().cast_signed()), Err(HostError::SelfAttach));
    assert_eq!(attach(2), Err(HostError::KernelThread(Tid::new(2).unwrap())));
    let mut gone = Std::new("true").spawn().unwrap();
    let pid = Tid::new(gone.id().cast_signed()).unwrap();
    // Its end shows as state Z before we collect it.
    while !std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
    assert_eq!(attach(pid.raw()), Err(HostError::Zombie(pid)));
    gone.wait().unwrap();
}

#[test]
fn another_tracer_is_named() {
    let guest = Guest::new("blocked", &["read"]);
    let pid = guest.pid;
    let other = Host::start().unwrap();
    other.attach(pid, |_| ()).unwrap();
    let error = Host::start().unwrap().attach(pid, |_| ()).unwrap_err();
    let HostError::AlreadyTraced { tracer, .. } = error else { panic!("{error}") };
    assert_eq!(tracer.raw(), std::process::id().cast_signed());
    other.shutdown();
    assert_eq!(guest.finish().1, "status 0");
}

#[test]
fn nothing_is_left_on_a_process_that_we_left() {
    let guest = Guest::new("blocked", &["read"]);
    let pid = guest.pid;
    let host = Host::start().unwrap();
    host.attach(pid, Log::default().adopter(Interest::in_events(EventSet::ALL))).unwrap();
    host.shutdown();
    assert_eq!(tracer_of(pid), "TracerPid:\t0");
    assert_eq!(guest.finish().1, "status 0");
}

#[test]
fn a_launch_and_an_attach_share_a_host() {
    let mut guest = Guest::new("blocked", &["read"]);
    let log = Log::default();
    let host = Host::start().unwrap();
    let read = Interest::in_syscalls([0].into_iter().collect::<SyscallSet>());
    let attached = host.attach(guest.pid, log.adopter(read)).unwrap();
    let launched = host.launch(&Command::new("true"), log.adopter(read)).unwrap();
    assert_eq!(launched.wait(), Ok(Ending::Exited(0)));
    guest.shell.stdin.take().unwrap().write_all(b"x").unwrap();
    assert_eq!(attached.wait(), Ok(Ending::Exited(0)));
    assert_eq!(guest.finish().1, "status 0");
}

#[test]
fn a_stopped_process_is_still_stopped_after_a_visit() {
    let guest = Guest::new("stop_self", &["19"]);
    let pid = guest.pid;
    let is = |state: &str| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(&format!(") {state} "))
    };
    while !is("T") {
        std::thread::yield_now();
    }
    let log = Log::default();
    let host = Host::start().unwrap();
    host.attach(pid, log.adopter(Interest::from(Event::Jctl))).unwrap();
    while log.count("jctl Stopped 19") == 0 {
        std::thread::yield_now();
    }
    host.shutdown();
    // The thread itself goes back into the stop, as soon as it is scheduled: "t" until then, or for a moment "R".
    let limit = Instant::now() + Duration::from_secs(20);
    while !(tracer_of(pid) == "TracerPid:\t0" && is("T")) {
        assert!(Instant::now() < limit, "the stop is the program's and stays");
        std::thread::yield_now();
    }
    assert!(Std::new("kill").args(["-CONT", &pid.to_string()]).status().unwrap().success());
    assert_eq!(guest.finish().1, "status 8");
}

/// Tells each new program of its thread, and follows new threads.
#[derive(Clone)]
struct Programs(Sender<u32>);

impl Programs {
    fn follow(&self, task: &Task) {
        let interest = Interest::in_events(EventSet::from(Event::Exec) | Event::Clone);
        let _ = task.attach_for(interest, self.clone());
    }
}

impl Engine for Programs {
    fn name(&self) -> &str {
        "programs"
    }
    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        self.follow(&clone.child);
        Action::Resume
    }
    fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        let _ = self.0.send(cx.task().id().0);
        Action::Resume
    }
}

/// PTRACE_SEIZE of a thread that is about to run a new program waits until it does, and by then that thread has the number of
/// its process: taken for traced under its old number, its stops would be nobody's.
#[test]
fn a_process_that_runs_itself_anew_meanwhile_is_traced_from_then_on() {
    let mut guest = Guest::new("exec_again", &["2"]);
    for visit in 0..60 {
        let host = Host::start().unwrap();
        let (tell, told) = channel();
        let programs = Programs(tell);
        let attached = loop {
            let programs = programs.clone();
            match host.attach(guest.pid, move |task| programs.follow(task)) {
                Ok(process) => break process,
                // All its threads were going, or it was in between.
                Err(HostError::NoSuchProcess(_) | HostError::Zombie(_)) => {}
                Err(error) => panic!("visit {visit}: {error}"),
            }
        };
        drop(programs);
        assert_eq!(
            told.recv_timeout(Duration::from_secs(100)),
            Ok(guest.pid.raw().cast_unsigned()),
            "visit {visit}"
        );
        host.shutdown();
        assert_eq!(attached.wait(), Ok(Ending::Left));
    }
    drop(guest.shell.stdin.take());
    assert_eq!(guest.finish().1, "status 6");
}
