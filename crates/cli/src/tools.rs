//! Engine flags become engines: outputs are opened, options are checked, and tasks get their engines in order.
//!
//! Key types: [`Tools`], all engines of a command line; [`Output`], where an engine writes. Neighbours:
//! [`crate::flags::hi`] says what is wanted, `run` and `attach` hand tasks over. What an engine does is its own
//! business.
