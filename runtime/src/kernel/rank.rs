//! The greatest of a classifier's scores, for callers who want to know no more.
//!
//! Of equal scores the first counts; what is no number counts as less than every number.

/// The index of the greatest score; 0 if there is no number.
pub fn argmax(scores: &[f32]) -> usize {
    let [(class, _)] = top(scores);
    class
}

/// The indices of the `N` greatest scores, each with the score, the greatest first.
///
/// Missing entries, where there are fewer numbers, are `(0, NaN)`.
pub fn top<const N: usize>(scores: &[f32]) -> [(usize, f32); N] {
    let mut best = [(0, f32::NAN); N];
    for (class, score) in scores.iter().enumerate() {
        let better =
            |(_, other): &(usize, f32)| score > other || (other.is_nan() && !score.is_nan());
        let Some(at) = best.iter().position(better) else { continue };
        best[at..].rotate_right(1);
        best[at] = (class, *score);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_first_and_of_equals_the_earlier() {
        let scores = [1.0, 5.0, -2.0, 5.0, f32::NEG_INFINITY, 3.0];
        assert_eq!(argmax(&scores), 1);
        assert_eq!(top::<4>(&scores), [(1, 5.0), (3, 5.0), (5, 3.0), (0, 1.0)]);
    }

    #[test]
    fn what_is_no_number_is_never_best() {
        assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY, f32::NAN]), 1);
        let [first, second] = top(&[f32::NAN, 2.0]);
        assert_eq!(first, (1, 2.0));
        assert!(second.1.is_nan());
        assert_eq!(argmax(&[]), 0);
    }
}
