//! Where debuggers execute instructions out of line.
//!
//! A debugger can step a thread past a breakpoint without taking that out: it copies the instruction to a scratch pad and lets
//! the thread execute it there. gdb's is at the program's entry, which nobody comes to any more. Two of them would write
//! over each other's copies and restore them. So while several trace a process, nobody has a pad: what is written there is refused
//! (`EIO`), and gdb then steps in place, as it can anywhere. Breakpoints may be put there, and what stands in the
//! program's file may come back. Neighbour: [`super::memory`] writes.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use super::overlay::INT3;

/// How much gdb may use there: two buffers.
const LEN: u64 = 256;
/// `AT_ENTRY` of the auxiliary vector (getauxval(3)).
const AT_ENTRY: u64 = 9;

/// Whether these bytes at `at`, in place of what the writer sees there now, are a copy for a pad.
pub(super) fn is_copy(process: u32, at: u64, bytes: &[u8], seen: &[u8]) -> bool {
    let differs = |(new, old): (&u8, &u8)| new != old && *new != INT3 && *old != INT3;
    let end = at.saturating_add(bytes.len() as u64);
    if !bytes.iter().zip(seen).any(differs) {
        return false;
    }
    let Some(entry) = entry(process) else { return false };
    at < entry.saturating_add(LEN) && end > entry && !is_restored(process, at, entry, bytes)
}

/// Where the program of a process begins.
fn entry(process: u32) -> Option<u64> {
    let vector = fs::read(format!("/proc/{process}/auxv")).ok()?;
    let (words, _) = vector.as_chunks::<8>();
    let pairs = words.chunks_exact(2);
    let entry = pairs.map(|pair| (u64::from_le_bytes(pair[0]), u64::from_le_bytes(pair[1])));
    entry.into_iter().find(|(kind, _)| *kind == AT_ENTRY).map(|(_, entry)| entry)
}

/// Whether that is what the file of the program has there.
fn is_restored(process: u32, at: u64, entry: u64, bytes: &[u8]) -> bool {
    let offset = File::open(format!("/proc/{process}/exe")).ok().and_then(|file| {
        let begin = entry_offset(&file)?;
        let mut found = vec![0; bytes.len()];
        file.read_exact_at(&mut found, begin.checked_add(at)?.checked_sub(entry)?).ok()?;
        Some(found)
    });
    offset.is_some_and(|found| found == bytes)
}

/// Where a 64-bit ELF file has the code of its entry (elf(5)).
fn entry_offset(file: &File) -> Option<u64> {
    let mut head = [0; 64];
    file.read_exact_at(&mut head, 0).ok()?;
    let (entry, table) = (long(&head, 24)?, long(&head, 32)?);
    let count = u16::from_le_bytes([head[56], head[57]]);
    (0..u64::from(count)).find_map(|index| {
        let mut segment = [0; 56];
        file.read_exact_at(&mut segment, table.checked_add(index * 56)?).ok()?;
        // PT_LOAD: its place in the file, in memory, and its size in the file.
        let (offset, begin, size) = (long(&segment, 8)?, long(&segment, 16)?, long(&segment, 32)?);
        let within = entry.checked_sub(begin).filter(|within| *within < size)?;
        (segment[..4] == [1, 0, 0, 0]).then(|| offset.checked_add(within)).flatten()
    })
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<8>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_to_the_entry_are_known_and_breakpoints_and_the_files_own_bytes_are_none() {
        let me = std::process::id();
        let entry = entry(me).unwrap();
        let file = File::open("/proc/self/exe").unwrap();
        let mut own = [0; 16];
        file.read_exact_at(&mut own, entry_offset(&file).unwrap()).unwrap();
        let copy = [0x90; 16];
        let mut trap = own;
        trap[0] = INT3;
        assert!(is_copy(me, entry, &copy, &own));
        assert!(is_copy(me, entry - 4, &copy, &own), "it reaches into it");
        assert!(!is_copy(me, entry, &own, &copy), "the file's own");
        assert!(!is_copy(me, entry, &trap, &own) && !is_copy(me, entry, &own, &trap));
        assert!(!is_copy(me, entry + LEN, &copy, &own));
    }
}
