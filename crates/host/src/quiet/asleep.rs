//! Since when a thread sleeps: [`Sleep`], from `/proc/TID/sched` (`se.exec_start`, the moment at which the scheduler
//! last charged it for processor time).
//!
//! That moment is on the clock of the processor that it ran on, which leaves out what interrupts and other guests of
//! the machine took; so a reading is compared with one of our own, taken on the same processor ([`Sleep::since`]). A
//! kernel without the file (`CONFIG_SCHED_DEBUG`) shows nothing, and then nothing is known.

use std::thread;
use std::time::{Duration, Instant};

use super::place::Sight;
use crate::procfs;
use crate::sys::sched::{self, CpuSet};
use crate::types::Tid;

/// How often our own clock is read: the first reading may be late by a while on a processor.
const READINGS: u32 = 5;

/// A thread as it was seen asleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sleep {
    /// Nanoseconds on the clock of `cpu`.
    began: u64,
    /// How often it had gone to sleep by then.
    times: u64,
    cpu: usize,
}

impl Sleep {
    /// Looks at a thread that is asleep. If it is not, [`Sleep::since`] will find out.
    pub(crate) fn of(sight: &mut Sight) -> Option<Self> {
        let (began, times) = read(&format!("/proc/{}/sched", sight.tid))?;
        // Read after the count: had it woken and moved in between, the count would not tell.
        let cpu = procfs::parse_stat(sight.stat_line()?)?.cpu;
        Some(Self { began, times, cpu })
    }

    /// When that sleep began, for a thread that is in the first stop since. `None` if it has slept otherwise since, or if
    /// we cannot go to its processor.
    pub(crate) fn since(&self, tid: Tid) -> Option<Instant> {
        let (_, times) = read(&format!("/proc/{tid}/sched"))?;
        // The stop itself is one.
        if times != self.times + 1 {
            return None;
        }
        let (now, clock) = clock_of(self.cpu)?;
        let ago = Duration::from_nanos(clock.saturating_sub(self.began));
        now.checked_sub(ago)
    }
}

/// The present moment, also on the clock of a processor.
fn clock_of(cpu: usize) -> Option<(Instant, u64)> {
    // A thread of its own: this one's place is chosen with care, and its wait4 must not move.
    let read = move || {
        sched::set_affinity(&CpuSet::only(cpu)?).ok()?;
        let mut best: Option<(Instant, u64, i128)> = None;
        let start = Instant::now();
        for _ in 0..READINGS {
            // Being charged for its time is what a sleep does to it. Not a yield: where the processor is wanted by others,
            // that takes a whole turn, and the tracer waits for us.
            thread::sleep(Duration::from_nanos(1));
            let now = Instant::now();
            let (clock, _) = read("/proc/thread-self/sched")?;
            // The reading that was soonest after its charge shows the latest clock.
            let passed = i128::try_from(now.duration_since(start).as_nanos()).ok()?;
            let lag = passed - i128::from(clock);
            if best.is_none_or(|(.., least)| lag < least) {
                best = Some((now, clock, lag));
            }
        }
        best.map(|(now, clock, _)| (now, clock))
    };
    thread::Builder::new().name("utrace-clock".into()).spawn(read).ok()?.join().ok()?
}

fn read(path: &str) -> Option<(u64, u64)> {
    parse(core::str::from_utf8(&procfs::read(path).ok()?).ok()?)
}

/// `se.exec_start` in nanoseconds, and `nr_voluntary_switches`.
fn parse(text: &str) -> Option<(u64, u64)> {
    let value = |key: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(key))?;
        line.rsplit_once(':').map(|(_, value)| value.trim())
    };
    let (millis, nanos) = value("se.exec_start")?.split_once('.')?;
    let began = millis.parse::<u64>().ok()?.checked_mul(1_000_000)? + nanos.parse::<u64>().ok()?;
    Some((began, value("nr_voluntary_switches")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{Sleep, clock_of, parse};
    use crate::quiet::place::{Place, Sight, of};
    use crate::types::Tid;
    use std::time::Instant;

    #[test]
    fn both_numbers_are_found_in_the_file() {
        let text = "cat (1, #threads: 1)\n-----\nse.exec_start         :   23233151.302718\n\
            se.vruntime           :      16130.967186\nnr_switches     :       9\n\
            nr_voluntary_switches                        :                    7\n";
        assert_eq!(parse(text), Some((23_233_151_302_718, 7)));
        assert_eq!(parse("se.exec_start : 1.5\n"), None);
        assert_eq!(parse(""), None);
    }

    /// Between two moments that we know, whatever the machine is doing.
    #[test]
    fn a_sleep_began_after_the_start_and_before_it_was_seen() {
        let before = Instant::now();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let tid = Tid::new(child.id().cast_signed()).unwrap();
        while !matches!(of(tid), Ok(Place::Blocked(call)) if call.number == 230) {
            std::thread::yield_now();
        }
        let seen = Instant::now();
        let sleep = Sleep::of(&mut Sight::open(tid).unwrap()).unwrap();
        assert_eq!(sleep.since(tid), None, "it is in no stop since");
        let as_if_stopped = Sleep { times: sleep.times - 1, ..sleep };
        let since = as_if_stopped.since(tid).unwrap();
        // The clocks of two moments are compared: that costs the time of a few instructions.
        let slack = std::time::Duration::from_millis(5);
        assert!(since + slack >= before && since <= seen + slack, "{:?}", seen.duration_since(since));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_processor_that_is_not_there_has_no_clock() {
        assert_eq!(clock_of(100_000), None);
    }
}
