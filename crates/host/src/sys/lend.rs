//! Giving a thread that sleeps in a caught call a descriptor (`SECCOMP_IOCTL_NOTIF_ADDFD`, seccomp_unotify(2), Linux 5.9).
//!
//! Entry: [`lend`]. The file lives in memory only, and belongs to who has it open. Who asks, and what is in the file, is
//! [`crate::notify`]'s to know.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use utrace_core::Lent;

use super::Errno;

/// What becomes of a descriptor when its task begins another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnExec {
    /// It stays open.
    Stays,
    /// It is closed (`O_CLOEXEC`).
    Closes,
}

/// Opens a file, one with these contents to be read from its start, in the thread that asked this question of the
/// listener. The descriptor there.
///
/// # Errors
/// Those of memfd_create(2) and of the ioctl: `ENOENT` if nobody asks any more, `EMFILE` if the thread can have no other.
pub(crate) fn lend(
    listener: RawFd,
    id: u64,
    lent: Lent<'_>,
    at: Option<RawFd>,
    on_exec: OnExec,
) -> Result<RawFd, Errno> {
    let (_readable, source) = match lent {
        Lent::Copy(contents) => {
            let readable = file(contents)?;
            let source = readable.as_raw_fd();
            (Some(readable), source)
        }
        Lent::Open(source) => (None, source),
    };
    let newfd_flags = match on_exec {
        OnExec::Stays => 0,
        OnExec::Closes => libc::O_CLOEXEC.cast_unsigned(),
    };
    let mut added = libc::seccomp_notif_addfd {
        id,
        flags: at.map_or(0, |_| u32::try_from(libc::SECCOMP_ADDFD_FLAG_SETFD).unwrap_or(0)),
        srcfd: source.cast_unsigned(),
        newfd: at.unwrap_or(0).cast_unsigned(),
        newfd_flags,
    };
    // SAFETY: the kernel reads one `seccomp_notif_addfd`.
    let fd = unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ADDFD, &raw mut added) };
    Errno::check(libc::c_long::from(fd))?;
    Ok(fd)
}

/// A file in memory, open for reading only: what can be written to would not look like what it stands for.
fn file(contents: &[u8]) -> Result<File, Errno> {
    // SAFETY: reads a name that ends with 0.
    let made = unsafe { libc::memfd_create(c"proc".as_ptr(), libc::MFD_CLOEXEC) };
    Errno::check(libc::c_long::from(made))?;
    // SAFETY: a fresh descriptor that nobody else owns.
    let mut written = File::from(unsafe { OwnedFd::from_raw_fd(made) });
    written.write_all(contents).map_err(|error| of(&error))?;
    File::open(format!("/proc/self/fd/{}", written.as_raw_fd())).map_err(|error| of(&error))
}

fn of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::new)
}
