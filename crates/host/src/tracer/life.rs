//! Births, execs, exits and deaths, in whatever order their news arrives.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use utrace_core::{
    Action, CloneKind, CloneReport, DeathReport, EngineRef, Event, ExecReport, ExitReport, Reaper, Verdict,
};

use super::report::task_id;
use super::tracee::{Group, Path, Phase, Point, Release, Run, Tracee};
use super::view::Corpse;
use super::{Mourning, Tracer, untraced};
use crate::error::HostError;
use crate::mourner::{self, Mourner};
use crate::process::{CoreDump, Ending};
use crate::procfs::{self, State};
use crate::quiet::{Forever, Quiet};
use crate::stop::{Birth, Stop};
use crate::sys::spawn::Fate;
use crate::sys::wait::WaitStatus;
use crate::tracee::Stopped;
use crate::types::Tid;

/// News of a child whose parent's event has not come yet.
pub(crate) enum Early {
    /// It made its first stop. The process that it says made it, and whether it is a thread of that one.
    Stopped {
        /// The process of its creator, unless the creator made it a sibling (`CLONE_PARENT`) or is gone.
        maker: i32,
        /// What was said of it then.
        status: procfs::Status,
        stopped: Box<Stopped>,
    },
    /// It is gone already.
    Ended(Ending),
}

impl Tracer {
    /// News of a thread that is in no slot.
    #[cold]
    pub(super) fn handle_stranger(&mut self, tid: Tid, status: WaitStatus) {
        let Ok(stop) = self.read(tid, status) else { return };
        let ending = match stop {
            Stop::Exited(code) => Ending::Exited(code),
            Stop::Killed(signal, core) => Ending::Killed(signal, core),
            // The first stop of a child, before its parent's event.
            Stop::Interrupted | Stop::JobControl(_) if !self.early.contains_key(&tid) => {
                let status = procfs::status(tid).unwrap_or_default();
                let (maker, stopped) = (maker_of(tid, &status), Box::new(Stopped::seen_by_wait(tid)));
                self.early.insert(tid, Early::Stopped { maker, status, stopped });
                return self.adopt_orphans(None);
            }
            // It is past that stop without us, so it was killed, and its maker with it: no event will come. (A
            // process is not over before the last of its threads, so this must not wait for the maker's end.)
            _ => {
                self.early.remove(&tid);
                let orphan = self.adopt_orphan(tid);
                return self.dispatch(orphan, stop);
            }
        };
        match self.children.remove(&tid) {
            Some(outcome) => outcome.settle(Ok(ending)),
            None => drop(self.early.insert(tid, Early::Ended(ending))),
        }
    }

    /// A tracee made a child.
    pub(super) fn at_birth(
        &mut self,
        mut tracee: Box<Tracee>,
        mut stopped: Stopped,
        birth: Birth,
        child: Option<Tid>,
    ) {
        let Some(child) = child.filter(|child| !self.table.contains(*child)) else {
            return self.go_mid(tracee, stopped);
        };
        let early = self.early.remove(&child);
        let status = match &early {
            Some(Early::Stopped { status, .. }) => Some(*status),
            Some(Early::Ended(_)) => None,
            None => match look_if_ours(child) {
                None => return self.go_mid(tracee, stopped),
                found => found,
            },
        };
        let group = child_group(&tracee, child, status.map(|status| status.tgid));
        let kind = match birth {
            _ if Rc::ptr_eq(&group, &tracee.group) => CloneKind::Thread,
            Birth::Vfork => CloneKind::Vfork,
            Birth::Fork | Birth::Clone => CloneKind::Fork,
        };
        let newborn = self.new_tracee(child, group, Phase::Unborn, Run::Handled);
        let task = newborn.task.clone();
        self.table.insert(newborn);
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.task.asked_for(Event::Clone) {
            let mut clone = CloneReport::new(kind, task);
            if let Ok(Some(flags)) = untraced::flags_of(&tracee, &mut stopped) {
                clone.flags = flags;
            }
            verdict =
                self.report(&mut tracee, &mut stopped, |reporter, target| reporter.clone(target, &mut clone));
        }
        // First the maker: a child that ends the process at once would take it from this stop to that of its exit, which
        // the resume meant for this one would end unseen.
        self.conclude(tracee, stopped, Point::Mid, verdict);
        if let Some(early) = early
            && let Some(newborn) = self.table.take(child)
        {
            self.bring_up(newborn, early);
        }
    }

    /// Lets a child whose news came early have it.
    fn bring_up(&mut self, mut child: Box<Tracee>, early: Early) {
        child.phase = Phase::Living;
        match early {
            Early::Stopped { stopped, .. } => self.start_child(child, *stopped),
            Early::Ended(ending) => self.died(child, ending),
        }
    }

    /// A child at its first stop: what engines asked for at its birth comes before its first instruction (INV-40).
    pub(super) fn start_child(&mut self, child: Box<Tracee>, stopped: Stopped) {
        if self.desks.is_empty() && child.tid == child.group.pid {
            self.placement.born(child.tid);
        }
        self.conclude(child, stopped, Point::User(0, Path::Plain), Verdict::Go(Action::Resume));
    }

    /// Children whose creator was killed before it could report them have no parent's event to wait for.
    ///
    /// A creator can only miss its event by dying, with its process or in an exec by another thread; `gone` is
    /// the process to which one of these has just happened.
    #[cold]
    fn adopt_orphans(&mut self, gone: Option<Tid>) {
        let orphaned = |early: &Early| match early {
            Early::Ended(_) => false,
            Early::Stopped { maker, .. } => match Tid::new(*maker) {
                Some(maker) => gone == Some(maker) || (gone.is_some() && !self.table.contains(maker)),
                None => true,
            },
        };
        let mut orphans: Vec<Tid> =
            self.early.iter().filter(|(_, early)| orphaned(early)).map(|(tid, _)| *tid).collect();
        if self.table.len() == 0 {
            orphans = self.early.keys().copied().collect();
        }
        for tid in orphans {
            if let Some(Early::Stopped { stopped, .. }) = self.early.remove(&tid) {
                let orphan = self.adopt_orphan(tid);
                self.start_child(orphan, *stopped);
            }
        }
    }

    /// A tracee for a thread that nobody reported as born. It has no engines: those of its maker never saw it.
    fn adopt_orphan(&mut self, tid: Tid) -> Box<Tracee> {
        let tgid =
            procfs::status(tid).ok().and_then(|status| Tid::new(status.tgid)).filter(|tgid| *tgid != tid);
        let leader = tgid.and_then(|tgid| self.table.take(tgid));
        let group = match leader {
            Some(leader) => {
                let group = Rc::clone(&leader.group);
                self.table.put(leader);
                group
            }
            None => Rc::new(Group::unknown(tgid.unwrap_or(tid))),
        };
        let orphan = self.new_tracee(tid, group, Phase::Living, Run::Handled);
        self.table.enter(&orphan);
        orphan
    }

    /// A tracee runs a new program. The kernel reports it under the leader's tid; `former` is the thread that did it.
    pub(super) fn at_exec(&mut self, tracee: Box<Tracee>, mut stopped: Stopped, former: Option<Tid>) {
        let mut tracee = match former.filter(|former| *former != tracee.tid) {
            Some(former) => self.take_over(tracee, former),
            None => tracee,
        };
        self.placement.came(tracee.tid);
        tracee.sign.forget_debug();
        tracee.free_from_snare(Forever::No);
        if tracee.phase != Phase::Living {
            tracee.phase = Phase::Living;
            self.open_desk(&tracee);
            // Its line to us is closed by now.
            tracee.group.embryo.borrow_mut().take();
        }
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.task.asked_for(Event::Exec) {
            let mut exec = ExecReport { former: task_id(former.unwrap_or(tracee.tid)) };
            verdict =
                self.report(&mut tracee, &mut stopped, |reporter, target| reporter.exec(target, &mut exec));
        }
        // What lay ready was in the memory that is gone; engines have taken back what they could.
        for tid in former.into_iter().chain([tracee.tid]) {
            self.desks().for_each(|desk| desk.places().forget(tid));
        }
        if !self.early.is_empty() {
            self.adopt_orphans(Some(tracee.group.pid));
        }
        self.conclude(tracee, stopped, Point::Mid, verdict);
    }

    /// The thread `former` takes the leader's tid and keeps its engines; the leader's task ends (INV-36).
    #[cold]
    pub(super) fn take_over(&mut self, leader: Box<Tracee>, former: Tid) -> Box<Tracee> {
        let Some(mut heir) = self.table.take(former) else { return leader };
        if !Rc::ptr_eq(&heir.group, &leader.group) {
            // Not the number of an exec: see `look_if_ours`.
            self.table.put(heir);
            return leader;
        }
        let tid = leader.tid;
        // Its trap is at an address of the program that is gone; nothing of it is still to come.
        heir.free_from_snare(Forever::No);
        heir.quiet = Quiet::default();
        if let Run::Held(..) = heir.run {
            heir.reporter.killed();
        }
        heir.run = Run::Handled;
        // Its wait status is never shown: the kernel has released it in the exec.
        self.bury(leader, Ending::Exited(0), false);
        self.table.rename(&mut heir, tid);
        heir.sign.rename(tid);
        heir.reporter.set_id(task_id(tid));
        self.shared.add_task(tid, heir.task.clone());
        // Only now: who looks for it meanwhile must not take it for gone.
        self.shared.remove_task(former);
        heir
    }

    /// A thread begins to exit.
    pub(super) fn at_exit(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, status: i32) {
        let mut verdict = Verdict::Go(Action::Resume);
        tracee.call = None;
        if tracee.tid == tracee.group.pid
            && tracee.task.wants(Event::Death)
            && is_ignored_by_parent(tracee.tid)
        {
            tracee.release = Release::ByItself;
        }
        if tracee.phase == Phase::Living && tracee.task.asked_for(Event::Exit) {
            // ptrace lets a tracer see the status here, not change it.
            let mut exit = ExitReport::new(status.unsigned_abs());
            verdict =
                self.report(&mut tracee, &mut stopped, |reporter, target| reporter.exit(target, &mut exit));
            if verdict == Verdict::Park && is_killed(status) && !exit.holds_killed() {
                // INV-34: nothing delays this death that does not say so.
                tracee.reporter.killed();
                verdict = Verdict::Go(Action::Resume);
            }
        }
        self.conclude(tracee, stopped, Point::Exiting, verdict);
    }

    /// A thread is gone, and reaped by our wait.
    pub(super) fn died(&mut self, tracee: Box<Tracee>, ending: Ending) {
        let group = Rc::clone(&tracee.group);
        let leader = tracee.tid == group.pid;
        let unwaited = leader && self.has_to_be_waited_for(&tracee);
        self.bury(tracee, ending, unwaited);
        if leader {
            if let Some(outcome) = &group.outcome {
                outcome.settle(how_it_ended(&group, ending));
            }
            if !self.early.is_empty() {
                self.adopt_orphans(Some(group.pid));
            }
        } else {
            self.settle_if_left(&group);
        }
    }

    /// Whether a dead process is still there, for a parent other than us, and somebody may want to know until when.
    fn has_to_be_waited_for(&self, tracee: &Tracee) -> bool {
        // The task's mask has REAP for every engine, so that no reap is missed; most want no call.
        let asks = |engine: &EngineRef| engine.interest().events.contains(Event::Reap);
        (tracee.group.outcome.is_some() || tracee.task.engines().iter().any(asks))
            && !matches!(self.mourner, Mourning::Impossible)
            && procfs::stat(tracee.tid).is_ok_and(|stat| stat.state == State::Dead)
    }

    /// Leaves a dead process's reaper to who hears of its parent's wait, or gives it back.
    #[cold]
    fn mourn(&mut self, tid: Tid, reaper: Reaper) -> Option<Reaper> {
        if let Mourning::NotYet = self.mourner {
            // A thread inherits place and policy.
            self.placement.go_home();
            self.mourner = match Mourner::start(Arc::clone(&self.shared)) {
                Ok(mourner) if mourner::kernel_tells() => Mourning::On(mourner),
                _ => Mourning::Impossible,
            };
        }
        match &mut self.mourner {
            Mourning::On(mourner) => mourner.mourn(tid, reaper).err(),
            Mourning::NotYet | Mourning::Impossible => Some(reaper),
        }
    }

    /// Reports death, and reap unless the process is `unwaited` for, and forgets the tracee.
    pub(super) fn bury(&mut self, mut tracee: Box<Tracee>, ending: Ending, unwaited: bool) {
        let tid = tracee.tid;
        self.forget_questions(tid);
        self.table.release(&tracee);
        let leader = tid == tracee.group.pid;
        let told = leader && tracee.release == Release::ByParent;
        let mut death = DeathReport {
            group_dead: leader,
            signal: if told { Some(libc::SIGCHLD.unsigned_abs()) } else { None },
            code: wait_status(ending),
        };
        tracee.reporter.dead();
        let mut corpse = Corpse(tracee.sign.usage());
        // Before the death callbacks: the parent may wait while they run.
        let mut reaper = tracee.reaper.take();
        if unwaited && let Some(for_parent) = reaper.take() {
            reaper = self.mourn(tid, for_parent);
        }
        // Again after each engine that panics, so that those after it are told too.
        while self.guarded(tid, || tracee.reporter.death(&mut corpse, &mut death)).is_none() {}
        if let Some(mut reaper) = reaper {
            while self.guarded(tid, || reaper.reap()).is_none() {}
        }
        // Engines are dropped with the last handle: perhaps here, and a panic of theirs is theirs.
        self.guarded(tid, || drop(tracee));
        self.shared.remove_task(tid);
    }
}

impl Group {
    /// A process of which we know nothing but its id.
    fn unknown(pid: Tid) -> Self {
        Self {
            pid,
            origin: super::tracee::Origin::Attached,
            filter: RefCell::new(None),
            outcome: None,
            embryo: RefCell::new(None),
            habits: super::snare::Habits::new(),
        }
    }
}

/// The process that made this thread, as far as `/proc` knows: its own for a thread, its parent for a process.
fn maker_of(tid: Tid, status: &procfs::Status) -> i32 {
    if status.tgid == tid.raw() { status.parent } else { status.tgid }
}

/// Whether the parent of a process ignores `SIGCHLD`, so that its children are released when they end.
fn is_ignored_by_parent(pid: Tid) -> bool {
    let parent = procfs::status(pid).ok().and_then(|status| Tid::new(status.parent));
    let ignored = parent.and_then(|parent| procfs::status(parent).ok()).map_or(0, |status| status.ignored);
    ignored & (1 << (libc::SIGCHLD - 1)) != 0
}

/// What `/proc` says of `child`, if it can be what a clone event of ours named.
///
/// The event's number is read after the fact: if SIGKILL came in between, the tracee is in its exit stop already
/// and the number is that stop's, an exit status.
pub(super) fn look_if_ours(child: Tid) -> Option<procfs::Status> {
    procfs::status(child).ok().filter(procfs::Status::is_traced_by_caller)
}

/// The process that a child belongs to: its parent's for a thread, one of its own otherwise.
pub(super) fn child_group(parent: &Tracee, child: Tid, tgid: Option<i32>) -> Rc<Group> {
    if tgid == Some(parent.group.pid.raw()) {
        return Rc::clone(&parent.group);
    }
    Rc::new(Group {
        pid: child,
        origin: parent.group.origin,
        filter: RefCell::new(parent.group.filter.borrow().clone()),
        outcome: None,
        embryo: RefCell::new(None),
        habits: super::snare::Habits::new(),
    })
}

/// What the caller of a launch or attach is told.
fn how_it_ended(group: &Group, ending: Ending) -> Result<Ending, HostError> {
    if let Some(mut launch) = group.embryo.borrow_mut().take()
        && let Fate::Failed(step, errno) = launch.embryo.fate()
    {
        return Err(HostError::Launch(launch.path, step, errno));
    }
    Ok(ending)
}

/// Whether a thread that exits dies of SIGKILL.
///
/// The death of any other may be held here, also where a sibling's exit or exec, or a signal of the process, is the reason:
/// the kernel has taken the kill off its queue by then (get_signal() in kernel/signal.c), and sleeps as for one that
/// exits by itself.
fn is_killed(status: i32) -> bool {
    status & 0x7f == libc::SIGKILL
}

/// As wait(2) encodes it.
fn wait_status(ending: Ending) -> u32 {
    match ending {
        Ending::Exited(code) => u32::from(code) << 8,
        Ending::Killed(signal, CoreDump::Yes) => signal.unsigned_abs() | 0x80,
        Ending::Killed(signal, CoreDump::No) => signal.unsigned_abs(),
        Ending::Left => 0,
    }
}
