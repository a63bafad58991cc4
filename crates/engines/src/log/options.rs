//! The options of the log, as text and as values.
//!
//! Key types: [`LogOptions`]. Neighbours: `choices` has what a value can be, [`crate::spec`] takes the text apart,
//! [`crate::sets`] reads the sets.

use std::path::PathBuf;

use utrace_core::{SignalSet, SyscallSet};

use super::choices::{Format, Mark, Message, Per, Stamp, Status};
use crate::choices::Choices;
use crate::output::Place;
use crate::registry::OptionHelp;
use crate::render::{self, Constants, FdDetail, StringStyle};
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
    /// Only syscalls that touch one of these paths; all if there is none.
    pub paths: Vec<PathBuf>,
    /// Only these signals.
    pub signals: SignalSet,
    /// Only syscalls that ended so.
    pub status: Choices<Status>,
    /// The messages that are left out.
    pub quiet: Choices<Message>,
    /// What stands before each line.
    pub stamp: Stamp,
    /// And after the time.
    pub marks: Choices<Mark>,
    /// Before each line, the time since the one before (`-r`).
    pub relative: bool,
    /// After each syscall, the time spent in it (`-T`).
    pub spent: bool,
    /// Where the `=` of a result stands.
    pub column: usize,
    /// How arguments are shown.
    pub render: render::Options,
    /// The syscalls whose structures are shortened.
    pub abbrev: SyscallSet,
    /// The syscalls whose arguments are numbers only.
    pub raw: SyscallSet,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            place: Place::default(),
            per: Per::default(),
            format: Format::default(),
            trace: SyscallSet::ALL,
            paths: Vec::new(),
            signals: SignalSet::ALL,
            status: Choices::all(),
            quiet: Choices::NONE,
            stamp: Stamp::default(),
            marks: Choices::NONE,
            relative: false,
            spent: false,
            column: RESULT_COLUMN,
            render: render::Options::default(),
            abbrev: SyscallSet::ALL,
            raw: SyscallSet::NONE,
        }
    }
}

/// Where strace puts the `=`.
const RESULT_COLUMN: usize = 40;

/// What [`LogOptions::parse`] takes.
pub const OPTIONS: &[OptionHelp] = &[
    OptionHelp {
        key: "trace",
        value: "SET",
        help: "only these syscalls: names, %class, /regex, !SET, all, none",
    },
    OptionHelp { key: "path", value: "PATH", help: "only syscalls that touch PATH; may be given again" },
    OptionHelp { key: "signal", value: "SET", help: "only these signals: names, numbers, !SET, all, none" },
    OptionHelp {
        key: "status",
        value: "STATUS",
        help: "only syscalls that ended so: successful, failed, unfinished, detached, !…",
    },
    OptionHelp { key: "z", value: "", help: "only syscalls that succeeded" },
    OptionHelp { key: "Z", value: "", help: "only syscalls that failed" },
    OptionHelp { key: "format", value: "text|json", help: "strace's lines, or one JSON object a line" },
    OptionHelp { key: "t", value: "", help: "time of day before each line" },
    OptionHelp { key: "tt", value: "", help: "time of day with microseconds" },
    OptionHelp { key: "ttt", value: "", help: "seconds since the epoch with microseconds" },
    OptionHelp { key: "r", value: "", help: "time since the line before" },
    OptionHelp { key: "T", value: "", help: "time spent in each syscall" },
    OptionHelp { key: "n", value: "", help: "number of the syscall before each line" },
    OptionHelp { key: "i", value: "", help: "instruction pointer before each line" },
    OptionHelp { key: "a", value: "N", help: "column of the results [40]" },
    OptionHelp { key: "s", value: "N", help: "show at most N bytes of a string [32]" },
    OptionHelp { key: "y", value: "", help: "paths of file descriptors" },
    OptionHelp {
        key: "yy",
        value: "",
        help: "and addresses of sockets, numbers of devices, processes of pidfds",
    },
    OptionHelp {
        key: "decode",
        value: "DETAIL",
        help: "of descriptors: path, socket, dev, pidfd, all, none, !…",
    },
    OptionHelp { key: "x", value: "", help: "strings with other than ASCII bytes in hex" },
    OptionHelp { key: "xx", value: "", help: "all strings in hex" },
    OptionHelp { key: "v", value: "", help: "all fields of structures" },
    OptionHelp {
        key: "abbrev",
        value: "SET",
        help: "not all fields of structures, for these syscalls [all]",
    },
    OptionHelp { key: "raw", value: "SET", help: "arguments as numbers, for these syscalls [none]" },
    OptionHelp {
        key: "X",
        value: "raw|abbrev|verbose",
        help: "constants as numbers, names, or both [abbrev]",
    },
    OptionHelp { key: "q", value: "", help: "no messages about who is followed" },
    OptionHelp { key: "qq", value: "", help: "nor about who exited" },
    OptionHelp { key: "qqq", value: "", help: "nor any other" },
    OptionHelp {
        key: "quiet",
        value: "MESSAGE",
        help: "none of attach, exit, personality, thread-execve, all",
    },
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
        options.check().map_err(|message| SpecError::new(message, text.len()..text.len()))?;
        Ok(options)
    }

    /// Whether the options go together.
    ///
    /// # Errors
    /// A message.
    pub fn check(&self) -> Result<(), &'static str> {
        match (self.per, &self.place.file) {
            (Per::Task, None) => Err("`ff` needs a file, for the names of its own"),
            (Per::Task, Some(_)) if self.place.is_command() => {
                Err("a file for each thread and a command to read them do not go together")
            }
            _ => Ok(()),
        }
    }

    /// Sets one option.
    ///
    /// # Errors
    /// A mistake in its value, with its place.
    pub fn set(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        match pair.key {
            "trace" => self.trace = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "path" if pair.value.is_empty() => return Err(pair.wrong("a path is missing")),
            "path" => self.paths.push(pair.value.into()),
            "signal" => self.signals = sets::signals(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "status" => self.status = Choices::parse(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "z" => self.status = Choices::of(&[Status::Successful]),
            "Z" => self.status = Choices::of(&[Status::Failed]),
            "format" => self.format = pair.choose(&[("text", Format::Text), ("json", Format::Json)])?,
            "quiet" => self.quiet = Choices::parse(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "q" => self.quiet = Choices::of(&[Message::Attach, Message::Personality]),
            "qq" => self.quiet = Choices::of(&[Message::Attach, Message::Personality, Message::Exit]),
            "qqq" => self.quiet = Choices::all(),
            "ff" => self.per = Per::Task,
            "append" => self.place.append = true,
            _ => return self.set_look(pair),
        }
        Ok(())
    }

    /// The options that say how a line looks.
    fn set_look(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        match pair.key {
            "t" => self.stamp = Stamp::Seconds,
            "tt" => self.stamp = Stamp::Micros,
            "ttt" => self.stamp = Stamp::Epoch,
            "r" => self.relative = true,
            "T" => self.spent = true,
            "n" => self.marks = self.marks.with(Mark::Number),
            "i" => self.marks = self.marks.with(Mark::Pointer),
            "a" => self.column = pair.number(MAX_COLUMN)? as usize,
            "s" => self.render.string_limit = pair.number(MAX_STRING)? as usize,
            "y" => self.render.fds = Choices::of(&[FdDetail::Path]),
            "yy" => self.render.fds = Choices::all(),
            "decode" => self.render.fds = Choices::parse(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "x" => self.render.strings = StringStyle::HexUnprintable,
            "xx" => self.render.strings = StringStyle::Hex,
            "v" => self.abbrev = SyscallSet::NONE,
            "abbrev" => self.abbrev = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "raw" => self.raw = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "X" => self.render.constants = pair.choose(CONSTANTS)?,
            _ => return Err(pair.wrong(format!("`{}` is not handled", pair.key))),
        }
        Ok(())
    }
}

const CONSTANTS: &[(&str, Constants)] =
    &[("raw", Constants::Raw), ("abbrev", Constants::Names), ("verbose", Constants::Both)];

/// Longest line before a result: what a terminal could have.
const MAX_COLUMN: u64 = 1000;

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
        assert_eq!((got.format, got.stamp, got.per), (Format::Json, Stamp::Micros, Per::Task));
        assert_eq!(got.status, Choices::of(&[Status::Failed]));
        assert!(got.quiet.has(Message::Attach) && !got.quiet.has(Message::Exit));
        assert!(got.relative && got.spent && got.place.append && got.abbrev.is_empty());
        assert_eq!(got.place.file.as_deref(), Some(std::path::Path::new("f")));
        let render = got.render;
        assert_eq!((render.string_limit, render.fds), (7, Choices::of(&[FdDetail::Path])));
        assert_eq!(render.strings, StringStyle::Hex);
    }

    #[test]
    fn the_rarer_options_too() {
        let text = "path=/a,b,path=/c,status=!failed,n,i,a=60,yy,abbrev=none,raw=open,X=raw,quiet=exit";
        let got = LogOptions::parse(text).unwrap();
        assert_eq!(got.paths, [PathBuf::from("/a,b"), PathBuf::from("/c")]);
        assert!(!got.status.has(Status::Failed) && got.status.has(Status::Detached));
        assert!(got.marks.is_all() && got.render.fds.is_all());
        assert_eq!((got.column, got.render.constants), (60, Constants::Raw));
        assert!(got.abbrev.is_empty() && got.raw.contains(2) && !got.raw.contains(3));
        assert_eq!(got.quiet, Choices::of(&[Message::Exit]));
    }

    #[test]
    fn mistakes_inside_a_set_keep_their_place() {
        let text = "f,T,trace=open,opne,close";
        let bad = LogOptions::parse(text).unwrap_err();
        assert_eq!(&text[bad.span], "opne");
        assert_eq!(&"f,s=x"[LogOptions::parse("f,s=x").unwrap_err().span], "x");
        assert_eq!(LogOptions::parse("ff").unwrap_err().span, 2..2);
        assert!(LogOptions::parse("|cat,ff").is_err());
        assert_eq!(&"f,status=faild"[LogOptions::parse("f,status=faild").unwrap_err().span], "faild");
    }
}
