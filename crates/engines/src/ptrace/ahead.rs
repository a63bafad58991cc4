//! What a client will ask next, laid ready for it before it asks.
//!
//! Entry: [`Threads::heed`] for each call of a client, [`Threads::foresee`] when a wait is answered; [`super::habit`] knows what
//! the client does. strace, for one, waits, asks whether there is more news, asks what stopped, lets the tracee go and waits again: of four
//! questions three have answers that are known with the first. Once a client has asked the same a few times the answers lie ready
//! in its own memory ([`utrace_core::Foresight`]), if the host has a place there. So does leave to let the tracee go, for a
//! client that always waits next: it is done when that asks, or soon. Nothing is laid for a client whose calls somebody
//! watches: they would not be seen.
//!
//! What lies ready is true until it is taken back, which is done before anything that changes it can be known to the client:
//! its own next call that is no mere look, news of a tracee, a birth or a death, a request of another client on the tracee.

use std::time::{Duration, Instant};

use utrace_abi::ptrace::{self as abi, AUDIT_ARCH_X86_64};
use utrace_core::{Addr, Ahead, Event, Foresight, Laid, Regset, Syscall, Target, TargetError, Task, Way};

use super::examine::examine;
use super::guard;
use super::habit::{Habit, Kind, Lying, What, is_harmless};
use super::link::State;
use super::num;
use super::serve::{self, Call};
use super::stop::Stop;
use super::wait::WaitCall;
use super::width::Width;
use super::world::{Found, Thread, Threads};

/// How long leave to let a tracee go lies ready, and may be taken unheard.
const UNHEARD: Duration = Duration::from_micros(200);
/// One look for more news in so many is asked: a child of its own that died is the kernel's to report.
const ONE_IN: u32 = 32;

impl Threads {
    /// A client asks something: what it took unheard comes first.
    pub(super) fn heed(&mut self, caller: u32, call: &Syscall, place: impl FnOnce() -> Foresight) {
        self.hear_writes(Some(caller));
        if !is_harmless(call) {
            self.recall(caller);
        }
        if let Some(thread) = self.threads.get_mut(&caller).filter(|thread| thread.traces) {
            thread.habit.place.get_or_insert_with(place);
            thread.habit.learn(call);
        }
    }

    /// A client's wait is about to be told of a stop.
    pub(super) fn foresee(&mut self, caller: u32, call: &WaitCall, found: &Found) {
        if (call.width, call.nr) != (Width::Wide, num::WAIT4) || found.status & 0xff != 0x7f {
            return;
        }
        let Some(thread) = self.threads.get_mut(&caller) else { return };
        thread.habit.hear(found.tracee);
        self.lay(caller);
    }

    /// A request of a client's has been answered: what it may have changed lies ready again.
    pub(super) fn foresee_more(&mut self, caller: u32) {
        if !self.foreseen.contains(&caller) {
            self.lay(caller);
        }
    }

    fn lay(&mut self, caller: u32) -> Option<()> {
        if self.is_nested(caller) {
            // Its ids are others.
            return None;
        }
        let thread = self.threads.get(&caller).filter(|thread| thread.habit.is_formed())?;
        let place = thread.habit.place.clone()?;
        if !thread.filters.is_empty()
            || wants(&thread.task, &[num::PTRACE, num::WAIT4])
            || self.links.values().any(|link| link.process == thread.process)
        {
            self.set_way(caller, Way::Asked);
            return None;
        }
        let looks = thread.habit.looks.iter().map(|look| (look.what, look.is_foreseen()));
        let looks: Vec<(What, bool)> = looks.collect();
        let (told, leaves) = (thread.habit.told.clone(), thread.habit.always_leaves());
        let (unused, asks_news) = (thread.habit.unused, thread.habit.count.is_multiple_of(ONE_IN));
        let mut ready = Vec::with_capacity(Ahead::MOST);
        for (at, (what, _)) in looks.iter().enumerate().filter(|(_, (_, foreseen))| *foreseen) {
            match what {
                What::News(args) if asks_news || self.has_more(caller, *args) => {}
                What::News(args) => ready.push((Kind::Look(at), num::WAIT4, *args, 0, Vec::new())),
                What::Request(request, addr, data) => {
                    for tracee in &told {
                        let Some((value, bytes)) = self.look(caller, *tracee, (*request, *addr, *data))
                        else {
                            continue;
                        };
                        let args = [(*request).into(), (*tracee).into(), *addr, *data];
                        ready.push((Kind::Look(at), num::PTRACE, args, value, bytes));
                    }
                }
            }
        }
        for tracee in told.iter().filter(|tracee| leaves && self.is_at_call(caller, **tracee)) {
            let args = [abi::PTRACE_SYSCALL.into(), (*tracee).into(), unused, 0];
            ready.push((Kind::Leave(*tracee), num::PTRACE, args, 0, Vec::new()));
        }
        ready.truncate(Ahead::MOST);
        let answers: Vec<Ahead<'_>> = ready
            .iter()
            .map(|(_, number, args, value, bytes)| Ahead {
                number: u32::try_from(*number).unwrap_or(u32::MAX),
                args: *args,
                value: *value,
                bytes,
            })
            .collect();
        if !answers.is_empty() && place.lay(&answers) == Laid::Ready {
            let answers: Vec<Kind> = ready.iter().map(|(kind, ..)| *kind).collect();
            let leaves = answers.iter().any(|kind| matches!(kind, Kind::Leave(_)));
            self.send_transfers(caller);
            let habit = &mut self.threads.get_mut(&caller)?.habit;
            habit.laid = Some(Lying { answers, leaves, since: Instant::now() });
            self.foreseen.push(caller);
        }
        Some(())
    }

    /// Lets a client whose answers lie ready read and write memory without asking, unless somebody has, or may have,
    /// breakpoints that it must not see, or sees its calls. What it wrote is told of by [`Threads::hear_writes`].
    fn send_transfers(&mut self, caller: u32) {
        const SEEN: [u64; 4] = [num::PREAD64, num::PWRITE64, num::PREADV, num::PWRITEV];
        let Some(thread) = self.threads.get(&caller) else { return };
        let alone = self.links.values().all(|link| link.tracer_process == thread.process);
        let straight = alone && !wants(&thread.task, &SEEN);
        self.set_way(caller, if straight { Way::Straight } else { Way::Asked });
    }

    fn set_way(&mut self, caller: u32, way: Way) {
        let Some(thread) = self.threads.get_mut(&caller).filter(|thread| thread.habit.way != way) else {
            return;
        };
        thread.habit.way = way;
        let Some(place) = &thread.habit.place else { return };
        for number in
            [num::PREAD64, num::PWRITE64].into_iter().filter_map(|number| u32::try_from(number).ok())
        {
            place.send(number, way);
        }
        // A write that is under way now is heard of later.
        if !self.writers.contains(&caller) {
            self.writers.push(caller);
        }
    }

    /// A client has a filter of its own, or runs another program.
    pub(super) fn forget_habit(&mut self, caller: u32) {
        self.recall(caller);
        self.set_way(caller, Way::Asked);
        self.hear_writes(None);
        self.writers.retain(|writer| *writer != caller);
        if let Some(thread) = self.threads.get_mut(&caller) {
            thread.habit = Habit::default();
        }
    }

    /// A process comes to trace: what others read and write is ours to answer from now on.
    pub(super) fn ask_transfers_of_others(&mut self, process: u32) {
        let others = self.threads.iter().filter(|(_, thread)| thread.process != process);
        for caller in others.map(|(tid, _)| *tid).collect::<Vec<u32>>() {
            self.set_way(caller, Way::Asked);
        }
        self.hear_writes(None);
    }

    /// What a request would be answered, and what it would put at its fourth argument.
    fn look(
        &mut self,
        caller: u32,
        tracee: u32,
        (request, addr, data): (u32, u64, u64),
    ) -> Option<(i64, Vec<u8>)> {
        let id = self.held_by(caller, tracee)?;
        guard::check(self, id).ok()?;
        let link = self.link(id)?;
        let stop = link.stopped()?.clone();
        let call = Call { caller, request, pid: tracee, addr, data, width: Width::Wide };
        let mut paper = Paper { at: data, bytes: Vec::new() };
        let value = examine(link, &stop, &call, &mut paper).unwrap_or_else(|errno| errno);
        // What failed half-way would do so again, before the client's eyes.
        let fits = paper.bytes.len() <= Ahead::ROOM && (value >= 0 || paper.bytes.is_empty());
        fits.then_some((value, paper.bytes))
    }

    /// Whether a tracee stands at a call's entry or exit for this client.
    fn is_at_call(&self, caller: u32, tracee: u32) -> bool {
        let link = self.held_by(caller, tracee).and_then(|id| self.links.get(&id));
        link.is_some_and(|link| matches!(link.stopped(), Some(Stop::Entry { .. } | Stop::Exit { .. })))
    }

    /// Whether a look for more news would find some.
    fn has_more(&self, caller: u32, [first, second, third, fourth]: [u64; 4]) -> bool {
        let call = WaitCall::decode(AUDIT_ARCH_X86_64, num::WAIT4, [first, second, third, fourth, 0, 0]);
        let (Some(call), Some(thread)) = (call, self.threads.get(&caller)) else { return true };
        self.links.values().any(|link| {
            let news = !matches!(link.state, State::Running | State::Listening);
            news && link.is_meant(thread, caller, &call) && link.is_ready(&call)
        })
    }

    /// Takes back what lies ready for a client, and does what it was given leave to do and has taken.
    pub(super) fn recall(&mut self, caller: u32) {
        let Some(at) = self.foreseen.iter().position(|foreseen| *foreseen == caller) else { return };
        let _ = self.foreseen.swap_remove(at);
        let Some(thread) = self.threads.get_mut(&caller) else { return };
        let Some(laid) = thread.habit.laid.take() else { return };
        let Some(taken) = thread.habit.place.as_ref().map(Foresight::take_back) else { return };
        for tracee in thread.habit.take(&laid, taken) {
            serve::let_go(self, caller, tracee);
        }
    }

    /// The same for all clients: a child may have come, or be there to be reported.
    pub(super) fn recall_all(&mut self) {
        self.recall_if(|_, _| true);
    }

    /// The same for those who were told of this tracee, but for one.
    pub(super) fn recall_others(&mut self, caller: u32, tracee: u32) {
        self.recall_if(|other, thread| other != caller && thread.habit.told.contains(&tracee));
    }

    /// The same for the clients of one process.
    pub(super) fn recall_process(&mut self, process: u32) {
        self.recall_if(|_, thread| thread.process == process);
    }

    fn recall_if(&mut self, which: impl Fn(u32, &Thread) -> bool) {
        if self.foreseen.is_empty() {
            return;
        }
        let which = |caller: &u32| self.threads.get(caller).is_none_or(|thread| which(*caller, thread));
        for caller in self.foreseen.iter().copied().filter(which).collect::<Vec<u32>>() {
            self.recall(caller);
        }
    }

    /// Leaves that have lain ready for too long are taken back. Answers when to look again.
    pub(super) fn recall_late(&mut self) -> Option<Duration> {
        if self.foreseen.is_empty() {
            return None;
        }
        let now = Instant::now();
        let left = |caller: &u32| {
            let laid = self.threads.get(caller)?.habit.laid.as_ref().filter(|laid| laid.leaves)?;
            Some(UNHEARD.saturating_sub(now.saturating_duration_since(laid.since)))
        };
        let times = self.foreseen.iter().filter_map(|caller| Some((*caller, left(caller)?)));
        let (late, soon): (Vec<_>, Vec<_>) = times.partition(|(_, left)| left.is_zero());
        late.into_iter().for_each(|(caller, _)| self.recall(caller));
        soon.into_iter().map(|(_, left)| left).min()
    }
}

/// Whether some engine wants to see one of these calls, which would not be made.
fn wants(task: &Task, numbers: &[u64]) -> bool {
    if !task.asked_for(Event::SyscallEntry) && !task.asked_for(Event::SyscallExit) {
        return false;
    }
    let wanted = task.wanted().syscalls;
    numbers.iter().any(|number| wanted.contains(*number))
}

/// In place of a client's memory: what is written at one address.
struct Paper {
    at: u64,
    bytes: Vec<u8>,
}

impl Target for Paper {
    fn read(&mut self, at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }

    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        if at.0 != self.at || !self.bytes.is_empty() {
            return Err(TargetError::Fault(at));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn regset(&mut self, _set: Regset, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Unsupported)
    }

    fn set_regset(&mut self, _set: Regset, _bytes: &[u8]) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}
