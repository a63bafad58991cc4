//! What may not be attached to, in every round: the attempt is refused, says why, and changes nothing.
//!
//! Key types: [`Neighbours`], processes that live as long as we do and are no part of any tree; [`Whom`], one kind of
//! what is refused. Used by `driver`, which plays [`refuse`] beside the controllers of a round.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use utrace_host::{Host, HostError, Process, Tid};
use utrace_testkit::fixtures;
use utrace_testkit::stress::crew::Crew;
use utrace_testkit::stress::random::Random;

/// Processes that are there to refuse.
pub(crate) struct Neighbours {
    /// Whose child is dead and not waited for. Both end with us, when their standard input does.
    zombie: (Child, Tid),
    /// Another host of ours traces it, in this thread.
    traced: (Child, Tid, Host, Process),
    tracer: String,
    /// A process of another user; there is none if we are root, who may trace everybody.
    foreign: Option<Tid>,
}

/// What is attached to in vain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whom {
    Ourselves,
    KernelThread,
    Zombie,
    TracedByAnother,
    OfAnotherUser,
    /// The tree, a second time.
    Ours,
}

impl Neighbours {
    /// The neighbours of all rounds.
    fn get() -> Result<&'static Neighbours, String> {
        static ALL: OnceLock<Result<Neighbours, String>> = OnceLock::new();
        ALL.get_or_init(|| Neighbours::new().map_err(|error| format!("the neighbours: {error}")))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn new() -> Result<Neighbours, String> {
        let spawn = |mut command: Command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())
        };
        let mut mother = spawn(Command::new(fixtures::build("zombie")))?;
        let mut line = String::new();
        let stdout = mother.stdout.take().ok_or("no output")?;
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let dead = line.trim().strip_prefix("ready ").and_then(|pid| pid.parse().ok()).and_then(Tid::new);
        let cat = spawn(Command::new("cat"))?;
        let pid = i32::try_from(cat.id()).ok().and_then(Tid::new).ok_or("no process id")?;
        let host = Host::start().map_err(|error| error.to_string())?;
        let process = host.attach(pid, |_| ()).map_err(|error| error.to_string())?;
        let tracer =
            field(&pid.to_string(), "TracerPid:").filter(|tid| tid != "0").ok_or("nobody traces it")?;
        Ok(Neighbours {
            tracer,
            zombie: (mother, dead.ok_or_else(|| format!("the zombie said {line:?}"))?),
            traced: (cat, pid, host, process),
            // The first process is root's.
            foreign: if field("self", "Uid:").as_deref() == Some("0") { None } else { Tid::new(1) },
        })
    }

    /// What is not as it was.
    fn harm(&self) -> Option<String> {
        let (zombie, traced) = (self.zombie.1.to_string(), self.traced.1.to_string());
        // It may still be on its way to the read that it sleeps in.
        let goes_on = |state: String| if matches!(&*state, "R" | "D") { "S".to_owned() } else { state };
        let found = [
            ("the zombie's state", field(&zombie, "State:"), "Z"),
            ("who traces the traced one", field(&traced, "TracerPid:"), &self.tracer),
            ("the traced one's state", field(&traced, "State:").map(goes_on), "S"),
        ];
        let harmed = found.into_iter().find(|(_, is, was)| is.as_deref() != Some(*was));
        harmed.map(|(what, is, was)| format!("{what} is {is:?}, and was {was}"))
    }
}

/// The first word of a line of `/proc/PID/status`.
fn field(pid: &str, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next().map(str::to_owned)
}

impl Whom {
    const ALL: [Whom; 6] = [
        Whom::Ourselves,
        Whom::KernelThread,
        Whom::Zombie,
        Whom::TracedByAnother,
        Whom::OfAnotherUser,
        Whom::Ours,
    ];

    fn tid(self, neighbours: &Neighbours, tree: &Process) -> Option<Tid> {
        match self {
            Whom::Ourselves => i32::try_from(std::process::id()).ok().and_then(Tid::new),
            Whom::KernelThread => Tid::new(2),
            Whom::Zombie => Some(neighbours.zombie.1),
            Whom::TracedByAnother => Some(neighbours.traced.1),
            Whom::OfAnotherUser => neighbours.foreign,
            // Its number may be another's as soon as it has ended.
            Whom::Ours => tree.ended().is_none().then(|| tree.pid()),
        }
    }

    /// Whether this is the answer, and what it is counted as.
    fn counted_as(self, answer: &Result<Process, HostError>) -> Option<&'static str> {
        match (self, answer) {
            (_, Err(HostError::Ended)) => Some("too late for a refusal"),
            (Whom::Ourselves, Err(HostError::SelfAttach)) => Some("refused: ourselves"),
            // In a pid namespace of our own there may be none.
            (Whom::KernelThread, Err(HostError::KernelThread(_) | HostError::NoSuchProcess(_))) => {
                Some("refused: a kernel thread")
            }
            (Whom::Zombie, Err(HostError::Zombie(_))) => Some("refused: a zombie"),
            (Whom::TracedByAnother, Err(HostError::AlreadyTraced { .. })) => {
                Some("refused: traced by another")
            }
            (Whom::OfAnotherUser, Err(HostError::NotPermitted(..))) => Some("refused: of another user"),
            (Whom::Ours, Err(HostError::AlreadyOurs(_))) => Some("refused: traced already"),
            (Whom::Ours, Err(HostError::NoSuchProcess(_) | HostError::Zombie(_))) => {
                Some("too late for a refusal")
            }
            _ => None,
        }
    }
}

/// Attaches to what may not be attached to, a few times.
pub(crate) fn refuse(crew: &Arc<Crew>, host: &Host, tree: &Process, mut random: Random) {
    let neighbours = match Neighbours::get() {
        Ok(neighbours) => neighbours,
        Err(error) => return crew.wrong(&error),
    };
    for _ in 0..2 + random.below(8) {
        let pick = usize::try_from(random.below(Whom::ALL.len() as u64)).unwrap_or(0);
        let Some(whom) = Whom::ALL.get(pick) else { continue };
        let Some(tid) = whom.tid(neighbours, tree) else { continue };
        let alarmed = Arc::clone(crew);
        let answer = host.attach(tid, move |_| alarmed.wrong(&format!("{whom:?} has a task")));
        match whom.counted_as(&answer) {
            Some(counted) => crew.journal.count("attach to a process", counted),
            None => crew.wrong(&format!("attaching to {whom:?} answered {answer:?}")),
        }
        if let Some(harm) = neighbours.harm() {
            crew.wrong(&format!("after an attach to {whom:?}, {harm}"));
        }
    }
}
