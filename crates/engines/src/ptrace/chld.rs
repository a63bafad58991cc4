//! What clients do with SIGCHLD, learned from the calls by which they say so.
//!
//! Key types: [`Actions`]. A signal that nobody sees costs its receiver a stop, and `/proc` costs more. So the action comes
//! from rt_sigaction(2) as it is called. A program that leaves the signal at its default can see it only blocked and by
//! one of the calls that fetch it: until it makes one, what it would have got is kept here.

use std::collections::HashMap;

use utrace_core::{Addr, Target};

use super::proc::{self, Ignored};
use super::width::Width;
use super::world::Threads;

/// `SA_NOCLDSTOP` (asm/signal.h).
const NOCLDSTOP: u64 = 1;

/// What each process does with SIGCHLD.
#[derive(Debug, Default)]
pub(super) struct Actions(HashMap<u32, Entry>);

#[derive(Debug, Default, Clone, Copy)]
struct Entry {
    action: Option<Action>,
    /// It makes calls that fetch signals.
    fetches: bool,
    /// The notice that it did not get.
    missed: Option<[u8; 128]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Default,
    Ignore,
    Handler,
    /// A handler that hears of ends only.
    OfEnds,
}

impl Actions {
    /// Whether `tracer`, of this process, would see a SIGCHLD, which tells of a stop or of an end.
    pub(super) fn sees(&mut self, process: u32, tracer: u32, stops: bool) -> bool {
        let entry = self.0.entry(process).or_default();
        let action = *entry.action.get_or_insert_with(|| match proc::sigchld_action(process) {
            None => Action::Default,
            Some(Ignored::Yes) => Action::Ignore,
            Some(Ignored::No) => Action::Handler,
        });
        match action {
            Action::Handler => true,
            Action::OfEnds => !stops,
            Action::Ignore => false,
            Action::Default => entry.fetches && proc::blocks_sigchld(tracer),
        }
    }

    /// A notice is not sent.
    pub(super) fn miss(&mut self, process: u32, notice: impl FnOnce() -> [u8; 128]) {
        // The details are worth a look at /proc, so the first one stands for all: such signals do not queue.
        let entry = self.0.entry(process).or_default();
        if entry.action == Some(Action::Default) && entry.missed.is_none() {
            entry.missed = Some(notice());
        }
    }

    /// rt_sigaction(2) for SIGCHLD, with these first two words of the new action.
    pub(super) fn set(&mut self, process: u32, handler: u64, flags: u64) {
        let entry = self.0.entry(process).or_default();
        entry.action = Some(match handler {
            0 => Action::Default,
            1 => Action::Ignore,
            _ if flags & NOCLDSTOP != 0 => Action::OfEnds,
            _ => Action::Handler,
        });
    }

    /// Whether it is known to want to hear of ends only.
    pub(super) fn spares_stops(&self, process: u32) -> bool {
        self.0.get(&process).is_some_and(|entry| entry.action == Some(Action::OfEnds))
    }

    /// A thread of the process makes a call that fetches signals. Answers the one that should be there and is not.
    pub(super) fn fetch(&mut self, process: u32, thread: u32) -> Option<[u8; 128]> {
        let entry = self.0.entry(process).or_default();
        entry.fetches = true;
        entry.missed.take().filter(|_| proc::blocks_sigchld(thread))
    }

    /// A child has its parent's action, and none of its signals.
    pub(super) fn fork(&mut self, parent: u32, child: u32) {
        if let Some(entry) = self.0.get(&parent).copied() {
            self.0.insert(child, Entry { missed: None, ..entry });
        }
    }

    /// A process runs another program, which begins without handlers.
    pub(super) fn exec(&mut self, process: u32) {
        if let Some(entry) = self.0.get_mut(&process)
            && let Some(Action::Handler | Action::OfEnds) = entry.action
        {
            entry.action = Some(Action::Default);
        }
    }

    /// A process is gone.
    pub(super) fn forget(&mut self, process: u32) {
        self.0.remove(&process);
    }
}

impl Threads {
    /// A program says what it does with SIGCHLD, by a `struct sigaction` at this address.
    pub(super) fn learn_action(&mut self, process: u32, width: Width, at: u64, client: &mut dyn Target) {
        let mut words = [0; 16];
        let words = &mut words[..2 * width.word()];
        if at == 0 || client.fetch(Addr(at), words) != Ok(words.len()) {
            return;
        }
        let [handler, flags] = [0, width.word()].map(|at| width.word_at(words, at));
        self.actions.set(process, handler, flags);
        self.forget_kin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_sees_what_its_flags_let_it() {
        let mut actions = Actions::default();
        actions.set(7, 0x1000, 0);
        assert!(actions.sees(7, 7, true) && actions.sees(7, 7, false));
        actions.set(7, 0x1000, NOCLDSTOP);
        assert!(!actions.sees(7, 7, true) && actions.sees(7, 7, false));
        actions.set(7, 1, 0);
        assert!(!actions.sees(7, 7, false), "ignored");
        actions.set(7, 0, 0);
        assert!(!actions.sees(7, 7, false), "nobody fetches it");
        actions.fork(7, 8);
        assert!(!actions.sees(8, 8, false));
    }
}
