//! The fixture programs: small C (or assembly) programs of one behaviour each, built when a test asks for them.
//!
//! Key types: [`build`], which gives the path of the built program, and [`try_build`] for programs that a machine
//! may be unable to link (32-bit ones). Sources stand in `fixtures/` beside this crate's manifest; their head says
//! what they do and, after `cc:`, which flags they need. Neighbours: the end-to-end tests and benches of the tool
//! and the tests of the ptrace host. This module runs nothing but the compiler.
//!
//! Programs are cached in a `fixtures` folder of the target folder, under a hash of all that goes into them, so a
//! changed source is a new program and two checkouts may share a target folder. Tests run in many processes at
//! once: a program is built under a name of its own and renamed into place, so nobody ever sees half of one.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
};

/// The built fixture `name` (the stem of its source file).
///
/// # Panics
/// When there is no such source or it does not compile: the test that needs it has failed.
#[expect(clippy::panic, reason = "a helper of tests: a fixture that does not build is a failed test")]
pub fn build(name: &str) -> PathBuf {
    match try_build(name) {
        Ok(path) => path,
        Err(why) => panic!("{why}"),
    }
}

/// As [`build`], for programs that some machines cannot link.
///
/// # Errors
/// What the compiler, or the system, said.
pub fn try_build(name: &str) -> Result<PathBuf, String> {
    let source = source_of(name)?;
    let text = fs::read_to_string(&source).map_err(|e| format!("{}: {e}", source.display()))?;
    let headers = ["fixture.h", "vptrace.h", "refuses.h"]
        .map(|name| fs::read_to_string(sources().join(name)).unwrap_or_default());
    let mut hash = DefaultHasher::new();
    (&text, &headers).hash(&mut hash);
    let folder = cache().join(format!("{:016x}", hash.finish()));
    let program = folder.join(name);
    if program.exists() {
        return Ok(program);
    }
    compile(&source, &flags(&text), &folder, &program).map_err(|e| format!("fixture {name}: {e}"))?;
    Ok(program)
}

/// A private copy of the fixture, in a folder that every user can read, for tests that run as an ordinary user,
/// change the file's mode or delete it.
///
/// # Errors
/// What the system said when the copy was made.
pub fn copy_to(name: &str, folder: &Path) -> io::Result<PathBuf> {
    let to = folder.join(name);
    fs::copy(build(name), &to)?;
    fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
    Ok(to)
}

fn compile(source: &Path, flags: &[&str], folder: &Path, program: &Path) -> Result<(), String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let own = folder.join(format!(".{}.{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let output = Command::new("cc")
        .args(["-g", "-Wall", "-Wextra", "-Werror"])
        .args(flags)
        .arg("-o")
        .arg(&own)
        .arg(source)
        .output()
        .map_err(|e| format!("cc: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    fs::rename(&own, program).map_err(|e| format!("{}: {e}", program.display()))
}

/// The words after `cc:` up to the end of the comment.
fn flags(text: &str) -> Vec<&str> {
    text.split_once("/* cc:").and_then(|(_, rest)| rest.split_once("*/")).map_or_else(
        || vec!["-O1"],
        |(flags, _)| {
            let mut all = vec!["-O1"];
            all.extend(flags.split_whitespace());
            all
        },
    )
}

fn source_of(name: &str) -> Result<PathBuf, String> {
    ["c", "S"]
        .iter()
        .map(|ext| sources().join(format!("{name}.{ext}")))
        .find(|p| p.exists())
        .ok_or_else(|| format!("no fixture {name} in {}", sources().display()))
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// `TARGET/fixtures`: the running test is TARGET/PROFILE/deps/NAME, whatever TARGET is called.
fn cache() -> PathBuf {
    env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.parent()?.parent()?.join("fixtures")))
        .unwrap_or_else(|| env::temp_dir().join("utrace-fixtures"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_builds() {
        for entry in fs::read_dir(sources()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            match path.extension().and_then(|e| e.to_str()) {
                Some("c") if !name.ends_with("32") => assert!(build(name).exists(), "{name}"),
                // Whether 32-bit programs link is the machine's matter; that we say why not is ours.
                Some("c" | "S") => assert!(try_build(name).map_or_else(|e| e.contains(name), |p| p.exists())),
                _ => {}
            }
        }
    }

    #[test]
    fn flags_stand_in_the_head() {
        assert_eq!(flags("/* x */\n/* cc: -pthread -O2 */\n"), ["-O1", "-pthread", "-O2"]);
        assert_eq!(flags("int main;"), ["-O1"]);
        assert!(try_build("no_such").unwrap_err().contains("no fixture no_such"));
    }
}
