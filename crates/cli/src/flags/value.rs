//! The value of an engine flag: `[FILE][,KEY=VALUE…]`.
//!
//! Key types: [`EngineValue`], [`Pair`]; every part keeps its place in the text, so that an error can point at
//! the word. Neighbours: [`super::hi`] calls it with the keys that the engine has. It knows no key itself, and
//! opens no file.
//!
//! A comma separates keys, and also the members of a set (`trace=open,close`): a part without `=` belongs to the
//! value before it. A first part of the form `KEY=…` with a known key is no file name; `./KEY=…` is.

use std::ops::Range;

/// A parsed value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineValue {
    /// The file, if one was named.
    pub file: Option<String>,
    /// The options, in order.
    pub pairs: Vec<Pair>,
}

/// One `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The key, one of those that the engine has.
    pub key: String,
    /// Its value; empty for a key that stood alone.
    pub value: String,
    /// Where the value starts in the whole text, in bytes.
    pub at: usize,
}

/// A mistake in a value, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadValue {
    /// What is wrong.
    pub message: String,
    /// The bytes of the text that are.
    pub span: Range<usize>,
}

/// Splits `text` for an engine with these keys.
///
/// # Errors
/// A key that the engine does not have.
pub fn parse(text: &str, keys: &[&str]) -> Result<EngineValue, BadValue> {
    let mut result = EngineValue::default();
    let mut at = 0;
    for (i, part) in text.split(',').enumerate() {
        let here = at;
        at += part.len() + 1;
        match Part::of(part, keys) {
            Part::Pair(key, value) => result.pairs.push(Pair {
                key: key.to_owned(),
                value: value.to_owned(),
                at: here + part.len() - value.len(),
            }),
            _ if i == 0 => result.file = (!part.is_empty()).then(|| part.to_owned()),
            Part::Other if !result.pairs.is_empty() => continue_last(&mut result, part),
            Part::Other => return Err(unknown(part, here, keys)),
            // Inside a regular expression or an error list a `=` with an unknown word before it is most
            // likely a misspelt key; better said than swallowed.
            Part::UnknownKey(key) => return Err(unknown(key, here, keys)),
        }
    }
    Ok(result)
}

enum Part<'a> {
    /// `KEY=VALUE`, or a known `KEY` alone.
    Pair(&'a str, &'a str),
    UnknownKey(&'a str),
    Other,
}

impl<'a> Part<'a> {
    fn of(part: &'a str, keys: &[&str]) -> Part<'a> {
        match part.split_once('=') {
            Some((key, value)) if keys.contains(&key) => Part::Pair(key, value),
            Some((key, _)) => Part::UnknownKey(key),
            None if keys.contains(&part) => Part::Pair(part, ""),
            None => Part::Other,
        }
    }
}

/// `trace=open` `,close`: the second part is more of the first's value.
fn continue_last(result: &mut EngineValue, part: &str) {
    if let Some(last) = result.pairs.last_mut() {
        last.value.push(',');
        last.value.push_str(part);
    }
}

fn unknown(word: &str, at: usize, keys: &[&str]) -> BadValue {
    let message = if keys.is_empty() {
        format!("there is no option `{word}`: this engine has none")
    } else {
        format!("there is no option `{word}`; the options are {}", keys.join(", "))
    };
    BadValue { message, span: at..at + word.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["trace", "format", "T"];

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text, KEYS).unwrap().pairs.into_iter().map(|p| (p.key, p.value)).collect()
    }

    fn own(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn file_and_options() {
        assert_eq!(parse("", KEYS).unwrap(), EngineValue::default());
        assert_eq!(parse("a.txt", KEYS).unwrap().file.as_deref(), Some("a.txt"));
        assert_eq!(parse("./trace=x", KEYS).unwrap().file.as_deref(), Some("./trace=x"));
        assert_eq!(parse("odd=name", KEYS).unwrap().file.as_deref(), Some("odd=name"));
        assert_eq!(parse(",format=json", KEYS).unwrap().file, None);
        assert_eq!(parse("format=json", KEYS).unwrap().file, None);
        assert_eq!(pairs("f,format=json,trace=%file"), own(&[("format", "json"), ("trace", "%file")]));
        assert_eq!(pairs("f,T,format=json"), own(&[("T", ""), ("format", "json")]));
    }

    #[test]
    fn a_set_keeps_its_commas() {
        assert_eq!(
            pairs("f,trace=open,close,%file,format=json"),
            own(&[("trace", "open,close,%file"), ("format", "json")])
        );
    }

    #[test]
    fn places_point_into_the_text() {
        let text = "f,format=json,trace=open,close";
        for pair in parse(text, KEYS).unwrap().pairs {
            assert!(text[pair.at..].starts_with(&pair.value), "{pair:?}");
        }
    }

    #[test]
    fn unknown_words_are_shown() {
        let bad = parse("f,colour=red", KEYS).unwrap_err();
        assert_eq!(bad.span, 2..8);
        assert!(bad.message.contains("trace, format, T"), "{}", bad.message);
        assert_eq!(parse("f,g", KEYS).unwrap_err().span, 2..3);
        assert_eq!(parse("f,trace=a,tarce=b", KEYS).unwrap_err().span, 10..15);
    }
}
