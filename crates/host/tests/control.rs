//! Changing and holding what runs: arguments, results, signals, stops, steps.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

mod common;
#[path = "common/guest.rs"]
mod guest;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use common::Log;
use guest::Guest;
use utrace_abi::UserRegs;
use utrace_core::{
    Action, Addr, CloneReport, Cx, Engine, Event, EventSet, Interest, Progress, Regset, SignalAction,
    SignalReport, SyscallEntry, SyscallExit, TargetError, Task,
};
use utrace_host::{Command, CoreDump, Ending, Handling, Host, Notice, Tid};
use utrace_testkit::fixtures;

const GENERAL: Regset = Regset(1);
const SOON: Duration = Duration::from_secs(20);

/// An engine made of one closure for each callback that a test needs.
struct Act<E, X, S> {
    entry: E,
    exit: X,
    signal: S,
}

impl<E, X, S> Engine for Act<E, X, S>
where
    E: FnMut(&mut Cx<'_>, &mut SyscallEntry) -> Action + Send + 'static,
    X: FnMut(&mut Cx<'_>, &mut SyscallExit) -> Action + Send + 'static,
    S: FnMut(&mut Cx<'_>, &mut SignalReport) -> Action + Send + 'static,
{
    fn name(&self) -> &str {
        "act"
    }
    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        (self.entry)(cx, entry)
    }
    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        (self.exit)(cx, exit)
    }
    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        (self.signal)(cx, signal)
    }
}

fn on_entry(entry: impl FnMut(&mut Cx<'_>, &mut SyscallEntry) -> Action + Send + 'static) -> impl Engine {
    Act { entry, exit: |_: &mut Cx<'_>, _: &mut SyscallExit| Action::Resume, signal: no_signal }
}

fn on_signal(signal: impl FnMut(&mut Cx<'_>, &mut SignalReport) -> Action + Send + 'static) -> impl Engine {
    let exit = |_: &mut Cx<'_>, _: &mut SyscallExit| Action::Resume;
    Act { entry: |_: &mut Cx<'_>, _: &mut SyscallEntry| Action::Resume, exit, signal }
}

fn no_signal(_: &mut Cx<'_>, _: &mut SignalReport) -> Action {
    Action::Resume
}

/// Launches with one engine.
fn run(command: &Command, interest: impl Into<Interest>, engine: impl Engine) -> Ending {
    let host = Host::start().unwrap();
    let interest = interest.into();
    let process = host
        .launch(command, move |task| {
            task.attach_for(interest, engine).unwrap();
        })
        .unwrap();
    process.wait().unwrap()
}

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

fn calls(numbers: &[u64]) -> Interest {
    Interest::in_syscalls(numbers.iter().copied().collect())
}

#[test]
fn a_call_can_be_skipped_changed_and_given_another_result() {
    // exit_group: another status, by changing the argument.
    let status = run(
        &Command::new("true"),
        calls(&[231]),
        on_entry(|_, entry| {
            entry.set_arg(0, 7);
            Action::Resume
        }),
    );
    assert_eq!(status, Ending::Exited(7));
    // uname skipped, with a result of ours: it says so and fails.
    let (send, receive) = channel();
    let skip = Act {
        entry: |_: &mut Cx<'_>, entry: &mut SyscallEntry| {
            entry.abort();
            Action::Resume
        },
        exit: move |_: &mut Cx<'_>, exit: &mut SyscallExit| {
            send.send(exit.value()).unwrap();
            exit.set_value(-12, true);
            Action::Resume
        },
        signal: no_signal,
    };
    assert_eq!(run(&Command::new("uname"), calls(&[63]), skip), Ending::Exited(1));
    let first = receive.recv_timeout(SOON).unwrap();
    assert_eq!(first, -38, "a skipped call fails with ENOSYS until somebody says otherwise");
}

#[test]
fn memory_and_registers_are_read_and_written_in_a_stop() {
    let (send, receive) = channel();
    let engine = on_entry(move |cx, entry| {
        let (at, len) = (Addr(entry.call().args[1]), usize::try_from(entry.call().args[2]).unwrap());
        let mut text = vec![0; len];
        assert_eq!(cx.target().read(at, &mut text), Ok(len));
        let mut regs = [0; UserRegs::SIZE];
        assert_eq!(cx.target().regset(GENERAL, &mut regs), Ok(UserRegs::SIZE));
        let regs = UserRegs::from_bytes(&regs);
        assert_eq!((regs.rsi, regs.orig_rax), (at.0, 1));
        // Text is write-protected; a debugger must write there all the same.
        let mut insn = [0; 2];
        let ip = Addr(regs.rip - 2);
        assert_eq!(cx.target().read(ip, &mut insn), Ok(2));
        assert_eq!(insn, [0x0f, 0x05]);
        assert_eq!(cx.target().write(ip, &insn), Ok(2));
        assert_eq!(cx.target().read(Addr(16), &mut insn), Err(TargetError::Fault(Addr(16))));
        assert_eq!(cx.target().program(), Some(b"sh".to_vec()));
        assert!(cx.target().fd_path(1).is_some());
        let mut extended = vec![0; 16 * 1024];
        assert!(cx.target().regset(Regset(0x202), &mut extended).unwrap() > 500);
        send.send(text.clone()).unwrap();
        cx.target().write(at, &text.to_ascii_uppercase()).unwrap();
        Action::Resume
    });
    let out = std::env::temp_dir().join(format!("utrace-host-memory-{}", std::process::id()));
    let script = format!("exec >{}; echo hello", out.display());
    assert_eq!(run(&sh(&script), calls(&[1]), engine), Ending::Exited(0));
    assert_eq!(receive.recv_timeout(SOON).unwrap(), b"hello\n");
    assert_eq!(std::fs::read(&out).unwrap(), b"HELLO\n");
    std::fs::remove_file(out).unwrap();
}

#[test]
fn a_signal_is_dropped_replaced_or_made_fatal() {
    let term = || EventSet::SIGNAL;
    let drop_it = on_signal(|_, signal| {
        signal.action = SignalAction::Ignore;
        Action::Resume
    });
    assert_eq!(run(&sh("kill -TERM $$; exit 3"), term(), drop_it), Ending::Exited(3));
    let replace = on_signal(|_, signal| {
        if signal.info.number == 15 {
            signal.info.number = 10;
        }
        Action::Resume
    });
    assert_eq!(run(&sh("trap 'exit 4' USR1; kill -TERM $$; exit 3"), term(), replace), Ending::Exited(4));
    let fatal = on_signal(|_, signal| {
        signal.action = SignalAction::Terminate;
        Action::Resume
    });
    assert_eq!(
        run(&sh("trap 'exit 4' USR1; kill -USR1 $$; exit 3"), term(), fatal),
        Ending::Killed(10, CoreDump::No)
    );
}

#[test]
fn a_task_held_before_a_call_runs_it_when_it_is_released() {
    let (send, receive) = channel();
    let engine = on_entry(move |cx, entry| {
        send.send((cx.engine(), entry.resumed())).unwrap();
        if entry.resumed() { Action::Resume } else { Action::Stop }
    });
    let host = Host::start().unwrap();
    let process = host
        .launch(&Command::new("uname"), move |task| {
            task.attach_for(calls(&[63]), engine).unwrap();
        })
        .unwrap();
    let (held, _) = receive.recv_timeout(SOON).unwrap();
    let _ = held.barrier();
    until_stopped(held.task());
    let pid = process.pid();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(state.contains(") t "), "{state}");
    // Its registers, from this thread.
    let mut regs = [0; UserRegs::SIZE];
    held.examine(|target| target.regset(GENERAL, &mut regs)).unwrap().unwrap();
    assert_eq!(UserRegs::from_bytes(&regs).orig_rax, 63);
    held.control(Action::Resume).map(|_| ()).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
}

#[test]
fn sigkill_ends_a_hold() {
    let (send, receive) = channel();
    let engine = on_entry(move |cx, _| {
        send.send(cx.engine()).unwrap();
        Action::Stop
    });
    let host = Host::start().unwrap();
    let log = Log::default();
    let mut adopt = log.adopter(Interest::from(Event::Death | Event::Reap));
    let process = host
        .launch(&Command::new("uname"), move |task| {
            adopt(task);
            task.attach_for(calls(&[63]), engine).unwrap();
        })
        .unwrap();
    let held = receive.recv_timeout(SOON).unwrap();
    let _ = held.barrier();
    kill(process.pid(), "KILL");
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    assert_eq!(log.lines(), ["death 9", "reap"]);
    assert!(held.control(Action::Resume).is_err());
}

/// A stop that was decided takes effect a moment after its callback is over.
fn until_stopped(task: &Task) {
    while !task.is_stopped() {
        std::thread::yield_now();
    }
}

fn kill(pid: Tid, signal: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// Reports that somebody asked for end here.
struct Quiet(Sender<Option<Event>>, Action);

impl Engine for Quiet {
    fn name(&self) -> &str {
        "quiet"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        let _ = self.0.send(event);
        self.1
    }
}

#[test]
fn a_running_and_a_sleeping_task_are_stopped_from_another_thread() {
    // A stop never ends a sleep; an interrupt does, and what it is answered with counts.
    let sleep = Command::new("sleep").args(["1000"]);
    for (command, action) in [(sh("while :; do :; done"), Action::Stop), (sleep, Action::Interrupt)] {
        let (send, receive) = channel();
        let host = Host::start().unwrap();
        let process = host.launch(&command, |_| ()).unwrap();
        let task = process.tasks()[0].clone();
        let engine = task.attach_for(Event::Quiesce, Quiet(send, Action::Stop)).unwrap();
        let _ = engine.control(action).unwrap();
        while receive.recv_timeout(SOON).unwrap().is_some() {}
        let _ = engine.barrier();
        until_stopped(&task);
        let _ = engine.control(Action::Resume).unwrap();
        kill(process.pid(), "TERM");
        assert_eq!(process.wait(), Ok(Ending::Killed(15, CoreDump::No)));
    }
}

/// Who asks again and again wants a trap that is set already. It is left as it is: set anew each time, it would begin its
/// time anew, and never spring on a processor that the program has to itself. The one engine is told of each stop, the
/// other of none. (One that answers its report with Resume takes its own stop back each time.)
#[test]
fn who_asks_again_and_again_gets_his_stop_from_one_trap() {
    const STOPS: usize = 20;
    let guest = Guest::new("spin", &["compute"]);
    let traps = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&traps);
    let host = Host::builder()
        .explain()
        .notices(move |notice| {
            let is_trap = matches!(notice, Notice::Handled { how: Handling::TrapAtTick, .. });
            told.fetch_add(usize::from(is_trap), Ordering::SeqCst);
        })
        .start()
        .unwrap();
    let process = host.attach(guest.pid, |_| ()).unwrap();
    for told in [Event::Quiesce, Event::Exit] {
        let (send, _receive) = channel();
        let holder = process.tasks()[0].attach_for(told, Quiet(send, Action::Stop)).unwrap();
        for _ in 0..STOPS {
            while holder.control(Action::Stop) != Ok(Progress::Done) {}
            assert_eq!(holder.control(Action::Resume), Ok(Progress::Done));
        }
        let _ = holder.control(Action::Detach).unwrap();
    }
    host.shutdown();
    let traps = traps.load(Ordering::SeqCst);
    assert!((1..=2 * STOPS + 2).contains(&traps), "{traps} traps for {} stops", 2 * STOPS);
    kill(guest.pid, "KILL");
    guest.finish();
}

#[test]
fn single_steps_walk_the_program() {
    /// Steps for a while, counting.
    struct Steps(u32, Sender<u64>);
    impl Engine for Steps {
        fn name(&self) -> &str {
            "steps"
        }
        fn quiesce(&mut self, _cx: &mut Cx<'_>, event: Option<Event>) -> Action {
            if event.is_none() { Action::SingleStep } else { Action::Resume }
        }
        fn exec(&mut self, _cx: &mut Cx<'_>, _exec: &mut utrace_core::ExecReport) -> Action {
            Action::Report
        }
        fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
            if signal.info.number == 5 {
                let mut regs = [0; UserRegs::SIZE];
                cx.target().regset(GENERAL, &mut regs).unwrap();
                self.1.send(UserRegs::from_bytes(&regs).rip).unwrap();
                self.0 += 1;
            }
            if self.0 < 500 { Action::SingleStep } else { Action::Resume }
        }
    }
    let (send, receive) = channel();
    let interest = Interest::in_events(EventSet::SIGNAL | Event::Quiesce | Event::Exec);
    assert_eq!(run(&Command::new("true"), interest, Steps(0, send)), Ending::Exited(0));
    let pcs: Vec<u64> = receive.iter().collect();
    assert!(pcs.len() >= 500, "{} steps", pcs.len());
    assert!(pcs.windows(2).filter(|two| two[0] != two[1]).count() > 400);
}

#[test]
fn a_group_stop_is_kept_and_its_end_is_seen() {
    let log = Log::default();
    let host = Host::start().unwrap();
    let command = Command::new(fixtures::build("stop_cont"));
    let process = host.launch(&command, log.adopter(Interest::from(Event::Jctl | Event::Clone))).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.count("jctl Stopped 19"), 1);
    assert_eq!(log.lines(), ["clone Fork", "jctl Stopped 19", "jctl Continued 19"]);
}

#[test]
fn a_task_held_in_a_group_stop_shows_all_its_registers() {
    let log = Log::default();
    let host = Host::start().unwrap();
    let process = host
        .launch(&sh("kill -STOP $$; exit 6"), log.adopter(Interest::from(Event::Jctl | Event::Clone)))
        .unwrap();
    let holder = process.tasks()[0].attach(Quiet(channel().0, Action::Resume)).unwrap();
    while log.count("jctl Stopped 19") == 0 {
        std::thread::yield_now();
    }
    // Quiescent already, so at once; the callback above may not be quite over.
    while holder.control(Action::Stop) != Ok(Progress::Done) {
        std::thread::yield_now();
    }
    let look = || {
        let mut bytes = [0; UserRegs::SIZE];
        // Only a continue makes it run, for a moment.
        while holder.examine(|target| target.regset(GENERAL, &mut bytes)) != Ok(Ok(UserRegs::SIZE)) {
            std::thread::yield_now();
        }
        UserRegs::from_bytes(&bytes)
    };
    let regs = look();
    assert_eq!(
        (regs.orig_rax, regs.cs),
        (62, 0x33),
        "in kill(2), and not only what can be seen of a sleeper"
    );
    assert_eq!(look(), regs);
    assert_eq!(log.count("jctl Stopped 19"), 1, "looking is no other stop: {:?}", log.lines());
    assert_eq!(log.count("jctl Continued 19"), 0);
    // The continue alone does not let it go, nor does the release alone.
    kill(process.pid(), "CONT");
    assert_eq!(look().rip, regs.rip);
    let _ = holder.control(Action::Resume).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(6)));
    assert_eq!(log.count("jctl Continued 19"), 1, "{:?}", log.lines());
}

#[test]
fn a_child_held_at_its_birth_runs_nothing_before_it_is_released() {
    /// Attaches a holder to the first child.
    struct Midwife(Sender<utrace_core::EngineRef>);
    impl Engine for Midwife {
        fn name(&self) -> &str {
            "midwife"
        }
        fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
            let (send, _) = channel();
            let holder = clone.child.attach_for(Event::Quiesce, Quiet(send, Action::Stop)).unwrap();
            let _ = holder.control(Action::Stop).unwrap();
            self.0.send(holder).unwrap();
            Action::Resume
        }
    }
    let (send, receive) = channel();
    let host = Host::start().unwrap();
    let process = host
        .launch(&sh("(exit 5); exit $?"), move |task| {
            task.attach_for(Event::Clone, Midwife(send)).unwrap();
        })
        .unwrap();
    let holder = receive.recv_timeout(SOON).unwrap();
    until_stopped(holder.task());
    let child = holder.task().id();
    // It has not come back from fork: the call's result is still to be seen.
    let mut regs = [0; UserRegs::SIZE];
    holder.examine(|target| target.regset(GENERAL, &mut regs)).unwrap().unwrap();
    assert_eq!(UserRegs::from_bytes(&regs).rax, 0, "{child}");
    assert!(process.ended().is_none());
    let _ = holder.control(Action::Detach).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(5)));
}

#[test]
fn an_interrupt_ends_a_sleep_and_a_report_does_not() {
    let host = Host::start().unwrap();
    let command = Command::new(fixtures::build("blocked")).args(["epoll", "700"]);
    for (action, result) in [(Action::Report, "0"), (Action::Interrupt, "-1")] {
        let (entered, receive) = channel();
        let log = Log::default();
        let seen = log.clone();
        let engine = Act {
            entry: move |_: &mut Cx<'_>, _: &mut SyscallEntry| {
                entered.send(()).unwrap();
                Action::Resume
            },
            exit: move |_: &mut Cx<'_>, exit: &mut SyscallExit| {
                seen.add(exit.value().to_string());
                Action::Resume
            },
            signal: no_signal,
        };
        let (give, take) = channel();
        let process = host
            .launch(&command, move |task| {
                let engine = task.attach_for(calls(&[232]) | Event::Quiesce, engine).unwrap();
                give.send(engine).unwrap();
            })
            .unwrap();
        let engine = take.recv_timeout(SOON).unwrap();
        receive.recv_timeout(SOON).unwrap();
        let pid = process.pid();
        let asleep = || {
            std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|line| line.starts_with("232 "))
        };
        while !asleep() {
            std::thread::yield_now();
        }
        let _ = engine.control(action).unwrap();
        assert_eq!(process.wait(), Ok(Ending::Exited(0)));
        let last = log.lines().pop().unwrap();
        assert!(last == result || (result == "-1" && last == "-4"), "{action:?}: {:?}", log.lines());
    }
}
