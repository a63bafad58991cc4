//! What the calling thread is in: the callback whose task is `utrace_current()`, and its registers and memory.
//!
//! Key type: [`Frame`]. A stack of them is kept for each thread, since a callback may make a call that makes
//! another (a last put calls `release`). Who enters a frame leaves it, whatever happens.

use core::cell::RefCell;
use core::mem::transmute;
use core::ptr::NonNull;
use std::sync::Arc;

use utrace_core::Target;

use crate::regs::Regs;
use crate::task::TaskObject;

/// What a callback is about.
enum About {
    /// A report of this task.
    Report(Arc<TaskObject>),
    /// The reap of this task, which is not the caller.
    Reap(Arc<TaskObject>),
    /// No task.
    Nothing,
}

/// One callback that is being made.
pub(crate) struct Frame {
    about: About,
    /// The task's face, while it is not in use.
    target: Option<NonNull<dyn Target>>,
    /// The address of the registers that the callback was given, and whose system calls they are of.
    regs: usize,
    arch: u32,
}

impl Frame {
    /// A report of `task`, in which C is given `regs`.
    pub(crate) fn report(task: Arc<TaskObject>, regs: Option<&Regs>, arch: u32) -> Frame {
        let regs = regs.map_or(0, |regs| core::ptr::from_ref(regs).addr());
        Frame { about: About::Report(task), target: None, regs, arch }
    }

    /// The reap of `task`.
    pub(crate) fn reap(task: Arc<TaskObject>) -> Frame {
        Frame { about: About::Reap(task), ..Frame::bare() }
    }

    /// Some other call into C, on whatever thread.
    pub(crate) fn bare() -> Frame {
        Frame { about: About::Nothing, target: None, regs: 0, arch: 0 }
    }
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Leaves the frame, also if a panic does.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        let frame = FRAMES.with_borrow_mut(Vec::pop);
        // Its task may go here, and with it whatever: not while the stack is borrowed.
        drop(frame);
    }
}

/// Runs a callback in a frame.
pub(crate) fn enter<T>(mut frame: Frame, target: Option<&mut dyn Target>, callback: impl FnOnce() -> T) -> T {
    frame.target = target.map(|target| {
        let target: NonNull<dyn Target + '_> = NonNull::from(target);
        // SAFETY: only the lifetime changes. `Leave` takes the frame, and with it this pointer, away before
        // `enter` returns, so it is not used after the borrow that it was made of.
        unsafe { transmute::<NonNull<dyn Target + '_>, NonNull<dyn Target + 'static>>(target) }
    });
    FRAMES.with_borrow_mut(|frames| frames.push(frame));
    let _leave = Leave;
    callback()
}

fn top<T>(look: impl FnOnce(&Frame) -> T) -> Option<T> {
    FRAMES.with_borrow(|frames| frames.last().map(look))
}

/// Whether the thread is in a callback of any kind.
pub(crate) fn in_callback() -> bool {
    top(|_| ()).is_some()
}

/// The task that reports.
pub(crate) fn current() -> Option<Arc<TaskObject>> {
    top(|frame| match &frame.about {
        About::Report(task) => Some(Arc::clone(task)),
        _ => None,
    })
    .flatten()
}

/// Whether the thread is in a report of this task.
pub(crate) fn is_current(task: &TaskObject) -> bool {
    top(|frame| matches!(&frame.about, About::Report(current) if core::ptr::eq(Arc::as_ptr(current), task)))
        .unwrap_or(false)
}

/// Whether the thread is in the reap of this task.
pub(crate) fn is_reaping(task: &TaskObject) -> bool {
    top(|frame| matches!(&frame.about, About::Reap(reaped) if core::ptr::eq(Arc::as_ptr(reaped), task)))
        .unwrap_or(false)
}

/// Which table the system call in these registers is of, if they are the ones of the callback.
pub(crate) fn arch_of(regs: *const Regs) -> Option<u32> {
    top(|frame| (frame.regs == regs.addr()).then_some(frame.arch)).flatten()
}

/// Looks at a task in its own report; `None` if the thread is in none.
pub(crate) fn with_target<T>(task: &TaskObject, look: impl FnOnce(&mut dyn Target) -> T) -> Option<T> {
    if !is_current(task) {
        return None;
    }
    let mut target =
        FRAMES.with_borrow_mut(|frames| frames.last_mut().and_then(|frame| frame.target.take()))?;
    // SAFETY: 1. It was made of a `&mut` that `enter` still borrows: its frame is the top one. 2. It was taken
    // out of the frame, so no second `&mut` is made of it meanwhile.
    let found = look(unsafe { target.as_mut() });
    FRAMES.with_borrow_mut(|frames| {
        if let Some(frame) = frames.last_mut() {
            frame.target = Some(target);
        }
    });
    Some(found)
}
