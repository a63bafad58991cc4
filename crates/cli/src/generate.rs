//! What is made from the flag definitions: completions and the man page.
//!
//! Key functions: [`completions`], [`man`]. Neighbours: [`crate::flags`], the one place that says what flags
//! there are. Writes to what it is given.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::flags::Cli;

/// Writes the completion script of `shell`.
///
/// # Errors
/// Those of `out`.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> io::Result<()> {
    // clap_complete panics where writing fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "utrace", &mut script);
    out.write_all(&script)
}

/// Writes utrace(1): the command itself, then every subcommand with its flags.
///
/// # Errors
/// Those of `out`.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let page = Man::new(command.clone()).manual("User Commands").date("");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    for sub in command.get_subcommands() {
        section(sub, out)?;
    }
    page.render_extra_section(out)
}

fn section(sub: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut heading = Roff::new();
    heading.control("SH", [format!("utrace {}", sub.get_name()).to_uppercase().as_str()]);
    if let Some(about) = sub.get_long_about().or_else(|| sub.get_about()) {
        heading.text([roman(about.to_string())]);
    }
    heading.to_writer(out)?;
    let page = Man::new(sub.clone());
    page.render_synopsis_section(out)?;
    page.render_options_section(out)?;
    page.render_extra_section(out)
}
