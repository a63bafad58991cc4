//! Line by line against the strace that is installed: same lines, same order in each process.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use std::fs;
use std::process::Command;

use common::normal::{assert_same, streams};
use common::{Place, words};

/// Runs one command line under both, each logging to a file with a pid before every line.
#[track_caller]
fn same(place: &Place, strace: &str, ours: &str, program: &[&str]) {
    let go = |mut args: Vec<std::ffi::OsString>, with: &std::path::Path| {
        // In a folder that is new each time, under the same name: the program is to meet the same files.
        let here = place.path("here");
        let _ = fs::remove_dir_all(&here);
        fs::create_dir(&here).unwrap();
        fs::write(here.join("a"), "some text\nand more\n").unwrap();
        fs::write(here.join("b"), "other\n").unwrap();
        args.extend(program.iter().map(Into::into));
        place.other(with, &args).folder(&here).input("one\ntwo\n").go()
    };
    let (theirs, mine) = (place.path("theirs"), place.path("ours"));
    let want = go(words(&format!("-f -o {} {strace} --", theirs.display())), "strace".as_ref());
    let got = go(words(&format!("run --log={}{ours} --", mine.display())), &place.utrace());
    assert_eq!((want.status, want.out), (got.status, got.out), "{}", got.err);
    let (theirs, mine) = (place.read("theirs"), place.read("ours"));
    // strace writes the pid before every line if it ever followed anybody; so do we.
    assert_same(&streams(&theirs), &streams(&mine));
}

#[test]
fn strace_is_of_the_version_that_was_compared() {
    let out = Command::new("strace").arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !text.contains("version 6.1") {
        common::skip("the lines below were made equal to strace 6.1's; others differ in details");
    }
}

#[test]
fn ls() {
    same(&Place::new(), "", "", &["ls", "-l", "."]);
}

#[test]
fn cat_and_grep() {
    same(&Place::new(), "", "", &["cat", "a", "b", "missing"]);
    same(&Place::new(), "", "", &["grep", "-n", "more", "a"]);
}

#[test]
fn cp_mv_rm() {
    same(&Place::new(), "", "", &["cp", "a", "c"]);
    same(&Place::new(), "", "", &["mv", "-f", "b", "b2"]);
    same(&Place::new(), "", "", &["mkdir", "-p", "d/e/f"]);
}

#[test]
fn shell() {
    same(&Place::new(), "", "", &["sh", "-c", "read x; echo $x; cat a > c; test -e nowhere || exit 3"]);
}

#[test]
fn shell_with_children() {
    same(&Place::new(), "", "", &["sh", "-c", "cat a; (exit 2); echo $?; kill -USR1 $$"]);
}

#[test]
fn signals_and_stops() {
    let place = Place::new();
    let fixture = place.fixture("die");
    same(&place, "", "", &[fixture.to_str().unwrap(), "kill", "11"]);
    same(&place, "", "", &[fixture.to_str().unwrap(), "kill", "34"]);
}

#[test]
fn unreadable_arguments() {
    let place = Place::new();
    let fixture = place.fixture("bad_pointers");
    same(&place, "", "", &[fixture.to_str().unwrap()]);
}

#[test]
fn processes_and_threads() {
    let place = Place::new();
    for fixture in ["vfork_exec", "clone3_child", "seccomped"] {
        let fixture = place.fixture(fixture);
        same(&place, "", "", &[fixture.to_str().unwrap()]);
    }
}

#[test]
fn python() {
    same(
        &Place::new(),
        "",
        "",
        &["python3", "-S", "-c", "import os, socket; print(open('a').read()); os.stat('b')"],
    );
}

#[test]
fn everyday_tools() {
    let mut differ = Vec::new();
    for program in [
        "find . -name a -newer b",
        "tar cf t.tar a b",
        "awk {print} a",
        "sed -n s/text/word/p a",
        "dd if=/dev/zero of=z bs=512 count=3 status=none",
        "id",
        "date +%Y",
        "touch -d @7 a",
        "chmod 600 a",
        "ln -s a l",
        "stat -c %s a",
        "env -i true",
        "nice -n 3 true",
        "timeout 5 true",
        "tail -n1 a",
        "tee c",
        "head -c 3 a",
        "du -s a",
        "sha256sum a",
        "gzip -n a",
    ] {
        let words: Vec<&str> = program.split(' ').collect();
        if std::panic::catch_unwind(|| same(&Place::new(), "", "", &words)).is_err() {
            differ.push(program);
        }
    }
    assert!(differ.is_empty(), "{differ:?}");
}

/// Programs of several processes, whose lines stand in another order each time: how often each call was made, and
/// how processes ended, over the whole tree.
#[test]
fn several_processes_make_the_same_calls() {
    let place = Place::new();
    place.write("h.c", "int main(void) { return 0; }\n");
    let counts = |log: &str| {
        let mut all = std::collections::BTreeMap::new();
        for stream in streams(log) {
            // Temporary names take as many tries as they do.
            let lines = stream.0.into_iter().filter(|line| !line.starts_with("getrandom"));
            for line in lines {
                let name = line.split('(').next().unwrap_or("").to_owned();
                *all.entry(name).or_insert(0) += 1;
            }
        }
        all
    };
    for program in
        ["gcc -o h h.c", "sh -c cat<h.c|cat|(cat;exit+3)", "make -s -f /dev/null -p", "git init -q ."]
    {
        let words: Vec<String> = program.split(' ').map(|word| word.replace('+', " ")).collect();
        let go = |tracer: &std::path::Path, flags: &str| {
            // What an earlier run made would be met by this one.
            let _ = fs::remove_file(place.path("h"));
            let _ = fs::remove_dir_all(place.path(".git"));
            let mut args = common::words(flags);
            args.extend(words.iter().map(Into::into));
            place.other(tracer, args).go().code()
        };
        let want = go("strace".as_ref(), "-f -o theirs --");
        assert_eq!(want, go(&place.utrace(), "run --log=ours --"), "{program}");
        let (want, got) = (counts(&place.read("theirs")), counts(&place.read("ours")));
        assert!(want.len() > 10, "{program}: {want:?}");
        assert_eq!(want, got, "{program}");
    }
}

#[test]
fn trace_sets() {
    for set in [
        "%file",
        "%desc",
        "openat,close",
        "!mmap,mprotect",
        "/^(open|stat)",
        "%process",
        "%memory",
        "%net",
        "none",
    ] {
        same(&Place::new(), &format!("-e trace={set}"), &format!(",trace={set}"), &["ls", "-l", "."]);
    }
}

#[test]
fn string_lengths_and_descriptors() {
    same(&Place::new(), "-s 5", ",s=5", &["cat", "a"]);
    same(&Place::new(), "-y", ",y", &["cat", "a"]);
}
