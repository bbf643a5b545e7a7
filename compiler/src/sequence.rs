//! Several calls of a network that keeps state, in one array for each input: a call after another along a leading
//! dimension, which is one more than the input has or a multiple of its own.

use crate::error::{Error, Result};
use crate::interp::{Array, batch};

/// Calls in an array of an input whose shape is known as far as it is given; nothing for an array of another shape.
pub fn calls(array: &[usize], input: &[Option<usize>]) -> Option<usize> {
    let fits = |found: &[usize], declared: &[Option<usize>]| {
        let same = |(found, declared): (&usize, &Option<usize>)| {
            declared.is_none_or(|declared| declared == *found)
        };
        found.len() == declared.len() && found.iter().zip(declared).all(same)
    };
    if fits(array, input) {
        return Some(1);
    }
    let (leading, rest) = array.split_first()?;
    if fits(rest, input) {
        return Some(*leading);
    }
    let (one, behind) = input.split_first()?;
    let one = (*one)?;
    (fits(rest, behind) && one > 0 && leading.is_multiple_of(one)).then(|| leading / one)
}

/// The inputs of each call of a network whose inputs have these shapes; `Err` where they hold different numbers of calls.
pub fn split(inputs: &[Array], shapes: &[Vec<Option<usize>>]) -> Result<Vec<Vec<Array>>> {
    let mut several = None;
    for (input, shape) in inputs.iter().zip(shapes) {
        let found = calls(&input.shape, shape).unwrap_or(1);
        if *several.get_or_insert(found) != found {
            let what = "the inputs hold different numbers of calls; give as many of each";
            return Err(Error::Wiring(what.into()));
        }
    }
    let several = several.unwrap_or(1);
    let call = |at: usize| {
        let of =
            |(input, shape): (&Array, &Vec<Option<usize>>)| part(input, at, several, shape.len());
        inputs.iter().zip(shapes).map(of).collect()
    };
    Ok((0..several).map(call).collect())
}

/// One of so many calls in an array, whose own rank is `rank`.
pub fn part(array: &Array, at: usize, calls: usize, rank: usize) -> Array {
    if calls == 1 && array.shape.len() == rank {
        return array.clone();
    }
    let mut part = batch::part(array, at, calls);
    if part.shape.len() > rank {
        part.shape.remove(0);
    }
    part
}

/// The arrays of several calls as one, a call after another along a dimension of their own; of one call the array itself.
pub fn joined(calls: &[Array]) -> Option<Array> {
    let [first, rest @ ..] = calls else { return None };
    if rest.is_empty() {
        return Some(first.clone());
    }
    let single = |array: &Array| {
        vec![Array { shape: [&[1], array.shape.as_slice()].concat(), ..array.clone() }]
    };
    let all = rest.iter().fold(single(first), |all, next| batch::joined(all, &single(next)));
    all.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_lie_along_a_dimension_of_their_own_or_a_longer_first_one() {
        let shape = [Some(2), Some(3)];
        assert_eq!(calls(&[2, 3], &shape), Some(1));
        assert_eq!(calls(&[30, 2, 3], &shape), Some(30));
        assert_eq!(calls(&[8, 3], &shape), Some(4));
        assert_eq!(calls(&[7, 3], &shape), None);
        assert_eq!(calls(&[9, 3], &[None, Some(3)]), Some(1));
    }

    #[test]
    fn what_is_split_can_be_joined() {
        let all = Array::f32([3, 1, 2], (0..6_u8).map(f32::from).collect());
        let calls = split(std::slice::from_ref(&all), &[vec![Some(1), Some(2)]]);
        let calls: Vec<Array> = calls.expect("it fits").into_iter().flatten().collect();
        assert_eq!(calls[1], Array::f32([1, 2], vec![2.0, 3.0]));
        assert_eq!(joined(&calls), Some(all));
    }
}
