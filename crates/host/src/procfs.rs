//! What `/proc` says about processes and threads (proc_pid_stat(5), proc_pid_status(5)).
//!
//! Parsing is pure and takes bytes; the readers around it open, read once and close. Nothing here is on the
//! path of a stop except [`StatFile`], which keeps its descriptor and reads into a fixed buffer.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use crate::sys::{Errno, process};
use crate::types::Tid;

/// The thread states that matter to us, from the third field of `stat`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// `R`.
    Running,
    /// `S`, `I`: blocked.
    Blocked,
    /// `D`: blocked, and no signal reaches it.
    Uninterruptible,
    /// `T`: stopped by job control.
    Stopped,
    /// `t`: stopped by its tracer.
    Traced,
    /// `Z`, `X`: dead.
    Dead,
    /// A letter we do not know.
    Other,
}

/// The fields of `stat` that we use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stat {
    pub(crate) state: State,
    /// Parent process.
    pub(crate) parent: i32,
    /// Process group.
    pub(crate) group: i32,
    /// Session.
    pub(crate) session: i32,
    /// Kernel flags of the task (`PF_*`).
    pub(crate) flags: u32,
    /// How many threads its process has, a dead leader included.
    pub(crate) threads: u32,
    /// Start time in clock ticks since boot: with the tid, it names a thread for good.
    pub(crate) start_time: u64,
    /// Processor last run on.
    pub(crate) cpu: usize,
}

/// `PF_KTHREAD` (`linux/sched.h`): the task has no user space.
const PF_KTHREAD: u32 = 0x0020_0000;
/// `PF_EXITING` of the same: it is on its way out, perhaps with no memory left.
const PF_EXITING: u32 = 0x4;

impl Stat {
    /// Whether this is a kernel thread, which nobody can trace.
    pub(crate) const fn is_kernel_thread(&self) -> bool {
        self.flags & PF_KTHREAD != 0
    }

    /// Whether this is dead or about to be, so that nobody can trace it any more.
    pub(crate) const fn is_ending(&self) -> bool {
        self.flags & PF_EXITING != 0 || matches!(self.state, State::Dead)
    }
}

/// Parses the line of `/proc/…/stat`. The name in parentheses may hold anything, so fields are counted from
/// the last `)`.
pub(crate) fn parse_stat(line: &[u8]) -> Option<Stat> {
    let after_name = line.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = line.get(after_name..)?.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
    // proc_pid_stat(5) numbers from 1: state 3, ppid 4, pgrp 5, session 6, flags 9, num_threads 20, starttime 22,
    // processor 39.
    let state = state_from(*fields.next()?.first()?);
    let parent = number(fields.next()?)?;
    let group = number(fields.next()?)?;
    let session = number(fields.next()?)?;
    let flags = number(fields.nth(2)?)?;
    let threads = number(fields.nth(10)?)?;
    let start_time = number(fields.nth(1)?)?;
    let cpu = number(fields.nth(16)?)?;
    Some(Stat { state, parent, group, session, flags, threads, start_time, cpu })
}

const fn state_from(letter: u8) -> State {
    match letter {
        b'R' => State::Running,
        b'S' | b'I' => State::Blocked,
        b'D' => State::Uninterruptible,
        b'T' => State::Stopped,
        b't' => State::Traced,
        b'Z' | b'X' | b'x' => State::Dead,
        _ => State::Other,
    }
}

fn number<N: core::str::FromStr>(text: &[u8]) -> Option<N> {
    core::str::from_utf8(text).ok()?.trim().parse().ok()
}

fn hex(text: &[u8]) -> u64 {
    core::str::from_utf8(text).ok().and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0)
}

/// Whether there is such a process or thread, dead or alive.
pub(crate) fn exists(tid: Tid) -> bool {
    std::path::Path::new(&format!("/proc/{tid}")).exists()
}

/// Whether it is a thread of our own process.
pub(crate) fn is_own(tid: Tid) -> bool {
    std::path::Path::new(&format!("/proc/self/task/{tid}")).exists()
}

/// Whether there is a `/proc` to ask.
pub(crate) fn is_mounted() -> bool {
    std::path::Path::new("/proc/self/stat").exists()
}

/// Reads the thread's `stat`; `ESRCH` or `ENOENT` if there is no such thread.
pub(crate) fn stat(tid: Tid) -> Result<Stat, Errno> {
    parse_stat(&stat_line(tid)?).ok_or(Errno::EINVAL)
}

/// The line itself. Not `/proc/TID/stat`, which adds up the times of all threads of the process, whatever the
/// number: looking at each thread of a thousand would be a million steps (do_task_stat() in fs/proc/array.c).
pub(crate) fn stat_line(tid: Tid) -> Result<Vec<u8>, Errno> {
    read(&format!("/proc/{tid}/task/{tid}/stat"))
}

/// The fields of `status` that we use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Status {
    /// Thread group (process) of the thread.
    pub(crate) tgid: i32,
    /// Who traces it, 0 for nobody.
    pub(crate) tracer: i32,
    /// Its parent process.
    pub(crate) parent: i32,
    /// Its real user id.
    pub(crate) uid: u32,
    /// Signals that wait for this thread alone, bit 0 for signal 1.
    pub(crate) pending: u64,
    /// Signals that wait for its process.
    pub(crate) shared_pending: u64,
    /// Signals that it blocks now.
    pub(crate) blocked: u64,
    /// Signals that it ignores.
    pub(crate) ignored: u64,
    /// Signals that it has a handler for.
    pub(crate) caught: u64,
    /// Seccomp mode: 0 none, 1 strict, 2 filter.
    pub(crate) seccomp: u32,
}

impl Status {
    /// Whether the calling thread is its tracer: `TracerPid` names the tracing thread, not its process.
    pub(crate) fn is_traced_by_caller(&self) -> bool {
        process::gettid().map(Tid::raw) == Some(self.tracer)
    }

    /// Whether a signal waits that it will take, or whoever of its process is awake.
    pub(crate) const fn has_signal(&self) -> bool {
        (self.pending | self.shared_pending) & !self.blocked != 0
    }

    /// The process that traces it.
    pub(crate) fn tracing_process(&self) -> Option<Tid> {
        let tracer = Tid::new(self.tracer)?;
        Some(status(tracer).ok().and_then(|status| Tid::new(status.tgid)).unwrap_or(tracer))
    }
}

/// Parses `/proc/…/status`.
pub(crate) fn parse_status(text: &[u8]) -> Status {
    let mut status = Status::default();
    for line in text.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (key, rest) = line.split_at(colon);
        let value = rest[1..].split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        let Some(value) = value else { continue };
        match key {
            b"Tgid" => status.tgid = number(value).unwrap_or(0),
            b"PPid" => status.parent = number(value).unwrap_or(0),
            b"SigPnd" => status.pending = hex(value),
            b"ShdPnd" => status.shared_pending = hex(value),
            b"SigBlk" => status.blocked = hex(value),
            b"SigIgn" => status.ignored = hex(value),
            b"SigCgt" => status.caught = hex(value),
            b"TracerPid" => status.tracer = number(value).unwrap_or(0),
            b"Uid" => status.uid = number(value).unwrap_or(0),
            b"Seccomp" => status.seccomp = number(value).unwrap_or(0),
            _ => {}
        }
    }
    status
}

/// Reads `/proc/TID/status`.
pub(crate) fn status(tid: Tid) -> Result<Status, Errno> {
    read(&format!("/proc/{tid}/status")).map(|text| parse_status(&text))
}

/// Whether a process has one thread, as the number of links of its folder of threads says (proc_task_getattr() in
/// fs/proc/base.c). Where it says something else, nothing is known.
pub(crate) fn is_single(pid: Tid) -> bool {
    fs::metadata(format!("/proc/{pid}/task")).is_ok_and(|folder| folder.nlink() == 3)
}

/// The threads of a process as they are now; more may come while we read.
pub(crate) fn threads(pid: Tid) -> Result<Vec<Tid>, Errno> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| Errno::from_io(&error))?;
    let tids = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse().ok().and_then(Tid::new)
    });
    Ok(tids.collect())
}

/// Whether the process group of this process is orphaned: no member has a parent in another group of the same
/// session (setpgid(2)).
pub(crate) fn is_group_orphaned(pid: Tid) -> bool {
    let Ok(own) = stat(pid) else { return true };
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().and_then(Tid::new));
    let members = pids.filter_map(|pid| stat(pid).ok()).filter(|stat| stat.group == own.group);
    let mut parents = members.filter_map(|stat| Tid::new(stat.parent)).filter_map(|parent| stat(parent).ok());
    !parents.any(|parent| parent.group != own.group && parent.session == own.session)
}

/// What a descriptor of a thread refers to, or its working folder for `AT_FDCWD`, as the kernel names it.
pub(crate) fn fd_path(tid: Tid, fd: i32) -> Option<Vec<u8>> {
    let link = match fd {
        libc::AT_FDCWD => format!("/proc/{tid}/cwd"),
        _ => format!("/proc/{tid}/fd/{fd}"),
    };
    Some(fs::read_link(link).ok()?.into_os_string().into_vec())
}

/// The short name of a thread's program.
pub(crate) fn program(tid: Tid) -> Option<Vec<u8>> {
    let mut name = fs::read(format!("/proc/{tid}/comm")).ok()?;
    if name.last() == Some(&b'\n') {
        name.pop();
    }
    Some(name)
}

/// The short name of a process (`comm`), for messages.
pub(crate) fn name(pid: Tid) -> String {
    read(&format!("/proc/{pid}/comm"))
        .map_or_else(|_| String::from("?"), |text| String::from_utf8_lossy(&text).trim_end().to_owned())
}

/// The Yama level in force (`/proc/sys/kernel/yama/ptrace_scope`), `None` without Yama.
pub(crate) fn yama_scope() -> Option<u32> {
    number(&read("/proc/sys/kernel/yama/ptrace_scope").ok()?)
}

/// Reads a file of one thread, which is made whole at the first read if that is large enough. So neither its length,
/// which is 0, nor its end is asked for.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, Errno> {
    const MOST: usize = 4096;
    let whole = || {
        let mut file = File::open(path)?;
        let mut text = vec![0; MOST];
        let len = file.read(&mut text)?;
        text.truncate(len);
        if len == MOST {
            file.read_to_end(&mut text)?;
        }
        Ok(text)
    };
    whole().map_err(|error: io::Error| Errno::from_io(&error))
}

/// A kept descriptor on one thread's `stat`, for reading its processor again and again (3 us a time).
#[derive(Debug)]
pub(crate) struct StatFile(File);

impl StatFile {
    /// Opens it.
    pub(crate) fn open(tid: Tid) -> io::Result<Self> {
        File::open(format!("/proc/{tid}/stat")).map(Self)
    }

    /// The processor that the thread runs on or last ran on; `None` once it is gone.
    pub(crate) fn cpu(&self) -> Option<usize> {
        let mut line = [0; 1024];
        let len = self.0.read_at(&mut line, 0).ok()?;
        parse_stat(&line[..len]).map(|stat| stat.cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::{StatFile, State, parse_stat, parse_status, stat, status, threads};
    use crate::sys::process::gettid;
    use crate::types::Tid;

    const LINE: &[u8] = b"42 (a) (b c) S 1 42 42 0 -1 2097216 0 0 0 0 0 0 0 0 20 0 1 0 1234567 0 0 \
        18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn fields_are_found_behind_a_hostile_name() {
        let stat = parse_stat(LINE).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start_time, stat.cpu), (State::Blocked, 1, 1_234_567, 3));
        assert!(stat.is_kernel_thread());
    }

    #[test]
    fn a_cut_line_is_refused_not_misread() {
        for cut in 0..LINE.len() - 40 {
            assert_eq!(parse_stat(&LINE[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn status_fields_are_found_by_name() {
        let text = b"Name:\tx: y\nTgid:\t7\nTracerPid:\t9\nUid:\t1000\t1000\t1000\t1000\nSeccomp:\t2\n";
        let found = parse_status(text);
        assert_eq!((found.tgid, found.tracer, found.uid, found.seccomp), (7, 9, 1000, 2));
    }

    #[test]
    fn we_find_ourselves() {
        let me = gettid().unwrap();
        let pid = Tid::new(std::process::id().cast_signed()).unwrap();
        assert!(threads(pid).unwrap().contains(&me));
        assert_eq!(status(me).unwrap().tgid, pid.raw());
        assert!(!stat(me).unwrap().is_kernel_thread());
        assert!(StatFile::open(me).unwrap().cpu().is_some());
    }
}
