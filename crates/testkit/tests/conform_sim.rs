//! The conformance suite on the sim host: one test per scenario, and a check that no number is forgotten.

use utrace_testkit::conform;
use utrace_testkit::scenarios;
use utrace_testkit::sim::SimWorld;

macro_rules! tests {
    ($($file:ident :: $name:ident : $hosts:ident $(($why:literal))? [$($inv:literal)*],)*) => {
        $(
            #[test]
            fn $name() {
                conform::$file::$name(&SimWorld::new());
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios!(tests);

#[test]
fn every_scenario_is_a_test() {
    for wanted in 1..=84 {
        let run = NAMES.iter().filter(|name| name.starts_with(&format!("sc_{wanted:03}_"))).count();
        assert!(run > 0, "SC-{wanted} must be run");
    }
}

#[test]
fn every_scenario_that_is_written_is_in_the_list() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conform");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for (at, _) in text.match_indices("pub fn sc_") {
            let name = text[at + 7..].split(['(', '<']).next().unwrap();
            assert!(NAMES.contains(&name), "{name} is not in the list of scenarios");
        }
    }
}
