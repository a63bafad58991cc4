//! Classic BPF as seccomp(2) runs it: what a filter says of a call.
//!
//! Key types: [`Insn`], [`Data`]. Pure. The kernel has checked a program before it runs (`seccomp_check_filter`); what
//! cannot be in one ends it here as if it let the call pass.

/// One instruction (`struct sock_filter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insn {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

/// Bytes of one.
pub(super) const INSN: usize = 8;

impl Insn {
    pub(super) fn from_bytes(bytes: [u8; INSN]) -> Insn {
        let [a, b, jt, jf, k @ ..] = bytes;
        Insn { code: u16::from_le_bytes([a, b]), jt, jf, k: u32::from_le_bytes(k) }
    }
}

/// A call as a filter sees it (`struct seccomp_data`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) nr: u32,
    pub(super) arch: u32,
    pub(super) ip: u64,
    pub(super) args: [u64; 6],
}

/// `sizeof(struct seccomp_data)`.
const SIZE: u32 = 64;
/// `SECCOMP_RET_ALLOW`.
const ALLOW: u32 = 0x7fff_0000;

impl Data {
    fn word(&self, at: u32) -> u32 {
        let half = |word: u64, at: u32| (if at.is_multiple_of(8) { word } else { word >> 32 }) as u32;
        match at {
            0 => self.nr,
            4 => self.arch,
            8 | 12 => half(self.ip, at),
            _ => {
                let arg = at.checked_sub(16).and_then(|at| self.args.get(at as usize / 8));
                arg.map_or(0, |arg| half(*arg, at))
            }
        }
    }
}

/// What the program answers (`SECCOMP_RET_*` with its sixteen bits of data).
pub(super) fn run(program: &[Insn], data: &Data) -> u32 {
    let (mut acc, mut index, mut memory) = (0_u32, 0_u32, [0_u32; 16]);
    let mut at = 0;
    // Jumps go forward only, so this ends.
    while let Some(insn) = program.get(at) {
        at += 1;
        let place = insn.k as usize & 15;
        let operand = if insn.code & 0x08 == 0 { insn.k } else { index };
        match insn.code {
            // BPF_LD: W|ABS, IMM, W|LEN, MEM; BPF_LDX: IMM, W|LEN, MEM; BPF_ST, BPF_STX.
            0x20 => acc = data.word(insn.k),
            0x00 => acc = insn.k,
            0x80 => acc = SIZE,
            0x60 => acc = memory[place],
            0x01 => index = insn.k,
            0x81 => index = SIZE,
            0x61 => index = memory[place],
            0x02 => memory[place] = acc,
            0x03 => memory[place] = index,
            // BPF_RET: K, A.
            0x06 => return insn.k,
            0x16 => return acc,
            // BPF_MISC: TAX, TXA.
            0x07 => index = acc,
            0x87 => acc = index,
            // BPF_JMP|BPF_JA.
            0x05 => at += insn.k as usize,
            code if code & 0x07 == 0x05 => {
                let holds = match code & 0xf0 {
                    0x10 => acc == operand,
                    0x20 => acc > operand,
                    0x30 => acc >= operand,
                    _ => acc & operand != 0,
                };
                at += usize::from(if holds { insn.jt } else { insn.jf });
            }
            code if code & 0x07 == 0x04 => match calculate(code, acc, operand) {
                Some(value) => acc = value,
                // A division by an X of zero ends the program with 0.
                None => return 0,
            },
            _ => return ALLOW,
        }
    }
    ALLOW
}

/// `BPF_ALU`.
fn calculate(code: u16, acc: u32, operand: u32) -> Option<u32> {
    Some(match code & 0xf0 {
        0x00 => acc.wrapping_add(operand),
        0x10 => acc.wrapping_sub(operand),
        0x20 => acc.wrapping_mul(operand),
        0x30 => acc.checked_div(operand)?,
        0x40 => acc | operand,
        0x50 => acc & operand,
        0x60 => acc.wrapping_shl(operand),
        0x70 => acc.wrapping_shr(operand),
        0x80 => acc.wrapping_neg(),
        0xa0 => acc ^ operand,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insns(lines: &[(u16, u8, u8, u32)]) -> Vec<Insn> {
        lines.iter().map(|&(code, jt, jf, k)| Insn { code, jt, jf, k }).collect()
    }

    fn call(nr: u32, args: [u64; 6]) -> Data {
        Data { nr, arch: 7, ip: 0x1_0000_0002, args }
    }

    #[test]
    fn jumps_choose_by_number() {
        let program =
            insns(&[(0x20, 0, 0, 0), (0x15, 1, 0, 61), (0x06, 0, 0, ALLOW), (0x06, 0, 0, 0x7ff0_0003)]);
        assert_eq!(run(&program, &call(61, [0; 6])), 0x7ff0_0003);
        assert_eq!(run(&program, &call(62, [0; 6])), ALLOW);
    }

    #[test]
    fn every_word_of_the_call_can_be_loaded() {
        let data = call(1, [0x11_0000_0022, 0, 0, 0, 0, 0x33_0000_0044]);
        for (at, want) in [(0, 1), (4, 7), (8, 2), (12, 1), (16, 0x22), (20, 0x11), (56, 0x44), (60, 0x33)] {
            assert_eq!(run(&insns(&[(0x20, 0, 0, at), (0x16, 0, 0, 0)]), &data), want, "{at}");
        }
    }

    #[test]
    fn memory_and_arithmetic() {
        let program = insns(&[
            (0x00, 0, 0, 6),
            (0x02, 0, 0, 3),
            (0x61, 0, 0, 3),
            (0x24, 0, 0, 7),
            (0x1c, 0, 0, 0),
            (0x45, 0, 1, 4),
            (0x16, 0, 0, 0),
            (0x06, 0, 0, 0),
        ]);
        assert_eq!(run(&program, &call(0, [0; 6])), 36, "6 * 7 - 6, which has bit 2");
        assert_eq!(run(&insns(&[(0x3c, 0, 0, 0)]), &call(0, [0; 6])), 0, "divided by X");
    }
}
