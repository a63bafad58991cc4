//! Processes: creation, waiting, limits, scheduling, `prctl`, `ptrace`, credentials.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// `clone` flags above the exit signal.
#[rustfmt::skip]
pub static CLONE: NameSet = NameSet { zero: None, unknown: Some("CLONE_???"), entries: &[
    (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
    (0x1000, "CLONE_PIDFD"), (0x2000, "CLONE_PTRACE"), (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"),
    (0x10000, "CLONE_THREAD"), (0x20000, "CLONE_NEWNS"), (0x40000, "CLONE_SYSVSEM"),
    (0x80000, "CLONE_SETTLS"), (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"),
    (0x800000, "CLONE_UNTRACED"), (0x1000000, "CLONE_CHILD_SETTID"), (0x2000000, "CLONE_NEWCGROUP"),
    (0x4000000, "CLONE_NEWUTS"), (0x8000000, "CLONE_NEWIPC"), (0x10000000, "CLONE_NEWUSER"),
    (0x20000000, "CLONE_NEWPID"), (0x40000000, "CLONE_NEWNET"), (0x80000000, "CLONE_IO"),
] };

/// Argument of `unshare`.
#[rustfmt::skip]
pub static CLONE_UNSHARE: NameSet = NameSet { zero: None, unknown: Some("CLONE_???"), entries: &[
    (0x80, "CLONE_NEWTIME"), (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"),
    (0x800, "CLONE_SIGHAND"), (0x10000, "CLONE_THREAD"), (0x20000, "CLONE_NEWNS"),
    (0x40000, "CLONE_SYSVSEM"), (0x2000000, "CLONE_NEWCGROUP"), (0x4000000, "CLONE_NEWUTS"),
    (0x8000000, "CLONE_NEWIPC"), (0x10000000, "CLONE_NEWUSER"), (0x20000000, "CLONE_NEWPID"),
    (0x40000000, "CLONE_NEWNET"),
] };

/// Argument of `setns`.
#[rustfmt::skip]
pub static SETNS: NameSet = NameSet { zero: None, unknown: Some("CLONE_NEW???"), entries: &[
    (0x80, "CLONE_NEWTIME"), (0x20000, "CLONE_NEWNS"), (0x2000000, "CLONE_NEWCGROUP"),
    (0x4000000, "CLONE_NEWUTS"), (0x8000000, "CLONE_NEWIPC"), (0x10000000, "CLONE_NEWUSER"),
    (0x20000000, "CLONE_NEWPID"), (0x40000000, "CLONE_NEWNET"),
] };

/// Argument of `wait4`.
#[rustfmt::skip]
pub static WAIT: NameSet = NameSet { zero: None, unknown: Some("W???"), entries: &[
    (1, "WNOHANG"), (4, "WEXITED"), (2, "WSTOPPED"), (8, "WCONTINUED"), (0x1000000, "WNOWAIT"),
    (0x80000000, "__WCLONE"), (0x40000000, "__WALL"), (0x20000000, "__WNOTHREAD"),
] };

/// Argument of `waitid`.
#[rustfmt::skip]
pub static WAITID: NameSet = NameSet { zero: None, unknown: Some("P_???"), entries: &[
    (0, "P_ALL"), (1, "P_PID"), (2, "P_PGID"), (3, "P_PIDFD"),
] };

/// Argument of `getrlimit`.
#[rustfmt::skip]
pub static RLIMIT: NameSet = NameSet { zero: None, unknown: Some("RLIMIT_???"), entries: &[
    (0, "RLIMIT_CPU"), (1, "RLIMIT_FSIZE"), (2, "RLIMIT_DATA"), (3, "RLIMIT_STACK"), (4, "RLIMIT_CORE"),
    (5, "RLIMIT_RSS"), (6, "RLIMIT_NPROC"), (7, "RLIMIT_NOFILE"), (8, "RLIMIT_MEMLOCK"), (9, "RLIMIT_AS"),
    (0xa, "RLIMIT_LOCKS"), (0xb, "RLIMIT_SIGPENDING"), (0xc, "RLIMIT_MSGQUEUE"), (0xd, "RLIMIT_NICE"),
    (0xe, "RLIMIT_RTPRIO"), (0xf, "RLIMIT_RTTIME"),
] };

/// Whose usage.
#[rustfmt::skip]
pub static RUSAGE: NameSet = NameSet { zero: None, unknown: Some("RUSAGE_???"), entries: &[
    (0, "RUSAGE_SELF"), (0xffffffff, "RUSAGE_CHILDREN"), (0xfffffffe, "RUSAGE_BOTH"), (1, "RUSAGE_THREAD"),
] };

/// Argument of `getpriority`.
#[rustfmt::skip]
pub static PRIO: NameSet = NameSet { zero: None, unknown: Some("PRIO_???"), entries: &[
    (0, "PRIO_PROCESS"), (1, "PRIO_PGRP"), (2, "PRIO_USER"),
] };

/// Argument of `sched_get_priority_max`.
#[rustfmt::skip]
pub static SCHED: NameSet = NameSet { zero: None, unknown: Some("SCHED_???"), entries: &[
    (0, "SCHED_OTHER"), (1, "SCHED_FIFO"), (2, "SCHED_RR"), (3, "SCHED_BATCH"), (4, "SCHED_ISO"),
    (5, "SCHED_IDLE"), (6, "SCHED_DEADLINE"),
] };

/// `struct sched_attr` flags.
#[rustfmt::skip]
pub static SCHED_ATTR_FLAGS: NameSet = NameSet { zero: None, unknown: Some("SCHED_FLAG_???"), entries: &[
    (1, "SCHED_FLAG_RESET_ON_FORK"), (2, "SCHED_FLAG_RECLAIM"), (4, "SCHED_FLAG_DL_OVERRUN"),
    (8, "SCHED_FLAG_KEEP_POLICY"), (0x10, "SCHED_FLAG_KEEP_PARAMS"), (0x20, "SCHED_FLAG_UTIL_CLAMP_MIN"),
    (0x40, "SCHED_FLAG_UTIL_CLAMP_MAX"),
] };

/// Argument of `ioprio_set`.
#[rustfmt::skip]
pub static IOPRIO_WHO: NameSet = NameSet { zero: None, unknown: Some("IOPRIO_WHO_???"), entries: &[
    (1, "IOPRIO_WHO_PROCESS"), (2, "IOPRIO_WHO_PGRP"), (3, "IOPRIO_WHO_USER"),
] };

/// I/O priority classes.
#[rustfmt::skip]
pub static IOPRIO_CLASS: NameSet = NameSet { zero: None, unknown: Some("IOPRIO_CLASS_???"), entries: &[
    (0, "IOPRIO_CLASS_NONE"), (1, "IOPRIO_CLASS_RT"), (2, "IOPRIO_CLASS_BE"), (3, "IOPRIO_CLASS_IDLE"),
] };

/// Argument of `prctl`.
#[rustfmt::skip]
pub static PR: NameSet = NameSet { zero: None, unknown: Some("PR_???"), entries: &[
    (1, "PR_SET_PDEATHSIG"), (2, "PR_GET_PDEATHSIG"), (3, "PR_GET_DUMPABLE"), (4, "PR_SET_DUMPABLE"),
    (5, "PR_GET_UNALIGN"), (6, "PR_SET_UNALIGN"), (7, "PR_GET_KEEPCAPS"), (8, "PR_SET_KEEPCAPS"),
    (9, "PR_GET_FPEMU"), (0xa, "PR_SET_FPEMU"), (0xb, "PR_GET_FPEXC"), (0xc, "PR_SET_FPEXC"),
    (0xd, "PR_GET_TIMING"), (0xe, "PR_SET_TIMING"), (0xf, "PR_SET_NAME"), (0x10, "PR_GET_NAME"),
    (0x13, "PR_GET_ENDIAN"), (0x14, "PR_SET_ENDIAN"), (0x15, "PR_GET_SECCOMP"), (0x16, "PR_SET_SECCOMP"),
    (0x17, "PR_CAPBSET_READ"), (0x18, "PR_CAPBSET_DROP"), (0x19, "PR_GET_TSC"), (0x1a, "PR_SET_TSC"),
    (0x1b, "PR_GET_SECUREBITS"), (0x1c, "PR_SET_SECUREBITS"), (0x1d, "PR_SET_TIMERSLACK"),
    (0x1e, "PR_GET_TIMERSLACK"), (0x1f, "PR_TASK_PERF_EVENTS_DISABLE"),
    (0x20, "PR_TASK_PERF_EVENTS_ENABLE"), (0x21, "PR_MCE_KILL"), (0x22, "PR_MCE_KILL_GET"),
    (0x23, "PR_SET_MM"), (0x24, "PR_SET_CHILD_SUBREAPER"), (0x25, "PR_GET_CHILD_SUBREAPER"),
    (0x26, "PR_SET_NO_NEW_PRIVS"), (0x27, "PR_GET_NO_NEW_PRIVS"), (0x28, "PR_GET_TID_ADDRESS"),
    (0x29, "PR_SET_THP_DISABLE"), (0x2a, "PR_GET_THP_DISABLE"), (0x2b, "PR_MPX_ENABLE_MANAGEMENT"),
    (0x2c, "PR_MPX_DISABLE_MANAGEMENT"), (0x2d, "PR_SET_FP_MODE"), (0x2e, "PR_GET_FP_MODE"),
    (0x2f, "PR_CAP_AMBIENT"), (0x32, "PR_SVE_SET_VL"), (0x33, "PR_SVE_GET_VL"),
    (0x34, "PR_GET_SPECULATION_CTRL"), (0x35, "PR_SET_SPECULATION_CTRL"), (0x36, "PR_PAC_RESET_KEYS"),
    (0x37, "PR_SET_TAGGED_ADDR_CTRL"), (0x38, "PR_GET_TAGGED_ADDR_CTRL"), (0x39, "PR_SET_IO_FLUSHER"),
    (0x3a, "PR_GET_IO_FLUSHER"), (0x3b, "PR_SET_SYSCALL_USER_DISPATCH"), (0x3c, "PR_PAC_SET_ENABLED_KEYS"),
    (0x3d, "PR_PAC_GET_ENABLED_KEYS"), (0x3e, "PR_SCHED_CORE"), (0x3f, "PR_SME_SET_VL"),
    (0x40, "PR_SME_GET_VL"), (0x59616d61, "PR_SET_PTRACER"), (0x53564d41, "PR_SET_VMA"),
] };

/// `PR_SET_TSC` values.
#[rustfmt::skip]
pub static PR_TSC: NameSet = NameSet { zero: None, unknown: Some("PR_TSC_???"), entries: &[
    (1, "PR_TSC_ENABLE"), (2, "PR_TSC_SIGSEGV"),
] };

/// Speculation features.
#[rustfmt::skip]
pub static PR_SPEC: NameSet = NameSet { zero: None, unknown: Some("PR_SPEC_???"), entries: &[
    (0, "PR_SPEC_STORE_BYPASS"), (1, "PR_SPEC_INDIRECT_BRANCH"), (2, "PR_SPEC_L1D_FLUSH"),
] };

/// Speculation control.
#[rustfmt::skip]
pub static PR_SPEC_CTRL: NameSet = NameSet { zero: None, unknown: Some("PR_SPEC_???"), entries: &[
    (1, "PR_SPEC_PRCTL"), (2, "PR_SPEC_ENABLE"), (4, "PR_SPEC_DISABLE"), (8, "PR_SPEC_FORCE_DISABLE"),
    (0x10, "PR_SPEC_DISABLE_NOEXEC"),
] };

/// Ambient capability operations.
#[rustfmt::skip]
pub static PR_CAP_AMBIENT: NameSet = NameSet { zero: None, unknown: Some("PR_CAP_AMBIENT_???"), entries: &[
    (1, "PR_CAP_AMBIENT_IS_SET"), (2, "PR_CAP_AMBIENT_RAISE"), (3, "PR_CAP_AMBIENT_LOWER"),
    (4, "PR_CAP_AMBIENT_CLEAR_ALL"),
] };

/// `PR_SET_DUMPABLE` values.
#[rustfmt::skip]
pub static SUID_DUMP: NameSet = NameSet { zero: None, unknown: Some("SUID_DUMP_???"), entries: &[
    (0, "SUID_DUMP_DISABLE"), (1, "SUID_DUMP_USER"), (2, "SUID_DUMP_ROOT"),
] };

/// Events in a wait status.
#[rustfmt::skip]
pub static PTRACE_EVENT: NameSet = NameSet { zero: None, unknown: Some("PTRACE_EVENT_???"), entries: &[
    (1, "PTRACE_EVENT_FORK"), (2, "PTRACE_EVENT_VFORK"), (3, "PTRACE_EVENT_CLONE"),
    (4, "PTRACE_EVENT_EXEC"), (5, "PTRACE_EVENT_VFORK_DONE"), (6, "PTRACE_EVENT_EXIT"),
    (7, "PTRACE_EVENT_SECCOMP"), (0x80, "PTRACE_EVENT_STOP"),
] };

/// `PR_SET_MM` fields.
#[rustfmt::skip]
pub static PR_MM: NameSet = NameSet { zero: None, unknown: Some("PR_SET_MM_???"), entries: &[
    (1, "PR_SET_MM_START_CODE"), (2, "PR_SET_MM_END_CODE"), (3, "PR_SET_MM_START_DATA"),
    (4, "PR_SET_MM_END_DATA"), (5, "PR_SET_MM_START_STACK"), (6, "PR_SET_MM_START_BRK"),
    (7, "PR_SET_MM_BRK"), (8, "PR_SET_MM_ARG_START"), (9, "PR_SET_MM_ARG_END"),
    (0xa, "PR_SET_MM_ENV_START"), (0xb, "PR_SET_MM_ENV_END"), (0xc, "PR_SET_MM_AUXV"),
    (0xd, "PR_SET_MM_EXE_FILE"), (0xe, "PR_SET_MM_MAP"), (0xf, "PR_SET_MM_MAP_SIZE"),
] };

/// Capabilities.
#[rustfmt::skip]
pub static CAP: NameSet = NameSet { zero: None, unknown: Some("CAP_???"), entries: &[
    (0, "CAP_CHOWN"), (1, "CAP_DAC_OVERRIDE"), (2, "CAP_DAC_READ_SEARCH"), (3, "CAP_FOWNER"),
    (4, "CAP_FSETID"), (5, "CAP_KILL"), (6, "CAP_SETGID"), (7, "CAP_SETUID"), (8, "CAP_SETPCAP"),
    (9, "CAP_LINUX_IMMUTABLE"), (0xa, "CAP_NET_BIND_SERVICE"), (0xb, "CAP_NET_BROADCAST"),
    (0xc, "CAP_NET_ADMIN"), (0xd, "CAP_NET_RAW"), (0xe, "CAP_IPC_LOCK"), (0xf, "CAP_IPC_OWNER"),
    (0x10, "CAP_SYS_MODULE"), (0x11, "CAP_SYS_RAWIO"), (0x12, "CAP_SYS_CHROOT"), (0x13, "CAP_SYS_PTRACE"),
    (0x14, "CAP_SYS_PACCT"), (0x15, "CAP_SYS_ADMIN"), (0x16, "CAP_SYS_BOOT"), (0x17, "CAP_SYS_NICE"),
    (0x18, "CAP_SYS_RESOURCE"), (0x19, "CAP_SYS_TIME"), (0x1a, "CAP_SYS_TTY_CONFIG"), (0x1b, "CAP_MKNOD"),
    (0x1c, "CAP_LEASE"), (0x1d, "CAP_AUDIT_WRITE"), (0x1e, "CAP_AUDIT_CONTROL"), (0x1f, "CAP_SETFCAP"),
    (0x20, "CAP_MAC_OVERRIDE"), (0x21, "CAP_MAC_ADMIN"), (0x22, "CAP_SYSLOG"), (0x23, "CAP_WAKE_ALARM"),
    (0x24, "CAP_BLOCK_SUSPEND"), (0x25, "CAP_AUDIT_READ"), (0x26, "CAP_PERFMON"), (0x27, "CAP_BPF"),
    (0x28, "CAP_CHECKPOINT_RESTORE"),
] };

/// Secure bits.
#[rustfmt::skip]
pub static SECUREBITS: NameSet = NameSet { zero: None, unknown: Some("SECBIT_???"), entries: &[
    (1, "SECBIT_NOROOT"), (2, "SECBIT_NOROOT_LOCKED"), (4, "SECBIT_NO_SETUID_FIXUP"),
    (8, "SECBIT_NO_SETUID_FIXUP_LOCKED"), (0x10, "SECBIT_KEEP_CAPS"), (0x20, "SECBIT_KEEP_CAPS_LOCKED"),
    (0x40, "SECBIT_NO_CAP_AMBIENT_RAISE"), (0x80, "SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED"),
] };

/// Argument of `arch_prctl`.
#[rustfmt::skip]
pub static ARCH: NameSet = NameSet { zero: None, unknown: Some("ARCH_???"), entries: &[
    (0x1001, "ARCH_SET_GS"), (0x1002, "ARCH_SET_FS"), (0x1003, "ARCH_GET_FS"), (0x1004, "ARCH_GET_GS"),
    (0x1011, "ARCH_GET_CPUID"), (0x1012, "ARCH_SET_CPUID"), (0x1021, "ARCH_GET_XCOMP_SUPP"),
    (0x1022, "ARCH_GET_XCOMP_PERM"), (0x1023, "ARCH_REQ_XCOMP_PERM"), (0x1024, "ARCH_GET_XCOMP_GUEST_PERM"),
    (0x1025, "ARCH_REQ_XCOMP_GUEST_PERM"), (0x2001, "ARCH_MAP_VDSO_X32"), (0x2002, "ARCH_MAP_VDSO_32"),
    (0x2003, "ARCH_MAP_VDSO_64"),
] };

/// `ptrace` requests.
#[rustfmt::skip]
pub static PTRACE: NameSet = NameSet { zero: None, unknown: Some("PTRACE_???"), entries: &[
    (0, "PTRACE_TRACEME"), (1, "PTRACE_PEEKTEXT"), (2, "PTRACE_PEEKDATA"), (3, "PTRACE_PEEKUSER"),
    (4, "PTRACE_POKETEXT"), (5, "PTRACE_POKEDATA"), (6, "PTRACE_POKEUSER"), (7, "PTRACE_CONT"),
    (8, "PTRACE_KILL"), (9, "PTRACE_SINGLESTEP"), (0xc, "PTRACE_GETREGS"), (0xd, "PTRACE_SETREGS"),
    (0xe, "PTRACE_GETFPREGS"), (0xf, "PTRACE_SETFPREGS"), (0x10, "PTRACE_ATTACH"), (0x11, "PTRACE_DETACH"),
    (0x12, "PTRACE_GETFPXREGS"), (0x13, "PTRACE_SETFPXREGS"), (0x15, "PTRACE_OLDSETOPTIONS"),
    (0x18, "PTRACE_SYSCALL"), (0x19, "PTRACE_GET_THREAD_AREA"), (0x1a, "PTRACE_SET_THREAD_AREA"),
    (0x1e, "PTRACE_ARCH_PRCTL"), (0x1f, "PTRACE_SYSEMU"), (0x20, "PTRACE_SYSEMU_SINGLESTEP"),
    (0x21, "PTRACE_SINGLEBLOCK"), (0x4200, "PTRACE_SETOPTIONS"), (0x4201, "PTRACE_GETEVENTMSG"),
    (0x4202, "PTRACE_GETSIGINFO"), (0x4203, "PTRACE_SETSIGINFO"), (0x4204, "PTRACE_GETREGSET"),
    (0x4205, "PTRACE_SETREGSET"), (0x4206, "PTRACE_SEIZE"), (0x4207, "PTRACE_INTERRUPT"),
    (0x4208, "PTRACE_LISTEN"), (0x4209, "PTRACE_PEEKSIGINFO"), (0x420a, "PTRACE_GETSIGMASK"),
    (0x420b, "PTRACE_SETSIGMASK"), (0x420c, "PTRACE_SECCOMP_GET_FILTER"),
    (0x420d, "PTRACE_SECCOMP_GET_METADATA"), (0x420e, "PTRACE_GET_SYSCALL_INFO"),
    (0x420f, "PTRACE_GET_RSEQ_CONFIGURATION"),
] };

/// `PTRACE_SETOPTIONS` bits.
#[rustfmt::skip]
pub static PTRACE_O: NameSet = NameSet { zero: None, unknown: Some("PTRACE_O_???"), entries: &[
    (1, "PTRACE_O_TRACESYSGOOD"), (2, "PTRACE_O_TRACEFORK"), (4, "PTRACE_O_TRACEVFORK"),
    (8, "PTRACE_O_TRACECLONE"), (0x10, "PTRACE_O_TRACEEXEC"), (0x20, "PTRACE_O_TRACEVFORKDONE"),
    (0x40, "PTRACE_O_TRACEEXIT"), (0x80, "PTRACE_O_TRACESECCOMP"), (0x100000, "PTRACE_O_EXITKILL"),
    (0x200000, "PTRACE_O_SUSPEND_SECCOMP"),
] };

/// Argument of `seccomp`.
#[rustfmt::skip]
pub static SECCOMP_OP: NameSet = NameSet { zero: None, unknown: Some("SECCOMP_SET_MODE_???"), entries: &[
    (0, "SECCOMP_SET_MODE_STRICT"), (1, "SECCOMP_SET_MODE_FILTER"), (2, "SECCOMP_GET_ACTION_AVAIL"),
    (3, "SECCOMP_GET_NOTIF_SIZES"),
] };

/// `SECCOMP_SET_MODE_FILTER` flags.
#[rustfmt::skip]
pub static SECCOMP_FILTER: NameSet = NameSet { zero: None, unknown: Some("SECCOMP_FILTER_FLAG_???"), entries: &[
    (1, "SECCOMP_FILTER_FLAG_TSYNC"), (2, "SECCOMP_FILTER_FLAG_LOG"), (4, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
    (8, "SECCOMP_FILTER_FLAG_NEW_LISTENER"), (0x10, "SECCOMP_FILTER_FLAG_TSYNC_ESRCH"),
    (0x20, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"),
] };

/// `PR_SET_SECCOMP` modes.
#[rustfmt::skip]
pub static SECCOMP_MODE: NameSet = NameSet { zero: None, unknown: Some("SECCOMP_MODE_???"), entries: &[
    (0, "SECCOMP_MODE_DISABLED"), (1, "SECCOMP_MODE_STRICT"), (2, "SECCOMP_MODE_FILTER"),
] };

/// Seccomp actions.
#[rustfmt::skip]
pub static SECCOMP_RET: NameSet = NameSet { zero: None, unknown: Some("SECCOMP_RET_???"), entries: &[
    (0, "SECCOMP_RET_KILL_THREAD"), (0x80000000, "SECCOMP_RET_KILL_PROCESS"), (0x30000, "SECCOMP_RET_TRAP"),
    (0x50000, "SECCOMP_RET_ERRNO"), (0x7ff00000, "SECCOMP_RET_TRACE"), (0x7ffc0000, "SECCOMP_RET_LOG"),
    (0x7fff0000, "SECCOMP_RET_ALLOW"), (0x7fc00000, "SECCOMP_RET_USER_NOTIF"),
] };

/// Argument of `pidfd_open`.
#[rustfmt::skip]
pub static PIDFD: NameSet = NameSet { zero: None, unknown: Some("PIDFD_???"), entries: &[
    (0x800, "PIDFD_NONBLOCK"),
] };

/// Argument of `kcmp`.
#[rustfmt::skip]
pub static KCMP: NameSet = NameSet { zero: None, unknown: Some("KCMP_???"), entries: &[
    (0, "KCMP_FILE"), (1, "KCMP_VM"), (2, "KCMP_FILES"), (3, "KCMP_FS"), (4, "KCMP_SIGHAND"),
    (5, "KCMP_IO"), (6, "KCMP_SYSVSEM"), (7, "KCMP_EPOLL_TFD"),
] };

/// Personality domains.
#[rustfmt::skip]
pub static PER: NameSet = NameSet { zero: None, unknown: Some("PER_???"), entries: &[
    (0, "PER_LINUX"), (6, "PER_BSD"), (8, "PER_LINUX32"), (0xc, "PER_RISCOS"), (0xf, "PER_OSF4"),
    (0x10, "PER_HPUX"), (0xff, "PER_MASK"),
] };

/// Capability header versions.
#[rustfmt::skip]
pub static CAP_VERSION: NameSet = NameSet { zero: None, unknown: Some("_LINUX_CAPABILITY_VERSION_???"), entries: &[
    (0x19980330, "_LINUX_CAPABILITY_VERSION_1"), (0x20071026, "_LINUX_CAPABILITY_VERSION_2"),
    (0x20080522, "_LINUX_CAPABILITY_VERSION_3"),
] };

/// Personality flags above the domain.
#[rustfmt::skip]
pub static PER_FLAGS: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x20000, "UNAME26"), (0x40000, "ADDR_NO_RANDOMIZE"), (0x80000, "FDPIC_FUNCPTRS"),
    (0x100000, "MMAP_PAGE_ZERO"), (0x200000, "ADDR_COMPAT_LAYOUT"), (0x400000, "READ_IMPLIES_EXEC"),
    (0x800000, "ADDR_LIMIT_32BIT"), (0x1000000, "SHORT_INODE"), (0x2000000, "WHOLE_SECONDS"),
    (0x4000000, "STICKY_TIMEOUTS"), (0x8000000, "ADDR_LIMIT_3GB"),
] };

/// `struct clone_args` flags.
#[rustfmt::skip]
pub static CLONE3: NameSet = NameSet { zero: None, unknown: Some("CLONE_???"), entries: &[
    (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"),
    (0x1000, "CLONE_PIDFD"), (0x2000, "CLONE_PTRACE"), (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"),
    (0x10000, "CLONE_THREAD"), (0x20000, "CLONE_NEWNS"), (0x40000, "CLONE_SYSVSEM"),
    (0x80000, "CLONE_SETTLS"), (0x100000, "CLONE_PARENT_SETTID"), (0x200000, "CLONE_CHILD_CLEARTID"),
    (0x800000, "CLONE_UNTRACED"), (0x1000000, "CLONE_CHILD_SETTID"), (0x2000000, "CLONE_NEWCGROUP"),
    (0x4000000, "CLONE_NEWUTS"), (0x8000000, "CLONE_NEWIPC"), (0x10000000, "CLONE_NEWUSER"),
    (0x20000000, "CLONE_NEWPID"), (0x40000000, "CLONE_NEWNET"), (0x80000000, "CLONE_IO"),
    (0x80, "CLONE_NEWTIME"), (0x100000000, "CLONE_CLEAR_SIGHAND"), (0x200000000, "CLONE_INTO_CGROUP"),
] };

/// Argument of `landlock_create_ruleset`.
#[rustfmt::skip]
pub static LANDLOCK_CREATE: NameSet = NameSet { zero: None, unknown: Some("LANDLOCK_CREATE_RULESET_???"), entries: &[
    (1, "LANDLOCK_CREATE_RULESET_VERSION"),
] };

/// Argument of `landlock_add_rule`.
#[rustfmt::skip]
pub static LANDLOCK_RULE: NameSet = NameSet { zero: None, unknown: Some("LANDLOCK_RULE_???"), entries: &[
    (1, "LANDLOCK_RULE_PATH_BENEATH"),
] };

/// Landlock file system rights.
#[rustfmt::skip]
pub static LANDLOCK_FS: NameSet = NameSet { zero: None, unknown: Some("LANDLOCK_ACCESS_FS_???"), entries: &[
    (1, "LANDLOCK_ACCESS_FS_EXECUTE"), (2, "LANDLOCK_ACCESS_FS_WRITE_FILE"),
    (4, "LANDLOCK_ACCESS_FS_READ_FILE"), (8, "LANDLOCK_ACCESS_FS_READ_DIR"),
    (0x10, "LANDLOCK_ACCESS_FS_REMOVE_DIR"), (0x20, "LANDLOCK_ACCESS_FS_REMOVE_FILE"),
    (0x40, "LANDLOCK_ACCESS_FS_MAKE_CHAR"), (0x80, "LANDLOCK_ACCESS_FS_MAKE_DIR"),
    (0x100, "LANDLOCK_ACCESS_FS_MAKE_REG"), (0x200, "LANDLOCK_ACCESS_FS_MAKE_SOCK"),
    (0x400, "LANDLOCK_ACCESS_FS_MAKE_FIFO"), (0x800, "LANDLOCK_ACCESS_FS_MAKE_BLOCK"),
    (0x1000, "LANDLOCK_ACCESS_FS_MAKE_SYM"), (0x2000, "LANDLOCK_ACCESS_FS_REFER"),
] };
