//! The historic calls, as exported.
//!
//! What each means, and its errors, stand in `include/utrace.h` and nowhere else.

use core::ffi::{c_int, c_long, c_uint, c_ulong, c_void};
use std::sync::Arc;

use super::ops::Ops;
use super::{guard, pointer, read, status, write};
use crate::calls::{self, Asked};
use crate::engine::EngineObject;
use crate::errno::Errno;
use crate::handles;
use crate::task::PidObject;

/// `struct utrace_examiner`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Examiner {
    /// Not used.
    state: c_long,
    /// The core's stamp.
    ncsw: c_ulong,
}

fn asked(flags: c_int, ops: *const c_void, data: *mut c_void) -> Asked {
    Asked { flags, ops_at: ops, ops: Ops::read(ops), data }
}

#[unsafe(no_mangle)]
extern "C" fn utrace_attach_task(
    task: *mut c_void,
    flags: c_int,
    ops: *const c_void,
    data: *mut c_void,
) -> *mut c_void {
    pointer(|| calls::attach_task(task, &asked(flags, ops, data)))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_attach_pid(
    pid: *mut c_void,
    flags: c_int,
    ops: *const c_void,
    data: *mut c_void,
) -> *mut c_void {
    pointer(|| calls::attach_pid(pid, &asked(flags, ops, data)))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_engine_get(engine: *mut c_void) {
    guard((), || {
        if let Ok(object) = EngineObject::at(engine)
            && let Ok(engine) = object.engine()
        {
            object.take_reference(engine);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_engine_put(engine: *mut c_void) {
    guard((), || {
        if let Ok(object) = EngineObject::at(engine) {
            object.put_reference();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn utrace_set_events(task: *mut c_void, engine: *mut c_void, mask: c_ulong) -> c_int {
    status(|| calls::set_events(task, engine, mask))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_set_events_sync(task: *mut c_void, engine: *mut c_void, mask: c_ulong) -> c_int {
    status(|| calls::set_events_sync(task, engine, mask))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_set_events_pid(pid: *mut c_void, engine: *mut c_void, mask: c_ulong) -> c_int {
    status(|| on_task_of(pid, engine, |task| calls::set_events(task, engine, mask)))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_control(task: *mut c_void, engine: *mut c_void, action: c_uint) -> c_int {
    status(|| calls::control(task, engine, action))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_control_pid(pid: *mut c_void, engine: *mut c_void, action: c_uint) -> c_int {
    status(|| on_task_of(pid, engine, |task| calls::control(task, engine, action)))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_detach_sync(task: *mut c_void, engine: *mut c_void) -> c_int {
    status(|| calls::detach_sync(task, engine))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_barrier(task: *mut c_void, engine: *mut c_void) -> c_int {
    status(|| calls::barrier(task, engine))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_barrier_pid(pid: *mut c_void, engine: *mut c_void) -> c_int {
    status(|| on_task_of(pid, engine, |task| calls::barrier(task, engine)))
}

/// Makes a call on the living task that a pid means. An engine that is none is told first, as in the other
/// form.
fn on_task_of(
    pid: *const c_void,
    engine: *const c_void,
    call: impl FnOnce(*const c_void) -> Result<(), Errno>,
) -> Result<(), Errno> {
    EngineObject::at(engine)?;
    let task = PidObject::at(pid)?.task().ok_or(Errno::NO_SUCH)?;
    let address = handles::address(&task);
    let done = call(address);
    drop::<Arc<_>>(task);
    done
}

#[unsafe(no_mangle)]
extern "C" fn utrace_prepare_examine(
    task: *mut c_void,
    engine: *mut c_void,
    examiner: *mut Examiner,
) -> c_int {
    status(|| {
        if examiner.is_null() {
            return Err(Errno::INVALID);
        }
        let ncsw = calls::prepare_examine(task, engine)?;
        write(examiner, Examiner { state: 1, ncsw });
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_finish_examine(
    task: *mut c_void,
    engine: *mut c_void,
    examiner: *mut Examiner,
) -> c_int {
    status(|| calls::finish_examine(task, engine, read(examiner)?.ncsw))
}
