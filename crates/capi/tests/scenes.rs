//! Every error number of the calls' table, each misuse that can be checked, and what callbacks can do, as a C
//! caller has them.
//!
//! The scenes are C (`tests/c/`); each runs as a test of its own.

mod common;

use common::{Link, build, here, run, stdout_of};

/// Runs one scene of a C program; every check in it that fails is a line of its output.
fn scene(program: &str, name: &str) {
    let built = build(&here().join(format!("tests/c/{program}.c")), Link::Shared);
    let output = run(&built, &[name], "");
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{:?}\n{out}", output.status);
    assert!(stdout_of(&output).contains(&format!("{name}: ")), "no such scene: {out}");
}

macro_rules! scenes {
    ($program:ident: $($name:ident)*) => {
        mod $program {
            $(#[test]
            fn $name() {
                super::scene(stringify!($program), stringify!($name));
            })*
        }
    };
}

scenes!(errnos: lookup exclusive arguments by_pid in_progress waiting stop runs dies killed_while_examined);
scenes!(misuse: null foreign stale buffers hosts numbers);
scenes!(callbacks: registers abort memory signals rewritten reexamined into_handler exec_and_clone exit_and_jctl
    detach_and_release threads pids left);
scenes!(storm: storm);
