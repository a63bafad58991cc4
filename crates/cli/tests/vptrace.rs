//! ptrace(2) inside a tree under `utrace run --ptrace`: rules of ptrace(2) and wait(2) as small programs, which must
//! print the same natively and under us, and the tools that everybody uses, unmodified.
//!
//! The rules are the functions of `testkit/fixtures/vptrace_*.c`.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::normal::{assert_same, streams};
use common::{Place, Run, there, words};
use utrace_testkit::fixtures;

/// Rules that are not kept yet, each with the reason. A rule of this list that is kept fails the test: take it out.
const KNOWN: &[(&str, &str)] = &[];

/// Runs each rule of a fixture natively and under us.
#[track_caller]
fn rules(fixture: &str) {
    rules_through(fixture, |place, program, name| place.run(["run", "--ptrace", "--", program, name]));
}

#[track_caller]
fn rules_through(fixture: &str, under_us: impl Fn(&Place, &str, &str) -> Run) {
    let place = Place::new();
    let program = place.fixture(fixture);
    let program = program.to_str().unwrap();
    let names = Run::new(program).go().expect(0).out;
    let mut wrong = Vec::new();
    for name in names.lines() {
        let want = place.other(program, [name]).go();
        let got = under_us(&place, program, name).go();
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
fn groups() {
    rules("vptrace_group");
}

/// Two gdbs were told of a SIGSTOP first, and left with the trap still to come: the program died of it.
#[test]
fn halts() {
    rules("vptrace_halts");
}

#[test]
fn debug_registers() {
    rules("vptrace_debug");
}

#[test]
fn what_proc_tells_of_threads() {
    rules("vptrace_proc");
}

#[test]
fn tracees_of_32_bits() {
    rules("vptrace_ia32");
}

#[test]
fn clients_of_32_bits() {
    if fixtures::try_build("vptrace_client32").is_err() {
        // The compiler has no 32-bit code.
        return;
    }
    rules("vptrace_client32");
}

#[test]
fn waits() {
    rules("vptrace_waits");
}

#[test]
fn waits_that_ask_for_something_else() {
    rules("vptrace_unasked");
}

#[test]
fn waits_that_ask_for_something_else_of_clients_that_stop_at_their_calls() {
    rules_through("vptrace_unasked", behind_a_listening_end);
}

/// Behind somebody's filter with a listening end there is no second one: clients stop at their calls.
#[test]
fn waits_of_clients_that_stop_at_their_calls() {
    rules_through("vptrace_waits", behind_a_listening_end);
}

#[test]
fn clients_of_32_bits_that_stop_at_their_calls() {
    if fixtures::try_build("vptrace_client32").is_ok() {
        rules_through("vptrace_client32", behind_a_listening_end);
    }
}

fn behind_a_listening_end(place: &Place, program: &str, name: &str) -> Run {
    let utrace = place.utrace();
    let utrace = utrace.to_str().unwrap();
    place.other(place.fixture("listened"), [utrace, "run", "--ptrace", "--", program, name])
}

/// Without `--own-listeners` the one listening end that a thread can have is taken; strictness needs a thread without a
/// filter.
#[test]
fn programs_with_listening_ends_and_strictness_of_their_own() {
    rules_through("vptrace_listens", |place, program, name| {
        let keep = (name == "strict").then_some("--keep");
        let args = ["run", "--ptrace", "--own-listeners"].into_iter().chain(keep);
        place.run(args).args(["--", program, name])
    });
}

#[test]
fn clients_in_pid_namespaces() {
    rules("vptrace_spaces");
}

/// A supervisor looks again and again at whom a client that has not all rights may trace.
#[test]
fn clients_in_pid_namespaces_of_a_supervisor() {
    rules_through("vptrace_spaces", |place, program, name| place.run(["ptrace", "--", program, name]));
}

#[test]
fn requests() {
    rules("vptrace_requests");
}

#[test]
fn odd_arguments() {
    rules("vptrace_odd");
}

#[test]
fn a_tracer_that_is_answered_ahead() {
    rules("vptrace_ahead");
}

/// Otherwise the rules above say nothing.
#[test]
fn answers_lie_ready_for_a_tracer_that_asks_the_same() {
    let place = Place::new();
    let program = place.fixture("vptrace_ahead");
    let program = program.to_str().unwrap();
    let boards = |other: &[&str]| {
        let args = [&["run", "--ptrace"], other, &["--", program, "answers_lie_ready"]].concat();
        place.run(args).go().expect(0).out
    };
    assert_eq!(boards(&[]), "boards 1\n");
    let log = place.path("log");
    let log = format!("--log={}", log.display());
    assert_eq!(boards(&[&log]), "boards 0\n", "its calls are watched");
}

/// What a debugger has written without asking is known when another comes.
#[test]
fn a_breakpoint_that_was_written_unasked_is_hidden_from_others() {
    let place = Place::new();
    let program = place.fixture("vptrace_ahead");
    let run = place.run(["run", "--ptrace", "--", program.to_str().unwrap(), "another_sees"]).go().expect(0);
    assert_eq!(run.out, "other 1 1\nset 1 sees it 1\nother 1 1\nset 0 sees it 0\n");
}

#[test]
fn buffers_that_fault() {
    rules("vptrace_faults");
}

#[test]
fn filters_that_tell_a_tracer() {
    rules("vptrace_seccomp");
}

#[test]
fn attaching_and_leaving() {
    rules("vptrace_attach");
}

#[test]
fn steps_and_debug_registers() {
    rules("vptrace_steps");
}

#[test]
fn signals_and_interrupted_calls() {
    rules("vptrace_signals");
}

#[test]
fn clones_threads_and_their_ends() {
    rules("vptrace_threads");
}

#[test]
fn memory_and_breakpoints() {
    rules("vptrace_memory");
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

/// A wait that a signal interrupts before its question was heard began again, and strace showed that.
#[test]
fn a_wait_under_a_storm_of_signals_ends_as_the_kernel_ends_it() {
    let place = Place::new();
    let program = place.fixture("signal_storm");
    for handler in ["restarts", "interrupts"] {
        let mut args = words("run --ptrace -- strace -f -e trace=wait4 -o log");
        args.push(program.clone().into());
        let ran = place.run(args).args((handler == "interrupts").then_some("x")).go().expect(0);
        assert_eq!(ran.out, "150 right\n", "{}", ran.err);
        let log = place.read("log");
        let anew = log.lines().find(|line| line.contains("wait4") && line.contains("ERESTARTNOINTR"));
        assert_eq!(anew, None, "no wait ends so");
        assert_eq!(log.matches("WIFEXITED").count(), 150, "{log}");
    }
}

/// Its filters stop calls that are answered, waits, and others.
#[test]
fn strace_with_filters_writes_the_log_that_it_always_writes() {
    let place = Place::new();
    let script = "cat /dev/null; (exit 3); ls /dev/null; (ls /dev/null); exec ls /dev/null";
    for set in ["openat,execve,exit_group", "%process", "wait4,rt_sigaction"] {
        let args = |name: &str| {
            words(&format!("--seccomp-bpf -f -e trace={set} -o {} -- sh -c", place.path(name).display()))
        };
        let bare = place.other("strace", args("bare")).args([script]).go().expect(0);
        let ours =
            place.run(words("run --ptrace -- strace")).args(args("ours")).args([script]).go().expect(0);
        assert_eq!(bare.out.lines().count(), ours.out.lines().count());
        assert_same(&streams(&place.read("bare")), &streams(&place.read("ours")));
    }
}

#[test]
fn gdb_runs_a_program_as_it_always_does() {
    if !there("gdb") {
        return;
    }
    let place = Place::new();
    let program = place.fixture("vptrace_target");
    let script =
        ["break visit", "run", "bt", "stepi", "next", "watch visits", "c", "delete", "c", "print $_exitcode"];
    let args: Vec<&str> =
        ["-nx", "-batch"].into_iter().chain(script.iter().flat_map(|s| ["-ex", s])).collect();
    let program = program.to_str().unwrap();
    let bare = place.other("gdb", &args).args([program]).go();
    let ours = place.run(["run", "--ptrace", "--", "gdb"]).args(&args).args([program]).go();
    // The number of the process is in one line.
    let steady = |out: &str| -> Vec<String> {
        out.lines().filter(|line| !line.contains("(process ")).map(str::to_owned).collect()
    };
    assert_eq!(steady(&bare.out), steady(&ours.out), "{}", ours.err);
    assert!(bare.out.contains("Breakpoint 1, visit"), "{}\n{}", bare.out, bare.err);
}

#[test]
fn two_gdbs_stop_at_one_address_and_strace_sees_neither() {
    if !there("gdb") {
        return;
    }
    let place = Place::new();
    let program = place.fixture("vptrace_target");
    // Each steps in place: two scratch pads at one address cannot be told apart.
    let debugger = "gdb -nx -batch -ex 'set displaced-stepping off' -ex 'break visit' -ex c -ex c -ex c \
        -ex 'print visits >= 0' -ex delete -ex detach -p $P";
    let script = format!(
        "{} forever & P=$!\n{debugger} >one 2>&1 & A=$!\n{debugger} >two 2>&1 & B=$!\n\
         strace -o log -p $P 2>/dev/null & S=$!\nwait $A; echo one $?; wait $B; echo two $?\n\
         kill -INT $S; wait $S; kill -0 $P && echo alive; kill -KILL $P",
        program.display()
    );
    let ran = place.run(["run", "--ptrace", "--", "sh", "-c", &script]).go();
    assert_eq!(ran.out, "one 0\ntwo 0\nalive\n", "{}\n{}\n{}", ran.err, place.read("one"), place.read("two"));
    for name in ["one", "two"] {
        let said = place.read(name);
        assert_eq!(said.matches("Breakpoint 1, visit").count(), 3, "{said}");
    }
    let log = place.read("log");
    assert!(log.contains("nanosleep") && !log.contains("SIGTRAP"), "{log}");
}

/// Each halts all threads but the one that it steps past its breakpoint, and that one the other has halted: they waited for
/// each other for ever.
#[test]
fn two_gdbs_get_past_breakpoints_that_all_threads_come_to() {
    if !there("gdb") {
        return;
    }
    let place = Place::new();
    let program = place.fixture("vptrace_visitors");
    let debugger = |at: &str, file: &str| {
        let hits = " -ex c".repeat(4);
        format!("gdb -nx -batch -ex 'break {at}'{hits} -ex delete -ex detach -p $P >{file} 2>&1")
    };
    for other in ["visit", "rest"] {
        let script = format!(
            "{} & P=$!\n{} & A=$!\n{} & B=$!\nwait $A; echo one $?; wait $B; echo two $?\n\
             kill -0 $P && echo alive; kill -KILL $P",
            program.display(),
            debugger("visit", "one"),
            debugger(other, "two")
        );
        let ran = place.run(["run", "--ptrace", "--", "sh", "-c", &script]).go();
        let said = ["one", "two"].map(|name| place.read(name));
        assert_eq!(ran.out, "one 0\ntwo 0\nalive\n", "{}\n{}\n{}", ran.err, said[0], said[1]);
        let hits = said.each_ref().map(|said| said.matches("hit Breakpoint 1, ").count());
        assert_eq!(hits, [4, 4], "{}\n{}", said[0], said[1]);
    }
}

/// It leaves its breakpoint in memory, and threads that have run it.
#[test]
fn a_gdb_that_is_killed_does_not_kill_a_program_that_others_trace() {
    if !there("gdb") || !there("strace") {
        return;
    }
    let place = Place::new();
    let program = place.fixture("vptrace_visitors");
    let script = format!(
        "{} & P=$!\nstrace -f -o log -p $P 2>/dev/null & S=$!\nuntil [ -s log ]; do sleep 0.01; done\n\
         gdb -nx -batch -ex 'break visit' -ex c -ex 'shell kill -KILL $PPID' -p $P >one 2>&1; echo one $?\n\
         gdb -nx -batch -ex 'break visit' -ex c -ex c -ex delete -ex detach -p $P >two 2>&1; echo two $?\n\
         kill -INT $S; wait $S; kill -0 $P && echo alive; kill -KILL $P",
        program.display()
    );
    let ran = place.run(["run", "--ptrace", "--", "sh", "-c", &script]).go();
    let said = ["one", "two"].map(|name| place.read(name));
    assert_eq!(ran.out, "one 137\ntwo 0\nalive\n", "{}\n{}\n{}", ran.err, said[0], said[1]);
    let hits = said.each_ref().map(|said| said.matches("hit Breakpoint 1, ").count());
    assert_eq!(hits, [1, 2], "{}\n{}", said[0], said[1]);
}

#[test]
fn two_gdbs_watch_two_variables_and_each_sees_its_own() {
    if !there("gdb") {
        return;
    }
    let place = Place::new();
    let program = place.fixture("vptrace_target");
    let debugger = |variable: &str, file: &str| {
        format!(
            "gdb -nx -batch -ex 'watch {variable}' -ex c -ex c -ex c -ex delete -ex detach -p $P >{file} 2>&1"
        )
    };
    let script = format!(
        "{} forever & P=$!\n{} & A=$!\n{} & B=$!\nwait $A; echo one $?; wait $B; echo two $?\n\
         kill -0 $P && echo alive; kill -KILL $P",
        program.display(),
        debugger("visits", "one"),
        debugger("turns", "two")
    );
    let ran = place.run(["run", "--ptrace", "--", "sh", "-c", &script]).go();
    assert_eq!(ran.out, "one 0\ntwo 0\nalive\n", "{}\n{}\n{}", ran.err, place.read("one"), place.read("two"));
    for (name, variable, not) in [("one", "visits", "turns"), ("two", "turns", "visits")] {
        let said = place.read(name);
        let hits = said.matches(&format!("Hardware watchpoint 1: {variable}\n\nOld")).count();
        assert_eq!((hits, said.contains(&format!(": {not}"))), (3, false), "{said}");
    }
}

#[test]
fn two_straces_on_one_thread_write_the_same() {
    let place = Place::new();
    let program = place.fixture("vptrace_target");
    let args = |name: &str| format!("strace -f -o {name} -e trace=getppid,exit_group");
    let script = format!("{} {} {} once", args("outer"), args("inner"), program.display());
    place.run(["run", "--ptrace", "--", "sh", "-c", &script]).go().expect(3);
    // The outer one also follows the inner one, whose lines fall in between: what the calls returned is compared.
    let results = |name: &str| -> Vec<String> {
        let log = place.read(name);
        let ends = log.lines().filter(|line| line.contains("getppid") && line.contains(" = "));
        ends.filter_map(|line| line.split_once(" = ")).map(|(_, result)| result.to_owned()).collect()
    };
    assert_eq!(results("inner"), results("outer"));
    assert_eq!(results("inner").len(), 2, "{}", place.read("inner"));
}

/// Its child, which stops the world, is made with CLONE_UNTRACED.
#[test]
fn leaks_are_found_as_always() {
    let place = Place::new();
    let source = place.path("leak.c");
    std::fs::write(
        &source,
        "#include <stdlib.h>\n#include <string.h>\nint main() { char *p = malloc(77); strcpy(p, \"x\"); p = 0; return 0; }",
    )
    .unwrap();
    let program = place.path("leak");
    let mut compiler = std::process::Command::new("cc");
    let made = compiler.args(["-fsanitize=address", "-o"]).arg(&program).arg(&source).output();
    if !made.is_ok_and(|made| made.status.success()) {
        return common::skip("no address sanitizer on this machine");
    }
    let program = program.to_str().unwrap();
    let bare = place.other(program, [""; 0]).go();
    let ours = place.run(["run", "--ptrace", "--", program]).go();
    assert_eq!(bare.status, ours.status, "{}", ours.err);
    for said in [bare.err, ours.err] {
        assert!(said.contains("77 byte(s) leaked"), "{said}");
    }
}

/// A filter that asks outlives who listens: without the guardian each wait after that would fail with ENOSYS.
#[test]
fn a_shell_that_waits_goes_on_when_utrace_is_killed() {
    let place = Place::new();
    let script = "echo $$; (read line; exit 3); echo first $?; (exit 4); echo second $?";
    let mut live = place.run(words("run --ptrace --keep -- sh -c")).args([script]).start();
    let shell = live.line().parse().unwrap();
    common::wait_blocked_in(shell, 61);
    live.signal(rustix::process::Signal::KILL);
    common::wait_until("it is untraced", || common::status_field(shell, "TracerPid") == "0");
    drop(live.stdin.take());
    assert_eq!((live.line().as_str(), live.line().as_str()), ("first 3", "second 4"));
    live.finish();
}
