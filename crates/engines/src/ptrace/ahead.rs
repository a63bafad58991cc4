//! What a client will ask next, laid ready for it before it asks.
//!
//! Key types: [`Habit`] (what a client does each time that it is told of a stop). strace, for one, waits, asks whether there is
//! more news, asks what stopped, lets the tracee go and waits again: of four questions three have answers that are known with
//! the first. Once a client has done so a few times its answers lie ready in its own memory ([`utrace_core::Foresight`]), if
//! the host has a place there; so does leave to let the tracee go, which is done when it asks the next thing, and it asks
//! soon. Nothing is laid for a client whose calls somebody watches: they would not be seen.
//!
//! What lies ready is true until it is taken back, which is done before anything that changes it can be known to the client:
//! its own next question, news of a tracee, a birth or a death, a request of another client on the same tracee.

use std::time::{Duration, Instant};

use utrace_abi::ptrace::{self as abi, AUDIT_ARCH_X86_64};
use utrace_core::{Ahead, Event, Foresight, Laid, Syscall, Task};

use super::link::State;
use super::num;
use super::peek;
use super::serve;
use super::stop::Stop;
use super::tracee::look;
use super::wait::WaitCall;
use super::width::Width;
use super::world::{Found, Threads};

/// How often a client must have done the same before it is foreseen.
const ENOUGH: u32 = 4;
/// How long leave to let a tracee go lies ready, and may be taken unheard.
const UNHEARD: Duration = Duration::from_micros(200);
/// One look for more news in so many is asked: a child of its own that died is the kernel's to report.
const ONE_IN: u32 = 32;

/// What a client does when a wait has told it of a stop.
#[derive(Debug, Default)]
pub(super) struct Habit {
    place: Option<Foresight>,
    stage: Stage,
    /// How often in a row it let the tracee go and waited again.
    rounds: u32,
    /// The arguments of its look for more news.
    poll: Option<[u64; 4]>,
    /// Size and place of what it asks about a stop.
    info: Option<[u64; 2]>,
    /// The third argument with which it lets a tracee go: the kernel looks at none.
    leave: Option<u64>,
    /// What lies ready.
    laid: Option<Lying>,
    told: u32,
}

/// Where in its round a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Elsewhere,
    /// In a wait that sleeps.
    Waiting,
    /// It was told of this tracee.
    Told(u32),
    /// It let it go.
    Left,
}

/// What lies ready for a client.
#[derive(Debug, Clone, Copy)]
struct Lying {
    tracee: u32,
    /// The place of the leave to let the tracee go.
    leave: Option<usize>,
    since: Instant,
}

impl Habit {
    /// A call of the client's, after what it took unheard.
    fn learn(&mut self, call: &Syscall) {
        let [first, second, third, fourth, ..] = call.args;
        if call.arch != AUDIT_ARCH_X86_64 {
            return;
        }
        match (call.number, self.stage) {
            (num::WAIT4, stage) => {
                if WaitCall::decode(call.arch, call.number, call.args).is_some_and(|wait| wait.is_polling()) {
                    if let Stage::Told(_) = stage {
                        self.poll = Some([first, second, third, fourth]);
                    }
                } else {
                    self.rounds = match stage {
                        Stage::Left => self.rounds.saturating_add(1),
                        // The same call again, after a signal.
                        Stage::Waiting => self.rounds,
                        Stage::Elsewhere | Stage::Told(_) => 0,
                    };
                    self.stage = Stage::Waiting;
                }
            }
            (num::PTRACE, Stage::Told(tracee)) if second == u64::from(tracee) => {
                if first == u64::from(abi::PTRACE_GET_SYSCALL_INFO) {
                    self.info = Some([third, fourth]);
                } else if first == u64::from(abi::PTRACE_SYSCALL) && fourth == 0 {
                    self.leave = Some(third);
                    self.stage = Stage::Left;
                }
            }
            _ => {}
        }
    }
}

impl Threads {
    /// A client asks something: what it took unheard comes first.
    pub(super) fn heed(&mut self, caller: u32, call: &Syscall, place: impl FnOnce() -> Foresight) {
        self.recall(caller);
        if let Some(thread) = self.threads.get_mut(&caller).filter(|thread| thread.traces) {
            thread.habit.place.get_or_insert_with(place);
            thread.habit.learn(call);
        }
    }

    /// A client's wait is about to be told of a stop.
    pub(super) fn foresee(&mut self, caller: u32, call: &WaitCall, found: &Found) {
        if call.is_polling()
            || (call.width, call.nr) != (Width::Wide, num::WAIT4)
            || found.status & 0xff != 0x7f
        {
            return;
        }
        let Some(thread) = self.threads.get_mut(&caller) else { return };
        thread.habit.stage = Stage::Told(found.tracee);
        thread.habit.told = thread.habit.told.wrapping_add(1);
        if thread.habit.rounds >= ENOUGH {
            self.lay(caller, found.tracee);
        }
    }

    fn lay(&mut self, caller: u32, tracee: u32) -> Option<()> {
        let thread = self.threads.get(&caller)?;
        let place = thread.habit.place.clone()?;
        if is_watched(&thread.task) || self.links.values().any(|link| link.process == thread.process) {
            return None;
        }
        let link = self.links.get(&self.held_by(caller, tracee)?)?;
        let stop = link.stopped()?;
        let answer = |number: u64, args, value, bytes| Ahead {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            args,
            value,
            bytes,
        };
        let mut answers = Vec::with_capacity(Ahead::MOST);
        if let Some(args) = thread.habit.poll.filter(|_| !thread.habit.told.is_multiple_of(ONE_IN))
            && !self.has_more(caller, args)
        {
            answers.push(answer(num::WAIT4, args, 0, &[]));
        }
        let regs = look(&link.task, |target| peek::regs(target)).ok()?.ok()?;
        let (info, size) = stop.syscall_info(link.face, &regs);
        if let Some([room, at]) = thread.habit.info {
            let shown = info.get(..size.min(usize::try_from(room).unwrap_or(size)))?;
            let args = [abi::PTRACE_GET_SYSCALL_INFO.into(), tracee.into(), room, at];
            answers.push(answer(num::PTRACE, args, i64::try_from(size).ok()?, shown));
        }
        let mut leave = None;
        if let (Some(unused), Stop::Entry { .. } | Stop::Exit { .. }) = (thread.habit.leave, stop) {
            leave = Some(answers.len());
            let args = [abi::PTRACE_SYSCALL.into(), tracee.into(), unused, 0];
            answers.push(answer(num::PTRACE, args, 0, &[]));
        }
        if place.lay(&answers) == Laid::Ready {
            let habit = &mut self.threads.get_mut(&caller)?.habit;
            habit.laid = Some(Lying { tracee, leave, since: Instant::now() });
            self.foreseen.push(caller);
        }
        Some(())
    }

    /// Whether a look for more news would find some.
    fn has_more(&self, caller: u32, args: [u64; 4]) -> bool {
        let [first, second, third, fourth] = args;
        let (call, thread) = (
            WaitCall::decode(AUDIT_ARCH_X86_64, num::WAIT4, [first, second, third, fourth, 0, 0]),
            self.threads.get(&caller),
        );
        let (Some(call), Some(thread)) = (call, thread) else { return true };
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
        if laid.leave.is_some_and(|place| taken.has(place)) {
            thread.habit.stage = Stage::Left;
            serve::let_go(self, caller, laid.tracee);
        }
    }

    /// The same for all clients: a child may have come, or be there to be reported.
    pub(super) fn recall_all(&mut self) {
        while let Some(caller) = self.foreseen.last().copied() {
            self.recall(caller);
        }
    }

    /// The same for those who were told of this tracee, but for one.
    pub(super) fn recall_others(&mut self, caller: u32, tracee: u32) {
        let about =
            |thread: &super::world::Thread| thread.habit.laid.is_some_and(|laid| laid.tracee == tracee);
        let others = self
            .foreseen
            .iter()
            .copied()
            .filter(|other| *other != caller && self.threads.get(other).is_some_and(about));
        for other in others.collect::<Vec<u32>>() {
            self.recall(other);
        }
    }

    /// The same for the clients of one process.
    pub(super) fn recall_process(&mut self, process: u32) {
        let of = |caller: &u32| self.threads.get(caller).is_some_and(|thread| thread.process == process);
        for caller in self.foreseen.iter().copied().filter(of).collect::<Vec<u32>>() {
            self.recall(caller);
        }
    }

    /// What has been let go unheard for too long is done now. Answers when to look again.
    pub(super) fn recall_late(&mut self) -> Option<Duration> {
        if self.foreseen.is_empty() {
            return None;
        }
        let now = Instant::now();
        let mut next = None;
        for caller in self.foreseen.clone() {
            let laid = self.threads.get(&caller).and_then(|thread| thread.habit.laid);
            let Some(laid) = laid.filter(|laid| laid.leave.is_some()) else { continue };
            let left = UNHEARD.saturating_sub(now.saturating_duration_since(laid.since));
            if left.is_zero() {
                self.recall(caller);
            } else {
                next = Some(next.map_or(left, |next: Duration| next.min(left)));
            }
        }
        next
    }
}

/// Whether some engine wants to see the calls that would not be made.
fn is_watched(task: &Task) -> bool {
    if !task.asked_for(Event::SyscallEntry) && !task.asked_for(Event::SyscallExit) {
        return false;
    }
    let wanted = task.wanted().syscalls;
    wanted.contains(num::PTRACE) || wanted.contains(num::WAIT4)
}
