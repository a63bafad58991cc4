//! Attaching to every thread of a running process.
//!
//! Threads are seized as `/proc/PID/task` shows them, pass after pass, until one shows nothing new. A thread made
//! by a seized thread is ours from birth (its parent's event follows); one made by a thread that was not seized yet
//! shows up in the next pass. SEIZE stops nobody, so a process of a thousand threads does not notice.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use utrace_core::Task;

use super::report::task_id;
use super::tracee::{Group, Origin, Phase, Run};
use super::{AT_A_TIME, Tracer};
use crate::error::{HostError, Refusal};
use crate::process::{Ending, Outcome, Process};
use crate::procfs::{self, Stat, State};
use crate::quiet::Care;
use crate::quiet::place::Sight;
use crate::sys::Errno;
use crate::sys::perf;
use crate::sys::process as os;
use crate::sys::ptrace::{self, Options, Request};
use crate::sys::seize::Impatience;
use crate::sys::wait;
use crate::types::Tid;

/// How often a thread is tried again that the kernel refused for a reason that is not to be seen afterwards.
const TRIES: u32 = 5;

/// What became of an attempt to seize one thread.
enum Seized {
    /// It is ours, by this number: one that ran a new program meanwhile has that of its process.
    Now(Tid),
    /// It runs a new program, which takes long: perhaps because threads that are ours have to end before.
    Later,
    /// It is gone, or is ours already as somebody's child.
    Nothing,
}

impl Tracer {
    pub(super) fn attach(
        &mut self,
        pid: Tid,
        origin: Origin,
        adopt: &mut dyn FnMut(&Task),
    ) -> Result<Process, HostError> {
        if self.table.contains(pid) {
            return Err(examine(pid).err().unwrap_or(HostError::AlreadyOurs(pid)));
        }
        if self.shared.manners.care == Care::Strict {
            examine(pid)?;
            check_unnoticed(pid)?;
        }
        let outcome = Arc::new(Outcome::default());
        let group = new_group(pid, origin, &outcome);
        let mut tasks = Vec::new();
        // The kernel refuses whomever `examine` would, and a leader that is ours keeps its number until we have waited for
        // it. So what is usual takes one look at `/proc`, and why it was refused is looked up afterwards.
        let sight = Sight::open(pid).ok();
        let usual = match sight {
            Some(_) => ptrace::seize(pid, options_for(origin)),
            None => Err(Errno::ENOENT),
        };
        let first = match usual {
            Ok(()) => {
                tasks.push(self.adopt_thread(pid, sight, &group, adopt));
                // Asked after the SEIZE: whoever this one thread makes is ours from birth.
                if procfs::is_single(pid) && wait::is_ours(pid) {
                    return Ok(Process { pid, tasks, outcome });
                }
                match procfs::stat(pid) {
                    Ok(stat) if stat.threads > 1 || !wait::is_ours(pid) => stat,
                    // Gone already: its end comes as news.
                    _ => return Ok(Process { pid, tasks, outcome }),
                }
            }
            Err(_) => examine(pid)?,
        };
        let impatience = Impatience::new();
        let mut seen: HashSet<Tid> = tasks.iter().map(|_| pid).collect();
        let mut now = Ok(first);
        while let Ok(stat) = now {
            let before = seen.len();
            for tid in threads_of(pid, stat)? {
                if !seen.insert(tid) || self.table.contains(tid) {
                    continue;
                }
                let seize = || seize_thread(&impatience, pid, tid, origin, tasks.is_empty(), TRIES);
                let mut seized = seize();
                while let Ok(Seized::Later) = seized {
                    // Those that are ours already may be what it waits for.
                    self.catch_up();
                    seized = seize();
                }
                match seized {
                    Ok(Seized::Now(tid)) if self.table.contains(tid) => {}
                    Ok(Seized::Now(tid)) => {
                        tasks.push(self.adopt_thread(tid, Sight::open(tid).ok(), &group, adopt));
                        // Those that came first may have stopped: they need not wait for the last one.
                        if tasks.len().is_multiple_of(AT_A_TIME as usize) {
                            self.catch_up();
                        }
                    }
                    Ok(Seized::Nothing | Seized::Later) => {}
                    Err(error) => {
                        self.leave_group(&group);
                        return Err(error);
                    }
                }
            }
            if seen.len() == before {
                if !self.bury_superseded(pid) {
                    break;
                }
                seen.remove(&pid);
                tasks.retain(|task| task.id() != task_id(pid));
            }
            now = procfs::stat(pid);
        }
        // The number must still mean the process that it meant when we began.
        let error = match now {
            Ok(now) if now.start_time != first.start_time => HostError::PidReused(pid),
            Ok(_) if !tasks.is_empty() => {
                self.expect_signals(pid);
                return Ok(Process { pid, tasks, outcome });
            }
            Ok(_) if procfs::status(pid).is_ok_and(|status| status.is_traced_by_caller()) => {
                HostError::AlreadyOurs(pid)
            }
            Ok(_) => HostError::Zombie(pid),
            Err(_) => HostError::NoSuchProcess(pid),
        };
        self.leave_group(&group);
        Err(error)
    }

    /// A thread that was not ours yet has run a new program, and has the first thread's number since, which the kernel has
    /// released without a word. Whether it was so.
    fn bury_superseded(&mut self, pid: Tid) -> bool {
        if wait::is_ours(pid) {
            return false;
        }
        let Some(leader) = self.table.take(pid) else { return false };
        self.bury(leader, Ending::Exited(0), false);
        true
    }

    /// The kernel prefers to wake the first thread for a signal that is sent to the process.
    fn expect_signals(&mut self, pid: Tid) {
        if let Some(mut leader) = self.table.take(pid) {
            self.ensnare_soon(&mut leader);
            self.table.put(leader);
        }
    }

    fn adopt_thread(
        &mut self,
        tid: Tid,
        mut sight: Option<Sight>,
        group: &Rc<Group>,
        adopt: &mut dyn FnMut(&Task),
    ) -> Task {
        let mut tracee = self.new_tracee(tid, Rc::clone(group), Phase::Living, Run::Running(Request::Cont));
        if let Some(sight) = &mut sight {
            self.time_attached(&mut tracee, sight);
        }
        let task = tracee.task.clone();
        self.table.insert(tracee);
        self.guarded(tid, || adopt(&task));
        // What the engines want is in the mailbox too. Here it takes half as long, while what was read is still true.
        if let Some(mut tracee) = self.table.take(tid) {
            self.ask_calls_of_seen(&mut tracee, sight);
            self.table.put(tracee);
        }
        task
    }
}

fn new_group(pid: Tid, origin: Origin, outcome: &Arc<Outcome>) -> Rc<Group> {
    Rc::new(Group {
        pid,
        origin,
        filter: RefCell::new(None),
        outcome: Some(Arc::clone(outcome)),
        embryo: RefCell::new(None),
        habits: super::snare::Habits::new(),
    })
}

/// Why we may not trace this process, as far as `/proc` tells. For who knows already that we may not.
pub(crate) fn why_not(pid: Tid) -> HostError {
    match examine(pid).and_then(|_| why_refused(pid, pid)) {
        Err(error) => error,
        // It changed while we looked.
        Ok(_) => HostError::NoSuchProcess(pid),
    }
}

/// What can be known before the first SEIZE. The start time names the process for good.
///
/// That somebody traces it already is found out by the SEIZE, at no cost for those whom nobody does: `status` is long.
fn examine(pid: Tid) -> Result<Stat, HostError> {
    if procfs::is_own(pid) {
        return Err(HostError::SelfAttach);
    }
    let stat = procfs::stat(pid).map_err(|_| absent(pid))?;
    if stat.is_kernel_thread() {
        return Err(HostError::KernelThread(pid));
    }
    // A dead leader of living threads is a zombie too: those can be traced.
    if stat.state == State::Dead && stat.threads <= 1 { Err(HostError::Zombie(pid)) } else { Ok(stat) }
}

/// The threads of a process. A single one need not be looked for: it is the leader, and what it makes once it is
/// seized is ours from birth.
fn threads_of(pid: Tid, stat: Stat) -> Result<Vec<Tid>, HostError> {
    match stat.threads {
        1 => Ok(vec![pid]),
        _ => procfs::threads(pid).map_err(|_| HostError::NoSuchProcess(pid)),
    }
}

/// Nothing is known of it: because it is not there, or because nothing is known of anybody.
fn absent(pid: Tid) -> HostError {
    match procfs::stat(pid) {
        Err(errno) if !procfs::is_mounted() => HostError::Start("/proc is not mounted", errno),
        _ => HostError::NoSuchProcess(pid),
    }
}

/// Whether a blocked thread of it could be stopped without waking it.
fn check_unnoticed(pid: Tid) -> Result<(), HostError> {
    // No program is at this address, so nothing comes of it.
    const NOWHERE: u64 = 0x1000;
    match perf::Event::breakpoint(pid, NOWHERE) {
        // A dead leader says nothing about the others.
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(HostError::NotPermitted(pid, Refusal::Disturbs(errno))),
    }
}

fn options_for(origin: Origin) -> Options {
    match origin {
        Origin::LaunchedDies => Options::EVERYTHING.with_exitkill(),
        Origin::LaunchedLives | Origin::Attached => Options::EVERYTHING,
    }
}

fn seize_thread(
    impatience: &Impatience,
    pid: Tid,
    tid: Tid,
    origin: Origin,
    first: bool,
    tries: u32,
) -> Result<Seized, HostError> {
    match impatience.seize(tid, options_for(origin)) {
        Ok(()) if tid != pid && os::tgkill(pid, tid, 0) == Err(Errno::ESRCH) => Ok(Seized::Now(pid)),
        Ok(()) => Ok(Seized::Now(tid)),
        Err(Errno::EINTR) => Ok(Seized::Later),
        Err(Errno::ESRCH) if first && !procfs::exists(pid) => Err(HostError::NoSuchProcess(pid)),
        Err(Errno::ESRCH) => Ok(Seized::Nothing),
        Err(Errno::EPERM | Errno::EACCES) => match why_refused(pid, tid) {
            // No reason is to be seen. Another tracer, which has left it since, may have been one.
            Err(HostError::NotPermitted(_, Refusal::Privileged)) if tries > 0 => {
                seize_thread(impatience, pid, tid, origin, first, tries - 1)
            }
            why => why,
        },
        Err(errno) => Err(HostError::Ptrace("seize", tid, errno)),
    }
}

/// The kernel says only "not permitted"; the reason is looked up.
fn why_refused(pid: Tid, tid: Tid) -> Result<Seized, HostError> {
    let Ok(status) = procfs::status(tid) else { return Ok(Seized::Nothing) };
    if procfs::stat(tid).map_or(true, |stat| stat.is_ending()) {
        return Ok(Seized::Nothing);
    }
    match status.tracing_process() {
        Some(_) if status.is_traced_by_caller() => return Ok(Seized::Nothing),
        Some(tracer) => return Err(HostError::AlreadyTraced { pid, tracer, name: procfs::name(tracer) }),
        None => {}
    }
    let us = os::effective_uid();
    let refusal = if us != 0 && us != status.uid {
        Refusal::OtherUser(status.uid)
    } else {
        match procfs::yama_scope() {
            Some(level @ 3..) => Refusal::Yama(level),
            Some(level @ 1..) if us != 0 => Refusal::Yama(level),
            _ => Refusal::Privileged,
        }
    };
    Err(HostError::NotPermitted(pid, refusal))
}
