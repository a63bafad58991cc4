//! The engines of one `utrace attach`, in the supervisor.
//!
//! Key types: [`Session`]. Its engines write to descriptors that came from the command line: its stderr, and the outputs
//! that it opened with its own rights, in its own directory. Processes are shared with other sessions and with ptrace
//! clients. Neighbours: [`super::server`] has the conversation, [`crate::attach`] is the other end.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use utrace_core::{Action, BarrierError, EngineRef, Match};
use utrace_engines::output::{Files, Opener, Place};
use utrace_engines::tool::Origin;
use utrace_host::{HostError, Tid, why_not};

use super::access;
use super::clients::sweep;
use super::roll::Roll;
use super::server::{Member, Server, Told, Traced, What};
use super::wire::{Line, Reply};
use crate::flags::hi::HiArgs;
use crate::flags::low;
use crate::tools::Tools;

/// What came with a request to open.
struct Passed {
    stderr: File,
    outputs: Mutex<VecDeque<File>>,
}

impl Files for Passed {
    fn open(&self, place: &Place) -> io::Result<File> {
        if place.file.is_none() {
            return self.stderr.try_clone();
        }
        let next = self.outputs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.ok_or_else(|| io::Error::other("it was not passed on"))
    }
}

/// A running `utrace attach`.
#[derive(Debug)]
pub(super) struct Session {
    server: Arc<Server>,
    traced: Traced,
    tools: Tools,
    roll: Arc<Roll>,
}

impl Session {
    /// Makes the engines of a command line.
    pub(super) fn open(
        server: &Arc<Server>,
        line: &Line,
        pid: u32,
        args: Vec<Vec<u8>>,
        fds: Vec<OwnedFd>,
    ) -> Result<Session, String> {
        let low = low::parse(args.into_iter().map(OsString::from_vec)).map_err(|error| error.to_string())?;
        let HiArgs::Attach(args, specs) = HiArgs::resolve(low)? else {
            return Err("only an attach has engines here".to_owned());
        };
        let mut files = fds.into_iter().map(File::from);
        let stderr = files.next().ok_or("without a descriptor for messages")?;
        let opener = Opener::new(Arc::new(Passed { stderr, outputs: Mutex::new(files.collect()) }));
        let tools = Tools::open(specs.into_iter().map(|spec| spec.opened_by(&opener)).collect())?;
        let told = if args.engines.letters.verbose > 0 { Told::All } else { Told::Trouble };
        let line = line.again().map_err(|error| error.to_string())?;
        let traced = server.begin_use().map_err(|error| error.to_string())?;
        let roll = Roll::new();
        let what = What::Session { engines: tools.names(), line, told };
        server.enter(Member { roll: Arc::clone(&roll), pid, what });
        Ok(Session { server: Arc::clone(server), traced, tools, roll })
    }

    /// Attaches to a process that the command line may trace, as its descriptor shows.
    pub(super) fn attach(&self, pid: i32, tid: i32, fds: &[OwnedFd]) -> Result<Reply, HostError> {
        let proven = || fds.first().is_some_and(|proof| access::proves(proof.as_fd(), pid, tid));
        let target = Tid::new(pid).ok_or(HostError::Ended)?;
        if !proven() {
            return Err(why_not(target));
        }
        let process = process_of(target).ok_or(HostError::NoSuchProcess(target))?;
        let again = !self.roll.ask(process.raw());
        let (adopt, roll) = (self.tools.adopter(Origin::Attached), Arc::clone(&self.roll));
        let joined = self.traced.host.join(process, move |task| {
            adopt(task);
            // One that is gone is not counted.
            let _ = roll.enter(task);
        })?;
        if !proven() {
            // The number has become another's just now.
            self.take_off();
            return Err(HostError::PidReused(target));
        }
        Ok(Reply::Attached { threads: joined.tasks().len(), again })
    }

    /// Has the command line told when nothing is left to trace.
    pub(super) fn await_end(&self, line: Line) {
        let roll = Arc::clone(&self.roll);
        let wait = move || {
            roll.wait_empty();
            if !roll.is_closed() {
                // Who has hung up knows.
                let _ = line.send(&Reply::Ended, &[]);
            }
        };
        // Without a thread it hears nothing, and ends with ^C.
        let _ = thread::Builder::new().name("session".to_owned()).spawn(wait);
    }

    /// Detaches everything and writes what is to be written; answers what could not be.
    pub(super) fn leave(self) -> Vec<String> {
        self.roll.close();
        let tasks = self.traced.host.tasks();
        tasks.iter().filter(|task| self.roll.is_on(task)).for_each(|task| self.tools.detached(task));
        self.server.end_use(|| self.take_off());
        self.server.strike(&self.roll);
        self.tools.close()
    }

    /// Takes all engines off, those too that children are given meanwhile, and lets go of what nobody else traces.
    fn take_off(&self) {
        let mut processes = std::collections::BTreeSet::new();
        loop {
            let mut found: Vec<EngineRef> = Vec::new();
            for task in self.traced.host.tasks() {
                let before = found.len();
                found.extend(self.tools.leave(&task));
                if let Some(member) = task.find(Match::tag(self.roll.tag())) {
                    let _ = member.control(Action::Detach);
                    found.push(member);
                }
                if found.len() > before {
                    processes.insert(task.process().0);
                }
            }
            if found.is_empty() {
                break;
            }
            // A callback that runs may be giving a child its engine.
            for engine in found {
                while engine.barrier() == Err(BarrierError::Interrupted) {}
            }
        }
        processes.into_iter().for_each(|process| sweep(&self.traced, process));
    }
}

/// The process of a thread.
fn process_of(tid: Tid) -> Option<Tid> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    Tid::new(line.trim().parse().ok()?)
}
