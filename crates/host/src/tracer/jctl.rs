//! Group stops (job control) and their ends.
//!
//! A process that is stopped stays so: its threads are left in the stop with PTRACE_LISTEN, and the kernel says
//! when it is over. A thread that engines hold is not, for its registers would be out of reach; one that they let go
//! with [`utrace_core::EngineRef::leave_group_stop`] runs alone. A thread that engines hold when its process is
//! continued reports the continue once they let go (SC-44). The rest of the signal path is in `signals`.

use utrace_core::{Action, InGroupStop, JctlKind, JctlReport, Verdict};

use super::Tracer;
use super::tracee::{GroupStop, Interrupt, Path, Phase, Point, Tracee};
use super::unheard::Cause;
use super::view;
use crate::quiesce;
use crate::remote::Failed;
use crate::sys::ptrace::{self, Request};
use crate::tracee::{Gone, Stopped};

impl Tracer {
    /// The stop that an INTERRUPT asked for, the first stop of a child, or the end of a group stop.
    pub(super) fn at_interrupt(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        tracee.call = None;
        self.begin_anew(&tracee, &mut stopped, Cause::Us);
        // No handler was set up after all.
        tracee.signals.handler = false;
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
            return self.start_child(tracee, stopped);
        }
        let asked = take_interrupt(&mut tracee) == Interrupt::Asked;
        // What a group stop interrupts, the program sees interrupted untraced too (signal(7)).
        if !asked
            && matches!(tracee.group_stop, GroupStop::None)
            && let Err(gone) = self.mend(&mut tracee, &mut stopped)
        {
            return self.lost(tracee, gone);
        }
        if tracee.group_stop != GroupStop::None {
            return self.continued(tracee, stopped);
        }
        match self.lay_board(&tracee, &mut stopped) {
            Ok(()) | Err(Failed::Unable) => {}
            Err(Failed::Lost(gone)) => return self.lost(tracee, gone),
            Err(Failed::Ended(status)) => {
                let tid = tracee.tid;
                self.table.put(tracee);
                return self.handle(tid, status);
            }
        }
        self.conclude(tracee, stopped, Point::User(0, Path::Plain), Verdict::Go(Action::Resume));
    }

    /// The group stop is over, and the thread at its next stop.
    pub(super) fn continued(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        let (GroupStop::In(signal) | GroupStop::Left(signal)) = tracee.group_stop else {
            return self.conclude(tracee, stopped, Point::User(0, Path::Plain), Verdict::Go(Action::Resume));
        };
        match self.report_jctl(&mut tracee, &mut stopped, JctlKind::Continued, signal) {
            // Engines hold it: the continue is told when they let go.
            Verdict::Park => self.park(tracee, stopped, Point::Continued),
            verdict @ Verdict::Go(_) => {
                tracee.group_stop = GroupStop::None;
                self.conclude(tracee, stopped, Point::User(0, Path::Plain), verdict);
            }
        }
    }

    /// The whole process stops.
    pub(super) fn at_group_stop(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, signal: i32) {
        let asked = take_interrupt(&mut tracee);
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
        }
        if tracee.phase != Phase::Living {
            return self.listen(tracee, stopped);
        }
        match tracee.group_stop {
            // It runs while its process is stopped, and every stop that we ask for looks like this one.
            GroupStop::Left(_) if asked != Interrupt::None => {
                if asked == Interrupt::Quiet
                    && let Err(gone) = self.mend(&mut tracee, &mut stopped)
                {
                    return self.lost(tracee, gone);
                }
                let point = Point::User(0, Path::Plain);
                return self.conclude(tracee, stopped, point, Verdict::Go(Action::Resume));
            }
            // We asked for it, to look at the registers or to have it leave.
            GroupStop::In(_) if asked != Interrupt::None => {}
            // A stop that comes while we listen, and that we did not ask for, is another one: in between the
            // process went on, and this thread had no time to show it.
            GroupStop::In(before) => {
                let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Continued, before);
                let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Stopped, signal);
            }
            GroupStop::None | GroupStop::Left(_) => {
                // What the stop ended stays ended, also in a thread that was attached to after its signal was taken.
                if stopped.regs().is_ok_and(quiesce::was_interrupted) {
                    tracee.ended_by_stop = true;
                    tracee.timed = None;
                }
                // A wish for a report waits until the process goes on: a stopped task is quiescent as it is.
                let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Stopped, signal);
            }
        }
        tracee.group_stop = GroupStop::In(signal);
        self.stay_or_leave(tracee, stopped);
    }

    /// In a group stop that was reported: held there by engines, left there, or made to run.
    pub(super) fn stay_or_leave(&mut self, mut tracee: Box<Tracee>, stopped: Stopped) {
        match tracee.reporter.in_group_stop() {
            InGroupStop::Hold => self.park(tracee, stopped, Point::Group),
            InGroupStop::Listen => self.listen(tracee, stopped),
            InGroupStop::Leave(action) => {
                if let GroupStop::In(signal) = tracee.group_stop {
                    tracee.group_stop = GroupStop::Left(signal);
                }
                self.conclude(tracee, stopped, Point::User(0, Path::Plain), Verdict::Go(action));
            }
        }
    }

    /// Leaves it in the group stop, whose end the kernel will tell.
    fn listen(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        tracee.group_regs = view::Kept::of(&mut stopped);
        tracee.sign.listens();
        self.resume(tracee, stopped, Request::Listen, 0);
    }

    /// The last engine that held it let go while we listened.
    pub(super) fn let_go_while_listening(&mut self, tracee: &mut Tracee) {
        if tracee.task.leaves_group_stop() {
            tracee.interrupt = Interrupt::Quiet;
            // ESRCH: it was killed, or has stopped already, and wait4 will say so.
            if let Err(errno) = ptrace::interrupt(tracee.tid) {
                self.note(tracee.tid, Gone::of("interrupt", errno));
            }
        }
    }

    fn report_jctl(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        kind: JctlKind,
        signal: i32,
    ) -> Verdict {
        let notify = tracee.tid == tracee.group.pid;
        let mut jctl = JctlReport { kind, signal: signal.unsigned_abs(), notify };
        self.report(tracee, stopped, |reporter, target| reporter.jctl(target, &mut jctl))
    }
}

/// Whether the stop that it is in was asked for, and why.
fn take_interrupt(tracee: &mut Tracee) -> Interrupt {
    let roused = tracee.sign.stopped();
    match core::mem::replace(&mut tracee.interrupt, Interrupt::None) {
        Interrupt::None if roused => Interrupt::Quiet,
        why => why,
    }
}
