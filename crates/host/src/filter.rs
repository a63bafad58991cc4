//! The seccomp filter that lets system calls nobody wants pass without a stop, and turns those that are answered
//! ([`utrace_core::Answers`]) into questions.
//!
//! [`program`] turns both sets into classic BPF; it is pure, and its tests run the program through a
//! small interpreter. Written here rather than taken from a crate because the usual builders kill on another
//! architecture, where we must trace: a 32-bit call has other numbers, and the tracer sorts it out.

use std::os::fd::OwnedFd;

use utrace_core::{Caught, SyscallSet, When};

use crate::sys::Errno;
use crate::sys::spawn::{self, INSN_SIZE, Insn, MAX_FILTER};

/// Loads the word of `struct seccomp_data` at this offset (`BPF_LD | BPF_W | BPF_ABS`).
const LOAD: u16 = 0x20;
/// Jumps if equal, greater, greater or equal (`BPF_JMP | … | BPF_K`, unsigned).
const JEQ: u16 = 0x15;
const JGT: u16 = 0x25;
const JGE: u16 = 0x35;
/// Jumps if a bit is set (`BPF_JMP | BPF_JSET | BPF_K`).
const JSET: u16 = 0x45;
/// Returns the constant (`BPF_RET | BPF_K`).
const RET: u16 = 0x06;

const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;
/// Where the arguments begin, eight bytes each, the lower half first.
const OFFSET_ARGS: u32 = 16;

/// `AUDIT_ARCH_X86_64`, from `linux/audit.h`.
pub(crate) const ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub(crate) const ARCH_I386: u32 = 0x4000_0003;

/// What the stops of our filter carry, so that they are not taken for those of a program's own. One of its filters that
/// uses this number too is taken for ours.
pub(crate) const MARK: u16 = 0x7574;

const TRACE: Insn = Insn { code: RET, jt: 0, jf: 0, k: libc::SECCOMP_RET_TRACE | MARK as u32 };
const ALLOW: Insn = Insn { code: RET, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };

const ASK: Insn = Insn { code: RET, jt: 0, jf: 0, k: libc::SECCOMP_RET_USER_NOTIF };

const fn load(offset: u32) -> Insn {
    Insn { code: LOAD, jt: 0, jf: 0, k: offset }
}

/// A filter that a process installs on itself, after which its calls are answered by the host that gets its listening
/// end, or stopped by the one that gave it ([`crate::Host::enlist`]). Inherited by everything that the process starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<Insn>);

impl Filter {
    /// One that asks about these calls, and lets all others pass.
    #[must_use]
    pub fn asking(about: &[Caught]) -> Filter {
        Filter(program(None, about))
    }

    pub(crate) fn new(program: Vec<Insn>) -> Filter {
        Filter(program)
    }

    /// For the way to the process that is to install it, on the same machine.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|insn| insn.bytes()).collect()
    }

    /// What [`Filter::to_bytes`] gave; `None` if that cannot be.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Filter> {
        let (insns, rest) = bytes.as_chunks::<INSN_SIZE>();
        let whole = rest.is_empty() && (1..=MAX_FILTER).contains(&insns.len());
        whole.then(|| Filter(insns.iter().map(|insn| Insn::from_bytes(*insn)).collect()))
    }

    /// Puts the calling thread, and what it starts, under it. Without privilege this also gives up gaining any
    /// (`no_new_privs`, prctl(2)), as the kernel demands.
    ///
    /// # Errors
    /// Those of seccomp(2).
    pub fn install(&self) -> Result<(), Errno> {
        spawn::install_filter(&self.0)
    }

    /// The same for one that asks; answers its listening end, which exec closes. Who is caught sleeps until somebody
    /// answers there, and gets `ENOSYS` once that end is closed everywhere.
    ///
    /// # Errors
    /// Those of seccomp(2): `EBUSY` under a filter that has such an end already.
    pub fn install_asking(&self) -> Result<OwnedFd, Errno> {
        spawn::install_asking_filter(&self.0)
    }
}

/// The filter that asks about `caught`, and stops exactly the members of `wanted` and everything of another
/// architecture. Without `wanted` nothing else is stopped.
///
/// A chain of ranges, four instructions each: Linux caches which numbers a filter always allows (since 5.11), so
/// its length costs nothing where it matters, and short jumps need no layout.
pub(crate) fn program(wanted: Option<&SyscallSet>, caught: &[Caught]) -> Vec<Insn> {
    let mut program: Vec<Insn> = caught.iter().flat_map(question).collect();
    let Some(wanted) = wanted else {
        if !caught.is_empty() {
            program.extend(UNTRACED_CLONE);
        }
        program.push(ALLOW);
        return program;
    };
    program.extend([
        load(OFFSET_ARCH),
        Insn { code: JEQ, jt: 1, jf: 0, k: ARCH_X86_64 },
        TRACE,
        load(OFFSET_NR),
    ]);
    for (first, last) in ranges(wanted) {
        program.extend([
            Insn { code: JGT, jt: 3, jf: 0, k: last },
            Insn { code: JGE, jt: 0, jf: 1, k: first },
            TRACE,
            ALLOW,
        ]);
    }
    program.push(ALLOW);
    program
}

/// Stops at clone(2) with `CLONE_UNTRACED` and goes on behind itself with any other call: who asks must be ours. The
/// stop-the-world of sanitizers makes such a child, which then calls ptrace(2).
const UNTRACED_CLONE: [Insn; 7] = [
    load(OFFSET_ARCH),
    Insn { code: JEQ, jt: 0, jf: 5, k: ARCH_X86_64 },
    load(OFFSET_NR),
    Insn { code: JEQ, jt: 0, jf: 3, k: libc::SYS_clone as u32 },
    load(OFFSET_ARGS),
    Insn { code: JSET, jt: 0, jf: 1, k: libc::CLONE_UNTRACED as u32 },
    TRACE,
];

/// The part of the filter that asks about one call, and goes on behind itself with any other.
fn question(caught: &Caught) -> Vec<Insn> {
    let argument = |position: u8| OFFSET_ARGS + 8 * u32::from(position);
    let mut condition = match caught.when {
        When::Always => Vec::new(),
        When::Is(at, value) => vec![load(argument(at)), Insn { code: JEQ, jt: 0, jf: 1, k: value }],
        When::Without(at, bits) => vec![load(argument(at)), Insn { code: JSET, jt: 1, jf: 0, k: bits }],
        When::Zeroes(one, other) => vec![
            load(argument(one)),
            Insn { code: JEQ, jt: 0, jf: 3, k: 0 },
            load(argument(other)),
            Insn { code: JEQ, jt: 0, jf: 1, k: 0 },
        ],
        When::AtLeast(at, value) => vec![
            load(argument(at) + 4),
            Insn { code: JGT, jt: 2, jf: 0, k: 0 },
            load(argument(at)),
            Insn { code: JGE, jt: 0, jf: 1, k: value },
        ],
    };
    condition.push(ASK);
    let behind = u8::try_from(condition.len()).unwrap_or(0);
    let mut part = vec![
        load(OFFSET_ARCH),
        Insn { code: JEQ, jt: 0, jf: behind + 2, k: caught.arch },
        load(OFFSET_NR),
        Insn { code: JEQ, jt: 0, jf: behind, k: caught.number },
    ];
    part.append(&mut condition);
    part
}

/// The members as ascending ranges, both ends included. [`SyscallSet::OTHER`] reaches to the highest number.
fn ranges(wanted: &SyscallSet) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for index in wanted.iter().filter_map(|index| u32::try_from(index).ok()) {
        let last = if u64::from(index) == SyscallSet::OTHER { u32::MAX } else { index };
        match ranges.last_mut() {
            Some(range) if range.1 + 1 == index => range.1 = last,
            _ => ranges.push((index, last)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::{ARCH_I386, ARCH_X86_64, JEQ, JGE, JGT, JSET, LOAD, OFFSET_ARGS, RET, TRACE, program};
    use crate::sys::spawn::{Insn, MAX_FILTER};
    use utrace_core::{Caught, SyscallSet, When};

    fn run(program: &[Insn], arch: u32, nr: u32, args: [u64; 6]) -> u32 {
        let (mut at, mut acc) = (0, 0);
        loop {
            let insn = program[at];
            at += 1;
            let jump = match insn.code {
                LOAD => {
                    acc = match insn.k {
                        0 => nr,
                        4 => arch,
                        offset => {
                            let offset = offset - OFFSET_ARGS;
                            (args[offset as usize / 8] >> (8 * (offset % 8))) as u32
                        }
                    };
                    continue;
                }
                RET => return insn.k,
                JEQ => acc == insn.k,
                JGT => acc > insn.k,
                JGE => acc >= insn.k,
                JSET => acc & insn.k != 0,
                other => panic!("code {other:#x}"),
            };
            at += usize::from(if jump { insn.jt } else { insn.jf });
        }
    }

    fn check(set: &SyscallSet) {
        let program = program(Some(set), &[]);
        assert!(program.len() <= MAX_FILTER);
        for nr in (0..600).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
            let want = if set.contains(u64::from(nr)) { TRACE.k } else { libc::SECCOMP_RET_ALLOW };
            assert_eq!(run(&program, ARCH_X86_64, nr, [0; 6]), want, "{set:?} nr {nr}");
            assert_eq!(run(&program, ARCH_I386, nr, [0; 6]), TRACE.k);
        }
    }

    #[test]
    fn a_call_that_is_answered_asks_under_its_condition_and_no_other_does() {
        let of = |arch, number, when| Caught { arch, number, when };
        let caught = [
            of(ARCH_X86_64, 61, When::Always),
            of(ARCH_X86_64, 13, When::Is(0, 17)),
            of(ARCH_X86_64, 17, When::AtLeast(3, 0x10000)),
            of(ARCH_X86_64, 8, When::Zeroes(1, 2)),
            of(ARCH_X86_64, 257, When::Without(2, 0x43)),
            of(ARCH_I386, 26, When::Always),
        ];
        let set: SyscallSet = [61, 2].into_iter().collect();
        let (alone, both) = (program(None, &caught), program(Some(&set), &caught));
        let at = |fourth| [0, 0, 0, fourth, 0, 0];
        let table = [
            (ARCH_X86_64, 61, [0; 6], true),
            (ARCH_I386, 61, [0; 6], false),
            (ARCH_X86_64, 26, [0; 6], false),
            (ARCH_I386, 26, [0; 6], true),
            (ARCH_X86_64, 13, [17, 0, 0, 0, 0, 0], true),
            (ARCH_X86_64, 13, [0xff_0000_0011, 0, 0, 0, 0, 0], true),
            (ARCH_X86_64, 13, [16, 0, 0, 0, 0, 0], false),
            (ARCH_X86_64, 17, at(0xffff), false),
            (ARCH_X86_64, 17, at(0x10000), true),
            (ARCH_X86_64, 17, at(0x7fff_0000_0001), true),
            (ARCH_X86_64, 18, at(0x10000), false),
            (ARCH_X86_64, 257, [1, 1, 0x8_0100, 0, 0, 0], true),
            (ARCH_X86_64, 8, [7, 0, 0, 9, 0, 0], true),
            (ARCH_X86_64, 8, [7, 0, 1, 9, 0, 0], false),
            (ARCH_X86_64, 8, [7, 1, 0, 9, 0, 0], false),
            (ARCH_X86_64, 257, [1, 1, 0x40, 0, 0, 0], false),
        ];
        let stops = |arch, flags| run(&alone, arch, 56, [flags, 0, 0, 0, 0, 0]) == TRACE.k;
        assert!(stops(ARCH_X86_64, 0x0080_0100) && !stops(ARCH_X86_64, 0x0100_0000));
        assert!(!stops(ARCH_I386, 0x0080_0000), "another call");
        for (arch, nr, args, asks) in table {
            let found = run(&alone, arch, nr, args);
            let want = if asks { libc::SECCOMP_RET_USER_NOTIF } else { libc::SECCOMP_RET_ALLOW };
            assert_eq!(found, want, "{arch:#x} {nr} {args:x?}");
            assert_eq!(run(&both, arch, nr, args) == libc::SECCOMP_RET_USER_NOTIF, asks);
        }
        assert_eq!(run(&both, ARCH_X86_64, 2, [0; 6]), TRACE.k);
        assert_eq!(run(&both, ARCH_X86_64, 3, [0; 6]), libc::SECCOMP_RET_ALLOW);
    }

    #[test]
    fn exactly_the_wanted_numbers_are_traced() {
        for members in
            [&[][..], &[0], &[1, 2, 3], &[0, 1, 59, 257, 258, 300], &[510], &[511], &[509, 510, 511]]
        {
            let set: SyscallSet = members.iter().copied().collect();
            check(&set);
            check(&set.complement());
        }
    }

    #[test]
    fn the_most_scattered_set_still_fits() {
        check(&(0..512).step_by(2).collect());
        check(&(1..512).step_by(2).collect());
    }
}
