//! Rendering by itself: the split between entry and exit, options, and arbitrary input.
//!
//! The format as such is held by `tests/strace_cases.rs`.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Memory made of a few byte strings; the rest is unreadable.
#[derive(Default)]
struct Pieces(BTreeMap<u64, Vec<u8>>);

impl Pieces {
    fn with(mut self, addr: u64, bytes: &[u8]) -> Self {
        self.0.insert(addr, bytes.to_vec());
        self
    }
}

impl Memory for Pieces {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let Some((start, bytes)) = self.0.range(..=addr).next_back() else { return 0 };
        let Some(tail) = bytes.get((addr - start) as usize..) else { return 0 };
        let len = tail.len().min(buf.len());
        buf[..len].copy_from_slice(&tail[..len]);
        len
    }

    fn fd_path(&mut self, fd: i32, out: &mut String) -> bool {
        out.push_str(if fd == -100 { "/cwd" } else { "/dev/null" });
        fd != 9
    }
}

fn nr(name: &str) -> u64 {
    u64::from(utrace_abi::table::by_name(Abi::X86_64, name).unwrap().nr)
}

/// Entry, exit and result apart, as a log prints them when another task comes between.
fn parts(options: Options, call: Call, value: i64, memory: &mut Pieces) -> (String, String, String) {
    let renderer = Renderer::new(options);
    let (mut entry, mut exit, mut result) = (String::new(), String::new(), String::new());
    let mut pending = renderer.entry(&call, memory, &mut entry);
    let outcome = Outcome::Returned(value);
    renderer.exit(&call, &mut pending, outcome, memory, &mut exit);
    renderer.result(&call, outcome, memory, &mut result);
    (entry, exit, result)
}

fn split(name: &str, args: [u64; 6], value: i64, memory: Pieces) -> (String, String) {
    let mut memory = memory;
    let (entry, exit, _) = parts(Options::default(), Call::new(nr(name), args), value, &mut memory);
    (entry, exit)
}

fn both(entry: &str, exit: &str) -> (String, String) {
    (entry.to_owned(), exit.to_owned())
}

#[test]
fn arguments_that_the_kernel_fills_wait_for_exit() {
    let memory = Pieces::default().with(0x1000, b"abc\n");
    assert_eq!(split("read", [3, 0x1000, 10, 0, 0, 0], 4, memory), both("read(3, ", "\"abc\\n\", 10)"));
    assert_eq!(split("getpid", [0; 6], 1, Pieces::default()), both("getpid(", ")"));
    let memory = Pieces::default().with(0x1000, &[3, 0, 0, 0, 4, 0, 0, 0]);
    assert_eq!(split("pipe2", [0x1000, 0, 0, 0, 0, 0], 0, memory), both("pipe2(", "[3, 4], 0)"));
}

#[test]
fn the_separator_stands_where_strace_writes_it() {
    // Seen in strace -f of programs with many tasks: commands whose argument comes late leave the comma to exit.
    let tty = split("ioctl", [1, 0x5413, 0x9000, 0, 0, 0], -25, Pieces::default());
    assert_eq!(tty, both("ioctl(1, TIOCGWINSZ", ", 0x9000)"));
    let fork = split("clone", [0x0120_0011, 0, 0, 0x7000, 0, 0], 7, Pieces::default());
    let flags = "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD";
    assert_eq!(fork, both(flags, ", child_tidptr=0x7000)"));
    let offset = Pieces::default().with(0x1000, &5_u64.to_le_bytes());
    assert_eq!(
        split("sendfile", [1, 2, 0x1000, 9, 0, 0], 9, offset),
        both("sendfile(1, 2, [5]", " => [5], 9)")
    );
}

#[test]
fn a_call_that_never_returns_says_so() {
    let renderer = Renderer::default();
    let lost =
        |name: &str| render_all(&renderer, &Call::new(nr(name), [0; 6]), Outcome::Unknown, &mut NoMemory);
    assert_eq!(lost("exit_group"), "exit_group(0) = ?");
    assert_eq!(lost("read"), "read(0,  <unfinished ...>) = ?");
}

#[test]
fn unknown_numbers_have_six_hex_arguments() {
    let call = Call::new(5000, [1, 2, 3, 4, 5, 0]);
    let text = render_all(&Renderer::default(), &call, Outcome::Returned(-38), &mut NoMemory);
    let arguments = "syscall_0x1388(0x1, 0x2, 0x3, 0x4, 0x5, 0)";
    assert_eq!(text, format!("{arguments} = -1 ENOSYS (Function not implemented)"));
}

#[test]
fn descriptors_carry_their_paths_on_request() {
    let options = Options { fds: Choices::of(&[FdDetail::Path]), ..Options::default() };
    let mut memory = Pieces::default().with(0x1000, b"x\0");
    let args = [-100_i64 as u64, 0x1000, 0, 0, 0, 0];
    let (entry, _, result) = parts(options, Call::new(nr("openat"), args), 3, &mut memory);
    assert_eq!(entry, "openat(AT_FDCWD</cwd>, \"x\", O_RDONLY");
    assert_eq!(result, "= 3</dev/null>");
    let (entry, ..) = parts(options, Call::new(nr("close"), [9, 0, 0, 0, 0, 0]), 0, &mut memory);
    assert_eq!(entry, "close(9");
}

#[test]
fn strings_follow_their_options() {
    let write = |options| {
        let mut memory = Pieces::default().with(0x1000, b"a\x01\x0018\"");
        parts(options, Call::new(nr("write"), [1, 0x1000, 6, 0, 0, 0]), 6, &mut memory).0
    };
    assert_eq!(write(Options::default()), r#"write(1, "a\1\00018\"", 6"#);
    let hex = Options { strings: StringStyle::HexUnprintable, ..Options::default() };
    assert_eq!(write(hex), r#"write(1, "\x61\x01\x00\x31\x38\x22", 6"#);
    let short = Options { string_limit: 1, ..Options::default() };
    assert_eq!(write(short), r#"write(1, "a"..., 6"#);
}

#[test]
fn arguments_can_be_had_one_by_one() {
    let mut memory = Pieces::default().with(0x1000, b"abc");
    let call = Call::new(nr("read"), [3, 0x1000, 10, 0, 0, 0]);
    let (renderer, mut out) = (Renderer::default(), String::from("prefix "));
    let mut pending = renderer.entry(&call, &mut memory, &mut out);
    renderer.exit(&call, &mut pending, Outcome::Returned(3), &mut memory, &mut out);
    assert_eq!(pending.args(&out).collect::<Vec<_>>(), ["3", "\"abc\"", "10"]);
}

#[test]
fn signals_look_like_straces() {
    let mut out = String::new();
    signal(&SigInfo::kill(utrace_abi::Signal::SIGUSR1, 7, 1000), &mut out);
    assert_eq!(out, "SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=7, si_uid=1000}");
}

/// Memory that never ends and always reads the same.
struct Endless(u8);

impl Memory for Endless {
    fn read(&mut self, _addr: u64, buf: &mut [u8]) -> usize {
        buf.fill(self.0);
        buf.len()
    }
}

#[test]
fn lengths_that_lie_do_not_hold_the_renderer_up() {
    // poll with four billion readable entries once walked all of them for its result.
    for fill in [0, 1, 0x7f, 0xff] {
        for info in utrace_abi::table::all(Abi::X86_64) {
            let call = Call::new(
                u64::from(info.nr),
                [u64::from(fill), u64::MAX, u64::MAX, 1 << 40, 1 << 41, 1 << 42],
            );
            let text =
                render_all(&Renderer::default(), &call, Outcome::Returned(1 << 40), &mut Endless(fill));
            assert!(text.len() < 1 << 20, "{}: {} bytes", info.name, text.len());
        }
    }
}

/// Memory whose every byte is readable and follows from its address.
struct Noise(u64);

impl Memory for Noise {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let readable = buf.len().min(((self.0 ^ addr) % 5000) as usize);
        for (at, byte) in buf[..readable].iter_mut().enumerate() {
            let mixed = (addr.wrapping_add(at as u64) ^ self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte = if mixed >> 60 < 6 { 0 } else { (mixed >> 32) as u8 };
        }
        readable
    }
}

fn any_word() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0_u64..70,
        (0_u32..64).prop_map(|bit| 1 << bit),
        0_u64..0x1_0000,
        Just(u64::MAX)
    ]
}

fn any_call() -> impl Strategy<Value = Call> {
    let abi = prop_oneof![Just(Abi::X86_64), Just(Abi::I386)];
    (abi, prop_oneof![0_u64..512, any::<u64>()], prop::array::uniform6(any_word()))
        .prop_map(|(abi, nr, args)| Call { abi, nr, args })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    /// Any call renders without a panic, in bounded size, and its arguments are parts of the line.
    #[test]
    fn any_call_renders(call in any_call(), value in any_word(), seed in any::<u64>(), full in any::<bool>()) {
        let detail = if full { Detail::Full } else { Detail::Abbreviated };
        let renderer = Renderer::new(Options { detail, ..Options::default() });
        let (mut out, mut memory) = (String::new(), Noise(seed));
        let mut pending = renderer.entry(&call, &mut memory, &mut out);
        let entry = out.clone();
        let outcome = Outcome::Returned(value as i64);
        renderer.exit(&call, &mut pending, outcome, &mut memory, &mut out);
        prop_assert!(out.starts_with(&entry) && out.ends_with(')'));
        prop_assert!(pending.args(&out).all(|arg| !arg.is_empty()));
        prop_assert!(pending.args(&out).count() <= 6);
        renderer.result(&call, outcome, &mut memory, &mut out);
        prop_assert!(out.len() < 4 << 20, "{} bytes", out.len());
    }
}

/// Each word of the environment was a look of its own into the program: forty of them, more than all else of an execve.
#[test]
fn an_environment_is_counted_with_few_looks() {
    struct Counted(Pieces, u32);
    impl Memory for Counted {
        fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
            self.1 += 1;
            self.0.read(addr, buf)
        }
    }
    let mut words = vec![1_u8; 100 * 8];
    words.extend([0; 8]);
    let ended = Counted(Pieces::default().with(0x1000, &words), 0);
    let torn = Counted(Pieces::default().with(0x1000, &words[..100 * 8 - 3]), 0);
    for (mut memory, said, looks) in [(ended, "/* 100 vars */", 2), (torn, "/* 99 vars, unterminated */", 3)]
    {
        let mut out = String::new();
        let call = Call::new(nr("execve"), [0, 0, 0x1000, 0, 0, 0]);
        Renderer::new(Options::default()).entry(&call, &mut memory, &mut out);
        assert!(out.contains(said), "{out}");
        assert_eq!(memory.1, looks);
    }
}
