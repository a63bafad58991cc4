//! The sim host: a model of a small kernel, to run the contract on.
//!
//! Key types: [`SimWorld`]. Its tasks are operating system threads that run scripts by themselves and make their
//! reports in their own context, as the historic kernel's did. It knows user mode, syscalls, signals, job control,
//! processes with several threads, clone, exec, exit, kill and reaping; it knows no time, and nothing in it sleeps
//! to let something happen.
//!
//! | file | what |
//! |---|---|
//! | `state` | processes, threads, queues: one lock, one condition variable |
//! | `host` | what the core asks of a task; registers and memory |
//! | `platform` | wait and wake |
//! | `runner` | the interpreter, sleeping and being held |
//! | `to_user` | the way back to user mode, job control |
//! | `signal` | sending, classes, the signal path |
//! | `syscall` | entry, exit, what each call does |
//! | `life` | exec, exit, death, reaping |

mod host;
mod life;
mod platform;
mod runner;
mod signal;
mod state;
mod syscall;
mod to_user;

use crate::conform::{CallerId, Parent, Probe, World};
use crate::script::{Did, Flag, Script};
use runner::{Birth, create};
use std::sync::Arc;
use utrace_core::{Addr, AttachError, SigInfo, Steps, Target, Task};

pub use platform::SimPlatform;
pub use signal::To;
pub use state::{Place, Point};
pub use syscall::{CALL, ENOSYS, EXEC, EXIT, OTHER, SLEEP, SPAWN};

/// The first of the registers that no script uses.
const SCRATCH: usize = 10;

/// One modelled kernel, and its tasks. Dropping it ends them.
pub struct SimWorld {
    kernel: Arc<state::Kernel>,
}

impl SimWorld {
    /// A kernel without any task.
    pub fn new() -> SimWorld {
        SimWorld { kernel: state::Kernel::new() }
    }

    fn launch_with(&self, birth: Birth, parent: Parent) -> Task {
        let runner = create(&self.kernel, birth);
        let (task, process) = (runner.task.clone(), runner.process);
        self.kernel.change(|state| state.processes[process].unwaited = parent == Parent::Ignores);
        runner.start();
        task
    }
}

impl Default for SimWorld {
    fn default() -> SimWorld {
        SimWorld::new()
    }
}

impl Drop for SimWorld {
    fn drop(&mut self) {
        self.kernel.change(|state| {
            state.over = true;
            for process in 0..state.processes.len() {
                state.kill(process, crate::script::signals::SIGKILL, None);
            }
            for thread in &mut state.threads {
                thread.begun = true;
                thread.points.clear();
            }
        });
    }
}

impl World for SimWorld {
    const CALL: u64 = CALL;

    fn launch(&self, script: Script, parent: Parent) -> Task {
        self.launch_with(Birth { process: None, script, steps: Steps::Block, traceable: true }, parent)
    }

    fn launch_stepless(&self, script: Script, steps: Steps) -> Task {
        self.launch_with(Birth { process: None, script, steps, traceable: true }, Parent::Waits)
    }

    fn refuses_kernel_threads(&self) -> bool {
        let birth = Birth { process: None, script: Script::new(), steps: Steps::None, traceable: false };
        let task = self.launch_with(birth, Parent::Waits);
        let refused = task.attach(Probe::silent("A")) == Err(AttachError::NotPermitted);
        refused && task.engines().is_empty()
    }

    fn begin(&self, task: &Task) {
        let index = self.kernel.index(task);
        self.kernel.change(|state| state.threads[index].begun = true);
    }

    fn raise(&self, flag: Flag) {
        self.kernel.change(|state| state.flags.insert(flag));
    }

    fn signal(&self, task: &Task, to: To, info: SigInfo) {
        let index = self.kernel.index(task);
        self.kernel.change(|state| signal::send(state, index, info.number, to, info));
    }

    fn place(&self, task: &Task) -> Place {
        let index = self.kernel.index(task);
        self.kernel.lock().threads[index].place
    }

    fn until(&self, task: &Task, place: Place) {
        let index = self.kernel.index(task);
        self.kernel.expect(&format!("{task:?} to be {place:?}"), |state| {
            (state.threads[index].place == place).then_some(())
        });
    }

    fn until_did(&self, task: &Task, what: Did) {
        let index = self.kernel.index(task);
        self.kernel.expect(&format!("{task:?} to do {what:?}"), |state| {
            state.threads[index].did.contains(&what).then_some(())
        });
    }

    fn did(&self, task: &Task) -> Vec<Did> {
        let index = self.kernel.index(task);
        self.kernel.lock().threads[index].did.clone()
    }

    fn status(&self, task: &Task) -> Option<u32> {
        let index = self.kernel.index(task);
        self.kernel.lock().threads[index].status
    }

    fn until_over(&self, task: &Task) -> u32 {
        let index = self.kernel.index(task);
        self.kernel.expect(&format!("{task:?} to be over"), |state| {
            let thread = &state.threads[index];
            matches!(thread.place, Place::Zombie | Place::Gone).then_some(thread.status.unwrap_or_default())
        })
    }

    fn reap(&self, task: &Task) {
        let index = self.kernel.index(task);
        let reaper = self.kernel.change(|state| state.threads[index].reaper.take());
        life::release(&self.kernel, index, reaper);
    }

    fn told_parent(&self, task: &Task) -> (usize, usize) {
        let index = self.kernel.index(task);
        let state = self.kernel.lock();
        state.processes[state.threads[index].process].told
    }

    fn hold_at(&self, task: &Task, point: Point) {
        let index = self.kernel.index(task);
        self.kernel.change(|state| state.threads[index].points.insert(point, false));
    }

    fn until_at(&self, task: &Task, point: Point) {
        let index = self.kernel.index(task);
        self.kernel.expect(&format!("{task:?} to reach {point:?}"), |state| {
            (state.threads[index].points.get(&point) == Some(&true)).then_some(())
        });
    }

    fn let_go(&self, task: &Task, point: Point) {
        let index = self.kernel.index(task);
        self.kernel.change(|state| state.threads[index].points.remove(&point));
    }

    fn is_waiting(&self, thread: &CallerId) -> bool {
        SimPlatform::get().is_waiting(thread.thread)
    }

    fn interrupt(&self, thread: &CallerId) {
        SimPlatform::get().interrupt(thread.thread);
    }

    fn memory(&self) -> Addr {
        Addr(0)
    }

    fn set_call_value(&self, target: &mut dyn Target, value: u64) {
        host::set_register(target, 1, value);
    }

    fn set_scratch(&self, target: &mut dyn Target, which: usize, value: u64) {
        host::set_register(target, SCRATCH + which, value);
    }

    fn scratch(&self, target: &mut dyn Target, which: usize) -> u64 {
        host::register(target, SCRATCH + which)
    }

    fn everybody(&self) -> Vec<Task> {
        self.kernel.lock().threads.iter().map(|thread| thread.task.clone()).collect()
    }

    fn set_everybody(&self) {
        self.kernel.global().set_all();
    }

    fn clear_everybody(&self) {
        assert!(self.kernel.global().clear_all().is_ok(), "cleared more often than set");
    }

    fn warnings(&self) -> Vec<String> {
        self.kernel.lock().warnings.clone()
    }
}
