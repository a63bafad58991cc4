//! How utrace ends: the exit codes, and dying as the program died.
//!
//! Key types: [`Code`], [`End`]. The codes are documented in `utrace --help` and the man page, and tested one by
//! one in `tests/`. Neighbours: `run` and `attach` decide, `main` ends.

use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Exit codes of utrace's own. Those of `attach` leave out 2, which shells and others use for bad usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Done.
    Success = 0,
    /// `attach`: the second ^C.
    Forced = 1,
    /// `attach`: no such process.
    NoProcess = 3,
    /// `attach`: not permitted.
    NotPermitted = 4,
    /// `attach`: a kernel thread.
    KernelThread = 5,
    /// `attach`: a zombie.
    Zombie = 6,
    /// `attach`: traced by another program.
    AlreadyTraced = 7,
    /// utrace itself failed; as env(1), timeout(1) and nohup(1) say it.
    Failed = 125,
    /// `run`: the program cannot be executed; as a shell says it.
    NotExecutable = 126,
    /// `run`: the program was not found; as a shell says it.
    NotFound = 127,
}

/// How the traced program, and so utrace, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With one of our own codes.
    Own(Code),
    /// As the program: with its status.
    Status(u8),
    /// As the program: killed by this signal.
    Killed(i32),
}

impl Code {
    /// The code with this number; [`Code::Failed`] for one that is none.
    #[must_use]
    pub fn of(number: u8) -> Code {
        let all = [
            Code::Success,
            Code::Forced,
            Code::NoProcess,
            Code::NotPermitted,
            Code::KernelThread,
            Code::Zombie,
            Code::AlreadyTraced,
            Code::NotExecutable,
            Code::NotFound,
        ];
        all.into_iter().find(|code| *code as u8 == number).unwrap_or(Code::Failed)
    }
}

impl End {
    /// Ends the process this way; returns the code where an exit is called for.
    #[must_use]
    pub fn finish(self) -> ExitCode {
        match self {
            End::Own(code) => ExitCode::from(code as u8),
            End::Status(status) => ExitCode::from(status),
            End::Killed(signal) => die_by(signal),
        }
    }
}

/// Dies by `signal`; answers what a shell would show, if the signal does not kill us after all.
fn die_by(signal: i32) -> ExitCode {
    // The program has dumped its core already, if it was to. The hard limit stays as it was, there is no need
    // to lower it: nothing runs after this.
    let now = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: now.maximum });
    // Restores the default action of the signals that have a name there; the real-time ones and the few others
    // never had another.
    if signal_hook::low_level::emulate_default_handler(signal).is_err() {
        let _ = signal_hook::low_level::raise(signal);
    }
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(255))
}
