//! The log on one task: what each event makes of its line.
//!
//! Key types: [`LogEngine`]. A syscall is rendered into a text of the engine's own, without a lock, and then appended
//! to the page. Nothing is allocated on that way once the text has its size. Neighbours: [`super::page`] for lines,
//! [`crate::render`] for arguments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use utrace_abi::ptrace::NT_PRSTATUS;
use utrace_abi::{Abi, Arg, Ret, UserRegs, WaitStatus};
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, ExecReport, ExitReport, JctlKind, JctlReport, Regset,
    SignalKind, SignalReport, Syscall, SyscallEntry, SyscallExit, Target, TaskId,
};

use super::choices::{Format, Mark, Message, Per, Status};
use super::memory::TargetMemory;
use super::page::{Page, Speaker};
use super::roll::Member;
use super::{Opening, Shared, json};
use crate::render::{self, Call, Detail, Memory as _, Outcome, Pending, Renderer};

/// The log's engine on one task.
pub(super) struct LogEngine {
    shared: Arc<Shared>,
    /// As of the last event: tells when it changes.
    id: TaskId,
    pub(super) member: Arc<Member>,
    /// The text of the syscall that is running, as far as it is known.
    text: String,
    running: Option<Running>,
    /// Of the last syscall.
    abi: Abi,
    number: u64,
    pointer: u64,
    /// With JSON: the descriptors of the running syscall, and what they stand for.
    fds: BTreeMap<i32, String>,
}

/// A syscall between entry and exit.
#[derive(Clone, Copy)]
struct Running {
    call: Call,
    pending: Pending,
    /// Read only if somebody is to see the time: on some machines a clock costs as much as all else here.
    since: Option<Instant>,
    start: Start,
    style: Style,
}

/// How a syscall's arguments are shown.
#[derive(Clone, Copy)]
enum Style {
    Decoded(Renderer),
    /// As numbers.
    Raw(Renderer),
}

/// What is known of a syscall's beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Its line was begun at entry.
    Shown,
    /// Its text is held back until it has ended.
    HeldBack,
    /// It is not to be shown.
    Hidden,
    /// It began before anybody looked, and nobody knows its arguments.
    Unseen,
}

/// How a syscall ended, and who had a hand in it.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) injected: bool,
    pub(super) delayed: bool,
    pub(super) spent: Option<Duration>,
}

impl Ended {
    /// Its thread ends in it.
    const NEVER: Ended = Ended { outcome: Outcome::Unknown, injected: false, delayed: false, spent: None };
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

    fn is_json(&self) -> bool {
        self.shared.options.format == Format::Json
    }

    /// Whether a line is begun at entry, or held back until it is known whether it is to be shown.
    fn begins_at_entry(&self) -> bool {
        self.shared.options.format == Format::Text && self.shared.options.status.is_all()
    }

    fn speaker(&self, id: TaskId) -> Speaker {
        Speaker { id, number: self.number, pointer: Some(self.pointer) }
    }

    fn begin(&mut self, id: TaskId, syscall: &Syscall, target: &mut dyn Target) {
        let call = call_of(syscall);
        if call.abi != self.abi {
            self.abi = call.abi;
            self.shared.announce_mode(id, 8 * call.abi.word());
        }
        (self.number, self.pointer) = (call.nr, syscall.ip.0);
        self.text.clear();
        let mut memory = TargetMemory { target, id, sockets: &self.shared.sockets };
        let style = self.style(syscall.index);
        let mut start = Start::HeldBack;
        let mut pending = Pending::default();
        if !self.shared.paths.is_empty() && !self.shared.paths.touched(&call, &mut memory) {
            start = Start::Hidden;
        } else {
            pending = match style {
                Style::Decoded(renderer) => renderer.entry(&call, &mut memory, &mut self.text),
                Style::Raw(renderer) => renderer.raw(&call, &mut self.text),
            };
            if self.tells_fds() {
                self.fds.clear();
                keep_fds(&call, &mut memory, &mut self.fds);
            }
        }
        if self.begins_at_entry() && start != Start::Hidden {
            start = Start::Shown;
            self.member.page.lock().begin(self.speaker(id), self.member.line, &self.text);
        }
        let since = self.shared.wants_time().then(Instant::now);
        self.running = Some(Running { call, pending, since, start, style });
    }

    fn style(&self, index: u64) -> Style {
        let options = &self.shared.options;
        let detail = if options.abbrev.contains(index) { Detail::Abbreviated } else { Detail::Full };
        let renderer = self.shared.renderer.with_detail(detail);
        if options.raw.contains(index) { Style::Raw(renderer) } else { Style::Decoded(renderer) }
    }

    /// Whether objects tell what descriptors stand for.
    fn tells_fds(&self) -> bool {
        self.is_json() && !self.shared.options.render.fds.is_empty()
    }

    /// Whether a syscall that ended so is to be shown.
    fn is_shown(&self, running: &Running, outcome: Outcome) -> bool {
        let status = match outcome {
            Outcome::Unknown => Status::Unfinished,
            Outcome::Returned(value) if is_error(value) => Status::Failed,
            Outcome::Returned(_) => Status::Successful,
        };
        running.start != Start::Hidden && self.shared.options.status.has(status)
    }

    /// The running syscall has ended, or its thread has.
    fn end(&mut self, id: TaskId, mut running: Running, ended: Ended, target: &mut dyn Target) {
        if !self.is_shown(&running, ended.outcome) {
            return;
        }
        let (Style::Decoded(renderer) | Style::Raw(renderer)) = running.style;
        let mut memory = TargetMemory { target, id, sockets: &self.shared.sockets };
        let known = self.text.len();
        match running.start {
            Start::Unseen => self.text.push(')'),
            _ => {
                let Running { call, pending, .. } = &mut running;
                renderer.exit(call, pending, ended.outcome, &mut memory, &mut self.text);
            }
        }
        let arguments = self.text.len();
        if self.is_json() {
            if let (Some(Ret::Fd), Outcome::Returned(fd)) =
                (running.call.info().map(|i| i.ret), ended.outcome)
                && self.tells_fds()
            {
                keep_fd(i32::try_from(fd).unwrap_or(-1), &mut memory, &mut self.fds);
            }
            let object =
                json::syscall(id, &running.call, &running.pending, &self.text, &ended).with_fds(&self.fds);
            return self.write_object(&object);
        }
        match running.style {
            Style::Decoded(_) => renderer.result(&running.call, ended.outcome, &mut memory, &mut self.text),
            Style::Raw(_) => {
                renderer.raw_result(&running.call, ended.outcome, &mut memory, &mut self.text);
            }
        }
        if ended.injected {
            self.text.push_str(" (INJECTED)");
        }
        if ended.delayed {
            self.text.push_str(" (DELAYED)");
        }
        if self.shared.options.spent
            && let Some(spent) = ended.spent
        {
            // String's writer cannot fail.
            let _ = write!(self.text, " <{}.{:06}>", spent.as_secs(), spent.subsec_micros());
        }
        let mut page = self.member.page.lock();
        let begun = self.resume(&mut page, id, &running, known);
        page.append(self.text.get(begun..arguments).unwrap_or_default());
        page.tab();
        page.append(self.text.get(arguments..).unwrap_or_default());
        page.end();
    }

    /// Comes back to the line of the running syscall; answers how much of the text is on it already.
    fn resume(&self, page: &mut Page, id: TaskId, running: &Running, known: usize) -> usize {
        if page.is_open(self.member.line) {
            return known;
        }
        page.lead(self.speaker(id));
        if running.start == Start::Shown {
            let name = running.call.info().map(|info| info.name);
            // A number without a name stands at the beginning of the text.
            let name = name.or_else(|| self.text.split('(').next()).unwrap_or_default();
            for part in ["<... ", name, " resumed>"] {
                page.append(part);
            }
            known
        } else {
            0
        }
    }

    /// A whole line that is not a syscall.
    fn line(&self, id: TaskId, text: &str) {
        self.member.page.lock().line(self.speaker(id), text);
    }

    fn write_object(&self, object: &impl serde::Serialize) {
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

    /// The exit of a syscall that began before anybody looked (SC-54).
    fn unseen(&mut self, id: TaskId, exit: &SyscallExit, target: &mut dyn Target) -> Running {
        self.text.clear();
        self.fds.clear();
        let renderer = self.shared.renderer;
        let (call, pending, start) = match exit.call() {
            Some(call) => {
                let call = call_of(call);
                let mut memory = TargetMemory { target, id, sockets: &self.shared.sockets };
                let pending = renderer.entry(&call, &mut memory, &mut self.text);
                (call, pending, Start::HeldBack)
            }
            None => {
                let call = Call::new(exit.index(), [0; 6]);
                self.text.push_str("<... ");
                render::name(&call, &mut self.text);
                self.text.push_str(" resumed>");
                (call, Pending::default(), Start::Unseen)
            }
        };
        Running { call, pending, since: None, start, style: Style::Decoded(renderer) }
    }
}

impl Drop for LogEngine {
    /// Detached alive, or never attached.
    fn drop(&mut self) {
        self.tell_detached();
        self.leave();
    }
}

/// Notes what the call's descriptors stand for.
fn keep_fds(call: &Call, memory: &mut TargetMemory<'_>, fds: &mut BTreeMap<i32, String>) {
    let kinds = call.info().map_or(&[][..], |info| info.args);
    for (_, value) in kinds.iter().zip(call.args).filter(|(kind, _)| matches!(kind, Arg::Fd | Arg::DirFd)) {
        keep_fd(value as i32, memory, fds);
    }
}

fn keep_fd(fd: i32, memory: &mut TargetMemory<'_>, fds: &mut BTreeMap<i32, String>) {
    let mut path = String::new();
    if fd >= 0 && memory.fd_path(fd, &mut path) {
        fds.insert(fd, path);
    }
}

fn call_of(call: &Syscall) -> Call {
    let abi = Abi::from_audit_arch(call.arch).unwrap_or_default();
    Call { abi, nr: call.number, args: call.args }
}

fn is_error(value: i64) -> bool {
    utrace_abi::Errno::from_return(value).is_some()
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
