//! Reporting clone, exec, exit, death and reap.

use super::pass::Order;
use super::{At, Reporter, Verdict, reclaim};
use crate::action::Action;
use crate::event::{Event, EventSet};
use crate::payload::{CloneKind, CloneReport, DeathReport, ExecReport, ExitReport};
use crate::record::{Hold, Ledger, Life, splice};
use crate::reset::reset;
use crate::sync::list::Walker;
use crate::sync::lock::Guard;
use crate::sync::{Ordering, fence_full};
use crate::target::Target;
use crate::task::{RELEASED, Task};
use core::fmt;

impl Reporter {
    /// The task made a child, which has not run yet. In the case of vfork, [`Verdict::Park`] means: let the child
    /// start, and hold the parent before it waits (SC-68).
    pub fn clone(&mut self, target: &mut dyn Target, clone: &mut CloneReport) -> Verdict {
        let vfork = clone.kind == CloneKind::Vfork;
        let pass =
            self.pass(target, Event::Clone, Order::Forward, |_| true, |engine, cx| engine.clone(cx, clone));
        if vfork { self.finish_now(&pass, At::Once) } else { self.finish_later(&pass) }
    }

    /// The task runs a new program, whose first instruction has not run.
    pub fn exec(&mut self, target: &mut dyn Target, exec: &mut ExecReport) -> Verdict {
        let pass =
            self.pass(target, Event::Exec, Order::Forward, |_| true, |engine, cx| engine.exec(cx, exec));
        self.finish_later(&pass)
    }

    /// The thread begins to exit. [`Verdict::Park`] holds it here; SIGKILL still ends it.
    pub fn exit(&mut self, target: &mut dyn Target, exit: &mut ExitReport) -> Verdict {
        let pass =
            self.pass(target, Event::Exit, Order::Forward, |_| true, |engine, cx| engine.exit(cx, exit));
        self.finish_now(&pass, At::Once)
    }

    /// The thread is dead; its death callbacks come with [`Reporter::death`].
    ///
    /// From here on no engine can ask for, and until `death` begins any can still decline, its death (SC-76).
    pub fn dead(&mut self) {
        let mut ledger = self.task.lock();
        if ledger.life != Life::Alive {
            return;
        }
        // INV-17: under the lock that set_events takes. No stop survives a death (INV-34).
        ledger.life = Life::Dead;
        ledger.hold = Hold::None;
        self.at = At::Nowhere;
        if ledger.walker.is_none() {
            ledger.walker = self.walker.take();
        }
    }

    /// Makes the death callbacks, and then the reap callbacks if the task was released meanwhile (INV-30).
    pub fn death(&mut self, target: &mut dyn Target, death: &mut DeathReport) {
        self.dead();
        if !self.begin_death() {
            return;
        }
        // Whatever the callbacks demand, a dead task can only be left (spec section 3): the reset sees to that.
        let _ =
            self.pass(target, Event::Death, Order::Forward, |_| true, |engine, cx| engine.death(cx, death));
        let mut ledger = self.task.lock();
        ledger.life = Life::Zombie;
        let Some(mut walker) = self.walker.take() else { return };
        let leavers = reset(&self.task, &mut ledger, &mut walker);
        walker.record().settled(self.task.inner.platform);
        if ledger.reap_due {
            // The reaper came first: the dying task does its work (SC-78).
            reap(&self.task, ledger, walker);
        } else {
            ledger.walker = Some(walker);
            drop(ledger);
        }
        leavers.drop_unlocked();
    }

    /// DYING-REPORT begins, unless there is nobody to tell or the reaper has been here.
    fn begin_death(&mut self) -> bool {
        let mut ledger = self.task.lock();
        if ledger.life != Life::Dead {
            return false;
        }
        reclaim(&mut self.walker, &mut ledger);
        let Some(walker) = &mut self.walker else {
            ledger.life = Life::Zombie;
            return false;
        };
        splice(&mut ledger, walker);
        walker.record().set_pending_action(&ledger, Action::Resume);
        ledger.life = Life::Dying;
        true
    }
}

/// The right to release one task. Not Clone: a task is reaped once.
pub struct Reaper {
    task: Task,
}

impl Reaper {
    pub(crate) fn new(task: Task) -> Reaper {
        Reaper { task }
    }

    /// The task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The dead thread is released: by its parent, by itself, or by a sibling that execs. Makes the reap callbacks,
    /// here or, if the death callbacks are still running or due, at their end.
    pub fn reap(self) {
        let inner = &self.task.inner;
        // Pair C (INV-10): exit written, fence, mask read; an attach writes the mask, fences, reads exit.
        inner.exit.store(RELEASED, Ordering::Relaxed);
        fence_full();
        if inner.mask.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut ledger = self.task.lock();
        let told_of_death = EventSet::from(Event::Death) | Event::Quiesce;
        let wanted = EventSet::from_bits_truncate(inner.mask.load(Ordering::Relaxed));
        let death_due = ledger.life == Life::Dead && wanted.intersects(told_of_death);
        if death_due || ledger.life == Life::Dying {
            ledger.reap_due = true;
            return;
        }
        match ledger.walker.take() {
            Some(walker) => reap(&self.task, ledger, walker),
            // Still alive as far as its reporter said: the death pass, or the reporter's end, comes first.
            None => ledger.reap_due = true,
        }
    }
}

/// Reports reap to the engines in order and empties the list. Takes the lock's guard and the walker for good.
fn reap(task: &Task, mut ledger: Guard<'_, Ledger>, mut walker: Walker) {
    ledger.life = Life::Reaping;
    splice(&mut ledger, &mut walker);
    drop(ledger);
    let symmetric = task.inner.symmetric;
    for position in 0..walker.engines().len() {
        let Some((record, engine, data)) = walker.visit(position) else { break };
        record.publish(engine, symmetric);
        let word = engine.word();
        if word.counts() && word.wants(Event::Reap) {
            data.reap(task);
        }
        record.unpublish(task, symmetric);
    }
    let mut ledger = task.lock();
    for engine in walker.engines() {
        engine.mark(&ledger);
    }
    let leavers = reset(task, &mut ledger, &mut walker);
    ledger.life = Life::Gone;
    task.inner.mask.store(0, Ordering::Release);
    walker.record().settled(task.inner.platform);
    drop(ledger);
    leavers.drop_unlocked();
}

impl fmt::Debug for Reaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reaper").field(&self.task.id()).finish()
    }
}
