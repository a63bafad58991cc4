//! The engines of a command line, opened: tasks get all of them, in order.
//!
//! Key types: [`Tools`]. Neighbours: [`crate::flags::hi`] says what is wanted, `run` and `attach` hand tasks over;
//! what a tool does is its own business ([`utrace_engines::tool`]).

use std::io;
use std::sync::Arc;

use utrace_core::{Action, Answers, EngineRef, Match, Task};
use utrace_engines::registry::{self, Spec};
use utrace_engines::tool::{Origin, Tool};

use crate::message::say;

/// All engines of a command line.
#[derive(Debug, Clone)]
pub struct Tools(Arc<[Box<dyn Tool>]>);

impl Tools {
    /// Opens outputs and makes the engines.
    ///
    /// # Errors
    /// A message: which output cannot be opened.
    pub fn open(specs: Vec<Spec>) -> Result<Tools, String> {
        let all: Result<Vec<_>, _> = specs.into_iter().map(Spec::open).collect();
        all.map(|all| Tools(all.into())).map_err(|e| e.to_string())
    }

    /// A function that attaches every engine to a task.
    pub fn adopter(&self, origin: Origin) -> impl Fn(&Task) + Send + 'static {
        let tools = Arc::clone(&self.0);
        move |task| {
            for tool in &*tools {
                // Only a task that died meanwhile cannot be attached to; then there is nothing to trace.
                let _ = tool.attach(task, origin);
            }
        }
    }

    /// Takes all engines off a task. Answers those that were on it: a callback of one may still run.
    #[must_use]
    pub fn leave(&self, task: &Task) -> Vec<EngineRef> {
        let tags = self.0.iter().filter_map(|tool| tool.tag());
        let engines: Vec<EngineRef> = tags.filter_map(|tag| task.find(Match::tag(tag))).collect();
        for engine in &engines {
            // One that is gone needs nothing.
            let _ = engine.control(Action::Detach);
        }
        engines
    }

    /// The engines' names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|tool| tool.name().to_owned()).collect()
    }

    /// What one of them answers without stops.
    #[must_use]
    pub fn answers(&self) -> Option<Arc<dyn Answers>> {
        self.0.iter().find_map(|tool| tool.answers())
    }

    /// Tells every engine that this task is about to be left alive.
    pub fn detached(&self, task: &Task) {
        for tool in &*self.0 {
            tool.detached(task);
        }
    }

    /// Has every engine write what it still has to; says what could not be written.
    ///
    /// # Errors
    /// Some output is not whole.
    pub fn finish(&self) -> Result<(), OutputLost> {
        let lost = self.close();
        lost.iter().for_each(say);
        if lost.is_empty() { Ok(()) } else { Err(OutputLost) }
    }

    /// Has every engine write what it still has to; what could not be written, in words.
    #[must_use]
    pub fn close(&self) -> Vec<String> {
        self.0.iter().filter_map(|tool| tool.finish().err()).map(|error| error.to_string()).collect()
    }
}

/// Some output could not be written; it has been said which and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLost;

/// Writes the list of engines, each with its options.
///
/// # Errors
/// Those of `out`.
pub fn list(out: &mut dyn io::Write) -> io::Result<()> {
    for (n, kind) in registry::all().iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        writeln!(out, "--{}{}  {}", kind.name, usage(kind.name, kind.value), kind.summary)?;
        for option in kind.options {
            let equals = if option.is_switch() { "" } else { "=" };
            let key = format!("{}{equals}{}", option.key, option.value);
            writeln!(out, "    {key:<28} {}", option.help)?;
        }
        for note in kind.notes {
            writeln!(out, "  {note}")?;
        }
    }
    Ok(())
}

/// A value that may be left out is shown in brackets, with its `=` inside.
fn usage(name: &str, value: &str) -> String {
    match value.strip_prefix("[FILE]") {
        Some(rest) if name != "inject" => format!("[=[FILE]{rest}]"),
        _ => format!(" {value}"),
    }
}
