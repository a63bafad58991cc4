//! Where engines write: a file, a command, or stderr.
//!
//! Key types: [`Place`] (as asked for), [`Output`] (opened), [`Opener`] (for an engine that works for another process). Output to a terminal, a pipe or stderr goes out line by
//! line; output to a file is collected and goes out in large pieces, and whenever the engine says so. The first
//! failure is kept and told once; after it nothing is written, so that a full disk or a closed pipe does
//! not disturb the traced program (its tracer ignores SIGPIPE, as every Rust program does).
//!
//! Has no lock of its own: whoever shares an output holds one.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use crate::tool::{OpenError, OutputError};

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file; stderr if there is none. `|COMMAND` (or `!COMMAND`) is a shell command that reads it.
    pub file: Option<PathBuf>,
    /// Add to the file instead of replacing it.
    pub append: bool,
    /// Who opens it.
    pub by: Opener,
}

/// Opens files, and has a stderr, in place of this process: for an engine that works for another one.
pub trait Files: Send + Sync {
    /// Opens the file of `place`, or starts its command, or answers stderr.
    ///
    /// # Errors
    /// It cannot be opened.
    fn open(&self, place: &Place) -> io::Result<File>;
}

/// Who opens outputs: this process, unless said.
#[derive(Clone, Default)]
pub struct Opener(Option<Arc<dyn Files>>);

impl Opener {
    /// Has these files used.
    #[must_use]
    pub fn new(files: Arc<dyn Files>) -> Opener {
        Opener(Some(files))
    }

    /// Tells the user something on stderr.
    pub fn say(&self, text: fmt::Arguments<'_>) {
        match &self.0 {
            None => eprintln!("{text}"),
            Some(files) => {
                if let Ok(mut stderr) = files.open(&Place::default()) {
                    // As to a stderr of our own: a message that cannot be written is dropped.
                    let _ = stderr.write_all(format!("{text}\n").as_bytes());
                }
            }
        }
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "elsewhere" } else { "here" })
    }
}

/// Two places are the same if they name the same, whoever opens it.
impl PartialEq for Opener {
    fn eq(&self, _other: &Opener) -> bool {
        true
    }
}

impl Eq for Opener {}

impl Place {
    fn open_elsewhere(&self) -> io::Result<File> {
        self.by.0.as_ref().map_or_else(|| Err(io::ErrorKind::Unsupported.into()), |files| files.open(self))
    }

    /// Whether a command reads it.
    #[must_use]
    pub fn is_command(&self) -> bool {
        self.command().is_some()
    }

    fn command(&self) -> Option<&OsStr> {
        let name = self.file.as_ref()?.as_os_str().as_bytes();
        let rest = name.strip_prefix(b"|").or_else(|| name.strip_prefix(b"!"))?;
        Some(OsStr::from_bytes(rest))
    }
}

/// The first failure of all outputs of one tool.
#[derive(Debug, Clone, Default)]
pub struct Failure(Arc<OnceLock<OutputError>>);

impl Failure {
    /// It, if there was one.
    #[must_use]
    pub fn get(&self) -> Option<OutputError> {
        self.0.get().cloned()
    }

    /// Whether there was one.
    #[must_use]
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.get().is_some()
    }

    /// It, as the result of a last call.
    ///
    /// # Errors
    /// There was one.
    pub fn result(&self) -> Result<(), OutputError> {
        self.get().map_or(Ok(()), Err)
    }

    /// Keeps `error` if it is the first.
    pub fn keep(&self, error: OutputError) {
        let _ = self.0.set(error);
    }
}

/// When written text goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// Whenever somebody may be looking.
    AtOnce,
    /// When there is much of it.
    Collected,
}

/// How much is collected before it goes out.
const PIECE: usize = 64 << 10;

/// An opened output.
#[derive(Debug)]
pub struct Output {
    engine: &'static str,
    path: PathBuf,
    /// Nothing once writing failed, or all is written.
    file: Option<File>,
    /// Who reads it, if that is a command.
    reader: Option<Child>,
    policy: Policy,
    buffer: Vec<u8>,
    failure: Failure,
}

impl Output {
    /// Opens `place`.
    ///
    /// # Errors
    /// The file cannot be opened, or stderr is closed.
    pub fn open(engine: &'static str, place: &Place, failure: &Failure) -> Result<Output, OpenError> {
        let path = place.file.clone().unwrap_or_else(|| PathBuf::from("stderr"));
        let mut reader = None;
        let opened = match (&place.file, place.command()) {
            _ if place.by.0.is_some() => place.open_elsewhere(),
            (_, Some(command)) => start(command).map(|(pipe, child)| {
                reader = Some(child);
                pipe
            }),
            (Some(path), None) => open_file(path, place.append),
            // A duplicate, so that it can be owned; std's own stderr is unbuffered all the same.
            (None, None) => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        };
        let file = opened.map_err(|source| OpenError { engine, path: path.clone(), source })?;
        let policy = policy(&file, place.file.is_none());
        let buffer = Vec::with_capacity(PIECE * 2);
        Ok(Output { engine, path, file: Some(file), reader, policy, buffer, failure: failure.clone() })
    }

    /// The text that has not gone out yet, to append to. Call [`Output::settle`] afterwards.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Something was appended; lets it go out if it is time.
    #[inline]
    pub fn settle(&mut self) {
        if self.policy == Policy::AtOnce || self.buffer.len() >= PIECE {
            self.flush();
        }
    }

    /// Lets everything out.
    pub fn flush(&mut self) {
        if let Some(file) = &mut self.file
            && let Err(source) = file.write_all(&self.buffer)
        {
            self.file = None;
            self.failure.keep(OutputError {
                engine: self.engine,
                path: self.path.clone(),
                source: Arc::new(source),
            });
        }
        self.buffer.clear();
    }

    /// Lets everything out and closes the output; waits for the command that reads it, if there is one. What is
    /// written afterwards is lost.
    pub fn close(&mut self) {
        self.flush();
        self.file = None;
        if let Some(mut reader) = self.reader.take() {
            // How it ended is its own affair: the user sees what it wrote.
            let _ = reader.wait();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.close();
    }
}

/// Starts a shell command that reads what is written.
fn start(command: &OsStr) -> io::Result<(File, Child)> {
    let mut child = Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn()?;
    match child.stdin.take() {
        Some(pipe) => Ok((File::from(OwnedFd::from(pipe)), child)),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

fn open_file(path: &Path, append: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).append(append).truncate(!append).open(path)
}

/// Terminals, pipes and sockets have somebody at the other end. A file on stderr is shared with the program, whose
/// own messages must stay in order with ours.
fn policy(file: &File, stderr: bool) -> Policy {
    let shared = |about: Metadata| {
        let kind = about.file_type();
        kind.is_fifo() || kind.is_socket() || (stderr && kind.is_file())
    };
    if file.is_terminal() || file.metadata().map_or(true, shared) {
        Policy::AtOnce
    } else {
        Policy::Collected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &str) -> (Output, Failure) {
        let failure = Failure::default();
        let place = Place { file: Some(path.into()), append: false, by: Opener::default() };
        (Output::open("log", &place, &failure).unwrap(), failure)
    }

    #[test]
    fn a_full_disk_is_told_once_and_disturbs_nobody() {
        let (mut output, failure) = open("/dev/full");
        output.buffer().extend_from_slice(b"line\n");
        output.settle();
        assert!(failure.get().is_none(), "collected, not yet written");
        output.flush();
        let error = failure.get().unwrap();
        assert_eq!(error.source.kind(), io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("/dev/full"), "{error}");
        output.buffer().extend_from_slice(b"more\n");
        output.flush();
        assert!(output.buffer().is_empty(), "no text piles up after a failure");
    }

    #[test]
    fn a_file_gets_its_text_in_pieces_and_the_rest_at_the_end() {
        let path = std::env::temp_dir().join(format!("utrace-output-{}", std::process::id()));
        let (mut output, failure) = open(path.to_str().unwrap());
        output.buffer().extend_from_slice(b"one\n");
        output.settle();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        drop(output);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
        let place = Place { file: Some(path.clone()), append: true, by: Opener::default() };
        let mut output = Output::open("log", &place, &failure).unwrap();
        output.buffer().extend_from_slice(b"two\n");
        drop(output);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_command_has_read_everything_when_the_output_is_closed() {
        let path = std::env::temp_dir().join(format!("utrace-piped-{}", std::process::id()));
        let (mut output, failure) = open(&format!("|rev >{}", path.display()));
        output.buffer().extend_from_slice(b"abc\n");
        output.close();
        assert_eq!(std::fs::read(&path).unwrap(), b"cba\n");
        assert!(failure.get().is_none());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let place = Place { file: Some("/nonexistent/x".into()), append: false, by: Opener::default() };
        let error = Output::open("stats", &place, &Failure::default()).unwrap_err();
        assert!(error.to_string().starts_with("stats: cannot open /nonexistent/x: "), "{error}");
    }
}
