//! Tasks, pids, registers and memory, as exported.
//!
//! What each means, and its errors, stand in `include/utrace.h` and nowhere else.

use core::ffi::{c_char, c_int, c_long, c_uint, c_ulong, c_void};
use core::ptr;
use std::sync::Arc;

use utrace_core::{Addr, Regset, Target, TargetError};

use super::{bytes, bytes_mut, context, guard, number, read, status, write};
use crate::calls;
use crate::errno::Errno;
use crate::handles;
use crate::regs::{self, GENERAL, Regs};
use crate::task::{PidObject, TaskObject};

/// The largest register set, the extended state, is a few kilobytes (AVX-512 and AMX: 11).
const LARGEST_SET: usize = 16 * 1024;

/// A task for C with a reference that is C's, or NULL.
fn give_task(task: Option<Arc<TaskObject>>) -> *mut c_void {
    task.map_or(ptr::null_mut(), |task| {
        task.references.take(Arc::clone(&task));
        handles::address(&task)
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_current() -> *mut c_void {
    guard(ptr::null_mut(), || context::current().map_or(ptr::null_mut(), |task| handles::address(&task)))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_get(task: *mut c_void) {
    guard((), || {
        if let Ok(task) = TaskObject::at(task) {
            task.references.take(Arc::clone(&task));
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_put(task: *mut c_void) {
    guard((), || {
        if let Ok(task) = TaskObject::at(task) {
            task.references.put();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_find(tid: c_int) -> *mut c_void {
    guard(ptr::null_mut(), || give_task(crate::session::task(tid).map(|task| TaskObject::of(&task))))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_tid(task: *const c_void) -> c_int {
    number(|| Ok(TaskObject::at(task)?.tid()))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_tgid(task: *const c_void) -> c_int {
    number(|| Ok(TaskObject::at(task)?.tgid()))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_is_stopped(task: *const c_void) -> c_int {
    number(|| Ok(c_int::from(TaskObject::at(task)?.task.is_stopped())))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_comm(task: *const c_void, buf: *mut c_char) -> c_int {
    const LEN: usize = 16;
    status(|| {
        let buf = bytes_mut(buf.cast(), LEN)?;
        let task = TaskObject::at(task)?;
        let name = calls::look(&task, |target| Ok(target.program()))?.ok_or(Errno::NO_SUCH)?;
        let len = name.len().min(LEN - 1);
        buf[..len].copy_from_slice(&name[..len]);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_pid(task: *mut c_void) -> *mut c_void {
    guard(ptr::null_mut(), || {
        TaskObject::at(task).map_or(ptr::null_mut(), |task| handles::address(&task.pid()))
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_pid_find(number: c_int) -> *mut c_void {
    guard(ptr::null_mut(), || {
        PidObject::find(number).map_or(ptr::null_mut(), |pid| {
            pid.references.take(Arc::clone(&pid));
            handles::address(&pid)
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_pid_get(pid: *mut c_void) {
    guard((), || {
        if let Ok(pid) = PidObject::at(pid) {
            pid.references.take(Arc::clone(&pid));
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_pid_put(pid: *mut c_void) {
    guard((), || {
        if let Ok(pid) = PidObject::at(pid) {
            pid.references.put();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_pid_number(pid: *const c_void) -> c_int {
    number(|| Ok(PidObject::at(pid)?.number))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_pid_task(pid: *mut c_void) -> *mut c_void {
    guard(ptr::null_mut(), || give_task(PidObject::at(pid).ok().and_then(|pid| pid.task())))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_memory(
    task: *mut c_void,
    address: c_ulong,
    buf: *mut c_void,
    size: usize,
    writes: c_int,
) -> isize {
    let moved = |moved: usize| isize::try_from(moved).map_err(|_| Errno::INVALID);
    guard(Errno::IO.negative() as isize, || {
        let body = || {
            let at = Addr(address);
            if writes == 0 {
                let buf = bytes_mut(buf, size)?;
                let task = TaskObject::at(task)?;
                moved(calls::look(&task, |target| target.read(at, buf))?)
            } else {
                let buf = bytes(buf, size)?;
                let task = TaskObject::at(task)?;
                moved(calls::look(&task, |target| target.write(at, buf))?)
            }
        };
        body().unwrap_or_else(|error| error.negative() as isize)
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_get_regs(task: *mut c_void, regs: *mut Regs) -> c_int {
    status(|| {
        if regs.is_null() {
            return Err(Errno::INVALID);
        }
        let task = TaskObject::at(task)?;
        write(regs, calls::look_at_regs(&task, regs::load)?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_set_regs(task: *mut c_void, regs: *const Regs) -> c_int {
    status(|| {
        let regs = read(regs)?;
        let task = TaskObject::at(task)?;
        calls::look_at_regs(&task, move |target| target.set_regset(GENERAL, &regs.to_bytes()))
    })
}

/// A whole register set.
fn regset(target: &mut dyn Target, note: c_uint) -> Result<Vec<u8>, TargetError> {
    let mut set = vec![0; LARGEST_SET];
    let len = target.regset(Regset(note), &mut set)?;
    set.truncate(len);
    Ok(set)
}

/// `None` if the range is not inside a set of this length.
fn range(len: usize, offset: usize, size: usize) -> Option<core::ops::Range<usize>> {
    let end = offset.checked_add(size).filter(|end| *end <= len)?;
    Some(offset..end)
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regset_size(task: *mut c_void, note: c_uint) -> isize {
    guard(Errno::IO.negative() as isize, || {
        let body = || {
            let set = calls::look_at_regs(&*TaskObject::at(task)?, |target| regset(target, note))?;
            isize::try_from(set.len()).map_err(|_| Errno::IO)
        };
        body().unwrap_or_else(|error| error.negative() as isize)
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regset_get(
    task: *mut c_void,
    note: c_uint,
    offset: usize,
    size: usize,
    buf: *mut c_void,
) -> c_int {
    status(|| {
        if size > LARGEST_SET {
            return Err(Errno::INVALID);
        }
        let buf = bytes_mut(buf, size)?;
        let task = TaskObject::at(task)?;
        let set = calls::look_at_regs(&task, |target| regset(target, note))?;
        let part = range(set.len(), offset, size).ok_or(Errno::INVALID)?;
        buf.copy_from_slice(&set[part]);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regset_set(
    task: *mut c_void,
    note: c_uint,
    offset: usize,
    size: usize,
    buf: *const c_void,
) -> c_int {
    status(|| {
        if size > LARGEST_SET {
            return Err(Errno::INVALID);
        }
        let buf = bytes(buf, size)?;
        let task = TaskObject::at(task)?;
        let fits = calls::look_at_regs(&task, |target| {
            let mut set = regset(target, note)?;
            let Some(part) = range(set.len(), offset, size) else { return Ok(false) };
            set[part].copy_from_slice(buf);
            target.set_regset(Regset(note), &set)?;
            Ok(true)
        })?;
        if fits { Ok(()) } else { Err(Errno::INVALID) }
    })
}

/// Which registers hold the arguments from `first` on.
fn argument_places(regs: *const Regs, first: c_uint, count: c_uint) -> Result<Vec<usize>, Errno> {
    let places = regs::arguments(arch(regs)?);
    let (first, count) = (first as usize, count as usize);
    Ok(places[range(places.len(), first, count).ok_or(Errno::INVALID)?].to_vec())
}

fn arch(regs: *const Regs) -> Result<u32, Errno> {
    match context::arch_of(regs) {
        Some(arch) if !regs.is_null() => Ok(arch),
        _ => Ok(read(regs)?.arch()),
    }
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regs_arch(regs: *const Regs) -> c_uint {
    guard(0, || arch(regs).unwrap_or(0))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regs_arguments(
    regs: *const Regs,
    first: c_uint,
    count: c_uint,
    values: *mut c_ulong,
) -> c_int {
    status(|| {
        if values.is_null() {
            return Err(Errno::INVALID);
        }
        let words = read(regs)?.0;
        let narrow = arch(regs)? == regs::ARCH_I386;
        for (position, place) in argument_places(regs, first, count)?.into_iter().enumerate() {
            // A 32-bit call takes the lower halves.
            let value = if narrow { words[place] & 0xffff_ffff } else { words[place] };
            write(values.wrapping_add(position), value);
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_regs_set_arguments(
    regs: *mut Regs,
    first: c_uint,
    count: c_uint,
    values: *const c_ulong,
) -> c_int {
    status(|| {
        if values.is_null() {
            return Err(Errno::INVALID);
        }
        let mut words = read(regs)?;
        for (position, place) in argument_places(regs, first, count)?.into_iter().enumerate() {
            words.0[place] = read(values.wrapping_add(position))?;
        }
        write(regs, words);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_signal(task: *mut c_void, signal: c_int) -> c_int {
    status(|| {
        let signal = u32::try_from(signal).ok().filter(|signal| (1..=64).contains(signal));
        let signal = signal.ok_or(Errno::INVALID)?;
        let task = TaskObject::at(task)?;
        calls::look(&task, |target| target.send_signal(signal))
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_task_syscall(
    task: *mut c_void,
    number: *mut c_long,
    args: *mut c_ulong,
    count: c_uint,
    sp: *mut c_ulong,
    pc: *mut c_ulong,
) -> c_int {
    status(|| {
        let task = TaskObject::at(task)?;
        let asleep = calls::current_syscall(&task)?;
        let wanted = asleep.args.get(..count as usize).ok_or(Errno::INVALID)?;
        write(number, asleep.number);
        if !args.is_null() {
            for (position, value) in wanted.iter().enumerate() {
                write(args.wrapping_add(position), *value);
            }
        }
        write(sp, asleep.sp);
        write(pc, asleep.pc);
        Ok(())
    })
}
