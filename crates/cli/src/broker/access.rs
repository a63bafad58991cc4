//! Who may trace whom: the rule of ptrace(2), "Ptrace access mode checking", for `PTRACE_MODE_ATTACH_REALCREDS`.
//!
//! Key types: [`Subject`], [`Rules`]. Key functions: [`may_trace`], which is pure; [`look`], which reads `/proc`. For
//! clients of ptrace(2), whose calls never reach the kernel; a command line proves its right by an open descriptor
//! instead ([`proves`]). What `/proc` cannot tell is taken for a refusal: nobody gets at a process through the supervisor
//! that he could not trace himself.

use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::fstat;
use utrace_host::{HostError, Refusal, Tid, UserNamespace, user_namespaces};

/// `CAP_SYS_PTRACE` of capabilities(7).
const SYS_PTRACE: u64 = 1 << 19;

/// A thread, as far as the rule looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its process.
    pub process: u32,
    /// Real, effective and saved user id.
    pub uids: [u32; 3],
    /// Real, effective and saved group id.
    pub gids: [u32; 3],
    /// Permitted capabilities.
    pub permitted: u64,
    /// Effective capabilities.
    pub effective: u64,
    /// Its user namespace and those above it, nearest first.
    pub namespaces: Vec<UserNamespace>,
    /// Whether its memory may be dumped.
    pub dumpable: Dumpable,
    /// Its label, where a security module gives one.
    pub label: String,
    /// Its parents, nearest first.
    pub parents: Vec<u32>,
}

/// Whether a process is dumpable (prctl(2), `PR_SET_DUMPABLE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dumpable {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It is root's, whose files in `/proc` are root's either way.
    Unknown,
}

/// What holds for the whole machine, and for the one who will attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// `kernel.yama.ptrace_scope`, 0 without Yama.
    pub yama: u32,
    /// Whether the supervisor may trace what the kernel does not let just anybody trace: then the kernel's own check of
    /// it says nothing about its client.
    pub supervisor: Power,
}

/// What the supervisor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It has `CAP_SYS_PTRACE`.
    Privileged,
    /// It is an ordinary user's.
    Ordinary,
}

/// Whether the kernel would let `caller` trace `target`.
#[must_use]
pub fn may_trace(caller: &Subject, target: &Subject, rules: Rules) -> bool {
    if caller.process == target.process {
        return false;
    }
    let capable = is_capable_over(caller, target);
    may_keep(caller, target, rules.supervisor) && yama_lets(caller, target, rules.yama, capable)
}

/// Whether `caller` may go on tracing `target`, whose credentials may have changed: the same but for Yama, which is asked
/// at an attach only. It holds for threads of one process too.
#[must_use]
pub fn may_keep(caller: &Subject, target: &Subject, supervisor: Power) -> bool {
    let same_user = target.uids.iter().all(|uid| *uid == caller.uids[0])
        && target.gids.iter().all(|gid| *gid == caller.gids[0]);
    let dumpable = match (target.dumpable, supervisor) {
        (Dumpable::Yes, _) | (Dumpable::Unknown, Power::Ordinary) => true,
        (Dumpable::No, _) | (Dumpable::Unknown, Power::Privileged) => false,
    };
    let covered = depth_below(caller, target) == Some(0) && target.permitted & !caller.permitted == 0;
    // Each of the three is forgiven to who is capable.
    (is_capable_over(caller, target) || (same_user && dumpable && covered)) && caller.label == target.label
}

/// Whether nothing that this one traces can come to more rights than it has.
#[must_use]
pub fn is_boundless(tracer: &Subject) -> bool {
    is_in_first(tracer) && tracer.effective & SYS_PTRACE != 0
}

/// `CAP_SYS_PTRACE` in the user namespace of the target (user_namespaces(7), "Capabilities"; `cap_capable` in
/// security/commoncap.c): one's own capabilities count in the namespaces below one's own too, and who made one of those
/// directly below has all in it and in what is below it.
fn is_capable_over(caller: &Subject, target: &Subject) -> bool {
    let capable = caller.effective & SYS_PTRACE != 0;
    match depth_below(caller, target) {
        Some(0) => capable,
        Some(depth) => {
            let highest = target.namespaces.get(depth - 1);
            capable || highest.is_some_and(|made| made.owner == Some(caller.uids[1]))
        }
        // Above all, also where the way up is not to be seen.
        None => capable && is_in_first(caller),
    }
}

/// How far the namespace of the target lies below the caller's: 0 if it is the same one, `None` if it does not.
fn depth_below(caller: &Subject, target: &Subject) -> Option<usize> {
    let own = caller.namespaces.first()?;
    target.namespaces.iter().position(|namespace| namespace.inode == own.inode)
}

fn is_in_first(subject: &Subject) -> bool {
    subject.namespaces.first().is_some_and(|own| own.inode == UserNamespace::FIRST.inode)
}

/// Yama (Documentation/admin-guide/LSM/Yama.rst). Who a process has named as its tracer (`PR_SET_PTRACER`) is not to be
/// seen from outside, and counts for nobody.
fn yama_lets(caller: &Subject, target: &Subject, scope: u32, capable: bool) -> bool {
    match scope {
        0 => true,
        1 => capable || target.parents.contains(&caller.process),
        2 => capable,
        _ => false,
    }
}

/// What the machine says.
#[must_use]
pub fn rules() -> Rules {
    let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let yama = yama.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = field(&own, "CapEff:").and_then(hex).unwrap_or(u64::MAX);
    let supervisor = if effective & SYS_PTRACE != 0 { Power::Privileged } else { Power::Ordinary };
    Rules { yama, supervisor }
}

/// Reads what `/proc` says of a thread; `None` if it is gone, or is not to be looked at.
#[must_use]
pub fn look(tid: u32) -> Option<Subject> {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let process = field(&status, "Tgid:")?.parse().ok()?;
    let uids = three(field(&status, "Uid:")?)?;
    let gids = three(field(&status, "Gid:")?)?;
    let owner = fs::symlink_metadata(format!("/proc/{tid}/mem")).ok()?.uid();
    let dumpable = match (owner == uids[1], uids[1]) {
        (true, 0) => Dumpable::Unknown,
        (true, _) => Dumpable::Yes,
        (false, _) => Dumpable::No,
    };
    Some(Subject {
        process,
        uids,
        gids,
        permitted: hex(field(&status, "CapPrm:")?)?,
        effective: hex(field(&status, "CapEff:")?)?,
        namespaces: user_namespaces(Tid::new(tid.cast_signed())?).ok()?,
        dumpable,
        // Without a security module there is no such file, or nothing in it.
        label: fs::read_to_string(format!("/proc/{tid}/attr/current")).unwrap_or_default(),
        parents: parents(&status),
    })
}

/// Whether there is such a thread at all.
#[must_use]
pub fn is_there(tid: u32) -> bool {
    fs::symlink_metadata(format!("/proc/{tid}")).is_ok()
}

/// Whether a thread is dead, collected or not.
#[must_use]
pub fn is_gone(tid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
    field(&status, "State:").is_none_or(|state| state.starts_with(['Z', 'X']))
}

/// Whether what was refused as if it were gone is there all the same. So it is while one of its threads runs a new program
/// (execve(2)): all the others are gone, the first one's number is about to become its own, and nothing can be opened.
#[must_use]
pub fn is_between_programs(error: &HostError) -> bool {
    let (HostError::NoSuchProcess(pid)
    | HostError::Zombie(pid)
    | HostError::PidReused(pid)
    | HostError::Died(pid)) = error
    else {
        // In that moment it looks privileged too; one that is stays so, and whoever asks again gives up.
        return matches!(error, HostError::NotPermitted(_, Refusal::Privileged));
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let threads = field(&status, "Threads:").and_then(|count| count.parse().ok()).unwrap_or(0);
    let dead = field(&status, "State:").is_none_or(|state| state.starts_with(['Z', 'X']));
    !dead || threads > 1
}

fn parents(status: &str) -> Vec<u32> {
    let mut all = Vec::new();
    let parent_of = |status: &str| field(status, "PPid:").and_then(|pid| pid.parse::<u32>().ok());
    let mut next = parent_of(status);
    while let Some(pid) = next.filter(|pid| *pid != 0 && !all.contains(pid)) {
        all.push(pid);
        next = fs::read_to_string(format!("/proc/{pid}/status")).ok().and_then(|status| parent_of(&status));
    }
    all
}

fn field<'t>(status: &'t str, name: &str) -> Option<&'t str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

fn three(text: &str) -> Option<[u32; 3]> {
    let mut numbers = text.split_whitespace().map(|word| word.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// Whether this descriptor is the memory of this thread, opened by somebody who may attach to it: the kernel asks that of
/// who opens it (`mem_open` in fs/proc/base.c). A file of another instance of `/proc`, or of a process that had the
/// number before, has another inode.
#[must_use]
pub fn proves(proof: BorrowedFd<'_>, pid: i32, tid: i32) -> bool {
    let Ok(shown) = fstat(proof) else { return false };
    let Ok(real) = fs::symlink_metadata(format!("/proc/{pid}/task/{tid}/mem")) else { return false };
    let readable =
        rustix::fs::fcntl_getfl(proof).is_ok_and(|flags| !flags.contains(rustix::fs::OFlags::PATH));
    readable && (shown.st_dev, shown.st_ino) == (real.dev(), real.ino())
}

#[cfg(test)]
mod tests;
