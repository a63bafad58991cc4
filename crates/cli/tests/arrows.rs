//! The dependency arrows and the unsafe fence, held by a tool (DESIGN.md sections 1 and 9).
//!
//! `cargo metadata` says which crate may see which; a scan of the sources says where `unsafe` stands. A change
//! that breaks one of them is a change of the architecture, and belongs into ARCHITECTURE.md first.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Crate -> the crates of the workspace that it may depend on outside tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("utrace-linux-core", &[]),
    ("utrace-linux-abi", &[]),
    ("utrace-linux-host", &["utrace-linux-core", "utrace-linux-abi"]),
    ("utrace-linux-engines", &["utrace-linux-core", "utrace-linux-abi"]),
    ("utrace-linux", &["utrace-linux-core", "utrace-linux-abi", "utrace-linux-host", "utrace-linux-engines"]),
    ("utrace-linux-capi", &["utrace-linux-core", "utrace-linux-abi", "utrace-linux-host"]),
    ("utrace-linux-testkit", &["utrace-linux-core", "utrace-linux-abi"]),
];

/// Crate -> the crates from outside that it may depend on outside tests. Loom is only ever there under its cfg.
const OUTSIDE: &[(&str, &[&str])] = &[
    ("utrace-linux-core", &["loom"]),
    ("utrace-linux-abi", &[]),
    ("utrace-linux-host", &["libc"]),
    ("utrace-linux-capi", &["libc"]),
];

/// The three folders in which `unsafe` may stand.
const UNSAFE_FOLDERS: &[&str] = &["crates/core/src/sync", "crates/host/src/sys", "crates/capi/src/ffi"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Package name -> names of its normal dependencies.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |v: &Value| v["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|p| {
            let all = p["dependencies"].as_array().unwrap();
            (name(p), all.iter().filter(|d| d["kind"].is_null()).map(name).collect())
        })
        .collect()
}

#[test]
fn arrows_point_one_way() {
    let found = dependencies();
    assert_eq!(found.len(), ARROWS.len(), "a crate was added or lost: {:?}", found.keys());
    for (name, may) in ARROWS {
        let ours = found[*name].iter().filter(|d| d.starts_with("utrace-"));
        let wrong: Vec<_> = ours.filter(|d| !may.contains(&d.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn lower_crates_take_nothing_from_outside() {
    let found = dependencies();
    for (name, may) in OUTSIDE {
        let theirs = found[*name].iter().filter(|d| !d.starts_with("utrace-"));
        let wrong: Vec<_> = theirs.filter(|d| !may.contains(&d.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn unsafe_stands_in_three_folders() {
    let mut wrong = Vec::new();
    for file in sources(&root().join("crates")) {
        let inside = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        if UNSAFE_FOLDERS.iter().any(|folder| inside.starts_with(folder)) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        wrong.extend(unsafe_lines(&text).map(|n| format!("{inside}:{n}")));
    }
    assert!(
        wrong.is_empty(),
        "unsafe, or the lint against it opened, outside {UNSAFE_FOLDERS:?}: {wrong:#?}"
    );
}

/// Lines with the keyword, or with an attribute that opens the lint. Words in comments and strings count only
/// if they look like code, which prose does not.
fn unsafe_lines(text: &str) -> impl Iterator<Item = usize> {
    let code = |line: &str| {
        let line = line.split("//").next().unwrap_or("");
        ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "(unsafe_code", "#[unsafe("]
            .iter()
            .any(|word| line.contains(word))
    };
    text.lines().enumerate().filter(move |(_, line)| code(line)).map(|(n, _)| n + 1)
}

/// Every Rust file below, but for this one, which has to name what it looks for.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests/arrows.rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{manifest}");
    }
}
