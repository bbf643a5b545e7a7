//! Names that are similar to a misspelled one, for suggestions in messages.

/// Letters of a name that are compared: the time grows with their square.
const MOST_LETTERS: usize = 80;

/// Up to `most` of `names` that are likest to `wanted`: those first that hold it or are held by it, then those with the
/// fewest letters to change.
pub(crate) fn alike<'a>(
    wanted: &str,
    names: impl Iterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let lower = wanted.to_lowercase();
    let rank = |name: &str| {
        let other = name.to_lowercase();
        let holds = !lower.is_empty() && !other.is_empty();
        let holds = holds && (other.contains(&lower) || lower.contains(&other));
        (!holds, distance(&other, &lower))
    };
    let mut ranked: Vec<_> = names.map(|name| (rank(name), name)).collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(most).map(|(_, name)| name).collect()
}

/// Letters to insert, delete or replace to get from `a` to `b` (Levenshtein), among the first of each.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let [a, b] = [a, b].map(|name| name.chars().take(MOST_LETTERS).collect::<String>());
    strsim::levenshtein(&a, &b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hold_the_word_come_first_then_the_nearest() {
        let names = ["block1.project", "stem", "Stem.bn", "sten", "x", "stem"];
        assert_eq!(alike("STEM", names.into_iter(), 3), ["stem", "Stem.bn", "sten"]);
        assert_eq!(alike("blok1.projekt", names.into_iter(), 1), ["block1.project"]);
        assert_eq!(alike("", names.into_iter(), 1), ["x"]);
    }

    #[test]
    fn letters_are_inserted_deleted_and_replaced() {
        assert_eq!(
            [("", "ab"), ("conv", "con"), ("conv", "cunv")].map(|(a, b)| distance(a, b)),
            [2, 1, 1]
        );
    }
}
