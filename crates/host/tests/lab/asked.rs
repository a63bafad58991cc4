//! Reports on the signal path that engines ask for, over and over, while the program has signals and calls of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use utrace_core::{Action, Event, SigInfo, SignalAction, SignalKind};
use utrace_host::{CoreDump, Ending};
use utrace_testkit::conform::{Log, Probe, Report, Seen};

use crate::bench::{Lab, send, status, until, until_up};

const SIGSTOP: u32 = 19;
const KILLED: Ending = Ending::Killed(9, CoreDump::No);
const REPORT: Seen = Seen::Path(SignalKind::Report);

/// A SIGCONT takes a SIGSTOP out of the queue before it comes, and nothing tells of it.
#[test]
fn a_stop_signal_made_in_a_report_may_be_taken_back_and_leaves_the_mask_alone() {
    const ROUNDS: usize = 300;
    let log = Log::new();
    let lab = Lab::new();
    let probe = Probe::new("A", &log).answers(|_, report| {
        if let Report::Signal(signal) = report
            && signal.kind == SignalKind::Report
        {
            signal.info = SigInfo { number: SIGSTOP, ..SigInfo::NONE };
            signal.action = SignalAction::Deliver;
        }
        Action::Resume
    });
    let process = lab.launch("C", |task| {
        task.attach_for(Event::Quiesce | Event::Signal, probe).unwrap();
    });
    let (pid, task) = (process.pid().raw(), process.tasks()[0].clone());
    until_up(pid);
    let mut sender = std::process::Command::new("sh")
        .args(["-c", "while kill -CONT $0 2>/dev/null; do :; done", &pid.to_string()])
        .spawn()
        .unwrap();
    for _ in 0..ROUNDS {
        let before = log.count("A", REPORT);
        let _ = task.engines()[0].control(Action::Interrupt).unwrap();
        until(|| log.count("A", REPORT) > before);
        assert_eq!(status(pid, "SigBlk:"), 0);
    }
    sender.kill().unwrap();
    sender.wait().unwrap();
    send(pid, 9);
    assert_eq!(process.wait(), Ok(KILLED));
}

/// Who asks writes it down and then wakes the host, which may meet it in between, at a stop of the program's own.
#[test]
fn an_interrupt_that_a_system_call_meets_is_answered_on_the_signal_path() {
    const ROUNDS: usize = 200;
    let lab = Lab::new();
    let reports = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reports);
    let probe = Probe::new("A", &Log::new()).answers(move |_, report| {
        if matches!(report, Report::Signal(signal) if signal.kind == SignalKind::Report) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        Action::Resume
    });
    let events = Event::Quiesce | Event::SyscallEntry | Event::SyscallExit;
    let process = lab.launch("W", move |task| {
        task.attach_for(events, probe).unwrap();
    });
    let (pid, task) = (process.pid().raw(), process.tasks()[0].clone());
    until_up(pid);
    for _ in 0..ROUNDS {
        let before = reports.load(Ordering::SeqCst);
        let _ = task.engines()[0].control(Action::Interrupt).unwrap();
        until(|| reports.load(Ordering::SeqCst) > before);
    }
    send(pid, 9);
    assert_eq!(process.wait(), Ok(KILLED));
}
