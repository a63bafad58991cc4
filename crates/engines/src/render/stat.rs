//! File status: `stat`, `statx`, `statfs`, device numbers, directory entries.

use super::cx::{Bytes, Cx};
use super::flags::{choice, file_mode, flags};
use super::time::date;
use utrace_abi::Abi;
use utrace_abi::flags as f;

/// `makedev(0x8, 0x1)`.
pub(super) fn device(cx: &mut Cx<'_>, dev: u64) {
    let major = (dev >> 8 & 0xfff) | (dev >> 32 & 0xffff_f000);
    let minor = (dev & 0xff) | (dev >> 12 & 0xffff_ff00);
    device_parts(cx, major, minor);
}

fn device_parts(cx: &mut Cx<'_>, major: u64, minor: u64) {
    cx.s("makedev(");
    cx.hex(major);
    cx.s(", ");
    cx.hex(minor);
    cx.s(")");
}

/// A 32-bit device number as `mknod` takes it.
pub(super) fn device32(cx: &mut Cx<'_>, dev: u64) {
    device(cx, dev & 0xffff_ffff);
}

/// Whether a mode is that of a device node.
pub(super) fn is_device(mode: u64) -> bool {
    matches!(mode & 0o170_000, 0o020_000 | 0o060_000)
}

/// `struct stat` of x86-64.
pub(super) fn stat(cx: &mut Cx<'_>, addr: u64) {
    if cx.call.abi == Abi::I386 {
        return cx.output::<96>(addr, |cx, st| show_stat(cx, &widen(st)));
    }
    cx.output::<144>(addr, show_stat);
}

/// `struct stat64` of i386 in the form of x86-64.
fn widen(st: &Bytes<96>) -> Bytes<144> {
    let mut raw = [0; 144];
    let mut put = |at: usize, value: u64| raw[at..at + 8].copy_from_slice(&value.to_le_bytes());
    for (to, from) in [(0, 0), (8, 88), (40, 32), (48, 44), (64, 56)] {
        put(to, st.u64(from));
    }
    put(16, st.u32(20));
    put(24, st.u32(16) | st.u32(24) << 32);
    put(32, st.u32(28));
    put(56, st.u32(52));
    for (to, from) in [(72, 64), (88, 72), (104, 80)] {
        put(to, st.i32(from) as u64);
        put(to + 8, st.u32(from + 4));
    }
    Bytes(raw)
}

fn show_stat(cx: &mut Cx<'_>, st: &Bytes<144>) {
    cx.s("{");
    let (mode, rdev) = (st.u32(24), st.u64(40));
    if !cx.abbreviated() {
        cx.s("st_dev=");
        device(cx, st.u64(0));
        field(cx, ", st_ino=", st.u64(8));
        cx.s(", ");
    }
    cx.s("st_mode=");
    file_mode(cx, mode);
    if !cx.abbreviated() {
        field(cx, ", st_nlink=", st.u64(16));
        field(cx, ", st_uid=", st.u32(28));
        field(cx, ", st_gid=", st.u32(32));
        field(cx, ", st_blksize=", st.u64(56));
        field(cx, ", st_blocks=", st.u64(64));
    }
    if is_device(mode) {
        cx.s(", st_rdev=");
        device(cx, rdev);
    } else {
        field(cx, ", st_size=", st.u64(48));
    }
    if cx.abbreviated() {
        return cx.s(", ...}");
    }
    stat_times(cx, st);
    cx.s("}");
}

fn stat_times(cx: &mut Cx<'_>, st: &Bytes<144>) {
    for (at, name) in [(72, "st_atime"), (88, "st_mtime"), (104, "st_ctime")] {
        let (sec, nsec) = (st.i64(at), st.u64(at + 8));
        cx.s(", ");
        cx.s(name);
        cx.s("=");
        cx.dec(sec);
        date(cx, sec, nsec, 9);
        cx.s(", ");
        cx.s(name);
        cx.s("_nsec=");
        cx.udec(nsec);
    }
}

fn field(cx: &mut Cx<'_>, name: &str, value: u64) {
    cx.s(name);
    cx.udec(value);
}

/// Flags of `statx`: one synchronisation kind and `AT_` flags.
pub(super) fn statx_flags(cx: &mut Cx<'_>, value: u64) {
    let value = value & 0xffff_ffff;
    choice(cx, value & 0x6000, &f::STATX_SYNC);
    super::flags::more(cx, value & !0x6000, &f::AT);
}

/// `struct statx`.
pub(super) fn statx(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<256>(addr, |cx, st| {
        let full = !cx.abbreviated();
        let mask = st.u32(0);
        cx.s("{stx_mask=");
        flags(cx, mask, &f::STATX);
        if full {
            field(cx, ", stx_blksize=", st.u32(4));
        }
        cx.s(", stx_attributes=");
        flags(cx, st.u64(8), &f::STATX_ATTR);
        if full && mask & 0x4 != 0 {
            field(cx, ", stx_nlink=", st.u32(16));
        }
        if full && mask & 0x8 != 0 {
            field(cx, ", stx_uid=", st.u32(20));
        }
        if full && mask & 0x10 != 0 {
            field(cx, ", stx_gid=", st.u32(24));
        }
        if mask & 0x3 != 0 {
            cx.s(", stx_mode=");
            file_mode(cx, u64::from(st.u16(28)));
        }
        if full && mask & 0x100 != 0 {
            field(cx, ", stx_ino=", st.u64(32));
        }
        if mask & 0x200 != 0 {
            field(cx, ", stx_size=", st.u64(40));
        }
        if full {
            statx_rest(cx, mask, st);
        } else {
            cx.s(", ...");
        }
        cx.s("}");
    });
}

fn statx_rest(cx: &mut Cx<'_>, mask: u64, st: &Bytes<256>) {
    if mask & 0x400 != 0 {
        field(cx, ", stx_blocks=", st.u64(48));
    }
    cx.s(", stx_attributes_mask=");
    flags(cx, st.u64(56), &f::STATX_ATTR);
    for (bit, at, name) in
        [(0x20, 64, "stx_atime"), (0x800, 80, "stx_btime"), (0x80, 96, "stx_ctime"), (0x40, 112, "stx_mtime")]
    {
        if mask & bit == 0 {
            continue;
        }
        let (sec, nsec) = (st.i64(at), st.u32(at + 8));
        cx.s(", ");
        cx.s(name);
        cx.s("={tv_sec=");
        cx.dec(sec);
        field(cx, ", tv_nsec=", nsec);
        cx.s("}");
        date(cx, sec, nsec, 9);
    }
    field(cx, ", stx_rdev_major=", st.u32(128));
    field(cx, ", stx_rdev_minor=", st.u32(132));
    field(cx, ", stx_dev_major=", st.u32(136));
    field(cx, ", stx_dev_minor=", st.u32(140));
    if mask & 0x1000 != 0 {
        cx.s(", stx_mnt_id=");
        cx.hex(st.u64(144));
    }
    if mask & 0x2000 != 0 {
        field(cx, ", stx_dio_mem_align=", st.u32(152));
        field(cx, ", stx_dio_offset_align=", st.u32(156));
    }
}

/// `struct statfs`.
pub(super) fn statfs(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<120>(addr, |cx, st| {
        cx.s("{f_type=");
        choice(cx, st.u64(0), &f::FS_MAGIC);
        for (name, at) in [
            (", f_bsize=", 8),
            (", f_blocks=", 16),
            (", f_bfree=", 24),
            (", f_bavail=", 32),
            (", f_files=", 40),
            (", f_ffree=", 48),
        ] {
            field(cx, name, st.u64(at));
        }
        cx.s(", f_fsid={val=[");
        cx.hex(st.u32(56));
        cx.s(", ");
        cx.hex(st.u32(60));
        field(cx, "]}, f_namelen=", st.u64(64));
        field(cx, ", f_frsize=", st.u64(72));
        let mount = st.u64(80);
        if mount & 0x20 != 0 {
            cx.s(", f_flags=");
            flags(cx, mount, &f::ST);
        }
        cx.s("}");
    });
}

/// `struct linux_dirent64` entries, or only their count.
pub(super) fn dents(cx: &mut Cx<'_>, addr: u64, wide: bool) {
    let Some(len) = cx.returned() else { return cx.addr(addr) };
    let len = (len.max(0) as usize).min(DENTS_MAX);
    let mut buf = vec![0; len];
    if len > 0 && cx.memory.read(addr, &mut buf) < len {
        cx.addr(addr);
        return cx.s(if cx.abbreviated() { " /* 0+ entries */" } else { "" });
    }
    let full = !cx.abbreviated();
    let mut entries = 0_u64;
    if full {
        cx.s("[");
    } else {
        cx.addr(addr);
    }
    let mut at = 0;
    while let Some(entry) = buf.get(at..).filter(|rest| rest.len() >= 19) {
        let reclen = usize::from(u16::from_le_bytes([entry[16], entry[17]]));
        if reclen < 19 || reclen > entry.len() {
            break;
        }
        if full {
            cx.s(if entries == 0 { "{" } else { ", {" });
            dent(cx, &entry[..reclen], wide);
        }
        entries += 1;
        at += reclen;
    }
    if full {
        cx.s("]");
    } else {
        cx.s(" /* ");
        cx.udec(entries);
        cx.s(" entries */");
    }
}

/// Longest directory buffer looked at.
const DENTS_MAX: usize = 1 << 20;

fn dent(cx: &mut Cx<'_>, entry: &[u8], wide: bool) {
    let word =
        |at: usize| entry.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes);
    field(cx, "d_ino=", word(0));
    cx.s(", d_off=");
    cx.dec(word(8) as i64);
    field(cx, ", d_reclen=", entry.len() as u64);
    let (kind, name) =
        if wide { (entry[18], &entry[19..]) } else { (entry[entry.len() - 1], &entry[18..entry.len() - 1]) };
    let name = &name[..name.iter().position(|b| *b == 0).unwrap_or(name.len())];
    if wide {
        cx.s(", d_type=");
        choice(cx, u64::from(kind), &f::DT);
    }
    cx.s(", d_name=");
    super::strings::quote(cx, name, super::strings::End::Whole);
    if !wide {
        cx.s(", d_type=");
        choice(cx, u64::from(kind), &f::DT);
    }
    cx.s("}");
}
