//! Looking for something for a moment before sleeping, where that is cheap: [`pause`] between two looks.
//!
//! What is looked for may need this processor, so a look is followed by sched_yield(2). That gives up a whole turn of the
//! scheduler if somebody else wants the processor (yield_task_fair() in kernel/sched/fair.c): beside two programs that compute
//! on two processors a yield took 4 to 130 ms, and being woken out of a sleep 0.2 ms, because who sleeps is owed his
//! share. So one yield that takes long ends the looks of the whole process for a while, and for longer if that happens
//! again soon.
//!
//! Neighbours: [`crate::host`] looks for answers, [`crate::tracer`] for more mail. What sleeps at once needs nothing from here.

use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// A yield that takes longer gave the processor to somebody whom nobody here waits for. One of a millisecond is common on a
/// virtual machine that is idle itself, and looks are worth most there.
const LONG: Duration = Duration::from_millis(3);
/// For how long nobody looks after that, at first and at most.
const REST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(60);

/// When the process began to look.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Nobody looks before this moment, in milliseconds from [`START`].
static AGAIN: AtomicU64 = AtomicU64::new(0);
/// How long the last rest was, in milliseconds. Races between threads only make a rest longer or shorter.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Whether looking is better than sleeping.
pub(crate) fn pays() -> bool {
    millis(START.elapsed()) >= AGAIN.load(Ordering::Relaxed)
}

/// Lets others have the processor. Answers whether to look again.
pub(crate) fn pause() -> bool {
    let from = Instant::now();
    thread::yield_now();
    if from.elapsed() < LONG {
        return true;
    }
    let now = millis(START.elapsed());
    let rest = next_rest(now, AGAIN.load(Ordering::Relaxed), LAST.load(Ordering::Relaxed));
    LAST.store(rest, Ordering::Relaxed);
    AGAIN.store(now + rest, Ordering::Relaxed);
    false
}

/// The rest that begins now, if the last one was this long and over at that moment.
fn next_rest(now: u64, over: u64, last: u64) -> u64 {
    let soon = last > 0 && now.saturating_sub(over) < 4 * last;
    if soon { (2 * last).min(millis(LONGEST)) } else { millis(REST) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::next_rest;

    #[test]
    fn rests_grow_while_it_stays_crowded_and_begin_anew_afterwards() {
        assert_eq!(next_rest(10, 0, 0), 50, "the first one");
        assert_eq!(next_rest(1_500, 1_010, 1_000), 2_000, "soon after");
        assert_eq!(next_rest(70_000, 69_000, 40_000), 60_000, "no longer than that");
        assert_eq!(next_rest(10_000, 5_000, 1_000), 50, "long after");
    }
}
