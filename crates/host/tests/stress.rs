//! The short stress run: random engines on random trees of real processes, a fixed number of rounds.
//!
//! The long one, of any length and from any seed, is the example of the same name (`just stress TIME SEED`); both play
//! the same rounds. A failure names its seed.

#[path = "../examples/stress/driver.rs"]
mod driver;
#[path = "../examples/stress/refusals.rs"]
mod refusals;
#[path = "../examples/stress/tree.rs"]
mod tree;
#[path = "../examples/stress/watchdog.rs"]
mod watchdog;

use std::sync::{Arc, Mutex};

use driver::Round;
use utrace_testkit::stress::journal::Counts;

/// Bounded by what is done, not by time.
const ROUNDS: u64 = 24;

#[test]
fn what_is_promised_holds_on_random_trees() {
    let current = Arc::new(Mutex::new(None));
    watchdog::spawn(&current).unwrap();
    let (mut counts, mut wrongs) = (Counts::new(), Vec::new());
    for seed in 1..=ROUNDS {
        eprintln!("seed {seed}");
        let round = Round::new(seed).unwrap();
        *current.lock().unwrap() = Some(Arc::clone(&round));
        let report = round.play();
        wrongs.extend(report.wrongs.iter().map(|wrong| format!("just stress 1s {seed}: {wrong}")));
        for (what, count) in report.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    for ((what, how), count) in &counts {
        eprintln!("{count:10} {what} {how}");
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    // Or the rounds have become too tame to show anything.
    let of = |what: &str| {
        counts.iter().filter(|((found, _), _)| *found == what).map(|(_, count)| count).sum::<u64>()
    };
    assert!(of("callback") > 20_000 && counts[&("hold", "checked")] > 100, "{counts:?}");
}
