//! Speed beside the rivals: a minimal C ptrace loop, strace and no tracer, in the same run.
//!
//! `cargo bench -p utrace-linux [-- NAME…]` with names of groups: `stop`, `engines`, `unwanted`, `start`, `forks`, `attach`. Every row is
//! the median of several rounds in which the rivals take turns, so that a busy moment meets all of them; the ratio
//! is what counts, the absolute numbers belong to the machine. Times of a syscall are taken by the traced program
//! itself (`getppid_loop`), so that starting up is not in them.

mod common;
#[path = "common/rivals.rs"]
mod rivals;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use utrace_testkit::fixtures;

use common::{UTRACE, fail, groups, median, ratio};
use rivals::{Rival, measure, pinned, take};

fn main() {
    groups(&[
        ("stop", stop),
        ("engines", engines),
        ("unwanted", unwanted),
        ("start", start),
        ("forks", forks),
        ("attach", attach),
    ]);
}

fn utrace(flags: &str) -> String {
    format!("{UTRACE} run {flags} --")
}

/// One traced syscall, logged to /dev/null.
fn stop() {
    let loops = 20_000;
    let minitrace = fixtures::build("minitrace").display().to_string();
    println!("pinned: tracer and program on one processor, ns a getppid");
    let all = measure(
        &[
            pinned("minimal C loop", &minitrace),
            pinned("strace", "strace -o /dev/null"),
            pinned("utrace --log", &utrace("--log=/dev/null")),
            pinned("utrace --stats", &utrace("--stats=/dev/null")),
        ],
        loops,
    );
    ratio("utrace --log / minimal C loop", all[2] / all[0], 1.15);
    ratio("utrace --log / strace", all[2] / all[1], 0.8);
    println!("not pinned (the machine should be idle), ns a getppid");
    let all = measure(
        &[
            Rival::new("minimal C loop", &minitrace),
            Rival::new("strace", "strace -o /dev/null"),
            Rival::new("utrace --log", &utrace("--log=/dev/null")),
        ],
        loops,
    );
    ratio("utrace --log / strace", all[2] / all[1], 0.3);
}

/// Each further engine adds at most 3 % to a stop.
fn engines() {
    for flag in ["--stats=/dev/null", "--log=/dev/null"] {
        let rivals = [1, 2, 4, 8].map(|n| {
            let flags = vec![flag; n].join(" ");
            pinned(&format!("{n} x {flag}"), &utrace(&flags))
        });
        let all = measure(&rivals, 20_000);
        for (n, time) in [2.0, 4.0, 8.0].into_iter().zip(&all[1..]) {
            let each = (time / all[0] - 1.0) / (n - 1.0);
            ratio(&format!("each of {} further engines, as part of a stop", n - 1.0), each, 0.03);
        }
    }
}

/// A syscall that no engine wants, on a launched tree.
fn unwanted() {
    let all = measure(
        &[
            pinned("native", ""),
            pinned("utrace, openat wanted", &utrace("--log=/dev/null,trace=openat")),
            pinned(
                "utrace, three engines",
                &utrace(
                    "--log=/dev/null,trace=%network --stats=/dev/null,trace=openat,close --inject=unlink:error=EPERM",
                ),
            ),
            pinned("strace --seccomp-bpf", "strace -f --seccomp-bpf -e trace=openat -o /dev/null"),
        ],
        1_000_000,
    );
    ratio("utrace / native", all[1] / all[0], 1.4);
    ratio("utrace, three engines / native", all[2] / all[0], 1.4);
}

/// From the start of the tracer to its end, of a program that does nothing.
fn start() {
    println!("us for /bin/true");
    let all = take(
        &[
            Rival::new("strace", "strace -f -o /dev/null"),
            Rival::new("utrace --log", &utrace("--log=/dev/null")),
            Rival::new("utrace --stats", &utrace("--stats=/dev/null")),
        ],
        &["/bin/true"],
        1.0,
    );
    ratio("utrace --log / strace", all[1] / all[0], 1.5);
    ratio("utrace --stats / strace", all[2] / all[0], 1.5);
}

/// A shell that forks and executes, one child at a time.
fn forks() {
    const CHILDREN: u32 = 100;
    let script = format!("i=0; while [ $i -lt {CHILDREN} ]; do /bin/true; i=$((i+1)); done");
    let rivals = |of: fn(&str, &str) -> Rival| {
        [
            of("native", ""),
            of("strace -f", "strace -f -o /dev/null"),
            of("utrace --log", &utrace("--log=/dev/null")),
            of("utrace --stats", &utrace("--stats=/dev/null")),
        ]
    };
    let print = |all: &[f64]| {
        ratio("utrace --log / strace -f", all[2] / all[1], 1.0);
        ratio("utrace --stats / strace -f", all[3] / all[1], 1.0);
    };
    println!("pinned: all on one processor, us a fork and exec");
    print(&take(&rivals(pinned), &["/bin/sh", "-c", &script], f64::from(CHILDREN)));
    println!("not pinned (the machine should be idle), us a fork and exec");
    print(&take(&rivals(Rival::new), &["/bin/sh", "-c", &script], f64::from(CHILDREN)));
}

/// From the start of the tracer to its word that every thread is attached, and from ^C to its end.
fn attach() {
    let one = |fixture: &str, args: &[&str], pids: fn(u32) -> Vec<u32>| {
        println!("{fixture} {}: ms until attached, ms until detached", args.join(" "));
        let mut best = Vec::new();
        for (name, tracer) in
            [("strace", "strace -f -o /dev/null"), ("utrace", &format!("{UTRACE} attach --log=/dev/null"))]
        {
            let rounds: Vec<_> = (0..5).map(|_| attach_once(fixture, args, tracer, pids)).collect();
            let attached = median(rounds.iter().map(|r| r.0).collect());
            let detached = median(rounds.iter().map(|r| r.1).collect());
            println!("    {name:30} {attached:10.1} {detached:10.1}");
            best.push(attached);
        }
        println!("    utrace / strace: {:.2}", best[1] / best[0]);
    };
    one("threads_parked", &["1000"], |pid| vec![pid]);
    one("fork_bomb", &["300", "hold"], tree);
}

/// A process and all its descendants.
fn tree(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    for child in text.split_whitespace().filter_map(|c| c.parse().ok()) {
        all.extend(tree(child));
    }
    all
}

fn attach_once(fixture: &str, args: &[&str], tracer: &str, pids: fn(u32) -> Vec<u32>) -> (f64, f64) {
    let mut target = Command::new(fixtures::build(fixture))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| fail(&format!("{fixture}: {e}")));
    read_line(&mut target);
    let pids = pids(target.id());
    let mut words = tracer.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    for pid in &pids {
        command.args(["-p", &pid.to_string()]);
    }
    let from = Instant::now();
    let mut tracer = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| fail(&format!("{tracer}: {e}")));
    // Both say "attached" once for each process, when all its threads are.
    let mut lines = BufReader::new(tracer.stderr.take().unwrap_or_else(|| fail("no stderr"))).lines();
    for _ in 0..pids.len() {
        match lines.next() {
            Some(Ok(line)) if line.contains("attached") => {}
            other => fail(&format!("expected a word of attaching: {other:?}")),
        }
    }
    let attached = from.elapsed().as_secs_f64() * 1e3;
    let from = Instant::now();
    let pid = rustix::process::Pid::from_child(&tracer);
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    // The pipe must not fill while it says good-bye.
    lines.for_each(drop);
    let _ = tracer.wait();
    let detached = from.elapsed().as_secs_f64() * 1e3;
    drop(target.stdin.take());
    let _ = target.wait();
    (attached, detached)
}

fn read_line(child: &mut Child) -> String {
    let mut line = String::new();
    if let Some(out) = child.stdout.as_mut() {
        let _ = BufReader::new(out).read_line(&mut line);
    }
    line
}
