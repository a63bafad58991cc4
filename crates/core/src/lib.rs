//! utrace: tasks, engines and reports, with no operating system.
#![no_std]
extern crate alloc;

mod action;
mod attached;
mod barrier;
mod control;
mod engine;
mod event;
mod events;
mod examine;
mod host;
mod interest;
mod payload;
mod record;
mod report;
mod reset;
mod sync;
mod target;
mod task;

pub use action::{
    Action, AttachError, BarrierError, ControlError, Detached, ExamineError, Progress, SetEventsError,
    SyncError,
};
pub use attached::{EngineRef, Match, Place};
pub use engine::{Cx, Engine, Kind};
pub use event::{Event, EventSet};
pub use examine::Examine;
pub use host::{Fences, Platform, Steps, TaskHost, Wakeup};
pub use interest::{Interest, SignalSet, SyscallSet};
pub use payload::{
    CloneKind, CloneReport, DeathReport, Disposition, ExecReport, ExitReport, JctlKind, JctlReport, SigInfo,
    SignalAction, SignalKind, SignalReport, Syscall, SyscallAction, SyscallEntry, SyscallExit,
};
pub use report::{Reaper, Reporter, Verdict, Woken};
pub use sync::AtomicU32;
pub use target::{Addr, Regset, Target, TargetError};
pub use task::{Attach, Task, TaskId};
