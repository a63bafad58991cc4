//! `when=`: which calls of a thread are tampered with.
//!
//! Key types: [`When`]. Counts nothing itself.

use crate::spec::SpecError;

/// The highest count that can be named, as in strace.
const MAX: u32 = 65535;

/// `FIRST[..LAST][+[STEP]]`: calls are counted from 1, for each syscall of each thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    first: u32,
    last: u32,
    /// 0: the first only.
    step: u32,
}

impl When {
    /// Every call.
    pub const ALWAYS: When = When { first: 1, last: u32::MAX, step: 1 };

    /// Whether the call with this count is meant.
    #[must_use]
    pub const fn hits(self, count: u32) -> bool {
        if count < self.first || count > self.last {
            return false;
        }
        match self.step {
            0 => count == self.first,
            step => (count - self.first).is_multiple_of(step),
        }
    }

    /// Reads an expression: `3`, `3+` (from the third on), `3+2` (every second from the third on), `3..7`,
    /// `3..7+2`.
    ///
    /// # Errors
    /// A number that is none, is 0, or is above 65535; a last before the first.
    pub fn parse(text: &str) -> Result<When, SpecError> {
        let (range, step_text) = match text.split_once('+') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (first_text, last_text) = match range.split_once("..") {
            Some((first, last)) => (first, Some(last)),
            None => (range, None),
        };
        let first = count(first_text, 0)?;
        let last_at = first_text.len() + "..".len();
        let last = last_text.map(|last| count(last, last_at)).transpose()?;
        if let (Some(last), Some(last_text)) = (last, last_text)
            && last < first
        {
            let span = last_at..last_at + last_text.len();
            return Err(SpecError::new(format!("the last, {last}, comes before the first, {first}"), span));
        }
        let step = match step_text {
            None if last.is_some() => 1,
            None => 0,
            Some("") => 1,
            Some(step) => count(step, text.len() - step.len())?,
        };
        Ok(When { first, last: last.unwrap_or(u32::MAX), step })
    }
}

fn count(text: &str, at: usize) -> Result<u32, SpecError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(count) if digits && (1..=MAX).contains(&count) => Ok(count),
        _ => {
            let message = format!("`{text}` is no count: give a number from 1 to {MAX}");
            Err(SpecError::new(message, at..at + text.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::When;

    fn hits(text: &str) -> Vec<u32> {
        let when = When::parse(text).unwrap();
        (0..12).filter(|count| when.hits(*count)).collect()
    }

    #[test]
    fn expressions_mean_what_strace_means() {
        assert_eq!(hits("3"), [3]);
        assert_eq!(hits("9+"), [9, 10, 11]);
        assert_eq!(hits("2+4"), [2, 6, 10]);
        assert_eq!(hits("3..5"), [3, 4, 5]);
        assert_eq!(hits("3..8+2"), [3, 5, 7]);
        assert_eq!(hits("3..8+"), [3, 4, 5, 6, 7, 8]);
        assert_eq!(hits("1..1"), [1]);
        assert_eq!((1..100).filter(|count| When::ALWAYS.hits(*count)).count(), 99);
    }

    #[test]
    fn what_strace_refuses_is_refused_at_its_place() {
        for (text, bad) in [
            ("0", "0"),
            ("", ""),
            ("1+0", "0"),
            ("3..2", "2"),
            ("65536", "65536"),
            ("65535..65536", "65536"),
            ("..2", ""),
            ("1..", ""),
            ("1+2+3", "2+3"),
            ("+1", ""),
            ("1..+2", ""),
        ] {
            let error = When::parse(text).unwrap_err();
            assert_eq!(&text[error.span], bad, "{text}");
        }
    }
}
