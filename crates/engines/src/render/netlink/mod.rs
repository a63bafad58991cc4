//! Netlink messages (netlink(7)): what passes through a netlink socket, taken apart.
//!
//! [`show`] is the entry. A buffer holds messages, each with a header, a fixed body and attributes. `attrs` walks
//! attributes by tables, [`route`] has bodies and tables of `NETLINK_ROUTE`, [`diag`] those of `NETLINK_SOCK_DIAG`; of other
//! families the header is shown, and the rest in hex. Neighbours: `message` and `arg` come here for data of
//! netlink sockets. All sizes come from the traced program and are checked.

mod attrs;
mod diag;
mod route;

#[cfg(test)]
mod tests;

use super::cx::Cx;
use super::flags::{choice, flags};
use super::strings::{End, quote};
use super::{Options, StringStyle};
use utrace_abi::{Errno, flags as f};

/// Families that are taken apart.
const ROUTE: u32 = 0;
const SOCK_DIAG: u32 = 4;
const KOBJECT_UEVENT: u32 = 15;

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;
/// Most bytes that are looked at.
const DATA_MAX: u64 = 1 << 17;

/// What something begins with of which several may follow each other: messages, attributes.
trait Head: Copy {
    /// Reads it; `None` if there is too little for one.
    fn of(data: &[u8]) -> Option<Self>;

    /// What begins with the next one, if there is one behind this, which `data` begins with.
    fn next(self, data: &[u8]) -> Option<&[u8]>;
}

/// `struct nlmsghdr`.
#[derive(Clone, Copy)]
struct Header {
    len: u32,
    kind: u16,
    flags: u16,
    seq: u32,
    pid: u32,
}

impl Head for Header {
    fn of(data: &[u8]) -> Option<Header> {
        let len = word(data, 0)?;
        let (kind, flags) = (half(data, 4)?, half(data, 6)?);
        Some(Header { len, kind, flags, seq: word(data, 8)?, pid: word(data, 12)? })
    }

    fn next(self, data: &[u8]) -> Option<&[u8]> {
        let step = (self.len as usize).checked_next_multiple_of(4)?;
        data.get(step..).filter(|rest| step >= HEADER && !rest.is_empty())
    }
}

/// The `len` bytes at `addr`, which went through a netlink socket of `family`.
pub(super) fn show(cx: &mut Cx<'_>, addr: u64, len: u64, family: u32) {
    if addr == 0 || len == 0 {
        return super::strings::buffer(cx, addr, len);
    }
    let mut data = vec![0; len.min(DATA_MAX) as usize];
    if cx.memory.read(addr, &mut data) < data.len() {
        return cx.addr(addr);
    }
    if family == KOBJECT_UEVENT && !data.starts_with(b"libudev\0") {
        return text(cx, &data);
    }
    messages(cx, &data, family);
}

/// Data of `sendto` and `recvfrom`, if it passes through a netlink socket; false, and nothing, if not.
///
/// Asking what a socket is costs two system calls, and nearly all that is sent is not netlink. What does not begin
/// with the length of a message is none.
pub(super) fn show_if(cx: &mut Cx<'_>, addr: u64, len: u64) -> bool {
    let begins = cx.u32_at(addr).is_some_and(|first| (HEADER as u64..=len).contains(&u64::from(first)));
    if len < HEADER as u64 || !begins {
        return false;
    }
    let fd = cx.arg(0) as i32;
    let Some(family) = cx.memory.netlink_family(fd) else { return false };
    show(cx, addr, len, family);
    true
}

/// Shows one after another with `show`, which is given all that `data` still has; brackets around them if there are
/// several.
fn series<H: Head>(cx: &mut Cx<'_>, data: &[u8], show: impl Fn(&mut Cx<'_>, H, &[u8])) {
    let mut rest = data;
    let mut listed = false;
    for count in 0.. {
        let Some(head) = H::of(rest) else {
            hex(cx, rest);
            break;
        };
        let next = head.next(rest);
        if next.is_some() && !listed {
            cx.s("[");
            listed = true;
        }
        if cx.abbreviated() && count == cx.options.string_limit {
            cx.s("...");
            break;
        }
        show(cx, head, rest);
        let Some(next) = next else { break };
        cx.s(", ");
        rest = next;
    }
    if listed {
        cx.s("]");
    }
}

fn messages(cx: &mut Cx<'_>, data: &[u8], family: u32) {
    series(cx, data, |cx, header, rest| message(cx, header, rest, family));
}

/// One message: `{header}`, or `[{header}, body]`.
fn message(cx: &mut Cx<'_>, header: Header, data: &[u8], family: u32) {
    let end = (header.len as usize).min(data.len());
    let body = data.get(HEADER..end).unwrap_or_default();
    if body.is_empty() {
        return show_header(cx, header, family);
    }
    cx.s("[");
    show_header(cx, header, family);
    cx.s(", ");
    show_body(cx, header, body, family);
    cx.s("]");
}

fn show_header(cx: &mut Cx<'_>, header: Header, family: u32) {
    cx.s("{nlmsg_len=");
    cx.udec(u64::from(header.len));
    cx.s(", nlmsg_type=");
    kind(cx, header.kind, family);
    cx.s(", nlmsg_flags=");
    flags(cx, u64::from(header.flags), flag_names(header.kind, family));
    cx.s(", nlmsg_seq=");
    cx.udec(u64::from(header.seq));
    cx.s(", nlmsg_pid=");
    cx.int(u64::from(header.pid));
    cx.s("}");
}

/// The first number that a family gives its own messages.
const FIRST_OWN: u16 = 16;

fn kind(cx: &mut Cx<'_>, kind: u16, family: u32) {
    let set = match family {
        ROUTE if kind >= FIRST_OWN => &f::RTM,
        SOCK_DIAG if kind >= FIRST_OWN => &f::SOCK_DIAG,
        _ => &f::NLMSG,
    };
    choice(cx, u64::from(kind), set);
}

/// What the flags of a message mean depends on what it asks for.
fn flag_names(kind: u16, family: u32) -> &'static f::NameSet {
    const ERROR: u16 = 2;
    match (family, kind, kind & 3) {
        (_, ERROR, _) => &f::NLM_F_ACKS,
        (_, ..FIRST_OWN, _) => &f::NLM_F,
        (ROUTE, _, 0 | 3) => &f::NLM_F_NEW,
        (ROUTE, _, 1) => &f::NLM_F_DELETE,
        (ROUTE | SOCK_DIAG, ..) => &f::NLM_F_GET,
        _ => &f::NLM_F,
    }
}

fn show_body(cx: &mut Cx<'_>, header: Header, body: &[u8], family: u32) {
    match (family, header.kind) {
        (_, 2) => error(cx, header, body, family),
        (_, 3) if body.len() >= 4 => cx.int(u64::from(word(body, 0).unwrap_or(0))),
        (_, ..FIRST_OWN) => hex(cx, body),
        (ROUTE, kind) => route::body(cx, kind, body),
        (SOCK_DIAG, kind) => diag::body(cx, kind, header.flags, body),
        _ => hex(cx, body),
    }
}

/// `NLM_F_CAPPED`: of the message that was refused only the header came back.
const CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: attributes say more.
const ACK_TLVS: u16 = 0x200;

/// `{error=-ENODEV, msg=[…]}`: an errno, and the message that it is about.
fn error(cx: &mut Cx<'_>, header: Header, body: &[u8], family: u32) {
    let (Some(number), Some(refused)) = (word(body, 0), body.get(4..)) else { return hex(cx, body) };
    cx.s("{error=");
    let number = number.cast_signed();
    match u16::try_from(number.unsigned_abs()).ok().and_then(|errno| Errno(errno).name()) {
        Some(name) if number < 0 => {
            cx.s("-");
            cx.s(name);
        }
        _ => cx.dec(i64::from(number)),
    }
    if refused.is_empty() {
        return cx.s("}");
    }
    cx.s(", msg=");
    let Some(inner) = Header::of(refused) else {
        hex(cx, refused);
        return cx.s("}");
    };
    let end = match header.flags & CAPPED {
        0 => (inner.len as usize).clamp(HEADER, refused.len()),
        _ => HEADER,
    };
    message(cx, inner, refused.get(..end).unwrap_or(refused), family);
    cx.s("}");
    let said = refused.get(end.next_multiple_of(4)..).unwrap_or_default();
    if header.flags & ACK_TLVS != 0 && !said.is_empty() {
        cx.s(", ");
        attrs::show(cx, said, &attrs::SAID, 0);
    }
}

/// Bytes that nobody knows, in hex.
fn hex(cx: &mut Cx<'_>, data: &[u8]) {
    let options = Options { strings: StringStyle::Hex, ..*cx.options };
    let outcome = cx.outcome;
    let mut hex = Cx { options: &options, call: cx.call, memory: cx.memory, out: cx.out, outcome, saved: 0 };
    text(&mut hex, data);
}

/// Bytes as a string.
fn text(cx: &mut Cx<'_>, data: &[u8]) {
    let shown = data.len().min(cx.options.string_limit);
    let end = if shown < data.len() { End::More } else { End::Whole };
    quote(cx, data.get(..shown).unwrap_or(data), end);
}

fn half(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn long(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}
