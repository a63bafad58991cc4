//! Numbers and layouts of `ptrace(2)`: requests, options, events, register set numbers, `ptrace_syscall_info`.
//!
//! Values are from `include/uapi/linux/ptrace.h`, `elf.h` and `audit.h`. Making the calls is the host's task.

use crate::bytes::{i32_at, u32_at, u64_at};

macro_rules! numbers {
    ($ty:ty: $($name:ident = $value:expr, $doc:literal;)*) => {
        $(#[doc = $doc] pub const $name: $ty = $value;)*
    };
}

numbers! { u32:
    PTRACE_TRACEME = 0, "Be traced by the parent.";
    PTRACE_PEEKTEXT = 1, "Read a word.";
    PTRACE_PEEKDATA = 2, "Read a word.";
    PTRACE_PEEKUSER = 3, "Read a word of the user area.";
    PTRACE_POKETEXT = 4, "Write a word.";
    PTRACE_POKEDATA = 5, "Write a word.";
    PTRACE_POKEUSER = 6, "Write a word of the user area.";
    PTRACE_CONT = 7, "Run on.";
    PTRACE_KILL = 8, "Kill (deprecated).";
    PTRACE_SINGLESTEP = 9, "Run one instruction.";
    PTRACE_GETREGS = 12, "Read the general registers.";
    PTRACE_SETREGS = 13, "Write the general registers.";
    PTRACE_GETFPREGS = 14, "Read the floating point registers.";
    PTRACE_SETFPREGS = 15, "Write the floating point registers.";
    PTRACE_ATTACH = 16, "Attach with a stop.";
    PTRACE_DETACH = 17, "Let go.";
    PTRACE_SYSCALL = 24, "Run to the next syscall stop.";
    PTRACE_SYSEMU = 31, "Run to the next syscall and skip it.";
    PTRACE_SYSEMU_SINGLESTEP = 32, "Step, skipping a syscall.";
    PTRACE_SINGLEBLOCK = 33, "Run to the next branch.";
    PTRACE_OLDSETOPTIONS = 21, "The same, by its number of Linux 2.4.";
    PTRACE_SETOPTIONS = 0x4200, "Set options.";
    PTRACE_GETEVENTMSG = 0x4201, "Read the event message.";
    PTRACE_GETSIGINFO = 0x4202, "Read the signal's information.";
    PTRACE_SETSIGINFO = 0x4203, "Write the signal's information.";
    PTRACE_GETREGSET = 0x4204, "Read a register set.";
    PTRACE_SETREGSET = 0x4205, "Write a register set.";
    PTRACE_SEIZE = 0x4206, "Attach without a stop.";
    PTRACE_INTERRUPT = 0x4207, "Ask a seized task to stop.";
    PTRACE_LISTEN = 0x4208, "Stay in group stop but listen.";
    PTRACE_PEEKSIGINFO = 0x4209, "Read queued signals.";
    PTRACE_GETSIGMASK = 0x420a, "Read the signal mask.";
    PTRACE_SETSIGMASK = 0x420b, "Write the signal mask.";
    PTRACE_SECCOMP_GET_FILTER = 0x420c, "Dump a seccomp filter.";
    PTRACE_SECCOMP_GET_METADATA = 0x420d, "Seccomp filter flags.";
    PTRACE_GET_SYSCALL_INFO = 0x420e, "Describe the syscall stop.";
    PTRACE_GET_RSEQ_CONFIGURATION = 0x420f, "Describe the rseq area.";
    PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG = 0x4210, "Set syscall user dispatch.";
    PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG = 0x4211, "Read syscall user dispatch.";
    PTRACE_SET_SYSCALL_INFO = 0x4212, "Change the syscall of a stop (Linux 6.16).";
    PTRACE_O_TRACESYSGOOD = 1, "Mark syscall stops with bit 7 of the signal.";
    PTRACE_O_TRACEFORK = 1 << 1, "Stop at and follow fork.";
    PTRACE_O_TRACEVFORK = 1 << 2, "Stop at and follow vfork.";
    PTRACE_O_TRACECLONE = 1 << 3, "Stop at and follow clone.";
    PTRACE_O_TRACEEXEC = 1 << 4, "Stop at exec.";
    PTRACE_O_TRACEVFORKDONE = 1 << 5, "Stop when vfork is over.";
    PTRACE_O_TRACEEXIT = 1 << 6, "Stop at exit.";
    PTRACE_O_TRACESECCOMP = 1 << 7, "Stop at SECCOMP_RET_TRACE.";
    PTRACE_O_EXITKILL = 1 << 20, "Kill the tracee when the tracer ends.";
    PTRACE_O_SUSPEND_SECCOMP = 1 << 21, "Suspend the tracee's seccomp filters.";
    NT_PRSTATUS = 1, "General registers.";
    NT_PRFPREG = 2, "Floating point registers (FXSAVE form).";
    NT_X86_XSTATE = 0x202, "Extended state (XSAVE form).";
    AUDIT_ARCH_X86_64 = 0xc000_003e, "64-bit x86.";
    AUDIT_ARCH_I386 = 0x4000_0003, "32-bit x86.";
    AUDIT_ARCH_AARCH64 = 0xc000_00b7, "64-bit Arm.";
}

/// The event part of a ptrace stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PtraceEvent {
    /// Before `fork` returns; the message is the child.
    Fork = 1,
    /// Before `vfork` returns; the message is the child.
    Vfork = 2,
    /// Before `clone` returns; the message is the child.
    Clone = 3,
    /// Before `execve` returns; the message is the former thread id.
    Exec = 4,
    /// `vfork` is over; the message is the child.
    VforkDone = 5,
    /// About to exit; the message is the wait status.
    Exit = 6,
    /// A seccomp filter asked; the message is its data.
    Seccomp = 7,
    /// Group stop, interrupt, or a new child's first stop.
    Stop = 128,
}

impl PtraceEvent {
    /// The event with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Fork,
            2 => Self::Vfork,
            3 => Self::Clone,
            4 => Self::Exec,
            5 => Self::VforkDone,
            6 => Self::Exit,
            7 => Self::Seccomp,
            128 => Self::Stop,
            _ => return None,
        })
    }
}

/// What `PTRACE_GET_SYSCALL_INFO` says of a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyscallStop {
    /// Not a syscall stop.
    None,
    /// Syscall entry.
    Entry {
        /// Number.
        nr: u64,
        /// Arguments.
        args: [u64; 6],
    },
    /// Syscall exit.
    Exit {
        /// Return value, negative errno for an error.
        rval: i64,
        /// Whether the kernel calls it an error.
        is_error: bool,
    },
    /// Entry seen through `SECCOMP_RET_TRACE`.
    Seccomp {
        /// Number.
        nr: u64,
        /// Arguments.
        args: [u64; 6],
        /// Data of the filter.
        ret_data: u32,
    },
    /// A kind that this version does not know.
    Unknown(u8),
}

/// `struct ptrace_syscall_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PtraceSyscallInfo {
    /// `AUDIT_ARCH_*` of the syscall.
    pub arch: u32,
    /// Instruction pointer.
    pub instruction_pointer: u64,
    /// Stack pointer.
    pub stack_pointer: u64,
    /// What the stop is.
    pub stop: SyscallStop,
}

impl PtraceSyscallInfo {
    /// Size of the kernel's form in bytes: what to pass as `addr`. Linux 6.16 grew nothing but gave padding a name.
    pub const SIZE: usize = 88;

    /// From the bytes that the kernel wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let args = || core::array::from_fn(|i| u64_at(bytes, 32 + 8 * i));
        let stop = match bytes.first().copied().unwrap_or(0) {
            0 => SyscallStop::None,
            1 => SyscallStop::Entry { nr: u64_at(bytes, 24), args: args() },
            2 => SyscallStop::Exit {
                rval: u64_at(bytes, 24) as i64,
                is_error: bytes.get(32).copied().unwrap_or(0) != 0,
            },
            3 => SyscallStop::Seccomp { nr: u64_at(bytes, 24), args: args(), ret_data: u32_at(bytes, 80) },
            other => SyscallStop::Unknown(other),
        };
        Self {
            arch: u32_at(bytes, 4),
            instruction_pointer: u64_at(bytes, 8),
            stack_pointer: u64_at(bytes, 16),
            stop,
        }
    }
}

/// `struct ptrace_rseq_configuration`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RseqConfiguration {
    /// Address of the area, zero if none is registered.
    pub abi_pointer: u64,
    /// Its size.
    pub abi_size: u32,
    /// Its signature.
    pub signature: u32,
    /// Its flags.
    pub flags: i32,
}

impl RseqConfiguration {
    /// Size of the kernel's form in bytes.
    pub const SIZE: usize = 24;

    /// From the bytes that the kernel wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self {
            abi_pointer: u64_at(bytes, 0),
            abi_size: u32_at(bytes, 8),
            signature: u32_at(bytes, 12),
            flags: i32_at(bytes, 16),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn numbers_agree_with_libc() {
        assert_eq!(PTRACE_SEIZE, libc::PTRACE_SEIZE);
        assert_eq!(PTRACE_LISTEN, libc::PTRACE_LISTEN);
        assert_eq!(PTRACE_GET_SYSCALL_INFO, libc::PTRACE_GET_SYSCALL_INFO);
        assert_eq!(PTRACE_O_EXITKILL as i32, libc::PTRACE_O_EXITKILL);
        assert_eq!(PTRACE_O_TRACESECCOMP as i32, libc::PTRACE_O_TRACESECCOMP);
        assert_eq!(PtraceEvent::Stop as i32, libc::PTRACE_EVENT_STOP);
        assert_eq!(PtraceEvent::VforkDone as i32, libc::PTRACE_EVENT_VFORK_DONE);
        assert_eq!(PTRACE_SYSEMU, libc::PTRACE_SYSEMU);
    }

    #[test]
    fn syscall_info_layout_is_libcs() {
        type C = libc::ptrace_syscall_info;
        assert_eq!(size_of::<C>(), PtraceSyscallInfo::SIZE);
        assert_eq!(offset_of!(C, arch), 4);
        assert_eq!(offset_of!(C, instruction_pointer), 8);
        assert_eq!(offset_of!(C, u), 24);
    }

    #[test]
    fn syscall_info_is_read() {
        let mut bytes = [0; PtraceSyscallInfo::SIZE];
        bytes[0] = 3;
        bytes[4..8].copy_from_slice(&AUDIT_ARCH_X86_64.to_le_bytes());
        bytes[24] = 39;
        bytes[72] = 6;
        bytes[80] = 9;
        let info = PtraceSyscallInfo::from_bytes(&bytes);
        assert_eq!(info.arch, AUDIT_ARCH_X86_64);
        assert_eq!(info.stop, SyscallStop::Seccomp { nr: 39, args: [0, 0, 0, 0, 0, 6], ret_data: 9 });
        bytes[0] = 2;
        bytes[24..32].copy_from_slice(&(-2_i64).to_le_bytes());
        bytes[32] = 1;
        assert_eq!(
            PtraceSyscallInfo::from_bytes(&bytes).stop,
            SyscallStop::Exit { rval: -2, is_error: true }
        );
        assert_eq!(PtraceSyscallInfo::from_bytes(&[]).stop, SyscallStop::None);
    }
}
