//! Terminals and file flags behind `ioctl`.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// `TCFLSH` queues.
#[rustfmt::skip]
pub static TCFLSH: NameSet = NameSet { zero: None, unknown: Some("TC?FLUSH"), entries: &[
    (0, "TCIFLUSH"), (1, "TCOFLUSH"), (2, "TCIOFLUSH"),
] };

/// `TCXONC` actions.
#[rustfmt::skip]
pub static TCXONC: NameSet = NameSet { zero: None, unknown: Some("TC???"), entries: &[
    (0, "TCOOFF"), (1, "TCOON"), (2, "TCIOFF"), (3, "TCION"),
] };

/// Terminal input flags.
#[rustfmt::skip]
pub static C_IFLAG: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (1, "IGNBRK"), (2, "BRKINT"), (4, "IGNPAR"), (8, "PARMRK"), (0x10, "INPCK"), (0x20, "ISTRIP"),
    (0x40, "INLCR"), (0x80, "IGNCR"), (0x100, "ICRNL"), (0x200, "IUCLC"), (0x400, "IXON"), (0x800, "IXANY"),
    (0x1000, "IXOFF"), (0x2000, "IMAXBEL"), (0x4000, "IUTF8"),
] };

/// Newline delays.
#[rustfmt::skip]
pub static C_NLDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "NL0"), (0x100, "NL1"),
] };

/// Output delays.
#[rustfmt::skip]
pub static C_CRDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "CR0"), (0x200, "CR1"), (0x400, "CR2"), (0x600, "CR3"),
] };

/// Output delays.
#[rustfmt::skip]
pub static C_TABDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "TAB0"), (0x800, "TAB1"), (0x1000, "TAB2"), (0x1800, "XTABS"),
] };

/// Output delays.
#[rustfmt::skip]
pub static C_BSDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "BS0"), (0x2000, "BS1"),
] };

/// Output delays.
#[rustfmt::skip]
pub static C_VTDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "VT0"), (0x4000, "VT1"),
] };

/// Output delays.
#[rustfmt::skip]
pub static C_FFDLY: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "FF0"), (0x8000, "FF1"),
] };

/// Terminal output flags beside delays.
#[rustfmt::skip]
pub static C_OFLAG: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (1, "OPOST"), (2, "OLCUC"), (4, "ONLCR"), (8, "OCRNL"), (0x10, "ONOCR"), (0x20, "ONLRET"),
    (0x40, "OFILL"), (0x80, "OFDEL"),
] };

/// Line speeds.
#[rustfmt::skip]
pub static C_BAUD: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "B0"), (1, "B50"), (2, "B75"), (3, "B110"), (4, "B134"), (5, "B150"), (6, "B200"), (7, "B300"),
    (8, "B600"), (9, "B1200"), (0xa, "B1800"), (0xb, "B2400"), (0xc, "B4800"), (0xd, "B9600"),
    (0xe, "B19200"), (0xf, "B38400"), (0x1000, "BOTHER"), (0x1001, "B57600"), (0x1002, "B115200"),
    (0x1003, "B230400"), (0x1004, "B460800"), (0x1005, "B500000"), (0x1006, "B576000"), (0x1007, "B921600"),
    (0x1008, "B1000000"), (0x1009, "B1152000"), (0x100a, "B1500000"), (0x100b, "B2000000"),
    (0x100c, "B2500000"), (0x100d, "B3000000"), (0x100e, "B3500000"), (0x100f, "B4000000"),
] };

/// Character sizes.
#[rustfmt::skip]
pub static C_CSIZE: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "CS5"), (0x10, "CS6"), (0x20, "CS7"), (0x30, "CS8"),
] };

/// Terminal control flags beside speed and size.
#[rustfmt::skip]
pub static C_CFLAG: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0x40, "CSTOPB"), (0x80, "CREAD"), (0x100, "PARENB"), (0x200, "PARODD"), (0x400, "HUPCL"),
    (0x800, "CLOCAL"), (0x40000000, "CMSPAR"), (0x80000000, "CRTSCTS"),
] };

/// Terminal local flags.
#[rustfmt::skip]
pub static C_LFLAG: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (1, "ISIG"), (2, "ICANON"), (4, "XCASE"), (8, "ECHO"), (0x10, "ECHOE"), (0x20, "ECHOK"),
    (0x40, "ECHONL"), (0x80, "NOFLSH"), (0x8000, "IEXTEN"), (0x200, "ECHOCTL"), (0x400, "ECHOPRT"),
    (0x800, "ECHOKE"), (0x1000, "FLUSHO"), (0x4000, "PENDIN"), (0x100, "TOSTOP"), (0x10000, "EXTPROC"),
] };

/// Line disciplines.
#[rustfmt::skip]
pub static N_LINE: NameSet = NameSet { zero: None, unknown: Some("N_???"), entries: &[
    (0, "N_TTY"), (1, "N_SLIP"), (2, "N_MOUSE"), (3, "N_PPP"), (4, "N_STRIP"), (5, "N_AX25"), (6, "N_X25"),
    (7, "N_6PACK"), (8, "N_MASC"), (9, "N_R3964"), (0xa, "N_PROFIBUS_FDL"), (0xb, "N_IRDA"),
    (0xc, "N_SMSBLOCK"), (0xd, "N_HDLC"), (0xe, "N_SYNC_PPP"), (0xf, "N_HCI"), (0x10, "N_GIGASET_M101"),
    (0x11, "N_SLCAN"), (0x12, "N_PPS"), (0x13, "N_V253"), (0x14, "N_CAIF"), (0x15, "N_GSM0710"),
    (0x16, "N_TI_WL"), (0x17, "N_TRACESINK"), (0x18, "N_TRACEROUTER"), (0x19, "N_NCI"), (0x1a, "N_SPEAKUP"),
    (0x1b, "N_NULL"),
] };

/// Modem lines.
#[rustfmt::skip]
pub static TIOCM: NameSet = NameSet { zero: None, unknown: Some("TIOCM_???"), entries: &[
    (1, "TIOCM_LE"), (2, "TIOCM_DTR"), (4, "TIOCM_RTS"), (8, "TIOCM_ST"), (0x10, "TIOCM_SR"),
    (0x20, "TIOCM_CTS"), (0x40, "TIOCM_CAR"), (0x80, "TIOCM_RNG"), (0x100, "TIOCM_DSR"),
    (0x2000, "TIOCM_OUT1"), (0x4000, "TIOCM_OUT2"), (0x8000, "TIOCM_LOOP"),
] };

/// File flags of `FS_IOC_GETFLAGS`.
#[rustfmt::skip]
pub static FS_FLAGS: NameSet = NameSet { zero: None, unknown: Some("FS_???_FL"), entries: &[
    (1, "FS_SECRM_FL"), (2, "FS_UNRM_FL"), (4, "FS_COMPR_FL"), (8, "FS_SYNC_FL"), (0x10, "FS_IMMUTABLE_FL"),
    (0x20, "FS_APPEND_FL"), (0x40, "FS_NODUMP_FL"), (0x80, "FS_NOATIME_FL"), (0x100, "FS_DIRTY_FL"),
    (0x200, "FS_COMPRBLK_FL"), (0x400, "FS_NOCOMP_FL"), (0x800, "FS_ENCRYPT_FL"), (0x1000, "FS_INDEX_FL"),
    (0x2000, "FS_IMAGIC_FL"), (0x4000, "FS_JOURNAL_DATA_FL"), (0x8000, "FS_NOTAIL_FL"),
    (0x10000, "FS_DIRSYNC_FL"), (0x20000, "FS_TOPDIR_FL"), (0x40000, "FS_HUGE_FILE_FL"),
    (0x80000, "FS_EXTENT_FL"), (0x100000, "FS_VERITY_FL"), (0x200000, "FS_EA_INODE_FL"),
    (0x400000, "FS_EOFBLOCKS_FL"), (0x800000, "FS_NOCOW_FL"), (0x2000000, "FS_DAX_FL"),
    (0x10000000, "FS_INLINE_DATA_FL"), (0x20000000, "FS_PROJINHERIT_FL"), (0x40000000, "FS_CASEFOLD_FL"),
    (0x80000000, "FS_RESERVED_FL"),
] };
