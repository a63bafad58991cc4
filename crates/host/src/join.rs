//! Sharing a tracer: attaching to what may be traced here already, taking in processes that come by themselves, and
//! leaving what nobody uses any more.
//!
//! For a host that serves several callers who do not know of one another. Key types: [`Enlisted`]. Neighbours:
//! [`crate::Host::attach`] for a caller that wants a process alone; `tracer::join` carries it out.

use std::os::fd::OwnedFd;

use utrace_core::Task;

use crate::error::HostError;
use crate::filter::Filter;
use crate::host::Host;
use crate::process::Process;
use crate::tracer::{AttachAllOrder, AttachOrder, Attaching, Company, DetachOrder, Message, Whole};
use crate::types::Tid;

/// A process that was taken in.
#[derive(Debug)]
pub struct Enlisted {
    /// The process.
    pub process: Process,
    /// What it must install on itself before it executes anything; `None` where it needs none.
    pub filter: Option<Filter>,
}

/// Why this process could not trace that one, as far as `/proc` tells. For a caller that has been refused already: what
/// could be traced is answered as if it were gone.
#[must_use]
pub fn why_not(pid: Tid) -> HostError {
    crate::tracer::why_not(pid)
}

impl Host {
    /// As [`Host::attach`], but for a process that this host traces already, or is leaving, `adopt` is called with
    /// each of its tasks. [`Process::wait`] tells its end only to who attached first.
    ///
    /// # Errors
    /// As [`Host::attach`], without [`HostError::AlreadyOurs`].
    pub fn join(&self, pid: Tid, adopt: impl FnMut(&Task) + Send + 'static) -> Result<Process, HostError> {
        self.attach_as(pid, Attaching::Shared, Box::new(adopt)).map(|enlisted| enlisted.process)
    }

    /// As [`Host::attach`] for each of these, in order, with one answer for each. Asked for together, several take little
    /// more time than one: each question and each answer is a turn of the scheduler.
    ///
    /// # Errors
    /// [`HostError::Ended`]; for each of them, as [`Host::attach`].
    pub fn attach_all(
        &self,
        pids: &[Tid],
        adopt: impl FnMut(&Task) + Send + 'static,
    ) -> Result<Vec<Result<Process, HostError>>, HostError> {
        self.attach_each(pids, Company::Alone, Box::new(adopt))
    }

    /// As [`Host::join`] for each of these, in order, with one answer for each.
    ///
    /// # Errors
    /// [`HostError::Ended`]; for each of them, as [`Host::join`].
    pub fn join_all(
        &self,
        pids: &[Tid],
        adopt: impl FnMut(&Task) + Send + 'static,
    ) -> Result<Vec<Result<Process, HostError>>, HostError> {
        self.attach_each(pids, Company::Shared, Box::new(adopt))
    }

    fn attach_each(
        &self,
        pids: &[Tid],
        company: Company,
        adopt: Box<dyn FnMut(&Task) + Send>,
    ) -> Result<Vec<Result<Process, HostError>>, HostError> {
        let pids = pids.to_vec();
        self.ask_at_leisure(|reply| Message::AttachAll(AttachAllOrder { pids, company, adopt, reply }))
    }

    /// As [`Host::join`], for a process that asks for it: it will install the filter that it gets, and is killed with
    /// all that it starts when the host ends, as what is launched is. Until it has the filter, nothing of what that
    /// would catch is seen. One that is traced already needs none, and lives on.
    ///
    /// # Errors
    /// As [`Host::join`].
    pub fn enlist(&self, pid: Tid, adopt: impl FnMut(&Task) + Send + 'static) -> Result<Enlisted, HostError> {
        self.attach_as(pid, Attaching::Client, Box::new(adopt))
    }

    /// As [`Host::join`], for a process that has installed [`Filter::asking`] about the calls that this host answers
    /// ([`crate::Builder::answers_others`]), and whose listening end this is. When the host ends, in whatever way, the process
    /// goes on, and the system carries its calls out.
    ///
    /// # Errors
    /// As [`Host::join`]; [`HostError::Ptrace`] if that is no listening end.
    pub fn listen(
        &self,
        pid: Tid,
        filter: OwnedFd,
        adopt: impl FnMut(&Task) + Send + 'static,
    ) -> Result<Process, HostError> {
        self.attach_as(pid, Attaching::Asking(filter), Box::new(adopt)).map(|enlisted| enlisted.process)
    }

    fn attach_as(
        &self,
        pid: Tid,
        how: Attaching,
        adopt: Box<dyn FnMut(&Task) + Send>,
    ) -> Result<Enlisted, HostError> {
        self.ask(|reply| Message::Attach(AttachOrder { pid, how, adopt, reply }))?
    }

    /// As [`Host::detach`], unless `used` says that somebody uses one of the process's tasks. It is called on the tracer
    /// thread, between two reports: whoever attaches an engine from a callback, or by [`Host::join`], has done it
    /// before or does it afterwards. When it says no, that is final.
    ///
    /// # Errors
    /// [`HostError::InUse`]; as [`Host::detach`].
    pub fn leave_unused(
        &self,
        pid: Tid,
        used: impl FnMut(&[Task]) -> bool + Send + 'static,
    ) -> Result<(), HostError> {
        let used = Some(Box::new(used) as Box<_>);
        self.ask(|reply| Message::Detach(DetachOrder { what: Whole::Process(pid), used, reply }))?
    }
}
