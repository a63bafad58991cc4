//! The options of the counters, as text and as values.
//!
//! Key types: [`StatsOptions`]. Neighbours: [`crate::spec`] takes the text apart, [`crate::sets`] reads the set.

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
    /// Least time a call last.
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
        help: "of the rows: time, avg, calls, errors, name or nothing [time]",
    },
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

    fn set(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        match pair.key {
            "trace" => self.trace = sets::syscalls(pair.value).map_err(|bad| bad.shifted(pair.at))?,
            "time" => self.clock = pair.choose(&[("system", Clock::System), ("wall", Clock::Wall)])?,
            "sort" => self.sort = pair.choose(SORTS)?,
            "per" => self.per = pair.choose(&[("run", Per::Run), ("process", Per::Process)])?,
            "append" => self.place.append = true,
            _ => return Err(pair.wrong(format!("`{}` is not handled", pair.key))),
        }
        Ok(())
    }
}

const SORTS: &[(&str, Sort)] = &[
    ("time", Sort::Time),
    ("avg", Sort::Average),
    ("calls", Sort::Calls),
    ("errors", Sort::Errors),
    ("name", Sort::Name),
    ("nothing", Sort::Nothing),
];

#[cfg(test)]
mod tests {
    use super::{OPTIONS, SORTS, StatsOptions};

    #[test]
    fn every_order_is_in_the_help_and_parsed() {
        let help = OPTIONS.iter().find(|option| option.key == "sort").unwrap().help;
        for (name, sort) in SORTS {
            assert!(help.contains(name), "{name}");
            assert_eq!(StatsOptions::parse(&format!("sort={name}")).unwrap().sort, *sort);
        }
    }
}
