//! utrace: the sim host, the conformance suite, fixtures and helpers for tests.
//!
//! | module | what |
//! |---|---|
//! | [`conform`] | the scenarios SC-1 to SC-84 of the contract, generic over the host |
//! | [`sim`] | a model of a small kernel whose tasks report to the core: the host of most tests |
//! | [`script`] | what a task of a test does, as data |
//! | [`bare`] | a task whose reports the test makes itself |
//! | [`gate`] | rendezvous, so that interleavings are forced |
//! | [`stress`] | random engines on random trees, and a checker of all that happens |
//! | [`census`] | every blocking call, undisturbed and disturbed |
//! | [`fixtures`] | real programs of one behaviour each |
//!
//! Used by tests only. Nothing here is fast, and everything here may panic: that is how a test fails.

pub mod bare;
pub mod census;
pub mod conform;
pub mod fixtures;
pub mod gate;
pub mod script;
pub mod sim;
pub mod stress;
