//! Launching a program so that nothing of it is missed.
//!
//! The child is forked by the tracer thread, prepares itself, waits on a socket until it is seized and stopped, and is then
//! handed to `adopt`, which attaches engines. What they want decides on the filter, which the child installs itself. What
//! it does up to its execve is ours and is not reported.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use utrace_core::{Action, Caught, Event, Task, Verdict};

use super::Tracer;
use super::tracee::{Group, Launch, Origin, Path, Phase, Point, Run, Tracee};
use super::untraced;
use crate::command::AfterTracer;
use crate::error::HostError;
use crate::filter;
use crate::process::{Outcome, Process};
use crate::stop::{Stop, decode};
use crate::sys::Errno;
use crate::sys::process as os;
use crate::sys::ptrace::{self, Options, Request};
use crate::sys::spawn::{self, Fate, Insn, Listens, Plan};
use crate::sys::wait;
use crate::tracee::Stopped;
use crate::types::Tid;

impl Tracer {
    pub(super) fn launch(
        &mut self,
        plan: &Plan,
        after: AfterTracer,
        adopt: Box<dyn FnOnce(&Task) + Send>,
    ) -> Result<Process, HostError> {
        let path = PathBuf::from(OsStr::from_bytes(plan.path.as_bytes()));
        let mut embryo = spawn::fork_embryo(plan).map_err(HostError::Fork)?;
        let pid = embryo.pid;
        let (options, origin) = match after {
            AfterTracer::Dies => (Options::EVERYTHING.with_exitkill(), Origin::LaunchedDies),
            AfterTracer::LivesOn => (Options::EVERYTHING, Origin::LaunchedLives),
        };
        embryo.await_ready();
        if let Err(errno) = seize_child(pid, options) {
            let _ = os::kill(pid, libc::SIGKILL);
            let _ = wait::wait_for(pid);
            // It may have ended by itself before we could seize it, and says why.
            return Err(match embryo.fate() {
                Fate::Failed(step, errno) => HostError::Launch(path, step, errno),
                Fate::Silent => HostError::Ptrace("seize", pid, errno),
            });
        }
        let outcome = Arc::new(Outcome::default());
        let group = Rc::new(Group {
            pid,
            origin,
            filter: RefCell::new(None),
            outcome: Some(Arc::clone(&outcome)),
            embryo: RefCell::new(Some(Launch { embryo, path })),
            habits: super::snare::Habits::new(),
        });
        let tracee = self.new_tracee(pid, group, Phase::Embryo, Run::Handled);
        let task = tracee.task.clone();
        self.table.insert(tracee);
        self.guarded(pid, || adopt(&task));
        if let Some(tracee) = self.table.take(pid) {
            self.let_go(tracee)?;
        }
        Ok(Process { pid, tasks: vec![task], outcome })
    }

    /// Sends the stopped embryo on to its exec.
    fn let_go(&mut self, tracee: Box<Tracee>) -> Result<(), HostError> {
        let caught = self.desks.answerer.as_ref().map(|answerer| Arc::clone(&answerer.calls));
        let (program, listens) = choose_filter(&tracee, caught.as_deref().unwrap_or_default());
        let sent = match &mut *tracee.group.embryo.borrow_mut() {
            Some(launch) => launch.embryo.go(&program, listens),
            None => Ok(()),
        };
        let tid = tracee.tid;
        let stopped = Stopped::seen_by_wait(tid);
        self.conclude(tracee, stopped, Point::User(0, Path::Plain), Verdict::Go(Action::Resume));
        // It was killed before its time; its death is told like any other.
        sent.or_else(
            |errno| if errno == Errno::EPIPE { Ok(()) } else { Err(HostError::Ptrace("start", tid, errno)) },
        )
    }
}

/// The filter for exactly what is wanted and answered. Calls that engines want to see stop by it where they are neither
/// none nor all and the tree dies with us: nobody answers for us at such a stop, but at a question the guardian does.
pub(super) fn choose_filter(tracee: &Tracee, caught: &[Caught]) -> (Vec<Insn>, Listens) {
    let task = &tracee.task;
    let wanted = task.wanted().syscalls;
    let asked = task.asked_for(Event::SyscallEntry) || task.asked_for(Event::SyscallExit);
    let listens = if caught.is_empty() { Listens::No } else { Listens::Yes };
    if tracee.group.origin != Origin::LaunchedDies || !asked || wanted.is_empty() || wanted.is_all() {
        let program = if caught.is_empty() { Vec::new() } else { filter::program(None, caught) };
        return (program, listens);
    }
    let mut stops = wanted;
    untraced::add_clones(&mut stops);
    // A call that is asked about makes no stop by the filter: who wants to see it must stop at all of them.
    let native = caught.iter().filter(|call| call.arch == filter::ARCH_X86_64);
    let mut covers = stops;
    native.for_each(|call| covers.remove(u64::from(call.number)));
    *tracee.group.filter.borrow_mut() = Some(Rc::new(covers));
    (filter::program(Some(&stops), caught), listens)
}

/// Seizes our child and brings it to a stop, in which it stays.
fn seize_child(pid: Tid, options: Options) -> Result<(), Errno> {
    ptrace::seize(pid, options)?;
    ptrace::interrupt(pid)?;
    loop {
        let status = wait::wait_for(pid)?;
        match decode(status, 0) {
            Ok(Stop::Interrupted) => return Ok(()),
            Ok(Stop::Exited(_) | Stop::Killed(..)) => return Err(Errno::ESRCH),
            // Only SIGSTOP gets through to it: somebody stops our whole group; it joins when it is asked again.
            _ => ptrace::resume(pid, Request::Cont, 0)?,
        }
    }
}
