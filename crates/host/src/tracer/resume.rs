//! Carrying out a verdict: parking a tracee, making the report before user mode, and resuming in the cheapest way
//! that still shows what engines want (push-down).

use utrace_core::{Action, Event, SignalKind, Verdict, Woken};

use super::Tracer;
use super::limits::Timed;
use super::step::Step;
use super::table::Key;
use super::tracee::{FilterStop, Interrupt, Path, Phase, Point, Run, Tracee};
use super::untraced;
use crate::sys::Errno;
use crate::sys::ptrace::{self, Request};
use crate::tracee::{Carries, Gone, Stopped};

/// How often the report before user mode may be repeated in one stop. Engines that ask again and again get their
/// next turn at a stop of its own, so that others are served in between.
const ROUNDS: u32 = 2;
/// `-ENOSYS` as a raw result.
const NO_CALL: u64 = (-(libc::ENOSYS as i64)).cast_unsigned();

impl Tracer {
    /// Does what a report at `point` decided.
    #[inline]
    pub(super) fn conclude(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        mut point: Point,
        verdict: Verdict,
    ) {
        let mut verdict = verdict;
        if let Point::User(..) = point {
            // Here it is made, if it is still owed.
            tracee.report_due = false;
        }
        for round in 0.. {
            let Verdict::Go(action) = verdict else { return self.park(tracee, stopped, point) };
            tracee.choose_step(action);
            // Whoever asks writes it down first, and then tells us.
            tracee.signals.asked |= action == Action::Interrupt || tracee.reporter.owes_interrupt();
            let owed = matches!(action, Action::Interrupt | Action::Report) || tracee.reporter.owes_report();
            match point {
                Point::User(0, path) if owed && round < ROUNDS && tracee.phase == Phase::Living => {
                    let path = if tracee.signals.asked { Path::Signal } else { path };
                    point = Point::User(0, path);
                    verdict = self.before_user(&mut tracee, &mut stopped, path);
                    if tracee.signals.has_made() {
                        point = Point::Made;
                    }
                }
                Point::Signal => return self.show_signal(tracee, stopped),
                Point::Made => return self.send_made(tracee, stopped, action),
                _ => return self.release(tracee, stopped, point, owed),
            }
        }
    }

    /// The last report before user mode.
    #[cold]
    fn before_user(&mut self, tracee: &mut Tracee, stopped: &mut Stopped, path: Path) -> Verdict {
        match path {
            Path::Plain => {
                // What is chosen in this report counts, not what was before.
                tracee.step = None;
                self.report(tracee, stopped, |reporter, target| reporter.to_user(target))
            }
            // An engine may make a signal out of nothing here, or out of one it kept.
            Path::Signal => self.report_none(tracee, stopped, SignalKind::Report),
        }
    }

    /// Engines hold it: its registers are given to the kernel, so that whoever looks from outside sees the truth.
    #[cold]
    pub(super) fn park(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, point: Point) {
        if let Err(gone) = stopped.flush() {
            self.note(tracee.tid, gone);
        }
        tracee.run = Run::Held(Box::new(stopped), point);
        self.table.put(tracee);
    }

    /// The last engine that held it let go.
    pub(super) fn wake(&mut self, key: Key) {
        let Some(mut tracee) = self.table.take_key(key) else { return };
        let (stopped, point) = match core::mem::replace(&mut tracee.run, Run::Handled) {
            Run::Held(stopped, point) => (*stopped, point),
            other => {
                tracee.run = other;
                if let Run::Running(Request::Listen) = tracee.run {
                    self.let_go_while_listening(&mut tracee);
                }
                return self.table.put(tracee);
            }
        };
        if point == Point::Group {
            return self.stay_or_leave(tracee, stopped);
        }
        match tracee.reporter.woken() {
            Woken::Parked => {
                tracee.run = Run::Held(Box::new(stopped), point);
                self.table.put(tracee);
            }
            Woken::Go(action) => match point {
                Point::Trap => {
                    tracee.choose_step(action);
                    self.trap_in_hand(tracee, stopped);
                }
                Point::Entry => {
                    if tracee.sign.take_changed() {
                        self.renew_call(&mut tracee, &stopped);
                    }
                    self.conclude(tracee, stopped, point, Verdict::Go(action));
                }
                _ => self.conclude(tracee, stopped, point, Verdict::Go(action)),
            },
            Woken::Repeat => self.repeat(tracee, stopped, point),
        }
    }

    /// Makes the report once more that a tracee was held in.
    fn repeat(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, point: Point) {
        let path = match point {
            Point::Entry => return self.repeat_entry(tracee, stopped),
            Point::Continued => return self.continued(tracee, stopped),
            Point::Group => return self.stay_or_leave(tracee, stopped),
            // What is owed is reported before what is in hand.
            Point::Signal => return self.show_signal(tracee, stopped),
            Point::Trap => return self.trap_in_hand(tracee, stopped),
            Point::User(_, path) => path,
            Point::Made | Point::Mid | Point::Exiting => Path::Signal,
        };
        let verdict = self.before_user(&mut tracee, &mut stopped, path);
        let point = if tracee.signals.has_made() { Point::Made } else { point };
        self.conclude(tracee, stopped, point, verdict);
    }

    /// Resumes from a stop inside the kernel that nobody had reported.
    pub(super) fn go_mid(&mut self, tracee: Box<Tracee>, stopped: Stopped) {
        self.conclude(tracee, stopped, Point::Mid, Verdict::Go(Action::Resume));
    }

    /// Lets a stopped tracee run. `owed`: a report is still to be made, at a later stop.
    #[inline]
    fn release(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, point: Point, owed: bool) {
        if let Some(told) = tracee.told.take() {
            return self.at_own_filter(tracee, stopped, told);
        }
        if tracee.filter_stop != FilterStop::Past
            && point == Point::Entry
            && let Some(mut call) = tracee.call
        {
            if tracee.aborted {
                call.number = u64::MAX;
            }
            // The filter sees the call as engines left it; one that it lets pass makes no second stop.
            tracee.filter_stop = tracee.filter_stop_at(&call);
        }
        // Not before: whoever holds it there sees the call as the program made it.
        if point == Point::Entry
            && !tracee.aborted
            && (!self.desks.is_empty() || tracee.group.filter.borrow().is_some())
            && let Some(call) = tracee.call
            && let Err(gone) = untraced::keep_traced(&mut tracee, &mut stopped, &call)
        {
            self.note(tracee.tid, gone);
        }
        if tracee.aborted {
            tracee.aborted = false;
            // Call -1 does not exist: the kernel skips it and leaves the result at -ENOSYS.
            if let Err(gone) = stopped.change_regs(|regs| regs.orig_rax = u64::MAX) {
                self.note(tracee.tid, gone);
            }
        }
        // The kernel gives such a number ENOSYS whatever stands in the register, but skips it after a stop of the filter.
        if point == Point::Entry
            && let Some(call) = tracee.call
            && (call.number as u32 as i32) < -1
            && let Err(gone) = stopped.change_regs(|regs| regs.rax = NO_CALL)
        {
            self.note(tracee.tid, gone);
        }
        if tracee.interrupt == Interrupt::Asked {
            tracee.interrupt = Interrupt::None;
        }
        if owed && tracee.phase == Phase::Living && !tracee.signals.handler {
            self.arrange_report(&mut tracee, point);
        }
        let mut request = choose(&tracee, &mut stopped, point);
        if point == Point::Entry && request != Request::Syscall {
            // No exit stop will come for it.
            tracee.call = None;
            tracee.loses_sight();
        }
        let mut signal = if let Point::User(signal, _) = point { signal } else { 0 };
        if signal != 0 {
            if let Err(gone) = tracee.takes_signal(&mut stopped, signal) {
                self.note(tracee.tid, gone);
            }
            // A step that meets a handler stops in it, before its first instruction.
            if tracee.signals.handler {
                request = Request::SingleStep;
            }
        } else if !owed {
            tracee.signals.asked = false;
            tracee.signals.forget();
        }
        tracee.signals.entering = signal != 0 && request == Request::SingleStep;
        let sent = stopped.take_along();
        if sent != 0 {
            if signal == 0 && stopped.carries() == Carries::Sends {
                signal = sent;
            } else {
                self.send_as_kernel(&mut tracee, sent);
            }
        }
        self.resume(tracee, stopped, request, signal);
    }

    /// The report is made at the next stop before user mode: the system call's exit, or one that we ask for.
    #[cold]
    fn arrange_report(&mut self, tracee: &mut Tracee, point: Point) {
        match point {
            Point::Mid | Point::Entry => tracee.report_due = true,
            Point::Exiting => {}
            _ => {
                tracee.interrupt = Interrupt::Quiet;
                // Taken when it is on its way to user mode again: after a handler was set up, if one is.
                if let Err(errno) = ptrace::interrupt(tracee.tid) {
                    self.note(tracee.tid, Gone::of("interrupt", errno));
                }
            }
        }
    }

    #[inline]
    pub(super) fn resume(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        request: Request,
        signal: i32,
    ) {
        tracee.run = Run::Running(request);
        tracee.resumed = request;
        self.desks.let_go = true;
        match request {
            Request::SingleStep => tracee.stepping = Some(Step::Single),
            Request::BlockStep => tracee.stepping = Some(Step::Block),
            _ => {}
        }
        if tracee.sign.is_stale() {
            tracee.sign.settle_debug();
        }
        if tracee.quiet.snare().is_some() && tracee.note_what_is_shown(&mut stopped, signal) {
            self.ensnare_later(&mut tracee);
        }
        match stopped.resume(request, signal) {
            Ok(()) => {}
            // No block steps on this processor: single ones do the same, slower.
            Err(Gone::Refused(_, Errno::EIO)) if request == Request::BlockStep => {
                tracee.run = Run::Running(Request::SingleStep);
                tracee.resumed = Request::SingleStep;
                if let Err(errno) = ptrace::resume(tracee.tid, Request::SingleStep, signal) {
                    self.note(tracee.tid, Gone::of("resume", errno));
                }
            }
            Err(gone) => self.note(tracee.tid, gone),
        }
        self.table.put(tracee);
    }
}

/// The cheapest way of resuming that still stops where engines want it.
#[inline]
fn choose(tracee: &Tracee, stopped: &mut Stopped, point: Point) -> Request {
    if let Some(step) = tracee.step {
        return tracee.request_for(step, stopped, point);
    }
    let followed = tracee.timed.as_ref().is_some_and(Timed::is_followed);
    if tracee.report_due || tracee.restore.is_some() || followed {
        return Request::Syscall;
    }
    let task = &tracee.task;
    if tracee.phase == Phase::Stillborn
        || !(task.asked_for(Event::SyscallEntry) || task.asked_for(Event::SyscallExit))
    {
        return Request::Cont;
    }
    if tracee.is_covered_by_filter() {
        let exit_wanted = !matches!(point, Point::User(..))
            && tracee
                .call
                .is_some_and(|call| task.asked_for(Event::SyscallExit) && task.wants_syscall(call.index));
        return if exit_wanted { Request::Syscall } else { Request::Cont };
    }
    Request::Syscall
}
