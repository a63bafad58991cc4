//! Nobody gets at a process through the supervisor that he could not trace himself: each caller tries each target natively
//! and as a client of a supervisor, root's and his own, and the kernel's answer is demanded.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is the test")]

mod common;

use common::{Live, Place, Who, words};

const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/// How a process comes to its rights: the words before its program.
const CALLERS: &[(&str, &str)] = &[
    ("root", ""),
    ("root without capabilities", "setpriv --bounding-set=-all --inh-caps=-all"),
    ("nobody", NOBODY),
    ("nobody of another group", "setpriv --reuid=65534 --regid=65533 --clear-groups"),
    (
        "nobody with CAP_SYS_PTRACE",
        "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace",
    ),
    ("another user", "setpriv --reuid=65533 --regid=65533 --clear-groups"),
    ("root of a namespace of nobody's", "setpriv --reuid=65534 --regid=65534 --clear-groups unshare -Ur"),
];

/// The same for targets, and whether they are dumpable.
const TARGETS: &[(&str, &str, &str)] = &[
    ("root's", "", ""),
    ("root's, not dumpable", "", "undumpable"),
    ("root's without capabilities", "setpriv --bounding-set=-all --inh-caps=-all", ""),
    ("nobody's", NOBODY, ""),
    ("nobody's, not dumpable", NOBODY, "undumpable"),
    ("nobody's of another group", "setpriv --reuid=65534 --regid=65533 --clear-groups", ""),
    ("nobody's with another real id", "setpriv --ruid=65533 --euid=65534 --regid=65534 --clear-groups", ""),
    (
        "nobody's with a capability",
        "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw",
        "",
    ),
    ("another user's", "setpriv --reuid=65533 --regid=65533 --clear-groups", ""),
    ("in a namespace of nobody's", "setpriv --reuid=65534 --regid=65534 --clear-groups unshare -U", ""),
];

/// What is refused although the kernel grants it (caller, target), and why.
const STRICTER: &[(&str, &str, &str)] = &[(
    "root without capabilities",
    "root's without capabilities",
    "/proc does not tell whether it is dumpable",
)];

fn target(place: &Place, before: &str, how: &str) -> Live {
    let program = place.fixture("access");
    let line = format!("{before} {} hold {how}", program.display());
    let mut words = words(&line).into_iter();
    let mut live = place.other(words.next().unwrap(), words).start();
    live.wait_ready();
    live
}

#[test]
fn a_client_may_what_the_kernel_lets_it() {
    if !common::is_root() {
        return common::skip("only root can be several users");
    }
    let place = Place::new();
    let program = place.fixture("access");
    let mut wrong = Vec::new();
    for (whose, before, how) in TARGETS {
        let target = target(&place, before, how);
        let tries =
            CALLERS.iter().map(|(_, before)| format!("{before} {} try {}", program.display(), target.pid()));
        let script = tries.collect::<Vec<_>>().join("\n");
        let native = place.other("sh", ["-c", &script]).go().out;
        let clients = place.run(["ptrace", "--", "sh", "-c", &script]).go().out;
        let pairs = |out: &str| -> Vec<String> {
            out.lines().collect::<Vec<_>>().chunks(2).map(|pair| pair.join(", ")).collect()
        };
        let (native, clients) = (pairs(&native), pairs(&clients));
        assert_eq!((native.len(), clients.len()), (CALLERS.len(), CALLERS.len()), "{native:?} {clients:?}");
        for (((caller, _), native), clients) in CALLERS.iter().zip(native).zip(clients) {
            let known = STRICTER.iter().find(|(by, of, _)| (by, of) == (caller, whose));
            let refused = "attach EPERM, seize EPERM";
            let as_known = known.is_some() && native != refused && clients == refused;
            if native != clients && !as_known {
                wrong.push(format!("{caller} on {whose}: native {native}, ours {clients}"));
            }
            if let Some((.., why)) = known.filter(|_| !as_known) {
                wrong.push(format!("{caller} on {whose} is as the kernel has it, although: {why}"));
            }
        }
        drop(target.finish());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Under his own supervisor an ordinary user has his own rights and no more; the kernel asks that supervisor too.
#[test]
fn an_ordinary_users_supervisor_has_his_rights() {
    if !common::is_root() {
        return common::skip("only root can be several users");
    }
    let place = Place::new();
    let program = place.fixture("access");
    let mut wrong = Vec::new();
    for (whose, before, how) in TARGETS {
        let target = target(&place, before, how);
        let args = ["try".to_owned(), target.pid().to_string()];
        let native = place.other(&program, &args).who(Who::Nobody).go();
        let clients =
            place.run(["ptrace", "--", program.to_str().unwrap()]).args(&args).who(Who::Nobody).go();
        let known = STRICTER.iter().any(|(by, of, _)| (*by, of) == ("nobody", whose));
        if native.out != clients.out && !known {
            wrong.push(format!("{whose}: native {:?}, ours {:?} {}", native.out, clients.out, clients.err));
        }
        drop(target.finish());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
