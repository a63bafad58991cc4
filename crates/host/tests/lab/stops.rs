//! Stops on real threads: several holders, steps beside system-call reports, job control, vfork, exec.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use utrace_abi::UserRegs;
use utrace_core::{
    Action, CloneKind, EngineRef, Event, EventSet, Interest, JctlKind, Progress, Regset, SignalAction,
    SignalKind, Task,
};
use utrace_host::{CoreDump, Ending};
use utrace_testkit::conform::{Log, Probe, Report, Seen};

use crate::bench::{Lab, send, state, status, until, until_held, until_up};

const SCHED_YIELD: u64 = 24;
const ENTRY: Seen = Seen::Event(Event::SyscallEntry);
const EXIT: Seen = Seen::Event(Event::SyscallExit);
const JCTL: Seen = Seen::Event(Event::Jctl);
const STOP: i32 = 19;
const CONT: i32 = 18;

fn tid(task: &Task) -> i32 {
    task.id().0.cast_signed()
}

fn yields() -> Interest {
    Interest::in_syscalls([SCHED_YIELD].into_iter().collect())
}

fn resume(engine: &EngineRef) {
    assert_eq!(engine.control(Action::Resume), Ok(Progress::Done));
}

#[test]
fn sc_032_the_last_holder_lets_go() {
    let log = Log::new();
    let lab = Lab::new();
    let [a, b] = ["A", "B"].map(|name| Probe::new(name, &log).once(EXIT, Action::Stop));
    let process = lab.launch("Y m1", move |task| {
        task.attach_for(yields(), a).unwrap();
        task.attach_for(yields(), b).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let engines = task.engines();
    resume(&engines[0]);
    assert!(task.is_stopped(), "B holds it");
    assert_eq!(state(tid(&task)), "t");
    resume(&engines[1]);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(lab.wrote(), "m1");
}

/// Steps from the first call on, until `over`.
fn stepper(log: &Log, over: impl Fn() -> bool + Send + 'static, step: Action) -> Probe {
    let mut stepping = false;
    Probe::new("S", log).answers(move |_, report| match report {
        Report::SyscallExit(_) => {
            stepping = true;
            Action::Report
        }
        Report::Quiesce(None) if stepping => step,
        Report::Signal(signal) if stepping => {
            if over() {
                stepping = false;
            } else if signal.info.number == 5 || signal.kind == SignalKind::Report {
                return step;
            }
            Action::Resume
        }
        _ => Action::Resume,
    })
}

#[test]
fn no_call_is_missed_while_another_engine_steps() {
    // Filtered, where the filter shows the entries, and not.
    for all in [false, true] {
        for step in [Action::SingleStep, Action::BlockStep] {
            let log = Log::new();
            let lab = Lab::new();
            let seen = log.clone();
            let over = move || seen.count("S", EXIT) >= 4;
            let s = stepper(&log, over, step);
            let c = Probe::new("C", &log);
            let process = lab.launch("Y Y Y Y Y m1", move |task| {
                let interest = yields() | (EventSet::SIGNAL | Event::Quiesce);
                task.attach_for(interest, s).unwrap();
                let interest = if all { Interest::in_events(EventSet::SYSCALL) } else { yields() };
                task.attach_for(interest, c).unwrap();
            });
            assert_eq!(process.wait(), Ok(Ending::Exited(0)));
            assert_eq!(lab.wrote(), "m1");
            let traps = log.calls("S", Event::SignalCore).len();
            assert!(traps > 20, "{traps} steps");
            let calls: Vec<_> = log.of("C").into_iter().filter(|seen| [ENTRY, EXIT].contains(seen)).collect();
            if !all {
                assert_eq!(calls, [ENTRY, EXIT].repeat(5), "{step:?}");
            }
            // Entry and exit in turn: none is lost between, but for the exit of the execve, whose entry was ours.
            let pairs = calls.chunks(2).filter(|pair| *pair == [ENTRY, EXIT]).count();
            assert!(pairs + 1 >= calls.len() / 2, "{calls:?}");
        }
    }
}

#[test]
fn a_step_over_a_call_traps_behind_it_as_it_does_untraced() {
    let pcs = |beside: bool| {
        let log = Log::new();
        let lab = Lab::new();
        let found: Arc<Mutex<Vec<u64>>> = Arc::default();
        let pcs = Arc::clone(&found);
        let mut steps = 0;
        let s = Probe::new("S", &log).answers(move |cx, report| match report {
            Report::SyscallExit(_) if steps == 0 => Action::Report,
            Report::Quiesce(None) => Action::SingleStep,
            Report::Signal(_) if steps < 400 => {
                steps += 1;
                let mut regs = [0; UserRegs::SIZE];
                cx.target().regset(Regset(1), &mut regs).unwrap();
                // Addresses differ from run to run by whole pages.
                pcs.lock().unwrap().push(UserRegs::from_bytes(&regs).rip & 0xfff);
                Action::SingleStep
            }
            _ => Action::Resume,
        });
        let process = lab.launch("Y Y Y m1", move |task| {
            task.attach_for(yields() | (EventSet::SIGNAL | Event::Quiesce), s).unwrap();
            if beside {
                let c = Probe::silent("C");
                task.attach_for(Interest::in_events(EventSet::SYSCALL), c).unwrap();
            }
        });
        assert_eq!(process.wait(), Ok(Ending::Exited(0)));
        found.lock().unwrap().clone()
    };
    // Both are the processor's own steps, or ours in their place.
    assert_eq!(pcs(true)[..200], pcs(false)[..200]);
}

#[test]
fn sc_044_a_continue_is_reported_when_the_holder_lets_go() {
    let log = Log::new();
    let lab = Lab::new();
    let kinds: Arc<Mutex<Vec<JctlKind>>> = Arc::default();
    let found = Arc::clone(&kinds);
    let probe = Probe::new("A", &log).answers(move |_, report| {
        if let Report::Jctl(jctl) = report {
            found.lock().unwrap().push(jctl.kind);
        }
        Action::Resume
    });
    let process = lab.launch("W m1", move |task| {
        task.attach_for(Event::Jctl, probe).unwrap();
    });
    let pid = process.pid().raw();
    let task = process.tasks()[0].clone();
    let a = task.engines()[0].clone();
    until_up(pid);
    send(pid, STOP);
    log.until("A", JCTL);
    // In a group stop: done at once, and it stays when the process is continued.
    until(|| a.control(Action::Stop) == Ok(Progress::Done));
    send(pid, CONT);
    until(|| state(pid) == "t" && status(pid, "SigPnd:") == 0);
    lab.go();
    assert!(task.is_stopped());
    assert_eq!(*kinds.lock().unwrap(), [JctlKind::Stopped], "a held task makes no report");
    resume(&a);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(*kinds.lock().unwrap(), [JctlKind::Stopped, JctlKind::Continued]);
    assert_eq!(lab.wrote(), "m1");
}

#[test]
fn sc_044_the_other_way_round_both_are_needed() {
    let lab = Lab::new();
    let log = Log::new();
    let probe = Probe::new("A", &log);
    let process = lab.launch("W m1", move |task| {
        task.attach_for(Event::Jctl, probe).unwrap();
    });
    let pid = process.pid().raw();
    let task = process.tasks()[0].clone();
    let a = task.engines()[0].clone();
    until_up(pid);
    send(pid, STOP);
    log.until("A", JCTL);
    // Only what is stopped may be let past its wait: else it may be over before the signal is sent.
    lab.go();
    until(|| a.control(Action::Stop) == Ok(Progress::Done));
    resume(&a);
    assert!(!task.is_stopped());
    assert!(matches!(state(pid).as_str(), "t" | "T"), "the group stop is still there");
    send(pid, CONT);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.count("A", JCTL), 2);
}

#[test]
fn sc_045_a_held_thread_joins_a_group_stop_when_it_is_let_go() {
    let log = Log::new();
    let lab = Lab::new();
    let probe = Probe::new("A", &log).answers(|_, report| match report {
        Report::SyscallExit(_) => Action::Stop,
        _ => Action::Resume,
    });
    let process = lab.launch("T Y m1", move |task| {
        task.attach_for(yields() | EventSet::from(Event::Jctl), probe).unwrap();
    });
    let pid = process.pid().raw();
    let task = process.tasks()[0].clone();
    until_held(&task);
    let a = task.engines()[0].clone();
    send(pid, STOP);
    let threads = || std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    until(|| {
        threads()
            .filter_map(Result::ok)
            .all(|entry| state(entry.file_name().to_str().unwrap().parse().unwrap()) == "t")
    });
    assert_eq!(log.count("A", JCTL), 0, "held, it makes no report");
    resume(&a);
    log.until("A", JCTL);
    assert_eq!(lab.wrote(), "");
    send(pid, CONT);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!((lab.wrote().as_str(), log.count("A", JCTL)), ("m1", 2));
}

#[test]
fn stops_and_continues_come_in_turn_however_fast_they_are() {
    let lab = Lab::new();
    let kinds: Arc<Mutex<Vec<JctlKind>>> = Arc::default();
    let found = Arc::clone(&kinds);
    let probe = Probe::silent("A").answers(move |_, report| {
        if let Report::Jctl(jctl) = report {
            found.lock().unwrap().push(jctl.kind);
        }
        Action::Resume
    });
    let process = lab.launch("T W m1", move |task| {
        task.attach_for(Event::Jctl, probe).unwrap();
    });
    let pid = process.pid();
    until_up(pid.raw());
    for _ in 0..40 {
        send(pid.raw(), STOP);
        send(pid.raw(), CONT);
    }
    lab.go();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    let kinds = kinds.lock().unwrap();
    for (at, kind) in kinds.iter().enumerate() {
        let expected = if at % 2 == 0 { JctlKind::Stopped } else { JctlKind::Continued };
        assert_eq!(*kind, expected, "{kinds:?}");
    }
    assert_eq!(kinds.len() % 2, 0, "{kinds:?}");
}

#[test]
fn a_kill_in_a_group_stop_leaves_no_stop_behind() {
    let log = Log::new();
    let lab = Lab::new();
    let probe = Probe::new("A", &log);
    let process = lab.launch("W m1", move |task| {
        task.attach_for(Event::Jctl | Event::Exit | Event::Death, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_up(process.pid().raw());
    send(process.pid().raw(), STOP);
    log.until("A", JCTL);
    send(process.pid().raw(), 9);
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    assert!(!task.is_stopped());
    assert_eq!(log.of("A"), [JCTL, Seen::Event(Event::Exit), Seen::Event(Event::Death)]);
}

#[test]
fn sc_048_arguments_changed_during_a_stop_are_seen_and_run() {
    for again in [Action::Report, Action::Resume] {
        let log = Log::new();
        let lab = Lab::new();
        let exits: Arc<Mutex<Vec<u64>>> = Arc::default();
        let found = Arc::clone(&exits);
        let probe = Probe::new("A", &log).answers(move |_, report| match report {
            Report::SyscallEntry(entry) if entry.call().args[0] == 5 && !entry.resumed() => Action::Stop,
            Report::SyscallExit(exit) => {
                found.lock().unwrap().push(exit.call().unwrap().args[0]);
                Action::Resume
            }
            _ => Action::Resume,
        });
        let exit_group = Interest::in_syscalls([231].into_iter().collect());
        let process = lab.launch("e5", move |task| {
            task.attach_for(exit_group | EventSet::from(Event::Quiesce), probe).unwrap();
        });
        let task = process.tasks()[0].clone();
        until_held(&task);
        let a = task.engines()[0].clone();
        let set = |number: u64, first: u64| {
            a.examine(|target| {
                let mut regs = [0; UserRegs::SIZE];
                target.regset(Regset(1), &mut regs).unwrap();
                let mut regs = UserRegs::from_bytes(&regs);
                (regs.orig_rax, regs.rdi) = (number, first);
                target.set_regset(Regset(1), &regs.to_bytes()).unwrap();
            })
        };
        set(231, 6).unwrap();
        assert_eq!(a.control(again), Ok(Progress::Done));
        assert_eq!(process.wait(), Ok(Ending::Exited(6)), "{again:?}");
        let entries = log.calls("A", Event::SyscallEntry);
        let seen: Vec<_> = entries.iter().map(|call| (call.detail, call.resumed)).collect();
        let expected: &[_] = if again == Action::Report { &[(5, false), (6, true)] } else { &[(5, false)] };
        assert_eq!(seen, expected);
    }
}

#[test]
fn the_exit_report_shows_the_call_as_it_was_changed_during_the_stop() {
    let log = Log::new();
    let lab = Lab::new();
    let exits: Arc<Mutex<Vec<(u64, i64)>>> = Arc::default();
    let found = Arc::clone(&exits);
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::SyscallEntry(_) => Action::Stop,
        Report::SyscallExit(exit) => {
            found.lock().unwrap().push((exit.call().unwrap().number, exit.value()));
            Action::Resume
        }
        _ => Action::Resume,
    });
    let process = lab.launch("Y m1", move |task| {
        task.attach_for(yields(), probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let a = task.engines()[0].clone();
    a.examine(|target| {
        let mut regs = [0; UserRegs::SIZE];
        target.regset(Regset(1), &mut regs).unwrap();
        let mut regs = UserRegs::from_bytes(&regs);
        regs.orig_rax = 39;
        target.set_regset(Regset(1), &regs.to_bytes()).unwrap();
    })
    .unwrap();
    resume(&a);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(exits.lock().unwrap()[0], (39, i64::from(process.pid().raw())), "getpid");
}

#[test]
fn sc_052_a_task_killed_before_a_call_does_not_make_it() {
    let lab = Lab::new();
    let probe = Probe::silent("A").answers(|_, report| match report {
        Report::SyscallEntry(_) => Action::Stop,
        _ => Action::Resume,
    });
    let write = Interest::in_syscalls([1].into_iter().collect());
    let process = lab.launch("m1", move |task| {
        task.attach_for(write, probe).unwrap();
    });
    until_held(&process.tasks()[0]);
    send(process.pid().raw(), 9);
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    assert_eq!(lab.wrote(), "");
}

#[test]
fn sc_068_a_vfork_parent_is_held_before_it_waits_and_its_child_runs() {
    let log = Log::new();
    let lab = Lab::new();
    let inner = log.clone();
    let a = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            assert_eq!(clone.kind, CloneKind::Vfork);
            clone.child.attach_for(Event::Death, Probe::new("child", &inner)).unwrap();
            Action::Stop
        }
        _ => Action::Resume,
    });
    let b = Probe::new("B", &log).answers(|_, report| match report {
        Report::Clone(_) => Action::Report,
        _ => Action::Resume,
    });
    let process = lab.launch("V m1", move |task| {
        task.attach_for(Event::Clone, a).unwrap();
        task.attach_for(Event::Clone | Event::Quiesce, b).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let before = log.count("B", Seen::Quiesce(None));
    // The child runs to its end all the same.
    log.until("child", Seen::Event(Event::Death));
    assert!(task.is_stopped());
    assert_eq!(lab.wrote(), "");
    resume(&task.engines()[0]);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(lab.wrote(), "m1");
    assert!(log.count("B", Seen::Quiesce(None)) > before, "B's report was not lost in A's stop");
}

#[test]
fn sc_071_an_exec_ends_siblings_that_are_held() {
    let log = Log::new();
    let lab = Lab::new();
    let (give, take) = channel();
    let inner = log.clone();
    let probe = Probe::new("L", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            // The thread that will exec: held at its birth.
            let x = clone.child.attach_for(EventSet::from(Event::Exec), Probe::new("X", &inner)).unwrap();
            let _ = x.control(Action::Stop).unwrap();
            give.send(x).unwrap();
            Action::Resume
        }
        _ => Action::Resume,
    });
    let process = lab.launch("X", move |task| {
        task.attach_for(Event::Clone | Event::Death, probe).unwrap();
    });
    let leader = process.tasks()[0].clone();
    let x = take.recv().unwrap();
    until_held(x.task());
    let former = x.task().id();
    // The leader is held too.
    let l = leader.engines()[0].clone();
    let _ = l.control(Action::Stop).unwrap();
    until_held(&leader);
    resume(&x);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.count("L", Seen::Event(Event::Death)), 1);
    assert_eq!(log.count("X", Seen::Event(Event::Exec)), 1);
    assert_ne!(x.task().id(), former);
    assert_eq!(x.task().id().0.cast_signed(), process.pid().raw());
}

#[test]
fn a_stop_asked_for_across_a_non_leader_exec_holds_the_new_program() {
    let log = Log::new();
    let lab = Lab::new();
    let (give, take) = channel();
    let probe = Probe::new("L", &log).answers(move |_, report| match report {
        Report::Clone(clone) => {
            let x = Probe::silent("X").answers(|_, report| match report {
                Report::Exec(_) => Action::Stop,
                _ => Action::Resume,
            });
            give.send(clone.child.attach_for(EventSet::from(Event::Exec), x).unwrap()).unwrap();
            Action::Resume
        }
        _ => Action::Resume,
    });
    let process = lab.launch("X", move |task| {
        task.attach_for(Event::Clone, probe).unwrap();
    });
    let x = take.recv().unwrap();
    until_held(x.task());
    let mut name = None;
    x.examine(|target| name = target.program()).unwrap();
    assert_eq!(name, Some(b"true".to_vec()));
    assert!(process.ended().is_none());
    resume(&x);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
}

#[test]
fn sc_037_a_step_survives_anothers_stop() {
    let log = Log::new();
    let lab = Lab::new();
    let a = Probe::new("A", &log).once(EXIT, Action::Stop);
    let b = Probe::new("B", &log).answers(|_, report| match report {
        Report::SyscallExit(_) => Action::Report,
        Report::Quiesce(None) => Action::SingleStep,
        Report::Signal(signal) if signal.info.number == 5 => {
            signal.action = SignalAction::Ignore;
            Action::Resume
        }
        _ => Action::Resume,
    });
    let process = lab.launch("Y m1", move |task| {
        task.attach_for(yields(), a).unwrap();
        task.attach_for(yields() | (Event::Quiesce | Event::SignalCore), b).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    assert_eq!(log.calls("B", Event::SignalCore).len(), 0);
    resume(&task.engines()[0]);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert!(!log.calls("B", Event::SignalCore).is_empty());
}
