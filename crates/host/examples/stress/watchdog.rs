//! No silent hangs: a thread that looks whether a round still moves, and says everything it knows if not.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::driver::Round;

/// How long nothing may happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The round that is under way.
pub(crate) type Current = Arc<Mutex<Option<Arc<Round>>>>;

/// Starts the thread. A round in which nothing happens ends the program with a failing status.
pub(crate) fn spawn(current: &Current) {
    let current = Arc::clone(current);
    thread::spawn(move || {
        let (mut last, mut since) = ((0, 0), Instant::now());
        loop {
            thread::sleep(Duration::from_millis(500));
            let round = current.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(round) = round else { continue };
            let now = (round.plan.seed, round.beats());
            if now != last {
                (last, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                give_up(&round);
            }
        }
    });
}

fn give_up(round: &Round) {
    let seed = round.plan.seed;
    eprintln!("nothing has happened for {PATIENCE:?}; replay with SEED={seed}");
    eprintln!("{}", round.state());
    round.kill_all();
    // The hand needs a moment; nobody can be waited for any more.
    thread::sleep(Duration::from_millis(500));
    std::process::exit(3);
}
