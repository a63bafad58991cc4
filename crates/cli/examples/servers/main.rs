//! Real servers under load, traced again and again: does anybody notice?
//!
//! `servers [NAME|all|more] [VISITS] [STOPS] [ours]`: each server is started as user `nobody` and loaded by its own client without a
//! pause, while one tracer after another visits it: attach to every process and thread of it, log, stop, resume, detach.
//! VISITS short visits, and STOPS in which it is stopped for a second; the others come less often, and with `ours` not at
//! all. One row a tracer:
//! what the clients and the server's own log complained about, and how many calls of the server ended with `EINTR`
//! (counted by the kernel's tracepoint, whatever language the server is written in; root only).
//!
//! | file | holds |
//! |---|---|
//! | `kinds` | how each server is started and loaded, and what its log should not say |
//! | `server` | one that runs |
//! | `load` | its client, round after round |
//! | `visit` | one visit of each tracer |
//! | `eintr` | the count of `EINTR` |

mod eintr;
mod kinds;
mod load;
mod server;
mod visit;

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use kinds::{KINDS, MORE};
use load::Load;
use server::{Kind, Server};
use visit::{Tracer, Visits};

/// What goes wrong here is told in words.
type Res<T> = Result<T, String>;

/// Short visits and stops of a rival: enough to see what it does.
const RIVAL_VISITS: u32 = 50;
const RIVAL_STOPS: u32 = 5;
/// How long a server is watched undisturbed, for comparison.
const UNDISTURBED: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--visit", rest @ ..] => visit::role(rest),
        rest => compare_all(rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("servers: {why}");
            ExitCode::FAILURE
        }
    }
}

fn compare_all(args: &[&str]) -> Res<()> {
    let name = args.first().copied().unwrap_or("all");
    let number = |at: usize, or: u32| {
        args.get(at).map_or(Ok(or), |arg| arg.parse().map_err(|e| format!("{arg}: {e}")))
    };
    let visits = Visits { short: number(1, 100)?, stops: number(2, 5)? };
    let kinds: Vec<_> = match name {
        "all" => KINDS.iter().collect(),
        "more" => MORE.iter().collect(),
        name => KINDS.iter().chain(MORE).filter(|kind| name == kind.name).collect(),
    };
    if kinds.is_empty() {
        let names: Vec<_> = KINDS.iter().chain(MORE).map(|kind| kind.name).collect();
        return Err(format!("no server {name}; there are {names:?}"));
    }
    println!(
        "| server | tracer | visits | of them 1 s stops | requests | client errors | EINTR | log complaints |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let rivals = args.get(3) != Some(&"ours");
    for kind in kinds {
        let comes = |tracer: &Tracer| tracer.is_possible() && (rivals || !tracer.is_rival());
        for tracer in Tracer::ALL.into_iter().filter(comes) {
            if let Err(why) = compare(kind, tracer, visits) {
                println!("| {} | {tracer} | failed: {why} |", kind.name);
            }
        }
    }
    Ok(())
}

/// One row.
fn compare(kind: &'static Kind, tracer: Tracer, visits: Visits) -> Res<()> {
    let server = Server::start(kind)?;
    let load = Load::start(kind, &server);
    // The first round warms up: what a server does once is not ours.
    load.wait_rounds(1)?;
    let (before, start) = (server.interrupted_calls(), Instant::now());
    let visits = match tracer {
        Tracer::Nobody => Visits { short: 0, stops: 0 },
        Tracer::Library(_) => visits,
        Tracer::Command(_) => Visits { short: visits.short.div_ceil(5), stops: 0 },
        Tracer::Strace => Visits { short: visits.short.min(RIVAL_VISITS), stops: 0 },
        Tracer::Gdb => Visits { short: visits.short.min(RIVAL_VISITS), stops: visits.stops.min(RIVAL_STOPS) },
    };
    match tracer {
        Tracer::Nobody => thread::sleep(UNDISTURBED),
        _ => tracer.visit(&server, visits)?,
    }
    // What was waiting at the last stop shows in the next answers.
    load.wait_rounds(1)?;
    let (interrupted, took) = (server.interrupted_calls(), start.elapsed());
    let result = load.finish();
    let complaints = server.finish()?;
    let eintr = match (before, interrupted) {
        (Some(before), Some(after)) => eintr::describe(&before, &after, took),
        _ => "-".to_owned(),
    };
    println!(
        "| {} | {tracer} | {} | {} | {} | {} | {eintr} | {} |",
        kind.name,
        visits.short + visits.stops,
        visits.stops,
        result.requests,
        result.errors.len(),
        complaints.len()
    );
    result.errors.iter().chain(&complaints).take(5).for_each(|line| eprintln!("    {line}"));
    Ok(())
}
