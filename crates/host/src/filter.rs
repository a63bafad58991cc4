//! The seccomp filter that lets system calls nobody wants pass without a stop.
//!
//! [`program`] turns a set of system calls into classic BPF; it is pure, and its tests run the program through a
//! small interpreter. Written here rather than taken from a crate because the usual builders kill on another
//! architecture, where we must trace: a 32-bit call has other numbers, and the tracer sorts it out.

use utrace_core::SyscallSet;

use crate::sys::Errno;
use crate::sys::spawn::{self, INSN_SIZE, Insn, MAX_FILTER};

/// Loads the word of `struct seccomp_data` at this offset (`BPF_LD | BPF_W | BPF_ABS`).
const LOAD: u16 = 0x20;
/// Jumps if equal, greater, greater or equal (`BPF_JMP | … | BPF_K`, unsigned).
const JEQ: u16 = 0x15;
const JGT: u16 = 0x25;
const JGE: u16 = 0x35;
/// Returns the constant (`BPF_RET | BPF_K`).
const RET: u16 = 0x06;

const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;

/// `AUDIT_ARCH_X86_64`, from `linux/audit.h`.
pub(crate) const ARCH_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub(crate) const ARCH_I386: u32 = 0x4000_0003;

const TRACE: Insn = Insn { code: RET, jt: 0, jf: 0, k: libc::SECCOMP_RET_TRACE };
const ALLOW: Insn = Insn { code: RET, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };

/// A filter that a process installs on itself, after which its calls are answered by the host that gave it
/// ([`crate::Host::enlist`]). Inherited by everything that the process starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<Insn>);

impl Filter {
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
}

/// The filter that stops exactly the members of `wanted`, and everything of another architecture.
///
/// A chain of ranges, four instructions each: Linux caches which numbers a filter always allows (since 5.11), so
/// its length costs nothing where it matters, and short jumps need no layout.
pub(crate) fn program(wanted: &SyscallSet) -> Vec<Insn> {
    let mut program = vec![
        Insn { code: LOAD, jt: 0, jf: 0, k: OFFSET_ARCH },
        Insn { code: JEQ, jt: 1, jf: 0, k: ARCH_X86_64 },
        TRACE,
        Insn { code: LOAD, jt: 0, jf: 0, k: OFFSET_NR },
    ];
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
    use super::{ARCH_I386, ARCH_X86_64, JEQ, JGE, JGT, LOAD, RET, program};
    use crate::sys::spawn::{Insn, MAX_FILTER};
    use utrace_core::SyscallSet;

    fn run(program: &[Insn], arch: u32, nr: u32) -> u32 {
        let (mut at, mut acc) = (0, 0);
        loop {
            let insn = program[at];
            at += 1;
            let jump = match insn.code {
                LOAD => {
                    acc = if insn.k == 0 { nr } else { arch };
                    continue;
                }
                RET => return insn.k,
                JEQ => acc == insn.k,
                JGT => acc > insn.k,
                JGE => acc >= insn.k,
                other => panic!("code {other:#x}"),
            };
            at += usize::from(if jump { insn.jt } else { insn.jf });
        }
    }

    fn check(set: &SyscallSet) {
        let program = program(set);
        assert!(program.len() <= MAX_FILTER);
        for nr in (0..600).chain([0x4000_0000, 0x4000_0001, u32::MAX]) {
            let want =
                if set.contains(u64::from(nr)) { libc::SECCOMP_RET_TRACE } else { libc::SECCOMP_RET_ALLOW };
            assert_eq!(run(&program, ARCH_X86_64, nr), want, "{set:?} nr {nr}");
            assert_eq!(run(&program, ARCH_I386, nr), libc::SECCOMP_RET_TRACE);
        }
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
