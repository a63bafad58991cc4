//! utrace: the engines log, stats and inject
