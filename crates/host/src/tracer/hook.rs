//! What the core can ask of us for one task: [`Hook`]. Called from any thread; everything turns into a message.

use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use utrace_core::{Target, TargetError, Task, TaskHost};

use super::debug::{Hit, OwnerId, Registers, Shares};
use super::message::Message;
use super::table::Key;
use super::view::Afar;
use crate::current;
use crate::procfs;
use crate::shared::Shared;
use crate::sys::perf::Event;
use crate::sys::wait::Used;
use crate::sys::{Errno, ptrace, wait};
use crate::types::Tid;

/// What the tracer thread tells hooks of a tracee, which itself is that thread's alone.
///
/// `tid` and `listening` are written by the tracer thread. Relaxed: each stands for itself.
pub(crate) struct Sign {
    /// Changes at an exec by a thread that was not the leader.
    tid: AtomicI32,
    /// Whether it is left in a group stop, where the kernel shows no registers (ptrace(2), `PTRACE_LISTEN`).
    listening: AtomicU8,
    /// Whether its registers were, or may have been, changed for an engine.
    changed: AtomicBool,
    debug: Mutex<Shares>,
    /// Whether its debug registers are in use; a copy of what `debug` says.
    debugged: AtomicBool,
    /// A slot of them that is ours as long as nobody else wants it: the breakpoint of a snare.
    lent: Mutex<Option<Event>>,
    /// Whether they are to be set anew once it can be.
    stale: AtomicBool,
    /// What its process had used at its last news.
    used: Mutex<Option<Used>>,
}

/// Values of [`Sign::listening`].
const NOT: u8 = 0;
const LISTENS: u8 = 1;
const ROUSED: u8 = 2;
/// The debug register that says what was hit.
const STATUS: usize = 6;

impl Sign {
    pub(crate) fn new(tid: Tid) -> Self {
        Self {
            tid: AtomicI32::new(tid.raw()),
            listening: AtomicU8::new(NOT),
            changed: AtomicBool::new(false),
            debug: Mutex::default(),
            debugged: AtomicBool::new(false),
            lent: Mutex::default(),
            stale: AtomicBool::new(false),
            used: Mutex::default(),
        }
    }

    #[cold]
    pub(crate) fn keep_usage(&self, used: Used) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(used);
    }

    pub(crate) fn usage(&self) -> Option<Used> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a debug register is in use.
    #[inline]
    pub(crate) fn is_debugged(&self) -> bool {
        self.debugged.load(Ordering::Relaxed)
    }

    /// Whether an owner left debug registers that could not be written then.
    #[inline]
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// The debug registers as an owner sees them.
    pub(crate) fn debug_registers(&self, owner: OwnerId) -> Registers {
        let mut registers = self.shares().registers(owner);
        if !self.is_debugged()
            && let Ok(status) = self.debug_status()
        {
            registers[STATUS] = status;
        }
        registers
    }

    fn debug_status(&self) -> Result<u64, Errno> {
        let tid = Tid::new(self.tid.load(Ordering::Relaxed)).ok_or(Errno::ESRCH)?;
        ptrace::debug_register(tid, STATUS)
    }

    /// Changes the shares of a tracee's debug registers, with the means to write the real ones, which only the tracer
    /// thread can, in a stop.
    pub(crate) fn debug<T>(
        &self,
        change: impl FnOnce(&mut Shares, &mut dyn FnMut(usize, u64) -> Result<(), Errno>) -> T,
    ) -> T {
        let mut shares = self.shares();
        let tid = self.tid.load(Ordering::Relaxed);
        let done = change(&mut shares, &mut |number, value| {
            let Some(tid) = Tid::new(tid) else { return Err(Errno::ESRCH) };
            match ptrace::set_debug_register(tid, number, value) {
                Err(Errno::ENOSPC) if self.end_lent().is_some() => {
                    ptrace::set_debug_register(tid, number, value)
                }
                done => done,
            }
        });
        self.debugged.store(shares.is_used(), Ordering::Relaxed);
        done
    }

    /// Keeps the breakpoint of a snare, which is given up for whoever else wants its slot.
    pub(crate) fn lend(&self, event: Event) {
        *self.lent.lock().unwrap_or_else(PoisonError::into_inner) = Some(event);
    }

    /// Ends that breakpoint; answers how often it was hit, if it was still there.
    pub(crate) fn end_lent(&self) -> Option<u64> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).take().map(Event::end)
    }

    /// An owner of debug registers leaves.
    pub(crate) fn release_debug(&self, owner: OwnerId) {
        // One that runs keeps them until its next stop.
        let left = self.debug(|shares, write| shares.release(owner, write));
        self.stale.store(left.is_err(), Ordering::Relaxed);
    }

    /// An owner leaves, and what it has switched on stays.
    pub(crate) fn bequeath_debug(&self, owner: OwnerId) {
        if !self.shares().bequeath(owner) {
            self.release_debug(owner);
        }
    }

    /// Takes out at a stop what owners left behind.
    #[cold]
    pub(crate) fn settle_debug(&self) {
        // One that died has none.
        let _ = self.debug(Shares::settle);
        self.stale.store(false, Ordering::Relaxed);
    }

    /// It runs a new program: the kernel has emptied the registers.
    pub(crate) fn forget_debug(&self) {
        self.debug(|shares, _| *shares = Shares::default());
    }

    /// At the stop of a trap: whose breakpoint was hit.
    pub(crate) fn debug_hit(&self) -> Hit {
        let status = self.debug_status().unwrap_or(0);
        self.shares().hit(status)
    }

    /// They are whole at every moment, so a panic elsewhere does not spoil them.
    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.debug.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rename(&self, tid: Tid) {
        self.tid.store(tid.raw(), Ordering::Relaxed);
    }

    /// It is left in a group stop.
    pub(crate) fn listens(&self) {
        self.listening.store(LISTENS, Ordering::Relaxed);
    }

    /// It is at its next stop. Answers whether that was made by [`Sign::rouse`].
    pub(crate) fn stopped(&self) -> bool {
        self.listening.swap(NOT, Ordering::Relaxed) == ROUSED
    }

    /// Its registers are going to be changed for an engine, or may be.
    pub(crate) fn changes(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }

    /// Whether that was so since [`Sign::take_changed`].
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// Whether that was so since it was asked for last. Who changes them holds the task, and lets it go before this is asked.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    /// Has a tracee that is left in a group stop show its registers: it stops anew where it is, or at the end of the group
    /// stop, and the main loop finds that stop later. Tracer thread only.
    pub(crate) fn rouse(&self) {
        let listens = self.listening.load(Ordering::Relaxed) == LISTENS;
        if let (true, Some(tid)) = (listens, Tid::new(self.tid.load(Ordering::Relaxed)))
            && ptrace::interrupt(tid).is_ok()
            && wait::await_news(tid).is_ok()
        {
            self.listening.store(ROUSED, Ordering::Relaxed);
        }
    }
}

/// The host's side of one task.
pub(crate) struct Hook {
    shared: Arc<Shared>,
    key: Key,
    sign: Arc<Sign>,
}

impl Hook {
    pub(crate) fn new(shared: Arc<Shared>, key: Key, sign: Arc<Sign>) -> Self {
        Self { shared, key, sign }
    }

    fn tid(&self) -> Option<Tid> {
        Tid::new(self.sign.tid.load(Ordering::Relaxed))
    }

    fn post(&self, message: Message) {
        // A host that has ended has let go of every task: there is nothing left to ask.
        let _ = self.shared.mailbox.post(message);
    }
}

impl TaskHost for Hook {
    fn request_report(&self, _task: &Task) {
        self.post(Message::Report(self.key));
    }

    fn request_interrupt(&self, _task: &Task) {
        self.post(Message::Interrupt(self.key));
    }

    fn wake(&self, _task: &Task) {
        self.post(Message::Wake(self.key));
    }

    fn tidy(&self, _task: &Task) {
        self.post(Message::Tidy(self.key));
    }

    fn interest_changed(&self, _task: &Task) {
        self.post(Message::Interest(self.key));
    }

    fn is_current(&self) -> bool {
        self.shared.mailbox.is_owner()
            && self.shared.current.load(Ordering::Relaxed) == self.sign.tid.load(Ordering::Relaxed)
    }

    fn unwound(&self, engine: &str) {
        self.shared.set_unwound(engine);
    }

    fn off_cpu(&self) -> Option<u64> {
        let tid = self.tid()?;
        let path = format!("/proc/{tid}/syscall");
        let off = || procfs::read(&path).ok().filter(|line| !line.starts_with(b"running"));
        off()?;
        // One time slice more, and it ran.
        let slices = current::slices(tid).ok()?;
        off().map(|_| slices)
    }

    fn with_target(&self, examine: &mut (dyn FnMut(&mut dyn Target) + Send)) -> Result<(), TargetError> {
        let tid = self.tid().ok_or(TargetError::Died)?;
        let mut afar = Afar { shared: &self.shared, sign: &self.sign, key: self.key, tid };
        examine(&mut afar);
        Ok(())
    }
}
