//! Steps: one instruction, or to the next branch, without hiding system calls from the other engines.
//!
//! A step is chosen in the last report before user mode and stays chosen ([`Tracee::step`]) until its trap, or until
//! a later report chooses anew: stops that nobody wanted on the way do not lose it. PTRACE_SINGLESTEP shows no
//! system-call stop, so where engines want those, the instruction to come is looked at: a system call is run with
//! PTRACE_SYSCALL, its entry and exit are reported, and the trap that the processor would have made after it is
//! reported at its exit. A block step may run over a system call unseen, so there it is made of single ones.

use utrace_core::{Action, Disposition, Event, SigInfo, SignalAction, SignalKind, SignalReport, Verdict};

use super::Tracer;
use super::signals::Decided;
use super::tracee::{Path, Point, Tracee};
use crate::procfs;
use crate::sys::errno::{ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS};
use crate::sys::mem;
use crate::sys::ptrace::{RawRegs, RawSiginfo, Request};
use crate::tracee::{Carries, Stopped};
use crate::types::Tid;

/// `si_code`s of a `SIGTRAP` that a step makes: `TRAP_BRKPT` (after a system call), `TRAP_TRACE`, `TRAP_BRANCH`.
const STEP_CODES: core::ops::RangeInclusive<i32> = 1..=3;
const TRAP_BRKPT: i32 = 1;

/// How far a step goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// One instruction.
    Single,
    /// To the next branch.
    Block,
}

/// Whether this looks like the trap of a step.
pub(super) fn is_trap(info: &RawSiginfo) -> bool {
    info.number() == libc::SIGTRAP && STEP_CODES.contains(&info.code())
}

/// Whether this is a trap of the debug registers, by itself or together with a step (`TRAP_HWBKPT`, `TRAP_TRACE`).
pub(super) fn may_be_hit(info: &RawSiginfo) -> bool {
    info.number() == libc::SIGTRAP && matches!(info.code(), 2 | 4)
}

/// Whether the stop that a tracee is in is for the trap of a step or of a breakpoint.
pub(super) fn is_trap_of_ours(tid: Tid) -> bool {
    let info = Stopped::seen_by_wait(tid).siginfo();
    info.is_ok_and(|info| is_trap(&info) || may_be_hit(&info))
}

/// Whether the trap of a step or of a breakpoint waits behind the stop that a tracee is in.
///
/// The kernel opens the signal when it sends one (force_sig_info_to_task() in kernel/signal.c): one that is blocked
/// is the program's own.
pub(super) fn trap_waits(tid: Tid) -> bool {
    let bit = 1 << (libc::SIGTRAP - 1);
    procfs::status(tid).is_ok_and(|status| status.pending & !status.blocked & bit != 0)
}

impl Tracee {
    /// Whether a trap that is ours to take may be on its way.
    pub(super) fn may_trap(&self) -> bool {
        self.stepping.is_some() || self.sign.is_debugged()
    }

    /// Takes a step over from a report; another action leaves what was chosen.
    pub(super) fn choose_step(&mut self, action: Action) {
        match action {
            Action::SingleStep => self.step = Some(Step::Single),
            Action::BlockStep => self.step = Some(Step::Block),
            _ => {}
        }
    }

    /// How to resume so that the step is made and every system call that engines want shows.
    pub(super) fn request_for(&self, step: Step, stopped: &mut Stopped, point: Point) -> Request {
        let calls = self.task.asked_for(Event::SyscallEntry) || self.task.asked_for(Event::SyscallExit);
        match point {
            // The trap comes at the exit of the call.
            Point::Entry | Point::Mid => Request::Syscall,
            Point::Exiting => Request::Cont,
            Point::User(0, _) if calls && stopped.regs().is_ok_and(|regs| comes_to_call(self, regs)) => {
                Request::Syscall
            }
            _ if step == Step::Block && !calls => Request::BlockStep,
            _ => Request::SingleStep,
        }
    }
}

/// Whether the next thing that a thread with these registers does is a system call.
fn comes_to_call(tracee: &Tracee, regs: &RawRegs) -> bool {
    /// The call is made again.
    const RESTARTS: [i64; 4] = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK];
    let in_call = regs.orig_rax.cast_signed() >= 0;
    if in_call && RESTARTS.contains(&regs.rax.cast_signed()) {
        return true;
    }
    let mut bytes = [0; 2];
    let there = mem::read(tracee.tid, regs.rip, &mut bytes) == Ok(2);
    // syscall, sysenter, int 0x80.
    there && matches!(bytes, [0x0f, 0x05] | [0x0f, 0x34] | [0xcd, 0x80])
}

impl Tracer {
    /// The trap of a step.
    pub(super) fn at_step(&mut self, mut tracee: Box<Tracee>, stopped: Stopped, info: RawSiginfo) {
        tracee.signals.handler = false;
        tracee.step = None;
        tracee.signals.hand = Some(info);
        self.trap_in_hand(tracee, stopped);
    }

    /// Reports what is owed, and then the trap in hand.
    pub(super) fn trap_in_hand(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        if tracee.reporter.owes_report() {
            match self.report_none(&mut tracee, &mut stopped, SignalKind::Report) {
                Verdict::Park => return self.park(tracee, stopped, Point::Trap),
                Verdict::Go(action) => tracee.choose_step(action),
            }
        }
        match tracee.signals.hand.take() {
            Some(info) => self.show_trap(tracee, stopped, info),
            None => self.conclude(tracee, stopped, Point::User(0, Path::Signal), Verdict::Go(Action::Resume)),
        }
    }

    /// Reports the trap of a step, at its delivery stop or in place of one at the exit of a system call.
    ///
    /// It is nobody's signal: unless an engine makes something of it, it goes no further.
    fn show_trap(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, info: RawSiginfo) {
        let shown = SigInfo { number: libc::SIGTRAP.unsigned_abs(), raw: info.0 };
        let mut report = SignalReport::taken(Event::SignalCore, shown, Disposition::Default);
        report.action = SignalAction::Ignore;
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.task.wants(Event::SignalCore) {
            tracee.step = None;
            verdict = self
                .report(&mut tracee, &mut stopped, |reporter, target| reporter.signal(target, &mut report));
        }
        if report.action == SignalAction::Ignore && !report.hold {
            tracee.signals.set_last(&report.info);
            return self.conclude(tracee, stopped, Point::User(0, Path::Signal), verdict);
        }
        if report.hold {
            tracee.signals.hand = Some(info);
            self.put_back(&mut tracee);
            return self.conclude(tracee, stopped, Point::User(0, Path::Signal), verdict);
        }
        let decided = Decided::of(&report, Some(Disposition::Default));
        if stopped.carries() == Carries::Delivers {
            return self.settle(tracee, stopped, &report.info, decided, verdict);
        }
        // At the exit of a call there is none to deliver: it is sent, and comes before anything else.
        tracee.signals.make(&report.info, decided);
        self.conclude(tracee, stopped, Point::Made, verdict);
    }

    /// The step was a system call, which is at its exit now, reported.
    pub(super) fn stepped_over_call(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        verdict: Verdict,
    ) {
        let mut info = RawSiginfo::bare(libc::SIGTRAP, TRAP_BRKPT);
        info.set_address(stopped.regs().map_or(0, |regs| regs.rip));
        tracee.step = None;
        if let Verdict::Go(action) = verdict {
            tracee.choose_step(action);
        }
        tracee.signals.hand = Some(info);
        self.trap_in_hand(tracee, stopped);
    }
}
