//! Named values: flags, enumerations and commands, grouped by area.
//!
//! A [`NameSet`] is a list of value/name pairs in the order in which strace prints them. It is data only: how
//! unknown bits are shown is the renderer's business, though the placeholder for them is kept here.

mod file;
mod ioctl;
mod mm;
mod net;
mod netlink;
mod poll;
mod process;
mod signal;
mod sys;
mod tty;

pub use file::*;
pub use ioctl::ioctl_name;
pub use mm::*;
pub use net::*;
pub use netlink::*;
pub use poll::*;
pub use process::*;
pub use signal::*;
pub use sys::*;
pub use tty::*;

/// A set of named values, either single choices or bits.
#[derive(Debug)]
pub struct NameSet {
    /// Name of the value zero, where it has one.
    pub zero: Option<&'static str>,
    /// What to call a value that has no name, such as `O_???`.
    pub unknown: Option<&'static str>,
    /// Values and names, in print order.
    pub entries: &'static [(u64, &'static str)],
}

impl NameSet {
    /// The name of exactly `value`.
    #[must_use]
    pub fn name(&self, value: u64) -> Option<&'static str> {
        if value == 0 && self.zero.is_some() {
            return self.zero;
        }
        self.entries.iter().find(|(v, _)| *v == value).map(|(_, name)| *name)
    }

    /// The value called `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<u64> {
        if self.zero == Some(name) {
            return Some(0);
        }
        self.entries.iter().find(|(_, n)| *n == name).map(|(value, _)| *value)
    }
}
