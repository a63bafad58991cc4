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
    for command in ["RUN", "ATTACH", "PTRACE", "PS", "ENGINES", "COMPLETIONS", "MAN"] {
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

/// `docs/strace.md` names every flag of strace, and only options that there are.
#[test]
fn the_table_for_those_who_know_strace_is_whole() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/strace.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let place = Place::new();
    let ticked = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(|code| code.replace("\\|", "|")).collect()
    };
    for row in &rows {
        let column = row.get(2).copied().unwrap_or_default().trim_end_matches('|').trim();
        for option in ticked(column) {
            let sample = |text: &str| {
                let values = [
                    ("raw|abbrev|verbose", "raw"),
                    ("status=SET", "status=failed"),
                    ("quiet=SET", "quiet=exit"),
                    ("decode=SET", "decode=path"),
                    ("signal=SET", "signal=INT"),
                    ("SET", "read"),
                    ("LIST", "calls"),
                    ("ORDER", "calls"),
                    ("TIME", "5"),
                    ("COLUMN", "9"),
                    ("=N", "=9"),
                    ("'|CMD'", "|cat"),
                    ("inject=…", "inject=getuid:retval=0"),
                ];
                values.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
            };
            let option = sample(&option);
            let flags = match option.strip_prefix("--") {
                Some(_) => option,
                None => format!("--log=f,{option}"),
            };
            let mut args = vec!["run".to_owned()];
            args.extend(flags.split(' ').map(str::to_owned));
            args.extend(["--".to_owned(), "true".to_owned()]);
            if !flags.contains("always") {
                place.run(&args).go().expect(0);
            }
        }
    }
    let Ok(help) = std::process::Command::new("strace").arg("-h").output() else {
        return common::skip("no strace");
    };
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let known: Vec<String> = rows.iter().flat_map(|row| ticked(row[0])).collect();
    for line in help.lines() {
        let flag = line.trim_start().split([' ', ',']).next().unwrap_or_default();
        if flag.len() == 2 && flag.starts_with('-') && line.starts_with("  -") {
            assert!(
                known.iter().any(|code| code.starts_with(flag)),
                "{flag} is not in docs/strace.md: {line}"
            );
        }
    }
}
