//! Named values: flags, choices, and the words that mix both.

use super::cx::{Cx, push_octal};
use super::{Constants, Options};
use utrace_abi::flags::{self as f, NameSet};

/// A word of named parts in the style that was asked for: `show` writes its names, `number` the number.
pub(super) fn styled(cx: &mut Cx<'_>, number: impl FnOnce(&mut Cx<'_>), show: impl FnOnce(&mut Cx<'_>)) {
    match cx.options.constants {
        Constants::Names => show(cx),
        Constants::Raw => number(cx),
        Constants::Both => {
            let start = cx.out.len();
            number(cx);
            cx.s(" /* ");
            let named = cx.out.len();
            let options = Options { constants: Constants::Names, ..*cx.options };
            show(&mut Cx {
                options: &options,
                call: cx.call,
                memory: cx.memory,
                out: cx.out,
                outcome: cx.outcome,
                saved: cx.saved,
            });
            // What has no name is a number already, with its own comment if it needs one.
            let names = cx.out.split_off(named);
            let number = cx.out.get(start..).and_then(|text| text.strip_suffix(" /* "));
            if number == Some(&names) || names.contains("/*") {
                cx.out.truncate(start);
                return cx.s(&names);
            }
            cx.s(&names);
            cx.s(" */");
        }
    }
}

/// Bits of `set`; unknown ones in hex.
pub(super) fn flags(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    if cx.options.constants == Constants::Names {
        return flag_names(cx, value, set);
    }
    styled(cx, |cx| cx.hex(value), |cx| flag_names(cx, value, set));
}

fn flag_names(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    let start = cx.out.len();
    let rest = known(cx, value, set);
    if cx.out.len() > start {
        if rest != 0 {
            cx.s("|");
            cx.hex(rest);
        }
    } else if rest == 0 {
        cx.s(set.zero.unwrap_or("0"));
    } else {
        cx.hex(rest);
        comment(cx, set.unknown);
    }
}

/// Writes the known bits joined by `|` and answers the unknown ones.
fn known(cx: &mut Cx<'_>, mut value: u64, set: &NameSet) -> u64 {
    let start = cx.out.len();
    for &(bits, name) in set.entries {
        if value == 0 {
            break;
        }
        if bits != 0 && value & bits == bits {
            if cx.out.len() > start {
                cx.s("|");
            }
            cx.s(name);
            value &= !bits;
        }
    }
    value
}

/// Appends `|` and the bits of `value`, nothing for zero.
pub(super) fn more(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    if value != 0 {
        cx.s("|");
        flags(cx, value, &NameSet { zero: None, unknown: None, entries: set.entries });
    }
}

fn comment(cx: &mut Cx<'_>, text: Option<&str>) {
    if let Some(text) = text {
        cx.s(" /* ");
        cx.s(text);
        cx.s(" */");
    }
}

/// One value of `set`.
pub(super) fn choice(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    if cx.options.constants == Constants::Names {
        return choice_name(cx, value, set);
    }
    styled(cx, |cx| cx.hex(value), |cx| choice_name(cx, value, set));
}

/// A signal, whose number is shown in decimal.
pub(super) fn signal_number(cx: &mut Cx<'_>, value: u64, name: &str) {
    styled(cx, |cx| cx.int(value), |cx| cx.s(name));
}

fn choice_name(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    match set.name(value) {
        Some(name) => cx.s(name),
        None => {
            cx.hex(value);
            comment(cx, set.unknown);
        }
    }
}

/// One 32-bit value of `set`.
pub(super) fn choice32(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    choice(cx, value & 0xffff_ffff, set);
}

/// Open flags with the access mode first.
pub(super) fn open_flags(cx: &mut Cx<'_>, value: u64) {
    open_flags64(cx, value & 0xffff_ffff);
}

/// The 64 bits of open flags that `openat2` takes.
pub(super) fn open_flags64(cx: &mut Cx<'_>, value: u64) {
    styled(
        cx,
        |cx| cx.hex(value),
        |cx| {
            choice(cx, value & 3, &f::ACCMODE);
            more(cx, value & !3, &f::O);
        },
    );
}

/// Whether open flags make a file, so that the mode counts.
pub(super) fn creates(open_flags: u64) -> bool {
    open_flags & 0o100 != 0 || open_flags & 0o20_200_000 == 0o20_200_000
}

/// A bare mode: three octal digits at least, `0644`.
pub(super) fn umode(cx: &mut Cx<'_>, value: u64) {
    cx.out.push('0');
    push_octal(cx.out, value & 0xffff, if value & 0xffff < 0o100 { 2 } else { 3 });
}

/// File type and permissions, `S_IFREG|0644`.
pub(super) fn file_mode(cx: &mut Cx<'_>, value: u64) {
    let octal = |cx: &mut Cx<'_>| {
        cx.out.push('0');
        push_octal(cx.out, value, 2);
    };
    styled(cx, octal, |cx| file_mode_names(cx, value));
}

fn file_mode_names(cx: &mut Cx<'_>, value: u64) {
    let kind = value & 0o170_000;
    if kind != 0 {
        let Some(name) = f::S_IFMT.name(kind) else {
            cx.out.push('0');
            return push_octal(cx.out, value, 2);
        };
        cx.s(name);
        cx.s("|");
    }
    for &(bit, name) in f::S_PERM.entries {
        if value & bit != 0 {
            cx.s(name);
            cx.s("|");
        }
    }
    let rest = value & !0o177_000;
    cx.out.push('0');
    push_octal(cx.out, rest, if rest < 0o100 { 2 } else { 3 });
}

/// `MAP_PRIVATE|MAP_ANONYMOUS`, huge page size last.
pub(super) fn map_flags(cx: &mut Cx<'_>, value: u64) {
    styled(cx, |cx| cx.hex(value & 0xffff_ffff), |cx| map_flag_names(cx, value));
}

fn map_flag_names(cx: &mut Cx<'_>, value: u64) {
    choice(cx, value & 0xf, &f::MAP_TYPE);
    let huge = value >> 26 & 0x3f;
    more(cx, value & 0xffff_ffff & !0xf & !(0x3f << 26), &f::MAP);
    huge_shift(cx, huge, "<<MAP_HUGE_SHIFT");
}

/// `|21<<MAP_HUGE_SHIFT`, nothing for zero.
pub(super) fn huge_shift(cx: &mut Cx<'_>, huge: u64, unit: &str) {
    if huge != 0 {
        cx.s("|");
        cx.udec(huge);
        cx.s(unit);
    }
}

/// Flags and huge page size of `memfd_create`.
pub(super) fn memfd_flags(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    let (rest, huge) = (value & 0x03ff_ffff, value >> 26);
    if rest == 0 && huge != 0 {
        cx.udec(huge);
        return cx.s("<<MFD_HUGE_SHIFT");
    }
    flags(cx, rest, &f::MFD);
    huge_shift(cx, huge, "<<MFD_HUGE_SHIFT");
}

/// `SOCK_STREAM|SOCK_CLOEXEC`.
pub(super) fn socket_type(cx: &mut Cx<'_>, value: u64) {
    styled(cx, |cx| cx.hex(value & 0xffff_ffff), |cx| socket_type_names(cx, value));
}

fn socket_type_names(cx: &mut Cx<'_>, value: u64) {
    match f::SOCK_TYPE.name(value & 0xf) {
        Some(name) => {
            cx.s(name);
            if value & 0xffff_fff0 != 0 {
                cx.s("|");
                flags(cx, value & 0xffff_fff0, &f::SOCK);
            }
        }
        None => flags(cx, value & 0xffff_ffff, &f::SOCK),
    }
}

/// The protocol of a socket of `family`.
pub(super) fn protocol(cx: &mut Cx<'_>, value: u64, family: u64) {
    match family as u32 {
        2 | 10 => choice32(cx, value, &f::IPPROTO),
        16 => choice32(cx, value, &f::NETLINK_PROTO),
        31 => choice32(cx, value, &f::BTPROTO),
        17 => {
            cx.s("htons(");
            choice(cx, u64::from((value as u16).swap_bytes()), &f::ETH_P);
            cx.s(")");
        }
        _ => cx.udec(value),
    }
}

/// The option of a socket at `level`.
pub(super) fn socket_option(cx: &mut Cx<'_>, value: u64, level: u64) {
    // One number has two names: it attaches a filter when set and reads it back when got.
    let sets = cx.call.info().is_some_and(|info| info.name == "setsockopt");
    if sets && (level as u32, value as u32) == (1, 26) {
        return cx.s("SO_ATTACH_FILTER");
    }
    let set = match level as u32 {
        1 => &f::SO,
        0 => &f::IP_OPT,
        6 => &f::TCP_OPT,
        17 => &f::UDP_OPT,
        41 => &f::IPV6_OPT,
        255 => &f::RAW_OPT,
        263 => &f::PACKET_OPT,
        270 => &f::NETLINK_OPT,
        _ => return cx.udec(value & 0xffff_ffff),
    };
    choice32(cx, value, set);
}

/// A clock by name. strace leaves dynamic clock ids as numbers, and so do we.
pub(super) fn clock(cx: &mut Cx<'_>, value: u64) {
    choice32(cx, value, &f::CLOCK);
}

/// `SCHED_FIFO|SCHED_RESET_ON_FORK`.
pub(super) fn sched_policy(cx: &mut Cx<'_>, value: u64) {
    const RESET: u64 = 0x4000_0000;
    let value = value & 0xffff_ffff;
    match f::SCHED.name(value & !RESET) {
        Some(name) if value & RESET != 0 => {
            cx.s(name);
            cx.s("|SCHED_RESET_ON_FORK");
        }
        _ => choice(cx, value, &f::SCHED),
    }
}

/// `PER_LINUX|ADDR_NO_RANDOMIZE`.
pub(super) fn personality(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    if value == 0xffff_ffff {
        return cx.s("0xffffffff");
    }
    choice(cx, value & 0xff, &f::PER);
    more(cx, value & !0xff, &f::PER_FLAGS);
}

/// Mode and mode flags of a memory policy.
pub(super) fn mempolicy(cx: &mut Cx<'_>, value: u64) {
    const FLAGS: u64 = 0xe000;
    let value = value & 0xffff_ffff;
    match f::MPOL.name(value & !FLAGS) {
        Some(name) => {
            cx.s(name);
            more(cx, value & FLAGS, &f::MPOL_MODE_FLAGS);
        }
        None => flags(cx, value, &f::MPOL_MODE_FLAGS),
    }
}

/// An I/O priority taken apart.
pub(super) fn io_priority(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    cx.s("IOPRIO_PRIO_VALUE(");
    choice(cx, value >> 13, &f::IOPRIO_CLASS);
    cx.s(", ");
    cx.udec(value & 0x1fff);
    cx.s(")");
}

/// Flags and mode of `shmget` and its kin.
pub(super) fn ipc_get(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    let value = value & 0xffff_ffff;
    let shm = core::ptr::eq(set, &raw const f::SHM_GET);
    let huge = if shm { value >> 26 } else { 0 };
    let bits = (if shm { value & 0x03ff_ffff } else { value }) & !0o777;
    let start = cx.out.len();
    if bits != 0 {
        flags(cx, bits, &NameSet { zero: None, unknown: None, entries: set.entries });
    }
    if huge != 0 {
        if cx.out.len() > start {
            cx.s("|");
        }
        cx.udec(huge);
        cx.s("<<SHM_HUGE_SHIFT");
    }
    // strace joins an unknown bit and the mode without a bar here, save for shared memory.
    let named = shm || set.entries.iter().any(|(bit, _)| bits & bit != 0);
    if cx.out.len() > start && named {
        cx.s("|");
    }
    umode(cx, value & 0o777);
}

/// `IPC_64|IPC_STAT`: the flag is old but still there.
pub(super) fn ipc_command(cx: &mut Cx<'_>, value: u64, set: &NameSet) {
    let value = value & 0xffff_ffff;
    if value & 0x100 != 0 {
        cx.s("IPC_64|");
    }
    choice(cx, value & !0x100, set);
}

/// The argument of `personality`: all ones only asks.
pub(super) fn personality_arg(cx: &mut Cx<'_>, value: u64) {
    personality(cx, value);
}

/// `swapon` flags; the low bits are a priority.
pub(super) fn swap(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    let (bits, priority) = (value & !0x7fff, value & 0x7fff);
    if bits != 0 {
        flags(cx, bits, &f::SWAP);
        cx.s("|");
    }
    cx.udec(priority);
}

/// `kexec_load` flags: an architecture above bits.
pub(super) fn kexec(cx: &mut Cx<'_>, value: u64) {
    choice(cx, value & 0xffff_0000, &f::KEXEC_ARCH);
    if value & !0xffff_0000 != 0 {
        cx.s("|");
        flags(cx, value & !0xffff_0000, &f::KEXEC);
    }
}

/// Class and flags of `fanotify_init`.
pub(super) fn fanotify_init(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    choice(cx, value & 0xc, &f::FAN_CLASS);
    let rest = value & !0xc;
    if rest != 0 {
        cx.s("|");
        flags(cx, rest, &f::FAN_INIT);
    }
}

/// `QCMD(Q_GETQUOTA, USRQUOTA)`.
pub(super) fn quota(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    cx.s("QCMD(");
    choice(cx, value >> 8, &f::QUOTA_CMD);
    cx.s(", ");
    choice(cx, value & 0xff, &f::QUOTA_TYPE);
    cx.s(")");
}
