//! System V objects: keys, operations, messages, control commands.

use super::arg::Shown;
use super::cx::{Bytes, Cx};
use super::flags::{choice, flags};
use super::strings::buffer;
use utrace_abi::flags as f;

/// `IPC_PRIVATE` or a key in hex.
pub(super) fn key(cx: &mut Cx<'_>, value: u64) {
    match value & 0xffff_ffff {
        0 => cx.s("IPC_PRIVATE"),
        key => cx.hex(key),
    }
}

/// `[{sem_num=0, sem_op=-1, sem_flg=SEM_UNDO}]`.
pub(super) fn sembufs(cx: &mut Cx<'_>, addr: u64, count: u64) {
    cx.array::<6>(addr, count & 0xffff_ffff, |cx, op| {
        cx.s("{sem_num=");
        cx.udec(u64::from(op.u16(0)));
        cx.s(", sem_op=");
        cx.dec(i64::from(op.u16(2) as i16));
        cx.s(", sem_flg=");
        flags(cx, u64::from(op.u16(4)), &f::SEM_FLG);
        cx.s("}");
    });
}

/// `{mtype=1, mtext="abc"}`.
pub(super) fn message(cx: &mut Cx<'_>, addr: u64, size: u64) {
    cx.object::<8>(addr, |cx, kind| {
        cx.s("{mtype=");
        cx.dec(kind.i64(0));
        cx.s(", mtext=");
        buffer(cx, addr.wrapping_add(8), size);
        cx.s("}");
    });
}

/// The flag of old commands that is still there.
const IPC_64: u64 = 0x100;

/// Which kind of object a control call is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Object {
    /// `semctl`.
    Semaphores,
    /// `shmctl`.
    Memory,
    /// `msgctl`.
    Queue,
}

impl Object {
    /// The commands that fill the object's own structure, besides `IPC_STAT`.
    fn fills(self, command: u64) -> bool {
        match self {
            Self::Semaphores => matches!(command, 2 | 18 | 20),
            Self::Memory => matches!(command, 2 | 13 | 15),
            Self::Queue => matches!(command, 2 | 11 | 13),
        }
    }

    /// What the fields are called: `sem_perm`.
    fn prefix(self) -> &'static str {
        match self {
            Self::Semaphores => "sem_",
            Self::Memory => "shm_",
            Self::Queue => "msg_",
        }
    }
}

/// The structure of `semctl`, `shmctl` and `msgctl`, by command.
pub(super) fn control(cx: &mut Cx<'_>, object: Object, command: u64, value: u64) -> Shown {
    let command = command & 0xffff_ffff & !IPC_64;
    let limits = command == 3;
    let usage =
        matches!((object, command), (Object::Semaphores, 19) | (Object::Memory, 14) | (Object::Queue, 12));
    match command {
        1 => cx.object::<104>(value, |cx, ds| settings(cx, object, ds)),
        _ if object.fills(command) || limits || usage => {
            if cx.entering() {
                return Shown::Later;
            }
            match object {
                _ if object.fills(command) => cx.object::<104>(value, |cx, ds| status(cx, object, ds)),
                Object::Memory if usage => cx.object::<48>(value, memory_usage),
                Object::Memory => cx.object::<40>(value, memory_limits),
                Object::Semaphores => cx.object::<40>(value, |cx, i| numbers(cx, i, &SEMAPHORE_LIMITS)),
                Object::Queue => cx.object::<32>(value, |cx, i| numbers(cx, i, &QUEUE_LIMITS)),
            }
        }
        _ => cx.addr(value),
    }
    Shown::Done
}

const SEMAPHORE_LIMITS: [&str; 10] =
    ["semmap", "semmni", "semmns", "semmnu", "semmsl", "semopm", "semume", "semusz", "semvmx", "semaem"];
const QUEUE_LIMITS: [&str; 8] =
    ["msgpool", "msgmap", "msgmax", "msgmnb", "msgmni", "msgssz", "msgtql", "msgseg"];

fn numbers<const N: usize>(cx: &mut Cx<'_>, info: &Bytes<N>, names: &[&str]) {
    for (at, name) in names.iter().enumerate() {
        cx.s(if at == 0 { "{" } else { ", " });
        cx.s(name);
        cx.s("=");
        // The last field of `struct msginfo` is a short.
        if *name == "msgseg" { cx.udec(u64::from(info.u16(4 * at))) } else { cx.dec(info.i32(4 * at)) }
    }
    cx.s("}");
}

fn longs<const N: usize>(cx: &mut Cx<'_>, ds: &Bytes<N>, fields: &[(usize, &str)]) {
    for (at, name) in fields {
        cx.s(name);
        cx.udec(ds.u64(*at));
    }
}

/// `{sem_perm={uid=0, gid=0, mode=0600`, without the closing brackets.
fn owner(cx: &mut Cx<'_>, object: Object, ds: &Bytes<104>) {
    cx.s("{");
    cx.s(object.prefix());
    cx.s("perm={uid=");
    cx.udec(ds.u32(4));
    cx.s(", gid=");
    cx.udec(ds.u32(8));
    cx.s(", mode=");
    super::flags::umode(cx, ds.u32(20));
}

/// What `IPC_SET` changes.
fn settings(cx: &mut Cx<'_>, object: Object, ds: &Bytes<104>) {
    owner(cx, object, ds);
    cx.s("}");
    if object == Object::Queue {
        longs(cx, ds, &[(88, ", msg_qbytes=")]);
    }
    cx.s("}");
}

/// `struct semid_ds`, `shmid_ds` and `msqid_ds` of x86-64.
fn status(cx: &mut Cx<'_>, object: Object, ds: &Bytes<104>) {
    owner(cx, object, ds);
    cx.s(", key=");
    cx.udec(ds.u32(0));
    cx.s(", cuid=");
    cx.udec(ds.u32(12));
    cx.s(", cgid=");
    cx.udec(ds.u32(16));
    cx.s("}");
    match object {
        Object::Semaphores => {
            longs(cx, ds, &[(48, ", sem_otime="), (64, ", sem_ctime="), (80, ", sem_nsems=")]);
        }
        Object::Memory => {
            longs(cx, ds, &[(48, ", shm_segsz=")]);
            cx.s(", shm_cpid=");
            cx.dec(ds.i32(80));
            cx.s(", shm_lpid=");
            cx.dec(ds.i32(84));
            longs(
                cx,
                ds,
                &[(88, ", shm_nattch="), (56, ", shm_atime="), (64, ", shm_dtime="), (72, ", shm_ctime=")],
            );
        }
        Object::Queue => {
            longs(cx, ds, &[(48, ", msg_stime="), (56, ", msg_rtime="), (64, ", msg_ctime=")]);
            longs(cx, ds, &[(80, ", msg_qnum="), (88, ", msg_qbytes=")]);
            cx.s(", msg_lspid=");
            cx.dec(ds.i32(96));
            cx.s(", msg_lrpid=");
            cx.dec(ds.i32(100));
        }
    }
    cx.s("}");
}

fn memory_limits(cx: &mut Cx<'_>, info: &Bytes<40>) {
    let fields = [(0, "{shmmax="), (8, ", shmmin="), (16, ", shmmni="), (24, ", shmseg="), (32, ", shmall=")];
    longs(cx, info, &fields);
    cx.s("}");
}

fn memory_usage(cx: &mut Cx<'_>, info: &Bytes<48>) {
    cx.s("{used_ids=");
    cx.dec(info.i32(0));
    longs(cx, info, &[(8, ", shm_tot="), (16, ", shm_rss="), (24, ", shm_swp=")]);
    longs(cx, info, &[(32, ", swap_attempts="), (40, ", swap_successes=")]);
    cx.s("}");
}

/// A keyring by name or serial number.
pub(super) fn keyring(cx: &mut Cx<'_>, value: u64) {
    let serial = value & 0xffff_ffff;
    match f::KEYRING.name(serial) {
        Some(_) => choice(cx, serial, &f::KEYRING),
        None => cx.int(serial),
    }
}
