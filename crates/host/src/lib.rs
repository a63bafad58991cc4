//! utrace: the ptrace host, which runs reports for the threads of any process.
//!
//! [`Host`] starts a tracer thread; [`Host::launch`] and [`Host::attach`] make processes report to engines
//! ([`utrace_core::Engine`]) attached to their tasks. Children follow by themselves: they are reported as
//! [`utrace_core::CloneReport`], where engines attach themselves to a child that they want to see too.
//!
//! | module | holds |
//! |---|---|
//! | `host`, `join`, `process`, `command`, `error`, `notice` | what callers see |
//! | `mailbox`, `shared`, `watchdog`, `mourner`, `platform` | between threads |
//! | `tracer` | the tracer thread: from a wait status to a report to a verdict |
//! | `quiet` | stops that the program cannot see |
//! | `stop`, `tracee`, `quiesce`, `filter`, `procfs` | decoding, rights, faithfulness, push-down, `/proc`; pure or nearly |
//! | `remote` | having a tracee make a system call for us |
//! | `current`, [`regset`] | looking at threads: what one does in the kernel, and its registers by name |
//! | `sys` | system calls: all unsafe code of the crate |
//!
//! No policy lives here: which engine wants what is declared in the core, and what a line looks like is an engine's.

mod ahead;
mod command;
mod current;
mod error;
mod filter;
mod glance;
mod host;
mod join;
mod mailbox;
mod mourner;
mod namespace;
mod notice;
mod notify;
mod placement;
mod platform;
mod process;
mod procfs;
mod quiesce;
mod quiet;
pub mod regset;
mod remote;
mod shared;
mod stop;
mod sys;
mod tracee;
mod tracer;
mod types;
mod watchdog;

pub use command::{AfterTracer, Command};
pub use current::{Blocked, Current, current_syscall};
pub use error::{HostError, Refusal, Step};
pub use filter::Filter;
pub use host::{Builder, Host};
pub use join::{Enlisted, why_not};
pub use namespace::{UserNamespace, user_namespaces};
pub use notice::{Handling, Notice};
pub use platform::prepare;
pub use process::{CoreDump, Ending, Process};
pub use sys::Errno;
pub use types::Tid;
