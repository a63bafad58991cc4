//! The `utrace` command: flags, messages and exit codes around the ptrace host and the engines.
//!
//! Start at [`main`]: it parses ([`flags::low`]), resolves ([`flags::hi`]) and hands over to `run` or `attach`.
//! No engine and no kernel call lives here, and nothing below depends on this crate: a command line, a terminal
//! and an exit code are what it adds. This is the library half of the binary so that tests, benches and fuzzing
//! reach the parsers; it is no API for others.

pub mod attach;
pub mod broker;
pub mod exit;
pub mod flags;
pub mod generate;
pub mod job;
pub mod message;
pub mod run;
pub mod signals;
pub mod tools;
pub mod user;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use broker::{caller, server};
use exit::{Code, End};
use flags::hi::HiArgs;
use flags::low;
use tools::Tools;

/// Runs the command line `args`, program name first.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line: Vec<OsString> = args.into_iter().collect();
    let end = match low::parse(line.iter().cloned()) {
        Ok(low) => HiArgs::resolve(low).and_then(|args| dispatch(args, &line)).unwrap_or_else(|mistake| {
            message::say(mistake);
            End::Own(Code::Failed)
        }),
        Err(error) => End::Own(show_usage(&error)),
    };
    end.finish()
}

fn dispatch(args: HiArgs, line: &[OsString]) -> Result<End, String> {
    Ok(match args {
        HiArgs::Run(args, specs) => {
            utrace_host::prepare();
            run::run(&args, &Tools::open(specs)?)
        }
        HiArgs::Attach(args, specs) => attach::attach(&args, specs, line)?,
        HiArgs::Ptrace(args) => caller::become_client(&args),
        HiArgs::Ps => {
            let rows = caller::list()?;
            print(|out| caller::show(&rows, out))
        }
        HiArgs::Supervisor(args) => {
            utrace_host::prepare();
            server::supervise(&args.folder)
        }
        HiArgs::Engines => print(|out| tools::list(out)),
        HiArgs::Completions(shell) => print(|out| generate::completions(shell, out)),
        HiArgs::Man => print(|out| generate::man(out)),
    })
}

/// Help and version go to stdout and are no failure; everything else is a message.
fn show_usage(error: &clap::Error) -> Code {
    let rendered = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            Code::Success
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Code::Failed
        }
        _ => {
            let text = rendered.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
            match habit(error) {
                Some(hint) => message::say(format_args!("{text}\n\n{hint}")),
                None => message::say(text),
            }
            Code::Failed
        }
    }
}

/// What helps whoever types as for strace, which has no subcommands.
fn habit(error: &clap::Error) -> Option<&'static str> {
    const RUN: &str = "To trace a program: utrace run [OPTIONS] CMD";
    const ATTACH: &str = "To trace what runs already: utrace attach -p PID";
    let said = match error.get(ContextKind::InvalidArg).or_else(|| error.get(ContextKind::InvalidSubcommand))
    {
        Some(ContextValue::String(word)) => word.as_str(),
        _ => return None,
    };
    let usage = error.get(ContextKind::Usage).map(ToString::to_string).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if said == "-p" => Some(ATTACH),
        ErrorKind::InvalidSubcommand => Some(RUN),
        ErrorKind::UnknownArgument if usage.contains("<COMMAND>") => Some(RUN),
        _ => None,
    }
}

/// Prints to stdout. A closed pipe there (`utrace man | head -1`) is no failure: the reader had enough.
fn print(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> End {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            message::say(format_args!("cannot write to standard output: {e}"));
            End::Own(Code::Failed)
        }
        _ => End::Own(Code::Success),
    }
}
