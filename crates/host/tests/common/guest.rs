//! A running process to attach to.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command as Std, Stdio};

use utrace_host::Tid;
use utrace_testkit::fixtures;

/// A fixture that runs as the child of a shell, as a process that we attach to usually is somebody else's. (A
/// child of our own would be collected by the tracer's wait.)
pub(crate) struct Guest {
    pub(crate) shell: Child,
    out: BufReader<ChildStdout>,
    pub(crate) pid: Tid,
}

impl Guest {
    /// Starts a fixture and, if it says so, waits until it is "ready".
    pub(crate) fn new(name: &str, args: &[&str]) -> Guest {
        let script = r#"exec 3<&0; "$0" "$@" <&3 3<&- & exec 3<&-; echo $!; wait $!; echo status $?"#;
        let mut shell = Std::new("sh")
            .args(["-c", script])
            .arg(fixtures::build(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        // Both lines come, in either order.
        let (mut pid, mut ready) = (None, name == "thread_storm");
        while pid.is_none() || !ready {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "{name} ended early");
            ready |= line.starts_with("ready");
            pid = pid.or_else(|| line.trim().parse().ok().and_then(Tid::new));
        }
        Guest { shell, out, pid: pid.unwrap() }
    }

    /// Ends its input; answers what it printed since and the status that its parent saw.
    pub(crate) fn finish(mut self) -> (String, String) {
        drop(self.shell.stdin.take());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.shell.wait().unwrap();
        let at = rest.rfind("status").unwrap();
        (rest[..at].to_owned(), rest[at..].trim().to_owned())
    }
}
