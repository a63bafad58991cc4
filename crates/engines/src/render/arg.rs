//! One argument: from its kind in the table to the renderer of its family.
//!
//! [`render`] is called at entry for every argument in turn until one answers [`Shown::Later`], and again at exit from
//! there on. The match below is the map from kinds to files; it holds no formats itself.

use super::cx::Cx;
use super::process::CloneArg;
use super::strings::Vector;
use super::time::Unit;
use super::{
    fcntl, flags, futex, ioctl, ipc, net, poll, prctl, process, ptrace, result, signal, sockopt, stat,
};
use super::{strings, system, time, uncommon};
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
    if scalar(cx, arg, value)
        || string(cx, arg, value)
        || structure(cx, arg, value)
        || network(cx, arg, index, value)
    {
        return Shown::Done;
    }
    by_other(cx, arg, index, value)
}

/// Kinds whose memory layout does not depend on the word size. The i386 table already names few others.
fn survives_i386(arg: Arg) -> bool {
    !matches!(
        arg,
        Arg::SigactionIn
            | Arg::SigactionOut
            | Arg::MsghdrIn
            | Arg::MsghdrOut
            | Arg::MmsghdrOut
            | Arg::MmsghdrIn(_)
            | Arg::SigstackIn
            | Arg::SigstackOut
    )
}

fn scalar(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::Int => cx.int(value),
        Arg::UInt => cx.udec(value & 0xffff_ffff),
        Arg::Long => cx.dec(value as i64),
        Arg::ULong => cx.udec(value),
        Arg::Hex => cx.hex(value),
        Arg::Hex32 => cx.hex(value & 0xffff_ffff),
        Arg::Addr => cx.addr(value),
        Arg::Umode => flags::umode(cx, value),
        Arg::Uid => {
            if value as u32 == u32::MAX {
                cx.s("-1");
            } else {
                cx.udec(value & 0xffff_ffff);
            }
        }
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
        Arg::BufOut => strings::buffer_out(cx, value),
        Arg::BufHexOut => strings::bytes_out(cx, value),
        Arg::HostName(len) if cx.length(len) > HOST_NAME_MAX => cx.addr(value),
        Arg::BufIn(len) | Arg::StrN(len) | Arg::HostName(len) => {
            let len = cx.length(len);
            strings::buffer(cx, value, len);
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
        Arg::MsgbufOut => match cx.returned() {
            Some(size) => ipc::message(cx, value, size.max(0) as u64),
            None => cx.addr(value),
        },
        _ => return false,
    }
    true
}

/// Structures that stand for themselves.
fn structure(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::StatOut => stat::stat(cx, value),
        Arg::StatxOut => stat::statx(cx, value),
        Arg::StatfsOut => stat::statfs(cx, value),
        Arg::Dents64Out => stat::dents(cx, value, true),
        Arg::DentsOut => stat::dents(cx, value, false),
        Arg::UtsnameOut => system::utsname(cx, value),
        Arg::SysinfoOut => system::sysinfo(cx, value),
        Arg::CapHeader => system::cap_header(cx, value),
        Arg::CapDataIn => system::cap_data(cx, value),
        Arg::CapDataOut => cx.filled(value, system::cap_data),
        Arg::PerfAttr => system::perf_attr(cx, value),
        Arg::FileHandleIn | Arg::FileHandleOut => system::file_handle(cx, value),
        Arg::MqAttrOut => cx.filled(value, |cx, addr| system::queue(cx, addr, true)),
        Arg::RusageOut if cx.called("wait4") && cx.returned() == Some(0) => cx.addr(value),
        Arg::RusageOut => process::rusage(cx, value),
        Arg::RlimitIn => process::rlimit(cx, value),
        Arg::RlimitOut => cx.filled(value, process::rlimit),
        Arg::WaitStatusOut => process::wait_status(cx, value),
        Arg::SchedParamIn => process::sched_param(cx, value),
        Arg::SchedParamOut => cx.filled(value, process::sched_param),
        Arg::SchedAttrIn => process::sched_attr(cx, value),
        Arg::SchedAttrOut => cx.filled(value, process::sched_attr),
        _ => {
            return uncommon(cx, arg, value)
                || times(cx, arg, value)
                || signals(cx, arg, value)
                || words(cx, arg, value);
        }
    }
    true
}

fn uncommon(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::UserDesc => uncommon::segment(cx, value),
        Arg::UserDescOut => uncommon::segment_out(cx, value),
        Arg::LdtArg if matches!(cx.arg(0), 1 | 0x11) || cx.arg(2) == 16 => uncommon::segment(cx, value),
        Arg::Iocb => uncommon::iocb(cx, value),
        Arg::Iocbs(count) => {
            let count = cx.arg(count);
            uncommon::iocbs(cx, value, count);
        }
        Arg::IoEventOut => uncommon::io_event_at(cx, value),
        Arg::IoEventsOut => uncommon::io_events(cx, value),
        Arg::IoUringParams => uncommon::io_uring_params(cx, value),
        Arg::MountAttr(size) => {
            let size = cx.arg(size);
            uncommon::mount_attr(cx, value, size);
        }
        Arg::LandlockRulesetAttr(size) => {
            let size = cx.arg(size);
            uncommon::landlock_ruleset(cx, value, size);
        }
        Arg::LandlockRuleAttr => uncommon::landlock_rule(cx, value),
        Arg::FutexWaitv(count) => {
            let count = cx.arg(count);
            uncommon::futex_waitv(cx, value, count);
        }
        _ => return false,
    }
    true
}

fn times(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::TimespecIn => time::time(cx, value, Unit::Nano),
        Arg::TimespecOut => time::time_out(cx, value, Unit::Nano),
        Arg::TimespecRem => time::remaining(cx, value),
        Arg::TimespecPairIn => time::file_times(cx, value, Unit::Nano),
        Arg::TimevalIn => time::time(cx, value, Unit::Micro),
        Arg::TimevalOut => time::time_out(cx, value, Unit::Micro),
        Arg::TimevalPairIn => time::file_times(cx, value, Unit::Micro),
        Arg::TimezoneIn => time::timezone(cx, value),
        Arg::TimezoneOut => cx.filled(value, time::timezone),
        Arg::UtimbufIn => time::utimbuf(cx, value),
        Arg::TimeOut => time::seconds(cx, value),
        Arg::ItimervalIn => time::timer(cx, value, Unit::Micro),
        Arg::ItimervalOut => time::timer_out(cx, value, Unit::Micro),
        Arg::ItimerspecIn => time::timer(cx, value, Unit::Nano),
        Arg::ItimerspecOut => time::timer_out(cx, value, Unit::Nano),
        Arg::Timex => time::timex(cx, value),
        Arg::TimesOut => time::process_times(cx, value),
        _ => return false,
    }
    true
}

fn signals(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::SigactionIn => signal::action(cx, value),
        Arg::SigactionOut => cx.filled(value, signal::action),
        Arg::SigsetIn(size) => {
            let size = cx.arg(size);
            signal::set_at(cx, value, size);
        }
        Arg::SigsetOut(size) => {
            let size = cx.arg(size);
            if cx.failed() { cx.addr(value) } else { signal::set_at(cx, value, size) }
        }
        Arg::SigsetSize => signal::set_and_size(cx, value),
        Arg::SiginfoIn => signal::info_at(cx, value),
        Arg::SiginfoOut => cx.filled(value, signal::info_at),
        Arg::SigstackIn => signal::stack(cx, value),
        Arg::SigstackOut => cx.filled(value, signal::stack),
        Arg::SigeventIn => signal::event(cx, value),
        Arg::SigFrame => cx.s("{mask=[]}"),
        _ => return false,
    }
    true
}

/// `NGROUPS_MAX`.
const GROUPS_MAX: u64 = 65536;

/// Single numbers and arrays of numbers behind a pointer.
fn words(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
    match arg {
        Arg::IntOut | Arg::TimerIdOut => cx.output::<4>(value, |cx, n| cx.bracket(|cx| cx.dec(n.i32(0)))),
        Arg::UIntOut | Arg::UidOut => cx.output::<4>(value, |cx, n| cx.bracket(|cx| cx.udec(n.u32(0)))),
        Arg::ULongOut => cx.output::<8>(value, |cx, n| cx.bracket(|cx| cx.udec(n.u64(0)))),
        Arg::AddrOut => cx.output::<8>(value, |cx, n| cx.bracket(|cx| cx.addr(n.u64(0)))),
        Arg::OffIn | Arg::OffInOut => cx.object::<8>(value, |cx, n| cx.bracket(|cx| cx.dec(n.i64(0)))),
        Arg::MpolModeOut => cx.output::<4>(value, |cx, n| cx.bracket(|cx| flags::mempolicy(cx, n.u32(0)))),
        Arg::FdPairOut => net::fd_pair(cx, value),
        Arg::GidsIn(count) => {
            let count = cx.arg(count) & 0xffff_ffff;
            if count > GROUPS_MAX {
                cx.addr(value);
            } else {
                cx.array::<4>(value, count, |cx, gid| cx.udec(gid.u32(0)));
            }
        }
        Arg::GidsOut => match cx.returned() {
            Some(count) if cx.arg(0) != 0 => {
                cx.array::<4>(value, count.max(0) as u64, |cx, gid| cx.udec(gid.u32(0)));
            }
            _ => cx.addr(value),
        },
        Arg::AddrsIn(count) => {
            let count = cx.arg(count);
            cx.array::<8>(value, count, |cx, addr| cx.addr(addr.u64(0)));
        }
        Arg::IntsIn(count) => {
            let count = cx.arg(count);
            cx.array::<4>(value, count, |cx, n| cx.dec(n.i32(0)));
        }
        Arg::IntsOut(count) => {
            let count = cx.arg(count);
            if cx.failed() && count > 0 {
                cx.addr(value);
            } else {
                cx.array::<4>(value, count, |cx, n| cx.dec(n.i32(0)));
            }
        }
        Arg::CpusetIn(size) => {
            let size = cx.arg(size) & 0xffff_ffff;
            system::cpu_set(cx, value, size);
        }
        Arg::CpusetOut => match cx.returned() {
            Some(size) => system::cpu_set(cx, value, size.max(0) as u64),
            None => cx.addr(value),
        },
        Arg::NodesetIn(size) => {
            let size = cx.arg(size);
            system::node_set(cx, value, size);
        }
        Arg::NodesetOut(size) => {
            let size = cx.arg(size);
            if size == 0 && value != 0 {
                cx.s("[]");
                return true;
            }
            if cx.failed() { cx.addr(value) } else { system::node_set(cx, value, size) }
        }
        Arg::MincoreOut(size) => {
            let size = cx.arg(size);
            system::residency(cx, value, size);
        }
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
        Arg::MsghdrIn => net::msghdr(cx, value, net::Way::Out),
        Arg::MsghdrOut => net::msghdr_out(cx, value),
        Arg::MmsghdrIn(count) => {
            let count = cx.arg(count);
            net::mmsghdr(cx, value, count, true);
        }
        Arg::MmsghdrOut => net::mmsghdr(cx, value, 0, false),
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

/// Kinds that depend on another argument, or are absent at times.
fn by_other(cx: &mut Cx<'_>, arg: Arg, index: u8, value: u64) -> Shown {
    match arg {
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
        Arg::OpenMode if cx.called("mq_open") && cx.arg(1) & O_CREAT == 0 => return Shown::Absent,
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
        Arg::IoctlArg => return ioctl::argument(cx, value),
        Arg::FcntlArg => {
            let command = cx.arg(1);
            return fcntl::argument(cx, command, value);
        }
        Arg::FutexVal | Arg::FutexTimeout | Arg::FutexAddr2 | Arg::FutexVal3 => {
            return futex::argument(cx, index);
        }
        Arg::Prctl(index) => return prctl::argument(cx, index),
        Arg::ArchPrctlArg => return prctl::arch(cx, value),
        Arg::SemctlArg => {
            let command = cx.arg(2);
            return ipc::semctl(cx, command, value);
        }
        Arg::ShmctlArg | Arg::MsgctlArg => {
            let command = cx.arg(1);
            return ipc::control(cx, command, value);
        }
        Arg::CloneParentTid => return process::clone_arg(cx, value, CloneArg::ParentTid),
        Arg::CloneChildTid => return process::clone_arg(cx, value, CloneArg::ChildTid),
        Arg::CloneTls => return process::clone_arg(cx, value, CloneArg::Tls),
        Arg::CloneArgs => {
            let size = cx.arg(1);
            process::clone_args(cx, value, size);
        }
        Arg::OpenHow => {
            let size = cx.arg(3);
            system::open_how(cx, value, size);
        }
        Arg::PtraceRequest => flags::choice(cx, value, &f::PTRACE),
        Arg::PtraceAddr => return ptrace::addr(cx, value),
        Arg::PtraceData => return ptrace::data(cx, value),
        Arg::SyslogBuf => return syslog_buffer(cx, value),
        Arg::SeccompFlags => {
            let set = if cx.arg(0) as u32 == 1 { &f::SECCOMP_FILTER } else { &f::NONE };
            flags::flags(cx, value & 0xffff_ffff, set);
        }
        Arg::SeccompArg if cx.arg(0) as u32 == 1 => sockopt::filter(cx, value, 16),
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

fn syslog_buffer(cx: &mut Cx<'_>, value: u64) -> Shown {
    if cx.entering() {
        return Shown::Later;
    }
    match (cx.arg(0) as u32, cx.returned()) {
        (2..=4, Some(len)) => strings::buffer(cx, value, len.max(0) as u64),
        _ => cx.addr(value),
    }
    Shown::Done
}
