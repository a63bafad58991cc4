//! SC-70 to SC-72: exec.

use super::{Call, Log, Parent, Probe, Report, Seen, World, attach};
use crate::gate::{Gate, lock};
use crate::script::{Did, Flag, Script, Step};
use crate::sim::Place;
use std::sync::{Arc, Mutex};
use utrace_core::{Action, CloneKind, EngineRef, Event, EventSet, Progress, Task};

const GO: Flag = Flag(0);
const NEVER: Flag = Flag(1);
const DEATH: Seen = Seen::Event(Event::Death);
const REAP: Seen = Seen::Event(Event::Reap);

/// A process of three threads: leader, one that makes an exec once GO is raised, and a sibling.
struct Family {
    leader: Task,
    execer: Task,
    sibling: Task,
    /// The engines on execer and sibling.
    engines: Vec<EngineRef>,
    log: Log,
}

/// In the death callbacks of the engines on leader and sibling `at_death` is called.
fn family(
    world: &impl World,
    sibling: Script,
    at_death: impl Fn(&'static str) + Clone + Send + 'static,
) -> Family {
    let (log, engines) = (Log::new(), Arc::new(Mutex::new(Vec::new())));
    let execer = vec![Step::Sleep(GO), Step::Exec(vec![Step::Mark(50)]), Step::Mark(99)];
    let script = vec![
        Step::Spawn(CloneKind::Thread, execer),
        Step::Spawn(CloneKind::Thread, sibling),
        Step::Sleep(NEVER),
    ];
    let leader = world.launch(script, Parent::Waits);
    let (kept, inner) = (Arc::clone(&engines), log.clone());
    let probe = Probe::new("L", &log).answers(move |_, report| {
        match report {
            Report::Clone(clone) => {
                let name = if lock(&kept).is_empty() { "X" } else { "S" };
                let wanted = Event::Death | Event::Reap | Event::Exec | Event::Quiesce;
                let at_death = at_death.clone();
                let probe = Probe::new(name, &inner).answers(move |_, report| {
                    if report.is(Event::Death) {
                        at_death(name);
                    }
                    Action::Resume
                });
                let engine = attach(&clone.child, probe, wanted);
                lock(&kept).push(engine);
            }
            Report::Death(_) => at_death("L"),
            _ => {}
        }
        Action::Resume
    });
    attach(&leader, probe, Event::Clone | Event::Death | Event::Reap | Event::Exec);
    world.begin(&leader);
    world.until(&leader, Place::Asleep);
    let engines = lock(&engines).clone();
    assert_eq!(engines.len(), 2);
    let (execer, sibling) = (engines[0].task().clone(), engines[1].task().clone());
    world.until(&execer, Place::Asleep);
    Family { leader, execer, sibling, engines, log }
}

fn only<'a>(calls: &'a [Call], engine: &str, seen: Seen) -> (usize, &'a Call) {
    let found: Vec<_> =
        calls.iter().enumerate().filter(|(_, call)| call.engine == engine && call.seen == seen).collect();
    assert_eq!(found.len(), 1, "{engine} {seen:?}");
    found[0]
}

/// A thread that is not the leader makes an exec / - / sibling and leader die and are reaped, the leader in the
/// exec-er's context unless its death pass still runs; the exec-er keeps its engine, gets the id, one EXEC.
pub fn sc_070_exec_by_another_thread<W: World>(world: &W) {
    // The sibling, for which the exec-er waits, dies only once the leader's death pass is over. (Where one thread
    // makes all callbacks, that is certain, and it must not wait.)
    let one_by_one = W::DIFFERS.callbacks_elsewhere;
    let gate = Gate::new("death of the sibling");
    let inside = gate.clone();
    let at_death = move |name| {
        if name == "S" && !one_by_one {
            inside.pass();
        }
    };
    let family = family(world, vec![Step::Sleep(NEVER)], at_death);
    let (leader_id, execer_id) = (family.leader.id(), family.execer.id());
    world.raise(GO);
    if !one_by_one {
        world.until(&family.leader, Place::Zombie);
    }
    gate.open();
    assert_eq!(world.until_over(&family.execer), 0);
    let calls = family.log.all();
    let exec = Seen::Event(Event::Exec);
    let (exec_at, exec_call) = only(&calls, "X", exec);
    for name in ["L", "S"] {
        let (death, dying) = only(&calls, name, DEATH);
        let (reap, reaping) = only(&calls, name, REAP);
        assert!(death < reap && reap < exec_at, "{name} is gone before the exec is reported");
        let context = if name == "L" { exec_call.thread } else { dying.thread };
        assert_eq!(reaping.thread, context, "{name} is reaped in the right context");
    }
    assert_eq!(calls.iter().filter(|call| call.seen == exec).count(), 1);
    assert_eq!((family.execer.id(), family.execer.process()), (leader_id, leader_id));
    assert_ne!(family.execer.id(), execer_id);
    assert!(family.engines[0].is_attached(), "the engine follows the thread object");
    assert!(!family.engines[1].is_attached());
    assert_eq!(world.did(&family.execer), [Did::Mark(50)]);
    assert_eq!(world.place(&family.leader), Place::Gone);
    world.reap(&family.execer);
    assert_eq!(family.log.count("X", REAP), 1);
}

/// The same while the leader's death pass still runs / - / the leader is reaped later, in its own context.
pub fn sc_070_exec_during_the_leaders_death_pass(world: &impl World) {
    let gate = Gate::new("death of the leader");
    let inside = gate.clone();
    let family = family(world, vec![Step::Sleep(NEVER)], move |name| {
        if name == "L" {
            inside.pass();
        }
    });
    world.raise(GO);
    assert_eq!(world.until_over(&family.execer), 0);
    gate.until_reached();
    assert_eq!(world.did(&family.execer), [Did::Mark(50)], "the exec did not wait for it");
    assert_eq!(family.log.count("L", REAP), 0);
    gate.open();
    family.log.until("L", REAP);
    let calls = family.log.all();
    let ((death, dying), (reap, reaping)) = (only(&calls, "L", DEATH), only(&calls, "L", REAP));
    assert!(death < reap);
    assert_eq!(dying.thread, reaping.thread);
}

/// Exec while a sibling is held / - / it dies anyway.
pub fn sc_071_exec_while_a_sibling_is_held(world: &impl World) {
    let family = family(world, vec![Step::Spin(NEVER), Step::Mark(8)], |_| ());
    let held = &family.engines[1];
    assert_eq!(held.set_events(Event::Death | Event::Reap), Ok(Progress::Done));
    assert_eq!(held.control(Action::Stop), Ok(Progress::InProgress));
    world.until(&family.sibling, Place::Held);
    world.raise(GO);
    assert_eq!(world.until_over(&family.execer), 0);
    assert_eq!(world.did(&family.execer), [Did::Mark(50)]);
    assert!(world.did(&family.sibling).is_empty());
    assert_eq!((family.log.count("S", DEATH), family.log.count("S", REAP)), (1, 1));
}

/// A failed exec; an exec through an interpreter / - / no EXEC; exactly one.
pub fn sc_072_failed_and_interpreted_exec(world: &impl World) {
    let (task, log) = (world.launch(vec![Step::ExecFails, Step::Mark(1)], Parent::Waits), Log::new());
    attach(&task, Probe::new("A", &log), EventSet::from(Event::Exec) | Event::SyscallExit);
    assert_eq!(world.run(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(1)]);
    assert_eq!(log.calls("A", Event::Exec).len(), 0);
    assert!(log.calls("A", Event::SyscallExit)[0].detail < 0);

    let (task, log) =
        (world.launch(vec![Step::ExecInterpreted(vec![Step::Mark(2)])], Parent::Waits), Log::new());
    attach(&task, Probe::new("A", &log), Event::Exec);
    assert_eq!(world.run(&task), 0);
    assert_eq!(world.did(&task), [Did::Mark(2)]);
    assert_eq!(log.of("A"), [Seen::Event(Event::Exec)]);
}
