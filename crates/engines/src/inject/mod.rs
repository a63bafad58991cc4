//! Tampering with syscalls, as strace's `--inject`.
//!
//! Key types: [`Inject`], the tool; [`InjectSpec`], what it was asked for. Calls are counted for each syscall of each
//! thread. The engines stand nearest to the kernel, before all others in call order: a log shows what the program
//! asked for and what it got, and sees from the report that the result is not the kernel's. Several injections
//! keep the order of their flags, so that the last one wins, as in strace.
//!
//! A delay is a stop that a timer of ours ends: no callback waits.

mod parse;
mod timer;
mod when;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use utrace_abi::table::{self, Abi};
use utrace_core::{
    Action, Attach, AttachError, CloneReport, Cx, Engine, Event, EventSet, Interest, Kind, Match, Place,
    SyscallEntry, SyscallExit, Task,
};

use crate::registry::OptionHelp;
use crate::spec::SpecError;
use crate::tool::{Origin, OutputError, Tool};
use timer::Timer;

pub use parse::{Effects, InjectSpec};
pub use when::When;

/// What stands behind the set, for help.
pub const OPTIONS: &[OptionHelp] = &[
    OptionHelp { key: "error", value: "ERRNO", help: "fail with this error instead of running" },
    OptionHelp { key: "retval", value: "VALUE", help: "return this value instead of running" },
    OptionHelp { key: "signal", value: "SIG", help: "send this signal at entry" },
    OptionHelp {
        key: "delay_enter",
        value: "TIME",
        help: "wait before it runs: microseconds, or with s, ms, us, ns",
    },
    OptionHelp { key: "delay_exit", value: "TIME", help: "wait after it ran" },
    OptionHelp {
        key: "when",
        value: "FIRST[..LAST][+[STEP]]",
        help: "only these calls, counted by thread and syscall",
    },
];

/// What else a user must know, for help.
pub const NOTES: &[&str] = &[
    "openat:error=ENOENT:when=3      the third openat of every thread fails",
    "%network:delay_enter=10ms       every network call waits",
    "write:retval=0:when=2..8+2      the calls 2, 4, 6, 8 write nothing and return 0",
    "Logs and counts see what is injected. The last of several injections wins.",
];

impl InjectSpec {
    /// Reads the value of `--inject`.
    ///
    /// # Errors
    /// A mistake, with its place.
    pub fn parse(text: &str) -> Result<InjectSpec, SpecError> {
        parse::inject(text)
    }

    /// Reads the value of strace's older `-e fault=`: without an error it is `ENOSYS`.
    ///
    /// # Errors
    /// A mistake, with its place.
    pub fn parse_fault(text: &str) -> Result<InjectSpec, SpecError> {
        parse::fault(text)
    }
}

/// The fault injection.
#[derive(Debug)]
pub struct Inject {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    spec: InjectSpec,
    timer: Timer,
}

impl Inject {
    /// A tool that does this.
    #[must_use]
    pub fn new(spec: InjectSpec) -> Inject {
        Inject { shared: Arc::new(Shared { spec, timer: Timer::default() }) }
    }
}

impl Tool for Inject {
    fn name(&self) -> &str {
        "inject"
    }

    fn attach(&self, task: &Task, origin: Origin) -> Result<(), AttachError> {
        follow(&self.shared, task, origin)
    }

    fn tag(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.shared).addr())
    }

    fn finish(&self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// Attaches to the task, behind the injections that are there and before everybody else.
fn follow(shared: &Arc<Shared>, task: &Task, origin: Origin) -> Result<(), AttachError> {
    let tag = Arc::as_ptr(shared).addr();
    let kind = Kind::of::<InjectEngine>();
    let place = match task.engines().into_iter().rfind(|engine| engine.kind() == kind) {
        Some(last) => Place::After(last),
        None => Place::First,
    };
    let how = Attach { exclusive: Some(Match::tag(tag)), place, tag };
    let engine = InjectEngine { shared: Arc::clone(shared), counts: HashMap::new(), due: None, origin };
    let engine = match task.attach_with(Box::new(engine), how) {
        Ok(engine) => engine,
        Err(AttachError::Exists) => return Ok(()),
        Err(error) => return Err(error),
    };
    let events = EventSet::SYSCALL | Event::Clone;
    let interest = Interest::in_events(events).with_syscalls(shared.spec.syscalls);
    engine.set_events(interest).map(drop).map_err(|_| AttachError::Gone)
}

/// The injection on one task.
struct InjectEngine {
    shared: Arc<Shared>,
    /// Calls so far, by syscall.
    counts: HashMap<u64, u32>,
    /// What the syscall that runs now still has to get at its exit.
    due: Option<Effects>,
    /// `Launched` until the first syscall, which may be the one that starts the program.
    origin: Origin,
}

impl InjectEngine {
    /// Stops the task for a while.
    fn hold(&self, cx: &Cx<'_>, delay: Option<Duration>) -> Action {
        let end = delay.and_then(|delay| Instant::now().checked_add(delay));
        match end {
            Some(end) if self.shared.timer.resume_at(end, cx.engine()) => Action::Stop,
            _ => Action::Resume,
        }
    }
}

impl Engine for InjectEngine {
    fn name(&self) -> &str {
        "inject"
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if entry.resumed() {
            // The same call, reported again after it was held here: dealt with, and an abort holds by itself.
            return Action::Resume;
        }
        let origin = std::mem::replace(&mut self.origin, Origin::Attached);
        if origin == Origin::Launched && starts_program(entry) {
            // It is ours and not the program's: strace neither counts it nor touches it.
            return Action::Resume;
        }
        let count = self.counts.entry(entry.call().index).or_insert(0);
        *count = count.saturating_add(1);
        self.due = None;
        if !self.shared.spec.when.hits(*count) {
            return Action::Resume;
        }
        let effects = self.shared.spec.effects;
        if let Some(signal) = effects.signal {
            // A task that cannot take it is dying.
            let _ = cx.target().send_signal(u32::from(signal.number()));
        }
        if effects.result.is_some() {
            entry.abort();
        }
        self.due = Some(effects);
        self.hold(cx, effects.delay_enter)
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let Some(effects) = self.due.take() else { return Action::Resume };
        if let Some(value) = effects.result {
            exit.set_value(value, utrace_abi::Errno::from_return(value).is_some());
        }
        if effects.delay_enter.is_some() || effects.delay_exit.is_some() {
            exit.set_delayed();
        }
        self.hold(cx, effects.delay_exit)
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        // A child that is gone already needs nothing.
        let _ = follow(&self.shared, &clone.child, Origin::Attached);
        Action::Resume
    }
}

fn starts_program(entry: &SyscallEntry) -> bool {
    table::lookup(Abi::X86_64, entry.call().index).is_some_and(|info| info.name == "execve")
}
