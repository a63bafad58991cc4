//! Who gets a snare ([`crate::quiet::snare`]), and what its hits mean.
//!
//! A process that gets a signal which it ignores, and has several threads, may lose a sleep of one to another that takes the
//! signal. From the first such signal on, each of its threads that sleeps in a call which that would end is given
//! a snare; the first thread of a process, which the kernel prefers to wake, as soon as it is attached to. A hit with
//! `EINTR` puts the thread back behind its call, and [`Tracer::mend`] does with it what it does with any call that was
//! ended for nothing. Threads that stop at their calls' exits anyway need none. A snare for one call alone goes with that
//! call, and the thread is looked at again soon, in case it sleeps once more.
//!
//! Neighbours: `quiet` finds the stop, `limits` mends, `hook` keeps the breakpoint.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use utrace_core::{Disposition, Event};

use super::Tracer;
use super::limits::Process;
use super::signals::{default_event, disposition};
use super::tracee::{Group, Phase, Run, Tracee};
use crate::notice::Handling;
use crate::procfs;
use crate::quiesce;
use crate::quiet::Forever;
use crate::quiet::carrier;
use crate::quiet::limit::Looks as _;
use crate::quiet::place::{self, Call, Place, Sight};
use crate::quiet::snare::{BEFORE, Concern, Reach, Site, Snare, WINDOW, concern};
use crate::quiet::trap::Carrier;
use crate::sys::Errno;
use crate::sys::mem;
use crate::sys::perf;
use crate::sys::process;
use crate::sys::ptrace::Request;
use crate::tracee::{Gone, Stopped};

/// Looking a process through for threads that lack a snare takes at most one part in so many of the time.
const SHARE: u32 = 50;
/// How often a thread that runs is looked at again.
const LOOKS: u8 = 6;
/// How many threads are looked at for one signal.
const AT_ONCE: usize = 64;

/// What a process does with signals, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Habits {
    /// Signals that it was seen to catch: bit 0 for signal 1.
    caught: Cell<u64>,
    /// When it may be looked through again.
    next: Cell<Option<Instant>>,
}

impl Habits {
    pub(crate) const fn new() -> Self {
        Self { caught: Cell::new(0), next: Cell::new(None) }
    }

    /// Whether it is time to look it through.
    fn is_due(&self, now: Instant) -> bool {
        self.next.get().is_none_or(|at| at <= now)
    }

    /// It was, from that moment on.
    fn looked_through(&self, since: Instant) {
        let now = Instant::now();
        self.next.set(now.checked_add(now.duration_since(since) * SHARE));
    }
}

/// What was found of a thread that may need a snare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// It has one, or needs none.
    Done,
    /// It may be about to sleep.
    Awake,
}

impl Tracee {
    /// A stop ended its call once; with a snare it is known whether that call is over.
    #[inline]
    pub(super) fn recall_stop(&mut self, stopped: &mut Stopped) {
        if self.ended_by_stop
            && let (Some(snare), Ok(regs)) = (self.quiet.snare(), stopped.regs())
        {
            self.ended_by_stop = snare.is_shown(regs.rsp);
        }
    }

    /// Whether an `EINTR` of one of its calls would be missed.
    fn is_unwatched(&self, request: Request) -> bool {
        let wanted = self.task.asked_for(Event::SyscallEntry) || self.task.asked_for(Event::SyscallExit);
        request == Request::Cont
            && self.phase == Phase::Living
            && self.parting.is_none()
            && self.quiet.lacks_snare()
            && !self.sign.is_debugged()
            && (!wanted || self.is_covered_by_filter())
    }

    /// It is resumed with this signal: whether the call that it is in is to fail with `EINTR`. Answers whether its snare
    /// had to go.
    #[cold]
    pub(super) fn note_what_is_shown(&mut self, stopped: &mut Stopped, signal: i32) -> bool {
        let Ok(regs) = stopped.regs() else { return false };
        let (stack, ended) = (regs.rsp, regs.rax == quiesce::INTERRUPTED);
        let handled = signal != 0 && quiesce::restarts_unless_handled(regs);
        let handled = handled && disposition(self, signal) == Disposition::Caught;
        let elsewhere = regs.orig_rax.cast_signed() < 0;
        // The handler makes calls too, and may not come back.
        if self.quiet.snare().is_some_and(|snare| snare.site().reach == Reach::Once)
            && signal != 0
            && disposition(self, signal) == Disposition::Caught
        {
            self.free_from_snare(Forever::No);
            return true;
        }
        if let Some(snare) = self.quiet.snare()
            && !elsewhere
        {
            snare.show((ended || handled).then_some(stack));
        }
        false
    }

    /// The snare goes: its thread is left, or runs another program.
    pub(super) fn free_from_snare(&mut self, forever: Forever) {
        if let Some(count) = self.sign.end_lent() {
            self.quiet.lose_snare(count, forever);
        }
    }
}

impl Tracer {
    /// A signal is about to be delivered. If the program ignores it, other threads may be woken for nothing.
    #[cold]
    pub(super) fn meet_ignored(&mut self, tracee: &mut Tracee, stopped: &mut Stopped, signal: i32) {
        let habits = &tracee.group.habits;
        let bit = 1_u64 << (signal.unsigned_abs().clamp(1, 64) - 1);
        if habits.caught.get() & bit != 0 || procfs::is_single(tracee.group.pid) {
            return;
        }
        match disposition(tracee, signal) {
            Disposition::Caught => return habits.caught.set(habits.caught.get() | bit),
            Disposition::Default if default_event(signal) != Event::SignalIgn => return,
            Disposition::Default | Disposition::Ignored => {}
        }
        // It is behind a call itself that begins again.
        if tracee.is_unwatched(Request::Cont)
            && let Ok(regs) = stopped.regs()
            && quiesce::restarts_unless_handled(regs)
        {
            let call = super::limits::call_of(regs);
            self.ensnare(tracee, &call);
        }
        let now = Instant::now();
        if tracee.group.habits.is_due(now) {
            let group = Rc::clone(&tracee.group);
            self.ensnare_sleepers(&group);
            group.habits.looked_through(now);
        }
    }

    /// Gives those threads of a process a snare that sleep where they need one.
    fn ensnare_sleepers(&mut self, group: &Rc<Group>) {
        let of_group = |tracer: &Self, tid| {
            tracer.table.peek(tid).is_some_and(|tracee| Rc::ptr_eq(&tracee.group, group))
        };
        let mut tids = self.table.tids();
        tids.retain(|tid| of_group(self, *tid));
        for tid in tids.into_iter().take(AT_ONCE) {
            if let Some(mut tracee) = self.table.take(tid) {
                self.ensnare_soon(&mut tracee);
                self.table.put(tracee);
            }
        }
    }

    /// The same for one thread, which is looked at again if it is awake.
    pub(super) fn ensnare_soon(&mut self, tracee: &mut Tracee) {
        if self.ensnare_sleeper(tracee) == Found::Awake {
            self.ensnare_later(tracee);
        }
    }

    /// The same, once.
    pub(super) fn ensnare_sleeper(&mut self, tracee: &mut Tracee) -> Found {
        if let Run::Running(request) = tracee.run
            && tracee.is_unwatched(request)
        {
            match place::of(tracee.tid) {
                Ok(Place::Blocked(call)) => {
                    self.ensnare(tracee, &call);
                    return check_sleep(tracee, &call);
                }
                Ok(Place::Running) => return Found::Awake,
                Ok(Place::Faulting) | Err(_) => {}
            }
        }
        Found::Done
    }

    fn ensnare(&mut self, tracee: &mut Tracee, call: &Call) {
        let process = Process { pid: tracee.group.pid, tid: tracee.tid };
        let concerned = match concern(call) {
            Concern::Always => true,
            Concern::WithTimeout(side) => process.socket(call.args[0], side).is_some(),
            Concern::No => false,
        };
        let mut code = [0; WINDOW];
        let from = call.pc.wrapping_sub(BEFORE as u64);
        if !concerned || mem::read(tracee.tid, from, &mut code) != Ok(WINDOW) {
            return;
        }
        let Some(site) = Site::of(call, &code) else { return };
        // What costs a stop a call is for those who have siblings.
        if tracee.quiet.vain.is_spent(Instant::now())
            || (site.at == call.pc && procfs::is_single(process.pid))
        {
            return;
        }
        let signal = carrier::choose(tracee.tid, Some(call));
        // Who blocks that much gets no signal that it ignores either.
        if signal == libc::SIGSTOP {
            return;
        }
        self.keep_perf_warm();
        let event = match perf::Event::breakpoint(tracee.tid, site.at) {
            Err(Errno::EMFILE) if process::raise_descriptor_limit().is_ok() => {
                perf::Event::breakpoint(tracee.tid, site.at)
            }
            other => other,
        };
        let Ok(event) = event else { return };
        if event.send_to(tracee.tid, signal).is_err() {
            return;
        }
        tracee.sign.lend(event);
        tracee.quiet.ensnare(Snare::new(site, Carrier::harmless(signal)));
        self.tell(tracee, Handling::Ensnared(call.number));
    }

    /// A stop of a thread with a snare, by a signal that one of its hits may have sent. Answers whether a call that was
    /// ended for nothing begins again, or has its time-out for an answer.
    pub(super) fn spring(&mut self, tracee: &mut Tracee, stopped: &mut Stopped) -> Result<bool, Gone> {
        let Some(snare) = tracee.quiet.snare() else { return Ok(false) };
        let site = *snare.site();
        let regs = *stopped.regs()?;
        if regs.rip != site.at {
            return Ok(false);
        }
        let returns = site.is_return(&super::limits::call_of(&regs));
        if !returns || regs.rax != quiesce::INTERRUPTED {
            let often = tracee.quiet.vain.add(Instant::now());
            if often {
                tracee.free_from_snare(Forever::No);
            } else {
                self.call_is_over(tracee, &site);
            }
            return Ok(false);
        }
        let shown = snare.is_shown(regs.rsp);
        snare.show(None);
        // This was that call.
        tracee.ended_by_stop = false;
        if shown || !quiesce::restarts(site.call.number.cast_signed(), regs.rsi) {
            self.call_is_over(tracee, &site);
            return Ok(false);
        }
        // As if it were still behind the call: what restarts a call does the rest.
        stopped.change_regs(|regs| {
            regs.rip = site.call.pc;
            regs.orig_rax = site.call.number;
        })?;
        self.mend(tracee, stopped)?;
        if !quiesce::restarts_unless_handled(stopped.regs()?) {
            self.call_is_over(tracee, &site);
        }
        Ok(true)
    }

    /// A thread passed its snare and is not about to begin its call again: one that was for this call alone goes.
    fn call_is_over(&mut self, tracee: &mut Tracee, site: &Site) {
        if site.reach == Reach::Once {
            tracee.free_from_snare(Forever::No);
            tracee.has_left(&site.call);
            self.ensnare_later(tracee);
        }
    }

    /// A thread that runs lost its snare: it may sleep again soon.
    pub(super) fn ensnare_later(&mut self, tracee: &mut Tracee) {
        tracee.quiet.look_for_snare(LOOKS);
        self.recheck.add(&self.shared, tracee.key);
    }
}

/// A thread was seen asleep in this call. A snare for that one alone is of use only if it is still there: it may have
/// left before the snare stood.
fn check_sleep(tracee: &mut Tracee, call: &Call) -> Found {
    let Some(snare) = tracee.quiet.snare() else { return Found::Done };
    if snare.site().reach == Reach::Once && place::of(tracee.tid) != Ok(Place::Blocked(*call)) {
        tracee.free_from_snare(Forever::No);
        return Found::Awake;
    }
    if let Ok(mut sight) = Sight::open(tracee.tid) {
        tracee.time_sleep(call, &mut sight);
    }
    Found::Done
}
