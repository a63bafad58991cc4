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
//! To change how something is shown, open: `walk` for order and separators; `arg` and `structure` for the map from a
//! kind ([`utrace_abi::Arg`]) to its family; then the family: `strings`, `flags`, `stat`, `time`, `signal`, `process`,
//! `net`, `netlink`, `message`, `sockopt`, `poll`, `futex`, `fcntl`, `ioctl`, `prctl`, `ptrace`, `ipc`, `keys`, `system`,
//! `uncommon`; `result` for what follows `=`. Which kind an argument has is said in the tables of the abi crate.
//! `tests/strace_cases` holds the lines that all this must reproduce.
//!
//! No I/O and no state between calls: what must be remembered from entry to exit is the [`Pending`] that
//! [`Renderer::entry`] returns.

mod arg;
mod cx;
mod fcntl;
mod flags;
mod futex;
mod ioctl;
mod ipc;
mod keys;
mod message;
mod net;
mod netlink;
mod poll;
mod prctl;
mod process;
mod ptrace;
mod result;
mod signal;
mod sockopt;
mod stat;
mod strings;
mod structure;
mod system;
pub mod text;
mod time;
mod uncommon;
mod walk;

#[cfg(test)]
mod tests;

use cx::Cx;
use utrace_abi::{Abi, Ret, SigInfo, SyscallInfo};

use crate::choices::{Choice, Choices};

/// The traced program's memory, and what its descriptors stand for.
pub trait Memory {
    /// Reads up to `buf.len()` bytes at `addr` and says how many could be read; 0 when the address is bad.
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize;

    /// Appends the target of descriptor `fd` (a path, `socket:[123]`) and answers true; used with any
    /// [`FdDetail`].
    ///
    /// `AT_FDCWD` (-100) asks for the working directory.
    fn fd_path(&mut self, _fd: i32, _out: &mut String) -> bool {
        false
    }

    /// Appends what is to be shown in place of the target `path` of descriptor `fd`, if one of the `wanted`
    /// details applies to it, and answers true.
    fn fd_detail(&mut self, _fd: i32, _path: &str, _wanted: Choices<FdDetail>, _out: &mut String) -> bool {
        false
    }

    /// The protocol family of a netlink socket (`NETLINK_ROUTE` is 0), if `fd` is one.
    fn netlink_family(&mut self, _fd: i32) -> Option<u32> {
        None
    }

    /// The stack pointer, if it is known: `rt_sigreturn` finds its frame there.
    fn stack_pointer(&mut self) -> Option<u64> {
        None
    }

    /// Appends the name of network interface `index` (`lo`) and answers true.
    fn interface_name(&mut self, _index: u32, _out: &mut String) -> bool {
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

/// What is shown of a descriptor beside its number; nothing unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FdDetail {
    /// `3</etc/passwd>`, strace's `-y`.
    Path,
    /// `3<TCP:[127.0.0.1:80->127.0.0.1:4711]>`
    Socket,
    /// `3</dev/null<char 1:3>>`
    Dev,
    /// `3<pid:4711>`
    Pidfd,
}

impl Choice for FdDetail {
    const NAMES: &'static [(&'static str, FdDetail)] = &[
        ("path", FdDetail::Path),
        ("socket", FdDetail::Socket),
        ("dev", FdDetail::Dev),
        ("pidfd", FdDetail::Pidfd),
    ];
    const WHAT: &'static str = "detail of descriptors";

    fn place(self) -> u32 {
        self as u32
    }
}

/// How named values are shown, strace's `-X`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Constants {
    /// `O_RDONLY|O_CLOEXEC`
    #[default]
    Names,
    /// `0x80000`
    Raw,
    /// `0x80000 /* O_RDONLY|O_CLOEXEC */`
    Both,
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
    /// Descriptors (`-y`, `-yy`).
    pub fds: Choices<FdDetail>,
    /// Named values (`-X`).
    pub constants: Constants,
    /// Strings (`-x`, `-xx`).
    pub strings: StringStyle,
    /// Structures (`-v`).
    pub detail: Detail,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            string_limit: 32,
            fds: Choices::NONE,
            constants: Constants::default(),
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
    /// Arguments dealt with, in the order of showing.
    done: u8,
    /// Arguments shown.
    count: u8,
    /// Whether the separator before the next argument stands already.
    separated: bool,
    /// Whether nothing is left for exit.
    complete: bool,
    /// A word that the kernel may change before exit.
    saved: u64,
    spans: [(u32, u32); 6],
}

impl Pending {
    fn span(&mut self, from: usize, to: usize) {
        if let Some(span) = self.spans.get_mut(usize::from(self.count)) {
            *span = (from as u32, to as u32);
        }
        self.count += 1;
    }

    /// The argument shown last grew to `to`.
    fn stretch(&mut self, to: usize) {
        if let Some(span) = usize::from(self.count).checked_sub(1).and_then(|at| self.spans.get_mut(at)) {
            span.1 = to as u32;
        }
    }

    /// Whether every argument was shown at entry, so that only the result is missing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

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

    /// The same, showing so much of a structure.
    #[must_use]
    pub fn with_detail(mut self, detail: Detail) -> Self {
        self.options.detail = detail;
        self
    }

    /// Appends `name(` and all arguments as bare numbers.
    pub fn raw(&self, call: &Call, out: &mut String) -> Pending {
        let mut pending = Pending { complete: true, ..Pending::default() };
        name(call, out);
        out.push('(');
        let count = call.info().map_or(call.args.len(), |info| info.args.len());
        for (at, arg) in call.args.iter().take(count).enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            let from = out.len();
            cx::push_hex(out, *arg);
            pending.span(from, out.len());
        }
        pending
    }

    /// Appends the result as a bare number, if it is no error.
    pub fn raw_result(&self, call: &Call, outcome: Outcome, memory: &mut dyn Memory, out: &mut String) {
        let mut cx = Cx { options: &self.options, call, memory, out, outcome: Some(outcome), saved: 0 };
        result::result(&mut cx, Ret::Hex);
    }

    /// As [`signal()`], with these options.
    pub fn signal(&self, info: &SigInfo, out: &mut String) {
        let (number, call) = (info.signo() as u64, Call::new(0, [0; 6]));
        // Its name stands in front in every style.
        match info.signal() {
            Some(signal) => out.push_str(signal.name()),
            None => cx::push_dec(out, number as i64),
        }
        out.push(' ');
        let mut cx =
            Cx { options: &self.options, call: &call, memory: &mut NoMemory, out, outcome: None, saved: 0 };
        signal::info(&mut cx, &cx::Bytes(*info.as_bytes()));
    }

    /// Its options.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Appends `name(` and every argument that is known at entry.
    pub fn entry(&self, call: &Call, memory: &mut dyn Memory, out: &mut String) -> Pending {
        let mut pending = Pending::default();
        name(call, out);
        out.push('(');
        let mut cx = Cx { options: &self.options, call, memory, out, outcome: None, saved: 0 };
        walk::walk(&mut cx, &mut pending);
        pending.saved = cx.remember();
        pending
    }

    /// Appends the arguments that are only known at exit, and `)`.
    ///
    /// A call that never returned ends as strace ends it: ` <unfinished ...>)` if arguments are missing.
    pub fn exit(
        &self,
        call: &Call,
        pending: &mut Pending,
        outcome: Outcome,
        memory: &mut dyn Memory,
        out: &mut String,
    ) {
        if outcome == Outcome::Unknown && !pending.complete {
            return out.push_str(" <unfinished ...>)");
        }
        let saved = pending.saved;
        let mut cx = Cx { options: &self.options, call, memory, out, outcome: Some(outcome), saved };
        if !pending.complete {
            walk::walk(&mut cx, pending);
        }
        out.push(')');
    }

    /// Appends `= 3`, `= -1 ENOENT (No such file or directory)`, `= ?` and the like.
    pub fn result(&self, call: &Call, outcome: Outcome, memory: &mut dyn Memory, out: &mut String) {
        let mut cx = Cx { options: &self.options, call, memory, out, outcome: Some(outcome), saved: 0 };
        result::result(&mut cx, call.info().map_or(Ret::Dec, |info| info.ret));
    }
}

/// Appends the name of a call, `syscall_0x1ff` for an unknown number.
pub fn name(call: &Call, out: &mut String) {
    match call.info() {
        Some(info) => out.push_str(info.name),
        None => {
            out.push_str("syscall_0x");
            cx::push_radix(out, call.nr, 16, 1);
        }
    }
}

/// Appends a delivered signal as strace's `--- … ---` lines show it, without the dashes:
/// `SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=1, si_uid=0}`.
pub fn signal(info: &SigInfo, out: &mut String) {
    Renderer::default().signal(info, out);
}

/// Renders one call entirely, for fuzzing: any number, arguments, outcome and memory give some bounded text.
pub fn render_all(renderer: &Renderer, call: &Call, outcome: Outcome, memory: &mut dyn Memory) -> String {
    let mut out = String::new();
    let mut pending = renderer.entry(call, memory, &mut out);
    renderer.exit(call, &mut pending, outcome, memory, &mut out);
    out.push(' ');
    renderer.result(call, outcome, memory, &mut out);
    out
}
