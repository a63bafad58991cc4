//! One visit of each tracer: attach to every process of a server, log, stop, resume, detach.
//!
//! Our own stops are made through the host library ([`role`]), in a process of its own so that it can run as the
//! ordinary user; `utrace attach` and strace stop nothing for longer than they must, gdb stops from attach to detach.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};
use utrace_core::{
    Action, CloneReport, Cx, Engine, EngineRef, Event, EventSet, Interest, SyscallEntry, Task,
};
use utrace_engines::registry;
use utrace_engines::tool::Origin;
use utrace_host::{Host, HostError, Tid};

use crate::Res;
use crate::server::{NOBODY, Server, tree};

/// How long a visit logs.
const LOGS: Duration = Duration::from_millis(20);
/// How long a short visit stops, and a long one.
const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(1);
/// After so much of a long stop nobody can be on the way to it any more.
const SETTLED: Duration = Duration::from_millis(300);

/// How often.
#[derive(Clone, Copy)]
pub(crate) struct Visits {
    /// Visits with a short stop, or none.
    pub(crate) short: u32,
    /// Visits with a stop of a second.
    pub(crate) stops: u32,
}

/// Who traces as whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Root,
    User,
}

/// Who comes.
#[derive(Clone, Copy)]
pub(crate) enum Tracer {
    Nobody,
    /// Engines of ours: a log, and one that stops.
    Library(Who),
    /// `utrace attach --log`.
    Command(Who),
    Strace,
    Gdb,
}

impl Tracer {
    pub(crate) const ALL: [Tracer; 7] = [
        Tracer::Nobody,
        Tracer::Library(Who::Root),
        Tracer::Library(Who::User),
        Tracer::Command(Who::Root),
        Tracer::Command(Who::User),
        Tracer::Strace,
        Tracer::Gdb,
    ];

    /// Whether this user can play it.
    pub(crate) fn is_possible(self) -> bool {
        getuid().is_root() || !matches!(self, Tracer::Library(Who::Root) | Tracer::Command(Who::Root))
    }

    /// Whether it is none of ours.
    pub(crate) fn is_rival(self) -> bool {
        matches!(self, Tracer::Strace | Tracer::Gdb)
    }

    /// Visits a server so often.
    pub(crate) fn visit(self, server: &Server, visits: Visits) -> Res<()> {
        let all = (0..visits.short).map(|_| SHORT).chain((0..visits.stops).map(|_| LONG));
        match self {
            Tracer::Nobody => Ok(()),
            Tracer::Library(who) => run_role(who, server.pid(), visits),
            Tracer::Command(who) => {
                let utrace = beside_us("utrace")?;
                all.into_iter().try_for_each(|stop| {
                    come_and_go(
                        as_user(&utrace, who).args(["attach", "--log=/dev/null"]),
                        server,
                        LOGS + stop,
                    )
                })
            }
            Tracer::Strace => all.into_iter().try_for_each(|_| {
                come_and_go(Command::new("strace").args(["-f", "-o", "/dev/null"]), server, LOGS)
            }),
            // It takes one process; each has its turn.
            Tracer::Gdb => all.into_iter().enumerate().try_for_each(|(turn, stop)| {
                let pids = server.pids();
                gdb(pids[turn % pids.len()], stop)
            }),
        }
    }
}

impl fmt::Display for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let as_whom = |who: &Who| if *who == Who::Root { "root" } else { "user" };
        match self {
            Tracer::Nobody => f.write_str("nobody"),
            Tracer::Library(who) => write!(f, "utrace, {}", as_whom(who)),
            Tracer::Command(who) => write!(f, "utrace attach, {}", as_whom(who)),
            Tracer::Strace => f.write_str("strace -f -p"),
            Tracer::Gdb => f.write_str("gdb -p -batch"),
        }
    }
}

fn as_user(program: &str, who: Who) -> Command {
    let mut command = Command::new(program);
    if who == Who::User && getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A program of ours: an example stands in a folder below the binaries.
fn beside_us(name: &str) -> Res<String> {
    let exe = std::env::current_exe().map_err(|e| e.to_string())?;
    let path = exe.parent().and_then(|dir| dir.parent()).map(|dir| dir.join(name)).unwrap_or_default();
    if path.exists() {
        Ok(path.display().to_string())
    } else {
        Err(format!("{} is not built", path.display()))
    }
}

/// Starts a tracer on all processes, lets it log once it says of each that it is attached, and ends it.
fn come_and_go(command: &mut Command, server: &Server, stay: Duration) -> Res<()> {
    let pids = server.pids();
    for pid in &pids {
        command.args(["-p", &pid.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut tracer = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
    let told = attached(&mut tracer, &pids);
    thread::sleep(stay);
    kill_process(Pid::from_child(&tracer), Signal::TERM).map_err(|e| e.to_string())?;
    let status = tracer.wait().map_err(|e| e.to_string())?;
    // strace dies of the signal that it was given, as it should.
    told.map_err(|line| format!("{command:?}: {line} {status}"))
}

/// Reads one word for each process: that it is attached, or that it has gone before.
fn attached(tracer: &mut Child, pids: &[u32]) -> Res<()> {
    let mut lines = BufReader::new(tracer.stderr.take().ok_or("no stderr")?).lines();
    for _ in pids {
        match lines.next() {
            Some(Ok(line))
                if ["attached", "o such process", "dead already"].iter().any(|word| line.contains(word)) => {}
            Some(Ok(line)) => return Err(line),
            _ => return Err("it ended early".to_owned()),
        }
    }
    // Nothing fills the pipe before it ends.
    thread::spawn(move || lines.for_each(drop));
    Ok(())
}

fn gdb(pid: u32, stop: Duration) -> Res<()> {
    let sleep = format!("shell sleep {}", stop.as_secs_f64());
    let mut command = Command::new("gdb");
    command.args(["-nx", "-batch", "-p", &pid.to_string(), "-ex", &sleep]);
    command.stdin(Stdio::null()).output().map(drop).map_err(|e| format!("{command:?}: {e}"))
}

fn run_role(who: Who, pid: u32, visits: Visits) -> Res<()> {
    let us = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = as_user(&us.display().to_string(), who);
    command.args(["--visit", &pid.to_string(), &visits.short.to_string(), &visits.stops.to_string()]);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{command:?}: {other:?}")),
    }
}

/// `--visit PID SHORT STOPS`: visits with our own engines, a fresh host each time.
pub(crate) fn role(args: &[&str]) -> Res<()> {
    let [pid, short, stops] = args else { return Err(format!("--visit {args:?}")) };
    let number = |text: &str| text.parse::<u32>().map_err(|e| format!("{text}: {e}"));
    let (pid, short, stops) = (number(pid)?, number(short)?, number(stops)?);
    for stop in (0..short).map(|_| SHORT).chain((0..stops).map(|_| LONG)) {
        visit_once(&tree(pid), stop)?;
    }
    Ok(())
}

fn visit_once(pids: &[u32], stop: Duration) -> Res<()> {
    let log = registry::find("log").ok_or("no log")?;
    let log = log.parse("/dev/null").map_err(|e| e.to_string())?.open().map_err(|e| e.to_string())?;
    let log = Arc::new(log);
    let hold = Hold::default();
    let host =
        Host::builder().notices(|notice| eprintln!("    {notice}")).start().map_err(|e| e.to_string())?;
    for pid in pids.iter().filter_map(|pid| Tid::new(pid.cast_signed())) {
        let (hold, log) = (hold.clone(), Arc::clone(&log));
        let adopt = move |task: &Task| {
            let _ = log.attach(task, Origin::Attached);
            hold.attach(task);
        };
        match host.attach(pid, adopt) {
            // Processes come and go.
            Ok(_) | Err(HostError::NoSuchProcess(_) | HostError::Zombie(_) | HostError::AlreadyOurs(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    thread::sleep(LOGS);
    hold.all(Action::Stop);
    let made = if stop > SETTLED {
        thread::sleep(SETTLED);
        let before = hold.calls.load(Ordering::Relaxed);
        thread::sleep(stop - SETTLED);
        hold.calls.load(Ordering::Relaxed) - before
    } else {
        thread::sleep(stop);
        0
    };
    hold.all(Action::Resume);
    host.shutdown();
    log.finish().map_err(|e| e.to_string())?;
    if made == 0 { Ok(()) } else { Err(format!("it made {made} calls in a stop")) }
}

/// An engine that counts calls, on every task, and the handles to hold them by.
#[derive(Clone, Default)]
struct Hold {
    engines: Arc<Mutex<Vec<EngineRef>>>,
    calls: Arc<AtomicU64>,
    /// What a callback answers takes the place of what was asked for before, so each must answer a stop too.
    stopping: Arc<AtomicBool>,
}

impl Hold {
    fn attach(&self, task: &Task) {
        let interest =
            Interest::in_events(EventSet::from(Event::SyscallEntry) | Event::Clone | Event::Quiesce);
        // A task that died meanwhile needs no hold.
        if let Ok(engine) = task.attach_for(interest, self.clone()) {
            self.engines.lock().unwrap_or_else(PoisonError::into_inner).push(engine);
        }
    }

    /// Those that died meanwhile refuse.
    fn all(&self, action: Action) {
        self.stopping.store(action == Action::Stop, Ordering::SeqCst);
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for engine in engines {
            let _ = engine.control(action);
        }
    }

    fn answer(&self) -> Action {
        if self.stopping.load(Ordering::SeqCst) { Action::Stop } else { Action::Resume }
    }
}

impl Engine for Hold {
    fn name(&self) -> &str {
        "hold"
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.answer()
    }

    fn quiesce(&mut self, _cx: &mut Cx<'_>, _event: Option<Event>) -> Action {
        self.answer()
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        self.attach(&clone.child);
        self.answer()
    }
}
