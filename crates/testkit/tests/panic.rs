//! A callback that panics, in each kind of report: lists and `reporting` stay true, nobody waits for ever, the
//! engines after it are told, and its data is dropped once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use utrace_core::{
    Action, BarrierError, CloneKind, CloneReport, ControlError, DeathReport, Event, EventSet, ExecReport,
    ExitReport, JctlKind, JctlReport, Reporter, SigInfo, SignalReport, Syscall, SyscallEntry, SyscallExit,
    TaskId, Verdict,
};
use utrace_testkit::bare::Bare;
use utrace_testkit::conform::{Drops, Log, Probe, Seen, attach};

fn panics_at(seen: Seen, log: &Log, drops: &Drops) -> Probe {
    Probe::new("P", log).counted(drops).answers(move |_, report| {
        assert_ne!(report.seen(), seen, "an engine's bug");
        Action::Resume
    })
}

/// Makes the report of an event, as often as it panics; answers how often that was.
fn make(reporter: &mut Reporter, event: Event) -> usize {
    let mut panics = 0;
    let child = Bare::task().0;
    loop {
        let made = catch_unwind(AssertUnwindSafe(|| match event {
            Event::SyscallEntry => {
                reporter.syscall_entry(&mut Bare::default(), &mut SyscallEntry::new(Syscall::default()))
            }
            Event::SyscallExit => {
                reporter.syscall_exit(&mut Bare::default(), &mut SyscallExit::new(None, 0, 0, false))
            }
            Event::Clone => {
                let mut clone = CloneReport::new(CloneKind::Fork, child.clone());
                reporter.clone(&mut Bare::default(), &mut clone)
            }
            Event::Exec => reporter.exec(&mut Bare::default(), &mut ExecReport { former: TaskId(1) }),
            Event::Exit => reporter.exit(&mut Bare::default(), &mut ExitReport::new(0)),
            Event::Jctl => {
                let mut jctl = JctlReport { kind: JctlKind::Continued, signal: 0, notify: false };
                reporter.jctl(&mut Bare::default(), &mut jctl)
            }
            Event::Death => {
                let mut death = DeathReport { group_dead: true, signal: None, code: 0 };
                reporter.death(&mut Bare::default(), &mut death);
                Verdict::Go(Action::Resume)
            }
            signal => {
                let info = SigInfo { number: 10, ..SigInfo::NONE };
                let mut report = SignalReport::taken(signal, info, utrace_core::Disposition::Default);
                reporter.signal(&mut Bare::default(), &mut report)
            }
        }));
        match made {
            Ok(verdict) => {
                assert_eq!(verdict, Verdict::Go(Action::Resume), "{event:?}");
                return panics;
            }
            Err(_) => panics += 1,
        }
        assert!(panics < 10, "{event:?} panics for ever");
    }
}

const EVENTS: [Event; 8] = [
    Event::SyscallEntry,
    Event::SyscallExit,
    Event::Clone,
    Event::Exec,
    Event::Exit,
    Event::Jctl,
    Event::SignalTerm,
    Event::Death,
];

/// Two engines that panic, between three that do not, in the event's callback and in its quiesce call.
#[test]
fn a_panic_in_any_callback_leaves_the_rest_true() {
    for event in EVENTS {
        for seen in [Seen::Event(event), Seen::Quiesce(Some(event))] {
            if event == Event::SignalTerm && seen != Seen::Event(event) {
                continue; // Signals have no quiesce call before them.
            }
            let (task, mut reporter, mut reaper, host) = Bare::task();
            let (log, drops) = (Log::new(), Drops::new());
            let wanted = EventSet::from(event) | Event::Quiesce | Event::Reap;
            attach(&task, Probe::new("A", &log), wanted);
            let bad = attach(&task, panics_at(seen, &log, &drops), wanted);
            attach(&task, Probe::new("B", &log), wanted);
            attach(&task, panics_at(seen, &log, &drops), wanted);
            attach(&task, Probe::new("C", &log), wanted);
            assert_eq!(make(&mut reporter, event), 2, "{event:?}");
            assert_eq!(host.unwound(), 2);
            for name in ["A", "B", "C"] {
                assert_eq!(log.count(name, Seen::Event(event)), 1, "{name} {event:?} {seen:?}");
            }
            assert_eq!(task.reporting(), None);
            assert_eq!(bad.barrier(), Err(BarrierError::Gone));
            assert_eq!(bad.control(Action::Resume), Err(ControlError::Gone));
            assert_eq!(task.engines().len(), 3);
            reporter.tidy();
            assert_eq!(drops.count(), 1, "the one without a handle");
            drop(bad);
            assert_eq!(drops.count(), 2);
            if event != Event::Death {
                assert_eq!(make(&mut reporter, Event::Death), 0);
            }
            reaper.reap();
            for name in ["A", "B", "C"] {
                assert_eq!(log.count(name, Seen::Event(Event::Reap)), 1, "{name} {event:?}");
            }
            assert_eq!(log.count("P", Seen::Event(Event::Reap)), 0);
            assert_eq!(drops.count(), 2);
        }
    }
}

/// A panic in the middle of a pass: the same report again goes on behind it, and what was answered before counts.
#[test]
fn the_engines_after_a_panic_get_the_event_once_and_stops_before_it_hold() {
    let (task, mut reporter, _reaper, _host) = Bare::task();
    let (log, drops) = (Log::new(), Drops::new());
    let entry = Seen::Event(Event::SyscallEntry);
    // Entry goes from last to first: the stopper is called first, the panicking one second.
    attach(&task, Probe::new("A", &log), Event::SyscallEntry);
    drop(attach(&task, panics_at(entry, &log, &drops), Event::SyscallEntry));
    attach(&task, Probe::new("S", &log).once(entry, Action::Stop), Event::SyscallEntry);
    let mut call = SyscallEntry::new(Syscall::default());
    let mut report =
        || catch_unwind(AssertUnwindSafe(|| reporter.syscall_entry(&mut Bare::default(), &mut call)));
    assert!(report().is_err());
    let again = report();
    assert!(matches!(again, Ok(Verdict::Park)), "the stop of the engine called before the panic holds");
    for name in ["A", "P", "S"] {
        assert_eq!(log.count(name, entry), 1, "{name} is called once for the one event");
    }
    assert_eq!(task.engines().len(), 2, "the one that panicked is gone");
    reporter.tidy();
    assert_eq!(drops.count(), 1);
}

/// In reap: by the reaper, and by the dying task when the reaper came first.
#[test]
fn a_panic_in_reap_leaves_the_others_theirs() {
    for reaped_early in [false, true] {
        let (task, mut reporter, mut reaper, host) = Bare::task();
        let (log, drops) = (Log::new(), Drops::new());
        let wanted = Event::Death | Event::Reap;
        attach(&task, Probe::new("A", &log).counted(&drops), wanted);
        let bad = Probe::new("P", &log).counted(&drops).reaped(|_| unreachable!("an engine's bug"));
        let bad = attach(&task, bad, wanted);
        attach(&task, Probe::new("B", &log).counted(&drops), wanted);
        reporter.dead();
        if reaped_early {
            reaper.reap();
            assert!(log.all().is_empty());
            assert_eq!(make(&mut reporter, Event::Death), 1);
        } else {
            assert_eq!(make(&mut reporter, Event::Death), 0);
            assert!(catch_unwind(AssertUnwindSafe(|| reaper.reap())).is_err());
            assert_eq!(bad.barrier(), Err(BarrierError::Gone));
            reaper.reap();
        }
        assert_eq!(host.unwound(), 1);
        for name in ["A", "P", "B"] {
            assert_eq!(log.of(name), [Seen::Event(Event::Death), Seen::Event(Event::Reap)], "{name}");
        }
        assert_eq!((task.reporting(), task.engines().len()), (None, 0));
        assert_eq!(drops.count(), 2);
        drop(bad);
        assert_eq!(drops.count(), 3);
        // Further calls do nothing.
        reaper.reap();
        assert_eq!(log.all().len(), 6);
    }
}
