//! One round of stress on real processes: a plan, a tree, its engines and controllers, and the judgement.
//!
//! Key type: [`Round`]. What is random and what is judged is in `utrace_testkit::stress`; here is what belongs to real
//! processes: how a tree is launched or attached to, signalled, left and waited for. Used by the long run (this
//! example) and by the short one (`tests/stress.rs`).

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use utrace_core::Task;
use utrace_host::{Command, Host, HostError, Notice, Process, Tid};
use utrace_testkit::fixtures;
use utrace_testkit::gate::lock;
use utrace_testkit::stress::audit::{Books, Since, compare};
use utrace_testkit::stress::board::{BoardFile, Slot, State};
use utrace_testkit::stress::controller::{Arena, Nudge, play};
use utrace_testkit::stress::crew::{Crew, Rules};
use utrace_testkit::stress::journal::Counts;
use utrace_testkit::stress::plan::{Mode, Plan, Tree};
use utrace_testkit::stress::random::Random;

use crate::refusals::refuse;
use crate::tree::{Hand, drain, living, own_threads, proc_state};

/// `getpid`, `getpgid`, `write`, `exit_group`, `futex`, `wait4`, `clone`, `execve`, `epoll_wait`, and the marker call.
const CALLS: [u64; 10] = [39, 121, 1, 231, 202, 61, 56, 59, 232, 110];
/// The tree does not care what `getpgid` says.
const TOY_CALL: u64 = 121;
const TOY_SIGNAL: u32 = 12;
const SIGKILL: i32 = 9;
const SIGWINCH: i32 = 28;
const SIGCONT: i32 = 18;
const SIGSTOP: i32 = 19;
/// How often it is looked whether a round is over.
const NAP: Duration = Duration::from_millis(2);

/// What is known of a round that is under way: what a watchdog prints.
pub(crate) struct Round {
    pub(crate) plan: Plan,
    crew: Arc<Crew>,
    books: Arc<Books>,
    board: BoardFile,
    board_path: PathBuf,
    hand: Mutex<Hand>,
    host: Mutex<Option<Host>>,
    notices: Arc<Mutex<Vec<Notice>>>,
    over: AtomicBool,
    phase: Mutex<&'static str>,
}

/// How a round went.
pub(crate) struct Report {
    pub(crate) wrongs: Vec<String>,
    pub(crate) counts: Counts,
}

impl Arena for Round {
    fn tasks(&self) -> Vec<Task> {
        lock(&self.host).clone().map(|host| host.tasks()).unwrap_or_default()
    }

    fn progress(&self, task: &Task) -> u64 {
        let board = self.board.read().unwrap_or_default();
        let of = |slot: &&Slot| slot.tid == task.id().0;
        board.slots.iter().flatten().filter(of).map(|slot| slot.progress).sum()
    }

    fn nudge(&self, task: &Task, nudge: Nudge) {
        let signals: &[i32] = match nudge {
            Nudge::StopAndContinue => &[SIGSTOP, SIGCONT],
            Nudge::Kill => &[SIGKILL],
            Nudge::Wave => &[SIGWINCH],
        };
        let mut hand = lock(&self.hand);
        for signal in signals {
            hand.send(task.process().0, *signal);
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Round {
    /// A round that has not begun.
    pub(crate) fn new(seed: u64) -> Result<Arc<Round>, String> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let plan = Plan::new(seed);
        let rules = Rules {
            freedom: plan.freedom,
            calls: CALLS.to_vec(),
            toy_call: TOY_CALL,
            toy_signal: TOY_SIGNAL,
            crowd: 60,
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let board_path = PathBuf::from(format!("/dev/shm/utrace-stress-{}-{number}", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&board_path);
        let board =
            file.and_then(BoardFile::new).map_err(|error| format!("{}: {error}", board_path.display()))?;
        let program = fixtures::build("stress").canonicalize().map_err(|error| error.to_string())?;
        let hand = Hand::new(program).map_err(|error| format!("stress_hand: {error}"))?;
        let notices = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notices);
        let host = Host::builder().notices(move |notice| lock(&heard).push(notice)).start();
        let crew = Crew::new(rules);
        let alarmed = Arc::clone(&crew);
        Ok(Arc::new(Round {
            plan,
            crew,
            books: Books::new(move |wrong| alarmed.wrong(wrong)),
            board,
            board_path,
            hand: Mutex::new(hand),
            host: Mutex::new(Some(host.map_err(|error| error.to_string())?)),
            notices,
            over: AtomicBool::new(false),
            phase: Mutex::new("begins"),
        }))
    }

    /// Plays it, and says how it went.
    pub(crate) fn play(self: &Arc<Round>) -> Report {
        let mut wrongs = self.play_tree().unwrap_or_else(|error| vec![error]);
        self.enter("is judged");
        wrongs.extend(self.crew.wrongs());
        wrongs.extend(lock(&self.notices).iter().filter(|notice| is_bad(notice)).map(ToString::to_string));
        let (made, dropped) = self.crew.engines();
        if made != dropped {
            wrongs.push(format!("{made} engines were made and {dropped} dropped (INV-29)"));
        }
        let mut counts = self.crew.journal.counts();
        counts.insert(("round", mode_name(self.plan.mode)), 1);
        if let Ok(board) = self.board.read() {
            counts.insert(("tree", "threads and programs"), board.slots.len() as u64);
            counts.insert(("tree", "marker calls"), board.slots.iter().flatten().map(|slot| slot.done).sum());
            if let Some(why) = board.failed {
                wrongs.push(format!("the tree found: {why}"));
            }
        }
        let _ = fs::remove_file(&self.board_path);
        Report { wrongs, counts }
    }

    fn host(&self) -> Result<Host, String> {
        lock(&self.host).clone().ok_or_else(|| String::from("the host has ended"))
    }

    fn enter(&self, phase: &'static str) {
        *lock(&self.phase) = phase;
        self.crew.journal.say(0, 0, format!("the round {phase}"));
    }

    fn play_tree(self: &Arc<Round>) -> Result<Vec<String>, String> {
        let plan = &self.plan;
        let (process, shell) = match plan.mode {
            Mode::Launch | Mode::LaunchAndEnd => (self.launch()?, None),
            Mode::Attach | Mode::AttachAndLeave => {
                let Some((process, shell)) = self.attach()? else { return Ok(Vec::new()) };
                (process, Some(shell))
            }
        };
        let mut controllers: Vec<JoinHandle<()>> = Vec::new();
        for (number, random) in plan.controllers.iter().enumerate() {
            let (round, random) = (Arc::clone(self), random.clone());
            let thread = thread::Builder::new().name(format!("controller-{number}"));
            let playing = thread.spawn(move || play(&round.crew, &*round, random, round.plan.moves));
            controllers.push(playing.map_err(|error| error.to_string())?);
        }
        self.enter("plays");
        // Beside the controllers; over before anything is left.
        refuse(&self.crew, &self.host()?, &process, Random::new(plan.seed));
        let leaves = matches!(plan.mode, Mode::AttachAndLeave | Mode::LaunchAndEnd);
        if leaves {
            // Or when nothing more is done: the tree may be held by then.
            while self.crew.journal.beats() < plan.leave_after
                && process.ended().is_none()
                && !controllers.iter().all(JoinHandle::is_finished)
            {
                thread::sleep(NAP);
            }
            self.enter("leaves");
            self.host()?.shutdown();
            self.over.store(true, Ordering::Relaxed);
        }
        for controller in controllers {
            controller.join().map_err(|_| "a controller panicked")?;
        }
        self.enter("calms down");
        self.crew.calm_down();
        self.wind_up(&process, leaves);
        let ended = match shell {
            Some(shell) => ask(shell)?,
            None => format!("{:?}", process.wait()),
        };
        self.wait_for_the_rest()?;
        let zombies = self.wait_for_reaps();
        self.over.store(true, Ordering::Relaxed);
        self.enter("closes");
        drop(process);
        let host = lock(&self.host).take();
        if let Some(host) = host {
            host.shutdown();
        }
        self.crew.close();
        Ok(self.judge(&ended, leaves, &zombies))
    }

    fn judge(&self, ended: &str, left: bool, zombies: &[u32]) -> Vec<String> {
        let plan = &self.plan;
        let mut wrongs = Vec::new();
        let mut fine = vec![format!("Ok(Exited({}))", plan.exit)];
        if plan.freedom.kills || plan.mode == Mode::LaunchAndEnd {
            fine.push(String::from("Ok(Killed(9, No))"));
        }
        if plan.freedom.kills {
            // An engine may make the signal that it may drop a deadly one.
            fine.push(format!("Ok(Killed({TOY_SIGNAL}, No))"));
        }
        if !fine.iter().any(|fine| fine == ended) {
            wrongs.push(format!("the tree ended with {ended}, not with {}", fine.join(" or ")));
        }
        let board = self.board.read().unwrap_or_default();
        if plan.audited && !left {
            wrongs.extend(compare(&self.books.accounts(), &board, zombies));
        }
        let killed = board.slots.iter().flatten().filter(|slot| slot.state == State::Live).count();
        self.crew.journal.say(
            0,
            0,
            format!("{killed} of {} slots never came to their end", board.slots.len()),
        );
        wrongs
    }

    /// What every task of the tree gets that is ours from the beginning.
    fn adopter(&self, since: Since) -> impl FnMut(&Task) + Send + use<> {
        let (crew, books, audited) = (Arc::clone(&self.crew), Arc::clone(&self.books), self.plan.audited);
        let (mut random, engines) = (self.plan.random.clone(), self.plan.first_engines);
        move |task| {
            if audited {
                books.open(task, since);
            }
            for _ in 0..engines {
                crew.attach(task, &mut random);
            }
        }
    }

    fn arguments(&self, wait: i64) -> [String; 5] {
        let plan = &self.plan;
        let storm = i64::from(plan.tree == Tree::Storm);
        let flags =
            i64::from(!plan.freedom.interrupts) | i64::from(plan.freedom.kills) << 1 | wait << 2 | storm << 3;
        [
            self.board_path.display().to_string(),
            plan.tree_seed.to_string(),
            plan.tree_ops.to_string(),
            plan.exit.to_string(),
            flags.to_string(),
        ]
    }

    fn launch(&self) -> Result<Process, String> {
        self.enter("launches");
        let command = Command::new(fixtures::build("stress")).args(self.arguments(0));
        self.host()?.launch(&command, self.adopter(Since::Birth)).map_err(|error| error.to_string())
    }

    /// Has a shell launch the tree, and attaches to it: before it begins, or somewhere on its way.
    fn attach(&self) -> Result<Option<(Process, Child)>, String> {
        self.enter("attaches");
        let script = "\"$0\" \"$@\" & echo $!; wait $!";
        let mut child = std::process::Command::new("sh")
            .args(["-c", script])
            .arg(fixtures::build("stress"))
            .args(self.arguments(1))
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        let mut line = String::new();
        let Some(stdout) = child.stdout.take() else { return Err(String::from("sh has no output")) };
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        let pid = line.trim().parse().ok().and_then(Tid::new).ok_or("sh said no process id")?;
        let host = self.host()?;
        let mut random = self.plan.random.clone();
        let early = random.one_in(2);
        if !early {
            self.board.go().map_err(|error| error.to_string())?;
        }
        self.until_some(1 + usize::try_from(random.below(20)).unwrap_or(0) * usize::from(!early));
        let process = host.attach(pid, self.adopter(Since::Later));
        self.board.go().map_err(|error| error.to_string())?;
        thread::spawn(move || drain(stdout));
        match process {
            Ok(process) => Ok(Some((process, child))),
            // The shell, its parent, has seen its end already.
            Err(HostError::NoSuchProcess(_) | HostError::Zombie(_)) if !early => {
                self.crew.journal.count("attach to a process", "too late");
                let _ = child.wait();
                Ok(None)
            }
            Err(error) => {
                let ended = child.wait();
                Err(format!("attach: {error} ({ended:?})"))
            }
        }
    }

    /// Waits until the tree has got somewhere.
    fn until_some(&self, slots: usize) {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            match self.board.read() {
                Ok(board) if board.slots.len() >= slots => return,
                _ => thread::sleep(NAP),
            }
        }
    }

    /// Lets everybody go, and the tree end.
    fn wind_up(&self, process: &Process, left: bool) {
        self.enter("ends");
        if self.plan.cut {
            let _ = self.board.finish();
        }
        let mut from = 0;
        while process.ended().is_none() && !left {
            from = self.crew.let_all_go(from);
            thread::sleep(NAP);
        }
    }

    /// Children of parents that were killed: nobody waits for them, so they are ended.
    fn wait_for_the_rest(&self) -> Result<(), String> {
        self.enter("waits for the rest");
        let (mut from, mut closed) = (0, false);
        loop {
            let board = self.board.read().unwrap_or_default();
            let alive: Vec<u32> = living(&board);
            if alive.is_empty() && self.tasks().is_empty() {
                if closed {
                    return Ok(());
                }
                // A child that has just been made is not on the board yet, and nobody's task if the host has left: it
                // would go on for ever. Who is not there now, but was before this, is found by another look.
                self.board.close().map_err(|error| error.to_string())?;
                closed = true;
                continue;
            }
            if !self.plan.freedom.kills && self.plan.mode != Mode::LaunchAndEnd && !alive.is_empty() {
                return Err(format!("processes {alive:?} outlived the tree, though nobody was killed"));
            }
            let mut hand = lock(&self.hand);
            for pid in alive {
                hand.send(pid, SIGKILL);
            }
            drop(hand);
            from = self.crew.let_all_go(from);
            thread::sleep(NAP);
        }
    }

    /// Waits until who has been waited for by its parent is reported as reaped; answers who has not been. A child of
    /// a parent that was killed stays a zombie where the system's first process does not care.
    fn wait_for_reaps(&self) -> Vec<u32> {
        let start = Instant::now();
        loop {
            let unreaped = self.books.unreaped();
            let is_zombie = |tid: &&u32| {
                let stat = fs::read_to_string(format!("/proc/{tid}/stat"));
                stat.is_ok_and(|stat| stat.contains(") Z "))
            };
            let zombies: Vec<u32> = unreaped.iter().filter(is_zombie).copied().collect();
            if zombies.len() == unreaped.len() || start.elapsed() > Duration::from_secs(10) {
                return zombies;
            }
            thread::sleep(NAP);
        }
    }

    /// Everything that may explain why a round does not end.
    pub(crate) fn state(&self) -> String {
        let phase = lock(&self.phase);
        let board = self.board.read().unwrap_or_default();
        let mut text = format!("seed {} {phase}\n{:#?}\n", self.plan.seed, self.plan);
        for task in self.tasks() {
            text += &format!(
                "task {} of {}: stopped {} wanted {:?}\n",
                task.id(),
                task.process(),
                task.is_stopped(),
                task.wanted().events
            );
            for engine in task.engines() {
                text += &format!("    engine {} {:?}\n", engine.tag(), engine.interest().events);
            }
            text += &proc_state(task.id().0);
        }
        for (at, slot) in board.slots.iter().enumerate() {
            if let Some(slot) = slot.filter(|slot| slot.state != State::Clean) {
                text += &format!("slot {at}: {slot:?}\n{}", proc_state(slot.tid));
            }
        }
        text += &own_threads();
        text += &format!("notices: {:?}\nboard: {:?}\n", lock(&self.notices), board.failed);
        text + &self.crew.journal.latest()
    }

    /// Grows as long as something happens.
    pub(crate) fn beats(&self) -> u64 {
        let board = self.board.read().unwrap_or_default();
        let work: u64 = board.slots.iter().flatten().map(|slot| slot.asked).sum();
        self.crew.journal.beats() + work
    }

    /// Ends every process of the tree.
    pub(crate) fn kill_all(&self) {
        let board = self.board.read().unwrap_or_default();
        let mut hand = lock(&self.hand);
        for pid in living(&board) {
            hand.send(pid, SIGKILL);
        }
    }
}

/// How a tree ended that this shell launched.
fn ask(mut shell: Child) -> Result<String, String> {
    let status = shell.wait().map_err(|error| error.to_string())?;
    Ok(match status.code() {
        // What a shell says of a signal.
        Some(code @ 128..) => format!("Ok(Killed({}, No))", code - 128),
        Some(code) => format!("Ok(Exited({code}))"),
        None => format!("the shell: {status}"),
    })
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Launch => "launched",
        Mode::Attach => "attached to",
        Mode::AttachAndLeave => "attached to and left",
        Mode::LaunchAndEnd => "launched and left to die",
    }
}

fn is_bad(notice: &Notice) -> bool {
    !matches!(notice, Notice::SlowCallback { .. })
}
