//! INV-26 and INV-27, the defects of the original that were no races: every combination of engines, on the core.
//!
//! That the original's way fails, and in which of these combinations, is shown by the models in the testkit's
//! `old_defects.rs`; INV-24 and INV-25 are models under loom (`tests/models/old.rs`).
#![cfg(not(loom))]

mod stub;

use stub::Stub;
use utrace_core::{
    Action, Cx, Engine, Event, EventSet, SignalKind, SignalReport, Syscall, SyscallEntry, Task, Verdict,
};

/// What an engine says at syscall entry, if it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Says {
    Abort,
    Run,
    /// It looks on: it has the event and says nothing.
    Nothing,
    /// It has only quiesce.
    Quiesces,
    /// It detaches in its quiesce call.
    Leaves,
}

const ALL: [Says; 5] = [Says::Abort, Says::Run, Says::Nothing, Says::Quiesces, Says::Leaves];

impl Says {
    fn events(self) -> EventSet {
        match self {
            Says::Abort | Says::Run | Says::Nothing => Event::SyscallEntry.into(),
            Says::Quiesces | Says::Leaves => Event::Quiesce.into(),
        }
    }

    fn has_say(self) -> bool {
        matches!(self, Says::Abort | Says::Run)
    }
}

impl Engine for Says {
    fn name(&self) -> &str {
        "says"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _before: Option<Event>) -> Action {
        if *self == Says::Leaves { Action::Detach } else { Action::Resume }
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        match self {
            Says::Abort => entry.abort(),
            Says::Run => entry.run(),
            _ => {}
        }
        Action::Resume
    }
}

#[test]
fn inv_27_only_who_has_a_say_decides_on_the_syscall() {
    for one in ALL {
        for two in ALL {
            for three in ALL {
                let order = [one, two, three];
                let (task, mut reporter, _reaper) = Stub::task();
                // The last attached is called first.
                for engine in order.into_iter().rev() {
                    drop(task.attach_for(engine.events(), engine).unwrap());
                }
                let mut entry = SyscallEntry::new(Syscall::default());
                assert_eq!(reporter.syscall_entry(&mut Stub, &mut entry), Verdict::Go(Action::Resume));
                let wanted = order.iter().rfind(|says| says.has_say()) == Some(&Says::Abort);
                assert_eq!(entry.is_aborted(), wanted, "{order:?}");
            }
        }
    }
}

/// An engine that only is there, with some interest and perhaps a stop, which its callbacks do not take back.
struct IsThere {
    stops: bool,
}

impl Engine for IsThere {
    fn name(&self) -> &str {
        "is there"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _before: Option<Event>) -> Action {
        if self.stops { Action::Stop } else { Action::Resume }
    }
}

/// Bits: quiesce, a class of signals, a stop.
fn attach(task: &Task, bits: u8) {
    let quiesce = if bits & 1 != 0 { Event::Quiesce.into() } else { EventSet::NONE };
    let signal = if bits & 2 != 0 { Event::SignalTerm.into() } else { EventSet::NONE };
    let stops = bits & 4 != 0;
    let engine = task.attach_for(quiesce | signal, IsThere { stops });
    if stops {
        assert!(engine.is_ok_and(|engine| engine.control(Action::Stop).is_ok()));
    }
}

/// Which way a task goes to user mode.
#[derive(Clone, Copy, Debug)]
enum Path {
    Plain,
    Signal,
}

#[test]
fn inv_26_a_sticky_stop_is_honoured_whatever_the_others_want() {
    for path in [Path::Plain, Path::Signal] {
        for one in 0..8 {
            for two in 0..8 {
                let (task, mut reporter, _reaper) = Stub::task();
                attach(&task, one);
                attach(&task, two);
                let verdict = match path {
                    _ if !reporter.owes_report() => Verdict::Go(Action::Resume),
                    Path::Plain => reporter.to_user(&mut Stub),
                    Path::Signal => {
                        reporter.signal_report(&mut Stub, &mut SignalReport::none(SignalKind::Report))
                    }
                };
                let wanted = (one | two) & 4 != 0;
                assert_eq!(verdict == Verdict::Park, wanted, "{path:?} {one:03b} {two:03b}");
            }
        }
    }
}

/// A host looks whether an interrupt is owed, and one is asked for before its plain report: it went with that report, and the one
/// on the signal path never came.
#[test]
fn an_interrupt_that_a_plain_report_meets_is_still_owed() {
    let (task, mut reporter, _reaper) = Stub::task();
    let engine = task.attach_for(Event::Quiesce, IsThere { stops: false }).unwrap();
    let _ = reporter.to_user(&mut Stub);
    assert!(!reporter.owes_interrupt());
    let _ = engine.control(Action::Interrupt).unwrap();
    assert_eq!(reporter.to_user(&mut Stub), Verdict::Go(Action::Interrupt));
}
