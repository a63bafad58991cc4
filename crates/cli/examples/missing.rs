//! An engine in one file: which files does a program look for and not find?
//!
//! ```text
//! cargo run --example missing -- CMD [ARG…]
//! ```
//!
//! It shows the five things that every engine does: declare an interest, read what a task passes to the kernel,
//! carry something from a syscall's entry to its exit, follow children, and bring the results of many tasks
//! together. `utrace_engines` documents the steps in prose.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use utrace_abi::Errno;
use utrace_abi::table::{self, Abi};
use utrace_core::{
    Action, Addr, AttachError, CloneReport, Cx, Engine, Event, Interest, Syscall, SyscallEntry, SyscallExit,
    SyscallSet, Target, Task,
};
use utrace_host::{Command, Host};

/// What all engines of one run share. Reports of different tasks may run at the same time, so it has a lock; a
/// callback holds it for a moment only, because the task waits meanwhile.
type Missing = Arc<Mutex<BTreeMap<String, u64>>>;

/// The engine. There is one value for each task it is attached to, so what belongs to one task is simply a field:
/// callbacks of one attachment never overlap and have `&mut self`.
struct MissingFiles {
    missing: Missing,
    /// The path of the syscall that is running, from entry to exit.
    path: Option<String>,
}

impl MissingFiles {
    /// Attaches an engine to `task`, with the interest that it has from the first moment on.
    fn follow(missing: &Missing, task: &Task) -> Result<(), AttachError> {
        let engine = MissingFiles { missing: Arc::clone(missing), path: None };
        // The interest is declared, not tested in the callbacks: the host then makes no stop, and in a launched
        // tree no trap at all, for a syscall that nobody asked for.
        let interest = Interest::in_syscalls(opening()) | Event::Clone;
        task.attach_for(interest, engine).map(drop)
    }
}

impl Engine for MissingFiles {
    fn name(&self) -> &str {
        "missing"
    }

    /// The task is about to run one of our syscalls. It stands still: its memory can be read and changed.
    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        self.path = path_address(entry.call()).and_then(|at| read_string(cx.target(), at));
        // `Resume` demands nothing. `Stop` would hold the task until this engine lets go through `cx.engine()`;
        // whatever is returned, the strongest demand of all engines wins.
        Action::Resume
    }

    /// It has run, or was skipped by an engine. Who attached in between may see an exit without an entry.
    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let path = self.path.take();
        if let (Some(path), Some(ENOENT)) = (path, Errno::from_return(exit.value())) {
            *self.missing.lock().unwrap_or_else(PoisonError::into_inner).entry(path).or_insert(0) += 1;
        }
        Action::Resume
    }

    /// The task made a child or a thread, which has not run yet: an engine that attaches now misses nothing.
    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        // The child may be gone already, and then there is nothing to follow.
        let _ = MissingFiles::follow(&self.missing, &clone.child);
        Action::Resume
    }
}

const ENOENT: Errno = Errno(2);

/// The syscalls that take a path, by the index that the core knows them by: the number on x86-64.
fn opening() -> SyscallSet {
    let names = [
        "open",
        "openat",
        "openat2",
        "stat",
        "lstat",
        "newfstatat",
        "statx",
        "access",
        "faccessat2",
        "execve",
    ];
    names.iter().filter_map(|name| table::by_name(Abi::X86_64, name)).map(|info| u64::from(info.nr)).collect()
}

/// Where the path is: the table of the ABI says which argument is one.
fn path_address(call: &Syscall) -> Option<Addr> {
    let abi = Abi::from_audit_arch(call.arch)?;
    let info = table::lookup(abi, call.number)?;
    let position = info.args.iter().position(|arg| matches!(arg, table::Arg::Path))?;
    call.args.get(position).copied().map(Addr)
}

/// A string of the task's, up to its NUL. The task may have passed any address: a bad one is no error of ours.
fn read_string(target: &mut dyn Target, at: Addr) -> Option<String> {
    let mut buffer = [0; 4096];
    let count = target.read(at, &mut buffer).ok()?;
    let bytes = buffer.get(..count)?.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: missing CMD [ARG…]");
        return ExitCode::from(125);
    };
    match run(&Command::new(program).args(arguments)) {
        Ok(missing) => {
            for (path, count) in missing.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                println!("{count:6} {path}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("missing: {error}");
            ExitCode::from(125)
        }
    }
}

/// Runs the program with our engine on it. More engines, of any kind, could be attached beside it.
fn run(command: &Command) -> Result<Missing, utrace_host::HostError> {
    let missing = Missing::default();
    let host = Host::start()?;
    let ours = Arc::clone(&missing);
    // The task exists and has not run: whoever attaches here sees the program's first syscall, its execve.
    let process = host.launch(command, move |task| {
        let _ = MissingFiles::follow(&ours, task);
    })?;
    process.wait()?;
    // The program has ended; its children may go on, and are still traced.
    host.wait_idle();
    Ok(missing)
}
