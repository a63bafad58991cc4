//! Structures of rarer calls: asynchronous I/O, `io_uring`, landlock, mounts by attribute, segments.

use super::cx::{Bytes, Cx, push_radix};
use super::flags::{choice, flags};
use utrace_abi::flags as f;

/// Named fields of one structure: offset, name, and how to show them.
fn fields<const N: usize>(cx: &mut Cx<'_>, b: &Bytes<N>, list: &[(usize, &str)]) {
    for &(at, name) in list {
        cx.s(name);
        cx.udec(b.u32(at));
    }
}

/// `struct user_desc` of `modify_ldt` and `set_thread_area`.
pub(super) fn segment(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<16>(addr, |cx, desc| {
        cx.s("{entry_number=");
        cx.dec(desc.i32(0));
        cx.s(", base_addr=");
        padded_hex(cx, desc.u32(4), 6);
        cx.s(", limit=");
        padded_hex(cx, desc.u32(8), 6);
        let bits = desc.u32(12);
        for (shift, mask, name) in [
            (0, 1, ", seg_32bit="),
            (1, 3, ", contents="),
            (3, 1, ", read_exec_only="),
            (4, 1, ", limit_in_pages="),
            (5, 1, ", seg_not_present="),
            (6, 1, ", useable="),
            (7, 1, ", lm="),
        ] {
            if shift == 7 && cx.call.abi == utrace_abi::Abi::I386 {
                break;
            }
            cx.s(name);
            cx.udec(bits >> shift & mask);
        }
        cx.s("}");
    });
}

/// Hex of at least `width` digits after its prefix; zero is eight zeros, as C formats `%#08x`.
fn padded_hex(cx: &mut Cx<'_>, value: u64, width: usize) {
    if value == 0 {
        return cx.s("00000000");
    }
    cx.s("0x");
    push_radix(cx.out, value, 16, width);
}

/// `struct user_desc` that `get_thread_area` fills: only the number was there before.
pub(super) fn segment_out(cx: &mut Cx<'_>, addr: u64) {
    if !cx.failed() {
        return segment(cx, addr);
    }
    cx.object_always::<4>(addr, |cx, number| {
        cx.s("{entry_number=");
        cx.udec(number.u32(0));
        cx.s(", ...}");
    });
}

/// `struct iocb`.
pub(super) fn iocb(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<64>(addr, |cx, cb| {
        let op = u64::from(cb.u16(16));
        cx.s("{");
        if cb.u64(0) != 0 {
            cx.s("aio_data=");
            cx.hex(cb.u64(0));
            cx.s(", ");
        }
        if cb.u32(8) != 0 {
            cx.s("aio_key=");
            cx.udec(cb.u32(8));
            cx.s(", ");
        }
        if cb.u32(12) != 0 {
            cx.s("aio_rw_flags=");
            flags(cx, cb.u32(12), &f::RWF);
            cx.s(", ");
        }
        cx.s("aio_lio_opcode=");
        match f::IOCB_CMD.name(op) {
            Some(name) => cx.s(name),
            None => {
                cx.udec(op);
                cx.s(" /* IOCB_CMD_??? */");
            }
        }
        if cb.u16(18) != 0 {
            cx.s(", aio_reqprio=");
            cx.dec(i64::from(cb.u16(18) as i16));
        }
        cx.s(", aio_fildes=");
        cx.fd(cb.i32(20));
        if !cx.called("io_submit") {
            return cx.s("}");
        }
        match op {
            0 | 1 => {
                cx.s(", aio_buf=");
                if op == 1 {
                    super::strings::buffer(cx, cb.u64(24), cb.u64(32));
                } else {
                    cx.addr(cb.u64(24));
                }
                cx.s(", aio_nbytes=");
                cx.udec(cb.u64(32));
                cx.s(", aio_offset=");
                cx.dec(cb.i64(40));
            }
            7 | 8 => {
                cx.s(", aio_buf=");
                cx.addr(cb.u64(24));
                cx.s(", aio_nbytes=");
                cx.udec(cb.u64(32));
                cx.s(", aio_offset=");
                cx.dec(cb.i64(40));
            }
            _ => {}
        }
        cx.s("}");
    });
}

/// `struct iocb *` array of `io_submit`.
pub(super) fn iocbs(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.array::<8>(addr, count, |cx, pointer| {
        let target = pointer.u64(0);
        iocb(cx, target);
    });
}

/// As many `struct io_event` as the call returned.
pub(super) fn io_events(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(count) => cx.array::<32>(addr, count.max(0) as u64, io_event),
        None => cx.addr(addr),
    }
}

fn io_event<const N: usize>(cx: &mut Cx<'_>, event: &Bytes<N>) {
    cx.s("{data=");
    cx.hex(event.u64(0));
    cx.s(", obj=");
    cx.hex(event.u64(8));
    cx.s(", res=");
    cx.dec(event.i64(16));
    cx.s(", res2=");
    cx.dec(event.i64(24));
    cx.s("}");
}

/// The event that `io_cancel` writes.
pub(super) fn io_event_at(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<32>(addr, io_event);
}

/// `struct io_uring_params`; the offsets come back from the kernel.
pub(super) fn io_uring_params(cx: &mut Cx<'_>, addr: u64) {
    let Some(raw) = cx.bytes::<120>(addr) else { return cx.addr(addr) };
    let p = Bytes(raw);
    cx.s("{flags=");
    flags(cx, p.u32(8), &f::IORING_SETUP);
    cx.s(", sq_thread_cpu=");
    cx.hex(p.u32(12));
    fields(cx, &p, &[(16, ", sq_thread_idle=")]);
    if p.u32(8) & 0x20 != 0 {
        cx.s(", wq_fd=");
        cx.dec(p.i32(24));
    }
    if (0..3).any(|at| p.u32(28 + 4 * at) != 0) {
        cx.s(", resv=[");
        for at in 0..3 {
            cx.s(if at > 0 { ", " } else { "" });
            cx.hex(p.u32(28 + 4 * at));
        }
        cx.s("]");
    }
    if !cx.failed() {
        io_uring_offsets(cx, &p);
    }
    cx.s("}");
}

fn io_uring_offsets(cx: &mut Cx<'_>, p: &Bytes<120>) {
    fields(cx, p, &[(0, ", sq_entries="), (4, ", cq_entries=")]);
    cx.s(", features=");
    flags(cx, p.u32(20), &f::IORING_FEAT);
    cx.s(", sq_off={");
    fields(
        cx,
        p,
        &[
            (40, "head="),
            (44, ", tail="),
            (48, ", ring_mask="),
            (52, ", ring_entries="),
            (56, ", flags="),
            (60, ", dropped="),
            (64, ", array="),
        ],
    );
    reserved(cx, p.u32(68), p.u64(72));
    cx.s("}, cq_off={");
    fields(
        cx,
        p,
        &[
            (80, "head="),
            (84, ", tail="),
            (88, ", ring_mask="),
            (92, ", ring_entries="),
            (96, ", overflow="),
            (100, ", cqes="),
            (104, ", flags="),
        ],
    );
    reserved(cx, p.u32(108), p.u64(112));
    cx.s("}");
}

fn reserved(cx: &mut Cx<'_>, first: u64, second: u64) {
    for (value, name) in [(first, ", resv1="), (second, ", resv2=")] {
        if value != 0 {
            cx.s(name);
            cx.hex(value);
        }
    }
}

/// `struct mount_attr`.
pub(super) fn mount_attr(cx: &mut Cx<'_>, addr: u64, size: u64) {
    if size < 32 {
        return cx.addr(addr);
    }
    cx.object::<32>(addr, |cx, attr| {
        cx.s("{attr_set=");
        flags(cx, attr.u64(0), &f::MOUNT_ATTR);
        cx.s(", attr_clr=");
        flags(cx, attr.u64(8), &f::MOUNT_ATTR);
        cx.s(", propagation=");
        choice(cx, attr.u64(16), &f::MS_PROPAGATION);
        cx.s(", userns_fd=");
        cx.fd(i64::from(attr.u64(24) as i32));
        cx.s(if size > 32 { ", ...}" } else { "}" });
    });
}

/// `struct landlock_ruleset_attr`.
pub(super) fn landlock_ruleset(cx: &mut Cx<'_>, addr: u64, size: u64) {
    if size < 8 {
        return cx.addr(addr);
    }
    cx.object::<8>(addr, |cx, attr| {
        cx.s("{handled_access_fs=");
        flags(cx, attr.u64(0), &f::LANDLOCK_FS);
        cx.s(if size > 8 { ", ...}" } else { "}" });
    });
}

/// A landlock rule by its type in argument 1.
pub(super) fn landlock_rule(cx: &mut Cx<'_>, addr: u64) {
    if cx.arg(1) as u32 != 1 {
        return cx.addr(addr);
    }
    cx.object::<12>(addr, |cx, rule| {
        cx.s("{allowed_access=");
        flags(cx, rule.u64(0), &f::LANDLOCK_FS);
        cx.s(", parent_fd=");
        cx.fd(rule.i32(8));
        cx.s("}");
    });
}

/// `struct futex_waitv` array.
pub(super) fn futex_waitv(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.array::<24>(addr, count & 0xffff_ffff, |cx, waiter| {
        cx.s("{val=");
        cx.hex(waiter.u64(0));
        cx.s(", uaddr=");
        cx.addr(waiter.u64(8));
        cx.s(", flags=");
        let bits = waiter.u32(16);
        flags(cx, bits, &f::FUTEX2);
        if waiter.u32(20) != 0 {
            cx.s(", __reserved=");
            cx.hex(waiter.u32(20));
        }
        cx.s("}");
    });
}
