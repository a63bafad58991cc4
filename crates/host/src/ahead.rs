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
/// One that could not map it where it was is given it anew, at first as soon, then half as often each time, but no more seldom
/// than this many halvings: other threads of a debugger may read symbols for seconds, and it may run for days.
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
            Some(Place::Missed { times, tries, .. }) if *times >= RIPE << *tries => Need::Board,
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
        self.0.insert(tid, Place::Missed { times: 0, tries: (tries + 1).min(HALVINGS), sites });
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
mod tests {
    use super::*;
    use utrace_core::Does;

    #[test]
    fn a_hole_is_found_below_the_site_and_near_it() {
        let maps = "555500000000-555500010000 r-xp 0 0:0 0\n\
                    7f0000000000-7f0000100000 r--p 0 0:0 0\n\
                    7f0000104000-7f0000200000 r-xp 0 0:0 0 /lib\n\
                    7f0000200000-7f0000300000 r--p 0 0:0 0 /lib\n";
        assert_eq!(Layout::hole(maps, 0x7f00_0015_0000), Some(0x7f00_0010_2000), "four pages are enough");
        assert_eq!(Layout::hole(maps, 0x5555_0000_1000), Some(0x5554_ffff_e000));
        let full = "00010000-00600000 r-xp 0 0:0 0\n";
        assert_eq!(Layout::hole(full, 0x40_0000), None);
    }

    #[test]
    fn only_a_load_of_the_number_and_the_call_are_a_site() {
        let site = Site { number: 61, after: 0x1007 };
        assert!(site.is_plain([0xb8, 61, 0, 0, 0, 0x0f, 0x05]));
        assert!(!site.is_plain([0xb8, 62, 0, 0, 0, 0x0f, 0x05]));
        assert!(!site.is_plain([0xe9, 61, 0, 0, 0, 0x0f, 0x05]));
        assert!(!site.is_plain([0xb8, 61, 0, 0, 0, 0xcd, 0x80]));
    }

    #[test]
    fn jumps_lead_to_records_and_no_further_than_they_can() {
        let site = Site { number: 61, after: 0x7f00_0000_1007 };
        let near = Layout::at(0x7eff_ffff_0000);
        let [0xe9, jump @ ..] = near.jump(1, site).unwrap() else { panic!() };
        let to = 0x7f00_0000_1005_i64 + i64::from(i32::from_le_bytes(jump));
        assert_eq!(to, 0x7eff_ffff_0420);
        assert_eq!(Layout::at(0x5555_0000_0000).jump(0, site), None);
    }

    fn missed(places: &mut Places, tid: Tid, times: u32) {
        for _ in 0..times {
            assert_eq!(places.lay(tid, &[]), Laid::Nowhere);
        }
    }

    /// It never had a place when another stop used its interrupt up.
    #[test]
    fn who_has_not_mapped_his_board_is_interrupted_again() {
        let (mut places, tid) = (Places::default(), Tid::new(7).unwrap());
        missed(&mut places, tid, RIPE - 1);
        assert_eq!(places.need(tid), Need::Nothing);
        missed(&mut places, tid, 1);
        assert_eq!(places.need(tid), Need::Board);
        places.expect(tid, Board::new().unwrap().0, 3);
        assert_eq!(places.need(tid), Need::Nothing);
        missed(&mut places, tid, REMIND);
        assert_eq!((places.need(tid), places.need(tid)), (Need::Interrupt, Need::Nothing));
        let (expected, _) = places.expected(tid).unwrap();
        places.open(tid, expected, 0x1000);
        assert_eq!(places.lay(tid, &[]), Laid::Ready);
    }

    /// A debugger steps for a while before it writes its first breakpoint.
    #[test]
    fn an_instruction_that_is_used_later_is_led_to_the_code_too() {
        let (mut places, tid) = (Places::default(), Tid::new(7).unwrap());
        missed(&mut places, tid, 1);
        places.asked(tid, 61, 0x5007);
        missed(&mut places, tid, RIPE);
        places.expect(tid, Board::new().unwrap().0, 3);
        let (expected, _) = places.expected(tid).unwrap();
        places.open(tid, expected, 0x1000);
        for _ in 0..REMIND {
            assert_eq!(places.need(tid), Need::Nothing);
            places.asked(tid, 61, 0x5007);
            places.asked(tid, 2, 0x7007);
            places.asked(tid, 18, 0x6007);
        }
        assert_eq!((places.need(tid), places.need(tid)), (Need::Interrupt, Need::Nothing));
        let site = Site { number: 18, after: 0x6007 };
        assert_eq!(places.wanted(tid), Some((site, 0x1000, 1)));
        places.led(tid, site);
        places.asked(tid, 18, 0x6007);
        assert_eq!(places.wanted(tid), None);
    }

    /// It was given up for good after five times, which a debugger's other threads outlasted with their symbols.
    #[test]
    fn who_cannot_map_a_board_is_asked_ever_more_seldom() {
        let (mut places, tid) = (Places::default(), Tid::new(7).unwrap());
        let mut waits = Vec::new();
        for _ in 0..10 {
            let mut lays = 0;
            while places.need(tid) == Need::Nothing {
                missed(&mut places, tid, 1);
                lays += 1;
            }
            waits.push(lays / RIPE);
            places.expect(tid, Board::new().unwrap().0, 3);
            let (expected, tries) = places.expected(tid).unwrap();
            places.postpone(tid, expected.sites, tries);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64, 64]);
    }

    /// The code itself, run where it was copied to, against the kernel's own answers.
    #[test]
    fn answers_that_lie_ready_are_taken_once_and_all_else_is_asked() {
        let mut caller = caller(39);
        let pid = i64::from(std::process::id());
        let ahead = |args, value, bytes| Ahead { number: 39, args, value, bytes, does: Does::Gets };
        assert_eq!(caller.call([1, 2, 3, 4]), pid, "nothing lies there");
        let mut room = [0_u8; 128];
        let to = room.as_mut_ptr().addr() as u64;
        let text = [7_u8; 33];
        caller.board.lay(&[ahead([1, 2, 3, 4], -5, &[]), ahead([1, 2, 3, to], 33, &text)]);
        assert_eq!(caller.call([1, 2, 4, 4]), pid, "another argument");
        assert_eq!(caller.call([1, 2, 3, 4]), -5);
        assert_eq!(caller.call([1, 2, 3, 4]), pid, "once");
        assert_eq!(caller.call([1, 2, 3, to]), 33);
        assert_eq!((&room[..33], &room[33..]), (&text[..], &[0; 95][..]));
        let taken = caller.board.take_back();
        assert!(taken.has(0) && taken.has(1) && !taken.has(2));
        caller.board.lay(&[ahead([1, 2, 3, 4], -5, &[])]);
        assert!(!caller.board.take_back().has(0));
        assert_eq!(caller.call([1, 2, 3, 4]), pid, "taken back");
        caller.board.lay(&[ahead([1, 2, 3, 4], -5, &[])]);
        let elsewhere = std::thread::scope(|scope| scope.spawn(|| caller.call([1, 2, 3, 4])).join().unwrap());
        assert_eq!(elsewhere, pid, "another thread");
    }

    fn caller(number: u32) -> crate::sys::ahead::Trial {
        crate::sys::ahead::trial(|layout| {
            let site = Site { number, after: layout.site + SITE_LEN as u64 };
            let pages = Layout::at(layout.base);
            (pages.page(&[site]), pages.jump(0, site).unwrap())
        })
        .unwrap()
    }

    #[test]
    fn writes_that_go_straight_are_noted_and_all_others_are_asked() {
        use std::io::Read as _;
        use std::os::fd::AsRawFd as _;
        let mut file = std::fs::File::from(Board::new().unwrap().1);
        let fd = u64::from(file.as_raw_fd().unsigned_abs());
        let caller = caller(18);
        let write =
            |bytes: &[u8], at| caller.call([fd, bytes.as_ptr().addr() as u64, bytes.len() as u64, at]);
        let noted = || caller.board.written(Moment::Any);
        assert_eq!(write(b"0123456789", 0), 10);
        assert_eq!(noted(), [], "until it is sent straight");
        caller.board.send_writes(Way::Straight);
        assert_eq!((write(b"ab", 3), write(b"c", 4)), (2, 1));
        let wrote = noted();
        let told = |wrote: &Wrote| {
            (wrote.at, wrote.before[..wrote.len].to_vec(), wrote.after.unwrap()[..wrote.len].to_vec())
        };
        assert_eq!(
            wrote.iter().map(told).collect::<Vec<_>>(),
            [(3, b"34".to_vec(), b"ab".to_vec()), (4, b"b".to_vec(), b"c".to_vec())]
        );
        assert!(wrote.iter().all(|wrote| i64::from(wrote.fd) == fd.cast_signed()));
        assert_eq!(noted(), [], "once");
        assert_eq!((write(&[b'x'; 17], 10), write(b"", 0)), (17, 0), "too long, and none");
        assert_eq!(caller.call([fd, 8, 1, 0]), -i64::from(libc::EFAULT));
        assert_eq!(caller.call([u64::MAX, 8, 1, 0]), -i64::from(libc::EBADF));
        assert_eq!(noted(), []);
        for _ in 0..20 {
            assert_eq!(write(b"y", 0), 1);
        }
        assert_eq!(noted().len(), 6, "the places are full, and the rest is asked");
        assert_eq!(write(b"z", 0), 1);
        assert_eq!(noted().len(), 1);
        caller.board.send_writes(Way::Asked);
        assert_eq!((write(b"w", 0), noted()), (1, vec![]));
        let mut all = [0; 27];
        file.read_exact(&mut all).unwrap();
        assert_eq!(&all, b"w12ac56789xxxxxxxxxxxxxxxxx");
    }

    #[test]
    fn what_a_call_gives_is_told_and_gotten_by_the_next() {
        let mut caller = caller(39);
        let pid = i64::from(std::process::id());
        let mut room = [0_u64; 4];
        let (to, laid) = (room.as_mut_ptr().addr() as u64, [1_u64, 2, 3].map(u64::to_ne_bytes).concat());
        let all = |caller: &mut crate::sys::ahead::Trial| {
            let ahead =
                |first, does| Ahead { number: 39, args: [first, 0, 0, to], value: 0, bytes: &laid, does };
            let gives = ahead(1, Does::Gives(0b101, 0b100));
            caller.board.lay(&[ahead(2, Does::GetsNew), gives, ahead(3, Does::Gets), ahead(4, Does::Gets)]);
        };
        all(&mut caller);
        assert_eq!((caller.call([2, 0, 0, to]), room), (0, [1, 2, 3, 0]));
        core::hint::black_box(&mut room)[2] = 4;
        assert_eq!(caller.call([1, 0, 0, to]), pid, "a word that must be the same is not");
        assert!(!caller.board.take_back().has(1));
        all(&mut caller);
        *core::hint::black_box(&mut room) = [1, 77, 3, 9];
        assert_eq!(caller.call([1, 0, 0, to]), 0);
        *core::hint::black_box(&mut room) = [0; 4];
        assert_eq!((caller.call([2, 0, 0, to]), room), (0, [1, 77, 3, 0]), "what was given");
        assert_eq!(caller.call([3, 0, 0, to]), pid, "not true any more");
        assert_eq!((caller.call([4, 0, 0, to]), room), (0, [1, 2, 3, 0]));
        assert!(caller.board.take_back().has(1));
        assert_eq!(caller.board.given()[..24], [1_u64, 77, 3].map(u64::to_ne_bytes).concat());
        all(&mut caller);
        assert_eq!((caller.call([2, 0, 0, to]), room), (0, [1, 2, 3, 0]), "what was given before is past");
    }
}
