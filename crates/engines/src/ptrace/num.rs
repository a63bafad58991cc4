//! Numbers of the calls and errors that this engine speaks of, as the kernel's headers have them.

/// `ptrace`, `wait4`, `waitid`, `pause` of the x86-64 table.
pub(super) const PTRACE: u64 = 101;
pub(super) const WAIT4: u64 = 61;
pub(super) const WAITID: u64 = 247;
pub(super) const PAUSE: u64 = 34;
/// `pread64`, `pwrite64`.
pub(super) const PREAD64: u64 = 17;
pub(super) const RT_SIGRETURN: u64 = 15;
pub(super) const PWRITE64: u64 = 18;
pub(super) const EXECVE: u64 = 59;
pub(super) const PREADV: u64 = 295;
pub(super) const PWRITEV: u64 = 296;
pub(super) const EXECVEAT: u64 = 322;

/// `lseek`.
pub(super) const LSEEK: u64 = 8;

/// `open`, `openat`, and flags of theirs.
pub(super) const OPEN: u64 = 2;
pub(super) const OPENAT: u64 = 257;
pub(super) const FSTATFS: u64 = 138;
/// All but `O_LARGEFILE`, which says nothing, as `O_RDONLY` does.
pub(super) const O_OTHER: u32 = !0x8000;

/// `rt_sigaction`, and the calls by which a program can see a signal that it neither handles nor ignores:
/// `rt_sigpending`, `rt_sigtimedwait`, `signalfd`, `signalfd4`.
pub(super) const SIGACTION: u64 = 13;
pub(super) const FETCHES: [u64; 4] = [127, 128, 282, 289];

/// `tkill`, `tgkill`.
pub(super) const TKILL: u64 = 200;
pub(super) const TGKILL: u64 = 234;

/// `prctl` with `PR_SET_SECCOMP`, `seccomp`.
pub(super) const PRCTL: u64 = 157;
pub(super) const PR_GET_SECCOMP: u32 = 21;
pub(super) const PR_SET_SECCOMP: u32 = 22;
pub(super) const SECCOMP: u64 = 317;

/// `ptrace` of the 32-bit table.
pub(super) const PTRACE_I386: u64 = 26;

/// errno(3).
pub(super) const EPERM: i64 = -1;
pub(super) const ENOENT: i64 = -2;
pub(super) const ESRCH: i64 = -3;
pub(super) const EIO: i64 = -5;
pub(super) const E2BIG: i64 = -7;
pub(super) const EACCES: i64 = -13;
pub(super) const EFAULT: i64 = -14;
pub(super) const EINVAL: i64 = -22;
pub(super) const ERANGE: i64 = -34;
pub(super) const ENOSYS: i64 = -38;
pub(super) const EOPNOTSUPP: i64 = -95;
/// `include/linux/errno.h`: restart if the handler has `SA_RESTART`; restart if there is no handler.
pub(super) const ERESTARTSYS: i64 = -512;
/// It begins again, whatever comes before.
pub(super) const ERESTARTNOINTR: i64 = -513;
pub(super) const ERESTARTNOHAND: i64 = -514;

/// signal(7).
pub(super) const SIGTRAP: u32 = 5;
pub(super) const SIGKILL: u32 = 9;
pub(super) const SIGCHLD: u32 = 17;
pub(super) const SIGCONT: u32 = 18;
pub(super) const SIGSTOP: u32 = 19;

/// Whether a thread for which this signal and a SIGSTOP wait takes this one first: faults, then the lowest number
/// (`next_signal` in kernel/signal.c).
pub(super) fn is_before_sigstop(number: u32) -> bool {
    const SIGSYS: u32 = 31;
    number < SIGSTOP || number == SIGSYS
}

/// Flags of clone(2).
pub(super) const CLONE_PTRACE: u64 = 0x2000;
pub(super) const CLONE_VFORK: u64 = 0x4000;
pub(super) const CLONE_PARENT: u64 = 0x8000;
pub(super) const CLONE_UNTRACED: u64 = 0x0080_0000;
