//! The engine on every thread of the tree: catches its ptrace and wait calls.
//!
//! Key types: [`Client`]. A ptrace call is answered at its entry and never runs. A wait is answered at its entry if a
//! link has news; otherwise it sleeps, in the kernel's own wait if that has children to report and in pause(2) if not,
//! and is woken by an interrupt. It then finds its answer in [`Client::settle`], where the registers say that the call
//! was interrupted: the answer takes the place of the restart.

use std::collections::VecDeque;
use std::sync::Arc;

use utrace_abi::ptrace::{PTRACE_ATTACH, PTRACE_SEIZE};
use utrace_core::{
    Action, Answer, Attach, AttachError, BarrierError, CloneKind, CloneReport, Cx, DeathReport, Engine,
    Event, ExecReport, JctlKind, JctlReport, Match, Place, SigInfo, SignalKind, SignalReport, Syscall,
    SyscallEntry, SyscallExit, Target, Task,
};

use super::examine;
use super::habit::Habit;
use super::keeper::{Asked, Role};
use super::memory;
use super::num;
use super::own::Chain;
use super::peek;
use super::proc;
use super::serve::{self, Call};
use super::wait::{WaitCall, Which};
use super::width::Width;
use super::world::{Caught, Found, Halted, Sleep, Thread, Threads, Waiting, World, client_interest};

/// Attaches the engine to a thread, whose process was made by thread `maker`.
///
/// # Errors
/// The thread is gone, or is one of ours already.
pub(super) fn adopt(
    world: &Arc<World>,
    task: &Task,
    maker: u32,
    (role, how): (Role, Caught),
) -> Result<(), AttachError> {
    let mut threads = world.lock();
    if let Some(known) = threads.threads.get_mut(&task.id().0).filter(|known| known.task == *task) {
        if role == Role::Client {
            known.role = role;
            if how == Caught::AsQuestions {
                known.how = how;
            }
            known.watch();
        }
        return Ok(());
    }
    let place = Attach { exclusive: Some(Match::kind_of::<Client>()), place: Place::First, tag: 0 };
    let engine = task.attach_with(Box::new(Client { world: Arc::clone(world) }), place)?;
    let _ = engine.set_events(client_interest(role, how)).map_err(|_| AttachError::Gone)?;
    let (tid, process) = (task.id().0, task.process().0);
    let traces = threads.threads.values().any(|thread| thread.process == process && thread.traces);
    let thread = Thread {
        task: task.clone(),
        engine,
        process,
        role,
        asked: None,
        halted: Halted::No,
        maker,
        how,
        waiting: None,
        traces,
        filters: Chain::default(),
        sent: VecDeque::new(),
        names: None,
        habit: Habit::default(),
    };
    threads.threads.insert(tid, thread);
    Ok(())
}

/// The engine.
pub(super) struct Client {
    world: Arc<World>,
}

/// What becomes of a call.
pub(super) enum Outcome {
    /// The kernel answers it.
    Native,
    /// This is its result.
    Result(i64),
    /// It sleeps in pause until there is news.
    Pause,
    /// It stands before the call until the keeper has answered.
    Hold,
}

/// The result of a ptrace(2); `None` if the kernel is to give it.
pub(super) fn requested(world: &Arc<World>, call: &Call, client: &mut dyn Target) -> Option<i64> {
    let mut threads = world.lock();
    serve::serve(world, &mut threads, call, client)
}

/// A wait taken apart; `None` for what the kernel refuses or we leave to it.
pub(super) fn resolved(world: &World, caller: u32, call: &Syscall) -> Option<WaitCall> {
    let mut call = WaitCall::decode(call.arch, call.number, call.args)?;
    let global = |id| world.lock().global(caller, id);
    call.which = match call.which {
        Which::PidFd(fd) => Which::One(proc::pidfd(caller, fd)?),
        Which::One(id) => Which::One(global(id)),
        Which::Group(id @ 1..) => Which::Group(global(id)),
        Which::Any | Which::Group(0) => call.which,
    };
    Some(call)
}

impl Client {
    fn ptrace(&self, caller: u32, call: &Syscall, client: &mut dyn Target) -> Outcome {
        let Some(mut call) = Call::decode(caller, call.arch, call.args) else { return Outcome::Native };
        let mut threads = self.world.lock();
        call.pid = threads.global(caller, call.pid);
        match serve::serve(&self.world, &mut threads, &call, client) {
            Some(result) => {
                if let Some(thread) = threads.threads.get_mut(&caller) {
                    thread.answer_taken();
                }
                Outcome::Result(result)
            }
            None => ask_keeper(&self.world, &mut threads, &call),
        }
    }

    fn wait(&self, caller: u32, call: &Syscall, client: &mut dyn Target) -> Outcome {
        let Some(call) = resolved(&self.world, caller, call) else { return Outcome::Native };
        if call.usage != 0 {
            // From now on it is counted.
            let _ = client.usage();
        }
        let mut threads = self.world.lock();
        if let Some(found) = threads.find(caller, &call) {
            return Outcome::Result(answer(&call, Some(&found), client));
        }
        threads.note_withheld(caller, &call);
        let sleep = if !threads.has_links(caller, &call) || threads.has_children(caller, &call) {
            Sleep::InWait
        } else if call.is_polling() {
            return Outcome::Result(answer(&call, None, client));
        } else {
            Sleep::InPause
        };
        if call.is_polling() {
            return Outcome::Native;
        }
        let Some(thread) = threads.threads.get_mut(&caller) else { return Outcome::Native };
        thread.waiting = Some(Waiting { call, sleep, ip: 0 });
        if thread.traces {
            thread.watch();
        }
        if sleep == Sleep::InPause { Outcome::Pause } else { Outcome::Native }
    }

    /// A call that begins again waits for the keeper first; one that stops at its calls stands before it.
    fn stands_before_call(&self, caller: u32) -> Action {
        let threads = self.world.lock();
        let waits = threads
            .threads
            .get(&caller)
            .is_some_and(|thread| thread.how == Caught::AsQuestions && thread.asked == Some(Asked::Pending));
        if waits { Action::Stop } else { Action::Resume }
    }

    /// A wait was interrupted: by us because there is news, or by a signal. Puts the answer into the registers, or what
    /// makes the call start again.
    fn settle(&self, caller: u32, client: &mut dyn Target, next: Next) {
        let mut threads = self.world.lock();
        if next == Next::Exit && threads.sleep_of(caller) == Some(Sleep::Leaving) {
            // The stop that it leaves for comes next.
            return;
        }
        let Some(waiting) = take_waiting(&mut threads, caller) else { return };
        let Ok(mut regs) = peek::regs(client) else { return };
        if waiting.is_before_pause(&regs) {
            // A signal came before it slept.
            regs.rip += 2;
        } else if waiting.is_fault(&regs) {
            // Interrupted too, and what it was interrupted for is told.
            let _ = threads.find(caller, &waiting.call);
            return;
        } else if !waiting.is_interrupted(&regs) {
            return;
        }
        match threads.find(caller, &waiting.call) {
            Some(found) => {
                let result = answer(&waiting.call, Some(&found), client);
                regs.rax = result.cast_unsigned();
                regs.orig_rax = u64::MAX;
            }
            None if waiting.sleep == Sleep::Leaving
                && next == Next::Program
                && threads.has_links(caller, &waiting.call) =>
            {
                regs.rax = waiting.call.width.pause();
                regs.orig_rax = u64::MAX;
                regs.rip -= 2;
                if let Some(thread) = threads.threads.get_mut(&caller) {
                    thread.waiting = Some(Waiting { sleep: Sleep::InPause, ..waiting });
                    thread.watch();
                }
            }
            None => {
                regs.rax = num::ERESTARTSYS.cast_unsigned();
                regs.orig_rax = waiting.call.own_nr;
            }
        }
        // It died if this fails.
        let _ = peek::set_regs(client, &regs);
    }
}

/// If somebody outside the tree is to be traced, the keeper brings it in, and this call is looked at again.
pub(super) fn ask_keeper(world: &Arc<World>, threads: &mut Threads, call: &Call) -> Outcome {
    if !matches!(call.request, PTRACE_ATTACH | PTRACE_SEIZE) {
        return Outcome::Native;
    }
    let Some(keeper) = threads.keeper.clone() else { return Outcome::Native };
    let Some(thread) = threads.threads.get_mut(&call.caller) else { return Outcome::Native };
    match thread.asked {
        Some(Asked::Pending) => Outcome::Hold,
        Some(Asked::Answered(about, error)) if about == call.pid => {
            thread.answer_taken();
            // It was brought in, and is gone again.
            Outcome::Result(if error < 0 { error } else { num::ESRCH })
        }
        // What was asked before is of no use to one that left that call by a signal's handler.
        Some(Asked::Answered(..)) | None => {
            thread.asked = Some(Asked::Pending);
            thread.watch();
            let (world, caller, about) = (Arc::clone(world), call.caller, call.pid);
            keeper.acquire(
                caller,
                about,
                Box::new(move |result| answered(&world, caller, Asked::Answered(about, result))),
            );
            Outcome::Hold
        }
    }
}

/// The keeper has done what a client asked for: it makes its call now.
fn answered(world: &World, caller: u32, answer: Asked) {
    let engine = {
        let mut threads = world.lock();
        let Some(thread) = threads.threads.get_mut(&caller) else { return };
        thread.asked = Some(answer);
        thread.engine.clone()
    };
    // The stop is installed when the callback has returned: resuming before would be undone by it.
    while engine.barrier() == Err(BarrierError::Interrupted) {}
    // The call is looked at again. A client that is gone makes none.
    let _ = engine.control(Action::Report);
}

fn take_waiting(threads: &mut Threads, caller: u32) -> Option<Waiting> {
    let thread = threads.threads.get_mut(&caller)?;
    let waiting = thread.waiting.take()?;
    thread.watch();
    Some(waiting)
}

/// What comes after the stop in which a wait is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The program, or the call again.
    Program,
    /// The delivery of a signal, which decides whether the call begins again.
    Signal,
    /// It is the exit of the call.
    Exit,
}

/// Whether this signal was sent to one thread (`SI_TKILL`), as [`Threads::send`] does.
fn is_to_thread(info: &SigInfo) -> bool {
    let code = info.raw.get(8..12).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_le_bytes);
    code == -6
}

/// Writes what a wait found (or that it found nothing) where the caller wants it; the call's result. What cannot be
/// written is lost, and nothing after it is written (`wait4` and `waitid` in kernel/exit.c).
pub(super) fn answer(call: &WaitCall, found: Option<&Found>, client: &mut dyn Target) -> i64 {
    written(call, found, client).unwrap_or_else(|errno| errno)
}

fn written(call: &WaitCall, found: Option<&Found>, client: &mut dyn Target) -> Result<i64, i64> {
    let mut put = |at: u64, bytes: &[u8]| match at {
        0 => Ok(0),
        _ => examine::put(client, at, bytes),
    };
    if let Some(found) = found {
        put(call.status, &found.status.to_le_bytes())?;
        if call.usage != 0 {
            put(call.usage, &call.width.usage(&found.usage))?;
        }
    }
    let info = found.map_or([0; 128], |found| found.info);
    // The kernel writes what it fills of a siginfo, and no more.
    let places = Width::Wide.child_fields().into_iter().zip(call.width.child_fields());
    for (from, to) in places.filter(|_| call.info != 0) {
        put(call.info.wrapping_add(to as u64), info.get(from..from + 4).unwrap_or_default())?;
    }
    Ok(match found {
        Some(found) if call.nr == num::WAIT4 => i64::from(found.tracee),
        _ => 0,
    })
}

impl Engine for Client {
    fn name(&self) -> &str {
        "ptrace client"
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        let call = *entry.call();
        if cx.earlier() == Action::Stop {
            // Somebody holds it before the call: what is called then is known when it is let go.
            return Action::Report;
        }
        let caller = cx.task().id().0;
        let Some((width, nr)) = Width::known(call.arch, call.number) else { return Action::Resume };
        let outcome = match nr {
            _ if entry.is_aborted() => return Action::Resume,
            num::PTRACE => self.ptrace(caller, &call, cx.target()),
            num::WAIT4 | num::WAITID => self.wait(caller, &call, cx.target()),
            num::PREAD64 | num::PWRITE64 => {
                let mut threads = self.world.lock();
                let args = memory::arguments(width, call.args);
                match memory::transfer(&mut threads, caller, nr, args, cx.target()) {
                    Some(result) => Outcome::Result(result),
                    None => Outcome::Native,
                }
            }
            num::TKILL | num::TGKILL => {
                if !self.world.lock().halt(caller, nr, &call) {
                    return Action::Resume;
                }
                Outcome::Result(0)
            }
            num::SIGACTION if call.args[0] & 0xffff_ffff == u64::from(num::SIGCHLD) => {
                let process = cx.task().process().0;
                self.world.lock().learn_action(process, width, call.args[1], cx.target());
                return Action::Resume;
            }
            _ => return Action::Resume,
        };
        match outcome {
            Outcome::Native => {}
            Outcome::Pause => entry.set_number(width.pause()),
            Outcome::Hold => return Action::Stop,
            Outcome::Result(result) => {
                entry.abort();
                if let Ok(mut regs) = peek::regs(cx.target()) {
                    regs.rax = result.cast_unsigned();
                    // It died if this fails.
                    let _ = peek::set_regs(cx.target(), &regs);
                }
            }
        }
        Action::Resume
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let caller = cx.task().id().0;
        let slept = self.world.lock().threads.get(&caller).is_some_and(|thread| thread.waiting.is_some());
        if slept {
            self.settle(caller, cx.target(), Next::Exit);
            if let Ok(regs) = peek::regs(cx.target()) {
                let value = regs.rax.cast_signed();
                if value != exit.value() {
                    exit.set_value(value, (-4095..0).contains(&value));
                }
            }
        }
        Action::Resume
    }

    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        let caller = cx.task().id().0;
        if event.is_none() {
            self.settle(caller, cx.target(), Next::Program);
        }
        self.stands_before_call(caller)
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        let caller = cx.task().id().0;
        let delivers = signal.kind != SignalKind::Report;
        self.settle(caller, cx.target(), if delivers { Next::Signal } else { Next::Program });
        if signal.kind != SignalKind::Report && is_to_thread(&signal.info) {
            let mut threads = self.world.lock();
            if let Some(thread) = threads.threads.get_mut(&caller)
                && let Some(at) = thread.sent.iter().position(|sent| sent.number == signal.info.number)
                && let Some(sent) = thread.sent.remove(at)
            {
                signal.info = sent;
                thread.watch();
            }
        }
        if delivers { Action::Resume } else { self.stands_before_call(caller) }
    }

    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        let me = cx.task().id().0;
        let (mine, role, how) = {
            let mut threads = self.world.lock();
            threads.forget_kin();
            let known = threads.threads.get(&me).map(|thread| (thread.maker, thread.role, thread.how));
            known.unwrap_or((me, Role::Client, Caught::AtStops))
        };
        let maker = if clone.kind == CloneKind::Thread { mine } else { me };
        // A child that is gone already, or that another thread's report brought here, needs nothing.
        let _ = adopt(&self.world, &clone.child, maker, (role, how));
        self.world.lock().inherit_filters(me, clone.child.id().0);
        if clone.kind != CloneKind::Thread {
            let process = cx.task().process().0;
            let mut threads = self.world.lock();
            threads.actions.fork(process, clone.child.process().0);
            threads.hear_writes(None);
            // A vfork child has the very same memory, and its parent's table is the one that counts.
            if clone.kind == CloneKind::Fork
                && let Some(overlay) = threads.overlays.get(&process).cloned()
            {
                threads.overlays.insert(clone.child.process().0, overlay);
            }
            threads.wake_paused(process);
            if role == Role::Target && !threads.follows_children(me) {
                threads.link_gone(clone.child.process().0);
            }
        }
        Action::Resume
    }

    fn exec(&mut self, cx: &mut Cx<'_>, exec: &mut ExecReport) -> Action {
        let id = cx.task().id().0;
        let mut threads = self.world.lock();
        threads.hear_writes(None);
        threads.overlays.remove(&id);
        threads.actions.exec(id);
        threads.forget_habit(exec.former.0);
        if exec.former.0 != id {
            if let Some(thread) = threads.threads.remove(&exec.former.0) {
                threads.threads.insert(id, thread);
                threads.forget_names(id);
            }
            for link in threads.links.values_mut().filter(|link| link.tracer == exec.former.0) {
                link.tracer = id;
            }
        }
        Action::Resume
    }

    fn jctl(&mut self, cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        if let Some(thread) = self.world.lock().threads.get_mut(&cx.task().id().0) {
            thread.halted = match jctl.kind {
                JctlKind::Stopped => Halted::Yes,
                JctlKind::Continued => Halted::No,
            };
        }
        Action::Resume
    }

    fn death(&mut self, cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        let id = cx.task().id().0;
        let mut threads = self.world.lock();
        // What it did with leave counts, although it can ask nothing more.
        threads.recall(id);
        threads.let_on(id, Answer::System);
        threads.threads.remove(&id);
        threads.forget_kin();
        if cx.task().process().0 == id {
            threads.adopt_orphans(id);
            threads.overlays.remove(&id);
            threads.actions.forget(id);
        }
        serve::tracer_ended(&mut threads, id);
        Action::Detach
    }
}
