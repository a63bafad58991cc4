//! `siginfo_t`: 128 bytes with typed access, and the names of `si_code`.
//!
//! The layout is that of 64-bit Linux (`include/uapi/asm-generic/siginfo.h`). Rendering is the engines' business.

use crate::bytes::{i32_at, u16_at, u32_at, u64_at};
use crate::signal::Signal;

/// Raw signal information.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigInfo([u8; Self::SIZE]);

/// The fields that matter for a signal, by its number and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// Sent by the kernel without details.
    Kernel,
    /// Sent by `kill`, `tkill` or `tgkill`.
    Kill {
        /// Sender.
        pid: i32,
        /// Its user.
        uid: u32,
    },
    /// Sent with a value (`sigqueue`, message queues, asynchronous I/O).
    Queue {
        /// Sender.
        pid: i32,
        /// Its user.
        uid: u32,
        /// The value.
        value: u64,
    },
    /// A POSIX timer.
    Timer {
        /// Timer id.
        id: i32,
        /// Overruns.
        overrun: i32,
        /// The value.
        value: u64,
    },
    /// `SIGCHLD`.
    Child {
        /// The child.
        pid: i32,
        /// Its user.
        uid: u32,
        /// Exit code, or signal number, as `code` says.
        status: i32,
        /// User time in clock ticks.
        utime: i64,
        /// System time in clock ticks.
        stime: i64,
    },
    /// `SIGSEGV`, `SIGBUS`, `SIGILL`, `SIGFPE`, `SIGTRAP`.
    Fault {
        /// Faulting address.
        addr: u64,
        /// Least significant bit of the address (machine checks), or the protection key.
        extra: u64,
    },
    /// `SIGIO`.
    Poll {
        /// Band event.
        band: i64,
        /// Descriptor.
        fd: i32,
    },
    /// `SIGSYS` from seccomp or syscall user dispatch.
    Sys {
        /// Address of the call.
        call_addr: u64,
        /// Number.
        syscall: i32,
        /// `AUDIT_ARCH_*`.
        arch: u32,
    },
}

macro_rules! codes {
    ($($name:ident = $value:expr;)*) => { $(#[doc = concat!("`", stringify!($name), "`.")] pub const $name: i32 = $value;)* };
}

codes! {
    SI_USER = 0;
    SI_KERNEL = 0x80;
    SI_QUEUE = -1;
    SI_TIMER = -2;
    SI_MESGQ = -3;
    SI_ASYNCIO = -4;
    SI_SIGIO = -5;
    SI_TKILL = -6;
    SI_DETHREAD = -7;
    SI_ASYNCNL = -60;
    CLD_EXITED = 1;
    CLD_KILLED = 2;
    CLD_DUMPED = 3;
    CLD_TRAPPED = 4;
    CLD_STOPPED = 5;
    CLD_CONTINUED = 6;
}

const GENERAL: &[(i32, &str)] = &[
    (SI_USER, "SI_USER"),
    (SI_KERNEL, "SI_KERNEL"),
    (SI_QUEUE, "SI_QUEUE"),
    (SI_TIMER, "SI_TIMER"),
    (SI_MESGQ, "SI_MESGQ"),
    (SI_ASYNCIO, "SI_ASYNCIO"),
    (SI_SIGIO, "SI_SIGIO"),
    (SI_TKILL, "SI_TKILL"),
    (SI_DETHREAD, "SI_DETHREAD"),
    (SI_ASYNCNL, "SI_ASYNCNL"),
];

/// Names of positive codes, from one on.
const ILL: &[&str] = &[
    "ILL_ILLOPC",
    "ILL_ILLOPN",
    "ILL_ILLADR",
    "ILL_ILLTRP",
    "ILL_PRVOPC",
    "ILL_PRVREG",
    "ILL_COPROC",
    "ILL_BADSTK",
    "ILL_BADIADDR",
];
const FPE: &[&str] = &[
    "FPE_INTDIV",
    "FPE_INTOVF",
    "FPE_FLTDIV",
    "FPE_FLTOVF",
    "FPE_FLTUND",
    "FPE_FLTRES",
    "FPE_FLTINV",
    "FPE_FLTSUB",
    "__FPE_DECOVF",
    "__FPE_DECDIV",
    "__FPE_DECERR",
    "__FPE_INVASC",
    "__FPE_INVDEC",
    "FPE_FLTUNK",
    "FPE_CONDTRAP",
];
const SEGV: &[&str] = &[
    "SEGV_MAPERR",
    "SEGV_ACCERR",
    "SEGV_BNDERR",
    "SEGV_PKUERR",
    "SEGV_ACCADI",
    "SEGV_ADIDERR",
    "SEGV_ADIPERR",
    "SEGV_MTEAERR",
    "SEGV_MTESERR",
];
const BUS: &[&str] = &["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"];
const TRAP: &[&str] = &["TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK", "TRAP_PERF"];
const CLD: &[&str] =
    &["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"];
const POLL: &[&str] = &["POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"];
const SYS: &[&str] = &["SYS_SECCOMP", "SYS_USER_DISPATCH"];

/// The name of `code` for signal number `signo`, such as `SEGV_MAPERR`; `None` if it has none.
#[must_use]
pub fn code_name(signo: i32, code: i32) -> Option<&'static str> {
    if let Some((_, name)) = GENERAL.iter().find(|(value, _)| *value == code) {
        return Some(name);
    }
    let names = match signo {
        4 => ILL,
        5 => TRAP,
        7 => BUS,
        8 => FPE,
        11 => SEGV,
        17 => CLD,
        29 => POLL,
        31 => SYS,
        _ => return None,
    };
    names.get(usize::try_from(code).ok()?.checked_sub(1)?).copied()
}

impl SigInfo {
    /// Size in bytes.
    pub const SIZE: usize = 128;

    /// From the kernel's bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    /// A signal as `kill(2)` would send it.
    #[must_use]
    pub fn kill(signal: Signal, pid: i32, uid: u32) -> Self {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&i32::from(signal.number()).to_le_bytes());
        bytes[16..20].copy_from_slice(&pid.to_le_bytes());
        bytes[20..24].copy_from_slice(&uid.to_le_bytes());
        Self(bytes)
    }

    /// The kernel's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// `si_signo`, raw.
    #[must_use]
    pub fn signo(&self) -> i32 {
        i32_at(&self.0, 0)
    }

    /// The signal, if `si_signo` names one.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        Signal::new(u64::try_from(self.signo()).ok()?)
    }

    /// `si_errno`.
    #[must_use]
    pub fn errno(&self) -> i32 {
        i32_at(&self.0, 4)
    }

    /// `si_code`.
    #[must_use]
    pub fn code(&self) -> i32 {
        i32_at(&self.0, 8)
    }

    /// `si_pid`, where the signal has one.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32_at(&self.0, 16)
    }

    /// `si_uid`, where the signal has one.
    #[must_use]
    pub fn uid(&self) -> u32 {
        u32_at(&self.0, 20)
    }

    /// `si_addr`, where the signal has one.
    #[must_use]
    pub fn addr(&self) -> u64 {
        u64_at(&self.0, 16)
    }

    /// `si_addr_lsb`, of machine checks.
    #[must_use]
    pub fn addr_lsb(&self) -> u16 {
        u16_at(&self.0, 24)
    }

    /// The fields that signal and code select.
    #[must_use]
    pub fn details(&self) -> Details {
        let b = &self.0;
        let (pid, uid) = (self.pid(), self.uid());
        match self.code() {
            SI_USER | SI_TKILL => return Details::Kill { pid, uid },
            SI_TIMER => {
                return Details::Timer { id: i32_at(b, 16), overrun: i32_at(b, 20), value: u64_at(b, 24) };
            }
            SI_KERNEL => return Details::Kernel,
            code if code < 0 => return Details::Queue { pid, uid, value: u64_at(b, 24) },
            _ => {}
        }
        match self.signo() {
            4 | 5 | 7 | 8 | 11 => Details::Fault { addr: self.addr(), extra: u64_at(b, 24) },
            17 => Details::Child {
                pid,
                uid,
                status: i32_at(b, 24),
                utime: u64_at(b, 32) as i64,
                stime: u64_at(b, 40) as i64,
            },
            29 => Details::Poll { band: u64_at(b, 16) as i64, fd: i32_at(b, 24) },
            31 => Details::Sys { call_addr: u64_at(b, 16), syscall: i32_at(b, 24), arch: u32_at(b, 28) },
            _ => Details::Kill { pid, uid },
        }
    }
}

impl core::fmt::Debug for SigInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SigInfo")
            .field("signo", &self.signo())
            .field("code", &self.code())
            .field("details", &self.details())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::size_of;

    #[test]
    fn size_and_codes_are_libcs() {
        assert_eq!(size_of::<libc::siginfo_t>(), SigInfo::SIZE);
        assert_eq!(SI_TKILL, libc::SI_TKILL);
        assert_eq!(SI_KERNEL, libc::SI_KERNEL);
        assert_eq!(CLD_CONTINUED, libc::CLD_CONTINUED);
        assert_eq!(code_name(libc::SIGTRAP, libc::TRAP_HWBKPT), Some("TRAP_HWBKPT"));
        assert_eq!(code_name(libc::SIGBUS, libc::BUS_MCEERR_AO), Some("BUS_MCEERR_AO"));
        assert_eq!(code_name(libc::SIGINT, 1), None);
    }

    #[test]
    fn kill_is_read_back() {
        let info = SigInfo::kill(Signal::SIGUSR1, 7, 1000);
        assert_eq!(info.signal(), Some(Signal::SIGUSR1));
        assert_eq!(info.details(), Details::Kill { pid: 7, uid: 1000 });
    }

    #[test]
    fn child_fields_are_at_the_kernels_offsets() {
        let mut bytes = [0; SigInfo::SIZE];
        bytes[0] = 17;
        bytes[8] = CLD_EXITED as u8;
        bytes[16] = 42;
        bytes[24] = 3;
        bytes[32] = 1;
        bytes[40] = 2;
        let expected = Details::Child { pid: 42, uid: 0, status: 3, utime: 1, stime: 2 };
        assert_eq!(SigInfo::from_bytes(bytes).details(), expected);
    }
}
