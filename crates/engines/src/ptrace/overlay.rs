//! The breakpoints that tracers write into a program's text, kept apart.
//!
//! Key types: [`Overlay`], one for each process that is traced. A debugger's breakpoint is an `int3` that it writes over
//! an instruction. Several debuggers write theirs at one address: the byte is in memory once, each sees its own and
//! nobody else's, and the program's own byte comes back when the last one takes its breakpoint away. Pure: bytes in,
//! bytes out. Who reads and writes is [`super::memory`]'s knowledge.

use std::collections::{BTreeMap, BTreeSet};

/// The instruction of a breakpoint.
pub(super) const INT3: u8 = 0xcc;

/// The breakpoints in one process.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    points: BTreeMap<u64, Point>,
    /// Where breakpoints of tracers stood that have died.
    left: BTreeSet<u64>,
}

#[derive(Debug, Clone)]
struct Point {
    original: u8,
    /// The processes of the tracers that set it.
    owners: Vec<u32>,
}

impl Overlay {
    /// Whether there is no breakpoint among so many bytes at `at`.
    pub(super) fn is_clear(&self, at: u64, len: u64) -> bool {
        self.points.range(at..at.saturating_add(len)).next().is_none()
    }

    /// Whether there is a breakpoint, and whether this tracer set it.
    pub(super) fn owner_at(&self, at: u64, owner: u32) -> Option<bool> {
        self.points.get(&at).map(|point| point.owners.contains(&owner))
    }

    /// The program's own byte under a breakpoint that is none of this tracer's.
    pub(super) fn below(&self, at: u64, owner: u32) -> Option<u8> {
        self.points.get(&at).filter(|point| !point.owners.contains(&owner)).map(|point| point.original)
    }

    /// Makes of bytes that stand in memory at `at` what this tracer is to see.
    pub(super) fn show(&self, owner: u32, at: u64, bytes: &mut [u8]) {
        let end = at.saturating_add(bytes.len() as u64);
        for (point_at, point) in self.points.range(at..end) {
            let index = usize::try_from(point_at - at).unwrap_or(usize::MAX);
            if let Some(byte) = bytes.get_mut(index)
                && !point.owners.contains(&owner)
                && *byte == INT3
            {
                *byte = point.original;
            }
        }
    }

    /// Takes note of a write of this tracer at `at`, where `memory` stands now, and makes of its bytes what must be
    /// written.
    pub(super) fn write(&mut self, owner: u32, at: u64, bytes: &mut [u8], memory: &[u8]) {
        for (index, (byte, now)) in bytes.iter_mut().zip(memory).enumerate() {
            let at = at.wrapping_add(index as u64);
            match (self.points.get_mut(&at), *byte) {
                (Some(point), INT3) => {
                    if !point.owners.contains(&owner) {
                        point.owners.push(owner);
                    }
                }
                (Some(point), other) => {
                    point.owners.retain(|process| *process != owner);
                    if point.owners.is_empty() {
                        self.points.remove(&at);
                    } else {
                        // Under the breakpoints of the others.
                        point.original = other;
                        *byte = INT3;
                    }
                }
                (None, INT3) if *now != INT3 => {
                    self.left.remove(&at);
                    self.points.insert(at, Point { original: *now, owners: vec![owner] });
                }
                (None, _) => {}
            }
        }
    }

    /// A tracer has died, and others stay. Answers which of the program's bytes are to come back, and where.
    pub(super) fn bury(&mut self, owner: u32) -> Vec<(u64, u8)> {
        let alone = |point: &Point| point.owners == [owner];
        let bytes: Vec<(u64, u8)> = self
            .points
            .iter()
            .filter(|(_, point)| alone(point))
            .map(|(at, point)| (*at, point.original))
            .collect();
        self.left.extend(bytes.iter().map(|(at, _)| *at));
        self.forget(owner);
        bytes
    }

    /// Whether a breakpoint of a tracer that has died stood there.
    pub(super) fn was_left(&self, at: u64) -> bool {
        self.left.contains(&at)
    }

    /// A tracer is gone. What it left in memory stays there, as it would without us.
    pub(super) fn forget(&mut self, owner: u32) {
        self.points.retain(|_, point| {
            point.owners.retain(|process| *process != owner);
            !point.owners.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory with an overlay, as two debuggers use it.
    struct Text(Vec<u8>, Overlay);

    impl Text {
        fn read(&self, owner: u32) -> Vec<u8> {
            let mut bytes = self.0.clone();
            self.1.show(owner, 100, &mut bytes);
            bytes
        }

        fn write(&mut self, owner: u32, index: usize, byte: u8) {
            let mut bytes = [byte];
            let now = [self.0[index]];
            self.1.write(owner, 100 + index as u64, &mut bytes, &now);
            self.0[index] = bytes[0];
        }
    }

    #[test]
    fn each_sees_its_own_breakpoint_and_the_last_one_restores_the_byte() {
        let mut text = Text(vec![1, 2, 3], Overlay::default());
        text.write(7, 1, INT3);
        text.write(8, 1, INT3);
        assert_eq!((text.read(7), text.read(9)), (vec![1, INT3, 3], vec![1, 2, 3]));
        text.write(7, 1, 2);
        assert_eq!((&text.0[1], text.read(7), text.read(8)), (&INT3, vec![1, 2, 3], vec![1, INT3, 3]));
        text.write(8, 1, 2);
        assert_eq!((text.0[1], text.1.is_clear(100, 3)), (2, true));
    }

    #[test]
    fn a_byte_written_under_a_foreign_breakpoint_is_there_when_it_goes() {
        let mut text = Text(vec![1], Overlay::default());
        text.write(7, 0, INT3);
        text.write(8, 0, 5);
        assert_eq!((text.0[0], text.read(8)[0]), (INT3, 5));
        text.write(7, 0, 1);
        assert_eq!(text.0[0], 1, "the owner says what comes back");
    }

    #[test]
    fn a_trap_of_the_programs_own_is_no_breakpoint() {
        let mut text = Text(vec![INT3], Overlay::default());
        text.write(7, 0, INT3);
        assert!(text.1.is_clear(100, 1));
        assert_eq!(text.read(8)[0], INT3);
    }

    #[test]
    fn of_who_has_died_the_bytes_come_back_that_nobody_else_has_breakpoints_at() {
        let mut text = Text(vec![1, 2], Overlay::default());
        text.write(7, 0, INT3);
        text.write(7, 1, INT3);
        text.write(8, 1, INT3);
        assert_eq!(text.1.bury(7), [(100, 1)]);
        assert_eq!(
            (text.1.owner_at(101, 8), text.1.was_left(100), text.1.was_left(101)),
            (Some(true), true, false)
        );
        text.0[0] = 1;
        text.write(8, 0, INT3);
        assert!(!text.1.was_left(100));
    }

    #[test]
    fn who_is_gone_owns_nothing() {
        let mut text = Text(vec![1], Overlay::default());
        text.write(7, 0, INT3);
        text.1.forget(7);
        assert_eq!(text.1.owner_at(100, 7), None);
    }
}
