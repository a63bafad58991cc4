//! Process ids as clients in pid namespaces of their own know them (pid_namespaces(7)).
//!
//! Key type: [`Names`]. Everything else here knows a task by the id that it has for the host. What a client in a namespace below
//! that says, it says in ids of its own: [`Threads::global`] reads one, [`Threads::seen_by`] writes one. A client in the host's
//! own namespace costs one look at `/proc`. Neighbours: [`super::client`] and [`super::answer`] translate what comes in,
//! [`super::link::Link::shown`] is what goes out.

use super::proc;
use super::world::Threads;

/// The ids of a task: in the host's namespace, and in each below it down to its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) ids: Vec<u32>,
    /// Names its own namespace.
    pub(super) space: u64,
}

impl Names {
    /// How many namespaces are above its own, up to the host's.
    fn depth(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }
}

/// What nobody is called.
const NOBODY: u32 = u32::MAX;
/// How far up a family is followed: namespaces nest 32 deep.
const FAMILY: usize = 256;

impl Threads {
    fn names(&mut self, tid: u32) -> Option<&Names> {
        let thread = self.threads.get_mut(&tid)?;
        if thread.names.is_none() {
            thread.names = proc::names(tid);
        }
        thread.names.as_ref()
    }

    /// Whether its ids are not the host's.
    pub(super) fn is_nested(&mut self, tid: u32) -> bool {
        self.names(tid).is_some_and(|names| names.depth() > 0)
    }

    /// A thread of a process has taken the leader's place, and its ids.
    pub(super) fn forget_names(&mut self, tid: u32) {
        if let Some(thread) = self.threads.get_mut(&tid) {
            thread.names = None;
        }
    }

    /// Who it is that a client calls so; [`NOBODY`] for who is not of the tree.
    pub(super) fn global(&mut self, client: u32, local: u32) -> u32 {
        if !self.is_nested(client) {
            return local;
        }
        let linked = self.links.values().find(|link| link.tracer == client && link.shown == local);
        if let Some(link) = linked {
            return link.tracee;
        }
        let tids: Vec<u32> = self.threads.keys().copied().collect();
        tids.into_iter().find(|tid| self.seen_by(client, *tid) == local && local != 0).unwrap_or(NOBODY)
    }

    /// What a client calls a task; 0 for one that it does not see.
    pub(super) fn seen_by(&mut self, client: u32, tid: u32) -> u32 {
        let Some(own) = self.names(client).filter(|names| names.depth() > 0).cloned() else { return tid };
        let known = if self.threads.contains_key(&tid) { self.names(tid).cloned() } else { proc::names(tid) };
        match known {
            Some(names) if names.space == own.space || self.is_below(tid, &names, &own) => {
                names.ids.get(own.depth()).copied().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Whether a task's namespace is below another one: then somebody above the task is in that one.
    fn is_below(&mut self, tid: u32, names: &Names, other: &Names) -> bool {
        if names.depth() <= other.depth() {
            return false;
        }
        let mut above = proc::parent(tid);
        for _ in 0..FAMILY {
            let Some(parent) = above.filter(|pid| *pid != 0) else { return false };
            match proc::names(parent) {
                Some(names) if names.space == other.space => return true,
                Some(names) if names.depth() > other.depth() => above = proc::parent(parent),
                _ => return false,
            }
        }
        false
    }
}
