//! Launching: what is seen first, what last, and what comes back.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

mod common;

use common::Log;
use utrace_core::{Action, Cx, Engine, Event, EventSet, ExecReport, Interest, SyscallEntry, SyscallSet};
use utrace_host::{AfterTracer, Command, CoreDump, Ending, Errno, Host, HostError, Step};
use utrace_testkit::fixtures;

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

fn fixture(name: &str, args: &[&str]) -> Command {
    Command::new(fixtures::build(name)).args(args)
}

/// Launches with a follower and waits for everything; answers how it ended and what was seen.
fn run(command: &Command, interest: Interest) -> (Result<Ending, HostError>, Log) {
    let log = Log::default();
    let host = Host::start().unwrap();
    let ended = host.launch(command, log.adopter(interest)).and_then(|process| process.wait());
    host.wait_idle();
    (ended, log)
}

#[test]
fn each_way_of_not_starting_is_told() {
    let run = |command: Command| run(&command, Interest::in_events(EventSet::ALL)).0;
    assert!(matches!(run(Command::new("no-such-program-here")), Err(HostError::NoProgram(_))));
    assert!(matches!(run(Command::new("/etc/passwd")), Err(HostError::NotExecutable(_))));
    let folder = std::env::temp_dir().join(format!("utrace-host-launch-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bad = folder.join("no-interpreter");
    std::fs::write(&bad, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&bad, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let Err(HostError::Launch(path, Step::Exec, errno)) = run(Command::new(&bad)) else { panic!() };
    assert_eq!((path, errno), (bad, Errno::ENOENT));
    let Err(HostError::Launch(_, Step::ChangeDirectory, _)) = run(Command::new("true").cwd("/no/such"))
    else {
        panic!()
    };
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_failed_exec_shows_its_call_and_nothing_of_ours() {
    let folder = std::env::temp_dir().join(format!("utrace-host-failed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let bad = folder.join("bad");
    std::fs::write(&bad, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&bad, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (ended, log) = run(&Command::new(&bad), Interest::in_events(EventSet::ALL));
    assert!(ended.is_err());
    assert_eq!(log.lines(), ["entry execve", "exit execve -2", "death 32512", "reap"]);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_program_gets_environment_directory_mask_and_default_sigpipe() {
    let script = r#"[ "$UTRACE_T" = v ] && [ "$PWD" = /usr ] && grep -q '^SigBlk:.0000000000000000' /proc/self/status \
        && grep -Eq '^SigIgn:.[0-9a-f]{12}[02468ace]' /proc/self/status && [ ! -e /proc/self/fd/5 ]"#;
    let command = Command::new("sh").args(["-c", script]).env("UTRACE_T", "v").cwd("/usr");
    assert_eq!(run(&command, Interest::in_events(EventSet::ALL)).0, Ok(Ending::Exited(0)));
}

#[test]
fn a_filter_shows_exactly_the_wanted_calls_of_the_whole_tree() {
    let getppid = [110].into_iter().collect::<SyscallSet>();
    let interest = Interest::in_syscalls(getppid) | Event::Clone;
    let (ended, log) = run(&fixture("thread_storm", &["50"]), interest);
    assert_eq!(ended, Ok(Ending::Exited(0)));
    let lines = log.lines();
    assert_eq!(log.count("clone Thread"), 50);
    assert!(lines.iter().all(|line| line.contains("getppid") || line.starts_with("clone")), "{lines:#?}");
    let (_, all) =
        run(&fixture("thread_storm", &["50"]), Interest::in_syscalls(SyscallSet::ALL) | Event::Clone);
    assert_eq!(log.count("entry getppid"), all.count("entry getppid"));
}

#[test]
fn what_an_engine_asks_for_later_is_seen_past_the_filter() {
    /// Wants everything from the first uname on.
    struct Late(Log);
    impl Engine for Late {
        fn name(&self) -> &str {
            "late"
        }
        fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
            let _ = cx.engine().set_events(Interest::in_events(Event::SyscallEntry));
            self.0.add(common::name(entry.call().index));
            Action::Resume
        }
    }
    let log = Log::default();
    let host = Host::start().unwrap();
    let (seen, interest) = (log.clone(), Interest::in_syscalls([63].into_iter().collect()));
    let process = host
        .launch(&Command::new("uname"), move |task| {
            task.attach_for(interest, Late(seen)).unwrap();
        })
        .unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.lines().first().map(String::as_str), Some("uname"));
    assert_eq!(log.lines().last().map(String::as_str), Some("exit_group"));
    assert_eq!(log.count("uname"), 1, "not twice, by the filter and by the stop");
}

#[test]
fn a_call_behind_the_last_look_of_a_visitor_is_seen() {
    /// Looks at one call that the filter lets pass, and leaves before it.
    struct Visitor;
    impl Engine for Visitor {
        fn name(&self) -> &str {
            "visitor"
        }
        fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
            Action::Detach
        }
    }
    /// Counts getppid, and lets a visitor in.
    struct Count(Log);
    impl Engine for Count {
        fn name(&self) -> &str {
            "count"
        }
        fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
            cx.task().attach_for(Event::SyscallEntry, Visitor).unwrap();
            Action::Resume
        }
        fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
            self.0.add(common::name(entry.call().index));
            Action::Resume
        }
    }
    let log = Log::default();
    let host = Host::start().unwrap();
    let (seen, interest) = (log.clone(), Interest::in_syscalls([110].into_iter().collect()) | Event::Exec);
    let process = host
        .launch(&fixture("getppid_loop", &["10"]), move |task| {
            task.attach_for(interest, Count(seen)).unwrap();
        })
        .unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(
        log.count("getppid"),
        10,
        "the first is not taken for the visitor's call, seen again by the filter"
    );
}

#[test]
fn exec_by_another_thread_keeps_its_engines_and_ends_the_leader() {
    let (ended, log) = run(&fixture("exec_nonleader", &[]), Interest::in_events(EventSet::ALL));
    assert_eq!(ended, Ok(Ending::Exited(6)));
    let lines = log.lines();
    // The launch's own, and the thread's.
    assert_eq!(log.count("exec"), 2, "{lines:#?}");
    let last = lines.iter().rposition(|line| line == "exec").unwrap();
    assert!(lines[..last].iter().any(|line| line == "reap"), "the others end before: {lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("death")).count(), log.count("reap"));
    assert_eq!(log.count("clone Thread") + 1, log.count("reap"), "one end for each beginning: {lines:#?}");
    assert_eq!(lines[lines.len() - 3..], ["exiting 1536", "death 1536", "reap"]);
}

#[test]
fn families_and_leaders_end_as_they_do_alone() {
    for (name, args, code) in [
        ("vfork_exec", &[][..], 0),
        ("leader_exit", &[], 4),
        ("clone3_child", &[], 0),
        ("fork_bomb", &["300"], 0),
        ("kill_storm", &["20"], 0),
        ("signals", &[], 0),
        ("ignored_signal", &[], 0),
        ("seccomped", &[], 0),
        ("clone_untraced", &[], 0),
    ] {
        for interest in [
            Interest::in_events(EventSet::ALL),
            Interest::from(Event::Clone | Event::Death),
            Interest::in_syscalls([59, 110].into_iter().collect()) | (Event::Clone | Event::Death),
        ] {
            let (ended, log) = run(&fixture(name, args), interest);
            assert_eq!(ended, Ok(Ending::Exited(code)), "{name} {interest:?}");
            let born = log.lines().iter().filter(|line| line.starts_with("clone")).count() + 1;
            let died = log.lines().iter().filter(|line| line.starts_with("death")).count();
            // A child whose maker was killed has no engine; all others have one that saw its end.
            assert_eq!(born, died, "{name} {interest:?}");
        }
    }
}

#[test]
fn a_program_killed_by_a_signal_ends_so() {
    let (ended, log) =
        run(&Command::new("sh").args(["-c", "kill -TERM $$"]), Interest::in_events(EventSet::ALL));
    assert_eq!(ended, Ok(Ending::Killed(15, CoreDump::No)));
    assert!(log.lines().contains(&"signal 15 Taken(SignalTerm)".into()), "{:#?}", log.lines());
}

#[test]
fn twenty_thousand_short_lived_children_leave_nothing_behind() {
    let script =
        "i=0; while [ $i -lt 200 ]; do for j in 1 2 3 4 5 6 7 8 9 10; do (:) & done; wait; i=$((i+1)); done";
    let log = Log::default();
    let host = Host::start().unwrap();
    let command = Command::new("sh").args(["-c", script]);
    let process = host.launch(&command, log.adopter(Interest::from(Event::Clone | Event::Death))).unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    host.wait_idle();
    assert!(host.tasks().is_empty());
    assert_eq!(log.lines().iter().filter(|line| line.starts_with("death")).count(), 2001);
}

#[test]
fn a_panic_detaches_its_engine_and_no_other() {
    struct Bomb;
    impl Engine for Bomb {
        fn name(&self) -> &str {
            "bomb"
        }
        fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
            panic!("on purpose")
        }
    }
    let (log, told) = (Log::default(), Log::default());
    let listener = told.clone();
    let host = Host::builder().notices(move |notice| listener.add(notice.to_string())).start().unwrap();
    let mut adopt = log.adopter(Interest::in_events(EventSet::ALL));
    let process = host
        .launch(&Command::new("true"), move |task| {
            adopt(task);
            task.attach_for(Event::SyscallEntry, Bomb).unwrap();
        })
        .unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(told.lines().len(), 1);
    assert!(told.lines()[0].contains("engine bomb panicked") && told.lines()[0].contains("on purpose"));
    assert!(log.count("entry exit_group") == 1);
}

#[test]
fn a_shutdown_kills_a_launched_tree_or_lets_it_live() {
    for (after, lives) in [(AfterTracer::Dies, false), (AfterTracer::LivesOn, true)] {
        let host = Host::start().unwrap();
        let command = Command::new("sleep").args(["1000"]).after_tracer(after);
        let process =
            host.launch(&command, Log::default().adopter(Interest::in_events(EventSet::ALL))).unwrap();
        host.shutdown();
        let status =
            || std::fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap_or_default();
        let alive = |status: &str| status.contains("TracerPid:\t0") && !status.contains("State:\tZ");
        // A kill takes its moment; a test that waits for ever has failed.
        while !lives && alive(&status()) {
            std::thread::yield_now();
        }
        let status = status();
        assert_eq!(alive(&status), lives, "{status}");
        std::process::Command::new("kill")
            .args(["-9", &process.pid().to_string()])
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap();
        assert_eq!(host.launch(&Command::new("true"), |_| ()).unwrap_err(), HostError::Ended);
    }
}

#[test]
fn a_shutdown_leaves_no_zombie_of_what_it_launched() {
    struct Holds;
    impl Engine for Holds {
        fn name(&self) -> &str {
            "holds"
        }
        fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
            Action::Stop
        }
    }
    for held in [false, true] {
        let host = Host::start().unwrap();
        let process = host
            .launch(&Command::new("sleep").args(["1000"]), move |task| {
                if held {
                    task.attach_for(EventSet::SYSCALL, Holds).unwrap();
                }
            })
            .unwrap();
        while held && !process.tasks()[0].is_stopped() {
            std::thread::yield_now();
        }
        host.shutdown();
        let left = std::fs::read_to_string(format!("/proc/{}/status", process.pid()));
        assert!(left.is_err(), "held {held}: {left:?}");
    }
}

#[test]
fn calls_of_a_32_bit_program_are_known_by_name() {
    // Not every machine can link one.
    let Ok(program) = fixtures::try_build("i386") else { return };
    let (ended, log) = run(&Command::new(&program), Interest::in_events(EventSet::SYSCALL));
    assert_eq!(ended, Ok(Ending::Exited(3)));
    let entries: Vec<String> = log.lines().into_iter().filter(|line| line.starts_with("entry")).collect();
    assert_eq!(entries, ["entry execve", "entry getpid", "entry write", "entry exit"]);
    // A filter for one of them shows that one alone, though its number is another there.
    let (ended, log) = run(&Command::new(&program), Interest::in_syscalls([1].into_iter().collect()));
    assert_eq!(ended, Ok(Ending::Exited(3)));
    assert_eq!(log.lines(), ["entry write", "exit write 3"]);
}

/// Wants every call, once, and is gone.
struct Glance;

impl Engine for Glance {
    fn name(&self) -> &str {
        "glance"
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if entry.call().number == GETPPID { Action::Detach } else { Action::Resume }
    }
}

/// Logs the entries it sees; at the first one it has a [`Glance`] come.
struct Entries(Log);

const GETUID: u64 = 102;
const GETPPID: u64 = 110;

impl Engine for Entries {
    fn name(&self) -> &str {
        "entries"
    }
    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if self.0.lines().is_empty() {
            let all = Interest::from(Event::SyscallEntry);
            cx.task().attach_for(all, Glance).unwrap();
        }
        self.0.add(common::name(entry.call().number));
        Action::Resume
    }
}

#[test]
fn a_call_that_the_programs_own_filter_refuses_hides_none_that_follows() {
    let log = Log::default();
    let engine = Entries(log.clone());
    let host = Host::start().unwrap();
    let process = host
        .launch(&Command::new(fixtures::build("seccomp_refuses")), move |task| {
            let calls = [GETUID, GETPPID].into_iter().collect();
            task.attach_for(Interest::from(Event::SyscallEntry).with_syscalls(calls), engine).unwrap();
        })
        .unwrap();
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    let uids = log.count("getuid");
    assert_eq!((uids, log.lines().contains(&"getppid".into())), (3, true), "{:#?}", log.lines());
}
