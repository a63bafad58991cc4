//! `futex`: its later arguments mean what the operation makes of them.

use super::arg::Shown;
use super::cx::Cx;
use super::flags::choice;
use super::time::{Unit, time};
use utrace_abi::flags as f;

const PRIVATE: u64 = 128;
const CLOCK_REALTIME: u64 = 256;

/// Operation and flags: `FUTEX_WAIT_PRIVATE`.
pub(super) fn operation(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    let op = value & !(PRIVATE | CLOCK_REALTIME);
    let realtime = value & CLOCK_REALTIME != 0;
    if f::FUTEX.name(op).is_none() || realtime && !matches!(op, 0 | 9 | 11 | 13) {
        return choice(cx, value, &f::FUTEX);
    }
    choice(cx, op, &f::FUTEX);
    if value & PRIVATE != 0 {
        cx.s(if op == 2 { "|FUTEX_PRIVATE_FLAG" } else { "_PRIVATE" });
    }
    if realtime {
        cx.s("|FUTEX_CLOCK_REALTIME");
    }
}

/// Argument `index` (2 to 5).
pub(super) fn argument(cx: &mut Cx<'_>, index: u8) -> Shown {
    let op = cx.arg(1) & 0x7f;
    let value = cx.arg(index);
    match (op, index) {
        (6 | 7 | 8 | 13, 2) => return Shown::Absent,
        (_, 2) => cx.udec(value & 0xffff_ffff),
        (0 | 6 | 9 | 11 | 13, 3) => time(cx, value, Unit::Nano),
        (3 | 4 | 5 | 12, 3) => cx.udec(value & 0xffff_ffff),
        (1 | 2 | 7 | 8 | 10, 3) => return Shown::Absent,
        (3 | 4 | 5 | 11 | 12, 4) => cx.addr(value),
        (0..=13, 4) => return Shown::Absent,
        (9 | 10, 5) => bitset(cx, value & 0xffff_ffff),
        (4 | 12, 5) => cx.udec(value & 0xffff_ffff),
        (5, 5) => wake_op(cx, value & 0xffff_ffff),
        (0..=13, _) => return Shown::Absent,
        (_, 5) => cx.hex(value & 0xffff_ffff),
        _ => cx.addr(value),
    }
    Shown::Done
}

fn bitset(cx: &mut Cx<'_>, value: u64) {
    if value == 0xffff_ffff { cx.s("FUTEX_BITSET_MATCH_ANY") } else { cx.hex(value) }
}

/// The packed operation and comparison of `FUTEX_WAKE_OP`.
fn wake_op(cx: &mut Cx<'_>, value: u64) {
    const OPS: [&str; 5] = ["FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"];
    const CMPS: [&str; 6] = [
        "FUTEX_OP_CMP_EQ",
        "FUTEX_OP_CMP_NE",
        "FUTEX_OP_CMP_LT",
        "FUTEX_OP_CMP_LE",
        "FUTEX_OP_CMP_GT",
        "FUTEX_OP_CMP_GE",
    ];
    if value >> 31 & 1 == 1 {
        cx.s("FUTEX_OP_OPARG_SHIFT<<28|");
    }
    let named =
        |cx: &mut Cx<'_>, at: u64, names: &[&str], shift: &str, unknown: &str| match names.get(at as usize) {
            Some(name) => {
                cx.s(name);
                cx.s(shift);
            }
            None => {
                cx.hex(at);
                cx.s(shift);
                cx.s(unknown);
            }
        };
    named(cx, value >> 28 & 7, &OPS, "<<28", " /* FUTEX_OP_??? */");
    cx.s("|");
    cx.hex(value >> 12 & 0xfff);
    cx.s("<<12|");
    named(cx, value >> 24 & 0xf, &CMPS, "<<24", " /* FUTEX_OP_CMP_??? */");
    cx.s("|");
    cx.hex(value & 0xfff);
}
