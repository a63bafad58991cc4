//! Bringing a running tracee to a stop that its program cannot see, and what follows when it gets there.
//!
//! [`Tracer::bring_to_stop`] stands behind REPORT, STOP and the wish for system calls; INTERRUPT does not come here.
//! The traps are [`crate::quiet`]'s; how a stop is reported is `signals` and `syscalls`.

use std::time::Duration;

use utrace_core::{Action, Addr, Event, Syscall, SyscallExit, Verdict};

use super::Tracer;
use super::snare::Found;
use super::syscalls::{index_of, is_error};
use super::tracee::{Interrupt, Path, Phase, Point, Run, Tracee};
use crate::filter::{ARCH_I386, ARCH_X86_64};
use crate::notice::{Handling, Notice};
use crate::procfs::{self, State};
use crate::quiet::class::{self, Class};
use crate::quiet::place::{Call, Place, Sight};
use crate::quiet::trap::{Armed, Trap};
use crate::quiet::{Care, Telling};
use crate::stop::Stop;
use crate::sys::Errno;
use crate::sys::ptrace::Request;
use crate::sys::{perf, process};
use crate::tracee::{Carries, Stopped};

/// How often a thread is looked at that leaves whatever it is found in before a trap is set.
const LOOKS: u32 = 5;
/// How long a thread that no trap can be set for may sleep in calls with a time-out before it is interrupted there.
const PATIENCE: Duration = Duration::from_secs(1);
/// `cs` of 32-bit user code.
const CS_32: u64 = 0x23;

/// What is to be done with a running tracee that was looked at.
enum Next {
    /// It stops by itself: at the end of its call, or at the trap.
    Comes,
    /// Look again before long.
    Later,
}

impl Tracer {
    /// Makes a tracee stop before it is in user mode again, without its noticing.
    pub(super) fn bring_to_stop(&mut self, tracee: &mut Tracee) {
        self.bring_seen_to_stop(tracee, None);
    }

    /// The same for one that was looked at just now.
    pub(super) fn bring_seen_to_stop(&mut self, tracee: &mut Tracee, sight: Option<Sight>) {
        let Run::Running(request) = tracee.run else { return };
        // A child before its first stop, and a launch before its exec, come by themselves. A process that is
        // stopped is quiescent as it is.
        if tracee.phase != Phase::Living || request == Request::Listen {
            return;
        }
        // A call whose return is watched may last. Who leaves need not stay for it: it may have been awake in it just
        // now, and be asleep in it at the next look, where it can be interrupted.
        if tracee.quiet.waits_for_return() && tracee.parting.is_none() {
            return;
        }
        tracee.quiet.seek();
        if let Next::Later = self.approach(tracee, request, sight) {
            self.recheck.add(&self.shared, tracee.key);
        }
    }

    /// Those that were running, or could not be disturbed, are looked at again.
    pub(super) fn look_again(&mut self) {
        self.end_calls();
        let mut later = Vec::new();
        for key in self.recheck.take() {
            let Some(mut tracee) = self.table.take_key(key) else { continue };
            if tracee.quiet.is_looked_at_for_snare() && self.ensnare_sleeper(&mut tracee) == Found::Awake {
                later.push(key);
            }
            if let Run::Running(request) = tracee.run
                && tracee.quiet.is_sought()
                && let Next::Later = self.approach(&mut tracee, request, None)
            {
                later.push(key);
            }
            self.table.put(tracee);
        }
        self.recheck.again(&self.shared, later);
    }

    /// Looks where the tracee is and sets the trap that fits.
    fn approach(&mut self, tracee: &mut Tracee, request: Request, sight: Option<Sight>) -> Next {
        // A stop is reported at each end of a call, and after a step.
        let stops_after_call = !matches!(request, Request::Cont);
        let sight = sight.map_or_else(|| Sight::open(tracee.tid), Ok);
        let Ok(mut sight) = sight else { return self.approach_blindly(tracee) };
        for _ in 0..LOOKS {
            let place = sight.look();
            // A trap may have sprung, this one or one that was taken down since, and the stop be there that we have not
            // waited for yet: it looks like a sleep, in a call or in a fault. The trap's own count does not tell, as a
            // clock counts the time that the thread ran, not its ticks.
            let may_stand = tracee.quiet.is_set() || matches!(place, Ok(Place::Faulting));
            if may_stand && procfs::stat(tracee.tid).is_ok_and(|stat| stat.state == State::Traced) {
                return Next::Comes;
            }
            if let Ok(Place::Blocked(call)) = &place {
                tracee.time_sleep(call, &mut sight);
            }
            match place {
                Ok(Place::Blocked(call)) if tracee.parting.is_some() && self.leaves_call(tracee, &call) => {
                    return Next::Comes;
                }
                Ok(Place::Blocked(call)) if stops_after_call => {
                    self.tell(tracee, Handling::StopsByItself(call.number));
                    return Next::Comes;
                }
                Ok(Place::Blocked(call)) => match self.set_at_return(&mut sight, &call) {
                    Ok(Armed::Set(trap)) => {
                        tracee.quiet.set(trap);
                        self.tell(tracee, Handling::TrapAtReturn(call.number));
                        return Next::Comes;
                    }
                    Ok(Armed::Missed(trap)) => tracee.quiet.missed(trap),
                    Err(Errno::ESRCH) => return Next::Comes,
                    Err(errno) => return self.approach_softly(tracee, &call, errno),
                },
                // The instruction is begun again afterwards, so an interrupt is not seen (facts/quiesce.md section 1), unless
                // the fault is over before it comes and a call has begun, whose count it may cut short: so only who has to
                // go gets one.
                Ok(Place::Faulting) if tracee.parting.is_some() => {
                    self.tell(tracee, Handling::InterruptedInFault);
                    self.interrupt(tracee, Interrupt::Quiet);
                    return Next::Comes;
                }
                Ok(Place::Running | Place::Faulting) => return self.approach_running(tracee),
                Err(Errno::ESRCH | Errno::ENOENT) => return Next::Comes,
                Err(_) => return self.approach_blindly(tracee),
            }
        }
        self.approach_running(tracee)
    }

    fn set_at_return(&mut self, sight: &mut Sight, call: &Call) -> Result<Armed, Errno> {
        self.keep_perf_warm();
        match Trap::at_return(sight, call, &self.roll) {
            Err(Errno::EMFILE) if process::raise_descriptor_limit().is_ok() => {
                Trap::at_return(sight, call, &self.roll)
            }
            other => other,
        }
    }

    /// It has the processor, in user mode or not: the clock stops it where it may be stopped.
    fn approach_running(&mut self, tracee: &mut Tracee) -> Next {
        if !tracee.quiet.is_set() {
            self.keep_perf_warm();
            match Trap::at_tick(tracee.tid, &self.roll) {
                Ok(trap) => {
                    tracee.quiet.set(trap);
                    self.tell(tracee, Handling::TrapAtTick);
                }
                Err(Errno::ESRCH) => return Next::Comes,
                Err(errno) if self.shared.manners.care == Care::Strict => {
                    if tracee.quiet.wait_for_call().is_none() {
                        self.tell(tracee, Handling::Waiting(errno));
                    }
                }
                Err(_) if tracee.quiet.may_be_in_call() => {}
                Err(errno) => {
                    self.tell(tracee, Handling::InterruptedRunning(errno));
                    // Most likely in user mode, where it does no harm.
                    self.interrupt(tracee, Interrupt::Quiet);
                    return Next::Comes;
                }
            }
        }
        Next::Later
    }

    /// Nothing shows where it is: the clock is safe anywhere, only late.
    fn approach_blindly(&mut self, tracee: &mut Tracee) -> Next {
        if !tracee.quiet.is_set() {
            return self.approach_running(tracee);
        }
        Next::Comes
    }

    /// No trap can be set at the return of its call: interrupted only if nobody will notice.
    fn approach_softly(&mut self, tracee: &mut Tracee, call: &Call, errno: Errno) -> Next {
        let harmless = match class::of(call) {
            _ if self.shared.manners.care == Care::Strict => false,
            Class::Restarts | Class::Mendable => true,
            Class::Timed => tracee.quiet.waited() > PATIENCE,
            Class::Delicate => false,
        };
        if harmless {
            self.tell(tracee, Handling::InterruptedInCall(call.number, errno));
            self.interrupt(tracee, Interrupt::Quiet);
            return Next::Comes;
        }
        if tracee.quiet.wait_for_call().is_none() {
            self.tell(tracee, Handling::Waiting(errno));
        }
        Next::Later
    }

    pub(super) fn tell(&self, tracee: &Tracee, how: Handling) {
        if self.shared.manners.telling == Telling::All {
            self.shared.notify(Notice::Handled { tid: tracee.tid, how });
        }
    }

    pub(super) fn keep_perf_warm(&mut self) {
        if self.dummy.is_none() {
            // Without it, each first trap takes a while.
            self.dummy = perf::Event::dummy(self.bell).ok();
        }
    }

    /// A stop of a tracee that a trap was set for: perhaps the trap's own.
    #[cold]
    pub(super) fn at_stop_of_trap(&mut self, mut tracee: Box<Tracee>, stopped: Stopped, stop: Stop) {
        let call = tracee.quiet.found();
        let Stop::Signal(signal) = stop else { return self.at_stop(tracee, stopped, stop) };
        let of_snare = tracee.quiet.snare().is_some_and(|snare| snare.is_carried_by(signal));
        if !(of_snare || tracee.quiet.echo() == Some(signal)) || !stopped.is_from_trap() {
            return self.at_stop(tracee, stopped, stop);
        }
        if tracee.quiet.echo() == Some(signal) {
            tracee.quiet.heard();
        } else if let Some(snare) = tracee.quiet.snare() {
            snare.heard();
        }
        let mut stopped = stopped.that(Carries::Delivers);
        match self.spring(&mut tracee, &mut stopped) {
            Ok(true) => self.at_trap(tracee, stopped, None),
            Ok(false) => self.at_trap(tracee, stopped, call),
            Err(gone) => self.lost(tracee, gone),
        }
    }

    /// The trap sprang: the signal goes no further, and if it was the return of a call, that is an exit to report.
    fn at_trap(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, call: Option<Call>) {
        tracee.call = None;
        // A tick that was late found it in a call that it had just begun.
        if let Err(gone) = self.mend(&mut tracee, &mut stopped) {
            return self.lost(tracee, gone);
        }
        let mut verdict = Verdict::Go(Action::Resume);
        if let Some(call) = call
            && tracee.task.asked_for(Event::SyscallExit)
            && let Ok(regs) = stopped.regs()
            && regs.rip == call.pc
        {
            let (value, native) = (regs.rax.cast_signed(), regs.cs != CS_32);
            let call = described(&call, native);
            if tracee.task.wants_syscall(call.index) {
                let mut exit = SyscallExit::new(Some(call), call.index, value, is_error(value));
                verdict = self.report(&mut tracee, &mut stopped, |reporter, target| {
                    reporter.syscall_exit(target, &mut exit)
                });
                if exit.changed()
                    && let Err(gone) = stopped.change_regs(|regs| regs.rax = exit.value().cast_unsigned())
                {
                    self.note(tracee.tid, gone);
                }
            }
        }
        self.conclude(tracee, stopped, Point::User(0, Path::Plain), verdict);
    }
}

/// A call as engines know it.
fn described(call: &Call, native: bool) -> Syscall {
    let arch = if native { ARCH_X86_64 } else { ARCH_I386 };
    let index = if native { call.number } else { index_of(arch, call.number) };
    Syscall { number: call.number, index, args: call.args, arch, ip: Addr(call.pc), sp: Addr(call.sp) }
}
