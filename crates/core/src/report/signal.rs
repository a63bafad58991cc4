//! Reporting signals, and the reports on the signal path that carry none (spec section 4, signal pass).

use super::pass::{Pass, Walk};
use super::{At, Reporter, Verdict};
use crate::action::Action;
use crate::attached::Word;
use crate::event::Event;
use crate::payload::{Disposition, SignalAction, SignalKind, SignalReport};
use crate::target::Target;

impl Reporter {
    /// A signal was taken from the task's queue and is about to have its effect. Never SIGKILL.
    ///
    /// After [`Verdict::Go`] the host does what `signal` says now. `Go(Interrupt)` with a handler means that a
    /// [`SignalKind::Handler`] report is owed once the handler is set up. After [`Verdict::Park`], which comes only
    /// with a signal that was dropped or put back, the host keeps the task and asks [`Reporter::woken`].
    ///
    /// If [`Reporter::owes_report`], the host makes a [`Reporter::signal_report`] first.
    pub fn signal(&mut self, target: &mut dyn Target, signal: &mut SignalReport) -> Verdict {
        let SignalKind::Taken(event) = signal.kind else { return self.signal_report(target, signal) };
        let number = signal.info.number;
        let pass = self.signal_pass(target, event, Some(number), signal);
        if pass.leavers {
            self.reset();
        }
        let dropped = signal.hold || signal.action == SignalAction::Ignore;
        if dropped {
            return self.finish_signal(&pass, At::ToUser);
        }
        let caught =
            signal.disposition == Some(Disposition::Caught) && signal.action == SignalAction::Deliver;
        match pass.combined {
            Action::Resume => Verdict::Go(Action::Resume),
            // The handler is set up first; the report that follows sees it (SC-60).
            _ if caught => Verdict::Go(self.owe(Action::Interrupt)),
            Action::Stop => Verdict::Go(self.owe(Action::Report)),
            step => Verdict::Go(self.owe(step)),
        }
    }

    /// A report on the signal path without a signal: somebody asked for it, or a handler has been set up.
    ///
    /// `signal` carries what is left of the last signal, for an engine that stopped the task on it to find again
    /// (SC-58). If its action is not `Ignore` afterwards and it has a number, the host delivers it.
    pub fn signal_report(&mut self, target: &mut dyn Target, signal: &mut SignalReport) -> Verdict {
        self.at = At::Nowhere;
        let owed = self.take_owed();
        let stop = self.stop_is_wanted();
        let mut pass = self.signal_pass(target, Event::Quiesce, None, signal);
        // As in `to_user`: a mask that asks for a stop which nobody wants would ask again and again.
        if pass.leavers || (stop && pass.combined != Action::Stop) {
            self.reset();
        }
        if matches!(owed, Action::SingleStep | Action::BlockStep) {
            pass.fold(owed);
        }
        self.finish_signal(&pass, At::ToUser)
    }

    fn finish_signal(&mut self, pass: &Pass, at: At) -> Verdict {
        match pass.combined {
            Action::Resume => Verdict::Go(Action::Resume),
            Action::Stop => self.park(pass.resume, at),
            step => Verdict::Go(self.owe(step)),
        }
    }

    /// Calls the engines that asked for this class of signal, and those with quiesce. `event` is
    /// [`Event::Quiesce`] for a report without a signal.
    fn signal_pass(
        &mut self,
        target: &mut dyn Target,
        event: Event,
        number: Option<u32>,
        signal: &mut SignalReport,
    ) -> Pass {
        let (mut pass, first) = Pass::begin(&self.broken, event);
        if first == 0 {
            self.begin();
        }
        pass.had_taker = true;
        let Some(walker) = &mut self.walker else { return pass };
        let look = Word::look_for(event);
        for step in first..walker.engines().len() {
            let Some((record, engine, data)) = walker.visit(step) else { break };
            if !engine.word().any(look) {
                continue;
            }
            let walk = Walk {
                task: &self.task,
                record,
                symmetric: self.symmetric,
                broken: &self.broken,
                event,
                step,
            };
            record.publish(engine, self.symmetric);
            let in_set = number.is_none_or(|number| engine.has_signal(number));
            let word = engine.word();
            if !word.counts() {
                pass.leavers = true;
            } else {
                if word.stops() {
                    // Honoured also when this engine has no interest in signals (INV-26).
                    pass.combined = Action::Stop;
                }
                if word.wants(Event::Quiesce) || (word.wants(event) && in_set) {
                    // HOLD must be repeated by each engine, or is lost.
                    signal.hold = false;
                    walk.call(&mut pass, target, engine, |cx| demote(data.signal(cx, signal)));
                }
            }
            walk.unpublish();
        }
        pass
    }
}

/// In signal passes a wish for another report is no demand: the task is on its way through here anyway, and
/// asking again each time would never end (SC-59).
fn demote(action: Action) -> Action {
    match action {
        Action::Interrupt | Action::Report => Action::Resume,
        other => other,
    }
}
