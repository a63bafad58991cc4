//! Requests of ptrace(2) that engines make in the kernel's own terms: a fixed list, each with the size of what its
//! `data` points to, so that no request can reach beyond the buffer that it is given.

use super::Errno;
use crate::types::Tid;

/// `struct ptrace_peeksiginfo_args` (`linux/ptrace.h`): offset, flags, count.
const QUEUE_ARGS: usize = 16;
const SIGINFO: usize = 128;
/// The longest filter, `BPF_MAXINSNS` instructions of 8 bytes.
const FILTER: usize = 4096 * 8;

/// How a request uses `addr` and `data`.
enum Form {
    /// `addr` is the argument; `data` points to this many bytes at most.
    Points(usize),
    /// `addr` is the argument; `data` is itself a word, the first of the buffer.
    Word,
    /// `addr` is the size of what `data` points to: the buffer's.
    Sized,
    /// `addr` points to the head of the buffer, which says how many siginfos fit behind it.
    Queue,
    /// `addr` points to the buffer, `data` is the argument (`PTRACE_ARCH_PRCTL` alone).
    Swapped(usize),
}

/// `None`: not a request that engines may make.
const fn form(request: u32) -> Option<Form> {
    Some(match request {
        // PEEKUSER, and the raw call answers where data points.
        3 => Form::Points(8),
        // POKEUSER.
        6 => Form::Word,
        // GETFPREGS, SETFPREGS: struct user_fpregs_struct.
        14 | 15 => Form::Points(512),
        // GET_THREAD_AREA, SET_THREAD_AREA: struct user_desc.
        25 | 26 => Form::Points(16),
        // ARCH_PRCTL.
        30 => Form::Swapped(8),
        // GETSIGINFO.
        0x4202 => Form::Points(SIGINFO),
        // PEEKSIGINFO.
        0x4209 => Form::Queue,
        // GETSIGMASK, SETSIGMASK; SECCOMP_GET_METADATA; GET_RSEQ_CONFIGURATION; the two of syscall user dispatch.
        // GET_SYSCALL_INFO.
        0x420a | 0x420b | 0x420d | 0x420e | 0x420f | 0x4210 | 0x4211 => Form::Sized,
        // SECCOMP_GET_FILTER.
        0x420c => Form::Points(FILTER),
        _ => return None,
    })
}

/// Makes a request on a stopped tracee; `ENOSYS` for one that is not on the list or whose buffer is too small.
pub(crate) fn forward(tid: Tid, request: u32, argument: u64, buf: &mut [u8]) -> Result<u64, Errno> {
    let data = buf.as_mut_ptr() as u64;
    let (addr, data) = match form(request).ok_or(Errno::ENOSYS)? {
        Form::Points(size) if buf.len() >= size => (argument, data),
        Form::Sized => (buf.len() as u64, data),
        Form::Swapped(size) if buf.len() >= size => (data, argument),
        Form::Word => {
            let word = buf.first_chunk().ok_or(Errno::ENOSYS)?;
            (argument, u64::from_ne_bytes(*word))
        }
        Form::Queue => {
            let room = buf.len().checked_sub(QUEUE_ARGS).ok_or(Errno::ENOSYS)? / SIGINFO;
            let mut asked = [0; 4];
            asked.copy_from_slice(&buf[12..QUEUE_ARGS]);
            let count = i32::from_ne_bytes(asked).min(i32::try_from(room).unwrap_or(0));
            buf[12..QUEUE_ARGS].copy_from_slice(&count.to_ne_bytes());
            (data, data + QUEUE_ARGS as u64)
        }
        _ => return Err(Errno::ENOSYS),
    };
    // SAFETY: `form` admits only requests that touch no more memory of ours than the sizes checked above, all of it
    // inside `buf`; the rest are numbers.
    let result = unsafe { libc::syscall(libc::SYS_ptrace, request, tid.raw(), addr, data) };
    Errno::check(result).map(i64::unsigned_abs)
}
