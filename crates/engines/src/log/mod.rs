//! The syscall log, in strace's line format or as JSON.

mod options;

use utrace_core::{AttachError, Task};

use crate::tool::{OpenError, Origin, OutputError, Tool};

pub use options::{Format, LogOptions, OPTIONS, Per, Show, Stamp};

/// The syscall log.
#[derive(Debug)]
pub struct Log {
    options: LogOptions,
}

impl Log {
    /// Opens its files.
    ///
    /// # Errors
    /// An output file cannot be opened.
    pub fn open(options: LogOptions) -> Result<Log, OpenError> {
        Ok(Log { options })
    }
}

impl Tool for Log {
    fn name(&self) -> &str {
        "log"
    }

    fn attach(&self, _task: &Task, _origin: Origin) -> Result<(), AttachError> {
        let _ = &self.options;
        Ok(())
    }

    fn finish(&self) -> Result<(), OutputError> {
        Ok(())
    }
}
