//! Running a report through the core, with panics of engines caught.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use utrace_core::{Action, Reporter, Target, Task, TaskId, Verdict};

use super::Tracer;
use super::hook::{Hook, Sign};
use super::signals::Signals;
use super::tracee::{FilterStop, Group, GroupStop, Interrupt, Phase, Release, Run, Tracee};
use super::unheard::Rerun;
use super::view::View;
use crate::notice::Notice;
use crate::platform;
use crate::quiet::Quiet;
use crate::sys::ptrace::Request;
use crate::tracee::Stopped;
use crate::types::Tid;

/// Who panicked in a report.
enum Culprit {
    /// An engine, which the core has detached as it unwound.
    Engine,
    /// Nobody that can be named: reporting again would do it again.
    Unknown,
}

impl Tracer {
    /// Has a stop reported. A callback that panics has its engine detached (by the core, as it unwinds) and named;
    /// the tracee goes on.
    #[inline]
    pub(super) fn report(
        &self,
        tracee: &mut Tracee,
        stopped: &mut Stopped,
        mut make: impl FnMut(&mut Reporter, &mut dyn Target) -> Verdict,
    ) -> Verdict {
        let mut view = View { stopped, pid: tracee.group.pid, usage: &self.usage, sign: &tracee.sign };
        let reporter = &mut tracee.reporter;
        loop {
            match self.attempt(tracee.tid, || make(reporter, &mut view)) {
                Ok(verdict) => return verdict,
                // The same report goes on behind the engine that is gone: each round takes one.
                Err(Culprit::Engine) => {}
                Err(Culprit::Unknown) => return Verdict::Go(Action::Resume),
            }
        }
    }

    /// Runs something that makes callbacks; `None` if one panicked.
    #[inline]
    pub(super) fn guarded<T>(&self, tid: Tid, callbacks: impl FnOnce() -> T) -> Option<T> {
        self.attempt(tid, callbacks).ok()
    }

    #[inline]
    fn attempt<T>(&self, tid: Tid, callbacks: impl FnOnce() -> T) -> Result<T, Culprit> {
        self.shared.begin_report(tid);
        let result = catch_unwind(AssertUnwindSafe(callbacks));
        self.shared.end_report();
        result.map_err(|payload| self.tell_panic(tid, payload.as_ref()))
    }

    #[cold]
    fn tell_panic(&self, tid: Tid, payload: &(dyn Any + Send)) -> Culprit {
        let unwound = self.shared.take_unwound();
        let culprit = if unwound.is_some() { Culprit::Engine } else { Culprit::Unknown };
        self.shared.notify(Notice::panicked(unwound, tid, payload));
        culprit
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
        let sign = Arc::new(Sign::new(tid));
        let hook = Box::new(Hook::new(Arc::clone(&self.shared), key, Arc::clone(&sign)));
        let (task, reporter, reaper) = Task::new(task_id(tid), task_id(group.pid), hook, platform::linux());
        self.shared.add_task(tid, task.clone());
        Box::new(Tracee {
            key,
            tid,
            sign,
            group,
            task,
            reporter,
            reaper: Some(reaper),
            run,
            phase,
            call: None,
            aborted: false,
            restore: None,
            filter_stop: FilterStop::Past,
            told: None,
            rerun: Rerun::No,
            interrupt: Interrupt::None,
            group_stop: GroupStop::None,
            group_regs: super::view::Kept::default(),
            resumed: Request::Cont,
            quiet: Quiet::default(),
            timed: None,
            ended_by_stop: false,
            report_due: false,
            release: Release::ByParent,
            parting: None,
            stepping: None,
            step: None,
            signals: Signals::new(),
        })
    }
}

pub(super) const fn task_id(tid: Tid) -> TaskId {
    TaskId(tid.raw().unsigned_abs())
}
