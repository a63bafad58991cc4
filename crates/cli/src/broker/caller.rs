//! The side of a command line: `utrace attach`, `utrace ptrace` and `utrace ps` as callers of the supervisor.
//!
//! Key types: [`Opened`], the outputs of an attach. Key functions: [`can_serve`], [`proof`], [`become_client`], [`list`].
//! Neighbours: [`crate::attach`] has the conversation of an attach; [`super::wire`] says what is said.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::process::{PTracer, Pid, set_ptracer};
use utrace_engines::log;
use utrace_engines::output::Place;
use utrace_engines::registry::Spec;
use utrace_host::{Command, Errno, Filter};

use super::alone;
use super::listing::{self, Row};
use super::place;
use super::wire::{MOST_FDS, Reply, Request};
use crate::attach::code_of;
use crate::exit::{Code, End};
use crate::flags::{AttachArgs, PtraceArgs};
use crate::message::say;
use crate::run;

/// The longest command line that is sent on, in bytes: as JSON it is up to four times as long.
const LONGEST_LINE: usize = 20 << 10;

/// Whether the supervisor can do what an attach is to do. It cannot where the host itself would have to be another
/// (`--strict`), and where engines open files later by name (`-ff`) or look at relative paths (`-P`).
#[must_use]
pub fn can_serve(args: &AttachArgs, specs: &[Spec], line: &[OsString]) -> bool {
    let outputs = specs.iter().filter_map(Spec::place).filter(|place| place.file.is_some()).count();
    let length: usize = line.iter().map(|word| word.len() + 1).sum();
    let portable = |spec: &Spec| match spec {
        Spec::Log(options) => {
            let own_files = options.per == log::Per::Task;
            !own_files && options.paths.iter().all(|path| path.is_absolute())
        }
        Spec::Stats(_) | Spec::Inject(_) => true,
        Spec::Ptrace => false,
    };
    !args.strict && outputs < MOST_FDS && length < LONGEST_LINE && specs.iter().all(portable)
}

/// The outputs of an attach, as this process may open them.
#[derive(Debug, Default)]
pub struct Opened {
    files: Vec<OwnedFd>,
    readers: Vec<Child>,
}

impl Opened {
    /// Opens what these engines write to, in their order.
    ///
    /// # Errors
    /// A message.
    pub fn new(specs: &[Spec]) -> Result<Opened, String> {
        let mut opened = Opened::default();
        for spec in specs {
            let Some((place, file)) = spec.place().and_then(|place| Some((place, place.file.as_ref()?)))
            else {
                continue;
            };
            let result = if place.is_command() { opened.start(place) } else { opened.open(place, file) };
            result.map_err(|e| format!("{}: cannot open {}: {e}", name_of(spec), file.display()))?;
        }
        Ok(opened)
    }

    fn open(&mut self, place: &Place, path: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).append(place.append).truncate(!place.append);
        self.files.push(options.open(path)?.into());
        Ok(())
    }

    fn start(&mut self, place: &Place) -> io::Result<()> {
        let command = place.file.as_ref().map(|file| file.as_os_str().as_bytes());
        let command = OsStr::from_bytes(command.and_then(|text| text.get(1..)).unwrap_or_default());
        let shell =
            std::process::Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn();
        let mut child = shell?;
        self.files.extend(child.stdin.take().map(OwnedFd::from));
        self.readers.push(child);
        Ok(())
    }

    /// What goes with the request: stderr, then the outputs.
    pub fn descriptors<'a>(&'a self, stderr: BorrowedFd<'a>) -> Vec<BorrowedFd<'a>> {
        std::iter::once(stderr).chain(self.files.iter().map(OwnedFd::as_fd)).collect()
    }

    /// Closes them here; the supervisor has its own.
    pub fn passed_on(&mut self) {
        self.files.clear();
    }

    /// Waits for the commands that read outputs.
    pub fn finish(mut self) {
        self.files.clear();
        for mut reader in self.readers {
            // How it ended is its own affair: the user sees what it wrote.
            let _ = reader.wait();
        }
    }
}

/// The name of an engine.
pub(super) fn name_of(spec: &Spec) -> &'static str {
    match spec {
        Spec::Log(_) => "log",
        Spec::Stats(_) => "stats",
        Spec::Inject(_) => "inject",
        Spec::Ptrace => "ptrace",
    }
}

/// A descriptor that only who may trace this process can have, and the thread that it is of.
#[must_use]
pub fn proof(pid: i32) -> Option<(i32, File)> {
    let open = |tid: i32| File::open(format!("/proc/{pid}/task/{tid}/mem")).ok().map(|file| (tid, file));
    // A first thread that has ended before the others has no memory.
    open(pid).or_else(|| {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
        threads.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).find_map(open)
    })
}

/// `utrace ptrace`: makes this process a client, and then the program.
#[must_use]
pub fn become_client(args: &PtraceArgs) -> End {
    let Some((program, rest)) = args.command.split_first() else { return End::Own(Code::Failed) };
    let command = Command::new(program).args(rest);
    if let Err(error) = command.check() {
        say(&error);
        return End::Own(run::code_of(&error));
    }
    if let Err(message) = enlist() {
        say(message);
        return End::Own(Code::Failed);
    }
    let error = command.exec();
    say(&error);
    End::Own(run::code_of(&error))
}

fn enlist() -> Result<(), String> {
    let (line, supervisor) = place::reach().map_err(|why| format!("cannot reach the supervisor: {why}"))?;
    // Yama lets nobody but a parent attach, unless told so. Without Yama this fails, and is not needed.
    let _ = Pid::from_raw(supervisor.cast_signed()).map(|pid| set_ptracer(PTracer::ProcessID(pid)));
    let (_, proof) =
        proof(std::process::id().cast_signed()).ok_or("cannot open the memory of this process")?;
    let ask = |request: &Request, fd: Option<BorrowedFd<'_>>| {
        let asked = line.send(request, fd.as_slice()).and_then(|()| line.receive());
        match asked.map_err(|error| format!("the supervisor: {error}"))?.0 {
            Reply::Refused { message, .. } => Err(message),
            reply => Ok(reply),
        }
    };
    let mut reply = ask(&Request::Enlist, Some(proof.as_fd()))?;
    if let Reply::Listen { filter } = reply {
        let filter = Filter::from_bytes(&filter).ok_or("the supervisor sent no filter")?;
        reply = match filter.install_asking() {
            Ok(end) => ask(&Request::Listening, Some(end.as_fd()))?,
            // A thread has one listening end, and this has another's: perhaps of a supervisor that was killed.
            Err(Errno::EBUSY) => ask(&Request::IsHeard, None)?,
            Err(_) => ask(&Request::CannotListen, None)?,
        };
    }
    match reply {
        Reply::Enlisted { filter: None } => Ok(()),
        Reply::Enlisted { filter: Some(bytes) } => {
            let filter = Filter::from_bytes(&bytes).ok_or("the supervisor sent no filter")?;
            filter.install().map_err(|error| format!("cannot install the filter for ptrace calls: {error}"))
        }
        other => Err(format!("the supervisor answered {other:?}")),
    }
}

/// `utrace ps`: prints who is traced.
///
/// # Errors
/// A message.
pub fn list() -> Result<Vec<Row>, String> {
    let Some((line, supervisor)) = place::find() else { return Ok(alone::rows(None)) };
    let failed = |error: super::wire::WireError| format!("the supervisor: {error}");
    line.send(&Request::List, &[]).map_err(failed)?;
    let mut rows = Vec::new();
    loop {
        match line.receive().map_err(failed)?.0 {
            Reply::Traced(row) => rows.push(*row),
            Reply::ListEnd => break,
            other => return Err(format!("the supervisor answered {other:?}")),
        }
    }
    rows.extend(alone::rows(Some(supervisor)));
    Ok(rows)
}

/// Writes the table.
///
/// # Errors
/// Those of `out`.
pub fn show(rows: &[Row], out: &mut dyn io::Write) -> io::Result<()> {
    listing::print(rows, out)
}

/// The code of a refusal that was looked up here.
#[must_use]
pub fn refusal(pid: i32) -> (Code, String) {
    match utrace_host::Tid::new(pid).map(utrace_host::why_not) {
        Some(error) => (code_of(&error), error.to_string()),
        None => (Code::NoProcess, format!("{pid} is no process id")),
    }
}
