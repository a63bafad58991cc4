//! Stops that the program must not notice (DESIGN section 5, `facts/quiesce.md` sections 3 and 6).
//!
//! `PTRACE_INTERRUPT`, and every signal that turns out to be ignored, makes a class of blocking system calls end
//! with `EINTR` that would not have ended untraced. Where the stop is on the signal path, writing -514
//! (`ERESTARTNOHAND`) in place of `EINTR` has the kernel restart the call if no handler runs and answer `EINTR`
//! if one does: what happens untraced. Here: which calls, and when. How a thread is
//! stopped without an interrupt stands in [`crate::quiet`].

use crate::quiet::limit::IO_PGETEVENTS;
use crate::sys::errno::ERESTARTNOHAND;
use crate::sys::ptrace::RawRegs;
use crate::tracee::{Gone, Stopped};

/// The kernel's `-ERESTARTNOHAND` (`linux/errno.h`; never seen by programs).
const RESTART_NO_HANDLER: u64 = ERESTARTNOHAND.cast_unsigned();
/// `-EINTR` as a raw result.
pub(crate) const INTERRUPTED: u64 = (-(libc::EINTR as i64)).cast_unsigned();

/// Makes the interrupted call of a tracee that is stopped on the signal path start again by itself.
pub(crate) fn hide_interruption(stopped: &mut Stopped) -> Result<(), Gone> {
    if was_interrupted(stopped.regs()?) {
        stopped.change_regs(|regs| regs.rax = RESTART_NO_HANDLER)?;
    }
    Ok(())
}

/// Undoes [`hide_interruption`]: the program would have seen the interruption untraced.
pub(crate) fn show_interruption(stopped: &mut Stopped) -> Result<(), Gone> {
    let regs = stopped.regs()?;
    let nr = regs.orig_rax.cast_signed();
    // These say so by themselves, whatever comes.
    let own = matches!(nr, IO_PGETEVENTS | libc::SYS_ppoll | libc::SYS_pselect6 | libc::SYS_select);
    if regs.rax == RESTART_NO_HANDLER && !own && restarts(nr, regs.rsi) {
        stopped.change_regs(|regs| regs.rax = INTERRUPTED)?;
    }
    Ok(())
}

/// Whether these are the registers of a call that was ended only because it was looked at, or by a signal that may be
/// ignored; its time-out, if it has one, would begin again.
pub(crate) fn was_interrupted(regs: &RawRegs) -> bool {
    // cs 0x23 is 32-bit user code, whose numbers differ; leave its calls as they are.
    regs.cs != 0x23
        && i64::try_from(regs.orig_rax).is_ok_and(|nr| match regs.rax {
            INTERRUPTED => restarts(nr, regs.rsi),
            // It restarts by itself, but with the whole of its time.
            RESTART_NO_HANDLER => nr == IO_PGETEVENTS,
            _ => false,
        })
}

/// Whether these are the registers of a call that begins again unless a handler runs.
pub(crate) fn restarts_unless_handled(regs: &RawRegs) -> bool {
    regs.cs != 0x23 && regs.orig_rax.cast_signed() >= 0 && regs.rax == RESTART_NO_HANDLER
}

/// The calls whose `EINTR` may be replaced (facts/quiesce.md, end of section 6). Never close(2), which has let
/// go of the descriptor, nor the nanosleep family, which the kernel restarts itself.
pub(crate) fn restarts(nr: i64, second_arg: u64) -> bool {
    match nr {
        libc::SYS_epoll_wait
        | libc::SYS_epoll_pwait
        | libc::SYS_epoll_pwait2
        | libc::SYS_rt_sigtimedwait
        | libc::SYS_semop
        | libc::SYS_semtimedop
        | libc::SYS_io_getevents
        | libc::SYS_recvfrom
        | libc::SYS_recvmsg
        | libc::SYS_recvmmsg
        | libc::SYS_accept
        | libc::SYS_accept4
        | libc::SYS_connect
        // What answers EINTR has moved nothing, or it would answer how much; only sockets with a time-out do.
        | libc::SYS_read
        | libc::SYS_readv
        | libc::SYS_write
        | libc::SYS_writev
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg
        | libc::SYS_select
        | libc::SYS_pselect6
        | libc::SYS_ppoll => true,
        // Only when it did not submit anything (second argument): a submission must not be done twice.
        libc::SYS_io_uring_enter => second_arg == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::restarts;

    #[test]
    fn only_calls_that_are_safe_to_repeat_are() {
        for nr in [libc::SYS_epoll_wait, libc::SYS_accept4, libc::SYS_ppoll, libc::SYS_semop] {
            assert!(restarts(nr, 1), "nr {nr}");
        }
        for nr in
            [libc::SYS_close, libc::SYS_nanosleep, libc::SYS_clock_nanosleep, libc::SYS_openat, 9999, -1]
        {
            assert!(!restarts(nr, 0), "nr {nr}");
        }
        assert!(restarts(libc::SYS_io_uring_enter, 0));
        assert!(!restarts(libc::SYS_io_uring_enter, 1));
    }
}
