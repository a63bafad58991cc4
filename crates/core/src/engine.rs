//! The trait that a tracer implements, and the context its callbacks get.
//!
//! Key types: [`Engine`], [`Cx`], [`Kind`]. Which callbacks are made, and in which order, is decided by the
//! declared [`crate::Interest`] and in `report`; this file only says what they look like.

use crate::action::Action;
use crate::attached::{Attached, EngineRef};
use crate::event::Event;
use crate::payload::{
    CloneReport, DeathReport, ExecReport, ExitReport, JctlReport, SignalReport, SyscallEntry, SyscallExit,
};
use crate::target::Target;
use crate::task::Task;
use alloc::sync::Arc;
use core::any::TypeId;
use core::fmt;

/// What kind of engine this is: lookup and exclusive attach compare it (historic `UTRACE_ATTACH_MATCH_OPS`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(KindId);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum KindId {
    Type(TypeId),
    Token(usize),
}

impl Kind {
    /// The kind of a Rust type.
    pub fn of<E: 'static + ?Sized>() -> Kind {
        Kind(KindId::Type(TypeId::of::<E>()))
    }

    /// A kind that is a bare number, for engines that share one Rust type.
    pub fn token(token: usize) -> Kind {
        Kind(KindId::Token(token))
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            KindId::Type(id) => write!(f, "Kind({id:?})"),
            KindId::Token(token) => write!(f, "Kind({token:#x})"),
        }
    }
}

/// A tracer attached to one task.
///
/// Implement the callbacks of the events that the engine will ask for with [`EngineRef::set_events`]; no other is
/// ever called. The callbacks of one attachment never overlap (INV-41), so they have `&mut self`. To share
/// state between tasks or with a controller, keep an `Arc` in the engine. The engine is dropped exactly once:
/// when it is detached or reaped and the last [`EngineRef`] is gone, never under a lock of the core (INV-29).
///
/// A callback answers with an [`Action`]. It may call anything on any task, its own too, and must not block:
/// other engines and the task wait for it. Never wait in [`EngineRef::barrier`] while holding a lock that a
/// callback takes (INV-39).
///
/// ```
/// use utrace_core::{Action, Cx, Engine, SyscallEntry};
///
/// /// Counts syscalls.
/// struct Count(u64);
///
/// impl Engine for Count {
///     fn name(&self) -> &str {
///         "count"
///     }
///     fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
///         self.0 += 1;
///         Action::Resume
///     }
/// }
/// ```
#[expect(unused_variables, reason = "the defaults name their arguments for the reader")]
pub trait Engine: Send + 'static {
    /// What messages call this engine.
    fn name(&self) -> &str;

    /// What lookups compare. The type, unless said otherwise.
    fn kind(&self) -> Kind {
        Kind::of::<Self>()
    }

    /// [`Event::Quiesce`]: before every other callback of a pass (`event` says which), or alone just before
    /// user mode (`None`). Enabling `event` from here has its callback made in the same pass.
    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        Action::Resume
    }

    /// [`Event::SyscallEntry`]. `Stop` holds the task before the syscall runs.
    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        Action::Resume
    }

    /// [`Event::SyscallExit`].
    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        Action::Resume
    }

    /// The five signal events and, for an engine with [`Event::Quiesce`], the reports on the signal path that
    /// carry no signal. An engine that does not implement it is told of the latter through
    /// [`Engine::quiesce`], as of every other pass.
    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        self.quiesce(cx, None)
    }

    /// [`Event::Clone`].
    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        Action::Resume
    }

    /// [`Event::Exec`].
    fn exec(&mut self, cx: &mut Cx<'_>, exec: &mut ExecReport) -> Action {
        Action::Resume
    }

    /// [`Event::Exit`]. `Stop` holds the thread here, with everything still alive.
    fn exit(&mut self, cx: &mut Cx<'_>, exit: &mut ExitReport) -> Action {
        Action::Resume
    }

    /// [`Event::Jctl`].
    fn jctl(&mut self, cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        Action::Resume
    }

    /// [`Event::Death`]. Only `Detach` means anything.
    fn death(&mut self, cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        Action::Resume
    }

    /// [`Event::Reap`]. The engine is detached when this returns. Must not block.
    fn reap(&mut self, task: &Task) {}
}

/// What a callback can see and reach.
pub struct Cx<'a> {
    pub(crate) target: &'a mut dyn Target,
    pub(crate) task: &'a Task,
    pub(crate) me: &'a Arc<Attached>,
    pub(crate) earlier: Action,
}

impl<'a> Cx<'a> {
    /// The task that reports.
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// Its memory, registers and the like. Valid for as long as the callback runs.
    pub fn target(&mut self) -> &mut dyn Target {
        self.target
    }

    /// The combined demand of the engines called before this one.
    pub fn earlier(&self) -> Action {
        self.earlier
    }

    /// A handle to this very attachment, to keep or to control.
    pub fn engine(&self) -> EngineRef {
        EngineRef::new(self.task.clone(), Arc::clone(self.me))
    }
}

impl fmt::Debug for Cx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("task", &self.task.id())
            .field("earlier", &self.earlier)
            .finish_non_exhaustive()
    }
}
