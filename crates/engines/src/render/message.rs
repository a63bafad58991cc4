//! Messages: `struct msghdr`, its control messages, and arrays of them.
//!
//! Addresses are shown by [`super::net`].

use super::cx::{Bytes, Cx};
use super::flags::{choice32, flags};
use super::net::{inet_addr, interface, sockaddr};
use super::netlink;
use super::strings::{End, Vector, iovec, iovec_of, quote};
use utrace_abi::flags as f;

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
    let (vectors, count) = (m.u64(16), m.u64(24));
    match netlink_family(cx, m.u64(0), valid) {
        Some(family) => {
            let show = |cx: &mut Cx<'_>, addr, len| netlink::show(cx, addr, len, family);
            iovec_of(cx, vectors, count, vector, show);
        }
        None => iovec(cx, vectors, count, vector),
    }
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

/// The family of the netlink socket that a message with this address passes through.
fn netlink_family(cx: &mut Cx<'_>, name: u64, len: i64) -> Option<u32> {
    const AF_NETLINK: [u8; 2] = 16_u16.to_le_bytes();
    let fd = cx.arg(0) as i32;
    (len >= 2 && cx.bytes(name) == Some(AF_NETLINK)).then(|| cx.memory.netlink_family(fd))?
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
