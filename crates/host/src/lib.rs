//! utrace: the ptrace host, which runs reports for the threads of any process

mod command;
mod error;
mod notice;
mod procfs;
mod stop;
mod sys;
mod types;

pub use command::{AfterTracer, Command};
pub use error::{HostError, Refusal, Step};
pub use notice::Notice;
pub use sys::Errno;
pub use types::Tid;
