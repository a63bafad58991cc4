//! Syscalls as text, in the line format of strace 6.1.
//!
//! [`Renderer::entry`] writes what is known when a syscall is entered (`read(3, `), [`Renderer::exit`] the arguments
//! that the kernel filled and the closing parenthesis (`"abc", 10)`), [`Renderer::result`] what follows (`= 3`).
//! Entry and exit text together are exactly what strace prints; the split is where strace splits, so that an
//! interrupted line reads `read(3,  <unfinished ...>` and `<... read resumed>"abc", 10) = 3`. Padding to column 40
//! goes between [`Renderer::exit`] and [`Renderer::result`] and is the caller's, as are process ids and times.
//!
//! Everything is appended to one `String` that the caller reuses: no allocation on the common path. Memory of the
//! traced program comes through [`Memory`], which may fail or answer in part; unreadable pointers are shown in hex.
//!
//! No I/O and no state between calls: what must be remembered from entry to exit is the [`Pending`] that
//! [`Renderer::entry`] returns.

use utrace_abi::{Abi, SyscallInfo};

/// The traced program's memory, and what its descriptors stand for.
pub trait Memory {
    /// Reads up to `buf.len()` bytes at `addr` and says how many could be read; 0 when the address is bad.
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize;

    /// Appends the target of descriptor `fd` (a path, `socket:[123]`) and answers true; used with
    /// [`FdStyle::Path`].
    fn fd_path(&mut self, _fd: i32, _out: &mut String) -> bool {
        false
    }
}

/// No memory at all: every pointer stays a number.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl Memory for NoMemory {
    fn read(&mut self, _addr: u64, _buf: &mut [u8]) -> usize {
        0
    }
}

/// How descriptors are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FdStyle {
    /// `3`
    #[default]
    Number,
    /// `3</etc/passwd>`, strace's `-y`.
    Path,
}

/// How strings are quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StringStyle {
    /// Escapes where needed.
    #[default]
    Escaped,
    /// Strings with a byte outside ASCII all in hex, strace's `-x`.
    HexUnprintable,
    /// All strings in hex, strace's `-xx`.
    Hex,
}

/// How much of a structure is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Detail {
    /// The fields that matter, then `...`.
    #[default]
    Abbreviated,
    /// All fields, strace's `-v`.
    Full,
}

/// What to show and how.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest part of a string shown, in bytes (`-s`).
    pub string_limit: usize,
    /// Descriptors (`-y`).
    pub fds: FdStyle,
    /// Strings (`-x`, `-xx`).
    pub strings: StringStyle,
    /// Structures (`-v`).
    pub detail: Detail,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            string_limit: 32,
            fds: FdStyle::default(),
            strings: StringStyle::default(),
            detail: Detail::default(),
        }
    }
}

/// A syscall as it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whose table the number belongs to.
    pub abi: Abi,
    /// Number.
    pub nr: u64,
    /// Arguments.
    pub args: [u64; 6],
}

impl Call {
    /// A 64-bit call.
    #[must_use]
    pub const fn new(nr: u64, args: [u64; 6]) -> Self {
        Self { abi: Abi::X86_64, nr, args }
    }

    /// Its table row.
    #[must_use]
    pub fn info(&self) -> Option<&'static SyscallInfo> {
        utrace_abi::table::lookup(self.abi, self.nr)
    }
}

/// How a syscall ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this raw value; -4095 to -1 are errors.
    Returned(i64),
    /// It never returned: the thread ended, or was lost, inside it. Shown as `= ?`.
    Unknown,
}

/// What [`Renderer::exit`] must know of [`Renderer::entry`]: how far it got and where each argument stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    done: u8,
    count: u8,
    spans: [(u32, u32); 6],
}

impl Pending {
    /// The arguments rendered so far, out of the `String` that entry and exit wrote to.
    ///
    /// Entry and exit must have appended to the same string, as they do unless a line was split.
    pub fn args<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let spans = self.spans;
        (0..usize::from(self.count)).filter_map(move |at| {
            let (from, to) = spans[at.min(5)];
            text.get(from as usize..to as usize)
        })
    }
}

/// Renders syscalls with fixed [`Options`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Renderer {
    options: Options,
}

impl Renderer {
    /// A renderer with these options.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options }
    }

    /// Its options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Appends `name(` and every argument that is known at entry.
    pub fn entry(&self, call: &Call, memory: &mut dyn Memory, out: &mut String) -> Pending {
        let _ = memory;
        name(call, out);
        out.push('(');
        Pending::default()
    }

    /// Appends the arguments that are only known at exit, and `)`.
    pub fn exit(
        &self,
        call: &Call,
        pending: &mut Pending,
        outcome: Outcome,
        memory: &mut dyn Memory,
        out: &mut String,
    ) {
        let _ = (call, pending, outcome, memory);
        out.push(')');
    }

    /// Appends `= 3`, `= -1 ENOENT (No such file or directory)`, `= ?` and the like.
    pub fn result(&self, call: &Call, outcome: Outcome, memory: &mut dyn Memory, out: &mut String) {
        let _ = (call, memory);
        match outcome {
            Outcome::Unknown => out.push_str("= ?"),
            Outcome::Returned(value) => {
                use core::fmt::Write;
                let _ = write!(out, "= {value}");
            }
        }
    }
}

/// Appends the name of a call, `syscall_0x1ff` for an unknown number.
pub fn name(call: &Call, out: &mut String) {
    match call.info() {
        Some(info) => out.push_str(info.name),
        None => {
            use core::fmt::Write;
            let _ = write!(out, "syscall_{:#x}", call.nr);
        }
    }
}

/// Appends a delivered signal as strace's `--- … ---` lines show it, without the dashes:
/// `SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=1, si_uid=0}`.
pub fn signal(info: &utrace_abi::SigInfo, out: &mut String) {
    use core::fmt::Write;
    let _ = write!(out, "{info:?}");
}
