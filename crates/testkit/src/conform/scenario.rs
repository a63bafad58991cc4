//! The list of scenarios as data.

/// Where a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// On the sim host and on real threads. What is different there, if anything is.
    Both(&'static str),
    /// On the sim host only, and why.
    Sim(&'static str),
}

/// One entry of the list.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// The test, which is named after its number.
    pub name: &'static str,
    /// Where it runs.
    pub hosts: Hosts,
    /// The numbers of the invariants that it holds.
    pub holds: &'static [u32],
}

impl Scenario {
    /// The number of the spec's scenario.
    pub fn number(&self) -> u32 {
        self.name.get(3..6).and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }
}

macro_rules! hosts {
    (both) => {
        Hosts::Both("")
    };
    (both $why:literal) => {
        Hosts::Both($why)
    };
    (sim $why:literal) => {
        Hosts::Sim($why)
    };
}

macro_rules! table {
    ($($file:ident :: $name:ident : $hosts:ident $(($why:literal))? [$($inv:literal)*],)*) => {
        /// Every scenario that is written.
        pub const SCENARIOS: &[Scenario] = &[
            $(Scenario { name: stringify!($name), hosts: hosts!($hosts $($why)?), holds: &[$($inv),*] },)*
        ];
    };
}

crate::scenarios!(table);
