//! Attributes: `[{nla_len=8, nla_type=IFLA_MTU}, 65536]`, one or many, one inside another.
//!
//! Key types: [`Table`], which names the attributes of one place and says what each holds; [`Kind`], what an
//! attribute can hold. Knows no message.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt::Write as _;

use super::super::cx::{Cx, push_radix};
use super::super::flags::{choice, flags};
use super::super::net::interface;
use super::{Head, half, hex, long, series, text, word};
use utrace_abi::flags::{self as f, NameSet};

/// The attributes of one place.
pub(super) struct Table {
    /// Their names.
    pub(super) names: &'static NameSet,
    /// What they hold, by number; others are shown in hex.
    pub(super) kinds: &'static [(u16, Kind)],
}

/// What an attribute holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    U8,
    U16,
    U32,
    U64,
    S32,
    /// A port, in network order.
    Be16,
    /// Text that ends with its NUL.
    Text,
    /// `02:00:00:00:00:01`
    Mac,
    /// The number of an interface.
    Interface,
    /// An address of the message's family.
    Address,
    /// 32 bits of a set.
    Flags(&'static NameSet),
    /// One value, in eight bits.
    Choice8(&'static NameSet),
    /// Attributes again.
    Nest(&'static Table),
    /// Attributes again, which have the number of an address family.
    PerFamily(&'static [(u16, &'static Table)]),
    /// Numbers of 32 or 64 bits with names, as one structure.
    Record(&'static [Field]),
    /// What only a function can show; false if it cannot either.
    Own(fn(&mut Cx<'_>, &[u8], u8) -> bool),
}

/// A field of a structure: name, offset, size.
pub(super) type Field = (&'static str, usize, usize);

/// What is said of an error.
pub(super) static SAID: Table = Table { names: &f::NLMSGERR_ATTR, kinds: &[(1, Kind::Text), (2, Kind::U32)] };

/// Size of `struct nlattr`.
const HEADER: usize = 4;

/// Attributes one after another, of a message about addresses of `family`.
pub(super) fn show(cx: &mut Cx<'_>, data: &[u8], table: &Table, family: u8) {
    list(cx, data, |cx, number, body| one(cx, number, body, table, family));
}

/// Walks attributes; `each` shows one with its header.
fn list(cx: &mut Cx<'_>, data: &[u8], each: impl Fn(&mut Cx<'_>, Header, &[u8])) {
    series(cx, data, |cx, header: Header, rest| {
        let body = rest.get(HEADER..usize::from(header.len).min(rest.len())).unwrap_or_default();
        each(cx, header, body);
    });
}

/// `struct nlattr`.
#[derive(Clone, Copy)]
struct Header {
    len: u16,
    number: u16,
}

impl Head for Header {
    fn of(data: &[u8]) -> Option<Header> {
        Some(Header { len: half(data, 0)?, number: half(data, 2)? })
    }

    fn next(self, data: &[u8]) -> Option<&[u8]> {
        let step = usize::from(self.len).next_multiple_of(4);
        data.get(step..).filter(|next| usize::from(self.len) >= HEADER && !next.is_empty())
    }
}

/// Bits of an attribute's number that are not part of it.
const NESTED: u16 = 0x8000;
const BYTE_ORDER: u16 = 0x4000;

fn one(cx: &mut Cx<'_>, header: Header, body: &[u8], table: &Table, family: u8) {
    with_header(cx, header, table.names, body, |cx, number| {
        let kind = table.kinds.iter().find(|(known, _)| *known == number).map(|(_, kind)| *kind);
        if !kind.is_some_and(|kind| value(cx, kind, body, family)) {
            hex(cx, body);
        }
    });
}

/// `{nla_len=…, nla_type=…}` alone, or with what `show` makes of the body.
fn with_header(
    cx: &mut Cx<'_>,
    header: Header,
    names: &NameSet,
    body: &[u8],
    show: impl FnOnce(&mut Cx<'_>, u16),
) {
    let number = header.number & !(NESTED | BYTE_ORDER);
    if !body.is_empty() {
        cx.s("[");
    }
    cx.s("{nla_len=");
    cx.udec(u64::from(header.len));
    cx.s(", nla_type=");
    if header.number & NESTED != 0 {
        cx.s("NLA_F_NESTED|");
    }
    if header.number & BYTE_ORDER != 0 {
        cx.s("NLA_F_NET_BYTEORDER|");
    }
    choice(cx, u64::from(number), names);
    cx.s("}");
    if !body.is_empty() {
        cx.s(", ");
        show(cx, number);
        cx.s("]");
    }
}

/// Shows a value; false, and nothing, if it is too short for its kind.
fn value(cx: &mut Cx<'_>, kind: Kind, body: &[u8], family: u8) -> bool {
    let (w8, w16) = (body.first().copied(), half(body, 0));
    let w32 = word(body, 0);
    match kind {
        Kind::U8 => number(cx, w8.map(u64::from)),
        Kind::U16 => number(cx, w16.map(u64::from)),
        Kind::U32 => number(cx, w32.map(u64::from)),
        Kind::U64 => number(cx, long(body, 0)),
        Kind::S32 => w32.map(|value| cx.int(u64::from(value))).is_some(),
        Kind::Be16 => {
            let port = w16.map(|port| u64::from(u16::from_be(port)));
            port.map(|port| {
                cx.s("htons(");
                cx.udec(port);
                cx.s(")");
            })
            .is_some()
        }
        Kind::Text => {
            text(cx, body.split(|byte| *byte == 0).next().unwrap_or_default());
            true
        }
        Kind::Mac => mac(cx, body),
        Kind::Interface => w32.map(|index| interface(cx, u64::from(index))).is_some(),
        Kind::Address => address(cx, body, family),
        Kind::Flags(set) => w32.map(|value| flags(cx, u64::from(value), set)).is_some(),
        Kind::Choice8(set) => w8.map(|value| choice(cx, u64::from(value), set)).is_some(),
        Kind::Nest(table) => {
            show(cx, body, table, family);
            true
        }
        Kind::PerFamily(tables) => {
            list(cx, body, |cx, header, body| {
                with_header(cx, header, &f::AF, body, |cx, number| {
                    match tables.iter().find(|(family, _)| *family == number) {
                        Some((_, table)) => show(cx, body, table, number as u8),
                        None => hex(cx, body),
                    }
                });
            });
            true
        }
        Kind::Record(fields) => record(cx, body, fields),
        Kind::Own(show) => show(cx, body, family),
    }
}

/// Numbers that have a name by their place: `[[SK_MEMINFO_RCVBUF]=131072, [9 /* SK_MEMINFO_??? */]=0]`. Names that
/// count from `first` are shown as what they are less that.
pub(super) fn places(
    cx: &mut Cx<'_>,
    names: &NameSet,
    first: u64,
    values: impl Iterator<Item = i64>,
) -> bool {
    let start = cx.out.len();
    for (place, value) in values.enumerate() {
        cx.s(if place == 0 { "[" } else { ", " });
        if cx.abbreviated() && place == cx.options.string_limit {
            cx.s("...");
            break;
        }
        cx.s("[");
        match names.name(place as u64 + first) {
            Some(name) => cx.s(name),
            None => {
                cx.udec(place as u64 + first);
                cx.comment(names.unknown.unwrap_or("???"));
            }
        }
        if first > 0 {
            cx.s("-");
            cx.udec(first);
        }
        cx.s("]=");
        cx.dec(value);
    }
    let some = cx.out.len() > start;
    if some {
        cx.s("]");
    }
    some
}

/// 32-bit numbers, signed.
pub(super) fn signed(data: &[u8]) -> impl Iterator<Item = i64> {
    data.chunks_exact(4).filter_map(|four| word(four, 0)).map(|value| i64::from(value.cast_signed()))
}

/// 32-bit numbers.
pub(super) fn words(data: &[u8]) -> impl Iterator<Item = i64> {
    data.chunks_exact(4).filter_map(|four| word(four, 0)).map(i64::from)
}

/// 64-bit numbers.
pub(super) fn longs(data: &[u8]) -> impl Iterator<Item = i64> {
    data.chunks_exact(8).filter_map(|eight| long(eight, 0)).map(u64::cast_signed)
}

fn number(cx: &mut Cx<'_>, value: Option<u64>) -> bool {
    value.map(|value| cx.udec(value)).is_some()
}

/// `{a=1, b=2}`, as far as the bytes go; nothing if not even the first field is there.
pub(super) fn record(cx: &mut Cx<'_>, body: &[u8], fields: &[Field]) -> bool {
    let read = |(_, at, size): &Field| match size {
        1 => body.get(*at).copied().map(u64::from),
        2 => half(body, *at).map(u64::from),
        4 => word(body, *at).map(u64::from),
        _ => long(body, *at),
    };
    let known = fields.iter().take_while(|field| read(field).is_some()).count();
    if known == 0 {
        return false;
    }
    for (at, field) in fields.iter().take(known).enumerate() {
        cx.s(if at == 0 { "{" } else { ", " });
        cx.s(field.0);
        cx.s("=");
        cx.udec(read(field).unwrap_or(0));
    }
    cx.s("}");
    true
}

/// `02:00:00:00:00:01`
fn mac(cx: &mut Cx<'_>, body: &[u8]) -> bool {
    for (at, byte) in body.iter().take(32).enumerate() {
        if at > 0 {
            cx.s(":");
        }
        push_radix(cx.out, u64::from(*byte), 16, 2);
    }
    true
}

/// `inet_addr("127.0.0.1")` or `inet_pton(AF_INET6, "::1")`.
pub(super) fn address(cx: &mut Cx<'_>, body: &[u8], family: u8) -> bool {
    // String's writer cannot fail.
    match family {
        2 => body.first_chunk::<4>().map(|raw| {
            let _ = write!(cx.out, "inet_addr(\"{}\")", Ipv4Addr::from(*raw));
        }),
        10 => body.first_chunk::<16>().map(|raw| {
            let _ = write!(cx.out, "inet_pton(AF_INET6, \"{}\")", Ipv6Addr::from(*raw));
        }),
        _ => None,
    }
    .is_some()
}
