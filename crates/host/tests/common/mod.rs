//! What the tests share: an engine that writes down everything it is told.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

use std::sync::{Arc, Mutex};

use utrace_abi::table::{Abi, lookup};
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, ExecReport, ExitReport, Interest, JctlReport, SignalReport,
    SyscallEntry, SyscallExit, Task,
};

/// Everything that the engines of one test were told, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|other| *other == line).count()
    }

    pub(crate) fn add(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    /// Attaches a follower with this interest.
    pub(crate) fn adopter(&self, interest: Interest) -> impl FnMut(&Task) + Send + 'static + use<> {
        let log = self.clone();
        move |task| {
            task.attach_for(interest, Follow { log: log.clone(), interest }).unwrap();
        }
    }
}

/// Logs what it is told and attaches itself to every child.
pub(crate) struct Follow {
    pub(crate) log: Log,
    pub(crate) interest: Interest,
}

pub(crate) fn name(index: u64) -> String {
    lookup(Abi::X86_64, index).map_or_else(|| index.to_string(), |info| info.name.to_owned())
}

impl Engine for Follow {
    fn name(&self) -> &str {
        "follow"
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        self.log.add(format!("entry {}", name(entry.call().index)));
        Action::Resume
    }

    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        self.log.add(format!("exit {} {}", name(exit.index()), exit.value()));
        Action::Resume
    }

    fn signal(&mut self, _cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        if signal.info.number != 0 {
            self.log.add(format!("signal {} {:?}", signal.info.number, signal.kind));
        }
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        self.log.add(format!("clone {:?}", clone.kind));
        let log = self.log.clone();
        clone.child.attach_for(self.interest, Follow { log, interest: self.interest }).unwrap();
        Action::Resume
    }

    fn exec(&mut self, _cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        self.log.add("exec".into());
        Action::Resume
    }

    fn exit(&mut self, _cx: &mut Cx<'_>, exit: &mut ExitReport) -> Action {
        self.log.add(format!("exiting {}", exit.code()));
        Action::Resume
    }

    fn jctl(&mut self, _cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        self.log.add(format!("jctl {:?} {}", jctl.kind, jctl.signal));
        Action::Resume
    }

    fn death(&mut self, _cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        self.log.add(format!("death {}", death.code));
        Action::Resume
    }

    fn reap(&mut self, _task: &Task) {
        self.log.add("reap".into());
    }
}
