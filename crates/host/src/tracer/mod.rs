//! The tracer thread: waits for stops, has them reported, resumes.
//!
//! [`Tracer::run`] is the loop. One stop goes: wait4 -> [`crate::stop::decode`] -> the handler of that kind of stop
//! (`syscalls`, `signals`, `jctl`, `step`, `life`) -> a report through the core's [`utrace_core::Reporter`] (`report`) -> a verdict,
//! carried out in `resume`. Messages from other threads are served in between (`message`); `launch`, `attach`, `join` and
//! `leave` begin and end the tracing of a process, `part` that of one among others. `table` finds tracees, `tracee` is one. Nothing here knows what
//! an engine does.

mod ahead;
mod answer;
mod attach;
mod debug;
mod deliver;
mod hook;
mod jctl;
mod join;
mod launch;
mod layout;
mod leave;
mod life;
mod limits;
mod message;
mod part;
mod quiet;
mod report;
mod resume;
mod signals;
mod snare;
mod step;
mod syscalls;
mod table;
mod tracee;
mod unheard;
mod untraced;
mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::HostError;
use crate::glance;
use crate::mailbox::RING;
use crate::mourner::Mourner;
use crate::notice::Notice;
use crate::notify::Answerer;
use crate::placement::Placement;
use crate::process::Outcome;
use crate::quiet::recheck::Recheck;
use crate::shared::Shared;
use crate::stop::{Stop, decode, needs_message};
use crate::sys::Errno;
use crate::sys::ptrace::{self, Options, Request};
use crate::sys::roll::Roll;
use crate::sys::wait::{self, Usage, WaitStatus};
use crate::sys::{perf, process, spawn};
use crate::tracee::{Carries, Gone, Stopped};
use crate::types::Tid;

use answer::Desks;
pub(crate) use attach::why_not;
pub(crate) use join::{Attaching, Company};
#[cfg(test)]
pub(crate) use layout::regs_to_bytes;
pub(crate) use message::{AttachAllOrder, AttachOrder, LaunchOrder, Message};
pub(crate) use part::{DetachOrder, Whole};
pub(crate) use table::Key;
use table::Table;
use tracee::{Run, Tracee};

/// How many messages are served, or threads left, before it is the turn of stops that have come meanwhile.
const AT_A_TIME: u32 = 4;
/// How many of those before it is the turn of mail again.
const STOPS_AT_A_TIME: u32 = 16;

/// How long to look for more mail from somebody who was just answered, before sleeping: a little more than being woken
/// takes.
const LINGER: Duration = Duration::from_micros(60);

/// Whether the loop goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    On,
    End,
}

/// Everything that the tracer thread owns.
pub(crate) struct Tracer {
    shared: Arc<Shared>,
    bell: Tid,
    table: Table,
    /// News of threads that we do not know yet: children whose parent's event is still to come.
    early: HashMap<Tid, life::Early>,
    /// Children of ours that are no longer traced, whose end is still waited for.
    children: HashMap<Tid, Arc<Outcome>>,
    usage: Usage,
    placement: Placement,
    /// Whether the mailbox says that we look for mail by ourselves.
    lingers: bool,
    recheck: Recheck,
    /// Keeps perf events cheap to make, once one was needed.
    dummy: Option<perf::Event>,
    /// Threads that our death could leave stopped.
    roll: Arc<Roll>,
    /// Who hears of the release of the dead, from the first one on.
    mourner: Mourning,
    /// Who asks us, and who answers.
    desks: Desks,
}

/// What the loop hears.
enum News {
    /// Of a thread.
    Stop(Tid, WaitStatus),
    /// A call is to be answered, at this desk.
    Question(usize),
    /// There may be messages, or stops.
    Mail,
}

/// How REAP is found for processes that others are the parents of.
enum Mourning {
    /// None has died yet.
    NotYet,
    On(Mourner),
    /// It cannot be known: they are taken for released when they are dead.
    Impossible,
}

impl Tracer {
    /// Makes the calling thread a tracer with a doorbell.
    pub(crate) fn start(shared: Arc<Shared>, answerer: Option<Answerer>) -> Result<Self, HostError> {
        let roll = Roll::new().map_err(|errno| HostError::Start("map a page", errno))?;
        let bell = hang_bell(&shared, &roll)?;
        let usage = Usage::new(Arc::clone(&shared.usage_wanted));
        let (early, children) = (HashMap::new(), HashMap::new());
        let placement = Placement::new();
        let (table, recheck) = (Table::default(), Recheck::default());
        let mourner = Mourning::NotYet;
        Ok(Self {
            shared,
            bell,
            table,
            early,
            children,
            usage,
            placement,
            lingers: false,
            recheck,
            dummy: None,
            roll,
            mourner,
            desks: Desks::new(answerer),
        })
    }

    /// Serves until a shutdown is asked for.
    pub(crate) fn run(mut self) {
        loop {
            if self.shared.mailbox.has_news() {
                // What is asked for may fork, and a child inherits place and policy. Where questions are answered there
                // is mail all the time, and who forks goes home.
                if self.desks.is_empty() {
                    self.placement.go_home();
                }
                if self.serve() == Flow::End {
                    break;
                }
            }
            // Serving may post more, without a ring: only an empty mailbox lets us sleep. And who asks again and again
            // must not keep stops from their turn.
            let news = match self.shared.mailbox.has_news() {
                true => wait::look(&self.usage)
                    .map(|found| found.map_or(News::Mail, |(tid, status)| News::Stop(tid, status))),
                false => self.next(),
            };
            match news {
                Ok(News::Stop(tid, status)) if tid == self.bell => self.answer_bell(status),
                Ok(News::Stop(tid, status)) => {
                    self.handle(tid, status);
                    self.placement.served(tid);
                }
                Ok(News::Question(desk)) => self.answer(desk),
                Ok(News::Mail) => {}
                // The doorbell is always there; if even a new one cannot be had, nothing can be waited for.
                Err(_) => {
                    self.placement.go_home();
                    if self.renew_bell().is_err() {
                        break;
                    }
                }
            }
        }
        // First: who waits for an answer of ours could not be left.
        self.close_desks();
        self.leave_all();
    }

    /// The next news. Fails only if there is nothing to wait for.
    #[inline]
    fn next(&mut self) -> Result<News, Errno> {
        if self.lingers
            && let Some(news) = self.linger()?
        {
            return Ok(news);
        }
        if !self.desks.is_empty() {
            return self.hear();
        }
        let (tid, status) = match self.placement.looks() {
            0 => wait::wait_any(&self.usage),
            looks => wait::spin_any(&self.usage, looks),
        }?;
        Ok(News::Stop(tid, status))
    }

    /// Looks for more before sleeping. Whoever else wants the processor gets it meanwhile.
    #[cold]
    fn linger(&mut self) -> Result<Option<News>, Errno> {
        let until = Instant::now() + LINGER;
        let mut found = Ok(None);
        while self.desks.is_empty() && Instant::now() < until {
            if self.shared.mailbox.has_news() {
                return Ok(Some(News::Mail));
            }
            found = wait::look(&self.usage);
            if !matches!(found, Ok(None)) {
                break;
            }
            if !glance::pause() {
                break;
            }
        }
        self.lingers = false;
        // A stop goes first: what nobody rang for is found by the loop.
        let mail = self.shared.mailbox.stop_lingering().then_some(News::Mail);
        found.map(|stop| stop.map(|(tid, status)| News::Stop(tid, status)).or(mail))
    }

    /// Serves the messages that have come.
    fn serve(&mut self) -> Flow {
        for (count, message) in (1_u32..).zip(self.shared.mailbox.take()) {
            if message.has_sequel() && !self.lingers && glance::pays() {
                self.lingers = true;
                self.shared.mailbox.linger();
            }
            if self.serve_one(message) == Flow::End {
                return Flow::End;
            }
            if count.is_multiple_of(AT_A_TIME) {
                self.catch_up();
            }
        }
        Flow::On
    }

    /// Takes the stops that have come while there was much mail: an engine that attaches to a thousand threads wants
    /// something of each, and those that were seen to first should not wait until the last one was.
    #[cold]
    fn catch_up(&mut self) {
        for _ in 0..STOPS_AT_A_TIME {
            match wait::look(&self.usage) {
                Ok(Some((tid, status))) if tid == self.bell => self.answer_bell(status),
                Ok(Some((tid, status))) => self.handle(tid, status),
                // Nothing, or nothing to wait for: the loop will find out.
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// The doorbell's only stops are signals; all are swallowed. Its mail is served by the loop.
    fn answer_bell(&mut self, status: WaitStatus) {
        match decode(status, 0) {
            Ok(Stop::Exited(_) | Stop::Killed(..)) => {
                if let Err(error) = self.renew_bell() {
                    self.shared.notify(Notice::Failed(error));
                }
            }
            Ok(Stop::JobControl(_)) => drop(ptrace::resume(self.bell, Request::Listen, 0)),
            // If it was killed just now, its end comes next.
            _ => drop(ptrace::resume(self.bell, Request::Cont, 0)),
        }
    }

    /// Somebody killed the doorbell: hang another. Mail that came meanwhile is found by the loop.
    fn renew_bell(&mut self) -> Result<(), HostError> {
        self.bell = hang_bell(&self.shared, &self.roll)?;
        Ok(())
    }

    /// Takes the news of one thread to its handler.
    #[inline]
    fn handle(&mut self, tid: Tid, status: WaitStatus) {
        let Some(tracee) = self.table.take(tid) else { return self.handle_stranger(tid, status) };
        if let Some(used) = self.usage.of(tid) {
            tracee.sign.keep_usage(used);
        }
        let stop = match self.read(tid, status) {
            Ok(stop) => stop,
            // It died since; its end comes next.
            Err(None) => return self.table.put(tracee),
            Err(Some(notice)) => {
                self.shared.notify(notice);
                return self.resume_unknown(tracee);
            }
        };
        self.dispatch(tracee, stop);
    }

    /// Decodes a status, with its number where it has one.
    fn read(&self, tid: Tid, status: WaitStatus) -> Result<Stop, Option<Notice>> {
        let message = if needs_message(status) {
            match ptrace::event_message(tid) {
                Ok(message) => message,
                Err(Errno::ESRCH) => return Err(None),
                Err(errno) => return Err(Some(Notice::Failed(HostError::Ptrace("read event", tid, errno)))),
            }
        } else {
            0
        };
        decode(status, message)
            .map_err(|unknown| Some(Notice::UnknownStop { tid, status: unknown.to_string() }))
    }

    #[inline]
    fn dispatch(&mut self, mut tracee: Box<Tracee>, stop: Stop) {
        let ended = match stop {
            Stop::Exited(code) => Some(crate::process::Ending::Exited(code)),
            Stop::Killed(signal, core) => Some(crate::process::Ending::Killed(signal, core)),
            _ => None,
        };
        if let Some(ending) = ended {
            return self.died(tracee, ending);
        }
        let was = core::mem::replace(&mut tracee.run, Run::Handled);
        if let Run::Held(..) = was {
            // Only SIGKILL makes a stop after a stop that we did not end (INV-34).
            tracee.reporter.killed();
        }
        let stopped = Stopped::seen_by_wait(tracee.tid);
        if tracee.parting.is_some() {
            return self.at_parting(tracee, stopped, stop);
        }
        if !tracee.quiet.is_idle() {
            return self.at_stop_of_trap(tracee, stopped, stop);
        }
        self.at_stop(tracee, stopped, stop);
    }

    #[inline]
    fn at_stop(&mut self, tracee: Box<Tracee>, stopped: Stopped, stop: Stop) {
        match stop {
            Stop::Syscall => self.at_syscall(tracee, stopped.that(Carries::Sends), stop),
            Stop::Seccomp => self.at_syscall(tracee, stopped, stop),
            Stop::Signal(signal) => self.at_signal(tracee, stopped.that(Carries::Delivers), signal),
            Stop::Interrupted => self.at_interrupt(tracee, stopped),
            Stop::JobControl(signal) => self.at_group_stop(tracee, stopped, signal),
            Stop::Born(birth, child) => self.at_birth(tracee, stopped, birth, child),
            Stop::VforkDone => self.go_mid(tracee, stopped),
            Stop::Exec(former) => self.at_exec(tracee, stopped, former),
            Stop::Exiting(status) => self.at_exit(tracee, stopped, status),
            Stop::Exited(_) | Stop::Killed(..) => {}
        }
    }

    /// Resumes a tracee after a stop that we do not understand: it must run, whatever it was.
    fn resume_unknown(&mut self, mut tracee: Box<Tracee>) {
        tracee.run = Run::Handled;
        let stopped = Stopped::seen_by_wait(tracee.tid);
        self.go_mid(tracee, stopped);
    }

    /// A step on a tracee failed: died is news that wait4 will bring, anything else is told.
    fn note(&self, tid: Tid, gone: Gone) {
        if gone != Gone::Died {
            self.shared.notify(Notice::Failed(gone.on(tid)));
        }
    }
}

fn hang_bell(shared: &Shared, roll: &Roll) -> Result<Tid, HostError> {
    let bell = spawn::fork_sleeper(c"utrace-doorbell", RING, roll)
        .map_err(|errno| HostError::Start("make the doorbell process", errno))?;
    if let Err(errno) = ptrace::seize(bell, Options::NONE) {
        let _ = process::kill(bell, libc::SIGKILL);
        let _ = wait::wait_for(bell);
        return Err(HostError::Start("ptrace(2)", errno));
    }
    shared.mailbox.own();
    shared.mailbox.hang(bell);
    Ok(bell)
}
