//! ptrace(2) inside a tree under `utrace run --ptrace`: rules of ptrace(2) and wait(2) as small programs, which must
//! print the same natively and under us, and the tools that everybody uses, unmodified.
//!
//! The rules are the functions of `testkit/fixtures/vptrace_*.c`.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::normal::{assert_same, streams};
use common::{Place, Run, words};

/// Rules that are not kept yet, each with the reason. A rule of this list that is kept fails the test: take it out.
const KNOWN: &[(&str, &str)] = &[
    ("group_stop_of_a_seized_task", "the host listens for its end, and registers are out of reach meanwhile"),
    ("group_stop_of_a_traceme_task", "the host cannot let one thread run out of a group stop"),
];

/// Runs each rule of a fixture natively and under us.
#[track_caller]
fn rules(fixture: &str) {
    let place = Place::new();
    let program = place.fixture(fixture);
    let program = program.to_str().unwrap();
    let names = Run::new(program).go().expect(0).out;
    let mut wrong = Vec::new();
    for name in names.lines() {
        let want = place.other(program, [name]).go();
        let got = place.run(["run", "--ptrace", "--", program, name]).go();
        let same = (want.status, &want.out) == (got.status, &got.out);
        let known = KNOWN.iter().find(|(rule, _)| *rule == name);
        match (same, known) {
            (true, None) | (false, Some(_)) => {}
            (true, Some((rule, why))) => wrong.push(format!("{rule} is kept now, although: {why}")),
            (false, None) => wrong.push(format!(
                "=== {name}: native {}\n{}--- under us {}\n{}{}",
                want.status, want.out, got.status, got.out, got.err
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn stops() {
    rules("vptrace_stops");
}

#[test]
fn waits() {
    rules("vptrace_waits");
}

#[test]
fn requests() {
    rules("vptrace_requests");
}

#[test]
fn strace_writes_the_log_that_it_always_writes() {
    let place = Place::new();
    // One process after the other: where lines of two at once fall is chance.
    let script = "cat /dev/null; (exit 3); ls /dev/null; (ls /dev/null); exec ls /dev/null";
    let args = |name: &str| words(&format!("-f -o {} -- sh -c", place.path(name).display()));
    let bare = place.other("strace", args("bare")).args([script]).go().expect(0);
    let ours = place.run(words("run --ptrace -- strace")).args(args("ours")).args([script]).go().expect(0);
    assert_eq!(bare.out.lines().count(), ours.out.lines().count());
    assert_same(&streams(&place.read("bare")), &streams(&place.read("ours")));
}
