//! The ptrace host as a world of the conformance suite: real processes run the scripts.
//!
//! Key types: [`PtraceWorld`]. Its tasks are children of a nanny process (`fixtures/world.c`), which is their parent as
//! init is that of others: it forks, signals, begins and reaps them, one order at a time. The host attaches to each
//! before it begins. What a task is doing is read from `/proc`, what it has done from the memory that it shares with
//! the test. Nothing here sleeps to let something happen.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use utrace_abi::UserRegs;
use utrace_core::{Addr, Regset, SigInfo, Steps, Target, Task};
use utrace_host::{Host, HostError, Tid};
use utrace_testkit::conform::{CallerId, Differs, Parent, World, only_script_calls, patiently};
use utrace_testkit::fixtures;
use utrace_testkit::gate::lock;
use utrace_testkit::script::{Did, Flag, Script};
use utrace_testkit::sim::{Place, Point, To};

use super::image::{FLAG_FD, GATE, Image, SYS_CLONE, SYS_READ, SYS_SELECT, script_calls};

const GENERAL: Regset = Regset(1);

/// A nanny, what its children run, and the host that traces them. Dropping it ends them all.
pub(crate) struct PtraceWorld {
    host: Host,
    nanny: Mutex<Nanny>,
    image: Mutex<Image>,
    folder: PathBuf,
    known: Mutex<Vec<Known>>,
    notices: Arc<Mutex<Vec<String>>>,
}

struct Nanny {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What is known of a task.
struct Known {
    task: Task,
    block: u64,
    begun: bool,
}

/// A task as `/proc` shows it.
struct Look {
    state: char,
    /// As wait(2) encodes it, of a dead one.
    status: u32,
}

impl Nanny {
    fn order(&mut self, line: &str) -> i64 {
        let mut answer = String::new();
        if let Some(orders) = &mut self.orders {
            orders.write_all(line.as_bytes()).unwrap();
            self.answers.read_line(&mut answer).unwrap();
        }
        answer.trim().parse().unwrap_or_else(|_| panic!("the nanny's answer to {line:?}: {answer:?}"))
    }
}

impl PtraceWorld {
    pub(crate) fn new() -> PtraceWorld {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("utrace-world-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let fixture = fixtures::build("world");
        let image = Image::new(&folder, fixture.clone());
        let mut process = Command::new(fixture)
            .arg("nanny")
            .arg(image.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()));
        let mut nanny = Nanny { process, orders, answers };
        let mut ready = String::new();
        nanny.answers.read_line(&mut ready).unwrap();
        only_script_calls(script_calls());
        let notices = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notices);
        let host =
            Host::builder().notices(move |notice| lock(&heard).push(notice.to_string())).start().unwrap();
        PtraceWorld {
            host,
            nanny: Mutex::new(nanny),
            image: Mutex::new(image),
            folder,
            known: Mutex::default(),
            notices,
        }
    }

    fn order(&self, line: &str) -> i64 {
        lock(&self.nanny).order(line)
    }

    /// Returns when the tracer thread has served everything that was asked of it before: an order that it refuses.
    fn settle(&self) {
        let me = i32::try_from(std::process::id()).ok().and_then(Tid::new).unwrap();
        assert!(matches!(self.host.attach(me, |_| ()), Err(HostError::SelfAttach)));
    }

    /// The block of a task, if it is known by now.
    fn block(&self, task: &Task) -> Option<u64> {
        let mut known = lock(&self.known);
        if let Some(known) = known.iter().find(|known| known.task == *task) {
            return Some(known.block);
        }
        let block = lock(&self.image).root_of(task.id().0)?;
        known.push(Known { task: task.clone(), block, begun: true });
        Some(block)
    }

    fn has_begun(&self, task: &Task) -> bool {
        let Some(block) = self.block(task) else { return false };
        let begun = lock(&self.known).iter().any(|known| known.task == *task && known.begun);
        begun && lock(&self.image).has_started(block)
    }

    fn is_tracked(&self, task: &Task) -> bool {
        self.host.tasks().contains(task)
    }

    /// Whether a task sleeps where a script lets it.
    fn is_asleep(task: &Task) -> bool {
        let line = fs::read_to_string(format!("/proc/{}/syscall", task.id())).unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let number = words.next().and_then(|word| word.parse::<u64>().ok());
        let first = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        match number {
            Some(SYS_READ) => first.is_some_and(|fd| fd >= FLAG_FD),
            Some(number) => number == GATE || number == SYS_CLONE,
            None => false,
        }
    }
}

fn look(task: &Task) -> Option<Look> {
    let line = fs::read_to_string(format!("/proc/{}/stat", task.id())).ok()?;
    // The name, in brackets, may contain anything; state and the last field follow (proc(5)).
    let rest = line.rsplit_once(") ")?.1;
    let state = rest.chars().next()?;
    let status = rest.split_ascii_whitespace().last()?.parse().ok()?;
    Some(Look { state, status })
}

fn regs(target: &mut dyn Target) -> UserRegs {
    let mut bytes = [0; UserRegs::SIZE];
    let _ = target.regset(GENERAL, &mut bytes);
    UserRegs::from_bytes(&bytes)
}

fn change_regs(target: &mut dyn Target, change: impl FnOnce(&mut UserRegs)) {
    let mut all = regs(target);
    change(&mut all);
    let _ = target.set_regset(GENERAL, &all.to_bytes());
}

impl Drop for PtraceWorld {
    fn drop(&mut self) {
        let mut nanny = lock(&self.nanny);
        // It kills its group, and itself, when its orders end.
        nanny.orders = None;
        let _ = nanny.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl World for PtraceWorld {
    const CALL: u64 = SYS_SELECT;

    const DIFFERS: Differs = Differs {
        callbacks_elsewhere: true,
        kill_outruns_examiner: true,
        held_is_not_stopped: true,
        ignored_are_queued: true,
        exit_code_is_fixed: true,
        exiting_is_not_killed: true,
    };

    fn launch(&self, script: Script, parent: Parent) -> Task {
        let block = lock(&self.image).add(script);
        let ignored = u32::from(parent == Parent::Ignores);
        let pid = self.order(&format!("fork {block:x} {ignored}\n"));
        let pid = i32::try_from(pid).ok().and_then(Tid::new).unwrap();
        let process = self.host.attach(pid, |_| ()).unwrap();
        let task = process.tasks()[0].clone();
        lock(&self.known).push(Known { task: task.clone(), block, begun: false });
        task
    }

    fn launch_stepless(&self, _script: Script, _steps: Steps) -> Task {
        panic!("every processor that this runs on can step")
    }

    fn refuses_kernel_threads(&self) -> bool {
        // kthreadd, on every machine; inside a pid namespace of its own there is nothing of the kind to be had.
        let kthreadd = Tid::new(2).unwrap();
        let refused = self.host.attach(kthreadd, |_| ());
        matches!(refused, Err(HostError::KernelThread(_))) && self.host.tasks().is_empty()
    }

    fn begin(&self, task: &Task) {
        // What was asked of a task before it begins holds from its first instruction on.
        self.settle();
        let mut known = lock(&self.known);
        let known = known.iter_mut().find(|known| known.task == *task).unwrap();
        known.begun = true;
        self.order(&format!("begin {:x}\n", known.block));
    }

    fn raise(&self, flag: Flag) {
        self.settle();
        self.order(&format!("raise {}\n", flag.0));
    }

    fn signal(&self, task: &Task, to: To, info: SigInfo) {
        let (process, thread) = (task.process(), if to == To::Thread { task.id().0 } else { 0 });
        let raw: String = info.raw.iter().map(|byte| format!("{byte:02x}")).collect();
        self.order(&format!("kill {process} {thread} {} {raw}\n", info.number));
    }

    fn place(&self, task: &Task) -> Place {
        if task.is_released() {
            return Place::Gone;
        }
        let Some(look) = look(task) else {
            // The kernel has released it; its host may not have said so yet.
            return if self.is_tracked(task) { Place::Dead } else { Place::Gone };
        };
        let dead = matches!(look.state, 'Z' | 'X');
        match (dead, self.is_tracked(task)) {
            (true, true) => Place::Dead,
            (true, false) => Place::Zombie,
            (false, false) => Place::Gone,
            (false, true) if task.is_job_stopped() => Place::Stopped,
            (false, true) if task.is_stopped() => Place::Held,
            (false, true) if !self.has_begun(task) => Place::New,
            (false, true) if matches!(look.state, 'S' | 'D') && Self::is_asleep(task) => Place::Asleep,
            (false, true) => Place::Running,
        }
    }

    fn until(&self, task: &Task, place: Place) {
        let mut last = None;
        let what = format!("{task:?} to be {place:?}");
        patiently(&what, || {
            last = Some(self.place(task));
            (last == Some(place)).then_some(())
        });
    }

    fn until_did(&self, task: &Task, what: Did) {
        patiently(&format!("{task:?} to do {what:?}"), || self.did(task).contains(&what).then_some(()));
    }

    fn did(&self, task: &Task) -> Vec<Did> {
        self.block(task).map(|block| lock(&self.image).did(block)).unwrap_or_default()
    }

    fn status(&self, task: &Task) -> Option<u32> {
        look(task).filter(|look| matches!(look.state, 'Z' | 'X')).map(|look| look.status)
    }

    fn until_over(&self, task: &Task) -> u32 {
        patiently(&format!("{task:?} to be over"), || {
            (!self.is_tracked(task)).then(|| self.status(task).unwrap_or_default())
        })
    }

    fn reap(&self, task: &Task) {
        self.order(&format!("reap {}\n", task.id()));
        patiently(&format!("{task:?} to be released"), || task.is_released().then_some(()));
    }

    fn told_parent(&self, task: &Task) -> (usize, usize) {
        let told = usize::try_from(self.order(&format!("told {}\n", task.process()))).unwrap();
        (told / 1000, told % 1000)
    }

    fn hold_at(&self, _task: &Task, point: Point) {
        panic!("{point:?} is inside the kernel, where nothing can be made to wait")
    }

    fn until_at(&self, task: &Task, point: Point) {
        self.hold_at(task, point);
    }

    fn let_go(&self, task: &Task, point: Point) {
        self.hold_at(task, point);
    }

    fn is_waiting(&self, thread: &CallerId) -> bool {
        // futex(2): the core waits nowhere else.
        let line = fs::read_to_string(PathBuf::from("/proc").join(&thread.system).join("syscall"));
        line.is_ok_and(|line| line.starts_with("202 "))
    }

    fn interrupt(&self, thread: &CallerId) {
        // Only a handler ends a wait, and the only ones in a Rust program without unsafe code are those that the
        // standard library sets for its guard pages. What it finds to be none of those it leaves to the default
        // action from then on: each of the two is good for once.
        static USED: AtomicU32 = AtomicU32::new(0);
        const SIGSEGV: u32 = 11;
        const SIGBUS: u32 = 7;
        let number = [SIGSEGV, SIGBUS][USED.fetch_add(1, Ordering::Relaxed) as usize];
        let tid = thread.system.file_name().unwrap().to_string_lossy();
        self.order(&format!("kill {} {tid} {number}\n", std::process::id()));
    }

    fn memory(&self) -> Addr {
        Addr(Image::scratch())
    }

    fn set_call_value(&self, target: &mut dyn Target, value: u64) {
        change_regs(target, |regs| regs.rdi = value);
    }

    fn set_scratch(&self, target: &mut dyn Target, which: usize, value: u64) {
        change_regs(target, |regs| *[&mut regs.r12, &mut regs.r13][which] = value);
    }

    fn scratch(&self, target: &mut dyn Target, which: usize) -> u64 {
        let regs = regs(target);
        [regs.r12, regs.r13][which]
    }

    fn everybody(&self) -> Vec<Task> {
        self.host.tasks()
    }

    fn set_everybody(&self) {
        panic!("no host carries the global flag yet")
    }

    fn clear_everybody(&self) {
        self.set_everybody();
    }

    fn warnings(&self) -> Vec<String> {
        lock(&self.notices).clone()
    }
}
