//! The supervisor: takes connections, has the host, ends when nobody needs it any more.
//!
//! Entry: [`supervise`]. Key types: [`Server`]. Whoever traces something is a *user* of the host: a session of
//! `utrace attach`, a tree of ptrace clients. With the first the host starts, with the last it is shut down, which leaves
//! every process as quietly as the end of a tracer of its own would. A supervisor without users and connections ends,
//! under the lock of its folder. Neighbours: `session` and `clients` do the work.
//!
//! It has no terminal, stays in the session that it was started in (sched(7): one turn for all of that on a busy machine),
//! ignores what a terminal sends, and leaves everything at SIGTERM.

use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::net::sockopt::socket_peercred;
use rustix::net::{SocketFlags, accept_with};
use rustix::process::geteuid;
use signal_hook::consts as sig;
use utrace_engines::ptrace::Ptrace;
use utrace_host::{Host, HostError, Notice};

use super::access;
use super::clients::{self, Caught};
use super::listing;
use super::place::Folder;
use super::roll::Roll;
use super::session::Session;
use super::wire::{Answer, Line, Reply, Request, VERSION, WireError};
use crate::attach::code_of;
use crate::exit::{Code, End};
use crate::message::say;
use crate::signals;

/// How long to wait for the connection of whoever started us.
const FIRST: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What all users of the host share.
#[derive(Debug, Clone)]
pub(super) struct Traced {
    pub(super) host: Host,
    pub(super) ptrace: Arc<Ptrace>,
}

/// The supervisor.
#[derive(Debug)]
pub struct Server {
    state: Mutex<State>,
    /// Those who hear notices. Apart from the state, for a notice may come while the host is shut down.
    members: Mutex<Vec<Member>>,
    /// Tells the main thread that somebody has gone.
    wake: PipeWriter,
}

#[derive(Debug, Default)]
struct State {
    traced: Option<Traced>,
    users: usize,
    connections: usize,
}

/// A user of the host, for notices and listings.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) roll: Arc<Roll>,
    /// The process of the command line.
    pub(super) pid: u32,
    /// What it does, with its engines.
    pub(super) what: What,
}

/// What a user of the host is.
#[derive(Debug)]
pub(super) enum What {
    /// `utrace attach`.
    Session {
        /// The engines' names.
        engines: Vec<String>,
        /// Where messages go.
        line: Line,
        /// Whether they are to be told what is done to each thread.
        told: Told,
    },
    /// `utrace ptrace`.
    Tree,
}

/// How much a session wants to hear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// What goes wrong.
    Trouble,
    /// Also how each thread was stopped.
    All,
}

/// Runs the supervisor on the socket that is its standard input, with its files in `folder`.
#[must_use]
pub fn supervise(folder: &Path) -> End {
    let trouble = match Folder::open(folder) {
        Some(folder) => run(&folder).err().map(|error| error.to_string()),
        None => Some(format!("{} is no folder of this user's alone", folder.display())),
    };
    match trouble {
        None => End::Own(Code::Success),
        Some(trouble) => {
            say(format_args!("supervisor: {trouble}"));
            End::Own(Code::Failed)
        }
    }
}

fn run(folder: &Folder) -> io::Result<()> {
    // A name that says who it is, in messages of others too.
    let _ = rustix::thread::set_name(c"utrace");
    let listener = take_stdin()?;
    let file = folder.socket_file();
    let (woken, wake) = io::pipe()?;
    let server = Arc::new(Server { state: Mutex::default(), members: Mutex::default(), wake });
    let ending = Arc::downgrade(&server);
    signals::catch(
        &[sig::SIGINT, sig::SIGHUP, sig::SIGQUIT, sig::SIGTERM, sig::SIGUSR1, sig::SIGUSR2],
        move |caught| {
            if caught.signal == sig::SIGTERM {
                if let Some(server) = ending.upgrade() {
                    server.leave_everything();
                }
                std::process::exit(0);
            }
        },
    )?;
    loop {
        let news = wait(&listener, &woken)?;
        if news.connection {
            server.take(&listener);
        } else if server.is_idle() {
            let locked = folder.lock()?;
            // Who connected meanwhile is served; who comes now waits for the lock.
            if !server.take(&listener) {
                if folder.socket_file() == file {
                    folder.remove_socket(&locked);
                }
                return Ok(());
            }
        }
    }
}

/// What the main thread woke up for.
struct News {
    connection: bool,
}

fn wait(listener: &OwnedFd, mut woken: &PipeReader) -> io::Result<News> {
    let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
    match poll(&mut fds, Some(&FIRST)) {
        Err(rustix::io::Errno::INTR) | Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let [connection, wake] = fds.map(|fd| fd.revents().contains(PollFlags::IN));
    if wake {
        let _ = woken.read(&mut [0; 64])?;
    }
    Ok(News { connection })
}

/// The listening socket; afterwards standard input is empty.
fn take_stdin() -> io::Result<OwnedFd> {
    let listener = io::stdin().as_fd().try_clone_to_owned()?;
    fcntl_setfl(&listener, OFlags::NONBLOCK)?;
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    match accept_probe(&listener) {
        true => Ok(listener),
        false => Err(io::Error::other("to be started by the other commands, with a socket")),
    }
}

fn accept_probe(listener: &OwnedFd) -> bool {
    rustix::net::sockopt::socket_acceptconn(listener).unwrap_or(false)
}

impl Server {
    /// Takes all connections that wait; whether there was one.
    fn take(self: &Arc<Self>, listener: &OwnedFd) -> bool {
        let mut any = false;
        while let Ok(socket) = accept_with(listener, SocketFlags::CLOEXEC) {
            let Ok(peer) = socket_peercred(&socket) else { continue };
            // The folder keeps others away; this does too.
            if peer.uid != geteuid() {
                continue;
            }
            any = true;
            self.lock().connections += 1;
            let (server, pid) = (Arc::clone(self), peer.pid.as_raw_nonzero().get().unsigned_abs());
            let serve = move || {
                server.serve(&Line::new(socket), pid);
                server.lock().connections -= 1;
                server.tell_main();
            };
            if thread::Builder::new().name("connection".to_owned()).spawn(serve).is_err() {
                self.lock().connections -= 1;
            }
        }
        any
    }

    fn tell_main(&self) {
        // A pipe that is full says it already.
        let _ = (&self.wake).write(&[0]);
    }

    fn is_idle(&self) -> bool {
        let state = self.lock();
        state.users == 0 && state.connections == 0
    }

    /// One connection, to its end.
    fn serve(self: &Arc<Self>, line: &Line, pid: u32) {
        let mut session = None;
        loop {
            match self.serve_one(line, pid, &mut session) {
                Ok(Flow::On) => {}
                Ok(Flow::End) | Err(WireError::Closed | WireError::Io(_)) => break,
                Err(error @ (WireError::TooLong | WireError::Malformed(_))) => {
                    refuse(line, Code::Failed, &error);
                    break;
                }
            }
        }
        if let Some(session) = session {
            session.leave();
        }
    }

    fn serve_one(
        self: &Arc<Self>,
        line: &Line,
        pid: u32,
        session: &mut Option<Session>,
    ) -> Result<Flow, WireError> {
        let (request, fds) = line.receive()?;
        match (request, &session) {
            (Request::Hello { version }, _) => {
                line.send(&Reply::Welcome { version: VERSION, pid: std::process::id() }, &[])?;
                return Ok(if version == VERSION { Flow::On } else { Flow::End });
            }
            (Request::Open { args }, None) => match Session::open(self, line, pid, args, fds) {
                Ok(opened) => {
                    *session = Some(opened);
                    line.send(&Reply::Opened, &[])?;
                }
                Err(message) => refuse(line, Code::Failed, &message),
            },
            (Request::Attach { targets }, Some(session)) => {
                let each = session.attach(&targets, &fds).into_iter().map(answer).collect();
                line.send(&Reply::Attached { each }, &[])?;
            }
            (Request::AwaitEnd, Some(session)) => session.await_end(line.again().map_err(WireError::Io)?),
            (Request::Leave, Some(_)) => {
                let lost = session.take().map(Session::leave).unwrap_or_default();
                line.send(&Reply::Left { lost }, &[])?;
                return Ok(Flow::End);
            }
            (Request::Enlist, None) => self.enlist(line, pid, &fds)?,
            (Request::List, None) => {
                for row in self.rows() {
                    line.send(&Reply::Traced(Box::new(row)), &[])?;
                }
                line.send(&Reply::ListEnd, &[])?;
            }
            (request, _) => return Err(WireError::Malformed(format!("{request:?} out of turn"))),
        }
        Ok(Flow::On)
    }

    fn enlist(self: &Arc<Self>, line: &Line, pid: u32, fds: &[OwnedFd]) -> Result<(), WireError> {
        let number = pid.cast_signed();
        let proven = fds.first().is_some_and(|proof| access::proves(proof.as_fd(), number, number));
        if !proven {
            refuse(line, Code::NotPermitted, &"it is not proven which process asks");
            return Ok(());
        }
        line.send(&Reply::Listen { filter: clients::filter().to_bytes() }, &[])?;
        let caught = match line.receive()? {
            (Request::Listening, fds) => {
                let listener = fds.into_iter().next();
                Caught::Asks(listener.ok_or_else(|| WireError::Malformed("without a filter's end".into()))?)
            }
            (Request::CannotListen, _) => Caught::ByFilter,
            (Request::IsHeard, _) => Caught::AtAllCalls,
            (request, _) => return Err(WireError::Malformed(format!("{request:?} out of turn"))),
        };
        match clients::enlist(self, pid, caught) {
            Ok(filter) => {
                let filter = filter.map(|filter| filter.to_bytes());
                line.send(&Reply::Enlisted { filter }, &[])
            }
            Err(error) => {
                refuse(line, code_of(&error), &error);
                Ok(())
            }
        }
    }

    fn rows(&self) -> Vec<listing::Row> {
        let traced = self.lock().traced.clone();
        traced.map(|traced| listing::rows(&traced, &self.members())).unwrap_or_default()
    }

    /// Another user of the host, which is started for the first one.
    pub(super) fn begin_use(self: &Arc<Self>) -> Result<Traced, HostError> {
        let mut state = self.lock();
        let traced = match &state.traced {
            Some(traced) => traced.clone(),
            None => {
                let hears = Arc::downgrade(self);
                let notices = move |notice| {
                    if let Some(server) = hears.upgrade() {
                        server.pass_on(&notice);
                    }
                };
                let host = Host::builder().notices(notices).spare_stop_signals().explain();
                let traced = clients::prepare(host)?;
                state.traced = Some(traced.clone());
                traced
            }
        };
        state.users += 1;
        Ok(traced)
    }

    /// A user goes. The last one's end is the host's; otherwise `leave` takes off what is the user's.
    pub(super) fn end_use(&self, leave: impl FnOnce()) {
        let mut state = self.lock();
        state.users -= 1;
        if state.users == 0 {
            // Nobody may begin before everything is left.
            if let Some(traced) = state.traced.take() {
                traced.host.shutdown();
            }
        } else {
            drop(state);
            leave();
        }
        self.tell_main();
    }

    fn leave_everything(&self) {
        if let Some(traced) = self.lock().traced.take() {
            traced.host.shutdown();
        }
    }

    /// Puts a user on the list.
    pub(super) fn enter(&self, member: Member) {
        self.members().push(member);
    }

    /// Takes it off.
    pub(super) fn strike(&self, roll: &Arc<Roll>) {
        self.members().retain(|member| !Arc::ptr_eq(&member.roll, roll));
    }

    /// Tells sessions what the host has to say.
    fn pass_on(&self, notice: &Notice) {
        let for_all = !matches!(notice, Notice::Handled { .. });
        for member in self.members().iter() {
            if let What::Session { line, told, .. } = &member.what
                && (for_all || *told == Told::All)
            {
                // The tracer thread must not wait for somebody who does not read.
                line.offer(&Reply::Notice { message: notice.to_string() });
            }
        }
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection goes on.
enum Flow {
    On,
    End,
}

fn answer(attached: Result<Answer, HostError>) -> Answer {
    attached
        .unwrap_or_else(|error| Answer::Refused { code: code_of(&error) as u8, message: error.to_string() })
}

fn refuse(line: &Line, code: Code, why: &impl ToString) {
    // Who has hung up needs no reason.
    let _ = line.send(&Reply::Refused { code: code as u8, message: why.to_string() }, &[]);
}
