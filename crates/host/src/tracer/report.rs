//! Running a report through the core, with panics of engines caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

use utrace_core::{Action, Reporter, Target, Task, TaskId, Verdict};

use super::Tracer;
use super::hook::Hook;
use super::tracee::{Group, Interrupt, Phase, Run, Tracee};
use super::view::View;
use crate::notice::Notice;
use crate::platform;
use crate::tracee::Stopped;
use crate::types::Tid;

impl Tracer {
    /// Has a stop reported. A callback that panics has its engine detached (by the core, as it unwinds) and named;
    /// the tracee goes on.
    #[inline]
    pub(super) fn report(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        make: impl FnOnce(&mut Reporter, &mut dyn Target) -> Verdict,
    ) -> Verdict {
        let mut view = View { stopped, pid: tracee.group.pid, usage: &self.usage };
        let reporter = &mut tracee.reporter;
        self.guarded(tracee.tid, || make(reporter, &mut view)).unwrap_or(Verdict::Go(Action::Resume))
    }

    /// Runs something that makes callbacks.
    #[inline]
    pub(super) fn guarded<T>(&self, tid: Tid, callbacks: impl FnOnce() -> T) -> Option<T> {
        self.shared.begin_report(tid);
        let result = catch_unwind(AssertUnwindSafe(callbacks));
        self.shared.end_report();
        match result {
            Ok(result) => Some(result),
            Err(payload) => {
                self.tell_panic(tid, payload.as_ref());
                None
            }
        }
    }

    #[cold]
    fn tell_panic(&self, tid: Tid, payload: &(dyn Any + Send)) {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        let engine = self.shared.take_unwound().unwrap_or_else(|| String::from("(unknown)"));
        self.shared.notify(Notice::EnginePanicked { engine, tid, message });
    }

    /// A task for a thread that is now ours, and the tracee that goes with it, in the table.
    pub(super) fn new_tracee(
        &mut self,
        tid: Tid,
        group: std::rc::Rc<Group>,
        phase: Phase,
        run: Run,
    ) -> Box<Tracee> {
        let key = self.table.reserve();
        let hook_tid = Arc::new(AtomicI32::new(tid.raw()));
        let hook = Box::new(Hook::new(Arc::clone(&self.shared), key, Arc::clone(&hook_tid)));
        let (task, reporter, reaper) = Task::new(task_id(tid), task_id(group.pid), hook, platform::linux());
        self.shared.add_task(tid, task.clone());
        Box::new(Tracee {
            key,
            tid,
            hook_tid,
            group,
            task,
            reporter,
            reaper: Some(reaper),
            run,
            phase,
            call: None,
            aborted: false,
            seccomp_follows: false,
            interrupt: Interrupt::None,
            group_stop: None,
            stepping: false,
            report_due: false,
        })
    }
}

pub(super) const fn task_id(tid: Tid) -> TaskId {
    TaskId(tid.raw().unsigned_abs())
}
