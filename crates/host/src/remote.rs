//! Having a stopped tracee make a system call for us.
//!
//! [`call`] works in a signal-delivery stop and ends in one that the program cannot tell from it: every register,
//! the signal mask, the signal and its siginfo are as before. Where the kernel has no request for something that
//! only the tracee may do to itself (a signal's disposition, say), this does it. The tracee runs exactly one
//! system-call instruction of its own, with every signal blocked; calls that sleep are not for this module. It
//! decides nothing: who needs a call, and what if there is none, is [`crate::tracer`]'s business.
//!
//! What cannot be put back: if a second instance of the same standard signal waits in the thread's own queue, the
//! two become one, as they would had both been sent while the signal was blocked (signal(7), standard signals).

use std::fs;

use crate::stop::{Stop, decode};
use crate::sys::ptrace::{self, RawRegs, RawSiginfo, Request, SyscallAt};
use crate::sys::sigmask::SigMask;
use crate::sys::wait::{self, WaitStatus};
use crate::sys::{Errno, mem, process};
use crate::tracee::{Gone, Stopped};
use crate::types::Tid;

/// Why there was no call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failed {
    /// The tracee runs 32-bit code, or has no system-call instruction that we can find: it was left as it was.
    Unable,
    /// It was killed in the middle: this is its next news, which the caller must treat as any other.
    Ended(WaitStatus),
    /// A step on it failed.
    Lost(Gone),
}

impl From<Gone> for Failed {
    fn from(gone: Gone) -> Self {
        Self::Lost(gone)
    }
}

/// `cs` of 64-bit user code (`__USER_CS`).
const USER_CS: u64 = 0x33;
/// `syscall`.
const INSTRUCTION: [u8; 2] = [0x0f, 0x05];
/// The vDSO's address in the auxiliary vector (getauxval(3)).
const AT_SYSINFO_EHDR: u64 = 33;
/// How much of the vDSO is searched: all of it, today.
const VDSO_SIZE: usize = 16 * 1024;

/// Has the tracee, which is in a delivery stop for the signal of `hand`, make a system call; answers its raw
/// result.
pub(crate) fn call(stopped: &mut Stopped, hand: &RawSiginfo, nr: i64, args: [u64; 6]) -> Result<i64, Failed> {
    let tid = stopped.tid();
    let (value, mask, mut visit) = make(stopped, nr, args)?;
    // Back to where it was: the signal is sent again, and is the only one that is let through.
    let number = hand.number();
    ptrace::set_signal_mask(tid, SigMask::ALL.without(number)).map_err(step("open signal"))?;
    visit.back_to_signal(number)?;
    ptrace::set_signal_mask(tid, mask).map_err(step("restore signal mask"))?;
    stopped.set_siginfo(hand)?;
    visit.make_good();
    Ok(value)
}

/// The same between two instructions of the program, in the stop of an interrupt. It ends in the stop at the exit of that
/// call, where everything is as before too.
pub(crate) fn call_between(stopped: &mut Stopped, nr: i64, args: [u64; 6]) -> Result<i64, Failed> {
    let (value, mask, visit) = make(stopped, nr, args)?;
    ptrace::set_signal_mask(stopped.tid(), mask).map_err(step("restore signal mask"))?;
    visit.make_good();
    Ok(value)
}

/// Makes the call with every signal blocked, and puts the registers back. Answers its result, the mask that is still to be
/// restored, and what came meanwhile.
fn make(stopped: &mut Stopped, nr: i64, args: [u64; 6]) -> Result<(i64, SigMask, Visit), Failed> {
    let tid = stopped.tid();
    stopped.flush()?;
    let regs = *stopped.regs()?;
    if regs.cs != USER_CS {
        return Err(Failed::Unable);
    }
    let site = find_instruction(tid, &regs).ok_or(Failed::Unable)?;
    let mask = ptrace::signal_mask(tid).map_err(step("read signal mask"))?;
    ptrace::set_signal_mask(tid, SigMask::ALL).map_err(step("block signals"))?;
    ptrace::set_regs(tid, &prepared(&regs, site, nr, args)).map_err(step("write registers"))?;
    let mut visit = Visit { tid, asked_to_stop: false, stop_signal: false };
    let value = visit.run()?;
    ptrace::set_regs(tid, &regs).map_err(step("write registers"))?;
    Ok((value, mask, visit))
}

fn step(step: &'static str) -> impl Fn(Errno) -> Failed {
    move |errno| Failed::Lost(Gone::of(step, errno))
}

fn prepared(regs: &RawRegs, site: u64, nr: i64, args: [u64; 6]) -> RawRegs {
    let mut regs = *regs;
    regs.rip = site;
    regs.rax = nr.cast_unsigned();
    // Not in a call any more, as far as restarting goes (arch_do_signal_or_restart() in arch/x86/kernel/signal.c).
    regs.orig_rax = u64::MAX;
    [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9] = args;
    regs
}

/// What came to the tracee while it ran for us.
struct Visit {
    tid: Tid,
    /// A stop of the group, or an interrupt, was passed over.
    asked_to_stop: bool,
    /// A SIGSTOP, which nothing blocks, was put aside.
    stop_signal: bool,
}

impl Visit {
    /// Through the call: to its entry, its exit, and the result.
    fn run(&mut self) -> Result<i64, Failed> {
        loop {
            self.resume(Request::Syscall, 0)?;
            match self.next()? {
                Stop::Syscall => {
                    let info = ptrace::syscall_info(self.tid)
                        .map_err(|errno| Gone::of("read system call", errno))?;
                    if let SyscallAt::Exit(value) = info.at {
                        return Ok(value);
                    }
                }
                Stop::Seccomp => {}
                other => self.pass_over(other)?,
            }
        }
    }

    /// From the exit of the call to the delivery stop of a signal that is sent there.
    fn back_to_signal(&mut self, number: i32) -> Result<(), Failed> {
        self.resume(Request::Cont, number)?;
        loop {
            match self.next()? {
                Stop::Signal(signal) if signal == number => return Ok(()),
                other => self.pass_over(other)?,
            }
            self.resume(Request::Cont, 0)?;
        }
    }

    fn pass_over(&mut self, stop: Stop) -> Result<(), Failed> {
        match stop {
            Stop::Interrupted | Stop::JobControl(_) => self.asked_to_stop = true,
            Stop::Signal(libc::SIGSTOP) => self.stop_signal = true,
            // With every signal blocked there is no other, unless the tracee cannot even run.
            Stop::Signal(_) => return Err(Failed::Unable),
            _ => {}
        }
        Ok(())
    }

    fn resume(&self, request: Request, signal: i32) -> Result<(), Failed> {
        ptrace::resume(self.tid, request, signal).map_err(|errno| Gone::of("resume", errno).into())
    }

    fn next(&self) -> Result<Stop, Failed> {
        let status = wait::wait_for(self.tid).map_err(|errno| Gone::of("wait", errno))?;
        match decode(status, 0) {
            Ok(Stop::Exiting(_) | Stop::Exited(_) | Stop::Killed(..)) | Err(_) => Err(Failed::Ended(status)),
            Ok(stop) => Ok(stop),
        }
    }

    /// Has what was passed over come again.
    fn make_good(&self) {
        // If it is gone, its end is the next news.
        if self.stop_signal {
            let _ = process::kill(self.tid, libc::SIGSTOP);
        }
        if self.asked_to_stop {
            let _ = ptrace::interrupt(self.tid);
        }
    }
}

/// A system-call instruction in the tracee: the one it came through, or one of the vDSO.
fn find_instruction(tid: Tid, regs: &RawRegs) -> Option<u64> {
    let before = regs.rip.wrapping_sub(2);
    let mut bytes = [0; 2];
    if mem::read(tid, before, &mut bytes) == Ok(2) && bytes == INSTRUCTION {
        return Some(before);
    }
    let vdso = vdso_of(&fs::read(format!("/proc/{tid}/auxv")).ok()?)?;
    let mut image = vec![0; VDSO_SIZE];
    let len = mem::read(tid, vdso, &mut image).ok()?;
    let at = image[..len].windows(2).position(|two| two == INSTRUCTION)?;
    Some(vdso + u64::try_from(at).ok()?)
}

fn vdso_of(auxv: &[u8]) -> Option<u64> {
    let word = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(auxv.get(at..at + 8)?);
        Some(u64::from_ne_bytes(bytes))
    };
    (0..auxv.len()).step_by(16).find(|at| word(*at) == Some(AT_SYSINFO_EHDR)).and_then(|at| word(at + 8))
}

/// Puts a signal's disposition at its default in the tracee's process, for good.
pub(crate) fn set_default_action(
    stopped: &mut Stopped,
    hand: &RawSiginfo,
    number: i32,
) -> Result<(), Failed> {
    /// Below what the ABI lets a leaf function use under its stack pointer.
    const RED_ZONE: u64 = 128;
    /// `struct kernel_sigaction`: handler, flags, restorer, mask; all zero is the default action.
    const ACTION: [u8; 32] = [0; 32];
    let tid = stopped.tid();
    let at = (stopped.regs()?.rsp - RED_ZONE - 64) & !15;
    let mut saved = [0; ACTION.len()];
    let there = |moved| if moved == Ok(ACTION.len()) { Ok(()) } else { Err(Failed::Unable) };
    there(mem::read(tid, at, &mut saved))?;
    there(mem::write(tid, at, &ACTION))?;
    let args = [u64::from(number.unsigned_abs()), at, 0, 8, 0, 0];
    let result = call(stopped, hand, libc::SYS_rt_sigaction, args);
    // If it died there is nobody left to notice.
    let _ = mem::write(tid, at, &saved);
    match result? {
        0 => Ok(()),
        _ => Err(Failed::Unable),
    }
}

#[cfg(test)]
mod tests {
    use super::{call, vdso_of};
    use crate::mailbox::RING;
    use crate::stop::{Stop, decode};
    use crate::sys::ptrace::{self, Options, Request};
    use crate::sys::roll::Roll;
    use crate::sys::{process, spawn, wait};
    use crate::tracee::{Carries, Stopped};
    use crate::tracer::regs_to_bytes;

    #[test]
    fn a_call_leaves_registers_mask_and_signal_as_they_were() {
        let roll = Roll::new().unwrap();
        let pid = spawn::fork_sleeper(c"utrace-remote", RING, &roll).unwrap();
        ptrace::seize(pid, Options::EVERYTHING).unwrap();
        process::kill(pid, RING).unwrap();
        // It sends itself one too, once it is up.
        for _ in 0..2 {
            let status = wait::wait_for(pid).unwrap();
            assert_eq!(decode(status, 0), Ok(Stop::Signal(RING)));
            let mut stopped = Stopped::seen_by_wait(pid).that(Carries::Delivers);
            let hand = stopped.siginfo().unwrap();
            let state = |stopped: &mut Stopped| {
                let regs = regs_to_bytes(&ptrace::regs(pid).unwrap());
                (regs, ptrace::signal_mask(pid).unwrap(), stopped.siginfo().unwrap().0)
            };
            let before = state(&mut stopped);
            for _ in 0..3 {
                let value = call(&mut stopped, &hand, libc::SYS_getpid, [0; 6]);
                assert_eq!(value, Ok(i64::from(pid.raw())));
                assert_eq!(state(&mut stopped), before);
            }
            process::kill(pid, RING).unwrap();
            ptrace::resume(pid, Request::Cont, 0).unwrap();
        }
        process::kill(pid, libc::SIGKILL).unwrap();
        while !matches!(decode(wait::wait_for(pid).unwrap(), 0), Ok(Stop::Killed(..))) {
            let _ = ptrace::resume(pid, Request::Cont, 0);
        }
    }

    #[test]
    fn the_vdso_is_found_in_the_auxiliary_vector() {
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<u8>>();
        assert_eq!(vdso_of(&words(&[16, 1, 33, 0x7fff_0000, 0, 0])), Some(0x7fff_0000));
        assert_eq!(vdso_of(&words(&[16, 33, 6, 4096, 0, 0])), None, "a value is no key");
        assert_eq!(vdso_of(&words(&[16, 1, 33])), None, "cut short");
        let auxv = std::fs::read("/proc/self/auxv").unwrap();
        assert!(vdso_of(&auxv).is_some());
    }
}
