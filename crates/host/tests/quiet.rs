//! Stops that the program cannot see: blocked threads are caught at the end of their calls.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

#[path = "common/guest.rs"]
mod guest;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use guest::Guest;
use utrace_abi::UserRegs;
use utrace_core::{
    Action, Addr, Cx, Engine, EngineRef, Event, EventSet, Interest, Progress, Regset, SyscallExit,
};
use utrace_host::{Host, Tid};

const SOON: Duration = Duration::from_secs(20);

/// Stops at the first report before user mode after it is told to hold, says so, and says what came of a call.
#[derive(Clone)]
struct Say(Sender<String>, Arc<AtomicBool>);

impl Engine for Say {
    fn name(&self) -> &str {
        "say"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        if event.is_none() && self.1.swap(false, Ordering::SeqCst) {
            let _ = self.0.send("quiet".into());
            return Action::Stop;
        }
        Action::Resume
    }
    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let entered = if exit.call().is_some() { "" } else { "?" };
        let _ = self.0.send(format!("exit {}{entered} {}", exit.index(), exit.value()));
        Action::Resume
    }
}

/// An engine on the one thread of a process.
struct Held {
    engine: EngineRef,
    said: Receiver<String>,
    hold: Arc<AtomicBool>,
}

impl Held {
    fn attach(host: &Host, pid: Tid, interest: Interest) -> Held {
        let (send, said) = channel();
        let (give, take) = channel();
        let hold = Arc::new(AtomicBool::new(false));
        let say = Say(send, Arc::clone(&hold));
        host.attach(pid, move |task| {
            give.send(task.attach_for(interest, say.clone()).unwrap()).unwrap();
        })
        .unwrap();
        Held { engine: take.recv_timeout(SOON).unwrap(), said, hold }
    }

    /// Asks for a stop; it does not hold yet.
    fn stop(&self) {
        self.hold.store(true, Ordering::SeqCst);
        assert_eq!(self.engine.control(Action::Stop), Ok(Progress::InProgress));
    }

    /// Waits until it holds.
    fn until_stopped(&self) {
        assert_eq!(self.said.recv_timeout(SOON).unwrap(), "quiet");
        self.engine.barrier().unwrap();
        let limit = Instant::now() + SOON;
        while self.engine.control(Action::Stop) != Ok(Progress::Done) {
            assert!(Instant::now() < limit, "it does not stop");
            std::thread::yield_now();
        }
    }

    fn resume(&self) {
        assert_eq!(self.engine.control(Action::Resume), Ok(Progress::Done));
    }
}

fn state(pid: Tid) -> char {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat[stat.rfind(')').unwrap() + 2..].chars().next().unwrap()
}

/// How often it was on a processor: the third number of schedstat.
fn slices(pid: Tid) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).unwrap();
    stat.split_ascii_whitespace().nth(2).unwrap().parse().unwrap()
}

fn until_blocked(pid: Tid) {
    while !std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap().starts_with("232 ") {
        std::thread::yield_now();
    }
}

#[test]
fn a_sleeper_is_stopped_examined_and_left_without_waking() {
    let guest = Guest::new("blocked", &["epoll_stdin"]);
    until_blocked(guest.pid);
    let before = slices(guest.pid);
    let host = Host::start().unwrap();
    let held = Held::attach(&host, guest.pid, Interest::from(Event::Quiesce));
    held.stop();
    let (regs, word) = held
        .engine
        .examine(|target| {
            let mut regs = [0; UserRegs::SIZE];
            target.regset(Regset(1), &mut regs).unwrap();
            let regs = UserRegs::from_bytes(&regs);
            let mut word = [0; 8];
            target.read(Addr(regs.rsp), &mut word).unwrap();
            (regs, word)
        })
        .unwrap();
    assert_eq!((regs.orig_rax, regs.rdx), (232, 1), "epoll_wait for one event");
    // syscall(2) of libc calls no further: what the stack pointer points to is the way back into the program.
    assert_ne!(u64::from_ne_bytes(word), 0);
    held.resume();
    host.shutdown();
    assert_eq!(slices(guest.pid), before, "it never woke");
    assert!(held.said.try_recv().is_err());
    assert_eq!(guest.finish(), ("epoll_stdin=1 errno=0\n".into(), "status 0".into()));
}

#[test]
fn a_stop_takes_hold_at_the_end_of_the_call() {
    let mut guest = Guest::new("blocked", &["epoll_stdin"]);
    until_blocked(guest.pid);
    let host = Host::start().unwrap();
    let held = Held::attach(&host, guest.pid, Interest::from(Event::Quiesce));
    held.stop();
    // The tracer serves its mail in order: when this attach is answered, the trap is set.
    host.attach(guest.pid, |_| ()).unwrap_err();
    drop(guest.shell.stdin.take());
    held.until_stopped();
    assert_eq!(state(guest.pid), 't');
    held.resume();
    assert_eq!(guest.finish(), ("epoll_stdin=1 errno=0\n".into(), "status 0".into()));
}

#[test]
fn the_end_of_a_call_that_began_before_us_is_told_with_its_arguments() {
    let guest = Guest::new("blocked", &["epoll_stdin"]);
    until_blocked(guest.pid);
    let host = Host::start().unwrap();
    let held = Held::attach(&host, guest.pid, Interest::in_events(EventSet::SYSCALL));
    host.attach(guest.pid, |_| ()).unwrap_err();
    assert_eq!(guest.finish(), ("epoll_stdin=1 errno=0\n".into(), "status 0".into()));
    assert_eq!(held.said.recv_timeout(SOON).unwrap(), "exit 232 1");
}

#[test]
fn a_thread_in_user_mode_is_stopped_at_once() {
    let guest = Guest::new("spin", &[]);
    let host = Host::start().unwrap();
    let held = Held::attach(&host, guest.pid, Interest::from(Event::Quiesce));
    for _ in 0..20 {
        held.stop();
        held.until_stopped();
        held.resume();
    }
    host.shutdown();
    assert!(std::process::Command::new("kill").arg(guest.pid.to_string()).status().unwrap().success());
    assert_eq!(guest.finish().1, "status 143");
}
