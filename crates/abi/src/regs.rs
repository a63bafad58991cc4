//! The x86-64 general registers, `struct user_regs_struct` of `sys/user.h`.
//!
//! A plain struct with its kernel byte form (the `NT_PRSTATUS` register set). Floating point and vector state are
//! opaque bytes elsewhere. Reading registers is the host's task.

use crate::bytes::u64_at;

macro_rules! user_regs {
    ($($(#[doc = $doc:literal])* $field:ident,)*) => {
        /// General registers in the kernel's order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub struct UserRegs { $($(#[doc = $doc])* pub $field: u64,)* }

        impl UserRegs {
            /// Register names in order, as gdb and the kernel spell them.
            pub const NAMES: [&'static str; 27] = [$(stringify!($field)),*];

            /// From the kernel's bytes; a short slice leaves the rest zero.
            #[must_use]
            pub fn from_bytes(bytes: &[u8]) -> Self {
                let mut next = 0;
                let mut take = || { let value = u64_at(bytes, next); next += 8; value };
                Self { $($field: take(),)* }
            }

            /// The registers in order.
            #[must_use]
            pub const fn to_array(&self) -> [u64; 27] {
                [$(self.$field),*]
            }
        }
    };
}

user_regs! {
    /// General register.
    r15,
    /// General register.
    r14,
    /// General register.
    r13,
    /// General register.
    r12,
    /// General register, frame pointer.
    rbp,
    /// General register.
    rbx,
    /// Flags as the `syscall` instruction saves them.
    r11,
    /// Fourth syscall argument.
    r10,
    /// Sixth syscall argument.
    r9,
    /// Fifth syscall argument.
    r8,
    /// Return value.
    rax,
    /// Return address as the `syscall` instruction saves it.
    rcx,
    /// Third syscall argument.
    rdx,
    /// Second syscall argument.
    rsi,
    /// First syscall argument.
    rdi,
    /// Syscall number at entry, negative outside a syscall.
    orig_rax,
    /// Instruction pointer.
    rip,
    /// Code segment.
    cs,
    /// Flags.
    eflags,
    /// Stack pointer.
    rsp,
    /// Stack segment.
    ss,
    /// Thread-local base.
    fs_base,
    /// Other base.
    gs_base,
    /// Data segment.
    ds,
    /// Extra segment.
    es,
    /// Segment.
    fs,
    /// Segment.
    gs,
}

impl UserRegs {
    /// Size of the kernel's form in bytes.
    pub const SIZE: usize = 27 * 8;

    /// The kernel's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut out = [0; Self::SIZE];
        for (to, from) in out.chunks_exact_mut(8).zip(self.to_array()) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        out
    }

    /// The six arguments of a 64-bit syscall.
    #[must_use]
    pub const fn syscall_args(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }

    /// Sets one of the six arguments of a 64-bit syscall; an index above five changes nothing.
    pub const fn set_syscall_arg(&mut self, index: usize, value: u64) {
        match index {
            0 => self.rdi = value,
            1 => self.rsi = value,
            2 => self.rdx = value,
            3 => self.r10 = value,
            4 => self.r8 = value,
            5 => self.r9 = value,
            _ => {}
        }
    }

    /// The six arguments of an `int $0x80` syscall.
    #[must_use]
    pub const fn syscall_args_i386(&self) -> [u64; 6] {
        const LOW: u64 = 0xffff_ffff;
        [self.rbx & LOW, self.rcx & LOW, self.rdx & LOW, self.rsi & LOW, self.rdi & LOW, self.rbp & LOW]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};
    use libc::user_regs_struct as C;

    #[test]
    fn layout_is_the_kernels() {
        assert_eq!(size_of::<C>(), UserRegs::SIZE);
        let mut bytes = [0; UserRegs::SIZE];
        bytes[offset_of!(C, orig_rax)] = 1;
        bytes[offset_of!(C, rip)] = 2;
        bytes[offset_of!(C, rsp)] = 3;
        bytes[offset_of!(C, r10)] = 4;
        bytes[offset_of!(C, gs)] = 5;
        let regs = UserRegs::from_bytes(&bytes);
        assert_eq!((regs.orig_rax, regs.rip, regs.rsp, regs.r10, regs.gs), (1, 2, 3, 4, 5));
        assert_eq!(regs.to_bytes(), bytes);
    }

    #[test]
    fn arguments_are_where_they_are_put() {
        let mut regs = UserRegs::default();
        for index in 0..7 {
            regs.set_syscall_arg(index, index as u64 + 1);
        }
        assert_eq!(regs.syscall_args(), [1, 2, 3, 4, 5, 6]);
    }
}
