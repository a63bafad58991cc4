//! The time before a line: `-t`, `-tt`, `-ttt`, `-r`, in strace's columns.
//!
//! Key types: [`Clock`]. Local time comes with the zone rules of the machine.

use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::choices::Stamp;
use super::options::LogOptions;

/// Writes times, and remembers the last one for `-r`.
#[derive(Debug)]
pub(crate) struct Clock {
    stamp: Stamp,
    relative: bool,
    before: Option<Instant>,
    of_day: OfDay,
}

/// The time of day of one second, which many lines may share: the zone rules are slow.
#[derive(Debug, Default)]
struct OfDay {
    second: Option<u64>,
    text: String,
}

impl Clock {
    pub(crate) fn new(options: &LogOptions) -> Clock {
        Clock { stamp: options.stamp, relative: options.relative, before: None, of_day: OfDay::default() }
    }

    /// Appends the time of a line that begins now.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        if self.stamp != Stamp::None {
            self.write_stamp(SystemTime::now(), out);
        }
        if self.relative {
            let now = Instant::now();
            let since = now - self.before.replace(now).unwrap_or(now);
            let (seconds, micros) = (since.as_secs(), since.subsec_micros());
            let _ = match self.stamp {
                Stamp::None => write!(out, "{seconds:6}.{micros:06} "),
                _ => write!(out, "(+{seconds:6}.{micros:06}) "),
            };
        }
    }

    fn write_stamp(&mut self, now: SystemTime, out: &mut Vec<u8>) {
        let epoch = since_epoch(now);
        let micros = epoch.subsec_micros();
        // Vec's writer cannot fail.
        let _ = match self.stamp {
            Stamp::None => Ok(()),
            Stamp::Epoch => write!(out, "{}.{micros:06} ", epoch.as_secs()),
            Stamp::Seconds => write!(out, "{} ", self.of_day.text(now)),
            Stamp::Micros => write!(out, "{}.{micros:06} ", self.of_day.text(now)),
        };
    }
}

impl OfDay {
    fn text(&mut self, now: SystemTime) -> &str {
        let second = since_epoch(now).as_secs();
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = chrono::DateTime::<chrono::Local>::from(now).format("%H:%M:%S").to_string();
        }
        &self.text
    }
}

/// The time since 1970; zero for a clock set before it.
pub(crate) fn since_epoch(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(stamp: Stamp) -> String {
        let mut out = Vec::new();
        let mut clock = Clock::new(&LogOptions { stamp, ..LogOptions::default() });
        // Another second first, so that what is kept of it must not be used again.
        clock.write_stamp(UNIX_EPOCH, &mut out);
        out.clear();
        clock.write_stamp(UNIX_EPOCH + Duration::new(1_795_266_548, 628_181_999), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn stamps_have_the_columns_of_strace() {
        assert_eq!(text(Stamp::None), "");
        assert_eq!(text(Stamp::Epoch), "1795266548.628181 ");
        let (seconds, micros) = (text(Stamp::Seconds), text(Stamp::Micros));
        // The hour depends on the machine's zone; minutes nearly never do.
        assert_eq!(seconds.len(), 9, "{seconds}");
        assert!(seconds.ends_with(":08 "), "{seconds}");
        assert_eq!(micros, format!("{}.628181 ", seconds.trim_end()));
    }

    #[test]
    fn relative_times_start_at_zero() {
        let options = LogOptions { relative: true, ..LogOptions::default() };
        let mut out = Vec::new();
        Clock::new(&options).write(&mut out);
        assert_eq!(out, b"     0.000000 ");
        out.clear();
        Clock::new(&LogOptions { stamp: Stamp::Epoch, ..options }).write(&mut out);
        assert!(out.ends_with(b" (+     0.000000) "), "{}", out.escape_ascii());
    }
}
