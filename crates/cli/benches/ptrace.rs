//! Unmodified ptrace clients under utrace, beside the same clients without, in the same run.
//!
//! `cargo bench -p utrace-linux --bench ptrace [-- NAME…]` with names of groups: `strace` (a loop of getppid calls under
//! one strace), `straces` (under several at once), `gdb` (attach, 1,000 steps, 1,000 breakpoint hits), `alone` (programs that
//! trace nobody). Rivals take turns and the median counts; the times of a syscall are the traced program's own.

mod common;
#[path = "common/rivals.rs"]
mod rivals;

use std::process::Command;
use std::time::Instant;

use utrace_testkit::fixtures;

use common::{UTRACE, fail, groups, median, ratio};
use rivals::{Rival, measure, pinned, take};

fn main() {
    groups(&[("strace", strace), ("straces", straces), ("gdb", gdb), ("alone", alone)]);
}

fn shared(client: &str) -> String {
    format!("{UTRACE} run --ptrace -- {client}")
}

fn strace() {
    let client = "strace -o /dev/null";
    println!("pinned: clients, supervisor and program on one processor, ns a getppid");
    let all = measure(&[pinned("strace", client), pinned("strace under utrace", &shared(client))], 5_000);
    ratio("strace under utrace / strace", all[1] / all[0], 3.0);
    println!("not pinned (the machine should be idle), ns a getppid");
    let rivals = [Rival::new("strace", client), Rival::new("strace under utrace", &shared(client))];
    let all = measure(&rivals, 5_000);
    ratio("strace under utrace / strace", all[1] / all[0], 1.3);
}

/// Each further strace on the same thread.
fn straces() {
    const MOST: u32 = 4;
    println!("pinned, all straces on one thread, us a getppid");
    let mut before = None;
    for count in 1..=MOST {
        let time = median((0..5).map(|_| together(count)).collect()) / 1e3;
        println!("    {count} straces {time:10.1}");
        if let Some(before) = before {
            ratio("one more, of the 50 us that it may take", (time - before) / 50.0, 1.0);
        }
        before = Some(time);
    }
}

/// The time of a call, in ns, of a program that starts when this many straces are there.
fn together(count: u32) -> f64 {
    let program = fixtures::build("getppid_loop").display().to_string();
    // Each says "attached" on its standard error, which the shell reads to its end of line.
    let script = format!(
        "sh -c 'kill -STOP $$; exec {program} 3000' & P=$!\n\
         until grep -q '^State:.[Tt]' /proc/$P/status; do :; done\n\
         for i in $(seq {count}); do mkfifo f$i; strace -o /dev/null -p $P 2>f$i & read line <f$i; done\n\
         kill -CONT $P; wait $P"
    );
    let place = std::env::temp_dir().join(format!("utrace-bench-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap_or_else(|e| fail(&format!("{}: {e}", place.display())));
    let output = Command::new("taskset")
        .args(["-c", "0", UTRACE, "run", "--ptrace", "--", "sh", "-c", &script])
        .current_dir(&place)
        .output()
        .unwrap_or_else(|e| fail(&format!("taskset: {e}")));
    let _ = std::fs::remove_dir_all(&place);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.trim()
        .parse()
        .unwrap_or_else(|_| fail(&format!("{text:?} {}", String::from_utf8_lossy(&output.stderr))))
}

/// Attach, 1,000 single steps, 1,000 breakpoint hits, detach.
fn gdb() {
    const ROUNDS: usize = 5;
    let program = fixtures::build("spin").display().to_string();
    // A loop cannot be given with -ex.
    let script =
        "stepi 1000\nbreak syscall\nset $n=0\nwhile $n<1000\ncontinue\nset $n=$n+1\nend\ndelete\ndetach\n";
    let file = std::env::temp_dir().join(format!("utrace-bench-{}.gdb", std::process::id()));
    std::fs::write(&file, script).unwrap_or_else(|e| fail(&format!("{}: {e}", file.display())));
    let file = file.display();
    let whole =
        format!("{program} >/dev/null & P=$!; gdb -nx -batch -p $P -x {file} >/dev/null 2>&1; kill -KILL $P");
    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(seconds(Command::new("sh").args(["-c", &whole])));
        ours.push(seconds(Command::new(UTRACE).args(["run", "--ptrace", "--", "sh", "-c", &whole])));
    }
    let _ = std::fs::remove_file(file.to_string());
    let (bare, ours) = (median(bare), median(ours));
    println!("    gdb {bare:.2} s, gdb under utrace {ours:.2} s");
    ratio("gdb under utrace / gdb", ours / bare, 1.2);
}

/// Programs that trace nobody: processes made, and a call that nobody catches.
fn alone() {
    const CHILDREN: f64 = 200.0;
    let script = format!("for i in $(seq {CHILDREN}); do /bin/true; done; echo");
    println!("us a fork and exec");
    let rivals = [
        Rival::new("run", &format!("{UTRACE} run --log=/dev/null,trace=none --")),
        Rival::new("run --ptrace", &format!("{UTRACE} run --ptrace --")),
    ];
    let all = take(&rivals, &["/bin/sh", "-c", &script], CHILDREN);
    ratio("run --ptrace / run", all[1] / all[0], 1.1);
    println!("ns a getppid");
    let rivals = [
        Rival::new("getppid", ""),
        Rival::new("getppid under run, not wanted", &format!("{UTRACE} run --log=/dev/null,trace=write --")),
        Rival::new("getppid under run --ptrace", &format!("{UTRACE} run --ptrace --")),
    ];
    let all = measure(&rivals, 1_000_000);
    // A filter costs each call a little, whatever is in it.
    println!("    getppid under run --ptrace / getppid: {:.2}", all[2] / all[0]);
    ratio("getppid under run --ptrace / under run", all[2] / all[1], 1.1);
}

fn seconds(command: &mut Command) -> f64 {
    let from = Instant::now();
    let output = command.output().unwrap_or_else(|e| fail(&format!("{e}")));
    if output.stdout.is_empty() && !output.stderr.is_empty() {
        fail(&String::from_utf8_lossy(&output.stderr));
    }
    from.elapsed().as_secs_f64()
}
