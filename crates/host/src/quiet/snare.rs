//! The snare: a breakpoint that shows an `EINTR` which no stop shows.
//!
//! A signal that is sent to a process is queued although the program ignores it, because the process is traced; the kernel
//! wakes one thread for it, and any other may take it first. Who was woken then finds no signal and makes no stop, but
//! `epoll_wait` and its like fail with `EINTR`. Most programs look at the result of a call right behind it and jump
//! elsewhere on an error, so a breakpoint at that place costs nothing as long as calls succeed. Where the code is unknown
//! the breakpoint stands behind the call itself, for as long as returns are rare. Where many calls share one instruction
//! (`syscall(2)`, musl, glibc from 2.41 on, Go), a return does not tell of which call it is: there the breakpoint is for
//! the one call that the thread was seen asleep in, and goes with that call's return.
//!
//! Key types: [`Site`], where it stands; [`Snare`], what is known of one that is set; [`Vain`], how many hits one thread
//! may have for nothing. Pure: the breakpoint itself is kept
//! with the thread's other debug registers (`tracer::hook`), and `tracer::snare` says who gets one and what a hit means.

use std::time::{Duration, Instant};

use super::limit::Side;
use super::place::Call;
use super::trap::Carrier;

/// How many hits in vain a thread may have in [`SPAN`] before it goes without a snare for the rest of it: each is a stop
/// of some 20 us.
const VAIN: u32 = 50;
const SPAN: Duration = Duration::from_secs(1);

/// Bytes that are looked at before and behind the place to which a call returns.
pub(crate) const BEFORE: usize = 7;
pub(crate) const WINDOW: usize = BEFORE + 15;

/// Where a call returns, and where its error is seen first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Site {
    /// Where the breakpoint stands.
    pub(crate) at: u64,
    /// The call that it was found with.
    pub(crate) call: Call,
    pub(crate) reach: Reach,
}

/// Which returns a hit may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// Those of one system call: no other is made there.
    Number,
    /// That of the one call which the thread was seen in: others share its instruction.
    Once,
}

impl Site {
    /// Finds it in the code around `call.pc`, from [`BEFORE`] bytes before it. `None` where that is no 64-bit call.
    pub(crate) fn of(call: &Call, code: &[u8; WINDOW]) -> Option<Self> {
        let (before, behind) = code.split_at(BEFORE);
        let (at, reach) = match *before {
            // mov $number,%eax; syscall
            [0xb8, a, b, c, d, 0x0f, 0x05] if u64::from(u32::from_le_bytes([a, b, c, d])) == call.number => {
                let distance = error_jump(behind).unwrap_or(0);
                (call.pc.wrapping_add_signed(distance), Reach::Number)
            }
            [.., 0x0f, 0x05] => (call.pc, Reach::Once),
            _ => return None,
        };
        Some(Self { at, call: *call, reach })
    }

    /// Whether a thread that was hit, and has these registers, returns from the call that this is for.
    pub(crate) fn is_return(&self, now: &Call) -> bool {
        now.pc == self.at
            && (self.reach == Reach::Number || (now.sp == self.call.sp && now.args == self.call.args))
    }
}

/// How far behind the call the code goes on if the result is an error.
fn error_jump(behind: &[u8]) -> Option<i64> {
    // mov %rax,%rbx and mov %rax,%rbp keep the result where no call has an argument.
    let (skipped, rest) = match behind {
        [0x48, 0x89, 0xc3 | 0xc5, rest @ ..] => (3, rest),
        rest => (0, rest),
    };
    // cmp $-4096,%rax; ja
    match *rest {
        [0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, near, ..] => {
            Some(skipped + 8 + i64::from(i8::from_le_bytes([near])))
        }
        [0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x0f, 0x87, a, b, c, d, ..] => {
            Some(skipped + 12 + i64::from(i32::from_le_bytes([a, b, c, d])))
        }
        _ => None,
    }
}

/// A snare that is set for one thread.
#[derive(Debug)]
pub(crate) struct Snare {
    site: Site,
    carrier: Carrier,
    /// Hits that were seen, of those that the breakpoint counts.
    heard: u64,
    /// The stack pointer of a call whose `EINTR` the program is to see: a stop showed why.
    shown: Option<u64>,
}

impl Snare {
    pub(crate) fn new(site: Site, carrier: Carrier) -> Self {
        Self { site, carrier, heard: 0, shown: None }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Whether a stop by this signal may be one of its hits.
    pub(crate) fn is_carried_by(&self, signal: i32) -> bool {
        self.carrier.signal() == signal
    }

    /// Its stop has come.
    pub(crate) fn heard(&mut self) {
        self.heard += 1;
    }

    /// The call that was made with this stack pointer is to fail with `EINTR`; `None`: none is.
    pub(crate) fn show(&mut self, stack: Option<u64>) {
        self.shown = stack;
    }

    /// Whether the `EINTR` of the call that was made with this stack pointer is to be seen.
    pub(crate) fn is_shown(&self, stack: u64) -> bool {
        self.shown == Some(stack)
    }

    /// It was taken down and had been hit so often: the signal of a hit that is still to come.
    pub(crate) fn end(self, count: u64) -> Option<Carrier> {
        (count > self.heard).then_some(self.carrier)
    }
}

/// How many hits of one thread were in vain of late.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Vain(Option<(Instant, u32)>);

impl Vain {
    /// Nothing was wrong at a hit. Answers whether there have been too many by now.
    pub(crate) fn add(&mut self, now: Instant) -> bool {
        self.0 = Some(match self.0 {
            Some((since, count)) if now.duration_since(since) <= SPAN => (since, count + 1),
            _ => (now, 1),
        });
        self.is_spent(now)
    }

    /// Whether there shall be no more for a while.
    pub(crate) fn is_spent(&self, now: Instant) -> bool {
        matches!(self.0, Some((since, count)) if count > VAIN && now.duration_since(since) <= SPAN)
    }
}

/// What has to be known of a call so that it is clear whether it may fail with `EINTR` for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Concern {
    /// It does.
    Always,
    /// If its socket has such a time-out (signal(7)).
    WithTimeout(Side),
    /// The kernel begins it again by itself, or it must not be begun again.
    No,
}

/// Whether a signal that comes to nothing makes this call fail.
pub(crate) fn concern(call: &Call) -> Concern {
    match call.number.cast_signed() {
        libc::SYS_epoll_wait
        | libc::SYS_epoll_pwait
        | libc::SYS_epoll_pwait2
        | libc::SYS_rt_sigtimedwait
        | libc::SYS_semop
        | libc::SYS_semtimedop
        | libc::SYS_io_getevents => Concern::Always,
        // A submission must not be done twice.
        libc::SYS_io_uring_enter if call.args[1] == 0 => Concern::Always,
        libc::SYS_read | libc::SYS_recvfrom | libc::SYS_recvmsg | libc::SYS_accept | libc::SYS_accept4 => {
            Concern::WithTimeout(Side::Receive)
        }
        libc::SYS_write | libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_connect => {
            Concern::WithTimeout(Side::Send)
        }
        _ => Concern::No,
    }
}

#[cfg(test)]
mod tests {
    use super::{BEFORE, Reach, Site, Snare, VAIN, Vain, WINDOW};
    use crate::quiet::place::Call;
    use crate::quiet::trap::Carrier;
    use std::time::{Duration, Instant};

    const PC: u64 = 0x7000;
    const CALL: Call = Call { number: 232, args: [5, 6, 7, 8, 9, 10], sp: 0x900, pc: PC };

    fn site(number: u64, head: [u8; BEFORE], behind: &[u8]) -> Option<(u64, Reach)> {
        let mut code = [0x90; WINDOW];
        code[..BEFORE].copy_from_slice(&head);
        code[BEFORE..BEFORE + behind.len()].copy_from_slice(behind);
        let call = Call { number, ..CALL };
        Site::of(&call, &code).map(|site| {
            assert_eq!(site.call, call);
            (site.at, site.reach)
        })
    }

    #[test]
    fn an_error_is_met_where_the_code_goes_on_with_it() {
        let epoll = [0xb8, 232, 0, 0, 0, 0x0f, 0x05];
        let near = [0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 0x5d];
        let back = [0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 0xf0];
        let far = [0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x0f, 0x87, 0, 1, 0, 0];
        let kept = [0x48, 0x89, 0xc5, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 0x10];
        // Here the first argument would be lost.
        let lost = [0x48, 0x89, 0xc7, 0x48, 0x3d, 0, 0xf0, 0xff, 0xff, 0x77, 0x10];
        for (behind, at) in [
            (&near[..], PC + 8 + 0x5d),
            (&back, PC + 8 - 0x10),
            (&far, PC + 12 + 0x100),
            (&kept, PC + 11 + 0x10),
            (&lost, PC),
            (&[0xc3], PC),
        ] {
            assert_eq!(site(232, epoll, behind), Some((at, Reach::Number)), "{behind:x?}");
        }
        let any = [0x90, 0x90, 0x48, 0x89, 0xf8, 0x0f, 0x05];
        assert_eq!(site(232, any, &near), Some((PC, Reach::Once)), "any call");
        assert_eq!(site(281, epoll, &near), Some((PC, Reach::Once)), "jumped to, for another call");
        assert_eq!(site(232, [0xb8, 232, 0, 0, 0, 0xcd, 0x80], &near), None, "a 32-bit call");
    }

    #[test]
    fn a_return_that_many_calls_share_is_known_by_its_arguments_and_stack() {
        let site = |reach| Site { at: PC, call: CALL, reach };
        // The number is gone by then.
        let now = Call { number: u64::MAX, ..CALL };
        assert!(site(Reach::Once).is_return(&now));
        for other in [Call { sp: 0x800, ..now }, Call { args: [0; 6], ..now }] {
            assert!(!site(Reach::Once).is_return(&other));
            assert!(site(Reach::Number).is_return(&other));
        }
        assert!(!site(Reach::Number).is_return(&Call { pc: PC + 1, ..now }));
    }

    #[test]
    fn who_is_hit_in_vain_all_the_time_is_left_alone_for_a_while() {
        let (start, mut vain) = (Instant::now(), Vain::default());
        assert!((0..VAIN).all(|_| !vain.add(start)));
        assert!(vain.add(start) && vain.is_spent(start));
        assert!(!vain.is_spent(start + Duration::from_secs(2)), "that is long ago");
        assert!(!vain.add(start + Duration::from_secs(2)));
    }

    #[test]
    fn a_hit_that_was_not_heard_of_is_still_to_come() {
        let snare = || {
            let site = Site { at: PC, call: CALL, reach: Reach::Number };
            Snare::new(site, Carrier::harmless(libc::SIGURG))
        };
        let mut heard = snare();
        heard.heard();
        assert_eq!(heard.end(2).map(|carrier| carrier.signal()), Some(libc::SIGURG));
        let mut heard = snare();
        heard.heard();
        assert!(heard.end(1).is_none());
    }
}
