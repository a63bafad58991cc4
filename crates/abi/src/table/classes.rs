//! strace's syscall classes, a set of which belongs to each table row.
//!
//! Names and membership are those of strace 6.1 (`strace(1)`, section Filtering), measured per class.

/// A set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Classes(u32);

macro_rules! classes {
    ($($bit:literal $konst:ident [$($name:literal)+] $doc:literal;)*) => {
        impl Classes {
            $(#[doc = $doc] pub const $konst: Self = Self(1 << $bit);)*

            /// The class called `name`, with or without its leading `%` where strace takes both.
            ///
            /// `all` is not a class: it is every syscall.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($($name)|+ => Some(Self::$konst),)*
                    _ => None,
                }
            }

            /// Every name that [`Classes::parse`] takes, for messages and completions.
            pub const NAMES: &'static [&'static str] = &[$($($name),+),*];
        }
    };
}

classes! {
    0 FILE ["%file" "file"] "Takes a file name.";
    1 PROCESS ["%process" "process"] "Creates, replaces or ends processes, or waits for them.";
    2 NETWORK ["%network" "%net" "network"] "Sockets.";
    3 SIGNAL ["%signal" "signal"] "Signals.";
    4 IPC ["%ipc" "ipc"] "System V message queues, semaphores, shared memory.";
    5 DESC ["%desc" "desc"] "Takes or makes a file descriptor.";
    6 MEMORY ["%memory" "memory"] "Memory mappings.";
    7 CREDS ["%creds"] "User and group ids, capabilities.";
    8 STAT ["%stat"] "`stat` and its variants.";
    9 LSTAT ["%lstat"] "`lstat` and its variants.";
    10 FSTAT ["%fstat"] "`fstat`, `fstatat`, `statx`.";
    11 STAT_LIKE ["%%stat"] "Any request for file status.";
    12 STATFS ["%statfs"] "`statfs` and its variants.";
    13 FSTATFS ["%fstatfs"] "`fstatfs` and its variants.";
    14 STATFS_LIKE ["%%statfs"] "Any request for file system status.";
    15 CLOCK ["%clock"] "Reads or sets the system clocks.";
    16 PURE ["%pure"] "Cannot fail and takes no arguments.";
}

impl Classes {
    /// No class.
    #[must_use]
    pub const fn empty() -> Self {
        Self(0)
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two sets share a class.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
