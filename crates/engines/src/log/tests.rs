//! The log on tasks whose events are reported by hand. Expected lines are those of strace 6.1.

use std::path::PathBuf;

use utrace_core::{Event, EventSet};

use super::{Log, LogOptions};
use crate::testing::{Rig, TempFile};
use crate::tool::{Origin, Tool};

const READ: u64 = 0;
const CLOSE: u64 = 3;
const GETPPID: u64 = 110;
const EXIT_GROUP: u64 = 231;
const EXECVE: u64 = 59;

fn log(options: &str) -> (Log, TempFile) {
    let file = TempFile::new();
    let text = format!("{}{}{options}", file.path().display(), if options.is_empty() { "" } else { "," });
    (Log::open(LogOptions::parse(&text).unwrap()).unwrap(), file)
}

/// What a scene leaves in the file.
fn play(options: &str, scene: impl FnOnce(&mut Rig)) -> String {
    let (log, file) = log(options);
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    scene(&mut rig);
    log.finish().unwrap();
    file.text()
}

#[test]
fn a_syscall_is_one_line_with_the_result_in_column_40() {
    let text = play("", |rig| {
        rig.call(GETPPID, &[], 7);
        rig.call(CLOSE, &[9], -9);
    });
    let expected = "\
100   getppid()                         = 7
100   close(9)                          = -1 EBADF (Bad file descriptor)
";
    assert_eq!(text, expected);
}

#[test]
fn a_line_that_another_task_interrupts_is_resumed() {
    let text = play("", |rig| {
        let _ = rig.enter(READ, &[0, 0x1000, 16]);
        rig.target.memory.insert(0x1000, b"abc".to_vec());
        let mut child = rig.fork(101);
        child.call(GETPPID, &[], 100);
        let _ = rig.leave(3);
    });
    let expected = "\
100   read(0,  <unfinished ...>
101   getppid()                         = 100
100   <... read resumed>\"abc\", 16)      = 3
";
    assert_eq!(text, expected);
}

#[test]
fn a_signal_stands_between_the_lines() {
    let text = play("", |rig| {
        let _ = rig.enter(GETPPID, &[]);
        rig.signal(10, 55);
        let _ = rig.leave(1);
        rig.group_stop(19);
    });
    let expected = "\
100   getppid( <unfinished ...>
100   --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=55, si_uid=0} ---
100   <... getppid resumed>)            = 1
100   --- stopped by SIGSTOP ---
";
    assert_eq!(text, expected);
}

#[test]
fn a_thread_that_ends_in_a_syscall_never_returns_from_it() {
    let text = play("", |rig| {
        let _ = rig.enter(EXIT_GROUP, &[3]);
        rig.exit();
        rig.die(3 << 8);
    });
    assert_eq!(text, "100   exit_group(3)                     = ?\n100   +++ exited with 3 +++\n");
}

#[test]
fn a_killed_task_leaves_its_line_unfinished() {
    let text = play("", |rig| {
        let _ = rig.enter(READ, &[0, 0, 1]);
        rig.die(9);
    });
    assert_eq!(text, "100   read(0,  <unfinished ...>\n100   +++ killed by SIGKILL +++\n");
}

#[test]
fn a_core_dump_is_told() {
    let text = play("", |rig| rig.die(11 | 0x80));
    assert_eq!(text, "100   +++ killed by SIGSEGV (core dumped) +++\n");
}

/// The leader's task ends without a word of its own, and the thread speaks under the leader's id.
#[test]
fn a_thread_that_execs_supersedes_its_leader() {
    let text = play("", |rig| {
        let mut thread = rig.thread(101);
        let _ = thread.enter(EXECVE, &[0, 0, 0]);
        rig.die(0);
        thread.exec_as(100);
        let _ = thread.leave(0);
        thread.die(0);
    });
    let expected = "\
101   execve(NULL, NULL, NULL <unfinished ...>
100   +++ superseded by execve in pid 101 +++
100   <... execve resumed>)             = 0
100   +++ exited with 0 +++
";
    assert_eq!(text, expected);
}

#[test]
fn each_task_has_its_file_and_a_file_follows_its_id() {
    let file = TempFile::new();
    let of = |id: u32| PathBuf::from(format!("{}.{id}", file.path().display()));
    let options = LogOptions::parse(&format!("{},ff", file.path().display())).unwrap();
    let log = Log::open(options).unwrap();
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    let mut thread = rig.thread(101);
    let _ = thread.enter(EXECVE, &[0, 0, 0]);
    rig.die(0);
    thread.exec_as(100);
    let _ = thread.leave(0);
    thread.die(0);
    log.finish().unwrap();
    let (leader, former) =
        (std::fs::read_to_string(of(100)).unwrap(), std::fs::read_to_string(of(101)).unwrap());
    for id in [100, 101] {
        std::fs::remove_file(of(id)).unwrap();
    }
    assert_eq!(former, "execve(NULL, NULL, NULL <pid changed to 100 ...>\n");
    let expected = "\
+++ superseded by execve in pid 101 +++
<... execve resumed>)                   = 0
+++ exited with 0 +++
";
    assert_eq!(leader, expected);
}

#[test]
fn an_injected_result_and_a_delay_are_told() {
    let (log, file) = log("");
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    let inject = crate::inject::InjectSpec::parse("getppid:error=EIO:delay_exit=1ns").unwrap();
    crate::inject::Inject::new(inject).attach(&rig.task, Origin::Launched).unwrap();
    rig.call(GETPPID, &[], -38);
    log.finish().unwrap();
    let expected =
        "100   getppid()                         = -1 EIO (Input/output error) (INJECTED) (DELAYED)\n";
    assert_eq!(file.text(), expected);
}

#[test]
fn failures_only_or_successes_only() {
    let scene = |rig: &mut Rig| {
        rig.call(CLOSE, &[9], -9);
        rig.call(CLOSE, &[3], 0);
        let _ = rig.enter(EXIT_GROUP, &[0]);
        rig.exit();
    };
    assert_eq!(play("z", scene), "100   close(3)                          = 0\n");
    assert_eq!(
        play("Z", scene),
        "100   close(9)                          = -1 EBADF (Bad file descriptor)\n"
    );
}

#[test]
fn a_syscall_that_began_unseen_is_resumed_without_arguments() {
    let text = play("T", |rig| rig.leave_unseen(READ, 5));
    assert_eq!(text, "100   <... read resumed>)               = 5\n");
}

#[test]
fn time_in_a_syscall_follows_its_result() {
    let text = play("T", |rig| rig.call(GETPPID, &[], 7));
    let (line, time) = text.trim_end().split_once('<').unwrap();
    assert_eq!(line, "100   getppid()                         = 7 ");
    assert!(time.strip_suffix('>').unwrap().parse::<f64>().unwrap() < 60.0, "{text}");
}

#[test]
fn only_what_is_shown_is_asked_for() {
    let wanted = |options: &str| {
        let (log, _file) = log(options);
        let rig = Rig::new(100);
        log.attach(&rig.task, Origin::Launched).unwrap();
        rig.task.wanted()
    };
    let quiet = wanted("trace=none,signal=none");
    assert!(!quiet.events.intersects(EventSet::SYSCALL) && !quiet.events.intersects(EventSet::SIGNAL));
    assert!(!quiet.events.contains(Event::Jctl) && quiet.events.contains(Event::Death));
    let some = wanted("trace=close,signal=CHLD");
    assert!(some.wants_syscall(CLOSE) && !some.wants_syscall(READ));
    assert!(some.signals.contains(17) && !some.signals.contains(2));
}

#[test]
fn a_task_is_on_the_log_once() {
    let (log, file) = log("");
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Attached).unwrap();
    log.attach(&rig.task, Origin::Attached).unwrap();
    rig.call(GETPPID, &[], 7);
    log.finish().unwrap();
    assert_eq!(file.text().lines().count(), 1);
}

#[test]
fn a_full_disk_ends_the_log_and_not_the_program() {
    let options = LogOptions::parse("/dev/full").unwrap();
    let log = Log::open(options).unwrap();
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    rig.call(GETPPID, &[], 7);
    rig.die(0);
    assert!(log.failure().is_some(), "flushed at death");
    assert_eq!(log.finish().unwrap_err().path, PathBuf::from("/dev/full"));
}

#[test]
fn a_log_that_cannot_be_written_stops_nobody_any_more() {
    let log = Log::open(LogOptions::parse("/dev/full").unwrap()).unwrap();
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    rig.fork(101).die(0);
    assert!(log.failure().is_some());
    rig.call(GETPPID, &[], 7);
    rig.reporter.tidy();
    assert!(!rig.task.wanted().wants_syscall(GETPPID));
    assert!(rig.task.engines().is_empty());
}

#[test]
fn json_objects_stand_one_on_a_line() {
    let text = play("format=json", |rig| {
        rig.call(CLOSE, &[9], -9);
        rig.signal(10, 55);
        rig.group_stop(19);
        let _ = rig.enter(EXIT_GROUP, &[0]);
        rig.exit();
        rig.die(11 | 0x80);
    });
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["syscall", "signal", "stopped", "syscall", "exit"]);
    let close = &objects[0];
    assert_eq!((&close["pid"], &close["syscall"], &close["nr"]), (&100.into(), &"close".into(), &3.into()));
    assert_eq!((&close["args"], &close["raw"]), (&serde_json::json!(["9"]), &serde_json::json!([9])));
    assert_eq!((&close["ret"], &close["errno"]), (&(-9).into(), &"EBADF".into()));
    assert!(close["duration"].as_f64().unwrap() < 60.0 && close.get("injected").is_none());
    assert_eq!((&objects[1]["signal"], &objects[1]["sender"]), (&"SIGUSR1".into(), &55.into()));
    assert_eq!(objects[3]["ret"], serde_json::Value::Null);
    assert_eq!((&objects[4]["signal"], &objects[4]["core"]), (&"SIGSEGV".into(), &true.into()));
}

#[test]
fn a_syscall_that_a_kill_ended_has_its_object_too() {
    let text = play("format=json", |rig| {
        let _ = rig.enter(READ, &[0, 0, 1]);
        rig.die(9);
    });
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&first["syscall"], &first["ret"]), (&"read".into(), &serde_json::Value::Null));
    assert_eq!(text.lines().count(), 2, "{text}");
}

/// `tail -f` on the file of a program that sleeps would show nothing else.
#[test]
fn a_line_that_waits_is_in_the_file_soon() {
    let (log, file) = log("");
    let mut rig = Rig::new(100);
    log.attach(&rig.task, Origin::Launched).unwrap();
    rig.call(GETPPID, &[], 7);
    let _ = rig.enter(READ, &[0, 0, 1]);
    let start = std::time::Instant::now();
    while file.text().lines().count() < 2 {
        assert!(start.elapsed().as_secs() < 60, "{}", file.text());
        std::thread::yield_now();
    }
    assert!(file.text().ends_with("100   read(0, "), "{}", file.text());
}

#[test]
fn every_field_of_the_objects_is_in_the_help() {
    let text = play("format=json", |rig| {
        rig.call(CLOSE, &[9], -9);
        rig.signal(10, 55);
        rig.group_stop(19);
        rig.thread(101).exec_as(100);
        rig.die(11);
    });
    let help = super::NOTES.join("\n");
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let object = object.as_object().unwrap();
        let kind = object["type"].as_str().unwrap();
        assert!(help.contains(&format!("  {kind}:")), "{kind}");
        for field in object.keys() {
            assert!(help.contains(field.as_str()), "{field} of {kind}");
        }
    }
}

#[test]
fn a_quiet_log_leaves_out_exits_and_not_kills() {
    let scene = |rig: &mut Rig| {
        rig.fork(101).die(0);
        rig.die(9);
    };
    let killed = "100   +++ killed by SIGKILL +++\n";
    assert_eq!(play("qq", scene), killed);
    assert_eq!(play("q", scene), format!("101   +++ exited with 0 +++\n{killed}"));
}
