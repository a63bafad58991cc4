//! What other threads, and callbacks, ask of the tracer thread.

use std::sync::mpsc::SyncSender;

use utrace_core::{Event, Task};

use super::join::{Attaching, Company};
use super::part::DetachOrder;
use super::table::Key;
use super::tracee::{Interrupt, Phase, Run, Tracee};
use super::view::{self, RegsetOrder};
use super::{Flow, Tracer};
use crate::command::AfterTracer;
use crate::error::HostError;
use crate::join::Enlisted;
use crate::process::Process;
use crate::quiet::place::Sight;
use crate::regset;
use crate::stop::{Stop, decode};
use crate::sys::ptrace::{self, Request};
use crate::sys::spawn::Plan;
use crate::sys::wait;
use crate::tracee::Stopped;
use crate::types::Tid;

/// A request to the tracer thread.
pub(crate) enum Message {
    /// Launch a program.
    Launch(LaunchOrder),
    /// Attach to a process.
    Attach(AttachOrder),
    /// Attach to several.
    AttachAll(AttachAllOrder),
    /// Have the tracee report before user mode, without its noticing.
    Report(Key),
    /// Have the tracee report on the signal path, ending a sleep.
    Interrupt(Key),
    /// The last engine that held the tracee let go.
    Wake(Key),
    /// Engines of a running tracee are marked for detach.
    Tidy(Key),
    /// Engines of the tracee want more than before.
    Interest(Key),
    /// Read or write registers of a held tracee.
    Regset(RegsetOrder),
    /// Threads that could not be caught at once are to be looked at again.
    Recheck,
    /// Leave a process or a thread.
    Detach(DetachOrder),
    /// Leave everything and end.
    Shutdown,
}

impl Message {
    /// Whether serving one of them serves both: wishes that are looked up when they are served, not carried along.
    pub(crate) fn is_same_wish(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Report(one), Self::Report(two))
            | (Self::Interrupt(one), Self::Interrupt(two))
            | (Self::Tidy(one), Self::Tidy(two))
            | (Self::Interest(one), Self::Interest(two)) => one == two,
            _ => false,
        }
    }

    /// Whether who sent it usually wants something else right after it is done: who attaches, stops and looks.
    pub(crate) fn has_sequel(&self) -> bool {
        matches!(self, Self::Attach(_) | Self::Report(_) | Self::Regset(_))
    }
}

/// Everything for a launch.
pub(crate) struct LaunchOrder {
    pub(crate) plan: Plan,
    pub(crate) after: AfterTracer,
    pub(crate) adopt: Box<dyn FnOnce(&Task) + Send>,
    pub(crate) reply: SyncSender<Result<Process, HostError>>,
}

/// Everything for an attach.
pub(crate) struct AttachOrder {
    pub(crate) pid: Tid,
    pub(crate) how: Attaching,
    pub(crate) adopt: Box<dyn FnMut(&Task) + Send>,
    pub(crate) reply: SyncSender<Result<Enlisted, HostError>>,
}

/// Everything for an attach to several processes.
pub(crate) struct AttachAllOrder {
    pub(crate) pids: Vec<Tid>,
    pub(crate) company: Company,
    pub(crate) adopt: Box<dyn FnMut(&Task) + Send>,
    /// One answer for each, in order.
    pub(crate) reply: SyncSender<Vec<Result<Process, HostError>>>,
}

impl Tracer {
    pub(super) fn serve_one(&mut self, message: Message) -> Flow {
        match message {
            Message::Launch(order) => {
                // A child inherits place and policy.
                self.placement.go_home();
                let result = self.launch(&order.plan, order.after, order.adopt);
                // Whoever asked may have given up.
                let _ = order.reply.send(result);
            }
            Message::Attach(mut order) => {
                self.placement.go_home();
                let result = self.attach_order(order.pid, order.how, &mut order.adopt);
                let _ = order.reply.send(result);
            }
            Message::AttachAll(mut order) => {
                self.placement.go_home();
                let results = self.attach_each(&order.pids, order.company, &mut order.adopt);
                let _ = order.reply.send(results);
            }
            Message::Report(key) => self.with(key, super::Tracer::ask_report),
            Message::Interrupt(key) => {
                self.with(key, |tracer, tracee| {
                    tracee.signals.asked = true;
                    tracer.interrupt(tracee, Interrupt::Asked);
                });
            }
            Message::Interest(key) => self.with(key, super::Tracer::ask_calls),
            Message::Tidy(key) => self.with(key, |_, tracee| tracee.reporter.tidy()),
            Message::Wake(key) => self.wake(key),
            Message::Regset(order) => self.serve_regset(order),
            Message::Recheck => self.look_again(),
            Message::Detach(order) => self.part_order(order),
            Message::Shutdown => return Flow::End,
        }
        Flow::On
    }

    fn with(&mut self, key: Key, act: impl FnOnce(&mut Self, &mut Tracee)) {
        if let Some(mut tracee) = self.table.take_key(key) {
            act(self, &mut tracee);
            self.table.put(tracee);
        }
    }

    /// A report is owed: find the next stop, or make one.
    fn ask_report(&mut self, tracee: &mut Tracee) {
        self.bring_to_stop(tracee);
    }

    /// Engines want system calls: a tracee that was resumed without them must be stopped once.
    fn ask_calls(&mut self, tracee: &mut Tracee) {
        self.ask_calls_of_seen(tracee, None);
    }

    /// The same for one that was looked at just now.
    pub(super) fn ask_calls_of_seen(&mut self, tracee: &mut Tracee, sight: Option<Sight>) {
        let resumed_without = matches!(tracee.run, Run::Running(Request::Cont));
        let wanted = tracee.task.asked_for(Event::SyscallEntry) || tracee.task.asked_for(Event::SyscallExit);
        if resumed_without && wanted && !tracee.is_covered_by_filter() {
            self.bring_seen_to_stop(tracee, sight);
        }
    }

    pub(super) fn interrupt(&mut self, tracee: &mut Tracee, why: Interrupt) {
        let running = matches!(tracee.run, Run::Running(request) if request != Request::Listen);
        // A child before its first stop, and a launch before its exec, come by themselves.
        if !running || tracee.phase != Phase::Living {
            return;
        }
        if tracee.interrupt != Interrupt::Asked {
            tracee.interrupt = why;
        }
        // Also if one is on its way already: the last may have been used up by another stop. ESRCH: it is dead or
        // stopped already, and wait4 will say so.
        if let Err(errno) = ptrace::interrupt(tracee.tid) {
            self.note(tracee.tid, crate::tracee::Gone::of("interrupt", errno));
        }
    }

    fn serve_regset(&mut self, order: RegsetOrder) {
        let Some(mut tracee) = self.table.take_key(order.key) else {
            return drop(order.reply.send(Err(utrace_core::TargetError::Died)));
        };
        if order.set == regset::DEBUG && order.write.is_none() {
            let _ = order.reply.send(view::serve_debug(&tracee.sign, None));
            return self.table.put(tracee);
        }
        let listens = matches!(tracee.run, Run::Running(Request::Listen));
        let answer = match &mut tracee.run {
            _ if listens => match order.known(&tracee.group_regs) {
                Some(bytes) => Ok(bytes),
                None => return self.serve_listener(tracee, order),
            },
            Run::Held(..) if order.set == regset::DEBUG => view::serve_debug(&tracee.sign, order.write),
            Run::Held(stopped, _) => view::serve_regset(stopped, order.set, order.write),
            Run::Running(_) if order.write.is_none() => view::regset_of_resumed(tracee.tid, order.set),
            Run::Running(_) | Run::Handled => Err(utrace_core::TargetError::Unsupported),
        };
        self.table.put(tracee);
        let _ = order.reply.send(answer);
    }

    /// A tracee in a group stop shows no registers while we listen (ptrace(2), PTRACE_LISTEN). Interrupted, it stops
    /// anew where it is, or tells that the process goes on, or is dead.
    #[cold]
    fn serve_listener(&mut self, mut tracee: Box<Tracee>, order: RegsetOrder) {
        let tid = tracee.tid;
        tracee.interrupt = Interrupt::Quiet;
        self.table.put(tracee);
        // ESRCH: it has stopped already, or died, and the wait tells which.
        let _ = ptrace::interrupt(tid);
        let Ok(status) = wait::wait_for(tid) else {
            return drop(order.reply.send(Err(utrace_core::TargetError::Died)));
        };
        let answer = match decode(status, 0) {
            Ok(Stop::Exited(_) | Stop::Killed(..)) => Err(utrace_core::TargetError::Died),
            _ => view::serve_regset(&mut Stopped::held(tid), order.set, order.write),
        };
        let _ = order.reply.send(answer);
        self.handle(tid, status);
    }
}
