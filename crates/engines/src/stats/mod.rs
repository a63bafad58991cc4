//! The counters: calls, errors and time for each syscall, as `strace -c`.

mod options;

use utrace_core::{AttachError, Task};

use crate::tool::{OpenError, Origin, OutputError, Tool};

pub use options::{Clock, OPTIONS, Per, Sort, StatsOptions};

/// The counters.
#[derive(Debug)]
pub struct Stats {
    options: StatsOptions,
}

impl Stats {
    /// Opens its file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(options: StatsOptions) -> Result<Stats, OpenError> {
        Ok(Stats { options })
    }
}

impl Tool for Stats {
    fn name(&self) -> &str {
        "stats"
    }

    fn attach(&self, _task: &Task, _origin: Origin) -> Result<(), AttachError> {
        let _ = &self.options;
        Ok(())
    }

    fn finish(&self) -> Result<(), OutputError> {
        Ok(())
    }
}
