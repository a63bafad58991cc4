//! What `/proc` tells the tree of its own threads: `status` and `stat`, as they would be without the host.
//!
//! Entries: [`opened`], [`rewound`], [`file_system`]. Every thread of the tree is a tracee of the host, so the kernel shows a stopped one as `t` where it
//! would be `T`, and the host as its tracer, and each is under a filter of ours. Who waits for a child to stop, as
//! debuggers and tests do, reads these files. So when one of the tree opens one, it gets a copy in which that is put
//! right, made at that moment, and again when it is read from the beginning again (`lseek`). The rest of `/proc` is
//! the kernel's own.
//! Neighbours: [`super::answer`] hears of the call; [`Threads`] knows who is stopped for whom.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;

use utrace_core::{Addr, Lent, Question, Syscall};

use super::link::State;
use super::num;
use super::width::{FSTATFS64, Width};
use super::world::{Caught, Halted, Threads, World};

/// The longest name of such a file, and a little more: `/proc/4194304/task/4194304/status`.
const LONGEST: usize = 64;
/// `AT_FDCWD`, an int.
const AT_FDCWD: u64 = 0xffff_ff9c;

/// How the link of a copy's descriptor begins.
const COPY: &[u8] = b"/memfd:proc";
/// How many copies are remembered: who reads an older one again reads the same.
const LOANS: usize = 64;

/// A copy that somebody has.
#[derive(Debug)]
pub(super) struct Loan {
    process: u32,
    fd: i32,
    /// The thread that it tells of.
    tid: u32,
    kind: Kind,
    /// How many of its filters were ours.
    hidden: u32,
    /// The file itself.
    file: File,
}

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Status,
    Stat,
}

/// What is to be shown of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shown {
    /// Its state, if the kernel says that it is stopped by its tracer.
    state: Stopped,
    /// The thread that traces it; 0 for none.
    tracer: u32,
    /// How many of its filters are ours.
    hidden: u32,
}

/// What a thread does that the kernel shows as stopped by its tracer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// Its tracer in the tree has it stopped.
    ForTracer,
    /// Job control has.
    ByJobControl,
    /// Nobody has, for long.
    No,
    /// It is the one that asks.
    Runs,
}

/// A thread opens a file to read it, by this call of the x86-64 table. If it is one of these, of a thread of the tree, answers the descriptor of a copy.
pub(super) fn opened(world: &World, question: &mut Question<'_>, nr: u64) -> Option<i32> {
    if question.is_interrupted() {
        return None;
    }
    let (caller, process) = (question.task().id().0, question.task().process().0);
    let full = named(question, nr)?;
    let (tid, kind) = meant(&full, process, caller)?;
    // Elsewhere the same number is somebody else.
    let space = |of: &str| fs::read_link(format!("/proc/{of}/ns/pid")).ok();
    if space("self")? != space(&caller.to_string())? {
        return None;
    }
    let shown = world.lock().shown(tid, caller)?;
    let own = ["/proc/self/", "/proc/thread-self/"].iter().any(|own| full.starts_with(own));
    let full = match own {
        true if tid == process => format!("/proc/{tid}/{}", kind.name()),
        true => format!("/proc/{process}/task/{tid}/{}", kind.name()),
        false => full,
    };
    let mut file = File::open(full).ok()?;
    let contents = kind.rewrite(&beginning(&mut file)?, shown, &own_name()?)?;
    let fd = question.lend(Lent::Copy(&contents), None)?;
    let mut threads = world.lock();
    threads.loans.retain(|loan| (loan.process, loan.fd) != (process, fd));
    if threads.loans.len() >= LOANS {
        threads.loans.pop_front();
    }
    threads.loans.push_back(Loan { process, fd, tid, kind, hidden: shown.hidden, file });
    Some(fd)
}

/// The path that a call opens, if that may be one of these files.
fn named(question: &mut Question<'_>, nr: u64) -> Option<String> {
    let [first, second, ..] = question.call().args;
    let (at, name) = if nr == num::OPEN { (AT_FDCWD, first) } else { (first, second) };
    let mut path = [0; LONGEST];
    let len = question.target().fetch(Addr(name), &mut path).ok()?;
    let end = path.get(..len)?.iter().position(|byte| *byte == 0)?;
    let name = core::str::from_utf8(path.get(..end)?).ok()?;
    if !name.ends_with("/status") && !name.ends_with("/stat") && name != "status" && name != "stat" {
        return None;
    }
    Some(if name.starts_with('/') {
        name.to_owned()
    } else {
        // One that is relative to the working folder is left to the kernel: AT_FDCWD is no descriptor.
        let folder = i32::try_from(at).ok().and_then(|fd| question.target().fd_path(fd))?;
        format!("{}/{name}", core::str::from_utf8(&folder).ok()?)
    })
}

/// A thread goes back to the beginning of a file. If it is a copy, it becomes a new one, or the file itself where that
/// says what it should. Answers the result of the call.
pub(super) fn rewound(world: &World, question: &mut Question<'_>) -> Option<i64> {
    if question.is_interrupted() {
        return None;
    }
    let (caller, process) = (question.task().id().0, question.task().process().0);
    let fd = i32::try_from(question.call().args[0]).ok()?;
    let mut threads = world.lock();
    let at = threads.loans.iter().position(|loan| (loan.process, loan.fd) == (process, fd))?;
    let mut loan = threads.loans.remove(at)?;
    if !question.target().fd_path(fd)?.starts_with(COPY) {
        return None;
    }
    // The dead are not in the tree any more.
    let dead = Shown { state: Stopped::No, tracer: 0, hidden: loan.hidden };
    let shown = threads.shown(loan.tid, caller).unwrap_or(dead);
    let copy = match beginning(&mut loan.file) {
        Some(contents) => loan.kind.rewrite(&contents, shown, &own_name()?),
        None => None,
    };
    let file = copy.as_deref().map_or_else(|| Lent::Open(loan.file.as_raw_fd()), Lent::Copy);
    question.lend(file, Some(fd))?;
    if copy.is_some() {
        threads.loans.push_back(loan);
    }
    Some(0)
}

/// A thread asks what file system a file is of. Of a copy it is told what the file itself says. Answers the result of the
/// call.
pub(super) fn file_system(world: &World, question: &mut Question<'_>) -> Option<i64> {
    let process = question.task().process().0;
    let (layout, fd, to) = Layout::of(question.call())?;
    let threads = world.lock();
    let loan = threads.loans.iter().find(|loan| (loan.process, loan.fd) == (process, fd))?;
    if !question.target().fd_path(fd)?.starts_with(COPY) {
        return None;
    }
    let device = loan.file.metadata().ok()?.dev();
    let bytes = layout.bytes_of(&rustix::fs::fstatfs(&loan.file).ok()?, device);
    match question.target().store(Addr(to), &bytes) {
        Ok(written) if written == bytes.len() => Some(0),
        _ => Some(num::EFAULT),
    }
}

/// How a caller has what describes a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `struct statfs` of 64-bit programs (`asm-generic/statfs.h`).
    Wide,
    /// `struct compat_statfs`.
    Narrow,
    /// `struct compat_statfs64`, which is packed on x86.
    Narrow64,
}

impl Layout {
    /// The layout, the file and the address of a call; `None` for one that fails whatever the file is.
    fn of(call: &Syscall) -> Option<(Layout, i32, u64)> {
        let [fd, second, third, ..] = call.args;
        // The kernel looks at the low half only (`unsigned int fd`).
        let fd = u32::try_from(fd & 0xffff_ffff).ok()?.cast_signed();
        match Width::known(call.arch, call.number)?.0 {
            Width::Wide => Some((Layout::Wide, fd, second)),
            Width::Narrow if call.number != FSTATFS64 => Some((Layout::Narrow, fd, second)),
            // `kcompat_sys_fstatfs64()` in fs/statfs.c takes this size only.
            Width::Narrow => (second == 84).then_some((Layout::Narrow64, fd, third)),
        }
    }

    /// The bytes of the fields from the type to the flags, and those of the spare words, which are cleared.
    fn sizes(self) -> ([usize; 11], usize) {
        match self {
            Layout::Wide => ([8; 11], 32),
            Layout::Narrow => ([4, 4, 4, 4, 4, 4, 4, 8, 4, 4, 4], 16),
            Layout::Narrow64 => ([4, 4, 8, 8, 8, 8, 8, 8, 4, 4, 4], 16),
        }
    }

    /// What the kernel writes. The id of a file system of the kernel's own is its device (`simple_statfs()`).
    fn bytes_of(self, stat: &rustix::fs::StatFs, device: u64) -> Vec<u8> {
        let words = [
            stat.f_type.cast_unsigned(),
            stat.f_bsize.cast_unsigned(),
            stat.f_blocks,
            stat.f_bfree,
            stat.f_bavail,
            stat.f_files,
            stat.f_ffree,
            device,
            stat.f_namelen.cast_unsigned(),
            stat.f_frsize.cast_unsigned(),
            stat.f_flags.cast_unsigned(),
        ];
        let (sizes, spare) = self.sizes();
        let fields = words.into_iter().zip(sizes);
        let written = fields.flat_map(|(word, size)| word.to_le_bytes().into_iter().take(size));
        written.chain(std::iter::repeat_n(0, spare)).collect()
    }
}

/// All of a file; it stands at its beginning again. `None` if there is nothing to be read any more.
fn beginning(file: &mut File) -> Option<Vec<u8>> {
    let mut contents = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    let read = file.read_to_end(&mut contents);
    file.seek(SeekFrom::Start(0)).ok()?;
    read.ok().map(|_| contents)
}

/// The thread and the file that a path names.
fn meant(path: &str, process: u32, thread: u32) -> Option<(u32, Kind)> {
    let mut parts = path.strip_prefix("/proc/")?.split('/');
    let number = |part: &str| part.parse::<u32>().ok();
    let mut tid = match parts.next()? {
        "self" => process,
        "thread-self" => thread,
        part => number(part)?,
    };
    let mut last = parts.next()?;
    if last == "task" {
        tid = number(parts.next()?)?;
        last = parts.next()?;
    }
    let kind = match last {
        "status" => Kind::Status,
        "stat" => Kind::Stat,
        _ => return None,
    };
    parts.next().is_none().then_some((tid, kind))
}

impl Threads {
    /// What is to be shown of a thread to this caller; `None` for one outside the tree.
    fn shown(&self, tid: u32, caller: u32) -> Option<Shown> {
        let thread = self.threads.get(&tid)?;
        let mut links = self.links.values().filter(|link| link.tracee == tid && link.tracer != 0);
        let held = links.clone().any(|link| matches!(link.state, State::Stopped(..) | State::Listening));
        let state = match thread.halted {
            // It sleeps for this answer.
            _ if tid == caller => Stopped::Runs,
            _ if held => Stopped::ForTracer,
            Halted::Yes => Stopped::ByJobControl,
            Halted::No => Stopped::No,
        };
        let tracer = links.find(|link| !matches!(link.state, State::Ended(_)));
        Some(Shown {
            state,
            tracer: tracer.map_or(0, |link| link.tracer),
            hidden: u32::from(thread.how == Caught::AsQuestions),
        })
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Status => "status",
            Kind::Stat => "stat",
        }
    }

    /// The file as it is to be shown; `None` if that is how it is. `host` is the thread that the kernel takes for the
    /// tracer.
    fn rewrite(self, file: &[u8], shown: Shown, host: &str) -> Option<Vec<u8>> {
        let after = match self {
            Kind::Status => status(file, shown, host)?,
            Kind::Stat => stat(file, shown)?,
        };
        (after != file).then_some(after)
    }
}

/// The number of the calling thread, which is the host's.
fn own_name() -> Option<String> {
    let link = fs::read_link("/proc/thread-self").ok()?;
    link.file_name()?.to_str().map(str::to_owned)
}

fn status(file: &[u8], shown: Shown, host: &str) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(file).ok()?;
    let filters = |line: &str| line.strip_prefix("Seccomp_filters:\t").and_then(|n| n.parse::<u32>().ok());
    let unfiltered = text.lines().find_map(filters) == Some(shown.hidden);
    let mut after = String::with_capacity(text.len());
    for line in text.lines() {
        match line.split_once('\t') {
            Some(("State:", _)) if shown.state == Stopped::Runs => after.push_str("State:\tR (running)"),
            Some(("State:", "t (tracing stop)")) => after.push_str(match shown.state {
                Stopped::ForTracer => line,
                Stopped::ByJobControl => "State:\tT (stopped)",
                Stopped::No | Stopped::Runs => "State:\tS (sleeping)",
            }),
            Some(("TracerPid:", pid)) if pid == host => {
                after.push_str(&format!("TracerPid:\t{}", shown.tracer));
            }
            Some(("Seccomp:", "2")) if unfiltered => after.push_str("Seccomp:\t0"),
            Some(("Seccomp_filters:", count)) => {
                let count = count.parse::<u32>().ok()?.saturating_sub(shown.hidden);
                after.push_str(&format!("Seccomp_filters:\t{count}"));
            }
            _ => after.push_str(line),
        }
        after.push('\n');
    }
    Some(after.into_bytes())
}

fn stat(file: &[u8], shown: Shown) -> Option<Vec<u8>> {
    // The name before it may hold anything, a parenthesis too.
    let at = file.windows(2).rposition(|pair| pair == b") ")? + 2;
    let mut after = file.to_vec();
    let wrong = |state: &u8| *state == b't' || shown.state == Stopped::Runs;
    let state = after.get_mut(at).filter(|state| wrong(state))?;
    *state = match shown.state {
        Stopped::Runs => b'R',
        Stopped::ForTracer => b't',
        Stopped::ByJobControl => b'T',
        Stopped::No => b'S',
    };
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTRACED: Shown = Shown { state: Stopped::ByJobControl, tracer: 0, hidden: 1 };

    #[test]
    fn a_path_names_a_thread() {
        let cases = [
            ("/proc/77/status", Some((77, Kind::Status))),
            ("/proc/77/task/78/stat", Some((78, Kind::Stat))),
            ("/proc/self/stat", Some((5, Kind::Stat))),
            ("/proc/self/task/6/stat", Some((6, Kind::Stat))),
            ("/proc/thread-self/status", Some((6, Kind::Status))),
            ("/proc/stat", None),
            ("/proc/77/status/x", None),
            ("/proc/77/statm", None),
            ("/sys/77/stat", None),
        ];
        for (path, found) in cases {
            assert_eq!(meant(path, 5, 6), found, "{path}");
        }
    }

    #[test]
    fn what_the_host_does_is_taken_out_of_status() {
        let file = "Name:\tx\nState:\tt (tracing stop)\nTracerPid:\t9\nSeccomp:\t2\nSeccomp_filters:\t1\n";
        let rewritten = |shown| String::from_utf8(status(file.as_bytes(), shown, "9").unwrap()).unwrap();
        assert_eq!(
            rewritten(UNTRACED),
            "Name:\tx\nState:\tT (stopped)\nTracerPid:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n"
        );
        let traced = Shown { state: Stopped::ForTracer, tracer: 4, hidden: 0 };
        assert_eq!(rewritten(traced), file.replace("TracerPid:\t9", "TracerPid:\t4"));
        assert!(
            String::from_utf8_lossy(&status(file.as_bytes(), UNTRACED, "8").unwrap()).contains("Pid:\t9")
        );
    }

    #[test]
    fn the_state_in_stat_stands_behind_the_name() {
        let of = |file: &[u8]| Kind::Stat.rewrite(file, UNTRACED, "9");
        assert_eq!(of(b"7 (a) t (b) t 1 7"), Some(b"7 (a) t (b) T 1 7".to_vec()));
        assert_eq!(of(b"7 (t) S 1 7"), None);
        let me = Shown { state: Stopped::Runs, ..UNTRACED };
        assert_eq!(Kind::Stat.rewrite(b"7 (t) S 1 7", me, "9"), Some(b"7 (t) R 1 7".to_vec()));
    }
}
