//! Memory mapping, advice, policies, shared memory.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// Argument of `mmap`.
#[rustfmt::skip]
pub static PROT: NameSet = NameSet { zero: Some("PROT_NONE"), unknown: Some("PROT_???"), entries: &[
    (1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC"), (8, "PROT_SEM"), (0x1000000, "PROT_GROWSDOWN"),
    (0x2000000, "PROT_GROWSUP"),
] };

/// Argument of `mremap`.
#[rustfmt::skip]
pub static MREMAP: NameSet = NameSet { zero: None, unknown: Some("MREMAP_???"), entries: &[
    (1, "MREMAP_MAYMOVE"), (2, "MREMAP_FIXED"), (4, "MREMAP_DONTUNMAP"),
] };

/// Argument of `msync`.
#[rustfmt::skip]
pub static MS: NameSet = NameSet { zero: None, unknown: Some("MS_???"), entries: &[
    (4, "MS_SYNC"), (1, "MS_ASYNC"), (2, "MS_INVALIDATE"),
] };

/// Argument of `madvise`.
#[rustfmt::skip]
pub static MADV: NameSet = NameSet { zero: None, unknown: Some("MADV_???"), entries: &[
    (0, "MADV_NORMAL"), (1, "MADV_RANDOM"), (2, "MADV_SEQUENTIAL"), (3, "MADV_WILLNEED"),
    (4, "MADV_DONTNEED"), (8, "MADV_FREE"), (9, "MADV_REMOVE"), (0xa, "MADV_DONTFORK"),
    (0xb, "MADV_DOFORK"), (0xc, "MADV_MERGEABLE"), (0xd, "MADV_UNMERGEABLE"), (0xe, "MADV_HUGEPAGE"),
    (0xf, "MADV_NOHUGEPAGE"), (0x10, "MADV_DONTDUMP"), (0x11, "MADV_DODUMP"), (0x12, "MADV_WIPEONFORK"),
    (0x13, "MADV_KEEPONFORK"), (0x14, "MADV_COLD"), (0x15, "MADV_PAGEOUT"), (0x16, "MADV_POPULATE_READ"),
    (0x17, "MADV_POPULATE_WRITE"), (0x18, "MADV_DONTNEED_LOCKED"), (0x19, "MADV_COLLAPSE"),
    (0x64, "MADV_HWPOISON"), (0x65, "MADV_SOFT_OFFLINE"),
] };

/// Argument of `mlockall`.
#[rustfmt::skip]
pub static MCL: NameSet = NameSet { zero: None, unknown: Some("MCL_???"), entries: &[
    (1, "MCL_CURRENT"), (2, "MCL_FUTURE"), (4, "MCL_ONFAULT"),
] };

/// Argument of `mlock2`.
#[rustfmt::skip]
pub static MLOCK: NameSet = NameSet { zero: None, unknown: Some("MLOCK_???"), entries: &[
    (1, "MLOCK_ONFAULT"),
] };

/// Argument of `pkey_alloc`.
#[rustfmt::skip]
pub static PKEY: NameSet = NameSet { zero: None, unknown: Some("PKEY_???"), entries: &[
    (1, "PKEY_DISABLE_ACCESS"), (2, "PKEY_DISABLE_WRITE"), (4, "PKEY_DISABLE_EXECUTE"),
] };

/// Argument of `mbind`.
#[rustfmt::skip]
pub static MPOL_MF: NameSet = NameSet { zero: None, unknown: Some("MPOL_???"), entries: &[
    (1, "MPOL_MF_STRICT"), (2, "MPOL_MF_MOVE"), (4, "MPOL_MF_MOVE_ALL"),
] };

/// `move_pages` flags.
#[rustfmt::skip]
pub static MOVE_PAGES: NameSet = NameSet { zero: None, unknown: Some("MPOL_???"), entries: &[
    (2, "MPOL_MF_MOVE"), (4, "MPOL_MF_MOVE_ALL"),
] };

/// Argument of `get_mempolicy`.
#[rustfmt::skip]
pub static MPOL_F: NameSet = NameSet { zero: None, unknown: Some("MPOL_???"), entries: &[
    (1, "MPOL_F_NODE"), (2, "MPOL_F_ADDR"), (4, "MPOL_F_MEMS_ALLOWED"),
] };

/// Memory policy modes.
#[rustfmt::skip]
pub static MPOL: NameSet = NameSet { zero: None, unknown: Some("MPOL_???"), entries: &[
    (0, "MPOL_DEFAULT"), (1, "MPOL_PREFERRED"), (2, "MPOL_BIND"), (3, "MPOL_INTERLEAVE"), (4, "MPOL_LOCAL"),
    (5, "MPOL_PREFERRED_MANY"),
] };

/// Memory policy mode flags.
#[rustfmt::skip]
pub static MPOL_MODE_FLAGS: NameSet = NameSet { zero: None, unknown: Some("MPOL_???"), entries: &[
    (0x8000, "MPOL_F_STATIC_NODES"), (0x4000, "MPOL_F_RELATIVE_NODES"), (0x2000, "MPOL_F_NUMA_BALANCING"),
] };

/// `mmap` flags above the type.
#[rustfmt::skip]
pub static MAP: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x10, "MAP_FIXED"), (0x20, "MAP_ANONYMOUS"), (0x40, "MAP_32BIT"), (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"), (0x10000, "MAP_NONBLOCK"), (0x100, "MAP_GROWSDOWN"), (0x800, "MAP_DENYWRITE"),
    (0x1000, "MAP_EXECUTABLE"), (0x2000, "MAP_LOCKED"), (0x20000, "MAP_STACK"), (0x40000, "MAP_HUGETLB"),
    (0x80000, "MAP_SYNC"), (0x100000, "MAP_FIXED_NOREPLACE"),
] };

/// `mmap` type: the low four bits.
#[rustfmt::skip]
pub static MAP_TYPE: NameSet = NameSet { zero: None, unknown: Some("MAP_???"), entries: &[
    (0, "MAP_FILE"), (1, "MAP_SHARED"), (2, "MAP_PRIVATE"), (3, "MAP_SHARED_VALIDATE"),
] };

/// `memfd_create` flags.
#[rustfmt::skip]
pub static MFD: NameSet = NameSet { zero: None, unknown: Some("MFD_???"), entries: &[
    (1, "MFD_CLOEXEC"), (2, "MFD_ALLOW_SEALING"), (4, "MFD_HUGETLB"),
] };

/// Argument of `shmat`.
#[rustfmt::skip]
pub static SHM_AT: NameSet = NameSet { zero: None, unknown: Some("SHM_???"), entries: &[
    (0x1000, "SHM_RDONLY"), (0x2000, "SHM_RND"), (0x4000, "SHM_REMAP"), (0x8000, "SHM_EXEC"),
] };

/// `shmget` flags above the mode.
#[rustfmt::skip]
pub static SHM_GET: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x200, "IPC_CREAT"), (0x400, "IPC_EXCL"), (0x800, "SHM_HUGETLB"), (0x1000, "SHM_NORESERVE"),
] };

/// `semget` and `msgget` flags above the mode.
#[rustfmt::skip]
pub static IPC_GET: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x200, "IPC_CREAT"), (0x400, "IPC_EXCL"), (0x800, "IPC_NOWAIT"),
] };

/// `shmctl` commands.
#[rustfmt::skip]
pub static SHM_CTL: NameSet = NameSet { zero: None, unknown: Some("SHM_???"), entries: &[
    (0, "IPC_RMID"), (1, "IPC_SET"), (2, "IPC_STAT"), (3, "IPC_INFO"), (0xb, "SHM_LOCK"),
    (0xc, "SHM_UNLOCK"), (0xd, "SHM_STAT"), (0xe, "SHM_INFO"), (0xf, "SHM_STAT_ANY"),
] };

/// `semctl` commands.
#[rustfmt::skip]
pub static SEM_CTL: NameSet = NameSet { zero: None, unknown: Some("SEM_???"), entries: &[
    (0, "IPC_RMID"), (1, "IPC_SET"), (2, "IPC_STAT"), (3, "IPC_INFO"), (0xb, "GETPID"), (0xc, "GETVAL"),
    (0xd, "GETALL"), (0xe, "GETNCNT"), (0xf, "GETZCNT"), (0x10, "SETVAL"), (0x11, "SETALL"),
    (0x12, "SEM_STAT"), (0x13, "SEM_INFO"), (0x14, "SEM_STAT_ANY"),
] };

/// `msgctl` commands.
#[rustfmt::skip]
pub static MSG_CTL: NameSet = NameSet { zero: None, unknown: Some("MSG_???"), entries: &[
    (0, "IPC_RMID"), (1, "IPC_SET"), (2, "IPC_STAT"), (3, "IPC_INFO"), (0xb, "MSG_STAT"), (0xc, "MSG_INFO"),
    (0xd, "MSG_STAT_ANY"),
] };

/// Argument of `msgsnd`.
#[rustfmt::skip]
pub static MSG_IPC: NameSet = NameSet { zero: None, unknown: Some("MSG_???"), entries: &[
    (0x1000, "MSG_NOERROR"), (0x2000, "MSG_EXCEPT"), (0x4000, "MSG_COPY"), (0x800, "IPC_NOWAIT"),
] };

/// `struct sembuf` flags.
#[rustfmt::skip]
pub static SEM_FLG: NameSet = NameSet { zero: None, unknown: Some("SEM_???"), entries: &[
    (0x1000, "SEM_UNDO"), (0x800, "IPC_NOWAIT"),
] };

/// Argument of `userfaultfd`.
#[rustfmt::skip]
pub static UFFD: NameSet = NameSet { zero: None, unknown: Some("UFFD_???"), entries: &[
    (1, "UFFD_USER_MODE_ONLY"), (0x800, "O_NONBLOCK"), (0x80000, "O_CLOEXEC"),
] };
