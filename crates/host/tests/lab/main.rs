//! What the contract promises about signals, stops and examination, on real threads.
//!
//! `bench` runs the `signal_lab` fixture under a host; the other files hold one part of the contract each.
#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here has failed the test")]

mod asked;
mod bench;
mod examine;
mod group;
mod signals;
mod stops;
