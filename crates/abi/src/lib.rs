#![no_std]
//! The Linux user-space ABI as data, for a tracer: which syscalls exist and what their arguments mean, the names
//! of errors and signals, the layouts that `ptrace(2)` and `wait(2)` hand over.
//!
//! | module | holds |
//! |---|---|
//! | [`table`] | syscalls by number and name, argument kinds, strace's classes (`%file`, `%network`, …) |
//! | [`flags`] | named values: open flags, socket options, ioctl requests and so on |
//! | [`errno`] | error numbers, names and texts, the kernel's internal restart codes |
//! | [`signal`], [`siginfo`] | signal numbers, names and sets; `siginfo_t` with typed access |
//! | [`wait`] | the wait status word, taken apart and put together |
//! | [`ptrace`] | requests, events, options, `ptrace_syscall_info`, register set numbers |
//! | [`regs`] | the x86-64 general registers as a plain struct |
//!
//! Nothing here reads memory, calls the kernel or formats a line: rendering lives in the engines crate, system
//! calls in the host crate. No `unsafe`, no `std`, no dependency.

#[cfg(test)]
extern crate std;

pub mod errno;
pub mod flags;
pub mod ptrace;
pub mod regs;
pub mod siginfo;
pub mod signal;
pub mod table;
pub mod wait;

mod bytes;

pub use errno::Errno;
pub use regs::UserRegs;
pub use siginfo::SigInfo;
pub use signal::{SigSet, Signal};
pub use table::{Abi, Arg, Classes, Ret, SyscallInfo};
pub use wait::WaitStatus;
