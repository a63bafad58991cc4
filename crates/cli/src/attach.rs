//! `utrace attach`: traces processes that run, until they end or the user has seen enough.
//!
//! Entry: [`attach`]. The engines run in the supervisor ([`crate::broker`]), where other terminals may be on the same
//! processes; where that cannot be, in a host of our own. The first ^C (or SIGTERM, SIGHUP) leaves everything as it was found; a second one exits at
//! once, which does the same, but does not wait for it. Neighbours: [`crate::tools`], the host.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process;
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts as sig;
use utrace_engines::registry::Spec;
use utrace_engines::tool::Origin;
use utrace_host::{Host, HostError, Tid};

use crate::broker::access;
use crate::broker::caller::{self, Opened};
use crate::broker::place;
use crate::broker::wire::{Answer, Line, MOST_FDS, Reply, Request, Target};
use crate::exit::{Code, End};
use crate::flags::AttachArgs;
use crate::message::say;
use crate::signals::{self, Caught};
use crate::tools::{OutputLost, Tools};

/// How often a process is asked for that is on its way from one program to the next.
const TRIES: u32 = 1000;

/// What is heard while it goes on.
enum News {
    /// The user has seen enough.
    Leave,
    /// There is nothing left to trace.
    AllEnded,
    /// The supervisor answers or tells.
    Says(Reply),
    /// The supervisor is gone.
    Lost,
}

/// Traces the processes: through the supervisor of this user, or from here where that cannot be.
///
/// # Errors
/// A message: an output cannot be opened.
pub fn attach(args: &AttachArgs, specs: Vec<Spec>, line: &[OsString]) -> Result<End, String> {
    if !caller::can_serve(args, &specs, line) {
        return Ok(alone(args, &Tools::open(specs)?));
    }
    let mut opened = Opened::new(&specs)?;
    let end = match place::reach() {
        Ok((supervisor, _)) => shared(args, line, &supervisor, &mut opened),
        Err(why) => {
            say(format_args!(
                "cannot reach the supervisor ({why}): nobody else can trace these processes now"
            ));
            drop(opened);
            return Ok(alone(args, &Tools::open(specs)?));
        }
    };
    opened.finish();
    Ok(End::Own(end.unwrap_or_else(|message| {
        say(message);
        Code::Failed
    })))
}

/// As the supervisor's caller.
fn shared(
    args: &AttachArgs,
    line: &[OsString],
    supervisor: &Line,
    opened: &mut Opened,
) -> Result<Code, String> {
    let (to, news) = mpsc::channel();
    listen(to.clone()).map_err(|e| format!("cannot catch signals: {e}"))?;
    hear(supervisor, to).map_err(|e| format!("cannot hear the supervisor: {e}"))?;
    let mut session = Shared { supervisor, news: &news, leave: false };
    let words = line.iter().map(|word| word.as_bytes().to_vec()).collect();
    let stderr = io::stderr();
    match session.ask(&Request::Open { args: words }, &opened.descriptors(stderr.as_fd()))? {
        Reply::Opened => opened.passed_on(),
        Reply::Refused { message, .. } => return Err(message),
        other => return Err(unexpected(&other)),
    }
    let traced = session.attach_all(&args.pids.concat())?;
    if traced.is_ok() && !session.leave {
        session.await_end()?;
    }
    let lost = match session.ask(&Request::Leave, &[])? {
        Reply::Left { lost } => lost,
        other => return Err(unexpected(&other)),
    };
    lost.iter().for_each(say);
    Ok(match traced {
        Ok(()) if !lost.is_empty() => Code::Failed,
        Ok(()) => Code::Success,
        Err(code) => code,
    })
}

/// Has all that the supervisor says put among the news.
fn hear(supervisor: &Line, to: Sender<News>) -> io::Result<()> {
    let line = supervisor.again()?;
    let hear = move || {
        while let Ok((reply, _)) = line.receive() {
            if to.send(News::Says(reply)).is_err() {
                return;
            }
        }
        let _ = to.send(News::Lost);
    };
    thread::Builder::new().name("supervisor".to_owned()).spawn(hear).map(drop)
}

/// The answer for a process of which no thread could be opened.
fn refused(pid: i32) -> Answer {
    let error = Tid::new(pid).map(utrace_host::why_not);
    if error.is_some_and(|error| access::is_between_programs(&error)) {
        Answer::Again
    } else {
        refused_for_good(pid)
    }
}

/// The answer for a process that the kernel does not let us trace.
fn refused_for_good(pid: i32) -> Answer {
    let (code, message) = caller::refusal(pid);
    Answer::Refused { code: code as u8, message }
}

fn say_attached(pid: i32, threads: usize) {
    match threads {
        1 => say(format_args!("process {pid} attached")),
        n => say(format_args!("process {pid} attached with {n} threads")),
    }
}

fn unexpected(reply: &Reply) -> String {
    format!("the supervisor answered {reply:?}")
}

/// An attach through the supervisor.
struct Shared<'a> {
    supervisor: &'a Line,
    news: &'a Receiver<News>,
    /// The user has seen enough.
    leave: bool,
}

impl Shared<'_> {
    /// Asks for something and waits for the answer. What else comes meanwhile is said, or noted.
    fn ask(&mut self, request: &Request, fds: &[BorrowedFd<'_>]) -> Result<Reply, String> {
        self.supervisor.send(request, fds).map_err(|error| format!("the supervisor: {error}"))?;
        loop {
            match self.next()? {
                News::Leave => self.leave = true,
                // It was on its way when something else was asked.
                News::Says(Reply::Ended) | News::AllEnded | News::Lost => {}
                News::Says(reply) => return Ok(reply),
            }
        }
    }

    fn next(&self) -> Result<News, String> {
        loop {
            match self.news.recv() {
                Ok(News::Says(Reply::Notice { message })) => say(message),
                Ok(News::Lost) | Err(_) => {
                    return Err("the supervisor has ended: the processes go on untraced".to_owned());
                }
                Ok(news) => return Ok(news),
            }
        }
    }

    /// Attaches to each; a mistake with one is said and the others go on. The code, if none could be traced, is that of
    /// the first one's trouble.
    fn attach_all(&mut self, pids: &[i32]) -> Result<Result<(), Code>, String> {
        let mut trouble = None;
        let mut traced = false;
        // As many at once as can be: each question and each answer is a turn of the scheduler.
        for pids in pids.chunks(MOST_FDS) {
            for (pid, answer) in pids.iter().zip(self.attach_some(pids)?) {
                match answer {
                    Answer::Attached { threads, again } => {
                        traced = true;
                        // `-p 5 -p 5` is no trouble.
                        if !again {
                            say_attached(*pid, threads);
                        }
                    }
                    Answer::Refused { code, message } => {
                        trouble.get_or_insert_with(|| Code::of(code));
                        say(message);
                    }
                    // It is asked for until there is another answer.
                    Answer::Again => {}
                }
            }
        }
        Ok(if traced { Ok(()) } else { Err(trouble.unwrap_or(Code::Failed)) })
    }

    /// Asks for processes until there is an answer for each, in order.
    fn attach_some(&mut self, pids: &[i32]) -> Result<Vec<Answer>, String> {
        let mut answers = self.ask_for(pids)?;
        for _ in 0..TRIES {
            let open: Vec<_> =
                answers.iter_mut().zip(pids).filter(|(answer, _)| **answer == Answer::Again).collect();
            if open.is_empty() {
                return Ok(answers);
            }
            let (places, pids): (Vec<_>, Vec<_>) = open.into_iter().unzip();
            for (place, answer) in places.into_iter().zip(self.ask_for(&pids)?) {
                *place = answer;
            }
        }
        let said = |(answer, pid): (Answer, &i32)| {
            if answer == Answer::Again { refused_for_good(*pid) } else { answer }
        };
        Ok(answers.into_iter().zip(pids).map(said).collect())
    }

    /// Asks for processes with one request. An answer for each, in order.
    fn ask_for(&mut self, pids: &[i32]) -> Result<Vec<Answer>, String> {
        let own = i32::try_from(process::id());
        let proofs: Vec<_> =
            pids.iter().map(|pid| if own == Ok(*pid) { None } else { caller::proof(*pid) }).collect();
        let shown = pids.iter().zip(&proofs);
        let (targets, fds): (Vec<_>, Vec<_>) = shown
            .filter_map(|(pid, proof)| {
                let (tid, file) = proof.as_ref()?;
                Some((Target { pid: *pid, tid: *tid }, file.as_fd()))
            })
            .unzip();
        let mut answers = Vec::new();
        if !targets.is_empty() {
            let count = targets.len();
            answers = match self.ask(&Request::Attach { targets }, &fds)? {
                Reply::Attached { each } if each.len() == count => each,
                other => return Err(unexpected(&other)),
            };
        }
        let mut answers = answers.into_iter();
        let answer_of = |(pid, proof): (&i32, &Option<_>)| match proof {
            Some(_) => answers.next().unwrap_or_else(|| refused(*pid)),
            None => refused(*pid),
        };
        Ok(pids.iter().zip(&proofs).map(answer_of).collect())
    }

    /// Until everything has ended or the user has seen enough.
    fn await_end(&mut self) -> Result<(), String> {
        let sent = self.supervisor.send(&Request::AwaitEnd, &[]);
        sent.map_err(|error| format!("the supervisor: {error}"))?;
        loop {
            if let News::Leave | News::Says(Reply::Ended) = self.next()? {
                return Ok(());
            }
        }
    }
}

/// Without a supervisor, with a host in this process.
fn alone(args: &AttachArgs, tools: &Tools) -> End {
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
    let pids: Vec<Tid> = pids.iter().filter_map(|pid| Tid::new(*pid)).collect();
    let attached = host.attach_all(&pids, tools.adopter(Origin::Attached)).map_err(|error| {
        say(&error);
        code_of(&error)
    })?;
    for (pid, result) in pids.iter().zip(attached) {
        match result {
            Ok(process) => {
                traced = true;
                say_attached(pid.raw(), process.tasks().len());
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

pub(crate) fn code_of(error: &HostError) -> Code {
    match error {
        HostError::NoSuchProcess(_) | HostError::PidReused(_) | HostError::Died(_) => Code::NoProcess,
        HostError::NotPermitted(..) => Code::NotPermitted,
        HostError::KernelThread(_) => Code::KernelThread,
        HostError::Zombie(_) => Code::Zombie,
        HostError::AlreadyTraced { .. } => Code::AlreadyTraced,
        _ => Code::Failed,
    }
}
