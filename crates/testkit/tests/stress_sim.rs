//! Random scripts, engines, controllers and kills on the sim host: what the contract promises holds in every run.
//!
//! The choices follow from a seed; the interleaving is the machine's. A failure names the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use utrace_core::{
    Action, Attach, CloneKind, CloneReport, Cx, DeathReport, Detached, Engine, EngineRef, Event, EventSet,
    ExecReport, ExitReport, JctlReport, Progress, SigInfo, SignalAction, SignalReport, SyscallEntry,
    SyscallExit, Task,
};
use utrace_testkit::conform::{Parent, World};
use utrace_testkit::gate::lock;
use utrace_testkit::script::{Flag, Handling, Script, Step, signals};
use utrace_testkit::sim::{SimWorld, To};

const SEEDS: u64 = 200;

/// xorshift64*: enough for choices.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    fn fork(&mut self) -> Random {
        Random(self.below(u64::from(u32::MAX)) * 2 + 1)
    }
}

#[derive(Default)]
struct Tally {
    made: AtomicUsize,
    dropped: AtomicUsize,
    calls: AtomicUsize,
    /// Stops, silences and detaches whose promise was looked at.
    checks: AtomicUsize,
    wrongs: std::sync::Mutex<Vec<&'static str>>,
    /// Every engine that was ever attached, for the controller.
    engines: std::sync::Mutex<Vec<(EngineRef, Arc<State>)>>,
}

impl Tally {
    fn check(&self, holds: bool, what: &'static str) {
        if !holds {
            lock(&self.wrongs).push(what);
        }
    }
}

/// What is known of one engine.
#[derive(Default)]
struct State {
    /// No callback may come: it was detached, or asks for nothing.
    silent: AtomicBool,
    inside: AtomicBool,
    deaths: AtomicUsize,
    reaps: AtomicUsize,
}

struct Chaos {
    tally: Arc<Tally>,
    state: Arc<State>,
    random: Random,
}

impl Chaos {
    fn attach(tally: &Arc<Tally>, task: &Task, mut random: Random) {
        tally.made.fetch_add(1, Ordering::SeqCst);
        let state = Arc::new(State::default());
        let chaos = Chaos { tally: Arc::clone(tally), state: Arc::clone(&state), random: random.fork() };
        let Ok(engine) = task.attach_with(Box::new(chaos), Attach::default()) else { return };
        let _ = engine.set_events(some_events(&mut random));
        lock(&tally.engines).push((engine, state));
    }

    fn called(&mut self) -> Action {
        self.tally.calls.fetch_add(1, Ordering::SeqCst);
        self.tally.check(!self.state.silent.load(Ordering::SeqCst), "a callback that was forbidden");
        self.tally.check(!self.state.inside.swap(true, Ordering::SeqCst), "callbacks overlap");
        self.tally.check(self.state.reaps.load(Ordering::SeqCst) == 0, "a callback after reap");
        if self.random.below(4) == 0 {
            std::thread::yield_now();
        }
        let action = match self.random.below(40) {
            0..4 => Action::Stop,
            4 => Action::Interrupt,
            5 => Action::Report,
            6 => Action::SingleStep,
            7 => Action::Detach,
            _ => Action::Resume,
        };
        self.tally.check(!self.state.silent.load(Ordering::SeqCst), "a forbidden callback goes on");
        self.state.inside.store(false, Ordering::SeqCst);
        action
    }
}

impl Engine for Chaos {
    fn name(&self) -> &str {
        "chaos"
    }
    fn quiesce(&mut self, _cx: &mut Cx<'_>, _event: Option<Event>) -> Action {
        self.called()
    }
    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if self.random.below(10) == 0 {
            entry.abort();
        }
        self.called()
    }
    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut SyscallExit) -> Action {
        self.called()
    }
    fn signal(&mut self, _cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        if signal.info.number == signals::SIGTRAP || self.random.below(3) == 0 {
            signal.action = SignalAction::Ignore;
        }
        self.called()
    }
    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        Chaos::attach(&self.tally, &clone.child, self.random.fork());
        self.called()
    }
    fn exec(&mut self, _cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        self.called()
    }
    fn exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut ExitReport) -> Action {
        self.called()
    }
    fn jctl(&mut self, _cx: &mut Cx<'_>, _jctl: &mut JctlReport) -> Action {
        self.called()
    }
    fn death(&mut self, _cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        let deaths = self.state.deaths.fetch_add(1, Ordering::SeqCst);
        self.tally.check(deaths == 0, "two deaths");
        self.called()
    }
    fn reap(&mut self, _task: &Task) {
        let _ = self.called();
        self.state.reaps.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

fn some_events(random: &mut Random) -> EventSet {
    Event::ALL.into_iter().filter(|_| random.below(2) == 0).fold(EventSet::NONE, |set, event| set | event)
}

fn some_script(random: &mut Random, depth: u32) -> Script {
    let count = 3 + random.below(8);
    let mut script: Script = (0..count)
        .map(|at| match random.below(16) {
            0 => Step::Sleep(Flag(0)),
            1 => Step::Raise(signals::SIGUSR1),
            2 => Step::Raise(signals::SIGWINCH),
            3 => Step::Handle(signals::SIGUSR1, Handling::Handler(vec![Step::Mark(77)])),
            4 if depth < 2 => Step::Spawn(CloneKind::Thread, some_script(random, depth + 1)),
            5 if depth < 2 => Step::Spawn(CloneKind::Fork, some_script(random, depth + 1)),
            6 if depth < 2 => Step::Spawn(CloneKind::Vfork, some_script(random, depth + 1)),
            7 if random.below(3) == 0 => Step::Exec(some_script(random, 2)),
            8 => Step::Spin(Flag(1)),
            9 | 10 => Step::Call(at),
            _ => Step::Mark(1),
        })
        .collect();
    script.insert(0, Step::Handle(signals::SIGUSR1, Handling::Handler(vec![Step::Mark(78)])));
    script
}

/// One thing that a controller does with one engine.
fn poke(world: &SimWorld, tally: &Tally, engine: &EngineRef, state: &State, random: &mut Random) {
    match random.below(12) {
        0 => {
            if engine.control(Action::Stop) == Ok(Progress::Done) {
                tally.checks.fetch_add(1, Ordering::SeqCst);
                let before = world.did(engine.task());
                std::thread::yield_now();
                // Nobody else lets go for us, and no callback runs that could answer otherwise.
                tally.check(world.did(engine.task()) == before, "user code ran while held (INV-22)");
                let _ = engine.examine(|_| ());
            }
        }
        1 => {
            if engine.set_events(EventSet::NONE) == Ok(Progress::Done) && engine.is_attached() {
                tally.checks.fetch_add(1, Ordering::SeqCst);
                state.silent.store(true, Ordering::SeqCst);
                std::thread::yield_now();
                state.silent.store(false, Ordering::SeqCst);
                let _ = engine.set_events(some_events(random));
            }
        }
        2 => {
            let _ = engine.set_events(some_events(random));
        }
        3 => {
            let _ = engine.barrier();
        }
        4 => {
            let _ = engine
                .control([Action::Interrupt, Action::Report, Action::SingleStep][random.below(3) as usize]);
        }
        5 if random.below(4) == 0 => {
            if engine.detach_sync() == Ok(Detached::Over) {
                tally.checks.fetch_add(1, Ordering::SeqCst);
                state.silent.store(true, Ordering::SeqCst);
            }
        }
        6 if random.below(3) == 0 => {
            let number = [signals::SIGUSR1, signals::SIGSTOP, signals::SIGCONT][random.below(3) as usize];
            world.signal(engine.task(), To::Process, SigInfo { number, ..SigInfo::NONE });
        }
        _ => {
            let _ = engine.control(Action::Resume);
        }
    }
}

/// Answers how many callbacks there were, and how many promises were looked at.
fn run(seed: u64) -> (usize, usize) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (world, tally) = (SimWorld::new(), Arc::new(Tally::default()));
    let roots: Vec<Task> = (0..2)
        .map(|_| {
            let parent = if random.below(2) == 0 { Parent::Waits } else { Parent::Ignores };
            let task = world.launch(some_script(&mut random, 0), parent);
            for _ in 0..3 {
                Chaos::attach(&tally, &task, random.fork());
            }
            world.begin(&task);
            task
        })
        .collect();
    for round in 0..300 {
        let engines = lock(&tally.engines).clone();
        let (engine, state) = &engines[random.below(engines.len() as u64) as usize];
        poke(&world, &tally, engine, state, &mut random);
        if round == 150 {
            world.raise(Flag(0));
        }
        if round == 200 {
            world.raise(Flag(1));
        }
    }
    // Children outlive nobody here: each process is killed and reaped.
    let mut tasks: Vec<Task> = Vec::new();
    loop {
        let known: Vec<Task> = lock(&tally.engines).iter().map(|(engine, _)| engine.task().clone()).collect();
        let new: Vec<Task> =
            roots.iter().chain(&known).filter(|task| !tasks.contains(task)).cloned().collect();
        if new.is_empty() {
            break;
        }
        for task in new {
            world.kill(&task, signals::SIGKILL);
            world.until_over(&task);
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
    }
    for task in &tasks {
        world.reap(task);
    }
    lock(&tally.engines).clear();
    let wrongs = lock(&tally.wrongs).clone();
    assert!(wrongs.is_empty(), "seed {seed}: {wrongs:?}");
    let made = tally.made.load(Ordering::SeqCst);
    let start = std::time::Instant::now();
    // Who reaps itself may still be at it.
    while tally.dropped.load(Ordering::SeqCst) != made {
        let dropped = tally.dropped.load(Ordering::SeqCst);
        assert!(dropped < made && start.elapsed().as_secs() < 30, "seed {seed}: {dropped} of {made} dropped");
        std::thread::yield_now();
    }
    (tally.calls.load(Ordering::SeqCst), tally.checks.load(Ordering::SeqCst))
}

#[test]
fn what_is_promised_holds_in_random_runs() {
    let (mut calls, mut checks) = (0, 0);
    for seed in 1..=SEEDS {
        let (more_calls, more_checks) = run(seed);
        calls += more_calls;
        checks += more_checks;
    }
    eprintln!("{calls} callbacks, {checks} promises");
    // Or the runs have become too tame to show anything.
    assert!(calls > 2000 && checks > 200, "{calls} callbacks, {checks} promises");
}
