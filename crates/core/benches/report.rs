//! What a report costs, against a bare loop over a slice of trait objects that makes the same calls.
//!
//! Prints medians in nanoseconds and their ratio. The rival runs in the same process, alternating with ours, so
//! that noise of the machine hits both. Fences are as on a host with membarrier(2).

#[path = "../tests/stub/mod.rs"]
mod stub;

use std::hint::black_box;
use std::time::Instant;
use stub::Stub;
use utrace_core::{
    Action, Cx, Engine, Event, Interest, Reporter, Syscall, SyscallEntry, SyscallSet, Target, Task, Verdict,
};

/// An engine whose callback is empty.
struct Empty;

impl Engine for Empty {
    fn name(&self) -> &str {
        "empty"
    }
    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        black_box((cx.task(), cx.earlier()));
        black_box(cx.target());
        black_box(entry);
        Action::Resume
    }
}

/// What the bare loop hands to a callback: as much as ours does.
struct BareCx<'a> {
    target: &'a mut dyn Target,
    task: &'a Task,
    earlier: Action,
}

/// What the bare loop calls: the same callback, without anything around it.
trait Bare {
    fn syscall_entry(&mut self, cx: &mut BareCx<'_>, entry: &mut SyscallEntry) -> Action;
}

struct BareEngine;

impl Bare for BareEngine {
    fn syscall_entry(&mut self, cx: &mut BareCx<'_>, entry: &mut SyscallEntry) -> Action {
        black_box((&mut *cx.target, cx.task, cx.earlier));
        black_box(entry);
        Action::Resume
    }
}

const ROUNDS: u32 = 200_000;
const BATCHES: usize = 41;

fn entry() -> SyscallEntry {
    SyscallEntry::new(Syscall { number: 39, index: 39, ..Syscall::default() })
}

fn bare(engines: &mut [(bool, Box<dyn Bare>)], task: &Task) -> f64 {
    let mut entry = entry();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let mut combined = Action::Resume;
        for (wants, engine) in black_box(&mut *engines) {
            if *wants {
                let mut cx = BareCx { target: &mut Stub, task, earlier: combined };
                combined = combined.merge(engine.syscall_entry(&mut cx, &mut entry));
            }
        }
        black_box(combined);
    }
    start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
}

fn ours(reporter: &mut Reporter) -> f64 {
    let mut entry = entry();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let verdict = black_box(&mut *reporter).syscall_entry(&mut Stub, &mut entry);
        assert_eq!(verdict, Verdict::Go(Action::Resume));
    }
    start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `count` engines with this interest against as many bare ones.
fn compare(what: &str, count: usize, interest: Interest, wants: bool) {
    let (task, mut reporter, _reaper) = Stub::task();
    let mut handles = Vec::new();
    for _ in 0..count {
        match task.attach_for(interest, Empty) {
            Ok(engine) => handles.push(engine),
            Err(error) => eprintln!("attach: {error}"),
        }
    }
    reporter.tidy();
    let mut rivals: Vec<(bool, Box<dyn Bare>)> =
        (0..count).map(|_| (wants, Box::new(BareEngine) as Box<dyn Bare>)).collect();
    let (mut bare_times, mut our_times) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        bare_times.push(bare(&mut rivals, &task));
        our_times.push(ours(&mut reporter));
    }
    let (bare, ours) = (median(bare_times), median(our_times));
    println!("{what:<44} {ours:7.2} ns   bare loop {bare:7.2} ns   ratio {:5.2}", ours / bare);
}

fn main() {
    let entry = Interest::in_events(Event::SyscallEntry);
    let elsewhere = entry.with_syscalls([1].into_iter().collect::<SyscallSet>());
    compare("8 engines, none asks for the event", 8, Interest::in_events(Event::Exec), false);
    compare("8 engines, none has the syscall in its set", 8, elsewhere, false);
    compare("1 engine, empty callback", 1, entry, true);
    compare("8 engines, empty callbacks", 8, entry, true);
}
