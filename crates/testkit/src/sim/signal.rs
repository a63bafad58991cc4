//! Signals of the modelled kernel: sending, queues, classes, and the path on which they are reported.

use super::runner::{After, Frame, Leave, Runner};
use super::state::{Place, Point, State};
use crate::script::{Handling, signals};
use utrace_core::{Disposition, Event, SigInfo, SignalAction, SignalKind, SignalReport, Verdict};

const STOPS: [u32; 4] = [signals::SIGSTOP, signals::SIGTSTP, 21, 22];
const IGNORED: [u32; 4] = [signals::SIGCHLD, signals::SIGCONT, 23, signals::SIGWINCH];
const CORES: [u32; 10] = [3, 4, 5, 6, 7, 8, 11, 24, 25, 31];

/// Whom a signal is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// One thread.
    Thread,
    /// The process: any of its threads.
    Process,
}

fn bit(number: u32) -> u64 {
    1u64.checked_shl(number.wrapping_sub(1)).unwrap_or(0)
}

/// What a process has declared for a signal, and which event it is by that.
fn classify(state: &State, process: usize, number: u32) -> (Disposition, Event) {
    match state.processes[process].handling.get(&number) {
        Some(Handling::Handler(_) | Handling::Once(_)) => (Disposition::Caught, Event::Signal),
        Some(Handling::Ignore) => (Disposition::Ignored, Event::SignalIgn),
        Some(Handling::Default) | None => (Disposition::Default, by_default(number)),
    }
}

fn by_default(number: u32) -> Event {
    match number {
        _ if IGNORED.contains(&number) => Event::SignalIgn,
        _ if STOPS.contains(&number) => Event::SignalStop,
        _ if CORES.contains(&number) => Event::SignalCore,
        _ => Event::SignalTerm,
    }
}

/// Sends a signal (spec section 3, events 9 to 13: what is ignored is not even queued unless somebody asked).
pub(crate) fn send(state: &mut State, index: usize, number: u32, to: To, mut info: SigInfo) {
    let process = state.threads[index].process;
    info.number = number;
    if number == signals::SIGKILL {
        return state.kill(process, number, None);
    }
    if number == signals::SIGCONT {
        discard(state, process, &STOPS);
        resume_process(state, process);
    } else if STOPS.contains(&number) {
        discard(state, process, &[signals::SIGCONT]);
    }
    let (_, event) = classify(state, process, number);
    let thread = &state.threads[index];
    let blocked = thread.blocked & bit(number) != 0;
    if !blocked && event == Event::SignalIgn && !thread.task.asked_for(Event::SignalIgn) {
        return;
    }
    let watched = thread.task.asked_for(Event::SignalTerm) || thread.task.asked_for(Event::SignalCore);
    if !blocked && event == Event::SignalTerm && !watched {
        // Nobody asked for it, so nobody can save the process: every thread dies of it at once.
        return state.kill(process, number, None);
    }
    match to {
        To::Thread => state.threads[index].queue.push_back(info),
        To::Process => state.processes[process].shared.push_back(info),
    }
}

fn discard(state: &mut State, process: usize, numbers: &[u32]) {
    state.processes[process].shared.retain(|info| !numbers.contains(&info.number));
    for thread in state.threads.iter_mut().filter(|thread| thread.process == process) {
        thread.queue.retain(|info| !numbers.contains(&info.number));
    }
}

fn resume_process(state: &mut State, process: usize) {
    let process = &mut state.processes[process];
    if process.stop.take().is_some() {
        process.told.1 += 1;
        process.told_of_this_stop = false;
        process.continue_untold = true;
    }
}

/// Tells the parent once that the process stands, when every thread does.
pub(crate) fn tell_of_stop(state: &mut State, process: usize) {
    let stands = state
        .threads_of(process)
        .filter(|thread| thread.is_alive())
        .all(|thread| matches!(thread.place, Place::Stopped | Place::Held));
    let joined = state.threads_of(process).any(|thread| thread.place == Place::Stopped);
    let process = &mut state.processes[process];
    if process.stop.is_some() && stands && joined && !process.told_of_this_stop {
        process.told_of_this_stop = true;
        process.told.0 += 1;
    }
}

/// Whether a signal waits that the thread does not block: in its own queue, or else in the shared one.
pub(crate) fn deliverable(state: &State, index: usize) -> Option<(To, usize)> {
    let thread = &state.threads[index];
    let open = |info: &SigInfo| thread.blocked & bit(info.number) == 0;
    if let Some(position) = thread.queue.iter().position(open) {
        return Some((To::Thread, position));
    }
    state.processes[thread.process].shared.iter().position(open).map(|position| (To::Process, position))
}

fn dequeue(state: &mut State, index: usize) -> Option<SigInfo> {
    match deliverable(state, index)? {
        (To::Thread, position) => state.threads[index].queue.remove(position),
        (To::Process, position) => {
            let process = state.threads[index].process;
            state.processes[process].shared.remove(position)
        }
    }
}

impl Runner {
    /// The signal path: first the report that somebody asked for, if so, else one signal.
    pub(crate) fn signal_path(&mut self) -> Result<(), Leave> {
        self.with(|thread| thread.interrupt = false);
        if self.reporter.owes_report() || self.handler_set {
            let handler = core::mem::take(&mut self.handler_set);
            let kind = if handler { SignalKind::Handler } else { SignalKind::Report };
            let mut report = SignalReport::none(kind);
            report.info = self.last;
            let verdict = self.reporter.signal_report(&mut self.target, &mut report);
            return self.outcome(&report, verdict);
        }
        let index = self.index;
        let taken = self.kernel.change(|state| {
            let info = dequeue(state, index)?;
            Some((info, classify(state, state.threads[index].process, info.number)))
        });
        let Some((info, (disposition, event))) = taken else { return Ok(()) };
        let mut report = SignalReport::taken(event, info, disposition);
        if !self.task.wants(event) {
            return self.deliver(&report);
        }
        let verdict = self.reporter.signal(&mut self.target, &mut report);
        self.outcome(&report, verdict)
    }

    fn outcome(&mut self, report: &SignalReport, verdict: Verdict) -> Result<(), Leave> {
        self.last = report.info;
        if report.hold && report.info.number != 0 {
            self.with(|thread| thread.queue.push_front(report.info));
        }
        match verdict {
            Verdict::Go(action) => self.note(action),
            Verdict::Park => match self.parked()? {
                // It was held on the signal path: that is where somebody wants to see it again.
                After::Repeat => self.with(|thread| thread.interrupt = true),
                After::Go(action) => self.note(action),
            },
        }
        if report.hold { Ok(()) } else { self.deliver(report) }
    }

    /// Does what is to be done with a signal.
    fn deliver(&mut self, report: &SignalReport) -> Result<(), Leave> {
        let number = report.info.number;
        if number == 0 {
            return Ok(());
        }
        match report.action {
            SignalAction::Ignore => Ok(()),
            SignalAction::Terminate => Err(self.fatal(number, 0)),
            SignalAction::Core => Err(self.fatal(number, 0x80)),
            SignalAction::Stop | SignalAction::TStop => {
                self.stop_process(number);
                Ok(())
            }
            SignalAction::Deliver => match report.disposition {
                Some(Disposition::Caught) => self.set_up_handler(number),
                Some(Disposition::Ignored) => Ok(()),
                Some(Disposition::Default) | None => self.default_action(number),
            },
        }
    }

    fn default_action(&mut self, number: u32) -> Result<(), Leave> {
        match by_default(number) {
            Event::SignalIgn => Ok(()),
            Event::SignalStop => {
                self.stop_process(number);
                Ok(())
            }
            Event::SignalCore => Err(self.fatal(number, 0x80)),
            _ => Err(self.fatal(number, 0)),
        }
    }

    fn stop_process(&self, number: u32) {
        let process = self.process;
        self.kernel.change(|state| state.processes[process].stop = Some(number));
    }

    /// The process dies of a signal. A number that would look like something else in a wait status is replaced.
    fn fatal(&self, number: u32, core: u32) -> Leave {
        let (index, process) = (self.index, self.process);
        self.kernel.change(|state| {
            let number = if number & 0x80 != 0 {
                state.warnings.push(format!("signal number {number:#x} is none: died of SIGTRAP"));
                signals::SIGTRAP
            } else {
                number
            };
            state.kill(process, number | core, Some(index));
            Leave(number | core)
        })
    }

    fn set_up_handler(&mut self, number: u32) -> Result<(), Leave> {
        let (index, process) = (self.index, self.process);
        let handler = self.kernel.change(|state| {
            let handling = &mut state.processes[process].handling;
            let script = match handling.get(&number)? {
                Handling::Handler(script) => script.clone(),
                Handling::Once(script) => {
                    let script = script.clone();
                    handling.insert(number, Handling::Default);
                    script
                }
                Handling::Default | Handling::Ignore => return None,
            };
            let blocked = state.threads[index].blocked;
            state.threads[index].blocked |= bit(number);
            Some(Frame { steps: script.into(), handler: Some(blocked) })
        });
        let Some(frame) = handler else { return self.default_action(number) };
        self.frames.push(frame);
        self.handler_set = true;
        if self.restart.take().is_some() {
            crate::gate::lock(&self.machine).regs[7] = (-4i64).cast_unsigned();
        }
        self.point(Point::HandlerSet);
        Ok(())
    }

    /// The trap of a step.
    pub(crate) fn trap(&self) {
        let info = SigInfo { number: signals::SIGTRAP, ..SigInfo::NONE };
        self.with(|thread| thread.queue.push_front(info));
    }
}
