//! What other threads do to the engines of a round.
//!
//! Key types: [`Arena`], what a host gives to a round; [`Move`], one thing to do, drawn from a seed alone; [`play`],
//! which does it. Which engine a number in a move means depends on who is there by then; what is done does not.

use super::crew::{Crew, Watch, become_controller};
use super::note::{Answer, By};
use super::random::Random;
use std::sync::Arc;
use std::time::Duration;
use utrace_core::{Action, EngineRef, ExamineError, Regset, Target, Task};

/// The register set that every task has (`NT_PRSTATUS`).
const GENERAL: Regset = Regset(1);
/// How often a stop is asked for before a task that does not get there is let off: it sleeps.
const TRIES: u32 = 40;
/// Between two tries.
const NAP: Duration = Duration::from_micros(50);

/// A signal to a process of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nudge {
    /// SIGSTOP, and SIGCONT right after.
    StopAndContinue,
    /// SIGKILL.
    Kill,
    /// A signal that the tree expects at any time.
    Wave,
}

/// What a round is played on.
pub trait Arena: Sync {
    /// The tasks that there are now.
    fn tasks(&self) -> Vec<Task>;
    /// How much of the program's own work a task has done.
    fn progress(&self, task: &Task) -> u64;
    /// Signals the process of a task.
    fn nudge(&self, task: &Task, nudge: Nudge);
    /// Whether something is still running.
    fn is_over(&self) -> bool;
}

/// One thing to do.
#[derive(Debug, Clone)]
pub struct Move {
    kind: Kind,
    /// Which engine, task or handle.
    pick: u64,
    /// For everything else that is left to chance.
    random: Random,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Attach,
    Events,
    EventsSync,
    Hold,
    Control(Action),
    DetachSync,
    Barrier,
    LookUp,
    Forget,
    Nudge(Nudge),
    KillAndLeave,
    Wait,
}

impl Move {
    /// The next move of a stream.
    pub fn draw(random: &mut Random) -> Move {
        let kind = match random.below(100) {
            0..14 => Kind::Attach,
            14..26 => Kind::Events,
            26..32 => Kind::EventsSync,
            32..46 => Kind::Hold,
            46..62 => Kind::Control(Action::Resume),
            62..66 => Kind::Control(Action::Report),
            66..70 => Kind::Control(Action::Interrupt),
            70..74 => Kind::Control(Action::SingleStep),
            74..75 => Kind::Control(Action::BlockStep),
            75..78 => Kind::Control(Action::Stop),
            78..81 => Kind::Control(Action::Detach),
            81..84 => Kind::DetachSync,
            84..90 => Kind::Barrier,
            90..92 => Kind::LookUp,
            92..95 => Kind::Forget,
            95..97 => Kind::Nudge(Nudge::StopAndContinue),
            97 => Kind::Nudge(Nudge::Wave),
            98 => Kind::KillAndLeave,
            _ => Kind::Wait,
        };
        let kind = if kind == Kind::Wait && random.one_in(8) { Kind::Nudge(Nudge::Kill) } else { kind };
        Move { kind, pick: random.next(), random: random.fork() }
    }
}

/// What a thread does in a round.
pub struct Controller<'a, A: Arena> {
    /// The engines.
    pub crew: &'a Arc<Crew>,
    /// The tree.
    pub arena: &'a A,
}

/// Makes the moves of one controller.
pub fn play(crew: &Arc<Crew>, arena: &impl Arena, mut random: Random, moves: u32) {
    become_controller();
    let controller = Controller { crew, arena };
    for _ in 0..moves {
        controller.make(Move::draw(&mut random));
        if arena.is_over() {
            return;
        }
    }
}

impl<A: Arena> Controller<'_, A> {
    fn make(&self, todo: Move) {
        let Move { kind, pick, mut random } = todo;
        let crew = self.crew;
        match kind {
            Kind::Attach => {
                if let Some(task) = self.some_task(pick) {
                    crew.attach(&task, &mut random);
                }
            }
            Kind::Forget => drop(crew.take_kept(pick)),
            Kind::Wait => std::thread::yield_now(),
            Kind::LookUp => {
                if let Some(task) = self.some_task(pick) {
                    for engine in task.engines() {
                        let _ = (engine.is_attached(), engine.interest(), engine.tag());
                    }
                }
            }
            Kind::Nudge(nudge) => {
                if let Some(task) = self.some_task(pick) {
                    self.nudge(&task, nudge);
                }
            }
            _ => {
                if let Some((engine, watch)) = self.some_engine(pick, &mut random) {
                    self.call(kind, &engine, &watch, &mut random);
                }
            }
        }
    }

    fn nudge(&self, task: &Task, nudge: Nudge) {
        if nudge == Nudge::StopAndContinue && !self.crew.rules.freedom.interrupts {
            return;
        }
        if nudge == Nudge::Kill && !self.crew.rules.freedom.kills {
            return;
        }
        self.crew.journal.count(
            "signal to a process",
            match nudge {
                Nudge::StopAndContinue => "stop and continue",
                Nudge::Kill => "kill",
                Nudge::Wave => "harmless",
            },
        );
        self.arena.nudge(task, nudge);
    }

    /// A task that there is now.
    fn some_task(&self, pick: u64) -> Option<Task> {
        let tasks = self.arena.tasks();
        tasks.get(usize::try_from(pick % (tasks.len().max(1) as u64)).unwrap_or(0)).cloned()
    }

    /// An engine: of a kept handle or looked up, mostly a late one.
    fn some_engine(&self, pick: u64, random: &mut Random) -> Option<(EngineRef, Arc<Watch>)> {
        if random.one_in(2) {
            let engine = self.crew.some_kept(pick)?;
            let (_, watch) = self.crew.watch(engine.tag())?;
            return Some((engine, watch));
        }
        let numbers = self.crew.numbers() as u64;
        let late = if random.below(4) == 0 { numbers } else { numbers.min(30) };
        self.crew.look_up(usize::try_from(numbers.checked_sub(1 + pick % late.max(1))?).ok()?)
    }

    fn call(&self, kind: Kind, engine: &EngineRef, watch: &Watch, random: &mut Random) {
        let crew = self.crew;
        match kind {
            Kind::Events => {
                let again = crew.some_interest(random);
                if crew.set_events(engine, watch, By::Other, again) == Answer::InProgress && random.one_in(2)
                {
                    let _ = crew.set_events(engine, watch, By::Other, again);
                }
            }
            Kind::EventsSync => {
                let _ = crew.set_events_sync(engine, watch, By::Other, crew.some_interest(random));
            }
            Kind::Barrier => {
                let _ = crew.barrier(engine, watch, By::Other);
            }
            Kind::Hold => self.hold(engine, watch, random),
            Kind::DetachSync => {
                if let Ok(_lease) = watch.lease.try_read() {
                    let _ = crew.detach_sync(engine, watch, By::Other);
                }
            }
            Kind::KillAndLeave => {
                self.nudge(engine.task(), Nudge::Kill);
                if let Ok(_lease) = watch.lease.try_read() {
                    let _ = crew.control(engine, watch, By::Other, Action::Detach);
                }
            }
            Kind::Control(action) => {
                let steps = matches!(action, Action::SingleStep | Action::BlockStep);
                if (action == Action::Interrupt && !crew.rules.freedom.interrupts)
                    || (steps && !crew.rules.freedom.steps)
                {
                    return;
                }
                if let Ok(_lease) = watch.lease.try_read() {
                    let answer = crew.control(engine, watch, By::Other, action);
                    if action == Action::Detach && answer == Answer::InProgress {
                        let _ = crew.barrier(engine, watch, By::Other);
                    }
                }
            }
            _ => {}
        }
    }

    /// Stops a task, makes sure that it stays where it is, and lets it go (INV-22, INV-23, INV-37).
    fn hold(&self, engine: &EngineRef, watch: &Watch, random: &mut Random) {
        let crew = self.crew;
        let Ok(_lease) = watch.lease.try_write() else { return };
        let stop = || crew.control(engine, watch, By::Other, Action::Stop);
        let mut answer = stop();
        for _ in 0..TRIES {
            if answer != Answer::InProgress {
                break;
            }
            std::thread::sleep(NAP);
            answer = stop();
        }
        if answer == Answer::Done {
            crew.note_hold(watch, true);
            let before = self.arena.progress(engine.task());
            self.examine(engine, watch, random);
            for _ in 0..random.below(20) {
                std::thread::yield_now();
            }
            let after = self.arena.progress(engine.task());
            // Still held, so it was all the time: it did not die, and its id is still its own.
            if stop() == Answer::Done {
                crew.journal.count("hold", "checked");
                if before != after {
                    crew.wrong(&format!(
                        "engine {} held task {}, which did {} rounds of work (INV-22)",
                        watch.id,
                        engine.task().id(),
                        after.wrapping_sub(before)
                    ));
                }
            } else {
                crew.journal.count("hold", "ended by death");
            }
            crew.note_hold(watch, false);
        } else {
            crew.journal.count("hold", if answer == Answer::Gone { "gone" } else { "not reached: asleep" });
        }
        let release = match random.below(6) {
            0 => Action::Report,
            1 if crew.rules.freedom.steps => Action::SingleStep,
            2 if crew.rules.freedom.interrupts => Action::Interrupt,
            _ => Action::Resume,
        };
        if crew.control(engine, watch, By::Other, release) == Answer::Refused {
            let _ = crew.control(engine, watch, By::Other, Action::Resume);
        }
    }

    /// Reads, and sometimes writes back, the registers of a task that is held: they do not change by themselves.
    fn examine(&self, engine: &EngineRef, watch: &Watch, random: &mut Random) {
        let writes = random.one_in(4);
        let look = |target: &mut dyn Target| {
            let mut twice = [[0; 256]; 2];
            let sizes = twice.each_mut().map(|regs| target.regset(GENERAL, regs));
            if let (true, Ok(size)) = (writes, sizes[0]) {
                let _ = target.set_regset(GENERAL, &twice[0][..size.min(256)]);
            }
            let changed = matches!(sizes, [Ok(_), Ok(_)]) && twice[0] != twice[1];
            changed.then(|| differences(&twice[0], &twice[1]))
        };
        let found = engine.examine(look);
        self.crew.journal.count(
            "examine",
            match &found {
                Ok(_) => "good",
                Err(ExamineError::Ran) => "ran",
                Err(ExamineError::Dead) => "dead",
                Err(ExamineError::NotHeld) => "not held",
            },
        );
        if let Ok(Some(changed)) = found {
            self.crew.wrong(&format!(
                "engine {}: registers of held task {} changed: {changed} (INV-37)",
                watch.id,
                engine.task().id()
            ));
        }
    }
}

/// Words that are not the same, by their place.
fn differences(one: &[u8], other: &[u8]) -> String {
    let mut text = String::new();
    for (place, (one, other)) in one.chunks_exact(8).zip(other.chunks_exact(8)).enumerate() {
        if one != other {
            let [one, other] =
                [one, other].map(|word| word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
            text += &format!("[{place}] {one:#x} -> {other:#x} ");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Move, Random, differences};

    #[test]
    fn differences_are_told_by_place() {
        let (one, mut other) = ([0; 24], [0; 24]);
        other[9] = 1;
        assert_eq!(differences(&one, &other), "[1] 0x0 -> 0x100 ");
        assert_eq!(differences(&one, &one), "");
    }

    #[test]
    fn moves_follow_from_the_seed_alone() {
        let moves = |seed| {
            let mut random = Random::new(seed);
            (0..50).map(|_| format!("{:?}", Move::draw(&mut random))).collect::<Vec<_>>()
        };
        assert_eq!(moves(5), moves(5));
        assert_ne!(moves(5), moves(6));
    }
}
