//! Ignored signals that are sent to a process, wake one of its threads and are taken by another: the first has nothing
//! to show for its `EINTR` but the exit of its call.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: what fails here has failed the test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let events = EventSet::from(Event::Clone) | Event::SignalIgn | more;
    let interest = Interest::in_events(events).with_syscalls([EPOLL_WAIT].into_iter().collect());
    let thefts = Thefts { interest, seen: Arc::default() };
    let adopts = thefts.clone();
    let host = Host::start().unwrap();
    let command = Command::new(fixtures::build("stolen")).args([times.to_string()]);
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
