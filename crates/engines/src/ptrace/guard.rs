//! Links that end when their tracee has come to more rights than their tracer.
//!
//! Key functions: [`standing`], [`check`], [`drop_link`]. The kernel raises no credentials at an exec under a tracer without
//! `CAP_SYS_PTRACE` (execve(2), "Effect on ptrace"; ptrace(2)). Here the kernel's tracer is the host, which may have it,
//! and then they are raised before we hear of it. So what a tracer with fewer rights holds ([`Keeper::is_bounded`]) is
//! looked at again: at the exec before anything is shown of it, and at every request. A tracer that could trace anybody
//! when it was linked goes on, as in the kernel (`ptracer_cred`), and costs nothing.
//!
//! [`Keeper::is_bounded`]: super::keeper::Keeper::is_bounded

use super::keeper::Standing;
use super::link::Link;
use super::num::ESRCH;
use super::serve;
use super::world::{LinkId, Threads};

/// Whether the tracer of a link may still have its tracee.
pub(super) fn standing(threads: &Threads, link: &Link) -> Standing {
    match threads.keeper.as_ref().filter(|_| link.bounded) {
        Some(keeper) => keeper.may_keep(link.tracer, link.tracee),
        None => Standing::Keeps,
    }
}

/// The same, by name, before a request is carried out. A link whose time is over is cut.
///
/// # Errors
/// `ESRCH`: it is no tracee (any more).
pub(super) fn check(threads: &mut Threads, id: LinkId) -> Result<(), i64> {
    match threads.links.get(&id).map_or(Standing::Gone, |link| standing(threads, link)) {
        Standing::Keeps => Ok(()),
        // Its end is still to be told.
        Standing::Gone => Err(ESRCH),
        Standing::Lost => {
            cut(threads, id);
            Err(ESRCH)
        }
    }
}

/// Ends a link whose tracee its tracer may not have any more, from outside the tracee's own callbacks.
fn cut(threads: &mut Threads, id: LinkId) {
    let Some(link) = threads.link(id) else { return };
    // What the tracer left for it came before it had these rights, or is none of its business.
    link.broken_out();
    let process = link.tracer_process;
    serve::leave(threads, id);
    threads.wake_paused(process);
}

/// The same inside a callback of the tracee, whose engine is taken off by what the callback answers.
pub(super) fn drop_link(threads: &mut Threads, id: LinkId) {
    let Some(link) = threads.links.remove(&id) else { return };
    threads.forget_breakpoints(link.tracer_process, link.process);
    threads.link_gone(link.process);
    threads.wake_paused(link.tracer_process);
}
