//! Hosts and processes as C holds them.
//!
//! Key types: [`HostObject`], [`ProcessObject`]. A kernel knows every task by itself; here a task is known once
//! a host traces it, and this module finds it. A call that waits for a tracer thread refuses to be made on one
//! (`-EDEADLK`): callbacks run there.

use core::ffi::{c_int, c_void};
use std::sync::{Arc, Mutex};

use utrace_core::Task;
use utrace_host::{Builder, Command, CoreDump, Ending, Host, HostError, Process, Tid};

use crate::errno::Errno;
use crate::ffi::context;
use crate::handles::{References, Table, lock};
use crate::task::TaskObject;

/// `struct utrace_host`.
pub(crate) struct HostObject {
    host: Host,
}

static HOSTS: Table<HostObject> = Table::new();
/// Those that run, in the order of their start.
static RUNNING: Mutex<Vec<Arc<HostObject>>> = Mutex::new(Vec::new());

impl HostObject {
    pub(crate) fn start(builder: Builder) -> Result<Arc<HostObject>, Errno> {
        refuse_in_callback()?;
        let host = HOSTS.add(HostObject { host: builder.start()? });
        lock(&RUNNING).push(Arc::clone(&host));
        Ok(host)
    }

    /// The host that C means.
    pub(crate) fn at(address: *const c_void) -> Result<Arc<HostObject>, Errno> {
        HOSTS.get(address).ok_or(Errno::INVALID)
    }

    pub(crate) fn stop(self: &Arc<Self>) -> Result<(), Errno> {
        refuse_in_callback()?;
        let mut running = lock(&RUNNING);
        let place = running.iter().position(|host| Arc::ptr_eq(host, self)).ok_or(Errno::INVALID)?;
        let stopped = running.remove(place);
        drop(running);
        stopped.host.shutdown();
        Ok(())
    }

    pub(crate) fn wait_idle(&self) -> Result<(), Errno> {
        refuse_in_callback()?;
        self.host.wait_idle();
        Ok(())
    }

    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.host.tasks()
    }

    pub(crate) fn launch(
        &self,
        command: &Command,
        adopt: impl FnOnce(&Task) + Send + 'static,
    ) -> Result<Arc<ProcessObject>, Errno> {
        refuse_in_callback()?;
        Ok(ProcessObject::new(&self.host, self.host.launch(command, adopt)?))
    }

    pub(crate) fn attach(
        &self,
        pid: c_int,
        adopt: impl FnMut(&Task) + Send + 'static,
    ) -> Result<Arc<ProcessObject>, Errno> {
        refuse_in_callback()?;
        let pid = Tid::new(pid).ok_or(Errno::NO_SUCH)?;
        Ok(ProcessObject::new(&self.host, self.host.attach(pid, adopt)?))
    }
}

impl Drop for HostObject {
    fn drop(&mut self) {
        HOSTS.forget(self);
    }
}

/// Callbacks run on a tracer thread, which cannot wait for itself.
fn refuse_in_callback() -> Result<(), Errno> {
    if context::in_callback() { Err(Errno::DEADLOCK) } else { Ok(()) }
}

/// The traced thread with this id.
pub(crate) fn task(tid: c_int) -> Option<Task> {
    let running = lock(&RUNNING).clone();
    running.iter().flat_map(|host| host.tasks()).find(|task| task.id().0.cast_signed() == tid)
}

/// Has the first host attach to the process of a thread that nobody traces.
pub(crate) fn attach_process_of(tid: c_int) -> Result<(), Errno> {
    let host = lock(&RUNNING).first().cloned().ok_or(Errno::NO_SUCH)?;
    let attached = host.attach(process_of(tid)?, |_| ());
    match attached {
        // Somebody else was faster, in this program.
        Ok(_) | Err(Errno::EXISTS) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The process that a thread is of (`Tgid` of proc_pid_status(5)).
fn process_of(tid: c_int) -> Result<c_int, Errno> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).map_err(|_| Errno::NO_SUCH)?;
    let tgid = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    tgid.and_then(|tgid| tgid.trim().parse().ok()).ok_or(Errno::NO_SUCH)
}

/// `struct utrace_process`.
pub(crate) struct ProcessObject {
    /// Ends with `utrace_host_stop`, whoever still has a handle of it.
    host: Host,
    process: Process,
    pub(crate) task: Option<Arc<TaskObject>>,
    pub(crate) references: References<Arc<ProcessObject>>,
}

static PROCESSES: Table<ProcessObject> = Table::new();

impl ProcessObject {
    fn new(host: &Host, process: Process) -> Arc<ProcessObject> {
        let tasks = process.tasks();
        let first = tasks.iter().find(|task| task.id() == task.process()).or_else(|| tasks.first());
        let task = first.map(TaskObject::of);
        let (host, references) = (host.clone(), References::none());
        PROCESSES.add(ProcessObject { host, process, task, references })
    }

    /// The process that C means.
    pub(crate) fn at(address: *const c_void) -> Result<Arc<ProcessObject>, Errno> {
        PROCESSES.get(address).ok_or(Errno::NO_SUCH)
    }

    pub(crate) fn pid(&self) -> c_int {
        self.process.pid().raw()
    }

    /// Leaves it; it goes on untraced.
    pub(crate) fn detach(&self) -> Result<(), Errno> {
        refuse_in_callback()?;
        Ok(self.host.detach(self.process.pid())?)
    }

    /// The wait status, once it has ended.
    pub(crate) fn wait(&self) -> Result<c_int, Errno> {
        refuse_in_callback()?;
        status(&self.process.wait())
    }

    /// The same if it has ended.
    pub(crate) fn ended(&self) -> Result<c_int, Errno> {
        status(&self.process.ended().ok_or(Errno::IN_PROGRESS)?)
    }
}

impl Drop for ProcessObject {
    fn drop(&mut self) {
        PROCESSES.forget(self);
    }
}

/// As wait(2) encodes it.
fn status(ending: &Result<Ending, HostError>) -> Result<c_int, Errno> {
    match ending {
        Ok(Ending::Exited(code)) => Ok(c_int::from(*code) << 8),
        Ok(Ending::Killed(signal, CoreDump::No)) => Ok(*signal),
        Ok(Ending::Killed(signal, CoreDump::Yes)) => Ok(*signal | 0x80),
        Ok(Ending::Left) => Err(Errno::CHILD),
        Err(error) => Err(Errno::from(error)),
    }
}
