//! The random engine.
//!
//! Key type: [`Chaos`]. What it does in a callback follows from its own seed and the crew's rules, and is written down
//! by the crew. The calls that it makes, and all that is known of engines, are in the module above.

use super::super::note::{By, Called, Note};
use super::super::random::Random;
use super::{Crew, Watch};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, Event, ExecReport, ExitReport, JctlReport, SignalAction,
    SignalKind, SignalReport, SyscallEntry, SyscallExit, Task,
};

/// What a thread is doing, to tell where engines are dropped.
#[derive(Clone, Copy)]
enum Doing {
    Callback,
    Reap,
    Controlling,
    Else,
}

thread_local! {
    static DOING: Cell<Doing> = const { Cell::new(Doing::Else) };
}

/// Says that the calling thread is a controller.
pub fn become_controller() {
    DOING.set(Doing::Controlling);
}

/// A random engine.
pub(super) struct Chaos {
    crew: Arc<Crew>,
    watch: Arc<Watch>,
    random: Random,
}

impl Chaos {
    pub(super) fn new(crew: Arc<Crew>, watch: Arc<Watch>, random: Random) -> Chaos {
        Chaos { crew, watch, random }
    }

    /// What every callback does: notes, perhaps some meddling, and an answer.
    fn called(&mut self, task: &Task, called: Called) -> Action {
        let before =
            DOING.replace(if called == Called::Event(Event::Reap) { Doing::Reap } else { Doing::Callback });
        self.crew.note(&self.watch, Note::Enter(called));
        self.crew.journal.count_callback(called);
        let mut draw = self.random.fork();
        let mut action = Action::Resume;
        if !self.crew.is_calm() {
            if draw.one_in(6) {
                self.meddle(task, &mut draw);
            }
            if draw.one_in(8) {
                std::thread::yield_now();
            }
            action = self.answer(&mut draw);
        }
        self.crew.note(&self.watch, Note::Leave(action));
        DOING.set(before);
        action
    }

    fn answer(&self, draw: &mut Random) -> Action {
        match draw.below(60) {
            0..3 => Action::Stop,
            3 if self.crew.rules.freedom.interrupts => Action::Interrupt,
            4..6 => Action::Report,
            6 if self.crew.rules.freedom.steps => Action::SingleStep,
            7 if self.crew.rules.freedom.steps => Action::BlockStep,
            8 => Action::Detach,
            _ => Action::Resume,
        }
    }

    /// What a callback may do besides: anything that does not wait.
    fn meddle(&self, task: &Task, draw: &mut Random) {
        let crew = &self.crew;
        match draw.below(8) {
            0 => crew.attach(task, draw),
            1 => {
                let other = crew.watch(usize::try_from(draw.below(crew.numbers() as u64)).unwrap_or(0));
                if let Some((other, _)) = other {
                    crew.attach(&other, draw);
                }
            }
            2 => drop(crew.take_kept(draw.next())),
            3..6 => self.poke(self.watch.id, task, draw),
            _ => {
                let id = usize::try_from(draw.below(crew.numbers() as u64)).unwrap_or(0);
                self.poke(id, task, draw);
            }
        }
    }

    /// A call on an engine, its own or another.
    fn poke(&self, id: usize, task: &Task, draw: &mut Random) {
        let crew = &self.crew;
        let Some((engine, watch)) = crew.look_up(id) else { return };
        let by = if engine.task() == task { By::Task } else { By::Other };
        // Who checks a hold must not have it ended.
        let Ok(_lease) = watch.lease.try_read() else { return };
        match draw.below(12) {
            0..4 => {
                crew.set_events(&engine, &watch, by, crew.some_interest(draw));
            }
            4 if by == By::Task => {
                crew.barrier(&engine, &watch, by);
            }
            5 if by == By::Task => {
                crew.detach_sync(&engine, &watch, by);
            }
            6 => {
                crew.control(&engine, &watch, by, Action::Detach);
            }
            7 => {
                crew.control(&engine, &watch, by, Action::Stop);
            }
            8 => {
                crew.control(&engine, &watch, by, Action::Report);
            }
            9 if crew.rules.freedom.steps => {
                crew.control(&engine, &watch, by, Action::SingleStep);
            }
            10 if crew.rules.freedom.interrupts => {
                crew.control(&engine, &watch, by, Action::Interrupt);
            }
            _ => {
                crew.control(&engine, &watch, by, Action::Resume);
            }
        }
    }
}

impl Engine for Chaos {
    fn name(&self) -> &str {
        "chaos"
    }

    fn quiesce(&mut self, cx: &mut Cx<'_>, event: Option<Event>) -> Action {
        self.called(cx.task(), Called::Quiesce(event))
    }

    fn syscall_entry(&mut self, cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        let index = entry.call().index;
        if index == self.crew.rules.toy_call {
            match self.random.below(6) {
                0 => entry.abort(),
                1 => entry.run(),
                2 => entry.set_arg(0, 1),
                _ => {}
            }
        }
        self.called(cx.task(), Called::Syscall(Event::SyscallEntry, index))
    }

    fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        let index = exit.index();
        if index == self.crew.rules.toy_call && self.random.one_in(4) {
            exit.set_value(-1, true);
        }
        self.called(cx.task(), Called::Syscall(Event::SyscallExit, index))
    }

    fn signal(&mut self, cx: &mut Cx<'_>, signal: &mut SignalReport) -> Action {
        let number = signal.info.number;
        let called = match signal.kind {
            SignalKind::Taken(event) => Called::Signal(Some((event, number))),
            SignalKind::Report | SignalKind::Handler => Called::Signal(None),
        };
        if number == self.crew.rules.toy_signal && matches!(signal.kind, SignalKind::Taken(_)) {
            match self.random.below(8) {
                0 => signal.action = SignalAction::Ignore,
                1 => signal.action = SignalAction::Deliver,
                2 if self.crew.rules.freedom.kills => signal.action = SignalAction::Terminate,
                _ => {}
            }
        }
        self.called(cx.task(), called)
    }

    fn clone(&mut self, cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        for _ in 0..self.random.below(3) {
            self.crew.attach(&clone.child, &mut self.random);
        }
        self.called(cx.task(), Called::Event(Event::Clone))
    }

    fn exec(&mut self, cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        self.called(cx.task(), Called::Event(Event::Exec))
    }

    fn exit(&mut self, cx: &mut Cx<'_>, _exit: &mut ExitReport) -> Action {
        self.called(cx.task(), Called::Event(Event::Exit))
    }

    fn jctl(&mut self, cx: &mut Cx<'_>, _jctl: &mut JctlReport) -> Action {
        self.called(cx.task(), Called::Event(Event::Jctl))
    }

    fn death(&mut self, cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        self.called(cx.task(), Called::Event(Event::Death))
    }

    fn reap(&mut self, task: &Task) {
        let _ = self.called(task, Called::Event(Event::Reap));
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        // With a lock of the task held this would wait for itself, and the watchdog would say so (INV-29).
        if let Some((task, _)) = self.crew.watch(self.watch.id) {
            let _ = task.is_stopped();
        }
        self.crew.note(&self.watch, Note::Dropped);
        let whereabouts = match DOING.get() {
            Doing::Callback => "in a callback of another engine",
            Doing::Reap => "in a reap callback of another engine",
            Doing::Controlling => "by a controller",
            Doing::Else => "by its host or at the end",
        };
        self.crew.journal.count("dropped", whereabouts);
        self.crew.dropped.fetch_add(1, Ordering::SeqCst);
    }
}
