//! A stopped tracee as a right: [`Stopped`].
//!
//! Only the tracer thread mints it, from a wait status that says "stopped"; registers can be read and written only
//! through it, and [`Stopped::resume`] consumes it. A tracee can die while we hold the right (SIGKILL ends any
//! stop): each call then answers [`Gone`], which is news and no error; the wait status of its death follows. What
//! the stop means and what follows from it is decided in [`crate::tracer`].

use crate::error::HostError;
use crate::sys::Errno;
use crate::sys::ptrace::{self, RawRegs, RawSiginfo, Request, SyscallInfo};
use crate::types::Tid;

/// The tracee is no longer stopped by us: it died, or is about to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gone {
    /// Killed while held (`ESRCH`).
    Died,
    /// The step failed with another error, which names it.
    Refused(&'static str, Errno),
}

impl Gone {
    fn from(step: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| if errno == Errno::ESRCH { Self::Died } else { Self::Refused(step, errno) }
    }

    /// What this error of this step says about the tracee.
    pub(crate) fn of(step: &'static str, errno: Errno) -> Self {
        Self::from(step)(errno)
    }

    /// The same as an error of the crate, about this tracee.
    pub(crate) fn on(self, tid: Tid) -> HostError {
        match self {
            Self::Died => HostError::Died(tid),
            Self::Refused(step, errno) => HostError::Ptrace(step, tid, errno),
        }
    }
}

/// The cached general registers of a stop.
#[derive(Clone, Copy, Debug)]
enum Cache {
    /// Not read yet.
    Empty,
    /// As the kernel has them.
    Clean(RawRegs),
    /// Changed by us: to be written back before the tracee runs.
    Dirty(RawRegs),
}

/// What becomes of a signal number that goes with a resume (ptrace(2), "Signal injection and suppression").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carries {
    /// It is the fate of the signal in hand: delivered, with the siginfo as it is then.
    Delivers,
    /// It is sent to the thread, as by the kernel (`SI_KERNEL`).
    Sends,
    /// It is ignored.
    Nothing,
}

/// The right to look at and resume one stopped tracee.
#[derive(Debug)]
#[must_use = "a stopped tracee that is forgotten never runs again"]
pub(crate) struct Stopped {
    tid: Tid,
    carries: Carries,
    /// A signal that an engine sends at this stop; 0 for none.
    along: i32,
    cache: Cache,
}

impl Stopped {
    /// To be called with the tid of a status that [`crate::stop::decode`] found to be a stop, once per status.
    pub(crate) fn seen_by_wait(tid: Tid) -> Self {
        Self { tid, carries: Carries::Nothing, along: 0, cache: Cache::Empty }
    }

    /// For a tracee that the tracer thread keeps stopped elsewhere: to look at, on that thread, never to resume.
    pub(crate) fn held(tid: Tid) -> Self {
        Self::seen_by_wait(tid)
    }

    /// The same, where the kind of stop is known.
    pub(crate) fn that(self, carries: Carries) -> Self {
        Self { carries, ..self }
    }

    /// What a signal number means at this stop.
    pub(crate) fn carries(&self) -> Carries {
        self.carries
    }

    /// Sends a signal when the tracee goes on. Answers whether there was room: one fits.
    pub(crate) fn send_along(&mut self, signal: i32) -> bool {
        let room = self.along == 0;
        if room {
            self.along = signal;
        }
        room
    }

    /// The signal that is to be sent, which is the caller's to send from now on; 0 for none.
    #[inline]
    pub(crate) fn take_along(&mut self) -> i32 {
        core::mem::take(&mut self.along)
    }

    /// Whose right this is.
    pub(crate) fn tid(&self) -> Tid {
        self.tid
    }

    /// The general registers, read at most once per stop.
    pub(crate) fn regs(&mut self) -> Result<&RawRegs, Gone> {
        if let Cache::Empty = self.cache {
            self.cache = Cache::Clean(ptrace::regs(self.tid).map_err(Gone::from("read registers"))?);
        }
        match &self.cache {
            Cache::Clean(regs) | Cache::Dirty(regs) => Ok(regs),
            Cache::Empty => Err(Gone::Died),
        }
    }

    /// Changes the general registers; the kernel gets them when the tracee is resumed.
    pub(crate) fn change_regs(&mut self, change: impl FnOnce(&mut RawRegs)) -> Result<(), Gone> {
        let mut regs = *self.regs()?;
        change(&mut regs);
        self.cache = Cache::Dirty(regs);
        Ok(())
    }

    /// Gives changed registers to the kernel now, and forgets what was read.
    pub(crate) fn flush(&mut self) -> Result<(), Gone> {
        let cache = core::mem::replace(&mut self.cache, Cache::Empty);
        match cache {
            Cache::Dirty(regs) => ptrace::set_regs(self.tid, &regs).map_err(Gone::from("write registers")),
            Cache::Clean(_) | Cache::Empty => Ok(()),
        }
    }

    /// A register set other than the general ones, by ELF note type.
    pub(crate) fn register_set(&self, note: u32, buf: &mut [u8]) -> Result<usize, Gone> {
        ptrace::register_set(self.tid, note, buf).map_err(Gone::from("read register set"))
    }

    /// Replaces such a set.
    pub(crate) fn set_register_set(&self, note: u32, bytes: &[u8]) -> Result<(), Gone> {
        ptrace::set_register_set(self.tid, note, bytes).map_err(Gone::from("write register set"))
    }

    /// Number and arguments, or result, of a system-call stop.
    pub(crate) fn syscall_info(&self) -> Result<SyscallInfo, Gone> {
        ptrace::syscall_info(self.tid).map_err(Gone::from("read system call"))
    }

    /// Siginfo of a signal-delivery stop.
    pub(crate) fn siginfo(&self) -> Result<RawSiginfo, Gone> {
        ptrace::siginfo(self.tid).map_err(Gone::from("read siginfo"))
    }

    /// Whether the signal of this signal-delivery stop was sent by a descriptor, as those of our traps are.
    pub(crate) fn is_from_trap(&self) -> bool {
        /// `si_code` (sigaction(2)).
        const POLL_IN: i32 = 1;
        self.siginfo().is_ok_and(|info| info.code() == POLL_IN)
    }

    /// Replaces the siginfo that is going to be delivered.
    pub(crate) fn set_siginfo(&self, info: &RawSiginfo) -> Result<(), Gone> {
        ptrace::set_siginfo(self.tid, info).map_err(Gone::from("write siginfo"))
    }

    /// Lets it go, with this signal (0: none). The right is used up, also if the tracee had died.
    pub(crate) fn resume(mut self, request: Request, signal: i32) -> Result<(), Gone> {
        if let Cache::Dirty(_) = self.cache {
            self.flush()?;
        }
        ptrace::resume(self.tid, request, signal).map_err(Gone::from("resume"))
    }
}
