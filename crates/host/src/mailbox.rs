//! How other threads reach the tracer thread, which sleeps in wait4(2) and nowhere else.
//!
//! A *doorbell* makes wait4 return: a tiny child process of our own, traced like any other, that does nothing but
//! sleep. A requester puts its message in the [`Mailbox`] and sends the doorbell a signal; the kernel reports the
//! signal to its tracer, which drains the mailbox and resumes the doorbell without it. No polling, no time-out, and
//! nothing extra on the path of a stop. Messages posted by the tracer thread itself, from inside callbacks, ring no
//! bell: it looks at [`Mailbox::has_news`] before it sleeps.
//!
//! No wake-up is lost: a poster pushes, then sets `news`; the tracer clears `news`, then takes the queue. Whoever
//! turns `news` from false to true rings, unless the tracer thread says that it is awake and looks
//! ([`Mailbox::linger`]): who asks for one thing often asks for the next one at once, and a ring is two wake-ups. That is
//! the pair of store and load that each side makes in its own order: poster `news`, then `awake`; tracer `awake`, then
//! `news`. All four are SeqCst, so one of them sees the other.

use core::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::HostError;
use crate::sys::process;
use crate::tracer::Message;
use crate::types::Tid;

/// The signal that rings. Ignored by default, so that a late one harms nobody (signal(7)).
pub(crate) const RING: i32 = libc::SIGURG;

/// How far back in the queue the same wish is looked for.
const REACH: usize = 32;

/// Messages to the tracer thread, in order.
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    news: AtomicBool,
    /// Whether the tracer thread looks for news by itself.
    awake: AtomicBool,
    /// Process id of the doorbell; 0 before there is one.
    bell: AtomicI32,
    /// Thread id of the tracer thread; 0 before it runs.
    owner: AtomicI32,
}

enum Queue {
    Open(Vec<Message>),
    /// The tracer thread has ended: nobody would answer.
    Closed,
}

impl Mailbox {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue::Open(Vec::new())),
            news: AtomicBool::new(false),
            awake: AtomicBool::new(false),
            bell: AtomicI32::new(0),
            owner: AtomicI32::new(0),
        }
    }

    /// Hands a message to the tracer thread. What waits there already is not said twice: a client that asks again and
    /// again would otherwise fill the queue faster than it can be served.
    ///
    /// # Errors
    /// [`HostError::Ended`] if that thread has ended.
    pub(crate) fn post(&self, message: Message) -> Result<(), HostError> {
        match &mut *self.lock() {
            Queue::Open(queue) => {
                if !queue.iter().rev().take(REACH).any(|waiting| waiting.is_same_wish(&message)) {
                    queue.push(message);
                }
            }
            Queue::Closed => return Err(HostError::Ended),
        }
        // Release: whoever sees `news` set, and so does not ring, has pushed before the drain that follows. SeqCst: see the
        // head of this module.
        if !self.news.swap(true, Ordering::SeqCst) && !self.is_owner() && !self.awake.load(Ordering::SeqCst) {
            self.ring();
        }
        Ok(())
    }

    /// Tracer thread: from now on nobody need ring.
    pub(crate) fn linger(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Tracer thread: from now on it is rung for again. Answers whether there is news that nobody rang for.
    pub(crate) fn stop_lingering(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        self.news.load(Ordering::SeqCst)
    }

    /// Whether something was posted since the last [`Mailbox::take`]; what the tracer asks before it sleeps.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed)
    }

    /// Everything posted so far.
    pub(crate) fn take(&self) -> Vec<Message> {
        self.news.swap(false, Ordering::AcqRel);
        match &mut *self.lock() {
            Queue::Open(queue) => core::mem::take(queue),
            Queue::Closed => Vec::new(),
        }
    }

    /// Refuses messages from now on; answers those that nobody took.
    pub(crate) fn close(&self) -> Vec<Message> {
        match core::mem::replace(&mut *self.lock(), Queue::Closed) {
            Queue::Open(left) => left,
            Queue::Closed => Vec::new(),
        }
    }

    /// Makes the calling thread the one that takes.
    pub(crate) fn own(&self) {
        self.owner.store(process::gettid().map_or(0, Tid::raw), Ordering::Relaxed);
    }

    /// Says which process to ring, once the caller traces it: before, a ring would be lost.
    pub(crate) fn hang(&self, bell: Tid) {
        self.bell.store(bell.raw(), Ordering::Release);
    }

    /// Whether the caller is the tracer thread.
    pub(crate) fn is_owner(&self) -> bool {
        std::thread_local! { static ME: i32 = process::gettid().map_or(-1, Tid::raw) }
        ME.with(|me| *me == self.owner.load(Ordering::Relaxed))
    }

    /// The tracer thread.
    pub(crate) fn owner(&self) -> Option<Tid> {
        Tid::new(self.owner.load(Ordering::Relaxed))
    }

    fn ring(&self) {
        // Before the doorbell is there, and if it was killed, the tracer drains the mailbox once it has a new one.
        if let Some(bell) = Tid::new(self.bell.load(Ordering::Acquire)) {
            let _ = process::kill(bell, RING);
        }
    }

    /// The queue is whole at every moment, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
