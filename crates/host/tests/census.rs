//! The census: every blocking call against everything that we do to its thread, compared with the undisturbed run.
//!
//! The result stands in `docs/quiet.md`; `UTRACE_WRITE=1` has this test write it there, otherwise it is compared.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command as Std, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use utrace_core::{Action, CloneReport, Cx, Engine, EngineRef, Event, EventSet, Interest, Progress};
use utrace_host::{Command, Host, Tid};
use utrace_testkit::census::{self, Outcome, Row, Sleeper, Verdict, compare};
use utrace_testkit::fixtures;

/// Cases at a time: they sleep most of it.
const TOGETHER: usize = 12;
/// Times are taken on a busy machine: another one counts only if it comes up again and again.
const TRIES: u32 = 4;

/// When the first signal comes to cases that are sent some (crates/testkit/fixtures/census.c), and how often a tracer is
/// tried that has to be killed before.
const FIRST_SIGNAL: Duration = Duration::from_millis(150);
const LATE_TRIES: u32 = 20;

/// What is done to a thread in its call.
#[derive(Clone, Copy)]
enum Way {
    /// It is launched with every system call traced, its children too.
    Run,
    /// Attached to with every system call wanted, and left when it is over.
    Attach,
    /// Attached to and left at once, while it sleeps.
    Visit,
    /// Asked to stop ten times, and let go each time before it did.
    Stop,
    /// Asked to stop, held when it does, and let go.
    Hold,
    /// The tracer is killed while it sleeps.
    Crash,
}

const WAYS: [(Way, &str); 6] = [
    (Way::Run, "run"),
    (Way::Attach, "attach"),
    (Way::Visit, "attach, detach"),
    (Way::Stop, "stop, resume (10 times)"),
    (Way::Hold, "stop at the return"),
    (Way::Crash, "tracer killed"),
];

/// Wants everything of a thread and of its children; holds once if it is told.
#[derive(Clone)]
struct Watch {
    interest: Interest,
    held: Option<Sender<EngineRef>>,
}

impl Engine for Watch {
    fn name(&self) -> &str {
        "watch"
    }
    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        match (event, self.held.take()) {
            (None, Some(held)) => {
                let _ = held.send(cx.engine());
                Action::Stop
            }
            (_, held) => {
                self.held = held;
                Action::Resume
            }
        }
    }
    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        let _ = clone.child.attach_for(self.interest, Clone::clone(self));
        Action::Resume
    }
}

fn disturbed(way: Way, name: &str) -> Outcome {
    match way {
        Way::Run => launched(name),
        Way::Attach => attached(name, EventSet::SYSCALL.into(), None),
        Way::Visit => attached(name, EventSet::SYSCALL.into(), Some(Visit::Leave)),
        Way::Stop => attached(name, Event::Quiesce.into(), Some(Visit::Stop)),
        Way::Hold => attached(name, Event::Quiesce.into(), Some(Visit::Hold)),
        Way::Crash => crashed(name),
    }
}

fn launched(name: &str) -> Outcome {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let to = std::env::temp_dir().join(format!("census.{}.{count}", std::process::id()));
    let host = Host::start().unwrap();
    let command = Command::new("sh").args(["-c", r#""$0" "$1" >"$2"; echo "status $?" >>"$2""#]).args([
        fixtures::build("census").as_os_str(),
        name.as_ref(),
        to.as_os_str(),
    ]);
    let watch = Watch { interest: (EventSet::SYSCALL | Event::Clone).into(), held: None };
    let process =
        host.launch(&command, move |task| drop(task.attach_for(watch.interest, watch.clone()))).unwrap();
    process.wait().unwrap();
    let text = std::fs::read_to_string(&to).unwrap();
    std::fs::remove_file(&to).unwrap();
    Outcome::parse(&text)
}

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Leave,
    Stop,
    Hold,
}

fn attached(name: &str, interest: Interest, visit: Option<Visit>) -> Outcome {
    let sleeper = Sleeper::start(name).unwrap();
    let host = Host::start().unwrap();
    let (give, engines) = channel();
    let (hold, held) = channel();
    let watch = Watch { interest, held: (visit == Some(Visit::Hold)).then_some(hold) };
    let pid = Tid::new(sleeper.pid).unwrap();
    // It may be over before we come: then there is nothing to disturb, and the comparison says so.
    let attached = host.attach(pid, move |task| {
        if let Ok(engine) = task.attach_for(watch.interest, watch.clone()) {
            let _ = give.send(engine);
        }
    });
    let engines: Vec<EngineRef> = if attached.is_ok() { engines.iter().collect() } else { Vec::new() };
    match visit {
        Some(Visit::Leave) => host.shutdown(),
        Some(Visit::Stop) => {
            for engine in engines.iter().cycle().take(engines.len() * 10) {
                let _ = engine.control(Action::Stop);
                let _ = engine.control(Action::Resume);
                engine.barrier().unwrap_or(());
            }
        }
        Some(Visit::Hold) => {
            for engine in &engines {
                let _: Result<Progress, _> = engine.control(Action::Stop);
            }
            drop(engines);
            // Ends when the engines, and with them the senders, are gone.
            for engine in held {
                while engine.control(Action::Stop) == Ok(Progress::InProgress) {
                    std::thread::yield_now();
                }
                let _ = engine.control(Action::Resume);
            }
        }
        None => {}
    }
    sleeper.finish().unwrap()
}

/// A tracer in a process of its own, which says "traced" once it has attached.
fn other_tracer(pid: i32) -> Child {
    let mut child = Std::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_tracer_that_is_killed", "--ignored", "--nocapture"])
        .env("CENSUS_PID", pid.to_string())
        .stdout(Stdio::piped())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("traced") {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the tracer ended early");
    }
    child
}

#[test]
#[ignore = "a process of the other tests, not a test"]
fn the_tracer_that_is_killed() {
    let Some(pid) = std::env::var("CENSUS_PID").ok().and_then(|pid| pid.parse().ok()).and_then(Tid::new)
    else {
        return;
    };
    let host = Host::start().unwrap();
    let watch = Watch { interest: EventSet::SYSCALL.into(), held: None };
    let attached = host.attach(pid, move |task| drop(task.attach_for(watch.interest, watch.clone())));
    // An answer to a second request: what the first one asked for is done.
    let again = host.attach(pid, |_| ());
    println!("traced {} {}", attached.is_ok(), again.is_ok());
    let mut rest = String::new();
    std::io::stdin().read_to_string(&mut rest).unwrap();
}

/// A tracer that dies after an ignored signal has come, and before the time-out that only it knows of, is on the list of
/// what is not perfect (docs/quiet.md): it is to die before, so a machine that is too busy for that gets another try.
fn crashed(name: &str) -> Outcome {
    let mut attempt = 0;
    loop {
        let sleeper = Sleeper::start(name).unwrap();
        let mut tracer = other_tracer(sleeper.pid);
        tracer.kill().unwrap();
        tracer.wait().unwrap();
        let late = sleeper.ready.elapsed() >= FIRST_SIGNAL && name.ends_with("_ignored");
        let outcome = sleeper.finish().unwrap();
        attempt += 1;
        if !late || attempt == LATE_TRIES {
            return outcome;
        }
        println!("{name}: the tracer was killed too late");
    }
}

fn row(name: &str, ways: &[(Way, &str)]) -> Row {
    let mut undisturbed = Sleeper::start(name).unwrap().finish().unwrap();
    let first = undisturbed.clone();
    let verdicts = ways.iter().map(|(way, title)| {
        let mut verdict = Verdict::Same;
        if let Outcome::Skipped(_) = undisturbed {
            return Verdict::Skipped;
        }
        for attempt in 0..TRIES {
            verdict = compare(&undisturbed, &disturbed(*way, name));
            if !matches!(verdict, Verdict::Time(_)) {
                break;
            }
            println!("{name}, {title}: {verdict:?} at attempt {attempt}");
            // It may have been the other one that the machine was too busy for.
            undisturbed = Sleeper::start(name).unwrap().finish().unwrap();
        }
        if verdict != Verdict::Same {
            println!("{name}, {title}: {undisturbed:?} became {verdict:?}");
        }
        verdict
    });
    let verdicts = verdicts.collect();
    Row { name: name.to_owned(), undisturbed: format!("{first:?}"), verdicts }
}

/// All rows, several at a time, in the order of the names.
fn rows(names: &[String], ways: &[(Way, &str)]) -> Vec<Row> {
    let next = Mutex::new(names.iter().enumerate());
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..TOGETHER {
            scope.spawn(|| {
                loop {
                    let Some((at, name)) = next.lock().unwrap().next() else { return };
                    let row = row(name, ways);
                    found.lock().unwrap().push((at, row));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, row)| row).collect()
}

#[test]
fn nothing_that_we_do_is_seen_by_a_blocked_call() {
    let only = std::env::var("CENSUS").unwrap_or_default();
    let mut names = census::names();
    names.retain(|name| name.contains(&only));
    let titles: Vec<&str> = WAYS.iter().map(|(_, title)| *title).collect();
    let rows = rows(&names, &WAYS);
    let table = census::table(&titles, &rows);
    println!("{table}");
    if !only.is_empty() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/quiet.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (said, new) = census::section(&document, "census", &table).unwrap();
    if std::env::var_os("UTRACE_WRITE").is_some() {
        std::fs::write(&path, new).unwrap();
    } else if rows.iter().all(|row| !row.verdicts.contains(&Verdict::Skipped)) {
        assert_eq!(said, table, "docs/quiet.md says otherwise");
    }
}
