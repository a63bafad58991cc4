//! Signals on real threads: classes, details, every way of overriding one, and what follows a delivery.

use std::sync::{Arc, Mutex};

use utrace_abi::UserRegs;
use utrace_core::{
    Action, Disposition, EngineRef, Event, EventSet, Regset, SigInfo, SignalAction, SignalKind, SignalReport,
};
use utrace_host::{CoreDump, Ending, Notice};
use utrace_testkit::conform::{Log, Probe, Report, Seen};

use crate::bench::{Lab, send, status, until_held};

const SIGINT: u32 = 2;
const SIGQUIT: u32 = 3;
const SIGTRAP: u32 = 5;
const USR1: u32 = 10;
const USR2: u32 = 12;
const SIGTERM: u32 = 15;
const SIGCHLD: u32 = 17;
const SIGTSTP: u32 = 20;
const REAL_TIME: u32 = 40;
const REPORT: Seen = Seen::Path(SignalKind::Report);
const HANDLER: Seen = Seen::Path(SignalKind::Handler);

/// An engine that does something with each signal taken from the queue.
fn on_signal(log: &Log, mut does: impl FnMut(&mut SignalReport) -> Action + Send + 'static) -> Probe {
    Probe::new("A", log).answers(move |_, report| match report {
        Report::Signal(signal) if matches!(signal.kind, SignalKind::Taken(_)) => does(signal),
        _ => Action::Resume,
    })
}

/// An engine that gives one signal another action.
fn makes(number: u32, action: SignalAction) -> Probe {
    on_signal(&Log::new(), move |signal| {
        if signal.info.number == number {
            signal.action = action;
        }
        Action::Resume
    })
}

fn killed(signal: u32) -> Ending {
    Ending::Killed(signal.cast_signed(), CoreDump::No)
}

fn code(info: &SigInfo) -> i32 {
    i32::from_ne_bytes(info.raw[8..12].try_into().unwrap())
}

fn value(info: &SigInfo) -> i32 {
    i32::from_ne_bytes(info.raw[24..28].try_into().unwrap())
}

#[test]
fn the_five_kinds_are_told_apart() {
    let log = Log::new();
    let probe = on_signal(&log, |signal| {
        signal.action = SignalAction::Ignore;
        Action::Resume
    });
    let (ending, wrote) = Lab::new().run("h10 i12 r10 r12 r17 r15 r3 r20 q40 m1", probe, EventSet::SIGNAL);
    assert_eq!((ending, wrote.as_str()), (Ending::Exited(0), "m1"));
    let seen: Vec<_> = log.all().iter().map(|call| (call.seen, call.detail)).collect();
    let event = |event, number: u32| (Seen::Event(event), i64::from(number));
    assert_eq!(
        seen,
        [
            event(Event::Signal, USR1),
            event(Event::SignalIgn, USR2),
            event(Event::SignalIgn, SIGCHLD),
            event(Event::SignalTerm, SIGTERM),
            event(Event::SignalCore, SIGQUIT),
            event(Event::SignalStop, SIGTSTP),
            event(Event::SignalTerm, REAL_TIME),
        ]
    );
}

#[test]
fn an_engine_rewrites_details_and_number() {
    let probe = on_signal(&Log::new(), |signal| {
        if signal.info.number == REAL_TIME {
            assert_eq!((code(&signal.info), value(&signal.info)), (-1, 42), "as sigqueue(3) made it");
            signal.info.raw[24..28].copy_from_slice(&77_i32.to_ne_bytes());
        }
        if signal.info.number == USR1 {
            signal.info.number = USR2;
        }
        Action::Resume
    });
    let (ending, wrote) = Lab::new().run("h40 o12 q40 r10 r12", probe, EventSet::SIGNAL);
    assert_eq!(wrote, "h40:-1:77 h12:-6:0");
    assert_eq!(ending, killed(USR2), "the one-shot handler of the rewritten number is used up");
}

#[test]
fn a_signal_that_is_held_back_comes_again_with_its_details_and_ahead_of_others() {
    let log = Log::new();
    let mut turns = 0;
    let probe = on_signal(&log, move |signal| {
        if signal.info.number == REAL_TIME {
            turns += 1;
            assert_eq!((code(&signal.info), value(&signal.info)), (-1, 42), "turn {turns}");
            signal.hold = turns < 4;
        }
        Action::Resume
    });
    // Blocked and sent together: the kernel shows the lower number first only when both are in its queue.
    let (ending, wrote) = Lab::new().run("h40 h50 b40 b50 q50 q40 u40 u50", probe, EventSet::SIGNAL);
    assert_eq!((ending, wrote.as_str()), (Ending::Exited(0), "h40:-1:42 h50:-1:42"));
    let numbers: Vec<_> = log.calls("A", Event::Signal).iter().map(|call| call.detail).collect();
    assert_eq!(numbers, [40, 40, 40, 40, 50]);
}

#[test]
fn a_signal_that_is_held_back_for_ever_does_not_stop_the_tracer() {
    let log = Log::new();
    let lab = Lab::new();
    let probe = on_signal(&log, |signal| {
        signal.hold = true;
        Action::Resume
    });
    let process = lab.launch("h40 q40 m1 e3", move |task| {
        task.attach_for(EventSet::SIGNAL, probe).unwrap();
    });
    while log.calls("A", Event::Signal).len() < 100 {
        std::thread::yield_now();
    }
    // Others are served all the while.
    let other = Lab::new();
    assert_eq!(other.run("m1", Probe::silent("B"), EventSet::SIGNAL).1, "m1");
    let second = lab.launch("m2 e4", |_| ());
    assert_eq!(second.wait(), Ok(Ending::Exited(4)));
    assert_eq!(lab.wrote(), "m2");
    let task = &process.tasks()[0];
    let _ = task.engines()[0].control(Action::Detach).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(3)));
    assert_eq!(lab.wrote(), "m2 h40:-1:42 m1", "and its details were kept");
}

#[test]
fn sc_058_a_report_shows_what_is_left_of_the_signal_and_can_deliver_it() {
    let found: Arc<Mutex<Vec<(SignalKind, i32, i32)>>> = Arc::default();
    let infos = Arc::clone(&found);
    let probe = Probe::new("A", &Log::new()).answers(move |_, report| {
        let Report::Signal(signal) = report else { return Action::Resume };
        infos.lock().unwrap().push((signal.kind, code(&signal.info), value(&signal.info)));
        match signal.kind {
            SignalKind::Taken(_) => {
                signal.action = SignalAction::Ignore;
                Action::Stop
            }
            _ => {
                signal.action = SignalAction::Terminate;
                Action::Resume
            }
        }
    });
    let lab = Lab::new();
    let process = lab.launch("h40 q40 m1", move |task| {
        task.attach_for(Event::Quiesce | Event::Signal, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let _ = task.engines()[0].control(Action::Interrupt).unwrap();
    assert_eq!(process.wait(), Ok(killed(REAL_TIME)));
    assert_eq!(lab.wrote(), "");
    let found = found.lock().unwrap();
    let at = found.iter().position(|(kind, ..)| *kind == SignalKind::Taken(Event::Signal)).unwrap();
    assert_eq!(found[at..], [(SignalKind::Taken(Event::Signal), -1, 42), (SignalKind::Report, -1, 42)]);
}

#[test]
fn terminate_kills_with_the_signals_own_number() {
    // Handled, ignored and default ones; a dumping one leaves no core.
    for (args, number) in [
        ("h10 r10 m1", USR1),
        ("i15 r15 m1", SIGTERM),
        ("r2 m1", SIGINT),
        ("h3 r3 m1", SIGQUIT),
        ("h40 q40 m1", REAL_TIME),
    ] {
        let lab = Lab::new();
        let (ending, wrote) = lab.run(args, makes(number, SignalAction::Terminate), EventSet::SIGNAL);
        assert_eq!((ending, wrote.as_str()), (killed(number), ""), "{args}");
    }
    // No signal of that number kills.
    let (ending, _) = Lab::new().run("r17 m1", makes(SIGCHLD, SignalAction::Terminate), EventSet::SIGNAL);
    assert_eq!(ending, killed(9));
}

#[test]
fn terminate_kills_all_threads_and_opens_a_blocked_number() {
    let probe = on_signal(&Log::new(), |signal| {
        if signal.info.number == USR1 {
            signal.info.number = USR2;
            signal.action = SignalAction::Terminate;
        }
        Action::Resume
    });
    let (ending, wrote) = Lab::new().run("h10 h12 b12 T k10 m1 P", probe, EventSet::SIGNAL);
    assert!(wrote.is_empty() || wrote == "m1", "{wrote}");
    assert_eq!(ending, killed(USR2));
}

#[test]
fn a_disposition_is_overridden_for_one_delivery() {
    let override_with = |number: u32, disposition: Disposition| {
        on_signal(&Log::new(), move |signal| {
            if signal.info.number == number {
                signal.disposition = Some(disposition);
            }
            Action::Resume
        })
    };
    let run = |args: &str, number, disposition| {
        let lab = Lab::new();
        lab.run(args, override_with(number, disposition), EventSet::SIGNAL)
    };
    assert_eq!(run("i15 r15 m1", SIGTERM, Disposition::Default), (killed(SIGTERM), String::new()));
    assert_eq!(run("h10 r10 m1", USR1, Disposition::Default), (killed(USR1), String::new()));
    assert_eq!(run("h10 r10 m1", USR1, Disposition::Ignored), (Ending::Exited(0), "m1".into()));
    assert_eq!(run("h17 r17 m1", SIGCHLD, Disposition::Default), (Ending::Exited(0), "m1".into()));
    assert_eq!(run("h10 r10 m1", USR1, Disposition::Caught).1, "h10:-6:0 m1");
}

#[test]
fn stop_and_tstp_stop_the_process_whatever_was_declared() {
    for (action, number) in
        [(SignalAction::Stop, USR1), (SignalAction::TStop, USR1), (SignalAction::TStop, SIGTSTP)]
    {
        let log = Log::new();
        let lab = Lab::new();
        let probe = Probe::new("A", &log).answers(move |_, report| match report {
            Report::Signal(signal) if signal.info.number == number => {
                signal.action = action;
                Action::Resume
            }
            _ => Action::Resume,
        });
        let command = lab.command(if number == SIGTSTP { "r20 m1" } else { "h10 r10 m1" });
        let process = lab
            .host
            .launch(&command, move |task| {
                task.attach_for(EventSet::SIGNAL | Event::Jctl, probe).unwrap();
            })
            .unwrap();
        log.until("A", Seen::Event(Event::Jctl));
        assert_eq!(lab.wrote(), "", "{action:?}");
        send(process.pid().raw(), 18);
        assert_eq!(process.wait(), Ok(Ending::Exited(0)));
        assert_eq!(lab.wrote(), "m1");
        assert_eq!(log.count("A", Seen::Event(Event::Jctl)), 2);
    }
}

#[test]
fn sc_060_a_handler_is_reported_before_its_first_instruction() {
    let log = Log::new();
    let at: Arc<Mutex<Vec<u64>>> = Arc::default();
    let pcs = Arc::clone(&at);
    let probe = Probe::new("A", &log).answers(move |cx, report| {
        let mut regs = [0; UserRegs::SIZE];
        cx.target().regset(Regset(1), &mut regs).unwrap();
        match report {
            Report::Signal(signal) => {
                pcs.lock().unwrap().push(UserRegs::from_bytes(&regs).rip);
                match signal.kind {
                    SignalKind::Taken(Event::Signal) => Action::SingleStep,
                    SignalKind::Handler => Action::Stop,
                    _ => Action::Resume,
                }
            }
            _ => Action::Resume,
        }
    });
    let lab = Lab::new();
    let process = lab.launch("h10 r10 m1", move |task| {
        task.attach_for(Event::Quiesce | Event::Signal | Event::SignalCore, probe).unwrap();
    });
    log.until("A", HANDLER);
    let task = process.tasks()[0].clone();
    until_held(&task);
    assert_eq!(lab.wrote(), "", "nothing of the handler has run");
    let engine: EngineRef = task.engines()[0].clone();
    let _ = engine.control(Action::SingleStep).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(lab.wrote(), "h10:-6:0 m1");
    assert_eq!(log.count("A", HANDLER), 1);
    let traps = log.calls("A", Event::SignalCore);
    assert_eq!(traps.len(), 1, "one step, of one instruction");
    assert_eq!(traps[0].detail, i64::from(SIGTRAP));
}

#[test]
fn no_handler_report_is_made_that_nobody_asked_for() {
    let log = Log::new();
    let probe = Probe::new("A", &log);
    let (_, wrote) = Lab::new().run("h10 r10 r10 m1", probe, Event::Quiesce | Event::Signal);
    assert_eq!(wrote, "h10:-6:0 h10:-6:0 m1");
    assert_eq!((log.count("A", Seen::Event(Event::Signal)), log.count("A", HANDLER)), (2, 0));
}

#[test]
fn a_signal_that_waits_while_a_report_holds_the_task_is_reported_afterwards() {
    let log = Log::new();
    let lab = Lab::new();
    let mut first = true;
    let holder = Probe::new("H", &log).answers(move |_, report| match report {
        Report::Signal(signal) if signal.kind == SignalKind::Report && core::mem::take(&mut first) => {
            Action::Stop
        }
        _ => Action::Resume,
    });
    let probe = on_signal(&log, |signal| {
        signal.action = SignalAction::Ignore;
        Action::Resume
    });
    let process = lab.launch("h10 W P m1", move |task| {
        task.attach_for(Event::Quiesce, holder).unwrap();
        task.attach_for(EventSet::SIGNAL, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    let holder = task.engines()[0].clone();
    let pid = process.pid();
    lab.go();
    let paused =
        || std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|line| line.starts_with("34 "));
    while !paused() {
        std::thread::yield_now();
    }
    // Asked for without waking it, so the signal comes to the delivery stop first.
    let _ = holder.control(Action::Report).unwrap();
    send(pid.raw(), 10);
    until_held(&task);
    assert_eq!(log.count("A", Seen::Event(Event::Signal)), 0);
    let _ = holder.control(Action::Resume).unwrap();
    log.until("A", Seen::Event(Event::Signal));
    send(pid.raw(), 9);
    assert_eq!(process.wait(), Ok(killed(9)));
}

#[test]
fn blocked_and_ignored_signals_are_reported_when_they_are_taken() {
    let log = Log::new();
    let probe = Probe::new("A", &log);
    let lab = Lab::new();
    let (_, wrote) = lab.run("h10 i12 b10 b12 r10 r12 m1 u10 m2 u12 m3", probe, EventSet::SIGNAL);
    assert_eq!(wrote, "m1 h10:-6:0 m2 m3");
    let seen = log.of("A");
    assert_eq!(seen, [Seen::Event(Event::Signal), Seen::Event(Event::SignalIgn)]);
}

#[test]
fn sc_062_no_thread_dies_of_a_group_signal_that_an_engine_ignores() {
    let log = Log::new();
    let inner = log.clone();
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Signal(signal) => {
            if signal.info.number == SIGTERM {
                signal.action = SignalAction::Ignore;
            }
            Action::Resume
        }
        Report::Clone(clone) => {
            let probe = makes(SIGTERM, SignalAction::Ignore);
            clone.child.attach_for(EventSet::SIGNAL, probe).unwrap();
            let _ = &inner;
            Action::Resume
        }
        _ => Action::Resume,
    });
    let (ending, wrote) = Lab::new().run("T k15 k15 m1 e6", probe, EventSet::SIGNAL | Event::Clone);
    assert_eq!((ending, wrote.as_str()), (Ending::Exited(6), "m1"));
}

#[test]
fn sc_063_a_number_that_is_none_is_told_of() {
    let lab = Lab::new();
    let bogus = |action| {
        on_signal(&Log::new(), move |signal| {
            if signal.info.number == USR1 {
                signal.info.number = 0x80 | USR1;
                signal.action = action;
            }
            Action::Resume
        })
    };
    assert_eq!(lab.run("r10 m1", bogus(SignalAction::Terminate), EventSet::SIGNAL).0, killed(SIGTRAP));
    assert_eq!(lab.run("r10 m1", bogus(SignalAction::Deliver), EventSet::SIGNAL).0, Ending::Exited(0));
    let notices = lab.notices.lock().unwrap();
    let bad = |notice: &&Notice| matches!(notice, Notice::BadSignal { number: 0x8a, .. });
    assert_eq!(notices.iter().filter(bad).count(), 2, "{notices:?}");
}

#[test]
fn sc_064_a_kill_goes_before_all_that_waits() {
    let log = Log::new();
    let lab = Lab::new();
    let probe = on_signal(&log, |signal| {
        signal.action = SignalAction::Ignore;
        Action::Stop
    });
    let process = lab.launch("r10 m1", move |task| {
        task.attach_for(EventSet::SIGNAL, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let pid = process.pid().raw();
    for signal in [12, 15, 9] {
        send(pid, signal);
    }
    assert_eq!(process.wait(), Ok(killed(9)));
    assert_eq!((log.all().len(), lab.wrote().as_str()), (1, ""));
}

#[test]
fn a_signal_made_in_a_report_is_delivered_at_once_though_it_is_blocked() {
    let log = Log::new();
    let lab = Lab::new();
    let probe = Probe::new("A", &log).answers(move |_, report| match report {
        Report::Signal(signal) if signal.kind == SignalKind::Report => {
            signal.info.number = USR1;
            signal.info.raw[8..12].copy_from_slice(&(-60_i32).to_ne_bytes());
            signal.action = SignalAction::Deliver;
            Action::Resume
        }
        _ => Action::Resume,
    });
    let process = lab.launch("h10 W S m1", move |task| {
        task.attach_for(Event::Quiesce | Event::Signal, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    // Spinning in W: a stop of its own, where no signal can be given along.
    while std::fs::read(format!("/proc/{}/cmdline", process.pid())).is_ok_and(|line| !line.ends_with(b"m1\0"))
    {
        std::thread::yield_now();
    }
    while status(process.pid().raw(), "SigCgt:") & (1 << 9) == 0 {
        std::thread::yield_now();
    }
    let before = log.count("A", REPORT);
    let _ = task.engines()[0].control(Action::Interrupt).unwrap();
    while !lab.wrote().contains("h10") {
        std::thread::yield_now();
    }
    lab.go();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    let wrote = lab.wrote();
    assert!(wrote.starts_with("h10:-60:0") && wrote.ends_with("blk0:cgt200 m1"), "{wrote}");
    assert!(log.count("A", REPORT) > before);
    assert_eq!(log.calls("A", Event::Signal).len(), 0, "what was decided is not asked about again");
}

#[test]
fn a_signal_sent_by_an_engine_comes_as_from_the_kernel() {
    // At the entry of a call, and in a filtered launch at the filter's stop, where ptrace takes no signal.
    for set in [vec![24_u64], vec![]] {
        let log = Log::new();
        let probe = Probe::new("A", &log).answers(|cx, report| {
            if let Report::SyscallEntry(entry) = report
                && entry.call().index == 24
            {
                cx.target().send_signal(USR1).unwrap();
            }
            Action::Resume
        });
        let interest = if set.is_empty() {
            utrace_core::Interest::in_events(Event::SyscallEntry)
        } else {
            utrace_core::Interest::in_syscalls(set.into_iter().collect())
        };
        let (ending, wrote) = Lab::new().run("h10 Y m1", probe, interest);
        assert_eq!((ending, wrote.as_str()), (Ending::Exited(0), "h10:128:0 m1"));
    }
}
