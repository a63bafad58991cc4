//! utrace: the sim host, fixtures and helpers for tests

pub mod fixtures;
