//! What is made from the flag definitions: completions and the man page.
//!
//! Key functions: [`completions`], [`man`]. Neighbours: [`crate::flags`], the one place that says what flags
//! there are. Writes to what it is given.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::flags::Cli;
use crate::tools;

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
    extra(&command, "SH", out)?;
    let mut roff = Roff::new();
    roff.control("SH", ["ENGINES AND THEIR OPTIONS"]);
    let mut list = Vec::new();
    tools::list(&mut list)?;
    verbatim(&mut roff, &mut vec![String::from_utf8_lossy(&list).into_owned()]);
    roff.to_writer(out)
}

fn section(sub: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut heading = Roff::new();
    heading.control("SH", [format!("utrace {}", sub.get_name()).to_uppercase().as_str()]);
    if let Some(about) = sub.get_long_about().or_else(|| sub.get_about()) {
        heading.text([roman(about.to_string())]);
    }
    heading.to_writer(out)?;
    let page = Man::new(sub.clone());
    let mut body = Vec::new();
    page.render_synopsis_section(&mut body)?;
    page.render_options_section(&mut body)?;
    // What are sections of a page of its own are subsections here.
    out.write_all(String::from_utf8_lossy(&body).replace(".SH ", ".SS ").as_bytes())?;
    extra(sub, "SS", out)
}

/// The text below the flags: a line that begins at the margin and ends with a colon is a heading, the rest keeps its
/// columns.
fn extra(command: &clap::Command, heading: &str, out: &mut dyn Write) -> io::Result<()> {
    let Some(text) = command.get_after_long_help() else { return Ok(()) };
    let mut roff = Roff::new();
    let mut lines = Vec::new();
    for line in text.to_string().lines() {
        match line.strip_suffix(':').filter(|title| !title.starts_with(' ')) {
            Some(title) => {
                verbatim(&mut roff, &mut lines);
                roff.control(heading, [title.to_uppercase().as_str()]);
            }
            None => lines.push(line.to_owned()),
        }
    }
    verbatim(&mut roff, &mut lines);
    roff.to_writer(out)
}

fn verbatim(roff: &mut Roff, lines: &mut Vec<String>) {
    let text = std::mem::take(lines).join("\n");
    if !text.trim().is_empty() {
        roff.control("PP", []);
        roff.control("nf", []);
        roff.text([roman(text.trim_end())]);
        roff.control("fi", []);
    }
}
