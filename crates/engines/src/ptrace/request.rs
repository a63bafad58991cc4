//! The requests of ptrace(2): which there are, and what is done with each.
//!
//! Key types: [`Row`]. [`TABLE`] is the one list; `docs/ptrace.md` is made from it (a test holds that), and
//! `super::serve` has an arm for each that it emulates.

use utrace_abi::ptrace as abi;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Answered from the state that this engine keeps.
    Emulated,
    /// Carried out on the tracee, which stands still.
    Forwarded,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its number.
    pub number: u32,
    /// Its name without `PTRACE_`.
    pub name: &'static str,
    /// What is done.
    pub treatment: Treatment,
    /// How, or why not.
    pub how: &'static str,
}

macro_rules! rows {
    ($($name:ident = $number:expr, $treatment:ident, $how:literal;)*) => {
        &[$(Row {
            number: $number,
            name: stringify!($name),
            treatment: Treatment::$treatment,
            how: $how,
        },)*]
    };
}

/// Every request of x86-64 Linux 6.x.
pub const TABLE: &[Row] = rows! {
    TRACEME = abi::PTRACE_TRACEME, Emulated, "links the caller to the thread that made its process";
    PEEKTEXT = abi::PTRACE_PEEKTEXT, Forwarded, "a word of memory";
    PEEKDATA = abi::PTRACE_PEEKDATA, Forwarded, "a word of memory";
    PEEKUSER = abi::PTRACE_PEEKUSER, Forwarded, "registers and debug registers; the rest of struct user reads as 0";
    POKETEXT = abi::PTRACE_POKETEXT, Forwarded, "a word of memory";
    POKEDATA = abi::PTRACE_POKEDATA, Forwarded, "a word of memory";
    POKEUSER = abi::PTRACE_POKEUSER, Forwarded, "registers and debug registers; EIO for the rest";
    CONT = abi::PTRACE_CONT, Emulated, "ends this tracer's hold";
    KILL = abi::PTRACE_KILL, Emulated, "sends SIGKILL";
    SINGLESTEP = abi::PTRACE_SINGLESTEP, Emulated, "ends this tracer's hold with one step";
    GETREGS = abi::PTRACE_GETREGS, Forwarded, "general registers";
    SETREGS = abi::PTRACE_SETREGS, Forwarded, "general registers";
    GETFPREGS = abi::PTRACE_GETFPREGS, Forwarded, "floating point registers";
    SETFPREGS = abi::PTRACE_SETFPREGS, Forwarded, "floating point registers";
    ATTACH = abi::PTRACE_ATTACH, Emulated, "links the caller; the stop is an interrupt, shown as SIGSTOP";
    DETACH = abi::PTRACE_DETACH, Emulated, "ends the link; other tracers keep theirs";
    GETFPXREGS = 18, Forwarded, "of 32-bit tracers; EIO to others";
    SETFPXREGS = 19, Forwarded, "of 32-bit tracers; EIO to others";
    SYSCALL = abi::PTRACE_SYSCALL, Emulated, "ends the hold; the next boundary of a call is reported";
    OLDSETOPTIONS = abi::PTRACE_OLDSETOPTIONS, Emulated, "as SETOPTIONS";
    GET_THREAD_AREA = 25, Forwarded, "a segment of a 32-bit thread";
    SET_THREAD_AREA = 26, Forwarded, "a segment of a 32-bit thread";
    ARCH_PRCTL = 30, Forwarded, "the bases of fs and gs";
    SYSEMU = abi::PTRACE_SYSEMU, Emulated, "the entry is a stop, and the call is skipped for all";
    SYSEMU_SINGLESTEP = abi::PTRACE_SYSEMU_SINGLESTEP, Emulated, "the same, with a step";
    SINGLEBLOCK = abi::PTRACE_SINGLEBLOCK, Emulated, "ends this tracer's hold with a block step";
    SETOPTIONS = abi::PTRACE_SETOPTIONS, Emulated, "each link has options of its own";
    GETEVENTMSG = abi::PTRACE_GETEVENTMSG, Emulated, "of the present stop";
    GETSIGINFO = abi::PTRACE_GETSIGINFO, Emulated, "of the present stop";
    SETSIGINFO = abi::PTRACE_SETSIGINFO, Emulated, "delivered when the signal is let through";
    GETREGSET = abi::PTRACE_GETREGSET, Forwarded, "by ELF note";
    SETREGSET = abi::PTRACE_SETREGSET, Forwarded, "by ELF note";
    SEIZE = abi::PTRACE_SEIZE, Emulated, "links the caller; nothing stops";
    INTERRUPT = abi::PTRACE_INTERRUPT, Emulated, "a stop of this link";
    LISTEN = abi::PTRACE_LISTEN, Emulated, "the end of the group stop will be told";
    PEEKSIGINFO = abi::PTRACE_PEEKSIGINFO, Forwarded, "64 at a time";
    GETSIGMASK = abi::PTRACE_GETSIGMASK, Forwarded, "the blocked signals";
    SETSIGMASK = abi::PTRACE_SETSIGMASK, Forwarded, "the blocked signals";
    SECCOMP_GET_FILTER = abi::PTRACE_SECCOMP_GET_FILTER, Forwarded, "without the filter that this tool put below all others";
    SECCOMP_GET_METADATA = abi::PTRACE_SECCOMP_GET_METADATA, Forwarded, "as before";
    GET_SYSCALL_INFO = abi::PTRACE_GET_SYSCALL_INFO, Emulated, "of the present stop";
    GET_RSEQ_CONFIGURATION = abi::PTRACE_GET_RSEQ_CONFIGURATION, Forwarded, "as the kernel has it";
    SET_SYSCALL_USER_DISPATCH_CONFIG = abi::PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, Forwarded, "as the kernel has it";
    GET_SYSCALL_USER_DISPATCH_CONFIG = abi::PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, Forwarded, "as the kernel has it";
    SET_SYSCALL_INFO = abi::PTRACE_SET_SYSCALL_INFO, Emulated, "at the entry and the exit of a call";
};

/// The table of `docs/ptrace.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| request | | |\n|---|---|---|\n");
    for row in TABLE {
        let what = match row.treatment {
            Treatment::Emulated => "emulated",
            Treatment::Forwarded => "forwarded",
        };
        text.push_str(&format!("| `{}` | {what} | {} |\n", row.name, row.how));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_request_has_one_row() {
        let numbers: BTreeSet<u32> = TABLE.iter().map(|row| row.number).collect();
        assert_eq!(numbers.len(), TABLE.len());
        for number in (0..10).chain([12, 13, 14, 15, 16, 17, 24, 31, 32, 33]).chain(0x4200..=0x4212) {
            assert!(numbers.contains(&number), "{number:#x}");
        }
    }

    #[test]
    fn the_document_is_not_stale() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ptrace.md");
        let document = std::fs::read_to_string(path).unwrap();
        assert!(document.contains(&markdown()), "put this into docs/ptrace.md:\n{}", markdown());
    }
}
