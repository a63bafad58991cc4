//! The flags that strace has too: together they describe one log engine (or a count, or both).
//!
//! Key types: [`Letters`], as clap reads them, and [`Letters::engines`], what they mean. Each is an option of the log
//! or of the counters under another name, so that both ways say the same. Neighbours: [`super::hi`] puts these
//! engines in front of the others. Opens nothing.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use utrace_engines::inject::InjectSpec;
use utrace_engines::log::{LogOptions, Per};
use utrace_engines::output::Place;
use utrace_engines::registry::{self, Spec};
use utrace_engines::sets;
use utrace_engines::spec::{Pair, SpecError};
use utrace_engines::stats::StatsOptions;

use crate::message::pointed;

const LETTERS: &str = "strace's letters (together one more --log, in front)";

/// strace's letters: together they describe one more log engine, in front of the others.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = LETTERS)]
pub struct Letters {
    /// Follow forks: always on, accepted for habit's sake; -ff with -o: a file FILE.TID for each thread
    #[arg(short = 'f', long = "follow-forks", action = ArgAction::Count)]
    pub follow: u8,

    /// With -o, a file FILE.TID for each thread
    #[arg(long, action = ArgAction::Count)]
    pub output_separately: u8,

    /// Log to FILE, or with '|CMD' to a command that reads it
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Add to FILE instead of replacing it
    #[arg(short = 'A', long = "output-append-mode", action = ArgAction::Count)]
    pub append: u8,

    /// A choice: trace=, signal=, status=, quiet=, abbrev=, raw=, decode-fds= with a SET, SET alone (of syscalls),
    /// inject=SET:… or fault=SET:…
    #[arg(short = 'e', value_name = "EXPR", action = ArgAction::Append)]
    pub expr: Vec<String>,

    /// The choices of -e, written out.
    #[command(flatten)]
    pub long: LongChoices,

    /// Only syscalls that touch PATH; may be given again
    #[arg(short = 'P', long = "trace-path", value_name = "PATH", action = ArgAction::Append)]
    pub paths: Vec<String>,

    /// Show at most N bytes of a string (32)
    #[arg(short = 's', long = "string-limit", value_name = "N", allow_negative_numbers = true)]
    pub strings: Option<String>,

    /// Column of the results (40)
    #[arg(short = 'a', long = "columns", value_name = "N", allow_negative_numbers = true)]
    pub column: Option<String>,

    /// Time of day before each line; -tt with microseconds; -ttt seconds since the epoch
    #[arg(short = 't', long = "absolute-timestamps", action = ArgAction::Count)]
    pub time: u8,

    /// Time since the line before
    #[arg(short = 'r', long = "relative-timestamps", action = ArgAction::Count)]
    pub relative: u8,

    /// Time spent in each syscall
    #[arg(short = 'T', long = "syscall-times", action = ArgAction::Count)]
    pub spent: u8,

    /// Number of the syscall before each line
    #[arg(short = 'n', long = "syscall-number", action = ArgAction::Count)]
    pub number: u8,

    /// Instruction pointer before each line
    #[arg(short = 'i', long = "instruction-pointer", action = ArgAction::Count)]
    pub pointer: u8,

    /// Paths of file descriptors; -yy also addresses of sockets, numbers of devices, processes of pidfds
    #[arg(short = 'y', long = "decode-fds", action = ArgAction::Count)]
    pub fds: u8,

    /// Strings with other than ASCII bytes in hex; -xx all strings
    #[arg(short = 'x', long = "strings-in-hex", action = ArgAction::Count)]
    pub hex: u8,

    /// Constants as numbers, names, or both: raw, abbrev, verbose
    #[arg(short = 'X', long = "const-print-style", value_name = "FORMAT")]
    pub constants: Option<String>,

    /// All fields of structures
    #[arg(short = 'v', long = "no-abbrev", action = ArgAction::Count)]
    pub verbose: u8,

    /// Only syscalls that succeeded
    #[arg(short = 'z', long = "successful-only", action = ArgAction::Count, overrides_with = "failed")]
    pub successful: u8,

    /// Only syscalls that failed
    #[arg(short = 'Z', long = "failed-only", action = ArgAction::Count, overrides_with = "successful")]
    pub failed: u8,

    /// No messages about who is attached; -qq nor about who exited; -qqq nor any other
    #[arg(short = 'q', action = ArgAction::Count)]
    pub hush: u8,

    /// The letters of the counters.
    #[command(flatten)]
    pub count: CountLetters,
}

/// What `-e KEY=SET` says, as `--KEY=SET`.
#[derive(Debug, Clone, Default, Args)]
pub struct LongChoices {
    /// As -e trace=SET
    #[arg(long, value_name = "SET")]
    pub trace: Vec<String>,
    /// As -e signal=SET
    #[arg(long, value_name = "SET")]
    pub signal: Vec<String>,
    /// As -e status=SET: successful, failed, unfinished, detached
    #[arg(long, value_name = "SET")]
    pub status: Vec<String>,
    /// As -e quiet=SET: attach, exit, personality, thread-execve; -q without SET
    #[arg(long, value_name = "SET", num_args = 0..=1, require_equals = true,
        default_missing_value = "attach,personality")]
    pub quiet: Vec<String>,
    /// As -e abbrev=SET
    #[arg(long, value_name = "SET")]
    pub abbrev: Vec<String>,
    /// As -e raw=SET
    #[arg(long, value_name = "SET")]
    pub raw: Vec<String>,
    /// As -e fault=SET:…
    #[arg(long, value_name = "SET:…")]
    pub fault: Vec<String>,
}

/// The letters of the counters.
#[derive(Debug, Clone, Default, Args)]
pub struct CountLetters {
    /// Count instead of logging: same as --stats
    #[arg(short = 'c', long = "summary-only", action = ArgAction::Count)]
    pub only: u8,

    /// Count and log
    #[arg(short = 'C', long = "summary", action = ArgAction::Count)]
    pub too: u8,

    /// With -c or -C, time on the clock instead of processor time in the kernel
    #[arg(short = 'w', long = "summary-wall-clock", action = ArgAction::Count)]
    pub wall: u8,

    /// With -c or -C, the order of the rows: time, min-time, max-time, avg-time, calls, errors, name, nothing
    #[arg(short = 'S', long = "summary-sort-by", value_name = "ORDER")]
    pub sort: Option<String>,

    /// With -c or -C, the columns: time-percent, total-time, min-time, max-time, avg-time, calls, errors, name
    #[arg(short = 'U', long = "summary-columns", value_name = "LIST")]
    pub columns: Option<String>,

    /// With -c or -C, time to take off each call for the tracing: microseconds, or with a unit (5us, 1ms)
    #[arg(short = 'O', long = "summary-syscall-overhead", value_name = "TIME")]
    pub overhead: Option<String>,
}

impl Letters {
    /// The engines that the letters ask for: a log if any of its letters was used, a count with `-c` or `-C`, and the
    /// injections of `-e inject=`.
    ///
    /// # Errors
    /// A mistake in a value, shown in its flag.
    pub fn engines(&self) -> Result<Vec<Spec>, String> {
        let mut made = Made::default();
        self.switches(&mut made)?;
        for expr in &self.expr {
            made.expression(expr)?;
        }
        self.long.expressions(&mut made)?;
        let Made { log, mut injections, wanted } = made;
        log.check().map_err(|message| pointed(message, "-ff", 0..3))?;
        let mut all = Vec::new();
        let stats = self.count.engine(&log)?;
        if self.count.only == 0 && (wanted || stats.is_some()) {
            all.push(Spec::Log(log));
        }
        all.extend(stats.map(Spec::Stats));
        all.append(&mut injections);
        Ok(all)
    }

    /// The letters that are options of the log.
    fn switches(&self, made: &mut Made) -> Result<(), String> {
        let level = |count: u8, names: &[&'static str]| {
            usize::from(count).min(names.len()).checked_sub(1).and_then(|at| names.get(at).copied())
        };
        let counted = [
            level(self.time, &["t", "tt", "ttt"]),
            level(self.relative, &["r"]),
            level(self.spent, &["T"]),
            level(self.number, &["n"]),
            level(self.pointer, &["i"]),
            level(self.fds, &["y", "yy"]),
            level(self.hex, &["x", "xx"]),
            level(self.verbose, &["v"]),
            level(self.successful, &["z"]),
            level(self.failed, &["Z"]),
            level(self.hush, &["q", "qq", "qqq"]),
        ];
        for key in counted.into_iter().flatten() {
            made.set(key, "", "-")?;
        }
        let valued = [("s", &self.strings), ("a", &self.column), ("X", &self.constants)];
        for (key, value) in valued {
            if let Some(value) = value {
                made.set(key, value, &format!("-{key} "))?;
            }
        }
        for path in &self.paths {
            made.set("path", path, "-P ")?;
        }
        made.log.place = Place { file: self.output.clone(), append: self.append > 0, ..Place::default() };
        made.wanted |= self.output.is_some();
        if (self.follow > 1 || self.output_separately > 0) && self.output.is_some() && self.count.only == 0 {
            made.log.per = Per::Task;
        }
        Ok(())
    }
}

impl LongChoices {
    fn expressions(&self, made: &mut Made) -> Result<(), String> {
        let all = [
            ("trace", &self.trace),
            ("signal", &self.signal),
            ("status", &self.status),
            ("quiet", &self.quiet),
            ("abbrev", &self.abbrev),
            ("raw", &self.raw),
            ("fault", &self.fault),
        ];
        for (key, values) in all {
            for value in values {
                made.keyed(key, value, &format!("--{key}="))?;
            }
        }
        Ok(())
    }
}

impl CountLetters {
    /// The counters, if they are asked for; they write where the log does, and count what it shows.
    fn engine(&self, log: &LogOptions) -> Result<Option<StatsOptions>, String> {
        if self.only == 0 && self.too == 0 {
            return Ok(None);
        }
        // After a log, the table is added to what the log has written.
        let append = log.place.append || self.only == 0;
        let place = Place {
            file: log.place.file.clone().filter(|_| log.per == Per::Run),
            append,
            ..Place::default()
        };
        let mut stats = StatsOptions { place, trace: log.trace, ..StatsOptions::default() };
        let mut set = |key, value: &str, prefix: &str| {
            stats.set(&Pair { key, value, at: 0 }).map_err(|bad| shown(&bad, prefix, value))
        };
        if self.wall > 0 {
            set("time", "wall", "-w")?;
        }
        let valued = [
            ("sort", &self.sort, "-S "),
            ("columns", &self.columns, "-U "),
            ("overhead", &self.overhead, "-O "),
        ];
        for (key, value, prefix) in valued {
            if let Some(value) = value {
                set(key, value, prefix)?;
            }
        }
        Ok(Some(stats))
    }
}

/// What the letters have made so far.
#[derive(Default)]
struct Made {
    log: LogOptions,
    injections: Vec<Spec>,
    /// Whether anything was said about the log.
    wanted: bool,
}

impl Made {
    /// Sets an option of the log; `prefix` is what stood before its value.
    fn set(&mut self, key: &str, value: &str, prefix: &str) -> Result<(), String> {
        self.wanted = true;
        self.log.set(&Pair { key, value, at: 0 }).map_err(|bad| shown(&bad, prefix, value))
    }

    /// What follows `-e`.
    fn expression(&mut self, expr: &str) -> Result<(), String> {
        match expr.split_once('=') {
            Some((key, value)) if key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-') => {
                self.keyed(key, value, &format!("-e {key}="))
            }
            _ => {
                self.wanted = true;
                self.log.trace = sets::syscalls(expr).map_err(|bad| shown(&bad, "-e ", expr))?;
                Ok(())
            }
        }
    }

    fn keyed(&mut self, key: &str, value: &str, prefix: &str) -> Result<(), String> {
        match key {
            "inject" => self.injections.push(parse("inject", value, prefix)?),
            "fault" => {
                let fault = InjectSpec::parse_fault(value).map_err(|bad| shown(&bad, prefix, value))?;
                self.injections.push(Spec::Inject(fault));
            }
            "trace" | "t" => self.set("trace", value, prefix)?,
            "signal" | "signals" | "s" => self.set("signal", value, prefix)?,
            "status" => self.set("status", value, prefix)?,
            "quiet" | "q" => self.set("quiet", value, prefix)?,
            "abbrev" | "a" => self.set("abbrev", value, prefix)?,
            "raw" | "x" => self.set("raw", value, prefix)?,
            "decode-fds" => self.set("decode", value, prefix)?,
            _ => {
                let message = format!(
                    "`{key}=` is not understood; there are trace=, signal=, status=, quiet=, abbrev=, raw=, \
                     decode-fds=, inject= and fault="
                );
                let start = prefix.len() - key.len() - 1;
                return Err(pointed(&message, &format!("{prefix}{value}"), start..start + key.len()));
            }
        }
        Ok(())
    }
}

/// Reads the value of engine `name`; `prefix` is what stood before it.
///
/// # Errors
/// The message for the user.
pub(super) fn parse(name: &str, value: &str, prefix: &str) -> Result<Spec, String> {
    let kind = registry::find(name).ok_or_else(|| format!("there is no engine `{name}`"))?;
    kind.parse(value).map_err(|bad| shown(&bad, prefix, value))
}

/// The message: what is wrong, the flag again, and carets under the word.
fn shown(bad: &SpecError, prefix: &str, value: &str) -> String {
    let at = prefix.len();
    pointed(&bad.to_string(), &format!("{prefix}{value}"), bad.span.start + at..bad.span.end + at)
}
