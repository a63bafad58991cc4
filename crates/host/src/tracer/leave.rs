//! Letting tracees go so that nothing of ours stays behind.
//!
//! One that we hold is detached with the signal it was to get, its registers written back. One that runs is best
//! left by the end of the tracer thread, which disturbs nobody (facts/quiesce.md section 0), so that is how a host
//! ends. Where the thread goes on, the tracee is interrupted first, and its call made to start again by itself.

use std::collections::HashSet;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use super::Tracer;
use super::tracee::{Group, Interrupt, Origin, Point, Run, Tracee};
use crate::process::{CoreDump, Ending};
use crate::procfs;
use crate::quiesce;
use crate::stop::{Stop, decode};
use crate::sys::process as os;
use crate::sys::ptrace::{self, Request};
use crate::sys::wait;
use crate::tracee::Stopped;
use crate::types::Tid;

/// How long the end of a host waits for threads that it has interrupted.
const PATIENCE: Duration = Duration::from_millis(500);
/// wait4(2) has no time-out; this is how often it is asked meanwhile.
const NAP: Duration = Duration::from_micros(100);

impl Tracer {
    /// Leaves everything; the tracer thread ends right after.
    pub(super) fn leave_all(mut self) {
        let unanswered = self.shared.mailbox.close();
        // Dropping them tells who waits that the host has ended.
        drop(unanswered);
        let mut interrupted = HashSet::new();
        for tid in self.table.tids() {
            let Some(mut tracee) = self.table.take(tid) else { continue };
            let stops_at_calls = matches!(tracee.run, Run::Running(Request::Syscall));
            if tracee.interrupt != Interrupt::None || (stops_at_calls && runs(&tid)) {
                interrupted.insert(tid);
            }
            match core::mem::replace(&mut tracee.run, Run::Handled) {
                _ if tracee.group.origin == Origin::LaunchedDies => drop(os::kill(tid, libc::SIGKILL)),
                Run::Held(stopped, point) => self.detach(*stopped, point),
                Run::Running(_) | Run::Handled => {}
            }
            self.forget(tracee);
        }
        let early = core::mem::take(&mut self.early);
        for (_, news) in early {
            if let super::life::Early::Stopped { stopped, .. } = news {
                self.detach(*stopped, Point::Mid);
            }
        }
        self.collect(interrupted);
        // The doorbell dies with this thread.
        let _ = os::kill(self.bell, libc::SIGKILL);
        let _ = wait::wait_for(self.bell);
    }

    /// Takes the stops that are on their way, so that their signals arrive and their calls start again.
    ///
    /// A thread that we interrupted comes soon, unless it is in an uninterruptible sleep (a vfork parent, say):
    /// that one is left to the end of this thread, and nothing of it was disturbed yet.
    fn collect(&self, mut interrupted: HashSet<Tid>) {
        let patience = Instant::now() + PATIENCE;
        loop {
            match wait::poll_any() {
                Ok(Some((tid, status))) => {
                    interrupted.remove(&tid);
                    self.leave_at(tid, decode(status, 0));
                }
                Ok(None) if Instant::now() < patience && interrupted.iter().any(runs) => thread::sleep(NAP),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Leaves a tracee at a stop, when this thread is about to end.
    ///
    /// Not by a detach at a system call's entry: leaving a stop that way marks a signal as pending (kernel/ptrace.c,
    /// `__ptrace_unlink`), and a call such as epoll_wait(2) would begin with that and end with `EINTR` at once. It
    /// runs on instead, with no more stops to come, and the end of this thread lets go of it.
    fn leave_at(&self, tid: Tid, stop: Result<Stop, crate::stop::UnknownStop>) {
        if !matches!(stop, Ok(Stop::Syscall | Stop::Seccomp)) {
            return self.detach_at(tid, stop);
        }
        let mut stopped = Stopped::seen_by_wait(tid);
        let _ = quiesce::hide_interruption(&mut stopped);
        if let Err(gone) = stopped.resume(Request::Cont, 0) {
            self.note(tid, gone);
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
                Run::Held(stopped, point) => self.detach(*stopped, point),
                Run::Running(_) | Run::Handled => {
                    // ESRCH: it died, or is stopped already; the wait below tells.
                    let _ = ptrace::interrupt(tid);
                    if let Ok(status) = wait::wait_for(tid) {
                        self.detach_at(tid, decode(status, 0));
                    }
                }
            }
            self.forget(tracee);
        }
    }

    /// Detaches a tracee at a stop that nobody will report.
    fn detach_at(&self, tid: Tid, stop: Result<Stop, crate::stop::UnknownStop>) {
        let mut stopped = Stopped::seen_by_wait(tid);
        match stop {
            Ok(Stop::Exited(_) | Stop::Killed(..)) => {}
            Ok(Stop::Signal(signal)) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.detach(stopped, Point::User(signal, super::tracee::Path::Signal));
            }
            Ok(Stop::Interrupted | Stop::Syscall) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.detach(stopped, Point::Mid);
            }
            _ => self.detach(stopped, Point::Mid),
        }
    }

    /// A group stop survives a detach by itself (ptrace(2), "Attaching and detaching").
    fn detach(&self, stopped: Stopped, point: Point) {
        let tid = stopped.tid();
        let signal = if let Point::User(signal, _) = point { signal } else { 0 };
        if let Err(gone) = stopped.resume(Request::Detach, signal) {
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

/// Whether a thread has, or waits for, a processor: it may be on its way to a stop.
fn runs(tid: &Tid) -> bool {
    procfs::stat(*tid).is_ok_and(|stat| matches!(stat.state, procfs::State::Running | procfs::State::Traced))
}
