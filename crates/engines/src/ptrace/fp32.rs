//! The floating point registers of a 64-bit tracee as `PTRACE_GETFPREGS` shows them to a 32-bit tracer: the form of FSAVE
//! (`struct user_i387_ia32_struct`), made of that of FXSAVE and back (arch/x86/kernel/fpu/regset.c). Pure.
//!
//! Of a 32-bit tracee the kernel makes it itself (`NT_PRFPREG`).

/// Bytes of either form.
pub(super) const FSAVE: usize = 108;
pub(super) const FXSAVE: usize = 512;

/// Where the eight registers begin, and what each takes.
const FX_REGISTERS: usize = 32;
const REGISTERS: usize = 28;
const REGISTER: usize = 10;

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
}

/// The form of FSAVE, with the segments of code and data that the tracee is in.
pub(super) fn from_fx(fx: &[u8; FXSAVE], code: u16, data: u16) -> [u8; FSAVE] {
    let mut out = [0; FSAVE];
    let words = [
        0xffff_0000 | u32::from(half(fx, 0)),
        0xffff_0000 | u32::from(half(fx, 2)),
        u32::from(tags(fx)) | 0xffff_0000,
        u32::from(half(fx, 8)) | u32::from(half(fx, 10)) << 16,
        // The code segment, and the last opcode above it, which 64-bit code does not keep.
        u32::from(code),
        u32::from(half(fx, 16)) | u32::from(half(fx, 18)) << 16,
        0xffff_0000 | u32::from(data),
    ];
    for (place, word) in out.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    for n in 0..8 {
        let from = FX_REGISTERS + 16 * n;
        let to = REGISTERS + REGISTER * n;
        out[to..to + REGISTER].copy_from_slice(&fx[from..from + REGISTER]);
    }
    out
}

/// Takes it over into the form of FXSAVE.
pub(super) fn into_fx(fsave: &[u8; FSAVE], fx: &mut [u8; FXSAVE]) {
    fx[0..4].copy_from_slice(&[fsave[0], fsave[1], fsave[4], fsave[5]]);
    fx[4] = abridged(half(fsave, 8));
    fx[5] = 0;
    // The last opcode, and both addresses of 64 bits.
    fx[6..8].copy_from_slice(&fsave[18..20]);
    fx[8..16].copy_from_slice(&[fsave[12], fsave[13], fsave[14], fsave[15], 0, 0, 0, 0]);
    fx[16..24].copy_from_slice(&[fsave[20], fsave[21], fsave[22], fsave[23], 0, 0, 0, 0]);
    for n in 0..8 {
        let to = FX_REGISTERS + 16 * n;
        let from = REGISTERS + REGISTER * n;
        fx[to..to + REGISTER].copy_from_slice(&fsave[from..from + REGISTER]);
    }
}

/// Two bits a register, where FXSAVE has one: valid, zero, special, empty (Intel SDM, volume 1, 8.1.7).
fn tags(fx: &[u8; FXSAVE]) -> u16 {
    let (top, used) = (usize::from(half(fx, 2) >> 11 & 7), fx[4]);
    (0..8).fold(0, |tags, n| {
        let tag = if used >> n & 1 == 0 {
            3
        } else {
            // Registers are counted from the top of the stack, tags are not.
            let at = FX_REGISTERS + 16 * ((n + 8 - top) % 8);
            let exponent = half(fx, at + 8) & 0x7fff;
            let empty = fx[at..at + 8] == [0; 8];
            match exponent {
                0x7fff => 2,
                0 if empty => 1,
                0 => 2,
                _ if fx[at + 7] & 0x80 != 0 => 0,
                _ => 2,
            }
        };
        tags | tag << (2 * n)
    })
}

/// One bit a register that is not empty.
fn abridged(tags: u16) -> u8 {
    (0..8).fold(0, |bits, n| bits | u8::from(tags >> (2 * n) & 3 != 3) << n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_with_one_number_comes_back_as_it_was() {
        let mut fx = [0; FXSAVE];
        // fld1: the top is register 7, which holds 1.0.
        fx[..5].copy_from_slice(&[0x7f, 3, 0, 0x38, 0x80]);
        fx[39..42].copy_from_slice(&[0x80, 0xff, 0x3f]);
        let saved = from_fx(&fx, 0x33, 0x2b);
        let word = |at: usize| u32::from_le_bytes(saved[at * 4..][..4].try_into().unwrap());
        assert_eq!(
            [word(0), word(1), word(2), word(4), word(6)],
            [0xffff_037f, 0xffff_3800, 0xffff_3fff, 0x33, 0xffff_002b]
        );
        let mut back = [0; FXSAVE];
        into_fx(&saved, &mut back);
        assert_eq!(back, fx);
    }

    #[test]
    fn tags_tell_zero_and_special_numbers() {
        let mut fx = [0; FXSAVE];
        fx[4] = 0b111;
        // Register 0 is zero, 1 is infinite, 2 is 1.0.
        fx[32 + 16 + 7..32 + 16 + 10].copy_from_slice(&[0x80, 0xff, 0x7f]);
        fx[32 + 32 + 7..32 + 32 + 10].copy_from_slice(&[0x80, 0xff, 0x3f]);
        assert_eq!(tags(&fx), 0b1111_1111_1100_1001);
        assert_eq!(abridged(tags(&fx)), 0b111);
    }
}
