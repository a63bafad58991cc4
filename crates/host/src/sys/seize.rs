//! PTRACE_SEIZE that can be given up: [`Impatience`].
//!
//! The kernel lets nobody become the tracer of a thread while a thread of that process runs a new program
//! (`cred_guard_mutex`, taken by ptrace_attach() in kernel/ptrace.c and by prepare_bprm_creds() in fs/exec.c), and that one waits
//! until all other threads are gone. Those of them that are traced already stop on their way out, for the very tracer that sleeps
//! in PTRACE_SEIZE: each would wait for the other for ever. A timer ends that sleep. The kernel begins a call that waits there
//! again after any handler (`ERESTARTNOINTR`), so the handler moves the thread behind the call if it is found before it.
//! Neighbours: [`super::ptrace::seize`], for a process of which nothing is traced yet.

use std::sync::OnceLock;

use super::Errno;
use super::ptrace::Options;
use super::sigmask::{self, SigMask};
use crate::types::Tid;

/// How long a SEIZE may sleep.
const PATIENCE: libc::c_long = 10_000_000;

core::arch::global_asm!(
    ".pushsection .text.utrace_seize, \"ax\", @progbits",
    ".globl utrace_seize",
    ".hidden utrace_seize",
    ".globl utrace_seize_call",
    ".hidden utrace_seize_call",
    ".globl utrace_seize_end",
    ".hidden utrace_seize_end",
    // The arguments of the C convention and of system calls differ in the fourth.
    "utrace_seize:",
    "mov r10, rcx",
    "mov eax, {number}",
    "utrace_seize_call:",
    "syscall",
    "utrace_seize_end:",
    "ret",
    ".popsection",
    number = const libc::SYS_ptrace,
);

unsafe extern "C" {
    /// ptrace(2) as the kernel has it: request, thread, address and data; answers the raw result.
    fn utrace_seize(request: libc::c_ulong, tid: libc::c_long, addr: usize, data: usize) -> libc::c_long;
    /// The system-call instruction of it, which it stands at again when a handler interrupts it, and the one after it.
    static utrace_seize_call: u8;
    static utrace_seize_end: u8;
}

/// A timer of the calling thread, under which PTRACE_SEIZE sleeps no longer than it should.
#[derive(Debug)]
pub(crate) struct Impatience {
    /// Without one, a SEIZE sleeps as long as it must.
    timer: Option<Timer>,
}

#[derive(Debug)]
struct Timer {
    id: libc::timer_t,
    signal: i32,
    /// The mask of the thread before there was one.
    before: SigMask,
}

impl Impatience {
    /// Starts the timer. While there is one, the signal is blocked but in [`Impatience::seize`].
    pub(crate) fn new() -> Self {
        Self { timer: signal().and_then(start) }
    }

    /// As [`super::ptrace::seize`].
    ///
    /// # Errors
    /// `EINTR`: it slept too long, and may be tried again once those who wait for us were served.
    pub(crate) fn seize(&self, tid: Tid, options: Options) -> Result<(), Errno> {
        let Some(timer) = &self.timer else { return super::ptrace::seize(tid, options) };
        let before = sigmask::replace(SigMask::ALL.without(timer.signal))?;
        let (request, data) = (libc::c_ulong::from(libc::PTRACE_SEIZE), options.bits());
        // SAFETY: SEIZE takes an option mask and touches no memory of ours.
        let result = unsafe { utrace_seize(request, tid.raw().into(), 0, data) };
        sigmask::replace(before)?;
        Errno::check_raw(result).map(drop)
    }
}

impl Drop for Impatience {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            // SAFETY: ours, and gone from here on. If its signal is pending, the handler finds nothing to do.
            unsafe { libc::timer_delete(timer.id) };
            let _ = sigmask::replace(timer.before);
        }
    }
}

/// A signal that nobody in this process has a use for, with the handler in force; found once. `None` if there is none.
fn signal() -> Option<i32> {
    static FOUND: OnceLock<Option<i32>> = OnceLock::new();
    *FOUND.get_or_init(|| (libc::SIGRTMIN()..=libc::SIGRTMAX()).rev().find(|signal| take(*signal).is_ok()))
}

/// Installs the handler for this signal if it has the default action.
fn take(signal: i32) -> Result<(), Errno> {
    let mut action = core::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: reads no action and writes one to `action`.
    let asked = unsafe { libc::sigaction(signal, core::ptr::null(), action.as_mut_ptr()) };
    Errno::check(libc::c_long::from(asked))?;
    // SAFETY: the call above succeeded and filled it in; before that it was zeroed, which is a valid action.
    let mut action = unsafe { action.assume_init() };
    if action.sa_sigaction != libc::SIG_DFL {
        return Err(Errno::EBUSY);
    }
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::ucontext_t) = give_up;
    action.sa_sigaction = handler as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `action` lives through the call; the handler touches nothing but what it is given.
    let set = unsafe { libc::sigaction(signal, &raw const action, core::ptr::null_mut()) };
    Errno::check(libc::c_long::from(set)).map(drop)
}

/// Has this signal sent to the calling thread again and again.
fn start(signal: i32) -> Option<Timer> {
    let mut event = core::mem::MaybeUninit::<libc::sigevent>::zeroed();
    // SAFETY: zeroed, it is a valid one of integers and a null pointer.
    let event = unsafe { event.assume_init_mut() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    // SAFETY: no argument.
    event.sigev_notify_thread_id = unsafe { libc::gettid() };
    let before = sigmask::replace(SigMask::ALL).ok()?;
    let mut timer = core::ptr::null_mut();
    // SAFETY: reads `event` and writes the timer, both live through the call.
    if unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, event, &raw mut timer) } != 0 {
        let _ = sigmask::replace(before);
        return None;
    }
    // Open for SEIZE alone.
    let _ = sigmask::replace(before.with(signal));
    let pause = libc::timespec { tv_sec: 0, tv_nsec: PATIENCE };
    let times = libc::itimerspec { it_interval: pause, it_value: pause };
    // SAFETY: reads `times`, and writes no old setting.
    unsafe { libc::timer_settime(timer, 0, &raw const times, core::ptr::null_mut()) };
    Some(Timer { id: timer, signal, before })
}

/// The handler: whoever stands before the call of a SEIZE goes on behind it, as if it had been interrupted.
extern "C" fn give_up(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: the kernel's own for this call of the handler (SA_SIGINFO, sigaction(2)), and the handler's alone.
    let regs = unsafe { &mut (*context).uc_mcontext.gregs };
    let (call, end) = (&raw const utrace_seize_call, &raw const utrace_seize_end);
    if let Some(ip) = regs.get_mut(libc::REG_RIP as usize)
        && *ip == call.addr() as i64
    {
        *ip = end.addr() as i64;
        if let Some(result) = regs.get_mut(libc::REG_RAX as usize) {
            *result = -i64::from(libc::EINTR);
        }
    }
}
