//! Finds the word that may have been meant.
//!
//! Knows nothing of syscalls or options: it compares letters.

/// `did you mean …?` for the nearest of `words`, if one is near enough.
pub(crate) fn hint<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let limit = match word.chars().count() {
        0..=1 => return None,
        2..=5 => 1,
        6..=9 => 2,
        _ => 3,
    };
    // Words of another length are far without counting.
    let near = words.into_iter().filter(|other| other.len().abs_diff(word.len()) <= limit * 4);
    let near = near.map(|other| (distance(word, other), other)).min_by_key(|(far, _)| *far);
    near.filter(|(far, _)| *far <= limit).map(|(_, other)| format!("did you mean `{other}`?"))
}

/// How many letters must be added, taken, replaced or swapped with their neighbour to make `a` into `b`
/// (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut left = None;
    for (i, letter) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, &other) in b.iter().enumerate() {
            let mut cost = (row[j] + usize::from(letter != other)).min(row[j + 1] + 1).min(next[j] + 1);
            if j > 0 && Some(other) == left && b[j - 1] == letter {
                cost = cost.min(before[j - 1] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
        left = Some(letter);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let words = ["openat", "open", "read", "%file"];
        assert_eq!(hint("opneat", words).as_deref(), Some("did you mean `openat`?"));
        assert_eq!(hint("opan", words).as_deref(), Some("did you mean `open`?"));
        assert_eq!(hint("%fil", words).as_deref(), Some("did you mean `%file`?"));
        assert_eq!(hint("zzzzzz", words), None);
        assert_eq!(hint("", words), None);
    }

    #[test]
    fn distance_counts_a_swap_once() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
