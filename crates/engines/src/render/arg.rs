//! One argument: from its kind in the table to the renderer of its family.
//!
//! [`render`] is called at entry for every argument in turn until one answers [`Shown::Later`], and again at exit from
//! there on. The match below is the map from kinds to files; it holds no formats itself.

use super::cx::Cx;
use super::ipc::Object;
use super::process::CloneArg;
use super::strings::Vector;
use super::{
    fcntl, flags, futex, ioctl, ipc, keys, message, net, netlink, poll, prctl, process, ptrace, result,
    signal, sockopt, stat,
};
use super::{strings, structure, system};
use utrace_abi::flags as f;
use utrace_abi::{Abi, Arg, table::Phase};

/// What became of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was written.
    Done,
    /// It is not shown for this call.
    Absent,
    /// It can only be shown at exit.
    Later,
}

/// Writes the argument of kind `arg` at `index`.
pub(super) fn render(cx: &mut Cx<'_>, arg: Arg, index: u8) -> Shown {
    if cx.entering() && arg.phase() == Phase::Exit {
        return Shown::Later;
    }
    let value = cx.arg(index);
    if matches!(arg, Arg::Skip) {
        return Shown::Absent;
    }
    if cx.call.abi == Abi::I386 && !survives_i386(arg) {
        cx.addr(value & 0xffff_ffff);
        return Shown::Done;
    }
    if let Some(pair) = halves(cx, arg, index) {
        if matches!(arg, Arg::LongPair) {
            cx.dec(pair as i64);
        } else {
            cx.udec(pair);
        }
        return Shown::Done;
    }
    if scalar(cx, arg, value)
        || string(cx, arg, value)
        || structure::structure(cx, arg, value)
        || network(cx, arg, index, value)
    {
        return Shown::Done;
    }
    by_command(cx, arg, index, value).unwrap_or_else(|| by_other(cx, arg, index, value))
}

/// A 64-bit value that i386 passes in two arguments.
fn halves(cx: &Cx<'_>, arg: Arg, index: u8) -> Option<u64> {
    let (first, second) = (cx.arg(index) & 0xffff_ffff, cx.arg(index + 1) & 0xffff_ffff);
    match arg {
        Arg::LongPair | Arg::ULongPair => Some(first | second << 32),
        Arg::HighLow => Some(first << 32 | second),
        _ => None,
    }
}

/// Kinds whose memory layout does not depend on the word size. The i386 table already names few others.
fn survives_i386(arg: Arg) -> bool {
    !matches!(
        arg,
        Arg::MsghdrIn
            | Arg::MsghdrOut
            | Arg::MmsghdrOut
            | Arg::MmsghdrIn(_)
            | Arg::SigstackIn
            | Arg::SigstackOut
    )
}

/// The first ids of i386 had 16 bits; calls for wider ones end in `32`.
fn short_id(cx: &Cx<'_>, value: u64) -> u64 {
    let short = cx.call.abi == Abi::I386
        && cx.call.info().is_some_and(|info| {
            !info.name.ends_with("32") && info.name.contains("own") | info.name.starts_with("set")
        })
        && !cx.called("fchownat");
    match value & 0xffff {
        _ if !short => value,
        0xffff => u64::from(u32::MAX),
        id => id,
    }
}

fn scalar(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::Int => cx.int(value),
        Arg::UInt => cx.udec(value & 0xffff_ffff),
        Arg::Long => cx.dec(value as i64),
        Arg::ULong => cx.udec(value),
        Arg::PageOffset => cx.hex(value << 12),
        Arg::Hex => cx.hex(value),
        Arg::Hex32 => cx.hex(value & 0xffff_ffff),
        Arg::Addr => cx.addr(value),
        Arg::Umode => flags::umode(cx, value),
        Arg::Uid => structure::id(cx, short_id(cx, value)),
        Arg::Dev => stat::device32(cx, value),
        Arg::Fd => cx.fd(i64::from(value as i32)),
        Arg::DirFd => cx.dir_fd(value),
        Arg::OpenFlags => flags::open_flags(cx, value),
        Arg::MknodMode => flags::file_mode(cx, value & 0xffff),
        Arg::MapFlags => flags::map_flags(cx, value),
        Arg::SockType => flags::socket_type(cx, value),
        Arg::Clock => flags::clock(cx, value),
        Arg::Signal => signal::signal(cx, value),
        Arg::SchedPolicy => flags::sched_policy(cx, value),
        Arg::SyslogAction => result::named_int(cx, value, &f::SYSLOG),
        Arg::StatxFlags => stat::statx_flags(cx, value),
        Arg::MemfdFlags => flags::memfd_flags(cx, value),
        Arg::Personality => flags::personality_arg(cx, value),
        Arg::MpolMode => flags::mempolicy(cx, value),
        Arg::Ioprio => flags::io_priority(cx, value),
        Arg::IpcKey => ipc::key(cx, value),
        Arg::Keyring => ipc::keyring(cx, value),
        Arg::IoctlCmd => ioctl::request(cx, value),
        Arg::FutexOp => futex::operation(cx, value),
        Arg::Flags(set) => flags::flags(cx, value & 0xffff_ffff, set),
        Arg::Flags64(set) => flags::flags(cx, value, set),
        Arg::Enum(set) => flags::choice32(cx, value, set),
        Arg::IpcCmd(set) => flags::ipc_command(cx, value, set),
        Arg::IpcGetFlags(set) => flags::ipc_get(cx, value, set),
        Arg::SwapFlags => flags::swap(cx, value),
        Arg::KexecFlags => flags::kexec(cx, value),
        Arg::FanotifyInit => flags::fanotify_init(cx, value),
        Arg::QuotaCmd => flags::quota(cx, value),
        Arg::CloneFlags => process::clone_flags(cx, value),
        Arg::CloneStack => {
            cx.s("child_stack=");
            cx.addr(value);
        }
        Arg::Restart => cx.s("<... resuming interrupted system call ...>"),
        _ => return false,
    }
    true
}

/// Longest host name, `__NEW_UTS_LEN`.
const HOST_NAME_MAX: u64 = 64;
/// Largest value that an extended attribute can have.
const XATTR_SIZE_MAX: u64 = 1 << 16;

fn string(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::Path => strings::path(cx, value),
        Arg::Str => strings::string(cx, value),
        Arg::PathOut => cx.filled(value, strings::path),
        Arg::Argv => strings::argv(cx, value),
        Arg::Envp => strings::envp(cx, value),
        Arg::BufOut => {
            let len = cx.returned().unwrap_or(0).max(0) as u64;
            if !(cx.called("recvfrom") && netlink::show_if(cx, value, len)) {
                strings::buffer_out(cx, value);
            }
        }
        Arg::BufHexOut => strings::bytes_out(cx, value),
        Arg::HostName(len) if cx.length(len) > HOST_NAME_MAX => cx.addr(value),
        Arg::BufIn(len) | Arg::StrN(len) | Arg::HostName(len) => {
            let len = cx.length(len);
            if !(cx.called("sendto") && netlink::show_if(cx, value, len)) {
                strings::buffer(cx, value, len);
            }
        }
        Arg::XattrListOut => system::attribute_list(cx, value),
        Arg::XattrIn(size) => {
            let size = cx.arg(size);
            if size > XATTR_SIZE_MAX { cx.addr(value) } else { strings::attribute(cx, value, size) }
        }
        Arg::IovecIn(count) => {
            let count = cx.arg(count);
            strings::iovec(cx, value, count, Vector::Data);
        }
        Arg::IovecOut(count) | Arg::IovecRead(count) => {
            let count = cx.arg(count);
            let vector = match cx.returned() {
                Some(filled) => Vector::Filled(filled.max(0) as u64),
                None => Vector::Addresses,
            };
            strings::iovec(cx, value, count, vector);
        }
        Arg::IovecRemote(count) => {
            let count = cx.arg(count);
            strings::iovec(cx, value, count, Vector::Addresses);
        }
        Arg::MsgbufIn(size) => {
            let size = cx.arg(size);
            ipc::message(cx, value, size);
        }
        Arg::MsgbufOut(size) => {
            let size = cx.arg(size);
            cx.filled(value, |cx, addr| ipc::message(cx, addr, size));
        }
        Arg::XattrOut => match cx.returned() {
            Some(size) => strings::attribute(cx, value, size.max(0) as u64),
            None => cx.addr(value),
        },
        _ => return false,
    }
    true
}

/// Sockets and descriptors to wait for.
fn network(cx: &mut Cx<'_>, arg: Arg, index: u8, value: u64) -> bool {
    match arg {
        Arg::SockaddrIn(len) => {
            let len = i64::from(cx.arg(len) as i32);
            net::sockaddr(cx, value, len);
        }
        Arg::SockaddrOut(len) => {
            let (len, room) = (cx.arg(len), cx.saved);
            net::sockaddr_out(cx, value, len, room);
        }
        Arg::SocklenInOut => {
            let (wanted, room) = (cx.called("getsockopt") || cx.arg(index - 1) != 0, cx.saved);
            net::length(cx, value, room, wanted);
        }
        Arg::SockOptIn(len) => {
            let len = i64::from(cx.arg(len) as i32);
            sockopt::value_in(cx, value, len);
        }
        Arg::SockOptOut(len) => {
            let (len, room) = (cx.arg(len), cx.saved);
            sockopt::value_out(cx, value, len, room);
        }
        Arg::SockProto(family) => {
            let family = cx.arg(family);
            flags::protocol(cx, value, family);
        }
        Arg::SockOptName(level) => {
            let level = cx.arg(level);
            flags::socket_option(cx, value, level);
        }
        Arg::MsghdrIn => message::msghdr(cx, value, message::Way::Out),
        Arg::MsghdrOut => message::msghdr_out(cx, value),
        Arg::MmsghdrIn(count) => {
            let count = cx.arg(count);
            message::mmsghdr(cx, value, count, true);
        }
        Arg::MmsghdrOut => message::mmsghdr(cx, value, 0, false),
        Arg::PollFds(count) => {
            let count = cx.arg(count);
            poll::poll_fds(cx, value, count);
        }
        Arg::FdSetIn(count) => {
            let count = cx.arg(count);
            poll::fds(cx, value, count);
        }
        Arg::EpollEventIn => {
            if cx.arg(1) as u32 == 2 {
                cx.addr(value);
            } else {
                cx.object::<12>(value, poll::epoll_event);
            }
        }
        Arg::EpollEventsOut => poll::epoll_events(cx, value),
        Arg::Sembufs(count) => {
            let count = cx.arg(count);
            ipc::sembufs(cx, value, count);
        }
        _ => return false,
    }
    true
}

/// Kinds whose family decides by a command: what is shown, and when.
fn by_command(cx: &mut Cx<'_>, arg: Arg, index: u8, value: u64) -> Option<Shown> {
    Some(match arg {
        Arg::IoctlArg => ioctl::argument(cx, value),
        Arg::FcntlArg => {
            let command = cx.arg(1);
            fcntl::argument(cx, command, value)
        }
        Arg::FutexVal | Arg::FutexTimeout | Arg::FutexAddr2 | Arg::FutexVal3 => futex::argument(cx, index),
        Arg::Prctl(index) => prctl::argument(cx, index),
        Arg::ArchPrctlArg => prctl::arch(cx, value),
        Arg::SemctlArg => {
            let command = cx.arg(2);
            ipc::control(cx, Object::Semaphores, command, value)
        }
        Arg::ShmctlArg | Arg::MsgctlArg => {
            let object = if matches!(arg, Arg::ShmctlArg) { Object::Memory } else { Object::Queue };
            let command = cx.arg(1);
            ipc::control(cx, object, command, value)
        }
        Arg::CloneParentTid => process::clone_arg(cx, value, CloneArg::ParentTid),
        Arg::CloneChildTid => process::clone_arg(cx, value, CloneArg::ChildTid),
        Arg::CloneTls => process::clone_arg(cx, value, CloneArg::Tls),
        Arg::PtracePid => ptrace::pid(cx, value),
        Arg::PtraceAddr => ptrace::addr(cx, value),
        Arg::PtraceData => ptrace::data(cx, value),
        Arg::SyslogBuf | Arg::SyslogLen => keys::syslog(cx, index, value),
        Arg::KeyctlArg(index) => keys::argument(cx, index),
        Arg::SeccompArg => seccomp(cx, value),
        _ => return None,
    })
}

/// Kinds that depend on another argument, or are absent at times.
fn by_other(cx: &mut Cx<'_>, arg: Arg, index: u8, value: u64) -> Shown {
    match arg {
        Arg::OpenMode if cx.called("mq_open") && cx.arg(1) & O_CREAT == 0 => return Shown::Absent,
        Arg::OpenMode => {
            if !flags::creates(cx.arg(index - 1)) {
                return Shown::Absent;
            }
            flags::umode(cx, value);
        }
        Arg::MknodDev(mode) => {
            if !stat::is_device(cx.arg(mode)) {
                return Shown::Absent;
            }
            stat::device32(cx, value);
        }
        Arg::MountType => {
            if cx.arg(3) & (MS_REMOUNT | MS_NO_SOURCE) != 0 {
                cx.addr(value);
            } else {
                strings::string(cx, value);
            }
        }
        Arg::MountData => {
            if cx.arg(3) & MS_REMOUNT == 0 && cx.arg(3) & MS_NO_SOURCE != 0 {
                cx.addr(value);
            } else {
                strings::string(cx, value);
            }
        }
        Arg::MqAttrIn if cx.called("mq_open") && cx.arg(1) & O_CREAT == 0 => return Shown::Absent,
        Arg::MqAttrIn => {
            let named = cx.called("mq_getsetattr");
            system::queue(cx, value, named);
        }
        Arg::MremapAddr => {
            if cx.arg(3) & 3 != 3 {
                return Shown::Absent;
            }
            cx.addr(value);
        }
        Arg::RebootArg => {
            if cx.arg(2) as u32 != 0xa1b2_c3d4 {
                return Shown::Absent;
            }
            strings::string(cx, value);
        }
        Arg::CloneArgs => {
            let size = cx.arg(1);
            process::clone_args(cx, value, size);
        }
        Arg::OpenHow => {
            let size = cx.arg(3);
            system::open_how(cx, value, size);
        }
        Arg::PtraceRequest => flags::choice(cx, value, &f::PTRACE),
        Arg::FsconfigArg(index) => keys::fs_config(cx, index, value),
        Arg::SeccompFlags => {
            let set = if cx.arg(0) as u32 == 1 { &f::SECCOMP_FILTER } else { &f::NONE };
            flags::flags(cx, value & 0xffff_ffff, set);
        }
        Arg::KcmpArg => match cx.arg(2) as u32 {
            0 => cx.fd(i64::from(value as i32)),
            1..=6 => return Shown::Absent,
            _ => cx.hex(value),
        },
        Arg::MembarrierCpu => {
            if cx.arg(1) & 1 == 0 {
                return Shown::Absent;
            }
            cx.int(value);
        }
        _ => cx.addr(value),
    }
    Shown::Done
}

/// The open flag that makes a queue.
const O_CREAT: u64 = 0o100;
/// `mount` flags that make it look at no file system type.
const MS_REMOUNT: u64 = 0x20;
/// Bind, move and propagation: neither type nor data count.
const MS_NO_SOURCE: u64 = 0x1000 | 0x2000 | 0x2_0000 | 0x4_0000 | 0x8_0000 | 0x10_0000;

/// Third argument of `seccomp`, by operation.
fn seccomp(cx: &mut Cx<'_>, value: u64) -> Shown {
    match cx.arg(0) as u32 {
        1 => sockopt::filter(cx, value, 16),
        2 => cx.object_always::<4>(value, |cx, raw| {
            cx.bracket(|cx| flags::choice(cx, raw.u32(0), &f::SECCOMP_RET));
        }),
        3 if cx.entering() => return Shown::Later,
        3 => cx.output::<6>(value, |cx, sizes| {
            for (at, name) in [(0, "{seccomp_notif="), (2, ", seccomp_notif_resp="), (4, ", seccomp_data=")] {
                cx.s(name);
                cx.udec(u64::from(sizes.u16(at)));
            }
            cx.s("}");
        }),
        _ => cx.addr(value),
    }
    Shown::Done
}
