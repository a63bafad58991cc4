//! The `utrace` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    utrace_cli::main(std::env::args_os())
}
