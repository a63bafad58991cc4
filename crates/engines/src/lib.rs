//! utrace: the engines log, stats and inject.
//!
//! | module | holds |
//! |---|---|
//! | [`registry`] | the engines by name, their options, text to tool |
//! | [`tool`] | what a controller does with a tool: attach, finish |
//! | [`log`], [`stats`], [`inject`] | the engines |
//! | [`sets`] | strace's grammar for sets of syscalls and signals |
//! | [`spec`] | flag values taken apart; mistakes with their place |
//! | [`output`] | files and stderr, and their first failure |
//! | [`render`] | a syscall as text |
//!
//! No engine knows which host runs it: they see tasks and events of [`utrace_core`] and names of [`utrace_abi`].

pub mod inject;
pub mod log;
pub mod output;
pub mod registry;
pub mod render;
pub mod sets;
pub mod spec;
pub mod stats;
pub mod tool;

mod suggest;

#[cfg(test)]
mod testing;
