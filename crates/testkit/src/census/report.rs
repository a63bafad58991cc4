//! Comparing a disturbed run with an undisturbed one, and the table of all of them.

use std::fmt::Write as _;

use super::Outcome;

/// How far two times may be apart on a busy machine, in milliseconds. A call that starts its time-out again, or loses
/// it, is off by the time that it had slept: most of 500.
const TOLERANCE: u64 = 200;

/// How a disturbed run compares with the undisturbed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing can be told.
    Same,
    /// Only the time is another: early or late by so many milliseconds.
    Time(i64),
    /// The result is another.
    Differs(String),
    /// This machine cannot set the case up.
    Skipped,
}

impl Verdict {
    fn cell(&self) -> String {
        match self {
            Verdict::Same => "=".into(),
            Verdict::Time(_) => "**another time**".into(),
            Verdict::Differs(what) => format!("**{what}**"),
            Verdict::Skipped => "-".into(),
        }
    }
}

/// Compares.
pub fn compare(undisturbed: &Outcome, disturbed: &Outcome) -> Verdict {
    match (undisturbed, disturbed) {
        (Outcome::Skipped(_), _) => Verdict::Skipped,
        (Outcome::Returned { what, ms }, Outcome::Returned { what: other, ms: then }) if what == other => {
            if ms.abs_diff(*then) <= TOLERANCE {
                Verdict::Same
            } else {
                Verdict::Time(then.cast_signed() - ms.cast_signed())
            }
        }
        (_, Outcome::Returned { what, .. } | Outcome::Lost(what)) => Verdict::Differs(what.clone()),
        (_, Outcome::Skipped(why)) => Verdict::Differs(format!("skip {why}")),
    }
}

/// One case in every way of disturbing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The case.
    pub name: String,
    /// What comes of it undisturbed.
    pub undisturbed: String,
    /// One verdict for each column.
    pub verdicts: Vec<Verdict>,
}

/// The table in Markdown, one line for each set of cases that fared alike.
pub fn table(columns: &[&str], rows: &[Row]) -> String {
    let mut groups: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for row in rows {
        let cells: Vec<String> = row.verdicts.iter().map(Verdict::cell).collect();
        match groups.iter_mut().find(|(of, _)| *of == cells) {
            Some((_, names)) => names.push(&row.name),
            None => groups.push((cells, vec![&row.name])),
        }
    }
    let mut text = format!("| cases | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for (cells, names) in groups {
        let _ = writeln!(text, "| {} ({}) | {} |", names.join(", "), names.len(), cells.join(" | "));
    }
    text
}

/// The part of a document between the two marks of this name, and the document with it replaced.
pub fn section(document: &str, name: &str, text: &str) -> Option<(String, String)> {
    let begin = format!("<!-- begin {name} -->\n");
    let end = format!("<!-- end {name} -->");
    let from = document.find(&begin)? + begin.len();
    let to = from + document.get(from..)?.find(&end)?;
    let (before, after) = (document.get(..from)?, document.get(to..)?);
    Some((document.get(from..to)?.to_owned(), format!("{before}{text}{after}")))
}

#[cfg(test)]
mod tests {
    use super::{Row, Verdict, compare, section, table};
    use crate::census::Outcome;

    #[test]
    fn results_are_compared_exactly_and_times_with_patience() {
        let says = |text: &str| Outcome::parse(text);
        let base = says("ready\nr=1 errno=0 extra=0 ms=500\nstatus 0\n");
        assert_eq!(compare(&base, &says("r=1 errno=0 extra=0 ms=640\n")), Verdict::Same);
        assert_eq!(compare(&base, &says("r=1 errno=0 extra=0 ms=950\n")), Verdict::Time(450));
        assert_eq!(
            compare(&base, &says("r=-1 errno=4 extra=0 ms=500\n")),
            Verdict::Differs("r=-1 errno=4 extra=0".into())
        );
        assert_eq!(
            compare(&base, &says("ready\nstatus 133\n")),
            Verdict::Differs("ready; status 133".into())
        );
        assert_eq!(compare(&says("skip no right\n"), &base), Verdict::Skipped);
    }

    #[test]
    fn like_cases_share_a_line() {
        let row = |name: &str, verdict| Row {
            name: name.into(),
            undisturbed: String::new(),
            verdicts: vec![verdict],
        };
        let rows = [row("a", Verdict::Same), row("b", Verdict::Skipped), row("c", Verdict::Same)];
        assert_eq!(table(&["stop"], &rows), "| cases | stop |\n|---|---|\n| a, c (2) | = |\n| b (1) | - |\n");
    }

    #[test]
    fn a_section_is_found_and_replaced() {
        let document = "x\n<!-- begin t -->\nold\n<!-- end t -->\ny";
        let (old, new) = section(document, "t", "new\n").unwrap();
        assert_eq!((old.as_str(), new.as_str()), ("old\n", "x\n<!-- begin t -->\nnew\n<!-- end t -->\ny"));
        assert_eq!(section(document, "u", ""), None);
    }
}
