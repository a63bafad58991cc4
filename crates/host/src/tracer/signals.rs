//! Signal-delivery stops: the reports of signals, and those on the signal path that carry none.
//!
//! A signal is *in hand* from its delivery stop to its fate. Held back (HOLD) it stays in hand and is reported
//! again in the same stop, so its details are kept and it is ahead of all others. What its fate is and how it
//! is carried out is in `deliver`; job control in `jctl`; traps of steps in `step`.

use utrace_abi::signal::DefaultAction;
use utrace_core::{
    Action, Disposition, Event, EventSet, SigInfo, SignalAction, SignalKind, SignalReport, Verdict,
};

use super::Tracer;
use super::debug::Hit;
use super::deliver::Fate;
use super::tracee::{Interrupt, Path, Phase, Point, Tracee};
use super::unheard::Cause;
use crate::procfs;
use crate::sys::ptrace::{self, RawSiginfo, Request};
use crate::sys::sigmask::SigMask;
use crate::sys::{Errno, process};
use crate::tracee::{Carries, Gone, Stopped};

/// How often a signal that is held back again and again is shown in one stop, so that others are served in between.
const TURNS: u32 = 16;
/// `SI_KERNEL` of `asm-generic/siginfo.h`.
pub(super) const SI_KERNEL: i32 = 0x80;
/// `si_code` of the stop in a handler that was entered while stepping: ptrace_notify() puts the stop's own number
/// there (signal_delivered() in kernel/signal.c).
const ENTERED: i32 = libc::SIGTRAP;

/// What we know of a tracee's signals beyond what the kernel does.
pub(crate) struct Signals {
    /// The signal of the present delivery stop, as it is by now.
    pub(super) hand: Option<RawSiginfo>,
    /// What is left of the last signal: reports without a signal show it (SC-58).
    last: SigInfo,
    /// Signals that we sent to this thread and that have not come yet.
    ours: Vec<Ours>,
    /// The mask to put back once a signal has come that was let through alone.
    mask: Option<SigMask>,
    /// An engine made a signal in a report that carried none: what is to become of it.
    made: Option<Decided>,
    /// An engine asked for an interrupt: the next report before user mode is one on the signal path.
    pub(super) asked: bool,
    /// Somebody wants to be told of the handler that is being set up.
    pub(super) handler: bool,
    /// It was resumed with a signal and a step: if it has a handler, the next stop is in there.
    pub(super) entering: bool,
}

/// A signal that we sent, which shows as ours (`SI_TKILL`) until it comes.
struct Ours {
    info: RawSiginfo,
    /// It has been shown already, and this is to become of it.
    decided: Option<Decided>,
}

/// What engines want to become of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Decided {
    pub(super) action: SignalAction,
    /// The disposition to go by for once, if an engine changed it.
    pub(super) disposition: Option<Disposition>,
}

impl Decided {
    /// What a report says after its pass, when the program had declared this.
    pub(super) fn of(report: &SignalReport, declared: Option<Disposition>) -> Self {
        let changed = report.disposition != declared;
        Self { action: report.action, disposition: report.disposition.filter(|_| changed) }
    }
}

impl Signals {
    pub(super) const fn new() -> Self {
        Self {
            hand: None,
            last: SigInfo::NONE,
            ours: Vec::new(),
            mask: None,
            made: None,
            asked: false,
            handler: false,
            entering: false,
        }
    }

    /// A report without a signal, with what is left of the last one.
    pub(super) fn report(&self, kind: SignalKind) -> SignalReport {
        SignalReport { info: self.last, ..SignalReport::none(kind) }
    }

    /// An engine made a signal where none is in hand.
    pub(super) fn make(&mut self, info: &SigInfo, decided: Decided) {
        self.last = *info;
        self.made = Some(decided);
    }

    /// A signal was shown: this is left of it.
    pub(super) fn set_last(&mut self, info: &SigInfo) {
        self.last = *info;
    }

    /// The mask to put back later, if there is none yet.
    pub(super) fn keep_mask(&mut self, mask: SigMask) {
        self.mask = self.mask.or(Some(mask));
    }

    /// Whether an engine made a signal in the last report that carried none.
    #[inline]
    pub(super) fn has_made(&self) -> bool {
        self.made.is_some()
    }

    /// What was left is past: the program runs.
    #[inline]
    pub(super) fn forget(&mut self) {
        if self.last.number != 0 {
            self.last = SigInfo::NONE;
        }
    }

    /// The signal that we sent, if this is one: known by its number, its code and its sender.
    fn arrived(&mut self, info: &RawSiginfo) -> Option<Ours> {
        let position = self.ours.iter().position(|ours| ours.info.number() == info.number())?;
        // Standard signals do not queue: whichever came, ours is in it. What was decided holds for either, unless
        // ours may have been taken back.
        let ours = self.ours.swap_remove(position);
        // From another pid namespace we show as sender 0.
        let us = info.sender() == 0 || i32::try_from(std::process::id()) == Ok(info.sender());
        let alone = ours.decided.is_some() && !may_be_taken_back(info.number());
        (alone || (us && info.code() == libc::SI_TKILL)).then_some(ours)
    }
}

impl Tracer {
    /// A signal is about to be delivered.
    pub(super) fn at_signal(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, signal: i32) {
        tracee.call = None;
        self.begin_anew(&tracee, &mut stopped, Cause::Signal);
        tracee.recall_stop(&mut stopped);
        if tracee.interrupt != Interrupt::Asked
            && let Err(gone) = self.mend(&mut tracee, &mut stopped)
        {
            return self.lost(tracee, gone);
        }
        if tracee.phase == Phase::Living {
            self.meet_ignored(&mut tracee, &mut stopped, signal);
        }
        // The one that lets the process go on comes before the call is left, any other belongs to another call.
        tracee.ended_by_stop = false;
        let point = Point::User(signal, Path::Signal);
        if !matches!(tracee.phase, Phase::Living) {
            return self.conclude(tracee, stopped, point, Verdict::Go(Action::Resume));
        }
        // Not only the last resume: a trap that was due may have waited behind a stop of ours.
        let stepped = tracee.stepping.take().is_some();
        let wanted = EventSet::SIGNAL.iter().any(|event| tracee.task.wants(event));
        let ours = !tracee.signals.ours.is_empty() || tracee.signals.mask.is_some();
        let trap = signal == libc::SIGTRAP && (stepped || tracee.sign.is_debugged());
        if !(wanted || ours || trap || tracee.reporter.owes_report()) {
            return self.conclude(tracee, stopped, point, Verdict::Go(Action::Resume));
        }
        match stopped.siginfo() {
            Ok(info) => self.at_known_signal(tracee, stopped, info, stepped),
            Err(gone) => self.lost(tracee, gone),
        }
    }

    #[cold]
    fn at_known_signal(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        mut info: RawSiginfo,
        stepped: bool,
    ) {
        let entering = core::mem::take(&mut tracee.signals.entering);
        tracee.signals.handler = false;
        if entering && info.number() == libc::SIGTRAP && info.code() == ENTERED {
            return self.at_handler(tracee, stopped.that(Carries::Nothing));
        }
        if tracee.sign.is_debugged()
            && super::step::may_be_hit(&info)
            && tracee.sign.debug_hit() == Hit::Stale
            && !super::step::is_trap(&info)
        {
            // A breakpoint of an owner that has left.
            return self.conclude(tracee, stopped, Point::User(0, Path::Signal), Verdict::Go(Action::Resume));
        }
        if stepped && super::step::is_trap(&info) {
            return self.at_step(tracee, stopped, info);
        }
        let ours = tracee.signals.arrived(&info);
        if let Some(ours) = &ours {
            if ours.decided.is_some() {
                self.restore_mask(&mut tracee);
            }
            info = ours.info;
            if let Err(gone) = stopped.set_siginfo(&info) {
                return self.lost(tracee, gone);
            }
        }
        tracee.signals.hand = Some(info);
        match ours.and_then(|ours| ours.decided) {
            Some(decided) => {
                let fate = self.fate(&mut tracee, &mut stopped, &info, decided);
                self.carry_out(tracee, stopped, fate, Verdict::Go(Action::Resume));
            }
            None => self.show_signal(tracee, stopped),
        }
    }

    /// Reports the signal in hand, again if it is held back.
    pub(super) fn show_signal(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        for _ in 0..TURNS {
            if tracee.reporter.owes_report() {
                match self.report_none(&mut tracee, &mut stopped, SignalKind::Report) {
                    // The signal waits in hand for the end of the hold.
                    Verdict::Park => return self.park(tracee, stopped, Point::Signal),
                    Verdict::Go(action) => tracee.choose_step(action),
                }
                if tracee.signals.made.is_some() {
                    // That one goes first: the one in hand comes again after it.
                    self.put_back(&mut tracee);
                    return self.conclude(tracee, stopped, Point::Made, Verdict::Go(Action::Resume));
                }
            }
            let Some(hand) = tracee.signals.hand else { break };
            let declared = disposition(&tracee, hand.number());
            let event = classify(hand.number(), declared);
            let info = SigInfo { number: hand.number().unsigned_abs(), raw: hand.0 };
            let mut report = SignalReport::taken(event, info, declared);
            let mut verdict = Verdict::Go(Action::Resume);
            if tracee.task.wants(event) {
                tracee.step = None;
                verdict = self.report(&mut tracee, &mut stopped, |reporter, target| {
                    reporter.signal(target, &mut report)
                });
            }
            if !report.hold {
                let decided = Decided::of(&report, Some(declared));
                return self.settle(tracee, stopped, &report.info, decided, verdict);
            }
            tracee.signals.last = report.info;
            tracee.signals.hand = Some(raw(&report.info));
            match verdict {
                Verdict::Park => return self.park(tracee, stopped, Point::Signal),
                Verdict::Go(action) => tracee.choose_step(action),
            }
        }
        self.put_back(&mut tracee);
        self.conclude(tracee, stopped, Point::User(0, Path::Signal), Verdict::Go(Action::Resume));
    }

    /// The engines have had their say about the signal in hand.
    pub(super) fn settle(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        info: &SigInfo,
        decided: Decided,
        verdict: Verdict,
    ) {
        tracee.signals.last = *info;
        let fate = self.fate(&mut tracee, &mut stopped, &raw(info), decided);
        self.carry_out(tracee, stopped, fate, verdict);
    }

    /// Goes on from a delivery stop with what was decided.
    fn carry_out(&mut self, mut tracee: Box<Tracee>, stopped: Stopped, fate: Fate, verdict: Verdict) {
        tracee.signals.hand = None;
        match fate {
            Fate::Resume(number) => {
                self.conclude(tracee, stopped, Point::User(number, Path::Signal), verdict);
            }
            Fate::Deliver(number) => {
                // Whoever asked for anything is told before the handler's first instruction (SC-60). Nobody else pays for the
                // look at what the program declared.
                tracee.signals.handler = verdict == Verdict::Go(Action::Interrupt)
                    && disposition(&tracee, number) == Disposition::Caught;
                self.conclude(tracee, stopped, Point::User(number, Path::Signal), verdict);
            }
            Fate::Lost(gone) => self.lost(tracee, gone),
            Fate::Ended(status) => {
                let tid = tracee.tid;
                tracee.run = super::tracee::Run::Running(Request::Cont);
                self.table.put(tracee);
                self.handle(tid, status);
            }
        }
    }

    /// A handler was set up, and its first instruction has not run.
    fn at_handler(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        let verdict = self.report_none(&mut tracee, &mut stopped, SignalKind::Handler);
        let point = if tracee.signals.made.is_some() { Point::Made } else { Point::User(0, Path::Signal) };
        self.conclude(tracee, stopped, point, verdict);
    }

    /// A report on the signal path that carries no signal. An engine may make one out of it.
    pub(super) fn report_none(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        kind: SignalKind,
    ) -> Verdict {
        let mut report = tracee.signals.report(kind);
        // What is chosen in this report counts, not what was before.
        tracee.step = None;
        let verdict =
            self.report(tracee, stopped, |reporter, target| reporter.signal_report(target, &mut report));
        tracee.signals.last = report.info;
        let made = report.action != SignalAction::Ignore && report.info.number != 0;
        tracee.signals.made = made.then(|| Decided::of(&report, None));
        verdict
    }

    /// A signal that an engine made in a report without one: delivered here if this is a delivery stop, and at one
    /// that is made for it otherwise, before anything else of the program runs.
    pub(super) fn send_made(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, action: Action) {
        let Some(decided) = tracee.signals.made.take() else {
            return self.conclude(tracee, stopped, Point::User(0, Path::Signal), Verdict::Go(action));
        };
        let info = raw(&tracee.signals.last);
        if stopped.carries() == Carries::Delivers {
            let fate = self.fate(&mut tracee, &mut stopped, &info, decided);
            return self.carry_out(tracee, stopped, fate, Verdict::Go(action));
        }
        let Some(info) = self.checked(&tracee, &info, decided) else {
            return self.conclude(tracee, stopped, Point::User(0, Path::Signal), Verdict::Go(action));
        };
        if let Err(gone) = self.send_alone(&mut tracee, &info, decided) {
            return self.lost(tracee, gone);
        }
        self.resume(tracee, stopped, Request::Cont, 0);
    }

    /// Sends a signal so that it is the next that the tracee takes, whatever it blocks.
    ///
    /// One that can be taken back before it comes takes its turn among the others: nothing would tell us when to put
    /// the mask back, and the program would block every signal from then on.
    fn send_alone(&self, tracee: &mut Tracee, info: &RawSiginfo, decided: Decided) -> Result<(), Gone> {
        if may_be_taken_back(info.number()) {
            self.send_ours(tracee, Ours { info: *info, decided: Some(decided) });
            return Ok(());
        }
        let mask = ptrace::signal_mask(tracee.tid).map_err(|errno| Gone::of("read signal mask", errno))?;
        ptrace::set_signal_mask(tracee.tid, SigMask::ALL.without(info.number()))
            .map_err(|errno| Gone::of("block signals", errno))?;
        tracee.signals.mask = Some(mask);
        self.send_ours(tracee, Ours { info: *info, decided: Some(decided) });
        Ok(())
    }

    /// The signal that was let through alone has come, or is not waited for any more.
    pub(super) fn restore_mask(&self, tracee: &mut Tracee) {
        if let Some(mask) = tracee.signals.mask.take()
            && let Err(errno) = ptrace::set_signal_mask(tracee.tid, mask)
        {
            self.note(tracee.tid, Gone::of("restore signal mask", errno));
        }
    }

    /// The signal in hand goes back into the thread's own queue, details and all.
    pub(super) fn put_back(&self, tracee: &mut Tracee) {
        if let Some(info) = tracee.signals.hand.take() {
            self.send_ours(tracee, Ours { info, decided: None });
        }
    }

    /// Sends a signal as the kernel would (`SI_KERNEL`).
    pub(super) fn send_as_kernel(&self, tracee: &mut Tracee, number: i32) {
        self.send_ours(tracee, Ours { info: RawSiginfo::bare(number, SI_KERNEL), decided: None });
    }

    /// The kernel lets nobody send a siginfo that says it came from the kernel (rt_sigqueueinfo(2)), so the signal
    /// is sent bare and gets its details when it comes.
    fn send_ours(&self, tracee: &mut Tracee, ours: Ours) {
        let number = ours.info.number();
        match process::tgkill(tracee.group.pid, tracee.tid, number) {
            Ok(()) => tracee.signals.ours.push(ours),
            Err(Errno::ESRCH) => {}
            Err(errno) => self.note(tracee.tid, Gone::of("send a signal", errno)),
        }
    }
}

/// Whether a pending signal of this number goes when another is sent: a SIGCONT takes stop signals out of the queues, and
/// they take SIGCONT (signal(7); prepare_signal() in kernel/signal.c).
fn may_be_taken_back(number: i32) -> bool {
    matches!(number, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | libc::SIGCONT)
}

fn raw(info: &SigInfo) -> RawSiginfo {
    let mut raw = RawSiginfo(info.raw);
    raw.set_number(i32::try_from(info.number).unwrap_or(i32::MAX));
    raw
}

/// What the program has declared for a signal, from the masks in `/proc/…/status`.
pub(super) fn disposition(tracee: &Tracee, signal: i32) -> Disposition {
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

/// The event of a signal whose default action is taken.
pub(super) fn default_event(signal: i32) -> Event {
    match DefaultAction::of(signal.unsigned_abs()) {
        DefaultAction::Ignore => Event::SignalIgn,
        DefaultAction::Stop => Event::SignalStop,
        DefaultAction::Core => Event::SignalCore,
        DefaultAction::Terminate => Event::SignalTerm,
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
