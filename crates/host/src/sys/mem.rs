//! A tracee's memory in bulk: process_vm_readv(2) and process_vm_writev(2), `/proc/PID/mem` where they refuse.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::Errno;
use crate::types::Tid;

/// Whose rights on a page count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rights {
    /// A debugger's: it reads and writes what is mapped, whatever the protection says. The kernel gives the tracee its
    /// own copy of a private page.
    Tracer,
    /// The tracee's own, as in a system call that it makes.
    Own,
}

impl Rights {
    /// Whether `/proc/PID/mem`, which asks for no rights on pages, is to be tried after this error. `EFAULT`: the first
    /// page was refused although ptrace may have it. The others: a filter in our own sandbox knows only one of the two
    /// ways.
    fn try_file(self, errno: Errno) -> bool {
        matches!(errno, Errno::ENOSYS | Errno::EPERM) || (errno == Errno::EFAULT && self == Self::Tracer)
    }
}

/// Reads at `addr`; answers how many bytes were readable from there on (a short count at an unmapped page).
pub(crate) fn read(tid: Tid, addr: u64, buf: &mut [u8]) -> Result<usize, Errno> {
    read_by(Rights::Tracer, tid, addr, buf)
}

/// The same with these rights.
pub(crate) fn read_by(rights: Rights, tid: Tid, addr: u64, buf: &mut [u8]) -> Result<usize, Errno> {
    if buf.is_empty() {
        return Ok(0);
    }
    let len = buf.len();
    let local = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: len };
    let remote = remote(addr, len);
    // SAFETY: 1. local describes `buf`, which is ours to write; 2. remote is an address of the other process,
    // which the kernel checks and we never touch.
    let got = unsafe { libc::process_vm_readv(tid.raw(), &raw const local, 1, &raw const remote, 1, 0) };
    let mut by_file = || proc_mem(tid, false)?.read_at(buf, addr).map_err(|error| fault(&error));
    match Errno::check(got as libc::c_long).map(|got| got.unsigned_abs() as usize) {
        // It ends before a page that nobody may read, or at one that is not there.
        Ok(got) if got < len && rights == Rights::Tracer => Ok(by_file().unwrap_or(got)),
        Ok(got) => Ok(got),
        Err(errno) if rights.try_file(errno) => by_file(),
        Err(error) => Err(error),
    }
}

/// Writes at `addr`; answers how many bytes were written before an unmapped page. Write-protected private
/// pages (text, say) are written too, as a debugger needs it.
pub(crate) fn write(tid: Tid, addr: u64, buf: &[u8]) -> Result<usize, Errno> {
    write_by(Rights::Tracer, tid, addr, buf)
}

/// The same with these rights.
pub(crate) fn write_by(rights: Rights, tid: Tid, addr: u64, buf: &[u8]) -> Result<usize, Errno> {
    if buf.is_empty() {
        return Ok(0);
    }
    let local = libc::iovec { iov_base: buf.as_ptr().cast_mut().cast(), iov_len: buf.len() };
    let remote = remote(addr, buf.len());
    // SAFETY: 1. local describes `buf`, which is only read; 2. remote is an address of the other process.
    let put = unsafe { libc::process_vm_writev(tid.raw(), &raw const local, 1, &raw const remote, 1, 0) };
    let by_file = || proc_mem(tid, true)?.write_at(buf, addr).map_err(|error| fault(&error));
    match Errno::check(put as libc::c_long).map(|put| put.unsigned_abs() as usize) {
        Ok(put) if put < buf.len() && rights == Rights::Tracer => by_file(),
        Ok(put) => Ok(put),
        Err(errno) if rights.try_file(errno) => by_file(),
        Err(errno) => Err(errno),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "x86-64 only: usize is 64 bits")]
const fn remote(addr: u64, len: usize) -> libc::iovec {
    libc::iovec { iov_base: core::ptr::without_provenance_mut(addr as usize), iov_len: len }
}

fn proc_mem(tid: Tid, write: bool) -> Result<File, Errno> {
    File::options()
        .read(true)
        .write(write)
        .open(format!("/proc/{tid}/mem"))
        .map_err(|error| Errno::from_io(&error))
}

/// `/proc/PID/mem` says `EIO` where the other two say `EFAULT`.
fn fault(error: &io::Error) -> Errno {
    match Errno::from_io(error) {
        Errno::EIO => Errno::EFAULT,
        other => other,
    }
}
