//! The model's answers to the core: [`TaskHost`] and [`Target`] of a sim task.

use super::state::{Kernel, Machine, Place};
use crate::gate::lock;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::ThreadId;
use utrace_core::{Addr, Regset, Steps, Target, TargetError, Task, TaskHost};

/// The only register set that a sim task has: sixteen words, see [`Machine`].
pub(crate) const REGISTERS: Regset = Regset(1);

/// What of a task does not change.
#[derive(Clone)]
pub(crate) struct SimHost {
    pub(crate) kernel: Weak<Kernel>,
    pub(crate) index: usize,
    pub(crate) thread: Arc<OnceLock<ThreadId>>,
    pub(crate) steps: Steps,
    pub(crate) traceable: bool,
    pub(crate) machine: Arc<Mutex<Machine>>,
}

impl SimHost {
    fn change(&self, how: impl FnOnce(&mut super::state::Thread)) {
        if let Some(kernel) = self.kernel.upgrade() {
            kernel.change(|state| how(&mut state.threads[self.index]));
        }
    }
}

impl TaskHost for SimHost {
    fn request_report(&self, _task: &Task) {
        self.change(|thread| thread.notify = true);
    }

    fn request_interrupt(&self, _task: &Task) {
        self.change(|thread| thread.interrupt = true);
    }

    fn wake(&self, _task: &Task) {
        self.change(|thread| thread.wake = true);
    }

    fn tidy(&self, _task: &Task) {
        self.change(|thread| thread.tidy = true);
    }

    fn interest_changed(&self, _task: &Task) {
        self.change(|thread| thread.notify = true);
    }

    fn is_current(&self) -> bool {
        self.thread.get() == Some(&std::thread::current().id())
    }

    fn steps(&self) -> Steps {
        self.steps
    }

    fn traceable(&self) -> bool {
        self.traceable
    }

    fn off_cpu(&self) -> Option<u64> {
        let kernel = self.kernel.upgrade()?;
        let state = kernel.lock();
        let thread = &state.threads[self.index];
        matches!(thread.place, Place::Held | Place::Asleep | Place::Stopped).then_some(thread.switches)
    }

    fn with_target(&self, examine: &mut (dyn FnMut(&mut dyn Target) + Send)) -> Result<(), TargetError> {
        // The task's own thread takes this lock before it uses its registers again, so that it never loads a set
        // that is half written (INV-35).
        let mut machine = lock(&self.machine);
        if machine.gone {
            return Err(TargetError::Died);
        }
        examine(&mut *machine);
        Ok(())
    }
}

/// The target of a report: the machine, taken for each access.
pub(crate) struct SimTarget(pub(crate) Arc<Mutex<Machine>>);

impl Target for SimTarget {
    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        lock(&self.0).read(at, buf)
    }

    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        lock(&self.0).write(at, bytes)
    }

    fn regset(&mut self, set: Regset, buf: &mut [u8]) -> Result<usize, TargetError> {
        lock(&self.0).regset(set, buf)
    }

    fn set_regset(&mut self, set: Regset, bytes: &[u8]) -> Result<(), TargetError> {
        lock(&self.0).set_regset(set, bytes)
    }
}

impl Target for Machine {
    fn read(&mut self, at: Addr, buf: &mut [u8]) -> Result<usize, TargetError> {
        let memory = lock(&self.memory);
        let there = memory.get(offset(at)..).unwrap_or_default();
        let count = there.len().min(buf.len());
        buf[..count].copy_from_slice(&there[..count]);
        if count == 0 && !buf.is_empty() { Err(TargetError::Fault(at)) } else { Ok(count) }
    }

    fn write(&mut self, at: Addr, bytes: &[u8]) -> Result<usize, TargetError> {
        let mut memory = lock(&self.memory);
        let there = memory.get_mut(offset(at)..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        there[..count].copy_from_slice(&bytes[..count]);
        if count == 0 && !bytes.is_empty() { Err(TargetError::Fault(at)) } else { Ok(count) }
    }

    fn regset(&mut self, set: Regset, buf: &mut [u8]) -> Result<usize, TargetError> {
        if set != REGISTERS {
            return Err(TargetError::Unsupported);
        }
        let bytes: Vec<u8> = self.regs.iter().flat_map(|reg| reg.to_le_bytes()).collect();
        let count = bytes.len().min(buf.len());
        buf[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn set_regset(&mut self, set: Regset, bytes: &[u8]) -> Result<(), TargetError> {
        if set != REGISTERS {
            return Err(TargetError::Unsupported);
        }
        for (reg, bytes) in self.regs.iter_mut().zip(bytes.chunks_exact(8)) {
            *reg = u64::from_le_bytes(bytes.try_into().unwrap_or_default());
        }
        Ok(())
    }
}

fn offset(at: Addr) -> usize {
    usize::try_from(at.0).unwrap_or(usize::MAX)
}

/// One register of a task.
pub(crate) fn register(target: &mut dyn Target, which: usize) -> u64 {
    let mut bytes = [0; 16 * 8];
    let _ = target.regset(REGISTERS, &mut bytes);
    let at = which * 8;
    bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
}

/// Changes one register of a task.
pub(crate) fn set_register(target: &mut dyn Target, which: usize, value: u64) {
    let mut bytes = [0; 16 * 8];
    let _ = target.regset(REGISTERS, &mut bytes);
    let at = which * 8;
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    let _ = target.set_regset(REGISTERS, &bytes);
}
