//! Halts and step-overs of several tracers on one program of several threads.
//!
//! A debugger that goes past a breakpoint halts all threads but one, takes its breakpoint out, and steps that one. Two of
//! them would wait for each other: each steps a thread that the other has halted. Two rules keep them going (they stand
//! in `docs/ptrace.md`):
//!
//! - A SIGSTOP that a tracer sends to a thread of its own, which others trace too, is its own: it is shown to nobody before it,
//!   and at once where the thread stands still for others ([`Threads::halt`]).
//! - Where tracers that step wait for one another in a circle, one of them has its step although others hold the thread
//!   ([`Threads::untangle`]). These see the thread as it was, and a step of theirs finds that one made ([`Lent`]).
//!
//! Neighbours: [`super::serve`] lets tracees go, [`super::tracee`] sees how such a step ends, [`super::registers`] keeps what
//! the others see.

use std::collections::BTreeSet;

use utrace_abi::UserRegs;
use utrace_core::{Action, Addr, SigInfo, Syscall, Target};

use super::link::{First, Link, State};
use super::num::{self, SIGCONT, SIGSTOP, SIGTRAP};
use super::peek;
use super::serve;
use super::stop::{Stop, is_int3};
use super::tracee::look;
use super::world::{LinkId, Threads};

/// `SI_TKILL`, `TRAP_TRACE` (`asm-generic/siginfo.h`).
pub(super) const TKILL: i32 = -6;
const TRACE: i32 = 2;

/// Whether a thread that a tracer holds was let go for another tracer's step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lent {
    No,
    /// The step is under way.
    Out,
    /// The same, and one step is made already.
    OutAgain,
    /// It is made: the thread is one instruction further than this tracer knows.
    Ahead,
}

impl Lent {
    /// Whether the thread is let go now.
    pub(super) fn is_out(self) -> bool {
        matches!(self, Lent::Out | Lent::OutAgain)
    }

    /// It stands still again, with the trap of the step or otherwise.
    fn home(self, trap: bool) -> Lent {
        if trap || self == Lent::OutAgain { Lent::Ahead } else { Lent::No }
    }
}

/// A breakpoint that is out of memory for the time of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifted {
    /// The thread that steps, and its process.
    tid: u32,
    process: u32,
    at: u64,
}

impl Threads {
    /// A client sends a SIGSTOP or SIGCONT to one thread (tkill(2), tgkill(2)). Answers whether that is done here: it traces that
    /// thread, and others do too.
    pub(super) fn halt(&mut self, caller: u32, nr: u64, call: &Syscall) -> bool {
        let [first, second, third, ..] = call.args.map(|arg| (arg & 0xffff_ffff) as u32);
        let (tid, signal) = if nr == num::TKILL { (first, second) } else { (second, third) };
        let Some(tracer) =
            self.threads.get(&caller).filter(|thread| thread.traces).map(|thread| thread.process)
        else {
            return false;
        };
        let tid = self.global(caller, tid);
        let process = self.global(caller, first);
        if !matches!(signal, SIGSTOP | SIGCONT) || (nr == num::TGKILL && !self.is_thread_of(tid, process)) {
            return false;
        }
        let of =
            |link: &Link| link.tracee == tid && link.tracer != 0 && !matches!(link.state, State::Ended(_));
        let others = self.links.values().any(|link| of(link) && link.tracer_process != tracer);
        let mine = self.links.iter().find(|(_, link)| of(link) && link.tracer_process == tracer);
        let Some((id, _)) = mine.filter(|_| others) else { return false };
        let id = *id;
        let Some(link) = self.link(id) else { return false };
        if signal == SIGCONT {
            // It takes one back that has not been shown (gdb does so when it detaches), or goes to all.
            let pending = link.first == First::Signal { code: TKILL };
            link.first = if pending { First::None } else { link.first };
            if !pending {
                // It was sent before others came, and waits in the kernel.
                let others = self.links.values_mut().filter(|link| link.tracee == tid);
                others
                    .filter(|link| link.tracer_process != tracer)
                    .for_each(|link| link.spared = Some(tracer));
            }
            return pending;
        }
        if link.first == First::None {
            link.first = First::Signal { code: TKILL };
            if link.stopped().is_none() {
                serve::ask_to_stop(self, id);
            }
        }
        true
    }

    fn is_thread_of(&self, tid: u32, process: u32) -> bool {
        self.threads.get(&tid).is_some_and(|thread| thread.process == process)
    }

    /// The registers for a tracer to which a thread is shown that another one holds at its breakpoint, and has not set back
    /// to it yet.
    pub(super) fn before_breakpoint(&self, id: LinkId) -> Option<UserRegs> {
        let tracee = self.links.get(&id)?.tracee;
        let others = self.links.iter().filter(|(other, link)| **other != id && link.tracee == tracee);
        others
            .filter_map(|(_, link)| link.snapshot.filter(|regs| self.is_past_breakpoint(link, regs)))
            .next()
            .map(|mut regs| {
                regs.rip -= 1;
                regs
            })
    }

    /// Whether this tracer holds a thread at a breakpoint of its own, and these registers are still those of the trap.
    pub(super) fn is_past_breakpoint(&self, link: &Link, regs: &UserRegs) -> bool {
        let trap = matches!(link.stopped(), Some(Stop::Signal(info)) if is_int3(info));
        let owner = self
            .overlays
            .get(&link.process)
            .and_then(|overlay| overlay.owner_at(regs.rip.wrapping_sub(1), link.tracer_process));
        trap && owner.is_some()
    }

    /// A tracer has let a tracee make a step. If it waits in a circle with others, one of them has its step.
    pub(super) fn untangle(&mut self) {
        let stuck: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| self.is_stuck(link)).map(|(id, _)| *id).collect();
        for id in stuck.iter().filter(|id| self.is_in_circle(**id, &stuck)).copied().collect::<Vec<_>>() {
            if self.lend(id).is_some() {
                break;
            }
        }
    }

    /// A tracee of a link stands still. Who asked for a stop of it meanwhile has it too: nobody could tell when the first one lets it
    /// go.
    pub(super) fn stop_for_others(&mut self, id: LinkId) {
        let Some(tracee) = self.links.get(&id).map(|link| link.tracee) else { return };
        let late = |link: &Link| link.tracee == tracee && link.owes_sigstop() && link.task.is_stopped();
        let late: Vec<LinkId> = self.links.iter().filter(|(_, link)| late(link)).map(|(id, _)| *id).collect();
        for id in late {
            serve::ask_to_stop(self, id);
        }
        self.untangle();
    }

    /// Whether a step was asked for on a thread that others hold.
    fn is_stuck(&self, link: &Link) -> bool {
        link.state == State::Running
            && link.resume.steps()
            && link.tracer != 0
            && link.task.is_stopped()
            && self.holders(link).next().is_some()
    }

    /// Whether a tracee that was let go, and is to stop again for its tracer at once, stands still for others.
    pub(super) fn is_held_elsewhere(&self, id: LinkId) -> bool {
        let owes = |link: &&Link| link.owes() && link.inject.is_none() && link.task.is_stopped();
        self.links.get(&id).filter(owes).is_some_and(|link| self.holders(link).next().is_some())
    }

    /// The links of those who hold the tracee of this one.
    fn holders(&self, of: &Link) -> impl Iterator<Item = (LinkId, &Link)> {
        let (tracee, tracer) = (of.tracee, of.tracer);
        let holds = move |link: &&Link| {
            let stopped = matches!(link.state, State::Stopped(..)) && !link.lent.is_out();
            link.tracee == tracee && link.tracer != tracer && stopped
        };
        self.links.iter().map(|(id, link)| (*id, link)).filter(move |(_, link)| holds(link))
    }

    /// Whether who asked for this step waits for somebody who waits for him.
    fn is_in_circle(&self, id: LinkId, stuck: &[LinkId]) -> bool {
        let Some(begin) = self.links.get(&id) else { return false };
        let mut seen = BTreeSet::new();
        let mut next: Vec<u32> = self.holders(begin).map(|(_, link)| link.tracer_process).collect();
        while let Some(process) = next.pop() {
            if process == begin.tracer_process {
                return true;
            }
            if seen.insert(process) {
                let theirs = stuck.iter().filter_map(|id| self.links.get(id));
                let theirs = theirs.filter(|link| link.tracer_process == process);
                next.extend(theirs.flat_map(|link| self.holders(link)).map(|(_, link)| link.tracer_process));
            }
        }
        false
    }

    /// Lets a tracee make its step although others hold it. Nothing happens where that would show.
    fn lend(&mut self, id: LinkId) -> Option<()> {
        let link = self.links.get(&id)?;
        let (tracee, process, owner) = (link.tracee, link.process, link.tracer_process);
        let holders: Vec<LinkId> = self.holders(link).map(|(id, _)| id).collect();
        let at_signal = |link: &Link| matches!(link.stopped(), Some(Stop::Signal(_) | Stop::Interrupted));
        if !holders.iter().filter_map(|id| self.links.get(id)).all(at_signal) {
            return None;
        }
        let mut regs = look(&link.task, |target| peek::regs(target)).ok()?.ok()?;
        let unset = holders.iter().filter_map(|id| self.links.get(id)).any(|link| {
            link.snapshot.is_some_and(|seen| seen.rip == regs.rip) && self.is_past_breakpoint(link, &regs)
        });
        let ahead = |link: &&Link| link.lent == Lent::Ahead;
        let mut behind = holders.iter().filter_map(|id| self.links.get(id)).filter(ahead);
        if behind.any(|link| self.breakpoint_of(link, regs.rip)) {
            // Nobody has told them that it is there.
            return None;
        }
        let shown = regs;
        if unset {
            regs.rip -= 1;
            look(&link.task, |target| peek::set_regs(target, &regs)).ok()?.ok()?;
        }
        self.lift(tracee, process, owner, regs.rip)?;
        for id in holders {
            let link = self.link(id)?;
            link.lent = if link.lent == Lent::Ahead { Lent::OutAgain } else { Lent::Out };
            link.snapshot.get_or_insert(shown);
            if let Some(engine) = &link.engine {
                // One that is gone holds nothing.
                let _ = engine.control(Action::Resume);
            }
        }
        Some(())
    }

    fn breakpoint_of(&self, link: &Link, at: u64) -> bool {
        let overlay = self.overlays.get(&link.process);
        overlay.and_then(|overlay| overlay.owner_at(at, link.tracer_process)) == Some(true)
    }

    /// Takes others' breakpoint out of memory where this thread steps. That is done only while no other thread of the
    /// process can come there.
    fn lift(&mut self, tid: u32, process: u32, owner: u32, at: u64) -> Option<()> {
        let overlay = self.overlays.get(&process);
        let Some(original) = overlay.and_then(|overlay| overlay.below(at, owner)) else { return Some(()) };
        let others =
            self.threads.iter().filter(|(other, thread)| thread.process == process && **other != tid);
        if !others.into_iter().all(|(_, thread)| thread.task.is_stopped()) || self.lifted.is_some() {
            return None;
        }
        let task = self.threads.get(&tid)?.task.clone();
        let written = look(&task, |target| target.write(Addr(at), &[original])).ok()?;
        (written == Ok(1)).then(|| self.lifted = Some(Lifted { tid, process, at }))
    }

    /// A thread that was lent does not make its step now: who holds it holds it again.
    pub(super) fn call_home(&mut self, tid: u32) {
        for link in self.links.values_mut().filter(|link| link.tracee == tid && link.lent.is_out()) {
            link.lent = link.lent.home(false);
            if let Some(engine) = &link.engine {
                // One that is gone needs no hold.
                let _ = engine.control(Action::Stop);
            }
        }
        if self.lifted.is_some_and(|lifted| lifted.tid == tid)
            && let Some(task) = self.threads.get(&tid).map(|thread| thread.task.clone())
        {
            // A dead thread's comes back with its death.
            let _ = look(&task, |target| self.put_back(tid, target));
        }
    }

    /// Something is reported of a thread that may have been lent. Whether it is the trap of the step.
    pub(super) fn come_home(&mut self, tid: u32, trap: bool, target: &mut dyn Target) {
        for link in self.links.values_mut().filter(|link| link.tracee == tid && link.lent.is_out()) {
            link.lent = link.lent.home(trap);
        }
        self.put_back(tid, target);
    }

    /// What was out of memory for the step of a thread comes back.
    fn put_back(&mut self, tid: u32, target: &mut dyn Target) {
        let Some(lifted) = self.lifted.take_if(|lifted| lifted.tid == tid) else { return };
        if self.overlays.get(&lifted.process).is_none_or(|overlay| overlay.is_clear(lifted.at, 1)) {
            return;
        }
        let trap = [super::overlay::INT3];
        if target.write(Addr(lifted.at), &trap) != Ok(1) {
            // It is dead; another thread has the same memory.
            self.put(lifted.process, lifted.at, trap[0]);
        }
    }
}

impl Link {
    /// The stop of a step that another tracer's step has made already.
    pub(super) fn step_made(&mut self, at: u64) {
        let mut raw = super::stop::by_process(SIGTRAP, TRACE, 0, 0);
        // si_addr.
        raw[16..24].copy_from_slice(&at.to_le_bytes());
        self.stop(Stop::Signal(SigInfo { number: SIGTRAP, raw }));
    }
}
