//! A server: how it is started, ended, and read the log of. Which there are: [`crate::kinds`].

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};

use crate::Res;
use crate::eintr::{Counts, Instance};

/// The ordinary user that servers run as, if we are root.
pub(crate) const NOBODY: u32 = 65534;
/// Compiling and setting up a database take a while on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One kind of server. In command lines `@` is its folder and `%` its port.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Run in the folder before the server, each to its end.
    pub(crate) setup: &'static [&'static str],
    pub(crate) command: &'static str,
    /// Run once it answers.
    pub(crate) fill: &'static [&'static str],
    /// One round of load.
    pub(crate) client: &'static str,
    /// A line of the client with one of these tells of an error.
    pub(crate) client_errors: &'static [&'static str],
    /// How many requests a line of the client tells of.
    pub(crate) requests: fn(&str) -> Option<u64>,
    /// A line of the server's log or stderr with one of these is a complaint.
    pub(crate) complaints: &'static [&'static str],
}

/// A server that runs, in a folder of its own. Killed and removed when dropped.
pub(crate) struct Server {
    kind: &'static Kind,
    child: Child,
    folder: PathBuf,
    port: u16,
    interrupted: Option<Instance>,
}

impl Server {
    /// Starts one and waits until it answers.
    pub(crate) fn start(kind: &'static Kind) -> Res<Server> {
        let port = free_port()?;
        let folder = make_folder(kind, port)?;
        for line in kind.setup {
            run(&mut command(&words(line, &folder, port), &folder)?)?;
        }
        let mut program = command(&words(kind.command, &folder, port), &folder)?;
        let log = file(&folder.join("stderr"))?;
        program.stdout(Stdio::null()).stderr(log);
        let (child, interrupted) = Instance::around(&mut program)?;
        let server = Server { kind, child, folder, port, interrupted };
        server.wait_ready()?;
        for line in kind.fill {
            server.fill_it(line)?;
        }
        Ok(server)
    }

    /// A database listens some time before it is ready.
    fn fill_it(&self, line: &str) -> Res<()> {
        let start = Instant::now();
        loop {
            match run(&mut command(&self.fill(line), &self.folder)?) {
                Err(_) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(100)),
                done => return done,
            }
        }
    }

    fn wait_ready(&self) -> Res<()> {
        let (address, start) = (SocketAddr::from(([127, 0, 0, 1], self.port)), Instant::now());
        while TcpStream::connect(address).is_err() {
            if start.elapsed() > PATIENCE {
                return Err(format!("{} does not answer: {:?}", self.kind.name, self.log()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A command line for this server.
    pub(crate) fn fill(&self, line: &str) -> Vec<String> {
        words(line, &self.folder, self.port)
    }

    /// Its first process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its processes, parents first.
    pub(crate) fn pids(&self) -> Vec<u32> {
        tree(self.pid())
    }

    /// Its calls that ended with `EINTR` so far.
    pub(crate) fn interrupted_calls(&self) -> Option<Counts> {
        self.interrupted.as_ref().map(Instance::counts)
    }

    fn log(&self) -> Vec<String> {
        let read = |name| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        // A client that has seen enough closes its connections with answers on the way, and we knock too early.
        let usual = ["Broken pipe", "Connection reset", "is starting up"];
        let is_usual = |line: &str| usual.iter().any(|word| line.contains(word));
        let complains =
            |line: &&str| !is_usual(line) && self.kind.complaints.iter().any(|word| line.contains(word));
        format!("{}{}", read("stderr"), read("log")).lines().filter(complains).map(str::to_owned).collect()
    }

    /// Ends it as its administrator would. Answers what it complained of, its own end included.
    pub(crate) fn finish(mut self) -> Res<Vec<String>> {
        let mut complaints = self.log();
        if let Ok(Some(status)) = self.child.try_wait() {
            complaints.push(format!("{} ended early: {status}", self.kind.name));
            return Ok(complaints);
        }
        // Not SIGINT: a shell that starts us in the background has that one ignored, and servers inherit it.
        kill_process(Pid::from_child(&self.child), Signal::TERM).map_err(|e| e.to_string())?;
        let start = Instant::now();
        while self.child.try_wait().map_err(|e| e.to_string())?.is_none() {
            if start.elapsed() > PATIENCE {
                complaints.push(format!("{} does not end", self.kind.name));
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(complaints)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            for pid in self.pids().into_iter().filter_map(|pid| Pid::from_raw(pid.cast_signed())) {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = self.child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A process and all below it, parents first.
pub(crate) fn tree(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while let Some(pid) = all.get(at) {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let children = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        let children: Vec<u32> = children
            .flat_map(|line| line.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
            .collect();
        all.extend(children);
        at += 1;
    }
    all
}

fn make_folder(kind: &Kind, port: u16) -> Res<PathBuf> {
    let folder = std::env::temp_dir().join(format!("utrace-{}-{}", kind.name, std::process::id()));
    let made = || -> std::io::Result<()> {
        fs::create_dir_all(&folder)?;
        for (name, text) in kind.files {
            let text = text.replace('@', &folder.display().to_string()).replace('%', &port.to_string());
            fs::File::create(folder.join(name))?.write_all(text.as_bytes())?;
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        if getuid().is_root() {
            for entry in fs::read_dir(&folder)? {
                chown(entry?.path(), Some(NOBODY), Some(NOBODY))?;
            }
            chown(&folder, Some(NOBODY), Some(NOBODY))?;
        }
        Ok(())
    };
    made().map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// One that nobody listens at now.
fn free_port() -> Res<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|e| e.to_string())?;
    listener.local_addr().map(|at| at.port()).map_err(|e| e.to_string())
}

fn words(line: &str, folder: &Path, port: u16) -> Vec<String> {
    let (folder, port) = (folder.display().to_string(), port.to_string());
    line.split(' ').map(|word| word.replace('@', &folder).replace('%', &port)).collect()
}

/// As the ordinary user, with Debian's folder of postgres programs in the path.
fn command(words: &[String], folder: &Path) -> Res<Command> {
    let path = std::env::var("PATH").unwrap_or_default();
    let postgres = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let postgres = postgres.map(|version| version.path().join("bin").display().to_string());
    let path = postgres.chain([path, "/usr/sbin".to_owned()]).collect::<Vec<_>>().join(":");
    let (program, args) = words.split_first().ok_or("no command")?;
    // Looked up in the path that it gets.
    let mut command = Command::new("env");
    command.arg(program).args(args).env("PATH", path).current_dir(folder).stdin(Stdio::null());
    command.env("HOME", folder).env("GOCACHE", folder.join("cache"));
    if getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

fn run(command: &mut Command) -> Res<()> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn file(path: &Path) -> Res<fs::File> {
    fs::File::create(path).map_err(|e| format!("{}: {e}", path.display()))
}
