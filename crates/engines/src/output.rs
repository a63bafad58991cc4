//! Where engines write.

use std::path::PathBuf;

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file; stderr if there is none.
    pub file: Option<PathBuf>,
    /// Add to the file instead of replacing it.
    pub append: bool,
}
