//! Examine against everything that makes the task run (INV-37): what was read is good, or is not answered as good.

use crate::world::{Host, World, enter, model_reaching};
use loom::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use utrace_core::{Action, EngineRef, Event, ExamineError, Reporter, Verdict, Woken};

/// Two registers that change together, whenever the task runs.
struct Registers([AtomicUsize; 2]);

impl Registers {
    fn new() -> Arc<Registers> {
        Arc::new(Registers([AtomicUsize::new(1), AtomicUsize::new(1)]))
    }

    fn run(&self, host: &Host) {
        host.run(|| self.0.iter().for_each(|register| register.store(2, Ordering::Release)));
    }

    fn read(&self) -> [usize; 2] {
        [self.0[0].load(Ordering::Acquire), self.0[1].load(Ordering::Acquire)]
    }
}

/// What an examination answers, if it answers.
fn examine(engine: &EngineRef, registers: &Registers) -> Result<[usize; 2], ExamineError> {
    let examine = engine.prepare_examine()?;
    let read = registers.read();
    examine.finish()?;
    Ok(read)
}

/// A task that an engine holds, while the reporter does `wakes`, which makes it run.
fn explore(
    wakes: impl Fn(&mut Reporter, &EngineRef) + Send + Sync + Copy + 'static,
    allowed: &'static [ExamineError],
) {
    model_reaching(&["good", "refused"], move || {
        let mut world = World::new();
        let (engine, seen) = world.engine(Action::Stop, Event::SyscallEntry);
        assert_eq!(enter(world.reporter()), Verdict::Park);
        let registers = Registers::new();
        let runs = world.spawn({
            let (engine, registers, host) = (engine.clone(), Arc::clone(&registers), world.host.clone());
            move |reporter| {
                wakes(reporter, &engine);
                registers.run(&host);
            }
        });
        let read = examine(&engine, &registers);
        match read {
            // A killed task that has run and is off the processor again is as good as one that stays where it is.
            Ok([one, two]) => assert_eq!(one, two, "read from a task that ran, and called good"),
            Err(error) => assert!(allowed.contains(&error), "{error:?}"),
        }
        world.join(runs);
        world.end([(engine, seen)]);
        if read.is_ok() { "good" } else { "refused" }
    });
}

/// INV-37: its own holder lets go in another thread.
#[test]
fn inv_37_examine_against_the_release_of_its_own_hold() {
    explore(
        |reporter, engine| {
            assert!(engine.control(Action::Resume).is_ok());
            assert!(matches!(reporter.woken(), Woken::Go(_)));
        },
        &[ExamineError::NotHeld, ExamineError::Ran],
    );
}

/// SC-42: SIGKILL ends a stop that is still held.
#[test]
fn inv_37_examine_against_a_kill() {
    explore(|reporter, _engine| reporter.killed(), &[ExamineError::Ran, ExamineError::Dead]);
}

/// A death is a change of state: never good, and the answer says so before and after.
#[test]
fn inv_37_examine_against_a_death() {
    explore(
        |reporter, _engine| {
            reporter.killed();
            reporter.dead();
        },
        &[ExamineError::Ran, ExamineError::Dead],
    );
}
