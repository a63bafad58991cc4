//! What the end-to-end tests share: running the real binary as root or as an ordinary user, and looking at what
//! came of it.
//!
//! Key types: [`Place`], a folder that every user can read, with a copy of the binary in it (the target folder
//! may be readable by root alone); [`Who`]; [`Run`], a command with its outcome [`Ran`]. Every child has a
//! deadline, after which it is killed and the test fails: a hanging tracer must not hang the tests.
#![expect(dead_code, reason = "every test file uses another part of it")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests: what fails here is the test")]

pub(crate) mod normal;
pub(crate) mod pty;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use utrace_testkit::fixtures;

/// How long anything may take; the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(120);

/// `nobody` of every Linux system.
const NOBODY: u32 = 65534;

/// Who runs the tracer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever runs the tests.
    Me,
    /// The user `nobody`.
    Nobody,
}

/// Everybody that these tests can be: an ordinary user can only be itself.
pub(crate) fn everybody() -> Vec<Who> {
    if is_root() { vec![Who::Me, Who::Nobody] } else { vec![Who::Me] }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test did not run, and why.
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Whether a tool is there; says so if not.
pub(crate) fn there(tool: &str) -> bool {
    let found = std::process::Command::new(tool).arg("--version").output().is_ok();
    if !found {
        skip(&format!("no {tool} on this machine"));
    }
    found
}

/// A folder of this test's own, which all users may read and write, removed at the end.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // A run that was killed leaves its folder, and its process id comes again.
        let path = loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("utrace-test-{}-{count}", std::process::id()));
            match fs::create_dir(&path) {
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => break made.map(|()| path).unwrap(),
            }
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
        // A supervisor of this test's own, for each user: what one test does to it no other sees.
        for who in ["run", "run-nobody"] {
            fs::create_dir(path.join(who)).unwrap();
            fs::set_permissions(path.join(who), fs::Permissions::from_mode(0o777)).unwrap();
        }
        Place(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A copy of the fixture in this folder.
    pub(crate) fn fixture(&self, name: &str) -> PathBuf {
        let to = self.path(name);
        if to.exists() { to } else { fixtures::copy_to(name, &self.0).unwrap() }
    }

    /// The tool, in this folder.
    pub(crate) fn utrace(&self) -> PathBuf {
        let to = self.path("utrace");
        if !to.exists() {
            // A hard link, where it works, saves copying the debug binary for every test. A copy is made by another
            // process: a test that forks while this one writes would keep the file busy (ETXTBSY in execve(2)).
            let from = env!("CARGO_BIN_EXE_utrace");
            if fs::hard_link(from, &to).is_err() {
                assert!(Command::new("cp").arg(from).arg(&to).status().unwrap().success());
            }
        }
        to
    }

    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// `utrace ARGS`, in this folder.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::new(self.utrace()).args(args).in_folder(&self.0).with_runtime(&self.0)
    }

    /// Any other program, in this folder.
    pub(crate) fn other<S: AsRef<OsStr>>(
        &self,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = S>,
    ) -> Run {
        Run::new(program).args(args).in_folder(&self.0).with_runtime(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A command to run, with its outcome caught.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The exit code, or 1000 and the signal that killed it.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 1000 + self.status.signal().unwrap_or(0))
    }

    /// Fails the test unless it exited so; shows all it said.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl Run {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Run {
        let mut command = Command::new(program);
        // An environment of its own: cargo's has search paths for libraries, of which every program would speak.
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", "/");
        command.env("NO_COLOR", "1").env("LC_ALL", "C").stdin(Stdio::piped());
        Run { command, input: Vec::new() }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Run {
        self.command.args(args);
        self
    }

    pub(crate) fn folder(self, folder: &Path) -> Run {
        self.in_folder(folder)
    }

    fn in_folder(mut self, folder: &Path) -> Run {
        self.command.current_dir(folder);
        self
    }

    fn with_runtime(self, place: &Path) -> Run {
        let runtime = place.join("run");
        self.env("XDG_RUNTIME_DIR", runtime.to_str().unwrap())
    }

    pub(crate) fn env(mut self, key: &str, value: &str) -> Run {
        self.command.env(key, value);
        self
    }

    pub(crate) fn who(mut self, who: Who) -> Run {
        if who == Who::Nobody {
            let runtime = self.command.get_envs().find(|(key, _)| *key == "XDG_RUNTIME_DIR");
            if let Some(mut runtime) = runtime.and_then(|(_, value)| Some(value?.to_owned())) {
                runtime.push("-nobody");
                self.command.env("XDG_RUNTIME_DIR", runtime);
            }
            self.command.uid(NOBODY).gid(NOBODY);
        }
        self
    }

    pub(crate) fn input(mut self, text: &str) -> Run {
        self.input = text.as_bytes().to_owned();
        self
    }

    pub(crate) fn stderr(mut self, to: Stdio) -> Run {
        self.command.stderr(to);
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn go(mut self) -> Ran {
        let input = std::mem::take(&mut self.input);
        let mut live = self.start();
        let mut stdin = live.stdin.take().unwrap();
        let feeder = thread::spawn(move || {
            use std::io::Write as _;
            let _ = stdin.write_all(&input);
        });
        let ran = live.finish();
        feeder.join().unwrap();
        ran
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn start(mut self) -> Live {
        self.command.stdout(Stdio::piped());
        self.command.stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap();
        let pid = child.id();
        let err = child.stderr.take();
        let err = thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut err) = err {
                let _ = err.read_to_end(&mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let guard = Guard::new(pid);
        let out = BufReader::new(child.stdout.take().unwrap());
        Live { stdin: child.stdin.take(), out, err, child, guard }
    }
}

/// A running command.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) stdin: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    err: JoinHandle<String>,
    child: Child,
    guard: Guard,
}

impl Live {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line of its stdout, without the newline; empty at the end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.out.read_until(b'\n', &mut line).unwrap();
        String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned()
    }

    /// Waits until it has said `ready`; answers the rest of that line.
    #[track_caller]
    pub(crate) fn wait_ready(&mut self) -> String {
        loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix("ready") {
                return rest.trim().to_owned();
            }
            assert!(!line.is_empty(), "ended without being ready");
        }
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Closes its stdin and waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Ran {
        drop(self.stdin.take());
        let mut out = Vec::new();
        let _ = self.out.read_to_end(&mut out);
        let status = self.child.wait().unwrap();
        assert!(!self.guard.over(), "killed: it did not end in {DEADLINE:?}");
        let err = self.err.join().unwrap();
        Ran { status, out: String::from_utf8_lossy(&out).into_owned(), err }
    }
}

/// Kills a process when its time is over.
#[derive(Debug)]
struct Guard {
    done: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<bool>>,
}

impl Guard {
    fn new(pid: u32) -> Guard {
        let (done, heard) = mpsc::channel::<()>();
        let watch = move || {
            let over = heard.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout);
            if over && let Some(pid) = rustix::process::Pid::from_raw(pid.cast_signed()) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            over
        };
        Guard { done: Some(done), thread: Some(thread::spawn(watch)) }
    }

    /// Ends the watch; whether it had to kill.
    fn over(&mut self) -> bool {
        drop(self.done.take());
        self.thread.take().is_some_and(|t| t.join().unwrap())
    }
}

/// Words to arguments, for short command lines in tests.
pub(crate) fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

/// A field of `/proc/PID/status`.
pub(crate) fn status_field(pid: u32, key: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or("").trim().to_owned()
}

/// All descendants of a process, as `/proc` shows them now; zombies too.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let mut all: Vec<u32> = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in text.split_whitespace().filter_map(|c| c.parse().ok()) {
            all.push(child);
            all.extend(children(child));
        }
    }
    // The host keeps a sleeping helper of its own; it is no part of the program.
    all.retain(|pid| !fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|c| c.starts_with("utrace")));
    all
}

/// Whether a process runs no more.
pub(crate) fn is_gone(pid: u32) -> bool {
    let state = status_field(pid, "State");
    state.is_empty() || state.starts_with(['Z', 'X'])
}

/// Waits, by looking again, until `what` holds; fails the test at the deadline. For states of other processes that
/// nobody can be told about; looking yields the processor.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let from = std::time::Instant::now();
    while !holds() {
        assert!(from.elapsed() < DEADLINE, "waited too long until {what}");
        thread::yield_now();
    }
}

/// Waits until a process sleeps in the syscall with this number (`/proc/PID/syscall`). One that a tracer has stopped
/// at the call's entry shows the number too, and is not there yet.
#[track_caller]
pub(crate) fn wait_blocked_in(pid: u32, number: u32) {
    let want = format!("{number} ");
    wait_until("it blocks", || {
        status_field(pid, "State").starts_with('S')
            && fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|text| text.starts_with(&want))
    });
}
