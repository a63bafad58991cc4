//! The installed library: what `ci/install-lib.sh` puts where, and that pkg-config finds it; with the README's example.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first C example of the README.
fn example() -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```c\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}

/// An installation of the library that cargo has just built, below a prefix of this test's.
fn installed(name: &str) -> PathBuf {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prefix-{name}"));
    let _ = fs::remove_dir_all(&prefix);
    let built = env::current_exe().unwrap().parent().unwrap().to_owned();
    output_of(Command::new(root().join("ci/install-lib.sh")).arg(&prefix).arg(built).env_remove("DESTDIR"));
    prefix
}

/// What pkg-config says of it; `None` where there is no pkg-config.
fn pkg_config(prefix: &Path, args: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("pkg-config");
    command.args(args).arg("utrace").env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    if Command::new("pkg-config").arg("--version").output().is_err() {
        eprintln!("skipped: no pkg-config here");
        return None;
    }
    Some(output_of(&mut command).split_whitespace().map(str::to_owned).collect())
}

#[test]
fn the_example_of_the_readme_counts_with_an_installed_library() {
    let prefix = installed("readme");
    let Some(flags) = pkg_config(&prefix, &["--cflags", "--libs"]) else { return };
    let (source, program) = (prefix.join("count.c"), prefix.join("count"));
    fs::write(&source, example()).unwrap();
    assert!((20..=30).contains(&example().lines().count()), "a short example");
    let strict = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"];
    output_of(Command::new("gcc").args(strict).arg("-o").arg(&program).arg(&source).args(flags));
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).env("LD_LIBRARY_PATH", prefix.join("lib"));
        command.output().unwrap()
    };
    let out = String::from_utf8(run(&["true"]).stdout).unwrap();
    let calls: u32 = out.strip_suffix(" system calls\n").unwrap().parse().unwrap();
    assert!(calls > 5, "{out}");
    // Nothing to run is an error, and no crash.
    let nothing = run(&[]);
    assert_eq!((nothing.status.code(), nothing.stdout), (Some(1), b"0 system calls\n".to_vec()));
}

#[test]
fn the_static_library_needs_nothing_that_pkg_config_does_not_say() {
    let prefix = installed("static");
    let Some(flags) = pkg_config(&prefix, &["--cflags", "--libs", "--static"]) else { return };
    fs::remove_file(prefix.join("lib/libutrace.so")).unwrap();
    let (source, program) = (prefix.join("count.c"), prefix.join("count"));
    fs::write(&source, example()).unwrap();
    output_of(Command::new("gcc").arg("-o").arg(&program).arg(&source).args(flags));
    assert!(output_of(Command::new(&program).arg("true")).ends_with(" system calls\n"));
}

#[test]
fn files_go_where_packagers_expect_them() {
    let stage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stage");
    let _ = fs::remove_dir_all(&stage);
    let built = env::current_exe().unwrap().parent().unwrap().to_owned();
    output_of(Command::new(root().join("ci/install-lib.sh")).arg("/usr").arg(built).env("DESTDIR", &stage));
    let target = fs::read_link(stage.join("usr/lib/libutrace.so.0")).unwrap();
    assert_eq!(target, Path::new(concat!("libutrace.so.", env!("CARGO_PKG_VERSION"))));
    // The stage is in no file that is installed.
    let pc = fs::read_to_string(stage.join("usr/lib/pkgconfig/utrace.pc")).unwrap();
    assert!(pc.starts_with("prefix=/usr\n"), "{pc}");
    assert!(pc.contains(concat!("Version: ", env!("CARGO_PKG_VERSION"), "\n")), "{pc}");
    assert!(!pc.contains('@'), "{pc}");
    assert!(stage.join("usr/include/utrace.h").exists() && stage.join("usr/lib/libutrace.a").exists());
}
