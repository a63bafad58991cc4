//! What the user reads on stderr: one line, `utrace: …`, and below it, for a mistake in a word, the word.
//!
//! Key functions: [`say`], [`pointed`]. Neighbours: every error of the tool ends here. stderr may be closed or
//! full: a message that cannot be written is dropped, never a failure of its own.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;

/// Writes one message to stderr.
pub fn say(text: impl Display) {
    // In one write, so that lines of tracer and program do not mix.
    let line = format!("{}utrace:{} {}\n", style("\x1b[1m"), style("\x1b[0m"), plain(&text.to_string()));
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The text without the error numbers that std puts behind the system's words: `No such file (os error 2)`.
fn plain(text: &str) -> String {
    let mut parts = text.split(" (os error ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(')'));
    }
    out
}

/// An escape sequence, or nothing where colour is not wanted.
fn style(sequence: &'static str) -> &'static str {
    if wants_colour() { sequence } else { "" }
}

/// Colour only on a terminal, and not with `NO_COLOR` (no-color.org: set and not empty).
#[must_use]
pub fn wants_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A message about a part of `text`: the text again, and carets under the part.
///
/// ```
/// let shown = utrace_cli::message::pointed("no such syscall `opne`", "--log=f,trace=opne", 14..18);
/// assert_eq!(shown, "no such syscall `opne`\n    --log=f,trace=opne\n                  ^^^^");
/// ```
#[must_use]
pub fn pointed(message: &str, text: &str, span: Range<usize>) -> String {
    let before = text.get(..span.start).unwrap_or(text).chars().count();
    let width = text.get(span).map_or(1, |part| part.chars().count()).max(1);
    format!("{message}\n    {text}\n    {:before$}{:^<width$}", "", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_are_for_programs() {
        assert_eq!(plain("f: No such file (os error 2); it ends"), "f: No such file; it ends");
        assert_eq!(plain("f: ok"), "f: ok");
    }

    #[test]
    fn carets_stand_under_the_word() {
        assert_eq!(pointed("m", "abc", 1..3), "m\n    abc\n     ^^");
        assert_eq!(pointed("m", "äbc", 2..3), "m\n    äbc\n     ^");
        // An empty part, at the end, still gets its caret; a span beyond the text does no harm.
        assert_eq!(pointed("m", "abc", 3..3), "m\n    abc\n       ^");
        assert_eq!(pointed("m", "abc", 9..12), "m\n    abc\n       ^");
    }
}
