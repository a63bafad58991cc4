//! Answers that lie ready in a client's own memory: who has a place for them, and what the pages there hold.
//!
//! Key types: [`Places`] (of the clients behind one filter), [`Site`] (an instruction that they ask from), [`Layout`]. A
//! client that could often have been answered ahead gets a board that it shares with us ([`crate::sys::ahead`]); `tracer/ahead`
//! has it map the pages. Everything here is pure.

use std::collections::BTreeMap;

use utrace_core::{Ahead, Laid, Moment, Taken, Way, Wrote};

use crate::sys::ahead::{Board, GATE, PAGE, code};
use crate::types::Tid;

/// How often an answer could have lain ready before a place is made for it: short runs are not worth the 200 us.
const RIPE: u32 = 128;
/// How often a client is reminded of a board that it was given: each stop for something else uses the interrupt up (Linux 6.18,
/// `ptrace_stop`).
const REMIND: u32 = 32;
/// One that could not map it where it was is given it anew: so many times as soon, then half as often each time, but no more
/// seldom than after so many halvings. Other threads of a debugger may read symbols for seconds, and it may run for days.
const TRIES: u8 = 4;
const HALVINGS: u8 = 6;
/// How many instructions can be led to the code.
const MOST_SITES: usize = 8;
/// The calls that the code makes shorter.
const SHORTENED: [i64; 4] = [libc::SYS_ptrace, libc::SYS_wait4, libc::SYS_pread64, libc::SYS_pwrite64];
/// Where in the page of the code the first record is, and how long one is.
const RECORDS: usize = 1024;
const RECORD: usize = 32;
/// `mov $NUMBER, %eax`, and the system-call instruction behind it.
const LOAD: u8 = 0xb8;
const CALL: [u8; 2] = [0x0f, 0x05];
/// Their lengths.
const LOAD_LEN: u64 = 5;
pub(crate) const SITE_LEN: usize = 7;

/// A system-call instruction that a client asks from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Site {
    number: u32,
    /// The address behind it.
    after: u64,
}

impl Site {
    /// Where the number is loaded.
    pub(crate) fn begin(self) -> u64 {
        self.after.wrapping_sub(SITE_LEN as u64)
    }

    /// Whether the bytes there are what is understood.
    pub(crate) fn is_plain(self, bytes: [u8; SITE_LEN]) -> bool {
        let [load, a, b, c, d, call @ ..] = bytes;
        load == LOAD && u32::from_le_bytes([a, b, c, d]) == self.number && call == CALL
    }
}

/// The two pages of code, and what they do with each site.
#[derive(Debug)]
pub(crate) struct Layout {
    base: u64,
}

impl Layout {
    /// The length of both.
    pub(crate) const LEN: usize = GATE + PAGE;

    pub(crate) fn at(base: u64) -> Self {
        Self { base }
    }

    /// The word that says where the board is.
    pub(crate) fn gate(&self) -> u64 {
        self.base.wrapping_add(GATE as u64)
    }

    /// What is in the first page.
    pub(crate) fn page(&self, sites: &[Site]) -> Vec<u8> {
        let mut page = vec![0xcc; PAGE];
        let code = code();
        page[..code.len()].copy_from_slice(code);
        for (place, site) in sites.iter().enumerate().take(MOST_SITES) {
            let at = RECORDS + place * RECORD;
            page[at..at + RECORD].copy_from_slice(&Self::record(place, *site));
        }
        page
    }

    /// What leads from a site's jump to the code, and tells that of the site.
    pub(crate) fn record(place: usize, site: Site) -> [u8; RECORD] {
        let mut record = [0xcc; RECORD];
        // lea 9(%rip), %r11: the second half, 16 bytes from here.
        record[..7].copy_from_slice(&[0x4c, 0x8d, 0x1d, 9, 0, 0, 0]);
        let back = i32::try_from(RECORDS + place * RECORD + 12).map_or(0, i32::wrapping_neg);
        record[7] = 0xe9;
        record[8..12].copy_from_slice(&back.to_le_bytes());
        record[16..24].copy_from_slice(&u64::from(site.number).to_le_bytes());
        record[24..].copy_from_slice(&(site.begin() + LOAD_LEN).to_le_bytes());
        record
    }

    /// Where that is.
    pub(crate) fn record_at(&self, place: usize) -> u64 {
        self.base.wrapping_add((RECORDS + place * RECORD) as u64)
    }

    /// The jump to the code that takes the place of this site's load; `None` if that is too far.
    pub(crate) fn jump(&self, place: usize, site: Site) -> Option<[u8; 5]> {
        let far = self.record_at(place).wrapping_sub(site.begin().wrapping_add(LOAD_LEN)).cast_signed();
        let [a, b, c, d] = i32::try_from(far).ok()?.to_le_bytes();
        Some([0xe9, a, b, c, d])
    }

    /// A hole of both pages' length below `site`, by the lines of proc_pid_maps(5), near enough for a jump.
    pub(crate) fn hole(maps: &str, site: u64) -> Option<u64> {
        const NEAR: u64 = 1 << 30;
        /// Nobody maps what is lower (`vm.mmap_min_addr`).
        const LOWEST: u64 = 0x10000;
        let ranges = maps.lines().filter_map(|line| {
            let (from, to) = line.split(' ').next()?.split_once('-')?;
            Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
        });
        let mut below: Vec<(u64, u64)> = ranges.filter(|(from, _)| *from <= site).collect();
        below.push((0, LOWEST));
        let len = Self::LEN as u64;
        let holes = below.windows(2).map(|two| (two[0].1, two[1].0));
        let wide = holes.filter(|(end, start)| start.checked_sub(*end).is_some_and(|room| room >= 2 * len));
        let lowest = below.first().map(|(from, _)| *from).filter(|from| *from >= LOWEST + 2 * len);
        wide.map(|(_, start)| start)
            .chain(lowest)
            .map(|start| start - len)
            .filter(|at| site - at < NEAR)
            .max()
    }
}

/// A client's place.
#[derive(Debug)]
enum Place {
    /// It has none.
    Missed { times: u32, tries: u8, sites: Vec<Site> },
    /// Its board, and the descriptor through which it will map that.
    Coming { times: u32, tries: u8, expected: Expected },
    /// Answers can lie there.
    Ready(Ready),
    /// It cannot have one.
    Refused,
}

/// A place that is in use.
#[derive(Debug)]
struct Ready {
    board: Board,
    /// Where the code is.
    base: u64,
    /// The instructions that are led there, in the order of their records, and those that cannot be.
    sites: Vec<Site>,
    /// The first of the others that it asked from, and how often it asked from those.
    other: Option<(Site, u32)>,
}

/// What [`Places::expected`] says: a board, its descriptor in the client, and where that asks from.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) board: Board,
    pub(crate) fd: i32,
    pub(crate) sites: Vec<Site>,
}

/// What a client needs to have a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    /// A board.
    Board,
    /// An interrupt, at which it maps the board that it was given.
    Interrupt,
}

/// The places of the clients behind one filter.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<Tid, Place>);

impl Places {
    /// A client asks. Of one that has no place yet it is noted from where.
    pub(crate) fn asked(&mut self, tid: Tid, number: u32, after: u64) {
        if !SHORTENED.contains(&i64::from(number)) {
            return;
        }
        let site = Site { number, after };
        match self.0.get_mut(&tid) {
            Some(Place::Missed { sites, .. }) if sites.len() < MOST_SITES && !sites.contains(&site) => {
                sites.push(site);
            }
            Some(Place::Ready(ready)) if ready.sites.len() < MOST_SITES && !ready.sites.contains(&site) => {
                // All are counted, so that two that take turns come to be led one after the other.
                ready.other.get_or_insert((site, 0)).1 += 1;
            }
            _ => {}
        }
    }

    pub(crate) fn lay(&mut self, tid: Tid, answers: &[Ahead<'_>]) -> Laid {
        match self.0.entry(tid).or_insert_with(|| Place::Missed { times: 0, tries: 0, sites: Vec::new() }) {
            Place::Ready(ready) => {
                ready.board.lay(answers);
                return Laid::Ready;
            }
            Place::Missed { times, .. } | Place::Coming { times, .. } => *times += 1,
            Place::Refused => {}
        }
        Laid::Nowhere
    }

    pub(crate) fn send(&mut self, tid: Tid, number: u32, way: Way) {
        if let Some(Place::Ready(Ready { board, .. })) = self.0.get(&tid) {
            match i64::from(number) {
                libc::SYS_pread64 => board.send_reads(way),
                libc::SYS_pwrite64 => board.send_writes(way),
                _ => {}
            }
        }
    }

    pub(crate) fn write_through(&mut self, tid: Tid, fd: i32) {
        if let Some(Place::Ready(Ready { board, .. })) = self.0.get(&tid) {
            board.write_through(fd);
        }
    }

    pub(crate) fn written(&self, tid: Tid, moment: Moment) -> Vec<Wrote> {
        match self.0.get(&tid) {
            Some(Place::Ready(ready)) => ready.board.written(moment),
            _ => Vec::new(),
        }
    }

    pub(crate) fn given(&self, tid: Tid) -> Vec<u8> {
        match self.0.get(&tid) {
            Some(Place::Ready(ready)) => ready.board.given(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn take_back(&mut self, tid: Tid) -> Taken {
        match self.0.get_mut(&tid) {
            Some(Place::Ready(ready)) => ready.board.take_back(),
            _ => Taken::default(),
        }
    }

    /// What it is time to do for a client.
    pub(crate) fn need(&mut self, tid: Tid) -> Need {
        match self.0.get_mut(&tid) {
            Some(Place::Missed { times, tries, .. }) if *times >= RIPE << tries.saturating_sub(TRIES) => {
                Need::Board
            }
            Some(Place::Coming { times: times @ REMIND.., .. }) => {
                *times = 0;
                Need::Interrupt
            }
            Some(Place::Ready(Ready { other: Some((_, times @ REMIND..)), .. })) => {
                *times = 0;
                Need::Interrupt
            }
            _ => Need::Nothing,
        }
    }

    /// A client has been given the descriptor of its board.
    pub(crate) fn expect(&mut self, tid: Tid, board: Board, fd: i32) {
        if let Some(Place::Missed { tries, sites, .. }) = self.0.remove(&tid) {
            let expected = Expected { board, fd, sites };
            self.0.insert(tid, Place::Coming { times: 0, tries, expected });
        }
    }

    /// The board that a client still has to map, if that is so, and how often it had one. It has no place until
    /// [`Places::open`].
    pub(crate) fn expected(&mut self, tid: Tid) -> Option<(Expected, u8)> {
        match self.0.get(&tid)? {
            Place::Coming { .. } => match self.0.insert(tid, Place::Refused)? {
                Place::Coming { expected, tries, .. } => Some((expected, tries)),
                _ => None,
            },
            _ => None,
        }
    }

    /// It could not map it where it was: it is given another at another time.
    pub(crate) fn postpone(&mut self, tid: Tid, sites: Vec<Site>, tries: u8) {
        self.0.insert(tid, Place::Missed { times: 0, tries: (tries + 1).min(TRIES + HALVINGS), sites });
    }

    /// It has mapped it, with the code at `base`.
    pub(crate) fn open(&mut self, tid: Tid, Expected { board, sites, .. }: Expected, base: u64) {
        self.0.insert(tid, Place::Ready(Ready { board, base, sites, other: None }));
    }

    /// An instruction that a client often asks from and that does not lead to the code, which is at this address; and the
    /// number of its record.
    pub(crate) fn wanted(&self, tid: Tid) -> Option<(Site, u64, usize)> {
        match self.0.get(&tid) {
            Some(Place::Ready(Ready { base, sites, other: Some((site, _)), .. })) => {
                Some((*site, *base, sites.len()))
            }
            _ => None,
        }
    }

    /// It has been seen to.
    pub(crate) fn led(&mut self, tid: Tid, site: Site) {
        if let Some(Place::Ready(ready)) = self.0.get_mut(&tid) {
            ready.other = None;
            ready.sites.push(site);
        }
    }

    /// It cannot have one.
    pub(crate) fn refuse(&mut self, tid: Tid) {
        self.0.insert(tid, Place::Refused);
    }

    /// It is gone, or runs another program.
    pub(crate) fn forget(&mut self, tid: Tid) {
        self.0.remove(&tid);
    }
}

#[cfg(test)]
mod tests;
