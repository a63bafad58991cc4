//! The boundary to C: exported functions, raw pointers, calls into C. All unsafe code of the crate.
//!
//! Why a fence of its own: what a C caller says of a pointer (this buffer has 64 bytes, this table has these
//! members) can be checked by nobody; the header says it and this folder takes it at its word. Everything that
//! *can* be checked is: objects are looked up by address (`handles`), numbers are turned into enums, NULL is an
//! error number. The functions here are thin: they read what was passed, call `calls`, `task` or `session`, and
//! write what comes back.
//!
//! Why the exported names are safe (`unsafe(no_mangle)`): each begins with `utrace_`, which no other library of
//! a C program does, and `tests/header.rs` holds the list of them against the header's declarations, both ways.
//!
//! | file | holds |
//! |---|---|
//! | `ops` | the types that C fills in and callbacks get |
//! | `context` | what the calling thread is in: `utrace_current()` and its registers |
//! | `utrace` | the historic calls |
//! | `tasks` | tasks, pids, registers, memory |
//! | `hosts` | hosts and processes |
#![expect(unsafe_code, reason = "C's pointers and exported names; each block argues its own safety")]

use core::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::errno::Errno;
use crate::handles;

pub(crate) mod context;
mod hosts;
pub(crate) mod ops;
mod tasks;
mod utrace;

/// Runs the body of an exported function. No panic leaves it: what is half done then is behind locks that go on
/// (`handles::lock`).
fn guard<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(on_panic)
}

/// An `int` function: a number, or a negative error number.
fn number(body: impl FnOnce() -> Result<c_int, Errno>) -> c_int {
    guard(Errno::IO.negative(), || body().unwrap_or_else(Errno::negative))
}

/// An `int` function that answers 0.
fn status(body: impl FnOnce() -> Result<(), Errno>) -> c_int {
    number(|| body().map(|()| 0))
}

/// A function that answers a pointer or an error pointer.
fn pointer<T>(body: impl FnOnce() -> Result<Arc<T>, Errno>) -> *mut c_void {
    guard(error_pointer(Errno::IO), || match body() {
        Ok(object) => handles::address(&object),
        Err(error) => error_pointer(error),
    })
}

fn error_pointer(error: Errno) -> *mut c_void {
    core::ptr::without_provenance_mut(
        isize::from_ne_bytes((error.negative() as isize).to_ne_bytes()).cast_unsigned(),
    )
}

/// Writes through a pointer of C's that may be NULL, which means that nobody wants it.
fn write<T>(at: *mut T, value: T) {
    if !at.is_null() {
        // SAFETY: not NULL, and the header says that it points to a `T` of the caller's, to be written.
        unsafe { at.write(value) };
    }
}

/// Reads through a pointer of C's.
fn read<T: Copy>(at: *const T) -> Result<T, Errno> {
    if at.is_null() {
        return Err(Errno::INVALID);
    }
    // SAFETY: not NULL, and the header says that it points to an initialised `T`.
    Ok(unsafe { at.read() })
}

/// A buffer of C's to be read.
fn bytes<'a>(at: *const c_void, size: usize) -> Result<&'a [u8], Errno> {
    if at.is_null() || isize::try_from(size).is_err() {
        return Err(Errno::INVALID);
    }
    // SAFETY: not NULL, no larger than an object can be, and the header says that it has `size` bytes, which
    // the caller leaves alone during the call.
    Ok(unsafe { core::slice::from_raw_parts(at.cast(), size) })
}

/// A buffer of C's to be written. What was in it is not looked at.
fn bytes_mut<'a>(at: *mut c_void, size: usize) -> Result<&'a mut [u8], Errno> {
    if at.is_null() || isize::try_from(size).is_err() {
        return Err(Errno::INVALID);
    }
    // SAFETY: 1. not NULL and no larger than an object can be. 2. The header says that it has `size` bytes,
    // which are the caller's and left alone during the call.
    unsafe { core::ptr::write_bytes(at.cast::<u8>(), 0, size) };
    // SAFETY: 1. as above. 2. Every byte has just been written, so none is uninitialised.
    Ok(unsafe { core::slice::from_raw_parts_mut(at.cast(), size) })
}

/// A list of strings with a NULL at its end, such as `argv`.
fn strings(list: *const *const c_char) -> Result<Vec<Vec<u8>>, Errno> {
    if list.is_null() {
        return Err(Errno::INVALID);
    }
    let mut found = Vec::new();
    loop {
        // SAFETY: no entry before this one was NULL, so the list goes on: the header says that a NULL ends it.
        let entry = unsafe { list.add(found.len()) };
        // SAFETY: as above.
        let string = unsafe { entry.read() };
        if string.is_null() {
            return Ok(found);
        }
        // SAFETY: the header says that each entry is a string, which a NUL ends.
        found.push(unsafe { CStr::from_ptr(string) }.to_bytes().to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::{error_pointer, guard, number, strings};
    use crate::errno::Errno;

    #[test]
    fn no_panic_leaves_and_errors_are_negative() {
        assert_eq!(number(|| Err(Errno::AGAIN)), -libc::EAGAIN);
        assert_eq!(number(|| panic!("a bug of ours")), -libc::EIO);
        assert_eq!(guard(7, || panic!("another")), 7);
    }

    #[test]
    fn error_pointers_are_the_last_page() {
        assert_eq!(error_pointer(Errno::NO_SUCH).addr(), usize::MAX - 2);
        assert!(error_pointer(Errno::RESTART).addr() >= usize::MAX - 4094);
    }

    #[test]
    fn a_list_ends_at_its_null() {
        let list = [c"a".as_ptr(), c"".as_ptr(), core::ptr::null(), c"never".as_ptr()];
        assert_eq!(strings(list.as_ptr()), Ok(vec![b"a".to_vec(), Vec::new()]));
        assert_eq!(strings(core::ptr::null()), Err(Errno::INVALID));
    }
}
