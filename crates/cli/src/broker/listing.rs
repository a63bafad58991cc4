//! `utrace ps`: who is traced, by whom, since when, and what each waits for.
//!
//! Key types: [`Row`], [`By`]. The supervisor makes rows of what it traces (`rows`), the command line prints them
//! ([`print()`]). Neighbours: [`super::server`], [`super::caller`].

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write};
use std::sync::MutexGuard;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use utrace_abi::table::{Abi, lookup};
use utrace_core::Task;
use utrace_engines::ptrace::{Holding, LinkView};

use super::server::{Member, Traced, What};

/// A process that is traced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// How many of its threads are traced.
    pub threads: usize,
    /// What its first thread does.
    pub does: String,
    /// Who traces it.
    pub by: Vec<By>,
}

/// Somebody who traces a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct By {
    /// Its process.
    pub pid: u32,
    /// Its name, or its engines.
    pub who: String,
    /// For how many seconds.
    pub seconds: u64,
    /// What it waits for.
    pub waits_for: String,
}

/// Everything that is traced now.
pub(super) fn rows(traced: &Traced, members: &MutexGuard<'_, Vec<Member>>) -> Vec<Row> {
    let mut processes: BTreeMap<u32, Vec<Task>> = BTreeMap::new();
    for task in traced.host.tasks() {
        processes.entry(task.process().0).or_default().push(task);
    }
    let links = traced.ptrace.links();
    let row = |(pid, tasks): (u32, Vec<Task>)| {
        let mut by: Vec<By> = members.iter().filter_map(|member| by_member(member, &tasks)).collect();
        by.extend(by_tracers(pid, &links));
        Row { pid, name: name_of(pid), threads: tasks.len(), does: does(pid, &links), by }
    };
    processes.into_iter().map(row).collect()
}

fn by_member(member: &Member, tasks: &[Task]) -> Option<By> {
    if !tasks.iter().any(|task| member.roll.is_on(task)) {
        return None;
    }
    let (who, waits_for) = match &member.what {
        What::Session { engines, .. } if engines.is_empty() => ("utrace attach".to_owned(), "the end"),
        What::Session { engines, .. } => (format!("utrace attach: {}", engines.join(", ")), "the end, or ^C"),
        What::Tree => ("utrace ptrace: its ptrace calls".to_owned(), "its end"),
    };
    let seconds = since(member.roll.since);
    Some(By { pid: member.pid, who, seconds, waits_for: waits_for.to_owned() })
}

/// One for each tracing process.
fn by_tracers(process: u32, links: &[LinkView]) -> Vec<By> {
    let mut all: BTreeMap<u32, Vec<&LinkView>> = BTreeMap::new();
    for link in links.iter().filter(|link| link.process == process) {
        all.entry(link.tracer_process).or_default().push(link);
    }
    let by = |(pid, links): (u32, Vec<&LinkView>)| {
        let first = links.iter().map(|link| link.since).min().unwrap_or_else(SystemTime::now);
        let held = links.iter().filter(|link| link.stop == Holding::Told).count();
        let waits_for = if links.iter().any(|link| link.waits) {
            "news of its tracees".to_owned()
        } else {
            match (held, blocked_in(links.first().map_or(pid, |link| link.tracer))) {
                (0, None) => "nothing: it runs".to_owned(),
                (held, None) => format!("nothing: it runs, and holds {held}"),
                (0, Some(call)) => call,
                (held, Some(call)) => format!("{call}, and holds {held}"),
            }
        };
        By { pid, who: name_of(pid), seconds: since(first), waits_for }
    };
    all.into_iter().map(by).collect()
}

/// What the first thread of a process does: held by a tracer, in a call, or running.
pub(super) fn does(pid: u32, links: &[LinkView]) -> String {
    let holder = links.iter().find(|link| link.tracee == pid && link.stop == Holding::Told);
    if let Some(link) = holder {
        return format!("held by {} ({})", name_of(link.tracer_process), link.tracer_process);
    }
    match state_of(pid) {
        Some('T') => "stopped".to_owned(),
        Some('Z' | 'X') => "dead".to_owned(),
        // Its wait sleeps in pause(2), or is on its way there.
        _ if links.iter().any(|link| link.tracer == pid && link.waits) => "a wait".to_owned(),
        _ => blocked_in(pid).unwrap_or_else(|| "runs".to_owned()),
    }
}

/// The call that a thread sleeps in.
fn blocked_in(tid: u32) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{tid}/syscall")).ok()?;
    let number: u64 = line.split(' ').next()?.parse().ok()?;
    let abi = if runs_32_bits(tid) { Abi::I386 } else { Abi::X86_64 };
    Some(lookup(abi, number).map_or_else(|| format!("call {number}"), |call| call.name.to_owned()))
}

/// Whether its program is of 32 bits (`EI_CLASS`, elf(5)): its calls have other numbers.
fn runs_32_bits(tid: u32) -> bool {
    let mut head = [0; 5];
    let read = fs::File::open(format!("/proc/{tid}/exe")).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[4] == 1
}

fn state_of(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(super) fn name_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .map_or_else(|_| "?".to_owned(), |name| name.trim_end().to_owned())
}

fn since(start: SystemTime) -> u64 {
    start.elapsed().unwrap_or(Duration::ZERO).as_secs()
}

/// Prints rows: a line for each who traces, behind its process.
///
/// # Errors
/// Those of `out`.
pub fn print(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let line = |cells: [&str; 8]| {
        let [pid, name, threads, does, by, who, time, waits] = cells;
        let text = format!("{pid:>7} {name:<15} {threads:>4} {does:<24} {by:>7} {who:<28} {time:>8} {waits}");
        text.trim_end().to_owned()
    };
    writeln!(out, "{}", line(["PID", "PROGRAM", "THR", "IN", "TRACER", "WHO", "FOR", "WAITS FOR"]))?;
    for row in rows {
        let (pid, threads) = (row.pid.to_string(), row.threads.to_string());
        let mut own = [pid.as_str(), &plain(&row.name), &threads, &plain(&row.does)].map(str::to_owned);
        if row.by.is_empty() {
            writeln!(out, "{}", line([&own[0], &own[1], &own[2], &own[3], "-", "", "", ""]))?;
        }
        for by in &row.by {
            let (tracer, time) = (by.pid.to_string(), elapsed(by.seconds));
            let cells =
                [&own[0], &own[1], &own[2], &own[3], &tracer, &plain(&by.who), &time, &plain(&by.waits_for)];
            writeln!(out, "{}", line(cells.map(String::as_str)))?;
            // Once is enough.
            own = Default::default();
        }
    }
    Ok(())
}

/// Names are chosen by programs; a terminal obeys what is in them.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// As ps(1) has ELAPSED: `[[dd-]hh:]mm:ss`.
fn elapsed(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    let rest = seconds % 60;
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{rest:02}"),
        (0, _) => format!("{hours:02}:{minutes:02}:{rest:02}"),
        _ => format!("{days}-{hours:02}:{minutes:02}:{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_in_ps() {
        let shown = [0, 61, 3599, 3600, 90061].map(elapsed);
        assert_eq!(shown, ["00:00", "01:01", "59:59", "01:00:00", "1-01:01:01"]);
    }

    #[test]
    fn a_process_stands_once_and_its_name_commands_no_terminal() {
        let by = |pid, who: &str| By { pid, who: who.to_owned(), seconds: 3, waits_for: "wait4".to_owned() };
        let row = Row {
            pid: 7,
            name: "a\x1b[2J".to_owned(),
            threads: 2,
            does: "poll".to_owned(),
            by: vec![by(8, "gdb"), by(9, "strace")],
        };
        let mut out = Vec::new();
        print(&[row], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\x1b'));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].contains("7 a?[2J") && lines[1].contains("8 gdb"), "{text}");
        assert!(lines[2].trim_start().starts_with("9 strace"), "{text}");
    }
}
