//! The board on which the tree of `fixtures/stress.c` counts itself: its layout, read from bytes.
//!
//! Key types: [`Board`], [`Slot`]. The layout is declared in the fixture; both sides assert the sizes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Bytes before the first slot.
pub const HEADER: usize = 512;
/// Bytes of a slot.
pub const SLOT: usize = 64;
/// How many slots there are.
pub const SLOTS: usize = 16384;
/// The first argument of a marker call.
pub const MAGIC: u64 = 0x7574_7261;

const USED: u64 = 0;
const GO: u64 = 4;
const FINISH: u64 = 8;
const FAILED: usize = 16;
const CLOSED: u64 = 28;
const WHY: core::ops::Range<usize> = 32..HEADER;

/// How a thread stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It began; if it is gone, it was killed.
    Live,
    /// It came to its end.
    Clean,
    /// It was about to exec, with success unless it was killed.
    Execing,
}

/// How a thread, or a program, came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first of all.
    Root,
    /// `pthread_create`.
    Thread,
    /// `fork`.
    Fork,
    /// `vfork` and exec.
    Vfork,
    /// The same task as [`Slot::former`], after an exec.
    Exec,
}

/// What a thread says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its thread id.
    pub tid: u32,
    /// Its process id.
    pub pid: u32,
    /// Work done in user mode.
    pub progress: u64,
    /// Marker calls begun.
    pub asked: u64,
    /// Marker calls returned from.
    pub done: u64,
    /// Children and threads that it began to make.
    pub clones_asked: u32,
    /// Those that it knows to have made.
    pub clones_made: u32,
    /// How it stands.
    pub state: State,
    /// How it came to be.
    pub kind: Kind,
    /// The slot of its maker, or its own before an exec.
    pub former: u32,
    /// What it does now.
    pub op: u32,
}

/// What the whole tree says.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// What it found amiss itself.
    pub failed: Option<String>,
    /// The slots that were claimed, those between claim and first word left out as `None`.
    pub slots: Vec<Option<Slot>>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|long| long.try_into().ok()).map_or(0, u64::from_ne_bytes)
}

impl Slot {
    /// Reads a slot; `None` if it says nothing yet.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Slot> {
        let state = match word(bytes, 40) {
            1 => State::Live,
            2 => State::Clean,
            3 => State::Execing,
            _ => return None,
        };
        let kind = match word(bytes, 44) {
            0 => Kind::Root,
            1 => Kind::Thread,
            2 => Kind::Fork,
            3 => Kind::Vfork,
            _ => Kind::Exec,
        };
        Some(Slot {
            tid: word(bytes, 0),
            pid: word(bytes, 4),
            progress: long(bytes, 8),
            asked: long(bytes, 16),
            done: long(bytes, 24),
            clones_asked: word(bytes, 32),
            clones_made: word(bytes, 36),
            state,
            kind,
            former: word(bytes, 48),
            op: word(bytes, 52),
        })
    }
}

impl Board {
    /// Reads a board.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Board {
        let failed = (word(bytes, FAILED) != 0).then(|| {
            let why = bytes.get(WHY).unwrap_or(&[]);
            let why = String::from_utf8_lossy(why.split(|byte| *byte == 0).next().unwrap_or(&[]));
            format!("{why} ({})", word(bytes, FAILED))
        });
        let used = usize::try_from(word(bytes, 0)).unwrap_or(0).min(SLOTS);
        let slots = (0..used).map(|at| Slot::parse(bytes.get(HEADER + at * SLOT..)?)).collect();
        Board { failed, slots }
    }
}

/// The file that a tree keeps its board in.
#[derive(Debug)]
pub struct BoardFile(File);

impl BoardFile {
    /// Makes `file` an empty board.
    ///
    /// # Errors
    /// What the system said.
    pub fn new(file: File) -> io::Result<BoardFile> {
        file.set_len(0)?;
        file.set_len((HEADER + SLOT * SLOTS) as u64)?;
        Ok(BoardFile(file))
    }

    /// The board as it is now.
    ///
    /// # Errors
    /// What the system said.
    pub fn read(&self) -> io::Result<Board> {
        let mut used = [0; 4];
        self.0.read_exact_at(&mut used, USED)?;
        let used = usize::try_from(u32::from_ne_bytes(used)).unwrap_or(0).min(SLOTS);
        let mut bytes = vec![0; HEADER + SLOT * used];
        self.0.read_exact_at(&mut bytes, 0)?;
        // It may have grown in between; what was read counts.
        bytes[..4].copy_from_slice(&u32::try_from(used).unwrap_or(0).to_ne_bytes());
        Ok(Board::parse(&bytes))
    }

    /// Lets a tree begin that waits for it.
    ///
    /// # Errors
    /// What the system said.
    pub fn go(&self) -> io::Result<()> {
        self.0.write_all_at(&1_u32.to_ne_bytes(), GO)
    }

    /// Has the tree begin nothing new.
    ///
    /// # Errors
    /// What the system said.
    pub fn finish(&self) -> io::Result<()> {
        self.0.write_all_at(&1_u32.to_ne_bytes(), FINISH)
    }

    /// Has every thread end at once that has not said yet that it is there.
    ///
    /// # Errors
    /// What the system said.
    pub fn close(&self) -> io::Result<()> {
        self.0.write_all_at(&1_u32.to_ne_bytes(), CLOSED)
    }
}

#[cfg(test)]
mod tests {
    use super::{Board, HEADER, Kind, SLOT, State};

    #[test]
    fn a_board_is_read_as_the_fixture_writes_it() {
        let mut bytes = vec![0; HEADER + 2 * SLOT];
        let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        put(0, 2);
        put(16, 1);
        put(HEADER, 77);
        put(HEADER + 16, 5);
        put(HEADER + 24, 4);
        put(HEADER + 40, 2);
        put(HEADER + 44, 4);
        put(HEADER + 48, 9);
        bytes[32..35].copy_from_slice(b"why");
        let board = Board::parse(&bytes);
        assert_eq!(board.failed.as_deref(), Some("why (1)"));
        assert_eq!(board.slots.len(), 2);
        let slot = board.slots[0].unwrap();
        assert_eq!((slot.tid, slot.asked, slot.done, slot.former), (77, 5, 4, 9));
        assert_eq!((slot.state, slot.kind), (State::Clean, Kind::Exec));
        assert_eq!(board.slots[1], None);
    }
}
