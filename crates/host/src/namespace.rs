//! The user namespaces that a thread is in: [`user_namespaces`].
//!
//! Who may do what to whom hangs on how their namespaces lie to each other (user_namespaces(7)). Here is only what is; the
//! rule is for who asks.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;

use crate::sys::{Errno, namespace};
use crate::types::Tid;

/// The inode of the first user namespace (`PROC_USER_INIT_INO` of linux/proc_ns.h).
const FIRST: u64 = 0xEFFF_FFFD;
/// How deep they may lie in each other (user_namespaces(7)).
const DEEPEST: usize = 33;

/// A user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserNamespace {
    /// What tells it from others.
    pub inode: u64,
    /// The effective user id of who made it, as our own namespace numbers users. `None` if that number may stand for several
    /// users: the namespace was not reached from the first one.
    pub owner: Option<u32>,
}

impl UserNamespace {
    /// The one that is above all.
    pub const FIRST: Self = Self { inode: FIRST, owner: Some(0) };
}

/// The user namespace of a thread and those above it, the nearest first, as far up as we may see: to our own.
///
/// # Errors
/// `ESRCH` or `ENOENT`: the thread is gone; `EACCES`: it is not to be looked at (`PTRACE_MODE_READ` of ptrace(2)).
pub fn user_namespaces(tid: Tid) -> Result<Vec<UserNamespace>, Errno> {
    let of_io = |error: std::io::Error| Errno::from_io(&error);
    let mut next = Some(File::open(format!("/proc/{tid}/ns/user")).map_err(of_io)?);
    let mut all: Vec<UserNamespace> = Vec::new();
    while let Some(file) = next.filter(|_| all.len() < DEEPEST) {
        let inode = file.metadata().map_err(of_io)?.ino();
        all.push(UserNamespace { inode, owner: namespace::owner(&file).ok() });
        next = if inode == FIRST { None } else { namespace::parent(&file).ok() };
    }
    if all.last().is_none_or(|last| last.inode != FIRST) {
        all.iter_mut().for_each(|namespace| namespace.owner = None);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_are_as_proc_shows_them() {
        let me = Tid::new(std::process::id().cast_signed()).unwrap();
        let own = std::fs::metadata("/proc/self/ns/user").unwrap().ino();
        let all = user_namespaces(me).unwrap();
        assert_eq!(all[0].inode, own);
        if own == FIRST {
            assert_eq!(all, [UserNamespace::FIRST]);
        }
    }
}
