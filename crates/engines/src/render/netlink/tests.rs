//! Messages made by hand, and what strace 6.1 prints of the same bytes.

use super::super::{Call, Memory, Options, Outcome, Renderer, render_all};
use proptest::prelude::*;
use utrace_abi::table::{self, Abi};

/// Data at 4096, and a socket of one family.
struct Socket {
    data: Vec<u8>,
    family: u32,
}

impl Memory for Socket {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let rest = addr.checked_sub(4096).and_then(|at| self.data.get(at as usize..)).unwrap_or_default();
        let size = rest.len().min(buf.len());
        buf[..size].copy_from_slice(&rest[..size]);
        size
    }

    fn netlink_family(&mut self, _fd: i32) -> Option<u32> {
        Some(self.family)
    }

    fn interface_name(&mut self, index: u32, out: &mut String) -> bool {
        if index == 1 {
            out.push_str("lo");
        }
        index == 1
    }
}

/// What `sendto` shows of the data.
fn sent(family: u32, data: &[u8], limit: usize) -> String {
    let nr = table::by_name(Abi::X86_64, "sendto").unwrap().nr;
    let call = Call::new(nr.into(), [3, 4096, data.len() as u64, 0, 0, 0]);
    let renderer = Renderer::new(Options { string_limit: limit, ..Options::default() });
    let mut memory = Socket { data: data.to_vec(), family };
    let line = render_all(&renderer, &call, Outcome::Returned(data.len() as i64), &mut memory);
    let end = format!(", {}, 0, NULL, 0) = {}", data.len(), data.len());
    line.strip_prefix("sendto(3, ").and_then(|rest| rest.strip_suffix(&end)).unwrap_or(&line).to_owned()
}

/// A message with its length filled in.
fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut all = (16 + body.len() as u32).to_ne_bytes().to_vec();
    all.extend(kind.to_ne_bytes());
    all.extend(flags.to_ne_bytes());
    all.extend([7, 0, 0, 0, 0, 0, 0, 0]);
    all.extend(body);
    all.resize(all.len().next_multiple_of(4), 0);
    all
}

fn attribute(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut all = (4 + body.len() as u16).to_ne_bytes().to_vec();
    all.extend(kind.to_ne_bytes());
    all.extend(body);
    all.resize(all.len().next_multiple_of(4), 0);
    all
}

#[test]
fn a_question_about_links() {
    let mut body = vec![0; 16];
    body.extend(attribute(29, &[1, 0, 0, 0]));
    assert_eq!(
        sent(0, &message(18, 0x301, &body), 32),
        "[{nlmsg_len=40, nlmsg_type=RTM_GETLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP, nlmsg_seq=7, nlmsg_pid=0}, \
         {ifi_family=AF_UNSPEC, ifi_type=ARPHRD_NETROM, ifi_index=0, ifi_flags=0, ifi_change=0}, \
         [{nla_len=8, nla_type=IFLA_EXT_MASK}, RTEXT_FILTER_VF]]"
    );
}

#[test]
fn several_attributes_and_several_messages_have_brackets_of_their_own() {
    let mut body = vec![2, 8, 0x80, 254, 1, 0, 0, 0];
    body.extend(attribute(1, &[127, 0, 0, 1]));
    body.extend(attribute(3, b"lo\0"));
    let mut both = message(20, 2, &body);
    both.extend(message(3, 2, &[0; 4]));
    assert_eq!(
        sent(0, &both, 32),
        "[[{nlmsg_len=40, nlmsg_type=RTM_NEWADDR, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=0}, \
         {ifa_family=AF_INET, ifa_prefixlen=8, ifa_flags=IFA_F_PERMANENT, ifa_scope=RT_SCOPE_HOST, \
         ifa_index=if_nametoindex(\"lo\")}, [[{nla_len=8, nla_type=IFA_ADDRESS}, inet_addr(\"127.0.0.1\")], \
         [{nla_len=7, nla_type=IFA_LABEL}, \"lo\"]]], [{nlmsg_len=20, nlmsg_type=NLMSG_DONE, \
         nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=0}, 0]]"
    );
}

#[test]
fn an_error_shows_what_it_is_about() {
    let mut body = (-19_i32).to_ne_bytes().to_vec();
    body.extend(message(18, 1, &[0]));
    assert_eq!(
        sent(0, &message(2, 0x100, &body), 32),
        "[{nlmsg_len=40, nlmsg_type=NLMSG_ERROR, nlmsg_flags=NLM_F_CAPPED, nlmsg_seq=7, nlmsg_pid=0}, \
         {error=-ENODEV, msg={nlmsg_len=17, nlmsg_type=RTM_GETLINK, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=7, \
         nlmsg_pid=0}}]"
    );
}

#[test]
fn sockets_are_asked_about() {
    let mut body = vec![1, 0, 0, 0];
    for word in [1 << 10, 5, 5, u32::MAX, u32::MAX] {
        body.extend(word.to_ne_bytes());
    }
    assert_eq!(
        sent(4, &message(20, 1, &body), 32),
        "[{nlmsg_len=40, nlmsg_type=SOCK_DIAG_BY_FAMILY, nlmsg_flags=NLM_F_REQUEST, nlmsg_seq=7, nlmsg_pid=0}, \
         {sdiag_family=AF_UNIX, sdiag_protocol=0, udiag_states=1<<TCP_LISTEN, udiag_ino=5, \
         udiag_show=UDIAG_SHOW_NAME|UDIAG_SHOW_PEER, udiag_cookie=[4294967295, 4294967295]}]"
    );
}

#[test]
fn text_is_no_message() {
    assert_eq!(sent(0, b"GET / HTTP/1.0\r\n\r\n", 32), r#""GET / HTTP/1.0\r\n\r\n""#);
    assert_eq!(sent(0, b"\x10\0\0\0", 32), r#""\20\0\0\0""#);
}

proptest! {
    /// Lengths that lie lead nowhere, and lines stay bounded.
    #[test]
    fn any_bytes_are_shown(family in 0..20_u32, mut data in proptest::collection::vec(any::<u8>(), 16..300)) {
        data[0] = data.len().min(255) as u8;
        data[1..4].fill(0);
        let text = sent(family, &data, 32);
        prop_assert!(!text.is_empty() && text.len() < 40_000);
    }
}
