//! What a thread is doing, seen from outside: [`Place`], from `/proc/TID/syscall` (proc_pid_syscall(5)), and [`Sight`], which
//! reads no file twice.
//!
//! The kernel writes the line only for a thread that stayed off the processor while it looked
//! (`wait_task_inactive`), so numbers in it belong together. "running" may be user mode, the kernel, or
//! waiting for a processor. Parsing is pure.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use crate::procfs;
use crate::sys::Errno;
use crate::types::Tid;

/// A call that a thread is blocked in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    /// Its number, in the table of whatever mode the thread runs in.
    pub(crate) number: u64,
    /// The six argument registers.
    pub(crate) args: [u64; 6],
    /// The stack pointer in user mode.
    pub(crate) sp: u64,
    /// The instruction that it returns to.
    pub(crate) pc: u64,
}

/// Where a thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Asleep in a system call.
    Blocked(Call),
    /// Asleep in the kernel without a call: in a page fault, or stopped on the way to user mode.
    Faulting,
    /// On a processor, or about to be.
    Running,
}

/// The open file of one thread, to be read as often as needed.
#[derive(Debug)]
pub(crate) struct PlaceFile(File);

impl PlaceFile {
    /// Opens it.
    ///
    /// # Errors
    /// `ENOENT`: the thread is gone, or this kernel does not have the file.
    pub(crate) fn open(tid: Tid) -> Result<Self, Errno> {
        File::open(format!("/proc/{tid}/syscall")).map(Self).map_err(|error| Errno::from_io(&error))
    }

    /// Where the thread is now.
    ///
    /// # Errors
    /// `ESRCH`: it is gone. `EACCES`, `EPERM`: not for us to see. `EINVAL`: an answer that we do not understand.
    pub(crate) fn read(&self) -> Result<Place, Errno> {
        // Nine numbers of at most 18 characters.
        let mut line = [0; 256];
        let len = self.0.read_at(&mut line, 0).map_err(|error| Errno::from_io(&error))?;
        parse(&line[..len]).ok_or(Errno::EINVAL)
    }
}

/// One look at a thread: its open file, and what was read for one purpose and serves the next one too, as each file of
/// `/proc` takes microseconds. A thread that is not asleep may be elsewhere by then: who sets a trap looks again.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) tid: Tid,
    file: PlaceFile,
    kept: Option<Place>,
    line: Option<Vec<u8>>,
}

impl Sight {
    /// As [`PlaceFile::open`].
    pub(crate) fn open(tid: Tid) -> Result<Self, Errno> {
        Ok(Self { tid, file: PlaceFile::open(tid)?, kept: None, line: None })
    }

    /// Where the thread is; where it was, the first time after [`Sight::keep`].
    ///
    /// # Errors
    /// As [`PlaceFile::read`].
    pub(crate) fn look(&mut self) -> Result<Place, Errno> {
        if let Some(place) = self.kept.take() {
            return Ok(place);
        }
        self.line = None;
        self.file.read()
    }

    /// The next [`Sight::look`] need not read this again.
    pub(crate) fn keep(&mut self, place: Place) {
        self.kept = Some(place);
    }

    /// Where the thread is now.
    ///
    /// # Errors
    /// As [`PlaceFile::read`].
    pub(crate) fn look_anew(&self) -> Result<Place, Errno> {
        self.file.read()
    }

    /// Its line of `stat`, read after the last look at the earliest.
    pub(crate) fn stat_line(&mut self) -> Option<&[u8]> {
        if self.line.is_none() {
            self.line = procfs::stat_line(self.tid).ok();
        }
        self.line.as_deref()
    }
}

/// Where a thread is now; see [`PlaceFile`].
pub(crate) fn of(tid: Tid) -> Result<Place, Errno> {
    PlaceFile::open(tid)?.read()
}

fn parse(line: &[u8]) -> Option<Place> {
    let line = core::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    match words.next()? {
        "running" => Some(Place::Running),
        "-1" => Some(Place::Faulting),
        number => {
            let number = number.parse().ok()?;
            let mut next = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
            let args = [next()?, next()?, next()?, next()?, next()?, next()?];
            Some(Place::Blocked(Call { number, args, sp: next()?, pc: next()? }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Place, of, parse};
    use crate::types::Tid;

    #[test]
    fn each_form_of_the_line_is_known_and_no_other() {
        let line = b"232 0x5 0x7f 0x1 0xffffffff 0x0 0x8 0x7ffe10 0x7f42\n";
        let call = Call { number: 232, args: [5, 0x7f, 1, 0xffff_ffff, 0, 8], sp: 0x7ffe10, pc: 0x7f42 };
        assert_eq!(parse(line), Some(Place::Blocked(call)));
        assert_eq!(parse(b"running\n"), Some(Place::Running));
        assert_eq!(parse(b"-1 0x7ffe10 0x7f42\n"), Some(Place::Faulting));
        for cut in 0..line.len() - 4 {
            assert!(
                !matches!(parse(&line[..cut]), Some(Place::Blocked(found)) if found == call),
                "cut at {cut}"
            );
        }
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn a_child_that_waits_is_seen_blocked_in_its_read() {
        let mut cat = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let tid = Tid::new(cat.id().cast_signed()).unwrap();
        let call = loop {
            if let Ok(Place::Blocked(call)) = of(tid)
                && call.number == 0
            {
                break call;
            }
            std::thread::yield_now();
        };
        assert_eq!(call.args[0], 0, "it reads its stdin");
        drop(cat.stdin.take());
        cat.wait().unwrap();
    }
}
