//! The checker: holds what happened to one engine against the contract.
//!
//! Key type: [`Checker`], fed with [`Note`]s in the order in which they were taken. It knows what the engine may be
//! called for from what the calls on it answered, and answers each note with what is wrong about it. Calls that
//! overlap have no order, so where they do it allows what any order would. Pure: no thread, no clock, no host.
//!
//! | rule | from |
//! |---|---|
//! | callbacks of an engine never overlap; nothing after drop; dropped once | INV-29, INV-41 |
//! | no callback outside the interest after `Done`, at most the present one after `InProgress` | INV-13, INV-14 |
//! | adding never answers `InProgress`, nor does any call of the task itself | INV-15, SC-17, SC-20 |
//! | nothing after a detach was accepted; then every call answers `Gone` | INV-19 |
//! | one death, one reap, in this order, nothing after reap; after a death nothing but reap | INV-16, INV-30, SC-79 |
//! | barrier and the `_sync` calls return only when the callback they found is over | INV-8, SC-29 |
//! | no callback while the engine holds the task, but for one that is killed | INV-22 |

use super::note::{Answer, By, CallId, Called, Note, Op};
use utrace_core::{Action, Event, EventSet, Interest};

/// What may still be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    /// Whatever the interest allows.
    On,
    /// A call said that the task dies.
    Dying,
    /// Nothing but reap.
    Reap,
    /// Nothing: a callback answered so.
    Over,
    /// Nothing, and no call is accepted any more.
    Left,
}

/// What may be called.
#[derive(Debug, Clone, Copy)]
struct Allowed {
    /// The union of what any order of overlapping calls allows.
    interest: Interest,
    /// Whether that is the installed interest exactly.
    exact: bool,
}

/// A call that has not answered.
#[derive(Debug, Clone, Copy)]
struct Flight {
    id: CallId,
    op: Op,
    by: By,
    /// The callback that ran when it began.
    found: Option<u64>,
    /// Another call on the interest overlapped it.
    crossed: bool,
    /// What was allowed before it.
    before: Interest,
    /// A detach was accepted, or the reap called, before it began.
    after_end: bool,
    /// Whether the allowance of one more callback is from before it began.
    grace: bool,
}

/// The judge of one engine.
#[derive(Debug)]
pub struct Checker {
    allowed: Allowed,
    flights: Vec<Flight>,
    /// The callback that runs, and its number.
    inside: Option<(Called, u64)>,
    entered: u64,
    /// One more callback may come that was on its way when a call answered.
    grace: bool,
    life: Life,
    deaths: u32,
    reaps: u32,
    held: bool,
    dropped: bool,
}

impl Default for Checker {
    fn default() -> Checker {
        Checker::new()
    }
}

impl Checker {
    /// The judge of an engine that was just attached: it asks for nothing.
    #[must_use]
    pub fn new() -> Checker {
        Checker {
            allowed: Allowed { interest: Interest::NONE, exact: true },
            flights: Vec::new(),
            inside: None,
            entered: 0,
            grace: false,
            life: Life::On,
            deaths: 0,
            reaps: 0,
            held: false,
            dropped: false,
        }
    }

    /// Takes a note.
    ///
    /// # Errors
    /// What is wrong, by the contract.
    pub fn note(&mut self, note: Note) -> Result<(), String> {
        match note {
            Note::Enter(called) => self.enter(called),
            Note::Leave(action) => self.leave(action),
            Note::Begin(id, op, by) => {
                self.begin(id, op, by);
                Ok(())
            }
            Note::End(id, answer) => self.end(id, answer),
            Note::Held => {
                self.held = true;
                Ok(())
            }
            Note::LetGo => {
                self.held = false;
                Ok(())
            }
            Note::Dropped => self.drop_it(),
        }
    }

    /// Whether a lookup may still find the engine.
    #[must_use]
    pub const fn may_be_found(&self) -> bool {
        !matches!(self.life, Life::Left) && self.reaps == 0
    }

    /// Whether it was dropped.
    #[must_use]
    pub const fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// How often it was called for death and for reap.
    #[must_use]
    pub const fn ends(&self) -> (u32, u32) {
        (self.deaths, self.reaps)
    }

    fn enter(&mut self, called: Called) -> Result<(), String> {
        let grace = core::mem::take(&mut self.grace);
        let before = self.inside.replace((called, self.entered));
        self.entered += 1;
        self.deaths += u32::from(called == Called::Event(Event::Death));
        self.reaps += u32::from(called == Called::Event(Event::Reap));
        if self.dropped {
            return Err(format!("{called:?} after the engine was dropped"));
        }
        if let Some((other, _)) = before {
            return Err(format!("{called:?} while {other:?} runs"));
        }
        if self.deaths > 1 || self.reaps > 1 {
            return Err(format!("{called:?} twice"));
        }
        if self.reaps == 1 && called != Called::Event(Event::Reap) {
            return Err(format!("{called:?} after reap"));
        }
        if self.held && !called.is_of_the_end() {
            return Err(format!("{called:?} while the engine holds the task"));
        }
        if grace {
            return Ok(());
        }
        let may = match self.life {
            Life::On => true,
            Life::Dying => called.is_of_death(),
            Life::Reap => called == Called::Event(Event::Reap),
            Life::Over | Life::Left => false,
        };
        if !may {
            return Err(format!(
                "{called:?}, though it was certain that it could not come ({:?})",
                self.life
            ));
        }
        if !called.is_in(&self.allowed.interest) {
            return Err(format!("{called:?} is outside of {:?}", self.allowed.interest));
        }
        Ok(())
    }

    fn leave(&mut self, action: Action) -> Result<(), String> {
        let Some((called, _)) = self.inside.take() else {
            return Err(String::from("a callback ends that never began"));
        };
        if called == Called::Event(Event::Death) {
            self.life = self.life.max(Life::Reap);
        }
        if action == Action::Detach && called != Called::Event(Event::Reap) {
            // The answer takes effect a moment after this note: calls may still be accepted, callbacks not.
            self.life = self.life.max(Life::Over);
            self.grace = false;
        }
        Ok(())
    }

    fn begin(&mut self, id: CallId, op: Op, by: By) {
        let mut crossed = false;
        if op.installs().is_some() {
            for flight in &mut self.flights {
                if flight.op.installs().is_some() {
                    flight.crossed = true;
                    crossed = true;
                }
            }
        }
        let flight = Flight {
            id,
            op,
            by,
            found: self.inside.map(|(_, number)| number),
            crossed,
            before: self.allowed.interest,
            after_end: !self.may_be_found(),
            grace: self.grace,
        };
        self.flights.push(flight);
        if let Some(new) = op.installs() {
            self.allowed.interest = union(&self.allowed.interest, &new);
        }
    }

    fn end(&mut self, id: CallId, answer: Answer) -> Result<(), String> {
        let Some(at) = self.flights.iter().position(|flight| flight.id == id) else {
            return Err(String::from("a call ends that never began"));
        };
        let flight = self.flights.swap_remove(at);
        self.judge_after_end(&flight, answer)?;
        match flight.op {
            Op::SetEvents(new) | Op::SetEventsSync(new) => self.end_set_events(&flight, &new, answer),
            Op::Control(Action::Detach) => self.end_detach(&flight, answer),
            Op::Control(_) => {
                if answer == Answer::Gone {
                    self.at_least(Life::Dying);
                }
                if answer == Answer::InProgress && flight.op != Op::Control(Action::Stop) {
                    return Err(format!("{:?} answered InProgress", flight.op));
                }
                Ok(())
            }
            Op::Barrier => self.end_barrier(&flight, answer),
            Op::DetachSync => self.end_detach_sync(&flight, answer),
        }
    }

    /// INV-19, SC-80: once it has left, nobody can do anything with it.
    fn judge_after_end(&self, flight: &Flight, answer: Answer) -> Result<(), String> {
        let fine = match (flight.op, answer) {
            (_, Answer::Gone | Answer::Interrupted) | (Op::Control(_), Answer::Refused) => true,
            (Op::Barrier, Answer::Done) => flight.by == By::Task,
            (Op::DetachSync, _) => true,
            _ => false,
        };
        if flight.after_end && !fine {
            return Err(format!("{:?} answered {answer:?} after the engine had left", flight.op));
        }
        Ok(())
    }

    fn end_set_events(&mut self, flight: &Flight, new: &Interest, answer: Answer) -> Result<(), String> {
        let adds_only = !forbids(&flight.before, new) && forbids(new, &flight.before);
        match answer {
            Answer::Done if flight.crossed => self.allowed.exact = false,
            // What was forbidden before, and may still run, is no matter of a call that forbids nothing (SC-17).
            Answer::Done if adds_only => self.allowed = Allowed { interest: *new, exact: true },
            Answer::Done => {
                self.allowed = Allowed { interest: *new, exact: true };
                self.grace = false;
                return self.nobody_inside(flight, |called| called.is_in(new));
            }
            Answer::InProgress => {
                if flight.by == By::Task {
                    return Err(String::from("set_events answered InProgress to the task itself"));
                }
                if !flight.crossed && self.allowed.exact && adds_only {
                    return Err(String::from("set_events answered InProgress though it only adds"));
                }
                if flight.crossed {
                    self.allowed.exact = false;
                } else {
                    self.allowed = Allowed { interest: *new, exact: true };
                    self.grace = self.inside.is_none();
                }
            }
            // Detached, or the reaper has been here: it may have come before the death callbacks (SC-78).
            Answer::Gone => self.at_least(Life::Dying),
            Answer::AlreadyDying => {
                self.at_least(Life::Dying);
                if !flight.crossed {
                    self.allowed.interest = flight.before;
                }
            }
            Answer::Interrupted => self.allowed.exact = false,
            Answer::ReapRuns | Answer::Refused => {
                return Err(format!("set_events cannot answer {answer:?}"));
            }
        }
        Ok(())
    }

    fn end_detach(&mut self, flight: &Flight, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Done => {
                self.end_for_good(false);
                self.nobody_inside(flight, |_| false)
            }
            Answer::InProgress if flight.by == By::Task => {
                Err(String::from("detach answered InProgress to the task itself"))
            }
            Answer::InProgress => {
                self.end_for_good(self.inside.is_none());
                Ok(())
            }
            Answer::AlreadyDying | Answer::Gone => {
                self.at_least(Life::Dying);
                Ok(())
            }
            Answer::ReapRuns | Answer::Interrupted | Answer::Refused => {
                Err(format!("detach cannot answer {answer:?}"))
            }
        }
    }

    fn end_barrier(&mut self, flight: &Flight, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Done => {
                if flight.grace {
                    self.grace = false;
                }
                match (self.inside, flight.found) {
                    (Some((called, now)), Some(then)) if now == then && flight.by == By::Other => {
                        Err(format!("barrier returned while {called:?} still ran"))
                    }
                    _ => Ok(()),
                }
            }
            Answer::Gone => {
                self.at_least(Life::Dying);
                Ok(())
            }
            Answer::Interrupted => Ok(()),
            _ => Err(format!("barrier cannot answer {answer:?}")),
        }
    }

    fn end_detach_sync(&mut self, flight: &Flight, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Done => {
                self.end_for_good(false);
                self.nobody_inside(flight, |_| false)
            }
            Answer::ReapRuns => {
                self.at_least(Life::Dying);
                self.grace = false;
                self.nobody_inside(flight, Called::is_of_death)
            }
            // To the task itself in its own death callback.
            Answer::AlreadyDying if flight.by == By::Task => {
                self.at_least(Life::Dying);
                Ok(())
            }
            Answer::Interrupted => {
                self.allowed.exact = false;
                Ok(())
            }
            _ => Err(format!("detach_sync cannot answer {answer:?}")),
        }
    }

    fn drop_it(&mut self) -> Result<(), String> {
        if core::mem::replace(&mut self.dropped, true) {
            return Err(String::from("dropped twice"));
        }
        match self.inside {
            Some((called, _)) => Err(format!("dropped while {called:?} runs")),
            None => Ok(()),
        }
    }

    /// No callback is inside that `fine` does not allow; the task's own calls come from inside of one.
    fn nobody_inside(&self, flight: &Flight, fine: impl Fn(Called) -> bool) -> Result<(), String> {
        match self.inside {
            Some((called, _)) if flight.by == By::Other && !fine(called) => {
                Err(format!("{:?} was done while {called:?} still ran", flight.op))
            }
            _ => Ok(()),
        }
    }

    /// From here on no more than `life`, but for the callback that may be on its way.
    fn at_least(&mut self, life: Life) {
        if self.life < life {
            self.life = life;
            self.grace |= self.inside.is_none();
        }
    }

    fn end_for_good(&mut self, grace: bool) {
        self.life = Life::Left;
        self.grace = grace;
    }
}

/// Whether going from `old` to `new` forbids something that was allowed.
fn forbids(old: &Interest, new: &Interest) -> bool {
    let fewer_syscalls =
        old.events.intersects(EventSet::SYSCALL) && old.syscalls.union(&new.syscalls) != new.syscalls;
    let fewer_signals =
        old.events.intersects(EventSet::SIGNAL) && old.signals.union(new.signals) != new.signals;
    !(old.events - new.events).is_empty() || fewer_syscalls || fewer_signals
}

fn union(one: &Interest, other: &Interest) -> Interest {
    Interest {
        events: one.events | other.events,
        syscalls: one.syscalls.union(&other.syscalls),
        signals: one.signals.union(other.signals),
    }
}

#[cfg(test)]
mod tests;
