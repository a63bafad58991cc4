//! The requests carried out.
//!
//! Entry: [`serve`], with one [`Call`]. It answers the raw result of ptrace(2), or `None` for a request that is none of
//! ours (a task outside the tree): the kernel answers that. Which links there are is [`super::world`]'s knowledge; words
//! and registers are [`super::peek`]'s.

use std::sync::Arc;

use utrace_abi::ptrace as abi;
use utrace_abi::ptrace::{NT_PRFPREG, NT_PRSTATUS};
use utrace_core::{Action, Addr, SigInfo, Target};

use super::link::{First, Kin, Link, OPTIONS, Phase, Resume, State, is_before_exit};
use super::num::{EFAULT, EINVAL, EIO, EPERM, ESRCH, SIGKILL};
use super::peek;
use super::proc;
use super::stop::{Face, Stop, by_process};
use super::tracee::{self, Tracer, look};
use super::world::{LinkId, Threads, World};

/// A call of ptrace(2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) caller: u32,
    pub(super) request: u32,
    pub(super) pid: u32,
    pub(super) addr: u64,
    pub(super) data: u64,
}

/// Carries out a request of a client, whose own memory is `client`.
pub(super) fn serve(
    world: &Arc<World>,
    threads: &mut Threads,
    call: &Call,
    client: &mut dyn Target,
) -> Option<i64> {
    let result = match call.request {
        abi::PTRACE_TRACEME => trace_me(world, threads, call.caller),
        abi::PTRACE_ATTACH | abi::PTRACE_SEIZE => {
            if !threads.threads.contains_key(&call.pid) {
                return None;
            }
            attach(world, threads, call)
        }
        _ => match threads.held_by(call.caller, call.pid) {
            Some(id) => on_link(threads, id, call, client),
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
    link(world, threads, Link::new(&task, face, (tracer, parent), kin, First::None))?;
    Ok(0)
}

fn link(world: &Arc<World>, threads: &mut Threads, link: Link) -> Result<LinkId, i64> {
    let process = link.tracer_process;
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
    let target = threads.threads.get(&call.pid).ok_or(ESRCH)?;
    let caller = threads.threads.get(&call.caller).ok_or(ESRCH)?;
    let process = caller.process;
    if target.process == process || threads.is_traced_by(process, call.pid) {
        return Err(EPERM);
    }
    let child = call.pid == target.process && proc::parent(target.process) == Some(process);
    let kin = if child { Kin::Child } else { Kin::Stranger };
    let face = Face { seized, options: if seized { options } else { 0 } };
    // SI_KERNEL: the SIGSTOP of an attach has no sender.
    let first = if seized { First::None } else { First::Signal { code: 0x80 } };
    let new = Link::new(&target.task, face, (call.caller, process), kin, first);
    let id = link(world, threads, new)?;
    if !seized {
        ask_to_stop(threads, id);
    }
    Ok(0)
}

/// Has a tracee come to the stop that its link owes. One that stands still for others already stops at once: nobody
/// could tell when they let it go.
fn ask_to_stop(threads: &mut Threads, id: LinkId) {
    let Some(link) = threads.link(id) else { return };
    let Some(engine) = link.engine.clone() else { return };
    if link.task.is_stopped() && link.state == State::Running && link.come_to_rest() {
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
            if link.state == State::Listening {
                link.stop(Stop::Group(0));
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
        abi::PTRACE_DETACH => detach(threads, id, call),
        abi::PTRACE_LISTEN => listen(link, &stop),
        abi::PTRACE_SETOPTIONS => set_options(link, call.data),
        _ => examine(link, &stop, call, client),
    }
}

fn set_options(link: &mut Link, data: u64) -> Result<i64, i64> {
    let options = u32::try_from(data).map_err(|_| EINVAL)?;
    if options & !OPTIONS != 0 {
        return Err(EINVAL);
    }
    link.face.options = options;
    Ok(0)
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

/// Requests that look at a tracee that stands still, or change it.
fn examine(link: &mut Link, stop: &Stop, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let (addr, data, task) = (call.addr, call.data, link.task.clone());
    match call.request {
        abi::PTRACE_PEEKTEXT | abi::PTRACE_PEEKDATA => {
            let word = look(&task, |target| peek::read_word(target, addr))??;
            put(client, data, &word.to_le_bytes())
        }
        abi::PTRACE_POKETEXT | abi::PTRACE_POKEDATA => {
            look(&task, |target| peek::write_word(target, addr, data))?.map(|()| 0)
        }
        abi::PTRACE_PEEKUSER => {
            let word = look(&task, |target| peek::read_user(target, addr))??;
            put(client, data, &word.to_le_bytes())
        }
        abi::PTRACE_POKEUSER => look(&task, |target| peek::write_user(target, addr, data))?.map(|()| 0),
        abi::PTRACE_GETREGS => get_set(link, client, NT_PRSTATUS, data),
        abi::PTRACE_GETFPREGS => get_set(link, client, NT_PRFPREG, data),
        abi::PTRACE_SETREGS => set_set(link, client, NT_PRSTATUS, data),
        abi::PTRACE_SETFPREGS => set_set(link, client, NT_PRFPREG, data),
        abi::PTRACE_GETREGSET | abi::PTRACE_SETREGSET => regset(link, call, client),
        abi::PTRACE_GETEVENTMSG => put(client, data, &stop.message().to_le_bytes()),
        abi::PTRACE_GETSIGINFO => {
            let uid = proc::uid(link.tracee);
            let info = stop.siginfo(link.face, link.process, uid).ok_or(EINVAL)?;
            put(client, data, &info)
        }
        abi::PTRACE_SETSIGINFO => set_siginfo(link, client, data),
        abi::PTRACE_GET_SYSCALL_INFO => {
            let now = look(&task, |target| peek::place(target))?;
            let (info, size) = stop.syscall_info(link.face, now);
            let room = usize::try_from(addr).unwrap_or(usize::MAX).min(size);
            put(client, data, info.get(..room).unwrap_or_default())?;
            Ok(i64::try_from(size).unwrap_or(0))
        }
        _ => forward(link, call, client),
    }
}

/// Requests that the kernel answers as they are, with the client's buffer carried over and back.
fn forward(link: &Link, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let (request, argument) = (call.request, call.addr);
    let ask = |buf: &mut Vec<u8>, argument| {
        let taken = core::mem::take(buf);
        let (filled, result) = look(&link.task, move |target| {
            let mut buf = taken;
            let result = peek::forward(target, request, argument, &mut buf);
            (buf, result)
        })?;
        *buf = filled;
        result
    };
    match request {
        abi::PTRACE_GETSIGMASK | abi::PTRACE_SETSIGMASK if argument != 8 => Err(EINVAL),
        abi::PTRACE_SETSIGMASK | abi::PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG => {
            let mut buf = sized(argument)?;
            get(client, call.data, &mut buf)?;
            ask(&mut buf, 0)
        }
        abi::PTRACE_GETSIGMASK
        | abi::PTRACE_GET_RSEQ_CONFIGURATION
        | abi::PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG => {
            let mut buf = sized(argument)?;
            let result = ask(&mut buf, 0)?;
            put(client, call.data, &buf)?;
            Ok(result)
        }
        ARCH_PRCTL => {
            let mut buf = vec![0; 8];
            // ARCH_SET_GS and ARCH_SET_FS take the word itself, the others store through it.
            let sets = matches!(call.data, 0x1001 | 0x1002);
            if sets {
                return set_base(link, call);
            }
            let result = ask(&mut buf, call.data)?;
            put(client, call.addr, &buf)?;
            Ok(result)
        }
        abi::PTRACE_PEEKSIGINFO => {
            let mut args = [0; 16];
            get(client, argument, &mut args)?;
            let count = i32::from_le_bytes([args[12], args[13], args[14], args[15]]);
            let room = usize::try_from(count).map_err(|_| EINVAL)?.min(64);
            let mut buf = args.to_vec();
            buf.resize(16 + 128 * room, 0);
            let found = ask(&mut buf, 0)?;
            let len = usize::try_from(found).unwrap_or(0) * 128;
            put(client, call.data, buf.get(16..16 + len).unwrap_or_default())?;
            Ok(found)
        }
        _ => Err(EIO),
    }
}

/// `PTRACE_ARCH_PRCTL`, whose two operands stand the other way round.
const ARCH_PRCTL: u32 = 30;

/// A buffer of the size that the caller says: no structure of these requests is larger than this.
fn sized(size: u64) -> Result<Vec<u8>, i64> {
    match usize::try_from(size) {
        Ok(size @ 1..=64) => Ok(vec![0; size]),
        _ => Err(EINVAL),
    }
}

fn set_base(link: &Link, call: &Call) -> Result<i64, i64> {
    look(&link.task, |target| {
        let mut regs = peek::regs(target)?;
        match call.data {
            0x1001 => regs.gs_base = call.addr,
            _ => regs.fs_base = call.addr,
        }
        peek::set_regs(target, &regs)
    })?
    .map(|()| 0)
}

/// Copies an answer into the client's memory.
fn put(client: &mut dyn Target, at: u64, bytes: &[u8]) -> Result<i64, i64> {
    match client.write(Addr(at), bytes) {
        Ok(len) if len == bytes.len() => Ok(0),
        _ if bytes.is_empty() => Ok(0),
        _ => Err(EFAULT),
    }
}

fn get(client: &mut dyn Target, at: u64, bytes: &mut [u8]) -> Result<(), i64> {
    match client.read(Addr(at), bytes) {
        Ok(len) if len == bytes.len() => Ok(()),
        _ => Err(EFAULT),
    }
}

fn get_set(link: &Link, client: &mut dyn Target, note: u32, at: u64) -> Result<i64, i64> {
    let bytes = look(&link.task, |target| peek::read_set(target, note))??;
    put(client, at, &bytes)
}

fn set_set(link: &Link, client: &mut dyn Target, note: u32, at: u64) -> Result<i64, i64> {
    let mut bytes = look(&link.task, |target| peek::read_set(target, note))??;
    get(client, at, &mut bytes)?;
    look(&link.task, |target| peek::write_set(target, note, &bytes))?.map(|()| 0)
}

/// GETREGSET and SETREGSET: `data` is an iovec, whose length is answered too.
fn regset(link: &Link, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let mut iovec = [0; 16];
    get(client, call.data, &mut iovec)?;
    let [base, len] = [0, 8].map(|at| {
        let mut word = [0; 8];
        word.copy_from_slice(&iovec[at..at + 8]);
        u64::from_le_bytes(word)
    });
    let note = u32::try_from(call.addr).map_err(|_| EINVAL)?;
    let mut bytes = look(&link.task, |target| peek::read_set(target, note))??;
    // Sets are counted in words; the kernel takes no part of one (`ptrace_regset`).
    if !len.is_multiple_of(8) {
        return Err(EINVAL);
    }
    bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
    if call.request == abi::PTRACE_GETREGSET {
        put(client, base, &bytes)?;
    } else {
        get(client, base, &mut bytes)?;
        look(&link.task, |target| peek::write_set(target, note, &bytes))??;
    }
    put(client, call.data.wrapping_add(8), &(bytes.len() as u64).to_le_bytes())
}

fn set_siginfo(link: &mut Link, client: &mut dyn Target, at: u64) -> Result<i64, i64> {
    let mut raw = [0; 128];
    get(client, at, &mut raw)?;
    let State::Stopped(Stop::Signal(info), _) = &mut link.state else { return Err(EINVAL) };
    // The number that counts is the one of the resume.
    info.raw = raw;
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
        Stop::Event(..) | Stop::Group(_) | Stop::Interrupted => {}
    }
    Ok(None)
}

fn go(threads: &mut Threads, id: LinkId, call: &Call, resume: Resume) -> Result<i64, i64> {
    let link = threads.link(id).ok_or(ESRCH)?;
    let stop = link.stopped().ok_or(ESRCH)?.clone();
    let tracee = link.tracee;
    if let Some(info) = choose_signal(link, &stop, call)? {
        threads.send(tracee, info);
    }
    let link = threads.link(id).ok_or(ESRCH)?;
    let exit = if is_before_exit(&stop) && resume == Resume::Syscall { exit_now(link) } else { None };
    let before = link.interest();
    if link.go_on(resume, exit) {
        threads.tell(id);
        return Ok(0);
    }
    let engine = link.engine.clone().ok_or(ESRCH)?;
    if link.interest() != before {
        let _ = engine.set_events(link.interest());
    }
    let action = match (&stop, link.owes()) {
        (_, true) => Action::Interrupt,
        // Engines nearer to the kernel see what the tracer made of the call.
        (Stop::Entry { .. }, false) if resume.action() == Action::Resume => Action::Report,
        _ => resume.action(),
    };
    let _ = engine.control(action).map_err(|_| ESRCH)?;
    Ok(0)
}

/// The exit of the call that the tracee is in, for one that is there already.
fn exit_now(link: &Link) -> Option<Stop> {
    let regs = look(&link.task, |target| peek::regs(target)).ok()?.ok()?;
    Some(Stop::Exit { value: regs.rax.cast_signed(), at: peek::place_of(&regs) })
}

fn detach(threads: &mut Threads, id: LinkId, call: &Call) -> Result<i64, i64> {
    let link = threads.link(id).ok_or(ESRCH)?;
    let stop = link.stopped().ok_or(ESRCH)?.clone();
    let tracee = link.tracee;
    if let Some(info) = choose_signal(link, &stop, call)? {
        threads.send(tracee, info);
    }
    leave(threads, id);
    Ok(0)
}

/// Ends a link. A signal that the tracer lets through goes before it.
pub(super) fn leave(threads: &mut Threads, id: LinkId) {
    let Some(link) = threads.link(id) else { return };
    let engine = link.engine.clone();
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
    threads.links.remove(&id);
    if let Some(engine) = engine {
        let _ = engine.control(Action::Detach);
    }
}

/// A tracer has ended: its tracees go on, or die with it.
pub(super) fn tracer_ended(threads: &mut Threads, tracer: u32) {
    let mine: Vec<LinkId> =
        threads.links.iter().filter(|(_, link)| link.tracer == tracer).map(|(id, _)| *id).collect();
    for id in mine {
        let Some(link) = threads.link(id) else { continue };
        if let State::Ended(_) = link.state {
            threads.links.remove(&id);
            continue;
        }
        if link.has(abi::PTRACE_O_EXITKILL) {
            let _ = link.task.with_target(|target| target.send_signal(SIGKILL));
        }
        if let State::Stopped(Stop::Signal(info), _) = &link.state {
            link.inject = Some(*info);
        }
        leave(threads, id);
    }
}
