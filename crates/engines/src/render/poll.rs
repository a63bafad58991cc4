//! Waiting for descriptors: `poll`, `select`, `epoll`.

use super::cx::{Bytes, Cx};
use super::flags::flags;
use utrace_abi::flags as f;

/// `[{fd=3, events=POLLIN}]`.
pub(super) fn poll_fds(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.array::<8>(addr, count & 0xffff_ffff, |cx, p| {
        cx.s("{fd=");
        cx.fd(p.i32(0));
        if p.i32(0) >= 0 {
            cx.s(", events=");
            flags(cx, u64::from(p.u16(4)), &f::POLL);
        }
        cx.s("}");
    });
}

/// Most descriptors that are looked at for a result; far above any limit on open files.
const POLL_MAX: u64 = 1 << 16;

/// What follows the result of `poll`: `([{fd=3, revents=POLLIN}])` or `(Timeout)`.
pub(super) fn poll_result(cx: &mut Cx<'_>, ready: i64, addr: u64, count: u64) {
    if ready == 0 {
        return cx.s(" (Timeout)");
    }
    let start = cx.out.len();
    cx.s(" ([");
    let mut shown = 0;
    for index in 0..(count & 0xffff_ffff).min(POLL_MAX) {
        let Some(bytes) = cx.bytes::<8>(addr.wrapping_add(index * 8)) else {
            if shown > 0 {
                cx.s(", ");
            }
            shown += 1;
            cx.addr(addr.wrapping_add(index * 8));
            break;
        };
        let p = Bytes(bytes);
        if p.u16(6) == 0 {
            continue;
        }
        if shown > 0 {
            cx.s(", ");
        }
        if cx.abbreviated() && shown >= cx.options.string_limit {
            cx.s("...");
            break;
        }
        shown += 1;
        cx.s("{fd=");
        cx.dec(p.i32(0));
        cx.s(", revents=");
        flags(cx, u64::from(p.u16(6)), &f::POLL);
        cx.s("}");
    }
    if shown == 0 {
        return cx.out.truncate(start);
    }
    cx.s("])");
}

/// Size of `fd_set` and the most that `select` looks at here.
const FD_MAX: usize = 1024;

fn fd_set(cx: &mut Cx<'_>, addr: u64, count: u64) -> Option<([u8; FD_MAX / 8], usize)> {
    let fds = usize::try_from(count as i32).ok()?.min(FD_MAX);
    if fds == 0 {
        return None;
    }
    let size = fds.div_ceil(64) * 8;
    let mut bits = [0; FD_MAX / 8];
    (addr != 0 && cx.memory.read(addr, &mut bits[..size]) == size).then_some((bits, fds))
}

/// `[0 3 5]`.
pub(super) fn fds(cx: &mut Cx<'_>, addr: u64, count: u64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    match fd_set(cx, addr, count) {
        Some((bits, fds)) => {
            cx.s("[");
            members(cx, &bits, fds, Cx::fd);
            cx.s("]");
        }
        None => cx.addr(addr),
    }
}

fn members<'c>(cx: &mut Cx<'c>, bits: &[u8], fds: usize, show: impl Fn(&mut Cx<'c>, i64)) {
    let mut first = true;
    for fd in 0..fds {
        if bits.get(fd / 8).is_some_and(|byte| byte >> (fd % 8) & 1 == 1) {
            if !first {
                cx.s(" ");
            }
            first = false;
            show(cx, fd as i64);
        }
    }
}

/// What follows the result of `select`: `(in [3], left {tv_sec=1, tv_usec=0})` or `(Timeout)`.
pub(super) fn select_result(cx: &mut Cx<'_>, ready: i64, timeout: impl FnOnce(&mut Cx<'_>) -> bool) {
    if ready == 0 {
        return cx.s(" (Timeout)");
    }
    let start = cx.out.len();
    cx.s(" (");
    let empty = cx.out.len();
    for (index, name) in [(1, "in ["), (2, "out ["), (3, "except [")] {
        let addr = cx.arg(index);
        let Some((bits, fds)) = fd_set(cx, addr, cx.arg(0)) else { continue };
        if bits.iter().all(|byte| *byte == 0) {
            continue;
        }
        if cx.out.len() > empty {
            cx.s(", ");
        }
        cx.s(name);
        members(cx, &bits, fds, Cx::dec);
        cx.s("]");
    }
    let before = cx.out.len();
    if before > empty {
        cx.s(", ");
    }
    if !timeout(cx) {
        cx.out.truncate(before);
    }
    if cx.out.len() == empty {
        cx.out.truncate(start);
    } else {
        cx.s(")");
    }
}

/// `{events=EPOLLIN, data={u32=3, u64=3}}`; the structure is packed on x86.
pub(super) fn epoll_event<const N: usize>(cx: &mut Cx<'_>, e: &Bytes<N>) {
    cx.s("{events=");
    flags(cx, e.u32(0), &f::EPOLL_EVENT);
    cx.s(", data={u32=");
    cx.udec(e.u32(4));
    cx.s(", u64=");
    cx.udec(e.u64(4));
    cx.s("}}");
}

/// As many events as the call returned.
pub(super) fn epoll_events(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(count) => cx.array::<12>(addr, count.max(0) as u64, epoll_event),
        None => cx.addr(addr),
    }
}
