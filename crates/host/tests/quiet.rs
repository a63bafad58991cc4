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
use utrace_host::{Command, Ending, Handling, Host, HostError, Notice, Refusal, Tid};
use utrace_testkit::census::{Outcome, Sleeper, Verdict, compare};
use utrace_testkit::fixtures;

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

/// Each trap is a descriptor; a process may have more threads than we may open files by default.
#[test]
fn a_thousand_sleepers_are_caught_with_few_descriptors() {
    let guest = Guest::new("threads_parked", &["1000"]);
    let slices = || -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", guest.pid)).unwrap();
        tasks
            .map(|task| {
                slices(Tid::new(task.unwrap().file_name().to_str().unwrap().parse().unwrap()).unwrap())
            })
            .sum()
    };
    while std::fs::read_dir(format!("/proc/{}/task", guest.pid)).unwrap().any(|task| {
        std::fs::read_to_string(task.unwrap().path().join("syscall")).unwrap().starts_with("running")
    }) {
        std::thread::yield_now();
    }
    let before = slices();
    let own = format!("--pid={}", std::process::id());
    assert!(
        std::process::Command::new("prlimit").args([&own, "--nofile=256:4096"]).status().unwrap().success()
    );
    let handled: Arc<std::sync::Mutex<Vec<Handling>>> = Arc::default();
    let heard = Arc::clone(&handled);
    let host = Host::builder()
        .explain()
        .notices(move |notice| {
            let Notice::Handled { how, .. } = notice else { panic!("{notice}") };
            heard.lock().unwrap().push(how);
        })
        .start()
        .unwrap();
    let (send, _said) = channel();
    let say = Say(send, Arc::default());
    host.attach(guest.pid, move |task| drop(task.attach_for(EventSet::SYSCALL, say.clone()).unwrap()))
        .unwrap();
    // Mail is served in order: when this is refused, every thread has its trap.
    host.attach(guest.pid, |_| ()).unwrap_err();
    let count = handled.lock().unwrap().len();
    assert!(count >= 1001, "{count}");
    for how in handled.lock().unwrap().iter() {
        assert!(matches!(how, Handling::TrapAtReturn(_)), "{how}");
    }
    let launched =
        host.launch(&Command::new("sh").args(["-c", "exit $(($(ulimit -n) == 256))"]), |_| ()).unwrap();
    assert_eq!(launched.wait(), Ok(Ending::Exited(1)), "what we launch has the limit that we were given");
    host.shutdown();
    assert_eq!(slices(), before, "nobody woke");
    assert_eq!(guest.finish().1, "status 0");
}

/// A busy machine lets a thread wait for a processor that a signal has woken: if it is left just then, nobody takes the
/// signal away from it, which the kernel has queued for its tracer's sake only.
#[test]
fn an_ignored_signal_on_its_way_when_we_leave_ends_no_call() {
    let run = |command: &str, args: &[&str]| {
        let done = std::process::Command::new(command).args(args).output().unwrap();
        assert!(done.status.success(), "{command} {args:?}: {done:?}");
    };
    let burner = std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
    let burner = Burner(burner);
    run("taskset", &["-p", "1", &burner.0.id().to_string()]);
    for round in 0..5 {
        let guest = Guest::new("blocked", &["epoll_stdin"]);
        let pid = guest.pid.to_string();
        run("taskset", &["-p", "1", &pid]);
        run("renice", &["-n", "19", "-p", &pid]);
        while !std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap().starts_with("232 ") {
            std::thread::yield_now();
        }
        let host = Host::start().unwrap();
        host.attach(guest.pid, |_| ()).unwrap();
        run("kill", &["-WINCH", &pid]);
        host.shutdown();
        assert_eq!(guest.finish().0, "epoll_stdin=1 errno=0\n", "round {round}");
    }
}

/// Keeps a processor busy, until the test is over.
struct Burner(std::process::Child);

impl Drop for Burner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Calls that may be interrupted are; all others are waited for, and strictly all are refused.
#[test]
fn without_breakpoints_nothing_is_noticed_either() {
    let role = std::process::Command::new(fixtures::build("noperf"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "role_without_perf", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    assert!(role.status.success(), "{}", String::from_utf8_lossy(&[role.stdout, role.stderr].concat()));
}

#[test]
#[ignore = "a role of without_breakpoints_nothing_is_noticed_either"]
fn role_without_perf() {
    let interrupted = ["futex_inf", "epoll_inf", "semop_inf", "nanosleep_rel"];
    let waited_for =
        ["write_pipe_1mb", "recv_waitall", "epoll_t", "accept_timeo", "recvmmsg_2_of_4", "nanosleep_rem"];
    for name in interrupted.into_iter().chain(waited_for) {
        let in_time = (0..20).find_map(|_| without_perf(name));
        let (told, outcome) = in_time.unwrap_or_else(|| panic!("{name}: over each time before we came"));
        let Some(Notice::Handled { how, .. }) = told else { panic!("{name}: nothing told") };
        match how {
            Handling::InterruptedInCall(..) => assert!(interrupted.contains(&name), "{name}: {how}"),
            Handling::Waiting(_) => assert!(waited_for.contains(&name), "{name}: {how}"),
            _ => panic!("{name}: {how}"),
        }
        let native = Sleeper::start(name).unwrap().finish().unwrap();
        assert!(
            matches!(compare(&native, &outcome), Verdict::Same | Verdict::Time(_)),
            "{name}: {outcome:?}"
        );
    }
}

/// What is done to a case without perf, and what comes of it. `None` if it was over before we had come to that: a case lasts
/// half a second.
fn without_perf(name: &str) -> Option<(Option<Notice>, Outcome)> {
    const NEARLY_OVER: Duration = Duration::from_millis(400);
    let sleeper = Sleeper::start(name).unwrap();
    let pid = Tid::new(sleeper.pid).unwrap();
    let place = || std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
    while place().starts_with("running") && sleeper.ready.elapsed() < NEARLY_OVER {
        std::thread::yield_now();
    }
    let strict = Host::builder().strict().start().unwrap();
    let refused = strict.attach(pid, |_| ()).unwrap_err();
    let (tell, told) = channel();
    let host = Host::builder().explain().notices(move |notice| drop(tell.send(notice))).start().unwrap();
    let (send, _said) = channel();
    let say = Say(send, Arc::default());
    let attached = host.attach(pid, move |task| drop(task.attach_for(EventSet::SYSCALL, say.clone())));
    let told = attached.is_ok().then(|| told.recv_timeout(SOON));
    let late = sleeper.ready.elapsed() > NEARLY_OVER;
    let outcome = sleeper.finish().unwrap();
    if late {
        return None;
    }
    assert!(matches!(refused, HostError::NotPermitted(_, Refusal::Disturbs(_))), "{name}: {refused}");
    Some((told?.ok(), outcome))
}

/// Asleep for longer than any test: what is woken here has been woken by us.
fn sleeper_for_a_week() -> (Guest, String) {
    let guest = Guest::new("blocked", &["nanosleep", "604800000"]);
    let call = loop {
        let call = std::fs::read_to_string(format!("/proc/{}/syscall", guest.pid)).unwrap();
        if call.starts_with("230 ") || call.starts_with("35 ") {
            break call;
        }
        std::thread::yield_now();
    };
    (guest, call)
}

/// How often it has gone to sleep, and how often it was on a processor: neither changes while it sleeps on.
fn rest(pid: Tid) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    (line.trim().parse().unwrap(), slices(pid))
}

/// The calls return although the target does nothing, and it is in the same call, with the same limit, ever since: a
/// sleep that was begun again would have a slice more.
#[test]
fn barrier_detach_and_shutdown_wait_for_no_sleeper() {
    let (guest, call) = sleeper_for_a_week();
    let before = rest(guest.pid);
    for events in [EventSet::SYSCALL | Event::Quiesce, Event::Quiesce.into(), Event::Signal.into()] {
        let host = Host::start().unwrap();
        let held = Held::attach(&host, guest.pid, Interest::in_events(events));
        held.engine.barrier().unwrap();
        held.stop();
        held.engine.barrier().unwrap();
        held.resume();
        held.engine.set_events_sync(Interest::from(Event::Quiesce)).unwrap();
        held.stop();
        let _ = held.engine.detach_sync().unwrap();
        host.shutdown();
        assert_eq!(rest(guest.pid), before, "woken with {events:?}");
    }
    assert_eq!(std::fs::read_to_string(format!("/proc/{}/syscall", guest.pid)).unwrap(), call);
    assert!(std::process::Command::new("kill").arg(guest.pid.to_string()).status().unwrap().success());
    assert_eq!(guest.finish().1, "status 143");
}

/// Where a function of the fixture `blocked` is in this process.
fn address_of(pid: Tid, symbol: &str) -> Addr {
    let symbols = std::process::Command::new("nm").arg(fixtures::build("blocked")).output().unwrap().stdout;
    let symbols = String::from_utf8(symbols).unwrap();
    let line = symbols.lines().find(|line| line.ends_with(&format!(" {symbol}"))).unwrap();
    let offset = u64::from_str_radix(line.split_whitespace().next().unwrap(), 16).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    Addr(u64::from_str_radix(maps.split('-').next().unwrap(), 16).unwrap() + offset)
}

#[test]
fn inv_037_text_of_a_sleeper_is_changed_with_proof_that_it_did_not_wake() {
    const TRAP: u8 = 0xcc;
    let mut guest = Guest::new("blocked", &["epoll_stdin"]);
    until_blocked(guest.pid);
    let main = address_of(guest.pid, "main");
    let before = slices(guest.pid);
    let host = Host::start().unwrap();
    let held = Held::attach(&host, guest.pid, Interest::from(Event::Quiesce));
    held.stop();
    let byte = |target: &mut dyn utrace_core::Target| {
        let mut byte = [0];
        assert_eq!(target.read(main, &mut byte), Ok(1));
        byte[0]
    };
    let first = held.engine.examine(byte).unwrap();
    assert_eq!(held.engine.examine(|target| target.write(main, &[TRAP])), Ok(Ok(1)));
    assert_eq!(held.engine.examine(byte), Ok(TRAP), "the page is not writable for the program itself");
    assert_eq!(held.engine.examine(|target| target.write(main, &[first])), Ok(Ok(1)));
    assert_eq!(slices(guest.pid), before, "each answer was right: it never woke");
    // Woken in the middle, it is told so: whoever changed text cannot know whether it was executed.
    let examine = held.engine.prepare_examine().unwrap();
    assert_eq!(examine.with_target(|target| target.write(main, &[first])), Ok(Ok(1)));
    // The tracer serves its mail in order: when this attach is answered, the trap is set.
    host.attach(guest.pid, |_| ()).unwrap_err();
    drop(guest.shell.stdin.take());
    held.until_stopped();
    assert_eq!(examine.finish(), Err(utrace_core::ExamineError::Ran));
    held.resume();
    assert_eq!(guest.finish(), ("epoll_stdin=1 errno=0\n".into(), "status 0".into()));
}

/// Looks at another task from its callbacks.
struct Neighbour {
    of: EngineRef,
    found: Sender<Vec<Result<usize, utrace_core::TargetError>>>,
}

impl Engine for Neighbour {
    fn name(&self) -> &str {
        "neighbour"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _event: Option<Event>) -> Action {
        let found = self.of.task().with_target(|target| {
            let mut regs = [0; UserRegs::SIZE];
            let general = target.regset(Regset(1), &mut regs);
            let number = UserRegs::from_bytes(&regs).orig_rax;
            assert!(general.is_err() || number == 232, "{number}");
            vec![
                general,
                target.regset(Regset(2), &mut [0; 512]),
                target.set_regset(Regset(1), &regs).map(|()| 0),
            ]
        });
        let _ = self.found.send(found.unwrap());
        Action::Resume
    }
}

/// A sleeper is not dead, whoever asks.
#[test]
fn a_callback_for_another_task_sees_the_registers_of_a_sleeper() {
    use utrace_core::TargetError::Unsupported;
    let (guest, other) = (Guest::new("blocked", &["epoll_stdin"]), Guest::new("spin", &[]));
    until_blocked(guest.pid);
    let before = slices(guest.pid);
    let host = Host::start().unwrap();
    let of = Held::attach(&host, guest.pid, Interest::from(Event::Quiesce)).engine;
    let (found, finds) = channel();
    let mut neighbour = Some(Neighbour { of, found });
    host.attach(other.pid, move |task| {
        let engine = task.attach_for(Event::Quiesce, neighbour.take().unwrap()).unwrap();
        let _ = engine.control(Action::Report).unwrap();
    })
    .unwrap();
    let found = finds.recv_timeout(SOON).unwrap();
    assert_eq!(found, [Ok(UserRegs::SIZE), Err(Unsupported), Err(Unsupported)]);
    host.shutdown();
    assert_eq!(slices(guest.pid), before);
    assert!(std::process::Command::new("kill").arg(other.pid.to_string()).status().unwrap().success());
    assert_eq!(other.finish().1, "status 143");
    assert_eq!(guest.finish().1, "status 0");
}
