//! The census: every blocking call that the machine can set up, run undisturbed and disturbed, and compared.
//!
//! Key types: [`names`] of the cases of `fixtures/census.c`; [`Sleeper`], one of them running, and [`Outcome`], what
//! came of it; [`Verdict`], the comparison. Neighbours: the census tests of the ptrace host, which disturb, and
//! `docs/quiet.md`, whose table is made by [`table`]. Nothing here traces.

mod report;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

pub use report::{Row, Verdict, compare, section, table};

use crate::fixtures;

/// How long to wait for a case to fall asleep. Those that run in the kernel never do.
const ASLEEP: Duration = Duration::from_millis(100);

/// The names of all cases.
///
/// # Panics
/// When the fixture does not run.
#[expect(clippy::panic, reason = "a helper of tests: a fixture that does not run is a failed test")]
pub fn names() -> Vec<String> {
    match Command::new(fixtures::build("census")).arg("list").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect(),
        Err(error) => panic!("census list: {error}"),
    }
}

/// What a case says of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It returned.
    Returned {
        /// Result, error number, and whatever else the case looks at.
        what: String,
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// This machine cannot set it up.
    Skipped(String),
    /// It ended in another way, with this output.
    Lost(String),
}

impl Outcome {
    /// From what the case printed.
    pub fn parse(text: &str) -> Outcome {
        for line in text.lines() {
            if let Some(why) = line.strip_prefix("skip ") {
                return Outcome::Skipped(why.to_owned());
            }
            if let Some((what, ms)) = line.split_once(" ms=")
                && let Ok(ms) = ms.trim().parse()
            {
                return Outcome::Returned { what: what.to_owned(), ms };
            }
        }
        Outcome::Lost(text.trim().replace('\n', "; "))
    }
}

/// A case that runs, as the child of a shell: what we attach to is usually somebody else's child.
#[derive(Debug)]
pub struct Sleeper {
    shell: Child,
    out: BufReader<ChildStdout>,
    seen: String,
    /// Its process id.
    pub pid: i32,
    /// When it said that it is ready, which is when its waker begins to count.
    pub ready: Instant,
}

impl Sleeper {
    /// Starts a case and waits until it sleeps in its call. `None` if it was over before: it is skipped.
    ///
    /// # Errors
    /// What the system said.
    pub fn start(name: &str) -> std::io::Result<Sleeper> {
        let script = r#""$0" "$1" & echo "pid $!"; wait $!; echo "status $?""#;
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .arg(fixtures::build("census"))
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = shell.stdout.take().map(BufReader::new).ok_or(std::io::ErrorKind::BrokenPipe)?;
        let mut sleeper = Sleeper { shell, out, seen: String::new(), pid: 0, ready: Instant::now() };
        let mut ready = false;
        while sleeper.pid == 0 || !ready {
            let mut line = String::new();
            if sleeper.out.read_line(&mut line)? == 0 {
                break;
            }
            if let Some(pid) = line.strip_prefix("pid ") {
                sleeper.pid = pid.trim().parse().unwrap_or(0);
            }
            if line.starts_with("ready") {
                sleeper.ready = Instant::now();
            }
            ready |= line.starts_with("ready") || line.starts_with("skip") || line.starts_with("status");
            sleeper.seen.push_str(&line);
        }
        sleeper.until_asleep();
        Ok(sleeper)
    }

    fn until_asleep(&self) {
        let limit = Instant::now() + ASLEEP;
        let path = format!("/proc/{}/syscall", self.pid);
        // Twice at the same place: it is past the write of "ready".
        let mut before = String::new();
        while Instant::now() < limit {
            let now = std::fs::read_to_string(&path).unwrap_or_default();
            if !now.starts_with("running") && !now.is_empty() && now == before {
                return;
            }
            before = now;
            std::thread::yield_now();
        }
    }

    /// Waits for its end; answers what it said.
    ///
    /// # Errors
    /// What the system said.
    pub fn finish(mut self) -> std::io::Result<Outcome> {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest)?;
        self.shell.wait()?;
        self.seen.push_str(&rest);
        Ok(Outcome::parse(&self.seen))
    }
}
