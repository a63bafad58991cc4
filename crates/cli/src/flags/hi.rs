//! From what was said to what is to be done.
