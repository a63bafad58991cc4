//! Netlink: message types, flags and attributes of routing and of socket monitoring.
//!
//! A flat table, which is why it is one long file; values are those of the kernel headers, order and names those of
//! strace 6.1. No logic.

use super::NameSet;

/// Control messages, which all families have.
#[rustfmt::skip]
pub static NLMSG: NameSet = NameSet { zero: None, unknown: Some("NLMSG_???"), entries: &[
    (1, "NLMSG_NOOP"), (2, "NLMSG_ERROR"), (3, "NLMSG_DONE"), (4, "NLMSG_OVERRUN"),
] };

/// Flags of every message.
#[rustfmt::skip]
pub static NLM_F: NameSet = NameSet { zero: None, unknown: Some("NLM_F_???"), entries: &[
    (1, "NLM_F_REQUEST"), (2, "NLM_F_MULTI"), (4, "NLM_F_ACK"), (8, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"), (0x20, "NLM_F_DUMP_FILTERED"),
] };

/// And of those that ask.
#[rustfmt::skip]
pub static NLM_F_GET: NameSet = NameSet { zero: None, unknown: Some("NLM_F_???"), entries: &[
    (1, "NLM_F_REQUEST"), (2, "NLM_F_MULTI"), (4, "NLM_F_ACK"), (8, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"), (0x20, "NLM_F_DUMP_FILTERED"), (0x300, "NLM_F_DUMP"), (0x100, "NLM_F_ROOT"),
    (0x200, "NLM_F_MATCH"), (0x400, "NLM_F_ATOMIC"),
] };

/// Of those that make or change something.
#[rustfmt::skip]
pub static NLM_F_NEW: NameSet = NameSet { zero: None, unknown: Some("NLM_F_???"), entries: &[
    (1, "NLM_F_REQUEST"), (2, "NLM_F_MULTI"), (4, "NLM_F_ACK"), (8, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"), (0x20, "NLM_F_DUMP_FILTERED"), (0x100, "NLM_F_REPLACE"),
    (0x200, "NLM_F_EXCL"), (0x400, "NLM_F_CREATE"), (0x800, "NLM_F_APPEND"),
] };

/// Of those that delete something.
#[rustfmt::skip]
pub static NLM_F_DELETE: NameSet = NameSet { zero: None, unknown: Some("NLM_F_???"), entries: &[
    (1, "NLM_F_REQUEST"), (2, "NLM_F_MULTI"), (4, "NLM_F_ACK"), (8, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"), (0x20, "NLM_F_DUMP_FILTERED"), (0x100, "NLM_F_NONREC"),
] };

/// Of answers that confirm or refuse.
#[rustfmt::skip]
pub static NLM_F_ACKS: NameSet = NameSet { zero: None, unknown: Some("NLM_F_???"), entries: &[
    (1, "NLM_F_REQUEST"), (2, "NLM_F_MULTI"), (4, "NLM_F_ACK"), (8, "NLM_F_ECHO"),
    (0x10, "NLM_F_DUMP_INTR"), (0x20, "NLM_F_DUMP_FILTERED"), (0x100, "NLM_F_CAPPED"),
    (0x200, "NLM_F_ACK_TLVS"),
] };

/// Messages of `NETLINK_ROUTE`.
#[rustfmt::skip]
pub static RTM: NameSet = NameSet { zero: None, unknown: Some("RTM_???"), entries: &[
    (0x10, "RTM_NEWLINK"), (0x11, "RTM_DELLINK"), (0x12, "RTM_GETLINK"), (0x13, "RTM_SETLINK"),
    (0x14, "RTM_NEWADDR"), (0x15, "RTM_DELADDR"), (0x16, "RTM_GETADDR"), (0x18, "RTM_NEWROUTE"),
    (0x19, "RTM_DELROUTE"), (0x1a, "RTM_GETROUTE"), (0x1c, "RTM_NEWNEIGH"), (0x1d, "RTM_DELNEIGH"),
    (0x1e, "RTM_GETNEIGH"), (0x20, "RTM_NEWRULE"), (0x21, "RTM_DELRULE"), (0x22, "RTM_GETRULE"),
    (0x24, "RTM_NEWQDISC"), (0x25, "RTM_DELQDISC"), (0x26, "RTM_GETQDISC"), (0x28, "RTM_NEWTCLASS"),
    (0x29, "RTM_DELTCLASS"), (0x2a, "RTM_GETTCLASS"), (0x2c, "RTM_NEWTFILTER"), (0x2d, "RTM_DELTFILTER"),
    (0x2e, "RTM_GETTFILTER"), (0x30, "RTM_NEWACTION"), (0x31, "RTM_DELACTION"), (0x32, "RTM_GETACTION"),
    (0x34, "RTM_NEWPREFIX"), (0x3a, "RTM_GETMULTICAST"), (0x3e, "RTM_GETANYCAST"),
    (0x40, "RTM_NEWNEIGHTBL"), (0x42, "RTM_GETNEIGHTBL"), (0x43, "RTM_SETNEIGHTBL"),
    (0x44, "RTM_NEWNDUSEROPT"), (0x48, "RTM_NEWADDRLABEL"), (0x49, "RTM_DELADDRLABEL"),
    (0x4a, "RTM_GETADDRLABEL"), (0x4e, "RTM_GETDCB"), (0x4f, "RTM_SETDCB"), (0x50, "RTM_NEWNETCONF"),
    (0x51, "RTM_DELNETCONF"), (0x52, "RTM_GETNETCONF"), (0x54, "RTM_NEWMDB"), (0x55, "RTM_DELMDB"),
    (0x56, "RTM_GETMDB"), (0x58, "RTM_NEWNSID"), (0x59, "RTM_DELNSID"), (0x5a, "RTM_GETNSID"),
    (0x5c, "RTM_NEWSTATS"), (0x5e, "RTM_GETSTATS"), (0x5f, "RTM_SETSTATS"), (0x60, "RTM_NEWCACHEREPORT"),
    (0x64, "RTM_NEWCHAIN"), (0x65, "RTM_DELCHAIN"), (0x66, "RTM_GETCHAIN"), (0x68, "RTM_NEWNEXTHOP"),
    (0x69, "RTM_DELNEXTHOP"), (0x6a, "RTM_GETNEXTHOP"), (0x6c, "RTM_NEWLINKPROP"),
    (0x6d, "RTM_DELLINKPROP"), (0x6e, "RTM_GETLINKPROP"), (0x70, "RTM_NEWVLAN"), (0x71, "RTM_DELVLAN"),
    (0x72, "RTM_GETVLAN"), (0x74, "RTM_NEWNEXTHOPBUCKET"), (0x75, "RTM_DELNEXTHOPBUCKET"),
    (0x76, "RTM_GETNEXTHOPBUCKET"), (0x78, "RTM_NEWTUNNEL"), (0x79, "RTM_DELTUNNEL"),
    (0x7a, "RTM_GETTUNNEL"),
] };

/// Messages of `NETLINK_SOCK_DIAG`.
#[rustfmt::skip]
pub static SOCK_DIAG: NameSet = NameSet { zero: None, unknown: Some("SOCK_DIAG_???"), entries: &[
    (0x12, "TCPDIAG_GETSOCK"), (0x13, "DCCPDIAG_GETSOCK"), (0x14, "SOCK_DIAG_BY_FAMILY"),
    (0x15, "SOCK_DESTROY"),
] };

/// Flags of a network interface.
#[rustfmt::skip]
pub static IFF_LINK: NameSet = NameSet { zero: None, unknown: Some("IFF_???"), entries: &[
    (1, "IFF_UP"), (2, "IFF_BROADCAST"), (4, "IFF_DEBUG"), (8, "IFF_LOOPBACK"), (0x10, "IFF_POINTOPOINT"),
    (0x20, "IFF_NOTRAILERS"), (0x40, "IFF_RUNNING"), (0x80, "IFF_NOARP"), (0x100, "IFF_PROMISC"),
    (0x200, "IFF_ALLMULTI"), (0x400, "IFF_MASTER"), (0x800, "IFF_SLAVE"), (0x1000, "IFF_MULTICAST"),
    (0x2000, "IFF_PORTSEL"), (0x4000, "IFF_AUTOMEDIA"), (0x8000, "IFF_DYNAMIC"), (0x10000, "IFF_LOWER_UP"),
    (0x20000, "IFF_DORMANT"), (0x40000, "IFF_ECHO"),
] };

/// Flags of an address.
#[rustfmt::skip]
pub static IFA_F: NameSet = NameSet { zero: None, unknown: Some("IFA_F_???"), entries: &[
    (1, "IFA_F_SECONDARY"), (2, "IFA_F_NODAD"), (4, "IFA_F_OPTIMISTIC"), (8, "IFA_F_DADFAILED"),
    (0x10, "IFA_F_HOMEADDRESS"), (0x20, "IFA_F_DEPRECATED"), (0x40, "IFA_F_TENTATIVE"),
    (0x80, "IFA_F_PERMANENT"), (0x100, "IFA_F_MANAGETEMPADDR"), (0x200, "IFA_F_NOPREFIXROUTE"),
    (0x400, "IFA_F_MCAUTOJOIN"), (0x800, "IFA_F_STABLE_PRIVACY"),
] };

/// Scopes of a route or an address.
#[rustfmt::skip]
pub static RT_SCOPE: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "RT_SCOPE_UNIVERSE"), (0xc8, "RT_SCOPE_SITE"), (0xfd, "RT_SCOPE_LINK"), (0xfe, "RT_SCOPE_HOST"),
    (0xff, "RT_SCOPE_NOWHERE"),
] };

/// Routing tables.
#[rustfmt::skip]
pub static RT_TABLE: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "RT_TABLE_UNSPEC"), (0xfc, "RT_TABLE_COMPAT"), (0xfd, "RT_TABLE_DEFAULT"), (0xfe, "RT_TABLE_MAIN"),
    (0xff, "RT_TABLE_LOCAL"),
] };

/// Types of a route.
#[rustfmt::skip]
pub static RTN: NameSet = NameSet { zero: None, unknown: Some("RTN_???"), entries: &[
    (0, "RTN_UNSPEC"), (1, "RTN_UNICAST"), (2, "RTN_LOCAL"), (3, "RTN_BROADCAST"), (4, "RTN_ANYCAST"),
    (5, "RTN_MULTICAST"), (6, "RTN_BLACKHOLE"), (7, "RTN_UNREACHABLE"), (8, "RTN_PROHIBIT"),
    (9, "RTN_THROW"), (0xa, "RTN_NAT"), (0xb, "RTN_XRESOLVE"),
] };

/// Who made a route.
#[rustfmt::skip]
pub static RTPROT: NameSet = NameSet { zero: None, unknown: Some("RTPROT_???"), entries: &[
    (0, "RTPROT_UNSPEC"), (1, "RTPROT_REDIRECT"), (2, "RTPROT_KERNEL"), (3, "RTPROT_BOOT"),
    (4, "RTPROT_STATIC"), (8, "RTPROT_GATED"), (9, "RTPROT_RA"), (0xa, "RTPROT_MRT"),
    (0xb, "RTPROT_ZEBRA"), (0xc, "RTPROT_BIRD"), (0xd, "RTPROT_DNROUTED"), (0xe, "RTPROT_XORP"),
    (0xf, "RTPROT_NTK"), (0x10, "RTPROT_DHCP"), (0x11, "RTPROT_MROUTED"), (0x12, "RTPROT_KEEPALIVED"),
    (0x2a, "RTPROT_BABEL"), (0x63, "RTPROT_OPENR"), (0xba, "RTPROT_BGP"), (0xbb, "RTPROT_ISIS"),
    (0xbc, "RTPROT_OSPF"), (0xbd, "RTPROT_RIP"), (0xc0, "RTPROT_EIGRP"),
] };

/// Flags of a route.
#[rustfmt::skip]
pub static RTM_F: NameSet = NameSet { zero: None, unknown: Some("RTM_F_???"), entries: &[
    (0x100, "RTM_F_NOTIFY"), (0x200, "RTM_F_CLONED"), (0x400, "RTM_F_EQUALIZE"), (0x800, "RTM_F_PREFIX"),
    (0x1000, "RTM_F_LOOKUP_TABLE"), (0x2000, "RTM_F_FIB_MATCH"), (0x4000, "RTM_F_OFFLOAD"),
    (0x8000, "RTM_F_TRAP"), (0x20000000, "RTM_F_OFFLOAD_FAILED"), (1, "RTNH_F_DEAD"),
    (2, "RTNH_F_PERVASIVE"), (4, "RTNH_F_ONLINK"), (8, "RTNH_F_OFFLOAD"), (0x10, "RTNH_F_LINKDOWN"),
    (0x20, "RTNH_F_UNRESOLVED"), (0x40, "RTNH_F_TRAP"),
] };

/// Flags of a next hop.
#[rustfmt::skip]
pub static RTNH_F: NameSet = NameSet { zero: None, unknown: Some("RTNH_F_???"), entries: &[
    (1, "RTNH_F_DEAD"), (2, "RTNH_F_PERVASIVE"), (4, "RTNH_F_ONLINK"), (8, "RTNH_F_OFFLOAD"),
    (0x10, "RTNH_F_LINKDOWN"), (0x20, "RTNH_F_UNRESOLVED"), (0x40, "RTNH_F_TRAP"),
] };

/// States of a neighbour.
#[rustfmt::skip]
pub static NUD: NameSet = NameSet { zero: Some("NUD_NONE"), unknown: Some("NUD_???"), entries: &[
    (1, "NUD_INCOMPLETE"), (2, "NUD_REACHABLE"), (4, "NUD_STALE"), (8, "NUD_DELAY"), (0x10, "NUD_PROBE"),
    (0x20, "NUD_FAILED"), (0x40, "NUD_NOARP"), (0x80, "NUD_PERMANENT"),
] };

/// Flags of a neighbour.
#[rustfmt::skip]
pub static NTF: NameSet = NameSet { zero: None, unknown: Some("NTF_???"), entries: &[
    (1, "NTF_USE"), (2, "NTF_SELF"), (4, "NTF_MASTER"), (8, "NTF_PROXY"), (0x10, "NTF_EXT_LEARNED"),
    (0x20, "NTF_OFFLOADED"), (0x40, "NTF_STICKY"), (0x80, "NTF_ROUTER"),
] };

/// What a routing rule does.
#[rustfmt::skip]
pub static FR_ACT: NameSet = NameSet { zero: None, unknown: Some("FR_ACT_???"), entries: &[
    (0, "FR_ACT_UNSPEC"), (1, "FR_ACT_TO_TBL"), (2, "FR_ACT_GOTO"), (3, "FR_ACT_NOP"), (4, "FR_ACT_RES3"),
    (5, "FR_ACT_RES4"), (6, "FR_ACT_BLACKHOLE"), (7, "FR_ACT_UNREACHABLE"), (8, "FR_ACT_PROHIBIT"),
] };

/// Flags of a routing rule.
#[rustfmt::skip]
pub static FIB_RULE: NameSet = NameSet { zero: None, unknown: Some("FIB_RULE_???"), entries: &[
    (1, "FIB_RULE_PERMANENT"), (2, "FIB_RULE_INVERT"), (4, "FIB_RULE_UNRESOLVED"),
    (8, "FIB_RULE_IIF_DETACHED"), (0x10, "FIB_RULE_OIF_DETACHED"),
] };

/// What else is asked about a link.
#[rustfmt::skip]
pub static RTEXT_FILTER: NameSet = NameSet { zero: None, unknown: Some("RTEXT_FILTER_???"), entries: &[
    (1, "RTEXT_FILTER_VF"), (2, "RTEXT_FILTER_BRVLAN"), (4, "RTEXT_FILTER_BRVLAN_COMPRESSED"),
    (8, "RTEXT_FILTER_SKIP_STATS"), (0x10, "RTEXT_FILTER_MRP"), (0x20, "RTEXT_FILTER_CFM_CONFIG"),
    (0x40, "RTEXT_FILTER_CFM_STATUS"), (0x80, "RTEXT_FILTER_MST"),
] };

/// Features of a route.
#[rustfmt::skip]
pub static RTAX_FEATURE: NameSet = NameSet { zero: None, unknown: Some("RTAX_FEATURE_???"), entries: &[
    (1, "RTAX_FEATURE_ECN"), (2, "RTAX_FEATURE_SACK"), (4, "RTAX_FEATURE_TIMESTAMP"),
    (8, "RTAX_FEATURE_ALLFRAG"),
] };

/// State of IPv6 on a link.
#[rustfmt::skip]
pub static INET6_IF: NameSet = NameSet { zero: None, unknown: Some("IF_???"), entries: &[
    (0x80, "IF_RA_OTHERCONF"), (0x40, "IF_RA_MANAGED"), (0x20, "IF_RA_RCVD"), (0x10, "IF_RS_SENT"),
    (0x80000000, "IF_READY"),
] };

/// Where a program is attached.
#[rustfmt::skip]
pub static XDP_ATTACHED: NameSet = NameSet { zero: None, unknown: Some("XDP_ATTACHED_???"), entries: &[
    (0, "XDP_ATTACHED_NONE"), (1, "XDP_ATTACHED_DRV"), (2, "XDP_ATTACHED_SKB"), (3, "XDP_ATTACHED_HW"),
    (4, "XDP_ATTACHED_MULTI"),
] };

/// How IPv6 addresses are made.
#[rustfmt::skip]
pub static ADDR_GEN_MODE: NameSet = NameSet { zero: None, unknown: Some("IN6_ADDR_GEN_MODE_???"), entries: &[
    (0, "IN6_ADDR_GEN_MODE_EUI64"), (1, "IN6_ADDR_GEN_MODE_NONE"), (2, "IN6_ADDR_GEN_MODE_STABLE_PRIVACY"),
    (3, "IN6_ADDR_GEN_MODE_RANDOM"),
] };

/// Settings of IPv4 on a link, by number.
#[rustfmt::skip]
pub static IPV4_DEVCONF: NameSet = NameSet { zero: None, unknown: Some("IPV4_DEVCONF_???"), entries: &[
    (1, "IPV4_DEVCONF_FORWARDING"), (2, "IPV4_DEVCONF_MC_FORWARDING"), (3, "IPV4_DEVCONF_PROXY_ARP"),
    (4, "IPV4_DEVCONF_ACCEPT_REDIRECTS"), (5, "IPV4_DEVCONF_SECURE_REDIRECTS"),
    (6, "IPV4_DEVCONF_SEND_REDIRECTS"), (7, "IPV4_DEVCONF_SHARED_MEDIA"), (8, "IPV4_DEVCONF_RP_FILTER"),
    (9, "IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE"), (0xa, "IPV4_DEVCONF_BOOTP_RELAY"),
    (0xb, "IPV4_DEVCONF_LOG_MARTIANS"), (0xc, "IPV4_DEVCONF_TAG"), (0xd, "IPV4_DEVCONF_ARPFILTER"),
    (0xe, "IPV4_DEVCONF_MEDIUM_ID"), (0xf, "IPV4_DEVCONF_NOXFRM"), (0x10, "IPV4_DEVCONF_NOPOLICY"),
    (0x11, "IPV4_DEVCONF_FORCE_IGMP_VERSION"), (0x12, "IPV4_DEVCONF_ARP_ANNOUNCE"),
    (0x13, "IPV4_DEVCONF_ARP_IGNORE"), (0x14, "IPV4_DEVCONF_PROMOTE_SECONDARIES"),
    (0x15, "IPV4_DEVCONF_ARP_ACCEPT"), (0x16, "IPV4_DEVCONF_ARP_NOTIFY"),
    (0x17, "IPV4_DEVCONF_ACCEPT_LOCAL"), (0x18, "IPV4_DEVCONF_SRC_VMARK"),
    (0x19, "IPV4_DEVCONF_PROXY_ARP_PVLAN"), (0x1a, "IPV4_DEVCONF_ROUTE_LOCALNET"),
    (0x1b, "IPV4_DEVCONF_IGMPV2_UNSOLICITED_REPORT_INTERVAL"),
    (0x1c, "IPV4_DEVCONF_IGMPV3_UNSOLICITED_REPORT_INTERVAL"),
    (0x1d, "IPV4_DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN"),
    (0x1e, "IPV4_DEVCONF_DROP_UNICAST_IN_L2_MULTICAST"), (0x1f, "IPV4_DEVCONF_DROP_GRATUITOUS_ARP"),
    (0x20, "IPV4_DEVCONF_BC_FORWARDING"), (0x21, "IPV4_DEVCONF_ARP_EVICT_NOCARRIER"),
] };

/// Settings of IPv6 on a link, by place.
#[rustfmt::skip]
pub static IPV6_DEVCONF: NameSet = NameSet { zero: None, unknown: Some("DEVCONF_???"), entries: &[
    (0, "DEVCONF_FORWARDING"), (1, "DEVCONF_HOPLIMIT"), (2, "DEVCONF_MTU6"), (3, "DEVCONF_ACCEPT_RA"),
    (4, "DEVCONF_ACCEPT_REDIRECTS"), (5, "DEVCONF_AUTOCONF"), (6, "DEVCONF_DAD_TRANSMITS"),
    (7, "DEVCONF_RTR_SOLICITS"), (8, "DEVCONF_RTR_SOLICIT_INTERVAL"), (9, "DEVCONF_RTR_SOLICIT_DELAY"),
    (0xa, "DEVCONF_USE_TEMPADDR"), (0xb, "DEVCONF_TEMP_VALID_LFT"), (0xc, "DEVCONF_TEMP_PREFERED_LFT"),
    (0xd, "DEVCONF_REGEN_MAX_RETRY"), (0xe, "DEVCONF_MAX_DESYNC_FACTOR"), (0xf, "DEVCONF_MAX_ADDRESSES"),
    (0x10, "DEVCONF_FORCE_MLD_VERSION"), (0x11, "DEVCONF_ACCEPT_RA_DEFRTR"),
    (0x12, "DEVCONF_ACCEPT_RA_PINFO"), (0x13, "DEVCONF_ACCEPT_RA_RTR_PREF"),
    (0x14, "DEVCONF_RTR_PROBE_INTERVAL"), (0x15, "DEVCONF_ACCEPT_RA_RT_INFO_MAX_PLEN"),
    (0x16, "DEVCONF_PROXY_NDP"), (0x17, "DEVCONF_OPTIMISTIC_DAD"), (0x18, "DEVCONF_ACCEPT_SOURCE_ROUTE"),
    (0x19, "DEVCONF_MC_FORWARDING"), (0x1a, "DEVCONF_DISABLE_IPV6"), (0x1b, "DEVCONF_ACCEPT_DAD"),
    (0x1c, "DEVCONF_FORCE_TLLAO"), (0x1d, "DEVCONF_NDISC_NOTIFY"),
    (0x1e, "DEVCONF_MLDV1_UNSOLICITED_REPORT_INTERVAL"),
    (0x1f, "DEVCONF_MLDV2_UNSOLICITED_REPORT_INTERVAL"), (0x20, "DEVCONF_SUPPRESS_FRAG_NDISC"),
    (0x21, "DEVCONF_ACCEPT_RA_FROM_LOCAL"), (0x22, "DEVCONF_USE_OPTIMISTIC"),
    (0x23, "DEVCONF_ACCEPT_RA_MTU"), (0x24, "DEVCONF_STABLE_SECRET"), (0x25, "DEVCONF_USE_OIF_ADDRS_ONLY"),
    (0x26, "DEVCONF_ACCEPT_RA_MIN_HOP_LIMIT"), (0x27, "DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN"),
    (0x28, "DEVCONF_DROP_UNICAST_IN_L2_MULTICAST"), (0x29, "DEVCONF_DROP_UNSOLICITED_NA"),
    (0x2a, "DEVCONF_KEEP_ADDR_ON_DOWN"), (0x2b, "DEVCONF_RTR_SOLICIT_MAX_INTERVAL"),
    (0x2c, "DEVCONF_SEG6_ENABLED"), (0x2d, "DEVCONF_SEG6_REQUIRE_HMAC"), (0x2e, "DEVCONF_ENHANCED_DAD"),
    (0x2f, "DEVCONF_ADDR_GEN_MODE"), (0x30, "DEVCONF_DISABLE_POLICY"),
    (0x31, "DEVCONF_ACCEPT_RA_RT_INFO_MIN_PLEN"), (0x32, "DEVCONF_NDISC_TCLASS"),
    (0x33, "DEVCONF_RPL_SEG_ENABLED"), (0x34, "DEVCONF_RA_DEFRTR_METRIC"), (0x35, "DEVCONF_IOAM6_ENABLED"),
    (0x36, "DEVCONF_IOAM6_ID"), (0x37, "DEVCONF_IOAM6_ID_WIDE"), (0x38, "DEVCONF_NDISC_EVICT_NOCARRIER"),
    (0x39, "DEVCONF_ACCEPT_UNTRACKED_NA"),
] };

/// Attributes of a link.
#[rustfmt::skip]
pub static IFLA: NameSet = NameSet { zero: None, unknown: Some("IFLA_???"), entries: &[
    (0, "IFLA_UNSPEC"), (1, "IFLA_ADDRESS"), (2, "IFLA_BROADCAST"), (3, "IFLA_IFNAME"), (4, "IFLA_MTU"),
    (5, "IFLA_LINK"), (6, "IFLA_QDISC"), (7, "IFLA_STATS"), (8, "IFLA_COST"), (9, "IFLA_PRIORITY"),
    (0xa, "IFLA_MASTER"), (0xb, "IFLA_WIRELESS"), (0xc, "IFLA_PROTINFO"), (0xd, "IFLA_TXQLEN"),
    (0xe, "IFLA_MAP"), (0xf, "IFLA_WEIGHT"), (0x10, "IFLA_OPERSTATE"), (0x11, "IFLA_LINKMODE"),
    (0x12, "IFLA_LINKINFO"), (0x13, "IFLA_NET_NS_PID"), (0x14, "IFLA_IFALIAS"), (0x15, "IFLA_NUM_VF"),
    (0x16, "IFLA_VFINFO_LIST"), (0x17, "IFLA_STATS64"), (0x18, "IFLA_VF_PORTS"), (0x19, "IFLA_PORT_SELF"),
    (0x1a, "IFLA_AF_SPEC"), (0x1b, "IFLA_GROUP"), (0x1c, "IFLA_NET_NS_FD"), (0x1d, "IFLA_EXT_MASK"),
    (0x1e, "IFLA_PROMISCUITY"), (0x1f, "IFLA_NUM_TX_QUEUES"), (0x20, "IFLA_NUM_RX_QUEUES"),
    (0x21, "IFLA_CARRIER"), (0x22, "IFLA_PHYS_PORT_ID"), (0x23, "IFLA_CARRIER_CHANGES"),
    (0x24, "IFLA_PHYS_SWITCH_ID"), (0x25, "IFLA_LINK_NETNSID"), (0x26, "IFLA_PHYS_PORT_NAME"),
    (0x27, "IFLA_PROTO_DOWN"), (0x28, "IFLA_GSO_MAX_SEGS"), (0x29, "IFLA_GSO_MAX_SIZE"),
    (0x2a, "IFLA_PAD"), (0x2b, "IFLA_XDP"), (0x2c, "IFLA_EVENT"), (0x2d, "IFLA_NEW_NETNSID"),
    (0x2e, "IFLA_IF_NETNSID"), (0x2e, "IFLA_TARGET_NETNSID"), (0x2f, "IFLA_CARRIER_UP_COUNT"),
    (0x30, "IFLA_CARRIER_DOWN_COUNT"), (0x31, "IFLA_NEW_IFINDEX"), (0x32, "IFLA_MIN_MTU"),
    (0x33, "IFLA_MAX_MTU"), (0x34, "IFLA_PROP_LIST"), (0x35, "IFLA_ALT_IFNAME"),
    (0x36, "IFLA_PERM_ADDRESS"), (0x37, "IFLA_PROTO_DOWN_REASON"), (0x38, "IFLA_PARENT_DEV_NAME"),
    (0x39, "IFLA_PARENT_DEV_BUS_NAME"), (0x3a, "IFLA_GRO_MAX_SIZE"), (0x3b, "IFLA_TSO_MAX_SIZE"),
    (0x3c, "IFLA_TSO_MAX_SEGS"), (0x3d, "IFLA_ALLMULTI"),
] };

/// Attributes of an address.
#[rustfmt::skip]
pub static IFA_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFA_???"), entries: &[
    (0, "IFA_UNSPEC"), (1, "IFA_ADDRESS"), (2, "IFA_LOCAL"), (3, "IFA_LABEL"), (4, "IFA_BROADCAST"),
    (5, "IFA_ANYCAST"), (6, "IFA_CACHEINFO"), (7, "IFA_MULTICAST"), (8, "IFA_FLAGS"),
    (9, "IFA_RT_PRIORITY"), (0xa, "IFA_TARGET_NETNSID"), (0xb, "IFA_PROTO"),
] };

/// Attributes of a route.
#[rustfmt::skip]
pub static RTA_ATTR: NameSet = NameSet { zero: None, unknown: Some("RTA_???"), entries: &[
    (0, "RTA_UNSPEC"), (1, "RTA_DST"), (2, "RTA_SRC"), (3, "RTA_IIF"), (4, "RTA_OIF"), (5, "RTA_GATEWAY"),
    (6, "RTA_PRIORITY"), (7, "RTA_PREFSRC"), (8, "RTA_METRICS"), (9, "RTA_MULTIPATH"),
    (0xa, "RTA_PROTOINFO"), (0xb, "RTA_FLOW"), (0xc, "RTA_CACHEINFO"), (0xd, "RTA_SESSION"),
    (0xe, "RTA_MP_ALGO"), (0xf, "RTA_TABLE"), (0x10, "RTA_MARK"), (0x11, "RTA_MFC_STATS"),
    (0x12, "RTA_VIA"), (0x13, "RTA_NEWDST"), (0x14, "RTA_PREF"), (0x15, "RTA_ENCAP_TYPE"),
    (0x16, "RTA_ENCAP"), (0x17, "RTA_EXPIRES"), (0x18, "RTA_PAD"), (0x19, "RTA_UID"),
    (0x1a, "RTA_TTL_PROPAGATE"), (0x1b, "RTA_IP_PROTO"), (0x1c, "RTA_SPORT"), (0x1d, "RTA_DPORT"),
    (0x1e, "RTA_NH_ID"),
] };

/// Metrics of a route.
#[rustfmt::skip]
pub static RTAX_ATTR: NameSet = NameSet { zero: None, unknown: Some("RTAX_???"), entries: &[
    (0, "RTAX_UNSPEC"), (1, "RTAX_LOCK"), (2, "RTAX_MTU"), (3, "RTAX_WINDOW"), (4, "RTAX_RTT"),
    (5, "RTAX_RTTVAR"), (6, "RTAX_SSTHRESH"), (7, "RTAX_CWND"), (8, "RTAX_ADVMSS"), (9, "RTAX_REORDERING"),
    (0xa, "RTAX_HOPLIMIT"), (0xb, "RTAX_INITCWND"), (0xc, "RTAX_FEATURES"), (0xd, "RTAX_RTO_MIN"),
    (0xe, "RTAX_INITRWND"), (0xf, "RTAX_QUICKACK"), (0x10, "RTAX_CC_ALGO"),
    (0x11, "RTAX_FASTOPEN_NO_COOKIE"),
] };

/// Attributes of a neighbour.
#[rustfmt::skip]
pub static NDA_ATTR: NameSet = NameSet { zero: None, unknown: Some("NDA_???"), entries: &[
    (0, "NDA_UNSPEC"), (1, "NDA_DST"), (2, "NDA_LLADDR"), (3, "NDA_CACHEINFO"), (4, "NDA_PROBES"),
    (5, "NDA_VLAN"), (6, "NDA_PORT"), (7, "NDA_VNI"), (8, "NDA_IFINDEX"), (9, "NDA_MASTER"),
    (0xa, "NDA_LINK_NETNSID"), (0xb, "NDA_SRC_VNI"), (0xc, "NDA_PROTOCOL"), (0xd, "NDA_NH_ID"),
    (0xe, "NDA_FDB_EXT_ATTRS"), (0xf, "NDA_FLAGS_EXT"), (0x10, "NDA_NDM_STATE_MASK"),
    (0x11, "NDA_NDM_FLAGS_MASK"),
] };

/// Attributes of a routing rule.
#[rustfmt::skip]
pub static FRA_ATTR: NameSet = NameSet { zero: None, unknown: Some("FRA_???"), entries: &[
    (0, "FRA_UNSPEC"), (1, "FRA_DST"), (2, "FRA_SRC"), (3, "FRA_IIFNAME"), (4, "FRA_GOTO"),
    (5, "FRA_UNUSED2"), (6, "FRA_PRIORITY"), (7, "FRA_UNUSED3"), (8, "FRA_UNUSED4"), (9, "FRA_UNUSED5"),
    (0xa, "FRA_FWMARK"), (0xb, "FRA_FLOW"), (0xc, "FRA_TUN_ID"), (0xd, "FRA_SUPPRESS_IFGROUP"),
    (0xe, "FRA_SUPPRESS_PREFIXLEN"), (0xf, "FRA_TABLE"), (0x10, "FRA_FWMASK"), (0x11, "FRA_OIFNAME"),
    (0x12, "FRA_PAD"), (0x13, "FRA_L3MDEV"), (0x14, "FRA_UID_RANGE"), (0x15, "FRA_PROTOCOL"),
    (0x16, "FRA_IP_PROTO"), (0x17, "FRA_SPORT_RANGE"), (0x18, "FRA_DPORT_RANGE"),
] };

/// Attributes of a kind of link.
#[rustfmt::skip]
pub static IFLA_INFO_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFLA_INFO_???"), entries: &[
    (0, "IFLA_INFO_UNSPEC"), (1, "IFLA_INFO_KIND"), (2, "IFLA_INFO_DATA"), (3, "IFLA_INFO_XSTATS"),
    (4, "IFLA_INFO_SLAVE_KIND"), (5, "IFLA_INFO_SLAVE_DATA"),
] };

/// Attributes of a program on a link.
#[rustfmt::skip]
pub static IFLA_XDP_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFLA_XDP_???"), entries: &[
    (0, "IFLA_XDP_UNSPEC"), (1, "IFLA_XDP_FD"), (2, "IFLA_XDP_ATTACHED"), (3, "IFLA_XDP_FLAGS"),
    (4, "IFLA_XDP_PROG_ID"), (5, "IFLA_XDP_DRV_PROG_ID"), (6, "IFLA_XDP_SKB_PROG_ID"),
    (7, "IFLA_XDP_HW_PROG_ID"), (8, "IFLA_XDP_EXPECTED_FD"),
] };

/// IPv4 of a link.
#[rustfmt::skip]
pub static IFLA_INET_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFLA_INET_???"), entries: &[
    (0, "IFLA_INET_UNSPEC"), (1, "IFLA_INET_CONF"),
] };

/// IPv6 of a link.
#[rustfmt::skip]
pub static IFLA_INET6_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFLA_INET6_???"), entries: &[
    (0, "IFLA_INET6_UNSPEC"), (1, "IFLA_INET6_FLAGS"), (2, "IFLA_INET6_CONF"), (3, "IFLA_INET6_STATS"),
    (4, "IFLA_INET6_MCAST"), (5, "IFLA_INET6_CACHEINFO"), (6, "IFLA_INET6_ICMP6STATS"),
    (7, "IFLA_INET6_TOKEN"), (8, "IFLA_INET6_ADDR_GEN_MODE"), (9, "IFLA_INET6_RA_MTU"),
] };

/// Why a link is down.
#[rustfmt::skip]
pub static IFLA_PROTO_DOWN_REASON_ATTR: NameSet = NameSet { zero: None, unknown: Some("IFLA_PROTO_DOWN_REASON_???"), entries: &[
    (0, "IFLA_PROTO_DOWN_REASON_UNSPEC"), (1, "IFLA_PROTO_DOWN_REASON_MASK"),
    (2, "IFLA_PROTO_DOWN_REASON_VALUE"),
] };

/// What is told of a Unix socket.
#[rustfmt::skip]
pub static UNIX_DIAG_ATTR: NameSet = NameSet { zero: None, unknown: Some("UNIX_DIAG_???"), entries: &[
    (0, "UNIX_DIAG_NAME"), (1, "UNIX_DIAG_VFS"), (2, "UNIX_DIAG_PEER"), (3, "UNIX_DIAG_ICONS"),
    (4, "UNIX_DIAG_RQLEN"), (5, "UNIX_DIAG_MEMINFO"), (6, "UNIX_DIAG_SHUTDOWN"), (7, "UNIX_DIAG_UID"),
] };

/// What is told of an Internet socket.
#[rustfmt::skip]
pub static INET_DIAG_ATTR: NameSet = NameSet { zero: None, unknown: Some("INET_DIAG_???"), entries: &[
    (0, "INET_DIAG_NONE"), (1, "INET_DIAG_MEMINFO"), (2, "INET_DIAG_INFO"), (3, "INET_DIAG_VEGASINFO"),
    (4, "INET_DIAG_CONG"), (5, "INET_DIAG_TOS"), (6, "INET_DIAG_TCLASS"), (7, "INET_DIAG_SKMEMINFO"),
    (8, "INET_DIAG_SHUTDOWN"), (9, "INET_DIAG_DCTCPINFO"), (0xa, "INET_DIAG_PROTOCOL"),
    (0xb, "INET_DIAG_SKV6ONLY"), (0xc, "INET_DIAG_LOCALS"), (0xd, "INET_DIAG_PEERS"),
    (0xe, "INET_DIAG_PAD"), (0xf, "INET_DIAG_MARK"), (0x10, "INET_DIAG_BBRINFO"),
    (0x11, "INET_DIAG_CLASS_ID"), (0x12, "INET_DIAG_MD5SIG"), (0x13, "INET_DIAG_ULP_INFO"),
    (0x14, "INET_DIAG_SK_BPF_STORAGES"), (0x15, "INET_DIAG_CGROUP_ID"), (0x16, "INET_DIAG_SOCKOPT"),
] };

/// What is told of a netlink socket.
#[rustfmt::skip]
pub static NETLINK_DIAG_ATTR: NameSet = NameSet { zero: None, unknown: Some("NETLINK_DIAG_???"), entries: &[
    (0, "NETLINK_DIAG_MEMINFO"), (1, "NETLINK_DIAG_GROUPS"), (2, "NETLINK_DIAG_RX_RING"),
    (3, "NETLINK_DIAG_TX_RING"), (4, "NETLINK_DIAG_FLAGS"),
] };

/// What is said of an error.
#[rustfmt::skip]
pub static NLMSGERR_ATTR: NameSet = NameSet { zero: None, unknown: Some("NLMSGERR_ATTR_???"), entries: &[
    (0, "NLMSGERR_ATTR_UNUSED"), (1, "NLMSGERR_ATTR_MSG"), (2, "NLMSGERR_ATTR_OFFS"),
    (3, "NLMSGERR_ATTR_COOKIE"), (4, "NLMSGERR_ATTR_POLICY"), (5, "NLMSGERR_ATTR_MISS_TYPE"),
    (6, "NLMSGERR_ATTR_MISS_NEST"),
] };

/// Attributes of a queueing discipline.
#[rustfmt::skip]
pub static TCA_ATTR: NameSet = NameSet { zero: None, unknown: Some("TCA_???"), entries: &[
    (0, "TCA_UNSPEC"), (1, "TCA_KIND"), (2, "TCA_OPTIONS"), (3, "TCA_STATS"), (4, "TCA_XSTATS"),
    (5, "TCA_RATE"), (6, "TCA_FCNT"), (7, "TCA_STATS2"), (8, "TCA_STAB"), (9, "TCA_PAD"),
    (0xa, "TCA_DUMP_INVISIBLE"), (0xb, "TCA_CHAIN"), (0xc, "TCA_HW_OFFLOAD"), (0xd, "TCA_INGRESS_BLOCK"),
    (0xe, "TCA_EGRESS_BLOCK"), (0xf, "TCA_DUMP_FLAGS"), (0x10, "TCA_EXT_WARN_MSG"),
] };

/// States of a TCP connection, which other sockets have too.
#[rustfmt::skip]
pub static TCP_STATE: NameSet = NameSet { zero: None, unknown: Some("TCP_???"), entries: &[
    (1, "TCP_ESTABLISHED"), (2, "TCP_SYN_SENT"), (3, "TCP_SYN_RECV"), (4, "TCP_FIN_WAIT1"),
    (5, "TCP_FIN_WAIT2"), (6, "TCP_TIME_WAIT"), (7, "TCP_CLOSE"), (8, "TCP_CLOSE_WAIT"),
    (9, "TCP_LAST_ACK"), (0xa, "TCP_LISTEN"), (0xb, "TCP_CLOSING"),
] };

/// What is asked about Unix sockets.
#[rustfmt::skip]
pub static UDIAG_SHOW: NameSet = NameSet { zero: None, unknown: Some("UDIAG_SHOW_???"), entries: &[
    (1, "UDIAG_SHOW_NAME"), (2, "UDIAG_SHOW_VFS"), (4, "UDIAG_SHOW_PEER"), (8, "UDIAG_SHOW_ICONS"),
    (0x10, "UDIAG_SHOW_RQLEN"), (0x20, "UDIAG_SHOW_MEMINFO"), (0x40, "UDIAG_SHOW_UID"),
] };

/// What is asked about netlink sockets.
#[rustfmt::skip]
pub static NDIAG_SHOW: NameSet = NameSet { zero: None, unknown: Some("NDIAG_SHOW_???"), entries: &[
    (1, "NDIAG_SHOW_MEMINFO"), (2, "NDIAG_SHOW_GROUPS"), (4, "NDIAG_SHOW_RING_CFG"),
    (8, "NDIAG_SHOW_FLAGS"),
] };

/// Memory of a socket, by place.
#[rustfmt::skip]
pub static SK_MEMINFO: NameSet = NameSet { zero: None, unknown: Some("SK_MEMINFO_???"), entries: &[
    (0, "SK_MEMINFO_RMEM_ALLOC"), (1, "SK_MEMINFO_RCVBUF"), (2, "SK_MEMINFO_WMEM_ALLOC"),
    (3, "SK_MEMINFO_SNDBUF"), (4, "SK_MEMINFO_FWD_ALLOC"), (5, "SK_MEMINFO_WMEM_QUEUED"),
    (6, "SK_MEMINFO_OPTMEM"), (7, "SK_MEMINFO_BACKLOG"), (8, "SK_MEMINFO_DROPS"),
] };

/// Attributes of a question.
#[rustfmt::skip]
pub static INET_DIAG_REQ_ATTR: NameSet = NameSet { zero: None, unknown: Some("INET_DIAG_REQ_???"), entries: &[
    (0, "INET_DIAG_REQ_NONE"), (1, "INET_DIAG_REQ_BYTECODE"), (2, "INET_DIAG_REQ_SK_BPF_STORAGES"),
    (3, "INET_DIAG_REQ_PROTOCOL"),
] };

/// States of a netlink socket.
#[rustfmt::skip]
pub static NETLINK_STATE: NameSet = NameSet { zero: None, unknown: Some("NETLINK_???"), entries: &[
    (0, "NETLINK_UNCONNECTED"), (1, "NETLINK_CONNECTED"),
] };

/// Counters of IP, by place.
#[rustfmt::skip]
pub static IPSTATS_MIB: NameSet = NameSet { zero: None, unknown: Some("IPSTATS_MIB_???"), entries: &[
    (0, "IPSTATS_MIB_NUM"), (1, "IPSTATS_MIB_INPKTS"), (2, "IPSTATS_MIB_INOCTETS"),
    (3, "IPSTATS_MIB_INDELIVERS"), (4, "IPSTATS_MIB_OUTFORWDATAGRAMS"), (5, "IPSTATS_MIB_OUTPKTS"),
    (6, "IPSTATS_MIB_OUTOCTETS"), (7, "IPSTATS_MIB_INHDRERRORS"), (8, "IPSTATS_MIB_INTOOBIGERRORS"),
    (9, "IPSTATS_MIB_INNOROUTES"), (0xa, "IPSTATS_MIB_INADDRERRORS"), (0xb, "IPSTATS_MIB_INUNKNOWNPROTOS"),
    (0xc, "IPSTATS_MIB_INTRUNCATEDPKTS"), (0xd, "IPSTATS_MIB_INDISCARDS"),
    (0xe, "IPSTATS_MIB_OUTDISCARDS"), (0xf, "IPSTATS_MIB_OUTNOROUTES"), (0x10, "IPSTATS_MIB_REASMTIMEOUT"),
    (0x11, "IPSTATS_MIB_REASMREQDS"), (0x12, "IPSTATS_MIB_REASMOKS"), (0x13, "IPSTATS_MIB_REASMFAILS"),
    (0x14, "IPSTATS_MIB_FRAGOKS"), (0x15, "IPSTATS_MIB_FRAGFAILS"), (0x16, "IPSTATS_MIB_FRAGCREATES"),
    (0x17, "IPSTATS_MIB_INMCASTPKTS"), (0x18, "IPSTATS_MIB_OUTMCASTPKTS"),
    (0x19, "IPSTATS_MIB_INBCASTPKTS"), (0x1a, "IPSTATS_MIB_OUTBCASTPKTS"),
    (0x1b, "IPSTATS_MIB_INMCASTOCTETS"), (0x1c, "IPSTATS_MIB_OUTMCASTOCTETS"),
    (0x1d, "IPSTATS_MIB_INBCASTOCTETS"), (0x1e, "IPSTATS_MIB_OUTBCASTOCTETS"),
    (0x1f, "IPSTATS_MIB_CSUMERRORS"), (0x20, "IPSTATS_MIB_NOECTPKTS"), (0x21, "IPSTATS_MIB_ECT1PKTS"),
    (0x22, "IPSTATS_MIB_ECT0PKTS"), (0x23, "IPSTATS_MIB_CEPKTS"), (0x24, "IPSTATS_MIB_REASM_OVERLAPS"),
] };

/// Counters of ICMPv6, by place.
#[rustfmt::skip]
pub static ICMP6_MIB: NameSet = NameSet { zero: None, unknown: Some("ICMP6_MIB_???"), entries: &[
    (0, "ICMP6_MIB_NUM"), (1, "ICMP6_MIB_INMSGS"), (2, "ICMP6_MIB_INERRORS"), (3, "ICMP6_MIB_OUTMSGS"),
    (4, "ICMP6_MIB_OUTERRORS"), (5, "ICMP6_MIB_CSUMERRORS"),
] };

/// Counters of a queueing discipline.
#[rustfmt::skip]
pub static TCA_STATS_ATTR: NameSet = NameSet { zero: None, unknown: Some("TCA_STATS_???"), entries: &[
    (0, "TCA_STATS_UNSPEC"), (1, "TCA_STATS_BASIC"), (2, "TCA_STATS_RATE_EST"), (3, "TCA_STATS_QUEUE"),
    (4, "TCA_STATS_APP"), (5, "TCA_STATS_RATE_EST64"), (6, "TCA_STATS_PAD"), (7, "TCA_STATS_BASIC_HW"),
    (8, "TCA_STATS_PKT64"),
] };

/// Settings that `RTM_GETNETCONF` tells.
#[rustfmt::skip]
pub static NETCONFA: NameSet = NameSet { zero: None, unknown: Some("NETCONFA_???"), entries: &[
    (0, "NETCONFA_UNSPEC"), (1, "NETCONFA_IFINDEX"), (2, "NETCONFA_FORWARDING"), (3, "NETCONFA_RP_FILTER"),
    (4, "NETCONFA_MC_FORWARDING"), (5, "NETCONFA_PROXY_NEIGH"),
    (6, "NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN"), (7, "NETCONFA_INPUT"), (8, "NETCONFA_BC_FORWARDING"),
] };

/// Attributes of an address label.
#[rustfmt::skip]
pub static IFAL: NameSet = NameSet { zero: None, unknown: Some("IFAL_???"), entries: &[
    (1, "IFAL_ADDRESS"), (2, "IFAL_LABEL"),
] };

/// Attributes of a next hop that is an object.
#[rustfmt::skip]
pub static NHA: NameSet = NameSet { zero: None, unknown: Some("NHA_???"), entries: &[
    (0, "NHA_UNSPEC"), (1, "NHA_ID"), (2, "NHA_GROUP"), (3, "NHA_GROUP_TYPE"), (4, "NHA_BLACKHOLE"),
    (5, "NHA_OIF"), (6, "NHA_GATEWAY"), (7, "NHA_ENCAP_TYPE"), (8, "NHA_ENCAP"), (9, "NHA_GROUPS"),
    (0xa, "NHA_MASTER"), (0xb, "NHA_FDB"), (0xc, "NHA_RES_GROUP"), (0xd, "NHA_RES_BUCKET"),
] };

/// Attributes of a table of neighbours.
#[rustfmt::skip]
pub static NDTA: NameSet = NameSet { zero: None, unknown: Some("NDTA_???"), entries: &[
    (0, "NDTA_UNSPEC"), (1, "NDTA_NAME"), (2, "NDTA_THRESH1"), (3, "NDTA_THRESH2"), (4, "NDTA_THRESH3"),
    (5, "NDTA_CONFIG"), (6, "NDTA_PARMS"), (7, "NDTA_STATS"), (8, "NDTA_GC_INTERVAL"), (9, "NDTA_PAD"),
] };

/// Parameters of a table of neighbours.
#[rustfmt::skip]
pub static NDTPA: NameSet = NameSet { zero: None, unknown: Some("NDTPA_???"), entries: &[
    (0, "NDTPA_UNSPEC"), (1, "NDTPA_IFINDEX"), (2, "NDTPA_REFCNT"), (3, "NDTPA_REACHABLE_TIME"),
    (4, "NDTPA_BASE_REACHABLE_TIME"), (5, "NDTPA_RETRANS_TIME"), (6, "NDTPA_GC_STALETIME"),
    (7, "NDTPA_DELAY_PROBE_TIME"), (8, "NDTPA_QUEUE_LEN"), (9, "NDTPA_APP_PROBES"),
    (0xa, "NDTPA_UCAST_PROBES"), (0xb, "NDTPA_MCAST_PROBES"), (0xc, "NDTPA_ANYCAST_DELAY"),
    (0xd, "NDTPA_PROXY_DELAY"), (0xe, "NDTPA_PROXY_QLEN"), (0xf, "NDTPA_LOCKTIME"),
    (0x10, "NDTPA_QUEUE_LENBYTES"), (0x11, "NDTPA_MCAST_REPROBES"), (0x12, "NDTPA_PAD"),
    (0x13, "NDTPA_INTERVAL_PROBE_TIME_MS"),
] };
