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
                out.push_str(&String::from_utf8_lossy(&path));
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
