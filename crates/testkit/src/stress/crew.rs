//! The random engines, and all that is known of them.
//!
//! Key types: [`Crew`], shared by everybody in a round; [`Watch`], the judge of one engine. The engine itself is in `chaos`;
//! its handle may be kept by the crew, or by nobody (spec section 6, model 1: whoever wants it looks it up). Every call on an engine goes through [`Crew`], so that it is
//! written down. No lock of a crew is held over a call to the core.

mod chaos;

use super::check::Checker;
use super::journal::Journal;
use super::note::{Answer, By, CallId, Note, Op};
use super::plan::Freedom;
use super::random::Random;
use crate::gate::lock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use utrace_core::{
    Action, Attach, AttachError, BarrierError, ControlError, Detached, EngineRef, Event, EventSet, Interest,
    Match, Place, Progress, SetEventsError, SyncError, SyscallSet, Task,
};

use chaos::Chaos;
pub use chaos::become_controller;

/// How many handles a crew keeps.
const KEPT: usize = 16;

/// What the engines of a round may do to their tasks.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Besides looking on.
    pub freedom: Freedom,
    /// Syscalls that engines ask for, by index.
    pub calls: Vec<u64>,
    /// The one that they may skip, or whose result they may change.
    pub toy_call: u64,
    /// The one signal that they may drop.
    pub toy_signal: u32,
    /// How many engines there may be at once.
    pub crowd: usize,
}

/// The judge of one engine.
#[derive(Debug)]
pub struct Watch {
    /// Its number: the tag of the engine.
    pub id: usize,
    /// Whoever checks that the engine holds its task has this to himself; whoever would end the hold shares it.
    pub lease: RwLock<()>,
    task: u32,
    checker: Mutex<Checker>,
    calls: AtomicU64,
}

/// Everything that the engines and the controllers of a round share.
pub struct Crew {
    /// What happened.
    pub journal: Journal,
    /// What they may do.
    pub rules: Rules,
    /// No engine holds anything any more, so that the tree can end.
    calm: AtomicBool,
    watches: Mutex<Vec<(Task, Arc<Watch>)>>,
    kept: Mutex<Vec<EngineRef>>,
    made: AtomicUsize,
    dropped: AtomicUsize,
    wrongs: Mutex<Vec<String>>,
}

impl Crew {
    /// Nobody yet.
    #[must_use]
    pub fn new(rules: Rules) -> Arc<Crew> {
        Arc::new(Crew {
            journal: Journal::default(),
            rules,
            calm: AtomicBool::new(false),
            watches: Mutex::default(),
            kept: Mutex::default(),
            made: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            wrongs: Mutex::default(),
        })
    }

    /// From here on engines only look on.
    pub fn calm_down(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    /// How many engines were made, and how many of those were dropped.
    pub fn engines(&self) -> (usize, usize) {
        let dropped = self.dropped.load(Ordering::SeqCst);
        (self.made.load(Ordering::SeqCst), dropped)
    }

    /// How many engines there have been: their numbers are below this.
    pub fn numbers(&self) -> usize {
        lock(&self.watches).len()
    }

    /// The task and the judge of engine `id`.
    pub fn watch(&self, id: usize) -> Option<(Task, Arc<Watch>)> {
        lock(&self.watches).get(id).cloned()
    }

    /// Says that something is wrong.
    pub fn wrong(&self, what: &str) {
        self.journal.say(0, 0, format!("WRONG: {what}"));
        let mut wrongs = lock(&self.wrongs);
        if wrongs.len() < 20 {
            let latest = if wrongs.is_empty() { self.journal.latest() } else { String::new() };
            wrongs.push(format!("{what}\n{latest}"));
        }
    }

    /// All that was found wrong.
    pub fn wrongs(&self) -> Vec<String> {
        lock(&self.wrongs).clone()
    }

    /// A handle that the crew keeps.
    pub fn some_kept(&self, pick: u64) -> Option<EngineRef> {
        let kept = lock(&self.kept);
        kept.get(usize::try_from(pick % (kept.len().max(1) as u64)).unwrap_or(0)).cloned()
    }

    /// Takes a handle away from the crew.
    pub fn take_kept(&self, pick: u64) -> Option<EngineRef> {
        let mut kept = lock(&self.kept);
        let at = usize::try_from(pick % (kept.len().max(1) as u64)).unwrap_or(0);
        (at < kept.len()).then(|| kept.swap_remove(at))
    }

    /// Forgets every handle and every task. Engines that no list holds are dropped by that.
    pub fn close(&self) {
        let kept = core::mem::take(&mut *lock(&self.kept));
        drop(kept);
        let watches = core::mem::take(&mut *lock(&self.watches));
        drop(watches);
    }

    fn note(&self, watch: &Watch, note: Note) {
        self.journal.note(watch.id, watch.task, note);
        let said = lock(&watch.checker).note(note);
        if let Err(what) = said {
            self.wrong(&format!("engine {} of task {}: {what}", watch.id, watch.task));
        }
    }

    /// Attaches a random engine to a task, and mostly has it ask for something.
    pub fn attach(self: &Arc<Crew>, task: &Task, random: &mut Random) {
        let mut draw = random.fork();
        let (made, dropped) = self.engines();
        if made - dropped >= self.rules.crowd {
            return;
        }
        let watch = {
            let mut watches = lock(&self.watches);
            let (id, of) = (watches.len(), task.id().0);
            let watch = Arc::new(Watch {
                id,
                lease: RwLock::new(()),
                task: of,
                checker: Mutex::default(),
                calls: AtomicU64::new(0),
            });
            watches.push((task.clone(), Arc::clone(&watch)));
            watch
        };
        self.made.fetch_add(1, Ordering::SeqCst);
        let engine = Chaos::new(Arc::clone(self), Arc::clone(&watch), draw.fork());
        let place = match (draw.below(6), self.some_kept(draw.next())) {
            (0, _) => Place::First,
            (1, Some(other)) => Place::Before(other),
            (2, Some(other)) => Place::After(other),
            _ => Place::Last,
        };
        let exclusive = draw.one_in(8).then(|| Match::tag(usize::try_from(draw.below(50)).unwrap_or(0)));
        let how = Attach { place, exclusive, tag: watch.id };
        let attached = task.attach_with(Box::new(engine), how);
        self.journal.count(
            "attach",
            match attached {
                Ok(_) => "done",
                Err(AttachError::Gone) => "gone",
                Err(AttachError::Exists) => "exists",
                Err(AttachError::NotPermitted) => "not permitted",
            },
        );
        let Ok(engine) = attached else { return };
        let interest = self.some_interest(&mut draw);
        if !draw.one_in(8) {
            self.set_events(&engine, &watch, By::Other, interest);
        }
        if draw.one_in(8) && !self.is_calm() {
            self.control(&engine, &watch, By::Other, Action::Stop);
        }
        if draw.below(3) != 0 {
            lock(&self.kept).push(engine);
        }
        // The last handle of an engine may go here: in a callback, in a reap, in a controller.
        if lock(&self.kept).len() > KEPT {
            drop(self.take_kept(draw.next()));
        }
    }

    /// Some events, with some sets.
    pub fn some_interest(&self, random: &mut Random) -> Interest {
        let mut draw = random.fork();
        let sparse = draw.below(4) + 1;
        let events = Event::ALL
            .into_iter()
            .filter(|_| draw.one_in(sparse))
            .fold(EventSet::NONE, |set, event| set | event);
        let interest = Interest::in_events(events);
        let calls: SyscallSet = self.rules.calls.iter().copied().filter(|_| draw.one_in(2)).collect();
        match draw.below(3) {
            0 => interest,
            1 => interest.with_syscalls(calls),
            _ => interest
                .with_syscalls(calls)
                .with_signals([10, 12, 34].into_iter().filter(|_| draw.one_in(2)).collect()),
        }
    }

    fn begin(&self, watch: &Watch, op: Op, by: By) -> CallId {
        let id = CallId(watch.calls.fetch_add(1, Ordering::Relaxed));
        self.note(watch, Note::Begin(id, op, by));
        id
    }

    fn end(&self, watch: &Watch, id: CallId, op: Op, answer: Answer) -> Answer {
        self.note(watch, Note::End(id, answer));
        self.journal.count_call(op, answer);
        answer
    }

    /// `set_events`, written down.
    pub fn set_events(&self, engine: &EngineRef, watch: &Watch, by: By, interest: Interest) -> Answer {
        let op = Op::SetEvents(interest);
        let id = self.begin(watch, op, by);
        let answer = match engine.set_events(interest) {
            Ok(progress) => progressed(progress),
            Err(SetEventsError::Gone) => Answer::Gone,
            Err(SetEventsError::AlreadyDying) => Answer::AlreadyDying,
        };
        self.end(watch, id, op, answer)
    }

    /// `set_events_sync`, written down.
    pub fn set_events_sync(&self, engine: &EngineRef, watch: &Watch, by: By, interest: Interest) -> Answer {
        let op = Op::SetEventsSync(interest);
        let id = self.begin(watch, op, by);
        let answer = engine.set_events_sync(interest).map_or_else(unsynced, |()| Answer::Done);
        self.end(watch, id, op, answer)
    }

    /// `control`, written down. Whoever would end a hold must share the lease of the watch.
    pub fn control(&self, engine: &EngineRef, watch: &Watch, by: By, action: Action) -> Answer {
        let op = Op::Control(action);
        let id = self.begin(watch, op, by);
        let answer = match engine.control(action) {
            Ok(progress) => progressed(progress),
            Err(ControlError::Gone) => Answer::Gone,
            Err(ControlError::AlreadyDying) => Answer::AlreadyDying,
            Err(ControlError::NeedsQuiesce | ControlError::NoHardware) => Answer::Refused,
        };
        self.end(watch, id, op, answer)
    }

    /// `barrier`, written down.
    pub fn barrier(&self, engine: &EngineRef, watch: &Watch, by: By) -> Answer {
        let id = self.begin(watch, Op::Barrier, by);
        let answer = match engine.barrier() {
            Ok(()) => Answer::Done,
            Err(BarrierError::Gone) => Answer::Gone,
            Err(BarrierError::Interrupted) => Answer::Interrupted,
        };
        self.end(watch, id, Op::Barrier, answer)
    }

    /// `detach_sync`, written down.
    pub fn detach_sync(&self, engine: &EngineRef, watch: &Watch, by: By) -> Answer {
        let id = self.begin(watch, Op::DetachSync, by);
        let answer = match engine.detach_sync() {
            Ok(Detached::Over) => Answer::Done,
            Ok(Detached::ReapRuns) => Answer::ReapRuns,
            Err(error) => unsynced(error),
        };
        self.end(watch, id, Op::DetachSync, answer)
    }

    /// Says that the engine holds its task from here on, or no more.
    pub fn note_hold(&self, watch: &Watch, held: bool) {
        self.note(watch, if held { Note::Held } else { Note::LetGo });
    }

    /// Looks an engine up by its number.
    pub fn look_up(&self, id: usize) -> Option<(EngineRef, Arc<Watch>)> {
        let (task, watch) = self.watch(id)?;
        let may = lock(&watch.checker).may_be_found();
        let found = task.find(Match { tag: Some(id), ..Match::kind_of::<Chaos>() });
        self.journal.count("lookup", if found.is_some() { "found" } else { "nothing" });
        if found.is_some() && !may {
            self.wrong(&format!("engine {id} was found after it had left (SC-3, SC-80)"));
        }
        Some((found?, watch))
    }

    /// Ends every hold, once for each engine that there has been since engine `from`; answers the next. Only after
    /// [`Crew::calm_down`].
    pub fn let_all_go(&self, from: usize) -> usize {
        let until = self.numbers();
        for id in from..until {
            if let Some((engine, watch)) = self.look_up(id) {
                // A callback that began before the calm may answer Stop: a release counts after it (INV-21).
                let _ = self.barrier(&engine, &watch, By::Other);
                let _ = self.control(&engine, &watch, By::Other, Action::Resume);
            }
        }
        until
    }
}

const fn progressed(progress: Progress) -> Answer {
    match progress {
        Progress::Done => Answer::Done,
        Progress::InProgress => Answer::InProgress,
    }
}

const fn unsynced(error: SyncError) -> Answer {
    match error {
        SyncError::Gone => Answer::Gone,
        SyncError::AlreadyDying => Answer::AlreadyDying,
        SyncError::Interrupted => Answer::Interrupted,
    }
}
