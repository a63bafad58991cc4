//! One syscall on the log: from its entry to its line, or its object.
//!
//! Key types: [`Running`], a syscall between entry and exit; [`Ended`], how it came out. The engine's methods here
//! render it ([`crate::render`]), decide whether it is shown, and put it on the page. Neighbours: [`super::engine`]
//! hears the events.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use utrace_abi::{Abi, Arg, Errno, Ret};
use utrace_core::{Syscall, SyscallExit, Target, TaskId};

use super::choices::{Format, Status};
use super::engine::LogEngine;
use super::json;
use super::memory::TargetMemory;
use super::page::Page;
use crate::render::{self, Call, Detail, Memory as _, Outcome, Pending, Renderer};

/// A syscall between entry and exit.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) call: Call,
    pub(super) pending: Pending,
    /// Read only if somebody is to see the time: on some machines a clock costs as much as all else here.
    pub(super) since: Option<Instant>,
    pub(super) start: Start,
    pub(super) style: Style,
}

/// How a syscall's arguments are shown.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Decoded(Renderer),
    /// As numbers.
    Raw(Renderer),
}

/// What is known of a syscall's beginning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
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
    pub(super) const NEVER: Ended =
        Ended { outcome: Outcome::Unknown, injected: false, delayed: false, spent: None };
}

impl LogEngine {
    /// Whether a line is begun at entry, or held back until it is known whether it is to be shown.
    fn begins_at_entry(&self) -> bool {
        self.shared.options.format == Format::Text && self.shared.options.status.is_all()
    }

    pub(super) fn begin(&mut self, id: TaskId, syscall: &Syscall, target: &mut dyn Target) {
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
    pub(super) fn end(&mut self, id: TaskId, mut running: Running, ended: Ended, target: &mut dyn Target) {
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

    /// The exit of a syscall that began before anybody looked (SC-54).
    pub(super) fn unseen(&mut self, id: TaskId, exit: &SyscallExit, target: &mut dyn Target) -> Running {
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
    Errno::from_return(value).is_some()
}
