//! The counters on tasks whose events are reported by hand.

use std::time::Duration;

use super::{Stats, StatsOptions};
use crate::testing::{Rig, TempFile};
use crate::tool::{Origin, Tool};

const CLOSE: u64 = 3;
const GETPPID: u64 = 110;

fn play(options: &str, scene: impl FnOnce(&mut Rig)) -> String {
    let file = TempFile::new();
    let text = format!("{}{options}", file.path().display());
    let stats = Stats::open(StatsOptions::parse(&text).unwrap()).unwrap();
    let mut rig = Rig::new(100);
    stats.attach(&rig.task, Origin::Launched).unwrap();
    scene(&mut rig);
    stats.finish().unwrap();
    file.text()
}

#[test]
fn calls_errors_and_kernel_time_are_counted() {
    let text = play("", |rig| {
        rig.target.system_time = Some(Duration::from_micros(100));
        let _ = rig.enter(CLOSE, &[9]);
        rig.target.system_time = Some(Duration::from_micros(140));
        let _ = rig.leave(-9);
        rig.call(CLOSE, &[3], 0);
    });
    assert!(text.contains("100.00    0.000040          20         2         1 close\n"), "{text}");
}

#[test]
fn only_the_traced_set_is_counted() {
    let text = play(",trace=close", |rig| {
        rig.call(CLOSE, &[3], 0);
        rig.call(GETPPID, &[], 7);
    });
    assert!(text.contains("close") && !text.contains("getppid"), "{text}");
}

#[test]
fn children_are_counted_too_and_each_process_on_request() {
    let scene = |rig: &mut Rig| {
        rig.call(CLOSE, &[3], 0);
        let mut child = rig.fork(101);
        child.call(GETPPID, &[], 100);
        child.target.program = "new";
        child.exec_as(101);
        let mut thread = child.thread(102);
        thread.call(GETPPID, &[], 100);
    };
    let one = play("", scene);
    assert!(one.contains("2           getppid\n") && one.contains("3           total"), "{one}");
    let each = play(",per=process", scene);
    let tables: Vec<&str> = each.split("\n\n").collect();
    assert_eq!(tables.len(), 3, "{each}");
    assert!(
        tables[0].starts_with("Process 100 (old):\n") && tables[0].contains("1           total"),
        "{each}"
    );
    assert!(
        tables[1].starts_with("Process 101 (new):\n") && tables[1].contains("2           total"),
        "{each}"
    );
    assert!(tables[2].starts_with("All processes:\n") && tables[2].contains("3           total"), "{each}");
}

#[test]
fn a_syscall_without_a_known_beginning_is_not_counted() {
    assert_eq!(play("", |rig| rig.leave_unseen(CLOSE, 0)), "");
}
