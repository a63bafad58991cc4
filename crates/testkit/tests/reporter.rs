//! What a reporter answers to a host that asks at odd moments.

use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, DeathReport, Event, JctlKind, JctlReport, Match, Progress, Reporter, Syscall, SyscallEntry,
    SyscallExit, Verdict, Woken,
};
use utrace_testkit::bare::Bare;
use utrace_testkit::conform::{Log, Probe, Seen, attach};
use utrace_testkit::gate::lock;

fn entry() -> SyscallEntry {
    SyscallEntry::new(Syscall::default())
}

/// A wake-up for no reason does not end a stop.
#[test]
fn woken_while_held_stays_parked() {
    let (task, mut reporter, _reaper, mut host) = Bare::task();
    let log = Log::new();
    let probe = Probe::new("A", &log).once(Seen::Event(Event::SyscallEntry), Action::Stop);
    let a = attach(&task, probe, Event::SyscallEntry);
    assert_eq!(reporter.syscall_entry(&mut host, &mut entry()), Verdict::Park);
    assert_eq!(reporter.woken(), Woken::Parked);
    assert!(task.is_stopped());
    // Quiescent all the same: a detach of another is synchronous.
    let b = attach(&task, Probe::new("B", &log), Event::Exec);
    assert_eq!(b.control(Action::Detach), Ok(Progress::Done));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(reporter.woken(), Woken::Go(Action::Resume));
}

/// Tidying a task that was parked since it was asked for leaves it quiescent.
#[test]
fn tidy_while_held_keeps_the_task_quiescent() {
    let (task, mut reporter, _reaper, mut host) = Bare::task();
    let log = Log::new();
    let probe = Probe::new("A", &log).once(Seen::Event(Event::SyscallEntry), Action::Stop);
    let a = attach(&task, probe, Event::SyscallEntry);
    let b = attach(&task, Probe::new("B", &log), Event::SyscallExit);
    assert_eq!(reporter.syscall_entry(&mut host, &mut entry()), Verdict::Park);
    reporter.tidy();
    // Only on a quiescent task does what is wanted shrink at once.
    assert!(task.asked_for(Event::SyscallExit));
    assert_eq!(b.set_events(Event::Exec), Ok(Progress::Done));
    assert!(!task.asked_for(Event::SyscallExit));
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(reporter.woken(), Woken::Go(Action::Resume));
    let mut exit = SyscallExit::new(None, 0, 0, false);
    assert_eq!(reporter.syscall_exit(&mut host, &mut exit), Verdict::Go(Action::Resume));
    assert_eq!(task.find(Match::ANY), Some(a));
}

/// INV-33: a host that reports a death again makes no second death pass, before the reap or after it.
#[test]
fn a_second_death_is_not_reported() {
    let (task, mut reporter, mut reaper, _host) = Bare::task();
    let log = Log::new();
    attach(&task, Probe::new("A", &log), Event::Death | Event::Reap);
    let die = |reporter: &mut Reporter| {
        let mut death = DeathReport { group_dead: true, signal: None, code: 0 };
        reporter.death(&mut Bare::default(), &mut death);
    };
    die(&mut reporter);
    die(&mut reporter);
    assert_eq!(log.of("A"), [Seen::Event(Event::Death)]);
    reaper.reap();
    die(&mut reporter);
    reaper.reap();
    assert_eq!(log.of("A"), [Seen::Event(Event::Death), Seen::Event(Event::Reap)]);
}

/// INV-33: wherever the walker is when the reaper comes, the reap waits for the one death pass and does not overlap it.
#[test]
fn inv_33_the_reap_waits_for_the_death_pass_wherever_the_walker_is() {
    enum Moment {
        /// Nothing was ever reported: the walker waits in the ledger.
        BeforeAnyReport,
        /// Killed while held: the walker is in the ledger, and nobody has said yet that it is dead.
        Held,
        /// Between the death and its callbacks.
        Dead,
        /// In a death callback.
        Dying,
    }
    for moment in [Moment::BeforeAnyReport, Moment::Held, Moment::Dead, Moment::Dying] {
        let (task, mut reporter, reaper, mut host) = Bare::task();
        let (log, reaper) = (Log::new(), Arc::new(Mutex::new(reaper)));
        let inner = matches!(moment, Moment::Dying).then(|| Arc::clone(&reaper));
        let early = log.clone();
        let probe = Probe::new("A", &log).answers(move |_, report| {
            if let (true, Some(reaper)) = (report.is(Event::Death), &inner) {
                lock(reaper).reap();
                assert_eq!(early.count("A", Seen::Event(Event::Reap)), 0, "reaped inside its death callback");
            }
            if report.is(Event::SyscallEntry) { Action::Stop } else { Action::Resume }
        });
        attach(&task, probe, Event::SyscallEntry | Event::Death | Event::Reap);
        match moment {
            Moment::BeforeAnyReport => lock(&reaper).reap(),
            Moment::Held => {
                assert_eq!(reporter.syscall_entry(&mut host, &mut entry()), Verdict::Park);
                lock(&reaper).reap();
            }
            Moment::Dead => {
                reporter.dead();
                lock(&reaper).reap();
            }
            Moment::Dying => {}
        }
        let mut death = DeathReport { group_dead: true, signal: None, code: 0 };
        reporter.death(&mut host, &mut death);
        // Once more, as a host may: nothing comes of it.
        lock(&reaper).reap();
        let ends: Vec<Seen> =
            log.of("A").into_iter().filter(|seen| *seen != Seen::Event(Event::SyscallEntry)).collect();
        assert_eq!(ends, [Seen::Event(Event::Death), Seen::Event(Event::Reap)]);
    }
}

/// INV-32, INV-33: a host that reports a death again while the reap callbacks run does not bring the task back.
#[test]
fn inv_33_a_second_death_during_the_reap_changes_nothing() {
    let (task, reporter, mut reaper, host) = Bare::task();
    let (log, reporter) = (Log::new(), Arc::new(Mutex::new(reporter)));
    let again = Arc::clone(&reporter);
    let die = move |reporter: &Mutex<Reporter>| {
        let mut death = DeathReport { group_dead: true, signal: None, code: 0 };
        lock(reporter).death(&mut host.clone(), &mut death);
    };
    let dies_again = die.clone();
    let probe = Probe::new("A", &log).reaped(move |task| {
        dies_again(&again);
        assert_eq!(task.find(Match::ANY), None, "found while it is reaped");
        assert!(task.attach(Probe::new("B", &Log::new())).is_err(), "attached while it is reaped");
    });
    attach(&task, probe, Event::Death | Event::Reap);
    die(&reporter);
    reaper.reap();
    assert_eq!(log.of("A"), [Seen::Event(Event::Death), Seen::Event(Event::Reap)]);
    assert_eq!(task.engines(), []);
}

#[test]
fn a_continue_without_a_stop_is_reported_and_no_more() {
    let (task, mut reporter, _reaper, mut host) = Bare::task();
    let log = Log::new();
    attach(&task, Probe::new("A", &log), Event::Jctl);
    for kind in [JctlKind::Continued, JctlKind::Stopped, JctlKind::Stopped, JctlKind::Continued] {
        let mut jctl = JctlReport { kind, signal: 0, notify: false };
        assert_eq!(reporter.jctl(&mut host, &mut jctl), Verdict::Go(Action::Resume));
    }
    assert_eq!(log.of("A"), [Seen::Event(Event::Jctl); 4]);
    assert!(!task.is_stopped());
}
