//! Answering calls without a stop: questions of the threads behind a filter, between their stops.
//!
//! The tracer thread sleeps for stops and questions together once the first launch has such a filter
//! ([`Tracer::hear`]); until then it sleeps in wait4 as ever. Who answers is an [`utrace_core::Answers`]; what a reply does
//! is [`crate::notify`]'s. A caught call that a signal interrupted before anybody heard of it is `unheard`'s.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use utrace_core::{Addr, Answer, Answers, Line, Question, Syscall, SyscallSet};

use super::tracee::Tracee;
use super::unheard::Rerun;
use super::view::Afar;
use super::{News, Tracer};
use crate::error::HostError;
use crate::filter::ARCH_X86_64;
use crate::notice::Notice;
use crate::notify::{Answerer, Desk};
use crate::sys::Errno;
use crate::sys::notify::{Heard, Listeners, Received};
use crate::sys::sigchld;
use crate::sys::sigmask::{self, SigMask};
use crate::sys::{spawn, wait};
use crate::types::Tid;

/// The filters that ask us, and who answers.
pub(super) struct Desks {
    pub(super) answerer: Option<Answerer>,
    /// Who answers from the first filter on that comes from elsewhere.
    later: Option<Answerer>,
    /// Who is told where a program's own filter stops, also if nothing can be answered.
    told: Option<Arc<dyn Answers>>,
    pub(super) open: Vec<Arc<Desk>>,
    listeners: Listeners,
    looks: Looks,
    /// Whether a tracee was let go since the last look.
    pub(super) let_go: bool,
}

/// Whether a stop may have come that was not looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Looks {
    Due,
    /// All that had come were taken. A later one is pending as SIGCHLD, which ends the next sleep at once; unless there is a
    /// question, of which so many go before a stop.
    Done {
        questions: u8,
    },
}

/// How many tracees are too many to look at after each answer.
const MANY: usize = 64;
/// How many questions are answered before a stop.
const BEFORE_A_STOP: u8 = 8;

impl Desks {
    /// Makes the calling thread one that hears questions. If that cannot be, nobody answers, and engines are to stop at
    /// the calls: a container may refuse a filter with a listening end, or have one already.
    pub(super) fn new(answerer: Option<Answerer>) -> Self {
        let told = answerer.as_ref().map(|answerer| Arc::clone(&answerer.answers));
        let (answerer, later) = match answerer {
            Some(answerer) if answerer.for_others => (None, Some(answerer)),
            answerer => (answerer, None),
        };
        let able = |answerer: &Answerer| {
            let able = spawn::can_listen() && sigchld::hear_stops().is_ok() && block_all().is_ok();
            if able {
                answerer.answers.begin();
            }
            able
        };
        let answerer = answerer.filter(able);
        Self {
            answerer,
            later,
            told,
            open: Vec::new(),
            listeners: Listeners::default(),
            looks: Looks::Due,
            let_go: true,
        }
    }

    /// Who is to be told of a call that a program's own filter stopped.
    pub(super) fn listener_of_filters(&self) -> Option<Arc<dyn Answers>> {
        self.told.clone()
    }

    /// Whether nobody can ask.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Tracer {
    /// The launch whose first program begins has a filter that asks: listen to it.
    pub(super) fn open_desk(&mut self, tracee: &Tracee) {
        let received = match &mut *tracee.group.embryo.borrow_mut() {
            Some(launch) => launch.embryo.listener(),
            None => return,
        };
        let opened = received.and_then(|fd| fd.map_or(Ok(()), |fd| self.sit_down(fd)));
        // Its calls fail from now on, and it says so itself.
        if let Err(errno) = opened {
            let error = HostError::Ptrace("listen to its filter", tracee.tid, errno);
            self.shared.notify(Notice::Failed(error));
        }
    }

    /// Listens to a filter that comes from elsewhere. The first one of a host that launches nothing makes it hear.
    pub(super) fn listen_to(&mut self, filter: OwnedFd) -> Result<(), Errno> {
        if self.desks.answerer.is_none() {
            let answerer = self.desks.later.clone().ok_or(Errno::EINVAL)?;
            sigchld::hear_stops()?;
            block_all()?;
            answerer.answers.begin();
            self.desks.answerer = Some(answerer);
        }
        self.sit_down(filter)
    }

    fn sit_down(&mut self, filter: OwnedFd) -> Result<(), Errno> {
        // The guardian inherits place and policy.
        self.placement.go_home();
        let desk = Desk::open(filter)?;
        self.desks.listeners.add(desk.listener().fd());
        self.children.insert(desk.guardian(), Arc::default());
        self.desks.looks = Looks::Due;
        self.desks.open.push(Arc::new(desk));
        Ok(())
    }

    /// The tree behind a filter is gone.
    fn leave_desk(&mut self, place: usize) {
        self.desks.listeners.remove(place);
        self.desks.open.swap_remove(place);
        if self.desks.open.is_empty() && self.desks.later.is_some() {
            self.desks.answerer = None;
            sigchld::stop_hearing();
            // As before the first: each stop costs less so.
            let _ = sigmask::replace(SigMask::ALL.without(libc::SIGCHLD));
        }
    }

    /// Nobody asks us any more: the guardian answers from now on.
    pub(super) fn close_desks(&mut self) {
        if self.desks.answerer.take().is_some() {
            sigchld::stop_hearing();
        }
        for desk in self.desks.open.drain(..) {
            desk.retire();
            if desk.listener().has_ended() {
                // So does the guardian: nobody else may wait for it. ECHILD: it was waited for.
                let _ = wait::wait_for(desk.guardian());
            }
        }
        self.desks.listeners = Listeners::default();
    }

    /// The next news.
    pub(super) fn hear(&mut self) -> Result<News, Errno> {
        // Who was let go by the last answer has often stopped by now, and a look is cheaper than the sleep that its signal ends;
        // but each walks all tracees.
        let often = core::mem::take(&mut self.desks.let_go) && self.table.len() < MANY;
        if self.desks.looks == Looks::Due || often {
            if let Some((tid, status)) = wait::look(&self.usage)? {
                return Ok(News::Stop(tid, status));
            }
            self.desks.looks = Looks::Done { questions: BEFORE_A_STOP };
        }
        let Some(answerer) = &self.desks.answerer else { return Ok(News::Mail) };
        let next = answerer.answers.settle();
        if self.shared.mailbox.has_news() {
            return Ok(News::Mail);
        }
        match self.desks.listeners.wait(next) {
            Heard::Stop => {
                self.desks.looks = Looks::Due;
                Ok(News::Mail)
            }
            Heard::Question(place) => {
                self.desks.looks = match self.desks.looks {
                    Looks::Done { questions: more @ 1.. } => Looks::Done { questions: more - 1 },
                    Looks::Done { .. } | Looks::Due => Looks::Due,
                };
                Ok(News::Question(place))
            }
            Heard::End(place) => {
                self.leave_desk(place);
                Ok(News::Mail)
            }
        }
    }

    /// Somebody asks.
    pub(super) fn answer(&mut self, place: usize) {
        let Some(desk) = self.desks.open.get(place).map(Arc::clone) else { return };
        let question = match desk.listener().receive() {
            Ok(Some(question)) => question,
            Ok(None) => return,
            Err(errno) => {
                let error = HostError::Start("receive a question", errno);
                return self.shared.notify(Notice::Failed(error));
            }
        };
        let Some(from) = question.tid else {
            let _ = desk.listener().send(question.id, None);
            return;
        };
        let (rerun, answer) = self.ask(&desk, from, question);
        match answer {
            Some(answer) => {
                self.offer_board(&desk, from, question.id);
                desk.reply(from, question, answer);
                if rerun == Rerun::Running && answer == Answer::System {
                    self.cut_short(from);
                }
            }
            None => desk.expect(from, question),
        }
        self.placement.answered(from);
    }

    /// The filters that ask us.
    pub(super) fn desks(&self) -> impl Iterator<Item = &Arc<Desk>> {
        self.desks.open.iter()
    }

    fn ask(&mut self, desk: &Arc<Desk>, from: Tid, question: Received) -> (Rerun, Option<Answer>) {
        let (Some(mut tracee), Some(answerer)) = (self.table.take(from), self.desks.answerer.clone()) else {
            // A thread that we do not trace is the kernel's.
            return (Rerun::No, Some(Answer::System));
        };
        let rerun = tracee.rerun;
        if rerun == Rerun::Running {
            tracee.rerun = Rerun::Heard;
        }
        let (task, key, sign) = (tracee.task.clone(), tracee.key, Arc::clone(&tracee.sign));
        self.table.put(tracee);
        let number = u64::from(question.number);
        let call = Syscall {
            number,
            index: if question.arch == ARCH_X86_64 { number } else { SyscallSet::OTHER },
            args: question.args,
            arch: question.arch,
            ip: Addr(question.ip),
            sp: Addr(0),
        };
        let line: Arc<dyn Line> = Arc::clone(desk) as Arc<dyn Line>;
        let mut target = Afar { shared: &self.shared, sign: &sign, key, tid: from };
        let mut asked = Question::new(&task, call, &mut target, &line, question.id);
        let answer = self.guarded(from, || answerer.answers.ask(&mut asked));
        (rerun, answer.unwrap_or(Some(Answer::System)))
    }

    /// A thread is gone, and what is known of its calls with it.
    pub(super) fn forget_questions(&self, tid: Tid) {
        for desk in &self.desks.open {
            desk.forget(tid);
        }
    }
}

/// `SIGCHLD` too: it is open only while we sleep for it.
fn block_all() -> Result<(), Errno> {
    sigmask::replace(SigMask::ALL).map(drop)
}
