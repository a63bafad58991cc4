//! The face of a quiescent task: memory, registers and what the host knows about it.
//!
//! Key types: [`Target`], [`Addr`], [`TargetError`]. A host implements [`Target`] for a task that it holds; a
//! callback gets it from [`crate::Cx::target`], a controller from an examination. Nothing here decodes: bytes
//! and register sets have the layout that the host's ABI crate describes.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// An address in a task's own address space.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Addr(pub u64);

impl Addr {
    /// The address `bytes` further on, wrapping at the end of the address space.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Addr {
        Addr(self.0.wrapping_add(bytes))
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Which register set: the ELF note type that names it on Linux (`NT_PRSTATUS` and so on, elf.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Regset(pub u32);

/// Why an access to a task failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetError {
    /// The task died while it was held. Only SIGKILL does that (INV-34).
    Died,
    /// Nothing is mapped there, or not with that permission.
    Fault(Addr),
    /// The host has no such register set, or no way to do this.
    Unsupported,
    /// The operating system refused, with its own error number.
    Refused(i32),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::Died => f.write_str("the task died"),
            TargetError::Fault(at) => write!(f, "no access to memory at {at}"),
            TargetError::Unsupported => f.write_str("this host cannot do that"),
            TargetError::Refused(errno) => write!(f, "refused by the system (errno {errno})"),
        }
    }
}

impl core::error::Error for TargetError {}

/// A task whose state can be examined and changed now.
///
/// Memory calls move as many bytes as they can and answer how many; they fail only if not even the first byte
/// was there.
pub trait Target {
    /// Reads memory at `at` into `buf`; answers how many bytes were readable.
    ///
    /// # Errors
    /// [`TargetError::Fault`] if not even one byte is readable, [`TargetError::Died`].
    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError>;

    /// Writes `bytes` at `at`, also where the task itself may only read or execute.
    ///
    /// # Errors
    /// As [`Target::read`].
    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError>;

    /// Reads as the system reads for the task in one of its calls: only what the task itself may read.
    ///
    /// # Errors
    /// As [`Target::read`].
    fn fetch(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        self.read(at, buf)
    }

    /// Writes as the system writes for the task in one of its calls: only where the task itself may write.
    ///
    /// # Errors
    /// As [`Target::read`].
    fn store(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        self.write(at, bytes)
    }

    /// Copies a register set into `buf`; answers its size in bytes.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] for a set that this task does not have.
    fn regset(&mut self, set: Regset, buf: &mut [u8]) -> Result<usize, TargetError>;

    /// Replaces a register set. Takes effect when the task runs again.
    ///
    /// # Errors
    /// As [`Target::regset`].
    fn set_regset(&mut self, set: Regset, bytes: &[u8]) -> Result<(), TargetError>;

    /// Whether nobody has changed the registers since the task's stop was reported, so that what the report said of them
    /// still holds. A host that does not know says no.
    fn is_as_reported(&mut self) -> bool {
        false
    }

    /// What the task's file descriptor `fd` refers to, as the system names it (`/etc/passwd`, `socket:[42]`).
    ///
    /// The number that the system reads as the working directory (`AT_FDCWD` on Linux) names that.
    fn fd_path(&mut self, _fd: i32) -> Option<Vec<u8>> {
        None
    }

    /// The program that the task runs, and its short name (at most 15 bytes on Linux).
    fn program(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// How much processor time the task has spent inside the kernel.
    fn system_time(&mut self) -> Option<Duration> {
        None
    }

    /// What the task's process, and what it waited for, has used, as of its last news: the words of the system's own
    /// structure (on Linux `struct rusage`, getrusage(2)). A host that counts only when asked answers `None` until then.
    fn usage(&mut self) -> Option<[i64; 18]> {
        None
    }

    /// Has the system that runs the task carry out a request of its own kind: what no other method here names.
    ///
    /// On Linux `request` is a `PTRACE_*` that looks at a stopped task or changes it, `argument` its `addr`, and `buf`
    /// what its `data` points to, read or written. Which ones are taken is the host's to say. Answers what the
    /// system answers.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] for a request that is not taken; [`TargetError::Died`], [`TargetError::Refused`].
    fn request(&mut self, _request: u32, _argument: u64, _buf: &mut [u8]) -> Result<u64, TargetError> {
        Err(TargetError::Unsupported)
    }

    /// A debug register, 0 to 7, as its owner sees it.
    ///
    /// Several users share the processor's few breakpoints, and each has registers of its own under a number of its
    /// choice, unique for this task; 0 is the host's. What a trap says of breakpoints that were hit is in register 6.
    ///
    /// # Errors
    /// [`TargetError::Unsupported`] where there are none; [`TargetError::Refused`].
    fn debug_register(&mut self, _owner: u64, _number: usize) -> Result<u64, TargetError> {
        Err(TargetError::Unsupported)
    }

    /// Writes one. A breakpoint counts once register 7 switches it on.
    ///
    /// # Errors
    /// As [`Target::debug_register`]; [`TargetError::Refused`] with `ENOSPC` when all are in use.
    fn set_debug_register(&mut self, _owner: u64, _number: usize, _value: u64) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }

    /// Leaves with the task what an owner has switched on; the owner has nothing any more. Its hits are the program's, until
    /// another user without registers of its own takes them over. May be called while the task runs.
    fn leave_debug_registers(&mut self, owner: u64) {
        self.release_debug_registers(owner);
    }

    /// Gives back everything that an owner has. May be called while the task runs.
    fn release_debug_registers(&mut self, _owner: u64) {}

    /// Sends the task a signal, as kill(2) to just this thread would.
    ///
    /// # Errors
    /// [`TargetError::Died`], [`TargetError::Refused`].
    fn send_signal(&mut self, _number: u32) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}
