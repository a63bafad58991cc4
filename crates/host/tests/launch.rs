//! Launching: what is seen first, what last, and what comes back.

mod common;

use common::Log;
use utrace_core::{EventSet, Interest};
use utrace_host::{Command, Ending, Host};

#[test]
fn the_first_call_seen_is_the_successful_execve() {
    let log = Log::default();
    let host = Host::start().unwrap();
    let all = Interest::in_events(EventSet::ALL);
    let process = host.launch(&Command::new("true"), log.adopter(all)).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    let lines = log.lines();
    assert_eq!(lines[0], "entry execve", "{lines:#?}");
    assert_eq!(lines[1], "exec", "{lines:#?}");
    assert_eq!(lines[2], "exit execve 0", "{lines:#?}");
    assert!(lines.contains(&"entry exit_group".into()), "{lines:#?}");
    assert_eq!(lines[lines.len() - 3..], ["exiting 0", "death 0", "reap"], "{lines:#?}");
}
