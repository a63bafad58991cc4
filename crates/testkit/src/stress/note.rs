//! What is written down about one engine: its callbacks, the calls on it, its drop.
//!
//! Key types: [`Note`], [`Called`], [`Op`], [`Answer`]. [`super::check`] judges sequences of them. Notes are taken by who
//! does the thing, just inside: a callback's `Enter` after it began and its `Leave` before it is over, a call's
//! `Begin` before and its `End` after. So what two notes say in this order happened in this order.

use utrace_core::{Action, Event, Interest};

/// A callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// `quiesce`, before this event or alone.
    Quiesce(Option<Event>),
    /// `signal`: a signal of this event and number, or a report without one.
    Signal(Option<(Event, u32)>),
    /// `syscall_entry` or `syscall_exit`, of the syscall with this index.
    Syscall(Event, u64),
    /// Any other.
    Event(Event),
}

impl Called {
    /// Whether an engine with this interest may be called so.
    #[must_use]
    pub fn is_in(self, interest: &Interest) -> bool {
        let has = |event| interest.events.contains(event);
        match self {
            Called::Quiesce(_) | Called::Signal(None) => has(Event::Quiesce),
            Called::Signal(Some((event, number))) => {
                has(Event::Quiesce) || (has(event) && interest.signals.contains(number))
            }
            Called::Syscall(event, index) => has(event) && interest.syscalls.contains(index),
            Called::Event(event) => has(event),
        }
    }

    /// Whether a task that is dead or being killed may still call so.
    #[must_use]
    pub fn is_of_the_end(self) -> bool {
        matches!(
            self,
            Called::Quiesce(Some(Event::Exit | Event::Death))
                | Called::Event(Event::Exit | Event::Death | Event::Reap)
        )
    }

    /// Whether a dead task may still call so.
    #[must_use]
    pub fn is_of_death(self) -> bool {
        self.is_of_the_end()
            && !matches!(self, Called::Quiesce(Some(Event::Exit)) | Called::Event(Event::Exit))
    }

    /// Its name in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Called::Quiesce(None) => "quiesce alone",
            Called::Quiesce(Some(_)) => "quiesce before an event",
            Called::Signal(None) => "signal report without a signal",
            Called::Signal(Some((event, _))) | Called::Syscall(event, _) | Called::Event(event) => {
                name_of(event)
            }
        }
    }
}

const fn name_of(event: Event) -> &'static str {
    match event {
        Event::Quiesce => "quiesce",
        Event::Reap => "reap",
        Event::Clone => "clone",
        Event::Exec => "exec",
        Event::Exit => "exit",
        Event::Death => "death",
        Event::SyscallEntry => "syscall entry",
        Event::SyscallExit => "syscall exit",
        Event::Signal => "signal caught",
        Event::SignalIgn => "signal ignored",
        Event::SignalStop => "signal that stops",
        Event::SignalTerm => "signal that terminates",
        Event::SignalCore => "signal that dumps",
        Event::Jctl => "job control",
    }
}

/// A call on an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `set_events`.
    SetEvents(Interest),
    /// `set_events_sync`.
    SetEventsSync(Interest),
    /// `control`.
    Control(Action),
    /// `barrier`.
    Barrier,
    /// `detach_sync`.
    DetachSync,
}

impl Op {
    /// Its name in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Op::SetEvents(_) => "set_events",
            Op::SetEventsSync(_) => "set_events_sync",
            Op::Control(Action::Stop) => "control stop",
            Op::Control(Action::Interrupt) => "control interrupt",
            Op::Control(Action::Report) => "control report",
            Op::Control(Action::SingleStep) => "control single-step",
            Op::Control(Action::BlockStep) => "control block-step",
            Op::Control(Action::Resume) => "control resume",
            Op::Control(Action::Detach) => "control detach",
            Op::Barrier => "barrier",
            Op::DetachSync => "detach_sync",
        }
    }

    /// The interest that it installs.
    pub(super) fn installs(self) -> Option<Interest> {
        match self {
            Op::SetEvents(interest) | Op::SetEventsSync(interest) => Some(interest),
            Op::DetachSync => Some(Interest::from(Event::Reap)),
            Op::Control(_) | Op::Barrier => None,
        }
    }
}

/// What a call answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `Ok`, and nothing is left over; `detach_sync`: `Over`.
    Done,
    /// `Progress::InProgress`.
    InProgress,
    /// `Gone`.
    Gone,
    /// `AlreadyDying`.
    AlreadyDying,
    /// `Detached::ReapRuns`.
    ReapRuns,
    /// `Interrupted`: nothing is known.
    Interrupted,
    /// Refused for its arguments: nothing was looked at.
    Refused,
}

impl Answer {
    /// Its name in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Answer::Done => "done",
            Answer::InProgress => "in progress",
            Answer::Gone => "gone",
            Answer::AlreadyDying => "already dying",
            Answer::ReapRuns => "reap runs",
            Answer::Interrupted => "interrupted",
            Answer::Refused => "refused",
        }
    }
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The task itself, in a callback.
    Task,
    /// Another thread.
    Other,
}

/// The number of one call, unique for its engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallId(pub u64);

/// One thing that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// A callback runs.
    Enter(Called),
    /// It is over, with this answer.
    Leave(Action),
    /// A call begins.
    Begin(CallId, Op, By),
    /// It answered.
    End(CallId, Answer),
    /// The engine holds the task, and nobody will let it go on its behalf until [`Note::LetGo`].
    Held,
    /// That is over.
    LetGo,
    /// The last handle was dropped where no list held it, so the engine must be dropped now.
    Dropped,
}
