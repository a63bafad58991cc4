//! Lets collected text out soon, so that whoever follows the file sees a program that blocks in a syscall.
//!
//! Key types: [`Flusher`]. A page that has text to let out registers once; a thread lets it out after [`SOON`].
//! Nothing runs while nothing is written. A page lock may be held when registering, and never the other way round.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::page::PageRef;

/// How long text waits at most, plus what the machine takes to schedule a thread.
const SOON: Duration = Duration::from_millis(100);

/// Pages that wait to be flushed.
#[derive(Debug)]
pub(crate) struct Flusher {
    due: Mutex<Due>,
    wake: Condvar,
}

#[derive(Debug)]
struct Due {
    pages: Vec<PageRef>,
    thread: Thread,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    NotYet,
    Runs,
    /// It has been told to end, or could not be started: pages are flushed when they are full and at the end.
    Ends,
}

impl Flusher {
    pub(crate) fn new() -> Arc<Flusher> {
        let due = Due { pages: Vec::with_capacity(4), thread: Thread::NotYet };
        Arc::new(Flusher { due: Mutex::new(due), wake: Condvar::new() })
    }

    /// Has the page flushed soon. Call it once until [`super::page::Page::flush_as_due`].
    pub(crate) fn register(this: &Arc<Flusher>, page: PageRef) {
        let mut due = this.lock();
        // Started where the first line is written, on a thread that takes no signals of the process.
        if due.thread == Thread::NotYet {
            let flusher = Arc::clone(this);
            let builder = thread::Builder::new().name("utrace-flush".to_owned());
            let started = builder.spawn(move || flusher.serve());
            due.thread = if started.is_ok() { Thread::Runs } else { Thread::Ends };
        }
        if due.thread == Thread::Runs {
            due.pages.push(page);
            this.wake.notify_one();
        }
    }

    /// No more flushing.
    pub(crate) fn end(&self) {
        let mut due = self.lock();
        due.thread = Thread::Ends;
        due.pages.clear();
        self.wake.notify_one();
    }

    fn serve(&self) {
        let mut pages = Vec::with_capacity(4);
        loop {
            let due = self.lock();
            let idle = |due: &mut Due| due.thread == Thread::Runs && due.pages.is_empty();
            let mut due = self.wake.wait_while(due, idle).unwrap_or_else(PoisonError::into_inner);
            if due.thread == Thread::Ends {
                return;
            }
            // Wait for more, unless it is the end.
            let running = |due: &mut Due| due.thread == Thread::Runs;
            due = match self.wake.wait_timeout_while(due, SOON, running) {
                Ok((due, _)) => due,
                Err(poisoned) => poisoned.into_inner().0,
            };
            std::mem::swap(&mut due.pages, &mut pages);
            drop(due);
            for page in pages.drain(..) {
                page.lock().flush_as_due();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
