//! Memory and registers of a tracee, as the requests ask for them.
//!
//! Plain functions over a [`Target`]; errors are ptrace(2)'s. Layouts are the x86-64 kernel's (`struct user`,
//! register sets by ELF note). What a tracer may ask, and when, is [`super::serve`]'s.

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, NT_PRSTATUS};
use utrace_core::{Regset, SigInfo, Target, TargetError};

use super::num::{EINVAL, EIO, ESRCH, SIGTRAP};
use super::stop::{Place, code_of};

/// `sizeof(struct user)` and where its debug registers stand (`asm/user_64.h`).
const USER: u64 = 928;
const DEBUG: u64 = 848;
/// 32-bit user code (`__USER32_CS`).
pub(super) const CS_I386: u64 = 0x23;

/// The general registers.
pub(super) fn regs(target: &mut dyn Target) -> Result<UserRegs, i64> {
    let mut bytes = [0; UserRegs::SIZE];
    target.regset(Regset(NT_PRSTATUS), &mut bytes).map_err(errno)?;
    Ok(UserRegs::from_bytes(&bytes))
}

/// Replaces them.
pub(super) fn set_regs(target: &mut dyn Target, regs: &UserRegs) -> Result<(), i64> {
    target.set_regset(Regset(NT_PRSTATUS), &regs.to_bytes()).map_err(errno)
}

/// Where a task is; nowhere if it cannot be asked.
pub(super) fn place(target: &mut dyn Target) -> Place {
    regs(target).map(|regs| place_of(&regs)).unwrap_or_default()
}

/// The same from its registers.
pub(super) fn place_of(regs: &UserRegs) -> Place {
    let arch = if regs.cs == CS_I386 { AUDIT_ARCH_I386 } else { AUDIT_ARCH_X86_64 };
    Place { arch, ip: regs.rip, sp: regs.rsp }
}

/// The number of the call that a thread is in, an int to the kernel.
pub(super) fn number(regs: &UserRegs) -> i64 {
    i64::from(regs.orig_rax as u32 as i32)
}

/// The arguments of a call, in the registers of its table.
pub(super) fn arguments(regs: &UserRegs, arch: u32) -> [u64; 6] {
    if arch == AUDIT_ARCH_I386 {
        [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp].map(|word| word & 0xffff_ffff)
    } else {
        [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9]
    }
}

/// `PTRACE_SET_SYSCALL_INFO`: puts number and arguments into the registers of the call's table. Number -1, which
/// skips it, leaves the arguments.
pub(super) fn set_call(regs: &mut UserRegs, arch: u32, number: i64, args: [u64; 6]) {
    regs.orig_rax = number.cast_unsigned();
    let [a, b, c, d, e, f] = args;
    match arch {
        _ if number == -1 => {}
        AUDIT_ARCH_I386 => {
            (regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp) = (a, b, c, d, e, f);
        }
        _ => (regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9) = (a, b, c, d, e, f),
    }
}

/// `PTRACE_PEEKUSER`: a word of `struct user`. Of what else there is only the debug registers mean anything.
/// `owner` is whose debug registers are meant.
pub(super) fn read_user(target: &mut dyn Target, owner: u64, at: u64) -> Result<u64, i64> {
    if !at.is_multiple_of(8) || at >= USER {
        return Err(EIO);
    }
    if let Some(number) = debug_register(at) {
        return target.debug_register(owner, number).map_err(errno);
    }
    let regs = regs(target)?.to_array();
    let index = usize::try_from(at / 8).map_err(|_| EIO)?;
    Ok(regs.get(index).copied().unwrap_or(0))
}

/// `PTRACE_POKEUSER`.
pub(super) fn write_user(target: &mut dyn Target, owner: u64, at: u64, word: u64) -> Result<(), i64> {
    if let Some(number) = debug_register(at) {
        return target.set_debug_register(owner, number, word).map_err(errno);
    }
    let index = usize::try_from(at / 8).map_err(|_| EIO)?;
    if !at.is_multiple_of(8) || index >= UserRegs::NAMES.len() {
        return Err(EIO);
    }
    let mut bytes = regs(target)?.to_bytes();
    bytes[index * 8..][..8].copy_from_slice(&word.to_le_bytes());
    target.set_regset(Regset(NT_PRSTATUS), &bytes).map_err(errno)
}

/// A request that the host carries out as it is; the raw result.
pub(super) fn forward(
    target: &mut dyn Target,
    request: u32,
    argument: u64,
    buf: &mut [u8],
) -> Result<i64, i64> {
    match target.request(request, argument, buf) {
        Ok(result) => Ok(result.cast_signed()),
        Err(TargetError::Unsupported) => Err(EIO),
        Err(error) => Err(errno(error)),
    }
}

/// The signal whose delivery the thread stands before.
pub(super) fn hand(target: &mut dyn Target) -> Option<SigInfo> {
    let mut raw = [0; 128];
    // None: it stands elsewhere.
    let _ = target.request(utrace_abi::ptrace::PTRACE_GETSIGINFO, 0, &mut raw).ok()?;
    let info = SigInfo { number: u32::from_le_bytes(*raw.first_chunk::<4>()?), raw };
    // Stops that are none of a signal have this number too, and again in place of a reason (`ptrace_do_notify`).
    let notice = info.number == SIGTRAP && code_of(&info) & 0x7f == SIGTRAP.cast_signed();
    (!notice).then_some(info)
}

/// The debug register that this word of `struct user` is.
fn debug_register(at: u64) -> Option<usize> {
    let number = at.checked_sub(DEBUG).filter(|_| at.is_multiple_of(8))? / 8;
    usize::try_from(number).ok().filter(|number| *number < 8)
}

/// Whether the trap that is reported now hit a breakpoint of this owner's debug registers.
pub(super) fn is_hit(target: &mut dyn Target, owner: u64) -> bool {
    target.debug_register(owner, 6).is_ok_and(|status| status & 0xf != 0)
}

/// A register set, whole.
pub(super) fn read_set(target: &mut dyn Target, note: u32) -> Result<Vec<u8>, i64> {
    // The extended state is the largest; with AMX it has some 11 KiB.
    let mut bytes = vec![0; 16 * 1024];
    let len = target.regset(Regset(note), &mut bytes).map_err(errno)?;
    bytes.truncate(len);
    Ok(bytes)
}

/// Replaces one.
pub(super) fn write_set(target: &mut dyn Target, note: u32, bytes: &[u8]) -> Result<(), i64> {
    target.set_regset(Regset(note), bytes).map_err(errno)
}

fn errno(error: TargetError) -> i64 {
    match error {
        TargetError::Died => ESRCH,
        TargetError::Fault(_) => EIO,
        TargetError::Unsupported => EINVAL,
        TargetError::Refused(errno) => -i64::from(errno),
    }
}
