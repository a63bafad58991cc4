//! Scripts as machine code in a file that all tasks of a world map at one address.
//!
//! Key types: [`Image`], [`Root`]. A thread has a *block*: what `struct block` of the fixture says, a log, a stack for
//! handlers. While it runs its script its stack pointer is the log's: a mark is one `push`, a branch one `call`, so
//! that a single step is one step of the script. The syscall of `Step::Call` is select(2) with that many descriptors
//! which are all ready: it answers their number and writes it into memory, so that it is known to have run while
//! nothing of the program ran after it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use utrace_core::{CloneKind, SyscallSet};
use utrace_testkit::script::{Did, Flag, Handling, Script, Step};

use super::code::{Code, Reg, mark_in_handler, restorer};

/// Where the fixture maps it, and how much.
const BASE: u64 = 0x4000_0000;
const SIZE: u64 = 256 << 20;
/// The first bytes are the flags; then come a few constants, then what is made.
const SCRATCH: u64 = BASE + 0x40;
const NO_TIME: u64 = BASE + 0x80;
const RESTORER: u64 = BASE + 0xa0;
const MARK: u64 = BASE + 0xc0;
const FREE: u64 = BASE + 0x200;

/// The flags' pipes in every task.
pub(crate) const FLAG_FD: u64 = 200;
/// The call that the fixture's nanny answers; see there.
pub(crate) const GATE: u64 = 183;
const GATE_FLAG: u64 = 1;

pub(crate) const SYS_READ: u64 = 0;
const SYS_RT_SIGACTION: u64 = 13;
const SYS_RT_SIGPROCMASK: u64 = 14;
pub(crate) const SYS_SELECT: u64 = 23;
pub(crate) const SYS_CLONE: u64 = 56;
const SYS_EXECVE: u64 = 59;
const SYS_EXIT: u64 = 60;
const SYS_SIGALTSTACK: u64 = 131;
const SYS_TKILL: u64 = 200;
const SYS_EXIT_GROUP: u64 = 231;

/// The system calls that stand for steps.
pub(crate) fn script_calls() -> SyscallSet {
    let all = [SYS_READ, SYS_RT_SIGACTION, SYS_RT_SIGPROCMASK, SYS_SELECT, SYS_CLONE, SYS_EXECVE, SYS_TKILL];
    let mut set = SyscallSet::NONE;
    for call in all {
        set.insert(call);
    }
    set
}

/// Bytes of a block before its log; the marks of handlers are its last part.
const HEAD: u64 = 0x400;
/// A handler's frame holds all of the extended state: 11 KiB with AMX.
const ALT_STACK: u64 = 0x8000;

/// One program in a thread: from its begin to its end, or to its exec.
pub(crate) struct Root {
    pub(crate) block: u64,
    log_top: u64,
    /// What the calls in it write to, by number.
    calls: Vec<u64>,
    branches: Vec<(u64, u32)>,
    /// What its exec runs.
    pub(crate) next: Option<u64>,
}

/// The file and what is in it.
pub(crate) struct Image {
    file: File,
    path: PathBuf,
    fixture: PathBuf,
    free: u64,
    roots: Vec<Root>,
}

impl Image {
    /// A new file in `folder`.
    pub(crate) fn new(folder: &Path, fixture: PathBuf) -> Image {
        let path = folder.join("image");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        file.set_len(SIZE).unwrap();
        let image = Image { file, path, fixture, free: FREE, roots: Vec::new() };
        image.put(RESTORER, restorer().bytes());
        image.put(MARK, mark_in_handler().bytes());
        image
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An address that every task can write to.
    pub(crate) const fn scratch() -> u64 {
        SCRATCH
    }

    /// Puts a script in; answers the block of the thread that will run it.
    pub(crate) fn add(&mut self, script: Script) -> u64 {
        let log = (script.len() as u64 + 8) * 8;
        let block = self.room((HEAD + log + ALT_STACK).next_multiple_of(16), 64);
        let log_top = block + HEAD + log;
        let root = Root { block, log_top, calls: Vec::new(), branches: Vec::new(), next: None };
        self.roots.push(root);
        let at = self.roots.len() - 1;
        // The begin's syscall instruction stands before the first step.
        let body = self.body(at, script);
        let base = self.room(body.len() + 2, 16);
        self.put(base, &[0x0f, 0x05]);
        self.put(base + 2, body.bytes());
        for branch in &mut self.roots[at].branches {
            branch.0 += base + 2;
        }
        for (offset, word) in [(0x10, base + 2), (0x20, log_top), (0x28, log_top), (0x30, ALT_STACK)] {
            self.put(block + offset, &word.to_le_bytes());
        }
        block
    }

    /// The root that a thread with this id began with.
    pub(crate) fn root_of(&self, id: u32) -> Option<u64> {
        let continued: Vec<u64> = self.roots.iter().filter_map(|root| root.next).collect();
        self.roots
            .iter()
            .map(|root| root.block)
            .filter(|block| !continued.contains(block))
            .find(|block| self.word(*block) & 0xffff_ffff == u64::from(id))
    }

    /// Whether a thread has run anything of its own.
    pub(crate) fn has_started(&self, block: u64) -> bool {
        self.word(block + 8) != 0
    }

    /// What a thread has done.
    pub(crate) fn did(&self, block: u64) -> Vec<Did> {
        let mut all = Vec::new();
        let mut block = Some(block);
        while let Some(root) = block.and_then(|block| self.roots.iter().find(|root| root.block == block)) {
            all.extend(self.did_in(root));
            block = root.next;
        }
        all
    }

    fn did_in(&self, root: &Root) -> Vec<Did> {
        let mut handled: Vec<(u64, Did)> = (0..self.word(root.block + 0x18))
            .map(|at| self.word(root.block + 0x80 + at * 8))
            .map(|word| (word >> 32, Did::Mark(u32::try_from(word & 0xffff_ffff).unwrap())))
            .collect();
        let mut all = Vec::new();
        for place in 0.. {
            while handled.first().is_some_and(|(before, _)| *before <= place) {
                all.push(handled.remove(0).1);
            }
            let entry = self.word(root.log_top - 8 * (place + 1)).cast_signed();
            match entry {
                0 => break,
                call @ ..0 => all.extend(self.call_did(root.calls[usize::try_from(-1 - call).unwrap()])),
                entry => {
                    let address = entry.cast_unsigned();
                    let branch = root.branches.iter().find(|(at, _)| *at == address);
                    let mark = branch.map_or_else(|| u32::try_from(entry).unwrap(), |(_, mark)| *mark);
                    all.push(Did::Mark(mark));
                }
            }
        }
        all.extend(handled.into_iter().map(|(_, did)| did));
        all
    }

    /// What the call that writes here has done: of the words' bits, which were all set, that many are left.
    fn call_did(&self, area: u64) -> Option<Did> {
        let words = [self.word(area), self.word(area + 8)];
        match words {
            [u64::MAX, u64::MAX] => None,
            [first, u64::MAX] => Some(u64::from(first.count_ones())),
            [_, second] => Some(64 + u64::from(second.count_ones())),
        }
        .map(Did::Call)
    }

    fn body(&mut self, at: usize, script: Script) -> Code {
        let mut code = Code::new();
        for step in script {
            self.step(at, &mut code, step);
        }
        code.syscall(SYS_EXIT, &[0]);
        code
    }

    fn step(&mut self, at: usize, code: &mut Code, step: Step) {
        match step {
            Step::Mark(mark) => {
                code.push(i32::try_from(mark).unwrap());
            }
            Step::Branch(mark) => {
                code.call_next();
                self.roots[at].branches.push((code.len(), mark));
            }
            Step::Spin(Flag(flag)) => {
                code.spin(u32::try_from(BASE).unwrap() + flag);
            }
            Step::Call(value) => self.call(at, code, value),
            Step::Sleep(Flag(flag)) => {
                code.syscall(SYS_READ, &[FLAG_FD + u64::from(flag), SCRATCH + 0x30, 1]);
            }
            Step::DeepSleep(Flag(flag)) => {
                code.syscall(GATE, &[GATE_FLAG, u64::from(flag)]);
            }
            Step::Handle(signal, handling) => self.handle(code, signal, handling),
            Step::Block(signal) => self.mask(code, 0, signal),
            Step::Unblock(signal) => self.mask(code, 1, signal),
            Step::Raise(signal) => {
                code.own_id().set(Reg::Rsi, u64::from(signal)).set(Reg::Rax, SYS_TKILL).raw(&[0x0f, 0x05]);
            }
            Step::Spawn(kind, script) => self.spawn(code, kind, script),
            Step::Exec(script) => {
                let next = self.continue_with(at, script);
                let argument = self.run_argument(next);
                let fixture = self.fixture.to_str().unwrap().to_owned();
                self.exec(code, &fixture, &argument);
            }
            Step::ExecInterpreted(script) => {
                let next = self.continue_with(at, script);
                let argument = self.run_argument(next);
                let text = format!("#!{} {argument}\n", self.fixture.display());
                let path = self.path.with_extension("script");
                std::fs::write(&path, text).unwrap();
                std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
                self.exec(code, path.to_str().unwrap(), "");
            }
            Step::ExecFails => self.exec(code, "/no/such/program", ""),
            Step::Exit(status) => {
                code.syscall(SYS_EXIT, &[u64::from(status)]);
            }
            Step::ExitGroup(status) => {
                code.syscall(SYS_EXIT_GROUP, &[u64::from(status)]);
            }
        }
    }

    fn call(&mut self, at: usize, code: &mut Code, value: u64) {
        assert!((1..128).contains(&value) && value != 64, "select of {value} descriptors leaves no trace");
        let area = self.room(16, 16);
        self.put(area, &[0xff; 16]);
        let calls = &mut self.roots[at].calls;
        calls.push(area);
        let number = i32::try_from(calls.len()).unwrap();
        code.push(-number).syscall(SYS_SELECT, &[value, area, 0, 0, NO_TIME]);
    }

    fn handle(&mut self, code: &mut Code, signal: u32, handling: Handling) {
        // SA_SIGINFO, SA_RESTORER, SA_ONSTACK; SA_RESETHAND (sigaction(2)).
        const FLAGS: u64 = 4 | 0x0400_0000 | 0x0800_0000;
        const ONCE: u64 = 0x8000_0000;
        let (handler, flags) = match handling {
            Handling::Default => (0, FLAGS),
            Handling::Ignore => (1, FLAGS),
            Handling::Handler(steps) => (self.handler(&steps), FLAGS),
            Handling::Once(steps) => (self.handler(&steps), FLAGS | ONCE),
        };
        let action = self.room(32, 8);
        for (at, word) in [handler, flags, RESTORER, 0].into_iter().enumerate() {
            self.put(action + 8 * at as u64, &word.to_le_bytes());
        }
        code.syscall(SYS_RT_SIGACTION, &[u64::from(signal), action, 0, 8]);
    }

    fn handler(&mut self, steps: &Script) -> u64 {
        let base = self.room(10 * steps.len() as u64 + 1, 16);
        let mut code = Code::new();
        for step in steps {
            let Step::Mark(mark) = step else { panic!("a handler only makes marks") };
            code.set_mark(*mark).call(base, MARK);
        }
        code.ret();
        self.put(base, code.bytes());
        base
    }

    fn mask(&mut self, code: &mut Code, how: u64, signal: u32) {
        let set = self.room(8, 8);
        self.put(set, &(1_u64 << (signal - 1)).to_le_bytes());
        code.syscall(SYS_RT_SIGPROCMASK, &[how, set, 0, 8]);
    }

    fn spawn(&mut self, code: &mut Code, kind: CloneKind, script: Script) {
        // CLONE_PARENT_SETTID names the child before anybody hears of it (clone(2)).
        const PARENT_SETTID: u64 = 0x0010_0000;
        const SIGCHLD: u64 = 17;
        let flags = match kind {
            CloneKind::Thread => 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000,
            CloneKind::Vfork => 0x100 | 0x4000 | SIGCHLD,
            _ => SIGCHLD,
        };
        let block = self.add(script);
        let (entry, top) = (self.word(block + 0x10), self.word(block + 0x20));
        let stack = self.room(24, 8);
        for (offset, word) in [(0, top), (8, 0), (16, ALT_STACK)] {
            self.put(stack + offset, &word.to_le_bytes());
        }
        let mut child = Code::new();
        child.start_in(block).syscall(SYS_SIGALTSTACK, &[stack, 0]);
        // mov rax, entry; jmp rax
        child.set(Reg::Rax, entry).raw(&[0xff, 0xe0]);
        code.syscall(SYS_CLONE, &[flags | PARENT_SETTID, top, block]).unless_zero_skip(&child);
    }

    fn continue_with(&mut self, at: usize, script: Script) -> u64 {
        let next = self.add(script);
        self.roots[at].next = Some(next);
        next
    }

    fn run_argument(&self, block: u64) -> String {
        format!("run:{block:x}:{}", self.path.display())
    }

    fn exec(&mut self, code: &mut Code, program: &str, argument: &str) {
        let path = self.text(program);
        let argument = if argument.is_empty() { 0 } else { self.text(argument) };
        let vector = self.room(32, 8);
        for (at, word) in [path, argument, 0].into_iter().enumerate() {
            self.put(vector + 8 * at as u64, &word.to_le_bytes());
        }
        code.syscall(SYS_EXECVE, &[path, vector, vector + 16]);
    }

    fn text(&mut self, text: &str) -> u64 {
        let at = self.room(text.len() as u64 + 1, 1);
        self.put(at, text.as_bytes());
        at
    }

    fn room(&mut self, size: u64, align: u64) -> u64 {
        let at = self.free.next_multiple_of(align);
        self.free = at + size;
        assert!(self.free < BASE + SIZE, "the image is full");
        at
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        self.file.write_all_at(bytes, at - BASE).unwrap();
    }

    fn word(&self, at: u64) -> u64 {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, at - BASE).unwrap();
        u64::from_le_bytes(bytes)
    }
}
