//! The global flag: fork against sweep (KTF-4 to KTF-7), as it was done, as it must not be done, and as we do it.
//!
//! The models of the ways that leak must show the leak: that is the proof that the models of ours could.

use crate::world::{YIELDS, model};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Mutex, RwLock, RwLockWriteGuard};
use loom::thread;
use std::sync::Arc;
use utrace_core::{GlobalFlag, NotSet, Swept, Switch, TaskFlag, TaskList};

/// How a sweep meets the list.
#[derive(Clone, Copy)]
enum Walk {
    /// With the read lock held from the first task to the last (KTF-3).
    ListHeld,
    /// Over the tasks that were there when it began (KTF-7).
    Snapshot,
}

/// What a fork does when its child becomes visible, with the write lock held.
#[derive(Clone, Copy)]
enum Birth {
    /// Nothing: the child has what was copied early (KTF-6).
    EarlyCopy,
    /// Copies from the parent once more (KTF-4).
    CopyAgain,
}

/// The switch as it was: a count, a list, and flags that are copied from parent to child.
struct Old {
    holders: Mutex<usize>,
    tasks: RwLock<Vec<Arc<AtomicBool>>>,
}

impl Old {
    fn set_all(&self, walk: Walk) {
        let mut holders = self.holders.lock().unwrap();
        *holders += 1;
        if *holders > 1 {
            return;
        }
        let tasks = self.tasks.read().unwrap();
        match walk {
            Walk::ListHeld => tasks.iter().for_each(|task| task.store(true, Ordering::Relaxed)),
            Walk::Snapshot => {
                let snapshot = tasks.clone();
                drop(tasks);
                snapshot.iter().for_each(|task| task.store(true, Ordering::Relaxed));
            }
        }
    }

    fn fork(&self, parent: &AtomicBool, birth: Birth) -> Arc<AtomicBool> {
        let child = Arc::new(AtomicBool::new(parent.load(Ordering::Relaxed)));
        let mut tasks = self.tasks.write().unwrap();
        if let Birth::CopyAgain = birth {
            child.store(parent.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        tasks.push(Arc::clone(&child));
        child
    }

    /// Whether the parent is in the list while it forks.
    fn explore(walk: Walk, birth: Birth, parent_is_listed: bool) {
        model(move || {
            let parent = Arc::new(AtomicBool::new(false));
            let listed = if parent_is_listed { vec![Arc::clone(&parent)] } else { Vec::new() };
            let old = Arc::new(Old { holders: Mutex::new(0), tasks: RwLock::new(listed) });
            let sweeps = thread::spawn({
                let old = Arc::clone(&old);
                move || old.set_all(walk)
            });
            let child = old.fork(&parent, birth);
            sweeps.join().unwrap();
            assert!(child.load(Ordering::Relaxed), "a child leaks the old value");
        });
    }
}

#[test]
#[should_panic = "a child leaks the old value"]
fn ktf_6_old_without_a_second_copy_leaks() {
    Old::explore(Walk::ListHeld, Birth::EarlyCopy, true);
}

#[test]
#[should_panic = "a child leaks the old value"]
fn ktf_7_old_with_the_list_open_leaks() {
    Old::explore(Walk::Snapshot, Birth::CopyAgain, true);
}

/// Why we ask the switch and not the parent.
#[test]
#[should_panic = "a child leaks the old value"]
fn ktf_4_old_with_a_parent_that_left_the_list_leaks() {
    Old::explore(Walk::ListHeld, Birth::CopyAgain, false);
}

#[test]
fn ktf_4_old_with_a_second_copy_does_not() {
    Old::explore(Walk::ListHeld, Birth::CopyAgain, true);
}

/// A host's list, with the same lock.
#[derive(Default)]
struct Tasks(RwLock<Vec<Arc<TaskFlag>>>);

impl TaskList for Tasks {
    type Task = TaskFlag;
    type Closed<'a> = RwLockWriteGuard<'a, Vec<Arc<TaskFlag>>>;
    fn sweep(&self, visit: &mut dyn FnMut(&TaskFlag)) {
        self.0.read().unwrap().iter().for_each(|task| visit(task));
    }
}

fn global() -> Arc<GlobalFlag<Tasks>> {
    Arc::new(GlobalFlag::new(Tasks::default(), &YIELDS))
}

/// A fork; `early` is what was copied of the parent some time ago.
fn fork(global: &GlobalFlag<Tasks>, early: Switch) -> Arc<TaskFlag> {
    let child = Arc::new(TaskFlag::new(early));
    let mut closed = global.list().0.write().unwrap();
    global.admit(&mut closed, &child);
    closed.push(Arc::clone(&child));
    child
}

fn spawn<T: 'static>(
    global: &Arc<GlobalFlag<Tasks>>,
    work: impl FnOnce(&GlobalFlag<Tasks>) -> T + 'static,
) -> thread::JoinHandle<T> {
    let global = Arc::clone(global);
    thread::spawn(move || work(&global))
}

#[test]
fn ktf_5_a_fork_agrees_with_a_sweep_that_sets() {
    model(|| {
        let global = global();
        let parent = fork(&global, Switch::Off);
        let sweeps = spawn(&global, GlobalFlag::set_all);
        let child = fork(&global, parent.get());
        sweeps.join().unwrap();
        assert_eq!((parent.get(), child.get()), (Switch::On, Switch::On));
    });
}

#[test]
fn ktf_5_a_fork_agrees_with_a_sweep_that_clears() {
    model(|| {
        let global = global();
        let parent = fork(&global, Switch::Off);
        global.set_all();
        let sweeps = spawn(&global, GlobalFlag::clear_all);
        let child = fork(&global, parent.get());
        assert_eq!(sweeps.join().unwrap(), Ok(Swept::All));
        assert_eq!((parent.get(), child.get()), (Switch::Off, Switch::Off));
    });
}

/// KTF-1, KTF-2: two holders come and go while a task forks. As long as one holds it, every task has it.
#[test]
fn ktf_5_a_fork_agrees_with_two_holders() {
    model(|| {
        let global = global();
        let parent = fork(&global, Switch::Off);
        let held = |global: &GlobalFlag<Tasks>| {
            let hold = global.hold();
            let all_have_it = global.list().0.read().unwrap().iter().all(|task| task.get() == Switch::On);
            assert!(all_have_it, "held, and a task does not know");
            drop(hold);
        };
        let other = spawn(&global, held);
        let forks = spawn(&global, |global| fork(global, Switch::Off));
        held(&global);
        other.join().unwrap();
        let child = forks.join().unwrap();
        assert_eq!((parent.get(), child.get()), (Switch::Off, Switch::Off));
    });
}

/// KTF-8: of two who clear one setting, one is refused.
#[test]
fn ktf_8_of_two_clears_one_is_refused() {
    model(|| {
        let global = global();
        let task = fork(&global, Switch::Off);
        global.set_all();
        let clears = spawn(&global, GlobalFlag::clear_all);
        let (mine, theirs) = (global.clear_all(), clears.join().unwrap());
        assert!(matches!((mine, theirs), (Ok(Swept::All), Err(NotSet)) | (Err(NotSet), Ok(Swept::All))));
        assert_eq!(task.get(), Switch::Off);
    });
}

/// Pair E: who finds its flag on, by a sweep or by its birth, sees what was made ready before.
#[test]
fn pair_e_who_finds_its_flag_on_sees_what_was_made_ready() {
    for born_late in [false, true] {
        model(move || {
            let global = global();
            let ready = Arc::new(AtomicBool::new(false));
            let early = (!born_late).then(|| fork(&global, Switch::Off));
            let sets = spawn(&global, {
                let ready = Arc::clone(&ready);
                move |global| {
                    ready.store(true, Ordering::Relaxed);
                    global.set_all()
                }
            });
            let task = early.unwrap_or_else(|| fork(&global, Switch::Off));
            if task.get() == Switch::On {
                assert!(ready.load(Ordering::Relaxed), "on before what it is for was ready");
            }
            sets.join().unwrap();
        });
    }
}
