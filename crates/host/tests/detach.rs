//! Leaving one process or thread while the host goes on, and leaving quickly.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

#[path = "common/guest.rs"]
mod guest;

use std::io::{Read as _, Write as _};
use std::process::{Command as Std, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use guest::Guest;
use utrace_core::{Action, Cx, Engine, Event, EventSet, Interest, Progress, SignalReport};
use utrace_host::{AfterTracer, Command, Ending, Host, HostError, Tid};
use utrace_testkit::conform::{Drops, Log, Probe, Seen};
use utrace_testkit::fixtures;

fn tracer_of(tid: i32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("TracerPid:\t")).unwrap_or("gone").to_owned()
}

fn threads(pid: Tid) -> Vec<i32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_process_is_left_without_its_noticing_and_the_host_goes_on() {
    for (kind, args) in [
        ("epoll_stdin", &["epoll_stdin"][..]),
        ("poll", &["poll"]),
        ("read", &["read"]),
        ("nanosleep", &["nanosleep", "300"]),
        ("epoll", &["epoll", "300"]),
    ] {
        for wanted in [EventSet::ALL, EventSet::from(Event::Exit)] {
            let native = Guest::new("blocked", args).finish();
            let host = Host::start().unwrap();
            let (log, drops) = (Log::new(), Drops::new());
            let (guest, process) = loop {
                let guest = Guest::new("blocked", args);
                let (seen, counted) = (log.clone(), drops.clone());
                let attached = host.attach(guest.pid, move |task| {
                    task.attach_for(wanted, Probe::new("A", &seen).counted(&counted)).unwrap();
                });
                match attached {
                    // On a busy machine a short sleep may be over by now.
                    Err(HostError::NoSuchProcess(_)) if args.len() > 1 => drop(guest.finish()),
                    attached => break (guest, attached.unwrap()),
                }
            };
            host.detach(guest.pid).unwrap();
            assert_eq!(drops.count(), 1, "the engine is gone when the call returns");
            let so_far = log.all().len();
            assert!(host.tasks().is_empty());
            assert!(matches!(host.detach(guest.pid), Err(HostError::NotTraced(_))));
            // The host serves others.
            assert_eq!(host.launch(&Command::new("true"), |_| ()).unwrap().wait(), Ok(Ending::Exited(0)));
            if kind == "read" || kind == "poll" || kind == "epoll_stdin" {
                assert_eq!(tracer_of(guest.pid.raw()), "0", "{kind}");
                assert_eq!(process.wait(), Ok(Ending::Left));
            }
            assert_eq!(guest.finish(), native, "{kind}");
            assert_eq!(log.all().len(), so_far, "no callback after the detach");
            host.shutdown();
        }
    }
}

/// The clock that is set for a thread that runs counts the time it ran, and that was taken for a tick: a stop was
/// thought to be on its way, nobody looked again, and the detach waited until the sleep ended.
#[test]
fn who_goes_to_sleep_right_after_the_look_is_left() {
    let mut cat =
        Std::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = Tid::new(cat.id().cast_signed()).unwrap();
    let (mut to, mut from) = (cat.stdin.take(), cat.stdout.take().unwrap());
    let host = Arc::new(Host::start().unwrap());
    for round in 0..300 {
        host.attach(pid, |task| {
            task.attach_for(Event::Exit, Probe::silent("A")).unwrap();
        })
        .unwrap();
        // Awake for some microseconds, then in its read again.
        to.as_ref().unwrap().write_all(b"x").unwrap();
        let (leaver, (tell, told)) = (Arc::clone(&host), channel());
        let leaving = std::thread::spawn(move || drop(tell.send(leaver.detach(pid))));
        let left = told.recv_timeout(Duration::from_secs(20));
        if left.is_err() {
            drop(to.take());
        }
        leaving.join().unwrap();
        assert_eq!(left, Ok(Ok(())), "round {round}");
        from.read_exact(&mut [0]).unwrap();
        // Caught in its write, it is left at the end of that.
        while tracer_of(pid.raw()) != "0" {
            std::thread::yield_now();
        }
    }
    drop(to);
    assert!(cat.wait().unwrap().success());
}

#[test]
fn one_thread_is_left_and_the_others_stay() {
    let guest = Guest::new("threads_parked", &["3"]);
    let host = Host::start().unwrap();
    let log = Log::new();
    let seen = log.clone();
    let process = host
        .attach(guest.pid, move |task| {
            task.attach_for(Event::Exit, Probe::new("A", &seen)).unwrap();
        })
        .unwrap();
    let all = threads(guest.pid);
    let one = *all.iter().find(|tid| **tid != guest.pid.raw()).unwrap();
    host.detach_thread(Tid::new(one).unwrap()).unwrap();
    for tid in all.iter().copied() {
        assert_eq!(tracer_of(tid) == "0", tid == one, "{tid}");
    }
    assert!(matches!(host.detach_thread(Tid::new(one).unwrap()), Err(HostError::NotTraced(_))));
    assert_eq!(guest.finish().1, "status 0");
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.count("A", Seen::Event(Event::Exit)), all.len() - 1);
    drop(host);
}

#[test]
fn a_process_that_makes_threads_and_calls_all_the_time_is_left_whole() {
    for round in 0..10 {
        let guest = Guest::new("thread_storm", &["2000"]);
        let host = Host::start().unwrap();
        let everything = Interest::in_events(EventSet::SYSCALL | Event::Clone);
        let Ok(process) = host.attach(guest.pid, move |task| {
            task.attach_for(everything, Probe::silent("A")).unwrap();
        }) else {
            continue;
        };
        if host.detach(guest.pid).is_ok() {
            let ending = process.wait().unwrap();
            assert!(matches!(ending, Ending::Left | Ending::Exited(0)), "{ending:?}");
        }
        assert_eq!(guest.finish().1, "status 0", "round {round}");
    }
}

/// Whoever waits for the process hears that it was left, also if its last traced thread was not left but ended.
#[test]
fn a_process_whose_leader_was_left_is_left_when_its_other_threads_end() {
    let mut guest = Guest::new("threads_parked", &["3"]);
    let host = Host::start().unwrap();
    let process = host.attach(guest.pid, |_| ()).unwrap();
    host.detach_thread(guest.pid).unwrap();
    drop(guest.shell.stdin.take());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || drop(tell.send(process.wait())));
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(Ok(Ending::Left)));
    assert_eq!(guest.finish().1, "status 0");
}

#[test]
fn a_process_is_left_from_a_loop_of_calls_at_any_point_of_them() {
    let host = Host::start().unwrap();
    for _ in 0..30 {
        let command = Command::new(fixtures::build("signal_lab"));
        // It must make each of its calls once: a skipped one would fail, a repeated one write twice.
        let out = std::env::temp_dir().join(format!("utrace-detach-{}", std::process::id()));
        let _ = std::fs::remove_file(&out);
        let words: Vec<String> = (0..300).map(|word| format!("m{word}")).collect();
        let command = command.args(words.iter()).env("LAB_OUT", &out).after_tracer(AfterTracer::LivesOn);
        let log = Log::new();
        let seen = log.clone();
        let process = host
            .launch(&command, move |task| {
                task.attach_for(EventSet::SYSCALL, Probe::new("A", &seen)).unwrap();
            })
            .unwrap();
        while log.all().len() < 40 {
            std::thread::yield_now();
        }
        match host.detach(process.pid()) {
            Ok(()) => {
                assert!(matches!(process.wait(), Ok(Ending::Left | Ending::Exited(0))));
            }
            Err(error) => assert!(matches!(error, HostError::NotTraced(_)), "{error}"),
        }
        let all = words.join(" ");
        let limit = Instant::now() + Duration::from_secs(20);
        while std::fs::read_to_string(&out).unwrap_or_default().trim_end() != all {
            assert!(Instant::now() < limit, "{:?}", std::fs::read_to_string(&out));
            std::thread::yield_now();
        }
        std::fs::remove_file(out).unwrap();
    }
}

/// A thread that stands in a stop we had not waited for looked blocked in its call, which nobody should wait for.
#[test]
fn who_makes_calls_is_nobodys_tracee_when_the_detach_returns() {
    let host = Host::start().unwrap();
    let guest = Guest::new("spin", &[]);
    for _ in 0..100 {
        host.attach(guest.pid, |task| {
            task.attach_for(EventSet::SYSCALL, Probe::silent("A")).unwrap();
        })
        .unwrap();
        host.detach(guest.pid).unwrap();
        assert_eq!(tracer_of(guest.pid.raw()), "0");
    }
    let _ = Std::new("kill").arg(guest.pid.to_string()).status();
    guest.finish();
}

#[test]
fn a_held_process_runs_on_when_it_is_left() {
    let host = Host::start().unwrap();
    for (event, number) in [(Event::SyscallEntry, 24_u64), (Event::SyscallExit, 24)] {
        let command = Command::new(fixtures::build("signal_lab")).args(["Y", "e7"]);
        let command = command.after_tracer(AfterTracer::LivesOn);
        let probe = Probe::silent("A").once(Seen::Event(event), Action::Stop);
        let mut interest = Interest::in_syscalls([number].into_iter().collect());
        interest.events = EventSet::from(event);
        let process = host
            .launch(&command, move |task| {
                task.attach_for(interest, probe).unwrap();
            })
            .unwrap();
        let task = process.tasks()[0].clone();
        while !task.is_stopped() {
            std::thread::yield_now();
        }
        host.detach(process.pid()).unwrap();
        assert_eq!(process.wait(), Ok(Ending::Left));
    }
}

#[test]
fn what_runs_behind_a_filter_cannot_be_left() {
    let host = Host::start().unwrap();
    let interest = Interest::in_syscalls([39].into_iter().collect());
    let command = Command::new("sleep").args(["1000"]);
    let process = host
        .launch(&command, move |task| {
            task.attach_for(interest, Probe::silent("A")).unwrap();
        })
        .unwrap();
    assert_eq!(host.detach(process.pid()), Err(HostError::Filtered(process.pid())));
    host.shutdown();
}

#[test]
fn a_thread_that_only_computes_is_left_at_once() {
    let mut lasted = Vec::new();
    for _ in 0..5 {
        let guest = Guest::new("spin", &["compute"]);
        let host = Host::start().unwrap();
        let log = Log::new();
        let seen = log.clone();
        host.attach(guest.pid, move |task| {
            task.attach_for(EventSet::ALL, Probe::new("A", &seen)).unwrap();
        })
        .unwrap();
        // Once it has reported, the wish for calls is served too: it runs under PTRACE_SYSCALL.
        let _ = host.tasks()[0].engines()[0].control(Action::Report).unwrap();
        log.until("A", Seen::Quiesce(None));
        let before = Instant::now();
        host.shutdown();
        lasted.push(before.elapsed());
        assert_eq!(tracer_of(guest.pid.raw()), "0");
        let kill = std::process::Command::new("kill").args(["-9", &guest.pid.to_string()]).status();
        assert!(kill.unwrap().success());
        guest.finish();
    }
    // It was waited for in vain each time, for half a second; the shortest says whether it is, on a busy machine too.
    let shortest = lasted.into_iter().min().unwrap();
    assert!(shortest < Duration::from_millis(450), "{shortest:?}");
}

/// INV-22: the end of a host let a held thread run before its engines had left, so for that moment who asked was told
/// that he held it.
#[test]
fn a_held_thread_runs_on_only_when_its_engines_have_left() {
    let mut spin = Std::new(fixtures::build("spin")).spawn().unwrap();
    let pid = Tid::new(spin.id().cast_signed()).unwrap();
    let host = Host::start().unwrap();
    let ((tell, told), (stops, stopped)) = (channel(), channel());
    let process = host.attach(pid, |_| ()).unwrap();
    let probe = Probe::silent("A").dropped(move || drop(tell.send(state_of(pid)))).answers(move |_, _| {
        stops.send(()).unwrap();
        Action::Stop
    });
    let engine = process.tasks()[0].attach_for(Event::Quiesce, probe).unwrap();
    assert_eq!(engine.control(Action::Stop), Ok(Progress::InProgress));
    stopped.recv_timeout(Duration::from_secs(30)).unwrap();
    // What the callback answered is being carried out.
    while engine.control(Action::Stop) != Ok(Progress::Done) {
        std::thread::yield_now();
    }
    assert_eq!(state_of(pid), "t");
    // Nobody but the list keeps it from here on.
    drop(engine);
    host.shutdown();
    let at_its_drop = told.recv_timeout(Duration::from_secs(30)).unwrap();
    drop(process);
    spin.kill().unwrap();
    spin.wait().unwrap();
    assert_eq!(at_its_drop, "t", "it was let go before its engine was");
}

/// `t` is a thread that its tracer holds (proc_pid_stat(5)).
fn state_of(pid: Tid) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default().to_owned()
}

/// Steps for ever.
struct Stepper(Sender<()>);

impl Engine for Stepper {
    fn name(&self) -> &str {
        "stepper"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _event: Option<Event>) -> Action {
        Action::SingleStep
    }
    fn signal(&mut self, _cx: &mut Cx<'_>, _signal: &mut SignalReport) -> Action {
        let _ = self.0.send(());
        Action::SingleStep
    }
}

/// How a task that steps is left.
#[derive(Clone, Copy, Debug)]
enum Leaving {
    Stepping,
    Interrupted,
    Held,
    SteppedBefore,
}

fn leaves_without_the_trap(leaving: Leaving, leave: impl Fn(Host, Tid)) {
    for _ in 0..8 {
        let guest = Guest::new("spin", &["compute"]);
        let (send, receive) = channel();
        let host = Host::start().unwrap();
        let process = host.attach(guest.pid, |_| ()).unwrap();
        let task = process.tasks()[0].clone();
        let stepper = task.attach_for(EventSet::SIGNAL | Event::Quiesce, Stepper(send)).unwrap();
        let _ = stepper.control(Action::Report).unwrap();
        for _ in 0..50 {
            // However long it takes: on a crowded machine fifty steps took more than 20 s. A host that fails hangs up.
            receive.recv().unwrap();
        }
        let other = task.attach(Probe::new("B", &Log::new())).unwrap();
        match leaving {
            Leaving::Stepping => {}
            Leaving::Interrupted => drop(other.control(Action::Interrupt).unwrap()),
            Leaving::Held => {
                let _ = other.control(Action::Stop).unwrap();
                while !task.is_stopped() {
                    std::thread::yield_now();
                }
            }
            Leaving::SteppedBefore => drop(stepper.control(Action::Detach).unwrap()),
        }
        leave(host, guest.pid);
        let killed = Std::new("kill").args(["-TERM", &guest.pid.to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(guest.finish().1, "status 143", "SIGTERM, and not SIGTRAP: {leaving:?}");
    }
}

/// The trap may wait behind another stop, the one it is left in.
#[test]
fn a_task_that_steps_is_left_without_the_trap() {
    for leaving in [Leaving::Stepping, Leaving::Interrupted, Leaving::Held, Leaving::SteppedBefore] {
        leaves_without_the_trap(leaving, |host, _| host.shutdown());
        leaves_without_the_trap(leaving, |host, pid| host.detach(pid).unwrap());
    }
}
