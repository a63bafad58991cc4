//! Socket addresses, and lengths and descriptors that come with them.

use super::cx::{Bytes, Cx, push_radix};
use super::flags::choice;
use super::strings::{End, quote};
use utrace_abi::flags as f;

/// Size of `struct sockaddr_storage`: nothing beyond it is looked at.
const STORAGE: usize = 128;

/// The address of `len` bytes at `addr`; the bare pointer if the length makes no sense.
pub(super) fn sockaddr(cx: &mut Cx<'_>, addr: u64, len: i64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    if len < 2 {
        return cx.addr(addr);
    }
    let len = (len as usize).min(STORAGE);
    let mut raw = [0; STORAGE];
    if cx.memory.read(addr, &mut raw[..len]) < len {
        return cx.addr(addr);
    }
    show_sockaddr(cx, &Bytes(raw), len);
}

fn show_sockaddr(cx: &mut Cx<'_>, a: &Bytes<STORAGE>, len: usize) {
    let family = u64::from(a.u16(0));
    cx.s("{sa_family=");
    choice(cx, family, &f::AF);
    match family {
        _ if len == 2 => {}
        1 => unix(cx, a, len),
        2 if len >= 16 => inet(cx, a),
        10 if len >= 24 => inet6(cx, a, len),
        16 if len >= 12 => {
            if a.u16(2) != 0 {
                cx.s(", nl_pad=");
                cx.hex(u64::from(a.u16(2)));
            }
            cx.s(", nl_pid=");
            cx.int(a.u32(4));
            cx.s(", nl_groups=");
            group_mask(cx, a.u32(8));
        }
        17 if len >= 20 => packet(cx, a),
        40 if len >= 16 => {
            cx.s(", svm_cid=");
            vsock_cid(cx, a.u32(8));
            cx.s(", svm_port=");
            cx.hex(a.u32(4));
            if a.u8(12) != 0 {
                cx.s(", svm_flags=");
                cx.hex(u64::from(a.u8(12)));
            } else {
                cx.s(", svm_flags=0");
            }
        }
        _ => {
            cx.s(", sa_data=");
            quote(cx, &a.0[2..len], End::Whole);
        }
    }
    cx.s("}");
}

fn vsock_cid(cx: &mut Cx<'_>, cid: u64) {
    match cid {
        0 => cx.s("VMADDR_CID_HYPERVISOR"),
        1 => cx.s("VMADDR_CID_LOCAL"),
        2 => cx.s("VMADDR_CID_HOST"),
        0xffff_ffff => cx.s("VMADDR_CID_ANY"),
        _ => cx.hex(cid),
    }
}

/// `%#08x` of C: eight characters with the prefix, zeros alone for zero.
fn group_mask(cx: &mut Cx<'_>, mask: u64) {
    if mask == 0 {
        return cx.s("00000000");
    }
    cx.s("0x");
    push_radix(cx.out, mask, 16, 6);
}

fn unix(cx: &mut Cx<'_>, a: &Bytes<STORAGE>, len: usize) {
    let path = &a.0[2..len.min(110)];
    if path[0] == 0 && path.len() > 1 {
        cx.s(", sun_path=@");
        return quote(cx, &path[1..], End::Whole);
    }
    cx.s(", sun_path=");
    let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
    quote(cx, &path[..end], End::Whole);
}

fn port(cx: &mut Cx<'_>, name: &str, raw: u16) {
    cx.s(name);
    cx.udec(u64::from(raw.swap_bytes()));
    cx.s(")");
}

fn inet(cx: &mut Cx<'_>, a: &Bytes<STORAGE>) {
    port(cx, ", sin_port=htons(", a.u16(2));
    cx.s(", sin_addr=");
    inet_addr(cx, a.u32(4));
}

/// `inet_addr("127.0.0.1")` of four bytes in network order, read as a little-endian word.
pub(super) fn inet_addr(cx: &mut Cx<'_>, word: u64) {
    cx.s("inet_addr(\"");
    for (at, byte) in (word as u32).to_le_bytes().into_iter().enumerate() {
        if at > 0 {
            cx.s(".");
        }
        cx.udec(u64::from(byte));
    }
    cx.s("\")");
}

fn inet6(cx: &mut Cx<'_>, a: &Bytes<STORAGE>, len: usize) {
    port(cx, ", sin6_port=htons(", a.u16(2));
    cx.s(", sin6_flowinfo=htonl(");
    cx.udec(u64::from((a.u32(4) as u32).swap_bytes()));
    cx.s("), ");
    inet_pton6(cx, a, 8, "&sin6_addr");
    if len < 28 {
        return;
    }
    cx.s(", sin6_scope_id=");
    let scope = a.u32(24);
    let link_local = a.u8(8) == 0xfe && a.u8(9) & 0xc0 == 0x80 || a.u8(8) == 0xff && a.u8(9) & 0xf == 2;
    if link_local { interface(cx, scope) } else { cx.udec(scope) }
}

/// `inet_pton(AF_INET6, "::1", &field)`.
pub(super) fn inet_pton6<const N: usize>(cx: &mut Cx<'_>, bytes: &Bytes<N>, at: usize, field: &str) {
    use core::fmt::Write;
    let mut raw = [0; 16];
    for (offset, byte) in raw.iter_mut().enumerate() {
        *byte = bytes.u8(at + offset);
    }
    let _ = write!(cx.out, "inet_pton(AF_INET6, \"{}\", {field})", core::net::Ipv6Addr::from(raw));
}

/// `if_nametoindex("lo")`, or the number where the name is not known.
pub(super) fn interface(cx: &mut Cx<'_>, index: u64) {
    let start = cx.out.len();
    cx.s("if_nametoindex(\"");
    if index != 0 && cx.memory.interface_name(index as u32, cx.out) {
        cx.s("\")");
    } else {
        cx.out.truncate(start);
        cx.udec(index);
    }
}

fn packet(cx: &mut Cx<'_>, a: &Bytes<STORAGE>) {
    cx.s(", sll_protocol=htons(");
    choice(cx, u64::from(a.u16(2).swap_bytes()), &f::ETH_P);
    cx.s("), sll_ifindex=");
    interface(cx, a.u32(4));
    cx.s(", sll_hatype=");
    choice(cx, u64::from(a.u16(8)), &f::ARPHRD);
    cx.s(", sll_pkttype=");
    choice(cx, u64::from(a.u8(10)), &f::PKT);
    let len = usize::from(a.u8(11));
    cx.s(", sll_halen=");
    cx.udec(len as u64);
    if len > 0 {
        cx.s(", sll_addr=[");
        for at in 0..len.min(8) {
            if at > 0 {
                cx.s(", ");
            }
            cx.s("0x");
            push_radix(cx.out, u64::from(a.u8(12 + at)), 16, 2);
        }
        cx.s(if len > 8 { ", ...]" } else { "]" });
    }
}

/// An address that the kernel wrote; its length stands at `len_addr`, its room was `room`.
pub(super) fn sockaddr_out(cx: &mut Cx<'_>, addr: u64, len_addr: u64, room: u64) {
    if cx.failed() {
        return cx.addr(addr);
    }
    match cx.u32_at(len_addr) {
        Some(len) => sockaddr(cx, addr, i64::from(len as i32).min(i64::from(room as i32))),
        None => cx.addr(addr),
    }
}

/// `[110 => 16]`: room and length; a bare address where no address was `wanted`.
pub(super) fn length(cx: &mut Cx<'_>, addr: u64, room: u64, wanted: bool) {
    let Some(now) = cx.u32_at(addr).filter(|_| wanted) else { return cx.addr(addr) };
    cx.s("[");
    if !cx.failed() && u64::from(now) != room & 0xffff_ffff {
        cx.int(room);
        cx.s(" => ");
        cx.int(u64::from(now));
    } else {
        cx.int(room);
    }
    cx.s("]");
}

/// `[4, 5]`: two descriptors in memory.
pub(super) fn fd_pair(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<8>(addr, |cx, pair| {
        cx.s("[");
        cx.fd(pair.i32(0));
        cx.s(", ");
        cx.fd(pair.i32(4));
        cx.s("]");
    });
}
