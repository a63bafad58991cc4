//! The fate of a signal: what the engines decided, made out of what Linux can do with it.
//!
//! ptrace lets a tracer choose the number and the details of a signal, and whether it comes at all; what it does
//! then follows from what the program declared. Where engines want something else, it is built here:
//!
//! | wanted | how it is had |
//! |---|---|
//! | drop | resume without it |
//! | deliver, rewritten | the siginfo is replaced; a number that the thread blocks waits in its queue |
//! | default action in spite of a handler or of "ignored" | as terminate, core or stop below, by the number's default |
//! | terminate | the disposition is put at its default by a call in the tracee, the number is opened, and it dies of it; a limit of 1 on its core keeps a dump from a number that dumps (core(5)) |
//! | core | the same without the limit |
//! | stop | SIGSTOP, whatever the number: the only one that no disposition and no orphaned group changes |
//! | stop unless orphaned | the number itself if it stops by default, SIGSTOP otherwise; nothing in an orphaned process group |
//!
//! What differs from the old kernel facility: a core is dumped only for a number that dumps by itself (another one
//! kills without a dump); a number whose default is to be ignored or to stop, SIGCHLD say, cannot kill, so SIGKILL
//! stands in; the parent of a process that was stopped by "stop" sees SIGSTOP; a handler can only run for a number
//! that has one.

use utrace_core::{Disposition, Event, SignalAction};

use super::Tracer;
use super::signals::{Decided, SI_KERNEL, default_event, disposition};
use super::tracee::Tracee;
use crate::notice::Notice;
use crate::procfs;
use crate::remote::{self, Failed};
use crate::sys::process;
use crate::sys::ptrace::{self, RawSiginfo};
use crate::sys::wait::WaitStatus;
use crate::tracee::{Gone, Stopped};

/// How to go on from a delivery stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// With this number; 0 for none.
    Resume(i32),
    /// With this number, as the program would have had it: for a handler, if there is one.
    Deliver(i32),
    /// A step failed.
    Lost(Gone),
    /// It was killed meanwhile: its next news.
    Ended(WaitStatus),
}

impl From<Gone> for Fate {
    fn from(gone: Gone) -> Self {
        Self::Lost(gone)
    }
}

impl Tracer {
    /// Makes everything ready for what was decided about the signal of this delivery stop, which is `info` now.
    pub(super) fn fate(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        info: &RawSiginfo,
        decided: Decided,
    ) -> Fate {
        match self.try_fate(tracee, stopped, info, decided) {
            Ok(fate) | Err(fate) => fate,
        }
    }

    fn try_fate(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        info: &RawSiginfo,
        decided: Decided,
    ) -> Result<Fate, Fate> {
        let Some(mut info) = self.checked(tracee, info, decided) else { return Ok(Fate::Resume(0)) };
        let number = info.number();
        match resolve(tracee, number, decided) {
            Resolved::Drop => Ok(Fate::Resume(0)),
            Resolved::Deliver => as_it_is(stopped, &info, Fate::Deliver(number)),
            Resolved::Die(core) => self.die(tracee, stopped, info, core),
            Resolved::Stop(number) => {
                info.set_number(number);
                as_it_is(stopped, &info, Fate::Resume(number))
            }
        }
    }

    /// The same signal if its number is one; SIGTRAP in place of a number that would look like something else in a
    /// wait status (SC-63); nothing if it is to be dropped.
    pub(super) fn checked(&self, tracee: &Tracee, info: &RawSiginfo, decided: Decided) -> Option<RawSiginfo> {
        if decided.action == SignalAction::Ignore {
            return None;
        }
        if (1..=64).contains(&info.number()) {
            return Some(*info);
        }
        self.shared.notify(Notice::BadSignal { tid: tracee.tid, number: info.number() });
        let fatal = matches!(decided.action, SignalAction::Terminate | SignalAction::Core);
        fatal.then(|| RawSiginfo::bare(libc::SIGTRAP, SI_KERNEL))
    }

    /// Dies of this signal, whatever the program declared for it.
    fn die(
        &self,
        tracee: &Tracee,
        stopped: &mut Stopped,
        mut info: RawSiginfo,
        core: Core,
    ) -> Result<Fate, Fate> {
        let number = info.number();
        let default = default_event(number);
        let mut able = matches!(default, Event::SignalTerm | Event::SignalCore);
        if able && disposition(tracee, number) != Disposition::Default {
            // The call ends in a stop for the signal that the kernel has in hand, which may be another.
            let hand = stopped.siginfo()?;
            able = match remote::set_default_action(stopped, &hand, number) {
                Ok(()) => true,
                Err(Failed::Unable) => false,
                Err(Failed::Lost(gone)) => return Err(Fate::Lost(gone)),
                Err(Failed::Ended(status)) => return Err(Fate::Ended(status)),
            };
        }
        if !able {
            // Nothing else is sure to kill. ptrace(2) delivers it like any other.
            info.set_number(libc::SIGKILL);
            return Ok(Fate::Resume(libc::SIGKILL));
        }
        if core == Core::Never && default == Event::SignalCore {
            // Both kinds of core_pattern take 1 for "no core" (do_coredump() in fs/coredump.c).
            if let Err(errno) = process::limit_core(tracee.group.pid, 1) {
                self.note(tracee.tid, Gone::of("limit core", errno));
            }
        }
        open(tracee, number)?;
        as_it_is(stopped, &info, Fate::Resume(number))
    }
}

/// Whether a death may leave a core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Core {
    /// As the number and the limits say.
    AsUsual,
    /// It must not.
    Never,
}

/// What is to be done with a signal, once dispositions are looked at.
enum Resolved {
    Drop,
    Deliver,
    Die(Core),
    Stop(i32),
}

fn resolve(tracee: &Tracee, number: i32, decided: Decided) -> Resolved {
    match (decided.action, decided.disposition) {
        (SignalAction::Ignore, _) | (SignalAction::Deliver, Some(Disposition::Ignored)) => Resolved::Drop,
        (SignalAction::Terminate, _) => Resolved::Die(Core::Never),
        (SignalAction::Core, _) => Resolved::Die(Core::AsUsual),
        (SignalAction::Stop, _) => Resolved::Stop(libc::SIGSTOP),
        (SignalAction::TStop, _) => stop_unless_orphaned(tracee, number),
        (SignalAction::Deliver, Some(Disposition::Default)) => match default_event(number) {
            Event::SignalIgn => Resolved::Drop,
            Event::SignalStop if number == libc::SIGSTOP => Resolved::Stop(number),
            Event::SignalStop => stop_unless_orphaned(tracee, number),
            _ => Resolved::Die(Core::AsUsual),
        },
        (SignalAction::Deliver, Some(Disposition::Caught) | None) => Resolved::Deliver,
    }
}

fn stop_unless_orphaned(tracee: &Tracee, number: i32) -> Resolved {
    let by_itself = default_event(number) == Event::SignalStop && number != libc::SIGSTOP;
    if by_itself && disposition(tracee, number) == Disposition::Default {
        // The kernel looks at the process group (get_signal() in kernel/signal.c).
        return Resolved::Stop(number);
    }
    if procfs::is_group_orphaned(tracee.group.pid) { Resolved::Drop } else { Resolved::Stop(libc::SIGSTOP) }
}

/// Gives the kernel the details that the engines left.
fn as_it_is(stopped: &Stopped, info: &RawSiginfo, fate: Fate) -> Result<Fate, Fate> {
    if stopped.siginfo()? != *info {
        stopped.set_siginfo(info)?;
    }
    Ok(fate)
}

/// Makes sure that the thread does not block this signal: it would wait in its queue.
fn open(tracee: &Tracee, number: i32) -> Result<(), Gone> {
    let gone = |step: &'static str| move |errno| Gone::of(step, errno);
    let mask = ptrace::signal_mask(tracee.tid).map_err(gone("read signal mask"))?;
    if mask.without(number) != mask {
        ptrace::set_signal_mask(tracee.tid, mask.without(number)).map_err(gone("open signal"))?;
    }
    Ok(())
}
