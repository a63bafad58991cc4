//! `format=json`: one object a line.
//!
//! Every object has `type`, `time` (seconds since 1970, as a number) and `pid` (the thread's id, as in strace's
//! lines). The others, by type:
//!
//! | type | fields |
//! |---|---|
//! | `syscall` | `syscall` (name), `nr`, `args` (as text), `raw` (the argument registers that the call has), `ret` (`null` if it never returned), `errno` (name, only if it failed), `fds` (with `y`: descriptor and what it stands for), `duration` (seconds, unless its start was not seen), `injected` and `delayed` (only if true) |
//! | `signal` | `signal` (name), `code` (name or number), `sender` (`pid`, where the signal has one), `text` (as strace's line has it) |
//! | `stopped` | `signal` |
//! | `exec` | `former`: a thread that was not the leader ran a new program and is `pid` now |
//! | `exit` | `status`, or `signal` and `core` |
//!
//! An object is written when its syscall has ended, so that lines of several tasks never mix. Fields may be added;
//! none will change its meaning.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;
use utrace_abi::siginfo::{self, Details, SigInfo};
use utrace_abi::{Errno, WaitStatus};
use utrace_core::TaskId;

use super::call::Ended;
use super::stamp::since_epoch;
use crate::render::{self, Call, Outcome, Pending};

/// The same for the user of the command line; a test holds it against the objects.
pub(super) const NOTES: &[&str] = &[
    "A SET is a list of names, numbers, %class and /regex; !SET is all others, ?NAME may be unknown.",
    "With format=json a line is an object: type, time (seconds since 1970), pid (of the thread), and",
    "  syscall: syscall, nr, args (as text), raw (numbers), ret (null if it never returned), errno",
    "           (name), fds (with y: what descriptors stand for), duration (seconds), injected and",
    "           delayed (only if true)",
    "  signal:  signal, code, sender (a pid, if it has one), text (as in strace's line)",
    "  stopped: signal",
    "  exec:    former (a thread that was not the leader runs a new program and is pid now)",
    "  exit:    status, or signal and core",
];

/// What every object begins with.
#[derive(Debug, Serialize)]
struct Head {
    #[serde(rename = "type")]
    kind: &'static str,
    time: f64,
    pid: u32,
}

impl Head {
    fn new(kind: &'static str, id: TaskId) -> Head {
        // Microseconds, so that the number reads as it was meant.
        let micros = since_epoch(SystemTime::now()).as_micros();
        Head { kind, time: micros as f64 / 1e6, pid: id.0 }
    }
}

/// A syscall that has ended.
#[derive(Debug, Serialize)]
pub(super) struct Syscall<'t> {
    #[serde(flatten)]
    head: Head,
    syscall: &'t str,
    nr: u64,
    args: Vec<&'t str>,
    raw: &'t [u64],
    ret: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fds: Option<&'t BTreeMap<i32, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    injected: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    delayed: bool,
}

/// The object of a syscall; `text` is what entry and exit were rendered to.
pub(super) fn syscall<'t>(
    id: TaskId,
    call: &'t Call,
    pending: &Pending,
    text: &'t str,
    ended: &Ended,
) -> Syscall<'t> {
    let ret = match ended.outcome {
        Outcome::Returned(value) => Some(value),
        Outcome::Unknown => None,
    };
    let count = call.info().map_or(call.args.len(), |info| info.args.len());
    let name = match call.info() {
        Some(info) => info.name,
        None => text.split('(').next().unwrap_or_default(),
    };
    Syscall {
        head: Head::new("syscall", id),
        syscall: name,
        nr: call.nr,
        args: pending.args(text).collect(),
        raw: call.args.get(..count).unwrap_or(&call.args),
        ret,
        errno: ret.and_then(Errno::from_return).map(|errno| errno.name().unwrap_or("?")),
        fds: None,
        duration: ended.spent.map(|spent| spent.as_nanos() as f64 / 1e9),
        injected: ended.injected,
        delayed: ended.delayed,
    }
}

impl<'t> Syscall<'t> {
    /// The same, telling what its descriptors stand for.
    pub(super) fn with_fds(mut self, fds: &'t BTreeMap<i32, String>) -> Syscall<'t> {
        self.fds = Some(fds).filter(|fds| !fds.is_empty());
        self
    }
}

/// A signal that was taken from the queue.
#[derive(Debug, Serialize)]
pub(super) struct Signal {
    #[serde(flatten)]
    head: Head,
    signal: String,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<i32>,
    text: String,
}

/// The object of a signal.
pub(super) fn signal(id: TaskId, info: &SigInfo) -> Signal {
    let mut text = String::new();
    render::signal(info, &mut text);
    let (number, code) = (info.signo(), info.code());
    Signal {
        head: Head::new("signal", id),
        signal: info.signal().map_or_else(|| number.to_string(), |signal| signal.name().to_owned()),
        code: siginfo::code_name(number, code).map_or_else(|| code.to_string(), str::to_owned),
        sender: match info.details() {
            Details::Kill { pid, .. } | Details::Queue { pid, .. } | Details::Child { pid, .. } => Some(pid),
            _ => None,
        },
        text,
    }
}

/// A job control stop.
#[derive(Debug, Serialize)]
pub(super) struct Stopped<'t> {
    #[serde(flatten)]
    head: Head,
    signal: &'t str,
}

impl Stopped<'_> {
    pub(super) fn new(id: TaskId, signal: &str) -> Stopped<'_> {
        Stopped { head: Head::new("stopped", id), signal }
    }
}

/// A thread took over the id of its leader.
#[derive(Debug, Serialize)]
pub(super) struct Superseded {
    #[serde(flatten)]
    head: Head,
    former: u32,
}

impl Superseded {
    pub(super) fn new(id: TaskId, former: TaskId) -> Superseded {
        Superseded { head: Head::new("exec", id), former: former.0 }
    }
}

/// The end of a thread.
#[derive(Debug, Serialize)]
pub(super) struct Exit {
    #[serde(flatten)]
    head: Head,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    core: Option<bool>,
}

impl Exit {
    pub(super) fn new(id: TaskId, status: WaitStatus) -> Exit {
        let head = Head::new("exit", id);
        match status {
            WaitStatus::Exited(code) => Exit { head, status: Some(code.into()), signal: None, core: None },
            WaitStatus::Signaled { signal, core_dumped } => {
                Exit { head, status: None, signal: Some(signal.name()), core: Some(core_dumped) }
            }
            other => Exit { head, status: Some(other.encode()), signal: None, core: None },
        }
    }
}
