//! No silent hangs: a thread that looks whether a round still moves, and says everything it knows if not.
//!
//! A round in which nothing happens is stuck if nobody in it wants to run. On a machine that others keep busy it may
//! only be waiting for its turn: it then has longer ([`LONGEST`]), not for ever, for it might also run in circles.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use utrace_testkit::gate::lock;

use crate::driver::Round;

/// How long nothing may happen when nobody wants to run.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may happen at all.
const LONGEST: Duration = Duration::from_secs(300);
/// Threads whose wish to run means nothing: this one, which runs, and those that run when nobody else wants to.
const IDLERS: [&str; 2] = ["watchdog", "utrace-warmer"];

/// The round that is under way.
pub(crate) type Current = Arc<Mutex<Option<Arc<Round>>>>;

/// Starts the thread. A round in which nothing happens ends the program with a failing status.
pub(crate) fn spawn(current: &Current) -> std::io::Result<()> {
    let current = Arc::clone(current);
    thread::Builder::new().name("watchdog".into()).spawn(move || {
        let (mut last, mut since) = ((0, 0), Instant::now());
        let mut wanted_to_run = since;
        loop {
            thread::sleep(Duration::from_millis(500));
            let Some(round) = lock(&current).clone() else { continue };
            let now = (round.plan.seed, round.beats());
            if now != last {
                (last, since) = (now, Instant::now());
                wanted_to_run = since;
            } else if somebody_wants_to_run() {
                wanted_to_run = Instant::now();
            }
            if wanted_to_run.elapsed() > PATIENCE || since.elapsed() > LONGEST {
                give_up(&round, since.elapsed());
            }
        }
    })?;
    Ok(())
}

fn give_up(round: &Round, waited: Duration) {
    let seed = round.plan.seed;
    eprintln!("nothing has happened for {waited:?}; replay with SEED={seed}");
    eprintln!("{}", round.state());
    round.kill_all();
    // The hand needs a moment; nobody can be waited for any more.
    thread::sleep(Duration::from_millis(500));
    std::process::exit(3);
}

/// Whether a thread of ours, or of a process that we are an ancestor of, runs or waits for its turn.
fn somebody_wants_to_run() -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<Stat> = processes.filter_map(|entry| Stat::read(&entry.path())).collect();
    let is_ours = |process: &Stat| {
        let mut pid = process.pid;
        // As deep as trees of processes get here, and an end to it if numbers are used again meanwhile.
        for _ in 0..64 {
            if pid == std::process::id() {
                return true;
            }
            let Some(found) = all.iter().find(|other| other.pid == pid) else { return false };
            pid = found.parent;
        }
        false
    };
    all.iter().filter(|process| is_ours(process)).any(|process| {
        let threads = fs::read_dir(format!("/proc/{}/task", process.pid)).into_iter().flatten().flatten();
        threads.filter_map(|thread| Stat::read(&thread.path())).any(|thread| thread.wants_to_run())
    })
}

/// What is needed of `/proc/…/stat` (proc_pid_stat(5)).
struct Stat {
    pid: u32,
    name: String,
    state: String,
    parent: u32,
}

impl Stat {
    fn read(folder: &Path) -> Option<Stat> {
        let pid = folder.file_name()?.to_str()?.parse().ok()?;
        let text = fs::read_to_string(folder.join("stat")).ok()?;
        let (head, tail) = text.rsplit_once(") ")?;
        let name = head.split_once('(')?.1.to_owned();
        let mut fields = tail.split(' ');
        let (state, parent) = (fields.next()?.to_owned(), fields.next()?.parse().ok()?);
        Some(Stat { pid, name, state, parent })
    }

    fn wants_to_run(&self) -> bool {
        self.state == "R" && !IDLERS.contains(&self.name.as_str())
    }
}
