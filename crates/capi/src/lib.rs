//! libutrace: the C interface of utrace.
//!
//! `include/utrace.h` is what its users read: every function, its errors, who owns what. The names, constants
//! and error numbers of the historic kernel facility (spec section 2) stand there beside what user space needs
//! more. This crate is how it is done:
//!
//! | module | holds |
//! |---|---|
//! | `ffi` | the boundary: exported functions, raw pointers, calls into C; all unsafe code |
//! | `calls` | what `utrace_attach_task` and its kin do |
//! | `bridge` | an engine of the core whose callbacks are C's |
//! | `engine`, `task`, `session` | the objects that C holds: engines; tasks and pids; hosts and processes |
//! | `handles` | pointers of C as keys of a table, and the references that C holds |
//! | `action`, `regs`, `signal`, `errno` | numbers to meanings and back; pure |
//!
//! A pointer that comes from C is a key to look up, so a stale or foreign one is an error number and never
//! followed. What cannot be looked up (buffers, strings, the callback table) is read in `ffi` and nowhere else.
//! A panic ends at the boundary as `-EIO`. No policy lives here: what a call means is decided in the core.

mod action;
mod bridge;
mod calls;
mod engine;
mod errno;
mod ffi;
mod handles;
mod regs;
mod session;
mod signal;
mod task;
