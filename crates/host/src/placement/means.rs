//! What a tracer has to stay beside its tracee: [`Warmers`] or a [`Lifter`], found when they are first needed.

use super::Room;
use super::lifter::{Lifted, Lifter};
use super::warmer::Warmers;
use crate::sys::process;

/// What we have to stay beside a tracee.
#[derive(Default)]
pub(super) enum Means {
    /// Not asked yet.
    #[default]
    Unknown,
    /// The machine is small enough to be kept awake.
    Warm(Warmers),
    /// It is not, but we may yield, under this watch.
    Watched(Lifter),
    /// Neither.
    Nothing,
}

impl Means {
    /// Finds them, the first time. Warming comes first, as it lets the tracer keep its turns when others want to run.
    pub(super) fn found(&mut self, room: &Room) -> &Self {
        if matches!(self, Means::Unknown) {
            *self = Means::find(room);
        }
        self
    }

    fn find(room: &Room) -> Self {
        match room {
            Room::Unknown => return Means::Nothing,
            // One processor is beside everything: there is nothing to keep awake.
            Room::One => {}
            Room::Many(home) => {
                if let Some(warmers) = Warmers::start(home) {
                    return Means::Warm(warmers);
                }
            }
        }
        lifter().map_or(Means::Nothing, Means::Watched)
    }

    /// Yields rather than warms from now on, if we may. Where all processors are only kept awake each counts as idle, and a
    /// tracee whose tracer follows it is resumed where it was before (`recent_used_cpu`, select_idle_sibling() in
    /// kernel/sched/fair.c).
    pub(super) fn prefer_yielding(&mut self) {
        if let Means::Unknown | Means::Warm(_) = self
            && let Some(lifter) = lifter()
        {
            *self = Means::Watched(lifter);
        }
    }

    /// A stop was served.
    #[inline]
    pub(super) fn beat(&self) {
        match self {
            Means::Warm(warmers) => warmers.beat(),
            Means::Watched(lifter) => lifter.beat(),
            Means::Unknown | Means::Nothing => {}
        }
    }

    /// Sets them to work; `false` if that was refused.
    pub(super) fn begin(&self) -> bool {
        match self {
            Means::Warm(warmers) => {
                warmers.warm();
                true
            }
            Means::Watched(lifter) => lifter.lower(),
            Means::Unknown | Means::Nothing => false,
        }
    }

    /// Whether they ended their work by themselves.
    pub(super) fn have_ended(&self) -> bool {
        match self {
            Means::Warm(warmers) => warmers.are_asleep(),
            Means::Watched(lifter) => lifter.has_lifted(),
            Means::Unknown | Means::Nothing => true,
        }
    }

    /// Ends their work, and says why they ended it before, if they did.
    pub(super) fn end(&self) -> Option<Lifted> {
        match self {
            Means::Warm(warmers) => {
                let quiet = warmers.are_asleep();
                warmers.cool();
                quiet.then_some(Lifted::Quiet)
            }
            Means::Watched(lifter) => lifter.raise(),
            Means::Unknown | Means::Nothing => None,
        }
    }
}

fn lifter() -> Option<Lifter> {
    process::gettid().and_then(|me| Lifter::start(me).ok().flatten())
}
