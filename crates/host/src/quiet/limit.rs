//! How long a blocked call may last, and what it answers when that time is over.
//!
//! Calls that an ignored signal ends with `EINTR` ([`crate::quiesce`]) start again with their whole time-out: it is
//! passed by value, or through memory that nobody writes back to. With what stands here, and the moment at which
//! the call began, the tracer ends them when they would have ended (facts/quiesce.md section 3, third row). Calls that
//! the kernel starts again with the rest of their time (poll, nanosleep, futex) and those with a moment for a limit
//! have no entry. Key types: [`Limit`], [`Looks`]. Pure: what has to be looked at in the process is asked for.

use std::time::Duration;

use super::place::Call;

/// Not in libc's list.
pub(crate) const IO_PGETEVENTS: i64 = 333;
/// `IORING_ENTER_EXT_ARG`; the two flags that give its argument another meaning are `ABS_TIMER` and `EXT_ARG_REG`.
const EXT_ARG: u64 = 1 << 3;
const ABS_TIMER: u64 = 1 << 5;
const EXT_ARG_REG: u64 = 1 << 6;

/// The time limit of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit {
    /// From the call's beginning.
    pub(crate) lasts: Duration,
    /// What the call returns then.
    pub(crate) answer: i64,
}

/// Which of a socket's two time-outs (socket(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// `SO_RCVTIMEO`.
    Receive,
    /// `SO_SNDTIMEO`.
    Send,
}

/// What can be looked up in the process that makes the call.
pub(crate) trait Looks {
    /// Two words of its memory.
    fn pair(&self, at: u64) -> Option<[i64; 2]>;
    /// A time-out of one of its sockets; `None` if there is none or it is no socket.
    fn socket(&self, fd: u64, side: Side) -> Option<Duration>;
    /// Whether this socket is one of the local domain (unix(7)).
    fn is_local(&self, fd: u64) -> bool;
}

/// Whether a call of this number may have a limit that an interruption would lose.
#[inline]
pub(crate) fn may_have(number: u64) -> bool {
    matches!(
        number.cast_signed(),
        libc::SYS_read
            | libc::SYS_write
            | libc::SYS_readv
            | libc::SYS_writev
            | libc::SYS_select
            | libc::SYS_accept
            | libc::SYS_accept4
            | libc::SYS_connect
            | libc::SYS_recvfrom
            | libc::SYS_recvmsg
            | libc::SYS_recvmmsg
            | libc::SYS_sendto
            | libc::SYS_sendmsg
            | libc::SYS_sendmmsg
            | libc::SYS_rt_sigtimedwait
            | libc::SYS_io_getevents
            | libc::SYS_semtimedop
            | libc::SYS_epoll_wait
            | libc::SYS_epoll_pwait
            | libc::SYS_epoll_pwait2
            | libc::SYS_pselect6
            | libc::SYS_ppoll
            | libc::SYS_io_uring_enter
            | IO_PGETEVENTS
    )
}

/// The limit of this call, if it has one.
pub(crate) fn of(call: &Call, looks: &impl Looks) -> Option<Limit> {
    let [first, _, third, fourth, fifth, _] = call.args;
    let timespec = |at: u64| from_parts(looks.pair(at)?, 1);
    let again = -i64::from(libc::EAGAIN);
    let (lasts, answer) = match i64::try_from(call.number).ok()? {
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => (from_millis(fourth)?, 0),
        libc::SYS_epoll_pwait2 => (timespec(fourth)?, 0),
        libc::SYS_rt_sigtimedwait => (timespec(third)?, again),
        libc::SYS_semtimedop => (timespec(fourth)?, again),
        libc::SYS_io_getevents | IO_PGETEVENTS => (timespec(fifth)?, 0),
        libc::SYS_ppoll => (timespec(third)?, 0),
        libc::SYS_pselect6 => (timespec(fifth)?, 0),
        // A timeval: microseconds.
        libc::SYS_select => (from_parts(looks.pair(fifth)?, 1000)?, 0),
        libc::SYS_io_uring_enter if fourth & (EXT_ARG | ABS_TIMER | EXT_ARG_REG) == EXT_ARG => {
            // struct io_uring_getevents_arg: mask, its size and a minimum, then the address of a timespec.
            let [_, time] = looks.pair(fifth.wrapping_add(8))?;
            (timespec(time.cast_unsigned())?, -i64::from(libc::ETIME))
        }
        libc::SYS_read
        | libc::SYS_readv
        | libc::SYS_recvfrom
        | libc::SYS_recvmsg
        | libc::SYS_recvmmsg
        | libc::SYS_accept
        | libc::SYS_accept4 => (looks.socket(first, Side::Receive)?, again),
        libc::SYS_write | libc::SYS_writev | libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => {
            (looks.socket(first, Side::Send)?, again)
        }
        libc::SYS_connect => {
            let lasts = looks.socket(first, Side::Send)?;
            // Elsewhere the connection goes on being made (connect(2)).
            (lasts, if looks.is_local(first) { again } else { -i64::from(libc::EINPROGRESS) })
        }
        _ => return None,
    };
    Some(Limit { lasts, answer })
}

/// An int: negative for ever, 0 for not at all.
fn from_millis(register: u64) -> Option<Duration> {
    let [a, b, c, d, ..] = register.to_le_bytes();
    u64::try_from(i32::from_le_bytes([a, b, c, d])).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
}

/// Seconds and a part of one, in units of so many nanoseconds. Address 0, for no limit, is not readable.
fn from_parts([seconds, part]: [i64; 2], unit: u64) -> Option<Duration> {
    let part = u64::try_from(part).ok()?.checked_mul(unit)?;
    let lasts = Duration::from_secs(u64::try_from(seconds).ok()?).checked_add(Duration::from_nanos(part))?;
    (!lasts.is_zero()).then_some(lasts)
}

#[cfg(test)]
mod tests {
    use super::{IO_PGETEVENTS, Limit, Looks, Side, may_have, of};
    use crate::quiet::place::Call;
    use std::time::Duration;

    /// A process with 1.5 s at 0x1000, the address of that at 0x2010, and a socket 3.
    struct Fake {
        local: bool,
    }

    impl Looks for Fake {
        fn pair(&self, at: u64) -> Option<[i64; 2]> {
            match at {
                0x1000 => Some([1, 500_000_000]),
                0x1100 => Some([1, 500_000]),
                0x2008 => Some([0, 0x1000]),
                _ => None,
            }
        }
        fn socket(&self, fd: u64, side: Side) -> Option<Duration> {
            (fd == 3).then_some(Duration::from_secs(if side == Side::Receive { 7 } else { 8 }))
        }
        fn is_local(&self, _fd: u64) -> bool {
            self.local
        }
    }

    fn limit(number: i64, args: [u64; 6]) -> Option<(u64, i64)> {
        let call = Call { number: number.cast_unsigned(), args, sp: 0, pc: 0 };
        let found = of(&call, &Fake { local: false });
        assert!(found.is_none() || may_have(call.number), "nr {number} is not looked for");
        found.map(|Limit { lasts, answer }| (u64::try_from(lasts.as_millis()).unwrap(), answer))
    }

    #[test]
    fn each_call_has_its_own_place_for_the_limit_and_its_own_answer() {
        let (again, at) = (-i64::from(libc::EAGAIN), 0x1000);
        for (number, args, wanted) in [
            (libc::SYS_epoll_wait, [5, 0, 1, 300, 0, 0], Some((300, 0))),
            (libc::SYS_epoll_wait, [5, 0, 1, u64::from(u32::MAX), 0, 0], None),
            (libc::SYS_epoll_pwait, [5, 0, 1, 0, 0, 0], None),
            (libc::SYS_epoll_pwait2, [5, 0, 1, at, 0, 0], Some((1500, 0))),
            (libc::SYS_epoll_pwait2, [5, 0, 1, 0, 0, 0], None),
            (libc::SYS_rt_sigtimedwait, [0, 0, at, 8, 0, 0], Some((1500, again))),
            (libc::SYS_semtimedop, [0, 0, 1, at, 0, 0], Some((1500, again))),
            (libc::SYS_io_getevents, [0, 1, 1, 0, at, 0], Some((1500, 0))),
            (IO_PGETEVENTS, [0, 1, 1, 0, at, 0], Some((1500, 0))),
            (libc::SYS_ppoll, [0, 0, at, 0, 0, 0], Some((1500, 0))),
            (libc::SYS_pselect6, [0, 0, 0, 0, at, 0], Some((1500, 0))),
            (libc::SYS_select, [0, 0, 0, 0, 0x1100, 0], Some((1500, 0))),
            (libc::SYS_io_uring_enter, [4, 0, 1, 1 | 8, 0x2000, 24], Some((1500, -62))),
            (libc::SYS_io_uring_enter, [4, 0, 1, 1 | 8 | 32, 0x2000, 24], None),
            (libc::SYS_io_uring_enter, [4, 0, 1, 1, 0x1000, 8], None),
            (libc::SYS_recvfrom, [3, 0, 0, 0, 0, 0], Some((7000, again))),
            (libc::SYS_accept4, [3, 0, 0, 0, 0, 0], Some((7000, again))),
            (libc::SYS_sendto, [3, 0, 0, 0, 0, 0], Some((8000, again))),
            (libc::SYS_connect, [3, 0, 0, 0, 0, 0], Some((8000, -i64::from(libc::EINPROGRESS)))),
            (libc::SYS_read, [0, 0, 0, 0, 0, 0], None),
            // These know the rest of their time themselves.
            (libc::SYS_nanosleep, [at, 0, 0, 0, 0, 0], None),
            (libc::SYS_poll, [at, 1, 300, 0, 0, 0], None),
            (libc::SYS_futex, [at, 0, 0, at, 0, 0], None),
        ] {
            assert_eq!(limit(number, args), wanted, "nr {number} {args:?}");
        }
        let local = Call { number: 42, args: [3, 0, 0, 0, 0, 0], sp: 0, pc: 0 };
        assert_eq!(of(&local, &Fake { local: true }).unwrap().answer, again);
    }
}
