//! What an interrupt does to a blocked call, for the case that no trap can be set (facts/quiesce.md sections 1, 3).
//!
//! [`of`] answers whether the call may be interrupted without the program's noticing. Unknown calls may not: to wait
//! is the default. Pure.

use super::place::Call;

/// Whether a blocked call may be interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// The kernel starts it again by itself, as it was.
    Restarts,
    /// It fails with `EINTR`, which [`crate::quiesce`] turns into a restart: it waits without a limit, so nothing
    /// is lost by that.
    Mendable,
    /// The same, but its time-out may begin again: wait a while first.
    Timed,
    /// Its count would be short, its time-out be over, or somebody else would see it: wait as long as it takes.
    Delicate,
}

const FOREVER_MS: u64 = u32::MAX as u64;

/// The class of a call, from its number and arguments.
pub(crate) fn of(call: &Call) -> Class {
    let Ok(number) = i64::try_from(call.number) else { return Class::Delicate };
    let [_, second, third, fourth, fifth, _] = call.args;
    let unless_timed = |timeout: u64| if timeout == 0 { Class::Mendable } else { Class::Timed };
    match number {
        libc::SYS_wait4
        | libc::SYS_waitid
        | libc::SYS_flock
        | libc::SYS_pause
        | libc::SYS_rt_sigsuspend
        | libc::SYS_poll
        | libc::SYS_futex
        | libc::SYS_mq_timedsend
        | libc::SYS_mq_timedreceive
        | libc::SYS_msgrcv
        | libc::SYS_msgsnd
        | libc::SYS_restart_syscall => Class::Restarts,
        // The rest of the time is written where one asks for it, as an untraced sleep never does.
        libc::SYS_nanosleep if second == 0 => Class::Restarts,
        libc::SYS_clock_nanosleep if fourth == 0 => Class::Restarts,
        libc::SYS_ppoll if third == 0 => Class::Restarts,
        libc::SYS_ppoll | libc::SYS_select | libc::SYS_pselect6 => Class::Timed,
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait if fourth & FOREVER_MS == FOREVER_MS => Class::Mendable,
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => Class::Timed,
        libc::SYS_epoll_pwait2 => unless_timed(fourth),
        libc::SYS_rt_sigtimedwait => unless_timed(third),
        libc::SYS_semop => Class::Mendable,
        libc::SYS_semtimedop => unless_timed(fourth),
        // One event is asked for, so none is there yet.
        libc::SYS_io_getevents if second <= 1 => unless_timed(fifth),
        libc::SYS_fcntl => Class::Restarts,
        _ => Class::Delicate,
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, of};
    use crate::quiet::place::Call;

    #[test]
    fn only_what_nobody_would_notice_is_interrupted() {
        let call = |number: i64, args| of(&Call { number: number.cast_unsigned(), args, sp: 0, pc: 0 });
        let forever = u64::from(u32::MAX);
        assert_eq!(call(libc::SYS_futex, [0; 6]), Class::Restarts);
        assert_eq!(call(libc::SYS_epoll_wait, [3, 0, 1, forever, 0, 0]), Class::Mendable);
        assert_eq!(call(libc::SYS_epoll_wait, [3, 0, 1, u64::MAX, 0, 0]), Class::Mendable);
        assert_eq!(call(libc::SYS_epoll_wait, [3, 0, 1, 1000, 0, 0]), Class::Timed);
        assert_eq!(call(libc::SYS_epoll_pwait2, [3, 0, 1, 0x7fff, 0, 0]), Class::Timed);
        for count in
            [libc::SYS_write, libc::SYS_read, libc::SYS_recvmmsg, libc::SYS_close, libc::SYS_sendfile]
        {
            assert_eq!(call(count, [0; 6]), Class::Delicate, "nr {count}");
        }
    }
}
