//! Random engines on random trees of processes, and a checker that holds what happens against the contract.
//!
//! | module | what |
//! |---|---|
//! | [`plan`] | what a round will do, as a function of its seed |
//! | [`crew`] | the random engines and all that is known of them |
//! | [`controller`] | what other threads do to them |
//! | [`note`], [`check`] | what is written down, and what is wrong about it: pure |
//! | [`audit`] | an engine that only counts, and its counts against those of the tree |
//! | [`board`] | how the tree of `fixtures/stress.c` counts itself |
//! | [`journal`] | the latest notes, and how many there were of each kind |
//! | [`random`] | numbers from a seed |
//!
//! Nothing here knows a host: who runs a tree implements [`controller::Arena`]. `crates/host/examples/stress` does it
//! for real processes, `tests/stress_sim.rs` for the sim host. How to run it is told in `docs/stress.md`.

pub mod audit;
pub mod board;
pub mod check;
pub mod controller;
pub mod crew;
pub mod journal;
pub mod note;
pub mod plan;
pub mod random;
