//! Calls that are answered, and that a signal interrupted before anybody heard of them.
//!
//! Key type: [`Rerun`]. A thread that asks sleeps so that a signal can wake it until its question is received
//! (seccomp_unotify(2)), and the call then ends with `ERESTARTSYS` without having been looked at: the kernel's own wait4
//! looks at its children first. So the question is asked in the stop that shows the interruption
//! ([`Tracer::ask_late`]). A value is the call's result. Who would have to sleep for his answer was interrupted
//! indeed. What is left to the kernel begins again:
//!
//! - mostly behind the handler of the signal, as if the signal had come first (`ERESTARTNOINTR`);
//! - where engines are told of the call's exit, unseen, before the signal comes: its exit is not reported, all signals are
//!   blocked, the thread goes back to the instruction, and the second entry is not reported either. Nothing
//!   can come before the question now. Once it is left to the kernel the thread is interrupted, so that the call ends
//!   as one does that a signal interrupts: after a look at what is there. At its exit, which is reported, the mask is put back.
//!
//! A thread that dies in between is forgotten with its state, and one that is left gets its mask back in the stop in which it
//! is left. If we are killed in between (some 100 us), a thread that outlives us keeps all signals blocked but SIGKILL
//! and SIGSTOP.
//!
//! Neighbours: `answer` hears questions, `syscalls` and `signals` find the stops, `signals` keeps the mask.

use std::sync::Arc;

use utrace_core::{Addr, Answer, Delivery, Event, Line, Question, Syscall, SyscallSet};

use super::Tracer;
use super::tracee::{Interrupt, Tracee};
use super::view::View;
use crate::filter::{ARCH_I386, ARCH_X86_64};
use crate::sys::errno::{ERESTARTNOINTR, ERESTARTSYS};
use crate::sys::notify::Received;
use crate::sys::ptrace::{self, Request};
use crate::sys::sigmask::SigMask;
use crate::tracee::{Gone, Stopped};
use crate::types::Tid;

/// 32-bit user code (`__USER32_CS`).
const CS_I386: u64 = 0x23;
/// Bytes of `syscall`, and of `int 0x80`.
const INSTRUCTION: u64 = 2;

/// A call that is made a second time, unseen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Rerun {
    /// None is.
    #[default]
    No,
    /// It goes back to the call.
    Entering,
    /// It is in it.
    Running,
    /// Its question was heard.
    Heard,
}

/// What interrupted a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    /// We did: the program must not notice.
    Us,
    /// A signal.
    Signal,
}

/// What is to be done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unheard {
    /// Nothing: it is no such call, or it ended so.
    Stays,
    /// The registers have its result.
    Changed,
    /// It must begin again.
    Again,
}

/// Nobody sleeps at the other end.
struct NoLine;

impl Line for NoLine {
    fn give(&self, _question: u64, _answer: Answer) -> Delivery {
        Delivery::Gone
    }

    fn hold(&self, _question: u64) {}
}

impl Tracer {
    /// A stop shows that a call was interrupted. If it is one that is answered, and nobody heard of it, it has its result
    /// now, or begins again, whatever handler runs before.
    #[inline]
    pub(super) fn begin_anew(&self, tracee: &Tracee, stopped: &mut Stopped, cause: Cause) {
        if !self.desks.is_empty() && self.ask_late(tracee, stopped, cause) == Unheard::Again {
            // If it died, its next news says so.
            let _ = stopped.change_regs(|regs| regs.rax = ERESTARTNOINTR.cast_unsigned());
        }
    }

    /// Asks what was not heard.
    #[cold]
    pub(super) fn ask_late(&self, tracee: &Tracee, stopped: &mut Stopped, cause: Cause) -> Unheard {
        let (Some(answerer), Ok(regs)) = (&self.desks.answerer, stopped.regs()) else {
            return Unheard::Stays;
        };
        let narrow = regs.cs == CS_I386;
        let arch = if narrow { ARCH_I386 } else { ARCH_X86_64 };
        if regs.rax.cast_signed() != ERESTARTSYS || !answerer.knows(arch, regs.orig_rax) {
            return Unheard::Stays;
        }
        let args = if narrow {
            [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp].map(|word| word & 0xffff_ffff)
        } else {
            [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9]
        };
        let (number, ip) = (regs.orig_rax, regs.rip);
        if tracee.rerun == Rerun::Heard
            || self.desks.open.iter().any(|desk| desk.sleeps_in(tracee.tid, number, ip, args))
        {
            return Unheard::Stays;
        }
        if cause == Cause::Us {
            return Unheard::Again;
        }
        let index = if narrow { SyscallSet::OTHER } else { number };
        let call = Syscall { number, index, args, arch, ip: Addr(ip), sp: Addr(regs.rsp) };
        let line: Arc<dyn Line> = Arc::new(NoLine);
        let (task, answers) = (tracee.task.clone(), Arc::clone(&answerer.answers));
        let mut view = View { stopped, pid: tracee.group.pid, usage: &self.usage, sign: &tracee.sign };
        let mut question = Question::interrupted(&task, call, &mut view, &line);
        let answer = self.guarded(tracee.tid, || answers.ask(&mut question));
        match answer.flatten() {
            Some(Answer::Value(ERESTARTSYS)) => {
                // The next stop, the signal's, shows the same registers.
                let known =
                    Received { id: 0, tid: Some(tracee.tid), number: call.number as u32, arch, ip, args };
                self.desks.open.iter().take(1).for_each(|desk| desk.expect(tracee.tid, known));
                Unheard::Stays
            }
            Some(Answer::Value(value))
                if stopped.change_regs(|regs| regs.rax = value.cast_unsigned()).is_ok() =>
            {
                Unheard::Changed
            }
            _ => Unheard::Again,
        }
    }

    /// At the exit of a call: whether it is made once more unseen. If so, the tracee runs.
    #[cold]
    pub(super) fn runs_again(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        call: Option<Syscall>,
    ) -> bool {
        let cause = if tracee.interrupt == Interrupt::None { Cause::Signal } else { Cause::Us };
        let found = self.ask_late(tracee, stopped, cause);
        self.settle_rerun(tracee);
        if found != Unheard::Again {
            return false;
        }
        let index = call.map_or(SyscallSet::OTHER, |call| call.index);
        let told = tracee.task.asked_for(Event::SyscallExit) && tracee.task.wants_syscall(index);
        if !told || tracee.step.is_some() || self.block_signals(tracee).is_err() {
            let _ = stopped.change_regs(|regs| regs.rax = ERESTARTNOINTR.cast_unsigned());
            return false;
        }
        let back = stopped.change_regs(|regs| {
            regs.rax = regs.orig_rax;
            regs.rip = regs.rip.wrapping_sub(INSTRUCTION);
        });
        if back.is_err() {
            return false;
        }
        tracee.call = call;
        tracee.rerun = Rerun::Entering;
        true
    }

    /// A call that was made again is over.
    fn settle_rerun(&self, tracee: &mut Tracee) {
        if core::mem::take(&mut tracee.rerun) != Rerun::No {
            self.restore_mask(tracee);
        }
    }

    /// The exit of any call.
    #[inline]
    pub(super) fn at_end_of_rerun(&self, tracee: &mut Tracee, value: i64) {
        // What was interrupted is looked at before.
        if tracee.rerun != Rerun::No && value != ERESTARTSYS {
            self.settle_rerun(tracee);
        }
    }

    fn block_signals(&self, tracee: &mut Tracee) -> Result<(), Gone> {
        let gone = |errno| Gone::of("block signals", errno);
        let mask = ptrace::signal_mask(tracee.tid).map_err(gone)?;
        ptrace::set_signal_mask(tracee.tid, SigMask::ALL).map_err(gone)?;
        tracee.signals.keep_mask(mask);
        Ok(())
    }

    /// The entry of a call: whether it is one that is made again.
    #[inline]
    pub(super) fn is_again(&self, tracee: &mut Tracee) -> bool {
        let again = tracee.rerun == Rerun::Entering;
        if again {
            tracee.rerun = Rerun::Running;
        }
        again
    }

    /// Lets it go on from there.
    pub(super) fn go_again(&mut self, tracee: Box<Tracee>, stopped: Stopped) {
        self.resume(tracee, stopped, Request::Syscall, 0);
    }

    /// A call that is made again, and left to the kernel, must not sleep in it: a signal is waiting.
    #[cold]
    pub(super) fn cut_short(&mut self, from: Tid) {
        let Some(mut tracee) = self.table.take(from) else { return };
        if tracee.interrupt == Interrupt::None {
            tracee.interrupt = Interrupt::Quiet;
        }
        if let Err(errno) = ptrace::interrupt(from) {
            self.note(from, Gone::of("interrupt", errno));
        }
        self.table.put(tracee);
    }
}
