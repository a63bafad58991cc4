//! What a thread that nobody stopped is doing in the kernel: [`current_syscall`] (historic `task_current_syscall`).
//!
//! Works on any thread that the caller might trace, attached or not, and disturbs nothing: it only reads `/proc`
//! (proc_pid_syscall(5)). What it answers was true of one instant; [`Blocked::still`] proves that the thread has not
//! moved since, so what was read of it in between, memory too, belongs together (INV-37).

use crate::error::HostError;
use crate::procfs;
use crate::sys::Errno;
use crate::types::Tid;

/// What a thread is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Current {
    /// It has, or waits for, a processor: nothing else can be known (historic `-EAGAIN`).
    Running,
    /// It is off the processor.
    Blocked(Blocked),
}

/// A thread that was off the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked {
    /// The number of its system call, in the table of whatever mode it runs in; `None` outside any (a page fault, or
    /// stopped on the way to user mode).
    pub number: Option<u64>,
    /// The call's six argument registers; zero outside any.
    pub args: [u64; 6],
    /// The stack pointer in user mode.
    pub sp: u64,
    /// The instruction that it returns to.
    pub pc: u64,
    tid: Tid,
    /// How often it has had a processor.
    slices: u64,
}

/// How often a thread that moves while it is looked at is looked at again.
const LOOKS: u32 = 3;

/// What this thread is doing now.
///
/// ```
/// use utrace_host::{Current, Tid, current_syscall};
///
/// let mut child = std::process::Command::new("sleep").arg("1000").spawn()?;
/// let tid = i32::try_from(child.id()).ok().and_then(Tid::new).ok_or("no tid")?;
/// loop {
///     if let Current::Blocked(blocked) = current_syscall(tid)?
///         && blocked.number == Some(230)
///     {
///         println!("in clock_nanosleep, returns to {:#x}; unmoved: {}", blocked.pc, blocked.still());
///         break;
///     }
/// }
/// child.kill()?;
/// child.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`HostError::NoSuchProcess`]; [`HostError::Ptrace`] naming the step if it is not for us to see.
pub fn current_syscall(tid: Tid) -> Result<Current, HostError> {
    for _ in 0..LOOKS {
        let first = line(tid)?;
        if first.starts_with("running") {
            continue;
        }
        let slices = slices(tid).map_err(|errno| refused(tid, errno))?;
        // Twice the same, and the count of time slices in between: facts/quiesce.md section 4.
        if line(tid)? == first
            && let Some(blocked) = parse(tid, &first, slices)
        {
            return Ok(Current::Blocked(blocked));
        }
    }
    Ok(Current::Running)
}

impl Blocked {
    /// Whether the thread has been off the processor ever since.
    #[must_use]
    pub fn still(&self) -> bool {
        matches!(current_syscall(self.tid), Ok(Current::Blocked(now)) if now == *self)
    }
}

fn line(tid: Tid) -> Result<String, HostError> {
    let line = procfs::read(&format!("/proc/{tid}/syscall")).map_err(|errno| refused(tid, errno))?;
    String::from_utf8(line).map_err(|_| refused(tid, Errno::EINVAL))
}

/// How many time slices a thread has had.
pub(crate) fn slices(tid: Tid) -> Result<u64, Errno> {
    let stats = procfs::read(&format!("/proc/{tid}/schedstat"))?;
    core::str::from_utf8(&stats).ok().and_then(parse_slices).ok_or(Errno::EINVAL)
}

/// The third field counts time slices (Documentation/scheduler/sched-stats.rst). A kernel that keeps no count writes 0,
/// which no thread has that ever slept: taken for a count, it would make each look as if it had not moved.
fn parse_slices(stats: &str) -> Option<u64> {
    let slices = stats.split_ascii_whitespace().nth(2)?.parse().ok()?;
    (slices > 0).then_some(slices)
}

fn refused(tid: Tid, errno: Errno) -> HostError {
    match errno {
        Errno::ESRCH | Errno::ENOENT => HostError::NoSuchProcess(tid),
        other => HostError::Ptrace("look at its system call", tid, other),
    }
}

fn parse(tid: Tid, line: &str, slices: u64) -> Option<Blocked> {
    let mut words = line.split_ascii_whitespace();
    let number = match words.next()? {
        "-1" => None,
        number => Some(number.parse().ok()?),
    };
    let mut next = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut args = [0; 6];
    if number.is_some() {
        for arg in &mut args {
            *arg = next()?;
        }
    }
    Some(Blocked { number, args, sp: next()?, pc: next()?, tid, slices })
}

#[cfg(test)]
mod tests {
    use super::{Current, current_syscall, parse, parse_slices};
    use crate::error::HostError;
    use crate::types::Tid;

    #[test]
    fn both_forms_of_the_line_are_read() {
        let tid = Tid::new(1).unwrap();
        let call = parse(tid, "232 0x5 0x7f 0x1 0xffffffff 0x0 0x8 0x7ffe10 0x7f42\n", 9).unwrap();
        assert_eq!((call.number, call.args[3], call.sp, call.pc), (Some(232), 0xffff_ffff, 0x7ffe10, 0x7f42));
        let fault = parse(tid, "-1 0x7ffe10 0x7f42\n", 9).unwrap();
        assert_eq!((fault.number, fault.sp, fault.pc), (None, 0x7ffe10, 0x7f42));
        assert_eq!(parse(tid, "232 0x5 0x7f", 9), None);
    }

    #[test]
    fn slices_that_are_not_counted_are_no_count() {
        assert_eq!(parse_slices("917204 3125 7\n"), Some(7));
        assert_eq!(parse_slices("0 0 0\n"), None);
        assert_eq!(parse_slices(""), None);
    }

    #[test]
    fn a_thread_that_nobody_traces_is_seen_in_its_call_until_it_moves() {
        let mut cat = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let tid = Tid::new(cat.id().cast_signed()).unwrap();
        let seen = loop {
            if let Ok(Current::Blocked(seen)) = current_syscall(tid)
                && seen.number == Some(0)
            {
                break seen;
            }
            std::thread::yield_now();
        };
        assert_eq!(seen.args[0], 0, "it reads its stdin");
        assert!(seen.still() && seen.still());
        // The same call with the same numbers, but it has been away.
        use std::io::Write as _;
        cat.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        while current_syscall(tid).is_ok_and(|now| now == Current::Blocked(seen)) {
            std::thread::yield_now();
        }
        assert!(!seen.still());
        drop(cat.stdin.take());
        cat.wait().unwrap();
        assert!(!seen.still());
        assert_eq!(current_syscall(tid), Err(HostError::NoSuchProcess(tid)));
    }
}
