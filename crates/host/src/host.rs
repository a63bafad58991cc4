//! The handle that callers hold: [`Host`], and how one is started.
//!
//! Everything here turns into a message to the tracer thread ([`crate::mailbox`]) and, where the caller wants an
//! answer, a wait for it. No kernel call on a tracee is made from here: ptrace(2) obeys only the tracer thread.

use core::fmt;
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use utrace_core::{Answers, Task};

use crate::command::Command;
use crate::error::HostError;
use crate::glance;
use crate::notice::{Listener, Notice};
use crate::notify::Answerer;
use crate::process::Process;
use crate::quiet::{Care, Manners, Telling};
use crate::shared::Shared;
use crate::sys::Errno;
use crate::sys::pidfd;
use crate::sys::process;
use crate::sys::sigchld;
use crate::sys::sigmask::{self, SigMask};
use crate::tracer::{AttachOrder, Attaching, DetachOrder, LaunchOrder, Message, Tracer, Whole};
use crate::types::Tid;
use crate::watchdog;

/// How long to look for an answer before sleeping: most come sooner than it takes to be woken.
const PATIENCE: Duration = Duration::from_micros(100);
/// How often to look whether the tracer thread is gone, where its end is not told; it takes microseconds.
const RELEASE_LOOKS: u32 = 10_000;
/// How long to sleep between two of those looks.
const RELEASE_NAP: Duration = Duration::from_micros(100);

/// How a host is set up before it starts.
pub struct Builder {
    listener: Listener,
    slow_after: Duration,
    manners: Manners,
    stop_signals: StopSignals,
    answers: Option<Answerer>,
}

/// Whether the kernel sends our process a SIGCHLD for each stop of a tracee.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StopSignals {
    /// As the action for SIGCHLD says.
    Kept,
    /// Not, unless somebody handles the signal.
    Spared,
}

impl Builder {
    /// Who answers calls of the programs that are launched, without a stop ([`Answers`]): [`Answers::begin`] is called
    /// before [`Builder::start`] returns if this system lets us. One host in a process can; it takes the handler of
    /// `SIGCHLD`. What was attached to instead of launched asks nobody.
    ///
    /// Answered calls go on to be carried out by the system when this process ends, in whatever way.
    #[must_use]
    pub fn answers(mut self, answers: Arc<dyn Answers>) -> Self {
        self.answers = Some(Answerer::new(answers, false));
        self
    }

    /// The same for programs that come with a filter of their own ([`Host::listen`]), and not for those that are launched
    /// here. It begins with the first of them: until then, and after the last, stops cost what they cost without.
    #[must_use]
    pub fn answers_others(mut self, answers: Arc<dyn Answers>) -> Self {
        self.answers = Some(Answerer::new(answers, true));
        self
    }

    /// Who hears [`Notice`]s; nobody, unless said. Called from threads of the host; should not block.
    #[must_use]
    pub fn notices(mut self, listener: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// After how long in one report the callbacks are called slow; 5 seconds, unless said.
    #[must_use]
    pub fn slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = limit;
        self
    }

    /// Rather refuses than disturbs: an attach fails with [`crate::Refusal::Disturbs`] where a blocked thread could not
    /// be stopped unnoticed, and a stop that would be noticed waits. Without it, such a thread is interrupted if its
    /// call starts again by itself, and a running one is.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.manners.care = Care::Strict;
        self
    }

    /// Also says, as [`Notice::Handled`], what is done to each running thread that is to stop, and why.
    #[must_use]
    pub fn explain(mut self) -> Self {
        self.manners.telling = Telling::All;
        self
    }

    /// Has the kernel send this process no SIGCHLD when a child or a tracee stops (`SA_NOCLDSTOP`, sigaction(2)), unless
    /// the process handles or ignores that signal. Each stop is a few per cent cheaper without it.
    ///
    /// With [`Builder::answers`] they are needed, and sent; every thread but the tracer's blocks that signal then, so that none
    /// wakes at each stop. For programs that do nothing but trace: the setting is the whole
    /// process's, and stays. A program that waits for stops of its own children by signalfd(2) or sigwait(3) would miss
    /// them.
    #[must_use]
    pub fn spare_stop_signals(mut self) -> Self {
        self.stop_signals = StopSignals::Spared;
        self
    }

    /// Starts the tracer thread.
    ///
    /// # Errors
    /// [`HostError::Start`] where nothing can be traced at all (a container without ptrace(2), say).
    pub fn start(self) -> Result<Host, HostError> {
        if self.stop_signals == StopSignals::Spared {
            sigchld::spare_stops().map_err(|errno| HostError::Start("set SIGCHLD's action", errno))?;
        }
        let shared = Arc::new(Shared::new(self.listener, self.manners));
        let (ready, started) = mpsc::sync_channel(1);
        let for_thread = Arc::clone(&shared);
        let answerer = self.answers;
        // A signal to our process is for the threads that expect one: the tracer thread blocks them, and its
        // children get the mask of whoever launches them. Not SIGCHLD: each stop of a tracee raises one for the
        // tracer thread, the kernel drops it on the spot only if that thread does not block it (sig_ignored() in
        // kernel/signal.c), and otherwise wakes another thread of ours to throw it away, at 3 us a stop.
        let mask = sigmask::replace(SigMask::ALL.without(libc::SIGCHLD))
            .map_err(|errno| HostError::Start("block signals", errno))?;
        let spawned = thread::Builder::new().name("utrace-tracer".into()).spawn(move || {
            let tracer = Tracer::start(for_thread, answerer);
            let (tracer, result) = match tracer {
                Ok(tracer) => (Some(tracer), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // The starter waits for this; if it is gone there is nobody to trace for.
            let _ = ready.send(result);
            if let Some(tracer) = tracer {
                tracer.run();
            }
        });
        let watchdog = watchdog::spawn(Arc::clone(&shared), self.slow_after);
        sigmask::replace(mask).map_err(|errno| HostError::Start("restore signals", errno))?;
        let thread = spawned.map_err(|error| HostError::Start("start a thread", Errno::from_io(&error)))?;
        let watchdog =
            watchdog.map_err(|error| HostError::Start("start a thread", Errno::from_io(&error)))?;
        started.recv().map_err(|_| HostError::Ended)??;
        let threads = Mutex::new(vec![thread, watchdog]);
        Ok(Host { inner: Arc::new(Inner { shared, threads }) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("slow_after", &self.slow_after).finish_non_exhaustive()
    }
}

/// A ptrace host: one tracer thread and everything it traces. A handle; clones mean the same host.
///
/// When the last handle goes, the host is shut down ([`Host::shutdown`]).
///
/// ```no_run
/// use utrace_core::{Action, Cx, Engine, Event, SyscallExit};
/// use utrace_host::{Command, Host};
///
/// struct Print;
/// impl Engine for Print {
///     fn name(&self) -> &str {
///         "print"
///     }
///     fn syscall_exit(&mut self, cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
///         eprintln!("[{}] syscall {} = {}", cx.task().id(), exit.index(), exit.value());
///         Action::Resume
///     }
/// }
///
/// let host = Host::start()?;
/// let ls = host.launch(&Command::new("ls"), |task| {
///     let _ = task.attach_for(Event::SyscallExit, Print);
/// })?;
/// println!("{:?}", ls.wait()?);
/// # Ok::<(), utrace_host::HostError>(())
/// ```
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Host {
    /// A host as [`Host::builder`] sets it up by default.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start() -> Result<Self, HostError> {
        Self::builder().start()
    }

    /// A host to be set up.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            listener: Box::new(|_| ()),
            slow_after: Duration::from_secs(5),
            stop_signals: StopSignals::Kept,
            manners: Manners::default(),
            answers: None,
        }
    }

    /// Launches a program. `adopt` is called with its task, on the tracer thread, before the program's execve:
    /// engines attached there miss nothing, and what they want decides whether a seccomp filter is installed.
    /// The first system call reported is that execve.
    ///
    /// Returns when the child is on its way. Whether its exec worked is told by [`Process::wait`].
    ///
    /// # Errors
    /// Everything that shows before the exec: [`HostError::NoProgram`], [`HostError::NotExecutable`],
    /// [`HostError::NulByte`], [`HostError::Fork`], [`HostError::Ended`].
    pub fn launch(
        &self,
        command: &Command,
        adopt: impl FnOnce(&Task) + Send + 'static,
    ) -> Result<Process, HostError> {
        let mask = sigmask::replace(SigMask::ALL).map_err(HostError::Fork)?;
        sigmask::replace(mask).map_err(HostError::Fork)?;
        let plan = command.plan(sigchld::handed_on(mask))?;
        let after = command.after();
        self.ask(|reply| Message::Launch(LaunchOrder { plan, after, adopt: Box::new(adopt), reply }))?
    }

    /// Attaches to every thread of a process, and to those that it creates meanwhile. `adopt` is called with each
    /// task, on the tracer thread, before that task can report anything: a child of a thread that it has seen is
    /// reported to the engines that it attached there.
    ///
    /// # Errors
    /// [`HostError::NoSuchProcess`], [`HostError::NotPermitted`], [`HostError::KernelThread`],
    /// [`HostError::Zombie`], [`HostError::AlreadyTraced`], [`HostError::AlreadyOurs`],
    /// [`HostError::SelfAttach`], [`HostError::PidReused`], [`HostError::Ended`]. After an error the process is
    /// untouched.
    pub fn attach(&self, pid: Tid, adopt: impl FnMut(&Task) + Send + 'static) -> Result<Process, HostError> {
        self.ask(|reply| {
            Message::Attach(AttachOrder { pid, how: Attaching::Alone, adopt: Box::new(adopt), reply })
        })?
        .map(|enlisted| enlisted.process)
    }

    /// Leaves every thread of a process, while everything else is traced on. The program does not notice.
    ///
    /// Engines are dropped without a death callback before this returns; no callback is made any more. Threads
    /// that run, or sleep in a call that the kernel begins again by itself, are left before this returns too. One
    /// that sleeps in another call, or is a vfork parent, is left at the end of that: nothing reports it any more, but
    /// until then no other tracer can have it. [`Process::wait`] answers [`crate::Ending::Left`] once the last one is
    /// left. Children that were made before are processes of their own, and stay.
    ///
    /// Not to be called from a callback: detach the engines there instead.
    ///
    /// # Errors
    /// [`HostError::NotTraced`]; [`HostError::Filtered`] for a program launched behind a filter;
    /// [`HostError::Ended`].
    pub fn detach(&self, pid: Tid) -> Result<(), HostError> {
        self.ask(|reply| Message::Detach(DetachOrder { what: Whole::Process(pid), used: None, reply }))?
    }

    /// As [`Host::detach`], for one thread. Threads that it makes from then on are not traced.
    ///
    /// # Errors
    /// As [`Host::detach`].
    pub fn detach_thread(&self, tid: Tid) -> Result<(), HostError> {
        self.ask(|reply| Message::Detach(DetachOrder { what: Whole::Thread(tid), used: None, reply }))?
    }

    /// Every task that is traced now.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        self.inner.shared.tasks()
    }

    /// Blocks until nothing is traced any more.
    pub fn wait_idle(&self) {
        self.inner.shared.wait_idle();
    }

    /// Leaves everything and ends the tracer thread. Attached processes go on as if nothing had been; launched
    /// trees are killed, or go on, as their [`crate::AfterTracer`] says. Engines are dropped without a death callback;
    /// those of the dead whose parents have not waited yet are told of the reap now.
    ///
    /// Blocks until it is done. Not to be called from a callback.
    pub fn shutdown(&self) {
        self.inner.shutdown();
    }

    /// As [`Host::ask`], for what takes longer than being woken.
    pub(crate) fn ask_at_leisure<T>(
        &self,
        message: impl FnOnce(mpsc::SyncSender<T>) -> Message,
    ) -> Result<T, HostError> {
        self.post(message)?.recv().map_err(|_| HostError::Ended)
    }

    /// Sends a message that carries a reply slot, and waits for the answer.
    pub(crate) fn ask<T>(
        &self,
        message: impl FnOnce(mpsc::SyncSender<T>) -> Message,
    ) -> Result<T, HostError> {
        let answer = self.post(message)?;
        let until = Instant::now() + PATIENCE;
        while glance::pays() && Instant::now() < until {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => drop(glance::pause()),
                other => return other.map_err(|_| HostError::Ended),
            }
        }
        answer.recv().map_err(|_| HostError::Ended)
    }

    /// Sends such a message. Answers where its answer comes.
    fn post<T>(
        &self,
        message: impl FnOnce(mpsc::SyncSender<T>) -> Message,
    ) -> Result<mpsc::Receiver<T>, HostError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.inner.shared.mailbox.post(message(reply))?;
        Ok(answer)
    }
}

impl Inner {
    fn shutdown(&self) {
        // If it has ended already, there is nothing to ask for.
        let _ = self.shared.mailbox.post(Message::Shutdown);
        self.shared.end_watchdog();
        let threads = core::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if self.shared.mailbox.is_owner() {
            return;
        }
        for thread in threads {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
        self.await_release();
    }

    /// Blocks until the kernel has released the tracer thread.
    ///
    /// Threads that sleep are left by its end (`exit_ptrace()`), and a join returns a moment before: the word it waits for is
    /// cleared in `exit_mm()`, which comes first. Its end is told after `exit_ptrace()` (`exit_notify()`). The bound is for the
    /// case that its number is in use again.
    fn await_release(&self) {
        let (Some(me), Some(tracer)) =
            (Tid::new(std::process::id().cast_signed()), self.shared.mailbox.owner())
        else {
            return;
        };
        let is_there = || process::tgkill(me, tracer, 0).is_ok();
        let Ok(thread) = pidfd::open_thread(tracer) else {
            // Before Linux 6.9 only processes can be opened.
            for _ in 0..RELEASE_LOOKS {
                if !is_there() {
                    return;
                }
                std::thread::sleep(RELEASE_NAP);
            }
            return;
        };
        if is_there() {
            pidfd::await_end(&thread, RELEASE_NAP * RELEASE_LOOKS);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("tasks", &self.tasks().len()).finish_non_exhaustive()
    }
}
