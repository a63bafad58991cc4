//! ptrace(2) as an engine: inside a traced tree anything may use ptrace on anything, while other engines watch it all.
//!
//! The kernel gives a thread one tracer, and that is the host. So the ptrace and wait calls of the tree are answered
//! here. Two kinds of engines do it:
//!
//! | engine | sits on | does |
//! |---|---|---|
//! | `client` | every thread | asks for ptrace(2) and wait4(2) and waitid(2) only; answers them, or lets them run |
//! | `tracee` | a thread that a client traces, once per tracer | makes the stops that this tracer asked for |
//!
//! A pair of a tracer thread and a tracee is a `link::Link`. Its stops are its engine's sticky stop, so several
//! tracers on one thread share it as any engines do: the thread runs when nobody holds it, a signal goes from one to
//! the next, and what one changes at a system call's entry the next one sees.
//!
//! | module | holds |
//! |---|---|
//! | `stop` | what a stop looks like to a tracer: status, siginfo, event message, syscall info (pure) |
//! | `link` | the state of one link and its steps (pure but for the handle to its engine) |
//! | `wait` | the wait calls taken apart, and which link answers one (pure) |
//! | `request` | the requests: numbers, what is done, the table of the docs |
//! | `world` | all threads and links of a tree |
//! | `answer` | calls answered without a stop, and the waits that sleep for news |
//! | `ahead`, `habit` | what a client will ask next, laid ready for it |
//! | `chld` | what a client does with SIGCHLD |
//! | `serve`, `examine`, `peek`, `registers` | the requests carried out |
//! | `guard` | links that end when their tracee comes to more rights |
//! | `filters` | seccomp filters of a tracee, as its tracer may see them |
//! | `own`, `bpf` | what those filters say of calls that are answered |
//! | `steps` | halts and step-overs of several tracers |
//! | `pad` | where debuggers execute instructions out of line |
//! | `overlay`, `memory` | breakpoints of several tracers in one text |
//! | `width`, `ia32`, `fp32` | callers and tracees of 32 bits: numbers and layouts (pure) |
//! | `narrow` | the requests that a 32-bit caller makes otherwise |
//! | `keeper` | what whoever runs the host does for the engine: processes outside the tree, permission |
//! | `spaces` | ids of clients in pid namespaces of their own |
//! | `status` | what `/proc` tells the tree of its threads' states and tracers |
//! | `proc` | what only `/proc` knows |
//!
//! A wait of a client mostly runs in the kernel, which knows its real children. When a link has news, the waiting
//! client is interrupted (it is a task like any other) and gets its answer in place of the restart. One whose
//! only children are links would get `ECHILD` there; it sleeps in pause(2) meanwhile. The end of a client's own child
//! is always the kernel's to report.

mod ahead;
mod answer;
mod bpf;
mod chld;
mod client;
mod examine;
mod filters;
mod fp32;
mod guard;
mod habit;
mod ia32;
mod keeper;
mod link;
mod memory;
mod narrow;
mod news;
mod num;
mod overlay;
mod own;
mod pad;
mod peek;
mod proc;
mod registers;
mod remains;
pub mod request;
mod serve;
mod siginfo;
mod spaces;
mod status;
mod steps;
mod stop;
mod tracee;
mod wait;
mod width;
mod world;

use std::fmt;
use std::sync::Arc;

use utrace_core::{Answers, AttachError, Task};

pub use keeper::{Done, Holding, Keeper, LinkView, Standing};

use crate::tool::{Origin, OutputError, Tool};
use keeper::Role;
use world::{Caught, World};

/// The engine as a tool: every thread of the trees that it is given may trace every other.
pub struct Ptrace {
    world: Arc<World>,
}

impl Ptrace {
    /// For one tree, or several that may trace one another.
    #[must_use]
    pub fn new() -> Ptrace {
        Ptrace { world: Arc::new(World::default()) }
    }

    /// The same for a tree that is not alone: `keeper` brings in what is outside, and says who may trace whom.
    #[must_use]
    pub fn kept_by(keeper: Arc<dyn Keeper>) -> Ptrace {
        let ptrace = Ptrace::new();
        ptrace.world.lock().keeper = Some(keeper);
        ptrace
    }

    /// Lets a thread be traced by the tree, without its being able to trace. For each thread of a process that
    /// [`Keeper::acquire`] was asked for.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn admit(&self, task: &Task) -> Result<(), AttachError> {
        client::adopt(&self.world, task, task.id().0, (Role::Target, Caught::AtStops))
    }

    /// Takes a thread in whose host has brought a filter for [`Ptrace::answers`]: its calls are answered without a stop.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn enlist(&self, task: &Task) -> Result<(), AttachError> {
        client::adopt(&self.world, task, task.id().0, (Role::Client, Caught::AsQuestions))
    }

    /// Forgets these threads, of one process, unless a tracer is linked to one or one may trace itself. Answers whether
    /// it has.
    #[must_use]
    pub fn release(&self, tasks: &[Task]) -> bool {
        self.world.lock().release(tasks)
    }

    /// Every tracer on every tracee.
    #[must_use]
    pub fn links(&self) -> Vec<LinkView> {
        self.world.lock().views()
    }
}

impl Default for Ptrace {
    fn default() -> Ptrace {
        Ptrace::new()
    }
}

impl fmt::Debug for Ptrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ptrace").finish_non_exhaustive()
    }
}

impl Tool for Ptrace {
    fn name(&self) -> &str {
        "ptrace"
    }

    fn attach(&self, task: &Task, origin: Origin) -> Result<(), AttachError> {
        let how = match origin {
            Origin::Launched if self.world.asks() => Caught::AsQuestions,
            Origin::Launched | Origin::Attached => Caught::AtStops,
        };
        client::adopt(&self.world, task, task.id().0, (Role::Client, how))
    }

    fn answers(&self) -> Option<Arc<dyn Answers>> {
        Some(Arc::new(answer::Catcher::new(&self.world)))
    }

    fn finish(&self) -> Result<(), OutputError> {
        Ok(())
    }
}
