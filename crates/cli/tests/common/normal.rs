//! Makes two logs comparable: what differs between any two runs of one program is replaced by a word.

/// One process's lines of a log, in order, with split calls joined again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stream(pub(crate) Vec<String>);

/// Splits a log whose every line starts with a pid (strace -f -o FILE) into streams, by first appearance.
///
/// Lines between processes may stand in any order; those of one process may not.
pub(crate) fn streams(log: &str) -> Vec<Stream> {
    let mut pids: Vec<&str> = Vec::new();
    let mut all: Vec<Stream> = Vec::new();
    for line in log.lines() {
        let (pid, rest) = match line.split_once(' ') {
            Some((pid, rest)) if pid.bytes().all(|b| b.is_ascii_digit()) => (pid, rest.trim_start()),
            _ => ("", line),
        };
        let at = pids.iter().position(|p| *p == pid).unwrap_or_else(|| {
            pids.push(pid);
            all.push(Stream(Vec::new()));
            pids.len() - 1
        });
        // Where the end of a child falls between the lines of its parent is chance, with and without a tracer.
        let chance = ["--- SIGCHLD", "rt_sigreturn(", "<... rt_sigreturn"];
        if !chance.iter().any(|start| rest.starts_with(start)) {
            join(&mut all[at].0, rest);
        }
    }
    for stream in &mut all {
        for line in &mut stream.0 {
            *line = normal(line, &pids);
        }
    }
    all
}

/// Puts `<... read resumed>"x", 1) = 1` behind its `read(3 <unfinished ...>`.
fn join(lines: &mut Vec<String>, line: &str) {
    let resumed = line.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"));
    let open = lines.iter_mut().rev().find(|l| l.ends_with(" <unfinished ...>"));
    match (resumed, open) {
        (Some((_, rest)), Some(open)) => {
            open.truncate(open.len() - " <unfinished ...>".len());
            open.push_str(rest);
        }
        _ => lines.push(line.to_owned()),
    }
}

/// Replaces pids, addresses, and what depends on the moment.
pub(crate) fn normal(line: &str, pids: &[&str]) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let word: &str = if c.is_ascii_alphanumeric() || c == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            &rest[..end]
        } else {
            &rest[..c.len_utf8()]
        };
        rest = &rest[word.len()..];
        let is_number = word.bytes().all(|b| b.is_ascii_digit());
        if out.ends_with(":[") && is_number {
            // An anonymous file is named by its inode: pipe:[1], socket:[2].
            out.push_str("INODE");
        } else if is_number && ["f_bfree=", "f_bavail=", "f_ffree="].iter().any(|field| out.ends_with(field))
        {
            // What is left of a disk changes under others' hands.
            out.push_str("FREE");
        } else if word.len() > 2 && (pids.contains(&word) || is_pages(word)) {
            out.push_str("PID");
        } else if word.len() >= 8 && word.trim_start_matches("0x").bytes().all(|b| b.is_ascii_hexdigit()) {
            out.push_str("ADDR");
        } else {
            out.push_str(word);
        }
    }
    let out = timeless(&squeeze(&out));
    for random in ["getrandom(", "uname(", "sysinfo(", "getppid("] {
        // Columns may stand before it.
        if let Some(at) = out.find(random).filter(|at| *at < 32) {
            return out[..at + random.len()].to_owned();
        }
    }
    out
}

/// A number of whole pages may be a size or, by chance, the id of one of the processes: 16384 was.
fn is_pages(word: &str) -> bool {
    word.parse::<u64>().is_ok_and(|n| n >= 4096 && n.is_multiple_of(4096))
}

/// A pipe is as old as the run, and two runs may lie in different seconds.
fn timeless(line: &str) -> String {
    if !line.contains("S_IFIFO") {
        return line.to_owned();
    }
    let mut parts = line.split("/* ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + "/* TIME" + part.find(" */").map_or(part, |at| &part[at..]))
}

/// Runs of spaces before ` = ` are alignment, which depends on the width of addresses.
fn squeeze(line: &str) -> String {
    match line.rsplit_once(" = ") {
        Some((call, result)) => format!("{} = {result}", call.trim_end()),
        None => line.to_owned(),
    }
}

/// Fails the test at the first line that differs, and shows what stands around it.
#[track_caller]
pub(crate) fn assert_same(theirs: &[Stream], ours: &[Stream]) {
    assert_eq!(theirs.len(), ours.len(), "processes in strace's log and in ours");
    for (process, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
        for (n, (want, got)) in theirs.0.iter().zip(&ours.0).enumerate() {
            assert_eq!(want, got, "process {process}, line {}, strace left, utrace right", n + 1);
        }
        assert_eq!(theirs.0.len(), ours.0.len(), "lines of process {process}: {:?}", ours.0.last());
    }
}
