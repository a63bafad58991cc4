//! Looking at tasks: register sets by name, in every kind of stop; nothing read of a task that woke.

use std::io::Read as _;
use std::process::{Child, Command as Std, Stdio};
use std::sync::mpsc::channel;

use utrace_abi::UserRegs;
use utrace_core::{
    Action, Addr, EngineRef, Event, EventSet, ExamineError, Interest, Progress, SignalAction, Target,
    TargetError, Task,
};
use utrace_host::{CoreDump, Ending, Process, Tid, regset};
use utrace_testkit::conform::{Log, Probe, Report, Seen};
use utrace_testkit::fixtures;

use crate::bench::{Lab, send, state, until, until_held, until_up};

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

/// The fixture `spin`, attached to, and where it counts.
fn spinning(lab: &Lab) -> (Child, Process, Addr) {
    let mut spin = Std::new(fixtures::build("spin")).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    spin.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let pid = spin.id().cast_signed();
    let counter = counter_of(pid);
    let process = lab
        .host
        .attach(Tid::new(pid).unwrap(), |task| {
            task.attach_for(yields(), Probe::silent("A")).unwrap();
        })
        .unwrap();
    (spin, process, counter)
}

fn count(target: &mut dyn Target, counter: Addr) -> u64 {
    let mut count = [0; 8];
    target.read(counter, &mut count).unwrap();
    u64::from_ne_bytes(count)
}

/// Waits until it has counted on: it certainly ran since.
fn until_counted(task: &Task, counter: Addr, from: u64) {
    until(|| task.with_target(|target| count(target, counter)).unwrap() != from);
}

fn hold(engine: &EngineRef) {
    let _ = engine.control(Action::Stop).unwrap();
    until_held(engine.task());
}

#[test]
fn inv_037_what_is_read_of_a_task_that_woke_is_never_given_as_good() {
    let lab = Lab::new();
    let (mut spin, process, counter) = spinning(&lab);
    let a = process.tasks()[0].engines()[0].clone();
    let twice = |target: &mut dyn Target| {
        let first = count(target, counter);
        std::thread::yield_now();
        (first, count(target, counter))
    };
    for _ in 0..100 {
        hold(&a);
        let (first, second) = a.examine(twice).unwrap();
        assert_eq!(first, second, "held and looked at, it is good and the same");

        // It runs and is held again: the same to look at as if it had stayed, but it did not.
        let examine = a.prepare_examine().unwrap();
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
        until_counted(a.task(), counter, first);
        hold(&a);
        assert_ne!(examine.with_target(|target| count(target, counter)).unwrap(), first);
        assert_eq!(examine.finish(), Err(ExamineError::Ran));

        // Let go: whatever becomes of it, it is not good.
        let examine = a.prepare_examine().unwrap();
        let now = examine.with_target(|target| count(target, counter)).unwrap();
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
        assert_eq!(examine.finish(), Err(ExamineError::NotHeld));

        // Asked for and not yet in force: it may run on for a while. How long is the scheduler's affair, so that
        // nothing is demanded but that what is given as good is.
        until_counted(a.task(), counter, now);
        let _ = a.control(Action::Stop).unwrap();
        while !a.task().is_stopped() {
            match a.examine(twice) {
                Ok((first, second)) => assert_eq!(first, second, "it counted on while it was read"),
                Err(error) => assert_eq!(error, ExamineError::Ran),
            }
        }
        assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    }
    send(process.pid().raw(), 9);
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    let _ = spin.wait();
}

#[test]
fn registers_in_a_stop_that_is_not_yet_told_are_those_of_the_stop() {
    let lab = Lab::new();
    let (mut spin, process, _) = spinning(&lab);
    let pid = process.pid().raw();
    let getppid = Interest::in_syscalls([110].into_iter().collect());
    // It stops at each call for one engine, and is held by the other, whose hold no callback answers.
    process.tasks()[0].attach_for(getppid, Probe::silent("C")).unwrap();
    let a = process.tasks()[0].engines()[0].clone();
    // A callback for another task keeps the tracer from taking the news of this one's stop.
    let ((came, comes), (let_go, waits)) = (channel(), channel());
    let mut first = true;
    let busy = Probe::silent("B").answers(move |_, _| {
        if core::mem::replace(&mut first, false) {
            came.send(()).unwrap();
            waits.recv().unwrap();
        }
        Action::Resume
    });
    let other = lab.launch("Y m1", move |task| {
        task.attach_for(yields(), busy).unwrap();
    });
    comes.recv().unwrap();
    until(|| state(pid) == "t");
    assert_eq!(a.control(Action::Stop), Ok(Progress::InProgress));
    let (tell, told) = channel();
    let found = std::thread::scope(|scope| {
        let asks = scope.spawn(|| {
            tell.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
            let mut regs = [0; UserRegs::SIZE];
            a.examine(|target| target.regset(regset::GENERAL, &mut regs)).unwrap().unwrap();
            UserRegs::from_bytes(&regs)
        });
        let thread = told.recv().unwrap();
        let thread = thread.file_name().unwrap().to_str().unwrap().parse().unwrap();
        until(|| state(thread) == "S");
        let_go.send(()).unwrap();
        asks.join().unwrap()
    });
    assert_ne!(found.cs, 0, "all of them are known in a stop");
    assert_eq!(other.wait(), Ok(Ending::Exited(0)));
    send(pid, 9);
    assert_eq!(process.wait(), Ok(Ending::Killed(9, CoreDump::No)));
    let _ = spin.wait();
}

/// While a process is stopped the kernel shows no registers, and asking it to would be a change of state.
#[test]
fn every_register_set_is_examined_in_a_group_stop() {
    let (lab, log) = (Lab::new(), Log::new());
    let probe = Probe::new("A", &log);
    let process = lab.launch("W m1", move |task| {
        task.attach_for(Event::Jctl, probe).unwrap();
    });
    let pid = process.pid().raw();
    until_up(pid);
    send(pid, 19);
    log.until("A", Seen::Event(Event::Jctl));
    let a = process.tasks()[0].engines()[0].clone();
    until(|| a.control(Action::Stop) == Ok(Progress::Done));
    for info in regset::ALL {
        let size = a.examine(|target| target.regset(info.set, &mut vec![0; 16 * 1024]));
        assert!(matches!(size, Ok(Ok(size)) if info.size.is_none_or(|known| known == size)), "{size:?}");
    }
    // What is written is there when it is read again.
    let mut float = [0; 512];
    a.examine(|target| target.regset(regset::FLOAT, &mut float)).unwrap().unwrap();
    float[160] ^= 0xff;
    process.tasks()[0].with_target(|target| target.set_regset(regset::FLOAT, &float)).unwrap().unwrap();
    let mut again = [0; 512];
    a.examine(|target| target.regset(regset::FLOAT, &mut again)).unwrap().unwrap();
    assert_eq!(again, float);
    assert_eq!(a.control(Action::Resume), Ok(Progress::Done));
    lab.go();
    send(pid, 18);
    assert_eq!(process.wait(), Ok(Ending::Exited(0)));
}
