//! Signals in C's terms: the signal bits of an action, `siginfo_t`, `struct k_sigaction`.
//!
//! Pure. A signal comes from the core as "deliver" with a class; C sees what delivering would do
//! (`UTRACE_SIGNAL_CORE` for a `SIGSEGV` without a handler), and what it answers is turned back.

use core::ffi::{c_int, c_ulong};

use utrace_abi::signal::DefaultAction;
use utrace_core::{Disposition, Event, SigInfo, SignalAction, SignalKind, SignalReport};

const SIGSTOP: u32 = libc::SIGSTOP.unsigned_abs();
const DELIVER: u32 = 0x00;
const IGN: u32 = 0x10;
const TERM: u32 = 0x20;
const CORE: u32 = 0x30;
const STOP: u32 = 0x40;
const TSTP: u32 = 0x50;
const REPORT: u32 = 0x60;
const HANDLER: u32 = 0x70;
/// `UTRACE_SIGNAL_MASK`.
const MASK: u32 = 0xf0;
/// `UTRACE_SIGNAL_HOLD`.
const HOLD: u32 = 0x100;

/// `SIG_DFL`, `SIG_IGN`, and `UTRACE_SIG_CAUGHT` of our header.
const SIG_DFL: usize = 0;
const SIG_IGN: usize = 1;
const SIG_CAUGHT: usize = 2;

/// `siginfo_t`.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct Siginfo([u8; 128]);

impl Siginfo {
    pub(crate) fn of(info: &SigInfo) -> Siginfo {
        let mut raw = Siginfo(info.raw);
        raw.0[..4].copy_from_slice(&info.number.to_ne_bytes());
        raw
    }

    /// As the core has it. A number that no signal has counts as none.
    pub(crate) fn to_core(self) -> SigInfo {
        let mut number = [0; 4];
        number.copy_from_slice(&self.0[..4]);
        let number = u32::from_ne_bytes(number);
        SigInfo { number: if number <= 64 { number } else { 0 }, raw: self.0 }
    }
}

/// `struct k_sigaction`: one `struct sigaction` of signal.h.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KSigaction {
    handler: usize,
    mask: [c_ulong; 16],
    flags: c_int,
    restorer: usize,
}

impl KSigaction {
    /// As much as is known of a disposition; for a signal that is none, the default, as a zeroed struct says
    /// it.
    pub(crate) fn of(disposition: Option<Disposition>) -> KSigaction {
        let handler = match disposition {
            None | Some(Disposition::Default) => SIG_DFL,
            Some(Disposition::Ignored) => SIG_IGN,
            Some(Disposition::Caught) => SIG_CAUGHT,
        };
        KSigaction { handler, mask: [0; 16], flags: 0, restorer: 0 }
    }
}

/// The signal bits that `report_signal` gets.
pub(crate) fn bits(signal: &SignalReport) -> u32 {
    match (signal.kind, signal.action) {
        (SignalKind::Report, _) => REPORT,
        (SignalKind::Handler, _) => HANDLER,
        (SignalKind::Taken(event), SignalAction::Deliver) => of_class(event, signal.info.number),
        (_, SignalAction::Ignore) => IGN,
        (_, SignalAction::Terminate) => TERM,
        (_, SignalAction::Core) => CORE,
        (_, SignalAction::Stop) => STOP,
        (_, SignalAction::TStop) => TSTP,
    }
}

fn of_class(event: Event, number: u32) -> u32 {
    match event {
        Event::SignalIgn => IGN,
        Event::SignalStop if number == libc::SIGSTOP.unsigned_abs() => STOP,
        Event::SignalStop => TSTP,
        Event::SignalTerm => TERM,
        Event::SignalCore => CORE,
        _ => DELIVER,
    }
}

/// What `report_signal` made of a signal.
pub(crate) struct Answer {
    /// Its return value.
    pub(crate) returned: u32,
    /// `*info` after the call.
    pub(crate) info: Siginfo,
    /// `*return_ka` before and after.
    pub(crate) given: KSigaction,
    pub(crate) changed: KSigaction,
}

/// Applies it.
pub(crate) fn apply(signal: &mut SignalReport, answer: &Answer) {
    let before = bits(signal);
    let number = signal.info.number;
    signal.info = answer.info.to_core();
    signal.hold = answer.returned & HOLD != 0;
    let said = answer.returned & MASK;
    if said == before && said != DELIVER && signal.info.number == number {
        return;
    }
    signal.action = match said {
        DELIVER => delivered(signal, answer),
        TERM => SignalAction::Terminate,
        CORE => SignalAction::Core,
        STOP => SignalAction::Stop,
        TSTP => SignalAction::TStop,
        _ => SignalAction::Ignore,
    };
}

/// Delivery "as `*return_ka` says": what it says anew counts for this one time.
fn delivered(signal: &SignalReport, answer: &Answer) -> SignalAction {
    match answer.changed.handler {
        handler if handler == answer.given.handler => SignalAction::Deliver,
        SIG_IGN => SignalAction::Ignore,
        SIG_DFL => default_action(signal.info.number),
        _ => SignalAction::Deliver,
    }
}

/// What the default action of a signal is called in an answer.
fn default_action(number: u32) -> SignalAction {
    match (DefaultAction::of(number), number) {
        // A report without a signal, to which nothing is added.
        (_, 0) | (DefaultAction::Ignore, _) => SignalAction::Ignore,
        (DefaultAction::Stop, SIGSTOP) => SignalAction::Stop,
        (DefaultAction::Stop, _) => SignalAction::TStop,
        (DefaultAction::Core, _) => SignalAction::Core,
        (DefaultAction::Terminate, _) => SignalAction::Terminate,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, KSigaction, Siginfo, apply, bits};
    use core::mem::{align_of, offset_of, size_of};
    use utrace_core::{Disposition, Event, SigInfo, SignalAction, SignalKind, SignalReport};

    #[test]
    fn layouts_are_those_of_signal_h() {
        assert_eq!(size_of::<KSigaction>(), size_of::<libc::sigaction>());
        assert_eq!(offset_of!(KSigaction, handler), offset_of!(libc::sigaction, sa_sigaction));
        assert_eq!(offset_of!(KSigaction, mask), offset_of!(libc::sigaction, sa_mask));
        assert_eq!(offset_of!(KSigaction, flags), offset_of!(libc::sigaction, sa_flags));
        assert_eq!(size_of::<Siginfo>(), size_of::<libc::siginfo_t>());
        assert_eq!(align_of::<Siginfo>(), align_of::<libc::siginfo_t>());
    }

    fn taken(event: Event, number: u32, disposition: Disposition) -> SignalReport {
        SignalReport::taken(event, SigInfo { number, raw: [0; 128] }, disposition)
    }

    fn answered(mut signal: SignalReport, returned: u32, change: impl FnOnce(&mut Answer)) -> SignalReport {
        let ka = KSigaction::of(signal.disposition);
        let mut answer = Answer { returned, info: Siginfo::of(&signal.info), given: ka, changed: ka };
        change(&mut answer);
        apply(&mut signal, &answer);
        signal
    }

    #[test]
    fn each_class_is_shown_as_what_delivering_does() {
        for (event, number, expected) in [
            (Event::Signal, 10, 0x00),
            (Event::SignalIgn, 17, 0x10),
            (Event::SignalTerm, 15, 0x20),
            (Event::SignalCore, 11, 0x30),
            (Event::SignalStop, 19, 0x40),
            (Event::SignalStop, 20, 0x50),
        ] {
            let signal = taken(event, number, Disposition::Default);
            assert_eq!(bits(&signal), expected, "{event:?}");
            // Saying the same changes nothing.
            assert_eq!(answered(signal, expected, |_| ()).action, SignalAction::Deliver, "{event:?}");
        }
        assert_eq!(bits(&SignalReport::none(SignalKind::Report)), 0x60);
        assert_eq!(bits(&SignalReport::none(SignalKind::Handler)), 0x70);
    }

    #[test]
    fn an_answer_is_what_it_says() {
        let segv = || taken(Event::SignalCore, 11, Disposition::Default);
        assert_eq!(answered(segv(), 0x15, |_| ()).action, SignalAction::Ignore);
        assert_eq!(answered(segv(), 0x25, |_| ()).action, SignalAction::Terminate);
        assert!(answered(segv(), 0x110, |_| ()).hold);
        assert!(!answered(segv(), 0x10, |_| ()).hold);
        let none = SignalReport::none(SignalKind::Report);
        assert_eq!(answered(none.clone(), 0x65, |_| ()).action, SignalAction::Ignore);
        assert_eq!(answered(none, 0x35, |_| ()).action, SignalAction::Core);
    }

    #[test]
    fn a_rewritten_number_takes_the_action_along() {
        let term = taken(Event::SignalTerm, 15, Disposition::Default);
        let signal = answered(term, 0x20, |answer| answer.info.0[0] = 9);
        assert_eq!((signal.info.number, signal.action), (9, SignalAction::Terminate));
        let term = taken(Event::SignalTerm, 15, Disposition::Default);
        assert_eq!(answered(term, 0x20, |answer| answer.info.0[1] = 1).info.number, 0, "no such signal");
    }

    #[test]
    fn a_returned_disposition_counts_for_one_delivery() {
        let caught = || taken(Event::Signal, 10, Disposition::Caught);
        assert_eq!(answered(caught(), 0, |_| ()).action, SignalAction::Deliver);
        assert_eq!(
            answered(caught(), 0, |answer| answer.changed.handler = 0).action,
            SignalAction::Terminate
        );
        assert_eq!(answered(caught(), 0, |answer| answer.changed.handler = 1).action, SignalAction::Ignore);
    }
}
