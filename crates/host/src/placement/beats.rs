//! How many stops the tracer served, as those see it who watch over its place.
//!
//! [`Beats`] is the count, [`Beats::are_enough_since`] the question whether it still goes fast enough.

use core::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often to look.
pub(super) const PATIENCE: Duration = Duration::from_millis(4);
/// How many stops must be served in that time: one in 250 us. Whoever waits longer for a stop gains nothing from
/// where the tracer is.
const ENOUGH: u64 = 16;

/// Counts stops. One thread writes; others only compare.
#[derive(Default)]
pub(super) struct Beats(AtomicU64);

impl Beats {
    /// The tracer served a stop.
    #[inline]
    pub(super) fn beat(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether enough were served since there were this many, [`PATIENCE`] ago.
    pub(super) fn are_enough_since(&self, before: u64) -> bool {
        self.count() - before >= ENOUGH
    }
}
