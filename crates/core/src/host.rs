//! What the core asks of a host.
//!
//! Key types: [`TaskHost`] (one per task: wake it, make it report), [`Platform`] (one per process: wait, wake,
//! fence). A host drives the other direction, from what happens to a task into the core, through
//! [`crate::Reporter`]. Hosts decide no policy: they report what happened and do what the answer says.

use crate::sync::AtomicU32;
use crate::target::{Target, TargetError};
use crate::task::Task;

/// Which steps a task can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// None: asking for one is an error.
    None,
    /// Single instructions; a block step degrades to one.
    Single,
    /// Single instructions and to the next branch.
    Block,
}

/// A host's hold on one task. Called from any thread, never with a lock of the core held.
pub trait TaskHost: Send + Sync {
    /// Make the task report before it is in user mode again. Must not disturb a sleep, nor wait.
    fn request_report(&self, task: &Task);

    /// Make the task report on the signal path, ending an interruptible sleep. Must not wait.
    fn request_interrupt(&self, task: &Task);

    /// The last engine that held the task stopped let go: call [`crate::Reporter::woken`] soon. Must not wait.
    fn wake(&self, task: &Task);

    /// An engine is marked for detach on a task that is not stopped: call [`crate::Reporter::tidy`] when no report
    /// runs. The task itself need not stop. Must not wait.
    fn tidy(&self, task: &Task);

    /// What the engines together want has grown; see [`Task::wants`] and [`Task::wanted`]. Must not wait.
    fn interest_changed(&self, task: &Task);

    /// Whether the caller acts for the task: it is inside a report of it.
    fn is_current(&self) -> bool;

    /// Which steps the task can make.
    fn steps(&self) -> Steps {
        Steps::Block
    }

    /// A callback of the engine with this name is unwinding; it is marked for detach. Called while it unwinds, so
    /// it must not panic.
    fn unwound(&self, _engine: &str) {}

    /// Whether the task may be traced at all (a kernel thread may not).
    fn traceable(&self) -> bool {
        true
    }

    /// A number that changes whenever the task has been on a processor, if it is off it now. `None` if it
    /// runs. Two equal answers mean that it stayed off in between (INV-37).
    fn off_cpu(&self) -> Option<u64> {
        None
    }

    /// Runs `examine` on the task while it is held or blocked, from whatever thread may do that.
    ///
    /// # Errors
    /// [`TargetError::Died`]; [`TargetError::Unsupported`] if the host cannot.
    fn with_target(&self, _examine: &mut (dyn FnMut(&mut dyn Target) + Send)) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wakeup {
    /// The word changed, or was woken, or for no reason: look again.
    Look,
    /// A signal to the caller.
    Interrupted,
}

/// How the light side of a fence pair is made (see [`Platform::heavy_fence`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fences {
    /// Both sides use a full fence.
    Symmetric,
    /// The reporting side uses a compiler fence only, because [`Platform::heavy_fence`] makes every thread of
    /// the process pass a full fence (membarrier(2), `MEMBARRIER_CMD_PRIVATE_EXPEDITED`).
    Asymmetric,
}

/// What the core needs of the system that it runs on, in the shape of futex(2) and membarrier(2).
pub trait Platform: Send + Sync {
    /// Sleeps if `word` still holds `expected`. May return early.
    fn wait(&self, word: &AtomicU32, expected: u32) -> Wakeup;

    /// Wakes everybody who waits on `word`.
    fn wake_all(&self, word: &AtomicU32);

    /// Which kind of fence the reporting side needs.
    fn fences(&self) -> Fences {
        Fences::Symmetric
    }

    /// A full fence in the caller and, if [`Platform::fences`] is asymmetric, in every thread that runs reports.
    fn heavy_fence(&self) {
        crate::sync::order::heavy_fence();
    }
}
