//! `ptrace` seen from outside: what follows its request.

use super::arg::Shown;
use super::cx::{Bytes, Cx};
use super::flags::{choice, flags};
use super::signal::{info_at, set_at, signal};
use utrace_abi::flags as f;
use utrace_abi::{Signal, UserRegs};

/// The task: every request but `PTRACE_TRACEME` has one.
pub(super) fn pid(cx: &mut Cx<'_>, value: u64) -> Shown {
    if cx.arg(0) == 0 {
        return Shown::Absent;
    }
    cx.int(value);
    Shown::Done
}

/// The third argument.
pub(super) fn addr(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) {
        0 | 8 | 12..=16 | 0x4207 | 0x4208 => return Shown::Absent,
        3 | 6 => user_offset(cx, value),
        0x4204 | 0x4205 => choice(cx, value, &f::NT),
        0x420a..=0x420e => cx.udec(value),
        _ => cx.addr(value),
    }
    Shown::Done
}

/// An offset into `struct user`: `8*ORIG_RAX`.
fn user_offset(cx: &mut Cx<'_>, value: u64) {
    let index = usize::try_from(value / 8).ok().filter(|_| value.is_multiple_of(8));
    match index.and_then(|index| UserRegs::NAMES.get(index)) {
        Some(name) => {
            cx.s("8*");
            for letter in name.chars() {
                cx.out.push(letter.to_ascii_uppercase());
            }
        }
        None => cx.addr(value),
    }
}

/// The fourth argument.
pub(super) fn data(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) {
        0 | 8 | 16 | 0x4207 | 0x4208 => return Shown::Absent,
        7 | 9 | 17 | 24 | 31 | 32 | 33 => resume_signal(cx, value),
        21 | 0x4200 | 0x4206 => flags(cx, value, &f::PTRACE_O),
        1..=3 => return at_exit(cx, value, |cx, addr| word(cx, addr, Cx::addr)),
        0x4201 => return at_exit(cx, value, |cx, addr| word(cx, addr, Cx::udec)),
        0x4202 => return at_exit(cx, value, info_at),
        0x4203 => info_at(cx, value),
        0x420a => return at_exit(cx, value, |cx, addr| set_at(cx, addr, 8)),
        0x420b => set_at(cx, value, 8),
        12 => return at_exit(cx, value, registers),
        13 => registers(cx, value),
        0x4204 => return regset(cx, value),
        0x4205 => return regset(cx, value),
        4..=6 => cx.addr(value),
        _ => return at_exit(cx, value, Cx::addr),
    }
    Shown::Done
}

fn resume_signal(cx: &mut Cx<'_>, value: u64) {
    match Signal::new(value) {
        Some(_) => signal(cx, value),
        None => cx.udec(value),
    }
}

fn word<'c>(cx: &mut Cx<'c>, addr: u64, show: impl FnOnce(&mut Cx<'c>, u64)) {
    cx.object::<8>(addr, |cx, word| cx.bracket(|cx| show(cx, word.u64(0))));
}

/// What the kernel wrote, once it has.
fn at_exit<'c>(cx: &mut Cx<'c>, value: u64, show: impl FnOnce(&mut Cx<'c>, u64)) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.filled(value, show);
    Shown::Done
}

fn registers(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<{ UserRegs::SIZE }>(addr, |cx, bytes| {
        let regs = UserRegs::from_bytes(&bytes.0);
        for (at, (name, value)) in UserRegs::NAMES.into_iter().zip(regs.to_array()).enumerate() {
            cx.s(if at == 0 { "{" } else { ", " });
            cx.s(name);
            cx.s("=");
            cx.hex(value);
        }
        cx.s("}");
    });
}

/// A register set behind an I/O vector; the general registers are taken apart.
fn regset(cx: &mut Cx<'_>, addr: u64) -> Shown {
    if cx.entering() && cx.arg(0) == 0x4204 {
        return Shown::Later;
    }
    cx.object_always::<16>(addr, |cx, vector: &Bytes<16>| {
        cx.s("{iov_base=");
        let whole = cx.arg(2) == 1 && vector.u64(8) >= UserRegs::SIZE as u64;
        if whole && !(cx.outcome.is_some() && cx.failed()) {
            registers(cx, vector.u64(0));
        } else {
            cx.addr(vector.u64(0));
        }
        cx.s(", iov_len=");
        cx.udec(vector.u64(8));
        cx.s("}");
    });
    Shown::Done
}
