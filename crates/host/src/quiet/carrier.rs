//! Which signal carries the news of a trap to its thread.
//!
//! The signal itself is never delivered: the thread stops for its tracer before it would be, and the tracer
//! swallows it. But if the tracer is killed between the hit and that moment, the kernel delivers it. So it should
//! be one that does nothing then: not blocked (it would not stop the thread), not caught, ignored by default. A thread
//! that blocks or catches all of those gets `SIGSTOP`, which nothing can block; [`crate::sys::spawn`] tells how the
//! doorbell mends what that one would leave behind. Pure but for the reading of `/proc`.

use super::limit::IO_PGETEVENTS;
use super::place::Call;
use crate::procfs;
use crate::sys::mem;
use crate::types::Tid;

/// Ignored unless caught (signal(7)), the least missed first. Not `SIGCONT`, which does more than being delivered.
const HARMLESS: [i32; 3] = [libc::SIGURG, libc::SIGWINCH, libc::SIGCHLD];
/// Caught ones that programs must take at any time, as they may come at any time from anywhere.
const EXPECTED: [i32; 2] = [libc::SIGURG, libc::SIGWINCH];

/// The signals of a thread as `/proc/TID/stat` has them, 1 to 31, bit 0 for signal 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Signals {
    pub(crate) blocked: u64,
    pub(crate) caught: u64,
}

/// The signal for a thread, which is blocked in this call, or in none.
pub(crate) fn choose(tid: Tid, call: Option<&Call>) -> i32 {
    choose_by(tid, call, procfs::stat_line(tid).ok().as_deref())
}

/// The same, by a line of `stat` that was read already.
pub(crate) fn choose_by(tid: Tid, call: Option<&Call>, line: Option<&[u8]>) -> i32 {
    let Some(more) = call.map_or(Some(0), |call| blocked_after(tid, call)) else { return libc::SIGSTOP };
    let signals = line.and_then(parse);
    signals.map_or(libc::SIGSTOP, |now| pick(Signals { blocked: now.blocked | more, ..now }))
}

fn pick(signals: Signals) -> i32 {
    let has = |set: u64, signal: i32| set & (1 << (signal - 1)) != 0;
    let open = |signal: &&i32| !has(signals.blocked, **signal);
    HARMLESS
        .iter()
        .filter(open)
        .find(|signal| !has(signals.caught, **signal))
        .or_else(|| EXPECTED.iter().find(open))
        .copied()
        .unwrap_or(libc::SIGSTOP)
}

/// Fields 32 and 34 of the line (proc_pid_stat(5)); cheaper than `status`.
fn parse(line: &[u8]) -> Option<Signals> {
    let after_name = line.iter().rposition(|&byte| byte == b')')? + 1;
    let fields = core::str::from_utf8(line.get(after_name..)?).ok()?;
    let mut fields = fields.split_ascii_whitespace().skip(29);
    let blocked = fields.next()?.parse().ok()?;
    let caught = fields.nth(1)?.parse().ok()?;
    Some(Signals { blocked, caught })
}

/// What the thread will block after this call besides what `/proc` shows. `None` if that cannot be known, because the
/// mask that is shown is the call's own.
fn blocked_after(tid: Tid, call: &Call) -> Option<u64> {
    let set_at = |at: u64| {
        let mut set = [0; 8];
        (mem::read(tid, at, &mut set) == Ok(8)).then(|| u64::from_ne_bytes(set))
    };
    let [first, _, _, fourth, fifth, sixth] = call.args;
    let unless_set = |mask: u64| if mask == 0 { Some(0) } else { None };
    match i64::try_from(call.number).ok()? {
        libc::SYS_rt_sigsuspend => None,
        // Those that it waits for are open in the call only.
        libc::SYS_rt_sigtimedwait => set_at(first),
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2 | libc::SYS_io_uring_enter => unless_set(fifth),
        libc::SYS_ppoll => unless_set(fourth),
        // The sixth argument points to the mask's address and size.
        libc::SYS_pselect6 | IO_PGETEVENTS if sixth != 0 => unless_set(set_at(sixth)?),
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Signals, parse, pick};

    const fn bit(signal: i32) -> u64 {
        1 << (signal - 1)
    }

    #[test]
    fn the_first_signal_that_would_do_nothing_is_taken() {
        let urg = bit(libc::SIGURG);
        let (winch, chld) = (bit(libc::SIGWINCH), bit(libc::SIGCHLD));
        for (blocked, caught, signal) in [
            (0, 0, libc::SIGURG),
            (0, urg, libc::SIGWINCH),
            (winch, urg, libc::SIGCHLD),
            (0, urg | winch | chld, libc::SIGURG),
            (urg, winch | chld, libc::SIGWINCH),
            (urg | winch, chld, libc::SIGSTOP),
            (u64::MAX, 0, libc::SIGSTOP),
        ] {
            assert_eq!(pick(Signals { blocked, caught }), signal, "blocked {blocked:x} caught {caught:x}");
        }
    }

    #[test]
    fn masks_are_found_behind_a_hostile_name() {
        let line = b"1 (a) R 1) S 1 1 1 0 -1 4194304 103 0 0 0 0 0 0 0 20 0 1 0 1203761 3133440 416 \
            18446744073709551615 1 2 3 0 0 7 65536 4096 4194304 0 0 0 17 0 0 0 0 0 0\n";
        assert_eq!(parse(line), Some(Signals { blocked: 65536, caught: 4_194_304 }));
    }
}
