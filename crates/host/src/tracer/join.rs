//! Attaching where others may have come first ([`crate::Host::join`], [`crate::Host::enlist`]).
//!
//! A process that is traced already gets the new engines on the threads that it has, here, between two reports: so no
//! thread is missed and none is met half-way. One that we are leaving is kept: it has not noticed that we were.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use utrace_core::Task;

use super::launch::choose_filter;
use super::part::Whole;
use super::tracee::Origin;
use super::{AT_A_TIME, Tracer};
use crate::error::HostError;
use crate::filter::Filter;
use crate::join::Enlisted;
use crate::process::{Outcome, Process};
use crate::types::Tid;

/// What is asked of an attach.
#[derive(Debug)]
pub(crate) enum Attaching {
    /// That nobody else here traces it.
    Alone,
    /// To trace it together with whoever does already.
    Shared,
    /// The same, of a process that will install our filter.
    Client,
    /// The same, of a process whose filter asks at this end.
    Asking(OwnedFd),
}

/// Whether others may trace here what is attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Company {
    /// As [`Attaching::Alone`].
    Alone,
    /// As [`Attaching::Shared`].
    Shared,
}

impl From<Company> for Attaching {
    fn from(company: Company) -> Self {
        match company {
            Company::Alone => Attaching::Alone,
            Company::Shared => Attaching::Shared,
        }
    }
}

impl Tracer {
    /// Attaches to each in turn. Who asks is answered once, as each answer would cost two turns of the scheduler, and so
    /// would each further question; stops that come meanwhile have their turn in between.
    pub(super) fn attach_each(
        &mut self,
        pids: &[Tid],
        company: Company,
        adopt: &mut dyn FnMut(&Task),
    ) -> Vec<Result<Process, HostError>> {
        let mut ours = self.processes();
        let attach = |(count, pid): (u32, &Tid)| {
            // Going through all tracees for each would be as many steps as there are, squared.
            let known = match ours.contains(pid) || self.table.contains(*pid) {
                true => self.tids_of(Whole::Process(*pid)),
                false => Vec::new(),
            };
            let result = self.attach_known(*pid, company.into(), &known, adopt);
            if result.is_ok() {
                ours.insert(*pid);
            }
            if count.is_multiple_of(AT_A_TIME) {
                self.catch_up();
            }
            result.map(|enlisted| enlisted.process)
        };
        (1_u32..).zip(pids).map(attach).collect()
    }

    pub(super) fn attach_order(
        &mut self,
        pid: Tid,
        how: Attaching,
        adopt: &mut dyn FnMut(&Task),
    ) -> Result<Enlisted, HostError> {
        let known = self.tids_of(Whole::Process(pid));
        self.attach_known(pid, how, &known, adopt)
    }

    /// The same where it is known which of its threads are ours.
    fn attach_known(
        &mut self,
        pid: Tid,
        how: Attaching,
        known: &[Tid],
        adopt: &mut dyn FnMut(&Task),
    ) -> Result<Enlisted, HostError> {
        let (origin, alone) = match how {
            Attaching::Alone => (Origin::Attached, true),
            Attaching::Shared => (Origin::Attached, false),
            Attaching::Client => (Origin::LaunchedDies, false),
            Attaching::Asking(filter) => {
                self.listen_to(filter)
                    .map_err(|errno| HostError::Ptrace("listen to its filter", pid, errno))?;
                (Origin::Attached, false)
            }
        };
        if !alone && !known.is_empty() {
            return self.join(pid, known, adopt).map(|process| Enlisted { process, filter: None });
        }
        let process = self.attach(pid, origin, adopt)?;
        let filter = if origin == Origin::LaunchedDies { self.filter_for(pid) } else { None };
        Ok(Enlisted { process, filter })
    }

    /// What it must install so that the calls that its engines want are seen. Nothing stops there before it has.
    fn filter_for(&mut self, pid: Tid) -> Option<Filter> {
        let tracee = self.table.peek(pid)?;
        let (program, _) = choose_filter(tracee, &[]);
        (!program.is_empty()).then(|| Filter::new(program))
    }

    fn join(&mut self, pid: Tid, tids: &[Tid], adopt: &mut dyn FnMut(&Task)) -> Result<Process, HostError> {
        let mut tasks = Vec::new();
        for tid in tids {
            let Some(mut tracee) = self.table.take(*tid) else { continue };
            if tracee.parting.take().is_some() {
                self.shared.add_task(*tid, tracee.task.clone());
            }
            let task = tracee.task.clone();
            self.table.put(tracee);
            self.guarded(*tid, || adopt(&task));
            tasks.push(task);
        }
        if tasks.is_empty() {
            return Err(HostError::NoSuchProcess(pid));
        }
        // The one that attached first hears how it ends.
        Ok(Process { pid, tasks, outcome: Arc::new(Outcome::default()) })
    }
}
