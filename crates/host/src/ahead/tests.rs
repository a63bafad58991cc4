//! Who has a place when, and the code in the client, run where it was copied to.

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
    for _ in 0..14 {
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
    assert_eq!(waits, [1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64]);
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

fn caller(number: u32) -> crate::sys::ahead::trial::Trial {
    crate::sys::ahead::trial::trial(|layout| {
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
    let write = |bytes: &[u8], at| caller.call([fd, bytes.as_ptr().addr() as u64, bytes.len() as u64, at]);
    let noted = || caller.board.written(Moment::Any);
    assert_eq!(write(b"0123456789", 0), 10);
    assert_eq!(noted(), [], "until it is sent straight");
    caller.board.send_writes(Way::Straight);
    assert_eq!((write(b"0", 0), noted()), (1, vec![]), "through which it may");
    caller.board.write_through(file.as_raw_fd());
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
    let all = |caller: &mut crate::sys::ahead::trial::Trial| {
        let ahead = |first, does| Ahead { number: 39, args: [first, 0, 0, to], value: 0, bytes: &laid, does };
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
