//! The calls of clients, answered while they sleep in them.
//!
//! Key types: [`Catcher`]. The other way to the same answers is `client`, for threads that stop at their calls.
//! A ptrace call is answered at once. So is a wait, if there is news; if not, it sleeps for an answer a moment
//! ([`PATIENCE`]), because a tracee that was let go mostly stops again soon. After that it sleeps as a wait in `client`
//! does: in the kernel's own wait, or in pause(2). What is told of a link ([`Threads::tell`]) takes effect in
//! [`Catcher::settle`]: its tracee stands still by then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use utrace_abi::ptrace::{self as abi, AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, PtraceEvent};
use utrace_core::{Action, Answer, Answers, Caught, Event, Filtered, Question, SigInfo, Syscall, Task, When};

use super::client::{Outcome, answer, ask_keeper, requested, resolved};
use super::link::{Link, Phase, State, Told};
use super::memory;
use super::num;
use super::own;
use super::proc;
use super::serve::Call;
use super::status;
use super::stop::Stop;
use super::tracee::hold;
use super::width::Width;
use super::world::{Held, LinkId, Sleep, Threads, Waiting, World};

/// How long a wait sleeps for an answer: signals to it are not seen meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_millis(1);

/// When a leader that is about to end is looked at again, should no SIGCHLD of its end call for that before.
const LEADER: Duration = Duration::from_millis(5);

/// When a wait that sleeps for an answer for longer is looked at again for signals.
const AGAIN: Duration = Duration::from_millis(20);

/// Files are read at small offsets mostly; memory begins here (`vm.mmap_min_addr`).
const LOWEST: u32 = 0x10000;

/// Answers the calls of one tree.
pub(super) struct Catcher {
    world: Arc<World>,
}

impl Catcher {
    pub(super) fn new(world: &Arc<World>) -> Catcher {
        Catcher { world: Arc::clone(world) }
    }

    fn ptrace(&self, question: &mut Question<'_>) -> Option<Answer> {
        let caller = question.task().id().0;
        let Some(mut call) = Call::decode(caller, question.call().arch, question.call().args) else {
            return Some(Answer::System);
        };
        call.pid = self.world.lock().global(caller, call.pid);
        if let Some(result) = requested(&self.world, &call, question.target()) {
            let mut threads = self.world.lock();
            if let Some(thread) = threads.threads.get_mut(&caller) {
                thread.answer_taken();
            }
            threads.foresee_more(caller);
            return Some(Answer::Value(result));
        }
        if question.is_interrupted() {
            return Some(Answer::System);
        }
        let mut threads = self.world.lock();
        match ask_keeper(&self.world, &mut threads, &call) {
            Outcome::Result(result) => Some(Answer::Value(result)),
            Outcome::Native | Outcome::Pause => Some(Answer::System),
            Outcome::Hold => {
                // It may take long: it stops meanwhile, and makes the call again. Not before it is interrupted.
                if let Some(thread) = threads.threads.get(&caller) {
                    let _ = thread.engine.control(Action::Interrupt);
                }
                let now = Instant::now();
                let since = now.checked_sub(PATIENCE).unwrap_or(now);
                threads.askers.push(Held { caller, asker: question.hold(), since });
                None
            }
        }
    }

    fn wait(&self, question: &mut Question<'_>) -> Option<Answer> {
        let (caller, ip) = (question.task().id().0, question.call().ip.0);
        let Some(call) = resolved(&self.world, caller, question.call()) else { return Some(Answer::System) };
        if call.usage != 0 {
            // From now on it is counted.
            let _ = question.target().usage();
        }
        let mut threads = self.world.lock();
        // Who is told of a stop has had its SIGCHLD.
        threads.spread_news();
        if let Some(found) = threads.find(caller, &call) {
            threads.foresee(caller, &call, &found);
            return Some(Answer::Value(answer(&call, Some(&found), question.target())));
        }
        threads.note_withheld(caller, &call);
        let linked = threads.has_links(caller, &call);
        if call.is_polling() || question.is_interrupted() {
            // The kernel's own wait would have looked at what is there, and gone.
            return Some(match !linked || threads.has_children(caller, &call) {
                true => Answer::System,
                false if call.is_polling() => Answer::Value(answer(&call, None, question.target())),
                false => Answer::Value(num::ERESTARTSYS),
            });
        }
        let sleep = if linked { Sleep::Asking } else { Sleep::InWait };
        let thread = threads.threads.get_mut(&caller)?;
        thread.waiting = Some(Waiting { call, sleep, ip });
        if !linked {
            return Some(Answer::System);
        }
        threads.askers.push(Held { caller, asker: question.hold(), since: Instant::now() });
        None
    }

    /// Whether the caller's own filters stop this call for a tracer, and there is none.
    fn is_refused(&self, caller: u32, call: &Syscall) -> bool {
        let mut threads = self.world.lock();
        threads.told_of(caller, call).is_some() && !threads.has_listener(caller)
    }

    fn fetch(&self, question: &Question<'_>) {
        let (thread, process) = (question.task().id().0, question.task().process().0);
        let mut threads = self.world.lock();
        if let Some(raw) = threads.actions.fetch(process, thread) {
            threads.send(thread, SigInfo { number: num::SIGCHLD, raw });
        }
    }
}

/// What is caught.
pub(super) fn calls() -> Vec<Caught> {
    let native = |number: u64, when| Caught {
        arch: AUDIT_ARCH_X86_64,
        number: u32::try_from(number).unwrap_or(u32::MAX),
        when,
    };
    let always =
        [num::PTRACE, num::WAIT4, num::WAITID, num::SECCOMP, num::FSTATFS].into_iter().chain(num::FETCHES);
    let mut calls: Vec<Caught> = always.map(|number| native(number, When::Always)).collect();
    calls.extend([num::PREAD64, num::PWRITE64].map(|number| native(number, When::AtLeast(3, LOWEST))));
    calls.push(native(num::SIGACTION, When::Is(0, num::SIGCHLD)));
    for signal in [num::SIGSTOP, num::SIGCONT] {
        calls.push(native(num::TKILL, When::Is(1, signal)));
        calls.push(native(num::TGKILL, When::Is(2, signal)));
    }
    // Who opens to read as fopen(3) does, or goes back to the beginning. Other ways are at full speed: a loader, a compiler and
    // most languages have flags of their own, and a filter cannot see which file is meant.
    calls.push(native(num::LSEEK, When::Zeroes(1, 2)));
    calls.push(native(num::OPENAT, When::Without(2, num::O_OTHER)));
    calls.push(native(num::OPEN, When::Without(1, num::O_OTHER)));
    calls
        .extend([num::PR_SET_SECCOMP, num::PR_GET_SECCOMP].map(|what| native(num::PRCTL, When::Is(0, what))));
    let narrow: Vec<Caught> = calls.iter().flat_map(narrow).collect();
    calls.extend(narrow);
    calls
}

/// The same call of 32-bit programs, which have several for some.
fn narrow(caught: &Caught) -> impl Iterator<Item = Caught> {
    let when = caught.when;
    Width::numbers(u64::from(caught.number)).filter_map(move |number| {
        Some(Caught { arch: AUDIT_ARCH_I386, number: u32::try_from(number).ok()?, when })
    })
}

/// Whether this call is caught.
pub(super) fn asks(call: &Syscall) -> bool {
    let meets = |when: When| match when {
        When::Always => true,
        When::Is(at, value) => {
            call.args.get(usize::from(at)).is_some_and(|arg| arg & 0xffff_ffff == u64::from(value))
        }
        When::Without(at, bits) => {
            call.args.get(usize::from(at)).is_some_and(|arg| arg & u64::from(bits) == 0)
        }
        When::Zeroes(one, other) => {
            [one, other].iter().all(|at| call.args.get(usize::from(*at)).is_some_and(|arg| *arg as u32 == 0))
        }
        When::AtLeast(at, value) => {
            call.args.get(usize::from(at)).is_some_and(|arg| *arg >= u64::from(value))
        }
    };
    let of = |caught: &Caught| caught.arch == call.arch && u64::from(caught.number) == call.number;
    calls().iter().any(|caught| of(caught) && meets(caught.when))
}

impl Answers for Catcher {
    fn calls(&self) -> Vec<Caught> {
        calls()
    }

    fn begin(&self) {
        self.world.set_asks();
    }

    fn ask(&self, question: &mut Question<'_>) -> Option<Answer> {
        let call = *question.call();
        let caller = question.task().id().0;
        let mut threads = self.world.lock();
        threads.heed(caller, &call, || question.foresight());
        if let Some(thread) = threads.threads.get_mut(&caller) {
            // Whatever it waited in is over.
            if thread.waiting.take().is_some() {
                thread.watch();
            }
        }
        drop(threads);
        if self.is_refused(caller, &call) {
            return Some(Answer::Value(num::ENOSYS));
        }
        let value = |result: Option<i64>| Some(result.map_or(Answer::System, Answer::Value));
        let Some((width, nr)) = Width::known(call.arch, call.number) else { return Some(Answer::System) };
        match nr {
            num::PTRACE => self.ptrace(question),
            num::WAIT4 | num::WAITID => self.wait(question),
            num::PREAD64 | num::PWRITE64 => {
                let mut threads = self.world.lock();
                let args = memory::arguments(width, call.args);
                value(memory::transfer(&mut threads, caller, nr, args, question.target()))
            }
            num::TKILL | num::TGKILL => {
                let done = self.world.lock().halt(caller, nr, &call);
                Some(if done { Answer::Value(0) } else { Answer::System })
            }
            num::OPEN | num::OPENAT => value(status::opened(&self.world, question, nr).map(i64::from)),
            num::LSEEK => value(status::rewound(&self.world, question)),
            num::FSTATFS => value(status::file_system(&self.world, question)),
            num::SIGACTION => {
                let process = question.task().process().0;
                self.world.lock().learn_action(process, width, call.args[1], question.target());
                Some(Answer::System)
            }
            num::PRCTL if call.args[0] & 0xffff_ffff == u64::from(num::PR_GET_SECCOMP) => {
                // Our filter alone is none of the program's.
                Some(if proc::filters(caller) == Some(1) { Answer::Value(0) } else { Answer::System })
            }
            num::SECCOMP | num::PRCTL => {
                if question.is_interrupted() {
                    return Some(Answer::System);
                }
                if let Some((filter, all)) = own::set_by(width, nr, call.args, question.target()) {
                    self.world.lock().add_filter(caller, filter, all);
                }
                Some(Answer::System)
            }
            _ if num::FETCHES.contains(&nr) => {
                self.fetch(question);
                Some(Answer::System)
            }
            _ => Some(Answer::System),
        }
    }

    fn filtered(&self, task: &Task, told: u16) -> Filtered {
        let mut threads = self.world.lock();
        let tracee = task.id().0;
        let wants = |link: &Link| {
            link.tracee == tracee
                && link.state == State::Running
                && link.has(abi::PTRACE_O_TRACESECCOMP)
                && link.phase != Phase::Leaving
        };
        let links: Vec<LinkId> =
            threads.links.iter().filter(|(_, link)| wants(link)).map(|(id, _)| *id).collect();
        for id in &links {
            if let Some(link) = threads.link(*id) {
                link.stop(Stop::Event(PtraceEvent::Seccomp, u64::from(told)));
            }
            hold(&mut threads, *id);
            threads.tell(*id);
        }
        if links.is_empty() { Filtered::Untold } else { Filtered::Told }
    }

    fn settle(&self) -> Option<Duration> {
        let mut threads = self.world.lock();
        threads.spread_news();
        let late = threads.recall_late();
        let patience = if threads.askers.is_empty() { None } else { threads.lose_patience() };
        let leaders = if threads.tell_of_leaders() { Some(LEADER) } else { None };
        late.into_iter().chain(patience).chain(leaders).min()
    }
}

impl Threads {
    /// Tells of what has come, as far as its tracees stand still by now.
    fn spread_news(&mut self) {
        if !self.news.is_empty() {
            let news = core::mem::take(&mut self.news);
            let later: Vec<LinkId> = news.into_iter().filter(|id| !self.spread(*id)).collect();
            self.news.extend(later);
        }
    }

    /// Tells of a link, if its tracee stands still by now. Answers whether that is done.
    fn spread(&mut self, id: LinkId) -> bool {
        let Some(link) = self.links.get(&id) else { return true };
        match &link.state {
            State::Running | State::Listening => return true,
            State::Stopped(stop, _) if !matches!(stop, Stop::Group(_)) && !link.task.is_stopped() => {
                return false;
            }
            State::Stopped(..) | State::Ended(_) => {}
        }
        // What a wait has been told of already, its answers know.
        if !matches!(link.state, State::Stopped(_, Told::Yes)) {
            self.recall_process(link.tracer_process);
        }
        let Some(link) = self.links.get(&id) else { return true };
        // The kernel sends SIGCHLD before it wakes who waits (`do_notify_parent_cldstop`): the one has come when the other
        // returns. A call that is being answered is not interrupted by it.
        match self.waiter_of(link) {
            Some((caller, Sleep::Asking)) => {
                self.notify(id);
                self.answer_held(caller);
            }
            Some((caller, _)) => {
                self.wake(caller);
                self.notify(id);
            }
            None => self.notify(id),
        }
        self.stop_for_others(id);
        true
    }

    /// Answers a wait that sleeps for it, if there is something to tell.
    fn answer_held(&mut self, caller: u32) {
        let Some(thread) = self.threads.get(&caller) else { return };
        let (Some(waiting), task) = (thread.waiting, thread.task.clone()) else { return };
        let Some(found) = self.find(caller, &waiting.call) else { return };
        self.foresee(caller, &waiting.call, &found);
        // It died if it has no memory any more.
        let result = task.with_target(|client| answer(&waiting.call, Some(&found), client));
        self.let_on(caller, Answer::Value(result.unwrap_or(num::EFAULT)));
        if let Some(thread) = self.threads.get_mut(&caller) {
            thread.waiting = None;
        }
    }

    /// Ends the sleep of a wait for an answer.
    pub(super) fn let_on(&mut self, caller: u32, with: Answer) {
        if let Some(at) = self.askers.iter().position(|held| held.caller == caller) {
            // One that is gone was killed.
            let _ = self.askers.swap_remove(at).asker.give(with);
        }
    }

    /// Sends waits that have slept for an answer long enough to where they can sleep for good. Answers when it is the
    /// next one's time.
    fn lose_patience(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let over: Vec<u32> = self
            .askers
            .iter()
            .filter(|held| now.saturating_duration_since(held.since) >= PATIENCE)
            .map(|held| held.caller)
            .collect();
        for caller in over {
            self.send_to_sleep(caller);
        }
        let oldest = self.askers.iter().map(|held| held.since).min()?;
        Some((oldest + PATIENCE).saturating_duration_since(now))
    }

    fn send_to_sleep(&mut self, caller: u32) {
        let thread = self.threads.get(&caller);
        if thread.is_some_and(|thread| thread.asked.is_some()) {
            // The interrupt that was asked for is on its way by now.
            return self.let_on(caller, Answer::Value(num::ERESTARTNOINTR));
        }
        let watched = thread.is_some_and(|thread| thread.task.asked_for(Event::SyscallExit));
        let Some(waiting) = thread.and_then(|thread| thread.waiting) else {
            return self.let_on(caller, Answer::System);
        };
        if watched && self.is_withheld(caller, &waiting.call) && !proc::has_signal(caller) {
            // Whoever watches its calls would see it leave this one. What it sleeps for comes when a tracer gets to it.
            for held in self.askers.iter_mut().filter(|held| held.caller == caller) {
                held.since = Instant::now() + AGAIN;
            }
            return;
        }
        // Links may have been cut: then the kernel says that there is nobody to wait for.
        let native = self.has_children(caller, &waiting.call) || !self.has_links(caller, &waiting.call);
        let Some(thread) = self.threads.get_mut(&caller) else { return };
        match (native, waiting.sleep) {
            (true, _) => {
                thread.waiting = Some(Waiting { sleep: Sleep::InWait, ..waiting });
                thread.watch();
                self.let_on(caller, Answer::System);
            }
            // The interrupt has been asked for, and waits for the thread: it comes to a stop with this result.
            (false, Sleep::Leaving) => self.let_on(caller, Answer::Again),
            (false, _) => {
                thread.waiting = Some(Waiting { sleep: Sleep::Leaving, ..waiting });
                thread.watch();
                let _ = thread.engine.control(Action::Interrupt);
            }
        }
    }
}
