//! Batches along the leading dimension: one part of an array, and parts put together again.

use crate::interp::Array;
use crate::ir::Values;

/// Part `at` of `parts` equal ones; an array that cannot be cut is left whole, for the graph to refuse.
pub(crate) fn part(array: &Array, at: usize, parts: usize) -> Array {
    let (Values::F32(floats), Some((leading, rest))) = (&array.values, array.shape.split_first())
    else {
        return array.clone();
    };
    if leading % parts != 0 || floats.is_empty() {
        return array.clone();
    }
    let len = floats.len() / parts;
    let shape = [&[leading / parts], rest].concat();
    Array::f32(shape, floats[at * len..][..len].to_vec())
}

/// The answers so far, each with its next part behind it.
pub(crate) fn joined(answers: Vec<Array>, next: &[Array]) -> Vec<Array> {
    let join = |(before, next): (Array, &Array)| match (before.values, next.values.as_f32()) {
        (Values::F32(mut floats), Some(more)) => {
            floats.extend(more);
            let mut shape = before.shape;
            shape[0] += next.shape[0];
            Array::f32(shape, floats)
        }
        (values, _) => Array { values, ..before },
    };
    answers.into_iter().zip(next).map(join).collect()
}
