//! The conformance suite: the scenarios of the contract (spec section 9), generic over the host.
//!
//! Key types: [`World`], what a host offers to a scenario; [`Probe`] and [`Log`], an engine that writes down
//! every call; [`scenarios!`](crate::scenarios), the list. Each scenario is a function `sc_NNN_name` over a world, in the file of its
//! subject; its comment says given, when, then. `tests/conform_sim.rs` runs them all on the sim host.
//!
//! A scenario asserts what the contract promises and nothing of how a host does it. The sim host runs them all. One that
//! real threads cannot run, or show otherwise, is in the list with the reason; `docs/contract.md` is made from it.

pub mod attach;
pub mod calls;
pub mod clone;
pub mod control;
pub mod death;
pub mod exec;
mod invariants;
pub mod jctl;
mod list;
mod probe;
mod scenario;
pub mod signal;
pub mod stop;
pub mod syscall;
pub mod teardown;
mod world;

pub use invariants::{ELSEWHERE, INVARIANTS};
pub use probe::{Call, Drops, Log, Probe, Report, Seen, attach, attach_with, only_script_calls};
pub use scenario::{Hosts, SCENARIOS, Scenario};
pub use world::{Caller, CallerId, Differs, Parent, World, patiently};
