//! Descriptions of the machine and of rights: `uname`, `sysinfo`, capabilities, CPU and node sets, queues, handles.

use super::cx::{Bytes, Cx};
use super::flags::{choice32, flags, open_flags64};
use super::strings::{End, buffer, quote};
use utrace_abi::flags as f;

/// `struct utsname`.
pub(super) fn utsname(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<390>(addr, |cx, name| {
        for (at, field) in
            ["{sysname=", ", nodename=", ", release=", ", version=", ", machine=", ", domainname="]
                .into_iter()
                .enumerate()
        {
            if cx.abbreviated() && at > 1 {
                cx.s(", ...");
                break;
            }
            cx.s(field);
            let raw = name.0.get(at * 65..at * 65 + 65).unwrap_or_default();
            let end = raw.iter().position(|b| *b == 0);
            quote(cx, &raw[..end.unwrap_or(64)], if end.is_some() { End::Whole } else { End::More });
        }
        cx.s("}");
    });
}

/// `struct sysinfo`.
pub(super) fn sysinfo(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<112>(addr, |cx, info| {
        cx.s("{uptime=");
        cx.udec(info.u64(0));
        cx.s(", loads=[");
        for at in 0..3 {
            if at > 0 {
                cx.s(", ");
            }
            cx.udec(info.u64(8 + 8 * at));
        }
        cx.s("]");
        for (at, name) in [
            (32, "totalram"),
            (40, "freeram"),
            (48, "sharedram"),
            (56, "bufferram"),
            (64, "totalswap"),
            (72, "freeswap"),
        ] {
            field(cx, name, info.u64(at));
        }
        field(cx, "procs", u64::from(info.u16(80)));
        field(cx, "totalhigh", info.u64(88));
        field(cx, "freehigh", info.u64(96));
        field(cx, "mem_unit", info.u32(104));
        cx.s("}");
    });
}

fn field(cx: &mut Cx<'_>, name: &str, value: u64) {
    cx.s(", ");
    cx.s(name);
    cx.s("=");
    cx.udec(value);
}

/// `{version=_LINUX_CAPABILITY_VERSION_3, pid=0}`.
pub(super) fn cap_header(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<8>(addr, |cx, header| {
        cx.s("{version=");
        choice32(cx, header.u32(0), &f::CAP_VERSION);
        cx.s(", pid=");
        cx.dec(header.i32(4));
        cx.s("}");
    });
}

/// Capability sets; version 2 and 3 have two words each.
pub(super) fn cap_data(cx: &mut Cx<'_>, addr: u64) {
    let header = cx.arg(0);
    let Some(version) = cx.u32_at(header) else { return cx.addr(addr) };
    let wide = matches!(version, 0x2007_1026 | 0x2008_0522);
    let mut raw = [0; 24];
    let size = if wide { 24 } else { 12 };
    if addr == 0 || cx.memory.read(addr, &mut raw[..size]) < size {
        return cx.addr(addr);
    }
    let data = Bytes(raw);
    for (at, name) in ["{effective=", ", permitted=", ", inheritable="].into_iter().enumerate() {
        cx.s(name);
        let mask = data.u32(at * 4) | data.u32(12 + at * 4) << 32;
        capabilities(cx, mask);
    }
    cx.s("}");
}

fn capabilities(cx: &mut Cx<'_>, mask: u64) {
    if mask == 0 {
        return cx.s("0");
    }
    let start = cx.out.len();
    let mut rest = mask;
    for &(bit, name) in f::CAP.entries {
        if mask >> bit & 1 == 1 {
            cx.s(if cx.out.len() > start { "|1<<" } else { "1<<" });
            cx.s(name);
            rest &= !(1 << bit);
        }
    }
    if rest != 0 {
        if cx.out.len() > start {
            cx.s("|");
        }
        cx.hex(rest);
        if cx.out.len() == start {
            cx.s(" /* CAP_??? */");
        }
    }
}

/// `[0 2 3]`: CPUs in a mask of `size` bytes.
pub(super) fn cpu_set(cx: &mut Cx<'_>, addr: u64, size: u64) {
    let size = size.min(1024) as usize;
    let mut raw = [0; 1024];
    if addr == 0 || size > 0 && cx.memory.read(addr, &mut raw[..size]) < size {
        return cx.addr(addr);
    }
    cx.s("[");
    let mut first = true;
    for cpu in 0..size * 8 {
        if raw[cpu / 8] >> (cpu % 8) & 1 == 1 {
            if !first {
                cx.s(" ");
            }
            first = false;
            cx.udec(cpu as u64);
        }
    }
    cx.s("]");
}

/// Memory nodes as words of hex.
pub(super) fn node_set(cx: &mut Cx<'_>, addr: u64, bits: u64) {
    // The kernel takes one bit less than it is told (set_mempolicy(2)).
    let words = bits.saturating_sub(1).div_ceil(64);
    if words == 0 && bits > 0 {
        return cx.addr(addr);
    }
    cx.array::<8>(addr, words, |cx, word| {
        cx.s(if word.u64(0) == 0 { "00" } else { "0x" });
        super::cx::push_radix(cx.out, word.u64(0), 16, 14);
    });
}

/// `struct mq_attr`; only the kernel's copy has its flags by name.
pub(super) fn queue(cx: &mut Cx<'_>, addr: u64, named: bool) {
    cx.object::<64>(addr, |cx, attr| {
        cx.s("{mq_flags=");
        if named {
            flags(cx, attr.u64(0), &f::MQ_FLAGS);
        } else {
            cx.hex(attr.u64(0));
        }
        for (at, name) in [(8, "mq_maxmsg"), (16, "mq_msgsize"), (24, "mq_curmsgs")] {
            cx.s(", ");
            cx.s(name);
            cx.s("=");
            cx.dec(attr.i64(at));
        }
        cx.s("}");
    });
}

/// `struct file_handle`.
pub(super) fn file_handle(cx: &mut Cx<'_>, addr: u64) {
    let failed = !cx.entering() && cx.failed();
    cx.object_always::<8>(addr, |cx, handle| {
        let len = handle.u32(0);
        cx.s("{handle_bytes=");
        cx.udec(len);
        if failed {
            return cx.s("}");
        }
        cx.s(", handle_type=");
        cx.udec(handle.u32(4));
        cx.s(", f_handle=");
        hex_string(cx, addr.wrapping_add(8), len.min(128));
        cx.s("}");
    });
}

fn hex_string(cx: &mut Cx<'_>, addr: u64, len: u64) {
    let mut raw = [0; 128];
    let raw = &mut raw[..len.min(128) as usize];
    if cx.memory.read(addr, raw) < raw.len() {
        return cx.addr(addr);
    }
    cx.s("\"");
    for byte in raw.iter() {
        cx.s("\\x");
        super::cx::push_radix(cx.out, u64::from(*byte), 16, 2);
    }
    cx.s("\"");
}

/// Page residency, one byte a page, as bits.
pub(super) fn residency(cx: &mut Cx<'_>, addr: u64, size: u64) {
    if size == 0 && addr != 0 {
        return cx.s("[]");
    }
    if cx.failed() {
        return cx.addr(addr);
    }
    cx.array::<1>(addr, size.div_ceil(4096), |cx, page| cx.udec(u64::from(page.u8(0) & 1)));
}

/// `struct open_how`.
pub(super) fn open_how(cx: &mut Cx<'_>, addr: u64, size: u64) {
    if size < 24 {
        return cx.addr(addr);
    }
    cx.object::<24>(addr, |cx, how| {
        cx.s("{flags=");
        open_flags64(cx, how.u64(0));
        if super::flags::creates(how.u64(0)) || how.u64(8) != 0 {
            cx.s(", mode=");
            cx.out.push('0');
            super::cx::push_octal(cx.out, how.u64(8), 2);
        }
        cx.s(", resolve=");
        flags(cx, how.u64(16), &f::RESOLVE);
        cx.s(if size > 24 { ", ...}" } else { "}" });
    });
}

/// A NUL-separated list of attribute names.
pub(super) fn attribute_list(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(len) if cx.arg(2) != 0 => buffer(cx, addr, len.max(0) as u64),
        _ => cx.addr(addr),
    }
}

/// The first fields of `struct perf_event_attr`.
pub(super) fn perf_attr(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<48>(addr, |cx, attr| {
        cx.s("{type=");
        choice32(cx, attr.u32(0), &f::PERF_TYPE);
        cx.s(", size=");
        cx.hex(attr.u32(4));
        cx.s(", config=");
        cx.hex(attr.u64(8));
        cx.s(", sample_period=");
        cx.udec(attr.u64(16));
        cx.s(", sample_type=");
        cx.hex(attr.u64(24));
        cx.s(", read_format=");
        cx.hex(attr.u64(32));
        cx.s(", ...}");
    });
}
