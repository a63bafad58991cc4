//! What each event carries, and what a callback may change of it (spec section 3).
//!
//! One struct per event. A host fills it, the pass shows it to each engine in turn (so that a later engine sees
//! what an earlier one made of it), the host reads the outcome back. Numbers are the host's: the core keeps
//! them apart and compares them, no more.

use crate::target::Addr;
use crate::task::Task;
use crate::{Event, TaskId};

/// A syscall as the task asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Syscall {
    /// The number, in the table of `arch`.
    pub number: u64,
    /// The index that [`crate::SyscallSet`] knows it by. On x86-64 the native number, also for a 32-bit call
    /// of the same name.
    pub index: u64,
    /// The six argument registers; those that the call does not take hold whatever the task left there.
    pub args: [u64; 6],
    /// Which syscall table, as the host names it (on Linux `AUDIT_ARCH_*`).
    pub arch: u32,
    /// The instruction after the syscall.
    pub ip: Addr,
    /// The stack pointer.
    pub sp: Addr,
}

/// Whether the syscall is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyscallAction {
    /// It runs, as number and arguments say at the end of the pass.
    #[default]
    Run,
    /// It is skipped; the exit is reported all the same, with what the host returns in its place.
    Abort,
}

/// [`Event::SyscallEntry`].
#[derive(Debug, Clone)]
pub struct SyscallEntry {
    call: Syscall,
    action: SyscallAction,
    resumed: bool,
    changed: bool,
}

impl SyscallEntry {
    /// What a host reports when a task entered the kernel for `call`.
    pub fn new(call: Syscall) -> SyscallEntry {
        SyscallEntry { call, action: SyscallAction::Run, resumed: false, changed: false }
    }

    /// The call, with what earlier engines changed.
    pub fn call(&self) -> &Syscall {
        &self.call
    }

    /// Makes it another syscall. Which engines are told of the exit still follows from the original index.
    pub fn set_number(&mut self, number: u64) {
        self.changed |= self.call.number != number;
        self.call.number = number;
    }

    /// Changes argument `position` (0 to 5). Another position changes nothing.
    pub fn set_arg(&mut self, position: usize, value: u64) {
        if let Some(arg) = self.call.args.get_mut(position) {
            self.changed |= *arg != value;
            *arg = value;
        }
    }

    /// Whether it would run now.
    pub fn action(&self) -> SyscallAction {
        self.action
    }

    /// Skip it. A later engine may say otherwise: the last word wins.
    pub fn abort(&mut self) {
        self.action = SyscallAction::Abort;
    }

    /// Let it run, whatever an earlier engine said. An engine that only looks on calls neither.
    pub fn run(&mut self) {
        self.action = SyscallAction::Run;
    }

    /// Whether this is a repeated report, after a stop at this very entry (`UTRACE_SYSCALL_RESUMED`).
    pub fn resumed(&self) -> bool {
        self.resumed
    }

    /// Whether number or arguments were changed, so that the host must write them back.
    pub fn changed(&self) -> bool {
        self.changed
    }

    pub(crate) fn set_resumed(&mut self, said: SyscallAction) {
        self.resumed = true;
        self.action = said;
    }
}

/// [`Event::SyscallExit`].
#[derive(Debug, Clone)]
pub struct SyscallExit {
    call: Option<Syscall>,
    index: u64,
    value: i64,
    error: bool,
    changed: bool,
    delayed: bool,
}

impl SyscallExit {
    /// What a host reports when a task leaves the kernel: `call` as it was entered, if the entry was seen
    /// (SC-54), and the result.
    pub fn new(call: Option<Syscall>, index: u64, value: i64, error: bool) -> SyscallExit {
        SyscallExit { call, index, value, error, changed: false, delayed: false }
    }

    /// The call as it was when it began to run. `None` if it began before anybody looked.
    pub fn call(&self) -> Option<&Syscall> {
        self.call.as_ref()
    }

    /// The index of the syscall.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The raw value that the task will see: negated error numbers for errors.
    pub fn value(&self) -> i64 {
        self.value
    }

    /// Whether that value is an error.
    pub fn is_error(&self) -> bool {
        self.error
    }

    /// Makes the task see `value`, an error or not.
    pub fn set_value(&mut self, value: i64, error: bool) {
        self.value = value;
        self.error = error;
        self.changed = true;
    }

    /// Whether the host must write the result back.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// Says to later engines that an engine holds, or held, the task for a while on account of this call.
    pub fn set_delayed(&mut self) {
        self.delayed = true;
    }

    /// Whether an earlier engine said so.
    pub fn delayed(&self) -> bool {
        self.delayed
    }
}

/// What a new child shares with its parent, as far as engines care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloneKind {
    /// A process of its own.
    Fork,
    /// A process of its own, for which the parent waits.
    Vfork,
    /// A thread of the same process.
    Thread,
}

/// [`Event::Clone`], in the parent. The child cannot run before the callbacks are over: do not block.
#[derive(Debug)]
pub struct CloneReport {
    /// Fork, vfork or thread.
    pub kind: CloneKind,
    /// The child. An engine that wants to follow attaches itself to it here; a stop or report asked for here is
    /// honoured before the child's first instruction (INV-40).
    pub child: Task,
    /// What the program asked for, as in clone(2): `CLONE_*`, and in the low byte the signal that tells of the child's end.
    pub flags: u64,
}

impl CloneReport {
    /// A child as fork(2), vfork(2) or pthread_create(3) make it.
    pub fn new(kind: CloneKind, child: Task) -> CloneReport {
        let flags = match kind {
            CloneKind::Fork => 0x11,
            CloneKind::Vfork => 0x4111,
            CloneKind::Thread => 0x003d_0f00,
        };
        CloneReport { kind, child, flags }
    }
}

/// [`Event::Exec`]. The old program is gone, the new one has not begun.
#[derive(Debug, Clone)]
pub struct ExecReport {
    /// The thread's id before: differs from now if it was not the leader (INV-36).
    pub former: TaskId,
}

/// [`Event::Exit`].
#[derive(Debug, Clone)]
pub struct ExitReport {
    original: u32,
    code: u32,
    holds_killed: bool,
}

impl ExitReport {
    /// What a host reports when a thread begins to exit with this wait status.
    pub fn new(code: u32) -> ExitReport {
        ExitReport { original: code, code, holds_killed: false }
    }

    /// The wait status that the thread itself exits with (wait(2) encoding).
    pub fn original(&self) -> u32 {
        self.original
    }

    /// The wait status that the parent will see.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// Makes the parent see another status, where the host can do that.
    pub fn set_code(&mut self, code: u32) {
        self.code = code;
    }

    /// Whether an engine changed the status.
    pub fn changed(&self) -> bool {
        self.code != self.original
    }

    /// Has a stop at this report hold a thread that dies of SIGKILL too, until the next SIGKILL.
    ///
    /// No engine delays that death without this (INV-34). It is for those that show the exit as ptrace(2) does: in
    /// `PTRACE_EVENT_EXIT` the kernel sleeps although it was killed, for `get_signal` has taken the SIGKILL off the queue.
    pub fn hold_killed(&mut self) {
        self.holds_killed = true;
    }

    /// Whether an engine asked for that.
    pub fn holds_killed(&self) -> bool {
        self.holds_killed
    }
}

/// [`Event::Death`].
#[derive(Debug, Clone)]
pub struct DeathReport {
    /// Whether this was the last thread of its process.
    pub group_dead: bool,
    /// The signal that tells the parent; `None` if the thread reaps itself (historic -1).
    pub signal: Option<u32>,
    /// The wait status it died with.
    pub code: u32,
}

/// Why a signal report is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// A signal was taken from the queue; which of the five events it is.
    Taken(Event),
    /// No signal: somebody asked for a report on the signal path (`UTRACE_SIGNAL_REPORT`).
    Report,
    /// No signal: a handler has just been set up (`UTRACE_SIGNAL_HANDLER`).
    Handler,
}

/// What the task has declared for a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The default action.
    Default,
    /// Ignored.
    Ignored,
    /// A handler of the program's.
    Caught,
}

/// What is to become of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalAction {
    /// Deliver as the disposition says.
    Deliver,
    /// Drop it.
    Ignore,
    /// Terminate the process with it.
    Terminate,
    /// Terminate the process with it, dumping core.
    Core,
    /// Stop the process, unconditionally.
    Stop,
    /// Stop the process, unless its group is orphaned.
    TStop,
}

/// A signal's details, in the host's layout (on Linux `siginfo_t`, 128 bytes).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SigInfo {
    /// The signal number; 0 for none.
    pub number: u32,
    /// Everything else. A host makes the number in here agree with [`SigInfo::number`].
    pub raw: [u8; 128],
}

impl SigInfo {
    /// No signal.
    pub const NONE: SigInfo = SigInfo { number: 0, raw: [0; 128] };
}

impl core::fmt::Debug for SigInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SigInfo({})", self.number)
    }
}

/// The signal events, and the reports on the signal path that carry none.
///
/// A later engine sees an earlier one's choice; the last word wins. SIGKILL is never reported.
#[derive(Debug, Clone)]
pub struct SignalReport {
    /// Why this report.
    pub kind: SignalKind,
    /// The signal. It may be rewritten.
    pub info: SigInfo,
    /// What the task had declared for it; `None` where there is no signal.
    pub disposition: Option<Disposition>,
    /// What becomes of it.
    pub action: SignalAction,
    /// Put it back at the front of the thread's queue. Must be repeated by each later engine, or is lost: it is
    /// false again at each callback.
    pub hold: bool,
}

impl SignalReport {
    /// A signal taken from the queue, to be delivered unless an engine says otherwise.
    pub fn taken(event: Event, info: SigInfo, disposition: Disposition) -> SignalReport {
        SignalReport {
            kind: SignalKind::Taken(event),
            info,
            disposition: Some(disposition),
            action: SignalAction::Deliver,
            hold: false,
        }
    }

    /// A report without a signal.
    pub fn none(kind: SignalKind) -> SignalReport {
        SignalReport {
            kind,
            info: SigInfo::NONE,
            disposition: None,
            action: SignalAction::Ignore,
            hold: false,
        }
    }
}

/// Which way a job control event went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JctlKind {
    /// The process is stopped by job control (`CLD_STOPPED`).
    Stopped,
    /// The process goes on (`CLD_CONTINUED`).
    Continued,
}

/// [`Event::Jctl`].
#[derive(Debug, Clone)]
pub struct JctlReport {
    /// Stopped or continued.
    pub kind: JctlKind,
    /// The signal that stopped it; 0 where that is not known.
    pub signal: u32,
    /// Whether the parent is being told.
    pub notify: bool,
}
