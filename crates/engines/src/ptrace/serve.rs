//! The requests carried out.
//!
//! Entry: [`serve`], with one [`Call`]. It answers the raw result of ptrace(2), or `None` for a request that is none of
//! ours (a task outside the tree): the kernel answers that. Which links there are is [`super::world`]'s knowledge; words
//! and registers are [`super::peek`]'s.

use std::sync::Arc;

use utrace_abi::UserRegs;
use utrace_abi::ptrace::{self as abi, AUDIT_ARCH_I386};
use utrace_core::{Action, SigInfo, Target};

use super::examine::{examine, word};
use super::guard;
use super::keeper::Standing;
use super::link::{First, Kin, Link, OPTIONS, Phase, Resume, State, Told, is_before_exit};
use super::num::{EINVAL, EIO, EPERM, ESRCH, SIGCONT, SIGKILL, SIGTRAP};
use super::peek;
use super::proc;
use super::registers;
use super::steps::Lent;
use super::stop::{Face, Stop, by_process, is_of_tracer};
use super::tracee::{self, Tracer, look};
use super::width::Width;
use super::world::{LinkId, Threads, World};

/// A call of ptrace(2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) caller: u32,
    pub(super) request: u32,
    pub(super) pid: u32,
    pub(super) addr: u64,
    pub(super) data: u64,
    /// The layouts of what it points to.
    pub(super) width: Width,
}

impl Call {
    /// From the arguments. A request is a whole word, and one beyond 32 bits is none.
    pub(super) fn decode(caller: u32, arch: u32, args: [u64; 6]) -> Option<Call> {
        let [request, pid, addr, data, ..] = args;
        let (request, pid) =
            (u32::try_from(request).unwrap_or(u32::MAX), u32::try_from(pid & 0xffff_ffff).ok()?);
        let width = if arch == AUDIT_ARCH_I386 { Width::Narrow } else { Width::Wide };
        Some(Call { caller, request, pid, addr, data, width })
    }
}

/// Carries out a request of a client, whose own memory is `client`.
pub(super) fn serve(
    world: &Arc<World>,
    threads: &mut Threads,
    call: &Call,
    client: &mut dyn Target,
) -> Option<i64> {
    threads.recall_others(call.caller, call.pid);
    let result = match call.request {
        abi::PTRACE_TRACEME => trace_me(world, threads, call.caller),
        abi::PTRACE_ATTACH | abi::PTRACE_SEIZE => {
            if !threads.threads.contains_key(&call.pid) {
                return None;
            }
            attach(world, threads, call)
        }
        _ => match threads.held_by(call.caller, call.pid) {
            Some(id) => guard::check(threads, id).and_then(|()| on_link(threads, id, call, client)),
            None if threads.threads.contains_key(&call.pid) => Err(ESRCH),
            None => return None,
        },
    };
    Some(result.unwrap_or_else(|errno| errno))
}

fn trace_me(world: &Arc<World>, threads: &mut Threads, caller: u32) -> Result<i64, i64> {
    let thread = threads.threads.get(&caller).ok_or(EPERM)?;
    let (task, process) = (thread.task.clone(), thread.process);
    let parent = proc::parent(process).ok_or(EPERM)?;
    // The thread that made the process, if it is still its parent's: else the parent's first.
    let of_parent = |tid: &u32| threads.threads.get(tid).is_some_and(|maker| maker.process == parent);
    let tracer = Some(thread.maker).filter(of_parent).unwrap_or(parent);
    if !threads.threads.contains_key(&tracer) || threads.is_traced_by(parent, caller) {
        return Err(EPERM);
    }
    let face = Face { seized: false, options: 0 };
    let kin = if caller == process { Kin::Child } else { Kin::Stranger };
    let new = bound(threads, Link::new(&task, face, (tracer, parent), kin, First::None));
    if guard::standing(threads, &new) != Standing::Keeps {
        return Err(EPERM);
    }
    link(world, threads, new)?;
    Ok(0)
}

/// Notes whether the tracer has fewer rights than the host.
fn bound(threads: &Threads, link: Link) -> Link {
    let bounded = threads.keeper.as_ref().is_some_and(|keeper| keeper.is_bounded(link.tracer));
    Link { bounded, ..link }
}

fn link(world: &Arc<World>, threads: &mut Threads, link: Link) -> Result<LinkId, i64> {
    let process = link.tracer_process;
    threads.ask_transfers_of_others(process);
    let id = Tracer::attach(world, threads, link).map_err(|()| ESRCH)?;
    for thread in threads.threads.values_mut().filter(|thread| thread.process == process) {
        thread.traces = true;
    }
    Ok(id)
}

fn attach(world: &Arc<World>, threads: &mut Threads, call: &Call) -> Result<i64, i64> {
    let seized = call.request == abi::PTRACE_SEIZE;
    let options = u32::try_from(call.data).unwrap_or(u32::MAX);
    if seized && (call.addr != 0 || options & !OPTIONS != 0) {
        return Err(EIO);
    }
    if seized {
        may_have(options)?;
    }
    let target = threads.threads.get(&call.pid).ok_or(ESRCH)?;
    let caller = threads.threads.get(&call.caller).ok_or(ESRCH)?;
    let process = caller.process;
    if target.process == process || threads.is_traced_by(process, call.pid) {
        return Err(EPERM);
    }
    if threads.keeper.as_ref().is_some_and(|keeper| !keeper.may_trace(call.caller, call.pid)) {
        return Err(EPERM);
    }
    let parent = proc::parent(target.process);
    let child = call.pid == target.process && parent == Some(process);
    let kin = if child { Kin::Child } else { Kin::Stranger };
    let face = Face { seized, options: if seized { options } else { 0 } };
    // SI_KERNEL: the SIGSTOP of an attach has no sender.
    let first = if seized { First::None } else { First::Signal { code: 0x80 } };
    let new = Link::new(&target.task, face, (call.caller, process), kin, first);
    let new = bound(threads, Link { parent: parent.unwrap_or(0), ..new });
    let stands = target.task.is_job_stopped();
    let id = link(world, threads, new)?;
    // It may have made an exec since it was looked at. One that comes now finds the link.
    guard::check(threads, id).map_err(|_| EPERM)?;
    // A seized process goes on as it is, and one that is stopped is shown so.
    if !seized || stands {
        ask_to_stop(threads, id);
    }
    Ok(0)
}

/// Has a tracee come to the stop that its link owes. One that stands still for others already stops at once: nobody
/// could tell when they let it go.
pub(super) fn ask_to_stop(threads: &mut Threads, id: LinkId) {
    let seen = threads.before_breakpoint(id);
    let Some(link) = threads.link(id) else { return };
    let Some(engine) = link.engine.clone() else { return };
    if link.task.is_job_stopped() && matches!(link.state, State::Running | State::Listening) {
        // It is in its process's stop already, and shows that one.
        link.interrupt = false;
        link.stop(Stop::Group(link.group));
        tracee::hold(threads, id);
        threads.tell(id);
    } else if link.task.is_stopped() && link.state == State::Running && link.come_to_rest() {
        link.snapshot = seen;
        tracee::hold(threads, id);
        threads.tell(id);
    } else {
        // One that is gone is told of by its death.
        let _ = engine.control(Action::Interrupt);
    }
}

fn on_link(threads: &mut Threads, id: LinkId, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let link = threads.link(id).ok_or(ESRCH)?;
    match call.request {
        abi::PTRACE_KILL => {
            // It may be dead already.
            let _ = link.task.with_target(|target| target.send_signal(SIGKILL));
            return Ok(0);
        }
        abi::PTRACE_INTERRUPT => {
            if !link.face.seized {
                return Err(EIO);
            }
            link.interrupt = true;
            if link.stopped().is_none() {
                ask_to_stop(threads, id);
            }
            return Ok(0);
        }
        _ => {}
    }
    let stop = link.stopped().ok_or(ESRCH)?.clone();
    match call.request {
        abi::PTRACE_CONT => go(threads, id, call, Resume::Cont),
        abi::PTRACE_SYSCALL => go(threads, id, call, Resume::Syscall),
        abi::PTRACE_SINGLESTEP => go(threads, id, call, Resume::Step),
        abi::PTRACE_SINGLEBLOCK => go(threads, id, call, Resume::BlockStep),
        abi::PTRACE_SYSEMU => go(threads, id, call, Resume::Skip),
        abi::PTRACE_SYSEMU_SINGLESTEP => go(threads, id, call, Resume::SkipStep),
        // Its signal is an int, unlike the others' (`ptrace_detach`).
        abi::PTRACE_DETACH => detach(threads, id, &Call { data: call.data & 0xffff_ffff, ..*call }),
        abi::PTRACE_LISTEN => listen(link, &stop),
        abi::PTRACE_PEEKTEXT | abi::PTRACE_PEEKDATA | abi::PTRACE_POKETEXT | abi::PTRACE_POKEDATA => {
            let (task, owner) = (link.task.clone(), link.tracer_process);
            word(threads, &task, owner, call, client)
        }
        abi::PTRACE_SETOPTIONS | abi::PTRACE_OLDSETOPTIONS => set_options(link, call.data),
        _ => examine(link, &stop, call, client),
    }
}

fn set_options(link: &mut Link, data: u64) -> Result<i64, i64> {
    let options = u32::try_from(data).map_err(|_| EINVAL)?;
    if options & !OPTIONS != 0 {
        return Err(EINVAL);
    }
    may_have(options)?;
    link.face.options = options;
    if let Some(engine) = link.engine.as_ref().filter(|_| !link.traps.is_empty()) {
        let _ = engine.set_events(link.interest());
    }
    Ok(0)
}

/// The kernel suspends filters only for a tracer that is under none, and every client is under ours
/// (`check_ptrace_options`).
fn may_have(options: u32) -> Result<(), i64> {
    if options & abi::PTRACE_O_SUSPEND_SECCOMP != 0 { Err(EPERM) } else { Ok(()) }
}

fn listen(link: &mut Link, stop: &Stop) -> Result<i64, i64> {
    if !link.face.seized || !matches!(stop, Stop::Group(_) | Stop::Interrupted) {
        return Err(EIO);
    }
    link.state = State::Listening;
    if let Some(engine) = &link.engine {
        let _ = engine.control(Action::Resume);
    }
    Ok(0)
}

/// The signal that goes with a resume from this stop (ptrace(2), "Signal injection and suppression"). Answers one that
/// is to be sent.
fn choose_signal(link: &mut Link, stop: &Stop, call: &Call) -> Result<Option<SigInfo>, i64> {
    if call.data > 64 {
        return Err(EIO);
    }
    let number = u32::try_from(call.data).unwrap_or(0);
    match stop {
        _ if number == 0 => {}
        Stop::Signal(info) => {
            let raw = if info.number == number {
                info.raw
            } else {
                // Another number: it comes from the tracer (`ptrace_signal`).
                by_process(number, 0, link.tracer_process, proc::uid(link.tracer))
            };
            link.inject = Some(SigInfo { number, raw });
        }
        Stop::Entry { .. } | Stop::Exit { .. } => {
            // As the kernel's own (SI_KERNEL, `ptrace_report_syscall`).
            return Ok(Some(SigInfo { number, raw: by_process(number, 0x80, 0, 0) }));
        }
        Stop::Event(..) | Stop::Group(_) | Stop::InHandler | Stop::Interrupted => {}
    }
    Ok(None)
}

/// Lets a tracee go to the next boundary of a call, as its tracer had leave to do unheard.
pub(super) fn let_go(threads: &mut Threads, caller: u32, tracee: u32) {
    let call =
        Call { caller, request: abi::PTRACE_SYSCALL, pid: tracee, addr: 0, data: 0, width: Width::Wide };
    if let Some(id) = threads.held_by(caller, tracee)
        && guard::check(threads, id).is_ok()
    {
        // One that was killed meanwhile stands nowhere.
        let _ = go(threads, id, &call, Resume::Syscall);
    }
}

/// The registers that a client set, with leave that it had.
pub(super) fn set_registers(threads: &mut Threads, caller: u32, tracee: u32, bytes: &[u8]) {
    if let Some(id) = threads.held_by(caller, tracee)
        && guard::check(threads, id).is_ok()
        && let Some(link) = threads.link(id)
        && let Some(bytes) = bytes.get(..size_of::<UserRegs>())
    {
        // One that was killed meanwhile has none.
        let _ = registers::write(link, abi::NT_PRSTATUS, bytes);
    }
}

fn go(threads: &mut Threads, id: LinkId, call: &Call, resume: Resume) -> Result<i64, i64> {
    let link = threads.link(id).ok_or(ESRCH)?;
    let stop = link.stopped().ok_or(ESRCH)?.clone();
    let tracee = link.tracee;
    if let (Stop::Group(_), First::Signal { .. }) = (&stop, link.first)
        && proc::is_pending(tracee, SIGCONT)
    {
        // It has taken the attach's own SIGSTOP off the queue, as every stop signal (signal(7)).
        link.first = First::None;
    }
    if let Some(info) = choose_signal(link, &stop, call)? {
        threads.send(tracee, info);
    }
    let link = threads.link(id).ok_or(ESRCH)?;
    let exit = if is_before_exit(&stop) { exit_now(link, resume) } else { None };
    if link.lent == Lent::Ahead && resume == Resume::Step && call.data == 0 && link.task.is_stopped() {
        let regs = look(&link.task, |target| peek::regs(target))??;
        // Nothing goes on: the other tracer's step was this one too.
        let _ = link.go_on(resume, None);
        link.step_made(regs.rip);
        threads.tell(id);
        return Ok(0);
    }
    if !resume.steps() {
        threads.call_home(tracee);
    }
    let link = threads.link(id).ok_or(ESRCH)?;
    let before = link.interest();
    let engine = link.engine.clone().ok_or(ESRCH)?;
    let stops_again = link.go_on(resume, exit);
    if link.interest() != before {
        let _ = engine.set_events(link.interest());
    }
    if stops_again {
        threads.tell(id);
        return Ok(0);
    }
    let action = match (&stop, link.owes()) {
        (_, true) => Action::Interrupt,
        // Engines nearer to the kernel see what the tracer made of the call.
        (Stop::Entry { .. }, false) if resume.action() == Action::Resume => Action::Report,
        _ => resume.action(),
    };
    // Out of a group stop as out of any other (ptrace(2), "Group-stop").
    let _ = engine.leave_group_stop(action).map_err(|_| ESRCH)?;
    if threads.is_held_elsewhere(id) {
        // What comes next for this tracer comes without the others.
        ask_to_stop(threads, id);
    }
    if resume.steps() {
        threads.untangle();
    }
    Ok(0)
}

/// What the exit of the call that the tracee is in shows to one who resumes it so, for one that is there already. To who
/// steps it is the step's trap, with the address of the next instruction (`user_single_step_report`).
fn exit_now(link: &Link, resume: Resume) -> Option<Stop> {
    // Of a call in whose middle SYSEMU_SINGLESTEP came the kernel reports no step (`report_single_step`).
    if resume != Resume::Syscall && (!resume.steps() || resume == Resume::SkipStep) {
        return None;
    }
    let regs = look(&link.task, |target| peek::regs(target)).ok()?.ok()?;
    if resume == Resume::Syscall {
        let arch = peek::place_of(&regs).arch;
        return Some(Stop::Exit { value: regs.rax.cast_signed(), arch, spot: None });
    }
    let mut raw = by_process(SIGTRAP, TRAP_BRKPT, 0, 0);
    raw[16..24].copy_from_slice(&regs.rip.to_le_bytes());
    Some(Stop::Signal(SigInfo { number: SIGTRAP, raw }))
}

/// `si_code` of a trap at a place (`asm-generic/siginfo.h`).
const TRAP_BRKPT: i32 = 1;

fn detach(threads: &mut Threads, id: LinkId, call: &Call) -> Result<i64, i64> {
    let link = threads.link(id).ok_or(ESRCH)?;
    let stop = link.stopped().ok_or(ESRCH)?.clone();
    let tracee = link.tracee;
    if let Some(info) = choose_signal(link, &stop, call)? {
        threads.send(tracee, info);
    }
    if let Some(link) = threads.link(id) {
        // As the kernel does: the breakpoints stay, and the program gets their traps. One that is gone has none.
        let _ = link.task.with_target(|target| target.leave_debug_registers(id.owner()));
    }
    leave(threads, id);
    Ok(0)
}

/// Ends a link. A signal that the tracer lets through goes before it.
pub(super) fn leave(threads: &mut Threads, id: LinkId) {
    let Some(link) = threads.link(id) else { return };
    let engine = link.engine.clone();
    // One that is gone has none.
    let _ = link.task.with_target(|target| target.release_debug_registers(id.owner()));
    if link.inject.is_some() {
        link.phase = Phase::Leaving;
        link.state = State::Running;
        link.tracer = 0;
        link.tracer_process = 0;
        if let Some(engine) = engine {
            let _ = engine.control(Action::Interrupt);
        }
        return;
    }
    let (owner, process, tracee) = (link.tracer_process, link.process, link.tracee);
    threads.links.remove(&id);
    threads.call_home(tracee);
    threads.forget_breakpoints(owner, process);
    threads.link_gone(process);
    // To its parent it is a plain child again.
    threads.wake_paused(owner);
    if let Some(engine) = engine {
        let _ = engine.control(Action::Detach);
    }
}

/// A tracer has ended: its tracees go on, or die with it.
pub(super) fn tracer_ended(threads: &mut Threads, tracer: u32) {
    let mine: Vec<LinkId> =
        threads.links.iter().filter(|(_, link)| link.tracer == tracer).map(|(id, _)| *id).collect();
    for id in &mine {
        threads.set_back(*id);
    }
    threads.take_out_breakpoints(tracer);
    for id in mine {
        let shared =
            threads.links.get(&id).is_some_and(|link| threads.is_shared(link.process, link.tracer_process));
        let Some(link) = threads.link(id) else { continue };
        if let State::Ended(_) = link.state {
            threads.end_told(id);
            continue;
        }
        if link.has(abi::PTRACE_O_EXITKILL) {
            let _ = link.task.with_target(|target| target.send_signal(SIGKILL));
        }
        // The kernel forgets the signal when a wait tells of its stop (`wait_task_stopped`): nobody let it through.
        if let State::Stopped(Stop::Signal(info), Told::Not) = &link.state
            && !(shared && is_of_tracer(info))
        {
            link.inject = Some(*info);
        }
        leave(threads, id);
    }
}
