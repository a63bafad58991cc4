//! The filters that programs of the tree set for themselves, as far as they concern calls that are answered.
//!
//! Key types: [`Chain`]. Where a program's filter says `SECCOMP_RET_TRACE` and ours asks, the kernel asks, and nobody is
//! told (seccomp(2), "Filter return values": asking goes first). So for these calls the program's filters are run here:
//! a tracer that wants `PTRACE_EVENT_SECCOMP` gets it at the entry, and without one the call fails with `ENOSYS`. All other
//! calls the kernel decides. Neighbours: [`super::answer`] sees filters being set, [`super::tracee`] makes the stop.

use std::sync::Arc;

use utrace_abi::ptrace as abi;
use utrace_core::{Addr, Caught, Syscall, SyscallSet, Target};

use super::bpf::{self, Data, INSN, Insn};
use super::proc;
use super::width::Width;
use super::world::Threads;

/// `BPF_MAXINSNS`.
const LONGEST: usize = 4096;
/// `SECCOMP_RET_ACTION_FULL`, `SECCOMP_RET_TRACE`.
const ACTION: u32 = 0xffff_0000;
const TRACE: u32 = 0x7ff0_0000;
/// Flag of seccomp(2).
const TSYNC: u64 = 1;

/// The filters of a thread, the newest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Chain {
    filters: Vec<Arc<[Insn]>>,
    /// The last one counts if the kernel has taken it: then the thread has so many in all.
    unsure: Option<u32>,
}

impl Chain {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// What they say together, if that is to tell a tracer.
    fn told(&self, data: &Data) -> Option<u16> {
        let action = |answer: u32| (answer & ACTION).cast_signed();
        // Of equal answers the newest filter's counts (`seccomp_run_filters`).
        let all = self.filters.iter().rev().map(|filter| bpf::run(filter, data));
        let answer = all.reduce(|least, next| if action(next) < action(least) { next } else { least })?;
        (answer & ACTION == TRACE).then_some((answer & !ACTION) as u16)
    }

    /// Forgets the last one if the kernel refused it.
    fn settle(&mut self, tid: u32) {
        if let Some(count) = self.unsure.take()
            && proc::filters(tid) != Some(count)
        {
            self.filters.pop();
        }
    }
}

/// The program that a call sets as a filter, and whether for all threads; `None` if it sets none.
pub(super) fn set_by(
    width: Width,
    nr: u64,
    args: [u64; 6],
    client: &mut dyn Target,
) -> Option<(Arc<[Insn]>, bool)> {
    let (at, flags) = match (nr, args) {
        (super::num::SECCOMP, [1, flags, at, ..]) => (at, flags),
        (super::num::PRCTL, [_, 2, at, ..]) => (at, 0),
        _ => return None,
    };
    // struct sock_fprog.
    let mut head = [0; 16];
    let head = &mut head[..2 * width.word()];
    if client.fetch(Addr(at), head) != Ok(head.len()) {
        return None;
    }
    let count = usize::from(u16::from_le_bytes([head[0], head[1]]));
    let at = width.word_at(head, width.word());
    if !(1..=LONGEST).contains(&count) {
        return None;
    }
    let mut bytes = vec![0; count * INSN];
    if client.fetch(Addr(at), &mut bytes) != Ok(bytes.len()) {
        return None;
    }
    let (insns, _) = bytes.as_chunks::<INSN>();
    Some((insns.iter().map(|insn| Insn::from_bytes(*insn)).collect(), flags & TSYNC != 0))
}

impl Threads {
    /// A thread is about to set a filter.
    pub(super) fn add_filter(&mut self, tid: u32, filter: Arc<[Insn]>, all: bool) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        thread.filters.settle(tid);
        thread.filters.filters.push(filter);
        thread.filters.unsure = proc::filters(tid).map(|count| count + 1);
        let (process, chain) = (thread.process, thread.filters.clone());
        let same = |thread: &&mut super::world::Thread| thread.process == process;
        if all {
            self.threads.values_mut().filter(same).for_each(|thread| thread.filters = chain.clone());
        }
        let changed: Vec<u32> = self
            .threads
            .iter()
            .filter(|(_, thread)| thread.process == process)
            .map(|(tid, _)| *tid)
            .collect();
        for tid in changed {
            self.forget_habit(tid);
            self.watch_traps(tid);
        }
    }

    /// A thread has what its maker has.
    pub(super) fn inherit_filters(&mut self, from: u32, to: u32) {
        let Some(thread) = self.threads.get_mut(&from) else { return };
        thread.filters.settle(from);
        let chain = thread.filters.clone();
        if let Some(child) = self.threads.get_mut(&to) {
            child.filters = chain;
        }
    }

    /// What a thread's own filters tell a tracer of this call, which is one of those that are answered.
    pub(super) fn told_of(&mut self, tid: u32, call: &Syscall) -> Option<u16> {
        let chain = &mut self.threads.get_mut(&tid)?.filters;
        if chain.filters.is_empty() {
            return None;
        }
        chain.settle(tid);
        let nr = (call.number & 0xffff_ffff) as u32;
        chain.told(&Data { nr, arch: call.arch, ip: call.ip.0, args: call.args })
    }

    /// Whether a tracer of this thread is told of what its filters stop.
    pub(super) fn has_listener(&self, tid: u32) -> bool {
        self.links.values().any(|link| link.tracee == tid && link.has(abi::PTRACE_O_TRACESECCOMP))
    }

    /// The calls of a thread that are answered and that its filters may tell a tracer of.
    pub(super) fn traps(&self, tid: u32) -> SyscallSet {
        let Some(chain) = self.threads.get(&tid).map(|thread| &thread.filters) else {
            return SyscallSet::NONE;
        };
        if chain.filters.is_empty() {
            return SyscallSet::NONE;
        }
        let told = |call: &Caught| {
            chain.told(&Data { nr: call.number, arch: call.arch, ip: 0, args: [0; 6] }).is_some()
        };
        // A call of 32-bit programs is counted as the native one of its name, if there is one.
        let indices = |call: Caught| {
            let (_, native) = Width::known(call.arch, u64::from(call.number)).unzip();
            [
                native.unwrap_or(SyscallSet::OTHER),
                native.filter(|_| call.arch == abi::AUDIT_ARCH_X86_64).unwrap_or(SyscallSet::OTHER),
            ]
        };
        super::answer::calls().into_iter().filter(told).flat_map(indices).collect()
    }

    fn watch_traps(&mut self, tid: u32) {
        let traps = self.traps(tid);
        for link in self.links.values_mut().filter(|link| link.tracee == tid && link.traps != traps) {
            link.traps = traps;
            if let Some(engine) = &link.engine {
                // One that is gone makes no call.
                let _ = engine.set_events(link.interest());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_filter_counts_and_of_equal_ones_the_newest() {
        let says = |answer: u32| -> Arc<[Insn]> {
            let mut bytes = [0x06, 0, 0, 0, 0, 0, 0, 0];
            bytes[4..].copy_from_slice(&answer.to_le_bytes());
            [Insn::from_bytes(bytes)].into()
        };
        let told = |answers: &[u32]| {
            let filters = answers.iter().map(|answer| says(*answer)).collect();
            Chain { filters, unsure: None }.told(&Data { nr: 61, arch: 0, ip: 0, args: [0; 6] })
        };
        assert_eq!(told(&[]), None);
        assert_eq!(told(&[TRACE | 7]), Some(7));
        assert_eq!(told(&[TRACE | 7, TRACE | 8]), Some(8));
        assert_eq!(told(&[TRACE | 7, 0x7fff_0000]), Some(7), "ALLOW is weaker");
        assert_eq!(told(&[TRACE | 7, 0x0005_0001]), None, "ERRNO is stricter");
        assert_eq!(told(&[TRACE | 7, 0x8000_0000]), None, "KILL_PROCESS is the strictest");
    }
}
