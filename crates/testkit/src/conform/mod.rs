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

pub use probe::{Call, Drops, Log, Probe, Report, Seen, attach, attach_with};
pub use scenario::{Hosts, SCENARIOS, Scenario};
pub use world::{Caller, CallerId, Differs, Parent, World, patiently};

/// These events, of syscalls only [`crate::script::Step::Call`] and [`crate::script::Step::Sleep`]: on a real thread
/// a script makes others, too, its exit first of all.
pub fn of_calls<W: World>(_world: &W, events: impl Into<utrace_core::EventSet>) -> utrace_core::Interest {
    let mut calls = utrace_core::SyscallSet::NONE;
    calls.insert(W::CALL);
    calls.insert(W::SLEEP);
    utrace_core::Interest::in_events(events).with_syscalls(calls)
}

/// Scenarios that the sim host does not run, each with the reason.
pub const NOT_ON_SIM: &[(u32, &str)] = &[(
    69,
    "needs an engine on every task of the machine with the guarantees KTF-1 to KTF-8, which the core does not \
     have (DESIGN section 8)",
)];
