//! Memory of tracees as their tracers see it: words by request, and `/proc/PID/mem`, which debuggers read and write
//! with pread64(2) and pwrite64(2).
//!
//! Everything goes through the process's [`Overlay`]. A call that has nothing to do with breakpoints runs in the kernel.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use utrace_core::{Addr, Moment, Target, TargetError, Task, Wrote};

use super::guard;
use super::keeper::Standing;
use super::link::Link;
use super::num;
use super::overlay::{INT3, Overlay};
use super::pad;
use super::tracee::look;
use super::width::Width;
use super::world::{LinkId, Threads};

/// The longest transfer that is looked at; a breakpoint is a byte, and debuggers read text by the page.
const LONGEST: u64 = 1 << 20;

/// Reads memory as this tracer is to see it; how much was there.
pub(super) fn read(
    threads: &Threads,
    task: &Task,
    owner: u32,
    at: u64,
    bytes: &mut [u8],
) -> Result<usize, i64> {
    let found = look(task, |target| target.read(Addr(at), bytes))?;
    let len = found.map_err(errno)?;
    if let Some(overlay) = threads.overlays.get(&task.process().0) {
        overlay.show(owner, at, &mut bytes[..len]);
    }
    Ok(len)
}

/// Writes memory for this tracer; how much was written. None to a scratch pad that several would use.
pub(super) fn write(
    threads: &mut Threads,
    task: &Task,
    owner: u32,
    at: u64,
    bytes: &mut [u8],
) -> Result<usize, i64> {
    let mut now = vec![0; bytes.len()];
    let len = look(task, |target| target.read(Addr(at), &mut now))?.map_err(errno)?;
    let bytes = &mut bytes[..len];
    let process = task.process().0;
    let mut seen = now[..len].to_vec();
    if let Some(overlay) = threads.overlays.get(&process) {
        overlay.show(owner, at, &mut seen);
    }
    if threads.is_shared(process, owner) && pad::is_copy(process, at, bytes, &seen) {
        return Err(num::EIO);
    }
    let overlay: &mut Overlay = threads.overlays.entry(task.process().0).or_default();
    overlay.write(owner, at, bytes, &now);
    look(task, |target| target.write(Addr(at), bytes))?.map_err(errno)
}

/// The arguments as a 64-bit caller gives them: a 32-bit one has its offset in two halves.
pub(super) fn arguments(width: Width, args: [u64; 6]) -> [u64; 6] {
    let [fd, buffer, len, low, high, _] = args;
    match width {
        Width::Wide => args,
        Width::Narrow => [fd, buffer, len, low & 0xffff_ffff | high << 32, 0, 0],
    }
}

/// A pread64 or pwrite64 of a client on the memory of a process that it traces; `None` if the kernel is to do it.
pub(super) fn transfer(
    threads: &mut Threads,
    caller: u32,
    nr: u64,
    args: [u64; 6],
    client: &mut dyn Target,
) -> Option<i64> {
    let [fd, buffer, len, at, ..] = args;
    let thread = threads.threads.get(&caller).filter(|thread| thread.traces)?;
    let owner = thread.process;
    if len == 0 || len > LONGEST {
        return None;
    }
    let path = client.fd_path(i32::try_from(fd).ok()?)?;
    let found = threads.tracee_of(caller, process_of(&path)?)?;
    let link = threads.links.get(&found)?;
    let process = link.process;
    let mine = |link: &&Link| link.tracer_process == owner && link.process == process;
    if guard::standing(threads, link) != Standing::Keeps {
        // The kernel knows what this descriptor may do.
        return None;
    }
    let overlay = threads.overlays.get(&link.process);
    let others = |other: &Link| other.process == link.process && other.tracer_process != owner;
    // What the kernel is left to do is done later, and another tracer's breakpoint may be there by then.
    let untouched = overlay.is_none_or(|overlay| overlay.is_clear(at, len))
        && !threads.links.values().any(|other| others(other) && other.tracer != 0);
    // The descriptor holds the memory itself, and a thread that is about to be gone has none any more.
    let tasks: Vec<Task> = threads.links.values().filter(mine).map(|link| link.task.clone()).collect();
    let mut bytes = vec![0; usize::try_from(len).ok()?];
    if nr == num::PREAD64 {
        if untouched {
            return None;
        }
        let found = tasks.iter().find_map(|task| alive(read(threads, task, owner, at, &mut bytes)))?;
        let result = found.and_then(|found| {
            let put = client.store(Addr(buffer), &bytes[..found]).map_err(|_| num::EFAULT)?;
            Ok(i64::try_from(put).unwrap_or(0))
        });
        return Some(result.unwrap_or_else(|errno| errno));
    }
    if let (Some(thread), Ok(fd)) = (threads.threads.get(&caller), i32::try_from(fd))
        && let Some(place) = &thread.habit.place
    {
        place.write_through(fd);
    }
    let got = client.fetch(Addr(buffer), &mut bytes).ok()?;
    if got != bytes.len() || (untouched && !bytes.contains(&0xcc)) {
        return None;
    }
    let result = tasks.iter().find_map(|task| alive(write(threads, task, owner, at, &mut bytes)))?;
    Some(result.map_or_else(|errno| errno, |len| i64::try_from(len).unwrap_or(0)))
}

impl Threads {
    /// Takes note of what clients wrote without asking. One of them may be asking something at this moment.
    pub(super) fn hear_writes(&mut self, asking: Option<u32>) {
        for index in 0..self.writers.len() {
            let Some(writer) = self.writers.get(index).copied() else { return };
            let place = self.threads.get(&writer).and_then(|thread| thread.habit.place.as_ref());
            let moment = if asking == Some(writer) { Moment::Asking } else { Moment::Any };
            let wrote = place.map_or_else(Vec::new, |place| place.written(moment));
            for write in &wrote {
                self.hear_write(writer, write);
            }
        }
    }

    fn hear_write(&mut self, writer: u32, wrote: &Wrote) -> Option<()> {
        let process = self.threads.get(&writer)?.process;
        let len = wrote.len as u64;
        let is_mine = |link: &&Link| link.tracer_process == process && link.tracer != 0;
        let is_clear = |link: &Link| {
            self.overlays.get(&link.process).is_none_or(|overlay| overlay.is_clear(wrote.at, len))
        };
        let is_break = wrote.after.is_none_or(|after| after[..wrote.len].contains(&INT3));
        if !is_break && self.links.values().filter(is_mine).all(is_clear) {
            return None;
        }
        let path = fs::read_link(format!("/proc/{writer}/fd/{}", wrote.fd)).ok()?;
        let named = process_of(path.as_os_str().as_bytes())?;
        let target = self.tracee_of(writer, named)?;
        let (traced, task) = self.links.get(&target).map(|link| (link.process, link.task.clone()))?;
        let mut bytes = match wrote.after {
            Some(after) => after,
            None => {
                let mut now = wrote.before;
                look(&task, |target| target.read(Addr(wrote.at), &mut now[..wrote.len])).ok()?.ok()?;
                now
            }
        };
        let overlay: &mut Overlay = self.overlays.entry(traced).or_default();
        overlay.write(process, wrote.at, &mut bytes[..wrote.len], &wrote.before[..wrote.len]);
        Some(())
    }

    /// A link of this client's to the process that a file of memory named so is of.
    fn tracee_of(&mut self, client: u32, named: u32) -> Option<LinkId> {
        let owner = self.threads.get(&client)?.process;
        let known = self.links.values().any(|link| link.process == named || link.tracee == named);
        // The number is one of whatever `/proc` it was opened in.
        let process = if known { named } else { self.global(client, named) };
        let is_it =
            |link: &Link| link.tracer_process == owner && (link.process == process || link.tracee == process);
        self.links.iter().find(|(_, link)| is_it(link)).map(|(id, _)| *id)
    }
}

/// What came of it, unless this thread is gone.
fn alive(result: Result<usize, i64>) -> Option<Result<usize, i64>> {
    (result != Err(num::ESRCH)).then_some(result)
}

/// The number in `/proc/NUMBER/mem` or `/proc/PID/task/NUMBER/mem`.
fn process_of(path: &[u8]) -> Option<u32> {
    let path = core::str::from_utf8(path).ok()?;
    let number = path.strip_prefix("/proc/")?.strip_suffix("/mem")?;
    number.rsplit('/').next()?.parse().ok()
}

fn errno(error: TargetError) -> i64 {
    match error {
        TargetError::Died => num::ESRCH,
        TargetError::Refused(errno) => -i64::from(errno),
        TargetError::Fault(_) | TargetError::Unsupported => num::EIO,
    }
}

#[cfg(test)]
mod tests {
    use super::process_of;

    #[test]
    fn a_process_is_named_by_its_file() {
        assert_eq!(process_of(b"/proc/77/mem"), Some(77));
        assert_eq!(process_of(b"/proc/77/task/78/mem"), Some(78));
        assert_eq!(process_of(b"/proc/77/maps"), None);
        assert_eq!(process_of(b"/tmp/mem"), None);
    }
}
