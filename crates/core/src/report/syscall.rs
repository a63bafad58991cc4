//! Reporting syscall entry and exit.

use super::pass::Order;
use super::{At, Reporter, Verdict};
use crate::action::Action;
use crate::event::Event;
use crate::interest::SyscallSet;
use crate::payload::{SyscallAction, SyscallEntry, SyscallExit};
use crate::target::Target;

impl Reporter {
    /// The task entered the kernel for a syscall. Engines are called last attached first.
    ///
    /// After [`Verdict::Go`] the host runs what `entry` says now, or skips it if its action is
    /// [`SyscallAction::Abort`]. After [`Verdict::Park`] the task stays before the syscall; if it is woken with
    /// [`super::Woken::Repeat`], the host reports again with a new `entry` made of the registers as they are then,
    /// and it is shown as resumed. A task that is killed meanwhile must not run the syscall (INV-34).
    pub fn syscall_entry(&mut self, target: &mut dyn Target, entry: &mut SyscallEntry) -> Verdict {
        if let At::SyscallEntry(said) = self.at {
            self.at = At::Nowhere;
            // What the engines said of its fate before the stop holds until one of them says otherwise.
            entry.set_resumed(said);
        }
        if !self.task.wants_syscall(entry.call().index) {
            return Verdict::Go(Action::Resume);
        }
        let place = SyscallSet::place(entry.call().index);
        loop {
            let pass = self.pass(
                target,
                Event::SyscallEntry,
                Order::Reverse,
                |engine| engine.has_syscall(place),
                |engine, cx| engine.syscall_entry(cx, entry),
            );
            let verdict = self.finish_now(&pass, At::SyscallEntry(entry.action()));
            // Whoever stopped it let go before it slept (INV-24). If a report was asked for, it is this one, as it would
            // be had the task slept (SC-48): an agent who answers fast must not lose his second look.
            if pass.combined != Action::Stop || !is_repeated(verdict) {
                return verdict;
            }
            entry.set_resumed(entry.action());
        }
    }

    /// The task leaves the kernel after a syscall, run or skipped.
    pub fn syscall_exit(&mut self, target: &mut dyn Target, exit: &mut SyscallExit) -> Verdict {
        if !self.task.wants_syscall(exit.index()) {
            return Verdict::Go(Action::Resume);
        }
        let place = SyscallSet::place(exit.index());
        let pass = self.pass(
            target,
            Event::SyscallExit,
            Order::Forward,
            |engine| engine.has_syscall(place),
            |engine, cx| engine.syscall_exit(cx, exit),
        );
        self.finish_later(&pass)
    }
}

/// Whether a task that was to be held at the entry of its call is to go on with a report.
fn is_repeated(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Go(Action::Report | Action::Interrupt))
}

impl SyscallEntry {
    /// Whether the syscall is to be skipped.
    pub fn is_aborted(&self) -> bool {
        self.action() == SyscallAction::Abort
    }
}
