//! The engine on a tracee: turns what happens into the stops that its tracer asked for.
//!
//! Key types: [`Tracer`] (the engine). One is attached for each link. Its callbacks look at the link's options and its
//! last resume, and answer `Stop` where the tracer is to be told. Stops that the core makes at once (a call's entry, a
//! vfork, an exit, a signal) are told at once; the others are noted and told in the last report before user mode,
//! where the tracee really stands still.

use std::sync::Arc;

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{self as abi, PtraceEvent};
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, Event, ExecReport, ExitReport, JctlKind, JctlReport,
    SigInfo, SignalAction, SignalKind, SignalReport, SyscallEntry, SyscallExit, Target, Task, TaskId,
};

use super::answer;
use super::guard;
use super::keeper::Standing;
use super::link::{First, Heard, Kin, Link, Phase, Resume, State};
use super::num;
use super::peek;
use super::proc;
use super::stop::{Spot, Stop, code_of, is_cont_of, is_int3, is_step};
use super::world::{LinkId, Threads, World};

/// A tracer as an engine on one of its tracees.
pub(super) struct Tracer {
    world: Arc<World>,
    id: LinkId,
}

impl Tracer {
    /// Attaches a link's engine, and puts the link into the world.
    ///
    /// # Errors
    /// The thread is gone.
    pub(super) fn attach(world: &Arc<World>, threads: &mut Threads, mut link: Link) -> Result<LinkId, ()> {
        let id = threads.next_id();
        let task = link.task.clone();
        link.shown = threads.seen_by(link.tracer, link.tracee);
        let engine =
            task.attach_for(link.interest(), Tracer { world: Arc::clone(world), id }).map_err(drop)?;
        link.engine = Some(engine);
        link.owner = id.owner();
        link.traps = threads.traps(link.tracee);
        let watched = !link.traps.is_empty() && link.has(abi::PTRACE_O_TRACESECCOMP);
        if let Some(engine) = link.engine.as_ref().filter(|_| watched) {
            let _ = engine.set_events(link.interest());
        }
        threads.links.insert(id, link);
        Ok(id)
    }

    /// Something is reported of a thread that may have been lent to another tracer's step.
    fn comes_home(&self, target: &mut dyn Target, trap: bool) {
        let mut threads = self.world.lock();
        if let Some(tracee) = threads.link(self.id).map(|link| link.tracee) {
            threads.come_home(tracee, trap, target);
        }
    }

    /// Looks at the link; a link that is gone wants nothing.
    fn with(&self, act: impl FnOnce(&mut Link) -> Verdict) -> Action {
        let mut threads = self.world.lock();
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        match act(link) {
            Verdict::Say(action) => action,
            Verdict::Stopped => {
                let tracee = link.tracee;
                threads.call_home(tracee);
                threads.tell(self.id);
                Action::Stop
            }
        }
    }

    /// Whether the thread takes another signal before the SIGSTOP that is due: the kernel takes faults first and then the
    /// lowest number (`dequeue_signal`). Once that is shown, the SIGSTOP is asked for again. `last` is what is left of the
    /// signals that were shown here.
    fn is_behind(&self, target: &mut dyn Target, last: Option<&SigInfo>) -> bool {
        let (tracee, heard) = {
            let mut threads = self.world.lock();
            let Some(link) = threads.link(self.id).filter(|link| link.sigstop_is_next()) else {
                return false;
            };
            (link.tracee, link.heard)
        };
        let hand = last.and_then(|_| peek::hand(target)).filter(|hand| num::is_before_sigstop(hand.number));
        // One that was shown has been decided about, although the thread may still stand before its delivery.
        let shown = |hand: &SigInfo| {
            last.is_some_and(|last| last.number != 0 && (heard == Heard::Signals || last == hand))
        };
        hand.is_some_and(|hand| !shown(&hand)) || proc::waits_before_sigstop(tracee)
    }

    /// The last report before the program runs.
    fn at_rest(link: &mut Link, behind: bool) -> Verdict {
        if let State::Stopped(..) = link.state {
            // One that is lent has not made the step yet.
            Verdict::Say(if link.lent.is_out() { Action::Resume } else { Action::Stop })
        } else if behind {
            Verdict::Say(link.resume.action())
        } else if link.come_to_rest() {
            Verdict::Stopped
        } else {
            Verdict::Say(link.resume.action())
        }
    }

    /// What the tracee's own filters tell of this call, if the kernel will ask us about it instead.
    fn told(&self, entry: &SyscallEntry) -> Option<u16> {
        let call = entry.call();
        let mut threads = self.world.lock();
        let link = threads.link(self.id).filter(|link| link.has(abi::PTRACE_O_TRACESECCOMP))?;
        let (tracee, asks) = (link.tracee, !link.traps.is_empty() && !entry.is_aborted());
        if asks && answer::asks(call) { threads.told_of(tracee, call) } else { None }
    }

    /// An `int3` was run. If a tracer put it there, all who did stop together, each with the registers as they are now,
    /// and nobody else is told. `None`: it is the program's own.
    fn at_breakpoint(&self, target: &mut dyn Target, report: &mut SignalReport) -> Option<Action> {
        let regs = peek::regs(target).ok()?;
        let mut threads = self.world.lock();
        threads.hear_writes(None);
        let Some(owned) = threads.breakpoint(self.id, regs.rip.wrapping_sub(1)) else {
            threads.is_left_over(self.id, &regs, target)?;
            report.action = SignalAction::Ignore;
            return Some(Action::Resume);
        };
        let link = threads.link(self.id)?;
        if !owned && link.state == State::Running && link.owes_sigstop() && link.come_to_rest() {
            // It stands still for the others from now on, and this tracer does not see why.
            link.snapshot = Some(UserRegs { rip: regs.rip.wrapping_sub(1), ..regs });
            threads.tell(self.id);
            return Some(Action::Stop);
        }
        if !owned || link.state != State::Running {
            return Some(if let State::Stopped(..) = link.state { Action::Stop } else { Action::Resume });
        }
        link.snapshot = Some(regs);
        link.stop(Stop::Signal(report.info));
        report.action = SignalAction::Ignore;
        threads.tell(self.id);
        Some(Action::Stop)
    }

    /// A breakpoint of the debug registers was hit. Who set it stops, all at once, and nobody else is told.
    fn at_debug_hit(&self, target: &mut dyn Target, report: &mut SignalReport) -> Action {
        let mine = peek::is_hit(target, self.id.owner());
        let regs = peek::regs(target).ok();
        self.with(|link| {
            if let State::Stopped(..) = link.state {
                return LATER;
            }
            if !mine {
                return ON;
            }
            report.action = SignalAction::Ignore;
            link.snapshot = regs;
            link.stop(Stop::Signal(report.info));
            Verdict::Stopped
        })
    }

    /// A signal that the program is to get, as far as earlier tracers let it through.
    fn at_signal(link: &mut Link, report: &mut SignalReport) -> Verdict {
        if let State::Stopped(..) = link.state {
            return Verdict::Say(Action::Stop);
        }
        if link.spared.is_some_and(|sender| is_cont_of(&report.info, sender)) {
            link.spared = None;
            return Verdict::Say(link.resume.action());
        }
        if report.info.number == num::SIGCONT
            && let First::Signal { .. } = link.first
        {
            // It takes a stop signal that is pending with it, the one of an attach too (signal(7)).
            link.first = First::None;
        }
        // It goes no further until this tracer has decided.
        report.action = SignalAction::Ignore;
        link.heard = Heard::Signals;
        link.stop(Stop::Signal(report.info));
        Verdict::Stopped
    }
}

/// What a callback came to.
enum Verdict {
    /// This is the answer.
    Say(Action),
    /// The tracee has stopped, and its tracer is to be told.
    Stopped,
}

const ON: Verdict = Verdict::Say(Action::Resume);
const LATER: Verdict = Verdict::Say(Action::Stop);

impl Engine for Tracer {
    fn name(&self) -> &str {
        "ptrace tracer"
    }

    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        if event.is_some() {
            self.comes_home(cx.target(), false);
        }
        let behind = event.is_none() && self.is_behind(cx.target(), None);
        self.with(|link| match (event, &link.state) {
            (None, _) => Self::at_rest(link, behind),
            (Some(Event::Exit | Event::Death), _) => ON,
            (Some(_), State::Stopped(..)) => Verdict::Say(Action::Stop),
            (Some(_), _) => ON,
        })
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        self.comes_home(cx.target(), false);
        let told = self.told(entry);
        self.with(|link| {
            if let State::Stopped(..) = link.state {
                return Verdict::Say(Action::Stop);
            }
            if !entry.resumed() {
                link.phase = Phase::Plain;
            }
            if !link.resume.stops_at_entry() || link.phase != Phase::Plain {
                if let Some(told) = told.filter(|_| link.phase != Phase::FilterShown) {
                    link.phase = Phase::FilterShown;
                    link.stop(Stop::Event(PtraceEvent::Seccomp, u64::from(told)));
                    return Verdict::Stopped;
                }
                return Verdict::Say(link.resume.action());
            }
            let call = *entry.call();
            link.phase = Phase::EntryShown;
            if link.resume.skips() {
                entry.abort();
            }
            let spot = Spot { ip: call.ip.0, sp: call.sp.0 };
            link.stop(Stop::Entry { nr: call.number, args: call.args, arch: call.arch, spot });
            Verdict::Stopped
        })
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        self.comes_home(cx.target(), false);
        // A 64-bit program may call through the 32-bit gate: the call says, if it was seen.
        let arch = exit.call().map_or_else(|| peek::place(cx.target()).arch, |call| call.arch);
        let (value, spot) = (exit.value(), exit.call().and_then(Spot::of));
        self.with(|link| {
            link.phase = Phase::Plain;
            if let Some(child) = link.vfork.take()
                && link.has(abi::PTRACE_O_TRACEVFORKDONE)
            {
                link.next.push_back(Stop::Event(PtraceEvent::VforkDone, u64::from(child)));
            }
            if link.resume == Resume::Syscall || !link.next.is_empty() {
                link.next.push_back(Stop::Exit { value, arch, spot });
            }
            if link.next.is_empty() { ON } else { LATER }
        })
    }

    fn signal(&mut self, cx: &mut Cx<'_>, report: &mut SignalReport) -> Action {
        if let SignalKind::Taken(_) = report.kind {
            self.comes_home(cx.target(), is_step(report));
        }
        if let SignalKind::Taken(_) = report.kind
            && is_int3(&report.info)
            && let Some(action) = self.at_breakpoint(cx.target(), report)
        {
            return action;
        }
        if let SignalKind::Taken(_) = report.kind
            && report.info.number == num::SIGTRAP
            && code_of(&report.info) == HWBKPT
        {
            return self.at_debug_hit(cx.target(), report);
        }
        // Several may step at once, and each sets the instruction pointer by what it finds.
        let trap = report.info.number == num::SIGTRAP && report.action == SignalAction::Ignore;
        let regs = if trap { peek::regs(cx.target()).ok() } else { None };
        let hit = trap && peek::is_hit(cx.target(), self.id.owner());
        let behind = report.kind == SignalKind::Report && self.is_behind(cx.target(), Some(&report.info));
        self.with(|link| match report.kind {
            SignalKind::Report | SignalKind::Handler => {
                if let Some(info) = link.inject.take() {
                    report.info = info;
                    report.action = SignalAction::Deliver;
                    if link.phase == Phase::Leaving {
                        return Verdict::Say(Action::Detach);
                    }
                    // This report used up what the resume asked for.
                    if let Some(engine) = link.engine.as_ref().filter(|_| link.owes()) {
                        let _ = engine.control(Action::Interrupt);
                    }
                    return Verdict::Say(link.resume.action());
                }
                if report.action != SignalAction::Ignore && report.info.number != 0 {
                    return Self::at_signal(link, report);
                }
                if report.kind == SignalKind::Handler && link.resume.steps() && link.state == State::Running {
                    link.stop(Stop::InHandler);
                    return Verdict::Stopped;
                }
                Self::at_rest(link, behind)
            }
            SignalKind::Taken(_) if report.action == SignalAction::Ignore => {
                // The trap of a step is shown so; anything else an earlier tracer keeps for itself.
                let meant = hit || link.resume.steps();
                if meant && report.info.number == num::SIGTRAP && link.state == State::Running {
                    link.snapshot = regs;
                    link.stop(Stop::Signal(report.info));
                    return Verdict::Stopped;
                }
                if link.owes_sigstop() && link.come_to_rest() {
                    // The trap of another tracer's step, who holds it from now on.
                    return Verdict::Stopped;
                }
                Verdict::Say(if let State::Stopped(..) = link.state { Action::Stop } else { Action::Resume })
            }
            SignalKind::Taken(_) => Self::at_signal(link, report),
        })
    }

    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        let mut threads = self.world.lock();
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        // As `kernel_clone` decides: a child whose end is told by SIGCHLD was forked.
        let vfork = clone.flags & num::CLONE_VFORK != 0;
        let (option, event) = if vfork {
            (abi::PTRACE_O_TRACEVFORK, PtraceEvent::Vfork)
        } else if clone.flags & 0xff == u64::from(num::SIGCHLD) {
            (abi::PTRACE_O_TRACEFORK, PtraceEvent::Fork)
        } else {
            (abi::PTRACE_O_TRACECLONE, PtraceEvent::Clone)
        };
        let tracer = link.tracer;
        let child = threads.seen_by(tracer, clone.child.id().0);
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        if vfork && link.has(abi::PTRACE_O_TRACEVFORKDONE) {
            link.vfork = Some(child);
            if let Some(engine) = &link.engine {
                let _ = engine.set_events(link.interest());
            }
        }
        let shown = link.has(option) && clone.flags & num::CLONE_UNTRACED == 0;
        if !shown && clone.flags & num::CLONE_PTRACE == 0 {
            return if let State::Stopped(..) = link.state { Action::Stop } else { Action::Resume };
        }
        let first = if link.face.seized { First::Event } else { First::Signal { code: 0 } };
        let (face, tracer, bounded) = (link.face, (link.tracer, link.tracer_process), link.bounded);
        let held = matches!(link.state, State::Stopped(..));
        let stop = Stop::Event(event, u64::from(child));
        match (shown, vfork) {
            (true, true) => link.stop(stop),
            (true, false) => link.next.push_back(stop),
            // CLONE_PTRACE alone: the child is traced, and its parent goes on.
            (false, _) => {}
        }
        let mut child = Link::new(&clone.child, face, tracer, Kin::Stranger, first);
        if clone.flags & num::CLONE_PARENT == 0 {
            child.parent = cx.task().process().0;
        } else {
            child.find_kin();
        }
        follow(&self.world, &mut threads, Link { bounded, ..child });
        if shown && vfork {
            threads.tell(self.id);
        }
        if shown || held { Action::Stop } else { Action::Resume }
    }

    fn exec(&mut self, cx: &mut Cx<'_>, exec: &mut ExecReport) -> Action {
        let mut threads = self.world.lock();
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        let (former, tracer) = (link.shown, link.tracer);
        if exec.former != link.task.id() {
            link.tracee = link.task.id().0;
            let tracee = link.tracee;
            let shown = threads.seen_by(tracer, tracee);
            if let Some(link) = threads.link(self.id) {
                link.shown = shown;
            }
        }
        let lost = threads.links.get(&self.id).map(|link| guard::standing(&threads, link));
        if lost == Some(Standing::Lost) {
            guard::drop_link(&mut threads, self.id);
            cx.target().release_debug_registers(self.id.owner());
            return Action::Detach;
        }
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        if let State::Stopped(..) | State::Listening = link.state {
            link.broken_out();
        }
        if link.has(abi::PTRACE_O_TRACEEXEC) {
            link.next.push_back(Stop::Event(PtraceEvent::Exec, u64::from(former)));
        } else if !link.face.seized {
            link.exec_trap = true;
        }
        let (owes, tracee) = (link.owes(), link.tracee);
        if exec.former != TaskId(tracee) {
            // It is the leader now, whose end its parent learns from the kernel.
            let child = proc::parent(tracee) == Some(link.tracer_process);
            link.kin = if child { Kin::Child } else { Kin::Stranger };
            // The leader that was is replaced: its end is told to nobody (ptrace(2), "execve under ptrace").
            let id = self.id;
            threads.links.retain(|other, link| *other == id || link.tracee != tracee || !ended(link));
        }
        if owes { Action::Stop } else { Action::Resume }
    }

    fn exit(&mut self, cx: &mut Cx<'_>, exit: &mut ExitReport) -> Action {
        self.comes_home(cx.target(), false);
        let code = u64::from(exit.original());
        if self.world.asks() {
            self.world.lock().leaves(cx.task().id().0, exit.original());
        }
        self.with(|link| {
            link.broken_out();
            link.find_kin();
            if !link.has(abi::PTRACE_O_TRACEEXIT) {
                return ON;
            }
            exit.hold_killed();
            link.stop(Stop::Event(PtraceEvent::Exit, code));
            Verdict::Stopped
        })
    }

    fn jctl(&mut self, _cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        self.with(|link| match (jctl.kind, &link.state) {
            (JctlKind::Stopped, State::Running | State::Listening) => {
                link.group = jctl.signal;
                link.stop(Stop::Group(jctl.signal));
                Verdict::Stopped
            }
            (JctlKind::Continued, State::Listening) => {
                link.state = State::Running;
                link.next.push_back(Stop::Interrupted);
                LATER
            }
            (_, State::Stopped(..)) => LATER,
            _ => ON,
        })
    }

    fn death(&mut self, cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        self.comes_home(cx.target(), false);
        let mut threads = self.world.lock();
        let Some(link) = threads.link(self.id) else { return Action::Detach };
        link.find_kin();
        let child = link.kin == Kin::Child && link.tracee == link.process;
        if child && !proc::ignores_sigchld(link.tracer_process) {
            // The kernel tells the parent, whose own wait it answers.
            let process = link.tracer_process;
            threads.links.remove(&self.id);
            threads.wake_paused(process);
        } else {
            link.engine = None;
            link.usage = cx.target().usage();
            link.kin = Kin::Stranger;
            link.state = State::Ended(death.code);
            threads.tell(self.id);
        }
        Action::Detach
    }
}

/// `si_code` of a trap of the debug registers (`TRAP_HWBKPT`).
const HWBKPT: i32 = 4;
fn ended(link: &Link) -> bool {
    matches!(link.state, State::Ended(_))
}

/// A child that comes with its parent's options, stopped before its first instruction.
fn follow(world: &Arc<World>, threads: &mut Threads, link: Link) {
    // Its parent may have come to more rights since the tracer was last asked about.
    if guard::standing(threads, &link) == Standing::Lost {
        return;
    }
    // A child that is gone already has nothing to show.
    let Ok(id) = Tracer::attach(world, threads, link) else { return };
    hold(threads, id);
}

/// Has the tracee come to a stop of its link.
pub(super) fn hold(threads: &mut Threads, id: LinkId) {
    if let Some(engine) = threads.link(id).and_then(|link| link.engine.as_ref()) {
        // One that dies now is told of by its death.
        let _ = engine.control(Action::Stop);
    }
}

/// Looks at a tracee that its link holds.
pub(super) fn look<T: Send>(task: &Task, look: impl FnOnce(&mut dyn Target) -> T + Send) -> Result<T, i64> {
    task.with_target(look).map_err(|_| num::ESRCH)
}
