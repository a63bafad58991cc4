//! strace's `--inject` grammar: `SET[:error=ERRNO|:retval=VALUE][:signal=SIG][:delay_enter=TIME]…[:when=EXPR]`.
//!
//! Key types: [`InjectSpec`], [`Effects`], [`When`]. Neighbours: [`crate::sets`] reads the set. Does nothing to
//! anybody.

use std::ops::Range;
use std::time::Duration;

use utrace_abi::{Errno, Signal};
use utrace_core::SyscallSet;

use super::OPTIONS;
use super::when::When;
use crate::sets;
use crate::spec::{self, SpecError};
use crate::suggest;

/// What to do to which syscalls, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InjectSpec {
    /// To these.
    pub syscalls: SyscallSet,
    /// To which calls of a thread to one of them.
    pub when: When,
    /// What to do.
    pub effects: Effects,
}

/// What to do to a syscall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// Skip it, and return this raw value in its place.
    pub result: Option<i64>,
    /// Send the thread this signal at entry.
    pub signal: Option<Signal>,
    /// Wait this long before it runs.
    pub delay_enter: Option<Duration>,
    /// Wait this long after it ran.
    pub delay_exit: Option<Duration>,
}

/// Reads the value of `--inject`.
pub(super) fn inject(text: &str) -> Result<InjectSpec, SpecError> {
    let spec = parse(text)?;
    if spec.effects == Effects::default() {
        let message = "nothing is to be done: give error=, retval=, signal=, delay_enter= or delay_exit=";
        return Err(SpecError::new(message, text.len()..text.len()));
    }
    Ok(spec)
}

/// Reads the value of strace's older `fault=`: without an error it is `ENOSYS`.
pub(super) fn fault(text: &str) -> Result<InjectSpec, SpecError> {
    let mut spec = parse(text)?;
    spec.effects.result.get_or_insert(Errno::ENOSYS.to_return());
    Ok(spec)
}

fn parse(text: &str) -> Result<InjectSpec, SpecError> {
    let set_end = end_of_set(text);
    let (set, rest) = text.split_at(set_end);
    let mut parser = Parser { seen: Vec::new(), when: When::ALWAYS, effects: Effects::default() };
    let mut at = set_end;
    for part in rest.split(':').skip(1) {
        at += 1;
        parser.part(&Part { text: part, at })?;
        at += part.len();
    }
    Ok(InjectSpec { syscalls: sets::syscalls(set)?, when: parser.when, effects: parser.effects })
}

/// The set ends at the first colon; one inside a regular expression's brackets (`[[:alpha:]]`) is part of it.
fn end_of_set(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return at,
            _ => {}
        }
    }
    // Brackets that never close hide nothing.
    if depth > 0 { text.find(':').unwrap_or(text.len()) } else { text.len() }
}

/// One `KEY=VALUE` and its place.
struct Part<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Part<'t> {
    fn key(&self) -> &'t str {
        self.text.split('=').next().unwrap_or_default()
    }

    fn value(&self) -> &'t str {
        self.text.split_once('=').map_or("", |(_, value)| value)
    }

    fn value_span(&self) -> Range<usize> {
        let end = self.at + self.text.len();
        end - self.value().len()..end
    }

    fn wrong(&self, message: impl Into<String>) -> SpecError {
        SpecError::new(message, self.value_span())
    }
}

struct Parser<'t> {
    seen: Vec<&'t str>,
    when: When,
    effects: Effects,
}

impl<'t> Parser<'t> {
    fn part(&mut self, part: &Part<'t>) -> Result<(), SpecError> {
        let key = part.key();
        // strace takes an empty part at the end.
        if part.text.is_empty() {
            return Ok(());
        }
        if self.seen.contains(&key) {
            return Err(SpecError::new(format!("`{key}` is given twice"), part.at..part.at + key.len()));
        }
        self.seen.push(key);
        match key {
            "error" => self.result(part, error(part)?),
            "retval" => self.result(part, retval(part)?),
            "signal" => {
                self.effects.signal = Some(signal(part)?);
                Ok(())
            }
            "delay_enter" => {
                self.effects.delay_enter = Some(time(part)?);
                Ok(())
            }
            "delay_exit" => {
                self.effects.delay_exit = Some(time(part)?);
                Ok(())
            }
            "when" => {
                self.when = When::parse(part.value()).map_err(|bad| bad.shifted(part.value_span().start))?;
                Ok(())
            }
            _ => Err(unknown(part)),
        }
    }

    fn result(&mut self, part: &Part<'t>, value: i64) -> Result<(), SpecError> {
        if self.effects.result.replace(value).is_some() {
            let span = part.at..part.at + part.text.len();
            return Err(SpecError::new("error= and retval= cannot both be", span));
        }
        Ok(())
    }
}

fn unknown(part: &Part<'_>) -> SpecError {
    let key = part.key();
    let keys: Vec<&str> = OPTIONS.iter().map(|option| option.key).collect();
    let message = format!("there is no option `{key}`; the options are {}", keys.join(", "));
    SpecError::new(message, part.at..part.at + key.len()).or_hint(suggest::hint(key, keys))
}

fn error(part: &Part<'_>) -> Result<i64, SpecError> {
    let value = part.value();
    if let Ok(number) = value.parse::<u16>()
        && (1..=utrace_abi::errno::MAX).contains(&number)
    {
        return Ok(Errno(number).to_return());
    }
    let name = value.to_ascii_uppercase();
    Errno::from_name(&name).map(Errno::to_return).ok_or_else(|| {
        let names = (1..utrace_abi::errno::MAX).filter_map(|number| Errno(number).name());
        let message =
            format!("`{value}` is no error: give a name such as ENOENT, or a number from 1 to 4095");
        part.wrong(message).or_hint(suggest::hint(&name, names))
    })
}

/// A number as C writes it: decimal, `0x…`, `0…`, perhaps negative.
fn retval(part: &Part<'_>) -> Result<i64, SpecError> {
    let value = part.value();
    let (negative, digits) = value.strip_prefix('-').map_or((false, value), |digits| (true, digits));
    let number = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        digits_only(hex).and_then(|hex| u64::from_str_radix(hex, 16).ok())
    } else if digits.len() > 1 && digits.starts_with('0') {
        digits_only(digits).and_then(|digits| u64::from_str_radix(digits, 8).ok())
    } else {
        digits_only(digits).and_then(|digits| digits.parse::<u64>().ok())
    };
    let number = number.map(u64::cast_signed);
    let number = if negative { number.map(i64::wrapping_neg) } else { number };
    number.ok_or_else(|| part.wrong(format!("`{value}` is no number of 64 bits")))
}

/// Rust's parsers take a sign of their own.
fn digits_only(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.starts_with(['+', '-']))
}

fn signal(part: &Part<'_>) -> Result<Signal, SpecError> {
    let value = part.value();
    Signal::parse(value).ok_or_else(|| {
        let hint = suggest::hint(&value.to_ascii_uppercase(), Signal::all().map(Signal::name));
        part.wrong(format!("`{value}` is no signal")).or_hint(hint)
    })
}

fn time(part: &Part<'_>) -> Result<Duration, SpecError> {
    let value = part.value();
    spec::duration(value).ok_or_else(|| {
        part.wrong(format!("`{value}` is no time: give microseconds, or a number with s, ms, us or ns"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(text: &str) -> Effects {
        inject(text).unwrap().effects
    }

    fn wrong(text: &str) -> (String, String) {
        let bad = inject(text).unwrap_err();
        (bad.message.clone(), text[bad.span].to_owned())
    }

    #[test]
    fn every_part_is_read() {
        let got = effects("openat:error=ENOENT:signal=USR1:delay_enter=5:delay_exit=1.5ms");
        assert_eq!(got.result, Some(-2));
        assert_eq!(got.signal, Some(Signal::SIGUSR1));
        assert_eq!(got.delay_enter, Some(Duration::from_micros(5)));
        assert_eq!(got.delay_exit, Some(Duration::from_micros(1500)));
        assert!(inject("openat,%network:error=1").unwrap().syscalls.contains(41));
    }

    #[test]
    fn values_are_read_as_strace_reads_them() {
        assert_eq!(effects("getuid:error=enoent").result, Some(-2));
        assert_eq!(effects("getuid:error=4095").result, Some(-4095));
        assert_eq!(effects("getuid:retval=-5").result, Some(-5));
        assert_eq!(effects("getuid:retval=0x10").result, Some(16));
        assert_eq!(effects("getuid:retval=010").result, Some(8));
        assert_eq!(effects("getuid:retval=0xffffffffffffffff").result, Some(-1));
        assert_eq!(effects("getuid:error=1:").result, Some(-1));
        assert_eq!(effects("getuid:delay_enter=7ns").delay_enter, Some(Duration::from_nanos(7)));
        assert_eq!(effects("getuid:delay_enter=2s").delay_enter, Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_colon_in_a_bracket_belongs_to_the_regular_expression() {
        assert!(inject("/^open[[:alpha:]]+$:error=1").unwrap().syscalls.contains(257));
    }

    #[test]
    fn mistakes_point_at_the_word() {
        assert_eq!(wrong("getuid:error=EXX").1, "EXX");
        assert_eq!(wrong("getuid:error=0").1, "0");
        assert_eq!(wrong("getuid:error=4096").1, "4096");
        assert_eq!(wrong("getuid:error=1:retval=2").1, "retval=2");
        assert_eq!(wrong("getuid:error=5:error=6").1, "error");
        assert_eq!(wrong("getuid:signal=99").1, "99");
        assert_eq!(wrong("getuid:delay_enter=1x").1, "1x");
        assert_eq!(wrong("getuid:delay_enter=-1").1, "-1");
        assert_eq!(wrong("getuid:delay_enter=1e3").1, "1e3");
        assert_eq!(wrong("getuid:delay_enter=").1, "");
        assert_eq!(wrong("getuid:retval=+5").1, "+5");
        assert_eq!(wrong("getuid:when=0:error=1").1, "0");
        assert_eq!(wrong("getiud:error=1").1, "getiud");
        assert_eq!(wrong("getuid:eror=1").1, "eror");
        assert!(wrong("getuid").0.starts_with("nothing is to be done"));
        assert!(inject("getuid:when=2").is_err());
    }

    #[test]
    fn hints_name_what_may_be_meant() {
        let hint = |text| inject(text).unwrap_err().hint.unwrap();
        assert_eq!(hint("getuid:error=ENOETN"), "did you mean `ENOENT`?");
        assert_eq!(hint("getuid:signl=1"), "did you mean `signal`?");
    }

    #[test]
    fn a_fault_without_an_error_is_enosys() {
        assert_eq!(fault("getuid:when=2").unwrap().effects.result, Some(-38));
        assert_eq!(fault("getuid:error=EIO").unwrap().effects.result, Some(-5));
    }
}
