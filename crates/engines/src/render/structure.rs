//! Arguments that point at structures standing for themselves: from kind to renderer.
//!
//! The second half of the map in [`super::arg`]; every function answers whether the kind was one of its own.

use super::cx::Cx;
use super::time::Unit;
use super::{flags, net, process, signal, stat, system, time, uncommon};
use utrace_abi::Arg;

/// `NGROUPS_MAX`.
const GROUPS_MAX: u64 = 65536;

/// Structures that stand for themselves.
pub(super) fn structure(cx: &mut Cx<'_>, arg: Arg, value: u64) -> bool {
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
        Arg::TimespecIn if cx.called("epoll_pwait2") => {
            cx.object::<16>(value, |cx, t| time::pair(cx, t, 0, Unit::Nano));
        }
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
        Arg::SigFrame => signal::frame(cx),
        _ => return false,
    }
    true
}

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
                cx.array::<4>(value, count, |cx, gid| id(cx, gid.u32(0)));
            }
        }
        Arg::GidsOut => match cx.returned() {
            Some(count) if cx.arg(0) != 0 || count == 0 => {
                cx.array::<4>(value, count.max(0) as u64, |cx, gid| id(cx, gid.u32(0)));
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

/// A user or group id; all ones is `-1`.
pub(super) fn id(cx: &mut Cx<'_>, value: u64) {
    if value as u32 == u32::MAX { cx.s("-1") } else { cx.udec(value & 0xffff_ffff) }
}
