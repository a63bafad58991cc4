//! strace's grammar for sets of syscalls and of signals.
//!
//! [`syscalls`] reads what `trace=` takes: `open,close`, `%file` (or `file`), `/regex`, a number, `?name` for a
//! syscall that need not exist, `all`, `none`, and `!` in front of the whole for everything else. [`signals`] reads
//! `signal=`: names with or without `SIG`, numbers, `all`, `none`, `!`. Mistakes carry their place in the text.
//!
//! Knows nothing of the flags that a set stands in.

use regex_lite::Regex;
use utrace_abi::table::{self, Abi};
use utrace_abi::{Classes, Signal, SyscallInfo};
use utrace_core::{SignalSet, SyscallSet};

use crate::spec::SpecError;
use crate::suggest;

/// Reads a set of syscalls.
///
/// The members are x86-64 numbers, which is what hosts report as index for 32-bit calls of the same name too.
///
/// # Errors
/// A word that is no syscall, class, number or regular expression; an empty word.
pub fn syscalls(text: &str) -> Result<SyscallSet, SpecError> {
    let (invert, words) = negation(text);
    let at = text.len() - words.len();
    let set = match words {
        "all" => SyscallSet::ALL,
        "none" => SyscallSet::NONE,
        _ => members(words, at, SyscallSet::NONE, |mut set, word| add_syscall(&mut set, word).map(|()| set))?,
    };
    Ok(if invert { set.complement() } else { set })
}

/// Reads a set of signals.
///
/// # Errors
/// A word that is no signal; an empty word.
pub fn signals(text: &str) -> Result<SignalSet, SpecError> {
    let (invert, words) = negation(text);
    let at = text.len() - words.len();
    let set = match words {
        "all" => SignalSet::ALL,
        "none" => SignalSet::NONE,
        _ => members(words, at, SignalSet::NONE, |mut set, word| match Signal::parse(word) {
            Some(signal) => {
                set.insert(u32::from(signal.number()));
                Ok(set)
            }
            None => {
                let names: Vec<&str> = Signal::all().map(Signal::name).collect();
                let hint = suggest::hint(&word.to_ascii_uppercase(), names);
                Err(SpecError::new(format!("`{word}` is no signal"), 0..word.len()).or_hint(hint))
            }
        })?,
    };
    Ok(if invert { set.complement() } else { set })
}

/// Takes the `!` off the front; each one turns the meaning round.
fn negation(text: &str) -> (bool, &str) {
    let words = text.trim_start_matches('!');
    ((text.len() - words.len()) % 2 == 1, words)
}

/// Adds up the words of a comma list that begins at byte `at` of the whole text.
fn members<S>(
    words: &str,
    mut at: usize,
    mut set: S,
    add: impl Fn(S, &str) -> Result<S, SpecError>,
) -> Result<S, SpecError> {
    for word in words.split(',') {
        if word.is_empty() {
            return Err(SpecError::new("a name is missing here", at..at));
        }
        set = add(set, word).map_err(|bad| bad.shifted(at))?;
        at += word.len() + 1;
    }
    Ok(set)
}

fn add_syscall(set: &mut SyscallSet, word: &str) -> Result<(), SpecError> {
    let optional = word.trim_start_matches('?');
    match resolve(set, optional) {
        Ok(()) => Ok(()),
        // Only unknown names are forgiven: a broken regular expression is a mistake either way.
        Err(_) if optional.len() < word.len() && !optional.is_empty() && !optional.starts_with('/') => Ok(()),
        Err(bad) => Err(bad.shifted(word.len() - optional.len())),
    }
}

fn resolve(set: &mut SyscallSet, word: &str) -> Result<(), SpecError> {
    if let Some(pattern) = word.strip_prefix('/') {
        let regex = Regex::new(pattern)
            .map_err(|bad| SpecError::new(format!("not a regular expression: {bad}"), 1..word.len()))?;
        return add_all(set, word, |info| regex.is_match(info.name));
    }
    if let Some(class) = Classes::parse(word) {
        return add_all(set, word, |info| info.classes.intersects(class));
    }
    if word == "%all" {
        *set = SyscallSet::ALL;
        return Ok(());
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return match word.parse::<u64>() {
            Ok(number) if number < SyscallSet::OTHER => {
                set.insert(number);
                Ok(())
            }
            _ => Err(SpecError::new(format!("no syscall has the number `{word}`"), 0..word.len())),
        };
    }
    match table::by_name(Abi::X86_64, word) {
        Some(info) => {
            set.insert(u64::from(info.nr));
            Ok(())
        }
        None => Err(unknown(word)),
    }
}

fn add_all(set: &mut SyscallSet, word: &str, wanted: impl Fn(&SyscallInfo) -> bool) -> Result<(), SpecError> {
    let mut found = false;
    for info in table::all(Abi::X86_64).iter().filter(|info| wanted(info)) {
        set.insert(u64::from(info.nr));
        found = true;
    }
    if found { Ok(()) } else { Err(SpecError::new(format!("`{word}` matches no syscall"), 0..word.len())) }
}

fn unknown(word: &str) -> SpecError {
    let (what, hint) = if word.starts_with('%') {
        ("class", suggest::hint(word, Classes::NAMES.iter().copied()))
    } else {
        let names = table::all(Abi::X86_64).iter().map(|info| info.name);
        ("syscall", suggest::hint(word, names.chain(Classes::NAMES.iter().copied())))
    };
    SpecError::new(format!("`{word}` is no {what}"), 0..word.len()).or_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: u64 = 2;
    const CLOSE: u64 = 3;
    const SOCKET: u64 = 41;
    const OPENAT: u64 = 257;

    fn set(text: &str) -> SyscallSet {
        syscalls(text).unwrap()
    }

    fn numbers(text: &str) -> Vec<u64> {
        set(text).iter().collect()
    }

    fn wrong(text: &str) -> (String, String) {
        let bad = syscalls(text).unwrap_err();
        (text[bad.span].to_owned(), bad.hint.unwrap_or_default())
    }

    #[test]
    fn names_numbers_and_lists() {
        assert_eq!(numbers("open,close"), [OPEN, CLOSE]);
        assert_eq!(numbers("2,openat"), [OPEN, OPENAT]);
        assert!(set("all").is_all() && set("none").is_empty() && set("%all").is_all());
    }

    #[test]
    fn negation_turns_the_whole_round() {
        let rest = set("!open,close");
        assert!(!rest.contains(OPEN) && !rest.contains(CLOSE) && rest.contains(OPENAT));
        assert!(rest.contains(SyscallSet::OTHER), "numbers without a name are among the others");
        assert_eq!(numbers("!!open"), [OPEN]);
        assert!(set("!all").is_empty() && set("!none").is_all());
    }

    #[test]
    fn classes_with_and_without_their_mark() {
        for text in ["%network", "network", "%net"] {
            assert!(set(text).contains(SOCKET) && !set(text).contains(OPEN), "{text}");
        }
        assert!(set("%file,%network").contains(OPENAT));
    }

    #[test]
    fn regular_expressions_match_anywhere() {
        assert!(set("/open").contains(OPENAT) && set("/open").contains(OPEN));
        assert_eq!(numbers("/^open$"), [OPEN]);
    }

    #[test]
    fn a_question_mark_forgives_unknown_names_only() {
        assert_eq!(numbers("?nosuch,open"), [OPEN]);
        assert_eq!(numbers("?open"), [OPEN]);
        assert!(set("?nosuch").is_empty());
        assert_eq!(wrong("?/(").0, "(");
        assert_eq!(wrong("?").0, "");
    }

    #[test]
    fn mistakes_point_at_the_word_and_say_what_may_be_meant() {
        assert_eq!(wrong("open,opne,close"), ("opne".into(), "did you mean `open`?".into()));
        assert_eq!(wrong("!%fiel").0, "%fiel");
        assert_eq!(wrong("%netwrok").1, "did you mean `%network`?");
        assert_eq!(wrong("open,/(").0, "(");
        assert_eq!(wrong("open,,close").0, "");
        for text in ["", "!", ",", "2000", "99999999999999999999"] {
            assert!(syscalls(text).is_err(), "{text}");
        }
    }

    #[test]
    fn signals_by_name_and_number() {
        let set = signals("SIGINT,term,17").unwrap();
        assert!([2, 15, 17].iter().all(|number| set.contains(*number)));
        assert!(!signals("!CHLD").unwrap().contains(17));
        assert_eq!(signals("none").unwrap(), SignalSet::NONE);
        let bad = signals("INT,SIGCHDL").unwrap_err();
        assert_eq!((bad.span, bad.hint.as_deref()), (4..11, Some("did you mean `SIGCHLD`?")));
        assert!(signals("").is_err());
    }
}
