//! The wait calls taken apart.
//!
//! Key types: [`WaitCall`], [`Which`]. Pure: which children a call means and where its answer goes. What is ready is
//! [`super::world`]'s knowledge, and whether the call runs in the kernel is [`super::client`]'s decision.

use super::num;
use super::width::{WAITPID, Width};

pub(super) const WNOHANG: u64 = 1;
const WSTOPPED: u64 = 2;
const WEXITED: u64 = 4;
const WCONTINUED: u64 = 8;
pub(super) const WNOWAIT: u64 = 0x0100_0000;
const WNOTHREAD: u64 = 0x2000_0000;
const WALL: u64 = 0x4000_0000;
const WCLONE: u64 = 0x8000_0000;
/// `__WALL` and `__WCLONE` choose among real children; a tracee matches whatever they say (`eligible_child`).
const KNOWN_WAIT4: u64 = 1 | 2 | 8 | 0xe000_0000;
const KNOWN_WAITID: u64 = 1 | 2 | 4 | 8 | WNOWAIT | 0xe000_0000;

/// Which children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// Any.
    Any,
    /// This thread.
    One(u32),
    /// Those of this process group; 0 for the caller's own.
    Group(u32),
    /// The process that this descriptor of the caller refers to.
    PidFd(u32),
}

/// A call of the wait family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WaitCall {
    /// Its number in the x86-64 table, and in the one that it was made through, for a restart.
    pub(super) nr: u64,
    pub(super) own_nr: u64,
    pub(super) width: Width,
    pub(super) which: Which,
    pub(super) options: u64,
    /// Where the status goes (wait4); 0 for nowhere.
    pub(super) status: u64,
    /// Where the siginfo goes (waitid).
    pub(super) info: u64,
    /// Where the resource usage goes.
    pub(super) usage: u64,
}

impl WaitCall {
    /// From number and arguments, by the table of this architecture; `None` for what the kernel refuses or we leave to it.
    pub(super) fn decode(arch: u32, own_nr: u64, args: [u64; 6]) -> Option<WaitCall> {
        let (width, nr) = Width::known(arch, own_nr)?;
        let [first, second, third, fourth, fifth, _] = args;
        let fourth = if (width, own_nr) == (Width::Narrow, WAITPID) { 0 } else { fourth };
        // Both take ints, of which the upper half of a register is no part.
        let (int, options) = (|value: u64| value as u32 as i32, third & 0xffff_ffff);
        match nr {
            num::WAIT4 if options & !KNOWN_WAIT4 == 0 => {
                let which = match int(first) {
                    -1 => Which::Any,
                    0 => Which::Group(0),
                    group @ ..0 => Which::Group(group.unsigned_abs()),
                    pid => Which::One(pid.unsigned_abs()),
                };
                Some(WaitCall { nr, own_nr, width, which, options, status: second, info: 0, usage: fourth })
            }
            num::WAITID => {
                let options = fourth & 0xffff_ffff;
                let wants = options & (WEXITED | WSTOPPED | 8) != 0;
                let which = match (int(first), int(second)) {
                    (0, _) => Which::Any,
                    (1, pid @ 1..) => Which::One(pid.unsigned_abs()),
                    (2, group @ 0..) => Which::Group(group.unsigned_abs()),
                    (3, fd @ 0..) => Which::PidFd(fd.unsigned_abs()),
                    _ => return None,
                };
                (wants && options & !KNOWN_WAITID == 0).then_some(WaitCall {
                    nr,
                    own_nr,
                    width,
                    which,
                    options,
                    status: 0,
                    info: third,
                    usage: fifth,
                })
            }
            _ => None,
        }
    }

    /// Whether it returns at once.
    pub(super) fn is_polling(&self) -> bool {
        self.options & WNOHANG != 0
    }

    /// Whether what it finds stays to be found again.
    pub(super) fn keeps(&self) -> bool {
        self.options & WNOWAIT != 0
    }

    /// Whether it means only what the calling thread itself traces.
    pub(super) fn own_thread_only(&self) -> bool {
        self.options & WNOTHREAD != 0
    }

    /// Whether it takes group stops of children that are no tracees. Those of tracees any wait takes, whatever it asks for
    /// (`wait_task_stopped`).
    pub(super) fn takes_group_stops(&self) -> bool {
        self.options & WSTOPPED != 0
    }

    /// Whether it takes the ends of such stops too.
    pub(super) fn takes_continues(&self) -> bool {
        self.options & WCONTINUED != 0
    }

    /// Whether it means only real children whose end is told by another signal than SIGCHLD.
    pub(super) fn means_clones(&self) -> bool {
        self.options & (WCLONE | WALL) == WCLONE
    }

    /// Whether it takes ends.
    pub(super) fn takes_ends(&self) -> bool {
        self.nr == num::WAIT4 || self.options & WEXITED != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use utrace_abi::ptrace::{AUDIT_ARCH_I386, AUDIT_ARCH_X86_64};

    #[test]
    fn wait4_names_children_by_sign() {
        let which = |pid: i64| {
            WaitCall::decode(AUDIT_ARCH_X86_64, num::WAIT4, [pid as u64, 8, 0, 0, 0, 0]).unwrap().which
        };
        assert_eq!(which(-1), Which::Any);
        assert_eq!(which(0xffff_ffff), Which::Any, "an int, however it was extended");
        assert_eq!(which(0), Which::Group(0));
        assert_eq!(which(-7), Which::Group(7));
        assert_eq!(which(7), Which::One(7));
        assert_eq!(
            WaitCall::decode(AUDIT_ARCH_X86_64, num::WAIT4, [1, 0, 4, 0, 0, 0]),
            None,
            "WEXITED is waitid's"
        );
    }

    #[test]
    fn waitid_must_say_what_for() {
        let call = |options| WaitCall::decode(AUDIT_ARCH_X86_64, num::WAITID, [1, 7, 8, options, 0, 0]);
        assert_eq!(call(WNOHANG), None);
        let ends = call(WEXITED | WNOHANG | WNOWAIT).unwrap();
        assert!(ends.takes_ends() && !ends.takes_group_stops() && ends.keeps() && ends.is_polling());
        assert!(call(WSTOPPED).unwrap().takes_group_stops());
        assert!(call(WEXITED | WCLONE).unwrap().means_clones());
        assert!(!call(WEXITED | WCLONE | WALL).unwrap().means_clones());
        assert_eq!(
            WaitCall::decode(AUDIT_ARCH_X86_64, num::WAITID, [3, 7, 8, WEXITED, 0, 0]).unwrap().which,
            Which::PidFd(7)
        );
        assert_eq!(WaitCall::decode(AUDIT_ARCH_X86_64, num::WAITID, [4, 7, 8, WEXITED, 0, 0]), None);
    }
    #[test]
    fn waitpid_has_no_usage() {
        let call = |nr| WaitCall::decode(AUDIT_ARCH_I386, nr, [7, 8, 0, 9, 0, 0]).unwrap();
        assert_eq!((call(7).nr, call(7).own_nr, call(7).usage), (num::WAIT4, 7, 0));
        assert_eq!((call(114).nr, call(114).own_nr, call(114).usage), (num::WAIT4, 114, 9));
        assert_eq!(WaitCall::decode(AUDIT_ARCH_I386, 61, [7, 8, 0, 9, 0, 0]), None);
    }
}
