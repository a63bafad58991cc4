//! The rule of ptrace(2), row by row.

use std::fs::File;
use std::os::fd::AsFd as _;

use rustix::process::geteuid;

use super::*;

const PTRACE: u64 = SYS_PTRACE;
const OPEN: Rules = Rules { yama: 0, supervisor: Power::Privileged };

fn user(process: u32, uid: u32) -> Subject {
    Subject {
        process,
        uids: [uid; 3],
        gids: [uid; 3],
        permitted: 0,
        effective: 0,
        namespaces: vec![UserNamespace::FIRST],
        dumpable: Dumpable::Yes,
        label: String::new(),
        parents: vec![1],
    }
}

fn root(process: u32) -> Subject {
    Subject { permitted: u64::MAX, effective: u64::MAX, dumpable: Dumpable::Unknown, ..user(process, 0) }
}

/// A subject with something changed.
fn but(mut subject: Subject, change: impl FnOnce(&mut Subject)) -> Subject {
    change(&mut subject);
    subject
}

#[test]
fn who_may_trace_whom() {
    let ann = || user(10, 1000);
    let hers = || user(20, 1000);
    let anns = || vec![UserNamespace { inode: 4_026_532_000, owner: Some(1000) }, UserNamespace::FIRST];
    let below = || [vec![UserNamespace { inode: 4_026_532_001, owner: Some(7) }], anns()].concat();
    let unseen = || vec![UserNamespace { inode: 4_026_532_000, owner: None }];
    let rows: Vec<(&str, Subject, Subject, bool)> = vec![
        ("one's own process", ann(), hers(), true),
        ("a thread of one's own process", ann(), user(10, 1000), false),
        ("another user's", ann(), user(20, 1001), false),
        ("root's", ann(), root(20), false),
        ("root any", root(10), hers(), true),
        ("root root", root(10), root(20), true),
        ("one that was setuid", ann(), but(hers(), |s| s.uids = [1000, 0, 0]), false),
        ("one with another saved id", ann(), but(hers(), |s| s.uids = [1000, 1000, 0]), false),
        ("one with another group", ann(), but(hers(), |s| s.gids = [1000, 5, 1000]), false),
        ("one that is not dumpable", ann(), but(hers(), |s| s.dumpable = Dumpable::No), false),
        ("the same for root", root(10), but(hers(), |s| s.dumpable = Dumpable::No), true),
        ("one with a capability", ann(), but(hers(), |s| s.permitted = 1), false),
        (
            "the same, which one has too",
            but(ann(), |s| s.permitted = 3),
            but(hers(), |s| s.permitted = 1),
            true,
        ),
        ("a capability for it", but(ann(), |s| s.effective = PTRACE), user(20, 7), true),
        ("permitted is not effective", but(ann(), |s| s.permitted = PTRACE), user(20, 7), false),
        ("the real id counts", but(ann(), |s| s.uids = [1000, 1001, 1001]), user(20, 1001), false),
        (
            "root without capabilities",
            user(10, 0),
            but(user(20, 0), |s| s.dumpable = Dumpable::Unknown),
            false,
        ),
        ("a namespace below", root(10), but(hers(), |s| s.namespaces = anns()), true),
        ("one that shows nothing above it", root(10), but(hers(), |s| s.namespaces = unseen()), true),
        ("from a namespace below", but(root(10), |s| s.namespaces = anns()), hers(), false),
        ("the namespace that one made", ann(), but(root(20), |s| s.namespaces = anns()), true),
        ("what is below that", ann(), but(root(20), |s| s.namespaces = below()), true),
        (
            "the real id made nothing",
            but(ann(), |s| s.uids[1] = 7),
            but(hers(), |s| s.namespaces = anns()),
            false,
        ),
        ("one that another made", user(10, 7), but(user(20, 7), |s| s.namespaces = anns()), false),
        ("one not directly below", user(10, 7), but(user(20, 7), |s| s.namespaces = below()), false),
        ("whoever made it, unseen", ann(), but(hers(), |s| s.namespaces = unseen()), false),
        (
            "below, with capabilities",
            but(root(10), |s| s.namespaces = anns()),
            but(root(20), |s| s.namespaces = below()),
            true,
        ),
        (
            "below, without",
            but(user(10, 0), |s| s.namespaces = anns()),
            but(user(20, 0), |s| s.namespaces = below()),
            false,
        ),
        ("another label", ann(), but(hers(), |s| s.label = "confined".to_owned()), false),
    ];
    for (what, caller, target, want) in rows {
        assert_eq!(may_trace(&caller, &target, OPEN), want, "{what}");
    }
}

#[test]
fn yama_decides_by_its_scope() {
    let (ann, hers) = (user(10, 1000), user(20, 1000));
    let child = but(hers.clone(), |s| s.parents = vec![15, 10, 1]);
    let at = |yama, caller: &Subject, target: &Subject| {
        may_trace(caller, target, Rules { yama, supervisor: Power::Ordinary })
    };
    let answers = |caller, target| [0, 1, 2, 3].map(|scope| at(scope, caller, target));
    assert_eq!(answers(&ann, &hers), [true, false, false, false]);
    assert_eq!(answers(&ann, &child), [true, true, false, false]);
    assert_eq!(answers(&root(10), &hers), [true, true, true, false]);
}

#[test]
fn what_proc_cannot_tell_is_the_kernels_to_decide_or_refused() {
    let bare = user(10, 0);
    let target = but(user(20, 0), |s| s.dumpable = Dumpable::Unknown);
    let rules = |supervisor| Rules { yama: 0, supervisor };
    assert!(may_trace(&bare, &target, rules(Power::Ordinary)), "the kernel asks the supervisor the same");
    assert!(!may_trace(&bare, &target, rules(Power::Privileged)));
}

#[test]
fn we_are_read_as_we_are() {
    let me = look(std::process::id()).unwrap();
    assert_eq!(me.process, std::process::id());
    assert_eq!(me.uids[1], geteuid().as_raw());
    assert!(me.parents.ends_with(&[1]) || me.parents.is_empty(), "{:?}", me.parents);
    assert_eq!(look(u32::MAX), None);
}

#[test]
fn only_the_memory_of_the_very_process_proves() {
    let me = std::process::id().cast_signed();
    let mem = File::open(format!("/proc/{me}/task/{me}/mem")).unwrap();
    assert!(proves(mem.as_fd(), me, me));
    assert!(!proves(mem.as_fd(), 1, 1));
    let maps = File::open(format!("/proc/{me}/task/{me}/maps")).unwrap();
    assert!(!proves(maps.as_fd(), me, me));
    let flags = rustix::fs::OFlags::PATH;
    let path = format!("/proc/{me}/task/{me}/mem");
    let opened = rustix::fs::open(path.as_str(), flags, rustix::fs::Mode::empty()).unwrap();
    assert!(!proves(opened.as_fd(), me, me), "whoever only names it has shown nothing");
}
