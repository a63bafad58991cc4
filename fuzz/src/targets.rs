//! What is run: one function over bytes for each grammar and decoder.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use utrace_cli::flags::{low, value};
use utrace_cli::message::pointed;

/// A function that must hold for every input.
pub struct Target {
    /// What the command line calls it.
    pub name: &'static str,
    /// Pieces that inputs are made of.
    pub words: &'static [&'static str],
    /// The function; it panics if something is wrong.
    pub run: fn(&[u8]),
}

/// Every target.
pub const ALL: &[Target] = &[
    Target {
        name: "engine-value",
        words: &["f", ",", "=", "trace=", "format=", "json", "%file", "ä"],
        run: engine_value,
    },
    Target {
        name: "command-line",
        words: &["\0", "run", "attach", "--log", "=f,", "trace=%file", "--inject", "-p", "--", "-e", "-s"],
        run: command_line,
    },
];

/// Parts point into the text; nothing is lost; messages can be made of every mistake.
fn engine_value(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match value::parse(&text, &["trace", "format", "s"]) {
        Ok(parsed) => {
            for pair in parsed.pairs {
                assert!(text[pair.at..].starts_with(&pair.value));
            }
        }
        Err(bad) => {
            assert!(text.get(bad.span.clone()).is_some());
            assert!(pointed(&bad.message, &text, bad.span).contains('^'));
        }
    }
}

/// Any arguments: parsed, or refused with a message.
fn command_line(bytes: &[u8]) {
    let args = bytes.split(|b| *b == 0).map(|arg| OsString::from_vec(arg.to_vec()));
    if let Err(error) = low::parse(std::iter::once(OsString::from("utrace")).chain(args)) {
        assert!(!error.render().to_string().is_empty());
    }
}
