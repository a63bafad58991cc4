//! Which details of signals the kernel knows.
//!
//! Pure: a table of the codes that a signal number has (`sig_sicodes` in kernel/signal.c). Of others it takes nothing but what it
//! has a place for.

/// How much of a siginfo the kernel keeps (`struct kernel_siginfo`).
pub(super) const KNOWN: usize = 48;

/// `SI_KERNEL`, `SI_DETHREAD`, `SI_ASYNCNL`, and the largest code of SIGPOLL, which other signals may have too.
const SI_KERNEL: i32 = 0x80;
const SI_DETHREAD: i32 = -7;
const SI_ASYNCNL: i32 = -60;
const LAST_OF_POLL: i32 = 6;

/// Whether these details, of which there are at least 12 bytes, are of a form that the kernel knows.
pub(super) fn has_layout(raw: &[u8]) -> bool {
    let word = |at: usize| {
        raw.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word: &[u8; 4]| i32::from_le_bytes(*word))
    };
    match (word(0), word(8)) {
        (_, SI_KERNEL | SI_ASYNCNL) => true,
        (number, code @ 1..) => code <= last_code(number),
        (_, code) => code >= SI_DETHREAD,
    }
}

/// The largest code that tells something of this signal (`asm-generic/siginfo.h`).
fn last_code(number: i32) -> i32 {
    match number {
        4 => 11,
        5 | 17 => 6,
        7 => 5,
        8 => 15,
        11 => 10,
        31 => 2,
        _ => LAST_OF_POLL,
    }
}

#[cfg(test)]
mod tests {
    use super::has_layout;

    #[test]
    fn codes_belong_to_signals() {
        let raw = |number: i32, code: i32| [number, 0, code].map(i32::to_le_bytes).concat();
        let known = [(10, 0), (10, -7), (10, -60), (10, 0x80), (10, 6), (8, 15), (11, 10), (0, 0), (-1, 5)];
        for (number, code) in known {
            assert!(has_layout(&raw(number, code)), "{number} {code}");
        }
        for (number, code) in [(10, -8), (10, 7), (8, 16), (31, 3), (17, 7), (10, -61)] {
            assert!(!has_layout(&raw(number, code)), "{number} {code}");
        }
    }
}
