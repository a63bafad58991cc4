//! What the host tells about engines and tracees that misbehave, while it goes on.
//!
//! A notice is no error of a call: nobody waits for it. `Builder::notices` takes the function that hears
//! them; it is called from the host's own threads and should not block.

use core::any::Any;
use core::fmt;
use std::time::Duration;

use utrace_abi::table::{Abi, lookup};

use crate::error::HostError;
use crate::sys::Errno;
use crate::types::Tid;

/// Something that the user of a host should hear about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A callback of this engine panicked; the engine was detached from the task and the task goes on.
    EnginePanicked {
        /// The engine's name.
        engine: String,
        /// The thread that was being reported.
        tid: Tid,
        /// What the panic said.
        message: String,
    },
    /// A report has been held up by callbacks for so long.
    SlowCallback {
        /// The engine's name, if it could be told which one is running.
        engine: Option<String>,
        /// The thread that was being reported.
        tid: Tid,
        /// How long so far.
        lasted: Duration,
    },
    /// The kernel reported a stop that no rule of ptrace(2) explains; the thread was resumed.
    UnknownStop {
        /// The thread.
        tid: Tid,
        /// The status in words.
        status: String,
    },
    /// An engine made a signal of a number that is none. It was dropped; where it was to kill, SIGTRAP did.
    BadSignal {
        /// The thread.
        tid: Tid,
        /// The number.
        number: i32,
    },
    /// A running thread is to stop, and this is done to it (only with [`crate::Builder::explain`]).
    Handled {
        /// The thread.
        tid: Tid,
        /// What, and why.
        how: Handling,
    },
    /// A step on a tracee failed; it was resumed as well as could be.
    Failed(HostError),
}

impl Notice {
    /// What a caught panic says about the engine that was last seen to unwind.
    pub(crate) fn panicked(unwound: Option<String>, tid: Tid, payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let engine = unwound.unwrap_or_else(|| String::from("(unknown)"));
        Self::EnginePanicked { engine, tid, message }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnginePanicked { engine, tid, message } => {
                write!(f, "engine {engine} panicked on thread {tid} and was detached from it: {message}")
            }
            Self::SlowCallback { engine, tid, lasted } => {
                let engine = engine.as_deref().unwrap_or("(unknown)");
                write!(
                    f,
                    "engine {engine} has held thread {tid} in a callback for {:.1} s",
                    lasted.as_secs_f64()
                )
            }
            Self::UnknownStop { tid, status } => write!(f, "thread {tid}: unknown stop, resumed: {status}"),
            Self::BadSignal { tid, number } => {
                write!(f, "thread {tid}: an engine asked for signal {number}, and there is none")
            }
            Self::Handled { tid, how } => write!(f, "thread {tid}: {how}"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// How a running thread is brought to a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handling {
    /// It sleeps in the system call of this number and is left asleep: a breakpoint waits at the call's return.
    TrapAtReturn(u64),
    /// It runs: a clock stops it when it is in user mode.
    TrapAtTick,
    /// It was resumed so that it stops at the end of its system call anyway.
    StopsByItself(u64),
    /// It is in a page fault, or on its way to a stop: interrupted, which it does not notice.
    InterruptedInFault,
    /// It sleeps in the system call of this number, and its process gets signals that it ignores: a breakpoint waits where
    /// the call would fail for nothing.
    Ensnared(u64),
    /// No breakpoint could be set; it is interrupted in the system call of this number, which goes on by itself.
    InterruptedInCall(u64, Errno),
    /// No clock could be set; it is interrupted where it runs.
    InterruptedRunning(Errno),
    /// It cannot be stopped unnoticed: it is waited for.
    Waiting(Errno),
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = |number: u64| {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            lookup(Abi::X86_64, number.into())
                .map_or_else(|| format!("call {number}"), |info| info.name.to_owned())
        };
        match self {
            Self::TrapAtReturn(nr) => write!(f, "asleep in {}: left so, to be met at its return", call(*nr)),
            Self::TrapAtTick => f.write_str("running: to be stopped in user mode"),
            Self::StopsByItself(nr) => write!(f, "asleep in {}: left so, stops at its end", call(*nr)),
            Self::Ensnared(nr) => {
                write!(f, "asleep in {}: left so, to go on when a signal ends that for nothing", call(*nr))
            }
            Self::InterruptedInFault => {
                f.write_str("in a page fault or stopping: interrupted, which does not show")
            }
            Self::InterruptedInCall(nr, errno) => {
                write!(f, "asleep in {}: interrupted, goes on by itself (no breakpoint: {errno})", call(*nr))
            }
            Self::InterruptedRunning(errno) => write!(f, "running: interrupted (no clock: {errno})"),
            Self::Waiting(errno) => {
                write!(f, "left alone until it can be stopped unnoticed (no breakpoint: {errno})")
            }
        }
    }
}

/// Where notices go.
pub(crate) type Listener = Box<dyn Fn(Notice) + Send + Sync>;
