//! `docs/contract.md` is made from the list of scenarios and the table of invariants, and is not stale.
//!
//! `UPDATE_DOCS=1 cargo test -p utrace-linux-testkit --test contract` (or `just tables`) writes it anew.

#![expect(clippy::unwrap_used, reason = "helpers of a test: what fails here has failed the test")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use utrace_testkit::conform::{ELSEWHERE, Hosts, INVARIANTS, SCENARIOS, Scenario};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every source below a folder, with its path.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// A function of the sources: where it stands, what is above it.
struct Function {
    file: String,
    comment: String,
    is_test: bool,
}

/// Every function below `crates`, by name.
fn functions() -> HashMap<String, Function> {
    let mut all = Vec::new();
    sources(&root().join("crates"), &mut all);
    all.sort();
    let mut found = HashMap::new();
    for (path, text) in &all {
        let file = path.strip_prefix(root()).unwrap().display().to_string();
        let (mut comment, mut is_test) = (Vec::new(), false);
        for line in text.lines().map(str::trim) {
            if let Some(words) = line.strip_prefix("///") {
                comment.push(words.trim());
            } else if line.starts_with("#[") {
                is_test |= line == "#[test]";
            } else {
                let definition = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("fn ");
                if let Some((name, _)) = definition.and_then(|rest| rest.split_once(['(', '<'])) {
                    let comment = comment.join(" ").replace('|', "\\|");
                    let function = Function { file: file.clone(), comment, is_test };
                    found.entry(name.to_owned()).or_insert(function);
                }
                (comment, is_test) = (Vec::new(), false);
            }
        }
    }
    found
}

const HEAD: &str = "# The contract, scenario by scenario

This page is made from the tests: `just tables` writes it, and a test fails when it is stale.

A scenario is one function, `crates/testkit/src/conform/`, generic over the host. On the sim host, a model of a small \
kernel, `crates/testkit/tests/conform_sim.rs` runs them all; on real threads, through the ptrace host, \
`crates/host/tests/conform_ptrace.rs` runs those that the table says. Where a real kernel of today shows something else \
than the historic one, the scenario asserts that, and the table says what it is.

";

fn scenario_table(all: &HashMap<String, Function>) -> String {
    let mut table = String::from(
        "## Scenarios\n\n| test | given / when / then | sim | real | what differs, or why not |\n|---|---|---|---|---|\n",
    );
    for scenario in SCENARIOS {
        let (real, why) = match scenario.hosts {
            Hosts::Both(why) => ("yes", why),
            Hosts::Sim(why) => ("no", why),
        };
        let text = &all[scenario.name].comment;
        assert!(text.contains('/'), "{} says given / when / then", scenario.name);
        let _ = writeln!(table, "| `{}` | {text} | yes | {real} | {why} |", scenario.name);
    }
    let real = |scenario: &&Scenario| matches!(scenario.hosts, Hosts::Both(_));
    let numbers = |keep: &dyn Fn(&&Scenario) -> bool| {
        let mut numbers: Vec<u32> = SCENARIOS.iter().filter(|one| keep(one)).map(Scenario::number).collect();
        numbers.dedup();
        numbers.len()
    };
    let _ = writeln!(
        table,
        "\nIn numbers: {} of the 84 scenarios run on the sim host, {} on real threads too, as {} and {} tests.",
        numbers(&|_| true),
        numbers(&real),
        SCENARIOS.len(),
        SCENARIOS.iter().filter(real).count()
    );
    table
}

fn invariant_table(all: &HashMap<String, Function>) -> String {
    let mut table = String::from(
        "\n## Invariants\n\nThe tests that fail if the invariant does not hold. Those in `core/tests/models` are loom models \
         (`just loom`), which explore every interleaving of a few threads. INV-24 to INV-27 are those that the historic code \
         broke: `testkit/tests/old_defects.rs` shows each failure in a model of how it worked.\n\n| INV | what | scenarios | other tests |\n|---|---|---|---|\n",
    );
    for (number, what) in INVARIANTS {
        let mut scenarios: Vec<String> = SCENARIOS
            .iter()
            .filter(|scenario| scenario.holds.contains(number))
            .map(|scenario| format!("SC-{}", scenario.number()))
            .collect();
        scenarios.dedup();
        let others: Vec<String> = ELSEWHERE
            .iter()
            .filter(|(_, holds)| holds.contains(number))
            .map(|(name, _)| {
                let file = all.get(*name).map(|function| function.file.as_str()).unwrap_or_default();
                format!("`{name}` ({})", file.trim_start_matches("crates/").trim_end_matches(".rs"))
            })
            .collect();
        assert!(!scenarios.is_empty() || !others.is_empty(), "INV-{number} has no test");
        let _ = writeln!(table, "| {number} | {what} | {} | {} |", scenarios.join(" "), others.join("; "));
    }
    table
}

#[test]
fn the_page_is_not_stale() {
    let all = functions();
    let page = format!("{HEAD}{}{}", scenario_table(&all), invariant_table(&all));
    let path = root().join("docs/contract.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let first = there.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(there == page, "docs/contract.md is stale: `just tables`; first difference: {first:?}");
}

#[test]
fn every_test_that_is_named_is_there() {
    let all = functions();
    for (name, holds) in ELSEWHERE {
        assert!(all.get(*name).is_some_and(|function| function.is_test), "no test is called {name}");
        assert!(holds.iter().all(|number| (1..=41).contains(number)), "{name}");
    }
    for scenario in SCENARIOS {
        assert!(scenario.holds.iter().all(|number| (1..=41).contains(number)), "{}", scenario.name);
    }
    assert_eq!(
        INVARIANTS.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        (1..=41).collect::<Vec<_>>()
    );
}
