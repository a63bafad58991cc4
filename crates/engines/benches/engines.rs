//! What an engine costs for one syscall, entry and exit together, without host and kernel.
//!
//! Prints the median of several rounds in nanoseconds.

#[path = "../tests/stub/mod.rs"]
mod stub;

use std::time::Instant;

use stub::Loop;

const ROUNDS: usize = 21;
const CALLS: u32 = 100_000;

fn main() {
    for (engine, value) in [
        ("log", "/dev/null"),
        ("log", "/dev/null,T"),
        ("log", "/dev/null,ttt"),
        ("log", "/dev/null,tt"),
        ("log", "/dev/null,format=json"),
        ("stats", "/dev/null,time=wall"),
        ("inject", "getppid:retval=7"),
    ] {
        match Loop::new(engine, value) {
            Some(mut it) => {
                let nanos = median(&mut it);
                println!("{nanos:8.1} ns  --{engine}={value}");
                if !it.finish() {
                    println!("          (could not write)");
                }
            }
            None => println!("   cannot run --{engine}={value}"),
        }
    }
}

fn median(it: &mut Loop) -> f64 {
    it.turn(CALLS);
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            it.turn(CALLS);
            start.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
