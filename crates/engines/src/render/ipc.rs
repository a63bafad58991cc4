//! System V objects: keys, operations, messages, control commands.

use super::arg::Shown;
use super::cx::Cx;
use super::flags::{choice, flags};
use super::strings::buffer;
use utrace_abi::flags as f;

/// `IPC_PRIVATE` or a key in hex.
pub(super) fn key(cx: &mut Cx<'_>, value: u64) {
    match value & 0xffff_ffff {
        0 => cx.s("IPC_PRIVATE"),
        key => cx.hex(key),
    }
}

/// `[{sem_num=0, sem_op=-1, sem_flg=SEM_UNDO}]`.
pub(super) fn sembufs(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.array::<6>(addr, count & 0xffff_ffff, |cx, op| {
        cx.s("{sem_num=");
        cx.udec(u64::from(op.u16(0)));
        cx.s(", sem_op=");
        cx.dec(i64::from(op.u16(2) as i16));
        cx.s(", sem_flg=");
        flags(cx, u64::from(op.u16(4)), &f::SEM_FLG);
        cx.s("}");
    });
}

/// `{mtype=1, mtext="abc"}`.
pub(super) fn message(cx: &mut Cx<'_>, addr: u64, size: u64) {
    cx.object::<8>(addr, |cx, kind| {
        cx.s("{mtype=");
        cx.dec(kind.i64(0));
        cx.s(", mtext=");
        buffer(cx, addr.wrapping_add(8), size);
        cx.s("}");
    });
}

/// The last argument of `semctl`.
pub(super) fn semctl(cx: &mut Cx<'_>, command: u64, value: u64) -> Shown {
    match command & 0xff {
        0 | 11 | 12 | 14 | 15 => return Shown::Absent,
        16 => cx.int(value),
        _ => return late_address(cx, value),
    }
    Shown::Done
}

/// The structure of `shmctl` and `msgctl`.
pub(super) fn control(cx: &mut Cx<'_>, command: u64, value: u64) -> Shown {
    match command & 0xff {
        0 => {
            cx.addr(value);
            Shown::Done
        }
        _ => late_address(cx, value),
    }
}

fn late_address(cx: &mut Cx<'_>, value: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.addr(value);
    Shown::Done
}

/// A keyring by name or serial number.
pub(super) fn keyring(cx: &mut Cx<'_>, value: u64) {
    let serial = value & 0xffff_ffff;
    match f::KEYRING.name(serial) {
        Some(_) => choice(cx, serial, &f::KEYRING),
        None => cx.int(serial),
    }
}
