//! Looking at tasks: register sets by name, in every kind of stop; nothing read of a task that woke.

use std::io::Read as _;
use std::process::{Command as Std, Stdio};

use utrace_abi::UserRegs;
use utrace_core::{
    Action, Addr, Event, EventSet, ExamineError, Interest, Progress, SignalAction, Target, TargetError,
};
use utrace_host::{CoreDump, Ending, Tid, regset};
use utrace_testkit::conform::{Log, Probe, Report, Seen};
use utrace_testkit::fixtures;

use crate::bench::{Lab, send, until, until_held, until_up};

fn yields() -> Interest {
    Interest::in_syscalls([24].into_iter().collect())
}

#[test]
fn every_register_set_is_read_and_written_by_name_and_size() {
    let probe = Probe::silent("A").answers(|cx, report| {
        if !matches!(report, Report::SyscallExit(_)) {
            return Action::Resume;
        }
        for info in regset::ALL {
            let info = regset::by_name(info.name).unwrap();
            let mut all = vec![0; 16 * 1024];
            let size = cx.target().regset(info.set, &mut all).unwrap();
            assert!(info.size.is_none_or(|known| known == size), "{}: {size}", info.name);
            all.truncate(size);
            // A short buffer gets the head, and the answer is the size all the same.
            let mut head = [0; 16];
            assert_eq!(cx.target().regset(info.set, &mut head), Ok(size), "{}", info.name);
            assert_eq!(head, all[..16]);
            cx.target().set_regset(info.set, &all).unwrap();
            let mut again = vec![0; size];
            cx.target().regset(info.set, &mut again).unwrap();
            assert_eq!(again, all, "{}", info.name);
        }
        // A change is there when it is read again: the first vector register, and a data breakpoint's address.
        let mut float = [0; 512];
        cx.target().regset(regset::FLOAT, &mut float).unwrap();
        float[160..168].copy_from_slice(&0x0123_4567_89ab_cdef_u64.to_ne_bytes());
        cx.target().set_regset(regset::FLOAT, &float).unwrap();
        let mut again = [0; 512];
        cx.target().regset(regset::FLOAT, &mut again).unwrap();
        assert_eq!(again, float);
        assert_eq!(cx.target().set_regset(utrace_core::Regset(0x999), &[0]), Err(TargetError::Unsupported));
        Action::Resume
    });
    assert_eq!(Lab::new().run("Y m1", probe, yields()), (Ending::Exited(0), "m1".into()));
}

#[test]
fn a_hardware_breakpoint_set_through_the_debug_registers_is_reported() {
    let log = Log::new();
    let mut armed = false;
    let probe = Probe::new("A", &log).answers(move |cx, report| match report {
        Report::SyscallExit(exit) if !core::mem::replace(&mut armed, true) => {
            // Execution of the instruction that this call returns to.
            let mut debug = [0; 64];
            debug[..8].copy_from_slice(&exit.call().unwrap().ip.0.to_ne_bytes());
            debug[56..].copy_from_slice(&1_u64.to_ne_bytes());
            cx.target().set_regset(regset::DEBUG, &debug).unwrap();
            Action::Resume
        }
        Report::Signal(signal) => {
            signal.action = SignalAction::Ignore;
            Action::Resume
        }
        _ => Action::Resume,
    });
    let interest = yields() | EventSet::from(Event::SignalCore);
    assert_eq!(Lab::new().run("Y Y m1", probe, interest), (Ending::Exited(0), "m1".into()));
    // Both calls come through the same instruction, and TRAP_HWBKPT is nobody's step.
    assert_eq!(log.calls("A", Event::SignalCore).len(), 2);
}

#[test]
fn registers_are_there_in_a_group_stop_that_stays_one() {
    let (lab, log) = (Lab::new(), Log::new());
    let probe = Probe::new("A", &log);
    let process = lab.launch("W m1", move |task| {
        task.attach_for(Event::Jctl, probe).unwrap();
    });
    let (task, pid) = (process.tasks()[0].clone(), process.pid().raw());
    until_up(pid);
    send(pid, 19);
    log.until("A", Seen::Event(Event::Jctl));
    let a = task.engines()[0].clone();
    until(|| a.control(Action::Stop) == Ok(Progress::Done));
    for _ in 0..3 {
        let mut regs = [0; UserRegs::SIZE];
        let found = task.with_target(|target| target.regset(regset::GENERAL, &mut regs));
        assert_eq!(found, Ok(Ok(UserRegs::SIZE)));
        assert_ne!(UserRegs::from_bytes(&regs).rip, 0);
    }
    assert_eq!(log.count("A", Seen::Event(Event::Jctl)), 1, "looking is no stop and no continue");
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    lab.go();
    send(pid, 18);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
    assert_eq!(log.count("A", Seen::Event(Event::Jctl)), 2);
}

#[test]
fn a_thread_that_dies_of_its_own_signal_is_held_at_its_exit() {
    let lab = Lab::new();
    let probe = Probe::silent("A").once(Seen::Event(Event::Exit), Action::Stop);
    let process = lab.launch("r15 m1", move |task| {
        task.attach_for(Event::Exit, probe).unwrap();
    });
    let task = process.tasks()[0].clone();
    until_held(&task);
    let a = task.engines()[0].clone();
    let mut regs = [0; UserRegs::SIZE];
    a.examine(|target| target.regset(regset::GENERAL, &mut regs)).unwrap().unwrap();
    assert!(process.ended().is_none());
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    assert_eq!(process.wait(), Ok(Ending::Killed(15, CoreDump::No)));
}

/// Where the fixture `spin` counts its rounds.
fn counter_of(pid: i32) -> Addr {
    let program = fixtures::build("spin");
    let symbols = Std::new("nm").arg(&program).output().unwrap().stdout;
    let symbols = String::from_utf8(symbols).unwrap();
    let line = symbols.lines().find(|line| line.ends_with(" n")).unwrap();
    let offset = u64::from_str_radix(line.split_whitespace().next().unwrap(), 16).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    Addr(u64::from_str_radix(maps.split('-').next().unwrap(), 16).unwrap() + offset)
}

#[test]
fn inv_037_what_is_read_of_a_task_that_woke_is_never_given_as_good() {
    let lab = Lab::new();
    let mut spin = Std::new(fixtures::build("spin")).stdout(Stdio::piped()).spawn().unwrap();
    let pid = spin.id().cast_signed();
    let mut ready = [0; 6];
    spin.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let counter = counter_of(pid);
    let process = lab
        .host
        .attach(Tid::new(pid).unwrap(), |task| {
            task.attach_for(yields(), Probe::silent("A")).unwrap();
        })
        .unwrap();
    let a = process.tasks()[0].engines()[0].clone();
    let twice = |target: &mut dyn Target| {
        let mut counts = [[0; 8]; 2];
        for count in &mut counts {
            target.read(counter, count).unwrap();
            std::thread::yield_now();
        }
        counts
    };
    let (mut good, mut refused) = (0, 0);
    for _ in 0..300 {
        // Asked for and not yet in force: it runs on for a while.
        let _ = a.control(Action::Stop).unwrap();
        for _ in 0..5 {
            match a.examine(twice) {
                Ok([first, second]) => {
                    assert_eq!(first, second, "it counted on while it was read");
                    good += 1;
                }
                Err(ExamineError::Ran) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        until_held(a.task());
        let examine = a.prepare_examine().unwrap();
        let [first, second] = examine.with_target(twice).unwrap();
        assert_eq!(first, second);
        // Let go in the middle: whatever comes of it, it is not good.
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
        assert!(examine.finish().is_err());
    }
    assert!(good > 0 && refused > 0, "{good} good, {refused} refused");
    send(pid, 9);
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    let _ = spin.wait();
}
