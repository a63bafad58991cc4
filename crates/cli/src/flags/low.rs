//! From arguments to what was said: [`LowArgs`], with the engine flags in the order in which they stood.
//!
//! Key types: [`LowArgs`], [`EngineFlag`]. Neighbours: the definitions in [`super`], their meaning
//! in [`super::hi`]. Looks at nothing but its arguments.

use std::ffi::OsString;

use clap::parser::ArgMatches;
use clap::{CommandFactory as _, FromArgMatches as _};

use super::{Cli, Command, EngineArgs};

/// What the command line said, not yet checked for meaning.
#[derive(Debug)]
pub struct LowArgs {
    /// The subcommand with its own flags.
    pub command: Command,
    /// The engine flags of `run` and `attach`, in command-line order.
    pub engines: Vec<EngineFlag>,
}

/// One engine flag as it stood there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFlag {
    /// The engine.
    pub engine: EngineName,
    /// What followed `=`, or nothing.
    pub value: String,
}

/// The engines that the command line can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineName {
    /// The syscall log.
    Log,
    /// The counters.
    Stats,
    /// The fault injection.
    Inject,
}

impl EngineName {
    /// The flag without its dashes.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            EngineName::Log => "log",
            EngineName::Stats => "stats",
            EngineName::Inject => "inject",
        }
    }
}

/// The process ids of one `-p`.
pub type Pids = Vec<i32>;

/// Reads `PID`, `PID,PID` or `PID PID`, as pidof(1) prints it.
///
/// # Errors
/// What is no process id.
pub fn pids(text: &str) -> Result<Pids, String> {
    let words = text.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
    let pids: Pids = words
        .map(|word| match word.parse() {
            Ok(pid) if pid > 0 => Ok(pid),
            _ => Err(format!("{word} is no process id")),
        })
        .collect::<Result<_, _>>()?;
    if pids.is_empty() { Err("a process id is missing".to_owned()) } else { Ok(pids) }
}

/// Parses a command line, program name first.
///
/// # Errors
/// What clap has to say: a mistake, or the help or version that was asked for.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<LowArgs, clap::Error> {
    let mut definition = Cli::command();
    let mut matches = definition.try_get_matches_from_mut(args)?;
    let engines = match matches.subcommand() {
        Some(("run" | "attach", sub)) => in_order(sub),
        _ => Vec::new(),
    };
    let command = Cli::from_arg_matches_mut(&mut matches).map_err(|e| e.format(&mut definition))?.command;
    Ok(LowArgs { command, engines })
}

/// The engine flags by their place on the command line, which clap keeps apart for each flag. For subcommands
/// that have these flags only: clap panics when it is asked for a flag that is not defined.
fn in_order(matches: &ArgMatches) -> Vec<EngineFlag> {
    let mut all = Vec::new();
    for engine in [EngineName::Log, EngineName::Stats, EngineName::Inject] {
        let name = engine.flag();
        let places = matches.indices_of(name).into_iter().flatten();
        let values = matches.get_many::<String>(name).into_iter().flatten();
        all.extend(places.zip(values).map(|(at, value)| (at, EngineFlag { engine, value: value.clone() })));
    }
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, flag)| flag).collect()
}

impl EngineArgs {
    /// Whether any engine flag was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.log.is_empty() && self.stats.is_empty() && self.inject.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn low(line: &[&str]) -> LowArgs {
        parse(line.iter().map(OsString::from)).unwrap()
    }

    fn flags(line: &[&str]) -> Vec<(&'static str, String)> {
        low(line).engines.into_iter().map(|f| (f.engine.flag(), f.value)).collect()
    }

    #[test]
    fn definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn engine_flags_keep_their_order() {
        let got = flags(&[
            "utrace",
            "run",
            "--stats",
            "--log=a,trace=%file",
            "--inject",
            "openat:error=ENOENT",
            "--log",
            "--inject=read:retval=0",
            "--stats=/dev/null",
            "--",
            "ls",
            "--log=x",
        ]);
        let want = [
            ("stats", ""),
            ("log", "a,trace=%file"),
            ("inject", "openat:error=ENOENT"),
            ("log", ""),
            ("inject", "read:retval=0"),
            ("stats", "/dev/null"),
        ];
        assert_eq!(got, want.map(|(f, v)| (f, v.to_owned())));
    }

    #[test]
    fn log_takes_its_value_only_with_an_equals_sign() {
        let low = low(&["utrace", "run", "--log", "ls", "-l"]);
        let Command::Run(run) = &low.command else { panic!("{low:?}") };
        assert_eq!(run.command, ["ls", "-l"]);
        assert_eq!(low.engines[0].value, "");
    }

    #[test]
    fn the_program_keeps_its_own_flags() {
        let low = low(&["utrace", "run", "ls", "--log", "-f", "--", "-p"]);
        let Command::Run(run) = &low.command else { panic!("{low:?}") };
        assert_eq!(run.command, ["ls", "--log", "-f", "--", "-p"]);
        assert!(low.engines.is_empty());
        assert_eq!(run.engines.letters.follow, 0);
    }

    #[test]
    fn pids_come_as_a_list_or_again() {
        let low = low(&["utrace", "attach", "-p", "1,2", "-p3", "--stats"]);
        let Command::Attach(attach) = &low.command else { panic!("{low:?}") };
        assert_eq!(attach.pids.concat(), [1, 2, 3]);
        assert_eq!(pids("7 8\n9").unwrap(), [7, 8, 9], "as pidof prints them");
        for bad in ["", " ", "0", "-1", "x", "99999999999"] {
            assert!(parse(["utrace", "attach", "-p", bad].map(OsString::from)).is_err(), "{bad}");
        }
        assert!(parse(["utrace", "attach"].map(OsString::from)).is_err());
    }

    #[test]
    fn commands_without_engines_have_none() {
        assert!(low(&["utrace", "engines"]).engines.is_empty());
    }
}
