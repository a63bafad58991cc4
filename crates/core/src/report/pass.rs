//! One pass: the walk over a task's engines for one event (spec section 4, PRE to END).
//!
//! This is what runs a million times a second. With no engine interested it reads one word per engine; a
//! callback that asks for nothing costs three stores and no lock. Everything that is rare is in a cold function.

use super::{Reporter, Verdict};
use crate::action::Action;
use crate::attached::{Attached, Word};
use crate::engine::{Cx, Engine};
use crate::event::Event;
use crate::record::{Pending, Record};
use crate::target::Target;
use crate::task::Task;
use alloc::sync::Arc;
use core::cell::Cell;

/// Which way the list is walked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Attach order.
    Forward,
    /// Syscall entry: the last attached first.
    Reverse,
}

/// What a pass has found so far.
#[derive(Clone, Copy)]
pub(crate) struct Pass {
    /// The demand of all engines, stops included.
    pub(crate) combined: Action,
    /// The strongest demand that is not a stop: still owed when the stop is over (SC-37).
    pub(crate) resume: Action,
    /// Some engine had the event, so the task was right to report it.
    pub(crate) had_taker: bool,
    /// Some engine is to leave the list.
    pub(crate) leavers: bool,
}

impl Pass {
    /// A new pass and its first step; or, after a callback panicked in a pass for the same event, the rest of that.
    #[inline(always)]
    pub(crate) fn begin(broken: &Cell<Option<Broken>>, event: Event) -> (Pass, usize) {
        if broken.get().is_none() { (Pass::new(), 0) } else { Pass::resume(broken, event) }
    }

    #[cold]
    fn resume(broken: &Cell<Option<Broken>>, event: Event) -> (Pass, usize) {
        match broken.take() {
            Some(broken) if broken.event == event => (broken.pass, broken.step + 1),
            _ => (Pass::new(), 0),
        }
    }

    fn new() -> Pass {
        Pass { combined: Action::Resume, resume: Action::Resume, had_taker: false, leavers: false }
    }

    #[inline(always)]
    pub(crate) fn fold(&mut self, action: Action) {
        self.combined = self.combined.merge(action);
        if action != Action::Stop {
            self.resume = self.resume.merge(action);
        }
    }

    /// Nothing is asked for and nothing is to be tidied.
    #[inline(always)]
    pub(crate) fn is_quiet(&self) -> bool {
        self.combined == Action::Resume && self.had_taker && !self.leavers
    }
}

/// A pass that a callback left by a panic.
#[derive(Clone, Copy)]
pub(crate) struct Broken {
    event: Event,
    /// The step whose engine panicked.
    step: usize,
    pass: Pass,
}

/// What does not change while one engine is called.
pub(crate) struct Walk<'a> {
    pub(crate) task: &'a Task,
    pub(crate) record: &'a Record,
    pub(crate) symmetric: bool,
    /// Where to leave word if a callback panics, and at which step of which pass we are.
    pub(crate) broken: &'a Cell<Option<Broken>>,
    pub(crate) event: Event,
    pub(crate) step: usize,
}

/// Marks the engine for detach if its callback unwinds, so that lists and `reporting` stay true, and remembers
/// where the pass was.
struct Callback<'a> {
    walk: &'a Walk<'a>,
    pass: &'a Pass,
    engine: &'a Arc<Attached>,
}

impl Drop for Callback<'_> {
    /// Runs only when a callback panics: the normal path forgets it.
    fn drop(&mut self) {
        let ledger = self.walk.task.lock();
        self.engine.mark(&ledger);
        drop(ledger);
        self.walk.unpublish();
        let pass = Pass { leavers: true, ..*self.pass };
        self.walk.broken.set(Some(Broken { event: self.walk.event, step: self.walk.step, pass }));
        self.walk.task.inner.host.unwound(&self.engine.name);
    }
}

impl Walk<'_> {
    #[inline(always)]
    pub(crate) fn unpublish(&self) {
        self.record.unpublish(self.task, self.symmetric);
    }

    /// Makes one callback and applies what it returned (POST).
    #[inline(always)]
    pub(crate) fn call(
        &self,
        pass: &mut Pass,
        target: &mut dyn Target,
        engine: &Arc<Attached>,
        callback: impl FnOnce(&mut Cx<'_>) -> Action,
    ) {
        let guard = Callback { walk: self, pass, engine };
        let mut cx = Cx { target, task: self.task, me: engine, earlier: pass.combined };
        let action = callback(&mut cx);
        core::mem::forget(guard);
        let word = engine.word();
        if word.has_standing() && action == Action::Resume {
            // No demand, and nothing of ours to take back: what nearly every callback answers.
        } else if word.has_standing() && action != Action::Stop && action != Action::Detach {
            pass.fold(action);
        } else {
            self.settle(pass, engine, action);
        }
    }

    /// Applies a stop, a detach, or an action of an engine that holds or was detached meanwhile.
    #[cold]
    fn settle(&self, pass: &mut Pass, engine: &Arc<Attached>, action: Action) {
        let ledger = self.task.lock();
        if action == Action::Detach && engine.own_word(&ledger).counts() {
            engine.mark(&ledger);
        }
        if !engine.own_word(&ledger).counts() {
            pass.leavers = true;
            return;
        }
        if action == Action::Stop {
            engine.set_stop(&ledger);
            let mask = &self.task.inner.mask;
            mask.write(&ledger, mask.own(&ledger) | crate::task::MASK_STOP);
        } else {
            engine.clear_stop(&ledger);
        }
        pass.fold(action);
    }
}

impl Reporter {
    /// Walks the engines for an event.
    ///
    /// `filter` says whether the declared sets of an engine that has the event include this one.
    #[inline(always)]
    pub(crate) fn pass(
        &mut self,
        target: &mut dyn Target,
        event: Event,
        order: Order,
        filter: impl Fn(&Attached) -> bool,
        mut callback: impl FnMut(&mut dyn Engine, &mut Cx<'_>) -> Action,
    ) -> Pass {
        let (mut pass, first) = Pass::begin(&self.broken, event);
        if !self.task.wants(event) {
            pass.had_taker = true;
            return pass;
        }
        if first == 0 {
            self.begin();
        }
        let Some(walker) = &mut self.walker else { return pass };
        let look = Word::look_for(event);
        let count = walker.engines().len();
        for step in first..count {
            let position = if order == Order::Reverse { count - 1 - step } else { step };
            let Some((record, engine, data)) = walker.visit(position) else { break };
            // The sets are read before the word, see `Attached::set_interest`.
            let in_set = filter(engine);
            let word = engine.word();
            if !word.any(look) {
                continue;
            }
            pass.had_taker |= word.wants(event);
            if !in_set && word.is_plain() {
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
            // PRE: publish, fence, read. What is read from here on is what INV-7 speaks of.
            walk.record.publish(engine, walk.symmetric);
            let mut in_set = filter(engine);
            let mut word = engine.word();
            if word.wants(Event::Quiesce) {
                let before = (event != Event::Quiesce).then_some(event);
                walk.call(&mut pass, target, engine, |cx| data.quiesce(cx, before));
                // RECHECK: what the quiesce callback declared holds for this very event (SC-15).
                in_set = filter(engine);
                word = engine.word();
                pass.had_taker |= word.wants(event);
            }
            if !word.counts() {
                pass.leavers = true;
            } else if word.wants(event) && in_set {
                walk.call(&mut pass, target, engine, |cx| callback(data, cx));
            } else if word.stops() {
                // A sticky stop counts although the engine does not want the event (spec section 4, step 4). That of an
                // engine which is called is what it answers.
                pass.combined = Action::Stop;
            }
            walk.unpublish();
        }
        pass
    }

    /// BEGIN: the lock is taken only if something is owed.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        match &self.walker {
            Some(walker) if walker.record().pending() == Pending::NOTHING => {}
            _ => self.begin_locked(),
        }
    }

    /// END for an event whose stop takes effect just before user mode.
    #[inline(always)]
    pub(crate) fn finish_later(&mut self, pass: &Pass) -> Verdict {
        if pass.is_quiet() { Verdict::Go(Action::Resume) } else { self.settle_later(pass) }
    }

    #[cold]
    fn settle_later(&mut self, pass: &Pass) -> Verdict {
        if pass.leavers || !pass.had_taker {
            self.reset();
        }
        // A stop becomes a report before user mode; the sticky bit makes that report stop (INV-26).
        let owed =
            if pass.combined == Action::Stop { Action::Report.merge(pass.resume) } else { pass.combined };
        Verdict::Go(self.owe(owed))
    }

    /// Adds a demand to what is owed and answers the sum; a step is handed over, not kept.
    pub(crate) fn owe(&mut self, action: Action) -> Action {
        let ledger = self.task.lock();
        let Some(record) = self.task.record() else { return Action::Resume };
        record.owe(&ledger, action);
        let owed = record.pending().action();
        if matches!(owed, Action::SingleStep | Action::BlockStep) {
            record.set_pending_action(&ledger, Action::Resume);
        }
        owed
    }
}
