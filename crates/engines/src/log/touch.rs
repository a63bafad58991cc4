//! `path=`: which syscalls touch a path.
//!
//! Key types: [`Paths`]. A syscall touches a path if it names it, or if one of its descriptors stands for it, also
//! among those that `poll` and `select` wait for. Neighbours: the argument kinds of [`utrace_abi`]. Prints nothing.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use utrace_abi::{Abi, Arg, table};
use utrace_core::SyscallSet;

use crate::render::{Call, Memory};

/// The paths that are looked for, as they were given and with links resolved.
#[derive(Debug, Default)]
pub(crate) struct Paths(Vec<PathBuf>);

/// `PATH_MAX`.
const PATH_MAX: usize = 4096;
/// How many descriptors of one call are looked at.
const FDS_MAX: u64 = 1024;

impl Paths {
    /// Resolves `given`; `say` hears of those that stand for another.
    pub(super) fn new(given: &[PathBuf], mut say: impl FnMut(&Path, &Path)) -> Paths {
        let mut all = given.to_vec();
        for path in given {
            if let Ok(real) = fs::canonicalize(path)
                && real != *path
            {
                say(path, &real);
                all.push(real);
            }
        }
        Paths(all)
    }

    /// Whether every syscall is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the call touches one of them. At entry.
    pub(super) fn touched(&self, call: &Call, memory: &mut dyn Memory) -> bool {
        let Some(info) = call.info() else { return false };
        info.args.iter().zip(call.args).enumerate().any(|(at, (kind, value))| match kind {
            Arg::Fd | Arg::DirFd => self.is_fd(value as i32, memory),
            Arg::Path => self.is_name(value, memory),
            Arg::PollFds(count) => {
                let count = call.args.get(usize::from(*count)).copied().unwrap_or(0);
                self.is_polled(value, count, memory)
            }
            Arg::FdSetIn(count) => {
                let count = call.args.get(usize::from(*count)).copied().unwrap_or(0);
                at > 0 && self.is_selected(value, count, memory)
            }
            _ => false,
        })
    }

    fn has(&self, path: &[u8]) -> bool {
        self.0.iter().any(|ours| ours.as_os_str().as_bytes() == path)
    }

    fn is_fd(&self, fd: i32, memory: &mut dyn Memory) -> bool {
        let mut path = String::new();
        fd >= 0 && memory.fd_path(fd, &mut path) && self.has(path.as_bytes())
    }

    fn is_name(&self, addr: u64, memory: &mut dyn Memory) -> bool {
        let mut buf = [0; PATH_MAX];
        let got = memory.read(addr, &mut buf).min(buf.len());
        buf.get(..got)
            .and_then(|text| text.split(|byte| *byte == 0).next())
            .is_some_and(|name| self.has(name))
    }

    fn is_polled(&self, addr: u64, count: u64, memory: &mut dyn Memory) -> bool {
        (0..count.min(FDS_MAX)).any(|at| {
            let mut fd = [0; 4];
            memory.read(addr.wrapping_add(8 * at), &mut fd) == 4 && self.is_fd(i32::from_le_bytes(fd), memory)
        })
    }

    fn is_selected(&self, addr: u64, count: u64, memory: &mut dyn Memory) -> bool {
        let mut bits = [0; FDS_MAX as usize / 8];
        let count = count.min(FDS_MAX) as usize;
        let size = count.div_ceil(8);
        let read = addr != 0 && memory.read(addr, bits.get_mut(..size).unwrap_or_default()) == size;
        read && (0..count).any(|fd| bits[fd / 8] & 1 << (fd % 8) != 0 && self.is_fd(fd as i32, memory))
    }
}

/// The members of `set` that can touch a path at all.
pub(super) fn only_touching(set: &SyscallSet) -> SyscallSet {
    let touches =
        |kind: &Arg| matches!(kind, Arg::Fd | Arg::DirFd | Arg::Path | Arg::PollFds(_) | Arg::FdSetIn(_));
    let mut all = SyscallSet::NONE;
    for info in table::all(Abi::X86_64).iter().filter(|info| info.args.iter().any(touches)) {
        if set.contains(u64::from(info.nr)) {
            all.insert(u64::from(info.nr));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path at 1000, descriptors 3 and 4, and a set and a list of both.
    struct Fake;

    impl Memory for Fake {
        fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
            let data: &[u8] = match addr {
                1000 => b"/etc/passwd\0junk",
                2000 => &[0b1_0000],
                3000 => &[9, 0, 0, 0],
                3008 => &[4, 0, 0, 0],
                _ => return 0,
            };
            let size = buf.len().min(data.len());
            buf[..size].copy_from_slice(&data[..size]);
            size
        }

        fn fd_path(&mut self, fd: i32, out: &mut String) -> bool {
            if fd == 4 {
                out.push_str("/etc/passwd");
            }
            fd == 4
        }
    }

    fn touched(name: &str, args: [u64; 6]) -> bool {
        let nr = table::by_name(Abi::X86_64, name).unwrap().nr;
        let paths = Paths::new(&["/etc/passwd".into()], |_, _| {});
        paths.touched(&Call::new(nr.into(), args), &mut Fake)
    }

    #[test]
    fn by_name_and_by_descriptor() {
        assert!(touched("openat", [0, 1000, 0, 0, 0, 0]));
        assert!(touched("read", [4, 0, 0, 0, 0, 0]));
        assert!(!touched("read", [3, 1000, 0, 0, 0, 0]));
        assert!(touched("poll", [3000, 2, 0, 0, 0, 0]) && !touched("poll", [3000, 1, 0, 0, 0, 0]));
        assert!(touched("select", [5, 0, 2000, 0, 0, 0]) && !touched("select", [4, 0, 2000, 0, 0, 0]));
        assert!(!touched("getpid", [4; 6]));
    }

    #[test]
    fn links_are_resolved_and_told() {
        let mut told = Vec::new();
        let paths =
            Paths::new(&["/proc/self".into()], |from, to| told.push((from.to_owned(), to.to_owned())));
        let real = format!("/proc/{}", std::process::id());
        assert!(paths.has(b"/proc/self") && paths.has(real.as_bytes()));
        assert_eq!(told, [(PathBuf::from("/proc/self"), PathBuf::from(real))]);
    }

    #[test]
    fn only_what_can_touch_is_asked_for() {
        let set = only_touching(&SyscallSet::ALL);
        assert!(set.contains(0) && set.contains(257) && set.contains(7));
        assert!(!set.contains(39) && !set.contains(SyscallSet::OTHER));
    }
}
