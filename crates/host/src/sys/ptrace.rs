//! ptrace(2), one function per request. Every request but SEIZE and INTERRUPT needs a ptrace-stopped tracee
//! of the calling thread; otherwise the kernel answers `ESRCH`, so nothing here can go wrong in memory.

use core::mem::{MaybeUninit, size_of};

use super::Errno;
use super::sigmask::SigMask;
use crate::types::Tid;

/// What the kernel reports and how the tracee ends with us (ptrace(2), `PTRACE_SETOPTIONS`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Options(libc::c_int);

impl Options {
    /// Every life-cycle event, system-call stops marked with 0x80, seccomp's `RET_TRACE`.
    pub(crate) const EVERYTHING: Self = Self(
        libc::PTRACE_O_TRACESYSGOOD
            | libc::PTRACE_O_TRACEFORK
            | libc::PTRACE_O_TRACEVFORK
            | libc::PTRACE_O_TRACECLONE
            | libc::PTRACE_O_TRACEEXEC
            | libc::PTRACE_O_TRACEEXIT
            | libc::PTRACE_O_TRACEVFORKDONE
            | libc::PTRACE_O_TRACESECCOMP,
    );
    /// Nothing but the end with the tracer.
    pub(crate) const NONE: Self = Self(0);

    /// As the request takes them.
    pub(super) const fn bits(self) -> usize {
        self.0.unsigned_abs() as usize
    }

    /// The same, and the tracee is killed when its tracer ends.
    pub(crate) const fn with_exitkill(self) -> Self {
        Self(self.0 | libc::PTRACE_O_EXITKILL)
    }
}

/// How a stopped tracee goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// Until the next event or signal (`PTRACE_CONT`).
    Cont,
    /// Also stop at the next system-call boundary (`PTRACE_SYSCALL`).
    Syscall,
    /// One instruction (`PTRACE_SINGLESTEP`).
    SingleStep,
    /// To the next branch (`PTRACE_SINGLEBLOCK`; `EIO` where the processor has no such mode).
    BlockStep,
    /// A group-stopped tracee stays stopped, but a `SIGCONT` is reported (`PTRACE_LISTEN`).
    Listen,
    /// Leave it (`PTRACE_DETACH`).
    Detach,
}

/// `PTRACE_SINGLEBLOCK` from `asm/ptrace-abi.h`; libc does not have it for x86-64.
const SINGLEBLOCK: libc::c_uint = 33;

impl Request {
    const fn code(self) -> libc::c_uint {
        match self {
            Self::Cont => libc::PTRACE_CONT,
            Self::Syscall => libc::PTRACE_SYSCALL,
            Self::SingleStep => libc::PTRACE_SINGLESTEP,
            Self::BlockStep => SINGLEBLOCK,
            Self::Listen => libc::PTRACE_LISTEN,
            Self::Detach => libc::PTRACE_DETACH,
        }
    }
}

/// Any ptrace request.
///
/// # Safety
/// `addr` and `data` must be what the request defines; where it reads or writes our memory through one of
/// them, that memory must be valid for it.
unsafe fn raw(request: libc::c_uint, tid: Tid, addr: usize, data: usize) -> Result<libc::c_long, Errno> {
    // SAFETY: the caller vouches for addr and data; the other two are plain numbers.
    Errno::check(unsafe { libc::ptrace(request, tid.raw(), addr, data) })
}

/// Makes `tid` our tracee without stopping or disturbing it (`PTRACE_SEIZE`).
pub(crate) fn seize(tid: Tid, options: Options) -> Result<(), Errno> {
    // SAFETY: SEIZE takes an option mask and touches no memory of ours.
    unsafe { raw(libc::PTRACE_SEIZE, tid, 0, options.bits()) }.map(drop)
}

/// Asks for a stop (`PTRACE_INTERRUPT`); it is reported by wait(2) unless another stop comes first.
pub(crate) fn interrupt(tid: Tid) -> Result<(), Errno> {
    // SAFETY: INTERRUPT takes no argument.
    unsafe { raw(libc::PTRACE_INTERRUPT, tid, 0, 0) }.map(drop)
}

/// Lets a stopped tracee go on, delivering `signal` (0: none).
pub(crate) fn resume(tid: Tid, request: Request, signal: i32) -> Result<(), Errno> {
    // SAFETY: the resuming requests take a signal number and touch no memory of ours.
    unsafe { raw(request.code(), tid, 0, signal.unsigned_abs() as usize) }.map(drop)
}

/// The number that belongs to the event of the present stop: new child, former tid, exit status or filter data.
pub(crate) fn event_message(tid: Tid) -> Result<u64, Errno> {
    let mut message: libc::c_ulong = 0;
    // SAFETY: GETEVENTMSG writes one unsigned long to data, which is ours and live.
    unsafe { raw(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message as usize) }?;
    Ok(message)
}

/// Size of the kernel's `siginfo_t` on every 64-bit Linux.
pub(crate) const SIGINFO_SIZE: usize = 128;

/// A `siginfo_t` as the kernel lays it out.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C, align(8))]
pub(crate) struct RawSiginfo(pub(crate) [u8; SIGINFO_SIZE]);

const _: () = assert!(size_of::<RawSiginfo>() == size_of::<libc::siginfo_t>());

impl RawSiginfo {
    fn int(&self, at: usize) -> i32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        i32::from_ne_bytes(bytes)
    }

    /// A siginfo without a sender's details.
    pub(crate) fn bare(number: i32, code: i32) -> Self {
        let mut info = Self([0; SIGINFO_SIZE]);
        info.set_number(number);
        info.0[8..12].copy_from_slice(&code.to_ne_bytes());
        info
    }

    /// `si_signo`, the first int.
    pub(crate) fn number(&self) -> i32 {
        self.int(0)
    }

    /// Writes `si_signo`.
    pub(crate) fn set_number(&mut self, number: i32) {
        self.0[..4].copy_from_slice(&number.to_ne_bytes());
    }

    /// `si_code`, the third int of the structure on x86 (`asm-generic/siginfo.h`).
    pub(crate) fn code(&self) -> i32 {
        self.int(8)
    }

    /// `si_pid`, where the code says that there is a sender.
    pub(crate) fn sender(&self) -> i32 {
        self.int(16)
    }

    /// Writes `si_addr`, which a fault or a trap has.
    pub(crate) fn set_address(&mut self, address: u64) {
        self.0[16..24].copy_from_slice(&address.to_ne_bytes());
    }
}

/// The siginfo of a signal-delivery stop; `EINVAL` in a group stop, which has none.
pub(crate) fn siginfo(tid: Tid) -> Result<RawSiginfo, Errno> {
    let mut info = RawSiginfo([0; SIGINFO_SIZE]);
    // SAFETY: GETSIGINFO writes one siginfo_t to data; RawSiginfo has its size and alignment.
    unsafe { raw(libc::PTRACE_GETSIGINFO, tid, 0, &raw mut info as usize) }?;
    Ok(info)
}

/// Replaces the siginfo that will be delivered.
pub(crate) fn set_siginfo(tid: Tid, info: &RawSiginfo) -> Result<(), Errno> {
    // SAFETY: SETSIGINFO reads one siginfo_t from data; RawSiginfo has its size.
    unsafe { raw(libc::PTRACE_SETSIGINFO, tid, 0, &raw const *info as usize) }.map(drop)
}

/// `PTRACE_GETSIGMASK` and `PTRACE_SETSIGMASK` (`linux/ptrace.h`, Linux 3.11).
const GETSIGMASK: libc::c_uint = 0x420a;
const SETSIGMASK: libc::c_uint = 0x420b;

/// The signals that a tracee blocks; inside sigsuspend(2) and its like the ones it will block again afterwards.
pub(crate) fn signal_mask(tid: Tid) -> Result<SigMask, Errno> {
    let mut mask = 0_u64;
    // SAFETY: GETSIGMASK writes addr = 8 bytes to data, which is ours and live.
    unsafe { raw(GETSIGMASK, tid, size_of::<u64>(), &raw mut mask as usize) }?;
    Ok(SigMask(mask))
}

/// Changes the signals that a tracee blocks.
pub(crate) fn set_signal_mask(tid: Tid, mask: SigMask) -> Result<(), Errno> {
    // SAFETY: SETSIGMASK reads addr = 8 bytes at data.
    unsafe { raw(SETSIGMASK, tid, size_of::<u64>(), &raw const mask.0 as usize) }.map(drop)
}

/// `user_regs_struct` of x86-64 in the kernel's order (`asm/user_64.h`).
pub(crate) type RawRegs = libc::user_regs_struct;

/// The general registers.
pub(crate) fn regs(tid: Tid) -> Result<RawRegs, Errno> {
    let mut regs = MaybeUninit::<RawRegs>::zeroed();
    // SAFETY: GETREGS writes one user_regs_struct to data.
    unsafe { raw(libc::PTRACE_GETREGS, tid, 0, regs.as_mut_ptr() as usize) }?;
    // SAFETY: it is all integers, for which the zeroes we started from and any kernel answer are valid.
    Ok(unsafe { regs.assume_init() })
}

/// Writes the general registers.
///
/// A program may load a null selector of any privilege (`mov $2, %gs`), which SETREGS then refuses to write back (EIO from
/// `set_segment_reg`, after all that stands before it). So on an error, what differs is written word by word.
pub(crate) fn set_regs(tid: Tid, new: &RawRegs) -> Result<(), Errno> {
    // SAFETY: SETREGS reads one user_regs_struct from data.
    match unsafe { raw(libc::PTRACE_SETREGS, tid, 0, &raw const *new as usize) } {
        Err(Errno::EIO) => set_changed_regs(tid, new),
        result => result.map(drop),
    }
}

#[cold]
fn set_changed_regs(tid: Tid, new: &RawRegs) -> Result<(), Errno> {
    let now = regs(tid)?;
    let words = words_of(&now).iter().zip(words_of(new)).enumerate();
    for (index, (_, word)) in words.filter(|(_, (now, new))| now != new) {
        let value = usize::try_from(*word).map_err(|_| Errno::EINVAL)?;
        // SAFETY: POKEUSER takes an offset and a value, and touches no memory of ours.
        unsafe { raw(libc::PTRACE_POKEUSER, tid, index * 8, value) }?;
    }
    Ok(())
}

fn words_of(regs: &RawRegs) -> &[u64; size_of::<RawRegs>() / size_of::<u64>()] {
    // SAFETY: user_regs_struct is repr(C) and nothing but words of eight bytes, so that it has the layout of this array.
    unsafe { &*(&raw const *regs).cast() }
}

/// A register set by its ELF note type into `buf`; answers how many bytes the kernel has (`PTRACE_GETREGSET`).
pub(crate) fn register_set(tid: Tid, note: u32, buf: &mut [u8]) -> Result<usize, Errno> {
    let mut iov = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    // SAFETY: GETREGSET writes at most iov_len bytes to iov_base, which is `buf`, and then the count to iov.
    unsafe { raw(libc::PTRACE_GETREGSET, tid, note as usize, &raw mut iov as usize) }?;
    Ok(iov.iov_len)
}

/// Writes a register set by its ELF note type (`PTRACE_SETREGSET`).
pub(crate) fn set_register_set(tid: Tid, note: u32, buf: &[u8]) -> Result<(), Errno> {
    let mut iov = libc::iovec { iov_base: buf.as_ptr().cast_mut().cast(), iov_len: buf.len() };
    // SAFETY: SETREGSET only reads iov_len bytes at iov_base, which is `buf`, and updates iov.
    unsafe { raw(libc::PTRACE_SETREGSET, tid, note as usize, &raw mut iov as usize) }.map(drop)
}

/// A debug register of a tracee, 0 to 7 (`PTRACE_PEEKUSER` at `u_debugreg` of `struct user`).
pub(crate) fn debug_register(tid: Tid, number: usize) -> Result<u64, Errno> {
    let mut value: libc::c_long = 0;
    // SAFETY: unlike libc's wrapper the call itself writes one long to data, which is ours and live.
    let result = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::PTRACE_PEEKUSER,
            tid.raw(),
            debug_offset(number),
            &raw mut value,
        )
    };
    Errno::check(result)?;
    Ok(value.cast_unsigned())
}

/// Writes a debug register (`PTRACE_POKEUSER`).
pub(crate) fn set_debug_register(tid: Tid, number: usize, value: u64) -> Result<(), Errno> {
    let value = usize::try_from(value).map_err(|_| Errno::EINVAL)?;
    // SAFETY: POKEUSER takes an offset and a value, and touches no memory of ours.
    unsafe { raw(libc::PTRACE_POKEUSER, tid, debug_offset(number), value) }.map(drop)
}

const fn debug_offset(number: usize) -> usize {
    core::mem::offset_of!(libc::user, u_debugreg) + number * size_of::<u64>()
}

/// `PTRACE_GET_SYSCALL_INFO` and the head of its answer (`linux/ptrace.h`, Linux 5.3).
const GET_SYSCALL_INFO: libc::c_uint = 0x420e;

/// `struct ptrace_syscall_info`: the entry and seccomp forms are the longest.
#[derive(Clone, Copy, Default)]
#[repr(C)]
struct RawSyscallInfo {
    op: u8,
    _reserved: [u8; 3],
    arch: u32,
    ip: u64,
    sp: u64,
    /// Entry and seccomp: number, six arguments, filter data. Exit: result, is-error.
    words: [u64; 8],
}

const _: () = assert!(size_of::<RawSyscallInfo>() == 88);

/// What kind of system-call stop this is, with its numbers (`PTRACE_GET_SYSCALL_INFO`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SyscallInfo {
    /// `AUDIT_ARCH_*` of the call.
    pub(crate) arch: u32,
    /// Instruction pointer after the system-call instruction.
    pub(crate) ip: u64,
    /// Stack pointer.
    pub(crate) sp: u64,
    /// Which boundary.
    pub(crate) at: SyscallAt,
}

/// The boundary of a system-call stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SyscallAt {
    /// Not a system-call stop.
    Elsewhere,
    /// Before the call: number and six arguments.
    Entry(u64, [u64; 6]),
    /// Before the call, reported by a filter's `RET_TRACE` with this number.
    Seccomp(u64, [u64; 6], u16),
    /// After the call: the raw result, errors as -errno.
    Exit(i64),
}

/// Reads number and arguments, or the result, of the present system-call stop.
pub(crate) fn syscall_info(tid: Tid) -> Result<SyscallInfo, Errno> {
    let mut info = RawSyscallInfo::default();
    // SAFETY: GET_SYSCALL_INFO writes at most addr = size_of(info) bytes to data.
    unsafe { raw(GET_SYSCALL_INFO, tid, size_of::<RawSyscallInfo>(), &raw mut info as usize) }?;
    let [nr, args @ .., told] = info.words;
    let at = match info.op {
        1 => SyscallAt::Entry(nr, args),
        2 => SyscallAt::Exit(nr.cast_signed()),
        // Filters have sixteen bits to tell (`SECCOMP_RET_DATA`).
        3 => SyscallAt::Seccomp(nr, args, (told & 0xffff) as u16),
        _ => SyscallAt::Elsewhere,
    };
    Ok(SyscallInfo { arch: info.arch, ip: info.ip, sp: info.sp, at })
}
