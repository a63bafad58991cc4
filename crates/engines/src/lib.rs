//! utrace: the engines log, stats and inject.
//!
//! | module | holds |
//! |---|---|
//! | [`registry`] | the engines by name, their options, text to tool |
//! | [`tool`] | what a controller does with a tool: attach, finish |
//! | [`log`], [`stats`], [`inject`], [`ptrace`] | the engines |
//! | [`sets`] | strace's grammar for sets of syscalls and signals |
//! | [`spec`] | flag values taken apart; mistakes with their place |
//! | [`output`] | files and stderr, and their first failure |
//! | [`render`] | a syscall as text |
//!
//! # How to write an engine
//!
//! An engine is a type that implements [`utrace_core::Engine`]; nothing of this crate is needed for one. The file
//! `crates/cli/examples/missing.rs` is a whole engine with its program and comments. The steps:
//!
//! 1. **Say what it wants.** Build a [`utrace_core::Interest`]: events, and of syscalls and signals only those that
//!    matter. Do not ask for more and drop it in the callback: what nobody asks for costs the program nothing, what
//!    is asked for costs it a stop.
//! 2. **Write the callbacks** of those events. One value is attached to one task and its callbacks never overlap,
//!    so state from entry to exit is a field. A callback must not wait: the task and all other engines wait for it.
//! 3. **Look and change** through the context: [`utrace_core::Cx::target`] is the memory and registers of the task,
//!    the report is what happened. What is changed in a report, later engines and the kernel see.
//! 4. **Answer.** [`utrace_core::Action::Resume`] demands nothing, `Stop` holds the task until this engine calls
//!    [`utrace_core::EngineRef::control`], `Detach` ends the engine. To wait for something, return `Stop`, and have
//!    whoever has what was waited for resume the task; see [`inject`] for a timer that does.
//! 5. **Follow children** in the clone callback: attach a new value to the child. It has not run yet.
//! 6. **Bring results together** in an `Arc` that all values share, behind a lock that is held for moments.
//! 7. **Mind the order** only if it matters: syscall entry goes from the last attached engine to the first, every
//!    other event from the first to the last. The first is nearest to the kernel: an engine that changes results
//!    goes there ([`utrace_core::Place::First`]), so that those that watch see what the program will see.
//!
//! To make it a flag of the command line, give it a module here with an options struct and a table of
//! [`registry::OptionHelp`], implement [`tool::Tool`] for it, and add a row to [`registry::all`]: help, completions
//! and error messages follow. Test it with reports made by hand (as the tests of this crate do) or on the sim
//! host of the testkit; neither needs a real process.
//!
//! No engine knows which host runs it: they see tasks and events of [`utrace_core`] and names of [`utrace_abi`].

pub mod choices;
pub mod inject;
pub mod log;
pub mod output;
pub mod ptrace;
pub mod registry;
pub mod render;
pub mod sets;
pub mod spec;
pub mod stats;
pub mod tool;

mod suggest;

#[cfg(test)]
mod testing;
