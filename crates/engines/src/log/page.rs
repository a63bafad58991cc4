//! The page: an output that several tasks write lines to, and the one line that may be open on it.
//!
//! Key types: [`Page`], [`PageRef`], [`Head`]. A syscall's line is begun at entry and ended at exit. When another task
//! (or the same one, with a signal) has something to say in between, the open line is closed with
//! `<unfinished ...>`, and its owner learns at [`Page::is_open`] that it must begin a new one.
//!
//! Knows columns and prefixes; what a line says is its caller's.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use utrace_core::TaskId;

use super::choices::Mark;
use super::flusher::Flusher;
use super::options::LogOptions;
use super::roll::LineId;
use super::stamp::Clock;
use crate::choices::Choices;
use crate::output::{Failure, Output, Place};
use crate::tool::OpenError;

/// What a line begins with: whom it is about, and where that task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Speaker {
    pub(crate) id: TaskId,
    /// Its last syscall, for `n`.
    pub(crate) number: u64,
    /// Its next instruction, for `i`; none once it is gone.
    pub(crate) pointer: Option<u64>,
}

/// How a line says which task it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// `[pid  1234] `, while more than one task is traced: on stderr.
    SomebodyOfMany,
    /// `1234  `, always: in a file.
    Everybody,
    /// Not at all: in a file of its own.
    Nobody,
}

/// A page that tasks share.
#[derive(Debug, Clone)]
pub(crate) struct PageRef(Arc<Mutex<Page>>);

impl PageRef {
    /// The page. Held for the time of appending a line, never while reading a task's memory.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An output, and the state of its last line.
#[derive(Debug)]
pub(crate) struct Page {
    output: Output,
    head: Head,
    clock: Clock,
    marks: Choices<Mark>,
    result_column: usize,
    /// The prefix of the last line, and what it was made for.
    prefix: Vec<u8>,
    prefix_for: Option<(TaskId, bool)>,
    /// Whose line is open.
    owner: Option<LineId>,
    /// How many bytes the last line has.
    column: usize,
    /// Messages that wait for the open line to end.
    notes: String,
    /// How many tasks write here.
    pub(crate) tasks: usize,
    /// The page itself, to register for a flush.
    this: Weak<Mutex<Page>>,
    flusher: Arc<Flusher>,
    /// Whether it is registered.
    flush_due: bool,
}

impl Page {
    pub(crate) fn open(
        place: &Place,
        head: Head,
        options: &LogOptions,
        failure: &Failure,
        flusher: &Arc<Flusher>,
    ) -> Result<PageRef, OpenError> {
        let output = Output::open("log", place, failure)?;
        let clock = Clock::new(options);
        let flusher = Arc::clone(flusher);
        let (marks, result_column) = (options.marks, options.column);
        let page = Arc::new_cyclic(|this| {
            Mutex::new(Page {
                output,
                head,
                clock,
                marks,
                result_column,
                prefix: Vec::new(),
                prefix_for: None,
                owner: None,
                column: 0,
                notes: String::new(),
                tasks: 0,
                this: Weak::clone(this),
                flusher,
                flush_due: false,
            })
        });
        Ok(PageRef(page))
    }

    /// Begins a line that stays open for `line`.
    pub(crate) fn begin(&mut self, who: Speaker, line: LineId, text: &str) {
        self.lead(who);
        self.append(text);
        self.owner = Some(line);
        self.settle();
    }

    /// Whether the line that [`Page::begin`] opened for `line` is still open. If not, the caller begins another.
    pub(crate) fn is_open(&self, line: LineId) -> bool {
        self.owner == Some(line)
    }

    /// Begins a line about a task, ending an open one.
    pub(crate) fn lead(&mut self, who: Speaker) {
        self.interrupt();
        self.set_prefix(who.id);
        let buffer = self.output.buffer();
        let start = buffer.len();
        buffer.extend_from_slice(&self.prefix);
        self.clock.write(buffer);
        if !self.marks.is_empty() {
            write_marks(self.marks, who, buffer);
        }
        self.column = buffer.len() - start;
    }

    fn set_prefix(&mut self, id: TaskId) {
        let many = self.tasks > 1;
        if self.prefix_for == Some((id, many)) {
            return;
        }
        self.prefix_for = Some((id, many));
        self.prefix.clear();
        // Vec's writer cannot fail.
        let _ = match self.head {
            Head::SomebodyOfMany if many => write!(self.prefix, "[pid {:5}] ", id.0),
            Head::Everybody => write!(self.prefix, "{:<5} ", id.0),
            _ => Ok(()),
        };
    }

    /// Adds to the line.
    pub(crate) fn append(&mut self, text: &str) {
        self.output.buffer().extend_from_slice(text.as_bytes());
        self.column += text.len();
    }

    /// Adds the blanks before a result: at least one, and up to the column.
    pub(crate) fn tab(&mut self) {
        let blanks = self.result_column.saturating_sub(self.column).max(1);
        let buffer = self.output.buffer();
        buffer.resize(buffer.len() + blanks, b' ');
        self.column += blanks;
    }

    /// Ends the line.
    pub(crate) fn end(&mut self) {
        self.output.buffer().push(b'\n');
        self.owner = None;
        self.column = 0;
        if !self.notes.is_empty() {
            self.output.buffer().extend_from_slice(self.notes.as_bytes());
            self.notes.clear();
        }
        self.settle();
    }

    /// A whole line about a task.
    pub(crate) fn line(&mut self, who: Speaker, text: &str) {
        self.lead(who);
        self.append(text);
        self.end();
    }

    /// A whole line as it is, without prefix and time.
    pub(crate) fn raw_line(&mut self, text: &[u8]) {
        self.output.buffer().extend_from_slice(text);
        self.output.buffer().push(b'\n');
        self.settle();
    }

    /// A message for the user, as soon as no line is open.
    pub(crate) fn note(&mut self, text: fmt::Arguments<'_>) {
        // String's writer cannot fail.
        let _ = writeln!(self.notes, "{text}");
        if self.owner.is_none() {
            self.output.buffer().extend_from_slice(self.notes.as_bytes());
            self.notes.clear();
            self.settle();
        }
    }

    /// Ends an open line that will not go on, whoever's it is.
    pub(crate) fn abandon_line(&mut self, why: &str) {
        if self.owner.is_some() {
            self.append(why);
            self.end();
        }
    }

    /// Lets everything out.
    pub(crate) fn flush(&mut self) {
        self.output.flush();
    }

    /// The flush that the page was registered for.
    pub(crate) fn flush_as_due(&mut self) {
        self.flush_due = false;
        self.flush();
    }

    /// Lets out what was written, at once or soon.
    fn settle(&mut self) {
        self.output.settle();
        if !self.flush_due
            && !self.output.buffer().is_empty()
            && let Some(this) = self.this.upgrade()
        {
            self.flush_due = true;
            Flusher::register(&self.flusher, PageRef(this));
        }
    }

    /// The end of the page: nothing is written after it.
    pub(crate) fn close(&mut self) {
        self.abandon_line(" <unfinished ...>");
        self.output.close();
    }

    /// Somebody else begins to speak.
    fn interrupt(&mut self) {
        self.abandon_line(" <unfinished ...>");
    }
}

/// `[ 257] [00007f0123456789] `
fn write_marks(marks: Choices<Mark>, who: Speaker, out: &mut Vec<u8>) {
    // Vec's writer cannot fail.
    if marks.has(Mark::Number) {
        let _ = write!(out, "[{:4}] ", who.number);
    }
    if marks.has(Mark::Pointer) {
        let _ = match who.pointer {
            Some(pointer) => write!(out, "[{pointer:016x}] "),
            None => write!(out, "[????????????????] "),
        };
    }
}
