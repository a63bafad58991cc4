//! The syscall tables: number -> name, argument kinds, return kind and classes, and back.
//!
//! [`lookup`] answers by number with one array access (it runs at every stop), [`by_name`] by name (it runs when
//! options are parsed). [`Arg`] says what an argument means so that a renderer can be table-driven; [`Classes`] are
//! strace's `%file`, `%network`, ….
//!
//! The tables say nothing about how a value is printed.

mod arg;
mod classes;
mod i386;
mod x86_64;

#[cfg(test)]
mod tests;

pub use arg::{Arg, Phase};
pub use classes::Classes;

/// Which syscall table a task uses: `int $0x80` from a 64-bit program means [`Abi::I386`] too.
///
/// The x32 ABI (bit 30 of the number) is not told apart: no distribution enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Abi {
    /// 64-bit x86, `AUDIT_ARCH_X86_64`.
    #[default]
    X86_64,
    /// 32-bit x86, `AUDIT_ARCH_I386`.
    I386,
}

impl Abi {
    /// The ABI for the `arch` field of `ptrace_syscall_info` or of seccomp data; `None` for a foreign machine.
    #[must_use]
    pub fn from_audit_arch(arch: u32) -> Option<Self> {
        match arch {
            crate::ptrace::AUDIT_ARCH_X86_64 => Some(Self::X86_64),
            crate::ptrace::AUDIT_ARCH_I386 => Some(Self::I386),
            _ => None,
        }
    }

    /// Size of a pointer and of `long`, in bytes.
    #[must_use]
    pub const fn word(self) -> usize {
        match self {
            Self::X86_64 => 8,
            Self::I386 => 4,
        }
    }
}

/// What a syscall returns when it does not fail, as far as printing it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// A signed number (a count, a process id, zero).
    Dec,
    /// An unsigned number (a user id, clock ticks).
    ULong,
    /// An address or other value shown in hex.
    Hex,
    /// A file mode, octal (`umask`).
    Octal,
    /// A new file descriptor.
    Fd,
    /// Nothing comes back (`exit_group`).
    Never,
    /// Ready descriptors: the result is followed by those with events (`poll`).
    Poll,
    /// Ready descriptors of `select`, with the sets that are left.
    Select,
    /// By request (`ioctl`).
    Ioctl,
    /// By command (`fcntl`).
    Fcntl,
    /// By operation (`prctl`).
    Prctl,
    /// Seconds since the epoch.
    Time,
    /// Number of messages sent or received at once.
    Mmsg,
    /// A clock state, `TIME_OK` and so on.
    Timex,
    /// A personality word.
    Personality,
    /// A signal number.
    Signal,
    /// A scheduling policy.
    SchedPolicy,
    /// An I/O priority.
    Ioprio,
    /// The entry that `set_thread_area` chose.
    ThreadArea,
    /// `membarrier` commands, by command.
    Membarrier,
}

/// One syscall of one [`Abi`].
#[derive(Debug)]
pub struct SyscallInfo {
    /// Number in its own table.
    pub nr: u32,
    /// Name as strace prints it and as `trace=` takes it.
    pub name: &'static str,
    /// Meaning of each argument, in order. [`Arg::Skip`] is passed to the kernel but not shown.
    pub args: &'static [Arg],
    /// Meaning of the result.
    pub ret: Ret,
    /// strace's classes.
    pub classes: Classes,
}

impl SyscallInfo {
    /// Number of arguments shown to a user.
    #[must_use]
    pub fn arg_count(&self) -> usize {
        self.args.iter().filter(|arg| !matches!(arg, Arg::Skip)).count()
    }
}

/// One table row; keeps the tables narrow.
const fn row(nr: u32, name: &'static str, args: &'static [Arg], ret: Ret, classes: Classes) -> SyscallInfo {
    SyscallInfo { nr, name, args, ret, classes }
}

/// One above the highest number known to either table.
pub const LIMIT: usize = 512;

/// Position in a table for each number; `u16::MAX` is a hole.
type Index = [u16; LIMIT];

const fn index(table: &[SyscallInfo]) -> Index {
    let mut out = [u16::MAX; LIMIT];
    let mut at = 0;
    while at < table.len() {
        out[table[at].nr as usize] = at as u16;
        at += 1;
    }
    out
}

static X86_64_INDEX: Index = index(x86_64::TABLE);
static I386_INDEX: Index = index(i386::TABLE);

/// The syscall `nr` of `abi`, or `None` when the number is unknown.
#[must_use]
#[inline]
pub fn lookup(abi: Abi, nr: u64) -> Option<&'static SyscallInfo> {
    let (index, table) = match abi {
        Abi::X86_64 => (&X86_64_INDEX, x86_64::TABLE),
        Abi::I386 => (&I386_INDEX, i386::TABLE),
    };
    let at = *index.get(usize::try_from(nr).ok()?)?;
    table.get(usize::from(at))
}

/// The syscall called `name` in `abi`. Linear: meant for parsing options, not for stops.
#[must_use]
pub fn by_name(abi: Abi, name: &str) -> Option<&'static SyscallInfo> {
    all(abi).iter().find(|info| info.name == name)
}

/// Every syscall of `abi`, by rising number.
#[must_use]
pub fn all(abi: Abi) -> &'static [SyscallInfo] {
    match abi {
        Abi::X86_64 => x86_64::TABLE,
        Abi::I386 => i386::TABLE,
    }
}
