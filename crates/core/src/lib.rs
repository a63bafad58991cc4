//! utrace: tasks, engines and reports, with no operating system.
//!
//! Linux gives a thread one tracer. utrace gives it as many as like, on one small contract. This crate is that
//! contract: who is called when, in which order, what the answers add up to, and what is certain after a
//! call returned. It knows no system: a *host* tells it what happened to a thread and does what it answers.
//! The contract is the one of Roland McGrath's kernel facility of 2006 to 2011; rows of its specification are
//! cited as INV-n (what always holds) and SC-n (scenarios).
//!
//! # The model
//!
//! A [`Task`] is one thread, from alive to reaped. An [`Engine`] is one tracer attached to one task. An engine
//! declares an [`Interest`]: which [`Event`]s, and of syscalls and signals which ones. It is never told of anything
//! else, and a host may skip every stop that nobody asked for.
//!
//! When something happens, the task makes a *report*: one walk over its engines, in the order in which they
//! were attached (syscall entry: the other way round). Each engine that asked gets a callback, sees what the ones
//! before it made of the event, and answers with an [`Action`]. The smallest action wins:
//!
//! ```text
//! Stop < Interrupt < Report < SingleStep < BlockStep < Resume        (Detach takes no part)
//! ```
//!
//! ```
//! use utrace_core::{Action, Cx, Engine, Event, EngineRef, Task, AttachError, SyscallEntry};
//!
//! /// Says when its task opens something.
//! struct Opens;
//!
//! impl Engine for Opens {
//!     fn name(&self) -> &str {
//!         "opens"
//!     }
//!     fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
//!         println!("{} enters syscall {}", cx.task().id(), entry.call().number);
//!         Action::Resume
//!     }
//! }
//!
//! fn watch(task: &Task) -> Result<EngineRef, AttachError> {
//!     task.attach_for(Event::SyscallEntry, Opens)
//! }
//! ```
//!
//! # Stopping
//!
//! An engine that answers [`Action::Stop`], or asks for it with [`EngineRef::control`], *holds* the task. Holds are
//! sticky and each engine has its own: the task runs again when the last holder lets go, and not before. Only
//! SIGKILL ends a stop that somebody holds. While a task is stopped it is *quiescent*: its state can be examined,
//! and it is certain that no callback runs.
//!
//! `Stop` and [`Action::Report`] never disturb a sleep. [`Action::Interrupt`] may: it ends an interruptible
//! syscall like a stop signal would.
//!
//! # What is certain after a call
//!
//! Calls never block, so an answer must say what is not over yet. [`Progress::Done`] means that no callback which
//! the call forbids runs or will start; [`Progress::InProgress`] that the one which runs now may be the last
//! such. [`EngineRef::barrier`] waits for it; [`EngineRef::set_events_sync`] and [`EngineRef::detach_sync`] do both in
//! one. They wait for callbacks, never for the task: a target may sleep for a week. Lost races have answers of
//! their own ([`SetEventsError::AlreadyDying`], [`ControlError::Gone`]) so that for the death and the reap of a task it
//! is never open whether a callback will come (INV-16).
//!
//! # Who frees what
//!
//! A list holds an engine from attach to detach or reap; an [`EngineRef`] holds it too. It is dropped exactly once,
//! when neither is left, in whatever thread let go last, never under a lock of this crate (INV-29). So a
//! tracer that keeps no handle lets the callbacks clean up (an engine is dropped after its last callback), and
//! one that keeps handles decides itself when its state goes.
//!
//! # Life and death of a task
//!
//! [`Event::Exit`] comes while everything is still there, [`Event::Death`] once the thread is dead, [`Event::Reap`]
//! when the system releases it: the last callback of all. An engine follows the thread *object*: when a thread
//! that is not the leader makes an exec, its task keeps its engines and takes the leader's id (INV-36).
//! Children are not followed by themselves: [`CloneReport::child`] is a task to attach to, before it has run.
//!
//! # For who writes a host
//!
//! [`Task::new`] gives a task and the two rights to it: the [`Reporter`], to report, and the [`Reaper`], to release.
//! Implement [`TaskHost`] and [`Platform`]; the life of one stop is told at [`Reporter`]. Reports take no lock and
//! allocate nothing unless an engine attaches, stops or leaves. What makes that safe is one token, the *walker*:
//! who has it may walk the engines of a task; while the task is stopped or dead it lies in the ledger that the
//! lock protects, where a controller can use it. The fields and the fences between them are tabled in `record.rs`,
//! the orderings in `sync/order.rs`: behind each stands a model that fails without it.
//!
//! Calls that an engine decides all by itself can be answered without a stop: [`Answers`].
//! A host that traces all tasks, those to come included, finds the switch for that in [`GlobalFlag`].
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;
// The shared stub speaks of the crate by its name.
#[cfg(test)]
extern crate self as utrace_core;

mod action;
mod ahead;
mod answer;
mod attached;
mod barrier;
mod control;
mod engine;
mod event;
mod events;
mod examine;
mod global;
mod host;
mod interest;
mod payload;
mod record;
mod report;
mod reset;
mod sync;
mod target;
mod task;

#[cfg(all(test, not(loom)))]
#[path = "../tests/stub/mod.rs"]
mod stub;

pub use action::{
    Action, AttachError, BarrierError, ControlError, Detached, ExamineError, Progress, SetEventsError,
    SyncError,
};
pub use ahead::{Ahead, Does, Foresight, Laid, Moment, Taken, Way, Wrote};
pub use answer::{Answer, Answers, Asker, Caught, Delivery, Filtered, Lent, Line, Question, When};
pub use attached::{EngineRef, Match, Place};
pub use engine::{Cx, Engine, Kind};
pub use event::{Event, EventSet};
pub use examine::Examine;
pub use global::{CarriesFlag, FlagHold, GlobalFlag, NotSet, Swept, Switch, TaskFlag, TaskList};
pub use host::{Fences, Platform, Steps, TaskHost, Wakeup};
pub use interest::{Interest, SignalSet, SyscallSet};
pub use payload::{
    CloneKind, CloneReport, DeathReport, Disposition, ExecReport, ExitReport, JctlKind, JctlReport, SigInfo,
    SignalAction, SignalKind, SignalReport, Syscall, SyscallAction, SyscallEntry, SyscallExit,
};
pub use report::{InGroupStop, Reaper, Reporter, Verdict, Woken};
pub use sync::AtomicU32;
pub use target::{Addr, Regset, Target, TargetError};
pub use task::{Attach, Task, TaskId};
