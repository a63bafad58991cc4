//! What `utrace_attach_task` and its kin do, with pointers turned into objects (spec section 2).
//!
//! Each function here is one of the header, which has the meaning and the errors of each.

use core::ffi::{c_int, c_long, c_ulong, c_void};
use std::sync::{Arc, Mutex};

use utrace_core::{Attach, Detached, EngineRef, Match, Target, TargetError};

use crate::action;
use crate::bridge::Bridge;
use crate::engine::EngineObject;
use crate::errno::{Errno, progress};
use crate::ffi::context;
use crate::ffi::ops::Ops;
use crate::handles::lock;
use crate::session;
use crate::task::{PidObject, TaskObject};

const MATCH_OPS: c_int = 0x0001;
const MATCH_DATA: c_int = 0x0002;
const MATCH_MASK: c_int = 0x000f;
const CREATE: c_int = 0x0010;
const EXCLUSIVE: c_int = 0x0020;

/// What an attach was asked for.
pub(crate) struct Asked {
    pub(crate) flags: c_int,
    /// The table's address, which is what is compared.
    pub(crate) ops_at: *const c_void,
    /// Its content; `None` if the address is NULL.
    pub(crate) ops: Option<Ops>,
    pub(crate) data: *mut c_void,
}

/// One exclusive attach at a time, so that of two only one finds nobody there (SC-7). C may change its data
/// words at any time, so the core's own match by a fixed identity will not do.
static ATTACHING: Mutex<()> = Mutex::new(());

impl Asked {
    fn check(&self) -> Result<(), Errno> {
        let known = MATCH_OPS | MATCH_DATA | CREATE | EXCLUSIVE;
        let no_ops = self.flags & CREATE != 0 && self.ops.is_none();
        if self.flags & !known != 0 || no_ops { Err(Errno::INVALID) } else { Ok(()) }
    }

    fn fits(&self, engine: &EngineObject) -> bool {
        (self.flags & MATCH_OPS == 0 || engine.has_ops(self.ops_at))
            && (self.flags & MATCH_DATA == 0 || core::ptr::eq(engine.data(), self.data))
    }

    /// The engines that match, in order. Handles, so that who drops them is not under a lock.
    fn matches(&self, task: &TaskObject) -> Vec<(EngineRef, Arc<EngineObject>)> {
        let ours = |engine: EngineRef| Some((EngineObject::behind(&engine)?, engine));
        let all = task.task.engines().into_iter().filter_map(ours);
        all.filter(|(object, _)| self.fits(object)).map(|(object, engine)| (engine, object)).collect()
    }

    fn create(&self, task: &Arc<TaskObject>) -> Result<Arc<EngineObject>, Errno> {
        let ops = self.ops.ok_or(Errno::INVALID)?;
        let object = EngineObject::new(self.ops_at, self.data, Arc::clone(task));
        let bridge = Box::new(Bridge::new(ops, Arc::clone(&object)));
        let mut how = Attach { tag: EngineObject::tag(&object), ..Attach::default() };
        if self.flags & EXCLUSIVE != 0 && self.flags & MATCH_MASK == 0 {
            how.exclusive = Some(Match::ANY);
        }
        let one_at_a_time = lock(&ATTACHING);
        let others = if self.flags & EXCLUSIVE != 0 { self.matches(task) } else { Vec::new() };
        let attached = if others.is_empty() {
            task.task.attach_with(bridge, how).map_err(Errno::from)
        } else {
            Err(Errno::EXISTS)
        };
        drop(one_at_a_time);
        drop(others);
        object.take_reference(attached?);
        object.set_attached();
        Ok(object)
    }

    fn find(&self, task: &TaskObject) -> Result<Arc<EngineObject>, Errno> {
        let (engine, object) = self.matches(task).into_iter().next().ok_or(Errno::NO_ENTRY)?;
        object.take_reference(engine);
        Ok(object)
    }
}

/// `utrace_attach_task`.
pub(crate) fn attach_task(task: *const c_void, asked: &Asked) -> Result<Arc<EngineObject>, Errno> {
    asked.check()?;
    attach(&TaskObject::at(task)?, asked)
}

/// `utrace_attach_pid`.
pub(crate) fn attach_pid(pid: *const c_void, asked: &Asked) -> Result<Arc<EngineObject>, Errno> {
    asked.check()?;
    let pid = PidObject::at(pid)?;
    if asked.flags & CREATE != 0 && !pid.is_bound() && pid.task().is_none() {
        session::attach_process_of(pid.number)?;
    }
    attach(&pid.task().ok_or(Errno::NO_SUCH)?, asked)
}

fn attach(task: &Arc<TaskObject>, asked: &Asked) -> Result<Arc<EngineObject>, Errno> {
    if asked.flags & CREATE != 0 { asked.create(task) } else { asked.find(task) }
}

/// An engine, and that it is on this task.
fn pair(task: *const c_void, engine: *const c_void) -> Result<Arc<EngineObject>, Errno> {
    let engine = EngineObject::at(engine)?;
    let task = TaskObject::at(task)?;
    if Arc::ptr_eq(&engine.task, &task) { Ok(engine) } else { Err(Errno::INVALID) }
}

/// `utrace_set_events`.
pub(crate) fn set_events(task: *const c_void, engine: *const c_void, mask: c_ulong) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    let events = action::events(mask);
    let done = object.engine()?.set_events(events)?;
    object.set_flags(events);
    progress(done)
}

/// `utrace_set_events_sync`.
pub(crate) fn set_events_sync(
    task: *const c_void,
    engine: *const c_void,
    mask: c_ulong,
) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    let events = action::events(mask);
    object.engine()?.set_events_sync(events)?;
    object.set_flags(events);
    Ok(())
}

/// `utrace_control`.
pub(crate) fn control(task: *const c_void, engine: *const c_void, number: u32) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    let action = action::from_number(number).ok_or(Errno::INVALID)?;
    let done = object.engine()?.control(action)?;
    if action == utrace_core::Action::Detach {
        object.set_flags(utrace_core::EventSet::NONE);
    }
    progress(done)
}

/// `utrace_detach_sync`.
pub(crate) fn detach_sync(task: *const c_void, engine: *const c_void) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    let detached = object.engine()?.detach_sync()?;
    object.set_flags(utrace_core::EventSet::NONE);
    match detached {
        Detached::Over => Ok(()),
        Detached::ReapRuns => Err(Errno::NO_SUCH),
    }
}

/// `utrace_barrier`.
pub(crate) fn barrier(task: *const c_void, engine: *const c_void) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    if context::is_current(&object.task) {
        return Ok(());
    }
    if context::is_reaping(&object.task) {
        // The reaper is not the task (SC-80).
        return Err(Errno::NO_SUCH);
    }
    Ok(object.engine()?.barrier()?)
}

/// `utrace_prepare_examine`. Answers the core's stamp; any will do for the caller's own task.
pub(crate) fn prepare_examine(task: *const c_void, engine: *const c_void) -> Result<u64, Errno> {
    let object = pair(task, engine)?;
    if context::is_current(&object.task) {
        return Ok(0);
    }
    // An engine that is gone holds nothing.
    let engine = object.engine().map_err(|_| Errno::INVALID)?;
    let stamp = engine.prepare_examine()?.stamp();
    Ok(stamp)
}

/// `utrace_finish_examine`.
pub(crate) fn finish_examine(task: *const c_void, engine: *const c_void, stamp: u64) -> Result<(), Errno> {
    let object = pair(task, engine)?;
    if context::is_current(&object.task) {
        return Ok(());
    }
    let engine = object.engine().map_err(|_| Errno::INVALID)?;
    Ok(engine.examine_since(stamp).finish()?)
}

/// Looks at a task: in its own callback at once, else by way of its host.
pub(crate) fn look<T: Send>(
    task: &TaskObject,
    look: impl FnOnce(&mut dyn Target) -> Result<T, TargetError> + Send,
) -> Result<T, Errno> {
    let mut look = Some(look);
    if let Some(found) = context::with_target(task, |target| look.take().map(|look| look(target))) {
        return Ok(found.ok_or(Errno::IO)??);
    }
    let look = look.take().ok_or(Errno::IO)?;
    Ok(task.task.with_target(look)??)
}

/// As [`look`], for registers: a task that is neither in its own callback nor held has none to show.
pub(crate) fn look_at_regs<T: Send>(
    task: &TaskObject,
    act: impl FnOnce(&mut dyn Target) -> Result<T, TargetError> + Send,
) -> Result<T, Errno> {
    if !context::is_current(task) && !task.task.is_stopped() {
        // Which of the two it is: nothing can be asked of a dead one.
        task.task.with_target(|_| ())?;
        return Err(Errno::AGAIN);
    }
    look(task, act)
}

/// The system call that a task sleeps or is stopped in, as proc_pid_syscall(5) tells it.
pub(crate) struct Sleeping {
    pub(crate) number: c_long,
    pub(crate) args: [c_ulong; 6],
    pub(crate) sp: c_ulong,
    pub(crate) pc: c_ulong,
}

/// `utrace_task_syscall`.
pub(crate) fn current_syscall(task: &TaskObject) -> Result<Sleeping, Errno> {
    task.task.with_target(|_| ())?;
    let line =
        std::fs::read_to_string(format!("/proc/{}/syscall", task.tid())).map_err(|_| Errno::NO_SUCH)?;
    parse_syscall(&line)
}

fn parse_syscall(line: &str) -> Result<Sleeping, Errno> {
    let mut words = line.split_ascii_whitespace();
    let number = words.next().filter(|word| *word != "running").ok_or(Errno::AGAIN)?;
    let number: c_long = number.parse().map_err(|_| Errno::IO)?;
    let hex = |word: &str| c_ulong::from_str_radix(word.trim_start_matches("0x"), 16).map_err(|_| Errno::IO);
    let mut values = words.map(hex);
    let mut next = || values.next().unwrap_or(Err(Errno::IO));
    let mut args = [0; 6];
    if number >= 0 {
        for arg in &mut args {
            *arg = next()?;
        }
    }
    Ok(Sleeping { number, args, sp: next()?, pc: next()? })
}

#[cfg(test)]
mod tests {
    use super::parse_syscall;
    use crate::errno::Errno;

    #[test]
    fn a_line_of_proc_is_read_as_it_is_documented() {
        let in_read = parse_syscall("0 0x3 0x7f00 0x400 0x0 0x0 0x5 0x7ffe 0x7f11\n").ok();
        assert_eq!(
            in_read.map(|s| (s.number, s.args[1], s.args[5], s.sp, s.pc)),
            Some((0, 0x7f00, 5, 0x7ffe, 0x7f11))
        );
        let nowhere = parse_syscall("-1 0x7ffe 0x7f11\n").ok();
        assert_eq!(nowhere.map(|s| (s.number, s.args[0], s.sp, s.pc)), Some((-1, 0, 0x7ffe, 0x7f11)));
        assert_eq!(parse_syscall("running\n").err(), Some(Errno::AGAIN));
        assert_eq!(parse_syscall("0 0x3\n").err(), Some(Errno::IO));
    }
}
