//! What C fills in for us and what its callbacks get: `struct utrace_engine_ops`, `struct linux_binprm`.
//!
//! The function pointers are of a safe type: that they are what the header says is promised once, by
//! [`Ops::read`].

use core::ffi::{c_char, c_int, c_long, c_ulong, c_void};

use crate::regs::Regs;
use crate::signal::{KSigaction, Siginfo};

/// An engine or a task, as C sees it.
type Opaque = *mut c_void;

/// `struct utrace_engine_ops`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Ops {
    pub(crate) report_quiesce: Option<extern "C" fn(u32, Opaque, c_ulong) -> u32>,
    pub(crate) report_signal: Option<
        extern "C" fn(u32, Opaque, *mut Regs, *mut Siginfo, *const KSigaction, *mut KSigaction) -> u32,
    >,
    pub(crate) report_clone: Option<extern "C" fn(u32, Opaque, c_ulong, Opaque) -> u32>,
    pub(crate) report_jctl: Option<extern "C" fn(u32, Opaque, c_int, c_int) -> u32>,
    pub(crate) report_exec:
        Option<extern "C" fn(u32, Opaque, *const c_void, *const Binprm, *mut Regs) -> u32>,
    pub(crate) report_syscall_entry: Option<extern "C" fn(u32, Opaque, *mut Regs) -> u32>,
    pub(crate) report_syscall_exit: Option<extern "C" fn(u32, Opaque, *mut Regs) -> u32>,
    pub(crate) report_exit: Option<extern "C" fn(u32, Opaque, c_long, *mut c_long) -> u32>,
    pub(crate) report_death: Option<extern "C" fn(Opaque, bool, c_int) -> u32>,
    pub(crate) report_reap: Option<extern "C" fn(Opaque, Opaque)>,
    pub(crate) release: Option<extern "C" fn(*mut c_void)>,
}

impl Ops {
    /// A copy of a table of C's; `None` for NULL.
    pub(crate) fn read(at: *const c_void) -> Option<Ops> {
        super::read(at.cast::<Ops>()).ok()
    }
}

/// `struct linux_binprm`.
#[repr(C)]
pub(crate) struct Binprm {
    pub(crate) filename: *const c_char,
    pub(crate) interp: *const c_char,
}

#[cfg(test)]
mod tests {
    use super::Ops;

    #[test]
    fn the_table_has_eleven_pointers() {
        assert_eq!(size_of::<Ops>(), 11 * size_of::<usize>());
        assert!(Ops::read(core::ptr::null()).is_none());
    }
}
