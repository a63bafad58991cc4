//! The header: compiles everywhere without a warning, and says exactly what the library exports.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::{Link, STRICT, build, here, library_folder, run, stdout_of};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

fn compiles(compiler: &str, args: &[&str]) {
    let header = here().join("include/utrace.h");
    let mut command = Command::new(compiler);
    command.args(STRICT).args(args).args(["-fsyntax-only", "-Wno-pragma-once-outside-header"]).arg(header);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_dialect_of_c_takes_it_without_a_warning() {
    for dialect in ["gnu99", "gnu11", "gnu17"] {
        compiles("gcc", &["-x", "c", &format!("-std={dialect}")]);
    }
    for dialect in ["c99", "c11"] {
        compiles("gcc", &["-x", "c", &format!("-std={dialect}")]);
        compiles("gcc", &["-x", "c", &format!("-std={dialect}"), "-D_POSIX_C_SOURCE=200809L"]);
        compiles("gcc", &["-x", "c", &format!("-std={dialect}"), "-D_GNU_SOURCE", "-include", "stdio.h"]);
    }
    let more = ["-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wcast-qual", "-Wstrict-prototypes"];
    compiles("gcc", &[&["-x", "c"], &more[..]].concat());
    compiles("gcc", &["-x", "c", "-DUTRACE_NO_KERNEL_NAMES"]);
}

#[test]
fn cplusplus_takes_it_without_a_warning() {
    if Command::new("g++").arg("--version").output().is_err() {
        eprintln!("skipped: no g++ here");
        return;
    }
    for dialect in ["c++11", "gnu++20"] {
        compiles("g++", &["-x", "c++", &format!("-std={dialect}")]);
    }
}

#[test]
fn a_client_in_cplusplus_counts() {
    if Command::new("g++").arg("--version").output().is_err() {
        eprintln!("skipped: no g++ here");
        return;
    }
    let program = build(&here().join("tests/c/client.cpp"), Link::Shared);
    assert_eq!(stdout_of(&run(&program, &["true"], "")), "calls, 1 exit, status 0\n");
}

/// The header without its comments.
fn code() -> String {
    let text = fs::read_to_string(here().join("include/utrace.h")).unwrap();
    let mut parts = text.split("/*");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |code, part| code + part.split_once("*/").unwrap().1)
}

/// The names `utrace_…` that are followed by an opening bracket.
fn called(code: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("utrace_") {
        let rest = &code[at..];
        let name = &rest[..rest.find(|c| !is_name(c)).unwrap()];
        if !code[..at].ends_with(is_name) && rest[name.len()..].starts_with('(') {
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn what_is_exported_is_declared_and_the_other_way_round() {
    let code = code();
    // Inline functions stand in the header alone.
    let inline: BTreeSet<String> = code
        .match_indices("static inline")
        .flat_map(|(at, _)| called(code[at..].lines().next().unwrap()))
        .collect();
    let declared: BTreeSet<String> = called(&code).difference(&inline).cloned().collect();
    let nm = Command::new("nm")
        .args(["-D", "--defined-only", "--format=just-symbols"])
        .arg(library_folder().join("libutrace.so"))
        .output()
        .unwrap();
    let exported: BTreeSet<String> = stdout_of(&nm).lines().map(str::to_owned).collect();
    assert!(exported.len() > 40, "{exported:?}");
    assert_eq!(exported, declared);
}

#[test]
fn the_library_has_the_name_that_programs_ask_for() {
    let readelf =
        Command::new("readelf").arg("-d").arg(library_folder().join("libutrace.so")).output().unwrap();
    assert!(stdout_of(&readelf).contains("soname: [libutrace.so.0]"));
}

#[test]
fn names_have_the_historic_numbers() {
    // It is made of static assertions: that it compiles is the test. That it runs shows that the table is as
    // long.
    for link in [Link::Shared, Link::Static] {
        let program = build(&here().join("tests/c/constants.c"), link);
        assert_eq!(stdout_of(&run(&program, &[], "")), "11 callbacks\n");
    }
}
