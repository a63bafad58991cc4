//! Group stops (job control) and their ends.
//!
//! A process that is stopped stays so: its threads are left in the stop with PTRACE_LISTEN, and the kernel says
//! when it is over. A thread that engines hold when its process is continued reports the continue once they let go
//! (SC-44). The rest of the signal path is in `signals`.

use utrace_core::{Action, JctlKind, JctlReport, Verdict};

use super::Tracer;
use super::tracee::{Interrupt, Path, Phase, Point, Tracee};
use super::view;
use crate::quiesce;
use crate::sys::ptrace::Request;
use crate::tracee::Stopped;

impl Tracer {
    /// The stop that an INTERRUPT asked for, the first stop of a child, or the end of a group stop.
    pub(super) fn at_interrupt(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        tracee.call = None;
        // No handler was set up after all.
        tracee.signals.handler = false;
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
            return self.start_child(tracee, stopped);
        }
        if core::mem::replace(&mut tracee.interrupt, Interrupt::None) != Interrupt::Asked
            && let Err(gone) = quiesce::hide_interruption(&mut stopped)
        {
            return self.lost(tracee, gone);
        }
        if tracee.group_stop.is_some() {
            return self.continued(tracee, stopped);
        }
        self.conclude(tracee, stopped, Point::User(0, Path::Plain), Verdict::Go(Action::Resume));
    }

    /// The group stop is over, and the thread at its next stop.
    pub(super) fn continued(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        let signal = tracee.group_stop.unwrap_or(0);
        match self.report_jctl(&mut tracee, &mut stopped, JctlKind::Continued, signal) {
            // Engines hold it: the continue is told when they let go.
            Verdict::Park => self.park(tracee, stopped, Point::Continued),
            verdict @ Verdict::Go(_) => {
                tracee.group_stop = None;
                self.conclude(tracee, stopped, Point::User(0, Path::Plain), verdict);
            }
        }
    }

    /// The whole process stops. It stays so: we only listen for its end.
    pub(super) fn at_group_stop(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, signal: i32) {
        let asked = core::mem::replace(&mut tracee.interrupt, Interrupt::None);
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
        }
        if tracee.phase == Phase::Living {
            // A stop that comes while we listen, and that we did not ask for, is another one: in between the
            // process went on, and this thread had no time to show it.
            if tracee.group_stop.is_some() && asked == Interrupt::None {
                let before = tracee.group_stop.unwrap_or(0);
                let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Continued, before);
                tracee.group_stop = None;
            }
            if tracee.group_stop.is_none() {
                // A wish for a report waits until the process goes on: a stopped task is quiescent as it is.
                let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Stopped, signal);
            }
            tracee.group_stop = Some(signal);
        }
        tracee.group_regs = view::general_regs(&mut stopped);
        self.resume(tracee, stopped, Request::Listen, 0);
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
