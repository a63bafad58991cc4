//! An engine of the core whose callbacks are C's.
//!
//! Key type: [`Bridge`]. Each callback shows C what the core shows us, in the historic arguments, and turns
//! back what C returned. Where a callback is NULL, nothing is answered. Calls into C are made by
//! [`crate::ffi::ops`]; what the calling thread is in meanwhile, so that C can ask for `current` and its
//! registers, is kept by [`crate::ffi::context`].

use core::ffi::{c_int, c_long, c_ulong, c_void};
use core::ptr;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::Arc;

use utrace_core::{
    Action, Addr, CloneKind, CloneReport, Cx, DeathReport, Engine, Event, EventSet, ExecReport, ExitReport,
    JctlKind, JctlReport, SignalKind, SignalReport, SyscallEntry, SyscallExit, Target, Task,
};

use crate::action::{self, event_bit};
use crate::engine::EngineObject;
use crate::ffi::context::{self, Frame};
use crate::ffi::ops::{Binprm, Ops};
use crate::handles;
use crate::regs::{self, ARCH_I386, AX, ORIG_AX, Regs};
use crate::signal::{self, KSigaction, Siginfo};
use crate::task::TaskObject;

/// The number of a call that was skipped, as its registers have it. A kernel of then left the call's own there.
const SKIPPED: u64 = u64::MAX;

/// The table of C's callbacks, and the engine that they are for.
pub(crate) struct Bridge {
    ops: Ops,
    object: Arc<EngineObject>,
}

impl Bridge {
    pub(crate) fn new(ops: Ops, object: Arc<EngineObject>) -> Bridge {
        Bridge { ops, object }
    }

    /// Makes a call in the task's context, and says what its answer asks of the task.
    fn call(
        &self,
        cx: &mut Cx<'_>,
        call: &Call<'_>,
        callback: impl FnOnce(u32, *mut c_void) -> u32,
    ) -> (Action, u32) {
        let earlier = action::number(cx.earlier()) | call.bits;
        let engine = handles::address(&self.object);
        let frame = Frame::report(Arc::clone(&self.object.task), call.regs, call.arch);
        let returned = context::enter(frame, Some(cx.target()), || callback(earlier, engine));
        let action = action::returned(returned);
        if action == Action::Detach {
            self.object.set_flags(EventSet::NONE);
        }
        (action, returned)
    }
}

/// What a callback is about, beside its own arguments.
#[derive(Default)]
struct Call<'a> {
    /// More bits of the action argument.
    bits: u32,
    /// The registers that it gets, and which system call table they are of.
    regs: Option<&'a Regs>,
    arch: u32,
}

impl<'a> Call<'a> {
    fn with_regs(regs: &'a Regs) -> Call<'a> {
        Call { bits: 0, regs: Some(regs), arch: regs.arch() }
    }
}

/// The registers, or zeros for a task that was killed meanwhile: nothing that is made of them has an effect.
fn regs_of(cx: &mut Cx<'_>) -> Regs {
    regs::load(cx.target()).unwrap_or(Regs::NONE)
}

/// Writes changed registers. A task that was killed meanwhile has no use for them.
fn write_back(cx: &mut Cx<'_>, before: &Regs, after: &Regs, but: &[usize]) {
    let _ = regs::store(cx.target(), before, after, but);
}

impl Engine for Bridge {
    fn name(&self) -> &str {
        "C"
    }

    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        let Some(callback) = self.ops.report_quiesce else { return Action::Resume };
        let event = event.map_or(0, event_bit);
        self.call(cx, &Call::default(), |action, engine| callback(action, engine, event)).0
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        let Some(callback) = self.ops.report_signal else {
            return match signal.kind {
                SignalKind::Taken(event) => self.quiesce(cx, Some(event)),
                SignalKind::Report | SignalKind::Handler => self.quiesce(cx, None),
            };
        };
        let before = regs_of(cx);
        let mut after = before;
        let mut info = Siginfo::of(&signal.info);
        let given = KSigaction::of(signal.disposition);
        let orig = if signal.disposition.is_some() { &raw const given } else { ptr::null() };
        let mut changed = given;
        let call = Call { bits: signal::bits(signal), ..Call::with_regs(&before) };
        let (regs, info_at, ka) = (&raw mut after, &raw mut info, &raw mut changed);
        let (action, returned) =
            self.call(cx, &call, |action, engine| callback(action, engine, regs, info_at, orig, ka));
        write_back(cx, &before, &after, &[]);
        signal::apply(signal, &signal::Answer { returned, info, given, changed });
        action
    }

    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        let Some(callback) = self.ops.report_clone else { return Action::Resume };
        let flags = clone_flags(cx, clone.kind);
        let child = TaskObject::of(&clone.child);
        let address = handles::address(&child);
        self.call(cx, &Call::default(), |action, engine| callback(action, engine, flags, address)).0
    }

    fn jctl(&mut self, cx: &mut Cx<'_>, jctl: &mut JctlReport) -> Action {
        let Some(callback) = self.ops.report_jctl else { return Action::Resume };
        let kind = match jctl.kind {
            JctlKind::Stopped => libc::CLD_STOPPED,
            JctlKind::Continued => libc::CLD_CONTINUED,
        };
        let notify = if jctl.notify { kind } else { 0 };
        self.call(cx, &Call::default(), |action, engine| callback(action, engine, kind, notify)).0
    }

    fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        let Some(callback) = self.ops.report_exec else { return Action::Resume };
        let before = regs_of(cx);
        let mut after = before;
        let (filename, interp) = (exec_name(cx), program_of(cx.task()));
        let binprm = Binprm { filename: filename.as_ptr(), interp: interp.as_ptr() };
        let (binprm, regs) = (&raw const binprm, &raw mut after);
        let (action, _) = self.call(cx, &Call::with_regs(&before), |action, engine| {
            callback(action, engine, ptr::null(), binprm, regs)
        });
        write_back(cx, &before, &after, &[]);
        action
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        let Some(callback) = self.ops.report_syscall_entry else { return Action::Resume };
        let mut before = regs_of(cx);
        let call = *entry.call();
        let places = regs::arguments(call.arch);
        // What an earlier engine made of the call is not in the registers yet.
        before.0[ORIG_AX] = call.number;
        for (place, value) in places.into_iter().zip(call.args) {
            before.0[place] = value;
        }
        let mut after = before;
        let regs = &raw mut after;
        let bits = action::syscall_bits(entry.action(), entry.resumed());
        let about = Call { bits, arch: call.arch, ..Call::with_regs(&before) };
        let (action, returned) = self.call(cx, &about, |action, engine| callback(action, engine, regs));
        if action::aborts(returned) {
            entry.abort();
        } else {
            // The last word wins, and every return value is one (SC-50).
            entry.run();
        }
        entry.set_number(after.0[ORIG_AX]);
        for (position, place) in places.into_iter().enumerate() {
            entry.set_arg(position, after.0[place]);
        }
        let [a, b, c, d, e, f] = places;
        write_back(cx, &before, &after, &[ORIG_AX, a, b, c, d, e, f]);
        action
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let Some(callback) = self.ops.report_syscall_exit else { return Action::Resume };
        let mut before = regs_of(cx);
        before.0[AX] = exit.value().cast_unsigned();
        if let Some(call) = exit.call()
            && before.0[ORIG_AX] == SKIPPED
        {
            before.0[ORIG_AX] = call.number;
        }
        let mut after = before;
        let regs = &raw mut after;
        let arch = exit.call().map_or_else(|| before.arch(), |call| call.arch);
        let about = Call { arch, ..Call::with_regs(&before) };
        let (action, _) = self.call(cx, &about, |action, engine| callback(action, engine, regs));
        if after.0[AX] != before.0[AX] {
            let value = after.0[AX].cast_signed();
            exit.set_value(value, (-4095..0).contains(&value));
        }
        write_back(cx, &before, &after, &[AX]);
        action
    }

    fn exit(&mut self, cx: &mut Cx<'_>, exit: &mut ExitReport) -> Action {
        let Some(callback) = self.ops.report_exit else { return Action::Resume };
        let before = c_long::from(exit.code());
        let original = c_long::from(exit.original());
        let mut code = before;
        let at = &raw mut code;
        let (action, _) =
            self.call(cx, &Call::default(), |action, engine| callback(action, engine, original, at));
        if code != before {
            exit.set_code(u32::try_from(code & 0xffff).unwrap_or(0));
        }
        action
    }

    fn death(&mut self, cx: &mut Cx<'_>, death: &mut DeathReport) -> Action {
        let Some(callback) = self.ops.report_death else { return Action::Resume };
        let signal = death.signal.and_then(|signal| c_int::try_from(signal).ok()).unwrap_or(-1);
        let group_dead = death.group_dead;
        self.call(cx, &Call::default(), |_, engine| callback(engine, group_dead, signal)).0
    }

    fn reap(&mut self, _task: &Task) {
        self.object.set_flags(EventSet::NONE);
        let Some(callback) = self.ops.report_reap else { return };
        let engine = handles::address(&self.object);
        let task = handles::address(&self.object.task);
        let frame = Frame::reap(Arc::clone(&self.object.task));
        context::enter(frame, None, || callback(engine, task));
    }
}

impl Drop for Bridge {
    /// The last reference is gone: `release`, unless the attach failed.
    fn drop(&mut self) {
        if let Some(release) = self.ops.release
            && self.object.was_attached()
        {
            let data = self.object.data();
            context::enter(Frame::bare(), None, || release(data));
        }
    }
}

/// The flags of the call that made a child, exit signal included, as its registers have them; where they do not
/// say, what such a child needs at least.
fn clone_flags(cx: &mut Cx<'_>, kind: CloneKind) -> c_ulong {
    let regs = regs_of(cx);
    let [first, ..] = regs::arguments(regs.arch());
    let first = regs.0[first];
    let i386 = regs.arch() == ARCH_I386;
    let number = regs.0[ORIG_AX];
    match (kind, number) {
        (_, 56) if !i386 => first,
        (_, 120) if i386 => first,
        (_, 435) => clone3_flags(cx.target(), first).unwrap_or_else(|| least_flags(kind)),
        _ => least_flags(kind),
    }
}

/// The flags in `struct clone_args`: its first word, and the exit signal at offset 32 (clone(2)).
fn clone3_flags(target: &mut dyn Target, at: u64) -> Option<c_ulong> {
    let mut args = [0; 40];
    if target.read(Addr(at), &mut args).ok()? < args.len() {
        return None;
    }
    let word = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&args[at..at + 8]);
        u64::from_ne_bytes(bytes)
    };
    Some(word(0) | word(32))
}

fn least_flags(kind: CloneKind) -> c_ulong {
    let flags = match kind {
        CloneKind::Fork => libc::SIGCHLD,
        CloneKind::Vfork => libc::CLONE_VFORK | libc::CLONE_VM | libc::SIGCHLD,
        CloneKind::Thread => libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND,
    };
    c_ulong::from(flags.unsigned_abs())
}

/// The file that the task runs.
fn program_of(task: &Task) -> CString {
    let link = fs::read_link(format!("/proc/{}/exe", task.id()));
    link.ok().and_then(|path| CString::new(path.into_os_string().into_vec()).ok()).unwrap_or_default()
}

/// The name that execve was given: the string at `AT_EXECFN` of the auxiliary vector (getauxval(3)).
fn exec_name(cx: &mut Cx<'_>) -> CString {
    /// `AT_EXECFN` of linux/auxvec.h.
    const EXECFN: u64 = 31;
    let word = |bytes: &[u8]| {
        let mut value = [0; 8];
        value.copy_from_slice(bytes);
        u64::from_ne_bytes(value)
    };
    let auxv = fs::read(format!("/proc/{}/auxv", cx.task().id())).unwrap_or_default();
    let at = auxv.chunks_exact(16).find(|pair| word(&pair[..8]) == EXECFN).map(|pair| word(&pair[8..]));
    let Some(at) = at else { return program_of(cx.task()) };
    let mut name = [0; 4096];
    let len = cx.target().read(Addr(at), &mut name).unwrap_or(0);
    let name = name[..len].split(|byte| *byte == 0).next().unwrap_or_default();
    CString::new(name).unwrap_or_default()
}
