//! As an ordinary user, and when the tracer is killed: this test program runs itself again in another role.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command as Std, Stdio};

use common::Log;
use utrace_core::{Event, EventSet, Interest};
use utrace_host::{AfterTracer, Command, CoreDump, Ending, Host, HostError, Refusal, Tid};

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// This program, where every user can run it. Copied by another process: a writable descriptor of ours could be
/// inherited by a child that another test forks just then, and the copy would be "busy".
fn ourselves(purpose: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("utrace-host-{purpose}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let copy = folder.join("test");
    assert!(Std::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy).status().unwrap().success());
    copy
}

fn role(program: &PathBuf, role: &str) -> Std {
    let mut command = Std::new(program);
    command.args(["--exact", role, "--ignored", "--nocapture"]).current_dir("/");
    command
}

fn tid_of(child: &Child) -> Tid {
    Tid::new(child.id().cast_signed()).unwrap()
}

#[test]
fn an_ordinary_user_traces_own_programs() {
    let program = ourselves("user");
    let mut command = role(&program, "role_ordinary_user");
    if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        command.uid(NOBODY).gid(NOBODY);
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    std::fs::remove_dir_all(program.parent().unwrap()).unwrap();
}

#[test]
#[ignore = "a role of an_ordinary_user_traces_own_programs"]
fn role_ordinary_user() {
    let log = Log::default();
    let host = Host::start().unwrap();
    // With a filter, which needs no_new_privs here, and without.
    for (syscalls, whole) in [([63].into_iter().collect(), false), (utrace_core::SyscallSet::ALL, true)] {
        let interest = Interest::in_syscalls(syscalls) | Event::Clone;
        let command = Command::new("sh").args(["-c", "uname; exit 3"]);
        let process = host.launch(&command, log.adopter(interest)).unwrap();
        assert_eq!(process.wait(), Ok(Ending::Exited(3)));
        assert_eq!(log.count("entry execve") > 0, whole);
    }
    assert_eq!(log.count("entry uname"), 2, "{:#?}", log.lines());
    // One's own, and somebody else's.
    let mut own = Std::new("sleep").arg("1000").spawn().unwrap();
    host.attach(tid_of(&own), log.adopter(Interest::in_events(EventSet::ALL))).unwrap();
    let first = Tid::new(1).unwrap();
    let error = host.attach(first, |_| ()).unwrap_err();
    assert_eq!(error, HostError::NotPermitted(first, Refusal::OtherUser(0)));
    host.shutdown();
    own.kill().unwrap();
    own.wait().unwrap();
}

#[test]
fn when_the_tracer_is_killed_trees_die_or_live_as_asked_and_guests_live() {
    let program = ourselves("tracer");
    let mut guest = Std::new("sleep").arg("1000").spawn().unwrap();
    let mut tracer = role(&program, "role_tracer")
        .env("UTRACE_GUEST", guest.id().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pids = Vec::new();
    for line in BufReader::new(tracer.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line == "ready" {
            break;
        }
        pids.extend(line.strip_prefix("pid ").and_then(|pid| pid.parse::<i32>().ok()));
    }
    let [dies, lives] = pids[..] else { panic!("{pids:?}") };
    let state = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let traced_by =
        |pid: i32| state(pid).lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"));
    let guest_pid = guest.id().cast_signed();
    assert!(traced_by(dies) && traced_by(lives) && traced_by(guest_pid));
    tracer.kill().unwrap();
    tracer.wait().unwrap();
    let over = |pid: i32| state(pid).is_empty() || state(pid).contains("State:\tZ");
    while !over(dies) || traced_by(lives) || traced_by(guest_pid) {
        std::thread::yield_now();
    }
    assert!(!over(lives) && !over(guest_pid));
    Std::new("kill").arg(lives.to_string()).status().unwrap();
    assert!(guest.try_wait().unwrap().is_none());
    guest.kill().unwrap();
    guest.wait().unwrap();
    std::fs::remove_dir_all(program.parent().unwrap()).unwrap();
}

#[test]
#[ignore = "a role of when_the_tracer_is_killed_trees_die_or_live_as_asked_and_guests_live"]
fn role_tracer() {
    let host = Host::start().unwrap();
    let everything = || Log::default().adopter(Interest::in_events(EventSet::ALL));
    let sleep = Command::new("sleep").args(["1000"]);
    for after in [AfterTracer::Dies, AfterTracer::LivesOn] {
        let process = host.launch(&sleep.clone().after_tracer(after), everything()).unwrap();
        println!("pid {}", process.pid());
    }
    let guest = std::env::var("UTRACE_GUEST").unwrap().parse().ok().and_then(Tid::new).unwrap();
    host.attach(guest, everything()).unwrap();
    println!("ready");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_killed_doorbell_is_replaced() {
    let host = Host::start().unwrap();
    let launch = || host.launch(&Command::new("true"), |_| ()).and_then(|process| process.wait());
    assert_eq!(launch(), Ok(Ending::Exited(0)));
    let ours = std::process::id().to_string();
    let out = Std::new("ps").args(["-o", "pid=,comm=", "--ppid", &ours]).output().unwrap();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        // Those of hosts of tests beside this one are replaced too.
        if let Some(pid) = line.trim().strip_suffix(" utrace-doorbell") {
            Std::new("kill").args(["-9", pid.trim()]).status().unwrap();
        }
    }
    assert_eq!(launch(), Ok(Ending::Exited(0)));
    let killed = host.launch(&Command::new("sh").args(["-c", "kill -9 $$"]), |_| ());
    assert_eq!(killed.and_then(|process| process.wait()), Ok(Ending::Killed(9, CoreDump::No)));
}
