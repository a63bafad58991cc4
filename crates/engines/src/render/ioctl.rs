//! `ioctl`: requests by name, and the arguments of the common ones.

use super::arg::Shown;
use super::cx::{Bytes, Cx};
use super::flags::{choice, choice32, flags};
use super::strings::{End, quote};
use utrace_abi::flags::{self as f, ioctl_name};

/// A request by name, or taken apart.
pub(super) fn request(cx: &mut Cx<'_>, value: u64) {
    let request = value as u32;
    if let Some(name) = ioctl_name(request) {
        return cx.s(name);
    }
    let (direction, size) = (request >> 30, u64::from(request >> 16 & 0x3fff));
    cx.s("_IOC(");
    cx.s(["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"][direction as usize & 3]);
    for part in [u64::from(request >> 8 & 0xff), u64::from(request & 0xff), size] {
        cx.s(", ");
        cx.hex(part);
    }
    cx.s(")");
}

/// How the argument of a request is shown, and when.
enum Shape {
    /// There is none.
    None,
    /// A signed number.
    Number,
    /// A number, shown at exit.
    Hex,
    /// A number behind a pointer, read at entry.
    NumberIn,
    /// A number behind a pointer, written.
    NumberOut,
    /// A 64-bit number behind a pointer, written.
    LongOut,
    /// Flags of a file.
    FileFlags(Direction),
    /// `struct termios`.
    Termios(Direction),
    /// `struct winsize`.
    Winsize(Direction),
    /// A named choice.
    Named(&'static f::NameSet),
    /// Modem bits behind a pointer.
    Modem(Direction),
    /// One character behind a pointer.
    Character,
    /// `struct ifreq`.
    Interface(Direction),
    /// `struct file_clone_range`.
    CloneRange,
}

/// Which way a structure goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// Requests whose structure is wider on x86-64 than on i386.
fn is_wide(request: u32) -> bool {
    matches!(request, 0x8008_1272 | 0x8910..=0x8950)
}

fn shape(request: u32) -> Shape {
    use Direction::{In, Out};
    match request {
        0x5401 | 0x802c_542a | 0x5456 => Shape::Termios(Out),
        0x5402..=0x5404 | 0x402c_542b..=0x402c_542d | 0x5457 => Shape::Termios(In),
        0x5413 => Shape::Winsize(Out),
        0x5414 => Shape::Winsize(In),
        0x540f | 0x541b | 0x5411 | 0x5419 | 0x5424 | 0x5429 | 0x8004_5430 | 0x8004_5432 | 0x1268 | 0x8903
        | 0x8904 => Shape::NumberOut,
        0x8008_1272 => Shape::LongOut,
        0x5410 | 0x5420 | 0x5421 | 0x5423 | 0x5452 | 0x4004_5431 | 0x541a | 0x8901 | 0x8902 => {
            Shape::NumberIn
        }
        0x540e | 0x5409 | 0x5425 | 0x5427 | 0x4004_9409 => Shape::Number,
        0x540b => Shape::Named(&f::TCFLSH),
        0x540a => Shape::Named(&f::TCXONC),
        0x540c | 0x540d | 0x5422 | 0x541d | 0x5450 | 0x5451 | 0x5437 => Shape::None,
        0x5415 => Shape::Modem(Out),
        0x5416..=0x5418 => Shape::Modem(In),
        0x5412 => Shape::Character,
        0x8008_6601 => Shape::FileFlags(Out),
        0x4008_6602 => Shape::FileFlags(In),
        0x8913 | 0x8915 | 0x8917 | 0x8919 | 0x891b | 0x891d | 0x8921 | 0x8927 | 0x8933 | 0x8910 | 0x8942 => {
            Shape::Interface(Out)
        }
        0x4020_940d => Shape::CloneRange,
        _ => Shape::Hex,
    }
}

/// The argument of the request in argument 1.
pub(super) fn argument(cx: &mut Cx<'_>, value: u64) -> Shown {
    let request = cx.arg(1) as u32;
    let foreign = cx.call.abi == utrace_abi::Abi::I386 && is_wide(request);
    let shape = if foreign { Shape::Hex } else { shape(request) };
    let out = matches!(
        shape,
        Shape::NumberOut
            | Shape::LongOut
            | Shape::FileFlags(Direction::Out)
            | Shape::Termios(Direction::Out)
            | Shape::Winsize(Direction::Out)
            | Shape::Modem(Direction::Out)
            | Shape::Interface(Direction::Out)
    );
    if out && cx.entering() {
        return Shown::Later;
    }
    match shape {
        Shape::None => return Shown::Absent,
        Shape::Number => cx.int(value),
        Shape::Hex => show_unknown(cx, value),
        _ if out && cx.failed() && !matches!(shape, Shape::Interface(_)) => cx.addr(value),
        Shape::NumberIn | Shape::NumberOut => cx.object::<4>(value, |cx, raw| {
            cx.s("[");
            cx.dec(raw.i32(0));
            cx.s("]");
        }),
        Shape::LongOut => cx.object::<8>(value, |cx, raw| {
            cx.s("[");
            cx.udec(raw.u64(0));
            cx.s("]");
        }),
        Shape::FileFlags(_) => bracketed(cx, value, &f::FS_FLAGS),
        Shape::Modem(_) => bracketed(cx, value, &f::TIOCM),
        Shape::Termios(_) => termios(cx, value),
        Shape::Winsize(_) => winsize(cx, value),
        Shape::Named(set) => choice32(cx, value, set),
        Shape::Character => cx.object::<1>(value, |cx, raw| quote(cx, &raw.0, End::Whole)),
        Shape::Interface(_) => interface(cx, value),
        Shape::CloneRange => clone_range(cx, value),
    }
    Shown::Done
}

/// An argument without a known shape: an address for drivers that pass one, hex otherwise.
fn show_unknown(cx: &mut Cx<'_>, value: u64) {
    cx.hex(value);
}

fn bracketed(cx: &mut Cx<'_>, addr: u64, set: &'static f::NameSet) {
    cx.object::<4>(addr, |cx, raw| {
        cx.s("[");
        flags(cx, raw.u32(0), set);
        cx.s("]");
    });
}

fn winsize(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<8>(addr, |cx, size| {
        for (at, name) in [(0, "{ws_row="), (2, ", ws_col="), (4, ", ws_xpixel="), (6, ", ws_ypixel=")] {
            cx.s(name);
            cx.udec(u64::from(size.u16(at)));
        }
        cx.s("}");
    });
}

/// `struct termios` of the kernel: four words, a line discipline and control characters.
fn termios(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<36>(addr, |cx, t| {
        cx.s("{c_iflag=");
        tail(cx, t.u32(0), &f::C_IFLAG);
        cx.s(", c_oflag=");
        output_flags(cx, t.u32(4));
        cx.s(", c_cflag=");
        control_flags(cx, t.u32(8));
        cx.s(", c_lflag=");
        tail(cx, t.u32(12), &f::C_LFLAG);
        if cx.abbreviated() {
            return cx.s(", ...}");
        }
        cx.s(", c_line=");
        choice(cx, u64::from(t.u8(16)), &f::N_LINE);
        control_characters(cx, t);
        cx.s("}");
    });
}

fn output_flags(cx: &mut Cx<'_>, value: u64) {
    for (mask, set) in [
        (0o400, &f::C_NLDLY),
        (0o3000, &f::C_CRDLY),
        (0o14000, &f::C_TABDLY),
        (0o20000, &f::C_BSDLY),
        (0o40000, &f::C_VTDLY),
        (0o100_000, &f::C_FFDLY),
    ] {
        choice(cx, value & mask, set);
        cx.s("|");
    }
    tail(cx, value & !0o177_400, &f::C_OFLAG);
}

fn control_flags(cx: &mut Cx<'_>, value: u64) {
    choice(cx, value & 0o10017, &f::C_BAUD);
    cx.s("|");
    choice(cx, value & 0o60, &f::C_CSIZE);
    cx.s("|");
    tail(cx, value & !0o10077, &f::C_CFLAG);
}

/// A group of bits; nothing for zero, as strace has it.
fn tail(cx: &mut Cx<'_>, value: u64, set: &f::NameSet) {
    if value != 0 {
        flags(cx, value, set);
    }
}

fn control_characters(cx: &mut Cx<'_>, t: &Bytes<36>) {
    cx.s(", c_cc=[");
    for (index, name) in [
        "VINTR", "VQUIT", "VERASE", "VKILL", "VEOF", "VTIME", "VMIN", "VSWTC", "VSTART", "VSTOP", "VSUSP",
        "VEOL", "VREPRINT", "VDISCARD", "VWERASE", "VLNEXT", "VEOL2", "17", "18",
    ]
    .into_iter()
    .enumerate()
    {
        if index > 0 {
            cx.s(", ");
        }
        cx.s("[");
        cx.s(name);
        cx.s("]=");
        cx.hex(u64::from(t.u8(17 + index)));
    }
    cx.s("]");
}

/// `struct ifreq` of the requests that read one property.
fn interface(cx: &mut Cx<'_>, addr: u64) {
    let request = cx.arg(1) as u32;
    cx.object_always::<40>(addr, |cx, req| {
        if cx.failed() && !matches!(request, 0x8910) {
            cx.s("{ifr_name=");
            name(cx, req);
            return cx.s("}");
        }
        cx.s("{ifr_name=");
        name(cx, req);
        match request {
            0x8933 | 0x8910 => {
                cx.s(", ifr_ifindex=");
                cx.dec(req.i32(16));
            }
            0x8913 => {
                cx.s(", ifr_flags=");
                flags(cx, u64::from(req.u16(16)), &f::IFF);
            }
            0x8921 => {
                cx.s(", ifr_mtu=");
                cx.dec(req.i32(16));
            }
            0x891d => {
                cx.s(", ifr_metric=");
                cx.dec(req.i32(16));
            }
            0x8942 => {
                cx.s(", ifr_qlen=");
                cx.dec(req.i32(16));
            }
            0x8927 => hardware(cx, req),
            _ => {
                cx.s(match request {
                    0x8917 => ", ifr_dstaddr=",
                    0x8919 => ", ifr_broadaddr=",
                    0x891b => ", ifr_netmask=",
                    _ => ", ifr_addr=",
                });
                super::net::sockaddr(cx, addr.wrapping_add(16), 16);
            }
        }
        cx.s("}");
    });
}

fn name(cx: &mut Cx<'_>, req: &Bytes<40>) {
    let raw = &req.0[..16];
    match raw.iter().position(|b| *b == 0) {
        Some(end) => quote(cx, &raw[..end], End::Whole),
        None => quote(cx, &raw[..15], End::More),
    }
}

fn hardware(cx: &mut Cx<'_>, req: &Bytes<40>) {
    cx.s(", ifr_hwaddr={sa_family=");
    choice(cx, u64::from(req.u16(16)), &f::ARPHRD);
    let len = if req.u16(16) == 1 || req.u16(16) == 772 { 6 } else { 14 };
    cx.s(", sa_data=");
    for at in 0..len {
        if at > 0 {
            cx.s(":");
        }
        super::cx::push_radix(cx.out, u64::from(req.u8(18 + at)), 16, 2);
    }
    cx.s("}");
}

fn clone_range(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<32>(addr, |cx, range| {
        cx.s("{src_fd=");
        cx.fd(range.i64(0));
        for (at, name) in [(8, ", src_offset="), (16, ", src_length="), (24, ", dest_offset=")] {
            cx.s(name);
            cx.udec(range.u64(at));
        }
        cx.s("}");
    });
}
