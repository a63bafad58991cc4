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
use utrace_core::{
    Addr, Ahead, Does, Event, Foresight, Laid, Regset, Syscall, Target, TargetError, Task, Way,
};

use super::examine::examine;
use super::guard;
use super::habit::{Done, Habit, Kind, Lying, What, is_harmless};
use super::link::State;
use super::num;
use super::serve::{self, Call};
use super::stop::Stop;
use super::wait::WaitCall;
use super::width::Width;
use super::world::{Found, Thread, Threads};

/// How long leave to let a tracee go lies ready, and may be taken unheard.
const UNHEARD: Duration = Duration::from_micros(200);
/// The same for leave to set registers, which nobody sees who does not ask us.
const UNSEEN: Duration = Duration::from_millis(20);
/// One look for more news in so many is asked: a child of its own that died is the kernel's to report.
const ONE_IN: u32 = 32;

impl Threads {
    /// A client asks something: what it took unheard comes first.
    pub(super) fn heed(&mut self, caller: u32, call: &Syscall, place: impl FnOnce() -> Foresight) {
        self.hear_writes(Some(caller));
        let sets = || self.threads.get(&caller).is_some_and(|thread| thread.habit.may_set());
        if !is_harmless(call) || (call.number == num::PTRACE && sets()) {
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
        let mut ready = self.looks_ready(caller);
        self.registers_ready(caller, &mut ready);
        self.leaves_ready(caller, &mut ready);
        ready.truncate(Ahead::MOST);
        let answers: Vec<Ahead<'_>> = ready.iter().map(Ready::laid).collect();
        if !answers.is_empty() && place.lay(&answers) == Laid::Ready {
            self.send_transfers(caller);
            let patience = ready.iter().filter_map(|ready| ready.kind.patience()).min();
            let answers: Vec<Kind> = ready.iter().map(|ready| ready.kind).collect();
            let habit = &mut self.threads.get_mut(&caller)?.habit;
            habit.laid = Some(Lying { answers, patience, since: Instant::now() });
            self.foreseen.push(caller);
        }
        Some(())
    }

    /// The answers to what a client will probably look at.
    fn looks_ready(&mut self, caller: u32) -> Vec<Ready> {
        let mut ready = Vec::with_capacity(Ahead::MOST);
        let Some(habit) = self.threads.get(&caller).map(|thread| &thread.habit) else { return ready };
        let foreseen = habit.looks.iter().enumerate().filter(|(_, look)| look.is_foreseen());
        let looks: Vec<(usize, What)> = foreseen.map(|(at, look)| (at, look.what)).collect();
        let (told, asks_news) = (habit.told.clone(), habit.count.is_multiple_of(ONE_IN));
        for (at, what) in looks {
            let kind = Kind::Look(at);
            match what {
                What::News(args) if asks_news || self.has_more(caller, args) => {}
                What::News(args) => {
                    let does = Does::Gets;
                    ready.push(Ready { kind, number: num::WAIT4, args, value: 0, bytes: Vec::new(), does });
                }
                What::Request(request, addr, data) => {
                    for tracee in &told {
                        let asked = (request, addr, data);
                        let Some((value, bytes)) = self.look(caller, *tracee, asked) else { continue };
                        let args = [request.into(), (*tracee).into(), addr, data];
                        let does = if request == abi::PTRACE_GETREGS { Does::GetsNew } else { Does::Gets };
                        ready.push(Ready { kind, number: num::PTRACE, args, value, bytes, does });
                    }
                }
                What::Registers(..) => {}
            }
        }
        ready
    }

    /// Leave to set the registers of the one tracee that a client was told of. The kernel refuses only selectors and bases that
    /// nobody has, and makes something else only of flags: none of these may change.
    fn registers_ready(&mut self, caller: u32, ready: &mut Vec<Ready>) {
        const SAME: u32 = (1 << 17 | 1 << 18) | 0x7f << 20;
        let Some(habit) = self.threads.get(&caller).map(|thread| &thread.habit) else { return };
        let [tracee] = habit.told[..] else { return };
        // Where several trace, what one sets decides whose turn it is (steps.rs).
        let alone = self.held_by(caller, tracee).and_then(|id| self.links.get(&id));
        if alone.is_none_or(|link| self.is_shared(link.process, link.tracer_process)) {
            return;
        }
        let foreseen = habit.looks.iter().enumerate().filter(|(_, look)| look.is_foreseen());
        let sets: Vec<(usize, u64, u64)> = foreseen
            .filter_map(|(at, look)| match look.what {
                What::Registers(addr, data) => Some((at, addr, data)),
                _ => None,
            })
            .collect();
        if sets.is_empty() {
            return;
        }
        let Some((0, bytes)) = self.look(caller, tracee, (abi::PTRACE_GETREGS, 0, 0)) else { return };
        let untrue = ready.iter().enumerate().filter(|(_, ready)| ready.depends_on_registers(SAME));
        let untrue =
            untrue.map(|(at, _)| 1_u32.checked_shl(u32::try_from(at).unwrap_or(32)).unwrap_or(0)).sum();
        for (at, addr, data) in sets {
            let args = [abi::PTRACE_SETREGS.into(), tracee.into(), addr, data];
            let (kind, bytes) = (Kind::Registers(at, tracee), bytes.clone());
            let does = Does::Gives(SAME, untrue);
            ready.push(Ready { kind, number: num::PTRACE, args, value: 0, bytes, does });
        }
    }

    /// Leave to let tracees go, for a client that always does that next.
    fn leaves_ready(&self, caller: u32, ready: &mut Vec<Ready>) {
        let Some(habit) = self.threads.get(&caller).map(|thread| &thread.habit) else { return };
        if !habit.always_leaves() {
            return;
        }
        for tracee in habit.told.iter().filter(|tracee| self.is_at_call(caller, **tracee)) {
            let args = [abi::PTRACE_SYSCALL.into(), (*tracee).into(), habit.unused, 0];
            let (kind, does) = (Kind::Leave(*tracee), Does::Gets);
            ready.push(Ready { kind, number: num::PTRACE, args, value: 0, bytes: Vec::new(), does });
        }
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
        self.recall_all();
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
        let done = thread.habit.take(&laid, taken);
        let given = thread.habit.place.as_ref().map_or_else(Vec::new, Foresight::given);
        for done in done {
            match done {
                Done::Left(tracee) => serve::let_go(self, caller, tracee),
                Done::Set(tracee) => serve::set_registers(self, caller, tracee, &given),
            }
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

    /// Leave that has lain ready for too long is taken back. Answers when to look again.
    pub(super) fn recall_late(&mut self) -> Option<Duration> {
        if self.foreseen.is_empty() {
            return None;
        }
        let now = Instant::now();
        let left = |caller: &u32| {
            let laid = self.threads.get(caller)?.habit.laid.as_ref()?;
            Some(laid.patience?.saturating_sub(now.saturating_duration_since(laid.since)))
        };
        let times = self.foreseen.iter().filter_map(|caller| Some((*caller, left(caller)?)));
        let (late, soon): (Vec<_>, Vec<_>) = times.partition(|(_, left)| left.is_zero());
        late.into_iter().for_each(|(caller, _)| self.recall(caller));
        soon.into_iter().map(|(_, left)| left).min()
    }
}

/// An answer to be laid ready, and what it is for.
#[derive(Debug)]
struct Ready {
    kind: Kind,
    number: u64,
    args: [u64; 4],
    value: i64,
    bytes: Vec<u8>,
    does: Does,
}

impl Ready {
    fn laid(&self) -> Ahead<'_> {
        let number = u32::try_from(self.number).unwrap_or(u32::MAX);
        Ahead { number, args: self.args, value: self.value, bytes: &self.bytes, does: self.does }
    }

    /// Whether it is another when registers are set, but for the words that stay the same.
    fn depends_on_registers(&self, same: u32) -> bool {
        let [request, _, addr, _] = self.args;
        match u32::try_from(request) {
            Ok(abi::PTRACE_PEEKUSER) => addr / 8 < 27 && same & 1 << (addr / 8) == 0,
            Ok(abi::PTRACE_GET_SYSCALL_INFO) => self.number == num::PTRACE,
            _ => false,
        }
    }
}

impl Kind {
    /// How long what is done with it may be unheard.
    fn patience(self) -> Option<Duration> {
        match self {
            Kind::Look(_) => None,
            Kind::Leave(_) => Some(UNHEARD),
            Kind::Registers(..) => Some(UNSEEN),
        }
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
    fn read(&mut self, _at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Unsupported)
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
