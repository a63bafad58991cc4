//! All threads of a traced tree, and who traces whom among them.
//!
//! Key types: [`World`], [`Threads`] (what its lock protects), [`Thread`]. How a stop becomes news for its tracer is in
//! [`super::news`].
//!
//! The lock may be held while the core is called: callbacks run without locks of the core, and the core calls no
//! engine from its calls.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use utrace_abi::UserRegs;
use utrace_abi::ptrace as abi;
use utrace_core::{Asker, EngineRef, Event, EventSet, Interest, SigInfo, SyscallSet, Task};

use super::chld::Actions;
use super::habit::Habit;
use super::keeper::{Asked, Holding, Keeper, LinkView, Role, is_target};
use super::link::{Link, State};
use super::num;
use super::overlay::Overlay;
use super::own::Chain;
use super::spaces::Names;
use super::status::Loan;
use super::steps::Lifted;
use super::wait::{WaitCall, Which};

/// Shared by all engines of one tree.
#[derive(Default)]
pub(super) struct World {
    threads: Mutex<Threads>,
    /// The host has the calls of what it launches answered.
    asks: AtomicBool,
}

impl World {
    pub(super) fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn asks(&self) -> bool {
        self.asks.load(Ordering::Relaxed)
    }

    pub(super) fn set_asks(&self) {
        self.asks.store(true, Ordering::Relaxed);
    }
}

/// How the calls of a thread come to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caught {
    /// It sleeps in them until they are answered ([`super::answer`]).
    AsQuestions,
    /// It stops at them ([`super::client`]).
    AtStops,
}

/// Names a link for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkId(u64);

impl LinkId {
    /// The link as an owner of its tracee's debug registers; 0 is the host's.
    pub(super) fn owner(self) -> u64 {
        self.0 + 1
    }
}

/// How a wait sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sleep {
    /// In the kernel's own wait: the client has children that it may report.
    InWait,
    /// In pause(2), which stands in for it.
    InPause,
    /// For an answer, which comes soon.
    Asking,
    /// On its way from there to pause(2).
    Leaving,
}

/// A wait that may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) call: WaitCall,
    pub(super) sleep: Sleep,
    /// The instruction after the call, for one that asks.
    pub(super) ip: u64,
}

impl Waiting {
    /// Whether these are the registers of one that was sent to pause and is not in it yet.
    pub(super) fn is_before_pause(&self, regs: &UserRegs) -> bool {
        self.sleep == Sleep::InPause
            && self.ip != 0
            && (regs.rip.wrapping_add(2), regs.rax, regs.orig_rax)
                == (self.ip, self.call.width.pause(), u64::MAX)
    }

    /// Whether a waitid came back with `EFAULT`: where it has a place for the details that cannot be written, that is what an
    /// interrupted one says (`waitid` in kernel/exit.c, Linux 6.18).
    pub(super) fn is_fault(&self, regs: &UserRegs) -> bool {
        self.call.nr == num::WAITID && regs.rax.cast_signed() == num::EFAULT
    }

    /// Whether these are the registers of this wait, interrupted.
    pub(super) fn is_interrupted(&self, regs: &UserRegs) -> bool {
        let (nr, result) = match self.sleep {
            Sleep::InWait | Sleep::Asking | Sleep::Leaving => (self.call.own_nr, num::ERESTARTSYS),
            Sleep::InPause => (self.call.width.pause(), num::ERESTARTNOHAND),
        };
        regs.orig_rax == nr && regs.rax.cast_signed() == result
    }
}

/// Whether a thread is in a group stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Halted {
    No,
    Yes,
}

/// A thread of the tree.
pub(super) struct Thread {
    pub(super) task: Task,
    pub(super) engine: EngineRef,
    pub(super) process: u32,
    /// Whether its calls are caught.
    pub(super) role: Role,
    /// What it asked its keeper for, before the call that it stands at.
    pub(super) asked: Option<Asked>,
    /// Whether job control has stopped it.
    pub(super) halted: Halted,
    /// The thread that made its process.
    pub(super) maker: u32,
    pub(super) how: Caught,
    pub(super) waiting: Option<Waiting>,
    /// Whether it can trace somebody: what its process traces is looked for only then.
    pub(super) traces: bool,
    /// The filters that it is under, without ours.
    pub(super) filters: Chain,
    /// Signals that were sent to it and have not come yet, as they are to look.
    pub(super) sent: VecDeque<SigInfo>,
    /// Its ids, once they were looked up.
    pub(super) names: Option<Names>,
    /// What it asks each time that it is told of a stop.
    pub(super) habit: Habit,
}

impl Thread {
    /// What its engine asks for now.
    pub(super) fn interest(&self) -> Interest {
        let mut interest = client_interest(self.role, self.how);
        if !self.sent.is_empty() {
            let numbers = self.sent.iter().map(|info| info.number).collect();
            interest = (interest | EventSet::SIGNAL).with_signals(numbers);
        }
        if self.asked.is_some() {
            // To be able to ask for the report of the same call again.
            interest = interest | Event::Quiesce;
        }
        match self.waiting {
            Some(waiting) if self.traces => {
                // Its exit where others see that, and signals that end a pause.
                if self.task.asked_for(Event::SyscallExit) {
                    interest = interest | Event::SyscallExit;
                }
                if matches!(waiting.sleep, Sleep::InPause | Sleep::Leaving) {
                    interest | Event::Quiesce
                } else {
                    interest
                }
            }
            _ => interest,
        }
    }

    /// The call that the keeper was asked for is answered.
    pub(super) fn answer_taken(&mut self) {
        if self.asked.take().is_some() {
            self.watch();
        }
    }

    /// Has its engine ask for that.
    pub(super) fn watch(&self) {
        // A thread that is gone is told nothing more.
        let _ = self.engine.set_events(self.interest());
    }
}

/// What a wait answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tracee: u32,
    /// For wait4.
    pub(super) status: u32,
    /// For waitid.
    pub(super) info: [u8; 128],
    /// What its process has used (getrusage(2)), if the call asks.
    pub(super) usage: [i64; 18],
}

/// Every thread and every link.
#[derive(Default)]
pub(super) struct Threads {
    pub(super) threads: BTreeMap<u32, Thread>,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// The breakpoints in each process.
    pub(super) overlays: BTreeMap<u32, Overlay>,
    /// Who brings in what is outside.
    pub(super) keeper: Option<Arc<dyn Keeper>>,
    /// What clients do with SIGCHLD.
    pub(super) actions: Actions,
    /// Links with news that are still to be told, once their tracees stand still.
    pub(super) news: Vec<LinkId>,
    /// Leaders on their way out of a process whose other threads stay, with their wait status.
    pub(super) leaving: Vec<(u32, u32)>,
    /// Waits that sleep for an answer.
    pub(super) askers: Vec<Held>,
    /// Clients for which answers lie ready.
    pub(super) foreseen: Vec<u32>,
    /// Clients that may have written memory without asking.
    pub(super) writers: Vec<u32>,
    /// Which processes have children for these waits, as far as it was looked up since the last birth or death.
    pub(super) kin: HashMap<(u32, Which), bool>,
    /// What is out of memory for the time of a step.
    pub(super) lifted: Option<Lifted>,
    /// Copies of files of `/proc` that threads of the tree read.
    pub(super) loans: VecDeque<Loan>,
    serial: u64,
}

/// A wait that sleeps for an answer, and since when.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) caller: u32,
    pub(super) asker: Asker,
    pub(super) since: Instant,
}

/// What the engine of a client asks for at all times.
pub(super) fn client_interest(role: Role, how: Caught) -> Interest {
    let life = EventSet::from(Event::Clone) | Event::Exec | Event::Death | Event::Jctl;
    if role == Role::Target || how == Caught::AsQuestions {
        return Interest::in_events(life);
    }
    let calls = [
        num::PTRACE,
        num::WAIT4,
        num::WAITID,
        num::PREAD64,
        num::PWRITE64,
        num::SIGACTION,
        num::TKILL,
        num::TGKILL,
        SyscallSet::OTHER,
    ];
    Interest::in_events(life | Event::SyscallEntry).with_syscalls(calls.into_iter().collect())
}

impl Threads {
    pub(super) fn next_id(&mut self) -> LinkId {
        self.serial += 1;
        LinkId(self.serial)
    }

    pub(super) fn link(&mut self, id: LinkId) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    /// The link that lets `tracer` make requests on `tracee`.
    pub(super) fn held_by(&self, tracer: u32, tracee: u32) -> Option<LinkId> {
        self.links
            .iter()
            .find(|(_, link)| {
                link.tracer == tracer && link.tracee == tracee && !matches!(link.state, State::Ended(_))
            })
            .map(|(id, _)| *id)
    }

    /// Whether a link's tracer set the breakpoint at this address of the process; `None` if there is none.
    pub(super) fn breakpoint(&self, id: LinkId, at: u64) -> Option<bool> {
        let link = self.links.get(&id)?;
        self.overlays.get(&link.process)?.owner_at(at, link.tracer_process)
    }

    /// A tracer has left a process.
    pub(super) fn forget_breakpoints(&mut self, owner: u32, process: u32) {
        let still = self.links.values().any(|link| link.tracer_process == owner && link.process == process);
        if let Some(overlay) = self.overlays.get_mut(&process).filter(|_| !still) {
            overlay.forget(owner);
        }
    }

    /// A link to this process has ended.
    pub(super) fn link_gone(&self, process: u32) {
        if let Some(keeper) = &self.keeper
            && !self.links.values().any(|link| link.process == process)
        {
            keeper.idle(process);
        }
    }

    /// Whether a tracer of this thread wants the processes that it makes.
    pub(super) fn follows_children(&self, tracee: u32) -> bool {
        let options = abi::PTRACE_O_TRACEFORK | abi::PTRACE_O_TRACEVFORK | abi::PTRACE_O_TRACECLONE;
        self.links.values().any(|link| link.tracee == tracee && link.face.options & options != 0)
    }

    /// Forgets threads of one process that nobody is linked to.
    pub(super) fn release(&mut self, tasks: &[Task]) -> bool {
        let ids: Vec<u32> = tasks.iter().map(|task| task.id().0).collect();
        let free = |tid: &u32| {
            self.threads.get(tid).is_none_or(is_target)
                && !self.links.values().any(|link| link.tracee == *tid && link.tracer != 0)
        };
        let all = ids.iter().all(free);
        if all {
            ids.iter().for_each(|tid| drop(self.threads.remove(tid)));
        }
        all
    }

    /// Every link as it is now.
    pub(super) fn views(&self) -> Vec<LinkView> {
        let waits = |tracer: u32| self.threads.get(&tracer).is_some_and(|thread| thread.waiting.is_some());
        let view = |link: &Link| LinkView {
            tracer: link.tracer,
            tracer_process: link.tracer_process,
            tracee: link.tracee,
            process: link.process,
            since: link.since,
            stop: Holding::of(&link.state),
            waits: waits(link.tracer),
        };
        self.links.values().filter(|link| link.tracer != 0).map(view).collect()
    }

    /// A process is gone. Its children have come to others, to a tracer too, which may collect one before its death is
    /// heard of.
    pub(super) fn adopt_orphans(&mut self, parent: u32) {
        self.links.values_mut().filter(|link| link.parent == parent).for_each(Link::find_kin);
    }

    /// Whether others trace this process too.
    pub(super) fn is_shared(&self, process: u32, tracer: u32) -> bool {
        self.links.values().any(|link| {
            let lives = link.tracer != 0 && !matches!(link.state, State::Ended(_));
            link.process == process && link.tracer_process != tracer && lives
        })
    }

    /// Whether a process traces this thread already.
    pub(super) fn is_traced_by(&self, process: u32, tracee: u32) -> bool {
        self.links.values().any(|link| link.tracer_process == process && link.tracee == tracee)
    }
}
