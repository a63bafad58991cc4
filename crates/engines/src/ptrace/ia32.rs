//! The general registers of a 32-bit tracee as `PTRACE_GETREGSET` lays them out for it: 17 words of 32 bits
//! (`struct user_regs_struct32`, and `putreg32` in arch/x86/kernel/ptrace.c for the way back). Pure.
//!
//! `PTRACE_GETREGS` of a 64-bit tracer has the 64-bit layout for every tracee; that is [`UserRegs`] itself.

use utrace_abi::UserRegs;

use super::peek::CS_I386;

/// Whether a task with these registers is shown in the 32-bit layout.
pub(super) fn is_ia32(regs: &UserRegs) -> bool {
    regs.cs == CS_I386
}

macro_rules! words {
    ($regs:expr) => {{
        let regs = $regs;
        [
            &mut regs.rbx,
            &mut regs.rcx,
            &mut regs.rdx,
            &mut regs.rsi,
            &mut regs.rdi,
            &mut regs.rbp,
            &mut regs.rax,
            &mut regs.ds,
            &mut regs.es,
            &mut regs.fs,
            &mut regs.gs,
            &mut regs.orig_rax,
            &mut regs.rip,
            &mut regs.cs,
            &mut regs.eflags,
            &mut regs.rsp,
            &mut regs.ss,
        ]
    }};
}

/// The set.
pub(super) fn to_bytes(regs: &UserRegs) -> Vec<u8> {
    let mut regs = *regs;
    // The low halves: that is all a 32-bit program has.
    words!(&mut regs).iter().flat_map(|word| word.to_le_bytes().into_iter().take(4)).collect()
}

/// Takes over the words of a set, or of its beginning.
pub(super) fn change(regs: &mut UserRegs, bytes: &[u8]) {
    for (word, bytes) in words!(regs).into_iter().zip(bytes.chunks_exact(4)) {
        let mut value = [0; 4];
        value.copy_from_slice(bytes);
        *word = u64::from(u32::from_le_bytes(value));
    }
}

#[cfg(test)]
mod tests {
    use super::{change, to_bytes};
    use utrace_abi::UserRegs;

    #[test]
    fn words_stand_where_32_bit_programs_look_for_them() {
        let mut regs = UserRegs::from_bytes(&[0; UserRegs::SIZE]);
        (regs.rbx, regs.orig_rax, regs.rip, regs.ss) = (1, u64::MAX, 0x1_0804_8000, 0x2b);
        let bytes = to_bytes(&regs);
        assert_eq!(bytes.len(), 17 * 4);
        let word = |at: usize| u32::from_le_bytes(bytes[at * 4..][..4].try_into().unwrap());
        assert_eq!((word(0), word(11), word(12), word(16)), (1, u32::MAX, 0x0804_8000, 0x2b));
    }

    #[test]
    fn a_part_of_the_set_changes_a_part_of_the_registers() {
        let mut regs = UserRegs::from_bytes(&[0; UserRegs::SIZE]);
        (regs.rdx, regs.r15) = (7, 9);
        change(&mut regs, &[1, 0, 0, 0, 2, 0, 0, 0xff]);
        assert_eq!((regs.rbx, regs.rcx, regs.rdx, regs.r15), (1, 0xff00_0002, 7, 9));
    }
}
