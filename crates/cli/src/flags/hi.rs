//! From what was said to what is to be done: [`HiArgs`].
//!
//! Key types: [`HiArgs`]. Neighbours: [`super::low`] parsed the flags; [`super::letters`] and the engines' own
//! [`utrace_engines::registry`] read their values; [`crate::tools`] opens what comes out; `run` and
//! `attach` do the rest. Checks what can be checked without opening, starting or attaching to anything.

use std::ffi::OsString;

use utrace_engines::log::LogOptions;
use utrace_engines::registry::Spec;

use super::low::{EngineFlag, LowArgs};
use super::{AttachArgs, Command, EngineArgs, PtraceArgs, RunArgs, SupervisorArgs, letters};

/// What to do. Engines are in the order in which they are to be attached.
#[derive(Debug)]
pub enum HiArgs {
    /// Launch and trace.
    Run(RunArgs, Vec<Spec>),
    /// Trace what runs.
    Attach(AttachArgs, Vec<Spec>),
    /// Be a client of ptrace(2) beside others.
    Ptrace(PtraceArgs),
    /// List who is traced.
    Ps,
    /// Be the supervisor.
    Supervisor(SupervisorArgs),
    /// List the engines.
    Engines,
    /// Print completions.
    Completions(clap_complete::Shell),
    /// Print the man page.
    Man,
}

impl HiArgs {
    /// Resolves the command line.
    ///
    /// # Errors
    /// A message for the user: a mistake in an engine's value, shown in its flag.
    pub fn resolve(low: LowArgs) -> Result<HiArgs, String> {
        Ok(match low.command {
            Command::Run(mut run) => {
                // Whoever lets tracers in has somebody to write.
                run.engines.no_log |= run.ptrace;
                let mut engines = engines(&low.engines, &run.engines)?;
                if run.ptrace {
                    // In front, where it is the nearest to the kernel.
                    engines.insert(0, Spec::Ptrace);
                }
                HiArgs::Run(run, engines)
            }
            Command::Attach(attach) => {
                let engines = engines(&low.engines, &attach.engines)?;
                HiArgs::Attach(attach, engines)
            }
            Command::Ptrace(args) => HiArgs::Ptrace(args),
            Command::Ps => HiArgs::Ps,
            Command::Supervisor(args) => HiArgs::Supervisor(args),
            Command::Engines => HiArgs::Engines,
            Command::Completions { shell } => HiArgs::Completions(shell),
            Command::Man => HiArgs::Man,
        })
    }
}

/// strace's letters in front, then the engine flags in their order. What writes nothing at all is no tracer: then
/// there is a log on stderr, as strace has it, unless it is forbidden.
fn engines(flags: &[EngineFlag], args: &EngineArgs) -> Result<Vec<Spec>, String> {
    let mut all = args.letters.engines()?;
    for flag in flags {
        let name = flag.engine.flag();
        let prefix = format!("--{name}=");
        all.push(letters::parse(name, &flag.value, &prefix)?);
    }
    if !args.no_log && all.iter().all(|spec| matches!(spec, Spec::Inject(_))) {
        all.insert(0, Spec::Log(LogOptions::default()));
    }
    Ok(all)
}

/// `VAR=VALUE` to set, or `VAR` alone to remove.
#[must_use]
pub fn split_env(text: &OsString) -> (OsString, Option<OsString>) {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let bytes = text.as_bytes();
    match bytes.iter().position(|b| *b == b'=') {
        Some(at) => {
            (OsString::from_vec(bytes[..at].to_vec()), Some(OsString::from_vec(bytes[at + 1..].to_vec())))
        }
        None => (text.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::low;

    fn specs(line: &str) -> Result<Vec<Spec>, String> {
        let low = low::parse(line.split(' ').map(OsString::from)).unwrap();
        match HiArgs::resolve(low)? {
            HiArgs::Run(_, specs) | HiArgs::Attach(_, specs) => Ok(specs),
            other => panic!("{other:?}"),
        }
    }

    /// Engine and file of each.
    fn shape(line: &str) -> Vec<String> {
        let show = |spec: Spec| match spec {
            Spec::Log(o) => format!("log {:?}", o.place.file.unwrap_or_default()),
            Spec::Stats(o) => format!("stats {:?}", o.place.file.unwrap_or_default()),
            Spec::Inject(_) => "inject".to_owned(),
            Spec::Ptrace => "ptrace".to_owned(),
        };
        specs(line).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn without_flags_it_logs() {
        assert_eq!(shape("utrace run ls"), [r#"log """#]);
        assert_eq!(shape("utrace run -f ls"), [r#"log """#]);
        assert_eq!(shape("utrace attach -p 1 --stats"), [r#"stats """#]);
    }

    #[test]
    fn letters_are_one_engine_in_front() {
        assert_eq!(
            shape("utrace run --stats=s -o f -tt -e trace=open,close -e inject=read:error=EIO -s 9 ls"),
            [r#"log "f""#, "inject", r#"stats "s""#]
        );
        assert_eq!(shape("utrace run -c -o f -e read -T ls"), [r#"stats "f""#]);
        assert_eq!(shape("utrace run -C -o f -e read ls"), [r#"log "f""#, r#"stats "f""#]);
        assert_eq!(
            shape("utrace run -e fault=read:when=2 -c ls"),
            [r#"stats """#, "inject"],
            "ENOSYS unless said"
        );
    }

    #[test]
    fn tampering_alone_is_logged_as_in_strace() {
        assert_eq!(shape("utrace run -e inject=read:error=EIO ls"), [r#"log """#, "inject"]);
        assert_eq!(shape("utrace run --inject read:error=EIO ls"), [r#"log """#, "inject"]);
        assert_eq!(shape("utrace run --no-log --inject read:error=EIO ls"), ["inject"]);
        assert_eq!(shape("utrace run --inject read:error=EIO --stats=s ls"), ["inject", r#"stats "s""#]);
    }

    #[test]
    fn long_flags_say_what_the_expressions_say() {
        let long =
            "--trace=%file --signal=INT --status=failed --quiet=exit --abbrev=none --raw=read --fault=read";
        let short = long.replace("--", "-e ");
        let (long, short) =
            (specs(&format!("utrace run {long} ls")), specs(&format!("utrace run {short} ls")));
        assert_eq!(format!("{:?}", long.unwrap()), format!("{:?}", short.unwrap()));
    }

    #[test]
    fn ptrace_is_in_front_and_logs_only_if_told_to() {
        assert_eq!(shape("utrace run --ptrace ls"), ["ptrace"]);
        assert_eq!(shape("utrace run --stats=s --ptrace ls"), ["ptrace", r#"stats "s""#]);
    }

    #[test]
    fn letters_mean_what_the_options_mean() {
        let same = |letters: &str, flag: &str| {
            let letters = specs(&format!("utrace run {letters} ls")).unwrap();
            let flag = specs(&format!("utrace run {flag} ls")).unwrap();
            assert_eq!(format!("{letters:?}"), format!("{flag:?}"));
        };
        same("-o f -tt -T -r -y -s 9 -e trace=%file", "--log=f,tt,T,r,y,s=9,trace=%file");
        same("-o f -ff -xx -v -z -q -yy -A", "--log=f,ff,xx,v,z,q,yy,append");
        same("-n -i -a 60 -P /a -P /b -X raw -qqq", "--log=n,i,a=60,path=/a,path=/b,X=raw,qqq");
        same(
            "-e raw=read -e abbrev=stat -e decode-fds=dev -e quiet=exit",
            "--log=raw=read,abbrev=stat,decode=dev,quiet=exit",
        );
        same(
            "-c -w -S calls -U name,calls -O 5",
            "--stats=time=wall,sort=calls,columns=name,calls,overhead=5",
        );
    }

    #[test]
    fn mistakes_point_at_the_word() {
        let error = specs("utrace run --log=f,tarce=x ls").unwrap_err();
        assert!(error.ends_with("\n    --log=f,tarce=x\n            ^^^^^"), "{error}");
        let error = specs("utrace run -e kvm=vcpu ls").unwrap_err();
        assert!(error.ends_with("\n    -e kvm=vcpu\n       ^^^"), "{error}");
        let error = specs("utrace run -e trace=open,opne ls").unwrap_err();
        assert!(error.ends_with("\n    -e trace=open,opne\n                  ^^^^"), "{error}");
    }

    #[test]
    fn environment_words() {
        let split = |text: &str| split_env(&OsString::from(text));
        assert_eq!(split("A=b=c"), ("A".into(), Some("b=c".into())));
        assert_eq!(split("A"), ("A".into(), None));
        assert_eq!(split("A="), ("A".into(), Some("".into())));
    }
}
