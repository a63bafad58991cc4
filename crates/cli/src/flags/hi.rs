//! From what was said to what is to be done: [`HiArgs`].
//!
//! Key types: [`HiArgs`]. Neighbours: [`super::low`] parsed the flags; the engines' own
//! [`registry`] reads their values; [`crate::tools`] opens what comes out; `run` and
//! `attach` do the rest. Checks what can be checked without opening, starting or attaching to anything.

use std::ffi::OsString;

use utrace_engines::inject::InjectSpec;
use utrace_engines::log::{LogOptions, Per, Quiet, Show, Stamp};
use utrace_engines::registry::{self, Spec};
use utrace_engines::render::{Detail, FdStyle, StringStyle};
use utrace_engines::sets;
use utrace_engines::spec::SpecError;
use utrace_engines::stats::{Clock, StatsOptions};

use super::low::{EngineFlag, LowArgs};
use super::{AttachArgs, Command, Letters, RunArgs};
use crate::message::pointed;

/// What to do. Engines are in the order in which they are to be attached.
#[derive(Debug)]
pub enum HiArgs {
    /// Launch and trace.
    Run(RunArgs, Vec<Spec>),
    /// Trace what runs.
    Attach(AttachArgs, Vec<Spec>),
    /// List the engines.
    Engines,
    /// Print completions.
    Completions(clap_complete::Shell),
    /// Print the man page.
    Man,
}

impl HiArgs {
    /// Resolves the command line.
    ///
    /// # Errors
    /// A message for the user: a mistake in an engine's value, shown in its flag.
    pub fn resolve(low: LowArgs) -> Result<HiArgs, String> {
        let engines = || engines(&low.engines, &low.letters);
        Ok(match low.command {
            Command::Run(run) => HiArgs::Run(run, engines()?),
            Command::Attach(attach) => HiArgs::Attach(attach, engines()?),
            Command::Engines => HiArgs::Engines,
            Command::Completions { shell } => HiArgs::Completions(shell),
            Command::Man => HiArgs::Man,
        })
    }
}

fn engines(flags: &[EngineFlag], letters: &Letters) -> Result<Vec<Spec>, String> {
    let mut all = from_letters(letters)?;
    for flag in flags {
        let name = flag.engine.flag();
        let prefix = format!("--{name}=");
        all.push(parse(name, &flag.value, &prefix)?);
    }
    if all.is_empty() {
        all.push(Spec::Log(LogOptions::default()));
    }
    Ok(all)
}

/// Reads the value of engine `name`; `prefix` is what stood before it.
fn parse(name: &str, value: &str, prefix: &str) -> Result<Spec, String> {
    let kind = registry::find(name).ok_or_else(|| format!("there is no engine `{name}`"))?;
    kind.parse(value).map_err(|bad| shown(&bad, prefix, value))
}

/// The message: what is wrong, the flag again, and carets under the word.
fn shown(bad: &SpecError, prefix: &str, value: &str) -> String {
    let at = prefix.len();
    pointed(&bad.to_string(), &format!("{prefix}{value}"), bad.span.start + at..bad.span.end + at)
}

/// What strace's letters describe: one log (or, with `-c`, a count) if any was used, and the injections of
/// `-e inject=`.
fn from_letters(letters: &Letters) -> Result<Vec<Spec>, String> {
    let mut log = LogOptions::default();
    let mut injections = Vec::new();
    let mut wanted = set_switches(&mut log, letters);
    for expr in &letters.expr {
        match expr.split_once('=') {
            Some(("inject", value)) => {
                injections.push(parse("inject", value, "-e inject=")?);
                continue;
            }
            Some(("fault", value)) => {
                let fault = InjectSpec::parse_fault(value).map_err(|bad| shown(&bad, "-e fault=", value))?;
                injections.push(Spec::Inject(fault));
                continue;
            }
            Some((key @ ("trace" | "t"), set)) => log.trace = set_of(sets::syscalls(set), key, set)?,
            Some((key @ ("signal" | "signals" | "s"), set)) => {
                log.signals = set_of(sets::signals(set), key, set)?;
            }
            Some((key, _)) if key.bytes().all(|b| b.is_ascii_alphabetic()) => {
                let message = format!("`-e {key}=` is not understood; there are trace=, signal= and inject=");
                return Err(pointed(&message, &format!("-e {expr}"), 3..3 + key.len()));
            }
            _ => log.trace = sets::syscalls(expr).map_err(|bad| shown(&bad, "-e ", expr))?,
        }
        wanted = true;
    }
    let mut all = Vec::new();
    if letters.count > 0 {
        let clock = if letters.wall > 0 { Clock::Wall } else { Clock::default() };
        let (place, trace) = (log.place, log.trace);
        all.push(Spec::Stats(StatsOptions { place, trace, clock, ..StatsOptions::default() }));
    } else if wanted {
        all.push(Spec::Log(log));
    }
    all.append(&mut injections);
    Ok(all)
}

fn set_of<T>(result: Result<T, SpecError>, key: &str, set: &str) -> Result<T, String> {
    result.map_err(|bad| shown(&bad, &format!("-e {key}="), set))
}

/// The letters that are options of the log; whether there were any.
fn set_switches(log: &mut LogOptions, letters: &Letters) -> bool {
    log.place.file.clone_from(&letters.output);
    if let Some(limit) = letters.strings {
        log.render.string_limit = usize::try_from(limit).unwrap_or(usize::MAX);
    }
    log.stamp = match letters.time {
        0 => Stamp::None,
        1 => Stamp::Seconds,
        2 => Stamp::Micros,
        _ => Stamp::Epoch,
    };
    log.relative = letters.relative > 0;
    log.spent = letters.spent > 0;
    if letters.fds > 0 {
        log.render.fds = FdStyle::Path;
    }
    if letters.verbose > 0 {
        log.render.detail = Detail::Full;
    }
    log.render.strings = match letters.hex {
        0 => StringStyle::Escaped,
        1 => StringStyle::HexUnprintable,
        _ => StringStyle::Hex,
    };
    log.show = match (letters.successful, letters.failed) {
        (0, 0) => Show::All,
        (_, 0) => Show::Successful,
        _ => Show::Failed,
    };
    log.quiet = match letters.quiet {
        0 => Quiet::No,
        1 => Quiet::Attach,
        _ => Quiet::Exit,
    };
    if letters.follow > 1 && letters.output.is_some() {
        log.per = Per::Task;
    }
    let shape = [letters.time, letters.relative, letters.spent, letters.fds, letters.verbose, letters.hex];
    let choice = [letters.successful, letters.failed, letters.quiet];
    letters.output.is_some()
        || letters.strings.is_some()
        || shape.iter().chain(&choice).any(|count| *count > 0)
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

    fn specs(line: &str) -> Result<Vec<Spec>, String> {
        let low = low::parse(line.split(' ').map(OsString::from)).unwrap();
        match HiArgs::resolve(low)? {
            HiArgs::Run(_, specs) | HiArgs::Attach(_, specs) => Ok(specs),
            other => panic!("{other:?}"),
        }
    }

    /// Engine and file of each.
    fn shape(line: &str) -> Vec<String> {
        let show = |spec: Spec| match spec {
            Spec::Log(o) => format!("log {:?}", o.place.file.unwrap_or_default()),
            Spec::Stats(o) => format!("stats {:?}", o.place.file.unwrap_or_default()),
            Spec::Inject(_) => "inject".to_owned(),
        };
        specs(line).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn without_flags_it_logs() {
        assert_eq!(shape("utrace run ls"), [r#"log """#]);
        assert_eq!(shape("utrace run -f ls"), [r#"log """#]);
        assert_eq!(shape("utrace attach -p 1 --stats"), [r#"stats """#]);
    }

    #[test]
    fn letters_are_one_engine_in_front() {
        assert_eq!(
            shape("utrace run --stats=s -o f -tt -e trace=open,close -e inject=read:error=EIO -s 9 ls"),
            [r#"log "f""#, "inject", r#"stats "s""#]
        );
        assert_eq!(shape("utrace run -c -o f -e read -T ls"), [r#"stats "f""#]);
        assert_eq!(shape("utrace run -e inject=read:error=EIO ls"), ["inject"]);
        assert_eq!(shape("utrace run -e fault=read:when=2 ls"), ["inject"], "ENOSYS unless said");
    }

    #[test]
    fn letters_mean_what_the_options_mean() {
        let letters = specs("utrace run -o f -tt -T -r -y -s 9 -e trace=%file ls").unwrap();
        let flag = specs("utrace run --log=f,tt,T,r,y,s=9,trace=%file ls").unwrap();
        assert_eq!(format!("{letters:?}"), format!("{flag:?}"));
    }

    #[test]
    fn mistakes_point_at_the_word() {
        let error = specs("utrace run --log=f,tarce=x ls").unwrap_err();
        assert!(error.ends_with("\n    --log=f,tarce=x\n            ^^^^^"), "{error}");
        let error = specs("utrace run -e verbose=none ls").unwrap_err();
        assert!(error.ends_with("\n    -e verbose=none\n       ^^^^^^^"), "{error}");
        let error = specs("utrace run -e trace=open,opne ls").unwrap_err();
        assert!(error.ends_with("\n    -e trace=open,opne\n                  ^^^^"), "{error}");
    }

    #[test]
    fn environment_words() {
        let split = |text: &str| split_env(&OsString::from(text));
        assert_eq!(split("A=b=c"), ("A".into(), Some("b=c".into())));
        assert_eq!(split("A"), ("A".into(), None));
        assert_eq!(split("A="), ("A".into(), Some("".into())));
    }

    #[test]
    fn each_letter_is_an_option_of_the_log() {
        let specs = specs("utrace run -ff -o f -xx -v -z -q -tt -r -T -y ls").unwrap();
        let [Spec::Log(log)] = &specs[..] else { panic!("{specs:?}") };
        assert_eq!(
            (log.per, log.show, log.quiet, log.stamp),
            (Per::Task, Show::Successful, Quiet::Attach, Stamp::Micros)
        );
        assert!(log.relative && log.spent);
        let render = &log.render;
        assert_eq!(
            (render.strings, render.detail, render.fds),
            (StringStyle::Hex, Detail::Full, FdStyle::Path)
        );
    }
}
