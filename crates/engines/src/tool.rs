//! What a controller does with an engine: the face that all engines of this crate show to the command line.
//!
//! Key types: [`Tool`], [`Origin`], [`OutputError`], [`OpenError`]. A tool stands for one engine flag. It attaches
//! one [`utrace_core::Engine`] to each task of the trees that it is given: the caller names the first tasks, the
//! children follow from the clone callbacks. Neighbours: [`crate::registry`] makes tools out of text.
//!
//! Knows no host and starts no program.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use utrace_core::{Answers, AttachError, Task};

/// How a task came to be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was started to be traced, and has not run its program yet.
    Launched,
    /// It was running before.
    Attached,
}

/// One configured engine, on any number of tasks.
///
/// ```no_run
/// # use utrace_core::Task;
/// # use utrace_engines::{registry, tool::Origin};
/// # fn of(first: &Task) -> Result<(), Box<dyn std::error::Error>> {
/// let log = registry::find("log").ok_or("no such engine")?;
/// let tool = log.parse("trace.txt,trace=%file")?.open()?;
/// tool.attach(first, Origin::Launched)?;
/// // … the host runs until all tasks are gone …
/// tool.finish()?;
/// # Ok(())
/// # }
/// ```
pub trait Tool: Send + Sync + fmt::Debug {
    /// The engine's name, for messages.
    fn name(&self) -> &str;

    /// Traces this task and all that it will start.
    ///
    /// Call it for the thread that was launched, or for every thread of a process that was attached. A task
    /// that this tool traces already is left as it is.
    ///
    /// # Errors
    /// As [`Task::attach`].
    fn attach(&self, task: &Task, origin: Origin) -> Result<(), AttachError>;

    /// What its engines were attached with as [`utrace_core::Attach::tag`], and no other tool's: so that it can be
    /// taken off a task that others go on to trace.
    fn tag(&self) -> Option<usize> {
        None
    }

    /// What it answers without stops, for a host that can have calls answered.
    fn answers(&self) -> Option<Arc<dyn Answers>> {
        None
    }

    /// Tells the tool that the task is being let go alive, before the host lets go of it. The engines detach by
    /// themselves when the host leaves; this is for what they have to say about it.
    fn detached(&self, _task: &Task) {}

    /// The end: writes what is still to be written. Call it once, when no task is traced any more.
    ///
    /// # Errors
    /// The first failure to write since the start, also if [`Tool::failure`] has told of it.
    fn finish(&self) -> Result<(), OutputError>;

    /// The first failure to write so far. The program is not disturbed by one: the tool writes no more.
    fn failure(&self) -> Option<OutputError> {
        None
    }
}

/// Output could not be written.
#[derive(Debug, Clone)]
pub struct OutputError {
    /// Whose output.
    pub engine: &'static str,
    /// Where to.
    pub path: PathBuf,
    /// Why not.
    pub source: Arc<io::Error>,
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (engine, path) = (self.engine, self.path.display());
        write!(f, "{engine}: cannot write to {path}: {}; its output ends here", self.source)
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// An output file could not be opened.
#[derive(Debug)]
pub struct OpenError {
    /// Whose output.
    pub engine: &'static str,
    /// Which file.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cannot open {}: {}", self.engine, self.path.display(), self.source)
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
