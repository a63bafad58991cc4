//! A program under `utrace run` behaves, and ends, as without it: status, signals, streams, what it inherits.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::{Place, everybody, is_root, skip, words};
use rustix::process::Signal;

#[test]
fn exit_status_is_the_programs() {
    let place = Place::new();
    let die = place.fixture("die");
    for who in everybody() {
        for status in [0, 1, 2, 125, 127, 255] {
            let line = format!("run --log=/dev/null -- {} exit {status}", die.display());
            place.run(words(&line)).who(who).go().expect(status);
        }
    }
}

#[test]
fn death_by_a_signal_is_the_programs() {
    let place = Place::new();
    let die = place.fixture("die");
    for who in everybody() {
        for signal in [1, 2, 3, 6, 8, 9, 11, 13, 14, 15, 16, 24, 30, 31, 34, 64] {
            let line = format!("run --log=/dev/null -- {} kill {signal}", die.display());
            let ran = place.run(words(&line)).who(who).go();
            assert_eq!(ran.code(), 1000 + signal, "{who:?} {}", ran.err);
        }
    }
}

#[test]
fn no_second_core_is_dumped() {
    let place = Place::new();
    if !is_root() || !core_pattern_is_a_file() {
        return skip("core files go elsewhere here");
    }
    let line = format!(
        "ulimit -c unlimited; {} run --log=/dev/null -- {} kill 6; exit $?",
        place.utrace().display(),
        place.fixture("die").display()
    );
    let ran = place.other("bash", ["-c", &line]).go();
    assert_eq!(ran.code(), 128 + 6);
    let cores = std::fs::read_dir(place.path(".")).unwrap();
    let cores =
        cores.filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with("core")).count();
    assert_eq!(cores, 1, "the program's own, and no other");
}

fn core_pattern_is_a_file() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/core_pattern").is_ok_and(|p| p.trim() == "core")
}

#[test]
fn streams_go_through() {
    let place = Place::new();
    for who in everybody() {
        let ran = place.run(words("run --log=/dev/null -- cat")).who(who).input("some\ntext").go().expect(0);
        assert_eq!(ran.out, "some\ntext");
        let ran =
            place.run(["run", "--log=/dev/null", "--", "sh", "-c", "echo out; echo err >&2"]).who(who).go();
        let ran = ran.expect(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("out\n", "err\n"));
    }
}

/// Ignored and blocked signals, limits, descriptors, session: all as the caller's.
#[test]
fn the_program_inherits_what_it_would_without() {
    let place = Place::new();
    let fixture = place.fixture("sigstate");
    for prefix in ["", "trap '' HUP QUIT; ", "exec 7</dev/null; ulimit -n 500; ulimit -c 0; "] {
        let line = |tracer: &str| format!("{prefix}{tracer}{}; :", fixture.display());
        let plain = place.other("bash", ["-c", &line("")]).go().expect(0).out;
        for flags in ["run --keep --log=/dev/null -- ", "run --keep --stats=s,trace=getppid --log=f -- "] {
            let tracer = format!("{} {flags}", place.utrace().display());
            let traced = place.other("bash", ["-c", &line(&tracer)]).go().expect(0).out;
            assert_eq!(without_nptl(&plain), without_nptl(&traced), "{prefix}{flags}");
        }
    }
}

/// Without the signals 32 and 33 in the first word: the C library of any threaded parent takes these for itself.
fn without_nptl(state: &str) -> String {
    let line = |line: &str| match line.strip_prefix("SigIgn:\t").map(|w| u64::from_str_radix(w, 16).unwrap())
    {
        Some(word) => format!("SigIgn {:x}", word & !(3 << 31)),
        None => line.to_owned(),
    };
    state.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn environment_can_be_changed() {
    let place = Place::new();
    let line = "run --log=/dev/null -E ADDED=x=y -E HOME --env=LC_ALL=POSIX -- sh -c";
    let mut args = words(line);
    args.push("echo $ADDED ${HOME-none} $LC_ALL".into());
    assert_eq!(place.run(args).go().expect(0).out, "x=y none POSIX\n");
}

#[test]
fn root_can_run_it_as_another_user() {
    if !is_root() {
        return skip("not root");
    }
    let place = Place::new();
    let line = format!("run --log=/dev/null -u nobody -- {}", place.fixture("ids").display());
    let out = place.run(words(&line)).go().expect(0).out;
    assert!(out.starts_with("65534 65534"), "{out}");
    let ran = place.run(words("run -u no-such-user -- true")).go().expect(125);
    assert!(ran.err.contains("utrace: ") && ran.err.contains("no-such-user"), "{}", ran.err);
}

#[test]
fn signals_sent_to_utrace_reach_the_program() {
    let place = Place::new();
    let fixture = place.fixture("term_handler");
    for who in everybody() {
        for signal in [Signal::TERM, Signal::HUP, Signal::USR1, Signal::INT, Signal::QUIT] {
            let line = format!("run --log=/dev/null -- {}", fixture.display());
            let mut live = place.run(words(&line)).who(who).start();
            live.wait_ready();
            live.signal(signal);
            live.finish().expect(10 + signal.as_raw());
        }
    }
}

#[test]
fn a_signal_that_kills_the_program_kills_utrace() {
    let place = Place::new();
    let line = format!("run --log=f -- {}", place.fixture("spin").display());
    let mut live = place.run(words(&line)).start();
    live.wait_ready();
    live.signal(Signal::TERM);
    assert_eq!(live.finish().code(), 1000 + 15);
    let log = place.read("f");
    assert!(log.contains("--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER"), "{log}");
    assert!(log.ends_with("+++ killed by SIGTERM +++\n"), "{log}");
}

/// SIGKILL to the tracer: the launched tree dies too.
#[test]
fn a_launched_tree_dies_with_utrace() {
    let place = Place::new();
    let line = format!("run --stats=/dev/null -- {}", place.fixture("fork_bomb").display());
    let mut args = words(&line);
    args.extend(["20".into(), "hold".into()]);
    let mut live = place.run(args).start();
    live.wait_ready();
    let tree = common::children(live.pid());
    assert!(!tree.is_empty());
    live.signal(Signal::KILL);
    for pid in tree {
        common::wait_until("the tree is dead", || common::is_gone(pid));
    }
    assert_eq!(live.finish().code(), 1009);
}

/// With --keep it lives on, and no syscall of it fails.
#[test]
fn a_kept_tree_outlives_utrace() {
    let place = Place::new();
    let line = format!(
        "run --keep --log=/dev/null,trace=openat -- {} epoll_stdin",
        place.fixture("blocked").display()
    );
    let mut live = place.run(words(&line)).start();
    live.wait_ready();
    let tree = common::children(live.pid());
    let pid = tree[0];
    common::wait_blocked_in(pid, 232);
    live.signal(Signal::KILL);
    common::wait_until("it is untraced", || common::status_field(pid, "TracerPid") == "0");
    drop(live.stdin.take());
    assert_eq!(live.line(), "epoll_stdin=1 errno=0");
    live.finish();
}

/// Blocked calls of a traced program are not disturbed by tracing as such.
#[test]
fn blocking_calls_end_as_without() {
    let place = Place::new();
    for (fixture, want) in [
        ("signals", "restart=ok eintr=ok handled=2\n"),
        ("ignored_signal", "epoll_wait=0 errno=0\n"),
        ("stop_cont", "stopped, continued, exited 3\n"),
    ] {
        for flags in
            ["--log=f", "--stats=/dev/null,trace=getppid --keep", "--log=f --log=g --stats=/dev/null"]
        {
            let line = format!("run {flags} -- {}", place.fixture(fixture).display());
            let ran = place.run(words(&line)).go().expect(0);
            assert_eq!(ran.out, want, "{fixture} {flags}");
        }
    }
}
