//! What a socket is connected to, by its inode: asked of the kernel over sock_diag(7).
//!
//! Key types: [`Sockets`]. The protocol's name comes from the extended attribute `system.sockprotoname` that every
//! socket has, the addresses from one request over a netlink socket of our own. It sees the sockets of utrace's network
//! namespace, as strace does; of others the inode is shown. What is connected stays so, and is remembered.
//! Neighbours: [`super::memory`] asks for it. Knows no task.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};
use utrace_abi::flags::NETLINK_PROTO;

use crate::render::text;

/// What is known of sockets.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The netlink socket, once one was needed.
    diag: Option<OwnedFd>,
    /// Texts of connected sockets, by inode.
    connected: HashMap<u64, String>,
    /// Netlink families of netlink sockets, which never change.
    families: HashMap<u64, u32>,
}

/// How many sockets are remembered.
const REMEMBERED: usize = 4096;

impl Sockets {
    /// Appends `TCP:[127.0.0.1:80->127.0.0.1:4711]` for a socket of protocol `name`, if it is one that can be
    /// asked about.
    pub(super) fn describe(&self, name: &str, inode: u64, out: &mut String) -> bool {
        let Some(kind) = kind(name) else { return false };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.connected.get(&inode) {
            out.push_str(text);
            return true;
        }
        let start = out.len();
        // String's writer cannot fail.
        let _ = write!(out, "{name}:[");
        let about = known.ask(kind, inode, out);
        if about.is_none() {
            let _ = write!(out, "{inode}");
        }
        out.push(']');
        if about == Some(Peer::Fixed) && known.connected.len() < REMEMBERED {
            let text = out.get(start..).unwrap_or_default().to_owned();
            known.connected.insert(inode, text);
        }
        true
    }

    /// The family of the netlink socket `inode`.
    pub(super) fn netlink_family(&self, inode: u64) -> Option<u32> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(family) = known.families.get(&inode) {
            return Some(*family);
        }
        known.ask(Kind::Netlink, inode, &mut String::new())?;
        known.families.get(&inode).copied()
    }
}

/// Whether what was said of a socket can still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    /// It is connected for good.
    Fixed,
    /// It may be connected yet.
    Open,
}

/// How to ask about a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unix,
    /// Address family and protocol.
    Inet(u8, u8),
    Netlink,
}

const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_NETLINK: u8 = 16;

fn kind(name: &str) -> Option<Kind> {
    let (name, family) = match name.strip_suffix("v6") {
        Some(name) => (name, AF_INET6),
        None => (name, AF_INET),
    };
    let protocol = match name {
        "UNIX" | "UNIX-STREAM" => return Some(Kind::Unix),
        "NETLINK" => return Some(Kind::Netlink),
        "TCP" => 6,
        "UDP" => 17,
        "UDP-Lite" | "UDPLITE" => 136,
        "DCCP" => 33,
        "SCTP" => 132,
        "L2TP/IP" => 115,
        "PING" if family == AF_INET6 => 58,
        "PING" => 1,
        "RAW" => 255,
        _ => return None,
    };
    Some(Kind::Inet(family, protocol))
}

/// `SOCK_DIAG_BY_FAMILY` of <linux/sock_diag.h>.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`, and with it `NLM_F_DUMP`.
const REQUEST: u16 = 1;
const DUMP: u16 = 0x301;
/// `NLMSG_ERROR` and `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;

impl Known {
    /// Appends what stands in the brackets; nothing if the kernel does not know the socket.
    fn ask(&mut self, kind: Kind, inode: u64, out: &mut String) -> Option<Peer> {
        let inode32 = u32::try_from(inode).ok()?;
        let (request, flags) = match kind {
            Kind::Unix => (unix_request(inode32), REQUEST),
            Kind::Inet(family, protocol) => (inet_request(family, protocol), DUMP),
            Kind::Netlink => (netlink_request(), DUMP),
        };
        if self.diag.is_none() {
            let made = rustix::net::socket_with(
                AddressFamily::NETLINK,
                SocketType::RAW,
                SocketFlags::CLOEXEC,
                Some(netlink::SOCK_DIAG),
            );
            self.diag = made.ok();
        }
        let found =
            exchange(self.diag.as_ref()?, &request, flags, |body| inode_of(kind, body) == Some(inode32))?;
        match kind {
            Kind::Unix => unix(&found, inode32, out),
            Kind::Inet(family, _) => inet(&found, family, out),
            Kind::Netlink => {
                let protocol = u32::from(*found.get(2)?);
                self.families.insert(inode, protocol);
                let name = NETLINK_PROTO.name(protocol.into()).and_then(|name| name.strip_prefix("NETLINK_"));
                let port = word(&found, 4)?.cast_signed();
                match name {
                    Some(name) => write!(out, "{name}:{port}").ok()?,
                    None => write!(out, "{protocol}:{port}").ok()?,
                }
                Some(Peer::Open)
            }
        }
    }
}

/// Sends a request and answers the body of the message that `wanted` takes. All of the answer is read, so that
/// the next request gets its own.
fn exchange(diag: &OwnedFd, request: &[u8], flags: u16, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut message = Vec::with_capacity(HEADER + request.len());
    message.extend_from_slice(&((HEADER + request.len()) as u32).to_ne_bytes());
    message.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend_from_slice(&flags.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(request);
    rustix::net::send(diag, &message, SendFlags::empty()).ok()?;
    let mut found = None;
    let mut buf = vec![0; 32 << 10];
    loop {
        let (got, _) = rustix::net::recv(diag, &mut buf[..], RecvFlags::empty()).ok()?;
        let mut rest = buf.get(..got)?;
        if rest.is_empty() {
            return found;
        }
        while let (Some(len), Some(kind)) = (word(rest, 0), half(rest, 4)) {
            let len = (len as usize).clamp(HEADER, rest.len());
            if kind == ERROR || kind == DONE {
                return found;
            }
            let body = rest.get(HEADER..len)?;
            if found.is_none() && wanted(body) {
                found = Some(body.to_vec());
            }
            rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
        if flags == REQUEST {
            return found;
        }
    }
}

/// `struct unix_diag_req`: this inode, with its name and its peer.
fn unix_request(inode: u32) -> Vec<u8> {
    const SHOW_NAME_AND_PEER: u32 = 5;
    let mut request = vec![AF_UNIX, 0, 0, 0];
    for field in [u32::MAX, inode, SHOW_NAME_AND_PEER, u32::MAX, u32::MAX] {
        request.extend_from_slice(&field.to_ne_bytes());
    }
    request
}

/// `struct inet_diag_req_v2`: every socket in any state.
fn inet_request(family: u8, protocol: u8) -> Vec<u8> {
    let mut request = vec![family, protocol, 0, 0];
    request.extend_from_slice(&u32::MAX.to_ne_bytes());
    request.extend_from_slice(&[0; 48]);
    request
}

/// `struct netlink_diag_req`: every socket of every family.
fn netlink_request() -> Vec<u8> {
    let mut request = vec![AF_NETLINK, 0xff, 0, 0];
    request.extend_from_slice(&[0; 16]);
    request
}

fn inode_of(kind: Kind, body: &[u8]) -> Option<u32> {
    match kind {
        Kind::Unix => word(body, 4),
        Kind::Inet(..) => word(body, 68),
        Kind::Netlink => word(body, 16),
    }
}

/// `struct unix_diag_msg` and its attributes: `5->6,"/path"`.
fn unix(body: &[u8], inode: u32, out: &mut String) -> Option<Peer> {
    const FIXED: usize = 16;
    const NAME: u16 = 0;
    const PEER: u16 = 2;
    let (mut peer, mut name) = (None, None);
    let mut rest = body.get(FIXED..).unwrap_or_default();
    while let (Some(len), Some(kind)) = (half(rest, 0), half(rest, 2)) {
        let len = usize::from(len).clamp(4, rest.len());
        match kind {
            NAME => name = rest.get(4..len),
            PEER => peer = word(rest, 4),
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    write!(out, "{inode}").ok()?;
    if let Some(peer) = peer.filter(|peer| *peer != 0) {
        write!(out, "->{peer}").ok()?;
    }
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        out.push(',');
        let (mark, name) = match name.strip_prefix(&[0]) {
            Some(abstracted) => ("@", abstracted),
            None => ("", name.split(|byte| *byte == 0).next().unwrap_or_default()),
        };
        out.push_str(mark);
        text::quoted(name, out);
    }
    Some(if peer.is_some() { Peer::Fixed } else { Peer::Open })
}

/// `struct inet_diag_msg`: `127.0.0.1:80->127.0.0.1:4711`.
fn inet(body: &[u8], family: u8, out: &mut String) -> Option<Peer> {
    let port = |at| half(body, at).map(u16::from_be);
    address(body, 8, family, port(4)?, out)?;
    let there = body.get(24..40)?;
    if port(6)? == 0 && there.iter().all(|byte| *byte == 0) {
        return Some(Peer::Open);
    }
    out.push_str("->");
    address(body, 24, family, port(6)?, out)?;
    Some(Peer::Fixed)
}

fn address(body: &[u8], at: usize, family: u8, port: u16, out: &mut String) -> Option<()> {
    let bytes: [u8; 16] = body.get(at..at + 16)?.try_into().ok()?;
    let [a, b, c, d, ..] = bytes;
    if family == AF_INET6 {
        write!(out, "[{}]:{port}", Ipv6Addr::from(bytes)).ok()
    } else {
        write!(out, "{}:{port}", Ipv4Addr::new(a, b, c, d)).ok()
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|half| u16::from_ne_bytes(*half))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::net::UnixStream;

    fn inode(socket: &impl std::os::fd::AsRawFd) -> u64 {
        std::fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap().ino()
    }

    fn describe(name: &str, inode: u64) -> String {
        let mut out = String::new();
        Sockets::default().describe(name, inode, &mut out);
        out
    }

    #[test]
    fn listening_and_connected() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let (here, there) = (client.local_addr().unwrap(), server.local_addr().unwrap());
        assert_eq!(describe("TCP", inode(&server)), format!("TCP:[{there}]"));
        assert_eq!(describe("TCP", inode(&client)), format!("TCP:[{here}->{there}]"));
    }

    #[test]
    fn a_pair_knows_its_other_end() {
        let (a, b) = UnixStream::pair().unwrap();
        assert_eq!(describe("UNIX-STREAM", inode(&a)), format!("UNIX-STREAM:[{}->{}]", inode(&a), inode(&b)));
    }

    #[test]
    fn what_nobody_knows_is_its_inode() {
        assert_eq!(describe("TCP", 1), "TCP:[1]");
        assert_eq!(describe("PACKET", 7), "");
        assert_eq!(Sockets::default().netlink_family(1), None);
    }

    #[test]
    fn netlink_sockets_tell_their_family() {
        let socket =
            rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, Some(netlink::SOCK_DIAG)).unwrap();
        rustix::net::bind(&socket, &netlink::SocketAddrNetlink::new(0, 0)).unwrap();
        let inode = inode(&socket);
        let text = describe("NETLINK", inode);
        assert!(text.starts_with("NETLINK:[SOCK_DIAG:"), "{text}");
        assert_eq!(Sockets::default().netlink_family(inode), Some(4));
    }
}
