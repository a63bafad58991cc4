//! Exec, exit, death and reaping in the modelled kernel.

use super::runner::{After, Frame, Leave, Runner};
use super::state::{Kernel, Place, Point};
use crate::gate::lock;
use crate::script::{Script, signals};
use utrace_core::{DeathReport, Event, ExecReport, ExitReport, Reaper, TaskId, Verdict};

impl Runner {
    /// A successful exec: the siblings die, a leader that is not us gives us its id and is reaped here.
    pub(crate) fn exec(&mut self, script: Script) -> Result<i64, Leave> {
        let former = self.task.id();
        self.be_alone()?;
        let process = self.process;
        self.kernel.change(|state| {
            let process = &mut state.processes[process];
            process.handling.clear();
            process.lends_memory = false;
        });
        self.frames = vec![Frame { steps: script.into(), handler: None }];
        if self.task.wants(Event::Exec) {
            let mut report = ExecReport { former };
            match self.reporter.exec(&mut self.target, &mut report) {
                Verdict::Go(action) => self.note(action),
                Verdict::Park => {
                    if let After::Go(action) = self.parked()? {
                        self.note(action);
                    }
                }
            }
        }
        Ok(0)
    }

    fn be_alone(&mut self) -> Result<(), Leave> {
        let (me, process) = (self.index, self.process);
        let leader = self.kernel.change(|state| {
            state.kill(process, signals::SIGKILL, Some(me));
            state.processes[process].leader
        });
        // Other threads are waited for until they are released, the leader only until its exit state is set: its
        // death callbacks may still run (INV-36).
        let killed = self.nap(Place::Running, |state| {
            let alone = state.threads.iter().enumerate().all(|(other, thread)| {
                thread.process != process
                    || other == me
                    || thread.place == Place::Gone
                    || (other == leader && !thread.is_alive())
            });
            let killed = state.threads[me].killed;
            (alone || killed.is_some()).then_some(killed)
        });
        if let Some(status) = killed {
            return Err(Leave(status));
        }
        if leader != me {
            let (tid, reaper) = self.kernel.change(|state| {
                let tid = state.threads[leader].tid;
                state.threads[leader].tid = core::mem::replace(&mut state.threads[me].tid, tid);
                state.processes[process].leader = me;
                (tid, state.threads[leader].reaper.take())
            });
            self.reporter.set_id(TaskId(tid));
            release(&self.kernel, leader, reaper);
        }
        Ok(())
    }

    pub(crate) fn die(mut self, status: u32) {
        let mut exit = ExitReport::new(status);
        if self.task.wants(Event::Exit)
            && let Verdict::Park = self.reporter.exit(&mut self.target, &mut exit)
        {
            // Killed while held: it goes on dying all the same.
            let _ = self.parked();
        }
        let (index, process, code) = (self.index, self.process, exit.code());
        self.kernel.change(|state| state.processes[process].lends_memory = false);
        self.reporter.dead();
        lock(&self.machine).gone = true;
        let (group_dead, self_reaping) = self.kernel.change(|state| {
            let thread = &mut state.threads[index];
            thread.place = Place::Dead;
            thread.status = Some(code);
            let group_dead = state.live_of(process) == 0;
            let leader = state.processes[process].leader == index;
            (group_dead, !leader || (group_dead && state.processes[process].unwaited))
        });
        self.point(Point::Dead0);
        let signal = (!self_reaping).then_some(signals::SIGCHLD);
        let mut death = DeathReport { group_dead, signal, code };
        self.reporter.death(&mut self.target, &mut death);
        let reapers = self.kernel.change(|state| {
            let thread = &mut state.threads[index];
            if thread.place == Place::Dead {
                thread.place = Place::Zombie;
            }
            let mut reapers = Vec::new();
            if self_reaping {
                reapers.push((index, thread.reaper.take()));
            }
            let leader = state.processes[process].leader;
            if group_dead && leader != index && state.processes[process].unwaited {
                reapers.push((leader, state.threads[leader].reaper.take()));
            }
            reapers
        });
        for (index, reaper) in reapers {
            release(&self.kernel, index, reaper);
        }
    }
}

/// Releases a dead thread, in the caller's context.
pub(crate) fn release(kernel: &Kernel, index: usize, reaper: Option<Reaper>) {
    if let Some(mut reaper) = reaper {
        reaper.reap();
        kernel.change(|state| state.threads[index].place = Place::Gone);
    }
}
