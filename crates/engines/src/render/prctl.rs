//! `prctl` and `arch_prctl`: arguments and results by operation.

use super::arg::Shown;
use super::cx::Cx;
use super::flags::{choice, choice32, flags};
use super::signal::signal;
use super::strings::string;
use utrace_abi::flags as f;
use utrace_abi::flags::NameSet;

/// What an operation does with its second argument.
enum First {
    /// There are no arguments.
    None,
    /// A signed number, the only argument.
    Number,
    /// A number, the remaining arguments follow in hex.
    NumberAndRest,
    /// Where a number is written.
    NumberOut,
    /// A value by name, the only argument.
    Named(&'static NameSet),
    /// A value by name, the others in hex.
    NamedAndRest(&'static NameSet),
    /// Everything in hex.
    Rest,
}

/// How the arguments of `op` are taken, apart from those that [`argument`] knows itself.
fn shape(op: u64) -> First {
    match op {
        3 | 7 | 13 | 21 | 27 | 30 | 31 | 32 | 46 | 51 | 64 => First::None,
        8 | 10 | 12 | 14 | 20 | 29 | 36 => First::Number,
        38 | 41 | 57 => First::NumberAndRest,
        9 | 11 | 19 | 37 => First::NumberOut,
        4 => First::Named(&f::SUID_DUMP),
        23 | 24 => First::Named(&f::CAP),
        26 => First::Named(&f::PR_TSC),
        52 => First::Named(&f::PR_SPEC),
        35 => First::NamedAndRest(&f::PR_MM),
        _ => First::Rest,
    }
}

/// Argument `index` (1 to 4) of `prctl`.
pub(super) fn argument(cx: &mut Cx<'_>, index: u8) -> Shown {
    let op = cx.arg(0) & 0xffff_ffff;
    let value = cx.arg(index);
    match (op, index) {
        (1, 1) => signal(cx, value),
        (2, 1) => return late(cx, value, |cx, raw| signal(cx, u64::from(raw))),
        (15, 1) => string_up_to(cx, value, 16),
        (16, 1) => return name_out(cx, value),
        (22, 1) => choice32(cx, value, &f::SECCOMP_MODE),
        (22, 2) if cx.arg(1) == 2 => super::sockopt::filter(cx, value, 16),
        (22, 2) => return Shown::Absent,
        (25, 1) => return late(cx, value, |cx, raw| choice32(cx, u64::from(raw), &f::PR_TSC)),
        (28, 1) => flags(cx, value, &f::SECUREBITS),
        (40, 1) => return tid_address(cx, value),
        (47, 1) => choice(cx, value, &f::PR_CAP_AMBIENT),
        (47, 2) if (1..=3).contains(&cx.arg(1)) => choice(cx, value, &f::CAP),
        (53, 1) => choice(cx, value, &f::PR_SPEC),
        (53, 2) => choice(cx, value, &f::PR_SPEC_CTRL),
        (0x5961_6d61, 1) if value as u32 == u32::MAX || value == u64::MAX => cx.s("PR_SET_PTRACER_ANY"),
        (0x5961_6d61, 1) => cx.int(value),
        (0x5356_4d41, _) => return vma(cx, index, value),
        (1 | 2 | 15 | 16 | 22 | 25 | 28 | 40 | 53 | 0x5961_6d61, _) => return Shown::Absent,
        _ => return by_shape(cx, shape(op), index, value),
    }
    Shown::Done
}

fn by_shape(cx: &mut Cx<'_>, shape: First, index: u8, value: u64) -> Shown {
    match (shape, index) {
        (First::None, _) => return Shown::Absent,
        (First::Number | First::NumberAndRest, 1) => cx.udec(value),
        (First::NumberOut, 1) => return late(cx, value, |cx, raw| cx.int(u64::from(raw))),
        (First::Named(set) | First::NamedAndRest(set), 1) => choice(cx, value, set),
        (First::Number | First::NumberOut | First::Named(_), _) => return Shown::Absent,
        _ => cx.hex(value),
    }
    Shown::Done
}

/// `[value]` once the call succeeded.
fn late(cx: &mut Cx<'_>, addr: u64, show: impl FnOnce(&mut Cx<'_>, u32)) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.output::<4>(addr, |cx, raw| {
        cx.s("[");
        show(cx, raw.u32(0) as u32);
        cx.s("]");
    });
    Shown::Done
}

fn tid_address(cx: &mut Cx<'_>, addr: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    cx.output::<8>(addr, |cx, raw| {
        cx.s("[");
        cx.addr(raw.u64(0));
        cx.s("]");
    });
    Shown::Done
}

fn name_out(cx: &mut Cx<'_>, addr: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    if cx.failed() {
        cx.addr(addr);
    } else {
        string_up_to(cx, addr, 16);
    }
    Shown::Done
}

/// A task name: at most `max - 1` bytes of it count.
fn string_up_to(cx: &mut Cx<'_>, addr: u64, max: usize) {
    super::strings::string_max(cx, addr, max - 1);
}

fn vma(cx: &mut Cx<'_>, index: u8, value: u64) -> Shown {
    let naming = cx.arg(1) == 0;
    match index {
        1 if naming => cx.s("PR_SET_VMA_ANON_NAME"),
        1 => {
            cx.hex(value);
            cx.s(" /* PR_SET_VMA_??? */");
        }
        2 if naming => cx.addr(value),
        3 if naming => cx.udec(value),
        4 if naming => string(cx, value),
        _ => cx.hex(value),
    }
    Shown::Done
}

/// The result of `prctl`, after `= `.
pub(super) fn result(cx: &mut Cx<'_>, value: i64) {
    let bits = value as u64;
    match cx.arg(0) & 0xffff_ffff {
        3 => {
            cx.dec(value);
            named(cx, bits, &f::SUID_DUMP);
        }
        27 => {
            cx.hex(bits);
            if bits != 0 {
                cx.s(" (");
                flags(cx, bits, &f::SECUREBITS);
                cx.s(")");
            }
        }
        52 => {
            cx.hex(bits);
            cx.s(" (");
            if bits == 0 {
                cx.s("PR_SPEC_NOT_AFFECTED");
            } else {
                flags(cx, bits, &f::PR_SPEC_CTRL);
            }
            cx.s(")");
        }
        _ => cx.dec(value),
    }
}

fn named(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    if let Some(name) = set.name(value) {
        cx.s(" (");
        cx.s(name);
        cx.s(")");
    }
}

/// The argument of `arch_prctl`.
pub(super) fn arch(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) & 0xffff_ffff {
        0x1003 | 0x1004 => tid_address(cx, value),
        0x1011 => Shown::Absent,
        _ => {
            cx.hex(value);
            Shown::Done
        }
    }
}
