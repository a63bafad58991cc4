//! Tracees as the core's [`Target`]: memory, registers and what `/proc` knows.
//!
//! [`View`] is a tracee that the tracer thread holds in a report; [`Afar`] is one that engines hold stopped, seen
//! from any thread; [`Corpse`] is one that is gone.

use std::sync::mpsc;
use std::time::Duration;

use utrace_core::{Addr, Regset, Target, TargetError};

use super::debug::{COMMON, Shares};
use super::hook::Sign;
use super::layout::{REGS_SIZE, regs_from_bytes, regs_to_bytes};
use super::message::Message;
use super::table::Key;
use crate::procfs::{self, State};
use crate::quiet::place::{self, Place};
use crate::regset;
use crate::shared::Shared;
use crate::sys::mem::Rights;
use crate::sys::wait::{Usage, Used};
use crate::sys::{Errno, mem, process};
use crate::tracee::{Gone, Stopped};
use crate::types::Tid;

/// Room for the largest set: the extended state is a few kilobytes (AVX-512 and AMX: 11).
const LARGEST_SET: usize = 16 * 1024;

/// A tracee in a stop of its own.
pub(crate) struct View<'a> {
    pub(crate) stopped: &'a mut Stopped,
    pub(crate) pid: Tid,
    pub(crate) usage: &'a Usage,
    pub(crate) sign: &'a Sign,
}

macro_rules! by_sign {
    () => {
        fn debug_register(&mut self, owner: u64, number: usize) -> Result<u64, TargetError> {
            let all = self.sign.debug_registers(owner);
            all.get(number).copied().ok_or(TargetError::Refused(libc::EIO))
        }

        fn set_debug_register(&mut self, owner: u64, number: usize, value: u64) -> Result<(), TargetError> {
            set_debug(self.sign, |shares, write| shares.set(owner, number, value, write))
        }

        fn leave_debug_registers(&mut self, owner: u64) {
            self.sign.bequeath_debug(owner);
        }

        fn release_debug_registers(&mut self, owner: u64) {
            self.sign.release_debug(owner);
        }

        fn is_as_reported(&mut self) -> bool {
            !self.sign.is_changed()
        }
    };
}

impl Target for View<'_> {
    by_sign!();

    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        read(self.stopped.tid(), at, buf, Rights::Tracer)
    }

    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        write(self.stopped.tid(), at, bytes, Rights::Tracer)
    }

    fn fetch(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        read(self.stopped.tid(), at, buf, Rights::Own)
    }

    fn store(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        write(self.stopped.tid(), at, bytes, Rights::Own)
    }

    fn regset(&mut self, set: Regset, buf: &mut [u8]) -> Result<usize, TargetError> {
        if set == regset::DEBUG {
            let all = debug_bytes(self.sign);
            let len = all.len().min(buf.len());
            buf[..len].copy_from_slice(&all[..len]);
            return Ok(all.len());
        }
        get_regset(self.stopped, set, buf).map_err(refused)
    }

    fn set_regset(&mut self, set: Regset, bytes: &[u8]) -> Result<(), TargetError> {
        if set == regset::DEBUG {
            return set_debug_bytes(self.sign, bytes);
        }
        self.sign.changes();
        put_regset(self.stopped, set, bytes).map_err(refused)
    }

    fn fd_path(&mut self, fd: i32) -> Option<Vec<u8>> {
        procfs::fd_path(self.stopped.tid(), fd)
    }

    fn program(&mut self) -> Option<Vec<u8>> {
        procfs::program(self.stopped.tid())
    }

    fn system_time(&mut self) -> Option<Duration> {
        self.usage.system_time()
    }

    fn usage(&mut self) -> Option<Used> {
        let _ = self.usage.system_time();
        self.sign.usage()
    }

    fn request(&mut self, request: u32, argument: u64, buf: &mut [u8]) -> Result<u64, TargetError> {
        self.sign.changes();
        // The kernel is to see what engines made of the registers, and we what the request made of them.
        self.stopped.flush().map_err(refused)?;
        forward(self.stopped.tid(), request, argument, buf)
    }

    /// As the kernel sends one, when the tracee goes on; a second one at the same stop as kill(2) does.
    fn send_signal(&mut self, number: u32) -> Result<(), TargetError> {
        match i32::try_from(number) {
            Ok(signal @ 1..=64) if self.stopped.send_along(signal) => Ok(()),
            _ => sent(number, |signal| process::tgkill(self.pid, self.stopped.tid(), signal)),
        }
    }
}

/// A tracee that is held stopped, or asleep, seen from another thread: memory at once, registers by way of the tracer.
pub(crate) struct Afar<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) sign: &'a Sign,
    pub(crate) key: Key,
    pub(crate) tid: Tid,
}

/// A request for a register set of a held tracee.
pub(crate) struct RegsetOrder {
    pub(crate) key: Key,
    pub(crate) set: Regset,
    /// Bytes to write; `None` to read.
    pub(crate) write: Option<Vec<u8>>,
    pub(crate) reply: mpsc::SyncSender<Result<Vec<u8>, TargetError>>,
}

impl RegsetOrder {
    /// The answer, if it only reads and what it reads was kept.
    pub(crate) fn known(&self, kept: &Kept) -> Option<Vec<u8>> {
        if self.write.is_some() {
            return None;
        }
        kept.0.iter().find(|(set, _)| *set == self.set).map(|(_, bytes)| bytes.clone())
    }
}

/// The register sets of a tracee that is left in a stop in which it shows none.
#[derive(Debug, Default)]
pub(crate) struct Kept(Vec<(Regset, Vec<u8>)>);

impl Kept {
    /// All that it shows now.
    pub(crate) fn of(stopped: &mut Stopped) -> Self {
        let mut kept = Vec::with_capacity(regset::ALL.len());
        // The debug registers are known without the tracee.
        for info in regset::ALL.iter().filter(|info| info.set != regset::DEBUG) {
            if let Ok(bytes) = serve_regset(stopped, info.set, None) {
                kept.push((info.set, bytes));
            }
        }
        Self(kept)
    }
}

impl Afar<'_> {
    /// The registers of a thread that sleeps in a call: the tracer thread, which alone can ask the kernel for more, need
    /// not be asked. In this order: see [`regset_of_resumed`]. Should the thread have been in a stop at the first look,
    /// it ran before the second, and no examination calls this good.
    fn regset_seen_asleep(&self, set: Regset) -> Option<Vec<u8>> {
        if set != regset::GENERAL || self.shared.mailbox.is_owner() {
            return None;
        }
        let asleep = regset_of_sleeper(self.tid, set).ok()?;
        let state = procfs::stat(self.tid).ok()?.state;
        matches!(state, State::Blocked | State::Uninterruptible).then_some(asleep)
    }

    fn ask(&self, set: Regset, write: Option<Vec<u8>>) -> Result<Vec<u8>, TargetError> {
        if write.is_some() {
            self.sign.changes();
        }
        if self.shared.mailbox.is_owner() {
            self.sign.rouse();
            if set == regset::DEBUG {
                return serve_debug(self.sign, write);
            }
            return self.ask_here(set, write);
        }
        let (reply, answer) = mpsc::sync_channel(1);
        let order = RegsetOrder { key: self.key, set, write, reply };
        self.shared.mailbox.post(Message::Regset(order)).map_err(|_| TargetError::Died)?;
        answer.recv().map_err(|_| TargetError::Died)?
    }

    /// On the tracer thread, from a callback for another task.
    fn ask_here(&self, set: Regset, write: Option<Vec<u8>>) -> Result<Vec<u8>, TargetError> {
        let reads = write.is_none();
        // Held tracees have their registers written back, so the kernel's are the true ones.
        match serve_regset(&mut Stopped::held(self.tid), set, write) {
            // The kernel says the same of one that is not stopped.
            Err(TargetError::Died) if reads => regset_of_resumed(self.tid, set),
            Err(TargetError::Died) if is_alive(self.tid) => Err(TargetError::Unsupported),
            answer => answer,
        }
    }
}

fn is_alive(tid: Tid) -> bool {
    procfs::stat(tid).is_ok_and(|stat| stat.state != State::Dead)
}

impl Target for Afar<'_> {
    by_sign!();

    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        read(self.tid, at, buf, Rights::Tracer)
    }

    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        write(self.tid, at, bytes, Rights::Tracer)
    }

    fn fetch(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        read(self.tid, at, buf, Rights::Own)
    }

    fn store(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        write(self.tid, at, bytes, Rights::Own)
    }

    fn regset(&mut self, set: Regset, buf: &mut [u8]) -> Result<usize, TargetError> {
        let bytes = match self.regset_seen_asleep(set) {
            Some(bytes) => bytes,
            None => self.ask(set, None)?,
        };
        let len = bytes.len().min(buf.len());
        buf[..len].copy_from_slice(&bytes[..len]);
        Ok(bytes.len())
    }

    fn set_regset(&mut self, set: Regset, bytes: &[u8]) -> Result<(), TargetError> {
        self.ask(set, Some(bytes.to_vec())).map(drop)
    }

    /// Only where the engine is called by the tracer thread: others cannot lend it their memory.
    fn request(&mut self, request: u32, argument: u64, buf: &mut [u8]) -> Result<u64, TargetError> {
        if self.shared.mailbox.is_owner() {
            self.sign.rouse();
            self.sign.changes();
            forward(self.tid, request, argument, buf)
        } else {
            Err(TargetError::Unsupported)
        }
    }

    fn fd_path(&mut self, fd: i32) -> Option<Vec<u8>> {
        procfs::fd_path(self.tid, fd)
    }

    fn program(&mut self) -> Option<Vec<u8>> {
        procfs::program(self.tid)
    }

    fn usage(&mut self) -> Option<Used> {
        self.shared.want_usage();
        self.sign.usage()
    }

    fn send_signal(&mut self, number: u32) -> Result<(), TargetError> {
        sent(number, |signal| process::tkill(self.tid, signal))
    }
}

/// A dead tracee.
pub(crate) struct Corpse(pub(crate) Option<Used>);

impl Target for Corpse {
    fn usage(&mut self) -> Option<Used> {
        self.0
    }

    fn read(&mut self, _at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Died)
    }

    fn write(&mut self, _at: Addr, _bytes: &[u8]) -> Result<usize, TargetError> {
        Err(TargetError::Died)
    }

    fn regset(&mut self, _set: Regset, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Died)
    }

    fn set_regset(&mut self, _set: Regset, _bytes: &[u8]) -> Result<(), TargetError> {
        Err(TargetError::Died)
    }
}

/// Carries out a [`RegsetOrder`] on the tracer thread.
pub(crate) fn serve_regset(
    stopped: &mut Stopped,
    set: Regset,
    write: Option<Vec<u8>>,
) -> Result<Vec<u8>, TargetError> {
    match write {
        Some(bytes) => {
            put_regset(stopped, set, &bytes).map_err(refused)?;
            stopped.flush().map_err(refused)?;
            Ok(Vec::new())
        }
        None => {
            let room = if set == regset::GENERAL { REGS_SIZE } else { LARGEST_SET };
            let mut buf = vec![0; room];
            let len = get_regset(stopped, set, &mut buf).map_err(refused)?;
            buf.truncate(len);
            Ok(buf)
        }
    }
}

/// The same for the debug registers that engines share as one owner ([`regset::DEBUG`]).
pub(crate) fn serve_debug(sign: &Sign, write: Option<Vec<u8>>) -> Result<Vec<u8>, TargetError> {
    match write {
        Some(bytes) => set_debug_bytes(sign, &bytes).map(|()| Vec::new()),
        None => Ok(debug_bytes(sign)),
    }
}

fn debug_bytes(sign: &Sign) -> Vec<u8> {
    sign.debug_registers(COMMON).iter().flat_map(|register| register.to_ne_bytes()).collect()
}

fn set_debug_bytes(sign: &Sign, bytes: &[u8]) -> Result<(), TargetError> {
    let mut all = sign.debug_registers(COMMON).map(u64::to_ne_bytes);
    let len = bytes.len().min(size_of_val(&all));
    all.as_flattened_mut()[..len].copy_from_slice(&bytes[..len]);
    set_debug(sign, |shares, write| shares.set_all(COMMON, &all.map(u64::from_ne_bytes), write))
}

fn set_debug(
    sign: &Sign,
    change: impl FnOnce(&mut Shares, &mut dyn FnMut(usize, u64) -> Result<(), Errno>) -> Result<(), Errno>,
) -> Result<(), TargetError> {
    sign.debug(change).map_err(|errno| match errno {
        Errno::ESRCH => TargetError::Died,
        other => TargetError::Refused(other.raw()),
    })
}

/// A register set of a thread that was resumed: by now it may sleep in a call, or be in a stop whose news is still to
/// be taken, in which the kernel shows all of them.
pub(crate) fn regset_of_resumed(tid: Tid, set: Regset) -> Result<Vec<u8>, TargetError> {
    let asleep = regset_of_sleeper(tid, set);
    // In this order: whoever is in no stop now was in none before, because only we end stops; or it was killed, and
    // then no examination calls this good.
    match serve_regset(&mut Stopped::held(tid), set, None) {
        Err(TargetError::Died) => asleep,
        stopped => stopped,
    }
}

/// The registers of a thread that sleeps in a call, which nobody stopped: those that `/proc/TID/syscall` tells.
///
/// The call's number, its arguments, stack and instruction pointer are the thread's own. `rax` is what a call in
/// progress has there (`-ENOSYS`) and `rcx` what the instruction left; the rest is not known from outside and 0.
fn regset_of_sleeper(tid: Tid, set: Regset) -> Result<Vec<u8>, TargetError> {
    if set != regset::GENERAL {
        return Err(TargetError::Unsupported);
    }
    match place::of(tid) {
        Ok(Place::Blocked(call)) => {
            let mut regs = regs_from_bytes(&[0; REGS_SIZE]);
            (regs.orig_rax, regs.rax) = (call.number, (-i64::from(libc::ENOSYS)).cast_unsigned());
            [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9] = call.args;
            (regs.rip, regs.rcx, regs.rsp) = (call.pc, call.pc, call.sp);
            Ok(regs_to_bytes(&regs).to_vec())
        }
        Ok(Place::Faulting | Place::Running) => Err(TargetError::Unsupported),
        Err(Errno::ESRCH | Errno::ENOENT) => Err(TargetError::Died),
        Err(errno) => Err(TargetError::Refused(errno.raw())),
    }
}

fn get_regset(stopped: &mut Stopped, set: Regset, buf: &mut [u8]) -> Result<usize, Gone> {
    let mut copy = |bytes: &[u8]| {
        let len = bytes.len().min(buf.len());
        buf[..len].copy_from_slice(&bytes[..len]);
        bytes.len()
    };
    match set {
        regset::GENERAL => Ok(copy(&regs_to_bytes(stopped.regs()?))),
        _ => {
            // The kernel answers how much it wrote: only a buffer that is large enough tells the size.
            let mut all = vec![0; LARGEST_SET];
            let len = stopped.register_set(set.0, &mut all)?;
            Ok(copy(&all[..len]))
        }
    }
}

fn put_regset(stopped: &mut Stopped, set: Regset, bytes: &[u8]) -> Result<(), Gone> {
    if set != regset::GENERAL {
        return stopped.set_register_set(set.0, bytes);
    }
    stopped.change_regs(|regs| {
        let mut all = regs_to_bytes(regs);
        let len = bytes.len().min(all.len());
        all[..len].copy_from_slice(&bytes[..len]);
        *regs = regs_from_bytes(&all);
    })
}

fn read(tid: Tid, at: Addr, buf: &mut [u8], rights: Rights) -> Result<usize, TargetError> {
    mem::read_by(rights, tid, at.0, buf).map_err(|errno| access(errno, at))
}

fn write(tid: Tid, at: Addr, bytes: &[u8], rights: Rights) -> Result<usize, TargetError> {
    mem::write_by(rights, tid, at.0, bytes).map_err(|errno| access(errno, at))
}

fn access(errno: Errno, at: Addr) -> TargetError {
    match errno {
        Errno::ESRCH | Errno::ENOENT => TargetError::Died,
        Errno::EFAULT | Errno::EIO | Errno::ENOMEM => TargetError::Fault(at),
        other => TargetError::Refused(other.raw()),
    }
}

fn forward(tid: Tid, request: u32, argument: u64, buf: &mut [u8]) -> Result<u64, TargetError> {
    crate::sys::forward::forward(tid, request, argument, buf).map_err(|errno| match errno {
        Errno::ESRCH => TargetError::Died,
        Errno::ENOSYS => TargetError::Unsupported,
        other => TargetError::Refused(other.raw()),
    })
}

fn refused(gone: Gone) -> TargetError {
    match gone {
        Gone::Died => TargetError::Died,
        Gone::Refused(_, Errno::EINVAL | Errno::ENODEV) => TargetError::Unsupported,
        Gone::Refused(_, errno) => TargetError::Refused(errno.raw()),
    }
}

fn sent(number: u32, send: impl FnOnce(i32) -> Result<(), Errno>) -> Result<(), TargetError> {
    let number = i32::try_from(number).map_err(|_| TargetError::Refused(libc::EINVAL))?;
    send(number).map_err(|errno| match errno {
        Errno::ESRCH => TargetError::Died,
        other => TargetError::Refused(other.raw()),
    })
}
