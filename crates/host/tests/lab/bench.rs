//! The `signal_lab` fixture under a host, with probes on it, and small helpers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use utrace_core::{Interest, Task};
use utrace_host::{Builder, Command, Ending, Host, Notice, Process};
use utrace_testkit::conform::Probe;
use utrace_testkit::fixtures;

/// Waits until a task is held by engines.
pub(crate) fn until_held(task: &Task) {
    until(|| task.is_stopped());
}

/// Waits until it is so.
pub(crate) fn until(what: impl Fn() -> bool) {
    while !what() {
        std::thread::yield_now();
    }
}

/// Waits until a launched process runs the fixture: what it does before is the host's and is not reported.
pub(crate) fn until_up(pid: i32) {
    until(|| std::fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name == b"signal_lab\n"));
}

/// Sends a signal from another process.
pub(crate) fn send(pid: i32, signal: i32) {
    let status = std::process::Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// The letter of a thread's state in `/proc/TID/stat`.
pub(crate) fn state(tid: i32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).unwrap_or("gone").to_owned()
}

/// A hexadecimal line of `/proc/PID/status`.
pub(crate) fn status(pid: i32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("0");
    u64::from_str_radix(line.trim(), 16).unwrap_or(0)
}

/// One run of the fixture.
pub(crate) struct Lab {
    pub(crate) host: Host,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    out: PathBuf,
    go: PathBuf,
}

impl Lab {
    pub(crate) fn new() -> Lab {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("utrace-lab-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let out = std::env::temp_dir().join(&name);
        let go = std::env::temp_dir().join(name + "-go");
        let notices = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notices);
        let builder: Builder = Host::builder().notices(move |notice| heard.lock().unwrap().push(notice));
        Lab { host: builder.start().unwrap(), notices, out, go }
    }

    /// The fixture with these arguments.
    pub(crate) fn command(&self, args: &str) -> Command {
        Command::new(fixtures::build("signal_lab"))
            .args(args.split_whitespace())
            .env("LAB_OUT", &self.out)
            .env("LAB_GO", &self.go)
    }

    /// Starts it; `adopt` attaches.
    pub(crate) fn launch(&self, args: &str, adopt: impl FnOnce(&Task) + Send + 'static) -> Process {
        self.host.launch(&self.command(args), adopt).unwrap()
    }

    /// Runs it with one probe to its end, and answers that and what it wrote.
    pub(crate) fn run(&self, args: &str, probe: Probe, interest: impl Into<Interest>) -> (Ending, String) {
        let interest = interest.into();
        let process = self.launch(args, move |task| {
            task.attach_for(interest, probe).unwrap();
        });
        (process.wait().unwrap(), self.wrote())
    }

    /// Lets it go on from a `W`.
    pub(crate) fn go(&self) {
        std::fs::write(&self.go, "").unwrap();
    }

    /// What it wrote so far.
    pub(crate) fn wrote(&self) -> String {
        std::fs::read_to_string(&self.out).unwrap_or_default().trim_end().to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.out);
        let _ = std::fs::remove_file(&self.go);
    }
}
