//! What a round will do: [`Plan`], a function of the seed alone.

use super::random::Random;

/// How the tree comes to be traced, and how it ceases to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Launched, and traced to its end.
    Launch,
    /// Attached to while it runs, and traced to its end.
    Attach,
    /// Attached to, and left in the middle: it goes on as if nothing had been.
    AttachAndLeave,
    /// Launched, and the host ends in the middle: it is killed.
    LaunchAndEnd,
}

/// What the tree does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// Everything.
    Mixed,
    /// It makes children that die young: a storm of births, deaths and reaps.
    Storm,
}

/// What engines and controllers may do to a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freedom {
    /// End sleeps ([`utrace_core::Action::Interrupt`]), and stop it from outside. Without it nothing of it all may be
    /// noticed, and the tree looks for EINTR.
    pub interrupts: bool,
    /// Single-step.
    pub steps: bool,
    /// Kill.
    pub kills: bool,
}

/// What a round will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it follows from.
    pub seed: u64,
    /// How tracing begins and ends.
    pub mode: Mode,
    /// What engines and controllers may do to it.
    pub freedom: Freedom,
    /// An engine that counts is on every task.
    pub audited: bool,
    /// What the tree does.
    pub tree: Tree,
    /// The seed of the tree.
    pub tree_seed: u64,
    /// How much the tree does.
    pub tree_ops: u32,
    /// The code it ends with.
    pub exit: u8,
    /// How many random engines the first task gets at once.
    pub first_engines: u32,
    /// The seed of each controller.
    pub controllers: Vec<Random>,
    /// How much each controller does.
    pub moves: u32,
    /// The tree is told to begin nothing new when the controllers are done; or it does all it set out to.
    pub cut: bool,
    /// After how many notes of its journal a round is left, where it is.
    pub leave_after: u64,
    /// For whatever else is left to chance.
    pub random: Random,
}

impl PartialEq for Random {
    fn eq(&self, other: &Random) -> bool {
        self.clone().next() == other.clone().next()
    }
}

impl Eq for Random {}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Plan {
        let mut random = Random::new(seed);
        let mode = match random.below(16) {
            0..10 => Mode::Launch,
            10..13 => Mode::Attach,
            13..15 => Mode::AttachAndLeave,
            _ => Mode::LaunchAndEnd,
        };
        let freedom =
            Freedom { interrupts: random.one_in(2), steps: random.one_in(3), kills: random.one_in(3) };
        let audited = random.below(4) != 0;
        let tree_ops = 60 + u32::try_from(random.below(240)).unwrap_or(0);
        let threads = 1 + random.below(3);
        Plan {
            seed,
            mode,
            freedom,
            audited,
            tree: if random.one_in(4) { Tree::Storm } else { Tree::Mixed },
            tree_seed: random.next(),
            tree_ops,
            exit: 1 + u8::try_from(random.below(90)).unwrap_or(0),
            first_engines: u32::try_from(random.below(5)).unwrap_or(0),
            controllers: (0..threads).map(|_| random.fork()).collect(),
            moves: 100 + u32::try_from(random.below(400)).unwrap_or(0),
            cut: random.one_in(3),
            leave_after: 200 + random.below(4000),
            random: random.fork(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Plan};

    #[test]
    fn a_plan_follows_from_its_seed_and_all_modes_are_met() {
        assert_eq!(Plan::new(11), Plan::new(11));
        assert_ne!(Plan::new(11), Plan::new(12));
        for mode in [Mode::Launch, Mode::Attach, Mode::AttachAndLeave, Mode::LaunchAndEnd] {
            assert!((0..200).any(|seed| Plan::new(seed).mode == mode), "{mode:?}");
        }
    }
}
