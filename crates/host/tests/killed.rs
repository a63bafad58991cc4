//! SIGKILL to the tracer at any moment: what it had attached to goes on, and never knew.
//!
//! `UTRACE_KILLS=3000 cargo test -p utrace-linux-host --test killed` for a long run (`just kills`).
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

#[path = "common/guest.rs"]
mod guest;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command as Std, Stdio};
use std::time::{Duration, Instant};

use guest::Guest;
use utrace_core::{Action, Cx, Engine, EngineRef, Event, EventSet, Interest};
use utrace_host::{Host, Tid};

/// Threads of the fixture that beat.
const THREADS: usize = 7;
const SOON: Duration = Duration::from_secs(30);

struct Brief;

impl Engine for Brief {
    fn name(&self) -> &str {
        "brief"
    }
    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        if event.is_none() {
            let _ = cx.engine().control(Action::Resume);
        }
        Action::Resume
    }
}

/// What the tracer does until it is killed: it comes, stops, lets go, goes, as fast as it can.
#[test]
#[ignore = "a process of the other tests, not a test"]
fn the_tracer_that_is_killed() {
    let Some(pid) = std::env::var("KILLED_PID").ok().and_then(|pid| pid.parse().ok()).and_then(Tid::new)
    else {
        return;
    };
    let calls = std::env::var_os("KILLED_CALLS").is_some();
    let events = if calls { EventSet::SYSCALL | Event::Quiesce } else { Event::Quiesce.into() };
    println!("traced");
    loop {
        let host = Host::start().unwrap();
        let (give, engines) = std::sync::mpsc::channel();
        let _ = host.attach(pid, move |task| {
            let _ = give.send(task.attach_for(Interest::in_events(events), Brief).unwrap());
        });
        let engines: Vec<EngineRef> = engines.iter().collect();
        for _ in 0..20 {
            for engine in &engines {
                let _ = engine.control(Action::Stop);
            }
            for engine in &engines {
                let _ = engine.control(Action::Resume);
            }
        }
        host.shutdown();
    }
}

fn counts(file: &Path) -> Vec<u64> {
    let bytes = std::fs::read(file).unwrap();
    bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect()
}

/// Each thread goes round a few more times. On a crowded machine that takes a while: it stands still if none of those that
/// lag makes a round for so long.
fn until_all_beat(pid: Tid, file: &Path, kills: u32) {
    let before = counts(file);
    let (mut limit, mut seen) = (Instant::now() + SOON, 0);
    loop {
        let now = counts(file);
        let lagging: Vec<_> = (0..THREADS).filter(|&at| now[at] <= before[at] + 2).collect();
        if lagging.is_empty() {
            return;
        }
        let rounds = lagging.iter().map(|&at| now[at] - before[at]).sum::<u64>()
            + (THREADS - lagging.len()) as u64 * 3;
        if rounds > seen {
            (limit, seen) = (Instant::now() + SOON, rounds);
        }
        let show = |name: &str| {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
            let read =
                |tid: std::fs::DirEntry| std::fs::read_to_string(tid.path().join(name)).unwrap_or_default();
            tasks.map(|tid| read(tid.unwrap())).collect::<String>()
        };
        assert!(
            Instant::now() < limit,
            "after {kills} kills it stands still: {before:?} {now:?}\n{}{}",
            show("stat"),
            show("syscall")
        );
        std::thread::yield_now();
    }
}

/// Lets a tracer loose on the process, and kills it after about so long.
fn kill_one(pid: Tid, calls: Calls, after: Duration) {
    let mut tracer = Std::new(std::env::current_exe().unwrap());
    if calls == Calls::Traced {
        tracer.env("KILLED_CALLS", "1");
    }
    let mut tracer = tracer
        .args(["--exact", "the_tracer_that_is_killed", "--ignored", "--nocapture"])
        .env("KILLED_PID", pid.to_string())
        .env("KILLED_BY", std::process::id().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(tracer.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("traced") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the tracer ended early");
    }
    // Not a wait for anything: it picks the moment of the kill.
    std::thread::sleep(after);
    tracer.kill().unwrap();
    tracer.wait().unwrap();
}

fn file(signals: Signals, calls: Calls) -> PathBuf {
    std::env::temp_dir().join(format!("utrace-killed.{}.{signals:?}.{calls:?}", std::process::id()))
}

/// Whether the tracer has the threads stop at system calls.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Calls {
    Traced,
    Not,
}

/// Kills tracers; answers how many errors each thread counted.
fn kill_many(signals: Signals, calls: Calls) -> Vec<u64> {
    let kills: u32 = std::env::var("UTRACE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15);
    let file = file(signals, calls);
    let path = file.to_str().unwrap();
    let args = [path, "open"];
    let guest = Guest::new("heartbeat", if signals == Signals::Open { &args } else { &args[..1] });
    let mut random = std::process::id();
    for kill in 1..=kills {
        // xorshift: some moment in the first 20 ms.
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        kill_one(guest.pid, calls, Duration::from_micros(u64::from(random % 20_000)));
        until_all_beat(guest.pid, &file, kill);
    }
    let counts = counts(&file);
    let errors = counts[8..8 + THREADS].to_vec();
    if errors.iter().any(|&errors| errors > 0) {
        let wrong: Vec<_> = counts[16..16 + THREADS].iter().map(|result| result.cast_signed()).collect();
        eprintln!("last wrong result of each thread: {wrong:?}");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(guest.finish().1, "status 0");
    errors
}

/// Whether some of the threads block every signal.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Signals {
    Open,
    Blocked,
}

#[test]
fn a_killed_tracer_leaves_everything_as_it_was() {
    assert_eq!(kill_many(Signals::Open, Calls::Not), [0; THREADS], "errors in each thread");
}

/// A thread that stands before a system call when the tracer dies is woken as by a signal (ptrace_unlink() in
/// kernel/ptrace.c), so that this call may end early. It goes on all the same.
#[test]
fn a_tracer_of_calls_that_is_killed_leaves_everything_running() {
    println!("errors in each thread: {:?}", kill_many(Signals::Open, Calls::Traced));
}

/// A thread that blocks all signals is stopped with SIGSTOP; killed in that moment, the tracer leaves the process
/// stopped, and the doorbell lets it go. Calls may see that.
#[test]
fn a_killed_tracer_leaves_threads_running_that_block_all_signals() {
    println!("errors in each thread: {:?}", kill_many(Signals::Blocked, Calls::Not));
}

/// The processes that tracers of this process have made and that are still there.
fn left_over() -> Vec<String> {
    let mark = format!("KILLED_BY={}\0", std::process::id());
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_ours = |pid: &String| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.windows(mark.len()).any(|window| window == mark.as_bytes())
    };
    names.filter(is_ours).collect()
}

/// The doorbell is told of the tracer's end by a signal. One that came right before it slept was lost, and a doorbell was
/// found after hours; no test was seen to hit that moment.
#[test]
fn nothing_is_left_of_a_tracer_that_is_killed_while_it_starts() {
    let guest = Guest::new("blocked", &["epoll_stdin"]);
    for kill in 0..60 {
        kill_one(guest.pid, Calls::Not, Duration::from_micros(kill * 20));
    }
    let limit = Instant::now() + SOON;
    while !left_over().is_empty() {
        assert!(Instant::now() < limit, "still there: {:?}", left_over());
        std::thread::yield_now();
    }
    guest.finish();
}
