//! A task as the renderer sees it.

use utrace_core::{Addr, Target};

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
}
