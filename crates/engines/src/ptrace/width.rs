//! Callers of 64 and of 32 bits: the numbers of their calls, and the layouts of what these point to.
//!
//! Key types: [`Width`]. Pure: numbers and bytes in, numbers and bytes out, as the kernel's compat layer has them
//! (`arch/x86/entry/syscalls/syscall_32.tbl`, `struct compat_siginfo`, `struct compat_rusage`). Registers are
//! [`super::ia32`]'s. Which layout counts is decided by the table that a call was made through, not by the program.

use utrace_abi::ptrace::{AUDIT_ARCH_I386, AUDIT_ARCH_X86_64};

use super::num;

/// The layouts of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Width {
    /// Of the x86-64 table.
    Wide,
    /// Of the i386 table.
    Narrow,
}

/// Numbers of the i386 table, and the x86-64 calls that do the same. `waitpid` is wait4 with fewer arguments.
const NARROW: [(u64, u64); 21] = [
    (num::PTRACE_I386, num::PTRACE),
    (WAITPID, num::WAIT4),
    (114, num::WAIT4),
    (284, num::WAITID),
    (180, num::PREAD64),
    (181, num::PWRITE64),
    (174, num::SIGACTION),
    (172, num::PRCTL),
    (354, num::SECCOMP),
    (176, num::FETCHES[0]),
    (177, num::FETCHES[1]),
    (421, num::FETCHES[1]),
    (321, num::FETCHES[2]),
    (327, num::FETCHES[3]),
    (5, num::OPEN),
    (295, num::OPENAT),
    (19, num::LSEEK),
    (100, num::FSTATFS),
    (FSTATFS64, num::FSTATFS),
    (238, num::TKILL),
    (270, num::TGKILL),
];
/// `waitpid` of the i386 table.
pub(super) const WAITPID: u64 = 7;
/// `fstatfs64` of the i386 table, whose second argument is the size of what the third points to.
pub(super) const FSTATFS64: u64 = 269;

impl Width {
    /// A call by its x86-64 number, whichever table it was made through.
    pub(super) fn known(arch: u32, number: u64) -> Option<(Width, u64)> {
        match arch {
            AUDIT_ARCH_X86_64 => Some((Width::Wide, number)),
            AUDIT_ARCH_I386 => {
                let found = NARROW.iter().find(|(narrow, _)| *narrow == number);
                found.map(|(_, number)| (Width::Narrow, *number))
            }
            _ => None,
        }
    }

    /// The numbers of an x86-64 call in this table.
    pub(super) fn numbers(number: u64) -> impl Iterator<Item = u64> {
        NARROW.iter().filter(move |(_, wide)| *wide == number).map(|(narrow, _)| *narrow)
    }

    /// `pause` in this table.
    pub(super) fn pause(self) -> u64 {
        match self {
            Width::Wide => num::PAUSE,
            Width::Narrow => 29,
        }
    }

    /// The bytes of a long, and of a pointer.
    pub(super) fn word(self) -> usize {
        match self {
            Width::Wide => 8,
            Width::Narrow => 4,
        }
    }

    /// The word at this place of a structure.
    pub(super) fn word_at(self, bytes: &[u8], at: usize) -> u64 {
        let mut word = [0; 8];
        if let Some(found) = bytes.get(at..at + self.word()) {
            word[..found.len()].copy_from_slice(found);
        }
        u64::from_le_bytes(word)
    }

    /// Where waitid(2) writes what it fills of a siginfo: number, error, code, process, user, status.
    pub(super) fn child_fields(self) -> [usize; 6] {
        match self {
            Width::Wide => [0, 4, 8, 16, 20, 24],
            Width::Narrow => [0, 4, 8, 12, 16, 20],
        }
    }

    /// A `struct rusage` in this caller's layout.
    pub(super) fn usage(self, usage: &[i64; 18]) -> Vec<u8> {
        usage.iter().flat_map(|word| word.to_le_bytes().into_iter().take(self.word())).collect()
    }

    /// A siginfo in this caller's layout.
    pub(super) fn siginfo_out(self, info: &[u8; 128]) -> [u8; 128] {
        match self {
            Width::Wide => *info,
            Width::Narrow => moved(info, |field| (field.wide, field.narrow)),
        }
    }

    /// One that this caller gives.
    pub(super) fn siginfo_in(self, info: &[u8; 128]) -> [u8; 128] {
        match self {
            Width::Wide => *info,
            Width::Narrow => moved(info, |field| (field.narrow, field.wide)),
        }
    }
}

/// One field of a siginfo: where it stands in each layout, its bytes where both have as many, else those of the narrow
/// one.
struct Field {
    wide: usize,
    narrow: usize,
    size: usize,
}

const fn field(wide: usize, narrow: usize, size: usize) -> Field {
    Field { wide, narrow, size }
}

const HEAD: [Field; 3] = [field(0, 0, 4), field(4, 4, 4), field(8, 8, 4)];
/// The unions, by what the kernel calls their layouts (`siginfo_layout`).
const KILL: &[Field] = &[field(16, 12, 4), field(20, 16, 4)];
const TIMER: &[Field] = &[field(16, 12, 4), field(20, 16, 4), field(24, 20, 4)];
const QUEUED: &[Field] = TIMER;
const POLL: &[Field] = &[field(16, 12, 4), field(24, 16, 4)];
const FAULT: &[Field] = &[field(16, 12, 4)];
const FAULT_MEMORY: &[Field] = &[field(16, 12, 4), field(24, 16, 2)];
const FAULT_BOUNDS: &[Field] = &[field(16, 12, 4), field(32, 20, 4), field(40, 24, 4)];
const FAULT_KEY: &[Field] = &[field(16, 12, 4), field(32, 20, 4)];
const FAULT_PERF: &[Field] = &[field(16, 12, 4), field(24, 16, 4), field(32, 20, 4), field(36, 24, 4)];
const CHILD: &[Field] =
    &[field(16, 12, 4), field(20, 16, 4), field(24, 20, 4), field(32, 24, 4), field(40, 28, 4)];
const SYSTEM_CALL: &[Field] = &[field(16, 12, 4), field(24, 16, 4), field(28, 20, 4)];

/// Which fields a siginfo with this number and code has (`siginfo_layout` in kernel/signal.c).
fn fields(signal: u32, code: i32) -> &'static [Field] {
    match (signal, code) {
        // Codes of the kernel's own, as many as each signal has.
        (7, 4..=5) => FAULT_MEMORY,
        (11, 3) => FAULT_BOUNDS,
        (11, 4) => FAULT_KEY,
        (5, 6) => FAULT_PERF,
        (4, 1..=11) | (8, 1..=15) | (11, 1..=10) | (7, 1..=5) | (5, 1..=6) => FAULT,
        (num::SIGCHLD, 1..=6) => CHILD,
        (31, 1..=2) => SYSTEM_CALL,
        // SI_SIGIO, and any other small code.
        (_, 1..=6 | -5) => POLL,
        // SI_TIMER.
        (_, -2) => TIMER,
        (_, ..=-1) => QUEUED,
        _ => KILL,
    }
}

/// The fields of `from` at their other places; all else is 0. Pointers and times are cut, or filled up.
fn moved(from: &[u8; 128], places: impl Fn(&Field) -> (usize, usize)) -> [u8; 128] {
    let int = |at: usize| [from[at], from[at + 1], from[at + 2], from[at + 3]];
    let (signal, code) = (u32::from_le_bytes(int(0)), i32::from_le_bytes(int(8)));
    let mut to = [0; 128];
    for field in HEAD.iter().chain(fields(signal, code)) {
        let (source, target) = places(field);
        to[target..target + field.size].copy_from_slice(&from[source..source + field.size]);
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(signal: u32, code: i32) -> [u8; 128] {
        let mut info: [u8; 128] = core::array::from_fn(|n| if n < 48 { n as u8 } else { 0 });
        info[..4].copy_from_slice(&signal.to_le_bytes());
        info[4..8].copy_from_slice(&[0; 4]);
        info[8..12].copy_from_slice(&code.to_le_bytes());
        info
    }

    #[test]
    fn a_siginfo_is_laid_out_by_what_it_tells_of() {
        // Signal, code, and where the bytes from 12 on come from (0: nowhere).
        let table: [(u32, i32, &[u8]); 8] = [
            (10, 0, &[16, 17, 18, 19, 20, 21, 22, 23, 0]),
            (10, -1, &[16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 0]),
            (17, 1, &[16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 32, 33, 34, 35, 40, 41, 42, 43, 0]),
            (11, 1, &[16, 17, 18, 19, 0]),
            (7, 4, &[16, 17, 18, 19, 24, 25, 0]),
            (31, 1, &[16, 17, 18, 19, 24, 25, 26, 27, 28, 29, 30, 31, 0]),
            (5, 0x505, &[16, 17, 18, 19, 20, 21, 22, 23, 0]),
            (29, 2, &[16, 17, 18, 19, 24, 25, 26, 27, 0]),
        ];
        for (signal, code, want) in table {
            let narrow = Width::Narrow.siginfo_out(&info(signal, code));
            assert_eq!(&narrow[12..12 + want.len()], want, "{signal} {code}");
            let back = Width::Narrow.siginfo_in(&narrow);
            assert_eq!(Width::Narrow.siginfo_out(&back), narrow, "{signal} {code}");
        }
    }

    #[test]
    fn calls_are_known_by_either_number() {
        assert_eq!(Width::known(AUDIT_ARCH_I386, 7), Some((Width::Narrow, num::WAIT4)));
        assert_eq!(Width::known(AUDIT_ARCH_I386, 61), None);
        assert_eq!(Width::known(AUDIT_ARCH_X86_64, 61), Some((Width::Wide, num::WAIT4)));
        assert_eq!(Width::numbers(num::WAIT4).collect::<Vec<_>>(), [7, 114]);
    }

    #[test]
    fn words_are_as_long_as_pointers() {
        let bytes: [u8; 8] = [1, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(Width::Narrow.word_at(&bytes, 4), 2);
        assert_eq!(Width::Wide.word_at(&bytes, 0), 0x2_0000_0001);
    }
}
