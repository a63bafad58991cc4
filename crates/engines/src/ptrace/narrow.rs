//! The requests of a 32-bit tracer that mean something else than a 64-bit one's, carried out: those on registers
//! (`ia32_arch_ptrace` in arch/x86/kernel/ptrace.c). They are laid out as 32-bit programs have them, whatever the tracee is.
//!
//! Entry: [`knows`], [`examine`]. Neighbours: [`super::examine`] for all else; [`super::ia32`] and [`super::fp32`] know
//! the layouts.

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{self as abi, NT_PRFPREG, NT_PRSTATUS};
use utrace_core::Target;

use super::examine::{FP_SIZE, fp_regs, get, put};
use super::fp32::{self, FSAVE};
use super::ia32::{self, Word};
use super::link::Link;
use super::num::EIO;
use super::peek;
use super::registers;
use super::serve::Call;
use super::tracee::look;

/// Requests that only 32-bit tracers have.
const GETFPXREGS: u32 = 18;
const SETFPXREGS: u32 = 19;

/// Whether this request is one of them.
pub(super) fn knows(request: u32) -> bool {
    matches!(
        request,
        abi::PTRACE_PEEKUSER
            | abi::PTRACE_POKEUSER
            | abi::PTRACE_GETREGS
            | abi::PTRACE_SETREGS
            | abi::PTRACE_GETFPREGS
            | abi::PTRACE_SETFPREGS
            | GETFPXREGS
            | SETFPXREGS
    )
}

/// Carries one out.
pub(super) fn examine(link: &mut Link, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let (at, data) = (call.addr, call.data);
    let mut regs = general(link)?;
    match call.request {
        abi::PTRACE_PEEKUSER => {
            let word = match ia32::word_at(at).ok_or(EIO)? {
                Word::Register(index) => ia32::get(&regs, index),
                Word::Debug(number) => debug(link, number)?,
                Word::Nothing => 0,
            };
            put(client, data, &word.to_le_bytes())
        }
        abi::PTRACE_POKEUSER => match ia32::word_at(at).ok_or(EIO)? {
            Word::Register(index) => {
                ia32::set(&mut regs, index, (data & 0xffff_ffff) as u32);
                set_general(link, &regs)
            }
            Word::Debug(number) => set_debug(link, number, data),
            Word::Nothing => Ok(0),
        },
        abi::PTRACE_GETREGS => put(client, data, &ia32::to_bytes(&regs)),
        abi::PTRACE_SETREGS => {
            let mut bytes = ia32::to_bytes(&regs);
            get(client, data, &mut bytes)?;
            ia32::change(&mut regs, &bytes);
            set_general(link, &regs)
        }
        abi::PTRACE_GETFPREGS => put(client, data, &floats(link, &regs)?),
        abi::PTRACE_SETFPREGS => {
            let mut bytes = [0; FSAVE];
            get(client, data, &mut bytes)?;
            set_floats(link, &regs, &bytes)
        }
        GETFPXREGS => {
            let bytes = fp_regs(link, abi::PTRACE_GETFPREGS, [0; FP_SIZE])?;
            put(client, data, &bytes)
        }
        _ => {
            let mut bytes = [0; FP_SIZE];
            get(client, data, &mut bytes)?;
            // A 32-bit program has eight of these registers (`xfpregs_set`).
            bytes[288..416].fill(0);
            fp_regs(link, abi::PTRACE_SETFPREGS, bytes).map(|_| 0)
        }
    }
}

fn general(link: &Link) -> Result<UserRegs, i64> {
    let bytes = registers::read(link, NT_PRSTATUS)?;
    let bytes: [u8; UserRegs::SIZE] = bytes.as_slice().try_into().map_err(|_| EIO)?;
    Ok(UserRegs::from_bytes(&bytes))
}

fn set_general(link: &mut Link, regs: &UserRegs) -> Result<i64, i64> {
    registers::write(link, NT_PRSTATUS, &regs.to_bytes()).map(|()| 0)
}

/// Where the debug registers stand in a 64-bit tracer's `struct user`.
fn wide_place(number: usize) -> u64 {
    848 + 8 * number as u64
}

fn debug(link: &Link, number: usize) -> Result<u32, i64> {
    let owner = link.owner;
    let word = look(&link.task, |target| peek::read_user(target, owner, wide_place(number)))??;
    Ok((word & 0xffff_ffff) as u32)
}

fn set_debug(link: &Link, number: usize, word: u64) -> Result<i64, i64> {
    let owner = link.owner;
    look(&link.task, |target| peek::write_user(target, owner, wide_place(number), word))?.map(|()| 0)
}

fn floats(link: &Link, regs: &UserRegs) -> Result<Vec<u8>, i64> {
    if ia32::is_ia32(regs) {
        return registers::read(link, NT_PRFPREG);
    }
    let fx = fp_regs(link, abi::PTRACE_GETFPREGS, [0; FP_SIZE])?;
    // As the thread had them when it was switched away: 64-bit code mostly has a null selector there.
    let [code, data] = [regs.cs, regs.ds].map(|segment| (segment & 0xffff) as u16);
    Ok(fp32::from_fx(&fx, code, data).to_vec())
}

fn set_floats(link: &mut Link, regs: &UserRegs, bytes: &[u8; FSAVE]) -> Result<i64, i64> {
    if ia32::is_ia32(regs) {
        return registers::write(link, NT_PRFPREG, bytes).map(|()| 0);
    }
    let mut fx = fp_regs(link, abi::PTRACE_GETFPREGS, [0; FP_SIZE])?;
    fp32::into_fx(bytes, &mut fx);
    fp_regs(link, abi::PTRACE_SETFPREGS, fx).map(|_| 0)
}
