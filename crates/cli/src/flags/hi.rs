//! From what was said to what is to be done: [`HiArgs`].
//!
//! Key types: [`HiArgs`], [`EngineSpec`], [`Word`] (a piece of the command line that can be pointed at).
//! Neighbours: [`super::low`] parsed it; [`crate::tools`] makes engines of the specs; `run` and `attach` do the
//! rest. Checks what can be checked without opening, starting or attaching to anything.

use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;

use super::low::{EngineFlag, EngineName, LowArgs};
use super::value::{self, BadValue};
use super::{AttachArgs, Command, Letters, RunArgs};
use crate::message::pointed;

/// What to do.
#[derive(Debug)]
pub enum HiArgs {
    /// Launch and trace.
    Run(RunArgs, Vec<EngineSpec>),
    /// Trace what runs.
    Attach(AttachArgs, Vec<EngineSpec>),
    /// List the engines.
    Engines,
    /// Print completions.
    Completions(clap_complete::Shell),
    /// Print the man page.
    Man,
}

/// One engine to make, in the order in which they are to be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSpec {
    /// Which.
    pub engine: EngineName,
    /// Where it writes, if it does; stderr unless named.
    pub file: Option<PathBuf>,
    /// Its options. The fault of an injection is the one option `fault`.
    pub options: Vec<Setting>,
}

/// One option of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, one of the engine's.
    pub key: &'static str,
    /// The value.
    pub value: Word,
}

/// A piece of the command line: its text, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// The flag that it is part of, as it could have been typed.
    shown: String,
    /// Where in `shown` it starts, in bytes.
    at: usize,
}

impl Word {
    fn new(text: impl Into<String>, shown: impl Into<String>, at: usize) -> Word {
        Word { text: text.into(), shown: shown.into(), at }
    }

    /// The message that these bytes of the word are wrong: the flag again, with carets under them.
    #[must_use]
    pub fn mistake(&self, message: &str, span: Range<usize>) -> String {
        pointed(message, &self.shown, self.at + span.start..self.at + span.end)
    }
}

/// The one option key of an injection.
pub const FAULT: &str = "fault";

impl HiArgs {
    /// Resolves the command line. `keys` are the option keys of an engine.
    ///
    /// # Errors
    /// A message for the user: an engine option that does not exist, or a strace expression that is not
    /// understood.
    pub fn resolve(
        low: LowArgs,
        keys: impl Fn(EngineName) -> &'static [&'static str],
    ) -> Result<HiArgs, String> {
        let engines = || engines(&low.engines, &low.letters, &keys);
        Ok(match low.command {
            Command::Run(run) => HiArgs::Run(run, engines()?),
            Command::Attach(attach) => HiArgs::Attach(attach, engines()?),
            Command::Engines => HiArgs::Engines,
            Command::Completions { shell } => HiArgs::Completions(shell),
            Command::Man => HiArgs::Man,
        })
    }
}

fn engines(
    flags: &[EngineFlag],
    letters: &Letters,
    keys: &impl Fn(EngineName) -> &'static [&'static str],
) -> Result<Vec<EngineSpec>, String> {
    let mut all = from_letters(letters)?;
    for flag in flags {
        all.push(from_flag(flag, keys(flag.engine))?);
    }
    if all.is_empty() {
        all.push(EngineSpec { engine: EngineName::Log, file: None, options: Vec::new() });
    }
    Ok(all)
}

fn from_flag(flag: &EngineFlag, keys: &'static [&'static str]) -> Result<EngineSpec, String> {
    let prefix = format!("--{}=", flag.engine.flag());
    let shown = format!("{prefix}{}", flag.value);
    let word = |text: String, at: usize| Word::new(text, shown.clone(), prefix.len() + at);
    if flag.engine == EngineName::Inject {
        return Ok(injection(word(flag.value.clone(), 0)));
    }
    let bad = |bad: BadValue| word(String::new(), 0).mistake(&bad.message, bad.span);
    let value = value::parse(&flag.value, keys).map_err(bad)?;
    let settings = value.pairs.into_iter().filter_map(|pair| {
        let key = keys.iter().copied().find(|key| *key == pair.key)?;
        Some(Setting { key, value: word(pair.value, pair.at) })
    });
    Ok(EngineSpec { engine: flag.engine, file: value.file.map(PathBuf::from), options: settings.collect() })
}

fn injection(fault: Word) -> EngineSpec {
    let options = vec![Setting { key: FAULT, value: fault }];
    EngineSpec { engine: EngineName::Inject, file: None, options }
}

/// The log (or, with `-c`, the count) that strace's letters describe, if any was used, and the injections of
/// `-e inject=`.
fn from_letters(letters: &Letters) -> Result<Vec<EngineSpec>, String> {
    let mut options = Vec::new();
    let mut injections = Vec::new();
    for expr in &letters.expr {
        let shown = format!("-e {expr}");
        let after = |key: &str| Word::new(&expr[key.len()..], shown.clone(), "-e ".len() + key.len());
        if let Some(key) = ["inject=", "fault="].iter().find(|key| expr.starts_with(*key)) {
            injections.push(injection(after(key)));
        } else if let Some(key) = ["trace=", "t="].iter().find(|key| expr.starts_with(*key)) {
            options.push(Setting { key: "trace", value: after(key) });
        } else if let Some((key, _)) = expr.split_once('=').filter(|(key, _)| key.bytes().all(is_word)) {
            let message = format!("`-e {key}=` is not understood; there are trace= and inject=");
            return Err(pointed(&message, &shown, 3..3 + key.len()));
        } else {
            options.push(Setting { key: "trace", value: after("") });
        }
    }
    options.extend(switches(letters));
    let counts = letters.count > 0;
    if counts {
        options.retain(|setting| setting.key == "trace");
    }
    let wanted = counts || letters.output.is_some() || !options.is_empty();
    let engine = if counts { EngineName::Stats } else { EngineName::Log };
    let mut all = Vec::new();
    if wanted {
        all.push(EngineSpec { engine, file: letters.output.clone(), options });
    }
    all.append(&mut injections);
    Ok(all)
}

/// The letters that are options of the log.
fn switches(letters: &Letters) -> Vec<Setting> {
    let mut all = Vec::new();
    let mut add = |key: &'static str, value: String, letter: &str| {
        let shown = format!("-{letter} {value}");
        all.push(Setting { key, value: Word::new(value, shown, letter.len() + 2) });
    };
    if let Some(limit) = letters.strings {
        add("s", limit.to_string(), "s");
    }
    match letters.time {
        0 => {}
        1 => add("t", String::new(), "t"),
        2 => add("tt", String::new(), "tt"),
        _ => add("ttt", String::new(), "ttt"),
    }
    for (given, key) in [(letters.relative, "r"), (letters.spent, "T"), (letters.fds, "y")] {
        if given > 0 {
            add(key, String::new(), key);
        }
    }
    all
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// `VAR=VALUE` to set, or `VAR` alone to remove.
#[must_use]
pub fn split_env(text: &OsString) -> (OsString, Option<OsString>) {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let bytes = text.as_bytes();
    match bytes.iter().position(|b| *b == b'=') {
        Some(at) => {
            (OsString::from_vec(bytes[..at].to_vec()), Some(OsString::from_vec(bytes[at + 1..].to_vec())))
        }
        None => (text.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::low;

    fn keys(_: EngineName) -> &'static [&'static str] {
        &["trace", "format", "s", "tt"]
    }

    fn specs(line: &str) -> Result<Vec<EngineSpec>, String> {
        let low = low::parse(line.split(' ').map(OsString::from)).unwrap();
        match HiArgs::resolve(low, keys)? {
            HiArgs::Run(_, specs) | HiArgs::Attach(_, specs) => Ok(specs),
            other => panic!("{other:?}"),
        }
    }

    fn shape(line: &str) -> Vec<String> {
        let show = |spec: EngineSpec| {
            let options = spec.options.iter().map(|o| format!(" {}={}", o.key, o.value.text));
            let file = spec.file.map_or(String::new(), |f| format!("={}", f.display()));
            format!("{}{file}{}", spec.engine.flag(), options.collect::<String>())
        };
        specs(line).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn without_flags_it_logs() {
        assert_eq!(shape("utrace run ls"), ["log"]);
        assert_eq!(shape("utrace run -f ls"), ["log"]);
        assert_eq!(shape("utrace attach -p 1 --stats"), ["stats"]);
    }

    #[test]
    fn letters_are_one_engine_in_front() {
        assert_eq!(
            shape("utrace run --stats=s -o f -tt -e trace=open,close -e inject=read:error=EIO -s 9 ls"),
            ["log=f trace=open,close s=9 tt=", "inject fault=read:error=EIO", "stats=s"]
        );
        assert_eq!(shape("utrace run -e %file ls"), ["log trace=%file"]);
        assert_eq!(shape("utrace run -c -o f -e read -T ls"), ["stats=f trace=read"]);
    }

    #[test]
    fn mistakes_point_at_the_word() {
        let error = specs("utrace run --log=f,tarce=x ls").unwrap_err();
        assert!(error.ends_with("\n    --log=f,tarce=x\n            ^^^^^"), "{error}");
        let error = specs("utrace run -e signal=none ls").unwrap_err();
        assert!(error.ends_with("\n    -e signal=none\n       ^^^^^^"), "{error}");
        let spec = &specs("utrace run --log=f,trace=open,opne ls").unwrap()[0];
        let error = spec.options[0].value.mistake("m", 5..9);
        assert!(error.ends_with("\n    --log=f,trace=open,opne\n                       ^^^^"), "{error}");
    }

    #[test]
    fn environment_words() {
        let split = |text: &str| split_env(&OsString::from(text));
        assert_eq!(split("A=b=c"), ("A".into(), Some("b=c".into())));
        assert_eq!(split("A"), ("A".into(), None));
        assert_eq!(split("A="), ("A".into(), Some("".into())));
    }
}
