//! Random scripts, engines, controllers and kills on the sim host: what the contract promises holds in every run.
//!
//! The engines, the controllers and the judges are those of the runs on real processes (`utrace_testkit::stress`). The
//! choices follow from a seed; the interleaving is the machine's. A failure names the seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utrace_core::{CloneKind, SigInfo, Task};
use utrace_testkit::conform::{Parent, World};
use utrace_testkit::script::{Flag, Handling, Script, Step, signals};
use utrace_testkit::sim::{self, SimWorld, To};
use utrace_testkit::stress::controller::{Arena, Nudge, play};
use utrace_testkit::stress::crew::{Crew, Rules};
use utrace_testkit::stress::journal::Counts;
use utrace_testkit::stress::plan::Plan;
use utrace_testkit::stress::random::Random;

const SEEDS: u64 = 150;
/// Moves of each of two controllers before and after the sleepers are woken.
const MOVES: u32 = 80;

fn some_script(random: &mut Random, depth: u32) -> Script {
    let count = 3 + random.below(8);
    let mut script: Script = (0..count)
        .map(|at| match random.below(18) {
            0 => Step::Sleep(Flag(0)),
            1 => Step::Raise(signals::SIGUSR1),
            2 => Step::Raise(signals::SIGWINCH),
            3 => Step::Handle(signals::SIGUSR1, Handling::Handler(vec![Step::Mark(77)])),
            4 if depth < 2 => Step::Spawn(CloneKind::Thread, some_script(random, depth + 1)),
            5 if depth < 2 => Step::Spawn(CloneKind::Fork, some_script(random, depth + 1)),
            6 if depth < 2 => Step::Spawn(CloneKind::Vfork, some_script(random, depth + 1)),
            7 if random.one_in(3) => Step::Exec(some_script(random, 2)),
            8 => Step::Spin(Flag(1)),
            9 | 10 => Step::Call(at),
            11 if random.one_in(4) => Step::ExitGroup(3),
            12 => Step::Block(signals::SIGUSR1),
            13 => Step::Unblock(signals::SIGUSR1),
            _ => Step::Mark(1),
        })
        .collect();
    script.insert(0, Step::Handle(signals::SIGUSR1, Handling::Handler(vec![Step::Mark(78)])));
    script
}

/// A modelled kernel as an arena.
struct Stage {
    world: SimWorld,
    crew: Arc<Crew>,
    roots: Vec<Task>,
    over: AtomicBool,
}

impl Arena for Stage {
    fn tasks(&self) -> Vec<Task> {
        let mut tasks = self.roots.clone();
        for id in 0..self.crew.numbers() {
            if let Some((task, _)) = self.crew.watch(id)
                && !tasks.contains(&task)
            {
                tasks.push(task);
            }
        }
        tasks
    }

    fn progress(&self, task: &Task) -> u64 {
        self.world.did(task).len() as u64
    }

    fn nudge(&self, task: &Task, nudge: Nudge) {
        let numbers: &[u32] = match nudge {
            Nudge::StopAndContinue => &[signals::SIGSTOP, signals::SIGCONT],
            Nudge::Kill => &[signals::SIGKILL],
            Nudge::Wave => &[signals::SIGWINCH],
        };
        for number in numbers {
            self.world.signal(task, To::Process, SigInfo { number: *number, ..SigInfo::NONE });
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Stage {
    fn new(random: &mut Random, crew: &Arc<Crew>) -> Stage {
        let world = SimWorld::new();
        let mut roots = Vec::new();
        for _ in 0..2 {
            let parent = if random.one_in(2) { Parent::Waits } else { Parent::Ignores };
            let task = world.launch(some_script(random, 0), parent);
            for _ in 0..3 {
                crew.attach(&task, random);
            }
            world.begin(&task);
            roots.push(task);
        }
        Stage { world, crew: Arc::clone(crew), roots, over: AtomicBool::new(false) }
    }

    /// Two controllers at once, half before and half after the sleepers are woken.
    fn play(&self, random: &mut Random) {
        for flag in 0..2 {
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    let own = random.fork();
                    scope.spawn(|| play(&self.crew, self, own, MOVES));
                }
            });
            self.world.raise(Flag(flag));
        }
    }

    /// Kills and reaps everybody, children that come to light meanwhile too.
    fn end(&self) {
        self.crew.calm_down();
        let mut from = 0;
        let mut over: Vec<Task> = Vec::new();
        while let Some(task) = self.tasks().into_iter().find(|task| !over.contains(task)) {
            from = self.crew.let_all_go(from);
            self.world.kill(&task, signals::SIGKILL);
            self.world.until_over(&task);
            over.push(task);
        }
        for task in &over {
            self.world.reap(task);
        }
        self.over.store(true, Ordering::Relaxed);
    }
}

fn run(seed: u64) -> Counts {
    let mut random = Random::new(seed);
    let crew = Crew::new(Rules {
        freedom: Plan::new(seed).freedom,
        calls: vec![sim::CALL, sim::SLEEP, sim::SPAWN, sim::EXEC, sim::EXIT],
        toy_call: sim::CALL,
        toy_signal: signals::SIGUSR2,
        crowd: 60,
    });
    let stage = Stage::new(&mut random, &crew);
    stage.play(&mut random);
    stage.end();
    drop(stage);
    crew.close();
    let start = std::time::Instant::now();
    loop {
        let (made, dropped) = crew.engines();
        if made == dropped {
            break;
        }
        // Who reaps itself may still be at it.
        assert!(start.elapsed().as_secs() < 30, "seed {seed}: {dropped} of {made} engines dropped (INV-29)");
        std::thread::yield_now();
    }
    let wrongs = crew.wrongs();
    assert!(wrongs.is_empty(), "seed {seed}:\n{}", wrongs.join("\n"));
    crew.journal.counts()
}

#[test]
fn what_is_promised_holds_in_random_runs() {
    let mut counts = Counts::new();
    for seed in 1..=SEEDS {
        for (what, count) in run(seed) {
            *counts.entry(what).or_default() += count;
        }
    }
    for ((what, how), count) in &counts {
        eprintln!("{count:10} {what} {how}");
    }
    let callbacks: u64 =
        counts.iter().filter(|((what, _), _)| *what == "callback").map(|(_, count)| count).sum();
    // Or the runs have become too tame to show anything.
    assert!(callbacks > 20_000 && counts[&("hold", "checked")] > 200, "{counts:?}");
}
