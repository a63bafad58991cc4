//! A terminal with a shell on it, as a user has: for job control and ^C.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::tcgetpgrp;

const DEADLINE: Duration = Duration::from_secs(60);

/// An interactive bash with job control on a terminal of its own.
#[derive(Debug)]
pub(crate) struct Terminal {
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    shell: Child,
}

impl Terminal {
    /// Starts the shell in `folder`, with a prompt of `$> `.
    pub(crate) fn new(folder: &Path) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave =
            OpenOptions::new().read(true).write(true).open(std::ffi::OsStr::from_bytes(name.as_bytes()));
        let slave = slave.unwrap();
        // setsid(1) gives the shell the terminal as its controlling one.
        let shell = Command::new("setsid")
            .args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "-i"])
            .env("PS1", "$> ")
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .env_remove("PROMPT_COMMAND")
            .current_dir(folder)
            .stdin(Stdio::from(slave.try_clone().unwrap()))
            .stdout(Stdio::from(slave.try_clone().unwrap()))
            .stderr(Stdio::from(slave))
            .spawn()
            .unwrap();
        let keys = File::from(master);
        let (to, screen) = mpsc::channel();
        let mut reader = keys.try_clone().unwrap();
        thread::spawn(move || {
            let mut buf = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buf) {
                if to.send(buf[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Terminal { keys, screen, seen: String::new(), shell };
        terminal.wait_for("$> ");
        terminal
    }

    /// Types a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.press(&format!("{text}\r"));
    }

    /// Presses keys; `\x03` is ^C, `\x1a` ^Z, `\x1c` ^\.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a job has the terminal and all its processes run or sleep.
    ///
    /// bash prints a job's command line before it hands over the terminal and continues the job: a key pressed in
    /// between goes to the shell, or is dropped with the stop.
    pub(crate) fn wait_for_job(&self) {
        super::wait_until("the job is in the foreground and runs", || {
            let Ok(group) = tcgetpgrp(&self.keys) else { return false };
            let states = states_of(group.as_raw_nonzero().get());
            !states.is_empty() && states.iter().all(|(name, state)| name != "bash" && "SRD".contains(*state))
        });
    }

    /// Waits for this text on the screen after what was waited for before; answers what stood before it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let from = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_owned();
                self.seen.drain(..at + text.len());
                return before;
            }
            let left = DEADLINE.saturating_sub(from.elapsed());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} on the screen: {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the shell ended; no {text:?}: {:?}", self.seen)
                }
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Closing the terminal hangs the shell up; the kill is for a shell that does not listen.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Name and state of each process of a process group.
fn states_of(group: i32) -> Vec<(String, char)> {
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|e| e.ok()?.file_name().into_string().ok());
    pids.filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok())
        .filter_map(|stat| {
            let (start, rest) = stat.rsplit_once(") ")?;
            let mut fields = rest.split(' ');
            let state = fields.next()?.chars().next()?;
            let its_group: i32 = fields.nth(1)?.parse().ok()?;
            let name = start.split_once('(')?.1.to_owned();
            (its_group == group).then_some((name, state))
        })
        .collect()
}
