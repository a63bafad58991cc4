//! The conformance suite on real threads.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test: what fails here has failed the test")]

mod conform;

use conform::world::PtraceWorld;
use utrace_testkit::conform as suite;
use utrace_testkit::scenarios;

macro_rules! one {
    (both $file:ident $name:ident) => {
        #[test]
        fn $name() {
            suite::$file::$name(&PtraceWorld::new());
        }
    };
    (sim $file:ident $name:ident) => {};
}

macro_rules! tests {
    ($($file:ident :: $name:ident : $hosts:ident $(($why:literal))? [$($inv:literal)*],)*) => {
        $(one!($hosts $file $name);)*
    };
}

scenarios!(tests);
