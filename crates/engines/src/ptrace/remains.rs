//! What a tracer leaves that dies while others trace the same process: its breakpoints go, so that nobody else is disturbed.
//!
//! A debugger that is killed leaves its `int3`s in memory, and the program dies at the next of them. That stays so for a process
//! that nobody else traces, as it is without us. Where others do, the program's bytes come back, and threads that have
//! run such a breakpoint already are set back to it. Neighbours: [`super::serve`] hears of the death, [`super::overlay`] knows
//! the bytes, [`super::tracee`] asks about traps that come late.

use std::collections::BTreeSet;

use utrace_abi::UserRegs;
use utrace_core::{Addr, Target};

use super::link::State;
use super::overlay::INT3;
use super::peek;
use super::steps::Lent;
use super::tracee::look;
use super::world::{LinkId, Threads};

impl Threads {
    /// A tracer has died that held a thread at its breakpoint, and had not set it back yet. Without others the program dies of
    /// that, as it would without us.
    pub(super) fn set_back(&mut self, id: LinkId) -> Option<()> {
        let link = self.links.get(&id)?;
        if link.lent != Lent::No || !self.is_shared(link.process, link.tracer_process) {
            return None;
        }
        let mut regs = look(&link.task, |target| peek::regs(target)).ok()?.ok()?;
        let seen = link.snapshot.filter(|seen| seen.rip == regs.rip)?;
        if !self.is_past_breakpoint(link, &seen) {
            return None;
        }
        let others = self.links.iter().filter(|(other, of)| **other != id && of.tracee == link.tracee);
        if others
            .into_iter()
            .any(|(_, other)| other.snapshot.is_some() && self.is_past_breakpoint(other, &regs))
        {
            // It does so itself.
            return self.links.get_mut(&id).map(|link| link.state = State::Running);
        }
        regs.rip -= 1;
        look(&link.task, |target| peek::set_regs(target, &regs)).ok()?.ok()?;
        // Nobody lets its trap through.
        self.links.get_mut(&id).map(|link| link.state = State::Running)
    }

    /// A tracer has died: its breakpoints go out of the memory of those whom others trace too.
    pub(super) fn take_out_breakpoints(&mut self, tracer: u32) {
        let Some(owner) =
            self.links.values().find(|link| link.tracer == tracer).map(|link| link.tracer_process)
        else {
            return;
        };
        if self.links.values().any(|link| link.tracer_process == owner && link.tracer != tracer) {
            // Another thread of it traces.
            return;
        }
        let processes: BTreeSet<u32> =
            self.links.values().filter(|link| link.tracer == tracer).map(|link| link.process).collect();
        for process in processes {
            if !self.is_shared(process, owner) {
                continue;
            }
            let bytes =
                self.overlays.get_mut(&process).map(|overlay| overlay.bury(owner)).unwrap_or_default();
            for (at, byte) in bytes {
                self.put(process, at, byte);
            }
        }
    }

    /// Whether a thread has run the breakpoint of a tracer that has died before it was taken out; then it is set back.
    pub(super) fn is_left_over(&self, id: LinkId, regs: &UserRegs, target: &mut dyn Target) -> Option<()> {
        let at = regs.rip.wrapping_sub(1);
        let process = self.links.get(&id)?.process;
        let mut byte = [0];
        let left = self.overlays.get(&process)?.was_left(at);
        let own = target.read(Addr(at), &mut byte) == Ok(1) && byte[0] != INT3;
        (left && own && peek::set_regs(target, &UserRegs { rip: at, ..*regs }).is_ok()).then_some(())
    }

    /// Writes a byte into a process, through whichever thread has memory.
    pub(super) fn put(&self, process: u32, at: u64, byte: u8) {
        let threads = self.threads.values().filter(|thread| thread.process == process);
        for task in threads.map(|thread| thread.task.clone()) {
            if let Ok(Ok(1)) = look(&task, |target| target.write(Addr(at), &[byte])) {
                break;
            }
        }
    }
}
