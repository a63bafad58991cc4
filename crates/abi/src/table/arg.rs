//! What a syscall argument means: the vocabulary of the tables.
//!
//! Kinds ending in `In` point at memory that is complete at syscall entry, kinds ending in `Out` at memory that the
//! kernel fills and that only makes sense at exit. A number in a kind is the index of the argument that belongs to it.
//! Long because it is one flat list of kinds, each with its line of meaning; splitting it would part a kind from the
//! match that says when it can be shown.

use crate::flags::NameSet;

/// When an argument can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// At entry.
    Entry,
    /// At exit: the kernel fills it.
    Exit,
    /// Depends on the other arguments.
    Either,
}

/// The meaning of one argument.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    // Numbers.
    /// A signed 32-bit number.
    Int,
    /// An unsigned 32-bit number.
    UInt,
    /// A signed 64-bit number (an offset).
    Long,
    /// A signed 64-bit number in two 32-bit arguments, the low half first; [`Arg::Skip`] follows.
    LongPair,
    /// As `LongPair`, unsigned.
    ULongPair,
    /// As `ULongPair`, the high half first.
    HighLow,
    /// A file offset in pages of 4096 bytes, shown in bytes.
    PageOffset,
    /// An unsigned 64-bit number (a size).
    ULong,
    /// A 64-bit value shown in hex.
    Hex,
    /// A 32-bit value shown in hex.
    Hex32,
    /// An address; zero is `NULL`.
    Addr,
    /// A file mode, octal.
    Umode,
    /// A user or group id; all ones is `-1`.
    Uid,
    /// A device number.
    Dev,
    /// Passed to the kernel but not shown (upper half of an offset).
    Skip,
    // Descriptors and paths.
    /// A file descriptor.
    Fd,
    /// A directory descriptor or `AT_FDCWD`.
    DirFd,
    /// A path, NUL-terminated.
    Path,
    /// A path that the kernel writes (`getcwd`).
    PathOut,
    /// A string, NUL-terminated.
    Str,
    // Named values.
    /// Open flags with access mode.
    OpenFlags,
    /// Mode of `open`; absent unless the flags create a file.
    OpenMode,
    /// File type and mode.
    MknodMode,
    /// A `ptrace` request.
    PtraceRequest,
    /// `mmap` type, flags and huge page size.
    MapFlags,
    /// Socket type and flags.
    SockType,
    /// Futex operation and flags.
    FutexOp,
    /// A clock id, named or dynamic.
    Clock,
    /// A signal number.
    Signal,
    /// Scheduling policy and flags.
    SchedPolicy,
    /// `syslog` action.
    SyslogAction,
    /// `statx` synchronisation kind and `AT_` flags.
    StatxFlags,
    /// `memfd_create` flags with huge page size.
    MemfdFlags,
    /// Flags of `seccomp`, by operation.
    SeccompFlags,
    /// `swapon` flags with priority.
    SwapFlags,
    /// A personality word.
    Personality,
    /// Memory policy mode and flags.
    MpolMode,
    /// `kexec_load` flags with architecture.
    KexecFlags,
    /// Class and flags of `fanotify_init`.
    FanotifyInit,
    /// `quotactl` command and type.
    QuotaCmd,
    /// An I/O priority.
    Ioprio,
    /// A System V key, `IPC_PRIVATE` for zero.
    IpcKey,
    /// A key serial or special keyring.
    Keyring,
    /// An `ioctl` request.
    IoctlCmd,
    // By another argument.
    /// Argument of `ioctl`, by request.
    IoctlArg,
    /// Argument of `fcntl`, by command.
    FcntlArg,
    /// New address of `mremap`, absent without `MREMAP_FIXED`.
    MremapAddr,
    /// Argument of `shmctl`.
    ShmctlArg,
    /// Argument of `semctl`.
    SemctlArg,
    /// Argument of `msgctl`.
    MsgctlArg,
    /// Task of `ptrace`.
    PtracePid,
    /// Third argument of `ptrace`.
    PtraceAddr,
    /// Fourth argument of `ptrace`.
    PtraceData,
    /// Argument of `arch_prctl`.
    ArchPrctlArg,
    /// File system type of `mount`, unless the flags ignore it.
    MountType,
    /// Data of `mount`, unless the flags ignore it.
    MountData,
    /// Argument of `reboot`, absent unless the command takes one.
    RebootArg,
    /// Third argument of `futex`.
    FutexVal,
    /// Fourth argument of `futex`: a timeout or a count.
    FutexTimeout,
    /// Fifth argument of `futex`.
    FutexAddr2,
    /// Sixth argument of `futex`.
    FutexVal3,
    /// Index of `kcmp`.
    KcmpArg,
    /// Third argument of `seccomp`.
    SeccompArg,
    /// CPU of `membarrier`.
    MembarrierCpu,
    /// Length or level of `syslog`, by action.
    SyslogLen,
    /// Buffer of `syslog`, by action.
    SyslogBuf,
    /// Flags and exit signal of `clone`.
    CloneFlags,
    /// Stack of `clone`.
    CloneStack,
    /// Parent id pointer of `clone`.
    CloneParentTid,
    /// Child id pointer of `clone`.
    CloneChildTid,
    /// Thread-local storage of `clone`.
    CloneTls,
    /// The pseudo argument of `restart_syscall`.
    Restart,
    // Memory.
    /// A NULL-terminated array of strings.
    Argv,
    /// The environment, shown as a count.
    Envp,
    /// A buffer filled with as many bytes as the call returns.
    BufOut,
    /// The value of an extended attribute, written.
    XattrOut,
    /// As `BufOut`, always in hex: bytes that are no text.
    BufHexOut,
    /// A list of attribute names.
    XattrListOut,
    /// A 32-bit number written by the kernel.
    IntOut,
    /// An unsigned 32-bit number written by the kernel.
    UIntOut,
    /// A 64-bit number written by the kernel.
    ULongOut,
    /// An address written by the kernel.
    AddrOut,
    /// A pointer to an offset.
    OffIn,
    /// A pointer to an offset that the kernel advances.
    OffInOut,
    /// Two new descriptors.
    FdPairOut,
    /// Group ids, as many as the call returns.
    GidsOut,
    /// An id written by the kernel.
    UidOut,
    // Structures.
    /// `struct user_desc`, written.
    UserDescOut,
    /// `struct user_desc`, a segment.
    UserDesc,
    /// Argument of `modify_ldt`, by function.
    LdtArg,
    /// `struct iocb`.
    Iocb,
    /// One `struct io_event`, written.
    IoEventOut,
    /// `struct stat`.
    StatOut,
    /// `struct statx`.
    StatxOut,
    /// `struct statfs`.
    StatfsOut,
    /// `struct utsname`.
    UtsnameOut,
    /// `struct sysinfo`.
    SysinfoOut,
    /// `struct tms`.
    TimesOut,
    /// `struct rusage`.
    RusageOut,
    /// `struct rlimit`, read.
    RlimitIn,
    /// `struct rlimit`, written.
    RlimitOut,
    /// A wait status.
    WaitStatusOut,
    /// `struct timespec`, read.
    TimespecIn,
    /// `struct timespec`, written.
    TimespecOut,
    /// Time left of an interrupted sleep.
    TimespecRem,
    /// Access and modification time of `utimensat`.
    TimespecPairIn,
    /// `struct timeval`, read.
    TimevalIn,
    /// `struct timeval`, written.
    TimevalOut,
    /// Access and modification time of `utimes`.
    TimevalPairIn,
    /// `struct timezone`, read.
    TimezoneIn,
    /// `struct timezone`, written.
    TimezoneOut,
    /// `struct utimbuf`.
    UtimbufIn,
    /// Seconds since the epoch, written.
    TimeOut,
    /// `struct itimerval`, read.
    ItimervalIn,
    /// `struct itimerval`, written.
    ItimervalOut,
    /// `struct itimerspec`, read.
    ItimerspecIn,
    /// `struct itimerspec`, written.
    ItimerspecOut,
    /// `struct timex`, read and written.
    Timex,
    /// `struct sigaction`, read.
    SigactionIn,
    /// `struct sigaction`, written.
    SigactionOut,
    /// The signal frame of `rt_sigreturn`.
    SigFrame,
    /// `siginfo_t`, read.
    SiginfoIn,
    /// `siginfo_t`, written.
    SiginfoOut,
    /// `stack_t`, read.
    SigstackIn,
    /// `stack_t`, written.
    SigstackOut,
    /// Signal set with its size behind one pointer (`pselect6`).
    SigsetSize,
    /// `struct sigevent`.
    SigeventIn,
    /// A timer id, written.
    TimerIdOut,
    /// A socket address length, read and written.
    SocklenInOut,
    /// `struct msghdr`, read.
    MsghdrIn,
    /// `struct msghdr`, written.
    MsghdrOut,
    /// An array of `struct mmsghdr`, written.
    MmsghdrOut,
    /// `struct epoll_event`, read.
    EpollEventIn,
    /// As many `struct epoll_event` as the call returns.
    EpollEventsOut,
    /// `struct linux_dirent` entries.
    DentsOut,
    /// `struct linux_dirent64` entries.
    Dents64Out,
    /// Capability header.
    CapHeader,
    /// Capability sets, read.
    CapDataIn,
    /// Capability sets, written.
    CapDataOut,
    /// `struct sched_param`, read.
    SchedParamIn,
    /// `struct sched_param`, written.
    SchedParamOut,
    /// `struct sched_attr`, read.
    SchedAttrIn,
    /// `struct sched_attr`, written.
    SchedAttrOut,
    /// CPU set, written.
    CpusetOut,
    /// Memory policy mode, written.
    MpolModeOut,
    /// `struct mq_attr`, read.
    MqAttrIn,
    /// `struct mq_attr`, written.
    MqAttrOut,
    /// As many `struct io_event` as the call returns.
    IoEventsOut,
    /// `struct file_handle`, read.
    FileHandleIn,
    /// `struct file_handle`, written.
    FileHandleOut,
    /// `struct clone_args`.
    CloneArgs,
    /// `struct open_how`.
    OpenHow,
    /// `struct perf_event_attr`.
    PerfAttr,
    /// `union bpf_attr`.
    BpfAttr,
    /// `struct io_uring_params`.
    IoUringParams,
    /// A landlock rule.
    LandlockRuleAttr,
    // With a set of names or the index of a related argument.
    /// A message, written, its size the argument given.
    MsgbufOut(u8),
    /// A host name, its length the argument given.
    HostName(u8),
    /// The value of an extended attribute, its size the argument given.
    XattrIn(u8),
    /// `struct mount_attr`, its size the argument given.
    MountAttr(u8),
    /// `struct landlock_ruleset_attr`, its size the argument given.
    LandlockRulesetAttr(u8),
    /// `struct futex_waitv` array, its length the argument given.
    FutexWaitv(u8),
    /// Device of `mknod`, absent unless the mode in the argument given makes one.
    MknodDev(u8),
    /// Bits of a 32-bit value.
    Flags(&'static NameSet),
    /// Bits of a 64-bit value.
    Flags64(&'static NameSet),
    /// One value of a set.
    Enum(&'static NameSet),
    /// Protocol, by the family in the argument given.
    SockProto(u8),
    /// Socket option, by the level in the argument given.
    SockOptName(u8),
    /// System V control command.
    IpcCmd(&'static NameSet),
    /// Flags and mode of `shmget`, `semget`, `msgget`.
    IpcGetFlags(&'static NameSet),
    /// Argument of `prctl` at this position, by operation.
    Prctl(u8),
    /// Argument of `keyctl` at this position, by operation.
    KeyctlArg(u8),
    /// Argument of `fsconfig` at this position, by command.
    FsconfigArg(u8),
    /// A buffer whose length is the argument given.
    BufIn(u8),
    /// A string whose length is the argument given.
    StrN(u8),
    /// `struct pollfd` array, its length the argument given.
    PollFds(u8),
    /// A descriptor set, its size the argument given.
    FdSetIn(u8),
    /// A signal set, its size the argument given.
    SigsetIn(u8),
    /// A signal set written by the kernel.
    SigsetOut(u8),
    /// Buffers read by the kernel, their count the argument given.
    IovecIn(u8),
    /// Buffers filled by the kernel.
    IovecOut(u8),
    /// Local buffers of `process_vm_readv`.
    IovecRead(u8),
    /// Buffers of another process, shown as addresses.
    IovecRemote(u8),
    /// A socket address, its length the argument given.
    SockaddrIn(u8),
    /// A socket address, its length behind the argument given.
    SockaddrOut(u8),
    /// A socket option value, its length the argument given.
    SockOptIn(u8),
    /// A socket option value, its length behind the argument given.
    SockOptOut(u8),
    /// Page residency, the size of the range the argument given.
    MincoreOut(u8),
    /// `struct sembuf` array, its length the argument given.
    Sembufs(u8),
    /// A message, its size the argument given.
    MsgbufIn(u8),
    /// Group ids, their count the argument given.
    GidsIn(u8),
    /// CPU set, its size the argument given.
    CpusetIn(u8),
    /// `struct iocb` pointers, their count the argument given.
    Iocbs(u8),
    /// Node mask, its size the argument given.
    NodesetIn(u8),
    /// Node mask, written.
    NodesetOut(u8),
    /// Addresses, their count the argument given.
    AddrsIn(u8),
    /// Numbers, their count the argument given.
    IntsIn(u8),
    /// Numbers, written.
    IntsOut(u8),
    /// An array of `struct mmsghdr`, read, its length the argument given.
    MmsghdrIn(u8),
}

impl Arg {
    /// When this kind can be shown.
    #[must_use]
    pub const fn phase(self) -> Phase {
        match self {
            Self::PathOut
            | Self::BufOut
            | Self::XattrOut
            | Self::BufHexOut
            | Self::XattrListOut
            | Self::IntOut
            | Self::UIntOut
            | Self::ULongOut
            | Self::AddrOut
            | Self::FdPairOut
            | Self::GidsOut
            | Self::UidOut
            | Self::UserDescOut
            | Self::IoEventOut
            | Self::StatOut
            | Self::StatxOut
            | Self::StatfsOut
            | Self::UtsnameOut
            | Self::SysinfoOut
            | Self::TimesOut
            | Self::RusageOut
            | Self::RlimitOut
            | Self::WaitStatusOut
            | Self::TimespecOut
            | Self::TimespecRem
            | Self::TimevalOut
            | Self::TimezoneOut
            | Self::TimeOut
            | Self::ItimervalOut
            | Self::ItimerspecOut
            | Self::Timex
            | Self::SigactionOut
            | Self::SiginfoOut
            | Self::SigstackOut
            | Self::TimerIdOut
            | Self::SocklenInOut
            | Self::MsghdrOut
            | Self::MmsghdrOut
            | Self::EpollEventsOut
            | Self::DentsOut
            | Self::Dents64Out
            | Self::CapDataOut
            | Self::SchedParamOut
            | Self::SchedAttrOut
            | Self::CpusetOut
            | Self::MpolModeOut
            | Self::MqAttrOut
            | Self::IoEventsOut
            | Self::FileHandleOut
            | Self::IoUringParams
            | Self::MsgbufOut(_)
            | Self::SigsetOut(_)
            | Self::IovecOut(_)
            | Self::IovecRead(_)
            | Self::SockaddrOut(_)
            | Self::SockOptOut(_)
            | Self::MincoreOut(_)
            | Self::NodesetOut(_)
            | Self::IntsOut(_)
            | Self::MmsghdrIn(_) => Phase::Exit,
            Self::IoctlArg
            | Self::FcntlArg
            | Self::ShmctlArg
            | Self::SemctlArg
            | Self::MsgctlArg
            | Self::PtraceAddr
            | Self::PtraceData
            | Self::ArchPrctlArg
            | Self::SeccompArg
            | Self::SyslogBuf
            | Self::CloneParentTid
            | Self::CloneChildTid
            | Self::CloneArgs
            | Self::BpfAttr
            | Self::Prctl(_)
            | Self::KeyctlArg(_) => Phase::Either,
            _ => Phase::Entry,
        }
    }
}
