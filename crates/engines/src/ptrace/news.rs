//! News of tracees: a stop wakes the thread that waits for it and sends SIGCHLD, and a wait finds the link that
//! answers it.
//!
//! Entry: [`Threads::tell`] for a stop, [`Threads::find`] for a wait. Neighbours: [`super::client`] and [`super::answer`]
//! call for the waits, [`super::tracee`] for the stops; [`super::wait`] knows what a call asks for. Who traces whom is
//! in [`super::world`].

use std::collections::BTreeMap;
use std::time::Instant;

use utrace_abi::ptrace::PtraceEvent;
use utrace_core::{Action, Event, SigInfo};

use super::link::{Kin, Link, State, Told};
use super::num;
use super::proc;
use super::stop;
use super::wait::{WaitCall, Which};
use super::world::{Caught, Found, LinkId, Sleep, Thread, Threads, Waiting};

impl Threads {
    /// The link of a caller that a wait can be about, whatever its state.
    pub(super) fn has_links(&self, caller: u32, call: &WaitCall) -> bool {
        let Some(thread) = self.threads.get(&caller) else { return false };
        // Of a tracee that is dead there is nothing but its end to be told.
        let counts = |link: &Link| call.takes_ends() || !matches!(link.state, State::Ended(_));
        thread.traces && self.links.values().any(|link| counts(link) && link.is_meant(thread, caller, call))
            || !self.withheld(thread.process, call).is_empty()
    }

    /// Children of a process whose ends their tracers have not been told of yet: until then the parent's wait sleeps
    /// (ptrace(2), "Death under ptrace"; `wait_consider_task`).
    fn withheld(&self, own: u32, call: &WaitCall) -> Vec<u32> {
        let is = |link: &&Link| {
            matches!(link.state, State::Ended(_))
                && link.tracee == link.process
                && link.tracer_process != own
                && call.takes_ends()
                && match call.which {
                    Which::Any | Which::Group(_) => true,
                    Which::One(pid) => link.tracee == pid,
                    Which::PidFd(_) => false,
                }
                && proc::parent(link.tracee) == Some(own)
        };
        self.links.values().filter(is).map(|link| link.tracee).collect()
    }

    /// Whether a wait is about such a child.
    pub(super) fn is_withheld(&self, caller: u32, call: &WaitCall) -> bool {
        self.threads.get(&caller).is_some_and(|thread| !self.withheld(thread.process, call).is_empty())
    }

    /// Notes a wait that sleeps until others have been told of an end: it is one of a tracer to us. One that does not sleep
    /// has heard the SIGCHLD of that end too early, and is sent another one.
    pub(super) fn note_withheld(&mut self, caller: u32, call: &WaitCall) {
        let Some(thread) = self.threads.get(&caller) else { return };
        let withheld = self.withheld(thread.process, call);
        if withheld.is_empty() {
            return;
        }
        if let Some(thread) = self.threads.get_mut(&caller) {
            thread.traces = true;
        }
        if call.is_polling() {
            for link in self.links.values_mut().filter(|link| withheld.contains(&link.tracee)) {
                link.polled = Some(caller);
            }
        }
    }

    /// Forgets a link whose end was told, or whose tracer is gone. The parent may hear of it now.
    pub(super) fn end_told(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else { return };
        let Some(parent) = proc::parent(link.process).filter(|parent| *parent != link.tracer_process) else {
            return;
        };
        if link.tracee != link.process {
            return;
        }
        self.wake_paused(parent);
        let is_last = !self.links.values().any(|other| other.tracee == link.tracee);
        if let (Some(polled), State::Ended(status), true) = (link.polled, &link.state, is_last) {
            let (code, value) = stop::of_end(*status);
            let child = self.seen_by(polled, link.tracee);
            let raw = stop::of_child(code, child, proc::uid(link.tracee), value);
            self.send_notice((polled, parent), false, |_| raw);
        }
    }

    /// The answer to a wait, if there is one. It is used up unless the call keeps it.
    pub(super) fn find(&mut self, caller: u32, call: &WaitCall) -> Option<Found> {
        let thread = self.threads.get(&caller)?;
        if !thread.traces {
            return None;
        }
        let ready = |link: &Link| link.is_meant(thread, caller, call) && link.is_ready(call);
        let (mut id, found) =
            self.links.iter().find(|(_, link)| ready(link)).map(|(id, link)| (*id, link))?;
        if found.has_made_an_exec() {
            // The kernel waits in an exec until the ends of the other threads have been told (`de_thread`).
            let ends = |link: &Link| link.process == found.process && matches!(link.state, State::Ended(_));
            let end = self.links.iter().find(|(_, link)| ends(link) && ready(link));
            id = end.map_or(id, |(id, _)| *id);
        }
        let link = self.links.get_mut(&id)?;
        let uid = proc_uid(call, link.tracee);
        let mut found = link.found(uid);
        if call.usage != 0 {
            found.usage = link.usage();
        }
        if !call.keeps() {
            match &mut link.state {
                State::Stopped(_, told) => *told = Told::Yes,
                State::Ended(_) => self.end_told(id),
                State::Running | State::Listening => {}
            }
        }
        Some(found)
    }

    /// Whether the process has a child, dead or alive, that the kernel may have something to say of.
    pub(super) fn has_children(&mut self, caller: u32, call: &WaitCall) -> bool {
        let Some(own) = self.threads.get(&caller).map(|thread| thread.process) else { return false };
        let withheld = self.withheld(own, call);
        if !withheld.is_empty() {
            let others = |pid: &u32| !withheld.contains(pid);
            return !matches!(call.which, Which::One(_)) && proc::children(own).iter().any(others);
        }
        if call.takes_group_stops() || call.means_clones() {
            let traced =
                if call.takes_group_stops() { self.children_traced_by(own, call) } else { Vec::new() };
            if call.means_clones() || !traced.is_empty() {
                return Self::look_for_others(own, call, &traced);
            }
        }
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

    /// The living children of a process that it traces itself. To the kernel they are another's tracees, and a wait for
    /// stops of children would be told of their group stops, for the second time. One that is in no such stop may have its end
    /// told.
    fn children_traced_by(&self, own: u32, call: &WaitCall) -> Vec<u32> {
        let in_group_stop = |link: &Link| match &link.state {
            State::Stopped(stop, _) => matches!(stop, stop::Stop::Group(_)),
            State::Listening => true,
            State::Running | State::Ended(_) => false,
        };
        let counts = |link: &&Link| !call.takes_continues() || in_group_stop(link);
        let lives = |link: &&Link| !matches!(link.state, State::Ended(_)) && link.tracee == link.process;
        let mine = |link: &&Link| link.tracer_process == own && link.kin == Kin::Child;
        self.links.values().filter(lives).filter(mine).filter(counts).map(|link| link.tracee).collect()
    }

    /// Whether the process has a child that this call means beside these.
    fn look_for_others(own: u32, call: &WaitCall, traced: &[u32]) -> bool {
        let group = match call.which {
            Which::Group(0) => proc::group(own),
            Which::Group(group) => Some(group),
            _ => None,
        };
        let meant = |pid: &u32| match call.which {
            Which::One(one) => one == *pid,
            Which::Group(_) => proc::group(*pid) == group,
            Which::Any | Which::PidFd(_) => true,
        };
        let told = |pid: &u32| !call.means_clones() || proc::exit_signal(*pid) != Some(num::SIGCHLD);
        !proc::ignores_sigchld(own)
            && proc::children(own).iter().any(|pid| !traced.contains(pid) && meant(pid) && told(pid))
    }

    /// Somebody was born, has died, or changed what it does with SIGCHLD.
    pub(super) fn forget_kin(&mut self) {
        self.kin.clear();
        self.recall_all();
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
        if self.threads.get(&link.tracer).is_some_and(|tracer| tracer.how == Caught::AsQuestions) {
            // Its wait is answered first, and its tracee is about to stand still only.
            return self.news.push(id);
        }
        // The tracee is about to stand still, which the waiter finds when it looks.
        if let Some((waiter, _)) = self.waiter_of(link) {
            self.wake(waiter);
        }
        self.notify(id);
    }

    /// Who waits for what a link has to tell, or will have once its tracee stands still, and how it sleeps.
    pub(super) fn waiter_of(&self, link: &Link) -> Option<(u32, Sleep)> {
        self.threads.iter().filter(|(_, thread)| thread.process == link.tracer_process).find_map(
            |(tid, thread)| {
                let Waiting { call, sleep, .. } = thread.waiting?;
                (link.is_meant(thread, *tid, &call) && link.will_answer(&call)).then_some((*tid, sleep))
            },
        )
    }

    /// Sends SIGCHLD to a tracer that would see it.
    pub(super) fn notify(&mut self, id: LinkId) {
        let Some(link) = self.links.get(&id) else { return };
        let (tracer, stops) = (link.tracer, !matches!(link.state, State::Ended(_)));
        let tracer = (tracer, link.tracer_process);
        self.send_notice(tracer, stops, |links| links.get(&id).map_or([0; 128], Link::notice));
    }

    fn send_notice(
        &mut self,
        (tracer, process): (u32, u32),
        stops: bool,
        notice: impl FnOnce(&BTreeMap<LinkId, Link>) -> [u8; 128],
    ) {
        let Some(how) = self.threads.get(&tracer).map(|tracer| tracer.how) else { return };
        let sees = match how {
            Caught::AtStops => proc::sees_sigchld(tracer) && !(stops && self.actions.spares_stops(process)),
            Caught::AsQuestions => self.actions.sees(process, tracer, stops),
        };
        if sees || self.links.values().any(|link| link.tracee == tracer) {
            let raw = notice(&self.links);
            self.send(tracer, SigInfo { number: num::SIGCHLD, raw });
        } else if how == Caught::AsQuestions {
            self.actions.miss(process, || notice(&self.links));
        }
    }

    /// A thread of a process is about to end, with this wait status.
    pub(super) fn leaves(&mut self, tid: u32, status: u32) {
        if self.has_others(tid) && !self.leaving.iter().any(|(leader, _)| *leader == tid) {
            self.leaving.push((tid, status));
        }
    }

    /// The tracers of a leader that ends before its process hear a SIGCHLD, although no wait tells them of it yet
    /// (`exit_notify` in kernel/exit.c). Answers whether one is still to be told of.
    pub(super) fn tell_of_leaders(&mut self) -> bool {
        for (leader, status) in core::mem::take(&mut self.leaving) {
            if !self.threads.contains_key(&leader) || !self.has_others(leader) {
                continue;
            }
            if !proc::is_zombie(leader) {
                self.leaving.push((leader, status));
                continue;
            }
            let (code, value) = stop::of_end(status);
            let raw = stop::of_child(code, leader, proc::uid(leader), value);
            let of_leader = |link: &&Link| link.tracee == leader;
            let tracers: Vec<(u32, u32)> = self
                .links
                .values()
                .filter(of_leader)
                .map(|link| (link.tracer, link.tracer_process))
                .collect();
            for tracer in tracers {
                self.send_notice(tracer, false, |_| raw);
            }
        }
        !self.leaving.is_empty()
    }

    /// Whether this is a leader whose process has other threads.
    fn has_others(&self, leader: u32) -> bool {
        self.threads.iter().any(|(tid, thread)| thread.process == leader && *tid != leader)
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
            && number != waiting.call.own_nr
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
                held.since = held.since.min(Instant::now()) - super::answer::PATIENCE;
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
            State::Stopped(stop::Stop::Group(_), Told::Not) => true,
            State::Stopped(_, Told::Not) => self.task.is_stopped(),
            State::Ended(_) => call.takes_ends() && self.kin == Kin::Stranger,
            State::Stopped(_, Told::Yes) | State::Running | State::Listening => false,
        }
    }

    /// Whether it will be ready for this call.
    pub(super) fn will_answer(&self, call: &WaitCall) -> bool {
        matches!(self.state, State::Stopped(..)) || self.is_ready(call)
    }

    /// The details of the SIGCHLD that tells of it (`do_notify_parent_cldstop`, `do_notify_parent`).
    fn notice(&self) -> [u8; 128] {
        let uid = proc::uid(self.tracee);
        match &self.state {
            State::Stopped(present, _) => {
                stop::of_child(present.child_code(), self.shown, uid, present.code(self.face) & 0x7f)
            }
            State::Ended(status) => {
                let (code, value) = stop::of_end(*status);
                stop::of_child(code, self.shown, uid, value)
            }
            State::Running | State::Listening => stop::of_child(0, self.shown, uid, 0),
        }
    }

    fn has_made_an_exec(&self) -> bool {
        matches!(self.state, State::Stopped(stop::Stop::Event(PtraceEvent::Exec, _), _))
    }

    /// What its process has used. The host counts from the first question on; what it has not seen by then `/proc` knows
    /// more coarsely of the living.
    fn usage(&self) -> [i64; 18] {
        if let State::Ended(_) = self.state {
            return self.usage.unwrap_or_default();
        }
        let counted = self.task.with_target(|target| target.usage()).ok().flatten();
        counted.unwrap_or_else(|| proc::usage(self.process))
    }

    fn found(&self, uid: u32) -> Found {
        let tracee = self.shown;
        match &self.state {
            State::Stopped(present, _) => {
                // A wait calls a group stop of a tracee a trap too (`wait_task_stopped`).
                let info = stop::of_child(stop::CLD_TRAPPED, tracee, uid, present.code(self.face));
                Found { tracee, status: present.status(self.face), info, usage: [0; 18] }
            }
            State::Ended(status) => {
                let (code, value) = stop::of_end(*status);
                Found {
                    tracee,
                    status: *status,
                    info: stop::of_child(code, tracee, uid, value),
                    usage: [0; 18],
                }
            }
            State::Running | State::Listening => Found { tracee, status: 0, info: [0; 128], usage: [0; 18] },
        }
    }
}
