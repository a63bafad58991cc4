//! Signals that are sent to utrace itself while it traces.
//!
//! Key types: [`Caught`], [`catch`]. A handler is set only for signals that were not ignored when utrace started
//! (nohup, a background job of a shell without job control): what was ignored stays so, for utrace and, through
//! exec, for the program. Neighbours: `run` and `attach` decide what a signal means. No signal is sent here.

use std::fs;
use std::io;
use std::thread;

use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caught {
    /// Its number.
    pub signal: i32,
    /// Who sent it.
    pub sender: Sender,
}

/// Who sent a signal (sigaction(2), `si_code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The kernel: for SIGINT, SIGQUIT and SIGTSTP the terminal, which sent it to the whole foreground group.
    Kernel,
    /// A process, with kill(2) or the like.
    Process,
}

/// Has `hear` called, on a thread of its own, for each of `signals` that comes from now on.
///
/// # Errors
/// Those of sigaction(2), or that no thread can be made.
pub fn catch(signals: &[i32], mut hear: impl FnMut(Caught) + Send + 'static) -> io::Result<()> {
    let ignored = ignored();
    let wanted = signals.iter().copied().filter(|s| ignored & (1 << (s - 1)) == 0);
    let mut all = SignalsInfo::<WithRawSiginfo>::new(wanted)?;
    let listen = move || {
        for info in all.forever() {
            // SI_FROMUSER of linux/signal.h: a process's codes are not above 0.
            let sender = if info.si_code > 0 { Sender::Kernel } else { Sender::Process };
            hear(Caught { signal: info.si_signo, sender });
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen).map(drop)
}

/// The signals that this process ignores, as the kernel's word; none where `/proc` does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let word = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    word.and_then(|word| u64::from_str_radix(word.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_signal_from_a_process_is_heard_as_such() {
        let (to, from) = mpsc::channel();
        catch(&[signal_hook::consts::SIGUSR2], move |caught| {
            let _ = to.send(caught);
        })
        .unwrap();
        let me = rustix::process::getpid();
        rustix::process::kill_process(me, rustix::process::Signal::USR2).unwrap();
        let want = Caught { signal: signal_hook::consts::SIGUSR2, sender: Sender::Process };
        assert_eq!(from.recv(), Ok(want));
    }

    #[test]
    fn ignored_signals_are_found() {
        // Rust's runtime ignores SIGPIPE before main.
        assert_ne!(ignored() & (1 << (signal_hook::consts::SIGPIPE - 1)), 0);
    }
}
