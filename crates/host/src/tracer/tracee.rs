//! One tracee as the tracer thread knows it: [`Tracee`], and what it is doing: [`Run`].

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use utrace_core::{Reaper, Reporter, Syscall, SyscallSet, Task};

use super::hook::Sign;
use super::limits::Timed;
use super::part::Parting;
use super::signals::Signals;
use super::snare::Habits;
use super::step::Step;
use super::table::Key;
use super::unheard::Rerun;
use super::untraced::Restore;
use super::view::Kept;
use crate::filter::ARCH_X86_64;
use crate::process::Outcome;
use crate::quiet::Quiet;
use crate::sys::ptrace::Request;
use crate::sys::spawn::Embryo;
use crate::tracee::Stopped;
use crate::types::Tid;

/// A thread that we trace.
pub(crate) struct Tracee {
    pub(crate) key: Key,
    pub(crate) tid: Tid,
    /// The same tid, and more, where the task's [`super::hook::Hook`] reads it.
    pub(crate) sign: Arc<Sign>,
    pub(crate) group: Rc<Group>,
    pub(crate) task: Task,
    pub(crate) reporter: Reporter,
    pub(crate) reaper: Option<Reaper>,
    pub(crate) run: Run,
    pub(crate) phase: Phase,
    /// The system call it is in, if we saw it enter.
    pub(crate) call: Option<Syscall>,
    /// The entry report said to skip that call; done when it is resumed.
    pub(crate) aborted: bool,
    /// What is to be put back at the exit of that call.
    pub(crate) restore: Option<Restore>,
    pub(crate) filter_stop: FilterStop,
    /// Whether its call is made a second time.
    pub(crate) rerun: Rerun,
    /// What a filter of the program's own told at the call that it is before, if that is still to be passed on.
    pub(crate) told: Option<u16>,
    /// An INTERRUPT of ours is on its way, and why.
    pub(crate) interrupt: Interrupt,
    pub(crate) group_stop: GroupStop,
    /// Its registers in that stop: while we listen the kernel shows none.
    pub(super) group_regs: Kept,
    /// The call that it is in, if that may have a time limit.
    pub(super) timed: Option<Timed>,
    /// A stop of its process ended its call: that stays ended when the process goes on.
    pub(super) ended_by_stop: bool,
    /// How it was resumed last.
    pub(crate) resumed: Request,
    /// The trap that is set for it, so that it stops unnoticed.
    pub(crate) quiet: Quiet,
    /// A report is owed that only a later stop can make.
    pub(crate) report_due: bool,
    /// Who releases it when it is dead.
    pub(crate) release: Release,
    /// It leaves at the first stop where that can be done.
    pub(crate) parting: Option<Parting>,
    /// It was resumed with a step, and the trap has not come: that may be later than other stops.
    pub(crate) stepping: Option<Step>,
    /// A step that was chosen and not made yet.
    pub(crate) step: Option<Step>,
    pub(crate) signals: Signals,
}

/// A tracee and the stop of its process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GroupStop {
    /// Its process runs.
    None,
    /// It takes part in a stop by this signal.
    In(i32),
    /// It runs, although its process is stopped by this signal.
    Left(i32),
}

/// Who releases a dead process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Release {
    /// Its parent, by a wait.
    ByParent,
    /// The kernel: its parent ignores `SIGCHLD` (sigaction(2)).
    ByItself,
}

impl Tracee {
    /// What the filter of its process, if it has one, will do at this call.
    #[inline]
    pub(crate) fn filter_stop_at(&self, call: &Syscall) -> FilterStop {
        match &*self.group.filter.borrow() {
            Some(filter) if call.arch != ARCH_X86_64 || filter.contains(call.number) => {
                FilterStop::Follows(*call)
            }
            _ => FilterStop::Passes,
        }
    }

    /// Whether the entry of the call that a filter of the program's own stops was shown, if it is wanted. `before`: what
    /// was known of our filter at the last entry. Where that stops at the call, both filters stop once together.
    pub(crate) fn has_shown(&self, before: FilterStop, call: &Syscall) -> bool {
        match self.filter_stop_at(call) {
            FilterStop::Follows(call) => before.is_repeated_by(call.number, call.args, call.ip.0),
            FilterStop::Passes | FilterStop::Past => before != FilterStop::Past,
        }
    }

    /// Whether the filter of its process stops it at every system call that its engines want.
    pub(crate) fn is_covered_by_filter(&self) -> bool {
        match &*self.group.filter.borrow() {
            Some(filter) => self.task.wanted().syscalls.union(filter) == **filter,
            None => false,
        }
    }
}

/// What the filter of a tracee does at the call that it is before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FilterStop {
    /// It has had its turn.
    Past,
    /// Nothing: it lets the call pass.
    Passes,
    /// It stops at this call, where the system-call stop has stopped already; unless a filter of the program's own
    /// refuses it, which has precedence (seccomp(2)).
    Follows(Syscall),
}

impl FilterStop {
    /// Whether this stop of the filter's is the one that follows. If the program's filter has refused the call, it
    /// refuses an equal one too, so a stop at one can only be at the very same.
    pub(crate) fn is_repeated_by(self, number: u64, args: [u64; 6], ip: u64) -> bool {
        let FilterStop::Follows(call) = self else { return false };
        // A 32-bit call has the lower halves.
        let mask = if call.arch == ARCH_X86_64 { u64::MAX } else { u64::from(u32::MAX) };
        let same = |one: u64, other: u64| one & mask == other & mask;
        same(call.number, number)
            && call.ip.0 == ip
            && call.args.iter().zip(args).all(|(one, other)| same(*one, other))
    }
}

/// What a tracee is doing.
pub(crate) enum Run {
    /// In the kernel's hands; how it was resumed.
    Running(Request),
    /// Stopped, with us holding it there.
    Held(Box<Stopped>, Point),
    /// On its way between the two, while its stop is being handled.
    Handled,
}

/// Where in its life a stopped tracee is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Point {
    /// Before a system call.
    Entry,
    /// What runs next is the program's, after this signal's delivery (0: none). `path` tells which report is the last.
    User(i32, Path),
    /// In a delivery stop, with the signal in hand still to be shown.
    Signal,
    /// At the trap of a step, which is still to be shown.
    Trap,
    /// On the signal path, with a signal that an engine made there still to be sent.
    Made,
    /// In a group stop.
    Group,
    /// At the end of a group stop, which is still to be reported.
    Continued,
    /// Inside the kernel, with a system-call exit to come.
    Mid,
    /// Beginning to exit.
    Exiting,
}

/// Where a point before user mode is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Path {
    /// Nobody asked for a signal: the last report is the plain one.
    Plain,
    /// On the signal path, by a signal or because an engine asked for an interrupt: the last report is made there.
    Signal,
}

/// How far a tracee has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Launched and not yet at its execve: what it does is ours and is not reported.
    Embryo,
    /// In the execve of a launch.
    Launching,
    /// The execve of a launch failed: the rest is not reported.
    Stillborn,
    /// A child that has not made its first stop.
    Unborn,
    /// Alive and reported.
    Living,
}

/// Why we sent an INTERRUPT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Interrupt {
    /// None is on its way.
    None,
    /// For a report or another way of resuming: the program must not notice. Stays until a stop of its own is seen,
    /// for one that is sent to a tracee in a stop that we have not waited for yet comes after that stop.
    Quiet,
    /// An engine asked for it.
    Asked,
}

/// What the threads of one process have in common.
pub(crate) struct Group {
    pub(crate) pid: Tid,
    pub(crate) origin: Origin,
    /// The seccomp filter it runs under, as the set of system calls that it stops at.
    pub(crate) filter: RefCell<Option<Rc<SyscallSet>>>,
    /// For a process that a caller launched or attached to: where to say how it ended.
    pub(crate) outcome: Option<Arc<Outcome>>,
    /// What it does with signals.
    pub(crate) habits: Habits,
    /// The line to the child of a launch, until its exec.
    pub(crate) embryo: RefCell<Option<Launch>>,
}

/// Where a process came from: decides whether it dies with us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Launched, or come by itself to be a client, and killed when we end.
    LaunchedDies,
    /// Launched, and left when we end.
    LaunchedLives,
    /// Attached.
    Attached,
}

/// A launch under way.
pub(crate) struct Launch {
    pub(crate) embryo: Embryo,
    pub(crate) path: std::path::PathBuf,
}
