//! What a child that is to be launched does before it is traced, and what it says of that.

use super::{Embryo, Fate, Listens, Plan, Step, fork_embryo};
use crate::sys::ptrace::{self, Options, Request};
use crate::sys::sigmask;
use crate::sys::wait;
use std::ffi::CString;

fn embryo(path: &str, cwd: Option<&str>) -> Embryo {
    let plan = Plan {
        path: CString::new(path).unwrap(),
        argv: vec![CString::new("it").unwrap()],
        envp: Vec::new(),
        cwd: cwd.map(|cwd| CString::new(cwd).unwrap()),
        identity: None,
        mask: sigmask::SigMask::ALL,
    };
    fork_embryo(&plan).unwrap()
}

/// Putting back the handlers alone made 150 stops, three times those of `/bin/true`.
#[test]
fn what_a_child_prepares_makes_no_stops() {
    let mut embryo = embryo("/bin/true", None);
    embryo.await_ready();
    ptrace::seize(embryo.pid, Options::EVERYTHING.with_exitkill()).unwrap();
    ptrace::interrupt(embryo.pid).unwrap();
    wait::wait_for(embryo.pid).unwrap();
    embryo.go(&[], Listens::No).unwrap();
    let mut stops = 0;
    loop {
        ptrace::resume(embryo.pid, Request::Syscall, 0).unwrap();
        let status = wait::wait_for(embryo.pid).unwrap();
        if status.0 >> 16 == libc::PTRACE_EVENT_EXEC {
            break;
        }
        stops += 1;
        assert!(stops < 16, "it still prepares itself");
    }
    ptrace::resume(embryo.pid, Request::Cont, 0).unwrap();
    assert_eq!(embryo.fate(), Fate::Silent);
    while wait::wait_for(embryo.pid).unwrap().0 != 0 {
        ptrace::resume(embryo.pid, Request::Cont, 0).unwrap();
    }
}

#[test]
fn a_child_that_fails_before_it_is_ready_says_why() {
    for waits in [true, false] {
        let mut embryo = embryo("/bin/true", Some("/no/such/folder"));
        if waits {
            embryo.await_ready();
        }
        let Fate::Failed(step, errno) = embryo.fate() else { panic!("it went on") };
        assert_eq!((step, errno.raw()), (Step::ChangeDirectory, libc::ENOENT));
        wait::wait_for(embryo.pid).unwrap();
    }
}

/// Nobody heard that it was ready: that is not taken for a word about a failure.
#[test]
fn a_child_that_is_not_waited_for_goes_all_the_same() {
    for (path, said) in [("/bin/true", None), ("/no/such/program", Some(Step::Exec))] {
        let mut embryo = embryo(path, None);
        embryo.go(&[], Listens::No).unwrap();
        let failed = match embryo.fate() {
            Fate::Silent => None,
            Fate::Failed(step, _) => Some(step),
        };
        assert_eq!(failed, said);
        wait::wait_for(embryo.pid).unwrap();
    }
}
