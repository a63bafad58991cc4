//! All threads of a traced tree, and who traces whom among them.
//!
//! Key types: [`World`], [`Threads`] (what its lock protects), [`Thread`]. Here a stop becomes news for its tracer:
//! a thread that waits is woken, SIGCHLD is sent; and a wait finds the link that answers it. Neighbours:
//! [`super::client`] calls for the waits, [`super::tracee`] for the stops.
//!
//! The lock may be held while the core is called: callbacks run without locks of the core, and the core calls no
//! engine from its calls.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use utrace_abi::ptrace as abi;
use utrace_core::{Action, Asker, EngineRef, Event, EventSet, Interest, SigInfo, SyscallSet, Task};

use super::chld::Actions;
use super::keeper::{Asked, Holding, Keeper, LinkView, Role, is_target};
use super::link::{Kin, Link, State, Told};
use super::num;
use super::overlay::Overlay;
use super::own::Chain;
use super::proc;
use super::stop;
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

/// A thread of the tree.
pub(super) struct Thread {
    pub(super) task: Task,
    pub(super) engine: EngineRef,
    pub(super) process: u32,
    /// Whether its calls are caught.
    pub(super) role: Role,
    /// What it asked its keeper for, before the call that it stands at.
    pub(super) asked: Option<Asked>,
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
}

/// Every thread and every link.
#[derive(Default)]
pub(super) struct Threads {
    pub(super) threads: HashMap<u32, Thread>,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// The breakpoints in each process.
    pub(super) overlays: HashMap<u32, Overlay>,
    /// Who brings in what is outside.
    pub(super) keeper: Option<Arc<dyn Keeper>>,
    /// What clients do with SIGCHLD.
    pub(super) actions: Actions,
    /// Links with news that are still to be told, once their tracees stand still.
    pub(super) news: Vec<LinkId>,
    /// Waits that sleep for an answer.
    pub(super) askers: Vec<Held>,
    /// Which processes have children for these waits, as far as it was looked up since the last birth or death.
    kin: HashMap<(u32, Which), bool>,
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
    let life = EventSet::from(Event::Clone) | Event::Exec | Event::Death;
    if role == Role::Target || how == Caught::AsQuestions {
        return Interest::in_events(life);
    }
    let calls = [num::PTRACE, num::WAIT4, num::WAITID, num::PREAD64, num::PWRITE64, SyscallSet::OTHER];
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

    /// Whether a process traces this thread already.
    pub(super) fn is_traced_by(&self, process: u32, tracee: u32) -> bool {
        self.links.values().any(|link| link.tracer_process == process && link.tracee == tracee)
    }

    /// The link of a caller that a wait can be about, whatever its state.
    pub(super) fn has_links(&self, caller: u32, call: &WaitCall) -> bool {
        let Some(thread) = self.threads.get(&caller) else { return false };
        thread.traces && self.links.values().any(|link| link.is_meant(thread, caller, call))
    }

    /// The answer to a wait, if there is one. It is used up unless the call keeps it.
    pub(super) fn find(&mut self, caller: u32, call: &WaitCall) -> Option<Found> {
        let thread = self.threads.get(&caller)?;
        if !thread.traces {
            return None;
        }
        let (id, link) = self
            .links
            .iter_mut()
            .find(|(_, link)| link.is_meant(thread, caller, call) && link.is_ready(call))?;
        let id = *id;
        let uid = proc_uid(call, link.tracee);
        let found = link.found(uid);
        if !call.keeps() {
            match &mut link.state {
                State::Stopped(_, told) => *told = Told::Yes,
                State::Ended(_) => drop(self.links.remove(&id)),
                State::Running | State::Listening => {}
            }
        }
        Some(found)
    }

    /// Whether the process has a child, dead or alive, that the kernel may have something to say of.
    pub(super) fn has_children(&mut self, caller: u32, call: &WaitCall) -> bool {
        let Some(own) = self.threads.get(&caller).map(|thread| thread.process) else { return false };
        if let Some(known) = self.kin.get(&(own, call.which)) {
            return *known;
        }
        let found = Self::look_for_children(own, call);
        // What is found stays so until somebody is born or dies, if it is not the dead only that were found.
        let lives = |pid: &u32| self.threads.contains_key(pid);
        let lasting = match call.which {
            _ if self.threads.values().any(|thread| thread.how == Caught::AtStops) => false,
            Which::Any => !found || proc::children(own).iter().any(lives),
            Which::One(pid) => !found || lives(&pid),
            Which::Group(_) | Which::PidFd(_) => false,
        };
        if lasting {
            self.kin.insert((own, call.which), found);
        }
        found
    }

    /// Somebody was born, has died, or changed what it does with SIGCHLD.
    pub(super) fn forget_kin(&mut self) {
        self.kin.clear();
    }

    fn look_for_children(own: u32, call: &WaitCall) -> bool {
        // The kernel collects such children itself, and a wait in it would end without them.
        if proc::ignores_sigchld(own) {
            return false;
        }
        match call.which {
            // A thread that is no leader is nobody's child, although it has its leader's parent.
            Which::One(pid) => proc::parent(pid) == Some(own) && proc::is_leader(pid),
            Which::PidFd(_) => true,
            Which::Any => !proc::children(own).is_empty(),
            Which::Group(group) => {
                let group = if group == 0 { proc::group(own) } else { Some(group) };
                proc::children(own).into_iter().any(|child| proc::group(child) == group)
            }
        }
    }

    /// Its tracer learns that a link has news: whoever waits for it is woken, and SIGCHLD is sent.
    pub(super) fn tell(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let process = link.tracer_process;
        if self.threads.get(&link.tracer).is_some_and(|tracer| tracer.how == Caught::AsQuestions) {
            // Its wait is answered first, and its tracee is about to stand still only.
            return self.news.push(id);
        }
        // The tracee is about to stand still, which the waiter finds when it looks.
        let waiter = self.threads.iter().find(|(tid, thread)| {
            thread.process == process
                && thread.waiting.is_some_and(|waiting| {
                    link.is_meant(thread, **tid, &waiting.call) && link.will_answer(&waiting.call)
                })
        });
        let waiter = waiter.map(|(tid, _)| *tid);
        if let Some(waiter) = waiter {
            self.wake(waiter);
        }
        self.notify(id);
    }

    /// Sends SIGCHLD to a tracer that would see it.
    pub(super) fn notify(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let (tracer, process) = (link.tracer, link.tracer_process);
        let Some(how) = self.threads.get(&tracer).map(|tracer| tracer.how) else { return };
        let stops = !matches!(link.state, State::Ended(_));
        let sees = match how {
            Caught::AtStops => proc::sees_sigchld(tracer),
            Caught::AsQuestions => self.actions.sees(process, tracer, stops),
        };
        if sees || self.links.values().any(|link| link.tracee == tracer) {
            let notice = link.notice();
            self.send(tracer, SigInfo { number: num::SIGCHLD, raw: notice });
        } else if how == Caught::AsQuestions {
            self.actions.miss(process, || link.notice());
        }
    }

    /// Sends a thread a signal that looks like this when it comes.
    pub(super) fn send(&mut self, tid: u32, info: SigInfo) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        thread.sent.push_back(info);
        thread.watch();
        // One that is gone needs no signal.
        let _ = thread.task.with_target(|target| target.send_signal(info.number));
    }

    /// How a thread that waits sleeps.
    pub(super) fn sleep_of(&self, tid: u32) -> Option<Sleep> {
        self.threads.get(&tid)?.waiting.map(|waiting| waiting.sleep)
    }

    /// Has a thread that waits look again.
    pub(super) fn wake(&mut self, tid: u32) {
        let Some(thread) = self.threads.get_mut(&tid) else { return };
        let Some(waiting) = thread.waiting else { return };
        // What is noted may be long over: nobody tells us when the kernel's own wait returns.
        if let Some(number) = proc::sleeps_in(tid)
            && waiting.sleep == Sleep::InWait
            && number != waiting.call.nr
        {
            thread.waiting = None;
            return;
        }
        let exit =
            if thread.task.asked_for(Event::SyscallExit) { Event::SyscallExit } else { Event::Quiesce };
        let _ = thread.engine.set_events(thread.interest() | Event::Quiesce | exit);
        let _ = thread.engine.control(Action::Interrupt);
    }

    /// Wakes the waits of a process that sleep in pause: there may be a child now that the kernel reports.
    pub(super) fn wake_paused(&mut self, process: u32) {
        for held in &mut self.askers {
            if self.threads.get(&held.caller).is_some_and(|thread| thread.process == process) {
                held.since -= super::answer::PATIENCE;
            }
        }
        let paused = |thread: &Thread| thread.waiting.is_some_and(|waiting| waiting.sleep == Sleep::InPause);
        let waiters: Vec<u32> = self
            .threads
            .iter()
            .filter(|(_, thread)| thread.process == process && paused(thread))
            .map(|(tid, _)| *tid)
            .collect();
        for tid in waiters {
            self.wake(tid);
        }
    }
}

fn proc_uid(call: &WaitCall, tracee: u32) -> u32 {
    // Only waitid tells the user.
    if call.nr == num::WAITID { proc::uid(tracee) } else { 0 }
}

impl Link {
    /// Whether a wait of this caller can be about this link.
    pub(super) fn is_meant(&self, thread: &Thread, caller: u32, call: &WaitCall) -> bool {
        let whose = if call.own_thread_only() {
            self.tracer == caller
        } else {
            self.tracer_process == thread.process
        };
        whose
            && match call.which {
                Which::Any => true,
                Which::One(tid) => self.tracee == tid,
                Which::PidFd(_) => false,
                Which::Group(0) => proc::group(self.process) == proc::group(thread.process),
                Which::Group(group) => proc::group(self.process) == Some(group),
            }
    }

    /// Whether it has what the call looks for. A stop counts once the tracee stands still: until then a SIGKILL may
    /// have undone it.
    pub(super) fn is_ready(&self, call: &WaitCall) -> bool {
        match &self.state {
            // A group stop is the kernel's own: nobody need hold the tracee in it.
            State::Stopped(stop::Stop::Group(_), Told::Not) => call.takes_stops(),
            State::Stopped(_, Told::Not) => call.takes_stops() && self.task.is_stopped(),
            State::Ended(_) => call.takes_ends() && self.kin == Kin::Stranger,
            State::Stopped(_, Told::Yes) | State::Running | State::Listening => false,
        }
    }

    /// Whether it will be ready for this call.
    pub(super) fn will_answer(&self, call: &WaitCall) -> bool {
        if let State::Stopped(..) = self.state { call.takes_stops() } else { self.is_ready(call) }
    }

    /// The details of the SIGCHLD that tells of it (`do_notify_parent_cldstop`, `do_notify_parent`).
    fn notice(&self) -> [u8; 128] {
        let uid = proc::uid(self.tracee);
        match &self.state {
            State::Stopped(present, _) => {
                stop::of_child(present.child_code(), self.tracee, uid, present.code(self.face) & 0x7f)
            }
            State::Ended(status) => {
                let (code, value) = stop::of_end(*status);
                stop::of_child(code, self.tracee, uid, value)
            }
            State::Running | State::Listening => stop::of_child(0, self.tracee, uid, 0),
        }
    }

    fn found(&self, uid: u32) -> Found {
        let tracee = self.tracee;
        match &self.state {
            State::Stopped(present, _) => {
                let (code, status) = (present.child_code(), present.code(self.face));
                let info = stop::of_child(code, tracee, uid, status);
                Found { tracee, status: present.status(self.face), info }
            }
            State::Ended(status) => {
                let (code, value) = stop::of_end(*status);
                Found { tracee, status: *status, info: stop::of_child(code, tracee, uid, value) }
            }
            State::Running | State::Listening => Found { tracee, status: 0, info: [0; 128] },
        }
    }
}
