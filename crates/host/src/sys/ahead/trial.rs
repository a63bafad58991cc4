//! For tests: the code in this process, where a call leads to it as in a client.

use super::{Board, GATE, PAGE};
use crate::sys::Errno;

/// A function of this process that makes a system call, led to the code as a client's is.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) board: Board,
    entry: usize,
}

/// Where a trial's pages are.
pub(crate) struct Trying {
    pub(crate) base: u64,
    /// The load of the number.
    pub(crate) site: u64,
}

/// Sets up a trial, with a page of code and a jump as `write` makes them.
pub(crate) fn trial(write: impl FnOnce(&Trying) -> (Vec<u8>, [u8; 5])) -> Result<Trial, Errno> {
    let (board, _file) = Board::new()?;
    let rights = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping where the kernel likes; it stays.
    let at = unsafe { libc::mmap(core::ptr::null_mut(), 3 * PAGE, rights, kind, -1, 0) };
    if at == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    let entry = at.addr() + 2 * PAGE;
    let site = (entry + 3) as u64;
    let (page, jump) = write(&Trying { base: at.addr() as u64, site });
    // mov %rcx, %r10: as C passes the fourth argument. Then the site, the call and a return.
    let function = [&[0x49, 0x89, 0xca], &jump[..], &[0x0f, 0x05, 0xc3]].concat();
    let mut image = page;
    image.resize(3 * PAGE, 0);
    let gate = core::ptr::from_ref(board.pages).addr().to_ne_bytes();
    image[GATE..GATE + gate.len()].copy_from_slice(&gate);
    image[2 * PAGE..2 * PAGE + function.len()].copy_from_slice(&function);
    // SAFETY: three pages of ours, and three pages of bytes.
    unsafe { core::ptr::copy_nonoverlapping(image.as_ptr(), at.cast::<u8>(), image.len()) };
    let owner: u64;
    // SAFETY: reads the calling thread's own word.
    unsafe { core::arch::asm!("mov {}, fs:[0]", out(reg) owner, options(nostack, readonly)) };
    board.give_to(owner);
    Ok(Trial { board, entry })
}

impl Trial {
    /// Makes the call.
    pub(crate) fn call(&self, [a, b, c, d]: [u64; 4]) -> i64 {
        // SAFETY: code of ours, which takes four numbers, keeps to the C convention, and stays mapped.
        let function: extern "C" fn(u64, u64, u64, u64) -> i64 = unsafe { core::mem::transmute(self.entry) };
        function(a, b, c, d)
    }
}
