//! Rivals that trace a loop of system calls by turns. The loop times itself.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use utrace_testkit::fixtures;

use crate::common::{fail, median};

/// A rival: a name, and a command line before the traced program's own.
pub(crate) struct Rival {
    pub(crate) name: String,
    before: Vec<String>,
}

impl Rival {
    pub(crate) fn new(name: &str, before: &str) -> Rival {
        Rival { name: name.to_owned(), before: before.split_whitespace().map(str::to_owned).collect() }
    }
}

/// Both on one processor: what the kernel's switch and our own work cost.
pub(crate) fn pinned(name: &str, before: &str) -> Rival {
    Rival::new(name, &format!("taskset -c 0 {before}"))
}

/// Medians of ns a getppid for each rival, over rounds in which they take turns.
pub(crate) fn measure(rivals: &[Rival], loops: u32) -> Vec<f64> {
    let program = fixtures::build("getppid_loop");
    in_turns(rivals, |rival| getppid(rival, &program, loops))
}

/// Medians of us from start to end for each rival that runs `program`, divided by how many `parts` that has.
pub(crate) fn take(rivals: &[Rival], program: &[&str], parts: f64) -> Vec<f64> {
    in_turns(rivals, |rival| {
        let mut words = rival.before.iter().map(String::as_str).chain(program.iter().copied());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let from = Instant::now();
        match command.status() {
            Ok(status) if status.success() => from.elapsed().as_secs_f64() * 1e6 / parts,
            other => fail(&format!("{}: {other:?}", rival.name)),
        }
    })
}

fn in_turns(rivals: &[Rival], time: impl Fn(&Rival) -> f64) -> Vec<f64> {
    const ROUNDS: usize = 9;
    let mut times = vec![Vec::new(); rivals.len()];
    for _ in 0..ROUNDS {
        for (rival, times) in rivals.iter().zip(&mut times) {
            times.push(time(rival));
        }
    }
    let all: Vec<f64> = times.into_iter().map(median).collect();
    for (rival, time) in rivals.iter().zip(&all) {
        println!("    {:30} {time:10.1}", rival.name);
    }
    all
}

fn getppid(rival: &Rival, program: &PathBuf, loops: u32) -> f64 {
    let mut command = match rival.before.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    };
    let output =
        command.arg(loops.to_string()).output().unwrap_or_else(|e| fail(&format!("{}: {e}", rival.name)));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim().parse().unwrap_or_else(|_| {
        fail(&format!("{}: {text:?} {}", rival.name, String::from_utf8_lossy(&output.stderr)))
    })
}
