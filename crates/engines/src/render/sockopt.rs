//! Values of socket options, by level and option.

use super::cx::Cx;
use super::net::{inet_addr, inet_pton6};
use super::strings::buffer;
use utrace_abi::Errno;

const SOL_SOCKET: u32 = 1;
const SOL_IP: u32 = 0;
const SOL_TCP: u32 = 6;
const SOL_IPV6: u32 = 41;
const SOL_PACKET: u32 = 263;
const SOL_NETLINK: u32 = 270;

/// The value that `setsockopt` passes, `len` bytes long.
pub(super) fn value_in(cx: &mut Cx<'_>, addr: u64, len: i64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    let (level, option) = (cx.arg(1) as u32, cx.arg(2) as u32);
    let known = matches!(level, SOL_SOCKET | SOL_IP | SOL_TCP | SOL_IPV6 | SOL_PACKET | SOL_NETLINK);
    if len < 0 && known {
        return cx.addr(addr);
    }
    match (level, option) {
        _ if !known && len != 4 => buffer(cx, addr, u64::from(len as u32)),
        (SOL_SOCKET, 13) => linger(cx, addr, len),
        (SOL_SOCKET, 26 | 51) => filter(cx, addr, len),
        (SOL_IP, 35 | 36) if len >= 8 => membership(cx, addr),
        (SOL_IPV6, 20 | 21 | 27 | 28) if len >= 20 => membership6(cx, addr),
        _ if textual(level, option) || bulky(level, option) => buffer(cx, addr, len as u64),
        _ if len < 4 => cx.addr(addr),
        _ if len == 4 || integral(level, option) => number(cx, addr),
        _ => buffer(cx, addr, len as u64),
    }
}

/// The value that `getsockopt` filled; its length stands behind `len_addr`, its room was `room`.
pub(super) fn value_out(cx: &mut Cx<'_>, addr: u64, len_addr: u64, room: u64) {
    let length = if cx.failed() { None } else { cx.u32_at(len_addr) };
    let Some(len) = length else { return cx.addr(addr) };
    let len = i64::from(len as i32).min(i64::from(room as i32));
    if addr == 0 || len < 0 {
        return cx.addr(addr);
    }
    let (level, option) = (cx.arg(1) as u32, cx.arg(2) as u32);
    match (level, option) {
        (SOL_SOCKET, 13) => linger(cx, addr, len),
        (SOL_SOCKET, 17) if len >= 12 => credentials(cx, addr),
        (SOL_SOCKET, 4) if len >= 4 => error(cx, addr),
        (SOL_SOCKET, 26) => cx.addr(addr),
        _ if textual(level, option) => buffer(cx, addr, len as u64),
        _ if len == 4 => number(cx, addr),
        _ => buffer(cx, addr, len as u64),
    }
}

/// Options whose value is text.
fn textual(level: u32, option: u32) -> bool {
    matches!((level, option), (SOL_SOCKET, 25 | 31) | (SOL_TCP, 13 | 31))
}

/// Options whose value is a structure that is not taken apart.
fn bulky(level: u32, option: u32) -> bool {
    matches!((level, option), (SOL_SOCKET, 17 | 20 | 21 | 66 | 67) | (SOL_TCP, 11))
}

/// Options whose value is a number even where more room was given.
fn integral(level: u32, option: u32) -> bool {
    match level {
        SOL_SOCKET => !bulky(level, option),
        SOL_IP => matches!(option, 1..=15),
        SOL_TCP => matches!(option, 1..=10 | 12 | 16..=18),
        SOL_IPV6 => matches!(option, 16 | 18 | 19 | 23..=26),
        SOL_PACKET | SOL_NETLINK => false,
        _ => false,
    }
}

fn number(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<4>(addr, |cx, value| {
        cx.s("[");
        cx.dec(value.i32(0));
        cx.s("]");
    });
}

fn error(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<4>(addr, |cx, value| {
        cx.s("[");
        match u16::try_from(value.i32(0)).ok().and_then(|number| Errno(number).name()) {
            Some(name) => cx.s(name),
            None => cx.dec(value.i32(0)),
        }
        cx.s("]");
    });
}

fn linger(cx: &mut Cx<'_>, addr: u64, len: i64) {
    if len < 8 {
        return cx.addr(addr);
    }
    cx.object::<8>(addr, |cx, linger| {
        cx.s("{l_onoff=");
        cx.dec(linger.i32(0));
        cx.s(", l_linger=");
        cx.dec(linger.i32(4));
        cx.s("}");
    });
}

fn credentials(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<12>(addr, |cx, cred| {
        cx.s("{pid=");
        cx.dec(cred.i32(0));
        cx.s(", uid=");
        cx.udec(cred.u32(4));
        cx.s(", gid=");
        cx.udec(cred.u32(8));
        cx.s("}");
    });
}

/// `struct sock_fprog`; the instructions are not shown.
pub(super) fn filter(cx: &mut Cx<'_>, addr: u64, len: i64) {
    if len < 16 {
        return cx.addr(addr);
    }
    cx.object::<16>(addr, |cx, prog| {
        cx.s("{len=");
        cx.udec(u64::from(prog.u16(0)));
        cx.s(", filter=");
        cx.addr(prog.u64(8));
        cx.s("}");
    });
}

fn membership(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<8>(addr, |cx, m| {
        cx.s("{imr_multiaddr=");
        inet_addr(cx, m.u32(0));
        cx.s(", imr_interface=");
        inet_addr(cx, m.u32(4));
        cx.s("}");
    });
}

fn membership6(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<20>(addr, |cx, m| {
        cx.s("{");
        inet_pton6(cx, m, 0, "&ipv6mr_multiaddr");
        cx.s(", ipv6mr_interface=");
        super::net::interface(cx, m.u32(16));
        cx.s("}");
    });
}
