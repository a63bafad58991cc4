//! An engine that writes down every call, and answers as the scenario wants.
//!
//! Key types: [`Probe`], [`Log`], [`Seen`], [`Drops`].

use super::world::patiently;
use crate::gate::lock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use utrace_core::{
    Action, Attach, CloneReport, Cx, DeathReport, Engine, EngineRef, Event, ExecReport, ExitReport, Interest,
    JctlReport, Kind, SignalKind, SignalReport, SyscallEntry, SyscallExit, SyscallSet, Task,
};

/// Which callback was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Quiesce, before an event or alone.
    Quiesce(Option<Event>),
    /// The event's own callback.
    Event(Event),
    /// A report on the signal path without a signal.
    Path(SignalKind),
}

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whose.
    pub engine: &'static str,
    /// Which.
    pub seen: Seen,
    /// Argument 0 at syscall entry, the value at exit, the number of a signal, the code of exit and death; else 0.
    pub detail: i64,
    /// Whether this was a repeated syscall entry.
    pub resumed: bool,
    /// The combined action of the engines called before.
    pub earlier: Action,
    /// On which thread.
    pub thread: ThreadId,
    /// For which task.
    pub task: Task,
}

/// What happened, in order. Clones are the same log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Call>>>);

impl Log {
    /// An empty log.
    pub fn new() -> Log {
        Log::default()
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<Call> {
        lock(&self.0).clone()
    }

    /// What one engine saw.
    pub fn of(&self, engine: &str) -> Vec<Seen> {
        self.all().iter().filter(|call| call.engine == engine).map(|call| call.seen).collect()
    }

    /// How often one engine saw this.
    pub fn count(&self, engine: &str, seen: Seen) -> usize {
        self.of(engine).into_iter().filter(|other| *other == seen).count()
    }

    /// The calls of one engine for an event.
    pub fn calls(&self, engine: &str, event: Event) -> Vec<Call> {
        let wanted = Seen::Event(event);
        self.all().into_iter().filter(|call| call.engine == engine && call.seen == wanted).collect()
    }

    /// Who saw one of these, in order.
    pub fn order(&self, of: impl Fn(Seen) -> bool) -> Vec<(&'static str, Seen)> {
        self.all().into_iter().filter(|call| of(call.seen)).map(|call| (call.engine, call.seen)).collect()
    }

    /// Waits until the engine saw this, and answers the first such call.
    pub fn until(&self, engine: &str, seen: Seen) -> Call {
        patiently(&format!("{engine} to see {seen:?}"), || {
            self.all().into_iter().find(|call| call.engine == engine && call.seen == seen)
        })
    }

    fn write(&self, call: Call) {
        lock(&self.0).push(call);
    }
}

/// Counts drops of engines. Clones are the same count.
#[derive(Clone, Default)]
pub struct Drops(Arc<AtomicUsize>);

impl Drops {
    /// None yet.
    pub fn new() -> Drops {
        Drops::default()
    }

    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// How many so far.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until there were so many.
    pub fn until(&self, count: usize) {
        patiently("an engine to be dropped", || (self.count() >= count).then_some(()));
    }
}

/// What a callback of a probe is given.
#[derive(Debug)]
#[expect(missing_docs, reason = "each variant is the payload of the event of that name")]
pub enum Report<'a> {
    Quiesce(Option<Event>),
    SyscallEntry(&'a mut SyscallEntry),
    SyscallExit(&'a mut SyscallExit),
    Signal(&'a mut SignalReport),
    Clone(&'a mut CloneReport),
    Exec(&'a mut ExecReport),
    Exit(&'a mut ExitReport),
    Jctl(&'a mut JctlReport),
    Death(&'a mut DeathReport),
}

impl Report<'_> {
    fn describe(&self) -> (Seen, i64) {
        match self {
            Report::Quiesce(event) => (Seen::Quiesce(*event), 0),
            Report::SyscallEntry(entry) => {
                (Seen::Event(Event::SyscallEntry), entry.call().args[0].cast_signed())
            }
            Report::SyscallExit(exit) => (Seen::Event(Event::SyscallExit), exit.value()),
            Report::Signal(signal) => {
                let seen = match signal.kind {
                    SignalKind::Taken(event) => Seen::Event(event),
                    kind => Seen::Path(kind),
                };
                (seen, i64::from(signal.info.number))
            }
            Report::Clone(_) => (Seen::Event(Event::Clone), 0),
            Report::Exec(_) => (Seen::Event(Event::Exec), 0),
            Report::Exit(exit) => (Seen::Event(Event::Exit), i64::from(exit.original())),
            Report::Jctl(_) => (Seen::Event(Event::Jctl), 0),
            Report::Death(death) => (Seen::Event(Event::Death), i64::from(death.code)),
        }
    }

    /// Whether it is this event's own callback.
    pub fn is(&self, event: Event) -> bool {
        self.describe().0 == Seen::Event(event)
    }

    /// Whether it is exactly this.
    pub fn seen(&self) -> Seen {
        self.describe().0
    }
}

type Answer = Box<dyn FnMut(&mut Cx<'_>, Report<'_>) -> Action + Send>;

/// The engine of the scenarios.
pub struct Probe {
    name: &'static str,
    log: Option<Log>,
    answer: Answer,
    reaped: Box<dyn FnMut(&Task) + Send>,
    dropped: Box<dyn FnMut() + Send>,
    kind: usize,
}

impl Probe {
    /// An engine that answers everything with resume.
    pub fn new(name: &'static str, log: &Log) -> Probe {
        Probe {
            name,
            log: Some(log.clone()),
            answer: Box::new(|_, _| Action::Resume),
            reaped: Box::new(|_| ()),
            dropped: Box::new(|| ()),
            kind: 0,
        }
    }

    /// An engine that writes nothing down.
    pub fn silent(name: &'static str) -> Probe {
        let mut probe = Probe::new(name, &Log::new());
        probe.log = None;
        probe
    }

    /// What it answers.
    #[must_use]
    pub fn answers(
        mut self,
        answer: impl FnMut(&mut Cx<'_>, Report<'_>) -> Action + Send + 'static,
    ) -> Probe {
        self.answer = Box::new(answer);
        self
    }

    /// It answers the first such call with `action`, and everything else with resume.
    #[must_use]
    pub fn once(self, on: Seen, action: Action) -> Probe {
        let mut left = true;
        self.answers(
            move |_, report| {
                if report.seen() == on && core::mem::take(&mut left) { action } else { Action::Resume }
            },
        )
    }

    /// What it does when its task is reaped.
    #[must_use]
    pub fn reaped(mut self, reaped: impl FnMut(&Task) + Send + 'static) -> Probe {
        self.reaped = Box::new(reaped);
        self
    }

    /// What it does when it is dropped.
    #[must_use]
    pub fn dropped(mut self, dropped: impl FnMut() + Send + 'static) -> Probe {
        self.dropped = Box::new(dropped);
        self
    }

    /// Counts its drop.
    #[must_use]
    pub fn counted(self, drops: &Drops) -> Probe {
        let drops = drops.clone();
        self.dropped(move || drops.add())
    }

    /// Gives it another kind.
    #[must_use]
    pub fn of_kind(mut self, kind: usize) -> Probe {
        self.kind = kind;
        self
    }

    fn write(&self, call: impl FnOnce() -> Call) {
        if let Some(log) = &self.log {
            log.write(call());
        }
    }

    fn called(&mut self, cx: &mut Cx<'_>, report: Report<'_>) -> Action {
        let (seen, detail) = report.describe();
        self.write(|| Call {
            engine: self.name,
            seen,
            detail,
            resumed: matches!(&report, Report::SyscallEntry(entry) if entry.resumed()),
            earlier: cx.earlier(),
            thread: std::thread::current().id(),
            task: cx.task().clone(),
        });
        (self.answer)(cx, report)
    }
}

impl Engine for Probe {
    fn name(&self) -> &str {
        self.name
    }

    fn kind(&self) -> Kind {
        Kind::token(self.kind)
    }

    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        self.called(cx, Report::Quiesce(event))
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        self.called(cx, Report::SyscallEntry(entry))
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        self.called(cx, Report::SyscallExit(exit))
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        self.called(cx, Report::Signal(signal))
    }

    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        self.called(cx, Report::Clone(clone))
    }

    fn exec(&mut self, cx: &mut Cx<'_>, exec: &mut ExecReport) -> Action {
        self.called(cx, Report::Exec(exec))
    }

    fn exit(&mut self, cx: &mut Cx<'_>, exit: &mut ExitReport) -> Action {
        self.called(cx, Report::Exit(exit))
    }

    fn jctl(&mut self, cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        self.called(cx, Report::Jctl(jctl))
    }

    fn death(&mut self, cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        self.called(cx, Report::Death(death))
    }

    fn reap(&mut self, task: &Task) {
        self.write(|| Call {
            engine: self.name,
            seen: Seen::Event(Event::Reap),
            detail: 0,
            resumed: false,
            earlier: Action::Resume,
            thread: std::thread::current().id(),
            task: task.clone(),
        });
        (self.reaped)(task);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

/// The syscalls that scripts make, where tasks make others too: see [`only_script_calls`].
static SCRIPT_CALLS: OnceLock<SyscallSet> = OnceLock::new();

/// From now on [`attach`] takes every syscall to mean every one of these: on a real thread there are others that no
/// step stands for, from the one in which a task waits for its begin to the one in which it ends.
pub fn only_script_calls(calls: SyscallSet) {
    SCRIPT_CALLS.get_or_init(|| calls);
}

/// Attaches a probe with an interest.
///
/// # Panics
/// If the core refuses.
pub fn attach(task: &Task, probe: Probe, interest: impl Into<Interest>) -> EngineRef {
    attach_with(task, probe, Attach::default(), interest)
}

/// Attaches a probe in a special way.
///
/// # Panics
/// If the core refuses.
pub fn attach_with(task: &Task, probe: Probe, how: Attach, interest: impl Into<Interest>) -> EngineRef {
    let attached = task.attach_with(Box::new(probe), how);
    assert!(attached.is_ok(), "attach: {attached:?}");
    let engine = attached.unwrap_or_else(|_| unreachable!());
    let interest = interest.into();
    let calls = SCRIPT_CALLS.get().filter(|_| interest.syscalls.is_all()).copied();
    let set = engine.set_events(interest.with_syscalls(calls.unwrap_or(interest.syscalls)));
    assert!(set.is_ok(), "set_events: {set:?}");
    engine
}
