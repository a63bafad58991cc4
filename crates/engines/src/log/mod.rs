//! The syscall log, in strace's line format or as JSON.
//!
//! Key types: [`Log`], the tool. It attaches one engine to each task; all of them share the options, the output and
//! the roll of who is traced. The engines write to a page: the output, and whose line is open on it. Neighbours:
//! [`crate::render`] makes the text of a syscall, [`json`] the objects, `stamp` the times.
//!
//! Interest is declared: only the syscalls and signals that are to be shown, and the few events of a life that make
//! a line. Knows nothing of the other engines: that a result was injected it sees from the report.

mod call;
mod choices;
mod engine;
mod flusher;
pub mod json;
mod memory;
mod options;
mod page;
mod roll;
mod sockets;
mod stamp;
mod touch;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use utrace_core::{
    Attach, AttachError, Event, EventSet, Interest, Match, SetEventsError, SignalSet, SyscallSet, Task,
    TaskId,
};

use crate::output::{Failure, Place};
use crate::render::Renderer;
use crate::tool::{OpenError, Origin, OutputError, Tool};
use engine::LogEngine;
use flusher::Flusher;
use page::{Head, Page, PageRef};
use roll::Roll;
use sockets::Sockets;
use touch::Paths;

pub use choices::{Format, Mark, Message, Per, Stamp, Status};
pub use options::{LogOptions, OPTIONS};

/// What else a user must know, for help.
pub const NOTES: &[&str] = json::NOTES;

/// The syscall log.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
}

/// How a task's own file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// For a new task.
    Fresh,
    /// For a task that takes over an id whose file there is.
    Again,
}

/// What all engines of one log have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: LogOptions,
    pub(crate) renderer: Renderer,
    pub(crate) paths: Paths,
    pub(crate) sockets: Sockets,
    /// The page of all, unless each task has its own.
    page: PageRef,
    pub(crate) roll: Roll,
    failure: Failure,
    flusher: Arc<Flusher>,
}

impl Log {
    /// Opens its file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(mut options: LogOptions) -> Result<Log, OpenError> {
        let failure = Failure::default();
        let head = match (&options.place.file, options.per) {
            (_, Per::Task) => Head::Nobody,
            (None, Per::Run) => Head::SomebodyOfMany,
            (Some(_), Per::Run) => Head::Everybody,
        };
        // With a file for each task, what belongs to none (who was attached) still goes to stderr.
        let mut place = options.place.clone();
        if options.per == Per::Task {
            place.file = None;
        }
        let flusher = Flusher::new();
        let page = Page::open(&place, head, &options, &failure, &flusher)?;
        let renderer = Renderer::new(options.render);
        let paths = Paths::new(&options.paths, |given, real| {
            if !options.quiet.has(Message::PathResolution) {
                let (given, real) = (given.display(), real.display());
                options.place.by.say(format_args!("utrace: path {given} stands for {real}"));
            }
        });
        if !paths.is_empty() {
            options.trace = touch::only_touching(&options.trace);
        }
        let (roll, sockets) = (Roll::default(), Sockets::default());
        let shared = Shared { options, renderer, paths, sockets, page, roll, failure, flusher };
        Ok(Log { shared: Arc::new(shared) })
    }
}

impl Tool for Log {
    fn name(&self) -> &str {
        "log"
    }

    fn attach(&self, task: &Task, _origin: Origin) -> Result<(), AttachError> {
        // Whoever asked for an attach says itself what came of it; the log tells of children only.
        Shared::follow(&self.shared, task).map(drop)
    }

    fn tag(&self) -> Option<usize> {
        Some(Arc::as_ptr(&self.shared).addr())
    }

    fn detached(&self, task: &Task) {
        if let Some(member) = self.shared.roll.get(task.id()) {
            let mut page = member.page.lock();
            if page.is_open(member.line) {
                page.abandon_line(" <detached ...>");
            }
        }
        if task.id() == task.process() {
            self.shared.say(format_args!("Process {} detached", task.id()));
        }
    }

    fn finish(&self) -> Result<(), OutputError> {
        for member in self.shared.roll.all() {
            member.page.lock().close();
        }
        self.shared.page.lock().close();
        self.shared.failure.result()
    }

    fn failure(&self) -> Option<OutputError> {
        self.shared.failure.get()
    }
}

impl Shared {
    /// Attaches an engine to the task; false if it has one of this log already.
    pub(crate) fn follow(this: &Arc<Shared>, task: &Task) -> Result<bool, AttachError> {
        let tag = Arc::as_ptr(this).addr();
        let how = Attach { exclusive: Some(Match::tag(tag)), tag, ..Attach::default() };
        let page = this.page_of(task.id(), Opening::Fresh);
        let member = this.roll.enter(task.process(), page);
        // The engine takes its member off the roll when it is dropped, however that comes about.
        let engine = LogEngine::new(Arc::clone(this), task.id(), Arc::clone(&member));
        let engine = match task.attach_with(Box::new(engine), how) {
            Ok(engine) => engine,
            Err(AttachError::Exists) => return Ok(false),
            Err(error) => return Err(error),
        };
        this.roll.begin(task.id(), &member);
        match engine.set_events(this.interest()) {
            Ok(_) => Ok(true),
            Err(SetEventsError::Gone | SetEventsError::AlreadyDying) => Err(AttachError::Gone),
        }
    }

    /// Whether nothing can be written any more: then no task need stop for this log. A file of each task's own may
    /// fail alone.
    #[inline]
    pub(crate) fn is_lost(&self) -> bool {
        self.options.per == Per::Run && self.failure.is_set()
    }

    /// Whether the time spent in a syscall is shown.
    pub(crate) fn wants_time(&self) -> bool {
        self.options.spent || self.options.format == Format::Json
    }

    /// What the log asks for: no stop for what it would not show.
    fn interest(&self) -> Interest {
        let mut events = Event::Clone | Event::Exec | Event::Death;
        if self.options.trace != SyscallSet::NONE {
            events |= EventSet::SYSCALL | Event::Exit;
        }
        if self.options.signals != SignalSet::NONE {
            events |= EventSet::SIGNAL | Event::Jctl;
        }
        Interest::in_events(events).with_syscalls(self.options.trace).with_signals(self.options.signals)
    }

    /// The page of the task that is `id`.
    pub(crate) fn page_of(&self, id: TaskId, opening: Opening) -> PageRef {
        let (Per::Task, Some(file)) = (self.options.per, &self.options.place.file) else {
            return self.page.clone();
        };
        let mut name = file.clone().into_os_string();
        name.push(format!(".{id}"));
        let append = self.options.place.append || opening == Opening::Again;
        let place = Place { file: Some(name.into()), append, by: self.options.place.by.clone() };
        match Page::open(&place, Head::Nobody, &self.options, &self.failure, &self.flusher) {
            Ok(page) => page,
            Err(OpenError { engine, path, source }) => {
                self.failure.keep(OutputError { engine, path, source: Arc::new(source) });
                self.page.clone()
            }
        }
    }

    /// A child is followed.
    pub(crate) fn announce(&self, child: &Task) {
        self.note(Message::Attach, format_args!("utrace: Process {} attached", child.id()));
    }

    /// A task makes syscalls of another width than before.
    #[cold]
    pub(crate) fn announce_mode(&self, id: TaskId, bits: usize) {
        self.note(Message::Personality, format_args!("[ Process PID={id} runs in {bits} bit mode. ]"));
    }

    /// Something that strace says on stderr only, among the lines.
    fn note(&self, kind: Message, text: std::fmt::Arguments<'_>) {
        let quiet = self.options.quiet.has(kind) || self.options.place.file.is_some();
        if !quiet && self.options.format == Format::Text {
            self.page.lock().note(text);
        }
    }

    /// A message for the user, who may be reading the log on the same screen.
    fn say(&self, text: std::fmt::Arguments<'_>) {
        if self.options.quiet.has(Message::Attach) {
            return;
        }
        if self.options.place.file.is_none() && self.options.format == Format::Text {
            self.page.lock().note(format_args!("utrace: {text}"));
        } else {
            self.options.place.by.say(format_args!("utrace: {text}"));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.flusher.end();
    }
}
