//! KTF-1 to KTF-8 of spec section 7, one by one. The races are in `tests/loom_global.rs`.
#![cfg(not(loom))]

use super::{CarriesFlag, GlobalFlag, NotSet, Swept, Switch, TaskFlag, TaskList};
use crate::stub::Stub;
use crate::{AttachError, Cx, Engine, Task, TaskHost, TaskId};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{RwLock, RwLockWriteGuard};

/// A list as a host has it, which counts how often it was swept and looks whether sweeps overlap.
#[derive(Default)]
struct List {
    tasks: RwLock<Vec<TaskFlag>>,
    sweeps: AtomicUsize,
    sweeping: AtomicUsize,
}

impl TaskList for List {
    type Task = TaskFlag;
    type Closed<'a> = RwLockWriteGuard<'a, Vec<TaskFlag>>;

    fn sweep(&self, visit: &mut dyn FnMut(&TaskFlag)) {
        assert_eq!(self.sweeping.fetch_add(1, Ordering::SeqCst), 0, "two sweeps at once");
        self.sweeps.fetch_add(1, Ordering::SeqCst);
        self.tasks.read().unwrap().iter().for_each(visit);
        self.sweeping.fetch_sub(1, Ordering::SeqCst);
    }
}

impl List {
    fn says(&self) -> Vec<Switch> {
        self.tasks.read().unwrap().iter().map(TaskFlag::get).collect()
    }
}

fn flag_over(tasks: usize) -> GlobalFlag<List> {
    let flag = GlobalFlag::new(List::default(), &Stub);
    for _ in 0..tasks {
        fork(&flag, Switch::Off);
    }
    flag
}

/// Makes a task that copied `early` of its parent and becomes visible only now.
fn fork(flag: &GlobalFlag<List>, early: Switch) {
    let child = TaskFlag::new(early);
    let mut closed = flag.list().tasks.write().unwrap();
    flag.admit(&mut closed, &child);
    closed.push(child);
}

#[test]
fn ktf_1_only_the_first_and_the_last_of_nested_calls_sweep() {
    let flag = flag_over(2);
    assert_eq!(flag.set_all(), Swept::All);
    assert_eq!(flag.set_all(), Swept::Nothing);
    assert_eq!(flag.clear_all(), Ok(Swept::Nothing));
    assert_eq!(flag.list().says(), [Switch::On; 2], "one holder is left");
    assert_eq!(flag.clear_all(), Ok(Swept::All));
    assert_eq!(flag.list().says(), [Switch::Off; 2]);
    assert_eq!(flag.list().sweeps.load(Ordering::SeqCst), 2);
}

/// KTF-2, KTF-5: whoever comes and goes, sweeps are serial, and in the end the tasks agree with the count.
#[test]
fn ktf_2_sweeps_never_overlap() {
    let flag = flag_over(8);
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..200 {
                    let held = flag.hold();
                    fork(&flag, Switch::Off);
                    assert!(flag.list().says().iter().all(|says| *says == Switch::On), "held, and yet off");
                    drop(held);
                    flag.list().tasks.write().unwrap().truncate(8);
                }
            });
        }
    });
    assert_eq!(flag.list().says(), [Switch::Off; 8]);
}

#[test]
fn ktf_3_a_sweep_visits_every_task_with_the_list_closed_to_births() {
    struct Watched(List);
    impl TaskList for Watched {
        type Task = TaskFlag;
        type Closed<'a> = RwLockWriteGuard<'a, Vec<TaskFlag>>;
        fn sweep(&self, visit: &mut dyn FnMut(&TaskFlag)) {
            self.0.sweep(&mut |task| {
                assert!(self.0.tasks.try_write().is_err(), "a task could be born now");
                visit(task);
            });
        }
    }
    let flag = GlobalFlag::new(Watched(List::default()), &Stub);
    flag.list().0.tasks.write().unwrap().extend([TaskFlag::default(), TaskFlag::default()]);
    flag.set_all();
    assert_eq!(flag.list().0.says(), [Switch::On; 2]);
}

/// KTF-4, KTF-6: what the child copied early is old when it becomes visible, in either direction.
#[test]
fn ktf_4_a_child_is_given_its_flag_when_it_becomes_visible() {
    let flag = flag_over(1);
    let held = flag.hold();
    fork(&flag, Switch::Off);
    assert_eq!(flag.list().says(), [Switch::On; 2], "copied before the sweep that set it");
    drop(held);
    fork(&flag, Switch::On);
    assert_eq!(flag.list().says(), [Switch::Off; 3], "copied before the sweep that cleared it");
}

/// More than KTF-4 says: a parent that was released was missed by the sweep, its child must not inherit that.
#[test]
fn ktf_5_a_child_whose_parent_was_released_agrees_too() {
    let flag = flag_over(0);
    let parent = TaskFlag::default();
    let _held = flag.hold();
    fork(&flag, parent.get());
    assert_eq!(flag.list().says(), [Switch::On]);
}

#[test]
fn ktf_8_a_clear_too_many_is_refused_and_changes_nothing() {
    let flag = flag_over(1);
    assert_eq!(flag.clear_all(), Err(NotSet));
    assert_eq!(flag.set_all(), Swept::All, "the count did not go below zero");
    assert_eq!(flag.list().says(), [Switch::On]);
    assert_eq!(flag.clear_all(), Ok(Swept::All));
    assert_eq!(flag.clear_all(), Err(NotSet));
}

#[test]
fn ktf_8_a_kernel_thread_carries_the_flag_but_no_engine() {
    struct KernelThread;
    impl TaskHost for KernelThread {
        fn request_report(&self, _task: &Task) {}
        fn request_interrupt(&self, _task: &Task) {}
        fn wake(&self, _task: &Task) {}
        fn tidy(&self, _task: &Task) {}
        fn interest_changed(&self, _task: &Task) {}
        fn is_current(&self) -> bool {
            false
        }
        fn traceable(&self) -> bool {
            false
        }
    }
    struct One(Task);
    impl TaskList for One {
        type Task = Task;
        type Closed<'a> = ();
        fn sweep(&self, visit: &mut dyn FnMut(&Task)) {
            visit(&self.0);
        }
    }
    struct Nothing;
    impl Engine for Nothing {
        fn name(&self) -> &str {
            "nothing"
        }
        fn quiesce(&mut self, _cx: &mut Cx<'_>, _before: Option<crate::Event>) -> crate::Action {
            crate::Action::Resume
        }
    }
    let (task, _reporter, _reaper) = Task::new(TaskId(2), TaskId(2), Box::new(KernelThread), &Stub);
    assert!(matches!(task.attach(Nothing), Err(AttachError::NotPermitted)));
    let flag = GlobalFlag::new(One(task.clone()), &Stub);
    let held = flag.hold();
    assert_eq!(task.flag().get(), Switch::On);
    drop(held);
    assert_eq!(task.flag().get(), Switch::Off);
}
