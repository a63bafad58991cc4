//! Random engines on random trees of real processes, for as long as one likes: `stress TIME [SEED]`.
//!
//! TIME is a number of seconds, or of minutes (`5m`) or hours (`1h`). Round after round follows from the seed, which
//! is printed; a failure names the seed of its round, which as SEED comes first. At the end it is printed how
//! often what was done. Ends with 1 if something was wrong, and with 3 if nothing happened any more.

mod driver;
mod refusals;
mod tree;
mod watchdog;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use driver::Round;
use utrace_testkit::gate::lock;
use utrace_testkit::stress::journal::Counts;
use utrace_testkit::stress::random::Random;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let time = args.next().and_then(|word| parse_time(&word));
    let seed = args.next().map(|word| word.trim_start_matches("SEED=").parse::<u64>());
    let (Some(time), Ok(seed)) = (time, seed.transpose()) else {
        eprintln!("usage: stress TIME[s|m|h] [SEED]");
        return ExitCode::from(2);
    };
    run(time, seed.unwrap_or_else(fresh_seed))
}

fn parse_time(word: &str) -> Option<Duration> {
    let (number, unit) = match word.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => word.split_at(at),
        None => (word, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(factor)?))
}

fn run(time: Duration, first: u64) -> ExitCode {
    println!("stress: seed {first}, {time:?}");
    let current = Arc::new(Mutex::new(None));
    if let Err(error) = watchdog::spawn(&current) {
        eprintln!("stress: the watchdog: {error}");
        return ExitCode::from(2);
    }
    let (start, mut counts, mut rounds, mut failed) = (Instant::now(), Counts::new(), 0_u64, 0_u64);
    while start.elapsed() < time {
        let seed = first + rounds;
        rounds += 1;
        let round = match Round::new(seed) {
            Ok(round) => round,
            Err(error) => {
                eprintln!("stress: {error}");
                return ExitCode::from(2);
            }
        };
        *lock(&current) = Some(Arc::clone(&round));
        let report = round.play();
        for (what, count) in report.counts {
            *counts.entry(what).or_default() += count;
        }
        if !report.wrongs.is_empty() {
            failed += 1;
            println!("stress: SEED={seed} ({:?}) failed:", round.plan.mode);
            for wrong in &report.wrongs {
                println!("  {wrong}");
            }
        }
        if rounds.is_multiple_of(500) {
            let (done, elapsed) = (total(&counts), start.elapsed());
            println!("stress: {rounds} rounds in {elapsed:?}, {done} operations, {failed} failed");
        }
    }
    print_counts(&counts);
    let elapsed = start.elapsed();
    println!(
        "stress: seed {first}: {rounds} rounds in {elapsed:?}, {} operations, {failed} failed",
        total(&counts)
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Calls and callbacks.
fn total(counts: &Counts) -> u64 {
    counts
        .iter()
        .filter(|((what, _), _)| !["tree", "round", "dropped"].contains(what))
        .map(|(_, count)| count)
        .sum()
}

fn print_counts(counts: &Counts) {
    for ((what, how), count) in counts {
        println!("{count:12} {what:24} {how}");
    }
}

/// A seed that nobody chose.
fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut random = Random::new(now.map_or(1, |now| now.as_secs() << 20 | u64::from(now.subsec_micros())));
    random.next() % 1_000_000_000
}
