//! `NETLINK_ROUTE` (rtnetlink(7)): links, addresses, routes, neighbours, rules, queueing disciplines.
//!
//! Each message has a fixed body, shown here, and attributes, whose tables follow. Layouts are those of
//! <linux/rtnetlink.h> and its neighbours. Long because most of it is those tables, and a body means nothing without its own.

use super::super::cx::Cx;
use super::super::flags::{choice, flags};
use super::super::net::interface;
use super::attrs::{self, Field, Kind, Table};
use super::{half, hex, word};
use utrace_abi::flags::{self as f, NameSet};

/// The body of a message of this kind.
pub(super) fn body(cx: &mut Cx<'_>, kind: u16, data: &[u8]) {
    // Kinds come in groups of four: new, delete, get, set.
    let (shown, table) = match kind / 4 * 4 {
        16 => (fixed(cx, data, 16, "ifi_family", link), &LINK),
        20 => (fixed(cx, data, 8, "ifa_family", address), &ADDRESS),
        24 => (fixed(cx, data, 12, "rtm_family", route), &ROUTE),
        28 => (fixed(cx, data, 12, "ndm_family", neighbour), &NEIGHBOUR),
        32 => (fixed(cx, data, 12, "family", rule), &RULE),
        36 | 40 | 44 => (fixed(cx, data, 20, "tcm_family", discipline), &DISCIPLINE),
        64 => (fixed(cx, data, 4, "ndtm_family", |_, _| {}), &NEIGHBOURS),
        72 => (fixed(cx, data, 12, "ifal_family", label), &LABEL),
        80 => (fixed(cx, data, 4, "ncm_family", |_, _| {}), &SETTINGS),
        104 => (fixed(cx, data, 8, "nh_family", next_hop), &NEXT_HOP),
        _ => return hex(cx, data),
    };
    // The attributes follow, aligned to four bytes.
    let family = data.first().copied().unwrap_or(0);
    if let Some(rest) = shown.and_then(|size| data.get(size..)).filter(|rest| !rest.is_empty()) {
        cx.s(", ");
        attrs::show(cx, rest, table, family);
    }
}

/// A fixed body of `size` bytes, which begins with a family; only that, if the rest is missing. Answers where
/// attributes begin.
fn fixed(
    cx: &mut Cx<'_>,
    data: &[u8],
    size: usize,
    name: &str,
    show: fn(&mut Cx<'_>, &[u8]),
) -> Option<usize> {
    cx.s("{");
    cx.s(name);
    cx.s("=");
    choice(cx, u64::from(data.first().copied().unwrap_or(0)), &f::AF);
    let whole = data.len() >= size;
    if whole {
        show(cx, data);
    } else {
        cx.s(", ...");
    }
    cx.s("}");
    whole.then_some(size)
}

fn link(cx: &mut Cx<'_>, data: &[u8]) {
    named(cx, ", ifi_type=", u64::from(half(data, 2).unwrap_or(0)), &f::ARPHRD);
    index(cx, ", ifi_index=", data, 4);
    bits(cx, ", ifi_flags=", word(data, 8), &f::IFF_LINK);
    match word(data, 12) {
        Some(u32::MAX) => cx.s(", ifi_change=0xffffffff"),
        change => bits(cx, ", ifi_change=", change, &f::IFF_LINK),
    }
}

fn address(cx: &mut Cx<'_>, data: &[u8]) {
    byte(cx, ", ifa_prefixlen=", data, 1);
    bits(cx, ", ifa_flags=", data.get(2).copied().map(u32::from), &f::IFA_F);
    number_or_name(cx, ", ifa_scope=", data, 3, &f::RT_SCOPE);
    index(cx, ", ifa_index=", data, 4);
}

fn route(cx: &mut Cx<'_>, data: &[u8]) {
    byte(cx, ", rtm_dst_len=", data, 1);
    byte(cx, ", rtm_src_len=", data, 2);
    cx.s(", rtm_tos=");
    cx.hex(u64::from(data.get(3).copied().unwrap_or(0)));
    number_or_name(cx, ", rtm_table=", data, 4, &f::RT_TABLE);
    number_or_name(cx, ", rtm_protocol=", data, 5, &f::RTPROT);
    number_or_name(cx, ", rtm_scope=", data, 6, &f::RT_SCOPE);
    named(cx, ", rtm_type=", u64::from(data.get(7).copied().unwrap_or(0)), &f::RTN);
    bits(cx, ", rtm_flags=", word(data, 8), &f::RTM_F);
}

fn neighbour(cx: &mut Cx<'_>, data: &[u8]) {
    index(cx, ", ndm_ifindex=", data, 4);
    bits(cx, ", ndm_state=", half(data, 8).map(u32::from), &f::NUD);
    bits(cx, ", ndm_flags=", data.get(10).copied().map(u32::from), &f::NTF);
    named(cx, ", ndm_type=", u64::from(data.get(11).copied().unwrap_or(0)), &f::RTN);
}

fn rule(cx: &mut Cx<'_>, data: &[u8]) {
    byte(cx, ", dst_len=", data, 1);
    byte(cx, ", src_len=", data, 2);
    cx.s(", tos=");
    cx.hex(u64::from(data.get(3).copied().unwrap_or(0)));
    number_or_name(cx, ", table=", data, 4, &f::RT_TABLE);
    named(cx, ", action=", u64::from(data.get(7).copied().unwrap_or(0)), &f::FR_ACT);
    bits(cx, ", flags=", word(data, 8), &f::FIB_RULE);
}

fn discipline(cx: &mut Cx<'_>, data: &[u8]) {
    index(cx, ", tcm_ifindex=", data, 4);
    for (name, at) in [(", tcm_handle=", 8), (", tcm_parent=", 12), (", tcm_info=", 16)] {
        cx.s(name);
        cx.udec(u64::from(word(data, at).unwrap_or(0)));
    }
}

fn label(cx: &mut Cx<'_>, data: &[u8]) {
    byte(cx, ", ifal_prefixlen=", data, 2);
    byte(cx, ", ifal_flags=", data, 3);
    index(cx, ", ifal_index=", data, 4);
    cx.s(", ifal_seq=");
    cx.udec(u64::from(word(data, 8).unwrap_or(0)));
}

fn next_hop(cx: &mut Cx<'_>, data: &[u8]) {
    number_or_name(cx, ", nh_scope=", data, 1, &f::RT_SCOPE);
    number_or_name(cx, ", nh_protocol=", data, 2, &f::RTPROT);
    bits(cx, ", nh_flags=", word(data, 4), &f::RTNH_F);
}

fn byte(cx: &mut Cx<'_>, name: &str, data: &[u8], at: usize) {
    cx.s(name);
    cx.udec(u64::from(data.get(at).copied().unwrap_or(0)));
}

fn index(cx: &mut Cx<'_>, name: &str, data: &[u8], at: usize) {
    cx.s(name);
    interface(cx, u64::from(word(data, at).unwrap_or(0)));
}

fn named(cx: &mut Cx<'_>, name: &str, value: u64, set: &NameSet) {
    cx.s(name);
    choice(cx, value, set);
}

/// One value of eight bits, of which many have no name.
fn number_or_name(cx: &mut Cx<'_>, name: &str, data: &[u8], at: usize, set: &NameSet) {
    let value = u64::from(data.get(at).copied().unwrap_or(0));
    cx.s(name);
    if set.name(value).is_some() { choice(cx, value, set) } else { cx.udec(value) }
}

fn bits(cx: &mut Cx<'_>, name: &str, value: Option<u32>, set: &NameSet) {
    cx.s(name);
    flags(cx, u64::from(value.unwrap_or(0)), set);
}

/// `IFLA_…`
static LINK: Table = Table {
    names: &f::IFLA,
    kinds: &[
        (1, Kind::Mac),
        (2, Kind::Mac),
        (3, Kind::Text),
        (4, Kind::U32),
        (5, Kind::U32),
        (6, Kind::Text),
        (7, Kind::Record(STATS)),
        (10, Kind::U32),
        (13, Kind::U32),
        (14, Kind::Record(MAP)),
        (15, Kind::U32),
        (16, Kind::U8),
        (17, Kind::U8),
        (18, Kind::Nest(&LINK_INFO)),
        (19, Kind::U32),
        (20, Kind::Text),
        (21, Kind::U32),
        (23, Kind::Record(STATS64)),
        (26, Kind::PerFamily(&[(2, &LINK_INET), (10, &LINK_INET6)])),
        (27, Kind::U32),
        (28, Kind::U32),
        (29, Kind::Flags(&f::RTEXT_FILTER)),
        (30, Kind::U32),
        (31, Kind::U32),
        (32, Kind::U32),
        (33, Kind::U8),
        (35, Kind::U32),
        (37, Kind::S32),
        (38, Kind::Text),
        (39, Kind::U8),
        (40, Kind::U32),
        (41, Kind::U32),
        (43, Kind::Nest(&LINK_XDP)),
        (44, Kind::U32),
        (45, Kind::S32),
        (46, Kind::S32),
        (47, Kind::U32),
        (48, Kind::U32),
        (49, Kind::Interface),
        (50, Kind::U32),
        (51, Kind::U32),
        (52, Kind::Nest(&LINK)),
        (53, Kind::Text),
        (54, Kind::Mac),
        (56, Kind::Text),
        (57, Kind::Text),
        (58, Kind::U32),
        (59, Kind::U32),
        (60, Kind::U32),
        (61, Kind::U32),
    ],
};

/// `IFLA_INFO_…`: what is asked about a kind of link is its own, and shown in hex.
static LINK_INFO: Table = Table { names: &f::IFLA_INFO_ATTR, kinds: &[(1, Kind::Text), (4, Kind::Text)] };

static LINK_XDP: Table = Table {
    names: &f::IFLA_XDP_ATTR,
    kinds: &[
        (1, Kind::S32),
        (2, Kind::Choice8(&f::XDP_ATTACHED)),
        (3, Kind::U32),
        (4, Kind::U32),
        (5, Kind::U32),
        (6, Kind::U32),
        (7, Kind::U32),
    ],
};

static LINK_INET: Table = Table { names: &f::IFLA_INET_ATTR, kinds: &[(1, Kind::Own(settings4))] };

static LINK_INET6: Table = Table {
    names: &f::IFLA_INET6_ATTR,
    kinds: &[
        (1, Kind::Flags(&f::INET6_IF)),
        (2, Kind::Own(settings6)),
        (3, Kind::Own(counters)),
        (5, Kind::Record(CACHE6)),
        (6, Kind::Own(icmp_counters)),
        (7, Kind::Own(token)),
        (8, Kind::Choice8(&f::ADDR_GEN_MODE)),
        (9, Kind::U32),
    ],
};

const CACHE6: &[Field] =
    &[("max_reasm_len", 0, 4), ("tstamp", 4, 4), ("reachable_time", 8, 4), ("retrans_time", 12, 4)];

const MAP: &[Field] = &[
    ("mem_start", 0, 8),
    ("mem_end", 8, 8),
    ("base_addr", 16, 8),
    ("irq", 24, 2),
    ("dma", 26, 1),
    ("port", 27, 1),
];

/// `[[IPV4_DEVCONF_FORWARDING-1]=0, …]`: numbered from one, stored from zero.
fn settings4(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::places(cx, &f::IPV4_DEVCONF, 1, attrs::signed(data))
}

/// `[[DEVCONF_FORWARDING]=0, …]`
fn settings6(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::places(cx, &f::IPV6_DEVCONF, 0, attrs::signed(data))
}

fn counters(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::places(cx, &f::IPSTATS_MIB, 0, attrs::longs(data))
}

fn icmp_counters(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::places(cx, &f::ICMP6_MIB, 0, attrs::longs(data))
}

/// An IPv6 address, whatever the family of the message.
fn token(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    attrs::address(cx, data, 10)
}

/// `IFA_…`
static ADDRESS: Table = Table {
    names: &f::IFA_ATTR,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Text),
        (4, Kind::Address),
        (5, Kind::Address),
        (
            6,
            Kind::Record(&[("ifa_prefered", 0, 4), ("ifa_valid", 4, 4), ("cstamp", 8, 4), ("tstamp", 12, 4)]),
        ),
        (7, Kind::Address),
        (8, Kind::Flags(&f::IFA_F)),
        (9, Kind::U32),
        (10, Kind::S32),
    ],
};

/// `RTA_…`
static ROUTE: Table = Table {
    names: &f::RTA_ATTR,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Interface),
        (4, Kind::Interface),
        (5, Kind::Address),
        (6, Kind::U32),
        (7, Kind::Address),
        (8, Kind::Nest(&METRICS)),
        (9, Kind::Own(hops)),
        (11, Kind::U32),
        (12, Kind::Record(ROUTE_CACHE)),
        (15, Kind::Own(table)),
        (16, Kind::U32),
        (19, Kind::Address),
        (20, Kind::U8),
        (21, Kind::U16),
        (23, Kind::U64),
        (25, Kind::U32),
        (26, Kind::U8),
        (27, Kind::U8),
        (28, Kind::Be16),
        (29, Kind::Be16),
        (30, Kind::U32),
    ],
};

const ROUTE_CACHE: &[Field] = &[
    ("rta_clntref", 0, 4),
    ("rta_lastuse", 4, 4),
    ("rta_expires", 8, 4),
    ("rta_error", 12, 4),
    ("rta_used", 16, 4),
    ("rta_id", 20, 4),
    ("rta_ts", 24, 4),
    ("rta_tsage", 28, 4),
];

static METRICS: Table = Table {
    names: &f::RTAX_ATTR,
    kinds: &[
        (1, Kind::U32),
        (2, Kind::U32),
        (3, Kind::U32),
        (4, Kind::U32),
        (5, Kind::U32),
        (6, Kind::U32),
        (7, Kind::U32),
        (8, Kind::U32),
        (9, Kind::U32),
        (10, Kind::U32),
        (11, Kind::U32),
        (12, Kind::Flags(&f::RTAX_FEATURE)),
        (13, Kind::U32),
        (14, Kind::U32),
        (15, Kind::U32),
        (16, Kind::Text),
        (17, Kind::U32),
    ],
};

/// The number of a table, which mostly has a name.
fn table(cx: &mut Cx<'_>, data: &[u8], _family: u8) -> bool {
    let Some(value) = word(data, 0).map(u64::from) else { return false };
    if f::RT_TABLE.name(value).is_some() {
        choice(cx, value, &f::RT_TABLE);
    } else {
        cx.udec(value);
    }
    true
}

/// `struct rtnexthop`, several, each with attributes of its own.
fn hops(cx: &mut Cx<'_>, data: &[u8], family: u8) -> bool {
    const HEADER: usize = 8;
    if data.len() < HEADER {
        return false;
    }
    let mut rest = data;
    cx.s("[");
    while let (Some(len), true) = (half(rest, 0), rest.len() >= HEADER) {
        if rest.len() < data.len() {
            cx.s(", ");
        }
        let end = usize::from(len).clamp(HEADER, rest.len());
        cx.s("{rtnh_len=");
        cx.udec(u64::from(len));
        bits(cx, ", rtnh_flags=", rest.get(2).copied().map(u32::from), &f::RTNH_F);
        byte(cx, ", rtnh_hops=", rest, 3);
        index(cx, ", rtnh_ifindex=", rest, 4);
        cx.s("}");
        if let Some(inner) = rest.get(HEADER..end).filter(|inner| !inner.is_empty()) {
            cx.s(", ");
            attrs::show(cx, inner, &ROUTE, family);
        }
        rest = rest.get(end.next_multiple_of(4)..).unwrap_or_default();
    }
    cx.s("]");
    true
}

/// `NDA_…`
static NEIGHBOUR: Table = Table {
    names: &f::NDA_ATTR,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Mac),
        (
            3,
            Kind::Record(&[
                ("ndm_confirmed", 0, 4),
                ("ndm_used", 4, 4),
                ("ndm_updated", 8, 4),
                ("ndm_refcnt", 12, 4),
            ]),
        ),
        (4, Kind::U32),
        (5, Kind::U16),
        (6, Kind::Be16),
        (7, Kind::U32),
        (8, Kind::Interface),
        (9, Kind::Interface),
        (10, Kind::U32),
        (11, Kind::U32),
        (12, Kind::Choice8(&f::RTPROT)),
        (13, Kind::U32),
    ],
};

/// `FRA_…`
static RULE: Table = Table {
    names: &f::FRA_ATTR,
    kinds: &[
        (1, Kind::Address),
        (2, Kind::Address),
        (3, Kind::Text),
        (4, Kind::U32),
        (6, Kind::U32),
        (10, Kind::U32),
        (11, Kind::U32),
        (13, Kind::U32),
        (14, Kind::U32),
        (15, Kind::Own(table)),
        (16, Kind::U32),
        (17, Kind::Text),
        (19, Kind::U8),
        (20, Kind::Record(&[("start", 0, 4), ("end", 4, 4)])),
        (21, Kind::Choice8(&f::RTPROT)),
        (22, Kind::U8),
        (23, Kind::Record(&[("start", 0, 2), ("end", 2, 2)])),
        (24, Kind::Record(&[("start", 0, 2), ("end", 2, 2)])),
    ],
};

/// `NETCONFA_…`
static SETTINGS: Table = Table {
    names: &f::NETCONFA,
    kinds: &[
        (1, Kind::Interface),
        (2, Kind::S32),
        (3, Kind::S32),
        (4, Kind::S32),
        (5, Kind::S32),
        (6, Kind::S32),
        (7, Kind::S32),
        (8, Kind::S32),
    ],
};

/// `IFAL_…`
static LABEL: Table = Table { names: &f::IFAL, kinds: &[(1, Kind::Address), (2, Kind::U32)] };

/// `NHA_…`
static NEXT_HOP: Table = Table {
    names: &f::NHA,
    kinds: &[(1, Kind::U32), (3, Kind::U16), (5, Kind::Interface), (6, Kind::Address), (10, Kind::U32)],
};

/// `NDTA_…`
static NEIGHBOURS: Table = Table {
    names: &f::NDTA,
    kinds: &[
        (1, Kind::Text),
        (2, Kind::U32),
        (3, Kind::U32),
        (4, Kind::U32),
        (5, Kind::Record(NEIGHBOURS_CONFIG)),
        (6, Kind::Nest(&NEIGHBOURS_PARAMETERS)),
        (7, Kind::Record(NEIGHBOURS_STATS)),
        (8, Kind::U64),
    ],
};

const NEIGHBOURS_CONFIG: &[Field] = &[
    ("ndtc_key_len", 0, 2),
    ("ndtc_entry_size", 2, 2),
    ("ndtc_entries", 4, 4),
    ("ndtc_last_flush", 8, 4),
    ("ndtc_last_rand", 12, 4),
    ("ndtc_hash_rnd", 16, 4),
    ("ndtc_hash_mask", 20, 4),
    ("ndtc_hash_chain_gc", 24, 4),
    ("ndtc_proxy_qlen", 28, 4),
];

const NEIGHBOURS_STATS: &[Field] = &[
    ("ndts_allocs", 0, 8),
    ("ndts_destroys", 8, 8),
    ("ndts_hash_grows", 16, 8),
    ("ndts_res_failed", 24, 8),
    ("ndts_lookups", 32, 8),
    ("ndts_hits", 40, 8),
    ("ndts_rcv_probes_mcast", 48, 8),
    ("ndts_rcv_probes_ucast", 56, 8),
    ("ndts_periodic_gc_runs", 64, 8),
    ("ndts_forced_gc_runs", 72, 8),
    ("ndts_table_fulls", 80, 8),
];

/// `NDTPA_…`
static NEIGHBOURS_PARAMETERS: Table = Table {
    names: &f::NDTPA,
    kinds: &[
        (1, Kind::Interface),
        (2, Kind::U32),
        (3, Kind::U64),
        (4, Kind::U64),
        (5, Kind::U64),
        (6, Kind::U64),
        (7, Kind::U64),
        (8, Kind::U32),
        (9, Kind::U32),
        (10, Kind::U32),
        (11, Kind::U64),
        (12, Kind::U64),
        (13, Kind::U64),
        (14, Kind::U32),
        (15, Kind::U64),
        (16, Kind::U32),
        (17, Kind::U32),
    ],
};

/// `TCA_…`
static DISCIPLINE: Table = Table {
    names: &f::TCA_ATTR,
    kinds: &[
        (1, Kind::Text),
        (3, Kind::Record(DISCIPLINE_STATS)),
        (7, Kind::Nest(&DISCIPLINE_STATS2)),
        (11, Kind::Text),
        (12, Kind::U8),
        (13, Kind::U32),
        (14, Kind::U32),
    ],
};

const DISCIPLINE_STATS: &[Field] = &[
    ("bytes", 0, 8),
    ("packets", 8, 4),
    ("drops", 12, 4),
    ("overlimits", 16, 4),
    ("bps", 20, 4),
    ("pps", 24, 4),
    ("qlen", 28, 4),
    ("backlog", 32, 4),
];

/// `TCA_STATS_…`
static DISCIPLINE_STATS2: Table = Table {
    names: &f::TCA_STATS_ATTR,
    kinds: &[
        (1, Kind::Record(&[("bytes", 0, 8), ("packets", 8, 4)])),
        (2, Kind::Record(&[("bps", 0, 4), ("pps", 4, 4)])),
        (
            3,
            Kind::Record(&[
                ("qlen", 0, 4),
                ("backlog", 4, 4),
                ("drops", 8, 4),
                ("requeues", 12, 4),
                ("overlimits", 16, 4),
            ]),
        ),
        (5, Kind::Record(&[("bps", 0, 8), ("pps", 8, 8)])),
    ],
};

/// `struct rtnl_link_stats64`.
const STATS64: &[Field] = &stats::<8>();
/// `struct rtnl_link_stats`, which has no last field.
const STATS: &[Field] = &stats::<4>();

/// The counters of a link, each of `SIZE` bytes.
const fn stats<const SIZE: usize>() -> [Field; 25] {
    const NAMES: [&str; 25] = [
        "rx_packets",
        "tx_packets",
        "rx_bytes",
        "tx_bytes",
        "rx_errors",
        "tx_errors",
        "rx_dropped",
        "tx_dropped",
        "multicast",
        "collisions",
        "rx_length_errors",
        "rx_over_errors",
        "rx_crc_errors",
        "rx_frame_errors",
        "rx_fifo_errors",
        "rx_missed_errors",
        "tx_aborted_errors",
        "tx_carrier_errors",
        "tx_fifo_errors",
        "tx_heartbeat_errors",
        "tx_window_errors",
        "rx_compressed",
        "tx_compressed",
        "rx_nohandler",
        "rx_otherhost_dropped",
    ];
    let mut all = [("", 0, SIZE); 25];
    let mut at = 0;
    while at < all.len() {
        all[at] = (NAMES[at], at * SIZE, SIZE);
        at += 1;
    }
    all
}
