//! A table of counters, and its layout, which is that of `strace -c`.
//!
//! Key types: [`Table`]. Knows no task.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::time::Duration;

use utrace_abi::table::{self, Abi};
use utrace_core::SyscallSet;

use super::options::{Column, Sort, StatsOptions};

/// What is counted of one syscall.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Row {
    calls: u64,
    errors: u64,
    time: Duration,
    shortest: Duration,
    longest: Duration,
}

impl Row {
    fn add(&mut self, other: &Row) {
        if other.calls > 0 && (self.calls == 0 || other.shortest < self.shortest) {
            self.shortest = other.shortest;
        }
        self.longest = self.longest.max(other.longest);
        self.calls += other.calls;
        self.errors += other.errors;
        self.time += other.time;
    }

    /// The same without what the tracing of each call took.
    fn without(mut self, overhead: Duration) -> Row {
        let all = overhead.saturating_mul(u32::try_from(self.calls).unwrap_or(u32::MAX));
        self.time = self.time.saturating_sub(all);
        self
    }

    /// Whole microseconds for each call.
    fn average(&self) -> u128 {
        self.time.as_micros().checked_div(u128::from(self.calls)).unwrap_or(0)
    }
}

/// Counters by the index of the syscall.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    /// Grown to the highest index that was seen.
    rows: Vec<Row>,
    /// What the process runs, if it is of one process: the last one, after an exec.
    pub(super) program: Option<String>,
}

impl Table {
    /// Counts one call.
    pub(super) fn count(&mut self, index: u64, time: Duration, error: bool) {
        let at = index.min(SyscallSet::OTHER) as usize;
        if at >= self.rows.len() {
            self.rows.resize(at + 1, Row::default());
        }
        if let Some(row) = self.rows.get_mut(at) {
            row.add(&Row { calls: 1, errors: u64::from(error), time, shortest: time, longest: time });
        }
    }

    /// Adds all of `other`.
    pub(super) fn add(&mut self, other: &Table) {
        if other.rows.len() > self.rows.len() {
            self.rows.resize(other.rows.len(), Row::default());
        }
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.add(more);
        }
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.calls == 0)
    }

    /// Appends the table; nothing at all if nothing was counted, as strace.
    pub(super) fn write(&self, options: &StatsOptions, out: &mut String) {
        let rows = self.sorted(options);
        if rows.is_empty() {
            return;
        }
        let mut total = Row::default();
        for (_, row) in &rows {
            total.add(row);
        }
        let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let layout = Layout { columns: &options.columns, name: widest.max(15) + 1 };
        layout.line(out, |column| column.title().to_owned());
        layout.rule(out);
        for (name, row) in &rows {
            layout.line(out, |column| cell(column, name, row, percent(row.time, total.time)));
        }
        layout.rule(out);
        layout.line(out, |column| cell(column, "total", &total, 100.0));
    }

    fn sorted(&self, options: &StatsOptions) -> Vec<(String, Row)> {
        let called = self.rows.iter().enumerate().filter(|(_, row)| row.calls > 0);
        let mut rows: Vec<(String, Row)> =
            called.map(|(index, row)| (name(index as u64), row.without(options.overhead))).collect();
        // Stable: what is equal stays in the order of numbers.
        match options.sort {
            Sort::Time => rows.sort_by_key(|(_, row)| Reverse(row.time)),
            Sort::Shortest => rows.sort_by_key(|(_, row)| Reverse(row.shortest)),
            Sort::Longest => rows.sort_by_key(|(_, row)| Reverse(row.longest)),
            Sort::Average => rows.sort_by_key(|(_, row)| Reverse(row.average())),
            Sort::Calls => rows.sort_by_key(|(_, row)| Reverse(row.calls)),
            Sort::Errors => rows.sort_by_key(|(_, row)| Reverse(row.errors)),
            Sort::Name => rows.sort_by(|(a, _), (b, _)| a.cmp(b)),
            Sort::Nothing => {}
        }
        rows
    }
}

/// The columns of a table and how wide they are.
struct Layout<'t> {
    columns: &'t [Column],
    /// Width of the names.
    name: usize,
}

impl Layout<'_> {
    fn width(&self, column: Column) -> usize {
        match column {
            Column::Percent => 6,
            Column::Shortest | Column::Longest => 8,
            Column::Total | Column::Average => 11,
            Column::Calls | Column::Errors => 9,
            Column::Name => self.name,
        }
    }

    fn line(&self, out: &mut String, cell: impl Fn(Column) -> String) {
        for (at, &column) in self.columns.iter().enumerate() {
            let (text, width) = (cell(column), self.width(column));
            let gap = if at > 0 { " " } else { "" };
            // String's writer cannot fail. Names are on the left, and need no padding at the end of a line.
            let _ = match column {
                Column::Name if at + 1 == self.columns.len() => write!(out, "{gap}{text}"),
                Column::Name => write!(out, "{gap}{text:<width$}"),
                _ => write!(out, "{gap}{text:>width$}"),
            };
        }
        out.push('\n');
    }

    fn rule(&self, out: &mut String) {
        let dashes: Vec<String> = self.columns.iter().map(|column| "-".repeat(self.width(*column))).collect();
        out.push_str(&dashes.join(" "));
        out.push('\n');
    }
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Column::Percent => "% time",
            Column::Total => "seconds",
            Column::Shortest => "shortest",
            Column::Longest => "longest",
            Column::Average => "usecs/call",
            Column::Calls => "calls",
            Column::Errors => "errors",
            Column::Name => "syscall",
        }
    }
}

fn cell(column: Column, name: &str, row: &Row, percent: f64) -> String {
    let seconds = |time: Duration| format!("{:.6}", time.as_secs_f64());
    match column {
        Column::Percent => format!("{percent:.2}"),
        Column::Total => seconds(row.time),
        Column::Shortest => seconds(row.shortest),
        Column::Longest => seconds(row.longest),
        Column::Average => row.average().to_string(),
        Column::Calls => row.calls.to_string(),
        Column::Errors if row.errors == 0 => String::new(),
        Column::Errors => row.errors.to_string(),
        Column::Name => name.to_owned(),
    }
}

fn percent(part: Duration, whole: Duration) -> f64 {
    if whole.is_zero() { 0.0 } else { 100.0 * part.as_secs_f64() / whole.as_secs_f64() }
}

fn name(index: u64) -> String {
    match table::lookup(Abi::X86_64, index) {
        Some(info) => info.name.to_owned(),
        None if index >= SyscallSet::OTHER => "(others)".to_owned(),
        None => format!("syscall_{index:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        table.count(3, Duration::from_micros(7), false);
        table.count(3, Duration::from_micros(8), false);
        table.count(257, Duration::from_micros(5), true);
        table.count(146, Duration::from_micros(80), false);
        table
    }

    fn text(table: &Table, sort: Sort) -> String {
        let mut out = String::new();
        table.write(&StatsOptions { sort, ..StatsOptions::default() }, &mut out);
        out
    }

    fn names(sort: Sort) -> Vec<String> {
        let text = text(&table(), sort);
        let rows = text.lines().skip(2).take(3);
        rows.filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
    }

    #[test]
    fn the_layout_is_that_of_strace() {
        let expected = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- -----------------------
 80.00    0.000080          80         1           sched_get_priority_max
 15.00    0.000015           7         2           close
  5.00    0.000005           5         1         1 openat
------ ----------- ----------- --------- --------- -----------------------
100.00    0.000100          25         4         1 total
";
        assert_eq!(text(&table(), Sort::Time), expected);
    }

    #[test]
    fn each_order_is_its_own() {
        assert_eq!(names(Sort::Calls)[0], "close");
        assert_eq!(names(Sort::Errors)[0], "openat");
        assert_eq!(names(Sort::Name), ["close", "openat", "sched_get_priority_max"]);
        assert_eq!(names(Sort::Nothing), ["close", "sched_get_priority_max", "openat"]);
        assert_eq!(names(Sort::Average), ["sched_get_priority_max", "close", "openat"]);
    }

    #[test]
    fn columns_and_overhead_can_be_chosen() {
        let mut out = String::new();
        let columns = vec![Column::Name, Column::Shortest, Column::Longest, Column::Total];
        let overhead = Duration::from_micros(6);
        table().write(&StatsOptions { columns, overhead, ..StatsOptions::default() }, &mut out);
        let expected = "\
syscall                 shortest  longest     seconds
----------------------- -------- -------- -----------
sched_get_priority_max  0.000080 0.000080    0.000074
close                   0.000007 0.000008    0.000003
openat                  0.000005 0.000005    0.000000
----------------------- -------- -------- -----------
total                   0.000005 0.000080    0.000077
";
        assert_eq!(out, expected);
    }

    #[test]
    fn nothing_counted_is_nothing_written() {
        assert_eq!(text(&Table::default(), Sort::Time), "");
    }

    #[test]
    fn no_time_is_no_division_by_zero() {
        let mut table = Table::default();
        table.count(u64::MAX, Duration::ZERO, false);
        assert!(
            text(&table, Sort::Time)
                .contains("  0.00    0.000000           0         1           (others)\n")
        );
    }

    #[test]
    fn tables_add_up() {
        let mut sum = Table::default();
        sum.add(&table());
        sum.add(&table());
        assert!(text(&sum, Sort::Time).contains("    8         2 total"));
    }
}
