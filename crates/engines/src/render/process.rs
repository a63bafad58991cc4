//! Creating, waiting for and describing processes: `clone`, `clone3`, wait statuses, limits, usage, scheduling.

use super::arg::Shown;
use super::cx::{Bytes, Cx};
use super::flags::{choice, flags};
use super::signal::signal;
use super::time::{Unit, pair};
use utrace_abi::flags as f;

const CLONE_PIDFD: u64 = 0x1000;
const CLONE_SETTLS: u64 = 0x0008_0000;
const CLONE_PARENT_SETTID: u64 = 0x0010_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x0020_0000;
const CLONE_CHILD_SETTID: u64 = 0x0100_0000;

/// `flags=CLONE_VM|SIGCHLD`: flags and, in the low byte, the exit signal.
pub(super) fn clone_flags(cx: &mut Cx<'_>, value: u64) {
    let (bits, exit_signal) = (value & !0xff, value & 0xff);
    cx.s("flags=");
    if bits != 0 {
        flags(cx, bits, &f::CLONE);
        if exit_signal != 0 {
            cx.s("|");
        }
    }
    if exit_signal != 0 {
        signal(cx, exit_signal);
    } else if bits == 0 {
        cx.s("0");
    }
}

/// Whether `clone` shows the parent's id pointer, and so on: only those that its flags use.
pub(super) fn clone_uses(flags: u64, what: CloneArg) -> bool {
    let mask = match what {
        CloneArg::ParentTid => CLONE_PIDFD | CLONE_PARENT_SETTID,
        CloneArg::Tls => CLONE_SETTLS,
        CloneArg::ChildTid => CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID,
    };
    flags & mask != 0
}

/// Whether `clone` has arguments that are shown at exit.
pub(super) fn clone_waits(flags: u64) -> bool {
    [CloneArg::ParentTid, CloneArg::Tls, CloneArg::ChildTid].into_iter().any(|what| clone_uses(flags, what))
}

/// Whether `clone3` will have something to add at exit.
pub(super) fn clone_args_change(cx: &mut Cx<'_>, addr: u64) -> bool {
    cx.u64_at(addr).is_some_and(|bits| bits & (CLONE_PIDFD | CLONE_PARENT_SETTID) != 0)
}

/// The optional arguments of `clone`.
#[derive(Clone, Copy)]
pub(super) enum CloneArg {
    /// Where the child's id goes in the parent.
    ParentTid,
    /// Thread-local storage.
    Tls,
    /// Where the child's id goes in the child.
    ChildTid,
}

/// An optional argument of `clone`.
pub(super) fn clone_arg(cx: &mut Cx<'_>, value: u64, what: CloneArg) -> Shown {
    let bits = cx.arg(0);
    if !clone_uses(bits, what) {
        return Shown::Absent;
    }
    if cx.entering() {
        return Shown::Later;
    }
    match what {
        CloneArg::ParentTid => {
            cx.s("parent_tid=");
            cx.output::<4>(value, |cx, tid| {
                cx.s("[");
                cx.dec(tid.i32(0));
                cx.s("]");
            });
        }
        CloneArg::Tls => {
            cx.s("tls=");
            // i386 passes a segment descriptor here, x86-64 a base address.
            if cx.call.abi == utrace_abi::Abi::I386 {
                super::uncommon::segment(cx, value);
            } else {
                cx.hex(value);
            }
        }
        CloneArg::ChildTid => {
            cx.s("child_tidptr=");
            cx.addr(value);
        }
    }
    Shown::Done
}

/// `struct clone_args` as passed in.
pub(super) fn clone_args(cx: &mut Cx<'_>, addr: u64, size: u64) {
    if size < 64 {
        return cx.addr(addr);
    }
    let mut raw = [0; 88];
    let known = (size as usize).min(raw.len());
    if addr == 0 || cx.memory.read(addr, &mut raw[..known]) < known {
        return cx.addr(addr);
    }
    let a = Bytes(raw);
    let bits = a.u64(0);
    cx.s("{flags=");
    flags(cx, bits, &f::CLONE3);
    if bits & CLONE_PIDFD != 0 {
        pointer(cx, ", pidfd=", a.u64(8));
    }
    if bits & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID) != 0 {
        pointer(cx, ", child_tid=", a.u64(16));
    }
    if bits & CLONE_PARENT_SETTID != 0 {
        pointer(cx, ", parent_tid=", a.u64(24));
    }
    cx.s(", exit_signal=");
    signal(cx, a.u64(32));
    pointer(cx, ", stack=", a.u64(40));
    cx.s(", stack_size=");
    cx.hex(a.u64(48));
    if bits & CLONE_SETTLS != 0 {
        pointer(cx, ", tls=", a.u64(56));
    }
    if a.u64(64) != 0 || a.u64(72) != 0 {
        set_tid(cx, a.u64(64), a.u64(72));
    }
    if bits & 0x2_0000_0000 != 0 || a.u64(80) != 0 {
        cx.s(", cgroup=");
        cx.udec(a.u64(80));
    }
    cx.s("}");
}

fn set_tid(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.s(", set_tid=");
    if count > 32 {
        cx.addr(addr);
    } else {
        cx.array::<4>(addr, count, |cx, tid| cx.dec(tid.i32(0)));
    }
    cx.s(", set_tid_size=");
    cx.udec(count);
}

fn pointer(cx: &mut Cx<'_>, name: &str, value: u64) {
    cx.s(name);
    cx.addr(value);
}

/// What `clone3` wrote: ` => {parent_tid=[7]}`.
pub(super) fn clone_args_out(cx: &mut Cx<'_>, addr: u64) {
    if cx.failed() {
        return;
    }
    let (Some(bits), Some(pidfd), Some(parent)) =
        (cx.u64_at(addr), cx.u64_at(addr.wrapping_add(8)), cx.u64_at(addr.wrapping_add(24)))
    else {
        return;
    };
    let start = cx.out.len();
    cx.s(" => {");
    let mut any = false;
    for (mask, name, target) in [(CLONE_PIDFD, "pidfd=", pidfd), (CLONE_PARENT_SETTID, "parent_tid=", parent)]
    {
        if bits & mask == 0 {
            continue;
        }
        if any {
            cx.s(", ");
        }
        any = true;
        cx.s(name);
        cx.object::<4>(target, |cx, value| {
            cx.s("[");
            cx.dec(value.i32(0));
            cx.s("]");
        });
    }
    if any { cx.s("}") } else { cx.out.truncate(start) }
}

/// `[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]`.
pub(super) fn wait_status(cx: &mut Cx<'_>, addr: u64) {
    if cx.returned().is_none_or(|pid| pid == 0) {
        return cx.addr(addr);
    }
    cx.object::<4>(addr, |cx, raw| {
        cx.s("[");
        status(cx, raw.i32(0) as i32);
        cx.s("]");
    });
}

fn status(cx: &mut Cx<'_>, raw: i32) {
    let word = raw as u32;
    let (low, high, event) = (u64::from(word as u8), u64::from(word >> 8 & 0xff), u64::from(word >> 16));
    match low {
        _ if word == 0xffff => cx.s("{WIFCONTINUED(s)}"),
        0x7f => {
            cx.s("{WIFSTOPPED(s) && WSTOPSIG(s) == ");
            signal(cx, high & 0x7f);
            cx.s(if high & 0x80 != 0 { " | 0x80}" } else { "}" });
        }
        0 => {
            cx.s("{WIFEXITED(s) && WEXITSTATUS(s) == ");
            cx.udec(high);
            cx.s("}");
        }
        _ => {
            cx.s("{WIFSIGNALED(s) && WTERMSIG(s) == ");
            signal(cx, low & 0x7f);
            cx.s(if low & 0x80 != 0 { " && WCOREDUMP(s)}" } else { "}" });
        }
    }
    if word == 0xffff {
        return;
    }
    if event != 0 {
        cx.s("|");
        choice(cx, event, &f::PTRACE_EVENT);
        cx.s("<<16");
    }
    if !matches!(low, 0 | 0x7f) && high != 0 {
        cx.s("|");
        cx.hex(high << 8);
    }
}

/// `{rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}`.
pub(super) fn rlimit(cx: &mut Cx<'_>, addr: u64) {
    cx.longs::<16>(addr, |cx, limit| {
        cx.s("{rlim_cur=");
        one_limit(cx, limit.u64(0));
        cx.s(", rlim_max=");
        one_limit(cx, limit.u64(8));
        cx.s("}");
    });
}

fn one_limit(cx: &mut Cx<'_>, value: u64) {
    super::flags::styled(cx, |cx| cx.udec(value), |cx| limit_names(cx, value));
}

fn limit_names(cx: &mut Cx<'_>, value: u64) {
    match value {
        u64::MAX if cx.narrow() => cx.s("RLIM_INFINITY"),
        u64::MAX => cx.s("RLIM64_INFINITY"),
        _ if value > 1024 && value.is_multiple_of(1024) => {
            cx.udec(value / 1024);
            cx.s("*1024");
        }
        _ => cx.udec(value),
    }
}

/// `struct rusage`.
pub(super) fn rusage(cx: &mut Cx<'_>, addr: u64) {
    const FIELDS: [&str; 14] = [
        "maxrss", "ixrss", "idrss", "isrss", "minflt", "majflt", "nswap", "inblock", "oublock", "msgsnd",
        "msgrcv", "nsignals", "nvcsw", "nivcsw",
    ];
    cx.longs::<144>(addr, |cx, usage| {
        cx.s("{ru_utime=");
        pair(cx, usage, 0, Unit::Micro);
        cx.s(", ru_stime=");
        pair(cx, usage, 16, Unit::Micro);
        if cx.abbreviated() {
            return cx.s(", ...}");
        }
        for (index, name) in FIELDS.into_iter().enumerate() {
            cx.s(", ru_");
            cx.s(name);
            cx.s("=");
            cx.udec(usage.u64(32 + 8 * index));
        }
        cx.s("}");
    });
}

/// `[5]`: a scheduling priority.
pub(super) fn sched_param(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<4>(addr, |cx, param| {
        cx.s("[");
        cx.dec(param.i32(0));
        cx.s("]");
    });
}

/// `struct sched_attr`, as long as it says it is.
pub(super) fn sched_attr(cx: &mut Cx<'_>, addr: u64) {
    let Some(claimed) = cx.u32_at(addr) else { return cx.addr(addr) };
    let size = (claimed as usize).min(56);
    if (1..48).contains(&size) {
        cx.s("{size=");
        cx.udec(u64::from(claimed));
        return cx.s("}");
    }
    let size = if size == 0 { 48 } else { size };
    let mut raw = [0; 56];
    if cx.memory.read(addr, &mut raw[..size]) < size {
        return cx.addr(addr);
    }
    let a = Bytes(raw);
    cx.s("{size=");
    cx.udec(u64::from(claimed));
    cx.s(", sched_policy=");
    super::flags::sched_policy(cx, a.u32(4));
    cx.s(", sched_flags=");
    flags(cx, a.u64(8), &f::SCHED_ATTR_FLAGS);
    cx.s(", sched_nice=");
    cx.dec(a.i32(16));
    cx.s(", sched_priority=");
    cx.udec(a.u32(20));
    for (at, name) in [(24, ", sched_runtime="), (32, ", sched_deadline="), (40, ", sched_period=")] {
        cx.s(name);
        cx.udec(a.u64(at));
    }
    if size >= 56 {
        cx.s(", sched_util_min=");
        cx.udec(a.u32(48));
        cx.s(", sched_util_max=");
        cx.udec(a.u32(52));
    }
    cx.s(if claimed > 56 { ", ...}" } else { "}" });
}
