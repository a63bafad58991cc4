//! A syscall that is logged or counted allocates nothing, once the buffers have their size.

mod stub;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use stub::Loop;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test, because the counters are those of the whole process.
#[test]
fn no_engine_allocates_on_the_way_of_a_syscall() {
    let engines = [
        ("log", "/dev/null"),
        ("log", "/dev/null,T,r,ttt"),
        ("stats", "/dev/null"),
        ("stats", "/dev/null,time=wall"),
        ("inject", "getppid:retval=7"),
    ];
    for (engine, value) in engines {
        let mut it = Loop::new(engine, value).unwrap();
        it.turn(10_000);
        let region = Region::new(GLOBAL);
        it.turn(10_000);
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "--{engine}={value}");
        assert!(it.finish());
    }
}
