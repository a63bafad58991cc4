//! The supervisor: one process for each user that owns the tracees, so that tools of several terminals share them.
//!
//! | module | holds |
//! |---|---|
//! | [`wire`] | the protocol: requests and replies, and their limits (pure but for send and receive) |
//! | [`place`] | where its socket is; finding it, starting it |
//! | [`caller`] | the side of a command line |
//! | [`server`] | the supervisor itself: connections, and when it ends |
//! | `session` | the engines of one `utrace attach` |
//! | `clients` | the clients of ptrace(2), and what they want of processes outside their trees |
//! | `roll` | an engine that counts tasks |
//! | [`access`] | who may trace whom (pure, and a reader of `/proc`) |
//! | [`listing`] | `utrace ps` |
//! | `alone` | what other utrace processes trace, for the same |
//!
//! The supervisor has one host, and with it one tracer thread, as long as anybody traces anything. A command line that
//! goes away, in whatever way, takes its engines with it and nothing else. When the last has gone the host leaves
//! all processes, and then the supervisor ends. Its death by SIGKILL leaves attached programs running, as that of
//! any tracer, and trees of ptrace clients too, whose calls its guardian leaves to the kernel.

pub mod access;
mod alone;
pub mod caller;
mod clients;
pub mod listing;
pub mod place;
mod roll;
pub mod server;
mod session;
pub mod wire;
