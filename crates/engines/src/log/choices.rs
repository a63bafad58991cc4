//! What the options of the log can be: small types, each with what it means.
//!
//! Key types: [`Status`], [`Message`], [`Stamp`], [`Mark`]. Neighbours: [`super::options`] reads them from text.

use crate::choices::Choice;

/// How the log is spread over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// All in one.
    #[default]
    Run,
    /// `FILE.TID` for each task, as `strace -ff`.
    Task,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As strace's.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How a syscall ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It returned without an error.
    Successful,
    /// It returned an error.
    Failed,
    /// It never returned: its thread ended in it.
    Unfinished,
    /// It returned, but nobody could tell what. Never here: a stop at the exit always tells.
    Unavailable,
    /// The tracer went away while it ran.
    Detached,
}

impl Choice for Status {
    const NAMES: &'static [(&'static str, Status)] = &[
        ("successful", Status::Successful),
        ("failed", Status::Failed),
        ("unfinished", Status::Unfinished),
        ("unavailable", Status::Unavailable),
        ("detached", Status::Detached),
    ];
    const WHAT: &'static str = "status of a syscall";

    fn place(self) -> u32 {
        self as u32
    }
}

/// A message of the log that is not a syscall, and can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Who is followed and who is let go (`-q`).
    Attach,
    /// Who exited, unless by a signal (`-qq`).
    Exit,
    /// What a path of `path=` stands for. Never said here; a name of strace's.
    PathResolution,
    /// That a process makes 32-bit syscalls, or 64-bit ones again (`-q`).
    Personality,
    /// That a thread that was not the leader ran a new program (`-qqq`).
    ThreadExecve,
}

impl Choice for Message {
    const NAMES: &'static [(&'static str, Message)] = &[
        ("attach", Message::Attach),
        ("exit", Message::Exit),
        ("path-resolution", Message::PathResolution),
        ("personality", Message::Personality),
        ("thread-execve", Message::ThreadExecve),
    ];
    const WHAT: &'static str = "message";

    fn place(self) -> u32 {
        self as u32
    }
}

/// The time before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamp {
    /// None.
    #[default]
    None,
    /// Time of day (`-t`).
    Seconds,
    /// Time of day with microseconds (`-tt`).
    Micros,
    /// Seconds since the epoch with microseconds (`-ttt`).
    Epoch,
}

/// A column before each line, after the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The number of the syscall (`-n`).
    Number,
    /// Where the program is (`-i`).
    Pointer,
}

impl Choice for Mark {
    const NAMES: &'static [(&'static str, Mark)] = &[("number", Mark::Number), ("pointer", Mark::Pointer)];
    const WHAT: &'static str = "column";

    fn place(self) -> u32 {
        self as u32
    }
}
