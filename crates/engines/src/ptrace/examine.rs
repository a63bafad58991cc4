//! The requests that look at a tracee which stands still, or change it, carried out.
//!
//! Entry: [`word`] for memory, [`examine`] for all else. Neighbours: [`super::serve`] finds the link; [`super::peek`],
//! [`super::registers`] and [`super::memory`] know the parts.

use utrace_abi::UserRegs;
use utrace_abi::ptrace as abi;
use utrace_abi::ptrace::{NT_PRSTATUS, PtraceEvent};
use utrace_core::{Addr, Target, TargetError, Task};

use super::filters;
use super::fp32;
use super::ia32;
use super::link::{Link, State};
use super::memory;
use super::narrow;
use super::num::{E2BIG, EFAULT, EINVAL, EIO, EOPNOTSUPP, EPERM, ERANGE, ESRCH};
use super::peek;
use super::proc;
use super::registers;
use super::serve::Call;
use super::siginfo;
use super::stop::Stop;
use super::tracee::look;
use super::width::Width;
use super::world::Threads;

/// A word of memory, by the breakpoints of this tracer.
pub(super) fn word(
    threads: &mut Threads,
    task: &Task,
    owner: u32,
    call: &Call,
    client: &mut dyn Target,
) -> Result<i64, i64> {
    let mut words = call.data.to_le_bytes();
    let word = &mut words[..call.width.word()];
    let peeks = matches!(call.request, abi::PTRACE_PEEKTEXT | abi::PTRACE_PEEKDATA);
    let moved = if peeks {
        memory::read(threads, task, owner, call.addr, word)
    } else {
        memory::write(threads, task, owner, call.addr, word)
    };
    match moved {
        Ok(len) if len == word.len() && peeks => put_word(client, call.data, word),
        Ok(len) if len == word.len() => Ok(0),
        Err(ESRCH) => Err(ESRCH),
        _ => Err(EIO),
    }
}

/// Requests that look at a tracee that stands still, or change it.
pub(super) fn examine(
    link: &mut Link,
    stop: &Stop,
    call: &Call,
    client: &mut dyn Target,
) -> Result<i64, i64> {
    registers::in_the_middle(link)?;
    let (addr, data, task, owner) = (call.addr, call.data, link.task.clone(), link.owner);
    let width = call.width;
    match call.request {
        _ if width == Width::Narrow && narrow::knows(call.request) => narrow::examine(link, call, client),
        abi::PTRACE_PEEKUSER => {
            let word = match registers::word(link, addr) {
                Some(word) => word,
                None => look(&task, |target| peek::read_user(target, owner, addr))??,
            };
            put_word(client, data, &word.to_le_bytes())
        }
        abi::PTRACE_POKEUSER if registers::goes_back(link, addr, data) => {
            if let Some(regs) = &mut link.snapshot {
                regs.rip = data;
            }
            Ok(0)
        }
        abi::PTRACE_POKEUSER if registers::is_to_come(link, addr) => {
            if let Some(regs) = &mut link.snapshot {
                regs.rax = data;
            }
            Ok(0)
        }
        abi::PTRACE_POKEUSER => {
            look(&task, |target| peek::write_user(target, owner, addr, data))??;
            registers::set_word(link, addr).map(|()| 0)
        }
        abi::PTRACE_GETREGS => get_set(link, client, NT_PRSTATUS, data),
        abi::PTRACE_GETFPREGS => {
            let buf = fp_regs(link, abi::PTRACE_GETFPREGS, [0; FP_SIZE])?;
            put(client, data, &buf)
        }
        abi::PTRACE_SETREGS => set_set(link, client, NT_PRSTATUS, data),
        abi::PTRACE_SETFPREGS => {
            let mut buf = [0; FP_SIZE];
            get(client, data, &mut buf)?;
            fp_regs(link, abi::PTRACE_SETFPREGS, buf).map(|_| 0)
        }
        abi::PTRACE_GETREGSET | abi::PTRACE_SETREGSET => regset(link, call, client),
        abi::PTRACE_GETEVENTMSG => put_word(client, data, &stop.message().to_le_bytes()[..width.word()]),
        abi::PTRACE_GETSIGINFO => {
            let (pid, uid) = (|| proc::own_name(link.process), || proc::uid(link.tracee));
            let info = stop.siginfo(link.face, pid, uid).ok_or(EINVAL)?;
            put(client, data, &width.siginfo_out(&info))
        }
        abi::PTRACE_SETSIGINFO => set_siginfo(link, client, call),
        abi::PTRACE_GET_SYSCALL_INFO => {
            let told = stop.registers();
            let now = look(&task, |target| match told {
                Some(told) if target.is_as_reported() => Ok(told),
                _ => peek::regs(target),
            })??;
            let (mut info, size) = stop.syscall_info(link.face, &now);
            if info[0] == 0 && ia32::is_ia32(&now) {
                // Outside a call the kernel does not show what code runs (`syscall_get_arch`), and only it knows.
                let mut whole = vec![0; 128];
                let ask = |target: &mut dyn Target| peek::forward(target, call.request, 0, &mut whole);
                look(&task, ask)??;
                info[4..8].copy_from_slice(&whole[4..8]);
            }
            let room = usize::try_from(addr).unwrap_or(usize::MAX).min(size);
            put(client, data, info.get(..room).unwrap_or_default())?;
            Ok(i64::try_from(size).unwrap_or(0))
        }
        abi::PTRACE_SET_SYSCALL_INFO => set_syscall_info(link, stop, call, client),
        abi::PTRACE_SECCOMP_GET_FILTER => filters::get_filter(&task, call, client),
        abi::PTRACE_SECCOMP_GET_METADATA => filters::metadata(&task, call, client),
        _ => forward(link, call, client),
    }
}

/// `PTRACE_SET_SYSCALL_INFO` (Linux 6.16): the call, or its result, by the structure that tells of it.
fn set_syscall_info(link: &mut Link, stop: &Stop, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    // `sizeof(struct ptrace_syscall_info)`; the kernel takes no less.
    let mut info = [0; 88];
    if call.addr < 88 {
        return Err(EINVAL);
    }
    get(client, call.data, &mut info)?;
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&info[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let mut regs = UserRegs::from_bytes(&whole(&registers::read(link, NT_PRSTATUS)?)?);
    let (shown, _) = stop.syscall_info(link.face, &regs);
    if info[1..4] != [0; 3] || info[0] != shown[0] {
        return Err(EINVAL);
    }
    match stop {
        Stop::Entry { .. } | Stop::Event(PtraceEvent::Seccomp, _) if matches!(info[0], 1 | 3) => {
            let arch = if let Stop::Entry { arch, .. } = stop { *arch } else { peek::place_of(&regs).arch };
            let number = word(24).cast_signed();
            if i32::try_from(number).is_err() {
                return Err(ERANGE);
            }
            peek::set_call(&mut regs, arch, number, core::array::from_fn(|n| word(32 + 8 * n)));
        }
        Stop::Exit { .. } if info[0] == 2 => regs.rax = word(24),
        _ => return Err(EINVAL),
    }
    registers::write(link, NT_PRSTATUS, &regs.to_bytes()).map(|()| 0)
}

fn whole(bytes: &[u8]) -> Result<[u8; UserRegs::SIZE], i64> {
    bytes.try_into().map_err(|_| EIO)
}

/// Requests that the kernel answers as they are, with the client's buffer carried over and back.
fn forward(link: &Link, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let (request, argument) = (call.request, call.addr);
    let ask = |buf: &mut Vec<u8>, argument| {
        let taken = core::mem::take(buf);
        let (filled, result) = look(&link.task, move |target| {
            let mut buf = taken;
            let result = peek::forward(target, request, argument, &mut buf);
            (buf, result)
        })?;
        *buf = filled;
        result
    };
    match request {
        abi::PTRACE_GETSIGMASK | abi::PTRACE_SETSIGMASK if argument != 8 => Err(EINVAL),
        abi::PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG | abi::PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
            if argument != 32 =>
        {
            Err(EINVAL)
        }
        abi::PTRACE_SETSIGMASK | abi::PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG => {
            let mut buf = sized(argument)?;
            get(client, call.data, &mut buf)?;
            ask(&mut buf, 0)
        }
        abi::PTRACE_GETSIGMASK | abi::PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG => {
            let mut buf = sized(argument)?;
            let result = ask(&mut buf, 0)?;
            put(client, call.data, &buf)?;
            Ok(result)
        }
        abi::PTRACE_GET_RSEQ_CONFIGURATION => {
            // The kernel says how much there is, and stores what there is room for.
            let mut buf = sized(64)?;
            let result = ask(&mut buf, 0)?;
            let room = argument.min(result.unsigned_abs());
            put(client, call.data, buf.get(..usize::try_from(room).unwrap_or(0)).unwrap_or_default())?;
            Ok(result)
        }
        // An int to the kernel (`arch_ptrace`).
        GET_THREAD_AREA | SET_THREAD_AREA if (argument as u32).cast_signed() < 0 => Err(EIO),
        GET_THREAD_AREA | SET_THREAD_AREA => {
            let mut buf = vec![0; 16];
            if request == SET_THREAD_AREA {
                get(client, call.data, &mut buf)?;
            }
            let result = ask(&mut buf, argument)?;
            if request == GET_THREAD_AREA {
                put(client, call.data, &buf)?;
            }
            Ok(result)
        }
        ARCH_PRCTL if call.width == Width::Wide => {
            let mut buf = vec![0; 8];
            // ARCH_SET_GS and ARCH_SET_FS take the word itself, the others store through it.
            let code = call.data & 0xffff_ffff;
            if matches!(code, ARCH_SET_GS | ARCH_SET_FS) {
                return set_base(link, code, call.addr);
            }
            let result = ask(&mut buf, code)?;
            put(client, call.addr, &buf)?;
            Ok(result)
        }
        abi::PTRACE_PEEKSIGINFO => {
            let mut args = [0; 16];
            get(client, argument, &mut args)?;
            let count = i32::from_le_bytes([args[12], args[13], args[14], args[15]]);
            let room = usize::try_from(count).map_err(|_| EINVAL)?.min(64);
            let mut buf = args.to_vec();
            buf.resize(16 + 128 * room, 0);
            let found = ask(&mut buf, 0)?;
            let len = usize::try_from(found).unwrap_or(0) * 128;
            let queue = buf.get(16..16 + len).unwrap_or_default();
            // Those before the first that cannot be stored count (`ptrace_peek_siginfo`).
            let mut at = call.data;
            for (stored, info) in (0..).zip(queue.as_chunks().0) {
                if let Err(errno) = put(client, at, &call.width.siginfo_out(info)) {
                    return if stored > 0 { Ok(stored) } else { Err(errno) };
                }
                at = at.wrapping_add(128);
            }
            Ok(found)
        }
        _ => Err(EIO),
    }
}

/// `PTRACE_ARCH_PRCTL`, whose two operands stand the other way round.
const ARCH_PRCTL: u32 = 30;
/// Segments of 32-bit threads, which 64-bit threads may have too: `addr` is the index.
const GET_THREAD_AREA: u32 = 25;
const SET_THREAD_AREA: u32 = 26;

/// A buffer of the size that the caller says: no structure of these requests is larger than this.
fn sized(size: u64) -> Result<Vec<u8>, i64> {
    match usize::try_from(size) {
        Ok(size @ 1..=64) => Ok(vec![0; size]),
        _ => Err(EINVAL),
    }
}

/// Operands of `ARCH_PRCTL`, an int (`asm/prctl.h`).
const ARCH_SET_GS: u64 = 0x1001;
const ARCH_SET_FS: u64 = 0x1002;

fn set_base(link: &Link, code: u64, base: u64) -> Result<i64, i64> {
    look(&link.task, |target| {
        let mut regs = peek::regs(target)?;
        match code {
            ARCH_SET_GS => regs.gs_base = base,
            _ => regs.fs_base = base,
        }
        peek::set_regs(target, &regs)
    })?
    .map(|()| 0)
    // What a register set says of an address of the kernel's is another error (`do_arch_prctl_64`).
    .map_err(|errno| if errno == EIO { EPERM } else { errno })
}

/// Copies an answer into the client's memory.
pub(super) fn put(client: &mut dyn Target, at: u64, bytes: &[u8]) -> Result<i64, i64> {
    match client.store(Addr(at), bytes) {
        Ok(len) if len == bytes.len() => Ok(0),
        _ if bytes.is_empty() => Ok(0),
        _ => Err(EFAULT),
    }
}

/// The same for a word, of which no part is written (`put_user`).
fn put_word(client: &mut dyn Target, at: u64, word: &[u8]) -> Result<i64, i64> {
    const PAGE: u64 = 4096;
    if at % PAGE + word.len() as u64 > PAGE
        && let Err(EFAULT) = get(client, at, &mut vec![0; word.len()])
    {
        return Err(EFAULT);
    }
    put(client, at, word)
}

pub(super) fn get(client: &mut dyn Target, at: u64, bytes: &mut [u8]) -> Result<(), i64> {
    match client.fetch(Addr(at), bytes) {
        Ok(len) if len == bytes.len() => Ok(()),
        Err(TargetError::Unsupported) => Err(EIO),
        _ => Err(EFAULT),
    }
}

/// `struct user_fpregs_struct`, also of a 32-bit tracee, whose register set has another layout.
pub(super) const FP_SIZE: usize = 512;

pub(super) fn fp_regs(link: &Link, request: u32, mut buf: [u8; FP_SIZE]) -> Result<[u8; FP_SIZE], i64> {
    look(&link.task, move |target| peek::forward(target, request, 0, &mut buf).map(|_| buf))?
}

fn get_set(link: &Link, client: &mut dyn Target, note: u32, at: u64) -> Result<i64, i64> {
    let bytes = registers::read(link, note)?;
    put(client, at, &bytes)
}

fn set_set(link: &mut Link, client: &mut dyn Target, note: u32, at: u64) -> Result<i64, i64> {
    let mut bytes = registers::read(link, note)?;
    get(client, at, &mut bytes)?;
    registers::write(link, note, &bytes).map(|()| 0)
}

/// GETREGSET and SETREGSET: `data` is an iovec, whose length is answered too.
fn regset(link: &mut Link, call: &Call, client: &mut dyn Target) -> Result<i64, i64> {
    let word = call.width.word();
    let mut iovec = [0; 16];
    let iovec = &mut iovec[..2 * word];
    get(client, call.data, iovec)?;
    let [base, len] = [0, word].map(|at| call.width.word_at(iovec, at));
    let note = (call.addr & 0xffff_ffff) as u32;
    let sets = call.request == abi::PTRACE_SETREGSET;
    if note == NT_386_IOPERM {
        // Its length is judged before it is asked whether there is one, and no tracer sets it.
        let regs = look(&link.task, |target| peek::regs(target))??;
        if !len.is_multiple_of(if ia32::is_ia32(&regs) { 4 } else { 8 }) {
            return Err(EINVAL);
        } else if sets {
            return Err(EOPNOTSUPP);
        }
    }
    let mut bytes = registers::read(link, note)?;
    let mut regs = UserRegs::from_bytes(&bytes);
    let narrow = note == NT_PRSTATUS && ia32::is_ia32(&regs);
    if narrow {
        bytes = ia32::to_bytes(&regs);
    }
    // Sets are counted in words, or segments; the kernel takes no part of one (`ptrace_regset`).
    let unit = match note {
        // The form of FSAVE, and a set that only 32-bit tracees have.
        abi::NT_PRFPREG if bytes.len() == fp32::FSAVE => 4,
        NT_PRXFPREG => 4,
        NT_386_TLS => 16,
        _ if narrow => 4,
        _ => 8,
    };
    if !len.is_multiple_of(unit) {
        return Err(EINVAL);
    }
    bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
    if !sets {
        put(client, base, &bytes)?;
    } else {
        get(client, base, &mut bytes)?;
        if narrow {
            ia32::change(&mut regs, &bytes);
            registers::write(link, note, &regs.to_bytes())?;
        } else {
            registers::write(link, note, &bytes)?;
        }
    }
    let place = call.data.wrapping_add(word as u64);
    put(client, place, &(bytes.len() as u64).to_le_bytes()[..word])
}

/// `NT_PRXFPREG`, `NT_386_TLS` (`linux/elf.h`): sets of 32-bit tracees.
const NT_PRXFPREG: u32 = 0x46e6_2b7f;
const NT_386_TLS: u32 = 0x200;
/// The permissions for ports.
const NT_386_IOPERM: u32 = 0x201;

fn set_siginfo(link: &mut Link, client: &mut dyn Target, call: &Call) -> Result<i64, i64> {
    // The kernel reads what it knows of, and the rest only to see that there is nothing in it
    // (`post_copy_siginfo_from_user`).
    let mut raw = [0; 128];
    let (known, rest) = raw.split_at_mut(siginfo::KNOWN);
    get(client, call.data, known)?;
    if call.width == Width::Wide && !siginfo::has_layout(known) {
        get(client, call.data.wrapping_add(siginfo::KNOWN as u64), rest)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(E2BIG);
        }
    }
    let State::Stopped(Stop::Signal(info), _) = &mut link.state else { return Err(EINVAL) };
    // The number that counts is the one of the resume.
    info.raw = call.width.siginfo_in(&raw);
    Ok(0)
}
