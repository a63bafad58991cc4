//! fork(2) for the two children that a host makes itself: the program to trace, and the doorbell.
//!
//! Between fork and exec a child of a threaded process may only make plain system calls, so everything that
//! allocates is done by the parent: [`Plan`] holds ready C strings and pointer arrays. Who follows whom, and
//! when the child may go, is [`crate::tracer`]'s business. Longer than most files, as what the parent prepares and what the
//! child does with it, step by step and without allocating, are read together.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd};
use std::path::Path;

use super::Errno;
use super::pidfd;
use super::roll::Roll;
use super::sigmask::{self, SigMask};
use crate::types::Tid;

/// Most instructions that the kernel takes in one filter (`BPF_MAXINSNS`).
pub(crate) const MAX_FILTER: usize = 4096;

/// One instruction of a classic BPF program (`struct sock_filter`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub(crate) struct Insn {
    pub(crate) code: u16,
    pub(crate) jt: u8,
    pub(crate) jf: u8,
    pub(crate) k: u32,
}

pub(crate) const INSN_SIZE: usize = size_of::<Insn>();
const _: () = assert!(INSN_SIZE == 8);

impl Insn {
    pub(crate) fn bytes(self) -> [u8; INSN_SIZE] {
        let [c0, c1] = self.code.to_ne_bytes();
        let [k0, k1, k2, k3] = self.k.to_ne_bytes();
        [c0, c1, self.jt, self.jf, k0, k1, k2, k3]
    }

    pub(crate) fn from_bytes([c0, c1, jt, jf, k @ ..]: [u8; INSN_SIZE]) -> Self {
        Self { code: u16::from_ne_bytes([c0, c1]), jt, jf, k: u32::from_ne_bytes(k) }
    }
}

/// User and groups that the program is to run as.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
}

/// Everything a child needs, ready before the fork.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The file to execute; the search along `PATH` is over.
    pub(crate) path: CString,
    pub(crate) argv: Vec<CString>,
    pub(crate) envp: Vec<CString>,
    pub(crate) cwd: Option<CString>,
    pub(crate) identity: Option<Identity>,
    /// The signal mask that the program starts with: that of whoever asked for the launch.
    pub(crate) mask: SigMask,
}

/// What a child was doing when it failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Step {
    /// Entering the asked working directory.
    ChangeDirectory = 1,
    /// Taking on the asked groups and user.
    ChangeUser,
    /// Installing the seccomp filter.
    Filter,
    /// execve(2) itself.
    Exec,
}

/// A forked child that waits for its word to go.
#[derive(Debug)]
pub(crate) struct Embryo {
    /// Its process id.
    pub(crate) pid: Tid,
    line: File,
    listens: Listens,
    /// The first byte of its report, if it came where something else was expected; else 0.
    said: u8,
    /// Whether it has said [`READY`].
    ready: bool,
}

/// What a child says once nothing is left to do but what it has to be told for.
const READY: u8 = 0x80;
/// How long that is waited for: it takes a tenth of a millisecond, unless somebody stops the child meanwhile.
const SOON: i32 = 100;

/// Whether a filter asks somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Listens {
    Yes,
    No,
}

/// A thread that asks is interrupted by SIGKILL alone once it was heard (since 5.19).
const LISTENING: libc::c_ulong =
    libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

/// Added to the length of a filter that is to have a listening end.
const LISTENS: u32 = 1 << 31;

/// What came of an [`Embryo`] that was let go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Its exec succeeded (or it was killed before it could say anything).
    Silent,
    /// This step failed with this error.
    Failed(Step, Errno),
}

impl Embryo {
    /// Waits until the child has prepared itself: what it does before it is traced makes no stops. One that does not get
    /// there soon is not waited for.
    pub(crate) fn await_ready(&mut self) {
        let mut line = libc::pollfd { fd: self.line.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry, which lives until the call returns.
        if unsafe { libc::poll(&raw mut line, 1, SOON) } == 1 {
            self.hear_ready();
        }
    }

    /// Takes its word that it is ready, or the first byte of a report, which comes instead. Blocks until then.
    fn hear_ready(&mut self) {
        let mut byte = [0];
        if !self.ready && self.said == 0 && self.line.read_exact(&mut byte).is_ok() {
            match byte {
                [READY] => self.ready = true,
                [other] => self.said = other,
            }
        }
    }

    /// Lets the child go on to its exec, through this filter if it is not empty.
    pub(crate) fn go(&mut self, filter: &[Insn], listens: Listens) -> Result<(), Errno> {
        let count = u32::try_from(filter.len().min(MAX_FILTER)).unwrap_or(0);
        let mark = if listens == Listens::Yes { LISTENS } else { 0 };
        self.listens = listens;
        let mut message = (count | mark).to_ne_bytes().to_vec();
        message.extend(filter.iter().take(MAX_FILTER).flat_map(|insn| insn.bytes()));
        self.line.write_all(&message).map_err(|error| Errno::from_io(&error))
    }

    /// The listening end of the child's filter, which it sends before its exec. Blocks until then.
    pub(crate) fn listener(&mut self) -> Result<Option<OwnedFd>, Errno> {
        if core::mem::replace(&mut self.listens, Listens::No) == Listens::No {
            return Ok(None);
        }
        self.hear_ready();
        if self.said != 0 {
            return Ok(None);
        }
        receive_descriptor(self.line.as_raw_fd(), &mut self.said)
    }

    /// What the child said before it ended or before exec closed its end. Blocks until one of both.
    pub(crate) fn fate(&mut self) -> Fate {
        // It says this first.
        let _ = self.listener();
        self.hear_ready();
        let mut report = [self.said, 0, 0, 0, 0, 0, 0, 0];
        let heard = usize::from(self.said != 0);
        match self.line.read_exact(&mut report[heard..]) {
            Ok(()) => {
                let [step, _, _, _, errno @ ..] = report;
                Fate::Failed(step_from(step), Errno::new(i32::from_ne_bytes(errno)))
            }
            Err(_) => Fate::Silent,
        }
    }
}

const fn step_from(code: u8) -> Step {
    match code {
        1 => Step::ChangeDirectory,
        2 => Step::ChangeUser,
        3 => Step::Filter,
        _ => Step::Exec,
    }
}

/// Forks the child of `plan`. It prepares itself and then blocks until [`Embryo::go`].
pub(crate) fn fork_embryo(plan: &Plan) -> Result<Embryo, Errno> {
    let (ours, theirs) = socket_pair()?;
    let argv = pointers(&plan.argv);
    let envp = pointers(&plan.envp);
    let mut filter = vec![Insn::default(); MAX_FILTER];
    match fork()? {
        Some(pid) => Ok(Embryo { pid, line: File::from(ours), listens: Listens::No, said: 0, ready: false }),
        None => {
            let line = theirs.as_raw_fd();
            let (step, errno) = become_program(plan, &argv, &envp, &mut filter, (line, ours.as_raw_fd()));
            say(line, step, errno);
            exit_now(127)
        }
    }
}

/// Runs in the child; returns only on failure.
fn become_program(
    plan: &Plan,
    argv: &[*const libc::c_char],
    envp: &[*const libc::c_char],
    filter: &mut [Insn],
    (line, parents_end): (RawFd, RawFd),
) -> (Step, Errno) {
    // Our copy of the parent's end, so that the read below ends when the parent does.
    close(parents_end);
    default_handlers();
    super::process::restore_descriptor_limit();
    if let Err(errno) = plan.cwd.as_ref().map_or(Ok(()), chdir) {
        return (Step::ChangeDirectory, errno);
    }
    if let Err(errno) = plan.identity.as_ref().map_or(Ok(()), take_identity) {
        return (Step::ChangeUser, errno);
    }
    let ready = [READY];
    // SAFETY: sends from a live array; MSG_NOSIGNAL because the parent may be gone.
    unsafe { libc::send(line, ready.as_ptr().cast(), ready.len(), libc::MSG_NOSIGNAL) };
    let Some((count, listens)) = receive_filter(line, filter) else { exit_now(127) };
    // A failure here leaves everything blocked; the program is still better run than not.
    let _ = sigmask::replace(plan.mask);
    if count > 0
        && let Err(errno) = install_for(&filter[..count], listens, line)
    {
        return (Step::Filter, errno);
    }
    // SAFETY: path is a C string; argv and envp are null-terminated arrays of C strings that `plan` owns.
    unsafe { libc::execve(plan.path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    (Step::Exec, Errno::last())
}

/// Whether our children can have a filter with a listening end: a child tries.
pub(crate) fn can_listen() -> bool {
    match fork() {
        Ok(Some(child)) => super::wait::wait_for(child) == Ok(super::wait::WaitStatus(0)),
        Ok(None) => {
            // Allows everything.
            let all = [Insn { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];
            exit_now(i32::from(seccomp_or_give_up(&all, LISTENING).is_err()))
        }
        Err(_) => false,
    }
}

/// Forks a child that only ever sleeps: the doorbell of [`crate::mailbox`].
///
/// All its signals are blocked but `ring` and the one that says that the calling thread is gone. It holds no
/// descriptor but one that stands for our process, and has its own session, so that no terminal reaches it. It outlives the calling thread by the moment
/// that it takes to let go who is on the roll.
pub(crate) fn fork_sleeper(name: &CStr, ring: i32, roll: &Roll) -> Result<Tid, Errno> {
    let old = sigmask::replace(SigMask::ALL)?;
    let parent = std::process::id();
    // The one descriptor that the child keeps tells it when ours are closed. Without it, it waits a while.
    let us = i32::try_from(parent).ok().and_then(Tid::new).and_then(|pid| pidfd::open(pid).ok());
    let forked = fork();
    if let Ok(None) = forked {
        sleep_until_alone(name, ring, roll, parent, us.as_ref().map_or(-1, AsRawFd::as_raw_fd));
    }
    sigmask::replace(old)?;
    forked.and_then(|pid| pid.ok_or(Errno::EINVAL))
}

/// What the kernel sends the doorbell when the thread that made it ends (PR_SET_PDEATHSIG(2const)).
const ALONE: i32 = libc::SIGTERM;

fn sleep_until_alone(name: &CStr, ring: i32, roll: &Roll, parent: u32, us: RawFd) -> ! {
    extern "C" fn wake_up(_signal: libc::c_int) {}
    let handler: extern "C" fn(libc::c_int) = wake_up;
    // SAFETY: the handler does nothing, so it may run at any time.
    unsafe { libc::signal(ALONE, handler as libc::sighandler_t) };
    // SAFETY: a prctl with a signal number.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, ALONE) };
    // SAFETY: a prctl that reads a C string.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    // SAFETY: no argument.
    unsafe { libc::setsid() };
    let us_or_none = libc::c_uint::try_from(us).ok();
    if let Some(below) = us_or_none.and_then(|us| us.checked_sub(1)) {
        // SAFETY: this child uses no descriptor but `us`, so closing the others takes none from anybody.
        unsafe { libc::syscall(libc::SYS_close_range, 0, below, 0) };
    }
    // SAFETY: the same, above it.
    unsafe { libc::syscall(libc::SYS_close_range, us_or_none.map_or(0, |us| us + 1), u32::MAX, 0) };
    // The action of `ring` is left alone: its tracer takes every signal before an action would, and setting the
    // default would throw a ring away that is pending already (sigaction(2), ignored signals).
    let awake = SigMask::ALL.without(ring);
    let _ = sigmask::replace(awake);
    // Setting SIG_DFL discards a pending signal that is ignored by default, blocked or not (sigaction(2)): a ring
    // that came before is lost. One of our own stands in for it; if we are not traced yet, it is ignored, and no
    // ring was lost either, because nobody rings before that.
    // SAFETY: sends a signal to the calling thread.
    unsafe { libc::raise(ring) };
    // SAFETY: no argument.
    if unsafe { libc::getppid() }.unsigned_abs() == parent {
        // It ends with a handler, and the tracer lets no other signal come to one. The signal is open only in here: it
        // may have come since we asked, and pause(2) would not hear of it any more.
        sigmask::suspend(awake.without(ALONE));
    }
    roll.release_all(us);
    exit_now(0)
}

/// `None` in the child.
pub(crate) fn fork() -> Result<Option<Tid>, Errno> {
    // SAFETY: the child runs only the functions of this file, which make system calls and do not allocate.
    let pid = Errno::check(libc::c_long::from(unsafe { libc::fork() }))?;
    Ok(i32::try_from(pid).ok().and_then(Tid::new))
}

fn socket_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut fds = [-1; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    // SAFETY: writes two descriptors into fds.
    let result = unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) };
    Errno::check(libc::c_long::from(result))?;
    let [ours, theirs] = fds;
    // SAFETY: a fresh descriptor that nobody else owns.
    let ours = unsafe { OwnedFd::from_raw_fd(ours) };
    // SAFETY: likewise.
    let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
    Ok((ours, theirs))
}

pub(crate) fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([core::ptr::null()]).collect()
}

fn close(fd: RawFd) {
    // SAFETY: the descriptor is the child's copy and is not used again.
    unsafe { libc::close(fd) };
}

pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without running anything of ours.
    unsafe { libc::_exit(code) }
}

/// No handler of ours may run in the child once its signals are open again, and `SIGPIPE`, which Rust's
/// runtime ignores, must not stay ignored across exec.
pub(crate) fn default_handlers() {
    for signal in 1..=64 {
        let mut action = core::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a null new action only reads the present one into `action`.
        if unsafe { libc::sigaction(signal, core::ptr::null(), action.as_mut_ptr()) } != 0 {
            continue;
        }
        // SAFETY: zeroed or kernel-written; all fields are integers, masks and an optional function pointer.
        let handler = unsafe { action.assume_init() }.sa_sigaction;
        let handled = handler != libc::SIG_DFL && handler != libc::SIG_IGN;
        if handled || signal == libc::SIGPIPE {
            // SAFETY: sets a default action.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
    }
}

fn chdir(path: &CString) -> Result<(), Errno> {
    // SAFETY: reads a C string.
    Errno::check(libc::c_long::from(unsafe { libc::chdir(path.as_ptr()) })).map(drop)
}

/// By raw system calls: libc's wrappers would try to change every thread of the forked image.
fn take_identity(identity: &Identity) -> Result<(), Errno> {
    let groups = &identity.groups;
    // SAFETY: reads `groups.len()` numbers.
    Errno::check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    // SAFETY: three numbers.
    Errno::check(unsafe { libc::syscall(libc::SYS_setresgid, identity.gid, identity.gid, identity.gid) })?;
    // SAFETY: three numbers.
    Errno::check(unsafe { libc::syscall(libc::SYS_setresuid, identity.uid, identity.uid, identity.uid) })
        .map(drop)
}

/// The length of the filter that the parent sent, now in `filter`; `None` if the parent went away.
fn receive_filter(line: RawFd, filter: &mut [Insn]) -> Option<(usize, Listens)> {
    let mut count = [0; 4];
    receive(line, count.as_mut_ptr(), count.len())?;
    let count = u32::from_ne_bytes(count);
    let listens = if count & LISTENS != 0 { Listens::Yes } else { Listens::No };
    let count = usize::try_from(count & !LISTENS).ok()?.min(filter.len());
    receive(line, filter.as_mut_ptr().cast(), count * INSN_SIZE)?;
    Some((count, listens))
}

/// Reads exactly `len` bytes to `to`, which the two callers above own for that length.
fn receive(line: RawFd, to: *mut u8, len: usize) -> Option<()> {
    let mut done = 0;
    while done < len {
        // SAFETY: `to` is valid for `len` bytes and done < len.
        let got = unsafe { libc::read(line, to.wrapping_add(done).cast(), len - done) };
        match got {
            -1 if Errno::last() == Errno::EINTR => {}
            ..=0 => return None,
            more => done += more.unsigned_abs(),
        }
    }
    Some(())
}

/// Installs the filter. A listening end goes to the parent.
fn install_for(filter: &[Insn], listens: Listens, line: RawFd) -> Result<(), Errno> {
    let flags = if listens == Listens::Yes { LISTENING } else { 0 };
    let installed = seccomp_or_give_up(filter, flags)?;
    if listens == Listens::Yes {
        send_descriptor(line, installed)?;
        close(installed);
    }
    Ok(())
}

/// Without privilege the kernel takes a filter only from a thread that gives up gaining any.
pub(crate) fn install_filter(filter: &[Insn]) -> Result<(), Errno> {
    seccomp_or_give_up(filter, 0).map(drop)
}

/// The same, with a listening end.
pub(crate) fn install_asking_filter(filter: &[Insn]) -> Result<OwnedFd, Errno> {
    let installed = seccomp_or_give_up(filter, LISTENING)?;
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(installed) })
}

/// The same with flags; answers the listening end, if one was asked for.
fn seccomp_or_give_up(filter: &[Insn], flags: libc::c_ulong) -> Result<RawFd, Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno::EINVAL)?,
        filter: filter.as_ptr().cast_mut().cast(),
    };
    match seccomp(&program, flags) {
        Err(Errno::EACCES) => {
            // SAFETY: a prctl with numbers only.
            let result = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
            Errno::check(libc::c_long::from(result))?;
            seccomp(&program, flags)
        }
        other => other,
    }
}

/// The listening end, or 0 without [`libc::SECCOMP_FILTER_FLAG_NEW_LISTENER`].
fn seccomp(program: &libc::sock_fprog, flags: libc::c_ulong) -> Result<RawFd, Errno> {
    // SAFETY: reads the program, whose pointer and length describe a live slice.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, core::ptr::from_ref(program))
    };
    Errno::check(result).map(|fd| RawFd::try_from(fd).unwrap_or(-1))
}

/// The control part of a message with one descriptor, as words: length, then level and type, then the descriptor
/// (`struct cmsghdr`).
const RIGHTS_LEN: u64 = 20;
const RIGHTS: u64 = (libc::SCM_RIGHTS as u64) << 32 | libc::SOL_SOCKET as u64;

/// Carries a descriptor over a socket, with one zero byte (unix(7), `SCM_RIGHTS`). Allocates nothing.
fn send_descriptor(line: RawFd, fd: RawFd) -> Result<(), Errno> {
    let (mut byte, mut control) = (0_u8, [RIGHTS_LEN, RIGHTS, u64::from(fd.unsigned_abs())]);
    let mut part = part_of(&mut byte);
    let message = message_of(&mut part, &mut control);
    // SAFETY: the message describes live buffers; MSG_NOSIGNAL because the parent may be gone.
    let sent = unsafe { libc::sendmsg(line, &raw const message, libc::MSG_NOSIGNAL) };
    Errno::check(sent as libc::c_long).map(drop)
}

/// The other side of it; `None` if the line was closed before, or another byte came, which is in `byte` then.
fn receive_descriptor(line: RawFd, byte: &mut u8) -> Result<Option<OwnedFd>, Errno> {
    let mut control = [0; 3];
    let mut part = part_of(byte);
    let mut message = message_of(&mut part, &mut control);
    // SAFETY: the message describes live buffers.
    let got = unsafe { libc::recvmsg(line, &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    Errno::check(got as libc::c_long)?;
    let fd = (control[2] & 0xffff_ffff) as u32;
    if got == 0 || control[..2] != [RIGHTS_LEN, RIGHTS] {
        return Ok(None);
    }
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(fd.cast_signed()) }))
}

fn part_of(byte: &mut u8) -> libc::iovec {
    libc::iovec { iov_base: core::ptr::from_mut(byte).cast(), iov_len: 1 }
}

fn message_of(part: &mut libc::iovec, control: &mut [u64; 3]) -> libc::msghdr {
    // SAFETY: integers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = core::ptr::from_mut(part);
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(control);
    message
}

fn say(line: RawFd, step: Step, errno: Errno) {
    let [e0, e1, e2, e3] = errno.raw().to_ne_bytes();
    let report = [step as u8, 0, 0, 0, e0, e1, e2, e3];
    // SAFETY: writes from a live array; MSG_NOSIGNAL because the parent may be gone.
    unsafe { libc::send(line, report.as_ptr().cast(), report.len(), libc::MSG_NOSIGNAL) };
}

/// Whether the calling process may execute this file (access(2) with the effective ids).
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: reads a C string.
    unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) == 0 }
}

#[cfg(test)]
mod tests;
