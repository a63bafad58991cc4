//! What a client asks each time that it is told of a stop.
//!
//! Key types: [`Habit`], [`Look`] (one thing that it asks). Pure: it is told of each call of the client, and says what will
//! probably come next. What is made of that is in [`super::ahead`].

use std::time::{Duration, Instant};

use utrace_abi::ptrace::{self as abi, AUDIT_ARCH_X86_64};
use utrace_core::{Ahead, Foresight, Syscall, Taken, Way};

use super::num;
use super::wait::WaitCall;

/// How often a client must have let tracees go in the same way before that is foreseen.
const ENOUGH: u8 = 4;
/// What one use of a look counts, from how much on it is foreseen, and the most that is remembered. Each stop at which it is
/// not used takes one away: a debugger that steps over a breakpoint asks different things at every second stop.
const USE: u8 = 3;
const OFTEN: u8 = 8;
const MOST: u8 = 12;
/// How many looks are remembered.
const KEPT: usize = 16;

/// Requests whose answer depends on the stop alone, with the same arguments.
const LOOKS: [u32; 5] = [
    abi::PTRACE_GET_SYSCALL_INFO,
    abi::PTRACE_GETREGS,
    abi::PTRACE_GETSIGINFO,
    abi::PTRACE_GETEVENTMSG,
    abi::PTRACE_PEEKUSER,
];
/// Requests that change nothing of those.
const HARMLESS: [u32; 8] = [
    abi::PTRACE_PEEKTEXT,
    abi::PTRACE_PEEKDATA,
    abi::PTRACE_POKETEXT,
    abi::PTRACE_POKEDATA,
    abi::PTRACE_GETFPREGS,
    abi::PTRACE_GETREGSET,
    abi::PTRACE_PEEKSIGINFO,
    abi::PTRACE_GETSIGMASK,
];
/// Requests after which there is nothing to ask.
const RESUMES: [u32; 8] = [
    abi::PTRACE_CONT,
    abi::PTRACE_SYSCALL,
    abi::PTRACE_SINGLESTEP,
    abi::PTRACE_SINGLEBLOCK,
    abi::PTRACE_SYSEMU,
    abi::PTRACE_SYSEMU_SINGLESTEP,
    abi::PTRACE_LISTEN,
    abi::PTRACE_DETACH,
];

/// What a client does when a wait has told it of a stop.
#[derive(Debug, Default)]
pub(super) struct Habit {
    pub(super) place: Option<Foresight>,
    stage: Stage,
    /// Tracees that it was told of, and has not let go.
    pub(super) told: Vec<u32>,
    pub(super) looks: Vec<Look>,
    /// How often in a row it let tracees go by `PTRACE_SYSCALL` and waited again.
    rounds: u8,
    /// The third argument with which it lets a tracee go: the kernel looks at none.
    pub(super) unused: u64,
    pub(super) laid: Option<Lying>,
    pub(super) count: u32,
    /// Which way its reads and writes of memory go.
    pub(super) way: Way,
}

/// Where in its round a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Elsewhere,
    /// In a wait that sleeps.
    Waiting,
    /// It let somebody go.
    Left,
}

/// Something that a client asks about a stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) what: What,
    score: u8,
    /// Since it was told of the last stop.
    used: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Whether there is more news: a wait with these arguments.
    News([u64; 4]),
    /// A request with these third and fourth arguments.
    Request(u32, u64, u64),
    /// It sets all registers, with these.
    Registers(u64, u64),
}

/// What lies ready for a client.
#[derive(Debug)]
pub(super) struct Lying {
    pub(super) answers: Vec<Kind>,
    /// How long what is done with leave may lie unheard; `None` if there is none.
    pub(super) patience: Option<Duration>,
    pub(super) since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The look at this place.
    Look(usize),
    /// Leave to let this tracee go.
    Leave(u32),
    /// Leave to set this tracee's registers, by the look at this place.
    Registers(usize, u32),
}

/// What a client did with leave that it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It let this tracee go.
    Left(u32),
    /// It set this one's registers.
    Set(u32),
}

impl Look {
    pub(super) fn is_foreseen(&self) -> bool {
        self.score >= OFTEN
    }
}

impl Habit {
    /// A call of the client's, after what it took unheard.
    pub(super) fn learn(&mut self, call: &Syscall) {
        if call.arch != AUDIT_ARCH_X86_64 {
            return;
        }
        let [first, second, third, fourth, ..] = call.args;
        let about = u32::try_from(second).ok().filter(|tid| self.told.contains(tid));
        match (call.number, u32::try_from(first), about) {
            (num::WAIT4, ..) => {
                let wait = WaitCall::decode(call.arch, call.number, call.args);
                if wait.is_some_and(|wait| wait.is_polling()) {
                    if !self.told.is_empty() {
                        self.see(What::News([first, second, third, fourth]));
                    }
                } else {
                    self.rounds = match self.stage {
                        Stage::Left => self.rounds.saturating_add(1).min(MOST),
                        // The same call again, after a signal.
                        Stage::Waiting => self.rounds,
                        Stage::Elsewhere => 0,
                    };
                    self.stage = Stage::Waiting;
                    self.told.clear();
                }
            }
            (num::PTRACE, Ok(request), Some(_)) if LOOKS.contains(&request) => {
                self.see(What::Request(request, third, fourth));
            }
            (num::PTRACE, Ok(abi::PTRACE_SETREGS), Some(_)) => self.see(What::Registers(third, fourth)),
            (num::PTRACE, Ok(abi::PTRACE_SYSCALL), Some(tracee)) if fourth == 0 => {
                self.unused = third;
                self.leave(tracee);
            }
            (num::PTRACE, Ok(request), Some(tracee)) if RESUMES.contains(&request) => {
                self.told.retain(|told| *told != tracee);
            }
            _ => {}
        }
    }

    /// Whether it asks the same at each stop: something is foreseen.
    pub(super) fn is_formed(&self) -> bool {
        self.always_leaves() || self.looks.iter().any(Look::is_foreseen)
    }

    /// Whether it has leave to set registers, and may have done it.
    pub(super) fn may_set(&self) -> bool {
        let sets = |kind: &Kind| matches!(kind, Kind::Registers(..));
        self.laid.as_ref().is_some_and(|laid| laid.answers.iter().any(sets))
    }

    /// Whether it lets tracees go and waits again, and nothing else.
    pub(super) fn always_leaves(&self) -> bool {
        self.rounds >= ENOUGH
    }

    fn leave(&mut self, tracee: u32) {
        self.told.retain(|told| *told != tracee);
        self.stage = Stage::Left;
    }

    fn see(&mut self, what: What) {
        if let Some(look) = self.looks.iter_mut().find(|look| look.what == what) {
            look.used = true;
        } else if self.looks.len() < KEPT {
            self.looks.push(Look { what, score: 0, used: true });
        }
    }

    /// It is told of another stop. What it did at the last one counts.
    pub(super) fn hear(&mut self, tracee: u32) {
        self.count = self.count.wrapping_add(1);
        self.stage = Stage::Elsewhere;
        if self.told.is_empty() {
            for look in &mut self.looks {
                let more = look.score.saturating_add(USE).min(MOST);
                look.score =
                    if core::mem::take(&mut look.used) { more } else { look.score.saturating_sub(1) };
            }
            self.looks.retain(|look| look.score > 0);
        }
        if self.told.len() < Ahead::MOST && !self.told.contains(&tracee) {
            self.told.push(tracee);
        }
    }

    /// What was taken of what lay ready; what was done with leave, in order.
    pub(super) fn take(&mut self, laid: &Lying, taken: Taken) -> Vec<Done> {
        let mut done = Vec::new();
        for (_, kind) in laid.answers.iter().enumerate().filter(|(place, _)| taken.has(*place)) {
            match kind {
                Kind::Look(at) => {
                    if let Some(look) = self.looks.get_mut(*at) {
                        look.used = true;
                    }
                }
                Kind::Leave(tracee) => {
                    self.leave(*tracee);
                    done.push(Done::Left(*tracee));
                }
                Kind::Registers(at, tracee) => {
                    if let Some(look) = self.looks.get_mut(*at) {
                        look.used = true;
                    }
                    done.push(Done::Set(*tracee));
                }
            }
        }
        done.sort_by_key(|done| matches!(done, Done::Left(_)));
        done.dedup();
        done
    }
}

/// Whether this call changes nothing of what may lie ready.
pub(super) fn is_harmless(call: &Syscall) -> bool {
    let request = |request: u32| LOOKS.contains(&request) || HARMLESS.contains(&request);
    match call.number {
        _ if call.arch != AUDIT_ARCH_X86_64 => false,
        num::PTRACE => u32::try_from(call.args[0]).is_ok_and(request),
        num::PREAD64 | num::PWRITE64 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utrace_core::{Addr, SyscallSet};

    fn call(number: u64, args: [u64; 4]) -> Syscall {
        let [a, b, c, d] = args;
        let args = [a, b, c, d, 0, 0];
        Syscall { number, index: SyscallSet::OTHER, args, arch: AUDIT_ARCH_X86_64, ip: Addr(0), sp: Addr(0) }
    }

    const ANY: u64 = u64::MAX;
    const WALL: u64 = 0x4000_0000;

    fn wait(options: u64) -> Syscall {
        call(num::WAIT4, [ANY, 8, WALL | options, 0])
    }

    fn request(request: u32, data: u64) -> Syscall {
        call(num::PTRACE, [request.into(), 7, 88, data])
    }

    /// As strace does it.
    fn round(habit: &mut Habit) {
        habit.learn(&wait(0));
        habit.hear(7);
        habit.learn(&wait(1));
        habit.learn(&request(abi::PTRACE_GET_SYSCALL_INFO, 64));
        habit.learn(&request(abi::PTRACE_SYSCALL, 0));
    }

    fn formed() -> Habit {
        let mut habit = Habit::default();
        for _ in 0..=ENOUGH {
            assert!(!habit.always_leaves());
            round(&mut habit);
        }
        habit.learn(&wait(0));
        habit.hear(7);
        habit
    }

    #[test]
    fn what_is_always_asked_is_foreseen() {
        let habit = formed();
        assert!(habit.always_leaves());
        let foreseen: Vec<What> =
            habit.looks.iter().filter(|look| look.is_foreseen()).map(|look| look.what).collect();
        let info = What::Request(abi::PTRACE_GET_SYSCALL_INFO, 88, 64);
        assert_eq!(foreseen, [What::News([ANY, 8, WALL | 1, 0]), info]);
    }

    #[test]
    fn what_is_not_asked_any_more_is_forgotten() {
        let mut habit = formed();
        for _ in 0..=MOST {
            habit.learn(&request(abi::PTRACE_CONT, 0));
            habit.learn(&wait(0));
            habit.hear(7);
        }
        assert!(!habit.is_formed() && habit.looks.is_empty());
    }

    /// A debugger that steps over a breakpoint.
    #[test]
    fn what_is_asked_at_every_second_stop_is_foreseen() {
        let mut habit = Habit::default();
        for n in 0..20 {
            habit.hear(7);
            habit.learn(&request(abi::PTRACE_GETREGS, n % 2));
            habit.learn(&request(abi::PTRACE_SINGLESTEP, 0));
        }
        assert_eq!(habit.looks.iter().filter(|look| look.is_foreseen()).count(), 2);
    }

    #[test]
    fn one_that_does_not_wait_next_gets_no_leave() {
        let mut habit = formed();
        habit.learn(&request(abi::PTRACE_SYSCALL, 0));
        habit.learn(&wait(0));
        habit.learn(&wait(0));
        assert!(habit.always_leaves(), "a signal may make it wait twice");
        habit.hear(7);
        habit.learn(&request(abi::PTRACE_SYSCALL, 9));
        habit.learn(&wait(0));
        assert!(!habit.always_leaves());
    }

    #[test]
    fn what_is_taken_unheard_counts_as_asked() {
        let mut habit = formed();
        let laid = Lying {
            answers: vec![Kind::Look(0), Kind::Look(1), Kind::Leave(7)],
            patience: None,
            since: Instant::now(),
        };
        assert_eq!(habit.take(&laid, Taken::from_bits(0b110)), [Done::Left(7)]);
        assert!(habit.told.is_empty());
        habit.learn(&wait(0));
        habit.hear(7);
        let score = |at: usize| habit.looks.get(at).map(|look| look.score);
        assert!(score(0) < score(1));
    }
}
