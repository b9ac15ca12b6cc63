//! “Did you mean …”: the nearest name to a misspelt one.

/// Longest word that is compared, characters. A longer one is not a slip of the finger.
const WORD_CHARS: usize = 64;

/// Letters tried in place of a wrong or missing one.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789-";

/// The candidate nearest to `word`, if it is near enough to be a slip: a third of the letters.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let room = (word.chars().count() / 3).max(1);
    if word.chars().count() > WORD_CHARS {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count() <= WORD_CHARS)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|&(distance, _)| distance <= room)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A word that `exists`, one slip of the finger away from `word`. For names of which only a
/// question can be asked, not a list.
pub(crate) fn one_slip_away(word: &str, exists: impl Fn(&str) -> bool) -> Option<String> {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() > WORD_CHARS {
        return None;
    }
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        let spell = |middle: &[char], after: &[char]| -> String {
            before.iter().chain(middle).chain(after).collect()
        };
        let mut tries = Vec::new();
        if let [first, rest @ ..] = after {
            tries.push(spell(&[], rest));
            if let [second, rest @ ..] = rest {
                tries.push(spell(&[*second, *first], rest));
            }
            tries.extend(ALPHABET.chars().map(|letter| spell(&[letter], rest)));
        }
        tries.extend(ALPHABET.chars().map(|letter| spell(&[letter], after)));
        if let Some(found) = tries.into_iter().find(|found| exists(found)) {
            return Some(found);
        }
    }
    None
}

/// Letters to insert, remove, replace or swap with their neighbour to make `a` into `b` (optimal
/// string alignment).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_letter = None;
    for (row, letter) in a.chars().enumerate() {
        let mut this = vec![row + 1];
        for (column, &other) in b.iter().enumerate() {
            let above = last.get(column + 1).copied().unwrap_or(usize::MAX);
            let diagonal = last.get(column).copied().unwrap_or(usize::MAX);
            let left = this.last().copied().unwrap_or(usize::MAX);
            let mut best = diagonal
                .saturating_add(usize::from(letter != other))
                .min(above.saturating_add(1))
                .min(left.saturating_add(1));
            let other_before = column.checked_sub(1).and_then(|column| b.get(column));
            if previous_letter == Some(other) && other_before == Some(&letter) {
                let swapped = before_last.get(column - 1).copied().unwrap_or(usize::MAX);
                best = best.min(swapped.saturating_add(1));
            }
            this.push(best);
        }
        previous_letter = Some(letter);
        before_last = core::mem::replace(&mut last, this);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_slips_of_a_finger_cost_one() {
        for slip in ["genral", "geneeral", "genaral", "gneeral"] {
            assert_eq!(distance(slip, "general"), 1, "{slip}");
            assert_eq!(nearest(slip, ["business", "general"]), Some("general"));
            let found = one_slip_away(slip, |name| name == "general");
            assert_eq!(found.as_deref(), Some("general"));
        }
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("你好", "你们好"), 1);
    }

    #[test]
    fn a_far_name_is_not_offered() {
        assert_eq!(nearest("survey", ["general", "business"]), None);
        assert_eq!(nearest("", ["general"]), None);
        assert_eq!(nearest(&"a".repeat(65), ["a"]), None);
        assert_eq!(one_slip_away("survey", |name| name == "general"), None);
    }
}
