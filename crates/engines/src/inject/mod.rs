//! Tampering with syscalls, as strace's `--inject`.

mod parse;

use utrace_core::{AttachError, Task};

use crate::registry::OptionHelp;
use crate::tool::{Origin, OutputError, Tool};

pub use parse::InjectSpec;

/// What stands behind the set, for help.
pub const OPTIONS: &[OptionHelp] = &[
    OptionHelp {
        key: "error",
        value: "ERRNO",
        help: "fail with this error instead of running (name or number)",
    },
    OptionHelp { key: "retval", value: "VALUE", help: "return this value instead of running" },
    OptionHelp { key: "signal", value: "SIG", help: "send this signal at entry" },
    OptionHelp {
        key: "delay_enter",
        value: "TIME",
        help: "wait before it runs: microseconds, or with s, ms, us, ns",
    },
    OptionHelp { key: "delay_exit", value: "TIME", help: "wait after it ran" },
    OptionHelp {
        key: "when",
        value: "FIRST[..LAST][+[STEP]]",
        help: "only these calls of each thread, counted from 1",
    },
];

/// The fault injection.
#[derive(Debug)]
pub struct Inject {
    spec: InjectSpec,
}

impl Inject {
    /// A tool that does this.
    #[must_use]
    pub fn new(spec: InjectSpec) -> Inject {
        Inject { spec }
    }
}

impl Tool for Inject {
    fn name(&self) -> &str {
        "inject"
    }

    fn attach(&self, _task: &Task, _origin: Origin) -> Result<(), AttachError> {
        let _ = &self.spec;
        Ok(())
    }

    fn finish(&self) -> Result<(), OutputError> {
        Ok(())
    }
}
