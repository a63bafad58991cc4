//! Letting tracees go so that nothing of ours stays behind.
//!
//! One that we hold is detached with the signal it was to get, its registers written back. One that runs is best
//! left by the end of the tracer thread, which disturbs nobody (facts/quiesce.md section 0), so that is how a host
//! ends. Where the thread goes on, the tracee is interrupted first, and its call made to start again by itself.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use super::part;
use super::step;
use super::tracee::{Group, Interrupt, Origin, Point, Run, Tracee};
use super::{AT_A_TIME, Tracer};
use crate::process::{CoreDump, Ending};
use crate::procfs::{self, State};
use crate::quiesce;
use crate::quiet::{Forever, Quiet};
use crate::stop::{Stop, decode};
use crate::sys::process as os;
use crate::sys::ptrace::{self, Request, SyscallAt};
use crate::sys::wait::{self, WaitStatus};
use crate::tracee::Stopped;
use crate::types::Tid;

/// How long the end of a host waits for threads that it has interrupted.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits for threads that run, and stop at their next system call, to get there or to fall asleep.
const SHORT: Duration = Duration::from_millis(500);
/// wait4(2) has no time-out; this is how often it is asked meanwhile.
const NAP: Duration = Duration::from_micros(100);

/// Whose news the end of a host waits for.
#[derive(Default)]
struct Awaited {
    /// We interrupted them.
    interrupted: HashSet<Tid>,
    /// We interrupted them some time ago. It may be on its way, or have been used up by another stop, so that nothing comes.
    perhaps: HashSet<Tid>,
    /// They run, and stop at their next system call.
    at_calls: HashSet<Tid>,
    /// Our children, which we have killed.
    killed: HashSet<Tid>,
    /// They step, or have breakpoints: the trap is ours to take, and the end of this thread alone would leave them
    /// stepping (exit_ptrace() in kernel/ptrace.c does not end it, ptrace_detach() does).
    stepping: HashSet<Tid>,
    /// They were left as they run or sleep.
    left: Vec<Tid>,
    /// A trap of theirs sprang: its stop may still come.
    echoes: HashMap<Tid, Quiet>,
}

impl Tracer {
    /// Leaves everything; the tracer thread ends right after.
    pub(super) fn leave_all(mut self) {
        let unanswered = self.shared.mailbox.close();
        // Dropping them tells who waits that the host has ended.
        drop(unanswered);
        let mut awaited = Awaited::default();
        for (count, tid) in (1_u32..).zip(self.table.tids()) {
            if let Some(tracee) = self.table.take(tid) {
                self.leave_one(tracee, &mut awaited);
            }
            if count.is_multiple_of(AT_A_TIME) {
                self.take_all_news(&mut awaited);
            }
        }
        let early = core::mem::take(&mut self.early);
        for (_, news) in early {
            if let super::life::Early::Stopped { stopped, .. } = news {
                self.detach(*stopped, Point::Mid);
            }
        }
        self.collect(&mut awaited);
        let _ = os::kill(self.bell, libc::SIGKILL);
        let _ = wait::wait_for(self.bell);
        // All that took a while, and this thread ends at once now.
        let left = core::mem::take(&mut awaited.left);
        for (count, tid) in (1_u32..).zip(left) {
            if runs(tid) && takes_signal(tid) {
                awaited.at_calls.insert(tid);
            }
            if count.is_multiple_of(AT_A_TIME) {
                self.take_late_news(&mut awaited);
            }
        }
        self.collect(&mut awaited);
    }

    /// Leaves one thread as far as that can be done without its being in a stop.
    fn leave_one(&mut self, mut tracee: Box<Tracee>, awaited: &mut Awaited) {
        let tid = tracee.tid;
        if tracee.may_trap() {
            awaited.stepping.insert(tid);
        }
        // Debug registers can only be switched off in a stop, and the trap of a step only be taken there.
        let running = matches!(tracee.run, Run::Running(_));
        let wanted = tracee.sign.is_debugged() || running && tracee.may_trap();
        if wanted && ptrace::interrupt(tid).is_ok() {
            awaited.interrupted.insert(tid);
        } else if running && tracee.interrupt != Interrupt::None {
            // Another one to make sure that it comes could cut a call short that has begun since.
            awaited.perhaps.insert(tid);
        }
        let awake = matches!(tracee.run, Run::Running(_)) && runs(tid);
        if matches!(tracee.run, Run::Running(Request::Syscall)) && awake {
            // It would have shown the entry of a call, so it is in user mode, where nobody notices. Otherwise
            // it is inside the call, and an interrupt might cut that short.
            if tracee.call.is_none() && ptrace::interrupt(tid).is_ok() {
                awaited.interrupted.insert(tid);
            } else {
                awaited.at_calls.insert(tid);
            }
        }
        // Gone before this thread is: a hit would send its signal to a thread that nobody traces.
        tracee.quiet.take_down();
        tracee.free_from_snare(Forever::Yes);
        if tracee.quiet.echo().is_some() {
            awaited.echoes.insert(tid, core::mem::take(&mut tracee.quiet));
            awaited.at_calls.insert(tid);
        }
        if matches!(tracee.run, Run::Running(_)) {
            awaited.left.push(tid);
            if awake && takes_signal(tid) {
                awaited.at_calls.insert(tid);
            }
        }
        match core::mem::replace(&mut tracee.run, Run::Handled) {
            _ if tracee.group.origin == Origin::LaunchedDies => {
                let _ = os::kill(tid, libc::SIGKILL);
                // What we launched ourselves is our child, and a zombie until we wait for it.
                if tid == tracee.group.pid && tracee.group.outcome.is_some() {
                    awaited.killed.insert(tid);
                }
            }
            Run::Held(stopped, point) => {
                if self.part(&mut tracee, *stopped, point) == Left::WithTrap {
                    awaited.interrupted.insert(tid);
                }
            }
            Run::Running(_) | Run::Handled => {}
        }
        self.forget(tracee);
    }

    /// Takes the stops that have come while others were left: a thread need not wait until the last one was.
    fn take_all_news(&mut self, awaited: &mut Awaited) {
        while let Ok(Some((tid, status))) = wait::poll_any() {
            if let Some(tracee) = self.table.take(tid) {
                self.leave_one(tracee, awaited);
            }
            self.take_news(tid, status, awaited);
        }
    }

    /// The same of threads that were all left before.
    fn take_late_news(&self, awaited: &mut Awaited) {
        while let Ok(Some((tid, status))) = wait::poll_any() {
            self.take_news(tid, status, awaited);
        }
    }

    /// Takes the stops that are on their way, so that their signals arrive and their calls start again.
    ///
    /// A thread that we interrupted comes soon, unless it is in an uninterruptible sleep (a vfork parent, say):
    /// that one is left to the end of this thread, and nothing of it was disturbed yet. A thread that runs may stop
    /// at a system call's entry any moment, which the end of this thread would leave as a detach does.
    fn collect(&self, awaited: &mut Awaited) {
        let start = Instant::now();
        loop {
            match wait::poll_any() {
                Ok(Some((tid, status))) => self.take_news(tid, status, awaited),
                Ok(None) => {
                    awaited.interrupted.retain(|tid| comes_soon(*tid));
                    awaited.perhaps.retain(|tid| runs(*tid));
                    awaited.at_calls.retain(|tid| runs(*tid));
                    let waited = start.elapsed();
                    let done = (awaited.interrupted.is_empty() && awaited.killed.is_empty()
                        || waited > PATIENCE)
                        && (awaited.at_calls.is_empty() && awaited.perhaps.is_empty() || waited > SHORT);
                    if done {
                        return;
                    }
                    thread::sleep(NAP);
                }
                Err(_) => return,
            }
        }
    }

    /// Lets go of a thread that was left and has stopped since.
    fn take_news(&self, tid: Tid, status: WaitStatus, awaited: &mut Awaited) {
        let stop = decode(status, 0);
        let more = awaited.interrupted.remove(&tid);
        let perhaps = awaited.perhaps.remove(&tid);
        awaited.at_calls.remove(&tid);
        if let Ok(Stop::Exited(_) | Stop::Killed(..)) = stop {
            awaited.killed.remove(&tid);
        }
        if awaited.stepping.contains(&tid) {
            let signal = match stop {
                Ok(Stop::Signal(_)) if step::is_trap_of_ours(tid) => {
                    return self.detach(Stopped::seen_by_wait(tid), Point::Mid);
                }
                Ok(Stop::Signal(signal)) => signal,
                _ => 0,
            };
            // It would be a signal of the program's once nobody traces it.
            if step::trap_waits(tid) && ptrace::resume(tid, Request::Cont, signal).is_ok() {
                awaited.interrupted.insert(tid);
                return;
            }
        }
        let left = self.detach_at(tid, stop, awaited.echoes.get(&tid).and_then(Quiet::echo));
        if more && left == Left::AtItsCall {
            awaited.interrupted.insert(tid);
        } else if perhaps && left == Left::AtItsCall {
            awaited.perhaps.insert(tid);
        }
    }

    /// Leaves the threads of one process while the host goes on.
    pub(super) fn leave_group(&mut self, group: &Rc<Group>) {
        for tid in self.table.tids() {
            let Some(mut tracee) = self.table.take(tid) else { continue };
            if !Rc::ptr_eq(&tracee.group, group) {
                self.table.put(tracee);
                continue;
            }
            match core::mem::replace(&mut tracee.run, Run::Handled) {
                // It has only just been attached to, and has made no step.
                Run::Held(stopped, point) => drop(self.part(&mut tracee, *stopped, point)),
                Run::Running(_) | Run::Handled => {
                    // ESRCH: it died, or is stopped already; the wait below tells.
                    tracee.quiet.take_down();
                    tracee.free_from_snare(Forever::Yes);
                    let _ = ptrace::interrupt(tid);
                    if let Ok(status) = wait::wait_for(tid) {
                        self.detach_at(tid, decode(status, 0), tracee.quiet.echo());
                    }
                }
            }
            self.forget(tracee);
        }
    }

    /// Detaches a tracee at a stop that nobody will report. `echo` is the signal of a trap of ours that sprang.
    fn detach_at(&self, tid: Tid, stop: Result<Stop, crate::stop::UnknownStop>, echo: Option<i32>) -> Left {
        let mut stopped = Stopped::seen_by_wait(tid);
        match stop {
            Ok(Stop::Exited(_) | Stop::Killed(..)) => {}
            Ok(Stop::Signal(signal)) if echo == Some(signal) && stopped.is_from_trap() => {
                self.detach(stopped, Point::Mid);
            }
            Ok(Stop::Signal(signal)) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.detach(stopped, Point::User(signal, super::tracee::Path::Signal));
            }
            Ok(Stop::Syscall | Stop::Seccomp) if is_entry(&stopped) => {
                if !part::put_off_call(&mut stopped) {
                    self.detach(stopped, Point::Entry);
                    return Left::AtItsCall;
                }
                self.detach(stopped, Point::Mid);
            }
            Ok(Stop::Interrupted | Stop::Syscall) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.detach(stopped, Point::Mid);
            }
            _ => self.detach(stopped, Point::Mid),
        }
        Left::Now
    }

    /// Detaches a tracee that engines held, with what it still has to get.
    ///
    /// They leave first: a task may run only when nobody is told any more that he holds it (INV-22).
    fn part(&mut self, tracee: &mut Tracee, stopped: Stopped, point: Point) -> Left {
        let trap = tracee.may_trap() && step::trap_waits(tracee.tid);
        self.dismiss_engines(tracee);
        self.restore_mask(tracee);
        let point = match (point, &tracee.signals.hand) {
            (Point::Signal, Some(hand)) => {
                if let Err(gone) = stopped.set_siginfo(hand) {
                    self.note(tracee.tid, gone);
                }
                Point::User(hand.number(), super::tracee::Path::Signal)
            }
            _ => point,
        };
        if trap {
            // It waits behind the stop that engines held it in.
            let signal = if let Point::User(signal, _) = point { signal } else { 0 };
            if let Err(gone) = stopped.resume(Request::Cont, signal) {
                self.note(tracee.tid, gone);
            }
            return Left::WithTrap;
        }
        self.detach(stopped, point);
        Left::Now
    }

    /// A group stop survives a detach by itself (ptrace(2), "Attaching and detaching").
    ///
    /// Before a system call a tracee is resumed instead, and left by the end of this thread: PTRACE_DETACH wakes it
    /// as a signal does, and a call that could sleep would then end with `EINTR` (ptrace_signal_wake_up() in
    /// kernel/ptrace.c).
    fn detach(&self, stopped: Stopped, point: Point) {
        let tid = stopped.tid();
        part::switch_off_debug(tid);
        let (request, signal) = match point {
            Point::Entry => (Request::Cont, 0),
            Point::User(signal, _) => (Request::Detach, signal),
            _ => (Request::Detach, 0),
        };
        if let Err(gone) = stopped.resume(request, signal) {
            self.note(tid, gone);
        }
    }

    /// Drops a tracee: its engines leave without a death callback.
    fn forget(&mut self, tracee: Box<Tracee>) {
        let tid = tracee.tid;
        self.table.release(&tracee);
        let group = Rc::clone(&tracee.group);
        self.guarded(tid, || drop(tracee));
        self.shared.remove_task(tid);
        if let Some(outcome) = &group.outcome {
            let killed = group.origin == Origin::LaunchedDies;
            outcome.settle(Ok(if killed {
                Ending::Killed(libc::SIGKILL, CoreDump::No)
            } else {
                Ending::Left
            }));
        }
    }
}

/// How a stopped tracee was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    /// It is nobody's tracee.
    Now,
    /// Before a system call, which it makes now; an interrupt that was sent is still to come.
    AtItsCall,
    /// Not yet: the trap of a step is its next stop.
    WithTrap,
}

/// Whether an interrupted thread is on its way to a stop.
fn comes_soon(tid: Tid) -> bool {
    procfs::stat(tid).is_ok_and(|stat| !matches!(stat.state, State::Uninterruptible | State::Dead))
}

/// Whether a thread has, or waits for, a processor, or has just stopped.
pub(super) fn runs(tid: Tid) -> bool {
    procfs::stat(tid).is_ok_and(|stat| matches!(stat.state, State::Running | State::Traced))
}

/// Whether a thread that is awake has a signal to take, and has not stopped for it yet. Left now, its call would fail with
/// `EINTR` also if nothing comes of the signal: the kernel has queued it for the tracer's sake (sig_ignored() in
/// kernel/signal.c).
fn takes_signal(tid: Tid) -> bool {
    procfs::status(tid).is_ok_and(|status| status.has_signal())
}

/// Whether a tracee is stopped before a system call.
fn is_entry(stopped: &Stopped) -> bool {
    let at = stopped.syscall_info().map(|info| info.at);
    matches!(at, Ok(SyscallAt::Entry(..) | SyscallAt::Seccomp(..)))
}
