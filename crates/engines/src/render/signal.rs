//! Signals, sets, actions, `siginfo_t`, alternative stacks.

use super::cx::{Bytes, Cx};
use super::flags::{choice32, flags};
use super::time::ticks;
use utrace_abi::siginfo::code_name;
use utrace_abi::{Errno, SigInfo, SigSet, Signal, flags as f};

/// A signal by name; a number that is none stays a number.
pub(super) fn signal(cx: &mut Cx<'_>, value: u64) {
    match Signal::new(value & 0xffff_ffff) {
        Some(signal) => super::flags::signal_number(cx, value, signal.name()),
        None => cx.int(value),
    }
}

/// `[INT TERM]`, or `~[KILL]` where most are in.
pub(super) fn set(cx: &mut Cx<'_>, set: SigSet) {
    let inverted = set.len() >= 64 * 2 / 3;
    let shown = if inverted { SigSet(!set.0) } else { set };
    cx.s(if inverted { "~[" } else { "[" });
    let mut first = true;
    for signal in shown.iter() {
        if !first {
            cx.s(" ");
        }
        first = false;
        super::flags::signal_number(cx, u64::from(signal.number()), &signal.name()[3..]);
    }
    cx.s("]");
}

/// The set at `addr`, `size` bytes long.
pub(super) fn set_at(cx: &mut Cx<'_>, addr: u64, size: u64) {
    // As with structures, a failed call's sets are only shown if they were at entry.
    let read = if cx.entering() || !cx.failed() { read_set(cx, addr, size) } else { None };
    match read {
        Some(value) => set(cx, value),
        None => cx.addr(addr),
    }
}

fn read_set(cx: &mut Cx<'_>, addr: u64, size: u64) -> Option<SigSet> {
    match size {
        8 => cx.u64_at(addr).map(SigSet),
        _ => None,
    }
}

/// Set and size behind one pointer, as `pselect6` takes them.
pub(super) fn set_and_size(cx: &mut Cx<'_>, addr: u64) {
    cx.object_always::<16>(addr, |cx, pair| {
        cx.s("{sigmask=");
        set_at(cx, pair.u64(0), pair.u64(8));
        cx.s(", sigsetsize=");
        cx.udec(pair.u64(8));
        cx.s("}");
    });
}

/// The mask that `rt_sigreturn` restores from the frame on the stack.
pub(super) fn frame(cx: &mut Cx<'_>) {
    // The handler's `ret` took the return address, so the stack pointer is at the `ucontext`; its mask lies behind
    // flags, link, stack and the machine context (`arch/x86/include/uapi/asm/ucontext.h`).
    const MASK: u64 = 8 + 8 + 24 + 256;
    let saved = cx.memory.stack_pointer().and_then(|stack| cx.u64_at(stack.wrapping_add(MASK)));
    cx.s("{mask=");
    set(cx, SigSet(saved.unwrap_or(0)));
    cx.s("}");
}

/// The kernel's `struct sigaction`, of 64-bit and 32-bit programs.
pub(super) fn action(cx: &mut Cx<'_>, addr: u64) {
    if cx.narrow() {
        return cx.object::<20>(addr, |cx, act| {
            show_action(cx, act.u32(0), act.u32(4), act.u32(8), act.u64(12));
        });
    }
    cx.object::<32>(addr, |cx, act| show_action(cx, act.u64(0), act.u64(8), act.u64(16), act.u64(24)));
}

fn show_action(cx: &mut Cx<'_>, function: u64, bits: u64, restorer: u64, mask: u64) {
    const SA_RESTORER: u64 = 0x0400_0000;
    cx.s("{sa_handler=");
    handler(cx, function);
    cx.s(", sa_mask=");
    set(cx, SigSet(mask));
    cx.s(", sa_flags=");
    flags(cx, bits, &f::SA);
    if bits & SA_RESTORER != 0 {
        cx.s(", sa_restorer=");
        cx.addr(restorer);
    }
    cx.s("}");
}

fn handler(cx: &mut Cx<'_>, addr: u64) {
    match addr {
        0 => cx.s("SIG_DFL"),
        1 => cx.s("SIG_IGN"),
        u64::MAX | 0xffff_ffff => cx.s("SIG_ERR"),
        _ => cx.addr(addr),
    }
}

/// `stack_t`.
pub(super) fn stack(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<24>(addr, |cx, st| {
        cx.s("{ss_sp=");
        cx.addr(st.u64(0));
        cx.s(", ss_flags=");
        flags(cx, st.u32(8), &f::SS);
        cx.s(", ss_size=");
        cx.udec(st.u64(16));
        cx.s("}");
    });
}

/// `struct sigevent`.
pub(super) fn event(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<24>(addr, |cx, ev| {
        let (signo, notify) = (ev.u32(8), ev.u32(12));
        cx.s("{");
        if ev.u64(0) != 0 {
            sigval(cx, "sigev_value={sival_int=", ev.u64(0));
            cx.s("}, ");
        }
        cx.s("sigev_signo=");
        if matches!(notify, 0 | 2 | 4) {
            signal(cx, signo);
        } else {
            cx.udec(signo);
        }
        cx.s(", sigev_notify=");
        choice32(cx, notify, &f::SIGEV);
        if notify == 4 {
            cx.s(", sigev_notify_thread_id=");
            let tid = cx.u32_at(addr.wrapping_add(16)).unwrap_or(0);
            cx.int(u64::from(tid));
        } else if notify == 2 {
            sigev_thread(cx, addr);
        }
        cx.s("}");
    });
}

fn sigev_thread(cx: &mut Cx<'_>, addr: u64) {
    if let (Some(function), Some(attribute)) =
        (cx.u64_at(addr.wrapping_add(16)), cx.u64_at(addr.wrapping_add(24)))
    {
        cx.s(", sigev_notify_function=");
        cx.addr(function);
        cx.s(", sigev_notify_attributes=");
        cx.addr(attribute);
    }
}

fn sigval(cx: &mut Cx<'_>, head: &str, value: u64) {
    cx.s(head);
    cx.int(value);
    cx.s(", sival_ptr=");
    cx.addr(value);
}

/// `siginfo_t` in memory.
pub(super) fn info_at(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<128>(addr, |cx, bytes| info(cx, bytes));
}

/// `{si_signo=SIGINT, si_code=SI_USER, …}`.
pub(super) fn info(cx: &mut Cx<'_>, bytes: &Bytes<128>) {
    let info = SigInfo::from_bytes(bytes.0);
    let (signo, code) = (info.signo(), info.code());
    if signo == 0 {
        return cx.s("{}");
    }
    cx.s("{si_signo=");
    signal(cx, signo as u64);
    cx.s(", si_code=");
    match code_name(signo, code) {
        Some(name) => cx.s(name),
        None => cx.hex(u64::from(code as u32)),
    }
    if info.errno() != 0 {
        cx.s(", si_errno=");
        match u16::try_from(info.errno()).ok().and_then(|number| Errno(number).name()) {
            Some(name) => cx.s(name),
            None => cx.dec(i64::from(info.errno())),
        }
    }
    details(cx, bytes, signo, code);
    cx.s("}");
}

fn details(cx: &mut Cx<'_>, b: &Bytes<128>, signo: i32, code: i32) {
    match code {
        0 if signo != 17 => return sender(cx, b, false),
        -6 => return sender(cx, b, b.u64(24) != 0),
        -2 => {
            cx.s(", si_timerid=");
            cx.hex(b.u32(16));
            cx.s(", si_overrun=");
            cx.dec(b.i32(20));
            return value(cx, b);
        }
        0x80 if !matches!(signo, 4 | 5 | 7 | 8 | 11) => return kernel(cx, b),
        _ if code < 0 => return sender(cx, b, b.u64(24) != 0),
        _ => {}
    }
    match signo {
        17 if code != 0 => child(cx, b, code),
        4 | 5 | 7 | 8 | 11 => fault(cx, b, signo, code),
        29 => {
            cx.s(", si_band=");
            cx.dec(b.i64(16));
            cx.s(", si_fd=");
            cx.dec(b.i32(24));
        }
        31 => {
            cx.s(", si_call_addr=");
            cx.addr(b.u64(16));
            cx.s(", si_syscall=");
            syscall_number(cx, b.u32(24), b.u32(28));
            cx.s(", si_arch=");
            audit_arch(cx, b.u32(28));
        }
        _ => kernel(cx, b),
    }
}

fn kernel(cx: &mut Cx<'_>, b: &Bytes<128>) {
    if b.u64(16) != 0 || b.u64(24) != 0 {
        sender(cx, b, b.u64(24) != 0);
    }
}

fn sender(cx: &mut Cx<'_>, b: &Bytes<128>, with_value: bool) {
    cx.s(", si_pid=");
    cx.dec(b.i32(16));
    cx.s(", si_uid=");
    cx.udec(b.u32(20));
    if with_value {
        value(cx, b);
    }
}

fn value(cx: &mut Cx<'_>, b: &Bytes<128>) {
    cx.s(", si_int=");
    cx.int(b.u64(24));
    cx.s(", si_ptr=");
    cx.addr(b.u64(24));
}

fn child(cx: &mut Cx<'_>, b: &Bytes<128>, code: i32) {
    sender(cx, b, false);
    cx.s(", si_status=");
    if code == 1 {
        cx.dec(b.i32(24));
    } else {
        signal(cx, b.u32(24));
    }
    cx.s(", si_utime=");
    ticks(cx, b.u64(32));
    cx.s(", si_stime=");
    ticks(cx, b.u64(40));
}

fn fault(cx: &mut Cx<'_>, b: &Bytes<128>, signo: i32, code: i32) {
    cx.s(", si_addr=");
    cx.addr(b.u64(16));
    match (signo, code) {
        (7, 4 | 5) => {
            cx.s(", si_addr_lsb=");
            cx.udec(u64::from(b.u16(24)));
        }
        (11, 3) => {
            cx.s(", si_lower=");
            cx.addr(b.u64(32));
            cx.s(", si_upper=");
            cx.addr(b.u64(40));
        }
        (11, 4) => {
            cx.s(", si_pkey=");
            cx.udec(b.u32(32));
        }
        _ => {}
    }
}

fn syscall_number(cx: &mut Cx<'_>, nr: u64, arch: u64) {
    let info =
        utrace_abi::Abi::from_audit_arch(arch as u32).and_then(|abi| utrace_abi::table::lookup(abi, nr));
    match info {
        Some(info) => {
            cx.s("__NR_");
            cx.s(info.name);
        }
        None => cx.udec(nr),
    }
}

fn audit_arch(cx: &mut Cx<'_>, arch: u64) {
    match arch as u32 {
        utrace_abi::ptrace::AUDIT_ARCH_X86_64 => cx.s("AUDIT_ARCH_X86_64"),
        utrace_abi::ptrace::AUDIT_ARCH_I386 => cx.s("AUDIT_ARCH_I386"),
        _ => {
            cx.hex(arch);
            cx.s(" /* AUDIT_ARCH_??? */");
        }
    }
}
