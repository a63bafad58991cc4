//! One tracer thread on one tracee: the state of a link, and its steps.
//!
//! Key types: [`Link`], [`State`], [`Resume`]. A link goes `Running -> Stopped -> Running …` and ends `Ended`. Stops that
//! fall on one place in the tracee's life (an event inside a call, the call's exit, the trap after an exec) wait in
//! [`Link::next`] and are shown one after the other while the tracee stays where it is; each resume decides whether the
//! next one is still wanted. The callbacks that find stops are in [`super::tracee`].

use std::collections::VecDeque;
use std::time::SystemTime;

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{self as abi, PtraceEvent};
use utrace_core::{Action, EngineRef, Event, EventSet, Interest, SigInfo, SyscallSet, Task};

use super::num::{SIGSTOP, SIGTRAP};
use super::proc;
use super::steps::{Lent, TKILL};
use super::stop::{Face, Stop, by_process};

/// What a tracer let its tracee do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// Run.
    Cont,
    /// Run to the next boundary of a system call.
    Syscall,
    /// One instruction.
    Step,
    /// To the next branch.
    BlockStep,
    /// Run to the next system call, which is not made (`PTRACE_SYSEMU`).
    Skip,
    /// One instruction; a system call is not made (`PTRACE_SYSEMU_SINGLESTEP`).
    SkipStep,
}

impl Resume {
    /// Whether the entry of a system call is a stop.
    pub(super) fn stops_at_entry(self) -> bool {
        matches!(self, Resume::Syscall | Resume::Skip | Resume::SkipStep)
    }

    /// Whether a system call is not made.
    pub(super) fn skips(self) -> bool {
        matches!(self, Resume::Skip | Resume::SkipStep)
    }

    /// Whether the trap of a step is for this tracer.
    pub(super) fn steps(self) -> bool {
        matches!(self, Resume::Step | Resume::BlockStep | Resume::SkipStep)
    }

    /// What this asks of the core.
    pub(super) fn action(self) -> Action {
        match self {
            Resume::Cont | Resume::Syscall | Resume::Skip => Action::Resume,
            Resume::Step | Resume::SkipStep => Action::SingleStep,
            Resume::BlockStep => Action::BlockStep,
        }
    }
}

/// Whether a wait has told the tracer of the present stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Not,
    Yes,
}

/// What the tracee does, as this tracer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It runs, or is stopped for others.
    Running,
    /// It is stopped for this tracer.
    Stopped(Stop, Told),
    /// It is in a group stop whose end is listened for.
    Listening,
    /// It is gone, with this wait status, which no wait has fetched.
    Ended(u32),
}

/// The stop that begins a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// None is due.
    None,
    /// SIGSTOP: of an attach (the kernel sends it), of a child that came by an option (from nobody), or one that the
    /// tracer sent.
    Signal {
        /// `si_code`.
        code: i32,
    },
    /// `PTRACE_EVENT_STOP`, of a child whose parent is seized.
    Event,
}

/// Whether a signal has been shown to the tracer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    Signals,
}

/// Whether the tracer's process is the tracee's parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kin {
    /// The end of the tracee is the kernel's to report.
    Child,
    /// A stranger, or a thread of one's child.
    Stranger,
}

/// A tracer on a tracee.
#[derive(Debug)]
pub(super) struct Link {
    /// The thread that traces; only it may make requests.
    pub(super) tracer: u32,
    pub(super) tracer_process: u32,
    pub(super) tracee: u32,
    /// What its tracer calls it.
    pub(super) shown: u32,
    /// The tracee's process.
    pub(super) process: u32,
    pub(super) task: Task,
    /// Its number as an owner of the tracee's debug registers.
    pub(super) owner: u64,
    pub(super) engine: Option<EngineRef>,
    pub(super) face: Face,
    /// Whether what its tracer may do is looked at again ([`super::guard`]).
    pub(super) bounded: bool,
    pub(super) kin: Kin,
    /// The process that is its parent, as far as the tracer is not; 0 where that was not looked up.
    pub(super) parent: u32,
    pub(super) state: State,
    /// Stops to be shown at this place after the present one.
    pub(super) next: VecDeque<Stop>,
    pub(super) first: First,
    pub(super) heard: Heard,
    /// The signal of the last group stop; SIGSTOP for one that began before the link.
    pub(super) group: u32,
    /// INTERRUPT was asked for and has not stopped it yet.
    pub(super) interrupt: bool,
    pub(super) resume: Resume,
    /// The registers as this tracer sees them, at a stop that it shares with others.
    pub(super) snapshot: Option<UserRegs>,
    /// Whether it is let go for another tracer's step.
    pub(super) lent: Lent,
    /// Another tracer that is about to take a SIGSTOP of its own back by a SIGCONT, which this one is not shown.
    pub(super) spared: Option<u32>,
    /// The signal that the tracer let through, to be made at the next report.
    pub(super) inject: Option<SigInfo>,
    /// The trap that follows an exec under a tracer without `PTRACE_O_TRACEEXEC`.
    pub(super) exec_trap: bool,
    /// The child of a vfork that this one waits for.
    pub(super) vfork: Option<u32>,
    /// Calls that are answered and that the tracee's own filters stop, if the tracer is to be told of that.
    pub(super) traps: SyscallSet,
    /// How far the present call and the tracer's leave have come.
    pub(super) phase: Phase,
    pub(super) since: SystemTime,
    /// What its process had used when it died.
    pub(super) usage: Option<[i64; 18]>,
    /// The thread of its parent that asked in vain for its end, of which the tracer has not been told.
    pub(super) polled: Option<u32>,
}

/// What a repeated report must not do again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing special.
    Plain,
    /// The entry of the present call has been shown.
    EntryShown,
    /// And so has what the tracee's own filters say of it.
    FilterShown,
    /// The tracer has detached; the signal that it left is still to be made.
    Leaving,
}

impl Link {
    pub(super) fn new(task: &Task, face: Face, tracer: (u32, u32), kin: Kin, first: First) -> Link {
        Link {
            tracer: tracer.0,
            tracer_process: tracer.1,
            tracee: task.id().0,
            shown: task.id().0,
            process: task.process().0,
            task: task.clone(),
            owner: 0,
            engine: None,
            face,
            bounded: false,
            kin,
            parent: 0,
            state: State::Running,
            next: VecDeque::new(),
            first,
            heard: Heard::Nothing,
            group: SIGSTOP,
            interrupt: false,
            resume: Resume::Cont,
            snapshot: None,
            lent: Lent::No,
            spared: None,
            inject: None,
            exec_trap: false,
            vfork: None,
            traps: SyscallSet::NONE,
            phase: Phase::Plain,
            since: SystemTime::now(),
            usage: None,
            polled: None,
        }
    }

    /// A tracee whose parent has ended may have come to its tracer, which takes in orphans (prctl(2),
    /// `PR_SET_CHILD_SUBREAPER`; pid_namespaces(7)).
    pub(super) fn find_kin(&mut self) {
        if self.kin == Kin::Stranger && self.tracee == self.process {
            match proc::parent(self.process) {
                Some(parent) if parent == self.tracer_process => self.kin = Kin::Child,
                Some(parent) => self.parent = parent,
                None => {}
            }
        }
    }

    pub(super) fn has(&self, option: u32) -> bool {
        self.face.options & option != 0
    }

    /// What its engine must be told.
    pub(super) fn interest(&self) -> Interest {
        let mut events = EventSet::SIGNAL | Event::Quiesce | Event::Clone | Event::Exec | Event::Exit;
        events = events | Event::Death | Event::Jctl;
        if self.resume.stops_at_entry() || self.vfork.is_some() {
            events |= EventSet::SYSCALL;
        } else if self.has(abi::PTRACE_O_TRACESECCOMP) && !self.traps.is_empty() {
            return Interest::in_events(events | Event::SyscallEntry).with_syscalls(self.traps);
        }
        Interest::in_events(events)
    }

    /// The present stop.
    pub(super) fn stopped(&self) -> Option<&Stop> {
        match &self.state {
            State::Stopped(stop, _) => Some(stop),
            _ => None,
        }
    }

    /// Stops, for this tracer.
    pub(super) fn stop(&mut self, stop: Stop) {
        self.state = State::Stopped(stop, Told::Not);
    }

    /// The tracee is about to run the program. Answers whether that made a stop.
    pub(super) fn come_to_rest(&mut self) -> bool {
        if self.state != State::Running {
            return false;
        }
        if let Some(stop) = self.next.pop_front() {
            self.stop(stop);
            return true;
        }
        if core::mem::take(&mut self.exec_trap) {
            let (pid, uid) = (self.process, 0);
            self.stop(signal(SIGTRAP, by_process(SIGTRAP, 0, pid, uid)));
            return true;
        }
        match core::mem::replace(&mut self.first, First::None) {
            First::None => {}
            First::Signal { code } => {
                let from = if code == TKILL { (self.tracer_process, proc::uid(self.tracer)) } else { (0, 0) };
                self.stop(signal(SIGSTOP, by_process(SIGSTOP, code, from.0, from.1)));
                return true;
            }
            First::Event => {
                self.stop(Stop::Interrupted);
                return true;
            }
        }
        if core::mem::take(&mut self.interrupt) {
            self.stop(Stop::Interrupted);
            return true;
        }
        false
    }

    /// Whether the SIGSTOP of its beginning is what it is told next.
    pub(super) fn sigstop_is_next(&self) -> bool {
        self.next.is_empty() && !self.exec_trap && matches!(self.first, First::Signal { .. })
    }

    /// Whether it runs, and a SIGSTOP is what its tracer waits for.
    pub(super) fn owes_sigstop(&self) -> bool {
        self.state == State::Running && self.inject.is_none() && self.sigstop_is_next()
    }

    /// Whether something is due that only a report shows.
    pub(super) fn owes(&self) -> bool {
        self.interrupt
            || self.inject.is_some()
            || self.exec_trap
            || self.first != First::None
            || !self.next.is_empty()
    }

    /// The tracer lets the tracee go on from `stop`. Answers whether another stop follows at the same place.
    ///
    /// `exit` is the exit of the call that `stop` stands in the middle of, where the tracee is there already: an event
    /// of fork, clone and exec is shown just before user mode.
    pub(super) fn go_on(&mut self, resume: Resume, exit: Option<Stop>) -> bool {
        self.resume = resume;
        self.snapshot = None;
        self.lent = Lent::No;
        self.state = State::Running;
        if let Some(exit) = exit
            && !self.next.iter().any(|stop| matches!(stop, Stop::Exit { .. }))
        {
            self.next.push_front(exit);
        }
        if resume != Resume::Syscall {
            self.next.retain(|stop| !matches!(stop, Stop::Exit { .. }));
        }
        if self.inject.is_some() {
            return false;
        }
        match self.next.pop_front() {
            Some(stop) => {
                self.stop(stop);
                true
            }
            None => false,
        }
    }

    /// SIGKILL or an exec of another thread ended whatever stop there was (INV-34).
    pub(super) fn broken_out(&mut self) {
        self.state = State::Running;
        self.lent = Lent::No;
        self.next.clear();
        self.inject = None;
    }
}

/// Whether the exit of its call still comes at the place where this stop is shown.
pub(super) fn is_before_exit(stop: &Stop) -> bool {
    use PtraceEvent::{Clone, Exec, Fork, VforkDone};
    matches!(stop, Stop::Event(Fork | Clone | Exec | VforkDone, _))
}

fn signal(number: u32, raw: [u8; 128]) -> Stop {
    Stop::Signal(SigInfo { number, raw })
}

/// The options that this engine knows.
pub(super) const OPTIONS: u32 = abi::PTRACE_O_TRACESYSGOOD
    | abi::PTRACE_O_TRACEFORK
    | abi::PTRACE_O_TRACEVFORK
    | abi::PTRACE_O_TRACECLONE
    | abi::PTRACE_O_TRACEEXEC
    | abi::PTRACE_O_TRACEVFORKDONE
    | abi::PTRACE_O_TRACEEXIT
    | abi::PTRACE_O_TRACESECCOMP
    | abi::PTRACE_O_EXITKILL
    | abi::PTRACE_O_SUSPEND_SECCOMP;
