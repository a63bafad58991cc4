//! Rivals that trace a loop of system calls by turns. The loop times itself.

use std::path::PathBuf;
use std::process::Command;

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
    const ROUNDS: usize = 9;
    let program = fixtures::build("getppid_loop");
    let mut times = vec![Vec::new(); rivals.len()];
    for _ in 0..ROUNDS {
        for (rival, times) in rivals.iter().zip(&mut times) {
            times.push(getppid(rival, &program, loops));
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
