//! Line by line against the strace that is installed: same lines, same order in each process.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

use common::normal::{Stream, assert_same, streams};
use common::{Place, words};

/// Runs one command line under both, each logging to a file with a pid before every line.
#[track_caller]
fn same(place: &Place, strace: &str, ours: &str, program: &[&str]) {
    let go = |mut args: Vec<std::ffi::OsString>, with: &std::path::Path| {
        // In a folder that is new each time, under the same name: the program is to meet the same files.
        let here = place.path("here");
        let _ = fs::remove_dir_all(&here);
        fs::create_dir(&here).unwrap();
        // Of one age too: some print it, and the two runs may be in different seconds.
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (name, text) in [("a", "some text\nand more\n"), ("b", "other\n")] {
            fs::write(here.join(name), text).unwrap();
            let file = fs::File::options().write(true).open(here.join(name)).unwrap();
            file.set_times(fs::FileTimes::new().set_accessed(then).set_modified(then)).unwrap();
        }
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

/// What `ip` and `ss` say to the kernel. Counters and clocks move between two runs, and are left out.
#[test]
fn netlink_messages() {
    const MOVING: &str = "seq pid port packets bytes stamp time used confirmed updated probes IPSTATS_MIB";
    let still = |log: &str| without(streams(log), MOVING);
    if which("ip").is_none() {
        return common::skip("no ip(8)");
    }
    for program in
        ["ip -o addr show lo", "ip rule", "ip -4 route show table local dev lo", "ip link show nosuch"]
    {
        let place = Place::new();
        let run = |tracer: &std::path::Path, flags: &str| {
            let args = words(&format!("{flags} -s 4000 -- {program}"));
            place.other(tracer, args).env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").go()
        };
        let want = run("strace".as_ref(), "-f -o theirs");
        assert_eq!(want.status, run(&place.utrace(), "run -f -o ours").status, "{program}");
        let theirs = place.read("theirs");
        assert!(theirs.contains("[{nlmsg_len="), "{theirs}");
        assert_same(&still(&theirs), &still(&place.read("ours")));
    }
}

/// Streams without the values of fields whose names have one of these words in them.
fn without(mut all: Vec<Stream>, moving: &str) -> Vec<Stream> {
    for line in all.iter_mut().flat_map(|stream| &mut stream.0) {
        let words = line.split(' ').map(|word| {
            let name = word.split_once('=').map_or("", |(name, _)| name);
            if moving.split(' ').any(|moving| name.contains(moving)) { name } else { word }
        });
        *line = words.collect::<Vec<_>>().join(" ");
    }
    all
}

/// Where a program is that ordinary users may not have on their path.
fn which(program: &str) -> Option<std::path::PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    folders.map(|folder| std::path::Path::new(folder).join(program)).into_iter().find(|path| path.exists())
}

#[test]
fn string_lengths_and_descriptors() {
    same(&Place::new(), "-s 5", ",s=5", &["cat", "a"]);
    same(&Place::new(), "-y", ",y", &["cat", "a"]);
    same(&Place::new(), "-yy", ",yy", &["cat", "a", "/dev/null"]);
    same(&Place::new(), "-e decode-fds=dev", ",decode=dev", &["cat", "a", "/dev/null"]);
}

/// strace's letters against the same letters, which both know.
#[test]
fn letters() {
    let place = Place::new();
    place.write("a", "some text\n");
    for flags in [
        "-n",
        "-i",
        "-a 60",
        "-v",
        "-x",
        "-xx",
        "-X raw",
        "-X verbose",
        "-e raw=openat,read",
        "-e abbrev=none",
        "-z",
        "-Z",
        "-e status=unfinished",
        "-e status=!failed",
        "--status=failed",
        "-P /etc/passwd -P a",
        "-q",
        "-qq",
        "-e quiet=exit",
        "-e signal=none",
        "--trace=%file --string-limit=3",
        "-e inject=getuid:error=EPERM",
        "-C -e trace=close -U name,calls -S name",
        "-c -e trace=close,openat -U errors,calls -S errors",
    ] {
        let run = |tracer: &std::path::Path, to: &str, start: &str| {
            let args = words(&format!("{start} {flags} -o {to} -- cat a nowhere /etc/passwd"));
            place.other(tracer, args).go()
        };
        let (want, got) = (run("strace".as_ref(), "theirs", "-f"), run(&place.utrace(), "ours", "run -f"));
        assert_eq!((want.status, &want.out), (got.status, &got.out), "{flags}: {}", got.err);
        let (theirs, ours) = (place.read("theirs"), place.read("ours"));
        assert!(!theirs.is_empty(), "{flags}");
        println!("{flags}");
        let still = |log: &str| without(streams(log), "st_ino time");
        assert_same(&still(&theirs), &still(&ours));
    }
}

/// Both ways of a file for each process, and a command that reads the log.
#[test]
fn outputs() {
    let place = Place::new();
    let program = |flags: &str| {
        let mut args = words(flags);
        args.extend(["sh", "-c", "cat /dev/null; true"].map(Into::into));
        args
    };
    place.other("strace", program("-ff -o theirs")).go().expect(0);
    place.run(program("run -ff -o ours")).go().expect(0);
    let logs = |start: &str| {
        let files = fs::read_dir(place.path("")).unwrap().flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with(start));
        names.sort_by_key(|name| name.rsplit('.').next().and_then(|pid| pid.parse::<u32>().ok()));
        let mut all = String::new();
        for name in names {
            let pid = name.rsplit('.').next().unwrap().to_owned();
            place.read(&name).lines().for_each(|line| all.push_str(&format!("{pid} {line}\n")));
        }
        streams(&all)
    };
    assert_eq!(logs("theirs.").len(), 2);
    assert_same(&logs("theirs."), &logs("ours."));
    let mut args = words("run -e trace=close -o");
    args.push("|sort -r >sorted".into());
    args.extend(words("-- cat /dev/null"));
    place.run(args).go().expect(0);
    let sorted = place.read("sorted");
    let mut lines: Vec<&str> = sorted.lines().collect();
    assert!(lines.len() > 3 && sorted.contains("close("), "{sorted}");
    lines.reverse();
    assert!(lines.is_sorted());
    place.run(words("run -o kept -e trace=close -- true")).go().expect(0);
    let before = place.read("kept").len();
    place.run(words("run -A -o kept -e trace=close -- true")).go().expect(0);
    assert_eq!(place.read("kept").len() / before, 2);
}
