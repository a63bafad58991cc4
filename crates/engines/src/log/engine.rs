//! The log on one task: what each event makes of its line.
//!
//! Key types: [`LogEngine`]. A syscall is rendered into a text of the engine's own, without a lock, and then appended
//! to the page. Nothing is allocated on that way once the text has its size. Neighbours: [`super::page`] for lines,
//! [`crate::render`] for arguments.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use utrace_abi::ptrace::NT_PRSTATUS;
use utrace_abi::{Abi, UserRegs, WaitStatus};
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, ExecReport, ExitReport, JctlKind, JctlReport, Regset,
    SignalKind, SignalReport, SyscallEntry, SyscallExit, Target, TaskId,
};

use super::call::{Ended, Running, Start};
use super::choices::{Format, Mark, Message, Per, Status};
use super::page::Speaker;
use super::roll::Member;
use super::{Opening, Shared, json};
use crate::render::Outcome;

/// The log's engine on one task.
pub(super) struct LogEngine {
    pub(super) shared: Arc<Shared>,
    /// As of the last event: tells when it changes.
    id: TaskId,
    pub(super) member: Arc<Member>,
    /// The text of the syscall that is running, as far as it is known.
    pub(super) text: String,
    pub(super) running: Option<Running>,
    /// Of the last syscall.
    pub(super) abi: Abi,
    pub(super) number: u64,
    pub(super) pointer: u64,
    /// With JSON: the descriptors of the running syscall, and what they stand for.
    pub(super) fds: BTreeMap<i32, String>,
}

impl LogEngine {
    pub(super) fn new(shared: Arc<Shared>, id: TaskId, member: Arc<Member>) -> LogEngine {
        LogEngine {
            shared,
            id,
            member,
            text: String::with_capacity(256),
            running: None,
            abi: Abi::X86_64,
            number: 0,
            pointer: 0,
            fds: BTreeMap::new(),
        }
    }

    pub(super) fn is_json(&self) -> bool {
        self.shared.options.format == Format::Json
    }

    pub(super) fn speaker(&self, id: TaskId) -> Speaker {
        Speaker { id, number: self.number, pointer: Some(self.pointer) }
    }

    /// A whole line that is not a syscall.
    fn line(&self, id: TaskId, text: &str) {
        self.member.page.lock().line(self.speaker(id), text);
    }

    pub(super) fn write_object(&self, object: &impl serde::Serialize) {
        // Our objects have string keys and finite numbers only: that cannot fail.
        let text = serde_json::to_vec(object).unwrap_or_default();
        self.member.page.lock().raw_line(&text);
    }

    /// The thread is gone; whoever reads the file now should see it all.
    fn leave(&self) {
        self.shared.roll.leave(self.id, &self.member);
        self.member.page.lock().flush();
    }
}

impl Engine for LogEngine {
    fn name(&self) -> &str {
        "log"
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        // A repeated report, after somebody held the task here, is the same syscall.
        if !entry.resumed() || self.running.is_none() {
            self.begin(cx.task().id(), entry.call(), cx.target());
        }
        Action::Resume
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let now = self.shared.wants_time().then(Instant::now);
        let id = cx.task().id();
        let (running, spent) = match self.running.take() {
            Some(running) => (running, now.zip(running.since).map(|(now, since)| now - since)),
            None => (self.unseen(id, exit, cx.target()), None),
        };
        let ended = Ended {
            outcome: Outcome::Returned(exit.value()),
            injected: exit.changed(),
            delayed: exit.delayed(),
            spent,
        };
        self.end(id, running, ended, cx.target());
        if self.shared.is_lost() { Action::Detach } else { Action::Resume }
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        if matches!(signal.kind, SignalKind::Taken(_)) {
            let info = utrace_abi::SigInfo::from_bytes(signal.info.raw);
            if self.is_json() {
                self.write_object(&json::signal(cx.task().id(), &info));
            } else {
                let mut text = String::from("--- ");
                self.shared.renderer.signal(&info, &mut text);
                text.push_str(" ---");
                self.find_pointer(cx.target());
                self.line(cx.task().id(), &text);
            }
        }
        Action::Resume
    }

    fn jctl(&mut self, cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        let signals = self.shared.options.signals;
        let hidden = jctl.signal != 0 && !signals.contains(jctl.signal);
        if jctl.kind == JctlKind::Stopped && !hidden {
            let id = cx.task().id();
            let name = signal_name(jctl.signal);
            if self.is_json() {
                self.write_object(&json::Stopped::new(id, &name));
            } else {
                self.line(id, &format!("--- stopped by {name} ---"));
            }
        }
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        // A child that is gone already, or that another task's report has brought here, needs nothing.
        if !self.shared.is_lost() && Shared::follow(&self.shared, &clone.child) == Ok(true) {
            self.shared.announce(&clone.child);
        }
        Action::Resume
    }

    fn exec(&mut self, cx: &mut Cx<'_>, exec: &mut ExecReport) -> Action {
        let id = cx.task().id();
        if exec.former == id {
            return Action::Resume;
        }
        self.shared.roll.rename(exec.former, id, &self.member);
        self.id = id;
        if self.is_json() {
            self.write_object(&json::Superseded::new(id, exec.former));
            return Action::Resume;
        }
        if self.shared.options.per == Per::Task {
            // The file of the former id ends here, that of the new id goes on.
            let mut page = self.member.page.lock();
            if page.is_open(self.member.line) {
                page.abandon_line(&format!(" <pid changed to {id} ...>"));
            }
            page.close();
            drop(page);
            let page = self.shared.page_of(id, Opening::Again);
            self.member = self.shared.roll.succeed(id, &self.member, page);
        }
        if !self.shared.options.quiet.has(Message::ThreadExecve) {
            self.line(id, &format!("+++ superseded by execve in pid {} +++", exec.former));
        }
        Action::Resume
    }

    fn exit(&mut self, cx: &mut Cx<'_>, _exit: &mut ExitReport) -> Action {
        if let Some(running) = self.running.take() {
            self.end(cx.task().id(), running, Ended::NEVER, cx.target());
        }
        Action::Resume
    }

    fn death(&mut self, cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        let id = cx.task().id();
        if self.is_json()
            && let Some(running) = self.running.take()
        {
            // Killed inside it. In text its line has been begun, and stays unfinished.
            self.end(id, running, Ended::NEVER, cx.target());
        }
        if !self.shared.roll.is_superseded(id, &self.member) {
            let status = WaitStatus::decode(death.code.cast_signed());
            let quiet = self.shared.options.quiet.has(Message::Exit);
            if self.is_json() {
                self.write_object(&json::Exit::new(id, status));
            } else if !(quiet && matches!(status, WaitStatus::Exited(_))) {
                let who = Speaker { pointer: None, ..self.speaker(id) };
                self.member.page.lock().line(who, &death_line(status));
            }
        }
        self.leave();
        Action::Detach
    }
}

impl LogEngine {
    /// Where the task is now, if lines tell it.
    fn find_pointer(&mut self, target: &mut dyn Target) {
        let mut bytes = [0; UserRegs::SIZE];
        if self.shared.options.marks.has(Mark::Pointer)
            && target.regset(Regset(NT_PRSTATUS), &mut bytes) == Ok(UserRegs::SIZE)
        {
            self.pointer = UserRegs::from_bytes(&bytes).rip;
        }
    }

    /// A held-back call that was running when the tracer went.
    fn tell_detached(&self) {
        let wanted = self.shared.options.status.has(Status::Detached) && !self.is_json();
        if wanted && self.running.is_some_and(|running| running.start == Start::HeldBack) {
            let mut page = self.member.page.lock();
            page.lead(self.speaker(self.id));
            page.append(&self.text);
            page.append(" <detached ...>");
            page.end();
        }
    }
}

impl Drop for LogEngine {
    /// Detached alive, or never attached.
    fn drop(&mut self) {
        self.tell_detached();
        self.leave();
    }
}

/// A signal by name, a number without one as it is.
fn signal_name(number: u32) -> String {
    match utrace_abi::Signal::new(u64::from(number)) {
        Some(signal) => signal.name().to_owned(),
        None => number.to_string(),
    }
}

fn death_line(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(code) => format!("+++ exited with {code} +++"),
        WaitStatus::Signaled { signal, core_dumped } => {
            let core = if core_dumped { " (core dumped)" } else { "" };
            format!("+++ killed by {signal}{core} +++")
        }
        other => format!("+++ ended with status {:#x} +++", other.encode()),
    }
}
