//! The four debug registers of a thread, shared by all who want some: [`Shares`].
//!
//! Each owner has DR0 to DR7 of its own and sees nothing of the others. What they switch on is put into the slots of the
//! processor, equal breakpoints into one; what does not fit is refused (`ENOSPC`, as the kernel does where perf(2) has
//! them). A hit is shown in DR6 of those whose breakpoint it was. Like the kernel's, the registers are not inherited by
//! children and are gone with an exec. Nothing here calls the kernel: who changes something says how a register is
//! written. [`super::hook::Sign`] holds the shares of one thread.

use crate::regset::DEBUG_COUNT;
use crate::sys::Errno;

/// How many breakpoints the processor has.
const SLOTS: usize = 4;
const STATUS: usize = 6;
const CONTROL: usize = 7;
/// DR6 when nothing has happened: the bits that do not exist read as 1 (`DR6_RESERVED`).
const QUIET: u64 = 0xffff_0ff0;
const HITS: u64 = 0xf;
const NEW: Registers = [0, 0, 0, 0, 0, 0, QUIET, 0];
/// The end of user addresses (`TASK_SIZE_MAX` with four levels of page tables).
const END: u64 = 0x7fff_ffff_f000;

/// Who has breakpoints: the engines that use [`crate::regset::DEBUG`] are one owner, [`COMMON`].
pub(crate) type OwnerId = u64;
pub(crate) const COMMON: OwnerId = 0;
/// The thread itself has what a tracer left switched on when it detached, as in the kernel, until the next owner without
/// registers takes it over.
const LEFT: OwnerId = OwnerId::MAX;

/// All eight registers, as one owner sees them.
pub(crate) type Registers = [u64; DEBUG_COUNT];

/// A breakpoint: its address, and the four bits of DR7 that say what hits it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    address: u64,
    kind: u64,
}

/// What a trap means for the owners.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hit {
    /// No breakpoint was hit.
    None,
    /// One was, and DR6 of its owners says so.
    Owned,
    /// One was that nobody has any more.
    Stale,
}

/// The kinds of an owner's breakpoints, on or off: `None` for one that the kernel would not have made yet. It judges the kind
/// of one that is switched off too, and the address by it (`ptrace_write_dr7`, `ptrace_set_breakpoint_addr`).
type Made = [Option<u64>; SLOTS];

/// Kinds of a new one, which is a byte to be written, and of one that a refused DR7 leaves: an instruction.
const BYTE_WRITTEN: u64 = 1;
const INSTRUCTION: u64 = 0;

/// Who has what of one thread's debug registers.
#[derive(Default, Debug)]
pub(crate) struct Shares {
    owners: Vec<(OwnerId, Registers)>,
    made: Vec<(OwnerId, Made)>,
    slots: [Option<Slot>; SLOTS],
}

impl Shares {
    /// The registers as this owner sees them.
    pub(crate) fn registers(&self, owner: OwnerId) -> Registers {
        let of = |owner| self.owners.iter().find(|(id, _)| *id == owner);
        of(owner).or_else(|| of(LEFT)).map_or(NEW, |(_, registers)| *registers)
    }

    /// Whether a breakpoint is set.
    pub(crate) fn is_used(&self) -> bool {
        self.slots.iter().any(Option::is_some)
    }

    /// Changes one register of an owner, which DR6 is of all as long as no breakpoint is set; `write` writes one of the processor's.
    ///
    /// # Errors
    /// As `PTRACE_POKEUSER`: `EIO` for DR4 and DR5, `EINVAL` for what the kernel refuses, `ENOSPC`; and what `write` says.
    /// Nothing is changed then.
    pub(crate) fn set(
        &mut self,
        owner: OwnerId,
        number: usize,
        value: u64,
        write: &mut dyn FnMut(usize, u64) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut registers = self.registers(owner);
        let mut made = self.made(owner, registers[CONTROL]);
        match number {
            0..SLOTS => address(&mut made[number], value)?,
            4 | 5 | 8.. => return Err(Errno::EIO),
            STATUS if !self.is_used() => return write(STATUS, value),
            CONTROL => {
                let judged = kinds(&mut made, &registers, value);
                if judged.is_err() {
                    self.note(owner, made);
                    return judged;
                }
            }
            _ => {}
        }
        registers[number] = value;
        self.set_all(owner, &registers, write)?;
        self.note(owner, made);
        Ok(())
    }

    fn made(&self, owner: OwnerId, control: u64) -> Made {
        let known = self.made.iter().find(|(id, _)| *id == owner).map(|(_, made)| *made);
        // Those that were left behind, or set all at once.
        let on = |number: usize| (control >> (2 * number) & 3 != 0).then(|| kind_of(control, number));
        known.unwrap_or_else(|| core::array::from_fn(on))
    }

    fn note(&mut self, owner: OwnerId, made: Made) {
        self.made.retain(|(id, _)| *id != owner);
        self.made.push((owner, made));
    }

    /// Changes all registers of an owner but DR4 and DR5, which do not exist.
    ///
    /// # Errors
    /// As [`Shares::set`].
    pub(crate) fn set_all(
        &mut self,
        owner: OwnerId,
        registers: &Registers,
        write: &mut dyn FnMut(usize, u64) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let before = self.owners.clone();
        let known = self.owners.iter().any(|(id, _)| *id == owner);
        self.owners.retain(|(id, _)| *id != owner && (known || *id != LEFT));
        let mut registers = *registers;
        (registers[4], registers[5]) = (0, 0);
        self.owners.push((owner, registers));
        let settled = self.settle(write);
        if settled.is_err() {
            self.owners = before;
        } else if registers == NEW {
            self.owners.retain(|(id, _)| *id != owner);
        }
        settled
    }

    /// An owner leaves. If its breakpoints cannot be taken out now, they are with the next [`Shares::settle`].
    ///
    /// # Errors
    /// What `write` says.
    pub(crate) fn release(
        &mut self,
        owner: OwnerId,
        write: &mut dyn FnMut(usize, u64) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.owners.retain(|(id, _)| *id != owner);
        self.made.retain(|(id, _)| *id != owner);
        self.settle(write)
    }

    /// An owner leaves, and what it has switched on stays with the thread. Answers whether it does: one thread's only one
    /// owner can leave something.
    pub(crate) fn bequeath(&mut self, owner: OwnerId) -> bool {
        let taken = self.owners.iter().any(|(id, _)| *id == LEFT);
        let mine = self.owners.iter_mut().find(|(id, _)| *id == owner);
        match mine.filter(|(_, registers)| !taken && registers[CONTROL] != 0) {
            Some((id, _)) => {
                *id = LEFT;
                true
            }
            None => false,
        }
    }

    /// Puts into the processor what the owners have switched on.
    ///
    /// # Errors
    /// `ENOSPC`; what `write` says. The processor has what it had then, as far as that can be.
    pub(crate) fn settle(
        &mut self,
        write: &mut dyn FnMut(usize, u64) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let after = self.plan().ok_or(Errno::ENOSPC)?;
        let before = core::mem::replace(&mut self.slots, after);
        if before == after {
            return Ok(());
        }
        let done = load(&before, &after, write);
        if done.is_err() {
            self.slots = before;
            // It was possible before; if it is not now, the thread is gone, or runs and cannot be written at all.
            let _ = load(&after, &before, write);
        }
        done
    }

    /// A trap came with this in the processor's DR6: tells its owners.
    pub(crate) fn hit(&mut self, status: u64) -> Hit {
        let slots = self.slots;
        let mut owned = false;
        for (_, registers) in &mut self.owners {
            let mut mine = status & !HITS;
            for (number, wanted) in wanted(registers) {
                let slot = slots.iter().position(|slot| *slot == Some(wanted));
                if slot.is_some_and(|slot| status & (1 << slot) != 0) {
                    mine |= 1 << number;
                    owned = true;
                }
            }
            registers[STATUS] = mine;
        }
        match status & HITS {
            0 => Hit::None,
            _ if owned => Hit::Owned,
            _ => Hit::Stale,
        }
    }

    /// The slots as they should be; `None` if there are too few.
    fn plan(&self) -> Option<[Option<Slot>; SLOTS]> {
        let all: Vec<Slot> =
            self.owners.iter().flat_map(|(_, registers)| wanted(registers)).map(|(_, slot)| slot).collect();
        let mut slots = self.slots.map(|slot| slot.filter(|slot| all.contains(slot)));
        for slot in all {
            if !slots.contains(&Some(slot)) {
                *slots.iter_mut().find(|slot| slot.is_none())? = Some(slot);
            }
        }
        Some(slots)
    }
}

/// What these registers switch on.
fn wanted(registers: &Registers) -> impl Iterator<Item = (usize, Slot)> {
    let (addresses, control) = (*registers, registers[CONTROL]);
    (0..SLOTS)
        .filter(move |number| control >> (2 * number) & 3 != 0)
        .map(move |number| (number, Slot { address: addresses[number], kind: kind_of(control, number) }))
}

/// The four bits of a DR7 that say what hits a breakpoint: two what is done there, two how many bytes there are.
fn kind_of(control: u64, number: usize) -> u64 {
    control >> (16 + 4 * number) & 0xf
}

/// Whether there are breakpoints of this kind, and one may be at this address (`arch_build_bp_info`).
fn judge(kind: u64, address: u64) -> Result<(), Errno> {
    let len = match kind >> 2 {
        0 => 1,
        1 => 2,
        2 => 8,
        _ => 4,
    };
    let known = match kind & 3 {
        0 => len == 1,
        // Ports are nobody's.
        2 => false,
        _ => true,
    };
    if known && address.is_multiple_of(len) && address < END { Ok(()) } else { Err(Errno::EINVAL) }
}

/// An address for a breakpoint, which is made if it is not there.
fn address(made: &mut Option<u64>, value: u64) -> Result<(), Errno> {
    judge(made.unwrap_or(BYTE_WRITTEN), value)?;
    made.get_or_insert(BYTE_WRITTEN);
    Ok(())
}

/// A new DR7. If a kind is refused, those before it are made, and what was off is an instruction's.
fn kinds(made: &mut Made, registers: &Registers, control: u64) -> Result<(), Errno> {
    let on = |control: u64, number: usize| control >> (2 * number) & 3 != 0;
    for number in 0..SLOTS {
        let kind = kind_of(control, number);
        if made[number].is_none() && !on(control, number) {
            continue;
        }
        if let Err(errno) = judge(kind, registers[number]) {
            for (number, made) in made.iter_mut().enumerate().filter(|(_, made)| made.is_some()) {
                let old = registers[CONTROL];
                *made = Some(if on(old, number) { kind_of(old, number) } else { INSTRUCTION });
            }
            return Err(errno);
        }
        made[number] = Some(kind);
    }
    Ok(())
}

/// DR7 for these slots.
fn control(slots: &[Option<Slot>; SLOTS]) -> u64 {
    let bits = |(number, slot): (usize, &Option<Slot>)| {
        slot.map_or(0, |slot| 1 << (2 * number) | slot.kind << (16 + 4 * number))
    };
    slots.iter().enumerate().map(bits).fold(0, |all, bits| all | bits)
}

/// Writes what differs. A breakpoint is off while its address changes.
fn load(
    before: &[Option<Slot>; SLOTS],
    after: &[Option<Slot>; SLOTS],
    write: &mut dyn FnMut(usize, u64) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut same = *before;
    for (same, after) in same.iter_mut().zip(after) {
        *same = same.filter(|slot| Some(*slot) == *after);
    }
    if same != *before {
        write(CONTROL, control(&same))?;
    }
    for number in 0..SLOTS {
        if let Some(slot) = after[number].filter(|_| same[number].is_none()) {
            write(number, slot.address)?;
        }
    }
    if same == *after { Ok(()) } else { write(CONTROL, control(after)) }
}

#[cfg(test)]
mod tests {
    use super::{CONTROL, Hit, QUIET, Shares};
    use crate::sys::Errno;

    /// DR7 for breakpoint `number` on a write of four bytes, switched on for the thread.
    fn watch(number: usize) -> u64 {
        1 << (2 * number) | 0b1101 << (16 + 4 * number)
    }

    /// A processor's registers.
    fn processor(registers: &mut [u64; 8]) -> impl FnMut(usize, u64) -> Result<(), Errno> {
        |number, value| {
            registers[number] = value;
            Ok(())
        }
    }

    #[test]
    fn owners_share_slots_and_are_told_of_their_own_hits() {
        let (mut shares, mut real) = (Shares::default(), [0; 8]);
        for (owner, number, address) in [(1, 0, 0x1000), (2, 0, 0x2000), (2, 3, 0x1000)] {
            let control = shares.registers(owner)[CONTROL] | watch(number);
            shares.set(owner, number, address, &mut processor(&mut real)).unwrap();
            shares.set(owner, CONTROL, control, &mut processor(&mut real)).unwrap();
        }
        assert_eq!((real[0], real[1], real[CONTROL]), (0x1000, 0x2000, watch(0) | watch(1)));
        assert_eq!(shares.hit(QUIET | 1 << 1), Hit::Owned);
        assert_eq!((shares.registers(1)[6], shares.registers(2)[6]), (QUIET, QUIET | 1));
        assert_eq!(shares.hit(QUIET | 1 | 1 << 14), Hit::Owned);
        let step = QUIET | 1 << 14;
        assert_eq!((shares.registers(1)[6], shares.registers(2)[6]), (step | 1, step | 1 << 3));
        shares.release(1, &mut processor(&mut real)).unwrap();
        assert_eq!(real[CONTROL], watch(0) | watch(1), "the other owner has it too");
        shares.release(2, &mut processor(&mut real)).unwrap();
        assert_eq!(real[CONTROL], 0);
        assert!(!shares.is_used());
    }

    #[test]
    fn what_is_left_behind_stays_until_somebody_takes_it_over() {
        let (mut shares, mut real) = (Shares::default(), [0; 8]);
        shares.set(1, 0, 0x1000, &mut processor(&mut real)).unwrap();
        shares.set(1, CONTROL, watch(0), &mut processor(&mut real)).unwrap();
        assert!(shares.bequeath(1) && !shares.bequeath(1));
        assert_eq!((real[0], real[CONTROL], shares.hit(QUIET | 1)), (0x1000, watch(0), Hit::Owned));
        assert_eq!(shares.registers(2)[..1], [0x1000], "the next one sees it");
        shares.set(2, CONTROL, 0, &mut processor(&mut real)).unwrap();
        assert_eq!((real[CONTROL], shares.registers(3)[0]), (0, 0));
    }

    #[test]
    fn one_that_is_off_is_judged_too_once_it_is_made() {
        let (mut shares, mut real) = (Shares::default(), [0; 8]);
        let mut set = |shares: &mut Shares, number, value| {
            shares.set(1, number, value, &mut processor(&mut real)).map_err(Errno::raw)
        };
        const INVALID: Result<(), i32> = Err(libc::EINVAL);
        let ports = 2 << 16;
        assert_eq!(set(&mut shares, CONTROL, ports), Ok(()), "nobody has made it");
        assert_eq!(set(&mut shares, 0, 0x1001), Ok(()));
        assert_eq!(set(&mut shares, CONTROL, ports), INVALID);
        assert_eq!(set(&mut shares, CONTROL, 0b0101 << 16), INVALID, "two bytes at an odd place");
        assert_eq!(set(&mut shares, CONTROL, 0b0100 << 16), INVALID, "an instruction of two bytes");
        assert_eq!(set(&mut shares, 0, 0x1000), Ok(()));
        assert_eq!(set(&mut shares, CONTROL, 0b0101 << 16), Ok(()));
        assert_eq!(set(&mut shares, 0, 0x1001), INVALID);
        assert_eq!(shares.registers(1)[..1], [0x1000]);
        assert_eq!(set(&mut shares, CONTROL, !0xff_0000), Ok(()), "bits that nobody may set say nothing");
        assert_eq!(shares.registers(1)[CONTROL], !0xff_0000);
    }

    #[test]
    fn a_fifth_breakpoint_is_refused_and_changes_nothing() {
        let (mut shares, mut real) = (Shares::default(), [0; 8]);
        let mut all = [0; 8];
        for number in 0..4 {
            all[number] = 0x1000 * (number as u64 + 1);
            all[CONTROL] |= watch(number);
        }
        shares.set_all(1, &all, &mut processor(&mut real)).unwrap();
        shares.set(2, 0, 0x8000, &mut processor(&mut real)).unwrap();
        let before = real;
        assert_eq!(
            shares.set(2, CONTROL, watch(0), &mut processor(&mut real)),
            Err(Errno::new(libc::ENOSPC))
        );
        assert_eq!((real, shares.registers(2)[CONTROL]), (before, 0));
        shares.set(1, CONTROL, all[CONTROL] & !watch(2), &mut processor(&mut real)).unwrap();
        shares.set(2, CONTROL, watch(0), &mut processor(&mut real)).unwrap();
        assert_eq!(real[2], 0x8000, "the slot that was given back");
    }

    #[test]
    fn what_a_running_thread_keeps_is_stale_until_it_stops() {
        let (mut shares, mut real) = (Shares::default(), [0; 8]);
        shares.set(1, 1, 0x1000, &mut processor(&mut real)).unwrap();
        shares.set(1, CONTROL, watch(1), &mut processor(&mut real)).unwrap();
        assert_eq!(shares.release(1, &mut |_, _| Err(Errno::ESRCH)), Err(Errno::ESRCH));
        assert_eq!((shares.hit(1), shares.is_used()), (Hit::Stale, true));
        shares.settle(&mut processor(&mut real)).unwrap();
        assert_eq!((real[CONTROL], shares.is_used()), (0, false));
    }

    #[test]
    fn registers_that_do_not_exist_and_kernel_addresses_are_refused() {
        let mut shares = Shares::default();
        let mut never = |_, _| -> Result<(), Errno> { unreachable!() };
        for (number, errno) in [(4, Errno::EIO), (5, Errno::EIO), (8, Errno::EIO), (0, Errno::EINVAL)] {
            assert_eq!(shares.set(1, number, u64::MAX, &mut never), Err(errno));
        }
    }
}
