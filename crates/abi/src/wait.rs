//! The wait status word of `wait4(2)`, taken apart and put together.
//!
//! It knows nothing of what a ptrace stop means beyond its signal and event numbers; the host decides that.

use crate::signal::Signal;

/// A wait status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    /// Ended by `exit`, with the low eight bits of its code.
    Exited(u8),
    /// Ended by a signal.
    Signaled {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
    /// Stopped. `signal` is the raw eight bits, because `PTRACE_O_TRACESYSGOOD` sets bit 7 of it.
    Stopped {
        /// Raw stop signal.
        signal: u8,
        /// `PTRACE_EVENT_*`, or zero.
        event: u8,
    },
    /// Continued by `SIGCONT`.
    Continued,
    /// Nothing that `wait4` documents.
    Unknown(i32),
}

impl WaitStatus {
    /// Takes a raw status apart.
    #[must_use]
    pub const fn decode(raw: i32) -> Self {
        let low = raw as u32;
        if low == 0xffff {
            return Self::Continued;
        }
        let (byte0, byte1, event) = (low as u8, (low >> 8) as u8, low >> 16);
        match byte0 {
            0 if event == 0 => Self::Exited(byte1),
            0x7f if event <= 0xff => Self::Stopped { signal: byte1, event: event as u8 },
            _ => match Signal::new((byte0 & 0x7f) as u64) {
                Some(signal) if low <= 0xff => Self::Signaled { signal, core_dumped: byte0 & 0x80 != 0 },
                _ => Self::Unknown(raw),
            },
        }
    }

    /// Puts the raw status together again.
    #[must_use]
    pub const fn encode(self) -> i32 {
        match self {
            Self::Exited(code) => (code as i32) << 8,
            Self::Signaled { signal, core_dumped } => signal.number() as i32 | (core_dumped as i32) << 7,
            Self::Stopped { signal, event } => (event as i32) << 16 | (signal as i32) << 8 | 0x7f,
            Self::Continued => 0xffff,
            Self::Unknown(raw) => raw,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_low_status_survives_the_round_trip() {
        for raw in (0..=0xff_ffff).step_by(7).chain([0xffff, 0x7f, 0x8b, -1, i32::MIN]) {
            assert_eq!(WaitStatus::decode(raw).encode(), raw, "{raw:#x}");
        }
    }

    #[test]
    fn agrees_with_libc() {
        for raw in 0..=0xff_ffff {
            match WaitStatus::decode(raw) {
                WaitStatus::Exited(code) => {
                    assert!(libc::WIFEXITED(raw));
                    assert_eq!(libc::WEXITSTATUS(raw), i32::from(code));
                }
                WaitStatus::Signaled { signal, core_dumped } => {
                    assert!(libc::WIFSIGNALED(raw));
                    assert_eq!(libc::WTERMSIG(raw), i32::from(signal.number()));
                    assert_eq!(libc::WCOREDUMP(raw), core_dumped);
                }
                WaitStatus::Stopped { signal, .. } => {
                    assert!(libc::WIFSTOPPED(raw));
                    assert_eq!(libc::WSTOPSIG(raw) & 0xff, i32::from(signal));
                }
                WaitStatus::Continued => assert!(libc::WIFCONTINUED(raw)),
                WaitStatus::Unknown(_) => {}
            }
        }
    }
}
