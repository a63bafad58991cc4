//! The `u32` that callbacks get and return: a resume action, with bits for signals and system calls.
//!
//! Pure. The numbers are those of the historic header; what they lead to is decided in `bridge` and in the
//! core.

use core::ffi::c_ulong;

use utrace_core::{Action, Event, EventSet, SyscallAction};

/// `UTRACE_RESUME_MASK`.
const RESUME_MASK: u32 = 7;
/// `UTRACE_SYSCALL_ABORT`.
const SYSCALL_ABORT: u32 = 0x10;
/// `UTRACE_SYSCALL_MASK`.
const SYSCALL_MASK: u32 = 0xf0;
/// `UTRACE_SYSCALL_RESUMED`.
const SYSCALL_RESUMED: u32 = 0x100;

/// The action with this number; `None` if there is none.
pub(crate) fn from_number(number: u32) -> Option<Action> {
    Some(match number {
        0 => Action::Stop,
        1 => Action::Interrupt,
        2 => Action::Report,
        3 => Action::SingleStep,
        4 => Action::BlockStep,
        5 => Action::Resume,
        6 => Action::Detach,
        _ => return None,
    })
}

/// The resume action in what a callback returned. The one number that is none counts as "nothing".
pub(crate) fn returned(action: u32) -> Action {
    from_number(action & RESUME_MASK).unwrap_or(Action::Resume)
}

/// The number of an action.
pub(crate) fn number(action: Action) -> u32 {
    action as u32
}

/// Whether what `report_syscall_entry` returned says that the call is skipped.
pub(crate) fn aborts(action: u32) -> bool {
    action & SYSCALL_MASK == SYSCALL_ABORT
}

/// The bits of `report_syscall_entry`'s argument.
pub(crate) fn syscall_bits(action: SyscallAction, resumed: bool) -> u32 {
    let run = if action == SyscallAction::Abort { SYSCALL_ABORT } else { 0 };
    run | if resumed { SYSCALL_RESUMED } else { 0 }
}

/// `UTRACE_EVENT()` of an event.
pub(crate) fn event_bit(event: Event) -> c_ulong {
    1 << event as u32
}

/// The events in a mask; bits that are none are ignored.
pub(crate) fn events(mask: c_ulong) -> EventSet {
    Event::ALL
        .into_iter()
        .filter(|event| mask & event_bit(*event) != 0)
        .fold(EventSet::NONE, |set, event| set | event)
}

/// The mask of some events.
pub(crate) fn mask(events: EventSet) -> c_ulong {
    events.iter().map(event_bit).sum()
}

#[cfg(test)]
mod tests {
    use super::{aborts, events, from_number, mask, number, returned};
    use utrace_core::{Action, Event, EventSet};

    #[test]
    fn actions_keep_their_numbers() {
        for action in 0..7 {
            assert_eq!(from_number(action).map(number), Some(action));
        }
        assert_eq!((from_number(7), from_number(u32::MAX)), (None, None));
        assert_eq!(returned(0x100 | 0x10), Action::Stop);
        assert_eq!(returned(7), Action::Resume);
        assert!(aborts(0x15) && !aborts(0x05) && !aborts(0x25));
    }

    #[test]
    fn masks_keep_their_bits() {
        assert_eq!(mask(EventSet::ALL), (1 << 14) - 1);
        assert_eq!(events(u64::MAX), EventSet::ALL);
        assert_eq!(events(1 << 5 | 1 << 20), EventSet::from(Event::Death));
    }
}
