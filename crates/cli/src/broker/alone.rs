//! What other utrace processes trace: each `utrace run`, and an attach with a host of its own. As ps(1) does, this shows
//! other users' too, as far as `/proc` lets them be seen.
//!
//! Key function: [`rows`], for `utrace ps`. They do not know of one another, so `/proc` is asked: who is traced by a
//! process whose command line is one of ours. Neighbours: [`super::listing`] has what the supervisor traces.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use super::listing::{self, By, Row};
use crate::flags::hi::HiArgs;
use crate::flags::low;

/// Ticks of `/proc` in a second (`USER_HZ`; 100 on x86).
const TICKS: u64 = 100;

/// What they trace, without what the process `supervisor` does.
#[must_use]
pub(super) fn rows(supervisor: Option<u32>) -> Vec<Row> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut known: BTreeMap<u32, Option<By>> = BTreeMap::new();
    let mut rows: Vec<Row> = pids.filter_map(|pid: u32| row(pid, supervisor, &mut known)).collect();
    rows.sort_by_key(|row| row.pid);
    rows
}

fn row(pid: u32, supervisor: Option<u32>, known: &mut BTreeMap<u32, Option<By>>) -> Option<Row> {
    let tracer = field(pid, "TracerPid:").filter(|tid| *tid != 0)?;
    let tracer = field(tracer, "Tgid:").filter(|tracer| Some(*tracer) != supervisor)?;
    let by = known.entry(tracer).or_insert_with(|| by(tracer)).clone()?;
    let name = listing::name_of(pid);
    // What utrace starts for itself: `utrace-doorbell`.
    if name.starts_with("utrace-") {
        return None;
    }
    let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(1, Iterator::count);
    Some(Row { pid, name, threads, does: listing::does(pid, &[]), by: vec![by] })
}

/// A tracer, if it is one of ours.
fn by(pid: u32) -> Option<By> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let who = who(&line).filter(|_| listing::name_of(pid).starts_with("utrace"))?;
    Some(By { pid, who, seconds: age(pid)?, waits_for: "the end".to_owned() })
}

/// What a command line of ours traces with, as `/proc/PID/cmdline` has it: each word ends in 0.
fn who(line: &[u8]) -> Option<String> {
    let words = line.strip_suffix(b"\0")?.split(|byte| *byte == 0);
    let low = low::parse(words.map(|word| OsString::from_vec(word.to_vec()))).ok()?;
    let (command, specs) = match HiArgs::resolve(low).ok()? {
        HiArgs::Run(_, specs) => ("utrace run", specs),
        HiArgs::Attach(_, specs) => ("utrace attach, alone", specs),
        _ => return None,
    };
    let names: Vec<&str> = specs.iter().map(super::caller::name_of).collect();
    Some(if names.is_empty() { command.to_owned() } else { format!("{command}: {}", names.join(", ")) })
}

fn field(tid: u32, name: &str) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

/// For how many seconds a process has been there: field 22 of its `stat` is its start in ticks since the boot.
fn age(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let start: u64 = stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()?;
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: u64 = uptime.split('.').next()?.parse().ok()?;
    Some(uptime.saturating_sub(start / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_tells_what_it_traces_with() {
        let shown = |line: &str| who(format!("{}\0", line.replace(' ', "\0")).as_bytes());
        assert_eq!(shown("utrace run --stats --log=x -- ls -l").as_deref(), Some("utrace run: stats, log"));
        assert_eq!(shown("utrace attach --strict -p 7").as_deref(), Some("utrace attach, alone: log"));
        assert_eq!(shown("utrace ps"), None);
        assert_eq!(shown("utrace ptrace -- gdb"), None);
        assert_eq!(shown("gdb -p 7"), None);
    }
}
