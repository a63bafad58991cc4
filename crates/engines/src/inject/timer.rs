//! The timer: lets tasks go that an engine holds for a while.
//!
//! Key types: [`Timer`]. A callback must not wait, so a delay is a stop that the engine returns and this timer's
//! thread ends. The thread is started with the first delay and ends with the timer.
//!
//! Knows nothing of syscalls.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use utrace_core::{Action, BarrierError, EngineRef};

/// Resumes held tasks in time.
#[derive(Debug, Default)]
pub(super) struct Timer {
    orders: Mutex<Option<Sender<Order>>>,
}

#[derive(Debug)]
struct Order {
    at: Instant,
    engine: EngineRef,
}

impl Timer {
    /// Resumes the task at `at` for this engine, which is about to return `Stop` from a callback. False if there is no
    /// thread to do it: then it must not stop.
    pub(super) fn resume_at(&self, at: Instant, engine: EngineRef) -> bool {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.is_none() {
            let (sender, receiver) = mpsc::channel();
            let thread = thread::Builder::new().name("utrace-delay".to_owned());
            if thread.spawn(move || serve(&receiver)).is_err() {
                return false;
            }
            *orders = Some(sender);
        }
        orders.as_ref().is_some_and(|orders| orders.send(Order { at, engine }).is_ok())
    }
}

/// Serves until the timer is dropped; what is held then is let go at once.
fn serve(orders: &Receiver<Order>) {
    let mut waiting: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    let mut number = 0;
    loop {
        let now = Instant::now();
        while waiting.peek().is_some_and(|Reverse(due)| due.order.at <= now) {
            if let Some(Reverse(due)) = waiting.pop() {
                resume(&due.order.engine);
            }
        }
        let received = match waiting.peek() {
            Some(Reverse(due)) => orders.recv_timeout(due.order.at.saturating_duration_since(now)),
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(order) => {
                number += 1;
                waiting.push(Reverse(Due { order, number }));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for Reverse(due) in waiting {
        resume(&due.order.engine);
    }
}

fn resume(engine: &EngineRef) {
    // The stop is installed when the callback has returned: resuming before would be undone by it.
    while engine.barrier() == Err(BarrierError::Interrupted) {}
    // Gone means that nobody is held any more.
    let _ = engine.control(Action::Resume);
}

/// An order by its time, then by its number.
struct Due {
    order: Order,
    number: u64,
}

impl Due {
    fn key(&self) -> (Instant, u64) {
        (self.order.at, self.number)
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
