//! Strings, paths, buffers, argument vectors and I/O vectors.

use core::ops::Range;

use super::StringStyle;
use super::cx::{Cx, push_octal};

/// Longest path that is read, as the kernel's `PATH_MAX`.
const PATH_MAX: usize = 4096;
/// Most bytes of a string that are read and shown, whatever the limit asked for.
const STRING_MAX: usize = 1 << 16;

/// What follows a quoted string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The closing quote only.
    Whole,
    /// `...`: there is more.
    More,
}

/// Writes `bytes` quoted and escaped.
pub(super) fn quote(cx: &mut Cx<'_>, bytes: &[u8], end: End) {
    cx.out.push('"');
    let hex = match cx.options.strings {
        StringStyle::Escaped => false,
        StringStyle::HexUnprintable => !bytes.iter().all(|b| printable(*b) || matches!(b, b'\t'..=b'\r')),
        StringStyle::Hex => true,
    };
    if hex {
        for byte in bytes {
            cx.s("\\x");
            super::cx::push_radix(cx.out, u64::from(*byte), 16, 2);
        }
    } else {
        escape(cx.out, bytes);
    }
    cx.s(if end == End::More { "\"..." } else { "\"" });
}

fn printable(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// C escapes; octal as short as the next character allows.
pub(super) fn escape(out: &mut String, bytes: &[u8]) {
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if printable(byte) && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(core::str::from_utf8(&bytes[from..at]).unwrap_or_default());
        from = at + 1;
        out.push('\\');
        match byte {
            b'"' | b'\\' => out.push(char::from(byte)),
            b'\t' => out.push('t'),
            b'\n' => out.push('n'),
            0x0b => out.push('v'),
            0x0c => out.push('f'),
            b'\r' => out.push('r'),
            _ => {
                let digit_next = bytes.get(at + 1).is_some_and(|next| (b'0'..=b'7').contains(next));
                push_octal(out, u64::from(byte), if digit_next { 3 } else { 1 });
            }
        }
    }
    out.push_str(core::str::from_utf8(&bytes[from..]).unwrap_or_default());
}

/// Escapes the tail of `out` from `from` on, which is the target of a descriptor: the brackets around it must stay
/// the only ones.
pub(super) fn escape_target(out: &mut String, from: usize) {
    let Some(target) = out.get(from..) else { return };
    if target.bytes().all(|byte| printable(byte) && !matches!(byte, b'"' | b'\\' | b'<' | b'>')) {
        return;
    }
    let target = target.to_owned();
    out.truncate(from);
    for piece in target.split_inclusive(['<', '>']) {
        let (text, bracket) = match piece.strip_suffix('<') {
            Some(text) => (text, "\\74"),
            None => piece.strip_suffix('>').map_or((piece, ""), |text| (text, "\\76")),
        };
        escape(out, text.as_bytes());
        out.push_str(bracket);
    }
}

/// A path: no length limit but the kernel's.
pub(super) fn path(cx: &mut Cx<'_>, addr: u64) {
    c_string(cx, addr, PATH_MAX - 1);
}

/// A NUL-terminated string, shortened to the string limit.
pub(super) fn string(cx: &mut Cx<'_>, addr: u64) {
    let limit = cx.options.string_limit.min(STRING_MAX);
    c_string(cx, addr, limit);
}

/// A NUL-terminated string that ends after `max` bytes at the latest.
pub(super) fn string_max(cx: &mut Cx<'_>, addr: u64, max: usize) {
    let limit = cx.options.string_limit.min(max);
    c_string(cx, addr, limit);
}

fn c_string(cx: &mut Cx<'_>, addr: u64, limit: usize) {
    if addr == 0 {
        return cx.s("NULL");
    }
    let mut small = [0; 256];
    match read_c(cx, addr, &mut small, limit) {
        Read::Bad => cx.addr(addr),
        Read::Done(len) => quote(cx, &small[..len], End::Whole),
        Read::Cut(len) => quote(cx, &small[..len], End::More),
        Read::Full => {
            let mut large = vec![0; limit + 1];
            match read_c(cx, addr, &mut large, limit) {
                Read::Bad | Read::Full => cx.addr(addr),
                Read::Done(len) => quote(cx, &large[..len], End::Whole),
                Read::Cut(len) => quote(cx, &large[..len], End::More),
            }
        }
    }
}

enum Read {
    /// Not readable up to its NUL.
    Bad,
    /// The whole string.
    Done(usize),
    /// Longer than the limit.
    Cut(usize),
    /// The buffer was too small to tell.
    Full,
}

/// Reads a NUL-terminated string of at most `limit` bytes and its NUL.
///
/// strace shows an address when a string runs into unreadable memory before its NUL and before the limit.
fn read_c(cx: &mut Cx<'_>, addr: u64, buf: &mut [u8], limit: usize) -> Read {
    let want = buf.len().min(limit + 1);
    let got = cx.memory.read(addr, &mut buf[..want]).min(want);
    match buf[..got].iter().position(|b| *b == 0) {
        Some(len) => Read::Done(len),
        None if got > limit => Read::Cut(limit),
        None if got < want => Read::Bad,
        None => Read::Full,
    }
}

/// `len` bytes at `addr`, shortened to the string limit.
pub(super) fn buffer(cx: &mut Cx<'_>, addr: u64, len: u64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    let shown = (cx.options.string_limit.min(STRING_MAX) as u64).min(len) as usize;
    let mut small = [0; 64];
    let mut large;
    let buf = if shown <= small.len() {
        &mut small[..shown]
    } else {
        large = vec![0; shown];
        &mut large[..]
    };
    if shown > 0 && cx.memory.read(addr, buf) < shown {
        return cx.addr(addr);
    }
    quote(cx, buf, if shown as u64 == len { End::Whole } else { End::More });
}

/// The value of an extended attribute: its trailing NUL is not shown.
pub(super) fn attribute(cx: &mut Cx<'_>, addr: u64, len: u64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    let shown = (cx.options.string_limit.min(STRING_MAX) as u64).min(len) as usize;
    let mut buf = vec![0; shown];
    if shown > 0 && cx.memory.read(addr, &mut buf) < shown {
        return cx.addr(addr);
    }
    match buf.split_last() {
        Some((0, text)) => quote(cx, text, End::Whole),
        _ => quote(cx, &buf, if shown as u64 == len { End::Whole } else { End::More }),
    }
}

/// As [`buffer_out`] for bytes that are no text.
pub(super) fn bytes_out(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(len) => bytes(cx, addr, len.max(0) as u64),
        None => cx.addr(addr),
    }
}

/// As [`buffer`] for bytes that are no text: always in hex.
pub(super) fn bytes(cx: &mut Cx<'_>, addr: u64, len: u64) {
    let options = super::Options { strings: StringStyle::Hex, ..*cx.options };
    let outcome = cx.outcome;
    let mut hex = Cx { options: &options, call: cx.call, memory: cx.memory, out: cx.out, outcome, saved: 0 };
    buffer(&mut hex, addr, len);
}

/// A buffer that the kernel filled with as many bytes as it returned.
pub(super) fn buffer_out(cx: &mut Cx<'_>, addr: u64) {
    match cx.returned() {
        Some(len) => buffer(cx, addr, len.max(0) as u64),
        None => cx.addr(addr),
    }
}

/// `["a", "b"]`, at most as many as the string limit allows.
pub(super) fn argv(cx: &mut Cx<'_>, addr: u64) {
    if addr == 0 {
        return cx.s("NULL");
    }
    let word = cx.call.abi.word() as u64;
    let limit = if cx.abbreviated() { cx.options.string_limit as u64 } else { 4096 };
    for index in 0.. {
        let at = addr.wrapping_add(index * word);
        match cx.word_at(at) {
            None if index == 0 => return cx.addr(addr),
            None => {
                cx.s(", ... /* ");
                cx.addr(at);
                cx.s(" */");
                break;
            }
            Some(0) => {
                if index == 0 {
                    cx.s("[");
                }
                break;
            }
            Some(_) if index >= limit => {
                cx.s(", ...");
                break;
            }
            Some(text) => {
                cx.s(if index == 0 { "[" } else { ", " });
                string(cx, text);
            }
        }
    }
    cx.s("]");
}

/// The environment: `0x7ffd… /* 12 vars */`, or all of it in full detail.
pub(super) fn envp(cx: &mut Cx<'_>, addr: u64) {
    if addr == 0 || !cx.abbreviated() {
        return argv(cx, addr);
    }
    cx.addr(addr);
    let mut words = Words::at(addr);
    let mut count = 0_u64;
    let unterminated = loop {
        match words.next(cx) {
            Some(0) => break false,
            Some(_) if count < 1 << 16 => count += 1,
            _ => break true,
        }
    };
    if unterminated && count == 0 {
        return;
    }
    cx.s(" /* ");
    cx.udec(count);
    cx.s(if count == 1 { " var" } else { " vars" });
    cx.s(if unterminated { ", unterminated */" } else { " */" });
}

/// Words of the traced program that follow one another, of which many are read at once.
struct Words {
    /// Where the first of those lies that were not taken yet.
    at: u64,
    read: [u8; 512],
    /// Those of the bytes read that were not taken yet.
    left: Range<usize>,
}

impl Words {
    fn at(addr: u64) -> Self {
        Self { at: addr, read: [0; 512], left: 0..0 }
    }

    /// The next one, if it can be read.
    fn next(&mut self, cx: &mut Cx<'_>) -> Option<u64> {
        let size = cx.call.abi.word();
        if self.left.len() < size {
            let got = cx.memory.read(self.at, &mut self.read).min(self.read.len());
            self.left = 0..got;
        }
        let end = self.left.start + size;
        let bytes = self.read.get(self.left.start..end).filter(|_| end <= self.left.end)?;
        let mut word = [0; 8];
        word.get_mut(..size)?.copy_from_slice(bytes);
        self.left.start = end;
        self.at = self.at.wrapping_add(size as u64);
        Some(u64::from_le_bytes(word))
    }
}

/// What the elements of an I/O vector point at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Vector {
    /// Data to be shown whole.
    Data,
    /// Data of which only so many bytes in total are valid.
    Filled(u64),
    /// Addresses only.
    Addresses,
}

/// `[{iov_base="abc", iov_len=3}, …]`.
pub(super) fn iovec(cx: &mut Cx<'_>, addr: u64, count: u64, kind: Vector) {
    iovec_of(cx, addr, count, kind, buffer);
}

/// As [`iovec`]; `show` writes the data of an element.
pub(super) fn iovec_of(
    cx: &mut Cx<'_>,
    addr: u64,
    count: u64,
    kind: Vector,
    show: impl Fn(&mut Cx<'_>, u64, u64),
) {
    let mut left = if let Vector::Filled(bytes) = kind { bytes } else { u64::MAX };
    let mut one = |cx: &mut Cx<'_>, base, len: u64| {
        cx.s("{iov_base=");
        match kind {
            Vector::Addresses => cx.addr(base),
            Vector::Data | Vector::Filled(_) => {
                let shown = len.min(left);
                if matches!(kind, Vector::Filled(_)) {
                    left -= shown;
                }
                show(cx, base, shown);
            }
        }
        cx.s(", iov_len=");
        cx.udec(len);
        cx.s("}");
    };
    if cx.call.abi.word() == 4 {
        return cx.array::<8>(addr, count, |cx, v| one(cx, v.u32(0), v.u32(4)));
    }
    cx.array::<16>(addr, count, |cx, v| one(cx, v.u64(0), v.u64(8)));
}
