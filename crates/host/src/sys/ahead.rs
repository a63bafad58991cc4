//! Answers that lie ready in a client's own memory: the board that it shares with us, and the code that reads it there.
//!
//! Key types: [`Board`] (our end of the page), [`code`] (what is copied into the client). A client reaches the code by a jump
//! that stands in place of `mov $NUMBER, %eax` before a system-call instruction of its own. The code either takes an answer
//! from the board, and goes on behind that instruction, or loads the number and goes on at it, as if nothing were there.
//! [`crate::ahead`] writes the jumps; the pages are made by `tracer/ahead`. Nothing is decided here. Longer than most files, as
//! the layout of the pages and the code that reads them are one.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use utrace_core::{Ahead, Does, Moment, Taken, Way, Wrote};

use super::Errno;

/// The size of each page that is mapped.
pub(crate) const PAGE: usize = 4096;
/// Where, from the beginning of the code, the word is that says where the board is; 0 for nowhere. A child gets zeros there
/// (`MADV_WIPEONFORK`): the answers are its parent's.
pub(crate) const GATE: usize = PAGE;

const DATA: usize = 6;
const ENTRY_WORDS: usize = DATA + Ahead::ROOM / 8;
/// How many writes can be noted, and how many of these places a write leaves free, for signal handlers that write too.
const NOTES: usize = 8;
const SPARE: usize = 2;
/// The length of a board.
pub(crate) const BOARD: usize = 2 * PAGE;
const _: () = assert!(size_of::<Pages>() <= BOARD && Ahead::ROOM.is_multiple_of(8) && Ahead::MOST <= 32);
const _: () = assert!(size_of::<Note>() == 64 && NOTES.is_power_of_two() && Wrote::MOST == 16);

/// The board's pages. The offsets are in the code below.
#[repr(C)]
struct Pages {
    /// What the one thread that may take answers has at `%fs:0`.
    owner: AtomicU64,
    /// Low half: a bit for each answer that lies ready. High half: how often that was changed by us. One word, so that
    /// an answer is either taken or taken back.
    ready: AtomicU64,
    /// Whether pread64 goes straight to the kernel: as preadv, which no filter of ours catches.
    straight: AtomicU64,
    /// Whether pwrite64 does, as pwritev, and is noted.
    noting: AtomicU64,
    /// How many writes were begun, and how many of these we have heard of.
    begun: AtomicU32,
    heard: AtomicU32,
    /// Through which descriptor, and one more: 0 for none.
    through: AtomicU64,
    _room: [AtomicU64; 2],
    /// Number and length, value, four arguments, bytes.
    entries: [[AtomicU64; ENTRY_WORDS]; Ahead::MOST],
    notes: [Note; NOTES],
    /// What a call gave that gives: under which `ready` it did, whether one is doing so, and the bytes.
    given_in: AtomicU32,
    giving: AtomicU32,
    given: [AtomicU64; Ahead::ROOM / 8],
}

/// In an entry's second half of the first word, beside the length: the bytes are to be given, or are what was given, if anything.
const GIVES: u32 = 1 << 31;
const NEW: u32 = 1 << 30;

/// A write that went straight to the kernel.
#[repr(C)]
struct Note {
    fd: AtomicU32,
    /// One of [`NOTHING`] and the others.
    state: AtomicU32,
    at: AtomicU64,
    len: AtomicU64,
    before: [AtomicU64; 2],
    after: [AtomicU64; 2],
    _room: AtomicU64,
}

/// How far a [`Note`] is: nothing is known, what was there before is, all is; or nothing was written, and the call is asked.
const NOTHING: u32 = 0;
const BEFORE: u32 = 1;
const WHOLE: u32 = 2;
const ASKED: u32 = 3;

// A system call keeps all registers but rax, rcx and r11, and so does this. r11 comes with the caller's record: its number, and
// the address of its system-call instruction.
global_asm!(
    ".pushsection .rodata.utrace_ahead, \"a\", @progbits",
    ".balign 64",
    ".globl utrace_ahead_begin",
    ".globl utrace_ahead_end",
    "utrace_ahead_begin:",
    "mov rcx, [rip + utrace_ahead_begin + 4096]",
    "test rcx, rcx",
    "jz 9f",
    "lea rsp, [rsp - 128]", // The red zone is the program's.
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "mov rax, fs:[0]",
    "cmp rax, [rcx]",
    "jne 8f",
    "mov r13d, [r11]",
    "mov rax, [rcx + 8]",
    "lea rbx, [rcx + 64]",
    "xor ebp, ebp",
    "2:",
    "bt eax, ebp",
    "jnc 3f",
    "cmp r13d, [rbx]",
    "jne 3f",
    "cmp rdi, [rbx + 16]",
    "jne 3f",
    "cmp rsi, [rbx + 24]",
    "jne 3f",
    "cmp rdx, [rbx + 32]",
    "jne 3f",
    "cmp r10, [rbx + 40]",
    "je 4f",
    "3:",
    "add rbx, {entry}",
    "inc ebp",
    "cmp ebp, {most}",
    "jne 2b",
    "jmp 8f",
    "4:",
    "mov r12, rax",
    "btr r12, rbp",
    "test dword ptr [rbx + 4], {gives}",
    "jnz 20f",
    "mov r13, [rbx + 8]",
    "lock cmpxchg [rcx + 8], r12", // Ours, unless anything was changed meanwhile.
    "jne 8f",
    "mov eax, [rbx + 4]",
    "btr eax, 30",
    "mov rbp, -1",
    "jnc 24f",
    "mov rbp, r12",
    "shr rbp, 32",
    "24:",
    "test eax, eax",
    "jz 7f",
    "push rdi",
    "push rsi",
    "push rcx",
    "mov rdi, r10",
    "lea rsi, [rbx + 48]",
    "cmp ebp, [rcx + {given_in}]", // Never, for one that is not new.
    "jne 25f",
    "lea rsi, [rcx + {given}]",
    "25:",
    "mov ecx, eax",
    "cld",
    "rep movsb",
    "pop rcx",
    "pop rsi",
    "pop rdi",
    "mov eax, [rcx + 12]", // A handler may have asked in the middle, and the bytes be those of another answer.
    "shr r12, 32",
    "cmp eax, r12d",
    "jne 8f",
    "7:",
    "mov rax, r13",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "lea rsp, [rsp + 128]",
    "mov rcx, [r11 + 8]",
    "add rcx, 2",
    "jmp rcx",
    "20:",
    "cmp dword ptr [rcx + {giving}], 0",
    "jne 8f", // A handler's, in the middle of this.
    "mov dword ptr [rcx + {giving}], 1",
    "push rsi",
    "push rdi",
    "push rdx",
    "push rax",
    "mov eax, [rbx + 4]",
    "and eax, {length}",
    "shr eax, 3",
    "mov r13, [rbx + 8]",
    "xor edx, edx",
    "21:",
    "mov rsi, [r10 + rdx * 8]",
    "mov [rcx + rdx * 8 + {given}], rsi",
    "bt r13d, edx",
    "jnc 22f",
    "cmp rsi, [rbx + rdx * 8 + 48]",
    "jne 23f",
    "22:",
    "inc edx",
    "cmp edx, eax",
    "jne 21b",
    "mov rsi, r12",
    "shr rsi, 32",
    "mov [rcx + {given_in}], esi",
    "shr r13, 32",
    "not r13",
    "and r12, r13",
    "mov rax, [rsp]",
    "lock cmpxchg [rcx + 8], r12",
    "23:",
    "mov dword ptr [rcx + {giving}], 0",
    "lea rsp, [rsp + 8]",
    "pop rdx",
    "pop rdi",
    "pop rsi",
    "mov r13d, 0",
    "je 7b",
    "8:",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "lea rsp, [rsp + 128]",
    "9:",
    "mov eax, [r11]",
    "cmp eax, {pwrite64}",
    "je 5f",
    "cmp eax, {pread64}",
    "jne 1f",
    "mov rcx, [rip + utrace_ahead_begin + 4096]",
    "test rcx, rcx",
    "jz 1f",
    "cmp qword ptr [rcx + 16], 0",
    "je 1f",
    "lea rsp, [rsp - 160]",
    "mov [rsp], rsi", // An iovec of buffer and length, and what has no place during the call.
    "mov [rsp + 8], rdx",
    "mov [rsp + 16], r8",
    "mov [rsp + 24], r11",
    "mov rsi, rsp",
    "mov edx, 1",
    "xor r8d, r8d",
    "mov eax, {preadv}",
    "syscall",
    "mov rsi, [rsp]",
    "mov rdx, [rsp + 8]",
    "mov r8, [rsp + 16]",
    "mov r11, [rsp + 24]",
    "lea rsp, [rsp + 160]",
    "mov rcx, [r11 + 8]",
    "add rcx, 2",
    "jmp rcx",
    "1:",
    "mov eax, [r11]",
    "jmp qword ptr [r11 + 8]",
    "5:",
    "mov rcx, [rip + utrace_ahead_begin + 4096]",
    "test rcx, rcx",
    "jz 1b",
    "cmp qword ptr [rcx + 24], 0",
    "je 1b",
    "mov rax, fs:[0]",
    "cmp rax, [rcx]",
    "jne 1b",
    "lea eax, [rdi + 1]",
    "cmp rax, [rcx + 40]",
    "jne 1b",
    "lea rax, [rdx - 1]",
    "cmp rax, {longest}",
    "jae 1b",
    "mov eax, [rcx + 32]",
    "sub eax, [rcx + 36]",
    "cmp eax, {places} - {spare}",
    "jae 1b",
    "lea rsp, [rsp - 128]",
    "push rbx",
    "push rsi",
    "push rdx",
    "push r8",
    "push r11",
    "lea rsp, [rsp - 24]", // An iovec, and the flags' room.
    "mov eax, 1",
    "xadd [rcx + 32], eax", // One instruction: a handler that writes has the next place.
    "and eax, {places} - 1",
    "shl eax, 6",
    "lea rbx, [rcx + rax + {notes}]",
    "mov [rbx], edi",
    "mov [rbx + 8], r10",
    "mov [rbx + 16], rdx",
    "lea rax, [rbx + 24]",
    "mov [rsp], rax",
    "mov [rsp + 8], rdx",
    "mov rsi, rsp",
    "mov edx, 1",
    "xor r8d, r8d",
    "mov eax, {preadv}",
    "syscall",
    "cmp rax, [rsp + 8]",
    "jne 6f",
    "mov dword ptr [rbx + 4], {before}",
    "mov rax, [rsp + 48]",
    "mov [rsp], rax",
    "mov eax, {pwritev}",
    "syscall",
    "cmp rax, [rsp + 8]",
    "jne 6f", // Asked, it fails or falls short in the right way.
    "lea rax, [rbx + 40]",
    "mov [rsp], rax",
    "mov eax, {preadv}",
    "syscall",
    "cmp rax, [rsp + 8]",
    "jne 7f",
    "mov dword ptr [rbx + 4], {whole}",
    "7:",
    "mov rax, [rsp + 8]",
    "lea rsp, [rsp + 24]",
    "pop r11",
    "pop r8",
    "pop rdx",
    "pop rsi",
    "pop rbx",
    "lea rsp, [rsp + 128]",
    "mov rcx, [r11 + 8]",
    "add rcx, 2",
    "jmp rcx",
    "6:",
    "mov dword ptr [rbx + 4], {asked}",
    "lea rsp, [rsp + 24]",
    "pop r11",
    "pop r8",
    "pop rdx",
    "pop rsi",
    "pop rbx",
    "lea rsp, [rsp + 128]",
    "jmp 1b",
    "utrace_ahead_end:",
    ".popsection",
    entry = const ENTRY_WORDS * 8,
    most = const Ahead::MOST,
    pread64 = const libc::SYS_pread64,
    preadv = const libc::SYS_preadv,
    pwrite64 = const libc::SYS_pwrite64,
    pwritev = const libc::SYS_pwritev,
    before = const BEFORE,
    whole = const WHOLE,
    asked = const ASKED,
    longest = const Wrote::MOST,
    places = const NOTES,
    spare = const SPARE,
    notes = const core::mem::offset_of!(Pages, notes),
    given = const core::mem::offset_of!(Pages, given),
    given_in = const core::mem::offset_of!(Pages, given_in),
    giving = const core::mem::offset_of!(Pages, giving),
    gives = const GIVES,
    length = const !(GIVES | NEW),
);

/// The code, which runs wherever it is copied to.
pub(crate) fn code() -> &'static [u8] {
    unsafe extern "C" {
        static utrace_ahead_begin: u8;
        static utrace_ahead_end: u8;
    }
    let (begin, end) = (&raw const utrace_ahead_begin, &raw const utrace_ahead_end);
    // SAFETY: both labels are in one section, in this order, with initialised bytes between them that never change.
    unsafe { core::slice::from_raw_parts(begin, end.addr() - begin.addr()) }
}

/// Our end of a board.
#[derive(Debug)]
pub(crate) struct Board {
    pages: &'static Pages,
    laid: u32,
    turn: u32,
}

impl core::fmt::Debug for Pages {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Board {
    /// A new one, and the file through which a client maps it. It has its size for good: who can open the file could
    /// take the page from under us otherwise.
    pub(crate) fn new() -> Result<(Self, OwnedFd), Errno> {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        // SAFETY: reads a C string.
        let fd = unsafe { libc::memfd_create(c"utrace-ahead".as_ptr(), flags) };
        Errno::check(libc::c_long::from(fd))?;
        // SAFETY: a fresh descriptor that nobody else owns.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: two numbers.
        let sized = unsafe { libc::ftruncate(fd.as_raw_fd(), BOARD as libc::off_t) };
        Errno::check(libc::c_long::from(sized))?;
        let seals = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        // SAFETY: three numbers.
        let sealed = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) };
        Errno::check(libc::c_long::from(sealed))?;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping where the kernel likes; nothing of ours is there.
        let at =
            unsafe { libc::mmap(core::ptr::null_mut(), BOARD, rights, libc::MAP_SHARED, fd.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        // SAFETY: 1. page aligned, as long as a board, which `Pages` fits in, zeroed, and atomics only; 2. unmapped only when the
        // board, which never lends this reference, goes; 3. the file cannot shrink.
        Ok((Self { pages: unsafe { &*at.cast() }, laid: 0, turn: 0 }, fd))
    }

    /// Which thread may take answers: what it has at `%fs:0`.
    pub(crate) fn give_to(&self, owner: u64) {
        self.pages.owner.store(owner, Ordering::SeqCst);
    }

    /// Which way reads of files at an offset go.
    pub(crate) fn send_reads(&self, way: Way) {
        self.pages.straight.store((way == Way::Straight).into(), Ordering::SeqCst);
    }

    /// Which way writes of files at an offset go.
    pub(crate) fn send_writes(&self, way: Way) {
        self.pages.noting.store((way == Way::Straight).into(), Ordering::SeqCst);
    }

    /// The descriptor through which they may.
    pub(crate) fn write_through(&self, fd: i32) {
        self.pages.through.store(u64::from(fd.wrapping_add(1).cast_unsigned()), Ordering::SeqCst);
    }

    /// What was written straight since this was asked last.
    pub(crate) fn written(&self, moment: Moment) -> Vec<Wrote> {
        let begun = self.pages.begun.load(Ordering::Acquire);
        let mut heard = self.pages.heard.load(Ordering::Relaxed);
        let mut wrote = Vec::new();
        // The client can write anything there.
        for _ in 0..begun.wrapping_sub(heard).min(NOTES as u32) {
            let note = &self.pages.notes[heard as usize % NOTES];
            if moment == Moment::Any && matches!(note.state.load(Ordering::Acquire), NOTHING | BEFORE) {
                break;
            }
            wrote.extend(note.take());
            heard = heard.wrapping_add(1);
        }
        self.pages.heard.store(heard, Ordering::Release);
        wrote
    }

    /// What a call that gives gave last.
    pub(crate) fn given(&self) -> Vec<u8> {
        self.pages.given.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
    }

    /// Takes back what lies there, and says what was taken.
    pub(crate) fn take_back(&mut self) -> Taken {
        self.turn = self.turn.wrapping_add(1);
        let before = self.pages.ready.swap(u64::from(self.turn) << 32, Ordering::SeqCst);
        let left = (before & 0xffff_ffff) as u32;
        Taken::from_bits(core::mem::take(&mut self.laid) & !left)
    }

    /// Lays these ready, and nothing else.
    pub(crate) fn lay(&mut self, answers: &[Ahead<'_>]) {
        let _ = self.take_back();
        for (entry, answer) in self.pages.entries.iter().zip(answers) {
            let bytes = &answer.bytes[..answer.bytes.len().min(Ahead::ROOM)];
            let (sign, second) = match answer.does {
                Does::Gets => (0, answer.value.cast_unsigned()),
                Does::GetsNew => (NEW, answer.value.cast_unsigned()),
                Does::Gives(same, untrue) => (GIVES, u64::from(same) | u64::from(untrue) << 32),
            };
            let first = u64::from(sign) << 32 | (bytes.len() as u64) << 32 | u64::from(answer.number);
            entry[0].store(first, Ordering::Relaxed);
            entry[1].store(second, Ordering::Relaxed);
            for (to, from) in entry[2..].iter().zip(answer.args) {
                to.store(from, Ordering::Relaxed);
            }
            for (to, from) in entry[DATA..].iter().zip(bytes.chunks(8)) {
                let mut word = [0; 8];
                word[..from.len()].copy_from_slice(from);
                to.store(u64::from_ne_bytes(word), Ordering::Relaxed);
            }
        }
        let count = answers.len().min(Ahead::MOST);
        self.laid = (1_u32 << count) - 1;
        self.pages.ready.store(u64::from(self.turn) << 32 | u64::from(self.laid), Ordering::Release);
    }
}

impl Note {
    /// What is known of a write. Its place is empty behind that: its next user begins with what it finds there.
    fn take(&self) -> Option<Wrote> {
        let bytes = |words: &[AtomicU64; 2]| {
            let mut bytes = [0; Wrote::MOST];
            for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
                to.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
            }
            bytes
        };
        let state = self.state.swap(NOTHING, Ordering::AcqRel);
        let len = usize::try_from(self.len.load(Ordering::Relaxed)).ok()?;
        (matches!(state, BEFORE | WHOLE) && len <= Wrote::MOST).then(|| Wrote {
            fd: self.fd.load(Ordering::Relaxed).cast_signed(),
            at: self.at.load(Ordering::Relaxed),
            len,
            before: bytes(&self.before),
            after: (state == WHOLE).then(|| bytes(&self.after)),
        })
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let at = core::ptr::from_ref(self.pages).cast_mut().cast();
        // SAFETY: our own mapping, of this length; the one reference to it goes with this value.
        unsafe { libc::munmap(at, BOARD) };
    }
}

#[cfg(test)]
pub(crate) mod trial;
