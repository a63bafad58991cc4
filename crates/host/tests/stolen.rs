//! Ignored signals that are sent to a process, wake one of its threads and are taken by another: the first has nothing
//! to show for its `EINTR` but the exit of its call.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what fails here has failed the test"
)]

#[path = "common/guest.rs"]
mod guest;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use guest::Guest;
use utrace_core::{Action, CloneReport, Cx, Engine, Event, EventSet, Interest, SignalReport, Task};
use utrace_host::{Command, Ending, Host};
use utrace_testkit::fixtures;

const EPOLL_WAIT: u64 = 232;
const SIGWINCH: u32 = 28;

/// Follows a process, and counts the signals that threads other than its first take.
#[derive(Clone)]
struct Thefts {
    interest: Interest,
    seen: Arc<AtomicUsize>,
}

impl Thefts {
    fn attach_to(&self, task: &Task) {
        task.attach_for(self.interest, self.clone()).unwrap();
    }
}

impl Engine for Thefts {
    fn name(&self) -> &str {
        "thefts"
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        self.attach_to(&clone.child);
        Action::Resume
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        let other = cx.task().id() != cx.task().process();
        self.seen.fetch_add(usize::from(other && signal.info.number == SIGWINCH), Ordering::SeqCst);
        Action::Resume
    }
}

/// How often `epoll_wait` was interrupted, and how many signals were taken by the other thread.
fn run(times: u32, more: EventSet) -> (u8, usize) {
    run_with(times, more, &[])
}

fn run_with(times: u32, more: EventSet, words: &[&str]) -> (u8, usize) {
    let events = EventSet::from(Event::Clone) | Event::SignalIgn | more;
    let interest = Interest::in_events(events).with_syscalls([EPOLL_WAIT].into_iter().collect());
    let thefts = Thefts { interest, seen: Arc::default() };
    let adopts = thefts.clone();
    let host = Host::start().unwrap();
    let command = Command::new(fixtures::build("stolen")).args([&*times.to_string()]).args(words);
    let process = host.launch(&command, move |task| adopts.attach_to(task)).unwrap();
    let Ending::Exited(interrupted) = process.wait().unwrap() else { panic!("it was killed") };
    (interrupted, thefts.seen.load(Ordering::SeqCst))
}

/// The kernel wakes a thread for the signal, and it finds none when it gets there: its call still begins again.
#[test]
fn a_signal_that_a_sibling_takes_is_hidden_where_the_call_is_followed() {
    for _ in 0..20 {
        let (interrupted, taken) = run(300, EventSet::from(Event::SyscallExit));
        assert_eq!(interrupted, 0, "{taken} signals were taken by the other thread");
        if taken > 20 {
            return;
        }
    }
    panic!("the other thread never takes a signal first: this shows nothing");
}

/// Where nobody wants the call, a breakpoint on its way to `errno` shows it.
#[test]
fn a_signal_that_a_sibling_takes_is_hidden_where_no_call_is_followed() {
    for _ in 0..20 {
        let (interrupted, taken) = run(300, EventSet::NONE);
        // The first shows that there are such signals; then the thread must be seen asleep once.
        assert!(interrupted <= 5, "{interrupted} of {taken}, which were taken by the other thread");
        if taken > 20 {
            return;
        }
    }
    panic!("the other thread never takes a signal first: this shows nothing");
}

/// What a handler interrupts, and a stop of the process, fails as it would untraced.
#[test]
fn what_is_interrupted_for_a_reason_stays_so() {
    for words in [&["handler"][..], &["stop"], &["handler", "shared"], &["stop", "shared"]] {
        let (interrupted, taken) = run_with(300, EventSet::NONE, words);
        // Who shares an instruction is not seen in each new call at once.
        let few = if words.len() > 1 { 5 + u8::try_from(taken / 2).unwrap_or(u8::MAX) } else { 5 };
        assert!(interrupted <= few, "{words:?}: {interrupted} of {taken}");
    }
}

/// An attach finds the main thread asleep, so that not even the first of them is lost.
#[test]
fn a_signal_that_a_sibling_takes_is_hidden_after_an_attach() {
    assert_eq!(attach_and_count(&["300", "wait"]), 0);
}

/// As it is where a call shares its instruction with all others: what counts is that the thread was seen asleep in it.
#[test]
fn a_signal_that_a_sibling_takes_is_hidden_from_calls_that_share_an_instruction() {
    // It may just have returned from one, and not have been seen in the next yet.
    let interrupted = attach_and_count(&["300", "wait", "shared"]);
    assert!(interrupted <= 5, "{interrupted}");
}

/// How often `epoll_wait` was interrupted for nothing in a process that was attached to.
fn attach_and_count(args: &[&str]) -> u32 {
    let interest = Interest::in_events(EventSet::from(Event::Clone) | Event::SignalIgn);
    for _ in 0..20 {
        let thefts = Thefts { interest, seen: Arc::default() };
        let adopts = thefts.clone();
        let guest = Guest::new("stolen", args);
        let host = Host::start().unwrap();
        host.attach(guest.pid, move |task| adopts.attach_to(task)).unwrap();
        let interrupted = guest.finish().1.strip_prefix("status ").unwrap().parse().unwrap();
        if thefts.seen.load(Ordering::SeqCst) > 20 || interrupted > 20 {
            return interrupted;
        }
    }
    panic!("the other thread never takes a signal first: this shows nothing");
}
