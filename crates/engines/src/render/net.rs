//! Socket addresses and messages.

use super::cx::{Bytes, Cx, push_radix};
use super::flags::{choice, choice32, flags};
use super::strings::{End, Vector, iovec, quote};
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

/// Which way a message goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Sent.
    Out,
    /// Received, with the length that was returned; `name_room` was there for the address.
    In {
        /// Valid bytes of the vector.
        filled: u64,
        /// Room for the address at entry.
        name_room: u64,
    },
}

/// `struct msghdr`.
pub(super) fn msghdr(cx: &mut Cx<'_>, addr: u64, way: Way) {
    cx.object::<56>(addr, |cx, m| show_msghdr(cx, m, way));
}

/// `recvmsg`: only the room for the address is known after a failure.
pub(super) fn msghdr_out(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(filled) => {
            let way = Way::In { filled: filled.max(0) as u64, name_room: cx.saved };
            msghdr(cx, addr, way);
        }
        None => cx.object_always::<56>(addr, |cx, m| {
            cx.s("{msg_namelen=");
            cx.int(m.u32(8));
            cx.s("}");
        }),
    }
}

fn show_msghdr<const N: usize>(cx: &mut Cx<'_>, m: &Bytes<N>, way: Way) {
    let name_len = m.u32(8);
    cx.s("{msg_name=");
    let valid = match way {
        Way::Out => i64::from(name_len as i32),
        Way::In { name_room, .. } => i64::from(name_len as i32).min(i64::from(name_room as i32)),
    };
    sockaddr(cx, m.u64(0), valid);
    cx.s(", msg_namelen=");
    if let Way::In { name_room, .. } = way
        && name_room != name_len
    {
        cx.int(name_room);
        cx.s(" => ");
    }
    cx.int(name_len);
    cx.s(", msg_iov=");
    let vector = match way {
        Way::Out => Vector::Data,
        Way::In { filled, .. } => Vector::Filled(filled),
    };
    iovec(cx, m.u64(16), m.u64(24), vector);
    cx.s(", msg_iovlen=");
    cx.udec(m.u64(24));
    if m.u64(40) != 0 {
        cx.s(", msg_control=");
        control(cx, m.u64(32), m.u64(40));
    }
    cx.s(", msg_controllen=");
    cx.udec(m.u64(40));
    cx.s(", msg_flags=");
    flags(cx, m.u32(48), &f::MSG);
    cx.s("}");
}

/// Longest control buffer looked at.
const CONTROL_MAX: u64 = 1 << 16;

fn control(cx: &mut Cx<'_>, addr: u64, len: u64) {
    const HEADER: usize = 16;
    if addr == 0 || len < HEADER as u64 {
        return cx.addr(addr);
    }
    let mut raw = vec![0; len.min(CONTROL_MAX) as usize];
    if cx.memory.read(addr, &mut raw) < raw.len() {
        return cx.addr(addr);
    }
    cx.s("[");
    let mut rest = &raw[..];
    let mut first = true;
    while let Some(header) = rest.first_chunk::<HEADER>() {
        let header = Bytes(*header);
        if !first {
            cx.s(", ");
        }
        first = false;
        let claimed = header.u64(0);
        let size = usize::try_from(claimed).unwrap_or(usize::MAX).min(rest.len());
        let data = rest.get(HEADER..size).unwrap_or_default();
        control_message(cx, claimed, header.u32(8), header.u32(12), data);
        let Some(step) = size.max(HEADER).checked_next_multiple_of(8) else { break };
        match rest.get(step..) {
            Some(next) if claimed >= HEADER as u64 && !next.is_empty() => rest = next,
            _ => break,
        }
    }
    if rest.len() < HEADER && !rest.is_empty() {
        cx.s(", ...");
    }
    cx.s("]");
}

fn control_message(cx: &mut Cx<'_>, len: u64, level: u64, kind: u64, data: &[u8]) {
    cx.s("{cmsg_len=");
    cx.udec(len);
    cx.s(", cmsg_level=");
    choice32(cx, level, &f::SOL);
    cx.s(", cmsg_type=");
    match level {
        1 => choice32(cx, kind, &f::SCM),
        0 => choice32(cx, kind, &f::CMSG_IP),
        _ => cx.hex(kind),
    }
    if !data.is_empty() {
        cx.s(", cmsg_data=");
        control_data(cx, level, kind, data);
    }
    cx.s("}");
}

fn control_data(cx: &mut Cx<'_>, level: u64, kind: u64, data: &[u8]) {
    let word = |at: usize| {
        data.get(at * 4..at * 4 + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
    };
    let long = |at: usize| i64::from(word(2 * at)) | i64::from(word(2 * at + 1) as i32) << 32;
    match (level, kind) {
        (1, 1) => numbers(cx, data, Cx::fd),
        (1, 2) if data.len() >= 12 => {
            cx.s("{pid=");
            cx.int(u64::from(word(0)));
            cx.s(", uid=");
            cx.udec(u64::from(word(1)));
            cx.s(", gid=");
            cx.udec(u64::from(word(2)));
            cx.s("}");
        }
        (1, 29 | 35) if data.len() >= 16 => {
            cx.s("{tv_sec=");
            cx.dec(long(0));
            cx.s(if kind == 29 { ", tv_usec=" } else { ", tv_nsec=" });
            cx.dec(long(1));
            cx.s("}");
        }
        (0, 8) if data.len() >= 12 => {
            cx.s("{ipi_ifindex=");
            interface(cx, u64::from(word(0)));
            cx.s(", ipi_spec_dst=");
            inet_addr(cx, u64::from(word(1)));
            cx.s(", ipi_addr=");
            inet_addr(cx, u64::from(word(2)));
            cx.s("}");
        }
        (0, 2) => numbers(cx, data, Cx::dec),
        (0, 1) => {
            cx.s("[");
            cx.hex(u64::from(data[0]));
            cx.s("]");
        }
        _ => {
            let shown = data.len().min(cx.options.string_limit);
            quote(cx, &data[..shown], if shown < data.len() { End::More } else { End::Whole });
        }
    }
}

fn numbers<'c>(cx: &mut Cx<'c>, data: &[u8], show: impl Fn(&mut Cx<'c>, i64)) {
    cx.s("[");
    for (at, four) in data.chunks_exact(4).enumerate() {
        if at > 0 {
            cx.s(", ");
        }
        let value = four.try_into().map_or(0, i32::from_le_bytes);
        show(cx, i64::from(value));
    }
    cx.s("]");
}

/// `sendmmsg` and `recvmmsg`: messages up to the count, lengths for those done.
pub(super) fn mmsghdr(cx: &mut Cx<'_>, addr: u64, count: u64, sent: bool) {
    let Some(done) = cx.returned() else {
        return if sent { mmsg_array(cx, addr, count, 0, true) } else { cx.addr(addr) };
    };
    let done = done.max(0) as u64;
    mmsg_array(cx, addr, if sent { count } else { done }, done, sent);
}

fn mmsg_array(cx: &mut Cx<'_>, addr: u64, count: u64, done: u64, sent: bool) {
    let mut index = 0;
    cx.array::<64>(addr, count & 0xffff_ffff, |cx, m| {
        let len = m.u32(56);
        cx.s("{msg_hdr=");
        let way = if sent { Way::Out } else { Way::In { filled: len, name_room: m.u32(8) } };
        show_msghdr(cx, m, way);
        if index < done {
            cx.s(", msg_len=");
            cx.udec(len);
        }
        cx.s("}");
        index += 1;
    });
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
