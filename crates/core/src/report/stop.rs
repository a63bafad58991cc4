//! Holding a task, letting it go, and the last report before user mode (spec section 4, Stop).

use super::pass::{Order, Pass};
use super::{At, InGroupStop, Reporter, Verdict, Woken, reclaim};
use crate::action::Action;
use crate::event::Event;
use crate::payload::{JctlKind, JctlReport};
use crate::record::{Hold, Life, Wish};
use crate::reset::{is_held, reset};
use crate::target::Target;

impl Reporter {
    /// END for an event whose stop takes effect at once.
    #[inline(always)]
    pub(crate) fn finish_now(&mut self, pass: &Pass, at: At) -> Verdict {
        if pass.is_quiet() { Verdict::Go(Action::Resume) } else { self.settle_now(pass, at) }
    }

    #[cold]
    fn settle_now(&mut self, pass: &Pass, at: At) -> Verdict {
        if pass.leavers || !pass.had_taker {
            self.reset();
        }
        if pass.combined == Action::Stop {
            self.park(pass.resume, at)
        } else {
            Verdict::Go(self.owe(pass.combined))
        }
    }

    /// Stops, unless whoever asked for it has let go since (INV-24). `resume` is what is owed afterwards.
    pub(crate) fn park(&mut self, resume: Action, at: At) -> Verdict {
        let mut ledger = self.task.lock();
        let Some(mut walker) = self.walker.take().or_else(|| ledger.walker.take()) else {
            return Verdict::Go(Action::Resume);
        };
        walker.record().owe(&ledger, resume);
        // Whoever was marked meanwhile leaves before a controller can meet it on the list of a stopped task.
        let leavers = reset(&self.task, &mut ledger, &mut walker);
        if !is_held(&ledger) {
            self.walker = Some(walker);
            drop(ledger);
            leavers.drop_unlocked();
            return Verdict::Go(self.owe(Action::Resume));
        }
        // From here to `woken` the task is quiescent: the walker is where every controller can use it.
        ledger.walker = Some(walker);
        ledger.hold = ledger.hold.with_traced(true);
        self.at = at;
        drop(ledger);
        leavers.drop_unlocked();
        Verdict::Park
    }

    /// A point that no event stands for, where engines may have asked for a stop that begins at once: stops for those who
    /// have.
    pub fn pause(&mut self) -> Verdict {
        self.park(Action::Resume, At::Once)
    }

    /// The host was asked to wake a task that it had parked: what is next.
    pub fn woken(&mut self) -> Woken {
        let mut ledger = self.task.lock();
        if ledger.hold.traced() {
            return Woken::Parked;
        }
        reclaim(&mut self.walker, &mut ledger);
        let owed = self.walker.as_ref().map_or(Action::Resume, |walker| walker.record().pending().action());
        let repeat = match self.at {
            At::SyscallEntry(_) => matches!(owed, Action::Interrupt | Action::Report),
            // A stop may have been asked for between waking and here: the report will find it.
            // An interrupt is answered on the signal path, wherever the task was parked.
            At::ToUser => owed == Action::Report || (owed != Action::Interrupt && is_held(&ledger)),
            At::Continued => true,
            At::Once | At::Nowhere => false,
        };
        drop(ledger);
        if repeat {
            return Woken::Repeat;
        }
        self.at = At::Nowhere;
        Woken::Go(self.owe(Action::Resume))
    }

    /// SIGKILL ended every stop (INV-34): the host learned that a parked task runs, or is dead.
    pub fn killed(&mut self) {
        let mut ledger = self.task.lock();
        ledger.hold = Hold::None;
        self.at = At::Nowhere;
        reclaim(&mut self.walker, &mut ledger);
    }

    /// Whether [`Reporter::to_user`] has anything to do: a report or a step is owed, an engine waits, or a stop is
    /// wanted.
    #[inline]
    pub fn owes_report(&self) -> bool {
        let Some(record) = self.task.record() else { return false };
        let pending = record.pending();
        pending.action() < Action::Resume || pending.attach() || self.stop_is_wanted()
    }

    /// Whether an interrupt is owed: the next report is to be a [`Reporter::signal_report`], wherever it is made.
    ///
    /// The owner of an engine writes that down before he calls [`crate::TaskHost::request_interrupt`]: a host can meet it
    /// at a stop of its own in between.
    #[inline]
    pub fn owes_interrupt(&self) -> bool {
        self.task.record().is_some_and(|record| record.pending().action() == Action::Interrupt)
    }

    /// Whether the mask says that an engine wants the task stopped.
    pub(crate) fn stop_is_wanted(&self) -> bool {
        self.task.inner.mask.read() & crate::task::MASK_STOP != 0
    }

    /// The last report before user mode: quiesce without an event. A host calls it at each point after which the
    /// next instruction is the program's, if [`Reporter::owes_report`]; on the signal path it calls
    /// [`Reporter::signal_report`] instead.
    pub fn to_user(&mut self, target: &mut dyn Target) -> Verdict {
        self.at = At::Nowhere;
        let attached = self.task.record().is_some_and(|record| record.pending().attach());
        let owed = self.take_owed();
        let stop = self.stop_is_wanted();
        // A step that is owed is handed over: nobody asked to be told.
        if owed > Action::Report && !attached && !stop {
            return Verdict::Go(owed);
        }
        let mut pass = self.pass(target, Event::Quiesce, Order::Forward, |_| false, |_, _| Action::Resume);
        // Event 0 is asked for by REPORT, not by an interest in an event of that name. But if it was made for a
        // stop that nobody wants any more, the mask must say so, or the next return would report again.
        pass.had_taker = !stop || pass.combined == Action::Stop;
        // An interrupt may have been asked for since the host looked whether one was owed: its report, which is another, still is.
        if matches!(owed, Action::Interrupt | Action::SingleStep | Action::BlockStep) {
            pass.fold(owed);
        }
        self.finish_now(&pass, At::ToUser)
    }

    /// Splices, and takes over everything that is owed, an interrupt too.
    pub(crate) fn take_owed(&mut self) -> Action {
        let mut ledger = self.task.lock();
        reclaim(&mut self.walker, &mut ledger);
        let Some(walker) = &mut self.walker else { return Action::Resume };
        crate::record::splice(&mut ledger, walker);
        let owed = walker.record().pending().action();
        walker.record().set_pending_action(&ledger, Action::Resume);
        owed
    }

    /// A job control stop or continue completed. A stop makes the task quiescent until the continue.
    ///
    /// A host reports a stop before it lets the task sleep, asks [`Reporter::in_group_stop`] how, and reports a continue
    /// before the task runs. A continue while engines hold the task answers [`Verdict::Park`]: it is reported when they let go (SC-44).
    pub fn jctl(&mut self, target: &mut dyn Target, jctl: &mut JctlReport) -> Verdict {
        if jctl.kind == JctlKind::Continued && self.end_jctl() {
            return Verdict::Park;
        }
        let mut verdict = Verdict::Go(Action::Resume);
        if self.task.wants(Event::Jctl) {
            let pass =
                self.pass(target, Event::Jctl, Order::Forward, |_| true, |engine, cx| engine.jctl(cx, jctl));
            verdict = self.finish_later(&pass);
        }
        if jctl.kind == JctlKind::Stopped {
            self.begin_jctl();
        }
        verdict
    }

    /// Enters the job control stop, in which the walker is in the ledger too.
    fn begin_jctl(&mut self) {
        let mut ledger = self.task.lock();
        if ledger.life != Life::Alive {
            return;
        }
        let held = is_held(&ledger);
        ledger.hold = ledger.hold.with_jctl(true).with_traced(held);
        ledger.wish = Wish::None;
        if ledger.walker.is_none() {
            ledger.walker = self.walker.take();
        }
    }

    /// What a host does with a task whose group stop is reported, and not yet over: at once, and whenever
    /// [`crate::TaskHost::wake`] comes meanwhile.
    ///
    /// A host whose stopped tasks can be examined, and made to run, in any group stop may do without.
    pub fn in_group_stop(&mut self) -> InGroupStop {
        let mut ledger = self.task.lock();
        if ledger.hold.traced() {
            return InGroupStop::Hold;
        }
        if ledger.hold.jctl() && ledger.wish != Wish::Leave {
            return InGroupStop::Listen;
        }
        ledger.hold = ledger.hold.with_jctl(false);
        self.at = At::Nowhere;
        reclaim(&mut self.walker, &mut ledger);
        drop(ledger);
        InGroupStop::Leave(self.owe(Action::Resume))
    }

    /// Leaves the job control stop. Answers whether engines hold the task all the same.
    fn end_jctl(&mut self) -> bool {
        let mut ledger = self.task.lock();
        ledger.hold = ledger.hold.with_jctl(false);
        let held = ledger.hold.traced();
        if held {
            self.at = At::Continued;
        } else {
            self.at = At::Nowhere;
            reclaim(&mut self.walker, &mut ledger);
        }
        held
    }
}
