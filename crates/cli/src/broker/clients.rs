//! The clients of ptrace(2): trees that came by `utrace ptrace`, and the processes outside that they trace.
//!
//! Key functions: [`enlist`], [`sweep`]. Key types: [`Clerk`], which does for the ptrace engine what it may not do itself:
//! it looks at credentials, and has the host attach. That is done on a thread of its own, for the engine asks from the
//! tracer thread, which must be free to do it.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::thread;

use utrace_core::Task;
use utrace_engines::ptrace::{Done, Keeper, Ptrace, Standing};
use utrace_engines::tool::{Origin, Tool as _};
use utrace_host::{Builder, Errno, Filter, Host, HostError, Tid};

use super::access::{self, Power};
use super::roll::{self, Roll};
use super::server::{Member, Server, Traced, What};

/// The name of the ptrace engine on threads that it only knows.
const KNOWN: &str = "ptrace client";

/// What the ptrace engine asks for.
enum Order {
    Acquire { caller: u32, target: u32, done: Done },
    Idle(u32),
}

/// The ptrace engine's keeper.
struct Clerk(Sender<Order>);

impl Keeper for Clerk {
    fn may_trace(&self, caller: u32, target: u32) -> bool {
        may_trace(caller, target)
    }

    fn is_bounded(&self, tracer: u32) -> bool {
        let rules = access::rules();
        // One that cannot be looked at is not trusted.
        rules.supervisor == Power::Privileged
            && access::look(tracer).is_none_or(|tracer| !access::is_boundless(&tracer))
    }

    fn may_keep(&self, tracer: u32, tracee: u32) -> Standing {
        let supervisor = access::rules().supervisor;
        let refused = || {
            let subjects = access::look(tracer).zip(access::look(tracee));
            subjects.is_none_or(|(tracer, tracee)| !access::may_keep(&tracer, &tracee, supervisor))
        };
        // A dead leader is refused too, until a thread that makes an exec takes its place: then it counts what that is.
        match refused() {
            false => Standing::Keeps,
            true if access::is_gone(tracee) => Standing::Gone,
            true if refused() => Standing::Lost,
            true => Standing::Keeps,
        }
    }

    fn acquire(&self, caller: u32, target: u32, done: Done) {
        if let Err(mpsc::SendError(Order::Acquire { done, .. })) =
            self.0.send(Order::Acquire { caller, target, done })
        {
            // The host is being shut down; the client is killed with it. Not from this thread, which it waits for.
            let _ = thread::Builder::new().spawn(move || done(i64::from(-Errno::EPERM.raw())));
        }
    }

    fn idle(&self, process: u32) {
        let _ = self.0.send(Order::Idle(process));
    }
}

fn may_trace(caller: u32, target: u32) -> bool {
    let subjects = access::look(caller).zip(access::look(target));
    subjects.is_some_and(|(caller, target)| access::may_trace(&caller, &target, access::rules()))
}

/// The host with its ptrace engine.
pub(super) fn prepare(host: Builder) -> Result<Traced, HostError> {
    let (orders, inbox) = mpsc::channel();
    let ptrace = Arc::new(Ptrace::kept_by(Arc::new(Clerk(orders))));
    let host = match ptrace.answers() {
        Some(answers) => host.answers_others(answers),
        None => host,
    };
    let traced = Traced { host: host.start()?, ptrace };
    let (host, ptrace) = (traced.host.clone(), Arc::downgrade(&traced.ptrace));
    thread::Builder::new()
        .name("clerk".to_owned())
        .spawn(move || work(&inbox, &host, &ptrace))
        .map_err(|_| HostError::Start("start a thread", Errno::ENOMEM))?;
    Ok(traced)
}

/// Until nobody can ask any more.
fn work(inbox: &Receiver<Order>, host: &Host, ptrace: &Weak<Ptrace>) {
    while let Ok(order) = inbox.recv() {
        let Some(ptrace) = ptrace.upgrade() else { break };
        let traced = Traced { host: host.clone(), ptrace };
        match order {
            Order::Acquire { caller, target, done } => {
                let errno = acquire(&traced, caller, target).err().map_or(0, |errno| -errno.raw());
                done(i64::from(errno));
            }
            Order::Idle(process) => sweep(&traced, process),
        }
    }
}

fn acquire(traced: &Traced, caller: u32, target: u32) -> Result<(), Errno> {
    // What is not to be looked at by us is not to be traced by us either.
    let unseen = || if access::is_there(target) { Errno::EPERM } else { Errno::ESRCH };
    let process = access::look(target).ok_or_else(unseen)?.process;
    if !may_trace(caller, target) {
        return Err(Errno::EPERM);
    }
    let pid = Tid::new(process.cast_signed()).ok_or(Errno::ESRCH)?;
    let ptrace = Arc::clone(&traced.ptrace);
    let joined = traced.host.join(pid, move |task| {
        // One that is gone cannot be traced.
        let _ = ptrace.admit(task);
    });
    joined.map_err(|error| match error {
        HostError::NoSuchProcess(_) | HostError::PidReused(_) | HostError::Died(_) => Errno::ESRCH,
        _ => Errno::EPERM,
    })?;
    // It may have become another's by an exec, or the number another process's, before it was ours.
    if may_trace(caller, target) {
        Ok(())
    } else {
        sweep(traced, process);
        Err(Errno::EPERM)
    }
}

/// Leaves a process if nobody traces it any more.
pub(super) fn sweep(traced: &Traced, process: u32) {
    let Some(pid) = Tid::new(process.cast_signed()) else { return };
    let ptrace = Arc::clone(&traced.ptrace);
    // In use, or gone, or behind a filter that it cannot live without: it stays as it is.
    let _ = traced.host.leave_unused(pid, move |tasks| tasks.iter().any(is_traced) || !ptrace.release(tasks));
}

/// Whether an engine is on it that does more than to know it.
fn is_traced(task: &Task) -> bool {
    task.engines().iter().any(|engine| ![KNOWN, roll::NAME].contains(&engine.name()))
}

/// The filter for clients that can have one with a listening end.
pub(super) fn filter() -> Filter {
    Filter::asking(&Ptrace::new().answers().map(|answers| answers.calls()).unwrap_or_default())
}

/// How the calls of a client come to us.
#[derive(Debug)]
pub(super) enum Caught {
    /// It is behind that filter, and this is its listening end.
    Asks(OwnedFd),
    /// A filter stops it at them, and nobody but we can resume it.
    ByFilter,
    /// It stops at all its calls. There is a filter whose questions would go before our filter's stops (seccomp(2)).
    AtAllCalls,
}

/// Takes a process in as a client; the filter that it must install.
pub(super) fn enlist(server: &Arc<Server>, pid: u32, caught: Caught) -> Result<Option<Filter>, HostError> {
    let target = Tid::new(pid.cast_signed()).ok_or(HostError::Ended)?;
    let traced = server.begin_use()?;
    let roll = Roll::new();
    let (ptrace, counted) = (Arc::clone(&traced.ptrace), Arc::clone(&roll));
    let asks = matches!(caught, Caught::Asks(_));
    let adopt = move |task: &Task| {
        // One that is gone asks for nothing.
        let _ = if asks { ptrace.enlist(task) } else { ptrace.attach(task, Origin::Attached) };
        let _ = counted.enter(task);
    };
    let enlisted = match caught {
        Caught::Asks(listener) => traced.host.listen(target, listener, adopt).map(|_| None),
        Caught::ByFilter => traced.host.enlist(target, adopt).map(|enlisted| enlisted.filter),
        Caught::AtAllCalls => traced.host.join(target, adopt).map(|_| None),
    };
    let filter = match enlisted {
        Ok(filter) => filter,
        Err(error) => {
            server.end_use(|| ());
            return Err(error);
        }
    };
    server.enter(Member { roll: Arc::clone(&roll), pid, what: What::Tree });
    let server = Arc::clone(server);
    let wait = move || {
        roll.wait_empty();
        server.strike(&roll);
        server.end_use(|| ());
    };
    thread::Builder::new()
        .name("tree".to_owned())
        .spawn(wait)
        .map_err(|_| HostError::Start("start a thread", Errno::ENOMEM))?;
    Ok(filter)
}
