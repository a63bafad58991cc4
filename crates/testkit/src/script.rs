//! What a task of a test does, as data, so that a modelled kernel and a real process can both run it.
//!
//! Key types: [`Script`], [`Step`]; [`Flag`], which the test raises and a script waits for; [`Did`], what a task
//! has certainly done. Nothing here runs anything: `sim` interprets scripts, and a real host can.

use utrace_core::CloneKind;

/// Something that a script waits for and the test raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flag(pub u32);

/// Steps to do, one after the other. After the last the thread exits with code 0.
pub type Script = Vec<Step>;

/// What a task declares for a signal.
#[derive(Debug, Clone)]
pub enum Handling {
    /// The default action.
    Default,
    /// Ignore it.
    Ignore,
    /// Run these steps on its arrival.
    Handler(Script),
    /// Run these steps on its arrival, with the disposition back at its default (`SA_RESETHAND`).
    Once(Script),
}

/// One step of a script.
#[derive(Debug, Clone)]
pub enum Step {
    /// One instruction in user mode, which leaves a mark.
    Mark(u32),
    /// One branch instruction in user mode, which leaves a mark.
    Branch(u32),
    /// Runs in user mode until the flag is raised.
    Spin(Flag),
    /// A syscall that does not sleep. That it ran is seen by its value in what the task did.
    Call(u64),
    /// A syscall that sleeps interruptibly until the flag is raised.
    Sleep(Flag),
    /// A syscall that sleeps uninterruptibly until the flag is raised.
    DeepSleep(Flag),
    /// Declares what a signal does.
    Handle(u32, Handling),
    /// Blocks a signal in this thread.
    Block(u32),
    /// Unblocks a signal in this thread.
    Unblock(u32),
    /// Sends this thread a signal.
    Raise(u32),
    /// Makes a child or a thread.
    Spawn(CloneKind, Script),
    /// Runs a new program; the rest of this script is never reached.
    Exec(Script),
    /// Runs a new program that is a script of an interpreter.
    ExecInterpreted(Script),
    /// An exec that fails.
    ExecFails,
    /// Ends this thread with an exit code.
    Exit(u32),
    /// Ends the process with an exit code.
    ExitGroup(u32),
}

/// Something that a task has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// It passed a [`Step::Mark`] or [`Step::Branch`] in user mode.
    Mark(u32),
    /// It ran a syscall, with this value.
    Call(u64),
}

/// Linux's numbers of the signals that the scenarios use (signal(7), x86-64).
pub mod signals {
    /// Core by default.
    pub const SIGQUIT: u32 = 3;
    /// A step or a breakpoint.
    pub const SIGTRAP: u32 = 5;
    /// Ends every thread, unreported.
    pub const SIGKILL: u32 = 9;
    /// Terminates by default.
    pub const SIGUSR1: u32 = 10;
    /// Terminates by default.
    pub const SIGUSR2: u32 = 12;
    /// Terminates by default.
    pub const SIGTERM: u32 = 15;
    /// Ignored by default.
    pub const SIGCHLD: u32 = 17;
    /// Ends a job control stop, whatever else.
    pub const SIGCONT: u32 = 18;
    /// Stops.
    pub const SIGSTOP: u32 = 19;
    /// Stops by default.
    pub const SIGTSTP: u32 = 20;
    /// Ignored by default.
    pub const SIGWINCH: u32 = 28;
}
