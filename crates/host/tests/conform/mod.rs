//! What the conformance suite needs to run on real threads.

mod code;
mod image;
pub(crate) mod world;
