//! The general registers as bytes: the layout of `user_regs_struct`, in which regsets come and go (`NT_PRSTATUS`).

use crate::sys::ptrace::RawRegs;

/// Bytes of `user_regs_struct`.
pub(crate) const REGS_SIZE: usize = size_of::<RawRegs>();

macro_rules! regs_in_order {
    ($($field:ident)*) => {
        /// The registers as the kernel lays them out.
        pub(crate) fn regs_to_bytes(regs: &RawRegs) -> [u8; REGS_SIZE] {
            let words = [$(regs.$field),*];
            let mut bytes = [0; REGS_SIZE];
            for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
                chunk.copy_from_slice(&word.to_ne_bytes());
            }
            bytes
        }

        /// The registers of these bytes.
        pub(crate) fn regs_from_bytes(bytes: &[u8; REGS_SIZE]) -> RawRegs {
            let mut words = bytes.chunks_exact(8).map(|chunk| {
                let mut word = [0; 8];
                word.copy_from_slice(chunk);
                u64::from_ne_bytes(word)
            });
            RawRegs { $($field: words.next().unwrap_or(0)),* }
        }
    };
}

regs_in_order!(r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss
    fs_base gs_base ds es fs gs);

#[cfg(test)]
mod tests {
    use super::{REGS_SIZE, regs_from_bytes, regs_to_bytes};
    use crate::sys::ptrace::RawRegs;
    use core::mem::offset_of;

    #[test]
    fn registers_keep_the_kernels_order() {
        let bytes: [u8; REGS_SIZE] = core::array::from_fn(|at| u8::try_from(at).unwrap());
        let regs = regs_from_bytes(&bytes);
        assert_eq!(regs_to_bytes(&regs), bytes);
        let at = |value: u64| usize::from(value.to_ne_bytes()[0]);
        assert_eq!(at(regs.rax), offset_of!(RawRegs, rax));
        assert_eq!(at(regs.orig_rax), offset_of!(RawRegs, orig_rax));
        assert_eq!(at(regs.rsp), offset_of!(RawRegs, rsp));
        assert_eq!(at(regs.gs), offset_of!(RawRegs, gs));
    }
}
