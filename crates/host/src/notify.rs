//! Calls that are answered without a stop: where answers meet those who wait for them.
//!
//! Key types: [`Answerer`] (who answers), [`Desk`] (one filter's end, as the core's [`Line`]). A thread whose call is caught
//! sleeps in it until a reply comes (seccomp_unotify(2)). A signal wakes it before its question is received, and only
//! SIGKILL after that (`SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`): so no reply is ever lost, and answers must not be
//! long in coming. What a signal interrupted before it was heard begins anew, as if the call had come after the signal;
//! a call that the kernel carries out itself is interrupted as the kernel does it ([`Desk::sleeps_in`]).
//! Neighbours: `tracer/answer` asks, [`crate::sys::notify`] makes the calls, [`crate::filter`] chooses what is caught.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use utrace_core::{
    Ahead, Answer, Answers, Caught, Delivery, Laid, Lent, Line, Moment, Taken, TaskId, Way, Wrote,
};

use crate::ahead::Places;
use crate::sys::Errno;
use crate::sys::errno::ERESTARTSYS;
use crate::sys::guard::{self, Guarded};
use crate::sys::lend::{OnExec, lend};
use crate::sys::notify::{Listener, Received};
use crate::types::Tid;

/// Who answers, and what.
#[derive(Clone)]
pub(crate) struct Answerer {
    pub(crate) answers: Arc<dyn Answers>,
    pub(crate) calls: Arc<[Caught]>,
    /// Whether the filters come from elsewhere, and no launch has one.
    pub(crate) for_others: bool,
}

impl Answerer {
    pub(crate) fn new(answers: Arc<dyn Answers>, for_others: bool) -> Self {
        let calls = answers.calls().into();
        Self { answers, calls, for_others }
    }

    /// Whether this call is caught, with some arguments at least.
    pub(crate) fn knows(&self, arch: u32, number: u64) -> bool {
        self.calls.iter().any(|call| call.arch == arch && u64::from(call.number) == number)
    }
}

/// One filter's end.
#[derive(Debug)]
pub(crate) struct Desk {
    listener: Listener,
    /// `None` once the guardian is to answer.
    guarded: Mutex<Option<Guarded>>,
    guardian: Tid,
    calls: Mutex<Calls>,
    places: Mutex<Places>,
}

/// What is known of the calls of threads.
#[derive(Debug, Default)]
struct Calls {
    /// The last one of each thread, if the kernel carries it out.
    native: BTreeMap<Tid, Received>,
    /// Threads that are to make theirs again, and their places on the page.
    again: BTreeMap<Tid, usize>,
}

impl Desk {
    /// Takes over the listening end of a filter, and sets a guardian for it.
    pub(crate) fn open(fd: OwnedFd) -> Result<Self, Errno> {
        let listener = Listener::new(fd)?;
        let guarded = guard::set(c"utrace-guardian", &listener)?;
        let guardian = guarded.pid;
        Ok(Self {
            listener,
            guarded: Mutex::new(Some(guarded)),
            guardian,
            calls: Mutex::default(),
            places: Mutex::default(),
        })
    }

    /// The guardian's process, a child of ours.
    pub(crate) fn guardian(&self) -> Tid {
        self.guardian
    }

    /// Has the guardian answer from now on.
    pub(crate) fn retire(&self) {
        self.listener.release();
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Replies to a question that was received from this thread.
    pub(crate) fn reply(&self, from: Tid, question: Received, answer: Answer) {
        self.asked(from, question, answer == Answer::System);
        // Who does not wait any more was killed.
        let _ = self.listener.send(question.id, value_of(answer));
    }

    /// Whether the kernel carries out, or did, this call of a thread.
    pub(crate) fn sleeps_in(&self, tid: Tid, number: u64, ip: u64, args: [u64; 6]) -> bool {
        self.lock()
            .native
            .get(&tid)
            .is_some_and(|call| (u64::from(call.number), call.ip, call.args) == (number, ip, args))
    }

    /// An answer comes later; the thread may end up in the kernel's own call.
    pub(crate) fn expect(&self, from: Tid, question: Received) {
        self.asked(from, question, true);
    }

    /// A thread makes a call: whatever it was to make again it has made.
    fn asked(&self, from: Tid, question: Received, native: bool) {
        self.places().asked(from, question.number, question.ip);
        let mut calls = self.lock();
        if native {
            calls.native.insert(from, question);
        } else {
            calls.native.remove(&from);
        }
        if let Some(place) = calls.again.remove(&from) {
            self.listener.awake(place);
        }
    }

    /// The thread that asked this is to make its call again.
    fn make_again(&self, question: u64) {
        let mut calls = self.lock();
        let found =
            calls.native.iter().find(|(_, call)| call.id == question).map(|(tid, call)| (*tid, *call));
        if let Some((tid, call)) = found
            && let Some(place) = self.listener.lay_down(tid, &call)
        {
            calls.again.insert(tid, place);
        }
    }

    /// A thread is gone.
    pub(crate) fn forget(&self, tid: Tid) {
        self.places().forget(tid);
        let mut calls = self.lock();
        calls.native.remove(&tid);
        if let Some(place) = calls.again.remove(&tid) {
            self.listener.awake(place);
        }
    }

    /// Where answers lie ready.
    pub(crate) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn value_of(answer: Answer) -> Option<i64> {
    match answer {
        Answer::System => None,
        Answer::Value(value) => Some(value),
        Answer::Again => Some(ERESTARTSYS),
    }
}

fn by_tid(task: TaskId) -> Option<Tid> {
    Tid::new(task.0.cast_signed())
}

impl Line for Desk {
    fn give(&self, question: u64, answer: Answer) -> Delivery {
        if answer == Answer::Again {
            self.make_again(question);
        }
        let sent = self.listener.send(question, value_of(answer));
        // Not before: until the kernel has the answer the guardian must know of the question.
        self.listener.strike(question);
        if sent.is_ok() { Delivery::Done } else { Delivery::Gone }
    }

    fn hold(&self, question: u64) {
        self.listener.note(question);
    }

    fn lay(&self, task: TaskId, answers: &[Ahead<'_>]) -> Laid {
        by_tid(task).map_or(Laid::Nowhere, |tid| self.places().lay(tid, answers))
    }

    fn send(&self, task: TaskId, number: u32, way: Way) {
        if let Some(tid) = by_tid(task) {
            self.places().send(tid, number, way);
        }
    }

    fn write_through(&self, task: TaskId, fd: i32) {
        if let Some(tid) = by_tid(task) {
            self.places().write_through(tid, fd);
        }
    }

    fn written(&self, task: TaskId, moment: Moment) -> Vec<Wrote> {
        by_tid(task).map_or_else(Vec::new, |tid| self.places().written(tid, moment))
    }

    fn given(&self, task: TaskId) -> Vec<u8> {
        by_tid(task).map_or_else(Vec::new, |tid| self.places().given(tid))
    }

    fn take_back(&self, task: TaskId) -> Taken {
        by_tid(task).map_or_else(Taken::default, |tid| self.places().take_back(tid))
    }

    fn lend(&self, question: u64, file: Lent<'_>, at: Option<i32>) -> Option<i32> {
        lend(self.listener.fd(), question, file, at, OnExec::Stays).ok()
    }
}
