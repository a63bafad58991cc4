//! The general registers as 32-bit programs have them: 17 words of 32 bits (`struct user_regs_struct32`), and the rest of
//! the area around them (`struct user32`; `getreg32` and `putreg32` in arch/x86/kernel/ptrace.c). Pure.
//!
//! `PTRACE_GETREGSET` has this layout for every 32-bit tracee, `PTRACE_GETREGS` and `PTRACE_PEEKUSER` for every 32-bit tracer.
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
    for (word, bytes) in words!(&mut *regs).into_iter().zip(bytes.chunks_exact(4)) {
        let mut value = [0; 4];
        value.copy_from_slice(bytes);
        *word = u64::from(u32::from_le_bytes(value));
    }
    settle(regs);
}

/// A call that is to begin again is known by a negative number in all of `rax`, which such a tracer has half of. (The
/// kernel remembers that the registers came so: `TS_I386_REGS_POKED`.)
fn settle(regs: &mut UserRegs) {
    if let Ok(value @ 0xffff_fdfc..=0xffff_fe00) = u32::try_from(regs.rax) {
        regs.rax = i64::from(value.cast_signed()).cast_unsigned();
    }
}

/// A word of `struct user32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The general register with this index.
    Register(usize),
    /// A debug register.
    Debug(usize),
    /// Nothing that is kept: it reads as 0.
    Nothing,
}

/// What is at this place; `None` outside, and between two words.
pub(super) fn word_at(at: u64) -> Option<Word> {
    let at = usize::try_from(at).ok()?;
    match at {
        // The kernel takes any place in them.
        DEBUG..=DEBUG_LAST => Some(Word::Debug((at - DEBUG) / 4)),
        // And the first one behind the structure.
        _ if !at.is_multiple_of(4) || at > SIZE => None,
        _ if at / 4 < COUNT => Some(Word::Register(at / 4)),
        _ => Some(Word::Nothing),
    }
}

/// General registers.
const COUNT: usize = 17;
/// `sizeof(struct user32)`, and the offsets of its first and its last debug register (`asm/user32.h`).
const SIZE: usize = 284;
const DEBUG: usize = 252;
const DEBUG_LAST: usize = 280;

/// One of the general registers.
pub(super) fn get(regs: &UserRegs, index: usize) -> u32 {
    let mut regs = *regs;
    words!(&mut regs).get(index).map_or(0, |word| **word as u32)
}

/// Changes one.
pub(super) fn set(regs: &mut UserRegs, index: usize, value: u32) {
    if let Some(word) = words!(&mut *regs).get_mut(index) {
        **word = u64::from(value);
    }
    settle(regs);
}

#[cfg(test)]
mod tests {
    use super::{Word, change, get, set, to_bytes, word_at};
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
    #[test]
    fn what_is_kept_of_the_area_stands_at_its_place() {
        assert_eq!(word_at(0), Some(Word::Register(0)));
        assert_eq!(word_at(64), Some(Word::Register(16)));
        assert_eq!((word_at(68), word_at(284)), (Some(Word::Nothing), Some(Word::Nothing)));
        assert_eq!((word_at(252), word_at(281)), (Some(Word::Debug(0)), None));
        assert_eq!((word_at(277), word_at(280)), (Some(Word::Debug(6)), Some(Word::Debug(7))));
        assert_eq!((word_at(2), word_at(288)), (None, None));
    }

    #[test]
    fn a_call_that_is_to_begin_again_is_known_by_its_sign() {
        let mut regs = UserRegs::from_bytes(&[0; UserRegs::SIZE]);
        set(&mut regs, 6, 0xffff_fe00);
        assert_eq!((regs.rax, get(&regs, 6)), ((-512_i64).cast_unsigned(), 0xffff_fe00));
        set(&mut regs, 6, 0xffff_fff2);
        assert_eq!(regs.rax, 0xffff_fff2, "EFAULT begins nothing again");
    }
}
