//! The conformance suite: the scenarios of the contract (spec section 9), generic over the host.
//!
//! Key types: [`World`], what a host offers to a scenario; [`Probe`] and [`Log`], an engine that writes down
//! every call; [`scenarios!`](crate::scenarios), the list. Each scenario is a function `sc_NNN_name` over a world, in the file of its
//! subject; its comment says given, when, then. `tests/conform_sim.rs` runs them all on the sim host.
//!
//! A scenario asserts what the contract promises and nothing of how a host does it. One that a host cannot run is
//! in a table with the reason: for the sim host it is [`NOT_ON_SIM`].

pub mod attach;
pub mod calls;
pub mod clone;
pub mod control;
pub mod death;
pub mod exec;
pub mod jctl;
mod list;
mod probe;
mod scenario;
pub mod signal;
pub mod stop;
pub mod syscall;
pub mod teardown;
mod world;

pub use probe::{Call, Drops, Log, Probe, Report, Seen, attach, attach_with, only_script_calls};
pub use scenario::{Hosts, SCENARIOS, Scenario};
pub use world::{Caller, CallerId, Differs, Parent, World, patiently};

/// Scenarios that the sim host does not run, each with the reason.
pub const NOT_ON_SIM: &[(u32, &str)] = &[(
    69,
    "needs an engine on every task of the machine with the guarantees KTF-1 to KTF-8, which the core does not \
     have (DESIGN section 8)",
)];
