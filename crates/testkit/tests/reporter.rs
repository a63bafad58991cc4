//! What a reporter answers to a host that asks at odd moments.

use utrace_core::{
    Action, DeathReport, Event, JctlKind, JctlReport, Match, Progress, Reporter, Syscall, SyscallEntry,
    SyscallExit, Verdict, Woken,
};
use utrace_testkit::bare::Bare;
use utrace_testkit::conform::{Log, Probe, Seen, attach};

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

/// A stop that is over before it began: every job control continue without a stop is harmless.
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
