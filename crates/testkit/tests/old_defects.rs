//! The four defects of the historic algorithm (INV-24 to INV-27), each found in a small model of how it worked, and
//! not found in the same model of how ours does. Every interleaving of the model is explored.
//!
//! The models show that the way of working is at fault or not; that our code works that way is shown on the core
//! itself by SC-33, SC-35, SC-36, SC-51 and SC-77, where the interleavings found here are forced.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// Everything that is true of some state that can be reached, as `verdict` sees it.
fn reachable<S: Clone + Eq + Hash, V: Eq + Hash>(
    start: S,
    steps: impl Fn(&S) -> Vec<S>,
    verdict: impl Fn(&S, bool) -> V,
) -> HashSet<V> {
    let (mut seen, mut queue) = (HashSet::from([start.clone()]), VecDeque::from([start]));
    let mut verdicts = HashSet::new();
    while let Some(state) = queue.pop_front() {
        let next = steps(&state);
        verdicts.insert(verdict(&state, next.is_empty()));
        for state in next {
            if seen.insert(state.clone()) {
                queue.push_back(state);
            }
        }
    }
    verdicts
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Algorithm {
    Old,
    Ours,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Verdict {
    Fine,
    Broken,
}

mod inv_24 {
    //! A release between a stop that was applied and the sleep.

    use super::{Algorithm, Verdict, reachable};
    use std::collections::HashSet;

    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    enum Target {
        InCallback,
        StopApplied,
        CallbackOver,
        Asleep,
        Running,
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    #[expect(clippy::struct_excessive_bools, reason = "the state of a model: one bit for each fact")]
    struct State {
        target: Target,
        engine_holds: bool,
        /// Old: a second copy of "somebody holds it", for the task as a whole.
        task_is_to_stop: bool,
        has_barrier: bool,
        has_released: bool,
    }

    fn target_steps(algorithm: Algorithm, state: &State) -> Option<State> {
        let mut next = state.clone();
        match state.target {
            Target::InCallback => {
                (next.engine_holds, next.task_is_to_stop) = (true, true);
                next.target = Target::StopApplied;
            }
            Target::StopApplied => next.target = Target::CallbackOver,
            Target::CallbackOver => {
                let stops = match algorithm {
                    Algorithm::Old => state.task_is_to_stop,
                    // Asked of the engines at this very moment, under the lock that the release takes.
                    Algorithm::Ours => state.engine_holds,
                };
                next.target = if stops { Target::Asleep } else { Target::Running };
            }
            Target::Asleep | Target::Running => return None,
        }
        Some(next)
    }

    fn controller_steps(state: &State) -> Option<State> {
        let mut next = state.clone();
        let in_callback = matches!(state.target, Target::InCallback | Target::StopApplied);
        if !state.has_barrier {
            // A barrier that answers 0: the callback is over.
            next.has_barrier = true;
            return (!in_callback).then_some(next);
        }
        if state.has_released {
            return None;
        }
        next.has_released = true;
        next.engine_holds = false;
        if state.target == Target::Asleep {
            // The last holder lets go of a task that stands: both bits go, and it is woken.
            next.task_is_to_stop = false;
            next.target = Target::Running;
        }
        Some(next)
    }

    pub(super) fn explore(algorithm: Algorithm) -> HashSet<Verdict> {
        let start = State {
            target: Target::InCallback,
            engine_holds: false,
            task_is_to_stop: false,
            has_barrier: false,
            has_released: false,
        };
        reachable(
            start,
            |state| target_steps(algorithm, state).into_iter().chain(controller_steps(state)).collect(),
            |state, ended| match ended && state.target == Target::Asleep && !state.engine_holds {
                true => Verdict::Broken,
                false => Verdict::Fine,
            },
        )
    }
}

mod inv_25 {
    //! A detach, and a reap, between the death of a task and its death callbacks.

    use super::{Algorithm, Verdict, reachable};
    use std::collections::HashSet;

    #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    enum Told {
        No,
        Telling,
        Done,
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    #[expect(clippy::struct_excessive_bools, reason = "the state of a model: one bit for each fact")]
    struct State {
        /// Dead; entered the death pass; in B's callback; after it; done.
        dying: u8,
        /// What the mask says: somebody wants the death.
        mask_has_death: bool,
        /// The pass has begun, as the lock's holders know it.
        pass_begun: bool,
        pass_over: bool,
        a_is_detached: bool,
        parent_came: bool,
        reap_is_left_to_the_dying: bool,
        death: Told,
        reap: Told,
        broken: bool,
    }

    fn task_steps(state: &State) -> Option<State> {
        let mut next = state.clone();
        match state.dying {
            0 => {
                // One look at the mask decides whether there is a death pass at all.
                next.dying = if state.mask_has_death { 1 } else { 4 };
            }
            1 => {
                (next.pass_begun, next.dying) = (true, 2);
            }
            2 => {
                // Death callbacks must neither overlap a reap nor follow it.
                next.broken |= state.reap != Told::No;
                (next.death, next.dying) = (Told::Telling, 3);
            }
            3 => {
                (next.death, next.pass_over, next.dying) = (Told::Done, true, 4);
                if state.reap_is_left_to_the_dying {
                    next.reap = Told::Done;
                }
            }
            _ => return None,
        }
        Some(next)
    }

    fn detach_a(algorithm: Algorithm, state: &State) -> Option<State> {
        if state.a_is_detached || state.reap != Told::No {
            return None;
        }
        let mut next = state.clone();
        next.a_is_detached = true;
        if !state.pass_begun || state.pass_over {
            // Succeeds, and the task's mask is made anew from who is left. B wants death and reap.
            next.mask_has_death = match algorithm {
                // Dead: nothing but the reap may be left in the mask.
                Algorithm::Old => false,
                // Nothing but the reap, once the death pass is over.
                Algorithm::Ours => !state.pass_over,
            };
        }
        Some(next)
    }

    fn parent_reaps(state: &State) -> Option<State> {
        if state.parent_came {
            return None;
        }
        let mut next = state.clone();
        next.parent_came = true;
        if state.mask_has_death && !state.pass_over {
            next.reap_is_left_to_the_dying = true;
        } else {
            next.broken |= state.death == Told::Telling;
            next.reap = Told::Done;
        }
        Some(next)
    }

    pub(super) fn explore(algorithm: Algorithm) -> HashSet<Verdict> {
        let start = State {
            dying: 0,
            mask_has_death: true,
            pass_begun: false,
            pass_over: false,
            a_is_detached: false,
            parent_came: false,
            reap_is_left_to_the_dying: false,
            death: Told::No,
            reap: Told::No,
            broken: false,
        };
        reachable(
            start,
            |state| {
                let others = [task_steps(state), detach_a(algorithm, state), parent_reaps(state)];
                others.into_iter().flatten().collect()
            },
            |state, ended| {
                // B asked for its death and was never asked to decline it.
                let lost = ended && state.death != Told::Done;
                if state.broken || lost { Verdict::Broken } else { Verdict::Fine }
            },
        )
    }
}

mod inv_26 {
    //! A sticky stop of an engine without quiesce, on the way to user mode and in a signal pass.

    use super::{Algorithm, Verdict};
    use std::collections::HashSet;

    #[derive(Clone, Copy)]
    struct Engine {
        quiesce: bool,
        signal: bool,
        stop: bool,
    }

    fn engines() -> impl Iterator<Item = Engine> {
        (0..8).map(|bits| Engine { quiesce: bits & 1 != 0, signal: bits & 2 != 0, stop: bits & 4 != 0 })
    }

    /// Whether the pass before user mode stops the task. An engine with quiesce answers as its stop says.
    fn last_report_stops(algorithm: Algorithm, engines: [Engine; 2]) -> bool {
        let is_made = match algorithm {
            Algorithm::Old => engines.iter().any(|engine| engine.quiesce),
            Algorithm::Ours => engines.iter().any(|engine| engine.quiesce || engine.stop),
        };
        is_made && engines.iter().any(|engine| engine.stop)
    }

    fn signal_pass_stops(algorithm: Algorithm, engines: [Engine; 2]) -> bool {
        engines.iter().any(|engine| {
            let is_looked_at = match algorithm {
                Algorithm::Old => engine.quiesce || engine.signal,
                Algorithm::Ours => engine.quiesce || engine.signal || engine.stop,
            };
            is_looked_at && engine.stop
        })
    }

    pub(super) fn explore(algorithm: Algorithm) -> HashSet<Verdict> {
        let pairs = engines().flat_map(|one| engines().map(move |other| [one, other]));
        let mut verdicts = HashSet::new();
        for pair in pairs {
            let wanted = pair.iter().any(|engine| engine.stop);
            for stops in [last_report_stops(algorithm, pair), signal_pass_stops(algorithm, pair)] {
                verdicts.insert(if stops == wanted { Verdict::Fine } else { Verdict::Broken });
            }
        }
        verdicts
    }
}

mod inv_27 {
    //! The fate of a syscall, and engines that have no say in it.

    use super::{Algorithm, Verdict};
    use std::collections::HashSet;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Engine {
        SaysAbort,
        SaysRun,
        /// Only quiesce.
        Quiesces,
        /// Marked for detach: its stand-in answers the quiesce call.
        Leaves,
    }

    const ALL: [Engine; 4] = [Engine::SaysAbort, Engine::SaysRun, Engine::Quiesces, Engine::Leaves];

    /// Whether the syscall is skipped after a pass over these, in this order.
    fn is_aborted(algorithm: Algorithm, engines: [Engine; 3]) -> bool {
        engines.iter().fold(false, |aborted, engine| match (engine, algorithm) {
            (Engine::SaysAbort, _) => true,
            (Engine::SaysRun, _) => false,
            // Each callback's answer replaces the result bits, also those of a quiesce call, which are empty.
            (Engine::Quiesces | Engine::Leaves, Algorithm::Old) => false,
            // A quiesce callback has no way to say anything about the syscall.
            (Engine::Quiesces | Engine::Leaves, Algorithm::Ours) => aborted,
        })
    }

    pub(super) fn explore(algorithm: Algorithm) -> HashSet<Verdict> {
        let mut verdicts = HashSet::new();
        for one in ALL {
            for two in ALL {
                for three in ALL {
                    let order = [one, two, three];
                    let has_say = |engine: &&Engine| matches!(engine, Engine::SaysAbort | Engine::SaysRun);
                    let wanted = order.iter().rfind(has_say) == Some(&Engine::SaysAbort);
                    let found = is_aborted(algorithm, order);
                    verdicts.insert(if found == wanted { Verdict::Fine } else { Verdict::Broken });
                }
            }
        }
        verdicts
    }
}

fn check(explore: impl Fn(Algorithm) -> HashSet<Verdict>) {
    assert!(explore(Algorithm::Old).contains(&Verdict::Broken), "the model does not show the defect");
    assert_eq!(explore(Algorithm::Ours), HashSet::from([Verdict::Fine]));
}

#[test]
fn inv_24_release_before_the_sleep() {
    check(inv_24::explore);
}

#[test]
fn inv_25_detach_before_the_death_pass() {
    check(inv_25::explore);
}

#[test]
fn inv_26_stop_without_quiesce() {
    check(inv_26::explore);
}

#[test]
fn inv_27_abort_and_quiesce() {
    check(inv_27::explore);
}
