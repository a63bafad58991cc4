use super::super::note::{Answer, By, CallId, Called, Note, Op};
use super::Checker;
use utrace_core::{Action, Event, EventSet, Interest, SyscallSet};

const EXEC: Called = Called::Event(Event::Exec);
const EXIT: Called = Called::Event(Event::Exit);
const DEATH: Called = Called::Event(Event::Death);
const REAP: Called = Called::Event(Event::Reap);

/// A checker with a running number for calls.
struct Bench(Checker, u64);

impl Bench {
    /// With an engine that asks for these.
    fn asking(interest: impl Into<Interest>) -> Bench {
        let mut bench = Bench(Checker::new(), 0);
        bench.call(Op::SetEvents(interest.into()), By::Other, Answer::Done).unwrap();
        bench
    }

    fn note(&mut self, note: Note) -> Result<(), String> {
        self.0.note(note)
    }

    fn begin(&mut self, op: Op, by: By) -> CallId {
        self.1 += 1;
        self.note(Note::Begin(CallId(self.1), op, by)).unwrap();
        CallId(self.1)
    }

    fn call(&mut self, op: Op, by: By, answer: Answer) -> Result<(), String> {
        let id = self.begin(op, by);
        self.note(Note::End(id, answer))
    }

    fn callback(&mut self, called: Called, action: Action) -> Result<(), String> {
        let said = self.note(Note::Enter(called));
        let left = self.note(Note::Leave(action));
        said.and(left)
    }

    /// A callback in the middle of which a call is made, and what it said.
    fn call_within(&mut self, called: Called, op: Op, by: By, answer: Answer) -> Result<(), String> {
        self.note(Note::Enter(called)).unwrap();
        let said = self.call(op, by, answer);
        self.note(Note::Leave(Action::Resume)).unwrap();
        said
    }
}

fn all() -> Bench {
    Bench::asking(EventSet::ALL)
}

fn set(events: impl Into<Interest>) -> Op {
    Op::SetEvents(events.into())
}

#[test]
fn an_engine_that_asks_for_nothing_is_not_called() {
    let mut bench = Bench(Checker::new(), 0);
    assert!(bench.callback(EXEC, Action::Resume).unwrap_err().contains("outside"));
    assert!(Bench::asking(Event::Exec).callback(EXEC, Action::Resume).is_ok());
}

#[test]
fn a_life_in_order_is_fine() {
    let mut bench = all();
    for called in [EXEC, EXIT, Called::Quiesce(Some(Event::Death)), DEATH, REAP] {
        bench.callback(called, Action::Resume).unwrap();
    }
    bench.call(Op::Barrier, By::Other, Answer::Gone).unwrap();
    bench.note(Note::Dropped).unwrap();
    assert_eq!(bench.0.ends(), (1, 1));
}

#[test]
fn the_end_comes_once_and_in_order() {
    for (first, second) in [(DEATH, DEATH), (REAP, REAP), (REAP, DEATH), (DEATH, EXIT), (REAP, EXEC)] {
        let mut bench = all();
        bench.callback(first, Action::Resume).unwrap();
        bench.callback(second, Action::Resume).unwrap_err();
    }
    // SC-79: who leaves in its death is not reaped.
    let mut bench = all();
    bench.callback(DEATH, Action::Detach).unwrap();
    bench.callback(REAP, Action::Resume).unwrap_err();
}

#[test]
fn callbacks_do_not_overlap_and_nothing_follows_the_drop() {
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    assert!(bench.note(Note::Enter(EXIT)).unwrap_err().contains("while"));
    let mut bench = all();
    bench.note(Note::Dropped).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    bench.note(Note::Dropped).unwrap_err();
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    bench.note(Note::Dropped).unwrap_err();
}

#[test]
fn done_means_that_no_forbidden_callback_comes_or_runs() {
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::Done).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    assert!(all().call_within(EXEC, set(Event::Exit), By::Other, Answer::Done).is_err());
    // SC-20, and SC-19 in which the callback is another engine's: its own are in the interest.
    all().call_within(EXEC, set(Event::Exit), By::Task, Answer::Done).unwrap();
    all().call_within(EXIT, set(Event::Exit), By::Other, Answer::Done).unwrap();
}

#[test]
fn in_progress_allows_the_present_callback_only() {
    let mut bench = all();
    bench.call_within(EXEC, set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    // Its note may come after the answer.
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    // But not after a barrier, nor after another callback.
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.call(Op::Barrier, By::Other, Answer::Done).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
}

#[test]
fn adding_and_the_task_itself_are_never_in_progress() {
    let mut bench = Bench::asking(Event::Exec);
    bench.call(set(Event::Exec | Event::Exit), By::Other, Answer::InProgress).unwrap_err();
    assert!(all().call_within(EXEC, set(Event::Exit), By::Task, Answer::InProgress).is_err());
    assert!(all().call_within(EXEC, Op::Control(Action::Detach), By::Task, Answer::InProgress).is_err());
    all().call(Op::Control(Action::Resume), By::Other, Answer::InProgress).unwrap_err();
}

#[test]
fn a_call_that_only_adds_says_nothing_of_what_runs() {
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    bench.call(set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.call(set(Event::Exit | Event::Death), By::Other, Answer::Done).unwrap();
    bench.note(Note::Leave(Action::Resume)).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    // The same call again does.
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    bench.call(set(Event::Exit), By::Other, Answer::InProgress).unwrap();
    bench.call(set(Event::Exit), By::Other, Answer::Done).unwrap_err();
}

#[test]
fn calls_that_overlap_allow_what_any_order_allows() {
    let mut bench = all();
    let one = bench.begin(set(Event::Exit), By::Other);
    let other = bench.begin(set(Event::Exec), By::Other);
    bench.note(Note::End(one, Answer::Done)).unwrap();
    bench.note(Note::End(other, Answer::Done)).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap();
    bench.call(set(Event::Exit), By::Other, Answer::Done).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
}

#[test]
fn a_detach_that_was_accepted_is_the_end() {
    let detach = Op::Control(Action::Detach);
    let mut bench = all();
    bench.call(detach, By::Other, Answer::Done).unwrap();
    assert!(!bench.0.may_be_found());
    bench.call(set(Event::Exit), By::Other, Answer::Gone).unwrap();
    bench.call(Op::Barrier, By::Other, Answer::Done).unwrap_err();
    bench.call(set(Event::Exit), By::Other, Answer::Done).unwrap_err();
    bench.callback(REAP, Action::Resume).unwrap_err();
    assert!(all().call_within(EXEC, detach, By::Other, Answer::Done).is_err());
    let mut bench = all();
    bench.call_within(EXEC, detach, By::Other, Answer::InProgress).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    // Its own detach: the callback that asked goes on.
    let mut bench = all();
    bench.call_within(EXEC, detach, By::Task, Answer::Done).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap_err();
    let mut bench = all();
    bench.callback(EXEC, Action::Detach).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap_err();
}

#[test]
fn what_a_lost_race_says_holds() {
    let mut bench = all();
    bench.call(Op::Control(Action::Detach), By::Other, Answer::AlreadyDying).unwrap();
    bench.callback(DEATH, Action::Resume).unwrap();
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::AlreadyDying).unwrap();
    // One that was on its way, and then only the end.
    bench.callback(EXEC, Action::Resume).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap_err();
    let mut bench = all();
    bench.call(set(Event::Exit), By::Other, Answer::Gone).unwrap();
    bench.callback(REAP, Action::Resume).unwrap();
    // SC-78: the reaper was here, and the death callbacks are still to come.
    let mut bench = all();
    bench.call(Op::Barrier, By::Other, Answer::Gone).unwrap();
    bench.callback(DEATH, Action::Resume).unwrap();
    bench.callback(REAP, Action::Resume).unwrap();
}

#[test]
fn waits_end_when_the_callback_they_found_is_over() {
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    let id = bench.begin(Op::Barrier, By::Other);
    bench.note(Note::End(id, Answer::Done)).unwrap_err();
    // One that began later does not matter.
    let mut bench = all();
    bench.note(Note::Enter(EXEC)).unwrap();
    let id = bench.begin(Op::Barrier, By::Other);
    bench.note(Note::Leave(Action::Resume)).unwrap();
    bench.note(Note::Enter(EXIT)).unwrap();
    bench.note(Note::End(id, Answer::Done)).unwrap();
    assert!(all().call_within(EXEC, Op::DetachSync, By::Other, Answer::Done).is_err());
    assert!(all().call_within(EXEC, Op::DetachSync, By::Other, Answer::ReapRuns).is_err());
    all().call_within(REAP, Op::DetachSync, By::Other, Answer::ReapRuns).unwrap();
    assert!(all().call_within(EXEC, set(Event::Exit), By::Other, Answer::ReapRuns).is_err());
}

#[test]
fn who_holds_a_task_is_called_only_for_its_end() {
    let mut bench = all();
    bench.note(Note::Held).unwrap();
    bench.callback(EXIT, Action::Resume).unwrap();
    assert!(bench.callback(EXEC, Action::Resume).unwrap_err().contains("holds"));
    bench.note(Note::LetGo).unwrap();
    bench.callback(EXEC, Action::Resume).unwrap();
}

#[test]
fn sets_count_as_well_as_events() {
    let only_39 = Interest::in_syscalls([39].into_iter().collect::<SyscallSet>());
    let mut bench = Bench::asking(only_39);
    bench.callback(Called::Syscall(Event::SyscallEntry, 39), Action::Resume).unwrap();
    bench.callback(Called::Syscall(Event::SyscallExit, 40), Action::Resume).unwrap_err();
    let mut bench =
        Bench::asking(Interest::in_events(EventSet::SIGNAL).with_signals([10].into_iter().collect()));
    bench.callback(Called::Signal(Some((Event::Signal, 10))), Action::Resume).unwrap();
    bench.callback(Called::Signal(Some((Event::Signal, 12))), Action::Resume).unwrap_err();
    // Who asks for quiesce is told of every signal.
    Bench::asking(Event::Quiesce)
        .callback(Called::Signal(Some((Event::Signal, 12))), Action::Resume)
        .unwrap();
}

#[test]
fn calls_end_once() {
    let mut bench = all();
    bench.note(Note::End(CallId(9), Answer::Done)).unwrap_err();
    bench.note(Note::Leave(Action::Resume)).unwrap_err();
}
