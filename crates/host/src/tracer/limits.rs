//! Time-outs of calls that are ended by a signal which the program ignores, or by a look of ours.
//!
//! Such a call is made to start again by itself ([`crate::quiesce`]), and the kernel would give it its whole time-out
//! anew. So the tracer remembers when it began: it saw it enter, or asked how long it slept when it was attached to.
//! [`Tracer::mend`] answers the time-out if it is over by then; otherwise the call is followed from its new entry to
//! its exit, and interrupted when its time comes. Where the beginning is not known, the time-out begins again.
//!
//! Key type: [`Timed`], which a tracee carries. The limits themselves: [`crate::quiet::limit`]. The clock is the one of
//! [`crate::quiet::recheck`].

use std::time::{Duration, Instant};

use utrace_core::{Disposition, Event, Syscall};

use super::Tracer;
use super::signals::{default_event, disposition};
use super::tracee::{Interrupt, Run, Tracee};
use crate::filter::ARCH_X86_64;
use crate::quiesce;
use crate::quiet::asleep::Sleep;
use crate::quiet::limit::{self, Limit, Looks, Side};
use crate::quiet::place::{Call, Place, Sight};
use crate::sys::mem;
use crate::sys::ptrace::{self, RawRegs, Request};
use crate::sys::socket::Socket;
use crate::tracee::{Gone, Stopped};
use crate::types::Tid;

/// A call that may have a time limit.
#[derive(Debug)]
pub(crate) struct Timed {
    call: Call,
    began: Began,
    stage: Stage,
}

/// When it began.
#[derive(Clone, Copy, Debug)]
enum Began {
    /// We saw it enter.
    At(Instant),
    /// It was found asleep in it.
    Before(Sleep),
}

/// How far it has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Nothing has happened to it.
    First,
    /// It was ended, and told to start again; its time is over then.
    Ended { ends: Instant },
    /// It was seen to start again.
    Again { ends: Instant },
}

impl Timed {
    /// Whether it has to be followed to its end, because it does not know when that is.
    #[inline]
    pub(crate) fn is_followed(&self) -> bool {
        !matches!(self.stage, Stage::First)
    }
}

impl Tracee {
    /// A call is about to begin.
    #[inline]
    pub(super) fn time_call(&mut self, call: &Syscall) {
        if self.timed.is_some() || limit::may_have(call.number) {
            self.time_slowly(call);
        }
    }

    fn time_slowly(&mut self, call: &Syscall) {
        let before = self.timed.take();
        // Numbers of other tables mean other calls.
        if call.arch != ARCH_X86_64 || !limit::may_have(call.number) {
            return;
        }
        let call = Call { number: call.number, args: call.args, sp: call.sp.0, pc: call.ip.0 };
        self.timed = Some(match before {
            Some(Timed { call: same, began, stage: Stage::Ended { ends } | Stage::Again { ends } })
                if same == call =>
            {
                Timed { call, began, stage: Stage::Again { ends } }
            }
            _ => Timed { call, began: Began::At(Instant::now()), stage: Stage::First },
        });
    }

    /// It is resumed from the entry of a call without being stopped at the exit: what begins after that begins unseen,
    /// unless its filter shows it.
    pub(super) fn loses_sight(&mut self) {
        let seen = match (&*self.group.filter.borrow(), &self.timed) {
            (Some(filter), Some(timed)) => filter.contains(timed.call.number),
            _ => false,
        };
        if !seen {
            self.timed = None;
        }
    }

    /// It was found asleep in a call: if that has a limit, remember since when.
    pub(super) fn time_sleep(&mut self, call: &Call, sight: &mut Sight) {
        if self.timed.as_ref().is_some_and(|timed| timed.call == *call) || !limit::may_have(call.number) {
            return;
        }
        self.timed = limit::of(call, &Process { pid: self.group.pid, tid: self.tid })
            .and_then(|_| Sleep::of(sight))
            .map(|sleep| Timed { call: *call, began: Began::Before(sleep), stage: Stage::First });
    }

    /// It has returned from this call: if it sleeps in such a call again, that is another.
    pub(super) fn has_left(&mut self, call: &Call) {
        self.timed = self.timed.take().filter(|timed| timed.call != *call);
    }

    /// It goes on with this signal. What a handler interrupts has `EINTR` for its answer, and so has what a stop of the
    /// process interrupts, which the program would see untraced too (signal(7)).
    pub(super) fn takes_signal(&mut self, stopped: &mut Stopped, signal: i32) -> Result<(), Gone> {
        let stops = default_event(signal) == Event::SignalStop;
        if !stops && self.timed.is_none() {
            return Ok(());
        }
        match disposition(self, signal) {
            Disposition::Caught => self.timed = None,
            Disposition::Default if stops => {
                self.timed = None;
                self.ended_by_stop = true;
                quiesce::show_interruption(stopped)?;
            }
            Disposition::Default | Disposition::Ignored => {}
        }
        Ok(())
    }
}

impl Tracer {
    /// Remembers since when a thread sleeps that was just attached to.
    pub(super) fn time_attached(&self, tracee: &mut Tracee, sight: &mut Sight) {
        let Ok(place) = sight.look() else { return };
        if let Place::Blocked(call) = &place {
            tracee.time_sleep(call, sight);
            sight.keep(place);
        }
    }

    /// Makes a call that was ended by an ignored signal, or by us, start again, or answer its time-out.
    pub(super) fn mend(&mut self, tracee: &mut Tracee, stopped: &mut Stopped) -> Result<(), Gone> {
        let regs = stopped.regs()?;
        if !quiesce::was_interrupted(regs) || tracee.ended_by_stop {
            return Ok(());
        }
        let call = call_of(regs);
        let Some((ends, answer)) = rest(tracee, &call) else {
            tracee.timed = None;
            return quiesce::hide_interruption(stopped);
        };
        if ends <= Instant::now() {
            tracee.timed = None;
            return stopped.change_regs(|regs| regs.rax = answer.cast_unsigned());
        }
        if let Some(timed) = &mut tracee.timed {
            timed.stage = Stage::Ended { ends };
        }
        self.recheck.at(&self.shared, tracee.key, ends);
        quiesce::hide_interruption(stopped)
    }

    /// It stands before a call that started again: its time may be over already. An interrupt that comes now ends the
    /// call as soon as it has begun.
    #[inline]
    pub(super) fn hurry(&self, tracee: &mut Tracee) {
        if tracee.timed.as_ref().is_some_and(Timed::is_followed) && is_over(tracee) {
            if tracee.interrupt == Interrupt::None {
                tracee.interrupt = Interrupt::Quiet;
            }
            if let Err(errno) = ptrace::interrupt(tracee.tid) {
                self.note(tracee.tid, Gone::of("interrupt", errno));
            }
        }
    }

    /// The time of some calls is over.
    pub(super) fn end_calls(&mut self) {
        for key in self.recheck.due(&self.shared) {
            let Some(mut tracee) = self.table.take_key(key) else { continue };
            // Before the new entry there is nothing to interrupt: that looks at the time by itself.
            if matches!(tracee.run, Run::Running(Request::Syscall)) && is_over(&tracee) {
                self.interrupt(&mut tracee, Interrupt::Quiet);
            }
            self.table.put(tracee);
        }
    }
}

fn is_over(tracee: &Tracee) -> bool {
    matches!(tracee.timed, Some(Timed { stage: Stage::Again { ends }, .. }) if ends <= Instant::now())
}

/// When the time of an interrupted call is over, and its answer then.
fn rest(tracee: &Tracee, call: &Call) -> Option<(Instant, i64)> {
    let timed = tracee.timed.as_ref().filter(|timed| timed.call == *call)?;
    let Limit { lasts, answer } = limit::of(call, &Process { pid: tracee.group.pid, tid: tracee.tid })?;
    let ends = match (timed.stage, timed.began) {
        (Stage::Ended { ends } | Stage::Again { ends }, _) => ends,
        (Stage::First, Began::At(began)) => began.checked_add(lasts)?,
        (Stage::First, Began::Before(sleep)) => sleep.since(tracee.tid)?.checked_add(lasts)?,
    };
    Some((ends, answer))
}

pub(super) fn call_of(regs: &RawRegs) -> Call {
    let args = [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9];
    Call { number: regs.orig_rax, args, sp: regs.rsp, pc: regs.rip }
}

/// The process that makes a call.
pub(super) struct Process {
    pub(super) pid: Tid,
    pub(super) tid: Tid,
}

impl Looks for Process {
    fn pair(&self, at: u64) -> Option<[i64; 2]> {
        let mut both = [[0; 8]; 2];
        (mem::read(self.tid, at, both.as_flattened_mut()) == Ok(16)).then(|| both.map(i64::from_ne_bytes))
    }

    fn socket(&self, fd: u64, side: Side) -> Option<Duration> {
        let option = match side {
            Side::Receive => libc::SO_RCVTIMEO,
            Side::Send => libc::SO_SNDTIMEO,
        };
        Socket::of(self.pid, fd).and_then(|socket| socket.timeout(option)).ok()?
    }

    fn is_local(&self, fd: u64) -> bool {
        Socket::of(self.pid, fd).and_then(|socket| socket.domain()) == Ok(libc::AF_UNIX)
    }
}
