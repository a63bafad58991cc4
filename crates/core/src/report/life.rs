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
use crate::sync::{Ordering, order};
use crate::target::Target;
use crate::task::{RELEASED, Task};
use alloc::sync::Arc;
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
    ///
    /// If a callback panics, a host calls this again until it returns: the engines after that one are told too.
    pub fn death(&mut self, target: &mut dyn Target, death: &mut DeathReport) {
        self.dead();
        match self.begin_death() {
            Due::Nothing => return,
            Due::Reap => return resume_reap(&self.task),
            Due::Death => {}
        }
        // Whatever the callbacks demand, a dead task can only be left (spec section 3): the reset sees to that.
        let _ =
            self.pass(target, Event::Death, Order::Forward, |_| true, |engine, cx| engine.death(cx, death));
        let mut ledger = self.task.lock();
        ledger.life = Life::Zombie;
        let Some(mut walker) = self.walker.take() else { return };
        let leavers = reset(&self.task, &mut ledger, &mut walker);
        walker.record().settled(&ledger, self.task.inner.platform);
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
    fn begin_death(&mut self) -> Due {
        let mut ledger = self.task.lock();
        match ledger.life {
            Life::Dead => {}
            // A callback panicked: on with it.
            Life::Dying if self.broken.get().is_some() => return Due::Death,
            Life::Reaping => return Due::Reap,
            _ => return Due::Nothing,
        }
        reclaim(&mut self.walker, &mut ledger);
        let Some(walker) = &mut self.walker else {
            ledger.life = Life::Zombie;
            return Due::Nothing;
        };
        splice(&mut ledger, walker);
        walker.record().set_pending_action(&ledger, Action::Resume);
        ledger.life = Life::Dying;
        Due::Death
    }
}

/// What a dead task still has to report.
enum Due {
    /// Nothing, or somebody else does it.
    Nothing,
    /// Its death.
    Death,
    /// The rest of a reap that a panic cut short.
    Reap,
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
    ///
    /// If a callback panics, a host calls this again until it returns: the engines after that one are told too.
    /// Further calls do nothing.
    pub fn reap(&mut self) {
        let inner = &self.task.inner;
        // Pair C (INV-10): exit written, fence, mask read; an attach writes the mask, fences, reads exit.
        inner.exit.store(RELEASED, Ordering::Relaxed);
        order::reap_fence();
        if inner.mask.read() == 0 {
            return;
        }
        let mut ledger = self.task.lock();
        if ledger.life >= Life::Reaping {
            drop(ledger);
            return resume_reap(&self.task);
        }
        let told_of_death = EventSet::from(Event::Death) | Event::Quiesce;
        let wanted = EventSet::from_bits_truncate(inner.mask.own(&ledger));
        let death_is_over = match ledger.life {
            // Its reporter has not said yet that it died, wherever the walker is: the death comes first (INV-30).
            Life::Alive | Life::Dying => false,
            Life::Dead => !wanted.intersects(told_of_death),
            Life::Zombie | Life::Reaping | Life::Gone => true,
        };
        match if death_is_over { ledger.walker.take() } else { None } {
            Some(walker) => reap(&self.task, ledger, walker),
            None => ledger.reap_due = true,
        }
    }
}

/// Goes on with a reap that a panic cut short, if there is one.
fn resume_reap(task: &Task) {
    let mut ledger = task.lock();
    if ledger.life == Life::Reaping
        && let Some(walker) = ledger.walker.take()
    {
        reap(task, ledger, walker);
    }
}

/// Reports reap to the engines in order and empties the list. Takes the lock's guard and the walker for good.
fn reap(task: &Task, mut ledger: Guard<'_, Ledger>, mut walker: Walker) {
    ledger.life = Life::Reaping;
    splice(&mut ledger, &mut walker);
    drop(ledger);
    let mut reaping = Reaping { task, walker: Some(walker), at: 0 };
    while reaping.next() {}
    let Some(mut walker) = reaping.walker.take() else { return };
    let mut ledger = task.lock();
    let leavers = reset(task, &mut ledger, &mut walker);
    ledger.life = Life::Gone;
    task.inner.mask.write(&ledger, 0);
    drop(ledger);
    leavers.drop_unlocked();
}

/// The reap callbacks under way.
struct Reaping<'a> {
    task: &'a Task,
    /// Taken when all is done.
    walker: Option<Walker>,
    at: usize,
}

impl Reaping<'_> {
    /// Tells one engine, which is marked then: it is told once. Answers whether there was one.
    fn next(&mut self) -> bool {
        let Some(walker) = &mut self.walker else { return false };
        let Some((record, engine, data)) = walker.visit(self.at) else { return false };
        record.publish(engine, self.task.inner.symmetric);
        let word = engine.word();
        if word.counts() && word.wants(Event::Reap) {
            data.reap(self.task);
        }
        let ledger = self.task.lock();
        engine.mark_reaped(&ledger);
        drop(ledger);
        record.unpublish(self.task, self.task.inner.symmetric);
        self.at += 1;
        true
    }
}

impl Drop for Reaping<'_> {
    /// A callback unwound: its engine has had its turn, and the walker waits for who goes on.
    fn drop(&mut self) {
        let Some(walker) = self.walker.take() else { return };
        let Some(engine) = walker.engines().get(self.at).map(Arc::clone) else { return };
        let record = Arc::clone(walker.shared());
        let mut ledger = self.task.lock();
        engine.mark_reaped(&ledger);
        ledger.walker = Some(walker);
        drop(ledger);
        record.unpublish(self.task, self.task.inner.symmetric);
        self.task.inner.host.unwound(&engine.name);
    }
}

impl fmt::Debug for Reaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reaper").field(&self.task.id()).finish()
    }
}
