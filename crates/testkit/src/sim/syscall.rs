//! Syscalls of the modelled kernel: the entry and exit reports, and what each call does.

use super::runner::{After, Birth, Leave, Runner, create};
use super::signal::{To, deliverable, send};
use super::state::Place;
use crate::gate::lock;
use crate::script::{Did, Flag, Script, Step};
use utrace_core::{
    Addr, CloneKind, CloneReport, Event, SigInfo, Steps, Syscall, SyscallEntry, SyscallExit, Verdict,
};

/// The number of [`Step::Call`].
pub const CALL: u64 = 1;
/// The number of [`Step::Sleep`].
pub const SLEEP: u64 = 2;
/// The number of every step that has no other.
pub const OTHER: u64 = 4;
/// The number of [`Step::Spawn`].
pub const SPAWN: u64 = 5;
/// The number of the exec steps.
pub const EXEC: u64 = 6;
/// The number of the exit steps.
pub const EXIT: u64 = 7;
const DEEP_SLEEP: u64 = 3;

/// What a skipped syscall answers.
pub const ENOSYS: i64 = -38;
const EINTR: i64 = -4;
/// Not for the program's eyes: make the call again unless a handler runs first.
const ERESTART: i64 = -512;

fn number_of(step: &Step) -> (u64, u64) {
    match step {
        Step::Call(value) => (CALL, *value),
        Step::Sleep(Flag(flag)) => (SLEEP, u64::from(*flag)),
        Step::DeepSleep(Flag(flag)) => (DEEP_SLEEP, u64::from(*flag)),
        Step::Spawn(..) => (SPAWN, 0),
        Step::Exec(_) | Step::ExecInterpreted(_) | Step::ExecFails => (EXEC, 0),
        Step::Exit(code) | Step::ExitGroup(code) => (EXIT, u64::from(*code)),
        Step::Handle(signal, _) | Step::Block(signal) | Step::Unblock(signal) | Step::Raise(signal) => {
            (OTHER, u64::from(*signal))
        }
        Step::Mark(_) | Step::Branch(_) | Step::Spin(_) => (OTHER, 0),
    }
}

impl Runner {
    pub(crate) fn syscall(&mut self, step: Step) -> Result<(), Leave> {
        let (number, value) = number_of(&step);
        {
            let mut machine = lock(&self.machine);
            machine.regs[0] = number;
            machine.regs[1] = value;
            machine.regs[7] = ENOSYS.cast_unsigned();
        }
        let (seen, run) = self.report_entry(number)?;
        if run {
            let (now, arg) = {
                let machine = lock(&self.machine);
                (machine.regs[0], machine.regs[1])
            };
            let again = step.clone();
            let value = self.execute(now, arg, number, step)?;
            if value == ERESTART {
                self.restart = Some(again);
            }
            lock(&self.machine).regs[7] = value.cast_unsigned();
        }
        self.report_exit(number, seen)
    }

    /// Reports the entry until a pass ends without a stop. Answers what the engines saw, and whether to run it.
    fn report_entry(&mut self, number: u64) -> Result<(Option<Syscall>, bool), Leave> {
        if !(self.task.wants(Event::SyscallEntry) && self.task.wants_syscall(number)) {
            return Ok((None, true));
        }
        loop {
            let mut entry = SyscallEntry::new(self.call(number));
            let verdict = self.reporter.syscall_entry(&mut self.target, &mut entry);
            if entry.changed() {
                let mut machine = lock(&self.machine);
                machine.regs[0] = entry.call().number;
                machine.regs[1..7].copy_from_slice(&entry.call().args);
            }
            match verdict {
                Verdict::Go(action) => self.note(action),
                Verdict::Park => match self.parked()? {
                    After::Repeat => continue,
                    After::Go(action) => self.note(action),
                },
            }
            self.killed()?;
            let call = self.call(number);
            return Ok((Some(call), !entry.is_aborted()));
        }
    }

    fn call(&self, index: u64) -> Syscall {
        let machine = lock(&self.machine);
        let mut args = [0; 6];
        args.copy_from_slice(&machine.regs[1..7]);
        Syscall {
            number: machine.regs[0],
            index,
            args,
            arch: 1,
            ip: Addr(machine.regs[8]),
            sp: Addr(machine.regs[9]),
        }
    }

    fn report_exit(&mut self, number: u64, seen: Option<Syscall>) -> Result<(), Leave> {
        if !(self.task.wants(Event::SyscallExit) && self.task.wants_syscall(number)) {
            return Ok(());
        }
        let value = lock(&self.machine).regs[7].cast_signed();
        let mut exit = SyscallExit::new(seen, number, value, value < 0);
        match self.reporter.syscall_exit(&mut self.target, &mut exit) {
            Verdict::Go(action) => self.note(action),
            Verdict::Park => {
                let _ = self.parked()?;
            }
        }
        if exit.changed() {
            lock(&self.machine).regs[7] = exit.value().cast_unsigned();
        }
        Ok(())
    }

    /// Runs what the registers say: the step's own call, or one that the model knows by number alone.
    fn execute(&mut self, now: u64, arg: u64, number: u64, step: Step) -> Result<i64, Leave> {
        let flag = Flag(u32::try_from(arg).unwrap_or_default());
        match now {
            CALL => {
                self.with(|thread| thread.did.push(Did::Call(arg)));
                Ok(arg.cast_signed())
            }
            SLEEP => Ok(self.sleep(flag)),
            DEEP_SLEEP => {
                self.nap(Place::Asleep, |state| (state.flags.contains(&flag) || state.over).then_some(()));
                Ok(0)
            }
            _ if now == number => self.execute_step(step),
            _ => Ok(ENOSYS),
        }
    }

    fn sleep(&mut self, flag: Flag) -> i64 {
        let index = self.index;
        self.nap(Place::Asleep, |state| {
            if state.flags.contains(&flag) {
                return Some(0);
            }
            let thread = &state.threads[index];
            let stopping = super::to_user::stop_is_due(state, index);
            let ended = thread.interrupt || thread.killed.is_some() || stopping;
            (ended || deliverable(state, index).is_some()).then_some(ERESTART)
        })
    }

    fn execute_step(&mut self, step: Step) -> Result<i64, Leave> {
        let (index, process) = (self.index, self.process);
        match step {
            Step::Handle(signal, handling) => {
                self.kernel.change(|state| state.processes[process].handling.insert(signal, handling));
                Ok(0)
            }
            Step::Block(signal) => {
                self.with(|thread| thread.blocked |= 1 << (signal - 1));
                Ok(0)
            }
            Step::Unblock(signal) => {
                self.with(|thread| thread.blocked &= !(1 << (signal - 1)));
                Ok(0)
            }
            Step::Raise(signal) => {
                self.kernel.change(|state| send(state, index, signal, To::Thread, SigInfo::NONE));
                Ok(0)
            }
            Step::Spawn(kind, script) => self.spawn(kind, script),
            Step::Exec(script) | Step::ExecInterpreted(script) => self.exec(script),
            Step::ExecFails => Ok(-2),
            Step::Exit(code) => Err(Leave(code << 8)),
            Step::ExitGroup(code) => {
                self.kernel.change(|state| state.kill(process, code << 8, Some(index)));
                Err(Leave(code << 8))
            }
            _ => Ok(EINTR),
        }
    }

    /// Makes a child or a thread. It does not run before the clone callbacks are over, not even to die.
    fn spawn(&mut self, kind: CloneKind, script: Script) -> Result<i64, Leave> {
        let process = (kind == CloneKind::Thread).then_some(self.process);
        let child = create(&self.kernel, Birth { process, script, steps: Steps::Block, traceable: true });
        let (index, task) = (child.index, child.task.clone());
        let vfork = kind == CloneKind::Vfork;
        let new = child.process;
        self.kernel.change(|state| state.processes[new].lends_memory |= vfork);
        let mut verdict = Verdict::Go(utrace_core::Action::Resume);
        if self.task.wants(Event::Clone) {
            let mut report = CloneReport::new(kind, task);
            verdict = self.reporter.clone(&mut self.target, &mut report);
        }
        child.start();
        self.kernel.change(|state| state.threads[index].begun = true);
        match verdict {
            Verdict::Go(action) => self.note(action),
            Verdict::Park => match self.parked()? {
                After::Repeat => {}
                After::Go(action) => self.note(action),
            },
        }
        if vfork {
            let me = self.index;
            self.nap(Place::Asleep, |state| {
                (!state.processes[new].lends_memory || state.threads[me].killed.is_some()).then_some(())
            });
            self.killed()?;
        }
        Ok(i64::try_from(index).unwrap_or_default() + 1000)
    }
}
