//! Stops that nobody notices, beside the rivals' and the least that they can cost, in the same run.
//!
//! `cargo bench -p utrace-linux --bench quiet [-- NAME…]` with names of groups: `visit` (a blocked thread is attached to,
//! stopped, examined, resumed and left), `crowd` (the longest wait of the clients of a server of 1,000 threads, and how
//! long it takes to attach to 300 processes and to 1,000 threads, and to leave them). Rows
//! are medians; the ratio is what counts, the absolute numbers belong to the machine.

mod common;
mod many;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use utrace_core::{Action, Addr, Cx, Engine, EngineRef, Event, Regset};
use utrace_host::{Host, Tid};
use utrace_testkit::fixtures;

use common::{UTRACE, fail, groups, median, ratio};

/// Visits whose median is taken: of ours and of the bare mechanism, which take turns.
const VISITS: usize = 30;
const TURNS: usize = 15;
/// The same for a rival, whose visits are a thousand times longer.
const RIVAL_VISITS: usize = 5;
/// How often each tracer comes to the crowd.
const ROUNDS: usize = 5;

fn main() {
    groups(&[("visit", visit), ("crowd", crowd)]);
}

fn visit() {
    let targets: Vec<_> = (0..VISITS).map(|_| Fixture::start("blocked", &["epoll_stdin"])).collect();
    let pids: Vec<_> = targets.iter().map(|target| target.child.id()).collect();
    pids.iter().for_each(|pid| until_blocked(*pid));
    let pid = pids[0];
    let all_slices = || pids.iter().map(|pid| slices(*pid)).sum::<u64>();
    let before = all_slices();
    // Whole, without what is around it, and the stop alone.
    let (mut bare, mut ours) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for _ in 0..TURNS {
        let medians = bare_visits(&pids);
        bare.iter_mut().zip(medians).for_each(|(all, median)| all.push(median));
        let medians = our_visits(&pids);
        ours.iter_mut().zip(medians).for_each(|(all, median)| all.push(median));
    }
    let [bare_whole, bare_work, bare_stop] = bare.map(median);
    let [our_whole, our_work, our_stop] = ours.map(median);
    let sleeps = all_slices();
    let whole = |command: &str| median((0..RIVAL_VISITS).map(|_| time_of(command)).collect());
    let gdb_visit =
        whole(&format!("gdb -nx -batch -p {pid} -ex info\\ registers -ex x/512gx\\ $sp -ex detach"));
    let gdb_attach = median((0..RIVAL_VISITS).map(|_| gdb_attach(pid)).collect());
    let gcore =
        whole(&format!("gcore -o {} {pid}", std::env::temp_dir().join("utrace-bench-core").display()));
    let _ = std::fs::remove_file(std::env::temp_dir().join(format!("utrace-bench-core.{pid}")));
    let strace = median((0..RIVAL_VISITS).map(|_| first_line("strace", &["-p"], pid)).collect());
    let command = median((0..RIVAL_VISITS).map(|_| first_line(UTRACE, &["attach", "-p"], pid)).collect());
    println!("us");
    for (name, time) in [
        ("bare: stop, examine, resume", bare_stop),
        ("utrace: stop, examine, resume", our_stop),
        ("bare: attach too", bare_work),
        ("utrace: attach too", our_work),
        ("bare: and a thread for it", bare_whole),
        ("utrace: and a host for it", our_whole),
        ("utrace attach, to its first line", command),
        ("strace -p, to its first line", strace),
        ("gdb, its attach and detach alone", gdb_attach),
        ("gdb -p -batch", gdb_visit),
        ("gcore", gcore),
    ] {
        println!("    {name:36} {time:12.1}");
    }
    ratio("stop, examine, resume: utrace / bare", our_stop / bare_stop, 1.5);
    ratio("attach, stop, examine, resume: utrace / bare", our_work / bare_work, 1.5);
    ratio("whole visit: utrace / gdb -p -batch", our_whole / gdb_visit, 0.05);
    let alone = our_work / gdb_attach;
    println!("    attach, stop, examine, resume: utrace / gdb's attach and detach alone: {alone:.2}");
    ratio("whole visit: utrace / gcore", our_whole / gcore, 0.05);
    ratio("utrace attach / strace -p, to the first line", command / strace, 1.0);
    println!(
        "    slices that the target ran for us: {}, for the rivals: {}",
        sleeps - before,
        all_slices() - sleeps
    );
    targets.into_iter().for_each(Fixture::finish);
}

/// Medians in microseconds: whole, work, stop.
fn bare_visits(pids: &[u32]) -> [f64; 3] {
    let output =
        Command::new(fixtures::build("minivisit")).args(pids.iter().map(ToString::to_string)).output();
    let output = output.unwrap_or_else(|e| fail(&format!("minivisit: {e}")));
    let found = numbers(&String::from_utf8_lossy(&output.stdout));
    found.try_into().unwrap_or_else(|_| fail("minivisit says nothing"))
}

/// The same of ours, on the same targets: a trap costs five times as much where the target slept on another processor. The
/// work is measured in one host, on a target that it has not seen yet each time; that the host is started, and asked
/// from another thread than does it, is ours. The bare mechanism's thread is started before its work, too.
fn our_visits(pids: &[u32]) -> [f64; 3] {
    let mut times = [const { Vec::new() }; 3];
    let new_host = || Host::start().unwrap_or_else(|e| fail(&e.to_string()));
    let host = new_host();
    for pid in pids {
        let work = Instant::now();
        let engine = attach(&host, *pid);
        let stop = Instant::now();
        look(&engine);
        times[1].push(micros(work));
        times[2].push(micros(stop));
    }
    host.shutdown();
    for pid in pids {
        times[0].push(time(|| {
            let host = new_host();
            look(&attach(&host, *pid));
            host.shutdown();
        }));
    }
    times.map(median)
}

/// An engine that stays where it is told to.
struct Still;

impl Engine for Still {
    fn name(&self) -> &str {
        "still"
    }

    fn quiesce(&mut self, _cx: &mut Cx<'_>, _event: Option<Event>) -> Action {
        Action::Stop
    }
}

fn attach(host: &Host, pid: u32) -> EngineRef {
    let (give, take) = mpsc::channel();
    let pid = Tid::new(pid.cast_signed()).unwrap_or_else(|| fail("no pid"));
    let adopt = move |task: &utrace_core::Task| drop(give.send(task.attach_for(Event::Quiesce, Still)));
    if let Err(error) = host.attach(pid, adopt) {
        fail(&error.to_string());
    }
    match take.recv() {
        Ok(Ok(engine)) => engine,
        other => fail(&format!("{other:?}")),
    }
}

/// Stops it, reads what a debugger shows first, and lets it go.
fn look(engine: &EngineRef) {
    let stopped = engine.control(Action::Stop);
    let seen = engine.examine(|target| {
        let (mut regs, mut stack) = ([0; 216], [0; 4096]);
        let registers = target.regset(Regset(1), &mut regs);
        // The stack pointer is the 20th of `struct user_regs_struct`.
        let sp = regs.as_chunks::<8>().0[19];
        let sp = Addr(u64::from_ne_bytes(sp) & !4095);
        registers.and_then(|_| target.read(sp, &mut stack)).map(drop)
    });
    if !matches!((&stopped, &seen), (Ok(_), Ok(Ok(())))) {
        fail(&format!("{stopped:?} {seen:?}"));
    }
    if let Err(error) = engine.control(Action::Resume) {
        fail(&format!("{error:?}"));
    }
}

fn crowd() {
    let mut crowd = Fixture::start("crowd", &["1000", "4"]);
    let pid = numbers(&crowd.first).first().map_or_else(|| fail("no server"), ToString::to_string);
    println!(
        "longest wait of a client in us; requests meanwhile; errors of the server; ms from start to end"
    );
    let mut waits = Vec::new();
    for (name, tracer) in [
        ("nobody", None),
        ("utrace attach", Some(format!("{UTRACE} attach --log=/dev/null -p {pid}"))),
        ("strace -f -p", Some(format!("strace -f -o /dev/null -p {pid}"))),
        ("gdb -p -batch", Some(format!("gdb -nx -batch -p {pid}"))),
    ] {
        let rounds: Vec<_> = (0..ROUNDS).map(|_| crowd.visited(tracer.as_deref())).collect();
        let column = |at: usize| median(rounds.iter().map(|round| round[at]).collect());
        let [wait, requests, errors, took] = [0, 1, 2, 3].map(column);
        println!("    {name:20} {wait:12.0} {requests:10.0} {errors:6.0} {took:10.1}");
        waits.push(wait);
    }
    ratio("longest wait: utrace / strace", waits[1] / waits[2], 1.0);
    ratio("longest wait: utrace / gdb", waits[1] / waits[3], 1.0);
    crowd.finish();
    many::many();
}

/// A program of the testkit's that says when it is ready, and reads its stdin.
struct Fixture {
    child: Child,
    out: BufReader<ChildStdout>,
    first: String,
}

impl Fixture {
    fn start(name: &str, args: &[&str]) -> Fixture {
        let mut child = Command::new(fixtures::build(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| fail(&format!("{name}: {e}")));
        let mut out = BufReader::new(child.stdout.take().unwrap_or_else(|| fail("no stdout")));
        let mut first = String::new();
        let _ = out.read_line(&mut first);
        Fixture { child, out, first: first.replace("ready", "") }
    }

    /// What the crowd's clients saw while a tracer came, looked on for a fifth of a second, and left; then how long
    /// that took.
    fn visited(&mut self, tracer: Option<&str>) -> Vec<f64> {
        self.answer();
        let from = Instant::now();
        match tracer {
            None => thread::sleep(Duration::from_millis(500)),
            Some(line) if line.starts_with("gdb") => drop(time_of(line)),
            Some(line) => stay(line),
        }
        let took = micros(from) / 1e3;
        // Whoever waits now is to be counted.
        thread::sleep(Duration::from_millis(100));
        let mut answer = self.answer();
        answer.push(took);
        answer
    }

    fn answer(&mut self) -> Vec<f64> {
        let mut line = String::new();
        let asked = self.child.stdin.as_mut().map(|stdin| stdin.write_all(b"\n"));
        let _ = self.out.read_line(&mut line);
        let answer = numbers(&line);
        if asked.is_none() || answer.len() != 3 {
            fail(&format!("the crowd says {line:?}"))
        }
        answer
    }

    fn finish(mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A tracer that goes when it is told to.
fn stay(line: &str) {
    let mut tracer = spawn(line);
    let mut lines = BufReader::new(tracer.stderr.take().unwrap_or_else(|| fail("no stderr"))).lines();
    let said = lines.next();
    let rest = thread::spawn(move || lines.for_each(drop));
    if !matches!(&said, Some(Ok(line)) if line.contains("attached")) {
        fail(&format!("{line}: {said:?}"));
    }
    thread::sleep(Duration::from_millis(200));
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(&tracer),
        rustix::process::Signal::TERM,
    );
    let _ = tracer.wait();
    let _ = rest.join();
}

fn spawn(line: &str) -> Child {
    let words = line.replace("\\ ", "\u{a0}");
    let mut words = words.split(' ').map(|word| word.replace('\u{a0}', " "));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|e| fail(&format!("{line}: {e}")))
}

/// From the start of a command to its end.
fn time_of(line: &str) -> f64 {
    time(|| drop(spawn(line).wait_with_output()))
}

/// What gdb itself says that attaching and detaching took, once it has started.
fn gdb_attach(pid: u32) -> f64 {
    let python = |line: &str| format!("python {line}");
    let attach = format!("attach {pid}");
    let (start, end) =
        (python("import time; t = time.time()"), python("print('took', (time.time() - t) * 1e6)"));
    let mut command = Command::new("gdb");
    command.args(["-nx", "-batch", "-ex", &start, "-ex", &attach, "-ex", "detach", "-ex", &end]);
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|e| fail(&format!("gdb: {e}")));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let took = text.lines().find_map(|line| line.strip_prefix("took ")?.parse().ok());
    took.unwrap_or_else(|| fail(&format!("gdb says {text}")))
}

/// From the start of a tracer to the first line that it says.
fn first_line(program: &str, args: &[&str], pid: u32) -> f64 {
    let from = Instant::now();
    let mut tracer = spawn(&format!("{program} {} {pid}", args.join(" ")));
    let mut lines = BufReader::new(tracer.stderr.take().unwrap_or_else(|| fail("no stderr"))).lines();
    let said = lines.next();
    let took = micros(from);
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(&tracer),
        rustix::process::Signal::TERM,
    );
    lines.for_each(drop);
    let _ = tracer.wait();
    if said.is_none() {
        fail(&format!("{program} says nothing"))
    }
    took
}

fn until_blocked(pid: u32) {
    while !std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|line| line.starts_with("232 "))
    {
        thread::yield_now();
    }
}

/// How often it was on a processor.
fn slices(pid: u32) -> u64 {
    let line = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap_or_default();
    line.split_whitespace().nth(2).and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn time(work: impl FnOnce()) -> f64 {
    let from = Instant::now();
    work();
    micros(from)
}

fn micros(from: Instant) -> f64 {
    from.elapsed().as_secs_f64() * 1e6
}
