//! What the tests share: C programs built against the library that cargo has just built, and run.
//!
//! Cargo builds every kind of the library before a test of its package, and leaves it in the folder that the
//! tests are in (`TARGET/PROFILE/deps`), so no test has to run cargo to have one. Each test binary uses all
//! that is here.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Which library a program is linked with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// libutrace.so, found at run time where it lies.
    Shared,
    /// libutrace.a.
    Static,
}

/// What keeps a warning from being overlooked.
pub(crate) const STRICT: &[&str] = &["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// `crates/capi`.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder in which libutrace.so and libutrace.a are.
pub(crate) fn library_folder() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// A folder of this test alone.
pub(crate) fn own_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("capi-{name}"));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Builds one C or C++ program, or finds it built from the same text before.
///
/// Tests run in many processes at once: it is built under a name of its own and renamed into place, so nobody
/// ever sees half of one.
pub(crate) fn build(source: &Path, link: Link) -> PathBuf {
    let library = library_folder().join(if link == Link::Static { "libutrace.a" } else { "libutrace.so" });
    let folder = own_folder(&format!("built-{:016x}", key(source, &library)));
    let program = folder.join(source.file_stem().unwrap());
    if program.exists() {
        return program;
    }
    let own = folder.join(format!(".{}", std::process::id()));
    let cplusplus = source.extension().is_some_and(|kind| kind == "cpp");
    let mut gcc = Command::new(if cplusplus { "g++" } else { "gcc" });
    gcc.args(STRICT).args(["-g", "-O1", "-pthread", "-I"]).arg(here().join("include"));
    gcc.arg("-o").arg(&own).arg(source);
    match link {
        Link::Shared => {
            // The program asks for the library by its soname.
            let named = folder.join("libutrace.so.0");
            let _ = std::os::unix::fs::symlink(&library, &named);
            gcc.arg(&named).arg(format!("-Wl,-rpath,{}", folder.display()));
        }
        Link::Static => {
            gcc.arg(&library).args(STATIC_LIBS);
        }
    }
    let output = gcc.output().unwrap();
    assert!(output.status.success(), "{gcc:?}\n{}", String::from_utf8_lossy(&output.stderr));
    fs::rename(&own, &program).unwrap();
    program
}

/// All that goes into a program. The shared library is looked for when it runs: only where it lies counts.
fn key(source: &Path, library: &Path) -> u64 {
    let mut hash = DefaultHasher::new();
    library.hash(&mut hash);
    if library.extension().is_some_and(|kind| kind == "a") {
        fs::metadata(library).unwrap().modified().unwrap().hash(&mut hash);
    }
    let scene = here().join("tests/c/scene.h");
    for file in [source, &scene, &here().join("include/utrace.h")] {
        fs::read(file).unwrap().hash(&mut hash);
    }
    hash.finish()
}

/// What the static library needs beside itself (`rustc --print native-static-libs`; also in utrace.pc).
pub(crate) const STATIC_LIBS: &[&str] = &["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"];

/// Runs a program to its end, with this on its standard input.
pub(crate) fn run(program: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new("timeout")
        .arg("60")
        .arg(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without having read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Its standard output, after success.
pub(crate) fn stdout_of(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{:?}\n{out}\n{err}", output.status);
    out.into_owned()
}
