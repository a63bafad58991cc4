//! Job control for a launched program: hearing when it stops and goes on, stopping with it, passing signals on.
//!
//! Key types: [`Watch`], an engine that hears job control of the program's process; [`Program`], which signals are
//! passed on to. Neighbours: `run`, which has the loop. A shell sees utrace, not the program: what the program does
//! utrace must do too, and what is done to utrace must be done to the program.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Sender;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use utrace_core::{
    Action, CloneKind, CloneReport, Cx, Engine, Event, EventSet, ExecReport, JctlKind, JctlReport, Task,
};

/// Hears stops of one process on its leader. It follows threads only because one of them may become the leader,
/// by an exec (ptrace(2), "execve(2) under ptrace").
pub struct Watch<M> {
    to: Sender<M>,
    wrap: fn(JctlKind) -> M,
}

impl<M: Send + 'static> Watch<M> {
    /// Has the stops of `task`'s process sent to `to`. A task that is dead already has none.
    pub fn attach(task: &Task, to: Sender<M>, wrap: fn(JctlKind) -> M) {
        let _ = task.attach_for(Event::Jctl | Event::Clone, Watch { to, wrap });
    }

    fn threads() -> EventSet {
        Event::Clone | Event::Exec
    }
}

impl<M: Send + 'static> Engine for Watch<M> {
    fn name(&self) -> &str {
        "job control"
    }

    fn jctl(&mut self, _cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        // Nobody listens any more when utrace is about to end.
        let _ = self.to.send((self.wrap)(jctl.kind));
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        if clone.kind == CloneKind::Thread {
            let watch = Watch { to: self.to.clone(), wrap: self.wrap };
            let _ = clone.child.attach_for(Self::threads(), watch);
        }
        Action::Resume
    }

    fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        // Whoever execs is the leader from now on.
        let _ = cx.engine().set_events(Event::Jctl | Event::Clone);
        Action::Resume
    }
}

/// A launched program, as signals can be sent to it.
#[derive(Debug)]
pub struct Program(Option<OwnedFd>);

impl Program {
    /// The process with this id, which must not have been reaped for long: a pidfd never means another process.
    #[must_use]
    pub fn new(pid: i32) -> Program {
        Program(Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()))
    }

    /// Sends it a signal. If it is gone there is nobody to tell.
    pub fn send(&self, signal: i32) {
        if let (Some(fd), Some(signal)) = (&self.0, Signal::from_named_raw(signal)) {
            let _ = pidfd_send_signal(fd, signal);
        }
    }
}

/// Whether there is a terminal, and so perhaps a shell that waits to see us stop. Without one a stopped utrace
/// would be continued by nobody.
#[must_use]
pub fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

/// Stops this process until somebody continues it.
pub fn stop_here() {
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
}
