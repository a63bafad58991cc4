//! Waking threads that sleep in pause(2) in place of a call that they are to make again, once nobody else would.
//!
//! Key types: [`Waker`]. The guardian ([`super::guard`]) runs it after our death. The kernel lets our tracees go then, and
//! one that sleeps in pause sleeps on. It is interrupted in the way that only a tracer can, and its call put back, which
//! the kernel then begins again. Who shows any other call, instruction or argument than is noted is left alone: it
//! was woken and went on. Plain system calls, no allocation.

use super::Errno;
use super::errno::{ERESTARTNOHAND, ERESTARTSYS};
use super::notify::{SLEEPERS, Sleeper};
use super::ptrace::{self, Options, Request};
use super::roll;
use super::wait;
use crate::types::Tid;

/// How often it is looked at one that is still another's tracee, or runs.
const LOOKS: u32 = 1000;
const PAUSE: u32 = libc::SYS_pause as u32;
const PAUSE_I386: u32 = 29;
/// As an interrupted call looks that begins again, and pause.
const AGAIN: u64 = ERESTARTSYS.cast_unsigned();
const PAUSE_ENDED: u64 = ERESTARTNOHAND.cast_unsigned();
/// The length of a system-call instruction.
const CALL_LENGTH: u64 = 2;

/// What was done about each sleeper.
#[derive(Debug)]
pub(super) struct Waker {
    seized: [bool; SLEEPERS],
    looks: u32,
}

/// Whether there is more to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Round {
    Again,
    Last,
}

/// Where a thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Where {
    /// In the pause that stands in for its call.
    InPause,
    /// Perhaps on its way there.
    Unknown,
    /// In another call, or gone.
    Elsewhere,
}

impl Waker {
    pub(super) const fn new() -> Self {
        Self { seized: [false; SLEEPERS], looks: 0 }
    }

    /// Looks at each once. It is not waited for any: one may wait for an answer that is ours to give.
    pub(super) fn go_round(&mut self, sleepers: &[Sleeper]) -> Round {
        self.looks += 1;
        let mut round = Round::Last;
        for (seized, sleeper) in self.seized.iter_mut().zip(sleepers) {
            let Some((tid, number, place)) = sleeper.read() else { continue };
            let Some(thread) = Tid::new(tid) else { continue };
            let pending = if *seized {
                awaits_stop(thread, number, &place)
            } else {
                match seize(thread, pause_beside(number), &place) {
                    Ok(Where::InPause) => {
                        *seized = true;
                        true
                    }
                    // EPERM: it is a tracee of ours until the kernel has taken the last of us down.
                    Ok(Where::Unknown) | Err(Errno::EPERM) => self.looks < LOOKS,
                    Ok(Where::Elsewhere) | Err(_) => false,
                }
            };
            if pending {
                round = Round::Again;
            } else {
                *seized = false;
                sleeper.clear();
            }
        }
        round
    }
}

/// Seizes and interrupts a thread that sleeps where it is noted to.
fn seize(tid: Tid, pause: u32, place: &[u64; 7]) -> Result<Where, Errno> {
    let seen = look_at(tid, pause, place);
    if seen == Where::InPause {
        ptrace::seize(tid, Options::NONE)?;
        ptrace::interrupt(tid)?;
    }
    Ok(seen)
}

/// Lets a seized thread go if it has stopped, with its own call to be made. Whether it has not.
fn awaits_stop(tid: Tid, number: i32, [ip, ..]: &[u64; 7]) -> bool {
    let status = match wait::look_for(tid) {
        Ok(None) => return true,
        Ok(Some(status)) => status.0,
        Err(_) => return false,
    };
    if status & 0xff != 0x7f {
        // It has died.
        return false;
    }
    let (call, pause) = (u64::from(number.unsigned_abs()), u64::from(pause_beside(number)));
    if let Ok(mut regs) = ptrace::regs(tid) {
        let paused = regs.orig_rax == pause && regs.rax == PAUSE_ENDED;
        if paused && regs.rip == *ip {
            (regs.orig_rax, regs.rax) = (call, AGAIN);
        } else if regs.rax == pause && regs.rip.wrapping_add(CALL_LENGTH) == *ip {
            regs.rax = call;
        }
        let _ = ptrace::set_regs(tid, &regs);
    }
    // A signal that came first is the thread's own.
    let signal = if status >> 16 == 0 { status >> 8 & 0xff } else { 0 };
    let _ = ptrace::resume(tid, Request::Detach, signal);
    false
}

/// By its `syscall` file (proc_pid_syscall(5)): number, six arguments, stack pointer, instruction.
fn look_at(tid: Tid, pause: u32, [ip, args @ ..]: &[u64; 7]) -> Where {
    let mut line = [0; 256];
    let line = roll::read_file(tid.raw(), b"/syscall\0", &mut line);
    let mut words = line.trim_ascii_end().split(|&byte| byte == b' ');
    match words.next() {
        None | Some(b"") => return Where::Elsewhere,
        // A stop outside a call shows as -1.
        Some(b"running" | b"-1") => return Where::Unknown,
        Some(word) if decimal(word) == Some(pause) => {}
        // Its own call, at a stop of ours before it sleeps.
        Some(_) => return if roll::is_traced(tid.raw()) { Where::Unknown } else { Where::Elsewhere },
    }
    let same = args.iter().all(|arg| words.next().and_then(hex) == Some(*arg));
    if same && words.nth(1).and_then(hex) == Some(*ip) { Where::InPause } else { Where::Elsewhere }
}

fn decimal(word: &[u8]) -> Option<u32> {
    word.iter().try_fold(0_u32, |sum, digit| {
        let value = char::from(*digit).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(value)
    })
}

/// `pause` of the table that a call with this number was made through.
const fn pause_beside(number: i32) -> u32 {
    if number < 0 { PAUSE_I386 } else { PAUSE }
}

fn hex(word: &[u8]) -> Option<u64> {
    let digits = word.strip_prefix(b"0x")?;
    digits.iter().try_fold(0_u64, |sum, digit| {
        let value = char::from(*digit).to_digit(16)?;
        Some(sum.checked_mul(16)? + u64::from(value))
    })
}
