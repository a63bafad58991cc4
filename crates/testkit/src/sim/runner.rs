//! One sim task: an operating system thread that runs a script and makes its reports itself, in its own context,
//! as the historic kernel did.
//!
//! Key types: [`Runner`], [`Leave`]. Here are the interpreter and what is common to all ways through the modelled
//! kernel: sleeping, being held. The ways themselves are in `to_user`, `signal`, `syscall` and `life`.

use super::host::{SimHost, SimTarget};
use super::state::{Kernel, Machine, Place, Point, Process, State, Thread};
use crate::gate::lock;
use crate::script::{Did, Script, Step};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use utrace_core::{Action, Reporter, SigInfo, Steps, Task, TaskId, Woken};

/// The thread leaves user mode for good, with this wait status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leave(pub(crate) u32);

/// What to do after having been held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Repeat,
    Go(Action),
}

/// Why a sleep was looked into.
enum Nap<T> {
    Over(T),
    Tidy,
    FellAsleep,
}

/// A program or a handler that runs.
pub(crate) struct Frame {
    pub(crate) steps: VecDeque<Step>,
    /// A handler: the signals to be blocked again when it returns.
    pub(crate) handler: Option<u64>,
}

pub(crate) struct Runner {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) index: usize,
    pub(crate) process: usize,
    pub(crate) task: Task,
    pub(crate) reporter: Reporter,
    pub(crate) machine: Arc<Mutex<Machine>>,
    pub(crate) target: SimTarget,
    pub(crate) frames: Vec<Frame>,
    /// The step that is armed for the next time in user mode.
    pub(crate) step: Action,
    /// A handler was set up and no report has said so yet.
    pub(crate) handler_set: bool,
    /// What the last signal report left.
    pub(crate) last: SigInfo,
    /// The syscall to make again if no handler runs first.
    pub(crate) restart: Option<Step>,
    pub(crate) identity: Arc<OnceLock<std::thread::ThreadId>>,
}

/// What a new thread is made of.
pub(crate) struct Birth {
    /// `None`: a process of its own.
    pub(crate) process: Option<usize>,
    pub(crate) script: Script,
    pub(crate) steps: Steps,
    pub(crate) traceable: bool,
}

/// Makes a thread, which has not begun to run, and answers what will run it.
pub(crate) fn create(kernel: &Arc<Kernel>, birth: Birth) -> Runner {
    kernel.change(|state| {
        let index = state.threads.len();
        let tid = 1000 + u32::try_from(index).unwrap_or_default();
        let process = birth.process.unwrap_or_else(|| new_process(state, index));
        let leader = state.processes[process].leader;
        let process_id = if leader == index { tid } else { state.threads[leader].tid };
        let machine = Machine { memory: Arc::clone(&state.processes[process].memory), ..Machine::default() };
        let machine = Arc::new(Mutex::new(machine));
        let host = SimHost {
            kernel: Arc::downgrade(kernel),
            index,
            thread: Arc::default(),
            steps: birth.steps,
            traceable: birth.traceable,
            machine: Arc::clone(&machine),
        };
        let identity = Arc::clone(&host.thread);
        let (task, reporter, reaper) =
            Task::new(TaskId(tid), TaskId(process_id), Box::new(host), super::SimPlatform::get());
        // KTF-4: it gets its flag as it becomes visible, under the lock that sweeps take.
        let mut closed = state;
        kernel.global().admit(&mut closed, &task);
        closed.threads.push(Thread {
            task: task.clone(),
            process,
            tid,
            reaper: Some(reaper),
            place: Place::New,
            switches: 0,
            begun: false,
            wake: false,
            interrupt: false,
            notify: true,
            tidy: false,
            killed: None,
            queue: VecDeque::new(),
            blocked: 0,
            did: Vec::new(),
            status: None,
            points: HashMap::new(),
            joined: false,
        });
        Runner {
            kernel: Arc::clone(kernel),
            index,
            process,
            task,
            reporter,
            target: SimTarget(Arc::clone(&machine)),
            machine,
            frames: vec![Frame { steps: birth.script.into(), handler: None }],
            step: Action::Resume,
            handler_set: false,
            last: SigInfo::NONE,
            restart: None,
            identity,
        }
    })
}

fn new_process(state: &mut State, leader: usize) -> usize {
    state.processes.push(Process {
        leader,
        shared: VecDeque::new(),
        handling: HashMap::new(),
        memory: Arc::new(Mutex::new(vec![0; 64])),
        stop: None,
        told: (0, 0),
        told_of_this_stop: false,
        continue_untold: false,
        unwaited: false,
        lends_memory: false,
    });
    state.processes.len() - 1
}

impl Runner {
    /// Starts the operating system thread. The task waits until it is told to begin.
    pub(crate) fn start(self) {
        let (kernel, identity) = (Arc::clone(&self.kernel), Arc::clone(&self.identity));
        let body = move || {
            let _ = identity.set(std::thread::current().id());
            let outcome = catch_unwind(AssertUnwindSafe(|| self.run()));
            if let Err(panic) = outcome {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                kernel.change(|state| state.crashed = Some(text.unwrap_or_default()));
            }
        };
        let started = std::thread::Builder::new().stack_size(256 * 1024).spawn(body);
        assert!(started.is_ok(), "no more threads");
    }

    fn run(mut self) {
        self.kernel.sleep(|state| state.threads[self.index].begun.then_some(()));
        self.point(Point::Begin);
        self.with(|thread| thread.place = Place::Running);
        let Leave(status) = self.live();
        self.die(status);
    }

    fn live(&mut self) -> Leave {
        loop {
            if let Err(leave) = self.return_to_user() {
                return leave;
            }
            if let Err(leave) = self.next_step() {
                return leave;
            }
        }
    }

    fn next_step(&mut self) -> Result<(), Leave> {
        let Some(frame) = self.frames.last_mut() else { return Err(Leave(0)) };
        let Some(step) = frame.steps.pop_front() else {
            return match frame.handler {
                Some(blocked) => {
                    self.with(|thread| thread.blocked = blocked);
                    self.frames.pop();
                    Ok(())
                }
                None => Err(Leave(0)),
            };
        };
        let branch = matches!(step, Step::Branch(_));
        let armed = core::mem::replace(&mut self.step, Action::Resume);
        lock(&self.machine).regs[8] += 1;
        match step {
            Step::Mark(mark) | Step::Branch(mark) => self.with(|thread| thread.did.push(Did::Mark(mark))),
            Step::Spin(flag) => self.spin(flag)?,
            other => self.syscall(other)?,
        }
        match armed {
            Action::BlockStep if !branch => self.step = Action::BlockStep,
            Action::SingleStep | Action::BlockStep => self.trap(),
            _ => {}
        }
        Ok(())
    }

    /// Runs in user mode; whatever wants the kernel's attention gets it.
    fn spin(&mut self, flag: crate::script::Flag) -> Result<(), Leave> {
        let index = self.index;
        loop {
            let raised = self.kernel.sleep(|state| {
                let raised = state.flags.contains(&flag) || state.over;
                (raised || super::to_user::is_wanted(state, index)).then_some(raised)
            });
            if raised {
                return Ok(());
            }
            self.return_to_user()?;
        }
    }

    /// Changes this thread's entry.
    pub(crate) fn with<T>(&self, how: impl FnOnce(&mut Thread) -> T) -> T {
        self.kernel.change(|state| how(&mut state.threads[self.index]))
    }

    /// Whether the thread must die, and with which status.
    pub(crate) fn killed(&self) -> Result<(), Leave> {
        match self.kernel.lock().threads[self.index].killed {
            Some(status) => Err(Leave(status)),
            None => Ok(()),
        }
    }

    /// Waits here if a test wants that.
    pub(crate) fn point(&self, point: Point) {
        let index = self.index;
        self.kernel.change(|state| {
            if let Some(reached) = state.threads[index].points.get_mut(&point) {
                *reached = true;
            }
        });
        self.kernel.sleep(|state| (!state.threads[index].points.contains_key(&point)).then_some(()));
    }

    /// Leaves the processor until `ready` answers something. The core's wish for tidy lists is served meanwhile,
    /// without that anything else of the sleep is seen.
    pub(crate) fn nap<T>(&mut self, place: Place, mut ready: impl FnMut(&mut State) -> Option<T>) -> T {
        let index = self.index;
        let mut asleep = false;
        loop {
            let why = self.kernel.sleep(|state| {
                if core::mem::take(&mut state.threads[index].tidy) {
                    return Some(Nap::Tidy);
                }
                let found = ready(state);
                let (process, thread) = (state.threads[index].process, &mut state.threads[index]);
                if found.is_none() && !asleep {
                    asleep = true;
                    thread.place = place;
                    thread.switches += 1;
                    super::signal::tell_of_stop(state, process);
                    return Some(Nap::FellAsleep);
                }
                if found.is_some() && asleep {
                    thread.place = Place::Running;
                    thread.switches += 1;
                }
                found.map(Nap::Over)
            });
            match why {
                Nap::Over(found) => return found,
                Nap::Tidy => self.reporter.tidy(),
                // Whoever waited for that has been told; look again.
                Nap::FellAsleep => {}
            }
        }
    }

    /// The core said park: wait until it lets go, or a kill ends it.
    pub(crate) fn parked(&mut self) -> Result<After, Leave> {
        let index = self.index;
        self.point(Point::BeforeSleep);
        loop {
            let killed = self.nap(Place::Held, |state| {
                let thread = &mut state.threads[index];
                let woken = core::mem::take(&mut thread.wake);
                (woken || thread.killed.is_some()).then_some(thread.killed)
            });
            // INV-35: whoever writes our registers finishes first.
            drop(lock(&self.machine));
            if let Some(status) = killed {
                self.reporter.killed();
                return Err(Leave(status));
            }
            match self.reporter.woken() {
                Woken::Parked => {}
                Woken::Repeat => return Ok(After::Repeat),
                Woken::Go(action) => return Ok(After::Go(action)),
            }
        }
    }

    /// Takes note of what the core asks for besides going on.
    pub(crate) fn note(&mut self, action: Action) {
        match action {
            Action::Interrupt => self.with(|thread| thread.interrupt = true),
            Action::SingleStep | Action::BlockStep => self.step = action,
            _ => {}
        }
    }
}
