//! `utrace attach`: traces processes that run, until they end or the user has seen enough.
//!
//! Entry: [`attach`]. The first ^C (or SIGTERM, SIGHUP) leaves everything as it was found; a second one exits at
//! once, which does the same, but does not wait for it. Neighbours: [`crate::tools`], the host.

use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts as sig;
use utrace_engines::tool::Origin;
use utrace_host::{Host, HostError, Tid};

use crate::exit::{Code, End};
use crate::flags::AttachArgs;
use crate::message::say;
use crate::signals::{self, Caught};
use crate::tools::{OutputLost, Tools};

/// Why the wait is over.
enum News {
    Leave,
    AllEnded,
}

/// Traces the processes.
#[must_use]
pub fn attach(args: &AttachArgs, tools: &Tools) -> End {
    let code = trace(args, tools).unwrap_or_else(|message| {
        say(message);
        Code::Failed
    });
    match (tools.finish(), code) {
        (Err(OutputLost), Code::Success) => End::Own(Code::Failed),
        (_, code) => End::Own(code),
    }
}

fn trace(args: &AttachArgs, tools: &Tools) -> Result<Code, String> {
    let (to, news) = mpsc::channel();
    listen(to.clone()).map_err(|e| format!("cannot catch signals: {e}"))?;
    let mut builder = Host::builder().notices(say).spare_stop_signals();
    if args.strict {
        builder = builder.strict();
    }
    if args.engines.letters.verbose > 0 {
        builder = builder.explain();
    }
    let host = builder.start().map_err(|e| e.to_string())?;
    if let Err(code) = attach_all(&host, &args.pids.concat(), tools) {
        return Ok(code);
    }
    let idle = host.clone();
    let wait = move || {
        idle.wait_idle();
        let _ = to.send(News::AllEnded);
    };
    thread::Builder::new()
        .name("wait".to_owned())
        .spawn(wait)
        .map_err(|e| format!("cannot make a thread: {e}"))?;
    if let Ok(News::Leave) = news.recv() {
        host.tasks().iter().for_each(|task| tools.detached(task));
    }
    host.shutdown();
    Ok(Code::Success)
}

/// How long after the first ^C another one is still the same request: timeout(1) sends its signal to its child and
/// then to its process group, so that the child gets it twice at once.
const SAME_REQUEST: Duration = Duration::from_millis(250);

/// The first signal leaves, the second, if it is ^C, does not wait for it.
fn listen(to: Sender<News>) -> std::io::Result<()> {
    let leaving = OnceLock::new();
    signals::catch(&[sig::SIGINT, sig::SIGTERM, sig::SIGHUP, sig::SIGQUIT], move |caught: Caught| {
        let first: &Instant = leaving.get_or_init(Instant::now);
        if first.elapsed() > SAME_REQUEST && caught.signal == sig::SIGINT {
            process::exit(Code::Forced as i32);
        }
        let _ = to.send(News::Leave);
    })
}

/// Attaches to each; a mistake with one is said and the others go on.
///
/// # Errors
/// If none could be traced: the code of the first one's trouble.
fn attach_all(host: &Host, pids: &[i32], tools: &Tools) -> Result<(), Code> {
    let mut trouble = None;
    let mut traced = false;
    for pid in pids.iter().filter_map(|pid| Tid::new(*pid)) {
        match host.attach(pid, tools.adopter(Origin::Attached)) {
            Ok(process) => {
                traced = true;
                match process.tasks().len() {
                    1 => say(format_args!("process {pid} attached")),
                    n => say(format_args!("process {pid} attached with {n} threads")),
                }
            }
            // `-p 5 -p 5` is no trouble.
            Err(HostError::AlreadyOurs(_)) => {}
            Err(error) => {
                trouble.get_or_insert_with(|| code_of(&error));
                say(error);
            }
        }
    }
    if traced { Ok(()) } else { Err(trouble.unwrap_or(Code::Failed)) }
}

fn code_of(error: &HostError) -> Code {
    match error {
        HostError::NoSuchProcess(_) | HostError::PidReused(_) | HostError::Died(_) => Code::NoProcess,
        HostError::NotPermitted(..) => Code::NotPermitted,
        HostError::KernelThread(_) => Code::KernelThread,
        HostError::Zombie(_) => Code::Zombie,
        HostError::AlreadyTraced { .. } => Code::AlreadyTraced,
        _ => Code::Failed,
    }
}
