//! Tools of several terminals on one process, through the supervisor.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::{Live, Place, Who, everybody, is_gone, status_field, there, wait_until, words};
use rustix::process::Signal;

fn target(place: &Place, who: Who, fixture: &str, args: &str) -> Live {
    let mut live = place.other(place.fixture(fixture), words(args)).who(who).start();
    live.wait_ready();
    live
}

/// The process that traces this one; 0 for none.
fn tracer_of(pid: u32) -> u32 {
    let tid = status_field(pid, "TracerPid").parse().unwrap_or(0);
    if tid == 0 { 0 } else { status_field(tid, "Tgid").parse().unwrap_or(0) }
}

fn kill(pid: u32, signal: Signal) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}

/// An unmodified strace, utrace's own engines and gdb, on one process, in an order that nobody agreed on.
#[test]
fn strace_gdb_and_engines_share_a_process() {
    if !there("strace") || !there("gdb") {
        return;
    }
    for who in everybody() {
        let place = Place::new();
        let target = target(&place, who, "spin", "");
        let pid = target.pid();
        let engines = place.run(words(&format!("attach -p {pid} --log=log --stats=stats"))).who(who).start();
        wait_until("the log is written", || place.read("log").contains("getppid()"));
        let supervisor = tracer_of(pid);
        assert_ne!(supervisor, engines.pid());
        let strace = place.run(words(&format!("ptrace -- strace -o strace -p {pid}"))).who(who).start();
        wait_until("strace writes", || place.read("strace").contains("getppid()"));
        let listed = place.run(["ps"]).who(who).go().expect(0).out;
        let row = listed.lines().find(|line| line.trim_start().starts_with(&format!("{pid} ")));
        assert!(row.is_some_and(|row| row.contains("spin") && row.contains("log, stats")), "{listed}");
        assert!(listed.contains(&format!(" {} strace ", strace.pid())), "{listed}");
        let gdb = format!("ptrace -- gdb -nx -batch -p {pid} -ex bt -ex stepi -ex detach");
        let gdb = place.run(words(&gdb).into_iter().collect::<Vec<_>>()).who(who).go();
        assert!(gdb.out.contains("detached"), "{}\n{}", gdb.out, gdb.err);
        strace.signal(Signal::INT);
        strace.finish();
        assert_eq!(tracer_of(pid), supervisor, "the engines are still there");
        let lines = place.read("log").lines().count();
        wait_until("the log goes on", || place.read("log").lines().count() > lines + 10);
        engines.signal(Signal::INT);
        let said = engines.finish().expect(0);
        assert!(said.err.contains(&format!("utrace: process {pid} attached")), "{}", said.err);
        assert_eq!(status_field(pid, "TracerPid"), "0");
        assert!(place.read("stats").contains("total"));
        wait_until("the supervisor ends with its last user", || is_gone(supervisor));
        target.signal(Signal::TERM);
        assert_eq!(target.finish().code(), 1015);
    }
}

/// Death of the supervisor by SIGKILL: what was attached goes on, and the next command starts another.
#[test]
fn an_attached_process_outlives_the_supervisor() {
    for who in everybody() {
        let place = Place::new();
        let target = target(&place, who, "spin", "");
        let pid = target.pid();
        let first = place.run(words(&format!("attach -p {pid} --log=log"))).who(who).start();
        wait_until("the log is written", || place.read("log").contains("getppid()"));
        kill(tracer_of(pid), Signal::KILL);
        let ended = first.finish().expect(125);
        assert!(ended.err.contains("the supervisor has ended"), "{}", ended.err);
        wait_until("nobody traces it", || status_field(pid, "TracerPid") == "0");
        assert!(!is_gone(pid));
        let again = place.run(words(&format!("attach -p {pid} --log=again"))).who(who).start();
        wait_until("the second log is written", || place.read("again").contains("getppid()"));
        again.signal(Signal::INT);
        again.finish().expect(0);
        target.signal(Signal::TERM);
        assert_eq!(target.finish().code(), 1015);
    }
}

/// So does a whole session: what it calls then the kernel does, and nothing fails with ENOSYS.
#[test]
fn a_session_outlives_the_supervisor() {
    for who in everybody() {
        let place = Place::new();
        let script = "echo $$; (read line; exit 3); echo first $?; (exit 4); echo second $?";
        let mut shell = place.run(["ptrace", "--", "sh", "-c", script]).who(who).start();
        assert_eq!(shell.line(), shell.pid().to_string());
        common::wait_blocked_in(shell.pid(), 61);
        let supervisor = tracer_of(shell.pid());
        assert_ne!(supervisor, 0);
        kill(supervisor, Signal::KILL);
        wait_until("nobody traces it", || status_field(shell.pid(), "TracerPid") == "0");
        drop(shell.stdin.take());
        assert_eq!((shell.line().as_str(), shell.line().as_str()), ("first 3", "second 4"));
        shell.finish().expect(0);
    }
}

/// A client whose only children are tracees sleeps in pause(2) in place of its wait, where nothing of the kernel's ends
/// its sleep. It gets what a wait without children gets.
#[test]
fn a_client_asleep_without_children_is_woken_when_the_supervisor_dies() {
    if !there("strace") {
        return;
    }
    for who in everybody() {
        let place = Place::new();
        let target = place.other("sleep", ["1000"]).who(who).start();
        let strace =
            place.run(words(&format!("ptrace -- strace -o log -p {}", target.pid()))).who(who).start();
        common::wait_blocked_in(strace.pid(), 34);
        kill(tracer_of(strace.pid()), Signal::KILL);
        let ran = strace.finish().expect(1);
        assert!(ran.err.contains("wait4(__WALL): No child processes"), "{}", ran.err);
        assert_eq!(status_field(target.pid(), "TracerPid"), "0");
        target.signal(Signal::TERM);
        assert_eq!(target.finish().code(), 1015);
    }
}

/// A wait that sleeps for an answer is not given up because somebody attaches or leaves meanwhile: without children of
/// its own the kernel would say that there is nobody to wait for.
#[test]
fn others_come_and_go_while_a_client_waits() {
    if !there("strace") {
        return;
    }
    let place = Place::new();
    let (one, other) = (target(&place, Who::Me, "spin", ""), target(&place, Who::Me, "spin", ""));
    let strace = place.run(words(&format!("ptrace -- strace -o log -p {}", one.pid()))).start();
    wait_until("strace writes", || place.read("log").contains("getppid()"));
    for _ in 0..20 {
        let engines = place.run(words(&format!("attach -p {} --log=other", other.pid()))).start();
        wait_until("it is attached", || tracer_of(other.pid()) != 0);
        engines.signal(Signal::INT);
        engines.finish().expect(0);
    }
    let lines = place.read("log").lines().count();
    wait_until("strace goes on", || {
        assert!(!is_gone(strace.pid()), "{}", place.read("log"));
        place.read("log").lines().count() > lines + 10
    });
    strace.signal(Signal::INT);
    assert!(!strace.finish().err.contains("No child processes"));
    for target in [one, other] {
        target.signal(Signal::TERM);
        target.finish();
    }
}

/// 29 is pause(2) there, and shmget(2) in a 64-bit program.
#[test]
fn the_list_names_calls_of_32_bit_programs() {
    if utrace_testkit::fixtures::try_build("vptrace_client32").is_err() {
        return common::skip("no 32-bit programs");
    }
    let place = Place::new();
    let target = place.other(place.fixture("vptrace_client32"), ["sleep"]).start();
    let attach = place.run(words(&format!("attach -p {} --log=log", target.pid()))).start();
    let row = || {
        let out = place.run(["ps"]).go().expect(0).out;
        out.lines()
            .find(|line| line.trim_start().starts_with(&format!("{} ", target.pid())))
            .map(str::to_owned)
    };
    wait_until("the list has it", || row().is_some());
    wait_until("it sleeps", || row().is_some_and(|row| !row.contains(" runs ")));
    assert!(row().unwrap().contains(" pause "), "{:?}", row());
    attach.signal(Signal::INT);
    attach.finish();
    target.signal(Signal::KILL);
    target.finish();
}

/// What is not shared is shown too: who looks for the tracer of a process finds it.
#[test]
fn the_list_has_what_run_and_a_strict_attach_trace() {
    let place = Place::new();
    let run = place.run(words("run --stats=stats -- sleep 1000")).start();
    let spin = target(&place, Who::Me, "spin", "");
    let strict = place.run(words(&format!("attach --strict --log=log -p {}", spin.pid()))).start();
    let row = |who: String| {
        let out = place.run(["ps"]).go().expect(0).out;
        out.lines().find(|line| line.contains(&who)).map(str::to_owned)
    };
    wait_until("the run is listed", || {
        row(format!(" {} utrace run: stats ", run.pid())).is_some_and(|row| row.contains(" sleep "))
    });
    wait_until("the attach is listed", || {
        row(format!(" {} utrace attach, alone: log ", strict.pid()))
            .is_some_and(|row| row.trim_start().starts_with(&format!("{} spin ", spin.pid())))
    });
    assert_eq!(row("doorbell".to_owned()), None);
    for (live, signal) in [(strict, Signal::INT), (run, Signal::TERM), (spin, Signal::TERM)] {
        live.signal(signal);
        live.finish();
    }
}

/// The session that a killed supervisor leaves is behind a filter whose questions the guardian leaves to the kernel. The next
/// supervisor serves it all the same.
#[test]
fn a_session_that_outlived_its_supervisor_can_have_another() {
    if !there("strace") {
        return;
    }
    for who in everybody() {
        let place = Place::new();
        let attach =
            |log: &str| format!("'{}' ptrace -- strace -f -o {log} sh -c true", place.utrace().display());
        let script =
            format!("echo $$; read line; {}; echo $?; {} & wait $!; echo $?", attach("one"), attach("two"));
        let mut shell = place.run(["ptrace", "--", "sh", "-c", &script]).who(who).start();
        assert_eq!(shell.line(), shell.pid().to_string());
        kill(tracer_of(shell.pid()), Signal::KILL);
        wait_until("nobody traces it", || status_field(shell.pid(), "TracerPid") == "0");
        drop(shell.stdin.take());
        assert_eq!((shell.line().as_str(), shell.line().as_str()), ("0", "0"));
        shell.finish().expect(0);
        for log in ["one", "two"] {
            assert!(place.read(log).contains("+++ exited with 0 +++"), "{}", place.read(log));
        }
    }
}

/// A thread has one listening end. Where it is another's, clients stop at all their calls, and it works all the same.
#[test]
fn a_client_that_cannot_be_asked_stops_instead() {
    if !there("strace") {
        return;
    }
    for who in everybody() {
        let place = Place::new();
        let (listened, utrace) = (place.fixture("listened"), place.utrace());
        let run = |args: &str| {
            let args = format!("{} ptrace -- {args}", utrace.display());
            place.other(&listened, words(&args)).who(who)
        };
        run("strace -f -o log sh -c true").go().expect(0);
        assert!(place.read("log").contains("+++ exited with 0 +++"));
        let mut shell = run("cat").start();
        wait_until("it is traced", || tracer_of(shell.pid()) != 0);
        common::wait_blocked_in(shell.pid(), 0);
        kill(tracer_of(shell.pid()), Signal::KILL);
        drop(shell.stdin.take());
        shell.finish().expect(0);
    }
}

/// A command line that is killed takes its engines along, and nothing else.
#[test]
fn a_killed_command_line_leaves_the_others() {
    let place = Place::new();
    let target = target(&place, Who::Me, "spin", "");
    let attach = |log: &str| place.run(words(&format!("attach -p {} --log={log}", target.pid()))).start();
    let (one, two) = (attach("one"), attach("two"));
    wait_until("both write", || ["one", "two"].iter().all(|log| place.read(log).contains("getppid()")));
    one.signal(Signal::KILL);
    assert_eq!(one.finish().code(), 1009);
    // Two lists of engines, then one.
    wait_until("its engines are gone", || {
        place.run(["ps"]).go().out.matches("utrace attach: log").count() == 1
    });
    let lines = place.read("two").lines().count();
    wait_until("the other goes on", || place.read("two").lines().count() > lines + 10);
    two.signal(Signal::INT);
    two.finish().expect(0);
    assert_eq!(status_field(target.pid(), "TracerPid"), "0");
    target.signal(Signal::TERM);
    target.finish();
}

/// Nobody gets at a process through the supervisor that he could not trace himself.
#[test]
fn others_processes_are_refused_to_a_client() {
    if !common::is_root() || !there("strace") {
        return common::skip("only root can be two users");
    }
    let place = Place::new();
    let target = target(&place, Who::Me, "spin", "");
    let script = format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups strace -o /dev/null -p {}; echo $?",
        target.pid()
    );
    let ran = place.run(["ptrace", "--", "sh", "-c", &script]).go();
    assert!(ran.err.contains("Operation not permitted"), "{}\n{}", ran.out, ran.err);
    assert_eq!(ran.out, "1\n");
    assert_eq!(status_field(target.pid(), "TracerPid"), "0");
    let nobody = place.run(words(&format!("attach -p {}", target.pid()))).who(Who::Nobody).go().expect(4);
    assert!(nobody.err.contains("may not be traced"), "{}", nobody.err);
    target.signal(Signal::TERM);
    target.finish();
}

/// A client without privileges under root's supervisor loses a tracee that comes to more rights by an exec: the kernel
/// would not have raised them under this client (execve(2)). Nothing of the new image is seen, and it runs on.
#[test]
fn a_setuid_exec_takes_the_tracee_from_a_client() {
    use std::os::unix::fs::PermissionsExt as _;
    if !common::is_root() {
        return common::skip("only root can be two users");
    }
    let place = Place::new();
    let tracer = place.fixture("raised");
    let raised = place.path("raised-setuid");
    std::fs::copy(&tracer, &raised).unwrap();
    std::fs::set_permissions(&raised, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let run = |program: &std::path::Path| {
        let drop = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        let script = format!("exec {drop} {} {}", tracer.display(), program.display());
        place.run(["ptrace", "--", "sh", "-c", &script]).go().expect(0).out
    };
    let out = run(&raised);
    if out.contains("uid 65534") {
        return common::skip("the folder's file system honours no setuid bit");
    }
    let refused = "stop done\noptions done\nrun done\nuid 0\nnone done\npeek ESRCH\ngetregs ESRCH\ncont ESRCH\n\
                   attach EPERM\nseize EPERM\nopen EACCES\nend done\nstatus 5\ntraceme EPERM\n";
    assert_eq!(out, refused);
    // Without the bit it keeps what it has. (Nothing is at the address that it peeks at.)
    let out = run(&tracer);
    for line in ["uid 65534", "event done", "getregs done", "peek EIO", "open done", "traceme done"] {
        assert!(out.lines().any(|found| found == line), "{line} is not in {out}");
    }
}

/// The same for a descendant that came by an option, under a real tool whose only tracee it is not.
#[test]
fn strace_sees_nothing_of_a_setuid_program() {
    use std::os::unix::fs::PermissionsExt as _;
    if !common::is_root() || !there("strace") {
        return common::skip("only root can be two users");
    }
    let place = Place::new();
    let raised = place.fixture("raised");
    std::fs::set_permissions(&raised, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let script = format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups strace -f -o strace sh -c \
                          '{} sleep </dev/null; echo $? $(id -u)'",
        raised.display()
    );
    let ran = place.run(["ptrace", "--", "sh", "-c", &script]).go();
    let log = place.read("strace");
    assert_eq!(ran.out, "5 65534\n", "{}\n{log}", ran.err);
    let exec = log.lines().find(|line| line.contains("/raised\", [")).unwrap();
    let of_it: Vec<&str> = {
        let pid = exec.split(' ').next().unwrap();
        log.lines().filter(|line| line.starts_with(pid)).collect()
    };
    assert_eq!(of_it.last(), Some(&exec), "{log}");
}

#[test]
fn a_foreign_tracer_is_named() {
    if !there("strace") {
        return;
    }
    let place = Place::new();
    let target = target(&place, Who::Me, "spin", "");
    let strace = place.other("strace", words(&format!("-o /dev/null -p {}", target.pid()))).start();
    wait_until("strace has it", || status_field(target.pid(), "TracerPid") != "0");
    let ran = place.run(words(&format!("attach -p {}", target.pid()))).go().expect(7);
    assert!(ran.err.contains(&format!("already traced by strace (process {})", strace.pid())), "{}", ran.err);
    strace.signal(Signal::INT);
    strace.finish();
    target.signal(Signal::TERM);
    target.finish();
}

#[test]
fn a_client_ends_as_without_us_and_is_told_of_as_a_shell_does() {
    let place = Place::new();
    for who in everybody() {
        assert_eq!(place.run(["ptrace", "--", "sh", "-c", "exit 7"]).who(who).go().code(), 7);
        assert_eq!(place.run(["ptrace", "--", "sh", "-c", "kill -TERM $$"]).who(who).go().code(), 1015);
        place.run(["ptrace", "--", "/no/such/program"]).who(who).go().expect(127);
        place.run(["ptrace", "--", "/etc/passwd"]).who(who).go().expect(126);
    }
}

/// Ten times a folder of the socket is found with what a killed supervisor left in it, by two at once.
#[test]
fn a_stale_socket_is_replaced() {
    let place = Place::new();
    let folder = place.path("run").join("utrace");
    for _ in 0..5 {
        let run = || place.run(["ptrace", "--", "true"]).start();
        let (one, two) = (run(), run());
        one.finish().expect(0);
        two.finish().expect(0);
        wait_until("it has ended", || !folder.join("socket").exists());
        std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    }
}

/// A folder that others can enter, or that is somebody's link, is not used.
#[test]
fn a_folder_of_others_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let folder = place.path("run").join("utrace");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    place.run(["ptrace", "--", "true"]).go().expect(0);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}
