//! The options of the counters, as text and as values.
//!
//! Key types: [`StatsOptions`]. Neighbours: [`crate::spec`] takes the text apart, [`crate::sets`] reads the set.

use std::time::Duration;

use utrace_core::SyscallSet;

use crate::output::Place;
use crate::registry::OptionHelp;
use crate::sets;
use crate::spec::{self, Pair, SpecError};

/// What is counted and how it is shown.
#[derive(Debug, Clone)]
pub struct StatsOptions {
    /// Where to.
    pub place: Place,
    /// Only these syscalls.
    pub trace: SyscallSet,
    /// Which time.
    pub clock: Clock,
    /// The order of the rows.
    pub sort: Sort,
    /// What each row has, from the left. The name comes last if it is not among them.
    pub columns: Vec<Column>,
    /// Taken off each call, for the time that the tracing takes.
    pub overhead: Duration,
    /// One table, or one for each process.
    pub per: Per,
}

impl Default for StatsOptions {
    fn default() -> StatsOptions {
        StatsOptions {
            place: Place::default(),
            trace: SyscallSet::ALL,
            clock: Clock::default(),
            sort: Sort::default(),
            columns: COLUMNS.to_vec(),
            overhead: Duration::ZERO,
            per: Per::default(),
        }
    }
}

/// Which time is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// Processor time inside the kernel, as `strace -c`; wall time where the host cannot tell it.
    #[default]
    System,
    /// Time on the clock, as `strace -c -w`.
    Wall,
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Most time first.
    #[default]
    Time,
    /// Longest shortest call first.
    Shortest,
    /// Longest call first.
    Longest,
    /// Most time a call first.
    Average,
    /// Most calls first.
    Calls,
    /// Most errors first.
    Errors,
    /// By name.
    Name,
    /// By number.
    Nothing,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Its part of all time.
    Percent,
    /// Its time, in seconds.
    Total,
    /// Its shortest call, in seconds.
    Shortest,
    /// Its longest call, in seconds.
    Longest,
    /// Time for each call, in microseconds.
    Average,
    /// How many calls.
    Calls,
    /// How many of them failed.
    Errors,
    /// The syscall's name.
    Name,
}

/// strace's columns, unless others are asked for.
pub(super) const COLUMNS: &[Column] =
    &[Column::Percent, Column::Total, Column::Average, Column::Calls, Column::Errors, Column::Name];

/// How tables are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// One table.
    #[default]
    Run,
    /// One for each process, and one for all.
    Process,
}

/// What [`StatsOptions::parse`] takes.
pub const OPTIONS: &[OptionHelp] = &[
    OptionHelp {
        key: "trace",
        value: "SET",
        help: "only these syscalls: names, %class, /regex, !SET, all, none",
    },
    OptionHelp {
        key: "time",
        value: "system|wall",
        help: "processor time in the kernel, or time on the clock [system]",
    },
    OptionHelp {
        key: "sort",
        value: "ORDER",
        help: "of rows: time, min-time, max-time, avg-time, calls, errors, name, nothing",
    },
    OptionHelp { key: "columns", value: "LIST", help: "what each row has, from the left (below)" },
    OptionHelp { key: "overhead", value: "TIME", help: "taken off each call: microseconds, or 5us, 1ms [0]" },
    OptionHelp { key: "per", value: "run|process", help: "one table, or one for each process too [run]" },
    OptionHelp { key: "append", value: "", help: "add to the file instead of replacing it" },
];

impl StatsOptions {
    /// Reads the value of a `--stats` flag.
    ///
    /// # Errors
    /// A mistake, with its place.
    pub fn parse(text: &str) -> Result<StatsOptions, SpecError> {
        let value = spec::split(text, OPTIONS)?;
        let mut options = StatsOptions::default();
        options.place.file = value.file.map(Into::into);
        for pair in &value.pairs {
            options.set(pair)?;
        }
        Ok(options)
    }

    /// Sets one option.
    ///
    /// # Errors
    /// A mistake in its value, with its place.
    pub fn set(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        match pair.key {
            "trace" => self.trace = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "time" => self.clock = pair.choose(&[("system", Clock::System), ("wall", Clock::Wall)])?,
            "sort" => self.sort = pair.choose(SORTS)?,
            "columns" => self.columns = columns(pair)?,
            "overhead" => {
                let time = spec::duration(pair.value);
                let message = "a time is microseconds, or a number with s, ms, us or ns";
                self.overhead = time.ok_or_else(|| pair.wrong(message))?;
            }
            "per" => self.per = pair.choose(&[("run", Per::Run), ("process", Per::Process)])?,
            "append" => self.place.append = true,
            _ => return Err(pair.wrong(format!("`{}` is not handled", pair.key))),
        }
        Ok(())
    }
}

const SORTS: &[(&str, Sort)] = &[
    ("time", Sort::Time),
    ("min-time", Sort::Shortest),
    ("max-time", Sort::Longest),
    ("avg-time", Sort::Average),
    ("avg", Sort::Average),
    ("calls", Sort::Calls),
    ("errors", Sort::Errors),
    ("name", Sort::Name),
    ("nothing", Sort::Nothing),
];

const COLUMN_NAMES: &[(&str, Column)] = &[
    ("time-percent", Column::Percent),
    ("total-time", Column::Total),
    ("min-time", Column::Shortest),
    ("max-time", Column::Longest),
    ("avg-time", Column::Average),
    ("calls", Column::Calls),
    ("errors", Column::Errors),
    ("name", Column::Name),
];

/// A list of different columns; the name is added where it is missing.
fn columns(pair: &Pair<'_>) -> Result<Vec<Column>, SpecError> {
    let mut all = Vec::new();
    let mut at = pair.at;
    for word in pair.value.split(',') {
        let column = Pair { key: pair.key, value: word, at }.choose(COLUMN_NAMES)?;
        if all.contains(&column) {
            return Err(SpecError::new(format!("the column {word} is there already"), at..at + word.len()));
        }
        all.push(column);
        at += word.len() + 1;
    }
    if !all.contains(&Column::Name) {
        all.push(Column::Name);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{COLUMN_NAMES, Column, OPTIONS, SORTS, StatsOptions};

    #[test]
    fn columns_are_a_list_that_ends_with_the_name() {
        let parse = |text: &str| StatsOptions::parse(text).map(|options| options.columns);
        assert_eq!(parse("columns=name,calls").unwrap(), [Column::Name, Column::Calls]);
        assert_eq!(parse("columns=calls").unwrap(), [Column::Calls, Column::Name]);
        let text = "f,columns=calls,calls";
        assert_eq!(&text[parse(text).unwrap_err().span], "calls");
        assert!(parse("columns=cals").is_err());
        let notes = crate::stats::NOTES.concat();
        assert!(COLUMN_NAMES.iter().all(|(name, _)| notes.contains(name)));
    }

    #[test]
    fn an_overhead_has_a_unit() {
        let parse = |text: &str| StatsOptions::parse(text).map(|options| options.overhead.as_nanos());
        assert_eq!(parse("overhead=5").unwrap(), 5_000);
        assert_eq!(parse("overhead=2ms").unwrap(), 2_000_000);
        assert!(parse("overhead=2h").is_err());
    }

    #[test]
    fn every_order_is_in_the_help_and_parsed() {
        let help = OPTIONS.iter().find(|option| option.key == "sort").unwrap().help;
        for (name, sort) in SORTS {
            // `avg` is the older name of `avg-time`.
            assert!(help.contains(name), "{name}");
            assert_eq!(StatsOptions::parse(&format!("sort={name}")).unwrap().sort, *sort);
        }
    }
}
