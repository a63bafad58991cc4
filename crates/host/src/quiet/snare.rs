//! The snare: a breakpoint that shows an `EINTR` which no stop shows.
//!
//! A signal that is sent to a process is queued although the program ignores it, because the process is traced; the kernel
//! wakes one thread for it, and any other may take it first. Who was woken then finds no signal and makes no stop, but
//! `epoll_wait` and its like fail with `EINTR`. Most programs look at the result of a call right behind it and jump
//! elsewhere on an error, so a breakpoint at that place costs nothing as long as calls succeed. Where the code is unknown
//! the breakpoint stands behind the call itself, for as long as returns are rare.
//!
//! Key types: [`Site`], where it stands; [`Snare`], what is known of one that is set. Pure: the breakpoint itself is kept
//! with the thread's other debug registers (`tracer::hook`), and `tracer::snare` says who gets one and what a hit means.

use std::time::{Duration, Instant};

use super::limit::Side;
use super::place::Call;
use super::trap::Carrier;

/// How many hits in vain a snare may have in [`SPAN`] before it is taken down: each is a stop of some 20 us.
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
    /// The instruction behind the call.
    pub(crate) pc: u64,
    /// The only call that is made there.
    pub(crate) number: u64,
}

impl Site {
    /// Finds it in the code around `call.pc`, from [`BEFORE`] bytes before it. `None` where other calls may be made from
    /// the same place: the number of a call that has returned cannot be told.
    pub(crate) fn of(call: &Call, code: &[u8; WINDOW]) -> Option<Self> {
        let (before, behind) = code.split_at(BEFORE);
        // mov $number,%eax; syscall
        let [0xb8, a, b, c, d, 0x0f, 0x05] = *before else { return None };
        let number = u64::from(u32::from_le_bytes([a, b, c, d]));
        (number == call.number).then(|| {
            let distance = error_jump(behind).unwrap_or(0);
            Self { at: call.pc.wrapping_add_signed(distance), pc: call.pc, number }
        })
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
    vain: (Instant, u32),
    /// The stack pointer of a call whose `EINTR` the program is to see: a stop showed why.
    shown: Option<u64>,
}

impl Snare {
    pub(crate) fn new(site: Site, carrier: Carrier) -> Self {
        Self { site, carrier, heard: 0, vain: (Instant::now(), 0), shown: None }
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

    /// Nothing was wrong at that hit. Answers whether that has happened too often.
    pub(crate) fn was_in_vain(&mut self, now: Instant) -> bool {
        let (since, count) = self.vain;
        self.vain = if now.duration_since(since) > SPAN { (now, 1) } else { (since, count + 1) };
        self.vain.1 > VAIN
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
    use super::{BEFORE, Site, Snare, VAIN, WINDOW};
    use crate::quiet::place::Call;
    use crate::quiet::trap::Carrier;
    use std::time::{Duration, Instant};

    const PC: u64 = 0x7000;

    fn site(number: u64, head: [u8; BEFORE], behind: &[u8]) -> Option<(u64, u64)> {
        let mut code = [0x90; WINDOW];
        code[..BEFORE].copy_from_slice(&head);
        code[BEFORE..BEFORE + behind.len()].copy_from_slice(behind);
        let call = Call { number, args: [0; 6], sp: 0, pc: PC };
        Site::of(&call, &code).map(|site| {
            assert_eq!(site.pc, PC);
            (site.at, site.number)
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
            assert_eq!(site(232, epoll, behind), Some((at, 232)), "{behind:x?}");
        }
        assert_eq!(site(281, epoll, &near), None, "another call");
        assert_eq!(site(232, [0x90, 0x90, 0x48, 0x89, 0xf8, 0x0f, 0x05], &near), None, "any call");
    }

    #[test]
    fn one_that_is_hit_in_vain_all_the_time_goes() {
        let start = Instant::now();
        let site = Site { at: PC, pc: PC, number: 232 };
        let mut snare = Snare::new(site, Carrier::harmless(libc::SIGURG));
        assert!((0..VAIN).all(|_| !snare.was_in_vain(start)));
        assert!(snare.was_in_vain(start));
        assert!(!snare.was_in_vain(start + Duration::from_secs(2)), "that is long ago");
        snare.heard();
        assert_eq!(snare.end(2).map(|carrier| carrier.signal()), Some(libc::SIGURG));
    }
}
