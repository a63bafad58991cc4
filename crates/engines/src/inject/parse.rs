//! strace's `--inject` grammar.

use utrace_core::SyscallSet;

use crate::sets;
use crate::spec::SpecError;

/// What to do to which syscalls.
#[derive(Debug, Clone)]
pub struct InjectSpec {
    /// To these.
    pub syscalls: SyscallSet,
}

impl InjectSpec {
    /// Reads `SET[:KEY=VALUE…]`.
    ///
    /// # Errors
    /// A mistake, with its place.
    pub fn parse(text: &str) -> Result<InjectSpec, SpecError> {
        let set = text.split(':').next().unwrap_or_default();
        Ok(InjectSpec { syscalls: sets::syscalls(set)? })
    }
}
