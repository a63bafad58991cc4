//! How many system calls ended with `EINTR`: an instance of the kernel's tracing (Documentation/trace/ftrace.rst)
//! that records the tracepoint at the end of calls, for one server and its children.
//!
//! It sees what the kernel hands back before a tracer changes it, so a call that a tracer makes start again would be
//! counted too: the count is never too small.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use utrace_abi::table::{Abi, lookup};

use crate::Res;

const TRACING: &str = "/sys/kernel/tracing";
/// How an instance of ours is called, before the process's id.
const NAME: &str = "utrace-servers-";

/// Calls by number, and how often each ended with `EINTR`.
pub(crate) type Counts = BTreeMap<u64, u64>;

/// A tracing instance; it goes when this is dropped.
pub(crate) struct Instance(PathBuf);

impl Instance {
    /// Starts the program and records what it and its children do. `None` where the kernel's tracing cannot be had.
    pub(crate) fn around(command: &mut Command) -> Res<(Child, Option<Instance>)> {
        let instance = Instance::make().ok();
        // With `event-fork` what a recorded thread forks is recorded too, so this one forks nothing else.
        let child = thread::scope(|scope| {
            let spawn = || {
                if let Some(instance) = &instance {
                    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
                    instance.write("set_event_pid", &me)?;
                }
                command.spawn().map_err(|e| format!("{command:?}: {e}"))
            };
            scope.spawn(spawn).join().map_err(|_| "a thread ended early".to_owned())?
        })?;
        Ok((child, instance))
    }

    fn make() -> Res<Instance> {
        sweep();
        let path = PathBuf::from(format!("{TRACING}/instances/{NAME}{}", std::process::id()));
        fs::create_dir(&path).map_err(|e| e.to_string())?;
        let instance = Instance(path);
        for (file, value) in [
            ("options/event-fork", "1"),
            ("buffer_size_kb", "4096"),
            ("events/raw_syscalls/sys_exit/filter", "ret == -4"),
            ("events/raw_syscalls/sys_exit/enable", "1"),
        ] {
            instance.write(file, value)?;
        }
        Ok(instance)
    }

    fn write(&self, file: &str, value: &str) -> Res<()> {
        fs::write(self.0.join(file), value).map_err(|e| format!("{file}: {e}"))
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> Counts {
        let text = fs::read_to_string(self.0.join("trace")).unwrap_or_default();
        let mut counts = Counts::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let number = line.split_once("sys_exit: NR ").and_then(|(_, rest)| rest.split(' ').next());
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                *counts.entry(number).or_default() += 1;
            }
        }
        counts
    }
}

/// Removes what runs left behind that were killed: each makes every system call of the machine slower.
fn sweep() {
    let Ok(instances) = fs::read_dir(format!("{TRACING}/instances")) else { return };
    for path in instances.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let of_the_dead =
            name.strip_prefix(NAME).is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists());
        if of_the_dead {
            drop(Instance(path));
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.write("events/raw_syscalls/sys_exit/enable", "0");
        let _ = fs::remove_dir(&self.0);
    }
}

/// What has come since, in words; how long that was, if there is anything to compare.
pub(crate) fn describe(before: &Counts, after: &Counts, took: Duration) -> String {
    let since = after.iter().map(|(number, count)| (number, count - before.get(number).unwrap_or(&0)));
    let since: Vec<_> = since.filter(|(_, count)| *count > 0).collect();
    let sum: u64 = since.iter().map(|(_, count)| count).sum();
    let names: Vec<_> = since
        .into_iter()
        .map(|(number, count)| {
            let name =
                lookup(Abi::X86_64, *number).map_or_else(|| number.to_string(), |info| info.name.to_owned());
            format!("{name} {count}")
        })
        .collect();
    if names.is_empty() {
        sum.to_string()
    } else {
        format!("{sum} in {} s ({})", took.as_secs(), names.join(", "))
    }
}
