//! Registers of a tracee as one of its tracers sees them.
//!
//! Where several tracers stop at one breakpoint each sets the instruction pointer back, and the second must not set it
//! back from where the first has put it. So each has the registers as they were at the trap, and what it changes of
//! them is changed in the tracee, register by register.

use utrace_abi::UserRegs;
use utrace_abi::ptrace::NT_PRSTATUS;

use super::link::{Link, is_before_exit};
use super::num::ENOSYS;
use super::peek;
use super::steps::Lent;
use super::stop::{Stop, is_int3};
use super::tracee::look;

/// At an event in the middle of a call that is shown where the call ends, a tracer sees `ENOSYS` for its result, and what it
/// puts there is replaced by the result (`kernel_clone`, `exec_binprm`, `syscall_enter_from_user_mode`).
pub(super) fn in_the_middle(link: &mut Link) -> Result<(), i64> {
    if link.snapshot.is_none() && link.stopped().is_some_and(is_before_exit) {
        let mut regs = look(&link.task, |target| peek::regs(target))??;
        regs.rax = ENOSYS.cast_unsigned();
        link.snapshot = Some(regs);
    }
    Ok(())
}

/// A register set as this tracer sees it.
pub(super) fn read(link: &Link, note: u32) -> Result<Vec<u8>, i64> {
    match &link.snapshot {
        Some(regs) if note == NT_PRSTATUS => Ok(regs.to_bytes().to_vec()),
        _ => look(&link.task, |target| peek::read_set(target, note))?,
    }
}

/// Changes one.
pub(super) fn write(link: &mut Link, note: u32, bytes: &[u8]) -> Result<(), i64> {
    let Some(before) = link.snapshot.filter(|_| note == NT_PRSTATUS) else {
        return look(&link.task, |target| peek::write_set(target, note, bytes))?;
    };
    let mut after = before.to_bytes();
    let len = bytes.len().min(after.len());
    after[..len].copy_from_slice(&bytes[..len]);
    let mut before = before;
    let rip = UserRegs::from_bytes(&after).rip;
    if goes_back(link, RIP, rip) {
        before.rip = rip;
    } else if rip != before.rip {
        link.lent = Lent::No;
    }
    let result = is_to_come(link, RAX as u64).then_some(UserRegs::from_bytes(&after).rax);
    if result.is_some() {
        // The call's is still to come.
        after[RAX..RAX + 8].copy_from_slice(&before.rax.to_le_bytes());
    }
    let before = before.to_bytes();
    let made = look(&link.task, |target| {
        let mut now = peek::regs(target)?.to_bytes();
        merge(&mut now, &before, &after, &after);
        peek::set_regs(target, &UserRegs::from_bytes(&now))?;
        peek::regs(target)
    })??;
    let mut seen = before;
    merge(&mut seen, &before, &after, &made.to_bytes());
    let mut seen = UserRegs::from_bytes(&seen);
    seen.rax = result.unwrap_or(seen.rax);
    link.snapshot = Some(seen);
    Ok(())
}

/// A register by its place in `struct user`, if this tracer has registers of its own.
pub(super) fn word(link: &Link, at: u64) -> Option<u64> {
    let index = usize::try_from(at / 8).ok().filter(|_| at.is_multiple_of(8))?;
    link.snapshot.as_ref()?.to_array().get(index).copied()
}

/// The places of the instruction pointer and of a call's result in `struct user`.
const RIP: u64 = 128;
const RAX: usize = 80;

/// Whether a tracer sets a thread back to its breakpoint, past which another tracer's step has brought it.
pub(super) fn goes_back(link: &Link, at: u64, word: u64) -> bool {
    let trap = matches!(link.stopped(), Some(Stop::Signal(info)) if is_int3(info));
    let set_back = link.snapshot.is_some_and(|regs| regs.rip == word.wrapping_add(1));
    at == RIP && link.lent != Lent::No && trap && set_back
}

/// Whether this is the result of the call in whose middle the thread is shown.
pub(super) fn is_to_come(link: &Link, at: u64) -> bool {
    at == RAX as u64 && link.stopped().is_some_and(is_before_exit)
}

/// Notes a change of one, which has been made in the tracee. What the kernel made of it is what is seen: a selector has 16
/// bits, and of the flags a tracer may change some.
pub(super) fn set_word(link: &mut Link, at: u64) -> Result<(), i64> {
    let Some(before) = link.snapshot else { return Ok(()) };
    let made = look(&link.task, |target| peek::regs(target))??.to_bytes();
    let mut bytes = before.to_bytes();
    if let Ok(at) = usize::try_from(at)
        && let Some(place) = bytes.get_mut(at..at.saturating_add(8))
        && let Some(word) = made.get(at..at.saturating_add(8))
    {
        place.copy_from_slice(word);
    }
    link.snapshot = Some(UserRegs::from_bytes(&bytes));
    Ok(())
}

/// Takes over into `now` from `new` the words that differ between `before` and `after`.
fn merge(now: &mut [u8], before: &[u8], after: &[u8], new: &[u8]) {
    let changed = before.chunks_exact(8).zip(after.chunks_exact(8)).map(|(before, after)| before != after);
    let words = now.chunks_exact_mut(8).zip(new.chunks_exact(8)).zip(changed);
    for ((now, new), _) in words.filter(|(_, changed)| *changed) {
        now.copy_from_slice(new);
    }
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn only_what_was_changed_is_taken_over() {
        let mut now = [1_u64, 20, 3].map(u64::to_ne_bytes).concat();
        let before = [1_u64, 2, 3].map(u64::to_ne_bytes).concat();
        let after = [1_u64, 2, 30].map(u64::to_ne_bytes).concat();
        merge(&mut now, &before, &after, &after);
        assert_eq!(now, [1_u64, 20, 30].map(u64::to_ne_bytes).concat());
    }
}
