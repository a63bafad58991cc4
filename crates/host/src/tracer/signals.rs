//! Signal-delivery stops, group stops, and the stops that we asked for.

use utrace_core::{
    Action, Disposition, Event, EventSet, JctlKind, JctlReport, SigInfo, SignalAction, SignalReport, Verdict,
};

use super::Tracer;
use super::tracee::{Interrupt, Path, Phase, Point, Tracee};
use crate::procfs;
use crate::quiesce;
use crate::sys::process;
use crate::sys::ptrace::{RawSiginfo, Request};
use crate::tracee::{Gone, Stopped};

/// `si_code`s of a `SIGTRAP` that a step makes: `TRAP_BRKPT` (after a system call), `TRAP_TRACE`, `TRAP_BRANCH`.
const STEP_CODES: core::ops::RangeInclusive<i32> = 1..=3;

impl Tracer {
    /// A signal is about to be delivered.
    pub(super) fn at_signal(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, signal: i32) {
        tracee.call = None;
        if tracee.interrupt != Interrupt::Asked
            && let Err(gone) = quiesce::hide_interruption(&mut stopped)
        {
            return self.lost(tracee, gone);
        }
        let point = Point::User(signal, Path::Signal);
        if !matches!(tracee.phase, Phase::Living) {
            return self.conclude(tracee, stopped, point, Verdict::Go(Action::Resume));
        }
        let stepped =
            signal == libc::SIGTRAP && matches!(tracee.resumed, Request::SingleStep | Request::BlockStep);
        let wanted = EventSet::SIGNAL.iter().any(|event| tracee.task.wants(event));
        if !wanted && !stepped {
            return self.conclude(tracee, stopped, point, Verdict::Go(Action::Resume));
        }
        match stopped.siginfo() {
            Ok(info) => self.report_signal(tracee, stopped, signal, info, stepped),
            Err(gone) => self.lost(tracee, gone),
        }
    }

    #[cold]
    fn report_signal(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        signal: i32,
        info: RawSiginfo,
        stepped: bool,
    ) {
        let trap = stepped && STEP_CODES.contains(&info.code());
        let disposition = if trap { Disposition::Default } else { disposition(&tracee, signal) };
        let event = classify(signal, disposition);
        let core_info = SigInfo { number: signal.unsigned_abs(), raw: info.0 };
        let mut report = SignalReport::taken(event, core_info, disposition);
        if trap {
            // The step's own trap is nobody's signal: unless an engine makes something of it, it goes no further.
            report.action = SignalAction::Ignore;
        }
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.reporter.owes_report() {
            verdict = self.report(&mut tracee, &mut stopped, |reporter, target| {
                let mut none = SignalReport::none(utrace_core::SignalKind::Report);
                reporter.signal_report(target, &mut none)
            });
        }
        // Held before the signal was shown: it stays with the stop, and is delivered when the hold ends.
        if verdict != Verdict::Park {
            verdict = self
                .report(&mut tracee, &mut stopped, |reporter, target| reporter.signal(target, &mut report));
        }
        let deliver = self.outcome(&tracee, &stopped, &core_info, &report);
        self.conclude(tracee, stopped, Point::User(deliver, Path::Signal), verdict);
    }

    /// The signal to resume with.
    fn outcome(&self, tracee: &Tracee, stopped: &Stopped, before: &SigInfo, report: &SignalReport) -> i32 {
        let number = i32::try_from(report.info.number).unwrap_or(0);
        if report.hold {
            // ptrace cannot put a signal back; sent again to the thread alone, it is the next to be reported.
            if let Err(errno) = process::tgkill(tracee.group.pid, tracee.tid, number) {
                self.note(tracee.tid, Gone::of("put the signal back", errno));
            }
            return 0;
        }
        if report.info != *before && number != 0 {
            let mut info = RawSiginfo(report.info.raw);
            info.set_number(number);
            if let Err(gone) = stopped.set_siginfo(&info) {
                self.note(tracee.tid, gone);
            }
        }
        match report.action {
            SignalAction::Ignore => 0,
            SignalAction::Deliver => number,
            // A stop by default; SIGSTOP is the one that no disposition changes.
            SignalAction::Stop | SignalAction::TStop => libc::SIGSTOP,
            SignalAction::Terminate | SignalAction::Core => {
                let fatal_by_itself = report.disposition == Some(Disposition::Default)
                    && !matches!(default_event(number), Event::SignalIgn | Event::SignalStop);
                if fatal_by_itself { number } else { libc::SIGKILL }
            }
        }
    }

    /// The stop that an INTERRUPT asked for, the first stop of a child, or the end of a group stop.
    pub(super) fn at_interrupt(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        tracee.call = None;
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
            return self.start_child(tracee, stopped);
        }
        if core::mem::replace(&mut tracee.interrupt, Interrupt::None) != Interrupt::Asked
            && let Err(gone) = quiesce::hide_interruption(&mut stopped)
        {
            return self.lost(tracee, gone);
        }
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.group_stop.is_some() && tracee.resumed == Request::Listen {
            let signal = tracee.group_stop.take().unwrap_or(0);
            verdict = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Continued, signal);
        }
        tracee.group_stop = None;
        self.conclude(tracee, stopped, Point::User(0, Path::Signal), verdict);
    }

    /// The whole process stops. It stays so: we only listen for its end.
    pub(super) fn at_group_stop(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, signal: i32) {
        tracee.interrupt = Interrupt::None;
        if tracee.group_stop.replace(signal).is_none() && tracee.phase == Phase::Living {
            // A wish for a report waits until the process goes on: a stopped task is quiescent as it is.
            let _ = self.report_jctl(&mut tracee, &mut stopped, JctlKind::Stopped, signal);
        }
        if tracee.phase == Phase::Unborn {
            tracee.phase = Phase::Living;
        }
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

/// What the program has declared for a signal, from the masks in `/proc/…/status`.
fn disposition(tracee: &Tracee, signal: i32) -> Disposition {
    let Ok(status) = procfs::status(tracee.tid) else { return Disposition::Default };
    let bit = 1_u64 << (signal.unsigned_abs() - 1);
    if status.caught & bit != 0 {
        Disposition::Caught
    } else if status.ignored & bit != 0 {
        Disposition::Ignored
    } else {
        Disposition::Default
    }
}

fn classify(signal: i32, disposition: Disposition) -> Event {
    match disposition {
        Disposition::Caught => Event::Signal,
        Disposition::Ignored => Event::SignalIgn,
        Disposition::Default => default_event(signal),
    }
}

/// The default action of each signal (signal(7)).
fn default_event(signal: i32) -> Event {
    match signal {
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => Event::SignalIgn,
        libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Event::SignalStop,
        libc::SIGQUIT
        | libc::SIGILL
        | libc::SIGTRAP
        | libc::SIGABRT
        | libc::SIGBUS
        | libc::SIGFPE
        | libc::SIGSEGV
        | libc::SIGXCPU
        | libc::SIGXFSZ
        | libc::SIGSYS => Event::SignalCore,
        _ => Event::SignalTerm,
    }
}

#[cfg(test)]
mod tests {
    use super::{classify, default_event};
    use utrace_core::{Disposition, Event};

    #[test]
    fn every_signal_has_the_class_of_signal_7() {
        assert_eq!(default_event(libc::SIGTERM), Event::SignalTerm);
        assert_eq!(default_event(40), Event::SignalTerm);
        assert_eq!(default_event(libc::SIGSEGV), Event::SignalCore);
        assert_eq!(default_event(libc::SIGTTIN), Event::SignalStop);
        assert_eq!(default_event(libc::SIGCHLD), Event::SignalIgn);
        assert_eq!(classify(libc::SIGSEGV, Disposition::Caught), Event::Signal);
        assert_eq!(classify(libc::SIGTERM, Disposition::Ignored), Event::SignalIgn);
    }
}
