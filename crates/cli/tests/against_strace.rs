//! Line by line against the strace that is installed: same lines, same order in each process.

mod common;

use std::process::Command;

use common::normal::{assert_same, streams};
use common::{Place, words};

/// Runs one command line under both, each logging to a file with a pid before every line.
#[track_caller]
fn same(place: &Place, strace: &str, ours: &str, program: &[&str]) {
    let (theirs, mine) = (place.path("theirs"), place.path("ours"));
    let mut args = words(&format!("-f -o {} {strace} --", theirs.display()));
    args.extend(program.iter().map(Into::into));
    let want = place.other("strace", &args).input("one\ntwo\n").go();
    let mut args = words(&format!("run --log={}{ours} --", mine.display()));
    args.extend(program.iter().map(Into::into));
    let got = place.run(&args).input("one\ntwo\n").go();
    assert_eq!((want.status, want.out), (got.status, got.out), "{}", got.err);
    let (theirs, mine) = (place.read("theirs"), place.read("ours"));
    // strace writes the pid before every line if it ever followed anybody; so do we.
    assert_same(&streams(&theirs), &streams(&mine));
}

fn here() -> Place {
    let place = Place::new();
    place.write("a", "some text\nand more\n");
    place.write("b", "other\n");
    place
}

#[test]
fn strace_is_of_the_version_that_was_compared() {
    let out = Command::new("strace").arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !text.contains("version 6.1") {
        common::skip("the lines below were made equal to strace 6.1's; others differ in details");
    }
}

#[test]
fn ls() {
    same(&here(), "", "", &["ls", "-l", "."]);
}

#[test]
fn cat_and_grep() {
    same(&here(), "", "", &["cat", "a", "b", "missing"]);
    same(&here(), "", "", &["grep", "-n", "more", "a"]);
}

#[test]
fn cp_mv_rm() {
    same(&here(), "", "", &["cp", "a", "c"]);
    same(&here(), "", "", &["mv", "-f", "b", "b2"]);
    same(&here(), "", "", &["mkdir", "-p", "d/e/f"]);
}

#[test]
fn shell() {
    same(&here(), "", "", &["sh", "-c", "read x; echo $x; cat a > c; test -e nowhere || exit 3"]);
}

#[test]
fn shell_with_children() {
    same(&here(), "", "", &["sh", "-c", "cat a; (exit 2); echo $?; kill -USR1 $$"]);
}

#[test]
fn signals_and_stops() {
    let place = here();
    let fixture = place.fixture("stop_cont");
    same(&place, "", "", &[fixture.to_str().unwrap()]);
    let fixture = place.fixture("die");
    same(&place, "", "", &[fixture.to_str().unwrap(), "kill", "11"]);
    same(&place, "", "", &[fixture.to_str().unwrap(), "kill", "34"]);
}

#[test]
fn unreadable_arguments() {
    let place = here();
    let fixture = place.fixture("bad_pointers");
    same(&place, "", "", &[fixture.to_str().unwrap()]);
}

#[test]
fn processes_and_threads() {
    let place = here();
    for fixture in ["vfork_exec", "clone3_child", "seccomped", "leader_exit"] {
        let fixture = place.fixture(fixture);
        same(&place, "", "", &[fixture.to_str().unwrap()]);
    }
}

#[test]
fn python() {
    same(
        &here(),
        "",
        "",
        &["python3", "-S", "-c", "import os, socket; print(open('a').read()); os.stat('b')"],
    );
}

#[test]
fn trace_sets() {
    for set in [
        "%file",
        "%desc",
        "openat,close",
        "!mmap,mprotect",
        "/^(open|stat)",
        "%process",
        "%memory",
        "%net",
        "none",
    ] {
        same(&here(), &format!("-e trace={set}"), &format!(",trace={set}"), &["ls", "-l", "."]);
    }
}

#[test]
fn string_lengths_and_descriptors() {
    same(&here(), "-s 5", ",s=5", &["cat", "a"]);
    same(&here(), "-y", ",y", &["cat", "a"]);
}
