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
    run_with(times, more, "")
}

fn run_with(times: u32, more: EventSet, what: &str) -> (u8, usize) {
    let events = EventSet::from(Event::Clone) | Event::SignalIgn | more;
    let interest = Interest::in_events(events).with_syscalls([EPOLL_WAIT].into_iter().collect());
    let thefts = Thefts { interest, seen: Arc::default() };
    let adopts = thefts.clone();
    let host = Host::start().unwrap();
    let command = Command::new(fixtures::build("stolen")).args([times.to_string(), what.to_owned()]);
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
    for what in ["handler", "stop"] {
        let (interrupted, taken) = run_with(300, EventSet::NONE, what);
        assert!(interrupted <= 5, "{what}: {interrupted} of {taken}");
    }
}

/// An attach finds the main thread asleep, so that not even the first of them is lost.
#[test]
fn a_signal_that_a_sibling_takes_is_hidden_after_an_attach() {
    let interest = Interest::in_events(EventSet::from(Event::Clone) | Event::SignalIgn);
    for _ in 0..20 {
        let thefts = Thefts { interest, seen: Arc::default() };
        let adopts = thefts.clone();
        let guest = Guest::new("stolen", &["300", "wait"]);
        let host = Host::start().unwrap();
        host.attach(guest.pid, move |task| adopts.attach_to(task)).unwrap();
        assert_eq!(guest.finish().1, "status 0");
        if thefts.seen.load(Ordering::SeqCst) > 20 {
            return;
        }
    }
    panic!("the other thread never takes a signal first: this shows nothing");
}
