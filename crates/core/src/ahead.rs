//! Answers that a task has before it asks.
//!
//! Key types: [`Ahead`] (a call and its answer), [`Foresight`] (where they are laid ready for one task). Who answers a
//! task's calls ([`crate::Answers`]) often knows the next ones: a tracer that was told of a stop asks what stopped, and
//! lets the tracee go on. A host may have a place in the task's own memory where such answers lie ready, so that
//! they are taken without entering the system at all. A call that is not as foreseen is asked as ever, so nothing is lost
//! but time where a guess is wrong. Whoever lays answers ready takes them back before they cease to be true.

use crate::answer::Line;
use crate::task::TaskId;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A call that a task will probably make, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ahead<'a> {
    /// The number in the system-call table of the host's own architecture.
    pub number: u32,
    /// The first four arguments: only a call with exactly these takes the answer.
    pub args: [u64; 4],
    /// The raw result, as [`crate::Answer::Value`]'s.
    pub value: i64,
    /// Put where the fourth argument points; at most [`Ahead::ROOM`] bytes.
    pub bytes: &'a [u8],
    /// What the call does with these bytes.
    pub does: Does,
}

/// What an answered call does with the bytes of its [`Ahead`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It gets them.
    Gets,
    /// It gets them, or what a call that gives has given since.
    GetsNew,
    /// It gives as many, where its fourth argument points, and is told its value. Only what is like these bytes in some of its
    /// words of 8 bytes is accepted: those whose bit is in the first number. The answers whose bit is in the second are not true
    /// any more then, and taken back. [`Foresight::given`] tells what came. The value is 0.
    Gives(u32, u32),
}

impl Ahead<'_> {
    /// How many answers can lie ready at once.
    pub const MOST: usize = 24;
    /// The most bytes of one answer.
    pub const ROOM: usize = 224;
}

/// Where calls of one number go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// To who answers, if they are caught.
    #[default]
    Asked,
    /// Straight to the system. Of calls that write, [`Foresight::written`] tells.
    Straight,
}

/// A write that went straight to the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrote {
    /// The descriptor it was made through.
    pub fd: i32,
    /// The offset in that file.
    pub at: u64,
    /// How many bytes: at most [`Wrote::MOST`].
    pub len: usize,
    /// What was there before.
    pub before: [u8; Wrote::MOST],
    /// What was there when it was over; `None` if it was given up before that.
    pub after: Option<[u8; Wrote::MOST]>,
}

/// When one is asked for what a task wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It asks something else: what is not over was given up in the middle.
    Asking,
    /// Any other: what is not over may be under way, and is told of another time.
    Any,
}

impl Wrote {
    /// Longer writes are asked, whatever was said.
    pub const MOST: usize = 16;
}

/// Whether answers can lie ready for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laid {
    /// They do.
    Ready,
    /// There is no place, or none yet: the task asks. A host makes one for a task for which that happens often.
    Nowhere,
}

/// Which answers were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken(u32);

impl Taken {
    /// For a host: one bit for each, the lowest for the first.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Taken {
        Taken(bits)
    }

    /// Whether the answer at this place of those laid last was. The task may have found at the last moment that it has
    /// changed since, and ask after all: only a call whose answer has no bytes is surely over.
    #[must_use]
    pub const fn has(self, place: usize) -> bool {
        place < 32 && self.0 & 1 << place != 0
    }
}

/// Where answers are laid ready for one task.
#[derive(Clone)]
pub struct Foresight {
    line: Arc<dyn Line>,
    task: TaskId,
}

impl Foresight {
    pub(crate) fn new(line: &Arc<dyn Line>, task: TaskId) -> Foresight {
        Foresight { line: Arc::clone(line), task }
    }

    /// Lays these ready, and no others. Each is taken at most once.
    #[must_use]
    pub fn lay(&self, answers: &[Ahead<'_>]) -> Laid {
        self.line.lay(self.task, answers)
    }

    /// Which way calls of this number go from now on, where a host can make a difference; asked, until said. It holds for the
    /// whole process, and a call that is under way goes on as it began.
    pub fn send(&self, number: u32, way: Way) {
        self.line.send(self.task, number, way);
    }

    /// Writes that go straight ([`Way::Straight`]) do so through this descriptor only: what is written is read before, which not
    /// every file would bear.
    pub fn write_through(&self, fd: i32) {
        self.line.write_through(self.task, fd);
    }

    /// What the task wrote without asking, since this was called last, in order.
    #[must_use]
    pub fn written(&self, moment: Moment) -> Vec<Wrote> {
        self.line.written(self.task, moment)
    }

    /// What the task gave in the call that it made last of those that give ([`Does::Gives`]), if one was taken.
    #[must_use]
    pub fn given(&self) -> Vec<u8> {
        self.line.given(self.task)
    }

    /// Takes back what was laid, and says what was taken: when this returns no more will be.
    #[must_use]
    pub fn take_back(&self) -> Taken {
        self.line.take_back(self.task)
    }
}

impl fmt::Debug for Foresight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foresight").field("task", &self.task).finish_non_exhaustive()
    }
}
