//! Attaching to many at once, and leaving them: 300 processes that sleep, a server of 1,000 threads, and a shell that makes
//! programs of 40 threads, the last also beside two programs that compute. strace does the same in turns, and gdb with the
//! server. From the start of the command until it has said that it has the last one, and from ^C to its end.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use utrace_testkit::fixtures;

use crate::common::{UTRACE, fail, median, ratio};
use crate::{Fixture, gdb_attach, micros, spawn};

const PROCESSES: usize = 300;
/// How often each comes.
const TURNS: usize = 7;
/// How long each stays.
const STAY: Duration = Duration::from_millis(50);

pub(crate) fn many() {
    let log = std::env::temp_dir().join(format!("utrace-bench-{}", std::process::id()));
    let sleepers: Vec<Burden> = (0..PROCESSES).map(|_| Burden::start("exec sleep 1000")).collect();
    let list: String = sleepers.iter().map(|one| format!(" -p {}", one.0.id())).collect();
    let mut server = Fixture::start("threads_parked", &["1000"]);
    let pid = server.child.id();
    let storm = fixtures::build("thread_storm");
    let shell = Burden::start(&format!("while :; do {} 40; done", storm.display()));
    let turns = shell.0.id();
    println!("ms, medians: to the last one, to the end after ^C");
    let visit = |name: &str, who: &str, count: usize, until: Until| compare(name, who, count, &log, until);
    visit("300 processes", &list, PROCESSES, Until::Said);
    visit("1,000 threads", &format!(" -f -p {pid}"), 1, Until::Said);
    let gdb = median((0..TURNS).map(|_| gdb_attach(pid) / 1e3).collect());
    println!("    1,000 threads: gdb, attach and detach {gdb:.1}");
    visit("a shell", &format!(" -f -p {turns}"), 1, Until::Logged);
    let burners = [Burden::start("while :; do :; done"), Burden::start("while :; do :; done")];
    visit("300 processes, loaded", &list, PROCESSES, Until::Said);
    visit("1,000 threads, loaded", &format!(" -f -p {pid}"), 1, Until::Said);
    visit("a shell, loaded", &format!(" -f -p {turns}"), 1, Until::Logged);
    drop(burners);
    drop(server.child.stdin.take());
    match server.child.wait() {
        Ok(status) if status.success() => {}
        other => fail(&format!("a thread of the server was woken: {other:?}")),
    }
    let _ = fs::remove_file(log);
}

/// When a tracer is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// It has said so of each.
    Said,
    /// It has also logged something.
    Logged,
}

fn compare(name: &str, who: &str, count: usize, log: &Path, until: Until) {
    let log_name = log.display();
    let ours = format!("{UTRACE} attach --log={log_name}{}", who.replace(" -f", ""));
    let strace = format!("strace -o {log_name}{who}");
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        for (at, line) in [(0, &ours), (2, &strace)] {
            let _ = fs::remove_file(log);
            let (attach, leave) = stay(line, count, log, until);
            times[at].push(attach / 1e3);
            times[at + 1].push(leave / 1e3);
        }
    }
    let [our_attach, our_leave, attach, leave] = times.map(median);
    println!("    {name}: utrace {our_attach:.1} {our_leave:.1}, strace {attach:.1} {leave:.1}");
    ratio(&format!("{name}: attach, utrace / strace"), our_attach / attach, 2.0);
    ratio(&format!("{name}: attach and leave"), (our_attach + our_leave) / (attach + leave), 2.0);
}

/// Microseconds to the last one, and to the end.
fn stay(line: &str, count: usize, log: &Path, until: Until) -> (f64, f64) {
    let from = Instant::now();
    let mut tracer = spawn(line);
    let stderr = tracer.stderr.take().unwrap_or_else(|| fail("no stderr"));
    let mut lines = BufReader::new(stderr).lines();
    for _ in 0..count {
        match lines.next() {
            Some(Ok(said)) if said.contains("attached") => {}
            other => fail(&format!("it says {other:?}")),
        }
    }
    while until == Until::Logged && fs::metadata(log).map_or(0, |file| file.len()) == 0 {
        thread::sleep(Duration::from_micros(200));
    }
    let attach = micros(from);
    let rest = thread::spawn(move || lines.for_each(drop));
    thread::sleep(STAY);
    let from = Instant::now();
    let _ = kill_process(Pid::from_child(&tracer), Signal::INT);
    let _ = tracer.wait();
    let leave = micros(from);
    let _ = rest.join();
    (attach, leave)
}

/// A program that is killed in the end, with all that it has started.
struct Burden(Child);

impl Burden {
    fn start(line: &str) -> Burden {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("exec 2>&-; {line}")]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.process_group(0).spawn();
        Burden(child.unwrap_or_else(|e| fail(&format!("{line}: {e}"))))
    }
}

impl Drop for Burden {
    fn drop(&mut self) {
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}
