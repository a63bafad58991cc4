//! Making the place in a client's memory where answers lie ready.
//!
//! In two steps, each where it is possible. While the client sleeps in a call that is being answered it gets a descriptor for
//! its board, and an interrupt ([`Tracer::offer_board`]). At the stop that follows, between two instructions of its program,
//! it maps the pages and closes the descriptor, and jumps are written over the loads of its system-call numbers
//! ([`Tracer::lay_board`]). Only while the client's other threads sleep, so that nobody is in the middle of what is written over. What
//! cannot be done is left: the client asks as before. Neighbours: [`crate::ahead`] knows who and what.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use utrace_core::Lent;

use super::Tracer;
use super::tracee::{Interrupt, Tracee};
use crate::ahead::{Expected, Layout, Need, SITE_LEN, Site};
use crate::notify::Desk;
use crate::procfs::{self, State};
use crate::remote::{Failed, call_between};
use crate::sys::ahead::{BOARD, Board, PAGE};
use crate::sys::errno::{ERESTART_RESTARTBLOCK, ERESTARTSYS};
use crate::sys::lend::{OnExec, lend};
use crate::sys::mem;
use crate::tracee::Stopped;
use crate::types::Tid;

impl Tracer {
    /// If it is time for it: gives a client that sleeps in a question the file of its board.
    pub(super) fn offer_board(&mut self, desk: &Desk, from: Tid, question: u64) {
        // Taken out of the lock, which a `match` would keep.
        let need = desk.places().need(from);
        match need {
            Need::Nothing => return,
            Need::Interrupt => {}
            Need::Board => {
                let offered = Board::new().and_then(|(board, file)| {
                    let file = Lent::Open(file.as_raw_fd());
                    lend(desk.listener().fd(), question, file, None, OnExec::Closes).map(|fd| (board, fd))
                });
                let Ok((board, fd)) = offered else { return desk.places().refuse(from) };
                desk.places().expect(from, board, fd);
            }
        }
        if let Some(mut tracee) = self.table.take(from) {
            self.interrupt(&mut tracee, Interrupt::Quiet);
            self.table.put(tracee);
        }
    }

    /// At the stop of an interrupt: has the client map its board, if it was given one.
    pub(super) fn lay_board(&self, tracee: &Tracee, stopped: &mut Stopped) -> Result<(), Failed> {
        if self.desks.is_empty() {
            return Ok(());
        }
        let expected = self.desks().find_map(|desk| Some((desk, desk.places().expected(tracee.tid)?)));
        let Some((desk, (mut expected, tries))) = expected else { return self.lead_another(tracee, stopped) };
        let desk = Arc::clone(desk);
        let laid = if is_between(stopped)? { lay(stopped, &mut expected).map(Some) } else { Ok(None) };
        let fd = expected.fd.unsigned_abs().into();
        call_between(stopped, libc::SYS_close, [fd, 0, 0, 0, 0, 0])?;
        match laid? {
            Some(base) => desk.places().open(tracee.tid, expected, base),
            None => desk.places().postpone(tracee.tid, expected.sites, tries),
        }
        Ok(())
    }

    /// Leads an instruction to the code that the client has come to ask from since.
    fn lead_another(&self, tracee: &Tracee, stopped: &mut Stopped) -> Result<(), Failed> {
        let wanted = self.desks().find_map(|desk| Some((desk, desk.places().wanted(tracee.tid)?)));
        let Some((desk, (site, base, place))) = wanted else { return Ok(()) };
        if !is_between(stopped)? {
            return Ok(());
        }
        let layout = Layout::at(base);
        if is_plain(tracee.tid, site)
            && let Some(jump) = layout.jump(place, site)
        {
            written(tracee.tid, layout.record_at(place), &Layout::record(place, site))?;
            written(tracee.tid, site.begin(), &jump)?;
        }
        // One that cannot be led is not looked at again.
        desk.places().led(tracee.tid, site);
        Ok(())
    }
}

/// Whether the thread can make calls that its program does not know of, and the others of its process sleep.
fn is_between(stopped: &mut Stopped) -> Result<bool, Failed> {
    let regs = stopped.regs()?;
    let restarts = (ERESTART_RESTARTBLOCK..=ERESTARTSYS).contains(&regs.rax.cast_signed());
    Ok(!restarts && regs.fs_base != 0 && is_alone(stopped.tid()))
}

/// The pages, what is in them, and the jumps.
fn lay(stopped: &mut Stopped, Expected { board, fd, sites }: &mut Expected) -> Result<u64, Failed> {
    let tid = stopped.tid();
    let regs = *stopped.regs()?;
    sites.retain(|site| is_plain(tid, *site));
    let first = sites.first().ok_or(Failed::Unable)?;
    let owner = word(tid, regs.fs_base)?;
    let maps = fs::read_to_string(format!("/proc/{tid}/maps")).map_err(|_| Failed::Unable)?;
    let hole = Layout::hole(&maps, first.begin()).ok_or(Failed::Unable)?;

    let (len, read) = (Layout::LEN as u64, number(libc::PROT_READ));
    let own = number(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE);
    let code = read | number(libc::PROT_EXEC);
    let base = mapped(call_between(stopped, libc::SYS_mmap, [hole, len, code, own, u64::MAX, 0])?)?;
    let layout = Layout::at(base);
    let wiped = [layout.gate(), PAGE as u64, number(libc::MADV_WIPEONFORK), 0, 0, 0];
    done(call_between(stopped, libc::SYS_madvise, wiped)?)?;
    let both = read | number(libc::PROT_WRITE);
    let shared = [0, BOARD as u64, both, number(libc::MAP_SHARED), number(*fd), 0];
    let at = mapped(call_between(stopped, libc::SYS_mmap, shared)?)?;
    let alone = [at, BOARD as u64, number(libc::MADV_DONTFORK), 0, 0, 0];
    done(call_between(stopped, libc::SYS_madvise, alone)?)?;

    board.give_to(owner);
    written(tid, base, &layout.page(sites))?;
    written(tid, layout.gate(), &at.to_ne_bytes())?;
    for (place, site) in sites.iter().enumerate() {
        if let Some(jump) = layout.jump(place, *site) {
            written(tid, site.begin(), &jump)?;
        }
    }
    Ok(base)
}

/// Whether all other threads of its process sleep: nobody is in the middle of what is written over.
fn is_alone(tid: Tid) -> bool {
    let sleeps =
        |other: &Tid| *other == tid || procfs::stat(*other).is_ok_and(|stat| stat.state == State::Blocked);
    procfs::threads(tid).is_ok_and(|threads| threads.iter().all(sleeps))
}

fn is_plain(tid: Tid, site: Site) -> bool {
    let mut bytes = [0; SITE_LEN];
    mem::read(tid, site.begin(), &mut bytes) == Ok(SITE_LEN) && site.is_plain(bytes)
}

fn word(tid: Tid, at: u64) -> Result<u64, Failed> {
    let mut word = [0; 8];
    match mem::read(tid, at, &mut word) {
        Ok(8) => Ok(u64::from_ne_bytes(word)),
        _ => Err(Failed::Unable),
    }
}

fn written(tid: Tid, at: u64, bytes: &[u8]) -> Result<(), Failed> {
    if mem::write(tid, at, bytes) == Ok(bytes.len()) { Ok(()) } else { Err(Failed::Unable) }
}

fn mapped(value: i64) -> Result<u64, Failed> {
    u64::try_from(value).map_err(|_| Failed::Unable)
}

fn done(value: i64) -> Result<(), Failed> {
    mapped(value).map(drop)
}

fn number(value: i32) -> u64 {
    u64::from(value.unsigned_abs())
}
