//! The state of the modelled kernel: processes, threads, their queues and flags, under one lock.
//!
//! Key types: [`Kernel`], [`State`], [`Thread`], [`Process`]. Every change is announced on one condition variable.
//! No lock of the model is held while the core is called. What threads do is in `thread` and its neighbours.

use crate::gate::{lock, wait_for};
use crate::script::{Did, Flag, Handling};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use utrace_core::{GlobalFlag, Reaper, SigInfo, Task, TaskList};

/// Where a task is, as an onlooker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It exists and has not begun to run.
    New,
    /// In user mode or on its way through the kernel.
    Running,
    /// Asleep in a syscall.
    Asleep,
    /// Held by engines.
    Held,
    /// Stopped by job control.
    Stopped,
    /// Dead; its death callbacks may be due or running.
    Dead,
    /// Dead, and its death callbacks are over.
    Zombie,
    /// Released.
    Gone,
}

/// A place in a task's way through the kernel where a test can make it wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Point {
    /// The core said that it is to be held; it does not sleep yet.
    BeforeSleep,
    /// Its exit state is set, its death pass has not begun (spec: DEAD0).
    Dead0,
    /// The handler of a signal has been set up; the kernel has not looked for more to do yet.
    HandlerSet,
    /// The child's begin: it has not looked at what is owed yet.
    Begin,
}

/// A register set and what a thread of control owns.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    /// 0: syscall number; 1 to 6: arguments; 7: result; 8: instruction pointer; the rest is free.
    pub(crate) regs: [u64; 16],
    pub(crate) memory: Arc<Mutex<Vec<u8>>>,
    /// The thread is dead: its registers are no more.
    pub(crate) gone: bool,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the modelled kernel, each raised and taken alone"
)]
pub(crate) struct Thread {
    pub(crate) task: Task,
    pub(crate) process: usize,
    pub(crate) tid: u32,
    pub(crate) reaper: Option<Reaper>,
    pub(crate) place: Place,
    /// Changes whenever the thread goes to or comes from the processor.
    pub(crate) switches: u64,
    pub(crate) begun: bool,
    /// The core let it go.
    pub(crate) wake: bool,
    /// The signal path is to be taken, though there may be no signal.
    pub(crate) interrupt: bool,
    /// Something is to be looked at before user mode.
    pub(crate) notify: bool,
    /// The core wants its lists tidied.
    pub(crate) tidy: bool,
    /// It must die, with this status.
    pub(crate) killed: Option<u32>,
    pub(crate) queue: VecDeque<SigInfo>,
    pub(crate) blocked: u64,
    pub(crate) did: Vec<Did>,
    pub(crate) status: Option<u32>,
    /// Where tests hold it: false until it got there.
    pub(crate) points: HashMap<Point, bool>,
    /// It takes part in its process's job control stop.
    pub(crate) joined: bool,
}

impl Thread {
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.place, Place::Dead | Place::Zombie | Place::Gone)
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the modelled kernel, each raised and taken alone"
)]
pub(crate) struct Process {
    pub(crate) leader: usize,
    pub(crate) shared: VecDeque<SigInfo>,
    pub(crate) handling: HashMap<u32, Handling>,
    pub(crate) memory: Arc<Mutex<Vec<u8>>>,
    /// A job control stop is in force, by this signal.
    pub(crate) stop: Option<u32>,
    /// How often the parent was told of a stop, of a continue.
    pub(crate) told: (usize, usize),
    pub(crate) told_of_this_stop: bool,
    /// The process was continued and no engine has been told that the parent is.
    pub(crate) continue_untold: bool,
    /// Its parent does not wait for it.
    pub(crate) unwaited: bool,
    /// A parent waits for this vfork child to exec or exit.
    pub(crate) lends_memory: bool,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) threads: Vec<Thread>,
    pub(crate) processes: Vec<Process>,
    pub(crate) flags: HashSet<Flag>,
    pub(crate) warnings: Vec<String>,
    /// A thread of the model panicked.
    pub(crate) crashed: Option<String>,
    /// The model is being taken down.
    pub(crate) over: bool,
}

impl State {
    pub(crate) fn threads_of(&self, process: usize) -> impl Iterator<Item = &Thread> {
        self.threads.iter().filter(move |thread| thread.process == process)
    }

    pub(crate) fn live_of(&self, process: usize) -> usize {
        self.threads_of(process).filter(|thread| thread.is_alive()).count()
    }

    /// Every live thread of a process must die.
    pub(crate) fn kill(&mut self, process: usize, status: u32, except: Option<usize>) {
        for (index, thread) in self.threads.iter_mut().enumerate() {
            if thread.process == process && Some(index) != except && thread.is_alive() {
                thread.killed.get_or_insert(status);
            }
        }
    }
}

/// The modelled kernel.
pub(crate) struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
    /// The flag of all its tasks.
    global: GlobalFlag<Threads>,
}

/// The threads of a kernel, as the global flag sweeps them: the lock of the state closes the list.
pub(crate) struct Threads(Weak<Kernel>);

impl TaskList for Threads {
    type Task = Task;
    type Closed<'a> = &'a mut State;

    fn sweep(&self, visit: &mut dyn FnMut(&Task)) {
        if let Some(kernel) = self.0.upgrade() {
            kernel.lock().threads.iter().for_each(|thread| visit(&thread.task));
        }
    }
}

impl Kernel {
    /// A kernel without threads.
    pub(crate) fn new() -> Arc<Kernel> {
        Arc::new_cyclic(|kernel| Kernel {
            state: Mutex::default(),
            changed: Condvar::default(),
            global: GlobalFlag::new(Threads(Weak::clone(kernel)), super::SimPlatform::get()),
        })
    }

    pub(crate) fn global(&self) -> &GlobalFlag<Threads> {
        &self.global
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes the state and tells everybody.
    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let answer = how(&mut self.lock());
        self.changed.notify_all();
        answer
    }

    /// A thread of the model waits, for as long as it takes.
    pub(crate) fn sleep<T>(&self, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut state = self.lock();
        loop {
            if let Some(found) = ready(&mut state) {
                drop(state);
                self.changed.notify_all();
                return found;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The test waits for what must come.
    pub(crate) fn expect<T>(&self, what: &str, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let (state, found) = wait_for(&self.changed, self.lock(), what, |state| {
            assert!(state.crashed.is_none(), "a sim thread panicked: {:?}", state.crashed);
            ready(state)
        });
        drop(state);
        found
    }

    /// The thread that a task stands for.
    pub(crate) fn index(&self, task: &Task) -> usize {
        let found = self.lock().threads.iter().position(|thread| thread.task == *task);
        assert!(found.is_some(), "a task of another world");
        found.unwrap_or_default()
    }
}
