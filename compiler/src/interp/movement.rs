//! Operators that only move elements, of any type.

use crate::interp::Array;
use crate::interp::index::{broadcast_strides, offsets, strides};
use crate::ir::{Pad, PadMode, Slice, Values};

/// Output dimension `i` is input dimension `perm[i]`.
pub(super) fn transpose(perm: &[usize], x: &Array) -> Values {
    let own = strides(&x.shape);
    let turned: Vec<isize> = perm.iter().map(|&dim| own[dim]).collect();
    let shape: Vec<usize> = perm.iter().map(|&dim| x.shape[dim]).collect();
    gather(&x.values, offsets(&shape, 0, &turned))
}

/// Every `step`-th element from `start`, per dimension.
pub(super) fn slice(slice: &Slice, x: &Array, out: &[usize]) -> Values {
    let own = strides(&x.shape);
    let start = own.iter().zip(&slice.starts).map(|(stride, start)| stride * *start as isize).sum();
    let stepped: Vec<isize> =
        own.iter().zip(&slice.steps).map(|(stride, step)| stride * step).collect();
    gather(&x.values, offsets(out, start, &stepped))
}

/// The elements repeated along new and single dimensions.
pub(super) fn expand(x: &Array, out: &[usize]) -> Values {
    gather(&x.values, offsets(out, 0, &broadcast_strides(&x.shape, out)))
}

/// Elements added around `x`, or taken off where a pad is negative.
pub(super) fn pad(pad: &Pad, x: &Array, out: &[usize]) -> Values {
    let own = strides(&x.shape);
    let mut from: Vec<Option<usize>> = vec![Some(0)];
    for dim in 0..out.len() {
        let places =
            (0..out[dim]).map(|i| source(pad.mode, i as isize - pad.before[dim], x.shape[dim]));
        let places: Vec<Option<usize>> = places.collect();
        let step = own[dim] as usize;
        let under = |start: Option<usize>| {
            places.iter().map(move |place| Some(start? + (*place)? * step)).collect::<Vec<_>>()
        };
        from = from.into_iter().flat_map(under).collect();
    }
    let filler = match pad.mode {
        PadMode::Constant(value) => value,
        PadMode::Reflect | PadMode::Edge => 0.0,
    };
    gather_or(&x.values, from.into_iter(), filler)
}

/// Which of `len` elements is shown at `place`; `None` for the filler.
fn source(mode: PadMode, place: isize, len: usize) -> Option<usize> {
    let last = len as isize - 1;
    let place = match mode {
        PadMode::Constant(_) => place,
        PadMode::Edge => place.min(last).max(0),
        PadMode::Reflect if last < 1 => 0,
        PadMode::Reflect => last - (place.rem_euclid(2 * last) - last).abs(),
    };
    usize::try_from(place).ok().filter(|place| *place < len)
}

/// Arrays one after another along `axis`.
pub(super) fn concat(axis: usize, arrays: &[&Array]) -> Result<Values, String> {
    let first = arrays.first().ok_or("reads nothing")?;
    let (mut all, mut starts) = (first.values.clone(), vec![0]);
    for array in &arrays[1..] {
        starts.push(all.len());
        append(&mut all, &array.values)?;
    }
    let inner: usize = first.shape[axis + 1..].iter().product();
    let outer: usize = first.shape[..axis].iter().product();
    let rows = (0..outer).flat_map(|row| arrays.iter().zip(&starts).map(move |pair| (row, pair)));
    let places = rows.flat_map(|(row, (array, start))| {
        let len = array.shape[axis] * inner;
        (0..len).map(move |i| start + row * len + i)
    });
    Ok(gather(&all, places))
}

fn append(all: &mut Values, more: &Values) -> Result<(), String> {
    match (all, more) {
        (Values::F32(all), Values::F32(more)) => all.extend(more),
        (Values::I8(all), Values::I8(more)) => all.extend(more),
        (Values::U8(all), Values::U8(more)) => all.extend(more),
        (Values::I32(all), Values::I32(more)) => all.extend(more),
        (Values::I64(all), Values::I64(more)) => all.extend(more),
        (all, more) => {
            let (all, more) = (all.dtype(), more.dtype());
            return Err(format!("joins {all} and {more}; cast one of them"));
        }
    }
    Ok(())
}

fn gather(values: &Values, from: impl Iterator<Item = usize>) -> Values {
    gather_or(values, from.map(Some), 0.0)
}

fn gather_or(values: &Values, from: impl Iterator<Item = Option<usize>>, filler: f32) -> Values {
    match values {
        Values::F32(v) => Values::F32(from.map(|i| i.map_or(filler, |i| v[i])).collect()),
        Values::I8(v) => Values::I8(from.map(|i| i.map_or(filler as i8, |i| v[i])).collect()),
        Values::U8(v) => Values::U8(from.map(|i| i.map_or(filler as u8, |i| v[i])).collect()),
        Values::I32(v) => Values::I32(from.map(|i| i.map_or(filler as i32, |i| v[i])).collect()),
        Values::I64(v) => Values::I64(from.map(|i| i.map_or(filler as i64, |i| v[i])).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Array {
        Array { shape: vec![2, 3], values: Values::I64(vec![1, 2, 3, 4, 5, 6]) }
    }

    #[test]
    fn transposing_turns_rows_into_columns() {
        assert_eq!(transpose(&[1, 0], &matrix()), Values::I64(vec![1, 4, 2, 5, 3, 6]));
    }

    #[test]
    fn slices_step_forwards_and_backwards() {
        let every_second = Slice { starts: vec![1, 2], steps: vec![-1, -2] };
        assert_eq!(slice(&every_second, &matrix(), &[2, 2]), Values::I64(vec![6, 4, 3, 1]));
    }

    #[test]
    fn expanding_repeats() {
        let row = Array::f32([2, 1], vec![1.0, 2.0]);
        assert_eq!(expand(&row, &[2, 2]), Values::F32(vec![1.0, 1.0, 2.0, 2.0]));
    }

    #[test]
    fn concat_interleaves_rows_of_its_operands() {
        let column = Array { shape: vec![2, 1], values: Values::I64(vec![7, 8]) };
        let joined = concat(1, &[&matrix(), &column]);
        assert_eq!(joined, Ok(Values::I64(vec![1, 2, 3, 7, 4, 5, 6, 8])));
        let float = Array::f32([2, 1], vec![0.0; 2]);
        assert_eq!(
            concat(1, &[&matrix(), &float]),
            Err("joins i64 and f32; cast one of them".into())
        );
    }

    #[test]
    fn pads_fill_mirror_repeat_and_crop() {
        let row = Array::f32([3], vec![1.0, 2.0, 3.0]);
        let padded = |mode, before, after, len| {
            let (before, after) = (vec![before], vec![after]);
            pad(&Pad { before, after, mode }, &row, &[len])
        };
        assert_eq!(padded(PadMode::Constant(9.0), 1, -1, 3), Values::F32(vec![9.0, 1.0, 2.0]));
        assert_eq!(
            padded(PadMode::Reflect, 2, 1, 6),
            Values::F32(vec![3.0, 2.0, 1.0, 2.0, 3.0, 2.0])
        );
        assert_eq!(padded(PadMode::Edge, 1, 1, 5), Values::F32(vec![1.0, 1.0, 2.0, 3.0, 3.0]));
        assert_eq!(padded(PadMode::Constant(0.0), -2, 0, 1), Values::F32(vec![3.0]));
    }
}
