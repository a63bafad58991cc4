//! What the benches share: groups, medians and ratios.

pub(crate) const UTRACE: &str = env!("CARGO_BIN_EXE_utrace");

/// Runs the groups that the command line names, or all.
pub(crate) fn groups(all: &[(&str, fn())]) {
    let names: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    for (name, group) in all {
        if names.is_empty() || names.iter().any(|n| n == name) {
            println!("\n== {name}");
            group();
        }
    }
}

pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// Prints a ratio beside what it should be at most.
pub(crate) fn ratio(what: &str, ratio: f64, at_most: f64) {
    let verdict = if ratio <= at_most { "ok" } else { "MISSED" };
    println!("    {what}: {ratio:.4} (at most {at_most}) {verdict}");
}

pub(crate) fn fail(why: &str) -> ! {
    eprintln!("bench: {why}");
    std::process::exit(1)
}
