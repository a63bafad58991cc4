//! Tasks and pids as C holds them.
//!
//! Key types: [`TaskObject`], [`PidObject`]. One task of the core has one [`TaskObject`] at a time, so that C
//! can compare pointers. Which threads are traced is known by `session`.

use core::ffi::{c_int, c_void};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use utrace_core::Task;

use crate::errno::Errno;
use crate::handles::{References, Table, lock};
use crate::session;

/// `struct task_struct`.
pub(crate) struct TaskObject {
    pub(crate) task: Task,
    pub(crate) references: References<Arc<TaskObject>>,
    /// Those that C was shown as this task's; more than one after an exec gave it another number.
    pids: Mutex<Vec<Arc<PidObject>>>,
}

static TASKS: Table<TaskObject> = Table::new();
static BY_TASK: LazyLock<Mutex<HashMap<Task, Weak<TaskObject>>>> = LazyLock::new(Mutex::default);

impl TaskObject {
    /// The object of a task.
    pub(crate) fn of(task: &Task) -> Arc<TaskObject> {
        let mut by_task = lock(&BY_TASK);
        if let Some(object) = by_task.get(task).and_then(Weak::upgrade) {
            return object;
        }
        let object = TASKS.add(TaskObject {
            task: task.clone(),
            references: References::none(),
            pids: Mutex::new(Vec::new()),
        });
        let former = by_task.insert(task.clone(), Arc::downgrade(&object));
        drop(by_task);
        drop(former);
        object
    }

    /// The task that C means.
    pub(crate) fn at(address: *const c_void) -> Result<Arc<TaskObject>, Errno> {
        TASKS.get(address).ok_or(Errno::NO_SUCH)
    }

    pub(crate) fn tid(&self) -> c_int {
        self.task.id().0.cast_signed()
    }

    pub(crate) fn tgid(&self) -> c_int {
        self.task.process().0.cast_signed()
    }

    /// The pid that the task has now.
    pub(crate) fn pid(&self) -> Arc<PidObject> {
        let number = self.tid();
        let mut pids = lock(&self.pids);
        if let Some(pid) = pids.iter().find(|pid| pid.number == number) {
            return Arc::clone(pid);
        }
        let pid = PidObject::new(number, Some(self.task.clone()));
        pids.push(Arc::clone(&pid));
        pid
    }
}

impl Drop for TaskObject {
    fn drop(&mut self) {
        TASKS.forget(self);
        let mut by_task = lock(&BY_TASK);
        // A new object may have taken the place since the last reference to this one went.
        let ours = by_task.get(&self.task).is_some_and(|entry| core::ptr::eq(entry.as_ptr(), self));
        let entry = if ours { by_task.remove_entry(&self.task) } else { None };
        drop(by_task);
        // Outside the lock: with the task may go what hangs on it.
        drop(entry);
    }
}

/// `struct pid`: a number, and the thread that it means once that is known.
pub(crate) struct PidObject {
    pub(crate) number: c_int,
    bound: Mutex<Option<Task>>,
    pub(crate) references: References<Arc<PidObject>>,
}

static PIDS: Table<PidObject> = Table::new();

impl PidObject {
    fn new(number: c_int, bound: Option<Task>) -> Arc<PidObject> {
        PIDS.add(PidObject { number, bound: Mutex::new(bound), references: References::none() })
    }

    /// The pid with this number, bound at once if somebody traced has it.
    pub(crate) fn find(number: c_int) -> Option<Arc<PidObject>> {
        (number > 0).then(|| PidObject::new(number, session::task(number)))
    }

    /// The pid that C means.
    pub(crate) fn at(address: *const c_void) -> Result<Arc<PidObject>, Errno> {
        PIDS.get(address).ok_or(Errno::NO_SUCH)
    }

    /// Whether it has ever meant a thread.
    pub(crate) fn is_bound(&self) -> bool {
        lock(&self.bound).is_some()
    }

    /// The living task that it means.
    pub(crate) fn task(&self) -> Option<Arc<TaskObject>> {
        let living = session::task(self.number)?;
        let mut bound = lock(&self.bound);
        let same = *bound.get_or_insert_with(|| living.clone()) == living;
        drop(bound);
        same.then(|| TaskObject::of(&living))
    }
}

impl Drop for PidObject {
    fn drop(&mut self) {
        PIDS.forget(self);
    }
}
