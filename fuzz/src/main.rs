//! A randomised run over everything that parses or decodes, on stable Rust.
//!
//! usage: utrace-fuzz [--seconds N] [--seed N] [TARGET…]
//!
//! Each target is a function over bytes ([`targets::ALL`]) that must not panic and may check properties by
//! panicking itself. Inputs are pieces of the target's own vocabulary, cut, repeated, mixed with noise. A failure
//! prints target, seed, round and input, and the same `--seed` finds it again. Under cargo-fuzz the same functions
//! serve as they are.

mod random;
mod targets;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use random::Random;
use targets::{ALL, Target};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("utrace-fuzz: {why}");
            return ExitCode::from(2);
        }
    };
    println!(
        "seed {}, {} s for each of {} targets",
        options.seed,
        options.each.as_secs_f32(),
        options.targets.len()
    );
    let mut failed = 0;
    for target in &options.targets {
        failed += u32::from(!run(target, &options));
    }
    println!("{} passed, {failed} failed", options.targets.len() - failed as usize);
    ExitCode::from(u8::from(failed > 0))
}

struct Options {
    each: Duration,
    seed: u64,
    targets: Vec<&'static Target>,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut seconds = 20.0;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let mut seed = now.map_or(1, |t| t.as_secs());
        let mut names = Vec::new();
        while let Some(arg) = args.next() {
            let mut number =
                || args.next().and_then(|n| n.parse::<f64>().ok()).ok_or(format!("{arg} needs a number"));
            match arg.as_str() {
                "--seconds" => seconds = number()?,
                "--seed" => seed = number()? as u64,
                name => names.push(name.to_owned()),
            }
        }
        let targets: Vec<_> =
            ALL.iter().filter(|t| names.is_empty() || names.iter().any(|n| n == t.name)).collect();
        if targets.is_empty() {
            let all: Vec<_> = ALL.iter().map(|t| t.name).collect();
            return Err(format!("no such target; there are {}", all.join(", ")));
        }
        Ok(Options { each: Duration::from_secs_f64(seconds / targets.len() as f64), seed, targets })
    }
}

/// Whether the target held for its time.
fn run(target: &Target, options: &Options) -> bool {
    let mut random = Random::new(options.seed);
    let from = Instant::now();
    let mut rounds = 0_u64;
    let loud = panic::take_hook();
    let mut held = true;
    while from.elapsed() < options.each {
        let input = random.input(target.words);
        // The default hook prints the panic, which then belongs to the input printed below it.
        if panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            println!("{}: FAILED with seed {} in round {rounds}", target.name, options.seed);
            println!("    input: {}", input.escape_ascii());
            held = false;
            break;
        }
        rounds += 1;
    }
    panic::set_hook(loud);
    if held {
        println!("{}: {rounds} inputs", target.name);
    }
    held
}
