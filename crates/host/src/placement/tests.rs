//! What is decided for which times, and what is left of it at the end.

use super::lifter::Lifter;
use super::{
    ANSWERS, BAD_WINDOWS, CHANGES, CROWDED, Decision, FAST, LONGEST, Place, Placement, Room, TERM, WINDOW,
    Way,
};
use crate::sys::{process, sched};
use std::time::{Duration, Instant};

const SLOW: Duration = Duration::from_micros(40);

#[test]
fn slow_stops_are_tried_and_kept_only_if_that_helps() {
    let mut placement = Placement::new();
    assert_eq!(placement.decide(FAST / 2, 1), None);
    assert_eq!(placement.decide(SLOW, 1), Some(Decision::Try(SLOW)));
    placement.at = Place::Trial(Way::Spinning, SLOW);
    assert_eq!(placement.decide(FAST / 2, 1), None);
    assert_eq!(placement.at, Place::Kept(Way::Spinning, SLOW));
    assert_eq!(placement.decide(FAST, 1), None);
    assert_eq!(placement.decide(SLOW, 1), Some(Decision::Leave), "what was kept must go on paying");
    placement.at = Place::Trial(Way::Spinning, SLOW);
    assert_eq!(placement.decide(SLOW, 1), Some(Decision::Leave));
}

#[test]
fn a_tracee_that_slips_away_is_followed_for_a_while() {
    let mut placement = Placement::new();
    placement.at = Place::Trial(Way::Warming, SLOW);
    assert_eq!(placement.decide(SLOW, 0), Some(Decision::Follow), "a trial beside the tracee takes its time");
    assert_eq!(placement.decide(FAST / 2, 0), None);
    assert_eq!(placement.at, Place::Kept(Way::Warming, SLOW));
    for _ in 0..BAD_WINDOWS {
        assert_eq!(placement.decide(SLOW, 0), Some(Decision::Follow));
    }
    assert_eq!(placement.decide(SLOW, 0), Some(Decision::Leave));
}

#[test]
fn another_way_gives_room_to_the_best_one_at_times() {
    let mut placement = Placement::new();
    placement.at = Place::Trial(Way::Spinning, SLOW);
    let windows = (0..).take_while(|_| placement.decide(FAST, 0).is_none()).take(2 * TERM as usize).count();
    assert!(windows < TERM as usize, "after {windows} windows");
    placement.leave();
    assert_eq!(placement.next_way, 0);
}

#[test]
fn failed_tries_get_rarer_and_go_another_way() {
    let mut placement = Placement::new();
    for expected in [1, 2, 4, 8] {
        let way = placement.next_way;
        placement.fail();
        assert_eq!(placement.rest, expected);
        assert_ne!(placement.next_way, way);
    }
    for _ in 0..20 {
        placement.fail();
    }
    assert_eq!(placement.rest, LONGEST);
    assert_eq!(placement.decide(SLOW, 1), None, "it rests");
}

#[test]
fn many_active_tracees_set_us_free() {
    let mut placement = Placement::new();
    placement.at = Place::Kept(Way::Spinning, SLOW);
    assert_eq!(placement.decide(FAST / 2, 30), Some(Decision::Leave));
    placement.at = Place::Free;
    assert_eq!(placement.decide(SLOW, 30), None);
}

/// A tracer under `SCHED_IDLE` came last of three, and each answer took a turn of the scheduler.
#[test]
fn who_answers_calls_does_not_yield() {
    let me = process::gettid().unwrap();
    let mut placement = Placement::new();
    placement.room = Room::One;
    placement.go(me, FAST / 2);
    for _ in 0..=ANSWERS {
        placement.answered(me);
    }
    assert_eq!(placement.at, Place::Free);
    assert!(sched::is_normal());
    placement.review(me);
    assert_eq!(placement.at, Place::Free, "nor does it try again");
}

#[test]
fn on_one_processor_the_tracer_defers_until_it_is_lifted() {
    let mut placement = Placement::new();
    placement.room = Room::One;
    assert_eq!(placement.decide(FAST / 2, 30), None, "not while several are active");
    assert_eq!(placement.decide(FAST / 2, 1), Some(Decision::Try(FAST / 2)));
    placement.go(process::gettid().unwrap(), FAST / 2);
    if placement.at == Place::Free {
        assert_eq!(placement.rest, 1, "this user may not come back from SCHED_IDLE, and does not ask often");
        return;
    }
    assert_eq!(placement.at, Place::Trial(Way::Deferring, FAST / 2));
    // Nothing is served, so the lifter ends it.
    while !sched::is_normal() {
        std::thread::yield_now();
    }
    while placement.decide(FAST / 2, 1).is_none() {
        std::thread::yield_now();
    }
    placement.leave();
    assert_eq!(placement.at, Place::Free);
    assert!(placement.rest == 0 || placement.rest >= CROWDED, "quiet, or starved: {}", placement.rest);
}

#[test]
fn home_is_where_it_began() {
    let before = sched::affinity().unwrap();
    let mut placement = Placement::new();
    placement.go(process::gettid().unwrap(), SLOW);
    placement.go_home();
    assert_eq!(placement.at, Place::Free);
    assert!(sched::is_normal());
    assert_eq!(sched::affinity().unwrap().count(), before.count());
}

/// A yielding tracer that serves nothing is lifted by the lifter alone.
#[test]
fn a_yielding_tracer_that_serves_nothing_is_lifted() {
    let me = process::gettid().unwrap();
    let Some(lifter) = Lifter::start(me).unwrap() else {
        eprintln!("skipped: SCHED_IDLE is a one-way street for this user");
        return;
    };
    assert!(lifter.lower());
    // It is lifted first, and told of it then.
    while !lifter.has_lifted() {
        std::thread::yield_now();
    }
    assert!(sched::is_normal());
    assert!(lifter.raise().is_some());
}

#[test]
fn who_asks_much_is_followed_and_left_when_he_asks_no_more() {
    let mut placement = Placement::new();
    let me = process::gettid().unwrap();
    let Room::Many(home) = placement.room else { return };
    placement.join(me, FAST / 2);
    assert_eq!(placement.at, Place::Free, "near enough");
    placement.join(me, SLOW);
    assert_eq!(placement.at, Place::Kept(Way::Joining, SLOW));
    assert_eq!(sched::affinity().unwrap().count(), 1);
    for _ in 0..super::BESIDE_WINDOW {
        placement.served(me);
    }
    placement.review(me);
    assert_eq!(placement.at, Place::Free);
    assert_eq!(sched::affinity().unwrap().count(), home.count());
}

/// A tracer that kept the processors awake and went after each child met none of them: each was resumed where it had been
/// before.
#[test]
fn among_processes_that_fork_the_tracer_yields_and_goes_with_the_child() {
    let me = process::gettid().unwrap();
    let mut placement = Placement::new();
    let Room::Many(home) = placement.room else { return };
    placement.go(me, SLOW);
    placement.born(me);
    assert_eq!(placement.at, Place::Free, "warming, if it did that, is over");
    assert_eq!(sched::affinity().unwrap().count(), home.count());
    placement.go(me, SLOW);
    let Place::Trial(Way::Yielding, _) = placement.at else {
        eprintln!("skipped: SCHED_IDLE is a one-way street for this user");
        return;
    };
    // The child is on another one.
    placement.bound = None;
    placement.born(me);
    assert!(placement.bound.is_some() && sched::affinity().unwrap().count() == 1);
}

#[test]
fn a_maker_and_its_child_that_take_turns_are_not_several() {
    let me = process::gettid().unwrap();
    let mut placement = Placement::new();
    let Room::Many(_) = placement.room else { return };
    placement.born(me);
    placement.changes = CHANGES + 1;
    (placement.stops, placement.since) = (WINDOW, Instant::now() - SLOW * WINDOW);
    placement.review(me);
    assert!(matches!(placement.at, Place::Trial(..)), "{:?}", placement.at);
    placement.go_home();
}
