//! Error numbers: names, texts, and the restart codes that only a tracer sees.
//!
//! Names are those of `errno.h`, texts those of glibc's `strerror`, as strace prints them. The restart codes
//! (512 to 516, `include/linux/errno.h`) never reach a program: the kernel turns them into a restart or `EINTR` after
//! the syscall-exit stop. It knows nothing of how results are laid out.

/// An error number, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub u16);

/// The highest value that the kernel encodes as an error (`MAX_ERRNO`).
pub const MAX: u16 = 4095;

impl Errno {
    /// Interrupted by a signal.
    pub const EINTR: Self = Self(4);
    /// No such syscall.
    pub const ENOSYS: Self = Self(38);
    /// To be restarted if the handler has `SA_RESTART`.
    pub const ERESTARTSYS: Self = Self(512);
    /// To be restarted always.
    pub const ERESTARTNOINTR: Self = Self(513);
    /// To be restarted if there is no handler.
    pub const ERESTARTNOHAND: Self = Self(514);
    /// Restarted through `restart_syscall`.
    pub const ERESTART_RESTARTBLOCK: Self = Self(516);

    /// The error in a raw syscall return value, if it is one.
    #[must_use]
    #[inline]
    pub const fn from_return(value: i64) -> Option<Self> {
        if value < 0 && value >= -(MAX as i64) { Some(Self(-value as u16)) } else { None }
    }

    /// The raw syscall return value that stands for this error.
    #[must_use]
    pub const fn to_return(self) -> i64 {
        -(self.0 as i64)
    }

    /// Name such as `ENOENT`; `None` for a number without one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.0)
    }

    /// Text such as `No such file or directory`; `None` for kernel-internal codes that have no public text.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.1).filter(|text| !text.is_empty())
    }

    /// Whether this is one of the kernel's restart codes.
    #[must_use]
    pub const fn is_restart(self) -> bool {
        matches!(self.0, 512 | 513 | 514 | 516)
    }

    /// The error called `name` (exact, upper case).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "EWOULDBLOCK" => return Some(Self(11)),
            "EDEADLOCK" => return Some(Self(35)),
            "ENOTSUP" => return Some(Self(95)),
            _ => {}
        }
        let public = (1..TABLE.len() as u16).map(Self);
        public.chain((512..=531).map(Self)).find(|errno| errno.name() == Some(name))
    }

    fn entry(self) -> Option<(&'static str, &'static str)> {
        let entry = match self.0 {
            512..=531 => INTERNAL.get(usize::from(self.0) - 512)?,
            number => TABLE.get(usize::from(number))?,
        };
        if entry.0.is_empty() { None } else { Some(*entry) }
    }
}

/// Kernel-internal codes from 512 on.
#[rustfmt::skip]
static INTERNAL: [(&str, &str); 20] = [
    ("ERESTARTSYS", "To be restarted if SA_RESTART is set"),
    ("ERESTARTNOINTR", "To be restarted"),
    ("ERESTARTNOHAND", "To be restarted if no handler"),
    ("ENOIOCTLCMD", ""),
    ("ERESTART_RESTARTBLOCK", "Interrupted by signal"),
    ("EPROBE_DEFER", ""),
    ("EOPENSTALE", ""),
    ("", ""),
    ("", ""),
    ("EBADHANDLE", ""),
    ("ENOTSYNC", ""),
    ("EBADCOOKIE", ""),
    ("ENOTSUPP", ""),
    ("ETOOSMALL", ""),
    ("ESERVERFAULT", ""),
    ("EBADTYPE", ""),
    ("EJUKEBOX", ""),
    ("EIOCBQUEUED", ""),
    ("ERECALLCONFLICT", ""),
    ("", ""),
];

/// Public errors by number; empty names are holes.
#[rustfmt::skip]
static TABLE: [(&str, &str); 134] = [
    ("", ""),
    ("EPERM", "Operation not permitted"),
    ("ENOENT", "No such file or directory"),
    ("ESRCH", "No such process"),
    ("EINTR", "Interrupted system call"),
    ("EIO", "Input/output error"),
    ("ENXIO", "No such device or address"),
    ("E2BIG", "Argument list too long"),
    ("ENOEXEC", "Exec format error"),
    ("EBADF", "Bad file descriptor"),
    ("ECHILD", "No child processes"),
    ("EAGAIN", "Resource temporarily unavailable"),
    ("ENOMEM", "Cannot allocate memory"),
    ("EACCES", "Permission denied"),
    ("EFAULT", "Bad address"),
    ("ENOTBLK", "Block device required"),
    ("EBUSY", "Device or resource busy"),
    ("EEXIST", "File exists"),
    ("EXDEV", "Invalid cross-device link"),
    ("ENODEV", "No such device"),
    ("ENOTDIR", "Not a directory"),
    ("EISDIR", "Is a directory"),
    ("EINVAL", "Invalid argument"),
    ("ENFILE", "Too many open files in system"),
    ("EMFILE", "Too many open files"),
    ("ENOTTY", "Inappropriate ioctl for device"),
    ("ETXTBSY", "Text file busy"),
    ("EFBIG", "File too large"),
    ("ENOSPC", "No space left on device"),
    ("ESPIPE", "Illegal seek"),
    ("EROFS", "Read-only file system"),
    ("EMLINK", "Too many links"),
    ("EPIPE", "Broken pipe"),
    ("EDOM", "Numerical argument out of domain"),
    ("ERANGE", "Numerical result out of range"),
    ("EDEADLK", "Resource deadlock avoided"),
    ("ENAMETOOLONG", "File name too long"),
    ("ENOLCK", "No locks available"),
    ("ENOSYS", "Function not implemented"),
    ("ENOTEMPTY", "Directory not empty"),
    ("ELOOP", "Too many levels of symbolic links"),
    ("", ""),
    ("ENOMSG", "No message of desired type"),
    ("EIDRM", "Identifier removed"),
    ("ECHRNG", "Channel number out of range"),
    ("EL2NSYNC", "Level 2 not synchronized"),
    ("EL3HLT", "Level 3 halted"),
    ("EL3RST", "Level 3 reset"),
    ("ELNRNG", "Link number out of range"),
    ("EUNATCH", "Protocol driver not attached"),
    ("ENOCSI", "No CSI structure available"),
    ("EL2HLT", "Level 2 halted"),
    ("EBADE", "Invalid exchange"),
    ("EBADR", "Invalid request descriptor"),
    ("EXFULL", "Exchange full"),
    ("ENOANO", "No anode"),
    ("EBADRQC", "Invalid request code"),
    ("EBADSLT", "Invalid slot"),
    ("", ""),
    ("EBFONT", "Bad font file format"),
    ("ENOSTR", "Device not a stream"),
    ("ENODATA", "No data available"),
    ("ETIME", "Timer expired"),
    ("ENOSR", "Out of streams resources"),
    ("ENONET", "Machine is not on the network"),
    ("ENOPKG", "Package not installed"),
    ("EREMOTE", "Object is remote"),
    ("ENOLINK", "Link has been severed"),
    ("EADV", "Advertise error"),
    ("ESRMNT", "Srmount error"),
    ("ECOMM", "Communication error on send"),
    ("EPROTO", "Protocol error"),
    ("EMULTIHOP", "Multihop attempted"),
    ("EDOTDOT", "RFS specific error"),
    ("EBADMSG", "Bad message"),
    ("EOVERFLOW", "Value too large for defined data type"),
    ("ENOTUNIQ", "Name not unique on network"),
    ("EBADFD", "File descriptor in bad state"),
    ("EREMCHG", "Remote address changed"),
    ("ELIBACC", "Can not access a needed shared library"),
    ("ELIBBAD", "Accessing a corrupted shared library"),
    ("ELIBSCN", ".lib section in a.out corrupted"),
    ("ELIBMAX", "Attempting to link in too many shared libraries"),
    ("ELIBEXEC", "Cannot exec a shared library directly"),
    ("EILSEQ", "Invalid or incomplete multibyte or wide character"),
    ("ERESTART", "Interrupted system call should be restarted"),
    ("ESTRPIPE", "Streams pipe error"),
    ("EUSERS", "Too many users"),
    ("ENOTSOCK", "Socket operation on non-socket"),
    ("EDESTADDRREQ", "Destination address required"),
    ("EMSGSIZE", "Message too long"),
    ("EPROTOTYPE", "Protocol wrong type for socket"),
    ("ENOPROTOOPT", "Protocol not available"),
    ("EPROTONOSUPPORT", "Protocol not supported"),
    ("ESOCKTNOSUPPORT", "Socket type not supported"),
    ("EOPNOTSUPP", "Operation not supported"),
    ("EPFNOSUPPORT", "Protocol family not supported"),
    ("EAFNOSUPPORT", "Address family not supported by protocol"),
    ("EADDRINUSE", "Address already in use"),
    ("EADDRNOTAVAIL", "Cannot assign requested address"),
    ("ENETDOWN", "Network is down"),
    ("ENETUNREACH", "Network is unreachable"),
    ("ENETRESET", "Network dropped connection on reset"),
    ("ECONNABORTED", "Software caused connection abort"),
    ("ECONNRESET", "Connection reset by peer"),
    ("ENOBUFS", "No buffer space available"),
    ("EISCONN", "Transport endpoint is already connected"),
    ("ENOTCONN", "Transport endpoint is not connected"),
    ("ESHUTDOWN", "Cannot send after transport endpoint shutdown"),
    ("ETOOMANYREFS", "Too many references: cannot splice"),
    ("ETIMEDOUT", "Connection timed out"),
    ("ECONNREFUSED", "Connection refused"),
    ("EHOSTDOWN", "Host is down"),
    ("EHOSTUNREACH", "No route to host"),
    ("EALREADY", "Operation already in progress"),
    ("EINPROGRESS", "Operation now in progress"),
    ("ESTALE", "Stale file handle"),
    ("EUCLEAN", "Structure needs cleaning"),
    ("ENOTNAM", "Not a XENIX named type file"),
    ("ENAVAIL", "No XENIX semaphores available"),
    ("EISNAM", "Is a named type file"),
    ("EREMOTEIO", "Remote I/O error"),
    ("EDQUOT", "Disk quota exceeded"),
    ("ENOMEDIUM", "No medium found"),
    ("EMEDIUMTYPE", "Wrong medium type"),
    ("ECANCELED", "Operation canceled"),
    ("ENOKEY", "Required key not available"),
    ("EKEYEXPIRED", "Key has expired"),
    ("EKEYREVOKED", "Key has been revoked"),
    ("EKEYREJECTED", "Key was rejected by service"),
    ("EOWNERDEAD", "Owner died"),
    ("ENOTRECOVERABLE", "State not recoverable"),
    ("ERFKILL", "Operation not possible due to RF-kill"),
    ("EHWPOISON", "Memory page has hardware error"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_libc() {
        assert_eq!(Errno(libc::ENOENT as u16).name(), Some("ENOENT"));
        assert_eq!(Errno(libc::EHWPOISON as u16).name(), Some("EHWPOISON"));
        assert_eq!(Errno(libc::ENOTSUP as u16).name(), Some("EOPNOTSUPP"));
        assert_eq!(Errno(41).name(), None);
        assert_eq!(Errno(9999).name(), None);
    }

    #[test]
    fn every_name_leads_back_to_its_number() {
        for number in 0..=600 {
            let errno = Errno(number);
            if let Some(name) = errno.name() {
                assert_eq!(Errno::from_name(name), Some(errno));
            }
        }
        assert_eq!(Errno::from_name("EWOULDBLOCK"), Some(Errno(11)));
        assert_eq!(Errno::from_name(""), None);
    }

    #[test]
    fn return_values_split_at_max_errno() {
        assert_eq!(Errno::from_return(-2), Some(Errno(2)));
        assert_eq!(Errno::from_return(-4095), Some(Errno(4095)));
        assert_eq!(Errno::from_return(-4096), None);
        assert_eq!(Errno::from_return(0), None);
        assert_eq!(Errno(2).to_return(), -2);
    }
}
