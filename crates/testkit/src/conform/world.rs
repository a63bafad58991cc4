//! What a scenario needs of a host, and a call that runs beside the test.
//!
//! Key types: [`World`], [`Parent`], [`Caller`]. A world makes tasks that run scripts, tells where they are, and
//! signals and reaps them as their parent. It says nothing of how reports are made.

use crate::gate::{PATIENCE, lock};
use crate::script::{Did, Flag, Script};
use crate::sim::{Place, Point, To};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, ThreadId};
use std::time::Instant;
use utrace_core::{Addr, SigInfo, Steps, Target, Task};

/// What the parent of a new process does about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parent {
    /// It waits: the process is a zombie until [`World::reap`].
    Waits,
    /// It ignores SIGCHLD: the process reaps itself.
    Ignores,
}

/// What a host on another kernel than the historic one cannot hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about a kernel")]
pub struct Differs {
    /// The task is off its processor while callbacks run, which another thread makes for it.
    pub callbacks_elsewhere: bool,
    /// A killed task does not wait for who writes its registers: the writes fail.
    pub kill_outruns_examiner: bool,
    /// A thread that engines hold does not count as stopped: its parent is told when it has joined.
    pub held_is_not_stopped: bool,
    /// Signals that a task ignores are queued, whether or not somebody asks for them.
    pub ignored_are_queued: bool,
    /// The exit code is fixed when EXIT is reported.
    pub exit_code_is_fixed: bool,
    /// A process whose last thread is held at EXIT does not get SIGKILL any more.
    pub exiting_is_not_killed: bool,
}

impl Differs {
    /// In nothing.
    pub const NOT: Differs = Differs {
        callbacks_elsewhere: false,
        kill_outruns_examiner: false,
        held_is_not_stopped: false,
        ignored_are_queued: false,
        exit_code_is_fixed: false,
        exiting_is_not_killed: false,
    };
}

/// A host, as scenarios see it. Waits are bounded: what does not come is a failed test.
pub trait World: Sync {
    /// The index of the syscall of [`crate::script::Step::Call`].
    const CALL: u64;

    /// How this host differs from the historic kernel in what can be observed.
    const DIFFERS: Differs = Differs::NOT;

    /// A new process of one thread, which has not begun to run its script.
    fn launch(&self, script: Script, parent: Parent) -> Task;

    /// The same, on hardware with these steps only.
    fn launch_stepless(&self, script: Script, steps: Steps) -> Task;

    /// Tries to attach to a thread of the kernel's own; answers whether it was refused for being one.
    fn refuses_kernel_threads(&self) -> bool;

    /// Lets a launched task begin.
    fn begin(&self, task: &Task);

    /// Raises a flag for good.
    fn raise(&self, flag: Flag);

    /// Sends a signal.
    fn signal(&self, task: &Task, to: To, info: SigInfo);

    /// Sends the process of a task a bare signal.
    fn kill(&self, task: &Task, number: u32) {
        self.signal(task, To::Process, SigInfo { number, ..SigInfo::NONE });
    }

    /// Where a task is.
    fn place(&self, task: &Task) -> Place;

    /// Waits until a task is there.
    fn until(&self, task: &Task, place: Place);

    /// Waits until a task has done this.
    fn until_did(&self, task: &Task, what: Did);

    /// What a task has done so far.
    fn did(&self, task: &Task) -> Vec<Did>;

    /// The wait status of a task, once it is dead.
    fn status(&self, task: &Task) -> Option<u32>;

    /// Waits until a task and its death callbacks are over, and answers its wait status.
    fn until_over(&self, task: &Task) -> u32;

    /// Begins, and waits for the end.
    fn run(&self, task: &Task) -> u32 {
        self.begin(task);
        self.until_over(task)
    }

    /// The parent takes note of the death of a task, which is released by that.
    fn reap(&self, task: &Task);

    /// How often the parent of a task's process was told of a job control stop, and of a continue.
    fn told_parent(&self, task: &Task) -> (usize, usize);

    /// Makes a task wait when it comes to a point.
    fn hold_at(&self, task: &Task, point: Point);

    /// Waits until a task waits at a point.
    fn until_at(&self, task: &Task, point: Point);

    /// Lets a task go from a point.
    fn let_go(&self, task: &Task, point: Point);

    /// Whether a thread waits inside a call to the core.
    fn is_waiting(&self, thread: &CallerId) -> bool;

    /// Ends the present wait of a thread, as a signal to it does.
    fn interrupt(&self, thread: &CallerId);

    /// An address in the memory of every task.
    fn memory(&self) -> Addr;

    /// Puts another value into the registers of a task that stands before a [`crate::script::Step::Call`].
    fn set_call_value(&self, target: &mut dyn Target, value: u64);

    /// Writes one of two registers that no script uses, as a controller does: read all, change, write all.
    fn set_scratch(&self, target: &mut dyn Target, which: usize, value: u64);

    /// Reads one of two registers that no script uses.
    fn scratch(&self, target: &mut dyn Target, which: usize) -> u64;

    /// Every task there is.
    fn everybody(&self) -> Vec<Task>;

    /// Sets the global flag once more (spec section 7).
    fn set_everybody(&self);

    /// Takes one setting of it back.
    fn clear_everybody(&self);

    /// What the kernel complained about.
    fn warnings(&self) -> Vec<String>;
}

/// The thread of a [`Caller`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerId {
    /// As Rust knows it.
    pub thread: ThreadId,
    /// As the system does: `PID/task/TID` below `/proc`.
    pub system: PathBuf,
}

/// A call that runs on a thread of its own, because it is expected to wait.
pub struct Caller<T> {
    answer: Arc<Mutex<Option<T>>>,
    thread: JoinHandle<()>,
    system: PathBuf,
}

impl<T: Send + 'static> Caller<T> {
    /// Starts the call.
    pub fn start(call: impl FnOnce() -> T + Send + 'static) -> Caller<T> {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let _ = tell.send(std::fs::read_link("/proc/thread-self").unwrap_or_default());
            let found = call();
            *lock(&slot) = Some(found);
        });
        Caller { answer, thread, system: told.recv().unwrap_or_default() }
    }

    /// Its thread.
    pub fn thread(&self) -> CallerId {
        CallerId { thread: self.thread.thread().id(), system: self.system.clone() }
    }

    /// Whether the call has returned.
    pub fn has_returned(&self) -> bool {
        lock(&self.answer).is_some()
    }

    /// Waits until the call waits inside the core.
    ///
    /// # Panics
    /// If it returns instead.
    pub fn until_waiting(&self, world: &impl World) {
        patiently("a call to wait", || {
            assert!(!self.has_returned(), "the call returned, though it had to wait");
            world.is_waiting(&self.thread()).then_some(())
        });
    }

    /// Waits for the answer.
    pub fn answer(self) -> T {
        patiently("a call to return", || lock(&self.answer).take())
    }
}

/// Looks again and again, giving way in between, until `look` finds something.
///
/// # Panics
/// After [`PATIENCE`], naming `what`.
pub fn patiently<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
        std::thread::yield_now();
    }
}
