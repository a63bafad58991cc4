//! Text from the command line: mistakes with their place, and the value of an engine flag taken apart.
//!
//! Key types: [`SpecError`], [`Value`], [`Pair`]. Neighbours: each engine's `options` gives its keys and reads the
//! pairs. Knows no key itself and opens no file.
//!
//! A flag's value is `[FILE][,KEY=VALUE…]`. A comma separates options and also the members of a set
//! (`trace=open,close`): a part that is no option of the engine belongs to the value before it. A first part that
//! is an option is no file name; `./PART` is.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::registry::OptionHelp;
use crate::suggest;

/// A mistake in a text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecError {
    /// What is wrong.
    pub message: String,
    /// The bytes of the text that are; empty, and at the end, where something is missing.
    pub span: Range<usize>,
    /// What may have been meant.
    pub hint: Option<String>,
}

impl SpecError {
    /// A mistake at `span`.
    #[must_use]
    pub fn new(message: impl Into<String>, span: Range<usize>) -> SpecError {
        SpecError { message: message.into(), span, hint: None }
    }

    /// The same with a hint, if there is one.
    #[must_use]
    pub fn or_hint(self, hint: Option<String>) -> SpecError {
        SpecError { hint, ..self }
    }

    /// The same for a text in which this one begins at byte `at`.
    #[must_use]
    pub fn shifted(mut self, at: usize) -> SpecError {
        self.span = self.span.start + at..self.span.end + at;
        self
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SpecError {}

/// A flag's value, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value<'t> {
    /// The file, if one was named.
    pub file: Option<&'t str>,
    /// The options, in order.
    pub pairs: Vec<Pair<'t>>,
}

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<'t> {
    /// The key, one of those that the engine has.
    pub key: &'t str,
    /// What followed `=`; empty for a switch.
    pub value: &'t str,
    /// Where the value begins in the whole text, in bytes.
    pub at: usize,
}

impl<'t> Pair<'t> {
    /// A mistake in the whole value.
    #[must_use]
    pub fn wrong(&self, message: impl Into<String>) -> SpecError {
        SpecError::new(message, self.at..self.at + self.value.len())
    }

    /// One of `choices`, by name.
    ///
    /// # Errors
    /// It is none of them.
    pub fn choose<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, SpecError> {
        let found = choices.iter().find(|(name, _)| *name == self.value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let message =
                format!("`{}` is no value of `{}`: it is one of {}", self.value, self.key, names.join(", "));
            self.wrong(message).or_hint(suggest::hint(self.value, names))
        })
    }

    /// A number from 0 to `max`.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, max: u64) -> Result<u64, SpecError> {
        match self.value.parse::<u64>() {
            Ok(number) if number <= max => Ok(number),
            _ => Err(self.wrong(format!("`{}` takes a number from 0 to {max}", self.key))),
        }
    }
}

/// Takes `text` apart for an engine with these options.
///
/// # Errors
/// An option that the engine does not have, or a switch with a value.
pub fn split<'t>(text: &'t str, options: &[OptionHelp]) -> Result<Value<'t>, SpecError> {
    let mut result = Value::default();
    let mut at = 0;
    for (place, part) in text.split(',').enumerate() {
        let here = at;
        at += part.len() + 1;
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let known = options.iter().find(|option| option.key == key);
        match known {
            Some(option) if option.is_switch() != part.contains('=') => {
                result.pairs.push(Pair { key, value, at: here + part.len() - value.len() });
            }
            Some(option) if option.is_switch() => {
                let message = format!("`{key}` is a switch: it takes no value");
                return Err(SpecError::new(message, here + key.len()..here + part.len()));
            }
            _ if place == 0 => result.file = Some(part).filter(|part| !part.is_empty()),
            // A command may have commas too.
            _ if result.pairs.is_empty() && result.file.is_some_and(is_command) => {
                result.file = text.get(..here + part.len());
            }
            // A word with `=` that is no key is more likely a misspelt key than part of a set: better said than
            // swallowed. In a regular expression it can be.
            None if part.contains('=') && !in_regex(&result) => return Err(unknown(key, here, options)),
            _ => match result.pairs.last_mut() {
                Some(last) if !last.value.is_empty() => {
                    last.value = text.get(last.at..here + part.len()).unwrap_or(last.value);
                }
                _ => return Err(unknown(part, here, options)),
            },
        }
    }
    Ok(result)
}

fn is_command(file: &str) -> bool {
    file.starts_with(['|', '!'])
}

/// Whether the text so far ends inside a regular expression, in which `=` and `,` may stand.
fn in_regex(result: &Value<'_>) -> bool {
    let last = result.pairs.last().and_then(|pair| pair.value.rsplit(',').next());
    last.is_some_and(|word| word.trim_start_matches(['!', '?']).starts_with('/'))
}

/// Microseconds, or a number with `s`, `ms`, `us` or `ns`; with a fraction if one likes.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let units = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let unit = units.iter().find_map(|(name, scale)| Some((text.strip_suffix(name)?, *scale)));
    let (number, scale) = unit.unwrap_or((text, 1e-6));
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = number.parse::<f64>().ok().filter(|_| plain)?;
    Duration::try_from_secs_f64(number * scale).ok()
}

fn unknown(word: &str, at: usize, options: &[OptionHelp]) -> SpecError {
    let keys: Vec<&str> = options.iter().map(|option| option.key).collect();
    let message = format!("there is no option `{word}`; the options are {}", keys.join(", "));
    SpecError::new(message, at..at + word.len()).or_hint(suggest::hint(word, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[OptionHelp] = &[
        OptionHelp { key: "trace", value: "SET", help: "" },
        OptionHelp { key: "format", value: "FORMAT", help: "" },
        OptionHelp { key: "T", value: "", help: "" },
    ];

    fn pairs(text: &str) -> Vec<(&str, &str)> {
        split(text, OPTIONS).unwrap().pairs.into_iter().map(|pair| (pair.key, pair.value)).collect()
    }

    fn file(text: &str) -> Option<&str> {
        split(text, OPTIONS).unwrap().file
    }

    #[test]
    fn the_file_comes_first_or_not_at_all() {
        assert_eq!(file(""), None);
        assert_eq!(file("a.txt"), Some("a.txt"));
        assert_eq!(file("odd=name,T"), Some("odd=name"));
        assert_eq!(file("./trace=x"), Some("./trace=x"));
        assert_eq!(file(",format=json"), None);
        assert_eq!(file("format=json"), None);
        assert_eq!(file("T"), None);
        assert_eq!(file("|cut -d, -f2,T"), Some("|cut -d, -f2"));
    }

    #[test]
    fn a_set_keeps_its_commas() {
        assert_eq!(pairs("f,trace=open,close,%file,T"), [("trace", "open,close,%file"), ("T", "")]);
        assert_eq!(pairs("trace=file,trace"), [("trace", "file,trace")]);
        assert_eq!(pairs("trace=/a=b,format=json"), [("trace", "/a=b"), ("format", "json")]);
    }

    #[test]
    fn places_point_into_the_text() {
        let text = "f,format=json,trace=open,close";
        for pair in split(text, OPTIONS).unwrap().pairs {
            assert!(text[pair.at..].starts_with(pair.value), "{pair:?}");
        }
    }

    #[test]
    fn unknown_words_are_shown() {
        let bad = split("f,formt=red", OPTIONS).unwrap_err();
        assert_eq!(bad.span, 2..7);
        assert_eq!(bad.hint.as_deref(), Some("did you mean `format`?"));
        assert_eq!(split("f,g", OPTIONS).unwrap_err().span, 2..3);
        assert_eq!(split("f,T,g", OPTIONS).unwrap_err().span, 4..5);
        assert_eq!(split("f,T=1", OPTIONS).unwrap_err().span, 3..5);
        assert_eq!(split("f,trace=a,tarce=b", OPTIONS).unwrap_err().span, 10..15);
    }
}
