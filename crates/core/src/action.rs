//! What an engine asks of a task: the resume actions, their order, and what a control call answers.
//!
//! Key types: [`Action`], [`Progress`], and the error of each call. How actions are merged over a pass is in
//! `report`; this file only fixes their order (spec section 4, ordering rule).

use core::fmt;

/// A resume action. Callbacks return one, [`crate::EngineRef::control`] takes one.
///
/// The order is the merging rule: the smallest of all engines' actions wins, and [`Action::Detach`] never
/// contributes (spec section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Action {
    /// Hold the task stopped until this engine lets go. Sticky. Never interrupts a sleep (`UTRACE_STOP`).
    Stop = 0,
    /// Report on the signal path before user mode; ends an interruptible sleep like a stop signal would
    /// (`UTRACE_INTERRUPT`).
    Interrupt = 1,
    /// Report before user mode; does not wake a sleeper (`UTRACE_REPORT`).
    Report = 2,
    /// Run one instruction, if chosen in the last report before user mode (`UTRACE_SINGLESTEP`).
    SingleStep = 3,
    /// Run to the next branch, if chosen in the last report before user mode (`UTRACE_BLOCKSTEP`).
    BlockStep = 4,
    /// No demand (`UTRACE_RESUME`).
    Resume = 5,
    /// Drop this engine: no callback after this one (`UTRACE_DETACH`).
    Detach = 6,
}

impl Action {
    pub(crate) const fn from_bits(bits: u32) -> Action {
        match bits {
            0 => Action::Stop,
            1 => Action::Interrupt,
            2 => Action::Report,
            3 => Action::SingleStep,
            4 => Action::BlockStep,
            6 => Action::Detach,
            _ => Action::Resume,
        }
    }

    /// The stronger of two demands. `Detach` never contributes.
    #[must_use]
    pub fn merge(self, other: Action) -> Action {
        if other == Action::Detach {
            self
        } else if self == Action::Detach {
            other
        } else {
            self.min(other)
        }
    }
}

/// What a successful call left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "InProgress means that a callback of this engine may still be running"]
pub enum Progress {
    /// It is so: no callback that the call forbids is running or can start (historic return 0).
    Done,
    /// The call took effect, and the callback that is running now, or the stop that was asked for, is still
    /// to complete (historic `-EINPROGRESS`). [`crate::EngineRef::barrier`] waits for a callback.
    InProgress,
}

/// Why [`crate::EngineRef::set_events`] changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetEventsError {
    /// The engine is detached, or the task is being reaped (historic `-ESRCH`).
    Gone,
    /// The task is dead or dying and it is too late to ask for, or to decline, its death (historic
    /// `-EALREADY`): the death callback has run, is running or is about to.
    AlreadyDying,
}

/// Why [`crate::EngineRef::control`] did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlError {
    /// The engine is detached, or the task is dead or being reaped (historic `-ESRCH`).
    Gone,
    /// Detach came while the death callbacks run: they do the clean-up (historic `-EALREADY`, INV-18).
    AlreadyDying,
    /// `Report` and the steps need an engine that asked for [`crate::Event::Quiesce`], or nobody would hear the
    /// answer (historic `-EINVAL`).
    NeedsQuiesce,
    /// The host cannot single-step this task (historic `-EOPNOTSUPP`).
    NoHardware,
}

/// Why [`crate::Task::attach`] attached nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachError {
    /// The task is gone (historic `-ESRCH`).
    Gone,
    /// Exclusive attach, and an engine that matches is there (historic `-EEXIST`).
    Exists,
    /// The host does not let this task be traced, as with a kernel thread (historic `-EPERM`).
    NotPermitted,
}

/// Why [`crate::EngineRef::barrier`] returned without having seen the callback end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarrierError {
    /// The engine is detached or the task is being reaped: no callback but reap can follow (historic `-ESRCH`).
    Gone,
    /// The wait was interrupted by a signal to the caller; call again (historic `-ERESTARTSYS`).
    Interrupted,
}

/// Why an `_sync` call did not get to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncError {
    /// As [`SetEventsError::Gone`].
    Gone,
    /// As [`SetEventsError::AlreadyDying`].
    AlreadyDying,
    /// The wait was interrupted by a signal to the caller; call again (`-ERESTARTSYS`).
    Interrupted,
}

/// How [`crate::EngineRef::detach_sync`] ended: never ambiguous (INV-16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "says who cleans up"]
pub enum Detached {
    /// Every callback is over and none will come (0).
    Over,
    /// The reap callback has run, is running or is about to (`-ESRCH`).
    ReapRuns,
}

/// Why an examination is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExamineError {
    /// This engine does not hold the task stopped (historic `-EINVAL`).
    NotHeld,
    /// The task is dead (historic `-ESRCH`).
    Dead,
    /// The task runs, or ran in between: discard what was read (historic `-EAGAIN`, INV-37).
    Ran,
}

macro_rules! messages {
    ($type:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($type::$variant => $text),+ })
            }
        }
        impl core::error::Error for $type {}
    };
}

messages!(SetEventsError {
    Gone => "the engine is detached or its task is gone",
    AlreadyDying => "the task is already dying",
});
messages!(ControlError {
    Gone => "the engine is detached or its task is gone",
    AlreadyDying => "the task is already dying",
    NeedsQuiesce => "the engine must ask for the quiesce event first",
    NoHardware => "this task cannot be single-stepped",
});
messages!(AttachError {
    Gone => "the task is gone",
    Exists => "an engine that matches is already attached",
    NotPermitted => "the task may not be traced",
});
messages!(BarrierError {
    Gone => "the engine is detached or its task is gone",
    Interrupted => "interrupted by a signal",
});
messages!(SyncError {
    Gone => "the engine is detached or its task is gone",
    AlreadyDying => "the task is already dying",
    Interrupted => "interrupted by a signal",
});
messages!(ExamineError {
    NotHeld => "the engine does not hold the task stopped",
    Dead => "the task is dead",
    Ran => "the task ran: discard what was read",
});

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn smallest_wins_and_detach_never_contributes() {
        assert_eq!(Action::Resume.merge(Action::Stop), Action::Stop);
        assert_eq!(Action::SingleStep.merge(Action::BlockStep), Action::SingleStep);
        assert_eq!(Action::Report.merge(Action::Detach), Action::Report);
        assert_eq!(Action::Detach.merge(Action::Resume), Action::Resume);
    }

    #[test]
    fn bits_round_trip() {
        for bits in 0..7 {
            assert_eq!(Action::from_bits(bits) as u32, bits);
        }
    }
}
