//! What to launch: program, arguments, environment, working directory, user.
//!
//! [`Command`] is a description in the shape of [`std::process::Command`]; `Host::launch` runs it. All
//! look-ups and conversions are done here, in the parent, so that the forked child has nothing left to do but
//! system calls ([`crate::sys::spawn`]).

use std::collections::BTreeMap;
use std::env;
use std::ffi::{CString, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::error::{HostError, Step};
use crate::sys::daemon;
use crate::sys::sigmask::SigMask;
use crate::sys::spawn::{Identity, Plan, is_executable};

/// What becomes of a launched tree when its tracer ends, in whatever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterTracer {
    /// It is killed (`PTRACE_O_EXITKILL`). Lets the host install a seccomp filter, so that system calls which no
    /// engine wants run at nearly native speed.
    #[default]
    Dies,
    /// It lives on untraced. No filter: its answer to a filtered call without a tracer would be `ENOSYS`.
    LivesOn,
}

/// A program to launch.
///
/// ```
/// use utrace_host::Command;
/// let command = Command::new("ls").args(["-l", "/"]).env("LC_ALL", "C");
/// ```
#[derive(Debug, Clone)]
pub struct Command {
    program: PathBuf,
    arg0: Option<OsString>,
    args: Vec<OsString>,
    env: BTreeMap<OsString, Option<OsString>>,
    cwd: Option<PathBuf>,
    identity: Option<Identity>,
    after: AfterTracer,
}

impl Command {
    /// A launch of `program`, found along `PATH` unless it has a slash; no arguments, our environment,
    /// directory, user and descriptors.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: PathBuf::from(program.as_ref()),
            arg0: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            cwd: None,
            identity: None,
            after: AfterTracer::default(),
        }
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// What the program finds as `argv[0]`; the name it was asked by, unless said.
    #[must_use]
    pub fn arg0(mut self, arg0: impl AsRef<OsStr>) -> Self {
        self.arg0 = Some(arg0.as_ref().to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(key.as_ref().to_owned(), Some(value.as_ref().to_owned()));
        self
    }

    /// Takes an environment variable out.
    #[must_use]
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.env.insert(key.as_ref().to_owned(), None);
        self
    }

    /// The working directory that the program starts in.
    #[must_use]
    pub fn cwd(mut self, cwd: impl AsRef<Path>) -> Self {
        self.cwd = Some(cwd.as_ref().to_owned());
        self
    }

    /// The user, group and supplementary groups that the program runs as. Needs the right to change them.
    #[must_use]
    pub fn user(mut self, uid: u32, gid: u32, groups: &[u32]) -> Self {
        self.identity = Some(Identity { uid, gid, groups: groups.to_vec() });
        self
    }

    /// What becomes of the tree when the tracer ends.
    #[must_use]
    pub fn after_tracer(mut self, after: AfterTracer) -> Self {
        self.after = after;
        self
    }

    /// Runs it in place of this process. Comes back only if that fails, with the error.
    #[must_use]
    pub fn exec(&self) -> HostError {
        match self.plan(SigMask(0)) {
            Ok(plan) => HostError::Launch(path_of(&plan), Step::Exec, daemon::replace_ourselves(&plan)),
            Err(error) => error,
        }
    }

    /// Whether it can be found and executed, as far as can be known before.
    ///
    /// # Errors
    /// As [`crate::Host::launch`] has them before the fork.
    pub fn check(&self) -> Result<(), HostError> {
        self.plan(SigMask(0)).map(drop)
    }

    /// Runs it apart from us: in a process group of its own, without a terminal, no child of this process, with `stdin` as
    /// its standard input, no other descriptor and the root directory. Whether its exec works is not told.
    ///
    /// # Errors
    /// As [`crate::Host::launch`] has them before the fork, and [`HostError::Fork`].
    pub fn spawn_apart(&self, stdin: BorrowedFd<'_>) -> Result<(), HostError> {
        daemon::spawn_apart(&self.plan(SigMask(0))?, stdin).map_err(HostError::Fork)
    }

    pub(crate) fn after(&self) -> AfterTracer {
        self.after
    }

    /// The same as a child needs it, with the program found.
    pub(crate) fn plan(&self, mask: SigMask) -> Result<Plan, HostError> {
        let path = find_program(&self.program, self.path_variable().as_deref())?;
        let arg0 = self.arg0.as_deref().unwrap_or(self.program.as_os_str());
        let argv = core::iter::once(arg0).chain(self.args.iter().map(OsString::as_os_str));
        Ok(Plan {
            path: c_string(path.as_os_str())?,
            argv: argv.map(c_string).collect::<Result<_, _>>()?,
            envp: self.environment().iter().map(|entry| c_string(entry)).collect::<Result<_, _>>()?,
            cwd: self.cwd.as_ref().map(|cwd| c_string(cwd.as_os_str())).transpose()?,
            identity: self.identity.clone(),
            mask,
        })
    }

    /// The `PATH` that the program itself will have, as execvp(3) in the child would use it.
    fn path_variable(&self) -> Option<OsString> {
        match self.env.get(OsStr::new("PATH")) {
            Some(changed) => changed.clone(),
            None => env::var_os("PATH"),
        }
    }

    fn environment(&self) -> Vec<OsString> {
        let kept = env::vars_os().filter(|(key, _)| !self.env.contains_key(key));
        let set = self.env.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        kept.chain(set)
            .map(|(mut key, value)| {
                key.push("=");
                key.push(value);
                key
            })
            .collect()
    }
}

fn path_of(plan: &Plan) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(plan.path.as_bytes()))
}

/// What execvp(3) searches without a `PATH` (`_PATH_DEFPATH` of paths.h).
const DEFAULT_PATH: &str = "/usr/bin:/bin";

/// Finds a program like a shell does: a name with a slash as it is, another along `PATH`.
fn find_program(program: &Path, path: Option<&OsStr>) -> Result<PathBuf, HostError> {
    if program.as_os_str().is_empty() {
        return Err(HostError::NoProgram(program.to_owned()));
    }
    if program.as_os_str().as_bytes().contains(&b'/') {
        return check_file(program);
    }
    let mut refused = None;
    for dir in env::split_paths(path.unwrap_or_else(|| OsStr::new(DEFAULT_PATH))) {
        // An empty entry means the current directory (environ(7)).
        let dir = if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir };
        match check_file(&dir.join(program)) {
            Err(HostError::NoProgram(_)) => {}
            Err(error) => refused = refused.or(Some(error)),
            found @ Ok(_) => return found,
        }
    }
    Err(refused.unwrap_or_else(|| HostError::NoProgram(program.to_owned())))
}

fn check_file(path: &Path) -> Result<PathBuf, HostError> {
    match path.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(HostError::NotExecutable(path.to_owned()))
        }
        Err(_) => Err(HostError::NoProgram(path.to_owned())),
        Ok(found) if !found.is_file() || !is_executable(path) => {
            Err(HostError::NotExecutable(path.to_owned()))
        }
        Ok(_) => Ok(path.to_owned()),
    }
}

fn c_string(text: &OsStr) -> Result<CString, HostError> {
    CString::new(text.as_bytes()).map_err(|_| HostError::NulByte(text.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Command, find_program};
    use crate::error::HostError;
    use crate::sys::sigmask::SigMask;
    use std::ffi::OsStr;
    use std::path::Path;

    #[test]
    fn a_name_is_searched_and_a_path_is_not() {
        let path = Some(OsStr::new("/nonexistent:/usr/bin:/bin"));
        assert!(find_program(Path::new("sh"), path).unwrap().is_absolute());
        assert_eq!(find_program(Path::new("/bin/sh"), None).unwrap(), Path::new("/bin/sh"));
        for missing in ["no-such-program-here", "/no/such/file", ""] {
            assert!(
                matches!(find_program(Path::new(missing), path), Err(HostError::NoProgram(_))),
                "{missing}"
            );
        }
        assert!(matches!(find_program(Path::new("/etc/passwd"), None), Err(HostError::NotExecutable(_))));
        assert!(matches!(find_program(Path::new("/etc"), None), Err(HostError::NotExecutable(_))));
    }

    #[test]
    fn the_environment_is_ours_with_the_changes() {
        let command = Command::new("sh").env("UTRACE_A", "1").env_remove("PATH");
        let environment = command.environment();
        assert!(environment.iter().any(|entry| entry == "UTRACE_A=1"));
        assert!(!environment.iter().any(|entry| entry.to_string_lossy().starts_with("PATH=")));
    }

    #[test]
    fn a_nul_byte_is_refused_by_name() {
        let plan = Command::new("sh").args(["a\0b"]).plan(SigMask(0));
        assert_eq!(plan.unwrap_err(), HostError::NulByte("a\0b".into()));
    }
}
