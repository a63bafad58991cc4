//! `keyctl` and `fsconfig`: arguments by operation.

use super::arg::Shown;
use super::cx::Cx;
use super::flags::choice32;
use super::ipc::keyring;
use super::strings::{Vector, buffer, iovec, path, string};
use utrace_abi::Errno;
use utrace_abi::flags as f;

/// How one argument of an operation is shown.
#[derive(Clone, Copy)]
enum Shape {
    /// A keyring or key.
    Key,
    /// A signed number.
    Number,
    /// An unsigned number.
    Size,
    /// A user or group id.
    Id,
    /// Hex.
    Hex,
    /// An address.
    Address,
    /// A string.
    Text,
    /// Bytes as many as the next argument says.
    Payload,
    /// Bytes as many as the call returned.
    Filled,
    /// An I/O vector as long as the next argument says.
    Vector,
    /// An error number.
    Error,
}

/// The arguments of a `keyctl` operation, from the second on; `None` for one that is not known.
fn shapes(operation: u32) -> Option<&'static [Shape]> {
    use Shape::{Address, Error, Filled, Hex, Id, Key, Number, Payload, Size, Text, Vector};
    Some(match operation {
        0 | 22 => &[Key, Number],
        1 => &[Text],
        2 => &[Key, Payload, Size],
        3 | 7 | 16 | 21 => &[Key],
        4 => &[Key, Id, Id],
        6 | 11 | 17 => &[Key, Filled, Size],
        8 | 9 => &[Key, Key],
        10 => &[Key, Text, Text, Key],
        12 => &[Key, Payload, Size, Key],
        13 => &[Key, Size, Key],
        15 => &[Key, Size],
        18 => &[],
        19 => &[Key, Size, Error, Key],
        20 => &[Key, Vector, Size, Key],
        29 => &[Key, Text, Text],
        30 => &[Key, Key, Key, Hex],
        31 => &[Address, Size],
        _ => return None,
    })
}

/// Argument `index` (1 to 4) of `keyctl`.
pub(super) fn argument(cx: &mut Cx<'_>, index: u8) -> Shown {
    let value = cx.arg(index);
    let Some(shapes) = shapes(cx.arg(0) as u32) else {
        cx.hex(value);
        return Shown::Done;
    };
    let Some(shape) = shapes.get(usize::from(index - 1)) else { return Shown::Absent };
    match shape {
        Shape::Key => keyring(cx, value),
        Shape::Number => cx.int(value),
        Shape::Size => cx.udec(value),
        Shape::Id if value as u32 == u32::MAX => cx.s("-1"),
        Shape::Id => cx.udec(value & 0xffff_ffff),
        Shape::Hex => cx.hex(value),
        Shape::Address => cx.addr(value),
        Shape::Text => string(cx, value),
        Shape::Payload => {
            let len = cx.arg(index + 1);
            buffer(cx, value, len);
        }
        Shape::Filled if cx.entering() => return Shown::Later,
        Shape::Filled => {
            let room = cx.arg(index + 1);
            match cx.returned() {
                Some(len) => buffer(cx, value, room.min(len.max(0) as u64)),
                None => cx.addr(value),
            }
        }
        Shape::Vector => {
            let count = cx.arg(index + 1);
            iovec(cx, value, count, Vector::Data);
        }
        Shape::Error => match u16::try_from(value).ok().and_then(|number| Errno(number).name()) {
            Some(name) => cx.s(name),
            None => cx.udec(value),
        },
    }
    Shown::Done
}

/// Argument `index` (2 to 4) of `fsconfig`, by its command.
pub(super) fn fs_config(cx: &mut Cx<'_>, index: u8, value: u64) {
    match (cx.arg(1) as u32, index) {
        (_, 4) => cx.int(value),
        (0..=5, 2) => string(cx, value),
        (1, 3) => string(cx, value),
        (2, 3) => {
            let len = cx.arg(4) & 0xffff_ffff;
            super::strings::bytes(cx, value, len);
        }
        (3 | 4, 3) => path(cx, value),
        _ => cx.addr(value),
    }
}

/// The arguments of `syslog` behind its action.
pub(super) fn syslog(cx: &mut Cx<'_>, index: u8, value: u64) -> Shown {
    match (cx.arg(0) as u32, index) {
        (0 | 1 | 5 | 6 | 7 | 9 | 10, _) => return Shown::Absent,
        (2..=4, 1) if cx.entering() => return Shown::Later,
        (2..=4, 1) => match cx.returned() {
            Some(len) => buffer(cx, value, len.max(0) as u64),
            None => cx.addr(value),
        },
        (_, 1) => cx.addr(value),
        (8, _) => {
            cx.int(value);
            cx.s(" /* ");
            match f::LOGLEVEL.name(value & 0xffff_ffff) {
                Some(_) => choice32(cx, value, &f::LOGLEVEL),
                None => cx.s("LOGLEVEL_???"),
            }
            cx.s(" */");
        }
        _ => cx.int(value),
    }
    Shown::Done
}
