//! `struct pt_regs`: the general registers as callbacks see them, and what changed of them.
//!
//! Key type: [`Regs`]. Pure but for [`load`] and [`store`], which move them through a [`Target`].

use utrace_abi::regs::UserRegs;
use utrace_core::{Regset, Target, TargetError};

/// `NT_PRSTATUS` of elf.h.
pub(crate) const GENERAL: Regset = Regset(1);
/// `AUDIT_ARCH_X86_64` of linux/audit.h.
pub(crate) const ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub(crate) const ARCH_I386: u32 = 0x4000_0003;
/// The code segment of 32-bit user mode (`__USER32_CS`, asm/segment.h).
const USER32_CS: u64 = 0x23;

/// `struct user_regs_struct` of sys/user.h, as words.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Regs(pub(crate) [u64; WORDS]);

const WORDS: usize = UserRegs::SIZE / 8;

/// Where a register is, by the kernel's name.
pub(crate) const R10: usize = 7;
pub(crate) const R9: usize = 8;
pub(crate) const R8: usize = 9;
pub(crate) const BP: usize = 4;
pub(crate) const BX: usize = 5;
pub(crate) const AX: usize = 10;
pub(crate) const CX: usize = 11;
pub(crate) const DX: usize = 12;
pub(crate) const SI: usize = 13;
pub(crate) const DI: usize = 14;
pub(crate) const ORIG_AX: usize = 15;
pub(crate) const CS: usize = 17;

/// Where the arguments of a system call are (syscall(2)).
pub(crate) const fn arguments(arch: u32) -> [usize; 6] {
    if arch == ARCH_I386 { [BX, CX, DX, SI, DI, BP] } else { [DI, SI, DX, R10, R8, R9] }
}

impl Regs {
    pub(crate) const NONE: Regs = Regs([0; WORDS]);

    /// The table that a call by these registers is likely of. A 64-bit program may make 32-bit calls; what kind
    /// a call is, only its report knows.
    pub(crate) fn arch(&self) -> u32 {
        if self.0[CS] == USER32_CS { ARCH_I386 } else { ARCH_X86_64 }
    }

    /// The places at which `after` differs.
    pub(crate) fn changes(&self, after: &Regs) -> impl Iterator<Item = usize> {
        let (before, after) = (self.0, after.0);
        (0..WORDS).filter(move |place| before[*place] != after[*place])
    }

    pub(crate) fn to_bytes(self) -> [u8; UserRegs::SIZE] {
        let mut bytes = [0; UserRegs::SIZE];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; UserRegs::SIZE]) -> Regs {
        let mut words = [0; WORDS];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut value = [0; 8];
            value.copy_from_slice(chunk);
            *word = u64::from_ne_bytes(value);
        }
        Regs(words)
    }
}

/// The registers of a task that is held or in a report.
pub(crate) fn load(target: &mut dyn Target) -> Result<Regs, TargetError> {
    let mut bytes = [0; UserRegs::SIZE];
    target.regset(GENERAL, &mut bytes)?;
    Ok(Regs::from_bytes(&bytes))
}

/// Writes those registers that a callback changed, and no others: an engine may have changed them meanwhile.
pub(crate) fn store(
    target: &mut dyn Target,
    before: &Regs,
    after: &Regs,
    but: &[usize],
) -> Result<(), TargetError> {
    let mut changes = before.changes(after).filter(|place| !but.contains(place)).peekable();
    if changes.peek().is_none() {
        return Ok(());
    }
    let mut regs = load(target)?;
    for place in changes {
        regs.0[place] = after.0[place];
    }
    target.set_regset(GENERAL, &regs.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::{ARCH_I386, ARCH_X86_64, AX, CS, ORIG_AX, Regs, arguments};
    use utrace_abi::regs::UserRegs;

    #[test]
    fn the_places_are_those_of_user_regs_struct() {
        let regs = UserRegs { rax: 1, orig_rax: 2, cs: 3, ..UserRegs::default() };
        let words = Regs::from_bytes(&regs.to_bytes());
        assert_eq!((words.0[AX], words.0[ORIG_AX], words.0[CS]), (1, 2, 3));
        assert_eq!(words.to_bytes(), regs.to_bytes());
    }

    #[test]
    fn arguments_are_the_abi_s() {
        let mut regs = UserRegs::default();
        for index in 0..6 {
            regs.set_syscall_arg(index, 10 + index as u64);
        }
        let words = Regs::from_bytes(&regs.to_bytes());
        assert_eq!(arguments(ARCH_X86_64).map(|place| words.0[place]), regs.syscall_args());
        let words = Regs(core::array::from_fn(|place| place as u64));
        let regs = UserRegs::from_bytes(&words.to_bytes());
        assert_eq!(arguments(ARCH_I386).map(|place| words.0[place]), regs.syscall_args_i386());
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let mut after = Regs::NONE;
        after.0[AX] = 5;
        assert_eq!(Regs::NONE.changes(&after).collect::<Vec<_>>(), [AX]);
        assert_eq!(after.arch(), ARCH_X86_64);
    }
}
