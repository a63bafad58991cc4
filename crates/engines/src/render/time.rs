//! Times: `timespec`, `timeval`, timers, `timex`, and dates in comments.

use super::cx::{Bytes, Cx, push_radix, push_udec};
use super::flags::{choice, flags};
use utrace_abi::flags as f;

/// Name of the sub-second field and the digits of its fraction.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// `struct timeval`.
    Micro,
    /// `struct timespec`.
    Nano,
}

impl Unit {
    fn names(self) -> (&'static str, usize) {
        match self {
            Self::Micro => (", tv_usec=", 6),
            Self::Nano => (", tv_nsec=", 9),
        }
    }
}

/// `{tv_sec=1, tv_nsec=2}`.
pub(super) fn pair<const N: usize>(cx: &mut Cx<'_>, bytes: &Bytes<N>, at: usize, unit: Unit) {
    cx.s("{tv_sec=");
    cx.dec(bytes.i64(at));
    cx.s(unit.names().0);
    let fraction = bytes.i64(at + 8);
    match (unit, fraction) {
        (Unit::Nano, UTIME_NOW) => cx.s("UTIME_NOW"),
        (Unit::Nano, UTIME_OMIT) => cx.s("UTIME_OMIT"),
        _ => cx.udec(fraction as u64),
    }
    cx.s("}");
}

const UTIME_NOW: i64 = (1 << 30) - 1;
const UTIME_OMIT: i64 = (1 << 30) - 2;

/// A time that the traced program passed in: it stands whatever became of the call.
pub(super) fn time(cx: &mut Cx<'_>, addr: u64, unit: Unit) {
    cx.longs_always::<16>(addr, |cx, t| pair(cx, t, 0, unit));
}

/// As [`time`], with the bare address after a failure.
pub(super) fn time_out(cx: &mut Cx<'_>, addr: u64, unit: Unit) {
    if cx.failed() { cx.addr(addr) } else { time(cx, addr, unit) }
}

/// What is left of an interrupted sleep: only an interruption fills it.
pub(super) fn remaining(cx: &mut Cx<'_>, addr: u64) {
    // An absolute time has no rest.
    let relative = !cx.called("clock_nanosleep") || cx.arg(1) == 0;
    let interrupted = relative && matches!(cx.outcome, Some(super::Outcome::Returned(-516 | -514..=-512)));
    if interrupted {
        cx.longs_always::<16>(addr, |cx, t| pair(cx, t, 0, Unit::Nano));
    } else {
        cx.addr(addr);
    }
}

/// `{it_interval={…}, it_value={…}}`.
pub(super) fn timer(cx: &mut Cx<'_>, addr: u64, unit: Unit) {
    cx.longs::<32>(addr, |cx, t| {
        cx.s("{it_interval=");
        pair(cx, t, 0, unit);
        cx.s(", it_value=");
        pair(cx, t, 16, unit);
        cx.s("}");
    });
}

/// As [`timer`], with the bare address after a failure.
pub(super) fn timer_out(cx: &mut Cx<'_>, addr: u64, unit: Unit) {
    if cx.failed() { cx.addr(addr) } else { timer(cx, addr, unit) }
}

/// Access and modification times with their dates.
pub(super) fn file_times(cx: &mut Cx<'_>, addr: u64, unit: Unit) {
    cx.longs::<32>(addr, |cx, t| {
        cx.s("[");
        dated(cx, t, 0, unit);
        cx.s(", ");
        dated(cx, t, 16, unit);
        cx.s("]");
    });
}

fn dated(cx: &mut Cx<'_>, t: &Bytes<32>, at: usize, unit: Unit) {
    let fraction = t.i64(at + 8);
    if matches!(unit, Unit::Nano) && matches!(fraction, UTIME_NOW | UTIME_OMIT) {
        return cx.s(if fraction == UTIME_NOW { "UTIME_NOW" } else { "UTIME_OMIT" });
    }
    pair(cx, t, at, unit);
    date(cx, t.i64(at), fraction as u64, unit.names().1);
}

/// `struct utimbuf`.
pub(super) fn utimbuf(cx: &mut Cx<'_>, addr: u64) {
    cx.longs::<16>(addr, |cx, t| {
        cx.s("{actime=");
        cx.dec(t.i64(0));
        date(cx, t.i64(0), 0, 0);
        cx.s(", modtime=");
        cx.dec(t.i64(8));
        date(cx, t.i64(8), 0, 0);
        cx.s("}");
    });
}

/// `struct timezone`.
pub(super) fn timezone(cx: &mut Cx<'_>, addr: u64) {
    cx.object::<8>(addr, |cx, t| {
        cx.s("{tz_minuteswest=");
        cx.dec(t.i32(0));
        cx.s(", tz_dsttime=");
        cx.dec(t.i32(4));
        cx.s("}");
    });
}

/// The result of `time`, with its date.
pub(super) fn seconds(cx: &mut Cx<'_>, addr: u64) {
    cx.longs::<8>(addr, |cx, t| {
        cx.s("[");
        cx.dec(t.i64(0));
        date(cx, t.i64(0), 0, 0);
        cx.s("]");
    });
}

/// ` /* 2026-11-21T12:00:00.000000001+0000 */`; nothing for the epoch itself or a fraction out of range.
///
/// Dates are UTC: a tracer cannot know the zone of the traced program's user.
pub(super) fn date(cx: &mut Cx<'_>, seconds: i64, fraction: u64, digits: usize) {
    if seconds == 0 && fraction == 0 || fraction >= 10_u64.pow(digits as u32) && fraction != 0 {
        return;
    }
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u64);
    let (year, month, day) = civil(days);
    // The C library's `struct tm` counts years in an `int`.
    if !(0..i64::from(i32::MAX)).contains(&year) {
        return;
    }
    cx.s(" /* ");
    timestamp(cx, year, month, day, rest, fraction, digits);
    cx.s(" */");
}

/// ` (2026-11-21T12:00:00+0000)` after the result of `time`.
pub(super) fn date_in_parentheses(cx: &mut Cx<'_>, seconds: i64) {
    let start = cx.out.len();
    date(cx, seconds, 0, 0);
    let Some(comment) = cx.out.get(start..).and_then(|text| text.strip_prefix(" /* ")) else { return };
    let text = [" (", comment.trim_end_matches(" */"), ")"].concat();
    cx.out.truncate(start);
    cx.s(&text);
}

fn timestamp(cx: &mut Cx<'_>, year: i64, month: u64, day: u64, rest: u64, fraction: u64, digits: usize) {
    push_radix(cx.out, year as u64, 10, 4);
    for (mark, value) in
        [('-', month), ('-', day), ('T', rest / 3600), (':', rest / 60 % 60), (':', rest % 60)]
    {
        cx.out.push(mark);
        push_radix(cx.out, value, 10, 2);
    }
    if fraction != 0 {
        cx.out.push('.');
        push_radix(cx.out, fraction, 10, digits);
    }
    cx.s("+0000");
}

/// Year, month and day of a count of days since 1970 (proleptic Gregorian, years starting in March).
fn civil(days: i64) -> (i64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month as u64, day as u64)
}

/// `struct tms`.
pub(super) fn process_times(cx: &mut Cx<'_>, addr: u64) {
    cx.longs::<32>(addr, |cx, t| {
        for (at, name) in
            [(0, "{tms_utime="), (8, ", tms_stime="), (16, ", tms_cutime="), (24, ", tms_cstime=")]
        {
            cx.s(name);
            ticks(cx, t.u64(at));
        }
        cx.s("}");
    });
}

/// Clock ticks of a hundredth of a second, with seconds in a comment.
pub(super) fn ticks(cx: &mut Cx<'_>, ticks: u64) {
    cx.udec(ticks);
    if ticks != 0 {
        cx.s(" /* ");
        push_udec(cx.out, ticks / 100);
        cx.s(".");
        push_radix(cx.out, ticks % 100, 10, 2);
        cx.s(" s */");
    }
}

/// `struct timex`.
pub(super) fn timex(cx: &mut Cx<'_>, addr: u64) {
    cx.output::<208>(addr, |cx, t| {
        cx.s("{modes=");
        flags(cx, t.u32(0), &f::ADJ);
        for (at, name) in [(8, "offset"), (16, "freq"), (24, "maxerror"), (32, "esterror")] {
            signed(cx, name, t.i64(at));
        }
        cx.s(", status=");
        flags(cx, t.u32(40), &f::STA);
        for (at, name) in [(48, "constant"), (56, "precision"), (64, "tolerance")] {
            signed(cx, name, t.i64(at));
        }
        cx.s(", time=");
        pair(cx, t, 72, Unit::Micro);
        for (at, name) in [(88, "tick"), (96, "ppsfreq"), (104, "jitter")] {
            signed(cx, name, t.i64(at));
        }
        signed(cx, "shift", t.i32(112));
        for (at, name) in
            [(120, "stabil"), (128, "jitcnt"), (136, "calcnt"), (144, "errcnt"), (152, "stbcnt")]
        {
            signed(cx, name, t.i64(at));
        }
        signed(cx, "tai", t.i32(160));
        cx.s("}");
    });
}

fn signed(cx: &mut Cx<'_>, name: &str, value: i64) {
    cx.s(", ");
    cx.s(name);
    cx.s("=");
    cx.dec(value);
}

/// ` (TIME_OK)` after the result of `adjtimex`.
pub(super) fn clock_state(cx: &mut Cx<'_>, value: i64) {
    let readable = {
        let addr = cx.arg(u8::from(cx.called("clock_adjtime")));
        cx.bytes::<208>(addr).is_some()
    };
    if readable && f::TIME_STATE.name(value as u64).is_some() {
        cx.s(" (");
        choice(cx, value as u64, &f::TIME_STATE);
        cx.s(")");
    }
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn dates_are_right_around_leap_days() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }
}
