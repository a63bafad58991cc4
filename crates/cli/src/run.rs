//! `utrace run`: launches a program, traces its tree, ends as it ended.
//!
//! Entry: [`run`]. One loop hears what happens (`News`): signals to utrace, job control of the program, the end of
//! the program and of its tree. Neighbours: [`crate::tools`] makes the engines, [`crate::job`] is the shell's side.
//! It makes no kernel call on a tracee: that is the host's.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use signal_hook::consts as sig;
use utrace_core::JctlKind;
use utrace_engines::tool::Origin;
use utrace_host::{AfterTracer, Command, Ending, Errno, Host, HostError, Process, Step};

use crate::exit::{Code, End};
use crate::flags::RunArgs;
use crate::flags::hi::split_env;
use crate::job::{self, Program, Watch};
use crate::message::say;
use crate::signals::{self, Caught};
use crate::tools::{OutputLost, Tools};
use crate::user;

/// What the loop hears.
enum News {
    Signal(Caught),
    Job(JctlKind),
    Ended(Result<Ending, HostError>),
    TreeEnded,
}

/// The signals that are the program's and not ours. SIGTTIN and SIGTTOU are left alone: the terminal sends them to
/// the whole group, and utrace, which may write to the terminal too, stops by them as the program does.
const CAUGHT: &[i32] = &[
    sig::SIGINT,
    sig::SIGQUIT,
    sig::SIGTSTP,
    sig::SIGTERM,
    sig::SIGHUP,
    sig::SIGUSR1,
    sig::SIGUSR2,
    sig::SIGALRM,
];

/// Runs the program to its end, and its whole tree.
#[must_use]
pub fn run(args: &RunArgs, tools: &Tools) -> End {
    let end = launch(args, tools).unwrap_or_else(|failure| {
        say(&failure.message);
        End::Own(failure.code)
    });
    // Tables are written even if nothing ran: an empty file says so.
    match (tools.finish(), end) {
        (Err(OutputLost), End::Status(0) | End::Own(Code::Success)) => End::Own(Code::Failed),
        (_, end) => end,
    }
}

/// Why nothing was run.
struct Failure {
    message: String,
    code: Code,
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Failure {
        Failure { code: code_of(&error), message: error.to_string() }
    }
}

fn failed(message: impl Into<String>) -> Failure {
    Failure { message: message.into(), code: Code::Failed }
}

/// As a shell says it: 127 if there is no such program, 126 if there is but it cannot be run.
pub(crate) fn code_of(error: &HostError) -> Code {
    match error {
        HostError::NoProgram(_) => Code::NotFound,
        HostError::Launch(_, Step::Exec, errno) if *errno == Errno::ENOENT => Code::NotFound,
        HostError::NotExecutable(_) | HostError::Launch(_, Step::Exec, _) => Code::NotExecutable,
        _ => Code::Failed,
    }
}

fn launch(args: &RunArgs, tools: &Tools) -> Result<End, Failure> {
    let command = command(args)?;
    let (to, news) = mpsc::channel();
    let heard = to.clone();
    signals::catch(CAUGHT, move |caught| {
        let _ = heard.send(News::Signal(caught));
    })
    .map_err(|e| failed(format!("cannot catch signals: {e}")))?;
    let mut builder = Host::builder().notices(say).spare_stop_signals();
    if let Some(answers) = tools.answers() {
        // Without a filter that asks there is still who is told of what a program's own filters stop.
        builder = if args.own_listeners { builder.answers_others(answers) } else { builder.answers(answers) };
    }
    let host = builder.start()?;
    let adopt = tools.adopter(Origin::Launched);
    let jobs = to.clone();
    let process = host.launch(&command, move |task| {
        adopt(task);
        Watch::attach(task, jobs, News::Job);
    })?;
    let program = Program::new(process.pid().raw());
    watch_ends(&host, process, &to).map_err(|e| failed(format!("cannot make a thread: {e}")))?;
    let ended = follow(&news, &program);
    host.shutdown();
    end_of(ended.unwrap_or(Err(HostError::Ended)))
}

fn command(args: &RunArgs) -> Result<Command, Failure> {
    let (program, rest) = args.command.split_first().ok_or_else(|| failed("no program"))?;
    let after = if args.keep { AfterTracer::LivesOn } else { AfterTracer::Dies };
    let mut command = Command::new(program).args(rest).after_tracer(after);
    for entry in &args.env {
        command = match split_env(entry) {
            (name, Some(value)) => command.env(name, value),
            (name, None) => command.env_remove(name),
        };
    }
    if let Some(name) = &args.user {
        let user = user::find(name).map_err(failed)?;
        command = command.user(user.uid, user.gid, &user.groups);
    }
    Ok(command)
}

/// Two threads that do nothing but wait, and say so.
fn watch_ends(host: &Host, process: Process, to: &Sender<News>) -> io::Result<()> {
    let (ended, tree_ended, host) = (to.clone(), to.clone(), host.clone());
    let wait = move || {
        let how = process.wait();
        let _ = ended.send(News::Ended(how));
        host.wait_idle();
        let _ = tree_ended.send(News::TreeEnded);
    };
    thread::Builder::new().name("wait".to_owned()).spawn(wait).map(drop)
}

/// The loop: until the whole tree has ended. Answers how the program itself did.
fn follow(news: &Receiver<News>, program: &Program) -> Option<Result<Ending, HostError>> {
    let mut ended = None;
    while let Ok(item) = news.recv() {
        match item {
            News::Ended(how) => ended = Some(how),
            News::TreeEnded => break,
            // What is left of the tree is in nobody's foreground: then the signal is for us.
            News::Signal(caught) if ended.is_some() => {
                if ends_us(caught) {
                    break;
                }
            }
            News::Signal(caught) => pass_on(caught, program),
            News::Job(JctlKind::Stopped) if job::has_terminal() => stop_with(news, program, &mut ended),
            News::Job(_) => {}
        }
    }
    ended
}

fn ends_us(caught: Caught) -> bool {
    [sig::SIGINT, sig::SIGQUIT, sig::SIGTERM, sig::SIGHUP].contains(&caught.signal)
}

/// A signal that the terminal sent has reached the program already; one that a process sent is for it.
fn pass_on(caught: Caught, program: &Program) {
    if caught.sender == signals::Sender::Process {
        program.send(caught.signal);
    }
}

/// How long the program may take to go on by itself after we were continued.
const GRACE: Duration = Duration::from_millis(100);

/// Stops until continued, and sees to it that the program goes on then.
fn stop_with(news: &Receiver<News>, program: &Program, ended: &mut Option<Result<Ending, HostError>>) {
    job::stop_here();
    // A shell continues the whole group, and the program with it; somebody else perhaps only us.
    match news.recv_timeout(GRACE) {
        Ok(News::Ended(how)) => *ended = Some(how),
        Ok(News::Signal(caught)) => pass_on(caught, program),
        Ok(_) | Err(RecvTimeoutError::Disconnected) => {}
        Err(RecvTimeoutError::Timeout) => program.send(sig::SIGCONT),
    }
}

fn end_of(ended: Result<Ending, HostError>) -> Result<End, Failure> {
    Ok(match ended? {
        Ending::Exited(status) => End::Status(status),
        Ending::Killed(signal, _) => End::Killed(signal),
        Ending::Left => End::Own(Code::Success),
    })
}
