//! System-call stops: entry, exit, and the filter's.

use std::sync::OnceLock;

use utrace_abi::table::{self, Abi, LIMIT};
use utrace_core::{Action, Addr, Event, Filtered, Syscall, SyscallEntry, SyscallExit, SyscallSet, Verdict};

use super::Tracer;
use super::tracee::{FilterStop, Interrupt, Path, Phase, Point, Run, Tracee};
use super::untraced;
use crate::filter::{ARCH_I386, ARCH_X86_64, MARK};
use crate::stop::Stop;
use crate::sys::errno::{ERESTARTNOHAND, ERESTARTSYS};
use crate::sys::ptrace::{RawRegs, Request, SyscallAt, SyscallInfo};
use crate::tracee::{Gone, Stopped};

/// `-EINTR` as a raw result.
const INTERRUPTED: i64 = -(libc::EINTR as i64);
/// What [`crate::quiesce::hide_interruption`] makes of it.
const RESTARTS: i64 = ERESTARTNOHAND;

/// Whether the entry of a call was reported before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Showing {
    First,
    /// It was, and the task held there. What engines said of the call then holds, also if none of them looks any more.
    Again,
}

impl Tracer {
    #[inline]
    pub(super) fn at_syscall(&mut self, mut tracee: Box<Tracee>, stopped: Stopped, stop: Stop) {
        let info = match stopped.syscall_info() {
            Ok(info) => info,
            Err(gone) => return self.lost(tracee, gone),
        };
        let before = core::mem::replace(&mut tracee.filter_stop, FilterStop::Past);
        match info.at {
            SyscallAt::Entry(..) if self.is_again(&mut tracee) => self.go_again(tracee, stopped),
            SyscallAt::Seccomp(nr, args, told) if told != MARK && tracee.phase == Phase::Living => {
                let call = call_of(&info, nr, args);
                tracee.told = Some(told);
                if tracee.has_shown(before, &call) {
                    tracee.call = tracee.call.or(Some(call));
                    self.conclude(tracee, stopped, Point::Entry, Verdict::Go(Action::Resume));
                } else {
                    self.at_entry(tracee, stopped, call, Showing::First);
                }
            }
            // The filter reports what the system-call stop reported already.
            SyscallAt::Seccomp(nr, args, _)
                if stop == Stop::Seccomp && before.is_repeated_by(nr, args, info.ip) =>
            {
                self.conclude(tracee, stopped, Point::Entry, Verdict::Go(Action::Resume));
            }
            SyscallAt::Entry(nr, args) | SyscallAt::Seccomp(nr, args, _) => {
                let call = call_of(&info, nr, args);
                if stop == Stop::Syscall {
                    tracee.filter_stop = tracee.filter_stop_at(&call);
                }
                self.at_entry(tracee, stopped, call, Showing::First);
            }
            SyscallAt::Exit(value) => self.at_exit_of_call(tracee, stopped, value),
            SyscallAt::Elsewhere => self.go_mid(tracee, stopped),
        }
    }

    /// The tracee was killed, or would not tell: its next news decides.
    #[cold]
    pub(super) fn lost(&mut self, mut tracee: Box<Tracee>, gone: Gone) {
        self.note(tracee.tid, gone);
        if gone == Gone::Died {
            tracee.run = Run::Running(Request::Cont);
            return self.table.put(tracee);
        }
        self.resume_unknown(tracee);
    }

    #[inline]
    fn at_entry(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, call: Syscall, showing: Showing) {
        if tracee.phase != Phase::Living && !self.reveals(&mut tracee, &call) {
            return self.conclude(tracee, stopped, Point::Mid, Verdict::Go(Action::Resume));
        }
        if let Some(restore) = tracee.restore.take()
            && let Err(gone) = untraced::put_back(restore, &mut stopped, &call)
        {
            // Another stop before the same call: engines see it as the program made it.
            self.note(tracee.tid, gone);
        }
        tracee.call = Some(call);
        tracee.time_call(&call);
        tracee.ended_by_stop = false;
        let mut verdict = Verdict::Go(Action::Resume);
        let wanted = tracee.task.asked_for(Event::SyscallEntry) && tracee.task.wants_syscall(call.index);
        if wanted || showing == Showing::Again {
            let mut entry = SyscallEntry::new(call);
            verdict = self.report(&mut tracee, &mut stopped, |reporter, target| {
                reporter.syscall_entry(target, &mut entry)
            });
            if (entry.changed() || entry.is_aborted())
                && let Err(gone) = apply(&mut tracee, &mut stopped, &entry)
            {
                self.note(tracee.tid, gone);
            }
        }
        self.hurry(&mut tracee);
        self.conclude(tracee, stopped, Point::Entry, verdict);
    }

    /// A filter of the program's own stopped it before a call. Those who want to be told of that hold it here; if nobody
    /// does, the call fails with `ENOSYS`, as in a thread that nobody traces (seccomp(2)).
    #[cold]
    pub(super) fn at_own_filter(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, told: u16) {
        let answers = self.desks.listener_of_filters();
        let task = tracee.task.clone();
        let filtered = answers.and_then(|answers| self.guarded(tracee.tid, || answers.filtered(&task, told)));
        let verdict = if filtered == Some(Filtered::Told) {
            self.report(&mut tracee, &mut stopped, |reporter, _| reporter.pause())
        } else {
            tracee.aborted = true;
            Verdict::Go(Action::Resume)
        };
        self.conclude(tracee, stopped, Point::Entry, verdict);
    }

    /// Whether this call is the first that a launch shows: its execve. What it did before is ours.
    #[cold]
    fn reveals(&self, tracee: &mut Tracee, call: &Syscall) -> bool {
        let exec = tracee.phase == Phase::Embryo
            && call.arch == ARCH_X86_64
            && i64::try_from(call.number) == Ok(libc::SYS_execve);
        if exec {
            tracee.phase = Phase::Launching;
        }
        exec
    }

    /// Takes note of what was changed of a call while its task was held before it. Who is told of the exit still
    /// follows from the call that it was.
    pub(super) fn renew_call(&self, tracee: &mut Tracee, stopped: &Stopped) {
        let Some(before) = tracee.call else { return };
        if let Ok(info) = stopped.syscall_info()
            && let SyscallAt::Entry(nr, args) | SyscallAt::Seccomp(nr, args, _) = info.at
        {
            tracee.call = Some(Syscall { index: before.index, ..call_of(&info, nr, args) });
        }
    }

    /// An engine that held it before a system call wants to see the entry again, as the registers are now.
    pub(super) fn repeat_entry(&mut self, mut tracee: Box<Tracee>, stopped: Stopped) {
        tracee.aborted = false;
        if let Some(call) = tracee.call
            && !tracee.sign.take_changed()
        {
            let index = if call.arch == ARCH_X86_64 { call.number } else { index_of(call.arch, call.number) };
            return self.at_entry(tracee, stopped, Syscall { index, ..call }, Showing::Again);
        }
        match stopped.syscall_info() {
            Ok(info) => match info.at {
                SyscallAt::Entry(nr, args) | SyscallAt::Seccomp(nr, args, _) => {
                    let call = call_of(&info, nr, args);
                    self.at_entry(tracee, stopped, call, Showing::Again);
                }
                _ => self.go_mid(tracee, stopped),
            },
            Err(gone) => self.lost(tracee, gone),
        }
    }

    #[inline]
    fn at_exit_of_call(&mut self, mut tracee: Box<Tracee>, mut stopped: Stopped, mut value: i64) {
        if matches!(tracee.phase, Phase::Embryo | Phase::Stillborn) {
            return self.conclude(tracee, stopped, Point::Mid, Verdict::Go(Action::Resume));
        }
        let call = tracee.call.take();
        if let Some(restore) = tracee.restore.take()
            && let Some(call) = &call
            && let Err(gone) = untraced::put_back(restore, &mut stopped, call)
        {
            self.note(tracee.tid, gone);
        }
        // An INTERRUPT ends the call here, and so does a signal that will turn out to be ignored (facts/quiesce.md
        // sections 1 and 3). The kernel decides between the two meanings of what is written.
        if matches!(value, INTERRUPTED | RESTARTS) && tracee.interrupt != Interrupt::Asked {
            let mended = self.hide(&mut tracee, &mut stopped, value);
            if tracee.interrupt == Interrupt::Quiet || mended != RESTARTS {
                value = mended;
            }
        }
        if tracee.timed.as_ref().is_some_and(|_| value != INTERRUPTED && value != RESTARTS) {
            tracee.timed = None;
        }
        self.at_end_of_rerun(&mut tracee, value);
        // As a call looks that sleeps for an answer and was interrupted.
        if value == ERESTARTSYS && !self.desks.is_empty() {
            if self.runs_again(&mut tracee, &mut stopped, call) {
                return self.go_again(tracee, stopped);
            }
            value = stopped.regs().map_or(value, |regs| regs.rax.cast_signed());
        }
        let index = match &call {
            Some(call) => call.index,
            None => stopped.regs().map_or(SyscallSet::OTHER, |regs| regs.orig_rax),
        };
        let mut verdict = Verdict::Go(Action::Resume);
        if tracee.task.asked_for(Event::SyscallExit) && tracee.task.wants_syscall(index) {
            let mut exit = SyscallExit::new(call, index, value, is_error(value));
            verdict = self.report(&mut tracee, &mut stopped, |reporter, target| {
                reporter.syscall_exit(target, &mut exit)
            });
            if exit.changed() {
                tracee.sign.changes();
                if let Err(gone) = stopped.change_regs(|regs| regs.rax = exit.value().cast_unsigned()) {
                    self.note(tracee.tid, gone);
                }
            }
        }
        if tracee.phase == Phase::Launching && is_error(value) {
            tracee.phase = Phase::Stillborn;
        }
        if tracee.step.is_some() {
            return self.stepped_over_call(tracee, stopped, verdict);
        }
        self.conclude(tracee, stopped, Point::User(0, Path::Plain), verdict);
    }

    #[cold]
    fn hide(&mut self, tracee: &mut Tracee, stopped: &mut Stopped, value: i64) -> i64 {
        if let Err(gone) = self.mend(tracee, stopped) {
            self.note(stopped.tid(), gone);
            return value;
        }
        stopped.regs().map_or(value, |regs| regs.rax.cast_signed())
    }
}

/// Linux reserves the last page of values for errors (`MAX_ERRNO`).
pub(super) fn is_error(value: i64) -> bool {
    (-4095..0).contains(&value)
}

#[inline]
fn call_of(info: &SyscallInfo, number: u64, args: [u64; 6]) -> Syscall {
    let index = if info.arch == ARCH_X86_64 { number } else { index_of(info.arch, number) };
    Syscall { number, index, args, arch: info.arch, ip: Addr(info.ip), sp: Addr(info.sp) }
}

/// The index of a call of another table: the native number of the call of the same name, if there is one.
#[cold]
pub(super) fn index_of(arch: u32, number: u64) -> u64 {
    static I386: OnceLock<Vec<u64>> = OnceLock::new();
    if arch != ARCH_I386 {
        return SyscallSet::OTHER;
    }
    let indices = I386.get_or_init(|| {
        let native = |number| table::by_name(Abi::X86_64, table::lookup(Abi::I386, number)?.name);
        (0..LIMIT as u64)
            .map(|number| native(number).map_or(SyscallSet::OTHER, |info| u64::from(info.nr)))
            .collect()
    });
    usize::try_from(number).ok().and_then(|number| indices.get(number)).copied().unwrap_or(SyscallSet::OTHER)
}

/// Writes back what engines made of a call.
#[cold]
fn apply(tracee: &mut Tracee, stopped: &mut Stopped, entry: &SyscallEntry) -> Result<(), Gone> {
    tracee.aborted = entry.is_aborted();
    if entry.changed() {
        let call = *entry.call();
        tracee.call = Some(call);
        tracee.sign.changes();
        stopped.change_regs(|regs| put_call(regs, &call))?;
    }
    Ok(())
}

fn put_call(regs: &mut RawRegs, call: &Syscall) {
    regs.orig_rax = call.number;
    let [a, b, c, d, e, f] = call.args;
    if call.arch == ARCH_I386 {
        (regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp) = (a, b, c, d, e, f);
    } else {
        (regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9) = (a, b, c, d, e, f);
    }
}

#[cfg(test)]
mod tests {
    use super::{index_of, is_error};
    use crate::filter::ARCH_I386;
    use utrace_core::SyscallSet;

    #[test]
    fn a_32_bit_call_has_the_index_of_its_64_bit_namesake() {
        assert_eq!(index_of(ARCH_I386, 4), 1, "write");
        assert_eq!(index_of(ARCH_I386, 11), 59, "execve");
        assert_eq!(index_of(ARCH_I386, 7), SyscallSet::OTHER, "waitpid has none");
        assert_eq!(index_of(ARCH_I386, 100_000), SyscallSet::OTHER);
        assert_eq!(index_of(0, 4), SyscallSet::OTHER);
    }

    #[test]
    fn errors_are_the_last_page() {
        assert!(is_error(-1) && is_error(-4095));
        assert!(!is_error(0) && !is_error(-4096) && !is_error(i64::MIN));
    }
}
