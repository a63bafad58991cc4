//! What a caller holds of a process that it launched or attached to: [`Process`], and how it ended.

use core::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use utrace_core::Task;

use crate::error::HostError;
pub use crate::stop::CoreDump;
use crate::types::Tid;

/// How our tracing of a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It exited with this status.
    Exited(u8),
    /// This signal killed it.
    Killed(i32, CoreDump),
    /// We left it; it goes on without us.
    Left,
}

/// A process that was launched or attached to.
#[derive(Clone)]
pub struct Process {
    pub(crate) pid: Tid,
    pub(crate) tasks: Vec<Task>,
    pub(crate) outcome: Arc<Outcome>,
}

/// Where the tracer thread leaves the end of a process.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    ended: Mutex<Option<Result<Ending, HostError>>>,
    changed: Condvar,
}

impl Outcome {
    /// Says how it ended; the first word counts.
    pub(crate) fn settle(&self, how: Result<Ending, HostError>) {
        self.lock().get_or_insert(how);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<Ending, HostError>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Tid {
        self.pid
    }

    /// The threads it had when we came: one if launched. Later ones are reported as [`utrace_core::CloneReport`].
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Blocks until the process has ended or was left.
    ///
    /// # Errors
    /// [`HostError::Launch`] if it was launched and its exec failed; [`HostError::Ended`].
    pub fn wait(&self) -> Result<Ending, HostError> {
        let mut ended = self.outcome.lock();
        loop {
            if let Some(how) = &*ended {
                return how.clone();
            }
            ended = self.outcome.changed.wait(ended).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<Result<Ending, HostError>> {
        self.outcome.lock().clone()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("pid", &self.pid)
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}
