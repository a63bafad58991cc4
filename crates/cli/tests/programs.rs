//! Real programs under real engines: interpreters, builds, servers, several engines at once.

mod common;

use common::{Place, everybody, words};

fn hello(place: &Place) {
    place.write("hello.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
}

#[test]
fn a_compiler_and_what_it_makes() {
    for who in everybody() {
        let place = Place::new();
        hello(&place);
        let line = "run --log=a,trace=%process --log=b,trace=%file --stats=s -- gcc -pipe -o hello hello.c";
        place.run(words(line)).who(who).go().expect(0);
        assert_eq!(place.other("./hello", [""; 0]).go().expect(0).out, "hello\n");
        let (a, b, s) = (place.read("a"), place.read("b"), place.read("s"));
        assert!(a.contains("execve(") && a.contains("vfork(") | a.contains("clone"), "{a}");
        assert!(!a.contains("openat("));
        assert!(b.contains("openat(") && !b.contains("wait4("));
        assert!(s.contains("mmap") && s.contains("total"), "{s}");
    }
}

#[test]
fn a_parallel_build() {
    let place = Place::new();
    let mut makefile = String::from("all: ");
    for n in 0..12 {
        makefile.push_str(&format!("o{n} "));
    }
    makefile.push_str("\no%: hello.c\n\tgcc -o $@ hello.c\n\t./$@ > $@.txt\n");
    place.write("Makefile", &makefile);
    hello(&place);
    place.run(words("run --log=f --stats=s,trace=%process -- make -s -j4")).go().expect(0);
    for n in 0..12 {
        assert_eq!(place.read(&format!("o{n}.txt")), "hello\n");
    }
    let log = place.read("f");
    let pids: std::collections::HashSet<_> =
        log.lines().filter_map(|l| l.split_once(' ')).map(|(p, _)| p).collect();
    assert!(pids.len() > 12 * 4, "{} processes", pids.len());
}

#[test]
fn an_interpreter_with_threads_and_children() {
    let place = Place::new();
    place.write(
        "p.py",
        "import subprocess, threading, sys\n\
         out = []\n\
         def work(i): out.append(subprocess.run(['echo', str(i)], capture_output=True, text=True).stdout)\n\
         ts = [threading.Thread(target=work, args=(i,)) for i in range(8)]\n\
         [t.start() for t in ts]; [t.join() for t in ts]\n\
         print(sorted(out)); sys.exit(4)\n",
    );
    for who in everybody() {
        for flags in
            ["--log=/dev/null", "--stats=/dev/null,trace=execve", "--keep --log=/dev/null --stats=/dev/null"]
        {
            let line = format!("run {flags} -- python3 p.py");
            let ran = place.run(words(&line)).who(who).go().expect(4);
            assert!(ran.out.contains("'7\\n'"), "{}", ran.out);
        }
    }
}

#[test]
fn a_server_under_load() {
    let place = Place::new();
    let line = format!("run --log=f --stats=s -- {} load 300", place.fixture("echo_server").display());
    let ran = place.run(words(&line)).go().expect(0);
    assert!(ran.out.contains("served 300"));
    assert!(place.read("f").contains("sin_addr=inet_addr(\"127.0.0.1\")"));
}

#[test]
fn a_shell_pipeline() {
    let place = Place::new();
    let mut args = words("run --log=f -- sh -c");
    args.push("seq 1 2000 | grep 7 | sort -r | head -3 | wc -l".into());
    assert_eq!(place.run(args).go().expect(0).out.trim(), "3");
}

/// The same program, once: each engine sees what it asked for and nothing else.
#[test]
fn engines_of_one_kind_have_interests_of_their_own() {
    let place = Place::new();
    place.write("a", "x");
    let line =
        "run --log=one,trace=openat --log=two,trace=read,write --log=three --stats=four,trace=close -- cat a";
    place.run(words(line)).go().expect(0);
    let calls = |file: &str| -> std::collections::BTreeSet<String> {
        let log = place.read(file);
        log.lines()
            .filter_map(|l| Some(l.split_once('(')?.0.rsplit(' ').next()?.to_owned()))
            .filter(|n| !n.contains(['+', '-']))
            .collect()
    };
    let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(calls("one"), list(&["openat"]));
    assert_eq!(calls("two"), list(&["read", "write"]));
    assert!(calls("three").len() > 8);
    let four = place.read("four");
    assert!(four.contains("close") && !four.contains("openat"), "{four}");
}

#[test]
fn json_is_one_object_a_line() {
    let place = Place::new();
    let mut args = words("run --log=f,format=json -- sh -c");
    args.push("echo hi; kill -USR1 $$".into());
    assert_eq!(place.run(args).go().code(), 1010);
    let log = place.read("f");
    assert!(log.lines().count() > 10);
    let help = place.run(["--help"]).go().expect(0).out;
    for line in log.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(value["pid"].is_u64(), "{line}");
        for key in value.as_object().unwrap().keys().map(String::as_str).chain(value["type"].as_str()) {
            let known = help.split(|c: char| !c.is_alphanumeric()).any(|word| word == key);
            assert!(known, "`utrace --help` does not explain {key}: {line}");
        }
    }
}

#[test]
fn json_tells_what_descriptors_stand_for() {
    let place = Place::new();
    let file = place.write("a", "text");
    place.run(words("run --log=f,format=json,y,trace=openat,read,close -- cat a")).go().expect(0);
    let log = place.read("f");
    let mut told = 0;
    for line in log.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        // The result of openat is a descriptor too.
        let fd = if value["syscall"] == "openat" { &value["ret"] } else { &value["raw"][0] };
        if value["fds"][fd.to_string()] == *file.to_str().unwrap() {
            told += 1;
        }
    }
    assert!(told >= 3, "openat, read and close: {log}");
}

#[test]
fn straces_letters_make_one_log() {
    let place = Place::new();
    place.write("a", "some longer text");
    place.run(words("run -f -tt -T -s 4 -y -o f -e trace=read,close -- cat a")).go().expect(0);
    let log = place.read("f");
    let line = log.lines().find(|l| l.contains("\"some\"...")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("/a>, ") && line.ends_with('>') && line.contains(" = 16 <0."), "{line}");
    assert!(!log.contains("openat("), "{log}");
    let ran = place.run(words("run -c -- cat a")).go().expect(0);
    assert!(ran.err.contains("% time") && !ran.err.contains("openat("), "{}", ran.err);
    let ran = place.run(words("run -e inject=openat:error=EPERM -- cat a")).go();
    assert_ne!(ran.code(), 0);
}

#[test]
fn without_engine_flags_it_logs_to_stderr() {
    let place = Place::new();
    let ran = place.run(words("run true")).go().expect(0);
    assert!(ran.err.starts_with("execve(\"") && ran.err.ends_with("+++ exited with 0 +++\n"), "{}", ran.err);
}
