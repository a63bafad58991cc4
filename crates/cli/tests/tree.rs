//! Every process and thread of a launched tree is followed, whatever way it came to be.

mod common;

use common::{Place, everybody, is_root, skip, words};
use utrace_testkit::fixtures;

/// Runs a fixture under `--log=f` and answers the log.
fn logged(place: &Place, fixture: &str, args: &str, flags: &str, code: i32) -> String {
    let line = format!("run --log=f{flags} -- {} {args}", place.fixture(fixture).display());
    place.run(words(&line)).go().expect(code);
    place.read("f")
}

/// How many processes and threads said good-bye in a log.
fn exits(log: &str) -> usize {
    log.lines().filter(|l| l.contains("+++ exited with") || l.contains("+++ killed by")).count()
}

#[test]
fn forks_are_followed() {
    let place = Place::new();
    for who in everybody() {
        let line = format!("run --log=f-{who:?} -- {} 3 2", place.fixture("fork_tree").display());
        place.run(words(&line)).who(who).go().expect(0);
        assert_eq!(exits(&place.read(&format!("f-{who:?}"))), 1 + 2 + 4 + 8, "{who:?}");
    }
}

#[test]
fn vfork_clone3_and_threads_are_followed() {
    let place = Place::new();
    let log = logged(&place, "vfork_exec", "", "", 0);
    assert_eq!(log.matches("execve(").count(), 2, "{log}");
    assert_eq!(exits(&log), 2);
    assert!(log.contains("+++ exited with 5 +++"));
    let log = logged(&place, "clone3_child", "", "", 0);
    assert!(log.contains("+++ exited with 7 +++"), "{log}");
    let log = logged(&place, "thread_storm", "500", ",trace=getppid", 0);
    assert_eq!(log.matches("getppid(").count(), 500);
    assert_eq!(exits(&log), 501);
}

#[test]
fn exec_by_a_thread_that_is_not_the_leader() {
    let place = Place::new();
    for _ in 0..5 {
        let log = logged(&place, "exec_nonleader", "", "", 6);
        assert!(log.ends_with("+++ exited with 6 +++\n"), "{log}");
        assert!(log.contains("superseded by execve in pid"), "{log}");
    }
}

#[test]
fn exit_group_ends_threads_that_run() {
    let place = Place::new();
    for args in ["", "other"] {
        let log = logged(&place, "exit_group_threads", args, ",trace=exit_group", 5);
        assert!(log.ends_with("+++ exited with 5 +++\n"), "{log}");
    }
}

#[test]
fn a_leader_may_leave_first() {
    let place = Place::new();
    let log = logged(&place, "leader_exit", "", "", 4);
    assert!(log.contains("+++ exited with 4 +++"), "{log}");
}

#[test]
fn daemons_are_followed_to_their_end() {
    let place = Place::new();
    let line = format!("run --log=f -- {}", place.fixture("daemon").display());
    let ran = place.run(words(&line)).go().expect(2);
    assert_eq!(ran.out, "daemon\n", "utrace waits for the whole tree, as strace does");
    let log = place.read("f");
    assert_eq!(exits(&log), 3, "{log}");
}

#[test]
fn sigkill_at_any_moment() {
    let place = Place::new();
    for seed in 1..=3 {
        let line =
            format!("run --log=f --stats=/dev/null -- {} 30 {seed}", place.fixture("kill_storm").display());
        let ran = place.run(words(&line)).go().expect(0);
        assert_eq!(ran.out, "all killed\n");
        assert_eq!(ran.err, "");
    }
}

#[test]
fn a_bounded_fork_bomb() {
    let place = Place::new();
    let log = logged(&place, "fork_bomb", "500", ",trace=none", 0);
    assert_eq!(exits(&log), 500);
}

#[test]
fn unreadable_arguments_are_printed() {
    let place = Place::new();
    let log = logged(&place, "bad_pointers", "", "", 0);
    assert!(log.contains("openat(AT_FDCWD, 0x8, O_RDONLY)"), "{log}");
    assert!(log.contains("execve(0x8, 0x8, 0x8)"), "{log}");
    assert!(log.contains("syscall_0x1869f(0x1, 0x2, 0x3"), "an unknown number: {log}");
}

#[test]
fn a_program_may_close_everything() {
    let place = Place::new();
    let log = logged(&place, "close_fds", "", "", 3);
    assert_eq!(log.matches("getppid()").count(), 100);
    let line = format!("run -- {}", place.fixture("close_fds").display());
    let ran = place.run(words(&line)).go().expect(3);
    assert!(ran.err.ends_with("+++ exited with 3 +++\n"));
}

#[test]
fn no_new_privs_and_a_seccomp_filter_of_its_own() {
    let place = Place::new();
    for who in everybody() {
        for flags in ["--log=/dev/null", "--stats=/dev/null,trace=openat", "--log=/dev/null,trace=getppid"] {
            let line = format!("run {flags} -- {}", place.fixture("seccomped").display());
            let ran = place.run(words(&line)).who(who).go().expect(0);
            assert_eq!(ran.out, "getppid=-1 errno=1\n", "{who:?} {flags}");
        }
    }
}

#[test]
fn clone_untraced_works_behind_a_filter() {
    let place = Place::new();
    for who in everybody() {
        for flags in
            ["--log=/dev/null", "--log=/dev/null,trace=getppid", "--keep --log=/dev/null,trace=getppid"]
        {
            let line = format!("run {flags} -- {}", place.fixture("clone_untraced").display());
            let ran = place.run(words(&line)).who(who).go();
            ran.expect(0);
        }
    }
}

#[test]
fn a_setuid_program_runs_without_its_privilege() {
    if !is_root() {
        return skip("only root can make a setuid program");
    }
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let ids = place.fixture("ids");
    std::fs::set_permissions(&ids, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let line = format!("run --log=/dev/null -- {}", ids.display());
    // execve(2): the bits are not honoured under ptrace by somebody without the privilege.
    let out = place.run(words(&line)).who(common::Who::Nobody).go().expect(0).out;
    assert!(out.starts_with("65534 65534"), "{out}");
}

#[test]
fn a_32_bit_program() {
    let place = Place::new();
    if let Err(why) = fixtures::try_build("i386") {
        return skip(&why);
    }
    for flags in ["", ",trace=getpid,write", ",trace=%desc"] {
        let line = format!("run --log=f{flags} --stats=s -- {}", place.fixture("i386").display());
        let ran = place.run(words(&line)).go().expect(3);
        assert_eq!(ran.out, "32\n", "{flags}");
        let log = place.read("f");
        assert!(log.contains("write(1, \"32\\n\", 3)"), "{flags}: {log}");
        assert!(!log.contains("link("), "64-bit names on 32-bit numbers: {log}");
    }
}
