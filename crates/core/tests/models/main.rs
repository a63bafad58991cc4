//! The fence pairs of `record.rs` and the races of spec section 5, in every interleaving that loom explores.
//!
//! One file for each subject; each test is named after the pair, the invariant or the race. `world` is what they
//! share. `ci/mutate.sh` weakens one ordering at a time (`--cfg weaken_…`) and demands that a test here fails.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a model that cannot go on has failed")]

mod controllers;
mod death;
mod examine;
mod global;
mod old;
mod pairs;
mod probe;
mod release;
mod report;
mod stop;
mod world;
