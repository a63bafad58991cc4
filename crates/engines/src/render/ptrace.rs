//! `ptrace` seen from outside: its address and data by request.

use super::arg::Shown;
use super::cx::Cx;
use super::flags::{choice, flags};
use super::signal::{info_at, set_at, signal};
use utrace_abi::flags as f;

/// The third argument.
pub(super) fn addr(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) {
        0 => return Shown::Absent,
        0x4204 | 0x4205 => choice(cx, value, &f::NT),
        0x420a | 0x420b => cx.udec(value),
        _ => cx.addr(value),
    }
    Shown::Done
}

/// The fourth argument.
pub(super) fn data(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) {
        0 | 8 | 0x4207 => return Shown::Absent,
        7 | 9 | 17 | 24 | 31 | 32 | 33 | 0x4208 => resume_signal(cx, value),
        0x4200 | 0x4206 => flags(cx, value & 0xffff_ffff, &f::PTRACE_O),
        1..=3 => return word_out(cx, value),
        0x4201 => return word_out(cx, value),
        0x4203 => info_at(cx, value),
        0x4202 => {
            if cx.entering() {
                return Shown::Later;
            }
            cx.filled(value, info_at);
        }
        0x420a => {
            if cx.entering() {
                return Shown::Later;
            }
            if cx.failed() { cx.addr(value) } else { set_at(cx, value, 8) }
        }
        0x420b => set_at(cx, value, 8),
        4..=6 => cx.hex(value),
        _ => return late(cx, value),
    }
    Shown::Done
}

fn resume_signal(cx: &mut Cx<'_>, value: u64) {
    if value == 0 { cx.s("0") } else { signal(cx, value) }
}

fn word_out(cx: &mut Cx<'_>, value: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.output::<8>(value, |cx, word| cx.bracket(|cx| cx.hex(word.u64(0))));
    Shown::Done
}

fn late(cx: &mut Cx<'_>, value: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.addr(value);
    Shown::Done
}
