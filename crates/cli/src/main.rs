//! The `utrace` command.

fn main() {}
