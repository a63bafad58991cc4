//! A callback that panics takes nothing with it but its own engine.
#![cfg(not(loom))]
#![expect(clippy::panic, reason = "the panic is what is tested")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use utrace_core::{
    Action, Addr, AtomicU32, Cx, Engine, Event, Platform, Regset, Syscall, SyscallEntry, Target, TargetError,
    Task, TaskHost, TaskId, Verdict, Wakeup,
};

struct Host;

impl TaskHost for Host {
    fn request_report(&self, _task: &Task) {}
    fn request_interrupt(&self, _task: &Task) {}
    fn wake(&self, _task: &Task) {}
    fn tidy(&self, _task: &Task) {}
    fn interest_changed(&self, _task: &Task) {}
    fn is_current(&self) -> bool {
        true
    }
}

impl Platform for Host {
    fn wait(&self, _word: &AtomicU32, _expected: u32) -> Wakeup {
        Wakeup::Look
    }
    fn wake_all(&self, _word: &AtomicU32) {}
}

impl Target for Host {
    fn read(&mut self, at: Addr, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }
    fn write(&mut self, at: Addr, _bytes: &[u8]) -> Result<usize, TargetError> {
        Err(TargetError::Fault(at))
    }
    fn regset(&mut self, _set: Regset, _buf: &mut [u8]) -> Result<usize, TargetError> {
        Err(TargetError::Unsupported)
    }
    fn set_regset(&mut self, _set: Regset, _bytes: &[u8]) -> Result<(), TargetError> {
        Err(TargetError::Unsupported)
    }
}

struct Counts {
    calls: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    answer: Option<Action>,
}

impl Engine for Counts {
    fn name(&self) -> &str {
        "counts"
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.answer {
            Some(action) => action,
            None => panic!("an engine's bug"),
        }
    }
}

impl Drop for Counts {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn the_engines_after_a_panic_get_the_event_once_and_stops_before_it_hold() {
    let (task, mut reporter, _reaper) = Task::new(TaskId(1), TaskId(1), Box::new(Host), &Host);
    let dropped = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..3).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    // Entry goes from last to first: the stopper is called first, the panicking one second.
    for (calls, answer) in calls.iter().zip([Some(Action::Resume), None, Some(Action::Stop)]) {
        let engine = Counts { calls: Arc::clone(calls), dropped: Arc::clone(&dropped), answer };
        drop(task.attach_for(Event::SyscallEntry, engine).unwrap());
    }
    let mut entry = SyscallEntry::new(Syscall::default());
    let mut report = || catch_unwind(AssertUnwindSafe(|| reporter.syscall_entry(&mut Host, &mut entry)));
    assert!(report().is_err());
    assert_eq!(report().unwrap(), Verdict::Park, "the stop of the engine called before the panic holds");
    let seen: Vec<_> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
    assert_eq!(seen, [1, 1, 1], "each was called once for the one event");
    assert_eq!(task.engines().len(), 2, "the one that panicked is gone");
    reporter.tidy();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
