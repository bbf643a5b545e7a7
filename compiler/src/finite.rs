//! Warnings of numbers that are not finite, since results computed from them mean nothing.

use crate::interp::Array;

/// The count of numbers of `array` that are not finite, and the place of the first, if there are any.
pub fn told(array: &Array) -> Option<String> {
    let values = array.values.as_f32()?;
    let first = values.iter().position(|value| !value.is_finite())?;
    let nans = values.iter().filter(|value| value.is_nan()).count();
    let infinite = values.iter().filter(|value| value.is_infinite()).count();
    let kinds: Vec<String> = [(nans, "NaN"), (infinite, "infinite")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{count} {kind}"))
        .collect();
    let place = place(&array.shape, first);
    let (kinds, all) = (kinds.join(" and "), values.len());
    Some(format!("{kinds} of {all} numbers, the first at {place:?}"))
}

/// The index of the element `at` in an array of `shape`.
fn place(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|size| {
            let index = at % size;
            at /= size;
            index
        })
        .collect();
    place.reverse();
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_counted_and_the_first_is_placed() {
        let mut values = vec![0.5; 12];
        assert_eq!(told(&Array::f32([2, 3, 2], values.clone())), None);
        values[7] = f32::INFINITY;
        values[9] = f32::NAN;
        values[11] = f32::NEG_INFINITY;
        let told = told(&Array::f32([2, 3, 2], values));
        assert_eq!(
            told.as_deref(),
            Some("1 NaN and 2 infinite of 12 numbers, the first at [1, 0, 1]")
        );
    }
}
