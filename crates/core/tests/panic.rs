//! A callback that panics takes nothing with it but its own engine.
#![cfg(not(loom))]
#![expect(clippy::panic, reason = "the panic is what is tested")]

mod stub;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stub::Stub;
use utrace_core::{Action, Cx, Engine, Event, Syscall, SyscallEntry, Verdict};

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
    let (task, mut reporter, _reaper) = Stub::task();
    let dropped = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..3).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    // Entry goes from last to first: the stopper is called first, the panicking one second.
    for (calls, answer) in calls.iter().zip([Some(Action::Resume), None, Some(Action::Stop)]) {
        let engine = Counts { calls: Arc::clone(calls), dropped: Arc::clone(&dropped), answer };
        drop(task.attach_for(Event::SyscallEntry, engine).unwrap());
    }
    let mut entry = SyscallEntry::new(Syscall::default());
    let mut report = || catch_unwind(AssertUnwindSafe(|| reporter.syscall_entry(&mut Stub, &mut entry)));
    assert!(report().is_err());
    assert_eq!(report().unwrap(), Verdict::Park, "the stop of the engine called before the panic holds");
    let seen: Vec<_> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
    assert_eq!(seen, [1, 1, 1], "each was called once for the one event");
    assert_eq!(task.engines().len(), 2, "the one that panicked is gone");
    reporter.tidy();
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
}
