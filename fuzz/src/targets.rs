//! What is run: one function over bytes for each grammar and decoder.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use utrace_abi::{Abi, SigInfo};
use utrace_cli::flags::low;
use utrace_cli::message::pointed;
use utrace_engines::choices::Choices;
use utrace_engines::render::{
    self, Call, Constants, Detail, Memory, Options, Outcome, Renderer, StringStyle,
};
use utrace_engines::spec::SpecError;
use utrace_engines::{registry, sets};

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
        words: &["f", ",", "=", "trace=", "format=", "json", "%file", "ä", "s=", "sort=", "per=", "T", "/x="],
        run: engine_value,
    },
    Target {
        name: "sets",
        words: &[
            "open", "openat", "%file", "all", "none", "/", "^", "(", "|", "*", "[", "!", "?", ",", "SIGINT",
        ],
        run: set_grammar,
    },
    Target {
        name: "inject",
        words: &[
            "openat",
            "%net",
            ":",
            "error=",
            "ENOENT",
            "retval=",
            "signal=",
            "SIGUSR1",
            "delay_enter=",
            "when=",
            "..",
            "+",
            "1",
            "0x",
            "-1",
            "ms",
            ",",
            "!",
        ],
        run: inject_grammar,
    },
    Target {
        name: "command-line",
        words: &["\0", "run", "attach", "--log", "=f,", "trace=%file", "--inject", "-p", "--", "-e", "-s"],
        run: command_line,
    },
    Target {
        name: "render",
        words: &["/etc/passwd\0", "\u{1}\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0", "\u{2}\0"],
        run: render_call,
    },
    Target { name: "siginfo", words: &["\u{b}\0\0\0", "\u{1}\0\0\0", "\0\0\0\0"], run: siginfo },
];

/// A mistake points into its text, and can be shown.
fn check(text: &str, mistake: &SpecError) {
    let span = mistake.span.clone();
    assert!(text.get(span.clone()).is_some(), "{span:?} is no part of {text:?}");
    assert!(pointed(&mistake.to_string(), text, span).contains('^'));
}

/// The values of `--log` and `--stats`.
fn engine_value(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for engine in ["log", "stats"] {
        if let Some(Err(mistake)) = registry::find(engine).map(|kind| kind.parse(&text)) {
            check(&text, &mistake);
        }
    }
}

/// strace's sets of syscalls and signals. A set and its negation share nothing and make the whole.
fn set_grammar(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match sets::syscalls(&text) {
        Ok(set) if !text.starts_with('!') => {
            let other = sets::syscalls(&format!("!{text}"));
            assert!(other.is_err() || other.is_ok_and(|other| other.union(&set).is_all()), "{text:?}");
        }
        Ok(_) => {}
        Err(mistake) => check(&text, &mistake),
    }
    if let Err(mistake) = sets::signals(&text) {
        check(&text, &mistake);
    }
}

/// strace's `--inject`.
fn inject_grammar(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(Err(mistake)) = registry::find("inject").map(|kind| kind.parse(&text)) {
        check(&text, &mistake);
    }
}

/// Any arguments: parsed, or refused with a message.
fn command_line(bytes: &[u8]) {
    let args = bytes.split(|b| *b == 0).map(|arg| OsString::from_vec(arg.to_vec()));
    if let Err(error) = low::parse(std::iter::once(OsString::from("utrace")).chain(args)) {
        assert!(!error.render().to_string().is_empty());
    }
}

/// Memory that holds the input at every address that is not small, and ends with it.
struct Bytes<'a>(&'a [u8]);

impl Memory for Bytes<'_> {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let at = (addr % 64) as usize;
        if addr < 4096 || self.0.is_empty() {
            return 0;
        }
        let from = self.0.get(at % self.0.len()..).unwrap_or_default();
        let n = from.len().min(buf.len());
        buf[..n].copy_from_slice(&from[..n]);
        n
    }

    fn fd_path(&mut self, fd: i32, out: &mut String) -> bool {
        out.push_str("/a \"path\"");
        fd % 2 == 0
    }
}

/// Any call with any arguments over any memory, entered and left in any way.
fn render_call(bytes: &[u8]) {
    let mut words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    let mut next = || words.next().unwrap_or(0);
    let pick = next();
    let abi = if pick % 5 == 0 { Abi::I386 } else { Abi::X86_64 };
    let args = [next(), next(), next(), next(), next(), next()];
    let nr = if pick % 7 == 0 { pick } else { pick / 8 % 470 };
    let call = Call { abi, nr, args };
    let renderer = Renderer::new(Options {
        string_limit: (pick % 64) as usize,
        fds: if pick % 2 == 0 { Choices::all() } else { Choices::NONE },
        constants: [Constants::Names, Constants::Raw, Constants::Both][(pick / 3 % 3) as usize],
        strings: [StringStyle::Escaped, StringStyle::HexUnprintable, StringStyle::Hex][(pick % 3) as usize],
        detail: if pick % 4 == 0 { Detail::Full } else { Detail::Abbreviated },
    });
    for outcome in [Outcome::Returned(next() as i64), Outcome::Returned(-2), Outcome::Unknown] {
        let text = render::render_all(&renderer, &call, outcome, &mut Bytes(bytes));
        assert!(text.contains('(') && !text.contains('\n'), "{text:?}");
    }
}

fn siginfo(bytes: &[u8]) {
    let mut raw = [0; SigInfo::SIZE];
    let n = bytes.len().min(raw.len());
    raw[..n].copy_from_slice(&bytes[..n]);
    let mut text = String::new();
    render::signal(&SigInfo::from_bytes(raw), &mut text);
    assert!(!text.contains('\n'), "{text:?}");
}
