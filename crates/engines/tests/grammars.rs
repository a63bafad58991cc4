//! No text makes a parser panic, and every mistake has a place inside the text.

use proptest::prelude::{any, prop, prop_assert, proptest};
use proptest::strategy::Strategy;
use utrace_engines::inject::{InjectSpec, When};
use utrace_engines::spec::SpecError;
use utrace_engines::{registry, sets};

/// Text of the pieces that the grammars are made of, so that it gets past the first check.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        ",",
        ":",
        "=",
        "!",
        "?",
        "/",
        "%",
        "+",
        "..",
        "-",
        "0",
        "1",
        "65535",
        "99999999999",
        "open",
        "openat",
        "%file",
        "%%stat",
        "network",
        "all",
        "none",
        "[",
        "]",
        "(",
        "*",
        "\\",
        "é",
        "\u{1f600}",
        "trace",
        "signal",
        "format",
        "json",
        "error",
        "ENOENT",
        "retval",
        "0x",
        "when",
        "delay_enter",
        "ms",
        "s",
        "SIGCHLD",
        "SIG",
        "RTMIN",
        "ff",
        "T",
        "tt",
        "file",
        "syscall",
        "@64",
        "",
    ];
    let piece = prop::sample::select(PIECES);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Fails unless the mistake, if it is one, points into the text at whole characters.
fn check<T>(text: &str, parsed: Result<T, SpecError>) {
    if let Err(bad) = parsed {
        assert!(text.get(bad.span.clone()).is_some(), "{bad:?} in {text:?}");
        assert!(!bad.message.is_empty());
    }
}

fn check_all(text: &str) {
    check(text, sets::syscalls(text));
    check(text, sets::signals(text));
    check(text, InjectSpec::parse(text));
    check(text, InjectSpec::parse_fault(text));
    check(text, When::parse(text));
    for kind in registry::all() {
        check(text, kind.parse(text));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_at_a_place(text in any::<String>()) {
        check_all(&text);
    }

    #[test]
    fn any_order_of_the_grammars_pieces_is_read_or_refused_at_a_place(text in pieces()) {
        check_all(&text);
    }

    #[test]
    fn a_set_and_its_negation_share_nothing_and_leave_nothing_out(text in pieces()) {
        if let (Ok(set), Ok(rest)) = (sets::syscalls(&text), sets::syscalls(&format!("!{text}"))) {
            prop_assert!(set.complement() == rest);
        }
    }
}
