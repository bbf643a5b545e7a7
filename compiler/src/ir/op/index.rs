//! Indexing of elements: strides, and the offsets they give in row-major order of a shape.

use crate::ir::op::reads::View;

/// Elements from one index to the next, per dimension of a row-major array.
pub(crate) fn strides(shape: &[usize]) -> Vec<isize> {
    let inner = |dim: usize| shape[dim + 1..].iter().product::<usize>() as isize;
    (0..shape.len()).map(inner).collect()
}

/// Strides with which an array of `shape` is read as if it had the shape `out`, as numpy broadcasts.
pub(crate) fn broadcast_strides(shape: &[usize], out: &[usize]) -> Vec<isize> {
    let own = strides(shape);
    let along = |dim: usize| match (dim + shape.len()).checked_sub(out.len()) {
        Some(dim) if shape[dim] != 1 => own[dim],
        Some(_) | None => 0,
    };
    (0..out.len()).map(along).collect()
}

/// `f` of each pair of elements, both broadcast to the shape `out`.
pub(crate) fn zip<X: Copy, Y>(
    a: View<'_, X>,
    b: View<'_, X>,
    out: &[usize],
    f: impl Fn(X, X) -> Y,
) -> Vec<Y> {
    let of_a = offsets(out, 0, &broadcast_strides(a.shape, out));
    let of_b = offsets(out, 0, &broadcast_strides(b.shape, out));
    of_a.zip(of_b).map(|(i, j)| f(a.values[i], b.values[j])).collect()
}

/// The offset of each index of `shape`, in row-major order, when index 0 lies at `start`.
pub(crate) fn offsets(shape: &[usize], start: isize, strides: &[isize]) -> Offsets {
    Offsets {
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        index: vec![0; shape.len()],
        at: start,
        left: shape.iter().product(),
    }
}

/// See [`offsets`].
pub(crate) struct Offsets {
    shape: Vec<usize>,
    strides: Vec<isize>,
    index: Vec<usize>,
    at: isize,
    left: usize,
}

impl Iterator for Offsets {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let here = self.at as usize;
        for dim in (0..self.shape.len()).rev() {
            self.index[dim] += 1;
            self.at += self.strides[dim];
            if self.index[dim] < self.shape[dim] {
                break;
            }
            self.at -= self.strides[dim] * self.shape[dim] as isize;
            self.index[dim] = 0;
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_broadcast_from_the_right() {
        let a = View { shape: &[2, 2], values: &[1.0, 2.0, 3.0, 4.0] };
        let b = View { shape: &[2, 1, 1], values: &[10.0, 20.0] };
        let y = zip(a, b, &[2, 2, 2], |a: f32, b| b - a);
        assert_eq!(y, [9.0, 8.0, 7.0, 6.0, 19.0, 18.0, 17.0, 16.0]);
    }

    #[test]
    fn broadcasting_repeats_missing_and_single_dimensions() {
        let strides = broadcast_strides(&[2, 1], &[2, 2, 2]);
        assert_eq!(strides, [0, 1, 0]);
        let read: Vec<usize> = offsets(&[2, 2, 2], 0, &strides).collect();
        assert_eq!(read, [0, 0, 1, 1, 0, 0, 1, 1]);
    }

    #[test]
    fn a_negative_stride_runs_backwards() {
        assert_eq!(offsets(&[3], 5, &[-2]).collect::<Vec<_>>(), [5, 3, 1]);
    }

    #[test]
    fn a_scalar_has_one_offset_and_an_empty_shape_none() {
        assert_eq!(offsets(&[], 0, &[]).count(), 1);
        assert_eq!(offsets(&[2, 0], 0, &[0, 1]).count(), 0);
    }
}
