//! Where the supervisor of a user is reached: its folder, its socket, its start.
//!
//! Key types: [`Folder`]. Key functions: [`reach`] for a command line. The folder is `utrace` in `$XDG_RUNTIME_DIR`, else
//! in `/run/user/UID`, else `/tmp/utrace-UID`: the first that is, or can be made, a real directory of this user that
//! nobody else may enter. It is opened once and used by its descriptor, so that nobody can put another in its place.
//!
//! Who finds nobody listening takes the lock in the folder, looks again, makes a new socket and starts a supervisor with
//! it. So a connection made from then on waits in the queue of a socket that somebody will serve; a socket whose
//! supervisor was killed refuses, and is replaced. Neighbours: [`super::server`] ends under the same lock.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, listen, socket_with,
};
use rustix::process::geteuid;
use utrace_host::Command;

use super::wire::{Line, Reply, Request, VERSION, WireError};

const SOCKET: &str = "socket";
const LOCK: &str = "lock";
/// How many connections may wait to be taken.
const QUEUE: i32 = 128;
/// How often a supervisor that ends just when we come is looked for again.
const TRIES: usize = 50;

/// A folder that belongs to this user alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    fd: OwnedFd,
}

/// The right to start a supervisor, or to end one. Goes with the value.
#[derive(Debug)]
pub struct Locked(#[expect(dead_code, reason = "held open, not read")] OwnedFd);

/// Where the folder may be, best first.
fn candidates() -> Vec<PathBuf> {
    let uid = geteuid().as_raw();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| Path::new(dir).is_absolute());
    let runtime = runtime.map(|dir| Path::new(&dir).join("utrace"));
    let usual = [format!("/run/user/{uid}/utrace"), format!("/tmp/utrace-{uid}")];
    runtime.into_iter().chain(usual.map(PathBuf::from)).collect()
}

impl Folder {
    /// Opens it if it is there and ours.
    #[must_use]
    pub fn open(path: &Path) -> Option<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty()).ok()?;
        let about = fstat(&fd).ok()?;
        // Another's folder, or one that others may enter, is no place for a socket that takes orders.
        let ours = about.st_uid == geteuid().as_raw() && about.st_mode & 0o077 == 0;
        ours.then(|| Folder { path: path.to_owned(), fd })
    }

    fn make(path: &Path) -> Option<Folder> {
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => Folder::open(path),
            Err(_) => None,
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An address that means the socket in this very folder, and is short enough for any.
    fn address(&self) -> io::Result<SocketAddrUnix> {
        Ok(SocketAddrUnix::new(format!("/proc/self/fd/{}/{SOCKET}", self.fd.as_raw_fd()))?)
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// It cannot be made or taken.
    pub fn lock(&self) -> io::Result<Locked> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, LOCK, flags, Mode::RUSR | Mode::WUSR)?;
        loop {
            match flock(&fd, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                locked => return Ok(locked.map(|()| Locked(fd))?),
            }
        }
    }

    /// What names the file of the socket, as long as it is there.
    #[must_use]
    pub fn socket_file(&self) -> Option<u64> {
        statat(&self.fd, SOCKET, AtFlags::SYMLINK_NOFOLLOW).ok().map(|about| about.st_ino)
    }

    /// Takes the socket away.
    pub fn remove_socket(&self, _locked: &Locked) {
        // It may be gone: then there is nothing to take away.
        let _ = unlinkat(&self.fd, SOCKET, AtFlags::empty());
    }

    fn connect(&self) -> io::Result<OwnedFd> {
        let socket = new_socket()?;
        connect(&socket, &self.address()?)?;
        Ok(socket)
    }

    /// Connects, and starts a supervisor first if there is none.
    fn connect_or_start(&self) -> io::Result<OwnedFd> {
        if let Ok(socket) = self.connect() {
            return Ok(socket);
        }
        let locked = self.lock()?;
        if let Ok(socket) = self.connect() {
            return Ok(socket);
        }
        self.remove_socket(&locked);
        let listener = new_socket()?;
        bind(&listener, &self.address()?)?;
        listen(&listener, QUEUE)?;
        let supervisor = Command::new("/proc/self/exe")
            .arg0("utrace")
            .args([OsStr::new("supervisor"), self.path.as_os_str()]);
        supervisor.spawn_apart(listener.as_fd()).map_err(|error| io::Error::other(error.to_string()))?;
        self.connect()
    }
}

fn new_socket() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// The one place to look at, so that two who see the same places never start two supervisors: the best that there is.
fn folder() -> Option<Folder> {
    candidates().iter().find_map(|path| Folder::make(path))
}

/// A connection to the supervisor of this user, which is started if there is none, and its process id.
///
/// # Errors
/// A message.
pub fn reach() -> Result<(Line, u32), String> {
    let mut last = String::from("there is no folder for its socket");
    for _ in 0..TRIES {
        let socket = folder().ok_or(last)?.connect_or_start().map_err(|error| error.to_string())?;
        match greet(Line::new(socket)) {
            Ok(greeted) => return Ok(greeted),
            Err(WireError::Closed) => last = "it ends again and again".to_owned(),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err(last)
}

/// A connection to the supervisor, if one runs.
#[must_use]
pub fn find() -> Option<(Line, u32)> {
    let socket = folder()?.connect().ok()?;
    greet(Line::new(socket)).ok()
}

fn greet(line: Line) -> Result<(Line, u32), WireError> {
    line.send(&Request::Hello { version: VERSION }, &[])?;
    match line.receive()?.0 {
        Reply::Welcome { version: VERSION, pid } => Ok((line, pid)),
        Reply::Welcome { version, pid } => Err(WireError::Malformed(format!(
            "the supervisor (process {pid}) speaks version {version}, this utrace {VERSION}; it ends with what it traces"
        ))),
        other => Err(WireError::Malformed(format!("{other:?}"))),
    }
}
