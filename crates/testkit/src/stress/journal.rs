//! The latest notes of a round, and how many there were of each kind.
//!
//! Key type: [`Journal`]. It is what a failure prints: who did what last. It judges nothing.

use super::note::{Answer, Called, Note, Op};
use crate::gate::lock;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many notes are kept.
const KEPT: usize = 80;

/// How many there were of each kind: what, and how it ended.
pub type Counts = BTreeMap<(&'static str, &'static str), u64>;

/// A note, and whose.
struct Entry {
    number: u64,
    engine: usize,
    task: u32,
    thread: String,
    what: What,
}

enum What {
    Note(Note),
    Said(String),
}

#[derive(Default)]
struct Inner {
    latest: VecDeque<Entry>,
    counts: Counts,
}

/// What happened lately, and how often what happened.
#[derive(Default)]
pub struct Journal {
    inner: Mutex<Inner>,
    beats: AtomicU64,
}

impl Journal {
    /// Keeps a note on an engine of a task.
    pub fn note(&self, engine: usize, task: u32, note: Note) {
        self.keep(engine, task, What::Note(note));
    }

    /// Keeps something that is no note.
    pub fn say(&self, engine: usize, task: u32, what: String) {
        self.keep(engine, task, What::Said(what));
    }

    fn keep(&self, engine: usize, task: u32, what: What) {
        let thread = std::thread::current().name().unwrap_or("").to_owned();
        let number = self.beats.fetch_add(1, Ordering::Relaxed);
        let mut inner = lock(&self.inner);
        if inner.latest.len() == KEPT {
            inner.latest.pop_front();
        }
        inner.latest.push_back(Entry { number, engine, task, thread, what });
    }

    /// Counts a callback.
    pub fn count_callback(&self, called: Called) {
        self.count("callback", called.name());
    }

    /// Counts a call and its answer.
    pub fn count_call(&self, op: Op, answer: Answer) {
        self.count(op.name(), answer.name());
    }

    /// Counts anything else.
    pub fn count(&self, what: &'static str, how: &'static str) {
        *lock(&self.inner).counts.entry((what, how)).or_default() += 1;
    }

    /// How many notes there were: who watches for a hang looks whether this grows.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// All counts.
    pub fn counts(&self) -> Counts {
        lock(&self.inner).counts.clone()
    }

    /// The latest notes as lines, oldest first.
    pub fn latest(&self) -> String {
        let inner = lock(&self.inner);
        let mut text = String::new();
        for entry in &inner.latest {
            let Entry { number, engine, task, thread, what } = entry;
            let _ = match what {
                What::Note(note) => {
                    writeln!(text, "{number:8} {thread:14} task {task} engine {engine}: {}", brief(note))
                }
                What::Said(said) => {
                    writeln!(text, "{number:8} {thread:14} task {task} engine {engine}: {said}")
                }
            };
        }
        text
    }
}

/// A note without the long sets.
fn brief(note: &Note) -> String {
    match note {
        Note::Begin(id, Op::SetEvents(interest), by) => {
            format!("#{} set_events {:?} by {by:?}", id.0, interest.events)
        }
        Note::Begin(id, Op::SetEventsSync(interest), by) => {
            format!("#{} set_events_sync {:?} by {by:?}", id.0, interest.events)
        }
        Note::Begin(id, op, by) => format!("#{} {op:?} by {by:?}", id.0),
        Note::End(id, answer) => format!("#{} -> {answer:?}", id.0),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Journal;
    use crate::stress::note::{Called, Note};
    use utrace_core::Event;

    #[test]
    fn the_latest_are_kept_and_all_are_counted() {
        let journal = Journal::default();
        for number in 0..200 {
            journal.note(number, 1, Note::Enter(Called::Event(Event::Exec)));
            journal.count_callback(Called::Event(Event::Exec));
        }
        assert_eq!(journal.counts()[&("callback", "exec")], 200);
        let latest = journal.latest();
        assert!(latest.contains("engine 199") && !latest.contains("engine 100:"), "{latest}");
        assert_eq!(journal.beats(), 200);
    }
}
