//! utrace: the engines log, stats and inject

pub mod render;
