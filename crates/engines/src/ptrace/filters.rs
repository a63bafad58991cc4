//! The seccomp filters of a tracee, as `PTRACE_SECCOMP_GET_FILTER` and `PTRACE_SECCOMP_GET_METADATA` show them.
//!
//! Filters are counted from the oldest. In a launched tree that is the one which this tool's host put there so that calls
//! nobody wants make no stop; a program's tracer is not to see it, and counts from the one above.

use utrace_abi::ptrace as abi;
use utrace_core::{Target, Task};

use super::examine::{get, put};
use super::num::{EACCES, EINVAL, ENOENT};
use super::peek;
use super::serve::Call;
use super::tracee::look;

/// The longest filter, `BPF_MAXINSNS` instructions of 8 bytes.
const LONGEST: usize = 4096 * 8;
/// How the host's own filter begins: load the architecture; x86-64 goes on; anything else is shown to the tracer.
const OURS: [u8; 24] = [
    0x20, 0, 0, 0, 4, 0, 0, 0, //
    0x15, 0, 1, 0, 0x3e, 0, 0, 0xc0, //
    0x06, 0, 0, 0, 0x74, 0x75, 0xf0, 0x7f,
];
/// The same where it asks about calls ([`super::answer`]), about ptrace(2) first.
const ASKING: [u8; 40] = [
    0x20, 0, 0, 0, 4, 0, 0, 0, //
    0x15, 0, 0, 3, 0x3e, 0, 0, 0xc0, //
    0x20, 0, 0, 0, 0, 0, 0, 0, //
    0x15, 0, 0, 1, 101, 0, 0, 0, //
    0x06, 0, 0, 0, 0, 0, 0xc0, 0x7f,
];

/// `PTRACE_SECCOMP_GET_FILTER`: how many instructions it has; `data` may be null.
pub(super) fn get_filter(task: &Task, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let (bytes, count) = filter(task, index(task, call.addr)?)?;
    if call.data != 0 {
        put(client, call.data, bytes.get(..count * 8).unwrap_or_default())?;
    }
    i64::try_from(count).map_err(|_| EINVAL)
}

/// `PTRACE_SECCOMP_GET_METADATA`: the flags of the filter that the structure names.
pub(super) fn metadata(task: &Task, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let size = usize::try_from(call.addr).unwrap_or(usize::MAX).min(16);
    if size < 8 {
        return Err(EINVAL);
    }
    let mut own = [0; 8];
    get(client, call.data, &mut own)?;
    let asked = index(task, u64::from_le_bytes(own))?;
    let mut filled = [asked.to_le_bytes(), [0; 8]].concat();
    filled = look(task, move |target| {
        peek::forward(target, abi::PTRACE_SECCOMP_GET_METADATA, 16, &mut filled).map(|_| filled)
    })??;
    filled[..8].copy_from_slice(&own);
    put(client, call.data, &filled[..size])?;
    i64::try_from(size).map_err(|_| EINVAL)
}

/// The number that a filter of the program's has among all.
fn index(task: &Task, own: u64) -> Result<u64, i64> {
    let hidden = hidden(task)?;
    if hidden > 0 && filter(task, hidden) == Err(ENOENT) {
        // What a thread without filters answers (`get_nth_filter`).
        return Err(EINVAL);
    }
    own.checked_add(hidden).ok_or(ENOENT)
}

/// How many of the oldest filters are not the program's.
fn hidden(task: &Task) -> Result<u64, i64> {
    match filter(task, 0) {
        Ok((bytes, _)) => Ok(u64::from(bytes.starts_with(&OURS) || bytes.starts_with(&ASKING))),
        // Who may not look at filters, or has none, is told so when the one asked for is looked at.
        Err(EACCES) => Err(EACCES),
        Err(_) => Ok(0),
    }
}

/// A filter's instructions, and how many they are.
fn filter(task: &Task, index: u64) -> Result<(Vec<u8>, usize), i64> {
    look(task, move |target| {
        let mut bytes = vec![0; LONGEST];
        let count = peek::forward(target, abi::PTRACE_SECCOMP_GET_FILTER, index, &mut bytes)?;
        Ok((bytes, usize::try_from(count).unwrap_or(0)))
    })?
}
