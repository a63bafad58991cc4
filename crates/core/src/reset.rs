//! Reset: bring a task's lists, mask and sets in line with what its engines want now (spec section 4, step 8).
//!
//! It is the only place where what is wanted shrinks. It neither drops an engine nor wakes a task: it hands back
//! what the caller must drop after the lock is free (INV-29).

use crate::action::Action;
use crate::attached::Attached;
use crate::event::{Event, EventSet};
use crate::interest::{SignalSet, SyscallSet};
use crate::record::{Ledger, Life, for_each_locked, splice};
use crate::sync::list::Walker;
use crate::sync::lock::Guard;
use crate::task::{MASK_STOP, Task};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Engines that left their list: drop them when no lock is held.
#[must_use = "engines must be dropped without the lock"]
pub(crate) struct Leavers(Vec<Arc<Attached>>);

impl Leavers {
    pub(crate) fn drop_unlocked(self) {
        drop(self.0);
    }
}

/// Splices, drops marked engines from the list and recomputes what is wanted. Needs walker and lock.
pub(crate) fn reset(task: &Task, ledger: &mut Guard<'_, Ledger>, walker: &mut Walker) -> Leavers {
    splice(ledger, walker);
    let list = walker.edit(ledger);
    let leavers: Vec<Arc<Attached>> = list.extract_if(.., |engine| !engine.word().counts()).collect();
    for engine in &leavers {
        engine.set_detached(ledger);
    }
    recompute(task, ledger, walker);
    Leavers(leavers)
}

/// Makes mask and sets the exact union of what the engines want.
fn recompute(task: &Task, ledger: &mut Guard<'_, Ledger>, walker: &Walker) {
    let record = walker.record();
    let (mut mask, mut any) = (0, false);
    let (mut syscalls, mut signals) = (SyscallSet::NONE, SignalSet::NONE);
    for engine in for_each_locked(record, ledger) {
        any = true;
        let interest = engine.interest(ledger);
        mask |= interest.events.bits() | if engine.own_word(ledger).stops() { MASK_STOP } else { 0 };
        if interest.events.intersects(EventSet::SYSCALL) {
            syscalls = syscalls.union(&interest.syscalls);
        }
        if interest.events.intersects(EventSet::SIGNAL) {
            signals = signals.union(interest.signals);
        }
    }
    // Engines without any event are still to be reaped, so their task must not look untouched (pair C).
    if any {
        mask |= Event::Reap.bit();
    }
    if ledger.life >= Life::Zombie {
        mask &= Event::Reap.bit();
    }
    record.want_only(ledger, &syscalls, signals);
    if !any {
        record.set_pending_action(ledger, Action::Resume);
    }
    task.inner.mask.write(ledger, mask);
}

/// Whether any engine holds the task stopped. Derived each time, so that no second copy of the answer can be
/// left behind when the last holder lets go (INV-24).
pub(crate) fn is_held(ledger: &Guard<'_, Ledger>) -> bool {
    ledger
        .record
        .as_deref()
        .is_some_and(|record| for_each_locked(record, ledger).any(|engine| engine.own_word(ledger).stops()))
}
