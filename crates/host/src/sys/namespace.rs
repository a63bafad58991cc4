//! What is above a user namespace, and whose it is (ioctl_ns(2), Linux 4.11).

use std::fs::File;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use super::Errno;

/// `NS_GET_PARENT` of linux/nsfs.h.
const GET_PARENT: libc::c_ulong = 0xb702;
/// `NS_GET_OWNER_UID`.
const GET_OWNER_UID: libc::c_ulong = 0xb704;

/// The namespace above this one.
///
/// # Errors
/// `EPERM`: it is the first, or the next is above the caller's own.
pub(crate) fn parent(namespace: &File) -> Result<File, Errno> {
    // SAFETY: no argument is read.
    let fd = unsafe { libc::ioctl(namespace.as_raw_fd(), GET_PARENT) };
    Errno::check(libc::c_long::from(fd))?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Who made this user namespace, as the caller's own namespace numbers users.
pub(crate) fn owner(namespace: &File) -> Result<u32, Errno> {
    let mut uid: libc::uid_t = 0;
    // SAFETY: the kernel writes one `uid_t`.
    let result = unsafe { libc::ioctl(namespace.as_raw_fd(), GET_OWNER_UID, &raw mut uid) };
    Errno::check(libc::c_long::from(result))?;
    Ok(uid)
}
