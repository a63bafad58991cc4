//! The engines by name: what each is, which options it has, and the way from text to a running tool.
//!
//! Key types: [`EngineKind`], [`OptionHelp`], [`Spec`]. [`all`] is the one table from which `utrace engines`, the
//! completions and the error messages are made; a test checks it against the parsers.
//!
//! Opens no file before [`Spec::open`].

use crate::inject::{Inject, InjectSpec};
use crate::log::{Log, LogOptions};
use crate::output::{Opener, Place};
use crate::ptrace::Ptrace;
use crate::spec::SpecError;
use crate::stats::{Stats, StatsOptions};
use crate::tool::{OpenError, Tool};

/// One option of an engine, for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionHelp {
    /// The key.
    pub key: &'static str,
    /// The syntax of what follows `=`; empty for a switch, which stands alone.
    pub value: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
}

impl OptionHelp {
    /// Whether it stands alone, without `=VALUE`.
    #[must_use]
    pub const fn is_switch(&self) -> bool {
        self.value.is_empty()
    }
}

/// One kind of engine.
#[derive(Debug)]
pub struct EngineKind {
    /// Its name, and the name of its flag.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The syntax of its flag's value.
    pub value: &'static str,
    /// Its options.
    pub options: &'static [OptionHelp],
    /// What else a user must know, a line each.
    pub notes: &'static [&'static str],
    parse: fn(&str) -> Result<Spec, SpecError>,
}

impl EngineKind {
    /// Reads a flag's value; `""` for a flag without one. Touches nothing outside.
    ///
    /// # Errors
    /// A mistake in the text, with its place.
    pub fn parse(&self, value: &str) -> Result<Spec, SpecError> {
        (self.parse)(value)
    }
}

/// A tool as it was asked for, with nothing opened yet.
#[derive(Debug, Clone)]
pub enum Spec {
    /// The syscall log.
    Log(LogOptions),
    /// The counters.
    Stats(StatsOptions),
    /// The fault injection.
    Inject(InjectSpec),
    /// ptrace(2) inside the tree.
    Ptrace,
}

impl Spec {
    /// Where it writes; `None` for what writes nothing.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Spec::Log(options) => Some(&options.place),
            Spec::Stats(options) => Some(&options.place),
            Spec::Inject(_) | Spec::Ptrace => None,
        }
    }

    /// The same with its output opened by `by`.
    #[must_use]
    pub fn opened_by(mut self, by: &Opener) -> Spec {
        match &mut self {
            Spec::Log(options) => options.place.by = by.clone(),
            Spec::Stats(options) => options.place.by = by.clone(),
            Spec::Inject(_) | Spec::Ptrace => {}
        }
        self
    }

    /// Opens its files and makes the tool.
    ///
    /// # Errors
    /// An output file cannot be opened.
    pub fn open(self) -> Result<Box<dyn Tool>, OpenError> {
        Ok(match self {
            Spec::Log(options) => Box::new(Log::open(options)?),
            Spec::Stats(options) => Box::new(Stats::open(options)?),
            Spec::Inject(spec) => Box::new(Inject::new(spec)),
            Spec::Ptrace => Box::new(Ptrace::new()),
        })
    }
}

static ALL: [EngineKind; 3] = [
    EngineKind {
        name: "log",
        summary: "writes syscalls, signals and exits in strace's format",
        value: "[FILE][,KEY=VALUE…]",
        options: crate::log::OPTIONS,
        notes: crate::log::NOTES,
        parse: |value| LogOptions::parse(value).map(Spec::Log),
    },
    EngineKind {
        name: "stats",
        summary: "counts syscalls, errors and time, as strace -c",
        value: "[FILE][,KEY=VALUE…]",
        options: crate::stats::OPTIONS,
        notes: crate::stats::NOTES,
        parse: |value| StatsOptions::parse(value).map(Spec::Stats),
    },
    EngineKind {
        name: "inject",
        summary: "tampers with syscalls, as strace --inject",
        value: "SET[:KEY=VALUE…]",
        options: crate::inject::OPTIONS,
        notes: crate::inject::NOTES,
        parse: |value| InjectSpec::parse(value).map(Spec::Inject),
    },
];

/// Every kind of engine.
#[must_use]
pub fn all() -> &'static [EngineKind] {
    &ALL
}

/// The kind of engine with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static EngineKind> {
    ALL.iter().find(|kind| kind.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that the parser must take, by the syntax that help shows.
    fn sample(syntax: &str) -> &str {
        match syntax {
            "SET" => "all",
            "ORDER" => "time",
            "STATUS" | "MESSAGE" | "DETAIL" => "all",
            "LIST" => "calls",
            "PATH" => "/etc/passwd",
            "N" | "VALUE" | "TIME" | "FIRST[..LAST][+[STEP]]" => "1",
            "ERRNO" => "ENOENT",
            "SIG" => "SIGUSR1",
            choices => choices.split('|').next().unwrap_or_default(),
        }
    }

    #[test]
    fn every_option_that_help_shows_is_parsed() {
        for kind in all() {
            for option in kind.options {
                let text = match (kind.name, option.is_switch()) {
                    ("inject", _) => format!("getuid:{}={}:delay_exit=1", option.key, sample(option.value)),
                    (_, true) => format!("file,{}", option.key),
                    (_, false) => format!("file,{}={}", option.key, sample(option.value)),
                };
                let text = text.replace("delay_exit=1:delay_exit=1", "delay_exit=1");
                assert!(kind.parse(&text).is_ok(), "{text}: {:?}", kind.parse(&text));
            }
        }
    }

    #[test]
    fn every_choice_that_help_shows_is_parsed() {
        for kind in all().iter().filter(|kind| kind.name != "inject") {
            for option in kind.options.iter().filter(|option| option.value.contains('|')) {
                for choice in option.value.split('|') {
                    let text = format!("{}={choice}", option.key);
                    assert!(kind.parse(&text).is_ok(), "{text}");
                }
            }
        }
    }

    #[test]
    fn notes_fit_on_a_terminal() {
        for note in all().iter().flat_map(|kind| kind.notes) {
            assert!(note.chars().count() <= 98, "{note}");
        }
    }

    #[test]
    fn names_are_found_and_differ() {
        for kind in all() {
            assert!(std::ptr::eq(find(kind.name).unwrap(), kind));
        }
        assert!(find("nosuch").is_none());
    }
}
