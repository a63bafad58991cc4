//! What follows a call: `= 3`, `= -1 ENOENT (No such file or directory)`, `= ?`.

use super::Outcome;
use super::cx::Cx;
use super::flags::{choice, flags, io_priority, personality, sched_policy, umode};
use utrace_abi::{Errno, Ret, flags as f};

/// Appends the result of a finished call.
pub(super) fn result(cx: &mut Cx<'_>, ret: Ret) {
    cx.s("= ");
    match cx.outcome {
        None | Some(Outcome::Unknown) => cx.s("?"),
        Some(Outcome::Returned(value)) => match Errno::from_return(value) {
            Some(errno) => error(cx, errno),
            None => success(cx, ret, value),
        },
    }
}

fn error(cx: &mut Cx<'_>, errno: Errno) {
    cx.s(if errno.is_restart() { "? " } else { "-1 " });
    let Some(name) = errno.name() else {
        cx.s("(errno ");
        cx.udec(u64::from(errno.0));
        return cx.s(")");
    };
    cx.s(name);
    cx.s(" (");
    match errno.text() {
        Some(text) => cx.s(text),
        None => {
            cx.s("Unknown error ");
            cx.udec(u64::from(errno.0));
        }
    }
    cx.s(")");
}

fn success(cx: &mut Cx<'_>, ret: Ret, value: i64) {
    let bits = value as u64;
    match ret {
        Ret::Dec | Ret::Never | Ret::Mmsg | Ret::Ioctl => {
            cx.dec(value);
            extra(cx, ret, value);
        }
        Ret::ULong => cx.udec(bits),
        Ret::Hex => cx.hex(bits),
        Ret::Octal => umode(cx, bits),
        Ret::Fd => cx.fd(value),
        Ret::Poll => {
            cx.dec(value);
            let (addr, count) = (cx.arg(0), cx.arg(1));
            super::poll::poll_result(cx, value, addr, count);
            time_left(cx, value);
        }
        Ret::Select => {
            cx.dec(value);
            super::poll::select_result(cx, value, select_left);
        }
        Ret::Fcntl => {
            let command = cx.arg(1);
            super::fcntl::result(cx, command, value);
        }
        Ret::Prctl => super::prctl::result(cx, value),
        Ret::Time => {
            cx.dec(value);
            super::time::date_in_parentheses(cx, value);
        }
        Ret::Timex => {
            cx.dec(value);
            super::time::clock_state(cx, value);
        }
        Ret::Personality => {
            cx.hex(bits);
            cx.s(" (");
            personality(cx, bits);
            cx.s(")");
        }
        Ret::Signal => {
            cx.dec(value);
            if value != 0 {
                cx.s(" (");
                super::signal::signal(cx, bits);
                cx.s(")");
            }
        }
        Ret::SchedPolicy => {
            cx.dec(value);
            cx.s(" (");
            sched_policy(cx, bits);
            cx.s(")");
        }
        Ret::Ioprio => {
            cx.dec(value);
            cx.s(" (");
            io_priority(cx, bits);
            cx.s(")");
        }
        Ret::ThreadArea => {
            cx.dec(value);
            let addr = cx.arg(0);
            if let Some(entry) = cx.u32_at(addr) {
                cx.s(" (entry_number=");
                cx.int(u64::from(entry));
                cx.s(")");
            }
        }
        Ret::Membarrier => {
            if cx.arg(0) as u32 == 0 && value != 0 {
                cx.hex(bits);
                cx.s(" (");
                flags(cx, bits, &f::MEMBARRIER);
                cx.s(")");
            } else {
                cx.dec(value);
            }
        }
    }
}

fn extra(cx: &mut Cx<'_>, ret: Ret, value: i64) {
    if ret != Ret::Mmsg {
        return;
    }
    if cx.call.info().is_some_and(|info| info.name == "recvmmsg") {
        if value == 0 {
            return cx.s(" (Timeout)");
        }
        let timeout = cx.arg(4);
        if timeout != 0 {
            cx.s(" (left ");
            super::time::time(cx, timeout, super::time::Unit::Nano);
            cx.s(")");
        }
    }
}

/// `ppoll` says how much of its timeout is left.
fn time_left(cx: &mut Cx<'_>, value: i64) {
    let timeout = cx.arg(2);
    if value <= 0 || timeout == 0 || cx.call.info().is_none_or(|info| info.name != "ppoll") {
        return;
    }
    if cx.out.ends_with(')') {
        cx.out.pop();
        cx.s(", left ");
        super::time::time(cx, timeout, super::time::Unit::Nano);
        cx.s(")");
    }
}

/// Appends `left {…}` for `select` and `pselect6`; false if there is no timeout.
fn select_left(cx: &mut Cx<'_>) -> bool {
    use super::time::{Unit, time};
    let timeout = cx.arg(4);
    if timeout == 0 {
        return false;
    }
    let unit = match cx.call.info() {
        Some(info) if matches!(info.name, "select" | "_newselect") => Unit::Micro,
        _ => Unit::Nano,
    };
    cx.s("left ");
    time(cx, timeout, unit);
    true
}

/// A value that has a name or else is shown as a number in a comment; used by single-purpose results.
pub(super) fn named_int(cx: &mut Cx<'_>, value: u64, set: &f::NameSet) {
    cx.int(value);
    cx.s(" /* ");
    match set.name(value & 0xffff_ffff) {
        Some(_) => choice(cx, value & 0xffff_ffff, set),
        None => cx.s(set.unknown.unwrap_or("???")),
    }
    cx.s(" */");
}
