//! Bad input and bad luck: each case has a message on stderr that begins with `utrace: `, and its exit code.

mod common;

use std::fs::{self, File};
use std::process::Stdio;

use common::{Place, Ran, Who, everybody, is_root, skip, words};

/// The message, with its code checked. Exactly one, and nothing else on stderr.
#[track_caller]
fn refused(ran: Ran, code: i32, parts: &[&str]) {
    let ran = ran.expect(code);
    assert!(ran.err.starts_with("utrace: "), "{}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    for part in parts {
        assert!(ran.err.contains(part), "no {part:?} in: {}", ran.err);
    }
}

#[test]
fn missing_program() {
    let place = Place::new();
    for who in everybody() {
        refused(
            place.run(words("run -- no-such-program")).who(who).go(),
            127,
            &["no-such-program", "not found"],
        );
        refused(place.run(words("run -- ./no/such/file")).who(who).go(), 127, &["./no/such/file"]);
    }
}

#[test]
fn not_executable() {
    let place = Place::new();
    place.write("data", "no program");
    let script = place.write("script", "no interpreter line\n");
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for who in everybody() {
        refused(place.run(words("run -- ./data")).who(who).go(), 126, &["./data"]);
        refused(place.run(words("run -- /etc")).who(who).go(), 126, &["/etc"]);
        refused(place.run(words("run --log=/dev/null -- ./script")).who(who).go(), 126, &["./script"]);
    }
}

#[test]
fn no_program_at_all() {
    let place = Place::new();
    refused(place.run(words("run --log")).go(), 125, &["CMD"]);
    refused(place.run(words("run --no-such-flag ls")).go(), 125, &["--no-such-flag"]);
    refused(place.run(words("attach")).go(), 125, &["--pid"]);
    refused(place.run(words("attach -p x")).go(), 125, &["'x'"]);
}

/// strace has no subcommands: who leaves them out is told.
#[test]
fn typed_as_for_strace() {
    let place = Place::new();
    for line in ["ls", "-f ls", "-c ls", "-o f ls"] {
        refused(place.run(words(line)).go(), 125, &["utrace run"]);
    }
    refused(place.run(words("-p 1")).go(), 125, &["utrace attach -p PID"]);
    refused(place.run(["run", "-P", "", "ls"]).go(), 125, &["a path is missing"]);
    refused(place.run(words("run -p 1")).go(), 125, &["utrace attach -p PID"]);
}

/// What strace says of itself under a tracer, we say too; and nobody's own use of SIGTRAP or ptrace disturbs.
#[test]
fn programs_that_know_tracers() {
    let place = Place::new();
    let program = |what: &str| {
        let source = format!(
            "import ctypes, os, signal\n\
             libc = ctypes.CDLL(None, use_errno=True)\n\
             if '{what}' == 'traceme':\n    print(libc.ptrace(0, 0, 0, 0), ctypes.get_errno())\n\
             if '{what}' == 'trap':\n    \
             signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n    \
             print(os.waitstatus_to_exitcode(os.system('true')))\n    \
             os.kill(os.getpid(), signal.SIGTRAP)\n    print(sorted(signal.sigpending()))\n"
        );
        ["python3".to_owned(), "-S".to_owned(), "-c".to_owned(), source]
    };
    for who in everybody() {
        let run = |what: &str| {
            let mut args = words("run --log=/dev/null --");
            args.extend(program(what).map(Into::into));
            place.run(args).who(who).go().expect(0).out
        };
        assert_eq!(run("traceme"), "-1 1\n", "EPERM: it has a tracer already");
        assert!(run("trap").contains("SIGTRAP"), "it is pending, as without a tracer");
    }
}

#[test]
fn a_command_that_reads_the_log_and_goes() {
    let place = Place::new();
    let run = |reader: &str, cmd: &str| {
        let mut args = words("run -o");
        args.push(reader.into());
        args.extend(["--", "sh", "-c", cmd].map(Into::into));
        place.run(args).go()
    };
    let ran = run("|no-such-reader", "echo out; exit 4");
    assert_eq!((ran.code(), ran.out.as_str()), (4, "out\n"), "{}", ran.err);
    let ran = run("|head -1 >/dev/null", "for i in 1 2 3 4 5 6 7 8 9; do echo $i; done");
    assert!(ran.out.ends_with("9\n"), "{}", ran.out);
    let mut args = words("run -ff -o");
    args.extend(["|cat", "--", "true"].map(Into::into));
    refused(place.run(args).go(), 125, &["do not go together"]);
}

#[test]
fn no_such_process() {
    let place = Place::new();
    for who in everybody() {
        let free = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().to_owned();
        refused(place.run(["attach", "-p", &free]).who(who).go(), 3, &[&free, "no such process"]);
    }
}

#[test]
fn not_permitted() {
    if !is_root() {
        return skip("needs processes of two users");
    }
    let place = Place::new();
    let mut theirs = place.other(place.fixture("blocked"), ["read"]).start();
    theirs.wait_ready();
    let pid = theirs.pid().to_string();
    refused(place.run(["attach", "-p", &pid]).who(Who::Nobody).go(), 4, &[&pid, "user 0"]);
    theirs.finish();
}

#[test]
fn kernel_thread() {
    let place = Place::new();
    for who in everybody() {
        // kthreadd is always process 2, where the pid namespace shows it at all.
        if !fs::read_to_string("/proc/2/comm").is_ok_and(|c| c.trim() == "kthreadd") {
            return skip("no kernel threads in this pid namespace");
        }
        refused(place.run(words("attach -p 2")).who(who).go(), 5, &["kernel thread"]);
    }
}

#[test]
fn zombie() {
    for who in everybody() {
        let place = Place::new();
        let mut parent = place.other(place.fixture("zombie"), [""; 0]).who(who).start();
        let pid = parent.wait_ready();
        refused(place.run(["attach", "-p", &pid]).who(who).go(), 6, &[&pid, "zombie"]);
        parent.finish().expect(0);
    }
}

#[test]
fn already_traced_says_by_whom() {
    for who in everybody() {
        let place = Place::new();
        let mut target = place.other(place.fixture("blocked"), ["read"]).who(who).start();
        target.wait_ready();
        let pid = target.pid().to_string();
        let strace = place.other("strace", ["-o", "s", "-p", &pid]).who(who).start();
        common::wait_until("strace is there", || common::status_field(target.pid(), "TracerPid") != "0");
        let tracer = strace.pid().to_string();
        refused(place.run(["attach", "-p", &pid]).who(who).go(), 7, &[&pid, "strace", &tracer]);
        target.finish().expect(0);
        strace.finish();
    }
}

#[test]
fn one_bad_pid_among_good_ones() {
    let place = Place::new();
    let mut target = place.other(place.fixture("blocked"), ["read"]).start();
    target.wait_ready();
    let free = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap().trim().to_owned();
    let list = format!("{free},{}", target.pid());
    let tracer = place.run(["attach", "-p", &list, "--log=f"]).start();
    common::wait_until("it is traced", || common::status_field(target.pid(), "TracerPid") != "0");
    target.finish().expect(0);
    refused(tracer.finish(), 0, &[&free, "no such process"]);
    assert!(place.read("f").contains("+++ exited with 0 +++"));
}

#[test]
fn itself() {
    let place = Place::new();
    let line = format!("exec {} attach -p $$", place.utrace().display());
    refused(place.other("sh", ["-c", &line]).go(), 125, &["own process"]);
}

/// The message, the flag again, and carets under the word.
#[track_caller]
fn pointed(args: &[&str], word: &str) {
    let place = Place::new();
    let mut all = vec!["run"];
    all.extend(args);
    all.extend(["--", "true"]);
    let ran = place.run(all).go().expect(125);
    let lines: Vec<_> = ran.err.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("utrace: "), "{}", ran.err);
    let at = lines[2].find('^').unwrap_or(usize::MAX);
    let shown = lines[1].get(at..at + word.len());
    assert_eq!(shown, Some(word), "{}", ran.err);
    assert_eq!(lines[2].trim().len(), word.len(), "{}", ran.err);
}

#[test]
fn bad_words_are_pointed_at() {
    pointed(&["--log=f,trace=open,opne,close"], "opne");
    pointed(&["--log=f,trace=%fiel"], "%fiel");
    pointed(&["--log=f,colour=red"], "colour");
    pointed(&["--log=f,format=xml"], "xml");
    pointed(&["--stats=s,trace=nope"], "nope");
    pointed(&["--inject=openat:error=ENOSUCH"], "ENOSUCH");
    pointed(&["--inject", "opnat:error=ENOENT"], "opnat");
    pointed(&["--inject", "openat:eror=ENOENT"], "eror");
    pointed(&["--inject", "openat:error=ENOENT:when=x"], "x");
    pointed(&["--log=f,status=faild"], "faild");
    pointed(&["-s", "-1"], "-1");
    pointed(&["-c", "-S", "speed"], "speed");
    pointed(&["-c", "-U", "calls,speed"], "speed");
    pointed(&["-X", "long"], "long");
    pointed(&["--quiet=exit,nosuch"], "nosuch");
    pointed(&["-e", "trace=open,opne"], "opne");
    pointed(&["-e", "inject=openat:error=EWHAT"], "EWHAT");
}

#[test]
fn output_file_that_cannot_be_made() {
    let place = Place::new();
    for flags in ["--log=/no/such/folder/f", "--stats=/no/such/folder/f", "-o /no/such/folder/f"] {
        let line = format!("run {flags} -- touch made");
        refused(place.run(words(&line)).go(), 125, &["/no/such/folder/f", "No such file"]);
        assert!(!place.path("made").exists(), "nothing was started");
    }
}

#[test]
fn output_file_full() {
    let place = Place::new();
    // The program goes on and keeps its own status unless that is 0.
    for flags in ["--log=/dev/full", "--stats=/dev/full"] {
        let args = |cmd: &str| {
            let mut args = words(&format!("run {flags} -- sh -c"));
            args.push(cmd.into());
            args
        };
        let ran = place.run(args("echo done")).go();
        assert_eq!(ran.out, "done\n");
        refused(ran, 125, &["/dev/full", "No space left"]);
        refused(place.run(args("exit 3")).go(), 3, &["No space left"]);
    }
}

#[test]
fn a_full_log_is_said_once_and_other_engines_go_on() {
    let place = Place::new();
    let ran = place.run(words("run --log=/dev/full --log=f -- ls")).go().expect(125);
    assert_eq!(ran.err.matches("No space left").count(), 1, "{}", ran.err);
    assert!(place.read("f").ends_with("+++ exited with 0 +++\n"));
}

#[test]
fn stderr_is_a_closed_pipe() {
    let place = Place::new();
    let line = format!(
        "{} run -- sh -c 'echo out; exit 0' 2>&1 >/dev/null | true; echo ${{PIPESTATUS[0]}}",
        place.utrace().display()
    );
    let ran = place.other("bash", ["-c", &line]).go().expect(0);
    // Whether the reader was gone before the last line is chance.
    assert!(["125\n", "0\n"].contains(&ran.out.as_str()), "{}", ran.out);
    let fifo = place.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = File::options().read(true).write(true).open(&fifo).unwrap();
    let writer = File::options().write(true).open(&fifo).unwrap();
    drop(reader);
    let status = std::process::Command::new(place.utrace())
        .args(["run", "--", "sh", "-c", "exit 0"])
        .stderr(Stdio::from(writer))
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(125));
}

#[test]
fn injected_failures_reach_the_program() {
    let place = Place::new();
    place.write("a", "text");
    for who in everybody() {
        let args =
            |when: &str| words(&format!("run --log=f-{who:?} --inject openat:error=ENOENT{when} -- cat a"));
        let ran = place.run(args("")).who(who).go();
        assert_ne!(ran.code(), 0);
        let log = place.read(&format!("f-{who:?}"));
        assert!(log.contains("= -1 ENOENT (No such file or directory) (INJECTED)"), "{log}");
        assert_eq!(place.run(args(":when=100")).who(who).go().expect(0).out, "text");
    }
}

/// A second ^C ends a tracer that cannot get away; nothing is left stopped.
#[test]
fn sigint_twice() {
    let place = Place::new();
    let mut target = place.other(place.fixture("spin"), [""; 0]).start();
    target.wait_ready();
    let pid = target.pid().to_string();
    let tracer = place.run(["attach", "-p", &pid, "--log=f"]).start();
    common::wait_until("it logs", || !place.read("f").is_empty());
    tracer.signal(rustix::process::Signal::INT);
    // It may be gone already.
    let me = rustix::process::Pid::from_raw(tracer.pid().cast_signed()).unwrap();
    let _ = rustix::process::kill_process(me, rustix::process::Signal::INT);
    let code = tracer.finish().code();
    assert!([0, 1].contains(&code), "{code}");
    common::wait_until("it runs untraced", || common::status_field(target.pid(), "TracerPid") == "0");
    target.signal(rustix::process::Signal::TERM);
    assert_eq!(target.finish().code(), 1015);
}
