//! Hosts and processes, as exported.
//!
//! What each means, and its errors, stand in `include/utrace.h` and nowhere else.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::sync::Arc;

use utrace_core::Task;
use utrace_host::{AfterTracer, Command, Host};

use super::context::{self, Frame};
use super::{guard, number, pointer, status, strings, write};
use crate::errno::Errno;
use crate::handles;
use crate::session::{HostObject, ProcessObject};
use crate::task::TaskObject;

/// `UTRACE_LAUNCH_KEEP`.
const KEEP: c_int = 0x0001;

type NoticeFn = extern "C" fn(*const c_char, *mut c_void);
type TaskFn = extern "C" fn(*mut c_void, *mut c_void);

/// A function of C's that is shown tasks, with its own word.
struct Shown {
    function: Option<TaskFn>,
    data: AtomicPtr<c_void>,
}

impl Shown {
    fn new(function: Option<TaskFn>, data: *mut c_void) -> Shown {
        Shown { function, data: AtomicPtr::new(data) }
    }

    fn show(&self, task: &Task) {
        if let Some(function) = self.function {
            let task = TaskObject::of(task);
            let data = self.data.load(Ordering::Relaxed);
            context::enter(Frame::bare(), None, || function(handles::address(&task), data));
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn utrace_host_start(notice: Option<NoticeFn>, data: *mut c_void) -> *mut c_void {
    pointer(|| {
        let mut builder = Host::builder();
        if let Some(notice) = notice {
            let data = AtomicPtr::new(data);
            builder = builder.notices(move |what| {
                let message = CString::new(what.to_string()).unwrap_or_default();
                let data = data.load(Ordering::Relaxed);
                context::enter(Frame::bare(), None, || notice(message.as_ptr(), data));
            });
        }
        HostObject::start(builder)
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_host_stop(host: *mut c_void) -> c_int {
    status(|| HostObject::at(host)?.stop())
}

#[unsafe(no_mangle)]
extern "C" fn utrace_host_wait_idle(host: *mut c_void) -> c_int {
    status(|| HostObject::at(host)?.wait_idle())
}

#[unsafe(no_mangle)]
extern "C" fn utrace_host_for_each_task(
    host: *mut c_void,
    function: Option<TaskFn>,
    data: *mut c_void,
) -> c_int {
    number(|| {
        let shown = Shown::new(Some(function.ok_or(Errno::INVALID)?), data);
        let tasks = HostObject::at(host)?.tasks();
        tasks.iter().for_each(|task| shown.show(task));
        c_int::try_from(tasks.len()).map_err(|_| Errno::INVALID)
    })
}

/// The process, with a reference that is C's.
fn give(process: Arc<ProcessObject>) -> Arc<ProcessObject> {
    process.references.take(Arc::clone(&process));
    process
}

#[unsafe(no_mangle)]
extern "C" fn utrace_launch(
    host: *mut c_void,
    argv: *const *const c_char,
    envp: *const *const c_char,
    flags: c_int,
    adopt: Option<TaskFn>,
    data: *mut c_void,
) -> *mut c_void {
    pointer(|| {
        let host = HostObject::at(host)?;
        let argv = strings(argv)?;
        let (program, args) = argv.split_first().ok_or(Errno::INVALID)?;
        if flags & !KEEP != 0 {
            return Err(Errno::INVALID);
        }
        let mut command = Command::new(OsStr::from_bytes(program));
        command = command.args(args.iter().map(|arg| OsStr::from_bytes(arg)));
        if !envp.is_null() {
            command = with_environment(command, strings(envp)?);
        }
        if flags & KEEP != 0 {
            command = command.after_tracer(AfterTracer::LivesOn);
        }
        let shown = Shown::new(adopt, data);
        host.launch(&command, move |task| shown.show(task)).map(give)
    })
}

/// The command with exactly this environment. An entry without `=` names nothing and is left out.
fn with_environment(mut command: Command, entries: Vec<Vec<u8>>) -> Command {
    for (key, _) in env::vars_os() {
        command = command.env_remove(key);
    }
    for entry in entries {
        // A name may begin with `=` and have another only later, as std::env has it.
        if let Some(at) = entry.iter().skip(1).position(|byte| *byte == b'=') {
            let value = OsString::from_vec(entry[at + 2..].to_vec());
            command = command.env(OsStr::from_bytes(&entry[..=at]), value);
        }
    }
    command
}

#[unsafe(no_mangle)]
extern "C" fn utrace_attach_process(
    host: *mut c_void,
    pid: c_int,
    adopt: Option<TaskFn>,
    data: *mut c_void,
) -> *mut c_void {
    pointer(|| {
        let shown = Shown::new(adopt, data);
        HostObject::at(host)?.attach(pid, move |task| shown.show(task)).map(give)
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_detach_process(process: *mut c_void) -> c_int {
    status(|| ProcessObject::at(process)?.detach())
}

#[unsafe(no_mangle)]
extern "C" fn utrace_process_id(process: *const c_void) -> c_int {
    number(|| Ok(ProcessObject::at(process)?.pid()))
}

#[unsafe(no_mangle)]
extern "C" fn utrace_process_task(process: *const c_void) -> *mut c_void {
    guard(ptr::null_mut(), || {
        let process = ProcessObject::at(process).ok();
        process.and_then(|process| process.task.as_ref().map(handles::address)).unwrap_or(ptr::null_mut())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_process_wait(process: *mut c_void, ended: *mut c_int) -> c_int {
    status(|| {
        write(ended, ProcessObject::at(process)?.wait()?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_process_ended(process: *mut c_void, ended: *mut c_int) -> c_int {
    status(|| {
        write(ended, ProcessObject::at(process)?.ended()?);
        Ok(())
    })
}

#[unsafe(no_mangle)]
extern "C" fn utrace_process_put(process: *mut c_void) {
    guard((), || {
        if let Ok(process) = ProcessObject::at(process) {
            process.references.put();
        }
    });
}
