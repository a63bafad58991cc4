//! What a round does to a tree from outside, and sees of it there: no host is asked.
//!
//! Key type: [`Hand`], which signals. [`living`] finds what is left of a tree; [`proc_state`] and [`own_threads`] say
//! where threads are, for a round that does not end. Used by `driver`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};

use utrace_testkit::fixtures;
use utrace_testkit::stress::board::{Board, State};

/// The untraced program that sends signals for us.
pub(crate) struct Hand {
    child: Child,
    stdin: Option<ChildStdin>,
    program: PathBuf,
}

impl Hand {
    pub(crate) fn new(program: PathBuf) -> std::io::Result<Hand> {
        let mut child =
            std::process::Command::new(fixtures::build("stress_hand")).stdin(Stdio::piped()).spawn()?;
        Ok(Hand { stdin: child.stdin.take(), child, program })
    }

    pub(crate) fn send(&mut self, pid: u32, signal: i32) {
        if let Some(stdin) = &mut self.stdin {
            // If it is gone, nobody is signalled, and the round shows it.
            let _ = writeln!(stdin, "{pid} {signal} {}", self.program.display());
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

pub(crate) fn drain(mut from: impl std::io::Read) {
    let _ = std::io::copy(&mut from, &mut std::io::sink());
}

/// Processes of the board that did not come to their end and still run the tree's program.
pub(crate) fn living(board: &Board) -> Vec<u32> {
    let mut pids: Vec<u32> =
        board.slots.iter().flatten().filter(|slot| slot.state != State::Clean).map(|slot| slot.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.retain(|pid| {
        let exe = fs::read_link(format!("/proc/{pid}/exe"));
        exe.is_ok_and(|exe| exe.file_name().is_some_and(|name| name == "stress"))
    });
    pids
}

/// Where our own threads are.
pub(crate) fn own_threads() -> String {
    let mut text = String::new();
    for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let read = |file| fs::read_to_string(thread.path().join(file)).unwrap_or_default().trim().to_owned();
        let name = thread.file_name();
        text += &format!("own thread {name:?} {}: {} {}\n", read("comm"), read("wchan"), read("syscall"));
    }
    text
}

/// What `/proc` says of a thread.
pub(crate) fn proc_state(tid: u32) -> String {
    let mut text = String::new();
    let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_else(|error| error.to_string());
    for line in status.lines() {
        if ["State", "TracerPid", "SigPnd", "ShdPnd", "SigBlk"].iter().any(|key| line.starts_with(key)) {
            text += &format!("    {line}\n");
        }
    }
    for file in ["wchan", "syscall"] {
        let found =
            fs::read_to_string(format!("/proc/{tid}/{file}")).unwrap_or_else(|error| error.to_string());
        text += &format!("    {file}: {}\n", found.trim());
    }
    text
}
