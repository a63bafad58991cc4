//! What comes over the line is what was sent, and what else comes is an error.

use std::os::fd::AsFd as _;

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};

use super::*;

fn lines() -> (Line, Line) {
    let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    (Line::new(a), Line::new(b))
}

fn requests() -> Vec<Request> {
    vec![
        Request::Hello { version: VERSION },
        Request::Open { args: vec![b"utrace".to_vec(), vec![0xff, 0, b'"']] },
        Request::Attach { targets: vec![Target { pid: 1, tid: i32::MAX }, Target { pid: 2, tid: 3 }] },
        Request::AwaitEnd,
        Request::Leave,
        Request::Enlist,
        Request::List,
    ]
}

#[test]
fn every_request_comes_as_it_was_sent() {
    for request in requests() {
        let bytes = encode(&request).unwrap();
        assert_eq!(decode::<Request>(&bytes).unwrap(), request);
    }
}

/// Every byte of every message changed, cut off, doubled: an error or another message, never a panic.
#[test]
fn hostile_bytes_are_an_error_or_a_message() {
    for request in requests() {
        let good = encode(&request).unwrap();
        for at in 0..good.len() {
            for byte in 0..=u8::MAX {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let _ = decode::<Request>(&bytes);
                let _ = decode::<Reply>(&bytes);
            }
            assert!(decode::<Request>(&good[..at]).is_err(), "cut at {at}");
            let twice = [&good[..at], &good[..]].concat();
            let _ = decode::<Request>(&twice);
        }
        assert!(decode::<Request>(&[good.clone(), good].concat()).is_err(), "two at once");
    }
    let deep = vec![b'['; LONGEST];
    assert!(decode::<Request>(&deep).is_err());
    assert!(
        decode::<Request>(br#"{"Attach":{"targets":[{"pid":1,"tid":2,"root":true}]}}"#).is_err(),
        "a field too many"
    );
    assert!(decode::<Request>(br#"{"Attach":{"targets":[{"pid":99999999999,"tid":2}]}}"#).is_err());
}

#[test]
fn what_is_too_long_is_refused_at_both_ends() {
    let (a, b) = lines();
    let long = Request::Open { args: vec![vec![200; LONGEST]] };
    assert!(matches!(a.send(&long, &[]), Err(WireError::TooLong)));
    let bytes = vec![b' '; LONGEST + 1];
    assert_eq!(send(a.socket(), &bytes, SendFlags::empty()), Ok(bytes.len()));
    assert!(matches!(b.receive::<Request>(), Err(WireError::TooLong)));
    let many = vec![a.socket(); MOST_FDS + 1];
    assert!(matches!(b.send(&Request::Leave, &many), Err(WireError::TooLong)));
}

#[test]
fn descriptors_come_along_and_a_closed_line_is_known() {
    let (a, b) = lines();
    let file = std::fs::File::open("/dev/null").unwrap();
    a.send(&Request::Enlist, &[file.as_fd(), file.as_fd()]).unwrap();
    let (request, fds) = b.receive::<Request>().unwrap();
    assert_eq!((request, fds.len()), (Request::Enlist, 2));
    drop(a);
    assert!(matches!(b.receive::<Request>(), Err(WireError::Closed)));
}
