//! Notices callbacks that take long, at no cost to those that do not.
//!
//! The tracer thread beats [`Shared::pulse`] at both ends of a report: two plain stores, no clock. The watchdog
//! thread looks at the pulse every so often and calls a report slow that spans two looks. While nothing is
//! reported it sleeps without a time-out; the next report wakes it.

use core::sync::atomic::Ordering;
use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use utrace_core::Platform as _;

use crate::notice::Notice;
use crate::platform;
use crate::shared::{Shared, Watch};
use crate::types::Tid;

/// Starts the thread. It ends with [`Shared::end_watchdog`].
pub(crate) fn spawn(shared: Arc<Shared>, limit: Duration) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("utrace-watchdog".into()).spawn(move || watch(&shared, limit))
}

fn watch(shared: &Shared, limit: Duration) {
    let mut last = 0;
    let mut looks = 0_u32;
    loop {
        let pulse = shared.pulse.load(Ordering::Relaxed);
        let idle = pulse == last && pulse.is_multiple_of(2);
        looks = if pulse == last && !idle { looks + 1 } else { 0 };
        // Once when it is found, then each time it has doubled.
        if looks.is_power_of_two() {
            tell(shared, limit * looks);
        }
        last = pulse;
        if sleep(shared, if idle { None } else { Some(limit) }, pulse) == Watch::Ended {
            return;
        }
    }
}

/// Sleeps for the time given, or until a report begins.
fn sleep(shared: &Shared, limit: Option<Duration>, pulse: u64) -> Watch {
    let mut on = shared.lock_watchdog();
    if *on == Watch::Ended {
        return Watch::Ended;
    }
    match limit {
        Some(limit) => {
            // The whole time: a late ring of `rouse_watchdog` must not make two looks out of one.
            let waited = shared.wake_watchdog.wait_timeout_while(on, limit, |on| *on == Watch::On);
            on = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None => {
            shared.dozing.store(true, Ordering::Relaxed);
            // Either the tracer thread, which stores its pulse and then reads `dozing`, sees us doze, or we see
            // its pulse.
            platform::linux().heavy_fence();
            while *on == Watch::On
                && shared.dozing.load(Ordering::Relaxed)
                && shared.pulse.load(Ordering::Relaxed) == pulse
            {
                on = shared.wake_watchdog.wait(on).unwrap_or_else(PoisonError::into_inner);
            }
            shared.dozing.store(false, Ordering::Relaxed);
        }
    }
    *on
}

fn tell(shared: &Shared, lasted: Duration) {
    let Some(tid) = Tid::new(shared.current.load(Ordering::Relaxed)) else { return };
    let engine = shared.task(tid).and_then(|task| task.reporting()).map(|engine| engine.name().to_owned());
    shared.notify(Notice::SlowCallback { engine, tid, lasted });
}
