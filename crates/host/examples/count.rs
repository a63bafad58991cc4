//! The smallest tool on the host: launches a program, follows its children and counts system calls.
//!
//! `count [NR,NR…|all|none] PROGRAM [ARG…]`: the numbers of the calls to stop at.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use utrace_core::{Action, CloneReport, Cx, Engine, Event, Interest, SyscallEntry, SyscallSet, Task};
use utrace_host::{Command, Ending, Host};

/// Counts entries, and attaches another of its kind to each child.
struct Count {
    interest: Interest,
    calls: Arc<AtomicU64>,
}

impl Count {
    fn attach(task: &Task, interest: Interest, calls: &Arc<AtomicU64>) {
        // A task that died before we came has nothing to count.
        let _ = task.attach_for(interest, Count { interest, calls: Arc::clone(calls) });
    }
}

impl Engine for Count {
    fn name(&self) -> &str {
        "count"
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, _entry: &mut SyscallEntry) -> Action {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        Count::attach(&clone.child, self.interest, &self.calls);
        Action::Resume
    }
}

fn interest(which: &str) -> Interest {
    let set = match which {
        "all" => SyscallSet::ALL,
        "none" => return Interest::from(Event::Clone),
        list => list.split(',').filter_map(|nr| nr.parse().ok()).collect(),
    };
    Interest::in_syscalls(set) | Event::Clone
}

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (Some(which), Some(program)) = (args.next(), args.next()) else {
        eprintln!("usage: count [NR,NR...|all|none] PROGRAM [ARG...]");
        return ExitCode::from(2);
    };
    let (interest, calls) = (interest(&which.to_string_lossy()), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&calls);
    let ended = Host::builder().notices(|notice| eprintln!("{notice}")).start().and_then(|host| {
        let process = host
            .launch(&Command::new(program).args(args), move |task| Count::attach(task, interest, &counted))?;
        let ended = process.wait()?;
        host.wait_idle();
        Ok(ended)
    });
    eprintln!("{} calls", calls.load(Ordering::Relaxed));
    match ended {
        Ok(Ending::Exited(code)) => ExitCode::from(code),
        Ok(other) => {
            eprintln!("{other:?}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
