//! Files: open flags, `AT_` flags, commands, locks, mounts, notification.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// Argument of `lseek`.
#[rustfmt::skip]
pub static SEEK: NameSet = NameSet { zero: None, unknown: Some("SEEK_???"), entries: &[
    (0, "SEEK_SET"), (1, "SEEK_CUR"), (2, "SEEK_END"), (3, "SEEK_DATA"), (4, "SEEK_HOLE"),
] };

/// Argument of `access`.
#[rustfmt::skip]
pub static ACCESS: NameSet = NameSet { zero: Some("F_OK"), unknown: Some("?_OK"), entries: &[
    (4, "R_OK"), (2, "W_OK"), (1, "X_OK"),
] };

/// Open flags beside the access mode.
#[rustfmt::skip]
pub static O: NameSet = NameSet { zero: None, unknown: Some("O_???"), entries: &[
    (0x40, "O_CREAT"), (0x80, "O_EXCL"), (0x100, "O_NOCTTY"), (0x200, "O_TRUNC"), (0x400, "O_APPEND"),
    (0x800, "O_NONBLOCK"), (0x101000, "O_SYNC"), (0x1000, "O_DSYNC"), (0x4000, "O_DIRECT"),
    (0x8000, "O_LARGEFILE"), (0x20000, "O_NOFOLLOW"), (0x40000, "O_NOATIME"), (0x80000, "O_CLOEXEC"),
    (0x200000, "O_PATH"), (0x410000, "O_TMPFILE"), (0x10000, "O_DIRECTORY"), (0x100000, "__O_SYNC"),
    (0x400000, "__O_TMPFILE"), (0x2000, "FASYNC"),
] };

/// `memfd_secret` flags.
#[rustfmt::skip]
pub static O_CLOEXEC: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x80000, "O_CLOEXEC"),
] };

/// Access mode: the low two bits of open flags.
#[rustfmt::skip]
pub static ACCMODE: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "O_RDONLY"), (1, "O_WRONLY"), (2, "O_RDWR"), (3, "O_ACCMODE"),
] };

/// Argument of `fanotify_init`.
#[rustfmt::skip]
pub static O_EVENT: NameSet = NameSet { zero: Some("O_RDONLY"), unknown: None, entries: &[
    (0x40, "O_CREAT"), (0x80, "O_EXCL"), (0x100, "O_NOCTTY"), (0x200, "O_TRUNC"), (0x400, "O_APPEND"),
    (0x800, "O_NONBLOCK"), (0x4000, "O_DIRECT"), (0x8000, "O_LARGEFILE"), (0x20000, "O_NOFOLLOW"),
    (0x40000, "O_NOATIME"), (0x80000, "O_CLOEXEC"), (0x200000, "O_PATH"), (0x2000, "FASYNC"),
    (1, "O_WRONLY"), (2, "O_RDWR"), (0x1000, "O_DSYNC"), (0x10000, "O_DIRECTORY"), (0x100000, "__O_SYNC"),
    (0x400000, "__O_TMPFILE"),
] };

/// Argument of `fcntl`.
#[rustfmt::skip]
pub static FCNTL: NameSet = NameSet { zero: None, unknown: Some("F_???"), entries: &[
    (0, "F_DUPFD"), (1, "F_GETFD"), (2, "F_SETFD"), (3, "F_GETFL"), (4, "F_SETFL"), (5, "F_GETLK"),
    (6, "F_SETLK"), (7, "F_SETLKW"), (8, "F_SETOWN"), (9, "F_GETOWN"), (0xa, "F_SETSIG"), (0xb, "F_GETSIG"),
    (0xc, "F_GETLK64"), (0xd, "F_SETLK64"), (0xe, "F_SETLKW64"), (0xf, "F_SETOWN_EX"),
    (0x10, "F_GETOWN_EX"), (0x11, "F_GETOWNER_UIDS"), (0x24, "F_OFD_GETLK"), (0x25, "F_OFD_SETLK"),
    (0x26, "F_OFD_SETLKW"), (0x400, "F_SETLEASE"), (0x401, "F_GETLEASE"), (0x402, "F_NOTIFY"),
    (0x405, "F_CANCELLK"), (0x406, "F_DUPFD_CLOEXEC"), (0x407, "F_SETPIPE_SZ"), (0x408, "F_GETPIPE_SZ"),
    (0x409, "F_ADD_SEALS"), (0x40a, "F_GET_SEALS"),
] };

/// `flock` operations.
#[rustfmt::skip]
pub static LOCK: NameSet = NameSet { zero: None, unknown: Some("LOCK_???"), entries: &[
    (1, "LOCK_SH"), (2, "LOCK_EX"), (4, "LOCK_NB"), (8, "LOCK_UN"), (0x20, "LOCK_MAND"), (0xc0, "LOCK_RW"),
    (0x40, "LOCK_READ"), (0x80, "LOCK_WRITE"),
] };

/// `struct flock` types.
#[rustfmt::skip]
pub static FLOCK_TYPE: NameSet = NameSet { zero: None, unknown: Some("F_???"), entries: &[
    (0, "F_RDLCK"), (1, "F_WRLCK"), (2, "F_UNLCK"), (4, "F_EXLCK"), (8, "F_SHLCK"),
] };

/// `F_SETOWN_EX` owner types.
#[rustfmt::skip]
pub static F_OWNER: NameSet = NameSet { zero: None, unknown: Some("F_OWNER_???"), entries: &[
    (0, "F_OWNER_TID"), (1, "F_OWNER_PID"), (2, "F_OWNER_PGRP"),
] };

/// File seals.
#[rustfmt::skip]
pub static SEALS: NameSet = NameSet { zero: None, unknown: Some("F_SEAL_???"), entries: &[
    (1, "F_SEAL_SEAL"), (2, "F_SEAL_SHRINK"), (4, "F_SEAL_GROW"), (8, "F_SEAL_WRITE"),
    (0x10, "F_SEAL_FUTURE_WRITE"),
] };

/// Directory notification.
#[rustfmt::skip]
pub static DN: NameSet = NameSet { zero: None, unknown: Some("DN_???"), entries: &[
    (1, "DN_ACCESS"), (2, "DN_MODIFY"), (4, "DN_CREATE"), (8, "DN_DELETE"), (0x10, "DN_RENAME"),
    (0x20, "DN_ATTRIB"), (0x80000000, "DN_MULTISHOT"),
] };

/// Descriptor flags.
#[rustfmt::skip]
pub static FD_FLAGS: NameSet = NameSet { zero: None, unknown: Some("FD_???"), entries: &[
    (1, "FD_CLOEXEC"),
] };

/// Lease types.
#[rustfmt::skip]
pub static LEASE: NameSet = NameSet { zero: None, unknown: Some("F_???"), entries: &[
    (0, "F_RDLCK"), (1, "F_WRLCK"), (2, "F_UNLCK"), (4, "F_EXLCK"), (8, "F_SHLCK"),
] };

/// Argument of `fchownat`.
#[rustfmt::skip]
pub static AT: NameSet = NameSet { zero: None, unknown: Some("AT_???"), entries: &[
    (0x100, "AT_SYMLINK_NOFOLLOW"), (0x200, "AT_REMOVEDIR"), (0x400, "AT_SYMLINK_FOLLOW"),
    (0x800, "AT_NO_AUTOMOUNT"), (0x1000, "AT_EMPTY_PATH"), (0x8000, "AT_RECURSIVE"),
] };

/// Argument of `statx`.
#[rustfmt::skip]
pub static AT_STATX: NameSet = NameSet { zero: Some("AT_STATX_SYNC_AS_STAT"), unknown: None, entries: &[
    (0x2000, "AT_STATX_FORCE_SYNC"), (0x4000, "AT_STATX_DONT_SYNC"), (0x80000000, "AT_STATX_SYNC_AS_STAT"),
] };

/// `statx` synchronisation.
#[rustfmt::skip]
pub static STATX_SYNC: NameSet = NameSet { zero: None, unknown: Some("AT_STATX_???"), entries: &[
    (0, "AT_STATX_SYNC_AS_STAT"), (0x2000, "AT_STATX_FORCE_SYNC"), (0x4000, "AT_STATX_DONT_SYNC"),
    (0x6000, "AT_STATX_FORCE_SYNC|AT_STATX_DONT_SYNC"),
] };

/// Argument of `name_to_handle_at`.
#[rustfmt::skip]
pub static AT_HANDLE: NameSet = NameSet { zero: None, unknown: Some("AT_???"), entries: &[
    (0x400, "AT_SYMLINK_FOLLOW"), (0x1000, "AT_EMPTY_PATH"),
] };

/// Argument of `mount_setattr`.
#[rustfmt::skip]
pub static AT_MOUNT: NameSet = NameSet { zero: None, unknown: Some("AT_???"), entries: &[
    (0x100, "AT_SYMLINK_NOFOLLOW"), (0x800, "AT_NO_AUTOMOUNT"), (0x1000, "AT_EMPTY_PATH"),
    (0x8000, "AT_RECURSIVE"),
] };

/// Argument of `faccessat2`.
#[rustfmt::skip]
pub static FACCESSAT: NameSet = NameSet { zero: None, unknown: Some("AT_???"), entries: &[
    (0x100, "AT_SYMLINK_NOFOLLOW"), (0x200, "AT_EACCESS"), (0x1000, "AT_EMPTY_PATH"),
] };

/// `statx` fields.
#[rustfmt::skip]
pub static STATX: NameSet = NameSet { zero: None, unknown: Some("STATX_???"), entries: &[
    (0xfff, "STATX_ALL"), (0x7ff, "STATX_BASIC_STATS"), (1, "STATX_TYPE"), (2, "STATX_MODE"),
    (4, "STATX_NLINK"), (8, "STATX_UID"), (0x10, "STATX_GID"), (0x20, "STATX_ATIME"), (0x40, "STATX_MTIME"),
    (0x80, "STATX_CTIME"), (0x100, "STATX_INO"), (0x200, "STATX_SIZE"), (0x400, "STATX_BLOCKS"),
    (0x800, "STATX_BTIME"), (0x1000, "STATX_MNT_ID"), (0x2000, "STATX_DIOALIGN"),
] };

/// `struct statx` attributes.
#[rustfmt::skip]
pub static STATX_ATTR: NameSet = NameSet { zero: None, unknown: Some("STATX_ATTR_???"), entries: &[
    (4, "STATX_ATTR_COMPRESSED"), (0x10, "STATX_ATTR_IMMUTABLE"), (0x20, "STATX_ATTR_APPEND"),
    (0x40, "STATX_ATTR_NODUMP"), (0x800, "STATX_ATTR_ENCRYPTED"), (0x1000, "STATX_ATTR_AUTOMOUNT"),
    (0x2000, "STATX_ATTR_MOUNT_ROOT"), (0x100000, "STATX_ATTR_VERITY"), (0x200000, "STATX_ATTR_DAX"),
] };

/// Asynchronous I/O commands.
#[rustfmt::skip]
pub static IOCB_CMD: NameSet = NameSet { zero: None, unknown: Some("IOCB_CMD_???"), entries: &[
    (0, "IOCB_CMD_PREAD"), (1, "IOCB_CMD_PWRITE"), (2, "IOCB_CMD_FSYNC"), (3, "IOCB_CMD_FDSYNC"),
    (4, "IOCB_CMD_PREADX"), (5, "IOCB_CMD_POLL"), (6, "IOCB_CMD_NOOP"), (7, "IOCB_CMD_PREADV"),
    (8, "IOCB_CMD_PWRITEV"),
] };

/// Argument of `setxattr`.
#[rustfmt::skip]
pub static XATTR: NameSet = NameSet { zero: None, unknown: Some("XATTR_???"), entries: &[
    (1, "XATTR_CREATE"), (2, "XATTR_REPLACE"), (3, "XATTR_CREATE|XATTR_REPLACE"), (5, "XATTR_CREATE|0x4"),
    (6, "XATTR_REPLACE|0x4"), (7, "XATTR_CREATE|XATTR_REPLACE|0x4"), (9, "XATTR_CREATE|0x8"),
    (0xa, "XATTR_REPLACE|0x8"), (0xb, "XATTR_CREATE|XATTR_REPLACE|0x8"), (0xd, "XATTR_CREATE|0xc"),
    (0xe, "XATTR_REPLACE|0xc"), (0xf, "XATTR_CREATE|XATTR_REPLACE|0xc"), (0x11, "XATTR_CREATE|0x10"),
    (0x12, "XATTR_REPLACE|0x10"), (0x13, "XATTR_CREATE|XATTR_REPLACE|0x10"), (0x15, "XATTR_CREATE|0x14"),
    (0x16, "XATTR_REPLACE|0x14"), (0x17, "XATTR_CREATE|XATTR_REPLACE|0x14"), (0x19, "XATTR_CREATE|0x18"),
    (0x1a, "XATTR_REPLACE|0x18"), (0x1b, "XATTR_CREATE|XATTR_REPLACE|0x18"), (0x1d, "XATTR_CREATE|0x1c"),
    (0x1e, "XATTR_REPLACE|0x1c"), (0x1f, "XATTR_CREATE|XATTR_REPLACE|0x1c"), (0x21, "XATTR_CREATE|0x20"),
    (0x22, "XATTR_REPLACE|0x20"), (0x23, "XATTR_CREATE|XATTR_REPLACE|0x20"), (0x25, "XATTR_CREATE|0x24"),
    (0x26, "XATTR_REPLACE|0x24"), (0x27, "XATTR_CREATE|XATTR_REPLACE|0x24"), (0x29, "XATTR_CREATE|0x28"),
    (0x2a, "XATTR_REPLACE|0x28"), (0x2b, "XATTR_CREATE|XATTR_REPLACE|0x28"), (0x2d, "XATTR_CREATE|0x2c"),
    (0x2e, "XATTR_REPLACE|0x2c"), (0x2f, "XATTR_CREATE|XATTR_REPLACE|0x2c"), (0x31, "XATTR_CREATE|0x30"),
    (0x32, "XATTR_REPLACE|0x30"), (0x33, "XATTR_CREATE|XATTR_REPLACE|0x30"), (0x35, "XATTR_CREATE|0x34"),
    (0x36, "XATTR_REPLACE|0x34"), (0x37, "XATTR_CREATE|XATTR_REPLACE|0x34"), (0x39, "XATTR_CREATE|0x38"),
    (0x3a, "XATTR_REPLACE|0x38"), (0x3b, "XATTR_CREATE|XATTR_REPLACE|0x38"), (0x3d, "XATTR_CREATE|0x3c"),
    (0x3e, "XATTR_REPLACE|0x3c"), (0x3f, "XATTR_CREATE|XATTR_REPLACE|0x3c"), (0x41, "XATTR_CREATE|0x40"),
    (0x42, "XATTR_REPLACE|0x40"), (0x43, "XATTR_CREATE|XATTR_REPLACE|0x40"), (0x45, "XATTR_CREATE|0x44"),
    (0x46, "XATTR_REPLACE|0x44"), (0x47, "XATTR_CREATE|XATTR_REPLACE|0x44"), (0x49, "XATTR_CREATE|0x48"),
    (0x4a, "XATTR_REPLACE|0x48"), (0x4b, "XATTR_CREATE|XATTR_REPLACE|0x48"), (0x4d, "XATTR_CREATE|0x4c"),
    (0x4e, "XATTR_REPLACE|0x4c"), (0x4f, "XATTR_CREATE|XATTR_REPLACE|0x4c"), (0x51, "XATTR_CREATE|0x50"),
    (0x52, "XATTR_REPLACE|0x50"), (0x53, "XATTR_CREATE|XATTR_REPLACE|0x50"), (0x55, "XATTR_CREATE|0x54"),
    (0x56, "XATTR_REPLACE|0x54"), (0x57, "XATTR_CREATE|XATTR_REPLACE|0x54"), (0x59, "XATTR_CREATE|0x58"),
    (0x5a, "XATTR_REPLACE|0x58"), (0x5b, "XATTR_CREATE|XATTR_REPLACE|0x58"), (0x5d, "XATTR_CREATE|0x5c"),
    (0x5e, "XATTR_REPLACE|0x5c"), (0x5f, "XATTR_CREATE|XATTR_REPLACE|0x5c"), (0x61, "XATTR_CREATE|0x60"),
    (0x62, "XATTR_REPLACE|0x60"), (0x63, "XATTR_CREATE|XATTR_REPLACE|0x60"), (0x65, "XATTR_CREATE|0x64"),
    (0x66, "XATTR_REPLACE|0x64"), (0x67, "XATTR_CREATE|XATTR_REPLACE|0x64"), (0x69, "XATTR_CREATE|0x68"),
    (0x6a, "XATTR_REPLACE|0x68"), (0x6b, "XATTR_CREATE|XATTR_REPLACE|0x68"), (0x6d, "XATTR_CREATE|0x6c"),
    (0x6e, "XATTR_REPLACE|0x6c"), (0x6f, "XATTR_CREATE|XATTR_REPLACE|0x6c"), (0x71, "XATTR_CREATE|0x70"),
    (0x72, "XATTR_REPLACE|0x70"), (0x73, "XATTR_CREATE|XATTR_REPLACE|0x70"), (0x75, "XATTR_CREATE|0x74"),
    (0x76, "XATTR_REPLACE|0x74"), (0x77, "XATTR_CREATE|XATTR_REPLACE|0x74"), (0x79, "XATTR_CREATE|0x78"),
    (0x7a, "XATTR_REPLACE|0x78"), (0x7b, "XATTR_CREATE|XATTR_REPLACE|0x78"), (0x7d, "XATTR_CREATE|0x7c"),
    (0x7e, "XATTR_REPLACE|0x7c"), (0x7f, "XATTR_CREATE|XATTR_REPLACE|0x7c"), (0x81, "XATTR_CREATE|0x80"),
    (0x82, "XATTR_REPLACE|0x80"), (0x83, "XATTR_CREATE|XATTR_REPLACE|0x80"), (0x85, "XATTR_CREATE|0x84"),
    (0x86, "XATTR_REPLACE|0x84"), (0x87, "XATTR_CREATE|XATTR_REPLACE|0x84"), (0x89, "XATTR_CREATE|0x88"),
    (0x8a, "XATTR_REPLACE|0x88"), (0x8b, "XATTR_CREATE|XATTR_REPLACE|0x88"), (0x8d, "XATTR_CREATE|0x8c"),
    (0x8e, "XATTR_REPLACE|0x8c"), (0x8f, "XATTR_CREATE|XATTR_REPLACE|0x8c"), (0x91, "XATTR_CREATE|0x90"),
    (0x92, "XATTR_REPLACE|0x90"), (0x93, "XATTR_CREATE|XATTR_REPLACE|0x90"), (0x95, "XATTR_CREATE|0x94"),
    (0x96, "XATTR_REPLACE|0x94"), (0x97, "XATTR_CREATE|XATTR_REPLACE|0x94"), (0x99, "XATTR_CREATE|0x98"),
    (0x9a, "XATTR_REPLACE|0x98"), (0x9b, "XATTR_CREATE|XATTR_REPLACE|0x98"), (0x9d, "XATTR_CREATE|0x9c"),
    (0x9e, "XATTR_REPLACE|0x9c"), (0x9f, "XATTR_CREATE|XATTR_REPLACE|0x9c"), (0xa1, "XATTR_CREATE|0xa0"),
    (0xa2, "XATTR_REPLACE|0xa0"), (0xa3, "XATTR_CREATE|XATTR_REPLACE|0xa0"), (0xa5, "XATTR_CREATE|0xa4"),
    (0xa6, "XATTR_REPLACE|0xa4"), (0xa7, "XATTR_CREATE|XATTR_REPLACE|0xa4"), (0xa9, "XATTR_CREATE|0xa8"),
    (0xaa, "XATTR_REPLACE|0xa8"), (0xab, "XATTR_CREATE|XATTR_REPLACE|0xa8"), (0xad, "XATTR_CREATE|0xac"),
    (0xae, "XATTR_REPLACE|0xac"), (0xaf, "XATTR_CREATE|XATTR_REPLACE|0xac"), (0xb1, "XATTR_CREATE|0xb0"),
    (0xb2, "XATTR_REPLACE|0xb0"), (0xb3, "XATTR_CREATE|XATTR_REPLACE|0xb0"), (0xb5, "XATTR_CREATE|0xb4"),
    (0xb6, "XATTR_REPLACE|0xb4"), (0xb7, "XATTR_CREATE|XATTR_REPLACE|0xb4"), (0xb9, "XATTR_CREATE|0xb8"),
    (0xba, "XATTR_REPLACE|0xb8"), (0xbb, "XATTR_CREATE|XATTR_REPLACE|0xb8"), (0xbd, "XATTR_CREATE|0xbc"),
    (0xbe, "XATTR_REPLACE|0xbc"), (0xbf, "XATTR_CREATE|XATTR_REPLACE|0xbc"), (0xc1, "XATTR_CREATE|0xc0"),
    (0xc2, "XATTR_REPLACE|0xc0"), (0xc3, "XATTR_CREATE|XATTR_REPLACE|0xc0"), (0xc5, "XATTR_CREATE|0xc4"),
    (0xc6, "XATTR_REPLACE|0xc4"), (0xc7, "XATTR_CREATE|XATTR_REPLACE|0xc4"), (0xc9, "XATTR_CREATE|0xc8"),
    (0xca, "XATTR_REPLACE|0xc8"), (0xcb, "XATTR_CREATE|XATTR_REPLACE|0xc8"), (0xcd, "XATTR_CREATE|0xcc"),
    (0xce, "XATTR_REPLACE|0xcc"), (0xcf, "XATTR_CREATE|XATTR_REPLACE|0xcc"), (0xd1, "XATTR_CREATE|0xd0"),
    (0xd2, "XATTR_REPLACE|0xd0"), (0xd3, "XATTR_CREATE|XATTR_REPLACE|0xd0"), (0xd5, "XATTR_CREATE|0xd4"),
    (0xd6, "XATTR_REPLACE|0xd4"), (0xd7, "XATTR_CREATE|XATTR_REPLACE|0xd4"), (0xd9, "XATTR_CREATE|0xd8"),
    (0xda, "XATTR_REPLACE|0xd8"), (0xdb, "XATTR_CREATE|XATTR_REPLACE|0xd8"), (0xdd, "XATTR_CREATE|0xdc"),
    (0xde, "XATTR_REPLACE|0xdc"), (0xdf, "XATTR_CREATE|XATTR_REPLACE|0xdc"), (0xe1, "XATTR_CREATE|0xe0"),
    (0xe2, "XATTR_REPLACE|0xe0"), (0xe3, "XATTR_CREATE|XATTR_REPLACE|0xe0"), (0xe5, "XATTR_CREATE|0xe4"),
    (0xe6, "XATTR_REPLACE|0xe4"), (0xe7, "XATTR_CREATE|XATTR_REPLACE|0xe4"), (0xe9, "XATTR_CREATE|0xe8"),
    (0xea, "XATTR_REPLACE|0xe8"), (0xeb, "XATTR_CREATE|XATTR_REPLACE|0xe8"), (0xed, "XATTR_CREATE|0xec"),
    (0xee, "XATTR_REPLACE|0xec"), (0xef, "XATTR_CREATE|XATTR_REPLACE|0xec"), (0xf1, "XATTR_CREATE|0xf0"),
    (0xf2, "XATTR_REPLACE|0xf0"), (0xf3, "XATTR_CREATE|XATTR_REPLACE|0xf0"), (0xf5, "XATTR_CREATE|0xf4"),
    (0xf6, "XATTR_REPLACE|0xf4"), (0xf7, "XATTR_CREATE|XATTR_REPLACE|0xf4"), (0xf9, "XATTR_CREATE|0xf8"),
    (0xfa, "XATTR_REPLACE|0xf8"), (0xfb, "XATTR_CREATE|XATTR_REPLACE|0xf8"), (0xfd, "XATTR_CREATE|0xfc"),
    (0xfe, "XATTR_REPLACE|0xfc"), (0xff, "XATTR_CREATE|XATTR_REPLACE|0xfc"), (0x101, "XATTR_CREATE|0x100"),
    (0x102, "XATTR_REPLACE|0x100"), (0x103, "XATTR_CREATE|XATTR_REPLACE|0x100"),
    (0x105, "XATTR_CREATE|0x104"), (0x106, "XATTR_REPLACE|0x104"),
    (0x107, "XATTR_CREATE|XATTR_REPLACE|0x104"), (0x109, "XATTR_CREATE|0x108"),
    (0x10a, "XATTR_REPLACE|0x108"), (0x10b, "XATTR_CREATE|XATTR_REPLACE|0x108"),
    (0x10d, "XATTR_CREATE|0x10c"), (0x10e, "XATTR_REPLACE|0x10c"),
    (0x10f, "XATTR_CREATE|XATTR_REPLACE|0x10c"), (0x111, "XATTR_CREATE|0x110"),
    (0x112, "XATTR_REPLACE|0x110"), (0x113, "XATTR_CREATE|XATTR_REPLACE|0x110"),
    (0x115, "XATTR_CREATE|0x114"), (0x116, "XATTR_REPLACE|0x114"),
    (0x117, "XATTR_CREATE|XATTR_REPLACE|0x114"), (0x119, "XATTR_CREATE|0x118"),
    (0x11a, "XATTR_REPLACE|0x118"), (0x11b, "XATTR_CREATE|XATTR_REPLACE|0x118"),
    (0x11d, "XATTR_CREATE|0x11c"), (0x11e, "XATTR_REPLACE|0x11c"),
    (0x11f, "XATTR_CREATE|XATTR_REPLACE|0x11c"), (0x121, "XATTR_CREATE|0x120"),
    (0x122, "XATTR_REPLACE|0x120"), (0x123, "XATTR_CREATE|XATTR_REPLACE|0x120"),
    (0x125, "XATTR_CREATE|0x124"), (0x126, "XATTR_REPLACE|0x124"),
    (0x127, "XATTR_CREATE|XATTR_REPLACE|0x124"), (0x129, "XATTR_CREATE|0x128"),
    (0x12a, "XATTR_REPLACE|0x128"), (0x12b, "XATTR_CREATE|XATTR_REPLACE|0x128"),
    (0x401, "XATTR_CREATE|0x400"), (0x402, "XATTR_REPLACE|0x400"),
    (0x403, "XATTR_CREATE|XATTR_REPLACE|0x400"), (0x405, "XATTR_CREATE|0x404"),
    (0x406, "XATTR_REPLACE|0x404"), (0x407, "XATTR_CREATE|XATTR_REPLACE|0x404"),
    (0x409, "XATTR_CREATE|0x408"), (0x40a, "XATTR_REPLACE|0x408"),
    (0x40b, "XATTR_CREATE|XATTR_REPLACE|0x408"), (0x40d, "XATTR_CREATE|0x40c"),
    (0x40e, "XATTR_REPLACE|0x40c"), (0x40f, "XATTR_CREATE|XATTR_REPLACE|0x40c"),
    (0x411, "XATTR_CREATE|0x410"), (0x412, "XATTR_REPLACE|0x410"),
    (0x413, "XATTR_CREATE|XATTR_REPLACE|0x410"), (0x415, "XATTR_CREATE|0x414"),
    (0x416, "XATTR_REPLACE|0x414"), (0x417, "XATTR_CREATE|XATTR_REPLACE|0x414"),
    (0x419, "XATTR_CREATE|0x418"), (0x41a, "XATTR_REPLACE|0x418"),
    (0x41b, "XATTR_CREATE|XATTR_REPLACE|0x418"), (0x41d, "XATTR_CREATE|0x41c"),
    (0x41e, "XATTR_REPLACE|0x41c"), (0x41f, "XATTR_CREATE|XATTR_REPLACE|0x41c"),
    (0x421, "XATTR_CREATE|0x420"), (0x422, "XATTR_REPLACE|0x420"),
    (0x423, "XATTR_CREATE|XATTR_REPLACE|0x420"), (0x425, "XATTR_CREATE|0x424"),
    (0x426, "XATTR_REPLACE|0x424"), (0x427, "XATTR_CREATE|XATTR_REPLACE|0x424"),
    (0x429, "XATTR_CREATE|0x428"), (0x42a, "XATTR_REPLACE|0x428"),
    (0x42b, "XATTR_CREATE|XATTR_REPLACE|0x428"), (0x42d, "XATTR_CREATE|0x42c"),
    (0x1001, "XATTR_CREATE|0x1000"), (0x1002, "XATTR_REPLACE|0x1000"),
    (0x1003, "XATTR_CREATE|XATTR_REPLACE|0x1000"), (0x1005, "XATTR_CREATE|0x1004"),
    (0x1006, "XATTR_REPLACE|0x1004"), (0x1007, "XATTR_CREATE|XATTR_REPLACE|0x1004"),
    (0x1009, "XATTR_CREATE|0x1008"), (0x100a, "XATTR_REPLACE|0x1008"),
    (0x100b, "XATTR_CREATE|XATTR_REPLACE|0x1008"), (0x100d, "XATTR_CREATE|0x100c"),
    (0x100e, "XATTR_REPLACE|0x100c"), (0x100f, "XATTR_CREATE|XATTR_REPLACE|0x100c"),
    (0x1011, "XATTR_CREATE|0x1010"), (0x1012, "XATTR_REPLACE|0x1010"),
    (0x1013, "XATTR_CREATE|XATTR_REPLACE|0x1010"), (0x1015, "XATTR_CREATE|0x1014"),
    (0x1016, "XATTR_REPLACE|0x1014"), (0x1017, "XATTR_CREATE|XATTR_REPLACE|0x1014"),
    (0x1019, "XATTR_CREATE|0x1018"), (0x101a, "XATTR_REPLACE|0x1018"),
    (0x101b, "XATTR_CREATE|XATTR_REPLACE|0x1018"), (0x101d, "XATTR_CREATE|0x101c"),
    (0x101e, "XATTR_REPLACE|0x101c"), (0x101f, "XATTR_CREATE|XATTR_REPLACE|0x101c"),
    (0x1021, "XATTR_CREATE|0x1020"), (0x1022, "XATTR_REPLACE|0x1020"),
    (0x1023, "XATTR_CREATE|XATTR_REPLACE|0x1020"), (0x1025, "XATTR_CREATE|0x1024"),
    (0x1026, "XATTR_REPLACE|0x1024"), (0x1027, "XATTR_CREATE|XATTR_REPLACE|0x1024"),
    (0x1029, "XATTR_CREATE|0x1028"), (0x102a, "XATTR_REPLACE|0x1028"),
    (0x102b, "XATTR_CREATE|XATTR_REPLACE|0x1028"), (0x102d, "XATTR_CREATE|0x102c"),
    (0x102e, "XATTR_REPLACE|0x102c"), (0x102f, "XATTR_CREATE|XATTR_REPLACE|0x102c"),
    (0x2001, "XATTR_CREATE|0x2000"), (0x2002, "XATTR_REPLACE|0x2000"),
    (0x2003, "XATTR_CREATE|XATTR_REPLACE|0x2000"), (0x2005, "XATTR_CREATE|0x2004"),
    (0x2006, "XATTR_REPLACE|0x2004"), (0x2007, "XATTR_CREATE|XATTR_REPLACE|0x2004"),
    (0x2009, "XATTR_CREATE|0x2008"), (0x200a, "XATTR_REPLACE|0x2008"),
    (0x200b, "XATTR_CREATE|XATTR_REPLACE|0x2008"), (0x200d, "XATTR_CREATE|0x200c"),
    (0x200e, "XATTR_REPLACE|0x200c"), (0x200f, "XATTR_CREATE|XATTR_REPLACE|0x200c"),
    (0x3001, "XATTR_CREATE|0x3000"), (0x3002, "XATTR_REPLACE|0x3000"),
    (0x3003, "XATTR_CREATE|XATTR_REPLACE|0x3000"), (0x3005, "XATTR_CREATE|0x3004"),
    (0x3006, "XATTR_REPLACE|0x3004"), (0x3007, "XATTR_CREATE|XATTR_REPLACE|0x3004"),
    (0x3009, "XATTR_CREATE|0x3008"), (0x300a, "XATTR_REPLACE|0x3008"),
    (0x300b, "XATTR_CREATE|XATTR_REPLACE|0x3008"), (0x300d, "XATTR_CREATE|0x300c"),
    (0x300e, "XATTR_REPLACE|0x300c"), (0x300f, "XATTR_CREATE|XATTR_REPLACE|0x300c"),
    (0x4001, "XATTR_CREATE|0x4000"), (0x4002, "XATTR_REPLACE|0x4000"),
    (0x4003, "XATTR_CREATE|XATTR_REPLACE|0x4000"), (0x4005, "XATTR_CREATE|0x4004"),
    (0x4006, "XATTR_REPLACE|0x4004"), (0x4007, "XATTR_CREATE|XATTR_REPLACE|0x4004"),
    (0x4009, "XATTR_CREATE|0x4008"), (0x400a, "XATTR_REPLACE|0x4008"),
    (0x400b, "XATTR_CREATE|XATTR_REPLACE|0x4008"), (0x400d, "XATTR_CREATE|0x400c"),
    (0x400e, "XATTR_REPLACE|0x400c"), (0x400f, "XATTR_CREATE|XATTR_REPLACE|0x400c"),
    (0x5001, "XATTR_CREATE|0x5000"), (0x5002, "XATTR_REPLACE|0x5000"),
    (0x5003, "XATTR_CREATE|XATTR_REPLACE|0x5000"), (0x5005, "XATTR_CREATE|0x5004"),
    (0x5006, "XATTR_REPLACE|0x5004"), (0x5007, "XATTR_CREATE|XATTR_REPLACE|0x5004"),
    (0x5009, "XATTR_CREATE|0x5008"), (0x500a, "XATTR_REPLACE|0x5008"),
    (0x500b, "XATTR_CREATE|XATTR_REPLACE|0x5008"), (0x500d, "XATTR_CREATE|0x500c"),
    (0x500e, "XATTR_REPLACE|0x500c"), (0x500f, "XATTR_CREATE|XATTR_REPLACE|0x500c"),
    (0x59616d61, "XATTR_CREATE|0x59616d60"), (0x53564d41, "XATTR_CREATE|0x53564d40"),
    (0xfee1dead, "XATTR_CREATE|0xfee1deac"), (0x28121969, "XATTR_CREATE|0x28121968"),
    (0x5121996, "XATTR_REPLACE|0x5121994"), (0x89abcdef, "XATTR_CREATE|XATTR_REPLACE|0x89abcdec"),
    (0xcdef0123, "XATTR_CREATE|XATTR_REPLACE|0xcdef0120"), (0xd000fce2, "XATTR_REPLACE|0xd000fce0"),
    (0x45584543, "XATTR_CREATE|XATTR_REPLACE|0x45584540"),
    (0x1234567, "XATTR_CREATE|XATTR_REPLACE|0x1234564"), (0x4201, "XATTR_CREATE|0x4200"),
    (0x4202, "XATTR_REPLACE|0x4200"), (0x4203, "XATTR_CREATE|XATTR_REPLACE|0x4200"),
    (0x4205, "XATTR_CREATE|0x4204"), (0x4206, "XATTR_REPLACE|0x4204"),
    (0x4207, "XATTR_CREATE|XATTR_REPLACE|0x4204"), (0x4209, "XATTR_CREATE|0x4208"),
    (0x420a, "XATTR_REPLACE|0x4208"), (0x420b, "XATTR_CREATE|XATTR_REPLACE|0x4208"),
    (0x420d, "XATTR_CREATE|0x420c"), (0x420e, "XATTR_REPLACE|0x420c"),
    (0x420f, "XATTR_CREATE|XATTR_REPLACE|0x420c"), (0x4211, "XATTR_CREATE|0x4210"),
    (0x4212, "XATTR_REPLACE|0x4210"), (0x4213, "XATTR_CREATE|XATTR_REPLACE|0x4210"),
    (0x4215, "XATTR_CREATE|0x4214"), (0x4216, "XATTR_REPLACE|0x4214"),
    (0x4217, "XATTR_CREATE|XATTR_REPLACE|0x4214"), (0x4219, "XATTR_CREATE|0x4218"),
    (0x421a, "XATTR_REPLACE|0x4218"), (0x421b, "XATTR_CREATE|XATTR_REPLACE|0x4218"),
    (0x421d, "XATTR_CREATE|0x421c"), (0x421e, "XATTR_REPLACE|0x421c"),
    (0x421f, "XATTR_CREATE|XATTR_REPLACE|0x421c"),
] };

/// Argument of `renameat2`.
#[rustfmt::skip]
pub static RENAME: NameSet = NameSet { zero: None, unknown: Some("RENAME_??"), entries: &[
    (1, "RENAME_NOREPLACE"), (2, "RENAME_EXCHANGE"), (4, "RENAME_WHITEOUT"),
] };

/// Argument of `fallocate`.
#[rustfmt::skip]
pub static FALLOC: NameSet = NameSet { zero: None, unknown: Some("FALLOC_FL_???"), entries: &[
    (1, "FALLOC_FL_KEEP_SIZE"), (2, "FALLOC_FL_PUNCH_HOLE"), (4, "FALLOC_FL_NO_HIDE_STALE"),
    (8, "FALLOC_FL_COLLAPSE_RANGE"), (0x10, "FALLOC_FL_ZERO_RANGE"), (0x20, "FALLOC_FL_INSERT_RANGE"),
    (0x40, "FALLOC_FL_UNSHARE_RANGE"),
] };

/// Argument of `sync_file_range`.
#[rustfmt::skip]
pub static SYNC_FILE_RANGE: NameSet = NameSet { zero: None, unknown: Some("SYNC_FILE_RANGE_???"), entries: &[
    (1, "SYNC_FILE_RANGE_WAIT_BEFORE"), (2, "SYNC_FILE_RANGE_WRITE"), (4, "SYNC_FILE_RANGE_WAIT_AFTER"),
] };

/// Argument of `splice`.
#[rustfmt::skip]
pub static SPLICE: NameSet = NameSet { zero: None, unknown: Some("SPLICE_F_???"), entries: &[
    (1, "SPLICE_F_MOVE"), (2, "SPLICE_F_NONBLOCK"), (4, "SPLICE_F_MORE"), (8, "SPLICE_F_GIFT"),
] };

/// Argument of `fadvise64`.
#[rustfmt::skip]
pub static FADV: NameSet = NameSet { zero: None, unknown: Some("POSIX_FADV_???"), entries: &[
    (0, "POSIX_FADV_NORMAL"), (1, "POSIX_FADV_RANDOM"), (2, "POSIX_FADV_SEQUENTIAL"),
    (3, "POSIX_FADV_WILLNEED"), (4, "POSIX_FADV_DONTNEED"), (5, "POSIX_FADV_NOREUSE"),
] };

/// `preadv2` flags.
#[rustfmt::skip]
pub static RWF: NameSet = NameSet { zero: None, unknown: Some("RWF_???"), entries: &[
    (1, "RWF_HIPRI"), (2, "RWF_DSYNC"), (4, "RWF_SYNC"), (8, "RWF_NOWAIT"), (0x10, "RWF_APPEND"),
] };

/// Argument of `inotify_add_watch`.
#[rustfmt::skip]
pub static IN: NameSet = NameSet { zero: None, unknown: Some("IN_???"), entries: &[
    (1, "IN_ACCESS"), (2, "IN_MODIFY"), (4, "IN_ATTRIB"), (8, "IN_CLOSE_WRITE"), (0x10, "IN_CLOSE_NOWRITE"),
    (0x20, "IN_OPEN"), (0x40, "IN_MOVED_FROM"), (0x80, "IN_MOVED_TO"), (0x100, "IN_CREATE"),
    (0x200, "IN_DELETE"), (0x400, "IN_DELETE_SELF"), (0x800, "IN_MOVE_SELF"), (0x2000, "IN_UNMOUNT"),
    (0x4000, "IN_Q_OVERFLOW"), (0x8000, "IN_IGNORED"), (0x1000000, "IN_ONLYDIR"),
    (0x2000000, "IN_DONT_FOLLOW"), (0x4000000, "IN_EXCL_UNLINK"), (0x10000000, "IN_MASK_CREATE"),
    (0x20000000, "IN_MASK_ADD"), (0x40000000, "IN_ISDIR"), (0x80000000, "IN_ONESHOT"),
] };

/// Argument of `inotify_init1`.
#[rustfmt::skip]
pub static IN_INIT: NameSet = NameSet { zero: None, unknown: Some("IN_???"), entries: &[
    (0x800, "IN_NONBLOCK"), (0x80000, "IN_CLOEXEC"),
] };

/// Argument of `fanotify_mark`.
#[rustfmt::skip]
pub static FAN_MARK: NameSet = NameSet { zero: None, unknown: Some("FAN_MARK_???"), entries: &[
    (1, "FAN_MARK_ADD"), (2, "FAN_MARK_REMOVE"), (4, "FAN_MARK_DONT_FOLLOW"), (8, "FAN_MARK_ONLYDIR"),
    (0x10, "FAN_MARK_MOUNT"), (0x20, "FAN_MARK_IGNORED_MASK"), (0x40, "FAN_MARK_IGNORED_SURV_MODIFY"),
    (0x80, "FAN_MARK_FLUSH"), (0x100, "FAN_MARK_FILESYSTEM"), (0x200, "FAN_MARK_EVICTABLE"),
    (0x400, "FAN_MARK_IGNORE"),
] };

/// Argument of `fanotify_mark`.
#[rustfmt::skip]
pub static FAN_EVENT: NameSet = NameSet { zero: None, unknown: Some("FAN_???"), entries: &[
    (1, "FAN_ACCESS"), (2, "FAN_MODIFY"), (4, "FAN_ATTRIB"), (8, "FAN_CLOSE_WRITE"),
    (0x10, "FAN_CLOSE_NOWRITE"), (0x20, "FAN_OPEN"), (0x40, "FAN_MOVED_FROM"), (0x80, "FAN_MOVED_TO"),
    (0x100, "FAN_CREATE"), (0x200, "FAN_DELETE"), (0x400, "FAN_DELETE_SELF"), (0x800, "FAN_MOVE_SELF"),
    (0x1000, "FAN_OPEN_EXEC"), (0x4000, "FAN_Q_OVERFLOW"), (0x8000, "FAN_FS_ERROR"),
    (0x10000, "FAN_OPEN_PERM"), (0x20000, "FAN_ACCESS_PERM"), (0x40000, "FAN_OPEN_EXEC_PERM"),
    (0x80000, "FAN_DIR_MODIFY"), (0x40000000, "FAN_ONDIR"), (0x8000000, "FAN_EVENT_ON_CHILD"),
    (0x10000000, "FAN_RENAME"),
] };

/// `fanotify_init` flags beside the class.
#[rustfmt::skip]
pub static FAN_INIT: NameSet = NameSet { zero: None, unknown: Some("FAN_???"), entries: &[
    (1, "FAN_CLOEXEC"), (2, "FAN_NONBLOCK"), (0x10, "FAN_UNLIMITED_QUEUE"), (0x20, "FAN_UNLIMITED_MARKS"),
    (0x40, "FAN_ENABLE_AUDIT"), (0x80, "FAN_REPORT_PIDFD"), (0x100, "FAN_REPORT_TID"),
    (0x200, "FAN_REPORT_FID"), (0x400, "FAN_REPORT_DIR_FID"), (0x800, "FAN_REPORT_NAME"),
    (0x1000, "FAN_REPORT_TARGET_FID"),
] };

/// `fanotify_init` class.
#[rustfmt::skip]
pub static FAN_CLASS: NameSet = NameSet { zero: None, unknown: Some("FAN_CLASS_???"), entries: &[
    (0, "FAN_CLASS_NOTIF"), (4, "FAN_CLASS_CONTENT"), (8, "FAN_CLASS_PRE_CONTENT"),
] };

/// Argument of `mount`.
#[rustfmt::skip]
pub static MS_MOUNT: NameSet = NameSet { zero: None, unknown: Some("MS_???"), entries: &[
    (1, "MS_RDONLY"), (2, "MS_NOSUID"), (4, "MS_NODEV"), (8, "MS_NOEXEC"), (0x10, "MS_SYNCHRONOUS"),
    (0x20, "MS_REMOUNT"), (0x40, "MS_MANDLOCK"), (0x80, "MS_DIRSYNC"), (0x100, "MS_NOSYMFOLLOW"),
    (0x400, "MS_NOATIME"), (0x800, "MS_NODIRATIME"), (0x1000, "MS_BIND"), (0x2000, "MS_MOVE"),
    (0x4000, "MS_REC"), (0x8000, "MS_SILENT"), (0x10000, "MS_POSIXACL"), (0x20000, "MS_UNBINDABLE"),
    (0x40000, "MS_PRIVATE"), (0x80000, "MS_SLAVE"), (0x100000, "MS_SHARED"), (0x200000, "MS_RELATIME"),
    (0x400000, "MS_KERNMOUNT"), (0x800000, "MS_I_VERSION"), (0x1000000, "MS_STRICTATIME"),
    (0x2000000, "MS_LAZYTIME"), (0x4000000, "MS_SUBMOUNT"), (0x8000000, "MS_NOREMOTELOCK"),
    (0x10000000, "MS_NOSEC"), (0x20000000, "MS_BORN"), (0x40000000, "MS_ACTIVE"), (0x80000000, "MS_NOUSER"),
] };

/// Mount propagation.
#[rustfmt::skip]
pub static MS_PROPAGATION: NameSet = NameSet { zero: None, unknown: Some("MS_???"), entries: &[
    (0x20000, "MS_UNBINDABLE"), (0x40000, "MS_PRIVATE"), (0x80000, "MS_SLAVE"), (0x100000, "MS_SHARED"),
] };

/// Argument of `umount2`.
#[rustfmt::skip]
pub static MNT: NameSet = NameSet { zero: None, unknown: Some("MNT_???"), entries: &[
    (1, "MNT_FORCE"), (2, "MNT_DETACH"), (4, "MNT_EXPIRE"), (8, "UMOUNT_NOFOLLOW"),
] };

/// `struct statfs` mount flags.
#[rustfmt::skip]
pub static ST: NameSet = NameSet { zero: None, unknown: Some("ST_???"), entries: &[
    (0x20, "ST_VALID"), (1, "ST_RDONLY"), (2, "ST_NOSUID"), (4, "ST_NODEV"), (8, "ST_NOEXEC"),
    (0x10, "ST_SYNCHRONOUS"), (0x40, "ST_MANDLOCK"), (0x400, "ST_NOATIME"), (0x800, "ST_NODIRATIME"),
    (0x1000, "ST_RELATIME"), (0x2000, "ST_NOSYMFOLLOW"),
] };

/// File system magic numbers.
#[rustfmt::skip]
pub static FS_MAGIC: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x2f, "QNX4_SUPER_MAGIC"), (0x187, "AUTOFS_SUPER_MAGIC"), (0x137d, "EXT_SUPER_MAGIC"),
    (0x137f, "MINIX_SUPER_MAGIC"), (0x138f, "MINIX_SUPER_MAGIC2"), (0x1cd1, "DEVPTS_SUPER_MAGIC"),
    (0x2468, "MINIX2_SUPER_MAGIC"), (0x2478, "MINIX2_SUPER_MAGIC2"), (0x3434, "NILFS_SUPER_MAGIC"),
    (0x4244, "HFS_SUPER_MAGIC"), (0x482b, "HFSPLUS_SUPER_MAGIC"), (0x4d44, "MSDOS_SUPER_MAGIC"),
    (0x4d5a, "MINIX3_SUPER_MAGIC"), (0x517b, "SMB_SUPER_MAGIC"), (0x564c, "NCP_SUPER_MAGIC"),
    (0x5df5, "EXOFS_SUPER_MAGIC"), (0x6969, "NFS_SUPER_MAGIC"), (0x7275, "ROMFS_MAGIC"),
    (0x72b6, "JFFS2_SUPER_MAGIC"), (0x9660, "ISOFS_SUPER_MAGIC"), (0x9fa0, "PROC_SUPER_MAGIC"),
    (0x9fa1, "OPENPROM_SUPER_MAGIC"), (0x9fa2, "USBDEVICE_SUPER_MAGIC"), (0xadf5, "ADFS_SUPER_MAGIC"),
    (0xadff, "AFFS_SUPER_MAGIC"), (0xef53, "EXT2_SUPER_MAGIC"), (0xf15f, "ECRYPTFS_SUPER_MAGIC"),
    (0x11954, "UFS_MAGIC"), (0x27e0eb, "CGROUP_SUPER_MAGIC"), (0x414a53, "EFS_SUPER_MAGIC"),
    (0xc0ffee, "HOSTFS_SUPER_MAGIC"), (0xc36400, "CEPH_SUPER_MAGIC"), (0x1021994, "TMPFS_MAGIC"),
    (0x1021997, "V9FS_MAGIC"), (0x1161970, "GFS2_MAGIC"), (0x12ff7b7, "COH_SUPER_MAGIC"),
    (0x9041934, "ANON_INODE_FS_MAGIC"), (0xbad1dea, "FUTEXFS_SUPER_MAGIC"),
    (0x11307854, "MTD_INODE_FS_MAGIC"), (0x15013346, "UDF_SUPER_MAGIC"), (0x1badface, "BFS_MAGIC"),
    (0x2011bab0, "EXFAT_SUPER_MAGIC"), (0x24051905, "UBIFS_SUPER_MAGIC"), (0x28cd3d45, "CRAMFS_MAGIC"),
    (0x2fc12fc1, "ZFS_SUPER_MAGIC"), (0x3153464a, "JFS_SUPER_MAGIC"), (0x42494e4d, "BINFMTFS_MAGIC"),
    (0x43415d53, "SMACK_MAGIC"), (0x444d4142, "DMA_BUF_MAGIC"), (0x453dcd28, "CRAMFS_MAGIC_WEND"),
    (0x454d444d, "DEVMEM_MAGIC"), (0x50495045, "PIPEFS_MAGIC"), (0x52654973, "REISERFS_SUPER_MAGIC"),
    (0x5345434d, "SECRETMEM_MAGIC"), (0x5346414f, "AFS_SUPER_MAGIC"), (0x5346544e, "NTFS_SB_MAGIC"),
    (0x534f434b, "SOCKFS_MAGIC"), (0x57ac6e9d, "STACK_END_MAGIC"), (0x58465342, "XFS_SUPER_MAGIC"),
    (0x5a3c69f0, "AAFS_MAGIC"), (0x5a4f4653, "ZONEFS_MAGIC"), (0x6165676c, "PSTOREFS_MAGIC"),
    (0x62646576, "BDEVFS_MAGIC"), (0x62656572, "SYSFS_MAGIC"), (0x63677270, "CGROUP2_SUPER_MAGIC"),
    (0x64626720, "DEBUGFS_MAGIC"), (0x64646178, "DAXFS_MAGIC"), (0x65735543, "FUSE_CTL_SUPER_MAGIC"),
    (0x65735546, "FUSE_SUPER_MAGIC"), (0x68191122, "QNX6_SUPER_MAGIC"), (0x6b414653, "AFS_FS_MAGIC"),
    (0x6c6f6f70, "BINDERFS_SUPER_MAGIC"), (0x6e736673, "NSFS_MAGIC"), (0x73636673, "SECURITYFS_MAGIC"),
    (0x73717368, "SQUASHFS_MAGIC"), (0x73727279, "BTRFS_TEST_MAGIC"), (0x73757245, "CODA_SUPER_MAGIC"),
    (0x7461636f, "OCFS2_SUPER_MAGIC"), (0x74726163, "TRACEFS_MAGIC"), (0x794c7630, "OVERLAYFS_SUPER_MAGIC"),
    (0x858458f6, "RAMFS_MAGIC"), (0x9123683e, "BTRFS_SUPER_MAGIC"), (0x958458f6, "HUGETLBFS_MAGIC"),
    (0xa501fcf5, "VXFS_SUPER_MAGIC"), (0xabba1974, "XENFS_SUPER_MAGIC"), (0xcafe4a11, "BPF_FS_MAGIC"),
    (0xde5e81e4, "EFIVARFS_MAGIC"), (0xe0f5e1e2, "EROFS_SUPER_MAGIC_V1"), (0xf2f52010, "F2FS_SUPER_MAGIC"),
    (0xf97cff8c, "SELINUX_MAGIC"), (0xf995e849, "HPFS_SUPER_MAGIC"), (0xfe534d42, "SMB2_SUPER_MAGIC"),
    (0xff534d42, "CIFS_SUPER_MAGIC"),
] };

/// Argument of `open_tree`.
#[rustfmt::skip]
pub static OPEN_TREE: NameSet = NameSet { zero: None, unknown: Some("OPEN_TREE_???"), entries: &[
    (1, "OPEN_TREE_CLONE"), (0x80000, "OPEN_TREE_CLOEXEC"), (0x100, "AT_SYMLINK_NOFOLLOW"),
    (0x200, "AT_REMOVEDIR"), (0x400, "AT_SYMLINK_FOLLOW"), (0x800, "AT_NO_AUTOMOUNT"),
    (0x1000, "AT_EMPTY_PATH"), (0x8000, "AT_RECURSIVE"),
] };

/// Argument of `move_mount`.
#[rustfmt::skip]
pub static MOVE_MOUNT: NameSet = NameSet { zero: None, unknown: Some("MOVE_MOUNT_???"), entries: &[
    (1, "MOVE_MOUNT_F_SYMLINKS"), (2, "MOVE_MOUNT_F_AUTOMOUNTS"), (4, "MOVE_MOUNT_F_EMPTY_PATH"),
    (0x10, "MOVE_MOUNT_T_SYMLINKS"), (0x20, "MOVE_MOUNT_T_AUTOMOUNTS"), (0x40, "MOVE_MOUNT_T_EMPTY_PATH"),
    (0x100, "MOVE_MOUNT_SET_GROUP"),
] };

/// Argument of `fsopen`.
#[rustfmt::skip]
pub static FSOPEN: NameSet = NameSet { zero: None, unknown: Some("FSOPEN_???"), entries: &[
    (1, "FSOPEN_CLOEXEC"),
] };

/// Argument of `fsconfig`.
#[rustfmt::skip]
pub static FSCONFIG: NameSet = NameSet { zero: None, unknown: Some("FSCONFIG_???"), entries: &[
    (0, "FSCONFIG_SET_FLAG"), (1, "FSCONFIG_SET_STRING"), (2, "FSCONFIG_SET_BINARY"),
    (3, "FSCONFIG_SET_PATH"), (4, "FSCONFIG_SET_PATH_EMPTY"), (5, "FSCONFIG_SET_FD"),
    (6, "FSCONFIG_CMD_CREATE"), (7, "FSCONFIG_CMD_RECONFIGURE"),
] };

/// Argument of `fsmount`.
#[rustfmt::skip]
pub static FSMOUNT: NameSet = NameSet { zero: None, unknown: Some("FSMOUNT_???"), entries: &[
    (1, "FSMOUNT_CLOEXEC"),
] };

/// Argument of `fspick`.
#[rustfmt::skip]
pub static FSPICK: NameSet = NameSet { zero: None, unknown: Some("FSPICK_???"), entries: &[
    (1, "FSPICK_CLOEXEC"), (2, "FSPICK_SYMLINK_NOFOLLOW"), (4, "FSPICK_NO_AUTOMOUNT"),
    (8, "FSPICK_EMPTY_PATH"),
] };

/// Argument of `fsmount`.
#[rustfmt::skip]
pub static MOUNT_ATTR: NameSet = NameSet { zero: None, unknown: Some("MOUNT_ATTR_???"), entries: &[
    (1, "MOUNT_ATTR_RDONLY"), (2, "MOUNT_ATTR_NOSUID"), (4, "MOUNT_ATTR_NODEV"), (8, "MOUNT_ATTR_NOEXEC"),
    (0x10, "MOUNT_ATTR_NOATIME"), (0x20, "MOUNT_ATTR_STRICTATIME"), (0x80, "MOUNT_ATTR_NODIRATIME"),
] };

/// Argument of `close_range`.
#[rustfmt::skip]
pub static CLOSE_RANGE: NameSet = NameSet { zero: None, unknown: Some("CLOSE_RANGE_???"), entries: &[
    (2, "CLOSE_RANGE_UNSHARE"), (4, "CLOSE_RANGE_CLOEXEC"),
] };

/// `struct open_how` resolve bits.
#[rustfmt::skip]
pub static RESOLVE: NameSet = NameSet { zero: None, unknown: Some("RESOLVE_???"), entries: &[
    (1, "RESOLVE_NO_XDEV"), (2, "RESOLVE_NO_MAGICLINKS"), (4, "RESOLVE_NO_SYMLINKS"),
    (8, "RESOLVE_BENEATH"), (0x10, "RESOLVE_IN_ROOT"), (0x20, "RESOLVE_CACHED"),
] };

/// File types of a mode.
#[rustfmt::skip]
pub static S_IFMT: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0xc000, "S_IFSOCK"), (0xa000, "S_IFLNK"), (0x8000, "S_IFREG"), (0x6000, "S_IFBLK"),
    (0x4000, "S_IFDIR"), (0x2000, "S_IFCHR"), (0x1000, "S_IFIFO"),
] };

/// Set-id and sticky bits of a mode.
#[rustfmt::skip]
pub static S_PERM: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x800, "S_ISUID"), (0x400, "S_ISGID"), (0x200, "S_ISVTX"),
] };

/// Directory entry types.
#[rustfmt::skip]
pub static DT: NameSet = NameSet { zero: None, unknown: Some("DT_???"), entries: &[
    (0, "DT_UNKNOWN"), (1, "DT_FIFO"), (2, "DT_CHR"), (4, "DT_DIR"), (6, "DT_BLK"), (8, "DT_REG"),
    (0xa, "DT_LNK"), (0xc, "DT_SOCK"), (0xe, "DT_WHT"),
] };

/// `swapon` flags.
#[rustfmt::skip]
pub static SWAP: NameSet = NameSet { zero: None, unknown: Some("SWAP_FLAG_???"), entries: &[
    (0x8000, "SWAP_FLAG_PREFER"), (0x10000, "SWAP_FLAG_DISCARD"), (0x20000, "SWAP_FLAG_DISCARD_ONCE"),
    (0x40000, "SWAP_FLAG_DISCARD_PAGES"),
] };

/// `quotactl` commands.
#[rustfmt::skip]
pub static QUOTA_CMD: NameSet = NameSet { zero: None, unknown: Some("Q_???"), entries: &[
    (0x800001, "Q_SYNC"), (0x800002, "Q_QUOTAON"), (0x800003, "Q_QUOTAOFF"), (0x800004, "Q_GETFMT"),
    (0x800005, "Q_GETINFO"), (0x800006, "Q_SETINFO"), (0x800007, "Q_GETQUOTA"), (0x800008, "Q_SETQUOTA"),
    (0x800009, "Q_GETNEXTQUOTA"),
] };

/// Quota types.
#[rustfmt::skip]
pub static QUOTA_TYPE: NameSet = NameSet { zero: None, unknown: Some("???QUOTA"), entries: &[
    (0, "USRQUOTA"), (1, "GRPQUOTA"), (2, "PRJQUOTA"),
] };
