//! The command line: every flag is defined here once.
//!
//! Key types: [`Cli`] and what hangs below it. Help, man page and completions are made from these definitions
//! (`crate::generate`), so they cannot differ. Neighbours: [`letters`] has the flags that strace has too, [`low`]
//! parses arguments into what was said, [`hi`] resolves that into what is to be done. Nothing here opens a
//! file, looks at a process or starts one.

pub mod hi;
pub mod letters;
pub mod low;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

pub use letters::Letters;

/// `utrace`.
#[derive(Debug, Parser)]
#[command(
    name = "utrace",
    version,
    about = "Several tracers on one program at once",
    long_about = "Several tracers on one program at once.\n\n\
        utrace follows every process and thread of a program (strace's -f is always on) and shows what happens to \
        any number of engines: a syscall log, counters, fault injection. Every engine flag is one engine of its \
        own, with its own interests; the same flag may be given again.",
    after_long_help = AFTER_HELP,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a program and trace it and all that it starts
    #[command(
        long_about = "Start a program and trace it, with every process and thread that comes of it.\n\n\
            Without --log, --stats or a letter that makes one of them, there is a syscall log on stderr, \
            also with --inject; --no-log leaves it out.\n\
            utrace exits as the program exits: with its status, or killed by the same signal.",
        after_long_help = RUN_HELP
    )]
    Run(RunArgs),
    /// Trace processes that already run
    #[command(
        long_about = "Trace processes that already run: all their threads, and what they start from now on.\n\n\
            Without --log, --stats or a letter that makes one of them, there is a syscall log on stderr, \
            also with --inject; --no-log leaves it out.\n\
            The first ^C detaches and leaves the processes running as they were; a second one exits at once.",
        after_long_help = ATTACH_HELP
    )]
    Attach(AttachArgs),
    /// Run strace, gdb or a whole shell so that they share what they trace with everybody
    #[command(
        long_about = "Run a program that uses ptrace, strace or gdb say, so that it shares what it traces: with others \
            that were started so, in any terminal, and with utrace attach.\n\n\
            The program, and all that it starts, is unmodified; its ptrace and wait calls are answered by the \
            supervisor of this user, a process that is started when it is needed and ends with the last who needs it. \
            If that is killed, these programs and what they traced live on, without one another.",
        after_long_help = PTRACE_HELP
    )]
    Ptrace(PtraceArgs),
    /// List who is traced, by whom, since when, and what each waits for
    #[command(
        long_about = "List what the supervisor of this user traces: by which utrace attach and by which clients of \
        ptrace, for how long, and what each waits for. Then what utrace run traces, and utrace attach where it does so \
        by itself: that is not shared."
    )]
    Ps,
    /// The supervisor itself, which the others start
    #[command(hide = true)]
    Supervisor(SupervisorArgs),
    /// List the engines and their options
    Engines,
    /// Print the completion script of a shell
    #[command(after_long_help = "Example: utrace completions bash > /etc/bash_completion.d/utrace")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page, in roff
    #[command(after_long_help = "Example: utrace man > utrace.1 && man ./utrace.1")]
    Man,
}

/// `utrace run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The engines.
    #[command(flatten)]
    pub engines: EngineArgs,

    /// Let the program live on, untraced, if utrace itself goes
    #[arg(
        long,
        long_help = "Let the program live on, untraced, if utrace itself is killed. Without this the whole tree is \
            killed with utrace, and syscalls that no engine wants run at full speed behind a seccomp filter; with \
            it there is no filter, because what it traps would fail with ENOSYS once nobody answers."
    )]
    pub keep: bool,

    /// Let anything in the tree use ptrace on anything in it: strace, gdb
    #[arg(
        long,
        long_help = "Let anything in the tree use ptrace on anything in it, as if utrace were not there: strace, gdb \
            and their like, several of them on one thread too. Their ptrace and wait calls are answered by an \
            engine; the other engine flags see the tracers and what they trace. With this, nothing is logged unless \
            an engine flag says so."
    )]
    pub ptrace: bool,

    /// With --ptrace: let programs have listening ends of seccomp filters of their own
    #[arg(
        long,
        requires = "ptrace",
        long_help = "With --ptrace: let programs have listening ends of seccomp filters of their own \
            (seccomp_unotify(2)). A thread can have one, and --ptrace takes it to answer calls without a stop; with \
            this they are stops, which is slower. With --keep as well there is no filter at all, and programs may have \
            strict seccomp too."
    )]
    pub own_listeners: bool,

    /// Set VAR in the program's environment, or remove it without =VALUE
    #[arg(short = 'E', long = "env", value_name = "VAR[=VALUE]")]
    pub env: Vec<OsString>,

    /// Run the program as USER, with USER's groups; root only
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub user: Option<String>,

    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// `utrace ptrace`.
#[derive(Debug, Args)]
pub struct PtraceArgs {
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true)]
    pub command: Vec<OsString>,
}

/// `utrace supervisor`.
#[derive(Debug, Args)]
pub struct SupervisorArgs {
    /// The folder of its socket
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// `utrace attach`.
#[derive(Debug, Args)]
pub struct AttachArgs {
    /// The engines.
    #[command(flatten)]
    pub engines: EngineArgs,

    /// Process to trace, with all its threads; may be given again, or as a list
    #[arg(short = 'p', long = "pid", visible_alias = "attach", value_name = "PID", required = true,
        value_parser = low::pids)]
    pub pids: Vec<low::Pids>,

    /// Rather refuse, or wait, than let the process notice
    #[arg(
        long,
        long_help = "Rather refuse, or wait, than let the process notice. Without it, where no breakpoint can be set on \
            a sleeping thread (perf_event_open is not allowed), the thread is interrupted if its call starts again by \
            itself. With -v, it is said what is done to which thread, and why."
    )]
    pub strict: bool,
}

/// The flags that make engines, common to `run` and `attach`.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineArgs {
    /// Log syscalls, signals and exits in strace's format, to FILE or to stderr
    #[arg(long, value_name = "FILE[,KEY=VALUE…]", num_args = 0..=1, require_equals = true,
        default_missing_value = "", action = ArgAction::Append, help_heading = ENGINES)]
    pub log: Vec<String>,

    /// Count syscalls, errors and time, as strace -c; the table comes at the end
    #[arg(long, value_name = "FILE[,KEY=VALUE…]", num_args = 0..=1, require_equals = true,
        default_missing_value = "", action = ArgAction::Append, help_heading = ENGINES)]
    pub stats: Vec<String>,

    /// Tamper with syscalls.
    #[arg(long,
        help = "Tamper with syscalls, as strace's --inject: \
            SET[:error=…|:retval=…][:signal=…][:delay_enter=…][:delay_exit=…][:when=…]",
        value_name = "SET:…", action = ArgAction::Append, help_heading = ENGINES)]
    pub inject: Vec<String>,

    /// No log on stderr where none was asked for: with --inject alone
    #[arg(long, conflicts_with = "log", help_heading = ENGINES)]
    pub no_log: bool,

    /// The log engine that strace's letters describe.
    #[command(flatten)]
    pub letters: Letters,
}

const ENGINES: &str = "Engines (each flag is one engine; all can be given again)";
const AFTER_HELP: &str = "\
Examples:
  utrace run -- ls -l                                  what ls does, as strace -f shows it
  utrace run --log=FILE --stats -- make -j2            a log and a count in one go
  utrace run --log=a.txt,trace=%file --log=b.txt,trace=%network -- CMD
                                                       two logs with interests of their own
  utrace run --log --inject openat:error=ENOENT:when=3 -- CMD
                                                       the third openat fails
  utrace attach -p 1234 --stats                        count until ^C
  utrace ptrace -- gdb -p 1234                         gdb beside all of them
  utrace ps                                            who traces what
  utrace engines                                       what engines there are

Engine values:
  --log, --stats take [=FILE][,KEY=VALUE…]; without FILE they write to stderr. A FILE whose name
  contains = needs a path (./a=b); '|CMD' is a command that reads it. KEYs: see `utrace engines`.

JSON:
  --log=FILE,format=json writes one object a line, when its syscall has ended. Fields by type:
  all      type, time (seconds since 1970), pid (the thread's id)
  syscall  syscall (name), nr, args (as text), raw (registers), ret (null if it never returned),
           errno (name, only if it failed), fds (with y: what descriptors stand for), duration
           (seconds), injected, delayed (only if true)
  signal   signal (name), code, sender (pid, where there is one), text (as in strace's line)
  stopped  signal
  exec     former: the thread that ran the new program and is pid now
  exit     status; or signal, and core (whether one was dumped)

Environment:
  NO_COLOR         no colour in help and messages (there is none anyway unless on a terminal)
  XDG_RUNTIME_DIR  where the supervisor's socket is; without it, /run/user/UID or /tmp/utrace-UID

Exit status:
  as the program's (run), 0 (attach, when detached or when all targets are gone), or
  1    attach: the second ^C ended it by force
  3    attach: no such process
  4    attach: not permitted
  5    attach: a kernel thread
  6    attach: a zombie
  7    attach: traced by another program already
  125  utrace itself failed: bad command line, or an engine's output could not be written and the
       program itself ended with 0
  126  run: CMD cannot be executed
  127  run: CMD was not found";

const RUN_HELP: &str = "\
Examples:
  utrace run ls -l
  utrace run -o FILE -e trace=%file -- sh -c 'cat /etc/passwd'
  utrace run --log=FILE,trace=openat,read --stats=/dev/null -- CMD

Signals: ^C, ^\\ and ^Z go from the terminal to the program, as without utrace; utrace stops when the
program stops. SIGTERM, SIGHUP and other signals that are sent to utrace are passed on to it.

Exit status: CMD's, or killed by the signal that killed CMD; 127 not found, 126 cannot be executed,
125 utrace itself failed. See `utrace --help`.";

const PTRACE_HELP: &str = "\
Examples:
  utrace ptrace -- strace -f -p 1234                   in one terminal
  utrace ptrace -- gdb -p 1234                         in another, on the same process
  utrace ptrace -- bash                                everything in this shell
  alias gdb='utrace ptrace -- gdb'

Exit status: CMD's, for it takes the place of utrace; 127 not found, 126 cannot be executed,
125 utrace itself failed. See `utrace --help`.";

const ATTACH_HELP: &str = "\
Examples:
  utrace attach -p 1234
  utrace attach -p 1234 -p 1240 --log=FILE --stats

If some PIDs cannot be traced, utrace says why and traces the others.

Exit status: 0 detached, or all targets are gone; 1 second ^C; if nothing could be traced, of the
first PID: 3 no such process, 4 not permitted, 5 kernel thread, 6 zombie, 7 traced already;
125 utrace itself failed. See `utrace --help`.";
