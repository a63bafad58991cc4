//! The clients of `clients/`, which are written as clients inside a kernel were.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::{Link, build, here, own_folder, run, stdout_of};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn client(name: &str, link: Link) -> PathBuf {
    build(&here().join(format!("clients/{name}.c")), link)
}

/// A program to be traced; it knows nothing of the library. Linked to a fixed address.
fn victim(test: &str, name: &str) -> String {
    let program = own_folder(test).join(name);
    let source = here().join(format!("tests/c/{name}.c"));
    let built = Command::new("gcc")
        .args(["-O1", "-pthread", "-no-pie", "-o"])
        .arg(&program)
        .arg(source)
        .status()
        .unwrap();
    assert!(built.success());
    program.to_str().unwrap().to_owned()
}

#[test]
fn a_crash_is_held_until_released_and_then_kills() {
    for link in [Link::Shared, Link::Static] {
        let holder = client("crash_holder", link);
        let out = stdout_of(&run(&holder, &[&victim("crash", "crash")], "go\n"));
        // What the program had in its registers at the faulting store, and the store itself.
        assert!(out.contains("signal 11, code 1, "), "{out}");
        assert!(out.contains("bytes 48 89 03 "), "{out}");
        assert!(out.contains("rax 0x1234\n"), "{out}");
        assert!(!out.contains("nobody releases it"), "{out}");
        assert!(out.ends_with("ended: error 0, signal 11, status 0\n"), "{out}");
    }
}

#[test]
fn a_held_crash_is_still_there_to_be_looked_at() {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::Stdio;
    let holder = client("crash_holder", Link::Shared);
    let mut child = Command::new(holder)
        .arg(victim("held", "crash"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let thread = line.strip_prefix("held: thread ").and_then(|rest| rest.split(' ').next()).unwrap();
    // Alive, in a tracing stop, with its memory: as long as nobody says otherwise.
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap();
    assert!(status.contains("State:\tt (tracing stop)"), "{status}");
    assert!(!fs::read_to_string(format!("/proc/{thread}/maps")).unwrap().is_empty());
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    line.clear();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "ended: error 0, signal 11, status 0\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_program_that_does_not_crash_is_not_held() {
    let holder = client("crash_holder", Link::Shared);
    let out = stdout_of(&run(&holder, &["sh", "-c", "exit 5"], ""));
    assert_eq!(out, "ended: error 0, signal 0, status 5\n");
}

/// Processes and calls that the counter found.
fn counted(out: &str) -> (u64, u64) {
    let last = out.lines().last().unwrap();
    let numbers: Vec<u64> =
        last.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    assert_eq!(last, format!("{} processes, {} calls", numbers[0], numbers[1]));
    (numbers[0], numbers[1])
}

#[test]
fn every_call_of_a_tree_is_counted() {
    for link in [Link::Shared, Link::Static] {
        let counter = client("syscall_counter", link);
        let tree = victim("count", "tree");
        // The tree makes so many calls more in each of its three processes, one of them in a second thread.
        let (processes, without) = counted(&stdout_of(&run(&counter, &[&tree, "0"], "")));
        let (_, with) = counted(&stdout_of(&run(&counter, &[&tree, "500"], "")));
        assert_eq!((processes, with - without), (3, 4 * 500));
    }
}

#[test]
fn failed_calls_are_told_from_others() {
    let counter = client("syscall_counter", Link::Shared);
    let errors = |times: &str| {
        let out = stdout_of(&run(&counter, &[&victim("errors", "badclose"), times], ""));
        let first = out.lines().next().unwrap().to_owned();
        first.rsplit(' ').nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(errors("70") - errors("0"), 70);
}

/// The address of a label of a program, in hexadecimal.
fn address(program: &str, label: &str) -> String {
    let output = Command::new("nm").arg(program).output().unwrap();
    let symbols = String::from_utf8(output.stdout).unwrap();
    let line = symbols
        .lines()
        .find(|line| line.ends_with(&format!(" t {label}")) || line.ends_with(&format!(" T {label}")));
    line.unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn an_agent_rewrites_a_path_and_has_calls_skipped() {
    for link in [Link::Shared, Link::Static] {
        let agent = client("call_agent", link);
        let folder = own_folder("agent");
        let [from, to, kept] = ["from", "to", "kept"].map(|name| folder.join(name));
        for (path, text) in [(&from, "one\n"), (&to, "other\n"), (&kept, "")] {
            fs::write(path, text).unwrap();
        }
        let [from, to, kept] = [&from, &to, &kept].map(|path| path.to_str().unwrap());
        let opener = victim("agent", "opener");
        // It checks by itself what it gets, in two threads and a child.
        let out = stdout_of(&run(&agent, &[from, to, &opener, from, kept, "25"], ""));
        assert_eq!(out, "75 redirected, 75 refused\n");
        assert!(fs::exists(kept).unwrap());
    }
}

#[test]
fn instructions_are_counted_and_the_registers_shown_behind_them() {
    for link in [Link::Shared, Link::Static] {
        let counter = client("step_counter", link);
        let program = victim("steps", "loop");
        let [from, to] = ["begin", "end"].map(|label| address(&program, label));
        let out = stdout_of(&run(&counter, &[&from, &to, &program], ""));
        let at = u64::from_str_radix(&to, 16).unwrap();
        assert_eq!(
            out,
            format!("84 instructions, then at {at:#x} with rax 7\nended: error 0, signal 0, status 23\n")
        );
        // In the other direction it runs past the first one, and never comes to the second.
        let out = stdout_of(&run(&counter, &[&to, &from, "true"], ""));
        assert_eq!(out, "it never got from the one to the other\nended: error 0, signal 0, status 0\n");
    }
}
