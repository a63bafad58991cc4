//! What the tracer thread is to do later: look again at threads that could not be caught at once, and end calls whose
//! time is over: [`Recheck`].
//!
//! A thread that runs when it is looked at may go to sleep right after, where no tick reaches it. The tracer thread
//! sleeps in wait4(2), which has no time-out, so a thread of this module's posts [`Message::Recheck`] after a while,
//! later and later as long as nothing comes of it. It runs only from the first time that there is something to
//! look at again.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::shared::Shared;
use crate::tracer::{Key, Message};

/// The first second look.
const SOON: Duration = Duration::from_millis(1);
/// The longest time between two.
const LATE: Duration = Duration::from_millis(50);

/// Threads to look at again, and when. Owned by the tracer thread.
#[derive(Debug, Default)]
pub(crate) struct Recheck {
    restless: Vec<Key>,
    /// Calls whose time is over then.
    ends: Vec<(Instant, Key)>,
    pause: Option<Duration>,
    alarm: Option<Arc<Alarm>>,
}

#[derive(Debug)]
struct Alarm {
    due: Mutex<Due>,
    changed: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// Nothing is to be looked at.
    Never,
    At(Instant),
    /// The owner is gone.
    Ended,
}

impl Alarm {
    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recheck {
    /// Look at this one again before long.
    pub(crate) fn add(&mut self, shared: &Arc<Shared>, key: Key) {
        if !self.restless.contains(&key) {
            self.restless.push(key);
        }
        self.pause = Some(SOON);
        self.wind(shared, Instant::now() + SOON);
    }

    /// Those to look at now. Who is still to be looked at goes into [`Recheck::again`].
    pub(crate) fn take(&mut self) -> Vec<Key> {
        core::mem::take(&mut self.restless)
    }

    /// Nothing came of these yet: later.
    pub(crate) fn again(&mut self, shared: &Arc<Shared>, keys: Vec<Key>) {
        let none = keys.is_empty();
        for key in keys {
            if !self.restless.contains(&key) {
                self.restless.push(key);
            }
        }
        if !none {
            let pause = self.pause.map_or(SOON, |pause| (pause * 2).min(LATE));
            self.pause = Some(pause);
            self.wind(shared, Instant::now() + pause);
        }
    }

    /// The call that this one is in is over at that moment.
    pub(crate) fn at(&mut self, shared: &Arc<Shared>, key: Key, ends: Instant) {
        self.ends.retain(|(_, other)| *other != key);
        self.ends.push((ends, key));
        self.wind(shared, ends);
    }

    /// Those whose calls are over by now. Winds the clock for the others.
    pub(crate) fn due(&mut self, shared: &Arc<Shared>) -> Vec<Key> {
        let now = Instant::now();
        let due = self.ends.extract_if(.., |(ends, _)| *ends <= now).map(|(_, key)| key).collect();
        if let Some(next) = self.ends.iter().map(|(ends, _)| *ends).min() {
            self.wind(shared, next);
        }
        due
    }

    fn wind(&mut self, shared: &Arc<Shared>, at: Instant) {
        let alarm = self.alarm.get_or_insert_with(|| start(shared));
        let mut due = alarm.lock();
        if !matches!(*due, Due::At(before) if before <= at) {
            *due = Due::At(at);
            alarm.changed.notify_one();
        }
    }
}

impl Drop for Recheck {
    fn drop(&mut self) {
        if let Some(alarm) = &self.alarm {
            *alarm.lock() = Due::Ended;
            alarm.changed.notify_one();
        }
    }
}

fn start(shared: &Arc<Shared>) -> Arc<Alarm> {
    let alarm = Arc::new(Alarm { due: Mutex::new(Due::Never), changed: Condvar::new() });
    let (of, to) = (Arc::clone(&alarm), Arc::clone(shared));
    // Without the thread nothing is looked at twice, and a thread that runs is stopped by its tick alone.
    drop(thread::Builder::new().name("utrace-recheck".into()).spawn(move || ring_when_due(&of, &to)));
    alarm
}

fn ring_when_due(alarm: &Alarm, shared: &Shared) {
    let mut due = alarm.lock();
    loop {
        let at = match *due {
            Due::Ended => return,
            Due::Never => {
                due = alarm.changed.wait(due).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            Due::At(at) => at,
        };
        let left = at.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            due = alarm.changed.wait_timeout(due, left).unwrap_or_else(PoisonError::into_inner).0;
            continue;
        }
        *due = Due::Never;
        drop(due);
        // It fails when the tracer has ended, and then so does this thread.
        let _ = shared.mailbox.post(Message::Recheck);
        due = alarm.lock();
    }
}
