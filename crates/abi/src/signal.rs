//! Signal numbers, names and sets.
//!
//! [`Signal`] is a number from 1 to 64 with strace's names: `SIGUSR1`, `SIGRT_5` for the real-time signals (the
//! kernel's count, `SIGRTMIN` is 32). [`SigSet`] is the kernel's 64-bit set. `siginfo_t` lives in [`crate::siginfo`].

use core::fmt;

/// A signal number, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

/// What a signal does that is neither handled nor ignored (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// Nothing.
    Ignore,
    /// Stops the process.
    Stop,
    /// Ends the process with a core dump.
    Core,
    /// Ends the process.
    Terminate,
}

impl DefaultAction {
    /// Of the signal of this number; one that there is not would end the process.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number {
            // SIGCHLD, SIGCONT, SIGURG, SIGWINCH
            17 | 18 | 23 | 28 => Self::Ignore,
            // SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU
            19..=22 => Self::Stop,
            // SIGQUIT to SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS
            3..=8 | 11 | 24 | 25 | 31 => Self::Core,
            _ => Self::Terminate,
        }
    }
}

/// Names of signals 1 to 31.
#[rustfmt::skip]
static NAMES: [&str; 31] = [
    "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
    "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
    "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR",
    "SIGSYS",
];

/// Names of signals 32 to 64.
#[rustfmt::skip]
static RT_NAMES: [&str; 33] = [
    "SIGRTMIN", "SIGRT_1", "SIGRT_2", "SIGRT_3", "SIGRT_4", "SIGRT_5", "SIGRT_6", "SIGRT_7", "SIGRT_8", "SIGRT_9",
    "SIGRT_10", "SIGRT_11", "SIGRT_12", "SIGRT_13", "SIGRT_14", "SIGRT_15", "SIGRT_16", "SIGRT_17", "SIGRT_18",
    "SIGRT_19", "SIGRT_20", "SIGRT_21", "SIGRT_22", "SIGRT_23", "SIGRT_24", "SIGRT_25", "SIGRT_26", "SIGRT_27",
    "SIGRT_28", "SIGRT_29", "SIGRT_30", "SIGRT_31", "SIGRT_32",
];

/// Other spellings that are taken but never printed.
static ALIASES: [(&str, u8); 5] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("LOST", 29), ("UNUSED", 31)];

impl Signal {
    /// Hangup.
    pub const SIGHUP: Self = Self(1);
    /// Interrupt from the keyboard.
    pub const SIGINT: Self = Self(2);
    /// Illegal instruction.
    pub const SIGILL: Self = Self(4);
    /// Breakpoint or single step.
    pub const SIGTRAP: Self = Self(5);
    /// Abort.
    pub const SIGABRT: Self = Self(6);
    /// Bus error.
    pub const SIGBUS: Self = Self(7);
    /// Arithmetic error.
    pub const SIGFPE: Self = Self(8);
    /// Unblockable end.
    pub const SIGKILL: Self = Self(9);
    /// First user signal.
    pub const SIGUSR1: Self = Self(10);
    /// Bad memory access.
    pub const SIGSEGV: Self = Self(11);
    /// Second user signal.
    pub const SIGUSR2: Self = Self(12);
    /// Broken pipe.
    pub const SIGPIPE: Self = Self(13);
    /// Timer.
    pub const SIGALRM: Self = Self(14);
    /// Termination request.
    pub const SIGTERM: Self = Self(15);
    /// A child changed state.
    pub const SIGCHLD: Self = Self(17);
    /// Continue.
    pub const SIGCONT: Self = Self(18);
    /// Unblockable stop.
    pub const SIGSTOP: Self = Self(19);
    /// Stop from the terminal.
    pub const SIGTSTP: Self = Self(20);
    /// Background read from the terminal.
    pub const SIGTTIN: Self = Self(21);
    /// Background write to the terminal.
    pub const SIGTTOU: Self = Self(22);
    /// Bad syscall.
    pub const SIGSYS: Self = Self(31);
    /// The first real-time signal as the kernel counts.
    pub const SIGRTMIN: Self = Self(32);
    /// The highest signal.
    pub const MAX: Self = Self(64);

    /// The signal with this number, if there is one.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number >= 1 && number <= 64 { Some(Self(number as u8)) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its name as strace prints it, such as `SIGINT` or `SIGRT_3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let number = usize::from(self.0);
        let name = if number < 32 { NAMES.get(number - 1) } else { RT_NAMES.get(number - 32) };
        name.copied().unwrap_or("SIG?")
    }

    /// Reads `SIGUSR1`, `USR1`, `usr1`, `RTMIN+2`, `RTMAX-1`, `RT_2` or a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Self::new(number);
        }
        let (head, bare) = text.split_at_checked(3).unwrap_or(("", text));
        let bare = if head.eq_ignore_ascii_case("SIG") { bare } else { text };
        let named = (1..=64).map(Self).find(|signal| signal.name()[3..].eq_ignore_ascii_case(bare));
        named
            .or_else(|| {
                ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(bare)).map(|(_, n)| Self(*n))
            })
            .or_else(|| Self::parse_real_time(bare))
    }

    /// `RTMIN+n`, `RTMAX`, `RTMAX-n` (without `SIG`).
    fn parse_real_time(bare: &str) -> Option<Self> {
        let (base, rest) = bare.split_at_checked(5)?;
        let offset = |sign: char| rest.strip_prefix(sign)?.parse::<u64>().ok();
        if base.eq_ignore_ascii_case("RTMIN") {
            Self::new(offset('+')?.checked_add(32)?)
        } else if base.eq_ignore_ascii_case("RTMAX") {
            Self::new(64_u64.checked_sub(if rest.is_empty() { 0 } else { offset('-')? })?)
        } else {
            None
        }
    }

    /// Whether the default action would stop the process.
    #[must_use]
    pub const fn is_stop(self) -> bool {
        matches!(self, Self::SIGSTOP | Self::SIGTSTP | Self::SIGTTIN | Self::SIGTTOU)
    }

    /// Every signal, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=64).map(Self)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of signals in the kernel's layout: signal `n` is bit `n - 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct SigSet(pub u64);

impl SigSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// Every signal.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether `signal` is in the set.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 >> (signal.0 - 1) & 1 == 1
    }

    /// The set with `signal`.
    #[must_use]
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << (signal.0 - 1))
    }

    /// The set without `signal`.
    #[must_use]
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !(1 << (signal.0 - 1)))
    }

    /// How many signals it holds.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its signals, by number.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::all().filter(move |signal| self.contains(*signal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn default_actions_are_those_of_signal_7() {
        let all = |action| {
            (1..=64)
                .filter(|n| DefaultAction::of(*n) == action)
                .map(u32::cast_signed)
                .collect::<std::vec::Vec<_>>()
        };
        assert_eq!(all(DefaultAction::Ignore), [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH]);
        assert_eq!(all(DefaultAction::Stop), [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU]);
        let core = [
            libc::SIGQUIT,
            libc::SIGILL,
            libc::SIGTRAP,
            libc::SIGABRT,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGSEGV,
            libc::SIGXCPU,
            libc::SIGXFSZ,
            libc::SIGSYS,
        ];
        assert_eq!(all(DefaultAction::Core), core);
    }

    #[test]
    fn names_follow_the_headers() {
        assert_eq!(Signal::new(libc::SIGSYS as u64).map(Signal::name), Some("SIGSYS"));
        assert_eq!(Signal::new(libc::SIGSTKFLT as u64).map(Signal::name), Some("SIGSTKFLT"));
        assert_eq!(Signal::SIGRTMIN.to_string(), "SIGRTMIN");
        assert_eq!(Signal::MAX.to_string(), "SIGRT_32");
        assert_eq!(Signal::new(0), None);
        assert_eq!(Signal::new(65), None);
    }

    #[test]
    fn parse_takes_every_spelling() {
        for signal in Signal::all() {
            assert_eq!(Signal::parse(signal.name()), Some(signal));
            assert_eq!(Signal::parse(&signal.name()[3..]), Some(signal));
            assert_eq!(Signal::parse(&signal.number().to_string()), Some(signal));
        }
        assert_eq!(Signal::parse("sigusr1"), Some(Signal::SIGUSR1));
        assert_eq!(Signal::parse("RTMIN+2"), Signal::new(34));
        assert_eq!(Signal::parse("SIGRTMAX-1"), Signal::new(63));
        assert_eq!(Signal::parse("SIGRTMAX"), Signal::new(64));
        assert_eq!(Signal::parse("CLD"), Some(Signal::SIGCHLD));
        for bad in ["", "SIG", "0", "65", "-1", "RTMIN+40", "RTMAX-70", "SIGÄ", "é"] {
            assert_eq!(Signal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = SigSet::EMPTY.with(Signal::SIGINT).with(Signal::MAX);
        assert_eq!(set.0, 1 << 63 | 2);
        assert!(set.contains(Signal::SIGINT) && !set.contains(Signal::SIGHUP));
        assert_eq!(set.iter().count(), 2);
        assert_eq!(set.without(Signal::SIGINT).len(), 1);
    }
}
