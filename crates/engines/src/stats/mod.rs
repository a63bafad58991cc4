//! The counters: calls, errors and time for each syscall, as `strace -c`.
//!
//! Key types: [`Stats`], the tool; its table holds the numbers. Each task has an engine that remembers when its
//! syscall began and adds to the table of the run, or of its process. The tables are written by [`Tool::finish`].
//!
//! Asks for syscalls and clones only. A syscall that never returns (`exit_group`) is not counted, as in strace.

mod options;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use utrace_core::{
    Action, Attach, AttachError, CloneReport, Cx, Engine, Event, EventSet, ExecReport, Interest, Match,
    SyscallEntry, SyscallExit, Target, Task, TaskId,
};

use crate::output::{Failure, Output};
use crate::tool::{OpenError, Origin, OutputError, Tool};
use table::Table;

pub use options::{Clock, Column, OPTIONS, Per, Sort, StatsOptions};

/// What else a user must know, for help.
pub const NOTES: &[&str] = &[
    "A call that never returns (exit_group) or began before utrace came is not counted. System time is",
    "that of the whole process, as strace -c has it: of many threads, time=wall says more.",
    "Columns: time-percent, total-time, min-time, max-time, avg-time, calls, errors, name.",
];

/// The counters.
#[derive(Debug)]
pub struct Stats {
    shared: Arc<Shared>,
    output: Mutex<Output>,
    failure: Failure,
}

#[derive(Debug)]
struct Shared {
    options: StatsOptions,
    /// By process, or all under one key.
    tables: Mutex<BTreeMap<TaskId, TableRef>>,
}

/// A table that tasks add to.
type TableRef = Arc<Mutex<Table>>;

impl Stats {
    /// Opens its file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(options: StatsOptions) -> Result<Stats, OpenError> {
        let failure = Failure::default();
        let output = Mutex::new(Output::open("stats", &options.place, &failure)?);
        let shared = Arc::new(Shared { options, tables: Mutex::default() });
        Ok(Stats { shared, output, failure })
    }
}

impl Tool for Stats {
    fn name(&self) -> &str {
        "stats"
    }

    fn attach(&self, task: &Task, _origin: Origin) -> Result<(), AttachError> {
        Shared::follow(&self.shared, task)
    }

    fn tag(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.shared).addr())
    }

    fn finish(&self) -> Result<(), OutputError> {
        let text = self.shared.report();
        let mut output = lock(&self.output);
        output.buffer().extend_from_slice(text.as_bytes());
        output.close();
        drop(output);
        self.failure.result()
    }

    fn failure(&self) -> Option<OutputError> {
        self.failure.get()
    }
}

impl Shared {
    fn follow(this: &Arc<Shared>, task: &Task) -> Result<(), AttachError> {
        let tag = Arc::as_ptr(this).addr();
        let how = Attach { exclusive: Some(Match::tag(tag)), tag, ..Attach::default() };
        let engine =
            StatsEngine { table: this.table_for(task.process()), shared: Arc::clone(this), began: None };
        let engine = match task.attach_with(Box::new(engine), how) {
            Ok(engine) => engine,
            Err(AttachError::Exists) => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut events = EventSet::SYSCALL | Event::Clone;
        if this.options.per == Per::Process {
            events |= Event::Exec;
        }
        let interest = Interest::in_events(events).with_syscalls(this.options.trace);
        engine.set_events(interest).map(drop).map_err(|_| AttachError::Gone)
    }

    fn table_for(&self, process: TaskId) -> TableRef {
        let key = match self.options.per {
            Per::Run => TaskId(0),
            Per::Process => process,
        };
        Arc::clone(lock(&self.tables).entry(key).or_default())
    }

    fn report(&self) -> String {
        let tables = lock(&self.tables);
        let mut text = String::new();
        let mut all = Table::default();
        for (process, table) in tables.iter() {
            let table = lock(table);
            all.add(&table);
            if self.options.per == Per::Process && !table.is_empty() {
                let program = table.program.as_deref().unwrap_or("?");
                text.push_str(&format!("Process {process} ({program}):\n"));
                table.write(&self.options, &mut text);
                text.push('\n');
            }
        }
        if self.options.per == Per::Process {
            text.push_str("All processes:\n");
        }
        all.write(&self.options, &mut text);
        text
    }

    /// The time on the clock that is counted, as the task stands now.
    fn now(&self, target: &mut dyn Target) -> Moment {
        let system = match self.options.clock {
            Clock::System => target.system_time(),
            Clock::Wall => None,
        };
        system.map_or_else(|| Moment::Wall(Instant::now()), Moment::System)
    }
}

/// A reading of one of the clocks.
#[derive(Debug, Clone, Copy)]
enum Moment {
    System(Duration),
    Wall(Instant),
}

impl Moment {
    /// The time since `earlier`, which the same clock told; none otherwise.
    fn since(self, earlier: Moment) -> Duration {
        match (earlier, self) {
            (Moment::System(from), Moment::System(to)) => to.saturating_sub(from),
            (Moment::Wall(from), Moment::Wall(to)) => to.saturating_duration_since(from),
            _ => Duration::ZERO,
        }
    }
}

/// The counters on one task.
struct StatsEngine {
    shared: Arc<Shared>,
    table: TableRef,
    began: Option<Moment>,
}

impl Engine for StatsEngine {
    fn name(&self) -> &str {
        "stats"
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if !entry.resumed() || self.began.is_none() {
            self.began = Some(self.shared.now(cx.target()));
        }
        Action::Resume
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        // A call that began before anybody looked has no time that is known.
        let Some(began) = self.began.take() else { return Action::Resume };
        let spent = self.shared.now(cx.target()).since(began);
        let mut table = lock(&self.table);
        table.count(exit.index(), spent, exit.is_error());
        if table.program.is_none() && self.shared.options.per == Per::Process {
            table.program = program(cx.target());
        }
        Action::Resume
    }

    fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        lock(&self.table).program = program(cx.target());
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        // A child that is gone already needs nothing.
        let _ = Shared::follow(&self.shared, &clone.child);
        Action::Resume
    }
}

/// The short name of what the task runs.
fn program(target: &mut dyn Target) -> Option<String> {
    target.program().map(|name| String::from_utf8_lossy(&name).escape_debug().to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
