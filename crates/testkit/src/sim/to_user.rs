//! The way back to user mode: kills, job control, signals, the last report, in this order.

use super::runner::{After, Leave, Runner};
use super::signal::deliverable;
use super::state::{Place, State};
use utrace_core::{Action, JctlKind, JctlReport, Verdict};

/// Whether a thread in user mode must come into the kernel.
pub(crate) fn is_wanted(state: &State, index: usize) -> bool {
    let thread = &state.threads[index];
    thread.notify
        || thread.interrupt
        || thread.tidy
        || thread.killed.is_some()
        || stop_is_due(state, index)
        || deliverable(state, index).is_some()
}

pub(crate) fn stop_is_due(state: &State, index: usize) -> bool {
    let thread = &state.threads[index];
    state.processes[thread.process].stop.is_some() && !thread.joined
}

enum Work {
    Tidy,
    GroupStop,
    SignalPath,
    LastReport,
}

impl Runner {
    /// Everything between the kernel and the next instruction of the program.
    pub(crate) fn return_to_user(&mut self) -> Result<(), Leave> {
        loop {
            self.killed()?;
            match self.next_work() {
                Work::Tidy => self.reporter.tidy(),
                Work::GroupStop => self.group_stop()?,
                Work::SignalPath => self.signal_path()?,
                Work::LastReport => {
                    if !self.reporter.owes_report() {
                        break;
                    }
                    self.last_report()?;
                }
            }
        }
        // A handler that nobody was told of is not told of later.
        self.handler_set = false;
        if let (Some(step), Some(frame)) = (self.restart.take(), self.frames.last_mut()) {
            frame.steps.push_front(step);
        }
        Ok(())
    }

    fn next_work(&self) -> Work {
        let index = self.index;
        self.with(|thread| thread.notify = false);
        let mut state = self.kernel.lock();
        if core::mem::take(&mut state.threads[index].tidy) {
            Work::Tidy
        } else if stop_is_due(&state, index) {
            Work::GroupStop
        } else if state.threads[index].interrupt || deliverable(&state, index).is_some() {
            Work::SignalPath
        } else {
            Work::LastReport
        }
    }

    fn last_report(&mut self) -> Result<(), Leave> {
        let action = match self.reporter.to_user(&mut self.target) {
            Verdict::Go(action) => action,
            Verdict::Park => match self.parked()? {
                After::Repeat => return Ok(()),
                After::Go(action) => action,
            },
        };
        // This was the last word before user mode: it alone says whether to step.
        self.step = Action::Resume;
        self.note(action);
        Ok(())
    }

    /// Takes part in the job control stop of the process.
    fn group_stop(&mut self) -> Result<(), Leave> {
        let index = self.index;
        let found = self.kernel.change(|state| {
            let process = state.threads[index].process;
            let signal = state.processes[process].stop?;
            let last = state
                .threads
                .iter()
                .enumerate()
                .filter(|(_, thread)| thread.process == process && thread.is_alive())
                .all(|(other, thread)| other == index || thread.joined || thread.place == Place::Held);
            Some((signal, last && !state.processes[process].told_of_this_stop))
        });
        let Some((signal, notify)) = found else { return Ok(()) };
        let mut stopped = JctlReport { kind: JctlKind::Stopped, signal, notify };
        if let Verdict::Go(action) = self.reporter.jctl(&mut self.target, &mut stopped) {
            self.note(action);
        }
        let (killed, notify) = self.nap(Place::Stopped, |state| {
            let thread = &mut state.threads[index];
            thread.joined = true;
            let killed = thread.killed;
            let process = &mut state.processes[thread.process];
            (killed.is_some() || process.stop.is_none())
                .then(|| (killed, core::mem::take(&mut process.continue_untold)))
        });
        self.with(|thread| thread.joined = false);
        drop(crate::gate::lock(&self.machine));
        if let Some(status) = killed {
            self.reporter.killed();
            return Err(Leave(status));
        }
        let mut continued = JctlReport { kind: JctlKind::Continued, signal: 0, notify };
        loop {
            match self.reporter.jctl(&mut self.target, &mut continued) {
                Verdict::Go(action) => {
                    self.note(action);
                    return Ok(());
                }
                Verdict::Park => match self.parked()? {
                    After::Repeat => {}
                    After::Go(action) => {
                        self.note(action);
                        return Ok(());
                    }
                },
            }
        }
    }
}
