//! Calls that somebody answers in place of the system, without a stop of the task.
//!
//! Key types: [`Answers`] (who answers), [`Question`] (one call), [`Asker`] (a task whose answer comes later). An engine
//! that wants to see calls asks for [`crate::Event::SyscallEntry`]; this is for calls that it always decides itself, and
//! often: the task sleeps in the call while the answer is made, which costs a fraction of a stop. Engines that look on
//! see entry and exit of such a call around the answer, as if the system had given it.
//!
//! Nothing of the core depends on it: a host that can do it takes an [`Answers`] when it is set up.

use crate::ahead::{Ahead, Foresight, Laid, Moment, Taken, Way, Wrote};
use crate::payload::Syscall;
use crate::target::Target;
use crate::task::{Task, TaskId};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// A call that is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Which system-call table, as [`Syscall::arch`].
    pub arch: u32,
    /// The number in that table.
    pub number: u32,
    /// With which arguments. All other calls of this number go to the system at full speed.
    pub when: When,
}

/// A condition on the arguments of a call, cheap enough to be tested at each one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// None.
    Always,
    /// The argument at this position (0 to 5), taken as an int, has this value.
    Is(u8, u32),
    /// The argument at this position, taken as an unsigned long, is this or more.
    AtLeast(u8, u32),
    /// The argument at this position, taken as an int, has none of these bits.
    Without(u8, u32),
    /// The arguments at these two positions, taken as ints, are 0.
    Zeroes(u8, u8),
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The system carries it out.
    System,
    /// It is not carried out; this is its raw result (negated error numbers for errors).
    Value(i64),
    /// The task makes it again after a stop, which who answers has asked for before. Meanwhile it may be made to sleep in
    /// pause(2) in place of it: if the host ends before it is woken from there, it makes the call again too.
    Again,
}

/// Whether somebody is told of a call that a program's own filter stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filtered {
    /// Nobody: the call is refused.
    Untold,
    /// Somebody is, and has asked his engines for stops, which begin now.
    Told,
}

/// Whether an answer reached the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It did.
    Done,
    /// The task does not wait any more: it was killed.
    Gone,
}

/// A file that a task is given.
#[derive(Debug, Clone, Copy)]
pub enum Lent<'a> {
    /// One that holds this.
    Copy(&'a [u8]),
    /// The one that is open in the host's own process under this number.
    Open(i32),
}

/// A host's way of answering a task that sleeps in a call.
pub trait Line: Send + Sync {
    /// Answers the question with this number.
    fn give(&self, question: u64, answer: Answer) -> Delivery;
    /// The question will be answered later.
    fn hold(&self, question: u64);
    /// Lays answers ready for a task: see [`Foresight::lay`].
    fn lay(&self, _task: TaskId, _answers: &[Ahead<'_>]) -> Laid {
        Laid::Nowhere
    }
    /// Where a task's calls go: see [`Foresight::send`].
    fn send(&self, _task: TaskId, _number: u32, _way: Way) {}
    /// Through which descriptor a task writes unasked: see [`Foresight::write_through`].
    fn write_through(&self, _task: TaskId, _fd: i32) {}
    /// What a task wrote unasked: see [`Foresight::written`].
    fn written(&self, _task: TaskId, _moment: Moment) -> Vec<Wrote> {
        Vec::new()
    }
    /// What it gave: see [`Foresight::given`].
    fn given(&self, _task: TaskId) -> Vec<u8> {
        Vec::new()
    }
    /// Takes them back: see [`Foresight::take_back`].
    fn take_back(&self, _task: TaskId) -> Taken {
        Taken::default()
    }
    /// Opens a file in the task that asks, to be read only: as a new descriptor, or as this one. The descriptor; `None`
    /// if that cannot be.
    fn lend(&self, _question: u64, _file: Lent<'_>, _at: Option<i32>) -> Option<i32> {
        None
    }
}

/// One call, asked by a task that sleeps in it.
pub struct Question<'a> {
    task: &'a Task,
    call: Syscall,
    target: &'a mut dyn Target,
    line: &'a Arc<dyn Line>,
    id: u64,
    interrupted: bool,
}

impl<'a> Question<'a> {
    /// For a host. `target` needs to give access to memory and descriptors only: the task is not stopped.
    pub fn new(
        task: &'a Task,
        call: Syscall,
        target: &'a mut dyn Target,
        line: &'a Arc<dyn Line>,
        id: u64,
    ) -> Question<'a> {
        Question { task, call, target, line, id, interrupted: false }
    }

    /// A question that a signal interrupted before it could be heard: see [`Question::is_interrupted`].
    pub fn interrupted(
        task: &'a Task,
        call: Syscall,
        target: &'a mut dyn Target,
        line: &'a Arc<dyn Line>,
    ) -> Question<'a> {
        Question { task, call, target, line, id: 0, interrupted: true }
    }

    /// Whether a signal waits for the task, so that it must not sleep: who would hold it answers what an interrupted call
    /// answers, or leaves it to the system, which then asks again.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Who asks.
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// The call. Its stack pointer is not known.
    pub fn call(&self) -> &Syscall {
        &self.call
    }

    /// The memory and descriptors of the task.
    pub fn target(&mut self) -> &mut dyn Target {
        self.target
    }

    /// Where answers to this task's next calls can be laid ready.
    pub fn foresight(&self) -> Foresight {
        Foresight::new(self.line, self.task.id())
    }

    /// Opens a file in the task, to be read only, as a new descriptor or in place of this one: the result of a call that
    /// was to open it. `None` if that cannot be.
    pub fn lend(&self, file: Lent<'_>, at: Option<i32>) -> Option<i32> {
        self.line.lend(self.id, file, at)
    }

    /// To answer later, but within milliseconds: signals other than SIGKILL wait meanwhile. The call is left to the
    /// system only when the host ends.
    pub fn hold(&self) -> Asker {
        self.line.hold(self.id);
        Asker { line: Arc::clone(self.line), id: self.id, task: self.task.id() }
    }
}

impl fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("task", &self.task.id())
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// A task that waits for an answer.
pub struct Asker {
    line: Arc<dyn Line>,
    id: u64,
    task: TaskId,
}

impl Asker {
    /// Answers it.
    pub fn give(&self, answer: Answer) -> Delivery {
        self.line.give(self.id, answer)
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("task", &self.task).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Somebody who answers calls.
pub trait Answers: Send + Sync {
    /// Which calls. Asked once, before the first task.
    fn calls(&self) -> Vec<Caught>;

    /// The host can do it, and will for every task that it launches and what these make.
    fn begin(&self);

    /// A task asks. `None` if the answer comes later, through [`Question::hold`]. Called where callbacks of engines are,
    /// and never during one; must not block.
    fn ask(&self, question: &mut Question<'_>) -> Option<Answer>;

    /// A filter that the task's own program set has stopped a call, and told this number (seccomp(2), `RET_TRACE`). The
    /// system refuses such a call if nobody is there to be told, and so does the host. Called where callbacks of engines
    /// are, and never during one.
    fn filtered(&self, _task: &Task, _told: u16) -> Filtered {
        Filtered::Untold
    }

    /// The host has nothing else to do: everything that was reported so far has had its consequences, tasks that were
    /// to stop stand still. Called very often. Answers after how long it is to be called again if nothing happens.
    fn settle(&self) -> Option<Duration>;
}
