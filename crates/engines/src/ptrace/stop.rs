//! What a stop looks like to a tracer: wait status, siginfo, event message and `ptrace_syscall_info`.
//!
//! Key types: [`Stop`], [`Face`]. Pure: ptrace(2) and the kernel's `ptrace_stop` turned into a table. When a stop is
//! made, and who sees it, is decided in [`super::tracee`].

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{AUDIT_ARCH_X86_64, PTRACE_O_TRACESYSGOOD, PtraceEvent, PtraceSyscallInfo};
use utrace_core::{SigInfo, SignalKind, SignalReport, Syscall};

use super::num::{self, SIGTRAP};
use super::peek;

/// `CLD_EXITED`, `CLD_KILLED`, `CLD_DUMPED`, `CLD_TRAPPED`, `CLD_STOPPED` (`asm-generic/siginfo.h`).
const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;
const CLD_DUMPED: i32 = 3;
pub(super) const CLD_TRAPPED: i32 = 4;
const CLD_STOPPED: i32 = 5;

/// A signal that the kernel made.
const SI_KERNEL: i32 = 0x80;

/// The mark that `PTRACE_O_TRACESYSGOOD` adds.
const GOOD: u32 = 0x80;

/// Where a system call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) arch: u32,
    pub(super) ip: u64,
    pub(super) sp: u64,
}

/// Where a task is: instruction and stack pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) ip: u64,
    pub(super) sp: u64,
}

impl Spot {
    /// Where a call is made, and where it comes back to; `None` for one that goes elsewhere.
    pub(super) fn of(call: &Syscall) -> Option<Spot> {
        let elsewhere = [num::EXECVE, num::EXECVEAT, num::RT_SIGRETURN].contains(&call.number);
        (!elsewhere).then_some(Spot { ip: call.ip.0, sp: call.sp.0 })
    }
}

/// One stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Before a system call.
    Entry { nr: u64, args: [u64; 6], arch: u32, spot: Spot },
    /// After one.
    Exit { value: i64, arch: u32, spot: Option<Spot> },
    /// A signal is about to be delivered.
    Signal(SigInfo),
    /// A `PTRACE_EVENT_*` with its message.
    Event(PtraceEvent, u64),
    /// The process is stopped by this signal.
    Group(u32),
    /// A step that was to deliver a signal has set up its handler, whose first instruction is next.
    InHandler,
    /// What INTERRUPT asked for, the first stop of a child of a seized task, or the end of a group stop.
    Interrupted,
}

/// What about the tracer decides how a stop looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Face {
    pub(super) seized: bool,
    pub(super) options: u32,
}

impl Face {
    fn has(self, option: u32) -> bool {
        self.options & option != 0
    }
}

impl Stop {
    /// What `WSTOPSIG` and the event bits above it show (the kernel's `exit_code` of a stop).
    pub(super) fn code(&self, face: Face) -> u32 {
        match self {
            Stop::Entry { .. } | Stop::Exit { .. } if face.has(PTRACE_O_TRACESYSGOOD) => SIGTRAP | GOOD,
            Stop::Entry { .. } | Stop::Exit { .. } | Stop::InHandler => SIGTRAP,
            Stop::Signal(info) => info.number,
            Stop::Event(event, _) => SIGTRAP | u32::from(*event as u8) << 8,
            Stop::Group(signal) if face.seized => signal | u32::from(PtraceEvent::Stop as u8) << 8,
            Stop::Group(signal) => *signal,
            Stop::Interrupted => SIGTRAP | u32::from(PtraceEvent::Stop as u8) << 8,
        }
    }

    /// The status that wait4(2) stores.
    pub(super) fn status(&self, face: Face) -> u32 {
        self.code(face) << 8 | 0x7f
    }

    /// `PTRACE_GETEVENTMSG`: the kernel sets it at each stop.
    pub(super) fn message(&self) -> u64 {
        match self {
            // PTRACE_EVENTMSG_SYSCALL_ENTRY and _EXIT.
            Stop::Entry { .. } => 1,
            Stop::Exit { .. } => 2,
            Stop::Event(_, message) => *message,
            Stop::Signal(_) | Stop::Group(_) | Stop::InHandler | Stop::Interrupted => 0,
        }
    }

    /// `PTRACE_GETSIGINFO`; `None` where the kernel has none (`EINVAL`).
    pub(super) fn siginfo(
        &self,
        face: Face,
        pid: impl FnOnce() -> u32,
        uid: impl FnOnce() -> u32,
    ) -> Option<[u8; 128]> {
        let signal = match self {
            Stop::Signal(info) => return Some(numbered(info)),
            Stop::Group(_) if !face.seized => return None,
            Stop::Group(signal) => *signal,
            _ => SIGTRAP,
        };
        Some(by_process(signal, self.code(face).cast_signed(), pid(), uid()))
    }

    /// `CLD_*` of the SIGCHLD.
    pub(super) fn child_code(&self) -> i32 {
        if let Stop::Group(_) = self { CLD_STOPPED } else { CLD_TRAPPED }
    }

    /// What [`Stop::syscall_info`] needs of the registers, if nobody has changed them since the stop; `None` if the stop does
    /// not tell.
    pub(super) fn registers(&self) -> Option<UserRegs> {
        let (spot, call) = match *self {
            Stop::Entry { nr, args: [rdi, rsi, rdx, r10, r8, r9], arch: AUDIT_ARCH_X86_64, spot } => {
                (spot, UserRegs { orig_rax: nr, rdi, rsi, rdx, r10, r8, r9, ..UserRegs::default() })
            }
            Stop::Exit { value, arch: AUDIT_ARCH_X86_64, spot: Some(spot) } => {
                (spot, UserRegs { rax: value.cast_unsigned(), ..UserRegs::default() })
            }
            _ => return None,
        };
        Some(UserRegs { rip: spot.ip, rsp: spot.sp, ..call })
    }

    /// `PTRACE_GET_SYSCALL_INFO`: the structure, and how much of it the kernel fills. It shows the registers
    /// as they are `now`, with what the tracer has made of the call.
    ///
    /// Without `PTRACE_O_TRACESYSGOOD` the kernel does not know a system-call stop for one
    /// (`ptrace_get_syscall_info_op`).
    pub(super) fn syscall_info(&self, face: Face, now: &UserRegs) -> ([u8; PtraceSyscallInfo::SIZE], usize) {
        let place = peek::place_of(now);
        let mut info = [0; PtraceSyscallInfo::SIZE];
        let mut put = |at: usize, bytes: &[u8]| info[at..at + bytes.len()].copy_from_slice(bytes);
        let good = face.has(PTRACE_O_TRACESYSGOOD);
        let (place, size) = match self {
            Stop::Entry { arch, .. } if good => {
                put(0, &[1]);
                put(24, &peek::number(now).to_le_bytes());
                for (n, arg) in peek::arguments(now, *arch).iter().enumerate() {
                    put(32 + 8 * n, &arg.to_le_bytes());
                }
                (Place { arch: *arch, ..place }, 80)
            }
            Stop::Event(PtraceEvent::Seccomp, told) => {
                put(0, &[3]);
                put(24, &peek::number(now).to_le_bytes());
                for (n, arg) in peek::arguments(now, place.arch).iter().enumerate() {
                    put(32 + 8 * n, &arg.to_le_bytes());
                }
                put(80, &told.to_le_bytes()[..4]);
                (place, 84)
            }
            Stop::Exit { arch, .. } if good => {
                let value = now.rax.cast_signed();
                put(0, &[2]);
                put(24, &value.to_le_bytes());
                put(32, &[u8::from((-4095..0).contains(&value))]);
                (Place { arch: *arch, ..place }, 33)
            }
            _ => (place, 24),
        };
        put(4, &place.arch.to_le_bytes());
        put(8, &place.ip.to_le_bytes());
        put(16, &place.sp.to_le_bytes());
        (info, size)
    }
}

/// `si_code`: the reason.
pub(super) fn code_of(info: &SigInfo) -> i32 {
    info.raw.get(8..12).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_le_bytes)
}

/// Whether this is a SIGCONT that a process has sent to a single thread.
pub(super) fn is_cont_of(info: &SigInfo, sender: u32) -> bool {
    let from = info.raw.get(16..20) == Some(&sender.to_le_bytes()[..]);
    info.number == super::num::SIGCONT && code_of(info) == super::steps::TKILL && from
}

/// Whether this is the trap of a breakpoint instruction (`SI_KERNEL`).
pub(super) fn is_int3(info: &SigInfo) -> bool {
    info.number == SIGTRAP && code_of(info) == SI_KERNEL
}

/// Whether this is the trap of a step (`TRAP_BRKPT` past a system call, `TRAP_TRACE`), which the program does not get.
pub(super) fn is_step(report: &SignalReport) -> bool {
    matches!(report.kind, SignalKind::Taken(_))
        && report.info.number == SIGTRAP
        && matches!(code_of(&report.info), 1 | 2)
}

/// Whether a stop by this signal is a tracer's own doing: the trap of its breakpoint or step, the SIGSTOP of its attach or halt.
pub(super) fn is_of_tracer(info: &SigInfo) -> bool {
    let code = code_of(info);
    info.number == SIGTRAP && code > 0
        || info.number == super::num::SIGSTOP && matches!(code, SI_KERNEL | super::steps::TKILL)
}

/// The bytes of a siginfo, with its number where the kernel has it.
fn numbered(info: &SigInfo) -> [u8; 128] {
    let mut raw = info.raw;
    raw[..4].copy_from_slice(&info.number.to_le_bytes());
    raw
}

/// A siginfo with the fields that kill(2) and the kernel's notices fill: number, code, process, user.
pub(super) fn by_process(signal: u32, code: i32, pid: u32, uid: u32) -> [u8; 128] {
    let mut raw = [0; 128];
    raw[..4].copy_from_slice(&signal.to_le_bytes());
    raw[8..12].copy_from_slice(&code.to_le_bytes());
    raw[16..20].copy_from_slice(&pid.to_le_bytes());
    raw[20..24].copy_from_slice(&uid.to_le_bytes());
    raw
}

/// A siginfo as waitid(2) fills it and SIGCHLD carries it.
pub(super) fn of_child(code: i32, pid: u32, uid: u32, status: u32) -> [u8; 128] {
    let mut raw = by_process(super::num::SIGCHLD, code, pid, uid);
    raw[24..28].copy_from_slice(&status.to_le_bytes());
    raw
}

/// `si_code` and `si_status` of a thread that ended with this wait status.
pub(super) fn of_end(status: u32) -> (i32, u32) {
    match status & 0x7f {
        0 => (CLD_EXITED, status >> 8 & 0xff),
        signal if status & 0x80 != 0 => (CLD_DUMPED, signal),
        signal => (CLD_KILLED, signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Face = Face { seized: false, options: 0 };
    const GOOD_SEIZED: Face = Face { seized: true, options: PTRACE_O_TRACESYSGOOD };

    fn entry() -> Stop {
        Stop::Entry { nr: 39, args: [1, 2, 3, 4, 5, 6], arch: 7, spot: Spot { ip: 8, sp: 9 } }
    }

    #[test]
    fn statuses_are_those_of_ptrace_2() {
        let signal = Stop::Signal(SigInfo { number: 10, raw: [0; 128] });
        let table = [
            (entry(), OLD, 0x057f),
            (entry(), GOOD_SEIZED, 0x857f),
            (signal, OLD, 0x0a7f),
            (Stop::Event(PtraceEvent::Exec, 5), OLD, 0x4057f),
            (Stop::Group(20), OLD, 0x147f),
            (Stop::Group(20), GOOD_SEIZED, 0x80_147f),
            (Stop::Interrupted, GOOD_SEIZED, 0x80_057f),
        ];
        for (stop, face, status) in table {
            assert_eq!(stop.status(face), status, "{stop:?}");
        }
    }

    #[test]
    fn a_group_stop_of_an_attached_task_has_no_siginfo() {
        assert_eq!(Stop::Group(19).siginfo(OLD, || 1, || 0), None);
        let info = Stop::Group(19).siginfo(GOOD_SEIZED, || 77, || 5).unwrap();
        assert_eq!((info[0], info[8], info[9], info[16], info[20]), (19, 19, 128, 77, 5));
    }

    #[test]
    fn syscall_info_says_what_the_options_let_it() {
        let mut now = UserRegs { orig_rax: 39, rip: 2, r9: 6, ..UserRegs::default() };
        let (info, size) = entry().syscall_info(GOOD_SEIZED, &now);
        assert_eq!((info[0], size, info[24], info[72]), (1, 80, 39, 6));
        let (info, size) = entry().syscall_info(OLD, &now);
        assert_eq!((info[0], size, info[8]), (0, 24, 2), "no TRACESYSGOOD, no op");
        now.rax = (-2_i64).cast_unsigned();
        let (info, size) = Stop::Exit { value: -2, arch: 7, spot: None }.syscall_info(GOOD_SEIZED, &now);
        assert_eq!((info[0], size, info[32]), (2, 33, 1));
    }

    #[test]
    fn ends_have_the_code_of_waitid() {
        assert_eq!(of_end(0x2a00), (CLD_EXITED, 42));
        assert_eq!(of_end(9), (CLD_KILLED, 9));
        assert_eq!(of_end(0x8b), (CLD_DUMPED, 11));
    }
}
