//! A task as the renderer sees it.

use utrace_abi::{UserRegs, ptrace::NT_PRSTATUS};
use utrace_core::{Addr, Regset, Target};

use crate::render::Memory;

/// The memory and descriptors of a held task.
pub(super) struct TargetMemory<'t>(pub(super) &'t mut dyn Target);

impl Memory for TargetMemory<'_> {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        self.0.read(Addr(addr), buf).unwrap_or(0)
    }

    fn fd_path(&mut self, fd: i32, out: &mut String) -> bool {
        match self.0.fd_path(fd) {
            Some(path) => {
                escape(&path, out);
                true
            }
            None => false,
        }
    }

    fn stack_pointer(&mut self) -> Option<u64> {
        let mut bytes = [0; UserRegs::SIZE];
        let read = self.0.regset(Regset(NT_PRSTATUS), &mut bytes).ok()?;
        (read == UserRegs::SIZE).then(|| UserRegs::from_bytes(&bytes).rsp)
    }

    fn interface_name(&mut self, index: u32, out: &mut String) -> bool {
        let Ok(interfaces) = std::fs::read_dir("/sys/class/net") else { return false };
        for interface in interfaces.flatten() {
            let number = std::fs::read_to_string(interface.path().join("ifindex"));
            if number.is_ok_and(|number| number.trim().parse() == Ok(index)) {
                out.push_str(&interface.file_name().to_string_lossy());
                return true;
            }
        }
        false
    }
}

/// Appends a path inside `<…>`: what would break the line or the brackets is escaped, as strace does.
fn escape(path: &[u8], out: &mut String) {
    use std::fmt::Write as _;
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
