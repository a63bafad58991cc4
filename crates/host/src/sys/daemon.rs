//! A program that is nobody's child, and a program in place of ours: the two execs that are not a launch.
//!
//! As in [`super::spawn`], the forked child makes plain system calls only. What is executed is a
//! [`super::spawn::Plan`]; who wants that, and why, is the caller's business.

use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use super::Errno;
use super::sigmask::{self, SigMask};
use super::spawn::{self, Plan};
use super::wait;
use crate::types::Tid;

/// Runs the program of `plan` in a process group of its own, without a terminal, as a child of nobody that we are or will
/// be, with `stdin` as its standard input and nothing else open. Whether its exec works is not heard.
pub(crate) fn spawn_apart(plan: &Plan, stdin: BorrowedFd<'_>) -> Result<(), Errno> {
    let argv = spawn::pointers(&plan.argv);
    let envp = spawn::pointers(&plan.envp);
    let Some(child) = spawn::fork()? else { become_apart(plan, &argv, &envp, stdin.as_raw_fd()) };
    reap(child)
}

/// The child in between ends at once, so that the grandchild gets init for a parent.
fn become_apart(plan: &Plan, argv: &[*const libc::c_char], envp: &[*const libc::c_char], stdin: RawFd) -> ! {
    leave_terminal();
    match spawn::fork() {
        Ok(None) => {}
        Ok(Some(_)) => spawn::exit_now(0),
        Err(_) => spawn::exit_now(127),
    }
    // SAFETY: reads a C string.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
    for (from, to) in [(stdin, 0), (null, 1), (null, 2)] {
        // SAFETY: descriptors of this process, which has no other user of them.
        unsafe { libc::dup2(from, to) };
    }
    // SAFETY: this child uses none of them any more.
    unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    // SAFETY: reads a C string.
    unsafe { libc::chdir(c"/".as_ptr()) };
    spawn::default_handlers();
    super::process::restore_descriptor_limit();
    // What is blocked here is no affair of a program that runs on its own.
    let _ = sigmask::replace(SigMask(0));
    execute(plan, argv, envp);
    spawn::exit_now(127)
}

/// Makes a process group of its own that no terminal signals. Not a session: the processes of one take their turns
/// together (sched(7), "The autogroup feature"). A tracer in another session than its tracee and its client is let go first
/// only now and then where others want the processor, and each call to it then takes some milliseconds more.
fn leave_terminal() {
    // SAFETY: numbers only.
    unsafe { libc::setpgid(0, 0) };
    // SAFETY: reads a C string.
    let terminal = unsafe { libc::open(c"/dev/tty".as_ptr(), libc::O_RDWR | libc::O_NOCTTY) };
    if terminal >= 0 {
        // SAFETY: no argument is read. Who was just forked leads no session, so that the others of it keep theirs
        // (ioctl_tty(2), TIOCNOTTY).
        unsafe { libc::ioctl(terminal, libc::TIOCNOTTY) };
        // SAFETY: opened above, and nobody else has it.
        unsafe { libc::close(terminal) };
    }
}

fn reap(child: Tid) -> Result<(), Errno> {
    loop {
        match wait::wait_for(child) {
            // A process whose SIGCHLD is ignored has its children collected (wait(2)).
            Ok(_) | Err(Errno::ECHILD) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Runs the program of `plan` in place of this one; answers why that failed.
pub(crate) fn replace_ourselves(plan: &Plan) -> Errno {
    let argv = spawn::pointers(&plan.argv);
    let envp = spawn::pointers(&plan.envp);
    spawn::default_handlers();
    execute(plan, &argv, &envp)
}

fn execute(plan: &Plan, argv: &[*const libc::c_char], envp: &[*const libc::c_char]) -> Errno {
    // SAFETY: path is a C string; argv and envp are null-terminated arrays of C strings that `plan` owns.
    unsafe { libc::execve(plan.path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Errno::last()
}
