//! Leaving one process, or one thread, while the host goes on ([`crate::Host::detach`]).
//!
//! Engines go at once; the thread itself goes at a stop that its program cannot see: one that engines hold it in, the
//! next one of its own, or one that is made for it (`quiet`). A call that the kernel begins again by itself
//! is interrupted for that; any other is left to end first, and until then the thread is still our tracee in the
//! kernel's books, with nobody interested. `leave` has the end of the whole host.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;

use utrace_core::Task;

use super::Tracer;
use super::hook::Hook;
use super::leave::runs;
use super::report::task_id;
use super::step;
use super::tracee::{Group, Origin, Phase, Point, Run, Tracee};
use crate::error::HostError;
use crate::platform;
use crate::procfs;
use crate::quiesce;
use crate::quiet::Forever;
use crate::quiet::class::{self, Class};
use crate::quiet::place::{Call, Place, PlaceFile};
use crate::stop::Stop;
use crate::sys::ptrace::{self, Request, SyscallAt};
use crate::tracee::{Gone, Stopped};
use crate::types::Tid;

/// What is to be left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whole {
    /// Every thread of this process.
    Process(Tid),
    /// This thread.
    Thread(Tid),
}

/// Tells whether anybody uses one of these tasks; if not, they are left.
pub(crate) type Used = Box<dyn FnMut(&[Task]) -> bool + Send>;

/// A request to leave something.
pub(crate) struct DetachOrder {
    pub(crate) what: Whole,
    /// Whether anybody uses a task; it is not left if so.
    pub(crate) used: Option<Used>,
    pub(crate) reply: SyncSender<Result<(), HostError>>,
}

/// Threads that leave soon, together. When the last of them has, the caller is told.
pub(crate) struct Departure(SyncSender<Result<(), HostError>>);

impl Drop for Departure {
    fn drop(&mut self) {
        // Whoever asked may have given up.
        let _ = self.0.send(Ok(()));
    }
}

/// That a tracee leaves; who waits for it, unless it may take long.
pub(crate) struct Parting {
    waited_for: Option<Rc<Departure>>,
    /// It stepped, or had breakpoints: their trap would be a signal of the program's once nobody traces it.
    may_trap: bool,
}

/// `cs` of 64-bit user code (`__USER_CS`).
const USER_CS: u64 = 0x33;
/// Length of every system-call instruction of x86.
const CALL_LENGTH: u64 = 2;

impl Tracer {
    /// Serves a request to leave something.
    pub(super) fn part_order(&mut self, mut order: DetachOrder) {
        let tids = self.tids_of(order.what);
        if let Err(error) = self.may_part(order.what, &tids) {
            let _ = order.reply.send(Err(error));
            return;
        }
        if let Some(used) = &mut order.used {
            let tracees = tids.iter().filter_map(|tid| self.table.peek(*tid));
            let tasks: Vec<Task> = tracees.map(|tracee| tracee.task.clone()).collect();
            if used(&tasks) {
                let (Whole::Process(id) | Whole::Thread(id)) = order.what;
                let _ = order.reply.send(Err(HostError::InUse(id)));
                return;
            }
        }
        let departure = Rc::new(Departure(order.reply));
        for tid in tids {
            if let Some(tracee) = self.table.take(tid) {
                self.begin_parting(tracee, Some(Rc::clone(&departure)));
            }
        }
    }

    pub(super) fn tids_of(&mut self, what: Whole) -> Vec<Tid> {
        match what {
            Whole::Thread(tid) => vec![tid],
            Whole::Process(pid) => {
                let mut tids = self.table.tids();
                tids.retain(|tid| self.table.peek(*tid).is_some_and(|tracee| tracee.group.pid == pid));
                tids
            }
        }
    }

    /// The processes that have threads here.
    pub(super) fn processes(&self) -> HashSet<Tid> {
        let tids = self.table.tids().into_iter();
        tids.filter_map(|tid| self.table.peek(tid).map(|tracee| tracee.group.pid)).collect()
    }

    fn may_part(&self, what: Whole, tids: &[Tid]) -> Result<(), HostError> {
        let (Whole::Process(id) | Whole::Thread(id)) = what;
        let ours =
            tids.iter().filter_map(|tid| self.table.peek(*tid)).find(|tracee| tracee.parting.is_none());
        let tracee = ours.ok_or(HostError::NotTraced(id))?;
        // Without a tracer its answer to a filtered call would be ENOSYS (seccomp(2)).
        if tracee.group.filter.borrow().is_some() { Err(HostError::Filtered(id)) } else { Ok(()) }
    }

    /// Takes the engines off a tracee, and the tracee off us as soon as it can be had.
    fn begin_parting(&mut self, mut tracee: Box<Tracee>, waited_for: Option<Rc<Departure>>) {
        let may_trap = tracee.may_trap();
        self.dismiss_engines(&mut tracee);
        tracee.free_from_snare(Forever::Yes);
        tracee.parting = Some(Parting { waited_for, may_trap });
        match core::mem::replace(&mut tracee.run, Run::Handled) {
            Run::Held(stopped, point) => self.part_held(tracee, *stopped, point),
            // A child before its first stop, which comes by itself.
            Run::Handled => {
                tracee.run = Run::Running(Request::Cont);
                self.table.put(tracee);
            }
            Run::Running(request) => {
                tracee.run = Run::Running(request);
                self.seek_parting(&mut tracee, request);
                self.table.put(tracee);
            }
        }
    }

    /// They leave without a death callback. What stands in their place has no engines and never will.
    pub(super) fn dismiss_engines(&mut self, tracee: &mut Tracee) {
        let hook = Box::new(Hook::new(std::sync::Arc::clone(&self.shared), tracee.key, tracee.sign.clone()));
        let pid = task_id(tracee.group.pid);
        let (task, reporter, reaper) = Task::new(task_id(tracee.tid), pid, hook, platform::linux());
        let old = (
            core::mem::replace(&mut tracee.task, task),
            core::mem::replace(&mut tracee.reporter, reporter),
            tracee.reaper.replace(reaper),
        );
        self.guarded(tracee.tid, || drop(old));
        self.shared.remove_task(tracee.tid);
        tracee.step = None;
    }

    /// Finds the next stop of a running tracee that leaves, or makes one.
    fn seek_parting(&mut self, tracee: &mut Tracee, request: Request) {
        // In a group stop it stays stopped (ptrace(2), "Attaching and detaching").
        if request == Request::Listen {
            return self.interrupt_parting(tracee);
        }
        if let Ok(Place::Blocked(call)) = PlaceFile::open(tracee.tid).and_then(|file| file.read())
            && self.leaves_call(tracee, &call)
        {
            return;
        }
        self.bring_to_stop(tracee);
    }

    /// Interrupts the call that a tracee which leaves is blocked in, if nobody will notice. If not, nobody should
    /// wait for it.
    pub(super) fn leaves_call(&self, tracee: &mut Tracee, call: &Call) -> bool {
        let leaves =
            matches!(class::of(call), Class::Restarts | Class::Mendable) || reads_in_vain(tracee.tid, call);
        if leaves {
            self.interrupt_parting(tracee);
        // Its call can be read in `/proc/PID/syscall` also in a stop that we have not waited for: then it comes soon.
        } else if !runs(tracee.tid)
            && let Some(parting) = &mut tracee.parting
        {
            parting.waited_for = None;
        }
        leaves
    }

    fn interrupt_parting(&self, tracee: &Tracee) {
        // ESRCH: it died, or is stopped already, and wait4 will say so.
        if let Err(errno) = ptrace::interrupt(tracee.tid) {
            self.note(tracee.tid, Gone::of("interrupt", errno));
        }
    }

    /// A stop of a tracee that leaves.
    #[cold]
    pub(super) fn at_parting(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, stop: Stop) {
        tracee.quiet.found();
        match stop {
            Stop::Signal(signal) if tracee.quiet.echo() == Some(signal) && stopped.is_from_trap() => {
                tracee.quiet.heard();
                self.part_at(tracee, stopped, 0);
            }
            Stop::Signal(_) if may_trap(&tracee) && step::is_trap_of_ours(tracee.tid) => {
                self.part_at(tracee, stopped, 0);
            }
            Stop::Signal(signal) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.restore_mask(&mut tracee);
                self.part_at(tracee, stopped, signal);
            }
            Stop::Syscall => self.part_at_call(tracee, stopped),
            Stop::Interrupted | Stop::JobControl(_) => {
                let _ = quiesce::hide_interruption(&mut stopped);
                self.part_at(tracee, stopped, 0);
            }
            Stop::Born(_, Some(child)) => {
                self.part_with_child(&tracee, child);
                self.part_at(tracee, stopped, 0);
            }
            Stop::Exec(Some(former)) if former != tracee.tid => {
                let heir = self.take_over(tracee, former);
                self.part_at(heir, stopped, 0);
            }
            // A filter of the program's own, or an end: the stop itself is over with the detach.
            _ => self.part_at(tracee, stopped, 0),
        }
    }

    /// Its child was made our tracee by the kernel, and goes with it.
    fn part_with_child(&mut self, tracee: &Tracee, child: Tid) {
        let early = self.early.remove(&child);
        let status = super::life::look_if_ours(child);
        if self.table.contains(child) || (early.is_none() && status.is_none()) {
            return;
        }
        let tgid = status.map(|status| status.tgid);
        let group = super::life::child_group(tracee, child, tgid);
        let mut newborn = self.new_tracee(child, group, Phase::Living, Run::Running(Request::Cont));
        self.shared.remove_task(child);
        newborn.parting = Some(Parting { waited_for: None, may_trap: false });
        self.table.enter(&newborn);
        match early {
            None => self.table.put(newborn),
            Some(super::life::Early::Stopped { stopped, .. }) => self.part_at(newborn, *stopped, 0),
            Some(super::life::Early::Ended(ending)) => self.died(newborn, ending),
        }
    }

    /// One that engines held leaves from where it is, with what it still has to get.
    fn part_held(&mut self, mut tracee: Box<Tracee>, stopped: Stopped, point: Point) {
        self.restore_mask(&mut tracee);
        match point {
            Point::Entry => self.part_at_call(tracee, stopped),
            Point::User(signal, _) => self.part_at(tracee, stopped, signal),
            Point::Signal => {
                let hand = tracee.signals.hand.take();
                let signal = hand.map_or(0, |hand| match stopped.set_siginfo(&hand) {
                    Ok(()) => hand.number(),
                    Err(_) => 0,
                });
                self.part_at(tracee, stopped, signal);
            }
            _ => self.part_at(tracee, stopped, 0),
        }
    }

    /// At one end of a system call.
    fn part_at_call(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        match stopped.syscall_info().map(|info| info.at) {
            Ok(SyscallAt::Entry(nr, _) | SyscallAt::Seccomp(nr, _, _)) => {
                if tracee.aborted || !may_rewind(&mut stopped) {
                    return self.run_call(tracee, stopped);
                }
                match rewind(&mut stopped, nr) {
                    Ok(()) => self.part_at(tracee, stopped, 0),
                    Err(gone) => self.lost_parting(tracee, gone),
                }
            }
            Ok(SyscallAt::Exit(_)) => {
                if let (Some(restore), Some(call)) = (tracee.restore.take(), tracee.call.take()) {
                    let _ = super::untraced::put_back(restore, &mut stopped, &call);
                }
                let _ = quiesce::hide_interruption(&mut stopped);
                self.part_at(tracee, stopped, 0);
            }
            Ok(SyscallAt::Elsewhere) => self.part_at(tracee, stopped, 0),
            Err(gone) => self.lost_parting(tracee, gone),
        }
    }

    /// The call is made first: it leaves at its exit.
    fn run_call(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped) {
        if let Some(parting) = &mut tracee.parting {
            parting.waited_for = None;
        }
        if core::mem::take(&mut tracee.aborted) {
            let _ = stopped.change_regs(|regs| regs.orig_rax = u64::MAX);
        }
        self.resume(tracee, stopped, Request::Syscall, 0);
    }

    fn lost_parting(&mut self, mut tracee: Box<Tracee>, gone: Gone) {
        self.note(tracee.tid, gone);
        tracee.run = Run::Running(Request::Cont);
        self.table.put(tracee);
    }

    /// Detaches at a stop, and forgets; at the next one, if that is for a trap of ours.
    fn part_at(&mut self, tracee: Box<Tracee>, stopped: Stopped, signal: i32) {
        if may_trap(&tracee) && step::trap_waits(tracee.tid) {
            return self.resume(tracee, stopped, Request::Cont, signal);
        }
        switch_off_debug(tracee.tid);
        if let Err(gone) = stopped.resume(Request::Detach, signal) {
            return self.lost_parting(tracee, gone);
        }
        if tracee.tid == tracee.group.pid
            && tracee.group.origin != Origin::Attached
            && let Some(outcome) = &tracee.group.outcome
        {
            // Our child all the same: its end is news that nobody waits for.
            self.children.insert(tracee.tid, std::sync::Arc::clone(outcome));
        }
        let group = Rc::clone(&tracee.group);
        self.table.release(&tracee);
        drop(tracee);
        self.settle_if_left(&group);
    }

    /// Says of a process that it was left, once none of its threads is ours any more. The leader goes first or last,
    /// and the last one may also have died.
    pub(super) fn settle_if_left(&self, group: &Rc<Group>) {
        let Some(outcome) = &group.outcome else { return };
        let of_group = |tid: &Tid| self.table.peek(*tid).is_some_and(|t| Rc::ptr_eq(&t.group, group));
        if !self.table.contains(group.pid) && !self.table.tids().iter().any(of_group) {
            outcome.settle(Ok(crate::process::Ending::Left));
        }
    }
}

/// Whether the trap of a step or of a breakpoint may come to a tracee that leaves.
fn may_trap(tracee: &Tracee) -> bool {
    tracee.parting.as_ref().is_some_and(|parting| parting.may_trap)
}

/// Whether this is a read that has got nothing yet and begins again when interrupted: of what gives all it has at
/// once, and knows no time limit (facts/quiesce.md section 1).
fn reads_in_vain(tid: Tid, call: &Call) -> bool {
    let number = i64::try_from(call.number);
    let link = std::fs::read_link(format!("/proc/{tid}/fd/{}", call.args[0]));
    number == Ok(libc::SYS_read)
        && link.is_ok_and(|link| {
            let link = link.to_string_lossy();
            ["pipe:", "/dev/pts/", "/dev/tty", "anon_inode:[eventfd]", "anon_inode:inotify"]
                .iter()
                .any(|kind| link.starts_with(kind))
        })
}

/// No breakpoint of ours may stay: its hit would kill a program that nobody traces.
pub(super) fn switch_off_debug(tid: Tid) {
    /// The control register.
    const CONTROL: usize = 7;
    if ptrace::debug_register(tid, CONTROL).is_ok_and(|control| control != 0) {
        let _ = ptrace::set_debug_register(tid, CONTROL, 0);
    }
}

/// Takes a tracee that is stopped before a call back to before the instruction, if that can be done.
pub(super) fn put_off_call(stopped: &mut Stopped) -> bool {
    let Ok(SyscallAt::Entry(nr, _)) = stopped.syscall_info().map(|info| info.at) else { return false };
    may_rewind(stopped) && rewind(stopped, nr).is_ok()
}

/// Whether a call that has not begun can be put off: not where a filter of the program's would see the call that
/// stands in for it.
fn may_rewind(stopped: &mut Stopped) -> bool {
    let native = stopped.regs().is_ok_and(|regs| regs.cs == USER_CS);
    native && procfs::status(stopped.tid()).is_ok_and(|status| status.seccomp == 0)
}

/// From the entry of a call to before the instruction that makes it: it is skipped, and will be made again. Detached
/// at the entry itself, a call that sleeps would fail with `EINTR` (ptrace_signal_wake_up() in kernel/ptrace.c).
///
/// One write does it: call -1 is none, the kernel leaves its result as it is written here, and where it returns to is the
/// instruction again. So nothing is half done if we are killed, and no second stop is needed: it can be left at once.
fn rewind(stopped: &mut Stopped, nr: u64) -> Result<(), Gone> {
    stopped.change_regs(|regs| {
        regs.rip = regs.rip.wrapping_sub(CALL_LENGTH);
        regs.rax = nr;
        regs.orig_rax = u64::MAX;
    })?;
    stopped.flush()
}

#[cfg(test)]
mod tests {
    use super::{Stopped, may_rewind, rewind};
    use crate::stop::{Stop, decode};
    use crate::sys::ptrace::{self, Options, Request, SyscallAt};
    use crate::sys::wait;
    use crate::types::Tid;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    fn next(tid: Tid) -> Stop {
        decode(wait::wait_for(tid).unwrap(), 0).unwrap()
    }

    /// As if we were killed right after the one write: it goes on and makes its call, which it does not see fail.
    #[test]
    fn a_call_that_is_put_off_is_made_although_nobody_follows_it() {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let tid = Tid::new(cat.id().cast_signed()).unwrap();
        ptrace::seize(tid, Options::EVERYTHING).unwrap();
        ptrace::interrupt(tid).unwrap();
        next(tid);
        let entry = loop {
            ptrace::resume(tid, Request::Syscall, 0).unwrap();
            next(tid);
            let info = ptrace::syscall_info(tid).unwrap();
            if let SyscallAt::Entry(0, args) = info.at
                && args[0] == 0
            {
                break info;
            }
        };
        let mut stopped = Stopped::seen_by_wait(tid);
        assert!(may_rewind(&mut stopped));
        rewind(&mut stopped, 0).unwrap();
        ptrace::resume(tid, Request::Syscall, 0).unwrap();
        next(tid);
        let regs = ptrace::regs(tid).unwrap();
        assert_eq!((regs.rip, regs.rax), (entry.ip - 2, 0), "before its call, skipped once");
        ptrace::resume(tid, Request::Syscall, 0).unwrap();
        next(tid);
        assert_eq!(ptrace::syscall_info(tid).unwrap(), entry, "the same call");
        ptrace::resume(tid, Request::Detach, 0).unwrap();
        cat.stdin.take().unwrap().write_all(b"through\n").unwrap();
        let done = cat.wait_with_output().unwrap();
        assert!(done.status.success());
        assert_eq!(done.stdout, b"through\n");
    }
}
