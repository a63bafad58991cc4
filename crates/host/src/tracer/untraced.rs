//! Keeping children under a seccomp filter traced.
//!
//! A filter's `RET_TRACE` fails with `ENOSYS` in a thread that nobody traces. A child made with `CLONE_UNTRACED`
//! would inherit the filter and escape the tracer, so in a filtered process that flag is taken out of clone(2) and
//! clone3(2) while the kernel reads it, and put back at the call's exit. So it is in trees whose calls are answered:
//! who asks must be ours, or the kernel would answer him. Without a filter the flag is the program's affair, and such
//! children are simply not ours.

use utrace_core::{Syscall, SyscallSet};

use super::tracee::Tracee;
use crate::filter::ARCH_X86_64;
use crate::sys::mem;
use crate::tracee::{Gone, Stopped};

const UNTRACED: u64 = libc::CLONE_UNTRACED as u64;
const CLONE: u64 = libc::SYS_clone as u64;
/// The same number in both tables.
const CLONE3: u64 = libc::SYS_clone3 as u64;
/// clone(2) in the 32-bit table.
const CLONE_I386: u64 = 120;

/// What was changed of a call, to be put back at its exit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Restore {
    /// The flags in the first argument register.
    Argument(u64),
    /// The flags at this address.
    Memory(u64, u64),
}

/// The calls that a filter must stop at for this.
pub(crate) fn add_clones(set: &mut SyscallSet) {
    set.insert(CLONE);
    set.insert(CLONE3);
}

/// Takes the flag out of a call that is about to run.
pub(crate) fn keep_traced(tracee: &mut Tracee, stopped: &mut Stopped, call: &Syscall) -> Result<(), Gone> {
    let first = call.args[0];
    match (call.number, call.arch == ARCH_X86_64) {
        (CLONE, true) | (CLONE_I386, false) if first & UNTRACED != 0 => {
            tracee.restore = Some(Restore::Argument(first));
            set_first_argument(stopped, call, first & !UNTRACED)
        }
        (CLONE3, _) => {
            let mut flags = [0; 8];
            // Unreadable flags make the call fail by itself.
            if mem::read(stopped.tid(), first, &mut flags) == Ok(8) {
                let flags = u64::from_ne_bytes(flags);
                if flags & UNTRACED != 0 {
                    tracee.restore = Some(Restore::Memory(first, flags));
                    let _ = mem::write(stopped.tid(), first, &(flags & !UNTRACED).to_ne_bytes());
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The flags that a child is made with, as the program gave them; `None` for a call that is none of those.
pub(crate) fn flags_of(tracee: &Tracee, stopped: &mut Stopped) -> Result<Option<u64>, Gone> {
    /// fork(2) and vfork(2) of either table; `__USER32_CS`.
    const FORKS: [(u64, bool); 2] = [(libc::SYS_fork as u64, true), (2, false)];
    const VFORKS: [(u64, bool); 2] = [(libc::SYS_vfork as u64, true), (190, false)];
    const CS_I386: u64 = 0x23;
    const SIGCHLD: u64 = libc::SIGCHLD as u64;
    let tid = stopped.tid();
    let regs = stopped.regs()?;
    let call = (regs.orig_rax & 0xffff_ffff, regs.cs != CS_I386);
    let first = if call.1 { regs.rdi } else { regs.rbx };
    let word = |at: u64| {
        let mut word = [0; 8];
        (mem::read(tid, at, &mut word) == Ok(8)).then(|| u64::from_ne_bytes(word))
    };
    Ok(match (call, tracee.restore) {
        (_, Some(Restore::Argument(first))) => Some(first),
        // The signal stands in a word of its own (`struct clone_args`).
        (_, Some(Restore::Memory(at, flags))) => word(at + 32).map(|signal| flags | signal),
        ((CLONE, true) | (CLONE_I386, false), None) => Some(first),
        ((CLONE3, _), None) => {
            word(first).zip(word(first.wrapping_add(32))).map(|(flags, signal)| flags | signal)
        }
        (call, None) if FORKS.contains(&call) => Some(SIGCHLD),
        (call, None) if VFORKS.contains(&call) => Some(SIGCHLD | (libc::CLONE_VFORK | libc::CLONE_VM) as u64),
        _ => None,
    })
}

/// Puts back what [`keep_traced`] took.
pub(crate) fn put_back(restore: Restore, stopped: &mut Stopped, call: &Syscall) -> Result<(), Gone> {
    match restore {
        Restore::Argument(first) => set_first_argument(stopped, call, first),
        Restore::Memory(at, flags) => {
            // The program may have unmapped it since.
            let _ = mem::write(stopped.tid(), at, &flags.to_ne_bytes());
            Ok(())
        }
    }
}

fn set_first_argument(stopped: &mut Stopped, call: &Syscall, value: u64) -> Result<(), Gone> {
    let native = call.arch == ARCH_X86_64;
    stopped.change_regs(|regs| if native { regs.rdi = value } else { regs.rbx = value })
}
