//! The rest: modules, keys, `bpf`, `perf`, `reboot`, random numbers.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// Argument of `delete_module`.
#[rustfmt::skip]
pub static DELETE_MODULE: NameSet = NameSet { zero: None, unknown: Some("O_???"), entries: &[
    (0x800, "O_NONBLOCK"), (0x200, "O_TRUNC"),
] };

/// Argument of `finit_module`.
#[rustfmt::skip]
pub static MODULE_INIT: NameSet = NameSet { zero: None, unknown: Some("MODULE_INIT_???"), entries: &[
    (1, "MODULE_INIT_IGNORE_MODVERSIONS"), (2, "MODULE_INIT_IGNORE_VERMAGIC"),
    (4, "MODULE_INIT_COMPRESSED_FILE"),
] };

/// Argument of `getrandom`.
#[rustfmt::skip]
pub static GRND: NameSet = NameSet { zero: None, unknown: Some("GRND_???"), entries: &[
    (1, "GRND_NONBLOCK"), (2, "GRND_RANDOM"), (4, "GRND_INSECURE"),
] };

/// Argument of `kexec_file_load`.
#[rustfmt::skip]
pub static KEXEC_FILE: NameSet = NameSet { zero: None, unknown: Some("KEXEC_FILE_???"), entries: &[
    (1, "KEXEC_FILE_UNLOAD"), (2, "KEXEC_FILE_ON_CRASH"), (4, "KEXEC_FILE_NO_INITRAMFS"),
] };

/// `kexec_load` flags.
#[rustfmt::skip]
pub static KEXEC: NameSet = NameSet { zero: None, unknown: Some("KEXEC_???"), entries: &[
    (1, "KEXEC_ON_CRASH"), (2, "KEXEC_PRESERVE_CONTEXT"),
] };

/// `kexec_load` architectures.
#[rustfmt::skip]
pub static KEXEC_ARCH: NameSet = NameSet { zero: None, unknown: Some("KEXEC_ARCH_???"), entries: &[
    (0, "KEXEC_ARCH_DEFAULT"), (0x30000, "KEXEC_ARCH_386"), (0x3e0000, "KEXEC_ARCH_X86_64"),
] };

/// Argument of `bpf`.
#[rustfmt::skip]
pub static BPF: NameSet = NameSet { zero: None, unknown: Some("BPF_???"), entries: &[
    (0, "BPF_MAP_CREATE"), (1, "BPF_MAP_LOOKUP_ELEM"), (2, "BPF_MAP_UPDATE_ELEM"),
    (3, "BPF_MAP_DELETE_ELEM"), (4, "BPF_MAP_GET_NEXT_KEY"), (5, "BPF_PROG_LOAD"), (6, "BPF_OBJ_PIN"),
    (7, "BPF_OBJ_GET"), (8, "BPF_PROG_ATTACH"), (9, "BPF_PROG_DETACH"), (0xa, "BPF_PROG_TEST_RUN"),
    (0xb, "BPF_PROG_GET_NEXT_ID"), (0xc, "BPF_MAP_GET_NEXT_ID"), (0xd, "BPF_PROG_GET_FD_BY_ID"),
    (0xe, "BPF_MAP_GET_FD_BY_ID"), (0xf, "BPF_OBJ_GET_INFO_BY_FD"), (0x10, "BPF_PROG_QUERY"),
    (0x11, "BPF_RAW_TRACEPOINT_OPEN"), (0x12, "BPF_BTF_LOAD"), (0x13, "BPF_BTF_GET_FD_BY_ID"),
    (0x14, "BPF_TASK_FD_QUERY"), (0x15, "BPF_MAP_LOOKUP_AND_DELETE_ELEM"), (0x16, "BPF_MAP_FREEZE"),
    (0x17, "BPF_BTF_GET_NEXT_ID"), (0x18, "BPF_MAP_LOOKUP_BATCH"),
    (0x19, "BPF_MAP_LOOKUP_AND_DELETE_BATCH"), (0x1a, "BPF_MAP_UPDATE_BATCH"),
    (0x1b, "BPF_MAP_DELETE_BATCH"), (0x1c, "BPF_LINK_CREATE"), (0x1d, "BPF_LINK_UPDATE"),
    (0x1e, "BPF_LINK_GET_FD_BY_ID"), (0x1f, "BPF_LINK_GET_NEXT_ID"), (0x20, "BPF_ENABLE_STATS"),
    (0x21, "BPF_ITER_CREATE"), (0x22, "BPF_LINK_DETACH"), (0x23, "BPF_PROG_BIND_MAP"),
] };

/// Argument of `keyctl`.
#[rustfmt::skip]
pub static KEYCTL: NameSet = NameSet { zero: None, unknown: Some("KEYCTL_???"), entries: &[
    (0, "KEYCTL_GET_KEYRING_ID"), (1, "KEYCTL_JOIN_SESSION_KEYRING"), (2, "KEYCTL_UPDATE"),
    (3, "KEYCTL_REVOKE"), (4, "KEYCTL_CHOWN"), (5, "KEYCTL_SETPERM"), (6, "KEYCTL_DESCRIBE"),
    (7, "KEYCTL_CLEAR"), (8, "KEYCTL_LINK"), (9, "KEYCTL_UNLINK"), (0xa, "KEYCTL_SEARCH"),
    (0xb, "KEYCTL_READ"), (0xc, "KEYCTL_INSTANTIATE"), (0xd, "KEYCTL_NEGATE"),
    (0xe, "KEYCTL_SET_REQKEY_KEYRING"), (0xf, "KEYCTL_SET_TIMEOUT"), (0x10, "KEYCTL_ASSUME_AUTHORITY"),
    (0x11, "KEYCTL_GET_SECURITY"), (0x12, "KEYCTL_SESSION_TO_PARENT"), (0x13, "KEYCTL_REJECT"),
    (0x14, "KEYCTL_INSTANTIATE_IOV"), (0x15, "KEYCTL_INVALIDATE"), (0x16, "KEYCTL_GET_PERSISTENT"),
    (0x17, "KEYCTL_DH_COMPUTE"), (0x18, "KEYCTL_PKEY_QUERY"), (0x19, "KEYCTL_PKEY_ENCRYPT"),
    (0x1a, "KEYCTL_PKEY_DECRYPT"), (0x1b, "KEYCTL_PKEY_SIGN"), (0x1c, "KEYCTL_PKEY_VERIFY"),
    (0x1d, "KEYCTL_RESTRICT_KEYRING"), (0x1e, "KEYCTL_MOVE"), (0x1f, "KEYCTL_CAPABILITIES"),
    (0x20, "KEYCTL_WATCH_KEY"),
] };

/// Special keyrings.
#[rustfmt::skip]
pub static KEYRING: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0xfffffff8, "KEY_SPEC_REQUESTOR_KEYRING"), (0xfffffff9, "KEY_SPEC_REQKEY_AUTH_KEY"),
    (0xfffffffa, "KEY_SPEC_GROUP_KEYRING"), (0xfffffffb, "KEY_SPEC_USER_SESSION_KEYRING"),
    (0xfffffffc, "KEY_SPEC_USER_KEYRING"), (0xfffffffd, "KEY_SPEC_SESSION_KEYRING"),
    (0xfffffffe, "KEY_SPEC_PROCESS_KEYRING"), (0xffffffff, "KEY_SPEC_THREAD_KEYRING"),
] };

/// Console log levels.
#[rustfmt::skip]
pub static LOGLEVEL: NameSet = NameSet { zero: None, unknown: Some("LOGLEVEL_???"), entries: &[
    (0, "LOGLEVEL_EMERG"), (1, "LOGLEVEL_ALERT"), (2, "LOGLEVEL_CRIT"), (3, "LOGLEVEL_ERR"),
    (4, "LOGLEVEL_WARNING"), (5, "LOGLEVEL_NOTICE"), (6, "LOGLEVEL_INFO"), (7, "LOGLEVEL_DEBUG"),
    (8, "LOGLEVEL_DEBUG+1"),
] };

/// `struct mq_attr` flags.
#[rustfmt::skip]
pub static MQ_FLAGS: NameSet = NameSet { zero: None, unknown: Some("O_???"), entries: &[
    (0x800, "O_NONBLOCK"),
] };

/// No names at all.
#[rustfmt::skip]
pub static NONE: NameSet = NameSet { zero: None, unknown: None, entries: &[
] };

/// Register sets.
#[rustfmt::skip]
pub static NT: NameSet = NameSet { zero: None, unknown: Some("NT_???"), entries: &[
    (1, "NT_PRSTATUS"), (2, "NT_FPREGSET"), (3, "NT_PRPSINFO"), (4, "NT_TASKSTRUCT"),
    (0x202, "NT_X86_XSTATE"),
] };

/// Argument of `perf_event_open`.
#[rustfmt::skip]
pub static PERF: NameSet = NameSet { zero: None, unknown: Some("PERF_FLAG_???"), entries: &[
    (1, "PERF_FLAG_FD_NO_GROUP"), (2, "PERF_FLAG_FD_OUTPUT"), (4, "PERF_FLAG_PID_CGROUP"),
    (8, "PERF_FLAG_FD_CLOEXEC"),
] };

/// `perf_event_open` event types.
#[rustfmt::skip]
pub static PERF_TYPE: NameSet = NameSet { zero: None, unknown: Some("PERF_TYPE_???"), entries: &[
    (0, "PERF_TYPE_HARDWARE"), (1, "PERF_TYPE_SOFTWARE"), (2, "PERF_TYPE_TRACEPOINT"),
    (3, "PERF_TYPE_HW_CACHE"), (4, "PERF_TYPE_RAW"), (5, "PERF_TYPE_BREAKPOINT"),
] };

/// Argument of `reboot`.
#[rustfmt::skip]
pub static REBOOT_MAGIC1: NameSet = NameSet { zero: None, unknown: Some("LINUX_REBOOT_MAGIC_???"), entries: &[
    (0xfee1dead, "LINUX_REBOOT_MAGIC1"),
] };

/// Argument of `reboot`.
#[rustfmt::skip]
pub static REBOOT_MAGIC2: NameSet = NameSet { zero: None, unknown: Some("LINUX_REBOOT_MAGIC_???"), entries: &[
    (0x28121969, "LINUX_REBOOT_MAGIC2"), (0x5121996, "LINUX_REBOOT_MAGIC2A"),
    (0x16041998, "LINUX_REBOOT_MAGIC2B"), (0x20112000, "LINUX_REBOOT_MAGIC2C"),
] };

/// Argument of `reboot`.
#[rustfmt::skip]
pub static REBOOT_CMD: NameSet = NameSet { zero: None, unknown: Some("LINUX_REBOOT_CMD_???"), entries: &[
    (0, "LINUX_REBOOT_CMD_CAD_OFF"), (0x89abcdef, "LINUX_REBOOT_CMD_CAD_ON"),
    (0xcdef0123, "LINUX_REBOOT_CMD_HALT"), (0x4321fedc, "LINUX_REBOOT_CMD_POWER_OFF"),
    (0xa1b2c3d4, "LINUX_REBOOT_CMD_RESTART2"), (0xd000fce2, "LINUX_REBOOT_CMD_SW_SUSPEND"),
    (0x45584543, "LINUX_REBOOT_CMD_KEXEC"), (0x1234567, "LINUX_REBOOT_CMD_RESTART"),
] };

/// `syslog` actions.
#[rustfmt::skip]
pub static SYSLOG: NameSet = NameSet { zero: None, unknown: Some("SYSLOG_ACTION_???"), entries: &[
    (0, "SYSLOG_ACTION_CLOSE"), (1, "SYSLOG_ACTION_OPEN"), (2, "SYSLOG_ACTION_READ"),
    (3, "SYSLOG_ACTION_READ_ALL"), (4, "SYSLOG_ACTION_READ_CLEAR"), (5, "SYSLOG_ACTION_CLEAR"),
    (6, "SYSLOG_ACTION_CONSOLE_OFF"), (7, "SYSLOG_ACTION_CONSOLE_ON"), (8, "SYSLOG_ACTION_CONSOLE_LEVEL"),
    (9, "SYSLOG_ACTION_SIZE_UNREAD"), (0xa, "SYSLOG_ACTION_SIZE_BUFFER"),
] };
