//! `NETLINK_SOCK_DIAG` (sock_diag(7)): questions about sockets, and answers.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::fmt::Write as _;

use super::super::Detail;
use super::super::cx::Cx;
use super::super::flags::{choice, flags};
use super::super::net::interface;
use super::attrs::{self, Kind, Table};
use super::{half, hex, text, word};
use utrace_abi::flags as f;

const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_NETLINK: u8 = 16;

/// `SOCK_DIAG_BY_FAMILY` and `SOCK_DESTROY`.
const BY_FAMILY: u16 = 20;
const DESTROY: u16 = 21;
/// `NLM_F_REQUEST`: a question.
const REQUEST: u16 = 1;

/// The body of a message of this kind.
pub(super) fn body(cx: &mut Cx<'_>, kind: u16, message_flags: u16, data: &[u8]) {
    let family = data.first().copied().unwrap_or(0);
    let asks = message_flags & REQUEST != 0;
    let shown = match (kind, family, asks) {
        (BY_FAMILY | DESTROY, AF_INET | AF_INET6, true) => question(cx, data, family),
        (BY_FAMILY | DESTROY, AF_INET | AF_INET6, false) => answer(cx, data, family),
        (BY_FAMILY, AF_UNIX, true) => unix_question(cx, data),
        (BY_FAMILY, AF_UNIX, false) => unix_answer(cx, data),
        (BY_FAMILY, AF_NETLINK, true) => netlink_question(cx, data),
        (BY_FAMILY, AF_NETLINK, false) => netlink_answer(cx, data),
        _ => None,
    };
    match shown {
        None => hex(cx, data),
        Some((size, table)) => {
            if let Some(rest) = data.get(size..).filter(|rest| !rest.is_empty()) {
                cx.s(", ");
                attrs::show(cx, rest, table, family);
            }
        }
    }
}

/// Where attributes begin, and which.
type Shown = Option<(usize, &'static Table)>;

/// `struct inet_diag_req_v2`.
fn question(cx: &mut Cx<'_>, data: &[u8], family: u8) -> Shown {
    const SIZE: usize = 56;
    data.get(..SIZE)?;
    start(cx, "{sdiag_family=", family);
    cx.s(", sdiag_protocol=");
    choice(cx, u64::from(data[1]), &f::IPPROTO);
    cx.s(", idiag_ext=");
    extensions(cx, data[2]);
    cx.s(", idiag_states=");
    states(cx, word(data, 4)?);
    cx.s(", id=");
    socket(cx, data.get(8..)?, family)?;
    cx.s("}");
    Some((SIZE, &ASKED))
}

/// `struct inet_diag_msg`.
fn answer(cx: &mut Cx<'_>, data: &[u8], family: u8) -> Shown {
    const SIZE: usize = 72;
    data.get(..SIZE)?;
    start(cx, "{idiag_family=", family);
    cx.s(", idiag_state=");
    choice(cx, u64::from(data[1]), &f::TCP_STATE);
    for (name, value) in [(", idiag_timer=", data[2]), (", idiag_retrans=", data[3])] {
        cx.s(name);
        cx.udec(u64::from(value));
    }
    cx.s(", id=");
    socket(cx, data.get(4..)?, family)?;
    let rest =
        [(", idiag_expires=", 52), (", idiag_rqueue=", 56), (", idiag_wqueue=", 60), (", idiag_uid=", 64)];
    for (name, at) in rest.into_iter().chain([(", idiag_inode=", 68)]) {
        cx.s(name);
        cx.udec(u64::from(word(data, at)?));
    }
    cx.s("}");
    Some((SIZE, &TOLD))
}

fn start(cx: &mut Cx<'_>, name: &str, family: u8) {
    cx.s(name);
    choice(cx, u64::from(family), &f::AF);
}

/// `struct inet_diag_sockid`.
fn socket(cx: &mut Cx<'_>, data: &[u8], family: u8) -> Option<()> {
    for (name, at) in [("{idiag_sport=htons(", 0), ("), idiag_dport=htons(", 2)] {
        cx.s(name);
        cx.udec(u64::from(u16::from_be(half(data, at)?)));
    }
    cx.s("), ");
    for (name, at) in [("idiag_src", 4), ("idiag_dst", 20)] {
        let raw: [u8; 16] = data.get(at..at + 16)?.try_into().ok()?;
        let [a, b, c, d, ..] = raw;
        match family {
            AF_INET => write!(cx.out, "{name}=inet_addr(\"{}\"), ", Ipv4Addr::new(a, b, c, d)).ok()?,
            _ => write!(cx.out, "inet_pton(AF_INET6, \"{}\", &{name}), ", Ipv6Addr::from(raw)).ok()?,
        }
    }
    cx.s("idiag_if=");
    interface(cx, u64::from(word(data, 36)?));
    cx.s(", idiag_cookie=[");
    cx.udec(u64::from(word(data, 40)?));
    cx.s(", ");
    cx.udec(u64::from(word(data, 44)?));
    cx.s("]}");
    Some(())
}

/// `1<<TCP_ESTABLISHED|1<<TCP_LISTEN`
fn states(cx: &mut Cx<'_>, bits: u32) {
    shifted(cx, bits, |place| f::TCP_STATE.name(place), 1);
}

/// `1<<(INET_DIAG_MEMINFO-1)|1<<(INET_DIAG_INFO-1)`
fn extensions(cx: &mut Cx<'_>, bits: u8) {
    let mut rest = u32::from(bits);
    let start = cx.out.len();
    for &(number, name) in f::INET_DIAG_ATTR.entries.iter().filter(|(number, _)| (1..=8).contains(number)) {
        let bit = 1 << (number - 1);
        if rest & bit != 0 {
            rest &= !bit;
            if cx.out.len() > start {
                cx.s("|");
            }
            cx.s("1<<(");
            cx.s(name);
            cx.s("-1)");
        }
    }
    remainder(cx, rest, start);
}

/// Bits by the names of their places, from place `first` on.
fn shifted(cx: &mut Cx<'_>, bits: u32, name: impl Fn(u64) -> Option<&'static str>, first: u32) {
    let (mut rest, start) = (bits, cx.out.len());
    for place in first..32 {
        if let Some(name) = name(u64::from(place)).filter(|_| rest & 1 << place != 0) {
            rest &= !(1 << place);
            if cx.out.len() > start {
                cx.s("|");
            }
            cx.s("1<<");
            cx.s(name);
        }
    }
    remainder(cx, rest, start);
}

fn remainder(cx: &mut Cx<'_>, rest: u32, start: usize) {
    let some = cx.out.len() > start;
    if rest != 0 || !some {
        if some {
            cx.s("|");
        }
        cx.hex(u64::from(rest));
    }
}

/// `struct unix_diag_req`.
fn unix_question(cx: &mut Cx<'_>, data: &[u8]) -> Shown {
    const SIZE: usize = 24;
    data.get(..SIZE)?;
    start(cx, "{sdiag_family=", AF_UNIX);
    cx.s(", sdiag_protocol=");
    cx.udec(u64::from(data[1]));
    cx.s(", udiag_states=");
    states(cx, word(data, 4)?);
    cx.s(", udiag_ino=");
    cx.udec(u64::from(word(data, 8)?));
    cx.s(", udiag_show=");
    flags(cx, u64::from(word(data, 12)?), &f::UDIAG_SHOW);
    cookie(cx, ", udiag_cookie=[", data, 16)?;
    Some((SIZE, &UNIX))
}

/// `struct unix_diag_msg`.
fn unix_answer(cx: &mut Cx<'_>, data: &[u8]) -> Shown {
    const SIZE: usize = 16;
    data.get(..SIZE)?;
    start(cx, "{udiag_family=", AF_UNIX);
    cx.s(", udiag_type=");
    choice(cx, u64::from(data[1]), &f::SOCK_TYPE);
    cx.s(", udiag_state=");
    choice(cx, u64::from(data[2]), &f::TCP_STATE);
    cx.s(", udiag_ino=");
    cx.udec(u64::from(word(data, 4)?));
    cookie(cx, ", udiag_cookie=[", data, 8)?;
    Some((SIZE, &UNIX))
}

/// `struct netlink_diag_req`.
fn netlink_question(cx: &mut Cx<'_>, data: &[u8]) -> Shown {
    const SIZE: usize = 20;
    const ALL: u8 = 0xff;
    data.get(..SIZE)?;
    start(cx, "{sdiag_family=", AF_NETLINK);
    cx.s(", sdiag_protocol=");
    match data[1] {
        ALL => cx.s("NDIAG_PROTO_ALL"),
        protocol => choice(cx, u64::from(protocol), &f::NETLINK_PROTO),
    }
    cx.s(", ndiag_ino=");
    cx.udec(u64::from(word(data, 4)?));
    cx.s(", ndiag_show=");
    flags(cx, u64::from(word(data, 8)?), &f::NDIAG_SHOW);
    cookie(cx, ", ndiag_cookie=[", data, 12)?;
    Some((SIZE, &NETLINK))
}

/// `struct netlink_diag_msg`.
fn netlink_answer(cx: &mut Cx<'_>, data: &[u8]) -> Shown {
    const SIZE: usize = 28;
    data.get(..SIZE)?;
    start(cx, "{ndiag_family=", AF_NETLINK);
    cx.s(", ndiag_type=");
    choice(cx, u64::from(data[1]), &f::SOCK_TYPE);
    cx.s(", ndiag_protocol=");
    choice(cx, u64::from(data[2]), &f::NETLINK_PROTO);
    cx.s(", ndiag_state=");
    choice(cx, u64::from(data[3]), &f::NETLINK_STATE);
    for (name, at) in
        [(", ndiag_portid=", 4), (", ndiag_dst_portid=", 8), (", ndiag_dst_group=", 12), (", ndiag_ino=", 16)]
    {
        cx.s(name);
        cx.udec(u64::from(word(data, at)?));
    }
    cookie(cx, ", ndiag_cookie=[", data, 20)?;
    Some((SIZE, &NETLINK))
}

/// The two words that end a question, and the brace.
fn cookie(cx: &mut Cx<'_>, name: &str, data: &[u8], at: usize) -> Option<()> {
    cx.s(name);
    cx.udec(u64::from(word(data, at)?));
    cx.s(", ");
    cx.udec(u64::from(word(data, at + 4)?));
    cx.s("]}");
    Some(())
}

/// Attributes of a question: a filter in bytecode.
static ASKED: Table = Table { names: &f::INET_DIAG_REQ_ATTR, kinds: &[] };

/// `INET_DIAG_…`
static TOLD: Table = Table {
    names: &f::INET_DIAG_ATTR,
    kinds: &[
        (
            1,
            Kind::Record(&[
                ("idiag_rmem", 0, 4),
                ("idiag_wmem", 4, 4),
                ("idiag_fmem", 8, 4),
                ("idiag_tmem", 12, 4),
            ]),
        ),
        (4, Kind::Text),
        (5, Kind::U8),
        (6, Kind::U8),
        (7, Kind::Own(memory)),
        (8, Kind::U8),
        (11, Kind::U8),
        (15, Kind::U32),
        (17, Kind::U32),
        (21, Kind::U64),
        (22, Kind::Own(options)),
    ],
};

/// `UNIX_DIAG_…`
static UNIX: Table = Table {
    names: &f::UNIX_DIAG_ATTR,
    kinds: &[
        (0, Kind::Own(name)),
        (1, Kind::Record(&[("udiag_vfs_ino", 0, 4), ("udiag_vfs_dev", 4, 4)])),
        (2, Kind::U32),
        (3, Kind::Own(inodes)),
        (4, Kind::Record(&[("udiag_rqueue", 0, 4), ("udiag_wqueue", 4, 4)])),
        (5, Kind::Own(memory)),
        (6, Kind::U8),
        (7, Kind::U32),
    ],
};

static NETLINK: Table = Table { names: &f::NETLINK_DIAG_ATTR, kinds: &[(0, Kind::Own(memory))] };

fn name(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    text(cx, data);
    true
}

fn inodes(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    cx.s("[");
    for (at, inode) in data.chunks_exact(4).filter_map(|four| word(four, 0)).enumerate() {
        if at > 0 {
            cx.s(", ");
        }
        cx.udec(u64::from(inode));
    }
    cx.s("]");
    true
}

/// `SK_MEMINFO_…` by place.
fn memory(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::places(cx, &f::SK_MEMINFO, 0, attrs::words(data))
}

/// `struct inet_diag_sockopt`, which is single bits; those that are set, unless all fields are asked for.
fn options(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    const BITS: [&str; 11] = [
        "recverr",
        "is_icsk",
        "freebind",
        "hdrincl",
        "mc_loop",
        "transparent",
        "mc_all",
        "nodefrag",
        "bind_address_no_port",
        "recverr_rfc4884",
        "defer_connect",
    ];
    let Some(word) = half(data, 0) else { return false };
    cx.s("{");
    let start = cx.out.len();
    let show = |cx: &mut Cx<'_>, name: &str, value: u16, always: bool| {
        if value == 0 && !always {
            return;
        }
        if cx.out.len() > start {
            cx.s(", ");
        }
        cx.s(name);
        cx.s("=");
        cx.udec(u64::from(value));
    };
    let all = cx.options.detail == Detail::Full;
    for (at, name) in BITS.into_iter().enumerate() {
        show(cx, name, word >> at & 1, all);
    }
    let unused = word >> BITS.len();
    show(cx, "unused", unused, all);
    if unused != 0 || all {
        cx.comment("bits 3..8");
    }
    cx.s("}");
    true
}
