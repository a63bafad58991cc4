//! `fcntl`: argument and result by command.

use super::arg::Shown;
use super::cx::{Bytes, Cx};
use super::flags::{choice, choice32, flags, open_flags};
use super::signal::signal;
use utrace_abi::flags as f;

/// The argument of command `cmd`.
pub(super) fn argument(cx: &mut Cx<'_>, cmd: u64, value: u64) -> Shown {
    // The lock structures of i386 are laid out differently.
    if cx.call.abi == utrace_abi::Abi::I386 && matches!(cmd as u32, 5..=7 | 12..=14 | 36..=38) {
        cx.addr(value);
        return Shown::Done;
    }
    match cmd as u32 {
        0 | 1030 | 8 | 1031 => cx.int(value),
        1 | 3 | 9 | 11 | 1025 | 1032 | 1034 => return Shown::Absent,
        2 => flags(cx, value & 0xffff_ffff, &f::FD_FLAGS),
        4 => open_flags(cx, value),
        5 | 36 => return lock_out(cx, value),
        6 | 7 | 37 | 38 => cx.object::<32>(value, |cx, lock| show_lock(cx, lock, false)),
        10 => signal(cx, value),
        15 => owner(cx, value),
        16 => {
            if cx.entering() {
                return Shown::Later;
            }
            cx.filled(value, owner);
        }
        1024 => choice32(cx, value, &f::LEASE),
        1026 => flags(cx, value & 0xffff_ffff, &f::DN),
        1033 => flags(cx, value & 0xffff_ffff, &f::SEALS),
        1029 => cx.hex(value),
        _ => cx.hex(value),
    }
    Shown::Done
}

fn lock_out(cx: &mut Cx<'_>, addr: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.output::<32>(addr, |cx, lock| show_lock(cx, lock, true));
    Shown::Done
}

fn show_lock(cx: &mut Cx<'_>, lock: &Bytes<32>, with_pid: bool) {
    cx.s("{l_type=");
    choice(cx, u64::from(lock.u16(0)), &f::FLOCK_TYPE);
    cx.s(", l_whence=");
    choice(cx, u64::from(lock.u16(2)), &f::SEEK);
    cx.s(", l_start=");
    cx.dec(lock.i64(8));
    cx.s(", l_len=");
    cx.dec(lock.i64(16));
    if with_pid {
        cx.s(", l_pid=");
        cx.dec(lock.i32(24));
    }
    cx.s("}");
}

fn owner(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<8>(addr, |cx, owner| {
        cx.s("{type=");
        choice32(cx, owner.u32(0), &f::F_OWNER);
        cx.s(", pid=");
        cx.dec(owner.i32(4));
        cx.s("}");
    });
}

/// The result of command `cmd`, after `= `.
pub(super) fn result(cx: &mut Cx<'_>, cmd: u64, value: i64) {
    let bits = value as u64;
    match cmd as u32 {
        0 | 1030 => cx.fd(value),
        1 if value != 0 => {
            cx.hex(bits);
            cx.s(" (flags ");
            flags(cx, bits, &f::FD_FLAGS);
            cx.s(")");
        }
        3 => {
            cx.hex(bits);
            cx.s(" (flags ");
            open_flags(cx, bits);
            cx.s(")");
        }
        9 => cx.int(bits),
        11 if value != 0 => {
            cx.dec(value);
            cx.s(" (");
            signal(cx, bits);
            cx.s(")");
        }
        1025 => {
            cx.hex(bits);
            cx.s(" (");
            choice32(cx, bits, &f::LEASE);
            cx.s(")");
        }
        1034 if value != 0 => {
            cx.hex(bits);
            cx.s(" (seals ");
            flags(cx, bits, &f::SEALS);
            cx.s(")");
        }
        _ => cx.dec(value),
    }
}
