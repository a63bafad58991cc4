//! Little-endian field access for the layouts of this crate: bounds are checked, a short buffer reads as zeros.
//!
//! It is shared by [`crate::siginfo`], [`crate::ptrace`] and [`crate::regs`]; it knows no layout itself.

/// The `N` bytes at `offset`, zeros where `bytes` is too short.
fn at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    if let Some(tail) = bytes.get(offset..) {
        for (to, from) in out.iter_mut().zip(tail) {
            *to = *from;
        }
    }
    out
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(at(bytes, offset))
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(at(bytes, offset))
}

pub(crate) fn i32_at(bytes: &[u8], offset: usize) -> i32 {
    i32::from_le_bytes(at(bytes, offset))
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(at(bytes, offset))
}
