//! What only `/proc` knows of a client. Nothing here traces or changes anything.

use std::fs::{self, File};
use std::io::Read as _;

use super::spaces::Names;

/// What proc_pid_status(5) says of a task, nothing if it is gone. The kernel writes it anew for every read, and what has no size
/// is otherwise read in small pieces.
fn status(tid: u32) -> String {
    const MOST: usize = 4096;
    let whole = || {
        let mut file = File::open(format!("/proc/{tid}/status"))?;
        let mut text = vec![0; MOST];
        let len = file.read(&mut text)?;
        text.truncate(len);
        if len == MOST {
            file.read_to_end(&mut text)?;
        }
        std::io::Result::Ok(text)
    };
    // The name of a thread is any bytes.
    whole().map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

/// The parent of a process.
pub(super) fn parent(pid: u32) -> Option<u32> {
    stat_field(pid, 1)
}

/// Whether this thread gave its process the name.
pub(super) fn is_leader(tid: u32) -> bool {
    let status = status(tid);
    let process = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    process.and_then(|process| process.trim().parse().ok()) == Some(tid)
}

/// Whether a task has ended and nobody has collected it.
pub(super) fn is_zombie(tid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// The process group of a process.
pub(super) fn group(pid: u32) -> Option<u32> {
    stat_field(pid, 2)
}

/// The signal by which the end of a process is told to its parent.
pub(super) fn exit_signal(pid: u32) -> Option<u32> {
    stat_field(pid, 35)
}

/// A number of `/proc/PID/stat`, counted from the state, which is 0.
fn stat_field(pid: u32, index: usize) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, a parenthesis too.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(index)?.parse().ok()
}

/// What a process and the children that it waited for have used, as getrusage(2) lays it out: times in the clock's ticks,
/// and only some of the counts.
pub(super) fn usage(pid: u32) -> [i64; 18] {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    let number = |index: usize| fields.get(index).and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
    let sum = |index: usize, of_children: usize| number(index) + number(of_children);
    // USER_HZ is 100 on x86.
    let [user, system] = [sum(11, 13), sum(12, 14)];
    let status = status(pid);
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let mut usage = [0; 18];
    usage[..4].copy_from_slice(&[user / 100, user % 100 * 10_000, system / 100, system % 100 * 10_000]);
    usage[4] = peak.and_then(|size| size.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
    usage[8..10].copy_from_slice(&[sum(7, 8), sum(9, 10)]);
    usage
}

/// What a task is called in its pid namespaces (`NSpid` in proc_pid_status(5)).
pub(super) fn names(tid: u32) -> Option<Names> {
    let status = status(tid);
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    let ids: Vec<u32> = line.split_whitespace().filter_map(|id| id.parse().ok()).collect();
    if ids.len() < 2 {
        return Some(Names { ids, space: 0 });
    }
    let link = fs::read_link(format!("/proc/{tid}/ns/pid")).ok()?;
    let space = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.parse().ok()?;
    Some(Names { ids, space })
}

/// What a task calls itself.
pub(super) fn own_name(tid: u32) -> u32 {
    names(tid).and_then(|names| names.ids.last().copied()).unwrap_or(tid)
}

/// The children of all threads of a process that it has not collected, dead ones too.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The real user of a task.
pub(super) fn uid(tid: u32) -> u32 {
    let status = status(tid);
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    line.and_then(|ids| ids.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

const SIGCHLD_BIT: u64 = 1 << (super::num::SIGCHLD - 1);

/// Whether a SIGCHLD to this process would be seen: it has a handler, or is blocked and may be fetched.
pub(super) fn sees_sigchld(tid: u32) -> bool {
    let status = status(tid);
    let [caught, blocked, ignored] =
        ["SigCgt:", "SigBlk:", "SigIgn:"].map(|name| mask_in(&status, name) & SIGCHLD_BIT);
    caught != 0 || (blocked != 0 && ignored == 0)
}

/// How many seccomp filters a thread has (Linux 5.9).
pub(super) fn filters(tid: u32) -> Option<u32> {
    let status = status(tid);
    status.lines().find_map(|line| line.strip_prefix("Seccomp_filters:"))?.trim().parse().ok()
}

/// Whether this signal waits for the thread or its process.
pub(super) fn is_pending(tid: u32, signal: u32) -> bool {
    ["SigPnd:", "ShdPnd:"].iter().any(|name| signal_mask(tid, name) & 1 << (signal - 1) != 0)
}

/// Whether a signal waits for the thread itself that it takes before a SIGSTOP to it.
pub(super) fn waits_before_sigstop(tid: u32) -> bool {
    let status = status(tid);
    let waits = mask_in(&status, "SigPnd:") & !mask_in(&status, "SigBlk:");
    (1..=64).any(|number| waits & 1 << (number - 1) != 0 && super::num::is_before_sigstop(number))
}

/// Whether a signal waits for the thread or its process that it does not block.
pub(super) fn has_signal(tid: u32) -> bool {
    let status = status(tid);
    let waits = mask_in(&status, "SigPnd:") | mask_in(&status, "ShdPnd:");
    waits & !mask_in(&status, "SigBlk:") != 0
}

/// Whether it has a handler for SIGCHLD, or ignores it; `None` for the default.
pub(super) fn sigchld_action(tid: u32) -> Option<Ignored> {
    let status = status(tid);
    if mask_in(&status, "SigCgt:") & SIGCHLD_BIT != 0 {
        return Some(Ignored::No);
    }
    (mask_in(&status, "SigIgn:") & SIGCHLD_BIT != 0).then_some(Ignored::Yes)
}

/// What a program that does not leave SIGCHLD at its default does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    Yes,
    /// It has a handler.
    No,
}

/// Whether a task blocks SIGCHLD.
pub(super) fn blocks_sigchld(tid: u32) -> bool {
    signal_mask(tid, "SigBlk:") & SIGCHLD_BIT != 0
}

fn signal_mask(tid: u32, name: &str) -> u64 {
    mask_in(&status(tid), name)
}

fn mask_in(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// The process that a pidfd of this task refers to.
pub(super) fn pidfd(tid: u32, fd: u32) -> Option<u32> {
    let info = fs::read_to_string(format!("/proc/{tid}/fdinfo/{fd}")).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

/// Whether this process ignores SIGCHLD: the kernel collects its children by itself then (wait(2), notes).
pub(super) fn ignores_sigchld(tid: u32) -> bool {
    signal_mask(tid, "SigIgn:") & SIGCHLD_BIT != 0
}

/// The number of the system call that a task sleeps in; `None` while it runs.
pub(super) fn sleeps_in(tid: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{tid}/syscall")).ok()?;
    line.split(' ').next()?.parse().ok()
}
