//! Where the calling thread runs, and how urgently.

use core::mem::{MaybeUninit, size_of};

use super::Errno;
use crate::types::Tid;

/// A set of processors (`cpu_set_t`: 1024 of them).
#[derive(Clone, Copy)]
pub(crate) struct CpuSet(libc::cpu_set_t);

impl CpuSet {
    /// The set of just this processor; `None` if `cpu_set_t` cannot name it.
    pub(crate) fn only(cpu: usize) -> Option<Self> {
        if cpu >= 8 * size_of::<libc::cpu_set_t>() {
            return None;
        }
        let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
        // SAFETY: cpu_set_t is an array of integers, for which all zeroes is valid (the empty set).
        let set_ref = unsafe { set.assume_init_mut() };
        // SAFETY: cpu is below the set's size, checked above.
        unsafe { libc::CPU_SET(cpu, set_ref) };
        Some(Self(*set_ref))
    }

    /// How many processors are in the set.
    pub(crate) fn count(&self) -> usize {
        // SAFETY: a valid set is only read.
        let count = unsafe { libc::CPU_COUNT(&self.0) };
        count.unsigned_abs() as usize
    }

    /// Whether the set has this processor.
    pub(crate) fn has(&self, cpu: usize) -> bool {
        // SAFETY: the bound is checked first; a valid set is only read.
        cpu < 8 * size_of::<libc::cpu_set_t>() && unsafe { libc::CPU_ISSET(cpu, &self.0) }
    }

    /// The processors in the set, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..8 * size_of::<libc::cpu_set_t>()).filter(|&cpu| self.has(cpu))
    }
}

/// Where the calling thread may run.
pub(crate) fn affinity() -> Result<CpuSet, Errno> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: writes at most the given size to set.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    Errno::check(libc::c_long::from(result))?;
    // SAFETY: integers only; zeroed, then filled by the kernel.
    Ok(CpuSet(unsafe { set.assume_init() }))
}

/// Says where the calling thread may run.
pub(crate) fn set_affinity(set: &CpuSet) -> Result<(), Errno> {
    // SAFETY: reads the given size from a valid set.
    let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set.0) };
    Errno::check(libc::c_long::from(result)).map(drop)
}

/// How urgently a thread of ours runs (sched(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Policy {
    /// `SCHED_OTHER`: as everybody.
    Normal,
    /// `SCHED_IDLE`: when nobody else wants the processor.
    Idle,
}

/// Whether the calling thread runs under `SCHED_OTHER`.
pub(crate) fn is_normal() -> bool {
    // SAFETY: takes a number; 0 is the calling thread.
    unsafe { libc::sched_getscheduler(0) == libc::SCHED_OTHER }
}

/// Sets the policy of a thread of ours.
pub(crate) fn set_policy(tid: Tid, policy: Policy) -> Result<(), Errno> {
    let number = match policy {
        Policy::Normal => libc::SCHED_OTHER,
        Policy::Idle => libc::SCHED_IDLE,
    };
    // SAFETY: sched_param is one int, for which 0 is valid (and the only value for both policies).
    let param: libc::sched_param = unsafe { core::mem::zeroed() };
    // SAFETY: reads one sched_param, which lives through the call.
    let result = unsafe { libc::sched_setscheduler(tid.raw(), number, &raw const param) };
    Errno::check(libc::c_long::from(result)).map(drop)
}
