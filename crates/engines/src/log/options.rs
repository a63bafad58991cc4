//! The options of the log, as text and as values.
//!
//! Key types: [`LogOptions`]. Neighbours: [`crate::spec`] takes the text apart, [`crate::sets`] reads the sets.

use utrace_core::{SignalSet, SyscallSet};

use crate::output::Place;
use crate::registry::OptionHelp;
use crate::render::{self, Detail, FdStyle, StringStyle};
use crate::sets;
use crate::spec::{self, Pair, SpecError};

/// What the log shows and how.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// Where to.
    pub place: Place,
    /// One file, or one for each task.
    pub per: Per,
    /// Text or JSON.
    pub format: Format,
    /// Only these syscalls.
    pub trace: SyscallSet,
    /// Only these signals.
    pub signals: SignalSet,
    /// Only syscalls that ended so.
    pub show: Show,
    /// Which messages are left out.
    pub quiet: Quiet,
    /// What stands before each line.
    pub stamp: Stamp,
    /// Before each line, the time since the one before (`-r`).
    pub relative: bool,
    /// After each syscall, the time spent in it (`-T`).
    pub spent: bool,
    /// How arguments are shown.
    pub render: render::Options,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            place: Place::default(),
            per: Per::default(),
            format: Format::default(),
            trace: SyscallSet::ALL,
            signals: SignalSet::ALL,
            show: Show::default(),
            quiet: Quiet::default(),
            stamp: Stamp::default(),
            relative: false,
            spent: false,
            render: render::Options::default(),
        }
    }
}

/// How the log is spread over files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// All in one.
    #[default]
    Run,
    /// `FILE.TID` for each task, as `strace -ff`.
    Task,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As strace's.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Which syscalls are shown, by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// All.
    #[default]
    All,
    /// Those that succeeded (`-z`).
    Successful,
    /// Those that failed (`-Z`).
    Failed,
}

/// Which messages are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Quiet {
    /// None.
    #[default]
    No,
    /// Who is followed and who is let go (`-q`).
    Attach,
    /// And who exited, unless by a signal (`-qq`).
    Exit,
}

/// The time before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamp {
    /// None.
    #[default]
    None,
    /// Time of day (`-t`).
    Seconds,
    /// Time of day with microseconds (`-tt`).
    Micros,
    /// Seconds since the epoch with microseconds (`-ttt`).
    Epoch,
}

/// What [`LogOptions::parse`] takes.
pub const OPTIONS: &[OptionHelp] = &[
    OptionHelp {
        key: "trace",
        value: "SET",
        help: "only these syscalls: names, %class, /regex, !SET, all, none",
    },
    OptionHelp { key: "signal", value: "SET", help: "only these signals: names, numbers, !SET, all, none" },
    OptionHelp { key: "format", value: "text|json", help: "strace's lines, or one JSON object a line" },
    OptionHelp { key: "t", value: "", help: "time of day before each line" },
    OptionHelp { key: "tt", value: "", help: "time of day with microseconds" },
    OptionHelp { key: "ttt", value: "", help: "seconds since the epoch with microseconds" },
    OptionHelp { key: "r", value: "", help: "time since the line before" },
    OptionHelp { key: "T", value: "", help: "time spent in each syscall" },
    OptionHelp { key: "s", value: "N", help: "show at most N bytes of a string [32]" },
    OptionHelp { key: "y", value: "", help: "paths of file descriptors" },
    OptionHelp { key: "x", value: "", help: "strings with other than ASCII bytes in hex" },
    OptionHelp { key: "xx", value: "", help: "all strings in hex" },
    OptionHelp { key: "v", value: "", help: "all fields of structures" },
    OptionHelp { key: "z", value: "", help: "only syscalls that succeeded" },
    OptionHelp { key: "Z", value: "", help: "only syscalls that failed" },
    OptionHelp { key: "q", value: "", help: "no messages about who is followed" },
    OptionHelp { key: "qq", value: "", help: "nor about who exited" },
    OptionHelp { key: "ff", value: "", help: "a file FILE.TID for each thread" },
    OptionHelp { key: "append", value: "", help: "add to the file instead of replacing it" },
];

impl LogOptions {
    /// Reads the value of a `--log` flag.
    ///
    /// # Errors
    /// A mistake, with its place.
    pub fn parse(text: &str) -> Result<LogOptions, SpecError> {
        let value = spec::split(text, OPTIONS)?;
        let mut options = LogOptions::default();
        options.place.file = value.file.map(Into::into);
        for pair in &value.pairs {
            options.set(pair)?;
        }
        if options.per == Per::Task && options.place.file.is_none() {
            return Err(SpecError::new(
                "`ff` needs a file, for the names of its own",
                text.len()..text.len(),
            ));
        }
        Ok(options)
    }

    fn set(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        match pair.key {
            "trace" => self.trace = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "signal" => self.signals = sets::signals(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "format" => self.format = pair.choose(&[("text", Format::Text), ("json", Format::Json)])?,
            "t" => self.stamp = Stamp::Seconds,
            "tt" => self.stamp = Stamp::Micros,
            "ttt" => self.stamp = Stamp::Epoch,
            "r" => self.relative = true,
            "T" => self.spent = true,
            "s" => self.render.string_limit = pair.number(MAX_STRING)? as usize,
            "y" => self.render.fds = FdStyle::Path,
            "x" => self.render.strings = StringStyle::HexUnprintable,
            "xx" => self.render.strings = StringStyle::Hex,
            "v" => self.render.detail = Detail::Full,
            "z" => self.show = Show::Successful,
            "Z" => self.show = Show::Failed,
            "q" => self.quiet = Quiet::Attach,
            "qq" => self.quiet = Quiet::Exit,
            "ff" => self.per = Per::Task,
            "append" => self.place.append = true,
            _ => return Err(pair.wrong(format!("`{}` is not handled", pair.key))),
        }
        Ok(())
    }
}

/// What a string may take of a line: a bound on memory, not on use.
const MAX_STRING: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_does_something() {
        let got = LogOptions::parse("f,trace=%file,signal=!CHLD,format=json,tt,r,T,s=7,y,xx,v,Z,q,ff,append")
            .unwrap();
        assert!(got.trace.contains(257) && !got.trace.contains(0));
        assert!(!got.signals.contains(17) && got.signals.contains(2));
        assert_eq!(
            (got.format, got.stamp, got.show, got.per),
            (Format::Json, Stamp::Micros, Show::Failed, Per::Task)
        );
        assert_eq!(got.quiet, Quiet::Attach);
        assert!(got.relative && got.spent && got.place.append);
        assert_eq!(got.place.file.as_deref(), Some(std::path::Path::new("f")));
        let render = got.render;
        assert_eq!((render.string_limit, render.fds), (7, FdStyle::Path));
        assert_eq!((render.strings, render.detail), (StringStyle::Hex, Detail::Full));
    }

    #[test]
    fn mistakes_inside_a_set_keep_their_place() {
        let text = "f,T,trace=open,opne,close";
        let bad = LogOptions::parse(text).unwrap_err();
        assert_eq!(&text[bad.span], "opne");
        assert_eq!(&"f,s=x"[LogOptions::parse("f,s=x").unwrap_err().span], "x");
        assert_eq!(LogOptions::parse("ff").unwrap_err().span, 2..2);
    }
}
