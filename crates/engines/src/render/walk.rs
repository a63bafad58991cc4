//! The order of a line: which argument is next, what separates it, and where entry stops.
//!
//! [`walk`] runs once at entry and once at exit, from where the [`Pending`] of the call stands.

use super::arg::{self, Shown};
use super::cx::Cx;
use super::{Pending, process};
use utrace_abi::{Abi, Arg};

/// Six arguments in hex, for numbers that no table knows.
static UNKNOWN: [Arg; 6] = [Arg::Hex; 6];

/// The order in which `clone` shows its arguments: stack, flags, parent id, thread storage, child id.
const CLONE_ORDER: [u8; 5] = [1, 0, 2, 4, 3];
/// i386 passes thread storage before the child id, and so shows them as they come.
const CLONE_ORDER_I386: [u8; 5] = [1, 0, 2, 3, 4];

/// Writes arguments from where `pending` stands, as far as the phase allows.
pub(super) fn walk(cx: &mut Cx<'_>, pending: &mut Pending) {
    let args = cx.call.info().map_or(&UNKNOWN[..], |info| info.args);
    let reordered = matches!(args.first(), Some(Arg::CloneFlags));
    let order = if cx.call.abi == Abi::I386 { CLONE_ORDER_I386 } else { CLONE_ORDER };
    tail(cx, pending, args);
    for step in usize::from(pending.done)..args.len() {
        let at = if reordered { order.get(step).map_or(step, |at| usize::from(*at)) } else { step };
        let Some(&arg) = args.get(at) else { break };
        let before = cx.out.len();
        if !pending.separated && pending.count > 0 {
            cx.s(", ");
        }
        let from = cx.out.len();
        match arg::render(cx, arg, at as u8) {
            Shown::Done => {
                pending.separated = false;
                pending.span(from, cx.out.len());
            }
            Shown::Absent => {
                if !pending.separated {
                    cx.out.truncate(before);
                }
            }
            Shown::Later => {
                pending.separated = !separates_late(arg);
                if !pending.separated {
                    cx.out.truncate(before);
                }
                return;
            }
        }
        pending.done = step as u8 + 1;
        if cx.entering() && has_tail(cx, arg) {
            return;
        }
    }
    pending.complete = true;
}

/// Whether a kind is shown at entry and amended at exit, so that no separator may follow it at entry.
fn has_tail(cx: &mut Cx<'_>, arg: Arg) -> bool {
    match arg {
        Arg::OffInOut => true,
        Arg::CloneArgs => {
            let addr = cx.arg(0);
            process::clone_args_change(cx, addr)
        }
        Arg::CloneFlags => process::clone_waits(cx.arg(0)),
        _ => false,
    }
}

/// Kinds before which strace writes the separator only at exit.
fn separates_late(arg: Arg) -> bool {
    matches!(arg, Arg::IoctlArg | Arg::FcntlArg | Arg::Prctl(_) | Arg::ArchPrctlArg)
}

/// At exit, what the kernel changed in the argument shown last.
fn tail(cx: &mut Cx<'_>, pending: &mut Pending, args: &[Arg]) {
    let Some(last) = usize::from(pending.done).checked_sub(1) else { return };
    if cx.entering() {
        return;
    }
    match args.get(last) {
        Some(Arg::CloneArgs) => {
            let addr = cx.arg(last as u8);
            process::clone_args_out(cx, addr);
        }
        Some(Arg::OffInOut) => {
            let addr = cx.arg(last as u8);
            if let Some(now) = cx.u64_at(addr).filter(|_| cx.returned().is_some_and(|sent| sent > 0)) {
                cx.s(" => [");
                cx.dec(now as i64);
                cx.s("]");
            }
        }
        _ => return,
    }
    pending.stretch(cx.out.len());
}
