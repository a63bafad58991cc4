//! Sets of a few named things: `status=failed,unfinished`, `quiet=exit`, `decode=socket,dev`.
//!
//! Key types: [`Choice`], what can be chosen; [`Choices`], a set of them. Neighbours: [`crate::sets`] has the same
//! grammar for syscalls and signals, of which there are many. Knows no option.

use std::fmt;
use std::marker::PhantomData;

use crate::spec::SpecError;
use crate::suggest;

/// Something that can be chosen by name. At most 32 values.
pub trait Choice: Copy + 'static {
    /// The values and their names; the place in this list is the value's bit.
    const NAMES: &'static [(&'static str, Self)];

    /// What a message calls them.
    const WHAT: &'static str;

    /// Its place in [`Choice::NAMES`].
    fn place(self) -> u32;
}

/// A set of named things.
pub struct Choices<C> {
    bits: u32,
    of: PhantomData<C>,
}

impl<C: Choice> Choices<C> {
    /// Nothing.
    pub const NONE: Choices<C> = Choices { bits: 0, of: PhantomData };

    /// Everything.
    #[must_use]
    pub fn all() -> Choices<C> {
        Choices { bits: (1 << C::NAMES.len()) - 1, of: PhantomData }
    }

    /// These.
    #[must_use]
    pub fn of(members: &[C]) -> Choices<C> {
        let bits = members.iter().fold(0, |bits, member| bits | 1 << member.place());
        Choices { bits, of: PhantomData }
    }

    /// Whether `member` is in it.
    #[must_use]
    #[inline]
    pub fn has(self, member: C) -> bool {
        self.bits & 1 << member.place() != 0
    }

    /// The same and `member`.
    #[must_use]
    pub fn with(self, member: C) -> Choices<C> {
        Choices { bits: self.bits | 1 << member.place(), of: PhantomData }
    }

    /// Whether nothing is in it.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_all(self) -> bool {
        self == Choices::all()
    }

    /// Reads `NAME,NAME`, `all` or `none`; `!` in front turns the whole round.
    ///
    /// # Errors
    /// A word that is none of the names, with its place.
    pub fn parse(text: &str) -> Result<Choices<C>, SpecError> {
        let words = text.strip_prefix('!').unwrap_or(text);
        let mut at = text.len() - words.len();
        let mut set = Choices::NONE;
        for word in words.split(',') {
            set.bits |= match word {
                "all" => Choices::<C>::all().bits,
                "none" => 0,
                _ => C::NAMES
                    .iter()
                    .find(|(name, _)| *name == word)
                    .map(|(_, member)| 1 << member.place())
                    .ok_or_else(|| unknown::<C>(word, at))?,
            };
            at += word.len() + 1;
        }
        if words.len() < text.len() {
            set.bits = !set.bits & Choices::<C>::all().bits;
        }
        Ok(set)
    }
}

fn unknown<C: Choice>(word: &str, at: usize) -> SpecError {
    let names: Vec<&str> = C::NAMES.iter().map(|(name, _)| *name).collect();
    let message = format!("`{word}` is no {}: they are {}", C::WHAT, names.join(", "));
    SpecError::new(message, at..at + word.len()).or_hint(suggest::hint(word, names))
}

// Written out, because a derive would ask the same of `C`.
impl<C> Clone for Choices<C> {
    fn clone(&self) -> Choices<C> {
        *self
    }
}

impl<C> Copy for Choices<C> {}

impl<C> PartialEq for Choices<C> {
    fn eq(&self, other: &Choices<C>) -> bool {
        self.bits == other.bits
    }
}

impl<C> Eq for Choices<C> {}

impl<C: Choice> fmt::Debug for Choices<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = C::NAMES.iter().filter(|(_, member)| self.has(*member)).map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Fruit {
        Apple,
        Pear,
        Plum,
    }

    impl Choice for Fruit {
        const NAMES: &'static [(&'static str, Fruit)] =
            &[("apple", Fruit::Apple), ("pear", Fruit::Pear), ("plum", Fruit::Plum)];
        const WHAT: &'static str = "fruit";
        fn place(self) -> u32 {
            self as u32
        }
    }

    fn read(text: &str) -> String {
        Choices::<Fruit>::parse(text).map_or_else(|bad| bad.to_string(), |set| format!("{set:?}"))
    }

    #[test]
    fn words_all_none_and_the_rest() {
        assert_eq!(read("pear,apple"), r#"{"apple", "pear"}"#);
        assert_eq!(read("!pear"), r#"{"apple", "plum"}"#);
        assert_eq!(read("none"), "{}");
        assert_eq!(read("!all"), "{}");
        assert!(Choices::<Fruit>::parse("!none").unwrap().is_all());
    }

    #[test]
    fn mistakes_point_at_the_word() {
        let bad = Choices::<Fruit>::parse("!plum,aple").unwrap_err();
        assert_eq!(bad.span, 6..10);
        assert!(bad.to_string().ends_with("(did you mean `apple`?)"), "{bad}");
        assert!(Choices::<Fruit>::parse("").is_err());
    }
}
