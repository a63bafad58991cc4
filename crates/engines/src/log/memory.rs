//! A task as the renderer sees it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use utrace_abi::{UserRegs, ptrace::NT_PRSTATUS};
use utrace_core::{Addr, Regset, Target, TaskId};

use super::sockets::Sockets;
use crate::choices::Choices;
use crate::render::{FdDetail, Memory};

/// The memory and descriptors of a held task.
pub(super) struct TargetMemory<'t> {
    pub(super) target: &'t mut dyn Target,
    pub(super) id: TaskId,
    pub(super) sockets: &'t Sockets,
}

impl Memory for TargetMemory<'_> {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        self.target.read(Addr(addr), buf).unwrap_or(0)
    }

    fn fd_path(&mut self, fd: i32, out: &mut String) -> bool {
        match self.target.fd_path(fd) {
            Some(path) => {
                escape(&path, out);
                true
            }
            None => false,
        }
    }

    fn fd_detail(&mut self, fd: i32, path: &str, wanted: Choices<FdDetail>, out: &mut String) -> bool {
        (wanted.has(FdDetail::Socket) && self.socket(fd, path, out))
            || (wanted.has(FdDetail::Dev) && self.device(fd, path, out))
            || (wanted.has(FdDetail::Pidfd) && path == "anon_inode:[pidfd]" && self.pidfd(fd, out))
    }

    fn netlink_family(&mut self, fd: i32) -> Option<u32> {
        if self.protocol(fd)? != "NETLINK" {
            return None;
        }
        let inode = fs::metadata(self.link(fd)).ok()?.ino();
        // A family that cannot be told is shown as one that nobody knows.
        Some(self.sockets.netlink_family(inode).unwrap_or(u32::MAX))
    }

    fn stack_pointer(&mut self) -> Option<u64> {
        let mut bytes = [0; UserRegs::SIZE];
        let read = self.target.regset(Regset(NT_PRSTATUS), &mut bytes).ok()?;
        (read == UserRegs::SIZE).then(|| UserRegs::from_bytes(&bytes).rsp)
    }

    fn interface_name(&mut self, index: u32, out: &mut String) -> bool {
        let Ok(interfaces) = fs::read_dir("/sys/class/net") else { return false };
        for interface in interfaces.flatten() {
            let number = fs::read_to_string(interface.path().join("ifindex"));
            if number.is_ok_and(|number| number.trim().parse() == Ok(index)) {
                out.push_str(&interface.file_name().to_string_lossy());
                return true;
            }
        }
        false
    }
}

impl TargetMemory<'_> {
    fn link(&self, fd: i32) -> String {
        format!("/proc/{}/fd/{fd}", self.id)
    }

    /// The name of a socket's protocol, `TCP`.
    fn protocol(&self, fd: i32) -> Option<String> {
        let mut name = [0; 64];
        let size = rustix::fs::getxattr(self.link(fd), "system.sockprotoname", &mut name[..]).ok()?;
        let name = name.get(..size)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    fn socket(&self, fd: i32, path: &str, out: &mut String) -> bool {
        let inode = path.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
        let (Some(inode), Some(protocol)) = (inode, self.protocol(fd)) else { return false };
        self.sockets.describe(&protocol, inode, out)
    }

    fn device(&self, fd: i32, path: &str, out: &mut String) -> bool {
        let Ok(about) = fs::metadata(self.link(fd)) else { return false };
        let kind = match about.file_type() {
            kind if kind.is_char_device() => "char",
            kind if kind.is_block_device() => "block",
            _ => return false,
        };
        let (major, minor) = (rustix::fs::major(about.rdev()), rustix::fs::minor(about.rdev()));
        // String's writer cannot fail.
        let _ = write!(out, "{path}<{kind} {major}:{minor}>");
        true
    }

    fn pidfd(&self, fd: i32, out: &mut String) -> bool {
        let info = fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", self.id)).unwrap_or_default();
        let Some(pid) = info.lines().find_map(|line| line.strip_prefix("Pid:")) else { return false };
        let _ = write!(out, "pid:{}", pid.trim());
        true
    }
}

/// Appends a path inside `<…>`: what would break the line or the brackets is escaped, as strace does.
fn escape(path: &[u8], out: &mut String) {
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            0x0b => out.push_str("\\v"),
            0x0c => out.push_str("\\f"),
            b'\r' => out.push_str("\\r"),
            b'<' | b'>' | 0..=0x1f | 0x7f.. => {
                // A digit that follows must not look like part of the number.
                let digit_follows = path.get(at + 1).is_some_and(u8::is_ascii_digit);
                let width = if digit_follows { 3 } else { 0 };
                // String's writer cannot fail.
                let _ = write!(out, "\\{byte:0width$o}");
            }
            _ => out.push(char::from(byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_path_cannot_break_its_brackets_or_its_line() {
        let mut out = String::new();
        escape(b"/a<b>\n\xff\\c\x011", &mut out);
        assert_eq!(out, r"/a\74b\76\n\377\\c\0011");
    }
}
