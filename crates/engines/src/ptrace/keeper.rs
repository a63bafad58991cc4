//! What the engine asks of whoever runs the host it sits on: processes outside the tree, and who may trace them.
//!
//! Key types: [`Keeper`], [`LinkView`]. Without a keeper a tree is alone: a request on a process outside is the kernel's
//! to answer, and inside everybody may trace everybody. The engine knows no host and no credentials; the keeper knows no
//! links. Neighbours: [`super::client`] asks, [`super::world`] tells when a process is nobody's tracee any more.

use std::time::SystemTime;

use super::link::State;
use super::world::Thread;

/// Told how an acquisition ended: 0, or a negative error number.
pub type Done = Box<dyn FnOnce(i64) + Send>;

/// Brings processes under the host of the tree, and decides who may trace them.
///
/// Called with the engine's lock held and on the tracer thread: nothing may wait for either.
pub trait Keeper: Send + Sync {
    /// Whether the kernel would let this thread trace that one, as far as their credentials go (ptrace(2), "Ptrace
    /// access mode checking").
    fn may_trace(&self, caller: u32, target: u32) -> bool;

    /// Whether this thread has fewer rights than whoever traces for it: the kernel may then raise those of a tracee, which
    /// it would not do under this tracer.
    fn is_bounded(&self, tracer: u32) -> bool;

    /// The same as [`Keeper::may_trace`] for one that it traces already, or that asks for it (`PTRACE_TRACEME`): only
    /// what the credentials say, not what is asked once (Yama's scope).
    fn may_keep(&self, tracer: u32, tracee: u32) -> Standing;

    /// A thread wants to trace one that the engine does not know. Has [`super::Ptrace::admit`] called for every thread
    /// of its process, if `caller` may trace it, and then calls `done`; both later, from another thread.
    fn acquire(&self, caller: u32, target: u32, done: Done);

    /// No tracer is linked to this process any more. It may be left, if nobody else uses it:
    /// [`super::Ptrace::release`].
    fn idle(&self, process: u32);
}

/// Whether a tracer may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Keeps,
    /// The tracee has come to rights that the tracer has not.
    Lost,
    /// The tracee is dead, and has no rights at all.
    Gone,
}

/// What a thread is in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Its calls are caught.
    Client,
    /// It came to be traced, and runs without a filter: its calls are its own.
    Target,
}

/// What a client asked its keeper for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// No answer yet: the client stands before its call.
    Pending,
    /// This came of it, for this target.
    Answered(u32, i64),
}

/// A tracer on a tracee, for who wants to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// The tracing thread.
    pub tracer: u32,
    /// The process of the tracing thread.
    pub tracer_process: u32,
    /// The traced thread.
    pub tracee: u32,
    /// The process of the traced thread.
    pub process: u32,
    /// Since when.
    pub since: SystemTime,
    /// Whether the tracee is stopped for this tracer.
    pub stop: Holding,
    /// Whether the tracer waits for news (wait(2)).
    pub waits: bool,
}

/// What a link does to its tracee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// Nothing: it runs, as far as this tracer goes.
    Nothing,
    /// Stopped, and the tracer has not asked for news yet.
    Untold,
    /// Stopped; what happens next is the tracer's to say.
    Told,
    /// Gone; the tracer has not asked for news yet.
    Ended,
}

impl Holding {
    pub(super) fn of(state: &State) -> Holding {
        match state {
            State::Running | State::Listening => Holding::Nothing,
            State::Stopped(_, super::link::Told::Not) => Holding::Untold,
            State::Stopped(_, super::link::Told::Yes) => Holding::Told,
            State::Ended(_) => Holding::Ended,
        }
    }
}

/// Whether this thread is asked about by nobody but its tracers.
pub(super) fn is_target(thread: &Thread) -> bool {
    thread.role == Role::Target
}
