//! Rendering against lines that strace 6.1 printed.
//!
//! Each file of `strace_cases/` holds calls with the memory before and after them and the line that strace made of
//! them. They were recorded by running a program that makes each call under a seccomp filter whose supervisor
//! changes memory and answers the call, with strace watching. `README.md` there describes the format.

#![expect(clippy::unwrap_used, reason = "a broken record is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;
use utrace_abi::Abi;
use utrace_engines::render::{Call, Detail, Memory, Options, Outcome, Renderer};

/// The one mapping of the recorded program.
const BASE: u64 = 0x2000_0000;
const SIZE: u64 = 0x20000;

#[derive(Default, Clone)]
struct Recorded(BTreeMap<u64, u8>);

impl Recorded {
    fn put(&mut self, addr: u64, hex: &str) {
        for (at, pair) in hex.as_bytes().chunks(2).enumerate() {
            let byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            self.0.insert(addr + at as u64, byte);
        }
    }
}

impl Memory for Recorded {
    fn read(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        if !(BASE..BASE + SIZE).contains(&addr) {
            return 0;
        }
        let len = buf.len().min((BASE + SIZE - addr) as usize);
        for (at, byte) in buf[..len].iter_mut().enumerate() {
            *byte = self.0.get(&(addr + at as u64)).copied().unwrap_or(0);
        }
        len
    }

    fn interface_name(&mut self, index: u32, out: &mut String) -> bool {
        if index == 1 {
            out.push_str("lo");
        }
        index == 1
    }
}

struct Case {
    call: Call,
    outcome: Outcome,
    before: Recorded,
    after: Recorded,
}

fn parse_call(text: &str) -> (Call, Outcome) {
    let words: Vec<&str> = text.split(' ').collect();
    let hex = |word: &str| u64::from_str_radix(word, 16).unwrap();
    let mut call = Call::new(words[1].parse().unwrap(), [0; 6]);
    call.abi = if words[0] == "32" { Abi::I386 } else { Abi::X86_64 };
    for (to, word) in call.args.iter_mut().zip(&words[2..8]) {
        *to = hex(word);
    }
    (call, Outcome::Returned(words[9].parse().unwrap()))
}

fn render(renderer: &Renderer, case: &mut Case) -> String {
    let mut out = String::new();
    let mut pending = renderer.entry(&case.call, &mut case.before, &mut out);
    renderer.exit(&case.call, &mut pending, case.outcome, &mut case.after, &mut out);
    out.push(' ');
    renderer.result(&case.call, case.outcome, &mut case.after, &mut out);
    out
}

fn run(path: &Path, differences: &mut Vec<String>) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let mut options = Options::default();
    let mut case = None;
    let mut base = Recorded::default();
    let mut count = 0;
    for line in text.lines() {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "options" if rest == "-v" => options.detail = Detail::Full,
            "call" => {
                let (call, outcome) = parse_call(rest);
                case = Some(Case { call, outcome, before: base.clone(), after: base.clone() });
            }
            "base" => {
                let (addr, hex) = rest.split_once(' ').unwrap();
                base.put(u64::from_str_radix(addr, 16).unwrap(), hex);
            }
            "pre" | "post" => {
                let case: &mut Case = case.as_mut().unwrap();
                let (addr, hex) = rest.split_once(' ').unwrap();
                let addr = u64::from_str_radix(addr, 16).unwrap();
                if key == "pre" {
                    case.before.put(addr, hex);
                }
                case.after.put(addr, hex);
            }
            "differs" => {
                count += 1;
                let got = render(&Renderer::new(options), case.as_mut().unwrap());
                assert_ne!(got, rest, "no longer different: make it a `line`");
            }
            "line" => {
                count += 1;
                let got = render(&Renderer::new(options), case.as_mut().unwrap());
                if got != rest {
                    differences.push(format!("strace: {rest}\nutrace: {got}"));
                }
            }
            _ => {}
        }
    }
    count
}

#[test]
fn lines_are_straces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strace_cases");
    let mut differences = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            count += run(&path, &mut differences);
        }
    }
    assert!(count > 300, "only {count} cases found");
    assert!(
        differences.is_empty(),
        "{} of {count} lines differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
