//! The register sets of a task by name and size, for [`utrace_core::Target::regset`] and its counterpart.
//!
//! Numbers are the ELF note types of elf.h, as PTRACE_GETREGSET takes them, and any other note type that the kernel
//! knows works too. The debug registers have no note type on x86: theirs is one of our own.

use utrace_core::Regset;

/// `NT_PRSTATUS`: the general registers, 27 words in the order of `struct user_regs_struct` (sys/user.h).
pub const GENERAL: Regset = Regset(1);
/// `NT_PRFPREG`: the floating-point registers, 512 bytes as fxsave stores them.
pub const FLOAT: Regset = Regset(2);
/// `NT_X86_XSTATE`: everything that xsave stores, floating point included. It must be written whole.
pub const EXTENDED: Regset = Regset(0x202);
/// The debug registers DR0 to DR7, eight words. DR4 and DR5 read as 0 and cannot be written. A breakpoint that is
/// left in DR7 is taken out when the host leaves the task: it would kill a program without a tracer. All who use this
/// set share it; who wants registers of its own uses [`utrace_core::Target::set_debug_register`].
pub const DEBUG: Regset = Regset(0x7574_0001);

/// How many debug registers there are.
pub(crate) const DEBUG_COUNT: usize = 8;

/// A register set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// What it is called.
    pub name: &'static str,
    /// Its number.
    pub set: Regset,
    /// Its size in bytes; `None` where the processor decides, and a read tells.
    pub size: Option<usize>,
}

/// Every set that a native task of this machine has.
pub const ALL: [Info; 4] = [
    Info { name: "general", set: GENERAL, size: Some(27 * 8) },
    Info { name: "float", set: FLOAT, size: Some(512) },
    Info { name: "extended", set: EXTENDED, size: None },
    Info { name: "debug", set: DEBUG, size: Some(DEBUG_COUNT * 8) },
];

/// The set of this name.
///
/// ```
/// use utrace_host::regset;
/// assert_eq!(regset::by_name("float").map(|info| info.set), Some(regset::FLOAT));
/// assert_eq!(regset::by_name("no such"), None);
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<Info> {
    ALL.into_iter().find(|info| info.name == name)
}
