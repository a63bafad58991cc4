//! What a command line and the supervisor say to each other.
//!
//! Key types: [`Request`], [`Reply`], [`Line`] (a connection). One message is one packet of a `SOCK_SEQPACKET` socket: a
//! line of JSON of at most [`LONGEST`] bytes, with at most [`MOST_FDS`] descriptors. Whatever else comes is
//! [`WireError`], never a panic: the other end may be anything that runs as the same user. Neighbours: [`super::caller`]
//! and [`super::server`] are the two ends.
//!
//! A conversation begins with `Hello` and `Welcome`. Then one of:
//!
//! | the command line | the supervisor |
//! |---|---|
//! | `Open` with the descriptors of stderr and the outputs, then `Attach` for many processes at once, with a proof for each | `Opened`, `Attached` with an answer for each; now and then `Notice` |
//! | `AwaitEnd` | `Ended`, once nothing is left to trace |
//! | `Leave` | `Left` |
//! | `Enlist`, with the proof of oneself | `Listen` |
//! | `Listening`, with the filter's end, or `CannotListen`, or `IsHeard` | `Enlisted` |
//! | `List` | a `Traced` for each process, `ListEnd` |

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of the protocol. Both ends must have the same.
pub const VERSION: u32 = 4;
/// The longest message in bytes; the kernel's own limit is near 200 KiB (`net.core.wmem_default`).
pub const LONGEST: usize = 96 << 10;
/// The most descriptors with one message; the kernel's own limit is 253 (`SCM_MAX_FD`), and both ends may have 256 in all.
pub const MOST_FDS: usize = 128;

/// What a command line asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Request {
    /// First of all.
    Hello {
        /// [`VERSION`].
        version: u32,
    },
    /// The engines of an attach. With stderr and then the outputs of those that write.
    Open {
        /// The whole command line, as bytes.
        args: Vec<Vec<u8>>,
    },
    /// Trace these processes with them. With `/proc/PID/task/TID/mem` of each, opened by who asks.
    Attach {
        /// At most [`MOST_FDS`].
        targets: Vec<Target>,
    },
    /// Tell me when all processes have ended.
    AwaitEnd,
    /// Detach everything, and write what is to be written.
    Leave,
    /// Make the sender a client of ptrace(2). With its own `/proc/PID/task/PID/mem`.
    Enlist,
    /// To `Listen`: with the listening end.
    Listening,
    /// To `Listen`: the kernel does not have such filters.
    CannotListen,
    /// To `Listen`: the sender is behind somebody's already.
    IsHeard,
    /// Who is traced?
    List,
}

/// A process to be traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The process.
    pub pid: i32,
    /// One of its threads: whose memory proves the right to trace.
    pub tid: i32,
}

/// What became of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Answer {
    /// It is traced.
    Attached {
        /// How many threads it has.
        threads: usize,
        /// Whether this session has it already.
        again: bool,
    },
    /// It is not.
    Refused {
        /// The exit code that goes with it.
        code: u8,
        /// Why.
        message: String,
    },
    /// The proof is of a thread that has gone meanwhile, and its process goes on, most likely with another program: it can be
    /// proven and asked for again.
    Again,
}

/// What the supervisor answers, or tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reply {
    /// To `Hello`.
    Welcome {
        /// [`VERSION`] of the supervisor.
        version: u32,
        /// Its process id.
        pid: u32,
    },
    /// To `Open`.
    Opened,
    /// To `Attach`.
    Attached {
        /// For each, in the order that was asked in.
        each: Vec<Answer>,
    },
    /// It cannot be done.
    Refused {
        /// The exit code that goes with it.
        code: u8,
        /// Why.
        message: String,
    },
    /// Something for the user.
    Notice {
        /// What.
        message: String,
    },
    /// All processes of this session have ended.
    Ended,
    /// To `Leave`.
    Left {
        /// Which outputs are not whole, and why.
        lost: Vec<String>,
    },
    /// To `Enlist`: install this filter, whose calls wait for an answer at a listening end.
    Listen {
        /// The filter.
        filter: Vec<u8>,
    },
    /// To `Enlist`, in the end.
    Enlisted {
        /// The filter to be installed before anything is executed; none where none is needed.
        filter: Option<Vec<u8>>,
    },
    /// To `List`: a process.
    Traced(Box<super::listing::Row>),
    /// To `List`: that was all.
    ListEnd,
}

/// What is wrong with a message, or with the connection.
#[derive(Debug)]
pub enum WireError {
    /// The other end has closed.
    Closed,
    /// The message is longer, or brings more descriptors, than is allowed.
    TooLong,
    /// It is no message of this protocol.
    Malformed(String),
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::Closed => f.write_str("the connection was closed"),
            WireError::TooLong => f.write_str("a message is too long"),
            WireError::Malformed(what) => write!(f, "not understood: {what}"),
            WireError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WireError {}

impl From<Errno> for WireError {
    fn from(errno: Errno) -> WireError {
        match errno {
            Errno::PIPE | Errno::CONNRESET => WireError::Closed,
            Errno::MSGSIZE => WireError::TooLong,
            _ => WireError::Io(errno.into()),
        }
    }
}

/// A message as it goes over the line.
///
/// # Errors
/// [`WireError::TooLong`].
pub fn encode(message: &impl Serialize) -> Result<Vec<u8>, WireError> {
    let bytes = serde_json::to_vec(message).map_err(|error| WireError::Malformed(error.to_string()))?;
    if bytes.len() <= LONGEST { Ok(bytes) } else { Err(WireError::TooLong) }
}

/// The message that these bytes are.
///
/// # Errors
/// [`WireError::TooLong`], [`WireError::Malformed`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    if bytes.len() > LONGEST {
        return Err(WireError::TooLong);
    }
    serde_json::from_slice(bytes).map_err(|error| WireError::Malformed(error.to_string()))
}

/// One end of a connection.
#[derive(Debug)]
pub struct Line(OwnedFd);

impl Line {
    /// Over this socket.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Line {
        Line(socket)
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Another handle to the same end.
    ///
    /// # Errors
    /// There are no more descriptors to have.
    pub fn again(&self) -> io::Result<Line> {
        self.0.try_clone().map(Line)
    }

    /// Sends one message if that can be done at once; it is dropped if not.
    pub fn offer(&self, message: &impl Serialize) {
        if let Ok(bytes) = encode(message) {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            let _ = rustix::net::send(&self.0, &bytes, flags);
        }
    }

    /// Sends one message.
    ///
    /// # Errors
    /// It cannot be sent.
    pub fn send(&self, message: &impl Serialize, fds: &[BorrowedFd<'_>]) -> Result<(), WireError> {
        let bytes = encode(message)?;
        if fds.len() > MOST_FDS {
            return Err(WireError::TooLong);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(WireError::TooLong);
        }
        loop {
            match sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                sent => return Ok(sent.map(drop)?),
            }
        }
    }

    /// Waits for the next message, of at most [`LONGEST`] bytes.
    ///
    /// # Errors
    /// [`WireError::Closed`] at the end; what came is no message.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<(T, Vec<OwnedFd>), WireError> {
        let mut bytes = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            match recvmsg(&self.0, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                got => break got?,
            }
        };
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(found) = message {
                fds.extend(found);
            }
        }
        if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(WireError::TooLong);
        }
        // No message is empty: this is the end.
        if got.bytes == 0 {
            return Err(WireError::Closed);
        }
        let message = decode(bytes.get(..got.bytes).unwrap_or_default())?;
        Ok((message, fds))
    }
}

#[cfg(test)]
mod tests;
