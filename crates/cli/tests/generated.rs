//! What is generated from the flag definitions is whole: help, man page, completions, list of engines.

mod common;

use common::Place;

/// Every long flag of `run` and `attach`, as their help lists them.
fn flags(place: &Place, command: &str) -> Vec<String> {
    let help = place.run([command, "--help"]).go().expect(0).out;
    let words = help.lines().map(str::trim_start).filter(|l| l.starts_with('-'));
    words
        .filter_map(|l| l.split([' ', ',', '=', '[', '.']).find(|w| w.starts_with("--")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn man_page_has_every_command_and_flag() {
    let place = Place::new();
    let man = place.run(["man"]).go().expect(0).out.replace("\\-", "-");
    for command in ["RUN", "ATTACH", "ENGINES", "COMPLETIONS", "MAN"] {
        assert!(man.contains(&format!("UTRACE {command}")), "{command}");
    }
    for command in ["run", "attach"] {
        let flags = flags(&place, command);
        assert!(flags.len() > 8, "{flags:?}");
        for flag in flags {
            assert!(man.contains(&flag), "{command} {flag}");
        }
    }
    for part in ["EXIT STATUS", "127", "NO_COLOR", "EXAMPLES", "trace=SET", "when="] {
        assert!(man.contains(part), "{part}");
    }
}

#[test]
fn man_page_is_clean_roff() {
    let place = Place::new();
    let page = place.run(["man"]).go().expect(0).out;
    place.write("utrace.1", &page);
    let lint = place.other("man", ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "./utrace.1"]).go();
    if lint.code() == 127 {
        return common::skip("no man here");
    }
    assert_eq!(lint.expect(0).err, "");
}

#[test]
fn completions_know_every_flag() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(["completions", shell]).go().expect(0).out;
        for flag in flags(&place, "run") {
            assert!(script.contains(flag.trim_start_matches('-')), "{shell}: {flag}");
        }
    }
    let script = place.run(["completions", "bash"]).go().expect(0).out;
    place.write("utrace.bash", &script);
    let words = "source ./utrace.bash; COMP_WORDS=(utrace run --st); COMP_CWORD=2; _utrace utrace --st run; \
                 echo ${COMPREPLY[@]}";
    let offered = place.other("bash", ["-c", words]).go().expect(0).out;
    assert!(offered.contains("--stats") && !offered.contains("--log"), "{offered}");
}

#[test]
fn engines_lists_each_engine_with_its_options() {
    let place = Place::new();
    let list = place.run(["engines"]).go().expect(0).out;
    for word in ["log", "stats", "inject", "trace=", "format="] {
        assert!(list.contains(word), "{word}:\n{list}");
    }
    for line in list.lines() {
        assert!(line.chars().count() <= 110, "too wide: {line}");
    }
}

#[test]
fn a_closed_pipe_ends_the_listings_quietly() {
    let place = Place::new();
    for command in ["engines", "man", "completions bash", "--help"] {
        let ran = place.other("bash", ["-c", &format!("{} {command} | true", place.utrace().display())]).go();
        assert_eq!(ran.expect(0).err, "", "{command}");
    }
}

#[test]
fn version_and_help_go_to_stdout() {
    let place = Place::new();
    let ran = place.run(["--version"]).go().expect(0);
    assert!(ran.out.starts_with("utrace ") && ran.err.is_empty());
    for args in [vec!["--help"], vec!["run", "--help"], vec!["attach", "-h"]] {
        let ran = place.run(args).go().expect(0);
        assert!(ran.out.contains("Usage:") && ran.err.is_empty());
        assert!(!ran.out.contains('\x1b'), "colour off a terminal");
    }
}
