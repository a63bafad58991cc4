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

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use utrace_core::{Action, BarrierError, EngineRef, Match, Task};
use utrace_engines::output::{Files, Opener, Place};
use utrace_engines::tool::Origin;
use utrace_host::{HostError, Refusal, Tid, why_not};

use super::access;
use super::clients::sweep;
use super::roll::Roll;
use super::server::{Member, Server, Told, Traced, What};
use super::wire::{Answer, Line, Reply, Target};
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

    /// Attaches to those of these processes that the command line may trace, as its descriptors show.
    pub(super) fn attach(&self, targets: &[Target], fds: &[OwnedFd]) -> Vec<Result<Answer, HostError>> {
        let proofs = fds.iter().map(Some).chain(std::iter::repeat(None));
        let mut asked: Vec<_> =
            targets.iter().zip(proofs).map(|(target, proof)| Asked::new(*target, proof)).collect();
        let processes: Vec<Tid> =
            asked.iter().filter_map(|one| one.process.as_ref().ok().map(|meant| meant.number)).collect();
        let (adopt, roll) = (self.tools.adopter(Origin::Attached), Arc::clone(&self.roll));
        let adopt = move |task: &Task| {
            adopt(task);
            // One that is gone is not counted.
            let _ = roll.enter(task);
        };
        let joined =
            if processes.is_empty() { Ok(Vec::new()) } else { self.traced.host.join_all(&processes, adopt) };
        let mut joined = joined.unwrap_or_default().into_iter();
        let answer = |one: &mut Asked<'_>| {
            let process = match &one.process {
                Ok(process) => process.number,
                Err(error) if one.proof.is_some() && access::is_between_programs(error) => {
                    return Ok(Answer::Again);
                }
                Err(error) => return Err(error.clone()),
            };
            let joined = match joined.next().unwrap_or(Err(HostError::Ended)) {
                Ok(joined) => joined,
                // Who may open its memory may trace it, so that refusal is about this moment.
                Err(HostError::NotPermitted(_, Refusal::Privileged)) => return Ok(Answer::Again),
                Err(error) if access::is_between_programs(&error) => return Ok(Answer::Again),
                Err(error) => return Err(error),
            };
            if one.process.as_ref().is_ok_and(Meant::has_ended) {
                // The number may have become another's just now.
                self.take_off(Some(process));
                return Err(HostError::PidReused(process));
            }
            Ok(Answer::Attached { threads: joined.tasks().len(), again: !self.roll.ask(process.raw()) })
        };
        asked.iter_mut().map(answer).collect()
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
        self.server.end_use(|| self.take_off(None));
        self.server.strike(&self.roll);
        self.tools.close()
    }

    /// Takes all engines off, those too that children are given meanwhile, and lets go of what nobody else traces. Or
    /// only off one process.
    fn take_off(&self, only: Option<Tid>) {
        let mut processes = std::collections::BTreeSet::new();
        let is_meant =
            |task: &Task| only.is_none_or(|process| process.raw().cast_unsigned() == task.process().0);
        loop {
            let mut found: Vec<EngineRef> = Vec::new();
            for task in self.traced.host.tasks().into_iter().filter(is_meant) {
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

/// A process that is asked for, with the proof that came with it.
struct Asked<'a> {
    proof: Option<&'a OwnedFd>,
    /// The process that is meant, or why it may not be traced.
    process: Result<Meant, HostError>,
}

/// A process that was proven: as long as it has not ended, its number is nobody else's. The proof itself may not hold
/// so long, as it is of a thread, and those end when another one runs a new program (execve(2)).
struct Meant {
    number: Tid,
    handle: OwnedFd,
}

impl Meant {
    fn has_ended(&self) -> bool {
        let mut ended = [PollFd::new(&self.handle, PollFlags::IN)];
        poll(&mut ended, Some(&Timespec::default())) != Ok(0)
    }
}

impl<'a> Asked<'a> {
    fn new(target: Target, proof: Option<&'a OwnedFd>) -> Asked<'a> {
        let Target { pid, tid } = target;
        let process = match Tid::new(pid) {
            Some(number) => process_of(number).ok_or(HostError::NoSuchProcess(number)).and_then(|meant| {
                // After the handle is there: from here on it is one process.
                let proven = proof.is_some_and(|proof| access::proves(proof.as_fd(), pid, tid));
                if proven { Ok(meant) } else { Err(why_not(number)) }
            }),
            None => Err(HostError::Ended),
        };
        Asked { proof, process }
    }
}

/// The process of a thread. Of a process that is its own number: only those can be opened like this, and the other way
/// `/proc` has to write some fifty lines.
fn process_of(tid: Tid) -> Option<Meant> {
    let open = |number: Tid| {
        let handle = pidfd_open(Pid::from_raw(number.raw())?, PidfdFlags::empty()).ok()?;
        Some(Meant { number, handle })
    };
    open(tid).or_else(|| {
        let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
        open(Tid::new(line.trim().parse().ok()?)?)
    })
}
