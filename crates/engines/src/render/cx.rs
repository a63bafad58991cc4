//! The writing context: one call, its memory, and the string being written.
//!
//! [`Cx`] carries the small helpers that every family of renderers uses: numbers, addresses, memory reads, fields and
//! bounded arrays. It knows no structure of the kernel.

use super::{Call, Constants, Detail, FdDetail, Memory, Options, Outcome};
use crate::choices::Choices;
use utrace_abi::{Abi, Arg};

/// What a renderer of one argument works with.
pub(super) struct Cx<'a> {
    pub(super) options: &'a Options,
    pub(super) call: &'a Call,
    pub(super) memory: &'a mut dyn Memory,
    pub(super) out: &'a mut String,
    /// `None` at entry.
    pub(super) outcome: Option<Outcome>,
    /// A word remembered from entry to exit: a length before the kernel changed it.
    pub(super) saved: u64,
}

impl Cx<'_> {
    /// The raw argument at `index`; zero beyond the sixth.
    pub(super) fn arg(&self, index: u8) -> u64 {
        self.call.args.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// Whether the call is still running.
    pub(super) fn entering(&self) -> bool {
        self.outcome.is_none()
    }

    /// The return value of a call that succeeded.
    pub(super) fn returned(&self) -> Option<i64> {
        match self.outcome {
            Some(Outcome::Returned(value)) if utrace_abi::Errno::from_return(value).is_none() => Some(value),
            _ => None,
        }
    }

    /// Whether output memory has nothing to show: the call failed or never returned.
    pub(super) fn failed(&self) -> bool {
        self.returned().is_none()
    }

    /// Whether this is the syscall called `name`: for the few kinds that two calls show in two ways.
    pub(super) fn called(&self, name: &str) -> bool {
        self.call.info().is_some_and(|info| info.name == name)
    }

    /// Whether structures are shortened.
    pub(super) fn abbreviated(&self) -> bool {
        self.options.detail == Detail::Abbreviated
    }

    pub(super) fn s(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn dec(&mut self, value: i64) {
        push_dec(self.out, value);
    }

    pub(super) fn int(&mut self, value: u64) {
        push_dec(self.out, i64::from(value as i32));
    }

    pub(super) fn udec(&mut self, value: u64) {
        push_udec(self.out, value);
    }

    /// Hex with `0x`; zero is `0`, as C's `%#x` has it.
    pub(super) fn hex(&mut self, value: u64) {
        push_hex(self.out, value);
    }

    /// An address: `NULL` or hex.
    pub(super) fn addr(&mut self, value: u64) {
        if value == 0 { self.s("NULL") } else { push_hex(self.out, value) }
    }

    /// A descriptor, with its target where that was asked for.
    pub(super) fn fd(&mut self, fd: i64) {
        self.dec(fd);
        if !self.options.fds.is_empty() && fd >= 0 {
            self.fd_target(fd as i32);
        }
    }

    /// A directory descriptor or `AT_FDCWD`.
    pub(super) fn dir_fd(&mut self, value: u64) {
        const AT_FDCWD: i32 = -100;
        if value as i32 == -1 && self.called("fanotify_mark") {
            return self.s("FAN_NOFD");
        }
        if value as i32 != AT_FDCWD {
            return self.fd(i64::from(value as i32));
        }
        self.named(value as i32, "AT_FDCWD");
        if self.options.fds.has(FdDetail::Path) {
            self.fd_target(AT_FDCWD);
        }
    }

    /// A constant by its name, or its number, or both.
    pub(super) fn named(&mut self, value: i32, name: &str) {
        match self.options.constants {
            Constants::Names => self.s(name),
            Constants::Raw => self.dec(i64::from(value)),
            Constants::Both => {
                self.dec(i64::from(value));
                self.comment(name);
            }
        }
    }

    /// ` /* text */`
    pub(super) fn comment(&mut self, text: &str) {
        self.s(" /* ");
        self.s(text);
        self.s(" */");
    }

    /// `</path>`, and `(deleted)` after it where the kernel says so; with the details that were asked for.
    fn fd_target(&mut self, fd: i32) {
        const GONE: &str = " (deleted)";
        let start = self.out.len();
        self.s("<");
        let from = self.out.len();
        if !self.memory.fd_path(fd, self.out) {
            return self.out.truncate(start);
        }
        let gone = self.out.get(from..).is_some_and(|path| path.ends_with(GONE));
        if gone {
            self.out.truncate(self.out.len() - GONE.len());
        }
        let wanted = self.options.fds;
        if wanted != Choices::of(&[FdDetail::Path]) {
            let path = self.out.get(from..).unwrap_or_default().to_owned();
            self.out.truncate(from);
            let detailed = self.memory.fd_detail(fd, &path, wanted, self.out);
            if !detailed && wanted.has(FdDetail::Path) {
                self.s(&path);
                super::strings::escape_target(self.out, from);
            } else if !detailed {
                return self.out.truncate(start);
            }
        } else {
            super::strings::escape_target(self.out, from);
        }
        self.s(if gone { ">(deleted)" } else { ">" });
    }

    /// `[…]`
    pub(super) fn bracket(&mut self, show: impl FnOnce(&mut Self)) {
        self.s("[");
        show(self);
        self.s("]");
    }

    /// The argument at `index` as a length: some calls pass it in 32 bits only.
    pub(super) fn length(&self, index: u8) -> u64 {
        let narrow = match self.call.info().and_then(|info| info.args.get(usize::from(index))) {
            Some(Arg::Int | Arg::UInt) => true,
            _ => self.call.abi == Abi::I386,
        };
        if narrow { self.arg(index) & 0xffff_ffff } else { self.arg(index) }
    }

    /// At entry, the word that the kernel may change and that exit will compare with.
    pub(super) fn remember(&mut self) -> u64 {
        let Some(info) = self.call.info() else { return 0 };
        for (index, arg) in info.args.iter().enumerate() {
            let addr = self.arg(index as u8);
            return match arg {
                Arg::SocklenInOut => self.u32_at(addr).map_or(0, u64::from),
                Arg::MsghdrOut => self.u32_at(addr.wrapping_add(8)).map_or(0, u64::from),
                Arg::OffInOut => self.u64_at(addr).unwrap_or(0),
                _ => continue,
            };
        }
        0
    }

    /// Exactly `N` bytes at `addr`, or nothing.
    pub(super) fn bytes<const N: usize>(&mut self, addr: u64) -> Option<[u8; N]> {
        let mut buf = [0; N];
        (addr != 0 && self.memory.read(addr, &mut buf) >= N).then_some(buf)
    }

    pub(super) fn u32_at(&mut self, addr: u64) -> Option<u32> {
        self.bytes(addr).map(u32::from_le_bytes)
    }

    pub(super) fn u64_at(&mut self, addr: u64) -> Option<u64> {
        self.bytes(addr).map(u64::from_le_bytes)
    }

    /// A pointer-sized word of the traced program.
    pub(super) fn word_at(&mut self, addr: u64) -> Option<u64> {
        match self.call.abi.word() {
            4 => self.u32_at(addr).map(u64::from),
            _ => self.u64_at(addr),
        }
    }

    /// Shows a structure of `N` bytes, or its address if it cannot be read.
    pub(super) fn object<const N: usize>(&mut self, addr: u64, show: impl FnOnce(&mut Self, &Bytes<N>)) {
        // After a failure strace takes no structure apart that it had not yet shown at entry.
        match if self.outcome.is_some() && self.failed() { None } else { self.bytes::<N>(addr) } {
            Some(bytes) => show(self, &Bytes(bytes)),
            None => self.addr(addr),
        }
    }

    /// Shows a structure of `N` bytes although the call failed, or its address if it cannot be read.
    pub(super) fn object_always<const N: usize>(
        &mut self,
        addr: u64,
        show: impl FnOnce(&mut Self, &Bytes<N>),
    ) {
        match self.bytes::<N>(addr) {
            Some(bytes) => show(self, &Bytes(bytes)),
            None => self.addr(addr),
        }
    }

    /// Whether `long` is four bytes for this call: a 32-bit program, in a call that has no 64-bit times or sizes.
    pub(super) fn narrow(&self) -> bool {
        self.call.abi == Abi::I386 && self.call.info().is_none_or(|info| !info.name.ends_with("64"))
    }

    /// As [`Cx::object`], for structures made of `long` only: those of 32-bit programs are widened.
    pub(super) fn longs<const N: usize>(&mut self, addr: u64, show: impl FnOnce(&mut Self, &Bytes<N>)) {
        if self.outcome.is_some() && self.failed() { self.addr(addr) } else { self.longs_always(addr, show) }
    }

    /// As [`Cx::longs`], although the call failed.
    pub(super) fn longs_always<const N: usize>(
        &mut self,
        addr: u64,
        show: impl FnOnce(&mut Self, &Bytes<N>),
    ) {
        if !self.narrow() {
            return self.object_always(addr, show);
        }
        let mut raw = [0; N];
        if addr == 0 || self.memory.read(addr, &mut raw[..N / 2]) < N / 2 {
            return self.addr(addr);
        }
        let narrow = Bytes(raw);
        for (at, eight) in raw.chunks_exact_mut(8).enumerate() {
            eight.copy_from_slice(&narrow.i32(4 * at).to_le_bytes());
        }
        show(self, &Bytes(raw));
    }

    /// As [`Cx::object`], for memory that the kernel filled.
    pub(super) fn output<const N: usize>(&mut self, addr: u64, show: impl FnOnce(&mut Self, &Bytes<N>)) {
        self.object(addr, show);
    }

    /// Shows what `show` makes of an address that the kernel filled: the bare address if the call failed.
    pub(super) fn filled(&mut self, addr: u64, show: impl FnOnce(&mut Self, u64)) {
        if self.failed() {
            self.addr(addr);
        } else {
            show(self, addr);
        }
    }

    /// Shows `count` elements of `N` bytes as `[a, b]`, at most as many as the string limit allows.
    ///
    /// Memory that ends early is shown as `...` with the address where it ended.
    pub(super) fn array<const N: usize>(
        &mut self,
        addr: u64,
        count: u64,
        mut show: impl FnMut(&mut Self, &Bytes<N>),
    ) {
        if addr == 0 {
            return self.s("NULL");
        }
        if count == 0 {
            return self.s("[]");
        }
        if count.checked_mul(N as u64).and_then(|size| addr.checked_add(size)).is_none() {
            return self.addr(addr);
        }
        let limit = if self.abbreviated() { self.options.string_limit as u64 } else { ARRAY_LIMIT };
        for index in 0..count {
            let at = addr + index * N as u64;
            if index >= limit {
                self.s(", ...");
                break;
            }
            let Some(bytes) = self.bytes::<N>(at) else {
                if index == 0 {
                    return self.addr(addr);
                }
                self.s(", ... /* ");
                self.addr(at);
                self.s(" */");
                break;
            };
            self.s(if index == 0 { "[" } else { ", " });
            show(self, &Bytes(bytes));
        }
        self.s("]");
    }
}

/// Longest array shown in full, so that a line is bounded whatever the traced program claims.
const ARRAY_LIMIT: u64 = 4096;

/// A structure as read, with little-endian access by offset. Offsets past the end read as zero.
pub(super) struct Bytes<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> Bytes<N> {
    fn take<const M: usize>(&self, offset: usize) -> [u8; M] {
        self.0.get(offset..).and_then(|tail| tail.first_chunk()).copied().unwrap_or([0; M])
    }

    pub(super) fn u8(&self, offset: usize) -> u8 {
        self.0.get(offset).copied().unwrap_or(0)
    }

    pub(super) fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.take(offset))
    }

    pub(super) fn u32(&self, offset: usize) -> u64 {
        u64::from(u32::from_le_bytes(self.take(offset)))
    }

    pub(super) fn i32(&self, offset: usize) -> i64 {
        i64::from(i32::from_le_bytes(self.take(offset)))
    }

    pub(super) fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.take(offset))
    }

    pub(super) fn i64(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.take(offset))
    }
}

pub(super) fn push_udec(out: &mut String, value: u64) {
    push_radix(out, value, 10, 1);
}

pub(super) fn push_dec(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    push_udec(out, value.unsigned_abs());
}

pub(super) fn push_hex(out: &mut String, value: u64) {
    if value != 0 {
        out.push_str("0x");
    }
    push_radix(out, value, 16, 1);
}

/// Octal digits, at least `width` of them, without a prefix.
pub(super) fn push_octal(out: &mut String, value: u64, width: usize) {
    push_radix(out, value, 8, width);
}

/// Digits by hand: a line holds many numbers, and this costs a fraction of the formatting machinery. The radix is
/// 8, 10 or 16; each gets a loop of its own, so that the division is by a constant.
pub(super) fn push_radix(out: &mut String, value: u64, radix: u64, width: usize) {
    match radix {
        8 => push_digits::<8>(out, value, width),
        16 => push_digits::<16>(out, value, width),
        _ => push_digits::<10>(out, value, width),
    }
}

fn push_digits<const RADIX: u64>(out: &mut String, mut value: u64, width: usize) {
    if value < RADIX && width <= 1 {
        return out.push(char::from(b"0123456789abcdef"[value as usize & 15]));
    }
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    while value != 0 && at > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(value % RADIX) as usize & 15];
        value /= RADIX;
    }
    at = at.min(digits.len().saturating_sub(width));
    out.push_str(core::str::from_utf8(&digits[at..]).unwrap_or_default());
}
