//! An engine that only counts, and its counts against those of the tree: nothing lost, nothing twice.
//!
//! Key types: [`Auditor`], one on each task; [`Books`], what they all wrote; [`compare`], which holds the books against
//! the board. The tree's marker calls carry the slot of their thread and a running number, so each is known
//! by name. An auditor answers nothing but [`Action::Resume`].

use super::board::{Board, Kind, MAGIC, Slot, State};
use crate::gate::lock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use utrace_core::{
    Action, CloneReport, Cx, DeathReport, Engine, Event, ExecReport, ExitReport, Interest, Syscall,
    SyscallEntry, SyscallExit, Task,
};

/// `getppid`, the marker call.
pub const MARKER: u64 = 110;

/// Since when an auditor watches its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Since {
    /// Its first instruction.
    #[default]
    Birth,
    /// Some time after.
    Later,
}

/// The marker calls of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// The first that was seen at its entry.
    pub first: u64,
    /// The last that was seen at its entry.
    pub entry: u64,
    /// The last that was seen at its exit.
    pub exit: u64,
}

/// What was seen of one task.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Its thread id: when the auditor came, or by the time that it died.
    pub task: u32,
    /// Since when.
    pub since: Since,
    /// Children and threads.
    pub clones: u32,
    /// Programs.
    pub execs: u32,
    /// Exits, deaths and reaps.
    pub ends: [u32; 3],
    /// Marker calls by slot.
    pub marks: BTreeMap<u32, Marks>,
    /// What was wrong at once.
    pub wrongs: Vec<String>,
}

/// Who is told at once of what is wrong, as long as it can be seen what came before.
type Alarm = Box<dyn Fn(&str) + Send + Sync>;

/// What all auditors of a round wrote.
pub struct Books {
    accounts: Mutex<Vec<Arc<Mutex<Account>>>>,
    alarm: Alarm,
}

impl Books {
    /// Empty ones.
    pub fn new(alarm: impl Fn(&str) + Send + Sync + 'static) -> Arc<Books> {
        Arc::new(Books { accounts: Mutex::default(), alarm: Box::new(alarm) })
    }

    /// Changes an account; what is wrong about that is told.
    fn write(&self, account: &Mutex<Account>, change: impl FnOnce(&mut Account)) {
        let mut account = lock(account);
        let before = account.wrongs.len();
        change(&mut account);
        if let Some(wrong) = account.wrongs.get(before) {
            (self.alarm)(&format!("task {}: {wrong}", account.task));
        }
    }

    /// Attaches an auditor. A task that is gone has nothing to count.
    pub fn open(self: &Arc<Books>, task: &Task, since: Since) {
        let account = Account { task: task.id().0, since, ..Account::default() };
        let account = Arc::new(Mutex::new(account));
        lock(&self.accounts).push(Arc::clone(&account));
        let interest = Interest::in_syscalls([MARKER].into_iter().collect())
            | Event::Clone
            | Event::Exec
            | Event::Exit
            | Event::Death
            | Event::Reap;
        let auditor = Auditor { books: Arc::clone(self), account: Arc::clone(&account) };
        if let Err(error) = task.attach_for(interest, auditor) {
            lock(&account).wrongs.push(format!("a task that was just shown cannot be attached to: {error}"));
        }
    }

    /// Tasks that died and were not reaped.
    pub fn unreaped(&self) -> Vec<u32> {
        let accounts = self.accounts();
        accounts
            .iter()
            .filter(|account| account.ends[1] == 1 && account.ends[2] == 0)
            .map(|account| account.task)
            .collect()
    }

    /// All accounts.
    pub fn accounts(&self) -> Vec<Account> {
        lock(&self.accounts).iter().map(|account| lock(account).clone()).collect()
    }
}

impl Account {
    fn wrong(&mut self, what: String) {
        if self.wrongs.len() < 5 {
            self.wrongs.push(what);
        }
    }

    fn entered(&mut self, slot: u32, number: u64) {
        let since = self.since;
        let marks = self.marks.entry(slot).or_default();
        let (before, exit) = (marks.entry, marks.exit);
        marks.entry = number;
        if before == 0 {
            marks.first = number;
            if since == Since::Birth && number != 1 {
                self.wrong(format!("slot {slot}: its first {} marker calls were not reported", number - 1));
            }
        } else if number != before + 1 {
            self.wrong(format!("slot {slot}: marker call {number} is reported after {before}"));
        } else if exit != before {
            self.wrong(format!(
                "slot {slot}: marker call {number} is entered, but {before} was not seen to return"
            ));
        }
    }

    fn returned(&mut self, slot: u32, number: u64) {
        let marks = self.marks.entry(slot).or_default();
        let before = core::mem::replace(&mut marks.exit, number);
        if marks.entry != number || before >= number {
            let entry = marks.entry;
            self.wrong(format!("slot {slot}: call {number} returns after entry {entry} and exit {before}"));
        }
    }
}

/// Slot and number of a marker call.
fn marker(call: &Syscall) -> Option<(u32, u64)> {
    let [magic, slot, number, ..] = call.args;
    (call.index == MARKER && magic == MAGIC).then(|| (u32::try_from(slot).unwrap_or(u32::MAX), number))
}

/// The engine.
pub struct Auditor {
    books: Arc<Books>,
    account: Arc<Mutex<Account>>,
}

impl Engine for Auditor {
    fn name(&self) -> &str {
        "auditor"
    }

    fn syscall_entry(&mut self, _cx: &mut Cx<'_>, entry: &mut SyscallEntry) -> Action {
        if let (Some((slot, number)), false) = (marker(entry.call()), entry.resumed()) {
            self.books.write(&self.account, |account| account.entered(slot, number));
        }
        Action::Resume
    }

    fn syscall_exit(&mut self, _cx: &mut Cx<'_>, exit: &mut SyscallExit) -> Action {
        if let Some((slot, number)) = exit.call().and_then(marker) {
            self.books.write(&self.account, |account| account.returned(slot, number));
        }
        Action::Resume
    }

    fn clone(&mut self, _cx: &mut Cx<'_>, clone: &mut CloneReport) -> Action {
        lock(&self.account).clones += 1;
        self.books.open(&clone.child, Since::Birth);
        Action::Resume
    }

    fn exec(&mut self, _cx: &mut Cx<'_>, _exec: &mut ExecReport) -> Action {
        lock(&self.account).execs += 1;
        Action::Resume
    }

    fn exit(&mut self, _cx: &mut Cx<'_>, _exit: &mut ExitReport) -> Action {
        lock(&self.account).ends[0] += 1;
        Action::Resume
    }

    fn death(&mut self, cx: &mut Cx<'_>, _death: &mut DeathReport) -> Action {
        let mut account = lock(&self.account);
        account.ends[1] += 1;
        account.task = cx.task().id().0;
        Action::Resume
    }

    fn reap(&mut self, _task: &Task) {
        lock(&self.account).ends[2] += 1;
    }
}

/// Holds what was seen of a tree that was traced to its end against what it says itself.
///
/// `zombies` are dead, and nobody has waited for them. A thread that was killed may have got no further than about to do something; one that ended well did all it says.
#[must_use]
pub fn compare(accounts: &[Account], board: &Board, zombies: &[u32]) -> Vec<String> {
    let mut wrongs = Vec::new();
    let mut owners: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, account) in accounts.iter().enumerate() {
        wrongs.extend(account.wrongs.iter().map(|what| format!("task {}: {what}", account.task)));
        for slot in account.marks.keys() {
            if let Some(other) = owners.insert(*slot, at) {
                wrongs
                    .push(format!("slot {slot} is of task {} and of {}", accounts[other].task, account.task));
            }
        }
        let [exits, deaths, reaps] = account.ends;
        // It may have been waited for since.
        let reaped = reaps == 1 || (reaps == 0 && zombies.contains(&account.task));
        if deaths != 1 || !reaped || exits > 1 {
            wrongs.push(format!("task {}: {exits} exits, {deaths} deaths, {reaps} reaps", account.task));
        }
        compare_account(account, board, &mut wrongs);
    }
    for (at, slot) in board.slots.iter().enumerate() {
        let Some(slot) = slot else { continue };
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        let (owner, former) = (owners.get(&at), owners.get(&slot.former));
        let maker = board.slots.get(slot.former as usize).copied().flatten();
        match slot.kind {
            // Who was killed while it made a child reports no birth; nor does one that nobody watched then.
            Kind::Thread | Kind::Fork | Kind::Vfork => {
                let seen = maker.is_some_and(|maker| maker.state == State::Clean)
                    && former.is_some_and(|former| accounts[*former].since == Since::Birth);
                if seen && slot.done > 0 && owner.is_none() {
                    wrongs.push(format!(
                        "slot {at} ({:?}, tid {}) was never reported as born",
                        slot.kind, slot.tid
                    ));
                }
            }
            Kind::Exec => {
                if let (Some(former), Some(owner)) = (former, owner)
                    && former != owner
                {
                    wrongs.push(format!("slot {at}: its engines did not follow its exec (INV-36)"));
                }
            }
            Kind::Root => {}
        }
    }
    wrongs
}

fn compare_account(account: &Account, board: &Board, wrongs: &mut Vec<String>) {
    let task = account.task;
    let slots: Vec<(u32, Slot)> = account
        .marks
        .keys()
        .filter_map(|at| Some((*at, board.slots.get(*at as usize).copied().flatten()?)))
        .collect();
    for (at, slot) in &slots {
        let marks = account.marks[at];
        compare_marks(task, *at, slot, marks, wrongs);
    }
    if account.since == Since::Later || slots.is_empty() {
        return;
    }
    let (made, asked) = slots
        .iter()
        .fold((0, 0), |(made, asked), (_, slot)| (made + slot.clones_made, asked + slot.clones_asked));
    let settled = slots.iter().all(|(_, slot)| slot.state != State::Live);
    if account.clones < made || account.clones > asked || (settled && account.clones != made) {
        wrongs.push(format!("task {task}: {} clones reported, {made} of {asked} made", account.clones));
    }
    let programs = slots.iter().filter(|(_, slot)| !matches!(slot.kind, Kind::Thread | Kind::Fork)).count();
    let execs = account.execs as usize;
    let ended = slots.last().is_some_and(|(_, slot)| slot.state == State::Clean);
    if execs < programs || execs > programs + usize::from(!ended) {
        wrongs.push(format!("task {task}: {execs} execs reported, {programs} programs ran"));
    }
}

fn compare_marks(task: u32, at: u32, slot: &Slot, marks: Marks, wrongs: &mut Vec<String>) {
    let Slot { asked, done, .. } = *slot;
    let fine = match slot.state {
        // Watched too late for any.
        _ if marks.entry == 0 => true,
        State::Clean | State::Execing => marks.entry == asked && marks.exit == asked,
        // Killed within the first that was seen.
        State::Live if marks.exit == 0 && marks.first == marks.entry => marks.entry == asked && done < asked,
        State::Live => (done..=asked).contains(&marks.entry) && (done..=asked).contains(&marks.exit),
    };
    if !fine {
        let state = slot.state;
        wrongs.push(format!(
            "task {task} slot {at} ({state:?}): {asked} marker calls asked for, {done} done; last entry {}, last exit {}",
            marks.entry, marks.exit
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Marks, Since, compare};
    use crate::stress::board::{Board, Kind, Slot, State};

    fn slot(kind: Kind, state: State) -> Slot {
        Slot {
            tid: 5,
            pid: 5,
            progress: 0,
            asked: 3,
            done: 3,
            clones_asked: 1,
            clones_made: 1,
            state,
            kind,
            former: 0,
            op: 0,
        }
    }

    fn account(slot: u32, execs: u32) -> Account {
        let marks = [(slot, Marks { first: 1, entry: 3, exit: 3 })].into();
        Account { task: 5, clones: 1, execs, ends: [1, 1, 1], marks, ..Account::default() }
    }

    fn tree() -> (Vec<Account>, Board) {
        let slots = vec![Some(slot(Kind::Root, State::Clean)), Some(slot(Kind::Fork, State::Clean))];
        (vec![account(0, 1), account(1, 0)], Board { failed: None, slots })
    }

    #[test]
    fn counts_that_agree_are_fine() {
        let (accounts, board) = tree();
        assert_eq!(compare(&accounts, &board, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_is_lost_or_twice_is_found() {
        let one_wrong = |change: &dyn Fn(&mut Vec<Account>, &mut Board)| {
            let (mut accounts, mut board) = tree();
            change(&mut accounts, &mut board);
            let wrongs = compare(&accounts, &board, &[]);
            assert_eq!(wrongs.len(), 1, "{wrongs:?}");
        };
        one_wrong(&|accounts, _| accounts[0].clones = 0);
        one_wrong(&|accounts, _| accounts[0].clones = 2);
        one_wrong(&|accounts, _| accounts[1].execs = 1);
        one_wrong(&|accounts, _| accounts[1].ends = [1, 2, 1]);
        one_wrong(&|accounts, _| accounts[1].ends = [1, 1, 0]);
        let (mut accounts, board) = tree();
        (accounts[1].ends, accounts[1].task) = ([1, 1, 0], 6);
        assert!(compare(&accounts, &board, &[6]).is_empty(), "nobody has waited for it");
        one_wrong(&|accounts, _| drop(accounts.pop()));
        one_wrong(&|_, board| board.slots[1].as_mut().unwrap().asked = 4);
        one_wrong(&|accounts, _| accounts[1].wrongs.push(String::from("early")));
        one_wrong(&|accounts, board| {
            board.slots.push(Some(slot(Kind::Exec, State::Live)));
            accounts.push(account(2, 1));
        });
    }

    #[test]
    fn a_killed_thread_may_have_got_no_further() {
        let (mut accounts, mut board) = tree();
        let slot = board.slots[1].as_mut().unwrap();
        (slot.state, slot.asked, slot.clones_asked) = (State::Live, 4, 2);
        assert!(compare(&accounts, &board, &[]).is_empty());
        accounts[1].clones = 2;
        assert!(compare(&accounts, &board, &[]).is_empty());
        board.slots[1].as_mut().unwrap().done = 4;
        assert_eq!(compare(&accounts, &board, &[]).len(), 1);
        // Attached to late, and killed within the first call that was seen.
        accounts[1].marks.insert(1, Marks { first: 4, entry: 4, exit: 0 });
        assert_eq!(compare(&accounts, &board, &[]).len(), 1);
        board.slots[1].as_mut().unwrap().done = 3;
        assert!(compare(&accounts, &board, &[]).is_empty());
    }

    #[test]
    fn marker_calls_come_in_order() {
        let mut account = Account::default();
        account.entered(0, 1);
        account.returned(0, 1);
        account.entered(0, 2);
        assert!(account.wrongs.is_empty());
        account.entered(0, 3);
        account.returned(0, 2);
        assert_eq!(account.wrongs.len(), 2, "{:?}", account.wrongs);
        let mut late = Account { since: Since::Later, ..Account::default() };
        late.entered(0, 7);
        assert!(late.wrongs.is_empty());
    }
}
