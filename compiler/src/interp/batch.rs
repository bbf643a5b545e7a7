//! Batches along the leading dimension: one part of an array, and parts put together again.

use std::ops::Range;

use crate::interp::Array;
use crate::ir::Values;

/// Part `at` of `parts` equal ones; an array that cannot be cut is left whole, for the graph to refuse.
pub(crate) fn part(array: &Array, at: usize, parts: usize) -> Array {
    let Some((leading, rest)) = array.shape.split_first() else {
        return array.clone();
    };
    if leading % parts != 0 || array.values.is_empty() {
        return array.clone();
    }
    let len = array.values.len() / parts;
    let shape = [&[leading / parts], rest].concat();
    Array { shape, values: stretch(&array.values, at * len..(at + 1) * len) }
}

fn stretch(values: &Values, range: Range<usize>) -> Values {
    match values {
        Values::F32(x) => Values::F32(x[range].to_vec()),
        Values::I8(x) => Values::I8(x[range].to_vec()),
        Values::U8(x) => Values::U8(x[range].to_vec()),
        Values::I32(x) => Values::I32(x[range].to_vec()),
        Values::I64(x) => Values::I64(x[range].to_vec()),
    }
}

/// The answers so far, each with its next part behind it.
pub(crate) fn joined(answers: Vec<Array>, next: &[Array]) -> Vec<Array> {
    let join = |(mut before, next): (Array, &Array)| {
        match (&mut before.values, &next.values) {
            (Values::F32(x), Values::F32(more)) => x.extend(more),
            (Values::I8(x), Values::I8(more)) => x.extend(more),
            (Values::U8(x), Values::U8(more)) => x.extend(more),
            (Values::I32(x), Values::I32(more)) => x.extend(more),
            (Values::I64(x), Values::I64(more)) => x.extend(more),
            (x, more) => unreachable!("one output is {} and then {}", x.dtype(), more.dtype()),
        }
        before.shape[0] += next.shape[0];
        before
    };
    answers.into_iter().zip(next).map(join).collect()
}
